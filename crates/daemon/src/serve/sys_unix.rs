//! A socket in the file system.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tokio::net::{UnixListener, UnixStream};

/// A connection.
pub(crate) type Stream = UnixStream;

/// What a refusal to listen is about, and what helps.
pub(crate) const HINT: &str =
    "a socket's path must be shorter than 108 bytes: set SYNCMGR_HOME to a shorter one";

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

    /// The next connection; `None` for one whose peer is not the user that this process runs as.
    pub(crate) async fn accept(&mut self) -> io::Result<Option<Stream>> {
        let (stream, _) = self.0.accept().await?;
        let own = rustix::process::geteuid().as_raw();
        Ok((stream.peer_cred()?.uid() == own).then_some(stream))
    }
}
