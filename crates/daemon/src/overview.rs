//! Snapshots of what is: the verdict, items, and why an item is as it is.

use syncmgr_control::request::MAX_PAGE;
use syncmgr_control::view::{
    self, ItemDetail, ItemView, ProgressView, RemarkView, StatusView, TaskView, VerdictView,
};
use syncmgr_control::{ExitCode, Refusal};
use syncmgr_core::freshness::told;
use syncmgr_core::freshness::{Freshness, freshness};
use syncmgr_core::item::{ItemCapability, ItemRow, RunState};
use syncmgr_core::log::Level;
use syncmgr_core::record::PauseScope;
use syncmgr_core::saying::{Moment, Saying};
use syncmgr_core::stuck::Stall;
use syncmgr_core::task::{Greyed, ItemTask, Offer, item_task};
use syncmgr_core::verdict::{Exit, Shown, Verdict, unfinished};
use syncmgr_core::why::{About, Reason};
use syncmgr_core::{HandlerId, ItemRef};
use syncmgr_store::LogFilter;

use crate::adapt::to_said::{known, said};
use crate::adapt::to_view;
use crate::awake::KeptAwake;
use crate::launch;
use crate::run::Loop;
use crate::wording::{Rest, Standing, State};

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
        let now = self.now();
        let mut order: Vec<(Shown, &ItemRef)> = Vec::new();
        let mut conflicts = 0;
        let mut as_of_ms = None;
        for standing in self.manager.standings(now) {
            order.push((standing.shown, &standing.row.at));
            conflicts += standing.conflicts;
            if let (Shown::Fresh, Some(at)) = (standing.shown, standing.row.last_good) {
                as_of_ms = Some(as_of_ms.map_or(at.0, |before: i64| before.min(at.0)));
            }
        }
        order.sort_by_key(|(standing, _)| std::cmp::Reverse(*standing));
        let items = order
            .iter()
            .take(MAX_PAGE as usize)
            .filter_map(|(_, item)| self.item_view(item))
            .collect();
        let mut verdict = self.manager.verdict(now);
        self.leave_out(&mut verdict);
        StatusView {
            items,
            ..self.status_of(&verdict, conflicts, as_of_ms)
        }
    }

    /// A verdict with everything beside its items.
    pub(crate) fn status_of(
        &self,
        verdict: &Verdict,
        conflicts: u64,
        as_of_ms: Option<i64>,
    ) -> StatusView {
        let needs = verdict.open_needs;
        let problems = verdict
            .problems
            .iter()
            .take(MAX_PAGE as usize)
            .filter_map(|id| to_view::problem(self.manager.handler(id)?))
            .collect();
        let empty = verdict.empty.iter().map(ToString::to_string).collect();
        let unasked = verdict.unasked.iter().map(ToString::to_string).collect();
        let total = verdict.items;
        let by_name = self.by_name(verdict);
        let mut verdict = self.verdict_view(verdict);
        verdict.as_of_ms = as_of_ms.filter(|_| verdict.exit == ExitCode::Good);
        let remarks = self.remarks(by_name);
        if remarks.iter().any(|remark| remark.problem) {
            const NOT_IN_FORCE: &str = "the configuration as it was edited is not in force.";
            let good = verdict.exit == ExitCode::Good;
            let but = if good { "But" } else { "Besides," };
            verdict.sentence = format!("{} {but} {NOT_IN_FORCE}", verdict.sentence);
            if good {
                verdict.exit = ExitCode::Warnings;
                verdict.suggestion = Some("syncmgr doctor".to_owned());
            }
        }
        StatusView {
            verdict,
            items: Vec::new(),
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
            next: self.next_view(),
            problems,
            unasked,
            empty,
            remarks,
        }
    }

    /// What a person should know of the manager itself.
    fn remarks(&self, by_name: Option<RemarkView>) -> Vec<RemarkView> {
        let broken = self.config_problem.iter().map(|refusal| RemarkView {
            about: "configuration".to_owned(),
            text: crate::adapt::text::line(&crate::reload::problem(refusal)),
            said: None,
            hint: refusal.hint.clone(),
            problem: true,
        });
        let awake = self.manager.awake_until().map(|until| {
            let problem = self.kept_awake.as_ref().and_then(KeptAwake::problem);
            let text = Saying::from(match problem {
                None => Standing::Awake {
                    at: Moment::new(until, self.manager.zone()),
                },
                Some(why) => Standing::NotAwake {
                    why: why.to_owned(),
                },
            });
            RemarkView {
                about: "awake".to_owned(),
                said: Some(said(&text)),
                text: text.into(),
                hint: None,
                problem: false,
            }
        });
        broken.chain(by_name).chain(awake).collect()
    }

    /// What a plain `sync` leaves out and no rule starts, which the verdict must not pass over in silence.
    fn by_name(&self, verdict: &Verdict) -> Option<RemarkView> {
        let first = verdict.named.first()?;
        let text = self.by_name_text(verdict)?;
        Some(RemarkView {
            about: "ticks".to_owned(),
            said: Some(said(&text)),
            text: text.into(),
            hint: Some(if verdict.by_name == 1 {
                format!(
                    "`syncmgr tick {}` ticks it again",
                    quoted(&self.name(first))
                )
            } else {
                "`syncmgr tick NAME` ticks one again".to_owned()
            }),
            problem: false,
        })
    }

    fn by_name_text(&self, verdict: &Verdict) -> Option<Saying> {
        let names: Vec<String> = verdict
            .named
            .iter()
            .take(SENTENCE_NAMES)
            .map(|item| self.name(item))
            .collect();
        let more = verdict.by_name > names.len() as u64;
        let names = names.join(", ") + if more { ", …" } else { "" };
        Some(Saying::from(match verdict.by_name {
            0 => return None,
            1 => Standing::OneByName { name: names },
            count => Standing::ByName { count, names },
        }))
    }

    /// M-30: classes that nobody can make are left out silently; `handlers` and `doctor` tell of them.
    pub(crate) fn leave_out(&self, verdict: &mut Verdict) {
        let made = |id: &HandlerId| {
            self.config
                .config
                .handler
                .iter()
                .find(|entry| entry.id.eq_ignore_ascii_case(id.as_str()))
                .and_then(|entry| entry.class.as_ref().filter(|_| entry.library.is_none()))
                .is_none_or(|class| launch::can_be_made(class))
        };
        verdict.empty.retain(made);
        let unasked = verdict.unasked.len();
        verdict.unasked.retain(made);
        // Nobody waits for what was left out.
        let only = unasked > 0 && verdict.unasked.is_empty() && verdict.new == 0;
        if only && verdict.worst == Shown::New {
            verdict.worst = Shown::Fresh;
        }
    }

    /// One item as lists show it.
    pub(crate) fn item_view(&self, item: &ItemRef) -> Option<ItemView> {
        let row = self.manager.item(item)?;
        let now = self.now();
        let run_state = self.manager.run_state(item);
        let conflicts = self.manager.conflict_count(item);
        let needs: Vec<u64> = self
            .manager
            .open_needs_of(item)
            .map(|need| need.id.0)
            .collect();
        let shown = self.manager.shown(item, now);
        Some(ItemView {
            handler: item.handler.to_string(),
            handler_name: self.manager.handler_name(&item.handler),
            id: item.item.to_string(),
            name: row.name.clone(),
            comment: row.comment.clone(),
            labels: row.labels.iter().cloned().collect(),
            shown: shown_view(shown),
            state: self.state(item, shown, row).into(),
            checked: row.checked,
            enabled: row.enabled,
            run_state: to_view::run_state(run_state),
            freshness: freshness_view(freshness(row, now)),
            last_good_ms: row.last_good.map(|at| at.0),
            last_attempt_ms: row.last_attempt.map(|at| at.0),
            last_run: row.last_run.map(|run| run.0),
            problem_said: row.last_problem.as_deref().and_then(known),
            problem: row.last_problem.clone(),
            late: self.manager.lateness(item, now).map(String::from),
            expected_ms: row
                .expected_freshness
                .map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
            stuck: self.manager.stuck(item).map(Stall::fragment),
            conflicts,
            needs,
            progress: self.progress(item),
            request: self.manager.request_of(item).map(|request| request.0),
            window: self.has_window(item),
            properties: row.capabilities.contains(&ItemCapability::Properties),
        })
    }

    /// Whether the handler of an item that runs shows a window of its own (M-119).
    pub(crate) fn has_window(&self, item: &ItemRef) -> bool {
        let run = self.manager.live(item).and_then(|(of, _)| of.run());
        run.is_some_and(|run| self.manager.has_window(run.id))
    }

    /// How far an item is in the run that it takes part in now.
    pub(crate) fn progress(&self, item: &ItemRef) -> Option<ProgressView> {
        let (instance, live) = self.manager.live(item)?;
        Some(ProgressView {
            run: instance.run()?.id.0,
            status: to_view::status(live.status),
            text: live.text.to_owned(),
            value: live.value,
            max: live.max,
            counts: to_view::counts(live.counts),
        })
    }

    /// The verdict as one sentence.
    pub(crate) fn verdict_sentence(&self) -> String {
        self.verdict_view(&self.manager.verdict(self.now()))
            .sentence
    }

    /// The verdict in words.
    fn verdict_view(&self, verdict: &Verdict) -> VerdictView {
        let names: Vec<String> = verdict
            .which
            .iter()
            .take(SENTENCE_NAMES)
            .map(|item| self.name(item))
            .collect();
        let of = |count: u64, one: &str, many: &str| {
            let listed = names.join(", ");
            match count {
                1 => format!("{listed} {one}."),
                n if n <= SENTENCE_NAMES as u64 => format!("{listed} {many}."),
                n => format!("{n} items {many}: {listed}, …"),
            }
        };
        let first = names.first().map_or("", String::as_str);
        // What runs already is told so, and needs no command; its exit code says how it stands until it is done.
        let behind = match verdict.worst {
            Shown::New => verdict.new,
            Shown::Unfinished => verdict.unfinished,
            _ => 0,
        };
        let running = behind > 0
            && verdict.which.len() as u64 == behind
            && verdict
                .which
                .iter()
                .all(|item| self.manager.run_state(item) != RunState::Idle);
        let sentence = match verdict.worst {
            _ if !verdict.problems.is_empty() => self.problem_sentence(verdict),
            Shown::NeedsYou if names.is_empty() => "A question waits for you.".to_owned(),
            _ if verdict.items == 0 => self.empty_sentence(verdict),
            // No item is new; a handler is.
            Shown::New if names.is_empty() => self.empty_sentence(verdict),
            Shown::Failed | Shown::Unfinished
                if let [only] = verdict.which.as_slice()
                    && let Some(stall) = self.manager.stuck(only) =>
            {
                format!("{first} is stuck: {}.", stall.fragment())
            }
            Shown::Late | Shown::Overdue
                if let [only] = verdict.which.as_slice()
                    && let Some(why) = self.manager.lateness(only, self.now()) =>
            {
                let word = if verdict.worst == Shown::Late {
                    "late"
                } else {
                    "overdue"
                };
                format!("{first} is {word}: {}.", why.as_str().trim_end_matches('.'))
            }
            Shown::Failed => of(verdict.failed, "is not in sync", "are not in sync"),
            Shown::NeedsYou => of(
                verdict.needs_you,
                "waits for your answer",
                "wait for your answer",
            ),
            Shown::Conflicts => of(verdict.conflicts, "has conflicts", "have conflicts"),
            Shown::Overdue => of(verdict.overdue, "is overdue", "are overdue"),
            Shown::Late => of(verdict.late, "is late", "are late"),
            Shown::Disconnected => of(
                verdict.disconnected,
                "cannot be reached",
                "cannot be reached",
            ),
            Shown::Unfinished if running => of(
                verdict.unfinished,
                "is being synchronized again",
                "are being synchronized again",
            ),
            Shown::New if running => of(
                verdict.new,
                "is being synchronized for the first time",
                "are being synchronized for the first time",
            ),
            Shown::Unfinished => match verdict.which.first() {
                Some(only) if verdict.unfinished == 1 => {
                    let row = self.manager.item(only);
                    let why = row.and_then(unfinished).map(String::from);
                    let why = why.as_deref().unwrap_or("it was not finished");
                    format!("{first} is not in sync: {why}.")
                }
                _ => of(verdict.unfinished, "is not finished", "are not finished"),
            },
            Shown::New => of(
                verdict.new,
                "was never synchronized",
                "were never synchronized",
            ),
            Shown::Stopping | Shown::Syncing | Shown::Pending => {
                "Everything was in sync; a run is going on.".to_owned()
            }
            Shown::Paused | Shown::NotSetUp | Shown::Disabled | Shown::Fresh => {
                match verdict.paused + verdict.off {
                    0 if verdict.busy > 0 => {
                        "Everything was in sync; a run is going on.".to_owned()
                    }
                    held if held > 0 && held == verdict.items => {
                        "Everything is paused or turned off.".to_owned()
                    }
                    held => {
                        let held = (held > 0).then(|| format!("{held} paused or turned off"));
                        let by_name = self.by_name_text(verdict).map(String::from);
                        let but: Vec<String> = held.into_iter().chain(by_name).collect();
                        if but.is_empty() {
                            "Everything is in sync.".to_owned()
                        } else {
                            format!("Everything is in sync, but {}.", but.join(", and "))
                        }
                    }
                }
            }
        };
        let suggestion = if !verdict.problems.is_empty() {
            // What it wrote last, and how often it failed.
            Some("syncmgr handlers".to_owned())
        } else if let Some(id) = verdict
            .unasked
            .iter()
            .chain(&verdict.empty)
            .next()
            .filter(|_| names.is_empty() && matches!(verdict.worst, Shown::New | Shown::Fresh))
        {
            Some(format!("syncmgr sync {}", quoted(id.as_str())))
        } else if verdict.items == 0 && verdict.worst != Shown::NeedsYou {
            Some("syncmgr sync LEFT RIGHT".to_owned())
        } else if running {
            None
        } else {
            self.best_command(verdict.worst, verdict.which.first(), first)
        };
        VerdictView {
            sentence,
            exit: exit_code(verdict.worst.exit()),
            suggestion,
            as_of_ms: None,
        }
    }

    /// What is wrong with handlers themselves, and which other items are not in sync.
    fn problem_sentence(&self, verdict: &Verdict) -> String {
        let sentence = match verdict.problems.as_slice() {
            [one] => match self.manager.handler(one).and_then(to_view::problem) {
                Some(problem) => format!(
                    "{} {}: {}.",
                    self.manager.called(one),
                    problem.step.phrase(),
                    problem.text.trim_end_matches('.')
                ),
                None => format!("{one} does not work."),
            },
            several => format!(
                "{} handlers do not work: {}.",
                several.len(),
                self.handler_names(several)
            ),
        };
        let others: Vec<String> = verdict
            .which
            .iter()
            .filter(|item| !verdict.problems.contains(&item.handler))
            .map(|item| self.name(item))
            .collect();
        match others.as_slice() {
            [] => sentence,
            [one] => format!("{sentence} {one} is not in sync."),
            several if several.len() <= SENTENCE_NAMES => {
                format!("{sentence} {} are not in sync.", several.join(", "))
            }
            several => format!("{sentence} {} items are not in sync.", several.len()),
        }
    }

    /// What there is where there is no item: handlers that may have some, or nothing at all.
    fn empty_sentence(&self, verdict: &Verdict) -> String {
        let (handlers, one, many) = if verdict.unasked.is_empty() {
            (&verdict.empty, "lists no items", "list no items")
        } else {
            (
                &verdict.unasked,
                "was never asked what it synchronizes",
                "were never asked what they synchronize",
            )
        };
        match handlers.as_slice() {
            [] => "Nothing is set up yet.".to_owned(),
            [only] => format!("{} is registered and {one}.", self.manager.called(only)),
            several => format!(
                "{} handlers are registered and {many}: {}.",
                several.len(),
                self.handler_names(several)
            ),
        }
    }

    fn handler_names(&self, ids: &[HandlerId]) -> String {
        let mut names: Vec<String> = ids
            .iter()
            .take(SENTENCE_NAMES)
            .map(|id| self.manager.called(id))
            .collect();
        if ids.len() > SENTENCE_NAMES {
            names.push("…".to_owned());
        }
        names.join(", ")
    }

    /// What an item is, in a few words.
    pub(crate) fn state(&self, item: &ItemRef, shown: Shown, row: &ItemRow) -> Saying {
        let until = self
            .manager
            .pause_of(item)
            .filter(|_| shown == Shown::Paused)
            .and_then(|pause| pause.until);
        if shown == Shown::Pending
            && let Some(lane) = self.manager.waits_for_lane(item)
        {
            return State::WaitsLane {
                lane: lane.lane.to_string(),
                holder: self.manager.holder(&lane),
            }
            .into();
        }
        match until {
            Some(until) => State::PausedFor {
                rest: Rest(until.since(self.now())),
            }
            .into(),
            None => phrase(shown, self.manager.conflict_count(item), row),
        }
    }

    /// What the suggested command has to name: of a pause, whatever it is that was paused.
    fn to_name(&self, shown: Shown, item: Option<&ItemRef>, name: &str) -> String {
        let pause = item
            .filter(|_| shown == Shown::Paused)
            .and_then(|item| self.manager.pause_of(item));
        match pause.map(|pause| &pause.scope) {
            Some(PauseScope::All) => String::new(),
            Some(PauseScope::Handler(handler)) => handler.to_string(),
            Some(PauseScope::Item(_)) | None => name.to_owned(),
        }
    }

    /// The one command that would help most. A log that says nothing about the item helps nobody.
    pub(crate) fn best_command(
        &self,
        shown: Shown,
        item: Option<&ItemRef>,
        name: &str,
    ) -> Option<String> {
        if shown == Shown::Failed
            && let Some(row) = item.and_then(|item| self.manager.item(item))
        {
            let filter = LogFilter {
                item: Some(row.at.clone()),
                run: row.last_run,
                at_least: Some(Level::Warning),
                ..LogFilter::default()
            };
            // What cannot be read is no reason to suggest nothing.
            let silent = self
                .read(|reader| reader.log(&filter, 1))
                .is_ok_and(|entries| entries.is_empty());
            if silent {
                return Some(row.last_run.map_or_else(
                    || format!("syncmgr why {}", quoted(name)),
                    |run| format!("syncmgr run {run}"),
                ));
            }
        }
        let command = suggestion(shown, &self.to_name(shown, item, name))?;
        let own_program = item.is_some_and(|item| self.manager.reports_only(&item.handler));
        Some(if own_program && command.starts_with("syncmgr sync ") {
            // Nobody starts it here.
            format!("syncmgr why {}", quoted(name))
        } else {
            command
        })
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
                        // That nothing runs is seen anyway.
                        Offer::Hidden | Offer::Greyed(Greyed::NotRunning) => return None,
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
        let properties = view.properties.then(|| TaskView {
            task: "properties".to_owned(),
            greyed: None,
        });
        Ok(ItemDetail {
            handler_name: handler.map_or_else(String::new, |handler| handler.name.clone()),
            definition: self
                .config
                .config
                .item
                .iter()
                .find(|config| config.handler == view.handler && config.id == view.id)
                .map(|config| syncmgr_handler::mask::masked_value(&config.definition)),
            runs: self
                .latest_runs(item, DETAIL_RUNS)?
                .iter()
                .map(|(run, part)| view::RunView {
                    part: part.map(to_view::counts),
                    ..to_view::run(run, vec![view.name.clone()], 1)
                })
                .collect(),
            needs: self.open_needs(Some(item)),
            tasks: tasks.into_iter().chain(properties).collect(),
            policies: self.policy_views(item),
            item: view,
        })
    }
}

