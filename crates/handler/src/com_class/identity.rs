//! Text and number of one identity: what this contract names by text, COM names by 16 bytes.

use std::collections::HashMap;
use std::sync::Mutex;

use syncmgr_com::guid::{self, GUID_NULL};
use syncmgr_com::{GUID, guid::braced};

use crate::link::enter;

/// The names that an instance has given out, so that their numbers can be read again.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<HashMap<GUID, String>>);

impl Names {
    /// Answers the number of a name, and remembers the name.
    pub(super) fn number(&self, name: &str) -> GUID {
        let number = number_of(name);
        let mut known = enter(&self.0);
        known.entry(number).or_insert_with(|| name.to_owned());
        number
    }

    /// Answers the name of a number; one that was never given out is its own text.
    pub(super) fn name(&self, number: &GUID) -> String {
        let known = enter(&self.0).get(number).cloned();
        known.unwrap_or_else(|| braced(number))
    }

    /// Answers the name of a number that was given out.
    pub(super) fn known(&self, number: &GUID) -> Option<String> {
        enter(&self.0).get(number).cloned()
    }
}

/// A name that is a number already is that number. Any other is hashed, without regard to case, because identities are
/// compared so: the same name has the same number in every instance for ever (H-16).
fn number_of(name: &str) -> GUID {
    match guid::parse(name) {
        Some(number) if number != GUID_NULL => number,
        _ => hashed(&name.to_lowercase()),
    }
}

/// FNV-1a of 128 bits, dressed as a number of version 8, which is what RFC 9562 sets aside for such numbers.
fn hashed(name: &str) -> GUID {
    const BASIS: u128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
    let hash = name.bytes().fold(BASIS, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    });
    let version = 0xF << 76;
    let variant = 0b11 << 62;
    GUID::from_u128(hash & !version & !variant | 8 << 76 | 0b10 << 62)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number_for_ever() {
        let names = Names::default();
        let number = names.number("item-0");
        // Written down: another value would make every preference of every user forget its item.
        assert_eq!(braced(&number), "{45A880C5-6B3C-84BF-AEF5-C8C8FAF5AAE3}");
        assert_eq!(Names::default().number("ITEM-0"), number);
        assert_ne!(names.number("item-1"), number);
        assert_eq!(names.name(&number), "item-0");
        assert_eq!(names.known(&GUID::from_u128(5)), None);
    }

    #[test]
    fn a_number_is_its_own_name() {
        let names = Names::default();
        let text = "{6295DF40-35EE-11D1-8707-00C04FD93327}";
        assert_eq!(braced(&names.number(text)), text);
        assert_eq!(names.name(&GUID::from_u128(7)), braced(&GUID::from_u128(7)));
        assert_ne!(names.number(&braced(&GUID_NULL)), GUID_NULL);
    }
}
