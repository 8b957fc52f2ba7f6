//! What the command line needs of the rest: reaching the manager or becoming it, the daemon, the built-in handlers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use syncmgr_cli::{Need, Program};
use syncmgr_control::client::Client;
use syncmgr_control::view::{CheckView, DoctorView};
use syncmgr_control::{Caller, Changes, ExitCode, Refusal, Reply, Request, Service};
use syncmgr_daemon::open::{Home, OpenError, Purpose};
use syncmgr_daemon::place::{Environment, Places};

/// How long a command waits for another that is just looking or ending.
const OPEN_WAIT: Duration = Duration::from_secs(5);

/// How long between two looks at a home that is held by somebody who cannot be reached yet.
const OPEN_PAUSE: Duration = Duration::from_millis(20);

/// The parts of syncmgr, put together.
#[derive(Debug)]
pub(crate) struct Syncmgr {
    environment: Environment,
    home: Mutex<Option<Home>>,
}

impl Syncmgr {
    pub(crate) fn new(environment: Environment) -> Self {
        Self { environment, home: Mutex::new(None) }
    }

    async fn reach(&self, need: Need) -> Result<Arc<dyn Service>, Refusal> {
        let purpose = match need {
            Need::Look | Need::Check => Purpose::Glance,
            Need::Work => Purpose::Command,
        };
        let places = Places::find(&self.environment)?;
        let mut waited = Duration::ZERO;
        loop {
            let owner = match Home::open(&self.environment, purpose) {
                Ok(home) => {
                    let service: Arc<dyn Service> = Arc::clone(&home.service) as _;
                    *self.home.lock().unwrap_or_else(PoisonError::into_inner) = Some(home);
                    return Ok(service);
                }
                Err(OpenError::Held(owner)) => owner,
                Err(OpenError::Refused(refusal)) if need == Need::Check => return Ok(Arc::new(Sick(refusal))),
                Err(OpenError::Refused(refusal)) => return Err(refusal),
            };
            match Client::connect(&places.socket()).await {
                Ok(client) => return Ok(Arc::new(client)),
                Err(_) if waited < OPEN_WAIT => {
                    tokio::time::sleep(OPEN_PAUSE).await;
                    waited += OPEN_PAUSE;
                }
                Err(refusal) => {
                    let who = owner.map_or_else(String::new, |owner| format!(" (process {})", owner.pid));
                    let mut busy = Refusal::new(
                        "home::busy",
                        format!("another syncmgr{who} manages this home and does not answer"),
                        "wait for it, or end it; what it was doing heals with the next run",
                    );
                    busy.causes.push(refusal.message);
                    return Err(busy);
                }
            }
        }
    }
}

impl Program for Syncmgr {
    fn open(&self, need: Need) -> BoxFuture<'_, Result<Arc<dyn Service>, Refusal>> {
        self.reach(need).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            let home = self.home.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(home) = home
                && let Err(refusal) = home.finish().await
            {
                tracing::error!(%refusal, "the manager ended early");
            }
        }
        .boxed()
    }

    fn daemon(&self) -> Result<ExitCode, Refusal> {
        syncmgr_daemon::foreground::run(&self.environment)
    }

    fn handler(&self, kind: &str) -> Result<ExitCode, Refusal> {
        match kind {
            syncmgr_daemon::launch::FOLDER => {
                syncmgr_folder::serve();
                Ok(ExitCode::Good)
            }
            other => Err(Refusal::new(
                "handler::unknown",
                format!("`{other}` is not a handler of this program"),
                "this command is started by the manager; people have no use for it",
            )),
        }
    }
}

/// Stands in for a manager that cannot begin, so that `doctor` can say why.
#[derive(Debug)]
struct Sick(Refusal);

impl Service for Sick {
    fn call(&self, _: Caller, request: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        let refusal = self.0.clone();
        let answer = match request {
            Request::Doctor => Ok(Reply::Doctor(DoctorView {
                checks: vec![CheckView {
                    name: "manager".to_owned(),
                    result: ExitCode::Failed,
                    text: std::iter::once(refusal.message).chain(refusal.causes).collect::<Vec<_>>().join(": "),
                    hint: refusal.hint,
                }],
                exit: ExitCode::Failed,
            })),
            _ => Err(refusal),
        };
        async { answer }.boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        let refusal = self.0.clone();
        async { Err(refusal) }.boxed()
    }
}
