//! What an event does to the terminal page. Pure: the time is an argument, and what is to be asked is answered with.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use syncmgr_control::view::{
    ConflictView, ItemView, Outcome, ProgressView, RunState, RunView, Shown,
};
use syncmgr_control::{Change, ExitCode, Refusal, Reply, Request, What};

use super::keys::{Act, Press, Until, act, help};
use super::layout::{list_rows, scrolled};
use super::load::Loaded;
use super::state::{
    Agreed, Answering, Confirming, Filling, Mode, Pausing, Tab, Text, Tone, Top, full_name, key,
};
use super::{draw_dialog, sides, styled};
use crate::duration;
use crate::form::{Form, Took};
use crate::look::{Mark, outcome_word};
use crate::progress::{Finish, Step};
use crate::steer::paused;
use crate::text::{harmless, pad, width};
use crate::when;

/// Most requests of this page whose end is told.
const MAX_FOLLOWED: usize = 64;
/// Longest filter.
const MAX_FILTER: usize = 100;
/// Longest text that is typed into a question.
const MAX_TYPED_BYTES: usize = 4 * 1024;
/// Most conflicts resolved at once that are told one by one.
const TOLD_ONE_BY_ONE: usize = 12;
/// Rows of a page of a text, or of a list, less the ones that stay in view.
const KEPT_IN_VIEW: usize = 2;

/// What happened.
#[derive(Debug)]
pub(crate) enum Event {
    Key(Press),
    /// Text was pasted.
    Paste(String),
    Change(Box<Change>),
    Reply(Asked, Result<Reply, Refusal>),
    /// A text that was asked for.
    Text(u64, Vec<String>),
    /// What there is.
    Loaded(Box<Loaded>),
    /// What there is could not be read.
    NotLoaded(Refusal),
    /// The manager cannot be reached.
    Away,
    /// It can again.
    Back,
}

/// What is to be done outside.
#[derive(Debug, PartialEq)]
pub(crate) enum Effect {
    Ask(Asked, Box<Request>),
    /// Have a command write what it says.
    Read(u64, Reading),
    /// What is shown is out of date.
    Load,
    Redraw,
    Quit,
}

impl Effect {
    fn ask(asked: Asked, request: Request) -> Self {
        Self::Ask(asked, Box::new(request))
    }
}

/// What a request was sent for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// An order, and how it is told when it was taken.
    Order(String),
    /// A pause until then, or until it is resumed.
    Pause(Option<i64>, bool),
    /// Something that goes on, about this.
    Begin(String),
    /// An answer to this question.
    Answer(u64, String),
    /// A conflict.
    Resolve,
    /// Whether an item's last run can be undone.
    MayUndo,
}

/// A command whose words are read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    Why(String),
    Plan(String),
    Log(String),
    Show(String),
    Run(u64),
}

/// Conflicts that are resolved one after another.
#[derive(Debug, Default)]
pub(crate) struct Resolving {
    left: VecDeque<(String, String)>,
    /// The request that is waited for.
    request: Option<u64>,
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
    /// What the event does, and what is to be done for it.
    pub(crate) fn step(&mut self, event: Event, now_ms: i64, zone: &TimeZone) -> Vec<Effect> {
        match event {
            Event::Key(press) => {
                self.ready();
                self.press(press, now_ms, zone)
            }
            Event::Paste(text) => {
                if matches!(self.mode, Mode::Filter | Mode::Fill(_)) {
                    for letter in text.chars().filter(|letter| !letter.is_control()) {
                        self.typed(letter);
                    }
                }
                Vec::new()
            }
            Event::Change(change) => self.change(&change.what, now_ms),
            Event::Reply(asked, reply) => self.reply(asked, reply, now_ms, zone),
            Event::Text(ticket, lines) => {
                if let Mode::Text(text) = &mut self.mode
                    && text.ticket == ticket
                {
                    let columns = usize::from(self.size.columns);
                    let lines = lines.iter().flat_map(|line| styled::wrap(line, columns));
                    text.lines = Some(lines.collect());
                }
                Vec::new()
            }
            Event::Loaded(loaded) => {
                self.take(*loaded, now_ms);
                Vec::new()
            }
            Event::NotLoaded(refusal) => {
                self.refused(&refusal);
                Vec::new()
            }
            Event::Away => {
                self.away = true;
                Vec::new()
            }
            Event::Back => {
                self.away = false;
                vec![Effect::Load]
            }
        }
    }

