//! Numbered changes: what views follow after a snapshot.

use serde::{Deserialize, Serialize};

use crate::report::FailureClass;
use crate::view::{Counts, ItemStatus, LogView, NeedView, Outcome};

/// One change. Numbers rise by one; a view that sees a gap reads its snapshot again. They begin anew with each life of
/// the manager, which the [`What::Gap`] at the start of a stream says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Its number.
    pub number: u64,
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub at_ms: i64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What can have changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    tag = "change",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum What {
    /// Changes were lost, or the stream begins: read the snapshot.
    Gap,
    /// A run began.
    RunOpened {
        /// The run.
        run: u64,
        /// Its request, when it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<u64>,
        /// Handler id.
        handler: String,
        /// How many items take part.
        items: u64,
    },
    /// How far an item is; only the latest counts.
    Progress {
        /// The run.
        run: u64,
        /// Handler id.
        handler: String,
        /// Item id.
        item: String,
        /// Item name.
        name: String,
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
        /// It was asked to stop.
        stopping: bool,
    },
    /// An item reached the end of its part of a run.
    ItemFinished {
        /// The run.
        run: u64,
        /// Handler id.
        handler: String,
        /// Item id.
        item: String,
        /// Item name.
        name: String,
        /// Its status.
        status: ItemStatus,
        /// Its last text, or why it failed.
        text: String,
        /// Whether trying again by itself may help; absent: it did not fail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<FailureClass>,
        /// What was moved.
        counts: Counts,
        /// How long it took, in milliseconds.
        elapsed_ms: u64,
    },
    /// A run ended.
    RunClosed {
        /// The run.
        run: u64,
        /// How.
        outcome: Outcome,
        /// Why the run as a whole failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
    },
    /// A request is over.
    RequestEnded {
        /// The request.
        request: u64,
        /// How.
        outcome: Outcome,
        /// Why nothing came of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
    },
    /// The log grew.
    Log {
        /// It. Within an object of its own: both it and the change say when they were.
        entry: LogView,
    },
    /// A question was opened.
    NeedOpened(NeedView),
    /// A question was closed.
    NeedClosed {
        /// Its number.
        id: u64,
    },
    /// The conflicts of an item changed.
    ConflictsChanged {
        /// Handler id.
        handler: String,
        /// Item id.
        item: String,
        /// How many are open.
        open: u64,
    },
    /// Handlers, items, pauses or settings changed; read the lists again.
    ItemsChanged,
    /// Something that the user should know, such as a stale lock that was taken over.
    Notice {
        /// What.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Level;

    /// What a view cannot read is told to it as a loss, so every change must come back as it went.
    #[test]
    fn an_entry_of_the_log_is_read_as_it_was_written() {
        let entry = LogView {
            id: 7,
            at_ms: 1,
            level: Level::Warning,
            handler: Some("folder".to_owned()),
            handler_name: "Folders".to_owned(),
            item: Some("notes".to_owned()),
            item_id: None,
            run: Some(3),
            text: "it changed meanwhile".to_owned(),
            detail: None,
            link: false,
        };
        let change = Change {
            number: 4,
            at_ms: 2,
            what: What::Log { entry },
        };
        let line = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&line).unwrap(), change);
    }
}
