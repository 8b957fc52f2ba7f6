//! Jobs and pipes on Windows.
//!
//! Whoever is left of a program ends with its job at once, and is not told. There are no pseudo-terminals and no other users
//! here yet; both are refused.

use std::fmt;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use process_wrap::std::{ChildWrapper, CommandWrap, CreationFlags, JobObject};
use windows::Win32::System::Threading::{
    BELOW_NORMAL_PRIORITY_CLASS, CREATE_NO_WINDOW, IDLE_PRIORITY_CLASS, PROCESS_CREATION_FLAGS,
};

use crate::process::{ExitOf, Remnant};
use crate::recipe::Stream;
use crate::start::{Start, StartFault};

/// It is looked so often whether a program ended.
const LOOK: Duration = Duration::from_millis(5);
/// So many chunks wait to be heard.
const CHUNKS: usize = 4;
/// So much is read at once; a chunk that is heard has room for it.
const CHUNK_BYTES: usize = 64 << 10;
/// From this niceness on a program runs only when nobody else does.
const IDLE_NICE: i8 = 10;
/// What is searched where the system names nothing.
const EXTENSIONS: &str = ".COM;.EXE;.BAT;.CMD";

/// What a wait brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// So many bytes were read.
    Output(Stream, usize),
    /// The stream ended.
    Closed(Stream),
    /// The program ended. Told once.
    Ended,
    /// Time passed.
    Nothing,
}

/// What a reading thread says: what came, or that nothing comes any more.
type Message = (Stream, Option<Vec<u8>>);

/// A program that runs.
pub(crate) struct Running {
    child: Box<dyn ChildWrapper>,
    messages: Receiver<Message>,
    /// So many streams may still say something.
    open: usize,
    has_ended: bool,
    exit: Option<ExitOf>,
    job_ended: bool,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("open", &self.open)
            .field("exit", &self.exit)
            .finish_non_exhaustive()
    }
}

