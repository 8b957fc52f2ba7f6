//! What instances say, taken in as the phase table allows, and what follows from it.

use crate::command::{Command, Reply, ReplyId};
use crate::conflict::{ConflictRow, MAX_CONFLICTS_PER_ITEM};
use crate::cut;
use crate::ending::End;
use crate::event::EventKind;
use crate::id::{InstanceId, ItemId};
use crate::input::{InstanceInput, ListedItem};
use crate::instance::{Instance, LiveItem, MAX_VIOLATIONS};
use crate::item::{Counts, Failure};
use crate::log::Level;
use crate::manager::Manager;
use crate::need::{NeedRow, NeedState};
use crate::paired::Over;
use crate::phase::{Kind, Phase, Step, obligation, step};
use crate::problem::FailedStep;
use crate::record::Record;
use crate::request::{IfRunning, Request, RequestOutcome, Scope, Trigger, Work};
use crate::run::RunKind;

impl Manager {
    /// Takes in what an instance says. One that is unknown, or released, is not heard.
    pub(crate) fn hear(&mut self, id: InstanceId, said: InstanceInput) {
        // The common case first, and without touching the session: it costs the same however many items there are.
        let said = match said {
            InstanceInput::Progress(progress, reply) => {
                if let Some(mut instance) = self.instances.remove(&id) {
                    if instance.heard(self.now) {
                        self.heard_again(&mut instance);
                    }
                    self.progress(&mut instance, progress, reply);
                    self.instances.insert(id, instance);
                } else if let Some(to) = reply {
                    let verdict = Reply::Verdict(crate::command::Verdict::CancelAll);
                    self.reply(id, to, verdict); // 3.5.10
                }
                return;
            }
            InstanceInput::Exited {
                how,
                requested,
                stderr,
            } => {
                self.exited(id, how, requested, stderr);
                return;
            }
            said @ (InstanceInput::Spawned { .. }
            | InstanceInput::Initialized(_)
            | InstanceInput::Declined
            | InstanceInput::NotInitialized(_)
            | InstanceInput::ItemsPage(_)
            | InstanceInput::ItemsListed { .. }
            | InstanceInput::ItemsNotListed(_)
            | InstanceInput::PrepareReturned(_)
            | InstanceInput::PrepareCompleted(_)
            | InstanceInput::SynchronizeReturned(_)
            | InstanceInput::SynchronizeCompleted(_)
            | InstanceInput::Log { .. }
            | InstanceInput::DeleteLog(_)
            | InstanceInput::Prompt { .. }
            | InstanceInput::WithdrawPrompt { .. }
            | InstanceInput::Recalled { .. }
            | InstanceInput::EnableModeless { .. }
            | InstanceInput::EstablishConnection { .. }
            | InstanceInput::QueryLateItems(_)
            | InstanceInput::AddItem(..)
            | InstanceInput::ProposeItem(..)
            | InstanceInput::CommitItem(..)
            | InstanceInput::ItemsChanged
            | InstanceInput::ConflictsChanged(_)
            | InstanceInput::ConflictsListed { .. }
            | InstanceInput::ConflictsNotListed(_)
            | InstanceInput::Undone(_)
            | InstanceInput::Resolved(_)
            | InstanceInput::ShowErrorReturned(_)
            | InstanceInput::ShowErrorCompleted(_)
            | InstanceInput::PropertiesRead(_)
            | InstanceInput::ShowPropertiesReturned(_)
            | InstanceInput::ShowPropertiesCompleted(_)
            | InstanceInput::Violation(_)) => said,
        };
        self.with(id, |manager, instance| {
            if instance.heard(manager.now) {
                manager.heard_again(instance);
            }
            manager.listen(instance, said);
        });
    }

