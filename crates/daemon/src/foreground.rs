//! The daemon: manages a home in the foreground until it is told to end.

use std::time::Duration;

use syncmgr_control::{ExitCode, Refusal};

use crate::open::{Home, OpenError, Purpose};
use crate::place::Environment;
use crate::supervisor::Supervisor;
use crate::sys::Asked;

/// Runs until a signal asks for the end: the first stops what works and waits for it, a second insists; or for the configuration to be
/// read again. Blocks. `ready` is
/// told in one sentence once commands are served.
///
/// # Errors
/// `daemon::running` when somebody else manages the home; whatever keeps the home from being opened; the fault for which
/// the manager ended early.
pub fn run(
    environment: &Environment,
    ready: &mut (dyn FnMut(&str) + Send),
) -> Result<ExitCode, Refusal> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|cause| {
            Refusal::new("manager::fault", "the daemon could not begin", "try again")
                .because(&cause)
        })?;
    runtime.block_on(manage(environment, ready))
}

/// How long the daemon waits for a command that is just looking or ending.
const OPEN_WAIT: Duration = Duration::from_secs(5);

/// How long between two looks at a home that a command holds.
const OPEN_PAUSE: Duration = Duration::from_millis(20);

async fn open(environment: &Environment) -> Result<Home, Refusal> {
    let mut waited = Duration::ZERO;
    loop {
        let owner = match Home::open(environment, Purpose::Daemon) {
            Ok(home) => return Ok(home),
            Err(OpenError::Refused(refusal)) => return Err(refusal),
            Err(OpenError::Held(owner)) => owner,
        };
        let passing = owner.as_ref().is_none_or(|owner| !owner.is_daemon());
        if passing && waited < OPEN_WAIT {
            tokio::time::sleep(OPEN_PAUSE).await;
            waited += OPEN_PAUSE;
            continue;
        }
        let who = owner.map_or_else(String::new, |owner| {
            format!(": {}, process {}", owner.kind, owner.pid)
        });
        return Err(Refusal::new(
            "daemon::running",
            format!("another syncmgr manages this home already{who}"),
            "use it as it is, or end it first",
        ));
    }
}

/// Threads of the daemon beside the loop's own: it waits far more than it computes.
const WORKERS: usize = 2;

async fn manage(
    environment: &Environment,
    ready: &mut (dyn FnMut(&str) + Send),
) -> Result<ExitCode, Refusal> {
    let mut signals = crate::sys::signals().map_err(|cause| {
        Refusal::new("manager::fault", "signals cannot be awaited", "try again").because(&cause)
    })?;
    let mut supervisor = Supervisor::new(&environment.supervision);
    let home = open(environment).await?;
    tracing::info!(home = %home.places().state_dir.display(), "the daemon manages this home");
    supervisor.status("serves every command of this home");
    supervisor.ready();
    ready("the daemon serves every command of this home; Ctrl-C ends it");
    let service = std::sync::Arc::clone(&home.service);
    let closing = home.close();
    tokio::pin!(closing);
    loop {
        tokio::select! {
            ended = &mut closing => return ended.map(|()| ExitCode::Good),
            asked = signals.next() => match asked {
                Asked::End => {
                    supervisor.stopping();
                    service.stop().await;
                }
                Asked::Reload => service.reload().await,
            }
        }
    }
}
