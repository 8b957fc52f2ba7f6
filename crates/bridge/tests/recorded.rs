//! What is said of folders and jobs, from what the real programs answered: Syncthing 1.19 and rclone 1.60.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use serde_json::{Value, json};
use syncmgr_bridge::rclone::{Job, Jobs, Stats};
use syncmgr_bridge::syncthing::{self, Configured, Folder, GOOD_EVERY_MS, Status};
use syncmgr_control::report::{Report, ReportState as S};

const NAME: &str = "Notes";

fn status(text: &str) -> Status {
    serde_json::from_str(text).unwrap()
}

fn idle() -> Status {
    status(include_str!("recorded/status-idle.json"))
}

fn syncing() -> Status {
    status(include_str!("recorded/status-syncing.json"))
}

/// The states that are reported, each with its text.
fn told(reports: &[Report]) -> Vec<(S, &str)> {
    reports
        .iter()
        .map(|report| (report.state, report.text.as_deref().unwrap_or("")))
        .collect()
}

#[test]
fn a_folder_is_in_sync_again_after_it_lacked_something() {
    let mut folder = Folder::default();
    let begun = folder.look(NAME, &syncing(), true, false, 0, 0);
    assert_eq!(
        told(&begun),
        [
            (S::Connected, ""),
            (S::Start, ""),
            (S::Progress, "out of sync: 1 file")
        ]
    );
    let how_far = begun.last().unwrap();
    assert!(how_far.value.unwrap() < how_far.max.unwrap(), "{how_far:?}");
    let on = folder.look(NAME, &syncing(), true, false, 0, 1);
    assert_eq!(told(&on), [(S::Progress, "out of sync: 1 file")]);
    assert!(folder.ends_with(&idle()));
    let done = folder.look(NAME, &idle(), true, false, 2, 2);
    assert_eq!(told(&done), [(S::Done, "in sync")]);
    let counts = done[0].counts.unwrap();
    assert_eq!((counts.received, counts.conflicts), (1, 2));
    assert!(counts.bytes > 100_000_000);

    // As long as nothing happens, it is told as good from time to time only.
    assert!(!folder.ends_with(&idle()));
    assert_eq!(folder.look(NAME, &idle(), true, false, 0, 3), []);
    assert_eq!(
        folder.look(NAME, &idle(), true, false, 0, 1 + GOOD_EVERY_MS),
        []
    );
    let again = folder.look(NAME, &idle(), true, false, 0, 2 + GOOD_EVERY_MS);
    assert_eq!(told(&again), [(S::Done, "in sync")]);
    // What came faster than anybody looked is told as well.
    let changed = Status {
        sequence: idle().sequence + 1,
        ..idle()
    };
    assert!(folder.ends_with(&changed));
    let soon = folder.look(NAME, &changed, true, false, 0, 3 + GOOD_EVERY_MS);
    assert_eq!(told(&soon), [(S::Done, "in sync")]);
}

#[test]
fn a_folder_that_nobody_else_shows_is_not_connected() {
    let mut folder = Folder::default();
    folder.look(NAME, &syncing(), true, false, 0, 0);
    let gone = folder.look(NAME, &syncing(), true, false, 0, 1);
    assert_eq!(gone.len(), 1);
    let idle_and_lacking = Status {
        state: "idle".to_owned(),
        ..syncing()
    };
    let gone = folder.look(NAME, &idle_and_lacking, false, false, 0, 2);
    let why = "out of sync: 1 file, and no other device is connected";
    assert_eq!(told(&gone), [(S::Disconnected, why)]);
    assert_eq!(folder.look(NAME, &idle_and_lacking, false, false, 0, 3), []);
    assert_eq!(folder.away(NAME, "it cannot be reached"), []);
    let back = folder.look(NAME, &idle(), true, false, 0, 4);
    assert_eq!(told(&back), [(S::Connected, ""), (S::Done, "in sync")]);
    // It goes in the middle of a run.
    folder.look(NAME, &syncing(), true, false, 0, 5);
    let away = folder.away(NAME, "it cannot be reached");
    assert_eq!(
        told(&away),
        [(S::Disconnected, "Syncthing: it cannot be reached")]
    );
}

#[test]
fn what_is_wrong_with_a_folder_is_told_once() {
    let mut folder = Folder::default();
    folder.look(NAME, &idle(), true, false, 0, 0);
    let failed = Status {
        errors: 3,
        need_total_items: 3,
        ..idle()
    };
    let why = "3 files could not be synchronized";
    assert_eq!(
        told(&folder.look(NAME, &failed, true, false, 0, 1)),
        [(S::Failed, why)]
    );
    assert_eq!(folder.look(NAME, &failed, true, false, 0, 2), []);
    let gone = Status {
        state: "error".to_owned(),
        error: "folder path missing".to_owned(),
        ..Status::default()
    };
    let said = folder.look(NAME, &gone, true, false, 0, 3);
    assert_eq!(told(&said), [(S::Failed, "folder path missing")]);
    let well = folder.look(NAME, &idle(), true, false, 0, 4);
    assert_eq!(told(&well), [(S::Done, "in sync")]);
    // A folder that is paused there is no news, but ends a run.
    folder.look(NAME, &syncing(), true, false, 0, 5);
    let paused = folder.look(NAME, &Status::default(), true, true, 0, 6);
    assert_eq!(told(&paused), [(S::Stopped, "paused there")]);
}

