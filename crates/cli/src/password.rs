//! `center --set-password`: a password for Sync Center, typed by a person or read from a pipe.

use std::path::Path;

use syncmgr_control::{ExitCode, Refusal};

use crate::screen::Screen;
use crate::talk::Verdict;
use crate::text::harmless;
use crate::world::{Keyboard, Program};

/// Reads a password, twice where a person types it, and has its hash written to a file.
pub(crate) async fn set(
    program: &dyn Program,
    file: &Path,
    mut keyboard: Box<dyn Keyboard>,
    is_typed: bool,
    screen: &mut Screen,
) -> Result<Verdict, Refusal> {
    let first = read(&mut keyboard, is_typed.then_some("New password: "), screen).await?;
    if is_typed && first != read(&mut keyboard, Some("Once more: "), screen).await? {
        return Err(Refusal::new(
            "cli::passwords-differ",
            "the two passwords are not the same; nothing was written",
            "type it again",
        ));
    }
    program.set_password(file, &first)?;
    let path = harmless(&file.display().to_string());
    Ok(Verdict::said(
        format!("The password is set; `password_file = \"{path}\"` in `[center]` asks for it."),
        ExitCode::Good,
    ))
}

async fn read(
    keyboard: &mut Box<dyn Keyboard>,
    prompt: Option<&str>,
    screen: &mut Screen,
) -> Result<String, Refusal> {
    if let Some(prompt) = prompt {
        screen.prompt(prompt);
    }
    let missing = || {
        Refusal::new(
            "cli::no-password",
            "no password was given",
            "type it, or send it on standard input",
        )
    };
    match keyboard.secret().await {
        Ok(Some(line)) => Ok(line),
        Ok(None) => Err(missing()),
        Err(cause) => Err(missing().because(&cause)),
    }
}
