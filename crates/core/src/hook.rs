//! Hooks: commands of the user's that run before and after the work of a run. Which run when is decided here; what became
//! of each comes back as an [`Input`](crate::Input).
//!
//! A hook runs once a run for all items of that run whose policies name the same command. Those before a run come one
//! after the other while its handler waits; what one refuses fails, and the rest goes on. Those after it run beside each
//! other, and the next run of that handler waits for them.

use std::time::Duration;

use crate::account::{Account, AccountOfItem, AccountOfRun, MAX_TOLD, Occasion};
use crate::command::Command;
use crate::cut;
use crate::ending::End;
use crate::id::{HandlerId, InstanceId, ItemId, RunId};
use crate::instance::{Instance, LiveRun, StopLevel};
use crate::item::{Counts, Failure, ItemStatus};
use crate::log::Level;
use crate::manager::Manager;
use crate::policy::Policy;
use crate::request::Trigger;
use crate::run::RunKind;

/// How long a hook may take unless its policy says otherwise.
pub const HOOK_LIMIT: Duration = Duration::from_secs(60);
/// Most that a policy may allow it.
pub const MAX_HOOK_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// So many items are named in an entry of the log about a hook of several.
const TOLD_NAMES: usize = 3;

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Before the handler prepares; may refuse.
    Before,
    /// After the run, whatever came of it.
    After,
    /// After a run in which an item failed.
    Failed,
}

impl Stage {
    /// Its name in the configuration and for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Failed => "failed",
        }
    }

    fn of(self, policy: &Policy) -> Option<&Vec<String>> {
        match self {
            Self::Before => policy.before.as_ref(),
            Self::After => policy.after.as_ref(),
            Self::Failed => policy.failed.as_ref(),
        }
    }
}

/// A number that ties the end of a hook to its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HookId(pub u64);

/// What a hook is to be run with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its number.
    pub id: HookId,
    /// When in the run.
    pub stage: Stage,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// How long it may take.
    pub limit: Duration,
    /// What it is told.
    pub account: Account,
}

/// How a hook ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEnded {
    /// Well, or why not.
    pub how: Result<(), HookFailure>,
    /// The end of what it wrote.
    pub output: String,
}

/// How a hook came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookFailure {
    /// As a fragment, such as `it ended with exit status 1`.
    pub text: String,
    /// It asks to be tried again later (`EX_TEMPFAIL` of sysexits.h).
    pub later: bool,
}

/// A hook that runs.
#[derive(Debug)]
pub(crate) struct LiveHook {
    pub(crate) stage: Stage,
    pub(crate) instance: InstanceId,
    pub(crate) handler: HandlerId,
    pub(crate) run: RunId,
    pub(crate) items: Vec<ItemId>,
    /// Somebody asked everything to stop meanwhile.
    pub(crate) asked_to_stop: bool,
}

/// A hook that is to run, with its items by their place in the run.
#[derive(Debug)]
pub(crate) struct PlannedHook {
    command: Vec<String>,
    limit: Duration,
    items: Vec<usize>,
}

impl Manager {
    /// The hooks of a stage for those items of a run, each once, in the order of the items.
    fn hooks_for(
        &self,
        stage: Stage,
        run: &LiveRun,
        wants: impl Fn(&crate::instance::LiveItem) -> bool,
    ) -> Vec<PlannedHook> {
        let mut planned: Vec<PlannedHook> = Vec::new();
        if run.row.kind != RunKind::Synchronize
            || run.row.trigger == Trigger::External
            || !self
                .policies
                .iter()
                .any(|policy| stage.of(policy).is_some())
        {
            return planned;
        }
        for (at, item) in run.items.iter().enumerate() {
            if !wants(item) {
                continue;
            }
            let at_ref = crate::id::ItemRef {
                handler: run.row.handler.clone(),
                item: item.id.clone(),
            };
            let of_item = self.policies_of(&at_ref);
            let Some(command) = of_item.value(|policy| stage.of(policy)) else {
                continue;
            };
            if command.is_empty() {
                continue; // a later policy takes it away
            }
            let limit = of_item
                .value(|policy| policy.hook_limit)
                .unwrap_or(HOOK_LIMIT);
            // As many as there are policies at most.
            match planned.iter_mut().find(|hook| hook.command == *command) {
                Some(hook) => {
                    hook.limit = hook.limit.max(limit);
                    hook.items.push(at);
                }
                None => planned.push(PlannedHook {
                    command: command.clone(),
                    limit,
                    items: vec![at],
                }),
            }
        }
        planned
    }

