//! A run of the items: some at once where they do not stand in each other's way.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use syncmgr_handler::Run;
use syncmgr_handler::call::{Choice, Verdict};
use syncmgr_handler::callback::{
    Failure, Level, Log, Progress, Prompt, PromptKind, Prompted, Status,
};
use syncmgr_handler::item::{Counts, ItemId};

use crate::beside;
use crate::conflict;
use crate::guard::{self, Decision, Hold, Planned, Sources, decision, measure};
use crate::item::{GOOD, Held, ItemValues, ToolItem};
use crate::keep;
use crate::operation::{Far, Finished, Listener, carry_out, rule_at};
use crate::process::is_alive;
use crate::read::{Action, Asked, HeldLock};
use crate::recipe::{ArgumentKind, Class, LevelOf, OperationKind, QuestionOf, Step};
use crate::refused::Refused;

/// So many items work at once; each is a process of its own.
const AT_ONCE: usize = 4;
/// How many actions of one run are logged one by one; the rest is counted.
const ACTIONS_MAX: usize = 200;
/// How many lines of one run are logged as warnings or errors; the rest is counted.
const LOGGED_MAX: usize = 200;
/// The value that a rule sets when the next run is to begin as if there had been none.
const BEGIN_ANEW: &str = "begin_anew";
/// The key of the question about a lock.
const LOCK: &str = "lock";
/// The file in which entries of sources are kept.
const SOURCES: &str = "sources.json";
/// Entries of a source that are counted; more is as good as all.
const ENTRIES_MAX: usize = 1000;
/// How long a person has to answer a question on a terminal, in milliseconds.
const ANSWER_MS: u64 = 600_000;

type Waiting = (ItemId, Held, BTreeMap<String, String>);

/// What the workers of a run share.
struct Queue {
    waiting: VecDeque<Waiting>,
    /// The lanes of those at work.
    taken: Vec<Vec<String>>,
    working: usize,
}

impl Queue {
    /// The next that stands in nobody's way.
    fn take(&mut self) -> Option<Waiting> {
        let at = self.waiting.iter().position(|(_, held, _)| {
            let lanes = lanes(held);
            !self
                .taken
                .iter()
                .flatten()
                .any(|taken| lanes.iter().any(|lane| crosses(lane, taken)))
        })?;
        let next = self.waiting.remove(at)?;
        self.taken.push(lanes(&next.1));
        self.working += 1;
        Some(next)
    }

    fn give_back(&mut self, held: &Held) {
        let lanes = lanes(held);
        if let Some(at) = self.taken.iter().position(|taken| *taken == lanes) {
            self.taken.swap_remove(at);
        }
        self.working -= 1;
    }
}

fn lanes(held: &Held) -> Vec<String> {
    held.as_ref()
        .map(|item| item.listed(None).lanes)
        .unwrap_or_default()
}

/// Whether two lanes are the same, or one lies within the other.
fn crosses(one: &str, other: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    within(one, other) || within(other, one)
}

/// Synchronizes all, each to a terminal status unless the run is cancelled. Blocks.
pub(crate) fn synchronize(run: &Run, items: Vec<Waiting>, host: Option<&str>) {
    let workers = items.len().min(AT_ONCE);
    let queue = Mutex::new(Queue {
        waiting: items.into(),
        taken: Vec::new(),
        working: 0,
    });
    let free = Condvar::new();
    let enter =
        || -> MutexGuard<'_, Queue> { queue.lock().unwrap_or_else(PoisonError::into_inner) };
    let work = || {
        loop {
            let next = {
                let mut queue = enter();
                loop {
                    if queue.waiting.is_empty() || run.is_cancelled() {
                        return;
                    }
                    match queue.take() {
                        Some(next) => break next,
                        // Somebody at work has its lane, and says when it is free.
                        None => queue = free.wait(queue).unwrap_or_else(PoisonError::into_inner),
                    }
                }
            };
            let (id, held, secrets) = &next;
            match run.verdict(id) {
                Verdict::Continue => one(run, id, held, secrets, host),
                Verdict::CancelItem => run.status(id, Status::Skipped),
                Verdict::CancelAll => {}
            }
            enter().give_back(held);
            free.notify_all();
        }
    };
    if workers <= 1 {
        return work();
    }
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
}

