//! What the terminal page shows: everything that is known, where the person is in it, and what is being decided.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use syncmgr_control::view::{
    ConflictView, ForecastView, ItemView, NeedView, RunState, RunView, StatusView,
};

use super::keys::Place;
use super::layout::Size;
use super::load::Loaded;
use super::window::Window;
use crate::form::Form;
use crate::look::Look;
use crate::progress::{Progress, Step};
use crate::text::{harmless, width};
use crate::ticks::Ticks;

/// Handler id and item id.
pub(crate) type Key = (String, String);

/// A page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    /// Every item.
    #[default]
    Items,
    /// What works, what comes, what was.
    Now,
    /// Questions and conflicts.
    Needs,
}

impl Tab {
    /// In the order of their numbers.
    pub(crate) const ALL: [Self; 3] = [Self::Items, Self::Now, Self::Needs];

    pub(crate) fn at(self) -> usize {
        self as usize
    }
}

/// A row of the second page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NowRow {
    /// A heading, or a remark below one; nobody stands on it.
    Head(&'static str),
    /// An item at work.
    Working(u64, Key),
    /// An item in the queue.
    Waiting(Key),
    /// A coming start, by its place in the forecast.
    Start(usize),
    /// A run that was, by its place.
    Run(usize),
}

/// A row of the third page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NeedRow {
    /// An item with its conflicts below.
    Head(String),
    /// A question, by its place.
    Need(usize),
    /// A conflict, by its place.
    Conflict(usize),
}

/// What is open above the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Mode {
    /// Nothing.
    #[default]
    Page,
    /// A filter is typed.
    Filter,
    /// For how long?
    Pause(Pausing),
    /// A text to read.
    Text(Text),
    /// A question to answer.
    Answer(Box<Answering>),
    /// A list to tick.
    Choose(Box<Choosing>),
    /// What a question wants typed in.
    Fill(Box<Filling>),
    /// Really?
    Confirm(Confirming),
}

/// What is to be paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pausing {
    pub(crate) key: Key,
    pub(crate) name: String,
    /// All there is instead of the one item.
    pub(crate) everything: bool,
}

/// A text to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) title: String,
    /// Nothing while it is awaited.
    pub(crate) lines: Option<Vec<String>>,
    pub(crate) from: usize,
    /// Tells its answer from those that nobody waits for any more.
    pub(crate) ticket: u64,
}

/// A question to answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answering {
    pub(crate) need: NeedView,
    /// The choice.
    pub(crate) at: usize,
}

/// A list to tick.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choosing {
    pub(crate) ticks: Ticks,
    /// The line that the person stands on.
    pub(crate) at: usize,
}

/// An answer with what is typed into it. It may be a secret: it is neither compared nor printed.
#[derive(Clone)]
pub(crate) struct Filling {
    pub(crate) form: Form,
    /// What is typed into the present field.
    pub(crate) line: String,
    /// What the form wants, as it was when the line was begun.
    pub(crate) lines: Vec<String>,
    pub(crate) prompt: String,
    pub(crate) hidden: bool,
    /// How the answer is told.
    pub(crate) label: String,
}

impl PartialEq for Filling {
    fn eq(&self, other: &Self) -> bool {
        self.form.id() == other.form.id()
    }
}

impl fmt::Debug for Filling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filling")
            .field("need", &self.form.id())
            .field("prompt", &self.prompt)
            .field("typed", &self.line.chars().count())
            .finish_non_exhaustive()
    }
}

/// Something to agree to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Confirming {
    pub(crate) title: String,
    /// What will be done, in words.
    pub(crate) lines: Vec<String>,
    pub(crate) then: Agreed,
}

/// What is done when it is agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Agreed {
    /// Undo this run, of the item of this name.
    Undo(u64, String),
    /// Resolve what was decided: conflict and choice.
    Resolve(Vec<(String, String)>),
}

