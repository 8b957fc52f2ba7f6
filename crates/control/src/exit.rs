//! Exit codes of the command line; settled, and the same on every system.

use serde::{Deserialize, Serialize};

/// What a command's exit code says.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum ExitCode {
    /// All good.
    #[default]
    Good = 0,
    /// Done, with warnings.
    Warnings = 1,
    /// Something failed.
    Failed = 2,
    /// Something waits for a person.
    NeedsYou = 3,
    /// Could not start; usage included.
    CouldNotStart = 4,
}
