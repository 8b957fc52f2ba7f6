//! Systems that are not sent away.

use super::Leave;

const WHY: &str = "this system is not asked for that yet";

/// Never.
pub(super) async fn may_leave(_: Leave) -> Result<(), String> {
    Err(WHY.to_owned())
}

/// Never.
pub(super) async fn leave(_: Leave) -> Result<(), String> {
    Err(WHY.to_owned())
}
