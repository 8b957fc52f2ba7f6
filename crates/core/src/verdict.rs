//! The verdict: what a person sees of each item, and the worst of all in one value.
//!
//! Exit codes as `product.md` settles them: failed is 2, an open question or conflict is 3, whatever else is not as it
//! should be (late, overdue, never synchronized, not finished, out of reach) is 1, and all good is 0. Where several hold, the order
//! of [`Shown`] decides, so a failure outranks a question. Items that are off or paused are as somebody wanted them:
//! they are counted and do not spoil the verdict, except by a question.

use std::collections::HashSet;

use crate::catalog::{HandlerSlot, ItemSlot};
use crate::freshness::{Freshness, freshness, told};
use crate::id::{HandlerId, ItemId, ItemRef};
use crate::item::{Activation, Connected, ItemRow, ItemStatus, RunState};
use crate::manager::Manager;
use crate::need::{NeedRow, NeedState};
use crate::record::PauseScope;
use crate::saying::{Ending, Saying};
use crate::time::Timestamp;

/// Most items named by a verdict; the counts count all.
pub const MAX_NAMED: usize = 100;

/// What a person sees of an item, derived from its axes in this one place; worst last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shown {
    /// In sync.
    #[default]
    Fresh,
    /// It or its handler is turned off.
    Disabled,
    /// Its handler waits to be set up.
    NotSetUp,
    /// Paused.
    Paused,
    /// Waits in the queue.
    Pending,
    /// Runs.
    Syncing,
    /// Was asked to stop.
    Stopping,
    /// Never ran well.
    New,
    /// Its last run did not finish it, or was undone: the next one goes on from there.
    Unfinished,
    /// Cannot be reached.
    Disconnected,
    /// Older than expected.
    Late,
    /// Much older than expected.
    Overdue,
    /// Has open conflicts.
    Conflicts,
    /// Waits for a person.
    NeedsYou,
    /// The last run failed.
    Failed,
}

/// What `status` exits with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// 0: all good.
    Good,
    /// 1: warnings.
    Warnings,
    /// 2: something failed.
    Failed,
    /// 3: something waits for a person.
    NeedsYou,
}

impl Shown {
    /// The exit code that it calls for.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self {
            Self::Fresh
            | Self::Disabled
            | Self::NotSetUp
            | Self::Paused
            | Self::Pending
            | Self::Syncing
            | Self::Stopping => Exit::Good,
            Self::New | Self::Unfinished | Self::Disconnected | Self::Late | Self::Overdue => {
                Exit::Warnings
            }
            Self::Conflicts | Self::NeedsYou => Exit::NeedsYou,
            Self::Failed => Exit::Failed,
        }
    }
}

/// Why an item is not known to be in sync although nothing failed, as a fragment: its last run left it half-done, or
/// what that run did was undone.
#[must_use]
pub fn unfinished(row: &ItemRow) -> Option<Saying> {
    match row.last_status? {
        ItemStatus::Stopped => Some(
            row.last_problem
                .as_deref()
                .map_or_else(|| Ending::StoppedEarly.into(), told),
        ),
        ItemStatus::Pending
        | ItemStatus::Updating
        | ItemStatus::UpdatingIndeterminate
        | ItemStatus::Paused
        | ItemStatus::Resuming => Some(Ending::StoppedEarly.into()),
        ItemStatus::Skipped => Some(Ending::SkippedEarly.into()),
        ItemStatus::Held => Some(Ending::Held.into()),
        ItemStatus::Succeeded
        | ItemStatus::Failed
        | ItemStatus::Disconnected
        | ItemStatus::Deleted => None,
    }
}

