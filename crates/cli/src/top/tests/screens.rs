//! Pictures of the screens.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use syncmgr_control::view::RemarkView;

use super::samples::{NOW_MS, changes, happens, loaded, page};
use crate::look::Look;
use crate::text::width;
use crate::top::draw::{Scene, draw};
use crate::top::keys::Press;
use crate::top::layout::Size;
use crate::top::state::Top;
use crate::top::step::Event;

const PLAIN: Look = Look {
    columns: None,
    unicode: true,
    color: false,
};

fn drawn(top: &Top, look: Look) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, top.size.columns, top.size.rows));
    let scene = Scene {
        look,
        now_ms: NOW_MS,
        zone: TimeZone::UTC,
    };
    draw(&mut buffer, top, &scene);
    buffer
}

/// The letters, with `▌` before the row that is stood on.
fn picture(top: &Top, look: Look) -> String {
    let buffer = drawn(top, look);
    let mut lines = Vec::new();
    for row in 0..top.size.rows {
        let mut line = String::new();
        let mut column = 0;
        while column < top.size.columns {
            let symbol = buffer[(column, row)].symbol();
            line += symbol;
            column += u16::try_from(width(symbol).max(1)).unwrap();
        }
        let end = buffer[(top.size.columns - 1, row)].modifier;
        let stood = if end.contains(Modifier::REVERSED) {
            "▌"
        } else {
            " "
        };
        assert!(width(&line) <= usize::from(top.size.columns), "{line:?}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
        lines.push(format!("{stood}{}", line.trim_end()));
    }
    lines.join("\n")
}

pub(super) fn shown(top: &Top) -> String {
    picture(top, PLAIN)
}

fn type_in(top: &mut Top, keys: &str) {
    for letter in keys.chars() {
        let press = match letter {
            '\n' => Press::Enter,
            letter => Press::Char(letter),
        };
        happens(top, Event::Key(press));
    }
}

fn after(columns: u16, rows: u16, keys: &str) -> Top {
    let mut top = page(columns, rows);
    type_in(&mut top, keys);
    top
}

#[test]
fn the_pages() {
    for (name, keys) in [
        ("items", "jjj"),
        ("filtered", "/pa"),
        ("now", "2"),
        ("needs", "3"),
        ("conflicts", "3jm]mb"),
        ("answer", "3\nk"),
        ("confirm", "3jM>\n"),
        ("pause", "j "),
        ("help", "?"),
    ] {
        insta::assert_snapshot!(
            format!("{name}-80x24"),
            picture(&after(80, 24, keys), PLAIN)
        );
    }
    for (name, keys) in [("items", "jjj"), ("now", "2"), ("conflicts", "3jm]mb")] {
        insta::assert_snapshot!(
            format!("{name}-120x40"),
            picture(&after(120, 40, keys), PLAIN)
        );
    }
}

#[test]
fn without_unicode() {
    let ascii = Look {
        unicode: false,
        ..PLAIN
    };
    // Names are as they are; all that is ours is ASCII.
    let mut there = loaded();
    there.items.retain(|item| item.name.is_ascii());
    for item in &mut there.items {
        item.comment.clear();
    }
    for keys in ["", "2", "3jm]", "3\n", "j ", "?"] {
        let mut top = page(80, 24);
        there.status.total = 6;
        let mut again = loaded();
        again.items.clone_from(&there.items);
        happens(&mut top, Event::Loaded(Box::new(again)));
        type_in(&mut top, keys);
        let text = picture(&top, ascii).replace('▌', " ");
        assert!(text.is_ascii(), "{keys}\n{text}");
    }
}

#[test]
fn colours_are_those_of_the_other_commands_and_can_be_left_out() {
    // Not on one of them: where one stands, all is of one colour.
    let top = after(80, 24, "jjjj");
    let colors = |buffer: &Buffer| {
        let cells = buffer.content().iter();
        let mut colors: Vec<Color> = cells.map(|cell| cell.fg).collect();
        colors.sort_by_key(|color| format!("{color:?}"));
        colors.dedup();
        colors
    };
    assert_eq!(colors(&drawn(&top, PLAIN)), [Color::Reset]);
    let painted = drawn(
        &top,
        Look {
            color: true,
            ..PLAIN
        },
    );
    for color in [Color::Red, Color::Magenta, Color::Green, Color::Cyan] {
        assert!(colors(&painted).contains(&color), "{color:?}");
    }
}

#[test]
fn no_window_is_too_small_to_say_so() {
    for (columns, rows) in [(1, 1), (10, 3), (39, 24), (80, 9), (40, 10), (500, 200)] {
        for keys in ["", "2", "3", "3\n", "?", "3jM>\n", " ", "/x"] {
            let mut top = page(80, 24);
            type_in(&mut top, keys);
            top.size = Size { columns, rows };
            top.ready();
            let text = picture(&top, PLAIN);
            if columns == 39 {
                assert!(text.contains("too small"), "{text}");
            }
            if (columns, rows) == (40, 10) {
                assert!(!text.contains("too small"), "{text}");
            }
        }
    }
    insta::assert_snapshot!(
        "items-40x10",
        picture(
            &{
                let mut top = page(40, 10);
                type_in(&mut top, "j");
                top
            },
            PLAIN
        )
    );
}

#[test]
fn the_manager_is_away_and_comes_back() {
    let mut top = page(80, 24);
    happens(&mut top, Event::Away);
    let text = picture(&top, PLAIN);
    assert!(
        text.contains("The manager is away, trying again."),
        "{text}"
    );
    assert!(text.contains("photos"), "what was known is still there");
    happens(&mut top, Event::Back);
    assert!(!picture(&top, PLAIN).contains("away"));
    let mut fresh = Top {
        size: Size {
            columns: 80,
            rows: 24,
        },
        ..Top::default()
    };
    assert!(picture(&fresh, PLAIN).contains("Reading what there is."));
    happens(&mut fresh, Event::Away);
    assert!(picture(&fresh, PLAIN).contains("away"));
}

#[test]
fn the_verdict_is_told_whole_and_with_what_matters_beside_it() {
    let mut there = loaded();
    there.status.verdict.sentence =
        "papers, notes, photos, music and 12 others are late, mail failed, and 3 of 40 items need you.".into();
    let mut top = page(80, 24);
    happens(&mut top, Event::Loaded(Box::new(there)));
    let text = picture(&top, PLAIN);
    assert!(text.contains("mail failed, and 3"), "{text}");
    assert!(text.contains("need you."), "{text}");
    let mut there = loaded();
    there.status.daemon = false;
    happens(&mut top, Event::Loaded(Box::new(there)));
    assert!(picture(&top, PLAIN).contains("No daemon runs: nothing starts by itself."));
    let mut there = loaded();
    there.status.remarks = vec![RemarkView {
        said: None,
        about: "configuration".into(),
        text: "line 3 is no rule".into(),
        hint: None,
        problem: true,
    }];
    happens(&mut top, Event::Loaded(Box::new(there)));
    assert!(picture(&top, PLAIN).contains("! configuration: line 3 is no rule"));
}

#[test]
fn nothing_there_says_what_to_do_next() {
    let mut there = loaded();
    (there.items, there.needs, there.conflicts) = (vec![], vec![], vec![]);
    (there.starts, there.runs, there.conflict_total) = (vec![], vec![], 0);
    there.status.total = 0;
    let mut top = page(80, 24);
    happens(&mut top, Event::Loaded(Box::new(there)));
    assert!(picture(&top, PLAIN).contains("syncmgr add folder"));
    type_in(&mut top, "3");
    assert!(picture(&top, PLAIN).contains("Nothing waits for you."));
    let mut top = page(80, 24);
    type_in(&mut top, "/zzz");
    assert!(picture(&top, PLAIN).contains("No item has these words."));
}

/// Whatever a handler says is one line of the screen and acts on nothing.
#[test]
fn hostile_texts_stay_where_they_are() {
    let evil = format!(
        "\u{1b}[2J\u{1b}]0;x\u{7}\r\n\u{202e}{}",
        "長".repeat(10_000)
    );
    let mut there = loaded();
    there.status.verdict.sentence.clone_from(&evil);
    for item in &mut there.items {
        for text in [
            &mut item.name,
            &mut item.state,
            &mut item.comment,
            &mut item.handler_name,
        ] {
            text.clone_from(&evil);
        }
        item.problem = Some(evil.clone());
    }
    for need in &mut there.needs {
        need.item = Some(evil.clone());
        need.text.clone_from(&evil);
        need.detail = Some(evil.clone());
        for choice in &mut need.choices {
            choice.label.clone_from(&evil);
        }
    }
    for conflict in &mut there.conflicts {
        conflict.name.clone_from(&evil);
        conflict.summary.clone_from(&evil);
        for version in &mut conflict.versions {
            version.location.clone_from(&evil);
        }
    }
    for start in &mut there.starts {
        start.name.clone_from(&evil);
    }
    for (columns, rows) in [(80, 24), (41, 11)] {
        for keys in ["", "2", "3", "3\n", "3jM>\n", " "] {
            let mut top = page(columns, rows);
            let mut again = loaded();
            again.status = there.status.clone();
            again.items.clone_from(&there.items);
            again.needs.clone_from(&there.needs);
            again.conflicts.clone_from(&there.conflicts);
            again.starts.clone_from(&there.starts);
            happens(&mut top, Event::Loaded(Box::new(again)));
            type_in(&mut top, keys);
            changes(
                &mut top,
                syncmgr_control::What::Notice { text: evil.clone() },
            );
            let text = picture(&top, PLAIN);
            assert!(!text.contains('\u{202e}'), "{text}");
        }
    }
}
