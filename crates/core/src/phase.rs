//! The phases of an instance (mobsync 3.1) as one table: what may be said and done in which phase, and where it leads.
//!
//! ```text
//! New -> Initialized -> Listed -> Preparing -> Prepared -> Syncing -> [Reviewing ->] Done <-> ErrorUi -> Preparing
//!             |-> Undoing | Resolving -> [Reviewing ->] Done
//! Listed | Done -> Properties -> back to where it came from
//! any -> Released -> (gone)
//! ```
//!
//! Defining items and planning are no phases: they change no state, so their instances are run outside the core.

/// Where an instance stands. Sync Center has none of this; its one `Synchronize` is `Syncing`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Started; `initialize` is outstanding.
    #[default]
    New,
    /// Takes part; its items are being read.
    Initialized,
    /// Its items are known; waits for its turn to prepare.
    Listed,
    /// `prepare` is outstanding.
    Preparing,
    /// Ready; waits for the preparations of the others (M-77).
    Prepared,
    /// `synchronize` is outstanding.
    Syncing,
    /// `undo` is outstanding.
    Undoing,
    /// `conflicts/resolve` is outstanding.
    Resolving,
    /// The work is over; its conflicts are being read.
    Reviewing,
    /// The run is over; the instance may be kept for its links.
    Done,
    /// `error/show` is outstanding.
    ErrorUi,
    /// `properties` or `properties/show` is outstanding.
    Properties,
    /// Told to end; nothing it says counts any more.
    Released,
}

/// What can be said by a handler or its host, or done by the manager, as the table knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Said: takes part.
    Initialized,
    /// Said: not for me, or it could not be initialized.
    NotInitialized,
    /// Said: some of the items.
    Page,
    /// Said: the rest of the items, or that they cannot be read.
    Listed,
    /// Said: how `prepare` began.
    PrepareReturned,
    /// Said: how the preparation ended.
    PrepareCompleted,
    /// Said: how `synchronize` began.
    SynchronizeReturned,
    /// Said: how synchronizing ended.
    SynchronizeCompleted,
    /// Said: progress.
    Progress,
    /// Said: a question to a person.
    Prompt,
    /// Said: may I show a window.
    Modeless,
    /// Said: open a connection.
    Connection,
    /// Said: something about late items.
    Late,
    /// Said: a log entry or a hint; welcome in every phase before release.
    Note,
    /// Said: the undoing is done.
    Undone,
    /// Said: the resolution is done.
    Resolved,
    /// Said: the conflicts, or that they cannot be read.
    ConflictsListed,
    /// Said: how `error/show` began.
    ShowErrorReturned,
    /// Said: how it ended.
    ShowErrorCompleted,
    /// Said: the properties as data, or how `properties/show` began.
    PropertiesReturned,
    /// Said: how it ended.
    PropertiesCompleted,
    /// Done: `prepare`.
    Prepare,
    /// Done: the preparation is well over.
    FinishPrepare,
    /// Done: `synchronize`.
    Synchronize,
    /// Done: `undo`.
    Undo,
    /// Done: `conflicts/resolve`.
    Resolve,
    /// Done: read the conflicts.
    Review,
    /// Done: the work and its review are over.
    Finish,
    /// Done: `error/show`.
    ShowError,
    /// Done: read the items again.
    List,
    /// Done: `properties` or `properties/show`.
    Properties,
    /// Done: the properties are over; no run was before them.
    EndProperties,
    /// Done: the properties are over; the instance is kept for the links of its run.
    EndPropertiesAfterRun,
    /// Done: told to end.
    Release,
}

/// What the table says of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Takes effect and leads there.
    To(Phase),
    /// Takes effect, the phase stays.
    Stay,
    /// Comes too late; without effect and no fault (3.3 rule 3, 3.5.6, 3.5.10).
    Late,
    /// A completion: without effect, and a fault unless work of its kind was ever started (3.3 rules 3 and 5).
    Repeat,
    /// Breaks the contract; without effect, recorded.
    Illegal,
}

