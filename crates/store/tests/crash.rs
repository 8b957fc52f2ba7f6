//! A process that is killed while it writes: what was acknowledged is there, whole, and the database is sound.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the test starts itself again as the process to be killed"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use syncmgr_core::item::{Counts, ItemStatus};
use syncmgr_core::request::Trigger;
use syncmgr_core::run::{RunItemRow, RunKind, RunOutcome, RunRow, SessionRow};
use syncmgr_core::{
    Event, EventKind, EventNumber, HandlerId, ItemId, ItemRef, Record, RunId, SessionId, Timestamp,
};
use syncmgr_store::{Finding, OpenOptions, Store};

const HOME: &str = "SYNCMGR_STORE_CRASH_TEST";

/// How often a process is killed.
const KILLS: u64 = 15;

/// Items of one transaction: enough that most kills fall into one.
const ITEMS: usize = 400;

/// One transaction: a session with a run of [`ITEMS`] items, and its event.
fn batch(number: u64) -> Vec<Record> {
    let handler = HandlerId::new("folder").unwrap();
    let at = Timestamp(1);
    let mut records = vec![
        Record::Session(SessionRow {
            id: SessionId(number),
            request: None,
            trigger: Trigger::Manual,
            opened: at,
            closed: None,
            outcome: None,
        }),
        Record::Run(RunRow {
            id: RunId(number),
            session: SessionId(number),
            handler: handler.clone(),
            kind: RunKind::Synchronize,
            trigger: Trigger::Manual,
            opened: at,
            closed: None,
            outcome: RunOutcome::Open,
            counts: Counts::default(),
            process: None,
            stderr: String::new(),
            problem: None,
        }),
    ];
    records.extend((0..ITEMS).map(|item| {
        Record::RunItem(RunItemRow {
            run: RunId(number),
            item: ItemRef {
                handler: handler.clone(),
                item: ItemId::new(&format!("item {item} of {}", number % 3)).unwrap(),
            },
            status: ItemStatus::Pending,
            failure: None,
            text: "waiting".repeat(10),
            counts: Counts::default(),
        })
    }));
    records.push(Record::Event(Event {
        number: EventNumber(number),
        at,
        kind: EventKind::SessionOpened(SessionId(number)),
    }));
    records
}

/// The process that is killed. Does nothing when the test runner itself comes along.
#[test]
fn child_writes_until_killed() {
    let Some(path) = std::env::var_os(HOME) else {
        return;
    };
    let mut store = Store::open(Path::new(&path), &OpenOptions::default()).unwrap();
    let first = store.remembered().unwrap().last.event + 1;
    for number in first..first + 100_000 {
        store.write(&batch(number)).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nstored {number}").unwrap();
        out.flush().unwrap();
    }
}

fn acknowledged(line: &str) -> Option<u64> {
    line.strip_prefix("stored ")?.trim().parse().ok()
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let mut before = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_writes_until_killed", "--nocapture"])
            .env(HOME, &path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut last = None;
        let mut line = String::new();
        // The first kill comes as early as can be, later ones after more and more transactions.
        for _ in 0..kill {
            while last.is_none() || line.is_empty() || acknowledged(&line).is_none() {
                line.clear();
                assert!(
                    out.read_line(&mut line).unwrap() > 0,
                    "the child ended by itself"
                );
                last = acknowledged(&line).or(last);
            }
            line.clear();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        let last = rest
            .lines()
            .filter_map(acknowledged)
            .next_back()
            .or(last)
            .unwrap_or(before);

        let store = Store::open(&path, &OpenOptions::default()).unwrap();
        let problems: Vec<_> = store
            .integrity()
            .unwrap()
            .into_iter()
            .filter(Finding::is_problem)
            .collect();
        assert_eq!(problems, [], "after kill {kill}");
        let remembered = store.remembered().unwrap();
        let stored = remembered.last.event;
        assert!(
            stored == last || stored == last + 1,
            "{last} were acknowledged, {stored} are there"
        );
        assert!(
            stored >= before + kill,
            "every child went on where the last one was killed"
        );
        assert_eq!(remembered.open_runs.len() as u64, stored);
        for (run, items) in &remembered.open_runs {
            assert_eq!(items.len(), ITEMS, "run {} is whole or not there", run.id);
        }
        let events = store
            .reader()
            .unwrap()
            .events(EventNumber(0), 1000)
            .unwrap();
        let numbers: Vec<_> = events.iter().map(|event| event.number.0).collect();
        assert_eq!(numbers, (1..=stored).collect::<Vec<_>>());
        before = stored;
    }
}
