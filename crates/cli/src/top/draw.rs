//! The screen, drawn from the state and nothing else.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::layout::{MIN_COLUMNS, MIN_ROWS, Parts, footer_rows, parts};
use super::state::{Mode, Tab, Tone, Top};
use super::{draw_dialog, draw_items, draw_needs, draw_now, styled};
use crate::items::{hero, next_line};
use crate::look::{Look, Mark};
use crate::text::{cut, harmless, width};

/// What belongs to drawing besides the state.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) look: Look,
    pub(crate) now_ms: i64,
    pub(crate) zone: TimeZone,
}

/// One line of a part of the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) text: String,
    /// The person stands on it.
    pub(crate) stood: bool,
}

impl Row {
    pub(crate) fn of(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            stood: false,
        }
    }
}

/// Draws everything, and tells where the cursor stands when it is seen.
pub(crate) fn draw(frame: &mut Buffer, top: &Top, scene: &Scene) -> Option<Position> {
    let area = frame.area;
    if !top.size.suffices() {
        let lines = [
            "The window is too small.".to_owned(),
            format!("{MIN_COLUMNS} columns and {MIN_ROWS} rows"),
            "are enough. q: quit".to_owned(),
        ];
        put(frame, (0, area.height), lines.map(Row::of));
        return None;
    }
    let parts = parts(top);
    put(frame, parts.hero, hero_lines(top, scene).map(Row::of));
    put_tabs(frame, top, parts.tabs.0);
    put(frame, parts.body, body(top, scene, parts));
    put(frame, parts.detail, detail(top, scene, parts));
    let cursor = put_message(frame, top, scene, parts.message.0);
    let rows = footer_rows(top).into_iter().map(|keys| {
        let keys = keys.iter().map(|(label, word)| {
            let look = &scene.look;
            format!("{} {}", look.bold(label), look.dim(word))
        });
        Row::of(keys.collect::<Vec<_>>().join("  "))
    });
    put(frame, parts.footer, rows);
    match &top.mode {
        Mode::Fill(filling) => {
            let (_, (column, row)) = draw_dialog::fill(filling, top, &scene.look);
            let row = parts.body.0 + u16::try_from(row).unwrap_or(0);
            Some(Position::new(u16::try_from(column).unwrap_or(0), row))
        }
        _ => cursor,
    }
}

fn body(top: &Top, scene: &Scene, parts: Parts) -> Vec<Row> {
    let rows = usize::from(parts.body.1);
    match &top.mode {
        Mode::Page | Mode::Filter => match top.tab {
            Tab::Items => draw_items::rows(top, scene, rows),
            Tab::Now => draw_now::rows(top, scene, rows),
            Tab::Needs => draw_needs::rows(top, scene, rows),
        },
        _ => draw_dialog::rows(top, scene),
    }
}

fn detail(top: &Top, scene: &Scene, parts: Parts) -> Vec<Row> {
    match (&top.mode, top.tab) {
        (Mode::Page | Mode::Filter, Tab::Items | Tab::Now) => vec![draw_items::detail(top, scene)],
        (Mode::Page, Tab::Needs) => draw_needs::detail(top, scene, usize::from(parts.detail.1)),
        _ => Vec::new(),
    }
}

/// Puts lines into a part of the screen; what has no room is left out.
fn put(frame: &mut Buffer, part: (u16, u16), rows: impl IntoIterator<Item = Row>) {
    let area = frame.area;
    let (from, height) = part;
    for (row, at) in rows.into_iter().zip(from..from.saturating_add(height)) {
        if at >= area.height {
            return;
        }
        frame.set_line(0, at, &styled::line(&row.text), area.width);
        if row.stood {
            let whole = Rect::new(0, at, area.width, 1);
            let style = Style::new()
                .fg(Color::Reset)
                .add_modifier(Modifier::REVERSED)
                .remove_modifier(Modifier::DIM);
            frame.set_style(whole, style);
        }
    }
}

