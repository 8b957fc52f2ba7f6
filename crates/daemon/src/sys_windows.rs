//! Windows: directories below the user's profile are private by inheritance.

#![expect(
    unsafe_code,
    reason = "std locks whole files, which then nobody can read"
)]

use std::fs::{File, TryLockError};
use std::io;
use std::os::windows::io::AsRawHandle as _;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
    ctrl_logoff, ctrl_shutdown,
};
use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION};
use windows_sys::Win32::Storage::FileSystem::{
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx,
};
use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};

/// Creates a directory with its parents.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)
}

/// What this machine is known by.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing else tells the name of the machine without a call into the system"
)]
pub(crate) fn machine() -> Option<Vec<u8>> {
    let name = std::env::var_os("COMPUTERNAME")?;
    Some(name.as_encoded_bytes().to_vec())
}

/// Whether the system would start the file as a program; its name tells nothing before it is tried.
pub(crate) fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// Whether the system would start a file of no format of its own: batch files, which have nothing but their names.
pub(crate) fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        ["bat", "cmd"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// Whether nobody but this user may read a file: in the directories of a user that is so, unless the user gave it away.
pub(crate) fn is_private(_: &std::fs::File) -> bool {
    true
}

/// Options that create files with the directory's own access rights.
pub(crate) fn private_file_options() -> std::fs::OpenOptions {
    std::fs::OpenOptions::new()
}

/// The upper half of the place of the byte that is locked: far behind the end of any note, because here a locked byte can
/// be read by nobody else.
const LOCKED_HIGH: u32 = 0x4000_0000;

/// Locks a file against whoever else locks it; what is in it can be read all the same.
pub(crate) fn try_lock(file: &File) -> Result<(), TryLockError> {
    let mut at = OVERLAPPED {
        Anonymous: OVERLAPPED_0 {
            Anonymous: OVERLAPPED_0_0 {
                Offset: 0,
                OffsetHigh: LOCKED_HIGH,
            },
        },
        ..OVERLAPPED::default()
    };
    // SAFETY: the handle is open as long as `file`, and was opened for calls that end before they return, so that `at` is
    // not used after this one.
    let locked = unsafe {
        LockFileEx(
            file.as_raw_handle(),
            LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY,
            0,
            1,
            0,
            &raw mut at,
        )
    };
    if locked != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    let held = [ERROR_LOCK_VIOLATION, ERROR_IO_PENDING]
        .into_iter()
        .any(|code| error.raw_os_error() == Some(code.cast_signed()));
    Err(if held {
        TryLockError::WouldBlock
    } else {
        TryLockError::Error(error)
    })
}

/// Where the configuration and the state of this user are kept: the one may go with the user to other machines, the other
/// belongs to this one.
pub(crate) fn standard_directories() -> Option<(PathBuf, PathBuf)> {
    let base = etcetera::choose_base_strategy().ok()?;
    // What the strategy calls a cache is `%LOCALAPPDATA%`.
    Some((
        base.config_dir().join("syncmgr"),
        base.cache_dir().join("syncmgr"),
    ))
}

/// What asks a daemon to end: Ctrl-C, Ctrl-Break, the closed window, the end of the login session, the shutdown of the
/// machine. For the last three the system waits some seconds, and then ends the process.
pub(crate) struct Signals {
    interrupt: CtrlC,
    broken: CtrlBreak,
    closed: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
}

/// What somebody asks a daemon for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    dead_code,
    reason = "no signal of Windows asks for a reload; there the configuration is watched alone"
)]
pub(crate) enum Asked {
    /// To end.
    End,
    /// To read its configuration again.
    Reload,
}

/// Begins to await them.
pub(crate) fn signals() -> io::Result<Signals> {
    Ok(Signals {
        interrupt: ctrl_c()?,
        broken: ctrl_break()?,
        closed: ctrl_close()?,
        logoff: ctrl_logoff()?,
        shutdown: ctrl_shutdown()?,
    })
}

impl Signals {
    /// What the next one asks for.
    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.broken.recv() => {}
            _ = self.closed.recv() => {}
            _ = self.logoff.recv() => {}
            _ = self.shutdown.recv() => {}
        }
        Asked::End
    }
}

/// There is no service manager that wants to be told.
pub(crate) fn tell_supervisor(_: &std::ffi::OsStr, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nobody asks for it.
pub(crate) fn monotonic() -> std::time::Duration {
    std::time::Duration::ZERO
}

/// A clock that nobody sets and that goes on while the machine sleeps.
pub(crate) fn steady() -> Option<std::time::Duration> {
    // SAFETY: it only answers a number.
    let millis = unsafe { windows_sys::Win32::System::SystemInformation::GetTickCount64() };
    Some(std::time::Duration::from_millis(millis))
}
