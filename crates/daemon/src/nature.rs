//! What a file is: a program that is started, or a shared library whose classes are hosted. Its content says so, never its
//! name: `register` and `check` take a path of either.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// It is started.
    Program,
    /// Its classes are hosted. Whatever nobody can start is taken for one as well: who loads it says what is wrong.
    Library,
}

/// Most entries of a table in a file that are looked at.
const MAX_ENTRIES: u64 = 4096;

const ELF_PROGRAM: u64 = 2;
const ELF_SHARED: u64 = 3;
const SEGMENT_DYNAMIC: u64 = 2;
const SEGMENT_INTERPRETER: u64 = 3;
const DYNAMIC_END: u64 = 0;
const DYNAMIC_FLAGS_1: u64 = 0x6fff_fffb;
const FLAG_1_PIE: u64 = 0x0800_0000;
const PE_LIBRARY: u64 = 0x2000;
const MACH_O_PROGRAM: u64 = 2;

/// Finds out what a file is.
///
/// # Errors
/// A file that cannot be read.
pub fn of(path: &Path) -> io::Result<Nature> {
    let mut file = File::open(path)?;
    let told = match told(&mut file) {
        Ok(told) => told,
        // What ends before it says what it is, or points nowhere, says nothing.
        Err(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => None,
            _ => return Err(error),
        },
    };
    Ok(told.unwrap_or_else(|| {
        if crate::sys::is_script(path) {
            Nature::Program
        } else {
            Nature::Library
        }
    }))
}

/// What the content tells; `None` for formats that nobody here knows.
fn told(file: &mut File) -> io::Result<Option<Nature>> {
    let mut magic = [0; 4];
    let length = file.read(&mut magic)?;
    match magic.get(..length).unwrap_or_default() {
        [b'#', b'!', ..] => Ok(Some(Nature::Program)),
        [0x7f, b'E', b'L', b'F'] => elf(file),
        [b'M', b'Z', ..] => pe(file),
        [0xfe, 0xed, 0xfa, 0xce | 0xcf] => mach_o(file, 0, false),
        [0xce | 0xcf, 0xfa, 0xed, 0xfe] => mach_o(file, 0, true),
        [0xca, 0xfe, 0xba, 0xbe] => fat(file),
        _ => Ok(None),
    }
}

/// A number at a place of the file.
fn number(file: &mut File, at: u64, bytes: usize, little: bool) -> io::Result<u64> {
    let mut whole = [0_u8; 8];
    let part = whole.get_mut(..bytes).unwrap_or_default();
    if i64::try_from(at).is_err() {
        return Err(io::ErrorKind::UnexpectedEof.into()); // no file is as long, and each system says so otherwise
    }
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(part)?;
    if little {
        return Ok(u64::from_le_bytes(whole));
    }
    part.reverse();
    Ok(u64::from_le_bytes(whole))
}

/// A shared object is a program when it names an interpreter, or says that it is one.
fn elf(file: &mut File) -> io::Result<Option<Nature>> {
    let wide = number(file, 4, 1, true)? == 2;
    let little = number(file, 5, 1, true)? == 1;
    match number(file, 16, 2, little)? {
        ELF_PROGRAM => return Ok(Some(Nature::Program)),
        ELF_SHARED => {}
        _ => return Ok(None),
    }
    let word = if wide { 8 } else { 4 };
    let table = number(file, if wide { 32 } else { 28 }, word, little)?;
    let size = number(file, if wide { 54 } else { 42 }, 2, little)?;
    let count = number(file, if wide { 56 } else { 44 }, 2, little)?;
    for index in 0..count.min(MAX_ENTRIES) {
        let at = table.saturating_add(index * size);
        match number(file, at, 4, little)? {
            SEGMENT_INTERPRETER => return Ok(Some(Nature::Program)),
            SEGMENT_DYNAMIC => {
                let (offset, length) = if wide { (8, 32) } else { (4, 16) };
                let from = number(file, at.saturating_add(offset), word, little)?;
                let bytes = number(file, at.saturating_add(length), word, little)?;
                if says_program(file, from, bytes, word, little)? {
                    return Ok(Some(Nature::Program));
                }
                break; // there is but one, and the interpreter goes before it
            }
            _ => {}
        }
    }
    Ok(Some(Nature::Library))
}

/// Whether the flags among the dynamic entries say that it is a program.
fn says_program(
    file: &mut File,
    from: u64,
    bytes: u64,
    word: usize,
    little: bool,
) -> io::Result<bool> {
    let word_bytes = if word == 8 { 8 } else { 4 };
    let entry = word_bytes * 2;
    for index in 0..(bytes / entry).min(MAX_ENTRIES) {
        let at = from.saturating_add(index * entry);
        match number(file, at, word, little)? {
            DYNAMIC_END => break,
            DYNAMIC_FLAGS_1 => {
                let flags = number(file, at.saturating_add(word_bytes), word, little)?;
                return Ok(flags & FLAG_1_PIE != 0);
            }
            _ => {}
        }
    }
    Ok(false)
}

