//! Reading what one version of a conflict contains. The request names a conflict and a side, never a path: only what the
//! pair's own list of conflicts names is opened, by no link and within the folder.

use std::io::{self, Read, Seek as _, SeekFrom};

use syncmgr_handler::call::{ReadVersion, VersionPiece};
use thiserror::Error;

use crate::conflict::ConflictSide;
use crate::fs::{self, Dir};
use crate::name;
use crate::pair::{Pair, SyncFault};
use crate::tree::{Kind, Meta, Side};

/// Why a version's content is not shown.
#[derive(Debug, Error)]
pub enum ContentFault {
    /// There is no such conflict, or it is decided.
    #[error("there is no such conflict any more")]
    NoConflict,
    /// The place is none of the two sides.
    #[error("a pair has a left and a right version")]
    NoSide,
    /// There is nothing to read: deleted, a directory or a special file.
    #[error("this version has no content to read")]
    NoContent,
    /// Something else, or nothing, is in its place by now.
    #[error("this version is not there any more")]
    Replaced,
    /// The folder, or the list of conflicts, cannot be used.
    #[error(transparent)]
    Sync(#[from] SyncFault),
    /// It cannot be read.
    #[error("this version cannot be read: {0}")]
    System(io::Error),
}

impl ContentFault {
    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoConflict => "folder::no-conflict",
            Self::NoSide => "folder::choice",
            Self::NoContent => "folder::no-content",
            Self::Replaced => "folder::replaced",
            Self::Sync(fault) => fault.code(),
            Self::System(_) => "folder::unreadable-version",
        }
    }

    /// Returns what may be done about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoConflict | Self::Replaced => "synchronize the pair, which looks at it again",
            Self::NoSide => "choose left or right",
            Self::NoContent => "only files and symbolic links have content to read",
            Self::Sync(fault) => fault.hint(),
            Self::System(_) => "check its permissions, and whether its disk is there",
        }
    }
}

impl From<io::Error> for ContentFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // A directory above it became something else, a link perhaps; that is never followed.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Replaced,
            _ if fs::is_link_error(&error) => Self::Replaced,
            _ => Self::System(error),
        }
    }
}

impl Pair {
    /// Reads a piece of what one version of an open conflict contains.
    ///
    /// # Errors
    /// Where the conflict or the version is gone, has no content or cannot be read.
    pub fn read_version(&self, wish: &ReadVersion) -> Result<VersionPiece, ContentFault> {
        let conflicts = self.conflicts()?;
        let conflict = conflicts
            .into_iter()
            .find(|conflict| conflict.id == wish.conflict)
            .ok_or(ContentFault::NoConflict)?;
        let side = Side::BOTH
            .into_iter()
            .find(|side| side.word() == wish.place)
            .ok_or(ContentFault::NoSide)?;
        let told = conflict.sides[side.at()].ok_or(ContentFault::NoContent)?;
        if !matches!(told.kind, Kind::File | Kind::Link) {
            return Err(ContentFault::NoContent);
        }
        let root = match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        };
        let (above, name) = name::split(&conflict.path);
        let dir = Dir::open_path(root)?.open_dir(above)?;
        read(&dir, name, &told, wish)
    }
}

fn read(
    dir: &Dir,
    name: &[u8],
    told: &ConflictSide,
    wish: &ReadVersion,
) -> Result<VersionPiece, ContentFault> {
    // Looked at before it is opened: opening a device may do something.
    let before = dir.stat(name)?;
    if before.kind != told.kind {
        return Err(ContentFault::Replaced);
    }
    let (piece, after) = if told.kind == Kind::Link {
        (wish.piece_of(&dir.read_link(name)?), dir.stat(name)?)
    } else {
        let mut file = dir.open_file(name)?;
        let opened = fs::file_meta(&file)?;
        if opened.kind != Kind::File {
            return Err(ContentFault::Replaced);
        }
        file.seek(SeekFrom::Start(wish.offset))?;
        let most = u64::try_from(wish.most()).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        Read::take(&mut file, most).read_to_end(&mut bytes)?;
        (
            VersionPiece::new(&bytes, opened.size),
            fs::file_meta(&file)?,
        )
    };
    Ok(VersionPiece {
        modified_ms: Some(
            after.mtime.sec.saturating_mul(1000) + i64::from(after.mtime.nsec / 1_000_000),
        ),
        changed: !is_as_told(&before, told) || !is_as_told(&after, told),
        ..piece
    })
}

fn is_as_told(meta: &Meta, told: &ConflictSide) -> bool {
    meta.kind == told.kind && meta.size == told.size && meta.mtime == told.mtime
}
