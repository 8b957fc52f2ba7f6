//! Who comes next in a run, so that nobody stands in another's way.

use std::collections::{BTreeMap, VecDeque};

use syncmgr_handler::item::ItemId;

use crate::item::Held;

/// An item that waits for its turn, with the secrets that a person gave for it.
pub(super) type Waiting = (ItemId, Held, BTreeMap<String, String>);

/// What the workers of a run share.
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    /// The lanes of those at work.
    taken: Vec<Vec<String>>,
}

impl Queue {
    /// All wait.
    pub(super) fn of(items: Vec<Waiting>) -> Self {
        Self {
            waiting: items.into(),
            taken: Vec::new(),
        }
    }

    /// Nobody waits any more.
    pub(super) fn is_over(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next that stands in nobody's way.
    pub(super) fn take(&mut self) -> Option<Waiting> {
        let at = self.waiting.iter().position(|(_, held, _)| {
            let lanes = lanes(held);
            !self
                .taken
                .iter()
                .flatten()
                .any(|taken| lanes.iter().any(|lane| crosses(lane, taken)))
        })?;
        let next = self.waiting.remove(at)?;
        self.taken.push(lanes(&next.1));
        Some(next)
    }

    /// One is done with.
    pub(super) fn give_back(&mut self, held: &Held) {
        let lanes = lanes(held);
        if let Some(at) = self.taken.iter().position(|taken| *taken == lanes) {
            self.taken.swap_remove(at);
        }
    }
}

fn lanes(held: &Held) -> Vec<String> {
    held.as_ref()
        .map(|item| item.listed(None).lanes)
        .unwrap_or_default()
}

/// Whether two lanes are the same, or one lies within the other.
fn crosses(one: &str, other: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    within(one, other) || within(other, one)
}
