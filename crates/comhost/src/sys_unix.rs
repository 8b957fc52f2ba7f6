//! What an apartment is where there is no COM: a thread like any other.

#![expect(
    unsafe_code,
    reason = "ending the process at once is a call into the C library"
)]

use std::sync::{Condvar, Mutex, PoisonError};

use crate::board::enter;

/// Wakes the apartment.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    heard: Condvar,
}

impl Bell {
    /// Wakes who waits, or who waits next.
    pub(crate) fn ring(&self) {
        *enter(&self.rung) = true;
        self.heard.notify_one();
    }

    /// Waits until it rings.
    pub(crate) fn wait(&self) {
        let mut rung = self
            .heard
            .wait_while(enter(&self.rung), |rung| !*rung)
            .unwrap_or_else(PoisonError::into_inner);
        *rung = false;
    }
}

/// Nothing to prepare here.
pub(crate) fn enter_apartment() -> Result<(), String> {
    Ok(())
}

/// Ends the process at once: threads of the handler may still run, and must not meet what is being torn down.
pub(crate) fn end_process(code: i32) -> ! {
    // SAFETY: `_exit` takes any code and does not return.
    unsafe { libc::_exit(code) }
}
