//! What retention removes, and what it must keep whatever the settings say.
#![expect(clippy::unwrap_used, reason = "a test says by a panic that it failed")]

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use syncmgr_core::item::{Activation, Connected, Counts, HandlerRow, ItemRow, ItemStatus};
use syncmgr_core::log::{Level, LogRow};
use syncmgr_core::need::{NeedKind, NeedRow, NeedState};
use syncmgr_core::request::{RequestOutcome, Trigger};
use syncmgr_core::retention::{Keep, Kept, Retention, expendable};
use syncmgr_core::run::{RunItemRow, RunKind, RunOutcome, RunRow, SessionRow};
use syncmgr_core::{
    Event, EventKind, EventNumber, HandlerId, ItemId, ItemRef, LogId, NeedId, Record, RunId,
    SessionId, Timestamp,
};
use syncmgr_store::{Finding, LogFilter, OpenOptions, PRUNE_STEP_ROWS, Pruned, RunFilter, Store};
use tempfile::TempDir;

fn handler() -> HandlerId {
    HandlerId::new("folder").unwrap()
}

fn item(name: &str) -> ItemRef {
    ItemRef {
        handler: handler(),
        item: ItemId::new(name).unwrap(),
    }
}

fn item_row(name: &str, last_run: Option<u64>) -> Record {
    Record::Item(ItemRow {
        at: item(name),
        name: name.to_owned(),
        comment: String::new(),
        labels: [].into(),
        checked: true,
        tick: None,
        enabled: true,
        connected: Connected::Unknown,
        temporary: false,
        hidden: false,
        capabilities: [].into(),
        policies: [].into(),
        lanes: [].into(),
        since: Timestamp(0),
        expected_freshness: None,
        last_attempt: None,
        last_good: None,
        last_run: last_run.map(RunId),
        last_status: None,
        last_problem: None,
        retry: None,
        stall: None,
        held: None,
    })
}

/// A closed run at moment `id`, with its session, items and one log entry of the same number.
fn run(id: u64, kind: RunKind, outcome: RunOutcome, items: &[(&str, ItemStatus)]) -> Vec<Record> {
    let at = Timestamp(i64::try_from(id).unwrap());
    let closed = (outcome != RunOutcome::Open).then_some(at);
    let mut records = vec![
        Record::Session(SessionRow {
            id: SessionId(id),
            request: None,
            trigger: Trigger::Manual,
            opened: at,
            closed,
            outcome: closed.map(|_| RequestOutcome::Succeeded),
        }),
        Record::Run(RunRow {
            id: RunId(id),
            session: SessionId(id),
            handler: handler(),
            kind,
            trigger: Trigger::Manual,
            opened: at,
            closed,
            outcome,
            counts: Counts::default(),
            process: None,
            stderr: String::new(),
            problem: None,
        }),
        log(id, Some(id)),
    ];
    records.extend(items.iter().map(|(name, status)| {
        Record::RunItem(RunItemRow {
            run: RunId(id),
            item: item(name),
            status: *status,
            failure: None,
            text: String::new(),
            counts: Counts::default(),
        })
    }));
    records
}

fn log(id: u64, run: Option<u64>) -> Record {
    Record::Log(LogRow {
        id: LogId(id),
        at: Timestamp(i64::try_from(id).unwrap()),
        level: Level::Information,
        handler: None,
        item: None,
        run: run.map(RunId),
        text: "something".to_owned(),
        detail: None,
        error: None,
        jump: false,
    })
}

fn need(id: u64, run: Option<u64>, state: NeedState) -> Record {
    Record::Need(NeedRow {
        id: NeedId(id),
        handler: handler(),
        item: None,
        key: "key".to_owned(),
        kind: NeedKind::Guard,
        durable: true,
        text: "really?".to_owned(),
        detail: None,
        choices: Vec::new(),
        default: None,
        deadline: None,
        fields: None,
        context: String::new(),
        opened: Timestamp(0),
        run: run.map(RunId),
        state,
    })
}

fn event(number: u64, at: i64) -> Record {
    Record::Event(Event {
        number: EventNumber(number),
        at: Timestamp(at),
        kind: EventKind::SessionOpened(SessionId(number)),
    })
}

fn store() -> (TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::open(&home.path().join("state.db"), &OpenOptions::default()).unwrap();
    store
        .write(&[Record::Handler(HandlerRow {
            id: handler(),
            name: "Folders".to_owned(),
            comment: String::new(),
            version: String::new(),
            activation: Activation::Active,
            enabled: true,
            connected: Connected::Yes,
            always_list: true,
            hidden: false,
            capabilities: [].into(),
            policies: [].into(),
            asked: true,
            problem: None,
        })])
        .unwrap();
    (home, store)
}