/// The table. Every pair is named; nothing falls through to a default that nobody thought of.
#[must_use]
pub fn step(phase: Phase, kind: Kind) -> Step {
    use Kind as K;
    use Phase as P;
    use Step::{Illegal, Late, Stay, To};
    match kind {
        K::Initialized => match phase {
            P::New => To(P::Initialized),
            P::Released => Late,
            P::Initialized
            | P::Listed
            | P::Preparing
            | P::Prepared
            | P::Syncing
            | P::Undoing
            | P::Resolving
            | P::Reviewing
            | P::Done
            | P::Properties
            | P::ErrorUi => Illegal,
        },
        K::NotInitialized => match phase {
            P::New => Stay,
            P::Released => Late,
            P::Initialized
            | P::Listed
            | P::Preparing
            | P::Prepared
            | P::Syncing
            | P::Undoing
            | P::Resolving
            | P::Reviewing
            | P::Done
            | P::Properties
            | P::ErrorUi => Illegal,
        },
        K::Listed => match phase {
            P::Initialized => To(P::Listed),
            // Read again on the same instance (3.4.3, M-89); `List` said that it is.
            P::Listed | P::Done => Stay,
            P::Released => Late,
            P::New
            | P::Preparing
            | P::Prepared
            | P::Syncing
            | P::Undoing
            | P::Resolving
            | P::Reviewing
            | P::Properties
            | P::ErrorUi => Illegal,
        },
        K::Page => match phase {
            P::Initialized | P::Listed | P::Done => Stay,
            P::Released => Late,
            P::New
            | P::Preparing
            | P::Prepared
            | P::Syncing
            | P::Undoing
            | P::Resolving
            | P::Reviewing
            | P::Properties
            | P::ErrorUi => Illegal,
        },
        K::PropertiesReturned => only(phase, P::Properties),
        K::PropertiesCompleted => completion(phase, P::Properties),
        K::PrepareReturned => only(phase, P::Preparing),
        K::SynchronizeReturned => only(phase, P::Syncing),
        K::ShowErrorReturned => only(phase, P::ErrorUi),
        K::Undone => only(phase, P::Undoing),
        K::Resolved => only(phase, P::Resolving),
        K::ConflictsListed => only(phase, P::Reviewing),
        K::PrepareCompleted => completion(phase, P::Preparing),
        K::SynchronizeCompleted => completion(phase, P::Syncing),
        K::ShowErrorCompleted => completion(phase, P::ErrorUi),
        // 3.5.6: answered by its verdict in every phase; takes effect from `prepare` to the end of the run (M-95).
        K::Progress => match phase {
            P::Preparing | P::Prepared | P::Syncing | P::Undoing | P::Resolving => Stay,
            P::New
            | P::Initialized
            | P::Listed
            | P::Reviewing
            | P::Done
            | P::Properties
            | P::ErrorUi
            | P::Released => Late,
        },
        K::Prompt | K::Modeless | K::Connection => match phase {
            P::Preparing | P::Syncing | P::Undoing | P::Resolving | P::Properties | P::ErrorUi => {
                Stay
            }
            P::Released => Late,
            P::New | P::Initialized | P::Listed | P::Prepared | P::Reviewing | P::Done => Illegal,
        },
        K::Late => match phase {
            P::Preparing | P::Prepared | P::Syncing => Stay,
            P::Released => Late,
            P::New
            | P::Initialized
            | P::Listed
            | P::Undoing
            | P::Resolving
            | P::Reviewing
            | P::Done
            | P::Properties
            | P::ErrorUi => Illegal,
        },
        K::Note => match phase {
            P::Released => Late,
            P::New
            | P::Initialized
            | P::Listed
            | P::Preparing
            | P::Prepared
            | P::Syncing
            | P::Undoing
            | P::Resolving
            | P::Reviewing
            | P::Done
            | P::Properties
            | P::ErrorUi => Stay,
        },
        // Our own moves.
        K::Prepare => own(matches!(phase, P::Listed | P::Done), P::Preparing),
        K::FinishPrepare => own(phase == P::Preparing, P::Prepared),
        // From `Preparing` never: the barrier lies between (M-77).
        K::Synchronize => own(phase == P::Prepared, P::Syncing),
        K::Undo => own(phase == P::Initialized, P::Undoing),
        K::Resolve => own(phase == P::Initialized, P::Resolving),
        K::Review => own(
            matches!(
                phase,
                P::Listed | P::Preparing | P::Prepared | P::Syncing | P::Undoing | P::Resolving
            ),
            P::Reviewing,
        ),
        K::Finish => own(
            matches!(
                phase,
                P::Listed
                    | P::Preparing
                    | P::Prepared
                    | P::Syncing
                    | P::Undoing
                    | P::Resolving
                    | P::Reviewing
                    | P::ErrorUi
            ),
            P::Done,
        ),
        K::ShowError => own(phase == P::Done, P::ErrorUi),
        // M-89: never from `prepare` to the end of the run.
        K::List => match phase {
            P::Listed | P::Done => Stay,
            P::New
            | P::Initialized
            | P::Preparing
            | P::Prepared
            | P::Syncing
            | P::Undoing
            | P::Resolving
            | P::Reviewing
            | P::ErrorUi
            | P::Properties
            | P::Released => Illegal,
        },
        K::Properties => own(matches!(phase, P::Listed | P::Done), P::Properties),
        K::EndProperties => own(phase == P::Properties, P::Listed),
        K::EndPropertiesAfterRun => own(phase == P::Properties, P::Done),
        K::Release => own(phase != P::Released, P::Released),
    }
}

