//! Linux: the mapping of the program's own code, as `/proc/self/maps` shows it (proc(5)), and madvise(2).

#![expect(
    unsafe_code,
    reason = "the code that runs is unmapped under its own feet"
)]

use std::ffi::c_void;
use std::io;
use std::ops::Range;

use rustix::mm::{Advice, madvise};

/// Takes the pages of the code out of the resident set; each is read again from the file, or from what the system still
/// has of it, when it is next run.
pub(crate) fn give_back() -> io::Result<()> {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let here: fn() -> io::Result<()> = give_back;
    let Some(code) = code(&maps, here as usize) else {
        return Err(io::Error::other("the code of the program was not found"));
    };
    let begin = std::ptr::with_exposed_provenance_mut::<c_void>(code.start);
    // SAFETY: the range is one whole mapping of this program's file, private and not writable. Nobody wrote to it, since
    // position-independent code is not relocated in place: what is dropped is equal to what is read again.
    unsafe { madvise(begin, code.len(), Advice::LinuxDontNeed) }?;
    Ok(())
}

/// Where the code lies that an address belongs to: a private mapping of a file that may be read and run, not written.
fn code(maps: &str, address: usize) -> Option<Range<usize>> {
    maps.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        let rights = words.next()?;
        let file = words.nth(3)?;
        (rights == "r-xp" && file.starts_with('/') && range.contains(&address)).then_some(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_among_the_mappings() {
        let maps = "\
1000-2000 r--p 00000000 fe:00 13 /usr/bin/syncmgr
2000-9000 r-xp 00001000 fe:00 13 /usr/bin/syncmgr
9000-a000 rw-p 00008000 fe:00 13 /usr/bin/syncmgr
a000-b000 r-xp 00000000 00:00 0
b000-c000 rwxp 00000000 fe:00 13 /usr/bin/syncmgr
c000-d000 r-xp 00000000 00:00 0 [vdso]
nonsense
";
        assert_eq!(code(maps, 0x2345), Some(0x2000..0x9000));
        for other in [0x1000, 0x9000, 0xa000, 0xb000, 0xc000, 0xffff] {
            assert_eq!(code(maps, other), None, "{other:x}");
        }
    }

    #[test]
    fn a_program_that_gave_its_code_back_goes_on() {
        give_back().unwrap();
        assert_eq!("so".repeat(2), "soso");
    }
}
