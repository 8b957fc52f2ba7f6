//! What programs print, as they printed it, and what their recipes make of it.
#![expect(
    clippy::unwrap_used,
    reason = "tests: what cannot be unwrapped fails the test"
)]

use std::collections::BTreeMap;

use syncmgr_tools::read::Told;
use syncmgr_tools::recipe::{Class, OperationKind, Stream};
use syncmgr_tools::{Catalogue, Outcome, replay};

/// What a program printed on one of its streams, and how it ended.
struct Printed<'a> {
    recipe: &'a str,
    operation: OperationKind,
    step: &'a str,
    exit: i32,
    from: Stream,
    text: &'a str,
}

/// A step of a run that printed this on standard error.
fn said<'a>(recipe: &'a str, step: &'a str, exit: i32, text: &'a str) -> Printed<'a> {
    Printed {
        recipe,
        operation: OperationKind::Run,
        step,
        exit,
        from: Stream::Stderr,
        text,
    }
}

impl Printed<'_> {
    fn heard(&self) -> (Vec<Told>, Outcome) {
        let catalogue = Catalogue::load(std::path::Path::new("no folder of recipes"));
        let lines: Vec<(Stream, String)> = self
            .text
            .lines()
            .map(|line| (self.from, line.to_owned()))
            .collect();
        let values: BTreeMap<String, String> = [
            ("target", "/t"),
            ("path", "/tree"),
            ("channel", "mail"),
            ("version", "2.2"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        let replayed = replay(
            catalogue.get(self.recipe).unwrap(),
            self.operation,
            self.step,
            self.exit,
            &lines,
            &values,
        )
        .unwrap();
        (
            replayed.lines.into_iter().flatten().collect(),
            replayed.outcome,
        )
    }

    fn outcome(&self) -> Outcome {
        self.heard().1
    }
}

const UNFINISHED: &str = "\
ERROR: Either there is more than one current_mirror or the last backup is not in the past. Aborting.
ERROR: Action backup failed on step run";

#[test]
fn rdiff_backup_is_told_to_take_back_what_was_not_finished() {
    let first = said("rdiff-backup", "backup", 1, UNFINISHED).outcome();
    assert_eq!(first.facts.get("unfinished").map(String::as_str), Some("1"));
    assert_eq!(
        first.say.as_deref(),
        Some("it ended well, but told of nothing that it did")
    );
    let again = said("rdiff-backup", "again", 1, UNFINISHED).outcome();
    assert_eq!(
        (again.class, again.say.as_deref()),
        (Class::Soft, Some("the last backup is not in the past"))
    );
    let elsewhere = said("rdiff-backup", "regress", 1, "elsewhere").outcome();
    assert_eq!(elsewhere.class, Class::Hard);
}

#[test]
fn rdiff_backup_that_lost_its_connection_may_be_tried_again() {
    for text in [
        "BrokenPipeError: [Errno 32] Broken pipe\nrdiff_backup.connection.ConnectionWriteError",
        "Fatal Error: Lost connection to the remote system",
    ] {
        let lost = said("rdiff-backup", "backup", 1, text).outcome();
        assert_eq!(
            (lost.class, lost.say.as_deref()),
            (Class::Soft, Some("the connection to /t was lost")),
            "{text}"
        );
    }
}

#[test]
fn rdiff_backup_that_takes_back_by_itself_is_no_failure() {
    let text = "\
WARNING: Previous backup seems to have failed, regressing destination now
NOTE: Regressing to date/time Tue Nov 24 00:07:54 2026
NewFiles 3
DeletedFiles 1
ChangedFiles 2
WARNING: Action backup emitted warnings, see previous messages for details";
    let (told, outcome) = said("rdiff-backup", "backup", 2, text).heard();
    assert_eq!((outcome.class, outcome.say), (Class::Good, None));
    assert_eq!(
        outcome.result.as_deref(),
        Some("3 new, 2 changed, 1 deleted")
    );
    assert_eq!((outcome.counts.sent, outcome.counts.deleted_far), (5, 1));
    let told = format!("{told:?}");
    assert!(told.contains("is taken back before this one"), "{told}");
    let old = "\
WARNING: No increment is older than '4W'
WARNING: Action remove emitted warnings, see previous messages for details
NewFiles 0";
    let nothing_old = said("rdiff-backup", "keep", 2, old).heard().0;
    assert_eq!(nothing_old, []);
    let unknown = "\
WARNING: Cannot find SHA1 digest for file a, perhaps because this feature was added in v1.1.1
WARNING: Cannot find SHA1 digest for file b, perhaps because this feature was added in v1.1.1
NOTE: Verification found 2 files without hash, all others could be verified successfully";
    let told = said("rdiff-backup", "verify", 8, unknown).heard().0;
    assert_eq!(told.len(), 1, "{told:?}");
    let warned = said(
        "rdiff-backup",
        "backup",
        2,
        "WARNING: it is late\nNewFiles 0",
    )
    .outcome();
    assert_eq!(warned.class, Class::Warning);
}

#[test]
fn another_rdiff_backup_is_known_by_its_number() {
    let text = "\
Fatal Error: It appears that a previous rdiff-backup session with process
id 6327 is still running.  If two different rdiff-backup processes write
the same repository simultaneously, data corruption will probably
result.  To proceed with regress anyway, rerun rdiff-backup with the
--force option";
    let outcome = said("rdiff-backup", "backup", 1, text).outcome();
    assert_eq!(outcome.class, Class::Soft);
    assert_eq!(
        outcome.say.as_deref(),
        Some("another rdiff-backup works with /t")
    );
    assert_eq!(outcome.lock.unwrap().pid, "6327");
}

#[test]
fn rdiff_backup_without_room_says_so() {
    let full = "\
WARNING: Exception '[Errno 28] No space left on device' raised of class '<class 'OSError'>':
Traceback (most recent call last):
OSError: [Errno 28] No space left on device";
    let outcome = said("rdiff-backup", "backup", 1, full).outcome();
    assert_eq!(
        (outcome.class, outcome.say.as_deref()),
        (Class::Hard, Some("there is no room left at /t"))
    );
    let before = "AttributeError: 'str' object has no attribute 'lstat'";
    let outcome = said("rdiff-backup", "backup", 1, before).outcome();
    assert_eq!(outcome.say.as_deref(), Some("nothing can be written at /t"));
}

/// The terminal of mbsync has only one stream.
fn mail(exit: i32, text: &str) -> Outcome {
    let mut printed = said("mbsync", "sync", exit, text);
    printed.from = Stream::Stdout;
    printed.outcome()
}

const COUNTED: &str = "C: 1/1  B: 1/1  F: +2/2 *1/1 #0/0 -3/3  N: +4/4 *5/5 #0/0 -6/6";

#[test]
fn mbsync_that_ends_well_may_have_failed() {
    let full =
        format!("Maildir error: cannot write /m/INBOX/tmp/1.2_1.vm,U=1:2,. Disk full?\n{COUNTED}");
    let outcome = mail(0, &full);
    assert_eq!(
        (outcome.class, outcome.say.as_deref()),
        (Class::Hard, Some("there is no room left for messages"))
    );
    let refused = format!(
        "IMAP command 'APPEND \"INBOX\" ' returned an error: NO [SERVERBUG] Internal error occurred. [2026-11-24 00:33:56] (0.005 secs).\n\
         Warning: far side refuses to store message 17 from near side.\n{COUNTED}"
    );
    let outcome = mail(0, &refused);
    assert_eq!(
        (outcome.class, outcome.say.as_deref()),
        (
            Class::Hard,
            Some("the far side takes no message: Internal error occurred.")
        )
    );
    assert!(outcome.hint.unwrap().contains("message 17"));
    assert_eq!(outcome.counts.failed, 1);
}

#[test]
fn mbsync_counts_both_sides_and_takes_up_what_was_interrupted() {
    let text = format!("Warning: lost track of 88 pushed message(s)\n{COUNTED}");
    let outcome = mail(0, &text);
    assert_eq!((outcome.class, outcome.say), (Class::Good, None));
    let counts = outcome.counts;
    assert_eq!(
        (counts.sent, counts.created_far, counts.deleted_far),
        (2, 2, 3)
    );
    assert_eq!(
        (counts.received, counts.created_near, counts.deleted_near),
        (4, 4, 6)
    );
}

#[test]
fn mbsync_tells_a_lock_and_other_numbers_apart() {
    let locked = mail(1, "Error: channel :far:INBOX-:near:INBOX is locked");
    assert_eq!((locked.class, locked.lock), (Class::Soft, None));
    for numbered in [
        "Error: channel mail, far side box INBOX: UIDVALIDITY genuinely changed (at UID 1).",
        "Error: channel mail, far side box INBOX: Unable to recover from UIDVALIDITY change.",
        "Error: channel mail: UIDVALIDITY of both far side INBOX and near side INBOX changed.",
    ] {
        let outcome = mail(1, numbered);
        assert_eq!(outcome.class, Class::Hard);
        let say = outcome.say.unwrap();
        assert!(say.contains("numbered its messages anew"), "{say}");
    }
    let recovered = format!(
        "Notice: channel mail, far side box INBOX: Recovered from change of UIDVALIDITY.\n{COUNTED}"
    );
    assert_eq!(mail(0, &recovered).class, Class::Good);
}
