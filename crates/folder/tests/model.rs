//! Random edits on both sides between runs, and runs that are stopped or killed anywhere, against invariants:
//!
//! - no content disappears unless a copy is kept;
//! - after a run without conflicts both sides are equal in content, permissions, times and link targets;
//! - a second run changes nothing;
//! - an interrupted run is healed by a plain one, without conflicts that the whole run would not have had;
//! - a plan says what the run then does, and writes nothing at all;
//! - undoing a run makes both sides look as before it, and undoing that as after it.
//!
//! `PROPTEST_CASES` sets how many scripts are tried.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a script that cannot be played ends the test"
)]

mod world;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use proptest::prelude::*;
use syncmgr_folder::{Action, Cancel, Kind, Observer, Outcome, Plan, Side, Silent, Step};
use world::{Node, Tree, World, chmod, exact, strays, tree};

/// Scripts in a usual run; about half a minute without optimization on two cores.
const CASES: u32 = 3000;

#[derive(Debug, Clone)]
enum Edit {
    Write(Vec<u8>),
    Append(Vec<u8>),
    Remove(Vec<u8>),
    Rename(Vec<u8>, Vec<u8>),
    MakeDir(Vec<u8>),
    Link(Vec<u8>),
    Chmod(Vec<u8>, bool),
    Touch(Vec<u8>, u32),
    /// The same content on both sides, as after a copy by hand.
    Twin(Vec<u8>),
}

#[derive(Debug, Clone)]
enum Way {
    Plain,
    /// The flag is raised at this step.
    Cancel(u32),
    /// The process dies at this step.
    Crash(u32),
    Undo,
}

#[derive(Debug, Clone)]
struct Round {
    edits: Vec<(bool, Edit)>,
    way: Way,
}

const NAMES: [&[u8]; 6] = [
    b"a",
    b"b",
    b"a.b",
    b"n\nl \x1b[1m",
    b"\xff\xfe",
    b"long name with spaces",
];

/// Mostly a few paths, so that the same ones are edited again after they were in sync, and kinds collide.
fn path() -> impl Strategy<Value = Vec<u8>> {
    const FEW: [&[u8]; 8] = [
        b"a",
        b"b",
        b"a/a",
        b"a/b",
        b"a.b",
        b"a/a/a",
        b"n\nl \x1b[1m",
        b"b/\xff\xfe",
    ];
    prop_oneof![
        6 => prop::sample::select(&FEW[..]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(prop::sample::select(&NAMES[..]), 1..4).prop_map(|parts| parts.join(&b'/')),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        5 => path().prop_map(Edit::Write),
        1 => path().prop_map(Edit::Append),
        3 => path().prop_map(Edit::Remove),
        2 => (path(), path()).prop_map(|(from, to)| Edit::Rename(from, to)),
        2 => path().prop_map(Edit::MakeDir),
        1 => path().prop_map(Edit::Link),
        1 => (path(), any::<bool>()).prop_map(|(path, on)| Edit::Chmod(path, on)),
        1 => (path(), 0u32..4).prop_map(|(path, time)| Edit::Touch(path, time)),
        1 => path().prop_map(Edit::Twin),
    ]
}

/// Most runs of a script have few steps, some have many.
fn step() -> impl Strategy<Value = u32> {
    prop_oneof![3 => 0u32..12, 1 => 12u32..60]
}

fn round() -> impl Strategy<Value = Round> {
    let way = prop_oneof![
        4 => Just(Way::Plain),
        2 => step().prop_map(Way::Cancel),
        4 => step().prop_map(Way::Crash),
        2 => Just(Way::Undo),
    ];
    (prop::collection::vec((any::<bool>(), edit()), 0..8), way)
        .prop_map(|(edits, way)| Round { edits, way })
}

/// Content that is different each time and always equally long, so that only the content tells it apart.
fn content() -> Vec<u8> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{:08x}", NEXT.fetch_add(1, Ordering::Relaxed)).into_bytes()
}