/// The verdict, and below it the rest of it, or what matters most beside it.
fn hero_lines(top: &Top, scene: &Scene) -> [String; 2] {
    let look = &scene.look;
    let columns = usize::from(top.size.columns);
    let Some(status) = &top.status else {
        let text = if top.away {
            "The manager is away, trying again."
        } else {
            "Reading what there is."
        };
        return [
            format!("{} {text}", look.mark(Mark::Waiting)),
            String::new(),
        ];
    };
    if top.away {
        let text = look.bold("The manager is away, trying again.");
        let before = cut(
            &harmless(&status.verdict.sentence),
            columns.saturating_sub(10),
            look.ellipsis(),
        );
        return [
            format!("{} {text}", look.mark(Mark::Warning)),
            look.dim(&format!("  Before: {before}")),
        ];
    }
    let plain = Look {
        color: false,
        ..*look
    };
    let sentence = hero(&status.verdict, &plain, scene.now_ms);
    if width(&sentence) <= columns {
        return [
            hero(&status.verdict, look, scene.now_ms),
            beside(top, scene, columns),
        ];
    }
    let mut lines = crate::text::wrap(&sentence, columns).into_iter();
    let first = lines.next().unwrap_or_default();
    let rest = lines.collect::<Vec<_>>().join(" ");
    let rest = cut(&rest, columns.saturating_sub(2), look.ellipsis());
    let mark = Mark::of_exit(status.verdict.exit);
    let words = first.split_once(' ').map_or("", |(_, words)| words);
    [
        format!("{} {}", look.mark(mark), look.bold(words)),
        format!("  {}", look.bold(&rest)),
    ]
}

/// What matters most beside the verdict: a problem, that nothing starts by itself, or what starts next.
fn beside(top: &Top, scene: &Scene, columns: usize) -> String {
    let Some(status) = &top.status else {
        return String::new();
    };
    let look = &scene.look;
    let mut loud = status.remarks.iter().filter(|remark| remark.problem);
    if let Some(remark) = loud.next() {
        let text = format!("{}: {}", harmless(&remark.about), harmless(&remark.text));
        let text = cut(&text, columns.saturating_sub(2), look.ellipsis());
        return format!("{} {text}", look.mark(Mark::Warning));
    }
    let text = if !status.daemon {
        "No daemon runs: nothing starts by itself.".to_owned()
    } else if let Some(next) = &status.next {
        next_line(next, scene.now_ms)
    } else {
        return String::new();
    };
    let text = cut(&text, columns.saturating_sub(2), look.ellipsis());
    look.dim(&format!("  {text}"))
}

fn put_tabs(frame: &mut Buffer, top: &Top, at: u16) {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let labels = [
        (Tab::Items, "1 Items", count(top.total())),
        (
            Tab::Now,
            "2 Now/Next",
            count(top.status.as_ref().map_or(0, |status| status.running.len())),
        ),
        (Tab::Needs, "3 Needs you", top.open()),
    ];
    let mut spans = Vec::new();
    for (tab, label, number) in labels {
        let text = match number {
            0 => format!(" {label} "),
            number => format!(" {label} {number} "),
        };
        let style = if tab == top.tab {
            Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
        } else if tab == Tab::Needs && number > 0 {
            Style::new().add_modifier(Modifier::BOLD)
        } else {
            Style::new()
        };
        spans.push(Span::styled(text, style));
        spans.push(Span::raw(" "));
    }
    let area = frame.area;
    let left = Line::from(spans);
    let taken = left.width();
    frame.set_line(0, at, &left, area.width);
    let right = note(top);
    let columns = usize::from(area.width);
    if taken + width(&right) <= columns {
        let from = u16::try_from(columns - width(&right)).unwrap_or(0);
        frame.set_line(from, at, &Line::from(right), area.width - from);
    }
}

/// How much of it is seen.
fn note(top: &Top) -> String {
    match (top.tab, top.filter.is_empty()) {
        (Tab::Items, false) => format!("{} of {} fit", top.matching(), top.total()),
        (Tab::Needs, _) if !top.marked.is_empty() || !top.chosen.is_empty() => {
            format!("{} marked, {} chosen", top.marked.len(), top.chosen.len())
        }
        _ => String::new(),
    }
}

fn put_message(frame: &mut Buffer, top: &Top, scene: &Scene, at: u16) -> Option<Position> {
    let look = &scene.look;
    let columns = usize::from(top.size.columns);
    if top.mode == Mode::Filter || (top.tab == Tab::Items && !top.filter.is_empty()) {
        let text = format!("filter: {}", harmless(&top.filter));
        let text = cut(&text, columns.saturating_sub(1), look.ellipsis());
        let end = u16::try_from(width(&text)).unwrap_or(0);
        put(frame, (at, 1), [Row::of(text)]);
        if top.mode == Mode::Filter {
            return Some(Position::new(end, at));
        }
    }
    let (tone, text) = top.message.as_ref()?;
    let mark = match tone {
        Tone::Good => Mark::Good,
        Tone::Calm => Mark::Waiting,
        Tone::Bad => Mark::Failed,
    };
    let text = cut(text, columns.saturating_sub(2), look.ellipsis());
    let blank = " ".repeat(columns);
    put(frame, (at, 1), [Row::of(blank)]);
    put(
        frame,
        (at, 1),
        [Row::of(format!("{} {text}", look.mark(mark)))],
    );
    None
}
