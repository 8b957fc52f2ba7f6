//! Any record, for property tests. Numbers and identifiers come from small pools, so that rows meet again.

use std::fmt::Debug;
use std::time::Duration;

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use syncmgr_core::conflict::{ConflictRow, ConflictVersion};
use syncmgr_core::item::{Counts, HandlerRow, Held, ItemRow, Retry};
use syncmgr_core::log::LogRow;
use syncmgr_core::marks::{Mark, Marks};
use syncmgr_core::need::{Choice, NeedRow, NeedState, Typed};
use syncmgr_core::problem::HandlerProblem;
use syncmgr_core::record::{HeldRow, OutsideRow, PauseRow, PauseScope};
use syncmgr_core::request::Trigger;
use syncmgr_core::run::{RunItemRow, RunKind, RunRow, SessionRow};
use syncmgr_core::stuck::Stall;
use syncmgr_core::{
    AbsentRow, Event, EventKind, EventNumber, HandlerId, ItemId, ItemRef, LogId, NeedId, Record,
    RequestId, RunId, SessionId, Timestamp,
};

use crate::words::Word;

/// Numbers of rows that other rows belong to.
const FEW: u64 = 5;

/// Numbers of rows that stand alone.
const MANY: u64 = 60;

fn word<T: Word + Debug>() -> impl Strategy<Value = T> {
    select(T::ALL)
}

fn set<T: Word + Debug + Ord + Mark>() -> impl Strategy<Value = Marks<T>> {
    btree_set(word(), 0..4).prop_map(|words| words.into_iter().collect())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<String>(),
        1 => Just(String::new()),
        1 => Just("a\0b\n3:xyz'\"--".to_owned()),
    ]
}

fn moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![0..100_i64, any::<i64>()].prop_map(Timestamp)
}

pub(crate) fn handler_id() -> impl Strategy<Value = HandlerId> {
    select(vec!["folder", "FOLDER", "rclone", "straße", "STRASSE"])
        .prop_map(|text| HandlerId::new(text).unwrap())
}

fn item_id() -> impl Strategy<Value = ItemId> {
    select(vec![
        "Notes",
        "nOTES",
        "mail",
        "it's \"quoted\"",
        "ı",
        "\u{1f4c1}",
    ])
    .prop_map(|text| ItemId::new(text).unwrap())
}

pub(crate) fn item_ref() -> impl Strategy<Value = ItemRef> {
    (handler_id(), item_id()).prop_map(|(handler, item)| ItemRef { handler, item })
}

pub(crate) fn run_id() -> impl Strategy<Value = RunId> {
    (1..=FEW).prop_map(RunId)
}

fn session_id() -> impl Strategy<Value = SessionId> {
    (1..=FEW).prop_map(SessionId)
}

fn counts() -> impl Strategy<Value = Counts> {
    any::<[u64; 10]>().prop_map(
        |[
            sent,
            received,
            deleted,
            conflicts,
            failed,
            bytes,
            created_near,
            created_far,
            deleted_near,
            deleted_far,
        ]| Counts {
            sent,
            received,
            deleted,
            conflicts,
            failed,
            bytes,
            created_near,
            created_far,
            deleted_near,
            deleted_far,
        },
    )
}

prop_compose! {
    fn problem()(
        step in word(), text in text(), detail in text(), since in moment(), last in moment(), times: u32,
    ) -> HandlerProblem {
        HandlerProblem { step, text, detail, since, last, times }
    }
}

prop_compose! {
    fn absent()(
        at in item_ref(), enabled: bool, labels in btree_set(text(), 0..4),
        freshness in option::of(0..=i64::MAX.cast_unsigned()), since in moment(),
    ) -> AbsentRow {
        AbsentRow { at, enabled, labels: labels.into(), expected_freshness: freshness.map(Duration::from_millis), since }
    }
}

prop_compose! {
    fn handler()(
        id in handler_id(), texts in [text(), text(), text()], activation in word(), connected in word(),
        flags in any::<[bool; 4]>(), capabilities in set(), policies in set(),
        problem in option::of(problem()),
    ) -> HandlerRow {
        let [name, comment, version] = texts;
        let [enabled, always_list, hidden, asked] = flags;
        HandlerRow {
            id, name, comment, version, activation, enabled, connected, always_list, hidden, capabilities, policies, asked,
            problem,
        }
    }
}

