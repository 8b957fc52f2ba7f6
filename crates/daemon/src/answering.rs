//! Questions that are open, and the answers that persons give.

use std::collections::VecDeque;

use serde_json::{Map, Value};
use syncmgr_control::field::FieldKind;
use syncmgr_control::request::MAX_PAGE;
use syncmgr_control::view::NeedView;
use syncmgr_control::{Caller, Refusal, Reply};
use syncmgr_core::command::ReplyId;
use syncmgr_core::input::Input;
use syncmgr_core::need::{NeedRow, NeedState, QuestionRef, Typed};
use syncmgr_core::recall::KnownAnswer;
use syncmgr_core::{EventKind, InstanceId, ItemRef, NeedId, Record};

use crate::adapt::to_said::said;
use crate::adapt::{text, to_view};
use crate::answer::not_a_choice;
use crate::field;
use crate::run::{Answerer, Loop, Message};
use crate::secret::{Secrets, Which};

/// Most answers that are remembered for whoever answers second.
const MAX_ANSWERED: usize = 256;

/// An answer that was taken.
struct Taken {
    /// What it began.
    request: Option<u64>,
    /// It holds a secret, and can be remembered.
    secret: Option<(QuestionRef, KnownAnswer)>,
}

/// Who answered which question, for whoever answers it too late.
#[derive(Debug, Default)]
pub(crate) struct Answered(VecDeque<First>);

#[derive(Debug)]
pub(crate) struct First {
    pub(crate) need: NeedId,
    pub(crate) by: String,
    pub(crate) choice: String,
    /// The wall clock then.
    pub(crate) at: String,
}

impl Answered {
    pub(crate) fn add(&mut self, first: First) {
        if self.0.len() >= MAX_ANSWERED {
            self.0.pop_front();
        }
        self.0.push_back(first);
    }

    pub(crate) fn refusal(&self, need: NeedId) -> Refusal {
        match self.0.iter().rev().find(|first| first.need == need) {
            Some(First { by, choice, at, .. }) => Refusal::new(
                "need::answered",
                format!("question {need} was answered already, with `{choice}` by {by} at {at}"),
                "the first answer counts; `syncmgr status` tells what came of it",
            ),
            None => Refusal::new(
                "need::unknown",
                format!("question {need} is not open"),
                "`syncmgr needs` shows the open ones",
            ),
        }
    }
}

impl Loop {
    /// Open needs, of one item or all.
    pub(crate) fn open_needs(&self, of: Option<&ItemRef>) -> Vec<NeedView> {
        self.manager
            .needs()
            .filter(|need| need.state == NeedState::Open)
            .filter(|need| {
                of.is_none_or(|item| {
                    need.handler == item.handler && need.item.as_ref() == Some(&item.item)
                })
            })
            .take(MAX_PAGE as usize)
            .map(|need| self.need_view(need))
            .collect()
    }

    /// An open question; one of the manager's own with what it is made of.
    fn need_view(&self, need: &NeedRow) -> NeedView {
        let item = self.need_item(need);
        let mut view = to_view::need(need, item, self.manager.handler_name(&need.handler));
        view.said = self.manager.own_question(need).as_ref().map(said);
        for choice in &mut view.choices {
            choice.said = self
                .manager
                .own_answer(need, &choice.name)
                .as_ref()
                .map(said);
        }
        view
    }

    fn need_item(&self, need: &NeedRow) -> Option<String> {
        let item = need.item.clone()?;
        Some(self.name(&ItemRef {
            handler: need.handler.clone(),
            item,
        }))
    }

    /// Takes the answer of a person, and has it remembered where he wants that.
    pub(crate) fn answer_need(
        &mut self,
        caller: &Caller,
        id: NeedId,
        choice: &str,
        given: &Map<String, Value>,
        remember: bool,
        reply: Answerer,
    ) {
        match self.accept(caller, id, choice, given) {
            Ok(Taken {
                request,
                secret: Some((of, answer)),
            }) if remember => self.keep_answer(of, answer, request, reply),
            taken => {
                let answered = taken.map(|taken| Reply::Answered {
                    request: taken.request,
                    forgotten: None,
                });
                self.reply(reply, answered);
            }
        }
    }

