//! Folder pairs on file systems that are full, read-only, gone, or mounted twice.
//!
//! Each case mounts what it needs in a mount namespace of its own, so the machine sees none of it and nothing is left
//! mounted whatever happens. The suite starts itself again inside; that one does the work.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use super::sides::{nothing_stray, said, same};
use crate::random::Random;
use crate::{Words, report, run};

/// Exit codes of the program, as its documentation gives them.
const GOOD: i32 = 0;
const WARNINGS: i32 = 1;
const FAILED: i32 = 2;
const NEEDS_YOU: i32 = 3;
const NOT_STARTED: i32 = 4;

/// One case: its name and what it does.
type Case = (&'static str, fn(&Stage) -> Result<()>);

/// Every case.
const CASES: &[Case] = &[
    ("full disk", full_disk),
    ("read-only disk", read_only),
    ("disk is gone", gone),
    ("one directory under two names", same_directory),
    ("one side inside the other through a mount", nested),
    ("another file system below a root", below),
];

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    words.flag("--install");
    let release = words.flag("--release");
    let given = words.value("--program")?;
    let inside = words.flag("--inside");
    words.end()?;
    if let (true, Some(program)) = (inside, &given) {
        return cases(Path::new(program));
    }
    let program = match given {
        Some(path) => PathBuf::from(path),
        None => crate::bench::build(&["-p", "syncmgr"], "syncmgr", release)?,
    };
    let namespace = namespace()?;
    let mut again = run::command("unshare");
    again
        .args(namespace)
        .arg(std::env::current_exe()?)
        .args(["suite", "mounts", "--inside", "--program"])
        .arg(program);
    Ok(again.status().context("could not start unshare")?.success())
}

