//! Unix: private directories and files.

use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use etcetera::AppStrategy as _;

/// Creates a directory with its parents, itself with mode 0700; an existing one must be ours, and loses the rights of
/// others.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    if let Some(parent) = dir.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    let found = std::fs::metadata(dir)?;
    if !found.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            "not a directory",
        ));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it belongs to another user",
        ));
    }
    if found.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// What this machine is known by, where it says so in a file; it never changes.
pub(crate) fn machine() -> Option<Vec<u8>> {
    std::fs::read("/etc/machine-id").ok()
}

/// Whether the system would start the file as a program.
pub(crate) fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Whether the system would start a file of no format of its own, such as a script without a first line that says by what.
pub(crate) fn is_script(path: &Path) -> bool {
    is_executable(path)
}

/// Whether nobody but its owner, who is this user, may read a file.
pub(crate) fn is_private(file: &std::fs::File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let own = rustix::process::geteuid().as_raw();
    file.metadata()
        .is_ok_and(|meta| meta.mode() & 0o077 == 0 && (meta.uid() == own || meta.uid() == 0))
}

/// Options that create files with mode 0600.
pub(crate) fn private_file_options() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    options.mode(0o600);
    options
}

/// Locks a file against whoever else locks it; what is in it can be read all the same.
pub(crate) fn try_lock(file: &std::fs::File) -> Result<(), std::fs::TryLockError> {
    file.try_lock()
}

/// Where the configuration and the state of this user are kept; `None` when no home directory is known.
pub(crate) fn standard_directories() -> Option<(PathBuf, PathBuf)> {
    let strategy = etcetera::choose_app_strategy(etcetera::AppStrategyArgs {
        top_level_domain: "org".into(),
        author: "syncmgr".into(),
        app_name: "syncmgr".into(),
    })
    .ok()?;
    let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Some((strategy.config_dir(), state))
}

/// Signals that ask a daemon for something.
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    /// It was started from a terminal, and ends with it.
    of_terminal: bool,
}

/// What somebody asks a daemon for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To end.
    End,
    /// To read its configuration again.
    Reload,
}

/// Begins to await them.
pub(crate) fn signals() -> io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        hangup: signal(SignalKind::hangup())?,
        of_terminal: has_terminal(),
    })
}

/// Whether the process has a terminal. One that went away is none.
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

impl Signals {
    /// What the next one asks for.
    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::End,
            _ = self.interrupt.recv() => Asked::End,
            // The same signal tells that the terminal was closed.
            _ = self.hangup.recv() => if self.of_terminal && !has_terminal() {
                Asked::End
            } else {
                Asked::Reload
            },
        }
    }
}

/// Tells a service manager something (sd_notify(3)). Does not block.
pub(crate) fn tell_supervisor(to: &std::ffi::OsStr, text: &str) -> io::Result<()> {
    let socket = std::os::unix::net::UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::net::SocketAddr;
        if let Some(name) = to.as_bytes().strip_prefix(b"@") {
            let address = SocketAddr::from_abstract_name(name)?;
            return socket.send_to_addr(text.as_bytes(), &address).map(drop);
        }
    }
    socket.send_to(text.as_bytes(), Path::new(to)).map(drop)
}

/// A clock that nobody sets, as a service manager reads it.
pub(crate) fn monotonic() -> std::time::Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    std::time::Duration::try_from(now).unwrap_or_default()
}

/// A clock that nobody sets and that goes on while the machine sleeps.
pub(crate) fn steady() -> Option<std::time::Duration> {
    // On macOS the clock of this name sleeps with the machine.
    #[cfg(target_os = "linux")]
    {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        std::time::Duration::try_from(now).ok()
    }
    #[cfg(not(target_os = "linux"))]
    None
}
