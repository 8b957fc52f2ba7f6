//! Each check can fail: a handler that breaks exactly one obligation fails exactly its rows, and one that breaks none
//! fails none.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: what cannot be unwrapped fails the test; they run many checks at once"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use syncmgr_conformance::catalogue::CHECKS;
use syncmgr_conformance::{CheckError, Limits, Outcome, Report, Speech, Subject, check};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// A mode of the broken handler, and the rows that it breaks.
const MODES: &[(&str, &[&str])] = &[
    ("well", &[]),
    ("refuses-sync", &["H-02", "H-47"]),
    ("refuses-list", &["H-03"]),
    ("odd-takes-part", &["H-06"]),
    ("asks-in-initialize", &["H-08", "J-12"]),
    ("window-unattended", &["H-11"]),
    ("no-name", &["H-12"]),
    ("odd-page", &["H-13"]),
    ("endless-pages", &["H-15"]),
    ("reports-breach", &["H-15"]),
    ("same-ids", &["H-16"]),
    ("new-ids", &["H-16", "J-15"]),
    ("nameless-item", &["H-17"]),
    ("odd-item", &["H-17"]),
    ("future", &["H-18"]),
    ("no-sheet", &["H-19"]),
    ("odd-sheet", &["H-21"]),
    ("shows-refused", &["H-22"]),
    ("prepare-never-completes", &["H-26"]),
    ("prepare-slow", &["H-26"]),
    ("prepare-twice", &["H-26"]),
    ("prepare-refused-completes", &["H-27"]),
    ("asks-unattended", &["H-28"]),
    ("window-stays", &["H-30"]),
    ("other-items", &["H-31"]),
    ("sync-never-completes", &["H-32"]),
    ("sync-slow", &["H-32"]),
    ("sync-refused-completes", &["H-33"]),
    ("sync-twice", &["H-34"]),
    ("late-report", &["H-34"]),
    ("stop-never-completes", &["H-34", "H-38"]),
    ("quiet-unattended", &["H-35"]),
    ("mute", &["H-36"]),
    ("skip-stops-all", &["H-37"]),
    ("ignores-stop", &["H-38"]),
    ("no-terminal", &["H-39"]),
    ("bad-progress", &["H-40"]),
    ("ignores-skip", &["H-41"]),
    ("asks-at-work", &["H-42"]),
    ("bad-level", &["H-43"]),
    ("link-without-error", &["H-44"]),
    ("error-never-completes", &["H-45"]),
    ("retries-foreign", &["H-46"]),
    ("once-only", &["H-47"]),
    ("undeclared-connection", &["H-48"]),
    ("speaks-after-release", &["H-50"]),
    ("prints", &["J-01"]),
    ("garbage", &["J-01", "J-03"]),
    ("not-utf8", &["J-02"]),
    ("giant-line", &["J-02"]),
    ("half-line", &["J-02"]),
    ("slow-initialize", &["J-03"]),
    ("other-version", &["J-03"]),
    ("takes-any-version", &["J-04"]),
    ("refuses-unknown", &["J-05"]),
    ("answers-notifications", &["J-05"]),
    ("knows-everything", &["J-06"]),
    ("answers-twice", &["J-07"]),
    ("bad-callback", &["J-08"]),
    ("never-exits", &["J-09"]),
    ("exits-badly", &["J-10"]),
    ("ignores-end-of-input", &["J-11"]),
    ("works-in-settings", &["J-12"]),
    ("plan-writes", &["J-13"]),
    ("plan-of-others", &["J-14"]),
    ("odd-plan", &["J-14"]),
    ("breaks-when-killed", &["J-15"]),
    ("always-moves", &["J-16"]),
    ("defines-nonsense", &["J-17"]),
    ("drifting-properties", &["J-18"]),
    ("resolves-anything", &["J-19"]),
    ("one-version", &["J-19"]),
    ("feature-absent", &["J-20"]),
    ("sulks", &["J-21"]),
    ("crashes", &["J-22"]),
    ("exits-at-once", &["J-22"]),
    ("floods", &["J-23"]),
];

