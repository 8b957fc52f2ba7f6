//! `register`, `unregister`, `handlers` and `invoke`: what may run, and starting it as a program would.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::PathBuf;

use base64::Engine as _;
use serde_json::json;
use syncmgr_control::registration::{
    HandlerKind, MAX_COOKIE_BYTES, NewHandler, RegisterEvent, Runs, class,
};
use syncmgr_control::request::MAX_REQUEST_BYTES;
use syncmgr_control::view::HandlerView;
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::args::EventWord;
use crate::items::how_often;
use crate::look::{Look, Mark};
use crate::question::word;
use crate::steer;
use crate::table::{Cell, Table};
use crate::talk::{Talk, Verdict, ask};
use crate::target::Origin;
use crate::text::{harmless, harmless_lines, pad};
use crate::when;

/// Code of the refusal of a cookie that is larger than any may be.
pub(crate) const COOKIE_TOO_LARGE: &str = "request::cookie-too-large";

/// Lines shown of what a failed handler wrote last.
const SHOWN_DETAIL: usize = 10;

/// What the words name.
///
/// # Errors
/// Words that are not text: they go into a configuration file that is.
pub(crate) fn wanted(
    what: Option<OsString>,
    command: Vec<OsString>,
    classes: Vec<String>,
    origin: Origin<'_>,
) -> Result<NewHandler, Refusal> {
    let runs = match what {
        None => Runs::Command {
            words: command.into_iter().map(as_text).collect::<Result<_, _>>()?,
            directory: as_text(origin.directory.into())?,
        },
        Some(what) => {
            let text = what.to_str();
            match text.and_then(class) {
                Some(class) if classes.is_empty() => Runs::Class { class },
                Some(_) => {
                    return Err(Refusal::new(
                        "cli::usage",
                        "a class has no classes",
                        "write: syncmgr register LIBRARY --class CLSID",
                    ));
                }
                None if text.is_some_and(|text| text.starts_with('{')) => {
                    return Err(bad_class(text.unwrap_or_default()));
                }
                None => Runs::Library {
                    path: as_text(library(what, origin).into_os_string())?,
                    classes,
                },
            }
        }
    };
    Ok(NewHandler {
        runs,
        id: None,
        name: None,
        events: None,
        check: true,
    })
}

/// What should be the identifier of a class, and is none.
pub(crate) fn bad_class(text: &str) -> Refusal {
    Refusal::new(
        "handler::bad-class",
        format!("`{}` is not the identifier of a class", harmless(text)),
        "write it like {12345678-9ABC-DEF0-1234-56789ABCDEF0}",
    )
}

fn library(what: OsString, origin: Origin<'_>) -> PathBuf {
    let rest = what.to_str().and_then(|text| text.strip_prefix("~/"));
    match (rest, origin.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => origin.directory.join(what),
    }
}

fn as_text(word: OsString) -> Result<String, Refusal> {
    word.into_string().map_err(|word| {
        Refusal::new(
            "handler::path-not-text",
            format!("{} is not valid text", harmless(&word.to_string_lossy())),
            "the configuration is text: give the file another name, or a link with one",
        )
    })
}

/// The events that the words name.
pub(crate) fn events(words: Vec<EventWord>) -> Vec<RegisterEvent> {
    let mut events: Vec<RegisterEvent> = words
        .into_iter()
        .map(|word| match word {
            EventWord::Connect => RegisterEvent::Connect,
            EventWord::PendingDisconnect => RegisterEvent::PendingDisconnect,
            EventWord::Idle => RegisterEvent::Idle,
        })
        .collect();
    events.sort_unstable();
    events.dedup();
    events
}

