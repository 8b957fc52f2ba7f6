//! `report`: what a program tells of its own synchronization, and programs that are run for that.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{Map, Value, json};
use syncmgr_control::report::{
    AttendReport, FailureClass, REPORTS, Report, ReportState, ReportedLine, ReportedView, Wanted,
};
use syncmgr_control::view::{Counts, Level};
use syncmgr_control::{Caller, Changes, ExitCode, Refusal, Reply, Request, Service, span};

use crate::report_args::{Known, LogLevel, Moved, ReportWord, ReportWords};
use crate::talk::{Talk, Verdict, ask};
use crate::text::harmless;

/// The exit code by which a program asks to be run again later (`EX_TEMPFAIL`).
const TRY_AGAIN: i32 = 75;
/// What a shell exits with for a command that is not there, and for one that cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;
/// Between two tries to hold the connection again.
const PAUSE: Duration = Duration::from_secs(5);

/// What `report` comes to.
pub(crate) enum Wish {
    /// Something is told.
    Tell(Box<Told>),
    /// A command is run.
    Accompany(Box<Accompanied>),
}

/// Something is told.
pub(crate) struct Told {
    create: Option<Request>,
    request: Request,
    begins: bool,
}

/// A command is run, and its beginning and end are told.
pub(crate) struct Accompanied {
    create: Option<Request>,
    start: Report,
    command: Vec<OsString>,
}

/// Decides what the words come to.
pub(crate) fn decide(words: ReportWords) -> Result<Wish, Refusal> {
    let ReportWords {
        name,
        known,
        word,
        command,
    } = words;
    let within_ms = known.within.as_deref().map(milliseconds).transpose()?;
    let create = known.create.then(|| creation(&name, &known)).transpose()?;
    let start = Report {
        within_ms,
        ..Report::new(name, ReportState::Start)
    };
    match word {
        Some(_) if !command.is_empty() => Err(usage("either a word or a command, and not both")),
        None if command.is_empty() => Err(usage("say how it stands, or give a command after --")),
        None => Ok(Wish::Accompany(Box::new(Accompanied {
            create,
            start,
            command,
        }))),
        Some(word) => {
            let begins = matches!(word, ReportWord::Start { .. });
            let request = request(word, start, known.run);
            Ok(Wish::Tell(Box::new(Told {
                create,
                request,
                begins,
            })))
        }
    }
}

fn usage(what: &str) -> Refusal {
    Refusal::new("cli::usage", what, "see: syncmgr report --help")
}

