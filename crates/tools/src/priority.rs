//! How the disk work of a program is scheduled.

use std::fmt;
use std::str::FromStr;

/// The levels of best effort and realtime; a smaller one goes first.
const LEVELS: std::ops::RangeInclusive<u8> = 0..=7;
/// The level where none is given, as `ionice` does.
const USUAL_LEVEL: u8 = 4;

/// A class of input and output, as `ionice` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoClass {
    /// Only when nobody else uses the disk.
    Idle,
    /// As usual, with a level from 0 (first) to 7.
    BestEffort(u8),
    /// Before all others, with a level from 0 (first) to 7. Needs a privilege.
    Realtime(u8),
}

/// No class of input and output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no class of input and output: idle, best-effort, best-effort:0 to 7, realtime, realtime:0 to 7"
)]
pub struct NoIoClass(String);

impl FromStr for IoClass {
    type Err = NoIoClass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let none = || NoIoClass(text.chars().take(40).collect());
        let (class, level) = match text.split_once(':') {
            Some((class, level)) => {
                let level = level.parse().ok().filter(|level| LEVELS.contains(level));
                (class, Some(level.ok_or_else(none)?))
            }
            None => (text, None),
        };
        match (class, level) {
            ("idle", None) => Ok(Self::Idle),
            ("best-effort", level) => Ok(Self::BestEffort(level.unwrap_or(USUAL_LEVEL))),
            ("realtime", level) => Ok(Self::Realtime(level.unwrap_or(USUAL_LEVEL))),
            _ => Err(none()),
        }
    }
}

impl fmt::Display for IoClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("idle"),
            Self::BestEffort(level) => write!(f, "best-effort:{level}"),
            Self::Realtime(level) => write!(f, "realtime:{level}"),
        }
    }
}

impl IoClass {
    /// The number that Linux knows it by.
    #[cfg(target_os = "linux")]
    pub(crate) fn number(self) -> i32 {
        let (class, level) = match self {
            Self::Realtime(level) => (1, level),
            Self::BestEffort(level) => (2, level),
            Self::Idle => (3, 0),
        };
        (class << 13) | i32::from(level.min(*LEVELS.end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_read_as_ionice_names_them() {
        assert_eq!("idle".parse(), Ok(IoClass::Idle));
        assert_eq!("best-effort".parse(), Ok(IoClass::BestEffort(4)));
        assert_eq!("best-effort:7".parse(), Ok(IoClass::BestEffort(7)));
        assert_eq!("realtime:0".parse(), Ok(IoClass::Realtime(0)));
        for text in [
            "",
            "Idle",
            "idle:1",
            "best-effort:8",
            "best-effort:",
            "realtime:-1",
            "none",
        ] {
            assert!(text.parse::<IoClass>().is_err(), "{text}");
        }
        for class in [IoClass::Idle, IoClass::BestEffort(3), IoClass::Realtime(7)] {
            assert_eq!(class.to_string().parse(), Ok(class));
        }
    }
}
