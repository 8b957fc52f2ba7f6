//! The last of what a program printed, for the log, and its text without what does harm.

use std::borrow::Cow;

use anstream::adapter::strip_str;

use crate::lines::LineEnd;
use crate::recipe::Stream;

/// So much of the end is kept.
pub const TAIL_MAX_BYTES: usize = 64 << 10;

/// Keeps the last [`TAIL_MAX_BYTES`] of everything that was printed: both streams in the order in which their lines ended, and
/// whole lines where one fits. A line that was written over, as progress is, gives way to the line over it.
#[derive(Debug, Default)]
pub struct Tail {
    bytes: Vec<u8>,
    /// Where the last line begins, and whose it is, while the next of the same stream is written over it.
    over: Option<(usize, Stream)>,
    /// Something was let go.
    short: bool,
}

impl Tail {
    /// Keeps nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line.
    pub fn push(&mut self, from: Stream, line: &[u8], end: LineEnd) {
        if let Some((at, whose)) = self.over.take()
            && whose == from
        {
            self.bytes.truncate(at);
        }
        let line = match line.len().checked_sub(TAIL_MAX_BYTES) {
            Some(more) if more > 0 => {
                self.short = true;
                line.get(more..).unwrap_or(line)
            }
            _ => line,
        };
        // Only now and then, so that each byte is moved at most once.
        if self.bytes.len() + line.len() >= 2 * TAIL_MAX_BYTES {
            let kept = self.kept_from();
            self.bytes.drain(..kept);
            self.short = true;
        }
        if end == LineEnd::Return {
            self.over = Some((self.bytes.len(), from));
        }
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
    }

    /// The last line of this stream stays: its line feed came after all.
    pub fn settle(&mut self, from: Stream) {
        self.over.take_if(|(_, whose)| *whose == from);
    }

    /// Nothing was printed.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// More was printed than is kept.
    pub fn is_short(&self) -> bool {
        self.short || self.kept_from() > 0
    }

    /// What is kept, harmless, each line ended by a line feed.
    pub fn text(&self) -> String {
        let kept = self.bytes.get(self.kept_from()..).unwrap_or_default();
        harmless(kept, true).into_owned()
    }

    /// The last lines that are not empty, harmless, at most so many.
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let text = self.text();
        let mut lines: Vec<String> = text
            .lines()
            .rev()
            .filter(|line| !line.trim().is_empty())
            .take(count)
            .map(str::to_owned)
            .collect();
        lines.reverse();
        lines
    }

    /// Where that begins which is kept.
    fn kept_from(&self) -> usize {
        let Some(least) = self.bytes.len().checked_sub(TAIL_MAX_BYTES) else {
            return 0;
        };
        if least == 0 {
            return 0;
        }
        // The first whole line. The last byte ends the last line, and something of it must stay.
        let inner = self
            .bytes
            .get(least - 1..self.bytes.len().saturating_sub(1))
            .unwrap_or_default();
        memchr::memchr(b'\n', inner).map_or(least, |at| least + at)
    }
}

/// One line as text: what is no UTF-8 is replaced, escape sequences and control characters are left out, and a tabulator is a
/// blank.
pub fn text_of(line: &[u8]) -> Cow<'_, str> {
    harmless(line, false)
}

/// A text that came as a value, such as one of JSON, without what does harm; ends of lines stay.
pub fn plain(text: &str) -> Cow<'_, str> {
    harmless(text.as_bytes(), true)
}

fn harmless(bytes: &[u8], feeds: bool) -> Cow<'_, str> {
    // Most lines are as harmless as they come, and a program may print millions of them.
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') || (feeds && *byte == b'\n');
    if bytes.iter().all(is_plain)
        && let Ok(text) = str::from_utf8(bytes)
    {
        return Cow::Borrowed(text);
    }
    let text = String::from_utf8_lossy(bytes);
    let text = if text.contains('\x1b') {
        Cow::Owned(strip_str(&text).to_string())
    } else {
        text
    };
    let text = text
        .chars()
        .filter_map(|letter| match letter {
            '\t' => Some(' '),
            '\n' if feeds => Some('\n'),
            _ if letter.is_control() || is_reordering(letter) => None,
            _ => Some(letter),
        })
        .collect();
    Cow::Owned(text)
}

/// Whether it changes the order in which others are shown.
fn is_reordering(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_harmless_whatever_came() {
        assert_eq!(
            text_of(b"\x1b[31mred\x1b[0m and \x1b]0;title\x07plain"),
            "red and plain"
        );
        assert_eq!(text_of(b"a\0b\x07c\x7f\td\xff"), "abc d\u{fffd}");
        assert_eq!(
            text_of("gr\u{f6}\u{df}e \u{202e}evil\u{85}".as_bytes()),
            "gr\u{f6}\u{df}e evil"
        );
        assert_eq!(text_of(b""), "");
        assert!(matches!(text_of(b" plain ~"), Cow::Borrowed(_)));
        assert_eq!(text_of(b"a\nb"), "ab");
        // A sequence that nothing ends.
        assert_eq!(text_of(b"before\x1b["), "before");
    }

    #[test]
    fn the_tail_keeps_the_last_whole_lines_in_order() {
        let mut tail = Tail::new();
        assert!(tail.is_empty());
        for number in 0..100_000 {
            let from = if number % 2 == 0 {
                Stream::Stdout
            } else {
                Stream::Stderr
            };
            tail.push(from, format!("line {number}").as_bytes(), LineEnd::Feed);
            assert!(tail.bytes.len() <= 2 * TAIL_MAX_BYTES + 1);
        }
        let text = tail.text();
        assert!(tail.is_short());
        assert!(text.len() <= TAIL_MAX_BYTES && text.len() > TAIL_MAX_BYTES - 20);
        let first: u32 = text.lines().next().unwrap()["line ".len()..]
            .parse()
            .unwrap();
        let expected: String = (first..100_000)
            .map(|number| format!("line {number}\n"))
            .collect();
        assert_eq!(text, expected);
        assert_eq!(tail.last_lines(2), ["line 99998", "line 99999"]);
    }

    #[test]
    fn a_line_longer_than_the_tail_leaves_its_end() {
        let mut tail = Tail::new();
        tail.push(Stream::Stdout, b"before", LineEnd::Feed);
        let mut long = vec![b'x'; 3 * TAIL_MAX_BYTES];
        long.extend_from_slice(b"the end");
        tail.push(Stream::Stdout, &long, LineEnd::Feed);
        assert!(tail.is_short());
        assert!(tail.text().ends_with("xthe end\n"));
        assert!(tail.text().len() <= TAIL_MAX_BYTES);
        assert_eq!(tail.last_lines(5).len(), 1);
    }

    #[test]
    fn progress_is_written_over_and_what_stays_is_its_last() {
        let mut tail = Tail::new();
        tail.push(Stream::Stdout, b"start", LineEnd::Feed);
        tail.push(Stream::Stdout, b"10%", LineEnd::Return);
        tail.push(Stream::Stdout, b"90%", LineEnd::Return);
        tail.push(Stream::Stderr, b"warning", LineEnd::Feed);
        tail.push(Stream::Stdout, b"100%", LineEnd::Return);
        tail.settle(Stream::Stderr);
        tail.settle(Stream::Stdout);
        tail.push(Stream::Stdout, b"done", LineEnd::Feed);
        assert_eq!(tail.text(), "start\n90%\nwarning\n100%\ndone\n");
        assert!(!tail.is_short());
    }
}
