//! What is mounted, by the kernel's own list, which says when it changes (proc_pid_mountinfo(5)).

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::Interest;
use tokio::sync::watch;

use super::sys_ready::awaitable;
use crate::source::mountinfo::{self, Mount};
use crate::source::places::Places;
use crate::source::{Machine, Reporter, Source, Subject, Wanted};

/// Most bytes of the list that are read.
const MAX_LIST: u64 = 16 << 20;
/// Changes within this are looked at once.
const SETTLE: Duration = Duration::from_millis(200);

/// The source.
#[derive(Debug)]
pub(super) struct Mounts {
    list: PathBuf,
    disk: PathBuf,
}

impl Mounts {
    pub(super) fn new(machine: &Machine) -> Self {
        Self {
            list: machine.mountinfo.clone(),
            disk: machine.disk.clone(),
        }
    }

    async fn watch(
        &self,
        report: &Reporter,
        mut wanted: watch::Receiver<Wanted>,
    ) -> io::Result<()> {
        let list = awaitable(File::open(&self.list)?.into(), Interest::PRIORITY)?;
        let mut places = Places::default();
        report
            .watching(Subject::Mounts, "the system's list of mounts")
            .await;
        loop {
            let wanted_places = wanted.borrow_and_update().places.clone();
            let mounts = if wanted_places.is_empty() {
                Vec::new()
            } else {
                read(&self.list)?
            };
            // For nobody nothing is watched.
            let is_wanted = !wanted_places.is_empty();
            for observation in places.look(&wanted_places, |place| self.find(&mounts, place)) {
                report.tell(observation).await;
            }
            tokio::select! {
                changed = wanted.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    continue;
                }
                ready = list.ready(Interest::PRIORITY), if is_wanted => ready?.clear_ready(),
            }
            tokio::time::sleep(SETTLE).await;
        }
    }

    /// Where a place is mounted: a path, or a volume by `LABEL=` or `UUID=`.
    fn find(&self, mounts: &[Mount], place: &str) -> Option<PathBuf> {
        let link = |directory: &str, name: &str| {
            let link = self.disk.join(directory).join(mountinfo::link_name(name));
            let device = std::fs::canonicalize(link).ok()?;
            let number = std::fs::metadata(&device).ok().map(|device| device.rdev());
            let number = number.filter(|number| *number != 0).map(|number| {
                let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
                format!("{major}:{minor}")
            });
            Some((device, number))
        };
        let (path, device) = match place.split_once('=') {
            Some(("LABEL", label)) => link("by-label", label)?,
            Some(("UUID", uuid)) => link("by-uuid", uuid)?,
            _ => (PathBuf::from(place), None),
        };
        mountinfo::place(mounts, &path, device.as_deref()).map(Path::to_path_buf)
    }
}

impl Source for Mounts {
    fn name(&self) -> &'static str {
        "mounts"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Mounts]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        wanted: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Err(error) = self.watch(&report, wanted).await {
                let because = format!("{} cannot be watched: {error}", self.list.display());
                report.unavailable(Subject::Mounts, &because).await;
            }
            std::future::pending().await
        })
    }
}

fn read(list: &Path) -> io::Result<Vec<Mount>> {
    let mut text = Vec::new();
    File::open(list)?.take(MAX_LIST).read_to_end(&mut text)?;
    Ok(mountinfo::mounts(&text))
}
