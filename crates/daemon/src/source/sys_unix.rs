//! How much room there is, on Unix.

use std::io;
use std::path::Path;

/// Bytes that this user may still write where a path is, and bytes in all.
pub(super) fn room(path: &Path) -> io::Result<(u64, u64)> {
    let told = rustix::fs::statvfs(path)?;
    let unit = told.f_frsize.max(1);
    Ok((
        told.f_bavail.saturating_mul(unit),
        told.f_blocks.saturating_mul(unit),
    ))
}
