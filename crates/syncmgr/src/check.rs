//! `syncmgr check`: finds the handler, has the kit check it, and hands the report to the command line.

use std::error::Error as _;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use syncmgr_cli::{CheckOutcome, CheckReport, CheckRow, CheckStep, CheckSubject, CheckWish};
use syncmgr_conformance::catalogue::CHECKS;
use syncmgr_conformance::{CheckError, Limits, Outcome, Speech, Subject, classes};
use syncmgr_control::{ExitCode, Refusal};

/// What shared libraries are called, on any system.
const LIBRARIES: [&str; 3] = ["so", "dll", "dylib"];

/// Checks a handler.
pub(crate) fn check(
    wish: CheckWish,
    comhost: &Path,
    told: &mut (dyn FnMut(CheckStep) + Send),
) -> Result<CheckReport, Refusal> {
    let only = numbers(&wish.only)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| no_threads().because(&error))?;
    let mut report = runtime.block_on(async {
        tokio::select! {
            report = made(wish, comhost, told) => report,
            // Dropping the check ends its process and removes what it wrote.
            _ = tokio::signal::ctrl_c() => Err(Refusal::new(
                "check::interrupted",
                "the check was interrupted",
                "nothing of it is left; check again",
            )),
        }
    })?;
    report
        .rows
        .retain(|row| only.is_empty() || only.contains(&row.id));
    Ok(report)
}

/// The wanted numbers as they are spelled.
fn numbers(wanted: &[String]) -> Result<Vec<String>, Refusal> {
    wanted
        .iter()
        .map(|wanted| {
            let found = CHECKS
                .iter()
                .find(|check| check.id.eq_ignore_ascii_case(wanted.trim()));
            found.map(|check| check.id.to_owned()).ok_or_else(|| {
                Refusal::new(
                    "check::no-such-number",
                    format!("`{wanted}` is no obligation that is checked"),
                    "docs/check.md lists them, such as H-34 or J-09",
                )
            })
        })
        .collect()
}

async fn made(
    wish: CheckWish,
    comhost: &Path,
    told: &mut (dyn FnMut(CheckStep) + Send),
) -> Result<CheckReport, Refusal> {
    let (program, args, speech) = found(wish.subject, comhost).await?;
    let mut limits = Limits::default();
    if let Some(timeout) = wish.timeout_ms {
        limits.work = Duration::from_millis(timeout);
    }
    let subject = Subject {
        program,
        args,
        speech,
        define: wish.define,
        keep: wish.keep,
        now_ms: wish.now_ms,
        limits,
    };
    let report = syncmgr_conformance::check(&subject, &mut |step| {
        told(CheckStep {
            scenario: step.scenario.clone(),
            number: step.number,
            of: step.of,
        });
    })
    .await
    .map_err(|error| refusal(&error))?;
    Ok(CheckReport {
        name: report.name,
        instances: report.instances,
        kept: report.kept,
        rows: report
            .rows
            .into_iter()
            .map(|row| CheckRow {
                id: row.id.to_owned(),
                requirement: row.requirement.to_owned(),
                outcome: match row.outcome {
                    Outcome::Passed => CheckOutcome::Passed,
                    Outcome::Warned => CheckOutcome::Warned,
                    Outcome::Failed => CheckOutcome::Failed,
                    Outcome::NotApplicable => CheckOutcome::NotApplicable,
                },
                seen: row.seen,
            })
            .collect(),
    })
}

type Found = (PathBuf, Vec<OsString>, Speech);

async fn found(subject: CheckSubject, comhost: &Path) -> Result<Found, Refusal> {
    match subject {
        CheckSubject::Command(words) => {
            let mut words = words.into_iter();
            let program = words.next().unwrap_or_default();
            Ok((program.into(), words.collect(), Speech::Messages))
        }
        CheckSubject::Class(class) => {
            let comhost = installed(comhost)?;
            Ok((comhost, vec![class.into()], Speech::Class))
        }
        CheckSubject::Path(path, class) => {
            let library = path.extension().and_then(OsStr::to_str).is_some_and(|end| {
                LIBRARIES
                    .iter()
                    .any(|known| end.eq_ignore_ascii_case(known))
            });
            if !library && class.is_none() {
                return Ok((path, Vec::new(), Speech::Messages));
            }
            let comhost = installed(comhost)?;
            let class = match class {
                Some(class) => class,
                None => only_class(&comhost, &path).await?,
            };
            let args = vec!["--library".into(), path.into(), class.into()];
            Ok((comhost, args, Speech::Class))
        }
    }
}

/// The one class that a library names.
async fn only_class(comhost: &Path, library: &Path) -> Result<String, Refusal> {
    let refused = |message: String, hint: &str| Refusal::new("check::no-class", message, hint);
    let shown = library.display();
    let mut named = classes(comhost, library).await.map_err(|why| {
        refused(
            format!("the classes of {shown} cannot be told: {why}"),
            "name the class with --class, or see what is wrong with: comhost --list",
        )
    })?;
    match (named.pop(), named.len()) {
        (Some(class), 0) => Ok(class),
        (None, _) => Err(refused(
            format!("{shown} names no class"),
            "name it with --class",
        )),
        (Some(last), _) => {
            named.push(last);
            Err(refused(
                format!("{shown} has several classes: {}", named.join(", ")),
                "name one with --class",
            ))
        }
    }
}

fn installed(comhost: &Path) -> Result<PathBuf, Refusal> {
    if comhost.is_file() {
        return Ok(comhost.to_owned());
    }
    Err(Refusal::new(
        "check::no-comhost",
        format!(
            "{}, the program that runs COM classes, is not there",
            comhost.display()
        ),
        "install it beside syncmgr, or name it in SYNCMGR_COMHOST",
    ))
}

fn refusal(error: &CheckError) -> Refusal {
    let (code, hint) = match error {
        CheckError::Start(_) => (
            "check::not-started",
            "name a program that exists and may be run; arguments follow after --",
        ),
        CheckError::Scratch(_) => (
            "check::no-scratch",
            "make room in the directory for temporary files, or name another in TMPDIR",
        ),
        CheckError::Define(_) => (
            "check::not-defined",
            "give --define the arguments that the handler's item/define takes",
        ),
    };
    let refusal = Refusal::new(code, error.to_string(), hint);
    match error.source() {
        Some(cause) => refusal.because(cause),
        None => refusal,
    }
}

fn no_threads() -> Refusal {
    Refusal {
        exit: ExitCode::Failed,
        ..Refusal::new(
            "cli::no-threads",
            "the command cannot start its threads",
            "end some programs, or raise the limit of processes of this user",
        )
    }
}
