//! Snapshots of what is: the verdict, items, and why an item is as it is.

use syncmgr_control::request::MAX_PAGE;
use syncmgr_control::view::{
    Freshness, ItemDetail, ItemView, ProgressView, Shown, StatusView, TaskView, VerdictView,
    WhyView,
};
use syncmgr_control::{ExitCode, Refusal};
use syncmgr_core::item::{Activation, Connected, ItemRow, ItemStatus, RunState};
use syncmgr_core::task::{ItemTask, Offer, item_task};
use syncmgr_core::{ItemRef, Timestamp};

use crate::adapt::to_view;
use crate::run::Loop;

/// How many runs an item's page shows.
const DETAIL_RUNS: usize = 5;

/// The tasks of an item with their words.
const TASKS: &[(ItemTask, &str)] = &[
    (ItemTask::StartSync, "start-sync"),
    (ItemTask::StopSync, "stop-sync"),
    (ItemTask::Plan, "plan"),
    (ItemTask::Undo, "undo"),
    (ItemTask::Enable, "enable"),
    (ItemTask::Disable, "disable"),
];

/// How many names a sentence spells out.
const SENTENCE_NAMES: usize = 3;

impl Loop {
    /// The verdict with the items, worst first.
    pub(crate) fn status(&self) -> StatusView {
        let mut items: Vec<ItemView> = self
            .all_items()
            .iter()
            .filter_map(|item| self.item_view(item))
            .collect();
        items.sort_by_key(|item| urgency(item.shown));
        let needs = self.open_needs(None).len() as u64;
        let conflicts = items.iter().map(|item| item.conflicts).sum();
        let verdict = verdict(&items, needs);
        let total = items.len() as u64;
        items.truncate(MAX_PAGE as usize);
        StatusView {
            verdict,
            items,
            total,
            needs,
            conflicts,
            running: self
                .manager
                .sessions()
                .flat_map(|session| session.instances)
                .filter_map(|instance| instance.run().map(|run| run.id.0))
                .collect(),
            daemon: self.daemon,
        }
    }

    /// One item as lists show it.
    pub(crate) fn item_view(&self, item: &ItemRef) -> Option<ItemView> {
        let row = self.manager.item(item)?;
        let now = self.now();
        let run_state = self.manager.run_state(item);
        let freshness = freshness(row, now);
        let conflicts = self.manager.conflict_count(item);
        let needs: Vec<u64> = self
            .manager
            .open_needs_of(item)
            .map(|need| need.id.0)
            .collect();
        let shown = self.shown(row, run_state, freshness, conflicts, !needs.is_empty());
        Some(ItemView {
            handler: item.handler.to_string(),
            id: item.item.to_string(),
            name: row.name.clone(),
            comment: row.comment.clone(),
            labels: row.labels.iter().cloned().collect(),
            shown,
            state: phrase(shown, conflicts, row),
            checked: row.checked,
            enabled: row.enabled,
            run_state: to_view::run_state(run_state),
            freshness,
            last_good_ms: row.last_good.map(|at| at.0),
            last_attempt_ms: row.last_attempt.map(|at| at.0),
            last_run: row.last_run.map(|run| run.0),
            problem: row.last_problem.clone(),
            conflicts,
            needs,
            progress: self.manager.live(item).and_then(|(instance, live)| {
                Some(ProgressView {
                    run: instance.run()?.id.0,
                    status: to_view::status(live.status),
                    text: live.text.to_owned(),
                    value: live.value,
                    max: live.max,
                    counts: to_view::counts(live.counts),
                })
            }),
        })
    }

