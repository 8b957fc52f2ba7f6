//! Holds our declarations against those that Microsoft generates from its own metadata (M-05, M-06, M-07).
//!
//! All but the values is decided while this compiles.

#![cfg(windows)]

use std::mem::offset_of;

use syncmgr_com::com_interface as own;
use syncmgr_com::{GUID, Interface, guid, structure};
use windows::Win32::System::Com as com;
use windows::Win32::UI::Shell as theirs;

const fn same(a: &GUID, b: &GUID) -> bool {
    a.to_u128() == b.to_u128()
}

macro_rules! interfaces {
    ($($name:ident, $table:ident, $id:ident;)*) => {
        const _: () = {$(
            assert!(same(&<own::$name as Interface>::IID, &<theirs::$name as Interface>::IID));
            assert!(same(&guid::$id, &<theirs::$name as Interface>::IID));
            assert!(size_of::<own::$table>() == size_of::<theirs::$table>());
            assert!(size_of::<own::$name>() == size_of::<theirs::$name>());
        )*};
    };
}

interfaces! {
    ISyncMgrSynchronize, ISyncMgrSynchronize_Vtbl, IID_SYNCHRONIZE;
    ISyncMgrSynchronizeCallback, ISyncMgrSynchronizeCallback_Vtbl, IID_SYNCHRONIZE_CALLBACK;
    ISyncMgrEnumItems, ISyncMgrEnumItems_Vtbl, IID_ENUM_ITEMS;
    ISyncMgrSynchronizeInvoke, ISyncMgrSynchronizeInvoke_Vtbl, IID_SYNCHRONIZE_INVOKE;
    ISyncMgrRegister, ISyncMgrRegister_Vtbl, IID_REGISTER;
}

/// Each slot at the offset of the slot of that name.
macro_rules! slots {
    ($table:ident: $($method:ident)*) => {
        const _: () = {$(
            assert!(offset_of!(own::$table, $method) == offset_of!(theirs::$table, $method));
        )*};
    };
}

slots!(ISyncMgrSynchronize_Vtbl: Initialize GetHandlerInfo EnumSyncMgrItems GetItemObject ShowProperties
    SetProgressCallback PrepareForSync Synchronize SetItemStatus ShowError);
slots!(ISyncMgrSynchronizeCallback_Vtbl: ShowPropertiesCompleted PrepareForSyncCompleted SynchronizeCompleted
    ShowErrorCompleted EnableModeless Progress LogError DeleteLogError EstablishConnection);
slots!(ISyncMgrEnumItems_Vtbl: Next Skip Reset Clone);
slots!(ISyncMgrSynchronizeInvoke_Vtbl: UpdateItems UpdateAll);
slots!(ISyncMgrRegister_Vtbl: RegisterSyncMgrHandler UnregisterSyncMgrHandler GetHandlerRegistrationInfo);

macro_rules! structures {
    ($($own:ident = $theirs:ident { $($field:ident = $their_field:ident),* })*) => {
        const _: () = {$(
            assert!(size_of::<structure::$own>() == size_of::<theirs::$theirs>());
            assert!(align_of::<structure::$own>() == align_of::<theirs::$theirs>());
            $(assert!(offset_of!(structure::$own, $field) == offset_of!(theirs::$theirs, $their_field));)*
        )*};
    };
}

structures! {
    HandlerInfo = SYNCMGRHANDLERINFO {
        cb_size = cbSize, h_icon = hIcon, flags = SyncMgrHandlerFlags, name = wszHandlerName
    }
    Item = SYNCMGRITEM {
        cb_size = cbSize, flags = dwFlags, item_id = ItemID, item_state = dwItemState, h_icon = hIcon,
        name = wszItemName, last_update = ftLastUpdate
    }
    ProgressItem = SYNCMGRPROGRESSITEM {
        cb_size = cbSize, mask = mask, status_text = lpcStatusText, status_type = dwStatusType,
        prog_value = iProgValue, max_value = iMaxValue
    }
    LogErrorInfo = SYNCMGRLOGERRORINFO {
        cb_size = cbSize, mask = mask, error_flags = dwSyncMgrErrorFlags, error_id = ErrorID, item_id = ItemID
    }
}

const _: () = {
    assert!(same(&guid::CLSID_SYNC_MGR, &theirs::SyncMgr));
    assert!(same(
        &own::IClassFactory::IID,
        &<com::IClassFactory as Interface>::IID
    ));
    assert!(size_of::<own::IClassFactory_Vtbl>() == size_of::<com::IClassFactory_Vtbl>());
};

/// M-07 once more, from the other side.
#[test]
fn the_values_are_those_of_the_system() {
    use syncmgr_com::constant::{flag, handler_flag, item_flag, progress_mask, status};
    let table = [
        (flag::CONNECT, theirs::SYNCMGRFLAG_CONNECT.0),
        (flag::SCHEDULED, theirs::SYNCMGRFLAG_SCHEDULED.0),
        (flag::MAY_BOTHER_USER, theirs::SYNCMGRFLAG_MAYBOTHERUSER.0),
        (flag::SETTINGS, theirs::SYNCMGRFLAG_SETTINGS.0),
        (handler_flag::HIDDEN, theirs::SYNCMGRHANDLER_HIDDEN.0),
        (item_flag::HIDDEN, theirs::SYNCMGRITEM_HIDDEN.0),
        (status::DELETED, theirs::SYNCMGRSTATUS_DELETED.0),
        (
            status::UPDATING_INDETERMINATE,
            theirs::SYNCMGRSTATUS_UPDATING_INDETERMINATE.0,
        ),
    ];
    for (ours, theirs) in table {
        assert_eq!(i64::from(ours), i64::from(theirs));
    }
    assert_eq!(
        progress_mask::MAX_VALUE,
        theirs::SYNCMGRPROGRESSITEM_MAXVALUE
    );
}
