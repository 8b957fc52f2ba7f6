//! A run of very many items: the same few effects for each report, whatever the number of items.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use syncmgr_core::input::{Began, Completed, Input, InstanceInput, Progress};
use syncmgr_core::item::ItemStatus;
use syncmgr_core::record::{Record, Remembered};
use syncmgr_core::request::{RequestOutcome, Scope, Trigger};
use syncmgr_core::{InstanceId, ItemId, Manager, Settings, Show, Timestamp};
use world::{facts, handler, listed, request};

const ITEMS: usize = 100_000;

#[test]
fn a_hundred_thousand_items_cost_a_few_effects_each() {
    let now = Timestamp(1_000_000);
    let (mut manager, _) = Manager::new(Settings::default(), Remembered::default(), now);
    let h = handler("h");
    let mut say = |input| manager.apply(now, input);
    say(Input::HandlerRegistered {
        id: h,
        description: "h".to_owned(),
    });
    say(Input::Request(
        syncmgr_core::RequestId(1),
        request(Scope::Checked, Trigger::Manual),
    ));
    let mut hear = |said| say(Input::Instance(InstanceId(1), said));
    hear(InstanceInput::Initialized(facts(&[])));
    let names: Vec<String> = (0..ITEMS).map(|n| format!("item-{n}")).collect();
    for page in names.chunks(500) {
        let page = page.iter().map(|name| listed(name)).collect();
        let effects = hear(InstanceInput::ItemsPage(page));
        assert!(
            effects.records.len() <= 2 * 500,
            "a page is recorded as it comes"
        );
    }
    hear(InstanceInput::ItemsListed {
        items: Vec::new(),
        incomplete: false,
    });
    hear(InstanceInput::PrepareReturned(Began::Yes));
    hear(InstanceInput::PrepareCompleted(Completed::Done));
    hear(InstanceInput::SynchronizeReturned(Began::Yes));
    let mut rows = 0;
    for name in &names {
        let item = ItemId::new(name).unwrap();
        for status in [ItemStatus::Updating, ItemStatus::Succeeded] {
            let effects = hear(InstanceInput::Progress(
                Progress {
                    item: Some(item.clone()),
                    status: Some(status),
                    ..Progress::default()
                },
                None,
            ));
            assert!(effects.commands.is_empty());
            assert_eq!(effects.shows.len(), 1);
            assert!(effects.records.len() <= 1, "{:?}", effects.records);
            rows += effects.records.len();
        }
    }
    assert_eq!(rows, ITEMS);
    let end = hear(InstanceInput::SynchronizeCompleted(Completed::Done));
    let kept = end
        .records
        .iter()
        .map(|record| match record {
            Record::ItemsSucceeded { items, .. } => items.len(),
            _ => 0,
        })
        .sum::<usize>();
    assert_eq!(kept, ITEMS);
    assert!(
        end.records.len() < 10,
        "the end of a large run is a few records"
    );
    let exit = hear(InstanceInput::Exited {
        how: "exit status 0".to_owned(),
        requested: true,
        stderr: String::new(),
    });
    assert!(exit.shows.iter().any(|show| matches!(
        show,
        Show::RequestEnded {
            outcome: RequestOutcome::Succeeded,
            ..
        }
    )));
}
