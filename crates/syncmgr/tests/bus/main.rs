//! The real program beside the services of a desktop: what it asks of them, and what becomes of it when they are slow, absent,
//! lie, or begin anew.
//!
//! They need namespaces of their own and Debian's python3-dbusmock, and so are run by `cargo xtask suite sources`.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    dead_code,
    missing_docs,
    reason = "a test fails by panicking, and waits for what another process does; it takes what other tests are made of"
)]

mod awake;
#[path = "../../../daemon/tests/sources/bus.rs"]
mod bus;
mod leaving;
mod liar;
mod machine;
mod notices;
mod secrets;
mod then;
mod tray;
#[path = "../program/world.rs"]
mod world;