fn one(
    run: &Run,
    id: &ItemId,
    held: &Held,
    secrets: &BTreeMap<String, String>,
    host: Option<&str>,
) {
    run.status(id, Status::UpdatingIndeterminate);
    let item = match held {
        Ok(item) => item,
        Err(refused) => return refuse(run, id, refused),
    };
    if let Some(missing) = missing_directory(item) {
        run.progress(Progress {
            item: Some(id.clone()),
            status: Some(Status::Disconnected),
            text: Some(format!("{missing} is not there: is its disk connected?")),
            ..Progress::default()
        });
        return;
    }
    if let Err(refused) = crate::version::check(item) {
        return refuse(run, id, &refused);
    }
    if let Some(name) = secret_not_given(item, secrets) {
        let refused = Refused::new(
            "tools::secret",
            format!("nobody gave {name}"),
            "synchronize it while you are there, answer with `--remember`, or set where the secret is",
        );
        return refuse(run, id, &refused);
    }
    Worker {
        run,
        item,
        secrets,
        host,
    }
    .synchronize();
}

fn refuse(run: &Run, id: &ItemId, refused: &Refused) {
    error(
        run,
        id,
        &refused.text,
        Some(refused.hint.clone()),
        Some(refused.code),
    );
    run.failed(id, Failure::Hard, refused.text.clone());
}

fn error(run: &Run, id: &ItemId, text: &str, detail: Option<String>, code: Option<&str>) {
    run.log(Log {
        level: Level::Error,
        text: text.to_owned(),
        item: Some(id.clone()),
        detail,
        error: code.map(str::to_owned),
        jump: false,
    });
}

fn missing_directory(item: &ToolItem) -> Option<String> {
    let values = ItemValues(item);
    let needed = item
        .recipe
        .item
        .needs
        .iter()
        .map(|needed| needed.fill(&values));
    needed
        .filter(|path| Path::new(path).is_absolute())
        .find(|path| !Path::new(path).exists())
}

fn secret_not_given<'i>(item: &'i ToolItem, secrets: &BTreeMap<String, String>) -> Option<&'i str> {
    item.definition
        .asked_secrets(&item.recipe)
        .find(|argument| {
            argument.kind == ArgumentKind::Secret && !secrets.contains_key(&argument.name)
        })
        .map(|argument| argument.about.as_str())
}

struct Worker<'a> {
    run: &'a Run,
    item: &'a ToolItem,
    secrets: &'a BTreeMap<String, String>,
    host: Option<&'a str>,
}

