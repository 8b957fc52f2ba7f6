//! What the recipes that are built in make of what their programs printed once.
#![expect(
    clippy::unwrap_used,
    reason = "tests: what cannot be unwrapped fails the test"
)]

use std::collections::BTreeMap;
use std::path::Path;

use syncmgr_tools::read::{Reading, Told};
use syncmgr_tools::recipe::{Class, OperationKind, Recipe};
use syncmgr_tools::recorded::Recording;
use syncmgr_tools::{Catalogue, Outcome, replay};

fn recipe(id: &str) -> Recipe {
    let catalogue = Catalogue::load(Path::new(""));
    Recipe::clone(catalogue.get(id).unwrap())
}

/// What a recording comes to, and what its lines meant.
fn replayed(id: &str, text: &str) -> (Outcome, Vec<Told>) {
    let recording = Recording::read(text).unwrap();
    let replay = replay(
        &recipe(id),
        recording.operation,
        &recording.step,
        recording.exit,
        &recording.lines,
        &recording.values,
    )
    .unwrap();
    (replay.outcome, replay.lines.concat())
}

fn said(outcome: &Outcome) -> (Class, &str) {
    (outcome.class, outcome.say.as_deref().unwrap_or_default())
}

/// The lock of a bisync, as 1.60 tells it behind its log and 1.75 in it, coloured and with advice behind it.
#[test]
fn the_lock_of_a_bisync_is_read_as_each_version_tells_it() {
    let old = r#"# operation: run
# step: both-ways
# exit: 1
err: {"level":"info","msg":"\nTransferred:   \t 0 B / 0 B, -, 0 B/s, ETA -\nErrors: 1 (retrying may help)\n\n","stats":{"bytes":0,"errors":1,"lastError":"prior lock file found: /s/bisync/a..b.lck","totalBytes":0,"transfers":0}}
err: 2026/11/24 00:10:10 Failed to bisync: prior lock file found: /s/bisync/a..b.lck"#;
    let new = r#"# operation: run
# step: both-ways
# exit: 1
err: {"level":"notice","msg":"Failed to bisync: \u001b[31mprior lock file found: \u001b[93m/s/bisync/a..b.lck\u001b[0m \n\u001b[0m\u001b[35mTip: this indicates that another bisync run is still running or was interrupted. \n\u001b[0m","source":"cmd/cmd.go:334"}"#;
    for text in [old, new] {
        let (outcome, _) = replayed("rclone", text);
        assert_eq!(outcome.lock.as_ref().unwrap().file, "/s/bisync/a..b.lck");
        assert_eq!(
            said(&outcome),
            (Class::Soft, "another bisync works here, or one was killed")
        );
    }
}

