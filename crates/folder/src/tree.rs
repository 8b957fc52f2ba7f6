//! What can stand in a tree: sides, kinds, times and the metadata of one entry.

/// One of the two roots of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The first root.
    Left,
    /// The second root.
    Right,
}

impl Side {
    /// Both sides, left first.
    pub const BOTH: [Self; 2] = [Self::Left, Self::Right];

    /// Returns the opposite side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    /// Returns the word for this side.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }

    /// Returns the index of this side in an array of two.
    #[must_use]
    pub const fn at(self) -> usize {
        match self {
            Self::Left => 0,
            Self::Right => 1,
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// What an entry of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link; its target is data, it is never followed.
    Link,
    /// A fifo, socket or device; never opened and never synchronized.
    Special,
}

impl Kind {
    /// Returns the word for this kind.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Dir => "directory",
            Self::Link => "symbolic link",
            Self::Special => "special file",
        }
    }
}

/// A point in time of a file system: seconds since 1970 and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Time {
    /// Whole seconds since 1970, negative before.
    pub sec: i64,
    /// Nanoseconds within the second.
    pub nsec: u32,
}

impl Time {
    /// Returns by how many nanoseconds this time lies after another one, saturated.
    #[must_use]
    pub fn nanos_since(self, earlier: Self) -> i128 {
        (i128::from(self.sec) - i128::from(earlier.sec)) * 1_000_000_000 + i128::from(self.nsec)
            - i128::from(earlier.nsec)
    }
}

/// The permission bits that are synchronized.
///
/// Set-user-ID, set-group-ID and sticky bits are local policy: they are never given to a copy and never taken away from
/// an existing entry whose other bits change.
pub const MODE_MASK: u32 = 0o777;

/// The metadata of one entry, taken without following links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// What it is.
    pub kind: Kind,
    /// Permission bits, special bits included.
    pub mode: u32,
    /// Size in bytes; for a link the length of its target.
    pub size: u64,
    /// Time of the last change of the content.
    pub mtime: Time,
    /// Time of the last change of anything, a hint that cannot be forged easily; zero where the system has none.
    pub ctime: Time,
    /// Number of the entry in its file system, a hint; zero where the system has none.
    pub ino: u64,
    /// The file system.
    pub dev: u64,
}

impl Meta {
    /// Returns the permission bits that are synchronized.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.mode & MODE_MASK
    }

    /// Says whether this is certainly still the same entry with the same content and metadata.
    #[must_use]
    pub fn is_still(&self, then: &Self) -> bool {
        self.kind == then.kind
            && self.ino == then.ino
            && self.dev == then.dev
            && match self.kind {
                Kind::Dir => self.bits() == then.bits(),
                Kind::File | Kind::Link | Kind::Special => {
                    self.size == then.size && self.mtime == then.mtime && self.ctime == then.ctime
                }
            }
    }

    /// Says whether this is the same entry with the same content, its name apart; a rename changes the ctime.
    #[must_use]
    pub fn is_moved(&self, then: &Self) -> bool {
        self.kind == then.kind
            && self.ino == then.ino
            && self.size == then.size
            && self.mtime == then.mtime
    }
}

/// A BLAKE3 hash of a file's content or a link's target.
pub type Hash = [u8; 32];

/// How young a ctime may be when it is read before it proves nothing: a later write within the same clock tick of the
/// file system would leave it unchanged. Kernel ticks are at most 10 ms.
const SETTLE_NANOS: i128 = 20_000_000;
/// The same for file systems that keep whole seconds only (two for FAT).
const SETTLE_COARSE_NANOS: i128 = 2_100_000_000;

/// Says whether a ctime read at `now` is old enough to notice every later change.
#[must_use]
pub(crate) fn is_settled(ctime: Time, now: Time) -> bool {
    let wait = if ctime.nsec == 0 {
        SETTLE_COARSE_NANOS
    } else {
        SETTLE_NANOS
    };
    now.nanos_since(ctime) >= wait
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_ctime_proves_nothing() {
        let at = |sec, nsec| Time { sec, nsec };
        assert!(!is_settled(at(10, 5), at(10, 5)));
        assert!(!is_settled(at(10, 5), at(10, 10_000_000)));
        assert!(is_settled(at(10, 5), at(10, 30_000_000)));
        assert!(
            !is_settled(at(10, 0), at(11, 0)),
            "a clock of whole seconds needs longer"
        );
        assert!(is_settled(at(10, 0), at(13, 0)));
        assert!(
            !is_settled(at(20, 5), at(10, 0)),
            "a clock ahead of ours is never trusted"
        );
    }
}
