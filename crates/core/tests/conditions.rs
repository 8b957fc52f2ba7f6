//! Conditions at work: hours that begin and end, what has to be looked at, and what must not run at the same time.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use syncmgr_core::Timestamp;
use syncmgr_core::condition::{Condition, Endpoint, Fact, Found, LOOK_HOLDS, Look, Room};
use syncmgr_core::input::{Began, Input, InstanceInput};
use syncmgr_core::record::Record;
use syncmgr_core::request::Scope;
use syncmgr_core::rule::{Cause, Happening, Lost, Moment, Rule, Select};
use syncmgr_core::schedule::{Hours, Schedule, Zone};
use world::{World, at};

const HOUR: i64 = 3_600_000;

/// A rule of one cause and one condition.
fn rule(name: &str, items: &[&str], on: Cause, when: Condition) -> Rule {
    Rule {
        when: vec![when],
        ..world::rule(name, items, vec![on])
    }
}

fn daily(time: &str) -> Cause {
    Cause::Schedule(Schedule::parse(&format!("daily at {time}")).unwrap())
}

/// On 2026-11-22 at this time of the day in UTC.
fn moment(hour: i64) -> Timestamp {
    Timestamp(1_795_305_600_000 + hour * HOUR)
}

fn world_at(hour: i64, handlers: &[(&str, &[&str])]) -> World {
    let mut w = World::defined(handlers);
    w.now = moment(hour);
    w.input(Input::Tick);
    w
}

fn go_to(w: &mut World, hour: i64) {
    w.now = moment(hour);
    w.input(Input::Tick);
}

fn unlock(w: &mut World) {
    w.input(Input::Happened(Happening::Moment(Moment::Unlock)));
}

fn starts(w: &mut World) -> Vec<String> {
    let lines = std::mem::take(&mut w.lines);
    lines
        .into_iter()
        .filter(|line| line.contains(" start "))
        .collect()
}

fn nights() -> Hours {
    Hours::parse("22:00-06:00").unwrap()
}

fn looked(look: &Look, found: Found) -> Input {
    let look = look.clone();
    Input::Facts(vec![Fact::Looked { look, found }])
}

#[test]
fn hours_hold_a_start_back_until_exactly_they_begin() {
    let mut w = world_at(11, &[("h", &["A"])]);
    w.input(Input::Rules(vec![rule(
        "noon",
        &["A"],
        daily("12:00"),
        Condition::Hours(nights()),
    )]));
    go_to(&mut w, 12);
    w.expect("");
    assert_eq!(w.manager.next_deadline(), Some(moment(22)));
    w.now = Timestamp(moment(22).0 - 1);
    w.input(Input::Tick);
    w.expect("");
    go_to(&mut w, 22);
    assert_eq!(starts(&mut w), ["1 start h Schedule"]);
}

#[test]
fn hours_are_those_of_where_the_machine_is() {
    let mut w = world_at(11, &[("h", &["A"])]);
    let unlocked = Cause::Happening(Moment::Unlock);
    w.input(Input::Rules(vec![rule(
        "nights",
        &["A"],
        unlocked,
        Condition::Hours(nights()),
    )]));
    unlock(&mut w);
    w.expect("");
    // The traveller lands where it is night.
    w.input(Input::Zone(Zone::named("Asia/Tokyo").unwrap()));
    w.expect("");
    go_to(&mut w, 13);
    assert_eq!(starts(&mut w), ["1 start h Unlock"]);
}

#[test]
fn hours_that_end_in_mid_run_stop_it_only_where_its_rule_says_so() {
    for lost in [Lost::Finish, Lost::Stop] {
        let mut w = world_at(5, &[("h", &["A"])]);
        let unlocked = Cause::Happening(Moment::Unlock);
        let mut nightly = rule("nights", &["A"], unlocked, Condition::Hours(nights()));
        nightly.lost = lost;
        w.input(Input::Rules(vec![nightly]));
        w.now = Timestamp(moment(6).0 - 60_000);
        unlock(&mut w);
        w.list(1, &["A"]);
        w.prepared(1);
        w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
        w.lines.clear();
        let stops = lost == Lost::Stop;
        assert_eq!(w.manager.next_deadline() == Some(moment(6)), stops);
        go_to(&mut w, 6);
        let told = std::mem::take(&mut w.lines);
        assert_eq!(!told.is_empty(), stops, "{told:?}");
    }
}

