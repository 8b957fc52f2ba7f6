//! The one door: [`Manager::apply`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::agenda::Agenda;
use crate::catalog::HandlerSlot;
use crate::command::{Command, ReplyId};
use crate::condition::Facts;
use crate::event::{Event, EventKind};
use crate::hook::{HookId, LiveHook};
use crate::id::{
    EventNumber, HandlerId, InstanceId, ItemId, ItemRef, LogId, NeedId, RequestId, RunId, SessionId,
};
use crate::input::Input;
use crate::instance::{Instance, Session};
use crate::item::{Counts, ItemStatus};
use crate::log::{Level, LogRow};
use crate::need::NeedRow;
use crate::notice::Budget;
use crate::queue::Waiting;
use crate::record::{LastNumbers, PauseRow, PauseScope, Record, Remembered};
use crate::request::RequestOutcome;
use crate::schedule::Zone;
use crate::settings::Settings;
use crate::telling::Telling;
use crate::time::Timestamp;
use crate::triggering::RuleState;

/// What follows from one input, to be performed in this order: records, commands, shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// To be stored, all in one transaction, before anything else.
    pub records: Vec<Record>,
    /// To be started.
    pub commands: Vec<Command>,
    /// Passing things for views that are stored nowhere; only the latest of each item matters.
    pub shows: Vec<Show>,
}

impl Effects {
    /// Whether nothing follows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.commands.is_empty() && self.shows.is_empty()
    }
}

/// Something for views alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    /// How far an item is.
    Progress {
        /// The run.
        run: RunId,
        /// The item.
        item: ItemRef,
        /// Its status.
        status: ItemStatus,
        /// What it is doing now.
        text: String,
        /// How far.
        value: u64,
        /// How far it goes; 0: nobody knows.
        max: u64,
        /// What was moved so far.
        counts: Counts,
        /// The user asked to skip or stop it.
        stopping: bool,
    },
    /// The handler of a run opened a window of its own, or its last one is closed (M-119).
    Window,
    /// The properties of a request are over, well; the end of the request follows.
    Properties {
        /// It.
        request: RequestId,
        /// The handler.
        handler: HandlerId,
        /// The item; absent: the handler itself.
        item: Option<ItemId>,
        /// What they are, when they were asked for as data.
        sheet: Option<crate::input::PropertySheet>,
        /// What became of the list.
        effect: crate::input::PropertiesEffect,
    },
    /// A request is over; comes once for every request, also for those of which nothing is recorded.
    RequestEnded {
        /// It.
        request: RequestId,
        /// How.
        outcome: RequestOutcome,
        /// What a person should know besides: why it failed or what was left out, as a fragment.
        problem: Option<String>,
    },
}

impl Show {
    /// Whether it is progress of this item in this run, which has one handler.
    pub(crate) fn is_of(&self, of_run: RunId, of_item: &ItemId) -> bool {
        match self {
            Self::Progress { run, item, .. } => *run == of_run && item.item == *of_item,
            Self::Window | Self::Properties { .. } | Self::RequestEnded { .. } => false,
        }
    }
}

/// What a timer is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A pause ends.
    Pause(PauseScope),
    /// A question is given up or answered by its default.
    Need(NeedId),
    /// The machine was kept awake for long enough.
    Awake,
    /// An instance has waited long enough.
    Instance(InstanceId),
    /// A run is to be looked at.
    Watch(InstanceId),
    /// A retry is due.
    Retry(ItemRef),
    /// A condition may be met by time alone.
    Condition(ItemRef),
    /// A cause of a rule is due.
    Rule {
        /// Which rule.
        rule: usize,
        /// Which of its causes.
        cause: usize,
    },
    /// An item may be late.
    Stale(ItemRef),
    /// The time of a machine that leaves is nearly over.
    Leaving,
    /// The notices that came too fast are summed up.
    Summary,
    /// The notices of a day are summed up.
    Digest,
    /// It is time to tell that the manager lives.
    Pulse,
}