fn freshness_view(freshness: Freshness) -> view::Freshness {
    match freshness {
        Freshness::New => view::Freshness::New,
        Freshness::Fresh => view::Freshness::Fresh,
        Freshness::Late => view::Freshness::Late,
        Freshness::Overdue => view::Freshness::Overdue,
    }
}

pub(crate) fn shown_view(shown: Shown) -> view::Shown {
    match shown {
        Shown::Fresh => view::Shown::Fresh,
        Shown::Disabled => view::Shown::Disabled,
        Shown::NotSetUp => view::Shown::NotSetUp,
        Shown::Paused => view::Shown::Paused,
        Shown::Pending => view::Shown::Pending,
        Shown::Syncing => view::Shown::Syncing,
        Shown::Stopping => view::Shown::Stopping,
        Shown::New => view::Shown::New,
        Shown::Unfinished => view::Shown::Unfinished,
        Shown::Disconnected => view::Shown::Disconnected,
        Shown::Late | Shown::Overdue => view::Shown::Late,
        Shown::Conflicts => view::Shown::Conflicts,
        Shown::NeedsYou => view::Shown::NeedsYou,
        Shown::Failed => view::Shown::Failed,
    }
}

fn exit_code(exit: Exit) -> ExitCode {
    match exit {
        Exit::Good => ExitCode::Good,
        Exit::Warnings => ExitCode::Warnings,
        Exit::Failed => ExitCode::Failed,
        Exit::NeedsYou => ExitCode::NeedsYou,
    }
}