#[test]
fn room_is_looked_at_only_while_a_start_waits_for_it() {
    let mut w = world_at(1, &[("h", &["A"])]);
    let path = "/mnt/backup";
    let condition = Condition::Free {
        path: path.into(),
        at_least: Room::Bytes(10),
    };
    let look = Look::Room(path.into());
    let room = |free| Found::Room { free, total: 100 };
    w.input(Input::Rules(vec![rule(
        "nightly",
        &["A"],
        daily("02:00"),
        condition,
    )]));
    assert!(w.manager.looks().is_empty(), "nothing waits for it");
    let before = w.manager.waits();
    go_to(&mut w, 2);
    w.expect("");
    assert!(w.manager.waits() != before);
    assert!(w.manager.looks().iter().eq([&look]));
    let why = w.manager.why(&at("h", "A"), w.now).unwrap();
    assert!(
        !why.reasons
            .iter()
            .any(|reason| reason.blocks && reason.wanted.as_str().contains("free"))
    );
    w.input(looked(&look, room(9)));
    w.expect("");
    assert!(
        w.manager.looks().iter().eq([&look]),
        "it is looked at again"
    );
    w.input(looked(&look, room(10)));
    assert_eq!(starts(&mut w), ["1 start h Schedule"]);
    assert!(w.manager.looks().is_empty(), "nothing waits any more");
    w.run_well(1, &["A"]);
    w.lines.clear();
    // A day later what was found is too old to start anything.
    go_to(&mut w, 26);
    w.expect("");
    assert!(w.manager.looks().iter().eq([&look]));
    // A person needs no condition.
    w.sync(Scope::Items(vec![at("h", "A")]));
    assert_eq!(starts(&mut w).len(), 1);
    w.list(2, &["A"]);
    assert!(w.manager.looks().is_empty());
}

#[test]
fn what_was_found_starts_what_comes_soon_after() {
    let mut w = world_at(1, &[("h", &["A"]), ("g", &["B"])]);
    let condition = || {
        Condition::Reachable(Endpoint {
            host: "nas".into(),
            port: 22,
        })
    };
    let look = condition().look().unwrap();
    let when = |moment| Cause::Happening(moment);
    w.input(Input::Rules(vec![
        rule("one", &["A"], when(Moment::Unlock), condition()),
        rule("two", &["B"], when(Moment::Lock), condition()),
    ]));
    unlock(&mut w);
    w.expect("");
    w.input(looked(&look, Found::Reachable));
    assert_eq!(starts(&mut w), ["1 start h Unlock"]);
    w.now = w.now.plus(LOOK_HOLDS);
    w.input(Input::Happened(Happening::Moment(Moment::Lock)));
    assert_eq!(starts(&mut w), ["2 start g Lock"]);
}

#[test]
fn what_was_let_go_is_not_sent_back_when_its_turn_comes_late() {
    let mut w = world_at(1, &[("h", &["A", "B"])]);
    let condition = Condition::Load {
        at_most_hundredths: 100,
        per_core: false,
    };
    let look = Look::Load;
    let unlocked = Cause::Happening(Moment::Unlock);
    w.input(Input::Rules(vec![rule(
        "calm",
        &["B"],
        unlocked,
        condition,
    )]));
    unlock(&mut w);
    // Its handler is at work for an hour.
    w.sync(Scope::Items(vec![at("h", "A")]));
    w.list(1, &["A", "B"]);
    w.lines.clear();
    let calm = Found::Load {
        hundredths: 20,
        cores: 2,
    };
    w.input(looked(&look, calm));
    w.pass(3_600);
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    assert_eq!(starts(&mut w), ["2 start h Unlock"]);
    assert!(w.manager.looks().is_empty());
}

#[test]
fn another_item_must_not_run_and_its_end_is_enough() {
    let mut w = world_at(1, &[("h", &["A"]), ("g", &["B"])]);
    let unlocked = Cause::Happening(Moment::Unlock);
    let condition = Condition::NotRunning(Select::named("B"));
    w.input(Input::Rules(vec![rule(
        "alone",
        &["A"],
        unlocked,
        condition,
    )]));
    w.sync(Scope::Items(vec![at("g", "B")]));
    w.list(1, &["B"]);
    w.lines.clear();
    unlock(&mut w);
    w.expect("");
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    assert_eq!(starts(&mut w), ["2 start h Unlock"]);
}

#[test]
fn an_item_does_not_wait_for_itself() {
    let mut w = world_at(1, &[("h", &["A"])]);
    let unlocked = Cause::Happening(Moment::Unlock);
    let condition = Condition::NotRunning(Select::named("h"));
    w.input(Input::Rules(vec![rule(
        "alone",
        &["A"],
        unlocked,
        condition,
    )]));
    unlock(&mut w);
    assert_eq!(starts(&mut w), ["1 start h Unlock user"]);
    w.list(1, &["A"]);
    w.expect("1 list\n1 prepare A");
}

