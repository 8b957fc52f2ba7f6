//! The words that stand for enumerations in the database, each mapped here and nowhere else. They are for ever: a new
//! variant gets a new word and a migration of the `CHECK` lists, no word gets a new meaning.

use syncmgr_core::command::Verdict;
use syncmgr_core::item::{
    Activation, Connected, Failure, HandlerCapability, HandlerPolicy, ItemCapability, ItemPolicy,
    ItemStatus,
};
use syncmgr_core::log::Level;
use syncmgr_core::marks::{Mark, Marks};
use syncmgr_core::need::NeedKind;
use syncmgr_core::problem::FailedStep;
use syncmgr_core::request::{RequestOutcome, Trigger};
use syncmgr_core::run::RunOutcome;

/// An enumeration that is stored as a word.
pub(crate) trait Word: Copy + 'static {
    /// Every variant.
    #[cfg(test)]
    const ALL: &'static [Self];

    /// Its word.
    fn word(self) -> &'static str;

    /// The variant of a word.
    fn from_word(word: &str) -> Option<Self>;
}

macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal,)+ })+) => {$(
        impl Word for $name {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    )+};
}

words! {
    Activation {
        Inactive = "inactive",
        Active = "active",
    }
    FailedStep {
        Start = "start",
        Initialize = "initialize",
        List = "list",
    }
    Connected {
        Yes = "yes",
        No = "no",
        Unknown = "unknown",
    }
    HandlerCapability {
        ConflictStore = "conflict-store",
        EventStore = "event-store",
        ConcurrentSessions = "concurrent-sessions",
        Browse = "browse",
        Schedule = "schedule",
        QueryBeforeActivate = "query-before-activate",
        QueryBeforeDeactivate = "query-before-deactivate",
        QueryBeforeEnable = "query-before-enable",
        QueryBeforeDisable = "query-before-disable",
        Properties = "properties",
        Plan = "plan",
        Undo = "undo",
        DefineItems = "define-items",
        Connection = "connection",
        ReadConflicts = "read-conflicts",
    }
    HandlerPolicy {
        PreventActivate = "prevent-activate",
        PreventDeactivate = "prevent-deactivate",
        PreventEnable = "prevent-enable",
        PreventDisable = "prevent-disable",
        PreventStartSync = "prevent-start-sync",
        PreventStopSync = "prevent-stop-sync",
        DisableEnable = "disable-enable",
        DisableDisable = "disable-disable",
        DisableStartSync = "disable-start-sync",
        DisableStopSync = "disable-stop-sync",
        DisableBrowse = "disable-browse",
        DisableSchedule = "disable-schedule",
        HiddenByDefault = "hidden-by-default",
        OwnProgram = "own-program",
    }
    ItemCapability {
        ConflictStore = "conflict-store",
        EventStore = "event-store",
        Delete = "delete",
        Browse = "browse",
        QueryBeforeEnable = "query-before-enable",
        QueryBeforeDisable = "query-before-disable",
        QueryBeforeDelete = "query-before-delete",
        Properties = "properties",
    }
    ItemPolicy {
        PreventEnable = "prevent-enable",
        PreventDisable = "prevent-disable",
        PreventStartSync = "prevent-start-sync",
        PreventStopSync = "prevent-stop-sync",
        DisableEnable = "disable-enable",
        DisableDisable = "disable-disable",
        DisableStartSync = "disable-start-sync",
        DisableStopSync = "disable-stop-sync",
        DisableBrowse = "disable-browse",
        DisableDelete = "disable-delete",
        HiddenByDefault = "hidden-by-default",
    }
    ItemStatus {
        Pending = "pending",
        Updating = "updating",
        UpdatingIndeterminate = "indeterminate",
        Paused = "paused",
        Resuming = "resuming",
        Succeeded = "succeeded",
        Failed = "failed",
        Skipped = "skipped",
        Stopped = "stopped",
        Disconnected = "disconnected",
        Deleted = "deleted",
        Held = "held",
    }
    Failure {
        Soft = "soft",
        Hard = "hard",
    }
    Level {
        Information = "information",
        Warning = "warning",
        Error = "error",
    }
    NeedKind {
        Prompt = "prompt",
        Login = "login",
        Guard = "guard",
        StaleLock = "stale-lock",
        Conflict = "conflict",
    }
    Trigger {
        Manual = "manual",
        Schedule = "schedule",
        CatchUp = "catch-up",
        Logon = "logon",
        Logoff = "logoff",
        Lock = "lock",
        Unlock = "unlock",
        Suspend = "suspend",
        Resume = "resume",
        Idle = "idle",
        Connect = "connect",
        PendingDisconnect = "pending-disconnect",
        Invoke = "invoke",
        FileChange = "file-change",
        Device = "device",
        After = "after",
        External = "external",
        Retry = "retry",
        Answered = "answered",
    }
    RequestOutcome {
        Nothing = "nothing",
        Succeeded = "succeeded",
        Skipped = "skipped",
        Warnings = "warnings",
        Stopped = "stopped",
        NeedsYou = "needs-you",
        Failed = "failed",
    }
    Verdict {
        Continue = "go-on",
        CancelItem = "skip",
        CancelAll = "stop",
    }
    RunOutcome {
        Open = "open",
        Succeeded = "succeeded",
        Warnings = "warnings",
        Skipped = "skipped",
        Stopped = "stopped",
        NeedsYou = "needs-you",
        Failed = "failed",
        Interrupted = "interrupted",
    }
}

/// The words of a set, separated by spaces, in the order of the variants.
pub(crate) fn set_words<T: Word + Mark>(set: &Marks<T>) -> String {
    let mut words = String::new();
    for member in set.iter() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(member.word());
    }
    words
}

/// The set of words separated by spaces; the first word that is none comes back as the error.
pub(crate) fn set_from_words<T: Word + Mark>(words: &str) -> Result<Marks<T>, &str> {
    words
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| T::from_word(word).ok_or(word))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Word + PartialEq + std::fmt::Debug>() {
        for &variant in T::ALL {
            assert_eq!(T::from_word(variant.word()), Some(variant));
            assert!(!variant.word().contains(' '), "a space ends a word in sets");
        }
        let mut words: Vec<_> = T::ALL.iter().map(|variant| variant.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(
            words.len(),
            T::ALL.len(),
            "each word stands for one variant"
        );
        assert_eq!(T::from_word("no such word"), None);
    }

    #[test]
    fn every_word_comes_back() {
        check::<Activation>();
        check::<Connected>();
        check::<FailedStep>();
        check::<HandlerCapability>();
        check::<HandlerPolicy>();
        check::<ItemCapability>();
        check::<ItemPolicy>();
        check::<ItemStatus>();
        check::<Failure>();
        check::<Level>();
        check::<NeedKind>();
        check::<Trigger>();
        check::<RequestOutcome>();
        check::<RunOutcome>();
        check::<Verdict>();
    }

    #[test]
    fn sets_come_back_and_unknown_words_are_named() {
        let all: Marks<_> = <HandlerCapability as Word>::ALL.iter().copied().collect();
        assert_eq!(set_from_words(&set_words(&all)), Ok(all));
        assert_eq!(
            set_from_words::<ItemPolicy>(""),
            Ok(Marks::new()),
            "an empty set is an empty text"
        );
        assert_eq!(
            set_from_words::<ItemPolicy>("prevent-enable nonsense"),
            Err("nonsense")
        );
    }
}