prop_compose! {
    fn item()(
        at in item_ref(), texts in [text(), text()], labels in btree_set(text(), 0..4), flags in any::<[bool; 4]>(),
        tick in any::<Option<bool>>(), connected in word(), sets in (set(), set()), since in moment(),
        freshness in option::of(0..=i64::MAX.cast_unsigned()), moments in [option::of(moment()), option::of(moment())],
        last in (option::of(run_id()), option::of(word()), option::of(text())),
        retry in option::of((any::<u32>(), moment(), any::<bool>())),
        stall in option::of((any::<u32>(), any::<[u64; 3]>(), any::<bool>())),
        lanes in btree_set(text(), 0..3), held in option::of((word(), moment())),
    ) -> ItemRow {
        let [name, comment] = texts;
        let [checked, enabled, temporary, hidden] = flags;
        let [last_attempt, last_good] = moments;
        let (last_run, last_status, last_problem) = last;
        ItemRow {
            at, name, comment, labels: labels.into(), checked, tick, enabled, connected, temporary, hidden,
            capabilities: sets.0, policies: sets.1, since,
            lanes: syncmgr_core::lane::read(lanes.iter().map(String::as_str)).into(),
            expected_freshness: freshness.map(Duration::from_millis),
            last_attempt, last_good, last_run, last_status, last_problem,
            retry: retry.map(|(attempt, due, told)| Retry { attempt, due, told }),
            stall: stall.map(|(runs, [value, max, moved], told)| Box::new(Stall { runs, value, max, moved, told })),
            held: held.map(|(trigger, since)| Held { trigger, since }),
        }
    }
}

prop_compose! {
    fn session()(
        id in session_id(), request in option::of(1..FEW), trigger in word(), opened in moment(),
        closed in option::of(moment()), outcome in option::of(word()),
    ) -> SessionRow {
        SessionRow { id, request: request.map(RequestId), trigger, opened, closed, outcome }
    }
}

prop_compose! {
    fn outside()(
        session in session_id(), within in 0..MANY, until in moment(), attended in any::<bool>(), warned in any::<bool>(),
        asked in word(),
    ) -> OutsideRow {
        OutsideRow { session, within: Duration::from_millis(within), until, attended, warned, asked }
    }
}

prop_compose! {
    fn run()(
        id in run_id(), session in session_id(), handler in handler_id(),
        kind in prop_oneof![
            Just(RunKind::Synchronize), run_id().prop_map(RunKind::Undo), Just(RunKind::Resolve)],
        trigger in word(), opened in moment(), closed in option::of(moment()), outcome in word(), counts in counts(),
        process in any::<Option<(u32, u64)>>(), stderr in text(), problem in option::of(text()),
    ) -> RunRow {
        RunRow { id, session, handler, kind, trigger, opened, closed, outcome, counts, process, stderr, problem }
    }
}

prop_compose! {
    fn run_item()(
        run in run_id(), item in item_ref(), status in word(), failure in option::of(word()), text in text(),
        counts in counts(),
    ) -> RunItemRow {
        RunItemRow { run, item, status, failure, text, counts }
    }
}

prop_compose! {
    fn log()(
        id in 1..MANY, at in moment(), level in word(), handler in option::of(handler_id()),
        item in option::of(item_ref()), run in option::of(run_id()), text in text(), detail in option::of(text()),
        error in option::of(text()), jump: bool,
    ) -> LogRow {
        LogRow { id: LogId(id), at, level, handler, item, run, text, detail, error, jump }
    }
}

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    vec(
        (text(), text()).prop_map(|(name, label)| Choice { name, label }),
        0..3,
    )
}

fn need_state() -> impl Strategy<Value = NeedState> {
    prop_oneof![
        Just(NeedState::Open),
        (text(), text(), text(), moment()).prop_map(|(choice, fields, by, at)| {
            NeedState::Answered {
                choice,
                fields: Typed::new(fields),
                by,
                at,
            }
        }),
        (text(), run_id()).prop_map(|(choice, run)| NeedState::Used { choice, run }),
        Just(NeedState::Withdrawn),
        Just(NeedState::Expired),
    ]
}

prop_compose! {
    fn need()(
        id in 1..=FEW, handler in handler_id(), item in option::of(item_id()), texts in [text(), text(), text()],
        kind in word(), durable: bool, maybe in [option::of(text()), option::of(text()), option::of(text())],
        choices in choices(), deadline in option::of(moment()), opened in moment(), run in option::of(run_id()),
        state in need_state(),
    ) -> NeedRow {
        let [key, text, context] = texts;
        let [detail, default, fields] = maybe;
        NeedRow {
            id: NeedId(id), handler, item, key, kind, durable, text, detail, choices, default, deadline, fields, context,
            opened, run, state,
        }
    }
}

prop_compose! {
    fn version()(
        place in text(), location in text(), deleted: bool, kind in text(), size: Option<u64>,
        modified in option::of(moment()),
    ) -> ConflictVersion {
        ConflictVersion { place, location, deleted, kind, size, modified }
    }
}

prop_compose! {
    fn conflict(item: ItemRef)(
        id in text(), name in text(), summary in text(), found in moment(), versions in vec(version(), 0..3),
        choices in choices(),
    ) -> ConflictRow {
        ConflictRow { id, item: item.clone(), name, summary, found, versions, choices }
    }
}

pub(crate) fn rule_name() -> impl Strategy<Value = String> {
    "[a-c]"
}

pub(crate) fn pause_scope() -> impl Strategy<Value = PauseScope> {
    prop_oneof![
        Just(PauseScope::All),
        handler_id().prop_map(PauseScope::Handler),
        item_ref().prop_map(PauseScope::Item),
    ]
}