fn milliseconds(text: &str) -> Result<u64, Refusal> {
    let span = span::read(text).map_err(|why| {
        Refusal::new(
            "cli::duration",
            why.to_string(),
            format!("write it as {}", span::FORMS),
        )
    })?;
    Ok(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

fn creation(name: &str, known: &Known) -> Result<Request, Refusal> {
    let mut arguments = Map::new();
    for (key, span) in [
        ("freshWithin", &known.fresh_within),
        ("within", &known.within),
    ] {
        if let Some(span) = span {
            milliseconds(span)?;
            arguments.insert(key.to_owned(), Value::String(span.clone()));
        }
    }
    Ok(Request::AddItem {
        handler: REPORTS.to_owned(),
        name: Some(name.to_owned()),
        arguments,
        or_existing: true,
    })
}

fn request(word: ReportWord, start: Report, run: Option<u64>) -> Request {
    let report = |state, text: Option<String>| Report {
        state,
        text,
        run,
        ..start.clone()
    };
    Request::Report(match word {
        ReportWord::Start { text } => report(ReportState::Start, text),
        ReportWord::Progress { value, text, moved } => Report {
            value: value.map(|far| far.value),
            max: value.and_then(|far| far.max),
            counts: counts(moved),
            ..report(ReportState::Progress, text)
        },
        ReportWord::Done { text, moved } => Report {
            counts: counts(moved),
            ..report(ReportState::Done, text)
        },
        ReportWord::Failed {
            reason,
            soft,
            hard: _,
            moved,
        } => Report {
            failure: if soft {
                FailureClass::Soft
            } else {
                FailureClass::Hard
            },
            counts: counts(moved),
            ..report(ReportState::Failed, Some(reason))
        },
        ReportWord::Skipped { text } => report(ReportState::Skipped, text),
        ReportWord::Stopped { text } => report(ReportState::Stopped, text),
        ReportWord::Disconnected { text } => report(ReportState::Disconnected, text),
        ReportWord::Connected => report(ReportState::Connected, None),
        ReportWord::Log {
            level,
            text,
            detail,
        } => {
            return Request::ReportLog(ReportedLine {
                name: start.name,
                run,
                level: match level {
                    LogLevel::Information => Level::Information,
                    LogLevel::Warning => Level::Warning,
                    LogLevel::Error => Level::Error,
                },
                text,
                detail,
            });
        }
    })
}

fn counts(moved: Moved) -> Option<Counts> {
    let Moved {
        sent,
        received,
        deleted,
        conflicts,
        bytes,
    } = moved;
    let said = [sent, received, deleted, conflicts, bytes];
    said.iter().any(Option::is_some).then(|| Counts {
        sent: sent.unwrap_or(0),
        received: received.unwrap_or(0),
        deleted: deleted.unwrap_or(0),
        conflicts: conflicts.unwrap_or(0),
        bytes: bytes.unwrap_or(0),
        ..Counts::default()
    })
}

/// `report NAME WORD`
pub(crate) async fn report(talk: &mut Talk, told: Told) -> Result<Verdict, Refusal> {
    if let Some(create) = told.create {
        ask!(talk, create, Reply::Added(_) => ());
    }
    let view = ask!(talk, told.request, Reply::Reported(view) => view);
    let name = harmless(&view.name);
    let verdict = match view.wanted {
        Wanted::Skip | Wanted::Stop if !view.over => Verdict::said(
            format!("A person wants {name} stopped."),
            ExitCode::Warnings,
        ),
        _ if told.begins => {
            let run = view.run.unwrap_or_default();
            Verdict::said(format!("Run {run} of {name} is open."), ExitCode::Good)
        }
        _ => Verdict::of_list("Told.", ExitCode::Good),
    };
    Ok(verdict
        .with("name", view.name)
        .with("run", view.run)
        .with("wanted", json!(view.wanted)))
}

/// `report NAME -- COMMAND`: the command's own output, and its own exit code.
pub(crate) async fn accompany(talk: &mut Talk, wish: Accompanied) -> Result<Verdict, Refusal> {
    let Accompanied {
        create,
        start,
        command,
    } = wish;
    let Some((program, arguments)) = command.split_first() else {
        return Err(usage("give a command after --"));
    };
    // From here on, being told to end is passed on.
    let mut signals = crate::sys::passed_on();
    let run = match begin(talk, create, start.clone()).await {
        Ok(view) => view.run,
        Err(refusal) if is_mistake(&refusal) => return Err(refusal),
        Err(refusal) => {
            talk.screen
                .remark(&format!("it runs, and is not reported: {refusal}"));
            None
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "it is no handler: it stays in the foreground, with this terminal and in this group, as under a shell"
    )]
    let mut child = tokio::process::Command::new(program);
    child
        .args(arguments)
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit());
    let mut child = match child.spawn() {
        Ok(child) => child,
        Err(error) => {
            let shown = harmless(&program.to_string_lossy());
            let why = format!("{shown} cannot be run: {error}");
            talk.screen.remark(&why);
            end(
                talk,
                run,
                &start.name,
                ReportState::Failed,
                Some(why),
                FailureClass::Hard,
            )
            .await;
            return Ok(passed_on(match error.kind() {
                std::io::ErrorKind::NotFound => NOT_FOUND,
                _ => NOT_RUN,
            }));
        }
    };
    let mut wanted = Wanted::GoOn;
    let mut attending = attend(talk, run, &start.name, wanted, false);
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            Some(signal) = signals.next() => crate::sys::pass_on(&mut child, signal),
            attended = &mut attending => {
                let again = match attended {
                    Some(view) if view.over => {
                        // A person who insists does not wait for it any more.
                        if view.wanted == Wanted::Stop || wanted == Wanted::Stop {
                            crate::sys::insist(&mut child);
                        }
                        attending = std::future::pending().boxed();
                        continue;
                    }
                    Some(view) => {
                        if view.wanted > wanted {
                            crate::sys::ask_to_end(&mut child);
                        }
                        wanted = view.wanted;
                        false
                    }
                    None => true,
                };
                attending = attend(talk, run, &start.name, wanted, again);
            }
        }
    };
    drop(attending);
    let status = match status {
        Ok(status) => status,
        Err(error) => {
            let why = format!("its end cannot be told: {error}");
            talk.screen.remark(&why);
            end(
                talk,
                run,
                &start.name,
                ReportState::Failed,
                Some(why),
                FailureClass::Soft,
            )
            .await;
            return Ok(passed_on(NOT_RUN));
        }
    };
    let (state, text, class) = ended(status, wanted);
    end(talk, run, &start.name, state, text, class).await;
    Ok(passed_on(code(status)))
}

async fn begin(
    talk: &Talk,
    create: Option<Request>,
    start: Report,
) -> Result<ReportedView, Refusal> {
    if let Some(create) = create {
        ask!(talk, create, Reply::Added(_) => ());
    }
    Ok(ask!(talk, Request::Report(start), Reply::Reported(view) => view))
}

