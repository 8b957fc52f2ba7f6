//! Telling others: notices within their budget, webhooks, pings, and items that become late.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use syncmgr_core::account::Occasion;
use syncmgr_core::condition::Fact;
use syncmgr_core::input::InstanceInput;
use syncmgr_core::item::{Failure, ItemStatus};
use syncmgr_core::notice::{About, Budget, MOST, News, Notice, Notices, WINDOW};
use syncmgr_core::policy::Policy;
use syncmgr_core::request::{Scope, Trigger};
use syncmgr_core::rule::Select;
use syncmgr_core::telling::{Telling, Webhook};
use syncmgr_core::{Input, ItemRef, Schedule, Timestamp};
use world::{World, at, handler, id, request};

fn news(item: &str, occasion: Occasion) -> News {
    News {
        item: at("h", item),
        name: item.to_owned(),
        occasion,
        problem: (occasion == Occasion::Failed).then(|| "no disk".to_owned()),
    }
}

fn lines(notices: &[Notice]) -> Vec<String> {
    notices
        .iter()
        .map(|notice| match notice {
            Notice::Show { title, body, .. } => format!("{title}|{body}"),
            Notice::Withdraw(About::Item(item)) => format!("withdraw {}", item.item),
            Notice::Withdraw(about) => format!("withdraw {about:?}"),
        })
        .collect()
}

/// What is told of one item after the other, seconds apart.
fn check(wanted: Notices, script: &[(u64, &str, Occasion)], expected: &[&str]) {
    let mut budget = Budget::default();
    let mut told = Vec::new();
    for (second, item, occasion) in script {
        let now = Timestamp(0).plus(Duration::from_secs(*second));
        let notices = budget.take(
            now,
            &handler("h"),
            "Mail",
            vec![(news(item, *occasion), wanted)],
            false,
        );
        told.extend(lines(&notices));
    }
    assert_eq!(told, expected, "{script:?}");
}

#[test]
fn each_trouble_is_told_once_until_the_item_is_well() {
    use Occasion::{Done, Failed, Late, NeedsYou, Overdue, Stopped};
    let failed = "a failed|no disk";
    check(Notices::Failures, &[(0, "a", Done), (1, "a", Done)], &[]);
    check(
        Notices::Failures,
        &[
            (0, "a", Failed),
            (60, "a", Failed),
            (120, "a", Stopped),
            (180, "a", Failed),
        ],
        &[failed],
    );
    // Once it is well, the notice goes, and the next failure is news.
    check(
        Notices::Failures,
        &[(0, "a", Failed), (60, "a", Done), (120, "a", Failed)],
        &[failed, "withdraw a", failed],
    );
    check(
        Notices::All,
        &[(0, "a", Failed), (60, "a", Done), (120, "a", Done)],
        &[failed, "a is in sync again|"],
    );
    check(
        Notices::Failures,
        &[
            (0, "a", Failed),
            (1, "a", Late),
            (2, "a", Failed),
            (3, "a", Overdue),
            (4, "a", Late),
        ],
        &[failed, "a is late|", "a is overdue|"],
    );
    check(Notices::Failures, &[(0, "a", NeedsYou)], &["a needs you|"]);
    check(Notices::None, &[(0, "a", Failed), (1, "a", Done)], &[]);
}

#[test]
fn many_become_one_summary_and_what_passed_is_left_out() {
    let mut budget = Budget::default();
    let take = |budget: &mut Budget, second: u64, item: &str, occasion| {
        let now = Timestamp(0).plus(Duration::from_secs(second));
        let one = vec![(news(item, occasion), Notices::Failures)];
        lines(&budget.take(now, &handler("h"), "Mail", one, false)).len()
    };
    for (second, item) in (0..).zip(["a", "b", "c"]) {
        assert_eq!(take(&mut budget, second, item, Occasion::Failed), 1);
    }
    assert_eq!(budget.due(), None);
    for (second, item) in (3..).zip(["d", "e", "f", "g", "h", "i", "j"]) {
        assert_eq!(take(&mut budget, second, item, Occasion::Failed), 0);
    }
    // It is well before it was told: nobody hears of it.
    assert_eq!(take(&mut budget, 20, "d", Occasion::Done), 0);
    let due = budget.due().unwrap();
    assert_eq!(due, Timestamp(2_000).plus(WINDOW));
    let summary = budget.summary(due).unwrap();
    assert_eq!(
        lines(&[summary]),
        [
            "Synchronization: 6 items want attention|e failed: no disk\nf failed: no disk\ng failed: no disk\n\
          h failed: no disk\ni failed: no disk\nand 1 more"
        ]
    );
    assert_eq!(budget.due(), None);
    assert_eq!(budget.summary(due), None);
}

