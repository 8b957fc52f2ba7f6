//! Files with secrets of the person's own.

use std::io::Read as _;
use std::path::Path;

/// Longest secret.
const MAX_SECRET_BYTES: u64 = 4_096;

/// Reads one that nobody else may read.
///
/// # Errors
/// Why it is not taken, as a fragment.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|cause| format!("it cannot be read: {cause}"))?;
    if !crate::sys::is_private(&file) {
        return Err("others may read it".to_owned());
    }
    let mut text = String::new();
    file.take(MAX_SECRET_BYTES)
        .read_to_string(&mut text)
        .map_err(|cause| format!("it is not a line of text: {cause}"))?;
    Ok(text)
}