fn event_kind() -> impl Strategy<Value = EventKind> {
    let request = || any::<u32>().prop_map(|number| RequestId(number.into()));
    prop_oneof![
        handler_id().prop_map(EventKind::HandlerRegistered),
        handler_id().prop_map(EventKind::HandlerUnregistered),
        item_ref().prop_map(EventKind::ItemAdded),
        item_ref().prop_map(EventKind::ItemRemoved),
        (request(), word())
            .prop_map(|(request, trigger)| EventKind::RequestQueued { request, trigger }),
        (request(), request())
            .prop_map(|(request, into)| EventKind::RequestMerged { request, into }),
        (request(), word())
            .prop_map(|(request, outcome)| EventKind::RequestEnded { request, outcome }),
        session_id().prop_map(EventKind::SessionOpened),
        (session_id(), word())
            .prop_map(|(session, outcome)| EventKind::SessionClosed { session, outcome }),
        (run_id(), handler_id()).prop_map(|(run, handler)| EventKind::RunOpened { run, handler }),
        (run_id(), word()).prop_map(|(run, outcome)| EventKind::RunClosed { run, outcome }),
        (run_id(), item_ref(), word()).prop_map(|(run, item, status)| EventKind::ItemFinished {
            run,
            item,
            status
        }),
        session_id().prop_map(EventKind::StopRequested),
        item_ref().prop_map(EventKind::SkipRequested),
        (handler_id(), text())
            .prop_map(|(handler, text)| EventKind::ProtocolViolation { handler, text }),
        handler_id().prop_map(EventKind::InstanceAbandoned),
        any::<u64>().prop_map(|need| EventKind::NeedOpened(NeedId(need))),
        any::<u64>().prop_map(|need| EventKind::NeedClosed(NeedId(need))),
        (item_ref(), any::<u64>())
            .prop_map(|(item, open)| EventKind::ConflictsChanged { item, open }),
        option::of(item_ref()).prop_map(EventKind::Paused),
        option::of(item_ref()).prop_map(EventKind::Resumed),
        any::<u32>().prop_map(|pid| EventKind::LockTakenOver { pid }),
        run_id().prop_map(EventKind::RunInterrupted),
        (handler_id(), option::of(item_ref()), any::<bool>()).prop_map(
            |(handler, item, enabled)| EventKind::EnabledChanged {
                handler,
                item,
                enabled,
            }
        ),
    ]
}

fn held() -> impl Strategy<Value = HeldRow> {
    (item_ref(), moment(), option::of(moment()), text()).prop_map(|(item, since, until, text)| {
        HeldRow {
            item,
            since,
            until,
            wanted_by: Trigger::Schedule,
            text,
        }
    })
}

/// Any record; rows that others belong to come more often.
pub(crate) fn record() -> impl Strategy<Value = Record> {
    let event = (1..MANY, moment(), event_kind()).prop_map(|(number, at, kind)| {
        Record::Event(Event {
            number: EventNumber(number),
            at,
            kind,
        })
    });
    let conflicts = item_ref().prop_flat_map(|item| {
        vec(conflict(item.clone()), 0..4).prop_map(move |conflicts| Record::Conflicts {
            item: item.clone(),
            conflicts,
        })
    });
    let pause =
        (pause_scope(), moment(), option::of(moment())).prop_map(|(scope, since, until)| {
            Record::Pause(PauseRow {
                scope,
                since,
                until,
            })
        });
    let succeeded =
        (item_ref(), 1..MANY, moment()).prop_map(|(item, run, at)| Record::ItemsSucceeded {
            handler: item.handler,
            run: RunId(run),
            at,
            items: vec![item.item],
        });
    prop_oneof![
        2 => succeeded,
        6 => handler().prop_map(Record::Handler),
        1 => handler_id().prop_map(Record::HandlerGone),
        3 => item().prop_map(Record::Item),
        1 => item_ref().prop_map(Record::ItemGone),
        1 => (any::<i64>(), moment()).prop_map(|(by_ms, after)| Record::ClockSet { by_ms, after }),
        2 => absent().prop_map(Record::Absent),
        1 => item_ref().prop_map(Record::AbsentGone),
        6 => session().prop_map(Record::Session),
        5 => run().prop_map(Record::Run),
        4 => run_item().prop_map(Record::RunItem),
        3 => log().prop_map(Record::Log),
        1 => (1..MANY, text()).prop_map(|(log, detail)| Record::LogDetail { log: LogId(log), detail }),
        1 => vec((1..MANY).prop_map(LogId), 0..4).prop_map(Record::LogDeleted),
        3 => need().prop_map(Record::Need),
        2 => conflicts,
        2 => pause,
        1 => pause_scope().prop_map(Record::PauseGone),
        1 => (rule_name(), moment()).prop_map(|(rule, considered)| Record::RuleSeen { rule, considered }),
        1 => rule_name().prop_map(Record::RuleGone),
        3 => outside().prop_map(Record::Outside),
        2 => held().prop_map(Record::Held),
        1 => (item_ref(), moment()).prop_map(|(item, until)| Record::HeldUntil { item, until }),
        6 => event,
    ]
}
