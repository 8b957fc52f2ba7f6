//! Opens a home: takes its lock, opens its store, starts the loop and, when wanted, the socket.

use std::hash::{Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use syncmgr_control::Refusal;
use syncmgr_control::report::REPORTS;
use syncmgr_core::input::Input;
use syncmgr_core::log::Level;
use syncmgr_core::settings::Settings;
use syncmgr_core::{HandlerId, ItemId, ItemRef, Manager};
use syncmgr_store::{OpenOptions, Store};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigFile, ItemConfig};
use crate::lock::{self, HomeLock, Owner, TakeLockError};
use crate::place::{Environment, Places};
use crate::run::{MAX_CHANGES, MAX_MESSAGES, Parts};
use crate::serve::doorkeeper::Post;
use crate::service::LocalService;
use crate::source::gate::{Gate, Try};
use crate::source::hub::{Hub, Make};
use crate::source::{Machine, probe};
use crate::starter::{Processes, Starter};
use crate::supervisor::Supervisor;
use crate::{launch, run};

/// How long others may take to read what they were answered or told before the manager ended.
const DELIVERY_GRACE: Duration = Duration::from_secs(2);

/// What a home is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// One command that looks or changes something small; others wait a moment.
    Glance,
    /// One command that works; others are served meanwhile.
    Command,
    /// The daemon.
    Daemon,
}

/// Why a home could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Somebody alive manages it: be its client.
    Held(Option<Owner>),
    /// It cannot be managed.
    Refused(Refusal),
}

/// An open home. Keep it until [`Home::finish`].
#[derive(Debug)]
pub struct Home {
    /// Everything that can be asked.
    pub service: Arc<LocalService>,
    looping: JoinHandle<Result<(), Refusal>>,
    /// What serves the socket, and whether the socket is ours to remove.
    serving: Option<(JoinHandle<()>, bool)>,
    /// Tasks that follow other programs.
    bridges: crate::bridging::Bridges,
    closing: CancellationToken,
    places: Places,
    // Freed last.
    _lock: HomeLock,
}

