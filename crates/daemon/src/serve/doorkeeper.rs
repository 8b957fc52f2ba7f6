//! Opens the second door when somebody asks for it, and closes it when nobody comes any more.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use syncmgr_center::door::{ENTRY_LIFE, Host, Hosts, Pass, Secret, Steady};
use syncmgr_center::{Center, Door};
use syncmgr_control::entry::EntryView;
use syncmgr_control::method::Access;
use syncmgr_control::view::CheckView;
use syncmgr_control::{Refusal, Service};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::setting::{CenterConfig, TokenConfig};
use super::tcp::{self, Listeners, Served};
use super::{checkup, password, private, tls};
use crate::clock::Clock;

/// A door that nobody asked to stay is closed when nobody was connected for so long.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long others may take to read what they were answered before the door closed.
const DELIVERY_GRACE: Duration = Duration::from_secs(2);
/// Shortest token of a program: what nobody guesses.
const MIN_TOKEN_CHARS: usize = 20;
/// The port of `https`.
const HTTPS: u16 = 443;
/// What a program is called that shows the token of the user.
const USERS_TOKEN: &str = "a program";

/// Code of the refusal that says that the address cannot be had.
pub(crate) const CANNOT_LISTEN: &str = "center::listen";

/// Keeps the door.
pub(crate) struct Doorkeeper {
    /// Weak: the service owns its doorkeeper.
    service: Weak<dyn Service>,
    config: CenterConfig,
    /// Where the token for the user's programs is written while the door is open.
    token_file: PathBuf,
    /// The manager outlives the command that asks.
    daemon: bool,
    life: u64,
    clock: Steady,
    closing: CancellationToken,
    open: Mutex<Option<Open>>,
}

impl std::fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doorkeeper")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// An open door.
struct Open {
    door: Arc<Door>,
    /// The address of the page.
    page: String,
    serving: JoinHandle<()>,
}

/// What a doorkeeper must know.
pub(crate) struct Post {
    pub(crate) config: CenterConfig,
    pub(crate) token_file: PathBuf,
    pub(crate) daemon: bool,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Doorkeeper {
    pub(crate) fn new(service: Weak<dyn Service>, post: Post) -> Self {
        let Post {
            config,
            token_file,
            daemon,
            clock,
        } = post;
        // Two lives of the manager never begin in the same millisecond: a lock is between them.
        let life = u64::try_from(clock.now().0).unwrap_or_default();
        Self {
            service,
            config,
            token_file,
            daemon,
            life,
            clock: Arc::new(move || clock.steady().unwrap_or_default()),
            closing: CancellationToken::new(),
            open: Mutex::default(),
        }
    }

    /// A way in. The door is opened for it if it is not open.
    ///
    /// # Errors
    /// `center::listen`, `center::token-file`, `center::no-chance`.
    pub(crate) fn entry(self: &Arc<Self>, scope: Access) -> Result<EntryView, Refusal> {
        let mut open = self.locked();
        let opened = match &mut *open {
            Some(opened) if !opened.serving.is_finished() => opened,
            other => other.insert(self.open(self.bind()?)?),
        };
        let token = opened
            .door
            .entry(scope)
            .map_err(|cause| no_chance(&cause))?;
        Ok(EntryView {
            enter: format!("{}enter?token={}", opened.page, token.reveal()),
            page: opened.page.clone(),
            scope,
            life_ms: u64::try_from(ENTRY_LIFE.as_millis()).unwrap_or_default(),
            stays: self.daemon,
            process: std::process::id(),
            token_file: self.token_file.display().to_string(),
        })
    }

    /// Opens the door at once where the configuration says so, and keeps it open.
    ///
    /// # Errors
    /// As [`Self::entry`].
    pub(crate) fn open_if_configured(self: &Arc<Self>) -> Result<(), Refusal> {
        if self.daemon && self.config.listen.is_some() {
            let opened = self.open(self.bind()?)?;
            *self.locked() = Some(opened);
        }
        Ok(())
    }

    /// Closes the door; what was answered before is still delivered.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        let open = self.locked().take();
        if let Some(Open { mut serving, .. }) = open {
            if tokio::time::timeout(DELIVERY_GRACE, &mut serving)
                .await
                .is_err()
            {
                serving.abort();
            }
            self.remove_token();
        }
    }

    /// What the doctor says of it.
    pub(crate) fn check(&self) -> CheckView {
        let open = self.locked();
        let open = open.as_ref().filter(|open| !open.serving.is_finished());
        let page = open.map(|open| open.page.clone());
        checkup::check(&self.config, page.as_deref(), self.daemon)
    }

    fn bind(&self) -> Result<Listeners, Refusal> {
        let address = self.config.address();
        Listeners::bind(address).map_err(|cause| {
            Refusal::new(
                CANNOT_LISTEN,
                format!("Sync Center cannot listen at {address}"),
                "another program may have the port: choose another one for `listen` in `[center]`",
            )
            .because(&cause)
        })
    }

