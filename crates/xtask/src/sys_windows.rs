//! What the tasks need of Windows: nothing yet is measured or killed there, and each call says so.

use std::io;
use std::process::Child;
use std::time::Duration;

/// The account of an ended process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// User and system time.
    pub(crate) cpu: Duration,
    /// Resident peak of the largest process.
    pub(crate) largest_kib: u64,
    /// Exit code.
    pub(crate) code: i32,
}

/// Refuses: the benches read Unix accounts.
pub(crate) fn wait_with_usage(mut child: Child) -> io::Result<Usage> {
    child.kill()?;
    child.wait()?;
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "benches are measured on Unix only",
    ))
}

/// Answers the process alone.
pub(crate) fn family(root: u32) -> Vec<u32> {
    vec![root]
}

/// Answers nothing.
pub(crate) fn peak_kib(_process: u32) -> Option<u64> {
    None
}

/// Answers no.
pub(crate) fn lives(_process: u32) -> bool {
    false
}

/// Refuses.
pub(crate) fn exchange(_socket: &std::path::Path, _bytes: &[u8]) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Does nothing.
pub(crate) fn freeze(_process: u32) {}

/// Does nothing.
pub(crate) fn resume(_process: u32) {}

/// Does nothing.
pub(crate) fn kill(_process: u32) {}