impl Home {
    /// Opens the home that the environment names. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(environment: &Environment, purpose: Purpose) -> Result<Self, OpenError> {
        Self::open_with(
            environment,
            purpose,
            Arc::new(Processes),
            Arc::new(SystemClock),
            Box::new(|| Machine::default().sources()),
        )
    }

    /// Opens it with another way to start instances, another clock, or other sources; these are a daemon's alone.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_with(
        environment: &Environment,
        purpose: Purpose,
        starter: Arc<dyn Starter>,
        clock: Arc<dyn Clock>,
        sources: Make,
    ) -> Result<Self, OpenError> {
        let places = Places::find(environment).map_err(OpenError::Refused)?;
        places.create().map_err(OpenError::Refused)?;
        let pid = std::process::id();
        let me = Owner {
            pid,
            start_time: syncmgr_host::process::process_start_time(pid),
            kind: if purpose == Purpose::Daemon {
                lock::DAEMON
            } else {
                "command"
            }
            .to_owned(),
        };
        let lock = lock::take(&places.lock_file(), &me).map_err(|error| match error {
            TakeLockError::Held { owner } => OpenError::Held(owner),
            TakeLockError::Io { .. } => OpenError::Refused(
                Refusal::new(
                    "home::unusable",
                    "the home cannot be locked",
                    "keep it on a local file system that you may write, or set SYNCMGR_HOME",
                )
                .because(&error),
            ),
        })?;
        Self::manage(environment, places, lock, purpose, starter, clock, sources)
            .map_err(OpenError::Refused)
    }

    fn manage(
        environment: &Environment,
        places: Places,
        lock: HomeLock,
        purpose: Purpose,
        starter: Arc<dyn Starter>,
        clock: Arc<dyn Clock>,
        sources: Make,
    ) -> Result<Self, Refusal> {
        let config = ConfigFile::load(&places.config_file())?;
        let store = Store::open(&places.database(), &OpenOptions::default()).map_err(|cause| {
            let hint = cause
                .hint()
                .unwrap_or("`syncmgr doctor` tells what is wrong with it");
            Refusal::new(
                "store::unusable",
                "the manager's own database cannot be used",
                hint,
            )
            .because(&cause)
        })?;
        let remembered = store.remembered().map_err(|cause| {
            let hint = cause
                .hint()
                .unwrap_or("`syncmgr doctor` tells what is wrong with it");
            Refusal::new(
                "store::unreadable",
                "the manager's own database cannot be read",
                hint,
            )
            .because(&cause)
        })?;
        for (run, _) in &remembered.open_runs {
            // It has nobody to answer to any more, and must not work beside the next run of the same items.
            if let Some((pid, start_time)) = run.process
                && syncmgr_host::process::end_left_behind(pid, start_time)
            {
                tracing::warn!(pid, run = %run.id, "a handler that was left behind was ended");
            }
        }
        let daemon = purpose == Purpose::Daemon;
        let settings = settings(&config, daemon);
        let absent = remembered.absent.iter().map(|row| row.at.clone());
        let known: Vec<ItemRef> = remembered
            .items
            .iter()
            .map(|row| row.at.clone())
            .chain(absent)
            .collect();
        let remembered_handlers: Vec<HandlerId> = remembered
            .handlers
            .iter()
            .map(|row| row.id.clone())
            .collect();
        let mut first = Vec::new();
        if let Some(dead) = &lock.taken_over_from {
            first.push(Input::LockTakenOver { pid: dead.pid });
        }
        first.extend(configured(&config, &known, &remembered_handlers));
        first.push(Input::Zone(clock.zone()));
        first.push(Input::Policies(crate::policy::of(&config.config)));
        first.push(Input::Rules(crate::rules::of(&config.config)));
        first.push(Input::Telling(crate::hook::setting::telling(
            &config.config.manager,
        )));
        let manager = Manager::new(settings, remembered, clock.now());
        let (messages, queue) = mpsc::channel(MAX_MESSAGES);
        let (views, _) = broadcast::channel(MAX_CHANGES);
        let post = Post {
            config: config.config.center.clone(),
            token_file: places.center_token(),
            daemon,
            clock: Arc::clone(&clock),
        };
        let service = LocalService::new(messages.clone(), views.downgrade(), post);
        match service.doorkeeper().open_if_configured() {
            // What it is for goes on without it.
            Err(refusal) if refusal.code == crate::serve::doorkeeper::CANNOT_LISTEN => {
                first.push(Input::Note {
                    level: Level::Warning,
                    text: crate::reload::problem(&refusal),
                    detail: refusal.hint,
                });
            }
            opened => opened?,
        }
        let mut bridges = crate::bridging::Bridges::default();
        if daemon {
            let configured = &config.config.bridge;
            first.extend(crate::bridging::troubles(configured));
            let service: Arc<dyn syncmgr_control::Service> = Arc::clone(&service) as _;
            bridges = crate::bridging::Bridges::start(configured, &service);
        }
        let gate = Gate::new(attempt(&config.config));
        let parts = Parts {
            manager,
            store,
            config,
            places: places.clone(),
            program: launch::Programs::of(environment),
            daemon,
            clock,
            views,
            messages: messages.downgrade(),
            sources: if daemon {
                Hub::start(sources, "nothing here tells of it").gated(gate)
            } else {
                Hub::start(
                    Box::new(Vec::new),
                    "only the daemon watches it (`syncmgr daemon`)",
                )
            },
            supervisor: if daemon {
                Supervisor::new(&environment.supervision)
            } else {
                Supervisor::default()
            },
            starter,
            first,
        };
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own: storing blocks, and must hold up nothing else.
        let looping = tokio::task::spawn_blocking(move || runtime.block_on(run::run(parts, queue)));
        let closing = CancellationToken::new();
        let serving = if purpose == Purpose::Glance {
            None
        } else {
            let listens = daemon && environment.supervision.listens;
            Some(Self::serve(&places, &service, &closing, listens)?)
        };
        Ok(Self {
            service,
            looping,
            serving,
            bridges,
            closing,
            places,
            _lock: lock,
        })
    }

    fn serve(
        places: &Places,
        service: &Arc<LocalService>,
        closing: &CancellationToken,
        listens: bool,
    ) -> Result<(JoinHandle<()>, bool), Refusal> {
        let path = places.socket();
        let handed_over = listens.then(|| crate::serve::sys::Listener::handed_over(&path));
        let (listener, ours) = match handed_over.flatten() {
            Some(listener) => (Ok(listener), false),
            None => (crate::serve::sys::Listener::bind(&path), true),
        };
        let listener = listener.map_err(|cause| {
            Refusal::new(
                "control::socket",
                format!("the socket {} cannot be made", path.display()),
                crate::serve::sys::HINT,
            )
            .because(&cause)
        })?;
        let service: Arc<dyn syncmgr_control::Service> = Arc::clone(service) as _;
        let serving = crate::serve::socket::serve(listener, service, closing.clone());
        Ok((spawn_owned(serving), ours))
    }

    /// The directories.
    #[must_use]
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Waits until nothing works any more, also what others began through the socket, and closes the home.
    ///
    /// # Errors
    /// The fault for which the loop ended early.
    pub async fn finish(self) -> Result<(), Refusal> {
        self.service.finish().await;
        self.close().await
    }

    /// Waits until the loop ends by itself, after [`LocalService::stop`].
    ///
    /// # Errors
    /// The fault for which the loop ended early.
    pub async fn close(self) -> Result<(), Refusal> {
        let outcome = self.looping.await;
        drop(self.bridges);
        self.service.doorkeeper().close().await;
        if let Some((mut serving, ours)) = self.serving {
            // Others may still be reading their last answers.
            self.closing.cancel();
            if tokio::time::timeout(DELIVERY_GRACE, &mut serving)
                .await
                .is_err()
            {
                serving.abort();
            }
            if ours
                && let Err(error) = std::fs::remove_file(self.places.socket())
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::debug!(%error, "the socket could not be removed");
            }
        }
        match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                let mut refusal = Refusal::new(
                    "manager::fault",
                    "the manager ended by a fault of its own",
                    "run the command again: it goes on from what was recorded; please report this",
                )
                .because(&error);
                refusal.exit = syncmgr_control::ExitCode::Failed;
                Err(refusal)
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the task is owned by `Home` or its doorkeeper, which abort and outlive it"
)]
pub(crate) fn spawn_owned(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

/// What the configuration says of the manager itself.
pub(crate) fn settings(file: &ConfigFile, daemon: bool) -> Settings {
    let config = &file.config;
    let mut settings = if daemon {
        Settings::default()
    } else {
        Settings::embedded()
    };
    settings.parallel_handlers =
        usize::try_from(config.manager.parallel.get()).unwrap_or(usize::MAX);
    settings.stop_grace = config.manager.stop_grace;
    settings.keep_awake = config.manager.keep_awake.into();
    settings.keep_awake_for = config.manager.keep_awake_for;
    if daemon {
        settings.linger = config.manager.keep_links;
    }
    settings.seed = seed(file.path());
    settings
}

/// What tells this home from others, here and on other machines: the same as long as both keep their names.
fn seed(config: &Path) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    config.hash(&mut hasher);
    crate::sys::machine().hash(&mut hasher);
    hasher.finish()
}

