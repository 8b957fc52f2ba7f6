//! What holds all year.

use std::collections::BTreeMap;
use std::time::Duration;

use syncmgr_core::policy::NO_PROGRESS;
use syncmgr_core::queue::{MAX_OVERTAKEN, is_person};
use syncmgr_core::record::Record;
use syncmgr_core::request::{Scope, Trigger};
use syncmgr_core::schedule::{Schedule, Zone};
use syncmgr_core::watchdog::ANSWER_WITHIN;
use syncmgr_core::{RequestId, Timestamp};

use crate::laptop::{Laptop, Live};
use crate::world::at;
use crate::{BEGIN, DUE, HANDLERS, HOUR, ITEMS, LIMIT, PARALLEL, SEVERAL, STUCK, ZONE};

/// While everything is as an item wants it, it waits for nothing but others' runs, and no longer than this.
const SOON: Duration = Duration::from_secs(6 * 3600);
/// A request waits no longer than this while the machine is awake.
const LONGEST_WAIT: i64 = 12 * HOUR;
/// What is stopped ends within this.
const STOPPING: Duration = Duration::from_secs(120);

/// A request that waits.
#[derive(Debug, Clone)]
struct Waits {
    /// When it came, by the time that the machine was awake.
    since: i64,
    handlers: Vec<String>,
    lanes: Vec<&'static str>,
    person: bool,
    /// How many sessions were opened for later requests, and how many of those were after the same.
    overtaken: u32,
    competed: u32,
}

/// What is kept in mind to judge by.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    waiting: BTreeMap<RequestId, Waits>,
    /// The request for which the last session was opened was overtaken too often.
    aged: bool,
    /// The most that competed with one that waited.
    pub(crate) longest: u32,
    /// How often an item was caught up since the machine woke.
    pub(crate) caught_up: BTreeMap<String, usize>,
    /// Since when nothing keeps an item from its time.
    may: BTreeMap<&'static str, Timestamp>,
    /// When a person stopped everything.
    stopped: Option<Timestamp>,
}

/// Whether two lanes are one, or one lies within the other.
fn clash(one: &str, other: &str) -> bool {
    let within = |outer: &str, inner: &str| {
        outer.starts_with('/') && inner.starts_with(&format!("{outer}/"))
    };
    one == other || within(one, other) || within(other, one)
}

fn lanes<'a>(items: impl Iterator<Item = &'a str>) -> Vec<&'static str> {
    items
        .flat_map(|item| ITEMS.iter().filter(move |(_, name, _)| *name == item))
        .flat_map(|(.., lanes)| lanes.iter().copied())
        .collect()
}

fn lanes_of(live: &Live) -> Vec<&'static str> {
    lanes(live.items.iter().map(String::as_str))
}

impl Laptop {
    /// Takes in what waits and which sessions were opened meanwhile.
    pub(crate) fn note_sessions(&mut self) {
        let opened: Vec<RequestId> = self
            .w
            .records
            .drain(..)
            .filter_map(|record| match record {
                Record::Session(row) if row.closed.is_none() => row.request,
                _ => None,
            })
            .collect();
        let waited = self.promises.waiting.clone();
        // What came to nothing in the same turn was not passed over.
        let queue: Vec<_> = self.w.manager.queue().collect();
        self.promises
            .waiting
            .retain(|id, _| queue.iter().any(|waiting| waiting.id == *id));
        for by in opened {
            let own = waited.get(&by).cloned();
            self.promises.aged = own
                .as_ref()
                .is_some_and(|own| own.overtaken >= MAX_OVERTAKEN);
            for (id, waits) in &mut self.promises.waiting {
                if *id >= by {
                    continue;
                }
                waits.overtaken += 1;
                let Some(own) = &own else { continue };
                let lanes = waits
                    .lanes
                    .iter()
                    .any(|one| own.lanes.iter().any(|other| clash(one, other)));
                let handler = waits
                    .handlers
                    .iter()
                    .any(|name| name != SEVERAL.0 && own.handlers.contains(name));
                waits.competed += u32::from(lanes || handler);
                self.promises.longest = self.promises.longest.max(waits.competed);
                assert!(
                    waits.competed <= MAX_OVERTAKEN,
                    "seed {}: {id} was passed over {} times: {waits:?}",
                    self.seed,
                    waits.competed,
                );
            }
        }
        for waiting in queue {
            // What joins it later is wanted as well; that only makes it wait for more.
            let wanted: Vec<(&str, &str)> = match &waiting.request.scope {
                Scope::Checked => ITEMS
                    .iter()
                    .map(|(handler, item, _)| (*handler, *item))
                    .collect(),
                Scope::Items(items) => items
                    .iter()
                    .map(|at| (at.handler.as_str(), at.item.as_str()))
                    .collect(),
                Scope::Handler(name) => ITEMS
                    .iter()
                    .filter(|(handler, ..)| name.as_str() == *handler)
                    .map(|(handler, item, _)| (*handler, *item))
                    .collect(),
            };
            let waits = Waits {
                since: self.awake,
                handlers: wanted
                    .iter()
                    .map(|(handler, _)| (*handler).to_owned())
                    .collect(),
                lanes: lanes(wanted.iter().map(|(_, item)| *item)),
                person: is_person(waiting.request.trigger),
                overtaken: 0,
                competed: 0,
            };
            self.promises.waiting.entry(waiting.id).or_insert(waits);
        }
    }

