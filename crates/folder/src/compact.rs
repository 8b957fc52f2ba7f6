//! Numbers and byte strings in a compact form, as the archive and the journal keep them.
//!
//! Reading never panics and never allocates by a length that it was told: everything is checked against what is there.

use crate::tree::{Hash, Kind, Time};

/// Appends an unsigned number, seven bits a byte, lowest first.
pub(crate) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a signed number, small magnitudes short.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_number(
        out,
        (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned(),
    );
}

/// Appends a byte string with its length.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a time.
pub(crate) fn put_time(out: &mut Vec<u8>, time: Time) {
    put_signed(out, time.sec);
    put_number(out, time.nsec.into());
}

/// Returns the number by which a kind is kept.
pub(crate) const fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::File => 0,
        Kind::Dir => 1,
        Kind::Link => 2,
        Kind::Special => 3,
    }
}

/// Returns the kind that is kept by a number.
pub(crate) const fn kind_from(code: u8) -> Kind {
    match code & 3 {
        0 => Kind::File,
        1 => Kind::Dir,
        2 => Kind::Link,
        _ => Kind::Special,
    }
}

/// Reads what the functions above wrote; every answer is `None` at the end of the bytes or where they make no sense.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return None;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let n = usize::try_from(self.number()?).ok()?;
        self.take(n)
    }

    pub(crate) fn time(&mut self) -> Option<Time> {
        let sec = self.signed()?;
        let nsec = self.small()?;
        (nsec < 1_000_000_000).then_some(Time { sec, nsec })
    }

    pub(crate) fn hash(&mut self) -> Option<Hash> {
        self.take(32)?.try_into().ok()
    }
}
