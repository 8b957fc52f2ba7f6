//! Lines of bounded length from a pipe.

use syncmgr_handler::contract::MAX_LINE_BYTES;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

use crate::event::Violation;

/// How many letters of a line are quoted.
const EXCERPT: usize = 80;

/// Collects one line after another.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    from: R,
    line: Vec<u8>,
    taken: bool,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(crate) fn new(from: R) -> Self {
        Self {
            from,
            line: Vec::new(),
            taken: false,
        }
    }

    /// Waits for a whole line; false at the end of input. Dropping the future loses nothing.
    pub(crate) async fn fill(&mut self) -> Result<bool, Violation> {
        if std::mem::take(&mut self.taken) {
            self.line.clear();
        }
        loop {
            // A pipe that cannot be read is one that has ended.
            let available = self.from.fill_buf().await.unwrap_or(&[]);
            if available.is_empty() {
                return if self.line.is_empty() {
                    Ok(false)
                } else {
                    let excerpt = excerpt(&String::from_utf8_lossy(&self.line));
                    Err(Violation::HalfALine { excerpt })
                };
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = end.unwrap_or(available.len());
            if self.line.len() + part > MAX_LINE_BYTES {
                return Err(Violation::LineTooLong);
            }
            self.line.extend_from_slice(&available[..part]);
            self.from.consume(end.map_or(part, |at| at + 1));
            if end.is_some() {
                self.taken = true;
                return Ok(true);
            }
        }
    }

    /// The line that was filled, without its line feed.
    pub(crate) fn line(&self) -> Result<&str, Violation> {
        std::str::from_utf8(&self.line).map_err(|_| Violation::Encoding)
    }
}

/// How a text begins, with control characters neutralised.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(EXCERPT)
        .flat_map(|letter| {
            let control = letter.is_control();
            let escaped = control.then(|| letter.escape_default());
            escaped
                .into_iter()
                .flatten()
                .chain((!control).then_some(letter))
        })
        .collect();
    if text.chars().nth(EXCERPT).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(input: &[u8]) -> (Vec<String>, Option<Violation>) {
        let mut lines = Lines::new(input);
        let mut seen = Vec::new();
        loop {
            match lines.fill().await {
                Ok(false) => return (seen, None),
                Err(violation) => return (seen, Some(violation)),
                Ok(true) => match lines.line() {
                    Ok(line) => seen.push(line.to_owned()),
                    Err(violation) => return (seen, Some(violation)),
                },
            }
        }
    }

    #[tokio::test]
    async fn lines_end_with_a_line_feed_and_are_bounded() {
        let half = |excerpt: &str| {
            let excerpt = excerpt.to_owned();
            Some(Violation::HalfALine { excerpt })
        };
        let of = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        let long = "x".repeat(MAX_LINE_BYTES);
        assert_eq!(read(b"").await, (Vec::new(), None));
        assert_eq!(read(b"a\n\nb\n").await, (of(&["a", "", "b"]), None));
        assert_eq!(read(b"a\n{\x1b").await, (of(&["a"]), half("{\\u{1b}")));
        assert_eq!(
            read(b"a\n\xff\n").await,
            (of(&["a"]), Some(Violation::Encoding))
        );
        assert_eq!(
            read(format!("{long}\n").as_bytes()).await,
            (of(&[&long]), None)
        );
        let over = format!("{long}x\n");
        assert_eq!(
            read(over.as_bytes()).await,
            (Vec::new(), Some(Violation::LineTooLong))
        );
    }
}
