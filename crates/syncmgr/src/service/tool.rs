//! The tools of the system that start services: `systemctl`, `loginctl`, `launchctl`, `schtasks.exe`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use syncmgr_control::Refusal;
use syncmgr_control::client::Client;

/// How long a tool may take. Starting waits until the daemon serves; ending waits until its handlers ended.
const LIMIT: Duration = Duration::from_secs(120);
/// How much of what a tool says is shown.
const MAX_SAID: usize = 400;

/// Calls tools.
pub(super) struct Tools(tokio::runtime::Runtime);

impl Tools {
    /// Gets ready.
    pub(super) fn new() -> Result<Self, Refusal> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.map(Self).map_err(|cause| {
            Refusal::new(
                "cli::no-threads",
                "the command cannot start its threads",
                "end some programs, or raise the limit of processes of this user",
            )
            .because(&cause)
        })
    }

    /// Whether somebody manages the home of this socket and answers.
    pub(super) fn answers(&self, socket: &Path) -> bool {
        self.0.block_on(Client::connect(socket)).is_ok()
    }

    /// Calls a tool and waits until it ends; answers why it came to nothing, as a fragment.
    pub(super) fn call(&self, command: &[String]) -> Result<(), String> {
        let Some((program, arguments)) = command.split_first() else {
            return Err("there is nothing to call".to_owned());
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the system's own tools for services are called here and nowhere else; they are no handlers"
        )]
        let mut tool = tokio::process::Command::new(program);
        tool.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        let ended = self
            .0
            .block_on(async { tokio::time::timeout(LIMIT, tool.output()).await });
        match ended {
            Err(_) => Err(format!(
                "`{program}` did not end within {} s",
                LIMIT.as_secs()
            )),
            Ok(Err(cause)) => Err(format!("`{program}` could not be started: {cause}")),
            Ok(Ok(output)) if output.status.success() => Ok(()),
            Ok(Ok(output)) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let said: String = said.trim().chars().take(MAX_SAID).collect();
                Err(if said.is_empty() {
                    format!("`{program}` ended with {}", output.status)
                } else {
                    said
                })
            }
        }
    }
}
