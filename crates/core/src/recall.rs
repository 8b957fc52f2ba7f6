//! Answers that a person had remembered: looked up before anybody is asked, and forgotten once one proves wrong.
//!
//! Only questions that want a secret are looked up. Whoever asks the same again on the same instance says that what it got
//! was wrong: what is remembered is forgotten and a person is asked, so that a wrong password is tried once and no more.

use crate::asking::MAX_NEEDS;
use crate::command::{Command, Reply, ReplyId};
use crate::instance::{Instance, StopLevel};
use crate::log::Level;
use crate::manager::Manager;
use crate::need::{NeedRow, NeedState, QuestionRef, Typed};
use crate::phase::{Kind, Step, step};

/// Most look-ups that an instance waits for; with more, a person is asked at once.
const MAX_RECALLS: usize = 16;

/// A remembered answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAnswer {
    /// The choice.
    pub choice: String,
    /// What was typed.
    pub fields: Typed,
}

impl Manager {
    /// Looks the answer up when it may be remembered; `false`: a person is asked.
    pub(crate) fn recall(
        &mut self,
        instance: &mut Instance,
        to: ReplyId,
        row: &NeedRow,
        wrong: bool,
    ) -> bool {
        if row.fields.is_none() || !row.wants_secret() {
            return false;
        }
        let of = QuestionRef::of(row);
        let room = instance.answered.len() < MAX_NEEDS;
        let again = !(room && instance.answered.insert(of.clone()));
        if wrong || again {
            self.command(instance.mute, Command::Forget(of));
            return false;
        }
        if instance.recalls.len() >= MAX_RECALLS {
            return false;
        }
        instance.recalls.push((to, row.clone()));
        let instance = instance.id;
        self.command(
            false,
            Command::Recall {
                instance,
                to,
                row: Box::new(row.clone()),
            },
        );
        true
    }

    /// A look-up ended: with an answer, without one, or with a reason why there is none.
    pub(crate) fn recalled(
        &mut self,
        instance: &mut Instance,
        to: ReplyId,
        found: Result<Option<KnownAnswer>, String>,
    ) {
        let Some(at) = instance.recalls.iter().position(|(id, _)| *id == to) else {
            return;
        };
        let (_, row) = instance.recalls.remove(at);
        let in_phase = matches!(step(instance.phase(), Kind::Prompt), Step::Stay);
        if !in_phase || instance.stop != StopLevel::None {
            self.reply(instance.id, to, Reply::PromptRefused);
            return;
        }
        match found {
            Ok(Some(KnownAnswer { choice, fields })) if row.offers(&choice) => {
                self.answered_before(&row, &choice);
                self.reply(instance.id, to, Reply::Chosen { choice, fields });
            }
            // A choice that is not offered any more was remembered for another question.
            Ok(_) => self.put(instance, to, row),
            Err(why) => {
                let text = format!("what was remembered for a question was not found: {why}");
                self.warn(Some(row.handler.clone()), row.run, Level::Warning, text);
                self.put(instance, to, row);
            }
        }
    }

    /// An open question of the same name is answered with what was remembered.
    fn answered_before(&mut self, row: &NeedRow, choice: &str) {
        if let Some(open) = self.known(row) {
            let state = match row.run {
                Some(run) => NeedState::Used {
                    choice: choice.to_owned(),
                    run,
                },
                None => NeedState::Withdrawn,
            };
            self.close_need(open, state);
        }
    }
}