/// Answers how a mount namespace can be had here.
pub(super) fn namespace() -> Result<&'static [&'static str]> {
    const WAYS: &[&[&str]] = &[&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let works = |way: &&&[&str]| {
        let mut probe = run::command("unshare");
        probe
            .args(**way)
            .args(["mount", "-t", "tmpfs", "none", "/mnt"]);
        probe
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    match WAYS.iter().find(works) {
        Some(way) => Ok(way),
        None => bail!(
            "mounting is not permitted here; run as root, or where user namespaces are enabled"
        ),
    }
}

/// Plays every case and says how each ended.
fn cases(program: &Path) -> Result<bool> {
    let mut good = true;
    for (name, case) in CASES {
        let base = tempfile::Builder::new()
            .prefix("syncmgr-mounts-")
            .tempdir()?;
        let stage = Stage::new(program, base.path())?;
        let ended = case(&stage);
        // Whatever is still mounted hides what is below it and would keep the directory from being removed.
        stage.unmount_all();
        match ended {
            Ok(()) => report::line(format_args!("mounts: {name}: ok")),
            Err(error) => {
                good = false;
                report::line(format_args!(
                    "mounts: {name}: FAILED: {error:#}\n{}",
                    stage.said()
                ));
            }
        }
    }
    Ok(good)
}

/// A pair to play a case on.
struct Stage {
    program: PathBuf,
    base: PathBuf,
    left: PathBuf,
    right: PathBuf,
    home: PathBuf,
}

impl Stage {
    fn new(program: &Path, base: &Path) -> Result<Self> {
        let stage = Self {
            program: program.to_path_buf(),
            base: base.to_path_buf(),
            left: base.join("left"),
            right: base.join("right"),
            home: base.join("home"),
        };
        for directory in [&stage.left, &stage.right, &stage.home] {
            fs::create_dir(directory)?;
        }
        Ok(stage)
    }

    /// Writes files of 16 KiB into a directory, each with a content of its own.
    fn fill(directory: &Path, name: &str, count: u64) -> Result<()> {
        for number in 0..count {
            let mut content = vec![0; 16 * 1024];
            Random::new(number ^ name.len() as u64).fill(&mut content);
            fs::write(directory.join(format!("{name}-{number}")), content)?;
        }
        Ok(())
    }

    fn mount(&self, arguments: &[&str], place: &Path) -> Result<()> {
        run::check(run::command("mount").args(arguments).arg(place))
    }

    fn unmount(&self, place: &Path) -> Result<()> {
        run::check(run::command("umount").arg(place))
    }

    fn unmount_all(&self) {
        for place in [
            self.left.join("below"),
            self.left.clone(),
            self.right.clone(),
        ] {
            // Lazily, and without complaint where nothing is mounted.
            let mut umount = run::command("umount");
            umount.arg("-l").arg(place).stderr(Stdio::null());
            if umount.status().is_err() {
                report::complain("mounts: umount could not be started");
            }
        }
    }

    /// Synchronizes and fails unless it ends with one of the codes.
    fn sync(&self, codes: &[i32]) -> Result<()> {
        let said = fs::File::create(self.base.join("said"))?;
        let mut command = run::command(&self.program);
        command
            .env("SYNCMGR_HOME", &self.home)
            .env("HOME", &self.home)
            .arg("sync")
            .args([&self.left, &self.right]);
        let status = command
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            .status()?;
        let code = status.code().unwrap_or(-1);
        if !codes.contains(&code) {
            bail!("the run ended with {code}, not with one of {codes:?}");
        }
        Ok(())
    }

    fn said(&self) -> String {
        said(&self.base.join("said"))
    }

    /// Fails unless what was said contains one of the words.
    fn says(&self, words: &[&str]) -> Result<()> {
        let said = self.said().to_lowercase();
        if !words.iter().any(|word| said.contains(word)) {
            bail!("nothing was said of {words:?}");
        }
        Ok(())
    }

    fn settled(&self) -> Result<()> {
        same(&self.left, &self.right)?;
        nothing_stray(&self.left)?;
        nothing_stray(&self.right)
    }
}

fn count(directory: &Path) -> Result<usize> {
    Ok(super::sides::listing(directory)?.len())
}

/// The disk fills in the middle: what is there is whole, the source is untouched, and more room finishes the work.
fn full_disk(stage: &Stage) -> Result<()> {
    stage.mount(&["-t", "tmpfs", "-o", "size=1m", "none"], &stage.right)?;
    Stage::fill(&stage.left, "new", 200)?;
    let before = super::sides::listing(&stage.left)?;
    stage.sync(&[WARNINGS, FAILED])?;
    stage.says(&["space", "full"])?;
    if super::sides::listing(&stage.left)? != before {
        bail!("the source was changed");
    }
    for (path, what) in super::sides::listing(&stage.right)? {
        if before.get(&path) != Some(&what) {
            bail!("{path:?} on the full disk is not what it is on the other side");
        }
    }
    nothing_stray(&stage.right)?;
    stage.mount(&["-o", "remount,size=16m"], &stage.right)?;
    stage.sync(&[GOOD])?;
    stage.settled()
}

/// The disk turns read-only: the other direction and the next run work.
fn read_only(stage: &Stage) -> Result<()> {
    stage.mount(&["-t", "tmpfs", "none"], &stage.right)?;
    Stage::fill(&stage.left, "old", 20)?;
    stage.sync(&[GOOD])?;
    Stage::fill(&stage.left, "to-it", 5)?;
    Stage::fill(&stage.right, "from-it", 5)?;
    stage.mount(&["-o", "remount,ro"], &stage.right)?;
    stage.sync(&[WARNINGS, FAILED])?;
    stage.says(&["read-only"])?;
    if !stage.left.join("from-it-4").exists() {
        bail!("files of the read-only side were not synchronized");
    }
    stage.mount(&["-o", "remount,rw"], &stage.right)?;
    stage.sync(&[GOOD])?;
    stage.settled()
}

/// The disk is not mounted, so its directory is empty: nothing is deleted, and once it is back all is well.
fn gone(stage: &Stage) -> Result<()> {
    // Kept alive by a second mount while it is gone from its place.
    let kept = stage.base.join("kept");
    fs::create_dir(&kept)?;
    stage.mount(&["-t", "tmpfs", "none"], &stage.right)?;
    run::check(
        run::command("mount")
            .arg("--bind")
            .args([&stage.right, &kept]),
    )?;
    Stage::fill(&stage.left, "file", 30)?;
    stage.sync(&[GOOD])?;
    stage.unmount(&stage.right)?;
    let before = count(&stage.left)?;
    stage.sync(&[NEEDS_YOU])?;
    if count(&stage.left)? != before {
        bail!("files were deleted because the other disk was not mounted");
    }
    if count(&stage.right)? != 0 {
        bail!("files were written into the empty mount point");
    }
    run::check(
        run::command("mount")
            .arg("--bind")
            .args([&kept, &stage.right]),
    )?;
    let ended = stage.sync(&[GOOD]).and_then(|()| stage.settled());
    stage.unmount(&kept)?;
    ended
}

/// Both sides are one directory: refused, and nothing is written.
fn same_directory(stage: &Stage) -> Result<()> {
    Stage::fill(&stage.left, "file", 3)?;
    run::check(
        run::command("mount")
            .arg("--bind")
            .args([&stage.left, &stage.right]),
    )?;
    stage.sync(&[NOT_STARTED, FAILED])?;
    stage.says(&["same"])?;
    match fs::read_dir(&stage.left)?.count() {
        3 => Ok(()),
        other => bail!("the directory has {other} entries instead of 3"),
    }
}

/// One side is a mount of a directory inside the other: refused, or the one is left out of the other, so that nothing
/// is ever copied into itself.
fn nested(stage: &Stage) -> Result<()> {
    let deep = stage.left.join("deep/deeper");
    fs::create_dir_all(&deep)?;
    Stage::fill(&deep, "file", 3)?;
    run::check(
        run::command("mount")
            .arg("--bind")
            .args([&deep, &stage.right]),
    )?;
    stage.sync(&[GOOD, WARNINGS, FAILED, NOT_STARTED])?;
    if stage.right.join("deep/deeper").exists() {
        bail!("a side was copied into itself");
    }
    let before = count(&stage.left)?;
    stage.sync(&[GOOD, WARNINGS, FAILED, NOT_STARTED])?;
    match count(&stage.left)? {
        after if after == before => Ok(()),
        after => bail!("the second run made {after} entries of {before}"),
    }
}

/// Another file system below a root is left alone, and said to be.
fn below(stage: &Stage) -> Result<()> {
    let below = stage.left.join("below");
    fs::create_dir(&below)?;
    Stage::fill(&stage.left, "file", 3)?;
    stage.mount(&["-t", "tmpfs", "none"], &below)?;
    Stage::fill(&below, "other", 3)?;
    stage.sync(&[GOOD, WARNINGS])?;
    if stage.right.join("below/other-0").exists() {
        bail!("another file system was synchronized along");
    }
    if !stage.right.join("file-2").exists() {
        bail!("the files beside it were not synchronized");
    }
    Ok(())
}
