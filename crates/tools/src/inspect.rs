//! What is wrong with a recipe that can be read, as far as it can be told without its program. Pure.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class as Letters, Hir, HirKind};

use crate::pattern::Pattern;
use crate::recipe::{ArgumentKind, Copies, OperationKind, REPEATS_MAX, Recipe, Rule, Step};
use crate::recorded::operation_word;
use crate::template::Template;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// It may be meant so.
    Warning,
    /// It cannot be meant so.
    Wrong,
}

/// Something about a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// How bad it is.
    pub grade: Grade,
    /// What it is, as a sentence without its end.
    pub text: String,
}

/// Places that are always known, whatever the recipe.
const KNOWN: [&str; 16] = [
    "approved",
    "item",
    "state",
    "home",
    "first",
    "version",
    "command_line",
    "command_name",
    "extra",
    "each",
    "given_up",
    "lock_pid",
    "lock_host",
    "lock_owner",
    "lock_since",
    "lock_file",
];
/// What is known of a secret: where it is, by how it is given.
const OF_SECRETS: [&str; 5] = ["file", "command", "ask", "text", "reader"];

/// Looks at a recipe. `reserved` are the options that arguments cannot be called by.
#[must_use]
pub fn inspect(recipe: &Recipe, reserved: &[&str]) -> Vec<Remark> {
    let mut desk = Desk {
        recipe,
        remarks: Vec::new(),
    };
    desk.arguments(reserved);
    desk.places();
    for (at, rule) in recipe.rules.iter().enumerate() {
        desk.rule(at + 1, rule);
    }
    desk.parts();
    desk.lines();
    desk.remarks
        .sort_by_key(|remark| std::cmp::Reverse(remark.grade));
    desk.remarks
}

struct Desk<'r> {
    recipe: &'r Recipe,
    remarks: Vec<Remark>,
}

/// All operations with their steps.
fn operations(recipe: &Recipe) -> [(OperationKind, Vec<&Step>); 8] {
    let of_choices = recipe
        .choices
        .iter()
        .flat_map(|choice| choice.steps.iter().chain(&choice.undo));
    [
        (OperationKind::Find, recipe.find.iter().collect()),
        (OperationKind::Check, recipe.check.iter().collect()),
        (OperationKind::Plan, recipe.plan.iter().collect()),
        (OperationKind::Run, recipe.run.iter().collect()),
        (OperationKind::Conflicts, recipe.conflicts.iter().collect()),
        (OperationKind::Resolve, of_choices.collect()),
        (OperationKind::Unlock, recipe.unlock.iter().collect()),
        (OperationKind::Restore, recipe.restore.iter().collect()),
    ]
}

