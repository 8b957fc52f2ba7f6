//! The third page: questions and conflicts.

use syncmgr_control::view::ConflictView;

use super::draw::{Row, Scene};
use super::sides::sign;
use super::state::{NeedRow, Tab, Top};
use crate::inbox::{conflict_heading, when_asked};
use crate::look::{Look, Mark};
use crate::question::heading;
use crate::register::handler_label;
use crate::text::{cut, harmless, pad, width};
use crate::when;

/// Columns of the sign of what was chosen.
const SIGN: usize = 4;

/// The rows that are seen.
pub(super) fn rows(top: &Top, scene: &Scene, height: usize) -> Vec<Row> {
    if top.need_rows.is_empty() {
        let text = match top.status {
            Some(_) => "  Nothing waits for you.",
            None => "",
        };
        return vec![Row::default(), Row::of(text)];
    }
    let page = Tab::Needs.at();
    let (from, at) = (top.from[page], top.cursor[page]);
    let seen = top.need_rows.iter().enumerate().skip(from).take(height);
    seen.map(|(index, row)| Row {
        text: text(top, row, scene),
        stood: index == at && top.stands(at),
    })
    .collect()
}

fn text(top: &Top, row: &NeedRow, scene: &Scene) -> String {
    let look = &scene.look;
    let columns = usize::from(top.size.columns);
    match row {
        NeedRow::Head(name) => look.bold(&cut(&harmless(name), columns, look.ellipsis())),
        NeedRow::Need(place) => top.needs.get(*place).map_or_else(String::new, |need| {
            let about = need
                .item
                .as_deref()
                .unwrap_or_else(|| handler_label(&need.handler, &need.handler_name));
            let asked = when::ago(need.opened_ms, scene.now_ms);
            let room = columns.saturating_sub(4 + width(&asked));
            let line = format!("{}: {}", harmless(about), harmless(&need.text));
            let line = pad(&cut(&line, room, look.ellipsis()), room);
            format!("{} {line}  {}", look.mark(Mark::Question), look.dim(&asked))
        }),
        NeedRow::Conflict(place) => {
            top.conflicts
                .get(*place)
                .map_or_else(String::new, |conflict| {
                    let mark = match (top.marked.contains(&conflict.id), look.unicode) {
                        (true, true) => "●",
                        (true, false) => "*",
                        (false, _) => " ",
                    };
                    let chosen = top.chosen.get(&conflict.id);
                    let sign = chosen.map_or_else(
                        || "?".to_owned(),
                        |choice| cut(&sign(conflict, choice, look.unicode), SIGN, ""),
                    );
                    let sign = pad(&sign, SIGN);
                    let sign = if chosen.is_some() {
                        look.paint(Mark::Good, &sign)
                    } else {
                        look.paint(Mark::Question, &sign)
                    };
                    let line = format!(
                        "{}  {}",
                        harmless(&conflict.name),
                        harmless(&conflict.summary)
                    );
                    let line = cut(&line, columns.saturating_sub(5 + SIGN), look.ellipsis());
                    format!("  {mark} {sign} {line}")
                })
        }
    }
}

/// Everything about what one stands on.
pub(super) fn detail(top: &Top, scene: &Scene, height: usize) -> Vec<Row> {
    let columns = usize::from(top.size.columns);
    let look = Look {
        columns: Some(columns),
        ..scene.look
    };
    let rule = if look.unicode { "─" } else { "-" };
    let mut lines = vec![look.dim(&rule.repeat(columns))];
    if let Some(need) = top.need() {
        lines.extend(heading(need, &look));
        let asked = when_asked(need, scene.now_ms, &scene.zone);
        lines.push(format!("    {}", look.dim(&asked)));
    } else if let Some(conflict) = top.conflict() {
        lines.extend(conflict_heading(conflict, scene.now_ms, &scene.zone, &look));
        lines.extend(choices(top, conflict, &look));
    } else {
        lines.clear();
    }
    if lines.len() > height {
        lines.truncate(height.saturating_sub(1));
        lines.push(look.dim(&format!("    {}", look.ellipsis())));
    }
    lines.into_iter().map(Row::of).collect()
}

/// What is offered, with the chosen one marked.
fn choices(top: &Top, conflict: &ConflictView, look: &Look) -> Vec<String> {
    let chosen = top.chosen.get(&conflict.id);
    let choices = conflict.choices.iter();
    choices
        .map(|choice| {
            let label = if choice.label.is_empty() {
                &choice.name
            } else {
                &choice.label
            };
            let sign = pad(&sign(conflict, &choice.name, look.unicode), SIGN);
            let line = format!("  {sign} {}", harmless(label));
            let line = cut(&line, look.wrap_columns(), look.ellipsis());
            if chosen == Some(&choice.name) {
                look.bold(&line)
            } else {
                look.dim(&line)
            }
        })
        .collect()
}
