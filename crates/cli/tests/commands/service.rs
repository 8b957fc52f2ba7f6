//! `service`: how it is printed, and what it exits with.

use syncmgr_control::{ExitCode, Refusal};

use crate::fake::Run;

#[test]
fn what_is_left_to_be_typed_is_said() {
    let done = Run::new("service install").go();
    assert_eq!(done.exit, ExitCode::Warnings);
    insta::assert_snapshot!("service-to-type", done.seen());
    let json = Run::new("service install --json").go();
    insta::assert_snapshot!("service-json", json.output);
}

#[test]
fn what_was_done_is_said() {
    let done = Run::new("service install --force --linger").go();
    assert_eq!(done.exit, ExitCode::Good);
    insta::assert_snapshot!("service-installed", done.seen());
    let quiet = Run::new("service install --force --quiet").go();
    assert_eq!(quiet.output.lines().count(), 1, "{}", quiet.output);
    let status = Run::new("service status").go();
    assert_eq!(status.exit, ExitCode::Warnings);
    insta::assert_snapshot!("service-status", status.seen());
    let printed = Run::new("service install --print").go();
    assert_eq!(printed.output, "[Unit]\n");
    assert!(
        printed.errors.contains("then: systemctl"),
        "{}",
        printed.errors
    );
}

#[test]
fn what_cannot_be_done_is_a_refusal() {
    let refusal = Refusal::new("service::foreign-file", "it is another's", "force it");
    let done = Run::new("service install").unreachable(refusal).go();
    assert_eq!(done.exit, ExitCode::CouldNotStart);
    for words in ["service", "service remove", "service uninstall --print"] {
        assert_eq!(
            Run::new(words).go().exit,
            ExitCode::CouldNotStart,
            "{words}"
        );
    }
}
