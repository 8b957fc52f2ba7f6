//! `check`: what the words ask the program for, and how its report is printed.

use syncmgr_control::{ExitCode, Refusal};

use crate::fake::Run;

#[test]
fn words_become_a_wish() {
    let rows = |words: &str| Run::new(words).go().json();
    let class = "{12345678-9ABC-DEF0-1234-56789ABCDEF0}";
    let bare = "12345678-9abc-def0-1234-56789abcdef0";
    let seen = rows(&format!(
        "check --keep --json --timeout 90s --only H-02,h-11 ./mail.so --class {bare}"
    ));
    assert_eq!(
        seen[1]["seen"],
        format!(r#"Path("/work here/mail.so", Some("{class}"))"#)
    );
    assert_eq!(seen[2]["seen"], r#"["H-02", "h-11"]"#);
    assert_eq!(seen[3]["seen"], "Some(90000) []");
    for text in [class, bare] {
        let seen = rows(&format!("check --keep --json {text}"));
        assert_eq!(seen[1]["seen"], format!(r#"Class("{class}")"#));
    }
    let seen = rows("check --keep --json mail");
    assert_eq!(seen[1]["seen"], r#"Word("mail", "/work here/mail")"#);
    let seen = rows("check --keep --json sub/mail");
    assert_eq!(seen[1]["seen"], r#"Path("/work here/sub/mail", None)"#);
    let seen = rows(r#"check --keep --json --define {"a":1} -- python3 --only mail.py"#);
    assert_eq!(
        seen[1]["seen"],
        r#"Command(["python3", "--only", "mail.py"])"#
    );
    assert_eq!(seen[3]["seen"], r#"None [{"a": Number(1)}]"#);
}

#[test]
fn mistakes_are_usage() {
    for words in [
        "check",
        "check ./mail -- python3",
        "check --class {A} -- python3",
        "check --define 5 -- python3",
        "check --timeout long -- python3",
        "check --timeout tomorrow -- python3",
        "check {A}",
        "check ./mail.so --class {A}",
    ] {
        assert_eq!(
            Run::new(words).go().exit,
            ExitCode::CouldNotStart,
            "{words}"
        );
    }
}

#[test]
fn the_report_is_a_table_with_what_is_broken_below_it() {
    let good = Run::new("check -- mail").go();
    assert_eq!(good.exit, ExitCode::Good);
    insta::assert_snapshot!("check-good", good.seen());
    let bad = Run::new("check --keep -- mail").columns(80).go();
    assert_eq!(bad.exit, ExitCode::Failed);
    insta::assert_snapshot!("check-bad-80", bad.seen());
    let quiet = Run::new("check --keep --quiet -- mail").go();
    assert!(!quiet.output.contains("J-01"), "{}", quiet.output);
    let json = Run::new("check --keep --json -- mail").go();
    insta::assert_snapshot!("check-json", json.output);
}

#[test]
fn what_cannot_be_checked_is_a_refusal() {
    let refusal = Refusal::new("check::not-started", "it is not there", "name another");
    let ended = Run::new("check -- mail").unreachable(refusal).go();
    assert_eq!(ended.exit, ExitCode::CouldNotStart);
    assert!(
        ended.errors.contains("check::not-started"),
        "{}",
        ended.errors
    );
}
