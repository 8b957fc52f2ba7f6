//! The COM server as programs on Windows meet it: its keys of the registry, and its methods called from C++ (mobsync 2.9, 2.10,
//! 3.9, 3.10).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use windows_registry::{CURRENT_USER, LOCAL_MACHINE};

use crate::stage::{
    CLASSES, HANDLERS, MIRROR, RECORDER, Stage, VIEW_64, fixture, installed, keys, measured, until,
    values,
};

/// Our own class, and that of the system's manager.
const OURS: &str = "{B1E05D4A-7C0F-4C56-9A8E-3D526F17A0C3}";
const SYSTEM: &str = "{6295DF27-35EE-11D1-8707-00C04FD93327}";

const NOBODY: &str = "{32345678-9ABC-DEF0-1234-56789ABCDEF0}";
const NULL: &str = "{00000000-0000-0000-0000-000000000000}";

const OK: &str = "00000000";
const FALSE: &str = "00000001";
const INVALID: &str = "80070057";

/// How long a call may keep its caller, and a handler may take to start, on a busy machine.
const SOON_US: u64 = 5_000_000;

/// A recorder that synchronizes one of its two items.
const SCENARIO: &str = "\
item A
item B unchecked
after PrepareForSync: PrepareForSyncCompleted S_OK
after Synchronize: Progress A SUCCEEDED; SynchronizeCompleted S_OK
";

fn classes() -> [BTreeSet<String>; 2] {
    [CURRENT_USER, LOCAL_MACHINE].map(|root| keys(root, CLASSES))
}

/// What registering writes for one class (2.9).
fn expected() -> BTreeMap<String, String> {
    let library = installed("comserver.dll").display().to_string();
    let values = [
        ("@", "Synchronization Manager"),
        (r"InprocServer32\@", &library),
        (r"InprocServer32\@ThreadingModel", "Both"),
    ];
    values
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn the_library_writes_its_keys_and_takes_them_away() {
    let stage = Stage::new();
    let library = installed("comserver.dll");
    let before = classes();
    // How it is asked, whether for the machine, and under which identities; the last way is `DllRegisterServer`.
    let ways: [(&[&str], usize, &[&str]); 6] = [
        (&["/n", "/i"], 0, &[OURS]),
        (&["/n", "/i:user"], 0, &[OURS]),
        (&["/n", "/i:machine"], 1, &[OURS]),
        (&["/n", "/i:user system"], 0, &[OURS, SYSTEM]),
        (&["/n", "/i:machine,system"], 1, &[OURS, SYSTEM]),
        (&[], 0, &[OURS]),
    ];
    for (words, machine, identities) in ways {
        stage.regsvr32(words, &library).exits(0);
        let mut with = before.clone();
        with[machine].extend(identities.iter().map(ToString::to_string));
        assert_eq!(classes(), with, "{words:?}");
        let root = [CURRENT_USER, LOCAL_MACHINE][machine];
        for identity in identities {
            let written = values(root, &format!(r"{CLASSES}\{identity}"));
            assert_eq!(written, expected(), "{words:?}");
        }
        // Again: the same.
        stage.regsvr32(words, &library).exits(0);
        assert_eq!(classes(), with, "{words:?}");
        stage
            .regsvr32(&[&["/u"], words].concat(), &library)
            .exits(0);
        assert_eq!(classes(), before, "{words:?}");
        // `DllUnregisterServer` takes away what any way wrote.
        stage.regsvr32(words, &library).exits(0);
        stage.regsvr32(&["/u"], &library).exits(0);
        assert_eq!(classes(), before, "{words:?}");
    }
    // Words that nobody knows change nothing.
    let done = stage.regsvr32(&["/n", "/i:system everywhere"], &library);
    assert_ne!(done.exit(), Some(0));
    assert_eq!(classes(), before);
}

#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn a_registration_of_somebody_else_stays() {
    let stage = Stage::new();
    let library = installed("comserver.dll");
    let key = format!(r"{CLASSES}\{SYSTEM}");
    stage.write(true, VIEW_64, &key, &[("", "the system's")]);
    stage.write(
        true,
        VIEW_64,
        &format!(r"{key}\InprocServer32"),
        &[("", r"C:\windows\system32\mobsync.dll")],
    );
    let before = (classes(), values(LOCAL_MACHINE, &key));
    // What belongs to the whole machine is not taken from the system, and it is said before anything is written.
    let done = stage.regsvr32(&["/n", "/i:machine system"], &library);
    assert_ne!(done.exit(), Some(0));
    assert_eq!((classes(), values(LOCAL_MACHINE, &key)), before);
    // For the user alone it can be had: the system's own stays below.
    stage.regsvr32(&["/n", "/i:user system"], &library).exits(0);
    assert_eq!(values(LOCAL_MACHINE, &key), before.1);
    stage.regsvr32(&["/u"], &library).exits(0);
    assert_eq!((classes(), values(LOCAL_MACHINE, &key)), before);
}