/// How a message is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Calm,
    Bad,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct Top {
    /// How texts are made; their colours and widths.
    pub(crate) look: Look,
    pub(crate) size: Size,
    pub(crate) tab: Tab,
    pub(crate) mode: Mode,
    /// The verdict and what belongs to it; without items, which are in `items`.
    pub(crate) status: Option<StatusView>,
    /// Worst first: all of them, or those of the window, and behind them some that are no rows of it.
    pub(crate) items: Vec<ItemView>,
    /// What is known of a list that is too long to be known as a whole.
    pub(crate) window: Option<Window>,
    /// Rows were asked for and have not come.
    pub(super) asked_for_rows: bool,
    pub(crate) starts: Vec<ForecastView>,
    pub(crate) runs: Vec<RunView>,
    pub(crate) needs: Vec<NeedView>,
    pub(crate) conflicts: Vec<ConflictView>,
    pub(crate) conflict_total: u64,
    pub(crate) progress: Progress,
    /// The manager cannot be reached.
    pub(crate) away: bool,
    pub(crate) message: Option<(Tone, String)>,
    pub(crate) filter: String,
    /// Where the person stands on each page, and which row is the first one seen.
    pub(crate) cursor: [usize; 3],
    pub(crate) from: [usize; 3],
    pub(crate) only_conflicts: bool,
    /// Conflicts that the next choice is meant for.
    pub(crate) marked: BTreeSet<String>,
    /// What was chosen and not yet done: choice by conflict.
    pub(crate) chosen: BTreeMap<String, String>,
    /// Items that are seen, in their order, by their place.
    pub(crate) seen: Vec<usize>,
    pub(crate) now_rows: Vec<NowRow>,
    pub(crate) need_rows: Vec<NeedRow>,
    /// The widest cell of each column of the items.
    pub(crate) widest: [usize; 5],
    /// How often it was drawn.
    pub(crate) turn: usize,
    pub(super) places: HashMap<Key, usize>,
    /// The next start of an item, by its place in the forecast.
    pub(super) next_start: HashMap<Key, usize>,
    pub(super) tickets: u64,
    /// Rows are to be put together anew before anybody looks.
    pub(super) untidy: bool,
    /// Requests of this page that are under way, and what they are about.
    pub(super) requests: BTreeMap<u64, String>,
    pub(super) resolving: super::resolve::Resolving,
}

pub(crate) fn key(item: &ItemView) -> Key {
    (item.handler.clone(), item.id.clone())
}

/// The name that means this item and no other.
pub(crate) fn full_name((handler, item): &Key) -> String {
    format!("{handler}/{item}")
}

impl Default for Top {
    fn default() -> Self {
        Self::new(Look {
            columns: None,
            unicode: true,
            color: false,
        })
    }
}

impl Top {
    /// A page of which nothing is known yet.
    pub(crate) fn new(look: Look) -> Self {
        Self {
            look,
            size: Default::default(),
            tab: Default::default(),
            mode: Default::default(),
            status: Default::default(),
            items: Default::default(),
            window: Default::default(),
            asked_for_rows: Default::default(),
            starts: Default::default(),
            runs: Default::default(),
            needs: Default::default(),
            conflicts: Default::default(),
            conflict_total: Default::default(),
            progress: Default::default(),
            away: Default::default(),
            message: Default::default(),
            filter: Default::default(),
            cursor: Default::default(),
            from: Default::default(),
            only_conflicts: Default::default(),
            marked: Default::default(),
            chosen: Default::default(),
            seen: Default::default(),
            now_rows: Default::default(),
            need_rows: Default::default(),
            widest: Default::default(),
            turn: Default::default(),
            places: Default::default(),
            next_start: Default::default(),
            tickets: Default::default(),
            untidy: Default::default(),
            requests: Default::default(),
            resolving: Default::default(),
        }
    }

    /// Where keys are meant for.
    pub(crate) fn place(&self) -> Place {
        match &self.mode {
            Mode::Page => match self.tab {
                Tab::Items => Place::Items,
                Tab::Now => Place::Now,
                Tab::Needs => Place::Needs,
            },
            Mode::Filter => Place::Filter,
            Mode::Pause(_) => Place::Pause,
            Mode::Text(_) => Place::Text,
            Mode::Answer(_) => Place::Answer,
            Mode::Choose(_) => Place::Choose,
            Mode::Fill(_) => Place::Fill,
            Mode::Confirm(_) => Place::Confirm,
        }
    }

