//! The laptop, what happens to it, and its handlers.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_core::command::Command;
use syncmgr_core::condition::Fact;
use syncmgr_core::input::{
    Began, Completed, Input, InstanceInput, ListedItem, Progress, StopScope,
};
use syncmgr_core::item::{Failure, HandlerCapability, ItemStatus};
use syncmgr_core::lane;
use syncmgr_core::request::{Scope, Trigger};
use syncmgr_core::schedule::Zone;
use syncmgr_core::{ItemRef, Settings, Timestamp};

use crate::promises::Promises;
use crate::world::{self, World, at};
use crate::{
    BEGIN, DAY, HANDLERS, HOUR, ITEMS, LIMIT, MINUTE, PARALLEL, SEVERAL, ZONE, policies, rules,
};

/// What takes long tells so often that it gets on.
const REPORT_EVERY: i64 = 20 * MINUTE;
/// What hangs never ends by itself.
const FOR_EVER: i64 = 10 * 365 * DAY;

/// An instance from its start to its exit.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) handler: String,
    pub(crate) trigger: Trigger,
    pub(crate) items: Vec<String>,
    /// When it will be done, and since when it works; absent: it does not.
    pub(crate) work: Option<(Timestamp, Timestamp)>,
    /// When it tells how far it is, and how far.
    report: Option<(Timestamp, u64)>,
    hangs: bool,
}

pub(crate) struct Laptop {
    pub(crate) w: World,
    pub(crate) seed: u64,
    random: u64,
    pub(crate) usable: bool,
    pub(crate) metered: bool,
    pub(crate) mains: bool,
    /// The index comes no further for now.
    broken: bool,
    /// So many requests of a person are still to come, one after the other.
    rush: u64,
    pub(crate) live: BTreeMap<u64, Live>,
    /// Handlers that hang, and since when they do while the machine is awake.
    pub(crate) hung: BTreeMap<u64, Timestamp>,
    /// How many of them were ended.
    pub(crate) ended: usize,
    /// How many runs took too long.
    pub(crate) cut: usize,
    /// How often the index was found to be stuck, and how many runs of it in a row failed.
    pub(crate) was_stuck: usize,
    pub(crate) failed: u32,
    /// How often a handler began a session beside another of its own.
    pub(crate) beside: usize,
    /// For how long it was awake.
    pub(crate) awake: i64,
    pub(crate) runs: BTreeMap<String, usize>,
    pub(crate) promises: Promises,
}

impl Laptop {
    pub(crate) fn new(seed: u64) -> Self {
        let settings = Settings {
            parallel_handlers: PARALLEL,
            ..Settings::default()
        };
        let mut w = World::with(settings, &HANDLERS);
        for (handler, item, _) in ITEMS {
            w.input(Input::ItemDefined(world::handler(handler), listed(item)));
        }
        w.now = Timestamp(BEGIN);
        w.input(Input::Zone(Zone::named(ZONE).unwrap()));
        w.input(Input::Policies(policies()));
        w.input(Input::Rules(rules()));
        Self {
            w,
            seed,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            usable: false,
            metered: false,
            mains: true,
            broken: false,
            rush: 0,
            live: BTreeMap::new(),
            hung: BTreeMap::new(),
            ended: 0,
            cut: 0,
            was_stuck: 0,
            failed: 0,
            beside: 0,
            awake: 0,
            runs: BTreeMap::new(),
            promises: Promises::default(),
        }
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % most
    }

    fn within(&mut self, most: i64) -> i64 {
        i64::try_from(self.below(u64::try_from(most).unwrap())).unwrap()
    }

    fn input(&mut self, input: Input) {
        self.w.input(input);
        self.serve();
    }

    fn hear(&mut self, instance: u64, said: InstanceInput) {
        self.w.hear(instance, said);
    }

    fn report(&mut self, instance: u64, progress: Progress) {
        self.hear(instance, InstanceInput::Progress(progress, None));
    }

