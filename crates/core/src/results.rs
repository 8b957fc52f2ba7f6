//! The results log of instances, and the links that lead back to them (mobsync 3.5.4, 3.5.7, 3.5.8, 3.7).

use crate::command::Command;
use crate::connection::Owner;
use crate::cut;
use crate::event::EventKind;
use crate::id::{InstanceId, ItemId, ItemRef, LogId, RequestId};
use crate::instance::{Entry, Instance, LiveRun, MAX_RUN_LOG, Session, StopLevel};
use crate::log::{Level, LogRow};
use crate::manager::Manager;
use crate::paired::Over;
use crate::phase::{Kind, Phase};
use crate::record::Record;
use crate::request::{IfRunning, Request, RequestOutcome, Scope, Trigger, Work};
use crate::run::SessionRow;
use crate::saying::{Ending, Saying};

impl Manager {
    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of the handler's message, taken apart where it is heard"
    )]
    pub(crate) fn log(
        &mut self,
        instance: &mut Instance,
        level: Level,
        text: String,
        item: Option<ItemId>,
        detail: Option<String>,
        error: Option<String>,
        jump: bool,
    ) {
        if level >= Level::Warning
            && let Some(run) = &mut instance.run
        {
            run.warned = true;
            if level == Level::Error {
                let error = cut::chars(text.clone(), cut::MAX_PROGRESS_TEXT);
                note_error(&mut self.effects.records, run, item.as_ref(), error);
            }
        }
        instance.logged = instance.logged.saturating_add(1);
        let run = instance.run.as_ref().map(|run| run.row.id);
        if instance.logged > MAX_RUN_LOG {
            if instance.logged == MAX_RUN_LOG.saturating_add(1) {
                let text = format!("further entries dropped; {MAX_RUN_LOG} are kept of a run");
                self.warn(Some(instance.handler.clone()), run, Level::Warning, text);
            }
            return;
        }
        self.last.log = self.last.log.saturating_add(1);
        let id = LogId(self.last.log);
        let error = error.map(|error| cut::bytes(error, cut::MAX_LINE));
        let jump = jump && error.is_some(); // M-124; A-19
        instance.log.insert(
            id,
            Entry {
                error: error.clone(),
                jump,
            },
        );
        let row = LogRow {
            id,
            at: self.now,
            level,
            handler: Some(instance.handler.clone()),
            item: item.map(|item| instance.item(&item)),
            run,
            text: cut::bytes(text, cut::MAX_LINE),
            detail: detail.map(|detail| cut::bytes(detail, cut::MAX_DETAIL)),
            error,
            jump,
        };
        self.record(Record::Log(row));
    }

    /// Removes entries of this instance alone (M-127, M-128).
    pub(crate) fn delete_log(&mut self, instance: &mut Instance, error: Option<String>) {
        let mut gone = Vec::new();
        instance.log.retain(|id, entry| {
            let matches = error.is_none() || entry.error == error;
            if matches {
                gone.push(*id);
            }
            !matches
        });
        if !gone.is_empty() {
            self.record(Record::LogDeleted(gone));
        }
        if instance.phase() == Phase::Done && instance.over && !instance.has_jump() {
            self.release(instance); // 3.7: its last link went
        }
    }

    /// A person follows a link (M-125), and may wait for what comes of it.
    pub(crate) fn follow_link(
        &mut self,
        id: InstanceId,
        error: String,
        request: Option<RequestId>,
    ) {
        let request = request.filter(|request| self.alive.insert(*request));
        self.show_error(id, error, request);
        let taken = |instance: &Instance| request.is_some() && instance.follower == request;
        if !self
            .instances
            .get(&id)
            .is_some_and(|instance| taken(instance))
        {
            self.end_following(
                request,
                RequestOutcome::Failed,
                Some("the link leads nowhere"),
            );
        }
    }

    /// Ends the request of whoever followed a link.
    pub(crate) fn end_following(
        &mut self,
        follower: Option<RequestId>,
        outcome: RequestOutcome,
        problem: Option<&str>,
    ) {
        if let Some(request) = follower {
            self.end_request(request, outcome, problem.map(str::to_owned));
        }
    }

    /// Before the run is over a link leads nowhere.
    fn show_error(&mut self, id: InstanceId, error: String, request: Option<RequestId>) {
        self.with(id, |manager, instance| {
            let is_link = instance
                .log
                .values()
                .any(|entry| entry.jump && entry.error.as_ref() == Some(&error));
            if !is_link || instance.phase() != Phase::Done || !instance.enter(Kind::ShowError) {
                return;
            }
            manager.wait_for(instance, None);
            instance.follower = request;
            instance.show_error.begin();
            instance.retry.clear();
            manager.command(
                instance.mute,
                Command::ShowError {
                    instance: id,
                    error,
                },
            );
        });
    }

    pub(crate) fn error_shown(&mut self, instance: &mut Instance, over: Over) {
        self.free_token(instance.id);
        self.cancel_prompts(instance);
        self.leave(Owner::Instance(instance.id));
        if let Over::NotBegun(why) = &over {
            let run = instance.closed_run.as_ref().map(|run| run.id);
            let text = format!("the link of an entry leads nowhere: {why}");
            self.warn(
                Some(instance.handler.clone()),
                run,
                Level::Warning,
                cut::bytes(text, cut::MAX_LINE),
            );
        }
        let follower = instance.follower.take();
        let stopped = instance.stop > StopLevel::None;
        let (shown, problem) = match &over {
            _ if stopped => (RequestOutcome::Stopped, None),
            Over::Completed(_) => (RequestOutcome::Nothing, None),
            Over::NeedsUser => (
                RequestOutcome::Failed,
                Some(Saying::from(Ending::NeedsUser).into()),
            ),
            Over::NotBegun(why) => (RequestOutcome::Failed, Some(why.clone())),
        };
        let retry = std::mem::take(&mut instance.retry);
        let retry: Vec<ItemId> = match over {
            Over::Completed(_) if instance.stop == StopLevel::None => retry,
            Over::Completed(_) | Over::NotBegun(_) | Over::NeedsUser => Vec::new(), // M-129
        };
        let mut seen = std::collections::HashSet::new();
        let (mut free, mut busy) = (Vec::new(), Vec::new());
        for item in retry {
            if !self.knows(instance, &item) || !seen.insert(item.clone()) {
                continue;
            }
            let at = instance.item(&item);
            if self.slot(&at).is_some_and(|slot| slot.live.is_none())
                && self.take_lanes_again(instance, &at)
            {
                free.push(item);
            } else {
                busy.push(item);
            }
        }
        instance.enter(Kind::Finish);
        if !busy.is_empty() {
            // They run elsewhere: M-86 outranks the retry, which waits as a request.
            let items: Vec<ItemRef> = busy.iter().map(|item| instance.item(item)).collect();
            // Who waits for the link waits for that, unless something else is tried again at once.
            let id = match follower {
                Some(follower) if free.is_empty() => {
                    self.alive.remove(&follower);
                    follower
                }
                Some(_) | None => self.next_request(),
            };
            self.enqueue(id, again(items));
        } else if free.is_empty() {
            self.end_following(follower, shown, problem.as_deref());
        }
        if free.is_empty() {
            self.finish(instance); // M-133
            return;
        }
        // M-130: the same instance, prepared anew; its session is over, so the retry has one of its own.
        if let Some(session) = self.sessions.get_mut(&instance.session) {
            session.instances.retain(|id| *id != instance.id);
            self.touched.insert(instance.session);
        }
        let session = self.next_session();
        let row = SessionRow {
            id: session,
            request: follower,
            trigger: instance.trigger,
            opened: self.now,
            closed: None,
            outcome: None,
        };
        self.record(Record::Session(row.clone()));
        self.event(EventKind::SessionOpened(session));
        self.sessions.insert(
            session,
            Session {
                row,
                requests: follower.into_iter().collect(),
                instances: vec![instance.id],
                interactive: instance.interactive,
                stopped: false,
                worst: RequestOutcome::Nothing,
                notes: Vec::new(),
            },
        );
        instance.session = session;
        instance.work = Work::Synchronize;
        instance.over = false;
        instance.logged = 0;
        self.prepare_items(instance, free);
        self.touched.insert(session);
    }
}

/// Remembers an error of the log as the reason of what fails without a word, before it or after.
fn note_error(records: &mut Vec<Record>, run: &mut LiveRun, item: Option<&ItemId>, error: String) {
    let Some(item) = item else {
        run.last_error = Some(error);
        return;
    };
    let Some(at) = run.index.get(item).copied() else {
        return;
    };
    if let Some(item) = run.items.get_mut(at) {
        item.mishap_mut().last_error = Some(error);
    }
    // It failed before it said why: its row is recorded already.
    if run.explain(at, false)
        && let Some(item) = run.items.get(at)
    {
        records.push(Record::RunItem(run.item_row(item)));
    }
}

fn again(items: Vec<ItemRef>) -> Request {
    Request {
        scope: Scope::Items(items),
        work: Work::Synchronize,
        trigger: Trigger::Manual,
        may_bother_user: false,
        cookie: None,
        if_running: IfRunning::Again,
    }
}
