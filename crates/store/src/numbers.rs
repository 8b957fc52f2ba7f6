//! The highest number used of each kind, kept apart from the rows: rows go, numbers do not come back.

use rusqlite::{Connection, params};
use syncmgr_core::record::LastNumbers;
use syncmgr_core::{EventKind, Record};

use crate::fault::ReadError;

/// Raises `last` by the numbers that the record itself bears. What it only mentions does not count: a person may have
/// typed it.
pub(crate) fn note(last: &mut LastNumbers, record: &Record) {
    match record {
        Record::Session(row) => {
            last.session = last.session.max(row.id.0);
            if let Some(request) = row.request {
                last.request = last.request.max(request.0);
            }
        }
        Record::Run(row) => last.run = last.run.max(row.id.0),
        Record::Log(row) => last.log = last.log.max(row.id.0),
        Record::Need(row) => last.need = last.need.max(row.id.0),
        Record::Event(event) => {
            last.event = last.event.max(event.number.0);
            if let EventKind::RequestQueued { request, .. }
            | EventKind::RequestMerged { request, .. } = &event.kind
            {
                last.request = last.request.max(request.0);
            }
        }
        Record::Handler(_)
        | Record::HandlerGone(_)
        | Record::Item(_)
        | Record::ItemsSucceeded { .. }
        | Record::ClockSet { .. }
        | Record::ItemGone(_)
        | Record::RunItem(_)
        | Record::LogDeleted(_)
        | Record::Conflicts { .. }
        | Record::Pause(_)
        | Record::PauseGone(_)
        | Record::Outside(_)
        | Record::Held(_)
        | Record::HeldUntil { .. }
        | Record::RuleSeen { .. }
        | Record::RuleGone(_)
        | Record::Absent(_)
        | Record::AbsentGone(_)
        | Record::LogDetail { .. } => {}
    }
}

/// The stored kinds.
fn kinds(last: &LastNumbers) -> [(&'static str, u64); 6] {
    [
        ("request", last.request),
        ("session", last.session),
        ("run", last.run),
        ("need", last.need),
        ("log", last.log),
        ("event", last.event),
    ]
}

/// Stores those that rose.
pub(crate) fn store(
    connection: &Connection,
    before: &LastNumbers,
    after: &LastNumbers,
) -> rusqlite::Result<()> {
    for ((kind, before), (_, after)) in kinds(before).into_iter().zip(kinds(after)) {
        if after > before {
            connection
                .prepare_cached(
                    "INSERT INTO numbers (kind, last) VALUES (?1, ?2)
                     ON CONFLICT (kind) DO UPDATE SET last = excluded.last",
                )?
                .execute(params![kind, after.cast_signed()])?;
        }
    }
    Ok(())
}

/// Reads them.
pub(crate) fn load(connection: &Connection) -> Result<LastNumbers, ReadError> {
    let mut last = LastNumbers::default();
    let mut statement = connection.prepare_cached("SELECT kind, last FROM numbers")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut columns = crate::columns::Columns::new(row, "numbers");
        let kind = columns.text()?;
        let number = columns.number("anything")?;
        let place = match kind.as_str() {
            "request" => &mut last.request,
            "session" => &mut last.session,
            "run" => &mut last.run,
            "need" => &mut last.need,
            "log" => &mut last.log,
            "event" => &mut last.event,
            _ => {
                return Err(ReadError::UnknownWord {
                    table: "numbers",
                    value: kind,
                });
            }
        };
        *place = number;
    }
    Ok(last)
}
