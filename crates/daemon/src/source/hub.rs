//! Owns the sources: starts them, hears them, and ends them.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;

use syncmgr_core::condition::{Fact, Look};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Source;
use super::backoff::Backoff;
use super::gate::{self, Gate};
use super::observation::{Availability, Observation, Subject};
use super::reporter::{MAX_OBSERVATIONS, Reporter};
use super::wanted::Wanted;

/// Why a subject is not watched yet.
pub const BEGINNING: &str = "its source is just beginning";

/// Makes the sources, at the start and again after one of them ended by a fault of its own.
pub type Make = Box<dyn Fn() -> Vec<Box<dyn Source>> + Send>;

/// The sources of one manager. Dropping it ends them and lets go whatever they hold.
///
/// Sources share what they look through, so that the fault of one ends all, and all begin again.
pub struct Hub {
    make: Make,
    /// What the sources tell with; held, so that the queue outlives them.
    sender: mpsc::Sender<Observation>,
    observations: mpsc::Receiver<Observation>,
    tasks: JoinSet<()>,
    running: HashMap<tokio::task::Id, (&'static str, &'static [Subject])>,
    wanted: watch::Sender<Wanted>,
    availability: BTreeMap<Subject, Availability>,
    /// Heard, but not yet passed on.
    due: VecDeque<Observation>,
    /// What the gate made of what was heard of networks.
    ready: VecDeque<Fact>,
    gate: Gate,
    backoff: Backoff,
    began: Instant,
    /// When the sources begin again.
    again: Option<Instant>,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("availability", &self.availability)
            .field("again", &self.again)
            .finish_non_exhaustive()
    }
}

impl Hub {
    /// Starts the sources that `make` makes. Must be called within a tokio runtime when there are any. `otherwise` is why
    /// a subject without a source is not watched.
    #[must_use]
    pub fn start(make: Make, otherwise: &str) -> Self {
        let (sender, observations) = mpsc::channel(MAX_OBSERVATIONS);
        let mut hub = Self {
            make,
            sender,
            observations,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            wanted: watch::Sender::default(),
            availability: Subject::ALL
                .map(|subject| (subject, unavailable(otherwise.to_owned())))
                .into(),
            due: VecDeque::new(),
            ready: VecDeque::new(),
            gate: Gate::default(),
            backoff: Backoff::default(),
            began: Instant::now(),
            again: None,
        };
        hub.begin();
        hub
    }

    fn begin(&mut self) {
        self.began = Instant::now();
        for source in (self.make)() {
            let (name, subjects) = (source.name(), source.subjects());
            for subject in subjects {
                self.availability
                    .insert(*subject, unavailable(BEGINNING.to_owned()));
            }
            let reporter = Reporter::new(self.sender.clone());
            let task = self
                .tasks
                .spawn(source.run(reporter, self.wanted.subscribe()));
            self.running.insert(task.id(), (name, subjects));
        }
    }

    /// Waits for the next observation; for ever when there are no sources. Loses nothing when it is dropped.
    pub async fn next(&mut self) -> Observation {
        loop {
            if let Some(fact) = self.ready.pop_front() {
                return Observation::Fact(fact);
            }
            if let Some(observation) = self.due.pop_front() {
                let observation = match observation {
                    Observation::Fact(fact) if gate::is_of_network(&fact) => {
                        self.ready.push_back(self.gate.take(fact));
                        continue;
                    }
                    observation => observation,
                };
                if let Observation::Watching(Subject::Network, Availability::Unavailable { .. }) =
                    &observation
                {
                    self.gate.forget();
                }
                if let Observation::Watching(subject, availability) = &observation {
                    self.availability.insert(*subject, availability.clone());
                }
                return observation;
            }
            let again = self.again;
            let pause = async move {
                match again {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // What a source said before it ended is heard before that.
                biased;
                Some(observation) = self.observations.recv() => self.due.push_back(observation),
                fact = self.gate.tried() => self.ready.push_back(fact),
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                () = pause => {
                    self.again = None;
                    self.begin();
                }
            }
        }
    }

    /// A source ended, which none does by itself: it is seen, and all begin again after a while.
    fn ended(&mut self, ended: Result<(tokio::task::Id, ()), tokio::task::JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        let Some((name, subjects)) = self.running.remove(&id) else {
            return;
        };
        tracing::error!(source = name, "a source ended by a fault of its own");
        let others = self.running.drain().map(|(_, (_, subjects))| subjects);
        let watched: Vec<Subject> = std::iter::once(subjects)
            .chain(others)
            .flatten()
            .copied()
            .collect();
        self.tasks.abort_all();
        let pause = self.backoff.next(self.began.elapsed());
        self.again = Some(Instant::now() + pause);
        for subject in watched {
            let because = format!(
                "the source {name} ended by a fault of its own; all begin again {} s later",
                pause.as_secs()
            );
            self.due
                .push_back(Observation::Watching(subject, unavailable(because)));
        }
    }

    /// Tells the sources what somebody wants to know.
    pub fn want(&mut self, mut wanted: Wanted) {
        self.gate.want(wanted.network);
        self.wanted.send_if_modified(|before| {
            wanted.looks.clone_from(&before.looks);
            let changed = *before != wanted;
            *before = wanted;
            changed
        });
    }

    /// Lets networks count once a gate lets them through.
    #[must_use]
    pub fn gated(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// Networks are tried so from now on.
    pub fn try_by(&mut self, attempt: gate::Try) {
        self.gate.try_by(attempt);
    }

    /// The machine woke up; answers what is to be known before anything else.
    pub fn woke(&mut self) -> Option<Fact> {
        self.gate.woke()
    }

    /// Tells the sources what has to be looked at from now on.
    pub fn look_at(&self, looks: BTreeSet<Look>) {
        self.wanted.send_if_modified(|before| {
            let changed = before.looks != looks;
            before.looks = looks;
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

fn unavailable(because: String) -> Availability {
    Availability::Unavailable { because }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::BoxFuture;

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

    fn of(run: fn(Reporter, watch::Receiver<Wanted>) -> BoxFuture<'static, ()>) -> Make {
        Box::new(move || vec![Box::new(Fake(run))])
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
        let mut hub = Hub::start(Box::new(Vec::new), "only a daemon watches");
        let why = Availability::Unavailable {
            because: "only a daemon watches".to_owned(),
        };
        assert_eq!(
            hub.availability().filter(|(_, is)| **is == why).count(),
            Subject::ALL.len()
        );
        assert!(futures::poll!(std::pin::pin!(hub.next())).is_pending());
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_panics_is_seen_lets_go_and_begins_again() {
        let fake = of(|report, _| {
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
        let mut hub = Hub::start(fake, "");
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
        // Doubling waits between the attempts, for ever.
        let began = Instant::now();
        for _ in 0..4 {
            let again = heard(&mut hub, 4).await;
            assert!(again[0].contains("a fake"), "{again:?}");
            assert!(again[3].contains("ended by a fault"), "{again:?}");
        }
        assert_eq!(began.elapsed().as_secs(), 1 + 2 + 4 + 8);
    }

    #[tokio::test]
    async fn wants_arrive_once_each() {
        let fake = of(|report, mut wanted| {
            Box::pin(async move {
                while wanted.changed().await.is_ok() {
                    let by = format!("{}", wanted.borrow_and_update().power);
                    report.watching(Subject::Power, &by).await;
                }
            })
        });
        let mut hub = Hub::start(fake, "");
        let power = Wanted {
            power: true,
            ..Wanted::default()
        };
        hub.want(power);
        assert!(heard(&mut hub, 1).await[0].contains("true"));
    }
}
