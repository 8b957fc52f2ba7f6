//! The one door: `Manager::apply`.

use crate::command::Command;
use crate::id::{ItemRef, RequestId, RunId};
use crate::item::{Counts, ItemStatus};
use crate::record::Record;
use crate::request::RequestOutcome;

/// What follows from one input, to be performed in this order: records, commands, shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// To be stored, all in one transaction, before anything else.
    pub records: Vec<Record>,
    /// To be started.
    pub commands: Vec<Command>,
    /// Passing things for views that are stored nowhere; only the latest of each item matters.
    pub shows: Vec<Show>,
}

/// Something for views alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    /// How far an item is.
    Progress {
        /// The run.
        run: RunId,
        /// The item.
        item: ItemRef,
        /// Its status.
        status: ItemStatus,
        /// What it is doing now.
        text: String,
        /// How far.
        value: u64,
        /// How far it goes; 0: nobody knows.
        max: u64,
        /// What was moved so far.
        counts: Counts,
        /// The user asked to skip or stop it.
        stopping: bool,
    },
    /// A request is over; comes once for every request, also for those of which nothing is recorded.
    RequestEnded {
        /// It.
        request: RequestId,
        /// How.
        outcome: RequestOutcome,
        /// What a person should know besides: why it failed or what was left out, as a fragment.
        problem: Option<String>,
    },
}
