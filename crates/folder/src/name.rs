//! Names and relative paths as bytes, and how they are shown to people.
//!
//! A name is one path component, a path is names joined by `/`, the root is the empty path. Both are the bytes that the
//! file system gave us, never UTF-8 by assumption.

use std::cmp::Ordering;
use std::fmt;

use crate::fs::SHOWN_SEPARATOR;

/// How our own files begin everywhere; nothing that begins like this is user data.
const OUR_PREFIX: &[u8] = b".syncmgr-";
/// The file at each root that says which pairs it belongs to.
pub const MARKER: &str = ".syncmgr-root";
/// The same in bytes.
pub(crate) const MARKER_NAME: &[u8] = MARKER.as_bytes();
/// The directory at a root that keeps versions when the pair's own directory is on another file system.
pub const STORE: &str = ".syncmgr";
/// The same in bytes.
pub(crate) const STORE_NAME: &[u8] = STORE.as_bytes();
/// How every temporary file of ours begins; the tag of the pair and a number follow.
pub(crate) const TEMP_PREFIX: &[u8] = b".syncmgr-tmp-";

/// Says whether a name belongs to this program and is therefore never user data.
#[must_use]
pub fn is_ours(name: &[u8]) -> bool {
    name == STORE_NAME || name.starts_with(OUR_PREFIX)
}

/// Says whether a name can be one component below a root.
#[must_use]
pub(crate) fn is_component(name: &[u8]) -> bool {
    !name.is_empty() && name != b"." && name != b".." && !name.iter().any(|b| *b == b'/' || *b == 0)
}

/// Says whether a path is a sequence of components, the empty path included.
#[must_use]
pub(crate) fn is_relative(path: &[u8]) -> bool {
    path.is_empty() || path.split(|b| *b == b'/').all(is_component)
}

/// Joins a directory's path and a name.
#[must_use]
pub(crate) fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(dir.len() + name.len() + 1);
    path.extend_from_slice(dir);
    if !dir.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// Splits a path into its directory and its last name.
#[must_use]
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// Says whether `path` lies strictly below `dir`.
#[must_use]
pub(crate) fn is_below(path: &[u8], dir: &[u8]) -> bool {
    if dir.is_empty() {
        return !path.is_empty();
    }
    path.len() > dir.len() && path.starts_with(dir) && path[dir.len()] == b'/'
}

/// Orders paths component by component, so that everything below a directory follows it without a gap.
#[must_use]
pub(crate) fn order(a: &[u8], b: &[u8]) -> Ordering {
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    // The separator sorts before every byte that a name can hold.
    let rank = |byte: Option<&u8>| match byte {
        None => 0u16,
        Some(b'/') => 1,
        Some(other) => u16::from(*other) + 2,
    };
    rank(a.get(same)).cmp(&rank(b.get(same)))
}

/// A path or name made harmless for a terminal or a log: control characters, bidirectional overrides and bytes that are
/// no UTF-8 are shown as escapes.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    // Where it stands between names it cannot be part of one.
                    '\\' if SHOWN_SEPARATOR != '\\' => f.write_str("\\\\")?,
                    c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                    c if c.is_control() || is_invisible(c) => {
                        write!(f, "\\u{{{:x}}}", u32::from(c))?
                    }
                    c => f.write_char(c)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Characters that change how their neighbours are drawn, or that cannot be seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Shows a path harmlessly as an owned text.
#[must_use]
pub fn shown(path: &[u8]) -> String {
    Shown(path).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_nasty_names_harmlessly() {
        #[track_caller]
        fn check(bytes: &[u8], text: &str) {
            assert_eq!(shown(bytes), text);
        }
        check(b"", ".");
        check(b"plain name", "plain name");
        check(b"a\nb\tc\r", "a\\nb\\tc\\r");
        check(b"\x1b[31mred\x7f", "\\x1b[31mred\\x7f");
        check(b"\xff\xfe.txt", "\\xff\\xfe.txt");
        check("späß".as_bytes(), "späß");
        check("\u{202e}gnp.exe".as_bytes(), "\\u{202e}gnp.exe");
        check("\u{85}".as_bytes(), "\\u{85}");
        let doubled = if SHOWN_SEPARATOR == '\\' { 1 } else { 2 };
        check(
            b"back\\slash",
            &format!("back{}slash", "\\".repeat(doubled)),
        );
    }

    #[test]
    fn orders_directories_before_everything_that_follows_them() {
        let mut paths: Vec<&[u8]> = vec![
            b"a.b", b"a/b", b"a", b"a/b/c", b"a\x01", b"b", b"", b"a b", b"a/a",
        ];
        paths.sort_by(|a, b| order(a, b));
        let wanted: Vec<&[u8]> = vec![
            b"", b"a", b"a/a", b"a/b", b"a/b/c", b"a\x01", b"a b", b"a.b", b"b",
        ];
        assert_eq!(paths, wanted);
    }

    #[test]
    fn knows_its_own_names() {
        assert!(is_ours(b".syncmgr"));
        assert!(is_ours(b".syncmgr-root"));
        assert!(is_ours(b".syncmgr-tmp-1234-1"));
        assert!(!is_ours(b".syncmgrs"));
        assert!(!is_ours(b".sync"));
        assert!(
            is_below(b"a/b", b"a")
                && !is_below(b"ab", b"a")
                && !is_below(b"a", b"a")
                && is_below(b"a", b"")
        );
        assert!(
            is_relative(b"a/b")
                && is_relative(b"")
                && !is_relative(b"a//b")
                && !is_relative(b"../x")
        );
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"c"), (&b""[..], &b"c"[..]));
    }
}
