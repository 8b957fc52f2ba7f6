//! What can be wrong with the database or with what was read from it.

use rusqlite::ErrorCode;

/// What SQLite said.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct DatabaseError(#[from] rusqlite::Error);

/// The kinds of trouble that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The file is no database, or a malformed one.
    Damaged,
    /// No room on the disk.
    Full,
    /// Somebody else holds it longer than we wait.
    Busy,
    /// It may not be written.
    ReadOnly,
    /// A row contradicts the schema.
    Constraint,
    /// A column holds something of another kind than the schema says.
    Column,
    /// Anything else.
    Rest,
}

/// Tells what kind of trouble it is.
pub(crate) fn fault(error: &rusqlite::Error) -> Fault {
    if matches!(
        error,
        rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
    ) {
        return Fault::Column;
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Fault::Damaged,
        Some(ErrorCode::DiskFull) => Fault::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Fault::Busy,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Fault::ReadOnly,
        Some(ErrorCode::ConstraintViolation) => Fault::Constraint,
        _ => Fault::Rest,
    }
}

/// Reading from the database failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A word that stands for nothing: the file was changed by something else.
    #[error("table {table} holds the unknown word {value:?}")]
    UnknownWord {
        /// The table.
        table: &'static str,
        /// The word, cut to a readable length.
        value: String,
    },
    /// A text that is no identifier.
    #[error("table {table} holds {value:?} as an identifier")]
    BadIdentifier {
        /// The table.
        table: &'static str,
        /// The text, cut to a readable length.
        value: String,
        /// What is wrong with it.
        #[source]
        source: syncmgr_core::id::InvalidId,
    },
    /// A number outside its bounds.
    #[error("table {table} holds {value} as a number of {what}")]
    BadNumber {
        /// The table.
        table: &'static str,
        /// What it should number.
        what: &'static str,
        /// The number.
        value: i64,
    },
    /// A list of texts that cannot be taken apart.
    #[error("table {table} holds the malformed list {value:?}")]
    BadList {
        /// The table.
        table: &'static str,
        /// The text, cut to a readable length.
        value: String,
    },
    /// A value is missing or of another kind than the schema says.
    #[error("table {table} holds a value of the wrong kind")]
    BadValue {
        /// The table.
        table: &'static str,
        /// Which.
        #[source]
        source: DatabaseError,
    },
    /// The file is damaged.
    #[error("the database is damaged")]
    Damaged(#[source] DatabaseError),
    /// Somebody else holds the database longer than we wait.
    #[error("the database is held by somebody else")]
    Busy(#[source] DatabaseError),
    /// SQLite failed otherwise.
    #[error("the database cannot be read")]
    Database(#[source] DatabaseError),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        match fault(&error) {
            Fault::Damaged => Self::Damaged(error.into()),
            Fault::Busy => Self::Busy(error.into()),
            Fault::Full | Fault::ReadOnly | Fault::Constraint | Fault::Column | Fault::Rest => {
                Self::Database(error.into())
            }
        }
    }
}

impl ReadError {
    /// What to do about it, when something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::UnknownWord { .. }
            | Self::BadIdentifier { .. }
            | Self::BadNumber { .. }
            | Self::BadList { .. }
            | Self::BadValue { .. }
            | Self::Damaged(_) => Some(DAMAGED_HINT),
            Self::Busy(_) => Some(BUSY_HINT),
            Self::Database(_) => None,
        }
    }
}

/// For everything that looks damaged.
pub(crate) const DAMAGED_HINT: &str =
    "run `syncmgr doctor`; nothing was changed, and synchronized files are not affected";

/// For a database that somebody else holds.
pub(crate) const BUSY_HINT: &str =
    "another program holds the database; wait for it to end, or end it";
