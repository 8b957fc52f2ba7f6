//! How states look: a glyph and a word, never colour alone; and the strip of the latest runs.

use maud::{Markup, PreEscaped, html};
use syncmgr_control::browse::{CellView, STRIP_CELLS};
use syncmgr_control::view::{ItemStatus, Level, Outcome, Shown};

use super::heard;
use super::words::{Value, Words};

/// Longest text of others that a list shows, in characters; its own page shows all of it.
const MAX_SHORT: usize = 160;

/// Lines of a longer text that are shown at once.
const FIRST_LINES: usize = 3;

/// How grave something is: its colour and its glyph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Busy,
    Quiet,
    Attention,
    Bad,
}

impl Tone {
    /// The end of the classes that colour it.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Quiet => "quiet",
            Self::Attention => "attention",
            Self::Bad => "bad",
        }
    }

    /// Its glyph; each is of another form.
    pub(crate) fn glyph(self) -> Markup {
        let path = match self {
            Self::Good => "M3.5 8.5l3 3 6-7",
            Self::Busy => "M13 8a5 5 0 1 1-1.6-3.7M12 1.5v3H9",
            Self::Quiet => "M5.5 4v8M10.5 4v8",
            Self::Attention => "M8 2l6.5 11.5h-13zM8 6.5v3M8 11.4v.6",
            Self::Bad => "M4 4l8 8M12 4l-8 8",
        };
        html! {
            svg.glyph.{ "tone-" (self.class()) } viewBox="0 0 16 16" aria-hidden="true" { path d=(path) {} }
        }
    }
}

/// The tone of a state.
pub(crate) fn tone(shown: Shown) -> Tone {
    match shown {
        Shown::Fresh => Tone::Good,
        Shown::Pending | Shown::Syncing | Shown::Stopping => Tone::Busy,
        Shown::NotSetUp | Shown::Disabled | Shown::Paused => Tone::Quiet,
        Shown::NeedsYou
        | Shown::Conflicts
        | Shown::New
        | Shown::Unfinished
        | Shown::Late
        | Shown::Disconnected => Tone::Attention,
        Shown::Failed => Tone::Bad,
    }
}

/// The word for a state.
pub(crate) fn state_word(words: Words, shown: Shown) -> String {
    words.say(match shown {
        Shown::NotSetUp => "state-not-set-up",
        Shown::Disabled => "state-disabled",
        Shown::Paused => "state-paused",
        Shown::Disconnected => "state-disconnected",
        Shown::NeedsYou => "state-needs-you",
        Shown::Conflicts => "state-conflicts",
        Shown::Failed => "state-failed",
        Shown::Pending => "state-pending",
        Shown::Syncing => "state-syncing",
        Shown::Stopping => "state-stopping",
        Shown::New => "state-new",
        Shown::Unfinished => "state-unfinished",
        Shown::Late => "state-late",
        Shown::Fresh => "state-fresh",
    })
}

/// The name of a state in an address.
pub(crate) fn state_name(shown: Shown) -> &'static str {
    match shown {
        Shown::NotSetUp => "not-set-up",
        Shown::Disabled => "disabled",
        Shown::Paused => "paused",
        Shown::Disconnected => "disconnected",
        Shown::NeedsYou => "needs-you",
        Shown::Conflicts => "conflicts",
        Shown::Failed => "failed",
        Shown::Pending => "pending",
        Shown::Syncing => "syncing",
        Shown::Stopping => "stopping",
        Shown::New => "new",
        Shown::Unfinished => "unfinished",
        Shown::Late => "late",
        Shown::Fresh => "fresh",
    }
}

/// A state as a glyph and a word.
pub(crate) fn state(words: Words, shown: Shown) -> Markup {
    let tone = tone(shown);
    html! {
        span.state.{ "is-" (tone.class()) } { (tone.glyph()) (state_word(words, shown)) }
    }
}

