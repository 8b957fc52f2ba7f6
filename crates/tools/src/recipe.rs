//! What a recipe is: a program of somebody else's as data. `docs/recipes.md` is this for people.
//!
//! A recipe says which words its items are defined with, which commands they are carried out by, and what the lines that
//! these print mean. Nothing here does anything: `script` decides what comes next, [`crate::read`] what a line
//! means, `operation` performs it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::condition::Condition;
use crate::line::Line;
use crate::pattern::Pattern;
use crate::read::RuleSets;
use crate::template::{Template, Words};

/// The version of the format; a recipe of another one is refused.
pub const FORMAT: u32 = 1;

/// A program and how it is used.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// [`FORMAT`].
    pub recipe: u32,
    /// What it is called in commands and definitions: lowercase letters, digits, `-`.
    pub id: String,
    /// What it is called for people.
    pub name: String,
    /// One line: what it does for whom.
    pub about: String,
    /// The program, by its name in the search path; absent where every item names its own.
    #[serde(default)]
    pub program: Option<String>,
    /// Other names of the program, by which a command line is recognised.
    #[serde(default)]
    pub also: Vec<String>,
    /// It cleans up when it is interrupted, as by Ctrl-C, but not when it is told to terminate.
    #[serde(default)]
    pub interrupt: bool,
    /// How its version is found out, and the least that works.
    #[serde(default)]
    pub version: Option<Version>,
    /// What `add ID` takes.
    #[serde(default, rename = "argument")]
    pub arguments: Vec<Argument>,
    /// Command lines that are items of it: what `import` makes items of.
    #[serde(default, rename = "line")]
    pub lines: Vec<Line>,
    /// How an item is called and what belongs to it alone.
    pub item: ItemShape,
    /// How a line of JSON with a message reads for people, by its values; absent, or where it has not all of them: its message
    /// alone.
    #[serde(default)]
    pub shown: Option<Template>,
    /// Variables of every command, beside `LC_ALL=C.UTF-8`; one whose value comes out empty is not set.
    #[serde(default)]
    pub environment: BTreeMap<String, Template>,
    /// Finds what could be items: rules tell them by `item`.
    #[serde(default)]
    pub find: Vec<Step>,
    /// Looks whether it could run, without writing.
    #[serde(default)]
    pub check: Vec<Step>,
    /// Tells what `run` would do, without writing: rules tell it by `action`.
    #[serde(default)]
    pub plan: Vec<Step>,
    /// Synchronizes.
    pub run: Vec<Step>,
    /// What does the same without us, for `export`; absent: what of `run` needs nothing that a rule sets.
    #[serde(default)]
    pub export: Vec<Alone>,
    /// Tells what is in conflict now: rules tell it by `conflict`. Without it, what the last run told is in conflict.
    #[serde(default)]
    pub conflicts: Vec<Step>,
    /// What can be done about a conflict.
    #[serde(default, rename = "choice")]
    pub choices: Vec<ChoiceOf>,
    /// Takes away a lock whose owner is gone, or that a person gave up.
    #[serde(default)]
    pub unlock: Vec<Step>,
    /// Brings back what vanished on one side, instead of deleting it on the other.
    #[serde(default)]
    pub restore: Vec<Step>,
    /// Copies that the program leaves beside a file when both sides changed.
    #[serde(default)]
    pub copies: Option<Copies>,
    /// What is looked at before a run.
    #[serde(default)]
    pub guard: Option<Guard>,
    /// What exit codes mean, by number, or `signal`. Unless said otherwise 0 is good, 75 soft, all else hard.
    #[serde(default)]
    pub exit: BTreeMap<String, Exit>,
    /// What lines mean. All that fit apply, in this order.
    #[serde(default, rename = "read")]
    pub rules: Vec<Rule>,
    /// The rules of each step, made ready.
    #[serde(skip)]
    pub(crate) sets: RuleSets,
}

/// How the version of a program is found out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// What makes it tell.
    pub args: Vec<String>,
    /// Finds the version in what it tells: the first group.
    pub pattern: Pattern,
    /// The least that works, such as `1.58`; absent: any.
    #[serde(default)]
    pub least: Option<String>,
    /// How one gets it.
    pub install: String,
}

