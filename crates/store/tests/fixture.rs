//! The database that the first schema made opens for ever, with everything that was put into it.
#![expect(clippy::unwrap_used, reason = "a test says by a panic that it failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use syncmgr_core::conflict::{ConflictRow, ConflictVersion};
use syncmgr_core::item::{
    Activation, Connected, Counts, Failure, HandlerCapability, HandlerPolicy, HandlerRow,
    ItemCapability, ItemPolicy, ItemRow, ItemStatus, Retry,
};
use syncmgr_core::log::{Level, LogRow};
use syncmgr_core::need::{Choice, NeedKind, NeedRow, NeedState, Typed};
use syncmgr_core::problem::{FailedStep, HandlerProblem};
use syncmgr_core::record::{LastNumbers, PauseRow, PauseScope, Remembered};
use syncmgr_core::request::{RequestOutcome, Trigger};
use syncmgr_core::run::{RunItemRow, RunKind, RunOutcome, RunRow, SessionRow};
use syncmgr_core::{
    AbsentRow, Event, EventKind, EventNumber, HandlerId, ItemId, ItemRef, LogId, NeedId, Record,
    RequestId, RunId, SessionId, Timestamp,
};
use syncmgr_store::{Finding, LogFilter, OpenOptions, RunFilter, Store};

fn folder() -> HandlerId {
    HandlerId::new("folder").unwrap()
}

fn notes() -> ItemRef {
    ItemRef {
        handler: folder(),
        item: ItemId::new("Notizen für Zürich").unwrap(),
    }
}

fn counts() -> Counts {
    Counts {
        sent: 12,
        received: 3,
        deleted: 1,
        conflicts: 1,
        failed: 0,
        bytes: u64::MAX,
        // The first database does not tell the sides apart.
        ..Counts::default()
    }
}

fn handler_row() -> HandlerRow {
    HandlerRow {
        id: folder(),
        name: "Folders".to_owned(),
        comment: "two folders, both ways".to_owned(),
        version: "0.1.0".to_owned(),
        activation: Activation::Active,
        enabled: true,
        connected: Connected::Unknown,
        always_list: true,
        hidden: false,
        capabilities: [HandlerCapability::Plan, HandlerCapability::Undo].into(),
        policies: [HandlerPolicy::PreventDeactivate].into(),
        asked: true,
        problem: Some(HandlerProblem {
            step: FailedStep::List,
            text: "its items cannot be read: no".to_owned(),
            detail: "line 1\nline 2".to_owned(),
            since: Timestamp(3_000),
            last: Timestamp(4_000),
            times: 2,
        }),
    }
}

fn item_row() -> ItemRow {
    ItemRow {
        at: notes(),
        name: "notes".to_owned(),
        comment: "a\nb".to_owned(),
        labels: ["home".to_owned(), "3:odd".to_owned()].into(),
        checked: true,
        tick: Some(true),
        enabled: true,
        connected: Connected::Yes,
        temporary: false,
        hidden: false,
        capabilities: [ItemCapability::ConflictStore, ItemCapability::Delete].into(),
        policies: [ItemPolicy::DisableBrowse].into(),
        lanes: [].into(), // nor of these
        since: Timestamp(1_000),
        expected_freshness: Some(Duration::from_hours(24)),
        last_attempt: Some(Timestamp(5_000)),
        last_good: Some(Timestamp(2_000)),
        last_run: Some(RunId(1)),
        last_status: Some(ItemStatus::Held),
        last_problem: Some("many files vanished".to_owned()),
        retry: Some(Retry {
            attempt: 2,
            due: Timestamp(9_000),
            told: false, // nobody knew yet
        }),
        stall: None,
        held: None,
    }
}

fn absent_row() -> AbsentRow {
    AbsentRow {
        at: ItemRef {
            handler: folder(),
            item: ItemId::new("photos").unwrap(),
        },
        enabled: false,
        labels: ["home".to_owned()].into(),
        expected_freshness: Some(Duration::from_hours(1)),
        since: Timestamp(3_500),
    }
}

fn session_row(id: u64, outcome: Option<RequestOutcome>) -> SessionRow {
    SessionRow {
        id: SessionId(id),
        request: Some(RequestId(id + 3)),
        trigger: Trigger::PendingDisconnect,
        opened: Timestamp(1_500),
        closed: outcome.map(|_| Timestamp(5_000)),
        outcome,
    }
}

