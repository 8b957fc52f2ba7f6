//! What is open above a page: a text, a menu, a question, a confirmation.

use super::draw::{Row, Scene};
use super::layout::{ROWS_AROUND_A_TEXT, parts};
use super::state::{Answering, Confirming, Filling, Mode, Pausing, Text, Top};
use crate::inbox::when_asked;
use crate::look::{Look, Mark};
use crate::question::heading;
use crate::text::{cut, harmless, width, wrap};

/// Rows of the title of a text.
const TITLE_ROWS: usize = 1;

/// Rows of a text that are seen at once.
pub(super) fn text_rows(top: &Top) -> usize {
    usize::from(top.size.rows)
        .saturating_sub(usize::from(ROWS_AROUND_A_TEXT))
        .saturating_sub(TITLE_ROWS)
}

/// The rows of what is open.
pub(super) fn rows(top: &Top, scene: &Scene) -> Vec<Row> {
    let look = Look {
        columns: Some(usize::from(top.size.columns)),
        ..scene.look
    };
    match &top.mode {
        Mode::Page | Mode::Filter => Vec::new(),
        Mode::Text(open) => text(open, text_rows(top), &look),
        Mode::Pause(pausing) => pause(pausing, top, &look),
        Mode::Confirm(confirming) => confirm(confirming, &look),
        Mode::Choose(choosing) => super::choosing::rows(choosing, top, scene, &look),
        Mode::Answer(answering) => answer(answering, top, scene, &look),
        Mode::Fill(filling) => fill(filling, top, &look).0,
    }
}

fn text(open: &Text, height: usize, look: &Look) -> Vec<Row> {
    let all = open.lines.as_ref().map_or(0, Vec::len);
    let mut title = look.bold(&cut(&open.title, look.wrap_columns(), look.ellipsis()));
    if all > height {
        let last = (open.from + height).min(all);
        title = format!(
            "{title}  {}",
            look.dim(&format!("{} to {last} of {all}", open.from + 1))
        );
    }
    let mut rows = vec![Row::of(title)];
    match &open.lines {
        None => rows.push(Row::of(look.dim("  reading"))),
        Some(lines) => {
            let seen = lines.iter().skip(open.from).take(height);
            rows.extend(seen.map(|line| Row::of(line.clone())));
        }
    }
    rows
}

fn pause(pausing: &Pausing, top: &Top, look: &Look) -> Vec<Row> {
    let what = if pausing.everything {
        "everything".to_owned()
    } else {
        harmless(&pausing.name)
    };
    let title = cut(
        &format!("Pause {what}"),
        look.wrap_columns(),
        look.ellipsis(),
    );
    let mut lines = vec![look.bold(&title), String::new()];
    for binding in super::keys::valid(top).filter(|binding| !binding.word.is_empty()) {
        let word = match binding.act {
            super::keys::Act::PauseAll if pausing.everything => "only this item",
            super::keys::Act::PauseAll => "everything instead",
            _ => binding.word,
        };
        lines.push(format!("  {}  {word}", look.bold(&binding.press.label())));
    }
    lines.into_iter().map(Row::of).collect()
}

fn confirm(confirming: &Confirming, look: &Look) -> Vec<Row> {
    let mut lines = vec![look.bold(&confirming.title), String::new()];
    for line in &confirming.lines {
        let columns = look.wrap_columns().saturating_sub(2);
        lines.extend(
            wrap(line, columns)
                .into_iter()
                .map(|line| format!("  {line}")),
        );
    }
    lines.into_iter().map(Row::of).collect()
}

fn answer(answering: &Answering, top: &Top, scene: &Scene, look: &Look) -> Vec<Row> {
    let need = &answering.need;
    let mut above: Vec<Row> = heading(need, look).into_iter().map(Row::of).collect();
    let asked = when_asked(need, scene.now_ms, &scene.zone);
    above.push(Row::of(format!("    {}", look.dim(&asked))));
    above.push(Row::default());
    let mut below = Vec::new();
    for (index, choice) in need.choices.iter().enumerate() {
        let label = if choice.label.is_empty() {
            harmless(&choice.name)
        } else {
            format!("{}: {}", harmless(&choice.name), harmless(&choice.label))
        };
        let line = format!("  {label}");
        below.push(Row {
            text: cut(&line, look.wrap_columns(), look.ellipsis()),
            stood: index == answering.at,
        });
    }
    if need.choices.is_empty() {
        let text = format!("  It is answered by: syncmgr answer {}", need.id);
        below.push(Row::of(text));
    }
    // What one chooses from is seen, however long the question is.
    let height = usize::from(parts(top).body.1);
    let room = height.saturating_sub(below.len().min(height / 2 + 1));
    if above.len() > room {
        above.truncate(room.saturating_sub(1));
        above.push(Row::of(format!(
            "{} {}",
            look.mark(Mark::Off),
            look.ellipsis()
        )));
    }
    let first = answering
        .at
        .saturating_sub(height.saturating_sub(above.len() + 1));
    above.extend(below.into_iter().skip(first));
    above
}

/// What stands for each letter of a secret.
const HIDDEN: &str = "*";

/// The field that is filled in, and where the cursor stands: column and row below the first one.
pub(super) fn fill(filling: &Filling, top: &Top, look: &Look) -> (Vec<Row>, (usize, usize)) {
    let columns = usize::from(top.size.columns);
    let height = usize::from(parts(top).body.1);
    let mut lines: Vec<String> = filling
        .lines
        .iter()
        .flat_map(|line| super::styled::wrap(line, columns))
        .collect();
    // The field is seen, however long the question is.
    lines.truncate(height.saturating_sub(2));
    if !lines.is_empty() {
        lines.push(String::new());
    }
    let letters = filling.line.chars().count();
    let shown = if filling.hidden {
        HIDDEN.repeat(letters)
    } else {
        harmless(&filling.line)
    };
    let prompt = cut(&filling.prompt, columns / 2, look.ellipsis());
    // Of a long line its end is seen, where one types.
    let room = columns.saturating_sub(width(&prompt) + 1);
    let mut tail = shown.as_str();
    while width(tail) > room {
        let mut letters = tail.chars();
        letters.next();
        tail = letters.as_str();
    }
    let at = (width(&prompt) + width(tail), lines.len());
    lines.push(format!("{}{tail}", look.bold(&prompt)));
    (lines.into_iter().map(Row::of).collect(), at)
}