    /// Plans the hooks before a run and starts the first; false where there is none.
    pub(crate) fn run_before(&mut self, instance: &mut Instance) -> bool {
        let Some(run) = instance.run.take() else {
            return false;
        };
        let mut planned = self.hooks_for(Stage::Before, &run, |_| true);
        planned.reverse();
        instance.before = planned;
        instance.run = Some(run);
        self.next_before(instance)
    }

    fn next_before(&mut self, instance: &mut Instance) -> bool {
        let Some(planned) = instance.before.pop() else {
            return false;
        };
        let Some(mut run) = instance.run.take() else {
            return false;
        };
        self.unwatch(instance.id, &mut run); // a hook has a limit of its own
        let id = self.start_hook(Stage::Before, planned, instance.id, &run, Occasion::Begins);
        instance.hook = Some(id);
        instance.run = Some(run);
        true
    }

    /// Starts what runs after a run that has its outcome.
    pub(crate) fn run_after(&mut self, instance: &Instance, run: &LiveRun) {
        let occasion = self.occasion_of(run, |_| true);
        // What a hook before the run refused never began, and nothing of it is to be tidied up.
        let after = if run.began {
            self.hooks_for(Stage::After, run, |item| !item.refused)
        } else {
            Vec::new()
        };
        for planned in after {
            self.start_hook(Stage::After, planned, instance.id, run, occasion);
        }
        let failed = |item: &crate::instance::LiveItem| {
            matches!(item.status, ItemStatus::Failed | ItemStatus::Disconnected)
        };
        for planned in self.hooks_for(Stage::Failed, run, failed) {
            self.start_hook(Stage::Failed, planned, instance.id, run, Occasion::Failed);
        }
    }

    fn start_hook(
        &mut self,
        stage: Stage,
        planned: PlannedHook,
        instance: InstanceId,
        run: &LiveRun,
        occasion: Occasion,
    ) -> HookId {
        self.last_hook = self.last_hook.saturating_add(1);
        let id = HookId(self.last_hook);
        let occasion = if stage == Stage::After {
            planned
                .items
                .iter()
                .filter_map(|at| run.items.get(*at))
                .map(|item| self.end_of(run, item))
                .reduce(Occasion::or_graver)
                .unwrap_or(occasion)
        } else {
            occasion
        };
        let account = self.account(occasion, run, &planned.items);
        let live = LiveHook {
            stage,
            instance,
            handler: run.row.handler.clone(),
            run: run.row.id,
            items: planned
                .items
                .iter()
                .filter_map(|at| run.items.get(*at))
                .map(|item| item.id.clone())
                .collect(),
            asked_to_stop: false,
        };
        self.hooks.insert(id, live);
        self.effects.commands.push(Command::Hook(Box::new(Hook {
            id,
            stage,
            command: planned.command,
            limit: planned.limit,
            account,
        })));
        id
    }

    /// What the end of an item in a run is.
    pub(crate) fn end_of(&self, run: &LiveRun, item: &crate::instance::LiveItem) -> Occasion {
        let at = crate::id::ItemRef {
            handler: run.row.handler.clone(),
            item: item.id.clone(),
        };
        let open = self.slot(&at).map_or(0, |slot| slot.conflicts);
        Occasion::of_item(item.status, open > 0 || item.counts.conflicts > 0)
    }

