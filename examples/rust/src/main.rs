//! Mirrors a list of files into a folder: `mirror LIST TARGET`.
//!
//! What it does is written in `examples/README.md`. The conversation with the manager (versions, pages, pacing, release,
//! the end of input) is `serve_stdio`'s; the obligations that the comments name (H-..) are those of the contract.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use syncmgr_handler::call::{Choice, Event, ShowError, Started, Verdict};
use syncmgr_handler::callback::{
    Failure, Level, Log, Progress, Prompt, PromptKind, Prompted, Status,
};
use syncmgr_handler::contract::feature;
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::item::{Counts, HandlerInfo, Item, ItemId};
use syncmgr_handler::{Handler, Introduction, ItemList, Run, Start, Unfinished, serve_stdio};

/// Ends the names of files that are not whole yet.
const PART: &str = ".mirror-part";

/// How often a copy that hangs looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(20);

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// One line of the list.
struct Source {
    item: ItemId,
    path: PathBuf,
    ask: bool,
}

struct Mirror {
    list: PathBuf,
    target: PathBuf,
    /// What a person did not want copied this time.
    refused: Mutex<HashSet<ItemId>>,
    parts: AtomicU64,
}

impl Mirror {
    /// Reads the list; the second part is whether lines were left out that are no source.
    fn sources(&self) -> io::Result<(Vec<Source>, bool)> {
        let (mut found, mut known, mut wrong) = (Vec::new(), HashSet::new(), false);
        let text = fs::read_to_string(&self.list)?;
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match source(line) {
                // Identifiers are equal without regard to case.
                Some(source) if known.insert(source.item.as_str().to_ascii_lowercase()) => {
                    found.push(source)
                }
                _ => wrong = true,
            }
        }
        Ok((found, wrong))
    }

    fn mirror(&self, run: &Run, source: &Source) {
        let item = &source.item;
        run.progress(Progress {
            item: Some(item.clone()),
            status: Some(Status::Updating),
            text: Some(format!("reading {item}")),
            ..Progress::default()
        });
        let number = self.parts.fetch_add(1, Ordering::Relaxed);
        // A name of its own for each copy: what an abandoned one still writes is never taken for ours.
        let part = self.target.join(format!(".{item}.{number}{PART}"));
        match self.copy(run, source, &part) {
            Ok(Some(counts)) => run.succeeded(item, counts),
            Ok(None) => {
                let stopped = run.verdict(item) == Verdict::CancelAll;
                let status = if stopped {
                    Status::Stopped
                } else {
                    Status::Skipped
                };
                run.status(item, status);
            }
            Err(error) => {
                run.log(Log {
                    level: Level::Error,
                    text: format!("{item} could not be read: {error}"),
                    item: Some(item.clone()),
                    detail: None,
                    // The link under the entry leads to `show_error` with this name (H-44).
                    error: Some(item.to_string()),
                    jump: true,
                });
                run.failed(item, Failure::Hard, error.to_string());
            }
        }
        // Gone already when it became the mirrored file.
        drop(fs::remove_file(&part));
    }

    /// Copies into the part and puts it into its place; `None` when it was cancelled.
    fn copy(&self, run: &Run, source: &Source, part: &Path) -> io::Result<Option<Counts>> {
        let item = &source.item;
        let abandoned = Arc::new(AtomicBool::new(false));
        let copied = start_copy(source.path.clone(), part.to_owned(), Arc::clone(&abandoned));
        loop {
            match copied.recv_timeout(LOOK) {
                Ok(Step::Moved(done, total)) => run.progress(Progress {
                    item: Some(item.clone()),
                    value: Some(done),
                    max: Some(total),
                    ..Progress::default()
                }),
                Ok(Step::Ended(result)) => {
                    result?;
                    break;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(io::Error::other("the copy broke off"));
                }
            }
            if run.verdict(item) != Verdict::Continue {
                abandoned.store(true, Ordering::Relaxed);
                return Ok(None);
            }
        }
        let last = self.target.join(item.as_str());
        if same(part, &last)? {
            return Ok(Some(Counts::default()));
        }
        let bytes = fs::metadata(part)?.len();
        // The old file or the whole new one, never half a file.
        fs::rename(part, &last)?;
        Ok(Some(Counts {
            received: 1,
            bytes,
            ..Counts::default()
        }))
    }
}

/// Reads `NAME SOURCE` or `NAME ?SOURCE`.
fn source(line: &str) -> Option<Source> {
    let (name, rest) = line.split_once(char::is_whitespace)?;
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if name.starts_with('.') || !name.chars().all(fits) {
        return None;
    }
    let rest = rest.trim_start();
    let path = rest.strip_prefix('?').unwrap_or(rest).trim_start();
    if path.is_empty() {
        return None;
    }
    Some(Source {
        item: ItemId::new(name).ok()?,
        path: path.into(),
        ask: rest.starts_with('?'),
    })
}

/// The items of the run that a person is asked about before they are copied.
fn doubtful<'a>(sources: &'a [Source], run: &Run) -> Vec<&'a ItemId> {
    let chosen: HashSet<&ItemId> = run.items().iter().collect();
    let asks = |source: &&Source| source.ask && chosen.contains(&source.item);
    sources
        .iter()
        .filter(asks)
        .map(|source| &source.item)
        .collect()
}

/// What a copy tells.
enum Step {
    Moved(u64, u64),
    Ended(io::Result<()>),
}

