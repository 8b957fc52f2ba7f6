//! Ways to reach the one service from outside the process.

#[cfg(unix)]
pub mod socket;