impl Worker<'_> {
    fn id(&self) -> &ItemId {
        &self.item.id
    }

    fn carry_out(
        &self,
        operation: OperationKind,
        steps: &[Step],
        facts: BTreeMap<String, String>,
    ) -> Finished {
        let teller = Teller::new(self.run, self.item, operation);
        let work = self.item.work(self.secrets);
        let finished = carry_out(
            &work,
            operation,
            steps,
            facts,
            &ItemValues(self.item),
            &teller,
        );
        teller.finish();
        finished
    }

    fn synchronize(&self) {
        if !self.unlock_as_decided() {
            return;
        }
        let mut facts = BTreeMap::new();
        match self.held(&mut facts) {
            Ok(None) => {}
            Ok(Some(hold)) => return self.hold(&hold),
            Err(finished) => return self.end(&finished),
        }
        let mut finished = self.carry_out(OperationKind::Run, &self.item.recipe.run, facts.clone());
        if let Some(lock) = finished
            .outcome
            .lock
            .clone()
            .filter(|_| finished.outcome.class >= Class::Soft && !finished.cancelled)
        {
            let lock = self.look_at(lock);
            if self.is_dead(&lock) && !self.item.recipe.unlock.is_empty() {
                let whose = described(&lock);
                if self.unlock(&lock, false) {
                    let text = format!("a lock was taken away whose owner is gone{whose}");
                    self.run.note(Level::Warning, Some(self.id()), text);
                    finished = self.carry_out(OperationKind::Run, &self.item.recipe.run, facts);
                }
            } else {
                self.ask_about(&lock);
                finished.outcome.class = Class::Soft;
            }
        }
        if finished.outcome.class < Class::Soft {
            self.remember();
            self.run.withdraw(Some(self.id().clone()), LOCK);
        }
        self.end(&finished);
    }

    /// Whether a guard holds it. `Err`: it cannot be told; it ended.
    fn held(&self, facts: &mut BTreeMap<String, String>) -> Result<Option<Hold>, Box<Finished>> {
        let values = ItemValues(self.item);
        let Some(guard) = self
            .item
            .recipe
            .guard
            .as_ref()
            .filter(|guard| guard.condition.holds(&values))
        else {
            return Ok(None);
        };
        let mut holds = Vec::new();
        let before: Sources = keep::read(&self.item.state, SOURCES);
        for (side, templates) in [
            (guard::Side::Source, &guard.sources),
            (guard::Side::Target, &guard.targets),
        ] {
            for path in templates.iter().map(|template| template.fill(&values)) {
                if Path::new(&path).is_absolute() {
                    let known = before.get(&path).copied();
                    holds.extend(guard::vanished(side, &path, known, entries(&path)));
                }
            }
        }
        let (count, percent) = self.item.definition.settings.guard(guard);
        if holds.is_empty() && !self.item.recipe.plan.is_empty() && percent < 100 {
            let counting = Counting::new(self);
            let work = self.item.work(self.secrets);
            let finished = carry_out(
                &work,
                OperationKind::Plan,
                &self.item.recipe.plan,
                BTreeMap::new(),
                &values,
                &counting,
            );
            if finished.cancelled || finished.outcome.class >= Class::Soft {
                return Err(Box::new(finished));
            }
            let mut planned = counting
                .planned
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner);
            planned.total = finished
                .outcome
                .facts
                .get("total")
                .and_then(|total| crate::read::number(total));
            holds.extend(measure(&planned, count, percent));
        }
        let Some(hold) = holds.into_iter().next() else {
            for key in [guard::DELETIONS, guard::SOURCE] {
                if self.run.answer(Some(self.id()), key).is_some() {
                    self.run.withdraw(Some(self.id().clone()), key);
                }
            }
            return Ok(None);
        };
        match decision(&hold, self.run.answer(Some(self.id()), hold.key())) {
            Some(Decision::Apply) => {
                facts.insert("approved".to_owned(), "1".to_owned());
                self.run.withdraw(Some(self.id().clone()), hold.key());
                Ok(None)
            }
            Some(Decision::BringBack) if !self.item.recipe.restore.is_empty() => {
                let finished = self.carry_out(
                    OperationKind::Restore,
                    &self.item.recipe.restore,
                    BTreeMap::new(),
                );
                if finished.cancelled || finished.outcome.class >= Class::Soft {
                    return Err(Box::new(finished));
                }
                self.run.withdraw(Some(self.id().clone()), hold.key());
                Ok(None)
            }
            _ => Ok(Some(hold)),
        }
    }

    fn hold(&self, hold: &Hold) {
        let prompt = hold.prompt(self.id(), !self.item.recipe.restore.is_empty());
        if let Err(fault) = self.run.ask(prompt) {
            self.run.note(
                Level::Warning,
                Some(self.id()),
                format!("the question could not be asked: {fault}"),
            );
        }
        self.terminal(
            Status::Skipped,
            Some(format!("held: {hold}")),
            Counts::default(),
            None,
        );
    }

    /// The next run begins as if there had been none.
    fn begin_anew(&self) {
        match std::fs::remove_file(self.item.state.join(GOOD)) {
            Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
                let text = format!("that it begins anew could not be kept: {fault}");
                self.run.note(Level::Warning, Some(self.id()), text);
            }
            _ => {}
        }
    }

    /// Keeps what later runs compare with.
    fn remember(&self) {
        self.remember_sources();
        let good = self.item.state.join(GOOD);
        let kept = if good.exists() {
            Ok(())
        } else {
            std::fs::create_dir_all(&self.item.state).and_then(|()| std::fs::write(&good, ""))
        };
        if let Err(fault) = kept {
            let text = format!("that it ended well could not be kept: {fault}");
            self.run.note(Level::Warning, Some(self.id()), text);
        }
    }

    fn remember_sources(&self) {
        let Some(guard) = &self.item.recipe.guard else {
            return;
        };
        let values = ItemValues(self.item);
        let sources: Sources = guard
            .sources
            .iter()
            .chain(&guard.targets)
            .map(|path| path.fill(&values))
            .filter_map(|path| Some((path.clone(), entries(&path)?)))
            .collect();
        if !sources.is_empty()
            && sources != keep::read::<Sources>(&self.item.state, SOURCES)
            && let Err(fault) = keep::write(&self.item.state, SOURCES, &sources)
        {
            let text = format!("what its sources held could not be kept: {fault}");
            self.run.note(Level::Warning, Some(self.id()), text);
        }
    }

    /// Fills in what the file of a lock says.
    fn look_at(&self, mut lock: HeldLock) -> HeldLock {
        let rule = rule_at(
            self.item.like.as_deref().unwrap_or(&self.item.recipe),
            lock.rule,
        );
        let pattern = rule.and_then(|rule| rule.lock.as_ref()?.in_file.as_ref());
        let (Some(pattern), false) = (pattern, lock.file.is_empty()) else {
            return lock;
        };
        let short = std::fs::metadata(&lock.file)
            .is_ok_and(|there| there.is_file() && there.len() <= 1 << 16);
        let Some(text) = short.then(|| std::fs::read(&lock.file).ok()).flatten() else {
            return lock;
        };
        let text = String::from_utf8_lossy(&text);
        if let Some(groups) = pattern.regex().captures(&text) {
            let part = |name: &str| groups.name(name).map(|group| group.as_str().to_owned());
            lock.pid = part("pid").unwrap_or(lock.pid);
            lock.host = part("host").unwrap_or(lock.host);
            lock.owner = part("owner").unwrap_or(lock.owner);
        }
        lock
    }

    /// Only a process of this machine can be known to be gone.
    fn is_dead(&self, lock: &HeldLock) -> bool {
        let ours = lock.host.is_empty() || self.host.is_some_and(|host| host == lock.host);
        let alive = lock.pid.parse().ok().and_then(is_alive);
        ours && alive == Some(false)
    }

    /// `given_up`: a person says that nobody holds it.
    fn unlock(&self, lock: &HeldLock, given_up: bool) -> bool {
        let mut facts = lock_facts(lock);
        if given_up {
            facts.insert("given_up".to_owned(), "1".to_owned());
        }
        let finished = self.carry_out(OperationKind::Unlock, &self.item.recipe.unlock, facts);
        if finished.outcome.class >= Class::Soft {
            let text = finished
                .outcome
                .say
                .unwrap_or_else(|| "the lock could not be taken away".to_owned());
            error(self.run, self.id(), &text, finished.outcome.hint, None);
        }
        finished.outcome.class < Class::Soft
    }

    /// Takes a lock away that a person gave up. `false`: that failed, and the item ended.
    fn unlock_as_decided(&self) -> bool {
        let Some(answer) = self.run.answer(Some(self.id()), LOCK) else {
            return true;
        };
        if answer.choice != "remove" || self.item.recipe.unlock.is_empty() {
            return true;
        }
        let part = |name: &str| {
            answer
                .context
                .get(name)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let lock = HeldLock {
            pid: part("pid"),
            host: part("host"),
            owner: part("owner"),
            file: part("file"),
            rule: 0,
        };
        if self.unlock(&lock, true) {
            self.run.note(
                Level::Information,
                Some(self.id()),
                format!("the lock was taken away{}", described(&lock)),
            );
            return true;
        }
        self.terminal(
            Status::Failed,
            Some("the lock could not be taken away".to_owned()),
            Counts::default(),
            Some(Failure::Hard),
        );
        false
    }

    fn ask_about(&self, lock: &HeldLock) {
        let offer = |name: &str, label: &str| Choice {
            name: name.to_owned(),
            label: label.to_owned(),
        };
        let mut choices = vec![offer("wait", "wait for whoever holds it")];
        if !self.item.recipe.unlock.is_empty() {
            choices.push(offer("remove", "nobody holds it any more: take it away"));
        }
        let prompt = Prompt {
            item: Some(self.id().clone()),
            key: LOCK.to_owned(),
            kind: PromptKind::StaleLock,
            text: format!("it is locked{}", described(lock)),
            detail: Some(
                "Take a lock away only when you know that nobody works there: two at once can destroy what is kept."
                    .to_owned(),
            ),
            choices,
            default: None,
            fields: None,
            deadline_ms: None,
            durable: true,
            context: json!({ "pid": lock.pid, "host": lock.host, "owner": lock.owner, "file": lock.file }),
            wrong: false,
        };
        if let Err(fault) = self.run.ask(prompt) {
            self.run.note(
                Level::Warning,
                Some(self.id()),
                format!("the question could not be asked: {fault}"),
            );
        }
    }

    /// Looks for copies beside the files, and tells what was not looked at. How many there are.
    fn copies(&self) -> u64 {
        let warn = |text: String| self.run.note(Level::Warning, Some(self.id()), text);
        let cancelled = || self.run.verdict(self.id()) != Verdict::Continue;
        let copies = match beside::look(self.item, &cancelled) {
            Ok(Some(copies)) => copies,
            Ok(None) => return 0,
            Err(refused) => {
                warn(refused.text);
                return 0;
            }
        };
        if let Some(cut) = copies.cut {
            warn(format!("not everything was looked through: {cut}"));
        }
        for (path, why) in &copies.unreadable {
            warn(format!("{} was not looked into: {why}", path.display()));
        }
        if copies.not_text > 0 {
            warn(format!(
                "{} names that are no text were not looked at",
                copies.not_text
            ));
        }
        u64::try_from(copies.found.len()).unwrap_or(u64::MAX)
    }

    fn end(&self, finished: &Finished) {
        let outcome = &finished.outcome;
        // Said by the run, or by the plan that its guard asked for.
        if outcome.facts.contains_key(BEGIN_ANEW) {
            self.begin_anew();
        }
        let tail = finished.tail.trim();
        if !tail.is_empty() {
            self.run.log(Log {
                level: Level::Information,
                text: format!("output of {}", self.item.recipe.name),
                item: Some(self.id().clone()),
                detail: Some(tail.to_owned()),
                error: None,
                jump: false,
            });
        }
        let mut counts = outcome.counts;
        // A wrapped command has no conflicts of its own.
        if self.item.recipe.conflicts.is_empty()
            && !finished.cancelled
            && outcome.class < Class::Hard
        {
            match conflict::replace(self.item, outcome.conflicts.clone()) {
                Ok(open) => counts.conflicts = open.len() as u64,
                Err(refused) => self.run.note(Level::Warning, Some(self.id()), refused.text),
            }
        }
        if !finished.cancelled && outcome.class < Class::Hard {
            counts.conflicts += self.copies();
        }
        self.run.conflicts_changed(Some(self.id().clone()));
        if finished.cancelled {
            let skipped = self.run.verdict(self.id()) == Verdict::CancelItem;
            let status = if skipped {
                Status::Skipped
            } else {
                Status::Stopped
            };
            return self.terminal(status, None, counts, None);
        }
        let say = || {
            outcome
                .say
                .clone()
                .unwrap_or_else(|| "it failed".to_owned())
        };
        match outcome.class {
            Class::Good => self.terminal(
                Status::Succeeded,
                Some(outcome.result.clone().unwrap_or_default()),
                counts,
                None,
            ),
            Class::Warning => {
                if let Some(text) = &outcome.say {
                    let mut entry = Log {
                        level: Level::Warning,
                        text: text.clone(),
                        item: Some(self.id().clone()),
                        detail: None,
                        error: None,
                        jump: false,
                    };
                    entry.detail.clone_from(&outcome.hint);
                    self.run.log(entry);
                }
                let text = outcome.result.clone().or_else(|| outcome.say.clone());
                self.terminal(
                    Status::Succeeded,
                    Some(text.unwrap_or_default()),
                    counts,
                    None,
                );
            }
            Class::Soft | Class::Hard => {
                error(
                    self.run,
                    self.id(),
                    &say(),
                    outcome.hint.clone(),
                    Some("tools::failed"),
                );
                let failure = if outcome.class == Class::Soft {
                    Failure::Soft
                } else {
                    Failure::Hard
                };
                self.terminal(Status::Failed, Some(say()), counts, Some(failure));
            }
        }
    }

    fn terminal(
        &self,
        status: Status,
        text: Option<String>,
        counts: Counts,
        failure: Option<Failure>,
    ) {
        self.run.progress(Progress {
            item: Some(self.id().clone()),
            status: Some(status),
            text,
            counts: Some(counts),
            failure,
            ..Progress::default()
        });
    }
}

