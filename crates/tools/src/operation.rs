//! Carries out an operation: starts what the script says, and passes on what its lines mean.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;

use syncmgr_handler::item::Counts;

use crate::output::{TAIL_MAX_BYTES, Tail};
use crate::process::{
    Ended, ExitOf, Heard, Limits, Program, Reply, StartFault, Why, perform, text_of,
};
use crate::read::{Action, Asked, Reading, Told};
use crate::recipe::{Class, LevelOf, OperationKind, QuestionOf, Recipe, Rule, Step, Stream};
use crate::refused::Refused;
use crate::script::{Ending, Outcome, Script};
use crate::settings::Settings;
use crate::template::{Either, Values};

/// How long a program may take to end after it was asked to.
const STOP: Duration = Duration::from_secs(5);
/// Longest text of a question.
const QUESTION_MAX: usize = 500;

/// Who is told of an operation, and asked.
pub(crate) trait Listener {
    /// Whether it is to end.
    fn is_cancelled(&self) -> bool;
    /// How far it is, at most some times a second.
    fn progress(&self, far: Far<'_>);
    /// Something worth reading later.
    fn log(&self, level: LevelOf, text: &str);
    /// One thing that is or would be done.
    fn action(&self, action: &Action);
    /// A question of the program. `None`: nobody answers.
    fn answer(&self, asked: &Asked, how: &QuestionOf) -> Option<String>;
    /// A question that no rule knows, seen on its terminal. `None`: nobody answers.
    fn answer_unknown(&self, text: &str) -> Option<String>;
}

/// Nobody listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unheard;

impl Listener for Unheard {
    fn is_cancelled(&self) -> bool {
        false
    }
    fn progress(&self, _: Far<'_>) {}
    fn log(&self, _: LevelOf, _: &str) {}
    fn action(&self, _: &Action) {}
    fn answer(&self, _: &Asked, how: &QuestionOf) -> Option<String> {
        how.default.clone()
    }
    fn answer_unknown(&self, _: &str) -> Option<String> {
        None
    }
}

/// How far an operation is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Far<'a> {
    pub(crate) value: Option<(u64, u64)>,
    pub(crate) text: Option<&'a str>,
    pub(crate) counts: Counts,
}

/// What an operation works on.
pub(crate) struct Work<'a> {
    pub(crate) recipe: &'a Recipe,
    /// The recipe whose rules read the output of the run of a wrapped command.
    pub(crate) like: Option<&'a Recipe>,
    pub(crate) settings: &'a Settings,
    pub(crate) home: Option<PathBuf>,
    /// Secrets that a person gave, by argument.
    pub(crate) secrets: &'a BTreeMap<String, String>,
}

/// How an operation ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) outcome: Outcome,
    /// It was asked to end.
    pub(crate) cancelled: bool,
    /// What was printed last.
    pub(crate) tail: String,
}

/// The secrets that a person gave, as `{NAME.text}`.
struct Secrets<'a>(&'a BTreeMap<String, String>);

impl Values for Secrets<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name.strip_suffix(".text")?).cloned()
    }
}

/// Carries out the steps, one after the other, until one fails or it is cancelled. Blocks.
pub(crate) fn carry_out(
    work: &Work<'_>,
    operation: OperationKind,
    steps: &[Step],
    facts: BTreeMap<String, String>,
    values: &dyn Values,
    listener: &dyn Listener,
) -> Finished {
    let rules = work
        .like
        .filter(|_| operation == OperationKind::Run)
        .unwrap_or(work.recipe);
    let mut script = Script::new(rules, operation, steps, work.settings, facts);
    let mut printed = String::new();
    let mut cancelled = false;
    while let Some(invocation) = script.next(values) {
        let known = script.facts().clone();
        let environment = environment(
            work,
            &Either(&Secrets(work.secrets), Either(&known, values)),
        );
        let program = match program(work, &invocation, environment) {
            Ok(program) => program,
            Err(refused) => {
                script.broken_off(Class::Hard, refused.text, Some(refused.hint));
                break;
            }
        };
        let mut tail = Tail::default();
        let (ended, words) = {
            let mut ear = Ear::new(
                rules,
                operation,
                &invocation.step,
                work.settings,
                &mut script,
                values,
                listener,
            );
            let limits = limits(work.settings);
            let ended = perform(&program, &limits, &mut tail, &mut |heard| ear.hear(heard));
            ear.tell();
            let words = ear.readable(&tail.text());
            (ended, words)
        };
        match ended {
            Err(fault) => {
                script.broken_off(
                    Class::Hard,
                    fault.to_string(),
                    Some(start_hint(work.recipe, &fault)),
                );
                break;
            }
            Ok(ended) => {
                cancelled = ended.why == Some(Why::Cancelled);
                close(&mut script, &ended, &words, values);
                keep_last(&mut printed, &words);
                if cancelled {
                    break;
                }
            }
        }
    }
    Finished {
        outcome: script.outcome(),
        cancelled,
        tail: printed,
    }
}

