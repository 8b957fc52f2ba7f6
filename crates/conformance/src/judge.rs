//! Pure judgements over what was observed.

mod extra;
mod listing;
mod paired;
mod people;
mod running;
mod wire;

use crate::scenario::Scenario;
use crate::subject::{Limits, Speech};
use crate::transcript::Transcript;

pub(crate) use extra::*;
pub(crate) use listing::*;
pub(crate) use paired::*;
pub(crate) use people::*;
pub(crate) use running::*;
pub(crate) use wire::*;

/// Everything that was observed of one handler.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) transcripts: Vec<Transcript>,
    pub(crate) speech: Speech,
    pub(crate) limits: Limits,
    pub(crate) now_ms: i64,
    /// Items that the kit had made in folders that nobody else changes, folded.
    pub(crate) ours: Vec<String>,
    /// Why scenarios that work were left out.
    pub(crate) left_out: Option<String>,
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement {
    Passed(String),
    Failed(String),
    NotApplicable(String),
}

/// What one scenario says about a check: nothing, good or bad.
pub(crate) type Sight = Option<Result<(), String>>;

pub(crate) const GOOD: Sight = Some(Ok(()));

pub(crate) fn bad(text: impl Into<String>) -> Sight {
    Some(Err(text.into()))
}

impl Evidence {
    /// Looks at each scenario; one bad sight fails the check, no sight at all leaves it open for this reason.
    pub(crate) fn each(&self, absent: &str, look: impl Fn(&Transcript) -> Sight) -> Judgement {
        let mut good = 0_usize;
        let mut failed: Option<String> = None;
        let mut more = 0_usize;
        for transcript in &self.transcripts {
            match look(transcript) {
                None => {}
                Some(Ok(())) => good += 1,
                Some(Err(text)) if failed.is_none() => {
                    failed = Some(format!("{}: {text}", transcript.scenario));
                }
                Some(Err(_)) => more += 1,
            }
        }
        match failed {
            Some(text) if more == 0 => Judgement::Failed(text),
            Some(text) => Judgement::Failed(format!("{text} (and in {more} more)")),
            None if good == 0 => Judgement::NotApplicable(match &self.left_out {
                Some(why) => format!("{absent} ({why})"),
                None => absent.to_owned(),
            }),
            None if good == 1 => Judgement::Passed("seen once".to_owned()),
            None => Judgement::Passed(format!("seen in {good} instances")),
        }
    }

    pub(crate) fn of(&self, scenario: Scenario) -> Option<&Transcript> {
        self.transcripts
            .iter()
            .find(|transcript| transcript.scenario == scenario)
    }
}

/// The first bad sight of several, else a good one, else nothing.
pub(crate) fn first(sights: impl IntoIterator<Item = Sight>) -> Sight {
    let mut good = None;
    for sight in sights {
        match sight {
            Some(Err(text)) => return Some(Err(text)),
            Some(Ok(())) => good = GOOD,
            None => {}
        }
    }
    good
}
