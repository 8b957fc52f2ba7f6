//! The second page: what works, what comes, what was.

use super::draw::{Row, Scene};
use super::state::{NowRow, Tab, Top};
use crate::history::runs_table;
use crate::look::{Look, Mark};
use crate::schedule::held_by;
use crate::table::{Cell, Table};
use crate::text::{cut, harmless};
use crate::when;

/// Blanks before a row below a heading.
const INDENT: usize = 2;

/// The rows that are seen.
pub(super) fn rows(top: &Top, scene: &Scene, height: usize) -> Vec<Row> {
    let columns = usize::from(top.size.columns).saturating_sub(INDENT);
    let look = Look {
        columns: Some(columns),
        ..scene.look
    };
    let page = Tab::Now.at();
    let (from, at) = (top.from[page], top.cursor[page]);
    let seen = || top.now_rows.iter().skip(from).take(height);
    // Tables are made of what is seen of them, and taken apart again.
    let starts = seen().filter_map(|row| match row {
        NowRow::Start(place) => top.starts.get(*place),
        _ => None,
    });
    let mut table = Table::new(&["WHEN", "AT", "ITEM", "BY", "BUT"]);
    for start in starts {
        table.row(vec![
            Cell::new(when::ahead(start.coming.at_ms, scene.now_ms)),
            Cell::new(when::clock(start.coming.at_ms, &scene.zone)),
            Cell::new(&start.name),
            Cell::new(start.coming.rule.as_deref().unwrap_or("another try")),
            Cell::new(held_by(&start.coming, &scene.zone)),
        ]);
    }
    let mut starts = table.lines(&look).into_iter().skip(1);
    let runs = seen().filter_map(|row| match row {
        NowRow::Run(place) => top.runs.get(*place),
        _ => None,
    });
    let mut runs = runs_table(runs, &look, scene.now_ms)
        .lines(&look)
        .into_iter()
        .skip(1);
    let mut rows = Vec::new();
    for (index, row) in seen().enumerate() {
        let text = match row {
            NowRow::Head(text) => look.dim(text),
            NowRow::Working(run, (handler, item)) => {
                let key = (*run, handler.as_str(), item.as_str());
                let line = top.progress.line(key, &look, scene.now_ms, top.turn);
                format!("  {}", line.unwrap_or_default())
            }
            NowRow::Waiting(key) => top.item_of(key).map_or_else(String::new, |item| {
                let text = format!("{}  {}", harmless(&item.name), harmless(&item.state));
                let text = cut(&text, columns.saturating_sub(2), look.ellipsis());
                format!("  {} {text}", look.mark(Mark::Waiting))
            }),
            NowRow::Start(_) => format!("  {}", starts.next().unwrap_or_default()),
            NowRow::Run(_) => format!("  {}", runs.next().unwrap_or_default()),
        };
        rows.push(Row {
            text,
            stood: from + index == at && top.stands(at),
        });
    }
    rows
}
