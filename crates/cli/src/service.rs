//! `service`: the daemon as something that the system starts by itself.

use std::path::PathBuf;

use serde_json::json;
use syncmgr_control::{ExitCode, Refusal};

use crate::look::Mark;
use crate::screen::Screen;
use crate::talk::Verdict;
use crate::text::harmless;
use crate::world::Program;

/// What is to be done about the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceAction {
    /// Write its files and have the system start it.
    Install,
    /// Have the system no longer start it, and remove what was written.
    Uninstall,
    /// Say how it stands.
    Status,
}

/// What somebody wants of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceWish {
    /// What.
    pub action: ServiceAction,
    /// Only show what would be written.
    pub print: bool,
    /// Also replace or remove files that somebody else wrote or changed.
    pub force: bool,
    /// Have the system keep it running while nobody is logged on.
    pub linger: bool,
}

/// How a file of the service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceFileState {
    /// It is not there.
    Missing,
    /// It is as it would be written now.
    Current,
    /// We wrote it, and would write something else now.
    Outdated,
    /// We wrote it, and somebody changed it.
    Edited,
    /// Somebody else wrote it.
    Foreign,
}

impl ServiceFileState {
    fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Current => "current",
            Self::Outdated => "outdated",
            Self::Edited => "edited",
            Self::Foreign => "foreign",
        }
    }

    fn mark(self) -> Mark {
        match self {
            Self::Current => Mark::Good,
            Self::Missing => Mark::Off,
            Self::Outdated | Self::Edited | Self::Foreign => Mark::Warning,
        }
    }
}

/// A file of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFile {
    /// Where.
    pub path: PathBuf,
    /// What is, or would be, in it.
    pub text: String,
    /// How it stands, after what was done.
    pub state: ServiceFileState,
    /// It was written or removed just now.
    pub changed: bool,
}

/// How the service stands, after what was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceReport {
    /// What the system calls it.
    pub name: String,
    /// Which system starts it, for people.
    pub system: &'static str,
    /// Its files.
    pub files: Vec<ServiceFile>,
    /// The system starts it by itself; absent: it could not be asked.
    pub enabled: Option<bool>,
    /// It runs now.
    pub running: Option<bool>,
    /// It runs while nobody is logged on; absent where that is not known or not a question.
    pub linger: Option<bool>,
    /// A daemon that is not the service manages the home.
    pub other_daemon: bool,
    /// Why the system could not be asked, as a fragment.
    pub unreachable: Option<String>,
    /// What is left to be typed, in this order.
    pub to_type: Vec<String>,
    /// What a person should know besides.
    pub notes: Vec<String>,
}

impl ServiceReport {
    fn installed(&self) -> bool {
        self.files
            .iter()
            .all(|file| file.state != ServiceFileState::Missing)
    }
}

/// Has the program do it, and prints how the service stands then.
pub(crate) fn service(
    program: &dyn Program,
    wish: ServiceWish,
    screen: &mut Screen,
) -> Result<Verdict, Refusal> {
    let report = program.service(wish)?;
    for file in &report.files {
        screen.object(&json!({
            "path": file.path.display().to_string(),
            "state": file.state.word(),
            "changed": file.changed,
            "text": if wish.print { Some(&file.text) } else { None },
        }));
    }
    if wish.print {
        print_files(&report, screen);
        let sentence = "Nothing was written.";
        return Ok(with_all(
            Verdict::of_list(sentence, ExitCode::Good),
            &report,
        ));
    }
    print_state(&report, screen);
    Ok(with_all(verdict(wish.action, &report), &report))
}

fn print_files(report: &ServiceReport, screen: &mut Screen) {
    if screen.json() {
        return;
    }
    for file in &report.files {
        let path = harmless(&file.path.display().to_string());
        screen.remark(&format!("{path} ({})", file.state.word()));
        screen.lines(file.text.lines().map(harmless));
    }
    for command in &report.to_type {
        screen.remark(&format!("then: {}", harmless(command)));
    }
}

