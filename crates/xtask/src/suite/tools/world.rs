//! A home of its own for each case, the program in it, and what can be done to both.

use std::cell::RefCell;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{report, run, sys};

/// Exit codes of the program, as its documentation gives them.
pub(super) const GOOD: i32 = 0;
/// Done, with warnings.
pub(super) const WARNINGS: i32 = 1;
/// Something failed.
pub(super) const FAILED: i32 = 2;
/// A person is needed.
pub(super) const NEEDS_YOU: i32 = 3;

/// How long is waited for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether it did.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Whom commands run as that are not to be root: `nobody`.
const NOBODY: &str = "65534";
/// So much of what was said is shown with a failure.
const SHOWN_MAX: usize = 3000;

/// One case: its name, and what it does. It answers what it saw, in a few words.
pub(super) type Case = (&'static str, fn(&World) -> Result<String>);

/// A scratch directory with a home of the manager in it.
pub(super) struct World {
    program: PathBuf,
    base: tempfile::TempDir,
    /// Directories that programs are looked for in before all others.
    first: Vec<PathBuf>,
    /// Everything that commands of the program printed, for the account of a failure.
    said: RefCell<String>,
    /// How the last item failed that ended: `soft`, `hard`, or empty when it did not.
    ended: RefCell<String>,
    mounted: RefCell<Vec<PathBuf>>,
    /// What runs beside it and ends with it.
    beside: RefCell<Vec<Child>>,
}

impl World {
    /// Makes an empty one.
    pub(super) fn new(program: &Path, first: &[PathBuf]) -> Result<Self> {
        let base = tempfile::Builder::new()
            .prefix("syncmgr-tools-")
            .tempdir()?;
        fs::create_dir_all(base.path().join("home/config"))?;
        Ok(Self {
            program: program.to_path_buf(),
            base,
            first: first.to_vec(),
            said: RefCell::default(),
            ended: RefCell::default(),
            mounted: RefCell::default(),
            beside: RefCell::default(),
        })
    }

    /// A path below the scratch directory.
    pub(super) fn at(&self, below: &str) -> PathBuf {
        self.base.path().join(below)
    }

    /// The same as text, for definitions and arguments.
    pub(super) fn text(&self, below: &str) -> String {
        self.at(below).to_string_lossy().into_owned()
    }

    /// Writes a file, and the directories that it is in.
    pub(super) fn write(&self, below: &str, content: impl AsRef<[u8]>) -> Result<()> {
        let path = self.at(below);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(&path, content).with_context(|| format!("could not write {}", path.display()))
    }

    /// Reads a file as text.
    pub(super) fn read(&self, below: &str) -> Result<String> {
        let path = self.at(below);
        let bytes =
            fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Makes a directory.
    pub(super) fn directory(&self, below: &str) -> Result<()> {
        Ok(fs::create_dir_all(self.at(below))?)
    }

    /// Writes so many small files `NAME-0`, `NAME-1`, … into a directory.
    pub(super) fn fill(&self, below: &str, name: &str, count: usize) -> Result<()> {
        for number in 0..count {
            self.write(
                &format!("{below}/{name}-{number}"),
                format!("{name} {number}\n"),
            )?;
        }
        Ok(())
    }

    /// Writes a file of so many bytes that no program makes smaller.
    pub(super) fn noise(&self, below: &str, bytes: usize) -> Result<()> {
        let mut content = vec![0; bytes];
        crate::random::Random::new(bytes as u64).fill(&mut content);
        self.write(below, content)
    }

    /// Adds an item of the tools to the configuration.
    pub(super) fn item(&self, name: &str, definition: &Value) -> Result<()> {
        let mut config = fs::File::options()
            .create(true)
            .append(true)
            .open(self.at("home/config/config.toml"))?;
        Ok(writeln!(
            config,
            "[[item]]\nhandler = \"tools\"\nid = {0}\nname = {0}\ndefinition = {1}\n",
            toml(&Value::from(name)),
            toml(definition)
        )?)
    }

    /// Takes all items away again, to define others.
    pub(super) fn no_items(&self) -> Result<()> {
        Ok(fs::write(self.at("home/config/config.toml"), "")?)
    }

    /// A command with the surroundings of the case: its home, and its programs first.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = run::command(program);
        let home = self.at("home");
        let path = run::variable("PATH").unwrap_or_default();
        let all = std::iter::once(self.at("bin")).chain(self.first.iter().cloned());
        let path = std::env::join_paths(all.chain(std::env::split_paths(&path))).unwrap_or(path);
        command
            .env("SYNCMGR_HOME", &home)
            .env("HOME", &home)
            .env("PATH", path)
            .current_dir(self.base.path())
            .stdin(Stdio::null());
        command
    }

    /// Writes a program that is found before any other of its name.
    pub(super) fn program(&self, name: &str, text: &str) -> Result<()> {
        let below = format!("bin/{name}");
        self.write(&below, text)?;
        run::check(run::command("chmod").arg("755").arg(self.at(&below)))
    }

    /// The program with these words, its answers as JSON.
    pub(super) fn manager(&self, words: &[&str]) -> Command {
        let mut command = self.command(&self.program);
        command.args(words).arg("--json");
        command
    }

    /// The program started by another one, such as `unshare --net`.
    pub(super) fn manager_by(&self, by: &[&str], words: &[&str]) -> Command {
        let (first, rest) = by.split_first().unwrap_or((&"env", &[]));
        let mut command = self.command(first);
        command
            .args(rest)
            .arg(&self.program)
            .args(words)
            .arg("--json");
        command
    }

    /// Runs the program with these words to its end.
    pub(super) fn run(&self, words: &[&str]) -> Result<Said> {
        self.finish(&mut self.manager(words))
    }

    /// Runs a prepared command of the program to its end.
    pub(super) fn finish(&self, command: &mut Command) -> Result<Said> {
        let output = command
            .output()
            .with_context(|| format!("could not start {}", run::shown(command)))?;
        let code = output.status.code().unwrap_or(-1);
        let said = Said::read(code, &output.stdout, &output.stderr);
        self.keep(&run::shown(command), &said);
        Ok(said)
    }

    fn keep(&self, command: &str, said: &Said) {
        if let Ok(end) = said.end() {
            *self.ended.borrow_mut() = end["failure"].as_str().unwrap_or_default().to_owned();
        }
        let mut all = self.said.borrow_mut();
        for part in [
            "$ ",
            command,
            " → ",
            &said.code.to_string(),
            "\n",
            &said.text,
            "\n",
        ] {
            all.push_str(part);
        }
    }

    /// Synchronizes an item; fails unless it ends with this code.
    pub(super) fn sync(&self, item: &str, code: i32) -> Result<Said> {
        self.run(&["sync", item])?.ended(code)
    }

    /// Asks what synchronizing an item would do.
    pub(super) fn plan(&self, item: &str) -> Result<Said> {
        self.run(&["plan", item])
    }

    /// The open questions.
    pub(super) fn needs(&self) -> Result<Vec<Value>> {
        Ok(with(self.run(&["needs"])?.lines, "id"))
    }

    /// The one open question.
    pub(super) fn need(&self) -> Result<Value> {
        let mut needs = self.needs()?;
        match (needs.pop(), needs.is_empty()) {
            (Some(need), true) => Ok(need),
            (need, _) => bail!("there is not one question but {} and {need:?}", needs.len()),
        }
    }

    /// Answers the one open question.
    pub(super) fn answer(&self, choice: &str) -> Result<Said> {
        let number = self.need()?["id"].to_string();
        self.run(&["answer", &number, choice])
    }

    /// The open conflicts.
    pub(super) fn conflicts(&self) -> Result<Vec<Value>> {
        Ok(with(self.run(&["conflicts"])?.lines, "name"))
    }

    /// The log, the latest first, as one text.
    pub(super) fn log(&self) -> Result<String> {
        Ok(self.run(&["log"])?.text)
    }

    /// Fails unless the last run failed, and as said: softly is what is tried again by itself.
    pub(super) fn failed_softly(&self, softly: bool) -> Result<()> {
        let wanted = if softly { "soft" } else { "hard" };
        let ended = self.ended.borrow();
        equal("how it failed", &ended.as_str(), &wanted)
    }

    /// Fails when the secret stands in a file of the manager's home.
    pub(super) fn home_without(&self, secret: &str) -> Result<()> {
        for path in super::super::sides::walk(&self.at("home"))? {
            if path.is_file()
                && fs::read(&path)?
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes())
            {
                bail!("the secret stands in {}", path.display());
            }
        }
        Ok(())
    }

    /// Starts the program with these words.
    pub(super) fn start(&self, words: &[&str]) -> Result<Running<'_>> {
        self.start_command(&mut self.manager(words))
    }

    /// What the program says to a person at a terminal, who types the answer once it asks so.
    pub(super) fn typed(&self, words: &[&str], asks: &str, answer: &str) -> Result<Said> {
        let mut line = format!("'{}'", self.program.display());
        for word in words {
            line.extend([" '", word, "'"]);
        }
        let mut command = self.command("script");
        command.args(["-qefc", &line, "/dev/null"]);
        let mut running = self.start_command(command.stdin(Stdio::piped()))?;
        wait_for("the question", || running.printed().contains(asks))
            .with_context(|| running.printed())?;
        let input = running.child.stdin.as_mut();
        writeln!(input.context("nothing can be typed")?, "{answer}")?;
        running.end()
    }

    /// Makes items of everything that a recipe finds, and answers how many that were.
    pub(super) fn add_found(&self, words: &[&str]) -> Result<usize> {
        self.no_items()?;
        let words: Vec<&str> = ["add"]
            .iter()
            .chain(words)
            .chain(&["--found"])
            .copied()
            .collect();
        self.run(&words)?.ended(GOOD)?;
        let config = self.read("home/config/config.toml")?;
        Ok(config.matches("[[item]]").count())
    }

    /// Starts a prepared command of the program.
    pub(super) fn start_command(&self, command: &mut Command) -> Result<Running<'_>> {
        let out = tempfile::NamedTempFile::new_in(self.base.path())?;
        let err = tempfile::NamedTempFile::new_in(self.base.path())?;
        let shown = run::shown(command);
        let child = command
            .stdout(out.reopen()?)
            .stderr(err.reopen()?)
            .spawn()
            .with_context(|| format!("could not start {shown}"))?;
        Ok(Running {
            world: self,
            shown,
            child,
            out,
            err,
        })
    }

    /// Starts something that runs beside the case, such as a server, and ends with it.
    pub(super) fn beside(&self, command: &mut Command) -> Result<u32> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.at("beside.log"))?)
            .spawn()
            .with_context(|| format!("could not start {}", run::shown(command)))?;
        let process = child.id();
        self.beside.borrow_mut().push(child);
        Ok(process)
    }

    /// Ends what runs beside the case.
    pub(super) fn end_beside(&self) {
        for mut child in self.beside.borrow_mut().drain(..) {
            // One that ended by itself is none to end.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Mounts an empty disk of so many KiB at a directory. The suite has a mount namespace of its own.
    pub(super) fn fill_disk(&self, below: &str, kib: u32) -> Result<()> {
        let place = self.at(below);
        fs::create_dir_all(&place)?;
        let size = format!("size={kib}k");
        run::check(
            run::command("mount")
                .args(["-t", "tmpfs", "-o", &size, "none"])
                .arg(&place),
        )?;
        self.mounted.borrow_mut().push(place);
        Ok(())
    }

    /// Makes a mounted disk larger.
    pub(super) fn make_room(&self, below: &str, kib: u32) -> Result<()> {
        let size = format!("remount,size={kib}k");
        run::check(
            run::command("mount")
                .args(["-o", &size])
                .arg(self.at(below)),
        )
    }

    /// The program with these words where there is no network but the loopback that is down.
    pub(super) fn no_network(&self, words: &[&str]) -> Command {
        self.manager_by(&["unshare", "--net"], words)
    }

    /// The program with these words as `nobody`, who gets the whole scratch directory.
    pub(super) fn as_nobody(&self, words: &[&str]) -> Result<Command> {
        let owner = format!("{NOBODY}:{NOBODY}");
        run::check(
            run::command("chown")
                .args(["-R", &owner])
                .arg(self.base.path()),
        )?;
        // Where the program stands, `nobody` may not be allowed to look.
        let own = self.at("program/syncmgr");
        if !own.exists() {
            self.directory("program")?;
            fs::copy(&self.program, &own)?;
            run::check(run::command("chown").args(["-R", &owner]).arg(&own))?;
        }
        let mut command = self.command("setpriv");
        command
            .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"])
            .arg(own)
            .args(words)
            .arg("--json");
        Ok(command)
    }

    /// Processes of this case whose command line contains the word, beside the manager and what runs beside the case.
    pub(super) fn processes(&self, word: &str) -> Vec<u32> {
        let base = self.base.path().to_string_lossy().into_owned();
        let beside: Vec<u32> = self.beside.borrow().iter().map(Child::id).collect();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Ok(process) = entry.file_name().to_string_lossy().parse::<u32>() else {
                continue;
            };
            let line = command_line(process);
            // What is told its place by a variable is known by that.
            let ours = || {
                line.contains(&base)
                    || fs::read(format!("/proc/{process}/environ"))
                        .is_ok_and(|variables| String::from_utf8_lossy(&variables).contains(&base))
            };
            let first = line.split(' ').next().unwrap_or_default();
            if line.contains(word)
                && !first.ends_with("syncmgr")
                && !beside.contains(&process)
                && !beside
                    .iter()
                    .any(|server| sys::family(*server).contains(&process))
                && ours()
            {
                found.push(process);
            }
        }
        found
    }

    /// Fails when a program of the case still runs.
    pub(super) fn nothing_runs(&self, word: &str) -> Result<()> {
        // One that was killed is seen until it is reaped.
        wait_for("the end of every process", || {
            self.processes(word).is_empty()
        })
        .with_context(|| {
            let left = self.processes(word);
            let lines: Vec<String> = left.iter().map(|one| command_line(*one)).collect();
            format!("{left:?} still run: {lines:?}")
        })
    }

    /// Starts the program and, once `seen` holds, kills the tool that it started, so that it cannot clean up.
    pub(super) fn sigkill_when(
        &self,
        words: &[&str],
        tool: &str,
        seen: impl Fn() -> bool,
    ) -> Result<Said> {
        let running = self.start(words)?;
        wait_for("the moment to kill", seen)?;
        let processes = self.processes(tool);
        if processes.is_empty() {
            bail!("there is no {tool} to kill");
        }
        processes.into_iter().for_each(sys::kill);
        running.end()
    }

    /// What commands of the program printed, its end.
    pub(super) fn account(&self) -> String {
        let said = self.said.borrow();
        said.get(said.floor_char_boundary(said.len().saturating_sub(SHOWN_MAX))..)
            .unwrap_or_default()
            .to_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end_beside();
        // Whatever is still mounted would keep the directory from being removed.
        for place in self.mounted.borrow_mut().drain(..).rev() {
            if run::check(run::command("umount").arg("-l").arg(&place)).is_err() {
                report::complain(format_args!("{} stays mounted", place.display()));
            }
        }
    }
}

