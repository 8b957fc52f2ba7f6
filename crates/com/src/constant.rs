//! The values of sections 2.5 and 2.6, under the names of `mobsync.h` without its prefixes (M-07).

/// What `Initialize` is told.
pub mod flag {
    /// A network connection came up, or the user logged on.
    pub const CONNECT: u32 = 1;
    /// The network is about to go, or the user logs off.
    pub const PENDING_DISCONNECT: u32 = 2;
    /// The user asked.
    pub const MANUAL: u32 = 3;
    /// The machine is idle.
    pub const IDLE: u32 = 4;
    /// A program called `UpdateItems`.
    pub const INVOKE: u32 = 5;
    /// A schedule fired.
    pub const SCHEDULED: u32 = 6;
    /// The low byte is an enumeration, not a set.
    pub const EVENT_MASK: u32 = 0xFF;
    /// Only listing, never synchronizing.
    pub const SETTINGS: u32 = 0x100;
    /// People may be asked.
    pub const MAY_BOTHER_USER: u32 = 0x200;
}

/// `SYNCMGRHANDLERINFO.SyncMgrHandlerFlags`.
pub mod handler_flag {
    /// The handler itself has properties.
    pub const HAS_PROPERTIES: u32 = 1;
    /// It may call `EstablishConnection`.
    pub const MAY_ESTABLISH_CONNECTION: u32 = 2;
    /// It is listed even without items.
    pub const ALWAYS_LIST_HANDLER: u32 = 4;
    /// It is not displayed.
    pub const HIDDEN: u32 = 8;
}

/// `SYNCMGRITEM.dwFlags`.
pub mod item_flag {
    /// The item has properties.
    pub const HAS_PROPERTIES: u32 = 0x01;
    /// No preference is kept.
    pub const TEMPORARY: u32 = 0x02;
    /// It follows the user; without effect (M-61).
    pub const ROAMING_USER: u32 = 0x04;
    /// `ftLastUpdate` is valid.
    pub const LAST_UPDATE_TIME: u32 = 0x08;
    /// It may be deleted; without effect (M-61).
    pub const MAY_DELETE_ITEM: u32 = 0x10;
    /// It is not displayed.
    pub const HIDDEN: u32 = 0x20;
}

/// `SYNCMGRITEM.dwItemState`.
pub mod item_state {
    /// Not ticked by default.
    pub const UNCHECKED: u32 = 0;
    /// Ticked by default.
    pub const CHECKED: u32 = 1;
}

/// Status values; an enumeration, not a set.
pub mod status {
    /// Terminal: stopped.
    pub const STOPPED: u32 = 0;
    /// Terminal: skipped.
    pub const SKIPPED: u32 = 1;
    /// Waiting.
    pub const PENDING: u32 = 2;
    /// At work.
    pub const UPDATING: u32 = 3;
    /// Terminal: good.
    pub const SUCCEEDED: u32 = 4;
    /// Terminal: failed.
    pub const FAILED: u32 = 5;
    /// At work, but paused.
    pub const PAUSED: u32 = 6;
    /// At work again.
    pub const RESUMING: u32 = 7;
    /// At work, without a measure.
    pub const UPDATING_INDETERMINATE: u32 = 8;
    /// Terminal: the item is gone.
    pub const DELETED: u32 = 0x100;
}

/// `SYNCMGRPROGRESSITEM.mask`.
pub mod progress_mask {
    /// `lpcStatusText` is valid.
    pub const STATUS_TEXT: u32 = 1;
    /// `dwStatusType` is valid.
    pub const STATUS_TYPE: u32 = 2;
    /// `iProgValue` is valid.
    pub const PROG_VALUE: u32 = 4;
    /// `iMaxValue` is valid.
    pub const MAX_VALUE: u32 = 8;
}

/// `SYNCMGRLOGERRORINFO.mask`.
pub mod log_mask {
    /// `dwSyncMgrErrorFlags` is valid.
    pub const ERROR_FLAGS: u32 = 1;
    /// `ErrorID` is valid.
    pub const ERROR_ID: u32 = 2;
    /// `ItemID` is valid.
    pub const ITEM_ID: u32 = 4;
}

/// `SYNCMGRLOGERRORINFO.dwSyncMgrErrorFlags`.
pub mod error_flag {
    /// The entry is offered as a link.
    pub const ENABLE_JUMP_TEXT: u32 = 1;
}

/// `LogError(dwErrorLevel)`.
pub mod log_level {
    /// For information.
    pub const INFORMATION: u32 = 1;
    /// A warning.
    pub const WARNING: u32 = 2;
    /// An error.
    pub const ERROR: u32 = 3;
}

/// `UpdateItems(dwInvokeFlags)`.
pub mod invoke_flag {
    /// Start at once.
    pub const START_SYNC: u32 = 2;
    /// The first window is minimized.
    pub const MINIMIZED: u32 = 4;
}