fn print_state(report: &ServiceReport, screen: &mut Screen) {
    if !screen.quiet() {
        let look = screen.look;
        for file in &report.files {
            let path = harmless(&file.path.display().to_string());
            let word = match (file.changed, file.state) {
                (true, ServiceFileState::Missing) => "removed",
                (true, _) => "written",
                (false, state) => state.word(),
            };
            screen.line(format!("{} {path}: {word}", look.mark(file.state.mark())));
        }
        let linger = (report.linger, "runs while nobody is logged on");
        for (answer, what) in [
            (report.enabled, "starts by itself"),
            (report.running, "runs now"),
            linger,
        ] {
            let (mark, answer) = match answer {
                Some(true) => (Mark::Good, "yes"),
                Some(false) => (Mark::Off, "no"),
                None => continue,
            };
            screen.line(format!("{} {what}: {answer}", look.mark(mark)));
        }
    }
    if let Some(because) = &report.unreachable {
        let sentence = format!("{} could not be asked: {because}", report.system);
        screen.wrapped(0, &harmless(&sentence));
    }
    if !screen.quiet() {
        for note in &report.notes {
            screen.wrapped(0, &harmless(note));
        }
    }
    if !report.to_type.is_empty() {
        screen.line("What is left to be typed:");
        screen.lines(
            report
                .to_type
                .iter()
                .map(|command| format!("    {}", harmless(command))),
        );
    }
}

fn verdict(action: ServiceAction, report: &ServiceReport) -> Verdict {
    let system = report.system;
    let changed = report.files.iter().any(|file| file.changed);
    let (sentence, exit) = match action {
        ServiceAction::Install if !report.to_type.is_empty() => (
            "The service is written, but not everything could be done.".to_owned(),
            ExitCode::Warnings,
        ),
        ServiceAction::Install => (
            format!("The service is installed; {system} starts it by itself."),
            ExitCode::Good,
        ),
        ServiceAction::Uninstall if !report.to_type.is_empty() => (
            "The service is removed, but not everything could be done.".to_owned(),
            ExitCode::Warnings,
        ),
        ServiceAction::Uninstall if changed => {
            ("The service is removed.".to_owned(), ExitCode::Good)
        }
        ServiceAction::Uninstall => ("No service was installed.".to_owned(), ExitCode::Good),
        ServiceAction::Status if !report.installed() => (
            if report.other_daemon {
                "The service is not installed; a daemon runs all the same."
            } else {
                "The service is not installed."
            }
            .to_owned(),
            ExitCode::Warnings,
        ),
        ServiceAction::Status if report.other_daemon => (
            "The service does not run, but a daemon that is not it does.".to_owned(),
            ExitCode::Warnings,
        ),
        ServiceAction::Status => match (report.enabled, report.running) {
            (Some(true), Some(true)) => ("The service runs.".to_owned(), ExitCode::Good),
            (_, Some(true)) => (
                "The service runs, and is not started by itself the next time.".to_owned(),
                ExitCode::Warnings,
            ),
            (_, Some(false)) => (
                "The service is installed and does not run.".to_owned(),
                ExitCode::Warnings,
            ),
            (_, None) => (
                "The service is installed; whether it runs is not known.".to_owned(),
                ExitCode::Warnings,
            ),
        },
    };
    let suggestion = match action {
        ServiceAction::Status if !report.installed() => Some("syncmgr service install"),
        ServiceAction::Install if report.to_type.is_empty() => Some("syncmgr service status"),
        _ => None,
    };
    Verdict {
        suggestion: suggestion.map(str::to_owned),
        ..Verdict::said(sentence, exit)
    }
}

fn with_all(verdict: Verdict, report: &ServiceReport) -> Verdict {
    verdict
        .with("service", report.name.clone())
        .with("system", report.system)
        .with("installed", report.installed())
        .with("enabled", report.enabled)
        .with("running", report.running)
        .with("linger", report.linger)
        .with("otherDaemon", report.other_daemon)
        .with("unreachable", report.unreachable.clone())
        .with("toType", report.to_type.clone())
        .with("notes", report.notes.clone())
}
