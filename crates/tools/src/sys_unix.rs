//! Sessions, pipes, pseudo-terminals and signals on Unix.

#![expect(
    unsafe_code,
    reason = "a child leads its session before its program begins, and descriptors are its own by then"
)]

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process,
    test_kill_process_group, waitid,
};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

#[cfg(target_os = "linux")]
use crate::orphans;
use crate::process::{ExitOf, Left, Remnant};
use crate::recipe::Stream;
use crate::start::{Start, StartFault};

/// Where the end of a child cannot be waited for together with its output, it is looked for so often.
const LOOK: Duration = Duration::from_millis(5);
/// A terminal on which long lines of progress find room.
const SIZE: Winsize = Winsize {
    ws_row: 50,
    ws_col: 200,
    ws_xpixel: 0,
    ws_ypixel: 0,
};

/// What the child tells us by, before its program begins; starting a program fails with none of these otherwise.
const NO_TERMINAL: Errno = Errno::NOTTY;
const NO_NICE: Errno = Errno::RANGE;
const NO_IO_CLASS: Errno = Errno::DOM;

/// What a wait brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// So many bytes were read.
    Output(Stream, usize),
    /// The stream ended.
    Closed(Stream),
    /// The program ended. Told once.
    Ended,
    /// Time passed, or input was taken.
    Nothing,
}

/// A program that runs.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    pid: Pid,
    /// Becomes readable with the end of the program.
    end: Option<OwnedFd>,
    has_ended: bool,
    reaped: Option<ExitOf>,
    stdout: Option<File>,
    stderr: Option<File>,
    /// Where we write, and what waits to be written.
    stdin: Option<File>,
    queue: Vec<u8>,
    written: usize,
    /// More may be written later.
    terminal: bool,
    /// Its group was told to end; more than once would mean something else to some.
    asked: bool,
    /// Those who went away and were told to end.
    #[cfg(target_os = "linux")]
    asked_alone: Vec<Pid>,
    /// The stream that was heard last gives way.
    turn: Stream,
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux finds what a mark is for")
    )]
    mark: Mark,
}

#[cfg(target_os = "linux")]
use orphans::Mark;

/// Nothing is found by marks here.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct Mark;

/// The ends that stay here.
struct Ends {
    stdin: Option<File>,
    stdout: Option<File>,
    stderr: Option<File>,
}