/// How a run ended, as a glyph and a word.
pub(crate) fn outcome(words: Words, outcome: Outcome) -> Markup {
    let (tone, id) = match outcome {
        Outcome::Open => (Tone::Busy, "outcome-open"),
        Outcome::Nothing => (Tone::Good, "outcome-nothing"),
        Outcome::Succeeded => (Tone::Good, "outcome-succeeded"),
        Outcome::Warnings => (Tone::Attention, "outcome-warnings"),
        Outcome::Skipped => (Tone::Quiet, "outcome-skipped"),
        Outcome::Stopped => (Tone::Quiet, "outcome-stopped"),
        Outcome::NeedsYou => (Tone::Attention, "outcome-needs-you"),
        Outcome::Failed => (Tone::Bad, "outcome-failed"),
        Outcome::Interrupted => (Tone::Bad, "outcome-interrupted"),
    };
    html! { span.state.{ "is-" (tone.class()) } { (tone.glyph()) (words.say(id)) } }
}

/// How an item stands in a run, as a glyph and a word.
pub(crate) fn item_status(words: Words, status: ItemStatus) -> Markup {
    let (tone, id) = match status {
        ItemStatus::Pending => (Tone::Busy, "item-status-pending"),
        ItemStatus::Updating | ItemStatus::UpdatingIndeterminate | ItemStatus::Resuming => {
            (Tone::Busy, "item-status-updating")
        }
        ItemStatus::Paused => (Tone::Quiet, "item-status-paused"),
        ItemStatus::Succeeded => (Tone::Good, "item-status-succeeded"),
        ItemStatus::Failed => (Tone::Bad, "item-status-failed"),
        ItemStatus::Skipped => (Tone::Quiet, "item-status-skipped"),
        ItemStatus::Stopped => (Tone::Quiet, "item-status-stopped"),
        ItemStatus::Disconnected => (Tone::Attention, "item-status-disconnected"),
        ItemStatus::Deleted => (Tone::Quiet, "item-status-deleted"),
        ItemStatus::Held => (Tone::Attention, "item-status-held"),
    };
    html! { span.state.{ "is-" (tone.class()) } { (tone.glyph()) (words.say(id)) } }
}

/// How grave an entry of the log is, as a glyph and a word.
pub(crate) fn level(words: Words, level: Level) -> Markup {
    let (tone, id) = match level {
        Level::Information => (Tone::Quiet, "level-information"),
        Level::Warning => (Tone::Attention, "level-warning"),
        Level::Error => (Tone::Bad, "level-error"),
    };
    html! { span.state.{ "is-" (tone.class()) } { @if level != Level::Information { (tone.glyph()) } (words.say(id)) } }
}

/// A text of others, kept apart from what is around it and cut to what a list has room for.
pub(crate) fn short(text: &str) -> Markup {
    let mut chars = text.char_indices().skip(MAX_SHORT);
    match chars.next() {
        Some((end, _)) => html! { bdi { (&text[..end]) "…" } },
        None => html! { bdi { (text) } },
    }
}

/// A text of others for the inside of a sentence or an attribute.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_SHORT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What the manager or a handler says in its own words, which are not those of the page.
pub(crate) fn quoted(words: Words, text: &str) -> Markup {
    if let Some(known) = heard::in_words(words, text) {
        return html! { bdi { (cut(&known)) } };
    }
    let foreign = words.language != super::words::Language::English;
    html! { bdi lang=[foreign.then_some("en")] { (cut(text)) } }
}

/// The same for the inside of a sentence or an attribute.
pub(crate) fn quoted_text(words: Words, text: &str) -> String {
    heard::in_words(words, text).map_or_else(|| cut(text), |known| cut(&known))
}

/// The same as the beginning of a sentence.
pub(crate) fn quoted_begun(words: Words, text: &str, begun: fn(&str) -> String) -> Markup {
    match heard::in_words(words, text) {
        Some(known) => html! { bdi { (cut(&begun(&known))) } },
        None => quoted(words, &begun(text)),
    }
}

/// The same, whole.
pub(crate) fn whole_begun(words: Words, text: &str, begun: fn(&str) -> String) -> Markup {
    match heard::in_words(words, text) {
        Some(known) => html! { bdi { (begun(&known)) } },
        None => quoted_whole(words, &begun(text)),
    }
}