/// The verdict on everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The worst of the items, apart from what they are doing now.
    pub worst: Shown,
    /// How many items there are.
    pub items: u64,
    /// How many are in sync.
    pub fresh: u64,
    /// How many are paused.
    pub paused: u64,
    /// How many are off or not set up.
    pub off: u64,
    /// How many never ran well.
    pub new: u64,
    /// How many were not finished.
    pub unfinished: u64,
    /// How many cannot be reached.
    pub disconnected: u64,
    /// How many are late.
    pub late: u64,
    /// How many are overdue.
    pub overdue: u64,
    /// How many have open conflicts.
    pub conflicts: u64,
    /// How many wait for a person.
    pub needs_you: u64,
    /// How many failed.
    pub failed: u64,
    /// How many work or wait for their turn.
    pub busy: u64,
    /// How many a plain `sync` leaves out and no rule starts: they are synchronized by name only.
    pub by_name: u64,
    /// The first [`MAX_NAMED`] of them.
    pub named: Vec<ItemRef>,
    /// Questions that are open, also those of no item.
    pub open_needs: u64,
    /// The items that are as bad as the worst, the first [`MAX_NAMED`].
    pub which: Vec<ItemRef>,
    /// Handlers that failed before they listed their items, unless they are off or paused.
    pub problems: Vec<HandlerId>,
    /// Handlers without items that were never asked for any; what they would synchronize is not known to be in sync.
    pub unasked: Vec<HandlerId>,
    /// Handlers that were asked and have no items.
    pub empty: Vec<HandlerId>,
}

/// How an item stands.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// The item.
    pub row: &'a ItemRow,
    /// How it stands, whatever it is doing now.
    pub shown: Shown,
    /// How many of its conflicts are open.
    pub conflicts: u64,
    /// It is in a run.
    pub busy: bool,
    /// Neither a plain `sync` nor a rule starts it, although it is on and not paused.
    pub by_name: bool,
}

/// Whether a question holds its item up. That it is stuck is told by how it stands, and the question only offers help.
fn holds_up(need: &NeedRow) -> bool {
    !need.key.starts_with(crate::stuck::MARK)
}

impl Manager {
    /// What a person sees of an item: what it is doing when it is doing something, else how it stands.
    #[must_use]
    pub fn shown(&self, item: &ItemRef, now: Timestamp) -> Shown {
        match self.run_state(item) {
            RunState::Stopping => Shown::Stopping,
            RunState::Syncing => Shown::Syncing,
            RunState::Pending => Shown::Pending,
            RunState::Idle => self.standing(item, now),
        }
    }

    /// How an item stands, whatever it is doing now.
    #[must_use]
    pub fn standing(&self, item: &ItemRef, now: Timestamp) -> Shown {
        let Some(handler) = self.handlers.get(&item.handler) else {
            return Shown::NotSetUp;
        };
        let Some(slot) = handler.items.get(&item.item) else {
            return Shown::NotSetUp;
        };
        let asked = self.open_needs_of(item).any(holds_up);
        self.stand(handler, slot, asked, now)
    }

