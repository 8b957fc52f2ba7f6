//! A home of a test's own, the installed programs at work in it, and keys of the registry that are gone at the end.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE};

/// Far longer than anything here takes; only a hang reaches it.
const FOR_EVER: Duration = Duration::from_secs(60);

/// How long between two looks at what is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The class of `examples/cpp/mirror.cpp`.
pub(crate) const MIRROR: &str = "{5C1D5E0B-8B6A-4B0E-9C3E-52B7B1B64C01}";

/// The first class of the recorder in C++.
pub(crate) const RECORDER: &str = "{5EED0001-7ACE-4D0E-8A51-0F5C0DE0C0DE}";

/// Below which classes are registered.
pub(crate) const CLASSES: &str = r"Software\Classes\CLSID";

/// Below which the system lists handlers (mobsync 2.9).
pub(crate) const HANDLERS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\SyncMgr\Handlers";

/// The view of programs of 64 bits, and that of 32.
pub(crate) const VIEW_64: u32 = 0x100;
pub(crate) const VIEW_32: u32 = 0x200;

/// The registry belongs to one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < FOR_EVER, "waited for ever until {what}");
        std::thread::park_timeout(LOOK_EVERY);
    }
}

fn told(name: &str) -> PathBuf {
    let told = std::env::var_os(name);
    told.unwrap_or_else(|| panic!("{name} is set by the suite windows"))
        .into()
}

/// A program or library as it is installed.
pub(crate) fn installed(name: &str) -> PathBuf {
    let path = told("SYNCMGR_INSTALLED").join(name);
    assert!(path.is_file(), "{} is not installed", path.display());
    path
}

/// A library or program in C++ that the suite built.
pub(crate) fn fixture(name: &str) -> PathBuf {
    let path = told("SYNCMGR_COM_FIXTURES").join(name);
    assert!(path.is_file(), "{} is not built", path.display());
    path
}

/// Tells the suite what was measured.
pub(crate) fn measured(text: &str) {
    fs::write(told("SYNCMGR_MEASURED"), text).unwrap();
}

/// The class of a mode of `hostile.cpp`.
pub(crate) fn hostile(mode: u8) -> String {
    format!("{{C0DE0000-0001-4000-8000-0000000000{mode:02X}}}")
}

/// The names of the keys directly below a key.
pub(crate) fn keys(root: &Key, path: &str) -> BTreeSet<String> {
    let Ok(key) = root.open(path) else {
        return BTreeSet::new();
    };
    key.keys().map(Iterator::collect).unwrap_or_default()
}

/// Every value below a key, by its path.
pub(crate) fn values(root: &Key, path: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    if let Ok(key) = root.open(path) {
        collect(&key, "", &mut all);
    }
    all
}

fn collect(key: &Key, path: &str, all: &mut BTreeMap<String, String>) {
    for (name, _) in key.values().unwrap() {
        let text = key
            .get_string(&name)
            .or_else(|_| key.get_u32(&name).map(|number| number.to_string()));
        all.insert(format!("{path}@{name}"), text.unwrap());
    }
    for name in key.keys().unwrap() {
        collect(&key.open(&name).unwrap(), &format!("{path}{name}\\"), all);
    }
}

/// A command that ended.
#[derive(Debug)]
pub(crate) struct Done {
    words: Vec<String>,
    code: Option<i32>,
    pub(crate) out: String,
    err: String,
}

impl Done {
    pub(crate) fn exit(&self) -> Option<i32> {
        self.code
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}: {self:#?}", self.words.join(" "));
        self
    }

