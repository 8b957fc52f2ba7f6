//! Questions of handlers: prompts that wait, needs that last, the token for windows, connections.

use std::time::Duration;

use crate::command::{Reply, ReplyId};
use crate::cut;
use crate::event::EventKind;
use crate::id::{HandlerId, InstanceId, ItemId, ItemRef, NeedId, RunId};
use crate::input::Prompt;
use crate::instance::{Instance, StopLevel};
use crate::invocation;
use crate::log::Level;
use crate::manager::{Manager, Show, Timer};
use crate::need::{Choice, NeedKind, NeedRow, NeedState, Typed};
use crate::phase::{Kind, Phase, Step, step};
use crate::record::Record;
use crate::request::{IfRunning, Request, Scope, Trigger, Work};

/// Most open needs of a handler; further questions are refused.
pub const MAX_NEEDS: usize = 1_000;
/// Most choices of a question; further ones are not offered.
pub const MAX_CHOICES: usize = 64;
/// Most bytes of a question's key; one with a longer key is refused, never cut.
pub const MAX_KEY: usize = 256;
/// Longest that a handler waits for a person; what may take longer is a durable question.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// The choice that leaves a need open.
pub const LATER: &str = "later";

/// Why an answer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedAnswer {
    /// No such question is open.
    #[error("no such question is open")]
    NotOpen,
    /// The question does not offer it.
    #[error("the question does not offer that choice")]
    NoSuchChoice,
    /// What was typed is too long.
    #[error("the answer is longer than {} bytes", cut::MAX_DETAIL)]
    TooLong,
}

impl Manager {
    pub(crate) fn remember_needs(&mut self, needs: Vec<NeedRow>) {
        for mut need in needs {
            let open = need.state == NeedState::Open;
            let answered = matches!(need.state, NeedState::Answered { .. });
            if !open && !answered {
                continue;
            }
            if answered && need.fields.is_some() && need.wants_secret() {
                // What was typed was written down nowhere, and went with the manager that took it.
                need.state = NeedState::Open;
                self.record(Record::Need(need.clone()));
                self.event(EventKind::NeedOpened(need.id));
            }
            if !need.durable || need.key.starts_with(crate::watchdog::MARK) {
                // Whoever waited for it is gone.
                need.state = NeedState::Withdrawn;
                let id = need.id;
                self.record(Record::Need(need));
                self.event(EventKind::NeedClosed(id));
                continue;
            }
            if let (NeedState::Open, Some(deadline)) = (&need.state, need.deadline) {
                self.set_timer(deadline, Timer::Need(need.id));
            }
            self.need_index.insert(key(&need), need.id);
            self.needs.insert(need.id, need);
        }
    }

    pub(crate) fn prompt(&mut self, instance: &mut Instance, to: ReplyId, prompt: Prompt) {
        let handler = instance.handler.clone();
        let of_handler = self
            .needs
            .values()
            .filter(|need| need.handler == handler)
            .count();
        let known = self
            .need_index
            .get(&(handler.clone(), prompt.item.clone(), prompt.key.clone()))
            .copied();
        if prompt.key.len() > MAX_KEY
            || prompt.key.starts_with([
                invocation::MARK,
                crate::confirm::MARK,
                crate::watchdog::MARK,
                crate::stuck::MARK,
            ])
            || prompt.context.len() > cut::MAX_DETAIL
            || prompt
                .fields
                .as_ref()
                .is_some_and(|fields| fields.len() > cut::MAX_DETAIL)
            || (known.is_none() && of_handler >= MAX_NEEDS)
        {
            self.violation(
                instance,
                "a question that is too large, or one too many".to_owned(),
            );
            self.reply(instance.id, to, Reply::PromptRefused);
            return;
        }
        if instance.mute {
            self.reply(instance.id, to, Reply::PromptRefused);
            return;
        }
        let run = instance.run.as_ref().map(|run| run.row.id);
        let choices: Vec<Choice> = prompt.choices.into_iter().take(MAX_CHOICES).collect();
        let default = prompt
            .default
            .filter(|default| choices.iter().any(|choice| choice.name == *default));
        let deadline = match prompt.deadline {
            Some(span) if prompt.durable => Some(span),
            None if prompt.durable => None,
            span => Some(span.map_or(LONGEST_WAIT, |span| span.min(LONGEST_WAIT))),
        };
        let row = NeedRow {
            id: NeedId(0),
            handler,
            item: prompt.item,
            key: prompt.key,
            kind: prompt.kind,
            durable: prompt.durable,
            text: cut::bytes(prompt.text, cut::MAX_LINE),
            detail: prompt
                .detail
                .map(|detail| cut::bytes(detail, cut::MAX_DETAIL)),
            choices,
            default,
            deadline: deadline.map(|span| self.now.plus(span)),
            fields: prompt.fields,
            context: prompt.context,
            opened: self.now,
            run,
            state: NeedState::Open,
        };
        if !self.recall(instance, to, &row, prompt.wrong) {
            self.put(instance, to, row);
        }
    }

