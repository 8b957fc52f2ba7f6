//! Ways to reach the one service from outside the process.

mod checkup;
pub(crate) mod doorkeeper;
pub mod password;
mod patient;
mod peer;
mod private;
pub mod setting;
pub(crate) mod socket;
#[cfg_attr(unix, path = "sys_unix.rs")]
#[cfg_attr(windows, path = "sys_windows.rs")]
pub(crate) mod sys;
mod tcp;
mod tls;
