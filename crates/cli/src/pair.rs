//! `syncmgr add folder`: two folders, and what is set for the pair.

use std::ffi::OsString;

use clap::Args;
use serde_json::{Map, Value};

/// What makes a pair. What a setting may be is said by the folder handler, which also looks at it.
#[derive(Debug, Args)]
pub(crate) struct PairWords {
    /// One folder.
    pub(crate) left: OsString,
    /// The other folder.
    pub(crate) right: OsString,
    /// The item's name; taken from the folders when absent.
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) settings: PairSettings,
}

/// What can be set for a pair; `syncmgr properties` shows and changes it later.
#[derive(Debug, Default, Args)]
pub(crate) struct PairSettings {
    /// `two-way`: changes go both ways; `mirror`: RIGHT is made as LEFT is; `backup`: RIGHT gets everything, and nothing is
    /// deleted there. `two-way` when absent.
    #[arg(long, help_heading = "What is done")]
    mode: Option<String>,
    /// Who wins where both sides changed: `ask`, `newer`, `left`, `right` or `both`; the other version is kept. `ask` when
    /// absent.
    #[arg(long, value_name = "WHO", help_heading = "What is done")]
    conflicts: Option<String>,
    /// Replace a file only by one that was modified later.
    #[arg(long, help_heading = "What is done")]
    only_newer: bool,
    /// Leave out what fits this pattern of a `.gitignore`, on both sides; may be given several times.
    #[arg(long, value_name = "PATTERN", help_heading = "What is left out")]
    ignore: Vec<String>,
    /// Leave out larger files, such as `1GiB`.
    #[arg(long, value_name = "SIZE", help_heading = "What is left out")]
    max_size: Option<String>,
    /// How many days replaced and deleted versions are kept; 30 when absent.
    #[arg(long, value_name = "DAYS", help_heading = "What is kept")]
    keep_days: Option<u64>,
}

impl PairSettings {
    /// The settings as arguments of the folder handler.
    pub(crate) fn arguments(self) -> Map<String, Value> {
        let ignore = (!self.ignore.is_empty()).then(|| Value::from(self.ignore));
        [
            ("mode", self.mode.map(Value::from)),
            ("conflicts", self.conflicts.map(Value::from)),
            ("only_newer", self.only_newer.then(|| Value::from(true))),
            ("ignore", ignore),
            ("max_size", self.max_size.map(Value::from)),
            ("keep_days", self.keep_days.map(Value::from)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }
}
