//! Policies: what holds during and after the runs of the items that they select.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::time::Duration;

use syncmgr_core::Input;
use syncmgr_core::policy::{MAX_POLICIES, Policy};
use syncmgr_core::rule::Select;
use world::{World, at, handler, id};

const HOUR: Duration = Duration::from_secs(3600);

fn policy(name: &str, items: &[&str]) -> Policy {
    Policy {
        name: name.to_owned(),
        items: items.iter().map(|item| Select::named(item)).collect(),
        ..Policy::default()
    }
}

fn fresh_within(w: &World, item: &str) -> Option<Duration> {
    w.manager.item(&at("h", item)).unwrap().expected_freshness
}

#[test]
fn the_later_policy_wins_setting_by_setting() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.input(Input::Policies(vec![
        Policy {
            time_limit: Some(HOUR),
            stuck_after: Some(5),
            ..policy("all", &[])
        },
        Policy {
            time_limit: Some(2 * HOUR),
            ..policy("big", &["a"])
        },
    ]));
    let of_a = w.manager.policies_of(&at("h", "A"));
    let (limit, by) = of_a.said(|policy| policy.time_limit).unwrap();
    assert_eq!((limit, by.name.as_str()), (2 * HOUR, "big"));
    assert_eq!(of_a.value(|policy| policy.stuck_after), Some(5));
    assert_eq!(of_a.value(|policy| policy.no_progress), None);
    let of_b = w.manager.policies_of(&at("h", "B"));
    assert_eq!(of_b.value(|policy| policy.time_limit), Some(HOUR));
    // What is not there has none, and says so without a fuss.
    let of_none = w.manager.policies_of(&at("x", "A"));
    assert_eq!(of_none.value(|policy| policy.time_limit), None);
}

#[test]
fn a_policy_promises_freshness_as_long_as_it_stands() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.input(Input::Policies(vec![Policy {
        fresh_within: Some(HOUR),
        ..policy("hourly", &["A"])
    }]));
    assert_eq!(fresh_within(&w, "A"), Some(HOUR));
    assert_eq!(fresh_within(&w, "B"), None);
    // What the item says itself comes first.
    w.input(Input::ItemPreferences {
        item: at("h", "A"),
        labels: Vec::new(),
        checked: None,
        expected_freshness: Some(3 * HOUR),
    });
    assert_eq!(fresh_within(&w, "A"), Some(3 * HOUR));
    w.input(Input::ItemPreferences {
        item: at("h", "A"),
        labels: Vec::new(),
        checked: None,
        expected_freshness: None,
    });
    assert_eq!(fresh_within(&w, "A"), Some(HOUR));
    // Taken away again, nothing of it stays.
    w.input(Input::Policies(Vec::new()));
    assert_eq!(fresh_within(&w, "A"), None);
}

#[test]
fn an_item_that_comes_later_is_under_the_policies_at_once() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.input(Input::Policies(vec![Policy {
        fresh_within: Some(HOUR),
        ..policy("hourly", &["h"])
    }]));
    w.input(Input::ItemDefined(handler("h"), world::listed("B")));
    assert_eq!(fresh_within(&w, "B"), Some(HOUR));
    assert_eq!(w.manager.item(&at("h", "B")).unwrap().at.item, id("B"));
}

#[test]
fn there_are_only_so_many_policies() {
    let mut w = World::defined(&[("h", &["A"])]);
    let many = vec![policy("p", &["nothing"]); MAX_POLICIES + 1];
    w.input(Input::Policies(many));
    assert_eq!(w.manager.policies().len(), MAX_POLICIES);
    assert_eq!(w.manager.selected_by(&w.manager.policies()[0]), 0);
}
