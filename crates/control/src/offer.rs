//! Lists to choose from: "Items to Synchronize", before a run.

use serde::{Deserialize, Serialize};

/// A list to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OfferView {
    /// The question that it answers; absent: the person asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<u64>,
    /// What is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it is too late to answer, and nothing starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<i64>,
    /// The choice that leaves all of it, of a question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<String>,
    /// What is unticked stays so: a plain `sync` leaves it out until it is ticked again.
    #[serde(default)]
    pub lasts: bool,
    /// The handlers by name.
    pub handlers: Vec<OfferedHandlerView>,
}

impl OfferView {
    /// Every row, in order.
    pub fn rows(&self) -> impl Iterator<Item = &OfferedRow> {
        self.handlers
            .iter()
            .flat_map(|handler| handler.rows.iter().chain(&handler.rest))
    }

    /// What `Choose` is told that starts these rows and no others.
    pub fn chosen(&self, is_ticked: impl Fn(&OfferedRow) -> bool) -> crate::Request {
        let picks = |wanted: bool| {
            self.rows()
                .filter(|row| wanted || is_ticked(row))
                .map(|row| row.pick.clone())
                .collect()
        };
        crate::Request::Choose {
            need: self.need,
            items: picks(false),
            offered: picks(true),
        }
    }
}

/// A handler in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OfferedHandlerView {
    /// Its id.
    pub handler: String,
    /// What it is called.
    pub name: String,
    /// Its items, as it lists them.
    pub rows: Vec<OfferedRow>,
    /// What of it has no row of its own: further items, or all of them while they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<OfferedRow>,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OfferedRow {
    /// What `Choose` calls it.
    pub pick: String,
    /// What it is called; empty: what of its handler has no row of its own.
    pub name: String,
    /// How it is ticked when nobody changes it.
    pub ticked: bool,
    /// The end of its last good run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good_ms: Option<i64>,
    /// How many items it stands for; 0: they are not known yet.
    pub count: u64,
    /// It has properties (M-171).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub properties: bool,
}