#[test]
fn why_tells_every_condition_with_its_rule_and_what_would_have_to_be() {
    let mut w = world_at(11, &[("h", &["A"])]);
    let mut noon = rule("noon", &["A"], daily("12:00"), Condition::Hours(nights()));
    noon.when.push(Condition::UnmeteredNetwork);
    let unlocked = Cause::Happening(Moment::Unlock);
    let other = rule("other", &["h"], unlocked, Condition::UnmeteredNetwork);
    w.input(Input::Rules(vec![noon, other.clone()]));
    let network = |metered| {
        Input::Facts(vec![Fact::Network {
            usable: true,
            metered,
            wifi: None,
            vpn: false,
        }])
    };
    w.input(network(true));
    let item = at("h", "A");
    let why = w.manager.why(&item, w.now).unwrap();
    let told: Vec<(String, Vec<String>)> = why
        .conditions
        .iter()
        .map(|wanted| (wanted.condition.to_string(), wanted.rules.clone()))
        .collect();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        told,
        [
            ("hours 22:00-06:00".to_owned(), names(&["noon"])),
            ("unmetered".to_owned(), names(&["noon", "other"])),
        ]
    );
    // The second rule shows what holds for its items as well.
    let beside = w.manager.conditions_beside(&other);
    assert_eq!(beside.len(), 1);
    assert_eq!(beside[0].1, Condition::Hours(nights()));
    // At noon both are missing, and time alone does not help.
    let coming = w.manager.coming(&item, w.now, moment(36));
    assert_eq!(coming.len(), 2);
    assert_eq!(
        coming[0].wishes,
        [
            "these were the hours 22:00-06:00",
            "the network were unmetered"
        ]
    );
    assert_eq!(coming[0].then, None);
    // What is thought about is asked as what holds already.
    let thought = |at: i64, also: &[Condition]| {
        let start = w.manager.start_if(&item, moment(at), also).unwrap();
        start.held_by.map(|held| held.fragment())
    };
    assert!(thought(23, &[]).unwrap().contains("network"));
    // On an unmetered network time alone does.
    w.input(network(false));
    let thought = |at: i64, also: &[Condition]| {
        let start = w.manager.start_if(&item, moment(at), also).unwrap();
        start.held_by.map(|held| held.fragment())
    };
    assert_eq!(thought(23, &[]), None);
    assert!(thought(23, &[Condition::Vpn]).is_some());
    assert!(
        w.manager
            .start_if(&at("h", "nobody"), moment(23), &[])
            .is_none()
    );
    let coming = w.manager.coming(&item, w.now, moment(36));
    assert_eq!(coming[0].wishes, ["these were the hours 22:00-06:00"]);
    assert_eq!(
        (coming[0].at, coming[0].then),
        (moment(12), Some(moment(22)))
    );
    let all = w
        .manager
        .forecast(&[item.clone()].into(), w.now, moment(36));
    let starts: Vec<_> = all.starts.into_iter().map(|(_, coming)| coming).collect();
    assert_eq!(starts, coming);
    assert_eq!(all.cut, None);
    // It waits, and is told so.
    go_to(&mut w, 12);
    let why = w.manager.why(&item, w.now).unwrap();
    assert!(why.waits.is_some());
    assert_eq!(why.wishes, ["these were the hours 22:00-06:00"]);
}

#[test]
fn what_held_an_item_back_is_kept_with_its_changes_and_its_end() {
    let mut w = world_at(1, &[("h", &["A"])]);
    let mut night = rule("night", &["A"], daily("02:00"), Condition::AnyNetwork);
    night.when.push(Condition::Vpn);
    w.input(Input::Rules(vec![night]));
    let network = |usable, vpn| {
        Input::Facts(vec![Fact::Network {
            usable,
            metered: false,
            wifi: None,
            vpn,
        }])
    };
    w.input(network(false, false));
    w.records.clear();
    go_to(&mut w, 2);
    w.input(network(false, true)); // another fact, and the same reason
    w.input(network(true, false));
    w.input(network(true, true));
    let told: Vec<String> = w
        .records
        .iter()
        .filter_map(|record| match record {
            Record::Held(row) => Some(row.text.clone()),
            Record::HeldUntil { .. } => Some("free".to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [
            "it waits for a network; now: no usable network",
            "it waits for a VPN; now: another network",
            "free"
        ]
    );
}

#[test]
fn an_interval_is_not_foretold_while_its_run_goes_on() {
    let mut w = world_at(1, &[("h", &["A"])]);
    let often = Cause::Schedule(Schedule::parse("every 15m").unwrap());
    let mut often = rule("often", &["A"], often, Condition::AnyNetwork);
    often.when.clear();
    w.input(Input::Rules(vec![often]));
    let next = |w: &World| w.manager.rules().next().unwrap().1;
    assert!(next(&w).is_some());
    // How long the run lasts nobody knows, and so not when it is due after that.
    assert_eq!(w.manager.coming(&at("h", "A"), w.now, moment(3)).len(), 1);
    w.sync(Scope::Items(vec![at("h", "A")]));
    w.list(1, &["A"]);
    assert_eq!(next(&w), None);
    assert!(w.manager.coming(&at("h", "A"), w.now, moment(3)).is_empty());
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    assert!(next(&w).is_some());
}