    #[track_caller]
    pub(crate) fn says(self, part: &str) -> Self {
        let all = format!("{}\n{}", self.out, self.err);
        assert!(all.contains(part), "should say: {part}\n{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn says_not(self, part: &str) -> Self {
        let all = format!("{}\n{}", self.out, self.err);
        assert!(!all.contains(part), "should not say: {part}\n{self:#?}");
        self
    }
}

/// `ERROR_INTERNAL_ERROR`: what Wine now and then answers to `CreateProcess` on a busy machine. Nothing was started then.
const HICCUP: i32 = 1359;
/// `STATUS_DLL_INIT_FAILED`, as a handler's end is told, seen once in 60 runs of one test on a busy machine; its process had not
/// begun. Why is not known; programs without a window showed it in none of 2,500 starts.
const NEVER_BEGAN: &str = "exit status -1073741502";

/// How often a program is started before either is believed.
const STARTS: usize = 3;

/// What a program said into a file. It is no pipe, whose end does not come while a program of Wine's own holds it too:
/// the first window that is made starts `explorer.exe`, which inherits everything and stays.
fn read(mut said: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    said.rewind()?;
    said.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
}

/// A home and two folders for the example in C++, and what the test wrote into the registry.
pub(crate) struct Stage {
    dir: tempfile::TempDir,
    written: RefCell<Vec<(bool, u32, String)>>,
    _alone: MutexGuard<'static, ()>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        for root in [CURRENT_USER, LOCAL_MACHINE] {
            assert!(keys(root, HANDLERS).is_empty(), "handlers are listed");
        }
        let dir = tempfile::Builder::new().prefix("ü ").tempdir().unwrap();
        for folder in ["home", "from/notes", "to"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        fs::write(dir.path().join("from/notes/a.txt"), "by a class").unwrap();
        Self {
            dir,
            written: RefCell::default(),
            _alone: alone,
        }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn command(&self, program: impl AsRef<Path>, words: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .args(words)
            .current_dir(self.dir.path())
            .env("SYNCMGR_HOME", self.path("home"))
            .env("MIRROR_FROM", self.path("from"))
            .env("MIRROR_TO", self.path("to"))
            .env("SYNCMGR_SCENARIO", self.path("scenario.txt"))
            .env("SYNCMGR_TRACE", self.path("trace.txt"))
            .stdin(Stdio::null());
        command
    }

    /// Runs a program to its end, which has to come.
    #[track_caller]
    pub(crate) fn run(&self, program: impl AsRef<Path>, words: &[&str]) -> Done {
        for _ in 1..STARTS {
            match self.run_once(program.as_ref(), words) {
                Err(error) if error.raw_os_error() == Some(HICCUP) => {}
                Ok(done) if done.err.contains(NEVER_BEGAN) => {}
                done => return done.unwrap(),
            }
        }
        self.run_once(program.as_ref(), words).unwrap()
    }

    #[track_caller]
    fn run_once(&self, program: &Path, words: &[&str]) -> io::Result<Done> {
        let (out, err) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let mut command = self.command(program, words);
        command.stdout(out.try_clone()?).stderr(err.try_clone()?);
        let mut child = command.spawn()?;
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if began.elapsed() > FOR_EVER {
                child.kill()?;
                let (out, err) = (read(out)?, read(err)?);
                panic!("{} never ended; it said: {out}{err}", words.join(" "));
            }
            std::thread::park_timeout(LOOK_EVERY);
        };
        Ok(Done {
            words: words.iter().map(ToString::to_string).collect(),
            code: status.code(),
            out: read(out)?,
            err: read(err)?,
        })
    }

    pub(crate) fn syncmgr(&self, words: &[&str]) -> Done {
        self.run(installed("syncmgr.exe"), words)
    }

    /// What `handlers` tells of one; `None` when it is not listed.
    pub(crate) fn handler(&self, id: &str) -> Option<Value> {
        let done = self.syncmgr(&["handlers", "--json"]).exits(0);
        let lines = done.out.lines();
        lines
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .find(|line| line["id"] == id)
    }

    /// Calls the manager from the program in C++, as the class of this identity; gives what it printed.
    #[track_caller]
    pub(crate) fn call(&self, class: &str, words: &[&str]) -> String {
        let words = [&[class], words].concat();
        let done = self.run(fixture("caller.exe"), &words).exits(0);
        done.says_not("WRONG").out
    }

