//! Watches over one instance from its start to its end.
//!
//! Three tasks move bytes (reader, writer, standard error); this one waits for all that can happen to the instance, climbs
//! the ladder, and tells the end. None of them waits for another without a limit, so the ladder works however the handler
//! behaves and however slowly events are taken.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use syncmgr_handler::Connection;
use syncmgr_handler::call::Release;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::event::{Exit, ExitStatus, HostEvent, Violation, What};
use crate::handle::{Handle, Identity, Shared, Wish};
use crate::reader::Reader;
use crate::spawn::{Pipes, Running, Start};
use crate::spec::{Limits, Rung, Spec, StopReason};

/// From being released to being terminated, for a handler whose work is done.
const RELEASE_GRACE: Duration = Duration::from_secs(5);

/// How much is still read after the process has ended. No pipe holds more; whoever sends more is not the handler.
const MAX_DRAIN_BYTES: u64 = 4 << 20;

/// Into how many looks the time is divided for which a pipe may stay silent after the end.
const DRAIN_LOOKS: u32 = 5;

/// Starts instances.
#[derive(Debug, Clone, Copy)]
pub struct Instance;

impl Instance {
    /// Starts a program as a handler and returns at once; whether it started is told by the events.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(spec: Spec, limits: Limits, events: mpsc::Sender<HostEvent>) -> Handle {
        let instance = spec.instance;
        launch(instance, Start::Process(spec), limits, events)
    }

    /// Starts a handler on a thread of this process, behind the same kind of link. A thread cannot be killed: terminating
    /// or killing cuts its link, and a thread that does not end then is given up.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn memory(
        instance: u64,
        limits: Limits,
        events: mpsc::Sender<HostEvent>,
        serve: impl FnOnce(Connection) + Send + 'static,
    ) -> Handle {
        launch(instance, Start::Thread(Box::new(serve)), limits, events)
    }
}

fn launch(instance: u64, start: Start, limits: Limits, events: mpsc::Sender<HostEvent>) -> Handle {
    let (shared, lines) = Shared::new(limits);
    let (wish, wishes) = watch::channel(Wish::default());
    let supervisor = Supervisor {
        instance,
        shared: Arc::clone(&shared),
        events: events.clone(),
        wishes: Some(wishes),
        close: CancellationToken::new(),
        requested: None,
        rung: None,
        insisted: 0,
        violation: None,
        deadline: None,
    };
    let guarded = Arc::clone(&shared);
    #[expect(
        clippy::disallowed_methods,
        reason = "the one task of an instance without an owner: it owns all others and tells its own end"
    )]
    tokio::spawn(async move {
        let mut supervision = JoinSet::new();
        supervision.spawn(supervisor.watch(start, lines));
        let exit = match supervision.join_next().await {
            Some(Ok(exit)) => exit,
            // A fault of ours costs this instance alone; dropping what it held killed the process.
            Some(Err(_)) | None => Exit {
                status: ExitStatus::Abandoned,
                requested: None,
                rung: None,
                stderr_tail: guarded.stderr().text(),
                violation: Some(Violation::Internal),
            },
        };
        guarded.close();
        let what = What::Exited(exit);
        // Nobody may listen any more.
        drop(events.send(HostEvent { instance, what }).await);
    });
    Handle {
        instance,
        shared,
        wish: Arc::new(wish),
    }
}

/// How a task that moves bytes ended.
enum Moved {
    Output(Option<Violation>),
    Input(Option<Violation>),
    Stderr,
}

struct Supervisor {
    instance: u64,
    shared: Arc<Shared>,
    events: mpsc::Sender<HostEvent>,
    /// Absent when no handle is left.
    wishes: Option<watch::Receiver<Wish>>,
    /// Closes the handler's standard input.
    close: CancellationToken,
    requested: Option<StopReason>,
    rung: Option<Rung>,
    insisted: u32,
    violation: Option<Violation>,
    deadline: Option<Instant>,
}

impl Supervisor {
    async fn watch(mut self, start: Start, lines: mpsc::Receiver<Vec<u8>>) -> Exit {
        let (mut running, pipes) = match start.start() {
            Ok(started) => started,
            Err(error) => return self.exit(ExitStatus::NotStarted(error)),
        };
        if let Some(pid) = running.pid() {
            let start_time = crate::process::process_start_time(pid);
            self.shared
                .identity
                .get_or_init(|| Identity { pid, start_time });
        }
        let (mut tasks, writer) = self.move_bytes(pipes, lines);
        let status = loop {
            tokio::select! {
                biased;
                status = running.ended() => break status,
                Some(moved) = tasks.join_next() => self.moved(moved, &mut running, &mut tasks),
                wish = changed(&mut self.wishes) => self.wished(wish, &mut running, &mut tasks),
                () = alarm(self.deadline) => match self.rung {
                    None => self.broken(Violation::ClosedOutput, &mut running, &mut tasks),
                    Some(Rung::Asked) => self.climb(Rung::Terminated, &mut running, &mut tasks),
                    Some(Rung::Terminated) => self.climb(Rung::Killed, &mut running, &mut tasks),
                    Some(Rung::Killed) => break ExitStatus::Abandoned,
                },
            }
        };
        writer.abort();
        self.drain(tasks).await;
        self.exit(status)
    }

