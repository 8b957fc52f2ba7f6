//! Each check can fail: a handler that breaks exactly one obligation fails exactly its rows, and one that breaks none
//! fails none.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: what cannot be unwrapped fails the test; they run many checks at once"
)]

use std::collections::{BTreeMap, BTreeSet};
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
const AT_ONCE: usize = 10;

fn example(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn limits() -> Limits {
    Limits {
        initialize: Duration::from_millis(1500),
        quick: Duration::from_millis(1000),
        work: Duration::from_millis(4000),
        react: Duration::from_millis(1000),
        exit: Duration::from_millis(2000),
        linger: Duration::from_millis(50),
        messages: 20_000,
    }
}

fn subject(mode: &str) -> Subject {
    let define = match mode {
        // Modes that do not begin cannot make an item either.
        "slow-initialize" | "garbage" | "exits-at-once" => Vec::new(),
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
        keep: false,
        now_ms: 1_790_000_000_000,
        limits: limits(),
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

/// H-03, H-19, H-30, H-33 and every other row of the table above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_check_fails_for_the_handler_that_breaks_it_and_for_no_other() {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut checks = JoinSet::new();
    let only = std::env::var("SYNCMGR_BROKEN_MODE").ok();
    for (mode, expected) in MODES {
        if only.as_deref().is_some_and(|only| only != *mode) {
            continue;
        }
        let room = Arc::clone(&room);
        checks.spawn(async move {
            let _room = room.acquire_owned().await.unwrap();
            let report = check(&subject(mode), &mut |_| {}).await.unwrap();
            let seen = breaches(&report);
            let found: Vec<&str> = seen.keys().copied().collect();
            (found != *expected).then(|| format!("{mode}: expected {expected:?}, found {seen:#?}"))
        });
    }
    let wrong: Vec<String> = checks.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
    let report = check(&subject("well"), &mut |step| steps.push(step.clone()))
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
    let error = check(&missing, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, CheckError::Start(_)), "{error:?}");
}

#[tokio::test]
async fn an_item_that_the_handler_refuses_is_told() {
    let mut odd = subject("well");
    odd.define = vec![serde_json::Map::new()];
    let error = check(&odd, &mut |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("a path is needed"), "{error}");
}
