//! Notices for a person who is not looking: when one is worth it, and how few of them there may be.
//!
//! The budget: nothing for what a person watches in a terminal, for what waits for a condition, or for what cannot be
//! reached while there is no network; each trouble of an item once until it is well again; what happens to several items of
//! one run at once; and when more than [`MOST`] came within [`WINDOW`], the rest as one summary at its end.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::account::Occasion;
use crate::id::{HandlerId, ItemRef};
use crate::time::Timestamp;

/// So many notices within [`WINDOW`] come one by one.
pub const MOST: usize = 3;
/// How long they count.
pub const WINDOW: Duration = Duration::from_secs(10 * 60);
/// Most items that one notice names.
pub const MAX_NAMED: usize = 5;
/// Most items that are waited with for a summary; of further ones only the number is kept.
pub const MAX_HELD: usize = 1_000;

/// What a person wants to be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Notices {
    /// Nothing.
    #[default]
    None,
    /// What is wrong; a notice goes once all is well again.
    Failures,
    /// That, and what is well again.
    All,
}

/// How urgent a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// Good to know.
    Low,
    /// Something is wrong.
    Normal,
}

/// What a notice is about; a later one about the same takes its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// An item.
    Item(ItemRef),
    /// Several items of a handler.
    Handler(HandlerId),
    /// Whatever came too fast, or everything at the time of the digest.
    Everything,
}

/// What to do with the notices that a person sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Show one, in place of an earlier one about the same.
    Show {
        /// About what.
        about: About,
        /// Its title.
        title: String,
        /// What it says.
        body: String,
        /// How urgent it is.
        urgency: Urgency,
    },
    /// Take one away: what it said is over.
    Withdraw(About),
}

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Which.
    pub item: ItemRef,
    /// Its name.
    pub name: String,
    /// What.
    pub occasion: Occasion,
    /// Why.
    pub problem: Option<String>,
}

/// What was told, and what is still to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    /// The troubles of each item that were told, or seen, since it was well.
    told: BTreeMap<ItemRef, Troubles>,
    /// When the last ones were shown.
    shown: VecDeque<Timestamp>,
    /// What came too fast, or waits for the digest.
    held: BTreeMap<ItemRef, News>,
    /// How many more there are.
    more: usize,
    /// They are collected for a digest.
    digest: bool,
}

/// A set of the occasions that are trouble, and under what a notice was shown last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Troubles {
    bits: u8,
    shown: Option<About>,
}

/// The bit of an occasion that is trouble.
const fn bit(occasion: Occasion) -> Option<u8> {
    match occasion {
        Occasion::Failed => Some(1),
        Occasion::NeedsYou => Some(2),
        Occasion::Late => Some(4),
        Occasion::Overdue => Some(8),
        Occasion::Begins | Occasion::Done | Occasion::Stopped => None,
    }
}

impl Budget {
    /// The clock was set: what was shown is as long ago as before.
    pub(crate) fn shift(&mut self, shift: crate::clock_set::Shift) {
        for at in &mut self.shown {
            *at = shift.past(*at);
        }
    }

    /// Begins with the troubles of an earlier life, which are not told again.
    pub fn remember(&mut self, item: &ItemRef, occasion: Occasion) {
        if let Some(bit) = bit(occasion) {
            self.told.entry(item.clone()).or_default().bits |= bit;
        }
    }

    /// Whether everything waits for a digest from now on.
    pub fn collect(&mut self, digest: bool) {
        self.digest = digest;
    }

    /// An item is gone.
    pub fn forget(&mut self, item: &ItemRef) {
        self.told.remove(item);
        self.held.remove(item);
    }