/// `RegisterSyncMgrHandler(dwSyncMgrRegisterFlags)`.
pub mod register_flag {
    /// Wants connect events.
    pub const CONNECT: u32 = 1;
    /// Wants disconnect events.
    pub const PENDING_DISCONNECT: u32 = 2;
    /// Wants idle events.
    pub const IDLE: u32 = 4;
    /// All of them.
    pub const MASK: u32 = 7;
}

/// Units of a handler's name, the terminator included.
pub const MAX_HANDLER_NAME: usize = 32;
/// Units of an item's name, the terminator included.
pub const MAX_ITEM_NAME: usize = 128;

/// Result codes (2.6).
pub mod hresult {
    use windows_core::HRESULT;

    const fn of(code: u32) -> HRESULT {
        HRESULT(code.cast_signed())
    }

    /// Success; go on; yes.
    pub const S_OK: HRESULT = of(0);
    /// Success, in the negative sense of the method.
    pub const S_FALSE: HRESULT = of(1);
    /// The enumerator is valid but incomplete.
    pub const S_SYNCMGR_MISSINGITEMS: HRESULT = of(0x0004_0201);
    /// Run again with these items.
    pub const S_SYNCMGR_RETRYSYNC: HRESULT = of(0x0004_0202);
    /// Abandon this item.
    pub const S_SYNCMGR_CANCELITEM: HRESULT = of(0x0004_0203);
    /// Abandon every item.
    pub const S_SYNCMGR_CANCELALL: HRESULT = of(0x0004_0204);
    /// The item was deleted in its properties.
    pub const S_SYNCMGR_ITEMDELETED: HRESULT = of(0x0004_0210);
    /// Enumerate again.
    pub const S_SYNCMGR_ENUMITEMS: HRESULT = of(0x0004_0211);
    /// Not implemented.
    pub const E_NOTIMPL: HRESULT = of(0x8000_4001);
    /// No such interface.
    pub const E_NOINTERFACE: HRESULT = of(0x8000_4002);
    /// A pointer that must not be null is.
    pub const E_POINTER: HRESULT = of(0x8000_4003);
    /// Ended because it was asked to.
    pub const E_ABORT: HRESULT = of(0x8000_4004);
    /// Failed.
    pub const E_FAIL: HRESULT = of(0x8000_4005);
    /// Out of phase.
    pub const E_UNEXPECTED: HRESULT = of(0x8000_FFFF);
    /// Access denied.
    pub const E_ACCESSDENIED: HRESULT = of(0x8007_0005);
    /// Out of memory.
    pub const E_OUTOFMEMORY: HRESULT = of(0x8007_000E);
    /// A bad argument.
    pub const E_INVALIDARG: HRESULT = of(0x8007_0057);
    /// The thread has no COM.
    pub const CO_E_NOTINITIALIZED: HRESULT = of(0x8004_01F0);
    /// Aggregation is not offered.
    pub const CLASS_E_NOAGGREGATION: HRESULT = of(0x8004_0110);
    /// The library has no such class.
    pub const CLASS_E_CLASSNOTAVAILABLE: HRESULT = of(0x8004_0111);
    /// Nobody registered the class.
    pub const REGDB_E_CLASSNOTREG: HRESULT = of(0x8004_0154);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// M-07, section 2.5: every value once more, as the tables there have it.
    #[test]
    fn every_value_is_that_of_the_contract() {
        let table: &[(&str, u32, u32)] = &[
            ("FLAG_CONNECT", flag::CONNECT, 0x0001),
            ("FLAG_PENDINGDISCONNECT", flag::PENDING_DISCONNECT, 0x0002),
            ("FLAG_MANUAL", flag::MANUAL, 0x0003),
            ("FLAG_IDLE", flag::IDLE, 0x0004),
            ("FLAG_INVOKE", flag::INVOKE, 0x0005),
            ("FLAG_SCHEDULED", flag::SCHEDULED, 0x0006),
            ("FLAG_EVENTMASK", flag::EVENT_MASK, 0x00FF),
            ("FLAG_SETTINGS", flag::SETTINGS, 0x0100),
            ("FLAG_MAYBOTHERUSER", flag::MAY_BOTHER_USER, 0x0200),
            ("HANDLER_HASPROPERTIES", handler_flag::HAS_PROPERTIES, 0x1),
            (
                "HANDLER_MAYESTABLISHCONNECTION",
                handler_flag::MAY_ESTABLISH_CONNECTION,
                0x2,
            ),
            (
                "HANDLER_ALWAYSLISTHANDLER",
                handler_flag::ALWAYS_LIST_HANDLER,
                0x4,
            ),
            ("HANDLER_HIDDEN", handler_flag::HIDDEN, 0x8),
            ("ITEM_HASPROPERTIES", item_flag::HAS_PROPERTIES, 0x01),
            ("ITEM_TEMPORARY", item_flag::TEMPORARY, 0x02),
            ("ITEM_ROAMINGUSER", item_flag::ROAMING_USER, 0x04),
            ("ITEM_LASTUPDATETIME", item_flag::LAST_UPDATE_TIME, 0x08),
            ("ITEM_MAYDELETEITEM", item_flag::MAY_DELETE_ITEM, 0x10),
            ("ITEM_HIDDEN", item_flag::HIDDEN, 0x20),
            ("ITEMSTATE_UNCHECKED", item_state::UNCHECKED, 0),
            ("ITEMSTATE_CHECKED", item_state::CHECKED, 1),
            ("STATUS_STOPPED", status::STOPPED, 0x000),
            ("STATUS_SKIPPED", status::SKIPPED, 0x001),
            ("STATUS_PENDING", status::PENDING, 0x002),
            ("STATUS_UPDATING", status::UPDATING, 0x003),
            ("STATUS_SUCCEEDED", status::SUCCEEDED, 0x004),
            ("STATUS_FAILED", status::FAILED, 0x005),
            ("STATUS_PAUSED", status::PAUSED, 0x006),
            ("STATUS_RESUMING", status::RESUMING, 0x007),
            (
                "STATUS_UPDATING_INDETERMINATE",
                status::UPDATING_INDETERMINATE,
                0x008,
            ),
            ("STATUS_DELETED", status::DELETED, 0x100),
            ("PROGRESSITEM_STATUSTEXT", progress_mask::STATUS_TEXT, 0x1),
            ("PROGRESSITEM_STATUSTYPE", progress_mask::STATUS_TYPE, 0x2),
            ("PROGRESSITEM_PROGVALUE", progress_mask::PROG_VALUE, 0x4),
            ("PROGRESSITEM_MAXVALUE", progress_mask::MAX_VALUE, 0x8),
            ("LOGERROR_ERRORFLAGS", log_mask::ERROR_FLAGS, 0x1),
            ("LOGERROR_ERRORID", log_mask::ERROR_ID, 0x2),
            ("LOGERROR_ITEMID", log_mask::ITEM_ID, 0x4),
            ("ERRORFLAG_ENABLEJUMPTEXT", error_flag::ENABLE_JUMP_TEXT, 1),
            ("LOGLEVEL_INFORMATION", log_level::INFORMATION, 1),
            ("LOGLEVEL_WARNING", log_level::WARNING, 2),
            ("LOGLEVEL_ERROR", log_level::ERROR, 3),
            ("INVOKE_STARTSYNC", invoke_flag::START_SYNC, 0x2),
            ("INVOKE_MINIMIZED", invoke_flag::MINIMIZED, 0x4),
            ("REGISTERFLAG_CONNECT", register_flag::CONNECT, 0x1),
            (
                "REGISTERFLAG_PENDINGDISCONNECT",
                register_flag::PENDING_DISCONNECT,
                0x2,
            ),
            ("REGISTERFLAG_IDLE", register_flag::IDLE, 0x4),
            ("REGISTERFLAGS_MASK", register_flag::MASK, 0x7),
        ];
        for (name, ours, contract) in table {
            assert_eq!(ours, contract, "{name}");
        }
        assert_eq!((MAX_HANDLER_NAME, MAX_ITEM_NAME), (32, 128));
    }

