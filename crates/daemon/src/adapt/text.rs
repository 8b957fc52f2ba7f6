//! Text from outside, made harmless for every face.

/// Longest one-line text that is kept, in characters.
pub const MAX_LINE_CHARS: usize = 1_000;

/// Longest explanation that is kept, in characters.
pub const MAX_DETAIL_CHARS: usize = 16_000;

/// How much is kept of the end of a text, in bytes.
pub const MAX_TAIL_BYTES: usize = 64 << 10;

/// Makes one harmless line: control characters and those that reorder text become visible escapes, and what is longer
/// than [`MAX_LINE_CHARS`] is cut.
#[must_use]
pub fn line(text: &str) -> String {
    neutral(text, MAX_LINE_CHARS, false)
}

/// The same with line breaks kept, up to [`MAX_DETAIL_CHARS`].
#[must_use]
pub fn detail(text: &str) -> String {
    neutral(text, MAX_DETAIL_CHARS, true)
}

/// The last [`MAX_TAIL_BYTES`] of a text with line breaks, such as what a program wrote before it ended.
#[must_use]
pub fn tail(text: &str) -> String {
    let from = text.ceil_char_boundary(text.len().saturating_sub(MAX_TAIL_BYTES));
    neutral(text.get(from..).unwrap_or_default(), MAX_TAIL_BYTES, true)
}

fn neutral(text: &str, most: usize, breaks: bool) -> String {
    if text.len() <= most && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len().min(most * 4));
    for (at, c) in text.chars().enumerate() {
        if at >= most {
            out.push('…');
            break;
        }
        match c {
            '\n' if breaks => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push(' '),
            c if c.is_control() || reorders(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Bidirectional controls and invisible marks that make a text read as another (Unicode TR 36).
fn reorders(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_made_visible() {
        for (given, shown) in [
            ("plain", "plain"),
            ("a\u{1b}[2Jb\n", "a\\u{1b}[2Jb\\n"),
            ("x\u{202e}gpj.exe", "x\\u{202e}gpj.exe"),
            ("größe ↑", "größe ↑"),
            ("tab\tbed", "tab bed"),
        ] {
            assert_eq!(line(given), shown);
        }
        assert_eq!(detail("a\nb"), "a\nb");
        assert_eq!(line(&"é".repeat(2_000)).chars().count(), MAX_LINE_CHARS + 1);
    }
}
