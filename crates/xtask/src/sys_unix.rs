//! What the tasks need of a Unix kernel: the account of an ended child, the process tree, signals.

use std::io;
use std::process::Child;
use std::time::Duration;

/// The kernel's account of an ended process and of everything that it waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// User and system time.
    pub(crate) cpu: Duration,
    /// Resident peak of the largest process.
    pub(crate) largest_kib: u64,
    /// Exit code, or 128 + signal.
    pub(crate) code: i32,
}

/// Waits for a child and answers what it cost.
pub(crate) fn wait_with_usage(child: Child) -> io::Result<Usage> {
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    // The handle is not used to wait: dropping it neither waits nor kills.
    drop(child);
    let mut status = 0;
    loop {
        #[expect(
            unsafe_code,
            reason = "no safe interface answers one child's resource usage"
        )]
        // SAFETY: `rusage` is plain data for which zeroes are a value; `wait4` writes only to the two places given.
        let (answer, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            (libc::wait4(pid, &raw mut status, 0, &raw mut usage), usage)
        };
        if answer == pid {
            let code = if libc::WIFEXITED(status) {
                libc::WEXITSTATUS(status)
            } else {
                128 + libc::WTERMSIG(status)
            };
            let kib = u64::try_from(usage.ru_maxrss).unwrap_or_default();
            return Ok(Usage {
                cpu: duration(usage.ru_utime) + duration(usage.ru_stime),
                largest_kib: if cfg!(target_os = "macos") {
                    kib / 1024
                } else {
                    kib
                },
                code,
            });
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn duration(time: libc::timeval) -> Duration {
    let micros = u64::try_from(time.tv_usec).unwrap_or_default();
    Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or_default())
        + Duration::from_micros(micros)
}

/// Answers a process and all its living descendants; without `/proc`, the process alone.
pub(crate) fn family(root: u32) -> Vec<u32> {
    let mut all = vec![root];
    let mut at = 0;
    while let Some(process) = all.get(at).copied() {
        at += 1;
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{process}/task")) else {
            continue;
        };
        for task in tasks.flatten() {
            let children =
                std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(
                children
                    .split_whitespace()
                    .filter_map(|word| word.parse::<u32>().ok()),
            );
        }
    }
    all
}

/// Answers the resident peak of a living process.
pub(crate) fn peak_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Says whether a process still runs; an ended one that nobody waited for does not.
pub(crate) fn lives(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| !rest.trim_start().starts_with(['Z', 'X']))
    })
}

/// Sends these bytes to a local socket and answers everything that comes back.
pub(crate) fn exchange(socket: &std::path::Path, bytes: &[u8]) -> io::Result<Vec<u8>> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::os::unix::net::UnixStream::connect(socket)?;
    stream.write_all(bytes)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Stops a process where it stands.
pub(crate) fn freeze(process: u32) {
    signal(process, rustix::process::Signal::STOP);
}

/// Lets a stopped process go on.
pub(crate) fn resume(process: u32) {
    signal(process, rustix::process::Signal::CONT);
}

/// Ends a process at once, without a chance to tidy up.
pub(crate) fn kill(process: u32) {
    signal(process, rustix::process::Signal::KILL);
}

fn signal(process: u32, signal: rustix::process::Signal) {
    let Some(pid) = i32::try_from(process)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    else {
        return;
    };
    if rustix::process::kill_process(pid, signal).is_err() {
        // It ended by itself first, which is as good.
    }
}