#[test]
fn items_of_one_run_are_one_notice_and_nobody_who_watches_is_told() {
    let mut budget = Budget::default();
    let both = || {
        vec![
            (news("a", Occasion::Failed), Notices::Failures),
            (news("b", Occasion::Failed), Notices::Failures),
        ]
    };
    let now = Timestamp(0);
    assert!(
        budget
            .take(now, &handler("h"), "Mail", both(), true)
            .is_empty()
    );
    // They were seen: the same again by itself is no news.
    assert!(
        budget
            .take(now, &handler("h"), "Mail", both(), false)
            .is_empty()
    );
    for item in ["a", "b"] {
        let well = vec![(news(item, Occasion::Done), Notices::Failures)];
        assert!(
            budget
                .take(now, &handler("h"), "Mail", well, false)
                .is_empty()
        );
    }
    let told = lines(&budget.take(now, &handler("h"), "Mail", both(), false));
    assert_eq!(
        told,
        ["Mail: 2 items want attention|a failed: no disk\nb failed: no disk"]
    );
    // It goes once both are well.
    let well = |item| vec![(news(item, Occasion::Done), Notices::Failures)];
    assert!(
        budget
            .take(now, &handler("h"), "Mail", well("a"), false)
            .is_empty()
    );
    assert_eq!(
        budget
            .take(now, &handler("h"), "Mail", well("b"), false)
            .len(),
        1
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens: never more than the budget in a window, no trouble of an item twice before it is well, and
    /// whatever is wrong at the end was told or is held for the summary.
    #[test]
    fn the_budget_holds(script in prop::collection::vec((0_u8..12, 0_u8..6, 0_u64..400), 1..200)) {
        let mut budget = Budget::default();
        let mut now = Timestamp(0);
        let mut shown: Vec<Timestamp> = Vec::new();
        let mut open: BTreeMap<ItemRef, usize> = BTreeMap::new();
        for (item, what, pause) in script {
            now = now.plus(Duration::from_secs(pause));
            if budget.due().is_some_and(|due| due <= now) {
                prop_assert!(budget.summary(now).is_some());
                shown.push(now);
            }
            let occasion = [
                Occasion::Failed,
                Occasion::NeedsYou,
                Occasion::Late,
                Occasion::Overdue,
                Occasion::Done,
                Occasion::Stopped,
            ][usize::from(what)];
            let one = news(&format!("i{item}"), occasion);
            if occasion == Occasion::Done {
                open.remove(&one.item);
            }
            let at = one.item.clone();
            let told = budget.take(now, &handler("h"), "h", vec![(one, Notices::Failures)], false);
            for notice in told {
                if let Notice::Show { .. } = notice {
                    shown.push(now);
                    let times = open.entry(at.clone()).or_default();
                    *times += 1;
                    prop_assert!(*times <= 4, "{at} is told of too often");
                }
            }
            let recent = shown.iter().filter(|then| now.since(**then) < WINDOW).count();
            prop_assert!(recent <= MOST + 1, "{recent} within one window");
        }
    }
}

fn telling(notices: Notices) -> Telling {
    Telling {
        notices,
        ..Telling::default()
    }
}

/// A run by itself of one item that ends so.
fn run(w: &mut World, instance: u64, status: ItemStatus, failure: Option<Failure>) {
    w.ask(request(Scope::Items(vec![at("h", "A")]), Trigger::Schedule));
    w.list(instance, &["A"]);
    w.prepared(instance);
    w.hear(
        instance,
        InstanceInput::Progress(
            syncmgr_core::input::Progress {
                item: Some(id("A")),
                status: Some(status),
                failure,
                ..Default::default()
            },
            None,
        ),
    );
    w.completed(instance);
    w.exit(instance);
}

fn told(w: &mut World) -> Vec<String> {
    let lines = std::mem::take(&mut w.lines);
    let is_told = |line: &String| {
        ["notice", "withdraw", "post", "ping", "pulse"]
            .iter()
            .any(|word| line.starts_with(word))
    };
    lines.into_iter().filter(is_told).collect()
}

#[test]
fn a_failure_by_itself_is_told_and_being_offline_is_as_expected() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.input(Input::Telling(telling(Notices::Failures)));
    w.input(Input::Facts(vec![Fact::Network {
        usable: false,
        metered: false,
        wifi: None,
        vpn: false,
    }]));
    run(&mut w, 1, ItemStatus::Disconnected, None);
    run(&mut w, 2, ItemStatus::Failed, Some(Failure::Soft));
    assert_eq!(told(&mut w), Vec::<String>::new());
    run(&mut w, 3, ItemStatus::Failed, Some(Failure::Hard));
    assert_eq!(
        told(&mut w),
        ["notice A failed | it failed without saying why"]
    );
    run(&mut w, 4, ItemStatus::Succeeded, None);
    assert_eq!(told(&mut w).len(), 1, "it is withdrawn");
}

