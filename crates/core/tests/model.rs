//! Random conversations, well-behaved and hostile, against what must always hold.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use proptest::prelude::*;
use syncmgr_core::command::{Command, ReplyId};
use syncmgr_core::condition::{Condition, Fact};
use syncmgr_core::conflict::{ConflictRow, Decision};
use syncmgr_core::hook::{HookEnded, HookFailure, HookId};
use syncmgr_core::input::{
    Began, Completed, Dialled, ExternalInput, Input, InstanceInput, Progress, Prompt,
    PropertiesEffect, PropertySheet, ResolveFeedback, StopScope,
};
use syncmgr_core::item::{Counts, Failure, HandlerCapability as HC, ItemStatus};
use syncmgr_core::log::Level;
use syncmgr_core::need::{Choice, NeedKind, Typed};
use syncmgr_core::notice::Notices;
use syncmgr_core::phase::Phase;
use syncmgr_core::policy::Policy;
use syncmgr_core::recall::KnownAnswer;
use syncmgr_core::record::{PauseScope, Record};
use syncmgr_core::request::{IfRunning, PropertyAsk, Request, Scope, Trigger, Work};
use syncmgr_core::rule::Select;
use syncmgr_core::run::{RunItemRow, RunOutcome, RunRow};
use syncmgr_core::{
    Effects, HandlerId, InstanceId, ItemRef, Manager, NeedId, RequestId, RunId, SessionId,
    Settings, Show, Timestamp,
};
use world::{at, facts, handler, id, listed};

const HANDLERS: [&str; 3] = ["plain", "full", "shared"];
const ITEMS: [&str; 4] = ["A", "B", "C", "D"];
const STATUSES: [ItemStatus; 10] = [
    ItemStatus::Pending,
    ItemStatus::Updating,
    ItemStatus::Succeeded,
    ItemStatus::Failed,
    ItemStatus::Skipped,
    ItemStatus::Stopped,
    ItemStatus::Disconnected,
    ItemStatus::Deleted,
    ItemStatus::Held,
    ItemStatus::Paused,
];
const TRIGGERS: [Trigger; 6] = [
    Trigger::Manual,
    Trigger::Manual,
    Trigger::Schedule,
    Trigger::Invoke,
    Trigger::FileChange,
    Trigger::Connect,
];

/// Most rounds in which everything that was started is made to end.
const MAX_DRAIN: usize = 2_000;

#[derive(Debug, Clone, Copy)]
struct Op {
    kind: u8,
    a: u8,
    b: u8,
}

fn pick<T: Copy>(of: &[T], by: u8) -> T {
    of[usize::from(by) % of.len()]
}

#[derive(Debug)]
struct Model {
    manager: Manager,
    now: Timestamp,
    /// Started and not exited.
    live: BTreeMap<InstanceId, HandlerId>,
    released: BTreeSet<InstanceId>,
    started: HashSet<InstanceId>,
    /// Prepared so often, synchronized so often.
    rounds: HashMap<InstanceId, (u32, u32)>,
    /// Connections that are dialled, are ours, and are being closed.
    dialling: BTreeSet<Option<String>>,
    ours: BTreeSet<Option<String>>,
    closing: Vec<Option<String>>,
    asked: Vec<RequestId>,
    ended: HashMap<RequestId, u32>,
    runs: HashMap<RunId, RunRow>,
    rows: HashMap<(RunId, ItemRef), RunItemRow>,
    /// Hooks that run.
    hooks: BTreeSet<HookId>,
    event: u64,
    replies: u64,
}