/// The bytes for a handler, in base 64.
///
/// # Errors
/// A file that cannot be read, and more bytes than a handler takes.
pub(crate) fn cookie(
    text: Option<String>,
    file: Option<PathBuf>,
    origin: Origin<'_>,
) -> Result<Option<String>, Refusal> {
    let bytes = match (text, file) {
        (Some(text), _) => text.into_bytes(),
        (None, Some(file)) => {
            let path = origin.directory.join(file);
            let most = u64::try_from(MAX_COOKIE_BYTES).unwrap_or(u64::MAX) + 1;
            let mut bytes = Vec::new();
            std::fs::File::open(&path)
                .and_then(|file| file.take(most).read_to_end(&mut bytes))
                .map_err(|error| {
                    Refusal::new(
                        "cli::cookie",
                        format!("{} cannot be read", harmless(&path.display().to_string())),
                        "check the path",
                    )
                    .because(&error)
                })?;
            bytes
        }
        (None, None) => return Ok(None),
    };
    if bytes.len() > MAX_COOKIE_BYTES {
        return Err(Refusal::new(
            COOKIE_TOO_LARGE,
            format!("the cookie is larger than {MAX_COOKIE_BYTES} bytes"),
            "pass a reference instead of the data",
        ));
    }
    Ok(Some(
        base64::engine::general_purpose::STANDARD.encode(bytes),
    ))
}

/// `register`
pub(crate) async fn register(talk: &mut Talk, new: NewHandler) -> Result<Verdict, Refusal> {
    let done = ask!(talk, Request::Register(new), Reply::Registered(done) => done);
    let look = talk.screen.look;
    for path in &done.absolute {
        talk.screen.line(format!(
            "  {} {} {}",
            harmless(&path.given),
            look.arrow(),
            harmless(&path.path)
        ));
    }
    for word in &done.relative {
        talk.screen.line(format!(
            "  {} stays as it is: it is no file here; the handler runs in another directory",
            harmless(word)
        ));
    }
    let mut words = Vec::new();
    for handler in &done.handlers {
        talk.screen.object(handler);
        let id = harmless(&handler.id);
        let mut word = if handler.name == handler.id {
            id
        } else {
            format!("{id} ({})", harmless(&handler.name))
        };
        if handler.replaced {
            word += ", in the place of an earlier registration";
        }
        words.push(word);
    }
    let first = done.handlers.first().map(|handler| handler.id.clone());
    let mut verdict = Verdict::said(format!("Registered: {}.", words.join("; ")), ExitCode::Good);
    if !done.absolute.is_empty() {
        verdict = verdict.with("absolute", json!(done.absolute));
    }
    if !done.relative.is_empty() {
        verdict = verdict.with("relative", done.relative);
    }
    Ok(match first {
        Some(id) => verdict.suggest(format!("syncmgr sync {}", word(&id))),
        None => verdict,
    })
}

/// What people call a handler: by its id, which is short, unless it is the identifier of a class.
pub(crate) fn handler_label<'a>(id: &'a str, name: &'a str) -> &'a str {
    if class(id).is_some() && !name.is_empty() {
        name
    } else {
        id
    }
}

/// `unregister`
pub(crate) async fn unregister(talk: &mut Talk, id: String) -> Result<Verdict, Refusal> {
    let request = Request::Unregister { id: id.clone() };
    let (names, rules) = ask!(talk, request, Reply::Removed { names, rules } => (names, rules));
    if names.is_empty() {
        return Err(Refusal::new(
            "handler::not-registered",
            format!("no handler `{}` is registered", harmless(&id)),
            "`syncmgr handlers` shows what is",
        ));
    }
    Ok(steer::removed("Unregistered", names, rules))
}

/// `invoke`; bytes that no handler takes are refused, and the manager is told, as if a program had handed them over.
pub(crate) async fn invoke(
    talk: &mut Talk,
    request: Result<Request, Refusal>,
) -> Result<Verdict, Refusal> {
    let request = match request {
        Ok(request) => request,
        Err(refusal) => {
            let misused = Request::Misused {
                obligation: "M-38".to_owned(),
                text: format!("gave a cookie of more than {MAX_COOKIE_BYTES} bytes"),
            };
            // It is refused all the same when nobody is there to record it.
            drop(talk.ask(misused).await);
            return Err(refusal);
        }
    };
    match talk.ask(request).await? {
        Reply::Accepted { request } => Ok(Verdict::said("It was asked for.", ExitCode::Good)
            .suggest("syncmgr runs")
            .with("request", request)),
        Reply::Asked { needs } => {
            let sentence = match needs.as_slice() {
                [] => "There is nothing to ask for.".to_owned(),
                [one] => format!("Question {one} waits for an answer."),
                several => format!("{} questions wait for an answer.", several.len()),
            };
            Ok(Verdict::said(sentence, ExitCode::Good)
                .suggest("syncmgr needs")
                .with("needs", needs))
        }
        _ => Err(crate::talk::unexpected()),
    }
}

