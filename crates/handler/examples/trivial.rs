//! A handler whose items take no time: the smallest complete one, and the measure of what a session itself costs.
//!
//! `trivial [ITEMS]` lists as many items, by default 3, and reports each as updating and then as succeeded.

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

fn main() -> Result<(), syncmgr_handler::ServeError> {
    let items = std::env::args().nth(1).and_then(|text| text.parse().ok());
    syncmgr_handler::serve_stdio(Trivial {
        items: items.unwrap_or(3),
    })
}
