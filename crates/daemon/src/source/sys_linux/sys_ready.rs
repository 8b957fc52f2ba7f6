//! Waits for a file descriptor of our own.
#![expect(
    unsafe_code,
    reason = "tokio cannot know that a descriptor stays what it is"
)]

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Makes a descriptor one that can be waited for. Must be called within a tokio runtime.
pub(super) fn awaitable(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is valid and open for as long as it exists, always answers the same number, and is owned by the
    // `AsyncFd` from here on.
    let registered = unsafe { AsyncFd::register_with_interest(fd, interest) };
    Ok(registered?)
}
