//! Writes lines for the person or script that started the task.

use std::fmt::Display;
use std::io::Write as _;

/// Writes one line to standard output.
pub(crate) fn line(text: impl Display) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        // The reader of the pipe is gone: there is nobody left to tell.
    }
}

/// Writes one line to standard error.
pub(crate) fn complain(text: impl Display) {
    if writeln!(std::io::stderr().lock(), "{text}").is_err() {
        // As above.
    }
}
