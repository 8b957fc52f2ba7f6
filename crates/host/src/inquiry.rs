//! A program that is asked something by its arguments, answers on standard output and ends.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::event::{ExitStatus, StartError};
use crate::spawn::{Running, Start};
use crate::spec::Spec;

/// Most bytes of standard error that are kept.
const MAX_STDERR_BYTES: u64 = 64 << 10;

/// How long an inquiry that was killed may take to end.
const REAP: Duration = Duration::from_secs(2);

/// What the program said.
#[derive(Debug)]
pub struct Inquiry {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote on standard output.
    pub output: Vec<u8>,
    /// What it wrote on standard error.
    pub stderr: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum InquireError {
    /// It could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It did not end in time, and was killed.
    #[error("it did not answer within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// It answered more than was asked for, and was killed.
    #[error("it answered more than {0} bytes")]
    TooLong(usize),
}

/// Starts a program in a group of its own, closes its standard input and reads what it answers, at most `most` bytes. It
/// and whatever it started is ended with the wait, also when the wait is given up.
///
/// # Errors
/// [`InquireError`].
pub async fn inquire(spec: Spec, most: usize, patience: Duration) -> Result<Inquiry, InquireError> {
    let (running, pipes) = Start::Process(spec).start()?;
    let mut running = Killed(running);
    drop(pipes.input);
    let room = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let reading = async {
        tokio::join!(
            read(pipes.output, room),
            read(pipes.stderr, MAX_STDERR_BYTES),
            running.0.ended()
        )
    };
    let Ok((output, stderr, status)) = tokio::time::timeout(patience, reading).await else {
        running.0.kill();
        if tokio::time::timeout(REAP, running.0.ended()).await.is_err() {
            tracing::warn!("a program that was asked something could not be ended");
        }
        return Err(InquireError::TimedOut(patience));
    };
    if output.len() > most {
        return Err(InquireError::TooLong(most));
    }
    Ok(Inquiry {
        status,
        output,
        stderr,
    })
}

/// Kills what runs when the wait for it is given up.
struct Killed(Running);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill();
    }
}

async fn read(from: impl AsyncRead + Unpin, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Err(error) = from.take(most).read_to_end(&mut bytes).await {
        tracing::debug!(%error, "the answer of a program broke off");
    }
    bytes
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Spec {
        Spec {
            instance: 0,
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            env: Vec::new(),
            cwd: None,
        }
    }

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn answers_are_bounded_in_size_and_time() {
        let said = inquire(shell("cat; echo yes; echo no >&2; exit 3"), 10, PATIENCE)
            .await
            .unwrap();
        assert_eq!(
            (said.output.as_slice(), said.stderr.as_slice()),
            (b"yes\n".as_slice(), b"no\n".as_slice())
        );
        assert!(matches!(said.status, ExitStatus::Code(3)));
        let long = inquire(shell("echo 12345678901"), 10, PATIENCE).await;
        assert!(matches!(long, Err(InquireError::TooLong(10))));
        let hangs = inquire(
            shell("sleep 600 & sleep 600"),
            10,
            Duration::from_millis(100),
        )
        .await;
        assert!(matches!(hangs, Err(InquireError::TimedOut(_))));
        let missing = Spec {
            program: "/nonexistent/program".into(),
            ..shell("")
        };
        let missing = inquire(missing, 10, PATIENCE).await;
        assert!(matches!(missing, Err(InquireError::Start(_))));
    }
}