    /// Checks what was said against the phase table; true when it takes effect.
    fn admit(&mut self, instance: &mut Instance, kind: Kind) -> bool {
        match step(instance.phase(), kind) {
            Step::Stay => true,
            Step::To(_) => instance.enter(kind),
            Step::Late => false,
            Step::Repeat => {
                let begun = match kind {
                    Kind::PrepareCompleted => instance.prepare.was_begun(),
                    Kind::SynchronizeCompleted => instance.synchronize.was_begun(),
                    Kind::ShowErrorCompleted => instance.show_error.was_begun(),
                    Kind::PropertiesCompleted => instance.show_properties.was_begun(),
                    Kind::Initialized
                    | Kind::NotInitialized
                    | Kind::Page
                    | Kind::Listed
                    | Kind::PrepareReturned
                    | Kind::SynchronizeReturned
                    | Kind::Progress
                    | Kind::Prompt
                    | Kind::Modeless
                    | Kind::Connection
                    | Kind::Late
                    | Kind::Note
                    | Kind::Undone
                    | Kind::Resolved
                    | Kind::ConflictsListed
                    | Kind::ShowErrorReturned
                    | Kind::PropertiesReturned
                    | Kind::List
                    | Kind::Properties
                    | Kind::EndProperties
                    | Kind::EndPropertiesAfterRun
                    | Kind::Prepare
                    | Kind::FinishPrepare
                    | Kind::Synchronize
                    | Kind::Undo
                    | Kind::Resolve
                    | Kind::Review
                    | Kind::Finish
                    | Kind::ShowError
                    | Kind::Release => false,
                };
                if !begun {
                    let number = obligation(kind);
                    self.violation(
                        instance,
                        format!("{number}: {kind:?} of work that was never started"),
                    ); // M-84
                }
                false
            }
            Step::Illegal => {
                let phase = instance.phase();
                let number = obligation(kind);
                self.violation(instance, format!("{number}: {kind:?} while {phase:?}"));
                false
            }
        }
    }

    /// A list is welcome where one was asked for, which after the first means: read again.
    fn admit_list(&mut self, instance: &mut Instance, kind: Kind) -> bool {
        let again = matches!(instance.phase(), Phase::Listed | Phase::Done);
        if again && !instance.relisting {
            let number = obligation(kind);
            self.violation(
                instance,
                format!("{number}: {kind:?} that nobody asked for"),
            );
            return false;
        }
        self.admit(instance, kind)
    }

    /// Records a breach of the contract, a bounded number of them; it has no other effect.
    pub(crate) fn violation(&mut self, instance: &mut Instance, text: String) {
        instance.violations = instance.violations.saturating_add(1);
        let text = cut::bytes(text, cut::MAX_LINE);
        instance.last_violation = Some(text.clone());
        if instance.violations > MAX_VIOLATIONS {
            return;
        }
        self.event(EventKind::ProtocolViolation {
            handler: instance.handler.clone(),
            text: text.clone(),
        });
        let run = instance.run.as_ref().map(|run| run.row.id);
        self.warn(
            Some(instance.handler.clone()),
            run,
            Level::Warning,
            format!("the handler broke the contract: {text}"),
        );
    }

    /// Tells once a page that items of it were listed already.
    fn listed_twice(&mut self, instance: &mut Instance, twice: Option<(usize, ItemId)>) {
        if let Some((number, first)) = twice {
            let more = match number {
                1 => String::new(),
                several => format!("; {several} of this page are"),
            };
            self.violation(instance, format!("H-16: {first} is listed twice{more}"));
        }
    }

    pub(crate) fn reply(&mut self, instance: InstanceId, to: ReplyId, reply: Reply) {
        self.effects.commands.push(Command::Reply {
            instance,
            to,
            reply,
        });
    }

