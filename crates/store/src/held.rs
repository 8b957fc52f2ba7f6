//! What held items back, the last times of each.

use rusqlite::{Connection, params};
use syncmgr_core::record::{HeldRow, MAX_HELD};
use syncmgr_core::{ItemRef, Timestamp};

use crate::columns::Columns;
use crate::fault::ReadError;
use crate::names::find_item;
use crate::open::Store;
use crate::rows;
use crate::words::Word as _;

/// Adds one to those of an item, which ends the one before, and forgets the oldest.
pub(crate) fn add(connection: &Connection, item: i64, row: &HeldRow) -> rusqlite::Result<()> {
    end(connection, item, row.since)?;
    connection
        .prepare_cached(
            "INSERT INTO held (item, since_ms, until_ms, wanted_by, text) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            item,
            row.since.0,
            row.until.map(|at| at.0),
            row.wanted_by.word(),
            row.text,
        ])?;
    connection
        .prepare_cached(
            "DELETE FROM held WHERE item = ?1 AND id <=
                 (SELECT id FROM held WHERE item = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![item, i64::try_from(MAX_HELD).unwrap_or(i64::MAX)])?;
    Ok(())
}

/// Whatever held an item back does so no more.
pub(crate) fn end(connection: &Connection, item: i64, until: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE held SET until_ms = ?2 WHERE item = ?1 AND until_ms IS NULL")?
        .execute(params![item, until.0])?;
    Ok(())
}

impl Store {
    /// What held an item back, youngest first, at most [`MAX_HELD`].
    ///
    /// # Errors
    /// [`ReadError`] when the file is damaged or holds what no syncmgr wrote.
    pub fn held(&self, item: &ItemRef) -> Result<Vec<HeldRow>, ReadError> {
        let Some(number) = find_item(&self.connection, item)? else {
            return Ok(Vec::new());
        };
        rows::all(
            &self.connection,
            "SELECT t.since_ms, t.until_ms, t.wanted_by, t.text FROM held t WHERE t.item = ?1 ORDER BY t.id DESC",
            [number],
            |row| {
                let mut c = Columns::new(row, "held");
                Ok(HeldRow {
                    item: item.clone(),
                    since: c.moment()?,
                    until: c.moment_maybe()?,
                    wanted_by: c.word()?,
                    text: c.text()?,
                })
            },
        )
    }
}