/// Edits as a user does; whatever the tree does not allow is not done.
fn carry_out(root: &Path, other: &Path, edit: &Edit) {
    let at = |path: &[u8]| root.join(OsStr::from_bytes(path));
    let with_parent = |path: &[u8]| {
        let path = at(path);
        drop(fs::create_dir_all(path.parent().unwrap()));
        path
    };
    // A link in the middle of a path would lead out of the side that is edited.
    let through_link = |path: &[u8]| {
        let full = at(path);
        full.ancestors()
            .skip(1)
            .take_while(|p| *p != root)
            .any(Path::is_symlink)
    };
    match edit {
        Edit::Write(path) | Edit::Twin(path) if through_link(path) => {}
        Edit::Write(path) => {
            let path = with_parent(path);
            if !path.is_symlink() {
                drop(fs::write(path, content()));
            }
        }
        Edit::Append(path) => {
            use std::io::Write as _;
            let path = at(path);
            if path.is_file()
                && !path.is_symlink()
                && let Ok(mut file) = fs::File::options().append(true).open(path)
            {
                file.write_all(&content()).unwrap();
            }
        }
        Edit::Remove(path) => {
            let path = at(path);
            if path.is_dir() && !path.is_symlink() {
                fs::remove_dir_all(path).unwrap();
            } else {
                drop(fs::remove_file(path));
            }
        }
        Edit::Rename(from, to) => {
            if at(from).symlink_metadata().is_ok() && at(to).symlink_metadata().is_err() {
                drop(fs::rename(at(from), with_parent(to)));
            }
        }
        Edit::MakeDir(path) => drop(fs::create_dir_all(at(path))),
        Edit::Link(path) => {
            // Absolute, upwards and nowhere: none may ever be followed.
            let target = format!("/nonexistent/{}/../..", String::from_utf8_lossy(&content()));
            drop(symlink(target, with_parent(path)));
        }
        Edit::Chmod(path, on) => {
            let path = at(path);
            if let Ok(meta) = path.symlink_metadata()
                && !meta.is_symlink()
            {
                let mode = match (meta.is_dir(), on) {
                    (true, true) => 0o750,
                    (true, false) => 0o755,
                    (false, true) => 0o400,
                    (false, false) => 0o644,
                };
                chmod(path, mode);
            }
        }
        Edit::Touch(path, time) => {
            let path = at(path);
            if path.is_file()
                && !path.is_symlink()
                && let Ok(file) = fs::File::options().write(true).open(path)
            {
                let time = std::time::Duration::new(u64::from(*time) * 1000, 7);
                file.set_modified(std::time::UNIX_EPOCH + time).unwrap();
            }
        }
        Edit::Twin(path) => {
            let data = content();
            for root in [root, other] {
                let path = root.join(OsStr::from_bytes(path));
                let led_away = path
                    .ancestors()
                    .take_while(|p| *p != root)
                    .any(Path::is_symlink);
                if !led_away {
                    drop(fs::create_dir_all(path.parent().unwrap()));
                    drop(fs::write(path, &data));
                }
            }
        }
    }
}

/// Stops or kills a run at a step.
struct Trap {
    left: AtomicU32,
    dead: AtomicBool,
    cancel: Option<Cancel>,
}

struct Crashed;

impl Observer for Trap {
    fn step(&self, _: Step<'_>) {
        if self.dead.load(Ordering::Relaxed) {
            resume_unwind(Box::new(Crashed));
        }
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            match &self.cancel {
                Some(cancel) => cancel.cancel(),
                None => {
                    self.dead.store(true, Ordering::Relaxed);
                    resume_unwind(Box::new(Crashed));
                }
            }
        }
    }
}

