//! A program asks for a handler without starting it: the choice of a person, as a durable question (mobsync 3.9).

use std::fmt::Write as _;

use crate::asking::MAX_NEEDS;
use crate::id::{HandlerId, NeedId};
use crate::manager::Manager;
use crate::need::{NeedKind, NeedRow, NeedState};
use crate::offer::Chosen;
use crate::own_question::{self, choice};
use crate::request::{IfRunning, RefusedRequest, Request, Scope, Trigger, Work};
use crate::saying::{Question, Saying};

/// How the keys of these questions begin; no handler's key may.
pub const MARK: char = '\u{1}';

/// The choice that starts it.
pub const START: &str = "start";

/// The choice that forgets it.
pub const DISMISS: &str = "dismiss";

/// How a wish for everything is kept.
const EVERYTHING: &str = "everything";

/// What a program asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The handler; of a wish for everything the one that its question stands under.
    pub handler: HandlerId,
    /// Everything was asked for (`UpdateAll`), which counts as a person's wish.
    pub with_all: bool,
    /// The program's private bytes.
    pub cookie: Option<Vec<u8>>,
}

impl Manager {
    /// The open question about the same wish: there is one about everything, and of a handler one for the same bytes.
    #[must_use]
    pub fn invocation(&self, wish: &Invocation) -> Option<NeedId> {
        self.open_invocations()
            .filter(|need| wish.with_all || need.handler == wish.handler)
            .find(|need| {
                of_context(need.handler.clone(), &need.context).is_some_and(|open| {
                    open.with_all == wish.with_all && open.cookie == wish.cookie
                })
            })
            .map(|need| need.id)
    }

    fn open_invocations(&self) -> impl Iterator<Item = &NeedRow> {
        self.needs()
            .filter(|need| need.state == NeedState::Open && need.key.starts_with(MARK))
    }

    /// What the person reads. Two open questions never read the same: nobody could tell which is which.
    fn question(&self, wish: &Invocation, name: &str) -> Saying {
        let name = (!wish.with_all).then_some(name);
        let bytes = wish.cookie.as_ref().map(Vec::len);
        let taken = |saying: &Saying| {
            self.open_invocations()
                .any(|need| saying.as_str() == need.text)
        };
        (1..=MAX_NEEDS)
            .map(|number| own_question::of_program(name, bytes, number))
            .find(|saying| !taken(saying))
            .unwrap_or_else(|| own_question::of_program(name, bytes, MAX_NEEDS))
    }

    /// Whether a wish would be put before a person.
    ///
    /// # Errors
    /// [`RefusedRequest`] says why it would not.
    pub fn check_invocation(&self, wish: &Invocation) -> Result<(), RefusedRequest> {
        self.check_request(&wished(wish))?;
        let open = self.needs().filter(|need| need.handler == wish.handler);
        if open.count() >= MAX_NEEDS {
            return Err(RefusedRequest::QueueFull);
        }
        Ok(())
    }

    /// Opens the question, once for the same wish.
    pub(crate) fn ask_to_start(&mut self, wish: &Invocation) {
        if self.check_invocation(wish).is_err() || self.invocation(wish).is_some() {
            return;
        }
        let Some(name) = self
            .handlers
            .get(&wish.handler)
            .map(|slot| slot.row.name.clone())
        else {
            return;
        };
        let id = self.next_need();
        self.open_need(NeedRow {
            id,
            handler: wish.handler.clone(),
            item: None,
            key: format!("{MARK}invoke {}", id.0),
            kind: NeedKind::Prompt,
            durable: true,
            text: self.question(wish, &name).into(),
            detail: None,
            choices: vec![
                choice(START, Question::ProgramStart),
                choice(DISMISS, Question::ProgramDismiss),
            ],
            default: None,
            deadline: None,
            fields: None,
            context: to_context(wish),
            opened: self.now,
            run: None,
            state: NeedState::Open,
        });
    }

