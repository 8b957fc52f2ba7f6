//! Asks Windows how much room there is.

#![expect(unsafe_code, reason = "std does not tell how much room there is")]

use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;

/// Bytes that this user may still write where a path is, and bytes in all.
pub(in crate::source) fn room(path: &Path) -> io::Result<(u64, u64)> {
    let wide: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    let (mut free, mut total) = (0_u64, 0_u64);
    // SAFETY: the path ends with a zero, and both numbers live until the call returns; the third may be absent.
    let done = unsafe {
        GetDiskFreeSpaceExW(
            wide.as_ptr(),
            &raw mut free,
            &raw mut total,
            std::ptr::null_mut(),
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((free, total))
}
