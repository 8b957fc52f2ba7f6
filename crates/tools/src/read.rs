//! What a line of a program means, by the rules of its recipe. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use regex::{Captures, RegexSet, RegexSetBuilder};
use serde_json::Value;
use syncmgr_handler::item::Counts;

use crate::output::plain;
use crate::pattern::Pattern;
use crate::recipe::{
    Class, CountsOf, LevelOf, Measure, OperationKind, QuestionOf, Recipe, Rule, Stream,
};
use crate::template::{Either, Template, Values};

/// Something that a line meant.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// How far it is.
    Progress {
        /// So many…
        value: u64,
        /// …of so many.
        max: u64,
    },
    /// What it does now.
    Say(String),
    /// How much was done: all so far, or what comes to it.
    Counts(Amounts, bool),
    /// Something worth reading later.
    Log(LevelOf, String),
    /// A value for later.
    Set(String, String),
    /// One thing that is or would be done.
    Action(Action),
    /// Versions that could not be reconciled.
    Conflict(FoundConflict),
    /// Something that could be an item, by its arguments.
    Item(BTreeMap<String, String>),
    /// What was achieved.
    Result(String),
    /// What a run that ends well must have said.
    Proof,
    /// Why it failed.
    Fail(Failing),
    /// Somebody holds a lock.
    Lock(HeldLock),
    /// It asks something.
    Question(Asked),
    /// The step is to be repeated.
    Again,
}

/// Numbers that a line told; the others stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    pub(crate) numbers: [Option<u64>; 10],
}

impl Amounts {
    /// Puts them in place of what was known, or adds them.
    pub(crate) fn onto(&self, counts: &mut Counts, add: bool) {
        let places = [
            &mut counts.sent,
            &mut counts.received,
            &mut counts.deleted,
            &mut counts.conflicts,
            &mut counts.failed,
            &mut counts.bytes,
            &mut counts.created_far,
            &mut counts.created_near,
            &mut counts.deleted_near,
            &mut counts.deleted_far,
        ];
        for (place, number) in places.into_iter().zip(self.numbers) {
            if let Some(number) = number {
                *place = if add {
                    place.saturating_add(number)
                } else {
                    number
                };
            }
        }
    }
}

/// One thing that is or would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// `add`, `update`, `delete`, `metadata`, `conflict` or `skip`.
    pub verb: String,
    /// With what.
    pub name: String,
    /// Towards which side.
    pub to: Option<String>,
    /// Its size.
    pub bytes: u64,
    /// Why.
    pub reason: Option<String>,
}

/// A conflict as a line told it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FoundConflict {
    /// What tells it from others of the item.
    pub id: String,
    /// What it is about.
    pub name: String,
    /// Why it is one.
    pub summary: String,
    /// Its versions: place, location, whether it is gone there.
    pub versions: Vec<(String, String, bool)>,
    /// Values for the steps of a choice.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
}

/// Why a run failed, as a line told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// How it is to be taken.
    pub class: Class,
    /// Why.
    pub say: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Also when the exit code is good.
    pub always: bool,
}

/// A lock as a line told it; what is empty is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldLock {
    /// The number of the process.
    pub pid: String,
    /// Its machine.
    pub host: String,
    /// Whose it is.
    pub owner: String,
    /// Since when.
    pub since: String,
    /// The file that holds it.
    pub file: String,
    /// The rule that saw it, whose `in_file` reads the file.
    pub(crate) rule: usize,
}

impl HeldLock {
    /// Takes what another line tells of it.
    pub(crate) fn learn(&mut self, told: &Self) {
        for (known, told) in [
            (&mut self.pid, &told.pid),
            (&mut self.host, &told.host),
            (&mut self.owner, &told.owner),
            (&mut self.since, &told.since),
        ] {
            if !told.is_empty() {
                known.clone_from(told);
            }
        }
        if !told.file.is_empty() {
            self.file.clone_from(&told.file);
            self.rule = told.rule;
        }
    }
}

/// A question as a line told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What tells it from others of the item.
    pub key: String,
    /// What is asked.
    pub text: String,
    /// The rule that says how it is answered.
    pub(crate) rule: usize,
}

/// The rules of one step, made ready.
#[derive(Debug)]
pub struct Reading<'r> {
    recipe: &'r Recipe,
    /// The rules of this step, by their places in the recipe.
    rules: Vec<usize>,
    /// Made ready with the first line: most programs that have nothing to do print none.
    texts: OnceLock<Arc<RegexSet>>,
    any_unended: bool,
}

