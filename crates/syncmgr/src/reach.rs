//! Reaching the manager of a home, whoever it is: another process, or this one.
//!
//! A command that manages a home for its own sake ends when its work is done, and with it the manager that other commands
//! talk to. They must not notice: what was certainly not begun, or may be asked twice, is asked again of whoever manages
//! the home then, which may be this process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use syncmgr_cli::Need;
use syncmgr_control::client::{Client, ENDING, NO_MANAGER};
use syncmgr_control::{Caller, Changes, Refusal, Reply, Request, Service};
use syncmgr_daemon::open::{Home, OpenError, Purpose};
use syncmgr_daemon::place::{Environment, Places};

/// How long a command waits for another that is just looking or ending.
const OPEN_WAIT: Duration = Duration::from_secs(5);

/// How long between two looks at a home that is held by somebody who cannot be reached yet.
const OPEN_PAUSE: Duration = Duration::from_millis(20);

/// How often a request is asked again because the manager ended; each time needs another manager to come and go.
const MAX_AGAIN: usize = 8;

/// The home that this process manages, when it does.
pub(crate) type Own = Arc<Mutex<Option<Home>>>;

/// Reaches the manager of the home, or becomes it.
///
/// # Errors
/// Whatever keeps the home from being opened; `home::busy` when somebody holds it and does not answer.
pub(crate) async fn reach(
    environment: &Environment,
    need: Need,
    own: &Own,
) -> Result<Arc<dyn Service>, Refusal> {
    Ok(match found(environment, need, own).await? {
        Found::Own(service) => service,
        Found::Another(client) => Arc::new(Reached {
            environment: environment.clone(),
            need,
            own: Arc::clone(own),
            service: Mutex::new(Arc::new(client)),
        }),
    })
}

enum Found {
    Own(Arc<dyn Service>),
    Another(Client),
}

