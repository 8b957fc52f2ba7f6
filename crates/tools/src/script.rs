//! Which command of an operation comes next, and what all of them came to. Pure.

use std::collections::BTreeMap;

use syncmgr_handler::item::Counts;

use crate::read::{Failing, FoundConflict, HeldLock, Told};
use crate::recipe::{Class, Exit, LevelOf, OperationKind, REPEATS_MAX, Recipe, Step};
use crate::settings::Settings;
use crate::template::{Either, Values};

/// Most conflicts of one run that are kept.
pub(crate) const CONFLICTS_MAX: usize = 10_000;
/// Most things that a search finds.
pub(crate) const FOUND_MAX: usize = 10_000;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with a code.
    Code(i32),
    /// By a signal that we did not send.
    Signal(i32),
}

/// What all commands of an operation came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How it is to be taken.
    pub class: Class,
    /// Why, when it is not good.
    pub say: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What was achieved.
    pub result: Option<String>,
    /// How much was done.
    pub counts: Counts,
    /// What is in conflict.
    pub conflicts: Vec<FoundConflict>,
    /// Who holds a lock.
    pub lock: Option<HeldLock>,
    /// How many commands were started.
    pub started: u32,
    /// What could be items.
    pub found: Vec<BTreeMap<String, String>>,
    /// Values that rules set.
    pub facts: BTreeMap<String, String>,
}

/// One command, ready to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Its working directory, unless it is the item's.
    pub directory: Option<String>,
    /// What it reads.
    pub input: Option<String>,
    /// It insists on a terminal.
    pub terminal: bool,
    /// The name of its step.
    pub step: String,
}

/// An operation under way.
#[derive(Debug)]
pub(crate) struct Script<'r> {
    recipe: &'r Recipe,
    operation: OperationKind,
    steps: &'r [Step],
    settings: &'r Settings,
    at: usize,
    repeated: u32,
    again: bool,
    proven: bool,
    failing: Vec<Failing>,
    outcome: Outcome,
    over: bool,
}

impl<'r> Script<'r> {
    /// Begins an operation, with values that are known before.
    #[must_use]
    pub(crate) fn new(
        recipe: &'r Recipe,
        operation: OperationKind,
        steps: &'r [Step],
        settings: &'r Settings,
        facts: BTreeMap<String, String>,
    ) -> Self {
        Self {
            recipe,
            operation,
            steps,
            settings,
            at: 0,
            repeated: 0,
            again: false,
            proven: false,
            failing: Vec::new(),
            outcome: Outcome {
                class: Class::Good,
                say: None,
                hint: None,
                result: None,
                counts: Counts::default(),
                conflicts: Vec::new(),
                lock: None,
                started: 0,
                found: Vec::new(),
                facts,
            },
            over: false,
        }
    }

    /// What rules set, and what was known before.
    #[must_use]
    pub(crate) fn facts(&self) -> &BTreeMap<String, String> {
        &self.outcome.facts
    }

    /// How much was done so far.
    #[must_use]
    pub(crate) fn counts(&self) -> Counts {
        self.outcome.counts
    }

    /// The next command, if there is one.
    pub(crate) fn next(&mut self, values: &dyn Values) -> Option<Invocation> {
        while !self.over {
            let step = self.steps.get(self.at)?;
            let known = Either(&self.outcome.facts, values);
            if !step.condition.holds(&known) {
                self.at += 1;
                continue;
            }
            self.again = false;
            self.outcome.started += 1;
            self.failing.clear();
            let argv = step.command.fill(&known);
            return Some(Invocation {
                argv,
                directory: step
                    .directory
                    .as_ref()
                    .map(|directory| directory.fill(&known))
                    .filter(|text| !text.is_empty()),
                input: step.input.as_ref().map(|input| input.fill(&known)),
                terminal: step.terminal || self.settings.terminal,
                step: step.name.clone(),
            });
        }
        None
    }

    /// Takes what a line of the current command meant.
    pub(crate) fn heard(&mut self, told: &Told) {
        match told {
            Told::Counts(amounts, add) => amounts.onto(&mut self.outcome.counts, *add),
            Told::Set(name, value) => {
                self.outcome.facts.insert(name.clone(), value.clone());
            }
            Told::Log(LevelOf::Warning | LevelOf::Error, _) => {
                self.raise(Class::Warning, None, None)
            }
            Told::Conflict(conflict) => {
                let open = &mut self.outcome.conflicts;
                match open.iter().position(|known| known.id == conflict.id) {
                    Some(at) => open[at] = conflict.clone(),
                    None if open.len() < CONFLICTS_MAX => open.push(conflict.clone()),
                    None => {}
                }
            }
            Told::Item(arguments) if self.outcome.found.len() < FOUND_MAX => {
                self.outcome.found.push(arguments.clone())
            }
            Told::Result(text) => self.outcome.result = Some(text.clone()),
            Told::Proof => self.proven = true,
            Told::Fail(failing) => self.failing.push(failing.clone()),
            Told::Lock(lock) => match &mut self.outcome.lock {
                Some(known) => known.learn(lock),
                None => self.outcome.lock = Some(lock.clone()),
            },
            Told::Again => self.again = true,
            Told::Progress { .. }
            | Told::Say(_)
            | Told::Log(..)
            | Told::Action(_)
            | Told::Item(_)
            | Told::Question(_) => {}
        }
    }