    /// What a person sees of an item: its axes folded into one word, here alone.
    fn shown(
        &self,
        row: &ItemRow,
        run_state: RunState,
        freshness: Freshness,
        conflicts: u64,
        needs: bool,
    ) -> Shown {
        let handler = self.manager.handler(&row.at.handler);
        match run_state {
            RunState::Syncing => return Shown::Syncing,
            RunState::Stopping => return Shown::Stopping,
            RunState::Pending => return Shown::Pending,
            RunState::Idle => {}
        }
        if handler.is_some_and(|handler| handler.activation == Activation::Inactive) {
            Shown::NotSetUp
        } else if !row.enabled || handler.is_some_and(|handler| !handler.enabled) {
            Shown::Disabled
        } else if needs {
            Shown::NeedsYou
        } else if self.manager.pause_of(&row.at).is_some() {
            Shown::Paused
        } else if row.connected == Connected::No
            || row.last_status == Some(ItemStatus::Disconnected)
        {
            Shown::Disconnected
        } else if matches!(row.last_status, Some(ItemStatus::Failed | ItemStatus::Held)) {
            Shown::Failed
        } else if conflicts > 0 {
            Shown::Conflicts
        } else {
            match freshness {
                Freshness::New => Shown::New,
                Freshness::Late | Freshness::Overdue => Shown::Late,
                Freshness::Fresh => Shown::Fresh,
            }
        }
    }

    /// Why an item is as it is.
    pub(crate) fn why(&self, item: &ItemRef) -> WhyView {
        let view = self.item_view(item);
        WhyView {
            name: self.name(item),
            sentence: view.map(|view| view.state).unwrap_or_default(),
            reasons: Vec::new(),
            suggestion: None,
        }
    }

    /// One item with everything known about it.
    pub(crate) fn detail(&self, item: &ItemRef) -> Result<ItemDetail, Refusal> {
        let Some(view) = self.item_view(item) else {
            return Err(Refusal::new(
                "name::unknown",
                "the item is gone",
                "`syncmgr list` shows what there is",
            ));
        };
        let handler = self.manager.handler(&item.handler);
        let row = self.manager.item(item);
        let run_state = self.manager.run_state(item);
        let tasks = match (handler, row) {
            (Some(handler), Some(row)) => TASKS
                .iter()
                .filter_map(|(task, word)| {
                    let greyed = match item_task(handler, row, run_state, *task) {
                        Offer::Hidden => return None,
                        Offer::Greyed(why) => Some(why.fragment().to_owned()),
                        Offer::Offered => None,
                    };
                    Some(TaskView {
                        task: (*word).to_owned(),
                        greyed,
                    })
                })
                .collect(),
            _ => Vec::new(),
        };
        Ok(ItemDetail {
            handler_name: handler.map_or_else(String::new, |handler| handler.name.clone()),
            definition: self
                .config
                .config
                .item
                .iter()
                .find(|config| config.handler == view.handler && config.id == view.id)
                .map(|config| config.definition.clone()),
            runs: self
                .latest_runs(item, DETAIL_RUNS)?
                .iter()
                .map(|run| to_view::run(run, vec![view.name.clone()], 1))
                .collect(),
            needs: self.open_needs(Some(item)),
            tasks,
            item: view,
        })
    }
}

fn freshness(row: &ItemRow, now: Timestamp) -> Freshness {
    match (row.last_good, row.expected_freshness) {
        (None, _) => Freshness::New,
        (Some(_), None) => Freshness::Fresh,
        (Some(good), Some(expected)) => match now.since(good) {
            age if age > expected * 2 => Freshness::Overdue,
            age if age > expected => Freshness::Late,
            _ => Freshness::Fresh,
        },
    }
}

