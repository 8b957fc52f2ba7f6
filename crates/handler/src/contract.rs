//! Version, features and bounds of the contract.

/// The contract version that this crate speaks.
pub const CONTRACT_VERSION: u32 = 1;

/// Longest line, in bytes without the line feed, that either side accepts. A longer one breaks the contract.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// Longest first line to a handler, which is `initialize`: it may carry a cookie of [`MAX_COOKIE_BYTES`] in base 64 beside
/// everything else.
pub const MAX_FIRST_LINE_BYTES: usize = 2 << 20;

/// Longest cookie, in bytes before they become base 64. The COM contract names no bound (M-38); this one is ours.
pub const MAX_COOKIE_BYTES: usize = 1 << 20;

/// Longest handler or item identifier, in UTF-16 units (Sync Center's `MAX_SYNCMGR_ID` less the terminator).
pub const MAX_ID_UNITS: usize = 63;

/// Longest display name, in UTF-16 units (Sync Center's `MAX_SYNCMGR_NAME` less the terminator; classic item names
/// have the same bound).
pub const MAX_NAME_UNITS: usize = 127;

/// Longest progress text, in UTF-16 units; a longer one is cut (Sync Center's `MAX_SYNCMGR_PROGRESSTEXT`).
pub const MAX_TEXT_UNITS: usize = 259;

/// Most items, conflicts, actions or ids in one message; more go into further pages.
pub const MAX_PAGE: usize = 500;

/// Most items that one handler may list or be asked to synchronize at once, over all pages.
pub const MAX_ITEMS: usize = 1 << 20;

/// Most requests that may wait for their answers at once, in either direction. One more is refused.
pub const MAX_IN_FLIGHT: usize = 64;

/// Longest text of a log entry or question, in bytes; a longer one is cut.
pub const MAX_ENTRY_BYTES: usize = 4 << 10;

/// Longest detail of a log entry or question, in bytes; a longer one is cut.
pub const MAX_DETAIL_BYTES: usize = 64 << 10;

/// Longest icon, in bytes of its base 64 text; a longer one is left out.
pub const MAX_ICON_BYTES: usize = 64 << 10;

/// Longest piece of a conflicting version in one answer, in bytes before they become base 64.
pub const MAX_PIECE_BYTES: usize = 512 << 10;

/// Optional parts of the contract. A feature that the other side does not name is never used; an unknown name is
/// ignored, so that new ones can be added.
pub mod feature {
    /// The handler answers `plan`.
    pub const PLAN: &str = "plan";
    /// The handler answers `undo`.
    pub const UNDO: &str = "undo";
    /// The handler answers `conflicts/list` and `conflicts/resolve` (Sync Center's conflict store).
    pub const CONFLICTS: &str = "conflicts";
    /// The handler answers `conflicts/read`: what the versions of a conflict contain.
    pub const READ_CONFLICTS: &str = "conflicts/read";
    /// The handler answers `properties` and `properties/show` (classic `SYNCMGRHANDLER_HASPROPERTIES`).
    pub const PROPERTIES: &str = "properties";
    /// The handler answers `error/show`.
    pub const SHOW_ERROR: &str = "error/show";
    /// The handler answers `item/define`: items can be added by the user.
    pub const DEFINE: &str = "item/define";
    /// The handler may ask for connections (classic `SYNCMGRHANDLER_MAYESTABLISHCONNECTION`).
    pub const CONNECTION: &str = "connection";
    /// The handler may take late items into its run (Sync Center's `QueryForAdditionalItems`).
    pub const LATE_ITEMS: &str = "late-items";
}
