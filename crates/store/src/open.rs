//! Opens the database, and creates it where there is none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use syncmgr_core::record::LastNumbers;

use crate::fault::{BUSY_HINT, DAMAGED_HINT, DatabaseError, Fault, ReadError, fault};
use crate::names::Names;
use crate::prune::{Cursor, Removed};
use crate::reader::Reader;
use crate::{numbers, schema, sys};

/// How long anybody waits for somebody else who holds the database, unless [`OpenOptions::busy`] says otherwise.
pub const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Prepared statements kept for each connection; more than there are different ones.
const STATEMENTS: usize = 96;

/// Memory for pages of the writer, in KiB, given back after every large transaction; a larger one spills into the
/// write-ahead log. Four times what a turn with 4,096 new items changes.
const WRITER_CACHE_KIB: i64 = 6 * 1024;

/// Memory for pages of a reader, in KiB.
const READER_CACHE_KIB: i64 = 2 * 1024;

/// Size in bytes to which the write-ahead log is cut back after a large transaction.
const WAL_LIMIT_BYTES: i64 = 16 * 1024 * 1024;

/// Pages in the write-ahead log after which it is carried over into the database, each time with the disk waited for: as
/// many as the log may keep, since a large run would otherwise wait every few thousand items.
const CARRY_OVER_PAGES: i64 = 4_000;

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// Every crash of programs. A loss of power or of the operating system may take back the youngest writes, always
    /// whole and in order, and never damages the database (SQLite's `synchronous = NORMAL` in WAL mode). State that is
    /// taken back is found again by a plain run.
    #[default]
    Normal,
    /// Also the loss of power: every write waits for the disk (`synchronous = FULL`).
    Full,
}

/// How to open the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// What an acknowledged write survives.
    pub durability: Durability,
    /// How long to wait for somebody else who holds it.
    pub busy: Duration,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Normal,
            busy: BUSY_WAIT,
        }
    }
}

/// The database could not be opened; nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// There is none, and a reader does not create it.
    #[error("there is no database at {}", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file cannot be created or looked at.
    #[error("cannot create or look at {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is no database, or a malformed one.
    #[error("{} is damaged or no database", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: DatabaseError,
    },
    /// The file is empty or gone, and the write-ahead log beside it is not: opening it would drop what that holds.
    #[error("{} is empty or gone while its write-ahead log is not", path.display())]
    Hollow {
        /// The file.
        path: PathBuf,
    },
    /// What it holds cannot be understood.
    #[error("{} cannot be understood", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ReadError,
    },
    /// It is a database of another program.
    #[error("{} is a database of another program", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A newer syncmgr wrote it.
    #[error("{} has version {found}, and this syncmgr knows versions up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The highest version known here.
        known: i32,
    },
    /// An older syncmgr wrote it, and a reader does not bring it up to date.
    #[error("{} has version {found}, and only the manager brings it to version {known}", path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The version needed here.
        known: i32,
    },
    /// The file system cannot hold a shared write-ahead log.
    #[error("{} lies where no write-ahead log is possible", path.display())]
    NoWal {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else holds it longer than we wait.
    #[error("{} is held by somebody else", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: DatabaseError,
    },
    /// No room on the disk.
    #[error("no room on the disk for {}", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: DatabaseError,
    },
    /// It may not be written.
    #[error("{} may not be written", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: DatabaseError,
    },
    /// SQLite failed otherwise.
    #[error("cannot open {}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: DatabaseError,
    },
    /// Bringing it to the present version failed; it is as it was.
    #[error("cannot bring {} to the present version", path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl OpenStoreError {
    /// What to do about it, when something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Damaged { .. } | Self::Hollow { .. } | Self::Unreadable { .. } => {
                Some(DAMAGED_HINT)
            }
            Self::NotOurs { .. } => Some("move the file away, or choose another SYNCMGR_HOME"),
            Self::Newer { .. } => {
                Some("a newer syncmgr wrote it: use that one, or restore a backup made before it")
            }
            Self::Older { .. } => Some("run any syncmgr command once, or restart the daemon"),
            Self::NoWal { .. } => Some("keep SYNCMGR_HOME on a local file system"),
            Self::Busy { .. } => Some(BUSY_HINT),
            Self::Full { .. } => Some("make room on the disk, then try again"),
            Self::ReadOnly { .. } => Some("check who owns the file and its directory"),
            Self::Missing { .. }
            | Self::File { .. }
            | Self::Database { .. }
            | Self::Migrate { .. } => None,
        }
    }

    fn of(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let kind = fault(&error);
        let source = DatabaseError::from(error);
        match kind {
            Fault::Damaged => Self::Damaged { path, source },
            Fault::Full => Self::Full { path, source },
            Fault::Busy => Self::Busy { path, source },
            Fault::ReadOnly => Self::ReadOnly { path, source },
            Fault::Constraint | Fault::Column | Fault::Rest => Self::Database { path, source },
        }
    }
}

/// The one that writes. There is at most one for a database at a time; the caller's lock on the home sees to that.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    pub(crate) busy: Duration,
    pub(crate) names: Names,
    pub(crate) last: LastNumbers,
    pub(crate) cursor: Cursor,
    pub(crate) removed: Removed,
}

