//! The program on Windows: its command line, a folder pair, its directories, its daemon.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::built::Built;
use super::expect;
use super::wine::{Ended, Prefix, until};
use crate::suite::sides::{OURS, walk};

/// Exit codes of the program, as its documentation gives them.
const GOOD: i32 = 0;
const NEEDS_YOU: i32 = 3;
const NOT_STARTED: i32 = 4;

/// A home and a pair whose names hold what names on Windows may hold.
const HOME: &str = r"C:\syncmgr home é";
const LEFT: &str = r"C:\pairs\Größe & Maß";
const RIGHT: &str = r"C:\pairs\right 日本";

/// How many commands ask one daemon at the same time.
const AT_ONCE: usize = 12;

/// How long the daemon may live before it is ended from outside.
const DAEMON_SECONDS: u32 = 120;

/// The program in a prefix.
struct Stage<'a> {
    program: PathBuf,
    prefix: &'a Prefix,
}

impl<'a> Stage<'a> {
    fn new(built: &Built, prefix: &'a Prefix) -> Self {
        Self {
            program: built.program("syncmgr.exe"),
            prefix,
        }
    }

    fn syncmgr(&self, words: &[&str]) -> Result<Ended> {
        self.prefix.run(&self.program, words, Some(HOME))
    }

    /// Where a path of drive C: is on this system.
    fn here(&self, path: &str) -> PathBuf {
        let below = path.trim_start_matches(r"C:\").replace('\\', "/");
        self.prefix.drive().join(below)
    }
}

/// The last line of output, which is the verdict, and the lines before it.
fn json(out: &str) -> Result<Vec<Value>> {
    out.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}")))
        .collect()
}

/// Exit codes and output of commands that need no item, and refusals.
pub(super) fn command_line(built: &Built, prefix: &Prefix) -> Result<String> {
    let stage = Stage::new(built, prefix);
    let mut commands = 0;
    let mut check = |words: &[&str], code: i32| -> Result<String> {
        commands += 1;
        stage
            .syncmgr(words)?
            .with(code)
            .with_context(|| format!("syncmgr {}", words.join(" ")))
    };
    expect(check(&["--version"], GOOD)?.starts_with("syncmgr "), || {
        "no version".to_owned()
    })?;
    check(&["--help"], GOOD)?;
    let status = json(&check(&["status", "--json"], GOOD)?)?;
    expect(
        status.last().is_some_and(|last| last["exit"] == GOOD),
        || format!("status --json says {status:?}"),
    )?;
    let handlers = check(&["handlers", "--json"], GOOD)?;
    expect(handlers.contains("folder"), || {
        format!("handlers: {handlers}")
    })?;
    let doctor = check(&["doctor"], GOOD)?;
    expect(doctor.contains(HOME), || format!("doctor: {doctor}"))?;
    check(&["runs", "--json"], GOOD)?;
    check(&["log"], GOOD)?;
    check(&["sync", "nobody"], NOT_STARTED)?;
    check(&["frobnicate"], NOT_STARTED)?;
    // Folders that are not there, one that lies in the other, and a name that nobody can have.
    check(&["sync", r"C:\nowhere a", r"C:\nowhere b"], NOT_STARTED)?;
    check(
        &["sync", r"C:\windows", r"C:\windows\system32"],
        NOT_STARTED,
    )?;
    check(&["sync", r".\a<b", r".\c|d"], NOT_STARTED)?;
    Ok(format!("{commands} commands answer as documented"))
}

/// Everything below a side but what is ours, with contents and times as coarse as NTFS has them.
fn side(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for path in walk(root)? {
        let below = path.strip_prefix(root)?.to_string_lossy().into_owned();
        if below.starts_with(OURS) {
            continue;
        }
        let about = path.symlink_metadata()?;
        let what = if about.is_dir() {
            "directory".to_owned()
        } else {
            let time = about.modified()?.duration_since(std::time::UNIX_EPOCH)?;
            format!("{} {:?}", time.as_nanos() / 100, fs::read(&path)?)
        };
        all.insert(below, what);
    }
    Ok(all)
}