// M-01, M-02, M-03, M-04
#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn programs_create_the_manager_in_any_apartment() {
    let stage = Stage::new();
    let server = stage.server();
    for class in [OURS, SYSTEM] {
        assert_eq!(stage.call(class, &["identity"]), format!("{OK}\n{OK}\n"));
    }
    drop(server);
    assert_eq!(
        stage.run(fixture("caller.exe"), &[OURS, "update-all"]).out,
        "80040154\n"
    );
}

// M-16 to M-24, M-26, M-27, M-28
#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn programs_register_and_unregister_handlers() {
    let stage = Stage::new();
    let _server = stage.server();
    stage.class(VIEW_64, RECORDER, &fixture("recorder.dll"));
    let listed = || values(CURRENT_USER, HANDLERS);
    let key = |flags: &str, description: &str| {
        BTreeMap::from([
            (format!("{RECORDER}\\@"), description.to_owned()),
            (
                format!("{RECORDER}\\@SyncMgrRegisterFlags"),
                flags.to_owned(),
            ),
        ])
    };
    // M-27
    assert_eq!(stage.call(OURS, &["info", RECORDER]), "flags 0\n00000001\n");
    // M-16, M-17, M-18
    stage.answers(OURS, &["register", RECORDER, "0"], OK);
    assert_eq!(listed(), key("0", ""));
    assert_eq!(stage.call(OURS, &["info", RECORDER]), "flags 0\n00000000\n");
    // M-20, M-26; a daemon makes no difference.
    let daemon = stage.daemon();
    stage.answers(SYSTEM, &["register", RECORDER, "5", "My recörder"], OK);
    assert_eq!(listed(), key("5", "My recörder"));
    assert_eq!(stage.call(OURS, &["info", RECORDER]), "flags 5\n00000000\n");
    drop(daemon);
    // M-22
    let told = stage.handler(RECORDER).unwrap();
    assert_eq!(told["name"], "My recörder");
    assert_eq!(
        told["registration"]["events"],
        serde_json::json!(["connect", "idle"])
    );
    // M-19: and nothing is changed.
    stage.answers(OURS, &["register", RECORDER, "8"], INVALID);
    stage.answers(OURS, &["register", NULL, "0"], INVALID);
    assert_eq!(listed(), key("5", "My recörder"));
    // M-21
    assert!(!stage.path("trace.txt").exists(), "it was started");
    // M-23, M-24
    stage.answers(OURS, &["unregister", RECORDER], OK);
    assert!(listed().is_empty());
    assert!(stage.handler(RECORDER).is_none());
    stage.answers(OURS, &["unregister", RECORDER], OK);
    stage.answers(OURS, &["unregister", NULL], OK);
    stage.answers(OURS, &["info", RECORDER], FALSE);
    // A class that is not there can be registered; it is left out until it is (M-30).
    stage.answers(OURS, &["register", NOBODY, "0"], OK);
    stage.syncmgr(&["sync"]).exits(0).says_not("✗");
    let runs = stage.syncmgr(&["runs", "--json"]).exits(0);
    assert!(!runs.out.contains(NOBODY), "{runs:?}");
}

/// Lines of the recorder's trace that begin like this.
fn traced(stage: &Stage, part: &str) -> Vec<String> {
    let trace = fs::read_to_string(stage.path("trace.txt")).unwrap_or_default();
    let lines = trace.lines().filter(|line| line.contains(part));
    lines.map(str::to_owned).collect()
}