/// The state of the manager. It owns everything it decides upon, reads no clock and performs nothing.
#[derive(Debug)]
pub struct Manager {
    pub(crate) settings: Settings,
    pub(crate) now: Timestamp,
    pub(crate) last: LastNumbers,
    /// Counts inputs; tells what was there before what.
    pub(crate) turn: u64,
    pub(crate) handlers: BTreeMap<HandlerId, HandlerSlot>,
    /// Counts whatever may change which items a rule selects.
    pub(crate) catalog: u64,
    /// Items with conditions of their own; one that is gone may be named still.
    pub(crate) conditioned: BTreeSet<ItemRef>,
    /// Handlers whose items are all defined by the user.
    pub(crate) all_defined: BTreeSet<HandlerId>,
    pub(crate) pauses: BTreeMap<PauseScope, PauseRow>,
    pub(crate) awake: crate::awake::Awake,
    pub(crate) facts: Facts,
    /// This manager ends.
    pub(crate) ends: bool,
    /// The machine is about to leave.
    pub(crate) away: Option<crate::leaving::Away>,
    pub(crate) rules: Vec<RuleState>,
    pub(crate) policies: Vec<crate::policy::Policy>,
    /// What is remembered of rules that the configuration did not name yet.
    pub(crate) considered: BTreeMap<String, Timestamp>,
    pub(crate) zone: Zone,
    pub(crate) waiting: Vec<Waiting>,
    /// How many requests live: waiting, merged or running.
    pub(crate) alive: BTreeSet<RequestId>,
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    pub(crate) instances: BTreeMap<InstanceId, Box<Instance>>,
    /// Open or answered.
    pub(crate) needs: BTreeMap<NeedId, NeedRow>,
    pub(crate) need_index: HashMap<(HandlerId, Option<ItemId>, String), NeedId>,
    /// Questions that an instance waits for.
    pub(crate) replies: HashMap<NeedId, (InstanceId, ReplyId)>,
    /// Who may show a window, and how often it was granted (3.5.5).
    pub(crate) token: Option<(InstanceId, u32)>,
    pub(crate) connections: crate::connection::Connections,
    pub(crate) timers: Agenda<Timer>,
    /// Items that wait for conditions or the end of a pause.
    pub(crate) deferred: BTreeSet<ItemRef>,
    /// Counts whatever may change what has to be looked at.
    pub(crate) waits: u64,
    /// Of how many items this turn kept what held them back.
    pub(crate) held_told: usize,
    pub(crate) effects: Effects,
    /// Sessions to look at before this turn ends.
    pub(crate) touched: BTreeSet<SessionId>,
    /// The queue may be able to move.
    pub(crate) pump: bool,
    /// How often programs broke the contract, as far as it was recorded.
    misuses: u32,
    /// Hooks that run.
    pub(crate) hooks: BTreeMap<HookId, LiveHook>,
    pub(crate) last_hook: u64,
    pub(crate) telling: Telling,
    pub(crate) budget: Budget,
    /// What went wrong in an earlier life is in the budget.
    pub(crate) troubles_remembered: bool,
    pub(crate) digest_at: Option<Timestamp>,
    pub(crate) pulse_at: Option<Timestamp>,
    /// When the clock was last set in this life, and by how many milliseconds.
    pub(crate) clock_set: Option<(Timestamp, i64)>,
}

/// Most breaches by programs that one manager records.
const MAX_MISUSES: u32 = 256;

