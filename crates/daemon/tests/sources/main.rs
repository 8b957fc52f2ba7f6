//! The sources of Linux against a real bus with scripted services, real routes, real mounts and real files.
//!
//! They need namespaces of their own and Debian's python3-dbusmock, and so are run by `cargo xtask suite sources`.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking, and waits for what another process does"
)]

mod bus;
mod desk;
mod files;
mod idle;
mod kernel;
mod liar;
mod logind;
mod logon;
mod network;
mod power;
