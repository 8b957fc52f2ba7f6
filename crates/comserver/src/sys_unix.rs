//! Unix: where this library lies, and processes that outlive their caller.

#![expect(unsafe_code, reason = "the loader is asked where this code lies")]

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;

/// The file that this code was loaded from.
pub(crate) fn own_path() -> Option<PathBuf> {
    let mut found = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let here: fn() -> Option<PathBuf> = own_path;
    // SAFETY: any address may be asked about, and the place is writable.
    let known = unsafe { libc::dladdr(here as *const libc::c_void, found.as_mut_ptr()) };
    if known == 0 {
        return None;
    }
    // SAFETY: the call succeeded and wrote it.
    let found = unsafe { found.assume_init() };
    if found.dli_fname.is_null() {
        return None;
    }
    // SAFETY: not null, and the loader's own text, which lives as long as this code is loaded.
    let name = unsafe { CStr::from_ptr(found.dli_fname) };
    std::fs::canonicalize(OsStr::from_bytes(name.to_bytes())).ok()
}

/// The process does not end with its caller's terminal.
pub(crate) fn detach(command: &mut std::process::Command) {
    command.process_group(0);
}
