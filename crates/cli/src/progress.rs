//! How far a request is: changes in, lines out. Pure; the time is an argument.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_control::What;
use syncmgr_control::view::{Counts, ItemStatus, RunItemView};

use crate::look::{Look, Mark, status_word};
use crate::text::{cut, harmless, pad, width};
use crate::when;

/// Most items that have a line of their own while they run.
const MAX_LINES: usize = 20;
/// Columns of a bar on a wide terminal.
const BAR_COLUMNS: usize = 16;
/// Columns of a bar on any other.
const NARROW_BAR_COLUMNS: usize = 8;
/// A terminal of so many columns is wide.
const WIDE_COLUMNS: usize = 100;
/// Most columns of a name in a line that is redrawn.
const NAME_COLUMNS: usize = 24;
/// Columns that what an item is doing has at least, when the terminal is wide enough for anything.
const DOING_COLUMNS: usize = 12;
/// A rate is measured over at least so long.
const MIN_SAMPLE_MS: u64 = 200;
/// How long a rate remembers: after this, half of it is new.
const MEMORY_MS: u64 = 5_000;
/// No time to go is told before a run is so old.
const MIN_AGE_FOR_ETA_MS: u64 = 3_000;
/// No time to go is told before such a part of the work is done: one in so many.
const MIN_PART_FOR_ETA: u64 = 20;
/// A longer time to go is a guess that nobody can use.
const MAX_ETA_MS: u64 = 24 * 60 * 60 * 1_000;
/// Columns left free, because the terminal writes `^C` there for each Ctrl-C: a line that wrapped would be left behind.
const ECHO_COLUMNS: usize = 4;

/// An item of a run: run, handler and item id. Items are listed in the order of their runs.
type Key = (u64, String, String);

/// One step of an item, as a change tells it.
#[derive(Debug, Clone)]
pub(crate) struct Step<'a> {
    pub(crate) run: u64,
    pub(crate) handler: &'a str,
    pub(crate) item: &'a str,
    pub(crate) name: &'a str,
    pub(crate) status: ItemStatus,
    pub(crate) text: &'a str,
    pub(crate) value: u64,
    pub(crate) max: u64,
    pub(crate) counts: Counts,
    pub(crate) stopping: bool,
}

impl<'a> Step<'a> {
    /// What a change tells of it; absent: the change tells something else.
    pub(crate) fn of(what: &'a What) -> Option<Self> {
        let What::Progress {
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
        } = what
        else {
            return None;
        };
        Some(Self {
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
        })
    }
}

/// The end of an item's part of a run.
#[derive(Debug, Clone)]
pub(crate) struct Finish {
    pub(crate) run: u64,
    pub(crate) name: String,
    pub(crate) status: ItemStatus,
    pub(crate) text: String,
    pub(crate) counts: Counts,
    /// Unknown when it was told only later.
    pub(crate) elapsed_ms: Option<u64>,
}

/// Most items kept in mind of a request; of further ones only the end of their run is told.
pub(crate) const MAX_TRACKED: usize = 10_000;

/// All items of a request.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    runs: BTreeSet<u64>,
    expected: u64,
    active: BTreeMap<Key, Active>,
    finished: BTreeSet<Key>,
    /// Handlers and names of all items that were heard of.
    names: BTreeSet<(String, String)>,
    tally: Counts,
    failed: u64,
}

/// An item that has not finished.
#[derive(Debug)]
struct Active {
    name: String,
    status: ItemStatus,
    text: String,
    value: u64,
    max: u64,
    counts: Counts,
    stopping: bool,
    began_ms: i64,
    rate: Rate,
}

impl Progress {
    /// A run belongs to the request. `items`: how many take part, when told.
    pub(crate) fn open(&mut self, run: u64, items: u64) {
        if self.runs.insert(run) {
            self.expected = self.expected.saturating_add(items);
        }
    }

    /// A run is over, and nothing of it is to be remembered.
    pub(crate) fn close(&mut self, run: u64) {
        self.runs.remove(&run);
        self.active.retain(|(of, ..), _| *of != run);
        self.finished.retain(|(of, ..)| *of != run);
        if self.runs.is_empty() {
            *self = Self::default();
        }
    }