    /// Starts the three tasks; the handle is that of the writer.
    fn move_bytes(
        &self,
        pipes: Pipes,
        lines: mpsc::Receiver<Vec<u8>>,
    ) -> (JoinSet<Moved>, AbortHandle) {
        let mut tasks = JoinSet::new();
        let reader = Reader::new(self.instance, self.events.clone(), Arc::clone(&self.shared));
        tasks.spawn(async move { Moved::Output(reader.listen(pipes.output).await) });
        let (shared, close) = (Arc::clone(&self.shared), self.close.clone());
        let writer = tasks.spawn(async move {
            Moved::Input(crate::writer::write(pipes.input, lines, close, &shared).await)
        });
        let shared = Arc::clone(&self.shared);
        tasks.spawn(async move {
            crate::stderr::keep(pipes.stderr, &shared).await;
            Moved::Stderr
        });
        (tasks, writer)
    }

    fn moved(
        &mut self,
        moved: Result<Moved, JoinError>,
        running: &mut Running,
        tasks: &mut JoinSet<Moved>,
    ) {
        match moved {
            Ok(Moved::Output(Some(violation)) | Moved::Input(Some(violation))) => {
                self.broken(violation, running, tasks);
            }
            // A program that ends closes its output a moment before. One that only closes it can never say anything again.
            Ok(Moved::Output(None)) if self.rung.is_none() => {
                self.deadline = Some(Instant::now() + self.shared.limits.terminate);
            }
            Ok(Moved::Output(None) | Moved::Input(None) | Moved::Stderr) => {}
            Err(error) if error.is_cancelled() => {}
            Err(_) => self.broken(Violation::Internal, running, tasks),
        }
    }

    fn broken(&mut self, violation: Violation, running: &mut Running, tasks: &mut JoinSet<Moved>) {
        self.violation.get_or_insert(violation);
        self.requested = self.requested.max(Some(StopReason::Broken));
        self.climb(Rung::Terminated, running, tasks);
    }

    fn wished(&mut self, wish: Wish, running: &mut Running, tasks: &mut JoinSet<Moved>) {
        self.requested = self.requested.max(wish.stop);
        if wish.stop.is_some() {
            self.climb(Rung::Asked, running, tasks);
        }
        while self.insisted < wish.insisted && self.rung < Some(Rung::Killed) {
            self.insisted += 1;
            let next = match self.rung {
                None => Rung::Asked,
                Some(Rung::Asked) => Rung::Terminated,
                Some(Rung::Terminated | Rung::Killed) => Rung::Killed,
            };
            self.climb(next, running, tasks);
        }
        if wish.kill {
            self.climb(Rung::Killed, running, tasks);
        }
    }

    /// Climbs to a rung, unless it stands there or higher already.
    fn climb(&mut self, rung: Rung, running: &mut Running, tasks: &mut JoinSet<Moved>) {
        if self.rung >= Some(rung) {
            return;
        }
        tracing::debug!(instance = self.instance, ?rung, reason = ?self.requested, "ending a handler");
        self.rung = Some(rung);
        let limits = &self.shared.limits;
        let (limit, reached) = match rung {
            Rung::Asked => {
                if let Some(release) = self.shared.unanswered(&Release {}) {
                    // The end of its input says the same to a handler that reads too slowly for one more line.
                    drop(self.shared.outgoing.try_send(release));
                }
                self.close.cancel();
                // Whose work is done has nothing to finish: nobody waits for it as long as for one that is stopped.
                let idle = self.requested <= Some(StopReason::Unwanted);
                let limit = if idle {
                    limits.ask.min(RELEASE_GRACE)
                } else {
                    limits.ask
                };
                (limit, true)
            }
            Rung::Terminated => (limits.terminate, running.terminate()),
            Rung::Killed => (limits.reap, running.kill()),
        };
        if !reached {
            tasks.abort_all();
        }
        self.deadline = Some(Instant::now() + limit);
    }

    /// Reads what the handler left in the pipes, but waits for nobody who merely holds them open.
    async fn drain(&mut self, mut tasks: JoinSet<Moved>) {
        let before = self.shared.heard_bytes();
        let mut last = before;
        let mut silent = 0;
        // Looked at several times, so that one late moment of this machine is not taken for silence of the pipe.
        let look = self.shared.limits.drain / DRAIN_LOOKS;
        loop {
            match tokio::time::timeout(look, tasks.join_next()).await {
                Ok(None) => return,
                Ok(Some(Ok(Moved::Output(Some(violation))))) => {
                    // We ourselves cut the line of a handler that was terminated.
                    if self.rung < Some(Rung::Terminated) {
                        self.violation.get_or_insert(violation);
                    }
                }
                Ok(Some(_)) => {}
                Err(_) if self.shared.stalled.load(Ordering::Relaxed) => silent = 0,
                Err(_) => {
                    let now = self.shared.heard_bytes();
                    silent = if now == last { silent + 1 } else { 0 };
                    last = now;
                    if silent >= DRAIN_LOOKS || now - before > MAX_DRAIN_BYTES {
                        tasks.shutdown().await;
                        return;
                    }
                }
            }
        }
    }

    fn exit(&mut self, status: ExitStatus) -> Exit {
        Exit {
            status,
            requested: self.requested,
            rung: self.rung,
            stderr_tail: self.shared.stderr().text(),
            violation: self.violation.take(),
        }
    }
}

/// Waits for the next wish. When no handle is left to wish anything, that itself is the last wish.
async fn changed(wishes: &mut Option<watch::Receiver<Wish>>) -> Wish {
    let Some(receiver) = wishes else {
        return std::future::pending().await;
    };
    if receiver.changed().await.is_ok() {
        return *receiver.borrow_and_update();
    }
    let last = *receiver.borrow();
    *wishes = None;
    Wish {
        stop: last.stop.max(Some(StopReason::Unwanted)),
        ..last
    }
}

async fn alarm(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