fn only(phase: Phase, outstanding: Phase) -> Step {
    match phase {
        Phase::Released => Step::Late,
        phase if phase == outstanding => Step::Stay,
        Phase::New
        | Phase::Initialized
        | Phase::Listed
        | Phase::Preparing
        | Phase::Prepared
        | Phase::Syncing
        | Phase::Undoing
        | Phase::Resolving
        | Phase::Reviewing
        | Phase::Done
        | Phase::Properties
        | Phase::ErrorUi => Step::Illegal,
    }
}

fn completion(phase: Phase, outstanding: Phase) -> Step {
    match only(phase, outstanding) {
        Step::Illegal => Step::Repeat,
        step @ (Step::To(_) | Step::Stay | Step::Late | Step::Repeat) => step,
    }
}

/// The obligation that a step breaks which the table forbids (mobsync 5); for what the documentation has no number for, its
/// section.
#[must_use]
pub fn obligation(kind: Kind) -> &'static str {
    use Kind as K;
    match kind {
        K::Initialized | K::NotInitialized => "M-31",
        K::Page | K::Listed | K::List => "M-47",
        K::PrepareReturned => "M-73",
        K::SynchronizeReturned => "M-79",
        K::PrepareCompleted
        | K::SynchronizeCompleted
        | K::ShowErrorCompleted
        | K::PropertiesCompleted => "M-84",
        K::ShowErrorReturned => "M-125",
        K::PropertiesReturned => "M-138",
        K::Modeless | K::Prompt => "H-29",
        K::Progress
        | K::Connection
        | K::Late
        | K::Note
        | K::Undone
        | K::Resolved
        | K::ConflictsListed
        | K::Prepare
        | K::FinishPrepare
        | K::Synchronize
        | K::Undo
        | K::Resolve
        | K::Review
        | K::Finish
        | K::ShowError
        | K::Properties
        | K::EndProperties
        | K::EndPropertiesAfterRun
        | K::Release => "3.1",
    }
}

fn own(legal: bool, to: Phase) -> Step {
    if legal { Step::To(to) } else { Step::Illegal }
}

#[cfg(test)]
mod tests {
    use super::{Kind as K, Phase as P, Step, step};