/// What an item is, in a few words.
fn phrase(shown: Shown, conflicts: u64, row: &ItemRow) -> Saying {
    match shown {
        Shown::NotSetUp => State::NotSetUp,
        Shown::Disabled => State::Off,
        Shown::Paused => State::Paused,
        Shown::Disconnected => State::Away,
        Shown::NeedsYou => State::NeedsYou,
        Shown::Conflicts if conflicts == 1 => State::Conflict,
        Shown::Conflicts => State::Conflicts { count: conflicts },
        Shown::Failed => match &row.last_problem {
            Some(problem) => State::Told {
                what: told(problem),
            },
            None => State::Failed,
        },
        Shown::Pending => State::Waits,
        Shown::Syncing => State::Syncing,
        Shown::Stopping => State::Stopping,
        Shown::New => State::New,
        // Why is told beside it.
        Shown::Unfinished if row.last_problem.is_some() => State::Unfinished,
        Shown::Unfinished => State::Told {
            what: unfinished(row).unwrap_or_else(|| told("stopped before it was done")),
        },
        Shown::Late => State::Late,
        Shown::Overdue => State::Overdue,
        Shown::Fresh => State::Fresh,
    }
    .into()
}

/// Whether what was looked at is what the item is shown for.
pub(crate) fn is_about(shown: Shown, about: About) -> bool {
    matches!(
        (shown, about),
        (Shown::NotSetUp, About::SetUp)
            | (Shown::Disabled, About::Enabled)
            | (Shown::Paused, About::Pause)
            | (Shown::NeedsYou, About::Need)
            | (
                Shown::Failed | Shown::Unfinished,
                About::LastRun | About::Stuck
            )
            | (Shown::Conflicts, About::Conflicts)
            | (Shown::Disconnected, About::Connected)
            | (Shown::Late | Shown::Overdue, About::Freshness)
            | (Shown::Pending, About::Lane)
    )
}

