//! The buses: one connection to each for all sources, made again when it ends, and who owns the names that they need.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::Instant;
use zbus::connection::Builder;
use zbus::{Connection, MatchRule, Message, MessageStream};

use super::property::PropertyError;
use crate::source::backoff::Backoff;
use crate::source::{Reporter, Source, Subject, Wanted};

/// The session manager.
pub(super) const LOGIND: &str = "org.freedesktop.login1";
/// The network manager.
pub(super) const NETWORK_MANAGER: &str = "org.freedesktop.NetworkManager";
/// The power daemon.
pub(super) const UPOWER: &str = "org.freedesktop.UPower";
/// Compositors of GNOME's kind, which count idleness.
pub(super) const MUTTER: &str = "org.gnome.Mutter.IdleMonitor";
/// Screen savers.
pub(super) const SCREEN_SAVER: &str = "org.freedesktop.ScreenSaver";

/// How long a service may take to answer.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// How long connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// A service that comes, goes and comes again within this is looked at once.
const SETTLE: Duration = Duration::from_millis(200);

const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// What there is of the bus now.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// The connection, and who owns which of our names.
    up: Option<(Connection, BTreeMap<&'static str, String>)>,
    /// Why there is none.
    because: String,
}

/// What a source sees of its service.
#[derive(Debug, Clone)]
enum Seen {
    Here {
        connection: Connection,
        owner: String,
    },
    Away {
        because: String,
    },
}

impl View {
    fn see(&self, service: &'static str) -> Seen {
        match &self.up {
            None => Seen::Away {
                because: self.because.clone(),
            },
            Some((connection, owners)) => match owners.get(service) {
                Some(owner) => Seen::Here {
                    connection: connection.clone(),
                    owner: owner.clone(),
                },
                None => Seen::Away {
                    because: format!("{service} does not run"),
                },
            },
        }
    }
}

impl Seen {
    /// The same process on the same connection, or away for the same reason.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Here {
                    connection: a,
                    owner: x,
                },
                Self::Here {
                    connection: b,
                    owner: y,
                },
            ) => a.unique_name() == b.unique_name() && a.server_guid() == b.server_guid() && x == y,
            (Self::Away { because: a }, Self::Away { because: b }) => a == b,
            _ => false,
        }
    }
}

/// Which bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// That of the machine.
    System,
    /// That of the user's session, connected to only while somebody wants to know how long nobody used the machine.
    Session,
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Self::System => "system bus",
            Self::Session => "session bus",
        }
    }

    fn services(self) -> &'static [&'static str] {
        match self {
            Self::System => &[LOGIND, NETWORK_MANAGER, UPOWER],
            Self::Session => &[MUTTER, SCREEN_SAVER],
        }
    }

    /// What is started on demand, and so may not run although it is there.
    fn on_demand(self) -> Option<&'static str> {
        match self {
            Self::System => Some(UPOWER),
            Self::Session => None,
        }
    }

    fn is_wanted(self, wanted: &Wanted) -> bool {
        match self {
            Self::System => true,
            Self::Session => wanted.idle.is_some(),
        }
    }
}

/// Keeps the connection.
#[derive(Debug)]
pub(super) struct Bus {
    which: Which,
    address: Option<String>,
    view: watch::Sender<View>,
}

impl Bus {
    /// Makes it with what others see of it.
    pub(super) fn new(which: Which, address: Option<String>) -> (Self, watch::Receiver<View>) {
        let (view, seen) = watch::channel(View {
            up: None,
            because: format!("the {} was not asked yet", which.name()),
        });
        let bus = Self {
            which,
            address,
            view,
        };
        (bus, seen)
    }

    async fn keep(self, mut wanted: watch::Receiver<Wanted>) {
        let mut backoff = Backoff::default();
        loop {
            let which = self.which;
            if wanted
                .wait_for(|wanted| which.is_wanted(wanted))
                .await
                .is_err()
            {
                return;
            }
            let began = Instant::now();
            let because = tokio::select! {
                because = self.once() => because,
                unwanted = wanted.wait_for(|wanted| !which.is_wanted(wanted)) => {
                    if unwanted.is_err() { return }
                    format!("nobody needs the {}", which.name())
                }
            };
            tracing::debug!(because, "no {}", which.name());
            // The same again is no news, and wakes nobody.
            self.view.send_if_modified(|view| {
                let is_news = view.up.is_some() || view.because != because;
                *view = View { up: None, because };
                is_news
            });
            tokio::time::sleep(backoff.next(began.elapsed())).await;
        }
    }

