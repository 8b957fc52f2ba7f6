//! How things look: glyphs, colours, widths; decided once from the terminal and the options.

use anstyle::{AnsiColor, Style};
use syncmgr_control::ExitCode;
use syncmgr_control::view::{Counts, ItemStatus, Outcome, Shown};

use crate::when;

/// What a mark means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Good,
    Warning,
    Failed,
    Stopped,
    Question,
    Waiting,
    Working,
    Off,
}

/// Glyphs, colours and width of what is printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Columns; lines are not cut when nobody looks at them.
    pub(crate) columns: Option<usize>,
    /// Glyphs beyond ASCII may be used.
    pub(crate) unicode: bool,
    /// Colours may be used.
    pub(crate) color: bool,
}

/// Columns that sentences are wrapped to when nobody looks at them.
const COLUMNS_UNSEEN: usize = 120;

impl Look {
    /// Columns that sentences are wrapped to.
    pub(crate) fn wrap_columns(&self) -> usize {
        self.columns.unwrap_or(COLUMNS_UNSEEN)
    }

    /// The glyph of a mark, painted.
    pub(crate) fn mark(&self, mark: Mark) -> String {
        self.paint(mark, self.glyph(mark))
    }

    /// The glyph of a mark.
    pub(crate) fn glyph(&self, mark: Mark) -> &'static str {
        let (unicode, ascii) = match mark {
            Mark::Good => ("✓", "+"),
            Mark::Warning => ("!", "!"),
            Mark::Failed => ("✗", "x"),
            Mark::Stopped => ("■", "#"),
            Mark::Question => ("?", "?"),
            Mark::Waiting => ("·", "."),
            Mark::Working => ("↻", "~"),
            Mark::Off => ("-", "-"),
        };
        if self.unicode { unicode } else { ascii }
    }

    /// The text in the colour of a mark.
    pub(crate) fn paint(&self, mark: Mark, text: &str) -> String {
        let color = match mark {
            Mark::Good => AnsiColor::Green,
            Mark::Warning | Mark::Stopped => AnsiColor::Yellow,
            Mark::Failed => AnsiColor::Red,
            Mark::Question => AnsiColor::Magenta,
            Mark::Working => AnsiColor::Cyan,
            Mark::Waiting | Mark::Off => return self.styled(Style::new().dimmed(), text),
        };
        self.styled(color.on_default(), text)
    }

    /// The text as a heading.
    pub(crate) fn bold(&self, text: &str) -> String {
        self.styled(Style::new().bold(), text)
    }

    /// The text in the background.
    pub(crate) fn dim(&self, text: &str) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// What stands for text that was left out.
    pub(crate) fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// What stands between what was and what it became.
    pub(crate) fn arrow(&self) -> &'static str {
        if self.unicode { "→" } else { "->" }
    }

    /// What was moved: `↑12 ↓3 ✗0`, with deletions, conflicts and size where there are any.
    pub(crate) fn counts(&self, counts: &Counts) -> String {
        let [up, down, bad] = if self.unicode {
            ["↑", "↓", "✗"]
        } else {
            ["^", "v", "x"]
        };
        let mut text = format!(
            "{up}{} {down}{} {bad}{}",
            counts.sent, counts.received, counts.failed
        );
        for (number, noun) in [
            (counts.deleted, "deleted"),
            (counts.conflicts, "in conflict"),
        ] {
            if number > 0 {
                text = format!("{text} {number} {noun}");
            }
        }
        if counts.bytes > 0 {
            text += " ";
            text += &when::size(counts.bytes);
        }
        text
    }

    /// What was created, changed and deleted on each side, as far as the handler tells them apart.
    pub(crate) fn sides(&self, counts: &Counts) -> Option<String> {
        let told = [
            counts.created_near,
            counts.created_far,
            counts.deleted_near,
            counts.deleted_far,
        ];
        if told == [0; 4] {
            return None;
        }
        let side = |created: u64, all: u64, deleted: u64| {
            let numbers = [
                (created, "created"),
                (all.saturating_sub(created), "changed"),
                (deleted, "deleted"),
            ];
            let some: Vec<String> = numbers
                .iter()
                .filter(|(number, _)| *number > 0)
                .map(|(number, word)| format!("{number} {word}"))
                .collect();
            if some.is_empty() {
                "nothing".to_owned()
            } else {
                some.join(", ")
            }
        };
        Some(format!(
            "left: {}; right: {}",
            side(counts.created_near, counts.received, counts.deleted_near),
            side(counts.created_far, counts.sent, counts.deleted_far),
        ))
    }
}