    /// The items at work: run, handler and item id.
    pub(crate) fn working(&self) -> impl Iterator<Item = (u64, &str, &str)> {
        let working = |(_, active): &(_, &Active)| active.status != ItemStatus::Pending;
        let active = self.active.iter().filter(working);
        active.map(|((run, handler, item), _)| (*run, handler.as_str(), item.as_str()))
    }

    /// The status of an item that has not finished.
    pub(crate) fn status(&self, (run, handler, item): (u64, &str, &str)) -> Option<ItemStatus> {
        let key = (run, handler.to_owned(), item.to_owned());
        self.active.get(&key).map(|active| active.status)
    }

    /// How far this item is, in a line.
    pub(crate) fn line(
        &self,
        (run, handler, item): (u64, &str, &str),
        look: &Look,
        now_ms: i64,
        turn: usize,
    ) -> Option<String> {
        let key = (run, handler.to_owned(), item.to_owned());
        Some(self.active.get(&key)?.line(look, now_ms, turn))
    }

    /// The run belongs to the request.
    pub(crate) fn has(&self, run: u64) -> bool {
        self.runs.contains(&run)
    }

    /// The runs of the request.
    pub(crate) fn runs(&self) -> impl Iterator<Item = u64> {
        self.runs.iter().copied()
    }

    /// The last run of the request.
    pub(crate) fn last_run(&self) -> Option<u64> {
        self.runs.last().copied()
    }

    /// Whether all items are pairs of folders, of which what a run deleted or replaced is kept. What other programs do to their
    /// files cannot be taken back, although their decisions may be.
    pub(crate) fn keeps_what_gives_way(&self) -> bool {
        self.names.iter().all(|(handler, _)| handler == "folder")
    }

    /// What was moved so far by the items that finished.
    pub(crate) fn tally(&self) -> Counts {
        self.tally
    }