fn lock_facts(lock: &HeldLock) -> BTreeMap<String, String> {
    [
        ("lock_pid", &lock.pid),
        ("lock_host", &lock.host),
        ("lock_owner", &lock.owner),
        ("lock_file", &lock.file),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.clone()))
    .collect()
}

fn described(lock: &HeldLock) -> String {
    let mut parts = Vec::new();
    if !lock.pid.is_empty() {
        parts.push(format!("by process {}", lock.pid));
    }
    if !lock.host.is_empty() {
        parts.push(format!("on {}", lock.host));
    }
    if !lock.owner.is_empty() {
        parts.push(lock.owner.clone());
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!(" {}", parts.join(" "))
    }
}

/// How many entries a directory has, up to [`ENTRIES_MAX`]; `None` where there is none.
fn entries(path: &str) -> Option<u64> {
    let entries = std::fs::read_dir(path).ok()?.take(ENTRIES_MAX).count();
    u64::try_from(entries).ok()
}

/// Passes on what a run tells.
struct Teller<'a> {
    run: &'a Run,
    item: &'a ToolItem,
    operation: OperationKind,
    told: Mutex<ToldSoFar>,
}

#[derive(Default)]
struct ToldSoFar {
    actions: usize,
    logged: usize,
}

impl<'a> Teller<'a> {
    fn new(run: &'a Run, item: &'a ToolItem, operation: OperationKind) -> Self {
        Self {
            run,
            item,
            operation,
            told: Mutex::default(),
        }
    }

