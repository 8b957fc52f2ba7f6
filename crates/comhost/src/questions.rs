//! Questions of the handler that the manager answers while the handler waits.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use syncmgr_handler::contract::MAX_IN_FLIGHT;
use syncmgr_handler::frame::Answered;

use crate::board::{Board, enter};

/// The questions that wait for their answers.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    waiting: Mutex<Waiting>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    open: HashMap<u64, Slot>,
    closed: bool,
}

/// One question: its answer as JSON, once it came; `None` within for a refusal.
#[derive(Debug, Default)]
struct Slot {
    answer: Option<Option<String>>,
    /// A stop gives it up.
    stoppable: bool,
}

impl Questions {
    /// Asks and waits, at most for the given time. `None`: refused, given up, too many at once, or nobody there.
    pub(crate) fn ask<P: Answered>(
        &self,
        board: &Board,
        question: &P,
        at_most: Duration,
        stoppable: bool,
    ) -> Option<P::Answer> {
        let id = {
            let mut waiting = enter(&self.waiting);
            if waiting.closed || waiting.open.len() >= MAX_IN_FLIGHT {
                return None;
            }
            waiting.next += 1;
            let id = waiting.next;
            waiting.open.insert(
                id,
                Slot {
                    answer: None,
                    stoppable,
                },
            );
            id
        };
        let sent = board.in_turn(|held, now| held.queue.ask(now, id, P::METHOD, question));
        let mut waiting = enter(&self.waiting);
        if sent.is_ok() {
            waiting = self
                .answered
                .wait_timeout_while(waiting, at_most, |waiting| {
                    !waiting.closed
                        && waiting
                            .open
                            .get(&id)
                            .is_some_and(|one| one.answer.is_none())
                })
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let text = waiting.open.remove(&id)?.answer??;
        drop(waiting);
        serde_json::from_str(&text).ok()
    }

    /// The manager answered; an answer that nobody waits for any more is dropped.
    pub(crate) fn answered(&self, id: u64, answer: Option<String>) {
        if let Some(slot) = enter(&self.waiting).open.get_mut(&id) {
            slot.answer = Some(answer);
        }
        self.answered.notify_all();
    }

    /// Gives up what a stop gives up: a connection that is being dialled (3.8).
    pub(crate) fn stop(&self) {
        for slot in enter(&self.waiting).open.values_mut() {
            if slot.stoppable && slot.answer.is_none() {
                slot.answer = Some(None);
            }
        }
        self.answered.notify_all();
    }

    /// No answer comes any more.
    pub(crate) fn close(&self) {
        enter(&self.waiting).closed = true;
        self.answered.notify_all();
    }
}