    /// The open need, or the answered one, of the same name.
    pub(crate) fn known(&self, row: &NeedRow) -> Option<NeedId> {
        self.need_index.get(&key(row)).copied()
    }

    /// Puts a question to whoever can answer it: a durable one into the inbox, where the person at the run is shown it as
    /// well; a passing one to that person. Without one its default is the answer, and else it is refused at once (H-11).
    pub(crate) fn put(&mut self, instance: &mut Instance, to: ReplyId, mut row: NeedRow) {
        let known = self.known(&row);
        if row.durable {
            let within = row.deadline.map(|deadline| deadline.since(self.now));
            self.keep_need(instance, row, known);
            self.reply(instance.id, to, Reply::Deferred { within });
            return;
        }
        let may_ask = (instance.interactive
            || matches!(instance.phase(), Phase::ErrorUi | Phase::Properties))
            && instance.stop == StopLevel::None;
        if !may_ask {
            let answer = default_reply(&row);
            self.reply(instance.id, to, answer);
            return;
        }
        if let Some(known) = known {
            self.close_need(known, NeedState::Withdrawn);
        }
        row.id = self.next_need();
        let id = row.id;
        self.replies.insert(id, (instance.id, to));
        instance.prompts.push(id);
        self.open_need(row);
    }

    /// Keeps a durable question: one for a key, its number kept while it stays open.
    fn keep_need(&mut self, instance: &mut Instance, mut row: NeedRow, known: Option<NeedId>) {
        if let Some(item) = row.item.clone()
            && let Some(item) = instance.run.as_mut().and_then(|run| run.item_mut(&item))
        {
            item.asked = true;
        }
        let before = known.and_then(|id| self.needs.get(&id)).cloned();
        match before {
            Some(before) if before.state == NeedState::Open && before.durable => {
                if let Some(deadline) = before.deadline {
                    self.clear_timer(deadline, Timer::Need(before.id));
                }
                row.id = before.id;
                row.opened = before.opened;
                if let Some(deadline) = row.deadline {
                    self.set_timer(deadline, Timer::Need(row.id));
                }
                self.record(Record::Need(stored(&row)));
                self.needs.insert(row.id, row);
            }
            // Answered while the run went on: the answer stands, and goes with the next run.
            Some(before) if before.state != NeedState::Open => {}
            Some(_) | None => {
                if let Some(known) = known {
                    self.close_need(known, NeedState::Withdrawn);
                }
                row.id = self.next_need();
                self.open_need(row);
            }
        }
    }

    pub(crate) fn open_need(&mut self, row: NeedRow) {
        if let Some(deadline) = row.deadline {
            self.set_timer(deadline, Timer::Need(row.id));
        }
        let id = row.id;
        self.record(Record::Need(stored(&row)));
        self.need_index.insert(key(&row), id);
        self.needs.insert(id, row);
        self.event(EventKind::NeedOpened(id));
    }

    /// Closes a need for good; it is forgotten here and remains in the store.
    pub(crate) fn close_need(&mut self, id: NeedId, state: NeedState) -> Option<NeedRow> {
        let mut row = self.needs.remove(&id)?;
        if let Some(deadline) = row.deadline {
            self.clear_timer(deadline, Timer::Need(id));
        }
        if self.need_index.get(&key(&row)) == Some(&id) {
            self.need_index.remove(&key(&row));
        }
        row.state = state;
        self.record(Record::Need(stored(&row)));
        self.event(EventKind::NeedClosed(id));
        Some(row)
    }