    /// Handlers do what they are told.
    fn serve(&mut self) {
        self.note_sessions();
        while let Some(command) = self.w.commands.pop_front() {
            self.obey(command);
            self.note_sessions();
        }
        self.w.lines.clear();
        self.w.records.clear();
        self.w.ended.clear();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Start {
                instance,
                handler,
                trigger,
                ..
            } => {
                let handler = handler.to_string();
                *self
                    .runs
                    .entry(format!("{handler} {trigger:?}"))
                    .or_default() += 1;
                let same = |live: &&Live| live.handler == handler;
                self.beside += usize::from(self.live.values().any(|live| same(&live)));
                let live = Live {
                    handler: handler.clone(),
                    trigger,
                    items: Vec::new(),
                    work: None,
                    report: None,
                    hangs: false,
                };
                self.live.insert(instance.0, live);
                self.started(instance.0);
                let several: &[_] = if handler == SEVERAL.0 {
                    &[HandlerCapability::ConcurrentSessions]
                } else {
                    &[]
                };
                let facts = world::facts(several);
                self.hear(instance.0, InstanceInput::Initialized(facts));
            }
            Command::ListItems(instance) => {
                let handler = &self.live[&instance.0].handler;
                let of = ITEMS.iter().filter(|(name, ..)| handler == name);
                let items = of.map(|(_, item, _)| listed(item)).collect();
                let listed = InstanceInput::ItemsListed {
                    items,
                    incomplete: false,
                };
                self.hear(instance.0, listed);
            }
            Command::Prepare {
                instance, items, ..
            } => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                self.live.get_mut(&instance.0).unwrap().items = items;
                self.prepared(instance.0);
                self.w.prepared(instance.0);
            }
            Command::Synchronize(instance) => self.work(instance.0),
            Command::ItemStatus { instance, item, .. } => {
                let items: Vec<String> = match item {
                    Some(item) => vec![item.to_string()],
                    None => self.live[&instance.0].items.clone(),
                };
                if self.live[&instance.0].hangs {
                    return;
                }
                for item in items {
                    // What was stopped because a condition was lost goes on once it is met, and that is no second time.
                    self.promises.caught_up.remove(&item);
                    self.cut += usize::from(item == "photos" && self.took_too_long(instance.0));
                    let skipped = Progress {
                        item: Some(world::id(&item)),
                        status: Some(ItemStatus::Skipped),
                        ..Progress::default()
                    };
                    self.report(instance.0, skipped);
                }
                let now = self.w.now;
                if let Some(work) = &mut self.live.get_mut(&instance.0).unwrap().work {
                    work.0 = now;
                }
            }
            Command::Release(instance) => {
                if self.hung.remove(&instance.0).is_some() {
                    self.ended += 1;
                }
                self.live.remove(&instance.0);
                self.w.exit(instance.0);
            }
            _ => {}
        }
    }

    fn took_too_long(&self, instance: u64) -> bool {
        let work = self.live[&instance].work;
        work.is_some_and(|(_, since)| self.w.now.since(since) >= LIMIT)
    }

    fn work(&mut self, instance: u64) {
        let now = self.w.now;
        let live = self.live[&instance].clone();
        // A mail server never answers, now and then; some photos take all day.
        let hangs = live.handler == "mail" && self.below(300) == 0;
        let long = live.items.iter().any(|item| item == "photos") && self.below(20) == 0;
        let takes = match live.handler.as_str() {
            _ if hangs => FOR_EVER,
            _ if long => 9 * HOUR,
            "folder" => 40 * MINUTE,
            "backup" => 90 * MINUTE,
            _ => 10 * MINUTE,
        };
        let takes = if hangs || long {
            takes
        } else {
            MINUTE + self.within(takes)
        };
        let live = self.live.get_mut(&instance).unwrap();
        live.work = Some((Timestamp(now.0 + takes), now));
        live.report = (!hangs && takes > REPORT_EVERY).then_some((now, 0));
        live.hangs = hangs;
        if hangs {
            self.hung.insert(instance, now);
        }
        self.working(instance);
        self.hear(instance, InstanceInput::SynchronizeReturned(Began::Yes));
    }

    /// What is done by now ends; a mail server fails now and then, and a broken index always, at one place.
    fn complete(&mut self) {
        let now = self.w.now;
        let reports: Vec<u64> = self
            .live
            .iter()
            .filter(|(_, live)| live.report.is_some_and(|(at, _)| at <= now))
            .map(|(instance, _)| *instance)
            .collect();
        for instance in reports {
            let live = self.live.get_mut(&instance).unwrap();
            let (_, value) = live.report.unwrap();
            live.report = Some((Timestamp(now.0 + REPORT_EVERY), value + 1));
            let further = Progress {
                item: live.items.first().map(|item| world::id(item)),
                status: Some(ItemStatus::Updating),
                value: Some(value),
                max: Some(1_000),
                ..Progress::default()
            };
            self.report(instance, further);
            self.serve();
        }
        let done: Vec<u64> = self
            .live
            .iter()
            .filter(|(_, live)| live.work.is_some_and(|(done, _)| done <= now))
            .map(|(instance, _)| *instance)
            .collect();
        for instance in done {
            let Some(live) = self.live.get_mut(&instance) else {
                continue;
            };
            (live.work, live.report) = (None, None);
            let live = live.clone();
            let index = live.handler == "index";
            if index && self.broken || live.handler == "mail" && self.below(20) == 0 {
                let failed = Progress {
                    item: live.items.first().map(|item| world::id(item)),
                    status: Some(ItemStatus::Failed),
                    failure: Some(Failure::Soft),
                    value: index.then_some(50),
                    max: index.then_some(100),
                    ..Progress::default()
                };
                self.report(instance, failed);
            }
            self.hear(
                instance,
                InstanceInput::SynchronizeCompleted(Completed::Done),
            );
            self.serve();
            if index {
                self.index_ended();
            }
        }
    }

    fn index_ended(&mut self) {
        self.failed = if self.broken { self.failed + 1 } else { 0 };
        self.stuck();
    }

    fn facts(&mut self) {
        let facts = vec![
            Fact::Network {
                usable: self.usable,
                metered: self.metered,
                wifi: None,
                vpn: false,
            },
            Fact::Power {
                mains: self.mains,
                battery_percent: Some(50),
            },
        ];
        self.input(Input::Facts(facts));
        self.may();
    }

    fn sleep(&mut self) {
        // Mostly a night, sometimes a holiday. Whatever works is frozen with it.
        let hours = if self.below(20) == 0 { 24 * 9 } else { 10 };
        let sleep = HOUR + self.within(hours) * HOUR;
        self.w.now = Timestamp(self.w.now.0 + sleep);
        for live in self.live.values_mut() {
            let later = |at: &mut Timestamp| at.0 += sleep;
            if let Some((done, since)) = &mut live.work {
                later(done);
                later(since);
            }
            if let Some((at, _)) = &mut live.report {
                later(at);
            }
        }
        for since in self.hung.values_mut() {
            *since = self.w.now;
        }
        self.slept();
        self.input(Input::ClockJumped);
        self.usable = false; // after a wake nobody is connected yet
        self.facts();
        self.input(Input::Facts(vec![Fact::Idle { since: None }]));
        self.usable = true;
    }

    /// A person wants something: some items, or everything.
    fn ask(&mut self) {
        let scope = if self.rush > 0 {
            // Again and again the same, which others wait behind.
            let (handler, item, _) = ITEMS[usize::try_from(self.below(2)).unwrap()];
            Scope::Items(vec![at(handler, item)])
        } else if self.below(8) == 0 {
            Scope::Checked
        } else {
            let count = 1 + self.below(2);
            let items: BTreeSet<ItemRef> = (0..count)
                .map(|_| {
                    let (handler, item, _) = ITEMS[usize::try_from(self.below(7)).unwrap()];
                    at(handler, item)
                })
                .collect();
            Scope::Items(items.into_iter().collect())
        };
        let id = self.w.manager.next_request();
        self.input(Input::Request(id, world::request(scope, Trigger::Manual)));
    }

    /// Something happens to the laptop.
    fn live(&mut self) {
        if self.rush > 0 {
            self.rush -= 1;
            return self.ask();
        }
        match self.below(80) {
            0..16 => {
                self.usable = !self.usable;
                self.metered = self.below(4) == 0;
                self.facts();
            }
            16..24 => {
                self.mains = !self.mains;
                self.facts();
            }
            24..40 => {
                let since = (self.below(2) == 0).then_some(self.w.now);
                self.input(Input::Facts(vec![Fact::Idle { since }]));
            }
            40..48 => self.sleep(),
            48 => self.rush = if self.below(4) == 0 { 120 } else { 0 },
            49..54 => self.ask(),
            54 => {
                self.input(Input::Stop(StopScope::All));
                self.stopped();
            }
            55 | 56 => self.broken = true,
            57..62 => self.broken = false,
            _ => {
                self.usable = true;
                self.facts();
            }
        }
    }

    pub(crate) fn year(&mut self) {
        self.usable = true;
        self.facts();
        let mut next_event = self.w.now;
        while self.w.now.0 < BEGIN + 365 * DAY {
            let work = self.live.values().filter_map(|live| Some(live.work?.0));
            let reports = self.live.values().filter_map(|live| Some(live.report?.0));
            let next = work
                .chain(reports)
                .chain(self.w.manager.next_deadline())
                .chain([next_event])
                .min()
                .unwrap();
            let next = self.w.now.max(next);
            self.awake += next.0 - self.w.now.0;
            self.w.now = next;
            self.complete();
            self.input(Input::Tick);
            if self.w.now >= next_event {
                self.live();
                let pause = if self.rush > 0 {
                    self.within(3 * MINUTE)
                } else {
                    10 * MINUTE + self.within(5 * HOUR)
                };
                next_event = Timestamp(self.w.now.0 + pause);
                self.fresh();
            }
            self.hold();
        }
    }
}

fn listed(item: &str) -> ListedItem {
    let (_, _, lanes) = ITEMS.iter().find(|(_, name, _)| *name == item).unwrap();
    ListedItem {
        lanes: lane::read(lanes.iter().copied()),
        ..world::listed(item)
    }
}
