//! Questions that are open, and the answers that persons give.

use std::collections::VecDeque;

use serde_json::{Map, Value};
use syncmgr_control::request::MAX_PAGE;
use syncmgr_control::view::NeedView;
use syncmgr_control::{Caller, Refusal, Reply};
use syncmgr_core::input::Input;
use syncmgr_core::need::{NeedRow, NeedState, Typed};
use syncmgr_core::{EventKind, ItemRef, NeedId, Record};

use crate::adapt::{text, to_view};
use crate::answer::not_a_choice;
use crate::field;
use crate::run::Loop;

/// Most answers that are remembered for whoever answers second.
const MAX_ANSWERED: usize = 256;

/// Who answered which question, for whoever answers it too late.
#[derive(Debug, Default)]
pub(crate) struct Answered(VecDeque<First>);

#[derive(Debug)]
struct First {
    need: NeedId,
    by: String,
    choice: String,
    /// The wall clock then.
    at: String,
}

impl Answered {
    fn add(&mut self, first: First) {
        if self.0.len() >= MAX_ANSWERED {
            self.0.pop_front();
        }
        self.0.push_back(first);
    }

    fn refusal(&self, need: NeedId) -> Refusal {
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
            .map(|need| {
                to_view::need(
                    need,
                    self.need_item(need),
                    self.manager.handler_name(&need.handler),
                )
            })
            .collect()
    }

    fn need_item(&self, need: &NeedRow) -> Option<String> {
        let item = need.item.clone()?;
        Some(self.name(&ItemRef {
            handler: need.handler.clone(),
            item,
        }))
    }

    /// Takes the answer of a person. The first one counts; whoever comes later is told who was first.
    pub(crate) fn answer_need(
        &mut self,
        caller: &Caller,
        id: NeedId,
        choice: &str,
        given: &Map<String, Value>,
    ) -> Result<Reply, Refusal> {
        let need = self
            .manager
            .needs()
            .find(|need| need.id == id && need.state == NeedState::Open)
            .ok_or_else(|| self.answered.refusal(id))?;
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
        let before = self.due_records();
        let by = text::line(&caller.name);
        self.apply(Input::Answer {
            need: id,
            choice: choice.to_owned(),
            fields: Typed::new(Value::Object(filled).to_string()),
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
        let request = self.records_since(before).find_map(|record| match record {
            Record::Event(event) => match event.kind {
                EventKind::RequestQueued { request, .. } => Some(request.0),
                EventKind::RequestMerged { into, .. } => Some(into.0),
                _ => None,
            },
            _ => None,
        });
        Ok(Reply::Answered {
            request,
            forgotten: None,
        })
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