    /// Carries out the answer to such a question; false for every other question. Who only says that it may start takes the
    /// list as it is ticked.
    pub(crate) fn answer_invocation(&mut self, id: NeedId, choice: &str) -> bool {
        let Some(need) = self
            .needs
            .get(&id)
            .filter(|need| need.key.starts_with(MARK))
            .cloned()
        else {
            return false;
        };
        match self.offer_of(&need) {
            Some(offer) if choice == START => self.take_choice(Chosen {
                of: Some(id),
                ticked: offer.ticked(),
                unticked: Vec::new(),
            }),
            Some(_) | None => drop(self.close_invocation(&need)),
        }
        true
    }

    /// Closes such a question: what is to be started when the person said so.
    pub(crate) fn close_invocation(&mut self, need: &NeedRow) -> Option<Request> {
        let wish = of_context(need.handler.clone(), &need.context);
        self.close_need(need.id, NeedState::Withdrawn);
        Some(wished(&wish?))
    }

    /// A question about everything stands under some handler: under another one when that one goes.
    pub(crate) fn rehome_invocations(&mut self, leaving: &HandlerId) {
        let Some(home) = self.handlers.keys().find(|id| *id != leaving).cloned() else {
            return;
        };
        let moved: Vec<NeedRow> = self
            .open_invocations()
            .filter(|need| need.handler == *leaving && is_about_all(need) == Some(true))
            .cloned()
            .collect();
        for need in moved {
            self.rehome(need.id, home.clone());
        }
    }
}

/// What starts when the person says so.
fn wished(wish: &Invocation) -> Request {
    Request {
        scope: Scope::Handler(wish.handler.clone()),
        work: Work::Synchronize,
        trigger: if wish.with_all {
            Trigger::Manual
        } else {
            Trigger::Invoke
        },
        may_bother_user: true,
        cookie: wish.cookie.clone(),
        if_running: IfRunning::Again,
    }
}

/// Whether such a question is about everything; nothing for every other question.
pub(crate) fn is_about_all(need: &NeedRow) -> Option<bool> {
    if !need.key.starts_with(MARK) {
        return None;
    }
    of_context(need.handler.clone(), &need.context).map(|wish| wish.with_all)
}

/// The wish as text: its kind, and the bytes as hexadecimal digits; `-` where there are none.
fn to_context(wish: &Invocation) -> String {
    let kind = if wish.with_all { EVERYTHING } else { "one" };
    let mut text = format!("{kind} ");
    match &wish.cookie {
        None => text.push('-'),
        Some(cookie) => {
            for byte in cookie {
                // Writing to a text cannot fail.
                let (Ok(()) | Err(_)) = write!(text, "{byte:02x}");
            }
        }
    }
    text
}

/// How many bytes of its own the program of a question hands over.
pub(crate) fn bytes_of(row: &NeedRow) -> Option<Option<usize>> {
    let wish = of_context(row.handler.clone(), &row.context)?;
    Some(wish.cookie.map(|cookie| cookie.len()))
}

fn of_context(handler: HandlerId, context: &str) -> Option<Invocation> {
    let (kind, cookie) = context.split_once(' ')?;
    let with_all = match kind {
        EVERYTHING => true,
        // Before there were lists, each handler had a question of its own for a wish for everything.
        "one" | "all" => false,
        _ => return None,
    };
    let cookie = match cookie {
        "-" => None,
        digits => Some(
            digits
                .as_bytes()
                .chunks(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
                .collect::<Option<Vec<u8>>>()?,
        ),
    };
    Some(Invocation {
        handler,
        with_all,
        cookie,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_survives_as_text() {
        let handler = HandlerId::new("h").unwrap();
        for (with_all, cookie) in [
            (false, None),
            (false, Some(vec![])),
            (false, Some(vec![0, 1, 0xff])),
            (true, None),
        ] {
            let wish = Invocation {
                handler: handler.clone(),
                with_all,
                cookie,
            };
            assert_eq!(of_context(handler.clone(), &to_context(&wish)), Some(wish));
        }
        let old = of_context(handler.clone(), "all -").unwrap();
        assert!(!old.with_all);
        for spoiled in ["", "one", "other -", "one 0g", "one 0ü"] {
            assert_eq!(of_context(handler.clone(), spoiled), None, "{spoiled}");
        }
    }
}