    fn occasion_of(
        &self,
        run: &LiveRun,
        wants: impl Fn(&crate::instance::LiveItem) -> bool,
    ) -> Occasion {
        run.items
            .iter()
            .filter(|item| wants(item))
            .map(|item| self.end_of(run, item))
            .reduce(Occasion::or_graver)
            .unwrap_or(Occasion::Stopped)
    }

    /// The account of some items of a run.
    pub(crate) fn account(&self, occasion: Occasion, run: &LiveRun, items: &[usize]) -> Account {
        let mut counts = Counts::default();
        let mut told = Vec::new();
        for item in items.iter().filter_map(|at| run.items.get(*at)) {
            crate::ending::add(&mut counts, &item.counts);
            let ended = (occasion != Occasion::Begins).then(|| self.end_of(run, item));
            // Whoever reads it looks for what went wrong: that comes first where not everything fits.
            let grave = ended == Some(Occasion::Failed);
            if told.len() >= MAX_TOLD && !grave {
                continue;
            }
            let at = crate::id::ItemRef {
                handler: run.row.handler.clone(),
                item: item.id.clone(),
            };
            let row = self.slot(&at).map(|slot| &slot.row);
            let entry = AccountOfItem {
                item: item.id.clone(),
                name: row.map_or_else(|| item.id.to_string(), |row| row.name.clone()),
                occasion: ended,
                problem: (grave || ended == Some(Occasion::NeedsYou))
                    .then(|| item.text.clone())
                    .filter(|text| !text.is_empty()),
                last_good: row.and_then(|row| row.last_good),
                freshness: None,
            };
            if told.len() < MAX_TOLD {
                told.push(entry);
            } else if let Some(at) = told
                .iter()
                .rposition(|told: &AccountOfItem| told.occasion != Some(Occasion::Failed))
            {
                told.remove(at);
                told.push(entry);
            }
        }
        Account {
            occasion,
            at: self.now,
            handler: run.row.handler.clone(),
            handler_name: self.handler_name(&run.row.handler),
            run: Some(AccountOfRun {
                id: run.row.id,
                trigger: run.row.trigger,
                opened: run.row.opened,
                outcome: run.row.outcome,
                counts,
            }),
            more: items.len().saturating_sub(told.len()),
            items: told,
        }
    }

    /// A hook ended. One that was to come before a run lets it go on, or takes its items out of it.
    pub(crate) fn hook_ended(&mut self, id: HookId, ended: HookEnded) {
        let Some(hook) = self.hooks.remove(&id) else {
            return;
        };
        self.pump = true;
        self.tell_of_hook(&hook, &ended);
        if hook.stage != Stage::Before {
            return;
        }
        self.with(hook.instance, |manager, instance| {
            if instance.hook != Some(id) {
                return; // its run ended meanwhile
            }
            instance.hook = None;
            if instance.stop > StopLevel::None {
                manager.settle(instance, End::Cancelled);
                return;
            }
            if let Err(failure) = &ended.how {
                refuse(instance, &hook.items, failure, &ended.output);
            }
            if manager.next_before(instance) {
                return;
            }
            manager.go_on(instance);
        });
    }

    /// All hooks before the run have ended: whatever they left of it is prepared.
    fn go_on(&mut self, instance: &mut Instance) {
        let Some(run) = &instance.run else {
            return;
        };
        let items: Vec<ItemId> = run
            .items
            .iter()
            .filter(|item| !item.refused && !item.skip && !item.status.is_terminal())
            .map(|item| item.id.clone())
            .collect();
        if items.is_empty() {
            self.settle(instance, End::Done);
            return;
        }
        if let Some(mut run) = instance.run.take() {
            self.watch(instance, &mut run);
            instance.run = Some(run);
        }
        self.begin_preparing(instance, items);
    }

    /// Somebody stops its run: the hook before it is ended, and its end is the end of the run.
    pub(crate) fn stop_before(&mut self, instance: &mut Instance) {
        instance.before.clear();
        if let Some(id) = instance.hook {
            self.effects.commands.push(Command::EndHook(id));
        }
    }