impl Model {
    fn new(settings: Settings, hooks: bool) -> Self {
        let now = Timestamp(1_000_000);
        let (manager, effects) = Manager::new(settings, Default::default(), now);
        let mut model = Self {
            manager,
            now,
            live: BTreeMap::new(),
            released: BTreeSet::new(),
            started: HashSet::new(),
            rounds: HashMap::new(),
            dialling: BTreeSet::new(),
            ours: BTreeSet::new(),
            closing: Vec::new(),
            asked: Vec::new(),
            ended: HashMap::new(),
            runs: HashMap::new(),
            rows: HashMap::new(),
            hooks: BTreeSet::new(),
            event: 0,
            replies: 0,
        };
        model.check(effects);
        if hooks {
            let command = |word: &str| Some(vec![word.to_owned()]);
            model.input(Input::Policies(vec![Policy {
                items: vec![Select::Handler(handler("full")), Select::named("B")],
                before: command("before"),
                after: command("after"),
                failed: command("failed"),
                notices: Some(Notices::All),
                time_limit: Some(Duration::from_secs(90)),
                no_progress: Some(Duration::from_secs(20)),
                stuck_after: Some(2),
                ..Policy::default()
            }]));
        }
        for text in HANDLERS {
            model.input(Input::HandlerRegistered {
                id: handler(text),
                description: text.to_owned(),
            });
            for item in ITEMS {
                model.input(Input::ItemDefined(handler(text), listed(item)));
            }
        }
        model
    }

    fn input(&mut self, input: Input) {
        let effects = self.manager.apply(self.now, input);
        self.check(effects);
    }

    fn hear(&mut self, instance: InstanceId, said: InstanceInput) {
        if let InstanceInput::Exited { .. } = said {
            self.live.remove(&instance);
        }
        self.input(Input::Instance(instance, said));
    }

    fn reply(&mut self) -> ReplyId {
        self.replies += 1;
        ReplyId(self.replies)
    }

    fn check(&mut self, effects: Effects) {
        for record in effects.records {
            self.check_record(record);
        }
        for command in &effects.commands {
            self.check_command(command);
        }
        for show in effects.shows {
            if let Show::RequestEnded { request, .. } = show {
                let ends = self.ended.entry(request).or_default();
                *ends += 1;
                assert_eq!(*ends, 1, "request {request} ended twice");
            }
        }
        // No item is in two runs, and what runs is what the views say.
        let mut running = HashSet::new();
        for session in self.manager.sessions() {
            for instance in &session.instances {
                let Some(run) = instance.run() else { continue };
                assert_eq!(run.outcome, RunOutcome::Open);
                for item in instance.items() {
                    let at = ItemRef {
                        handler: instance.handler.clone(),
                        item: item.item.clone(),
                    };
                    assert!(running.insert(at.clone()), "{at} runs twice");
                }
            }
        }
        for row in self.manager.items() {
            if let Some((_, live)) = self.manager.live(&row.at) {
                assert_eq!(*live.item, row.at.item);
                assert!(running.contains(&row.at));
            }
        }
        if let Some(deadline) = self.manager.next_deadline() {
            assert!(deadline > self.now, "a deadline was left behind");
        }
    }

    fn check_record(&mut self, record: Record) {
        match record {
            Record::Event(event) => {
                self.event += 1;
                assert_eq!(
                    event.number.0, self.event,
                    "events are numbered without gaps"
                );
            }
            Record::Run(row) => {
                if let Some(before) = self.runs.get(&row.id)
                    && before.outcome != RunOutcome::Open
                {
                    // Only what the process said last may come after the end.
                    let after = RunRow {
                        stderr: before.stderr.clone(),
                        ..row.clone()
                    };
                    assert_eq!(*before, after, "a closed run changed");
                }
                if row.outcome != RunOutcome::Open {
                    assert!(row.closed.is_some());
                    for (_, item) in self.rows.iter().filter(|((run, _), _)| *run == row.id) {
                        assert!(item.status.is_terminal(), "{item:?} in a closed run");
                    }
                }
                self.runs.insert(row.id, row);
            }
            Record::RunItem(row) => {
                let run = self.runs.get(&row.run).expect("its run is recorded before");
                assert_eq!(run.outcome, RunOutcome::Open, "a closed run's item changed");
                self.rows.insert((row.run, row.item.clone()), row);
            }
            _ => {}
        }
    }

