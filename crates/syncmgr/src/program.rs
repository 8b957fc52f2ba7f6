//! What the command line needs of the rest: reaching the manager or becoming it, the daemon, the built-in handlers.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use syncmgr_bridge::{Bridge, Kind, Setting, key};
use syncmgr_cli::{
    BridgeWish, BroughtBack, CheckReport, CheckStep, CheckWish, Departure, ExportForm, ExportItem,
    Exported, FoundJobs, ImportSource, Imported, Leftover, Need, Program, Recipes, ServiceReport,
    ServiceWish, Turned, Uninstalled,
};
use syncmgr_control::view::{CheckView, DoctorView};
use syncmgr_control::{Caller, Changes, ExitCode, Refusal, Reply, Request, Service};
use syncmgr_daemon::launch::Programs;
use syncmgr_daemon::leave::{self, Leave};
use syncmgr_daemon::place::{Environment, Places};

use crate::import::Importer;
use crate::reach::{Own, reach};
use crate::recipes::Cookbook;
use crate::service::Surroundings;
use crate::uninstall::Traces;
use crate::world::Account;

/// The parts of syncmgr, put together.
#[derive(Debug)]
pub(crate) struct Syncmgr {
    environment: Environment,
    account: Account,
    home: Own,
}

impl Syncmgr {
    pub(crate) fn new(environment: Environment, account: Account) -> Self {
        Self {
            environment,
            account,
            home: Own::default(),
        }
    }
}

impl Syncmgr {
    /// Where other people's programs are synchronized from.
    fn tools(&self) -> Result<syncmgr_tools::Surroundings, Refusal> {
        let places = Places::find(&self.environment)?;
        Ok(syncmgr_tools::Surroundings::here(
            places.recipes_dir(),
            crate::world::home(),
        ))
    }
}

impl Syncmgr {
    /// What reads and turns off what starts by itself on this machine.
    fn importer(&self) -> Result<Importer, Refusal> {
        let places = Places::find(&self.environment)?;
        let Surroundings {
            home,
            config_dir,
            user,
            user_id,
            ..
        } = self.surroundings()?;
        Ok(Importer {
            home: Some(home).filter(|home| !home.as_os_str().is_empty()),
            config_dir,
            // Who has no name in the environment may still be root.
            user: if user.is_empty() && user_id == 0 {
                "root".to_owned()
            } else {
                user
            },
            root: cfg!(unix) && user_id == 0,
            records: places.state_dir.join("imports.json"),
            programs: Programs::of(&self.environment),
            catalogue: syncmgr_tools::Catalogue::load(&places.recipes_dir()),
            asked: std::cell::RefCell::default(),
        })
    }

    /// What must be known for the service, and to remove it.
    fn surroundings(&self) -> Result<Surroundings, Refusal> {
        let places = Places::find(&self.environment)?;
        let absolute = |path: &std::ffi::OsString| {
            let path = self.environment.current_dir.join(path);
            path.to_string_lossy().into_owned()
        };
        let Account {
            home,
            config_dir,
            user,
            user_id,
        } = self.account.clone();
        let home = home.unwrap_or_default();
        Ok(Surroundings {
            program: self.environment.program.clone(),
            syncmgr_home: self.environment.syncmgr_home.as_ref().map(absolute),
            comhost: self.environment.comhost.as_ref().map(absolute),
            socket: places.socket(),
            state_dir: places.state_dir,
            config_dir: config_dir.unwrap_or_else(|| home.join(".config")),
            home,
            user,
            user_id,
        })
    }

    fn traces(&self) -> Result<Traces, Refusal> {
        Ok(Traces {
            places: Places::find(&self.environment)?,
            around: self.surroundings()?,
            importer: self.importer()?,
        })
    }
}

impl Program for Syncmgr {
    fn find_jobs(&self, source: &ImportSource) -> Result<FoundJobs, Refusal> {
        self.importer()?.find(source)
    }

    fn turn_off(
        &self,
        source: &ImportSource,
        imported: &[Imported],
        turn: bool,
    ) -> Result<Vec<Turned>, Refusal> {
        self.importer()?.turn_off(source, imported, turn)
    }

    fn bring_back(&self, items: &[String]) -> Result<BroughtBack, Refusal> {
        self.importer()?.bring_back(items)
    }

    fn forget_imports(&self, imported: &[Imported]) -> Result<(), Refusal> {
        self.importer()?.forget(imported)
    }

    fn export(&self, items: &[ExportItem], form: ExportForm) -> Result<Vec<Exported>, Refusal> {
        let places = Places::find(&self.environment)?;
        let catalogue = syncmgr_tools::Catalogue::load(&places.recipes_dir());
        let home = crate::world::home();
        let home = home.as_ref().and_then(|home| home.to_str());
        Ok(crate::export::export(items, form, &catalogue, home))
    }

