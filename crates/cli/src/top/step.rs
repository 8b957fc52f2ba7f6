//! What an event does to the terminal page. Pure: the time is an argument, and what is to be asked is answered with.

use jiff::tz::TimeZone;
use syncmgr_control::browse::Browse;
use syncmgr_control::{Change, Refusal, Reply, Request};

use super::keys::Press;
use super::layout::{list_rows, scrolled};
use super::load::Loaded;
use super::state::{Mode, Tone, Top};
use super::styled;
use crate::text::harmless;

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
    pub(super) fn ask(asked: Asked, request: Request) -> Self {
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
    /// Rows of a list that is too long to be read as a whole.
    Rows(Box<Browse>),
    /// A list to choose from.
    List,
    /// What was chosen from a list.
    Chosen,
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

impl Top {
    /// What the event does, and what is to be done for it.
    pub(crate) fn step(&mut self, event: Event, now_ms: i64, zone: &TimeZone) -> Vec<Effect> {
        match event {
            Event::Key(press) => {
                self.ready();
                let mut effects = self.press(press, now_ms, zone);
                self.ready();
                effects.extend(self.ask_for_rows());
                effects
            }
            Event::Paste(text) => {
                if matches!(self.mode, Mode::Filter | Mode::Fill(_)) {
                    for letter in text.chars().filter(|letter| !letter.is_control()) {
                        self.typed(letter);
                    }
                }
                self.ask_for_rows().into_iter().collect()
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
                self.ready();
                self.ask_for_rows().into_iter().collect()
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

    pub(super) fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.message = Some((tone, text.into()));
    }

    pub(super) fn refused(&mut self, refusal: &Refusal) {
        let mut text = harmless(&refusal.message);
        for cause in refusal.causes.iter().take(1) {
            text = format!("{text}: {}", harmless(cause));
        }
        if let Some(hint) = &refusal.hint {
            text = format!("{text} ({})", harmless(hint));
        }
        self.say(Tone::Bad, text);
    }
}
