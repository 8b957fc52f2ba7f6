//! Two-way folder synchronization as an ordinary handler.

mod archive;
mod compact;
mod fs;
mod guard;
mod name;
mod observe;
mod reconcile;
mod scan;
#[cfg(unix)]
mod sys_unix;
#[cfg(windows)]
mod sys_windows;
mod tree;
