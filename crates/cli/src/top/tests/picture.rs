//! docs/top.svg: the terminal page as it is drawn, for people who have not started it yet.

use std::fmt::Write as _;
use std::path::Path;

use jiff::tz::TimeZone;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use syncmgr_control::view::{ItemView, Shown};

use super::samples::{NOW_MS, conflict, happens, item, loaded, page};
use crate::look::Look;
use crate::text::width;
use crate::top::draw::{Scene, draw};
use crate::top::keys::Press;
use crate::top::state::Top;
use crate::top::step::Event;

/// Size of a letter, and of the edge around all of them.
const LETTER: (f64, f64) = (8.43, 19.0);
const EDGE: f64 = 16.0;
/// Rows between the two pictures.
const GAP_ROWS: u16 = 1;

fn drawn(top: &Top) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, top.size.columns, top.size.rows));
    let scene = Scene {
        look: Look {
            columns: None,
            unicode: true,
            color: true,
        },
        now_ms: NOW_MS,
        zone: TimeZone::UTC,
    };
    draw(&mut buffer, top, &scene);
    buffer
}

/// What could be there on any day.
fn any_day(rows: u16, keys: &[Press]) -> Top {
    let mut there = loaded();
    there.items.truncate(5);
    there.items.extend([
        item("music", Shown::Fresh, "in sync"),
        ItemView {
            handler: "restic".into(),
            handler_name: "restic".into(),
            last_good_ms: Some(NOW_MS - 9 * 3_600_000),
            ..item("backup", Shown::Fresh, "in sync")
        },
    ]);
    there.starts[1].item = "BACKUP".into();
    there.starts[1].handler = "restic".into();
    there.starts[1].name = "backup".into();
    there.conflicts[2] = conflict("c3", "todo.txt");
    let mut top = page(96, rows);
    happens(&mut top, Event::Loaded(Box::new(there)));
    for key in keys {
        happens(&mut top, Event::Key(*key));
    }
    top
}

fn color(cell: &Cell) -> &'static str {
    match cell.fg {
        Color::Red => "#f38ba8",
        Color::Green => "#a6e3a1",
        Color::Yellow => "#f9e2af",
        Color::Magenta => "#f5c2e7",
        Color::Cyan => "#89dceb",
        _ if cell.modifier.contains(Modifier::DIM) => "#9399b2",
        _ => "#cdd6f4",
    }
}

/// The screens below each other.
fn svg(screens: &[Buffer]) -> String {
    let columns = screens
        .iter()
        .map(|screen| screen.area.width)
        .max()
        .unwrap();
    let rows: u16 = screens
        .iter()
        .map(|screen| screen.area.height + GAP_ROWS)
        .sum();
    let (wide, high) = (
        f64::from(columns) * LETTER.0 + 2.0 * EDGE,
        f64::from(rows) * LETTER.1 + EDGE,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide:.0}\" height=\"{high:.0}\" viewBox=\"0 0 {wide:.0} {high:.0}\" \
         role=\"img\" aria-label=\"The terminal page: items with their states, and conflicts being decided\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1e1e2e\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\" \
         xml:space=\"preserve\">\n"
    );
    let mut above = 0;
    for screen in screens {
        for row in 0..screen.area.height {
            let mut column = 0;
            while column < screen.area.width {
                let first = &screen[(column, row)];
                let (from, mut text) = (column, String::new());
                while column < screen.area.width {
                    let cell = &screen[(column, row)];
                    if (cell.fg, cell.modifier) != (first.fg, first.modifier) {
                        break;
                    }
                    text += cell.symbol();
                    column += u16::try_from(width(cell.symbol()).max(1)).unwrap();
                }
                let (x, y) = (
                    EDGE + f64::from(from) * LETTER.0,
                    EDGE + f64::from(above + row) * LETTER.1,
                );
                let length = f64::from(column - from) * LETTER.0;
                let reversed = first.modifier.contains(Modifier::REVERSED);
                if reversed {
                    writeln!(
                        out,
                        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                        LETTER.1,
                        color(first)
                    )
                    .unwrap();
                }
                if text.trim().is_empty() {
                    continue;
                }
                let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
                let weight = if first.modifier.contains(Modifier::BOLD) {
                    " font-weight=\"bold\""
                } else {
                    ""
                };
                let fill = if reversed { "#1e1e2e" } else { color(first) };
                writeln!(
                    out,
                    "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{fill}\"{weight} textLength=\"{length:.1}\">{escaped}</text>",
                    y + 14.0
                )
                .unwrap();
            }
        }
        above += screen.area.height + GAP_ROWS;
    }
    out + "</g>\n</svg>\n"
}

/// The picture is what the page draws. Written anew with `INSTA_UPDATE=always`, as the snapshots are.
#[test]
fn the_picture_in_the_documents_is_current() {
    let conflicts = [
        Press::Char('3'),
        Press::Down,
        Press::Char('m'),
        Press::Char('m'),
        Press::Char('>'),
    ];
    let new = svg(&[
        drawn(&any_day(15, &[Press::Down, Press::Down, Press::Down])),
        drawn(&any_day(22, &conflicts)),
    ]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/top.svg");
    #[expect(
        clippy::disallowed_methods,
        reason = "a test that can write what it checks"
    )]
    let update = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    if update {
        std::fs::write(&path, &new).unwrap();
    }
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        old == new,
        "docs/top.svg is out of date; INSTA_UPDATE=always writes it"
    );
}