impl Desk<'_> {
    fn wrong(&mut self, text: String) {
        self.remarks.push(Remark {
            grade: Grade::Wrong,
            text,
        });
    }

    fn warn(&mut self, text: String) {
        self.remarks.push(Remark {
            grade: Grade::Warning,
            text,
        });
    }

    fn arguments(&mut self, reserved: &[&str]) {
        let mut seen = BTreeSet::new();
        let mut list = None;
        for argument in &self.recipe.arguments {
            let name = &argument.name;
            if !seen.insert(name.as_str()) {
                self.wrong(format!("the argument `{name}` stands twice"));
            }
            if !argument.positional && reserved.contains(&name.as_str()) {
                self.wrong(format!(
                    "the argument `{name}` can never be given: `--{name}` means something else for every item"
                ));
            }
            if let (true, Some(list)) = (argument.positional, list) {
                self.wrong(format!(
                    "the argument `{name}` can never be given: the list `{list}` before it takes all words"
                ));
            }
            if argument.positional && argument.kind.is_many() {
                list = Some(name);
            }
            let is_choice = argument.kind == ArgumentKind::Choice;
            if is_choice && argument.choices.is_empty() {
                self.wrong(format!(
                    "the argument `{name}` is a choice without `choices`"
                ));
            }
            if let Some(default) = &argument.default {
                if is_choice && !argument.choices.contains(default) {
                    self.wrong(format!("the argument `{name}` is `{default}` unless given, which is none of its choices"));
                }
                if argument.required {
                    self.warn(format!("the argument `{name}` is required, so what it is unless given is never used"));
                }
            }
        }
    }

    /// The places that somebody fills, outside of rules.
    fn known(&self) -> BTreeSet<String> {
        let mut known: BTreeSet<String> = KNOWN.iter().map(|&name| name.to_owned()).collect();
        for argument in &self.recipe.arguments {
            if argument.kind == ArgumentKind::Secret {
                let parts = OF_SECRETS.iter();
                known.extend(parts.map(|part| format!("{}.{part}", argument.name)));
            }
            known.insert(argument.name.clone());
        }
        for rule in &self.recipe.rules {
            known.extend(rule.set.keys().cloned());
        }
        known
    }

    /// Places of commands and of the item that nobody fills.
    fn places(&mut self) {
        let recipe = self.recipe;
        let known = self.known();
        let mut unknown: BTreeSet<(String, String)> = BTreeSet::new();
        let mut look = |name: &str, place_of: &str, more: &BTreeSet<String>| {
            if !known.contains(name) && !more.contains(name) {
                unknown.insert((name.to_owned(), place_of.to_owned()));
            }
        };
        let none = BTreeSet::new();
        let shape = &recipe.item;
        let shape = [&shape.name, &shape.comment]
            .into_iter()
            .chain(&shape.lanes)
            .chain(&shape.needs);
        for name in shape.flat_map(Template::places) {
            look(name, "[item]", &none);
        }
        for (name, template) in &recipe.environment {
            template
                .places()
                .for_each(|place| look(place, &format!("[environment] {name}"), &none));
        }
        // A choice knows what the conflict kept for it.
        let conflicts = recipe
            .rules
            .iter()
            .filter_map(|rule| rule.conflict.as_ref());
        let places_of_versions: Vec<String> = conflicts
            .clone()
            .flat_map(|conflict| &conflict.versions)
            .map(|version| format!("at_{}", version.place))
            .collect();
        let kept: BTreeSet<String> = conflicts
            .flat_map(|conflict| conflict.keep.keys().cloned())
            .chain(["conflict".to_owned(), "conflict_name".to_owned()])
            .chain(places_of_versions)
            .collect();
        for (operation, steps) in operations(recipe) {
            let more = if operation == OperationKind::Resolve {
                &kept
            } else {
                &none
            };
            for step in steps {
                let at = format!("[[{}]] {}", operation_word(operation), step.name);
                let at = at.trim_end();
                step.command
                    .places()
                    .for_each(|place| look(place, at, more));
                step.condition
                    .places()
                    .for_each(|place| look(place, at, more));
                let others = step.directory.iter().chain(&step.input);
                others
                    .flat_map(Template::places)
                    .for_each(|place| look(place, at, more));
            }
        }
        let never: BTreeSet<String> = recipe
            .rules
            .iter()
            .flat_map(|rule| rule.set.keys().cloned())
            .chain(["state", "first", "version"].map(str::to_owned))
            .filter(|name| !recipe.arguments.iter().any(|known| known.name == *name))
            .collect();
        let mut unknown_alone = BTreeSet::new();
        for alone in &recipe.export {
            let all = alone.command.places().chain(alone.condition.places());
            let texts = alone.directory.iter().chain(&alone.say);
            for name in all.chain(texts.flat_map(Template::places)) {
                look(name, "[[export]]", &none);
                if never.contains(name) {
                    unknown_alone.insert(name.to_owned());
                }
            }
        }
        for choice in &recipe.choices {
            let at = format!("[[choice]] {}", choice.name);
            choice
                .label
                .places()
                .for_each(|place| look(place, &at, &kept));
            choice
                .condition
                .places()
                .for_each(|place| look(place, &at, &kept));
        }
        if let Some(copies) = &recipe.copies {
            copies
                .below
                .iter()
                .flat_map(Template::places)
                .for_each(|place| look(place, "[copies]", &none));
        }
        if let Some(guard) = &recipe.guard {
            guard
                .sources
                .iter()
                .chain(&guard.targets)
                .flat_map(Template::places)
                .chain(guard.condition.places())
                .for_each(|place| look(place, "[guard]", &none));
        }
        for name in unknown_alone {
            self.wrong(format!(
                "[[export]]: without syncmgr nothing fills `{{{name}}}`"
            ));
        }
        for (name, at) in unknown {
            self.wrong(format!(
                "{at}: nothing fills `{{{name}}}`: it is no argument, and no rule sets it"
            ));
        }
    }

    /// Command lines whose words become arguments that there are none of.
    fn lines(&mut self) {
        let recipe = self.recipe;
        for (at, line) in recipe.lines.iter().enumerate() {
            let at = format!("[[line]] {}", at + 1);
            let is_argument = |name: &str| {
                recipe
                    .arguments
                    .iter()
                    .any(|argument| argument.name == name)
            };
            let groups: BTreeSet<&str> = line
                .place
                .iter()
                .flat_map(|place| place.is.group_names())
                .collect();
            let to = line.option.values().chain(line.env.values());
            let named = to
                .map(|to| to.argument())
                .chain(line.flag.values().map(String::as_str))
                .chain(line.give.keys().map(String::as_str))
                .chain(line.need.iter().map(String::as_str))
                .chain(line.directory.as_deref());
            for name in named
                .filter(|name| !is_argument(name))
                .collect::<BTreeSet<_>>()
            {
                self.wrong(format!("{at}: there is no argument `{name}`"));
            }
            let filled = line.give.values().flat_map(Template::places);
            for name in filled.chain(line.directories.iter().map(String::as_str)) {
                if !groups.contains(name) {
                    self.wrong(format!("{at}: no place has a group `{name}`"));
                }
            }
        }
    }

    fn rule(&mut self, number: usize, rule: &Rule) {
        let at = format!("rule {number}");
        if rule.text.is_none() && rule.json.is_none() {
            self.wrong(format!(
                "{at} has neither `text` nor `json`, so it fits no line"
            ));
        }
        if let Some(pattern) = &rule.text
            && !fits_a_line(pattern)
        {
            self.wrong(format!(
                "{at} can never fit: no line looks like `{}`",
                pattern.as_str()
            ));
        }
        if !means_something(rule) {
            self.warn(format!(
                "{at} means nothing: whatever it fits, nothing happens"
            ));
        }
        let all = operations(self.recipe);
        for operation in &rule.operations {
            let there = all
                .iter()
                .any(|(kind, steps)| kind == operation && !steps.is_empty());
            if !there {
                let word = operation_word(*operation);
                self.warn(format!("{at} is of `{word}`, and there is no `[[{word}]]`"));
            }
        }
        let has = |name: &String| {
            all.iter().any(|(kind, steps)| {
                (rule.operations.is_empty() || rule.operations.contains(kind))
                    && steps.iter().any(|step| step.name == *name)
            })
        };
        // One name that is left over of several does no harm.
        let grade = match rule.steps.iter().any(has) {
            true => Grade::Warning,
            false => Grade::Wrong,
        };
        let missing = rule.steps.iter().filter(|name| !has(name));
        self.remarks.extend(missing.map(|name| Remark {
            grade,
            text: format!("{at} is of the step `{name}`, which is none of its operations"),
        }));
        if rule.again {
            let repeats = all.iter().any(|(kind, steps)| {
                (rule.operations.is_empty() || rule.operations.contains(kind))
                    && steps.iter().any(|step| step.repeats > 0)
            });
            if !repeats {
                self.wrong(format!(
                    "{at} says `again`, and none of its steps may be repeated: `repeats` is missing"
                ));
            }
        }
        self.groups(&at, rule);
    }

    /// Places of a rule that neither its expression nor anybody else fills.
    fn groups(&mut self, at: &str, rule: &Rule) {
        // A line of JSON may have anything.
        if rule.json.is_some() || rule.of.is_some() {
            return;
        }
        let Some(pattern) = &rule.text else { return };
        let known = self.known();
        let names: BTreeSet<&str> = pattern.group_names().collect();
        let mut unknown = BTreeSet::new();
        for place in templates(rule).into_iter().flat_map(Template::places) {
            let filled = match place.parse::<usize>() {
                Ok(number) => number < pattern.groups(),
                Err(_) => place == "line" || names.contains(place) || known.contains(place),
            };
            if !filled {
                unknown.insert(place);
            }
        }
        for place in unknown {
            self.wrong(format!(
                "{at}: nothing fills `{{{place}}}`: its expression has no such group"
            ));
        }
    }

    /// Parts that need each other.
    fn parts(&mut self) {
        let recipe = self.recipe;
        let any = |of: &dyn Fn(&Rule) -> bool| recipe.rules.iter().any(of);
        if !recipe.find.is_empty() && !any(&|rule| rule.item.is_some()) {
            self.wrong(
                "there is `[[find]]`, and no rule with `item` tells what was found".to_owned(),
            );
        }
        if !recipe.plan.is_empty() && !any(&|rule| rule.action.is_some()) {
            self.wrong(
                "there is `[[plan]]`, and no rule with `action` tells what would be done"
                    .to_owned(),
            );
        }
        let conflicts = any(&|rule| rule.conflict.is_some());
        if !recipe.conflicts.is_empty() && !conflicts {
            self.wrong(
                "there is `[[conflicts]]`, and no rule with `conflict` tells one".to_owned(),
            );
        }
        if !recipe.choices.is_empty() && !conflicts {
            self.wrong(
                "there are choices, and no rule with `conflict` tells what they are about"
                    .to_owned(),
            );
        }
        if conflicts && recipe.choices.is_empty() {
            self.warn(
                "conflicts are told, and there is no `[[choice]]` to resolve them".to_owned(),
            );
        }
        if recipe.plan.is_empty()
            && recipe
                .guard
                .as_ref()
                .is_some_and(|guard| guard.sources.is_empty())
        {
            self.warn("there is a `[guard]`, and neither a `[[plan]]` nor `sources` that it could look at".to_owned());
        }
        if !recipe.unlock.is_empty() && !any(&|rule| rule.lock.is_some()) {
            self.warn("there is `[[unlock]]`, and no rule with `lock` sees one".to_owned());
        }
        if recipe
            .version
            .as_ref()
            .is_some_and(|version| version.pattern.groups() < 2)
        {
            self.wrong("the expression of `[version]` has no group that is the version".to_owned());
        }
        self.exits();
        if let Some(copies) = &recipe.copies {
            self.copies(copies);
        }
    }

    fn exits(&mut self) {
        let recipe = self.recipe;
        let of_steps = operations(recipe).into_iter().flat_map(|(_, steps)| steps);
        let mut keys: BTreeSet<&String> = recipe.exit.keys().collect();
        for step in of_steps {
            keys.extend(step.exit.keys());
            if step.repeats > REPEATS_MAX {
                self.warn(format!(
                    "the step `{}` is repeated {REPEATS_MAX} times at most",
                    step.name
                ));
            }
        }
        for key in keys {
            if key != "signal" && key.parse::<i32>().is_err() {
                self.wrong(format!(
                    "`{key}` is no exit code: they are numbers, or `signal`"
                ));
            }
        }
        let told = recipe
            .rules
            .iter()
            .any(|rule| rule.fail.is_some() || rule.proof);
        if recipe.exit.is_empty() && !told {
            self.warn(
                "nothing says when it failed: 0 is good, 75 is tried again, and all others have failed; say so in `[exit]` if it is right"
                    .to_owned(),
            );
        }
    }

    fn copies(&mut self, copies: &Copies) {
        for pattern in &copies.names {
            if !pattern.group_names().any(|name| name == "stem") {
                self.wrong(format!(
                    "`{}` in `[copies]` has no group `stem`, which is the name of the file",
                    pattern.as_str()
                ));
            }
        }
    }
}