    /// Whether an answer would be taken. Ask before applying it; one that is applied all the same has no effect.
    ///
    /// # Errors
    /// [`RefusedAnswer`] says why it would not.
    pub fn check_answer(
        &self,
        need: NeedId,
        choice: &str,
        fields: &Typed,
    ) -> Result<(), RefusedAnswer> {
        let row = self
            .needs
            .get(&need)
            .filter(|row| row.state == NeedState::Open)
            .ok_or(RefusedAnswer::NotOpen)?;
        if fields.reveal().len() > cut::MAX_DETAIL {
            return Err(RefusedAnswer::TooLong);
        }
        if row.offers(choice) {
            Ok(())
        } else {
            Err(RefusedAnswer::NoSuchChoice)
        }
    }

    pub(crate) fn answer(&mut self, id: NeedId, choice: String, fields: Typed, by: String) {
        if self.check_answer(id, &choice, &fields).is_err() {
            return;
        }
        let Some((durable, run)) = self.needs.get(&id).map(|row| (row.durable, row.run)) else {
            return;
        };
        let now = self.now;
        if !durable {
            if let Some((instance, to)) = self.replies.remove(&id) {
                self.reply(
                    instance,
                    to,
                    Reply::Chosen {
                        choice: choice.clone(),
                        fields,
                    },
                );
                if let Some(instance) = self.instances.get_mut(&instance) {
                    instance.heard(now);
                    instance.prompts.retain(|prompt| *prompt != id);
                }
            }
            self.close_need(id, used(run, choice));
            return;
        }
        if choice == LATER {
            return; // a snooze: it stays open, with its deadline
        }
        if self.answer_invocation(id, &choice)
            || self.answer_confirmation(id, &choice)
            || self.answer_watch(id, &choice)
            || self.answer_stuck(id, &choice)
        {
            return;
        }
        self.take_answer(id, choice, fields, by);
    }

    /// A durable need is answered: the answer waits for the next run, which is asked for at once.
    fn take_answer(&mut self, id: NeedId, choice: String, fields: Typed, by: String) {
        let now = self.now;
        let Some(row) = self.needs.get_mut(&id) else {
            return;
        };
        row.state = NeedState::Answered {
            choice,
            fields,
            by: cut::bytes(by, cut::MAX_LINE),
            at: now,
        };
        let deadline = row.deadline;
        let kept = stored(row);
        let scope = match row.item.clone() {
            Some(item) => Scope::Items(vec![ItemRef {
                handler: row.handler.clone(),
                item,
            }]),
            None => Scope::Handler(row.handler.clone()),
        };
        if let Some(deadline) = deadline {
            self.clear_timer(deadline, Timer::Need(id));
        }
        self.record(Record::Need(kept));
        self.event(EventKind::NeedClosed(id));
        let request = self.next_request();
        self.enqueue(
            request,
            Request {
                scope,
                work: Work::Synchronize,
                trigger: Trigger::Answered,
                may_bother_user: false, // who answered need not be there any more
                cookie: None,
                if_running: IfRunning::Again,
            },
        );
    }

    pub(crate) fn need_deadline(&mut self, id: NeedId) {
        let now = self.now;
        let Some(row) = self.needs.get(&id) else {
            return;
        };
        if row.state != NeedState::Open {
            return;
        }
        let told = expired(row);
        // Questions of the manager's own come and go; what becomes of them is told where they belong.
        let level = if row.key.starts_with(char::is_control) {
            Level::Information
        } else {
            Level::Warning
        };
        let (handler, item, run) = (row.handler.clone(), row.item.clone(), row.run);
        match item {
            Some(item) => {
                self.warn_of(&ItemRef { handler, item }, run, level, told);
            }
            None => {
                self.warn(Some(handler), run, level, told);
            }
        }
        let Some(row) = self.needs.get(&id) else {
            return;
        };
        if row.durable {
            match row.default.clone() {
                Some(choice) if self.answer_watch(id, &choice) => {}
                Some(choice) if choice != LATER => {
                    self.take_answer(id, choice, Typed::default(), "its deadline".to_owned());
                }
                Some(_) | None => {
                    self.close_need(id, NeedState::Expired);
                }
            }
            return;
        }
        let answer = default_reply(row);
        let state = match row.default.clone() {
            Some(choice) => used(row.run, choice),
            None => NeedState::Expired,
        };
        if let Some((instance, to)) = self.replies.remove(&id) {
            self.reply(instance, to, answer);
            if let Some(instance) = self.instances.get_mut(&instance) {
                instance.heard(now);
                instance.prompts.retain(|prompt| *prompt != id);
            }
        }
        self.close_need(id, state);
    }