    /// Makes everything ready to be looked at: rows are put together, and what the person stands on is seen.
    pub(crate) fn ready(&mut self) {
        self.settle();
        let page = self.tab.at();
        let all = self.len();
        self.cursor[page] = self.cursor[page].min(all.saturating_sub(1));
        let at = self.cursor[page];
        let mut from = scrolled(self.from[page], at, list_rows(self).max(1), all);
        // The headings above the first row are seen with it.
        if (0..at).all(|above| !self.stands(above)) && at < list_rows(self) {
            from = 0;
        }
        self.from[page] = from;
    }

    fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.message = Some((tone, text.into()));
    }

    fn refused(&mut self, refusal: &Refusal) {
        let mut text = harmless(&refusal.message);
        for cause in refusal.causes.iter().take(1) {
            text = format!("{text}: {}", harmless(cause));
        }
        if let Some(hint) = &refusal.hint {
            text = format!("{text} ({})", harmless(hint));
        }
        self.say(Tone::Bad, text);
    }

    fn press(&mut self, press: Press, now_ms: i64, zone: &TimeZone) -> Vec<Effect> {
        let Some(act) = act(self, press) else {
            if let (Mode::Filter | Mode::Fill(_), Press::Char(letter)) = (&self.mode, press) {
                self.typed(letter);
            }
            return Vec::new();
        };
        // What was said was read by whoever presses the next key.
        self.message = None;
        match act {
            Act::Quit => return vec![Effect::Quit],
            Act::Redraw => return vec![Effect::Redraw, Effect::Load],
            Act::Help => self.open_help(),
            Act::Go(tab) => self.tab = tab,
            Act::NextTab => self.turn_page(1),
            Act::LastTab => self.turn_page(Tab::ALL.len() - 1),
            Act::Up => self.walk(-1),
            Act::Down => self.walk(1),
            Act::PageUp => self.walk(-self.screenful()),
            Act::PageDown => self.walk(self.screenful()),
            Act::First => self.walk(isize::MIN),
            Act::Last => self.walk(isize::MAX),
            Act::Run => return self.of_item(Self::run_item),
            Act::Why => return self.read(Reading::Why, "Why"),
            Act::Plan => return self.read(Reading::Plan, "Plan"),
            Act::Show => return self.read(Reading::Show, "Item"),
            Act::Log => {
                return match self.run().map(|run| run.id) {
                    Some(run) => self.read_run(run),
                    None => self.read(Reading::Log, "Log"),
                };
            }
            Act::ShowRun => {
                if let Some(run) = self.run().map(|run| run.id) {
                    return self.read_run(run);
                }
            }
            Act::Skip => {
                return self.of_item(|_, item| {
                    let told = format!("{} was asked to be skipped.", harmless(&item.name));
                    let request = Request::Skip {
                        name: full_name(&key(item)),
                    };
                    vec![Effect::ask(Asked::Order(told), request)]
                });
            }
            Act::Stop => {
                return self.of_item(|_, item| {
                    let told = format!("{} was asked to stop.", harmless(&item.name));
                    let request = Request::StopItems {
                        names: vec![full_name(&key(item))],
                    };
                    vec![Effect::ask(Asked::Order(told), request)]
                });
            }
            Act::Undo => {
                return self.of_item(|_, item| {
                    let name = full_name(&key(item));
                    vec![Effect::ask(Asked::MayUndo, Request::Show { name })]
                });
            }
            Act::PauseMenu => {
                if let Some(item) = self.item() {
                    self.mode = Mode::Pause(Pausing {
                        key: key(item),
                        name: item.name.clone(),
                        everything: false,
                    });
                }
            }
            Act::PauseAll => {
                if let Mode::Pause(pausing) = &mut self.mode {
                    pausing.everything = !pausing.everything;
                }
            }
            Act::Pause(until) => return self.pause(until, now_ms, zone),
            Act::Resume => return self.resume(),
            Act::Filter => self.mode = Mode::Filter,
            Act::ClearFilter => self.set_filter(String::new()),
            Act::EraseAll => match &mut self.mode {
                Mode::Fill(filling) => filling.line.clear(),
                _ => self.set_filter(String::new()),
            },
            Act::Erase => match &mut self.mode {
                Mode::Fill(filling) => drop(filling.line.pop()),
                _ => {
                    let mut filter = self.filter.clone();
                    filter.pop();
                    self.set_filter(filter);
                }
            },
            Act::Answer => {
                if let Some(need) = self.need() {
                    // With nothing to choose there is only something to fill in.
                    if need.choices.is_empty() && !need.fields.is_empty() {
                        let form = Form::new(need.clone(), None);
                        return self.fill(form, "filled in".to_owned());
                    }
                    let default = need.default.as_deref();
                    let mut choices = need.choices.iter();
                    let at = choices.position(|choice| Some(choice.name.as_str()) == default);
                    self.mode = Mode::Answer(Box::new(Answering {
                        need: need.clone(),
                        at: at.unwrap_or(0),
                    }));
                }
            }
            Act::OnlyConflicts => {
                self.only_conflicts = !self.only_conflicts;
                self.untidy = true;
            }
            Act::Choose(side) => self.choose(|conflict| sides::choice(conflict, side)),
            Act::NextChoice => self.choose_next(),
            Act::Mark => {
                if let Some(id) = self.conflict().map(|conflict| conflict.id.clone()) {
                    if !self.marked.remove(&id) {
                        self.marked.insert(id);
                    }
                    self.walk(1);
                }
            }
            Act::MarkAll => {
                let all = self.conflicts.iter().map(|conflict| conflict.id.clone());
                self.marked = if self.marked.len() < self.conflicts.len() {
                    all.collect()
                } else {
                    Default::default()
                };
            }
            Act::Forget => {
                let ids: Vec<String> = self.selection().iter().map(|c| c.id.clone()).collect();
                for id in ids {
                    self.chosen.remove(&id);
                }
            }
            Act::Confirm => self.confirm(),
            Act::Accept => return self.accept(),
            Act::Close => {
                if self.mode == Mode::Filter {
                    self.set_filter(String::new());
                }
                self.mode = Mode::Page;
            }
        }
        Vec::new()
    }

    fn turn_page(&mut self, by: usize) {
        let at = (self.tab.at() + by) % Tab::ALL.len();
        self.tab = Tab::ALL.get(at).copied().unwrap_or_default();
    }

    fn screenful(&self) -> isize {
        let rows = list_rows(self).saturating_sub(KEPT_IN_VIEW).max(1);
        isize::try_from(rows).unwrap_or(1)
    }

    /// Moves by so many rows, past headings, and not beyond an end.
    fn walk(&mut self, by: isize) {
        let bounded =
            |at: usize, all: usize| at.saturating_add_signed(by).min(all.saturating_sub(1));
        match &mut self.mode {
            Mode::Text(text) => {
                let all = text.lines.as_ref().map_or(0, Vec::len);
                text.from = bounded(text.from, all);
            }
            Mode::Answer(answering) => {
                answering.at = bounded(answering.at, answering.need.choices.len());
            }
            _ => {
                let page = self.tab.at();
                let (here, all) = (self.cursor[page], self.len());
                let wanted = bounded(here, all);
                let back = (0..=wanted).rev().find(|at| self.stands(*at));
                let on = (wanted..all).find(|at| self.stands(*at));
                let there = if by < 0 { back.or(on) } else { on.or(back) };
                self.cursor[page] = there.unwrap_or(here);
            }
        }
        if let Mode::Text(text) = &self.mode {
            // The last screenful is the end of it.
            let all = text.lines.as_ref().map_or(0, Vec::len);
            let last = all.saturating_sub(draw_dialog::text_rows(self));
            if let Mode::Text(text) = &mut self.mode {
                text.from = text.from.min(last);
            }
        }
    }

    fn typed(&mut self, letter: char) {
        if let Mode::Fill(filling) = &mut self.mode {
            if filling.line.len() < MAX_TYPED_BYTES {
                filling.line.push(letter);
            }
            return;
        }
        if self.filter.chars().count() < MAX_FILTER {
            let mut filter = self.filter.clone();
            filter.push(letter);
            self.set_filter(filter);
        }
    }

    fn set_filter(&mut self, filter: String) {
        if self.filter != filter {
            let stood = self.seen_key();
            self.filter = filter;
            self.sift(stood);
        }
    }

    /// Does something with the item that the person stands on.
    fn of_item(&mut self, with: impl FnOnce(&Self, &ItemView) -> Vec<Effect>) -> Vec<Effect> {
        self.item().map_or_else(Vec::new, |item| with(self, item))
    }

    fn run_item(&self, item: &ItemView) -> Vec<Effect> {
        let request = Request::Sync {
            names: vec![full_name(&key(item))],
            may_bother_user: true,
        };
        vec![Effect::ask(Asked::Begin(item.name.clone()), request)]
    }

    fn open_text(&mut self, title: String, lines: Option<Vec<String>>) -> u64 {
        self.tickets += 1;
        self.mode = Mode::Text(Text {
            title,
            lines,
            from: 0,
            ticket: self.tickets,
        });
        self.tickets
    }

    fn open_help(&mut self) {
        let keys = help();
        let widest = keys.iter().map(|(label, _)| width(label)).max();
        let lines = keys
            .iter()
            .map(|(label, help)| format!("{}  {help}", pad(label, widest.unwrap_or(0))))
            .collect();
        self.open_text("Keys".to_owned(), Some(lines));
    }

    /// Opens what a command says about the item.
    fn read(&mut self, reading: fn(String) -> Reading, title: &str) -> Vec<Effect> {
        let Some(item) = self.item() else {
            return Vec::new();
        };
        let reading = reading(full_name(&key(item)));
        let title = format!("{title}: {}", harmless(&item.name));
        let ticket = self.open_text(title, None);
        vec![Effect::Read(ticket, reading)]
    }

    fn read_run(&mut self, run: u64) -> Vec<Effect> {
        let ticket = self.open_text(format!("Run {run}"), None);
        vec![Effect::Read(ticket, Reading::Run(run))]
    }

    /// Closes the menu and tells what it was about: a name for people, and the names for the manager.
    fn end_pausing(&mut self) -> Option<Vec<String>> {
        let Mode::Pause(pausing) = std::mem::take(&mut self.mode) else {
            return None;
        };
        Some(if pausing.everything {
            Vec::new()
        } else {
            vec![full_name(&pausing.key)]
        })
    }

    fn pause(&mut self, until: Until, now_ms: i64, zone: &TimeZone) -> Vec<Effect> {
        let Some(names) = self.end_pausing() else {
            return Vec::new();
        };
        let for_ms = match until {
            Until::Minutes(minutes) => Some(minutes * 60_000),
            Until::Tomorrow => match duration::parse("tomorrow", now_ms, zone) {
                Ok(ms) => Some(ms),
                Err(error) => {
                    self.refused(&error.into());
                    return Vec::new();
                }
            },
            Until::Resumed => None,
        };
        let until_ms =
            for_ms.map(|ms| now_ms.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)));
        let asked = Asked::Pause(until_ms, names.is_empty());
        vec![Effect::ask(asked, Request::Pause { names, for_ms })]
    }

    fn resume(&mut self) -> Vec<Effect> {
        let Some(names) = self.end_pausing() else {
            return Vec::new();
        };
        let told = if names.is_empty() {
            "Everything goes on."
        } else {
            "It goes on."
        };
        let asked = Asked::Order(told.to_owned());
        vec![Effect::ask(asked, Request::Resume { names })]
    }

    /// Chooses for the whole selection, and tells where that is not offered.
    fn choose(&mut self, wanted: impl Fn(&ConflictView) -> Option<&str>) {
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
    fn choose_next(&mut self) {
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

    fn confirm(&mut self) {
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

    fn accept(&mut self) -> Vec<Effect> {
        match std::mem::take(&mut self.mode) {
            Mode::Confirm(confirming) => match confirming.then {
                Agreed::Undo(run, name) => {
                    let asked = Asked::Begin(format!("undo of {name}"));
                    vec![Effect::ask(asked, Request::Undo { run })]
                }
                Agreed::Resolve(pairs) => self.resolve(pairs),
            },
            Mode::Answer(answering) => {
                let need = answering.need;
                let Some(choice) = need.choices.get(answering.at) else {
                    return Vec::new();
                };
                let label = if choice.label.is_empty() {
                    &choice.name
                } else {
                    &choice.label
                };
                let (name, label) = (choice.name.clone(), harmless(label));
                self.fill(Form::new(need, Some(name)), label)
            }
            Mode::Fill(mut filling) => match filling.form.take(&filling.line) {
                Took::Yes => self.fill(filling.form, filling.label),
                Took::No(why) => {
                    filling.line.clear();
                    self.mode = Mode::Fill(filling);
                    self.say(Tone::Bad, why);
                    Vec::new()
                }
                Took::Left | Took::TooOften => {
                    self.say(Tone::Calm, "The question stays open.");
                    Vec::new()
                }
            },
            _ => Vec::new(),
        }
    }

    /// Has the next field filled in; answers once nothing is missing.
    fn fill(&mut self, form: Form, label: String) -> Vec<Effect> {
        let need = form.id();
        let Some(wanted) = form.wanted(&self.look) else {
            return vec![Effect::ask(Asked::Answer(need, label), form.answer())];
        };
        self.mode = Mode::Fill(Box::new(Filling {
            form,
            line: String::new(),
            lines: wanted.lines,
            prompt: wanted.prompt,
            hidden: wanted.hidden,
            label,
        }));
        Vec::new()
    }

    fn resolve(&mut self, pairs: Vec<(String, String)>) -> Vec<Effect> {
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

    fn resolve_next(&mut self) -> Vec<Effect> {
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
    fn resolved(&mut self, problem: Option<String>) -> Vec<Effect> {
        match problem {
            None => self.resolving.good += 1,
            Some(problem) => {
                self.resolving.problem.get_or_insert(problem);
            }
        }
        self.resolve_next()
    }

    fn reply(
        &mut self,
        asked: Asked,
        reply: Result<Reply, Refusal>,
        now_ms: i64,
        zone: &TimeZone,
    ) -> Vec<Effect> {
        let reply = match (reply, &asked) {
            (Ok(reply), _) => reply,
            (Err(refusal), Asked::Resolve) => {
                return self.resolved(Some(harmless(&refusal.message)));
            }
            (Err(refusal), _) => {
                self.refused(&refusal);
                return vec![Effect::Load];
            }
        };
        match (asked, reply) {
            (Asked::Order(told), _) => self.say(Tone::Good, told),
            (Asked::Pause(until_ms, all), Reply::Done { names }) => {
                let told = paused((!all).then_some(names.as_slice()), until_ms, zone);
                self.say(Tone::Good, told);
            }
            (Asked::Begin(name), Reply::Accepted { request }) => {
                self.say(Tone::Calm, format!("{} begins.", harmless(&name)));
                self.follow(request, name);
            }
            (Asked::Answer(need, label), Reply::Answered { request, forgotten }) => {
                self.say(Tone::Good, format!("Question {need} is answered: {label}."));
                if let Some(refusal) = forgotten {
                    self.refused(&refusal);
                }
                if let Some(request) = request {
                    self.follow(request, format!("question {need}"));
                }
            }
            (Asked::Resolve, Reply::Accepted { request }) => {
                self.resolving.request = Some(request);
                return Vec::new();
            }
            (Asked::MayUndo, Reply::Item(detail)) => {
                let greyed = detail.tasks.iter().find(|task| task.task == "undo");
                let name = harmless(&detail.item.name);
                let run = detail
                    .runs
                    .iter()
                    .find(|run| Some(run.id) == detail.item.last_run);
                match (greyed.and_then(|task| task.greyed.as_ref()), run) {
                    (Some(why), _) => {
                        self.say(
                            Tone::Bad,
                            format!("{name} cannot be undone: {}", harmless(why)),
                        );
                    }
                    (None, None) => {
                        self.say(Tone::Bad, format!("{name} has no run that could be undone"));
                    }
                    (None, Some(run)) => self.ask_undo(run, name, now_ms),
                }
                return Vec::new();
            }
            (Asked::Resolve, _) => return self.resolved(Some("the answer was none".to_owned())),
            (_, _) => self.refused(&crate::talk::unexpected()),
        }
        vec![Effect::Load]
    }

    fn ask_undo(&mut self, run: &RunView, name: String, now_ms: i64) {
        let mut lines = vec![
            format!("Run {} of {name}, {}.", run.id, when::ago(run.opened_ms, now_ms)),
            "What it deleted or overwrote is brought back. The next run carries it to the other side, or asks."
                .to_owned(),
        ];
        if run.item_count > 1 {
            let others = when::count(run.item_count - 1, "other item");
            lines.push(format!(
                "The same run worked on {others}, which are undone too."
            ));
        }
        self.mode = Mode::Confirm(Confirming {
            title: format!("Undo run {}?", run.id),
            lines,
            then: Agreed::Undo(run.id, name),
        });
    }

    fn follow(&mut self, request: u64, about: String) {
        while self.requests.len() >= MAX_FOLLOWED {
            self.requests.pop_first();
        }
        self.requests.insert(request, about);
    }

    fn change(&mut self, what: &What, now_ms: i64) -> Vec<Effect> {
        match what {
            What::Gap => {
                self.progress = Default::default();
                for item in &mut self.items {
                    item.progress = None;
                }
                self.untidy = true;
            }
            What::RunOpened { run, items, .. } => {
                self.progress.open(*run, *items);
            }
            What::Progress {
                run,
                handler,
                item,
                name,
                status,
                text,
                value,
                max,
                counts,
                stopping,
            } => {
                self.progress.open(*run, 0);
                let before = self.progress.status((*run, handler, item));
                let step = Step {
                    run: *run,
                    handler,
                    item,
                    name,
                    status: *status,
                    text,
                    value: *value,
                    max: *max,
                    counts: *counts,
                    stopping: *stopping,
                };
                self.progress.step(&step, now_ms);
                self.untidy |= before != Some(*status);
                let key = (handler.clone(), item.clone());
                let place = self.places.get(&key).copied();
                if let Some(item) = place.and_then(|place| self.items.get_mut(place)) {
                    let working = if *stopping {
                        (RunState::Stopping, Shown::Stopping)
                    } else {
                        (RunState::Syncing, Shown::Syncing)
                    };
                    (item.run_state, item.shown) = working;
                    item.progress = Some(ProgressView {
                        run: *run,
                        status: *status,
                        text: text.clone(),
                        value: *value,
                        max: *max,
                        counts: *counts,
                    });
                }
                return Vec::new();
            }
            What::ItemFinished {
                run,
                handler,
                item,
                name,
                status,
                text,
                counts,
                elapsed_ms,
            } => {
                let finish = Finish {
                    run: *run,
                    name: name.clone(),
                    status: *status,
                    text: text.clone(),
                    counts: *counts,
                    elapsed_ms: Some(*elapsed_ms),
                };
                drop(self.progress.finish(handler, item, finish));
                self.untidy = true;
                let place = self.places.get(&(handler.clone(), item.clone())).copied();
                if let Some(item) = place.and_then(|place| self.items.get_mut(place)) {
                    item.progress = None;
                }
            }
            What::RunClosed { run, .. } => {
                self.progress.close(*run);
                self.untidy = true;
            }
            What::RequestEnded {
                request,
                outcome,
                problem,
            } => {
                if self.resolving.request == Some(*request) {
                    let bad = (outcome.exit() != ExitCode::Good).then(|| {
                        problem
                            .as_deref()
                            .map_or_else(|| outcome_word(*outcome).to_owned(), harmless)
                    });
                    return self.resolved(bad);
                }
                if let Some(about) = self.requests.remove(request) {
                    self.ended(&about, *outcome, problem.as_deref());
                }
            }
            What::NeedOpened(need) => {
                let about = need.item.as_deref().unwrap_or(&need.handler_name);
                self.say(
                    Tone::Calm,
                    format!("{} asks: {}", harmless(about), harmless(&need.text)),
                );
            }
            What::NeedClosed { id } => {
                self.needs.retain(|need| need.id != *id);
                self.untidy = true;
                let open =
                    matches!(&self.mode, Mode::Answer(answering) if answering.need.id == *id);
                if open {
                    self.mode = Mode::Page;
                    self.say(Tone::Calm, format!("Question {id} was answered elsewhere."));
                }
            }
            What::Notice { text } => {
                self.say(Tone::Calm, harmless(text));
                return Vec::new();
            }
            What::Log { .. } => return Vec::new(),
            What::ConflictsChanged { .. } | What::ItemsChanged => {}
        }
        vec![Effect::Load]
    }

    fn ended(&mut self, about: &str, outcome: Outcome, problem: Option<&str>) {
        let tone = match Mark::of_outcome(outcome) {
            Mark::Good => Tone::Good,
            Mark::Failed => Tone::Bad,
            _ => Tone::Calm,
        };
        let mut text = format!("{}: {}", harmless(about), outcome_word(outcome));
        if let Some(problem) = problem {
            text = format!("{text}: {}", harmless(problem));
        }
        self.say(tone, text);
    }
}