/// One pass with `keep` for everything; every step within its bound.
fn prune(store: &mut Store, keep: Keep, now: i64) -> Pruned {
    let keep = Retention {
        runs: keep,
        log: keep,
        events: keep,
        needs: keep,
    };
    let mut total = Pruned::default();
    for _ in 0..10_000 {
        let step = store.prune(&keep, Timestamp(now)).unwrap();
        let rows =
            step.run_items + step.sessions + step.log + step.events + step.needs + step.names;
        assert!(rows <= 4 * PRUNE_STEP_ROWS, "{step:?}");
        total.runs += step.runs;
        total.run_items += step.run_items;
        total.sessions += step.sessions;
        total.log += step.log;
        total.events += step.events;
        total.needs += step.needs;
        total.names += step.names;
        if !step.more {
            let problems: Vec<_> = store
                .integrity()
                .unwrap()
                .into_iter()
                .filter(Finding::is_problem)
                .collect();
            assert_eq!(problems, []);
            return total;
        }
    }
    panic!("a pass never ends");
}

const NOTHING: Keep = Keep {
    age: Duration::ZERO,
    count: 0,
};

fn run_numbers(store: &Store) -> Vec<u64> {
    let runs = store
        .reader()
        .unwrap()
        .runs(&RunFilter::default(), 1000)
        .unwrap();
    runs.iter().map(|run| run.id.0).rev().collect()
}

#[test]
fn runs_that_somebody_needs_stay_and_the_others_go_with_all_that_is_theirs() {
    use ItemStatus::{Failed, Succeeded};
    let (_home, mut store) = store();
    let sync = || RunKind::Synchronize;
    let batches = [
        run(
            1,
            sync(),
            RunOutcome::Succeeded,
            &[("notes", Succeeded), ("gone", Succeeded)],
        ),
        run(
            2,
            sync(),
            RunOutcome::Succeeded,
            &[("notes", Succeeded), ("mail", Succeeded)],
        ), // mail's last good one
        run(3, sync(), RunOutcome::Succeeded, &[("notes", Succeeded)]), // notes' last good one
        run(
            4,
            RunKind::Undo(RunId(3)),
            RunOutcome::Succeeded,
            &[("notes", Succeeded)],
        ),
        run(5, sync(), RunOutcome::Open, &[("music", Failed)]), // still open
        run(
            6,
            sync(),
            RunOutcome::NeedsYou,
            &[("mail", ItemStatus::Held)],
        ), // asked an open question
        run(7, sync(), RunOutcome::Failed, &[("gone", Succeeded)]), // an item that is no more
        run(
            8,
            sync(),
            RunOutcome::NeedsYou,
            &[("mail", ItemStatus::Held)],
        ), // asked, and was answered
        run(9, sync(), RunOutcome::Failed, &[("notes", Failed)]), // notes' last one
        vec![
            item_row("notes", Some(9)),
            item_row("mail", None),
            item_row("music", None),
            need(1, Some(6), NeedState::Open),
            need(2, Some(8), NeedState::Withdrawn),
            log(20, None),
            log(21, Some(99)), // of a run that was never recorded
        ],
    ];
    store.write(&batches.concat()).unwrap();
    let pruned = prune(&mut store, NOTHING, 1000);
    assert_eq!(run_numbers(&store), [2, 3, 5, 6, 9]);
    assert_eq!((pruned.runs, pruned.run_items, pruned.sessions), (4, 5, 4));
    let reader = store.reader().unwrap();
    let log: Vec<_> = reader
        .log(&LogFilter::default(), 1000)
        .unwrap()
        .iter()
        .map(|row| row.id.0)
        .collect();
    assert_eq!(log, [9, 6, 5, 3, 2]);
    let needs: Vec<_> = reader
        .needs(false, 1000)
        .unwrap()
        .iter()
        .map(|need| need.id.0)
        .collect();
    assert_eq!(needs, [1]);
    assert_eq!(pruned.names, 1, "`gone` is forgotten");
    let page = reader.run(RunId(2), 1000, 1000).unwrap().unwrap();
    assert_eq!(
        (page.items.len(), page.log.len()),
        (2, 1),
        "a run stays whole"
    );

    // Numbers do not come back, and a name that was forgotten can be learnt again.
    assert_eq!(store.remembered().unwrap().last.log, 21);
    store
        .write(&run(
            10,
            sync(),
            RunOutcome::Succeeded,
            &[("gone", Succeeded)],
        ))
        .unwrap();
    assert_eq!(prune(&mut store, NOTHING, 1000).runs, 1);
}

#[test]
fn both_age_and_number_count() {
    let (_home, mut store) = store();
    for id in 1..=10 {
        store
            .write(&run(id, RunKind::Synchronize, RunOutcome::Failed, &[]))
            .unwrap();
    }
    let keep = |age, count| Keep {
        age: Duration::from_millis(age),
        count,
    };
    prune(&mut store, keep(1000, 100), 10);
    assert_eq!(run_numbers(&store).len(), 10);
    prune(&mut store, keep(8, 100), 10);
    assert_eq!(run_numbers(&store), [2, 3, 4, 5, 6, 7, 8, 9, 10]);
    prune(&mut store, keep(1000, 4), 10);
    assert_eq!(run_numbers(&store), [7, 8, 9, 10]);
    prune(&mut store, keep(1000, 4), 10);
    assert_eq!(run_numbers(&store), [7, 8, 9, 10]);
}

