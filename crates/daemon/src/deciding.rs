//! Conflicts that persons decide, one by its id or an item's by a rule.

use std::collections::BTreeMap;

use syncmgr_control::decide::{DecidedView, DecisionView, MAX_TOLD, Rule, Stay, StayView};
use syncmgr_control::request::MAX_PAGE;
use syncmgr_control::{Refusal, Reply};
use syncmgr_core::ItemRef;
use syncmgr_core::conflict::{ConflictRow, Decision, MAX_CONFLICTS_PER_ITEM, MAX_DECISIONS};
use syncmgr_core::request::{Scope, Work};

use crate::adapt::{text, to_view};
use crate::answer::not_a_choice;
use crate::run::Loop;

/// Most pages of conflicts searched for the beginning of an id.
const MAX_SEARCHED_PAGES: u64 = 16;

/// Longest pattern of names.
const MAX_PATTERN: usize = 256;

impl Loop {
    pub(crate) fn resolve(&mut self, conflict: &str, choice: String) -> Result<Reply, Refusal> {
        let row = self.conflict_row(conflict)?;
        if !row.choices.iter().any(|offered| offered.name == choice) {
            return Err(not_a_choice(
                &choice,
                row.choices.iter().map(|c| c.name.as_str()),
            ));
        }
        let scope = Scope::Items(vec![row.item.clone()]);
        self.ask(
            scope,
            Work::Resolve {
                decisions: vec![Decision {
                    conflict: row.id.clone(),
                    name: row.name.clone(),
                    choice,
                }],
            },
            false,
        )
    }

    /// The open conflict of this id, or the only one that begins so.
    pub(crate) fn conflict_row(&self, conflict: &str) -> Result<ConflictRow, Refusal> {
        let mut found = self.read(|reader| reader.conflicts_named(conflict, 2))?;
        if found.is_empty() {
            found = self.conflicts_beginning(conflict)?;
        }
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => Err(Refusal::new(
                "conflict::unknown",
                format!("there is no open conflict `{}`", text::line(conflict)),
                "`syncmgr conflicts` shows the open ones and their ids",
            )),
            (Some(_), false) => Err(Refusal::new(
                "conflict::ambiguous",
                format!("several conflicts begin with `{}`", text::line(conflict)),
                "write more of the id; `syncmgr conflicts` shows it",
            )),
        }
    }

    /// Conflicts whose id begins so; two are enough to know that it is not clear.
    fn conflicts_beginning(&self, beginning: &str) -> Result<Vec<ConflictRow>, Refusal> {
        let page = MAX_PAGE as usize;
        let mut found = Vec::new();
        for at in 0..MAX_SEARCHED_PAGES {
            let rows =
                self.read(|reader| reader.conflicts(None, at * u64::from(MAX_PAGE), page))?;
            let last = rows.len() < page;
            found.extend(
                rows.into_iter()
                    .filter(|row| row.id.starts_with(beginning))
                    .take(2),
            );
            if last || found.len() > 1 {
                break;
            }
        }
        Ok(found)
    }

    /// Decides the conflicts of an item by a rule, or only says what it would decide.
    pub(crate) fn decide(
        &mut self,
        name: &str,
        rule: &Rule<'_>,
        preview: bool,
    ) -> Result<DecisionView, Refusal> {
        if rule
            .matching
            .is_some_and(|pattern| pattern.len() > MAX_PATTERN)
        {
            return Err(Refusal::new(
                "decide::long-pattern",
                format!("a pattern has at most {MAX_PATTERN} bytes"),
                "write a shorter one, such as *.txt",
            ));
        }
        let item = self.one(name)?;
        let called = self.name(&item);
        let mut decisions = Vec::new();
        let mut stays: BTreeMap<Stay, u64> = BTreeMap::new();
        for row in self.conflicts_of(&item)? {
            let view = to_view::conflict(&row, called.clone(), false);
            match rule.decide(&view) {
                None => {}
                Some(Err(why)) => *stays.entry(why).or_default() += 1,
                Some(Ok(choice)) => decisions.push(Decision {
                    conflict: row.id,
                    name: row.name,
                    choice: choice.to_owned(),
                }),
            }
        }
        let all = count(decisions.len());
        decisions.truncate(MAX_DECISIONS);
        let told = |decision: &Decision| DecidedView {
            name: decision.name.clone(),
            choice: decision.choice.clone(),
        };
        let mut view = DecisionView {
            item: called,
            decides: count(decisions.len()),
            of: all + stays.values().sum::<u64>(),
            first: decisions.iter().take(MAX_TOLD).map(told).collect(),
            stays: stays
                .into_iter()
                .map(|(why, count)| StayView { why, count })
                .collect(),
            later: all - count(decisions.len()),
            request: None,
        };
        if !preview && !decisions.is_empty() {
            let work = Work::Resolve { decisions };
            if let Reply::Accepted { request } = self.ask(Scope::Items(vec![item]), work, false)? {
                view.request = Some(request);
            }
        }
        Ok(view)
    }

    fn conflicts_of(&self, item: &ItemRef) -> Result<Vec<ConflictRow>, Refusal> {
        let page = MAX_PAGE as usize;
        let mut found = Vec::new();
        while found.len() < MAX_CONFLICTS_PER_ITEM {
            let rows =
                self.read(|reader| reader.conflicts(Some(item), count(found.len()), page))?;
            let last = rows.len() < page;
            found.extend(rows);
            if last {
                break;
            }
        }
        Ok(found)
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