/// Adds what a step printed; the beginning gives way.
fn keep_last(printed: &mut String, words: &str) {
    printed.push_str(words);
    if let Some(more) = printed.len().checked_sub(TAIL_MAX_BYTES) {
        printed.drain(..printed.ceil_char_boundary(more));
    }
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        // Both were checked when the definition was read.
        time: settings.time().ok().flatten(),
        output: settings.output().ok().flatten(),
        stop: STOP,
    }
}

fn environment(work: &Work<'_>, values: &dyn Values) -> Vec<(String, String)> {
    let both = work
        .recipe
        .environment
        .iter()
        .chain(work.like.into_iter().flat_map(|like| &like.environment));
    let mut environment: Vec<(String, String)> = both
        .map(|(name, value)| (name.clone(), value.fill(values)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    environment.extend(
        work.settings
            .env
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    environment
}

fn program(
    work: &Work<'_>,
    invocation: &crate::script::Invocation,
    environment: Vec<(String, String)>,
) -> Result<Program, Refused> {
    let directory = invocation.directory.as_ref().map(PathBuf::from);
    Ok(Program {
        argv: invocation.argv.clone(),
        directory: directory
            .or_else(|| work.settings.directory.clone())
            .or_else(|| work.home.clone()),
        environment,
        input: invocation.input.clone().map(String::into_bytes),
        terminal: invocation.terminal,
        user: work.settings.user.clone(),
        nice: work.settings.nice,
        ionice: work.settings.disk()?,
        interrupt: work.recipe.interrupt || work.like.is_some_and(|like| like.interrupt),
    })
}

fn start_hint(recipe: &Recipe, fault: &StartFault) -> String {
    match (fault, &recipe.version) {
        (StartFault::Missing { .. }, Some(version)) => version.install.clone(),
        _ => fault.hint(),
    }
}

fn close(script: &mut Script<'_>, ended: &Ended, last_words: &str, values: &dyn Values) {
    let ending = match ended.exit {
        ExitOf::Code(code) => Ending::Code(code),
        ExitOf::Signal(signal) => Ending::Signal(signal),
    };
    let last = || last_line(last_words);
    match ended.why {
        None => script.ended(ending, last_words, values),
        Some(Why::Cancelled) => script.broken_off(Class::Soft, "it was stopped".to_owned(), None),
        Some(Why::TimeLimit) => script.broken_off(
            Class::Soft,
            format!("it took longer than its time limit{}", last()),
            Some("set another `time_limit`, or look at what it waits for".to_owned()),
        ),
        Some(Why::OutputLimit) => script.broken_off(
            Class::Hard,
            format!("it printed more than its output limit{}", last()),
            Some("set another `output_limit`, or make it print less".to_owned()),
        ),
        Some(Why::Asked) => script.broken_off(
            Class::Hard,
            format!("it asked something, and nobody was there to answer{}", last()),
            Some("start it by hand once, or make it ask nothing: most programs have an option for that".to_owned()),
        ),
    }
    // One that was killed could not look after what it started.
    let by_itself = ended.why.is_none() && matches!(ended.exit, ExitOf::Code(_));
    if by_itself && !ended.left_behind.is_empty() {
        let names: Vec<String> = ended
            .left_behind
            .iter()
            .map(|left| format!("{} ({})", left.name, left.pid))
            .take(3)
            .collect();
        script.broken_off(
            Class::Hard,
            format!(
                "it ended, but left programs behind that still worked, and were ended: {}",
                names.join(", ")
            ),
            Some("use the option that keeps it in the foreground".to_owned()),
        );
    }
}

fn last_line(words: &str) -> String {
    match words
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())
    {
        Some(line) => format!(
            "; its last line: {}",
            line.get(..line.floor_char_boundary(QUESTION_MAX))
                .unwrap_or(line)
        ),
        None => String::new(),
    }
}

/// What questions end with that programs ask on a terminal.
static QUESTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let ends = r"(?i)(?:\?|(?:password|passphrase|passcode|username|login)[^:]{0,200}:|[\[(](?:y/n|yes/no)[^\])]{0,40}[\])]\s?[:?]?)\s*$";
    Regex::new(ends).ok()
});

/// Whether a line that is not ended asks something.
fn asks(line: &str) -> bool {
    QUESTION.as_ref().is_some_and(|ends| ends.is_match(line))
}