/// A word that an item is defined with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Its name: the option `--NAME`, the key in the definition and `{NAME}` in templates.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: ArgumentKind,
    /// For the help.
    pub about: String,
    /// It is given without its name, in the order of the recipe; a list takes all that are left.
    #[serde(default)]
    pub positional: bool,
    /// It must be given.
    #[serde(default)]
    pub required: bool,
    /// What it is when it is not given.
    #[serde(default)]
    pub default: Option<String>,
    /// What a choice can be.
    #[serde(default)]
    pub choices: Vec<String>,
    /// It does not tell one item from another.
    #[serde(default)]
    pub setting: bool,
}

/// What an argument is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArgumentKind {
    /// Any text.
    #[default]
    Text,
    /// A path of this machine, made absolute.
    Path,
    /// A path of this machine, or something with a colon that is elsewhere, such as `host:path`.
    Place,
    /// A whole number.
    Number,
    /// There or not.
    Flag,
    /// One of `choices`.
    Choice,
    /// Any number of texts.
    List,
    /// Any number of paths of this machine, each made absolute.
    Paths,
    /// Where a secret is: `file:PATH`, `command:COMMAND` or `ask`. The secret itself is refused.
    Secret,
}

impl ArgumentKind {
    /// Whether it can be given any number of times.
    #[must_use]
    pub const fn is_many(self) -> bool {
        matches!(self, Self::List | Self::Paths)
    }
}

/// How an item looks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemShape {
    /// Its name, unless the user gives one.
    pub name: Template,
    /// One line about it.
    #[serde(default)]
    pub comment: Template,
    /// What nobody else is to work with while it runs; empty ones are left out.
    #[serde(default)]
    pub lanes: Vec<Template>,
    /// Local directories that must be there before a run, as they are mounted or made by the user.
    #[serde(default)]
    pub needs: Vec<Template>,
}

/// One command of an operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// By which rules name it.
    #[serde(default)]
    pub name: String,
    /// Program and arguments. A word that is `{list}` alone becomes all words of the list.
    pub command: Words,
    /// What must hold, of arguments and of what rules `set` before; else the step is left out.
    #[serde(default, rename = "if")]
    pub condition: Condition,
    /// Its working directory; absent: the item's, or the user's home.
    #[serde(default)]
    pub directory: Option<Template>,
    /// What it reads; absent: nothing.
    #[serde(default)]
    pub input: Option<Template>,
    /// It insists on a terminal.
    #[serde(default)]
    pub terminal: bool,
    /// How often it may be repeated, while a rule says `again`. At most [`REPEATS_MAX`].
    #[serde(default)]
    pub repeats: u32,
    /// Exit codes that mean something else here.
    #[serde(default)]
    pub exit: BTreeMap<String, Exit>,
    /// When it fails, the next steps are carried out all the same, and the run fails in the end.
    #[serde(default)]
    pub optional: bool,
}

/// A command that does the same without us. Nothing is known to it but arguments, `{home}` and `{extra}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alone {
    /// Program and arguments.
    pub command: Words,
    /// What must hold of the arguments.
    #[serde(default, rename = "if")]
    pub condition: Condition,
    /// Its working directory; absent: the item's, or the user's home.
    #[serde(default)]
    pub directory: Option<Template>,
    /// What is different without us, as a sentence.
    #[serde(default)]
    pub say: Option<Template>,
}

/// So often a step is repeated at most.
pub const REPEATS_MAX: u32 = 100;

/// What an exit code means.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Exit {
    /// Only its class.
    Class(Class),
    /// And what is said of it.
    Said(Said),
}

/// What is said of an end.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Good or not.
    pub class: Class,
    /// Why, as a fragment; absent: the program's own last lines.
    #[serde(default)]
    pub say: Option<Template>,
    /// What to do about it.
    #[serde(default)]
    pub hint: Option<Template>,
}

/// How an end is to be taken. The worst of a run counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// All done.
    Good,
    /// Done, with something to look at.
    Warning,
    /// It may pass by itself: tried again.
    Soft,
    /// Somebody must do something.
    Hard,
}

