//! Identifiers as the numbers that the other tables refer to.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use syncmgr_core::{HandlerId, ItemRef};

/// Most items whose number is kept in memory, at about 120 bytes each; the others are looked up each time.
const MAX_CACHED_ITEMS: usize = 32_768;

/// Most handlers whose number is kept in memory.
const MAX_CACHED_HANDLERS: usize = 1024;

/// What two spellings of one identifier have in common, exactly as `syncmgr_core` compares them (Sync Center A-29).
pub(crate) fn fold(identifier: &str) -> String {
    identifier.chars().flat_map(char::to_uppercase).collect()
}

/// The numbers known so far. To be cleared when a transaction that may have made some is rolled back, and when some are
/// removed.
#[derive(Debug, Default)]
pub(crate) struct Names {
    handlers: HashMap<HandlerId, i64>,
    items: HashMap<ItemRef, i64>,
}

impl Names {
    /// Forgets what is in memory.
    pub(crate) fn clear(&mut self) {
        self.handlers.clear();
        self.items.clear();
    }

    /// The number of a handler, given now when it has none.
    pub(crate) fn handler(
        &mut self,
        connection: &Connection,
        handler: &HandlerId,
    ) -> rusqlite::Result<i64> {
        if let Some(&number) = self.handlers.get(handler) {
            return Ok(number);
        }
        let number = match find_handler(connection, handler)? {
            Some(number) => number,
            None => connection
                .prepare_cached("INSERT INTO handler_names (folded, spelling) VALUES (?1, ?2)")?
                .insert(params![fold(handler.as_str()), handler.as_str()])?,
        };
        if self.handlers.len() < MAX_CACHED_HANDLERS {
            self.handlers.insert(handler.clone(), number);
        }
        Ok(number)
    }

    /// The number of an item, given now when it has none.
    pub(crate) fn item(
        &mut self,
        connection: &Connection,
        item: &ItemRef,
    ) -> rusqlite::Result<i64> {
        if let Some(&number) = self.items.get(item) {
            return Ok(number);
        }
        let handler = self.handler(connection, &item.handler)?;
        let folded = fold(item.item.as_str());
        let known = connection
            .prepare_cached("SELECT id FROM item_names WHERE handler = ?1 AND folded = ?2")?
            .query_row(params![handler, folded], |row| row.get(0))
            .optional()?;
        let number = match known {
            Some(number) => number,
            None => connection
                .prepare_cached(
                    "INSERT INTO item_names (handler, folded, spelling) VALUES (?1, ?2, ?3)",
                )?
                .insert(params![handler, folded, item.item.as_str()])?,
        };
        if self.items.len() < MAX_CACHED_ITEMS {
            self.items.insert(item.clone(), number);
        }
        Ok(number)
    }

    /// As [`Self::handler`], and this spelling is the one shown from now on: the handler itself is stored.
    pub(crate) fn spelled_handler(
        &mut self,
        connection: &Connection,
        handler: &HandlerId,
    ) -> rusqlite::Result<i64> {
        let number = self.handler(connection, handler)?;
        connection
            .prepare_cached(
                "UPDATE handler_names SET spelling = ?2 WHERE id = ?1 AND spelling <> ?2",
            )?
            .execute(params![number, handler.as_str()])?;
        Ok(number)
    }

    /// As [`Self::item`], and this spelling is the one shown from now on: the item itself is stored.
    pub(crate) fn spelled_item(
        &mut self,
        connection: &Connection,
        item: &ItemRef,
    ) -> rusqlite::Result<i64> {
        let number = self.item(connection, item)?;
        connection
            .prepare_cached("UPDATE item_names SET spelling = ?2 WHERE id = ?1 AND spelling <> ?2")?
            .execute(params![number, item.item.as_str()])?;
        Ok(number)
    }
}

/// The number of a handler that has one.
pub(crate) fn find_handler(
    connection: &Connection,
    handler: &HandlerId,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM handler_names WHERE folded = ?1")?
        .query_row([fold(handler.as_str())], |row| row.get(0))
        .optional()
}

/// The number of an item that has one.
pub(crate) fn find_item(connection: &Connection, item: &ItemRef) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT i.id FROM item_names i JOIN handler_names h ON h.id = i.handler
             WHERE h.folded = ?1 AND i.folded = ?2",
        )?
        .query_row(
            [fold(item.handler.as_str()), fold(item.item.as_str())],
            |row| row.get(0),
        )
        .optional()
}
