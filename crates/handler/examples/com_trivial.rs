//! The handler of `trivial` as a COM class: a library that `syncmgr register` takes and `comhost` loads.
//!
//! `cargo build -p syncmgr-handler --features com --example com_trivial` makes `libcom_trivial.so`. It lists as many items
//! as `TRIVIAL_ITEMS` says, by default 3, and reports each as updating and then as succeeded.

use syncmgr_handler::call::Verdict;
use syncmgr_handler::callback::Status;
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::item::{Counts, HandlerInfo, Item, ItemId};
use syncmgr_handler::{Handler, Introduction, ItemList, Run, Start, Unfinished};

struct Trivial {
    items: usize,
}

impl Trivial {
    #[expect(
        clippy::disallowed_methods,
        reason = "an example that is set up by its environment"
    )]
    fn new() -> Self {
        let items = std::env::var("TRIVIAL_ITEMS").ok();
        Self {
            items: items.and_then(|text| text.parse().ok()).unwrap_or(3),
        }
    }
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

syncmgr_handler::export_handler!("{0D0D6E4B-6E0F-4C8F-9C2B-7A0C1B6E5A05}", Trivial::new());
