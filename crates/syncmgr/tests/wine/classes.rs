//! Handlers that are registered classes: by command, by the handler's own library, and by keys of the registry (mobsync 2.9).

use std::collections::BTreeMap;
use std::fs;

use windows_registry::{CURRENT_USER, LOCAL_MACHINE};

use crate::stage::{
    CLASSES, HANDLERS, MIRROR, Stage, VIEW_32, VIEW_64, fixture, hostile, keys, until, values,
};

const NOBODY: &str = "{42345678-9ABC-DEF0-1234-56789ABCDEF0}";

#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn a_class_is_registered_by_its_identifier_used_and_forgotten() {
    let stage = Stage::new();
    // Nobody knows the class yet.
    stage
        .syncmgr(&["register", MIRROR])
        .exits(4)
        .says("handler::");
    assert!(keys(CURRENT_USER, HANDLERS).is_empty());
    stage.mirror();
    stage
        .syncmgr(&["register", MIRROR, "--events", "connect"])
        .exits(0)
        .says(MIRROR);
    // Where the system keeps its list, and nowhere else.
    let listed = values(CURRENT_USER, HANDLERS);
    assert_eq!(listed[&format!("{MIRROR}\\@SyncMgrRegisterFlags")], "1");
    assert!(keys(LOCAL_MACHINE, HANDLERS).is_empty());
    let told = stage.handler(MIRROR).unwrap();
    assert_eq!(told["registration"]["kind"], "class", "{told}");
    assert!(told["registration"]["problem"].is_null(), "{told}");
    stage.syncmgr(&["handlers"]).exits(0).says("ready");
    stage.syncmgr(&["sync", MIRROR]).exits(0);
    assert_eq!(stage.copied().as_deref(), Some("by a class"));
    assert_eq!(stage.handler(MIRROR).unwrap()["name"], "Mirror");
    stage.syncmgr(&["list"]).exits(0).says("notes");
    // Registered again, with a daemon: the events that are not said stay.
    let daemon = stage.daemon();
    stage
        .syncmgr(&["register", MIRROR])
        .exits(0)
        .says("earlier registration");
    let told = stage.handler(MIRROR).unwrap();
    assert_eq!(
        told["registration"]["events"],
        serde_json::json!(["connect"]),
        "{told}"
    );
    drop(daemon);
    stage.syncmgr(&["unregister", MIRROR]).exits(0);
    assert!(keys(CURRENT_USER, HANDLERS).is_empty());
    assert!(stage.handler(MIRROR).is_none());
    stage.syncmgr(&["sync", MIRROR]).exits(4);
    stage.syncmgr(&["unregister", MIRROR]).exits(4);
    // The class itself is not ours to take away.
    assert!(keys(LOCAL_MACHINE, CLASSES).contains(MIRROR));
}

#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn a_library_is_registered_by_its_path() {
    let stage = Stage::new();
    let library = stage.path("mirror ü.dll");
    fs::copy(fixture("mirror.dll"), &library).unwrap();
    let library = library.display().to_string();
    stage.syncmgr(&["register", &library]).exits(0).says(MIRROR);
    // It is the user's own word: the registry stays as it is.
    assert!(keys(CURRENT_USER, HANDLERS).is_empty());
    let told = stage.handler(MIRROR).unwrap();
    assert_eq!(told["registration"]["kind"], "library", "{told}");
    stage.syncmgr(&["sync", MIRROR]).exits(0);
    assert_eq!(stage.copied().as_deref(), Some("by a class"));
    stage.syncmgr(&["unregister", MIRROR]).exits(0);
    assert!(stage.handler(MIRROR).is_none());
}

// H-04, H-05, M-16, M-23: the handler's own library tells the manager of it, as handlers for Windows do.
#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn a_handler_registers_itself_with_the_manager() {
    let stage = Stage::new();
    let _server = stage.server();
    let library = fixture("mirror.dll");
    stage.regsvr32(&[], &library).exits(0);
    let expected = BTreeMap::from([
        (format!("{MIRROR}\\@"), "Mirror".to_owned()),
        (format!("{MIRROR}\\@SyncMgrRegisterFlags"), "0".to_owned()),
    ]);
    assert_eq!(values(CURRENT_USER, HANDLERS), expected);
    // What it wrote for the user, Wine sees only for the machine.
    stage.mirror();
    assert_eq!(stage.handler(MIRROR).unwrap()["name"], "Mirror");
    stage.syncmgr(&["sync"]).exits(0);
    assert_eq!(stage.copied().as_deref(), Some("by a class"));
    stage.regsvr32(&["/u"], &library).exits(0);
    assert!(values(CURRENT_USER, HANDLERS).is_empty());
    assert!(stage.handler(MIRROR).is_none());
}