/// A number in a path of the file is not taken for the process: the lock of one that lives would be taken away.
#[test]
fn the_process_of_a_lock_is_not_taken_from_its_paths() {
    let rclone = recipe("rclone");
    let in_file = rclone
        .rules
        .iter()
        .find_map(|rule| rule.lock.as_ref()?.in_file.as_ref())
        .unwrap();
    for (text, pid) in [
        ("10112\n", Some("10112")),
        (
            r#"{"Session":"/srv/9/bisync/a..b","PID":"10159","TimeRenewed":"2026-11-24T00:10:10Z"}"#,
            Some("10159"),
        ),
        (r#"{"Session":"/srv/9/bisync/a..b"}"#, None),
    ] {
        let found = in_file.captures(text);
        assert_eq!(found.as_ref().map(|groups| &groups["pid"]), pid, "{text}");
    }
}

#[test]
fn what_bisync_would_do_is_read_through_its_colours() {
    let (_, told) = replayed(
        "rclone",
        r#"# operation: plan
# step: both-ways
# exit: 0
err: {"level":"info","msg":"- \u001b[36mPath1\u001b[0m    \u001b[35m\u001b[31mFile was deleted\u001b[0m\u001b[0m          - \u001b[36ma b.txt\u001b[0m"}
err: {"level":"info","msg":"- \u001b[34mPath2\u001b[0m    \u001b[35m\u001b[33mFile changed: \u001b[35msize (larger)\u001b[0m, \u001b[35mtime (newer)\u001b[0m\u001b[0m\u001b[0m - \u001b[36mx\u001b[0m"}
err: {"level":"info","msg":"- Path1    File is newer                       - y"}"#,
    );
    let actions: Vec<String> = told
        .iter()
        .filter_map(|told| match told {
            Told::Action(action) => Some(format!(
                "{} {} {}",
                action.verb,
                action.name,
                action.to.as_deref().unwrap_or_default()
            )),
            _ => None,
        })
        .collect();
    assert_eq!(
        actions,
        ["delete a b.txt right", "update x left", "update y right"]
    );
}

#[test]
fn why_rclone_failed_is_told_with_its_class() {
    for (line, class, say) in [
        (
            r#"{"level":"error","msg":"\u001b[31mBisync aborted. Must run --resync to recover.\u001b[0m"}"#,
            Class::Soft,
            "what bisync knew of both sides is lost",
        ),
        (
            r#"{"level":"error","msg":"Safety abort: all files were changed on Path1 \"a/\". Run with --force if desired."}"#,
            Class::Hard,
            "all files of one side were changed, and rclone stopped",
        ),
        (
            "2026/11/24 00:18:03 ERROR : webdav root '': error reading destination root directory: dial tcp 127.0.0.1:9: connect: connection refused",
            Class::Soft,
            "webdav root '': error reading destination root directory: dial tcp 127.0.0.1:9: connect: connection refused",
        ),
        (
            r#"{"level":"error","msg":"Failed to copy: open /t/large: no space left on device","object":"large"}"#,
            Class::Hard,
            "there is no room left",
        ),
    ] {
        let text = format!("# operation: run\n# step: both-ways\n# exit: 1\nerr: {line}");
        let (outcome, _) = replayed("rclone", &text);
        assert_eq!(said(&outcome), (class, say), "{line}");
    }
    let (outcome, _) = replayed(
        "rclone",
        "# operation: run\n# step: both-ways\n# exit: 7\nerr: {\"level\":\"error\",\"msg\":\"Bisync critical error: cannot find prior Path1 or Path2 listings\"}",
    );
    assert_eq!(outcome.facts["begin_anew"], "1");
}

/// A line of JSON that no rule knows is told by its message.
#[test]
fn nobody_reads_braces() {
    let (outcome, _) = replayed(
        "rclone",
        r#"# operation: run
# step: one-way
# exit: 1
err: {"level":"notice","msg":"something that \u001b[31mnobody\u001b[0m knows","object":"a.txt"}"#,
    );
    assert_eq!(
        said(&outcome),
        (
            Class::Hard,
            "it ended with exit code 1: a.txt: something that nobody knows"
        )
    );
    let (outcome, _) = replayed(
        "restic",
        r#"# operation: run
# step: backup
# exit: 1
err: {"message_type":"exit_error","code":1,"message":"Fatal: unable to save snapshot: a reason"}"#,
    );
    assert_eq!(
        said(&outcome),
        (Class::Hard, "unable to save snapshot: a reason")
    );
}

#[test]
fn what_was_printed_is_shown_without_progress() {
    let printed = r#"plain
{"message_type":"status","percent_done":0.5}
{"message_type":"error","item":"/a","error":{"Op":"open","Err":13}}
{"message_type":"new","message":"first\nsecond"}
{"what":"nobody knows"}
"#;
    let restic = recipe("restic");
    let reading = Reading::new(&restic, OperationKind::Run, "backup");
    assert_eq!(
        reading.readable(printed, &BTreeMap::new()),
        "plain\nfirst\nsecond\n{\"what\":\"nobody knows\"}\n"
    );
}

/// Who holds a lock stands on one line, since when on the next.
#[test]
fn a_lock_of_restic_is_told_with_its_owner_and_its_beginning() {
    let (outcome, _) = replayed(
        "restic",
        "# operation: run\n# step: check\n# exit: 1\nerr: unable to create lock in backend: repository is already locked by PID 15224 on vm by root (UID 0, GID 0)\nerr: lock was created at 2026-11-24 00:30:14 (4.056027734s ago)",
    );
    let lock = outcome.lock.unwrap();
    assert_eq!(
        [&lock.pid, &lock.host, &lock.owner, &lock.since],
        ["15224", "vm", "of root", "2026-11-24 00:30:14"]
    );
}

#[test]
fn restic_over_a_lost_network_is_tried_again() {
    let (outcome, _) = replayed(
        "restic",
        "# operation: run\n# step: backup\n# exit: 1\nerr: Save(<lock/22d0a7d654>) returned error, retrying after 552.330144ms: Write: connection lost\nerr: ssh command exited\nerr: unable to create lock in backend",
    );
    assert_eq!(outcome.class, Class::Soft);
}
