//! Reads the columns of one row in their order, with everything checked that came from disk.

use rusqlite::Row;
use rusqlite::types::FromSql;
use syncmgr_core::item::Counts;
use syncmgr_core::marks::{Mark, Marks};
use syncmgr_core::{HandlerId, ItemId, ItemRef, Timestamp};

use crate::fault::{Fault, ReadError, fault};
use crate::texts;
use crate::words::{Word, set_from_words};

/// Most characters of a wrong value that an error shows.
const SHOWN_CHARS: usize = 80;

/// The columns of one row, taken one after the other.
pub(crate) struct Columns<'r> {
    row: &'r Row<'r>,
    table: &'static str,
    next: usize,
}

impl<'r> Columns<'r> {
    /// Begins with the first column; `table` is for errors.
    pub(crate) fn new(row: &'r Row<'r>, table: &'static str) -> Self {
        Self {
            row,
            table,
            next: 0,
        }
    }

    fn value<T: FromSql>(&mut self) -> Result<T, ReadError> {
        let value = self.row.get(self.next).map_err(|error| {
            if fault(&error) == Fault::Column {
                ReadError::BadValue {
                    table: self.table,
                    source: error.into(),
                }
            } else {
                error.into()
            }
        });
        self.next += 1;
        value
    }

    fn shown(value: &str) -> String {
        value.chars().take(SHOWN_CHARS).collect()
    }

    fn unknown(&self, word: &str) -> ReadError {
        ReadError::UnknownWord {
            table: self.table,
            value: Self::shown(word),
        }
    }

    /// A text.
    pub(crate) fn text(&mut self) -> Result<String, ReadError> {
        self.value()
    }

    /// A text that may be absent.
    pub(crate) fn text_maybe(&mut self) -> Result<Option<String>, ReadError> {
        self.value()
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self) -> Result<bool, ReadError> {
        self.value()
    }

    /// Yes or no, or absent.
    pub(crate) fn flag_maybe(&mut self) -> Result<Option<bool>, ReadError> {
        self.value()
    }

    /// A moment.
    pub(crate) fn moment(&mut self) -> Result<Timestamp, ReadError> {
        self.value().map(Timestamp)
    }

    /// A moment that may be absent.
    pub(crate) fn moment_maybe(&mut self) -> Result<Option<Timestamp>, ReadError> {
        Ok(self.value::<Option<i64>>()?.map(Timestamp))
    }

    /// A count: 64 bits without sign in the 64 bits with sign that SQLite has.
    pub(crate) fn count(&mut self) -> Result<u64, ReadError> {
        Ok(self.value::<i64>()?.cast_unsigned())
    }

    /// A count that may be absent.
    pub(crate) fn count_maybe(&mut self) -> Result<Option<u64>, ReadError> {
        Ok(self.value::<Option<i64>>()?.map(i64::cast_unsigned))
    }

    /// The counts: six that are always told, and four of the sides.
    pub(crate) fn counts(&mut self) -> Result<Counts, ReadError> {
        Ok(Counts {
            sent: self.count()?,
            received: self.count()?,
            deleted: self.count()?,
            conflicts: self.count()?,
            failed: self.count()?,
            bytes: self.count()?,
            created_near: self.count_maybe()?.unwrap_or(0),
            created_far: self.count_maybe()?.unwrap_or(0),
            deleted_near: self.count_maybe()?.unwrap_or(0),
            deleted_far: self.count_maybe()?.unwrap_or(0),
        })
    }

    /// A small number of `what` that may be absent.
    pub(crate) fn small_maybe(&mut self, what: &'static str) -> Result<Option<u32>, ReadError> {
        self.value::<Option<i64>>()?
            .map(|value| self.fits(value, what))
            .transpose()
    }

    /// The number of a `what` that may be absent and is not negative.
    pub(crate) fn number_maybe(&mut self, what: &'static str) -> Result<Option<u64>, ReadError> {
        self.value::<Option<i64>>()?
            .map(|value| self.fits(value, what))
            .transpose()
    }

    /// The number of a `what`, not negative.
    pub(crate) fn number(&mut self, what: &'static str) -> Result<u64, ReadError> {
        let value = self.value::<i64>()?;
        self.fits(value, what)
    }