    fn check_command(&mut self, command: &Command) {
        let to = match command {
            Command::Start {
                instance, handler, ..
            } => {
                assert!(self.started.insert(*instance), "{instance} started twice");
                self.live.insert(*instance, handler.clone());
                return;
            }
            Command::Reply { instance, .. } => {
                // A late question of a released instance is still answered (3.5.10); what is gone is not.
                assert!(
                    self.live.contains_key(instance),
                    "an answer to {instance}, which is gone: {command:?}"
                );
                return;
            }
            Command::KeepAwake { .. } | Command::LetSleep => return,
            Command::Insist(instance) => {
                assert!(self.live.contains_key(instance), "{command:?}");
                return;
            }
            Command::Release(instance) => {
                assert!(self.live.contains_key(instance), "{command:?}");
                assert!(self.released.insert(*instance), "{instance} released twice");
                return;
            }
            Command::Prepare { instance, .. } => {
                let (prepared, synchronized) = self.rounds.entry(*instance).or_default();
                *prepared += 1;
                assert!(*prepared > *synchronized);
                instance
            }
            Command::Synchronize(instance) => {
                let (prepared, synchronized) = self.rounds.entry(*instance).or_default();
                *synchronized += 1;
                assert!(*synchronized <= *prepared, "M-79");
                self.check_barrier(*instance);
                instance
            }
            Command::ListItems(instance)
            | Command::ItemStatus { instance, .. }
            | Command::Undo { instance, .. }
            | Command::Resolve { instance, .. }
            | Command::ListConflicts { instance, .. }
            | Command::Properties { instance, .. }
            | Command::ShowProperties { instance, .. }
            | Command::Recall { instance, .. }
            | Command::ShowError { instance, .. } => instance,
            Command::Hook(hook) => {
                assert!(self.hooks.insert(hook.id), "{} runs twice", hook.id.0);
                let run = hook.account.run.unwrap();
                assert!(
                    self.runs.contains_key(&run.id),
                    "recorded before it is acted upon"
                );
                return;
            }
            Command::EndHook(hook) => {
                assert!(self.hooks.contains(hook), "{} is over", hook.0);
                return;
            }
            Command::Deliver(_)
            | Command::Pulse { .. }
            | Command::Forget(_)
            | Command::Notice(_) => return,
            Command::Connect { name } => {
                assert!(self.dialling.insert(name.clone()), "dialled twice");
                return;
            }
            Command::CancelConnect { name } => {
                assert!(self.dialling.contains(name), "nothing to cancel");
                return;
            }
            Command::Disconnect { name } => {
                assert!(self.ours.remove(name), "M-146: it is not ours");
                self.closing.push(name.clone());
                return;
            }
        };
        assert!(self.live.contains_key(to), "{to} is gone: {command:?}");
        assert!(
            !self.released.contains(to),
            "{to} was released: {command:?}"
        );
    }

    /// M-77: every preparation of the session is over.
    fn check_barrier(&self, instance: InstanceId) {
        let session = self
            .manager
            .sessions()
            .find(|session| session.instances.iter().any(|view| view.id == instance));
        for view in session.unwrap().instances {
            assert!(
                !matches!(
                    view.phase,
                    Phase::New | Phase::Initialized | Phase::Listed | Phase::Preparing
                ),
                "{} is {:?} while {instance} synchronizes",
                view.id,
                view.phase
            );
        }
    }

    fn request(&mut self, op: Op) {
        let h = pick(&HANDLERS, op.a);
        let scope = match op.b % 5 {
            0 => Scope::Checked,
            1 => Scope::Handler(handler(h)),
            2 => Scope::Items(vec![at(h, pick(&ITEMS, op.a / 3)), at("plain", "A")]),
            3 => Scope::Items(vec![at(h, pick(&ITEMS, op.a / 3))]),
            _ => Scope::Items(vec![at(h, "unknown")]),
        };
        let work = match op.b / 5 % 10 {
            1 => Work::Undo { run: RunId(1) },
            2 => Work::Resolve {
                decisions: vec![Decision {
                    conflict: "c".to_owned(),
                    name: "a.txt".to_owned(),
                    choice: "left".to_owned(),
                }],
            },
            3 => Work::List,
            4 => Work::Properties(PropertyAsk::Show),
            5 => Work::Properties(PropertyAsk::Read),
            _ => Work::Synchronize,
        };
        let trigger = pick(&TRIGGERS, op.a / 5);
        let id = self.manager.next_request();
        self.asked.push(id);
        self.input(Input::Request(
            id,
            Request {
                scope,
                work,
                trigger,
                may_bother_user: op.a.is_multiple_of(2),
                cookie: (op.b > 240).then(|| vec![1]),
                if_running: if op.a > 200 {
                    IfRunning::Ignore
                } else {
                    IfRunning::Again
                },
            },
        ));
    }

