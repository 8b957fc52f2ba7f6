//! Starts what stands behind an instance: a process, or a thread in this process for tests.

use std::process::Stdio;

use syncmgr_handler::Connection;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::oneshot;
use tokio_util::io::SyncIoBridge;

use crate::event::{ExitStatus, StartError};
use crate::spec::Spec;
use crate::sys::Group;

/// How many bytes the link to a thread holds in each direction; as much as a pipe of Linux.
const MEMORY_BYTES: usize = 64 << 10;

/// A handler that serves a connection on a thread of this process.
pub(crate) type Serve = Box<dyn FnOnce(Connection) + Send>;

/// What is to be started.
pub(crate) enum Start {
    Process(Spec),
    Thread(Serve),
}

/// What was started.
pub(crate) enum Running {
    Process(Box<Group>),
    Thread(oneshot::Receiver<()>),
}

/// The ends of the pipes that stay here.
pub(crate) struct Pipes {
    pub(crate) input: Box<dyn AsyncWrite + Send + Unpin>,
    pub(crate) output: Box<dyn AsyncRead + Send + Unpin>,
    pub(crate) stderr: Box<dyn AsyncRead + Send + Unpin>,
}

impl Start {
    pub(crate) fn start(self) -> Result<(Running, Pipes), StartError> {
        match self {
            Self::Process(spec) => process(&spec),
            Self::Thread(serve) => thread(serve),
        }
    }
}

fn process(spec: &Spec) -> Result<(Running, Pipes), StartError> {
    let refused = |cause| StartError::Spawn {
        program: spec.program.clone(),
        cause,
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where processes are started"
    )]
    let mut command = tokio::process::Command::new(&spec.program);
    command
        .args(&spec.args)
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(cwd) = &spec.cwd {
        command.current_dir(cwd);
    }
    crate::sys::group(&mut command);
    let mut group = Group::spawn(command).map_err(refused)?;
    let child = group.child();
    #[cfg(unix)]
    let (input, output, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    #[cfg(windows)]
    let (input, output, stderr) = (
        child.stdin().take(),
        child.stdout().take(),
        child.stderr().take(),
    );
    match (input, output, stderr) {
        (Some(input), Some(output), Some(stderr)) => {
            let pipes = Pipes {
                input: Box::new(input),
                output: Box::new(output),
                stderr: Box::new(stderr),
            };
            Ok((Running::Process(Box::new(group)), pipes))
        }
        _ => Err(refused(std::io::ErrorKind::BrokenPipe.into())),
    }
}

fn thread(serve: Serve) -> Result<(Running, Pipes), StartError> {
    let (here, there) = tokio::io::duplex(MEMORY_BYTES);
    let (output, input): (ReadHalf<DuplexStream>, WriteHalf<DuplexStream>) = tokio::io::split(here);
    let (reader, writer) = tokio::io::split(there);
    let (ended, end) = oneshot::channel();
    let reader = SyncIoBridge::new(reader);
    let writer = SyncIoBridge::new(writer);
    std::thread::Builder::new()
        .name("handler-in-memory".to_owned())
        .spawn(move || {
            serve(Connection::new(std::io::BufReader::new(reader), writer));
            if ended.send(()).is_err() {
                tracing::debug!("a handler ended after it was given up");
            }
        })
        .map_err(StartError::Thread)?;
    let pipes = Pipes {
        input: Box::new(input),
        output: Box::new(output),
        stderr: Box::new(tokio::io::empty()),
    };
    Ok((Running::Thread(end), pipes))
}

impl Running {
    /// The number of the process.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self {
            Self::Process(group) => Some(group.pid()),
            Self::Thread(_) => None,
        }
    }

    /// Waits for its end. Can be dropped and called again.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        match self {
            Self::Process(group) => group.ended().await,
            Self::Thread(end) => match end.await {
                Ok(()) => ExitStatus::Code(0),
                // The code that a program of Rust ends with after a panic.
                Err(_) => ExitStatus::Code(101),
            },
        }
    }

    /// Tells it to terminate; false when only cutting its link can reach it.
    pub(crate) fn terminate(&mut self) -> bool {
        match self {
            Self::Process(group) => {
                group.terminate();
                true
            }
            Self::Thread(_) => false,
        }
    }

    /// Kills it; false when only cutting its link can reach it.
    pub(crate) fn kill(&mut self) -> bool {
        match self {
            Self::Process(group) => {
                group.kill();
                true
            }
            Self::Thread(_) => false,
        }
    }
}
