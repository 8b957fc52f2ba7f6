//! The words of `report`.

use std::ffi::OsString;

use clap::{Args, Subcommand, ValueEnum};

/// `report`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = false,
    subcommand_value_name = "WORD"
)]
pub(crate) struct ReportWords {
    /// The item.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) known: Known,
    #[command(subcommand)]
    pub(crate) word: Option<ReportWord>,
    /// Run this command in the foreground, and report its beginning and its end.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// How an item is made known, and how long one waits for its reports.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Known {
    /// Make the item known where it is not.
    #[arg(long, global = true)]
    pub(crate) create: bool,
    /// With --create: how old its last good run may become before it is late.
    #[arg(long, global = true, value_name = "SPAN", requires = "create")]
    pub(crate) fresh_within: Option<String>,
    /// How long nothing may be heard of a run before it is given up; a day unless told otherwise.
    #[arg(long, global = true, value_name = "SPAN")]
    pub(crate) within: Option<String>,
    /// The run that is meant, when another one may have taken its place.
    #[arg(long, global = true, value_name = "NUMBER")]
    pub(crate) run: Option<u64>,
}

/// What is told.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportWord {
    /// It begins. One that was begun before and never ended failed.
    Start {
        /// What it does now.
        #[arg(long)]
        text: Option<String>,
    },
    /// It goes on. Exits with 1 when a person wants it stopped.
    Progress {
        /// How far: `3/10`, `45%`, or `3` of what was said before.
        #[arg(value_parser = far)]
        value: Option<Far>,
        /// What it does now.
        #[arg(long)]
        text: Option<String>,
        #[command(flatten)]
        moved: Moved,
    },
    /// It ended well.
    Done {
        /// How it ended.
        #[arg(long)]
        text: Option<String>,
        #[command(flatten)]
        moved: Moved,
    },
    /// It failed.
    Failed {
        /// Why.
        reason: String,
        /// Trying again may help.
        #[arg(long, conflicts_with = "hard")]
        soft: bool,
        /// Trying again will not help; so it is unless told otherwise.
        #[arg(long)]
        hard: bool,
        #[command(flatten)]
        moved: Moved,
    },
    /// It was skipped: there was nothing to do, or a person wanted it so.
    Skipped {
        /// Why.
        #[arg(long)]
        text: Option<String>,
    },
    /// It stopped, because a person wanted it so.
    Stopped {
        /// How far it came.
        #[arg(long)]
        text: Option<String>,
    },
    /// The other end cannot be reached; a run that is open ends with it.
    Disconnected {
        /// Why.
        #[arg(long)]
        text: Option<String>,
    },
    /// The other end can be reached again.
    Connected,
    /// Add a line to the log of its run.
    Log {
        /// How grave.
        level: LogLevel,
        /// What.
        text: String,
        /// The cause, and what to do.
        #[arg(long)]
        detail: Option<String>,
    },
}

/// What was moved.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Moved {
    /// So many were sent.
    #[arg(long, value_name = "N")]
    pub(crate) sent: Option<u64>,
    /// So many were received.
    #[arg(long, value_name = "N")]
    pub(crate) received: Option<u64>,
    /// So many were deleted.
    #[arg(long, value_name = "N")]
    pub(crate) deleted: Option<u64>,
    /// So many conflicts are open.
    #[arg(long, value_name = "N")]
    pub(crate) conflicts: Option<u64>,
    /// So many bytes were moved.
    #[arg(long, value_name = "N")]
    pub(crate) bytes: Option<u64>,
}

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// Worth knowing.
    #[value(alias = "info")]
    Information,
    /// Not as it should be.
    Warning,
    /// Something failed.
    Error,
}

/// How far something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Far {
    pub(crate) value: u64,
    /// Absent: of what was said before.
    pub(crate) max: Option<u64>,
}

fn far(text: &str) -> Result<Far, &'static str> {
    const FORM: &str = "write how far it is as 3/10, 45% or 3";
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| FORM);
    if let Some(percent) = text.strip_suffix('%') {
        let whole = percent.split_once('.').map_or(percent, |(whole, _)| whole);
        return Ok(Far {
            value: number(whole)?.min(100),
            max: Some(100),
        });
    }
    match text.split_once('/') {
        Some((value, max)) => Ok(Far {
            value: number(value)?,
            max: Some(number(max)?),
        }),
        None => Ok(Far {
            value: number(text)?,
            max: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_is_read_as_people_write_it() {
        let check = |text: &str, value: u64, max: Option<u64>| {
            assert_eq!(far(text), Ok(Far { value, max }), "{text}");
        };
        check("3/10", 3, Some(10));
        check("3 / 10", 3, Some(10));
        check("45%", 45, Some(100));
        check("45.7%", 45, Some(100));
        check("300%", 100, Some(100));
        check("7", 7, None);
        for wrong in ["", "x", "3/", "/3", "-1", "%", "1/2/3"] {
            assert!(far(wrong).is_err(), "{wrong}");
        }
    }
}
