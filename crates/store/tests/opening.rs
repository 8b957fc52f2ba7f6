//! Databases that are missing, damaged, newer, of others, held or looked at meanwhile.
#![expect(clippy::unwrap_used, reason = "a test says by a panic that it failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use syncmgr_core::record::{PauseRow, PauseScope};
use syncmgr_core::{
    Event, EventKind, EventNumber, HandlerId, ItemId, ItemRef, Record, SessionId, Timestamp,
};
use syncmgr_store::{
    BackupError, Durability, Finding, OpenOptions, OpenStoreError, ReadError, Reader, Store,
    set_aside_damaged,
};
use tempfile::TempDir;

fn home() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    (home, path)
}

fn open(path: &Path) -> Result<Store, OpenStoreError> {
    Store::open(path, &OpenOptions::default())
}

fn event(number: u64, text: &str) -> Record {
    Record::Event(Event {
        number: EventNumber(number),
        at: Timestamp(1),
        kind: EventKind::ProtocolViolation {
            handler: HandlerId::new("folder").unwrap(),
            text: text.to_owned(),
        },
    })
}

/// A database with a few hundred pages, closed.
fn filled(path: &Path) {
    let mut store = open(path).unwrap();
    let text = "x".repeat(1000);
    let events: Vec<_> = (1..=500).map(|number| event(number, &text)).collect();
    store.write(&events).unwrap();
}