    /// The next thing that a well-behaved instance would say.
    fn behave(&mut self, instance: InstanceId, op: Op) {
        let Some(view) = self.manager.instance(instance) else {
            return;
        };
        let said = match view.phase {
            Phase::New => InstanceInput::Initialized(facts(match view.handler.as_str() {
                "plain" => &[],
                "shared" => &[HC::ConcurrentSessions],
                _ => &[HC::ConflictStore, HC::Plan, HC::Undo, HC::Properties],
            })),
            Phase::Initialized => InstanceInput::ItemsListed {
                items: ITEMS.iter().map(|item| listed(item)).collect(),
                incomplete: false,
            },
            Phase::Preparing => {
                self.hear(instance, InstanceInput::PrepareReturned(Began::Yes));
                InstanceInput::PrepareCompleted(Completed::Done)
            }
            Phase::Syncing if op.b.is_multiple_of(3) => {
                self.hear(instance, InstanceInput::SynchronizeReturned(Began::Yes));
                InstanceInput::SynchronizeCompleted(Completed::Done)
            }
            Phase::Syncing => report(op, None),
            Phase::Undoing => InstanceInput::Undone(Ok(Counts::default())),
            Phase::Resolving => InstanceInput::Resolved(vec![Ok(ResolveFeedback::Continue {
                resting: None,
                counts: Counts::default(),
            })]),
            Phase::Reviewing => InstanceInput::ConflictsListed {
                items: ITEMS.iter().map(|item| id(item)).collect(),
                conflicts: Vec::new(),
            },
            Phase::ErrorUi => {
                self.hear(instance, InstanceInput::ShowErrorReturned(Began::Yes));
                InstanceInput::ShowErrorCompleted(vec![id(pick(&ITEMS, op.b))])
            }
            Phase::Done => {
                // Some wait for what comes of it: each of them is told once, however it ends.
                let request = (op.b % 4 < 3).then(|| self.manager.next_request());
                self.asked.extend(request);
                self.input(Input::ShowError {
                    instance,
                    error: "E".to_owned(),
                    request,
                });
                return;
            }
            // Read once more, when it is.
            Phase::Listed if op.b.is_multiple_of(2) => InstanceInput::ItemsListed {
                items: vec![listed("A")],
                incomplete: false,
            },
            Phase::Properties if op.b.is_multiple_of(2) => {
                self.hear(instance, InstanceInput::ShowPropertiesReturned(Began::Yes));
                InstanceInput::ShowPropertiesCompleted(PropertiesEffect::EnumerateItems)
            }
            Phase::Properties => InstanceInput::PropertiesRead(Err("no".to_owned())),
            Phase::Listed | Phase::Prepared => return,
            Phase::Released => exited(),
        };
        self.hear(instance, said);
    }