    /// Names of all items that were heard of.
    pub(crate) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|(_, name)| name.as_str())
    }

    /// Every item that has not finished has a line of its own.
    pub(crate) fn few(&self) -> bool {
        self.active.len() <= MAX_LINES
    }

    /// How many items failed.
    pub(crate) fn failed(&self) -> u64 {
        self.failed
    }

    /// How many items finished.
    pub(crate) fn done(&self) -> usize {
        self.finished.len()
    }

    /// An item of this handler and name takes part.
    pub(crate) fn knows(&self, handler: &str, name: &str) -> bool {
        let name = harmless(name);
        self.names.contains(&(handler.to_owned(), name))
    }

    /// Takes a step of an item, unless the item has finished; tells whether it was taken.
    pub(crate) fn step(&mut self, step: &Step<'_>, now_ms: i64) -> bool {
        let key = (step.run, step.handler.to_owned(), step.item.to_owned());
        if self.finished.contains(&key) {
            return false;
        }
        if !self.active.contains_key(&key) {
            if self.active.len().saturating_add(self.finished.len()) >= MAX_TRACKED {
                return true; // told, and not kept: a run may have a million items
            }
            self.names
                .insert((step.handler.to_owned(), harmless(step.name)));
        }
        let active = self.active.entry(key).or_insert_with(|| Active {
            name: harmless(step.name),
            status: step.status,
            text: String::new(),
            value: 0,
            max: 0,
            counts: Counts::default(),
            stopping: false,
            began_ms: now_ms,
            rate: Rate::default(),
        });
        active.status = step.status;
        active.text = harmless(step.text);
        active.value = step.value;
        active.max = step.max;
        active.counts = step.counts;
        active.stopping = step.stopping;
        active.rate.sample(step.value, now_ms);
        true
    }

    /// Takes the end of an item; nothing when it was taken already.
    pub(crate) fn finish(
        &mut self,
        handler: &str,
        item: &str,
        mut finish: Finish,
    ) -> Option<Finish> {
        let key = (finish.run, handler.to_owned(), item.to_owned());
        let doing = self.active.remove(&key).map(|active| active.text);
        if !self.finished.insert(key) {
            return None;
        }
        self.names
            .insert((handler.to_owned(), harmless(&finish.name)));
        if matches!(finish.status, ItemStatus::Failed | ItemStatus::Disconnected) {
            self.failed += 1;
        }
        // What it was doing when it was stopped is not what became of it.
        let broken_off = matches!(finish.status, ItemStatus::Stopped | ItemStatus::Skipped);
        if broken_off && doing.is_some_and(|doing| doing == harmless(&finish.text)) {
            finish.text.clear();
        }
        let (sum, more) = (&mut self.tally, &finish.counts);
        for (sum, more) in [
            (&mut sum.sent, more.sent),
            (&mut sum.received, more.received),
            (&mut sum.deleted, more.deleted),
            (&mut sum.conflicts, more.conflicts),
            (&mut sum.failed, more.failed),
            (&mut sum.bytes, more.bytes),
            (&mut sum.created_near, more.created_near),
            (&mut sum.created_far, more.created_far),
            (&mut sum.deleted_near, more.deleted_near),
            (&mut sum.deleted_far, more.deleted_far),
        ] {
            *sum = sum.saturating_add(more);
        }
        Some(finish)
    }

    /// Takes an item of a run as the run's record tells it; nothing when it has not ended or was taken already.
    pub(crate) fn recorded(
        &mut self,
        run: u64,
        handler: &str,
        item: &RunItemView,
    ) -> Option<Finish> {
        let ended = !matches!(
            item.status,
            ItemStatus::Pending
                | ItemStatus::Updating
                | ItemStatus::UpdatingIndeterminate
                | ItemStatus::Paused
                | ItemStatus::Resuming
        );
        let finish = Finish {
            run,
            name: item.name.clone(),
            status: item.status,
            text: item.text.clone(),
            counts: item.counts,
            elapsed_ms: None,
        };
        ended
            .then(|| self.finish(handler, &item.item, finish))
            .flatten()
    }

    /// The lines that are redrawn: those at work first, and a total when there are many. `turn` counts the drawings.
    pub(crate) fn frame(
        &self,
        look: &Look,
        rows: Option<u16>,
        now_ms: i64,
        turn: usize,
    ) -> Vec<String> {
        let room = rows.map_or(MAX_LINES, |rows| {
            usize::from(rows).saturating_sub(3).clamp(1, MAX_LINES)
        });
        let (working, waiting): (Vec<_>, Vec<_>) = self
            .active
            .values()
            .partition(|active| active.status != ItemStatus::Pending);
        let known = self.active.len().saturating_add(self.finished.len());
        let all = usize::try_from(self.expected)
            .unwrap_or(usize::MAX)
            .max(known);
        let many = all > MAX_LINES || self.active.len() > room;
        let mut lines: Vec<String> = if many {
            working
                .iter()
                .take(room)
                .map(|active| active.line(look, now_ms, turn))
                .collect()
        } else {
            working
                .iter()
                .chain(&waiting)
                .map(|active| active.line(look, now_ms, turn))
                .collect()
        };
        if many {
            let mut total = format!(
                "{} {} of {} done, {} at work  {}",
                look.glyph(Mark::Working),
                self.finished.len(),
                when::count(u64::try_from(all).unwrap_or(u64::MAX), "item"),
                working.len(),
                look.counts(&self.tally)
            );
            if let Some(columns) = look.columns {
                let room = columns.saturating_sub(1 + ECHO_COLUMNS);
                total = cut(&total, room, look.ellipsis());
            }
            lines.push(look.bold(&total));
        }
        lines
    }
}

/// How easily a measure is left out where there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    Rate,
    Bar,
    Counts,
    Vital,
}

impl Active {
    /// Enough was seen to tell how long the rest takes, and the rest is to be done at all.
    fn tells_rest(&self, age_ms: u64) -> bool {
        !self.stopping
            && self.max > 0
            && self.status != ItemStatus::UpdatingIndeterminate
            && age_ms >= MIN_AGE_FOR_ETA_MS
            && self.value >= self.max / MIN_PART_FOR_ETA
    }