impl Running {
    /// Starts it.
    pub(crate) fn start(start: &Start) -> Result<Self, StartFault> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place where this crate starts processes"
        )]
        let mut command = Command::new(&start.path);
        if let Some(name) = start.argv.first() {
            command.arg0(name);
        }
        command.args(start.argv.iter().skip(1));
        command.envs(start.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &start.directory {
            command.current_dir(directory);
        }
        let terminal = start
            .terminal
            .then(|| attach(&mut command))
            .transpose()
            .map_err(|cause| StartFault::NoTerminal {
                cause: cause.to_string(),
            })?;
        if terminal.is_none() {
            let stdin = if start.input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            };
            command
                .stdin(stdin)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        }
        prepare(&mut command, start);
        let (mut child, mark) = spawn(&mut command).map_err(|cause| fault(cause, start))?;
        // Our copies of the far ends go, or no output would ever end.
        drop(command);
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let ends = match terminal {
            Some((write, read)) => Ends {
                stdin: Some(write),
                stdout: Some(read),
                stderr: None,
            },
            None => Ends {
                stdin: child
                    .stdin
                    .take()
                    .map(|pipe| File::from(OwnedFd::from(pipe))),
                stdout: child
                    .stdout
                    .take()
                    .map(|pipe| File::from(OwnedFd::from(pipe))),
                stderr: child
                    .stderr
                    .take()
                    .map(|pipe| File::from(OwnedFd::from(pipe))),
            },
        };
        if let Some(stdin) = &ends.stdin {
            // It is a descriptor of ours, of which the system takes this.
            let flags = rustix::fs::fcntl_getfl(stdin).unwrap_or(OFlags::empty());
            rustix::fs::fcntl_setfl(stdin, flags | OFlags::NONBLOCK).ok();
        }
        let mut running = Self {
            child,
            pid,
            end: end_of(pid),
            has_ended: false,
            reaped: None,
            stdout: ends.stdout,
            stderr: ends.stderr,
            stdin: ends.stdin,
            queue: Vec::new(),
            written: 0,
            terminal: start.terminal,
            asked: false,
            #[cfg(target_os = "linux")]
            asked_alone: Vec::new(),
            turn: Stream::Stderr,
            mark,
        };
        running.write(start.input.as_deref().unwrap_or_default());
        Ok(running)
    }

    /// Waits for the next thing, at most so long. One thing is told at a time.
    pub(crate) fn wait(&mut self, chunk: &mut [u8], at_most: Duration) -> Woken {
        let is_blind = self.end.is_none() && !self.has_ended;
        let at_most = if is_blind { at_most.min(LOOK) } else { at_most };
        let ready = self.ready(at_most);
        if ready.stdin {
            self.write(&[]);
        }
        let turns = match self.turn {
            Stream::Stdout => [Stream::Stderr, Stream::Stdout],
            Stream::Stderr => [Stream::Stdout, Stream::Stderr],
        };
        for from in turns {
            let is_ready = match from {
                Stream::Stdout => ready.stdout,
                Stream::Stderr => ready.stderr,
            };
            if is_ready {
                self.turn = from;
                return self.read(from, chunk);
            }
        }
        if !self.has_ended && (ready.end || (is_blind && has_ended(self.pid))) {
            self.has_ended = true;
            self.end = None;
            return Woken::Ended;
        }
        Woken::Nothing
    }

    fn ready(&self, at_most: Duration) -> Ready {
        let mut ready = Ready::default();
        let wants = if self.written < self.queue.len() {
            self.stdin.as_ref()
        } else {
            None
        };
        let ends: [Option<(BorrowedFd<'_>, PollFlags)>; 4] = [
            self.stdout.as_ref().map(|end| (end.as_fd(), PollFlags::IN)),
            self.stderr.as_ref().map(|end| (end.as_fd(), PollFlags::IN)),
            self.end.as_ref().map(|end| (end.as_fd(), PollFlags::IN)),
            wants.map(|end| (end.as_fd(), PollFlags::OUT)),
        ];
        let mut places: [Option<usize>; 4] = [None; 4];
        let mut asked = Vec::with_capacity(4);
        for (place, (end, flags)) in places
            .iter_mut()
            .zip(&ends)
            .filter_map(|(place, end)| Some((place, (*end)?)))
        {
            *place = Some(asked.len());
            asked.push(PollFd::from_borrowed_fd(end, flags));
        }
        let timeout = Timespec {
            tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: at_most.subsec_nanos().into(),
        };
        if poll(&mut asked, Some(&timeout)).is_ok() {
            let is = |place: Option<usize>| {
                place
                    .and_then(|at| asked.get(at))
                    .is_some_and(|one| !one.revents().is_empty())
            };
            let [stdout, stderr, end, stdin] = places;
            ready = Ready {
                stdout: is(stdout),
                stderr: is(stderr),
                end: is(end),
                stdin: is(stdin),
            };
        }
        ready
    }

    fn read(&mut self, from: Stream, chunk: &mut [u8]) -> Woken {
        let end = match from {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let Some(file) = end else {
            return Woken::Nothing;
        };
        match file.read(chunk) {
            Ok(0) => {}
            Ok(length) => return Woken::Output(from, length),
            Err(cause)
                if matches!(
                    cause.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                return Woken::Nothing;
            }
            // A terminal that nobody has open any more says so by an error.
            Err(_) => {}
        }
        *end = None;
        Woken::Closed(from)
    }

    /// Some output may still come.
    pub(crate) fn has_output(&self) -> bool {
        self.stdout.is_some() || self.stderr.is_some()
    }

    /// Writes to its input, now or when it takes some. Nobody hears it where the input ended.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.queue.extend_from_slice(bytes);
        let Some(stdin) = &mut self.stdin else {
            self.queue.clear();
            self.written = 0;
            return;
        };
        while let Some(rest) = self
            .queue
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            match stdin.write(rest) {
                Ok(length) => self.written += length,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => return,
                // Nobody reads it any more.
                Err(_) => break,
            }
        }
        self.queue = Vec::new();
        self.written = 0;
        if !self.terminal {
            self.stdin = None;
        }
    }

    /// Tells it and its group to end.
    pub(crate) fn terminate(&mut self) {
        if !self.asked {
            self.asked = true;
            self.signal(Signal::TERM);
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Interrupts it and its group, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Kills it and its group.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // Until it is reaped its number is that of no other group.
        if self.reaped.is_none() {
            kill_process_group(self.pid, signal).ok();
        }
    }

    /// Who is left of a program that ended.
    pub(crate) fn left(&mut self) -> Vec<Remnant> {
        #[cfg(target_os = "linux")]
        if orphans::Mark::is_finding() {
            return self.mark.left();
        }
        // A group with members keeps its number, so what answers belongs to the program.
        self.reap();
        match test_kill_process_group(self.pid) {
            Err(Errno::SRCH) => Vec::new(),
            _ => vec![Remnant {
                who: Left {
                    pid: self.pid(),
                    name: String::new(),
                },
                certain: true,
            }],
        }
    }

    /// Ends those who are left: asks each of them once, or kills them.
    pub(crate) fn end_left(&mut self, kill: bool) {
        #[cfg(target_os = "linux")]
        if orphans::Mark::is_finding() {
            if kill {
                self.kill();
                self.mark.kill();
            } else {
                self.terminate();
                self.mark.terminate(self.pid, &mut self.asked_alone);
            }
            return;
        }
        if self.left().is_empty() || (self.asked && !kill) {
            return;
        }
        self.asked = true;
        let signal = if kill { Signal::KILL } else { Signal::TERM };
        // It has members, so its number is that of no other group.
        kill_process_group(self.pid, signal).ok();
    }

    fn reap(&mut self) -> Option<ExitOf> {
        if self.reaped.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            self.reaped = match (status.code(), status.signal()) {
                (Some(code), _) => Some(ExitOf::Code(code)),
                (None, signal) => Some(ExitOf::Signal(signal.unwrap_or_default())),
            };
        }
        self.reaped
    }

    /// How it ended. One that does not end counts as killed: it was.
    pub(crate) fn exit(&mut self) -> ExitOf {
        self.reap().unwrap_or(ExitOf::Signal(Signal::KILL.as_raw()))
    }
}

