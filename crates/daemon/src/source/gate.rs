//! Lets a network count as usable once it is: a route alone is not enough after the machine woke up or joined a network.
//! What waits for it only waits, and is told what is missing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use syncmgr_core::condition::Fact;

use super::probe::Missing;

/// Tries the network once.
pub type Try = Arc<dyn Fn() -> BoxFuture<'static, Result<(), Missing>> + Send + Sync>;

/// The first wait between two tries.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);
/// So often names that nobody resolves hold a network back; then it counts as usable: a neighbour needs no names.
pub const MOST_WITHOUT_NAMES: u32 = 7;

/// The gate. Nothing is tried while no rule is about networks.
#[derive(Default)]
pub struct Gate {
    attempt: Option<Try>,
    wanted: bool,
    /// What the source told last, when that was a usable network.
    told: Option<Fact>,
    /// It was let through.
    passed: bool,
    failures: u32,
    trying: Option<BoxFuture<'static, Result<(), Missing>>>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("told", &self.told)
            .field("passed", &self.passed)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

impl Gate {
    /// Makes one that tries networks so.
    #[must_use]
    pub fn new(attempt: Try) -> Self {
        Self {
            attempt: Some(attempt),
            ..Self::default()
        }
    }

    /// Tries networks so from now on.
    pub fn try_by(&mut self, attempt: Try) {
        self.attempt = Some(attempt);
        if self.trying.is_some() {
            self.begin();
        }
    }

    /// Whether any rule is about networks.
    pub fn want(&mut self, wanted: bool) {
        self.wanted = wanted;
    }

    /// Takes what the source tells of the network; answers what is told instead.
    pub fn take(&mut self, fact: Fact) -> Fact {
        if !is_usable(&fact) {
            self.forget();
            return fact;
        }
        let same = self
            .told
            .as_ref()
            .is_some_and(|told| wifi(told) == wifi(&fact));
        self.told = Some(fact.clone());
        if same && self.trying.is_some() {
            return settles("it is being tried");
        }
        if same && self.passed || !self.begin() {
            self.passed = true;
            return fact;
        }
        settles("it is being tried")
    }

    /// The machine woke up: what was usable is tried again.
    pub fn woke(&mut self) -> Option<Fact> {
        (self.told.is_some() && self.begin()).then(|| settles("the machine just woke up"))
    }

    /// Nothing is known of the network any more.
    pub fn forget(&mut self) {
        self.told = None;
        self.passed = false;
        self.trying = None;
    }

    /// Waits for the end of a try; for ever while nothing is tried. Loses nothing when it is dropped.
    pub async fn tried(&mut self) -> Fact {
        let outcome = match &mut self.trying {
            Some(trying) => trying.await,
            None => std::future::pending().await,
        };
        self.trying = None;
        let missing = match outcome {
            Ok(()) => None,
            // A network without names is one all the same, after a while.
            Err(Missing::Names(_)) if self.failures + 1 >= MOST_WITHOUT_NAMES => None,
            Err(missing) => Some(missing),
        };
        match (missing, self.told.clone()) {
            (None, Some(told)) => {
                self.passed = true;
                told
            }
            (missing, _) => {
                self.failures = self.failures.saturating_add(1);
                let wait = FIRST_WAIT
                    .saturating_mul(1 << self.failures.min(16))
                    .min(LONGEST_WAIT);
                if let Some(attempt) = self.attempt.clone() {
                    self.trying = Some(Box::pin(async move {
                        tokio::time::sleep(wait).await;
                        attempt().await
                    }));
                }
                let missing = missing.map(|missing| missing.to_string());
                settles(missing.as_deref().unwrap_or("it is being tried"))
            }
        }
    }

    /// Begins to try; false when that is nobody's wish.
    fn begin(&mut self) -> bool {
        let Some(attempt) = self.attempt.clone().filter(|_| self.wanted) else {
            return false;
        };
        self.passed = false;
        self.failures = 0;
        self.trying = Some(Box::pin(async move { attempt().await }));
        true
    }
}

fn settles(what: &str) -> Fact {
    Fact::NetworkSettles {
        because: format!("the network is up, {what}"),
    }
}

/// Whether a fact is one of networks.
pub(crate) fn is_of_network(fact: &Fact) -> bool {
    matches!(fact, Fact::Network { .. } | Fact::Route { .. })
}

fn is_usable(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Network { usable: true, .. } | Fact::Route { usable: true, .. }
    )
}