fn pe(file: &mut File) -> io::Result<Option<Nature>> {
    let header = number(file, 0x3c, 4, true)?;
    if number(file, header, 4, true)? != u64::from(u32::from_le_bytes(*b"PE\0\0")) {
        return Ok(Some(Nature::Program)); // an old one
    }
    let flags = number(file, header.saturating_add(22), 2, true)?;
    Ok(Some(if flags & PE_LIBRARY == 0 {
        Nature::Program
    } else {
        Nature::Library
    }))
}

fn mach_o(file: &mut File, from: u64, little: bool) -> io::Result<Option<Nature>> {
    let kind = number(file, from.saturating_add(12), 4, little)?;
    Ok(Some(if kind == MACH_O_PROGRAM {
        Nature::Program
    } else {
        Nature::Library
    }))
}

/// Several of them in one file, of which the first tells for all.
fn fat(file: &mut File) -> io::Result<Option<Nature>> {
    let from = number(file, 16, 4, false)?;
    match number(file, from, 4, true)? {
        0xfeed_face | 0xfeed_facf => mach_o(file, from, true),
        0xcefa_edfe | 0xcffa_edfe => mach_o(file, from, false),
        _ => Ok(None), // compiled Java begins alike
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &[u8]) -> Nature {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libodd.so.1");
        std::fs::write(&path, content).unwrap();
        of(&path).unwrap()
    }

    /// A shared object with one segment.
    fn shared(wide: bool, little: bool, segment: u32, dynamic: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0_u8; 256];
        let mut put = |at: usize, length: usize, value: u64| {
            let mut whole = value.to_le_bytes();
            let part = &mut whole[..length];
            if !little {
                part.reverse();
            }
            bytes[at..at + length].copy_from_slice(part);
        };
        let word = if wide { 8 } else { 4 };
        put(16, 2, ELF_SHARED);
        put(if wide { 32 } else { 28 }, word, 64);
        put(if wide { 54 } else { 42 }, 2, 56);
        put(if wide { 56 } else { 44 }, 2, 1);
        put(64, 4, segment.into());
        put(64 + if wide { 8 } else { 4 }, word, 128);
        put(64 + if wide { 32 } else { 16 }, word, 96);
        for (index, value) in dynamic.iter().enumerate() {
            put(128 + index * word, word, *value);
        }
        bytes[..4].copy_from_slice(b"\x7fELF");
        bytes[4] = if wide { 2 } else { 1 };
        bytes[5] = if little { 1 } else { 2 };
        bytes
    }

    #[test]
    fn shared_objects_say_what_they_are() {
        for wide in [false, true] {
            for little in [false, true] {
                let of = |segment, dynamic: &[u64]| check(&shared(wide, little, segment, dynamic));
                assert_eq!(of(1, &[]), Nature::Library);
                assert_eq!(of(3, &[]), Nature::Program);
                assert_eq!(of(2, &[1, 7, 0]), Nature::Library);
                let pie = [1, 7, DYNAMIC_FLAGS_1, FLAG_1_PIE | 1];
                assert_eq!(of(2, &pie), Nature::Program);
                assert_eq!(of(2, &[DYNAMIC_FLAGS_1, 1]), Nature::Library);
                assert_eq!(of(2, &[0, 0, DYNAMIC_FLAGS_1, FLAG_1_PIE]), Nature::Library);
            }
        }
    }

    #[test]
    fn this_program_is_one() {
        let own = std::env::current_exe().unwrap();
        assert_eq!(of(&own).unwrap(), Nature::Program);
    }

    #[test]
    fn other_formats_are_known_by_their_heads() {
        let pe = |flags: u16| {
            let mut bytes = vec![0_u8; 128];
            bytes[..2].copy_from_slice(b"MZ");
            bytes[0x3c] = 64;
            bytes[64..68].copy_from_slice(b"PE\0\0");
            bytes[86..88].copy_from_slice(&flags.to_le_bytes());
            check(&bytes)
        };
        assert_eq!(pe(0x0022), Nature::Program);
        assert_eq!(pe(0x2022), Nature::Library);
        let thin = |kind: u8| {
            let mut bytes = vec![0xcf, 0xfa, 0xed, 0xfe];
            bytes.resize(16, 0);
            bytes[12] = kind;
            bytes
        };
        let fat = |inner: &[u8]| {
            let mut bytes = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1];
            bytes.resize(32, 0);
            bytes[19] = 32;
            bytes.extend_from_slice(inner);
            bytes
        };
        assert_eq!(check(&thin(2)), Nature::Program);
        assert_eq!(check(&thin(6)), Nature::Library);
        assert_eq!(check(&fat(&thin(2))), Nature::Program);
        assert_eq!(check(&fat(&thin(8))), Nature::Library);
    }

    #[test]
    fn nothing_panics_and_whatever_cannot_be_started_is_left_to_who_loads_it() {
        let whole = shared(true, true, 2, &[DYNAMIC_FLAGS_1, FLAG_1_PIE]);
        for length in 0..whole.len() {
            check(&whole[..length]);
        }
        let mut odd = shared(true, true, 2, &[]);
        odd[32..].fill(0xff);
        for content in [&odd[..], b"", b"MZ", b"\xca\xfe\xba\xbe", b"plain text"] {
            assert_eq!(check(content), Nature::Library);
        }
        assert_eq!(check(b"#!/bin/sh\n"), Nature::Program);
        assert!(of(Path::new("/does/not/exist")).is_err());
    }
}