/// What the configuration says, as inputs: registered handlers, defined items, and what is no longer there.
pub(crate) fn configured(
    file: &ConfigFile,
    known: &[ItemRef],
    remembered: &[HandlerId],
) -> Vec<Input> {
    let connections = &file.config.connection;
    let mut inputs = vec![Input::Connections {
        names: connections.iter().map(|c| c.name.clone()).collect(),
        default: connections
            .iter()
            .find(|c| c.default)
            .map(|c| c.name.clone()),
    }];
    let mut handlers: Vec<HandlerId> = Vec::new();
    let mut register = |id: &str, description: &str, inputs: &mut Vec<Input>| {
        if let Ok(id) = HandlerId::new(id) {
            inputs.push(Input::HandlerRegistered {
                id: id.clone(),
                description: description.to_owned(),
            });
            handlers.push(id);
        }
    };
    for (id, description) in launch::BUILT_IN {
        let reports = *id == REPORTS;
        if reports && !file.config.item.iter().any(|item| item.handler == REPORTS) {
            continue; // it is there only for those who report
        }
        register(id, description, &mut inputs);
        let told = |id| match reports {
            true => Input::OnlyReports(id),
            false => Input::ItemsAreDefined(id),
        };
        inputs.extend(HandlerId::new(id).ok().map(told));
    }
    for handler in &file.config.handler {
        let description = if handler.description.is_empty() {
            &handler.id
        } else {
            &handler.description
        };
        register(&handler.id, description, &mut inputs);
    }
    for class in crate::sys::registry::classes() {
        if file.handler(&class.class).is_none() {
            let entry = class.entry();
            let description = if entry.description.is_empty() {
                &entry.id
            } else {
                &entry.description
            };
            register(&entry.id, description, &mut inputs); // M-29
        }
    }
    // Whoever took the registration away by hand meant the same as `unregister`.
    let gone = remembered.iter().filter(|id| !handlers.contains(id));
    inputs.extend(gone.cloned().map(Input::HandlerUnregistered));
    let defined: Vec<(ItemRef, &ItemConfig)> = file
        .config
        .item
        .iter()
        .filter_map(|item| {
            let at = ItemRef {
                handler: HandlerId::new(&item.handler).ok()?,
                item: ItemId::new(&item.id).ok()?,
            };
            Some((at, item))
        })
        .collect();
    for (at, item) in &defined {
        inputs.push(Input::ItemDefined(at.handler.clone(), listed(at, item)));
        inputs.push(Input::ItemPreferences {
            item: at.clone(),
            labels: item.labels.clone(),
            checked: (!item.checked).then_some(false),
            expected_freshness: item.fresh_within,
        });
    }
    for gone in known {
        let still_defined = defined.iter().any(|(at, _)| at == gone);
        let by_definition = launch::BUILT_IN
            .iter()
            .any(|(id, _)| gone.handler.as_str() == *id);
        if (by_definition && !still_defined) || !handlers.contains(&gone.handler) {
            inputs.push(Input::ItemRemoved(gone.clone()));
        }
    }
    inputs
}

fn listed(at: &ItemRef, item: &ItemConfig) -> syncmgr_core::input::ListedItem {
    syncmgr_core::input::ListedItem {
        id: at.item.clone(),
        name: crate::adapt::text::line(&item.name),
        comment: crate::adapt::text::line(&item.comment),
        checked: true,
        last_update: None,
        connected: syncmgr_core::item::Connected::Unknown,
        temporary: false,
        hidden: false,
        capabilities: Vec::new(),
        policies: Vec::new(),
        lanes: [].into(),
    }
}
/// How networks are tried.
pub(crate) fn attempt(config: &Config) -> Try {
    let probe = config.manager.probe.clone();
    Arc::new(move || {
        let resolv_conf = Machine::default().resolv_conf;
        Box::pin(probe::attempt(resolv_conf, probe.clone()))
    })
}
