//! Pieces of what conflicting versions contain: bytes that travel as base 64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::call::{ReadVersion, VersionPiece};
use crate::contract::MAX_PIECE_BYTES;
use crate::frame::RpcError;

impl ReadVersion {
    /// Returns how many bytes to read at most: what is wanted, within the bound of the contract.
    #[must_use]
    pub fn most(&self) -> usize {
        usize::try_from(self.max)
            .unwrap_or(MAX_PIECE_BYTES)
            .min(MAX_PIECE_BYTES)
    }

    /// Answers with the piece that is asked for of a version that is in memory.
    #[must_use]
    pub fn piece_of(&self, whole: &[u8]) -> VersionPiece {
        let from = usize::try_from(self.offset)
            .unwrap_or(usize::MAX)
            .min(whole.len());
        let to = from.saturating_add(self.most()).min(whole.len());
        let bytes = whole.get(from..to).unwrap_or_default();
        VersionPiece::new(bytes, u64::try_from(whole.len()).unwrap_or(u64::MAX))
    }
}

impl VersionPiece {
    /// Makes an answer of these bytes, out of so many.
    #[must_use]
    pub fn new(bytes: &[u8], total: u64) -> Self {
        Self {
            content: STANDARD.encode(bytes),
            total,
            modified_ms: None,
            changed: false,
        }
    }

    /// Returns the bytes; nothing where they are not base 64, or more than one answer may have.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let bytes = STANDARD.decode(&self.content).ok()?;
        (bytes.len() <= MAX_PIECE_BYTES).then_some(bytes)
    }

    /// A line that is too long would end the handler; a piece that is too long is only refused.
    pub(crate) fn bounded(self) -> Result<Self, RpcError> {
        if self.content.len() <= MAX_PIECE_BYTES.div_ceil(3) * 4 {
            return Ok(self);
        }
        let text = format!("a piece has at most {MAX_PIECE_BYTES} bytes");
        Err(RpcError::new(RpcError::INTERNAL, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::ItemId;

    fn wish(offset: u64, max: u32) -> ReadVersion {
        ReadVersion {
            item: ItemId::new("I").unwrap(),
            conflict: "c".to_owned(),
            place: "left".to_owned(),
            offset,
            max,
        }
    }

    #[test]
    fn a_piece_is_what_is_wanted_and_there() {
        for (offset, max, expected) in [
            (0, 4, &b"abcd"[..]),
            (2, 100, b"cdef"),
            (6, 1, b""),
            (u64::MAX, u32::MAX, b""),
        ] {
            let piece = wish(offset, max).piece_of(b"abcdef");
            assert_eq!(
                (piece.bytes().unwrap().as_slice(), piece.total),
                (expected, 6)
            );
        }
    }

    #[test]
    fn no_piece_is_too_long_for_a_line() {
        let long = vec![0; MAX_PIECE_BYTES + 1];
        let piece = wish(0, u32::MAX).piece_of(&long);
        assert_eq!(piece.bytes().unwrap().len(), MAX_PIECE_BYTES);
        assert!(piece.content.len() < crate::contract::MAX_LINE_BYTES);
        assert!(piece.bounded().is_ok());
        let too_long = VersionPiece::new(&[0; MAX_PIECE_BYTES + 3], 0);
        assert_eq!(too_long.bytes(), None);
        assert!(too_long.bounded().is_err());
        let broken = VersionPiece {
            content: "?".to_owned(),
            ..VersionPiece::default()
        };
        assert_eq!(broken.bytes(), None);
    }
}