/// Hears one program.
struct Ear<'e, 'r> {
    reading: Reading<'r>,
    settings: &'e Settings,
    script: &'e mut Script<'r>,
    values: &'e dyn Values,
    listener: &'e dyn Listener,
    operation: OperationKind,
    far: Option<(u64, u64)>,
    say: Option<String>,
    changed: bool,
    /// A question that was answered; it is not answered twice while it stands.
    answered: Option<String>,
}

impl<'e, 'r> Ear<'e, 'r> {
    fn new(
        rules: &'r Recipe,
        operation: OperationKind,
        step: &str,
        settings: &'e Settings,
        script: &'e mut Script<'r>,
        values: &'e dyn Values,
        listener: &'e dyn Listener,
    ) -> Self {
        Self {
            reading: Reading::new(rules, operation, step),
            settings,
            script,
            values,
            listener,
            operation,
            far: None,
            say: None,
            changed: false,
            answered: None,
        }
    }

    /// What was printed, as people read it.
    fn readable(&self, printed: &str) -> String {
        let known = Either(self.script.facts(), self.values);
        self.reading.readable(printed, &known).into_owned()
    }

    fn hear(&mut self, heard: Heard<'_>) -> Reply {
        match heard {
            Heard::Line { from, text, .. } => {
                self.answered = None;
                self.line(from, &text_of(text), true)
            }
            Heard::Unended { from, text, .. } => {
                let line = text_of(text).into_owned();
                if self.answered.as_ref() == Some(&line) {
                    return self.tick();
                }
                let reply = self.line(from, &line, false);
                if !matches!(reply, Reply::Go) || !asks(&line) {
                    return reply;
                }
                self.ask_unknown(line)
            }
            Heard::Tick => self.tick(),
        }
    }

    fn ask_unknown(&mut self, line: String) -> Reply {
        let text = line
            .get(..line.floor_char_boundary(QUESTION_MAX))
            .unwrap_or(&line);
        match self.listener.answer_unknown(text) {
            Some(answer) => {
                self.answered = Some(line);
                Reply::Type(format!("{answer}\n").into_bytes())
            }
            None => Reply::Stop(Why::Asked),
        }
    }

    fn tick(&mut self) -> Reply {
        if self.listener.is_cancelled() {
            return Reply::Stop(Why::Cancelled);
        }
        self.tell();
        Reply::Go
    }

    /// Says how far it is, when that is not what was said last.
    fn tell(&mut self) {
        if std::mem::take(&mut self.changed) {
            self.listener.progress(Far {
                value: self.far,
                text: self.say.as_deref(),
                counts: self.script.counts(),
            });
        }
    }

    fn line(&mut self, from: Stream, line: &str, ended: bool) -> Reply {
        if ended {
            self.own_rules(line);
        } else if !self.reading.hears_unended() {
            return self.tick();
        }
        let told = {
            let known = Either(self.script.facts(), self.values);
            self.reading.line(from, line, ended, &known)
        };
        let mut reply = Reply::Go;
        for told in told {
            self.script.heard(&told);
            match &told {
                Told::Progress { value, max } => self.far = Some((*value, *max)),
                Told::Say(text) => self.say = Some(text.clone()),
                Told::Log(level, text) => self.listener.log(*level, text),
                Told::Action(action) => self.listener.action(action),
                Told::Question(asked) => {
                    if let Some(how) = self.reading.question(asked) {
                        match self.listener.answer(asked, how) {
                            Some(answer) => {
                                self.answered = Some(line.to_owned());
                                reply = Reply::Type(format!("{answer}\n").into_bytes());
                            }
                            None => return Reply::Stop(Why::Asked),
                        }
                    }
                    continue;
                }
                Told::Counts(..) => {}
                _ => continue,
            }
            self.changed = true;
        }
        reply
    }

    /// What the item's own settings read from a line.
    fn own_rules(&mut self, line: &str) {
        if self.operation != OperationKind::Run {
            return;
        }
        if self
            .settings
            .expect
            .as_ref()
            .is_some_and(|pattern| pattern.is_match(line))
        {
            self.script.heard(&Told::Proof);
        }
        let Some(groups) = self
            .settings
            .progress
            .as_ref()
            .and_then(|pattern| pattern.captures(line))
        else {
            return;
        };
        let part = |at| groups.get(at).map(|group| group.as_str());
        let far = match (part(1), part(2)) {
            (Some(value), Some(max)) => crate::read::number(value).zip(crate::read::number(max)),
            (Some(percent), None) => crate::read::number(percent).map(|percent| (percent, 100)),
            (None, _) => None,
        };
        if let Some((value, max)) = far.filter(|(_, max)| *max > 0) {
            self.far = Some((value.min(max), max));
            self.changed = true;
        }
    }
}

/// The rule that saw a lock reads its file by this.
pub(crate) fn rule_at(recipe: &Recipe, at: usize) -> Option<&Rule> {
    recipe.rules.get(at)
}
