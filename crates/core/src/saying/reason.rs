//! Why an item is as it is.

use super::{Saying, Span};
use crate::sayings;

sayings! {
    /// What is wanted of an item and its handler, as a fragment.
    pub(crate) enum Lacking {
        "lack-set-up" SetUp = "a handler that is set up";
        "lack-handler-on" HandlerOn = "a handler that is on";
        "lack-handler-near" HandlerNear = "a handler that can be reached";
        "lack-own-program" OwnProgram = "a report of its own program";
        "lack-handler-allowed" HandlerAllowed = "a handler that may be started";
        "lack-on" On = "it is on";
        "lack-near" Near = "it can be reached";
        "lack-allowed" Allowed = "it may be started";
        "lack-no-pause" NoPause = "no pause";
        "lack-no-question" NoQuestion = "no open question";
        "lack-good-run" GoodRun = "a good run";
        "lack-progress" Progress = "progress";
        "lack-try" Try = "another try";
        "lack-run" Run = "it runs";
        "lack-lane" Lane { lane: String } = "the lane {lane} for itself";
        "lack-turn" Turn = "its turn";
        "lack-no-conflict" NoConflict = "no open conflict";
        "lack-plain" Plain = "part of a plain sync";
        "lack-any-freshness" AnyFreshness = "no particular freshness";
        "lack-freshness" Freshness { span: Span } = "a good run every {span}";
        "lack-start" Start = "to start";
    }
}

sayings! {
    /// What is, as a fragment.
    pub(crate) enum Because {
        "why-it-is-not" ItIsNot = "it is not";
        "why-off" Off = "it is off";
        "why-cannot" Cannot = "it cannot";
        "why-own-program" OwnProgram = "its own program decides when";
        "why-policy" Policy = "its policy forbids it";
        "why-all-paused" AllPaused = "everything is paused";
        "why-handler-paused" HandlerPaused { name: String } = "{name} is paused";
        "why-paused" Paused = "it is paused";
        "why-told" Told { words: String } = "{words}";
        "why-retry" Retry { attempt: u64 } = "try {attempt} waits for its time";
        "why-retry-asked" RetryAsked { attempt: u64 } = "try {attempt} waits for its time, as its handler asked";
        "why-runs" Runs = "it runs";
        "why-silent" Silent { silent: Span } = "it runs; nothing was heard of it for {silent}";
        "why-silent-asked" SilentAsked { silent: Span, left: Span } =
            "it runs; nothing was heard of it for {silent}, and in {left} it is asked whether to wait on";
        "why-limited" Limited { what: Saying, left: Span, grace: Span } =
            "{what}; its time limit ends in {left}: it is asked to stop then, and ended by force after another {grace}";
        "why-stopping" Stopping = "it was asked to stop and has not yet";
        "why-stopping-until" StoppingUntil { left: Span } =
            "it was asked to stop and has not yet; it is ended by force in {left}";
        "why-lane" Lane { lane: String, holder: String } = "it waits for the lane {lane}, held by {holder}";
        "why-starting" Starting = "its handler is starting";
        "why-conflicts" Conflicts { count: u64 } = "{count} open";
        "why-unticked" Unticked = "it is not ticked";
        "why-fresh" Fresh = "fresh";
        "why-never" Never = "it never had a good run";
        "why-late" Late = "late";
        "why-late-since" LateSince { why: Saying } = "late: {why}";
        "why-overdue" Overdue = "overdue";
        "why-overdue-since" OverdueSince { why: Saying } = "overdue: {why}";
        "why-held" Held { who: Saying } = "held back when {who} wanted it; caught up once";
        "stuck-at" StuckAt { value: u64, max: u64, runs: u64 } = "the same {value} of {max} in {runs} runs";
        "stuck-moved" StuckMoved { moved: u64, runs: u64 } = "the same {moved} moved in {runs} runs";
        "stuck-nothing" StuckNothing { runs: u64 } = "nothing done in {runs} runs";
        "who-somebody" Somebody = "somebody";
        "who-answer" Answer = "an answer";
        "who-program" Program = "a program";
        "who-schedule" Schedule = "its schedule";
        "who-missed" Missed = "a time that was missed";
        "who-logon" Logon = "the logon";
        "who-logoff" Logoff = "the logoff";
        "who-lock" Lock = "the lock of the screen";
        "who-unlock" Unlock = "the unlocked screen";
        "who-suspend" Suspend = "the coming sleep";
        "who-resume" Resume = "the end of a sleep";
        "who-connect" Connect = "a new network";
        "who-disconnect" Disconnect = "a network that was about to go";
        "who-change" Change = "a changed file";
        "who-volume" Volume = "a volume that appeared";
        "who-after" After = "another item that ended";
        "who-idle" Idle = "an idle machine";
        "who-retry" Another = "another try";
    }
}

sayings! {
    /// Why an item is late, as a fragment.
    pub(crate) enum Lateness {
        "late-good" Good { ago: Span } = "last good run {ago} ago";
        "late-good-promised" GoodPromised { ago: Span, every: Span } = "last good run {ago} ago, promised every {every}";
        "late-none" None { span: Span } = "no good run in {span}";
        "late-none-promised" NonePromised { span: Span, every: Span } = "no good run in {span}, promised every {every}";
        "late-tried" Tried { good: Saying, ago: Span, became: Saying } =
            "{good}; last attempt {ago} ago {became}";
        "late-tried-because" TriedBecause { good: Saying, ago: Span, became: Saying, problem: Saying } =
            "{good}; last attempt {ago} ago {became}: {problem}";
        "late-untried" Untried { good: Saying } = "{good}; not tried since";
        "late-untried-because" UntriedBecause { good: Saying, held: Saying } = "{good}; not tried since: {held}";
        "became-failed" Failed = "failed";
        "became-away" Away = "could not reach it";
        "became-skipped" Skipped = "was skipped";
        "became-held" Held = "was held back by a question";
        "became-good" Well = "ended well";
        "became-unfinished" Unfinished = "was not finished";
    }
}

sayings! {
    /// What would change it, as a fragment.
    pub(crate) enum Remedy {
        "by-set-up" SetUp = "setting the handler up";
        "by-handler-on" HandlerOn = "turning the handler on";
        "by-back" Back = "the other end comes back";
        "by-on" On = "turning it on";
        "by-resume" Resume = "resuming, or a sync that names it";
        "by-answer" Answer { need: u64 } = "an answer to question {need}";
        "by-next-sync" NextSync = "the next sync";
        "by-own-program" OwnProgram = "a run of its own program";
        "by-further" Further = "a run that comes further";
        "by-time" Time = "time, or a sync by hand";
        "by-time-network" TimeOrNetwork = "time, a new network, or a sync by hand";
        "by-end-of" EndOf { name: String } = "the end of {name}";
        "by-turn" Turn = "its turn comes";
        "by-resolving" Resolving = "resolving them";
        "by-tick" Tick = "ticking it, or a sync that names it";
        "by-good-run" GoodRun = "a good run";
    }
}
