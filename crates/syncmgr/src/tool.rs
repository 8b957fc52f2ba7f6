//! Programs of the machine that are called for what they answer: `crontab`, `systemctl`.

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::Stdio;

/// Most of what a program says that is shown.
const MAX_SAID: usize = 400;

/// What a program answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// It ended well.
    pub(crate) good: bool,
    /// What it printed.
    pub(crate) output: Vec<u8>,
    /// What it complained of, in one line.
    pub(crate) said: String,
}

/// Why a program could not be asked.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// There is no such program.
    Missing,
    /// It could not be started or spoken to.
    Failed(std::io::Error),
}

/// Calls a program, gives it `input`, and waits until it ended.
pub(crate) fn call(words: &[&str], input: Option<&[u8]>) -> Result<Answer, NoAnswer> {
    let (program, arguments) = words.split_first().ok_or(NoAnswer::Missing)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the machine's own tools for what starts by itself are called here and nowhere else; they are no handlers"
    )]
    let mut tool = std::process::Command::new(Path::new(program));
    // What it complains of is read by us too.
    tool.args(arguments).env("LC_ALL", "C.UTF-8");
    tool.stdout(Stdio::piped()).stderr(Stdio::piped());
    tool.stdin(if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    let mut running = tool.spawn().map_err(|cause| {
        if cause.kind() == ErrorKind::NotFound {
            NoAnswer::Missing
        } else {
            NoAnswer::Failed(cause)
        }
    })?;
    if let (Some(mut stdin), Some(input)) = (running.stdin.take(), input) {
        // One that does not want to hear it says so by its end.
        if let Err(cause) = stdin.write_all(input) {
            tracing::debug!(%cause, "a program did not take what it was given");
        }
    }
    let ended = running.wait_with_output().map_err(NoAnswer::Failed)?;
    let said = String::from_utf8_lossy(&ended.stderr);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Answer {
        good: ended.status.success(),
        output: ended.stdout,
        said: if said.is_empty() {
            format!("it ended with {}", ended.status)
        } else {
            said.chars().take(MAX_SAID).collect()
        },
    })
}