/// The expressions of the rules of each step, all in one, as far as a step printed anything. Items of the same recipe share
/// them: making them ready takes longer than most runs.
#[derive(Debug, Default)]
pub(crate) struct RuleSets(Mutex<BTreeMap<Vec<usize>, Arc<RegexSet>>>);

impl Clone for RuleSets {
    /// Empty: the copy of a recipe may get other rules.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl RuleSets {
    /// The expressions of the rules at these places.
    fn of(&self, rules: &[Rule], places: &[usize]) -> Arc<RegexSet> {
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = sets.get(places) {
            return Arc::clone(set);
        }
        // A rule without a text never fits as one: it gets an expression that fits nothing.
        let texts = places.iter().filter_map(|at| rules.get(*at)).map(|rule| {
            rule.text
                .as_ref()
                .filter(|_| rule.of.is_none())
                .map_or(r"[^\s\S]", Pattern::as_str)
        });
        let set = RegexSetBuilder::new(texts).size_limit(16 << 20).build();
        let set = Arc::new(set.unwrap_or_else(|_| RegexSet::empty()));
        sets.insert(places.to_vec(), Arc::clone(&set));
        set
    }
}

/// The values of a line of JSON, by `a.b.0`.
#[derive(Debug)]
struct JsonLine<'a>(&'a Value);

