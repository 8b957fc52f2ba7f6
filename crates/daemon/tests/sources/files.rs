//! Changes of files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syncmgr_daemon::source::{Happening, Subject, Wanted};

use crate::desk::{Desk, Ear};

/// Namespaces have limits of their own.
const LIMIT: &str = "/proc/sys/user/max_inotify_watches";

fn want(ear: &mut Ear, paths: &[&Path]) {
    ear.want(Wanted {
        paths: paths.iter().map(|path| path.to_path_buf()).collect(),
        ..Wanted::default()
    });
}

async fn changed(ear: &mut Ear) -> (PathBuf, Vec<PathBuf>) {
    ear.happening("a change", |happening| match happening {
        Happening::PathChanged { below, paths } => Some((below, paths)),
        _ => None,
    })
    .await
}

#[tokio::test]
#[ignore = "needs namespaces: cargo xtask suite sources"]
async fn changes_are_told_once_it_is_quiet() {
    let desk = Desk::new();
    let tree = desk.directory.path().join("tree");
    let gone = desk.directory.path().join("gone");
    fs::create_dir_all(tree.join("deep/deeper")).unwrap();
    let mut ear = desk.watch();
    want(&mut ear, &[&tree, &gone]);
    let by = ear
        .watching(
            Subject::Files,
            "gone is looked for every 60 s: it is not there",
        )
        .await;
    assert!(by.starts_with("what the system notices; "), "{by}");
    fs::write(tree.join("deep/deeper/one"), "1").unwrap();
    fs::write(tree.join("passing"), "1").unwrap();
    fs::remove_file(tree.join("passing")).unwrap();
    fs::create_dir(tree.join("new")).unwrap();
    fs::write(tree.join("two"), "2").unwrap();
    fs::rename(tree.join("two"), tree.join("three")).unwrap();
    let (below, paths) = changed(&mut ear).await;
    assert_eq!(below, tree);
    let paths: BTreeSet<&Path> = paths
        .iter()
        .map(|path| path.strip_prefix(&tree).unwrap())
        .collect();
    let expected = ["deep/deeper/one", "new", "three"].map(Path::new);
    assert_eq!(paths, BTreeSet::from(expected));
    // Directories that were made meanwhile are watched as well.
    fs::write(tree.join("new/four"), "4").unwrap();
    assert_eq!(changed(&mut ear).await.1, [tree.join("new/four")]);
    // A whole tree that is deleted is said to be missing.
    fs::remove_dir_all(&tree).unwrap();
    assert_eq!(changed(&mut ear).await.0, tree);
    ear.watching(Subject::Files, "tree is looked for").await;
    // Nobody wants anything: nothing is said to be missing.
    want(&mut ear, &[]);
    let by = ear
        .watching(Subject::Files, "what the system notices")
        .await;
    assert_eq!(by, "what the system notices");
}

#[tokio::test]
#[ignore = "needs namespaces: cargo xtask suite sources"]
async fn a_flood_is_one_notice() {
    let desk = Desk::new();
    let tree = desk.directory.path().join("tree");
    fs::create_dir(&tree).unwrap();
    let mut ear = desk.watch();
    want(&mut ear, &[&tree]);
    // What is written before it is watched is not noticed, so it is written until it is, and often enough quiet.
    let probe = tree.join("probe");
    let probing = async {
        loop {
            fs::write(&probe, "1").unwrap();
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        }
    };
    tokio::select! {
        () = probing => {}
        _ = async {
            ear.until("the first notice", |observation| format!("{observation:?}").contains("PathChanged").then_some(())).await;
        } => {}
    }
    let writing = tree.clone();
    tokio::task::spawn_blocking(move || {
        for number in 0..30_000 {
            fs::write(writing.join(number.to_string()), "").unwrap();
        }
    })
    .await
    .unwrap();
    let (_, paths) = changed(&mut ear).await;
    assert!(
        paths.is_empty() || paths == [probe],
        "{} paths",
        paths.len()
    );
    assert!(
        ear.heard("PathChanged") <= 4,
        "{} notices",
        ear.heard("PathChanged")
    );
}

#[tokio::test]
#[ignore = "needs namespaces: cargo xtask suite sources"]
async fn beyond_the_limit_of_watches_it_looks_visibly() {
    let desk = Desk::alone();
    let tree = desk.directory.path().join("tree");
    for number in 0..200 {
        fs::create_dir_all(tree.join(number.to_string())).unwrap();
    }
    let before = fs::read_to_string(LIMIT).unwrap();
    let mut ear = desk.watch();
    fs::write(LIMIT, "100")
        .expect("run by `cargo xtask suite sources`, as root of a namespace of its own");
    want(&mut ear, &[&tree]);
    let by = ear
        .watching(Subject::Files, "is looked at every 60 s")
        .await;
    fs::write(LIMIT, before.trim()).unwrap();
    assert!(by.contains("limit of watches is reached"), "{by}");
}