/// The object is gone, and not just its list of items.
fn released(stage: &Stage) -> bool {
    traced(stage, "m> Release").contains(&"m> Release".to_owned())
}

fn recorder(stage: &Stage) {
    fs::write(stage.path("scenario.txt"), SCENARIO).unwrap();
    stage.class(VIEW_64, RECORDER, &fixture("recorder.dll"));
    stage.answers(OURS, &["register", RECORDER, "0"], OK);
}

// M-35, M-38, M-148, M-149, M-152, M-153
#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn update_items_starts_a_session_with_its_cookie() {
    let stage = Stage::new();
    let _server = stage.server();
    recorder(&stage);
    stage.mirror();
    stage.answers(OURS, &["register", MIRROR, "0"], OK);
    let _daemon = stage.daemon();
    // M-153: nothing is started by any of these.
    for words in [
        ["update", RECORDER, "1", "x"],
        ["update", RECORDER, "2147483648", "x"],
        ["update", RECORDER, "2", "null"],
        ["update", NOBODY, "2", "x"],
        ["update", NULL, "2", "x"],
    ] {
        stage.answers(OURS, &words, INVALID);
    }
    assert!(!stage.path("trace.txt").exists(), "a session was started");
    let trace = stage.path("trace.txt").display().to_string();
    let said = stage.call(OURS, &["update", RECORDER, "2", "abc", &trace]);
    let number = |word: &str| -> u64 {
        let mut lines = said.lines();
        let number = lines.find_map(|line| line.strip_prefix(word)).unwrap();
        number.trim().parse().unwrap()
    };
    assert!(said.ends_with(&format!("{OK}\n")), "{said}");
    let (returned, began) = (number("returned"), number("began"));
    assert!(returned < SOON_US && began < SOON_US, "{said}");
    measured(&format!(
        "UpdateItems returned after {} ms, Initialize came after {} ms",
        returned / 1000,
        began / 1000
    ));
    until("it is released", || released(&stage));
    // M-38: byte for byte; M-35: somebody may be bothered.
    assert_eq!(
        traced(&stage, "Initialize"),
        ["m> Initialize(0, 0x205, 5, 00 FF 61 62 63) = S_OK"]
    );
    // M-149: what it ticks.
    let prepared = traced(&stage, "m> PrepareForSync(1,[A],w,0)");
    assert_eq!(prepared.len(), 1, "{prepared:?}");
    // M-148: nobody else.
    assert_eq!(stage.copied(), None);
}

// M-38, M-154
#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn update_items_works_in_another_process_when_no_manager_runs() {
    let stage = Stage::new();
    let _server = stage.server();
    recorder(&stage);
    stage.answers(SYSTEM, &["update", RECORDER, "2", "-"], OK);
    // The caller ended, and the work is done all the same.
    until("it is released", || released(&stage));
    assert_eq!(
        traced(&stage, "Initialize"),
        ["m> Initialize(0, 0x205, 0, null) = S_OK"]
    );
    assert_eq!(traced(&stage, "Progress(A, SUCCEEDED)").len(), 1);
    // It leaves nothing at work: the home is free again, and knows what was done.
    stage.syncmgr(&["runs"]).exits(0).says("A");
}

// M-150, M-151, M-155, M-156
#[test]
#[ignore = "needs Wine: cargo xtask suite windows"]
fn programs_that_do_not_say_start_have_a_person_asked() {
    let stage = Stage::new();
    let _server = stage.server();
    recorder(&stage);
    let _daemon = stage.daemon();
    stage.answers(OURS, &["update", RECORDER, "4", "x"], OK);
    stage
        .syncmgr(&["needs"])
        .says("a program asks to synchronize");
    // All handlers, in any of which something can be chosen.
    stage.answers(OURS, &["update-all"], OK);
    let needs = stage.syncmgr(&["needs", "--json"]).out;
    let asked = needs.lines().filter(|line| line.contains("\"choices\""));
    assert!(asked.count() >= 2, "{needs}");
    assert!(!stage.path("trace.txt").exists(), "a session was started");
}