/// Checks that run at once; most of their time they wait.
const AT_ONCE: usize = 24;
/// Modes that are waited for until a limit again and again: they begin first.
const LONGEST: [&str; 7] = [
    "stop-never-completes",
    "sync-never-completes",
    "prepare-never-completes",
    "error-never-completes",
    "ignores-stop",
    "never-exits",
    "ignores-end-of-input",
];

fn example(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn limits(mode: &str) -> Limits {
    // What never comes need not be waited for as long as what comes late.
    let never = mode.ends_with("-never-completes");
    Limits {
        initialize: Duration::from_millis(1500),
        quick: Duration::from_millis(1000),
        work: Duration::from_millis(if never { 1500 } else { 4000 }),
        react: Duration::from_millis(1000),
        exit: Duration::from_millis(2000),
        linger: Duration::from_millis(50),
        messages: if mode == "floods" { 2_000 } else { 20_000 },
    }
}

fn subject(mode: &str) -> Subject {
    let define = match mode {
        // Modes that do not begin cannot make an item either.
        "slow-initialize" | "garbage" | "exits-at-once" | "no-items" => Vec::new(),
        _ => {
            let wish = serde_json::json!({"path": "{scratch}/tree"});
            vec![wish.as_object().unwrap().clone()]
        }
    };
    Subject {
        program: example("broken-handler"),
        args: vec![mode.into()],
        speech: Speech::Messages,
        define,
        only: Vec::new(),
        keep: false,
        now_ms: 1_790_000_000_000,
        limits: limits(mode),
    }
}

fn breaches(report: &Report) -> BTreeMap<&'static str, String> {
    report
        .rows
        .iter()
        .filter(|row| matches!(row.outcome, Outcome::Failed | Outcome::Warned))
        .map(|row| (row.id, row.seen.clone()))
        .collect()
}

async fn checked(subject: &Subject) -> Report {
    check(subject, &mut |_| {}, pending()).await.unwrap()
}