/// What lines mean: which lines, and everything that they mean.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// The operations it belongs to; empty: all.
    #[serde(rename = "in")]
    pub operations: Vec<OperationKind>,
    /// The steps it belongs to; empty: all.
    pub steps: Vec<String>,
    /// Where the line comes from; absent: either.
    pub from: Option<Stream>,
    /// A line that this fits. Its groups are `{1}`, `{name}`.
    pub text: Option<Pattern>,
    /// Of a line of JSON, only this value is looked at by `text`.
    pub of: Option<String>,
    /// A line of JSON with these values at these places (`a.b`); its values are `{a.b}`.
    pub json: Option<BTreeMap<String, serde_json::Value>>,
    /// Also a last line that is not ended yet, as questions are.
    pub unended: bool,
    /// No later rule is looked at for this line.
    pub last: bool,
    /// How far it is.
    pub progress: Option<Measure>,
    /// What it does now.
    pub say: Option<Template>,
    /// How much was done; the numbers replace those before.
    pub counts: Option<CountsOf>,
    /// Adds the numbers to those before instead.
    pub add: bool,
    /// What is worth reading later.
    pub log: Option<LogOf>,
    /// Values for later steps, conditions and templates.
    pub set: BTreeMap<String, Template>,
    /// What is done, or would be done in a plan.
    pub action: Option<ActionOf>,
    /// Versions that the program could not reconcile.
    pub conflict: Option<ConflictOf>,
    /// Something that could be an item.
    pub item: Option<FoundOf>,
    /// One sentence about what was achieved; the last one counts.
    pub result: Option<Template>,
    /// A run that ends well must have said this, or one like it.
    pub proof: bool,
    /// Why it failed, or will.
    pub fail: Option<FailOf>,
    /// Somebody holds a lock.
    pub lock: Option<LockOf>,
    /// It asks something.
    pub question: Option<QuestionOf>,
    /// The step is to be repeated when it ended well.
    pub again: bool,
}

/// Where a line comes from. A terminal has only one stream, which is `stdout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What is being done with a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationKind {
    /// [`Recipe::find`]
    Find,
    /// [`Recipe::check`]
    Check,
    /// [`Recipe::plan`]
    Plan,
    /// [`Recipe::run`]
    Run,
    /// [`Recipe::conflicts`]
    Conflicts,
    /// A choice of [`Recipe::choices`]
    Resolve,
    /// [`Recipe::unlock`]
    Unlock,
    /// [`Recipe::restore`]
    Restore,
}

/// How far something is: one of `percent`, `fraction`, or `value` with `max`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Measure {
    /// Of a hundred.
    pub percent: Option<Template>,
    /// Of one.
    pub fraction: Option<Template>,
    /// So many of `max`.
    pub value: Option<Template>,
    /// All.
    pub max: Option<Template>,
}

/// Numbers of what was done; what comes out as no number is left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CountsOf {
    /// From the near to the far side.
    pub sent: Option<Template>,
    /// From the far to the near side.
    pub received: Option<Template>,
    /// Deleted on either side.
    pub deleted: Option<Template>,
    /// In conflict.
    pub conflicts: Option<Template>,
    /// Not done.
    pub failed: Option<Template>,
    /// Bytes that were moved.
    pub bytes: Option<Template>,
    /// Of those sent, new ones.
    pub created_far: Option<Template>,
    /// Of those received, new ones.
    pub created_near: Option<Template>,
    /// Deleted on the near side.
    pub deleted_near: Option<Template>,
    /// Deleted on the far side.
    pub deleted_far: Option<Template>,
}

/// An entry of the log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogOf {
    /// How bad it is.
    pub level: LevelOf,
    /// What it says; absent: the line.
    #[serde(default)]
    pub text: Option<Template>,
}

/// How bad an entry of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LevelOf {
    /// Worth knowing.
    Information,
    /// Worth a look; the run ends with warnings.
    Warning,
    /// Not done.
    Error,
}

/// What is done with one thing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionOf {
    /// `add`, `update`, `delete`, `metadata`, `conflict` or `skip`.
    #[serde(rename = "do")]
    pub verb: Template,
    /// With what.
    pub name: Template,
    /// Towards which side: `left` (near) or `right` (far).
    #[serde(default)]
    pub to: Option<Template>,
    /// Its size.
    #[serde(default)]
    pub bytes: Option<Template>,
    /// Why.
    #[serde(default)]
    pub reason: Option<Template>,
}

