//! Runs the commands of the user's beside runs; each in a task of its own, bounded by its policy.

use std::collections::HashMap;
use std::time::Duration;

use syncmgr_core::hook::{Hook, HookEnded, HookFailure, HookId};
use syncmgr_core::input::Input;
use syncmgr_host::hook::{self, HookError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::body;
use crate::adapt::text;
use crate::perform::reason;

/// How long a hook may take to end once it was asked to; then it is killed with everything that it started.
const ASK_GRACE: Duration = Duration::from_secs(5);
/// The code with which a hook asks to be tried again later (`EX_TEMPFAIL` of sysexits.h).
const TRY_LATER: i32 = 75;

/// The hooks that run.
#[derive(Debug, Default)]
pub(crate) struct Runner {
    tasks: JoinSet<HookEnded>,
    under_way: HashMap<tokio::task::Id, (HookId, CancellationToken)>,
}

impl Runner {
    /// Starts a hook.
    pub(crate) fn start(&mut self, hook: Hook) {
        let cancel = CancellationToken::new();
        let id = hook.id;
        let task = self.tasks.spawn(run(hook, cancel.clone()));
        self.under_way.insert(task.id(), (id, cancel));
    }

    /// Has a hook end; its end is told all the same.
    pub(crate) fn end(&self, id: HookId) {
        for (running, cancel) in self.under_way.values() {
            if *running == id {
                cancel.cancel();
            }
        }
    }

    /// Waits for the next end; for ever when nothing is under way.
    pub(crate) async fn ended(&mut self) -> Option<Input> {
        let Some(ended) = self.tasks.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let (task, ended) = match ended {
            Ok((task, ended)) => (task, ended),
            Err(error) => (
                error.id(),
                HookEnded {
                    how: Err(HookFailure {
                        text: "a fault of the manager".to_owned(),
                        later: false,
                    }),
                    output: String::new(),
                },
            ),
        };
        let (id, _) = self.under_way.remove(&task)?;
        Some(Input::HookEnded(id, ended))
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }
}

/// Runs one hook to its end.
pub(crate) async fn run(hook: Hook, cancel: CancellationToken) -> HookEnded {
    let ended = hook::run(
        hook::Hook {
            env: body::variables(&hook.account, hook.stage),
            input: body::json(&hook.account, Some(hook.stage)).into_bytes(),
            command: hook.command,
            limit: hook.limit,
            grace: ASK_GRACE,
        },
        cancel,
    )
    .await;
    HookEnded {
        how: ended.how.map_err(|error| HookFailure {
            later: matches!(error, HookError::Code(TRY_LATER)),
            text: reason(&error),
        }),
        output: text::tail(&ended.output),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use syncmgr_core::hook::Stage;

    fn sh(id: u64, script: &str) -> Hook {
        Hook {
            id: HookId(id),
            stage: Stage::Before,
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            limit: Duration::from_secs(60),
            account: super::super::body::tests::account(),
        }
    }

    #[tokio::test]
    async fn ends_are_told_by_their_number_and_one_that_hangs_holds_up_nobody() {
        let mut runner = Runner::default();
        runner.start(sh(1, "sleep 300"));
        runner.start(sh(
            2,
            "test \"$SYNCMGR_ITEM\" = NOTES && grep -q '\"version\":1' && exit 75",
        ));
        let Some(Input::HookEnded(HookId(2), ended)) = runner.ended().await else {
            panic!("the second ends first");
        };
        assert!(ended.how.unwrap_err().later);
        runner.end(HookId(1));
        let Some(Input::HookEnded(HookId(1), ended)) = runner.ended().await else {
            panic!("then the first");
        };
        assert_eq!(ended.how.unwrap_err().text, "it was stopped");
        assert!(runner.is_idle());
    }
}