/// All templates of a rule.
fn templates(rule: &Rule) -> Vec<&Template> {
    let mut all: Vec<&Template> = rule.set.values().collect();
    all.extend(&rule.say);
    all.extend(&rule.result);
    if let Some(progress) = &rule.progress {
        all.extend(
            [
                &progress.percent,
                &progress.fraction,
                &progress.value,
                &progress.max,
            ]
            .into_iter()
            .flatten(),
        );
    }
    if let Some(counts) = &rule.counts {
        let of = [
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
        all.extend(of.into_iter().flatten());
    }
    all.extend(rule.log.iter().flat_map(|log| &log.text));
    if let Some(action) = &rule.action {
        all.extend([&action.verb, &action.name]);
        all.extend(
            [&action.to, &action.bytes, &action.reason]
                .into_iter()
                .flatten(),
        );
    }
    if let Some(conflict) = &rule.conflict {
        all.extend(&conflict.id);
        all.extend([&conflict.name, &conflict.summary]);
        all.extend(conflict.versions.iter().map(|version| &version.location));
        all.extend(conflict.keep.values());
    }
    all.extend(rule.item.iter().flat_map(|item| item.arguments.values()));
    if let Some(fail) = &rule.fail {
        all.extend([&fail.say, &fail.hint].into_iter().flatten());
    }
    if let Some(lock) = &rule.lock {
        all.extend(
            [&lock.pid, &lock.host, &lock.owner, &lock.since, &lock.file]
                .into_iter()
                .flatten(),
        );
    }
    all.extend(rule.question.iter().flat_map(|question| &question.text));
    all
}

fn means_something(rule: &Rule) -> bool {
    !rule.set.is_empty()
        || rule.proof
        || rule.again
        || rule.last
        || rule.progress.is_some()
        || rule.say.is_some()
        || rule.counts.is_some()
        || rule.log.is_some()
        || rule.action.is_some()
        || rule.conflict.is_some()
        || rule.item.is_some()
        || rule.result.is_some()
        || rule.fail.is_some()
        || rule.lock.is_some()
        || rule.question.is_some()
}

/// Whether a line could fit: lines hold no ends of lines.
fn fits_a_line(pattern: &Pattern) -> bool {
    // What the engine took, its own parser takes.
    regex_syntax::parse(pattern.as_str()).map_or(true, |hir| fits(&hir))
}

fn fits(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => !literal.0.contains(&b'\n'),
        HirKind::Class(Letters::Unicode(letters)) => letters
            .iter()
            .any(|range| (range.start(), range.end()) != ('\n', '\n')),
        HirKind::Class(Letters::Bytes(letters)) => letters
            .iter()
            .any(|range| (range.start(), range.end()) != (b'\n', b'\n')),
        HirKind::Repetition(repetition) => repetition.min == 0 || fits(&repetition.sub),
        HirKind::Capture(capture) => fits(&capture.sub),
        HirKind::Concat(parts) => parts.iter().all(fits),
        HirKind::Alternation(parts) => parts.iter().any(fits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
recipe = 1
id = "photos"
name = "Photos"
about = "backs up photos"
program = "backup-photos"
[version]
args = ["--version"]
pattern = '(\d+\.\d+)'
install = "pip install backup-photos"
[[argument]]
name = "source"
kind = "path"
about = "what is backed up"
positional = true
required = true
[[argument]]
name = "password"
kind = "secret"
about = "of the store"
[item]
name = "{source|base}"
lanes = ["{source}"]
[environment]
PHOTOS_PASSWORD_FILE = "{password.file}"
[[run]]
name = "backup"
command = ["backup-photos", "{source}", { if = "snapshot", words = ["--after", "{snapshot}"] }]
repeats = 2
[exit]
3 = "warning"
[[read]]
text = '^(?<done>\d+) of (\d+)$'
progress = { value = "{done}", max = "{2}" }
set = { snapshot = "{1}" }
[[read]]
steps = ["backup"]
text = "(?m)^busy$|\n"
again = true
"#;

    fn told(text: &str) -> Vec<String> {
        let recipe: Recipe = toml::from_str(text).unwrap();
        let remarks = inspect(&recipe, &["name"]);
        remarks
            .into_iter()
            .map(|remark| format!("{:?}: {}", remark.grade, remark.text))
            .collect()
    }

    #[test]
    fn a_good_recipe_is_good() {
        assert_eq!(told(GOOD), Vec::<String>::new());
    }

    #[test]
    fn what_is_built_in_is_right() {
        let catalogue = crate::Catalogue::load(std::path::Path::new(""));
        let mut wrong = Vec::new();
        for known in catalogue.all() {
            let reserved = crate::setting_names();
            let remarks = inspect(&known.recipe, reserved).into_iter();
            wrong.extend(
                remarks
                    .filter(|remark| remark.grade == Grade::Wrong)
                    .map(|remark| format!("{}: {}", known.recipe.id, remark.text)),
            );
        }
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn each_mistake_is_found() {
        for (from, to, remark) in [
            (
                "\"{source}\", {",
                "\"{sorce}\", {",
                "Wrong: [[run]] backup: nothing fills `{sorce}`: it is no argument, and no rule sets it",
            ),
            (
                "{password.file}",
                "{password.pass}",
                "Wrong: [environment] PHOTOS_PASSWORD_FILE: nothing fills `{password.pass}`: it is no argument, and no rule sets it",
            ),
            (
                "{source|base}",
                "{src}",
                "Wrong: [item]: nothing fills `{src}`: it is no argument, and no rule sets it",
            ),
            (
                "\"{2}\"",
                "\"{3}\"",
                "Wrong: rule 1: nothing fills `{3}`: its expression has no such group",
            ),
            (
                "\"{done}\"",
                "\"{dune}\"",
                "Wrong: rule 1: nothing fills `{dune}`: its expression has no such group",
            ),
            (
                "'^(?<done>\\d+) of (\\d+)$'",
                "'(?<done>a)(b)\\n'",
                "Wrong: rule 1 can never fit: no line looks like `(?<done>a)(b)\\n`",
            ),
            (
                "text = \"(?m)^busy$|\\n\"",
                "",
                "Wrong: rule 2 has neither `text` nor `json`, so it fits no line",
            ),
            (
                "again = true",
                "",
                "Warning: rule 2 means nothing: whatever it fits, nothing happens",
            ),
            (
                "repeats = 2",
                "",
                "Wrong: rule 2 says `again`, and none of its steps may be repeated: `repeats` is missing",
            ),
            (
                "repeats = 2",
                "repeats = 200",
                "Warning: the step `backup` is repeated 100 times at most",
            ),
            (
                "steps = [\"backup\"]",
                "steps = [\"copy\"]",
                "Wrong: rule 2 is of the step `copy`, which is none of its operations",
            ),
            (
                "steps = [\"backup\"]",
                "in = [\"plan\", \"run\"]",
                "Warning: rule 2 is of `plan`, and there is no `[[plan]]`",
            ),
            (
                "3 = \"warning\"",
                "x = \"warning\"",
                "Wrong: `x` is no exit code: they are numbers, or `signal`",
            ),
            (
                "[exit]\n3 = \"warning\"",
                "",
                "Warning: nothing says when it failed: 0 is good, 75 is tried again, and all others have failed; say so in `[exit]` if it is right",
            ),
            (
                "name = \"password\"\nkind = \"secret\"",
                "name = \"name\"",
                "Wrong: the argument `name` can never be given: `--name` means something else for every item",
            ),
            (
                "name = \"password\"\nkind = \"secret\"",
                "name = \"source\"",
                "Wrong: the argument `source` stands twice",
            ),
            (
                "kind = \"secret\"",
                "kind = \"choice\"",
                "Wrong: the argument `password` is a choice without `choices`",
            ),
            (
                "kind = \"secret\"",
                "kind = \"choice\"\nchoices = [\"a\"]\ndefault = \"b\"",
                "Wrong: the argument `password` is `b` unless given, which is none of its choices",
            ),
            (
                "required = true",
                "required = true\ndefault = \"x\"",
                "Warning: the argument `source` is required, so what it is unless given is never used",
            ),
            (
                "about = \"of the store\"",
                "about = \"x\"\n[[argument]]\nname = \"a\"\nkind = \"list\"\npositional = true\nabout = \"x\"\n[[argument]]\nname = \"b\"\npositional = true\nabout = \"x\"",
                "Wrong: the argument `b` can never be given: the list `a` before it takes all words",
            ),
            (
                "(\\d+\\.\\d+)'",
                "\\d+'",
                "Wrong: the expression of `[version]` has no group that is the version",
            ),
            (
                "[exit]",
                "[[plan]]\ncommand = [\"x\"]\n[exit]",
                "Wrong: there is `[[plan]]`, and no rule with `action` tells what would be done",
            ),
            (
                "[exit]",
                "[[find]]\ncommand = [\"x\"]\n[exit]",
                "Wrong: there is `[[find]]`, and no rule with `item` tells what was found",
            ),
            (
                "[exit]",
                "[[conflicts]]\ncommand = [\"x\"]\n[exit]",
                "Wrong: there is `[[conflicts]]`, and no rule with `conflict` tells one",
            ),
            (
                "[exit]",
                "[[choice]]\nname = \"a\"\nlabel = \"b\"\n[exit]",
                "Wrong: there are choices, and no rule with `conflict` tells what they are about",
            ),
            (
                "[exit]",
                "[[unlock]]\ncommand = [\"x\"]\n[exit]",
                "Warning: there is `[[unlock]]`, and no rule with `lock` sees one",
            ),
            (
                "[exit]",
                "[guard]\n[exit]",
                "Warning: there is a `[guard]`, and neither a `[[plan]]` nor `sources` that it could look at",
            ),
            (
                "[exit]",
                "[copies]\nbelow = []\nnames = ['x(?<ext>y)']\n[exit]",
                "Wrong: `x(?<ext>y)` in `[copies]` has no group `stem`, which is the name of the file",
            ),
            (
                "again = true",
                "again = true\nconflict = { name = \"{line}\", summary = \"x\" }",
                "Warning: conflicts are told, and there is no `[[choice]]` to resolve them",
            ),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let remarks = told(&GOOD.replacen(from, to, 1));
            assert!(
                remarks.iter().any(|told| told == remark),
                "{to}: {remarks:#?}"
            );
        }
    }

    #[test]
    fn what_no_line_looks_like_is_found() {
        for (pattern, expected) in [
            ("", true),
            ("a|b\\n", true),
            ("(?:a\\n)*", true),
            ("[\\n]", false),
            ("[\\n\\t]", true),
            ("a\\nb", false),
            ("(?s)a.b", true),
            ("[^\\s\\S]", false),
            ("x[^\\s\\S]?", true),
        ] {
            assert_eq!(
                fits_a_line(&Pattern::new(pattern).unwrap()),
                expected,
                "{pattern}"
            );
        }
    }
}
