//! A socket in the file system.
#![expect(
    unsafe_code,
    reason = "a descriptor that was inherited has no owner until one is made for it"
)]

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tokio::net::{UnixListener, UnixStream};

/// A connection.
pub(crate) type Stream = UnixStream;

/// What a refusal to listen is about, and what helps.
pub(crate) const HINT: &str =
    "a socket's path must be shorter than 108 bytes: set SYNCMGR_HOME to a shorter one";

/// The first descriptor that a service manager hands over (sd_listen_fds(3)).
const HANDED_OVER: std::os::fd::RawFd = 3;

/// A bound socket.
pub(crate) struct Listener(UnixListener);

impl Listener {
    /// Binds the socket in a directory that is private to the user, taking away what a dead owner left. The home lock
    /// must be held.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        // The directory keeps others out already; the socket says so too.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self(listener))
    }

    /// The socket that a service manager bound and handed over, if it is the one of this home. May be called once a process,
    /// and only when one was announced.
    pub(crate) fn handed_over(path: &Path) -> Option<Self> {
        // SAFETY: it is only looked at, and not kept; should it not be open, the kernel says so.
        let seen = unsafe { BorrowedFd::borrow_raw(HANDED_OVER) };
        let is_socket = rustix::net::sockopt::socket_acceptconn(seen).unwrap_or(false);
        let inherited = seen.try_clone_to_owned().ok().filter(|_| is_socket);
        let listener = inherited.map(std::os::unix::net::UnixListener::from)?;
        let bound = listener.local_addr().ok()?;
        if bound.as_pathname() != Some(path) {
            tracing::warn!(
                ?bound,
                "the socket that was handed over is not the one of this home"
            );
            return None;
        }
        // SAFETY: it is open, was announced as handed over to this process, and nobody else owns it: it becomes owned here,
        // once, and is closed; its duplicate is not inherited by handlers.
        drop(unsafe { OwnedFd::from_raw_fd(HANDED_OVER) });
        listener.set_nonblocking(true).ok()?;
        UnixListener::from_std(listener).ok().map(Self)
    }

    /// The next connection; `None` for one whose peer is not the user that this process runs as.
    pub(crate) async fn accept(&mut self) -> io::Result<Option<Stream>> {
        let (stream, _) = self.0.accept().await?;
        let own = rustix::process::geteuid().as_raw();
        Ok((stream.peer_cred()?.uid() == own).then_some(stream))
    }
}