#[test]
fn events_go_from_the_oldest_and_leave_no_gap_when_the_clock_jumped() {
    let (_home, mut store) = store();
    let clock = [5, 6, 100, 7, 8, 101, 102];
    let events: Vec<_> = (1..)
        .zip(clock)
        .map(|(number, at)| event(number, at))
        .collect();
    store.write(&events).unwrap();
    let numbers = |store: &Store| -> Vec<u64> {
        let events = store
            .reader()
            .unwrap()
            .events(EventNumber(0), 1000)
            .unwrap();
        events.iter().map(|event| event.number.0).collect()
    };
    let keep = |count| Keep {
        age: Duration::from_millis(10),
        count,
    };
    prune(&mut store, keep(100), 105);
    assert_eq!(numbers(&store), [3, 4, 5, 6, 7]);
    prune(&mut store, keep(2), 105);
    assert_eq!(numbers(&store), [6, 7]);
    prune(&mut store, NOTHING, 1000);
    assert_eq!(numbers(&store), [0_u64; 0]);
    assert_eq!(store.remembered().unwrap().last.event, 7);
    store.write(&[event(8, 1000)]).unwrap();
}

#[test]
fn a_large_run_goes_in_bounded_steps() {
    let (_home, mut store) = store();
    let names: Vec<_> = (0..PRUNE_STEP_ROWS * 2 + 7)
        .map(|number| format!("item {number}"))
        .collect();
    let items: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), ItemStatus::Failed))
        .collect();
    store
        .write(&run(1, RunKind::Synchronize, RunOutcome::Failed, &items))
        .unwrap();
    let keep = Retention {
        runs: NOTHING,
        ..Retention::default()
    };
    let mut steps = Vec::new();
    while steps.is_empty() || steps.iter().all(|step: &Pruned| step.runs == 0) {
        steps.push(store.prune(&keep, Timestamp(1000)).unwrap());
        assert!(steps.len() < 100);
    }
    assert!(steps.len() > 2, "{steps:?}");
    assert!(steps.iter().all(|step| step.run_items <= PRUNE_STEP_ROWS));
    assert_eq!(
        steps.iter().map(|step| step.run_items).sum::<usize>(),
        items.len()
    );
    // The names go later in the same pass.
    let mut names = 0;
    loop {
        let step = store.prune(&keep, Timestamp(1000)).unwrap();
        names += step.names;
        if !step.more {
            break;
        }
    }
    assert_eq!(names, items.len());
}

#[test]
fn a_late_record_does_not_bring_back_what_was_removed() {
    let (_home, mut store) = store();
    let late = run(
        1,
        RunKind::Synchronize,
        RunOutcome::Failed,
        &[("notes", ItemStatus::Failed)],
    );
    store.write(&late).unwrap();
    assert_eq!(prune(&mut store, NOTHING, 1000).runs, 1);
    let without_log: Vec<_> = late
        .into_iter()
        .filter(|record| !matches!(record, Record::Log(_)))
        .collect();
    for record in &without_log {
        store.write(std::slice::from_ref(record)).unwrap();
    }
    assert_eq!(run_numbers(&store), [0_u64; 0]);
    assert_eq!(store.reader().unwrap().sessions(1).unwrap(), []);
    store
        .write(&run(2, RunKind::Synchronize, RunOutcome::Failed, &[]))
        .unwrap();
    assert_eq!(run_numbers(&store), [2]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// What goes is what the core's rule says, run by run.
    #[test]
    fn the_rule_is_that_of_the_core(
        rows in vec((0..100_i64, any::<bool>(), any::<bool>()), 1..20), age in 0..100_u64, count in 0..20_usize,
    ) {
        let (_home, mut store) = store();
        let mut kept = Vec::new();
        for (id, (closed, open, asked)) in (1..).zip(rows) {
            let outcome = if open { RunOutcome::Open } else { RunOutcome::Failed };
            let mut records = run(id, RunKind::Synchronize, outcome, &[]);
            for record in &mut records {
                if let Record::Run(RunRow { closed: Some(at), .. })
                | Record::Session(SessionRow { closed: Some(at), .. }) = record
                {
                    *at = Timestamp(closed);
                }
            }
            if asked {
                records.push(need(id, Some(id), NeedState::Open));
            }
            store.write(&records).unwrap();
            kept.push(Kept { id, ended: (!open).then_some(Timestamp(closed)), pinned: asked });
        }
        let keep = Keep { age: Duration::from_millis(age), count };
        let gone = expendable(keep, Timestamp(100), kept.iter().rev().copied());
        prune(&mut store, keep, 100);
        let stay: Vec<_> = kept.iter().map(|row| row.id).filter(|id| !gone.contains(id)).collect();
        prop_assert_eq!(run_numbers(&store), stay);
    }
}
