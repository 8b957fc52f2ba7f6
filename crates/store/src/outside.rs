//! Who reports into open sessions from outside.

use std::time::Duration;

use rusqlite::{Connection, Row, params};
use syncmgr_core::SessionId;
use syncmgr_core::record::OutsideRow;

use crate::columns::Columns;
use crate::fault::ReadError;
use crate::words::Word as _;

/// Selects them, as `t`.
pub(crate) const SELECT_OUTSIDE: &str =
    "SELECT t.session, t.within_ms, t.until_ms, t.attended, t.warned, t.asked FROM outside t ";

/// Keeps one, as long as its session is open.
pub(crate) fn keep(connection: &Connection, row: &OutsideRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO outside (session, within_ms, until_ms, attended, warned, asked)
                 SELECT id, ?2, ?3, ?4, ?5, ?6 FROM sessions WHERE id = ?1 AND closed_ms IS NULL
             ON CONFLICT (session) DO UPDATE SET within_ms = excluded.within_ms, until_ms = excluded.until_ms,
                 attended = excluded.attended, warned = excluded.warned, asked = excluded.asked",
        )?
        .execute(params![
            row.session.0.cast_signed(),
            i64::try_from(row.within.as_millis()).unwrap_or(i64::MAX),
            row.until.0,
            row.attended,
            row.warned,
            row.asked.word(),
        ])?;
    Ok(())
}

/// Forgets the one of a session.
pub(crate) fn forget(connection: &Connection, session: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM outside WHERE session = ?1")?
        .execute([session])?;
    Ok(())
}

/// Reads from [`SELECT_OUTSIDE`].
pub(crate) fn read(row: &Row<'_>) -> Result<OutsideRow, ReadError> {
    let mut c = Columns::new(row, "outside");
    Ok(OutsideRow {
        session: SessionId(c.number("a session")?),
        within: Duration::from_millis(c.number("milliseconds")?),
        until: c.moment()?,
        attended: c.flag()?,
        warned: c.flag()?,
        asked: c.word()?,
    })
}
