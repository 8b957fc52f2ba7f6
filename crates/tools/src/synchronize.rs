//! A run of the items: some at once where they do not stand in each other's way.

mod end;
mod guarded;
mod locked;
mod queue;
mod teller;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use syncmgr_handler::Run;
use syncmgr_handler::call::Verdict;
use syncmgr_handler::callback::{Failure, Level, Log, Progress, Status};
use syncmgr_handler::item::ItemId;

use self::locked::{LOCK, described};
use self::queue::{Queue, Waiting};
use self::teller::Teller;
use crate::item::{Held, ItemValues, ToolItem};
use crate::operation::{Finished, carry_out};
use crate::recipe::{ArgumentKind, Class, OperationKind, Step};
use crate::refused::Refused;

/// So many items work at once; each is a process of its own.
const AT_ONCE: usize = 4;

/// Synchronizes all, each to a terminal status unless the run is cancelled. Blocks.
pub(crate) fn synchronize(run: &Run, items: Vec<Waiting>, host: Option<&str>) {
    let workers = items.len().min(AT_ONCE);
    let queue = Mutex::new(Queue::of(items));
    let free = Condvar::new();
    let enter =
        || -> MutexGuard<'_, Queue> { queue.lock().unwrap_or_else(PoisonError::into_inner) };
    let work = || {
        loop {
            let next = {
                let mut queue = enter();
                loop {
                    if queue.is_over() || run.is_cancelled() {
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

/// Who works on one item.
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
}
