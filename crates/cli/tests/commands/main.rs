//! Every command against a scripted manager: what it asks, what it prints, what it exits with.
#![expect(
    clippy::unwrap_used,
    reason = "tests: what cannot be unwrapped fails the test, and names say what is tested"
)]

mod center;
mod checking;
mod departure;
mod fake;
mod following;
mod importing;
mod recipes;
mod samples;
mod service;
mod shown;
mod words;
