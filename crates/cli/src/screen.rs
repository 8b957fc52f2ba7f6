//! The one place that prints.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::live::Live;
use crate::look::{Look, Mark};
use crate::text::{harmless, harmless_json, wrap};

/// Standard output and error, with what is redrawn below them.
pub(crate) struct Screen {
    /// Of standard output.
    pub(crate) look: Look,
    /// Of standard error, and of what is redrawn there.
    pub(crate) aside: Look,
    output: Box<dyn Write + Send>,
    errors: Box<dyn Write + Send>,
    live: Option<Live>,
    json: bool,
    quiet: bool,
    trouble: Option<ErrorKind>,
}

impl Screen {
    pub(crate) fn new(
        look: Look,
        aside: Look,
        output: Box<dyn Write + Send>,
        errors: Box<dyn Write + Send>,
        json: bool,
        quiet: bool,
    ) -> Self {
        Self {
            look,
            aside,
            output,
            errors,
            live: None,
            json,
            quiet,
            trouble: None,
        }
    }

    /// JSON is printed instead of text.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Only what went wrong and the verdict are printed.
    pub(crate) fn quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a line for people; nothing under `--json`.
    pub(crate) fn line(&mut self, line: impl AsRef<str>) {
        if !self.json {
            self.put(line.as_ref());
        }
    }

    /// Prints lines for people.
    pub(crate) fn lines(&mut self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.line(line);
        }
    }

    /// Prints a sentence, wrapped and indented.
    pub(crate) fn wrapped(&mut self, indent: usize, text: &str) {
        let columns = self.look.wrap_columns().saturating_sub(indent).max(20);
        for line in wrap(text, columns) {
            self.line(format!("{}{line}", " ".repeat(indent)));
        }
    }

    /// Prints a text behind a mark and a word in bold, wrapped below itself.
    pub(crate) fn marked(&mut self, mark: Mark, word: &str, text: &str) {
        let word = harmless(word);
        let whole = if word.is_empty() {
            text.to_owned()
        } else {
            format!("{word}: {text}")
        };
        let columns = self.look.wrap_columns().saturating_sub(2).max(20);
        for (index, line) in wrap(&whole, columns).into_iter().enumerate() {
            let line = match line.strip_prefix(&word) {
                Some(rest) if index == 0 => {
                    format!("{} {}{rest}", self.look.mark(mark), self.look.bold(&word))
                }
                // The word itself was broken, or this is a later line.
                _ if index == 0 => format!("{} {line}", self.look.mark(mark)),
                _ => format!("  {line}"),
            };
            self.line(line);
        }
    }

    /// Prints an object under `--json`; nothing for people.
    pub(crate) fn object(&mut self, value: &impl Serialize) {
        if self.json {
            // Snapshots are plain data with text keys: they always have a JSON form.
            if let Ok(json) = serde_json::to_string(value) {
                self.put(&harmless_json(&json));
            }
        }
    }

    /// Prints a remark on standard error.
    pub(crate) fn remark(&mut self, line: &str) {
        let errors = &mut self.errors;
        above(self.live.as_ref(), || {
            // Nobody can be told that standard error is closed.
            drop(writeln!(errors, "{line}").and_then(|()| errors.flush()));
        });
    }

    /// Prints a question on standard error and leaves the cursor behind it.
    pub(crate) fn prompt(&mut self, text: &str) {
        let errors = &mut self.errors;
        above(self.live.as_ref(), || {
            drop(write!(errors, "{text}").and_then(|()| errors.flush()));
        });
    }

    /// Prints a text as it is, such as a completion script.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        if self.trouble.is_none() {
            let written = self
                .output
                .write_all(bytes)
                .and_then(|()| self.output.flush());
            self.trouble = written.err().map(|error| error.kind());
        }
    }

    /// Begins to redraw lines below what is printed.
    pub(crate) fn begin_live(&mut self) {
        self.live = Some(Live::new());
    }

    /// Shows these lines below what is printed.
    pub(crate) fn show(&mut self, lines: &[String]) {
        if let Some(live) = &mut self.live {
            live.show(lines);
        }
    }

    /// Takes away what was redrawn.
    pub(crate) fn end_live(&mut self) {
        if let Some(mut live) = self.live.take() {
            live.show(&[]);
        }
    }

    /// What prevents printing, other than that nobody reads any more.
    pub(crate) fn trouble(&self) -> Option<ErrorKind> {
        self.trouble.filter(|&kind| kind != ErrorKind::BrokenPipe)
    }

    fn put(&mut self, line: &str) {
        if self.trouble.is_some() {
            return;
        }
        let output = &mut self.output;
        let mut written = Ok(());
        above(self.live.as_ref(), || {
            written = writeln!(output, "{line}").and_then(|()| output.flush());
        });
        self.trouble = written.err().map(|error| error.kind());
    }
}

/// Prints with what is redrawn out of the way.
fn above(live: Option<&Live>, print: impl FnOnce()) {
    match live {
        Some(live) => live.above(print),
        None => print(),
    }
}