    fn line(&self, look: &Look, now_ms: i64, turn: usize) -> String {
        const TURNING: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
        const TURNING_ASCII: [&str; 4] = ["|", "/", "-", "\\"];
        let mark = Mark::of_status(self.status, &self.counts);
        let turning: &[&str] = if look.unicode {
            &TURNING
        } else {
            &TURNING_ASCII
        };
        let glyph = match self.status {
            ItemStatus::Updating | ItemStatus::UpdatingIndeterminate | ItemStatus::Resuming => {
                turning.get(turn % turning.len()).copied().unwrap_or("~")
            }
            _ => look.glyph(mark),
        };
        let age_ms = u64::try_from(now_ms.saturating_sub(self.began_ms)).unwrap_or(0);
        let mut measures = Vec::new();
        if self.max > 0 && self.status != ItemStatus::UpdatingIndeterminate {
            measures.push((Weight::Bar, bar(self.value, self.max, look)));
            measures.push((Weight::Vital, format!("{}/{}", self.value, self.max)));
        } else if matches!(
            self.status,
            ItemStatus::Updating | ItemStatus::UpdatingIndeterminate | ItemStatus::Resuming
        ) {
            // M-100
            measures.push((Weight::Bar, moving_bar(turn, look)));
        }
        if self.counts != Counts::default() {
            measures.push((Weight::Counts, look.counts(&self.counts)));
        }
        if self.status != ItemStatus::Pending {
            if let Some(rate) = self.rate.shown() {
                measures.push((Weight::Rate, rate));
            }
            let time = match self.rate.rest_ms(self.max.saturating_sub(self.value)) {
                Some(ms) if self.tells_rest(age_ms) && ms < MAX_ETA_MS => {
                    format!("{} to go", when::length(ms))
                }
                _ => when::length(age_ms),
            };
            measures.push((Weight::Vital, time));
        }
        let doing = if self.stopping {
            "stopping"
        } else if self.text.is_empty() {
            match self.status {
                ItemStatus::UpdatingIndeterminate => "reading",
                ItemStatus::Updating => "synchronizing",
                other => status_word(other),
            }
        } else {
            &self.text
        };
        let name = cut(&self.name, NAME_COLUMNS, look.ellipsis());
        // What it is doing takes what room is left; where that is too little, the lighter measures go.
        let room = |measures: &[(Weight, String)]| {
            let taken: usize = measures.iter().map(|(_, text)| width(text) + 2).sum();
            look.wrap_columns()
                .saturating_sub(taken + width(&name) + ECHO_COLUMNS + 5)
        };
        for light in [Weight::Rate, Weight::Bar, Weight::Counts] {
            if room(&measures) >= DOING_COLUMNS {
                break;
            }
            measures.retain(|(weight, _)| *weight != light);
        }
        let room = room(&measures);
        let measures: Vec<_> = measures.into_iter().map(|(_, text)| text).collect();
        let measure = measures.join("  ");
        let doing = pad(&cut(doing, room, look.ellipsis()), room.min(DOING_COLUMNS));
        let line = format!("{name}  {doing}  {measure}");
        let line = match look.columns {
            Some(columns) => cut(
                line.trim_end(),
                columns.saturating_sub(3 + ECHO_COLUMNS),
                look.ellipsis(),
            ),
            None => line.trim_end().to_owned(),
        };
        format!("{} {line}", look.paint(mark, glyph))
    }
}

impl Finish {
    /// The line that remains: `✓ notes  ↑12 ↓3 ✗0  1.4 s`.
    pub(crate) fn line(&self, look: &Look) -> String {
        let mark = Mark::of_status(self.status, &self.counts);
        let mut line = format!("{}  {}", harmless(&self.name), look.counts(&self.counts));
        if let Some(ms) = self.elapsed_ms {
            line += "  ";
            line += &when::length(ms);
        }
        if self.status != ItemStatus::Succeeded {
            line += "  ";
            line += if self.text.is_empty() {
                status_word(self.status).to_owned()
            } else {
                harmless(&self.text)
            }
            .as_str();
        }
        if let Some(columns) = look.columns {
            line = cut(&line, columns.saturating_sub(2), look.ellipsis());
        }
        format!("{} {line}", look.mark(mark))
    }