    /// M-07, section 2.6.
    #[test]
    fn every_result_is_that_of_the_contract() {
        let table = [
            (hresult::S_OK, 0x0000_0000),
            (hresult::S_FALSE, 0x0000_0001),
            (hresult::S_SYNCMGR_MISSINGITEMS, 0x0004_0201),
            (hresult::S_SYNCMGR_RETRYSYNC, 0x0004_0202),
            (hresult::S_SYNCMGR_CANCELITEM, 0x0004_0203),
            (hresult::S_SYNCMGR_CANCELALL, 0x0004_0204),
            (hresult::S_SYNCMGR_ITEMDELETED, 0x0004_0210),
            (hresult::S_SYNCMGR_ENUMITEMS, 0x0004_0211),
            (hresult::E_NOTIMPL, 0x8000_4001),
            (hresult::E_NOINTERFACE, 0x8000_4002),
            (hresult::E_POINTER, 0x8000_4003),
            (hresult::E_ABORT, 0x8000_4004),
            (hresult::E_FAIL, 0x8000_4005),
            (hresult::E_UNEXPECTED, 0x8000_FFFF),
            (hresult::E_ACCESSDENIED, 0x8007_0005),
            (hresult::E_OUTOFMEMORY, 0x8007_000E),
            (hresult::E_INVALIDARG, 0x8007_0057),
            (hresult::CO_E_NOTINITIALIZED, 0x8004_01F0),
            (hresult::CLASS_E_NOAGGREGATION, 0x8004_0110),
            (hresult::CLASS_E_CLASSNOTAVAILABLE, 0x8004_0111),
            (hresult::REGDB_E_CLASSNOTREG, 0x8004_0154_u32),
        ];
        for (ours, contract) in table {
            assert_eq!(ours.0.cast_unsigned(), contract);
            assert_eq!(ours.is_ok(), contract < 0x8000_0000);
        }
    }
}