/// `ask`: the request of a program that found no manager, such as one that uses the COM server. It is answered in one
/// line as soon as it is taken; the work goes on until the command ends.
pub(crate) async fn carry(
    talk: &mut Talk,
    from: &mut impl std::io::Read,
) -> Result<Verdict, Refusal> {
    let mut text = String::new();
    let most = u64::try_from(MAX_REQUEST_BYTES).unwrap_or(u64::MAX);
    let read = from.take(most).read_to_string(&mut text);
    let request = read
        .map_err(|error| not_carried().because(&error))
        .and_then(|_| serde_json::from_str(&text).map_err(|error| not_carried().because(&error)))
        .and_then(|request| match request {
            Request::Register(_)
            | Request::Unregister { .. }
            | Request::Handlers
            | Request::Invoke { .. }
            | Request::Misused { .. }
            | Request::InvokeAll => Ok(request),
            _ => Err(not_carried()),
        });
    let answer = match request {
        Ok(request) => talk.ask(request).await,
        Err(refusal) => Err(refusal),
    };
    let exit = answer
        .as_ref()
        .map_or_else(|refusal| refusal.exit, |_| ExitCode::Good);
    let mut line = serde_json::to_vec(&answer).map_err(|error| not_carried().because(&error))?;
    line.push(b'\n');
    talk.screen.raw(&line);
    Ok(Verdict::of_list("It was carried.", exit))
}

fn not_carried() -> Refusal {
    Refusal::new(
        "cli::not-a-request",
        "standard input is not one request that programs may make",
        "people have no use for this command; programs use the COM server",
    )
}

/// `handlers`
pub(crate) async fn handlers(talk: &mut Talk) -> Result<Verdict, Refusal> {
    let view = ask!(talk, Request::Handlers, Reply::Handlers(view) => view);
    let look = talk.screen.look;
    let now_ms = talk.now();
    let mut table = Table::new(&["HANDLER", "STATE", "ITEMS", "VERSION", "WHAT"]);
    for handler in &view.handlers {
        talk.screen.object(handler);
        let (mark, state) = state(handler);
        let named = handler.name == handler_label(&handler.id, &handler.name);
        let mut what = if handler.comment.is_empty() && !named {
            handler.name.clone()
        } else {
            handler.comment.clone()
        };
        if handler.built_in {
            what += " (built in)";
        }
        if handler.hidden {
            what += " (hidden)";
        }
        table.row(vec![
            Cell::new(handler_label(&handler.id, &handler.name)),
            Cell::new(format!("{} {state}", look.glyph(mark))).marked(mark),
            Cell::new(handler.items.to_string()),
            Cell::new(&handler.version),
            Cell::new(what.trim_start()),
        ]);
    }
    if view.handlers.is_empty() {
        talk.screen.line("No handlers are registered.");
    } else {
        talk.screen.lines(table.lines(&look));
        let told = |handler: &&HandlerView| !handler.built_in || handler.problem.is_some();
        for handler in view.handlers.iter().filter(told) {
            talk.screen.lines(details(handler, &look, now_ms));
        }
    }
    let number = u64::try_from(view.handlers.len()).unwrap_or(u64::MAX);
    Ok(Verdict::of_list(
        format!("{}.", when::count(number, "handler")),
        ExitCode::Good,
    ))
}