fn phrase(shown: Shown, conflicts: u64, row: &ItemRow) -> String {
    match shown {
        Shown::NotSetUp => "not set up".to_owned(),
        Shown::Disabled => "turned off".to_owned(),
        Shown::Paused => "paused".to_owned(),
        Shown::Disconnected => "cannot be reached".to_owned(),
        Shown::NeedsYou => "needs you".to_owned(),
        Shown::Conflicts if conflicts == 1 => "1 conflict".to_owned(),
        Shown::Conflicts => format!("{conflicts} conflicts"),
        Shown::Failed => row
            .last_problem
            .clone()
            .unwrap_or_else(|| "failed".to_owned()),
        Shown::Pending => "waits".to_owned(),
        Shown::Syncing => "synchronizing".to_owned(),
        Shown::Stopping => "stopping".to_owned(),
        Shown::New => "never synchronized".to_owned(),
        Shown::Late => "late".to_owned(),
        Shown::Fresh => "in sync".to_owned(),
    }
}

/// The order in which lists show items, worst first.
fn urgency(shown: Shown) -> u8 {
    match shown {
        Shown::Failed => 0,
        Shown::NeedsYou => 1,
        Shown::Conflicts => 2,
        Shown::Disconnected => 3,
        Shown::Late => 4,
        Shown::New => 5,
        Shown::Stopping | Shown::Syncing => 6,
        Shown::Pending => 7,
        Shown::Paused => 8,
        Shown::NotSetUp => 9,
        Shown::Disabled => 10,
        Shown::Fresh => 11,
    }
}

fn verdict(items: &[ItemView], needs: u64) -> VerdictView {
    let named = |shown: &[Shown]| -> Vec<&str> {
        items
            .iter()
            .filter(|item| shown.contains(&item.shown))
            .map(|item| item.name.as_str())
            .collect()
    };
    let sentence = |names: &[&str], one: &str, many: &str| {
        let listed = names
            .iter()
            .take(SENTENCE_NAMES)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        match names.len() {
            1 => format!("{listed} {one}."),
            n if n <= SENTENCE_NAMES => format!("{listed} {many}."),
            n => format!("{n} items {many}: {listed}, …"),
        }
    };
    let view = |exit, sentence: String, suggestion: Option<String>| VerdictView {
        sentence,
        exit,
        suggestion,
    };
    let failed = named(&[Shown::Failed, Shown::Disconnected]);
    let waiting = named(&[Shown::NeedsYou]);
    let conflicts = named(&[Shown::Conflicts]);
    let late = named(&[Shown::Late]);
    let new = named(&[Shown::New]);
    let running = named(&[Shown::Syncing, Shown::Stopping, Shown::Pending]);
    if items.is_empty() {
        return view(
            ExitCode::Good,
            "Nothing is set up yet.".to_owned(),
            Some("syncmgr sync LEFT RIGHT".to_owned()),
        );
    }
    if let [first, ..] = failed.as_slice() {
        let why = Some(format!("syncmgr why {first}"));
        return view(
            ExitCode::Failed,
            sentence(&failed, "is not in sync", "are not in sync"),
            why,
        );
    }
    if needs > 0 {
        let all = if waiting.is_empty() {
            "A question waits for you.".to_owned()
        } else {
            sentence(&waiting, "waits for your answer", "wait for your answer")
        };
        return view(ExitCode::NeedsYou, all, Some("syncmgr needs".to_owned()));
    }
    if !conflicts.is_empty() {
        let all = sentence(&conflicts, "has conflicts", "have conflicts");
        return view(
            ExitCode::NeedsYou,
            all,
            Some("syncmgr conflicts".to_owned()),
        );
    }
    if let [first, ..] = late.as_slice() {
        let sync = Some(format!("syncmgr sync {first}"));
        return view(
            ExitCode::Warnings,
            sentence(&late, "is late", "are late"),
            sync,
        );
    }
    if let [first, ..] = new.as_slice() {
        let sync = Some(format!("syncmgr sync {first}"));
        let all = sentence(&new, "was never synchronized", "were never synchronized");
        return view(ExitCode::Warnings, all, sync);
    }
    if !running.is_empty() {
        return view(
            ExitCode::Good,
            sentence(&running, "is being synchronized", "are being synchronized"),
            None,
        );
    }
    view(ExitCode::Good, "Everything is in sync.".to_owned(), None)
}
