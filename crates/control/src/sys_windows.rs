//! The way to a manager on Windows: not available yet, which every caller is told.

use std::io;
use std::path::Path;

/// A connection to a manager.
pub(crate) type Stream = tokio::io::DuplexStream;

/// Refuses: a manager on Windows does not listen for commands yet.
pub(crate) async fn connect(_path: &Path) -> io::Result<Stream> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
