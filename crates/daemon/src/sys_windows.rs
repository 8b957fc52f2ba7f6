//! Windows: directories below the user's profile are private by inheritance.

use std::io;
use std::path::Path;

/// Creates a directory with its parents.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)
}

/// Options that create files with the directory's own access rights.
pub(crate) fn private_file_options() -> std::fs::OpenOptions {
    std::fs::OpenOptions::new()
}

/// Signals that ask a daemon to end.
pub(crate) struct EndSignals {
    interrupt: tokio::signal::windows::CtrlC,
    closed: tokio::signal::windows::CtrlClose,
}

/// Begins to await them.
pub(crate) fn end_signals() -> io::Result<EndSignals> {
    Ok(EndSignals {
        interrupt: tokio::signal::windows::ctrl_c()?,
        closed: tokio::signal::windows::ctrl_close()?,
    })
}

impl EndSignals {
    /// The next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.closed.recv() => {}
        }
    }
}