/// What can be dealt with without waiting.
#[derive(Debug, Default)]
struct Ready {
    stdout: bool,
    stderr: bool,
    end: bool,
    stdin: bool,
}

/// Gives the command a pseudo-terminal and answers our end of it, for writing and for reading.
fn attach(command: &mut Command) -> io::Result<(File, File)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    #[cfg(target_os = "linux")]
    let near = openpt(flags | OpenptFlags::CLOEXEC)?;
    #[cfg(not(target_os = "linux"))]
    let near = {
        let near = openpt(flags)?;
        rustix::io::fcntl_setfd(&near, rustix::io::FdFlags::CLOEXEC)?;
        near
    };
    grantpt(&near)?;
    unlockpt(&near)?;
    let name = ptsname(&near, Vec::new())?;
    let far_flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let far = rustix::fs::open(name.as_c_str(), far_flags, rustix::fs::Mode::empty())?;
    let mut modes = tcgetattr(&far)?;
    // What is typed may be a secret, and whatever is printed is kept.
    modes
        .local_modes
        .remove(LocalModes::ECHO | LocalModes::ECHONL);
    tcsetattr(&far, OptionalActions::Now, &modes)?;
    tcsetwinsize(&far, SIZE)?;
    command
        .stdin(far.try_clone()?)
        .stdout(far.try_clone()?)
        .stderr(far);
    Ok((File::from(near.try_clone()?), File::from(near)))
}

