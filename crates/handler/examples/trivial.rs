//! A handler whose items take no time: the smallest complete one, and the measure of what a session itself costs.
//!
//! `trivial [ITEMS [FILE [WORK]]]` lists as many items, by default 3, and reports each as updating and then as succeeded. For the
//! benches it adds to FILE, if that is not empty, when it was started, in nanoseconds since 1970, and works for WORK microseconds
//! on each item.

use std::io::Write as _;
use std::time::{Duration, Instant};

use syncmgr_handler::call::Verdict;
use syncmgr_handler::callback::Status;
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::item::{Counts, HandlerInfo, Item, ItemId};
use syncmgr_handler::{Handler, Introduction, ItemList, Run, Start, Unfinished};

struct Trivial {
    items: usize,
    work: Duration,
}

impl Handler for Trivial {
    fn initialize(&self, _: &Start) -> Result<Introduction, RpcError> {
        Ok(Introduction {
            info: HandlerInfo {
                name: "trivial".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                ..HandlerInfo::default()
            },
            stays_out: false,
        })
    }

    fn items(&self) -> Result<ItemList, RpcError> {
        let item = |number: usize| {
            let id = ItemId::new(format!("item-{number}")).ok()?;
            Some(Item::new(id, format!("Item {number}")))
        };
        Ok(ItemList {
            items: (0..self.items).filter_map(item).collect(),
            incomplete: false,
        })
    }

    fn synchronize(&self, run: &Run) -> Result<(), Unfinished> {
        for item in run.items() {
            match run.verdict(item) {
                Verdict::Continue => {
                    run.status(item, Status::Updating);
                    work(self.work);
                    run.succeeded(item, Counts::default());
                }
                Verdict::CancelItem => run.status(item, Status::Skipped),
                Verdict::CancelAll => return Err(Unfinished::Cancelled),
            }
        }
        Ok(())
    }
}

/// Keeps the processor busy.
#[expect(
    clippy::disallowed_methods,
    reason = "an example handler is a program of its own"
)]
fn work(span: Duration) {
    let began = Instant::now();
    while began.elapsed() < span {
        std::hint::spin_loop();
    }
}

/// Adds the time to the file, as one line.
#[expect(
    clippy::disallowed_methods,
    reason = "an example handler is a program of its own"
)]
fn note(file: &str) -> std::io::Result<()> {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH);
    let line = format!("{}\n", since.unwrap_or_default().as_nanos());
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create(true).append(true).open(file)?;
    file.write_all(line.as_bytes())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let word = |place| std::env::args().nth(place);
    if let Some(file) = word(2).filter(|file| !file.is_empty()) {
        note(&file)?;
    }
    let items = word(1).and_then(|text| text.parse().ok());
    let work = word(3).and_then(|text| text.parse().ok());
    syncmgr_handler::serve_stdio(Trivial {
        items: items.unwrap_or(3),
        work: Duration::from_micros(work.unwrap_or_default()),
    })?;
    Ok(())
}