/// Whether a reason says anything that the state beside it does not.
pub(crate) fn says_more(shown: Shown, state: &Saying, reason: &Reason) -> bool {
    let same = match shown {
        Shown::NotSetUp
        | Shown::Conflicts
        | Shown::Disconnected
        | Shown::Late
        | Shown::Overdue
        | Shown::Pending => true,
        Shown::Disabled => reason.now == "it is off",
        Shown::Paused => reason.now == "it is paused",
        Shown::Failed
        | Shown::Unfinished
        | Shown::NeedsYou
        | Shown::Fresh
        | Shown::New
        | Shown::Syncing
        | Shown::Stopping => reason.now == state.as_str(),
    };
    !(same && is_about(shown, reason.about))
}

/// The one command that would help most.
fn suggestion(shown: Shown, name: &str) -> Option<String> {
    match shown {
        // Where the log tells nothing of the failure, the run is shown instead: see `Loop::best_command`.
        Shown::Failed => Some(format!("syncmgr log {}", quoted(name))),
        Shown::NeedsYou => Some("syncmgr needs".to_owned()),
        Shown::Conflicts => Some("syncmgr conflicts".to_owned()),
        Shown::Overdue | Shown::Late | Shown::New | Shown::Unfinished | Shown::Disconnected => {
            Some(format!("syncmgr sync {}", quoted(name)))
        }
        Shown::Paused if name.is_empty() => Some("syncmgr resume".to_owned()),
        Shown::Paused => Some(format!("syncmgr resume {}", quoted(name))),
        Shown::Disabled => Some(format!("syncmgr enable {}", quoted(name))),
        Shown::Stopping | Shown::Syncing | Shown::Pending | Shown::NotSetUp | Shown::Fresh => None,
    }
}

/// A name as a shell takes it.
pub(crate) fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_not_told_twice() {
        let reason = |about, now: &str| Reason {
            about,
            blocks: true,
            wanted: told(""),
            now: told(now),
            since: None,
            until: None,
            unblocked_by: None,
        };
        let conflicts = reason(About::Conflicts, "3 open");
        assert!(!says_more(
            Shown::Conflicts,
            &told("3 conflicts"),
            &conflicts
        ));
        let paused = reason(About::Pause, "it is paused");
        assert!(!says_more(Shown::Paused, &told("paused"), &paused));
        let all = reason(About::Pause, "everything is paused");
        assert!(says_more(Shown::Paused, &told("paused"), &all));
        let full = reason(About::LastRun, "the disk is full");
        assert!(!says_more(Shown::Failed, &told("the disk is full"), &full));
        assert!(says_more(Shown::Failed, &told("failed"), &full));
    }
}
