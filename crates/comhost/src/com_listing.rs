//! Reads what a handler says of itself and its items, and believes nothing.

#![expect(
    unsafe_code,
    reason = "blocks and enumerators of foreign code are read"
)]

use std::collections::{HashMap, HashSet};

use syncmgr_com::com_alloc::task_mem_free;
use syncmgr_com::com_interface::{ISyncMgrEnumItems, ISyncMgrSynchronize};
use syncmgr_com::com_text;
use syncmgr_com::constant::hresult::{E_NOTIMPL, S_FALSE, S_OK, S_SYNCMGR_MISSINGITEMS};
use syncmgr_com::constant::{MAX_ITEM_NAME, handler_flag, item_flag, item_state};
use syncmgr_com::guid::GUID_NULL;
use syncmgr_com::structure::{FileTime, Handle, HandlerInfo, Item};
use syncmgr_com::{GUID, HRESULT, Interface as _};
use syncmgr_handler::item;

use crate::com_icon;
use crate::desk::shown;
use crate::tell;

/// Most items that are read of one enumeration (3.13).
const MAX_ITEMS: usize = 65_536;

/// Room behind the one item that is asked for, so that an enumerator that writes more than it should hits nothing else.
const SLACK: usize = 64;

/// Most icons that are remembered while a list is read; items mostly share one.
const MAX_ICONS: usize = 64;

/// Milliseconds from 1601 to 1970.
const EPOCH_MS: i64 = 11_644_473_600_000;

/// An obligation that was broken, and what was seen.
pub(crate) type Seen = (&'static str, String);

/// Everything that an enumeration gave.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// The items, in their order.
    pub(crate) items: Vec<item::Item>,
    /// Their identities and flags.
    pub(crate) known: Vec<(GUID, u32)>,
    /// Items are missing although they exist (M-56).
    pub(crate) incomplete: bool,
    /// Why nothing, or not everything, could be read, for the log.
    pub(crate) failure: Option<String>,
    /// What the handler did wrong.
    pub(crate) seen: Vec<Seen>,
}

/// Asks for what the handler says of itself: its information, and its flags. A handler that does not say it stays, with
/// the name that it was registered under (M-44).
pub(crate) fn handler_info(object: &ISyncMgrSynchronize) -> (item::HandlerInfo, u32, Vec<Seen>) {
    let mut seen = Vec::new();
    let mut block = std::ptr::null_mut::<HandlerInfo>();
    // SAFETY: the place of the block is ours.
    let result = unsafe { object.GetHandlerInfo(&raw mut block) };
    let mut info = item::HandlerInfo::default();
    if result.is_err() {
        return (info, 0, seen);
    }
    if block.is_null() {
        seen.push(("H-12", "GetHandlerInfo succeeded without a block".into()));
        return (info, 0, seen);
    }
    // SAFETY: not null; a structure begins with its size, whatever its size is (2.4).
    let size = unsafe { (&raw const (*block).cb_size).read_unaligned() };
    let mut flags = 0;
    if usize::try_from(size).unwrap_or(0) < size_of::<HandlerInfo>() {
        let text = format!("GetHandlerInfo gave a block with cbSize {size}");
        seen.push(("H-12", text));
    } else {
        // SAFETY: not null, and as large as the structure by its own word.
        let told = unsafe { block.read_unaligned() };
        if !told.name.contains(&0) {
            let text = "the name of the handler has no terminator";
            seen.push(("H-12", text.into()));
        }
        flags = told.flags;
        info.name = com_text::from_array(&told.name); // M-45
        info.always_list = flags & handler_flag::ALWAYS_LIST_HANDLER != 0;
        info.hidden = flags & handler_flag::HIDDEN != 0;
        info.icon = com_icon::png(told.h_icon);
    }
    // SAFETY: success handed the block over to us, and it is freed here alone (2.7, M-43).
    unsafe { task_mem_free(block.cast()) };
    (info, flags, seen)
}

/// Enumerates the items of a handler, from the first to the last (M-48).
pub(crate) fn items(object: &ISyncMgrSynchronize) -> Listing {
    let mut listing = Listing::default();
    let mut enumerator = std::ptr::null_mut();
    // SAFETY: the place of the enumerator is ours.
    let result = unsafe { object.EnumSyncMgrItems(&raw mut enumerator) };
    if result.is_err() {
        listing.incomplete = true;
        listing.failure = Some(format!("the items could not be listed: {}", shown(result)));
        return listing;
    }
    listing.incomplete = result != S_OK;
    if result != S_OK && result != S_SYNCMGR_MISSINGITEMS {
        listing.saw(
            "H-13",
            format!("EnumSyncMgrItems returned {}", shown(result)),
        );
    }
    if enumerator.is_null() {
        listing.incomplete = true;
        let text = "EnumSyncMgrItems succeeded without an enumerator";
        listing.saw("H-13", text.into());
        return listing;
    }
    // SAFETY: success hands over one reference (2.3); it is released when this is dropped (M-51).
    let enumerator = unsafe { ISyncMgrEnumItems::from_raw(enumerator) };
    let mut reader = Reader::default();
    while reader.step(&enumerator, &mut listing) {}
    listing
}

/// What is remembered while items are read.
struct Reader {
    buffer: Vec<Item>,
    ids: HashSet<GUID>,
    icons: HashMap<usize, Option<String>>,
    read: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            buffer: slack(),
            ids: HashSet::new(),
            icons: HashMap::new(),
            read: 0,
        }
    }
}