fn run_row(id: u64, outcome: RunOutcome) -> RunRow {
    let open = outcome == RunOutcome::Open;
    RunRow {
        id: RunId(id),
        session: SessionId(id),
        handler: folder(),
        kind: if open {
            RunKind::Undo(RunId(1))
        } else {
            RunKind::Synchronize
        },
        trigger: Trigger::PendingDisconnect,
        opened: Timestamp(1_500),
        closed: (!open).then_some(Timestamp(5_000)),
        outcome,
        counts: counts(),
        process: open.then_some((4_711, u64::MAX)),
        stderr: "warning: nothing".to_owned(),
        problem: Some("held back".to_owned()),
    }
}

fn run_item_row(run: u64, status: ItemStatus) -> RunItemRow {
    RunItemRow {
        run: RunId(run),
        item: notes(),
        status,
        failure: Some(Failure::Soft),
        text: "many files vanished".to_owned(),
        counts: counts(),
    }
}

fn log_row() -> LogRow {
    LogRow {
        id: LogId(8),
        at: Timestamp(4_000),
        level: Level::Warning,
        handler: Some(folder()),
        item: Some(notes()),
        run: Some(RunId(1)),
        text: "many files vanished".to_owned(),
        detail: Some("see the need".to_owned()),
        error: Some("guard".to_owned()),
        jump: true,
    }
}

fn choices() -> Vec<Choice> {
    vec![
        Choice {
            name: "left".to_owned(),
            label: "keep left: it is right".to_owned(),
        },
        Choice {
            name: String::new(),
            label: "ü".to_owned(),
        },
    ]
}

fn need_row(id: u64, state: NeedState) -> NeedRow {
    NeedRow {
        id: NeedId(id),
        handler: folder(),
        item: Some(notes().item),
        key: "guard".to_owned(),
        kind: NeedKind::Guard,
        durable: true,
        text: "really?".to_owned(),
        detail: Some("30 of 40 files vanished".to_owned()),
        choices: choices(),
        default: Some("later".to_owned()),
        deadline: Some(Timestamp(90_000)),
        fields: Some("{}".to_owned()),
        context: "null".to_owned(),
        opened: Timestamp(4_500),
        run: Some(RunId(1)),
        state,
    }
}

fn needs() -> Vec<NeedRow> {
    vec![
        need_row(1, NeedState::Open),
        need_row(
            2,
            NeedState::Answered {
                choice: "left".to_owned(),
                fields: Typed::default(),
                by: "somebody".to_owned(),
                at: Timestamp(4_600),
            },
        ),
        need_row(
            3,
            NeedState::Used {
                choice: "left".to_owned(),
                run: RunId(2),
            },
        ),
        need_row(4, NeedState::Withdrawn),
        need_row(5, NeedState::Expired),
    ]
}

fn conflict_row() -> ConflictRow {
    ConflictRow {
        id: "a.txt".to_owned(),
        item: notes(),
        name: "a.txt".to_owned(),
        summary: "both were edited".to_owned(),
        found: Timestamp(3_000),
        versions: vec![
            ConflictVersion {
                place: "left".to_owned(),
                location: "/left/a.txt".to_owned(),
                deleted: false,
                kind: "file".to_owned(),
                size: Some(17),
                modified: Some(Timestamp(-1)),
            },
            ConflictVersion {
                place: "right".to_owned(),
                location: "/right/a.txt".to_owned(),
                deleted: true,
                kind: "file".to_owned(),
                size: None,
                modified: None,
            },
        ],
        choices: choices(),
    }
}

fn pauses() -> Vec<PauseRow> {
    let pause = |scope, until: Option<i64>| PauseRow {
        scope,
        since: Timestamp(100),
        until: until.map(Timestamp),
    };
    vec![
        pause(PauseScope::All, None),
        pause(PauseScope::Handler(folder()), Some(200)),
        pause(PauseScope::Item(notes()), Some(300)),
    ]
}