    #[track_caller]
    pub(crate) fn answers(&self, class: &str, words: &[&str], expected: &str) {
        let said = self.call(class, words);
        let result = said.lines().last();
        assert_eq!(result, Some(expected), "{words:?}: {said}");
    }

    /// Has Windows' own tool call a library's entry points.
    pub(crate) fn regsvr32(&self, words: &[&str], library: &Path) -> Done {
        let library = library.display().to_string();
        let words = [&["/s"], words, &[&library]].concat();
        self.run("regsvr32", &words)
    }

    /// Writes a key and its values until the end of the test.
    pub(crate) fn write(&self, machine: bool, view: u32, path: &str, values: &[(&str, &str)]) {
        let root = if machine { LOCAL_MACHINE } else { CURRENT_USER };
        let key = root
            .options()
            .read()
            .write()
            .create()
            .access(view)
            .open(path)
            .unwrap();
        for (name, value) in values {
            match value.parse() {
                Ok(number) => key.set_u32(name, number).unwrap(),
                Err(_) => key.set_string(name, value).unwrap(),
            }
        }
        let mut written = self.written.borrow_mut();
        written.push((machine, view, path.to_owned()));
    }

    /// Removes a key with everything below it.
    pub(crate) fn remove(machine: bool, view: u32, path: &str) -> bool {
        let root = if machine { LOCAL_MACHINE } else { CURRENT_USER };
        let (above, name) = path.rsplit_once('\\').unwrap();
        let above = root.options().read().write().access(view).open(above);
        above.is_ok_and(|above| above.remove_tree(name).is_ok())
    }

    /// Registers a class for the machine, in a view, as its installation would.
    pub(crate) fn class(&self, view: u32, class: &str, library: &Path) {
        let key = format!(r"{CLASSES}\{class}");
        let library = library.display().to_string();
        let server = format!(r"{key}\InprocServer32");
        self.write(true, view, &key, &[]);
        self.write(
            true,
            view,
            &server,
            &[("", &library), ("ThreadingModel", "Apartment")],
        );
    }

    /// Registers the example in C++.
    pub(crate) fn mirror(&self) {
        self.class(VIEW_64, MIRROR, &fixture("mirror.dll"));
    }

    /// What the example copied.
    pub(crate) fn copied(&self) -> Option<String> {
        fs::read_to_string(self.path("to/notes/a.txt")).ok()
    }

    /// Registers the COM server for the machine, under the system's class too, until it is dropped.
    pub(crate) fn server(&self) -> Server<'_> {
        let words = ["/n", "/i:machine system"];
        self.regsvr32(&words, &installed("comserver.dll")).exits(0);
        Server { stage: self }
    }

    /// Starts a daemon, which is ended when it is dropped.
    pub(crate) fn daemon(&self) -> Daemon {
        let mut command = self.command(installed("syncmgr.exe"), &["daemon"]);
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let daemon = Daemon { child };
        let address = self.path("home/run/control.sock");
        until("the daemon serves", || address.exists());
        daemon
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for (machine, view, path) in self.written.borrow().iter().rev() {
            Self::remove(*machine, *view, path);
        }
        let (above, _) = HANDLERS.rsplit_once('\\').unwrap();
        for machine in [false, true] {
            for view in [VIEW_64, VIEW_32] {
                Self::remove(machine, view, above);
            }
        }
    }
}

/// A registered COM server.
pub(crate) struct Server<'a> {
    stage: &'a Stage,
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        let words = ["/u", "/n", "/i:machine"];
        let done = self.stage.regsvr32(&words, &installed("comserver.dll"));
        if !std::thread::panicking() {
            done.exits(0);
        }
    }
}

/// A daemon at work.
pub(crate) struct Daemon {
    child: Child,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
