//! What schedules cost, for `cargo xtask bench schedule`: prints a name, a tab and a figure a line.
//!
//! `schedule_costs ENTRIES STEPS`: that many entries in the queue, and that many times of each schedule.

#![expect(clippy::print_stdout, reason = "that is how it answers")]

mod sys_counting;

use std::hint::black_box;
use std::time::{Duration, Instant};

use syncmgr_core::agenda::Agenda;
use syncmgr_core::schedule::{Schedule, Zone};
use syncmgr_core::{HandlerId, ItemId, ItemRef, Timestamp};

#[global_allocator]
static COUNTING: sys_counting::Counting = sys_counting::Counting;

/// 2026-11-22 00:00 UTC.
const START: Timestamp = Timestamp(1_795_305_600_000);

/// One of each kind; the bench names them to systemd too, where it reads them.
const SCHEDULES: [&str; 9] = [
    "*-*-* 02:00:00",
    "Mon..Fri *-*-* 02:00:00 Europe/Berlin",
    "Sat *-*-1..7 18:00",
    "*-*~1 23:00",
    "*:0/15",
    "*:*:*",
    "*-02-29 04:00",
    "0 2 13 * 5",
    "every 15m",
];

fn main() {
    let mut words = std::env::args().skip(1);
    let mut number = || words.next().and_then(|word| word.parse().ok());
    let entries: u64 = number().unwrap_or(100_000).max(1);
    let steps: u64 = number().unwrap_or(100_000).max(1);
    queue(entries);
    for text in SCHEDULES {
        schedule(text, steps);
    }
}

fn queue(entries: u64) {
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    let mut moment = move || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        START.plus(Duration::from_millis(dice % 86_400_000))
    };
    let times: Vec<Timestamp> = (0..entries).map(|_| moment()).collect();
    let others: Vec<Timestamp> = (0..entries).map(|_| moment()).collect();
    // As the manager has them: an item of a handler each.
    let items: Vec<ItemRef> = (0..entries)
        .filter_map(|key| {
            let item = ItemId::new(&scattered(key, entries).to_string()).ok()?;
            let handler = HandlerId::new("bench").ok()?;
            Some(ItemRef { handler, item })
        })
        .collect();
    let before = sys_counting::held();
    let mut agenda = Agenda::default();
    rate("insert", entries, || {
        for (item, at) in items.iter().zip(&times) {
            agenda.insert(*at, item.clone());
        }
    });
    let bytes = sys_counting::held() - before;
    rate("replace", entries * 2, || {
        for ((item, before), at) in items.iter().zip(&times).zip(&others) {
            agenda.remove(*before, item.clone());
            agenda.insert(*at, item.clone());
        }
    });
    let held = sys_counting::held() - before;
    rate("next due", entries, || {
        for _ in 0..entries {
            black_box(black_box(&agenda).next_due());
        }
    });
    // What a manager does all day: take what is due, and put it back for the next time.
    rate("pop and insert again", entries * 2, || {
        for _ in 0..entries {
            if let Some((at, item)) = agenda.pop_due(Timestamp(i64::MAX)) {
                agenda.insert(at.plus(Duration::from_secs(86_400)), item);
            }
        }
    });
    let last = others.iter().map(|at| at.plus(Duration::from_secs(86_400)));
    rate("remove", entries, || {
        for (item, at) in items.iter().zip(last) {
            black_box(agenda.remove(at, item.clone()));
        }
    });
    let data = size_of::<ItemRef>() + size_of::<Timestamp>();
    print("bytes an entry", per(bytes.max(held), entries));
    print(
        "bytes an entry beyond its data",
        per(bytes.max(held), entries) - per(data, 1),
    );
    assert_eq!(agenda.next_due(), None, "everything was taken out again");
}

/// Every key once, in an order that is far from their own.
fn scattered(key: u64, entries: u64) -> u64 {
    let step = [1_000_003, 999_983, 7919]
        .into_iter()
        .find(|step| !entries.is_multiple_of(*step))
        .unwrap_or(1);
    key * step % entries
}

fn schedule(text: &str, steps: u64) {
    let berlin = Zone::named("Europe/Berlin").unwrap_or_else(Zone::utc);
    let Ok(read) = Schedule::parse(text) else {
        return;
    };
    rate(&format!("read {text}"), steps / 10 + 1, || {
        for _ in 0..=steps / 10 {
            black_box(Schedule::parse(black_box(text)).ok());
        }
    });
    let before = sys_counting::held();
    let copies: Vec<Schedule> = (0..1000).map(|_| read.clone()).collect();
    print(
        &format!("bytes of {text}"),
        per(sys_counting::held() - before, 1000),
    );
    drop(copies);
    let walk = |each: &mut dyn FnMut(Timestamp)| {
        let mut at = START;
        for _ in 0..steps {
            // Rare schedules end in 2199; begin again.
            at = read.next_after(at, &berlin).unwrap_or(START);
            each(at);
        }
    };
    rate(&format!("next {text}"), steps, || {
        walk(&mut |at| {
            black_box(at);
        });
    });
    rate(&format!("next and text {text}"), steps, || {
        walk(&mut |at| {
            black_box(berlin.wall_text(at));
        });
    });
    rate(&format!("last {text}"), steps, || {
        let mut at = START;
        for _ in 0..steps {
            at = black_box(read.last_before(at, &berlin)).unwrap_or(START);
        }
    });
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench reads the clock to measure"
)]
fn rate(what: &str, count: u64, work: impl FnOnce()) {
    let started = Instant::now();
    work();
    let seconds = started.elapsed().as_secs_f64();
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts are far below what a double holds exactly"
    )]
    let count = count as f64;
    print(what, count / seconds.max(1e-9));
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts are far below what a double holds exactly"
)]
fn per(bytes: usize, count: u64) -> f64 {
    bytes as f64 / count as f64
}

fn print(what: &str, figure: f64) {
    println!("{what}\t{figure}");
}