    fn session_of(&self, instance: u64) -> Option<u64> {
        let mut sessions = self.w.manager.sessions();
        let of = sessions.find(|session| session.instances.iter().any(|i| i.id.0 == instance));
        of.map(|session| session.id.0)
    }

    /// An instance was started: persons go first, and no more works at once than may.
    pub(crate) fn started(&self, instance: u64) {
        let (seed, live) = (self.seed, &self.live[&instance]);
        if !is_person(live.trigger) && !self.promises.aged && live.handler != SEVERAL.0 {
            let before = self
                .promises
                .waiting
                .iter()
                .find(|(_, waits)| waits.person && waits.handlers.contains(&live.handler));
            assert!(
                before.is_none(),
                "seed {seed}: {live:?} before a person: {before:?}"
            );
        }
        let session = self.session_of(instance);
        let others = self
            .live
            .keys()
            .filter(|other| self.session_of(**other) != session);
        assert!(
            self.live.len() <= PARALLEL || others.count() == 0,
            "seed {seed}: too many work at once: {:?}",
            self.live
        );
        let of_handler = self
            .live
            .values()
            .filter(|other| other.handler == live.handler);
        let most = if live.handler == SEVERAL.0 {
            SEVERAL.1
        } else {
            1
        };
        let count = of_handler.count();
        assert!(
            count <= most,
            "seed {seed}: {count} sessions of {}",
            live.handler
        );
    }

    /// An instance has its items: nothing of them is in another run, and no lane in another session.
    pub(crate) fn prepared(&mut self, instance: u64) {
        let (seed, live) = (self.seed, self.live[&instance].clone());
        let (session, lanes) = (self.session_of(instance), lanes_of(&live));
        for (id, other) in &self.live {
            if *id == instance {
                continue;
            }
            let twice = live.items.iter().find(|item| other.items.contains(item));
            assert!(twice.is_none(), "seed {seed}: {twice:?} twice at once");
            let apart = self.session_of(*id) == session || other.items.is_empty();
            let both = lanes
                .iter()
                .any(|one| lanes_of(other).iter().any(|lane| clash(one, lane)));
            assert!(
                apart || !both,
                "seed {seed}: {live:?} and {other:?} in one lane"
            );
        }
        if live.trigger == Trigger::CatchUp {
            for item in live.items {
                let count = self.promises.caught_up.entry(item.clone()).or_default();
                *count += 1;
                assert!(*count <= 1, "seed {seed}: {item} caught up twice");
            }
        }
    }

    /// An instance begins to synchronize: those of its session that share a lane with it take turns.
    pub(crate) fn working(&self, instance: u64) {
        let lanes = lanes_of(&self.live[&instance]);
        for (id, other) in &self.live {
            let both = lanes
                .iter()
                .any(|one| lanes_of(other).iter().any(|lane| clash(one, lane)));
            assert!(
                *id == instance || other.work.is_none() || !both,
                "seed {}: {instance} works in the lane of {other:?}",
                self.seed
            );
        }
        // What keeps off another never begins beside it by itself.
        let index = |live: &Live| live.handler == "index" && !is_person(live.trigger);
        // One that was told to stop has nothing more at work.
        let now = self.w.now;
        let backup =
            |live: &Live| live.handler == "backup" && live.work.is_some_and(|(done, _)| done > now);
        assert!(
            !index(&self.live[&instance]) || !self.live.values().any(backup),
            "seed {}: the index runs beside the backup",
            self.seed
        );
    }

