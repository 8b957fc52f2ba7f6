//! Conflicts: what is chosen for them, and how they are resolved one after another.

use std::collections::VecDeque;

use syncmgr_control::Request;
use syncmgr_control::view::ConflictView;

use super::sides;
use super::state::{Agreed, Confirming, Mode, Tone, Top};
use super::step::{Asked, Effect};
use crate::text::harmless;
use crate::when;

/// Most conflicts resolved at once that are told one by one.
const TOLD_ONE_BY_ONE: usize = 12;

/// Conflicts that are resolved one after another.
#[derive(Debug, Default)]
pub(crate) struct Resolving {
    left: VecDeque<(String, String)>,
    /// The request that is waited for.
    pub(super) request: Option<u64>,
    all: usize,
    good: usize,
    /// Why the first one was not.
    problem: Option<String>,
}

impl Resolving {
    fn active(&self) -> bool {
        self.all > 0
    }
}

impl Top {
    /// Chooses for the whole selection, and tells where that is not offered.
    pub(super) fn choose(&mut self, wanted: impl Fn(&ConflictView) -> Option<&str>) {
        let selection = self.selection();
        let all = selection.len();
        let pairs = selection.into_iter().filter_map(|conflict| {
            let choice = wanted(conflict)?.to_owned();
            Some((conflict.id.clone(), choice))
        });
        let pairs: Vec<_> = pairs.collect();
        if pairs.len() < all {
            let text = format!("{} of {all} do not offer that", all - pairs.len());
            self.say(Tone::Calm, text);
        }
        self.chosen.extend(pairs);
    }

    /// Goes on to the next choice of each of the selection; after the last one nothing is chosen.
    pub(super) fn choose_next(&mut self) {
        let selection = self.selection().into_iter().map(|conflict| {
            let before = self.chosen.get(&conflict.id).map(String::as_str);
            let next = sides::next(conflict, before).map(str::to_owned);
            (conflict.id.clone(), next)
        });
        for (id, next) in selection.collect::<Vec<_>>() {
            match next {
                Some(name) => self.chosen.insert(id, name),
                None => self.chosen.remove(&id),
            };
        }
    }

    pub(super) fn confirm(&mut self) {
        let decided: Vec<_> = self
            .conflicts
            .iter()
            .filter_map(|conflict| Some((conflict, self.chosen.get(&conflict.id)?)))
            .collect();
        let mut lines: Vec<String> = Vec::new();
        for (conflict, choice) in decided.iter().take(TOLD_ONE_BY_ONE) {
            let offered = conflict.choices.iter().find(|offer| offer.name == **choice);
            let label = offered
                .map(|offer| offer.label.as_str())
                .filter(|label| !label.is_empty());
            lines.push(format!(
                "{}: {}: {}",
                harmless(&conflict.item),
                harmless(&conflict.name),
                harmless(label.unwrap_or(choice))
            ));
        }
        if decided.len() > TOLD_ONE_BY_ONE {
            lines.push(format!("and {} more", decided.len() - TOLD_ONE_BY_ONE));
        }
        let pairs = decided
            .iter()
            .map(|(conflict, choice)| (conflict.id.clone(), (*choice).clone()))
            .collect();
        let number = u64::try_from(decided.len()).unwrap_or(u64::MAX);
        self.mode = Mode::Confirm(Confirming {
            title: format!("Resolve {}?", when::count(number, "conflict")),
            lines,
            then: Agreed::Resolve(pairs),
        });
    }

    pub(super) fn resolve(&mut self, pairs: Vec<(String, String)>) -> Vec<Effect> {
        if self.resolving.active() {
            self.say(Tone::Calm, "others are being resolved; wait for their end");
            return Vec::new();
        }
        for (id, _) in &pairs {
            self.chosen.remove(id);
        }
        self.marked.clear();
        self.resolving = Resolving {
            all: pairs.len(),
            left: pairs.into(),
            ..Resolving::default()
        };
        self.resolve_next()
    }

    pub(super) fn resolve_next(&mut self) -> Vec<Effect> {
        self.resolving.request = None;
        let at = self.resolving.all - self.resolving.left.len();
        if let Some((conflict, choice)) = self.resolving.left.pop_front() {
            self.say(
                Tone::Calm,
                format!("resolving {} of {}", at + 1, self.resolving.all),
            );
            let request = Request::Resolve { conflict, choice };
            return vec![Effect::ask(Asked::Resolve, request)];
        }
        let done = std::mem::take(&mut self.resolving);
        let number = u64::try_from(done.good).unwrap_or(u64::MAX);
        let told = format!("{} resolved", when::count(number, "conflict"));
        match done.problem {
            None => self.say(Tone::Good, format!("{told}.")),
            Some(problem) => self.say(
                Tone::Bad,
                format!("{told}, {} not: {problem}", done.all - done.good),
            ),
        }
        vec![Effect::Load]
    }

    /// One of those that are resolved came to its end.
    pub(super) fn resolved(&mut self, problem: Option<String>) -> Vec<Effect> {
        match problem {
            None => self.resolving.good += 1,
            Some(problem) => {
                self.resolving.problem.get_or_insert(problem);
            }
        }
        self.resolve_next()
    }
}