    fn check(phase: P, kind: K, expected: Step) {
        assert_eq!(step(phase, kind), expected, "{phase:?} {kind:?}");
    }

    #[test]
    fn the_phases_of_3_1() {
        check(P::New, K::Initialized, Step::To(P::Initialized));
        check(P::Initialized, K::Initialized, Step::Illegal); // M-31
        check(P::New, K::Listed, Step::Illegal);
        check(P::Initialized, K::Listed, Step::To(P::Listed));
        check(P::Listed, K::Prepare, Step::To(P::Preparing));
        check(P::Preparing, K::Synchronize, Step::Illegal); // M-73, M-77
        check(P::Preparing, K::FinishPrepare, Step::To(P::Prepared));
        check(P::Prepared, K::Synchronize, Step::To(P::Syncing));
        check(P::Syncing, K::Synchronize, Step::Illegal); // M-79
        check(P::Done, K::Synchronize, Step::Illegal);
        check(P::Done, K::Prepare, Step::To(P::Preparing)); // M-130
        check(P::Done, K::ShowError, Step::To(P::ErrorUi));
        check(P::Syncing, K::ShowError, Step::Illegal); // A-38
        check(P::Listed, K::SynchronizeCompleted, Step::Repeat); // M-84
        check(P::Done, K::SynchronizeCompleted, Step::Repeat); // M-83
        check(P::Listed, K::Progress, Step::Late); // 3.5.6
        check(P::Prepared, K::Progress, Step::Stay); // M-95
        check(P::Prepared, K::Modeless, Step::Illegal);
        check(P::ErrorUi, K::Modeless, Step::Stay); // M-115
    }

    #[test]
    fn properties_and_lists_are_for_listed_and_done_m_89() {
        use Step::{Illegal, Repeat, Stay, To};
        for phase in [
            P::New,
            P::Initialized,
            P::Preparing,
            P::Prepared,
            P::Syncing,
            P::Undoing,
            P::Resolving,
            P::Reviewing,
            P::ErrorUi,
            P::Properties,
            P::Released,
        ] {
            check(phase, K::Properties, Illegal); // M-89
            check(phase, K::List, Illegal); // M-89
        }
        for phase in [P::Listed, P::Done] {
            check(phase, K::Properties, To(P::Properties));
            check(phase, K::List, Stay);
            check(phase, K::PropertiesCompleted, Repeat);
        }
        check(P::Properties, K::EndProperties, To(P::Listed));
        check(P::Properties, K::EndPropertiesAfterRun, To(P::Done));
        check(P::Properties, K::PropertiesReturned, Stay);
        check(P::Properties, K::PropertiesCompleted, Stay); // M-138: also before the return
        check(P::Properties, K::Modeless, Stay);
        check(P::Properties, K::Connection, Stay);
        check(P::Properties, K::Prepare, Illegal); // M-137: nothing until completion
        check(P::Properties, K::ShowError, Illegal);
    }

    #[test]
    fn nothing_counts_after_release() {
        use K::{
            ConflictsListed, Connection, Initialized, Listed, Modeless, Note, PrepareCompleted,
            PrepareReturned, Progress, Prompt, Resolved, ShowErrorCompleted, ShowErrorReturned,
            SynchronizeCompleted, SynchronizeReturned, Undone,
        };
        for kind in [
            Initialized,
            K::NotInitialized,
            Listed,
            PrepareReturned,
            PrepareCompleted,
            SynchronizeReturned,
            SynchronizeCompleted,
            Progress,
            Prompt,
            Modeless,
            Connection,
            K::Late,
            Note,
            Undone,
            Resolved,
            ConflictsListed,
            ShowErrorReturned,
            ShowErrorCompleted,
            K::PropertiesReturned,
            K::PropertiesCompleted,
        ] {
            check(P::Released, kind, Step::Late);
        }
        for kind in [
            K::Prepare,
            K::Synchronize,
            K::Review,
            K::ShowError,
            K::Release,
        ] {
            check(P::Released, kind, Step::Illegal);
        }
    }
}
