//! "Items to Synchronize": what a list shows, and what a choice of it starts (mobsync 4.1, 4.4).

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use syncmgr_core::NeedId;
use syncmgr_core::command::Command;
use syncmgr_core::input::{Input, ListedItem};
use syncmgr_core::invocation::{Invocation, START};
use syncmgr_core::offer::{Chosen, MAX_OFFERED, Offer, Pick};
use syncmgr_core::rule::{Cause, Happening, Moment};
use world::{World, at, handler, listed, rule};

/// The rows of a list, such as `h/A`, `h/B-`, `g+`: an item, one without its tick, the rest of a handler.
fn rows(offer: &Offer) -> String {
    let rows: Vec<String> = offer
        .rows()
        .map(|(pick, ticked)| {
            let name = match pick {
                Pick::Item(item) => format!("{}/{}", item.handler, item.item),
                Pick::Rest(handler) => format!("{handler}+"),
            };
            format!("{name}{}", if ticked { "" } else { "-" })
        })
        .collect();
    rows.join(" ")
}

fn picked(names: &[&str]) -> Vec<Pick> {
    names
        .iter()
        .map(|name| match name.split_once('/') {
            Some((of, item)) => Pick::Item(at(of, item)),
            None => Pick::Rest(handler(name)),
        })
        .collect()
}

fn choose(w: &mut World, of: Option<NeedId>, ticked: &[&str], unticked: &[&str]) {
    w.input(Input::Choose(Chosen {
        of,
        ticked: picked(ticked),
        unticked: picked(unticked),
    }));
}

/// The handlers that were started since it was last asked.
fn started(w: &mut World) -> Vec<String> {
    let started = w.commands.iter().filter_map(|command| match command {
        Command::Start { handler, .. } => Some(handler.to_string()),
        _ => None,
    });
    let started = started.collect();
    w.commands.clear();
    started
}

/// What the instance is told to prepare once it listed these.
fn prepares(w: &mut World, instance: u64, items: &[&str]) -> String {
    w.lines.clear();
    w.list(instance, items);
    let mark = format!("{instance} prepare ");
    let line = w.lines.iter().find_map(|line| line.strip_prefix(&mark));
    line.unwrap_or_default().to_owned()
}

fn hidden(name: &str) -> ListedItem {
    ListedItem {
        hidden: true,
        ..listed(name)
    }
}

fn ask_for_everything(w: &mut World) -> NeedId {
    let wish = Invocation {
        handler: handler("h"),
        with_all: true,
        cookie: None,
    };
    w.input(Input::AskToStart(wish.clone()));
    w.manager.invocation(&wish).unwrap()
}

fn list_of(w: &World, need: NeedId) -> Offer {
    let row = w.manager.needs().find(|row| row.id == need).unwrap();
    w.manager.offer_of(row).unwrap()
}

/// M-171: items under their handler with ticks; what is hidden or turned off is left out (M-60).
#[test]
fn the_list_shows_what_can_be_synchronized() {
    let mut w = World::defined(&[("h", &["A", "-B", "C"]), ("g", &["D"]), ("f", &["E"])]);
    w.input(Input::ItemDefined(handler("h"), hidden("X")));
    assert_eq!(rows(&w.manager.offer()), "f/E g/D h/A h/B- h/C");
    w.input(Input::Enable {
        handler: handler("h"),
        item: Some(world::id("C")),
        enabled: false,
    });
    w.input(Input::Enable {
        handler: handler("f"),
        item: None,
        enabled: false,
    });
    assert_eq!(rows(&w.manager.offer()), "g/D h/A h/B-");
}

/// M-171: the choice is kept as the ticks of the next one, and it alone starts.
#[test]
fn what_a_person_ticks_starts_and_is_kept() {
    let mut w = World::defined(&[("h", &["A", "-B", "C"])]);
    choose(&mut w, None, &["h/B", "h/C"], &["h/A"]);
    assert_eq!(rows(&w.manager.offer()), "h/A- h/B h/C");
    assert_eq!(prepares(&mut w, 1, &["A", "-B", "C"]), "B,C");
}

/// M-155: one question about everything, with one list over all handlers. M-150: what was not ticked does not start.
#[test]
fn a_wish_for_everything_is_one_list() {
    let mut w = World::defined(&[("h", &["A", "B"]), ("g", &["D"])]);
    let need = ask_for_everything(&mut w);
    assert_eq!(ask_for_everything(&mut w), need);
    assert_eq!(rows(&list_of(&w, need)), "g/D h/A h/B");
    choose(&mut w, Some(need), &["h/B"], &["h/A", "g/D"]);
    assert_eq!(started(&mut w), ["h"]);
    assert_eq!(prepares(&mut w, 1, &["A", "B"]), "B");
    assert!(w.questions().is_empty());
    assert_eq!(rows(&w.manager.offer()), "g/D- h/A- h/B");
    // The second answer is none.
    w.commands.clear();
    choose(&mut w, Some(need), &["g/D"], &[]);
    assert_eq!(started(&mut w), [""; 0]);
}

/// M-172: a list that is closed starts nobody.
#[test]
fn a_closed_list_starts_nothing() {
    let mut w = World::defined(&[("h", &["A"])]);
    let need = ask_for_everything(&mut w);
    w.answer(need, "dismiss");
    assert_eq!(started(&mut w), [""; 0]);
    assert!(w.questions().is_empty());
}