async fn found(environment: &Environment, need: Need, own: &Own) -> Result<Found, Refusal> {
    let purpose = match need {
        Need::Look | Need::Check => Purpose::Glance,
        Need::Work | Need::Stay => Purpose::Command,
    };
    let places = Places::find(environment)?;
    let mut waited = Duration::ZERO;
    // A socket that is listened to belongs to a manager, or to a service manager that begins one for whoever comes first:
    // nobody may manage the home beside it. What a dead owner left is refused at once.
    if places.socket().exists()
        && let Ok(client) = Client::connect(places.socket()).await
    {
        return Ok(Found::Another(client));
    }
    loop {
        let owner = match Home::open(environment, purpose) {
            Ok(home) => {
                let service: Arc<dyn Service> = Arc::clone(&home.service) as _;
                *own.lock().unwrap_or_else(PoisonError::into_inner) = Some(home);
                return Ok(Found::Own(service));
            }
            Err(OpenError::Held(owner)) => owner,
            Err(OpenError::Refused(refusal)) => return Err(refusal),
        };
        match Client::connect(places.socket()).await {
            Ok(client) => return Ok(Found::Another(client)),
            Err(_) if waited < OPEN_WAIT => {
                tokio::time::sleep(OPEN_PAUSE).await;
                waited += OPEN_PAUSE;
            }
            Err(refusal) => {
                let who =
                    owner.map_or_else(String::new, |owner| format!(" (process {})", owner.pid));
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

/// A manager in another process, and whoever follows it.
struct Reached {
    environment: Environment,
    need: Need,
    own: Own,
    service: Mutex<Arc<dyn Service>>,
}

impl Reached {
    fn service(&self) -> Arc<dyn Service> {
        Arc::clone(&self.service.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Finds out who manages the home now.
    async fn again(&self) -> Result<(), Refusal> {
        if self.need == Need::Stay {
            // Whoever looks on all day would keep the next daemon from its home.
            let client = Client::connect(Places::find(&self.environment)?.socket()).await?;
            *self.service.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(client);
            return Ok(());
        }
        let service: Arc<dyn Service> = match found(&self.environment, self.need, &self.own).await?
        {
            Found::Own(service) => service,
            Found::Another(client) => Arc::new(client),
        };
        *self.service.lock().unwrap_or_else(PoisonError::into_inner) = service;
        Ok(())
    }

    async fn ask(&self, caller: Caller, request: Request) -> Result<Reply, Refusal> {
        let twice = may_be_asked_twice(&request);
        let mut patience = Patience::default();
        loop {
            match self.service().call(caller.clone(), request.clone()).await {
                Err(refusal) if patience.lasts(&refusal, twice).await => self.again().await?,
                answer => return answer,
            }
        }
    }

    async fn follow(&self) -> Result<Changes, Refusal> {
        let mut patience = Patience::default();
        loop {
            match self.service().changes().await {
                Err(refusal) if patience.lasts(&refusal, true).await => self.again().await?,
                changes => return changes,
            }
        }
    }
}

/// How long it is tried to reach a manager that does not end meanwhile.
#[derive(Debug, Default)]
struct Patience {
    waited: Duration,
    again: usize,
}

impl Patience {
    /// Whether the manager was not there, is ending or went before it answered, and whoever manages next may be asked. One
    /// that is ending is met again and again until it has closed its home, however fast it is asked: it is given that time.
    async fn lasts(&mut self, refusal: &Refusal, twice: bool) -> bool {
        if refusal.code == ENDING {
            if self.waited >= OPEN_WAIT {
                return false;
            }
            tokio::time::sleep(OPEN_PAUSE).await;
            self.waited += OPEN_PAUSE;
            return true;
        }
        let went = refusal.code == NO_MANAGER || (twice && refusal.code == "control::gone");
        self.again += usize::from(went);
        went && self.again <= MAX_AGAIN
    }
}

/// Whether it is no harm if the manager that went had done it already.
fn may_be_asked_twice(request: &Request) -> bool {
    match request {
        Request::Status
        | Request::List { .. }
        | Request::Browse(_)
        | Request::Show { .. }
        | Request::Why { .. }
        | Request::Runs { .. }
        | Request::Run { .. }
        | Request::Log { .. }
        | Request::Needs
        | Request::Offer { .. }
        | Request::Conflicts { .. }
        | Request::Handlers
        | Request::RequestState { .. }
        | Request::Doctor
        | Request::Enter { .. }
        | Request::Plan { .. }
        | Request::Compare { .. }
        | Request::Picture { .. }
        | Request::Sync { .. }
        | Request::Refresh { .. }
        | Request::Resume { .. }
        | Request::Check { .. }
        | Request::Register(_)
        | Request::Invoke { .. }
        | Request::InvokeAll
        | Request::Misused { .. }
        | Request::AddRule(_)
        | Request::Rules { .. }
        | Request::Explain { .. }
        | Request::Forecast { .. }
        | Request::ReportAttend(_)
        | Request::Enable { .. } => true,
        // A beginning that was taken twice would be one that was never ended, and one more.
        Request::Report(report) => report.run.is_some(),
        Request::Properties { window, .. } => !window,
        Request::AddItem { or_existing, .. } => *or_existing,
        Request::RemoveItem { .. }
        | Request::RemoveRule { .. }
        | Request::Unregister { .. }
        | Request::Undo { .. }
        | Request::Answer { .. }
        | Request::Choose { .. }
        | Request::Forget { .. }
        | Request::Resolve { .. }
        | Request::Decide { .. }
        | Request::Pause { .. }
        | Request::OpenLink { .. }
        | Request::DismissLink { .. }
        | Request::Stop { .. }
        | Request::StopItems { .. }
        | Request::ReportLog(_)
        | Request::Skip { .. } => false,
    }
}

impl Service for Reached {
    fn call(&self, caller: Caller, request: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.ask(caller, request).boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        self.follow().boxed()
    }
}