// M-29, M-30
#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn keys_of_the_registry_are_registrations() {
    let stage = Stage::new();
    stage.mirror();
    assert!(stage.handler(MIRROR).is_none());
    stage.syncmgr(&["sync"]).exits(0);
    let key = format!(r"{HANDLERS}\{MIRROR}");
    // An empty key of the machine is enough, in the view of 32 bits too, and in lower case.
    for (machine, view, key) in [
        (true, VIEW_64, key.clone()),
        (true, VIEW_32, key.clone()),
        (false, VIEW_64, key.to_lowercase()),
    ] {
        stage.write(machine, view, &key, &[]);
        let told = stage.handler(MIRROR).unwrap();
        assert_eq!(told["registration"]["kind"], "class", "{told}");
        assert!(Stage::remove(machine, view, &key));
        assert!(stage.handler(MIRROR).is_none());
    }
    // Beside it: what is no class, and a class that nobody can make.
    stage.write(true, VIEW_64, &key, &[("", "of the machine")]);
    for name in ["nonsense", "{}", NOBODY] {
        stage.write(true, VIEW_64, &format!(r"{HANDLERS}\{name}"), &[("", "x")]);
    }
    assert_eq!(stage.handler(MIRROR).unwrap()["name"], "of the machine");
    stage.syncmgr(&["sync"]).exits(0).says_not(NOBODY);
    assert_eq!(stage.copied().as_deref(), Some("by a class"));
    let runs = stage.syncmgr(&["runs", "--json"]).exits(0);
    assert!(!runs.out.contains(NOBODY), "{runs:?}");
    // What the user says goes before what the machine says; flags of another kind ask for nothing.
    stage.write(
        false,
        VIEW_64,
        &key,
        &[("", "mine"), ("SyncMgrRegisterFlags", "2")],
    );
    let told = stage.handler(MIRROR).unwrap();
    assert_eq!(
        told["registration"]["events"],
        serde_json::json!(["pending-disconnect"]),
        "{told}"
    );
    assert!(Stage::remove(false, VIEW_64, &key));
    stage.write(
        true,
        VIEW_64,
        &key,
        &[("", "1"), ("SyncMgrRegisterFlags", "connect")],
    );
    let told = stage.handler(MIRROR).unwrap();
    assert_eq!(told["registration"]["events"], serde_json::json!([]));
    // It goes as it came.
    assert!(Stage::remove(true, VIEW_64, &key));
    assert!(stage.handler(MIRROR).is_none());
    stage.syncmgr(&["sync", MIRROR]).exits(4);
}

// M-29
#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn a_daemon_reads_the_keys_at_each_session() {
    let stage = Stage::new();
    stage.mirror();
    let _daemon = stage.daemon();
    assert!(stage.handler(MIRROR).is_none());
    let key = format!(r"{HANDLERS}\{MIRROR}");
    stage.write(true, VIEW_64, &key, &[("", "Mirror")]);
    stage.syncmgr(&["sync"]).exits(0);
    assert_eq!(stage.copied().as_deref(), Some("by a class"));
    assert!(Stage::remove(true, VIEW_64, &key));
    fs::write(stage.path("from/notes/a.txt"), "changed").unwrap();
    stage.syncmgr(&["sync"]).exits(0);
    stage.syncmgr(&["sync", MIRROR]).exits(4);
    assert_eq!(stage.copied().as_deref(), Some("by a class"));
    until("it is listed no more", || stage.handler(MIRROR).is_none());
}

// H-01, H-02, H-03, H-12, H-34
#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn classes_are_checked_by_identifier_and_by_path() {
    let stage = Stage::new();
    let library = fixture("mirror.dll").display().to_string();
    stage
        .syncmgr(&["check", &library, "--only", "H-34"])
        .exits(0)
        .says("H-34")
        .says_not("✗");
    stage.mirror();
    let done = stage.syncmgr(&["check", MIRROR, "--json"]).exits(0);
    let passed = |number: &str| {
        let mut rows = done.out.lines();
        rows.any(|row| row.contains(&format!("\"{number}\"")) && row.contains("\"passed\""))
    };
    for number in ["H-01", "H-02", "H-03", "H-12", "H-34"] {
        assert!(passed(number), "{number}: {done:?}");
    }
    // One that completes everything twice is told so.
    let bad = hostile(0x1E);
    stage.class(VIEW_64, &bad, &fixture("hostile.dll"));
    stage
        .syncmgr(&["check", &bad, "--only", "H-34"])
        .exits(2)
        .says("✗")
        .says("H-34");
    // One that is not there says so.
    stage
        .syncmgr(&["check", NOBODY, "--only", "J-03"])
        .exits(4)
        .says("nobody registered the class");
}

// M-59, M-60
#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn what_is_hidden_or_has_no_items_is_listed_as_it_wishes() {
    let stage = Stage::new();
    let library = fixture("hostile.dll").display().to_string();
    for class in [0x29, 0x2A, 0x2B, 0x2C].map(hostile) {
        stage
            .syncmgr(&["register", &library, "--class", &class])
            .exits(0);
    }
    stage.syncmgr(&["sync"]).exits(0);
    stage
        .syncmgr(&["list"])
        .exits(0)
        .says("Listed")
        .says("Partly")
        .says("item 0")
        .says_not("Empty")
        .says_not("Hiding")
        .says_not("item 1");
}
