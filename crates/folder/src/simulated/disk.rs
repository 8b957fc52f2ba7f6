//! The disk: what a process sees, what is durable, and what lies between.
//!
//! Names and contents are kept apart, as file systems do. A change of names is one entry of a log until its directory or
//! the whole file system is synchronized; a content is what was last synchronized until it is again. A cut of the power
//! keeps a beginning of the log, by file system or by directory, and of each content that was not synchronized the old
//! one, the new one, or something torn between them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Place, set_now};
use crate::tree::{Kind, MODE_MASK, Meta, Time};

pub(super) const ROOT: u64 = 1;
/// Where the simulated time begins: long after zero, so that no difference wraps.
const BEGIN: Time = Time {
    sec: 1_000_000,
    nsec: 0,
};
/// How long each call takes.
const CALL_NANOS: u64 = 500_000;
/// What is torn is torn at multiples of this.
const BLOCK: usize = 512;

/// What a call does, as far as it matters for what can go wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Looks at names and metadata.
    Look,
    /// Reads a content.
    Read,
    /// Writes a content, which takes room.
    Write,
    /// Makes a name, which takes room.
    Name,
    /// Changes names or metadata that are there.
    Change,
    /// Makes something durable.
    Sync,
}

impl Call {
    const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::Name | Self::Change)
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process is gone, by itself or with the power: nothing is done any more.
    Stop { power: bool },
    /// One call fails with an error of the device.
    Device,
    /// One call is not permitted.
    Denied,
    /// No room, from here on for this many calls.
    Full(u64),
    /// The file system is read-only from here on for this many calls.
    ReadOnly(u64),
    /// Somebody else does something.
    Person,
}

/// How a file system behaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    /// Names become durable in the order in which they were changed; otherwise only those of each directory do.
    pub(super) ordered: bool,
    /// Two names can be exchanged.
    pub(super) exchanges: bool,
    /// Nanoseconds that modification times are multiples of.
    pub(super) granularity: u64,
    /// The three places are file systems of their own.
    pub(super) separate: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    dev: u64,
    pub(super) mode: u32,
    mtime: Time,
    ctime: Time,
    pub(super) body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    File(Arc<Vec<u8>>),
    Link(Vec<u8>),
    Dir {
        entries: BTreeMap<Vec<u8>, u64>,
        parent: u64,
    },
}

/// Changes of names that happen together.
#[derive(Debug, Clone)]
struct Names {
    dev: u64,
    sets: Vec<(u64, Vec<u8>, Option<u64>)>,
}

/// Everything about a disk.
#[derive(Debug, Clone)]
pub(super) struct State {
    manners: Manners,
    nodes: HashMap<u64, Node>,
    /// The names of each directory that are durable.
    names: HashMap<u64, BTreeMap<Vec<u8>, u64>>,
    log: Vec<Names>,
    /// Contents and metadata that are durable.
    bodies: HashMap<u64, Node>,
    next: u64,
    clock: Time,
    /// How many calls there were.
    pub(super) calls: u64,
    /// How many of them changed something.
    pub(super) writes: u64,
    /// What goes wrong, at which call.
    fault: Option<(u64, Fault)>,
    full_until: u64,
    read_only_until: u64,
    stopped: bool,
    random: fastrand::Rng,
    person: Option<Person>,
    /// The contents that a person wanted no more.
    pub(super) given_up: Vec<Vec<u8>>,
    /// What was changed and made durable, for whoever looks for the reason.
    pub(super) trace: Vec<String>,
}

/// What somebody else does while a run goes on, with numbers of the seed.
type Person = fn(&mut State, &mut fastrand::Rng);

#[derive(Debug)]
pub(super) struct Disk {
    state: Mutex<State>,
    life: std::sync::atomic::AtomicU64,
}

/// What every call answers once the process that made its handle is gone.
pub(super) fn broken() -> io::Error {
    io::Error::other("simulated: input/output error")
}

