//! Locks that a program met: who holds them, and taking away those that nobody holds.

use std::collections::BTreeMap;

use serde_json::json;
use syncmgr_handler::call::Choice;
use syncmgr_handler::callback::{Failure, Level, Prompt, PromptKind, Status};
use syncmgr_handler::item::Counts;

use super::{Worker, error};
use crate::operation::rule_at;
use crate::process::is_alive;
use crate::read::HeldLock;
use crate::recipe::{Class, OperationKind};

/// The key of the question about a lock.
pub(super) const LOCK: &str = "lock";

impl Worker<'_> {
    /// Fills in what the file of a lock says.
    pub(super) fn look_at(&self, mut lock: HeldLock) -> HeldLock {
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
        if let Some(groups) = pattern.captures(&text) {
            let part = |name: &str| groups.name(name).map(|group| group.as_str().to_owned());
            lock.pid = part("pid").unwrap_or(lock.pid);
            lock.host = part("host").unwrap_or(lock.host);
            lock.owner = part("owner").unwrap_or(lock.owner);
        }
        lock
    }

    /// Only a process of this machine can be known to be gone.
    pub(super) fn is_dead(&self, lock: &HeldLock) -> bool {
        let ours = lock.host.is_empty() || self.host.is_some_and(|host| host == lock.host);
        let alive = lock.pid.parse().ok().and_then(is_alive);
        ours && alive == Some(false)
    }

    /// `given_up`: a person says that nobody holds it.
    pub(super) fn unlock(&self, lock: &HeldLock, given_up: bool) -> bool {
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
    pub(super) fn unlock_as_decided(&self) -> bool {
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
            since: part("since"),
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

    pub(super) fn ask_about(&self, lock: &HeldLock) {
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
            context: json!({ "pid": lock.pid, "host": lock.host, "owner": lock.owner, "since": lock.since, "file": lock.file }),
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
}

fn lock_facts(lock: &HeldLock) -> BTreeMap<String, String> {
    [
        ("lock_pid", &lock.pid),
        ("lock_host", &lock.host),
        ("lock_owner", &lock.owner),
        ("lock_since", &lock.since),
        ("lock_file", &lock.file),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.clone()))
    .collect()
}

pub(super) fn described(lock: &HeldLock) -> String {
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
    if !lock.since.is_empty() {
        parts.push(format!("since {}", lock.since));
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!(" {}", parts.join(" "))
    }
}