/// Lines of others: the first ones at once, the rest when it is wanted.
pub(crate) fn long(words: Words, id: &str, text: &str) -> Markup {
    let known = heard::lines(words, text);
    let foreign = words.language != super::words::Language::English && known.is_none();
    let text = known.as_deref().unwrap_or(text);
    let first = text.match_indices('\n').nth(FIRST_LINES - 1);
    let (first, rest) = first.map_or((text, ""), |(end, _)| (&text[..end], &text[end + 1..]));
    html! {
        p.detail lang=[foreign.then_some("en")] { bdi { (first) } }
        @if !rest.is_empty() {
            details id=(id) {
                summary { (words.count("more-lines", rest.lines().count() as u64)) }
                p.detail lang=[foreign.then_some("en")] { bdi { (rest) } }
            }
        }
    }
}

/// The same, whole: it is what the screen is about.
pub(crate) fn quoted_whole(words: Words, text: &str) -> Markup {
    if let Some(known) = heard::in_words(words, text) {
        return html! { bdi { (known) } };
    }
    let foreign = words.language != super::words::Language::English;
    html! { bdi lang=[foreign.then_some("en")] { (text) } }
}

/// How a cell of the strip looks: of another height for each, so that nobody has to tell colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Good,
    Attention,
    Quiet,
    Bad,
    Busy,
}

fn cell(is: &CellView) -> Cell {
    match is.status {
        // What stands to be decided is no good end.
        ItemStatus::Succeeded if is.conflicts > 0 => Cell::Attention,
        ItemStatus::Succeeded | ItemStatus::Deleted => Cell::Good,
        ItemStatus::Held | ItemStatus::Disconnected => Cell::Attention,
        ItemStatus::Skipped | ItemStatus::Stopped => Cell::Quiet,
        ItemStatus::Failed => Cell::Bad,
        ItemStatus::Pending
        | ItemStatus::Updating
        | ItemStatus::UpdatingIndeterminate
        | ItemStatus::Paused
        | ItemStatus::Resuming => Cell::Busy,
    }
}

/// The latest runs of an item as a strip, the youngest at its right end.
pub(crate) fn strip(words: Words, cells: &[CellView]) -> Markup {
    const STEP: usize = 4;
    if cells.is_empty() {
        return html! { span.strip-none { (words.say("strip-none")) } };
    }
    let cells = &cells[cells.len().saturating_sub(STRIP_CELLS)..];
    let from = STRIP_CELLS - cells.len();
    let count = |kind| cells.iter().filter(|is| cell(is) == kind).count() as u64;
    let label = words.with(
        "strip-label",
        &[
            ("runs", Value::Number(cells.len() as u64)),
            ("good", Value::Number(count(Cell::Good))),
            ("failed", Value::Number(count(Cell::Bad))),
        ],
    );
    let path = |kind: Cell, top: u8| -> String {
        let of_kind = cells.iter().enumerate().filter(|(_, is)| cell(is) == kind);
        of_kind
            .map(|(at, _)| format!("M{} {top}h3v{}h-3z", (from + at) * STEP, 16 - top))
            .collect()
    };
    let empty: String = (0..from)
        .map(|at| format!("M{} 15h3v1h-3z", at * STEP))
        .collect();
    let kinds = [
        (Cell::Good, "good", 5),
        (Cell::Attention, "attention", 8),
        (Cell::Quiet, "quiet", 12),
        (Cell::Bad, "bad", 0),
        (Cell::Busy, "busy", 10),
    ];
    html! {
        svg.strip viewBox="0 0 119 16" role="img" aria-label=(label) {
            title { (label) }
            @if from > 0 { path.fill-none d=(PreEscaped(empty)) {} }
            @for (kind, class, top) in kinds {
                @let path = path(kind, top);
                @if !path.is_empty() { path.{ "fill-" (class) } d=(PreEscaped(path)) {} }
            }
        }
    }
}