fn events() -> Vec<Event> {
    let (run, session, request, need) = (RunId(1), SessionId(1), RequestId(4), NeedId(1));
    let (handler, item) = (folder(), notes());
    let kinds = vec![
        EventKind::HandlerRegistered(handler.clone()),
        EventKind::HandlerUnregistered(handler.clone()),
        EventKind::ItemAdded(item.clone()),
        EventKind::ItemRemoved(item.clone()),
        EventKind::RequestQueued {
            request,
            trigger: Trigger::FileChange,
        },
        EventKind::RequestMerged {
            request,
            into: RequestId(3),
        },
        EventKind::RequestEnded {
            request,
            outcome: RequestOutcome::NeedsYou,
        },
        EventKind::SessionOpened(session),
        EventKind::SessionClosed {
            session,
            outcome: RequestOutcome::Nothing,
        },
        EventKind::RunOpened {
            run,
            handler: handler.clone(),
        },
        EventKind::RunClosed {
            run,
            outcome: RunOutcome::Interrupted,
        },
        EventKind::ItemFinished {
            run,
            item: item.clone(),
            status: ItemStatus::Disconnected,
        },
        EventKind::StopRequested(session),
        EventKind::SkipRequested(item.clone()),
        EventKind::ProtocolViolation {
            handler: handler.clone(),
            text: "it spoke after the end".to_owned(),
        },
        EventKind::InstanceAbandoned(handler.clone()),
        EventKind::NeedOpened(need),
        EventKind::NeedClosed(need),
        EventKind::ConflictsChanged {
            item: item.clone(),
            open: 1,
        },
        EventKind::Paused(None),
        EventKind::Resumed(Some(item.clone())),
        EventKind::LockTakenOver { pid: u32::MAX },
        EventKind::RunInterrupted(run),
        EventKind::EnabledChanged {
            handler,
            item: Some(item),
            enabled: true,
        },
    ];
    (1..)
        .zip(kinds)
        .map(|(number, kind)| Event {
            number: EventNumber(number),
            at: Timestamp(1_000),
            kind,
        })
        .collect()
}

fn records() -> Vec<Record> {
    let mut records = vec![
        Record::Handler(handler_row()),
        Record::Item(item_row()),
        Record::Absent(absent_row()),
        Record::Session(session_row(1, Some(RequestOutcome::NeedsYou))),
        Record::Session(session_row(2, None)),
        Record::Run(run_row(1, RunOutcome::NeedsYou)),
        Record::Run(run_row(2, RunOutcome::Open)),
        Record::RunItem(run_item_row(1, ItemStatus::Held)),
        Record::RunItem(run_item_row(2, ItemStatus::UpdatingIndeterminate)),
        Record::Log(log_row()),
        Record::Conflicts {
            item: notes(),
            conflicts: vec![conflict_row()],
        },
    ];
    records.extend(needs().into_iter().map(Record::Need));
    records.extend(pauses().into_iter().map(Record::Pause));
    records.push(Record::RuleSeen {
        rule: "nightly".into(),
        considered: Timestamp(500),
    });
    records.extend(events().into_iter().map(Record::Event));
    records
}

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join("v1.db")
}

#[test]
#[ignore = "makes the kept database again: only while its schema was never shipped"]
fn make_the_kept_database() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    Store::open(&path, &OpenOptions::default())
        .unwrap()
        .write(&records())
        .unwrap();
    fs::create_dir_all(kept().parent().unwrap()).unwrap();
    fs::copy(path, kept()).unwrap();
}

#[test]
fn the_first_database_opens_for_ever() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    fs::write(&path, fs::read(kept()).unwrap()).unwrap();
    let mut store = Store::open(&path, &OpenOptions::default()).unwrap();

    let expected = Remembered {
        handlers: vec![handler_row()],
        items: [item_row()].into_iter().collect(),
        absent: vec![absent_row()],
        open_runs: vec![(
            run_row(2, RunOutcome::Open),
            vec![run_item_row(2, ItemStatus::UpdatingIndeterminate)],
        )],
        open_sessions: vec![session_row(2, None)],
        outside: vec![],
        needs: needs()[..2].to_vec(),
        conflicts: vec![(notes(), 1)],
        pauses: pauses(),
        rules: vec![("nightly".into(), Timestamp(500))],
        last: LastNumbers {
            request: 5,
            session: 2,
            run: 2,
            need: 5,
            log: 8,
            event: 24,
            ..LastNumbers::default()
        },
    };
    assert_eq!(store.remembered().unwrap(), expected);

    let reader = store.reader().unwrap();
    assert_eq!(reader.events(EventNumber(0), 1000).unwrap(), events());
    assert_eq!(reader.log(&LogFilter::default(), 10).unwrap(), [log_row()]);
    assert_eq!(reader.conflicts(None, 0, 10).unwrap(), [conflict_row()]);
    let mut all = needs();
    all.reverse();
    assert_eq!(reader.needs(false, 10).unwrap(), all);
    let page = reader.run(RunId(1), 10, 10).unwrap().unwrap();
    assert_eq!(page.run, run_row(1, RunOutcome::NeedsYou));
    assert_eq!(page.items, [run_item_row(1, ItemStatus::Held)]);
    assert_eq!(page.log, [log_row()]);
    let runs = reader.runs(&RunFilter::default(), 10).unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(
        reader.sessions(10).unwrap(),
        [
            session_row(2, None),
            session_row(1, Some(RequestOutcome::NeedsYou))
        ]
    );
    let problems: Vec<_> = store
        .integrity()
        .unwrap()
        .into_iter()
        .filter(Finding::is_problem)
        // How the repository was checked out is no matter of the database.
        .filter(|finding| !matches!(finding, Finding::OpenToOthers(_)))
        .collect();
    assert_eq!(problems, []);

    // It goes on as a database of today: the same rows again replace themselves, log and events do not.
    let again: Vec<_> = records()
        .into_iter()
        .filter(|record| !matches!(record, Record::Log(_) | Record::Event(_)))
        .collect();
    store.write(&again).unwrap();
    assert_eq!(store.remembered().unwrap(), expected);
}

