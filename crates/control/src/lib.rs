//! The contract with views: requests, snapshots, numbered changes, exit codes, client.
//!
//! One trait, [`Service`], is everything that a face may ask of the manager. The manager implements it once; a local
//! socket or pipe, the page and the command's own process are only ways to reach it. This crate depends on nothing of ours.

pub mod browse;
pub mod change;
pub mod client;
pub mod compare;
pub mod decide;
pub mod entry;
pub mod exit;
pub mod field;
pub mod method;
pub mod offer;
pub mod refusal;
pub mod registration;
pub mod report;
pub mod request;
pub mod rule;
pub mod said;
pub mod service;
pub mod span;
pub mod view;
pub mod why;

#[cfg(windows)]
#[path = "sys_pipe.rs"]
pub mod pipe;
#[cfg_attr(unix, path = "sys_unix.rs")]
#[cfg_attr(not(unix), path = "sys_windows.rs")]
mod sys;
#[cfg(windows)]
mod sys_user;

pub use change::{Change, What};
pub use client::Client;
pub use exit::ExitCode;
pub use refusal::Refusal;
pub use request::{Reply, Request};
pub use service::{Caller, Changes, Service};
