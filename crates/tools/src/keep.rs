//! What is kept of an item between runs, in a directory of its own. All of it can be lost without harm but the next guard's.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most bytes of a kept file that are read.
const KEPT_BYTES_MAX: u64 = 64 << 20;

/// Reads something that was kept; nothing when there is none, or it cannot be read any more.
pub(crate) fn read<T: DeserializeOwned + Default>(directory: &Path, name: &str) -> T {
    let path = directory.join(name);
    let short = std::fs::metadata(&path).is_ok_and(|there| there.len() <= KEPT_BYTES_MAX);
    if !short {
        return T::default();
    }
    std::fs::read(&path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// Keeps something: the old file or the new one, never half of it.
pub(crate) fn write<T: Serialize>(directory: &Path, name: &str, value: &T) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let part: PathBuf = directory.join(format!("{name}.part"));
    let mut file = std::fs::File::create(&part)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    drop(file);
    std::fs::rename(&part, directory.join(name))
}
