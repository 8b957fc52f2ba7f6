//! A program that is run to its end within a time, such as one that dials a connection.
//!
//! What it leaves running behind it is left: a program that dials may well stay in the background as a child of its own.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;

/// How much is kept of what it writes on standard error.
const MAX_SAID: usize = 4 << 10;
/// How long a program that has ended may leave its standard error open before what it wrote is taken as it is.
const SAID_GRACE: Duration = Duration::from_millis(200);

/// Why an errand came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ErrandError {
    /// There is no program.
    #[error("no program is named")]
    NoProgram,
    /// It could not be started, or not be waited for.
    #[error("`{program}` could not be started")]
    Start {
        /// The program.
        program: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// It ended badly.
    #[error("`{program}` ended with {status}{said}")]
    Failed {
        /// The program.
        program: String,
        /// How.
        status: std::process::ExitStatus,
        /// The end of what it wrote on standard error, after a colon; or nothing.
        said: String,
    },
    /// It took too long and was ended.
    #[error("`{program}` did not end within {} s", limit.as_secs())]
    TimedOut {
        /// The program.
        program: String,
        /// How long it had.
        limit: Duration,
    },
}

/// Runs a program with its arguments until it ends. Dropping the future ends the program.
///
/// # Errors
/// [`ErrandError`]: it could not be started, ended badly or took too long.
pub async fn run(command: &[String], limit: Duration) -> Result<(), ErrandError> {
    let Some((program, args)) = command.split_first() else {
        return Err(ErrandError::NoProgram);
    };
    let start = |cause| ErrandError::Start {
        program: program.clone(),
        cause,
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the crate that starts processes; this one is no handler"
    )]
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(start)?;
    let mut stderr = child.stderr.take();
    let mut said = Vec::new();
    let ended = tokio::time::timeout(limit, async {
        let read = async {
            let mut piece = [0_u8; 1024];
            if let Some(stderr) = &mut stderr {
                while let Ok(count @ 1..) = stderr.read(&mut piece).await {
                    said.extend_from_slice(piece.get(..count).unwrap_or_default());
                    let surplus = said.len().saturating_sub(MAX_SAID);
                    said.drain(..surplus);
                }
            }
        };
        tokio::pin!(read);
        tokio::select! {
            status = child.wait() => {
                // What it wrote last may still be on its way; who holds the pipe open besides is not waited for.
                if tokio::time::timeout(SAID_GRACE, read).await.is_err() {
                    tracing::debug!("an errand left its standard error open");
                }
                status
            }
            () = &mut read => child.wait().await,
        }
    })
    .await;
    match ended {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => {
            let text = String::from_utf8_lossy(&said);
            let last = text.lines().rev().find(|line| !line.trim().is_empty());
            Err(ErrandError::Failed {
                program: program.clone(),
                status,
                said: last.map_or_else(String::new, |line| format!(": {}", line.trim())),
            })
        }
        Ok(Err(cause)) => Err(start(cause)),
        Err(_) => Err(ErrandError::TimedOut {
            program: program.clone(),
            limit,
        }),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[tokio::test]
    async fn ends_well_badly_late_or_never_begins() {
        let long = Duration::from_secs(60);
        run(&sh("exit 0"), long).await.unwrap();
        let bad = run(&sh("echo first >&2; echo no carrier >&2; exit 3"), long).await;
        let bad = bad.unwrap_err().to_string();
        assert!(bad.contains('3') && bad.ends_with(": no carrier"), "{bad}");
        let late = run(&sh("sleep 60"), Duration::from_millis(50)).await;
        assert!(matches!(late, Err(ErrandError::TimedOut { .. })));
        let none = run(&["/nowhere/at/all".to_owned()], long).await;
        assert!(matches!(none, Err(ErrandError::Start { .. })));
        assert!(matches!(run(&[], long).await, Err(ErrandError::NoProgram)));
        // One that floods is read, and only its end kept.
        let flood = run(
            &sh("i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; exit 1"),
            long,
        )
        .await;
        assert!(flood.unwrap_err().to_string().ends_with(": line 1999"));
        // What it leaves running in the background is not waited for.
        run(&sh("sleep 60 & exit 0"), Duration::from_secs(30))
            .await
            .unwrap();
    }
}