/// Copies on a thread of its own, so that a disk that hangs holds up nobody.
fn start_copy(from: PathBuf, to: PathBuf, abandoned: Arc<AtomicBool>) -> Receiver<Step> {
    let (told, steps) = channel();
    std::thread::spawn(move || {
        let work = || {
            let mut from = File::open(&from)?;
            let total = from.metadata()?.len();
            let mut to = File::create(&to)?;
            let (mut done, mut chunk) = (0, vec![0; CHUNK]);
            loop {
                let count = from.read(&mut chunk)?;
                if count == 0 || abandoned.load(Ordering::Relaxed) {
                    return to.sync_all();
                }
                to.write_all(&chunk[..count])?;
                done += count as u64;
                // Whoever listened has abandoned the copy.
                drop(told.send(Step::Moved(done, total)));
            }
        };
        let ended = work();
        drop(told.send(Step::Ended(ended)));
    });
    steps
}

/// Says whether two files have the same contents; one that is not there is different.
fn same(one: &Path, other: &Path) -> io::Result<bool> {
    match fs::metadata(other) {
        Ok(there) if there.len() == fs::metadata(one)?.len() => {
            let (mut one, mut other) = (File::open(one)?, File::open(other)?);
            let (mut here, mut there) = (vec![0; CHUNK], vec![0; CHUNK]);
            loop {
                let count = one.read(&mut here)?;
                if count == 0 {
                    return Ok(true);
                }
                other.read_exact(&mut there[..count])?;
                if here[..count] != there[..count] {
                    return Ok(false);
                }
            }
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Handler for Mirror {
    fn features(&self) -> Vec<&'static str> {
        vec![feature::SHOW_ERROR]
    }

    fn initialize(&self, start: &Start) -> Result<Introduction, RpcError> {
        Ok(Introduction {
            info: HandlerInfo {
                name: "Mirror".into(),
                version: "1".into(),
                comment: format!("into {}", self.target.display()),
                ..HandlerInfo::default()
            },
            // When the line is about to go, mirroring must not hold it up (H-06).
            stays_out: start.event == Event::PendingDisconnect,
        })
    }

    fn items(&self) -> Result<ItemList, RpcError> {
        let (sources, incomplete) = self.sources().map_err(|error| {
            let text = format!("the list could not be read: {error}");
            RpcError::refused("mirror::list", text, Some("see the first argument".into()))
        })?;
        let items = sources.into_iter().map(|source| {
            let name = source.item.to_string();
            Item::new(source.item, name)
        });
        Ok(ItemList {
            items: items.collect(),
            incomplete,
        })
    }

    fn can_start(&self, run: &Run) -> Started {
        let sources = match self.sources() {
            Ok((sources, _)) => sources,
            Err(error) => {
                let reason = format!("the list could not be read: {error}");
                return Started::No { reason };
            }
        };
        if !run.may_bother_user() && !doubtful(&sources, run).is_empty() {
            return Started::NeedsUser;
        }
        Started::Yes
    }

    fn prepare(&self, run: &Run) -> Result<(), Unfinished> {
        let (sources, _) = self
            .sources()
            .map_err(|error| Unfinished::hard(error.to_string()))?;
        let mut refused = HashSet::new();
        for item in doubtful(&sources, run) {
            let choice = |name: &str, label: &str| Choice {
                name: name.into(),
                label: label.into(),
            };
            let answer = run.ask(Prompt {
                item: Some(item.clone()),
                key: format!("copy-{item}"),
                kind: PromptKind::Question,
                text: format!("Copy {item} now?"),
                detail: None,
                choices: vec![choice("yes", "Copy it"), choice("no", "Not this time")],
                default: None,
                fields: None,
                deadline_ms: None,
                durable: false,
                wrong: false,
                context: Default::default(),
            });
            if run.is_cancelled() {
                return Err(Unfinished::Cancelled);
            }
            if !matches!(answer, Ok(Prompted::Chosen { choice, .. }) if choice == "yes") {
                refused.insert(item.clone());
            }
        }
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
        Ok(())
    }

    fn synchronize(&self, run: &Run) -> Result<(), Unfinished> {
        let broken = |error: io::Error| Unfinished::hard(error.to_string());
        let (sources, _) = self.sources().map_err(broken)?;
        fs::create_dir_all(&self.target).map_err(broken)?;
        // What a killed run left behind.
        for left in fs::read_dir(&self.target).map_err(broken)? {
            let left = left.map_err(broken)?;
            let name = left.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') && name.ends_with(PART) {
                fs::remove_file(left.path()).map_err(broken)?;
            }
        }
        let refused =
            std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner));
        let sources: HashMap<&ItemId, &Source> = sources
            .iter()
            .map(|source| (&source.item, source))
            .collect();
        for item in run.items() {
            match run.verdict(item) {
                Verdict::CancelAll => return Err(Unfinished::Cancelled),
                Verdict::CancelItem => run.status(item, Status::Skipped),
                Verdict::Continue if refused.contains(item) => run.status(item, Status::Skipped),
                Verdict::Continue => match sources.get(item) {
                    Some(source) => self.mirror(run, source),
                    None => run.status(item, Status::Deleted),
                },
            }
        }
        if run.is_cancelled() {
            return Err(Unfinished::Cancelled);
        }
        Ok(())
    }

    /// The link under an error means "try again" here (H-46).
    fn show_error(&self, what: &ShowError, _: &Run) -> Result<Vec<ItemId>, RpcError> {
        let wrong = |error| RpcError::new(RpcError::INVALID_PARAMS, format!("{error}"));
        Ok(vec![ItemId::new(what.error.as_str()).map_err(wrong)?])
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [list, target] =
        <[PathBuf; 2]>::try_from(words).map_err(|_| "usage: mirror LIST TARGET")?;
    serve_stdio(Mirror {
        list,
        target,
        refused: Mutex::default(),
        parts: AtomicU64::new(0),
    })?;
    Ok(())
}
