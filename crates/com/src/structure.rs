//! The structures of section 2.4 (M-06). Their layout is asserted at compile time, for 32 and 64 bits.

use std::ffi::c_void;
use std::mem::offset_of;

use windows_core::GUID;

use crate::constant::{MAX_HANDLER_NAME, MAX_ITEM_NAME};

/// A window or an icon: opaque, as large as a pointer, null where there is none.
pub type Handle = *mut c_void;

/// 100-nanosecond ticks since 1601-01-01T00:00:00Z, in two halves.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileTime {
    /// The low half.
    pub low: u32,
    /// The high half.
    pub high: u32,
}

/// Milliseconds from 1601-01-01T00:00:00Z to 1970-01-01T00:00:00Z.
const EPOCH_MS: i64 = 11_644_473_600_000;

impl FileTime {
    /// From milliseconds since 1970-01-01T00:00:00Z; `None` when that is out of its range.
    #[must_use]
    pub fn from_unix_ms(ms: i64) -> Option<Self> {
        let ticks = u64::try_from(ms.checked_add(EPOCH_MS)?)
            .ok()?
            .checked_mul(10_000)?;
        Some(Self {
            low: u32::try_from(ticks & u64::from(u32::MAX)).ok()?,
            high: u32::try_from(ticks >> 32).ok()?,
        })
    }

    /// To milliseconds since 1970-01-01T00:00:00Z; every value has one.
    #[must_use]
    pub fn to_unix_ms(self) -> i64 {
        let ticks = u64::from(self.high) << 32 | u64::from(self.low);
        // Below 2^64 / 10^4, so it fits.
        i64::try_from(ticks / 10_000).unwrap_or(i64::MAX) - EPOCH_MS
    }
}

/// `SYNCMGRHANDLERINFO`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct HandlerInfo {
    /// The size of the structure as its writer knows it.
    pub cb_size: u32,
    /// The icon of the handler; belongs to it.
    pub h_icon: Handle,
    /// [`crate::constant::handler_flag`].
    pub flags: u32,
    /// The name; read within the array even without a terminator (M-45).
    pub name: [u16; MAX_HANDLER_NAME],
}

/// `SYNCMGRITEM`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// The size of the structure as its writer knows it.
    pub cb_size: u32,
    /// [`crate::constant::item_flag`].
    pub flags: u32,
    /// The identity.
    pub item_id: GUID,
    /// [`crate::constant::item_state`].
    pub item_state: u32,
    /// The icon of the item; belongs to the handler.
    pub h_icon: Handle,
    /// The name; read within the array even without a terminator (M-45).
    pub name: [u16; MAX_ITEM_NAME],
    /// Valid only with `LAST_UPDATE_TIME` (M-53).
    pub last_update: FileTime,
}

/// `SYNCMGRPROGRESSITEM`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ProgressItem {
    /// The size of the structure as its writer knows it.
    pub cb_size: u32,
    /// [`crate::constant::progress_mask`].
    pub mask: u32,
    /// The text, with a terminator.
    pub status_text: *const u16,
    /// [`crate::constant::status`].
    pub status_type: u32,
    /// How far.
    pub prog_value: i32,
    /// How far it goes; 0 or less: unknown.
    pub max_value: i32,
}

/// `SYNCMGRLOGERRORINFO`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct LogErrorInfo {
    /// The size of the structure as its writer knows it.
    pub cb_size: u32,
    /// [`crate::constant::log_mask`].
    pub mask: u32,
    /// [`crate::constant::error_flag`].
    pub error_flags: u32,
    /// The handler's name for the error.
    pub error_id: GUID,
    /// The item it is about.
    pub item_id: GUID,
}

const POINTER: usize = size_of::<usize>();

/// The size and offsets of the two pointer widths.
const fn either(narrow: usize, wide: usize) -> usize {
    if POINTER == 8 { wide } else { narrow }
}

const _: () = {
    assert!(size_of::<GUID>() == 16 && align_of::<GUID>() == 4);
    assert!(size_of::<FileTime>() == 8 && align_of::<FileTime>() == 4);

    assert!(size_of::<HandlerInfo>() == either(76, 88));
    assert!(align_of::<HandlerInfo>() == POINTER);
    assert!(offset_of!(HandlerInfo, cb_size) == 0);
    assert!(offset_of!(HandlerInfo, h_icon) == either(4, 8));
    assert!(offset_of!(HandlerInfo, flags) == either(8, 16));
    assert!(offset_of!(HandlerInfo, name) == either(12, 20));

    assert!(size_of::<Item>() == either(296, 304));
    assert!(align_of::<Item>() == POINTER);
    assert!(offset_of!(Item, cb_size) == 0);
    assert!(offset_of!(Item, flags) == 4);
    assert!(offset_of!(Item, item_id) == 8);
    assert!(offset_of!(Item, item_state) == 24);
    assert!(offset_of!(Item, h_icon) == either(28, 32));
    assert!(offset_of!(Item, name) == either(32, 40));
    assert!(offset_of!(Item, last_update) == either(288, 296));

    assert!(size_of::<ProgressItem>() == either(24, 32));
    assert!(align_of::<ProgressItem>() == POINTER);
    assert!(offset_of!(ProgressItem, cb_size) == 0);
    assert!(offset_of!(ProgressItem, mask) == 4);
    assert!(offset_of!(ProgressItem, status_text) == 8);
    assert!(offset_of!(ProgressItem, status_type) == either(12, 16));
    assert!(offset_of!(ProgressItem, prog_value) == either(16, 20));
    assert!(offset_of!(ProgressItem, max_value) == either(20, 24));

    assert!(size_of::<LogErrorInfo>() == 44 && align_of::<LogErrorInfo>() == 4);
    assert!(offset_of!(LogErrorInfo, cb_size) == 0);
    assert!(offset_of!(LogErrorInfo, mask) == 4);
    assert!(offset_of!(LogErrorInfo, error_flags) == 8);
    assert!(offset_of!(LogErrorInfo, error_id) == 12);
    assert!(offset_of!(LogErrorInfo, item_id) == 28);
};

#[cfg(test)]
mod tests {
    use super::FileTime;

    #[test]
    fn times_go_both_ways() {
        let time = |low, high| FileTime { low, high };
        // 1601, 1970, and the last second of 32-bit time.
        assert_eq!(time(0, 0).to_unix_ms(), -11_644_473_600_000);
        assert_eq!(
            FileTime::from_unix_ms(0),
            Some(time(0xD53E_8000, 0x019D_B1DE))
        );
        for ms in [-11_644_473_600_000, -1, 0, 1, 2_147_483_647_999] {
            assert_eq!(
                FileTime::from_unix_ms(ms).map(FileTime::to_unix_ms),
                Some(ms)
            );
        }
        assert_eq!(FileTime::from_unix_ms(-11_644_473_600_001), None);
        assert_eq!(FileTime::from_unix_ms(i64::MAX), None);
        assert!(time(u32::MAX, u32::MAX).to_unix_ms() > 0);
    }
}