/// Every content and link target below a directory, the program's own files included.
fn contents(root: &Path, into: &mut BTreeSet<Vec<u8>>) {
    let mut pending = vec![root.to_path_buf()];
    while let Some(path) = pending.pop() {
        let Ok(meta) = path.symlink_metadata() else {
            continue;
        };
        if meta.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else if meta.is_symlink() {
            into.insert(
                fs::read_link(&path)
                    .unwrap()
                    .as_os_str()
                    .as_bytes()
                    .to_vec(),
            );
        } else {
            into.insert(fs::read(&path).unwrap());
        }
    }
}

fn everything(w: &World) -> BTreeSet<Vec<u8>> {
    let mut all = BTreeSet::new();
    for root in [
        &w.pair.left,
        &w.pair.right,
        &w.pair.state_dir.join("versions"),
    ] {
        contents(root, &mut all);
    }
    all
}

fn user_contents(w: &World) -> BTreeSet<Vec<u8>> {
    let datum = |node| match node {
        Node::File { data, .. } => Some(data),
        Node::Link { target } => Some(target),
        Node::Dir { .. } | Node::Special => None,
    };
    let trees = [tree(&w.pair.left), tree(&w.pair.right)];
    trees
        .into_iter()
        .flat_map(|tree| tree.into_values().filter_map(datum))
        .collect()
}

fn conflicts(plan: &Plan) -> Vec<Vec<u8>> {
    let is = |change: &&syncmgr_folder::Change| matches!(change.action, Action::Conflict(_));
    plan.changes
        .iter()
        .filter(is)
        .map(|change| change.path.to_vec())
        .collect()
}

fn listed(w: &World) -> Vec<Vec<u8>> {
    w.pair
        .conflicts()
        .unwrap()
        .into_iter()
        .map(|conflict| conflict.path.to_vec())
        .collect()
}

/// Kinds and contents only.
fn bare(tree: &Tree) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let datum = |node: &Node| match node {
        Node::File { data, .. } => Some(data.clone()),
        Node::Link { target } => Some(target.clone()),
        Node::Dir { .. } | Node::Special => None,
    };
    tree.iter()
        .map(|(path, node)| (path.clone(), datum(node)))
        .collect()
}

/// What both trees look like when a plan has been carried out.
fn planned(trees: &[Tree; 2], plan: &Plan) -> [Tree; 2] {
    let mut after = trees.clone();
    for change in &plan.changes {
        let Some(side) = change.side else { continue };
        let at = usize::from(side == Side::Right);
        match change.action {
            Action::Create | Action::Replace => {
                after[at].insert(
                    change.path.to_vec(),
                    trees[1 - at][&change.path[..]].clone(),
                );
            }
            Action::Delete => {
                if after[at].get(&change.path[..]) == trees[at].get(&change.path[..]) {
                    after[at].remove(&change.path[..]);
                }
            }
            Action::SetMeta | Action::Conflict(_) => {}
        }
        assert!(change.kind != Kind::Special);
    }
    after
}

fn trees(w: &World) -> [Tree; 2] {
    [tree(&w.pair.left), tree(&w.pair.right)]
}

/// Everything that must hold after a run that went to its end.
fn assert_whole(w: &World, before: &[Tree; 2], plan: &Plan, outcome: &Outcome) {
    assert_eq!(outcome.findings, Vec::new());
    assert_eq!(outcome.held, None);
    let now = trees(w);
    let wanted = planned(before, plan);
    assert_eq!(bare(&now[0]), bare(&wanted[0]), "left is as planned");
    assert_eq!(bare(&now[1]), bare(&wanted[1]), "right is as planned");
    assert_eq!(listed(w), conflicts(plan));
    if outcome.counts.conflicts == 0 {
        assert_eq!(now[0], now[1], "both sides are equal");
    }
    for root in [&w.pair.left, &w.pair.right] {
        assert_eq!(strays(root), Vec::<PathBuf>::new());
    }
}