    /// Connects and stays until the connection ends; answers why there is none.
    async fn once(&self) -> String {
        let builder = match &self.address {
            Some(address) => Builder::address(address.as_str()),
            None if self.which == Which::Session => Builder::session(),
            None => Builder::system(),
        };
        let name = self.which.name();
        let building = builder.method_timeout(CALL_LIMIT).build();
        let connection = match tokio::time::timeout(CONNECT_LIMIT, building).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return format!("no {name}: {error}"),
            Err(_) => return format!("no {name}: it does not answer"),
        };
        let outcome = tokio::select! {
            outcome = self.attend(&connection) => outcome,
            () = connection.closed() => Ok(()),
        };
        match outcome {
            Ok(()) => format!("the {name} closed the connection"),
            Err(error) => format!("the {name} failed: {error}"),
        }
    }

    async fn attend(&self, connection: &Connection) -> zbus::Result<()> {
        let mut changes = Vec::new();
        let services = self.which.services();
        for service in services {
            let rule = MatchRule::builder()
                .msg_type(zbus::message::Type::Signal)
                .sender(BUS)
                .interface(BUS)
                .member("NameOwnerChanged")
                .add_arg(*service)
                .build()?;
            changes.push(MessageStream::for_match_rule(rule, connection, None).await?);
        }
        let mut changes = futures::stream::select_all(changes);
        let mut owners = BTreeMap::new();
        for service in services.iter().copied() {
            let owner = connection
                .call_method(Some(BUS), BUS_PATH, Some(BUS), "GetNameOwner", &service)
                .await;
            // An error says that nobody does.
            if let Ok(owner) = owner {
                owners.insert(service, owner.body().deserialize::<String>()?);
            }
        }
        if let Some(service) = self.which.on_demand() {
            // Whether it comes is heard like any change.
            let start = Message::method_call(BUS_PATH, "StartServiceByName")
                .destination(BUS)
                .interface(BUS)
                .build(&(service, 0_u32))?;
            connection.send(&start).await?;
        }
        loop {
            self.view.send_replace(View {
                up: Some((connection.clone(), owners.clone())),
                because: String::new(),
            });
            let Some(change) = changes.next().await else {
                return Ok(());
            };
            let change = change?;
            let (name, _, owner): (String, String, String) = change.body().deserialize()?;
            let Some(service) = services.iter().copied().find(|known| *known == name) else {
                continue;
            };
            if owner.is_empty() {
                owners.remove(service);
            } else {
                owners.insert(service, owner);
            }
        }
    }
}

impl Source for Bus {
    fn name(&self) -> &'static str {
        self.which.name()
    }

    fn subjects(&self) -> &'static [Subject] {
        &[]
    }

    fn run(
        self: Box<Self>,
        _: Reporter,
        wanted: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(self.keep(wanted))
    }
}

/// Why a service cannot be followed, as a fragment.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    /// What it says of itself makes no sense.
    #[error(transparent)]
    Property(#[from] PropertyError),
    /// The bus failed, or a message was no message.
    #[error("what it sends cannot be read: {0}")]
    Bus(#[from] zbus::Error),
    /// It refused something.
    #[error("it refuses {what}: {cause}")]
    Refused {
        /// What.
        what: &'static str,
        /// Why.
        cause: zbus::Error,
    },
    /// It sends more than can be heard.
    #[error("it sends too much at once")]
    Flood,
}

/// A service on the bus, watched for as long as it is there.
pub(super) trait Service {
    /// Its name on the bus.
    const NAME: &'static str;

    /// Watches the process `owner`; answers what went wrong.
    async fn watch(&mut self, connection: &Connection, owner: &str) -> String;

    /// Does without it, for ever.
    async fn without(&mut self, because: &str);
}

/// Watches a service while it is there, and does without it while it is not or while what it says makes no sense.
pub(super) async fn follow<S: Service>(mut service: S, mut view: watch::Receiver<View>) {
    let mut backoff = Backoff::default();
    loop {
        let seen = view.borrow_and_update().see(S::NAME);
        let began = Instant::now();
        let because = match &seen {
            Seen::Here { connection, owner } => {
                tokio::select! {
                    problem = service.watch(connection, owner) => Some(problem),
                    changed = changed(&mut view, S::NAME, &seen) => {
                        if !changed { return }
                        None
                    }
                }
            }
            Seen::Away { because } => {
                tokio::select! {
                    () = service.without(because) => {}
                    changed = changed(&mut view, S::NAME, &seen) => {
                        if !changed { return }
                    }
                }
                None
            }
        };
        if let Some(problem) = because {
            tracing::warn!(
                service = S::NAME,
                problem,
                "a service could not be followed"
            );
            let wait = backoff.next(began.elapsed());
            tokio::select! {
                () = service.without(&problem) => {}
                () = tokio::time::sleep(wait) => {}
                changed = changed(&mut view, S::NAME, &seen) => {
                    if !changed { return }
                }
            }
        }
        tokio::time::sleep(SETTLE).await;
    }
}

/// Waits until the service is another one than was seen; answers whether that can still happen.
async fn changed(view: &mut watch::Receiver<View>, service: &'static str, seen: &Seen) -> bool {
    while view.changed().await.is_ok() {
        if !view.borrow_and_update().see(service).is(seen) {
            return true;
        }
    }
    false
}