    /// It went well: nothing about it must be looked at.
    pub(crate) fn well(&self) -> bool {
        Mark::of_status(self.status, &self.counts) == Mark::Good
    }
}

fn bar_columns(look: &Look) -> usize {
    if look.wrap_columns() >= WIDE_COLUMNS {
        BAR_COLUMNS
    } else {
        NARROW_BAR_COLUMNS
    }
}

/// The bar of work that nobody can measure: a part of it goes to and fro.
fn moving_bar(turn: usize, look: &Look) -> String {
    const PART: usize = 3;
    let (on, off) = if look.unicode {
        ("█", "░")
    } else {
        ("#", ".")
    };
    let free = bar_columns(look).saturating_sub(PART);
    let step = turn % (2 * free).max(1);
    let before = step.min(2 * free - step);
    format!(
        "[{}{}{}]",
        off.repeat(before),
        on.repeat(PART),
        off.repeat(free - before)
    )
}

fn bar(value: u64, max: u64, look: &Look) -> String {
    let columns = bar_columns(look);
    let part = u128::from(value.min(max)) * columns as u128 / u128::from(max.max(1));
    let full = usize::try_from(part).unwrap_or(columns).min(columns);
    let (on, off) = if look.unicode {
        ("█", "░")
    } else {
        ("#", ".")
    };
    format!("[{}{}]", on.repeat(full), off.repeat(columns - full))
}

/// How fast a value rises, smoothed.
#[derive(Debug, Clone, Copy, Default)]
struct Rate {
    last: Option<(i64, u64)>,
    /// In thousandths a second.
    milli_per_s: Option<u64>,
}

impl Rate {
    fn sample(&mut self, value: u64, now_ms: i64) {
        let Some((then_ms, before)) = self.last else {
            self.last = Some((now_ms, value));
            return;
        };
        let elapsed = u64::try_from(now_ms.saturating_sub(then_ms)).unwrap_or(0);
        if elapsed < MIN_SAMPLE_MS {
            return;
        }
        self.last = Some((now_ms, value));
        let Some(more) = value.checked_sub(before) else {
            // A new phase counts anew.
            self.milli_per_s = None;
            return;
        };
        let now = u128::from(more) * 1_000_000 / u128::from(elapsed);
        let smooth = match self.milli_per_s {
            None => now,
            Some(old) => {
                let (memory, elapsed) = (u128::from(MEMORY_MS), u128::from(elapsed));
                (u128::from(old) * memory + now * elapsed) / (memory + elapsed)
            }
        };
        self.milli_per_s = Some(u64::try_from(smooth).unwrap_or(u64::MAX));
    }

    fn shown(&self) -> Option<String> {
        let rate = self.milli_per_s.filter(|&rate| rate > 0)?;
        Some(if rate < 10_000 {
            format!("{}.{}/s", rate / 1_000, rate % 1_000 / 100)
        } else {
            format!("{}/s", rate / 1_000)
        })
    }

    fn rest_ms(&self, rest: u64) -> Option<u64> {
        let rate = self.milli_per_s.filter(|&rate| rate > 0)?;
        u64::try_from(u128::from(rest) * 1_000_000 / u128::from(rate)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(columns: usize, unicode: bool) -> Look {
        Look {
            columns: Some(columns),
            unicode,
            color: false,
        }
    }

    fn step<'a>(item: &'a str, status: ItemStatus, value: u64, max: u64) -> Step<'a> {
        Step {
            run: 1,
            handler: "folder",
            item,
            name: item,
            status,
            text: "copying a/very/long/path/to/something.txt",
            value,
            max,
            counts: Counts {
                sent: value,
                bytes: value * 1_000,
                ..Counts::default()
            },
            stopping: false,
        }
    }