#[test]
fn other_devices_and_conflicts_are_found_in_what_syncthing_answers() {
    let folders: Vec<Configured> =
        serde_json::from_str(include_str!("recorded/folders.json")).unwrap();
    let connections: Value =
        serde_json::from_str(include_str!("recorded/connections.json")).unwrap();
    let folder = &folders[0];
    assert_eq!((folder.id.as_str(), folder.label.as_str()), ("notes", NAME));
    assert!(syncthing::is_connected(folder, &connections));
    assert!(!syncthing::is_connected(
        folder,
        &json!({ "connections": {} })
    ));
    let tree: Value = serde_json::from_str(include_str!("recorded/browse.json")).unwrap();
    assert_eq!(syncthing::conflicts(&tree), 0);
    let tree = json!([{ "name": "d", "type": "FILE_INFO_TYPE_DIRECTORY", "children": [
        { "name": "a.sync-conflict-20261123-213005-PKVYJKW.txt" }, { "name": "a.txt" } ] }]);
    assert_eq!(syncthing::conflicts(&tree), 1);
}

fn job(text: &str) -> Job {
    serde_json::from_str(text).unwrap()
}

#[test]
fn jobs_of_rclone_are_one_run_while_they_work() {
    let stats = |text: &str| serde_json::from_str::<Stats>(text).unwrap();
    let nothing = stats(r#"{"bytes":0,"totalBytes":0,"transfers":0,"errors":0,"eta":null}"#);
    let ours = job(
        r#"{"duration":0.000006359,"error":"","finished":true,"group":"job/1","id":1,"output":{"jobids":[1]},"success":true}"#,
    );
    let mut jobs = Jobs::default();
    assert_eq!(jobs.unknown(&[1], &nothing), [1]);
    let begun = jobs.look("r", &[1], &[ours], &nothing, 3);
    assert_eq!(told(&begun), [(S::Connected, "")]);
    // As many new ones as we made calls: nobody else was there.
    assert_eq!(jobs.unknown(&[1, 2, 3, 4], &nothing), [] as [u64; 0]);
    assert_eq!(jobs.look("r", &[1, 2, 3, 4], &[], &nothing, 2), []);

    // One more than that, and what it moves names its job.
    let moving = stats(
        r#"{"bytes":5435395,"totalBytes":31457283,"transfers":1,"transferring":[{"bytes":5435392,"group":"job/6","name":"big","percentage":17,"size":31457280}]}"#,
    );
    assert_eq!(jobs.unknown(&[5, 6, 7], &moving), [7, 6, 5]);
    let working = job(
        r#"{"duration":0,"endTime":"0001-01-01T00:00:00Z","error":"","finished":false,"group":"job/6","id":6,"output":null,"success":false}"#,
    );
    let begun = jobs.look("r", &[5, 6, 7], &[working], &moving, 5);
    assert_eq!(told(&begun), [(S::Start, ""), (S::Progress, "big")]);
    assert_eq!(
        (begun[1].value, begun[1].max),
        (Some(5_435_395), Some(31_457_283))
    );
    assert!(jobs.works());
    assert!(
        jobs.unknown(&[8], &nothing).contains(&6),
        "it is asked about until it is over"
    );
    let over = job(r#"{"error":"","finished":true,"id":6,"output":{},"success":true}"#);
    let end = stats(r#"{"bytes":31457283,"totalBytes":31457283,"transfers":2}"#);
    let done = jobs.look("r", &[8], &[over], &end, 3);
    assert_eq!(told(&done), [(S::Done, "")]);
    assert_eq!(done[0].counts.unwrap().sent, 2);

    // One that was over before anybody looked.
    let failed = job(
        r#"{"duration":0.00082991,"error":"directory not found","finished":true,"group":"job/12","id":12,"output":{},"success":false}"#,
    );
    let said = jobs.look("r", &[12], &[failed], &end, 2);
    assert_eq!(
        told(&said),
        [(S::Start, ""), (S::Failed, "directory not found")]
    );
    assert_eq!(
        told(&jobs.away("r", "gone")),
        [(S::Disconnected, "rclone: gone")]
    );
    assert_eq!(jobs.away("r", "gone"), []);
}
