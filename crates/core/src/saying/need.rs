//! What the manager itself asks a person, and the answers that it offers.

use super::{Saying, Span};
use crate::sayings;

sayings! {
    /// A question of the manager, or an answer to it.
    pub(crate) enum Question {
        "ask-rule" Rule { rule: String, names: String } = "{rule}: synchronize {names} now?";
        "ask-rule-more" RuleMore { rule: String, names: String, count: u64 } = "{rule}: synchronize {names}, {count} more now?";
        "answer-rule-yes" RuleYes = "synchronize them now";
        "answer-rule-no" RuleNo = "not this time";
        "ask-stuck" Stuck { name: String, place: Saying } = "{name} is stuck: {place}";
        "answer-stuck-again" StuckAgain = "try it again now";
        "answer-stuck-pause" StuckPause = "leave it alone until you resume it";
        "ask-silent" Silent { name: String, span: Span } = "{name} has said nothing for {span}. Wait on, or stop it?";
        "ask-silent-at" SilentAt { name: String, span: Span, item: String } =
            "{name} has said nothing for {span} while it works on {item}. Wait on, or stop it?";
        "answer-silent-wait" SilentWait = "wait on, and ask again when it stays silent";
        "answer-silent-stop" SilentStop = "stop it; it is tried again later";
        "ask-everything" Everything = "everything";
        "ask-named" Named { name: String } = "{name}";
        "ask-program" Program { what: Saying } = "a program asks to synchronize {what}";
        "ask-program-byte" ProgramByte { what: Saying } = "a program asks to synchronize {what}, with 1 byte of its own";
        "ask-program-bytes" ProgramBytes { what: Saying, count: u64 } =
            "a program asks to synchronize {what}, with {count} bytes of its own";
        "ask-program-again" ProgramAgain { what: Saying, number: u64 } = "{what} (request {number})";
        "answer-program-start" ProgramStart = "synchronize it now";
        "answer-program-dismiss" ProgramDismiss = "do nothing";
    }
}
