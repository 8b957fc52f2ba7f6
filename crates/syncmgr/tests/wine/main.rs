//! The program, the COM server and registered classes on Windows, in a Wine of their own.
//!
//! `cargo xtask suite windows` installs the programs below drive C:, builds the libraries and a program in C++ that calls the
//! manager, and says where they are. Classes are registered for the machine, since Wine 8 sees no others.
#![cfg(windows)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking; it starts processes and gives up after a time"
)]

mod classes;
mod server;
mod stage;
