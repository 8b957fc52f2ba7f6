//! The real manager on the store: whatever happens to it, the store takes what it records, and after every restart the
//! next manager begins with what the last one knew.
#![expect(clippy::unwrap_used, reason = "a test says by a panic that it failed")]

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use syncmgr_core::command::{Command, ReplyId};
use syncmgr_core::conflict::{ConflictRow, Decision};
use syncmgr_core::input::{
    Began, Completed, ExternalInput, HandlerFacts, Input, InstanceInput, ListedItem, Progress,
    Prompt, StopScope,
};
use syncmgr_core::item::{
    Connected, Counts, Failure, HandlerCapability, ItemCapability, ItemStatus,
};
use syncmgr_core::log::Level;
use syncmgr_core::need::{Choice, NeedKind, Typed};
use syncmgr_core::record::PauseScope;
use syncmgr_core::request::{IfRunning, Request, Scope, Trigger, Work};
use syncmgr_core::retention::{Keep, Retention};
use syncmgr_core::{
    Effects, HandlerId, InstanceId, ItemId, ItemRef, Manager, NeedId, RequestId, RunId, SessionId,
    Settings, Timestamp,
};
use syncmgr_store::{Finding, OpenOptions, Store};

const HANDLERS: [&str; 2] = ["folder", "rclone"];
const ITEMS: [&str; 3] = ["notes", "NOTES", "mail"];

fn handler() -> impl Strategy<Value = HandlerId> {
    select(HANDLERS.to_vec()).prop_map(|text| HandlerId::new(text).unwrap())
}

fn item_id() -> impl Strategy<Value = ItemId> {
    select(ITEMS.to_vec()).prop_map(|text| ItemId::new(text).unwrap())
}

fn item() -> impl Strategy<Value = ItemRef> {
    (handler(), item_id()).prop_map(|(handler, item)| ItemRef { handler, item })
}

fn listed() -> impl Strategy<Value = ListedItem> {
    (item_id(), any::<bool>(), any::<bool>()).prop_map(|(id, checked, temporary)| ListedItem {
        id,
        name: "a name".to_owned(),
        comment: String::new(),
        checked,
        last_update: None,
        connected: Connected::Unknown,
        temporary,
        hidden: false,
        capabilities: vec![ItemCapability::ConflictStore, ItemCapability::Delete],
        policies: Vec::new(),
        lanes: [].into(),
    })
}

fn request() -> impl Strategy<Value = Request> {
    let scope = prop_oneof![
        Just(Scope::Checked),
        handler().prop_map(Scope::Handler),
        vec(item(), 1..3).prop_map(Scope::Items),
    ];
    let work = prop_oneof![
        6 => Just(Work::Synchronize),
        1 => Just(Work::List),
        1 => (1..4_u64).prop_map(|run| Work::Undo { run: RunId(run) }),
        1 => Just(Work::Resolve {
            decisions: vec![Decision { conflict: "a".to_owned(), name: "a.txt".to_owned(), choice: "left".to_owned() }],
        }),
    ];
    (scope, work, any::<bool>(), any::<bool>()).prop_map(
        |(scope, work, may_bother_user, manual)| Request {
            scope,
            work,
            trigger: if manual {
                Trigger::Manual
            } else {
                Trigger::Schedule
            },
            may_bother_user,
            cookie: None,
            if_running: IfRunning::Again,
        },
    )
}

fn completed() -> impl Strategy<Value = Completed> {
    prop_oneof![
        4 => Just(Completed::Done),
        1 => select(vec![Failure::Soft, Failure::Hard])
            .prop_map(|failure| Completed::Failed { reason: "no".to_owned(), failure, retry_after: None }),
        1 => Just(Completed::Cancelled),
    ]
}

fn progress() -> impl Strategy<Value = Progress> {
    let status = select(vec![
        ItemStatus::Updating,
        ItemStatus::Succeeded,
        ItemStatus::Failed,
        ItemStatus::Skipped,
        ItemStatus::Held,
        ItemStatus::Deleted,
    ]);
    (option::of(item_id()), option::of(status), any::<u64>()).prop_map(|(item, status, bytes)| {
        Progress {
            item,
            status,
            counts: Some(Counts {
                bytes,
                ..Counts::default()
            }),
            ..Progress::default()
        }
    })
}

