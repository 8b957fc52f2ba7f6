//! What the mark shows: decided from a snapshot and nothing else.

use syncmgr_control::ExitCode;
use syncmgr_control::view::StatusView;

/// Longest text of a tooltip, in characters: Windows cuts at 127 units, and nobody reads more.
const MAX_TEXT: usize = 120;

/// The five states, each with a sign of its own: colour alone says nothing to many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Everything is in sync.
    Well,
    /// Something is synchronized now.
    Working,
    /// Something waits for a person.
    NeedsYou,
    /// Something failed or is late.
    Trouble,
    /// No manager runs.
    Away,
}

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Face {
    pub(crate) state: State,
    /// The sentence of the verdict, as plain text.
    pub(crate) sentence: String,
}

impl Face {
    /// Nobody manages anything.
    pub(crate) fn away() -> Self {
        Self {
            state: State::Away,
            sentence: "The manager is not running.".to_owned(),
        }
    }

    /// The state of everything. What waits for a person is never hidden by work that goes on; what failed may be, since it
    /// may be what is done again.
    pub(crate) fn of(status: &StatusView) -> Self {
        let state = match status.verdict.exit {
            ExitCode::NeedsYou => State::NeedsYou,
            _ if !status.running.is_empty() => State::Working,
            ExitCode::Good => State::Well,
            ExitCode::Warnings | ExitCode::Failed | ExitCode::CouldNotStart => State::Trouble,
        };
        Self {
            state,
            sentence: plain(&status.verdict.sentence),
        }
    }

    /// What a click did not do. The next snapshot takes its place.
    pub(crate) fn refused(&self, message: &str) -> Self {
        Self {
            state: self.state,
            sentence: plain(&format!("Not done: {message}")),
        }
    }
}

/// One line without anything that a desktop could take for markup or for a change of direction.
fn plain(text: &str) -> String {
    let harmless = |character: char| {
        let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !turns && !matches!(character, '<' | '>' | '&')
    };
    let blank = |character: char| {
        if character.is_control() || character.is_whitespace() {
            ' '
        } else {
            character
        }
    };
    let mut characters = text.chars().filter(|one| harmless(*one)).map(blank);
    let mut line: String = characters.by_ref().take(MAX_TEXT).collect();
    if characters.next().is_some() {
        line.pop();
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use syncmgr_control::view::VerdictView;

    use super::*;

    fn status(exit: ExitCode, running: &[u64]) -> StatusView {
        StatusView {
            verdict: VerdictView {
                sentence: "So it is.".to_owned(),
                exit,
                suggestion: None,
                as_of_ms: None,
            },
            items: Vec::new(),
            total: 0,
            needs: 0,
            conflicts: 0,
            running: running.to_vec(),
            daemon: true,
            next: None,
            problems: Vec::new(),
            unasked: Vec::new(),
            empty: Vec::new(),
            remarks: Vec::new(),
        }
    }

    #[test]
    fn five_states_say_what_matters_most() {
        for (exit, running, state) in [
            (ExitCode::Good, &[][..], State::Well),
            (ExitCode::Good, &[1], State::Working),
            (ExitCode::Warnings, &[], State::Trouble),
            (ExitCode::Failed, &[], State::Trouble),
            (ExitCode::Failed, &[1], State::Working),
            (ExitCode::CouldNotStart, &[], State::Trouble),
            (ExitCode::NeedsYou, &[], State::NeedsYou),
            (ExitCode::NeedsYou, &[1], State::NeedsYou),
        ] {
            let face = Face::of(&status(exit, running));
            assert_eq!(face.state, state, "{exit:?} {running:?}");
            assert_eq!(face.sentence, "So it is.");
        }
        assert_eq!(Face::away().state, State::Away);
    }

    #[test]
    fn names_of_strangers_are_text() {
        assert_eq!(plain("a<b>\u{202e}c\u{1b}[2J\nd&e"), "abc [2J de");
        let long = plain(&"é".repeat(1_000));
        assert_eq!(long.chars().count(), MAX_TEXT);
        assert!(long.ends_with('…'), "{long}");
    }
}
