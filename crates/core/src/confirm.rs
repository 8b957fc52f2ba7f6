//! "Ask me before synchronizing the items": one confirmation for all items that a rule would start (mobsync 4.4).

use std::time::Duration;

use crate::id::{ItemRef, NeedId};
use crate::manager::Manager;
use crate::need::{NeedKind, NeedRow, NeedState};
use crate::offer::Pick;
use crate::own_question::{self, choice};
use crate::request::Trigger;
use crate::saying::Question;

/// How the keys of these questions begin; no handler's key may.
pub const MARK: char = '\u{2}';

/// The choice that starts them.
pub const YES: &str = "yes";

/// The choice that leaves them for another time.
pub const NO: &str = "no";

/// No answer within this means no (mobsync 4.4).
pub const CONFIRM_WITHIN: Duration = Duration::from_secs(60);

impl Manager {
    /// Asks once for all of a rule's items; a question about the same rule that is open already stays.
    pub(crate) fn ask_before(&mut self, rule: &str, trigger: Trigger, items: &[ItemRef]) {
        let Some(first) = items.first() else {
            return;
        };
        let key = format!("{MARK}{rule}");
        let open = self.needs().any(|need| need.key == key);
        if open {
            return;
        }
        let text = own_question::of_rule(self, rule, items);
        let id = self.next_need();
        self.open_need(NeedRow {
            id,
            handler: first.handler.clone(),
            item: None,
            key,
            kind: NeedKind::Prompt,
            durable: true,
            text: crate::cut::bytes(text.into(), crate::cut::MAX_LINE),
            detail: None,
            choices: vec![choice(YES, Question::RuleYes), choice(NO, Question::RuleNo)],
            // It expires, and nothing starts.
            default: None,
            deadline: Some(self.now.plus(CONFIRM_WITHIN)),
            fields: None,
            context: context_of(trigger).to_owned(),
            opened: self.now,
            run: None,
            state: NeedState::Open,
        });
    }

    /// Carries out the answer to such a question; false for every other question.
    pub(crate) fn answer_confirmation(&mut self, id: NeedId, choice: &str) -> bool {
        let Some(rule) = self
            .needs
            .get(&id)
            .and_then(|need| need.key.strip_prefix(MARK).map(str::to_owned))
        else {
            return false;
        };
        if choice == YES {
            let offer = self.needs.get(&id).and_then(|need| self.offer_of(need));
            self.confirm(id, &rule, offer.unwrap_or_default().ticked());
        } else {
            self.close_need(id, NeedState::Withdrawn);
        }
        true
    }

    /// Starts what was ticked of a rule's list, and closes the question.
    pub(crate) fn confirm(&mut self, id: NeedId, rule: &str, ticked: Vec<Pick>) {
        let items = self.items_of_picks(rule, ticked);
        let Some(need) = self.close_need(id, NeedState::Withdrawn) else {
            return;
        };
        let rule = self.rules.iter().find(|state| state.rule.name == rule);
        if let Some(rule) = rule.map(|state| state.rule.clone()) {
            self.start_rule(&rule, items, trigger_of(&need.context));
        }
    }
}

/// The triggers that differ to a handler (mobsync 3.12); the question lives too briefly for more.
fn context_of(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Logon => "logon",
        Trigger::Logoff => "logoff",
        Trigger::Connect => "connect",
        Trigger::PendingDisconnect => "pending-disconnect",
        Trigger::Idle => "idle",
        Trigger::Manual
        | Trigger::Schedule
        | Trigger::CatchUp
        | Trigger::Lock
        | Trigger::Unlock
        | Trigger::Suspend
        | Trigger::Resume
        | Trigger::Invoke
        | Trigger::FileChange
        | Trigger::Device
        | Trigger::After
        | Trigger::External
        | Trigger::Retry
        | Trigger::Answered => "schedule",
    }
}

fn trigger_of(context: &str) -> Trigger {
    match context {
        "logon" => Trigger::Logon,
        "logoff" => Trigger::Logoff,
        "connect" => Trigger::Connect,
        "pending-disconnect" => Trigger::PendingDisconnect,
        "idle" => Trigger::Idle,
        _ => Trigger::Schedule,
    }
}
