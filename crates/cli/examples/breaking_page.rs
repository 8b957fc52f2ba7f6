//! The terminal page over a clock that breaks: for the test that a terminal is given back whatever happens.
#![expect(clippy::panic, reason = "it breaks on purpose")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use jiff::tz::TimeZone;
use syncmgr_cli::{
    BridgeWish, BroughtBack, CheckReport, CheckStep, CheckWish, Departure, ExportForm, ExportItem,
    Exported, FoundJobs, ImportSource, Imported, Keyboard, Leftover, Need, Program, Recipes,
    ServiceReport, ServiceWish, Terminal, Turned, Uninstalled, World, run,
};
use syncmgr_control::{Caller, Changes, ExitCode, Refusal, Reply, Request, Service};

/// So often the clock tells the time.
const TOLD: u32 = 3;

/// A manager that never answers, and the program around it.
struct Silent;

impl Service for Silent {
    fn call(&self, _: Caller, _: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        futures::future::pending().boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        std::future::ready(Ok(futures::stream::pending().boxed())).boxed()
    }
}

fn no() -> Refusal {
    Refusal::new("a::test", "this is not here", "look elsewhere")
}

impl Program for Silent {
    fn open(&self, _: Need) -> BoxFuture<'_, Result<Arc<dyn Service>, Refusal>> {
        std::future::ready(Ok(Arc::new(Self) as _)).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    fn daemon(&self, _: &mut (dyn FnMut(&str) + Send)) -> Result<ExitCode, Refusal> {
        Err(no())
    }

    fn bridge(&self, _: BridgeWish, _: &mut (dyn FnMut(&str) + Send)) -> Result<ExitCode, Refusal> {
        Err(no())
    }

    fn tray(&self) -> Result<ExitCode, Refusal> {
        Err(no())
    }

    fn handler(&self, _: &str) -> Result<ExitCode, Refusal> {
        Err(no())
    }

    fn check(
        &self,
        _: CheckWish,
        _: &mut (dyn FnMut(CheckStep) + Send),
    ) -> Result<CheckReport, Refusal> {
        Err(no())
    }

    fn service(&self, _: ServiceWish) -> Result<ServiceReport, Refusal> {
        Err(no())
    }

    fn recipes(&self) -> Result<Box<dyn Recipes + '_>, Refusal> {
        Err(no())
    }

    fn set_password(&self, _: &Path, _: &str) -> Result<(), Refusal> {
        Err(no())
    }

    fn find_jobs(&self, _: &ImportSource) -> Result<FoundJobs, Refusal> {
        Err(no())
    }

    fn turn_off(&self, _: &ImportSource, _: &[Imported], _: bool) -> Result<Vec<Turned>, Refusal> {
        Err(no())
    }

    fn bring_back(&self, _: &[String]) -> Result<BroughtBack, Refusal> {
        Err(no())
    }

    fn forget_imports(&self, _: &[Imported]) -> Result<(), Refusal> {
        Err(no())
    }

    fn export(&self, _: &[ExportItem], _: ExportForm) -> Result<Vec<Exported>, Refusal> {
        Err(no())
    }

    fn leftovers(&self) -> Result<Vec<Leftover>, Refusal> {
        Err(no())
    }

    fn uninstall(&self, _: bool) -> Result<Uninstalled, Refusal> {
        Err(no())
    }

    fn may_leave(&self, _: Departure) -> BoxFuture<'_, Result<(), Refusal>> {
        std::future::ready(Err(no())).boxed()
    }

    fn leave(&self, _: Departure) -> BoxFuture<'_, Result<(), Refusal>> {
        std::future::ready(Err(no())).boxed()
    }
}

impl Keyboard for Silent {
    fn line(&mut self) -> BoxFuture<'_, std::io::Result<Option<String>>> {
        futures::future::pending().boxed()
    }

    fn secret(&mut self) -> BoxFuture<'_, std::io::Result<Option<String>>> {
        futures::future::pending().boxed()
    }

    fn interrupts(&self) -> BoxStream<'static, ()> {
        futures::stream::pending().boxed()
    }
}

fn main() {
    let asked = AtomicU32::new(0);
    let clock = move || {
        assert!(
            asked.fetch_add(1, Ordering::Relaxed) < TOLD,
            "the clock broke"
        );
        0
    };
    let world = World {
        directory: "/".into(),
        home: None,
        user: None,
        zone: Arc::new(std::sync::LazyLock::new(|| TimeZone::UTC)),
        clock: Arc::new(clock),
        terminal: Terminal {
            input: true,
            output: true,
            redraw: true,
            columns: Some(80),
            rows: Some(24),
            unicode: true,
            color: true,
        },
        output: Box::new(std::io::stdout()),
        errors: Box::new(std::io::stderr()),
        keyboard: Box::new(Silent),
        browse: None,
    };
    run(["syncmgr".into(), "top".into()], world, &Silent);
    panic!("the page ended without breaking");
}
