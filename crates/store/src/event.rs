//! Events as rows and back.

use rusqlite::{Connection, params};
use syncmgr_core::{
    Event, EventKind, EventNumber, HandlerId, ItemRef, NeedId, RequestId, RunId, SessionId,
};

use crate::columns::Columns;
use crate::fault::ReadError;
use crate::words::Word as _;

/// The columns that [`from_columns`] reads.
pub(crate) const COLUMNS: &str =
    "number, at_ms, kind, handler, item_handler, item, subject, object, word, text";

/// What a kind of event has besides its name.
#[derive(Debug, Default)]
struct Parts<'e> {
    handler: Option<&'e HandlerId>,
    item: Option<&'e ItemRef>,
    subject: Option<u64>,
    object: Option<u64>,
    word: Option<&'static str>,
    text: Option<&'e str>,
}

fn take_apart(kind: &EventKind) -> (&'static str, Parts<'_>) {
    let none = Parts::default();
    match kind {
        EventKind::HandlerRegistered(handler) => (
            "handler-registered",
            Parts {
                handler: Some(handler),
                ..none
            },
        ),
        EventKind::HandlerUnregistered(handler) => (
            "handler-unregistered",
            Parts {
                handler: Some(handler),
                ..none
            },
        ),
        EventKind::ItemAdded(item) => (
            "item-added",
            Parts {
                item: Some(item),
                ..none
            },
        ),
        EventKind::ItemRemoved(item) => (
            "item-removed",
            Parts {
                item: Some(item),
                ..none
            },
        ),
        EventKind::RequestQueued { request, trigger } => (
            "request-queued",
            Parts {
                subject: Some(request.0),
                word: Some(trigger.word()),
                ..none
            },
        ),
        EventKind::RequestMerged { request, into } => (
            "request-merged",
            Parts {
                subject: Some(request.0),
                object: Some(into.0),
                ..none
            },
        ),
        EventKind::RequestEnded { request, outcome } => (
            "request-ended",
            Parts {
                subject: Some(request.0),
                word: Some(outcome.word()),
                ..none
            },
        ),
        EventKind::SessionOpened(session) => (
            "session-opened",
            Parts {
                subject: Some(session.0),
                ..none
            },
        ),
        EventKind::SessionClosed { session, outcome } => (
            "session-closed",
            Parts {
                subject: Some(session.0),
                word: Some(outcome.word()),
                ..none
            },
        ),
        EventKind::RunOpened { run, handler } => (
            "run-opened",
            Parts {
                subject: Some(run.0),
                handler: Some(handler),
                ..none
            },
        ),
        EventKind::RunClosed { run, outcome } => (
            "run-closed",
            Parts {
                subject: Some(run.0),
                word: Some(outcome.word()),
                ..none
            },
        ),
        EventKind::ItemFinished { run, item, status } => (
            "item-finished",
            Parts {
                subject: Some(run.0),
                item: Some(item),
                word: Some(status.word()),
                ..none
            },
        ),
        EventKind::StopRequested(session) => (
            "stop-requested",
            Parts {
                subject: Some(session.0),
                ..none
            },
        ),
        EventKind::SkipRequested(item) => (
            "skip-requested",
            Parts {
                item: Some(item),
                ..none
            },
        ),
        EventKind::ProtocolViolation { handler, text } => (
            "protocol-violation",
            Parts {
                handler: Some(handler),
                text: Some(text),
                ..none
            },
        ),
        EventKind::InstanceAbandoned(handler) => (
            "instance-abandoned",
            Parts {
                handler: Some(handler),
                ..none
            },
        ),
        EventKind::NeedOpened(need) => (
            "need-opened",
            Parts {
                subject: Some(need.0),
                ..none
            },
        ),
        EventKind::NeedClosed(need) => (
            "need-closed",
            Parts {
                subject: Some(need.0),
                ..none
            },
        ),
        EventKind::ConflictsChanged { item, open } => (
            "conflicts-changed",
            Parts {
                item: Some(item),
                object: Some(*open),
                ..none
            },
        ),
        EventKind::Paused(item) => (
            "paused",
            Parts {
                item: item.as_ref(),
                ..none
            },
        ),
        EventKind::Resumed(item) => (
            "resumed",
            Parts {
                item: item.as_ref(),
                ..none
            },
        ),
        EventKind::LockTakenOver { pid } => (
            "lock-taken-over",
            Parts {
                subject: Some(u64::from(*pid)),
                ..none
            },
        ),
        EventKind::RunInterrupted(run) => (
            "run-interrupted",
            Parts {
                subject: Some(run.0),
                ..none
            },
        ),
        EventKind::EnabledChanged {
            handler,
            item,
            enabled,
        } => (
            "enabled-changed",
            Parts {
                handler: Some(handler),
                item: item.as_ref(),
                object: Some(u64::from(*enabled)),
                ..none
            },
        ),
    }
}