fn wifi(fact: &Fact) -> Option<&str> {
    match fact {
        Fact::Network { wifi, .. } => wifi.as_deref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn network(usable: bool, wifi: Option<&str>) -> Fact {
        Fact::Network {
            usable,
            metered: false,
            wifi: wifi.map(str::to_owned),
            vpn: false,
        }
    }

    /// A gate that fails so often, for names or for the probe.
    fn gate(failures: u32, of_names: bool) -> (Gate, Arc<AtomicU32>) {
        let tries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&tries);
        let mut gate = Gate::new(Arc::new(move || {
            let failed = counted.fetch_add(1, Ordering::Relaxed) < failures;
            Box::pin(std::future::ready(match (failed, of_names) {
                (false, _) => Ok(()),
                (true, true) => Err(Missing::Names("names are not resolved yet".into())),
                (true, false) => Err(Missing::Answer("nas:22 does not answer yet".into())),
            }))
        }));
        gate.want(true);
        (gate, tries)
    }

    fn because(fact: &Fact) -> &str {
        match fact {
            Fact::NetworkSettles { because } => because,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_counts_once_it_is_usable() {
        let (mut gate, tries) = gate(3, true);
        assert_eq!(
            because(&gate.take(network(true, None))),
            "the network is up, it is being tried"
        );
        for _ in 0..3 {
            assert_eq!(
                because(&gate.tried().await),
                "the network is up, names are not resolved yet"
            );
        }
        assert_eq!(gate.tried().await, network(true, None));
        assert_eq!(tries.load(Ordering::Relaxed), 4);
        // It is not tried again for its cost, but for another Wi-Fi, and after a sleep.
        assert_eq!(gate.take(network(true, None)), network(true, None));
        because(&gate.take(network(true, Some("cafe"))));
        assert_eq!(gate.tried().await, network(true, Some("cafe")));
        assert_eq!(
            because(&gate.woke().unwrap()),
            "the network is up, the machine just woke up"
        );
        assert_eq!(gate.tried().await, network(true, Some("cafe")));
        let over = tokio::time::timeout(LONGEST_WAIT * 10, gate.tried()).await;
        assert!(over.is_err(), "nothing is tried any more");
    }

    #[tokio::test(start_paused = true)]
    async fn without_names_a_network_counts_after_a_while_and_without_an_answer_never() {
        let (mut names, tries) = gate(u32::MAX, true);
        names.take(network(true, None));
        let begun = tokio::time::Instant::now();
        while names.tried().await != network(true, None) {}
        assert_eq!(tries.load(Ordering::Relaxed), MOST_WITHOUT_NAMES);
        assert!(begun.elapsed() < Duration::from_secs(70));

        let (mut probe, tries) = gate(u32::MAX, false);
        probe.take(network(true, None));
        let begun = tokio::time::Instant::now();
        for _ in 0..30 {
            assert_eq!(
                because(&probe.tried().await),
                "the network is up, nas:22 does not answer yet"
            );
        }
        assert_eq!(tries.load(Ordering::Relaxed), 30);
        assert!(
            begun.elapsed() > LONGEST_WAIT * 15,
            "further and further apart"
        );
        // It goes, and nothing is tried.
        assert_eq!(probe.take(network(false, None)), network(false, None));
        let over = tokio::time::timeout(LONGEST_WAIT * 10, probe.tried()).await;
        assert!(over.is_err());
        assert_eq!(probe.woke(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_tried_for_nobody() {
        let (mut gate, tries) = gate(u32::MAX, false);
        gate.want(false);
        assert_eq!(gate.take(network(true, None)), network(true, None));
        assert_eq!(gate.woke(), None);
        // Somebody wants it now: what is there counts until it goes.
        gate.want(true);
        assert_eq!(gate.take(network(true, None)), network(true, None));
        assert_eq!(tries.load(Ordering::Relaxed), 0);
    }
}
