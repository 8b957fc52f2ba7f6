//! Policies: what holds during and after the runs of the items that they select, whatever started them.
//!
//! A rule says what starts items and what must hold before; a policy says everything about a run from there on. Several may
//! select one item: the later of them wins, setting by setting.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::awake::KeepAwake;
use crate::id::ItemRef;
use crate::item::{HandlerRow, ItemRow};
use crate::lane::Lane;
use crate::manager::Manager;
use crate::notice::Notices;
use crate::rule::{MAX_SELECTED, Select};
use crate::telling::Webhook;

/// Most policies; further ones are dropped.
pub const MAX_POLICIES: usize = 256;
/// A handler that reports nothing for so long is asked about, unless a policy says otherwise.
pub const NO_PROGRESS: Duration = Duration::from_secs(30 * 60);
/// So many runs in a row that come no further are told, unless a policy says otherwise.
pub const STUCK_AFTER: u32 = 3;

/// A policy. Every setting is absent unless it says something about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// What it is called.
    pub name: String,
    /// The items it is about; empty: all.
    pub items: Vec<Select>,
    /// A run that lasts longer is stopped.
    pub time_limit: Option<Duration>,
    /// A run of which nothing is heard for so long is asked about, then stopped; zero: never.
    pub no_progress: Option<Duration>,
    /// So many runs in a row that come no further are told; zero: never.
    pub stuck_after: Option<u32>,
    /// How old the last good run may be, whatever rules say.
    pub fresh_within: Option<Duration>,
    /// When its runs keep the machine awake.
    pub keep_awake: Option<KeepAwake>,
    /// What runs before a run; empty: nothing.
    pub before: Option<Vec<String>>,
    /// What runs after a run, whatever came of it; empty: nothing.
    pub after: Option<Vec<String>>,
    /// What runs after a run that failed; empty: nothing.
    pub failed: Option<Vec<String>>,
    /// How long each of them may take.
    pub hook_limit: Option<Duration>,
    /// An address that is told.
    pub webhook: Option<Webhook>,
    /// A dead man's switch; empty: none.
    pub ping: Option<String>,
    /// What a person is told.
    pub notices: Option<Notices>,
    /// What nobody else works with while it runs, whatever its handler says; empty: nothing.
    pub lanes: Option<BTreeSet<Lane>>,
    /// How many sessions of its handler work at once, where the handler can do several at all.
    pub parallel: Option<usize>,
    /// Which of what waits and nobody asked for goes first: from [`LOWEST`] to [`HIGHEST`].
    pub priority: Option<i8>,
}

/// Goes last.
pub const LOWEST: i8 = -10;
/// Goes first, after persons.
pub const HIGHEST: i8 = 10;

/// The policies that select one item, in the order of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Effective<'a>(Vec<&'a Policy>);

impl Policy {
    /// Whether an item is one of its items.
    #[must_use]
    pub fn selects(&self, handler: &HandlerRow, item: &ItemRow) -> bool {
        self.items.is_empty()
            || self
                .items
                .iter()
                .any(|select| select.matches(handler, item))
    }

    fn bounded(mut self) -> Self {
        self.items.truncate(MAX_SELECTED);
        self
    }
}

impl<'a> Effective<'a> {
    /// Those of the policies that select the item.
    #[must_use]
    pub fn of(policies: &'a [Policy], handler: &HandlerRow, item: &ItemRow) -> Self {
        Self(
            policies
                .iter()
                .filter(|policy| policy.selects(handler, item))
                .collect(),
        )
    }

    /// One setting with the policy that says it: the last one that says anything about it.
    pub fn said<T>(&self, setting: impl Fn(&'a Policy) -> Option<T>) -> Option<(T, &'a Policy)> {
        self.0
            .iter()
            .rev()
            .find_map(|policy| Some((setting(policy)?, *policy)))
    }

    /// One setting.
    pub fn value<T>(&self, setting: impl Fn(&'a Policy) -> Option<T>) -> Option<T> {
        self.said(setting).map(|(value, _)| value)
    }
}

impl Manager {
    /// The policies, from the configuration.
    pub(crate) fn set_policies(&mut self, policies: Vec<Policy>) {
        if policies.is_empty() && self.policies.is_empty() {
            return;
        }
        self.policies = policies
            .into_iter()
            .take(MAX_POLICIES)
            .map(Policy::bounded)
            .collect();
        self.look_awake_again();
        let items: Vec<ItemRef> = self.items().map(|row| row.at.clone()).collect();
        for item in &items {
            self.follow_rules(item);
        }
        self.expect_all();
    }

    /// The policies, in their order.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The policies of an item.
    #[must_use]
    pub fn policies_of(&self, item: &ItemRef) -> Effective<'_> {
        if self.policies.is_empty() {
            return Effective::default();
        }
        match (self.handler(&item.handler), self.item(item)) {
            (Some(handler), Some(item)) => Effective::of(&self.policies, handler, item),
            _ => Effective::default(),
        }
    }

    /// How many items a policy selects.
    #[must_use]
    pub fn selected_by(&self, policy: &Policy) -> usize {
        self.items()
            .filter(|item| {
                self.handler(&item.at.handler)
                    .is_some_and(|handler| policy.selects(handler, item))
            })
            .count()
    }
}
