//! The enumerator that a handler's items are handed over by.

#![expect(unsafe_code, reason = "the enumerator is called by foreign code")]

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use syncmgr_com::GUID;
use syncmgr_com::com_class::{Resident, Residents};
use syncmgr_com::com_guard::guard;
use syncmgr_com::com_interface::{ISyncMgrEnumItems, ISyncMgrEnumItems_Impl};
use syncmgr_com::com_text::to_array;
use syncmgr_com::constant::hresult::{E_INVALIDARG, E_POINTER, S_FALSE, S_OK};
use syncmgr_com::constant::{MAX_ITEM_NAME, item_flag, item_state};
use syncmgr_com::structure::{FileTime, Item as NativeItem};
use windows_core::{HRESULT, Interface as _, implement};

use super::calls::size;
use crate::item::Item;

/// The items of one enumeration, each with its number.
#[implement(ISyncMgrEnumItems)]
pub(super) struct Listing {
    items: Arc<[(GUID, Item)]>,
    at: AtomicUsize,
    residents: &'static Residents,
    _resident: Resident,
}

impl Listing {
    pub(super) fn enumerator(
        items: Arc<[(GUID, Item)]>,
        at: usize,
        residents: &'static Residents,
    ) -> ISyncMgrEnumItems {
        Self {
            items,
            at: AtomicUsize::new(at),
            residents,
            _resident: residents.enter(),
        }
        .into()
    }
}

impl ISyncMgrEnumItems_Impl for Listing_Impl {
    unsafe fn Next(&self, count: u32, items: *mut NativeItem, fetched: *mut u32) -> HRESULT {
        guard(|| {
            if items.is_null() || (fetched.is_null() && count != 1) {
                return E_INVALIDARG;
            }
            let wanted = usize::try_from(count).unwrap_or(usize::MAX);
            let mut written = 0;
            while written < wanted {
                let at = self.at.fetch_add(1, Ordering::Relaxed);
                let Some((number, item)) = self.items.get(at) else {
                    self.at.store(self.items.len(), Ordering::Relaxed);
                    break;
                };
                // SAFETY: below `count`, for which the caller has room (2.3).
                unsafe { items.add(written).write_unaligned(native(number, item)) };
                written += 1;
            }
            if !fetched.is_null() {
                // SAFETY: not null, and writable by the rules of COM.
                unsafe { fetched.write(u32::try_from(written).unwrap_or(count)) };
            }
            if written == wanted { S_OK } else { S_FALSE } // H-15
        })
    }

    unsafe fn Skip(&self, count: u32) -> HRESULT {
        guard(|| {
            let left = self.items.len() - self.at.load(Ordering::Relaxed).min(self.items.len());
            let step = usize::try_from(count).unwrap_or(usize::MAX).min(left);
            self.at.fetch_add(step, Ordering::Relaxed);
            if u32::try_from(step) == Ok(count) {
                S_OK
            } else {
                S_FALSE
            }
        })
    }

    unsafe fn Reset(&self) -> HRESULT {
        self.at.store(0, Ordering::Relaxed);
        S_OK
    }

    unsafe fn Clone(&self, enumerator: *mut *mut c_void) -> HRESULT {
        guard(|| {
            if enumerator.is_null() {
                return E_POINTER;
            }
            let at = self.at.load(Ordering::Relaxed);
            let copy = Listing::enumerator(Arc::clone(&self.items), at, self.residents);
            // SAFETY: not null, and writable by the rules of COM; the one reference goes to the caller.
            unsafe { enumerator.write(copy.into_raw()) };
            S_OK
        })
    }
}

/// One item as the contract has it (H-17).
fn native(number: &GUID, item: &Item) -> NativeItem {
    let updated = item.last_update_ms.and_then(FileTime::from_unix_ms);
    let flag = |on: bool, flag: u32| if on { flag } else { 0 };
    let mut name = [0; MAX_ITEM_NAME];
    to_array(&item.name, &mut name);
    NativeItem {
        cb_size: size::<NativeItem>(),
        flags: flag(item.has_properties, item_flag::HAS_PROPERTIES)
            | flag(item.temporary, item_flag::TEMPORARY)
            | flag(updated.is_some(), item_flag::LAST_UPDATE_TIME) // H-18
            | flag(item.hidden, item_flag::HIDDEN),
        item_id: *number,
        item_state: if item.checked {
            item_state::CHECKED
        } else {
            item_state::UNCHECKED
        },
        h_icon: std::ptr::null_mut(),
        name,
        last_update: updated.unwrap_or_default(),
    }
}