/// Appends an event under its number, which must be new.
pub(crate) fn append(connection: &Connection, number: i64, event: &Event) -> rusqlite::Result<()> {
    let (kind, parts) = take_apart(&event.kind);
    connection
        .prepare_cached(
            "INSERT INTO events (number, at_ms, kind, handler, item_handler, item, subject, object, word, text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            number,
            event.at.0,
            kind,
            parts.handler.map(HandlerId::as_str),
            parts.item.map(|item| item.handler.as_str()),
            parts.item.map(|item| item.item.as_str()),
            parts.subject.map(u64::cast_signed),
            parts.object.map(u64::cast_signed),
            parts.word,
            parts.text,
        ])?;
    Ok(())
}

/// The columns of an event that its kind has or has not.
struct Found {
    handler: Option<HandlerId>,
    item: Option<ItemRef>,
    subject: Option<u64>,
    object: Option<u64>,
    word: Option<String>,
    text: Option<String>,
}

impl Found {
    fn word<T: crate::words::Word>(&self) -> Result<T, ReadError> {
        let word = self.word.as_deref().unwrap_or_default();
        T::from_word(word).ok_or_else(|| unknown(word))
    }
}

fn unknown(word: &str) -> ReadError {
    ReadError::UnknownWord {
        table: "events",
        value: word.chars().take(80).collect(),
    }
}

/// Reads an event from [`COLUMNS`].
pub(crate) fn from_columns(columns: &mut Columns<'_>) -> Result<Event, ReadError> {
    let number = EventNumber(columns.number("an event")?);
    let at = columns.moment()?;
    let kind = columns.text()?;
    let found = Found {
        handler: columns.handler_maybe()?,
        item: columns.item_maybe()?,
        subject: columns.count_maybe()?,
        object: columns.count_maybe()?,
        word: columns.text_maybe()?,
        text: columns.text_maybe()?,
    };
    // A part that is missing makes the event as strange as a kind that is unknown.
    let handler = || found.handler.clone().ok_or_else(|| unknown(&kind));
    let item = || found.item.clone().ok_or_else(|| unknown(&kind));
    let subject = || found.subject.ok_or_else(|| unknown(&kind));
    let object = || found.object.ok_or_else(|| unknown(&kind));
    let kind = match kind.as_str() {
        "handler-registered" => EventKind::HandlerRegistered(handler()?),
        "handler-unregistered" => EventKind::HandlerUnregistered(handler()?),
        "item-added" => EventKind::ItemAdded(item()?),
        "item-removed" => EventKind::ItemRemoved(item()?),
        "request-queued" => EventKind::RequestQueued {
            request: RequestId(subject()?),
            trigger: found.word()?,
        },
        "request-merged" => EventKind::RequestMerged {
            request: RequestId(subject()?),
            into: RequestId(object()?),
        },
        "request-ended" => EventKind::RequestEnded {
            request: RequestId(subject()?),
            outcome: found.word()?,
        },
        "session-opened" => EventKind::SessionOpened(SessionId(subject()?)),
        "session-closed" => EventKind::SessionClosed {
            session: SessionId(subject()?),
            outcome: found.word()?,
        },
        "run-opened" => EventKind::RunOpened {
            run: RunId(subject()?),
            handler: handler()?,
        },
        "run-closed" => EventKind::RunClosed {
            run: RunId(subject()?),
            outcome: found.word()?,
        },
        "item-finished" => EventKind::ItemFinished {
            run: RunId(subject()?),
            item: item()?,
            status: found.word()?,
        },
        "stop-requested" => EventKind::StopRequested(SessionId(subject()?)),
        "skip-requested" => EventKind::SkipRequested(item()?),
        "protocol-violation" => EventKind::ProtocolViolation {
            handler: handler()?,
            text: found.text.clone().ok_or_else(|| unknown(&kind))?,
        },
        "instance-abandoned" => EventKind::InstanceAbandoned(handler()?),
        "need-opened" => EventKind::NeedOpened(NeedId(subject()?)),
        "need-closed" => EventKind::NeedClosed(NeedId(subject()?)),
        "conflicts-changed" => EventKind::ConflictsChanged {
            item: item()?,
            open: object()?,
        },
        "paused" => EventKind::Paused(found.item),
        "resumed" => EventKind::Resumed(found.item),
        "lock-taken-over" => EventKind::LockTakenOver {
            pid: u32::try_from(subject()?).map_err(|_| unknown(&kind))?,
        },
        "run-interrupted" => EventKind::RunInterrupted(RunId(subject()?)),
        "enabled-changed" => EventKind::EnabledChanged {
            handler: handler()?,
            item: found.item.clone(),
            enabled: object()? != 0,
        },
        other => return Err(unknown(other)),
    };
    Ok(Event { number, at, kind })
}