impl Running {
    /// Starts it.
    pub(crate) fn start(start: &Start) -> Result<Self, StartFault> {
        if start.terminal {
            return Err(StartFault::NoTerminal {
                cause: "pseudo-terminals are not offered on Windows".to_owned(),
            });
        }
        if let Some(class) = start.ionice {
            return Err(StartFault::Priority {
                wanted: format!("ionice {class}"),
                cause: "Windows has no such classes".to_owned(),
            });
        }
        let priority = match start.nice {
            None | Some(0) => PROCESS_CREATION_FLAGS(0),
            Some(nice) if nice >= IDLE_NICE => IDLE_PRIORITY_CLASS,
            Some(nice) if nice > 0 => BELOW_NORMAL_PRIORITY_CLASS,
            Some(nice) => {
                return Err(StartFault::Priority {
                    wanted: format!("nice {nice}"),
                    cause: "on Windows programs are only made to wait for others".to_owned(),
                });
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place where this crate starts processes"
        )]
        let mut command = Command::new(&start.path);
        command.args(start.argv.iter().skip(1));
        command.envs(start.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &start.directory {
            command.current_dir(directory);
        }
        let stdin = if start.input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut wrap = CommandWrap::from(command);
        wrap.wrap(CreationFlags(CREATE_NO_WINDOW | priority))
            .wrap(JobObject);
        let mut child = wrap.spawn()?;
        let (sender, messages) = sync_channel(CHUNKS);
        let mut open = 0;
        if let Some(pipe) = child.stdout().take() {
            open += 1;
            listen(pipe, Stream::Stdout, sender.clone());
        }
        if let Some(pipe) = child.stderr().take() {
            open += 1;
            listen(pipe, Stream::Stderr, sender);
        }
        if let (Some(mut pipe), Some(input)) = (child.stdin().take(), start.input.clone()) {
            // It ends with the program, which then reads no more. One that reads nothing is no fault.
            std::thread::spawn(move || pipe.write_all(&input).ok());
        }
        Ok(Self {
            child,
            messages,
            open,
            has_ended: false,
            exit: None,
            job_ended: false,
        })
    }

    /// Waits for the next thing, at most so long. One thing is told at a time.
    pub(crate) fn wait(&mut self, chunk: &mut [u8], at_most: Duration) -> Woken {
        let at_most = if self.has_ended {
            at_most
        } else {
            at_most.min(LOOK)
        };
        match self.messages.recv_timeout(at_most) {
            Ok((from, Some(bytes))) => {
                let length = bytes.len().min(chunk.len());
                if let (Some(to), Some(bytes)) = (chunk.get_mut(..length), bytes.get(..length)) {
                    to.copy_from_slice(bytes);
                }
                return Woken::Output(from, length);
            }
            Ok((from, None)) => {
                self.open = self.open.saturating_sub(1);
                return Woken::Closed(from);
            }
            // All readers ended: nothing is left to be woken by but time.
            Err(RecvTimeoutError::Disconnected) => std::thread::park_timeout(at_most),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if self.has_ended {
            return Woken::Nothing;
        }
        // The program alone: its job may go on.
        match self.child.inner_mut().try_wait() {
            Ok(None) => Woken::Nothing,
            Ok(Some(status)) => {
                self.exit = status.code().map(ExitOf::Code);
                self.has_ended = true;
                Woken::Ended
            }
            Err(_) => {
                self.has_ended = true;
                Woken::Ended
            }
        }
    }

    /// Some output may still come.
    pub(crate) fn has_output(&self) -> bool {
        self.open > 0
    }

    /// Its input ended with what it was started with.
    pub(crate) fn write(&mut self, _: &[u8]) {}

    /// There is nothing milder than killing that a console program would be sure to hear.
    pub(crate) fn terminate(&mut self) {
        self.kill();
    }

    /// As [`Self::terminate`]: a program without a console of ours hears no Ctrl-C.
    pub(crate) fn interrupt(&mut self) {
        self.kill();
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends its job.
    pub(crate) fn kill(&mut self) {
        self.job_ended = self.child.start_kill().is_ok();
    }

    /// Whoever is left ends now.
    pub(crate) fn left(&mut self) -> Vec<Remnant> {
        if !self.job_ended {
            self.kill();
        }
        Vec::new()
    }

    /// See [`Self::left`].
    pub(crate) fn end_left(&mut self, _: bool) {
        self.kill();
    }

    /// How it ended. One whose end cannot be asked for counts as killed.
    pub(crate) fn exit(&mut self) -> ExitOf {
        self.exit.unwrap_or(ExitOf::Code(1))
    }
}

/// Reads on a thread of its own, which ends with the pipe or with whoever listens.
fn listen(mut pipe: impl Read + Send + 'static, from: Stream, to: SyncSender<Message>) {
    std::thread::spawn(move || {
        loop {
            let mut bytes = vec![0; CHUNK_BYTES];
            match pipe.read(&mut bytes) {
                Ok(length) if length > 0 => {
                    bytes.truncate(length);
                    if to.send((from, Some(bytes))).is_err() {
                        return;
                    }
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                // Nobody listens any more where this is not taken.
                _ => return to.send((from, None)).unwrap_or_default(),
            }
        }
    });
}

/// A job is enough to find whoever went away.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    Ok(())
}

pub(crate) fn reap_orphans() {}

pub(crate) fn is_alive(pid: u32) -> Option<bool> {
    let pid = sysinfo::Pid::from_u32(pid);
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[pid]), true);
    Some(system.process(pid).is_some())
}

/// The files that a path of a program can mean: as it stands where it has an extension, and with each that programs have.
pub(crate) fn spellings(path: &Path) -> Vec<PathBuf> {
    let known = crate::start::inherited("PATHEXT").and_then(|known| known.into_string().ok());
    let known = known.unwrap_or_else(|| EXTENSIONS.to_owned());
    let extended = known
        .split(';')
        .filter(|extension| !extension.is_empty())
        .map(|extension| {
            let mut name = path.as_os_str().to_owned();
            name.push(extension);
            PathBuf::from(name)
        });
    path.extension()
        .map(|_| path.to_owned())
        .into_iter()
        .chain(extended)
        .collect()
}

/// The extension says it.
pub(crate) fn is_executable(_: &Path) -> bool {
    true
}

/// Refused: Windows starts nothing as another user without that user's password.
pub(crate) fn as_user(_: Start, user: &str, _: &[(String, String)]) -> Result<Start, StartFault> {
    Err(StartFault::User {
        user: user.to_owned(),
        cause: "on Windows programs run as the user who runs syncmgr".to_owned(),
    })
}
