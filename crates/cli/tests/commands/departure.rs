//! `sync --then`: when the machine is sent away, and when it stays.

use syncmgr_control::view::Outcome;
use syncmgr_control::{ExitCode, Refusal, Request};

use crate::fake::Run;
use crate::following::{all_good, ended, going};

#[test]
fn the_machine_leaves_when_all_ended_well() {
    let done = Run::new("sync notes --then suspend --json")
        .manager(going(all_good))
        .go();
    assert_eq!(done.exit, ExitCode::Good, "{}", done.seen());
    assert!(done.left);
    assert_eq!(done.json().last().unwrap()["then"], "suspend");
    let plain = Run::new("sync notes").manager(going(all_good)).go();
    assert!(!plain.left);
}

#[test]
fn it_stays_when_something_failed_unless_that_does_not_matter() {
    let refused =
        || Run::new("sync notes --then suspend").unreachable(Refusal::new("a::b", "c", "d"));
    assert!(!refused().go().left);
    for (words, left) in [
        ("sync notes --then suspend", false),
        ("sync notes --then suspend --then-anyway", true),
    ] {
        let done = Run::new(words)
            .manager(going(|stage| stage.happens(ended(7, Outcome::Failed))))
            .go();
        assert_eq!(done.exit, ExitCode::Failed, "{}", done.seen());
        assert_eq!(done.left, left, "{}", done.seen());
    }
}

#[test]
fn a_person_can_think_otherwise() {
    // While it was at work: it ended well all the same, and whoever pressed wants to stay.
    let done = Run::new("sync notes --then suspend --then-anyway")
        .types(&[])
        .manager(going(|stage| {
            stage.press();
            all_good(stage);
        }))
        .go();
    assert!(!done.left, "{}", done.seen());
    assert!(done.output.contains("stays on"), "{}", done.seen());
    // During the countdown.
    let mut all = going(all_good);
    let done = Run::new("sync --then suspend")
        .types(&[])
        .manager(move |request, stage| {
            if matches!(request, Request::Status) {
                stage.press();
            }
            all(request, stage)
        })
        .go();
    assert!(!done.left, "{}", done.seen());
    assert!(done.errors.contains("in 10 seconds"), "{}", done.seen());
    assert!(done.output.contains("as you wished"), "{}", done.seen());
}

#[test]
fn what_is_not_allowed_is_said_before_anything_begins() {
    let done = Run::new("sync notes --then poweroff")
        .manager(going(all_good))
        .go();
    assert_eq!(done.exit, ExitCode::CouldNotStart);
    assert!(
        done.errors.contains("leave::not-allowed"),
        "{}",
        done.seen()
    );
    assert!(done.asked.is_empty() && done.opened.is_none());
    for words in ["sync --then-anyway", "sync --then dance"] {
        assert_eq!(
            Run::new(words).go().exit,
            ExitCode::CouldNotStart,
            "{words}"
        );
    }
}
