//! Lines at the bottom of a terminal that are drawn again and again.

use std::io;

use console::Term;

/// The redrawn lines. What they say, how wide they are and how often they change is decided elsewhere; this only puts them on
/// standard error, and leaves the cursor behind the last one.
pub(crate) struct Live {
    term: Term,
    shown: Vec<String>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self::on(Term::buffered_stderr())
    }

    fn on(term: Term) -> Self {
        Self {
            term,
            shown: Vec::new(),
        }
    }

    /// Makes these the shown lines.
    pub(crate) fn show(&mut self, lines: &[String]) {
        if self.shown == lines {
            return;
        }
        let cleared = self.clear();
        self.shown = lines.to_vec();
        // Progress that cannot be drawn is no reason to end what it is about.
        drop(cleared.and_then(|()| self.draw()));
    }

    /// Prints with the lines out of the way.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        drop(self.clear().and_then(|()| self.term.flush()));
        print();
        drop(self.draw());
    }

    fn draw(&self) -> io::Result<()> {
        self.term.write_str(&self.shown.join("\n"))?;
        self.term.flush()
    }

    /// Takes the lines away; the cursor is then where the first one began.
    fn clear(&self) -> io::Result<()> {
        let Some(above) = self.shown.len().checked_sub(1) else {
            return Ok(());
        };
        self.term.clear_line()?;
        if above > 0 {
            self.term.clear_last_lines(above)?;
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn lines_take_the_place_of_those_before() {
        let written = tempfile::NamedTempFile::new().unwrap();
        let open = || {
            std::fs::File::options()
                .append(true)
                .read(true)
                .open(written.path())
        };
        let mut live = Live::on(Term::read_write_pair(open().unwrap(), open().unwrap()));
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let mut told = 0;
        let mut drawn = |live: &mut Live, text: &str| {
            live.show(&lines(text));
            let all = std::fs::read_to_string(written.path()).unwrap();
            let new = all[told..].replace('\u{1b}', "^");
            told = all.len();
            new
        };
        assert_eq!(drawn(&mut live, "one\ntwo"), "one\ntwo");
        assert_eq!(drawn(&mut live, "one\ntwo"), "", "nothing changed");
        let two_less = "\r^[2K^[1A\r^[2K^[1B^[1A";
        assert_eq!(drawn(&mut live, "three"), format!("{two_less}three"));
        assert_eq!(drawn(&mut live, ""), "\r^[2K");
        assert_eq!(drawn(&mut live, "four"), "four");
        live.above(|| std::fs::write(written.path(), "").unwrap());
        assert_eq!(std::fs::read_to_string(written.path()).unwrap(), "four");
    }
}
