//! What differs between systems.

#[cfg(unix)]
#[path = "sys_unix.rs"]
mod imp;
#[cfg(windows)]
#[path = "sys_windows.rs"]
mod imp;

pub(crate) use imp::*;

#[cfg(unix)]
#[path = "sys_unix_registry.rs"]
pub(crate) mod registry;
#[cfg(windows)]
#[path = "sys_windows_registry.rs"]
pub(crate) mod registry;