    fn open(self: &Arc<Self>, listeners: Listeners) -> Result<Open, Refusal> {
        let service = self.service.upgrade().ok_or_else(crate::service::ending)?;
        if self.closing.is_cancelled() {
            return Err(crate::service::ending());
        }
        let address = listeners.address().map_err(|cause| {
            Refusal::new(
                CANNOT_LISTEN,
                "Sync Center cannot tell its address",
                "try again",
            )
            .because(&cause)
        })?;
        let config = &self.config;
        let port = address.port();
        let tls = match (&config.tls_certificate, &config.tls_key) {
            (Some(certificate), Some(key)) => Some(tls::acceptor(certificate, key)?),
            _ => None,
        };
        let password = config.password_file.as_deref().map(password::verify);
        let password = password.transpose()?;
        let sealed = tls.is_some() && password.is_some();
        if !(address.ip().is_loopback() || sealed || !config.trusted_proxy.is_empty()) {
            return Err(exposed(address));
        }
        let own = Secret::random().map_err(|cause| no_chance(&cause))?;
        let mut passes = vec![Pass {
            name: USERS_TOKEN.to_owned(),
            scope: Access::Admin,
            token: own.clone(),
        }];
        for token in &self.config.token {
            passes.push(pass(token)?);
        }
        crate::config::write_whole(&self.token_file, own.reveal().as_bytes())
            .map_err(|cause| unwritable(&self.token_file, &cause))?;
        let hosts = self.hosts(address, tls.is_some());
        let page = hosts.0.first().map(Host::page).unwrap_or_default();
        let door = Door::new(hosts, port, passes, Arc::clone(&self.clock));
        let door = Arc::new(door.with_password(password));
        let center = Center::new(service, self.life, "the page", self.closing.clone());
        let router = syncmgr_center::router_behind(Arc::clone(&door), center);
        let stays = !self.daemon || self.config.listen.is_some();
        let keeper = Arc::downgrade(self);
        let its = Arc::downgrade(&door);
        let serving = tcp::serve(
            listeners,
            Served {
                router,
                tls,
                peers: config.trusted_proxy.clone(),
            },
            self.closing.clone(),
            (!stays).then_some(IDLE),
            move || {
                let (keeper, door) = (keeper.upgrade(), its.upgrade());
                keeper
                    .zip(door)
                    .is_none_or(|(keeper, door)| keeper.gives_up(&door))
            },
        );
        tracing::info!(%page, "Sync Center is served");
        Ok(Open {
            door,
            page,
            serving: crate::open::spawn_owned(serving),
        })
    }

    /// The names by which the page is reached, the one that people are told first.
    fn hosts(&self, address: SocketAddr, tls: bool) -> Hosts {
        // A proxy takes requests at the usual port, unless the name says another.
        let is_carried = !self.config.trusted_proxy.is_empty();
        let (port, secure) = if is_carried {
            (HTTPS, true)
        } else {
            (address.port(), tls)
        };
        let further = self.config.hosts.iter();
        let further = further.map(|host| Host::new(host, port, secure));
        let loopback = Hosts::loopback(address.port(), tls).0;
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let is_ours = !address.ip().is_loopback() && !address.ip().is_unspecified();
        let own = is_ours.then(|| Host::new(&ip, address.port(), tls));
        Hosts(if is_carried || !address.ip().is_loopback() {
            further.chain(own).chain(loopback).collect()
        } else {
            loopback.into_iter().chain(further).collect()
        })
    }

    /// Whether a door that nobody uses may close: nobody was given a way in just now.
    fn gives_up(&self, door: &Arc<Door>) -> bool {
        let mut open = self.locked();
        if door.is_expected() {
            return false;
        }
        *open = None;
        self.remove_token();
        tracing::info!("Sync Center is closed: nobody used it for a while");
        true
    }

    fn remove_token(&self) {
        if let Err(error) = std::fs::remove_file(&self.token_file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::debug!(%error, "the token could not be removed");
        }
    }

    fn locked(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token of a program, which nobody else may read.
fn pass(config: &TokenConfig) -> Result<Pass, Refusal> {
    let refuse = |why: &str| {
        Refusal::new(
            "center::token-file",
            format!(
                "the token of `{}` in {} cannot be used: {why}",
                config.name,
                config.file.display()
            ),
            format!(
                "write one of at least {MIN_TOKEN_CHARS} characters into it, and let nobody else read it (mode 0600)"
            ),
        )
    };
    let text = private::read(&config.file).map_err(|why| refuse(&why))?;
    let text = text.trim();
    if text.chars().count() < MIN_TOKEN_CHARS || text.contains(char::is_whitespace) {
        return Err(refuse("it is too short, or more than one word"));
    }
    Ok(Pass {
        name: crate::adapt::text::line(&config.name),
        scope: config.scope,
        token: Secret::known(text),
    })
}

fn unwritable(path: &Path, cause: &std::io::Error) -> Refusal {
    Refusal::new(
        "center::token-file",
        format!("the token cannot be written to {}", path.display()),
        "check the permissions of the directory and the free space",
    )
    .because(cause)
}

pub(super) fn exposed(address: SocketAddr) -> Refusal {
    Refusal::new(
        "center::exposed",
        format!("Sync Center is not served at {address}, where others could listen in"),
        "listen at 127.0.0.1 and reach it through ssh, or configure `tls_certificate`, `tls_key` and `password_file`: docs/security.md",
    )
}

fn no_chance(cause: &std::io::Error) -> Refusal {
    Refusal::new(
        "center::no-chance",
        "the system gives no random numbers",
        "try again",
    )
    .because(cause)
}
