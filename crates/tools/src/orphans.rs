//! Who is left of a run, on Linux: what a program started and did not wait for becomes a child of ours, wherever it went.
//!
//! Runs go on at the same time, so each has a mark in the environment of its program, which whatever that starts inherits. Only
//! our own children are looked at, and none is reaped by anybody else, so their numbers mean nobody else while they are.

use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, WaitOptions, getpgid, getsid, kill_process, waitpid};

use crate::output::text_of;
use crate::process::{Left, Remnant};

/// The variable that marks what belongs to a run: the marks of all runs around it, the outermost first.
pub(crate) const MARK: &str = "SYNCMGR_RUN_MARK";
/// Marks of so many bytes are taken over from outside; beyond, runs within runs begin anew.
const MARK_MAX_BYTES: usize = 1024;
/// So much of an environment is read.
const ENVIRONMENT_MAX_BYTES: usize = 4 << 20;

static RUNS: Mutex<Runs> = Mutex::new(Runs {
    adopting: false,
    runs: Vec::new(),
    owners: Vec::new(),
});
static NEXT: AtomicU64 = AtomicU64::new(1);

/// All runs of this process.
struct Runs {
    /// Orphans become our children.
    adopting: bool,
    runs: Vec<Entry>,
    /// Whose an orphan is, once it was told: a process that is about to end does not tell it any more.
    owners: Vec<(Pid, u64)>,
}

/// One run that goes on.
struct Entry {
    number: u64,
    /// What its variable ends with.
    mark: String,
    /// Its program, once it is started.
    leader: Option<Pid>,
    /// Others went on at the same time.
    shared: bool,
}

/// A run that goes on, until this is dropped.
#[derive(Debug)]
pub(crate) struct Mark {
    number: u64,
}

/// A child of ours that is left of something.
#[derive(Debug)]
struct Orphan {
    pid: Pid,
    /// It is certain that it belongs to the run that asks.
    certain: bool,
}

pub(crate) fn adopt() -> std::io::Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    lock().adopting = true;
    Ok(())
}

/// Starts the program of a new run: `start` gets the value of [`MARK`].
pub(crate) fn begin(
    start: impl FnOnce(&str) -> std::io::Result<Child>,
) -> std::io::Result<(Child, Mark)> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mark = format!("{}-{number}", rustix::process::getpid().as_raw_nonzero());
    let around = crate::start::inherited(MARK).and_then(|around| around.into_string().ok());
    let value = match around.filter(|around| around.len() <= MARK_MAX_BYTES) {
        Some(around) => format!("{around},{mark}"),
        None => mark.clone(),
    };
    // Nobody looks while a child is there that nobody knows yet.
    let mut runs = lock();
    let child = start(&value)?;
    let shared = !runs.runs.is_empty();
    for other in &mut runs.runs {
        other.shared = true;
    }
    let leader = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    runs.runs.push(Entry {
        number,
        mark,
        leader,
        shared,
    });
    Ok((child, Mark { number }))
}

impl Drop for Mark {
    fn drop(&mut self) {
        lock().runs.retain(|run| run.number != self.number);
    }
}

impl Mark {
    /// Whether orphans of this process are found at all.
    pub(crate) fn is_finding() -> bool {
        lock().adopting
    }

    /// Who is left of the run. The last of several runs also ends those of whom nobody knows whose they are.
    pub(crate) fn left(&self) -> Vec<Remnant> {
        let mut runs = lock();
        let left = runs.orphans(self.number).into_iter();
        left.map(|orphan| Remnant {
            who: Left {
                pid: orphan.pid.as_raw_nonzero().get().unsigned_abs(),
                name: name(orphan.pid),
            },
            certain: orphan.certain,
        })
        .collect()
    }

    /// Tells all that are left to end, but for the members of this group, who are told together, and those who were asked.
    pub(crate) fn terminate(&self, group: Pid, asked: &mut Vec<Pid>) {
        let mut runs = lock();
        for orphan in runs.orphans(self.number) {
            if !asked.contains(&orphan.pid) && getpgid(Some(orphan.pid)) != Ok(group) {
                asked.push(orphan.pid);
                // One that may not be signalled is told as left behind all the same.
                kill_process(orphan.pid, Signal::TERM).ok();
            }
        }
    }

