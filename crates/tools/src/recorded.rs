//! What a program printed once, kept as a text that people can read and change: recipes are tested against it.
//!
//! ```text
//! # operation: run
//! # step: copy
//! # exit: 0
//! out: 3 of 17
//! err: nothing to complain of
//! ```

use std::collections::BTreeMap;

use crate::recipe::{OperationKind, Stream};

/// The longest recording that is read, in bytes.
pub const BYTES_MAX: u64 = 8 << 20;

/// What one command of a recipe printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// What was done.
    pub operation: OperationKind,
    /// By which step; empty: the first one.
    pub step: String,
    /// The exit code.
    pub exit: i32,
    /// Values of arguments that the rules use, in the order of their names.
    pub values: BTreeMap<String, String>,
    /// What was printed, in order.
    pub lines: Vec<(Stream, String)>,
}

/// Why a text is no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct RecordingError {
    /// The line, from 1 on.
    pub line: usize,
    /// What is wrong with it.
    pub kind: RecordingErrorKind,
}

/// See [`RecordingError`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingErrorKind {
    /// It does not begin as lines do.
    #[error("it begins with none of `out: `, `err: ` and `# `")]
    Beginning,
    /// Something is said that means nothing here.
    #[error("`# {0}:` means nothing; there are operation, step, exit and value")]
    Word(String),
    /// The operation does not exist.
    #[error(
        "`{0}` is no operation; there are find, check, plan, run, conflicts, resolve, unlock and restore"
    )]
    Operation(String),
    /// The exit code is no number.
    #[error("`{0}` is no exit code")]
    Exit(String),
    /// A value has no name.
    #[error("a value is written `# value: NAME=TEXT`")]
    Value,
    /// Nothing says what was done.
    #[error("`# operation: …` is missing")]
    NoOperation,
}

/// All operations with what they are called.
const OPERATIONS: [(&str, OperationKind); 8] = [
    ("find", OperationKind::Find),
    ("check", OperationKind::Check),
    ("plan", OperationKind::Plan),
    ("run", OperationKind::Run),
    ("conflicts", OperationKind::Conflicts),
    ("resolve", OperationKind::Resolve),
    ("unlock", OperationKind::Unlock),
    ("restore", OperationKind::Restore),
];

/// What an operation is called in recipes and recordings.
#[must_use]
pub fn operation_word(operation: OperationKind) -> &'static str {
    OPERATIONS
        .iter()
        .find(|(_, kind)| *kind == operation)
        .map_or("run", |(word, _)| word)
}

impl Recording {
    /// Reads a recording. A line that begins with `#` and is none of its words is a remark, and so is an empty one.
    ///
    /// # Errors
    /// [`RecordingError`], with the line.
    pub fn read(text: &str) -> Result<Self, RecordingError> {
        let mut recording = Self {
            operation: OperationKind::Run,
            step: String::new(),
            exit: 0,
            values: BTreeMap::new(),
            lines: Vec::new(),
        };
        let (mut operation, mut last) = (None, 0);
        for (at, line) in text.lines().enumerate() {
            last = at + 1;
            recording
                .take(line, &mut operation)
                .map_err(|kind| RecordingError { line: at + 1, kind })?;
        }
        recording.operation = operation.ok_or(RecordingError {
            line: last.max(1),
            kind: RecordingErrorKind::NoOperation,
        })?;
        Ok(recording)
    }

    fn take(
        &mut self,
        line: &str,
        operation: &mut Option<OperationKind>,
    ) -> Result<(), RecordingErrorKind> {
        // An editor takes the blank behind the colon of an empty line away.
        let printed = |word: &str| {
            let rest = line.strip_prefix(word)?;
            rest.strip_prefix(' ').or(rest.is_empty().then_some(rest))
        };
        if let Some(text) = printed("out:") {
            self.lines.push((Stream::Stdout, text.to_owned()));
            return Ok(());
        }
        if let Some(text) = printed("err:") {
            self.lines.push((Stream::Stderr, text.to_owned()));
            return Ok(());
        }
        if line.trim().is_empty() {
            return Ok(());
        }
        let said = line
            .strip_prefix('#')
            .ok_or(RecordingErrorKind::Beginning)?
            .trim();
        let Some((word, value)) = said.split_once(':') else {
            return Ok(());
        };
        let value = value.trim();
        match word {
            "operation" => {
                let known = OPERATIONS.iter().find(|(word, _)| *word == value);
                let (_, kind) =
                    known.ok_or_else(|| RecordingErrorKind::Operation(value.to_owned()))?;
                *operation = Some(*kind);
            }
            "step" => value.clone_into(&mut self.step),
            "exit" => {
                let exit = value.parse();
                self.exit = exit.map_err(|_| RecordingErrorKind::Exit(value.to_owned()))?;
            }
            "value" => {
                let (name, text) = value.split_once('=').ok_or(RecordingErrorKind::Value)?;
                self.values.insert(name.trim().to_owned(), text.to_owned());
            }
            // A remark of several words may have a colon in it.
            word if word.contains(char::is_whitespace) => {}
            word => return Err(RecordingErrorKind::Word(word.to_owned())),
        }
        Ok(())
    }

