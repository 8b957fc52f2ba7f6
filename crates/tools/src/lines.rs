//! Cuts what a program prints into lines, in bounded memory whatever comes.

use memchr::memchr2;

/// A line that is longer is cut; the rest of it is thrown away.
pub const LINE_MAX_BYTES: usize = 64 << 10;

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// By a line feed, also one after a carriage return.
    Feed,
    /// By a carriage return: what comes next is written over it. A line feed that comes later, with nothing between,
    /// still belongs to it.
    Return,
    /// The output ended.
    Output,
}

/// The splitter of one stream.
#[derive(Debug, Default)]
pub struct Lines {
    /// The beginning of the line that is not ended yet.
    pending: Vec<u8>,
    /// More of that line came than is kept.
    cut: bool,
    /// The last byte was a carriage return: a line feed now is no further line.
    returned: bool,
}

impl Lines {
    /// Whether these bytes begin with a line feed that belongs to a line already told as [`LineEnd::Return`].
    pub fn begins_with_end_of_last(&self, bytes: &[u8]) -> bool {
        self.returned && bytes.first() == Some(&b'\n')
    }

    /// Takes what came and tells each line that ended, without its end, and whether it was cut.
    pub fn feed(&mut self, mut bytes: &[u8], told: &mut dyn FnMut(&[u8], bool, LineEnd)) {
        if self.begins_with_end_of_last(bytes) {
            bytes = bytes.get(1..).unwrap_or_default();
            self.returned = false;
        }
        if !bytes.is_empty() {
            self.returned = false;
        }
        while let Some(at) = memchr2(b'\n', b'\r', bytes) {
            let (line, rest) = bytes.split_at(at);
            let (end, taken) = match rest {
                [b'\r', b'\n', ..] => (LineEnd::Feed, 2),
                [b'\r', ..] => (LineEnd::Return, 1),
                _ => (LineEnd::Feed, 1),
            };
            self.returned = end == LineEnd::Return && rest.len() == 1;
            if self.pending.is_empty() && line.len() <= LINE_MAX_BYTES {
                told(line, false, end);
            } else {
                self.keep(line);
                told(&self.pending, self.cut, end);
                self.forget();
            }
            bytes = rest.get(taken..).unwrap_or_default();
        }
        self.keep(bytes);
    }

    /// Tells the last line, which nothing ended.
    pub fn finish(&mut self, told: &mut dyn FnMut(&[u8], bool, LineEnd)) {
        if !self.pending.is_empty() {
            told(&self.pending, self.cut, LineEnd::Output);
            self.forget();
        }
        self.returned = false;
    }

    /// What came of the line that is not ended yet, as far as it is kept.
    pub fn unended(&self) -> &[u8] {
        &self.pending
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_MAX_BYTES.saturating_sub(self.pending.len());
        self.cut |= bytes.len() > room;
        self.pending
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn forget(&mut self) {
        self.pending.clear();
        self.cut = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Told = (Vec<u8>, bool, LineEnd);

    fn split<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Told> {
        let mut lines = Lines::default();
        let mut all: Vec<Told> = Vec::new();
        for chunk in chunks {
            lines.feed(chunk, &mut |line, cut, end| {
                all.push((line.to_vec(), cut, end))
            });
        }
        lines.finish(&mut |line, cut, end| all.push((line.to_vec(), cut, end)));
        all
    }

    /// Byte for byte, all of it at once.
    fn model(all: &[u8]) -> Vec<(Vec<u8>, bool)> {
        let mut lines = Vec::new();
        let mut line = Vec::new();
        for (at, byte) in all.iter().enumerate() {
            match byte {
                b'\n' if at > 0 && all[at - 1] == b'\r' => {}
                b'\n' | b'\r' => lines.push(std::mem::take(&mut line)),
                other => line.push(*other),
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
            .into_iter()
            .map(|mut line| {
                let cut = line.len() > LINE_MAX_BYTES;
                line.truncate(LINE_MAX_BYTES);
                (line, cut)
            })
            .collect()
    }

    fn without_end(told: Vec<Told>) -> Vec<(Vec<u8>, bool)> {
        told.into_iter().map(|(line, cut, _)| (line, cut)).collect()
    }

    /// Pieces whose lengths lie around the limit as well as short ones.
    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let short = proptest::collection::vec(
            prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), Just(0u8), any::<u8>()],
            0..12,
        );
        let long = (LINE_MAX_BYTES / 2 - 3..LINE_MAX_BYTES / 2 + 4).prop_map(|n| vec![b'x'; n]);
        proptest::collection::vec(prop_oneof![6 => short, 1 => long], 0..12)
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_model_wherever_the_chunks_are_cut(pieces in pieces()) {
            let all = pieces.concat();
            let told = split(pieces.iter().map(Vec::as_slice));
            prop_assert_eq!(without_end(told), model(&all));
            let told = split(all.chunks(1));
            prop_assert_eq!(without_end(told), model(&all));
        }
    }

    #[test]
    fn a_return_before_a_feed_is_one_end_also_across_chunks() {
        let told = split([&b"one\r\ntwo\rthree\n"[..]]);
        let expected = [
            (b"one".to_vec(), false, LineEnd::Feed),
            (b"two".to_vec(), false, LineEnd::Return),
            (b"three".to_vec(), false, LineEnd::Feed),
        ];
        assert_eq!(told, expected);
        let mut lines = Lines::default();
        let mut count = 0;
        lines.feed(b"one\r", &mut |_, _, end| {
            assert_eq!(end, LineEnd::Return);
            count += 1;
        });
        lines.feed(b"", &mut |_, _, _| count += 1);
        assert!(lines.begins_with_end_of_last(b"\nmore"));
        lines.feed(b"\n", &mut |_, _, _| count += 1);
        assert!(!lines.begins_with_end_of_last(b"\n"));
        lines.feed(b"\n", &mut |line, _, _| {
            assert!(line.is_empty());
            count += 1;
        });
        assert_eq!(count, 2);
    }

    #[test]
    fn a_long_line_is_cut_and_costs_no_more_than_its_beginning() {
        let mut lines = Lines::default();
        let chunk = vec![b'x'; 100_000];
        for _ in 0..100 {
            lines.feed(&chunk, &mut |_, _, _| panic!("no line ended"));
        }
        assert!(lines.pending.capacity() <= 2 * LINE_MAX_BYTES);
        let mut told = Vec::new();
        lines.feed(b"y\nnext\n", &mut |line, cut, _| {
            told.push((line.len(), cut))
        });
        assert_eq!(told, [(LINE_MAX_BYTES, true), (4, false)]);
    }
}
