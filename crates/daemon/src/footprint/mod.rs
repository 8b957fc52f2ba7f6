//! What a resting daemon gives back: the pages of its own program, which are read again from its file by whoever comes next.
//!
//! Most of a program is used by its beginning, or by a command now and then, and would stay mapped for days.

#[cfg(target_os = "linux")]
#[path = "sys_linux.rs"]
mod sys;
#[cfg(not(target_os = "linux"))]
#[path = "sys_elsewhere.rs"]
mod sys;

use std::time::Duration;

/// How long nothing happens before it rests: longer than a person takes from one command to the next thought, and a program
/// between two requests.
const REST: Duration = Duration::from_secs(3);

/// Whether there is something to give back.
#[derive(Debug)]
pub(crate) struct Footprint {
    used: bool,
}

impl Footprint {
    /// A daemon that begins, which takes more than anything later.
    pub(crate) fn of_a_beginning() -> Self {
        Self { used: true }
    }

    /// Something happened.
    pub(crate) fn used(&mut self) {
        self.used = true;
    }

    /// Waits until nothing has happened for a while, and gives back what was used; once, so that it wakes up no more while it
    /// rests. Dropping it begins the while anew.
    pub(crate) async fn rested(&mut self) {
        if !self.used {
            return std::future::pending().await;
        }
        tokio::time::sleep(REST).await;
        self.used = false;
        if let Err(error) = sys::give_back() {
            tracing::debug!(%error, "nothing is given back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_given_back_once_after_a_rest() {
        let mut footprint = Footprint::of_a_beginning();
        let early = tokio::time::timeout(REST / 2, footprint.rested()).await;
        assert!(early.is_err());
        footprint.rested().await;
        let later = tokio::time::timeout(REST * 100, footprint.rested()).await;
        assert!(later.is_err(), "it wakes up no more");
        footprint.used();
        footprint.rested().await;
    }
}
