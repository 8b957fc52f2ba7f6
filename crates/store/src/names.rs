//! Identifiers as the numbers that the other tables refer to.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use syncmgr_core::{HandlerId, ItemId, ItemRef};

/// Most items whose number is kept in memory, at about 40 bytes each; the others are looked up each time.
const MAX_CACHED_ITEMS: usize = 131_072;

/// Most handlers whose number is kept in memory.
const MAX_CACHED_HANDLERS: usize = 1024;

/// What two spellings of one identifier have in common, exactly as `syncmgr_core` compares them (Sync Center A-29).
pub(crate) fn fold(identifier: &str) -> String {
    if identifier.is_ascii() {
        identifier.to_ascii_uppercase()
    } else {
        identifier.chars().flat_map(char::to_uppercase).collect()
    }
}

/// The numbers known so far, under identifiers as they are spelled in the database. To be cleared when a transaction that may have made some is rolled back, and when some are
/// removed.
#[derive(Debug, Default)]
pub(crate) struct Names {
    handlers: HashMap<HandlerId, i64>,
    items: HashMap<HandlerId, HashMap<ItemId, i64>>,
    /// How many items that are.
    kept: usize,
}

impl Names {
    /// Forgets what is in memory.
    pub(crate) fn clear(&mut self) {
        self.handlers.clear();
        self.items.clear();
        self.kept = 0;
    }

    /// The number of a handler, given now when it has none.
    pub(crate) fn handler(
        &mut self,
        connection: &Connection,
        handler: &HandlerId,
    ) -> rusqlite::Result<i64> {
        match self.handlers.get(handler) {
            Some(&number) => Ok(number),
            None => self.look_up_handler(connection, handler),
        }
    }

    /// As [`Self::handler`], and this spelling is the one shown from now on: the handler itself is stored.
    pub(crate) fn spelled_handler(
        &mut self,
        connection: &Connection,
        handler: &HandlerId,
    ) -> rusqlite::Result<i64> {
        if let Some((known, &number)) = self.handlers.get_key_value(handler)
            && known.as_str() == handler.as_str()
        {
            return Ok(number);
        }
        let number = self.handler(connection, handler)?;
        connection
            .prepare_cached("UPDATE handler_names SET spelling = ?2 WHERE id = ?1")?
            .execute(params![number, handler.as_str()])?;
        if self.handlers.remove(handler).is_some() {
            self.handlers.insert(handler.clone(), number);
        }
        Ok(number)
    }

    fn look_up_handler(
        &mut self,
        connection: &Connection,
        handler: &HandlerId,
    ) -> rusqlite::Result<i64> {
        let known = connection
            .prepare_cached("SELECT id, spelling FROM handler_names WHERE folded = ?1")?
            .query_row([fold(handler.as_str())], number_and_spelling)
            .optional()?;
        let (number, spelled) = match known {
            // One that cannot be an identifier is not kept in memory; reading it fails with an error of its own.
            Some((number, spelling)) => (number, HandlerId::new(&spelling).ok()),
            None => {
                let number = connection
                    .prepare_cached("INSERT INTO handler_names (folded, spelling) VALUES (?1, ?2)")?
                    .insert(params![fold(handler.as_str()), handler.as_str()])?;
                (number, Some(handler.clone()))
            }
        };
        if let Some(spelled) = spelled
            && self.handlers.len() < MAX_CACHED_HANDLERS
        {
            self.handlers.insert(spelled, number);
        }
        Ok(number)
    }

    /// The number of an item, given now when it has none.
    pub(crate) fn item(
        &mut self,
        connection: &Connection,
        item: &ItemRef,
    ) -> rusqlite::Result<i64> {
        match self.known(item) {
            Some((_, number)) => Ok(number),
            None => Ok(self.look_up_item(connection, item)?.0),
        }
    }