/// Whether nothing should be run: who typed it has to see that first.
fn is_mistake(refusal: &Refusal) -> bool {
    matches!(
        refusal.code.as_str(),
        "name::unknown"
            | "name::ambiguous"
            | "item::exists"
            | "report::definition"
            | "report::own-work"
            | "report::running"
    )
}

/// Holds the connection until something new is wanted; nothing when it was lost.
fn attend(
    talk: &Talk,
    run: Option<u64>,
    name: &str,
    heard: Wanted,
    after_a_pause: bool,
) -> BoxFuture<'static, Option<ReportedView>> {
    let Some(run) = run else {
        return std::future::pending().boxed();
    };
    let request = Request::ReportAttend(AttendReport {
        name: name.to_owned(),
        run: Some(run),
        heard,
    });
    let (service, caller) = (Arc::clone(&talk.service), talk.caller.clone());
    async move {
        if after_a_pause {
            tokio::time::sleep(PAUSE).await;
        }
        match service.call(caller, request).await {
            Ok(Reply::Reported(view)) => Some(view),
            Ok(_) => std::future::pending().await,
            Err(refusal) if refusal.code.starts_with("control::") => None,
            // Another run took its place, or it was removed: nobody wants anything of this one any more.
            Err(_) => std::future::pending().await,
        }
    }
    .boxed()
}

async fn end(
    talk: &mut Talk,
    run: Option<u64>,
    name: &str,
    state: ReportState,
    text: Option<String>,
    failure: FailureClass,
) {
    if run.is_none() {
        return;
    }
    let report = Report {
        run,
        text,
        failure,
        ..Report::new(name, state)
    };
    match talk.ask(Request::Report(report)).await {
        // It was given up meanwhile, which is on record.
        Err(refusal) if refusal.code == "report::not-open" => {}
        Err(refusal) => talk
            .screen
            .remark(&format!("its end is not reported: {refusal}")),
        Ok(_) => {}
    }
}

/// What the end of a command means.
fn ended(status: ExitStatus, wanted: Wanted) -> (ReportState, Option<String>, FailureClass) {
    let how = match status.code() {
        Some(code) => format!("exit code {code}"),
        None => match crate::sys::signal_of(status) {
            Some(signal) => format!("killed by signal {signal}"),
            None => status.to_string(),
        },
    };
    let soft = status.code() == Some(TRY_AGAIN) || status.code().is_none();
    let class = if soft {
        FailureClass::Soft
    } else {
        FailureClass::Hard
    };
    match wanted {
        _ if status.success() => (ReportState::Done, None, class),
        Wanted::Stop => (ReportState::Stopped, Some(how), class),
        Wanted::Skip => (ReportState::Skipped, Some(how), class),
        Wanted::GoOn => (ReportState::Failed, Some(how), class),
    }
}

/// The exit code, as a shell tells it.
fn code(status: ExitStatus) -> u8 {
    let code = match (status.code(), crate::sys::signal_of(status)) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => i32::from(NOT_RUN),
    };
    u8::try_from(code).unwrap_or(u8::MAX)
}

fn passed_on(code: u8) -> Verdict {
    Verdict {
        passed_on: Some(code),
        ..Verdict::of_list("It ended.", ExitCode::Good)
    }
}

/// Stands in for a manager that cannot be reached, and refuses everything for that reason.
pub(crate) fn nobody(refusal: Refusal) -> Arc<dyn Service> {
    Arc::new(Nobody(refusal))
}

struct Nobody(Refusal);

impl Service for Nobody {
    fn call(&self, _: Caller, _: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        std::future::ready(Err(self.0.clone())).boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        std::future::ready(Err(self.0.clone())).boxed()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn what_the_end_of_a_command_means() {
        let check = |raw: i32, wanted, state, text: Option<&str>, class, exit: u8| {
            let status = ExitStatus::from_raw(raw);
            let told = (state, text.map(str::to_owned), class);
            assert_eq!(ended(status, wanted), told, "{raw}");
            assert_eq!(code(status), exit, "{raw}");
        };
        use FailureClass::{Hard, Soft};
        use ReportState::{Done, Failed, Skipped, Stopped};
        use Wanted::{GoOn, Skip, Stop};
        check(0, GoOn, Done, None, Hard, 0);
        check(3 << 8, GoOn, Failed, Some("exit code 3"), Hard, 3);
        check(75 << 8, GoOn, Failed, Some("exit code 75"), Soft, 75);
        check(9, GoOn, Failed, Some("killed by signal 9"), Soft, 137);
        check(15, Stop, Stopped, Some("killed by signal 15"), Soft, 143);
        check(1 << 8, Skip, Skipped, Some("exit code 1"), Hard, 1);
        // Work that finished before it heard of the stop may have succeeded.
        check(0, Stop, Done, None, Hard, 0);
    }
}