    /// M-100: work without a measure shows a bar that moves to and fro.
    #[test]
    fn work_without_a_measure_has_a_bar_that_moves() {
        let mut progress = Progress::default();
        progress.open(1, 1);
        progress.step(&step("A", ItemStatus::UpdatingIndeterminate, 0, 0), 0);
        let at = |turn: usize| {
            let lines = progress.frame(&look(100, false), None, 1_000, turn);
            let bar = lines[0].split(['[', ']']).nth(1).unwrap().to_owned();
            (bar.find("###").unwrap(), bar.len())
        };
        let seen: Vec<usize> = (0..60).map(|turn| at(turn).0).collect();
        let last = at(0).1 - 3;
        assert_eq!((seen[0], seen.iter().max()), (0, Some(&last)));
        assert!(seen.windows(2).all(|two| two[0].abs_diff(two[1]) == 1));
    }

    #[test]
    fn an_item_has_a_line_that_fits_the_terminal() {
        let mut progress = Progress::default();
        progress.open(1, 3);
        for (at, value) in [(0, 0), (1_000, 100), (2_000, 200), (3_000, 250)] {
            progress.step(&step("notes", ItemStatus::Updating, value, 1_000), at);
        }
        progress.step(
            &step("mail", ItemStatus::UpdatingIndeterminate, 0, 0),
            1_000,
        );
        progress.step(
            &Step {
                stopping: true,
                ..step("photos", ItemStatus::Updating, 1, 2)
            },
            2_000,
        );
        progress.step(
            &Step {
                text: "",
                ..step("calendar", ItemStatus::Pending, 0, 0)
            },
            2_000,
        );
        for columns in [40, 80, 120] {
            for line in progress.frame(&look(columns, true), None, 3_000, 1) {
                assert!(width(&line) < columns, "{line}");
            }
        }
        insta::assert_snapshot!(progress.frame(&look(80, true), None, 3_000, 1).join("\n"));
        insta::assert_snapshot!(progress.frame(&look(120, false), None, 3_000, 1).join("\n"));
    }

    #[test]
    fn a_run_of_any_size_is_followed_in_bounded_memory() {
        let mut progress = Progress::default();
        let many = MAX_TRACKED + 500;
        progress.open(1, many as u64);
        for number in 0..many {
            let item = format!("item-{number}");
            assert!(progress.step(&step(&item, ItemStatus::Succeeded, 1, 1), 0));
        }
        assert_eq!(progress.active.len(), MAX_TRACKED);
        assert_eq!(progress.names.len(), MAX_TRACKED);
        let total = progress.frame(&look(80, true), None, 0, 1).pop();
        assert!(total.is_some_and(|total| total.contains("10500 items")));
    }

    #[test]
    fn time_to_go_is_told_when_it_is_known_and_not_while_stopping() {
        let told = |value: u64, max: u64, ms: i64, stopping: bool| {
            let mut progress = Progress::default();
            for (at, value) in [(0, 0), (ms, value)] {
                let step = Step {
                    stopping,
                    ..step("notes", ItemStatus::Updating, value, max)
                };
                progress.step(&step, at);
            }
            let lines = progress.frame(&look(120, true), None, ms, 1);
            lines.concat().contains("to go")
        };
        assert!(told(100, 1_000, 4_000, false));
        assert!(!told(100, 1_000, 2_999, false), "too early");
        assert!(!told(10, 1_000, 4_000, false), "too little was done");
        assert!(!told(100, 1_000, 4_000, true), "it stops");
        assert!(!told(5, 100, 100_000_000, false), "days");
    }