/// What a handler may say at any time, in phase or not.
fn said() -> impl Strategy<Value = InstanceInput> {
    let prompt =
        (option::of(item_id()), any::<bool>(), any::<u64>()).prop_map(|(item, durable, reply)| {
            InstanceInput::Prompt {
                reply: ReplyId(reply),
                prompt: Prompt {
                    item,
                    key: "guard".to_owned(),
                    kind: NeedKind::Guard,
                    text: "really?".to_owned(),
                    detail: None,
                    choices: vec![Choice {
                        name: "apply".to_owned(),
                        label: "do it".to_owned(),
                    }],
                    default: None,
                    fields: None,
                    deadline: Some(std::time::Duration::from_secs(5)),
                    durable,
                    context: "null".to_owned(),
                    wrong: false,
                },
            }
        });
    let log = (option::of(item_id()), any::<bool>()).prop_map(|(item, jump)| InstanceInput::Log {
        level: Level::Error,
        text: "something".to_owned(),
        item,
        detail: None,
        error: jump.then(|| "E1".to_owned()),
        jump,
    });
    let conflicts = vec(item(), 0..3).prop_map(|items| InstanceInput::ConflictsListed {
        items: items.iter().map(|item| item.item.clone()).collect(),
        conflicts: items
            .into_iter()
            .map(|item| ConflictRow {
                id: "a.txt".to_owned(),
                item,
                name: "a.txt".to_owned(),
                summary: "both".to_owned(),
                found: Timestamp(1),
                versions: Vec::new(),
                choices: Vec::new(),
            })
            .collect(),
    });
    prop_oneof![
        4 => progress().prop_map(|progress| InstanceInput::Progress(progress, None)),
        3 => prompt,
        3 => log,
        1 => option::of(Just("E1".to_owned())).prop_map(InstanceInput::DeleteLog),
        1 => Just(InstanceInput::ItemsChanged),
        1 => option::of(item_id()).prop_map(InstanceInput::ConflictsChanged),
        1 => conflicts,
        1 => item_id().prop_map(|item| InstanceInput::AddItem(ReplyId(1), item)),
        1 => listed().prop_map(|item| InstanceInput::ProposeItem(ReplyId(2), item)),
        1 => item_id().prop_map(|item| InstanceInput::CommitItem(ReplyId(3), item)),
        1 => vec(item_id(), 0..2).prop_map(InstanceInput::ShowErrorCompleted),
        1 => Just(InstanceInput::Violation("nonsense".to_owned())),
        1 => completed().prop_map(InstanceInput::SynchronizeCompleted),
        1 => Just(exited()),
    ]
}

