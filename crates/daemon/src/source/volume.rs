//! Finds a place among the volumes that Windows knows.

use super::wanted::{LABEL, UUID};

/// Most volumes that are looked at.
pub const MAX_VOLUMES: usize = 1_000;

/// One volume with a medium in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volume {
    /// Where it is mounted: letters of drives and directories.
    pub roots: Vec<String>,
    /// What the system calls it: `\\?\Volume{…}\`; empty when it has no such name, as a drive on a network.
    pub name: String,
    /// Its label.
    pub label: String,
    /// The number that its file system was given when it was made.
    pub serial: u32,
}

/// Where a place is mounted: a root as `E:` or `C:\Mounts\Disk`, `LABEL=…`, or `UUID=…` with the number as `vol` shows it
/// (`1A2B-3C4D`) or with what stands between the braces of the system's name. Letters count the same in both cases.
#[must_use]
pub fn find<'a>(volumes: &'a [Volume], place: &str) -> Option<&'a str> {
    let mounted = |volume: &&Volume| !volume.roots.is_empty();
    if let Some(label) = place.strip_prefix(LABEL) {
        let label = label.to_lowercase();
        let mut named = volumes
            .iter()
            .filter(|volume| !label.is_empty() && volume.label.to_lowercase() == label);
        return root(named.find(mounted)?);
    }
    if let Some(number) = place.strip_prefix(UUID) {
        let number = number.to_lowercase();
        let mut named = volumes.iter().filter(|volume| {
            spelled(volume.serial) == number
                || unique(&volume.name).is_some_and(|name| name == unbraced(&number))
        });
        return root(named.find(mounted)?);
    }
    let place = folded(place);
    volumes
        .iter()
        .flat_map(|volume| &volume.roots)
        .find(|root| folded(root) == place)
        .map(String::as_str)
}

fn root(volume: &Volume) -> Option<&str> {
    volume.roots.first().map(String::as_str)
}

/// A serial number as Windows shows it, in small letters.
fn spelled(serial: u32) -> String {
    format!("{:04x}-{:04x}", serial >> 16, serial & 0xffff)
}

/// What stands between the braces of a volume's name, in small letters.
fn unique(name: &str) -> Option<String> {
    let (_, rest) = name.split_once('{')?;
    let (inside, _) = rest.split_once('}')?;
    Some(inside.to_lowercase())
}

fn unbraced(number: &str) -> &str {
    number
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(number)
}

/// A path as it is compared.
fn folded(path: &str) -> String {
    path.replace('/', r"\")
        .trim_end_matches('\\')
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let volumes = [
            Volume {
                roots: vec![r"C:\".to_owned(), r"D:\Mounts\Größe\".to_owned()],
                name: r"\\?\Volume{0A1B2C3D-0000-0000-0000-100000000000}\".to_owned(),
                label: "System".to_owned(),
                serial: 0x00ab_0c0d,
            },
            // It has a medium, but no place.
            Volume {
                label: "Backup".to_owned(),
                ..Volume::default()
            },
            Volume {
                roots: vec![r"E:\".to_owned()],
                label: "BACKUP".to_owned(),
                serial: 0x1a2b_3c4d,
                ..Volume::default()
            },
        ];
        let check = |place: &str, expected: Option<&str>| {
            assert_eq!(find(&volumes, place), expected, "{place}")
        };
        check("C:", Some(r"C:\"));
        check(r"c:\", Some(r"C:\"));
        check("e:/", Some(r"E:\"));
        check(r"D:\mounts\GRÖSSE", None);
        check(r"d:/Mounts/größe", Some(r"D:\Mounts\Größe\"));
        check(r"C:\Windows", None);
        check("F:", None);
        check("", None);
        check("LABEL=backup", Some(r"E:\"));
        check("LABEL=system", Some(r"C:\"));
        check("LABEL=", None);
        check("LABEL=other", None);
        check("UUID=1A2B-3C4D", Some(r"E:\"));
        check("UUID=00ab-0c0d", Some(r"C:\"));
        check("UUID=0a1b2c3d-0000-0000-0000-100000000000", Some(r"C:\"));
        check("UUID={0A1B2C3D-0000-0000-0000-100000000000}", Some(r"C:\"));
        check("UUID=", None);
        check("UUID={}", None);
        assert_eq!(find(&[], "C:"), None);
    }
}