    fn listen(&mut self, instance: &mut Instance, said: InstanceInput) {
        use InstanceInput as I;
        match said {
            I::Spawned { pid, start_time } => instance.process = Some((pid, start_time)),
            I::Initialized(facts) => {
                if self.admit(instance, Kind::Initialized) {
                    self.take_facts(&instance.handler.clone(), facts, instance.knows_some);
                    self.begin_work(instance);
                }
            }
            I::Declined => {
                if self.admit(instance, Kind::NotInitialized) {
                    self.handler_answered(&instance.handler.clone(), false);
                    let called = self.called(&instance.handler);
                    let named = !instance.want.items.is_empty()
                        || instance.want.all && crate::queue::is_person(instance.trigger);
                    if named
                        && instance.work == Work::Synchronize
                        && let Some(session) = self.sessions.get_mut(&instance.session)
                    {
                        // M-39 shows nothing, but who named an item or the handler is told that it was not synchronized.
                        session.fold(RequestOutcome::Skipped);
                        session.note(format!("{called} takes no part"));
                    }
                    self.release(instance);
                }
            }
            I::NotInitialized(why) => {
                if self.admit(instance, Kind::NotInitialized) {
                    let step = if instance.process.is_none() {
                        FailedStep::Start
                    } else {
                        FailedStep::Initialize
                    };
                    self.fail_without_run(instance, Some(step), &why, String::new());
                    self.release(instance);
                }
            }
            I::ItemsPage(items) => {
                if self.admit_list(instance, Kind::Page) {
                    let handler = instance.handler.clone();
                    let twice = self.take_page(&handler, items, &mut instance.listing);
                    self.listed_twice(instance, twice);
                }
            }
            I::ItemsListed { items, incomplete } => {
                if self.admit_list(instance, Kind::Listed) {
                    self.listed(instance, items, incomplete);
                }
            }
            I::ItemsNotListed(why) => {
                if self.admit_list(instance, Kind::Listed) {
                    self.not_listed(instance, &why);
                }
            }
            I::PrepareReturned(began) => {
                if self.admit(instance, Kind::PrepareReturned) {
                    match instance.prepare.returned(began) {
                        Ok(Some(over)) => self.prepared(instance, over),
                        Ok(None) => self.tell_marks(instance), // the window opens (M-106)
                        Err(twice) => self.violation(instance, format!("3.3: {twice}")),
                    }
                }
            }
            I::PrepareCompleted(completed) => {
                if self.admit(instance, Kind::PrepareCompleted)
                    && let Some(over) = instance.prepare.completed(completed)
                {
                    self.prepared(instance, over);
                }
            }
            I::SynchronizeReturned(began) => {
                if self.admit(instance, Kind::SynchronizeReturned) {
                    match instance.synchronize.returned(began) {
                        Ok(Some(over)) => self.settle(instance, end(over)),
                        Ok(None) => self.tell_marks(instance),
                        Err(twice) => self.violation(instance, format!("3.3: {twice}")),
                    }
                }
            }
            I::SynchronizeCompleted(completed) => {
                if self.admit(instance, Kind::SynchronizeCompleted)
                    && let Some(over) = instance.synchronize.completed(completed)
                {
                    self.settle(instance, end(over));
                }
            }
            I::Log {
                level,
                text,
                item,
                detail,
                error,
                jump,
            } => {
                if self.admit(instance, Kind::Note) {
                    let item = item.filter(|item| self.knows(instance, item));
                    self.log(instance, level, text, item, detail, error, jump);
                }
            }
            I::DeleteLog(error) => {
                if self.admit(instance, Kind::Note) {
                    self.delete_log(instance, error);
                }
            }
            I::Prompt { reply, prompt } => {
                if self.admit(instance, Kind::Prompt) {
                    self.prompt(instance, reply, prompt);
                } else {
                    self.reply(instance.id, reply, Reply::PromptRefused);
                }
            }
            I::Recalled { reply, found } => self.recalled(instance, reply, found),
            I::WithdrawPrompt { item, key } => {
                if self.admit(instance, Kind::Note) {
                    self.withdraw_prompt(instance, item, key);
                }
            }
            I::EnableModeless { reply, enable } => self.modeless(instance, reply, enable),
            I::EstablishConnection { reply, name } => {
                if self.admit(instance, Kind::Connection) {
                    self.establish(instance, reply, name);
                } else {
                    let refused = Reply::Refused("no connection is opened in this phase");
                    self.reply(instance.id, reply, refused);
                }
            }
            I::QueryLateItems(reply) => {
                let answer = if self.admit(instance, Kind::Late) {
                    Reply::LateItems(self.late_items(instance))
                } else {
                    Reply::Refused("nothing runs")
                };
                self.reply(instance.id, reply, answer);
            }
            I::AddItem(reply, item) => {
                let answer = if self.admit(instance, Kind::Late) {
                    self.add_late(instance, item)
                } else {
                    Reply::Refused("nothing runs")
                };
                self.reply(instance.id, reply, answer);
            }
            I::ProposeItem(reply, item) => {
                let answer = if self.admit(instance, Kind::Late) {
                    self.propose(instance, item)
                } else {
                    Reply::Refused("nothing runs")
                };
                self.reply(instance.id, reply, answer);
            }
            I::CommitItem(reply, item) => {
                let answer = if self.admit(instance, Kind::Late) {
                    self.commit(instance, &item)
                } else {
                    Reply::Refused("nothing runs")
                };
                self.reply(instance.id, reply, answer);
            }
            I::ItemsChanged => {
                if self.admit(instance, Kind::Note) {
                    self.read_again(instance);
                }
            }
            I::ConflictsChanged(item) => {
                if self.admit(instance, Kind::Note) {
                    self.conflicts_changed(instance, item.as_ref());
                }
            }
            I::ConflictsListed { items, conflicts } => {
                if self.admit(instance, Kind::ConflictsListed) {
                    self.take_conflicts(instance, items, conflicts);
                    self.end_review(instance);
                }
            }
            I::ConflictsNotListed(why) => {
                if self.admit(instance, Kind::ConflictsListed) {
                    let run = instance.run.as_ref().map(|run| run.row.id);
                    let why = format!("its conflicts cannot be read: {why}");
                    self.warn(Some(instance.handler.clone()), run, Level::Warning, why);
                    if let Some(run) = &mut instance.run {
                        run.warned = true;
                    }
                    self.end_review(instance);
                }
            }
            I::Undone(result) => {
                if self.admit(instance, Kind::Undone) {
                    match result {
                        Ok(counts) => self.settle_with(instance, counts),
                        Err(reason) => {
                            if let Some(run) = &mut instance.run {
                                run.untouched = run.items.iter().all(LiveItem::is_untouched);
                            }
                            self.settle_failed(instance, reason);
                        }
                    }
                }
            }
            I::Resolved(results) => {
                if self.admit(instance, Kind::Resolved) {
                    self.decided(instance, results);
                }
            }
            I::ShowErrorReturned(began) => {
                if self.admit(instance, Kind::ShowErrorReturned) {
                    match instance.show_error.returned(began) {
                        Ok(Some(over)) => self.error_shown(instance, over),
                        Ok(None) => {}
                        Err(twice) => self.violation(instance, format!("3.3: {twice}")),
                    }
                }
            }
            I::ShowErrorCompleted(retry) => {
                if self.admit(instance, Kind::ShowErrorCompleted) {
                    if !instance.show_error.is_completed() {
                        instance.retry = retry; // M-131, and only the first counts (M-83)
                    }
                    if let Some(over) = instance.show_error.completed(crate::input::Completed::Done)
                    {
                        self.error_shown(instance, over);
                    }
                }
            }
            I::PropertiesRead(read) => {
                if self.admit(instance, Kind::PropertiesReturned) {
                    self.properties_read(instance, read);
                }
            }
            I::ShowPropertiesReturned(began) => {
                if self.admit(instance, Kind::PropertiesReturned) {
                    match instance.show_properties.returned(began) {
                        Ok(Some(over)) => self.properties_shown(instance, over),
                        Ok(None) => {}
                        Err(twice) => self.violation(instance, format!("M-138: {twice}")),
                    }
                }
            }
            I::ShowPropertiesCompleted(effect) => {
                if self.admit(instance, Kind::PropertiesCompleted) {
                    if !instance.show_properties.is_completed() {
                        instance.effect = effect;
                    }
                    if let Some(over) = instance
                        .show_properties
                        .completed(crate::input::Completed::Done)
                    {
                        self.properties_shown(instance, over);
                    }
                }
            }
            I::Violation(text) => {
                if self.admit(instance, Kind::Note) {
                    self.violation(instance, text);
                }
            }
            // Taken in by the caller.
            I::Progress(..) | I::Exited { .. } => {}
        }
    }