/// What is wrong with how one mode is judged; nothing is.
async fn misjudged(mode: &str, expected: &[&'static str]) -> Option<String> {
    let mut subject = subject(mode);
    let seen = breaches(&checked(&subject).await);
    let found: Vec<&str> = seen.keys().copied().collect();
    if found != expected {
        return Some(format!("{mode}: expected {expected:?}, found {seen:#?}"));
    }
    // Of a list the entry is named that is to blame.
    if mode.starts_with("odd-item") || mode.starts_with("odd-plan") {
        let said = seen.values().next()?;
        if !said.contains("item 3,") && !said.contains("entry 3, `item-3`, of `items`") {
            return Some(format!("{mode}: {said}"));
        }
    }
    // The scenarios that these rows need are enough to see the same of them.
    subject.only = expected.to_vec();
    let alone = checked(&subject).await;
    let seen = breaches(&alone);
    let found: Vec<&str> = seen.keys().copied().collect();
    (found != expected || (!expected.is_empty() && alone.rows.len() != expected.len()))
        .then(|| format!("{mode} by itself: expected {expected:?}, found {seen:#?}"))
}

/// H-03, H-19, H-30, H-33 and every other row of the table above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_check_fails_for_the_handler_that_breaks_it_and_for_no_other() {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut checks = JoinSet::new();
    let only = std::env::var("SYNCMGR_BROKEN_MODE").ok();
    let mut modes = MODES.to_vec();
    modes.sort_by_key(|(mode, _)| !LONGEST.contains(mode));
    for (mode, expected) in modes {
        if only.as_deref().is_some_and(|only| only != mode) {
            continue;
        }
        let room = Arc::clone(&room).acquire_owned().await.unwrap();
        checks.spawn(async move {
            let _room = room;
            misjudged(mode, expected).await
        });
    }
    let wrong: Vec<String> = checks.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each row alone is judged from the scenarios that it needs, and most of the others are not played.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_check_alone_plays_what_it_needs() {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut checks = JoinSet::new();
    for check in CHECKS {
        let room = Arc::clone(&room).acquire_owned().await.unwrap();
        let (id, observed) = (check.id, check.is_observed());
        checks.spawn(async move {
            let _room = room;
            let mut subject = subject("well");
            subject.only = vec![id];
            let report = checked(&subject).await;
            let expected = if observed {
                Outcome::Passed
            } else {
                Outcome::NotApplicable
            };
            let few = report.instances <= if id == "J-15" { 13 } else { 7 };
            let right = few
                && report.rows.len() == 1
                && report.rows.iter().all(|row| row.outcome == expected);
            (!right).then(|| format!("{id}: {} instances, {:?}", report.instances, report.rows))
        });
    }
    let wrong: Vec<String> = checks.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Nothing is called kept that only a run with items can show.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_without_items_keeps_only_what_needs_none() {
    let mut subject = subject("no-items");
    // A wait for what nobody began would take this long.
    subject.limits.work = Duration::from_secs(600);
    let report = checked(&subject).await;
    let passed: Vec<&str> = report
        .rows
        .iter()
        .filter(|row| row.outcome == Outcome::Passed)
        .map(|row| row.id)
        .collect();
    let none_needed = [
        "H-03", "H-06", "H-08", "H-12", "H-13", "H-15", "H-21", "H-22", "H-50", "J-01", "J-02",
        "J-03", "J-04", "J-05", "J-06", "J-07", "J-09", "J-10", "J-12", "J-17", "J-18", "J-20",
        "J-22", "J-23",
    ];
    assert_eq!(passed, none_needed);
    assert_eq!(breaches(&report), BTreeMap::new());
    for id in ["H-02", "H-16", "H-31", "H-34", "J-11", "J-15", "J-19"] {
        let row = report.rows.iter().find(|row| row.id == id).unwrap();
        assert!(row.seen.ends_with("(it lists no item)"), "{row:?}");
    }
}

/// What it worked on is gone, although the handler was in the midst of it.
#[tokio::test]
async fn an_interrupted_check_leaves_nothing() {
    let (begun, seen) = tokio::sync::oneshot::channel();
    let mut begun = Some(begun);
    let mut told = |_: &syncmgr_conformance::Step| {
        if let Some(begun) = begun.take() {
            begun.send(()).unwrap();
        }
    };
    let subject = subject("sync-never-completes");
    let interrupted = async { seen.await.unwrap() };
    let error = check(&subject, &mut told, interrupted).await.unwrap_err();
    assert!(
        matches!(error, CheckError::Interrupted { left: None }),
        "{error:?}"
    );
}

#[test]
fn every_check_that_is_observed_has_a_handler_that_breaks_it() {
    let broken: BTreeSet<&str> = MODES
        .iter()
        .flat_map(|(_, rows)| rows.iter().copied())
        .collect();
    let unproved: Vec<&str> = CHECKS
        .iter()
        .filter(|check| check.is_observed() && !broken.contains(check.id))
        .map(|check| check.id)
        .collect();
    assert!(unproved.is_empty(), "no mode breaks {unproved:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_does_everything_well_passes_everything_that_is_observed() {
    let mut steps = Vec::new();
    let report = check(
        &subject("well"),
        &mut |step| steps.push(step.clone()),
        pending(),
    )
    .await
    .unwrap();
    let observed: Vec<_> = CHECKS
        .iter()
        .filter(|check| check.is_observed())
        .map(|check| check.id)
        .collect();
    for row in &report.rows {
        let expected = if observed.contains(&row.id) {
            Outcome::Passed
        } else {
            Outcome::NotApplicable
        };
        assert_eq!(row.outcome, expected, "{row:?}");
    }
    assert_eq!(report.name.as_deref(), Some("Broken"));
    assert_eq!(report.instances, steps.len());
    assert_eq!(report.kept, None);
}

#[tokio::test]
async fn a_program_that_is_missing_is_told_at_once() {
    let mut missing = subject("well");
    missing.program = PathBuf::from("/does/not/exist");
    let error = check(&missing, &mut |_| {}, pending()).await.unwrap_err();
    assert!(matches!(error, CheckError::Start(_)), "{error:?}");
}

#[tokio::test]
async fn an_item_that_the_handler_refuses_is_told() {
    let mut odd = subject("well");
    odd.define = vec![serde_json::Map::new()];
    let error = check(&odd, &mut |_| {}, pending()).await.unwrap_err();
    assert!(error.to_string().contains("a path is needed"), "{error}");
}
