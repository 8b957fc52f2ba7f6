//! A command of the user's that is run beside a run: told what happened, bounded in time and in what it may say.
//!
//! It leads a process group (on Windows a job) of its own, and whatever it started ends with it: a hook is over when it is
//! over, unlike an errand.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use crate::bare::Bare;
use crate::event::{ExitStatus, StartError};
use crate::spec::Spec;

/// How much is kept of what it writes, the end of it.
pub const MAX_OUTPUT: usize = 16 << 10;
/// How long a killed one may take to be gone.
const KILL_GRACE: Duration = Duration::from_secs(5);
/// How long after its end what it wrote last is waited for.
const OUTPUT_GRACE: Duration = Duration::from_millis(200);

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The program and its arguments; no shell is between.
    pub command: Vec<String>,
    /// What is added to its environment.
    pub env: Vec<(String, String)>,
    /// What it reads on standard input.
    pub input: Vec<u8>,
    /// How long it may take.
    pub limit: Duration,
    /// How long it may take to end once it was asked to; then it is killed.
    pub grace: Duration,
}

/// How it ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub how: Result<(), HookError>,
    /// The end of what it wrote on standard output and standard error.
    pub output: String,
}

/// Why a hook came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// There is no program.
    #[error("no program is named")]
    NoProgram,
    /// It could not be started.
    #[error("it could not be started")]
    Start(#[source] StartError),
    /// It ended with another code than 0.
    #[error("it ended with exit status {0}")]
    Code(i32),
    /// A signal ended it.
    #[error("it was ended by signal {0}")]
    Signal(i32),
    /// It took too long and was ended with everything that it started.
    #[error("it did not end within {} s and was ended", .0.as_secs_f64())]
    TimedOut(Duration),
    /// It was ended because somebody asked for that.
    #[error("it was stopped")]
    Stopped,
    /// It could not be ended.
    #[error("it could not be ended")]
    Abandoned,
}

/// Why an end is forced.
enum Forced {
    Late,
    Stopped,
}

/// Runs a hook to its end. Cancelling asks it to end; dropping the future kills it with everything that it started.
pub async fn run(hook: Hook, cancel: CancellationToken) -> Ended {
    let silent = |how| Ended {
        how: Err(how),
        output: String::new(),
    };
    let Some((program, args)) = hook.command.split_first() else {
        return silent(HookError::NoProgram);
    };
    let spec = Spec {
        instance: 0,
        program: PathBuf::from(program),
        args: args.iter().map(Into::into).collect(),
        env: hook
            .env
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        cwd: None,
    };
    let (mut bare, pipes) = match Bare::start(spec) {
        Ok(started) => started,
        Err(error) => return silent(HookError::Start(error)),
    };
    let said = Arc::new(Mutex::new(VecDeque::new()));
    let talk = async {
        tokio::join!(
            tell(pipes.input, &hook.input),
            listen(pipes.output, &said),
            listen(pipes.stderr, &said),
        );
    };
    tokio::pin!(talk);
    let mut silent = false;
    let ended = async {
        let forced = tokio::select! {
            status = bare.ended() => return how(&status),
            () = tokio::time::sleep(hook.limit) => Forced::Late,
            () = cancel.cancelled() => Forced::Stopped,
        };
        bare.terminate();
        if tokio::time::timeout(hook.grace, bare.ended())
            .await
            .is_err()
        {
            bare.kill();
            if tokio::time::timeout(KILL_GRACE, bare.ended())
                .await
                .is_err()
            {
                return Err(HookError::Abandoned);
            }
        }
        Err(match forced {
            Forced::Late => HookError::TimedOut(hook.limit),
            Forced::Stopped => HookError::Stopped,
        })
    };
    tokio::pin!(ended);
    let how = loop {
        tokio::select! {
            how = &mut ended => break how,
            () = &mut talk, if !silent => silent = true,
        }
    };
    // A child that left the group may hold the pipes open; it is not waited for.
    if !silent && tokio::time::timeout(OUTPUT_GRACE, talk).await.is_err() {
        tracing::debug!("a hook left its output open");
    }
    let said: Vec<u8> = said
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter()
        .copied()
        .collect();
    Ended {
        how,
        output: String::from_utf8_lossy(&said).trim().to_owned(),
    }
}

