//! What a key does: it changes what is shown, or has something asked.

use jiff::tz::TimeZone;
use syncmgr_control::Request;
use syncmgr_control::view::ItemView;

use super::draw_dialog;
use super::keys::{Act, Press, Until, act, help};
use super::layout::list_rows;
use super::sides;
use super::state::{
    Agreed, Answering, Filling, Mode, Pausing, Tab, Text, Tone, Top, full_name, key,
};
use super::step::{Asked, Effect, Reading};
use crate::duration;
use crate::form::{Form, Took};
use crate::text::{harmless, pad, width};

/// Longest filter.
const MAX_FILTER: usize = 100;
/// Longest text that is typed into a question.
const MAX_TYPED_BYTES: usize = 4 * 1024;
/// Rows of a page of a text, or of a list, less the ones that stay in view.
const KEPT_IN_VIEW: usize = 2;

impl Top {
    pub(super) fn press(&mut self, press: Press, now_ms: i64, zone: &TimeZone) -> Vec<Effect> {
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
            Act::ChooseItems => {
                return vec![Effect::ask(Asked::List, Request::Offer { need: None })];
            }
            Act::Tick => {
                if let Mode::Choose(choosing) = &mut self.mode {
                    choosing.tick();
                }
            }
            Act::TickAll => {
                if let Mode::Choose(choosing) = &mut self.mode {
                    let all = choosing.ticks.picks().len() == choosing.ticks.rows();
                    choosing.ticks.set_all(!all);
                }
            }
            Act::CloseList => return self.close_list(),
            Act::Answer => {
                if let Some(need) = self.need() {
                    if need.has_list() {
                        let need = Some(need.id);
                        return vec![Effect::ask(Asked::List, Request::Offer { need })];
                    }
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

    pub(super) fn turn_page(&mut self, by: usize) {
        let at = (self.tab.at() + by) % Tab::ALL.len();
        self.tab = Tab::ALL.get(at).copied().unwrap_or_default();
    }

    pub(super) fn screenful(&self) -> isize {
        let rows = list_rows(self).saturating_sub(KEPT_IN_VIEW).max(1);
        isize::try_from(rows).unwrap_or(1)
    }

    /// Moves by so many rows, past headings, and not beyond an end.
    pub(super) fn walk(&mut self, by: isize) {
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
            Mode::Choose(choosing) => {
                choosing.at = bounded(choosing.at, choosing.ticks.order().len());
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

    pub(super) fn typed(&mut self, letter: char) {
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

    pub(super) fn set_filter(&mut self, filter: String) {
        if self.filter != filter {
            let stood = self.seen_key();
            self.filter = filter;
            if self.window.is_some() {
                // Another list, which the manager is asked for.
                (self.cursor[Tab::Items.at()], self.from[Tab::Items.at()]) = (0, 0);
            } else {
                self.sift(stood);
            }
        }
    }

    /// Does something with the item that the person stands on.
    pub(super) fn of_item(
        &mut self,
        with: impl FnOnce(&Self, &ItemView) -> Vec<Effect>,
    ) -> Vec<Effect> {
        if let Some(item) = self.item() {
            return with(self, item);
        }
        self.not_known();
        Vec::new()
    }

    /// Of a long list not every item is known; on the first page each one becomes so.
    fn not_known(&mut self) {
        if self.window.is_some() {
            self.say(
                Tone::Calm,
                "That item is read on page 1: find it there with /",
            );
        }
    }

    pub(super) fn run_item(&self, item: &ItemView) -> Vec<Effect> {
        let request = Request::Sync {
            names: vec![full_name(&key(item))],
            may_bother_user: true,
        };
        vec![Effect::ask(Asked::Begin(item.name.clone()), request)]
    }

    pub(super) fn open_text(&mut self, title: String, lines: Option<Vec<String>>) -> u64 {
        self.tickets += 1;
        self.mode = Mode::Text(Text {
            title,
            lines,
            from: 0,
            ticket: self.tickets,
        });
        self.tickets
    }

    pub(super) fn open_help(&mut self) {
        let keys = help();
        let widest = keys.iter().map(|(label, _)| width(label)).max();
        let lines = keys
            .iter()
            .map(|(label, help)| format!("{}  {help}", pad(label, widest.unwrap_or(0))))
            .collect();
        self.open_text("Keys".to_owned(), Some(lines));
    }

    /// Opens what a command says about the item.
    pub(super) fn read(&mut self, reading: fn(String) -> Reading, title: &str) -> Vec<Effect> {
        let Some(item) = self.item() else {
            self.not_known();
            return Vec::new();
        };
        let reading = reading(full_name(&key(item)));
        let title = format!("{title}: {}", harmless(&item.name));
        let ticket = self.open_text(title, None);
        vec![Effect::Read(ticket, reading)]
    }

    pub(super) fn read_run(&mut self, run: u64) -> Vec<Effect> {
        let ticket = self.open_text(format!("Run {run}"), None);
        vec![Effect::Read(ticket, Reading::Run(run))]
    }

    /// Closes the menu and tells what it was about: a name for people, and the names for the manager.
    pub(super) fn end_pausing(&mut self) -> Option<Vec<String>> {
        let Mode::Pause(pausing) = std::mem::take(&mut self.mode) else {
            return None;
        };
        Some(if pausing.everything {
            Vec::new()
        } else {
            vec![full_name(&pausing.key)]
        })
    }

    pub(super) fn pause(&mut self, until: Until, now_ms: i64, zone: &TimeZone) -> Vec<Effect> {
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

    pub(super) fn resume(&mut self) -> Vec<Effect> {
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

    pub(super) fn accept(&mut self) -> Vec<Effect> {
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
            Mode::Choose(choosing) => choosing.begin(),
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
    pub(super) fn fill(&mut self, form: Form, label: String) -> Vec<Effect> {
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
}
