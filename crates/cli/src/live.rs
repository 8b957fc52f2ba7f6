//! Lines at the bottom of a terminal that are drawn again and again.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often at most the terminal is drawn.
const DRAWS_PER_SECOND: u8 = 15;

/// The redrawn lines. What they say is decided elsewhere; this only puts them on standard error.
pub(crate) struct Live {
    lines: MultiProgress,
    shown: Vec<ProgressBar>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            lines: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(
                DRAWS_PER_SECOND,
            )),
            shown: Vec::new(),
        }
    }

    /// Makes these the shown lines.
    pub(crate) fn show(&mut self, lines: &[String]) {
        while self.shown.len() > lines.len() {
            if let Some(line) = self.shown.pop() {
                line.finish_and_clear();
                self.lines.remove(&line);
            }
        }
        while self.shown.len() < lines.len() {
            let line = ProgressBar::no_length();
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                line.set_style(style);
            }
            self.shown.push(self.lines.add(line));
        }
        for (shown, line) in self.shown.iter().zip(lines) {
            shown.set_message(line.clone());
        }
    }

    /// Prints with the lines out of the way.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        self.lines.suspend(print);
    }
}
