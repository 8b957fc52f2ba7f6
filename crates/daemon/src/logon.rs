//! Which session of the user was taken for a logon: the durable memory that lets a daemon that begins after the session count
//! it, and one that is only restarted within it not count it again.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::source::Began;

/// Most bytes of the file that are read.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The last session that was counted.
#[derive(Debug)]
pub(crate) struct Logons {
    path: PathBuf,
    counted: Option<Began>,
}

impl Logons {
    /// Reads what was remembered; a file that is lost or spoiled says nothing.
    pub(crate) fn load(path: &Path) -> Self {
        let mut text = String::new();
        let read =
            File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
        Self {
            path: path.to_owned(),
            counted: read.ok().and_then(|_| serde_json::from_str(&text).ok()),
        }
    }

    /// Whether a session is a logon that nobody counted; from now on it is counted, also after a crash.
    pub(crate) fn count(&mut self, began: &Began) -> bool {
        let counted = self
            .counted
            .as_ref()
            .is_some_and(|last| last.life == began.life && last.at_us >= began.at_us);
        if !counted {
            let written = serde_json::to_vec_pretty(began)
                .map_err(std::io::Error::other)
                .and_then(|bytes| crate::config::write_whole(&self.path, &bytes));
            if let Err(error) = written {
                tracing::warn!(%error, "the logon could not be remembered: the next start of the daemon may take it for a new one");
            }
            self.counted = Some(began.clone());
        }
        !counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn began(life: &str, at_us: u64) -> Began {
        Began {
            life: life.to_owned(),
            at_us,
        }
    }

    #[test]
    fn a_session_is_counted_once_whatever_restarts() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("logon.json");
        for (session, is_new) in [
            (began("one", 500), true),
            (began("one", 500), false),
            // A session that was there before that one and outlived it.
            (began("one", 400), false),
            (began("one", 900), true),
            // The machine started anew, and its time with it.
            (began("two", 100), true),
            (began("two", 100), false),
        ] {
            // Each time another daemon.
            assert_eq!(Logons::load(&file).count(&session), is_new, "{session:?}");
        }
        std::fs::write(&file, "nonsense").unwrap();
        assert!(Logons::load(&file).count(&began("two", 100)));
    }
}
