//! Process groups on Unix.

use std::io;
use std::os::unix::process::ExitStatusExt as _;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::signal::unix::{Signal as UnixSignal, SignalKind, signal};

use crate::event::ExitStatus;

/// A child that leads a process group of its own.
#[derive(Debug)]
pub(crate) struct Group {
    child: tokio::process::Child,
    pid: Pid,
    ends: UnixSignal,
    reaped: bool,
}

/// Puts the command's child into a group of its own.
pub(crate) fn group(command: &mut tokio::process::Command) {
    command.process_group(0);
}

impl Group {
    /// Starts the command that [`group`] prepared.
    pub(crate) fn spawn(mut command: tokio::process::Command) -> io::Result<Self> {
        // Listened to from before the start, so that not even the quickest end is missed.
        let ends = signal(SignalKind::child())?;
        let child = command.spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid.and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::NotFound)?;
        Ok(Self {
            child,
            pid,
            ends,
            reaped: false,
        })
    }

    /// The child, for its pipes.
    pub(crate) fn child(&mut self) -> &mut tokio::process::Child {
        &mut self.child
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits for the end of the leader and kills what remains of the group. Can be dropped and called again.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        // The leader is not reaped before the group was killed: until then its number cannot be given to another group.
        while !self.reaped && !has_ended(self.pid) {
            if self.ends.recv().await.is_none() {
                break;
            }
        }
        self.kill();
        let status = self.child.wait().await;
        self.reaped = true;
        match status {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => ExitStatus::Code(code),
                (None, Some(signal)) => ExitStatus::Signal(signal),
                (None, None) => ExitStatus::Abandoned,
            },
            Err(_) => ExitStatus::Abandoned,
        }
    }

    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if !self.reaped
            && let Err(cause) = kill_process_group(self.pid, signal)
        {
            tracing::debug!(?signal, %cause, "the process group took no signal");
        }
    }
}

/// Kills the group that a handler of an earlier manager leads.
pub(crate) fn kill_left_behind(pid: u32) -> bool {
    i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .is_some_and(|pid| kill_process_group(pid, Signal::KILL).is_ok())
}

/// Whether the child ended, without reaping it. A child that cannot be asked about has been reaped.
fn has_ended(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(
        waitid(WaitId::Pid(pid), options),
        Ok(None) | Err(Errno::INTR)
    )
}

/// Field 22 of the kernel's line about the process; a process that only waits to be reaped counts as ended.
#[cfg(target_os = "linux")]
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let line = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses, which may contain anything, also parentheses.
    let name_end = line.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(line.get(name_end + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let pid = sysinfo::Pid::from_u32(pid);
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[pid]), true);
    system.process(pid).map(sysinfo::Process::start_time)
}
