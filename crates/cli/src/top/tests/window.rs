//! A list of ten thousand items: the manager tells the rows that are seen, filters and sorts; every item is reached.

use std::collections::BTreeSet;

use syncmgr_control::browse::{Browse, PageView};
use syncmgr_control::view::{ItemView, Shown};
use syncmgr_control::{Refusal, Reply, Request};

use super::samples::{happens, item, loaded, page};
use super::screens::shown;
use crate::top::keys::Press;
use crate::top::state::{Tab, Top};
use crate::top::step::{Asked, Effect, Event};
use crate::top::window::Window;

const ITEMS: usize = 10_000;

/// The manager: every item in its order, and how often it was asked.
struct Manager {
    items: Vec<ItemView>,
    asked: usize,
}

impl Manager {
    fn new() -> Self {
        let named = |number| item(&format!("item-{number:05}"), Shown::Fresh, "in sync");
        Self {
            items: (0..ITEMS).map(named).collect(),
            asked: 0,
        }
    }

    fn page(&self, browse: &Browse) -> PageView {
        let text = browse.text.clone().unwrap_or_default();
        let fitting = self.items.iter().filter(|item| item.name.contains(&text));
        let matching = fitting.clone().count();
        let (from, most) = (browse.offset as usize, browse.limit as usize);
        assert!(most <= 1_000);
        let rows: Vec<_> = fitting
            .skip(from)
            .take(most)
            .map(|item| {
                let mut row = serde_json::to_value(item).unwrap();
                row["strip"] = serde_json::json!([]);
                row
            })
            .collect();
        let mut status = loaded().status;
        status.total = ITEMS as u64;
        serde_json::from_value(serde_json::json!({
            "nowMs": 0, "status": status, "rows": rows, "matching": matching, "groups": [], "labels": [], "handlers": [],
            "worst": {"shown": "fresh", "count": 0, "names": [], "held": 0, "busy": 0, "lastGoodMs": null},
            "atWork": [], "upcoming": [],
        }))
        .unwrap()
    }

    /// Answers what the page asks, until it asks nothing more.
    fn serve(&mut self, top: &mut Top, mut effects: Vec<Effect>) {
        while let Some(effect) = effects.pop() {
            let Effect::Ask(asked, request) = effect else {
                continue;
            };
            let (Asked::Rows(_), Request::Browse(browse)) = (&asked, *request) else {
                panic!("{asked:?}");
            };
            self.asked += 1;
            let reply = Reply::Page(Box::new(self.page(&browse)));
            effects.extend(happens(top, Event::Reply(asked, Ok(reply))));
        }
    }

    fn press(&mut self, top: &mut Top, press: Press) {
        let effects = happens(top, Event::Key(press));
        self.serve(top, effects);
    }

    fn open(&self) -> Top {
        let mut top = page(80, 24);
        let mut there = loaded();
        let browse = super::super::window::around("", 0);
        let (window, status, items) = Window::of(&browse, self.page(&browse));
        (there.window, there.status, there.items) = (Some(window), status, items);
        happens(&mut top, Event::Loaded(Box::new(there)));
        // Onto the first of the new list.
        happens(&mut top, Event::Key(Press::Home));
        top
    }
}

#[test]
fn every_item_of_a_long_list_is_reached_and_few_are_held() {
    let mut manager = Manager::new();
    let mut top = manager.open();
    let mut stood = BTreeSet::new();
    for _ in 0..ITEMS {
        stood.insert(top.item().expect("an item").name.clone());
        assert!(top.items.len() <= 300, "{}", top.items.len());
        manager.press(&mut top, Press::Char('j'));
    }
    assert_eq!(stood.len(), ITEMS);
    assert!(manager.asked < ITEMS / 50, "asked {} times", manager.asked);
    // The end, the beginning, and what a page is.
    assert!(shown(&top).contains("item-09999"));
    manager.press(&mut top, Press::Home);
    assert_eq!(top.item().unwrap().name, "item-00000");
    manager.press(&mut top, Press::End);
    assert_eq!(top.item().unwrap().name, "item-09999");
    manager.press(&mut top, Press::PageUp);
    assert!(top.item().is_some());
    let seen = shown(&top);
    assert!(seen.contains("1 Items 10000"), "{seen}");
}

#[test]
fn the_manager_filters_a_long_list() {
    let mut manager = Manager::new();
    let mut top = manager.open();
    manager.press(&mut top, Press::End);
    for letter in "/0777".chars() {
        manager.press(&mut top, Press::Char(letter));
    }
    let seen = shown(&top);
    assert!(seen.contains("11 of 10000 fit"), "{seen}");
    assert_eq!(top.item().unwrap().name, "item-00777");
    for letter in "x".chars() {
        manager.press(&mut top, Press::Char(letter));
    }
    assert!(shown(&top).contains("No item has these words."));
    manager.press(&mut top, Press::Esc);
    manager.press(&mut top, Press::Esc);
    assert_eq!(top.matching(), ITEMS);
}

#[test]
fn rows_that_do_not_come_are_dots_and_are_asked_for_again() {
    let mut manager = Manager::new();
    let mut top = manager.open();
    let mut effects = happens(&mut top, Event::Key(Press::End));
    assert!(shown(&top).contains('…'));
    assert!(top.item().is_none());
    // One request at a time.
    assert_eq!(happens(&mut top, Event::Key(Press::Char('k'))), []);
    let Some(Effect::Ask(asked, _)) = effects.pop() else {
        panic!("{effects:?}");
    };
    let refusal = Refusal::new("control::gone", "not now", "later");
    happens(&mut top, Event::Reply(asked, Err(refusal)));
    manager.press(&mut top, Press::Char('j'));
    assert_eq!(top.item().unwrap().name, "item-09999");
    assert_eq!(top.tab, Tab::Items);
}