    /// Takes the end of the current command. `last_words` is what it printed last.
    pub(crate) fn ended(&mut self, ending: Ending, last_words: &str, values: &dyn Values) {
        let Some(step) = self.steps.get(self.at) else {
            return;
        };
        let (class, say, hint) = self.meaning_of(step, ending, values);
        let failing = std::mem::take(&mut self.failing);
        let counts = |failing: &&Failing| failing.always || class > Class::Good;
        // The first counts: what comes later follows from it. One that only warns hides no failure.
        let told = failing
            .iter()
            .filter(counts)
            .find(|failing| failing.class >= Class::Soft)
            .or_else(|| failing.iter().find(counts))
            .cloned();
        match told {
            Some(told) => {
                // What the recipe knows of the line is more than what it knows of the code.
                self.raise(told.class, Some(told.say), told.hint.or(hint));
            }
            None if class > Class::Good => {
                let why = say.unwrap_or_else(|| why_of(ending, last_words));
                self.raise(class, Some(why), hint);
            }
            None => {}
        }
        let failed = self.outcome.class >= Class::Soft;
        if failed && !step.optional {
            self.over = true;
        } else if self.again && !failed && self.repeated < step.repeats.min(REPEATS_MAX) {
            self.repeated += 1;
        } else {
            self.at += 1;
            self.repeated = 0;
        }
    }

    /// Ends it early, for a reason that is not of the recipe's.
    pub(crate) fn broken_off(&mut self, class: Class, say: String, hint: Option<String>) {
        self.outcome.class = Class::Good;
        self.raise(class, Some(say), hint);
        self.over = true;
    }

    /// What it came to.
    #[must_use]
    pub(crate) fn outcome(mut self) -> Outcome {
        let wants_proof = self.operation == OperationKind::Run
            && (self.settings.expect.is_some()
                // A command that a person wrote is only read by a recipe: its options may make it say less.
                || self.settings.like.is_none()
                    && self.recipe.rules.iter().any(|rule| {
                        rule.proof
                            && (rule.operations.is_empty()
                                || rule.operations.contains(&OperationKind::Run))
                    }));
        if wants_proof && !self.proven && self.outcome.class < Class::Soft {
            let text = match self.settings.expect {
                Some(_) => "it ended well, but never printed what was expected of it",
                None => "it ended well, but told of nothing that it did",
            };
            self.raise(
                Class::Hard,
                Some(text.to_owned()),
                Some("run the command by hand and look at what it prints".to_owned()),
            );
        }
        self.outcome
    }

    fn raise(&mut self, class: Class, say: Option<String>, hint: Option<String>) {
        if class > self.outcome.class || (class == self.outcome.class && self.outcome.say.is_none())
        {
            self.outcome.class = class;
            if say.is_some() || class > Class::Warning {
                self.outcome.say = say;
                self.outcome.hint = hint;
            }
        }
    }

    fn meaning_of(
        &self,
        step: &Step,
        ending: Ending,
        values: &dyn Values,
    ) -> (Class, Option<String>, Option<String>) {
        let key = match ending {
            Ending::Code(code) => code.to_string(),
            Ending::Signal(_) => "signal".to_owned(),
        };
        if let Some(class) = self.settings.exit.get(&key) {
            return (*class, None, None);
        }
        let known = Either(&self.outcome.facts, values);
        match step.exit.get(&key).or_else(|| self.recipe.exit.get(&key)) {
            Some(Exit::Class(class)) => (*class, None, None),
            Some(Exit::Said(said)) => {
                let fill = |template: &crate::template::Template| template.fill(&known);
                (
                    said.class,
                    said.say.as_ref().map(fill),
                    said.hint.as_ref().map(fill),
                )
            }
            None => match ending {
                Ending::Code(0) => (Class::Good, None, None),
                Ending::Code(TEMPORARY) => (Class::Soft, None, None),
                _ => (Class::Hard, None, None),
            },
        }
    }
}

/// `EX_TEMPFAIL` of `sysexits.h`: try again later.
const TEMPORARY: i32 = 75;
/// Most letters of a program's last line that are said of its end.
const WHY_MAX: usize = 200;

fn why_of(ending: Ending, last_words: &str) -> String {
    let end = match ending {
        Ending::Code(code) => format!("it ended with exit code {code}"),
        Ending::Signal(signal) => format!("it was ended by signal {signal}"),
    };
    let last = last_words
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty());
    match last {
        Some(line) => format!(
            "{end}: {}",
            line.get(..line.floor_char_boundary(WHY_MAX))
                .unwrap_or(line)
        ),
        None => format!("{end} and said nothing"),
    }
}
