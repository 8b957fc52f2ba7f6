//! The first page: every item.

use syncmgr_control::view::{ItemView, RunState};

use super::draw::{Row, Scene};
use super::state::{Tab, Top};
use crate::items::{last_good_cell, next, state, state_cell};
use crate::look::Look;
use crate::register::handler_label;
use crate::schedule::held_by;
use crate::table::{Cell, Table};
use crate::text::{cut, harmless};
use crate::when;

/// The headings.
const HEAD: [&str; 5] = ["STATE", "ITEM", "HANDLER", "LAST GOOD", "NEXT, OR WHY NOT"];
/// In a narrower window, handler and last good run are left to `i`.
const MIN_COLUMNS_OF_ALL: u16 = 60;
/// The columns that are always there.
const VITAL: [usize; 3] = [0, 1, 4];
/// As wide as the last good run ever is.
const LAST_GOOD: &str = "59 min ago";

/// The widest that each cell gets, for columns that stay where they are while one walks.
pub(super) fn cells(item: &ItemView) -> [String; 5] {
    [
        format!("x {}", state(item)),
        item.name.clone(),
        handler_label(&item.handler, &item.handler_name).to_owned(),
        LAST_GOOD.to_owned(),
        reason(item),
    ]
}

/// Why the item is as it is, or what it does.
fn reason(item: &ItemView) -> String {
    let works = matches!(item.run_state, RunState::Syncing | RunState::Stopping);
    if works && item.progress.is_some() {
        return next(item);
    }
    let needs = u64::try_from(item.needs.len()).unwrap_or(u64::MAX);
    match (needs, item.conflicts) {
        (0, 0) => next(item),
        (0, conflicts) => format!("{}, on page 3", when::count(conflicts, "conflict")),
        (needs, _) => format!("{}, on page 3", when::count(needs, "question")),
    }
}

/// The rows that are seen.
pub(super) fn rows(top: &Top, scene: &Scene, height: usize) -> Vec<Row> {
    let look = Look {
        columns: Some(usize::from(top.size.columns)),
        ..scene.look
    };
    if top.total() == 0 {
        let lines = match &top.status {
            Some(status) if status.total == 0 => vec![
                String::new(),
                "  No items yet. Two folders that are kept the same are one:".to_owned(),
                format!(
                    "    {}",
                    look.bold("syncmgr add folder ~/Documents /mnt/usb/Documents")
                ),
            ],
            _ => Vec::new(),
        };
        return lines.into_iter().map(Row::of).collect();
    }
    if top.matching() == 0 {
        return vec![Row::default(), Row::of("  No item has these words.")];
    }
    let page = Tab::Items.at();
    let (from, at) = (top.from[page], top.cursor[page]);
    let narrow = top.size.columns < MIN_COLUMNS_OF_ALL;
    let told = |column: &usize| !narrow || VITAL.contains(column);
    let columns: Vec<usize> = (0..HEAD.len()).filter(told).collect();
    let head: Vec<&'static str> = columns.iter().map(|column| HEAD[*column]).collect();
    let widest: Vec<usize> = columns.iter().map(|column| top.widest[*column]).collect();
    let mut table = Table::new(&head).at_least(&widest);
    let rows = (from..top.matching()).take(height.saturating_sub(1));
    for row in rows {
        let cells = match top.item_at(row) {
            Some(item) => [
                state_cell(item, &look),
                Cell::new(&item.name),
                Cell::new(handler_label(&item.handler, &item.handler_name)),
                last_good_cell(item, scene.now_ms),
                Cell::new(why_or_next(top, item, scene)),
            ],
            // It was asked for, and comes in a moment.
            None => ["", look.ellipsis(), "", "", ""].map(Cell::new),
        };
        let cells = cells.into_iter().enumerate();
        let cells = cells.filter(|(column, _)| told(column));
        table.row(cells.map(|(_, cell)| cell).collect());
    }
    let lines = table.lines(&look).into_iter().enumerate();
    lines
        .map(|(index, text)| Row {
            text,
            stood: index > 0 && from + index - 1 == at,
        })
        .collect()
}

fn why_or_next(top: &Top, item: &ItemView, scene: &Scene) -> String {
    let why = reason(item);
    if !why.is_empty() {
        return why;
    }
    top.start_of(item).map_or_else(String::new, |start| {
        let coming = &start.coming;
        match &coming.held_by {
            None => format!("starts {}", when::ahead(coming.at_ms, scene.now_ms)),
            Some(_) => format!(
                "would start {}; but {}",
                when::ahead(coming.at_ms, scene.now_ms),
                held_by(coming, &scene.zone)
            ),
        }
    })
}

/// What there is no room for in the row that one stands on.
pub(super) fn detail(top: &Top, scene: &Scene) -> Row {
    let look = &scene.look;
    let Some(item) = top.item() else {
        return Row::default();
    };
    let why = why_or_next(top, item, scene);
    let text = match (&item.problem, why.as_str()) {
        (Some(problem), _) => problem.clone(),
        (None, "") => item.comment.clone(),
        (None, why) => format!("{why}  {}", item.comment),
    };
    let text = format!("{}: {}", harmless(&item.name), harmless(&text));
    let columns = usize::from(top.size.columns);
    Row::of(look.dim(&cut(&text, columns, look.ellipsis())))
}
