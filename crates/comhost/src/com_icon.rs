//! Icons as PNG, where there are such.

#![cfg_attr(
    windows,
    expect(unsafe_code, reason = "icons are handles of the system")
)]

use syncmgr_com::structure::Handle;

/// There are no icons here.
#[cfg(not(windows))]
pub(crate) fn png(_icon: Handle) -> Option<String> {
    None
}