    /// The item that the person stands on, on any page.
    pub(crate) fn item(&self) -> Option<&ItemView> {
        let at = self.cursor[self.tab.at()];
        match self.tab {
            Tab::Items => self.item_at(at),
            Tab::Now => match self.now_rows.get(at)? {
                NowRow::Working(_, key) | NowRow::Waiting(key) => self.item_of(key),
                NowRow::Start(place) => {
                    let start = self.starts.get(*place)?;
                    self.item_of(&(start.handler.clone(), start.item.clone()))
                }
                NowRow::Head(_) | NowRow::Run(_) => None,
            },
            Tab::Needs => {
                let (handler, name) = match self.need_rows.get(at)? {
                    NeedRow::Need(place) => {
                        let need = self.needs.get(*place)?;
                        (&need.handler, need.item.as_ref()?)
                    }
                    NeedRow::Conflict(place) => {
                        let conflict = self.conflicts.get(*place)?;
                        (&conflict.handler, &conflict.item)
                    }
                    NeedRow::Head(_) => return None,
                };
                let called = |item: &&ItemView| item.handler == *handler && item.name == *name;
                self.items.iter().find(called)
            }
        }
    }

    pub(crate) fn item_of(&self, key: &Key) -> Option<&ItemView> {
        self.items.get(*self.places.get(key)?)
    }

    /// The next time that the item starts by itself.
    pub(crate) fn start_of(&self, item: &ItemView) -> Option<&ForecastView> {
        self.starts.get(*self.next_start.get(&key(item))?)
    }

    /// The run that the person stands on.
    pub(crate) fn run(&self) -> Option<&RunView> {
        match self.now_rows.get(self.cursor[Tab::Now.at()])? {
            NowRow::Run(place) if self.tab == Tab::Now => self.runs.get(*place),
            _ => None,
        }
    }

    /// The question that the person stands on.
    pub(crate) fn need(&self) -> Option<&NeedView> {
        match self.need_rows.get(self.cursor[Tab::Needs.at()])? {
            NeedRow::Need(place) if self.tab == Tab::Needs => self.needs.get(*place),
            _ => None,
        }
    }

    /// The conflict that the person stands on.
    pub(crate) fn conflict(&self) -> Option<&ConflictView> {
        match self.need_rows.get(self.cursor[Tab::Needs.at()])? {
            NeedRow::Conflict(place) if self.tab == Tab::Needs => self.conflicts.get(*place),
            _ => None,
        }
    }

    /// The conflicts that a choice is for: the marked ones, else the one that the person stands on.
    pub(crate) fn selection(&self) -> Vec<&ConflictView> {
        if self.marked.is_empty() {
            return self.conflict().into_iter().collect();
        }
        let marked = |conflict: &&ConflictView| self.marked.contains(&conflict.id);
        self.conflicts.iter().filter(marked).collect()
    }

    /// How many rows the page has.
    pub(crate) fn len(&self) -> usize {
        match self.tab {
            Tab::Items => self.matching(),
            Tab::Now => self.now_rows.len(),
            Tab::Needs => self.need_rows.len(),
        }
    }

    /// Nobody stands on a heading.
    pub(super) fn stands(&self, at: usize) -> bool {
        match self.tab {
            Tab::Items => true,
            Tab::Now => !matches!(self.now_rows.get(at), Some(NowRow::Head(_))),
            Tab::Needs => !matches!(self.need_rows.get(at), Some(NeedRow::Head(_))),
        }
    }

    /// How many questions and conflicts are open.
    pub(crate) fn open(&self) -> u64 {
        let needs = u64::try_from(self.needs.len()).unwrap_or(u64::MAX);
        needs.saturating_add(self.conflict_total)
    }

    /// Takes what there is.
    pub(super) fn take(&mut self, loaded: Loaded, now_ms: i64) {
        for item in &loaded.items {
            if let Some(progress) = &item.progress {
                self.progress.open(progress.run, 0);
                let at = (progress.run, item.handler.as_str(), item.id.as_str());
                // What changes told since is younger.
                if self.progress.status(at).is_none() {
                    let step = Step {
                        run: progress.run,
                        handler: &item.handler,
                        item: &item.id,
                        name: &item.name,
                        status: progress.status,
                        text: &progress.text,
                        value: progress.value,
                        max: progress.max,
                        counts: progress.counts,
                        stopping: item.run_state == RunState::Stopping,
                    };
                    self.progress.step(&step, now_ms);
                }
            }
        }
        self.status = Some(loaded.status);
        self.starts = loaded.starts;
        self.runs = loaded.runs;
        self.needs = loaded.needs;
        self.conflicts = loaded.conflicts;
        self.conflict_total = loaded.conflict_total;
        self.take_items(loaded.items, loaded.window);
    }