    /// The answer goes with this run and with no other.
    pub(crate) fn use_up(&mut self, id: NeedId, run: RunId) {
        let Some(row) = self.needs.get(&id) else {
            return;
        };
        let NeedState::Answered { choice, .. } = &row.state else {
            return;
        };
        let choice = choice.clone();
        // Its end was told when it was answered; what is stored says which run used it.
        let Some(mut row) = self.needs.remove(&id) else {
            return;
        };
        if self.need_index.get(&key(&row)) == Some(&id) {
            self.need_index.remove(&key(&row));
        }
        row.state = NeedState::Used { choice, run };
        self.record(Record::Need(row));
    }

    pub(crate) fn withdraw_prompt(
        &mut self,
        instance: &mut Instance,
        item: Option<ItemId>,
        asked: String,
    ) {
        let index = (instance.handler.clone(), item.clone(), asked);
        let Some(id) = self.need_index.get(&index).copied() else {
            return;
        };
        if let Some((waiting, to)) = self.replies.remove(&id) {
            self.reply(waiting, to, Reply::PromptRefused);
            instance.prompts.retain(|prompt| *prompt != id);
        }
        if let Some(item) = item
            && let Some(item) = instance.run.as_mut().and_then(|run| run.item_mut(&item))
        {
            item.asked = false;
        }
        self.close_need(id, NeedState::Withdrawn);
    }

    /// Ends every question that the instance waits for: its default, or refused.
    pub(crate) fn cancel_prompts(&mut self, instance: &mut Instance) {
        for id in std::mem::take(&mut instance.prompts) {
            self.cancel_prompt(instance, id);
        }
    }

    pub(crate) fn cancel_item_prompts(&mut self, instance: &mut Instance, item: &ItemId) {
        let (gone, kept): (Vec<NeedId>, Vec<NeedId>) = std::mem::take(&mut instance.prompts)
            .into_iter()
            .partition(|id| {
                self.needs
                    .get(id)
                    .is_none_or(|need| need.item.as_ref() == Some(item))
            });
        instance.prompts = kept;
        for id in gone {
            self.cancel_prompt(instance, id);
        }
    }

    fn cancel_prompt(&mut self, instance: &Instance, id: NeedId) {
        if let Some((_, to)) = self.replies.remove(&id)
            && instance.phase() != Phase::Released
            && !instance.mute
        {
            // A stop is no consent: the default is for a deadline, not for a person who walked away.
            self.reply(instance.id, to, Reply::PromptRefused);
        }
        self.close_need(id, NeedState::Withdrawn);
    }

    /// Has an open question stand under another handler.
    pub(crate) fn rehome(&mut self, id: NeedId, handler: HandlerId) {
        let Some(row) = self.needs.get_mut(&id) else {
            return;
        };
        self.need_index.remove(&key(row));
        row.handler = handler;
        self.need_index.insert(key(row), id);
        let row = stored(row);
        self.record(Record::Need(row));
    }

    /// The item or handler is gone, and its questions with it.
    pub(crate) fn withdraw_needs(&mut self, handler: &HandlerId, item: Option<&ItemId>) {
        let gone: Vec<NeedId> = self
            .needs
            .values()
            .filter(|need| need.handler == *handler)
            .filter(|need| item.is_none_or(|item| need.item.as_ref() == Some(item)))
            .map(|need| need.id)
            .collect();
        for id in gone {
            if let Some((instance, to)) = self.replies.remove(&id) {
                self.reply(instance, to, Reply::PromptRefused);
            }
            self.close_need(id, NeedState::Withdrawn);
        }
    }