/// A pair from its first run to the undo of a deletion.
pub(super) fn folder_pair(built: &Built, prefix: &Prefix) -> Result<String> {
    let stage = Stage::new(built, prefix);
    let (left, right) = (stage.here(LEFT), stage.here(RIGHT));
    fs::create_dir_all(left.join("deep/er"))?;
    fs::create_dir_all(&right)?;
    fs::write(left.join("deep/er/ü.txt"), "from the left")?;
    fs::write(left.join("kept.txt"), "first")?;
    fs::write(left.join("gone.txt"), "to be deleted")?;
    fs::write(right.join("naïve 文.bin"), vec![7; 300_000])?;
    let equal = |files: usize| -> Result<()> {
        let (a, b) = (side(&left)?, side(&right)?);
        expect(a == b && a.len() == files, || format!("{a:?}\n{b:?}"))
    };
    stage
        .syncmgr(&["sync", LEFT, RIGHT])?
        .with(GOOD)
        .context("first run")?;
    equal(6).context("after the first run")?;

    // Created, edited, deleted, renamed; the plan writes nothing.
    fs::write(right.join("kept.txt"), "second, and longer")?;
    fs::create_dir(right.join("new dir"))?;
    fs::write(right.join("new dir/one"), "1")?;
    fs::remove_file(left.join("gone.txt"))?;
    fs::rename(left.join("deep/er/ü.txt"), left.join("deep/er/moved.txt"))?;
    let before = (side(&left)?, side(&right)?);
    let plan = stage.syncmgr(&["plan"])?.with(GOOD)?;
    expect(
        plan.contains("kept.txt") && plan.contains("gone.txt"),
        || format!("the plan: {plan}"),
    )?;
    expect(before == (side(&left)?, side(&right)?), || {
        "the plan wrote".to_owned()
    })?;
    stage.syncmgr(&["sync"])?.with(GOOD).context("second run")?;
    equal(7).context("after the second run")?;
    expect(
        fs::read_to_string(left.join("kept.txt"))? == "second, and longer",
        || "the edit did not arrive".to_owned(),
    )?;

    // Both changed one file: both stay until somebody says which.
    fs::write(left.join("kept.txt"), "left says")?;
    fs::write(right.join("kept.txt"), "right says it")?;
    stage
        .syncmgr(&["sync"])?
        .with(NEEDS_YOU)
        .context("the run with a conflict")?;
    let conflicts = json(&stage.syncmgr(&["conflicts", "--json"])?.with(NEEDS_YOU)?)?;
    let id = conflicts[0]["id"]
        .as_str()
        .context("no conflict")?
        .to_owned();
    let location = conflicts[0]["versions"][0]["location"].to_string();
    expect(!location.contains('?') && !location.contains('/'), || {
        format!("nobody writes a path like {location}")
    })?;
    stage
        .syncmgr(&["resolve", &id, "right"])?
        .with(GOOD)
        .context("resolve")?;
    equal(7).context("after the conflict was resolved")?;
    expect(
        fs::read_to_string(left.join("kept.txt"))? == "right says it",
        || "the choice did not arrive".to_owned(),
    )?;

    // A deletion is brought back.
    fs::remove_file(right.join("naïve 文.bin"))?;
    stage.syncmgr(&["sync"])?.with(GOOD).context("a deletion")?;
    expect(!left.join("naïve 文.bin").exists(), || {
        "the deletion did not arrive".to_owned()
    })?;
    let runs = json(&stage.syncmgr(&["runs", "--json"])?.with(GOOD)?)?;
    let run = runs[0]["id"].to_string();
    stage.syncmgr(&["undo", &run])?.with(GOOD).context("undo")?;
    expect(
        fs::read(left.join("naïve 文.bin"))?.len() == 300_000,
        || "what was deleted did not come back".to_owned(),
    )?;
    stage
        .syncmgr(&["sync"])?
        .with(GOOD)
        .context("the last run")?;
    equal(7).context("after the last run")?;

    // A folder that vanished is a question, not a deletion.
    fs::rename(&right, right.with_extension("away"))?;
    let ended = stage.syncmgr(&["sync"])?;
    expect(ended.code != GOOD && left.join("kept.txt").exists(), || {
        format!("a vanished folder: {ended:?}")
    })?;
    Ok("create, edit, rename, delete, conflict, undo and a vanished folder, below names with blanks and letters of \
        several scripts"
        .to_owned())
}

/// Without `SYNCMGR_HOME` the directories are the user's own.
pub(super) fn directories(built: &Built, prefix: &Prefix) -> Result<String> {
    let stage = Stage::new(built, prefix);
    let doctor = prefix.run(&stage.program, &["doctor"], None)?.with(GOOD)?;
    for part in [r"AppData\Roaming\syncmgr", r"AppData\Local\syncmgr"] {
        expect(doctor.contains(part), || format!("doctor: {doctor}"))?;
    }
    let users = prefix.drive().join("users");
    let database = walk(&users)?
        .into_iter()
        .find(|path| path.ends_with("AppData/Local/syncmgr/syncmgr.db"));
    expect(database.is_some(), || "no database".to_owned())?;
    Ok("configuration below %APPDATA%, state below %LOCALAPPDATA%".to_owned())
}

/// A daemon in a terminal: its clients reach it through the pipe, and Ctrl-C ends it.
pub(super) fn daemon(built: &Built, prefix: &Prefix) -> Result<String> {
    let stage = Stage::new(built, prefix);
    let program = stage.program.display().to_string();
    let wine = format!("exec wine '{}' daemon", program.replace('\'', "'\\''"));
    let mut terminal = prefix
        .bounded(
            DAEMON_SECONDS,
            &[
                "script".as_ref(),
                "-qefc".as_ref(),
                wine.as_ref(),
                "/dev/null".as_ref(),
            ],
        )
        .env("SYNCMGR_HOME", HOME)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("could not start script")?;
    let outcome = with_daemon(&stage, &mut terminal);
    if outcome.is_err() {
        // Whatever runs still is ended with the prefix.
        terminal.kill()?;
    }
    terminal.wait()?;
    outcome
}

