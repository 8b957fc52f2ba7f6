//! Signals on Unix.
#![expect(
    unsafe_code,
    reason = "whether a signal is ignored, and who the user is, can be asked of the C library alone; and the environment is changed"
)]

use tokio::signal::unix::{SignalKind, signal};

/// Is over when somebody wants this process to end: Ctrl-C, being told to end, or a terminal that closes. What is ignored
/// since before, as under `nohup`, stays ignored.
pub(crate) async fn told_to_end() {
    let listen = |kind: SignalKind| {
        // What cannot be heard ends the command, as everywhere else.
        let ignored = is_ignored(kind.as_raw_value());
        (!ignored).then(|| signal(kind).ok()).flatten()
    };
    let interrupt = listen(SignalKind::interrupt());
    let terminate = listen(SignalKind::terminate());
    let hangup = listen(SignalKind::hangup());
    tokio::select! {
        () = heard(interrupt) => {}
        () = heard(terminate) => {}
        () = heard(hangup) => {}
    }
}

async fn heard(listener: Option<tokio::signal::unix::Signal>) {
    match listener {
        Some(mut listener) => drop(listener.recv().await),
        None => std::future::pending().await,
    }
}

fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action nothing is changed, and the old one is written into memory of its type, for which all
    // zeros is a value should the call fail.
    let action = unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// The user that this process runs as.
pub(crate) fn user_id() -> u32 {
    // SAFETY: it takes nothing, always succeeds, and only reads what the process is.
    unsafe { libc::geteuid() }
}

/// Takes variables out of the environment. Only `main` may do it, before there are other threads.
pub(crate) fn forget_variables(names: &[&str]) {
    for name in names {
        // SAFETY: it is called from `main` before anything starts a thread, so nobody reads the environment meanwhile.
        unsafe { std::env::remove_var(name) }
    }
}

/// What standard error is connected to: device and inode.
pub(crate) fn errors_identity() -> Option<(u64, u64)> {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::MetadataExt as _;
    let errors = std::io::stderr().as_fd().try_clone_to_owned().ok()?;
    let seen = std::fs::File::from(errors).metadata().ok()?;
    Some((seen.dev(), seen.ino()))
}

/// Asks a process to end. Answers whether it could be asked.
pub(crate) fn ask_to_end(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else {
        return false;
    };
    // A number that is not positive means groups.
    // SAFETY: a signal is sent to another process; no memory of ours is concerned.
    pid > 1 && unsafe { libc::kill(pid, libc::SIGTERM) } == 0
}