    /// A good run that did not ask again has disproved what held the item: guards, stale locks and logins.
    pub(crate) fn withdraw_stale(&mut self, item: &ItemRef) {
        if self.needs.is_empty() {
            return;
        }
        let gone: Vec<NeedId> = self
            .needs
            .values()
            .filter(|need| need.handler == item.handler && need.item.as_ref() == Some(&item.item))
            .filter(|need| need.state == NeedState::Open && need.durable)
            .filter(|need| match need.kind {
                NeedKind::Guard | NeedKind::StaleLock | NeedKind::Login => true,
                NeedKind::Prompt | NeedKind::Conflict => false,
            })
            .map(|need| need.id)
            .collect();
        for id in gone {
            self.close_need(id, NeedState::Withdrawn);
        }
    }

    /// Grants or takes back the token for windows (3.5.5). Never blocks.
    pub(crate) fn modeless(&mut self, instance: &mut Instance, to: ReplyId, enable: bool) {
        if !enable {
            if let Some((holder, depth)) = self.token
                && holder == instance.id
            {
                self.token = depth.checked_sub(1).filter(|d| *d > 0).map(|d| (holder, d));
                self.tell_window(instance);
            }
            self.reply(instance.id, to, Reply::Modeless(true)); // M-117
            return;
        }
        // Out of phase the answer is no (3.1); that is no breach worth a record.
        let in_phase = matches!(step(instance.phase(), Kind::Modeless), Step::Stay);
        let asks =
            instance.interactive || matches!(instance.phase(), Phase::ErrorUi | Phase::Properties); // M-112, M-113, M-115
        let stopping = instance.stop > StopLevel::None
            || self
                .sessions
                .get(&instance.session)
                .is_some_and(|session| session.stopped);
        let free = match self.token {
            None => true,
            Some((holder, _)) => holder == instance.id, // M-114
        };
        let allowed = in_phase && asks && free && !stopping; // M-116
        if allowed {
            let depth = self.token.map_or(0, |(_, depth)| depth);
            self.token = Some((instance.id, depth.saturating_add(1)));
            self.tell_window(instance);
        }
        self.reply(instance.id, to, Reply::Modeless(allowed));
    }

    /// Views show that only stopping works meanwhile (M-119).
    fn tell_window(&mut self, instance: &Instance) {
        let last_or_first = self.token.is_none_or(|(_, depth)| depth == 1);
        if instance.run.is_some() && last_or_first {
            self.effects.shows.push(Show::Window);
        }
    }

    /// The operation or the instance ended (M-118).
    pub(crate) fn free_token(&mut self, id: InstanceId) {
        if self.token.is_some_and(|(holder, _)| holder == id) {
            self.token = None;
        }
    }
}

fn key(row: &NeedRow) -> (HandlerId, Option<ItemId>, String) {
    (row.handler.clone(), row.item.clone(), row.key.clone())
}

fn used(run: Option<RunId>, choice: String) -> NeedState {
    match run {
        Some(run) => NeedState::Used { choice, run },
        None => NeedState::Withdrawn,
    }
}

/// What the log tells of a question that nobody answered in time.
fn expired(row: &NeedRow) -> String {
    let came = match row.default.as_deref() {
        Some(LATER) => "it is given up".to_owned(),
        Some(choice) => format!("`{choice}` is taken"),
        None if row.durable => "it is given up".to_owned(),
        None => "the handler is told so".to_owned(),
    };
    format!(
        "question {} was not answered in time, {came}: {}",
        row.id, row.text
    )
}

fn default_reply(row: &NeedRow) -> Reply {
    match &row.default {
        Some(choice) => Reply::Chosen {
            choice: choice.clone(),
            fields: Typed::default(),
        },
        None => Reply::PromptRefused,
    }
}

/// The row as it may be stored: what was typed into a question for a secret stays in memory, and is asked for again
/// after a restart.
fn stored(row: &NeedRow) -> NeedRow {
    let mut row = row.clone();
    if row.wants_secret()
        && let NeedState::Answered { fields, .. } = &mut row.state
    {
        *fields = Typed::default();
    }
    row
}