impl Manager {
    /// Begins with what was remembered. Runs found open were interrupted by the death of an earlier manager; a plain
    /// run heals them.
    #[must_use]
    pub fn new(settings: Settings, remembered: Remembered, now: Timestamp) -> (Self, Effects) {
        let mut manager = Self {
            settings,
            now,
            last: remembered.last,
            turn: 0,
            handlers: BTreeMap::new(),
            catalog: 0,
            conditioned: BTreeSet::new(),
            all_defined: BTreeSet::new(),
            pauses: BTreeMap::new(),
            awake: crate::awake::Awake::default(),
            facts: Facts::default(),
            ends: false,
            away: None,
            rules: Vec::new(),
            policies: Vec::new(),
            considered: BTreeMap::new(),
            zone: Zone::utc(),
            waiting: Vec::new(),
            alive: BTreeSet::new(),
            sessions: BTreeMap::new(),
            instances: BTreeMap::new(),
            needs: BTreeMap::new(),
            need_index: HashMap::new(),
            replies: HashMap::new(),
            token: None,
            connections: crate::connection::Connections::default(),
            timers: Agenda::default(),
            deferred: BTreeSet::new(),
            waits: 0,
            held_told: 0,
            effects: Effects::default(),
            touched: BTreeSet::new(),
            pump: false,
            misuses: 0,
            hooks: BTreeMap::new(),
            last_hook: 0,
            telling: Telling::default(),
            budget: Budget::default(),
            troubles_remembered: false,
            digest_at: None,
            pulse_at: None,
            clock_set: None,
        };
        let set_back = crate::clock_set::set_back_meanwhile(&remembered, now);
        manager.remember(remembered);
        if let Some(shift) = set_back {
            manager.shift(shift);
        }
        let effects = std::mem::take(&mut manager.effects);
        (manager, effects)
    }

    /// Takes one input in and says what follows.
    pub fn apply(&mut self, now: Timestamp, input: Input) -> Effects {
        let mut effects = Effects::default();
        self.apply_into(&mut effects, now, input);
        effects
    }

    /// Takes one input in and appends what follows to what followed from the inputs before it, in the same turn.
    pub fn apply_into(&mut self, effects: &mut Effects, now: Timestamp, input: Input) {
        std::mem::swap(&mut self.effects, effects);
        self.take_in(now, input);
        std::mem::swap(&mut self.effects, effects);
    }