    /// Takes in what became of several items of one handler at once, each with what its owner wants to be told; `watched`:
    /// a person sees it anyway.
    pub fn take(
        &mut self,
        now: Timestamp,
        handler: &HandlerId,
        handler_name: &str,
        news: Vec<(News, Notices)>,
        watched: bool,
    ) -> Vec<Notice> {
        let mut notices = Vec::new();
        let mut fresh = Vec::new();
        for (news, wanted) in news {
            match bit(news.occasion) {
                Some(bit) => {
                    let troubles = self.told.entry(news.item.clone()).or_default();
                    let is_news = troubles.bits & bit == 0;
                    troubles.bits |= bit;
                    if is_news && !watched && wanted != Notices::None {
                        fresh.push(news);
                    }
                }
                None if news.occasion == Occasion::Done => {
                    self.well(news, wanted, watched, &mut fresh, &mut notices);
                }
                None => {}
            }
        }
        if fresh.is_empty() {
            return notices;
        }
        self.shown
            .retain(|at| now.since(*at) < WINDOW && *at <= now);
        if self.digest || self.shown.len() >= MOST || !self.held.is_empty() {
            self.hold(fresh);
            return notices;
        }
        self.shown.push_back(now);
        let about = match fresh.as_slice() {
            [one] => About::Item(one.item.clone()),
            _ => About::Handler(handler.clone()),
        };
        for news in &fresh {
            if let Some(troubles) = self.told.get_mut(&news.item) {
                troubles.shown = Some(about.clone());
            }
        }
        notices.push(show(about, handler_name, &fresh, 0));
        notices
    }

    fn well(
        &mut self,
        news: News,
        wanted: Notices,
        watched: bool,
        fresh: &mut Vec<News>,
        notices: &mut Vec<Notice>,
    ) {
        let Some(troubles) = self.told.remove(&news.item) else {
            return; // it was well before
        };
        // What nobody was told yet has passed, and is not worth a notice.
        let untold = self.held.remove(&news.item).is_some();
        let alone = |about: &About| {
            !self
                .told
                .values()
                .any(|other| other.shown.as_ref() == Some(about))
        };
        let replaces = wanted == Notices::All && !watched && !untold && !self.digest;
        if let Some(about) = troubles.shown.filter(alone)
            && !(replaces && about == About::Item(news.item.clone()))
        {
            notices.push(Notice::Withdraw(about));
        }
        if replaces {
            fresh.push(news);
        }
    }

    fn hold(&mut self, fresh: Vec<News>) {
        for news in fresh {
            if self.held.len() < MAX_HELD || self.held.contains_key(&news.item) {
                self.held.insert(news.item.clone(), news);
            } else {
                self.more = self.more.saturating_add(1);
            }
        }
    }

    /// When what is held comes as one summary; absent: nothing is, or the digest decides.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        if self.digest || self.held.is_empty() {
            return None;
        }
        self.shown.back().map(|last| last.plus(WINDOW))
    }

    /// What is held, as one notice.
    pub fn summary(&mut self, now: Timestamp) -> Option<Notice> {
        let held: Vec<News> = std::mem::take(&mut self.held).into_values().collect();
        let more = std::mem::take(&mut self.more);
        if held.is_empty() {
            return None;
        }
        for news in &held {
            if let Some(troubles) = self.told.get_mut(&news.item) {
                troubles.shown = Some(About::Everything);
            }
        }
        self.shown.clear();
        self.shown.push_back(now);
        Some(show(About::Everything, "Synchronization", &held, more))
    }
}

fn show(about: About, who: &str, news: &[News], more: usize) -> Notice {
    let count = news.len().saturating_add(more);
    let all_well = news.iter().all(|news| news.occasion == Occasion::Done);
    let title = match news {
        [one] if more == 0 => format!("{} {}", one.name, became(one.occasion)),
        _ if all_well => format!("{who}: {count} items are in sync again"),
        _ => format!("{who}: {count} items want attention"),
    };
    let body = match news {
        [one] if more == 0 => one.problem.clone().unwrap_or_default(),
        _ => {
            let mut lines: Vec<String> = news
                .iter()
                .take(MAX_NAMED)
                .map(|news| match &news.problem {
                    Some(problem) => {
                        format!("{} {}: {problem}", news.name, became(news.occasion))
                    }
                    None => format!("{} {}", news.name, became(news.occasion)),
                })
                .collect();
            let rest = count.saturating_sub(lines.len());
            if rest > 0 {
                lines.push(format!("and {rest} more"));
            }
            lines.join("\n")
        }
    };
    Notice::Show {
        about,
        title,
        body,
        urgency: if all_well {
            Urgency::Low
        } else {
            Urgency::Normal
        },
    }
}

const fn became(occasion: Occasion) -> &'static str {
    match occasion {
        Occasion::Failed => "failed",
        Occasion::NeedsYou => "needs you",
        Occasion::Late => "is late",
        Occasion::Overdue => "is overdue",
        Occasion::Done => "is in sync again",
        Occasion::Stopped => "was stopped",
        Occasion::Begins => "is being synchronized",
    }
}
