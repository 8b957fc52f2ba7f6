//! Tables: columns as wide as they must be, cut only where the terminal has no room for them.

use crate::look::{Look, Mark};
use crate::text::{cut, harmless, pad, width, wrap_tight};

/// Columns between two columns.
const GAP: usize = 2;
/// No column is cut below this.
const MIN_CUT: usize = 12;

/// A cell: text, and the mark whose colour it has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    text: String,
    mark: Option<Mark>,
}

impl Cell {
    /// A cell with text from anywhere.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self {
            text: harmless(text.as_ref()),
            mark: None,
        }
    }

    /// The same in a mark's colour.
    pub(crate) fn marked(mut self, mark: Mark) -> Self {
        self.mark = Some(mark);
        self
    }
}

/// A table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    floor: Vec<usize>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new(head: &[&'static str]) -> Self {
        Self {
            head: head.to_vec(),
            rows: Vec::new(),
            floor: Vec::new(),
        }
    }

    /// Columns are as wide as if there were cells of these widths: for a part of a longer table.
    pub(crate) fn at_least(mut self, widths: &[usize]) -> Self {
        self.floor = widths.to_vec();
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// As wide as the widest cell; where that is more than the terminal has, the widest columns give way first.
    fn widths(&self, look: &Look) -> Vec<usize> {
        let mut widths: Vec<usize> = self.head.iter().map(|head| width(head)).collect();
        for row in &self.rows {
            for (column, cell) in widths.iter_mut().zip(row) {
                *column = (*column).max(width(&cell.text));
            }
        }
        for (column, floor) in widths.iter_mut().zip(&self.floor) {
            *column = (*column).max(*floor);
        }
        let Some(columns) = look.columns else {
            return widths;
        };
        let room = columns.saturating_sub(GAP * widths.len().saturating_sub(1));
        let mut taken: usize = widths.iter().sum();
        // Of columns that are equally wide, the last one gives way.
        while taken > room {
            let Some(widest) = widths.iter_mut().max().filter(|widest| **widest > MIN_CUT) else {
                break;
            };
            *widest -= 1;
            taken -= 1;
        }
        widths
    }

    /// The lines, headings first; what does not fit goes on in the next line of its column.
    pub(crate) fn wrapped(&self, look: &Look) -> Vec<String> {
        let widths = self.widths(look);
        let mut broken = Self::new(&self.head);
        for row in &self.rows {
            let cells: Vec<Vec<String>> = row
                .iter()
                .zip(&widths)
                .map(|(cell, columns)| wrap_tight(&cell.text, *columns))
                .collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(0);
            for at in 0..height {
                let line = cells.iter().zip(row).map(|(lines, cell)| Cell {
                    text: lines.get(at).cloned().unwrap_or_default(),
                    mark: cell.mark,
                });
                broken.row(line.collect());
            }
        }
        broken.lines(look)
    }

    /// The lines, headings first.
    pub(crate) fn lines(&self, look: &Look) -> Vec<String> {
        let last = self.head.len().saturating_sub(1);
        let widths = self.widths(look);
        let line = |cells: Vec<(String, Option<Mark>, bool)>| {
            let mut line = String::new();
            for (index, ((text, mark, bold), &column)) in cells.iter().zip(&widths).enumerate() {
                let text = cut(text, column, look.ellipsis());
                let text = if index == last {
                    text
                } else {
                    pad(&text, column + GAP)
                };
                line += &match mark {
                    _ if *bold => look.dim(&text),
                    Some(mark) => look.paint(*mark, &text),
                    None => text,
                };
            }
            line.truncate(line.trim_end().len());
            line
        };
        let head = self
            .head
            .iter()
            .map(|&head| (head.to_owned(), None, true))
            .collect();
        let mut lines = vec![line(head)];
        for row in &self.rows {
            lines.push(line(
                row.iter()
                    .map(|cell| (cell.text.clone(), cell.mark, false))
                    .collect(),
            ));
        }
        lines
    }
}
