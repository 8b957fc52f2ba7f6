//! Text for a terminal: made harmless, measured, cut and wrapped.
//!
//! Names, questions and reasons come from handlers, file systems and other machines. Whatever else has looked at them,
//! they pass [`harmless`] here before they reach a screen.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Most lines of one foreign text that are shown.
const MAX_LINES: usize = 2_000;

/// Tells whether a character acts on a terminal or misleads the reader instead of being seen.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text in one line, with every character that acts on a terminal written as an escape.
pub(crate) fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            character if acts(character) => {
                let code = u32::from(character);
                let escape = if code < 0x100 {
                    format!("\\x{code:02x}")
                } else {
                    format!("\\u{{{code:x}}}")
                };
                out += &escape;
            }
            character => out.push(character),
        }
    }
    out
}

/// The lines of a text of several lines, each harmless; tabs become blanks, and the number of lines is bounded.
pub(crate) fn harmless_lines(text: &str) -> Vec<String> {
    text.lines()
        .take(MAX_LINES)
        .map(|line| harmless(&line.replace('\t', "    ")))
        .collect()
}

/// JSON with the characters that act on a terminal escaped; it stays the same value.
pub(crate) fn harmless_json(json: &str) -> String {
    if !json.chars().any(acts) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for character in json.chars() {
        if acts(character) {
            for unit in character.encode_utf16(&mut units) {
                let escape = format!("\\u{unit:04x}");
                out += &escape;
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most `columns`, with `mark` at its end when something was left out.
pub(crate) fn cut(text: &str, columns: usize, mark: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(mark));
    let mut out = String::new();
    let mut used = 0;
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if used + wide > room {
            break;
        }
        used += wide;
        out.push(character);
    }
    if used + width(mark) <= columns {
        out.push_str(mark);
    }
    out
}

/// The text followed by blanks up to `columns`.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(blanks))
}

/// The words of a text in lines of at most `columns`; a longer word stays whole, so that it can be copied.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The same, with longer words broken: for columns of a table.
pub(crate) fn wrap_tight(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for line in wrap(text, columns) {
        let mut rest = line.as_str();
        while width(rest) > columns {
            let mut used = 0;
            let end = rest
                .char_indices()
                .find(|(_, letter)| {
                    used += letter.width().unwrap_or(0);
                    used > columns
                })
                .map_or(rest.len(), |(at, _)| at);
            // A letter that is wider than the column stands alone.
            let first = rest.chars().next().map_or(0, char::len_utf8);
            let (head, tail) = rest.split_at(end.max(first));
            lines.push(head.to_owned());
            rest = tail;
        }
        if !rest.is_empty() {
            lines.push(rest.to_owned());
        }
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        for (text, shown) in [
            ("plain ü 日本 👩", "plain ü 日本 👩"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            (
                "\x1b[31mred\x1b]0;title\x07",
                "\\x1b[31mred\\x1b]0;title\\x07",
            ),
            ("\u{9b}31m\u{7f}", "\\x9b31m\\x7f"),
            ("exe\u{202e}txt.", "exe\\u{202e}txt."),
            (
                "\u{2066}\u{200f}\u{feff}\u{e0041}",
                "\\u{2066}\\u{200f}\\u{feff}\\u{e0041}",
            ),
        ] {
            assert_eq!(harmless(text), shown);
            assert!(!harmless(text).chars().any(acts));
        }
        assert_eq!(harmless_lines("a\tb\n\x1b\r\n"), ["a    b", "\\x1b"]);
    }

    #[test]
    fn harmless_json_is_the_same_value() {
        let text = "a\u{9b}\u{202e}\u{e0041}ü\u{1b}";
        let json = serde_json::to_string(text).unwrap();
        let shown = harmless_json(&json);
        assert!(!shown.chars().any(acts));
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
    }

    #[test]
    fn text_is_cut_by_columns_not_bytes() {
        assert_eq!(cut("abcdef", 6, "…"), "abcdef");
        assert_eq!(cut("abcdefg", 6, "…"), "abcde…");
        assert_eq!(cut("日本語", 5, "…"), "日本…");
        assert_eq!(cut("日本語", 4, "…"), "日…");
        assert_eq!(cut("abc", 2, "..."), "");
        assert_eq!(pad("日本", 6), "日本  ");
    }

    #[test]
    fn words_are_wrapped_and_kept_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("/a/very/long/path x", 5), ["/a/very/long/path", "x"]);
        assert!(wrap("", 5).is_empty());
        assert_eq!(
            wrap_tight("/a/very/long x", 5),
            ["/a/ve", "ry/lo", "ng", "x"]
        );
        assert_eq!(wrap_tight("日本", 1), ["日", "本"]);
        assert_eq!(wrap_tight("", 5), [""]);
    }
}
