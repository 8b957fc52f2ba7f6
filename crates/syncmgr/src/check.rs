//! `syncmgr check`: finds the handler, has the kit check it, and hands the report to the command line.

use std::error::Error as _;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use syncmgr_cli::{CheckOutcome, CheckReport, CheckRow, CheckStep, CheckSubject, CheckWish};
use syncmgr_conformance::catalogue::CHECKS;
use syncmgr_conformance::{CheckError, Limits, Outcome, Speech, Step, Subject, classes};
use syncmgr_control::registration::HandlerKind;
use syncmgr_control::{ExitCode, Refusal};
use syncmgr_daemon::launch;
use syncmgr_daemon::nature::{self, Nature};
use syncmgr_daemon::place::Environment;

use crate::sys;

/// How long the threads that are still busy when the check is over are waited for.
const END_LIMIT: Duration = Duration::from_secs(1);

/// Checks a handler.
pub(crate) fn check(
    wish: CheckWish,
    comhost: &Path,
    environment: &Environment,
    told: &mut (dyn FnMut(CheckStep) + Send),
) -> Result<CheckReport, Refusal> {
    let only = numbers(&wish.only)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| no_threads().because(&error))?;
    let report = runtime.block_on(made(wish, only, comhost, environment, told));
    runtime.shutdown_timeout(END_LIMIT);
    report
}

/// The wanted numbers as they are spelled.
fn numbers(wanted: &[String]) -> Result<Vec<&'static str>, Refusal> {
    wanted
        .iter()
        .map(|wanted| {
            let found = CHECKS
                .iter()
                .find(|check| check.id.eq_ignore_ascii_case(wanted.trim()));
            found.map(|check| check.id).ok_or_else(|| {
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
    only: Vec<&'static str>,
    comhost: &Path,
    environment: &Environment,
    told: &mut (dyn FnMut(CheckStep) + Send),
) -> Result<CheckReport, Refusal> {
    // Listened to from the first moment on: nothing is begun that would not be removed.
    let mut ending = pin!(sys::told_to_end());
    let found = tokio::select! {
        biased;
        () = &mut ending => return Err(interrupted(None)),
        found = found(wish.subject, comhost, environment) => found,
    };
    let (program, args, speech) = found?;
    let mut limits = Limits::default();
    if let Some(timeout) = wish.timeout_ms {
        limits.work = Duration::from_millis(timeout);
    }
    let subject = Subject {
        program,
        args,
        speech,
        define: wish.define,
        only,
        keep: wish.keep,
        now_ms: wish.now_ms,
        limits,
    };
    let mut told = |step: &Step| {
        told(CheckStep {
            scenario: step.scenario.clone(),
            number: step.number,
            of: step.of,
        });
    };
    let report = syncmgr_conformance::check(&subject, &mut told, ending)
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

async fn found(
    subject: CheckSubject,
    comhost: &Path,
    environment: &Environment,
) -> Result<Found, Refusal> {
    match subject {
        CheckSubject::Command(words) => {
            let mut words = words.into_iter();
            let program = words.next().unwrap_or_default();
            Ok((program.into(), words.collect(), Speech::Messages))
        }
        CheckSubject::Class(class) => match registered(&class, comhost, environment)? {
            Some(found) => Ok(found),
            None if launch::can_be_made(&class) => {
                Ok((installed(comhost)?, vec![class.into()], Speech::Class))
            }
            None => Err(Refusal::new(
                "check::no-class",
                format!("nobody registered the class {class}, neither here nor with the system"),
                "of a library, write: syncmgr check LIBRARY --class CLSID",
            )),
        },
        CheckSubject::Word(word, path) => match registered(&word, comhost, environment) {
            Ok(Some(found)) => Ok(found),
            _ if path.exists() => named(path, None, comhost).await,
            Err(refusal) => Err(refusal),
            Ok(None) => Err(Refusal::new(
                "handler::not-registered",
                format!("no handler `{word}` is registered, and no file here is called so"),
                "`syncmgr handlers` shows what is registered; a program of PATH follows after --",
            )),
        },
        CheckSubject::Path(path, class) => named(path, class, comhost).await,
    }
}

/// What runs for a registered handler.
fn registered(
    handler: &str,
    comhost: &Path,
    environment: &Environment,
) -> Result<Option<Found>, Refusal> {
    let Some((launch, kind)) = launch::registered(handler, environment)? else {
        return Ok(None);
    };
    let args = launch.args.iter().map(OsString::from).collect();
    Ok(Some(match kind {
        HandlerKind::BuiltIn | HandlerKind::Command => (launch.program, args, Speech::Messages),
        HandlerKind::Library | HandlerKind::Class => (installed(comhost)?, args, Speech::Class),
    }))
}

/// A file, which its content says the kind of, as when it is registered.
async fn named(path: PathBuf, class: Option<String>, comhost: &Path) -> Result<Found, Refusal> {
    // Who starts what cannot be read says why it cannot.
    let program = nature::of(&path).map_or(true, |nature| nature == Nature::Program);
    if program && class.is_none() {
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

/// The one class that a library names.
async fn only_class(comhost: &Path, library: &Path) -> Result<String, Refusal> {
    let refused = |message: String, hint: &str| Refusal::new("check::no-class", message, hint);
    let shown = library.display();
    let mut named = classes(comhost, library).await.map_err(|why| {
        refused(
            format!("the classes of {shown} cannot be told: {why}"),
            "a program must be executable (chmod +x); of a library, name the class with --class, or see: comhost --list",
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
        CheckError::Interrupted { left } => return interrupted(left.as_deref()),
    };
    let refusal = Refusal::new(code, error.to_string(), hint);
    match error.source() {
        Some(cause) => refusal.because(cause),
        None => refusal,
    }
}

fn interrupted(left: Option<&Path>) -> Refusal {
    let hint = match left {
        None => "nothing of it is left; check again".to_owned(),
        Some(left) => format!("what could not be removed in time: {}", left.display()),
    };
    Refusal::new("check::interrupted", "the check was interrupted", hint)
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
