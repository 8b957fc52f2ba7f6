//! What is kept of items that are absent from the lists of their handlers.

use std::time::Duration;

use rusqlite::{Connection, Row, params};
use syncmgr_core::AbsentRow;

use crate::columns::Columns;
use crate::fault::ReadError;
use crate::texts;

/// Selects absent items, as `t`.
pub(crate) const SELECT_ABSENT: &str =
    "SELECT h.spelling, i.spelling, t.enabled, t.labels, t.freshness_ms, t.since_ms
     FROM absent_items t JOIN item_names i ON i.id = t.item JOIN handler_names h ON h.id = i.handler ";

/// Takes an item out, except its pause and what the row says.
pub(crate) fn keep(connection: &Connection, item: i64, row: &AbsentRow) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM items WHERE item = ?1",
        "DELETE FROM needs WHERE item = ?1",
        "DELETE FROM conflict_lists WHERE item = ?1",
        "DELETE FROM held WHERE item = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([item])?;
    }
    let freshness = row
        .expected_freshness
        .map(|span| i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
    connection
        .prepare_cached(
            "INSERT INTO absent_items (item, enabled, labels, freshness_ms, since_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (item) DO UPDATE SET enabled = excluded.enabled, labels = excluded.labels,
                 freshness_ms = excluded.freshness_ms, since_ms = excluded.since_ms",
        )?
        .execute(params![
            item,
            row.enabled,
            texts::join(row.labels.iter().map(String::as_str)),
            freshness,
            row.since.0,
        ])?;
    Ok(())
}

/// Forgets that an item was absent.
pub(crate) fn forget(connection: &Connection, item: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM absent_items WHERE item = ?1")?
        .execute([item])?;
    Ok(())
}

/// Reads from [`SELECT_ABSENT`].
pub(crate) fn read(row: &Row<'_>) -> Result<AbsentRow, ReadError> {
    let mut c = Columns::new(row, "absent_items");
    Ok(AbsentRow {
        at: c.item()?,
        enabled: c.flag()?,
        labels: c.texts()?.into_iter().collect(),
        expected_freshness: c.number_maybe("milliseconds")?.map(Duration::from_millis),
        since: c.moment()?,
    })
}