    pub(crate) fn slept(&mut self) {
        self.promises.may.clear();
        self.promises.caught_up.clear();
    }

    pub(crate) fn stopped(&mut self) {
        self.promises.stopped = Some(self.w.now);
    }

    /// Facts changed, and so perhaps what may run.
    pub(crate) fn may(&mut self) {
        for item in ["inbox", "notes", "music", "home"] {
            let may = match item {
                "inbox" => self.usable,
                "home" => self.usable && !self.metered && self.mains,
                _ => true,
            };
            if may {
                self.promises.may.entry(item).or_insert(self.w.now);
            } else {
                self.promises.may.remove(item);
            }
        }
    }

    /// The index is stuck exactly when enough runs in a row ended at one place.
    pub(crate) fn stuck(&mut self) {
        let stuck = self.w.manager.stuck(&at("index", "files")).is_some();
        self.was_stuck += usize::from(stuck && self.failed == STUCK);
        let (seed, failed) = (self.seed, self.failed);
        assert_eq!(stuck, failed >= STUCK, "seed {seed}: {failed} runs");
    }

    /// Whatever nothing kept from its time for long enough was done since.
    pub(crate) fn fresh(&self) {
        let (seed, now) = (self.seed, self.w.now);
        let zone = Zone::named(ZONE).unwrap();
        let good =
            |handler: &str, item: &str| self.w.manager.item(&at(handler, item)).unwrap().last_good;
        let may = |item: &str| {
            let since = self.promises.may.get(item);
            since.is_some_and(|since| now.since(*since) > SOON)
        };
        let soon = i64::try_from(SOON.as_millis()).unwrap();
        for (handler, item, text) in DUE {
            let due = Schedule::parse(text)
                .unwrap()
                .last_before(Timestamp(now.0 - soon), &zone)
                .unwrap();
            let asked = due.0 > BEGIN
                && self
                    .promises
                    .stopped
                    .is_none_or(|stopped| stopped.0 + soon < due.0);
            let good = good(handler, item);
            assert!(
                !may(item) || !asked || good.is_some_and(|good| good >= due),
                "seed {seed}: at {now:?} {item} of {due:?} is missing; the last is of {good:?}: {:?}",
                self.w.manager.item(&at(handler, item)),
            );
        }
        // Every four hours, where nothing failed so often that its next try is far.
        let late = good("mail", "inbox").is_none_or(|good| now.0 - good.0 > 4 * HOUR + 2 * soon);
        let long = self
            .promises
            .may
            .get("inbox")
            .is_some_and(|since| now.0 - since.0 > 4 * HOUR + 2 * soon);
        assert!(!(long && late), "seed {seed}: at {now:?} the inbox is late");
    }

    /// What must always hold.
    pub(crate) fn hold(&self) {
        let seed = self.seed;
        let queue = self.w.manager.queue().count();
        assert!(
            queue <= 4 * HANDLERS.len(),
            "seed {seed}: the queue grows: {queue}"
        );
        for (id, waits) in &self.promises.waiting {
            let waited = self.awake - waits.since;
            assert!(
                waited < LONGEST_WAIT,
                "seed {seed}: {id} starves: {waits:?}"
            );
        }
        // Nothing hangs for longer than it may be silent, the question about it may wait, and it may take to stop.
        for (instance, since) in &self.hung {
            let hangs = self.w.now.since(*since);
            let most = NO_PROGRESS + ANSWER_WITHIN + STOPPING;
            assert!(hangs < most, "seed {seed}: {instance} hangs for {hangs:?}");
        }
        for live in self
            .live
            .values()
            .filter(|live| live.items.iter().any(|item| item == "photos"))
        {
            let Some((_, since)) = live.work else {
                continue;
            };
            let takes = self.w.now.since(since);
            assert!(
                takes <= LIMIT + STOPPING,
                "seed {seed}: photos take {takes:?}"
            );
        }
    }
}