    fn stand(&self, handler: &HandlerSlot, slot: &ItemSlot, asked: bool, now: Timestamp) -> Shown {
        let row = &slot.row;
        if handler.row.activation == Activation::Inactive {
            return Shown::NotSetUp;
        }
        if !handler.row.enabled || !row.enabled {
            return Shown::Disabled;
        }
        if asked {
            return Shown::NeedsYou;
        }
        if self.pause_of(&row.at).is_some() {
            return Shown::Paused;
        }
        let failed = match row.last_status {
            Some(ItemStatus::Failed | ItemStatus::Disconnected) => true,
            Some(
                ItemStatus::Pending
                | ItemStatus::Updating
                | ItemStatus::UpdatingIndeterminate
                | ItemStatus::Paused
                | ItemStatus::Resuming
                | ItemStatus::Succeeded
                | ItemStatus::Skipped
                | ItemStatus::Stopped
                | ItemStatus::Deleted
                | ItemStatus::Held,
            )
            | None => false,
        };
        let standing = match freshness(row, now) {
            Freshness::Fresh => Shown::Fresh,
            Freshness::New => Shown::New,
            Freshness::Late => Shown::Late,
            Freshness::Overdue => Shown::Overdue,
        };
        let away = handler.row.connected == Connected::No || row.connected == Connected::No;
        [
            (failed, Shown::Failed),
            (slot.conflicts > 0, Shown::Conflicts),
            (away, Shown::Disconnected),
            (unfinished(row).is_some(), Shown::Unfinished),
        ]
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, shown)| shown)
        .fold(standing, Shown::max)
    }

    /// The verdict on everything, in one pass over the items.
    #[must_use]
    pub fn verdict(&self, now: Timestamp) -> Verdict {
        let mut verdict = Verdict::default();
        for need in self.needs.values() {
            if need.state != NeedState::Open {
                continue;
            }
            verdict.open_needs += 1;
            if need.item.is_none() {
                verdict.worst = verdict.worst.max(Shown::NeedsYou);
            }
        }
        self.judge_handlers(&mut verdict);
        for standing in self.standings(now) {
            verdict.items += 1;
            if standing.busy {
                verdict.busy += 1;
            }
            let shown = standing.shown;
            if standing.by_name {
                verdict.by_name += 1;
                if verdict.named.len() < MAX_NAMED {
                    verdict.named.push(standing.row.at.clone());
                }
            }
            let count = match shown {
                Shown::Fresh | Shown::Pending | Shown::Syncing | Shown::Stopping => {
                    &mut verdict.fresh
                }
                Shown::Disabled | Shown::NotSetUp => &mut verdict.off,
                Shown::Paused => &mut verdict.paused,
                Shown::New => &mut verdict.new,
                Shown::Unfinished => &mut verdict.unfinished,
                Shown::Disconnected => &mut verdict.disconnected,
                Shown::Late => &mut verdict.late,
                Shown::Overdue => &mut verdict.overdue,
                Shown::Conflicts => &mut verdict.conflicts,
                Shown::NeedsYou => &mut verdict.needs_you,
                Shown::Failed => &mut verdict.failed,
            };
            *count += 1;
            if shown > verdict.worst {
                verdict.worst = shown;
                verdict.which.clear();
            }
            if shown == verdict.worst && verdict.which.len() < MAX_NAMED {
                verdict.which.push(standing.row.at.clone());
            }
        }
        verdict
    }

    /// What handlers that tell of no item do to the verdict.
    fn judge_handlers(&self, verdict: &mut Verdict) {
        for (id, slot) in &self.handlers {
            if slot.row.activation == Activation::Inactive
                || !slot.row.enabled
                || self.pauses.contains_key(&PauseScope::All)
                || self.pauses.contains_key(&PauseScope::Handler(id.clone()))
            {
                continue;
            }
            if slot.row.problem.is_some() {
                verdict.worst = verdict.worst.max(Shown::Failed);
                verdict.problems.push(id.clone());
            } else if slot.items.is_empty() && !self.all_defined.contains(id) {
                if slot.row.asked {
                    verdict.empty.push(id.clone());
                } else {
                    verdict.worst = verdict.worst.max(Shown::New);
                    verdict.unasked.push(id.clone());
                }
            }
        }
    }

    /// Whether nothing but its name starts an item. What is off or paused is told as that, and what is hidden was never ticked
    /// by a person.
    fn is_by_name(&self, handler: &HandlerSlot, row: &ItemRow, shown: Shown) -> bool {
        !row.checked
            && !row.temporary
            && !row.hidden
            && !handler.row.hidden
            && !matches!(shown, Shown::Disabled | Shown::NotSetUp | Shown::Paused)
            && !self
                .rules
                .iter()
                .any(|state| state.rule.selects(&handler.row, row))
    }

    /// How every item stands, by handler, then in listing order: one look at each, however many questions there are.
    pub fn standings(&self, now: Timestamp) -> impl Iterator<Item = Standing<'_>> {
        let asked: HashSet<(&HandlerId, &ItemId)> = self
            .needs
            .values()
            .filter(|need| need.state == NeedState::Open && holds_up(need))
            .filter_map(|need| Some((&need.handler, need.item.as_ref()?)))
            .collect();
        let slots = self.handlers.values().flat_map(|handler| {
            let slots = handler.order.iter().filter_map(|id| handler.items.get(id));
            slots.map(move |slot| (handler, slot))
        });
        slots.map(move |(handler, slot)| {
            let at = &slot.row.at;
            let asked = !asked.is_empty() && asked.contains(&(&at.handler, &at.item));
            let shown = self.stand(handler, slot, asked, now);
            Standing {
                row: &slot.row,
                shown,
                conflicts: slot.conflicts,
                busy: slot.live.is_some(),
                by_name: self.is_by_name(handler, &slot.row, shown),
            }
        })
    }
}
