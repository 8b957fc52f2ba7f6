//! The tables of the kernel.

use std::fs::File;
use std::net::SocketAddr;

/// What no table has is not certain. What its owner closed already is told as the superuser's, so that one is another user too.
pub(super) fn is_another_user(peer: SocketAddr, local: SocketAddr) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let owner = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| File::open(table).ok())
        .find_map(|table| super::owner(table, peer, local));
    owner.is_some_and(|owner| owner != own)
}