    /// Its run ended before its hooks did: they are ended, and what is planned never begins.
    pub(crate) fn end_before(&mut self, instance: &mut Instance) {
        instance.before.clear();
        if let Some(id) = instance.hook.take() {
            self.effects.commands.push(Command::EndHook(id));
        }
    }

    /// Everything is to stop: what runs after runs is let finish the first time, and ended the second.
    pub(crate) fn stop_hooks(&mut self) {
        for (id, hook) in &mut self.hooks {
            if std::mem::replace(&mut hook.asked_to_stop, true) || hook.stage == Stage::Before {
                self.effects.commands.push(Command::EndHook(*id));
            }
        }
    }

    fn tell_of_hook(&mut self, hook: &LiveHook, ended: &HookEnded) {
        let last = last_line(&ended.output);
        let detail = (!ended.output.is_empty()).then(|| ended.output.clone());
        let only = match hook.items.as_slice() {
            [only] => Some(crate::id::ItemRef {
                handler: hook.handler.clone(),
                item: only.clone(),
            }),
            _ => None,
        };
        let about = if only.is_some() {
            String::new()
        } else {
            format!("{}: ", self.names_of(&hook.handler, &hook.items))
        };
        let (level, text) = match (&ended.how, hook.stage, last) {
            (Ok(()), _, None) => return,
            (Ok(()), stage, Some(said)) => (
                Level::Information,
                format!("{about}the command `{}` said: {said}", stage.name()),
            ),
            (Err(failure), Stage::Before, said) if failure.later => (
                Level::Warning,
                format!("{about}the command `before` holds it back{}", colon(said)),
            ),
            (Err(failure), stage, said) => (
                Level::Warning,
                format!(
                    "{about}the command `{}` failed: {}{}",
                    stage.name(),
                    failure.text,
                    colon(said)
                ),
            ),
        };
        match only {
            Some(item) => self.warn_of_in_detail(&item, Some(hook.run), level, text, detail),
            None => {
                let handler = Some(hook.handler.clone());
                self.warn_in_detail(handler, Some(hook.run), level, text, detail)
            }
        };
    }

    /// What people call some items of a handler, the first few.
    fn names_of(&self, handler: &HandlerId, items: &[ItemId]) -> String {
        let names: Vec<String> = items
            .iter()
            .take(TOLD_NAMES)
            .map(|item| {
                let at = crate::id::ItemRef {
                    handler: handler.clone(),
                    item: item.clone(),
                };
                self.item(&at)
                    .map_or_else(|| item.to_string(), |row| row.name.clone())
            })
            .collect();
        match items.len().saturating_sub(names.len()) {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }
}

/// Takes items out of a run that has not begun.
fn refuse(instance: &mut Instance, items: &[ItemId], failure: &HookFailure, output: &str) {
    let said = colon(last_line(output));
    let text = if failure.later {
        format!("the command `before` holds it back for now{said}")
    } else {
        format!("the command `before` failed: {}{said}", failure.text)
    };
    let text = cut::bytes(text, cut::MAX_LINE);
    let Some(run) = &mut instance.run else {
        return;
    };
    run.row.problem.get_or_insert_with(|| text.clone());
    for id in items {
        if let Some(item) = run.item_mut(id)
            && !item.status.is_terminal()
        {
            item.refused = true;
            if item.skip {
                continue; // skipped meanwhile, and that is what becomes of it
            }
            item.status = ItemStatus::Failed;
            item.failure = Some(if failure.later {
                Failure::Soft
            } else {
                Failure::Hard
            });
            item.text.clone_from(&text);
            item.dirty = true;
        }
    }
}

/// The last line that says anything.
pub(crate) fn last_line(output: &str) -> Option<&str> {
    output
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())
}

fn colon(said: Option<&str>) -> String {
    said.map_or_else(String::new, |said| format!(": {said}"))
}
