//! A process at its bare pipes: no reading, no answering, no deadline. For the conformance kit, which must see and do what
//! a well-behaved manager never would, and for hooks, which are no handlers.

use tokio::io::{AsyncRead, AsyncWrite};

use crate::event::{ExitStatus, StartError};
use crate::spawn::{Running, Start};
use crate::spec::Spec;

/// The ends of the pipes that stay here.
#[expect(missing_debug_implementations, reason = "pipes have nothing to show")]
pub struct Pipes {
    /// Its standard input; dropping it ends the input.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// Its standard output.
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    /// Its standard error.
    pub stderr: Box<dyn AsyncRead + Send + Unpin>,
}

/// A process in a group (on Windows a job) of its own. Dropping it kills it with everything that it started.
#[expect(
    missing_debug_implementations,
    reason = "the process's number is all there is"
)]
pub struct Bare {
    running: Running,
}

impl Bare {
    /// Starts the program.
    ///
    /// # Errors
    /// [`StartError`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(spec: Spec) -> Result<(Self, Pipes), StartError> {
        let (running, pipes) = Start::Process(spec).start()?;
        let pipes = Pipes {
            input: pipes.input,
            output: pipes.output,
            stderr: pipes.stderr,
        };
        Ok((Self { running }, pipes))
    }

    /// The number of the process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.pid()
    }

    /// Waits for its end, and kills what remains of its group then. Can be dropped and called again.
    pub async fn ended(&mut self) -> ExitStatus {
        self.running.ended().await
    }

    /// Asks it to end, with everything that it started; where nothing milder reaches it, kills it.
    pub fn terminate(&mut self) {
        self.running.terminate();
    }

    /// Kills it with everything that it started.
    pub fn kill(&mut self) {
        self.running.kill();
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.running.kill();
    }
}
