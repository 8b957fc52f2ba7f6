//! What is wrong with handlers, and what is kept of absent items, is known to the next manager.
#![expect(clippy::unwrap_used, reason = "a test says by a panic that it failed")]

use std::path::Path;

use syncmgr_core::input::{HandlerFacts, Input, InstanceInput, ListedItem};
use syncmgr_core::item::Connected;
use syncmgr_core::problem::FailedStep;
use syncmgr_core::record::PauseScope;
use syncmgr_core::request::{IfRunning, Request, Scope, Trigger, Work};
use syncmgr_core::verdict::Shown;
use syncmgr_core::{Command, HandlerId, InstanceId, ItemId, ItemRef, Manager, Settings, Timestamp};
use syncmgr_store::{LogFilter, OpenOptions, Store};

const NOW: Timestamp = Timestamp(1_000_000);

struct Life {
    store: Store,
    manager: Manager,
    last: InstanceId,
}

impl Life {
    fn begin(path: &Path) -> Self {
        let mut store = Store::open(path, &OpenOptions::default()).unwrap();
        let (manager, effects) =
            Manager::new(Settings::default(), store.remembered().unwrap(), NOW);
        store.write(&effects.records).unwrap();
        let mut life = Self {
            store,
            manager,
            last: InstanceId(0),
        };
        life.input(Input::HandlerRegistered {
            id: mail(),
            description: "mail".to_owned(),
        });
        life
    }

    fn input(&mut self, input: Input) {
        let effects = self.manager.apply(NOW, input);
        self.store.write(&effects.records).unwrap();
        for command in effects.commands {
            if let Command::Start { instance, .. } = command {
                self.last = instance;
            }
        }
    }

    fn hear(&mut self, said: InstanceInput) {
        self.input(Input::Instance(self.last, said));
    }

    fn ask(&mut self) {
        let id = self.manager.next_request();
        let request = Request {
            scope: Scope::Handler(mail()),
            work: Work::List,
            trigger: Trigger::Manual,
            may_bother_user: true,
            cookie: None,
            if_running: IfRunning::Again,
        };
        self.input(Input::Request(id, request));
    }

    fn list(&mut self, items: &[&str]) {
        self.ask();
        self.hear(InstanceInput::Initialized(HandlerFacts {
            name: "mail".to_owned(),
            comment: String::new(),
            version: "1".to_owned(),
            always_list: false,
            hidden: false,
            capabilities: Vec::new(),
            policies: Vec::new(),
        }));
        self.hear(InstanceInput::ItemsListed {
            items: items.iter().map(|name| listed(name)).collect(),
            incomplete: false,
        });
        self.exit("");
    }

    fn exit(&mut self, stderr: &str) {
        self.hear(InstanceInput::Exited {
            how: "it ended with exit status 1".to_owned(),
            requested: false,
            stderr: stderr.to_owned(),
        });
    }
}

fn mail() -> HandlerId {
    HandlerId::new("mail").unwrap()
}

fn inbox() -> ItemRef {
    ItemRef {
        handler: mail(),
        item: ItemId::new("inbox").unwrap(),
    }
}

fn listed(name: &str) -> ListedItem {
    ListedItem {
        id: ItemId::new(name).unwrap(),
        name: name.to_owned(),
        comment: String::new(),
        checked: true,
        last_update: None,
        connected: Connected::Unknown,
        temporary: false,
        hidden: false,
        capabilities: Vec::new(),
        policies: Vec::new(),
        lanes: [].into(),
    }
}

#[test]
fn a_failure_before_the_list_survives_a_restart_until_a_good_list() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let mut life = Life::begin(&path);
    assert_eq!(life.manager.verdict(NOW).unasked, [mail()]);
    life.ask();
    life.hear(InstanceInput::Spawned {
        pid: 7,
        start_time: 1,
    });
    life.hear(InstanceInput::NotInitialized("refused".to_owned()));
    life.exit("no password");
    drop(life);

    let mut life = Life::begin(&path);
    let problem = life.manager.handler(&mail()).unwrap().problem.clone();
    let problem = problem.unwrap();
    assert_eq!(problem.step, FailedStep::Initialize);
    assert_eq!(problem.text, "refused");
    assert_eq!(problem.detail, "no password");
    assert_eq!(life.manager.verdict(NOW).worst, Shown::Failed);
    let reader = life.store.reader().unwrap();
    let log = reader.log(&LogFilter::default(), 10).unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].detail.as_deref(), Some("no password"));
    life.list(&[]);
    drop(life);

    let life = Life::begin(&path);
    let row = life.manager.handler(&mail()).unwrap();
    assert!(row.asked && row.problem.is_none());
    assert_eq!(life.manager.verdict(NOW).worst, Shown::Fresh);
}

#[test]
fn a_pause_survives_a_restart_between_two_lists_m_55() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let mut life = Life::begin(&path);
    life.list(&["inbox"]);
    life.input(Input::Pause {
        scope: PauseScope::Item(inbox()),
        until: None,
    });
    life.input(Input::Enable {
        handler: mail(),
        item: Some(inbox().item),
        enabled: false,
    });
    life.list(&["other"]);
    drop(life);

    let mut life = Life::begin(&path);
    assert_eq!(life.manager.items().count(), 1);
    life.list(&["inbox", "other"]);
    assert_eq!(life.manager.standing(&inbox(), NOW), Shown::Disabled);
    life.input(Input::Enable {
        handler: mail(),
        item: Some(inbox().item),
        enabled: true,
    });
    assert_eq!(life.manager.standing(&inbox(), NOW), Shown::Paused);
    drop(life);

    let mut life = Life::begin(&path);
    assert_eq!(life.store.remembered().unwrap().absent, []);
    life.list(&[]);
    life.input(Input::HandlerUnregistered(mail()));
    let left = life.store.remembered().unwrap();
    assert_eq!((left.absent, left.pauses), (vec![], vec![]));
}
