//! The network, by Windows' own list of networks, and where there is none by its adapters.

use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use super::com_network;
use crate::source::connectivity::Seen;
use crate::source::{Happening, Reporter, Source, Subject, Wanted};

/// The source.
#[derive(Debug)]
pub(super) struct Network;

impl Source for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Network]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        _: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(run(report))
    }
}

async fn run(report: Reporter) {
    // What was not taken is old news: only one waits.
    let (sender, mut looks) = mpsc::channel(1);
    let watch = match com_network::watch(sender) {
        Ok(watch) => watch,
        Err(error) => {
            let because = format!("it cannot be watched: {error}");
            report.unavailable(Subject::Network, &because).await;
            return std::future::pending().await;
        }
    };
    let mut before: Option<Seen> = None;
    while let Some(now) = looks.recv().await {
        report.watching(Subject::Network, &now.by()).await;
        let fact = now.fact();
        if before.as_ref().map(Seen::fact).as_ref() != Some(&fact) {
            report.fact(fact).await;
        }
        if let Some(before) = before {
            let up = before.up();
            for (_, name) in now.up().into_iter().filter(|(id, _)| !up.contains_key(id)) {
                report.happened(Happening::NetworkConnected { name }).await;
            }
        }
        before = Some(now);
    }
    let because = "what watches it ended by a fault of its own";
    report.unavailable(Subject::Network, because).await;
    drop(watch);
    std::future::pending().await
}