    /// Anything at all, in any phase, also of instances that never were.
    fn misbehave(&mut self, instance: InstanceId, op: Op) {
        let reply = self.reply();
        let item = id(pick(&["A", "B", "C", "D", "x"], op.b));
        let failed = Completed::Failed {
            reason: "no".to_owned(),
            failure: Failure::Soft,
            retry_after: None,
        };
        let said = match op.a % 40 {
            0 => InstanceInput::Initialized(facts(&[HC::ConflictStore])),
            1 => InstanceInput::Declined,
            2 => InstanceInput::NotInitialized("no".to_owned()),
            3 => InstanceInput::ItemsListed {
                items: vec![listed("A"), listed("a"), listed("x")],
                incomplete: op.b.is_multiple_of(2),
            },
            4 => InstanceInput::ItemsNotListed("no".to_owned()),
            5 => InstanceInput::PrepareReturned(Began::NeedsUser),
            6 => InstanceInput::PrepareReturned(Began::Yes),
            7 => InstanceInput::PrepareCompleted(failed),
            8 => InstanceInput::PrepareCompleted(Completed::Done),
            9 => InstanceInput::SynchronizeReturned(Began::No("no".to_owned())),
            10 => InstanceInput::SynchronizeReturned(Began::Yes),
            11 => InstanceInput::SynchronizeCompleted(failed),
            12 => InstanceInput::SynchronizeCompleted(Completed::Cancelled),
            13 | 14 => report(op, None),
            15 => report(op, self.live.contains_key(&instance).then_some(reply)),
            16 | 17 => InstanceInput::Log {
                level: Level::Error,
                text: "bad".to_owned(),
                item: Some(item),
                detail: None,
                error: Some("E".to_owned()),
                jump: true,
            },
            18 => InstanceInput::DeleteLog((op.b.is_multiple_of(2)).then(|| "E".to_owned())),
            19..=21 => InstanceInput::Prompt {
                reply,
                prompt: prompt(op),
            },
            22 => InstanceInput::WithdrawPrompt {
                item: Some(item),
                key: "k".to_owned(),
            },
            23 => InstanceInput::EnableModeless {
                reply,
                enable: op.b.is_multiple_of(2),
            },
            24 => InstanceInput::EstablishConnection { reply, name: None },
            25 => InstanceInput::QueryLateItems(reply),
            26 => InstanceInput::AddItem(reply, item),
            27 => InstanceInput::ProposeItem(reply, listed(item.as_str())),
            28 => InstanceInput::CommitItem(reply, item),
            29 => InstanceInput::ItemsChanged,
            30 => InstanceInput::ConflictsListed {
                items: vec![item.clone()],
                conflicts: vec![ConflictRow {
                    id: "c".to_owned(),
                    item: at("full", item.as_str()),
                    name: "n".to_owned(),
                    summary: "s".to_owned(),
                    found: self.now,
                    versions: Vec::new(),
                    choices: Vec::new(),
                }],
            },
            31 => InstanceInput::ShowErrorCompleted(vec![item]),
            32 => InstanceInput::Violation("half a line".to_owned()),
            33 => InstanceInput::ShowPropertiesReturned(Began::No("no".to_owned())),
            34 => InstanceInput::ShowPropertiesCompleted(PropertiesEffect::ItemDeleted),
            35 => InstanceInput::PropertiesRead(Ok(PropertySheet {
                schema: "{}".to_owned(),
                values: "{}".to_owned(),
                definition: None,
                effect: PropertiesEffect::ItemDeleted,
            })),
            36 => InstanceInput::EstablishConnection {
                reply,
                name: Some("vpn".to_owned()),
            },
            // A look-up that ends for the last question, or for one that nobody made.
            37 | 38 => InstanceInput::Recalled {
                reply: ReplyId(self.replies.saturating_sub(u64::from(op.b % 4))),
                found: Ok((op.b.is_multiple_of(2)).then(|| KnownAnswer {
                    choice: "yes".to_owned(),
                    fields: Typed::default(),
                })),
            },
            _ => exited(),
        };
        // What is gone says nothing that would be answered.
        let asks = matches!(
            said,
            InstanceInput::Prompt { .. }
                | InstanceInput::EnableModeless { .. }
                | InstanceInput::EstablishConnection { .. }
                | InstanceInput::QueryLateItems(_)
                | InstanceInput::AddItem(..)
                | InstanceInput::ProposeItem(..)
                | InstanceInput::CommitItem(..)
        );
        if !asks || self.live.contains_key(&instance) {
            self.hear(instance, said);
        }
    }

