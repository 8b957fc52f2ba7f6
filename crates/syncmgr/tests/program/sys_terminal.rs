//! A terminal of a program's own, without a window: what a person would type and see goes through its other end.
#![expect(
    unsafe_code,
    reason = "a child takes its terminal between fork and exec"
)]

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// The end that a person would sit at.
#[derive(Debug)]
pub(crate) struct Seat {
    end: File,
}

impl Seat {
    /// Gives a command a terminal of this size, for its input, output and errors.
    pub(crate) fn of(command: &mut Command, columns: u16, rows: u16) -> io::Result<Self> {
        let end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&end)?;
        unlockpt(&end)?;
        let name = ptsname(&end, Vec::new())?.into_string();
        let name = name.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let there = File::options().read(true).write(true).open(name)?;
        let seat = Self { end: end.into() };
        seat.resize(columns, rows)?;
        command
            .stdin(Stdio::from(there.try_clone()?))
            .stdout(Stdio::from(there.try_clone()?))
            .stderr(Stdio::from(there));
        // SAFETY: both calls are system calls that touch no memory of this process and take no locks.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
                Ok(())
            });
        }
        Ok(seat)
    }

    /// Another handle of it, to read from while one writes.
    pub(crate) fn handle(&self) -> io::Result<File> {
        self.end.try_clone()
    }

    /// The window gets another size; the program is told.
    pub(crate) fn resize(&self, columns: u16, rows: u16) -> io::Result<()> {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        Ok(tcsetwinsize(&self.end, size)?)
    }

    /// Lines are edited and echoed by the terminal, as a shell wants it.
    pub(crate) fn is_plain(&self) -> io::Result<bool> {
        let modes = tcgetattr(&self.end)?.local_modes;
        Ok(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG))
    }
}