impl JsonLine<'_> {
    fn at(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(self.0, |value, key| match value {
            Value::Object(map) => map.get(key),
            Value::Array(list) => list.get(key.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

/// Where programs that print JSON keep what is meant for people; the first that is there counts.
const MESSAGES: [&str; 5] = ["msg", "message", "text", "error.message", "error"];

/// A line that is one object of JSON.
fn object(line: &str) -> Option<Value> {
    let line = line.trim();
    (line.starts_with('{') && line.ends_with('}'))
        .then(|| serde_json::from_str(line).ok())
        .flatten()
}

fn message_of(json: &Value) -> Option<String> {
    let line = JsonLine(json);
    MESSAGES
        .iter()
        .filter_map(|path| line.at(path)?.as_str())
        .map(|text| plain(text).trim().to_owned())
        .find(|text| !text.is_empty())
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => plain(text).into_owned(),
        Value::Array(list) => list.iter().map(text_of).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

impl Values for JsonLine<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.at(name).map(text_of)
    }
}

/// The groups of a line of text; `{line}` is all of it.
struct TextLine<'a> {
    line: &'a str,
    groups: Option<Captures<'a>>,
}

impl Values for TextLine<'_> {
    fn text(&self, name: &str) -> Option<String> {
        if name == "line" {
            return Some(self.line.trim().to_owned());
        }
        let groups = self.groups.as_ref()?;
        let found = match name.parse::<usize>() {
            Ok(number) => groups.get(number),
            Err(_) => groups.name(name),
        };
        found.map(|group| group.as_str().to_owned())
    }
}

impl<'r> Reading<'r> {
    /// Takes the rules of a step of an operation.
    #[must_use]
    pub fn new(recipe: &'r Recipe, operation: OperationKind, step: &str) -> Self {
        let belongs = |rule: &Rule| {
            (rule.operations.is_empty() || rule.operations.contains(&operation))
                && (rule.steps.is_empty() || rule.steps.iter().any(|name| name == step))
        };
        let rules: Vec<usize> = recipe
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| belongs(rule))
            .map(|(at, _)| at)
            .collect();
        let of = |at: &usize| recipe.rules.get(*at);
        let any_unended = rules.iter().filter_map(of).any(|rule| rule.unended);
        Self {
            recipe,
            rules,
            texts: OnceLock::new(),
            any_unended,
        }
    }

    /// Whether lines that are not ended mean anything here.
    #[must_use]
    pub fn hears_unended(&self) -> bool {
        self.any_unended
    }

    /// What a line means. `others` are the values that are known beside it. Of a line of JSON that has a message, the message
    /// stands for the line: `text` looks at it, and people read it.
    pub fn line(&self, from: Stream, line: &str, ended: bool, others: &dyn Values) -> Vec<Told> {
        let mut told = Vec::new();
        let json = object(line);
        let message = json.as_ref().and_then(message_of);
        let whole = message.as_deref().unwrap_or(line);
        let fits = self
            .texts
            .get_or_init(|| self.recipe.sets.of(&self.recipe.rules, &self.rules))
            .matches(whole);
        if json.is_none() && !fits.matched_any() {
            return told;
        }
        for (place, at) in self.rules.iter().enumerate() {
            let Some(rule) = self.recipe.rules.get(*at) else {
                continue;
            };
            if rule.from.is_some_and(|wanted| wanted != from) || (!ended && !rule.unended) {
                continue;
            }
            let values = json.as_ref().map(JsonLine);
            if rule.json.is_some() || rule.of.is_some() {
                let Some(values) = &values else { continue };
                let mut wanted = rule.json.iter().flatten();
                if !wanted.all(|(path, value)| is(values.at(path), value)) {
                    continue;
                }
            }
            let value = match (&rule.of, &values) {
                (Some(path), Some(values)) => match values.text(path) {
                    Some(value) => Some(value),
                    None => continue,
                },
                _ => None,
            };
            let looked_at = value.as_deref().unwrap_or(whole);
            let groups = match &rule.text {
                None if rule.json.is_none() && rule.of.is_none() => continue,
                None => None,
                Some(_) if rule.of.is_none() && !fits.matched(place) => continue,
                Some(pattern) => match pattern.captures(looked_at) {
                    Some(groups) => Some(groups),
                    None => continue,
                },
            };
            let text = TextLine {
                line: looked_at,
                groups,
            };
            match &values {
                Some(values) => {
                    let known = Either(&text, Either(values, others));
                    meaning(rule, *at, &known, looked_at, &mut told);
                }
                None => meaning(rule, *at, &Either(&text, others), looked_at, &mut told),
            }
            if rule.last {
                break;
            }
        }
        told
    }

    /// What was printed as people read it: of a line of JSON its message, and nothing where it says how far it is, or has no
    /// message and a rule knows what it means. What nobody knows stays as it is.
    pub fn readable<'t>(&self, printed: &'t str, others: &dyn Values) -> Cow<'t, str> {
        if !printed.lines().any(|line| object(line).is_some()) {
            return Cow::Borrowed(printed);
        }
        let mut text = String::with_capacity(printed.len());
        let mut keep = |line: &str| {
            text.push_str(line.trim_end());
            text.push('\n');
        };
        for line in printed.lines() {
            let Some(json) = object(line) else {
                keep(line);
                continue;
            };
            let told = [Stream::Stdout, Stream::Stderr]
                .map(|from| self.line(from, line, true, others))
                .concat();
            if told
                .iter()
                .any(|told| matches!(told, Told::Progress { .. }))
            {
                continue;
            }
            match message_of(&json) {
                Some(message) => {
                    let values = JsonLine(&json);
                    let has = |name: &str| values.text(name).is_some_and(|text| !text.is_empty());
                    let shown = self.recipe.shown.as_ref();
                    shown
                        .filter(|shown| shown.places().all(has))
                        .map_or(message, |shown| shown.fill(&values))
                        .lines()
                        .filter(|line| !line.trim().is_empty())
                        .for_each(&mut keep);
                }
                None if told.is_empty() => keep(line),
                None => {}
            }
        }
        Cow::Owned(text)
    }

    /// How a question is answered.
    #[must_use]
    pub fn question(&self, asked: &Asked) -> Option<&'r QuestionOf> {
        self.recipe.rules.get(asked.rule)?.question.as_ref()
    }
}

/// Whether a value is the wanted one; `true` alone wants only that it is there.
fn is(value: Option<&Value>, wanted: &Value) -> bool {
    match (value, wanted) {
        (Some(value), Value::Bool(true)) => !matches!(value, Value::Null | Value::Bool(false)),
        (None, Value::Bool(true)) => false,
        (value, Value::Bool(false)) => {
            matches!(value, None | Some(Value::Null | Value::Bool(false)))
        }
        (Some(Value::Array(list)), wanted) => list.contains(wanted),
        (value, wanted) => value == Some(wanted),
    }
}

