//! Sync Center over HTTP: every request of [`syncmgr_control`] as a method with an address of its own, changes as a
//! stream, and measures. It knows the manager only as a [`Service`](syncmgr_control::Service).
//!
//! [`router`] is the whole of it; whoever serves it decides who may connect.

mod api;
mod changes;
mod metrics;
#[cfg(feature = "schema")]
mod openapi;
mod query;

pub use api::{Center, router};
#[cfg(feature = "schema")]
pub use openapi::document;