impl Mark {
    /// The mark of an exit code.
    pub(crate) fn of_exit(exit: ExitCode) -> Self {
        match exit {
            ExitCode::Good => Self::Good,
            ExitCode::Warnings => Self::Warning,
            ExitCode::NeedsYou => Self::Question,
            ExitCode::Failed | ExitCode::CouldNotStart => Self::Failed,
        }
    }

    /// The mark of how a run ended.
    pub(crate) fn of_outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Open => Self::Working,
            Outcome::Nothing | Outcome::Succeeded => Self::Good,
            Outcome::Warnings => Self::Warning,
            Outcome::Skipped | Outcome::Stopped => Self::Stopped,
            Outcome::NeedsYou => Self::Question,
            Outcome::Failed | Outcome::Interrupted => Self::Failed,
        }
    }

    /// The mark of an item in a run.
    pub(crate) fn of_status(status: ItemStatus, counts: &Counts) -> Self {
        match status {
            ItemStatus::Pending => Self::Waiting,
            ItemStatus::Updating
            | ItemStatus::UpdatingIndeterminate
            | ItemStatus::Paused
            | ItemStatus::Resuming => Self::Working,
            ItemStatus::Succeeded if counts.conflicts > 0 => Self::Question,
            ItemStatus::Succeeded if counts.failed > 0 => Self::Warning,
            ItemStatus::Succeeded => Self::Good,
            ItemStatus::Failed | ItemStatus::Disconnected => Self::Failed,
            ItemStatus::Skipped | ItemStatus::Stopped => Self::Stopped,
            ItemStatus::Deleted => Self::Off,
            ItemStatus::Held => Self::Question,
        }
    }

    /// The mark of an item in a list.
    pub(crate) fn of_shown(shown: Shown) -> Self {
        match shown {
            Shown::NotSetUp | Shown::New | Shown::Pending => Self::Waiting,
            Shown::Disabled => Self::Off,
            Shown::Paused | Shown::Stopping => Self::Stopped,
            Shown::Unfinished | Shown::Disconnected | Shown::Late => Self::Warning,
            Shown::NeedsYou | Shown::Conflicts => Self::Question,
            Shown::Failed => Self::Failed,
            Shown::Syncing => Self::Working,
            Shown::Fresh => Self::Good,
        }
    }
}

/// The word for how a run ended.
pub(crate) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Open => "runs",
        Outcome::Nothing => "nothing to do",
        Outcome::Succeeded => "succeeded",
        Outcome::Warnings => "with warnings",
        Outcome::Skipped => "skipped",
        Outcome::Stopped => "stopped",
        Outcome::NeedsYou => "needs you",
        Outcome::Failed => "failed",
        Outcome::Interrupted => "interrupted",
    }
}

/// The word for an item's status in a run.
pub(crate) fn status_word(status: ItemStatus) -> &'static str {
    match status {
        ItemStatus::Pending => "waits",
        ItemStatus::Updating | ItemStatus::UpdatingIndeterminate => "at work",
        ItemStatus::Paused => "paused",
        ItemStatus::Resuming => "goes on",
        ItemStatus::Succeeded => "succeeded",
        ItemStatus::Failed => "failed",
        ItemStatus::Skipped => "skipped",
        ItemStatus::Stopped => "stopped",
        ItemStatus::Disconnected => "cannot be reached",
        ItemStatus::Deleted => "is no more",
        ItemStatus::Held => "held by a question",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_told_apart_where_the_handler_does() {
        let look = Look {
            columns: None,
            unicode: true,
            color: false,
        };
        let counts = Counts {
            sent: 5,
            received: 2,
            deleted: 4,
            ..Counts::default()
        };
        assert_eq!(look.sides(&counts), None);
        let counts = Counts {
            created_far: 3,
            deleted_near: 4,
            ..counts
        };
        let told = "left: 2 changed, 4 deleted; right: 3 created, 2 changed";
        assert_eq!(look.sides(&counts).as_deref(), Some(told));
        let counts = Counts {
            deleted_far: 1,
            ..Counts::default()
        };
        let told = "left: nothing; right: 1 deleted";
        assert_eq!(look.sides(&counts).as_deref(), Some(told));
    }
}