fn with_daemon(stage: &Stage<'_>, terminal: &mut std::process::Child) -> Result<String> {
    let run = stage.here(HOME).join("run");
    let address = run.join("control.sock");
    until("the daemon's pipe", || address.exists())?;
    let name = fs::read_to_string(&address)?;
    expect(name.starts_with(r"\\.\pipe\syncmgr-"), || {
        format!("the address is {name}")
    })?;
    let doctor = stage.syncmgr(&["doctor"])?.with(GOOD)?;
    expect(doctor.contains("a daemon manages this home"), || doctor)?;
    let second = stage.syncmgr(&["daemon"])?;
    expect(
        second.code == NOT_STARTED && second.err.contains("daemon::running"),
        || format!("a second daemon: {second:?}"),
    )?;
    for side in [LEFT, RIGHT] {
        fs::create_dir_all(stage.here(side))?;
    }
    fs::write(stage.here(LEFT).join("a"), "by the daemon")?;
    stage.syncmgr(&["sync", LEFT, RIGHT])?.with(GOOD)?;
    expect(stage.here(RIGHT).join("a").exists(), || {
        "the daemon did not synchronize".to_owned()
    })?;
    // Many at once, each of which finds an instance of the pipe in the end.
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..AT_ONCE)
            .map(|_| scope.spawn(|| stage.syncmgr(&["runs", "--json"])?.with(GOOD)))
            .collect();
        asking.into_iter().try_for_each(|asked| {
            asked
                .join()
                .unwrap_or_else(|_| Err(anyhow::anyhow!("asking failed")))
                .map(drop)
        })
    })
    .context("many clients at once")?;
    // As the terminal gives Ctrl-C to what runs in it.
    let mut keys = terminal.stdin.take().context("no keyboard")?;
    keys.write_all(b"\x03")?;
    keys.flush()?;
    let mut code = None;
    until("the end of the daemon", || {
        code = terminal.try_wait().ok().flatten();
        code.is_some()
    })?;
    drop(keys);
    expect(code.is_some_and(|code| code.success()), || {
        format!("the daemon ended with {code:?}")
    })?;
    expect(
        !address.exists() && fs::read_to_string(run.join("lock")).is_ok_and(|note| note.is_empty()),
        || "the daemon left its address or its note behind".to_owned(),
    )?;
    stage.syncmgr(&["status"])?.with(GOOD)?;
    Ok(format!(
        "a daemon serves {AT_ONCE} clients at once over its pipe and ends by Ctrl-C"
    ))
}

/// Subjects as `doctor` names them.
const SUBJECTS: &[&str] = &[
    "sessions",
    "sleep and shutdown",
    "idleness",
    "network",
    "power",
    "mounts",
    "file changes",
];

/// A daemon where there are windows: it watches everything, and ends in order when its window is told to close.
pub(super) fn sources(built: &Built, prefix: &Prefix) -> Result<String> {
    prefix.give_windows()?;
    let stage = Stage::new(built, prefix);
    let mut daemon = prefix
        .bounded(
            DAEMON_SECONDS,
            &[
                "wine".as_ref(),
                stage.program.as_os_str(),
                "daemon".as_ref(),
            ],
        )
        .env("SYNCMGR_HOME", HOME)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("could not start the daemon")?;
    let outcome = with_sources(&stage, &mut daemon);
    if outcome.is_err() {
        // Whatever runs still is ended with the prefix.
        daemon.kill()?;
    }
    daemon.wait()?;
    outcome
}

fn with_sources(stage: &Stage<'_>, daemon: &mut std::process::Child) -> Result<String> {
    let address = stage.here(HOME).join("run/control.sock");
    until("the daemon's pipe", || address.exists())?;
    let mut said = String::new();
    until("that every subject is watched", || {
        said = stage
            .syncmgr(&["doctor"])
            .map(|ended| ended.out)
            .unwrap_or_default();
        SUBJECTS.iter().all(|subject| said.contains(subject)) && !said.contains("not watched")
    })
    .with_context(|| said.clone())?;
    // It asks, by a message to the window, and does not kill.
    stage
        .prefix
        .run(Path::new("taskkill"), &["/im", "syncmgr.exe"], None)?
        .with(GOOD)?;
    let mut code = None;
    until("the end of the daemon", || {
        code = daemon.try_wait().ok().flatten();
        code.is_some()
    })?;
    expect(code.is_some_and(|code| code.success()), || {
        format!("the daemon ended with {code:?}")
    })?;
    expect(!address.exists(), || {
        "the daemon left its address behind".to_owned()
    })?;
    Ok(format!(
        "a daemon watches {} subjects and ends when its window is told to close",
        SUBJECTS.len()
    ))
}
