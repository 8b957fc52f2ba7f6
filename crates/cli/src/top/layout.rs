//! Where what stands on the screen.

use super::keys::footer;
use super::state::{Mode, Tab, Top};
use crate::text::width;

/// Narrower, nothing can be shown.
pub(crate) const MIN_COLUMNS: u16 = 40;
/// Lower, nothing can be shown.
pub(crate) const MIN_ROWS: u16 = 10;
/// Rows of the verdict and what belongs to it.
const HERO_ROWS: u16 = 2;
/// Rows of the page that a text leaves as they are: its keys are few, and their row is one.
pub(crate) const ROWS_AROUND_A_TEXT: u16 = HERO_ROWS + 3;
/// Most rows of the footer.
const MAX_FOOTER_ROWS: usize = 3;
/// In a lower window the footer has one row.
const MIN_ROWS_OF_A_LONG_FOOTER: u16 = 16;
/// Most rows of what is told about the question or the conflict that one stands on.
const MAX_DETAIL_ROWS: u16 = 10;
/// Columns between two keys of the footer.
const FOOTER_GAP: usize = 2;

/// Columns and rows of the terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
}

impl Size {
    /// Something can be shown.
    pub(crate) fn suffices(self) -> bool {
        self.columns >= MIN_COLUMNS && self.rows >= MIN_ROWS
    }
}

/// First row and number of rows of each part, from above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) hero: (u16, u16),
    pub(crate) tabs: (u16, u16),
    pub(crate) body: (u16, u16),
    /// About what one stands on.
    pub(crate) detail: (u16, u16),
    pub(crate) message: (u16, u16),
    pub(crate) footer: (u16, u16),
}

/// The parts of the screen.
pub(crate) fn parts(top: &Top) -> Parts {
    let rows = top.size.rows;
    let keys = footer_rows(top);
    let footer = u16::try_from(keys.len()).unwrap_or(1);
    let fixed = HERO_ROWS + 1 + 1 + footer;
    let room = rows.saturating_sub(fixed);
    let detail = match (&top.mode, top.tab) {
        (Mode::Page | Mode::Filter, Tab::Items | Tab::Now) => 1,
        (Mode::Page, Tab::Needs) => (room / 2).min(MAX_DETAIL_ROWS),
        _ => 0,
    };
    let body = room.saturating_sub(detail);
    let mut at = 0;
    let mut take = |rows: u16| {
        let from = at;
        at += rows;
        (from, rows)
    };
    Parts {
        hero: take(HERO_ROWS),
        tabs: take(1),
        body: take(body),
        detail: take(detail),
        message: take(1),
        footer: take(footer),
    }
}

/// Rows of the page that can be walked through.
pub(crate) fn list_rows(top: &Top) -> usize {
    let body = usize::from(parts(top).body.1);
    match top.tab {
        // One is the heading of the table.
        Tab::Items => body.saturating_sub(1),
        Tab::Now | Tab::Needs => body,
    }
}

/// The keys of the footer in rows; what does not fit into the last one is in the help, which is always there.
pub(crate) fn footer_rows(top: &Top) -> Vec<Vec<(String, &'static str)>> {
    let columns = usize::from(top.size.columns);
    let most = if top.size.rows < MIN_ROWS_OF_A_LONG_FOOTER {
        1
    } else {
        MAX_FOOTER_ROWS
    };
    let mut keys = footer(top);
    let always = keys
        .iter()
        .rposition(|(_, word)| *word == "help")
        .map(|at| keys.split_off(at))
        .unwrap_or_default();
    let taken = |(label, word): &(String, &str)| width(label) + 1 + width(word) + FOOTER_GAP;
    let last: usize = always.iter().map(taken).sum();
    let mut rows = vec![Vec::new()];
    let mut used = 0;
    for key in keys {
        let wanted = taken(&key);
        let reserved = if rows.len() == most { last } else { 0 };
        if used + wanted + reserved > columns + FOOTER_GAP {
            if rows.len() == most {
                break;
            }
            rows.push(Vec::new());
            used = 0;
        }
        used += wanted;
        if let Some(row) = rows.last_mut() {
            row.push(key);
        }
    }
    if used + last > columns + FOOTER_GAP && rows.len() < most {
        rows.push(Vec::new());
    }
    if let Some(row) = rows.last_mut() {
        row.extend(always);
    }
    rows
}

/// The first row that is seen, so that the one that is stood on is.
pub(crate) fn scrolled(from: usize, at: usize, rows: usize, all: usize) -> usize {
    let rows = rows.max(1);
    let last = all.saturating_sub(rows);
    let from = from.min(last).min(at);
    if at >= from + rows {
        (at + 1).saturating_sub(rows)
    } else {
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stood_on_is_seen() {
        for (from, at, rows, all, seen) in [
            (0, 0, 10, 100, 0),
            (0, 9, 10, 100, 0),
            (0, 10, 10, 100, 1),
            (50, 40, 10, 100, 40),
            (95, 99, 10, 100, 90),
            (5, 2, 10, 3, 0),
            (0, 0, 0, 0, 0),
        ] {
            assert_eq!(
                scrolled(from, at, rows, all),
                seen,
                "{from} {at} {rows} {all}"
            );
        }
    }
}
