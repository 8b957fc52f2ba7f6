//! Where the power comes from. The window hears that it changed; without a window it is looked at now and then.

use futures::future::BoxFuture;
use tokio::sync::watch;

use super::sys_power;
use super::window::{LOOK_EVERY, View, watched_by};
use crate::source::charge;
use crate::source::{Reporter, Source, Subject, Wanted};

/// The source.
#[derive(Debug)]
pub(super) struct Power {
    view: watch::Receiver<View>,
}

impl Power {
    pub(super) fn new(view: watch::Receiver<View>) -> Self {
        Self { view }
    }
}

impl Source for Power {
    fn name(&self) -> &'static str {
        "power"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Power]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        wanted: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(run(report, self.view, wanted))
    }
}

async fn run(
    report: Reporter,
    mut view: watch::Receiver<View>,
    mut wanted: watch::Receiver<Wanted>,
) {
    let mut before = None;
    loop {
        let missing = view.borrow_and_update().missing();
        let is_wanted = wanted.borrow_and_update().power;
        match sys_power::status().map(|status| (status, charge::power(status))) {
            Ok((_, Some(fact))) => {
                let by = watched_by("Windows", missing.as_deref());
                report.watching(Subject::Power, &by).await;
                if before.as_ref() != Some(&fact) {
                    report.fact(fact.clone()).await;
                    before = Some(fact);
                }
            }
            Ok((status, None)) => {
                before = None;
                let because = format!("Windows does not know it: {status:?}");
                report.unavailable(Subject::Power, &because).await;
            }
            Err(error) => {
                before = None;
                let because = format!("Windows does not tell it: {error}");
                report.unavailable(Subject::Power, &because).await;
            }
        }
        tokio::select! {
            changed = view.changed() => if changed.is_err() {
                return std::future::pending().await;
            },
            changed = wanted.changed() => if changed.is_err() {
                return std::future::pending().await;
            },
            () = tokio::time::sleep(LOOK_EVERY), if missing.is_some() && is_wanted => {}
        }
    }
}
