//! What the manager itself asks: the words of its questions, and those words again, as data, for a question that is open. A
//! question is stored as a text; it is the same sentence again only as long as it would be asked in the same words.

use std::time::Duration;

use crate::asking::MAX_NEEDS;
use crate::id::ItemRef;
use crate::manager::Manager;
use crate::need::{Choice, NeedRow};
use crate::saying::{Question, Saying, Span};
use crate::stuck::Stall;
use crate::{confirm, invocation, stuck, watchdog};

/// So many items are named; the rest is counted.
const NAMED: usize = 5;

/// Whether the items of a rule may start now.
pub(crate) fn of_rule(manager: &Manager, rule: &str, items: &[ItemRef]) -> Saying {
    let names: Vec<&str> = items
        .iter()
        .take(NAMED)
        .filter_map(|item| Some(manager.item(item)?.name.as_str()))
        .collect();
    let (rule, names) = (rule.to_owned(), names.join(", "));
    match items.len().saturating_sub(NAMED) as u64 {
        0 => Question::Rule { rule, names },
        count => Question::RuleMore { rule, names, count },
    }
    .into()
}

/// What becomes of an item that comes no further.
pub(crate) fn of_stuck(name: &str, stall: &Stall) -> Saying {
    Question::Stuck {
        name: name.to_owned(),
        place: stall.saying(),
    }
    .into()
}

/// What becomes of a run of which nothing is heard.
pub(crate) fn of_silence(name: String, silent: Duration, item: Option<String>) -> Saying {
    let span = Span(silent);
    match item {
        Some(item) => Question::SilentAt { name, span, item },
        None => Question::Silent { name, span },
    }
    .into()
}

/// Whether what a program asks for, everything where no name is given, may start. What its bytes say is between the program and its handler (M-152).
pub(crate) fn of_program(name: Option<&str>, bytes: Option<usize>, number: usize) -> Saying {
    let what = Saying::from(match name {
        Some(name) => Question::Named {
            name: name.to_owned(),
        },
        None => Question::Everything,
    });
    let asks = match bytes {
        None => Question::Program { what },
        Some(1) => Question::ProgramByte { what },
        Some(count) => Question::ProgramBytes {
            what,
            count: count as u64,
        },
    };
    match number {
        ..=1 => asks.into(),
        number => Question::ProgramAgain {
            what: asks.into(),
            number: number as u64,
        }
        .into(),
    }
}

/// An answer that the manager offers.
pub(crate) fn choice(name: &str, label: Question) -> Choice {
    Choice {
        name: name.to_owned(),
        label: Saying::from(label).into(),
    }
}

impl Manager {
    /// A question of the manager's own as it would be asked now; absent for a question of a handler, and where what it was
    /// about is not so any more.
    #[must_use]
    pub fn own_question(&self, row: &NeedRow) -> Option<Saying> {
        let mark = row.key.chars().next()?;
        let same = |saying: &Saying| saying.as_str() == row.text;
        let saying = match mark {
            confirm::MARK => {
                let name = row.key.strip_prefix(confirm::MARK)?;
                let rule = self.rules.iter().find(|state| state.rule.name == name)?;
                of_rule(self, name, &self.items_of_rule(&rule.rule))
            }
            stuck::MARK => {
                let item = ItemRef {
                    handler: row.handler.clone(),
                    item: row.item.clone()?,
                };
                let stall = self.item(&item)?.stall.as_deref()?;
                of_stuck(&self.item(&item)?.name, stall)
            }
            watchdog::MARK => {
                let (silent, item) = self.silence_of(row)?;
                of_silence(self.called(&row.handler), silent, item)
            }
            invocation::MARK => {
                let of_all = invocation::is_about_all(row)?;
                let handler = self.handler(&row.handler)?;
                let name = (!of_all).then_some(handler.name.as_str());
                let bytes = invocation::bytes_of(row)?;
                (1..=MAX_NEEDS)
                    .map(|number| of_program(name, bytes, number))
                    .find(same)?
            }
            _ => return None,
        };
        Some(saying).filter(same)
    }

    /// An answer to a question of the manager's own.
    #[must_use]
    pub fn own_answer(&self, row: &NeedRow, choice: &str) -> Option<Saying> {
        let answer = match (row.key.chars().next()?, choice) {
            (confirm::MARK, confirm::YES) => Question::RuleYes,
            (confirm::MARK, confirm::NO) => Question::RuleNo,
            (stuck::MARK, stuck::AGAIN) => Question::StuckAgain,
            (stuck::MARK, stuck::PAUSE) => Question::StuckPause,
            (watchdog::MARK, watchdog::WAIT) => Question::SilentWait,
            (watchdog::MARK, watchdog::STOP) => Question::SilentStop,
            (invocation::MARK, invocation::START) => Question::ProgramStart,
            (invocation::MARK, invocation::DISMISS) => Question::ProgramDismiss,
            _ => return None,
        };
        Some(answer.into())
    }
}