/// Versions that the program could not reconcile.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConflictOf {
    /// What tells it from others of the item; absent: its name.
    #[serde(default)]
    pub id: Option<Template>,
    /// What it is about.
    pub name: Template,
    /// Why it is one, as a fragment.
    pub summary: Template,
    /// Where its versions are.
    #[serde(default)]
    pub versions: Vec<VersionOf>,
    /// Values that the steps of a choice need.
    #[serde(default)]
    pub keep: BTreeMap<String, Template>,
}

/// One version of a conflict.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionOf {
    /// What its place is called, such as `near`.
    pub place: String,
    /// Where it is, for people.
    pub location: Template,
    /// It is gone there.
    #[serde(default)]
    pub deleted: Condition,
}

/// What can be done about a conflict.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceOf {
    /// What is typed for it.
    pub name: String,
    /// What it does, as a fragment.
    pub label: Template,
    /// For which conflicts it is there.
    #[serde(default, rename = "if")]
    pub condition: Condition,
    /// Where the version rests that gave way.
    #[serde(default)]
    pub kept: Option<Template>,
    /// What is done. The conflict is then over, unless a rule tells it again.
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
    /// What takes it back. The conflict is then open again. Without it the choice cannot be taken back.
    #[serde(default)]
    pub undo: Vec<Step>,
}

/// Something that could be an item.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundOf {
    /// The arguments that it would be defined with.
    pub arguments: BTreeMap<String, Template>,
}

/// Why it failed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailOf {
    /// How it is to be taken.
    pub class: Class,
    /// Why, as a fragment; absent: the line.
    #[serde(default)]
    pub say: Option<Template>,
    /// What to do about it.
    #[serde(default)]
    pub hint: Option<Template>,
    /// Also when the exit code is good.
    #[serde(default)]
    pub always: bool,
}

/// Who holds a lock, as far as it can be told. What several lines tell comes together.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LockOf {
    /// The number of the process.
    pub pid: Option<Template>,
    /// Its machine; absent or empty: this one.
    pub host: Option<Template>,
    /// Whose it is, for people.
    pub owner: Option<Template>,
    /// Since when, for people.
    pub since: Option<Template>,
    /// A file that holds it, in which `in_file` finds `pid`, `host` or `owner` by groups of these names.
    pub file: Option<Template>,
    /// See `file`.
    pub in_file: Option<Pattern>,
}

/// A question on the terminal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionOf {
    /// What tells it from others of the item; answers are remembered by it.
    pub key: String,
    /// What is asked; absent: the line.
    #[serde(default)]
    pub text: Option<Template>,
    /// What can be answered; empty: a text.
    #[serde(default)]
    pub answers: Vec<AnswerOf>,
    /// The text that is answered is a secret.
    #[serde(default)]
    pub secret: bool,
    /// The answer when nobody is there; absent: the run ends with the question.
    #[serde(default)]
    pub default: Option<String>,
}

/// One answer to a question.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerOf {
    /// What a person types to us.
    pub name: String,
    /// What it does.
    pub label: String,
    /// What is typed to the program.
    pub types: String,
}

/// Copies that lie beside a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copies {
    /// Below which directories they are looked for.
    pub below: Vec<Template>,
    /// What they are called; the groups `stem` and, where there is one, `ext` make the name of the file they belong to.
    pub names: Vec<Pattern>,
    /// Directories that are not looked into, by their names.
    #[serde(default)]
    pub without: Vec<String>,
}

/// What is looked at before a run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Local directories that must not have become empty or vanished since the last good run.
    #[serde(default)]
    pub sources: Vec<Template>,
    /// Local directories that must not have become empty or vanished either, such as a disk that is not mounted.
    #[serde(default)]
    pub targets: Vec<Template>,
    /// A run whose plan deletes so many things is held…
    #[serde(default = "hold_count")]
    pub count: u64,
    /// …when they are also so many of a hundred of all that are there; `{total}` is set by a rule.
    #[serde(default = "hold_percent")]
    pub percent: u64,
    /// When the plan is looked at; it takes time.
    #[serde(default, rename = "if")]
    pub condition: Condition,
}

fn hold_count() -> u64 {
    10
}

fn hold_percent() -> u64 {
    25
}