impl Store {
    /// Opens the database, creates it readable for its owner alone where there is none, and brings it to the present
    /// version. Blocks; waits at most [`OpenOptions::busy`] for somebody else.
    ///
    /// # Errors
    /// [`OpenStoreError`]; the file is then as it was.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, OpenStoreError> {
        refuse_hollow(path)?;
        sys::create_private(path).map_err(|source| OpenStoreError::File {
            path: path.to_owned(),
            source,
        })?;
        let at = |error| OpenStoreError::of(path, error);
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, options.busy)?;
        let found = version(path, &connection)?;
        if found > schema::VERSION {
            return Err(OpenStoreError::Newer {
                path: path.to_owned(),
                found,
                known: schema::VERSION,
            });
        }
        let mode: String = connection
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
            .map_err(at)?;
        if mode != "wal" {
            return Err(OpenStoreError::NoWal {
                path: path.to_owned(),
            });
        }
        let synchronous = match options.durability {
            Durability::Normal => "NORMAL",
            Durability::Full => "FULL",
        };
        for (pragma, value) in [("synchronous", synchronous), ("foreign_keys", "ON")] {
            connection.pragma_update(None, pragma, value).map_err(at)?;
        }
        connection
            .pragma_update(None, "cache_size", -WRITER_CACHE_KIB)
            .map_err(at)?;
        connection
            .pragma_update_and_check(None, "journal_size_limit", WAL_LIMIT_BYTES, |_| Ok(()))
            .map_err(at)?;
        connection
            .pragma_update_and_check(None, "wal_autocheckpoint", CARRY_OVER_PAGES, |_| Ok(()))
            .map_err(at)?;
        connection.set_transaction_behavior(TransactionBehavior::Immediate);
        if found < schema::VERSION {
            schema::MIGRATIONS
                .to_latest(&mut connection)
                .map_err(|error| match error {
                    rusqlite_migration::Error::RusqliteError { err, .. }
                        if fault(&err) != Fault::Rest =>
                    {
                        OpenStoreError::of(path, err)
                    }
                    other => OpenStoreError::Migrate {
                        path: path.to_owned(),
                        source: Box::new(other),
                    },
                })?;
        }
        let last = numbers::load(&connection).map_err(|source| OpenStoreError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            busy: options.busy,
            names: Names::default(),
            last,
            cursor: Cursor::default(),
            removed: Removed::default(),
        })
    }

    /// Opens a reader of the same database.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn reader(&self) -> Result<Reader, OpenStoreError> {
        Reader::open_waiting(&self.path, self.busy)
    }

    /// Where the database is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Opens a connection that only reads, of a database of the present version.
pub(crate) fn connect_reader(path: &Path, busy: Duration) -> Result<Connection, OpenStoreError> {
    refuse_hollow(path)?;
    if !path.exists() {
        return Err(OpenStoreError::Missing {
            path: path.to_owned(),
        });
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, busy)?;
    let found = version(path, &connection)?;
    let known = schema::VERSION;
    let path_owned = path.to_owned();
    if found > known {
        return Err(OpenStoreError::Newer {
            path: path_owned,
            found,
            known,
        });
    }
    if found < known {
        return Err(OpenStoreError::Older {
            path: path_owned,
            found,
            known,
        });
    }
    connection
        .pragma_update(None, "cache_size", -READER_CACHE_KIB)
        .map_err(|error| OpenStoreError::of(path, error))?;
    Ok(connection)
}

fn connect(path: &Path, access: OpenFlags, busy: Duration) -> Result<Connection, OpenStoreError> {
    let at = |error| OpenStoreError::of(path, error);
    let connection =
        Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(at)?;
    connection.busy_timeout(busy).map_err(at)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A file from elsewhere must not make SQLite do more than hold rows.
    for (config, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
    ] {
        connection.set_db_config(config, value).map_err(at)?;
    }
    Ok(connection)
}

/// The version of our own database, 0 for one without anything in it.
fn version(path: &Path, connection: &Connection) -> Result<i32, OpenStoreError> {
    let at = |error| OpenStoreError::of(path, error);
    let number = |pragma: &str| -> Result<i32, OpenStoreError> {
        connection
            .pragma_query_value(None, pragma, |row| row.get(0))
            .map_err(at)
    };
    let application = number("application_id")?;
    let version = number("user_version")?;
    let things: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(at)?;
    // Killed before the first migration was through, the file is a database with nothing in it.
    let untouched = application == 0 && version == 0 && things == 0;
    if (application == schema::APPLICATION_ID && version > 0) || untouched {
        Ok(version)
    } else {
        Err(OpenStoreError::NotOurs {
            path: path.to_owned(),
        })
    }
}

/// SQLite would delete a write-ahead log whose database is empty.
fn refuse_hollow(path: &Path) -> Result<(), OpenStoreError> {
    let size = |path: &Path| match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(source) => Err(OpenStoreError::File {
            path: path.to_owned(),
            source,
        }),
    };
    // To SQLite a file of one byte is empty too.
    if size(path)? <= 1 && size(&beside(path, "-wal"))? > 0 {
        return Err(OpenStoreError::Hollow {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// The file whose name is that of the database and `suffix`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