/// `show` of a handler; absent when none is called so.
pub(crate) async fn handler(talk: &mut Talk, name: &str) -> Option<Verdict> {
    let Ok(Reply::Handlers(view)) = talk.ask(Request::Handlers).await else {
        return None;
    };
    let called = |known: &str| known.to_lowercase() == name.to_lowercase();
    let handler = view
        .handlers
        .iter()
        .find(|handler| called(&handler.id) || called(&handler.name))?;
    talk.screen.object(handler);
    let look = talk.screen.look;
    let (mark, state) = state(handler);
    let mut lines = details(handler, &look, talk.now());
    lines.remove(0);
    if let Some(title) = lines.first_mut() {
        *title = format!("{} {title}: {state}", look.mark(mark));
    }
    talk.screen.lines(lines);
    let sentence = format!(
        "{} is a handler: {state}, {}.",
        harmless(&handler.id),
        when::count(handler.items, "item")
    );
    Some(match &handler.problem {
        Some(_) => Verdict::of_list(sentence, ExitCode::Good)
            .suggest(format!("syncmgr log {}", word(&handler.id))),
        None => Verdict::of_list(sentence, ExitCode::Good),
    })
}

fn state(handler: &HandlerView) -> (Mark, &'static str) {
    let registration = &handler.registration;
    match (handler.enabled, handler.active) {
        (false, _) => (Mark::Off, "disabled"),
        (true, false) => (Mark::Waiting, "not set up"),
        (true, true) if registration.problem.is_some() => (Mark::Failed, "cannot start"),
        (true, true) if handler.problem.is_some() => (Mark::Failed, "failed"),
        (true, true) if registration.changed_ms.is_some() => (Mark::Warning, "changed"),
        (true, true) if !handler.asked && !handler.built_in => (Mark::Waiting, "not asked yet"),
        (true, true) => (Mark::Good, "ready"),
    }
}

/// What else is known of a registered handler, below the table.
fn details(handler: &HandlerView, look: &Look, now_ms: i64) -> Vec<String> {
    const NAMES: usize = 14;
    let registration = &handler.registration;
    let kind = match registration.kind {
        HandlerKind::BuiltIn => "built in",
        HandlerKind::Command => "program",
        HandlerKind::Library => "library",
        HandlerKind::Class => "class",
    };
    let label = handler_label(&handler.id, &handler.name);
    let mut lines = vec![String::new(), look.bold(&harmless(label))];
    let mut line = |name: &str, text: String| {
        lines.push(format!("  {}{text}", pad(name, NAMES)));
    };
    line(kind, harmless(&registration.runs));
    if label != handler.id {
        line("id", harmless(&handler.id));
    }
    if let Some(at_ms) = registration.registered_ms {
        line("registered", when::ago(at_ms, now_ms));
    }
    if !registration.events.is_empty() {
        let words: Vec<&str> = registration
            .events
            .iter()
            .map(|event| event.word())
            .collect();
        line("events", words.join(", "));
    }
    if let Some(since_ms) = registration.changed_ms {
        let again = match registration.kind {
            HandlerKind::Command => format!("--id {} -- {}", handler.id, registration.runs),
            // It keeps the identity that it was given.
            _ => registration.runs.replacen(" {", " --class {", 1),
        };
        line(
            "changed",
            format!(
                "it is no longer what was registered; seen {}. If that is right: syncmgr register {}",
                when::ago(since_ms, now_ms),
                harmless(&again)
            ),
        );
    }
    if let Some(problem) = &registration.problem {
        line("problem", harmless(problem));
    }
    if let Some(problem) = &registration.last_problem {
        let when = registration
            .last_problem_ms
            .map_or_else(String::new, |at| format!(" ({})", when::ago(at, now_ms)));
        line("last warning", harmless(problem) + &when);
    }
    if let Some(problem) = &handler.problem {
        line(
            "failed",
            format!("it {}: {}", problem.step.phrase(), harmless(&problem.text)),
        );
        line("", how_often(problem, now_ms));
        let written = harmless_lines(&problem.detail);
        let from = written.len().saturating_sub(SHOWN_DETAIL);
        for (at, text) in written.into_iter().skip(from).enumerate() {
            line(if at == 0 { "it wrote" } else { "" }, text);
        }
    }
    lines
}
