//! The identifiers of section 2.2, which differ in their first 32 bits only.

use windows_core::GUID;

const fn syncmgr(first: u32) -> GUID {
    GUID::from_values(
        first,
        0x35EE,
        0x11D1,
        [0x87, 0x07, 0x00, 0xC0, 0x4F, 0xD9, 0x33, 0x27],
    )
}

/// The class of the manager.
pub const CLSID_SYNC_MGR: GUID = syncmgr(0x6295_DF27);
/// `ISyncMgrEnumItems`.
pub const IID_ENUM_ITEMS: GUID = syncmgr(0x6295_DF2A);
/// `ISyncMgrSynchronizeInvoke`.
pub const IID_SYNCHRONIZE_INVOKE: GUID = syncmgr(0x6295_DF2C);
/// `ISyncMgrSynchronize`.
pub const IID_SYNCHRONIZE: GUID = syncmgr(0x6295_DF40);
/// `ISyncMgrSynchronizeCallback`.
pub const IID_SYNCHRONIZE_CALLBACK: GUID = syncmgr(0x6295_DF41);
/// `ISyncMgrRegister`.
pub const IID_REGISTER: GUID = syncmgr(0x6295_DF42);

/// The class of the manager under an identity of our own, registered where the system's own class is not ours to take.
pub const CLSID_SYNCMGR_OURS: GUID = GUID::from_u128(0xB1E0_5D4A_7C0F_4C56_9A8E_3D52_6F17_A0C3);

/// As an item: the handler itself. As an error: all errors of the instance.
pub const GUID_NULL: GUID = GUID::zeroed();

/// Answers the text form with braces, in upper case, as the registry spells it.
#[must_use]
pub fn braced(guid: &GUID) -> String {
    format!("{{{guid:?}}}")
}

/// Reads a text form with or without braces; `None` when it is none.
#[must_use]
pub fn parse(text: &str) -> Option<GUID> {
    let bare = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    let groups: Vec<&str> = bare.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths != [8, 4, 4, 4, 12] || !bare.chars().all(|c| c == '-' || c.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&groups.concat(), 16)
        .ok()
        .map(GUID::from_u128)
}