impl Reader {
    /// Reads one item; false at the end.
    fn step(&mut self, enumerator: &ISyncMgrEnumItems, listing: &mut Listing) -> bool {
        self.buffer[0] = blank();
        let mut fetched = 0;
        // SAFETY: there is room for the one item that is asked for, and more; the count is ours.
        let result = unsafe { enumerator.Next(1, self.buffer.as_mut_ptr(), &raw mut fetched) };
        if result.is_err() {
            // Nothing of this call is used (M-50).
            listing.incomplete = true;
            if result == E_NOTIMPL {
                listing.saw("H-14", "Next returned E_NOTIMPL".into());
            }
            let text = format!(
                "the items could not be listed to the end: {}",
                shown(result)
            );
            listing.failure = Some(text);
            return false;
        }
        if result != S_OK {
            if fetched != 0 || result != S_FALSE {
                let text = format!("Next(1) returned {} with {fetched} items", shown(result));
                listing.saw("H-15", text);
            }
            return false;
        }
        if fetched == 0 {
            listing.saw("H-15", "Next(1) returned S_OK with no item".into());
            return false;
        }
        if fetched > 1 || self.buffer[1].cb_size != 0 || self.buffer[1].item_id != GUID_NULL {
            listing.incomplete = true;
            self.buffer[1] = Item {
                cb_size: 0,
                ..blank()
            };
            listing.saw(
                "H-15",
                format!("Next(1) delivered {} items", fetched.max(2)),
            );
        }
        self.read += 1;
        if self.read > MAX_ITEMS {
            listing.incomplete = true;
            listing.saw("H-15", format!("Next does not end after {MAX_ITEMS} items"));
            return false;
        }
        let item = self.buffer[0];
        self.take(&item, listing);
        true
    }

    fn take(&mut self, item: &Item, listing: &mut Listing) {
        let size = item.cb_size;
        if usize::try_from(size).unwrap_or(0) < size_of::<Item>() {
            listing.saw("H-17", format!("an item has cbSize {size}")); // M-52
            return;
        }
        let Some(id) = tell::item_id(&item.item_id) else {
            listing.saw("H-17", "an item has the identity GUID_NULL".into());
            return;
        };
        if !self.ids.insert(item.item_id) {
            listing.saw("H-16", format!("item {id} is listed twice"));
            return;
        }
        if !item.name[..MAX_ITEM_NAME].contains(&0) {
            listing.saw("H-17", format!("the name of item {id} has no terminator"));
        }
        let flag = |flag| item.flags & flag != 0; // M-54: others are ignored
        let last_update_ms = if flag(item_flag::LAST_UPDATE_TIME) {
            let time = milliseconds(item.last_update); // M-53
            if time.is_none() {
                listing.saw("H-18", format!("item {id} has no valid time"));
            }
            time
        } else {
            None
        };
        listing.known.push((item.item_id, item.flags));
        listing.items.push(item::Item {
            checked: item.item_state != item_state::UNCHECKED,
            last_update_ms,
            temporary: flag(item_flag::TEMPORARY),
            hidden: flag(item_flag::HIDDEN),
            has_properties: flag(item_flag::HAS_PROPERTIES),
            icon: self.icon(item.h_icon),
            ..item::Item::new(id, com_text::from_array(&item.name))
        });
    }

    fn icon(&mut self, icon: Handle) -> Option<String> {
        if icon.is_null() {
            return None;
        }
        if let Some(known) = self.icons.get(&icon.addr()) {
            return known.clone();
        }
        let png = com_icon::png(icon);
        if self.icons.len() < MAX_ICONS {
            self.icons.insert(icon.addr(), png.clone());
        }
        png
    }
}

impl Listing {
    fn saw(&mut self, obligation: &'static str, text: String) {
        // Each is told of a few times only; keeping every one of a bad list would be keeping the list twice.
        if self.seen.len() < 64 {
            self.seen.push((obligation, text));
        }
    }
}

/// Room for one item, and nothing behind it.
fn slack() -> Vec<Item> {
    let nothing = Item {
        cb_size: 0,
        ..blank()
    };
    vec![nothing; 1 + SLACK]
}

/// A zeroed item that says its size, because handlers may leave fields untouched (2.4).
fn blank() -> Item {
    Item {
        cb_size: size_of::<Item>().try_into().unwrap_or(u32::MAX),
        flags: 0,
        item_id: GUID_NULL,
        item_state: 0,
        h_icon: std::ptr::null_mut(),
        name: [0; MAX_ITEM_NAME],
        last_update: FileTime::default(),
    }
}

/// A time in milliseconds since 1970; `None` for zero and for what is no time.
fn milliseconds(time: FileTime) -> Option<i64> {
    let ticks = u64::from(time.high) << 32 | u64::from(time.low);
    let ticks = i64::try_from(ticks).ok().filter(|ticks| *ticks > 0)?;
    Some(ticks / 10_000 - EPOCH_MS)
}

/// The result code of a call, for `Initialize`.
pub(crate) fn initialize(object: &ISyncMgrSynchronize, flags: u32, cookie: &[u8]) -> HRESULT {
    let size = u32::try_from(cookie.len()).unwrap_or(u32::MAX);
    let bytes = if cookie.is_empty() {
        std::ptr::null()
    } else {
        cookie.as_ptr()
    };
    // SAFETY: null, or as many bytes as we say, which live through the call (2.7).
    unsafe { object.Initialize(0, flags, size, bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_this_era_or_none() {
        let time = |ticks: u64| {
            milliseconds(FileTime {
                low: u32::try_from(ticks & 0xFFFF_FFFF).unwrap(),
                high: u32::try_from(ticks >> 32).unwrap(),
            })
        };
        assert_eq!(time(116_444_736_000_000_000), Some(0));
        assert_eq!(time(116_444_736_000_010_000), Some(1));
        assert_eq!(time(0), None);
        assert_eq!(time(u64::MAX), None);
    }
}