fn sql(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// Refused with an error that `is` recognises and that has a hint, by writer and reader, and left as it was.
fn check_refused(path: &Path, is: impl Fn(&OpenStoreError) -> bool) {
    let before = fs::read(path).unwrap();
    for error in [
        open(path).map(drop).unwrap_err(),
        Reader::open(path).map(drop).unwrap_err(),
    ] {
        assert!(is(&error), "{error:?}");
        assert!(error.hint().is_some(), "{error:?}");
        let text = error.to_string();
        assert!(!text.ends_with('.') && text.contains("state.db"), "{text}");
    }
    assert_eq!(fs::read(path).unwrap(), before, "nothing is overwritten");
}

#[test]
fn a_newer_database_is_refused() {
    let (_home, path) = home();
    filled(&path);
    sql(&path, "PRAGMA user_version = 99");
    check_refused(&path, |error| {
        matches!(error, OpenStoreError::Newer { found: 99, .. })
    });
}

#[test]
fn a_database_of_another_program_is_refused() {
    let (_home, path) = home();
    sql(&path, "CREATE TABLE mine (x); PRAGMA application_id = 7");
    check_refused(&path, |error| {
        matches!(error, OpenStoreError::NotOurs { .. })
    });
    let (_home, path) = home_with("CREATE TABLE mine (x)");
    check_refused(&path, |error| {
        matches!(error, OpenStoreError::NotOurs { .. })
    });
}

fn home_with(batch: &str) -> (TempDir, PathBuf) {
    let (home, path) = home();
    sql(&path, batch);
    (home, path)
}

#[test]
fn what_is_no_database_is_refused() {
    for bytes in [
        &b"hello"[..],
        &[0; 4096],
        &[0xff; 100_000],
        b"SQLite format 3\0",
    ] {
        let (_home, path) = home();
        fs::write(&path, bytes).unwrap();
        check_refused(&path, |error| {
            matches!(error, OpenStoreError::Damaged { .. })
        });
    }
}

#[test]
fn a_truncated_database_is_refused() {
    let (_home, whole) = home();
    filled(&whole);
    let bytes = fs::read(&whole).unwrap();
    for part in [
        2,
        99,
        100,
        512,
        4096,
        4097,
        bytes.len() / 2,
        bytes.len() - 4096,
    ] {
        let (_home, path) = home();
        fs::write(&path, &bytes[..part]).unwrap();
        check_refused(&path, |error| {
            matches!(error, OpenStoreError::Damaged { .. })
        });
    }
}

#[test]
fn a_file_with_nothing_in_it_becomes_a_database() {
    let (_home, path) = home();
    fs::write(&path, b"").unwrap();
    open(&path).unwrap();
    assert_eq!(Reader::open(&path).unwrap().sessions(1).unwrap(), []);
}

#[test]
fn a_log_without_its_database_is_not_dropped() {
    let (_home, path) = home();
    let log = path.with_file_name("state.db-wal");
    fs::write(&log, b"the only copy of something").unwrap();
    for _ in 0..2 {
        let error = open(&path).map(drop).unwrap_err();
        assert!(matches!(error, OpenStoreError::Hollow { .. }), "{error:?}");
        assert!(log.exists());
    }
    fs::write(&path, b"").unwrap();
    check_refused(&path, |error| {
        matches!(error, OpenStoreError::Hollow { .. })
    });
    assert_eq!(fs::read(&log).unwrap(), b"the only copy of something");
}

#[test]
fn a_directory_in_its_place_is_refused() {
    let (_home, path) = home();
    fs::create_dir(&path).unwrap();
    open(&path).map(drop).unwrap_err();
    let nowhere = path.join("missing").join("state.db");
    let error = open(&nowhere).map(drop).unwrap_err();
    assert!(matches!(error, OpenStoreError::File { .. }), "{error:?}");
}

#[test]
fn a_reader_neither_creates_nor_migrates() {
    let (_home, path) = home();
    let error = Reader::open(&path).map(drop).unwrap_err();
    assert!(matches!(error, OpenStoreError::Missing { .. }), "{error:?}");
    assert!(!path.exists());
    fs::write(&path, b"").unwrap();
    let error = Reader::open(&path).map(drop).unwrap_err();
    assert!(
        matches!(error, OpenStoreError::Older { found: 0, .. }),
        "{error:?}"
    );
}

/// Every single damaged page: opening and reading may fail, typed, but never panics; what is found is reported.
#[test]
fn damage_anywhere_is_an_error_or_a_finding() {
    let (_home, whole) = home();
    filled(&whole);
    let bytes = fs::read(&whole).unwrap();
    for page in 0..bytes.len() / 4096 {
        let (_home, path) = home();
        let mut damaged = bytes.clone();
        for byte in &mut damaged[page * 4096 + 4..(page + 1) * 4096] {
            *byte ^= 0x5a;
        }
        fs::write(&path, &damaged).unwrap();
        let Ok(store) = open(&path) else {
            continue;
        };
        let noticed = store.remembered().is_err()
            || store
                .reader()
                .map(|reader| reader.events(EventNumber(0), 1000))
                .is_ok_and(|read| read.is_err())
            || store
                .integrity()
                .map_or(true, |findings| findings.iter().any(Finding::is_problem));
        // What remains is damage inside a text, which no database notices.
        let text_only = damaged[page * 4096 + 4..(page + 1) * 4096]
            .iter()
            .all(|byte| *byte == b'x' ^ 0x5a);
        assert!(noticed || text_only, "page {page}");
    }
}

#[test]
fn a_word_that_nobody_wrote_is_named() {
    let (_home, path) = home();
    let mut store = open(&path).unwrap();
    store.write(&[event(1, "x")]).unwrap();
    store
        .write(&[Record::Pause(PauseRow {
            scope: PauseScope::Item(ItemRef {
                handler: HandlerId::new("folder").unwrap(),
                item: ItemId::new("notes").unwrap(),
            }),
            since: Timestamp(1),
            until: None,
        })])
        .unwrap();
    sql(
        &path,
        "PRAGMA ignore_check_constraints = ON; UPDATE events SET kind = 'no-such-kind'",
    );
    let error = store
        .reader()
        .unwrap()
        .events(EventNumber(0), 1)
        .unwrap_err();
    assert!(
        matches!(&error, ReadError::UnknownWord { table: "events", value } if value == "no-such-kind"),
        "{error:?}"
    );
    assert!(error.hint().is_some());
    sql(
        &path,
        "PRAGMA ignore_check_constraints = ON; UPDATE events SET kind = 'run-closed', subject = 1, word = 'odd'",
    );
    let error = store
        .reader()
        .unwrap()
        .events(EventNumber(0), 1)
        .unwrap_err();
    assert!(matches!(error, ReadError::UnknownWord { value, .. } if value == "odd"));
    sql(&path, "UPDATE item_names SET spelling = 'a' || char(10)");
    let error = store.remembered().unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::BadIdentifier {
                table: "pauses",
                ..
            }
        ),
        "{error:?}"
    );
    sql(&path, "UPDATE numbers SET last = -1");
    drop(store);
    let error = open(&path).map(drop).unwrap_err();
    assert!(
        matches!(error, OpenStoreError::Unreadable { .. }),
        "{error:?}"
    );
}

#[test]
fn readers_see_whole_transactions_while_the_store_writes() {
    const BATCHES: u64 = 200;
    let (_home, path) = home();
    let mut store = open(&path).unwrap();
    let reader = store.reader().unwrap();
    let writer = std::thread::spawn(move || {
        for batch in 0..BATCHES {
            let events: Vec<_> = (1..=5).map(|part| event(batch * 5 + part, "x")).collect();
            store.write(&events).unwrap();
        }
    });
    let mut seen = 0;
    while seen < usize::try_from(BATCHES).unwrap() * 5 {
        let now = reader.events(EventNumber(0), 1000).unwrap().len();
        assert!(now >= seen && now.is_multiple_of(5), "{seen} then {now}");
        seen = now;
    }
    writer.join().unwrap();
}