    pub(crate) fn knows(&self, instance: &Instance, item: &ItemId) -> bool {
        self.handlers
            .get(&instance.handler)
            .is_some_and(|handler| handler.items.contains_key(item))
    }

    fn begin_work(&mut self, instance: &mut Instance) {
        let items: Vec<ItemId> = self
            .handlers
            .get(&instance.handler)
            .map(|handler| {
                handler
                    .order
                    .iter()
                    .filter_map(|id| handler.items.get(id))
                    .filter(|item| Self::wanted(item, &instance.want))
                    .filter(|item| item.live.is_none())
                    .map(|item| item.row.at.item.clone())
                    .collect()
            })
            .unwrap_or_default();
        match instance.work.clone() {
            Work::Synchronize | Work::List | Work::Properties(_) => {
                self.command(instance.mute, Command::ListItems(instance.id));
            }
            // The works below are of known items: nothing is gained by listing first.
            Work::Undo { .. } | Work::Resolve { .. } if items.is_empty() => {
                if let Some(session) = self.sessions.get_mut(&instance.session) {
                    session.fold(RequestOutcome::Failed);
                    session.note("its item is gone, or in another session".to_owned());
                }
                self.finish(instance);
            }
            Work::Undo { run } => {
                self.handler_answered(&instance.handler.clone(), false);
                self.open_run(instance, RunKind::Undo(run), items.clone());
                if let Some(as_run) = instance.run.as_ref().map(|run| run.row.id)
                    && instance.enter(Kind::Undo)
                {
                    self.command(
                        instance.mute,
                        Command::Undo {
                            instance: instance.id,
                            items,
                            run,
                            as_run,
                        },
                    );
                }
            }
            Work::Resolve { decisions } => {
                let Some(item) = items.first().cloned() else {
                    return;
                };
                self.handler_answered(&instance.handler.clone(), false);
                self.open_run(instance, RunKind::Resolve, items);
                if let Some(as_run) = instance.run.as_ref().map(|run| run.row.id)
                    && instance.enter(Kind::Resolve)
                {
                    self.command(
                        instance.mute,
                        Command::Resolve {
                            instance: instance.id,
                            item,
                            decisions,
                            as_run,
                        },
                    );
                }
            }
        }
    }