    /// The first answer counts; whoever comes later is told who was first.
    fn accept(
        &mut self,
        caller: &Caller,
        id: NeedId,
        choice: &str,
        given: &Map<String, Value>,
    ) -> Result<Taken, Refusal> {
        let need = self
            .manager
            .needs()
            .find(|need| need.id == id && need.state == NeedState::Open)
            .ok_or_else(|| self.answered.refusal(id))?;
        self.may_begin(need, choice)?;
        let fields = need.fields.as_deref().map(field::kept).unwrap_or_default();
        let names = || need.choices.iter().map(|offered| offered.name.as_str());
        let free = need.choices.is_empty() && !fields.is_empty();
        if !free && !names().any(|offered| offered == choice) {
            return Err(not_a_choice(choice, names()));
        }
        // What is filled in goes with the first choice; whoever says no has nothing to fill in.
        let filled = if free || names().next() == Some(choice) {
            field::filled(&fields, given)?
        } else {
            Map::new()
        };
        // Whoever says no typed no secret: a no that was remembered would be given in silence for ever.
        let secret = fields
            .iter()
            .any(|field| field.kind == FieldKind::Secret && filled.contains_key(&field.name));
        let typed = Typed::new(Value::Object(filled).to_string());
        let secret = secret.then(|| {
            let answer = KnownAnswer {
                choice: choice.to_owned(),
                fields: typed.clone(),
            };
            (QuestionRef::of(need), answer)
        });
        let before = self.due_records();
        let by = text::line(&caller.name);
        self.apply(Input::Answer {
            need: id,
            choice: choice.to_owned(),
            fields: typed,
            by: by.clone(),
        });
        let closed = self
            .manager
            .needs()
            .all(|need| need.id != id || need.state != NeedState::Open);
        if closed {
            let first = First {
                need: id,
                by,
                choice: choice.to_owned(),
                at: self.manager.zone().wall_text(self.now()),
            };
            self.answered.add(first);
        }
        let request = self.request_since(before);
        Ok(Taken { request, secret })
    }

    /// The first request that was taken since, or the one that it joined.
    pub(crate) fn request_since(&self, before: usize) -> Option<u64> {
        self.records_since(before).find_map(|record| match record {
            Record::Event(event) => match event.kind {
                EventKind::RequestQueued { request, .. } => Some(request.0),
                EventKind::RequestMerged { into, .. } => Some(into.0),
                _ => None,
            },
            _ => None,
        })
    }
}

impl Loop {
    fn secrets(&self) -> Secrets {
        Secrets::of(
            self.config.config.manager.remember,
            self.places.config_dir.clone(),
        )
    }

    /// Looks up a remembered answer beside the loop; what is found comes as a message.
    pub(crate) fn look_for_answer(&mut self, instance: InstanceId, to: ReplyId, row: NeedRow) {
        let (secrets, messages) = (self.secrets(), self.messages.clone());
        self.property.spawn(async move {
            let found = secrets.find(&row).await.map_err(|why| why.to_string());
            let Some(messages) = messages.upgrade() else {
                return;
            };
            let found = Message::Recalled(instance, to, found);
            if messages.send(found).await.is_err() {
                tracing::debug!("the loop ended before an answer was looked up");
            }
        });
    }

    /// What is remembered of these answers is of no use any more.
    pub(crate) fn forget_answers(&mut self, which: Which) {
        let secrets = self.secrets();
        self.property.spawn(async move {
            if let Err(error) = secrets.forget(&which).await {
                tracing::warn!(%error, "an answer is still remembered");
            }
        });
    }

    /// Forgets what is remembered for an item or a handler, and says whether there was any.
    pub(crate) fn forget(&mut self, name: &str, reply: Answerer) {
        let which = match self.one(name) {
            Ok(item) => Ok(Which::Item(item)),
            Err(refusal) => self
                .whole_handler(name)
                .and_then(|handler| handler.map(Which::Handler).ok_or(refusal)),
        };
        let which = match which {
            Ok(which) => which,
            Err(refusal) => return self.reply(reply, Err(refusal)),
        };
        let (secrets, name) = (self.secrets(), text::line(name));
        self.property.spawn(async move {
            let forgotten = secrets.forget(&which).await;
            let answer = forgotten
                .map(|count| Reply::Done {
                    names: (count > 0).then_some(name).into_iter().collect(),
                })
                .map_err(|why| why.refusal());
            if reply.send(answer).is_err() {
                tracing::debug!("nobody waits for what was forgotten any more");
            }
        });
    }

    /// Keeps an answer beside the loop, then answers who gave it.
    fn keep_answer(
        &mut self,
        of: QuestionRef,
        answer: KnownAnswer,
        request: Option<u64>,
        reply: Answerer,
    ) {
        let secrets = self.secrets();
        self.property.spawn(async move {
            let kept = secrets.keep(&of, &answer).await;
            let forgotten = kept.err().map(|why| Box::new(why.refusal()));
            let answered = Reply::Answered { request, forgotten };
            if reply.send(Ok(answered)).is_err() {
                tracing::debug!("nobody waits for the answer any more");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_second_is_told_who_was_first() {
        let mut answered = Answered::default();
        for need in 1..=(MAX_ANSWERED as u64 + 1) {
            answered.add(First {
                need: NeedId(need),
                by: "ada".to_owned(),
                choice: "yes".to_owned(),
                at: "10:00".to_owned(),
            });
        }
        assert_eq!(answered.refusal(NeedId(1)).code, "need::unknown");
        let second = answered.refusal(NeedId(2));
        assert_eq!(second.code, "need::answered");
        assert!(second.message.contains("by ada"), "{second}");
    }
}
