//! What is told to whoever is no handler and no view: hooks, webhooks, pings and notices. One account serves them all.

use crate::freshness::Freshness;
use crate::id::{HandlerId, ItemId, RunId};
use crate::item::{Counts, ItemStatus};
use crate::request::Trigger;
use crate::run::RunOutcome;
use crate::time::Timestamp;

/// Most items that an account names; the rest is a number.
pub const MAX_TOLD: usize = 100;

/// What an account is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Occasion {
    /// A run is about to begin.
    Begins,
    /// The items ended well.
    Done,
    /// Some item failed.
    Failed,
    /// A person is needed: a question, or a conflict.
    NeedsYou,
    /// The run was stopped, or everything in it skipped.
    Stopped,
    /// An item is older than expected.
    Late,
    /// An item is at least twice as old as expected.
    Overdue,
}

impl Occasion {
    /// All of them, in the order in which they are documented.
    pub const ALL: [Self; 7] = [
        Self::Begins,
        Self::Done,
        Self::Failed,
        Self::NeedsYou,
        Self::Stopped,
        Self::Late,
        Self::Overdue,
    ];

    /// Its name in configuration, environment and bodies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Begins => "begins",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::NeedsYou => "needs-you",
            Self::Stopped => "stopped",
            Self::Late => "late",
            Self::Overdue => "overdue",
        }
    }

    /// What the end of one item is.
    #[must_use]
    pub const fn of_item(status: ItemStatus, conflicts: bool) -> Self {
        match status {
            ItemStatus::Failed | ItemStatus::Disconnected => Self::Failed,
            ItemStatus::Held => Self::NeedsYou,
            ItemStatus::Succeeded | ItemStatus::Deleted if conflicts => Self::NeedsYou,
            ItemStatus::Succeeded | ItemStatus::Deleted => Self::Done,
            ItemStatus::Skipped
            | ItemStatus::Stopped
            | ItemStatus::Pending
            | ItemStatus::Updating
            | ItemStatus::UpdatingIndeterminate
            | ItemStatus::Paused
            | ItemStatus::Resuming => Self::Stopped,
        }
    }

    /// How grave the end of an item is beside those of the others of its run; the gravest names the whole.
    const fn gravity(self) -> u8 {
        match self {
            Self::Failed => 4,
            Self::NeedsYou => 3,
            Self::Stopped => 2,
            Self::Done | Self::Begins | Self::Late | Self::Overdue => 1,
        }
    }

    /// The graver of two ends.
    #[must_use]
    pub const fn or_graver(self, other: Self) -> Self {
        if other.gravity() > self.gravity() {
            other
        } else {
            self
        }
    }
}

/// What happened, to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What it is about.
    pub occasion: Occasion,
    /// When.
    pub at: Timestamp,
    /// The handler.
    pub handler: HandlerId,
    /// What it is called.
    pub handler_name: String,
    /// The run, when there is one.
    pub run: Option<AccountOfRun>,
    /// The items, at most [`MAX_TOLD`].
    pub items: Vec<AccountOfItem>,
    /// How many more there are.
    pub more: usize,
}

/// The run of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountOfRun {
    /// Its number.
    pub id: RunId,
    /// Why.
    pub trigger: Trigger,
    /// When it began.
    pub opened: Timestamp,
    /// How it stands: of the whole run, which may have other items too.
    pub outcome: RunOutcome,
    /// What was moved by the items of the account.
    pub counts: Counts,
}

/// One item of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountOfItem {
    /// Its identity.
    pub item: ItemId,
    /// Its name.
    pub name: String,
    /// What became of it in the run; absent before the end.
    pub occasion: Option<Occasion>,
    /// Why it failed, or what is wrong.
    pub problem: Option<String>,
    /// When its last good run ended.
    pub last_good: Option<Timestamp>,
    /// How fresh it is, where that is what the account is about.
    pub freshness: Option<Freshness>,
}

impl Account {
    /// One sentence about it.
    #[must_use]
    pub fn sentence(&self) -> String {
        let what = match self.occasion {
            Occasion::Begins => "is being synchronized",
            Occasion::Done => "is in sync",
            Occasion::Failed => "failed",
            Occasion::NeedsYou => "needs you",
            Occasion::Stopped => "was stopped",
            Occasion::Late => "is late",
            Occasion::Overdue => "is overdue",
        };
        let who = match (self.items.as_slice(), self.more) {
            ([], _) => self.handler_name.clone(),
            ([one], 0) => one.name.clone(),
            ([first, ..], more) => {
                let others = (self.items.len() - 1).saturating_add(more);
                format!("{} and {others} more", first.name)
            }
        };
        let worst = self
            .items
            .iter()
            .find(|item| item.occasion.is_none_or(|own| own == self.occasion));
        match worst.and_then(|item| item.problem.as_deref()) {
            Some(problem) => format!("{who} {what}: {problem}"),
            None => format!("{who} {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_end_names_the_whole() {
        use Occasion::{Done, Failed, NeedsYou, Stopped};
        for (one, other, wanted) in [
            (Done, Done, Done),
            (Done, Stopped, Stopped),
            (Stopped, NeedsYou, NeedsYou),
            (NeedsYou, Failed, Failed),
        ] {
            assert_eq!(one.or_graver(other), wanted);
            assert_eq!(other.or_graver(one), wanted);
        }
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = Occasion::ALL
            .iter()
            .map(|occasion| occasion.name())
            .collect();
        assert_eq!(names.len(), Occasion::ALL.len());
    }

    #[test]
    fn a_sentence_names_who_and_why() {
        let item = |name: &str, problem: Option<&str>| AccountOfItem {
            item: ItemId::new(name).unwrap(),
            name: name.to_owned(),
            occasion: Some(if problem.is_some() {
                Occasion::Failed
            } else {
                Occasion::Done
            }),
            problem: problem.map(str::to_owned),
            last_good: None,
            freshness: None,
        };
        let account = |items, more| Account {
            occasion: Occasion::Failed,
            at: Timestamp(0),
            handler: HandlerId::new("h").unwrap(),
            handler_name: "Mail".to_owned(),
            run: None,
            items,
            more,
        };
        let one = account(vec![item("inbox", Some("no route"))], 0);
        assert_eq!(one.sentence(), "inbox failed: no route");
        let many = account(vec![item("inbox", None), item("sent", Some("full"))], 3);
        assert_eq!(many.sentence(), "inbox and 4 more failed: full");
        assert_eq!(account(Vec::new(), 0).sentence(), "Mail failed");
    }
}