    fn finish(&self) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (count, most, what) in [
            (told.actions, ACTIONS_MAX, "changes"),
            (told.logged, LOGGED_MAX, "messages"),
        ] {
            if count > most {
                self.run.note(
                    Level::Information,
                    Some(&self.item.id),
                    format!("and {} more {what}", count - most),
                );
            }
        }
    }
}

impl Listener for Teller<'_> {
    fn is_cancelled(&self) -> bool {
        self.run.verdict(&self.item.id) != Verdict::Continue
    }

    fn progress(&self, far: Far<'_>) {
        let measured = far.value.is_some() && self.operation == OperationKind::Run;
        self.run.progress(Progress {
            item: Some(self.item.id.clone()),
            status: measured.then_some(Status::Updating),
            text: far.text.map(str::to_owned),
            value: far.value.map(|(value, _)| value),
            max: far.value.map(|(_, max)| max),
            counts: Some(far.counts),
            ..Progress::default()
        });
    }

    fn log(&self, level: LevelOf, text: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.logged += 1;
        if told.logged <= LOGGED_MAX {
            let level = match level {
                LevelOf::Information => Level::Information,
                LevelOf::Warning => Level::Warning,
                LevelOf::Error => Level::Error,
            };
            self.run.note(level, Some(&self.item.id), text);
        }
    }

    fn action(&self, action: &Action) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.actions += 1;
        if told.actions <= ACTIONS_MAX {
            let arrow = match action.to.as_deref() {
                Some("left") => "← ",
                Some(_) => "→ ",
                None => "",
            };
            let verb = match action.verb.as_str() {
                "add" => "created",
                "update" => "updated",
                "delete" => "deleted",
                "metadata" => "set permissions or time of",
                other => other,
            };
            self.run.note(
                Level::Information,
                Some(&self.item.id),
                format!("{arrow}{verb} {}", action.name),
            );
        }
    }

    fn answer(&self, asked: &Asked, how: &QuestionOf) -> Option<String> {
        let choices: Vec<Choice> = if how.answers.is_empty() {
            vec![
                Choice {
                    name: "ok".to_owned(),
                    label: "answer".to_owned(),
                },
                Choice {
                    name: "cancel".to_owned(),
                    label: "not now".to_owned(),
                },
            ]
        } else {
            how.answers
                .iter()
                .map(|answer| Choice {
                    name: answer.name.clone(),
                    label: answer.label.clone(),
                })
                .collect()
        };
        let fields = how.answers.is_empty().then(|| {
            let mut field = json!({ "type": "string", "title": asked.text });
            if how.secret {
                field["format"] = json!("password");
            }
            json!({ "type": "object", "required": ["answer"], "properties": { "answer": field } })
        });
        let kind = if how.secret {
            PromptKind::Login
        } else {
            PromptKind::Question
        };
        let prompt = self.prompt(
            format!("question/{}", asked.key),
            kind,
            asked.text.clone(),
            choices,
            fields,
            how.default.clone(),
        );
        match self.run.ask(prompt) {
            Ok(Prompted::Chosen { choice, fields }) => {
                match how.answers.iter().find(|answer| answer.name == choice) {
                    Some(answer) => Some(answer.types.clone()),
                    None if choice == "ok" => fields
                        .get("answer")
                        .and_then(|text| text.as_str())
                        .map(str::to_owned),
                    None => None,
                }
            }
            Ok(Prompted::Deferred { .. } | Prompted::Refused) | Err(_) => None,
        }
    }

    fn answer_unknown(&self, text: &str) -> Option<String> {
        let choices = vec![
            Choice {
                name: "ok".to_owned(),
                label: "answer".to_owned(),
            },
            Choice {
                name: "cancel".to_owned(),
                label: "stop it".to_owned(),
            },
        ];
        // What is typed may be a secret: it is treated as one.
        let field =
            json!({ "type": "string", "format": "password", "title": "what is typed for it" });
        let fields =
            json!({ "type": "object", "required": ["answer"], "properties": { "answer": field } });
        let prompt = self.prompt(
            "terminal".to_owned(),
            PromptKind::Login,
            format!("it asks: {}", text.trim()),
            choices,
            Some(fields),
            None,
        );
        match self.run.ask(prompt) {
            Ok(Prompted::Chosen { choice, fields }) if choice == "ok" => fields
                .get("answer")
                .and_then(|text| text.as_str())
                .map(str::to_owned),
            _ => None,
        }
    }
}