    /// Writes it so that [`Self::read`] gives the same. What a line cannot hold is left out of it: ends of lines, and letters that
    /// control terminals.
    #[must_use]
    pub fn text(&self) -> String {
        let plain = |text: &str| -> String {
            let shown = |letter: &char| *letter == '\t' || !letter.is_control();
            text.chars().filter(shown).collect()
        };
        let mut text = vec![format!("# operation: {}", operation_word(self.operation))];
        if !self.step.is_empty() {
            text.push(format!("# step: {}", plain(&self.step)));
        }
        text.push(format!("# exit: {}", self.exit));
        let values = self.values.iter();
        text.extend(
            values.map(|(name, value)| {
                format!("# value: {}={}", plain(name), plain(value).trim_end())
            }),
        );
        let lines = self.lines.iter();
        text.extend(lines.map(|(from, line)| {
            let word = match from {
                Stream::Stdout => "out",
                Stream::Stderr => "err",
            };
            format!("{word}: {}", plain(line))
        }));
        text.push(String::new());
        text.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_person_may_write_one() {
        let recording = Recording::read(
            "# operation: plan\n# A remark: of several words.\n#step: look\n\nout: a: b\nerr:\nout:  two\n# exit: -3\n# value: source=/a=b\n",
        )
        .unwrap();
        assert_eq!(recording.operation, OperationKind::Plan);
        assert_eq!((recording.step.as_str(), recording.exit), ("look", -3));
        assert_eq!(recording.values["source"], "/a=b");
        let lines: Vec<_> = recording
            .lines
            .iter()
            .map(|(from, line)| (*from, line.as_str()))
            .collect();
        assert_eq!(
            lines,
            [
                (Stream::Stdout, "a: b"),
                (Stream::Stderr, ""),
                (Stream::Stdout, " two")
            ]
        );
        assert_eq!(Recording::read(&recording.text()).unwrap(), recording);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, told) in [
            ("", "line 1: `# operation: …` is missing"),
            ("# exit: 0\nout: x", "line 2: `# operation: …` is missing"),
            (
                "# operation: walk",
                "line 1: `walk` is no operation; there are find, check, plan, run, conflicts, resolve, unlock and restore",
            ),
            (
                "# operation: run\n# exti: 0",
                "line 2: `# exti:` means nothing; there are operation, step, exit and value",
            ),
            (
                "# operation: run\n# exit: bad",
                "line 2: `bad` is no exit code",
            ),
            (
                "# operation: run\n# value: x",
                "line 2: a value is written `# value: NAME=TEXT`",
            ),
            (
                "# operation: run\n\nhello",
                "line 3: it begins with none of `out: `, `err: ` and `# `",
            ),
            (
                "# operation: run\nout:x",
                "line 2: it begins with none of `out: `, `err: ` and `# `",
            ),
        ] {
            assert_eq!(Recording::read(text).unwrap_err().to_string(), told);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            step in "[a-z-]{0,8}",
            exit in any::<i32>(),
            operation in 0..OPERATIONS.len(),
            values in prop::collection::btree_map("[a-z_]{1,5}", "[!-~]([ -~é]{0,9}[!-~])?", 0..3),
            lines in prop::collection::vec((any::<bool>(), "[^\\p{C}]{0,40}"), 0..20),
        ) {
            let from = |is_out| if is_out { Stream::Stdout } else { Stream::Stderr };
            let recording = Recording {
                operation: OPERATIONS[operation].1,
                step,
                exit,
                values,
                lines: lines.into_iter().map(|(is_out, line)| (from(is_out), line)).collect(),
            };
            prop_assert_eq!(Recording::read(&recording.text()).unwrap(), recording);
        }

        /// Whatever a program prints, what is written of it can be read.
        #[test]
        fn anything_printed_can_be_kept(lines in prop::collection::vec(any::<String>(), 0..5)) {
            let recording = Recording {
                operation: OperationKind::Run,
                step: String::new(),
                exit: 0,
                values: Default::default(),
                lines: lines.into_iter().map(|line| (Stream::Stdout, line)).collect(),
            };
            let read = Recording::read(&recording.text()).unwrap();
            prop_assert_eq!(read.lines.len(), recording.lines.len());
        }
    }
}
