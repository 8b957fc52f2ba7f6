//! A program that was built without the mark in the notification area.

use syncmgr_control::{ExitCode, Refusal};
use syncmgr_daemon::place::Environment;

/// Refuses.
///
/// # Errors
/// Always.
pub(crate) fn show(_: &Environment, _: &str) -> Result<ExitCode, Refusal> {
    Err(Refusal::new(
        "tray::absent",
        "this program was built without the mark in the notification area",
        "build it with the feature `tray`, or look with syncmgr top or syncmgr center",
    ))
}
