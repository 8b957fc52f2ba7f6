//! Where nobody is asked whose a connection is.

use std::net::SocketAddr;

/// It is not certain.
pub(super) fn is_another_user(_: SocketAddr, _: SocketAddr) -> bool {
    false
}