    /// Takes items anew; whoever stood on one stands on it still.
    pub(super) fn take_items(&mut self, items: Vec<ItemView>, window: Option<Window>) {
        let stood = self.seen_key();
        self.items = items;
        self.window = window;
        self.places = self
            .items
            .iter()
            .enumerate()
            .map(|(place, item)| (key(item), place))
            .collect();
        self.sift(stood);
    }

    pub(super) fn seen_key(&self) -> Option<Key> {
        self.item_at(self.cursor[Tab::Items.at()]).map(key)
    }

    /// Finds the items that the filter lets through, and how wide they are.
    pub(super) fn sift(&mut self, stood: Option<Key>) {
        let wanted = self.filter.to_lowercase();
        let words: Vec<&str> = wanted.split_whitespace().collect();
        let fits = |item: &ItemView| {
            let has = |text: &str, word: &str| text.to_lowercase().contains(word);
            words.iter().all(|word| {
                has(&item.name, word)
                    || has(&item.handler_name, word)
                    || has(&item.handler, word)
                    || has(&item.state, word)
                    || item.labels.iter().any(|label| has(label, word))
            })
        };
        let items = self.items.iter().enumerate();
        self.seen = match &self.window {
            // The manager filtered it.
            Some(window) => (0..window.known.min(self.items.len())).collect(),
            None => items
                .filter(|(_, item)| fits(item))
                .map(|(place, _)| place)
                .collect(),
        };
        self.widest = [0; 5];
        for &place in &self.seen {
            if let Some(item) = self.items.get(place) {
                let cells = super::draw_items::cells(item);
                for (widest, cell) in self.widest.iter_mut().zip(cells) {
                    *widest = (*widest).max(width(&harmless(&cell)));
                }
            }
        }
        let at = stood.and_then(|stood| {
            let place = self.places.get(&stood)?;
            let row = self.seen.iter().position(|seen| seen == place)?;
            Some(row + self.window.as_ref().map_or(0, |window| window.from))
        });
        let page = Tab::Items.at();
        self.cursor[page] = at.unwrap_or(self.cursor[page]);
        self.arrange();
    }

    /// Puts the rows together where something changed since.
    pub(super) fn settle(&mut self) {
        if std::mem::take(&mut self.untidy) {
            self.arrange();
        }
    }

    /// Puts the rows of the other pages together, and everybody back on a row that there is.
    pub(super) fn arrange(&mut self) {
        let stood = self.standing();
        self.now_rows = self.arranged_now();
        self.need_rows = self.arranged_needs();
        self.next_start = HashMap::new();
        for (place, start) in self.starts.iter().enumerate() {
            let key = (start.handler.clone(), start.item.clone());
            self.next_start.entry(key).or_insert(place);
        }
        if !self.marked.is_empty() || !self.chosen.is_empty() {
            let ids = self.conflicts.iter().map(|conflict| conflict.id.as_str());
            let known: BTreeSet<&str> = ids.collect();
            self.marked.retain(|id| known.contains(id.as_str()));
            self.chosen.retain(|id, _| known.contains(id.as_str()));
        }
        self.stand(stood);
    }

    /// What the person stands on, where rows come and go.
    fn standing(&self) -> (Option<NowKey>, Option<NeedKey>) {
        let now = self.now_rows.get(self.cursor[Tab::Now.at()]);
        let need = self.need_rows.get(self.cursor[Tab::Needs.at()]);
        (
            now.and_then(|row| self.now_key(row)),
            need.and_then(|row| self.need_key(row)),
        )
    }

    fn now_key(&self, row: &NowRow) -> Option<NowKey> {
        Some(match row {
            NowRow::Head(_) => return None,
            NowRow::Working(_, key) | NowRow::Waiting(key) => NowKey::Item(key.clone()),
            NowRow::Start(place) => {
                let start = self.starts.get(*place)?;
                NowKey::Start(
                    start.handler.clone(),
                    start.item.clone(),
                    start.coming.at_ms,
                )
            }
            NowRow::Run(place) => NowKey::Run(self.runs.get(*place)?.id),
        })
    }