    fn user(&mut self, op: Op) {
        let h = pick(&HANDLERS, op.a);
        let item = at(h, pick(&ITEMS, op.b));
        let until = Timestamp(self.now.0 + i64::from(op.b) * 1000);
        let input = match op.a % 17 {
            0 => Input::Stop(StopScope::All),
            1 => Input::Stop(StopScope::Session(SessionId(u64::from(op.b % 8)))),
            2 | 3 => match self.asked.get(usize::from(op.b)) {
                Some(request) => Input::Stop(StopScope::Request(*request)),
                None => Input::Tick,
            },
            4 | 5 => Input::Skip(item),
            6 => Input::Enable {
                handler: item.handler,
                item: (op.b > 60).then_some(item.item),
                enabled: !op.b.is_multiple_of(3),
            },
            7 => Input::Activate {
                handler: item.handler,
                active: !op.b.is_multiple_of(3),
            },
            8 => Input::Pause {
                scope: match op.b % 3 {
                    0 => PauseScope::All,
                    1 => PauseScope::Handler(item.handler),
                    _ => PauseScope::Item(item),
                },
                until: (op.b.is_multiple_of(2)).then_some(until),
            },
            9 => Input::Resume(PauseScope::All),
            10 | 11 => {
                let needs: Vec<NeedId> = self.manager.needs().map(|need| need.id).collect();
                match needs.get(usize::from(op.b) % needs.len().max(1)) {
                    Some(need) => Input::Answer {
                        need: *need,
                        choice: pick(&["yes", "later", "nonsense"], op.b).to_owned(),
                        fields: Typed::default(),
                        by: "me".to_owned(),
                    },
                    None => Input::Tick,
                }
            }
            12 => Input::Facts(vec![Fact::Network {
                usable: op.b.is_multiple_of(2),
                metered: op.b.is_multiple_of(3),
                wifi: None,
                vpn: false,
            }]),
            13 => Input::Conditions(
                item,
                match op.b % 3 {
                    0 => vec![Condition::AnyNetwork],
                    1 => vec![Condition::NotRunning(syncmgr_core::rule::Select::Item(at(
                        "plain", "A",
                    )))],
                    _ => Vec::new(),
                },
            ),
            14 => Input::ItemRemoved(item),
            15 if op.b < 20 => Input::HandlerUnregistered(item.handler),
            15 => Input::HandlerRegistered {
                id: item.handler,
                description: "again".to_owned(),
            },
            _ => Input::ItemDefined(item.handler, listed(pick(&ITEMS, op.b))),
        };
        self.input(input);
    }

    fn outside(&mut self, op: Op) {
        let session = if op.a.is_multiple_of(3) {
            self.manager.next_session()
        } else {
            SessionId(u64::from(op.b % 16))
        };
        let item = id(pick(&ITEMS, op.b));
        self.input(Input::External(match op.a % 3 {
            0 => ExternalInput::Open {
                session,
                handler: handler(pick(&HANDLERS, op.b)),
                items: vec![item],
                within: op.b.is_multiple_of(2).then_some(Duration::from_secs(60)),
            },
            1 => ExternalInput::Progress(
                session,
                Progress {
                    item: Some(item),
                    status: Some(pick(&STATUSES, op.b / 4)),
                    ..Progress::default()
                },
            ),
            _ => ExternalInput::Close(session),
        }));
    }

    fn step(&mut self, op: Op) {
        let live: Vec<InstanceId> = self.live.keys().copied().collect();
        let some = live
            .get(usize::from(op.a) % live.len().max(1))
            .copied()
            .unwrap_or(InstanceId(u64::from(op.b)));
        match op.kind % 16 {
            0 | 1 => self.request(op),
            2..=8 => self.behave(some, op),
            9..=11 => {
                let some = live
                    .get(usize::from(op.b) % live.len().max(1))
                    .copied()
                    .unwrap_or(InstanceId(u64::from(op.b)));
                self.misbehave(some, op);
            }
            12 | 13 => self.user(op),
            14 => self.outside(op),
            15 if op.a < 100 && !self.hooks.is_empty() => self.end_hook(op),
            15 if op.b.is_multiple_of(2) => self.connect(op),
            _ => {
                self.now = Timestamp(self.now.0 + i64::from(op.a) * i64::from(op.b) * 50);
                self.input(Input::Tick);
            }
        }
    }

    /// Ends a hook.
    fn end_hook(&mut self, op: Op) {
        let Some(hook) = self.hooks.pop_first() else {
            return;
        };
        let how = match op.a % 3 {
            0 => Err(HookFailure {
                text: "it ended with exit status 1".to_owned(),
                later: op.b.is_multiple_of(2),
            }),
            _ => Ok(()),
        };
        let output = "said\nmore".to_owned();
        self.input(Input::HookEnded(hook, HookEnded { how, output }));
    }

    /// Ends a dial or a closing.
    fn connect(&mut self, op: Op) {
        if let Some(name) = self.closing.pop() {
            self.input(Input::Disconnected {
                name,
                problem: None,
            });
        } else if let Some(name) = self.dialling.pop_first() {
            let outcome = match op.a % 3 {
                // What is ours is up, and is not dialled again.
                0 if !self.ours.contains(&name) => {
                    self.ours.insert(name.clone());
                    Ok(Dialled::ByUs)
                }
                1 => Err("busy".to_owned()),
                _ => Ok(Dialled::Before),
            };
            self.input(Input::Connected { name, outcome });
        }
    }

