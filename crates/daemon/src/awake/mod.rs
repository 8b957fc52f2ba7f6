//! Keeping the machine awake while the core wants it, in the way of each system. It ends with what is returned here, and
//! with the process, whatever becomes of it.

#[cfg(not(any(target_os = "linux", windows)))]
#[path = "sys_elsewhere.rs"]
mod sys;
#[cfg(target_os = "linux")]
#[path = "sys_linux.rs"]
mod sys;
#[cfg(windows)]
#[path = "sys_windows.rs"]
mod sys;

use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use syncmgr_core::awake::KeepAwake;
use tokio::task::JoinSet;

/// What the machine is told.
const WHY: &str = "a synchronization is at work";

/// When a run keeps the machine awake, as people write it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepAwakeWord {
    /// Never.
    #[default]
    Never,
    /// While the charger is plugged in.
    Mains,
    /// Always.
    Always,
}

impl From<KeepAwakeWord> for KeepAwake {
    fn from(word: KeepAwakeWord) -> Self {
        match word {
            KeepAwakeWord::Never => Self::Never,
            KeepAwakeWord::Mains => Self::Mains,
            KeepAwakeWord::Always => Self::Always,
        }
    }
}

/// How it is told, for people.
pub(crate) fn spell(keep: KeepAwake) -> String {
    match keep {
        KeepAwake::Never => "never",
        KeepAwake::Mains => "on mains",
        KeepAwake::Always => "always",
    }
    .to_owned()
}

/// Keeps the machine awake until it is dropped.
#[derive(Debug)]
pub(crate) struct KeptAwake {
    /// Ends with this.
    _task: JoinSet<()>,
    outcome: Arc<OnceLock<Result<(), String>>>,
}

impl KeptAwake {
    /// Begins to. Must be called within a tokio runtime.
    pub(crate) fn begin() -> Self {
        let outcome = Arc::<OnceLock<Result<(), String>>>::default();
        let told = Arc::clone(&outcome);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let held = sys::keep_awake(WHY).await;
            let problem = held.as_ref().err();
            if let Some(because) = problem {
                tracing::warn!(because, "the machine is not kept awake");
            }
            if told
                .set(held.as_ref().map(|_| ()).map_err(Clone::clone))
                .is_err()
            {
                tracing::trace!("it was told before");
            }
            // Whatever holds it is let go when this task is dropped.
            let () = std::future::pending().await;
            drop(held);
        });
        Self {
            _task: task,
            outcome,
        }
    }

    /// Why the machine does not let itself be kept awake, as far as it was heard.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.outcome.get()?.as_ref().err().map(String::as_str)
    }
}