impl Disk {
    /// Makes a disk with three directories: `left`, `right` and `state`.
    pub(super) fn new(manners: Manners, seed: u64) -> Self {
        let mut state = State {
            manners,
            nodes: HashMap::new(),
            names: HashMap::new(),
            log: Vec::new(),
            bodies: HashMap::new(),
            next: ROOT,
            clock: BEGIN,
            calls: 0,
            writes: 0,
            fault: None,
            full_until: 0,
            read_only_until: 0,
            stopped: false,
            random: fastrand::Rng::with_seed(seed),
            person: None,
            given_up: Vec::new(),
            trace: Vec::new(),
        };
        state.born(0, 0o755, |parent| Body::Dir {
            entries: BTreeMap::new(),
            parent,
        });
        for (dev, name) in [(1, "left"), (2, "right"), (3, "state")] {
            drop(state.make_dir(ROOT, name.as_bytes(), 0o755));
            if let Ok(ino) = state.find(ROOT, name.as_bytes())
                && let Some(node) = state.nodes.get_mut(&ino)
            {
                node.dev = if manners.separate { dev } else { 1 };
            }
        }
        state.sync_everything();
        Self::of(state)
    }

    /// A disk as another one is now.
    pub(super) fn of(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            life: std::sync::atomic::AtomicU64::new(0),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn life(&self) -> u64 {
        self.life.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(super) fn root(self: &Arc<Self>) -> Place {
        Place {
            disk: self.clone(),
            ino: ROOT,
            life: self.life(),
        }
    }

    pub(super) fn dev_of(&self, ino: u64) -> u64 {
        self.state().nodes.get(&ino).map_or(0, |node| node.dev)
    }

    /// Does a call, unless what was planned comes first.
    pub(super) fn call<T>(
        &self,
        dev: u64,
        call: Call,
        work: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.state();
        state.begin(dev, call)?;
        let result = work(&mut state);
        set_now(Some(state.clock));
        result
    }

    /// Ends the life of a process, by itself or with the power, and lets the next one begin.
    pub(super) fn next_life(&self, power_cut: bool) {
        let mut state = self.state();
        if power_cut {
            state.cut_power();
        }
        state.stopped = false;
        state.fault = None;
        state.full_until = 0;
        state.read_only_until = 0;
        self.life.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

impl State {
    /// Plans what goes wrong, so many calls from now, and what somebody else does if that is it.
    pub(super) fn plan(&mut self, at: u64, fault: Fault, person: Person) {
        self.fault = Some((self.calls + at, fault));
        self.person = Some(person);
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, nanos: u64) {
        let total = u64::from(self.clock.nsec) + nanos;
        self.clock.sec += i64::try_from(total / 1_000_000_000).unwrap_or(0);
        self.clock.nsec = u32::try_from(total % 1_000_000_000).unwrap_or(0);
        set_now(Some(self.clock));
    }

    fn begin(&mut self, dev: u64, call: Call) -> io::Result<()> {
        if self.stopped {
            return Err(broken());
        }
        self.calls += 1;
        self.wait(CALL_NANOS);
        if let Some((_, fault)) = self.fault.take_if(|(at, _)| *at == self.calls) {
            match fault {
                Fault::Stop { .. } => {
                    self.note("the process ends");
                    self.stopped = true;
                    return Err(broken());
                }
                Fault::Device => return Err(broken()),
                Fault::Denied if call != Call::Sync => {
                    return Err(io::ErrorKind::PermissionDenied.into());
                }
                Fault::Denied => {}
                Fault::Full(calls) => self.full_until = self.calls + calls,
                Fault::ReadOnly(calls) => self.read_only_until = self.calls + calls,
                Fault::Person => {
                    if let Some(act) = self.person {
                        let mut random = self.random.fork();
                        act(self, &mut random);
                    }
                }
            }
        }
        // The pair's own directory is on a disk of its own where they are separate, and has room.
        if call.writes() && dev != 3 {
            if self.calls < self.read_only_until {
                return Err(io::ErrorKind::ReadOnlyFilesystem.into());
            }
            if self.calls < self.full_until && call != Call::Change {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        self.writes += u64::from(call.writes());
        Ok(())
    }

    fn node(&self, ino: u64) -> io::Result<&Node> {
        self.nodes
            .get(&ino)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn entries(&self, dir: u64) -> io::Result<&BTreeMap<Vec<u8>, u64>> {
        match &self.node(dir)?.body {
            Body::Dir { entries, .. } => Ok(entries),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn find(&self, dir: u64, name: &[u8]) -> io::Result<u64> {
        self.entries(dir)?
            .get(name)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The entries of a directory, for whoever looks at the whole disk.
    pub(super) fn each(&self, dir: u64) -> Vec<(Vec<u8>, u64, &Node)> {
        self.entries(dir)
            .into_iter()
            .flatten()
            .filter_map(|(name, ino)| Some((name.clone(), *ino, self.nodes.get(ino)?)))
            .collect()
    }

    /// The paths below a directory whose last name is so.
    pub(super) fn paths(&self, dir: u64, is_so: &dyn Fn(&[u8]) -> bool) -> Vec<String> {
        let mut paths = Vec::new();
        for (last, ino, node) in self.each(dir) {
            let shown = String::from_utf8_lossy(&last);
            if matches!(node.body, Body::Dir { .. }) {
                let below = self.paths(ino, is_so);
                paths.extend(below.iter().map(|path| format!("{shown}/{path}")));
            }
            if is_so(&last) {
                paths.push(shown.into_owned());
            }
        }
        paths
    }

    pub(super) fn top(&self, name: &str) -> u64 {
        self.find(ROOT, name.as_bytes()).unwrap_or(0)
    }

    pub(super) fn list(&self, dir: u64) -> io::Result<Vec<Vec<u8>>> {
        Ok(self.entries(dir)?.keys().cloned().collect())
    }

    pub(super) fn parent(&self, dir: u64) -> io::Result<u64> {
        match &self.node(dir)?.body {
            Body::Dir { parent, .. } => Ok(*parent),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn open_dir(&self, dir: u64, name: &[u8]) -> io::Result<u64> {
        let ino = self.find(dir, name)?;
        match &self.node(ino)?.body {
            Body::Dir { .. } => Ok(ino),
            Body::File(_) => Err(io::ErrorKind::NotADirectory.into()),
            Body::Link(_) => Err(io::Error::from(rustix::io::Errno::LOOP)),
        }
    }

    pub(super) fn open_file(&self, dir: u64, name: &[u8]) -> io::Result<u64> {
        let ino = self.find(dir, name)?;
        match &self.node(ino)?.body {
            Body::Link(_) => Err(io::Error::from(rustix::io::Errno::LOOP)),
            _ => Ok(ino),
        }
    }

    pub(super) fn read_link(&self, dir: u64, name: &[u8]) -> io::Result<Vec<u8>> {
        match &self.node(self.find(dir, name)?)?.body {
            Body::Link(target) => Ok(target.clone()),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    pub(super) fn meta(&self, ino: u64) -> io::Result<Meta> {
        let node = self.node(ino)?;
        let (kind, size) = match &node.body {
            Body::File(bytes) => (Kind::File, bytes.len()),
            Body::Link(target) => (Kind::Link, target.len()),
            Body::Dir { .. } => (Kind::Dir, 4096),
        };
        Ok(Meta {
            kind,
            mode: node.mode,
            size: size as u64,
            mtime: node.mtime,
            ctime: node.ctime,
            ino,
            dev: node.dev,
        })
    }

    pub(super) fn stat(&self, dir: u64, name: &[u8]) -> io::Result<Meta> {
        self.meta(self.find(dir, name)?)
    }

    fn born(&mut self, dir: u64, mode: u32, body: impl FnOnce(u64) -> Body) -> u64 {
        let ino = self.next;
        self.next += 1;
        let node = Node {
            dev: self.nodes.get(&dir).map_or(0, |node| node.dev),
            mode: mode & MODE_MASK,
            mtime: self.grained(self.clock),
            ctime: self.clock,
            body: body(dir),
        };
        self.nodes.insert(ino, node);
        ino
    }

    fn grained(&self, time: Time) -> Time {
        let grain = i128::from(self.manners.granularity.max(1));
        let nanos = time.nanos_since(Time::default()) / grain * grain;
        Time {
            sec: i64::try_from(nanos / 1_000_000_000).unwrap_or(0),
            nsec: u32::try_from(nanos % 1_000_000_000).unwrap_or(0),
        }
    }

    fn note(&mut self, what: &str) {
        let line = format!("{} {what}", self.calls);
        self.trace.push(line);
    }

    /// Changes names at once.
    fn rename_all(&mut self, sets: Vec<(u64, Vec<u8>, Option<u64>)>) -> io::Result<()> {
        let told = sets.iter().map(|(dir, name, ino)| {
            let ino = ino.map_or_else(|| "nothing".to_owned(), |ino| ino.to_string());
            format!("{dir}/{} is {ino}", String::from_utf8_lossy(name))
        });
        let told: Vec<String> = told.collect();
        self.note(&told.join(", "));
        let dev = self.node(sets.first().map_or(ROOT, |(dir, ..)| *dir))?.dev;
        let (clock, grained) = (self.clock, self.grained(self.clock));
        for (dir, name, ino) in &sets {
            let Some(Node {
                body: Body::Dir { entries, .. },
                mtime,
                ctime,
                ..
            }) = self.nodes.get_mut(dir)
            else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            (*mtime, *ctime) = (grained, clock);
            match ino {
                Some(ino) => entries.insert(name.clone(), *ino),
                None => entries.remove(name),
            };
            if let Some(node) = ino.and_then(|ino| self.nodes.get_mut(&ino)) {
                node.ctime = clock;
                if let Body::Dir { parent, .. } = &mut node.body {
                    *parent = *dir;
                }
            }
        }
        self.log.push(Names { dev, sets });
        Ok(())
    }

    fn must_be_free(&self, dir: u64, name: &[u8]) -> io::Result<()> {
        match self.find(dir, name) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.lives(dir) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Says whether a directory still has a name; in one that has none nothing can be made.
    fn lives(&self, dir: u64) -> bool {
        dir == ROOT
            || self
                .parent(dir)
                .and_then(|parent| self.entries(parent))
                .is_ok_and(|entries| entries.values().any(|ino| *ino == dir))
    }

    pub(super) fn create(&mut self, dir: u64, name: &[u8], bits: u32) -> io::Result<u64> {
        self.must_be_free(dir, name)?;
        let ino = self.born(dir, bits, |_| Body::File(Arc::default()));
        self.rename_all(vec![(dir, name.to_vec(), Some(ino))])?;
        Ok(ino)
    }

    pub(super) fn make_link(&mut self, dir: u64, name: &[u8], target: &[u8]) -> io::Result<()> {
        self.must_be_free(dir, name)?;
        let ino = self.born(dir, 0o777, |_| Body::Link(target.to_vec()));
        self.rename_all(vec![(dir, name.to_vec(), Some(ino))])
    }

    pub(super) fn make_dir(&mut self, dir: u64, name: &[u8], bits: u32) -> io::Result<()> {
        self.must_be_free(dir, name)?;
        let ino = self.born(dir, bits, |parent| Body::Dir {
            entries: BTreeMap::new(),
            parent,
        });
        self.rename_all(vec![(dir, name.to_vec(), Some(ino))])
    }

    pub(super) fn remove(&mut self, dir: u64, name: &[u8], kind: Kind) -> io::Result<()> {
        let ino = self.find(dir, name)?;
        match (&self.node(ino)?.body, kind) {
            (Body::Dir { entries, .. }, Kind::Dir) if !entries.is_empty() => {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            (Body::Dir { .. }, Kind::Dir) | (Body::File(_) | Body::Link(_), Kind::File) => {}
            (Body::Dir { .. }, _) => return Err(io::ErrorKind::IsADirectory.into()),
            _ => return Err(io::ErrorKind::NotADirectory.into()),
        }
        self.rename_all(vec![(dir, name.to_vec(), None)])
    }

    pub(super) fn rename(
        &mut self,
        from: u64,
        name: &[u8],
        to: u64,
        new: &[u8],
        over: bool,
    ) -> io::Result<()> {
        let ino = self.find(from, name)?;
        if self.node(from)?.dev != self.node(to)?.dev {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        if !over {
            self.must_be_free(to, new)?;
        }
        self.rename_all(vec![
            (from, name.to_vec(), None),
            (to, new.to_vec(), Some(ino)),
        ])
    }

    pub(super) fn exchange(&mut self, dir: u64, a: &[u8], b: &[u8]) -> io::Result<bool> {
        if !self.manners.exchanges {
            return Ok(false);
        }
        let (first, second) = (self.find(dir, a)?, self.find(dir, b)?);
        self.rename_all(vec![
            (dir, a.to_vec(), Some(second)),
            (dir, b.to_vec(), Some(first)),
        ])?;
        Ok(true)
    }

    pub(super) fn set(&mut self, ino: u64, change: impl FnOnce(&mut Node)) -> io::Result<()> {
        let clock = self.clock;
        let node = self
            .nodes
            .get_mut(&ino)
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        change(node);
        node.ctime = clock;
        Ok(())
    }

    pub(super) fn set_mtime(&mut self, ino: u64, mtime: Time) -> io::Result<()> {
        let mtime = self.grained(mtime);
        self.set(ino, |node| node.mtime = mtime)
    }

    fn content(&mut self, ino: u64) -> io::Result<&mut Vec<u8>> {
        let grained = self.grained(self.clock);
        let clock = self.clock;
        match self.nodes.get_mut(&ino) {
            Some(Node {
                body: Body::File(bytes),
                mtime,
                ctime,
                ..
            }) => {
                (*mtime, *ctime) = (grained, clock);
                Ok(Arc::make_mut(bytes))
            }
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn set_len(&mut self, ino: u64, length: usize) -> io::Result<()> {
        self.content(ino)?.resize(length, 0);
        Ok(())
    }

    /// Reads at most what there is, and often less.
    pub(super) fn read(&mut self, ino: u64, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let Body::File(bytes) = &self.node(ino)?.body else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        let bytes = bytes.clone();
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let mut n = buffer.len().min(bytes.len() - at);
        if n > 1 && self.random.u8(..8) == 0 {
            n = self.random.usize(1..n);
        }
        buffer[..n].copy_from_slice(&bytes[at..at + n]);
        Ok(n)
    }

    /// Writes what it is given, and sometimes less.
    pub(super) fn write(&mut self, ino: u64, at: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut n = bytes.len();
        if n > 1 && self.random.u8(..8) == 0 {
            n = self.random.usize(1..n);
        }
        let at = usize::try_from(at).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let content = self.content(ino)?;
        if content.len() < at + n {
            content.resize(at + n, 0);
        }
        content[at..at + n].copy_from_slice(&bytes[..n]);
        Ok(n)
    }

    /// Makes a content and its metadata durable, not its name.
    pub(super) fn sync_content(&mut self, ino: u64) {
        self.note(&format!("content of {ino} is durable"));
        if let Some(node) = self.nodes.get(&ino) {
            self.bodies.insert(ino, node.clone());
        }
    }

    /// Makes the names of a directory durable, and whatever happened to them before.
    pub(super) fn sync_names(&mut self, dir: u64) {
        self.note(&format!("names in {dir} are durable"));
        if self.manners.ordered {
            let dev = self.nodes.get(&dir).map_or(0, |node| node.dev);
            self.settle(|names| names.dev == dev);
            return;
        }
        let mut dirs = BTreeSet::from([dir]);
        let mut wanted = vec![false; self.log.len()];
        for (at, names) in self.log.iter().enumerate().rev() {
            if names.sets.iter().any(|(dir, ..)| dirs.contains(dir)) {
                dirs.extend(names.sets.iter().map(|(dir, ..)| *dir));
                wanted[at] = true;
            }
        }
        let mut wanted = wanted.into_iter();
        self.settle(|_| wanted.next().unwrap_or(false));
    }

    /// Makes everything of a file system durable.
    pub(super) fn sync_all(&mut self, dev: u64) {
        self.note(&format!("file system {dev} is durable"));
        self.settle(|names| names.dev == dev);
        let of_it = self.nodes.iter().filter(|(_, node)| node.dev == dev);
        self.bodies
            .extend(of_it.map(|(ino, node)| (*ino, node.clone())));
    }

    pub(super) fn sync_everything(&mut self) {
        self.settle(|_| true);
        self.bodies.clone_from(&self.nodes);
    }

    /// Takes changes of names from the log to what is durable.
    fn settle(&mut self, mut wanted: impl FnMut(&Names) -> bool) {
        let (settled, rest) = std::mem::take(&mut self.log)
            .into_iter()
            .partition(|names| wanted(names));
        self.log = rest;
        for names in settled {
            self.make_durable(names);
        }
    }

    fn make_durable(&mut self, names: Names) {
        for (dir, name, ino) in names.sets {
            let entries = self.names.entry(dir).or_default();
            match ino {
                Some(ino) => entries.insert(name, ino),
                None => entries.remove(&name),
            };
        }
    }

    /// Loses what is not durable, or part of it.
    fn cut_power(&mut self) {
        self.note("the power is cut");
        let log = std::mem::take(&mut self.log);
        let mut cut = BTreeSet::new();
        let last = self.random.usize(..=log.len());
        for (at, names) in log.into_iter().enumerate() {
            let dirs = || names.sets.iter().map(|(dir, ..)| *dir);
            let lost = if self.manners.ordered {
                at >= last
            } else {
                dirs().any(|dir| cut.contains(&dir)) || self.random.u8(..8) == 0
            };
            if lost {
                let what: Vec<String> = names
                    .sets
                    .iter()
                    .map(|(dir, name, _)| format!("{dir}/{}", String::from_utf8_lossy(name)))
                    .collect();
                self.note(&format!("lost: {}", what.join(", ")));
                cut.extend(dirs());
            } else {
                self.make_durable(names);
            }
        }
        let mut nodes = HashMap::new();
        self.survive(ROOT, ROOT, &mut nodes);
        self.nodes = nodes;
        self.bodies.clone_from(&self.nodes);
    }

    fn survive(&mut self, ino: u64, parent: u64, nodes: &mut HashMap<u64, Node>) {
        let (Some(new), old) = (
            self.nodes.get(&ino).cloned(),
            self.bodies.get(&ino).cloned(),
        ) else {
            return;
        };
        let body = match (&new.body, old.as_ref().map(|old| &old.body)) {
            (Body::Dir { .. }, _) => {
                let entries = self.names.get(&ino).cloned().unwrap_or_default();
                for child in entries.values() {
                    // An exchange that is durable on one side only could show a file twice; a directory never is.
                    self.survive(*child, ino, nodes);
                }
                Body::Dir { entries, parent }
            }
            (Body::File(new), Some(Body::File(old))) if old == new => Body::File(new.clone()),
            (Body::File(new), Some(Body::File(old))) => self.torn(old, new),
            (Body::File(new), _) => self.torn(&Arc::default(), new),
            (Body::Link(target), _) => Body::Link(target.clone()),
        };
        let meta = match old {
            Some(old) if self.random.bool() => old,
            _ => new,
        };
        nodes.insert(ino, Node { body, ..meta });
    }

    fn torn(&mut self, old: &Arc<Vec<u8>>, new: &Arc<Vec<u8>>) -> Body {
        match self.random.u8(..4) {
            0 => Body::File(old.clone()),
            1 => Body::File(new.clone()),
            _ => {
                let length = if self.random.bool() {
                    old.len()
                } else {
                    new.len()
                };
                let mut bytes = old.as_ref().clone();
                bytes.resize(length, 0);
                for from in (0..length).step_by(BLOCK) {
                    let to = (from + BLOCK).min(length).min(new.len());
                    if self.random.bool() && from < to {
                        bytes[from..to].copy_from_slice(&new[from..to]);
                    }
                }
                Body::File(Arc::new(bytes))
            }
        }
    }
}