    /// The list failed, or broke off: what was read before counts as a list with gaps (3.13).
    fn not_listed(&mut self, instance: &mut Instance, why: &str) {
        if instance.listing.is_empty() {
            instance.relisting = false;
            self.fail_without_run(instance, Some(FailedStep::List), why, String::new());
            self.finish(instance);
            return;
        }
        let text = cut::bytes(format!("its list of items broke off: {why}"), cut::MAX_LINE);
        let called = self.called(&instance.handler);
        if let Some(session) = self.sessions.get_mut(&instance.session) {
            session.fold(RequestOutcome::Warnings);
            session.note(format!("{called}: {text}"));
        }
        self.warn(Some(instance.handler.clone()), None, Level::Warning, text);
        self.listed(instance, Vec::new(), true);
    }

    fn listed(&mut self, instance: &mut Instance, items: Vec<ListedItem>, incomplete: bool) {
        let handler = instance.handler.clone();
        self.handler_answered(&handler, true);
        let purge = instance.purge && !incomplete;
        let mut listing = std::mem::take(&mut instance.listing);
        let twice = self.take_page(&handler, items, &mut listing);
        self.listed_twice(instance, twice);
        let only = instance.knows_some.then_some(&instance.want.items);
        let listed = self.end_list(&handler, listing, purge, instance.born, only);
        if std::mem::take(&mut instance.relisting) {
            self.finish(instance); // M-140: rows and ticks of what survived are as before
            return;
        }
        match instance.work {
            Work::Properties(_) => {
                if let Some(item) = instance.want.items.first()
                    && !listed.contains(item)
                    && !self.knows(instance, item)
                {
                    if let Some(session) = self.sessions.get_mut(&instance.session) {
                        session.fold(RequestOutcome::Failed);
                        session.note(format!("{item}: its handler no longer lists it"));
                    }
                    self.finish(instance);
                } else {
                    self.begin_properties(instance);
                }
            }
            Work::Synchronize => {
                self.select(instance, &listed);
                self.take_more_lanes(instance);
                if instance.selected.is_empty() || instance.stop > crate::instance::StopLevel::None
                {
                    self.finish(instance); // M-68
                }
                // Else its turn to prepare comes with the session.
            }
            Work::List | Work::Undo { .. } | Work::Resolve { .. } => {
                if let Some(session) = self.sessions.get_mut(&instance.session) {
                    session.fold(RequestOutcome::Succeeded);
                }
                if self.keeps_conflicts(&handler)
                    && !listed.is_empty()
                    && instance.enter(Kind::Review)
                {
                    self.command(
                        instance.mute,
                        Command::ListConflicts {
                            instance: instance.id,
                            items: listed,
                        },
                    );
                } else {
                    self.finish(instance);
                }
            }
        }
    }

