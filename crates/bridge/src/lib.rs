//! Bridges to programs that synchronize by themselves: they are followed over HTTP, and what they do is reported into sessions
//! that the manager only shows. Nothing is ever changed there: only calls that read are made.
//!
//! A bridge is a client of `control` like any other. What is said of what was seen is decided by pure functions of snapshots
//! ([`syncthing`], [`rclone`]); [`follow`](follow()) alone asks, waits and reports.

mod follow;
mod http;
pub mod key;
pub mod rclone;
pub mod syncthing;

pub use follow::{Bridge, Kind, Setting, SettingError, follow};
