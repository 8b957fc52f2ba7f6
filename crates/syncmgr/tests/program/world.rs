//! A home and folders of a test's own, and the program at work in them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far longer than anything here takes; only a hang reaches it.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(60);

/// How long between two looks at what is waited for.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_syncmgr");

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < FOR_EVER, "waited for ever until {what}");
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// Somebody who may do nothing in particular, on every Unix.
const NOBODY: u32 = 65_534;

/// A directory with a home in it; everything is gone at the end.
pub(crate) struct World {
    dir: tempfile::TempDir,
    /// Who runs the program, when it is not who runs the test.
    user: Option<u32>,
}

impl World {
    pub(crate) fn new() -> Self {
        // The real path: what the program prints can then be compared with it. A socket's path must be short.
        let dir = tempfile::Builder::new().prefix("s").tempdir().unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        Self { dir, user: None }
    }

    /// A world with two empty folders, `left` and `right`.
    pub(crate) fn with_folders() -> Self {
        let world = Self::new();
        fs::create_dir(world.path("left")).unwrap();
        fs::create_dir(world.path("right")).unwrap();
        world
    }

    /// A world with a pair that was synchronized once: `left` and `right` hold `files` numbered files each.
    pub(crate) fn with_pair(files: usize) -> Self {
        let world = Self::with_folders();
        for number in 0..files {
            world.write(
                format!("left/file-{number:03}"),
                format!("content of {number}\n"),
            );
        }
        world.run(["sync", "./left", "./right"]).exits(0);
        world
    }

    /// The program runs as somebody to whom permissions mean something, who owns everything in this world: the superuser
    /// reads all, so to it nothing is unreadable. `None` where nobody else can start the program.
    pub(crate) fn of_an_ordinary_user(mut self) -> Option<Self> {
        if rustix::process::geteuid().is_root() {
            self.user = Some(NOBODY);
            let own = |path: &Path| std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY));
            own(self.root()).unwrap();
            own(&self.home()).unwrap();
            for path in self.tree("").into_keys() {
                own(&self.path(path)).unwrap();
            }
        }
        let started = self.command(["--version"]).status();
        started.is_ok_and(|status| status.success()).then_some(self)
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    pub(crate) fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.path(path);
        match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }

    pub(crate) fn has(&self, path: impl AsRef<Path>) -> bool {
        fs::symlink_metadata(self.path(path)).is_ok()
    }

    /// Writes a program. Another process writes it: one that this process holds open for writing while another thread
    /// starts something could not be executed.
    pub(crate) fn executable(&self, path: &str, text: &str) {
        let draft = format!("{path}.draft");
        self.write(&draft, text);
        fs::set_permissions(self.path(&draft), fs::Permissions::from_mode(0o755)).unwrap();
        let copied = Command::new("cp")
            .arg("-p")
            .args([self.path(&draft), self.path(path)])
            .status();
        assert!(copied.unwrap().success());
    }

    /// Writes the configuration.
    pub(crate) fn configure(&self, text: &str) {
        self.write("home/config/config.toml", text);
    }

    /// A test handler that misbehaves as its argument says.
    pub(crate) fn hostile() -> String {
        let program = Path::new(PROGRAM)
            .parent()
            .unwrap()
            .join("examples/hostile-handler");
        assert!(program.exists(), "{} is not built", program.display());
        program.display().to_string()
    }

    /// The configuration of a test handler that misbehaves as `mode` says, under the identity `id`.
    pub(crate) fn handler(id: &str, mode: &str) -> String {
        let program = Self::hostile();
        format!("[[handler]]\nid = \"{id}\"\ncommand = [\"{program}\", \"{mode}\"]\n")
    }

    /// A command of the program in this world, with nothing of the test's own environment but the search path.
    pub(crate) fn command<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(words).current_dir(self.root());
        self.environment(&mut command);
        command
    }

    pub(crate) fn environment(&self, command: &mut Command) {
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root())
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("SYNCMGR_HOME", self.home())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    pub(crate) fn run<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Done {
        Running::start(self.command(words)).end()
    }

    /// Runs with `--json` and gives the objects; the last one is the verdict, whose exit code is the program's.
    pub(crate) fn json<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Vec<Value> {
        let mut command = self.command(words);
        command.arg("--json");
        let done = Running::start(command).end();
        let objects: Vec<Value> = done
            .out
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}\n{done:?}"))
            })
            .collect();
        let last = objects
            .last()
            .unwrap_or_else(|| panic!("no line\n{done:?}"));
        assert_eq!(last["exit"], Value::from(done.code), "{done:?}");
        assert!(
            last["verdict"].is_string() || last["error"].is_object(),
            "{done:?}"
        );
        objects
    }

    pub(crate) fn start<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Running {
        Running::start(self.command(words))
    }

    /// Everything below a directory.
    pub(crate) fn tree(&self, path: &str) -> Tree {
        let mut tree = Tree::new();
        let root = self.path(path);
        collect(&root, &root, &mut tree);
        tree
    }

    /// What a person has in a folder: without what belongs to the program, and without the times of directories.
    pub(crate) fn content(&self, path: &str) -> Tree {
        let mut tree = self.tree(path);
        tree.retain(|path, entry| {
            if entry.kind == "directory" {
                entry.mtime = (0, 0);
            }
            !path
                .components()
                .any(|name| name.as_os_str().as_encoded_bytes().starts_with(b".syncmgr"))
        });
        tree
    }

    /// Waits until no process of this world is left.
    #[track_caller]
    pub(crate) fn is_quiet(&self) {
        let began = Instant::now();
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(began.elapsed() < FOR_EVER, "left behind: {left:?}");
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    /// Processes that belong to this world: they inherited where its home is.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mark = format!("SYNCMGR_HOME={}", self.home().display());
        fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter(|entry| {
                fs::read(entry.path().join("environ")).is_ok_and(|environment| {
                    environment
                        .split(|byte| *byte == 0)
                        .any(|variable| variable == mark.as_bytes())
                })
            })
            .map(|entry| {
                let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                format!(
                    "{} {}",
                    entry.file_name().display(),
                    String::from_utf8_lossy(&words).replace('\0', " ")
                )
            })
            .collect()
    }
}

