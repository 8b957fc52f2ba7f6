//! Owns the sources: starts them, hears them, and ends them.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::Source;
use super::observation::{Availability, Observation, Subject};
use super::reporter::{MAX_OBSERVATIONS, Reporter};
use super::wanted::Wanted;

/// The sources of one manager. Dropping it ends them and lets go whatever they hold.
#[derive(Debug)]
pub struct Hub {
    observations: mpsc::Receiver<Observation>,
    tasks: JoinSet<()>,
    running: HashMap<tokio::task::Id, (&'static str, &'static [Subject])>,
    wanted: watch::Sender<Wanted>,
    availability: BTreeMap<Subject, Availability>,
    /// Heard, but not yet passed on.
    due: VecDeque<Observation>,
}

impl Hub {
    /// Starts sources. Must be called within a tokio runtime when there are any. `otherwise` is why a subject without a
    /// source is not watched.
    #[must_use]
    pub fn start(sources: Vec<Box<dyn Source>>, otherwise: &str) -> Self {
        let (sender, observations) = mpsc::channel(MAX_OBSERVATIONS);
        let unavailable = |because: &str| Availability::Unavailable {
            because: because.to_owned(),
        };
        let mut hub = Self {
            observations,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            wanted: watch::Sender::default(),
            availability: Subject::ALL
                .map(|subject| (subject, unavailable(otherwise)))
                .into(),
            due: VecDeque::new(),
        };
        for source in sources {
            let (name, subjects) = (source.name(), source.subjects());
            for subject in subjects {
                hub.availability
                    .insert(*subject, unavailable("its source is just beginning"));
            }
            let reporter = Reporter::new(sender.clone());
            let task = hub
                .tasks
                .spawn(source.run(reporter, hub.wanted.subscribe()));
            hub.running.insert(task.id(), (name, subjects));
        }
        hub
    }

    /// Waits for the next observation; for ever when there are no sources. Loses nothing when it is dropped.
    pub async fn next(&mut self) -> Observation {
        loop {
            if let Some(observation) = self.due.pop_front() {
                if let Observation::Watching(subject, availability) = &observation {
                    self.availability.insert(*subject, availability.clone());
                }
                return observation;
            }
            let listening = !self.tasks.is_empty();
            tokio::select! {
                // What a source said before it ended is heard before that.
                biased;
                Some(observation) = self.observations.recv(), if listening => self.due.push_back(observation),
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                () = std::future::pending(), if !listening => {}
            }
        }
    }

    /// A source ended, which none does by itself: the component stops, visibly, and the others go on.
    fn ended(&mut self, ended: Result<(tokio::task::Id, ()), tokio::task::JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        let Some((name, subjects)) = self.running.remove(&id) else {
            return;
        };
        tracing::error!(source = name, "a source ended by a fault of its own");
        for subject in subjects {
            let because =
                format!("the source {name} ended by a fault of its own; restart the daemon");
            let availability = Availability::Unavailable { because };
            self.due
                .push_back(Observation::Watching(*subject, availability));
        }
    }

    /// Tells the sources what somebody wants to know.
    pub fn want(&self, wanted: Wanted) {
        self.wanted.send_if_modified(|before| {
            let changed = *before != wanted;
            *before = wanted;
            changed
        });
    }

    /// How each subject is watched, as far as it was heard.
    pub fn availability(&self) -> impl Iterator<Item = (Subject, &Availability)> {
        self.availability
            .iter()
            .map(|(subject, availability)| (*subject, availability))
    }
}

#[cfg(test)]
mod tests {
    use futures::future::BoxFuture;
    use syncmgr_core::condition::Fact;

    use super::*;

    /// Does as it is told.
    struct Fake(fn(Reporter, watch::Receiver<Wanted>) -> BoxFuture<'static, ()>);

    impl Source for Fake {
        fn name(&self) -> &'static str {
            "fake"
        }

        fn subjects(&self) -> &'static [Subject] {
            &[Subject::Power]
        }

        fn run(
            self: Box<Self>,
            report: Reporter,
            wanted: watch::Receiver<Wanted>,
        ) -> BoxFuture<'static, ()> {
            (self.0)(report, wanted)
        }
    }

    async fn heard(hub: &mut Hub, count: usize) -> Vec<String> {
        let mut heard = Vec::new();
        for _ in 0..count {
            heard.push(format!("{:?}", hub.next().await));
        }
        heard
    }

    #[tokio::test]
    async fn what_has_no_source_says_why() {
        let mut hub = Hub::start(Vec::new(), "only a daemon watches");
        let why = Availability::Unavailable {
            because: "only a daemon watches".to_owned(),
        };
        assert_eq!(hub.availability().filter(|(_, is)| **is == why).count(), 7);
        assert!(futures::poll!(std::pin::pin!(hub.next())).is_pending());
    }

    #[tokio::test]
    async fn a_source_that_panics_is_seen_and_lets_go() {
        let fake = Fake(|report, _| {
            Box::pin(async move {
                report.watching(Subject::Power, "a fake").await;
                report.watching(Subject::Power, "a fake").await;
                let (hold, held) = super::super::observation::hold();
                report
                    .happened(super::super::Happening::Leaving {
                        how: super::super::Leaving::Sleep,
                        at_most: std::time::Duration::from_secs(1),
                        hold,
                    })
                    .await;
                held.ended().await;
                report
                    .fact(Fact::Power {
                        mains: true,
                        battery_percent: None,
                    })
                    .await;
                panic!("on purpose");
            })
        });
        let mut hub = Hub::start(vec![Box::new(fake)], "");
        let before = heard(&mut hub, 2).await;
        assert!(before[0].contains("a fake"), "{before:?}");
        assert!(before[1].contains("Leaving"), "{before:?}");
        let after = heard(&mut hub, 2).await;
        assert!(after[0].contains("mains: true"), "{after:?}");
        assert!(after[1].contains("ended by a fault"), "{after:?}");
        let power = hub
            .availability()
            .find(|(subject, _)| *subject == Subject::Power)
            .unwrap()
            .1;
        assert!(matches!(power, Availability::Unavailable { .. }));
    }

    #[tokio::test]
    async fn wants_arrive_once_each() {
        let fake = Fake(|report, mut wanted| {
            Box::pin(async move {
                while wanted.changed().await.is_ok() {
                    let by = format!("{}", wanted.borrow_and_update().power);
                    report.watching(Subject::Power, &by).await;
                }
            })
        });
        let mut hub = Hub::start(vec![Box::new(fake)], "");
        let power = Wanted {
            power: true,
            ..Wanted::default()
        };
        hub.want(power);
        assert!(heard(&mut hub, 1).await[0].contains("true"));
    }
}
