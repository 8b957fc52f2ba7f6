//! Sync Center over HTTP: every request of [`syncmgr_control`] as a method with an address of its own, changes as a
//! stream, and measures. It knows the manager only as a [`Service`](syncmgr_control::Service).
//!
//! [`router`] is for whoever the system lets in, such as our own user on the local socket; [`router_behind`] a [`Door`] is for a browser
//! on loopback, where everybody on the machine may knock.

mod api;
mod changes;
mod compress;
pub mod door;
mod metrics;
#[cfg(feature = "schema")]
mod openapi;
mod page;
mod query;
mod refused;
mod visitor;

pub use api::{Center, router, router_behind};
pub use door::Door;
#[cfg(feature = "schema")]
pub use openapi::document;
pub use visitor::Visitor;
