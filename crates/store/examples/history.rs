//! Fills a database with the history of a long time: `history DATABASE EVENTS` adds runs of whatever items are in it, ten at a
//! time and an hour apart, until as many events were told. For `cargo xtask bench start`.
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot begin says so by a panic"
)]

use std::env::args;
use std::path::Path;

use syncmgr_core::item::{Counts, ItemStatus};
use syncmgr_core::record::LastNumbers;
use syncmgr_core::request::{RequestOutcome, Trigger};
use syncmgr_core::run::{RunItemRow, RunKind, RunOutcome, RunRow, SessionRow};
use syncmgr_core::{
    Event, EventKind, EventNumber, ItemRef, Record, RequestId, RunId, SessionId, Timestamp,
};
use syncmgr_store::{OpenOptions, Store};

/// Items of one run.
const ITEMS: usize = 10;

/// Events of a run beside those of its items.
const BESIDE: usize = 6;

/// From one run to the next: a hundred thousand events are from the last three weeks, within what is kept.
const APART_MS: i64 = 300_000;

fn main() {
    let mut words = args().skip(1);
    let path = words.next().unwrap();
    let events: usize = words.next().unwrap().parse().unwrap();
    let mut store = Store::open(Path::new(&path), &OpenOptions::default()).unwrap();
    let remembered = store.remembered().unwrap();
    let mut last = remembered.last;
    let items: Vec<_> = remembered.items.iter().map(|row| row.at.clone()).collect();
    let newest = remembered
        .items
        .iter()
        .filter_map(|row| row.last_good)
        .max();
    drop(remembered);
    let runs = events.div_ceil(ITEMS + BESIDE);
    let mut at = newest.unwrap().0 - APART_MS * i64::try_from(runs).unwrap();
    let mut taken = items.iter().cycle();
    for _ in 0..runs {
        let items: Vec<&ItemRef> = taken.by_ref().take(ITEMS.min(items.len())).collect();
        store.write(&run(&mut last, Timestamp(at), &items)).unwrap();
        at += APART_MS;
    }
}

/// The records of one run.
fn run(last: &mut LastNumbers, at: Timestamp, items: &[&ItemRef]) -> Vec<Record> {
    last.request += 1;
    last.session += 1;
    last.run += 1;
    let (request, session, run) = (
        RequestId(last.request),
        SessionId(last.session),
        RunId(last.run),
    );
    let handler = items[0].handler.clone();
    let trigger = Trigger::Schedule;
    let mut records = vec![
        Record::Session(SessionRow {
            id: session,
            request: Some(request),
            trigger,
            opened: at,
            closed: Some(at),
            outcome: Some(RequestOutcome::Succeeded),
        }),
        Record::Run(RunRow {
            id: run,
            session,
            handler: handler.clone(),
            kind: RunKind::Synchronize,
            trigger,
            opened: at,
            closed: Some(at),
            outcome: RunOutcome::Succeeded,
            counts: Counts::default(),
            process: None,
            stderr: String::new(),
            problem: None,
        }),
    ];
    let mut kinds = vec![
        EventKind::RequestQueued { request, trigger },
        EventKind::SessionOpened(session),
        EventKind::RunOpened { run, handler },
    ];
    for item in items.iter().copied().cloned() {
        records.push(Record::RunItem(RunItemRow {
            run,
            item: item.clone(),
            status: ItemStatus::Succeeded,
            failure: None,
            text: "12 files".to_owned(),
            counts: Counts::default(),
        }));
        let status = ItemStatus::Succeeded;
        kinds.push(EventKind::ItemFinished { run, item, status });
    }
    kinds.extend([
        EventKind::RunClosed {
            run,
            outcome: RunOutcome::Succeeded,
        },
        EventKind::SessionClosed {
            session,
            outcome: RequestOutcome::Succeeded,
        },
        EventKind::RequestEnded {
            request,
            outcome: RequestOutcome::Succeeded,
        },
    ]);
    for kind in kinds {
        last.event += 1;
        let number = EventNumber(last.event);
        records.push(Record::Event(Event { number, at, kind }));
    }
    records
}
