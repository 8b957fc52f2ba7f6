//! Where a manager listens on Windows: a named pipe that its own user alone may open.
//!
//! Names of pipes are one space for the whole machine, so nobody may be able to take ours first: it is made up anew each
//! time, and written to a file in the home, where on other systems the socket itself stands. Whoever may read the home
//! finds the pipe, whatever spelling of the home's path they know it by.

#![expect(
    unsafe_code,
    reason = "tokio takes security attributes as a raw pointer"
)]

use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _};
use std::path::Path;

use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};

use crate::sys_user;

/// Most connections of one manager at once, with the one that is waited for.
pub const MAX_INSTANCES: usize = 254;

/// What every name begins with; the rest is letters and digits.
const PREFIX: &str = r"\\.\pipe\syncmgr-";

/// Longest name that is believed.
const MAX_NAME_BYTES: u64 = 128;

/// A pipe that waits for connections.
#[derive(Debug)]
pub struct Listener {
    name: String,
    next: NamedPipeServer,
}

impl Listener {
    /// Makes a pipe and writes its name to the file at this path, in place of what a dead owner left there. Must be called
    /// within a tokio runtime, and with the home's lock held.
    ///
    /// # Errors
    /// When the pipe cannot be made, or the file cannot be written.
    pub fn bind(address: &Path) -> io::Result<Self> {
        let random = RandomState::new();
        let name = format!(
            "{PREFIX}{:016x}{:016x}",
            random.hash_one(std::process::id()),
            random.hash_one(address)
        );
        let next = instance(&name, true)?;
        let fresh = address.with_extension("new");
        std::fs::write(&fresh, &name)?;
        std::fs::rename(&fresh, address)?;
        Ok(Self { name, next })
    }

    /// Waits for the next connection. Can be dropped and called again.
    ///
    /// # Errors
    /// When no further connection can be waited for at the moment; call it again after a while.
    pub async fn accept(&mut self) -> io::Result<NamedPipeServer> {
        if let Err(error) = self.next.connect().await {
            self.next = instance(&self.name, false)?;
            return Err(error);
        }
        // Should this fail, whoever connected keeps waiting in `next`, and is found there by the next call.
        let next = instance(&self.name, false)?;
        Ok(std::mem::replace(&mut self.next, next))
    }
}

fn instance(name: &str, first: bool) -> io::Result<NamedPipeServer> {
    sys_user::for_own_user_alone(|attributes| {
        // SAFETY: the attributes are valid during this call, which is all that the system asks for.
        unsafe {
            ServerOptions::new()
                .first_pipe_instance(first)
                .reject_remote_clients(true)
                .max_instances(MAX_INSTANCES)
                .create_with_security_attributes_raw(name, attributes.cast())
        }
    })
}

/// Reads the name of the pipe that was written to this file.
pub(crate) fn name_at(address: &Path) -> io::Result<String> {
    let mut name = String::new();
    std::fs::File::open(address)?
        .take(MAX_NAME_BYTES)
        .read_to_string(&mut name)?;
    let ours = name.strip_prefix(PREFIX).is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    if ours {
        Ok(name)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the file does not name a pipe of syncmgr",
        ))
    }
}
