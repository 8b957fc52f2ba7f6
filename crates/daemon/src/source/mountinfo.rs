//! Reads what is mounted, as `/proc/self/mountinfo` tells it (proc_pid_mountinfo(5)).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Most mounts that are looked at.
pub const MAX_MOUNTS: usize = 100_000;

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// `major:minor` of the file system.
    pub device: String,
    /// Where.
    pub at: PathBuf,
    /// What; for a disk the path of its device.
    pub what: PathBuf,
}

/// Reads the whole text; lines that make no sense are left out.
#[must_use]
pub fn mounts(text: &[u8]) -> Vec<Mount> {
    text.split(|byte| *byte == b'\n')
        .filter_map(mount)
        .take(MAX_MOUNTS)
        .collect()
}

fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = fields.nth(2)?;
    let at = fields.nth(1)?;
    // Optional fields end with a lone dash; then come the type and what is mounted.
    fields.find(|field| *field == b"-")?;
    let what = fields.nth(1)?;
    Some(Mount {
        device: String::from_utf8(device.to_vec()).ok()?,
        at: path(&unescaped(at)),
        what: path(&unescaped(what)),
    })
}

/// Blanks, tabs, line ends and backslashes are written as a backslash and three octal digits.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let octal = (*first == b'\\')
            .then(|| tail.get(..3).and_then(octal))
            .flatten();
        match octal {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(3..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

fn octal(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(text, 8).ok()
}

/// How a label is spelt in the name of a link below `/dev/disk`: what is no plain character becomes `\x` and two digits.
#[must_use]
pub fn link_name(label: &str) -> String {
    let mut out = String::new();
    for character in label.chars() {
        if character.is_ascii_alphanumeric()
            || "#+-.:=@_".contains(character)
            || !character.is_ascii()
        {
            out.push(character);
        } else {
            out.push_str("\\x");
            for digit in [u32::from(character) >> 4, u32::from(character) & 15] {
                out.extend(char::from_digit(digit, 16));
            }
        }
    }
    out
}

/// Where a mount point or a device is mounted: at the path itself, or wherever the device is.
#[must_use]
pub fn place<'a>(mounts: &'a [Mount], path: &Path, device: Option<&str>) -> Option<&'a Path> {
    let here =
        |mount: &&Mount| mount.at == path || mount.what == path || device == Some(&mount.device);
    mounts.iter().find(here).map(|mount| mount.at.as_path())
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    OsString::from_vec(bytes.to_vec()).into()
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    OsString::from(String::from_utf8_lossy(bytes).into_owned()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        40 22 0:35 / /run/user/1000 rw,nosuid - tmpfs tmpfs rw\n\
        nonsense\n\
        41 22 8:17 /sub /media/my\\040disk\\134x rw shared:2 master:3 - vfat /dev/sdb1 rw\n\
        42 22 8:33 / /cut\\04";

    #[test]
    fn reads_mounts() {
        let mounts = mounts(TEXT);
        assert_eq!(mounts.len(), 3);
        assert_eq!(mounts[2].at, Path::new("/media/my disk\\x"));
        assert_eq!(mounts[2].what, Path::new("/dev/sdb1"));
        let check = |path: &str, device: Option<&str>, expected: Option<&str>| {
            assert_eq!(
                place(&mounts, Path::new(path), device),
                expected.map(Path::new),
                "{path}"
            );
        };
        check("/media/my disk\\x", None, Some("/media/my disk\\x"));
        check("/media/my disk\\x/below", None, None);
        check("/dev/sdb1", None, Some("/media/my disk\\x"));
        check("/dev/mapper/other", Some("8:17"), Some("/media/my disk\\x"));
        check("/dev/sdc1", Some("8:49"), None);
        check("/run/user/1000/", None, Some("/run/user/1000"));
    }

    #[test]
    fn names_of_links() {
        assert_eq!(link_name("backup"), "backup");
        assert_eq!(link_name("My Disk/1"), "My\\x20Disk\\x2f1");
        assert_eq!(link_name("Büro"), "Büro");
    }

    #[test]
    fn hostile_texts_do_no_harm() {
        for text in [
            &b""[..],
            b"\\",
            b" \\ \\0 \\99 - - - -",
            &[0xff; 300],
            b"1 2 3 4 \\777 6 - 8 \\400",
        ] {
            for mount in mounts(text) {
                assert!(place(&[mount], Path::new("/"), None).is_none());
            }
        }
    }
}
