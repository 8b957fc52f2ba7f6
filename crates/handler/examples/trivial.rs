//! A handler whose items take no time: the smallest complete one, and the measure of what a session itself costs.
//!
//! `trivial [ITEMS [FILE]]` lists as many items, by default 3, and reports each as updating and then as succeeded. It adds to
//! FILE when it was started, in nanoseconds since 1970, for the benches.

use std::io::Write as _;

use syncmgr_handler::call::Verdict;
use syncmgr_handler::callback::Status;
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::item::{Counts, HandlerInfo, Item, ItemId};
use syncmgr_handler::{Handler, Introduction, ItemList, Run, Start, Unfinished};

struct Trivial {
    items: usize,
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
                    run.succeeded(item, Counts::default());
                }
                Verdict::CancelItem => run.status(item, Status::Skipped),
                Verdict::CancelAll => return Err(Unfinished::Cancelled),
            }
        }
        Ok(())
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
    if let Some(file) = std::env::args().nth(2) {
        note(&file)?;
    }
    let items = std::env::args().nth(1).and_then(|text| text.parse().ok());
    syncmgr_handler::serve_stdio(Trivial {
        items: items.unwrap_or(3),
    })?;
    Ok(())
}