    fn fits<T: TryFrom<i64>>(&self, value: i64, what: &'static str) -> Result<T, ReadError> {
        T::try_from(value).map_err(|_| ReadError::BadNumber {
            table: self.table,
            what,
            value,
        })
    }

    /// An enumeration.
    pub(crate) fn word<T: Word>(&mut self) -> Result<T, ReadError> {
        let word = self.text()?;
        T::from_word(&word).ok_or_else(|| self.unknown(&word))
    }

    /// An enumeration that may be absent.
    pub(crate) fn word_maybe<T: Word>(&mut self) -> Result<Option<T>, ReadError> {
        self.text_maybe()?
            .map(|word| T::from_word(&word).ok_or_else(|| self.unknown(&word)))
            .transpose()
    }

    /// A word that the caller understands; absent from its list, it is `unknown`.
    pub(crate) fn one_of<T>(
        &mut self,
        understand: impl FnOnce(&str, &mut Self) -> Result<Option<T>, ReadError>,
    ) -> Result<T, ReadError> {
        let word = self.text()?;
        understand(&word, self)?.ok_or_else(|| self.unknown(&word))
    }

    /// A set of an enumeration.
    pub(crate) fn set<T: Word + Mark>(&mut self) -> Result<Marks<T>, ReadError> {
        let words = self.text()?;
        set_from_words(&words).map_err(|word| self.unknown(word))
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self) -> Result<Vec<String>, ReadError> {
        let joined = self.text()?;
        texts::split(&joined).ok_or_else(|| self.bad_list(&joined))
    }

    /// A list of pairs of texts.
    pub(crate) fn pairs<T>(
        &mut self,
        mut pair: impl FnMut(String, String) -> T,
    ) -> Result<Vec<T>, ReadError> {
        let joined = self.text()?;
        let mut members = texts::split(&joined)
            .filter(|members| members.len() % 2 == 0)
            .ok_or_else(|| self.bad_list(&joined))?
            .into_iter();
        let mut pairs = Vec::with_capacity(members.len() / 2);
        while let (Some(first), Some(second)) = (members.next(), members.next()) {
            pairs.push(pair(first, second));
        }
        Ok(pairs)
    }

    fn bad_list(&self, joined: &str) -> ReadError {
        ReadError::BadList {
            table: self.table,
            value: Self::shown(joined),
        }
    }

    fn bad_identifier(&self, text: &str, source: syncmgr_core::id::InvalidId) -> ReadError {
        ReadError::BadIdentifier {
            table: self.table,
            value: Self::shown(text),
            source,
        }
    }

    /// A handler.
    pub(crate) fn handler(&mut self) -> Result<HandlerId, ReadError> {
        let text = self.text()?;
        HandlerId::new(&text).map_err(|source| self.bad_identifier(&text, source))
    }

    /// A handler that may be absent.
    pub(crate) fn handler_maybe(&mut self) -> Result<Option<HandlerId>, ReadError> {
        self.text_maybe()?
            .map(|text| HandlerId::new(&text).map_err(|source| self.bad_identifier(&text, source)))
            .transpose()
    }

    /// An item that may be absent, by its own identifier.
    pub(crate) fn item_id_maybe(&mut self) -> Result<Option<ItemId>, ReadError> {
        self.text_maybe()?
            .map(|text| ItemId::new(&text).map_err(|source| self.bad_identifier(&text, source)))
            .transpose()
    }

    /// An item: its handler, then its own identifier.
    pub(crate) fn item(&mut self) -> Result<ItemRef, ReadError> {
        let handler = self.handler()?;
        let text = self.text()?;
        let item = ItemId::new(&text).map_err(|source| self.bad_identifier(&text, source))?;
        Ok(ItemRef { handler, item })
    }

    /// An item that may be absent: its handler, then its own identifier.
    pub(crate) fn item_maybe(&mut self) -> Result<Option<ItemRef>, ReadError> {
        let handler = self.handler_maybe()?;
        let item = self.item_id_maybe()?;
        Ok(handler
            .zip(item)
            .map(|(handler, item)| ItemRef { handler, item }))
    }
}