    /// Ends everything, and looks whether it is all over.
    fn drain(&mut self) {
        self.input(Input::Pause {
            scope: PauseScope::All,
            until: None,
        });
        for _ in 0..MAX_DRAIN {
            let outside: Vec<SessionId> = self
                .manager
                .sessions()
                .filter(|session| session.trigger == Trigger::External)
                .map(|session| session.id)
                .collect();
            for session in outside {
                self.input(Input::External(ExternalInput::Close(session)));
            }
            let live: Vec<InstanceId> = self.live.keys().copied().collect();
            if live.is_empty() && self.manager.is_idle() {
                break;
            }
            for instance in live {
                self.hear(instance, exited());
            }
            while !self.hooks.is_empty() {
                let (kind, a, b) = (0, 1, 0);
                self.end_hook(Op { kind, a, b });
            }
        }
        while !self.dialling.is_empty() || !self.closing.is_empty() {
            self.connect(Op {
                kind: 0,
                a: 0,
                b: 0,
            });
        }
        assert!(!self.manager.holds_connections(), "M-145");
        assert!(self.ours.is_empty(), "M-145");
        assert!(self.manager.is_idle(), "something waits for ever");
        assert!(self.manager.is_quiet());
        for request in &self.asked {
            assert_eq!(
                self.ended.get(request),
                Some(&1),
                "request {request} never ended"
            );
            assert!(!self.manager.is_alive(*request));
        }
        for run in self.runs.values() {
            assert_ne!(run.outcome, RunOutcome::Open, "run {} is open", run.id);
        }
        for row in self.rows.values() {
            assert!(row.status.is_terminal());
        }
        assert_eq!(self.manager.sessions().count(), 0);
    }
}

fn exited() -> InstanceInput {
    InstanceInput::Exited {
        how: "exit status 1".to_owned(),
        requested: false,
        stderr: "last words".to_owned(),
    }
}

fn report(op: Op, reply: Option<ReplyId>) -> InstanceInput {
    InstanceInput::Progress(
        Progress {
            item: Some(id(pick(&["A", "B", "C", "D", "x"], op.b))),
            status: Some(pick(&STATUSES, op.b / 5)),
            text: Some("text".to_owned()),
            value: Some(u64::from(op.a)),
            max: Some(u64::from(op.b)),
            counts: None,
            failure: (op.a.is_multiple_of(2)).then_some(Failure::Soft),
            retry_after: (op.a.is_multiple_of(3)).then(|| Duration::from_secs(u64::from(op.b))),
        },
        reply,
    )
}

fn prompt(op: Op) -> Prompt {
    let choice = |name: &str| Choice {
        name: name.to_owned(),
        label: name.to_owned(),
    };
    Prompt {
        item: (!op.b.is_multiple_of(4)).then(|| id(pick(&["A", "B", "x"], op.b))),
        key: pick(&["k", "l"], op.b / 3).to_owned(),
        kind: pick(&[NeedKind::Guard, NeedKind::Prompt, NeedKind::Login], op.b),
        text: "?".to_owned(),
        detail: None,
        choices: vec![choice("yes"), choice("later")],
        default: (op.b.is_multiple_of(5)).then(|| "yes".to_owned()),
        fields: (op.b.is_multiple_of(3)).then(|| "[{\"kind\":\"secret\"}]".to_owned()),
        deadline: (op.b.is_multiple_of(7)).then(|| Duration::from_secs(30)),
        durable: op.b.is_multiple_of(2),
        context: "{}".to_owned(),
        wrong: false,
    }
}

fn settings(automatic: bool) -> Settings {
    if automatic {
        Settings::default()
    } else {
        Settings::embedded()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(
        automatic: bool,
        hooks: bool,
        script in prop::collection::vec(
            (any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(kind, a, b)| Op { kind, a, b }),
            1..200,
        ),
    ) {
        let mut model = Model::new(settings(automatic), hooks);
        for op in script {
            model.step(op);
        }
        model.drain();
    }
}