    /// Calls `prepare` for a listed instance whose turn it is.
    pub(crate) fn prepare(&mut self, id: InstanceId) {
        self.pump = true; // a handler that takes several sessions may take the next now that this one has its items
        self.with(id, |manager, instance| {
            let items = std::mem::take(&mut instance.selected);
            let items = manager.not_live(instance, items);
            if items.is_empty() {
                manager.finish(instance); // somebody outside took them all meanwhile
            } else {
                manager.prepare_items(instance, items);
            }
        });
    }

    /// Leaves out what is in another session already: an item is never in two runs.
    pub(crate) fn not_live(&self, instance: &Instance, mut items: Vec<ItemId>) -> Vec<ItemId> {
        // By the runs themselves: an item may be gone from the catalog while it still runs.
        for other in self.instances.values() {
            if other.handler == instance.handler
                && let Some(run) = &other.run
            {
                items.retain(|item| !run.index.contains_key(item));
            }
        }
        items
    }

    pub(crate) fn prepare_items(&mut self, instance: &mut Instance, items: Vec<ItemId>) {
        if items.is_empty() || !instance.enter(Kind::Prepare) {
            return;
        }
        self.open_run(instance, RunKind::Synchronize, items.clone());
        if !self.run_before(instance) {
            self.begin_preparing(instance, items);
        }
    }

    /// Has the handler prepare what the hooks before the run left of it.
    pub(crate) fn begin_preparing(&mut self, instance: &mut Instance, items: Vec<ItemId>) {
        let Some(mut live) = instance.run.take() else {
            return;
        };
        live.began = true;
        self.tell_begins(&live);
        let run = live.row.id;
        instance.run = Some(live);
        let answers = self.answers(instance, &items);
        for answer in &answers {
            self.use_up(answer.id, run);
        }
        instance.prepare.begin();
        self.command(
            instance.mute,
            Command::Prepare {
                instance: instance.id,
                run,
                items,
                answers,
            },
        );
    }

    /// Answered needs that belong to these items, or to the handler itself.
    fn answers(&self, instance: &Instance, items: &[ItemId]) -> Vec<NeedRow> {
        self.needs
            .values()
            .filter(|need| {
                need.handler == instance.handler && matches!(need.state, NeedState::Answered { .. })
            })
            .filter(|need| need.item.as_ref().is_none_or(|item| items.contains(item)))
            .cloned()
            .collect()
    }

    fn prepared(&mut self, instance: &mut Instance, over: Over) {
        self.free_token(instance.id); // M-118
        let stopping = instance.stop > crate::instance::StopLevel::None;
        match over {
            Over::Completed(crate::input::Completed::Done) => {
                if stopping {
                    self.settle(instance, End::Cancelled); // M-110
                    return;
                }
                self.cancel_prompts(instance);
                instance.enter(Kind::FinishPrepare);
            }
            over @ (Over::Completed(_) | Over::NotBegun(_) | Over::NeedsUser) => {
                if matches!(over, Over::NeedsUser) {
                    let run = instance.run.as_ref().map(|run| run.row.id);
                    let text = "it needs somebody to be asked, and nobody may be".to_owned();
                    self.warn(Some(instance.handler.clone()), run, Level::Warning, text); // M-76
                }
                self.settle(instance, end(over));
            }
        }
    }

