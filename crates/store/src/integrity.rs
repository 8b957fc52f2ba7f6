//! Looks for damage and measures, for `syncmgr doctor`.

use std::fmt;
use std::path::PathBuf;

use rusqlite::Connection;

use crate::fault::{Fault, ReadError, fault};
use crate::open::{Store, beside};
use crate::{schema, sys};

/// Most findings of each check; a file that is damaged is damaged in many places.
pub const MAX_FINDINGS: usize = 20;

/// One thing found out about the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The file is malformed there, in SQLite's words.
    Damage(String),
    /// A row refers to another that there is not.
    Dangling {
        /// Its table.
        table: String,
        /// The table of the other.
        parent: String,
    },
    /// The file says that it belongs to another program.
    Application(i32),
    /// The version of its schema.
    Version {
        /// What it is.
        found: i32,
        /// What it should be.
        known: i32,
    },
    /// Others than the owner may read it.
    OpenToOthers(PathBuf),
    /// Its size in bytes.
    Size(u64),
    /// The size of its write-ahead log in bytes.
    WalSize(u64),
}

impl Finding {
    /// Whether somebody should do something about it; the rest is for information.
    #[must_use]
    pub fn is_problem(&self) -> bool {
        match self {
            Self::Damage(_)
            | Self::Dangling { .. }
            | Self::Application(_)
            | Self::OpenToOthers(_) => true,
            Self::Version { found, known } => found != known,
            Self::Size(_) | Self::WalSize(_) => false,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damage(text) => write!(f, "damaged: {text}"),
            Self::Dangling { table, parent } => {
                write!(
                    f,
                    "a row of {table} refers to a row of {parent} that is missing"
                )
            }
            Self::Application(id) => write!(f, "marked as the file of another program ({id:#x})"),
            Self::Version { found, known } if found == known => write!(f, "version {found}"),
            Self::Version { found, known } => write!(f, "version {found} instead of {known}"),
            Self::OpenToOthers(path) => {
                write!(f, "{} may be read by other users", path.display())
            }
            Self::Size(bytes) => write!(f, "{bytes} bytes"),
            Self::WalSize(bytes) => write!(f, "{bytes} bytes in the write-ahead log"),
        }
    }
}

impl Store {
    /// Reads the whole database once and tells what is wrong with it, with its version and sizes. Changes nothing; takes
    /// about a second for 100 MiB.
    ///
    /// # Errors
    /// [`ReadError`] when not even that can be done.
    pub fn integrity(&self) -> Result<Vec<Finding>, ReadError> {
        findings(&self.connection)
    }
}

/// See [`Store::integrity`].
pub(crate) fn findings(connection: &Connection) -> Result<Vec<Finding>, ReadError> {
    let mut findings = Vec::new();
    // Damage may make the checks themselves stumble; that is a finding like another.
    for check in [integrity, dangling] {
        if let Err(error) = check(connection, &mut findings) {
            if fault(&error) != Fault::Damaged {
                return Err(error.into());
            }
            findings.push(Finding::Damage(error.to_string()));
        }
    }
    let number = |pragma: &str| -> rusqlite::Result<i32> {
        connection.pragma_query_value(None, pragma, |row| row.get(0))
    };
    let application = number("application_id")?;
    if application != schema::APPLICATION_ID {
        findings.push(Finding::Application(application));
    }
    findings.push(Finding::Version {
        found: number("user_version")?,
        known: schema::VERSION,
    });
    if let Some(path) = connection.path().map(PathBuf::from) {
        let wal = beside(&path, "-wal");
        for file in [&path, &wal] {
            if sys::open_to_others(file).unwrap_or(false) {
                findings.push(Finding::OpenToOthers(file.clone()));
            }
        }
        let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        findings.push(Finding::Size(size(&path)));
        findings.push(Finding::WalSize(size(&wal)));
    }
    Ok(findings)
}

fn integrity(connection: &Connection, findings: &mut Vec<Finding>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({MAX_FINDINGS})"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        if text != "ok" {
            findings.push(Finding::Damage(text));
        }
    }
    Ok(())
}

fn dangling(connection: &Connection, findings: &mut Vec<Finding>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    let mut found = 0;
    while found < MAX_FINDINGS
        && let Some(row) = rows.next()?
    {
        found += 1;
        findings.push(Finding::Dangling {
            table: row.get(0)?,
            parent: row.get(2)?,
        });
    }
    Ok(())
}