    fn leftovers(&self) -> Result<Vec<Leftover>, Refusal> {
        self.traces()?.find()
    }

    fn uninstall(&self, keep_data: bool) -> Result<Uninstalled, Refusal> {
        self.traces()?.remove(keep_data)
    }

    fn open(&self, need: Need) -> BoxFuture<'_, Result<Arc<dyn Service>, Refusal>> {
        async move {
            match reach(&self.environment, need, &self.home).await {
                Err(refusal) if need == Need::Check => {
                    let sick: Arc<dyn Service> = Arc::new(Sick(refusal));
                    Ok(sick)
                }
                reached => reached,
            }
        }
        .boxed()
    }

    fn manages(&self) -> bool {
        let home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        home.is_some()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            let home = self
                .home
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(home) = home
                && let Err(refusal) = home.finish().await
            {
                tracing::error!(%refusal, "the manager ended early");
            }
        }
        .boxed()
    }

    fn daemon(&self, ready: &mut (dyn FnMut(&str) + Send)) -> Result<ExitCode, Refusal> {
        syncmgr_daemon::foreground::run(&self.environment, ready)
    }

    fn bridge(
        &self,
        wish: BridgeWish,
        told: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ExitCode, Refusal> {
        let setting = Setting {
            kind: if wish.syncthing {
                Kind::Syncthing
            } else {
                Kind::RcloneRc
            },
            address: wish.address,
            key: wish.key.or_else(|| {
                let home = self.account.home.as_deref()?;
                wish.syncthing.then(|| key::usual(home)).flatten()
            }),
            name: wish.name,
        };
        let bridge =
            Bridge::new(&setting).map_err(|error| syncmgr_daemon::bridging::unusable(&error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| {
                Refusal::new(
                    "cli::no-threads",
                    "the command cannot start its threads",
                    "end some programs, or raise the limit of processes of this user",
                )
                .because(&error)
            })?;
        let followed = runtime.block_on(async {
            let service = self.open(Need::Work).await?;
            let ended = tokio::select! {
                Err(refusal) = syncmgr_bridge::follow(&bridge, Arc::clone(&service), told) => Err(refusal),
                () = crate::sys::told_to_end() => Ok(ExitCode::Good),
            };
            drop(service);
            self.close().await;
            ended
        });
        runtime.shutdown_background();
        followed
    }

    fn tray(&self) -> Result<ExitCode, Refusal> {
        crate::tray::show(&self.environment, &self.account.user)
    }

    fn handler(&self, kind: &str) -> Result<ExitCode, Refusal> {
        match kind {
            syncmgr_daemon::launch::FOLDER => {
                syncmgr_folder::serve();
                Ok(ExitCode::Good)
            }
            syncmgr_daemon::launch::TOOLS => {
                syncmgr_tools::serve(self.tools()?);
                Ok(ExitCode::Good)
            }
            other => Err(Refusal::new(
                "handler::unknown",
                format!("`{other}` is not a handler of this program"),
                "this command is started by the manager; people have no use for it",
            )),
        }
    }

    fn check(
        &self,
        wish: CheckWish,
        told: &mut (dyn FnMut(CheckStep) + Send),
    ) -> Result<CheckReport, Refusal> {
        let programs = Programs::of(&self.environment);
        crate::check::check(wish, &programs.comhost, &self.environment, told)
    }

    fn may_leave(&self, departure: Departure) -> BoxFuture<'_, Result<(), Refusal>> {
        leave::may_leave(way(departure)).boxed()
    }

    fn leave(&self, departure: Departure) -> BoxFuture<'_, Result<(), Refusal>> {
        leave::leave(way(departure)).boxed()
    }

    fn recipes(&self) -> Result<Box<dyn Recipes + '_>, Refusal> {
        let programs = Programs::of(&self.environment);
        Ok(Box::new(Cookbook::new(self.tools()?, programs)))
    }

    fn set_password(&self, file: &Path, password: &str) -> Result<(), Refusal> {
        syncmgr_daemon::serve::password::set(file, password)
    }

    fn service(&self, wish: ServiceWish) -> Result<ServiceReport, Refusal> {
        let around = self.surroundings()?;
        crate::service::service(wish, &around)
    }
}

fn way(departure: Departure) -> Leave {
    match departure {
        Departure::Suspend => Leave::Suspend,
        Departure::Poweroff => Leave::PowerOff,
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
                    text: std::iter::once(refusal.message)
                        .chain(refusal.causes)
                        .collect::<Vec<_>>()
                        .join(": "),
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
