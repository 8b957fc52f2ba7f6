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
pub const fn parse(text: &str) -> Option<GUID> {
    let bytes = text.as_bytes();
    let braces = match bytes.len() {
        36 => 0,
        38 if bytes[0] == b'{' && bytes[37] == b'}' => 1,
        _ => return None,
    };
    let mut value = 0_u128;
    let mut at = 0;
    while at < 36 {
        let byte = bytes[at + braces];
        if matches!(at, 8 | 13 | 18 | 23) {
            if byte != b'-' {
                return None;
            }
        } else {
            let Some(digit) = (byte as char).to_digit(16) else {
                return None;
            };
            value = value << 4 | digit as u128;
        }
        at += 1;
    }
    Some(GUID::from_u128(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identifiers_are_those_of_section_2_2() {
        let table = [
            (CLSID_SYNC_MGR, "{6295DF27-35EE-11D1-8707-00C04FD93327}"),
            (IID_ENUM_ITEMS, "{6295DF2A-35EE-11D1-8707-00C04FD93327}"),
            (
                IID_SYNCHRONIZE_INVOKE,
                "{6295DF2C-35EE-11D1-8707-00C04FD93327}",
            ),
            (IID_SYNCHRONIZE, "{6295DF40-35EE-11D1-8707-00C04FD93327}"),
            (
                IID_SYNCHRONIZE_CALLBACK,
                "{6295DF41-35EE-11D1-8707-00C04FD93327}",
            ),
            (IID_REGISTER, "{6295DF42-35EE-11D1-8707-00C04FD93327}"),
            (GUID_NULL, "{00000000-0000-0000-0000-000000000000}"),
        ];
        for (guid, text) in table {
            assert_eq!(braced(&guid), text);
            assert_eq!(parse(text), Some(guid));
            assert_eq!(parse(text[1..37].to_lowercase().as_str()), Some(guid));
        }
    }

    #[test]
    fn the_interfaces_have_these_identifiers() {
        use crate::com_interface as own;
        use windows_core::Interface as _;
        assert_eq!(own::ISyncMgrSynchronize::IID, IID_SYNCHRONIZE);
        assert_eq!(
            own::ISyncMgrSynchronizeCallback::IID,
            IID_SYNCHRONIZE_CALLBACK
        );
        assert_eq!(own::ISyncMgrEnumItems::IID, IID_ENUM_ITEMS);
        assert_eq!(own::ISyncMgrSynchronizeInvoke::IID, IID_SYNCHRONIZE_INVOKE);
        assert_eq!(own::ISyncMgrRegister::IID, IID_REGISTER);
        let factory = parse("00000001-0000-0000-C000-000000000046");
        assert_eq!(Some(own::IClassFactory::IID), factory);
    }

    #[test]
    fn what_is_no_identifier_is_refused() {
        for text in [
            "",
            "{}",
            "-",
            "6295DF27",
            "6295DF27-35EE-11D1-8707-00C04FD9332",
            "6295DF27-35EE-11D1-8707-00C04FD933277",
            "6295DF2-735EE-11D1-8707-00C04FD93327",
            "6295DF27-35EE-11D1-8707-00C04FD9332G",
            "+295DF27-35EE-11D1-8707-00C04FD93327",
            " 6295DF27-35EE-11D1-8707-00C04FD9332",
            "{6295DF27-35EE-11D1-8707-00C04FD93327",
            "6295DF27-35EE-11D1-8707-00C04FD93327}",
            "{{6295DF27-35EE-11D1-8707-00C04FD9332}",
            "(6295DF27-35EE-11D1-8707-00C04FD93327)",
            "6295DF27-35EE-11D1-8707-00C04FD9332é",
            "６295DF27-35EE-11D1-8707-00C04FD9332",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
