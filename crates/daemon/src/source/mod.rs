//! Sources: what the machine tells of itself. Each is one task that waits for the machine and sends [`Observation`]s: facts
//! for the conditions, happenings for the triggers, and whether it can watch at all.
//!
//! A source blocks until something happens; none polls, but for those that say so in their availability. What comes from
//! outside may be nonsense: it is refused with a visible reason, and every retry is spaced by a [`backoff`].

pub mod backoff;
pub mod broadcast;
pub mod charge;
pub mod connectivity;
pub mod debounce;
mod file;
pub mod gate;
pub mod hub;
pub mod look;
pub mod machine;
pub mod mountinfo;
pub mod observation;
pub mod places;
pub mod probe;
pub mod quiet;
pub mod reporter;
pub mod route;
pub mod supply;
#[cfg(not(any(target_os = "linux", windows)))]
mod sys_elsewhere;
#[cfg(target_os = "linux")]
mod sys_linux;
#[cfg(unix)]
mod sys_unix;
#[cfg(windows)]
mod sys_windows;
pub mod volume;
pub mod wanted;

#[cfg(unix)]
use self::sys_unix as sys;
#[cfg(windows)]
use self::sys_windows as sys;

use futures::future::BoxFuture;
use tokio::sync::watch;

pub use self::machine::Machine;
pub use self::observation::{Availability, Began, Happening, Hold, Leaving, Observation, Subject};
pub use self::reporter::Reporter;
pub use self::wanted::Wanted;

/// One source.
pub trait Source: Send {
    /// Its name, for the log.
    fn name(&self) -> &'static str;

    /// What it tells about.
    fn subjects(&self) -> &'static [Subject];

    /// Watches for ever. Whatever it holds is let go when the future is dropped; that is how it is told to end.
    fn run(
        self: Box<Self>,
        report: Reporter,
        wanted: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()>;
}