fn exited() -> InstanceInput {
    InstanceInput::Exited {
        how: "exit status 0".to_owned(),
        requested: true,
        stderr: "the end".to_owned(),
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Do as the oldest commands say, so many of them.
    Obey(usize, Completed),
    /// A living instance says something.
    Say(Index, InstanceInput),
    /// Something else happens.
    Input(Input),
    /// Somebody wants something.
    Ask(Request),
    /// Somebody outside works.
    Outside(HandlerId, Vec<ItemId>, Progress, bool),
    /// Time passes.
    Pass(i64),
    /// The manager ends, and another one begins with what the store remembers.
    Restart,
    /// Everything is pruned that may be.
    Prune,
}

fn step() -> impl Strategy<Value = Step> {
    let scope = prop_oneof![
        Just(PauseScope::All),
        handler().prop_map(PauseScope::Handler),
        item().prop_map(PauseScope::Item),
    ];
    let input = prop_oneof![
        4 => handler().prop_map(|id| Input::HandlerRegistered { id, description: "some".to_owned() }),
        1 => handler().prop_map(Input::HandlerUnregistered),
        4 => (handler(), listed()).prop_map(|(handler, item)| Input::ItemDefined(handler, item)),
        1 => item().prop_map(Input::ItemRemoved),
        1 => item().prop_map(|item| Input::ItemPreferences {
            item, labels: vec!["home".to_owned()], checked: Some(true), expected_freshness: None }),
        1 => Just(Input::Stop(StopScope::All)),
        1 => (1..5_u64).prop_map(|request| Input::Stop(StopScope::Request(RequestId(request)))),
        1 => item().prop_map(Input::Skip),
        1 => (handler(), option::of(item_id()), any::<bool>())
            .prop_map(|(handler, item, enabled)| Input::Enable { handler, item, enabled }),
        1 => (handler(), any::<bool>()).prop_map(|(handler, active)| Input::Activate { handler, active }),
        1 => (scope.clone(), option::of((0..50_000_i64).prop_map(Timestamp)))
            .prop_map(|(scope, until)| Input::Pause { scope, until }),
        1 => scope.prop_map(Input::Resume),
        2 => (1..5_u64).prop_map(|need| Input::Answer {
            need: NeedId(need), choice: "apply".to_owned(), fields: Typed::default(), by: "me".to_owned() }),
        1 => Just(Input::LockTakenOver { pid: 7 }),
        1 => (1..6_u64).prop_map(|session| Input::External(ExternalInput::Close(SessionId(session)))),
    ];
    prop_oneof![
        8 => (1..8_usize, completed()).prop_map(|(count, how)| Step::Obey(count, how)),
        6 => (any::<Index>(), said()).prop_map(|(at, said)| Step::Say(at, said)),
        6 => input.prop_map(Step::Input),
        5 => request().prop_map(Step::Ask),
        1 => (handler(), vec(item_id(), 1..3), progress(), any::<bool>())
            .prop_map(|(handler, items, progress, close)| Step::Outside(handler, items, progress, close)),
        2 => (1..400_000_i64).prop_map(Step::Pass),
        1 => Just(Step::Restart),
        1 => Just(Step::Prune),
    ]
}

/// What a handler does that does what it is told.
fn obedient(command: Command, how: &Completed) -> Option<(InstanceId, Vec<InstanceInput>)> {
    let items = || {
        let item = |text: &str| ListedItem {
            id: ItemId::new(text).unwrap(),
            name: text.to_owned(),
            comment: String::new(),
            checked: true,
            last_update: None,
            connected: Connected::Yes,
            temporary: text == "mail",
            hidden: false,
            capabilities: vec![ItemCapability::ConflictStore],
            policies: Vec::new(),
            lanes: [].into(),
        };
        InstanceInput::ItemsListed {
            items: vec![item("notes"), item("mail")],
            incomplete: false,
        }
    };
    let facts = || {
        InstanceInput::Initialized(HandlerFacts {
            name: "a name".to_owned(),
            comment: String::new(),
            version: "1".to_owned(),
            always_list: true,
            hidden: false,
            capabilities: vec![
                HandlerCapability::Plan,
                HandlerCapability::Undo,
                HandlerCapability::ConflictStore,
                HandlerCapability::ConcurrentSessions,
                HandlerCapability::DefineItems,
                HandlerCapability::Connection,
            ],
            policies: Vec::new(),
        })
    };
    let spawned = InstanceInput::Spawned {
        pid: 4711,
        start_time: u64::MAX,
    };
    Some(match command {
        Command::Start { instance, .. } => (instance, vec![spawned, facts()]),
        Command::ListItems(instance) => (instance, vec![items()]),
        Command::Prepare { instance, .. } => (
            instance,
            vec![
                InstanceInput::PrepareReturned(Began::Yes),
                InstanceInput::PrepareCompleted(Completed::Done),
            ],
        ),
        Command::Synchronize(instance) => (
            instance,
            vec![
                InstanceInput::SynchronizeReturned(Began::Yes),
                InstanceInput::SynchronizeCompleted(how.clone()),
            ],
        ),
        Command::Undo { instance, .. } => {
            (instance, vec![InstanceInput::Undone(Ok(Counts::default()))])
        }
        Command::Resolve { instance, .. } => (
            instance,
            vec![InstanceInput::Resolved(vec![Err("gone".to_owned())])],
        ),
        Command::ListConflicts { instance, items } => (
            instance,
            vec![InstanceInput::ConflictsListed {
                items,
                conflicts: Vec::new(),
            }],
        ),
        Command::Release(instance) | Command::Insist(instance) => (instance, vec![exited()]),
        Command::ShowError { instance, .. } => (
            instance,
            vec![
                InstanceInput::ShowErrorReturned(Began::Yes),
                InstanceInput::ShowErrorCompleted(Vec::new()),
            ],
        ),
        Command::Properties { instance, .. } | Command::ShowProperties { instance, .. } => (
            instance,
            vec![InstanceInput::ShowPropertiesReturned(Began::No(
                "none".to_owned(),
            ))],
        ),
        Command::ItemStatus { .. }
        | Command::Connect { .. }
        | Command::CancelConnect { .. }
        | Command::Disconnect { .. }
        | Command::KeepAwake { .. }
        | Command::LetSleep
        | Command::Hook(_)
        | Command::EndHook(_)
        | Command::Deliver(_)
        | Command::Pulse { .. }
        | Command::Notice(_)
        | Command::Recall { .. }
        | Command::Forget(_)
        | Command::Reply { .. } => return None,
    })
}

/// Keeps only what must be kept.
fn nothing() -> Retention {
    let nothing = Keep {
        age: std::time::Duration::ZERO,
        count: 0,
    };
    Retention {
        runs: nothing,
        log: nothing,
        events: nothing,
        needs: nothing,
    }
}

struct World {
    path: std::path::PathBuf,
    store: Option<Store>,
    manager: Manager,
    now: Timestamp,
    commands: VecDeque<Command>,
    instances: Vec<InstanceId>,
}

impl World {
    fn new(path: &std::path::Path) -> Self {
        let store = Store::open(path, &OpenOptions::default()).unwrap();
        let now = Timestamp(1_000_000);
        let (manager, effects) =
            Manager::new(Settings::default(), store.remembered().unwrap(), now);
        let mut world = Self {
            path: path.to_owned(),
            store: Some(store),
            manager,
            now,
            commands: VecDeque::new(),
            instances: Vec::new(),
        };
        world.perform(effects);
        world
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    fn perform(&mut self, effects: Effects) {
        self.store().write(&effects.records).unwrap();
        for command in effects.commands {
            if let Command::Start { instance, .. } = &command {
                self.instances.push(*instance);
            }
            self.commands.push_back(command);
        }
    }

    fn input(&mut self, input: Input) {
        let effects = self.manager.apply(self.now, input);
        self.perform(effects);
    }

    fn restart(&mut self) {
        let remembered = self.store().remembered().unwrap();
        self.store = None;
        let store = Store::open(&self.path, &OpenOptions::default()).unwrap();
        assert_eq!(store.remembered().unwrap(), remembered);
        self.store = Some(store);
        let (manager, effects) = Manager::new(Settings::default(), remembered, self.now);
        self.manager = manager;
        self.commands.clear();
        self.instances.clear();
        self.perform(effects);
        let after = self.store().remembered().unwrap();
        assert_eq!(after.open_runs, [], "what was open became interrupted");
        assert_eq!(after.open_sessions, []);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Obey(count, how) => {
                for _ in 0..count {
                    let Some(command) = self.commands.pop_front() else {
                        break;
                    };
                    if let Some((instance, said)) = obedient(command, &how) {
                        for said in said {
                            self.input(Input::Instance(instance, said));
                        }
                    }
                }
            }
            Step::Say(at, said) => {
                if !self.instances.is_empty() {
                    let instance = *at.get(&self.instances);
                    self.input(Input::Instance(instance, said));
                }
            }
            Step::Input(input) => self.input(input),
            Step::Ask(request) => {
                let id = self.manager.next_request();
                self.input(Input::Request(id, request));
            }
            Step::Outside(handler, items, progress, close) => {
                let session = self.manager.next_session();
                self.input(Input::External(ExternalInput::Open {
                    session,
                    handler,
                    items,
                    within: None,
                }));
                self.input(Input::External(ExternalInput::Progress(session, progress)));
                if close {
                    self.input(Input::External(ExternalInput::Close(session)));
                }
            }
            Step::Pass(ms) => {
                self.now = Timestamp(self.now.0 + ms);
                self.input(Input::Tick);
            }
            Step::Restart => self.restart(),
            Step::Prune => {
                let now = self.now;
                let before = self.store().remembered().unwrap();
                while self.store().prune(&nothing(), now).unwrap().more {}
                assert_eq!(
                    self.store().remembered().unwrap(),
                    before,
                    "history is not state"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_takes_whatever_the_manager_records(steps in vec(step(), 10..80)) {
        let home = tempfile::tempdir().unwrap();
        let mut world = World::new(&home.path().join("state.db"));
        for text in HANDLERS {
            let id = HandlerId::new(text).unwrap();
            world.input(Input::HandlerRegistered { id, description: text.to_owned() });
        }
        for step in steps {
            world.step(step);
        }
        world.restart();
        let findings = world.store().integrity().unwrap();
        prop_assert!(!findings.iter().any(Finding::is_problem), "{:?}", findings);
    }
}
