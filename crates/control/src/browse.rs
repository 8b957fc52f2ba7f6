//! One page of items, chosen and sorted by the manager, with what people want to see beside them.

use serde::{Deserialize, Serialize};

use crate::said::Said;
use crate::view::{ItemStatus, ItemView, NextView, Shown, StatusView};

/// Cells of the strip that shows what became of an item in its latest runs.
pub const STRIP_CELLS: usize = 30;
/// Most labels and handlers that are offered to choose by.
pub const MAX_OFFERED: usize = 100;
/// Most items at work that are told beside the page.
pub const MAX_AT_WORK: usize = 10;
/// Most coming starts that are told beside the page.
pub const MAX_UPCOMING: usize = 8;

/// Which items, and in which order. Everything that is absent chooses everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Browse {
    /// Words of its name, its comment, its handler or its state; all of them, without case.
    pub text: Option<String>,
    /// Only what is shown so.
    pub shown: Option<Shown>,
    /// Only what has this label.
    pub label: Option<String>,
    /// Only of this handler, by its id.
    pub handler: Option<String>,
    /// The order.
    pub sort: Sort,
    /// How many to leave out.
    pub offset: u32,
    /// How many, at most [`MAX_PAGE`](crate::request::MAX_PAGE).
    pub limit: u32,
}

/// An order of items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// What needs somebody first.
    #[default]
    Worst,
    /// By name.
    Name,
    /// By handler, then as the handler lists them.
    Handler,
    /// What was in sync longest ago first.
    Oldest,
}

/// Answer to `browse`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PageView {
    /// The moment that all of it is about.
    pub now_ms: i64,
    /// The verdict on everything, without its items: those are in `rows`.
    pub status: StatusView,
    /// What the verdict is about, for those who say it in words of their own.
    pub worst: WorstView,
    /// This page.
    pub rows: Vec<RowView>,
    /// How many items were chosen.
    pub matching: u64,
    /// How many items of all are shown how, worst first.
    pub groups: Vec<GroupView>,
    /// Labels that items have.
    pub labels: Vec<String>,
    /// Handlers that have items.
    pub handlers: Vec<HandlerName>,
    /// The first items at work.
    pub at_work: Vec<ItemView>,
    /// What starts by itself, soonest first.
    pub upcoming: Vec<NextView>,
}

/// The worst of all items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WorstView {
    /// How they stand.
    pub shown: Shown,
    /// How many stand so.
    pub count: u64,
    /// The names of the first of them.
    pub names: Vec<String>,
    /// How many are paused or turned off.
    pub held: u64,
    /// How many a plain `sync` leaves out and no rule starts.
    #[serde(default)]
    pub by_name: u64,
    /// How many work or wait for their turn.
    pub busy: u64,
    /// The end of the latest good run of any item.
    pub last_good_ms: Option<i64>,
}

/// An item of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RowView {
    /// The item.
    #[serde(flatten)]
    pub item: ItemView,
    /// What became of it in its latest runs, oldest first; at most [`STRIP_CELLS`].
    pub strip: Vec<CellView>,
    /// When it starts by itself next, within a week.
    pub next_ms: Option<i64>,
    /// What keeps it from starting now although something wants it to.
    pub waits: Option<WaitView>,
}

/// What became of an item in one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CellView {
    /// The run.
    pub run: u64,
    /// When the run began.
    pub at_ms: i64,
    /// How the item stood at its end.
    pub status: ItemStatus,
    /// How many conflicts it found.
    #[serde(default)]
    pub conflicts: u64,
}

/// What an item waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WaitView {
    /// What, as a fragment.
    pub text: String,
    /// What that is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// Since when.
    pub since_ms: i64,
}

/// How many items are shown in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GroupView {
    /// How.
    pub shown: Shown,
    /// How many.
    pub count: u64,
}

/// A handler and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HandlerName {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}