/// A tree by its paths.
pub(crate) type Tree = BTreeMap<PathBuf, Entry>;

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: &'static str,
    pub(crate) mode: u32,
    pub(crate) mtime: (i64, i64),
    /// The content of a file, the target of a link.
    pub(crate) content: Vec<u8>,
}

fn collect(root: &Path, directory: &Path, tree: &mut Tree) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let (kind, content) = if meta.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            ("link", target.as_os_str().as_encoded_bytes().to_vec())
        } else if meta.is_dir() {
            collect(root, &path, tree);
            ("directory", Vec::new())
        } else if meta.is_file() {
            ("file", fs::read(&path).unwrap_or_default())
        } else {
            ("other", Vec::new())
        };
        tree.insert(
            path.strip_prefix(root).unwrap().to_owned(),
            Entry {
                kind,
                mode: meta.permissions().mode(),
                mtime: (meta.mtime(), meta.mtime_nsec()),
                content,
            },
        );
    }
}

/// A command that ended.
#[derive(Debug)]
#[must_use]
pub(crate) struct Done {
    pub(crate) words: String,
    /// `None` when it ended by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// Requires an exit code.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Requires a part of what was printed on either stream.
    #[track_caller]
    pub(crate) fn says(&self, part: &str) -> &Self {
        assert!(
            self.out.contains(part) || self.flat().contains(part),
            "should say: {part}\n{self}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn says_not(&self, part: &str) -> &Self {
        assert!(
            !self.out.contains(part) && !self.flat().contains(part),
            "should not say: {part}\n{self}"
        );
        self
    }

    /// Standard error without the line breaks and rules of a report.
    fn flat(&self) -> String {
        let words: Vec<&str> = self
            .err
            .split_whitespace()
            .filter(|word| !["×", "│", "╰─▶", "├─▶"].contains(word))
            .collect();
        words.join(" ")
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            words,
            code,
            out,
            err,
        } = self;
        write!(f, "$ {words}\n{out}--- errors\n{err}--- exit {code:?}")
    }
}

/// A command at work.
pub(crate) struct Running {
    words: String,
    child: Child,
    lines: Receiver<(bool, String)>,
    out: String,
    err: String,
}

fn pump(stream: impl Read + Send + 'static, is_error: bool, to: Sender<(bool, String)>) {
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(&line).into_owned();
            line.clear();
            if to.send((is_error, text)).is_err() {
                break;
            }
        }
    });
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let words: Vec<String> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        pump(child.stdout.take().unwrap(), false, sender.clone());
        pump(child.stderr.take().unwrap(), true, sender);
        Self {
            words: words.join(" "),
            child,
            lines,
            out: String::new(),
            err: String::new(),
        }
    }

    /// Types into its standard input, and ends that.
    pub(crate) fn type_in(&mut self, text: &str) {
        let mut input = self.child.stdin.take().unwrap();
        input.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn take(&mut self, (is_error, line): (bool, String)) {
        if is_error {
            self.err.push_str(&line);
        } else {
            self.out.push_str(&line);
        }
    }

    /// Waits until a line says so, on either stream.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, part: &str) -> &mut Self {
        let began = Instant::now();
        while !self.out.contains(part) && !self.err.contains(part) {
            let rest = FOR_EVER.saturating_sub(began.elapsed());
            match self.lines.recv_timeout(rest) {
                Ok(line) => self.take(line),
                Err(_) => panic!(
                    "$ {}: never said {part}\n{}{}",
                    self.words, self.out, self.err
                ),
            }
        }
        self
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Done {
        let began = Instant::now();
        loop {
            let rest = FOR_EVER.saturating_sub(began.elapsed());
            match self.lines.recv_timeout(rest) {
                Ok(line) => self.take(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.child.kill().unwrap();
                    panic!("$ {}: never ended\n{}{}", self.words, self.out, self.err);
                }
            }
        }
        let code = self.child.wait().unwrap().code();
        Done {
            words: std::mem::take(&mut self.words),
            code,
            out: std::mem::take(&mut self.out),
            err: std::mem::take(&mut self.err),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind; one that ended has nothing left to kill.
        if let Ok(None) = self.child.try_wait() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