/// Starts a child as one of a run.
#[cfg(target_os = "linux")]
fn spawn(command: &mut Command) -> io::Result<(Child, Mark)> {
    orphans::begin(|mark| command.env(orphans::MARK, mark).spawn())
}

#[cfg(not(target_os = "linux"))]
fn spawn(command: &mut Command) -> io::Result<(Child, Mark)> {
    Ok((command.spawn()?, Mark))
}

/// Has the child lead a session, with its priorities, before its program begins.
fn prepare(command: &mut Command, start: &Start) {
    let (terminal, nice) = (start.terminal, start.nice);
    #[cfg(target_os = "linux")]
    let (io_class, parent) = (
        start.ionice.map(crate::priority::IoClass::number),
        rustix::process::getpid(),
    );
    let ready = move || -> io::Result<()> {
        rustix::process::setsid()?;
        if terminal {
            // SAFETY: descriptor 0 is open: it was made the child's input before this is called, and stays so.
            let stdin = unsafe { BorrowedFd::borrow_raw(0) };
            rustix::process::ioctl_tiocsctty(stdin).map_err(|_| NO_TERMINAL)?;
        }
        #[cfg(target_os = "linux")]
        {
            // It shares the fate of the thread that performs it: when we are killed, it is told to end.
            rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
            if rustix::process::getppid() != Some(parent) {
                return Err(Errno::SRCH.into());
            }
            if let Some(class) = io_class {
                // SAFETY: the call takes three numbers and touches no memory; 1 is a process, 0 the calling one.
                let refused = unsafe { libc::syscall(libc::SYS_ioprio_set, 1, 0, class) } != 0;
                if refused {
                    return Err(NO_IO_CLASS.into());
                }
            }
        }
        if let Some(nice) = nice {
            rustix::process::setpriority_process(None, nice.into()).map_err(|_| NO_NICE)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only what is safe in a signal handler may be done. The closure owns plain numbers, makes
    // system calls and errors that are numbers too, and neither allocates, locks nor panics.
    unsafe { command.pre_exec(ready) };
}

/// What a start that failed means.
fn fault(cause: io::Error, start: &Start) -> StartFault {
    let program = || start.path.display().to_string();
    let privilege = || "this needs a privilege".to_owned();
    match Errno::from_io_error(&cause) {
        Some(NO_TERMINAL) => StartFault::NoTerminal {
            cause: cause.to_string(),
        },
        Some(NO_NICE) if start.nice.is_some() => StartFault::Priority {
            wanted: format!("nice {}", start.nice.unwrap_or_default()),
            cause: privilege(),
        },
        Some(NO_IO_CLASS) if start.ionice.is_some() => StartFault::Priority {
            wanted: start
                .ionice
                .map(|class| format!("ionice {class}"))
                .unwrap_or_default(),
            cause: privilege(),
        },
        Some(Errno::ACCESS | Errno::PERM | Errno::NOEXEC) => match &start.directory {
            Some(directory)
                if rustix::fs::access(directory, rustix::fs::Access::EXEC_OK).is_err() =>
            {
                StartFault::Directory {
                    directory: directory.clone(),
                    cause: cause.to_string(),
                }
            }
            _ => StartFault::NotExecutable { program: program() },
        },
        // The file is there: what is not is the interpreter that its first line names.
        Some(Errno::NOENT) => StartFault::NotExecutable { program: program() },
        _ => StartFault::Io(cause),
    }
}

/// A descriptor that becomes readable with the end of a child, where the system has one.
#[cfg(target_os = "linux")]
fn end_of(pid: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn end_of(_: Pid) -> Option<OwnedFd> {
    None
}

/// Whether the child ended, without reaping it.
fn has_ended(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(
        waitid(WaitId::Pid(pid), options),
        Ok(None) | Err(Errno::INTR)
    )
}

#[cfg(target_os = "linux")]
pub(crate) fn adopt_orphans() -> io::Result<()> {
    orphans::adopt()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn adopt_orphans() -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
pub(crate) fn reap_orphans() {
    orphans::reap();
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn reap_orphans() {}

pub(crate) fn is_alive(pid: u32) -> Option<bool> {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    match test_kill_process(number) {
        Err(Errno::SRCH) => Some(false),
        Ok(()) | Err(Errno::PERM) => Some(!waits_for_its_parent(pid)),
        Err(_) => None,
    }
}

/// Whether it ended and only its number is left.
fn waits_for_its_parent(pid: u32) -> bool {
    let Ok(line) = std::fs::read(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // The name in parentheses may contain anything.
    let state = line
        .iter()
        .rposition(|byte| *byte == b')')
        .and_then(|end| line.get(end + 2));
    matches!(state, Some(b'Z' | b'X'))
}

/// The files that a path of a program can mean.
pub(crate) fn spellings(path: &Path) -> Vec<PathBuf> {
    vec![path.to_owned()]
}

pub(crate) fn is_executable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Has a program run as another user: root becomes one, others ask `sudo`, which must let them without a question.
pub(crate) fn as_user(
    start: Start,
    user: &str,
    given: &[(String, String)],
) -> Result<Start, StartFault> {
    let fault = |cause: String| StartFault::User {
        user: user.to_owned(),
        cause,
    };
    if user.is_empty() || user.starts_with(['-', '#']) || user.chars().any(char::is_control) {
        return Err(fault("that is no name of a user".to_owned()));
    }
    let is_root = rustix::process::geteuid().is_root();
    let (program, words) = if is_root {
        (
            "runuser",
            vec!["-u".to_owned(), user.to_owned(), "--".to_owned()],
        )
    } else {
        let mut words: Vec<String> = ["-n", "-H", "-u", user].map(str::to_owned).into();
        if !given.is_empty() {
            let names: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
            words.push(format!("--preserve-env={}", names.join(",")));
        }
        words.push("--".to_owned());
        ("sudo", words)
    };
    let search = crate::start::search_path(&start.environment);
    let path = crate::start::find(program, None, &search)
        .map_err(|_| fault(format!("`{program}` is not there, and no other way")))?;
    let inner = start
        .path
        .to_str()
        .ok_or_else(|| fault("the path of the program is not UTF-8".to_owned()))?;
    let argv = |rest: &[String]| -> Vec<String> {
        std::iter::once(program)
            .map(str::to_owned)
            .chain(words.iter().cloned())
            .chain(rest.iter().cloned())
            .collect()
    };
    // Whether it is allowed is only found out by doing something; the program's own refusals would look the same.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where this crate starts processes"
    )]
    let mut trial = Command::new(&path);
    trial.args(argv(&["true".to_owned()]).iter().skip(1));
    trial
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    trial
        .env("LC_ALL", "C.UTF-8")
        .envs(given.iter().map(|(name, value)| (name, value)));
    let (trial, _mark) = spawn(&mut trial).map_err(|cause| fault(cause.to_string()))?;
    let trial = trial
        .wait_with_output()
        .map_err(|cause| fault(cause.to_string()))?;
    if !trial.status.success() {
        let said = crate::output::text_of(&trial.stderr);
        let said: String = said.trim().chars().take(200).collect();
        return Err(fault(if said.is_empty() {
            format!("`{program}` refuses")
        } else {
            said
        }));
    }
    let rest: Vec<String> = std::iter::once(inner.to_owned())
        .chain(start.argv.iter().skip(1).cloned())
        .collect();
    Ok(Start {
        argv: argv(&rest),
        path,
        ..start
    })
}
