//! Reaching handlers: spawn, handshake, links, deadlines, the stop ladder.
//!
//! One [`Instance`] is one handler process (or, in tests, one thread behind the same kind of link). Starting it gives a
//! [`Handle`] to talk through; whatever the handler says or does comes as [`HostEvent`]s on the one channel that was
//! given, and the last of them is always [`What::Exited`]. Whatever a handler does wrong ends that instance and nothing
//! else: every line, queue, wait and log here is bounded.
//!
//! This crate knows nothing of schedules, session policy, storage and views. Whether a well-formed message makes sense in
//! the phase of its session is not its business either.

pub mod bare;
pub mod errand;
pub mod event;
pub mod handle;
mod handshake;
pub mod hook;
pub mod inquiry;
mod lines;
pub mod process;
mod reader;
mod spawn;
pub mod spec;
mod stderr;
mod supervise;
mod writer;

#[cfg(unix)]
#[path = "sys_unix.rs"]
mod sys;
#[cfg(windows)]
#[path = "sys_windows.rs"]
mod sys;

pub use bare::Bare;
pub use event::{Exit, ExitStatus, HostEvent, StartError, Violation, What};
pub use handle::{CallError, Handle, Reply, SendError};
pub use handshake::HandshakeError;
pub use inquiry::{InquireError, Inquiry, inquire};
pub use spec::{Limits, Rung, Spec, StopReason};
pub use supervise::Instance;
