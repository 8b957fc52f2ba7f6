//! Systems whose sources are not written yet.

use futures::future::BoxFuture;
use tokio::sync::watch;

use super::{Reporter, Source, Subject, Wanted};

struct Nothing;

/// One that says so.
pub(super) fn sources() -> Vec<Box<dyn Source>> {
    vec![Box::new(Nothing)]
}

impl Source for Nothing {
    fn name(&self) -> &'static str {
        "none"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[
            Subject::Session,
            Subject::Sleep,
            Subject::Idle,
            Subject::Network,
            Subject::Power,
            Subject::Mounts,
        ]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        _: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let system = match std::env::consts::OS {
                "macos" => "macOS",
                other => other,
            };
            for subject in self.subjects() {
                let because = format!("not available on {system} yet");
                report.unavailable(*subject, &because).await;
            }
            std::future::pending().await
        })
    }
}
