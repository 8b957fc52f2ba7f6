//! The status of an item in a run, as one table (mobsync 3.6 with Sync Center 3.6).
//!
//! The two contracts differ after a terminal status. Classic: the last report wins until the run is over (M-103). Sync
//! Center: only `failed` may follow, anything else makes the item failed. Decided: the last report wins, as classic
//! handlers rely on it, with two exceptions: `Failed` and `Held` are kept, because a run must never turn a failure into
//! a success that nobody saw, and `Deleted` is kept, because its preferences are gone already. A report that is not
//! taken is a violation, recorded and otherwise without effect. A retry begins every item anew at `Pending` (M-134).

use crate::item::ItemStatus;

/// What becomes of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemStep {
    /// It is the status now.
    Take,
    /// It is the status already (Sync Center A-13).
    Same,
    /// It is not taken: after a final status nothing but a failure may follow (Sync Center 3.6).
    Refuse,
}

/// The table: how a report moves the status of an item.
#[must_use]
pub fn item_step(now: ItemStatus, report: ItemStatus) -> ItemStep {
    use ItemStatus as S;
    if now == report {
        return ItemStep::Same;
    }
    match now {
        S::Pending | S::Updating | S::UpdatingIndeterminate | S::Paused | S::Resuming => {
            ItemStep::Take
        }
        S::Succeeded | S::Skipped | S::Stopped | S::Disconnected => ItemStep::Take,
        S::Failed | S::Held | S::Deleted => ItemStep::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use super::ItemStatus as S;
    use super::*;

    // Shows M-87 and M-103.
    #[test]
    fn reports() {
        use ItemStep::{Refuse, Same, Take};
        for (now, report, expected) in [
            (S::Pending, S::Updating, Take),
            (S::Updating, S::Succeeded, Take),
            (S::Updating, S::Updating, Same),
            (S::Paused, S::Resuming, Take),
            (S::Succeeded, S::Failed, Take),   // Sync Center 3.6
            (S::Succeeded, S::Updating, Take), // M-103
            (S::Stopped, S::Succeeded, Take),  // 3.7: finished before the stop was noticed
            (S::Failed, S::Failed, Same),
            (S::Failed, S::Succeeded, Refuse), // never a silent success
            (S::Failed, S::Updating, Refuse),  // Sync Center: stays Failed
            (S::Held, S::Succeeded, Refuse),
            (S::Deleted, S::Succeeded, Refuse), // M-103, 3.6 DELETED
        ] {
            assert_eq!(item_step(now, report), expected, "{now:?} {report:?}");
        }
    }
}