#[test]
fn what_failed_in_an_earlier_life_is_not_told_again() {
    let mut w = World::defined(&[("h", &["A"])]);
    run(&mut w, 1, ItemStatus::Failed, Some(Failure::Hard));
    w.lines.clear();
    w.input(Input::Telling(telling(Notices::Failures)));
    run(&mut w, 2, ItemStatus::Failed, Some(Failure::Hard));
    assert_eq!(told(&mut w), Vec::<String>::new());
}

#[test]
fn a_digest_comes_at_its_time_with_what_is_wrong_then() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.input(Input::Telling(Telling {
        digest: Some(Schedule::parse("18:00").unwrap()),
        ..telling(Notices::Failures)
    }));
    run(&mut w, 1, ItemStatus::Failed, Some(Failure::Hard));
    assert_eq!(told(&mut w), Vec::<String>::new());
    w.pass(24 * 3600);
    assert_eq!(
        told(&mut w),
        ["notice A failed | it failed without saying why"]
    );
    w.pass(24 * 3600);
    assert_eq!(told(&mut w), Vec::<String>::new());
}

fn webhook(on: &[Occasion]) -> Option<Webhook> {
    Some(Webhook {
        url: "https://w".to_owned(),
        on: on.to_vec(),
        headers: Vec::new(),
    })
}

#[test]
fn addresses_hear_what_they_asked_for_once_a_run() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.input(Input::Policies(vec![
        Policy {
            webhook: webhook(&[Occasion::Begins, Occasion::Failed]),
            ping: Some("https://p".to_owned()),
            ..Policy::default()
        },
        Policy {
            items: vec![Select::named("B")],
            ping: Some("https://b".to_owned()),
            ..Policy::default()
        },
    ]));
    w.sync(Scope::Handler(handler("h")));
    w.list(1, &["A", "B"]);
    assert_eq!(
        told(&mut w),
        [
            "post https://w A,B begins",
            "ping https://b Start B begins",
            "ping https://p Start A begins"
        ]
    );
    w.prepared(1);
    w.report(1, "A", ItemStatus::Failed);
    w.completed(1);
    w.exit(1);
    assert_eq!(
        told(&mut w),
        [
            "post https://w A failed",
            "ping https://b Good B done",
            "ping https://p Fail A failed"
        ]
    );
    // Stopped is neither good nor bad.
    w.sync(Scope::Handler(handler("h")));
    w.list(2, &["A", "B"]);
    w.prepared(2);
    w.lines.clear();
    w.report(2, "A", ItemStatus::Skipped);
    w.report(2, "B", ItemStatus::Skipped);
    w.completed(2);
    assert_eq!(told(&mut w), Vec::<String>::new());
}

#[test]
fn an_item_that_becomes_late_is_told_once_and_again_when_it_is_overdue() {
    let hour = Duration::from_secs(3600);
    let mut w = World::defined(&[("h", &["A"])]);
    run(&mut w, 1, ItemStatus::Succeeded, None);
    w.input(Input::Policies(vec![Policy {
        fresh_within: Some(hour),
        webhook: webhook(&[Occasion::Late, Occasion::Overdue]),
        ..Policy::default()
    }]));
    w.input(Input::Telling(telling(Notices::Failures)));
    w.lines.clear();
    w.pass(3600);
    assert_eq!(told(&mut w), Vec::<String>::new());
    w.pass(2);
    assert_eq!(
        told(&mut w),
        ["post https://w A late", "notice A is late | "]
    );
    w.pass(3600);
    assert_eq!(
        told(&mut w),
        ["post https://w A overdue", "notice A is overdue | "]
    );
    w.pass(100 * 3600);
    assert_eq!(told(&mut w), Vec::<String>::new());
    run(&mut w, 2, ItemStatus::Succeeded, None);
    assert_eq!(told(&mut w).len(), 1, "the notice is withdrawn");
    w.pass(3602);
    assert_eq!(told(&mut w).len(), 2, "it is late again");
}

#[test]
fn the_manager_says_that_it_lives_as_often_as_it_is_told_to() {
    let mut w = World::defined(&[("h", &["A"])]);
    let every = Duration::from_secs(60);
    w.input(Input::Telling(Telling {
        ping: Some(("https://m".to_owned(), every)),
        ..Telling::default()
    }));
    assert_eq!(told(&mut w), ["pulse https://m"]);
    w.pass(59);
    assert_eq!(told(&mut w), Vec::<String>::new());
    w.pass(1);
    assert_eq!(told(&mut w), ["pulse https://m"]);
    // After a sleep it comes once, not as often as it was missed.
    w.pass(100_000);
    assert_eq!(told(&mut w), ["pulse https://m"]);
    w.input(Input::Telling(Telling::default()));
    w.pass(1_000);
    assert_eq!(told(&mut w), Vec::<String>::new());
}
