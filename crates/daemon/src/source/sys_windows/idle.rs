//! How long nobody used this session. Windows tells of no silence, so it is looked at, while somebody wants to know.

use futures::future::BoxFuture;
use syncmgr_core::condition::{Fact, FactKind};
use tokio::sync::watch;

use super::sys_idle;
use crate::clock::{Clock as _, SystemClock};
use crate::source::{Reporter, Source, Subject, Wanted, quiet};

const BY: &str = "the last input of the session, looked at while a rule needs it";

/// The source.
#[derive(Debug)]
pub(super) struct Idle;

impl Source for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Idle]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        wanted: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(run(report, wanted))
    }
}

async fn run(report: Reporter, mut wanted: watch::Receiver<Wanted>) {
    let mut before: Option<Fact> = None;
    loop {
        let shortest = wanted.borrow_and_update().idle;
        let again = match (sys_idle::quiet(), shortest) {
            (Ok(quiet), Some(shortest)) => {
                let look = quiet::look(before.as_ref(), quiet, shortest, SystemClock.now());
                report.watching(Subject::Idle, BY).await;
                if before.as_ref() != Some(&look.fact) {
                    report.fact(look.fact.clone()).await;
                    before = Some(look.fact);
                }
                Some(look.again)
            }
            (Ok(_), None) => {
                report.watching(Subject::Idle, BY).await;
                // What was seen last becomes wrong unseen.
                if before.take().is_some() {
                    let because = "nothing waited for it".to_owned();
                    let kind = FactKind::Idle;
                    report.fact(Fact::Unknown { kind, because }).await;
                }
                None
            }
            (Err(error), _) => {
                before = None;
                let because = format!("Windows does not tell of the last input: {error}");
                report.unavailable(Subject::Idle, &because).await;
                None
            }
        };
        let look_again = async {
            match again {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() {
                return std::future::pending().await;
            },
            () = look_again => {}
        }
    }
}