    /// Kills all that are left.
    pub(crate) fn kill(&self) {
        let mut runs = lock();
        for orphan in runs.orphans(self.number) {
            kill_process(orphan.pid, Signal::KILL).ok();
        }
    }
}

/// Reaps the orphans that ended.
pub(crate) fn reap() {
    let mut runs = lock();
    if runs.adopting {
        for pid in children() {
            runs.reap_orphan(pid);
        }
    }
}

fn lock() -> MutexGuard<'static, Runs> {
    RUNS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Runs {
    /// The orphans of a run; those that ended are reaped.
    fn orphans(&mut self, number: u64) -> Vec<Orphan> {
        let mut found = Vec::new();
        if !self.adopting {
            return found;
        }
        let mut pids = children();
        if self.runs.len() > 1 {
            // The kernel leaves some out when others come and go meanwhile.
            pids.extend(children());
            pids.sort_unstable_by_key(|pid| pid.as_raw_nonzero());
            pids.dedup();
        }
        let shared = self
            .runs
            .iter()
            .any(|run| run.number == number && run.shared);
        for pid in pids {
            if self.is_leader(pid) || self.reap_orphan(pid) {
                continue;
            }
            match self.owner(pid) {
                Some(owner) if owner == number => found.push(Orphan { pid, certain: true }),
                Some(_) => {}
                None if self.runs.len() == 1 => found.push(Orphan {
                    pid,
                    certain: !shared,
                }),
                None => {}
            }
        }
        found
    }

    fn is_leader(&self, pid: Pid) -> bool {
        self.runs.iter().any(|run| run.leader == Some(pid))
    }

    /// Whether it is an orphan that ended, and now is gone.
    fn reap_orphan(&mut self, pid: Pid) -> bool {
        if self.is_leader(pid) || matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(None)) {
            return false;
        }
        self.owners.retain(|(owned, _)| *owned != pid);
        true
    }

    /// Whose a child is: by its session, else by its mark.
    fn owner(&mut self, pid: Pid) -> Option<u64> {
        if let Some((_, number)) = self.owners.iter().find(|(owned, _)| *owned == pid) {
            // Of a run that is over already it is nobody's.
            let is_on = self.runs.iter().any(|run| run.number == *number);
            return is_on.then_some(*number);
        }
        let owner = self.told_owner(pid)?;
        self.owners.push((pid, owner));
        Some(owner)
    }

    fn told_owner(&self, pid: Pid) -> Option<u64> {
        let session = getsid(Some(pid)).ok();
        if let Some(run) = self
            .runs
            .iter()
            .find(|run| session.is_some() && run.leader == session)
        {
            return Some(run.number);
        }
        let environment = read(
            &format!("/proc/{}/environ", pid.as_raw_nonzero()),
            ENVIRONMENT_MAX_BYTES,
        )?;
        let marks = environment
            .split(|byte| *byte == 0)
            .find_map(|variable| variable.strip_prefix(MARK.as_bytes())?.strip_prefix(b"="))?;
        let run = std::str::from_utf8(marks)
            .ok()?
            .split(',')
            .find_map(|mark| self.runs.iter().find(|run| run.mark == mark))?;
        Some(run.number)
    }
}

/// Our children: those of each of our threads.
fn children() -> Vec<Pid> {
    let mut all = Vec::new();
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
        return all;
    };
    for thread in threads.flatten() {
        if let Ok(list) = std::fs::read_to_string(thread.path().join("children")) {
            let pids = list
                .split_ascii_whitespace()
                .filter_map(|pid| pid.parse().ok());
            all.extend(pids.filter_map(Pid::from_raw));
        }
    }
    all
}

fn name(pid: Pid) -> String {
    let name = read(&format!("/proc/{}/comm", pid.as_raw_nonzero()), 64).unwrap_or_default();
    text_of(&name).trim().to_owned()
}

fn read(path: &str, most: usize) -> Option<Vec<u8>> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).ok()?;
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
