//! The way into Sync Center.

use serde::{Deserialize, Serialize};

use crate::method::Access;

/// A way into Sync Center that is good once and soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    /// The address that lets a browser in.
    pub enter: String,
    /// The address of the page itself, which holds no secret.
    pub page: String,
    /// The most that who enters may do.
    pub scope: Access,
    /// How long the entry waits to be used, in milliseconds.
    pub life_ms: u64,
    /// The page stays when this command ends: a daemon serves it.
    pub stays: bool,
    /// The process that serves it.
    pub process: u32,
    /// The file with the token for programs.
    pub token_file: String,
}
