//! A named pipe that the system lets no other user open; see [`syncmgr_control::pipe`].

use std::io;
use std::path::Path;

use syncmgr_control::pipe;
use tokio::net::windows::named_pipe::NamedPipeServer;

/// A connection.
pub(crate) type Stream = NamedPipeServer;

/// What helps when a pipe cannot be made.
pub(crate) const HINT: &str =
    "the directory must be one that you may write: set SYNCMGR_HOME to another";

/// A pipe that waits.
pub(crate) struct Listener(pipe::Listener);

impl Listener {
    /// Makes the pipe and tells its name in the file at this path. The home lock must be held.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        pipe::Listener::bind(path).map(Self)
    }

    /// Nobody hands pipes over.
    pub(crate) fn handed_over(_: &Path) -> Option<Self> {
        None
    }

    /// The next connection.
    pub(crate) async fn accept(&mut self) -> io::Result<Option<Stream>> {
        self.0.accept().await.map(Some)
    }
}