impl Teller<'_> {
    fn prompt(
        &self,
        key: String,
        kind: PromptKind,
        text: String,
        choices: Vec<Choice>,
        fields: Option<serde_json::Value>,
        default: Option<String>,
    ) -> Prompt {
        Prompt {
            item: Some(self.item.id.clone()),
            key,
            kind,
            text,
            detail: None,
            choices,
            default,
            fields,
            deadline_ms: Some(ANSWER_MS),
            durable: false,
            context: serde_json::Value::Null,
            wrong: false,
        }
    }
}

/// Counts what a plan would delete, before a run.
struct Counting<'a> {
    teller: Teller<'a>,
    planned: Mutex<Planned>,
}

impl<'a> Counting<'a> {
    fn new(worker: &Worker<'a>) -> Self {
        Self {
            teller: Teller::new(worker.run, worker.item, OperationKind::Plan),
            planned: Mutex::default(),
        }
    }
}

impl Listener for Counting<'_> {
    fn is_cancelled(&self) -> bool {
        self.teller.is_cancelled()
    }

    fn progress(&self, _: Far<'_>) {
        self.teller.run.progress(Progress {
            item: Some(self.teller.item.id.clone()),
            text: Some("looking at what it would delete".to_owned()),
            ..Progress::default()
        });
    }

    fn log(&self, _: LevelOf, _: &str) {}

    fn action(&self, action: &Action) {
        self.planned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(action);
    }

    fn answer(&self, asked: &Asked, how: &QuestionOf) -> Option<String> {
        self.teller.answer(asked, how)
    }

    fn answer_unknown(&self, text: &str) -> Option<String> {
        self.teller.answer_unknown(text)
    }
}
