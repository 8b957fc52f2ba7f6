//! Control events on Windows.

use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};

/// Is over when somebody wants this process to end: Ctrl-C, Ctrl-Break, or a window that closes.
pub(crate) async fn told_to_end() {
    match (ctrl_c(), ctrl_break(), ctrl_close()) {
        (Ok(mut interrupt), Ok(mut broken), Ok(mut closed)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = broken.recv() => {}
                _ = closed.recv() => {}
            }
        }
        // What cannot be heard ends the command, as everywhere else.
        _ => std::future::pending().await,
    }
}

/// The number of the user, which Windows does not have.
pub(crate) fn user_id() -> u32 {
    0
}

/// No service manager sets any of them here.
pub(crate) fn forget_variables(_: &[&str]) {}

/// There is no journal.
pub(crate) fn errors_identity() -> Option<(u64, u64)> {
    None
}

/// No process can be asked to end by its number alone.
pub(crate) fn ask_to_end(_: u32) -> bool {
    false
}
