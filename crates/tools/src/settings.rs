//! What can be set of every item, whatever its recipe.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::pattern::Pattern;
use crate::recipe::{Class, Guard};
use crate::refused::Refused;
use crate::template::bytes_of;

/// The longest time limit that can be set: a year.
const TIME_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Exit codes are what a process can end with.
const EXIT_MAX: i32 = 255;

/// The settings of an item. All of them may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// Where its commands work; absent: the user's home.
    pub directory: Option<PathBuf>,
    /// Variables of its commands.
    pub env: BTreeMap<String, String>,
    /// Whose rights its commands have.
    pub user: Option<String>,
    /// How much they give way to others, from -20 to 19.
    pub nice: Option<i8>,
    /// How they use disks: `idle`, `best-effort[:N]`, `realtime[:N]`.
    pub ionice: Option<String>,
    /// How long a run may take, such as `90s`, `2h`.
    pub time_limit: Option<String>,
    /// How much it may print, such as `10MiB`.
    pub output_limit: Option<String>,
    /// What exit codes mean.
    pub exit: BTreeMap<String, Class>,
    /// Finds the progress in a line: one group is percent, two are n of m.
    pub progress: Option<Pattern>,
    /// A good run must have printed this.
    pub expect: Option<Pattern>,
    /// The program insists on a terminal.
    pub terminal: bool,
    /// The recipe by which the output of a wrapped command is read.
    pub like: Option<String>,
    /// Words that are added to the command of the run.
    pub extra: Vec<String>,
    /// A plan that deletes more than so many…
    pub hold_count: Option<u64>,
    /// …and more than so many of a hundred is held; 100 never.
    pub hold_percent: Option<u64>,
}

/// The names of all settings, for refusals and help.
pub(crate) const NAMES: &[&str] = &[
    "directory",
    "env",
    "user",
    "nice",
    "ionice",
    "time_limit",
    "output_limit",
    "exit",
    "progress",
    "expect",
    "terminal",
    "like",
    "extra",
    "hold_count",
    "hold_percent",
];

/// The names of all settings: options of every item, whatever its recipe.
#[must_use]
pub fn setting_names() -> &'static [&'static str] {
    NAMES
}

impl Settings {
    /// Looks whether all of it makes sense.
    ///
    /// # Errors
    /// [`Refused`] names the setting.
    pub(crate) fn check(&self) -> Result<(), Refused> {
        self.time()?;
        self.output()?;
        self.disk()?;
        let wrong = |name: &str, hint: &str| {
            Err(Refused::new(
                "tools::setting",
                format!("`{name}` is not understood"),
                hint,
            ))
        };
        if self.nice.is_some_and(|nice| !(-20..=19).contains(&nice)) {
            return wrong(
                "nice",
                "it goes from -20 to 19; 10 gives way to what people do",
            );
        }
        if self.hold_percent.is_some_and(|percent| percent > 100) {
            return wrong("hold_percent", "it goes from 0 to 100");
        }
        if self
            .directory
            .as_ref()
            .is_some_and(|path| !path.is_absolute())
        {
            return wrong("directory", "it is an absolute path");
        }
        for code in self.exit.keys() {
            let known = code == "signal"
                || code
                    .parse::<i32>()
                    .is_ok_and(|code| (0..=EXIT_MAX).contains(&code));
            if !known {
                return wrong(
                    "exit",
                    "it has exit codes from 0 to 255, or `signal`, and each is good, warning, soft or hard",
                );
            }
        }
        for name in self.env.keys() {
            if name.is_empty() || name.contains(['=', '\0']) {
                return wrong("env", "names of variables are not empty and have no `=`");
            }
        }
        Ok(())
    }

    pub(crate) fn time(&self) -> Result<Option<Duration>, Refused> {
        let Some(text) = &self.time_limit else {
            return Ok(None);
        };
        let wrong = || {
            Refused::new(
                "tools::setting",
                format!("`{text}` is no time limit"),
                "write a number and a unit, such as 90s, 15m, 2h or 1h 30m, at most a year",
            )
        };
        let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
        let span = Duration::try_from(span).map_err(|_| wrong())?;
        (span > Duration::ZERO && span <= TIME_MAX)
            .then_some(Some(span))
            .ok_or_else(wrong)
    }

    pub(crate) fn output(&self) -> Result<Option<u64>, Refused> {
        let Some(text) = &self.output_limit else {
            return Ok(None);
        };
        bytes_of(text)
            .filter(|bytes| *bytes > 0)
            .map(Some)
            .ok_or_else(|| {
                Refused::new(
                    "tools::setting",
                    format!("`{text}` is no amount of output"),
                    "write a number of bytes, such as 500k, 10MiB or 1G",
                )
            })
    }

    pub(crate) fn disk(&self) -> Result<Option<crate::process::IoClass>, Refused> {
        let Some(text) = &self.ionice else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            Refused::new(
                "tools::setting",
                format!("`{text}` is no class of disk use"),
                "write idle, best-effort, best-effort:0 to best-effort:7, or realtime:0 to realtime:7",
            )
        })
    }

    /// The guard of a recipe, as the item has it.
    pub(crate) fn guard(&self, guard: &Guard) -> (u64, u64) {
        (
            self.hold_count.unwrap_or(guard.count),
            self.hold_percent.unwrap_or(guard.percent),
        )
    }
}
