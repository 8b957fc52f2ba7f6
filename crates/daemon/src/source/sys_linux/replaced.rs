//! A file of the system that is replaced rather than written, as it changes.

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::sys_ready::awaitable;

/// The file.
#[derive(Debug)]
pub(super) struct Replaced {
    changes: AsyncFd<OwnedFd>,
    /// The names that it has in the directories that are watched.
    names: Vec<OsString>,
}

impl Replaced {
    /// Watches the file and the one that it links to, by the directories that they are in, as both are replaced and not
    /// written. Only what changes is asked for: others read files there all the time.
    pub(super) fn watch(file: &Path) -> io::Result<Self> {
        let changes = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let mut files = vec![file.to_path_buf()];
        files.extend(std::fs::canonicalize(file).ok());
        let what = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE;
        for directory in files.iter().filter_map(|file| file.parent()) {
            inotify::add_watch(&changes, directory, what)?;
        }
        let names = files.iter().filter_map(|file| file.file_name());
        Ok(Self {
            names: names.map(Into::into).collect(),
            changes: awaitable(changes, Interest::READABLE)?,
        })
    }

    /// Returns once it changed.
    pub(super) async fn changed(&self) -> io::Result<()> {
        loop {
            let mut ready = self.changes.readable().await?;
            let concerns = self.take();
            ready.clear_ready();
            if concerns {
                return Ok(());
            }
        }
    }

    /// Takes what waits; answers whether something of it concerns the file.
    fn take(&self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4 * 1024];
        let mut reader = inotify::Reader::new(self.changes.get_ref(), &mut buffer);
        let mut concerns = false;
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event
                        .file_name()
                        .map(|name| OsStr::from_bytes(name.to_bytes()));
                    // Without a name it is an overflow.
                    concerns |=
                        name.is_none_or(|name| self.names.iter().any(|known| known == name));
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return concerns,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Long enough for a busy machine.
    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn the_configuration_of_names_is_seen_to_change_wherever_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        std::fs::create_dir(place("run")).unwrap();
        std::fs::create_dir(place("etc")).unwrap();
        std::fs::write(place("run/stub.conf"), "").unwrap();
        std::os::unix::fs::symlink(place("run/stub.conf"), place("etc/resolv.conf")).unwrap();
        let check = async |change: &dyn Fn(), what: &str| {
            let names = Replaced::watch(&place("etc/resolv.conf")).unwrap();
            // Of these it wants to know nothing.
            std::fs::read(place("etc/resolv.conf")).unwrap();
            std::fs::write(place("etc/other"), "").unwrap();
            assert!(!names.take(), "{what}");
            change();
            let seen = tokio::time::timeout(PATIENCE, names.changed()).await;
            assert!(seen.is_ok(), "{what}");
        };
        let write = || std::fs::write(place("run/stub.conf"), "nameserver 192.0.2.1\n").unwrap();
        check(&write, "what it links to is written").await;
        let replace = || {
            std::fs::write(place("etc/new"), "").unwrap();
            std::fs::rename(place("etc/new"), place("etc/resolv.conf")).unwrap();
        };
        check(&replace, "it is replaced").await;
    }
}