    fn settle_with(&mut self, instance: &mut Instance, counts: Counts) {
        if let Some(item) = instance.run.as_mut().and_then(|run| run.items.first_mut())
            && item.counts == Counts::default()
        {
            // The totals come once for the whole undoing; a run's counts are the sum over its items.
            item.counts = counts;
            item.dirty = true;
        }
        self.settle(instance, End::Done);
    }

    pub(crate) fn settle_failed(&mut self, instance: &mut Instance, reason: String) {
        self.settle(
            instance,
            End::Failed {
                reason: cut::bytes(reason, cut::MAX_LINE),
                failure: Failure::Hard,
                retry_after: None,
            },
        );
    }

    /// Conflicts changed. Those of items of its own run are read at its end anyway: a process for them, which reads those of
    /// all other items as well, would cost more than most runs.
    fn conflicts_changed(&mut self, instance: &mut Instance, item: Option<&ItemId>) {
        let reviewed = self.keeps_conflicts(&instance.handler);
        let of_run = instance.run.as_mut().filter(|run| {
            reviewed && !run.settled && item.is_some_and(|item| run.index.contains_key(item))
        });
        match of_run {
            Some(run) => run.conflicts_changed = true,
            None => self.read_again(instance),
        }
    }

    /// Lists changed: a hint only, answered by reading them again when the handler is free (M-89).
    pub(crate) fn read_again(&mut self, instance: &Instance) {
        if !self.settings.automatic {
            return;
        }
        let request = Request {
            scope: Scope::Handler(instance.handler.clone()),
            work: Work::List,
            trigger: Trigger::Invoke,
            may_bother_user: false,
            cookie: None,
            if_running: IfRunning::Again,
        };
        let waits = self.waiting.iter().any(|waiting| {
            waiting.request.work == Work::List && waiting.request.scope == request.scope
        });
        // While its own list is being read anyway, a hint must not start the next reading for ever.
        if !waits && instance.work != Work::List {
            let id = self.next_request();
            self.enqueue(id, request);
        }
    }

    /// Replaces the copy of the conflicts of these items by what the handler says (golden rule of Sync Center 3.9).
    fn take_conflicts(
        &mut self,
        instance: &mut Instance,
        items: Vec<ItemId>,
        conflicts: Vec<ConflictRow>,
    ) {
        let mut by_item: std::collections::HashMap<ItemId, (u64, Vec<ConflictRow>)> =
            std::collections::HashMap::new();
        let asked: std::collections::HashSet<&ItemId> = items.iter().collect();
        for conflict in conflicts {
            if conflict.item.handler != instance.handler || !asked.contains(&conflict.item.item) {
                continue;
            }
            let (count, rows) = by_item.entry(conflict.item.item.clone()).or_default();
            *count = count.saturating_add(1);
            if rows.len() < MAX_CONFLICTS_PER_ITEM {
                rows.push(conflict);
            }
        }
        for item in &items {
            let at = instance.item(item);
            let (open, conflicts) = by_item.remove(item).unwrap_or_default();
            let Some(slot) = self.slot_mut(&at) else {
                continue;
            };
            let before = std::mem::replace(&mut slot.conflicts, open);
            if before == 0 && open == 0 {
                continue;
            }
            self.record(Record::Conflicts {
                item: at.clone(),
                conflicts,
            });
            if before != open {
                self.event(EventKind::ConflictsChanged { item: at, open });
            }
        }
    }

    fn end_review(&mut self, instance: &mut Instance) {
        if instance.run.is_some() {
            self.close_run(instance);
        }
        self.finish(instance);
    }
}

fn end(over: Over) -> End {
    match over {
        Over::NeedsUser => End::NeedsUser,
        Over::NotBegun(reason) => End::Failed {
            reason: cut::bytes(reason, cut::MAX_LINE),
            failure: Failure::Soft,
            retry_after: None,
        },
        Over::Completed(completed) => completed.into(),
    }
}
