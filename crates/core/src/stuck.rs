//! Items that come no further: the same place at the end of several runs in a row, told once and cleared by progress.

use crate::id::{ItemRef, NeedId};
use crate::instance::LiveItem;
use crate::item::ItemStatus;
use crate::log::Level;
use crate::manager::Manager;
use crate::need::{NeedKind, NeedRow, NeedState};
use crate::own_question::{self, choice};
use crate::policy::STUCK_AFTER;
use crate::record::PauseScope;
use crate::request::{IfRunning, Request, Scope, Trigger, Work};
use crate::saying::{Because, Question, Saying};

/// How the keys of these questions begin; no handler's key may.
pub const MARK: char = '\u{4}';
/// The choice that tries it again at once.
pub const AGAIN: &str = "again";
/// The choice that pauses the item until somebody resumes it.
pub const PAUSE: &str = "pause";

/// So many questions of this kind are open for one handler at most: where everything of it is stuck, one reason is enough.
pub const MAX_QUESTIONS: usize = 16;

/// Where runs of an item ended that came to no good end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stall {
    /// How many runs in a row ended there.
    pub runs: u32,
    /// How far they came.
    pub value: u64,
    /// How far it goes; 0: nobody knows.
    pub max: u64,
    /// How many things were moved.
    pub moved: u64,
    /// It was told that it is stuck.
    pub told: bool,
}

impl Stall {
    /// The stall after one more run that ended at this place.
    fn after(before: Option<Self>, item: &LiveItem) -> Self {
        let counts = &item.counts;
        let moved = counts
            .sent
            .saturating_add(counts.received)
            .saturating_add(counts.deleted);
        let here = Self {
            runs: 1,
            value: item.value,
            max: item.max,
            moved,
            told: false,
        };
        match before {
            Some(before)
                if (before.value, before.max, before.moved)
                    == (here.value, here.max, here.moved) =>
            {
                Self {
                    runs: before.runs.saturating_add(1),
                    told: before.told,
                    ..here
                }
            }
            Some(_) | None => here,
        }
    }

    /// What there is to tell of it, as a fragment such as `the same 3 of 120 in 3 runs`.
    #[must_use]
    pub fn saying(&self) -> Saying {
        let runs = u64::from(self.runs);
        if self.value > 0 {
            Because::StuckAt {
                value: self.value,
                max: self.max,
                runs,
            }
        } else if self.moved > 0 {
            let moved = self.moved;
            Because::StuckMoved { moved, runs }
        } else {
            Because::StuckNothing { runs }
        }
        .into()
    }

    /// [`Self::saying`] in its words.
    #[must_use]
    pub fn fragment(&self) -> String {
        self.saying().into()
    }
}

impl Manager {
    /// Whether an item is stuck, and where.
    #[must_use]
    pub fn stuck(&self, item: &ItemRef) -> Option<&Stall> {
        let stall = self.item(item)?.stall.as_deref()?;
        let after = self.stuck_after(item);
        (after > 0 && stall.runs >= after).then_some(stall)
    }

    fn stuck_after(&self, item: &ItemRef) -> u32 {
        self.policies_of(item)
            .value(|policy| policy.stuck_after)
            .unwrap_or(STUCK_AFTER)
    }

    /// A run of an item ended: takes in where. What a person ended, or the absence of the other end, says nothing.
    pub(crate) fn take_place(&mut self, at: &ItemRef, item: &LiveItem) {
        let neutral = match item.status {
            ItemStatus::Succeeded | ItemStatus::Deleted => false,
            // What a command before the run refused never began, and came neither further nor not.
            // Where its handler cannot even list, that is told as the handler's own problem.
            ItemStatus::Failed => {
                let handler = self.handlers.get(&at.handler);
                item.refused || handler.is_some_and(|handler| handler.row.problem.is_some())
            }
            ItemStatus::Stopped => item.cut().is_none(),
            ItemStatus::Pending
            | ItemStatus::Updating
            | ItemStatus::UpdatingIndeterminate
            | ItemStatus::Paused
            | ItemStatus::Resuming
            | ItemStatus::Skipped
            | ItemStatus::Disconnected
            | ItemStatus::Held => true,
        };
        let Some(slot) = self.slot_mut(at).filter(|_| !neutral) else {
            return;
        };
        let before = slot.row.stall.take().map(|stall| *stall);
        if matches!(item.status, ItemStatus::Succeeded | ItemStatus::Deleted) {
            if before.is_some_and(|stall| stall.told) {
                self.no_longer_stuck(at);
            }
            return;
        }
        let told = before.as_ref().is_some_and(|stall| stall.told);
        let stall = Stall::after(before, item);
        let moved_on = told && !stall.told;
        slot.row.stall = Some(Box::new(stall));
        if moved_on {
            self.no_longer_stuck(at);
        }
        self.tell_stuck(at);
    }

    /// Tells once that an item is stuck.
    fn tell_stuck(&mut self, at: &ItemRef) {
        let Some(stall) = self.stuck(at).filter(|stall| !stall.told).cloned() else {
            return;
        };
        let Some(slot) = self.slot_mut(at) else {
            return;
        };
        let name = slot.row.name.clone();
        let problem = slot.row.last_problem.clone();
        if let Some(stall) = slot.row.stall.as_deref_mut() {
            stall.told = true;
        }
        let text = own_question::of_stuck(&name, &stall);
        let told = format!("it is stuck: {}", stall.fragment());
        self.warn_of(at, None, Level::Warning, told);
        let asked = self.needs.values().filter(|need| {
            need.handler == at.handler
                && need.state == NeedState::Open
                && need.key.starts_with(MARK)
        });
        if asked.count() >= MAX_QUESTIONS {
            return;
        }
        let id = self.next_need();
        self.open_need(NeedRow {
            id,
            handler: at.handler.clone(),
            item: Some(at.item.clone()),
            key: MARK.to_string(),
            kind: NeedKind::Prompt,
            durable: true,
            text: crate::cut::bytes(text.into(), crate::cut::MAX_LINE),
            detail: problem,
            choices: vec![
                choice(AGAIN, Question::StuckAgain),
                choice(PAUSE, Question::StuckPause),
            ],
            default: None,
            deadline: None,
            fields: None,
            context: String::new(),
            opened: self.now,
            run: None,
            state: NeedState::Open,
        });
    }

    fn no_longer_stuck(&mut self, at: &ItemRef) {
        let key = (at.handler.clone(), Some(at.item.clone()), MARK.to_string());
        if let Some(need) = self.need_index.get(&key).copied() {
            self.close_need(need, NeedState::Withdrawn);
        }
    }

    /// Carries out the answer to such a question; false for every other question.
    pub(crate) fn answer_stuck(&mut self, need: NeedId, choice: &str) -> bool {
        let Some(item) = self
            .needs
            .get(&need)
            .filter(|row| row.key.starts_with(MARK))
            .and_then(|row| {
                Some(ItemRef {
                    handler: row.handler.clone(),
                    item: row.item.clone()?,
                })
            })
        else {
            return false;
        };
        self.close_need(need, NeedState::Withdrawn);
        if choice == PAUSE {
            self.pause(PauseScope::Item(item), None);
        } else {
            let request = self.next_request();
            self.enqueue(
                request,
                Request {
                    scope: Scope::Items(vec![item]),
                    work: Work::Synchronize,
                    trigger: Trigger::Answered,
                    may_bother_user: false,
                    cookie: None,
                    if_running: IfRunning::Again,
                },
            );
        }
        true
    }
}
