//! The way to a manager on Windows: a named pipe, whose name is in the file at the path.

use std::io;
use std::os::windows::io::AsHandle as _;
use std::path::Path;
use std::time::Duration;

use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};
use windows_sys::Win32::Foundation::ERROR_PIPE_BUSY;

use crate::sys_user::OwnUser;

/// A connection to a manager.
pub(crate) type Stream = NamedPipeClient;

/// How long between two knocks while every instance of the pipe is taken; the caller bounds the whole.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// Connects to the manager whose pipe the file at this path names, if it runs as the same user.
pub(crate) async fn connect(path: &Path) -> io::Result<Stream> {
    let name = crate::pipe::name_at(path)?;
    let stream = loop {
        // Whoever listens may learn who we are, and not act as us: that is how tokio opens a pipe.
        match ClientOptions::new().open(&name) {
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY.cast_signed()) => {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            other => break other?,
        }
    };
    // A pipe cannot be given away: it belongs to the user whose manager made it.
    if OwnUser::find()?.owns(stream.as_handle())? {
        Ok(stream)
    } else {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the pipe was made by another user",
        ))
    }
}