fn meaning(rule: &Rule, at: usize, values: &dyn Values, line: &str, told: &mut Vec<Told>) {
    let fill = |template: &Template| template.fill(values);
    let filled =
        |template: &Option<Template>| template.as_ref().map(fill).filter(|text| !text.is_empty());
    let whole = || line.trim().to_owned();
    for (name, template) in &rule.set {
        told.push(Told::Set(name.clone(), fill(template)));
    }
    if let Some(measure) = &rule.progress
        && let Some((value, max)) = far(measure, values)
    {
        told.push(Told::Progress { value, max });
    }
    if let Some(text) = filled(&rule.say) {
        told.push(Told::Say(text));
    }
    if let Some(counts) = &rule.counts {
        told.push(Told::Counts(amounts(counts, values), rule.add));
    }
    if let Some(log) = &rule.log {
        told.push(Told::Log(
            log.level,
            filled(&log.text).unwrap_or_else(whole),
        ));
    }
    if let Some(action) = &rule.action {
        told.push(Told::Action(Action {
            verb: fill(&action.verb),
            name: fill(&action.name),
            to: filled(&action.to),
            bytes: action
                .bytes
                .as_ref()
                .and_then(|bytes| number(&fill(bytes)))
                .unwrap_or(0),
            reason: filled(&action.reason),
        }));
    }
    if let Some(conflict) = &rule.conflict {
        let name = fill(&conflict.name);
        told.push(Told::Conflict(FoundConflict {
            id: filled(&conflict.id).unwrap_or_else(|| name.clone()),
            name,
            summary: fill(&conflict.summary),
            versions: conflict
                .versions
                .iter()
                .map(|version| {
                    let gone = !version.deleted.is_empty() && version.deleted.holds(values);
                    (version.place.clone(), fill(&version.location), gone)
                })
                .collect(),
            keep: conflict
                .keep
                .iter()
                .map(|(name, value)| (name.clone(), fill(value)))
                .collect(),
        }));
    }
    if let Some(found) = &rule.item {
        told.push(Told::Item(
            found
                .arguments
                .iter()
                .map(|(name, value)| (name.clone(), fill(value)))
                .collect(),
        ));
    }
    if let Some(text) = filled(&rule.result) {
        told.push(Told::Result(text));
    }
    if rule.proof {
        told.push(Told::Proof);
    }
    if let Some(fail) = &rule.fail {
        told.push(Told::Fail(Failing {
            class: fail.class,
            say: filled(&fail.say).unwrap_or_else(whole),
            hint: filled(&fail.hint),
            always: fail.always,
        }));
    }
    if let Some(lock) = &rule.lock {
        let part = |template: &Option<Template>| filled(template).unwrap_or_default();
        told.push(Told::Lock(HeldLock {
            pid: part(&lock.pid),
            host: part(&lock.host),
            owner: part(&lock.owner),
            since: part(&lock.since),
            file: part(&lock.file),
            rule: at,
        }));
    }
    if let Some(question) = &rule.question {
        let text = filled(&question.text).unwrap_or_else(whole);
        told.push(Told::Question(Asked {
            key: question.key.clone(),
            text,
            rule: at,
        }));
    }
    if rule.again {
        told.push(Told::Again);
    }
}

fn amounts(counts: &CountsOf, values: &dyn Values) -> Amounts {
    let places = [
        &counts.sent,
        &counts.received,
        &counts.deleted,
        &counts.conflicts,
        &counts.failed,
        &counts.bytes,
        &counts.created_far,
        &counts.created_near,
        &counts.deleted_near,
        &counts.deleted_far,
    ];
    let numbers = places.map(|template| {
        template
            .as_ref()
            .and_then(|template| number(&template.fill(values)))
    });
    Amounts { numbers }
}

/// The parts of a hundred that progress by share is told in.
const SHARES: u64 = 1000;

fn far(measure: &Measure, values: &dyn Values) -> Option<(u64, u64)> {
    let of = |template: &Option<Template>| template.as_ref().map(|template| template.fill(values));
    let share = |text: String, whole: f64| {
        let part: f64 = text
            .trim()
            .trim_end_matches('%')
            .replace(',', ".")
            .parse()
            .ok()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped before"
        )]
        part.is_finite()
            .then(|| ((part / whole).clamp(0.0, 1.0) * 1000.0) as u64)
    };
    if let Some(percent) = of(&measure.percent) {
        return Some((share(percent, 100.0)?, SHARES));
    }
    if let Some(fraction) = of(&measure.fraction) {
        return Some((share(fraction, 1.0)?, SHARES));
    }
    let (value, max) = (number(&of(&measure.value)?)?, number(&of(&measure.max)?)?);
    (max > 0).then(|| (value.min(max), max))
}

/// A whole number, also one like `1,234` or `12.0`.
pub(crate) fn number(text: &str) -> Option<u64> {
    let text = text.trim().replace(',', "");
    text.parse().ok().or_else(|| {
        let (whole, part) = text.split_once('.')?;
        part.bytes()
            .all(|digit| digit.is_ascii_digit())
            .then(|| whole.parse().ok())
            .flatten()
    })
}