#[test]
fn what_is_gone_takes_what_the_user_preferred_with_it_and_leaves_history_m_25() {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::open(&home.path().join("state.db"), &OpenOptions::default()).unwrap();
    store.write(&records()).unwrap();
    let other = |name: &str| ItemRow {
        at: ItemRef {
            handler: folder(),
            item: ItemId::new(name).unwrap(),
        },
        ..item_row()
    };
    let mut need = need_row(9, NeedState::Open);
    need.item = None;
    store
        .write(&[
            Record::Item(other("mail")),
            Record::Need(need.clone()),
            Record::ItemGone(notes()),
        ])
        .unwrap();
    let left = store.remembered().unwrap();
    assert!(left.items.iter().eq([&other("mail")]));
    assert_eq!(left.needs, [need]);
    assert_eq!(left.conflicts, []);
    assert_eq!(left.pauses, pauses()[..2]);

    store.write(&[Record::HandlerGone(folder())]).unwrap();
    let left = store.remembered().unwrap();
    assert_eq!(left.handlers, []);
    assert_eq!(left.items.iter().count(), 0);
    assert_eq!(left.needs, []);
    assert_eq!(left.pauses, pauses()[..1]);
    let reader = store.reader().unwrap();
    assert_eq!(reader.needs(false, 10).unwrap(), []);
    assert_eq!(reader.conflicts(None, 0, 10).unwrap(), []);
    assert_eq!(reader.runs(&RunFilter::default(), 10).unwrap().len(), 2);
    assert_eq!(reader.log(&LogFilter::default(), 10).unwrap(), [log_row()]);
    assert_eq!(reader.history(&notes(), 10).unwrap().len(), 2);
}

#[test]
fn pages_join_without_a_gap_or_a_repetition() {
    const ROWS: u64 = 25;
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::open(&home.path().join("state.db"), &OpenOptions::default()).unwrap();
    let mut all = vec![Record::Session(session_row(1, None))];
    for number in 1..=ROWS {
        all.push(Record::Run(RunRow {
            id: RunId(number),
            session: SessionId(1),
            ..run_row(1, RunOutcome::NeedsYou)
        }));
        all.push(Record::RunItem(run_item_row(number, ItemStatus::Failed)));
        all.push(Record::Log(LogRow {
            id: LogId(number),
            ..log_row()
        }));
    }
    store.write(&all).unwrap();
    let reader = store.reader().unwrap();
    for item in [None, Some(notes())] {
        let (mut runs, mut log) = (Vec::new(), Vec::new());
        loop {
            let page = reader
                .runs(
                    &RunFilter {
                        item: item.clone(),
                        before: runs.last().copied(),
                        ..RunFilter::default()
                    },
                    10,
                )
                .unwrap();
            if page.is_empty() {
                break;
            }
            assert!(runs.len() < 30, "pages repeat themselves");
            runs.extend(page.iter().map(|run| run.id));
        }
        loop {
            let page = reader
                .log(
                    &LogFilter {
                        item: item.clone(),
                        before: log.last().copied(),
                        ..LogFilter::default()
                    },
                    10,
                )
                .unwrap();
            if page.is_empty() {
                break;
            }
            assert!(log.len() < 30, "pages repeat themselves");
            log.extend(page.iter().map(|row| row.id));
        }
        let expected: Vec<_> = (1..=ROWS).rev().collect();
        assert_eq!(runs.iter().map(|id| id.0).collect::<Vec<_>>(), expected);
        assert_eq!(log.iter().map(|id| id.0).collect::<Vec<_>>(), expected);
    }
    assert_eq!(reader.run_items(RunId(3), 0, 10).unwrap().len(), 1);
    assert_eq!(reader.run_items(RunId(3), 1, 10).unwrap(), []);
    let only = reader.run_items(RunId(3), 0, 10).unwrap().remove(0);
    assert_eq!(
        reader.part(RunId(3), &only.item).unwrap(),
        Some(only.clone())
    );
    assert_eq!(reader.part(RunId(u64::MAX), &only.item).unwrap(), None);
    let nobody = ItemRef {
        item: ItemId::new("nobody").unwrap(),
        ..only.item
    };
    assert_eq!(reader.part(RunId(3), &nobody).unwrap(), None);
}