    fn take_in(&mut self, now: Timestamp, input: Input) {
        let before = std::mem::replace(&mut self.now, now);
        if let Input::ClockSet { by_ms } = input {
            self.clock_was_set(by_ms);
        } else if matches!(input, Input::ClockJumped) && now >= before {
            self.move_watches(before);
        } else {
            self.time_passed(before);
        }
        self.turn = self.turn.saturating_add(1);
        self.held_told = 0;
        match input {
            Input::Instance(instance, said) => self.hear(instance, said),
            // What follows from it was done before; timers are looked at again by every turn.
            Input::Tick | Input::ClockJumped | Input::ClockSet { .. } => {}
            Input::HandlerChanged { handler, text } => {
                if self.handlers.contains_key(&handler) {
                    self.warn(Some(handler), None, crate::log::Level::Warning, text);
                }
            }
            Input::Misused(text) => self.misused(text),
            Input::AskToStart(invocation) => self.ask_to_start(&invocation),
            Input::Choose(chosen) => self.take_choice(chosen),
            Input::HandlerRegistered { id, description } => self.register(id, description),
            Input::ItemsAreDefined(id) => drop(self.all_defined.insert(id)),
            Input::OnlyReports(id) => self.only_reports(&id),
            Input::HandlerUnregistered(id) => self.unregister(&id),
            Input::ItemDefined(handler, item) => self.define_item(&handler, item),
            Input::ItemRemoved(item) => self.remove_item(&item),
            Input::ItemPreferences {
                item,
                labels,
                checked,
                expected_freshness,
            } => self.set_preferences(&item, labels, checked, expected_freshness),
            Input::Conditions(item, conditions) => self.set_conditions(&item, conditions),
            Input::Rules(rules) => self.set_rules(rules),
            Input::Note {
                level,
                text,
                detail,
            } => drop(self.warn_in_detail(None, None, level, text, detail)),
            Input::Settings(settings) => {
                self.settings = settings;
                self.look_awake_again();
                // More may work at once than before.
                self.pump = true;
            }
            Input::Policies(policies) => self.set_policies(policies),
            Input::Telling(telling) => self.set_telling(telling),
            Input::HookEnded(hook, ended) => self.hook_ended(hook, ended),
            Input::Undelivered { handler, text } => self.undelivered(handler, text),
            Input::Zone(zone) => self.set_zone(zone),
            Input::Happened(happening) => self.happened(&happening),
            Input::Leaves(departure) => self.depart(departure),
            Input::Ends => {
                self.ends = true;
                self.end();
            }
            Input::Back => self.back(),
            Input::Request(id, request) => self.enqueue(id, request),
            Input::Stop(scope) => self.stop(&scope),
            Input::Skip(item) => self.skip(&item),
            Input::Enable {
                handler,
                item,
                enabled,
            } => self.enable(&handler, item, enabled),
            Input::Activate { handler, active } => self.activate(&handler, active),
            Input::Pause { scope, until } => self.pause(scope, until),
            Input::Resume(scope) => self.resume(&scope),
            Input::Answer {
                need,
                choice,
                fields,
                by,
            } => self.answer(need, choice, fields, by),
            Input::ShowError {
                instance,
                error,
                request,
            } => self.follow_link(instance, error, request),
            Input::Dismiss(entry) => self.dismiss(entry),
            Input::Check { item, checked } => self.check(&item, checked),
            Input::Connections { names, default } => self.connections.configure(names, default),
            Input::Connected { name, outcome } => self.connected(name, outcome),
            Input::Disconnected { name, problem } => self.disconnected(name, problem),
            Input::Facts(facts) => self.learn(facts),
            Input::LockTakenOver { pid } => {
                self.event(EventKind::LockTakenOver { pid });
                let text = format!("the manager before this one, process {pid}, was killed");
                self.warn(None, None, Level::Information, text);
            }
            Input::External(said) => self.hear_outside(said),
        }
        self.run_timers();
        while self.advance() {}
        self.tend_awake();
    }