    fn need_key(&self, row: &NeedRow) -> Option<NeedKey> {
        Some(match row {
            NeedRow::Head(_) => return None,
            NeedRow::Need(place) => NeedKey::Need(self.needs.get(*place)?.id),
            NeedRow::Conflict(place) => NeedKey::Conflict(self.conflicts.get(*place)?.id.clone()),
        })
    }

    fn stand(&mut self, (now, need): (Option<NowKey>, Option<NeedKey>)) {
        let mut rows = self.now_rows.iter();
        if let Some(at) =
            now.and_then(|key| rows.position(|row| self.now_key(row).as_ref() == Some(&key)))
        {
            self.cursor[Tab::Now.at()] = at;
        }
        let mut rows = self.need_rows.iter();
        if let Some(at) =
            need.and_then(|key| rows.position(|row| self.need_key(row).as_ref() == Some(&key)))
        {
            self.cursor[Tab::Needs.at()] = at;
        }
        let tab = self.tab;
        for page in Tab::ALL {
            self.tab = page;
            let at = self.cursor[page.at()].min(self.len().saturating_sub(1));
            let below = (at..self.len()).find(|at| self.stands(*at));
            let above = (0..at).rev().find(|at| self.stands(*at));
            self.cursor[page.at()] = below.or(above).unwrap_or(0);
        }
        self.tab = tab;
    }

    fn arranged_now(&self) -> Vec<NowRow> {
        let mut rows = vec![NowRow::Head("AT WORK")];
        let working: Vec<_> = self.progress.working().collect();
        let at_work: BTreeSet<(&str, &str)> = working.iter().map(|(_, h, i)| (*h, *i)).collect();
        let waits = |item: &&ItemView| {
            item.run_state == RunState::Pending
                && !at_work.contains(&(item.handler.as_str(), item.id.as_str()))
        };
        let waiting: Vec<Key> = self.items.iter().filter(waits).map(key).collect();
        if working.is_empty() && waiting.is_empty() {
            rows.push(NowRow::Head("  nothing"));
        }
        rows.extend(working.into_iter().map(|(run, handler, item)| {
            NowRow::Working(run, (handler.to_owned(), item.to_owned()))
        }));
        rows.extend(waiting.into_iter().map(NowRow::Waiting));
        rows.push(NowRow::Head(""));
        rows.push(NowRow::Head("NEXT 24 HOURS"));
        if self.starts.is_empty() {
            rows.push(NowRow::Head("  nothing starts by itself"));
        }
        rows.extend((0..self.starts.len()).map(NowRow::Start));
        rows.push(NowRow::Head(""));
        rows.push(NowRow::Head("LAST RUNS"));
        if self.runs.is_empty() {
            rows.push(NowRow::Head("  nothing ran yet"));
        }
        rows.extend((0..self.runs.len()).map(NowRow::Run));
        rows
    }

    fn arranged_needs(&self) -> Vec<NeedRow> {
        let mut rows = Vec::new();
        if !self.only_conflicts {
            rows.extend((0..self.needs.len()).map(NeedRow::Need));
        }
        let mut places: Vec<usize> = (0..self.conflicts.len()).collect();
        let of = |place: &usize| {
            let conflict = self.conflicts.get(*place);
            conflict.map(|conflict| (conflict.handler.as_str(), conflict.item.as_str()))
        };
        places.sort_by_key(|place| of(place));
        let mut last = None;
        for place in places {
            let item = of(&place);
            if item != last {
                last = item;
                let name = item.map_or("", |(_, name)| name);
                rows.push(NeedRow::Head(name.to_owned()));
            }
            rows.push(NeedRow::Conflict(place));
        }
        rows
    }
}

/// What a row of the second page is about.
#[derive(Debug, PartialEq, Eq)]
enum NowKey {
    Item(Key),
    Start(String, String, i64),
    Run(u64),
}

/// What a row of the third page is about.
#[derive(Debug, PartialEq, Eq)]
enum NeedKey {
    Need(u64),
    Conflict(String),
}
