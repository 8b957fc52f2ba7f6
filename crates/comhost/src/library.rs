//! What kind of shared library a file is, read from its first bytes, so that a wrong one is refused in plain words.

use std::fmt;

/// How many bytes tell it.
pub(crate) const HEAD_BYTES: usize = 4096;

/// What a library was built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    system: &'static str,
    machine: u32,
}

impl Kind {
    /// What this program was built for.
    pub(crate) fn ours() -> Self {
        let system = if cfg!(windows) {
            "Windows"
        } else if cfg!(target_vendor = "apple") {
            "macOS"
        } else {
            "ELF systems"
        };
        let machine = match (system, std::env::consts::ARCH) {
            ("Windows", "x86_64") => 0x8664,
            ("Windows", "aarch64") => 0xAA64,
            ("Windows", _) => 0x014C,
            ("macOS", "x86_64") => 0x0100_0007,
            ("macOS", _) => 0x0100_000C,
            (_, "x86") => 3,
            (_, "x86_64") => 62,
            (_, "aarch64") => 183,
            (_, "arm") => 40,
            (_, "riscv64") => 243,
            // Others load what they can, and the loader's own words must do.
            _ => 0,
        };
        Self { system, machine }
    }

    /// Whether a library of this kind can be loaded here, as far as can be told.
    pub(crate) fn fits(self, library: Self) -> bool {
        self.machine == 0 || self == library
    }

    /// Reads the first bytes of a file; `None` when it is no shared library that we know.
    pub(crate) fn read(head: &[u8]) -> Option<Self> {
        let u16_at = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
        let u32_at = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
        if head.starts_with(b"\x7FELF") {
            let machine = if head.get(5) == Some(&2) {
                u16_at(18)?.swap_bytes()
            } else {
                u16_at(18)?
            };
            return Some(Self {
                system: "ELF systems",
                machine: machine.into(),
            });
        }
        if head.starts_with(b"MZ") {
            let at = usize::try_from(u32_at(0x3C)?).ok()?;
            if head.get(at..at.checked_add(4)?)? != b"PE\0\0" {
                return None;
            }
            return Some(Self {
                system: "Windows",
                machine: u16_at(at + 4)?.into(),
            });
        }
        if u32_at(0)? == 0xFEED_FACF {
            return Some(Self {
                system: "macOS",
                machine: u32_at(4)?,
            });
        }
        // A universal library of macOS holds several; its loader chooses.
        if head.starts_with(&[0xCA, 0xFE, 0xBA, 0xBE]) && cfg!(target_vendor = "apple") {
            return Some(Self::ours());
        }
        None
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = match self.machine {
            0x8664 | 0x0100_0007 | 62 => "64-bit Intel",
            0x014C | 3 => "32-bit Intel",
            0xAA64 | 0x0100_000C | 183 => "64-bit ARM",
            40 => "32-bit ARM",
            243 => "RISC-V",
            other => return write!(f, "{} on machine {other}", self.system),
        };
        write!(f, "{} on {machine}", self.system)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_stands_in_the_first_bytes() {
        let mut elf = vec![0_u8; 64];
        elf[..6].copy_from_slice(b"\x7FELF\x02\x01");
        elf[18] = 183;
        assert_eq!(
            Kind::read(&elf).unwrap().to_string(),
            "ELF systems on 64-bit ARM"
        );
        let mut pe = vec![0_u8; 128];
        pe[..2].copy_from_slice(b"MZ");
        pe[0x3C] = 0x40;
        pe[0x40..0x46].copy_from_slice(b"PE\0\0\x4C\x01");
        assert_eq!(
            Kind::read(&pe).unwrap().to_string(),
            "Windows on 32-bit Intel"
        );
        pe[0x3C] = 0xFF;
        assert_eq!(Kind::read(&pe), None);
        assert_eq!(Kind::read(b""), None);
        assert_eq!(Kind::read(b"#!/bin/sh\n"), None);
        assert_eq!(Kind::read(b"\x7FELF"), None);
    }

    #[test]
    fn this_program_itself_fits() {
        let me = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let kind = Kind::read(&me[..HEAD_BYTES]).unwrap();
        assert!(Kind::ours().fits(kind), "{kind}");
    }
}