#[test]
fn full_durability_and_a_waiting_time_can_be_chosen() {
    let (_home, path) = home();
    let options = OpenOptions {
        durability: Durability::Full,
        busy: Duration::from_millis(1),
    };
    let mut store = Store::open(&path, &options).unwrap();
    store.write(&[event(1, "x")]).unwrap();
    assert_eq!(store.path(), path);
}

#[test]
fn a_backup_is_whole_and_overwrites_nothing() {
    let (home, path) = home();
    filled(&path);
    let mut store = open(&path).unwrap();
    store.write(&[event(501, "only in the log")]).unwrap();
    let copy = home.path().join("copy.db");
    store.backup(&copy).unwrap();
    let error = store.backup(&copy).unwrap_err();
    assert!(matches!(error, BackupError::Exists { .. }), "{error:?}");
    let copied = open(&copy).unwrap();
    assert_eq!(copied.remembered().unwrap(), store.remembered().unwrap());
    let last = copied
        .reader()
        .unwrap()
        .events(EventNumber(500), 1)
        .unwrap();
    assert_eq!(last[0].number, EventNumber(501));
    assert!(!home.path().join("copy.db.part").exists());
}

#[test]
fn a_damaged_database_is_set_aside_beside_the_new_one() {
    let (home, path) = home();
    for number in 1..=2 {
        fs::write(&path, format!("damaged {number}")).unwrap();
        fs::write(home.path().join("state.db-wal"), b"log").unwrap();
        let aside = set_aside_damaged(&path).unwrap();
        assert_eq!(
            aside.to,
            home.path().join(format!("state.db.damaged-{number}"))
        );
        assert_eq!(
            fs::read_to_string(&aside.to).unwrap(),
            format!("damaged {number}")
        );
        let log = home.path().join(format!("state.db.damaged-{number}-wal"));
        assert_eq!(fs::read(log).unwrap(), b"log");
    }
    set_aside_damaged(&path).map(drop).unwrap_err();
    let mut store = open(&path).unwrap();
    store.write(&[event(1, "x")]).unwrap();
    assert_eq!(store.remembered().unwrap().last.event, 1);
}

#[test]
fn setting_aside_goes_on_where_it_was_killed() {
    let (home, path) = home();
    fs::write(home.path().join("state.db.damaged-1"), b"renamed already").unwrap();
    fs::write(home.path().join("state.db-wal"), b"log").unwrap();
    let aside = set_aside_damaged(&path).unwrap();
    assert_eq!(aside.to, home.path().join("state.db.damaged-1"));
    assert_eq!(
        fs::read(home.path().join("state.db.damaged-1-wal")).unwrap(),
        b"log"
    );
    open(&path).unwrap();
}

#[test]
fn sessions_are_not_found_by_numbers_that_cannot_be() {
    let (_home, path) = home();
    let reader = open(&path).unwrap().reader().unwrap();
    assert_eq!(reader.session(SessionId(u64::MAX)).unwrap(), None);
    assert_eq!(
        reader.run(syncmgr_core::RunId(u64::MAX), 1, 1).unwrap(),
        None
    );
}

#[test]
fn the_doctor_finds_what_is_wrong_inside() {
    let (_home, path) = home();
    filled(&path);
    let store = open(&path).unwrap();
    let problems = || -> Vec<Finding> {
        let findings = store.integrity().unwrap();
        let odd_word =
            |finding: &&Finding| matches!(finding, Finding::Damage(text) if text.contains("CHECK"));
        // None opens any more once it looks like another program's.
        if let Ok(reader) = store.reader() {
            let read = reader.integrity().unwrap();
            let rest: Vec<_> = findings
                .iter()
                .filter(|it| !odd_word(it))
                .cloned()
                .collect();
            assert_eq!(read, rest);
        }
        findings.into_iter().filter(Finding::is_problem).collect()
    };
    assert_eq!(problems(), []);
    sql(
        &path,
        "PRAGMA ignore_check_constraints = ON; UPDATE events SET kind = 'odd' WHERE number = 1",
    );
    let found = problems();
    assert!(
        matches!(&found[..], [Finding::Damage(text)] if text.contains("events")),
        "{found:?}"
    );
    sql(&path, "DELETE FROM events WHERE number = 1");
    sql(
        &path,
        "PRAGMA foreign_keys = OFF; INSERT INTO item_names (handler, folded, spelling) VALUES (99, 'A', 'a')",
    );
    assert_eq!(
        problems(),
        [Finding::Dangling {
            table: "item_names".to_owned(),
            parent: "handler_names".to_owned()
        }]
    );
    sql(
        &path,
        "DELETE FROM item_names; PRAGMA application_id = 7; PRAGMA user_version = 0",
    );
    let found = problems();
    assert!(
        matches!(
            found[..],
            [Finding::Application(7), Finding::Version { found: 0, .. }]
        ),
        "{found:?}"
    );
}