    /// When something is due by time alone; a [`Input::Tick`] is wanted then.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.timers.next_due()
    }

    /// The number for the next request.
    pub fn next_request(&mut self) -> RequestId {
        self.last.request = self.last.request.saturating_add(1);
        RequestId(self.last.request)
    }

    /// The number for the next session from outside.
    pub fn next_session(&mut self) -> SessionId {
        self.last.session = self.last.session.saturating_add(1);
        SessionId(self.last.session)
    }

    pub(crate) fn next_run(&mut self) -> RunId {
        self.last.run = self.last.run.saturating_add(1);
        RunId(self.last.run)
    }

    pub(crate) fn next_instance(&mut self) -> InstanceId {
        self.last.instance.0 = self.last.instance.0.saturating_add(1);
        self.last.instance
    }

    pub(crate) fn next_need(&mut self) -> NeedId {
        self.last.need = self.last.need.saturating_add(1);
        NeedId(self.last.need)
    }

    pub(crate) fn record(&mut self, record: Record) {
        self.effects.records.push(record);
    }

    pub(crate) fn event(&mut self, kind: EventKind) {
        self.last.event = self.last.event.saturating_add(1);
        let event = Event {
            number: EventNumber(self.last.event),
            at: self.now,
            kind,
        };
        self.record(Record::Event(event));
    }

    /// Does something about an instance; one from outside is told nothing, it asks.
    pub(crate) fn command(&mut self, mute: bool, command: Command) {
        if !mute {
            self.effects.commands.push(command);
        }
    }

    /// Adds an entry of the manager's own to the log.
    pub(crate) fn warn(
        &mut self,
        handler: Option<HandlerId>,
        run: Option<RunId>,
        level: Level,
        text: String,
    ) -> LogId {
        self.warn_in_detail(handler, run, level, text, None)
    }

    /// Adds an entry of the manager's own about an item to the log.
    pub(crate) fn warn_of(
        &mut self,
        item: &ItemRef,
        run: Option<RunId>,
        level: Level,
        text: String,
    ) -> LogId {
        self.warn_of_in_detail(item, run, level, text, None)
    }

    /// Adds an entry of the manager's own about an item to the log, with a detail.
    pub(crate) fn warn_of_in_detail(
        &mut self,
        item: &ItemRef,
        run: Option<RunId>,
        level: Level,
        text: String,
        detail: Option<String>,
    ) -> LogId {
        let handler = Some(item.handler.clone());
        self.enter(handler, Some(item.clone()), run, level, text, detail)
    }

    /// Adds an entry of the manager's own to the log, with a detail.
    pub(crate) fn warn_in_detail(
        &mut self,
        handler: Option<HandlerId>,
        run: Option<RunId>,
        level: Level,
        text: String,
        detail: Option<String>,
    ) -> LogId {
        self.enter(handler, None, run, level, text, detail)
    }

    fn enter(
        &mut self,
        handler: Option<HandlerId>,
        item: Option<ItemRef>,
        run: Option<RunId>,
        level: Level,
        text: String,
        detail: Option<String>,
    ) -> LogId {
        self.last.log = self.last.log.saturating_add(1);
        let id = LogId(self.last.log);
        let row = LogRow {
            id,
            at: self.now,
            level,
            handler,
            item,
            run,
            text: crate::cut::bytes(text, crate::cut::MAX_LINE),
            detail: detail.map(|detail| crate::cut::tail(detail, crate::cut::MAX_DETAIL)),
            error: None,
            jump: false,
        };
        self.record(Record::Log(row));
        id
    }

    /// A program broke the contract. The log tells, until it has told enough.
    fn misused(&mut self, text: String) {
        if self.misuses >= MAX_MISUSES {
            return;
        }
        self.misuses += 1;
        self.warn(None, None, Level::Warning, text);
        if self.misuses == MAX_MISUSES {
            let text = "programs break the contract again and again; no more of it is recorded until the manager starts anew";
            self.warn(None, None, Level::Warning, text.to_owned());
        }
    }

    pub(crate) fn set_timer(&mut self, at: Timestamp, timer: Timer) {
        self.timers.insert(at, timer);
    }

    pub(crate) fn clear_timer(&mut self, at: Timestamp, timer: Timer) {
        self.timers.remove(at, timer);
    }

    fn run_timers(&mut self) {
        let mut retries = Vec::new();
        while let Some((_, timer)) = self.timers.pop_due(self.now) {
            match timer {
                Timer::Pause(scope) => self.resume(&scope),
                Timer::Need(need) => self.need_deadline(need),
                Timer::Awake => self.look_awake_again(),
                Timer::Instance(instance) => self.instance_deadline(instance),
                Timer::Watch(instance) => self.watch_due(instance),
                Timer::Retry(item) => retries.push(item),
                Timer::Condition(_) => {
                    self.reconsider();
                    self.stop_unmet();
                }
                Timer::Rule { rule, cause } => self.rule_due(rule, cause),
                Timer::Stale(item) => self.stale(&item),
                Timer::Leaving => self.leaving_due(),
                Timer::Summary => self.summary_due(),
                Timer::Digest => self.digest_due(),
                Timer::Pulse => self.pulse_due(),
            }
        }
        self.enqueue_own(retries, crate::request::Trigger::Retry);
    }

    /// One round over what was touched; true when there may be more.
    fn advance(&mut self) -> bool {
        let touched = std::mem::take(&mut self.touched);
        let mut again = !touched.is_empty();
        for session in touched {
            self.advance_session(session);
        }
        if self.pump {
            self.pump = false;
            again = true;
            self.start_waiting();
        }
        again
    }
}
