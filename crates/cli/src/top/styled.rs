//! Lines that carry the colours of `look`, as the terminal page draws them.
//!
//! Foreign text has no escape left in it when it gets here (`text::harmless`): every escape is one of ours, and says nothing
//! but colours.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar as _;

/// What begins an escape of ours.
const ESCAPE: &str = "\u{1b}[";

/// The line with its escapes as styles.
pub(crate) fn line(text: &str) -> Line<'static> {
    let mut spans = Vec::new();
    let mut style = Style::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(ESCAPE) {
        push(&mut spans, before, style);
        let Some((codes, after)) = after.split_once('m') else {
            // Nothing of ours: what follows is left out rather than shown to the terminal.
            return Line::from(spans);
        };
        for code in codes.split(';') {
            style = styled(style, code.parse().unwrap_or(0));
        }
        rest = after;
    }
    push(&mut spans, rest, style);
    Line::from(spans)
}

/// The text in lines of at most so many columns, each with the colours that it had; broken between words where there are any.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut used, mut worn) = (String::new(), 0, String::new());
    // Behind the last blank: where in the line, how wide up to there, and which colours were worn.
    let mut blank = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            let mut escape = String::from(letter);
            for next in letters.by_ref() {
                escape.push(next);
                if next == 'm' {
                    break;
                }
            }
            line += &escape;
            if escape == "\u{1b}[0m" {
                worn.clear();
            } else {
                worn += &escape;
            }
            continue;
        }
        let wide = letter.width().unwrap_or(0);
        if used + wide > columns.max(2) {
            // A line of blanks and one long word is broken within the word.
            let (at, width, colors) = blank
                .take()
                .filter(|(_, width, _)| *width > columns / 2)
                .unwrap_or_else(|| (line.len(), used, worn.clone()));
            let rest = line.split_off(at);
            lines.push(std::mem::replace(&mut line, colors + &rest));
            used -= width;
        }
        used += wide;
        line.push(letter);
        if letter == ' ' {
            blank = Some((line.len(), used, worn.clone()));
        }
    }
    lines.push(line);
    lines
}

fn push(spans: &mut Vec<Span<'static>>, text: &str, style: Style) {
    if !text.is_empty() {
        spans.push(Span::styled(text.replace('\u{1b}', ""), style));
    }
}

/// The style after a code of ECMA-48 8.3.117; those that `look` and the reports do not use change nothing.
fn styled(style: Style, code: u8) -> Style {
    const COLORS: [Color; 8] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
    ];
    let color = |first: u8| COLORS.get(usize::from(code.saturating_sub(first))).copied();
    match code {
        0 => Style::new(),
        1 => style.add_modifier(Modifier::BOLD),
        2 => style.add_modifier(Modifier::DIM),
        4 => style.add_modifier(Modifier::UNDERLINED),
        30..=37 => style.fg(color(30).unwrap_or(Color::Reset)),
        39 => style.fg(Color::Reset),
        90..=97 => style.fg(color(90).unwrap_or(Color::Reset)),
        _ => style,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::{Look, Mark};

    #[test]
    fn a_long_line_goes_on_below_in_its_colours() {
        let lines = wrap("\u{1b}[31mabc日def\u{1b}[0mgh", 4);
        let shown: Vec<String> = lines.iter().map(|text| line(text).to_string()).collect();
        assert_eq!(shown, ["abc", "日de", "fgh"]);
        let last = line(&lines[2]).spans;
        assert_eq!(last[0].style.fg, Some(Color::Red));
        assert_eq!(
            (last[1].content.as_ref(), last[1].style),
            ("gh", Style::new())
        );
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrap("a bcdefghi", 8), ["a bcdefg", "hi"]);
    }

    #[test]
    fn colours_become_styles_and_no_escape_is_left() {
        let look = Look {
            columns: None,
            unicode: true,
            color: true,
        };
        let painted = format!("{} a {}", look.mark(Mark::Failed), look.bold("b"));
        let spans = line(&painted).spans;
        assert_eq!(spans[0].content, "✗");
        assert_eq!(spans[0].style.fg, Some(Color::Red));
        assert_eq!(spans[1].content, " a ");
        assert_eq!(spans[1].style, Style::new());
        assert!(spans[2].style.add_modifier.contains(Modifier::BOLD));
        for hostile in ["a\u{1b}[2Jb", "a\u{1b}b", "\u{1b}[", "\u{1b}[999mx"] {
            let text = line(hostile).to_string();
            assert!(!text.contains('\u{1b}'), "{text:?}");
        }
    }
}