fn play(rounds: &[Round]) {
    let w = World::new();
    // No script removes it, so no side is ever emptied, which a guard would hold.
    fs::write(w.left("stays"), b"stays").unwrap();
    for round in rounds {
        for (left, edit) in &round.edits {
            let (root, other) = (&w.pair.left, &w.pair.right);
            let (root, other) = if *left { (root, other) } else { (other, root) };
            carry_out(root, other, edit);
        }
        let before = trees(&w);
        let had = user_contents(&w);
        let on_disk = exact(w.home.path());
        let plan = w.plan();
        assert_eq!(exact(w.home.path()), on_disk, "a plan writes nothing");
        let run = w.next_run();
        match round.way {
            Way::Plain => {
                let outcome = w.pair.sync(&run, &[], &Silent, &Cancel::new()).unwrap();
                assert_eq!(outcome.counts, plan.counts, "a plan says what the run does");
                assert_whole(&w, &before, &plan, &outcome);
            }
            Way::Cancel(at) | Way::Crash(at) => {
                let cancel = Cancel::new();
                let stops = matches!(round.way, Way::Cancel(_)).then(|| cancel.clone());
                let trap = Trap {
                    left: AtomicU32::new(at),
                    dead: AtomicBool::new(false),
                    cancel: stops,
                };
                let ran = catch_unwind(AssertUnwindSafe(|| w.pair.sync(&run, &[], &trap, &cancel)));
                match ran {
                    Ok(outcome) => assert_eq!(outcome.unwrap().findings, Vec::new()),
                    Err(panic) => assert!(panic.is::<Crashed>(), "a real panic"),
                }
                let kept = everything(&w);
                assert!(had.is_subset(&kept), "nothing is lost on the way");
                let healed = w.try_sync(&[], &Silent).unwrap();
                assert_whole(&w, &before, &plan, &healed);
            }
            Way::Undo => {
                let outcome = w.pair.sync(&run, &[], &Silent, &Cancel::new()).unwrap();
                assert_whole(&w, &before, &plan, &outcome);
                if outcome.counts.to_left + outcome.counts.to_right + outcome.counts.deleted > 0 {
                    let after = trees(&w);
                    let (back, again) = (w.next_run(), w.next_run());
                    let undone = w.pair.undo(&run, &back, &Silent, &Cancel::new()).unwrap();
                    assert_eq!(undone.findings, Vec::new());
                    assert_eq!(trees(&w), before, "both sides look as before");
                    let next = w.plan();
                    assert_eq!(next.held, None);
                    assert!(
                        next.changes
                            .iter()
                            .all(|c| !matches!(c.action, Action::Delete | Action::Replace)),
                        "nothing is done again without a question: {next}"
                    );
                    assert!(had.is_subset(&everything(&w)));
                    let redone = w.pair.undo(&back, &again, &Silent, &Cancel::new()).unwrap();
                    assert_eq!(redone.findings, Vec::new());
                    assert_eq!(trees(&w), after, "both sides look as after");
                }
            }
        }
        assert!(
            had.is_subset(&everything(&w)),
            "nothing disappears without a kept copy"
        );
        let now = trees(&w);
        let second = w.sync();
        let moved = second.counts.to_left + second.counts.to_right + second.counts.deleted;
        assert_eq!(moved, 0, "a second run changes nothing");
        assert_eq!(trees(&w), now);
    }
}

fn config() -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if config.cases == 256 {
        config.cases = CASES;
    }
    config
}

/// Half of the scripts each, so that two processors are busy.
fn half() -> ProptestConfig {
    let config = config();
    ProptestConfig {
        cases: config.cases.div_ceil(2),
        ..config
    }
}

proptest! {
    #![proptest_config(half())]

    #[test]
    fn scripts_keep_the_invariants(rounds in prop::collection::vec(round(), 1..5)) {
        play(&rounds);
    }

    #[test]
    fn more_scripts_keep_the_invariants(rounds in prop::collection::vec(round(), 1..5)) {
        play(&rounds);
    }
}
