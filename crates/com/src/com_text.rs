//! UTF-16 text of the contract, bounded and never trusted.

#![expect(
    unsafe_code,
    reason = "text of foreign code is read through its pointer"
)]

/// Reads text with a terminator, at most `limit` units of it; `None` for a null pointer.
///
/// Unpaired surrogates are replaced. What lies beyond the limit is never touched.
///
/// # Safety
/// `text` is null, or points to units that are readable up to the first zero or up to `limit`.
#[must_use]
pub unsafe fn read(text: *const u16, limit: usize) -> Option<String> {
    if text.is_null() {
        return None;
    }
    let mut units = Vec::new();
    for at in 0..limit {
        // SAFETY: the caller vouches for every unit up to the first zero or the limit, and no zero came yet.
        let unit = unsafe { text.add(at).read_unaligned() };
        if unit == 0 {
            break;
        }
        units.push(unit);
    }
    Some(String::from_utf16_lossy(&units))
}

/// Reads a name from its array: up to the first zero, else all but the last unit (M-45).
#[must_use]
pub fn from_array(units: &[u16]) -> String {
    let end = units
        .iter()
        .position(|unit| *unit == 0)
        .unwrap_or(units.len().saturating_sub(1));
    String::from_utf16_lossy(&units[..end])
}

/// Answers the units of a text with a terminator; a zero within it ends it early.
#[must_use]
pub fn to_units(text: &str) -> Vec<u16> {
    text.encode_utf16()
        .take_while(|unit| *unit != 0)
        .chain([0])
        .collect()
}

/// Writes a name into its array, cut between characters where it is too long, always with a terminator.
pub fn to_array(text: &str, array: &mut [u16]) {
    array.fill(0);
    let room = array.len().saturating_sub(1);
    let mut at = 0;
    for character in text.chars().take_while(|c| *c != '\0') {
        let mut pair = [0; 2];
        let units = character.encode_utf16(&mut pair);
        if at + units.len() > room {
            break;
        }
        array[at..at + units.len()].copy_from_slice(units);
        at += units.len();
    }
}

#[cfg(test)]
mod tests {
    use super::{from_array, read, to_array, to_units};

    #[test]
    fn a_name_without_terminator_is_cut() {
        assert_eq!(from_array(&[0x61; 4]), "aaa"); // M-45
        assert_eq!(from_array(&[0x61, 0, 0x62, 0]), "a");
        assert_eq!(from_array(&[]), "");
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let mut array = [7_u16; 4];
        to_array("ab\u{1F600}", &mut array);
        assert_eq!(from_array(&array), "ab");
    }

    #[test]
    fn reading_stops_at_the_limit() {
        let units = to_units("hello");
        // SAFETY: null is allowed; the units live through the calls and end with a zero.
        let read = |text, limit| unsafe { read(text, limit) };
        assert_eq!(read(units.as_ptr(), 3).as_deref(), Some("hel"));
        assert_eq!(read(units.as_ptr(), 99).as_deref(), Some("hello"));
        assert_eq!(read(std::ptr::null(), 9), None);
    }
}
