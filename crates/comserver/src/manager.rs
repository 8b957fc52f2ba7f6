//! Carrying one request to the manager: to the one that runs, else to one that is started for it in another process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use syncmgr_control::client::{ENDING, NO_MANAGER};
use syncmgr_control::{Caller, Client, Refusal, Reply, Request, Service as _};

use crate::com_entry::RESIDENTS;
use crate::{place, sys};

/// How long a call may keep its caller.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a request is asked again because the manager ended; each time needs another to come and go.
const MAX_TRIES: u32 = 4;

/// Code of the refusal that says that the manager ended before it answered.
const GONE: &str = "control::gone";

/// Code of the refusal that says that a manager could not be talked to.
const UNREACHABLE: &str = "control::unreachable";

/// Most breaches of the contract by this process that the manager is told.
const MAX_REPORTED: u32 = 16;

/// How many it was told.
static REPORTED: AtomicU32 = AtomicU32::new(0);

/// Longest answer of a manager in another process.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// Asks the manager, and waits for its answer, never for the work.
///
/// # Errors
/// The manager's refusal; `control::…` when none can be reached.
pub(crate) fn ask(request: Request) -> Result<Reply, Refusal> {
    // A thread of its own: the caller's may belong to a runtime, or to an apartment.
    let worker = std::thread::Builder::new().name("syncmgr-call".to_owned());
    let asking = worker.spawn(move || {
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = match over_socket(request.clone()) {
                Err(refusal) if went(&refusal) => in_a_process(&request),
                answer => answer,
            };
            match answer {
                // None of these requests does harm when it was taken before: to ask is to wish that it be so.
                Err(refusal) if went(&refusal) && tries < MAX_TRIES => {}
                answer => return answer,
            }
        }
    });
    match asking.map(std::thread::JoinHandle::join) {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Err(unreachable("the call could not be carried out")),
    }
}

/// Has the manager record that this program broke the contract. The call is refused whatever becomes of that; a program
/// that never learns is recorded a few times only.
pub(crate) fn misused(obligation: &'static str, what: &str) {
    if REPORTED.fetch_add(1, Ordering::Relaxed) >= MAX_REPORTED {
        REPORTED.store(MAX_REPORTED, Ordering::Relaxed);
        return;
    }
    let request = Request::Misused {
        obligation: obligation.to_owned(),
        text: what.to_owned(),
    };
    drop(ask(request));
}

/// Whether no manager was there, or it ended before it answered.
fn went(refusal: &Refusal) -> bool {
    [NO_MANAGER, ENDING, GONE, UNREACHABLE].contains(&refusal.code.as_str())
}

fn over_socket(request: Request) -> Result<Reply, Refusal> {
    let Some(socket) = place::socket() else {
        return Err(unreachable("no home directory is known"));
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| unreachable("the call could not be carried out").because(&error))?;
    runtime.block_on(async {
        let exchange = async {
            let client = Client::connect(socket).await?;
            client.call(caller(), request).await
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .unwrap_or_else(|_| Err(unreachable("the manager did not answer in time")))
    })
}

fn caller() -> Caller {
    Caller {
        name: format!("a program (process {})", std::process::id()),
    }
}

/// Has a `syncmgr` process manage for as long as the work lasts (M-154); it outlives this process if need be.
fn in_a_process(request: &Request) -> Result<Reply, Refusal> {
    let Some(program) = place::program() else {
        return Err(unreachable("no syncmgr program lies beside this library"));
    };
    let body = serde_json::to_vec(request)
        .map_err(|error| unreachable("the request cannot be written").because(&error))?;
    let not_started =
        |error: &std::io::Error| unreachable("the manager could not be started").because(error);
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one process that the library starts"
    )]
    let mut command = std::process::Command::new(program);
    command
        .arg("ask")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    sys::detach(&mut command);
    let mut child = command.spawn().map_err(|error| not_started(&error))?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let (sender, answer) = mpsc::channel();
    // It reads the answer and then waits for the end of the work, so that nothing of it stays behind; the library stays
    // in memory as long.
    let resident = RESIDENTS.enter();
    let waiting = std::thread::Builder::new()
        .name("syncmgr-wait".to_owned())
        .spawn(move || {
            if let Some(mut input) = input
                && input.write_all(&body).is_err()
            {
                // It ended before it read everything; what it answered tells more.
            }
            let mut line = Vec::new();
            if let Some(output) = output {
                let mut output = BufReader::new(output).take(MAX_ANSWER_BYTES);
                if output.read_until(b'\n', &mut line).is_err() {
                    line.clear();
                }
            }
            // Whoever gave up waiting needs no answer.
            let (Ok(()) | Err(_)) = sender.send(line);
            let (Ok(_) | Err(_)) = Child::wait(&mut child);
            drop(resident);
        });
    waiting.map_err(|error| not_started(&error))?;
    let line = answer
        .recv_timeout(PATIENCE)
        .map_err(|_| unreachable("the manager did not answer in time"))?;
    let answer: Result<Result<Reply, Refusal>, _> = serde_json::from_slice(&line);
    // One that says nothing found the home taken by somebody who was just going.
    answer.map_err(|error| unreachable("the manager did not answer").because(&error))?
}

fn unreachable(message: &str) -> Refusal {
    Refusal::new(UNREACHABLE, message, "syncmgr doctor")
}