fn how(status: &ExitStatus) -> Result<(), HookError> {
    match status {
        ExitStatus::Code(0) => Ok(()),
        ExitStatus::Code(code) => Err(HookError::Code(*code)),
        ExitStatus::Signal(signal) => Err(HookError::Signal(*signal)),
        ExitStatus::NotStarted(_) | ExitStatus::Abandoned => Err(HookError::Abandoned),
    }
}

/// Writes what it is told. That it does not read all of it is its own affair.
async fn tell(mut input: Box<dyn AsyncWrite + Send + Unpin>, what: &[u8]) {
    if let Err(error) = input.write_all(what).await {
        tracing::debug!(%error, "a hook did not read what it was told");
    }
}

async fn listen(mut from: Box<dyn AsyncRead + Send + Unpin>, said: &Mutex<VecDeque<u8>>) {
    let mut piece = [0_u8; 1024];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend(piece.get(..count).unwrap_or_default());
        let surplus = said.len().saturating_sub(MAX_OUTPUT);
        said.drain(..surplus);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Hook {
        Hook {
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            env: vec![("SYNCMGR_OUTCOME".to_owned(), "failed".to_owned())],
            input: b"{\"version\":1}".to_vec(),
            limit,
            grace: LONG,
        }
    }

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(100);

    async fn ended(hook: Hook) -> Ended {
        run(hook, CancellationToken::new()).await
    }

    #[tokio::test]
    async fn is_told_what_happened_and_heard() {
        let told = ended(sh("echo $SYNCMGR_OUTCOME; cat; echo grave >&2", LONG)).await;
        told.how.unwrap();
        assert!(told.output.contains("failed"), "{}", told.output);
        assert!(told.output.contains("{\"version\":1}"), "{}", told.output);
        assert!(told.output.contains("grave"), "{}", told.output);
    }

    #[tokio::test]
    async fn ends_badly_or_never_begins() {
        let bad = ended(sh("echo no disk >&2; exit 75", LONG)).await;
        assert!(matches!(bad.how, Err(HookError::Code(75))), "{bad:?}");
        assert_eq!(bad.output, "no disk");
        let none = Hook {
            command: vec!["/nowhere/at/all".to_owned()],
            ..sh("", LONG)
        };
        assert!(matches!(ended(none).await.how, Err(HookError::Start(_))));
        let empty = Hook {
            command: Vec::new(),
            ..sh("", LONG)
        };
        assert!(matches!(ended(empty).await.how, Err(HookError::NoProgram)));
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let script = format!("sleep 300 & echo $! > '{}'; wait", pid.display());
        let late = ended(sh(&script, SHORT.saturating_mul(5))).await;
        assert!(matches!(late.how, Err(HookError::TimedOut(_))), "{late:?}");
        let child: u32 = std::fs::read_to_string(&pid)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        while crate::process::is_alive(child, None) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn one_that_is_stopped_says_so_and_one_that_ignores_it_is_killed() {
        let cancel = CancellationToken::new();
        cancel.cancel();
        let stopped = run(sh("sleep 300", LONG), cancel).await;
        assert!(matches!(stopped.how, Err(HookError::Stopped)));
        let deaf = Hook {
            grace: SHORT,
            ..sh("trap '' TERM; while :; do sleep 300; done", SHORT)
        };
        let deaf = tokio::time::timeout(LONG, ended(deaf)).await.unwrap();
        assert!(matches!(deaf.how, Err(HookError::TimedOut(_))), "{deaf:?}");
    }

    #[tokio::test]
    async fn a_flood_is_read_and_its_end_kept() {
        let script =
            "i=0; while [ $i -lt 20000 ]; do echo line number $i; i=$((i+1)); done; exit 1";
        let flood = ended(sh(script, LONG)).await;
        assert!(flood.output.ends_with("line number 19999"));
        assert!(flood.output.len() <= MAX_OUTPUT);
        // What is not read is no failure.
        let deaf = Hook {
            input: vec![b'x'; 1 << 20],
            ..sh("exit 0", LONG)
        };
        ended(deaf).await.how.unwrap();
    }

    #[tokio::test]
    async fn what_left_the_group_is_not_waited_for() {
        let left = ended(sh("setsid sleep 2 & exit 0", LONG));
        let left = tokio::time::timeout(Duration::from_secs(30), left).await;
        left.unwrap().how.unwrap();
    }
}