/// M-150: a handler that never listed anything is one row, and is asked for its items when that is ticked.
#[test]
fn a_handler_whose_items_are_not_known_is_one_row() {
    let mut w = World::with(syncmgr_core::Settings::default(), &["h", "g"]);
    w.input(Input::ItemDefined(handler("g"), listed("D")));
    let need = ask_for_everything(&mut w);
    assert_eq!(rows(&list_of(&w, need)), "g/D h+");
    choose(&mut w, Some(need), &["h"], &["g/D"]);
    assert_eq!(started(&mut w), ["h"]);
    assert_eq!(prepares(&mut w, 1, &["A", "B"]), "A,B");
}

/// A program's bytes go with what was ticked for it (M-152).
#[test]
fn a_list_of_one_handler_is_its_own() {
    let mut w = World::defined(&[("h", &["A", "B"]), ("g", &["D"])]);
    let wish = Invocation {
        handler: handler("h"),
        with_all: false,
        cookie: Some(b"x".to_vec()),
    };
    w.input(Input::AskToStart(wish.clone()));
    let need = w.manager.invocation(&wish).unwrap();
    assert_eq!(rows(&list_of(&w, need)), "h/A h/B");
    choose(&mut w, Some(need), &["h/B", "g/D"], &[]);
    assert_eq!(started(&mut w), ["h"], "of its own list alone");
    assert_eq!(prepares(&mut w, 1, &["A", "B"]), "B");
}

/// M-161: "ask me" is a list of the rule's items; what is ticked in it starts, and no tick of a person changes.
#[test]
fn a_rule_that_asks_is_a_list_of_its_items() {
    let mut w = World::defined(&[("h", &["A", "-B", "C"])]);
    let mut asks = rule("logon", &["a", "b"], vec![Cause::Happening(Moment::Logon)]);
    asks.ask = true;
    w.input(Input::Rules(vec![asks]));
    w.input(Input::Happened(Happening::Moment(Moment::Logon)));
    let (need, _) = w.questions().remove(0);
    assert_eq!(rows(&list_of(&w, need)), "h/A h/B");
    choose(&mut w, Some(need), &["h/B", "h/C"], &["h/A"]);
    assert_eq!(prepares(&mut w, 1, &["A", "-B", "C"]), "B");
    assert_eq!(rows(&w.manager.offer()), "h/A h/B- h/C");
    // Nobody is there: no answer means no.
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    w.commands.clear();
    w.input(Input::Happened(Happening::Moment(Moment::Logon)));
    let (need, _) = w.questions().remove(0);
    assert_eq!(started(&mut w), [""; 0]);
    w.pass(61);
    assert!(w.questions().is_empty());
    assert_eq!(started(&mut w), [""; 0], "timeout");
    choose(&mut w, Some(need), &["h/A"], &[]);
    assert_eq!(started(&mut w), [""; 0]);
}

#[test]
fn a_long_list_ends_in_one_row_for_the_others() {
    let names: Vec<String> = (0..MAX_OFFERED + 5)
        .map(|number| format!("{}{number:04}", if number % 2 == 1 { "-" } else { "" }))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut w = World::defined(&[("h", &names)]);
    let offer = w.manager.offer();
    assert_eq!(offer.rows().count(), MAX_OFFERED + 1);
    let rest = offer.handlers[0].rest.unwrap();
    assert_eq!((rest.count, rest.ticked), (5, true));
    choose(&mut w, None, &["h/0002", "h"], &[]);
    assert_eq!(prepares(&mut w, 1, &names), "0002,0500,0502,0504");
}

/// The question about everything outlives the handler that it happens to stand under.
#[test]
fn a_list_of_everything_outlives_a_handler() {
    let mut w = World::defined(&[("h", &["A"]), ("g", &["D"])]);
    let need = ask_for_everything(&mut w);
    w.input(Input::HandlerUnregistered(handler("h")));
    assert_eq!(rows(&list_of(&w, need)), "g/D");
    w.answer(need, START);
    assert_eq!(started(&mut w), ["g"]);
}

/// M-171: what nobody ticked is told beside the verdict, unless a rule starts it, or it is paused or off and told as that.
#[test]
fn what_is_only_synchronized_by_name_is_told() {
    let mut w = World::defined(&[("h", &["A", "B", "C"])]);
    let named = |w: &World| {
        let verdict = w.manager.verdict(w.now);
        assert_eq!(verdict.by_name, verdict.named.len() as u64);
        verdict.named
    };
    assert!(named(&w).is_empty());
    choose(&mut w, None, &["h/A"], &["h/B", "h/C"]);
    assert_eq!(named(&w), [at("h", "B"), at("h", "C")]);
    w.input(Input::Enable {
        handler: handler("h"),
        item: Some(world::id("C")),
        enabled: false,
    });
    assert_eq!(named(&w), [at("h", "B")]);
    let logon = Cause::Happening(Moment::Logon);
    w.input(Input::Rules(vec![rule("logon", &["b"], vec![logon])]));
    assert!(named(&w).is_empty(), "a rule starts it");
}