    #[test]
    fn what_was_stopped_does_not_say_what_it_was_doing() {
        let end = |status, text: &str| {
            let mut progress = Progress::default();
            let finishing = Step {
                text: "finishing",
                ..step("n", ItemStatus::Updating, 1, 2)
            };
            progress.step(&finishing, 0);
            let finish = Finish {
                run: 1,
                name: "n".into(),
                status,
                text: text.into(),
                counts: Counts::default(),
                elapsed_ms: None,
            };
            let finish = progress.finish("folder", "n", finish).unwrap();
            finish.line(&look(80, true))
        };
        assert_eq!(
            end(ItemStatus::Stopped, "finishing"),
            "■ n  ↑0 ↓0 ✗0  stopped"
        );
        assert_eq!(
            end(ItemStatus::Skipped, "too busy"),
            "■ n  ↑0 ↓0 ✗0  too busy"
        );
        assert_eq!(end(ItemStatus::Succeeded, "finishing"), "✓ n  ↑0 ↓0 ✗0");
    }

    #[test]
    fn many_items_show_what_works_and_a_total() {
        let mut progress = Progress::default();
        progress.open(1, 100_000);
        for index in 0..100 {
            let status = if index < 30 {
                ItemStatus::Updating
            } else {
                ItemStatus::Pending
            };
            progress.step(&step(&format!("item-{index:03}"), status, 0, 0), 0);
        }
        let lines = progress.frame(&look(80, true), Some(10), 0, 0);
        assert_eq!(lines.len(), 8);
        assert_eq!(
            lines.last().unwrap(),
            "↻ 0 of 100000 items done, 30 at work  ↑0 ↓0 ✗0"
        );
        assert_eq!(progress.frame(&look(80, true), Some(100), 0, 0).len(), 21);
        assert_eq!(progress.frame(&look(80, true), Some(0), 0, 0).len(), 2);
    }

    #[test]
    fn an_item_ends_once() {
        let mut progress = Progress::default();
        progress.open(1, 1);
        let finish = Finish {
            run: 1,
            name: "notes".into(),
            status: ItemStatus::Succeeded,
            text: "done".into(),
            counts: Counts {
                sent: 12,
                received: 3,
                ..Counts::default()
            },
            elapsed_ms: Some(1_449),
        };
        let line = progress
            .finish("folder", "n", finish.clone())
            .unwrap()
            .line(&look(80, true));
        assert_eq!(line, "✓ notes  ↑12 ↓3 ✗0  1.4 s");
        assert!(progress.finish("folder", "n", finish).is_none());
        assert!(!progress.step(&step("n", ItemStatus::Updating, 1, 2), 0));
        assert!(progress.frame(&look(80, true), None, 0, 0).is_empty());
        assert_eq!(progress.tally().sent, 12);
    }

    #[test]
    fn ends_look_different() {
        let line = |status, counts| {
            Finish {
                run: 1,
                name: "no\u{1b}tes".into(),
                status,
                text: "why\nit ended".into(),
                counts,
                elapsed_ms: Some(61_000),
            }
            .line(&look(70, false))
        };
        let conflicts = Counts {
            conflicts: 2,
            deleted: 1,
            bytes: 1_200_000,
            ..Counts::default()
        };
        let lines = [
            line(ItemStatus::Succeeded, Counts::default()),
            line(ItemStatus::Succeeded, conflicts),
            line(ItemStatus::Failed, conflicts),
            line(ItemStatus::Skipped, Counts::default()),
            line(ItemStatus::Stopped, Counts::default()),
            line(ItemStatus::Held, Counts::default()),
            line(ItemStatus::Disconnected, Counts::default()),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_rate_is_smooth_and_begins_anew_with_a_phase() {
        let mut rate = Rate::default();
        rate.sample(0, 0);
        rate.sample(50, 100);
        assert_eq!(rate.shown(), None);
        rate.sample(1_000, 1_000);
        assert_eq!(rate.shown().unwrap(), "1000/s");
        rate.sample(1_000, 2_000);
        assert_eq!(rate.shown().unwrap(), "833/s");
        assert_eq!(rate.rest_ms(833), Some(999));
        rate.sample(0, 3_000);
        assert_eq!(rate.shown(), None);
        let mut huge = Rate::default();
        huge.sample(0, i64::MIN);
        huge.sample(u64::MAX, i64::MAX);
        assert_eq!(huge.rest_ms(0), Some(0));
    }
}
