//! The conformance kit for handler authors.
//!
//! [`check`] starts a handler again and again in a scratch home, plays one scenario with each instance (a plain run, a
//! settings session, skips, stops, kills and so on), writes down what was said and seen, and judges each obligation of
//! [`catalogue::CHECKS`] from these transcripts alone. It talks to the process line by line instead of through the
//! manager's host, because it must see what a well-behaved manager would correct or refuse.

pub mod catalogue;
mod classes;
mod judge;
mod report;
mod scenario;
mod scratch;
mod script;
mod subject;
mod talk;
mod transcript;

use std::path::PathBuf;

use syncmgr_handler::contract::feature;
use syncmgr_host::StartError;

pub use classes::classes;
pub use report::{Outcome, Report, Row};
pub use subject::{Limits, Speech, Subject};

use crate::catalogue::CHECKS;
use crate::judge::Evidence;
use crate::scenario::{ORDER, Phase, Scenario};
use crate::scratch::Scratch;
use crate::script::{Known, Stage};
use crate::transcript::{Entry, Transcript, folded};

/// Scenarios in which work, or the end of the process, may hang until its limit; more of the kind would tell nothing new.
const MAX_HANGS: usize = 3;

/// Why nothing is synchronized with a handler that has nothing to synchronize.
const NO_ITEM: &str = "it lists no item";

/// Which scenario is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// In words.
    pub scenario: String,
    /// Its number, from 1 on.
    pub number: usize,
    /// How many there are at most.
    pub of: usize,
}

/// A check that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The program cannot be started.
    #[error("the handler cannot be started")]
    Start(#[from] StartError),
    /// There is no place for the scratch home.
    #[error("the scratch directory cannot be made")]
    Scratch(#[source] std::io::Error),
    /// An item could not be made.
    #[error("the handler does not make the item that `--define` describes: {0}")]
    Define(String),
    /// It was told to leave off.
    #[error("the check was interrupted")]
    Interrupted {
        /// The scratch directory, when it could not be removed.
        left: Option<PathBuf>,
    },
}

/// Checks a handler, until it is told to leave off: that is when `interrupted` is over. Either way nothing of it is left
/// then but a scratch directory that was to be kept. Dropping the future ends the handler's process and tries to remove
/// the scratch directory once.
///
/// # Errors
/// [`CheckError`] when nothing could be checked; whatever the handler does wrong is in the report.
///
/// # Panics
/// Outside a tokio runtime.
pub async fn check(
    subject: &Subject,
    told: &mut (dyn FnMut(&Step) + Send),
    interrupted: impl Future<Output = ()>,
) -> Result<Report, CheckError> {
    let mut scratch = Scratch::new(subject.keep).map_err(CheckError::Scratch)?;
    let played = tokio::select! {
        biased;
        () = interrupted => None,
        // Dropping it ends the process of the scenario that is played.
        played = played(subject, &mut scratch, told) => Some(played),
    };
    let kept = scratch.kept();
    let left = scratch.clear().await;
    let Some(played) = played else {
        return Err(CheckError::Interrupted { left });
    };
    let mut report = played?;
    report.kept = kept.or(left);
    Ok(report)
}

async fn played(
    subject: &Subject,
    scratch: &mut Scratch,
    told: &mut (dyn FnMut(&Step) + Send),
) -> Result<Report, CheckError> {
    let mut stage = Stage {
        subject,
        scratch,
        known: Known::default(),
        number: 0,
        late_exits: 0,
    };
    if !subject.define.is_empty() {
        stage.define().await?.map_err(CheckError::Define)?;
    }
    let scenes = needed(subject);
    let mut transcripts: Vec<Transcript> = Vec::new();
    let mut left_out = None;
    for (index, &scenario) in scenes.iter().enumerate() {
        match plays(scenario, &stage.known, &transcripts) {
            Plays::Yes => {}
            Plays::No => continue,
            Plays::Hopeless(why) => {
                left_out.get_or_insert(why);
                continue;
            }
        }
        told(&Step {
            scenario: scenario.to_string(),
            number: index + 1,
            of: scenes.len(),
        });
        transcripts.push(stage.play(scenario).await?);
    }
    if stage.known.ids.is_empty() && stage.known.listed {
        left_out.get_or_insert(NO_ITEM);
    }
    let ours = stage.known.definitions.keys();
    let ours = ours.map(|id| folded(id)).collect();
    let evidence = Evidence {
        speech: subject.speech,
        limits: subject.limits,
        now_ms: subject.now_ms,
        ours,
        left_out: left_out.map(str::to_owned),
        only: subject.only.clone(),
        transcripts,
    };
    let name = evidence.transcripts.iter().find_map(|transcript| {
        let answer = transcript.calls("initialize").next()?.result()?;
        Some(answer.pointer("/handler/name")?.as_str()?.to_owned())
    });
    Ok(Report {
        rows: report::rows(&evidence),
        instances: evidence.transcripts.len(),
        name,
        kept: None,
    })
}

/// The scenarios that the wanted checks need, in their order: all when all are wanted.
fn needed(subject: &Subject) -> Vec<Scenario> {
    let wanted: Vec<_> = CHECKS
        .iter()
        .filter(|check| subject.only.contains(&check.id))
        .collect();
    let needed = |scenario: &Scenario| {
        // Every other scenario needs to know what the handler has.
        *scenario == Scenario::Plain
            || subject.only.is_empty()
            || wanted
                .iter()
                .any(|check| check.needs(*scenario, subject.speech))
    };
    ORDER.iter().copied().filter(needed).collect()
}

enum Plays {
    Yes,
    /// It says nothing about this handler.
    No,
    /// It would say nothing new.
    Hopeless(&'static str),
}

/// Whether a scenario is worth playing after what was seen.
fn plays(scenario: Scenario, known: &Known, played: &[Transcript]) -> Plays {
    let has = |name: &str| known.features.iter().any(|feature| feature == name);
    let began = |transcript: &Transcript| {
        transcript
            .calls("initialize")
            .any(|call| call.result().is_some())
    };
    // One that never begins is tried twice: with versions that it should refuse as well.
    if played.len() >= 2 && !played.iter().any(began) && scenario != Scenario::Version {
        return Plays::Hopeless("it never began");
    }
    let hung = |transcript: &&Transcript| {
        let mut moments = transcript.moments.iter();
        moments.any(|moment| match moment.entry {
            // Those limits are short.
            Entry::Late("exit" | "stop") => false,
            Entry::Late(_) | Entry::Flooded => true,
            _ => false,
        })
    };
    if played.iter().filter(hung).count() >= MAX_HANGS {
        return Plays::Hopeless("it hung too often for more scenarios");
    }
    if scenario.works() && scenario != Scenario::Plain && known.ids.is_empty() {
        return Plays::Hopeless(NO_ITEM);
    }
    let needed = match scenario {
        Scenario::Define => feature::DEFINE,
        Scenario::Properties => feature::PROPERTIES,
        Scenario::Conflicts => feature::CONFLICTS,
        Scenario::Subset | Scenario::Skip if known.ids.len() < 2 => return Plays::No,
        Scenario::Stop(Phase::Late) | Scenario::Kill(Phase::Late) if known.ids.len() < 2 => {
            return Plays::No;
        }
        Scenario::Heal(Phase::Late) if known.ids.len() < 2 => return Plays::No,
        Scenario::Plan if known.ids.is_empty() => return Plays::No,
        Scenario::Plan => feature::PLAN,
        _ => return Plays::Yes,
    };
    if has(needed) { Plays::Yes } else { Plays::No }
}
