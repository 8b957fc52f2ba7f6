//! The way to a manager on Unix: a socket in the file system.

use std::io;
use std::path::Path;

/// A connection to a manager.
pub(crate) type Stream = tokio::net::UnixStream;

/// Connects to the manager that listens at this path.
pub(crate) async fn connect(path: &Path) -> io::Result<Stream> {
    Stream::connect(path).await
}