/// The command line of a process, its words with spaces between them; empty when it is gone.
pub(super) fn command_line(process: u32) -> String {
    let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line)
        .replace('\0', " ")
        .trim()
        .to_owned()
}

/// Waits until it holds.
pub(super) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let began = run::now();
    while !holds() {
        if run::now().duration_since(began) > PATIENCE {
            bail!("waited too long for {what}");
        }
        run::pause(LOOK_EVERY);
    }
    Ok(())
}

/// A program that was started and goes on.
pub(super) struct Running<'w> {
    world: &'w World,
    shown: String,
    child: Child,
    out: tempfile::NamedTempFile,
    err: tempfile::NamedTempFile,
}

impl Running<'_> {
    /// What it printed until now.
    pub(super) fn printed(&self) -> String {
        let read = |file: &tempfile::NamedTempFile| fs::read(file.path()).unwrap_or_default();
        String::from_utf8_lossy(&read(&self.out)).into_owned()
            + &String::from_utf8_lossy(&read(&self.err))
    }

    /// As Ctrl-C does.
    pub(super) fn interrupt(&self) -> Result<()> {
        run::check(run::command("kill").args(["-INT", &self.child.id().to_string()]))
    }

    /// Waits for its end.
    pub(super) fn end(mut self) -> Result<Said> {
        wait_for("the end of the run", || {
            matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
        })
        .with_context(|| self.printed())?;
        let code = self.child.wait()?.code().unwrap_or(-1);
        let said = Said::read(
            code,
            &fs::read(self.out.path())?,
            &fs::read(self.err.path())?,
        );
        self.world.keep(&self.shown, &said);
        Ok(said)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // It ended already unless its case failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a command of the program answered.
#[derive(Debug)]
pub(super) struct Said {
    /// Its exit code.
    pub(super) code: i32,
    /// Its objects; the last one is the verdict.
    pub(super) lines: Vec<Value>,
    /// All that it printed.
    pub(super) text: String,
}

impl Said {
    fn read(code: i32, out: &[u8], err: &[u8]) -> Self {
        let out = String::from_utf8_lossy(out).into_owned();
        Self {
            code,
            lines: out
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect(),
            text: out + &String::from_utf8_lossy(err),
        }
    }

    /// It ended well, or with the warning that a lock of the one before was found; whether that one left a lock depends on the
    /// moment at which it ended.
    pub(super) fn ended_well_or_found(self, lock: &str) -> Result<Self> {
        match self.code {
            WARNINGS => self.says(lock),
            _ => self.ended(GOOD),
        }
    }

    /// Fails unless it ended with this code.
    pub(super) fn ended(self, code: i32) -> Result<Self> {
        if self.code != code {
            bail!("it ended with {} instead of {code}", self.code);
        }
        Ok(self)
    }

    /// Fails unless it said this; upper and lower case are the same.
    pub(super) fn says(self, text: &str) -> Result<Self> {
        if !self.text.to_lowercase().contains(&text.to_lowercase()) {
            bail!("it did not say {text:?}");
        }
        Ok(self)
    }

    /// Fails when it said this.
    pub(super) fn silent_on(self, text: &str) -> Result<Self> {
        if self.text.contains(text) {
            bail!("it said {text:?}");
        }
        Ok(self)
    }

    /// How the item ended: the object of its end.
    pub(super) fn end(&self) -> Result<&Value> {
        let mut ends = self.lines.iter();
        ends.rfind(|line| line["change"] == "item-finished")
            .context("no item ended")
    }

    /// Fails unless the item ended with this status, such as `succeeded`, `failed` or `held`.
    pub(super) fn status(self, status: &str) -> Result<Self> {
        let ended = self.end()?["status"].clone();
        if ended != status {
            bail!("the item ended as {ended} instead of {status}");
        }
        Ok(self)
    }

    /// A number of what the item did, such as `sent`.
    pub(super) fn count(&self, name: &str) -> Result<u64> {
        self.end()?["counts"][name]
            .as_u64()
            .with_context(|| format!("there is no number of {name}"))
    }

    /// Fails unless the item did so much.
    pub(super) fn counted(self, name: &str, count: u64) -> Result<Self> {
        let counted = self.count(name)?;
        if counted != count {
            bail!("{name} is {counted} instead of {count}");
        }
        Ok(self)
    }

    /// Of a plan: what it would do, as `VERB NAME`, in order.
    pub(super) fn actions(&self) -> Vec<String> {
        let mut all: Vec<String> = self
            .lines
            .iter()
            .flat_map(|line| line["actions"].as_array().into_iter().flatten())
            .map(|action| {
                let part = |name: &str| action[name].as_str().unwrap_or_default().to_owned();
                format!("{} {}", part("action"), part("name"))
            })
            .collect();
        all.sort();
        all
    }

    /// Of a run: what it did, by the log, in the words of [`Self::actions`].
    pub(super) fn done(&self) -> Vec<String> {
        const VERBS: &[(&str, &str)] = &[
            ("created ", "add "),
            ("updated ", "update "),
            ("deleted ", "delete "),
        ];
        let mut all: Vec<String> = self
            .lines
            .iter()
            .filter_map(|line| line["entry"]["text"].as_str())
            .map(|text| text.trim_start_matches(['→', '←', ' ']))
            .filter_map(|text| {
                VERBS
                    .iter()
                    .find_map(|(said, verb)| Some(format!("{verb}{}", text.strip_prefix(said)?)))
            })
            .collect();
        all.sort();
        all
    }
}

/// The objects that have a key.
fn with(lines: Vec<Value>, key: &str) -> Vec<Value> {
    lines
        .into_iter()
        .filter(|line| line.get(key).is_some())
        .collect()
}

/// A value as TOML on one line. Strings, numbers, booleans and lists are written alike in JSON.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| {
                    format!("{} = {}", toml(&Value::from(name.as_str())), toml(value))
                })
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(toml).collect();
            format!("[{}]", values.join(", "))
        }
        other => other.to_string(),
    }
}

/// Fails unless two values are the same.
pub(super) fn equal<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: &T,
    wanted: &T,
) -> Result<()> {
    if found != wanted {
        bail!("{what}: {found:?} instead of {wanted:?}");
    }
    Ok(())
}