    /// As [`Self::item`], and this spelling is the one shown from now on: the item itself is stored.
    pub(crate) fn spelled_item(
        &mut self,
        connection: &Connection,
        item: &ItemRef,
    ) -> rusqlite::Result<i64> {
        let (number, same) = match self.known(item) {
            Some((known, number)) => (number, known.as_str() == item.item.as_str()),
            None => match self.add_item(connection, item)? {
                Some(number) => (number, true),
                None => self.look_up_item(connection, item)?,
            },
        };
        if !same {
            connection
                .prepare_cached("UPDATE item_names SET spelling = ?2 WHERE id = ?1")?
                .execute(params![number, item.item.as_str()])?;
            if let Some(items) = self.items.get_mut(&item.handler)
                && items.remove(&item.item).is_some()
            {
                items.insert(item.item.clone(), number);
            }
        }
        Ok(number)
    }

    /// Gives an item its number; absent when it has one. What is stored and not known here is mostly new, a hundred
    /// thousand of them in a first list, so nothing is looked up before.
    fn add_item(
        &mut self,
        connection: &Connection,
        item: &ItemRef,
    ) -> rusqlite::Result<Option<i64>> {
        let handler = self.handler(connection, &item.handler)?;
        let added = connection
            .prepare_cached(
                "INSERT INTO item_names (handler, folded, spelling) VALUES (?1, ?2, ?3)
                 ON CONFLICT (handler, folded) DO NOTHING",
            )?
            .execute(params![
                handler,
                fold(item.item.as_str()),
                item.item.as_str()
            ])?;
        if added == 0 {
            return Ok(None);
        }
        let number = connection.last_insert_rowid();
        self.keep(item, number);
        Ok(Some(number))
    }

    fn known(&self, item: &ItemRef) -> Option<(&ItemId, i64)> {
        let (known, number) = self.items.get(&item.handler)?.get_key_value(&item.item)?;
        Some((known, *number))
    }

    /// The numbers of the items of one handler, as far as they are in memory: for a whole run of them, whose handler needs to
    /// be looked up once.
    pub(crate) fn of_handler(&self, handler: &HandlerId) -> Option<&HashMap<ItemId, i64>> {
        self.items.get(handler)
    }

    fn keep(&mut self, item: &ItemRef, number: i64) {
        if self.kept < MAX_CACHED_ITEMS {
            let items = self.items.entry(item.handler.clone()).or_default();
            if items.insert(item.item.clone(), number).is_none() {
                self.kept += 1;
            }
        }
    }

    /// The number of an item, and whether it is spelled in the same way.
    fn look_up_item(
        &mut self,
        connection: &Connection,
        item: &ItemRef,
    ) -> rusqlite::Result<(i64, bool)> {
        let handler = self.handler(connection, &item.handler)?;
        let folded = fold(item.item.as_str());
        let known = connection
            .prepare_cached(
                "SELECT id, spelling FROM item_names WHERE handler = ?1 AND folded = ?2",
            )?
            .query_row(params![handler, folded], number_and_spelling)
            .optional()?;
        let (number, same) = match known {
            Some((number, spelling)) => (number, spelling == item.item.as_str()),
            None => {
                let number = connection
                    .prepare_cached(
                        "INSERT INTO item_names (handler, folded, spelling) VALUES (?1, ?2, ?3)",
                    )?
                    .insert(params![handler, folded, item.item.as_str()])?;
                (number, true)
            }
        };
        // Another spelling would be taken for the stored one.
        if same {
            self.keep(item, number);
        }
        Ok((number, same))
    }
}

fn number_and_spelling(row: &Row<'_>) -> rusqlite::Result<(i64, String)> {
    Ok((row.get(0)?, row.get(1)?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_agrees_with_the_comparison_of_identifiers_a_29() {
        let words = [
            "a", "A", "ä", "Ä", "ß", "SS", "\u{17f}", "s", "ı", "i", "İ", "ǆ", "Ǆ",
        ];
        for a in words {
            for b in words {
                let same = HandlerId::new(a).unwrap() == HandlerId::new(b).unwrap();
                assert_eq!(fold(a) == fold(b), same, "{a} {b}");
            }
        }
    }
}
