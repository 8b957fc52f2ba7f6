//! What the check found out.

use std::path::PathBuf;

use serde::Serialize;
use syncmgr_handler::Callback;

use crate::catalogue::{Basis, CHECKS, Check, Sight, Weight};
use crate::judge::{Evidence, Judgement};
use crate::subject::Speech;
use crate::transcript::{Pair, Transcript};

/// What became of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds as far as could be seen.
    Passed,
    /// It does not, and should.
    Warned,
    /// It does not, and must.
    Failed,
    /// Nothing could be seen of it.
    NotApplicable,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The number of the obligation.
    pub id: &'static str,
    /// What is required.
    pub requirement: &'static str,
    /// What became of it.
    pub outcome: Outcome,
    /// What was seen, or why nothing was.
    pub seen: String,
}

/// All rows.
#[derive(Debug, Clone)]
pub struct Report {
    /// In the order of the catalogue.
    pub rows: Vec<Row>,
    /// How many instances were started.
    pub instances: usize,
    /// What the handler calls itself.
    pub name: Option<String>,
    /// The scratch directory, when it was kept.
    pub kept: Option<PathBuf>,
}

impl Report {
    /// The outcome of one check.
    #[must_use]
    pub fn outcome(&self, id: &str) -> Option<Outcome> {
        self.rows
            .iter()
            .find(|row| row.id == id)
            .map(|row| row.outcome)
    }

    /// How many rows have this outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.rows
            .iter()
            .filter(|row| row.outcome == outcome)
            .count()
    }
}

/// Judges every check of the catalogue.
pub(crate) fn rows(evidence: &Evidence) -> Vec<Row> {
    CHECKS
        .iter()
        .filter(|check| evidence.only.is_empty() || evidence.only.contains(&check.id))
        .map(|check| {
            let (outcome, seen) = match judge(check, evidence) {
                Judgement::Passed(seen) => (Outcome::Passed, seen),
                Judgement::NotApplicable(why) => (Outcome::NotApplicable, why),
                Judgement::Failed(seen) => match check.weight {
                    Weight::Must => (Outcome::Failed, seen),
                    Weight::Should => (Outcome::Warned, seen),
                },
            };
            Row {
                id: check.id,
                requirement: check.requirement,
                outcome,
                seen,
            }
        })
        .collect()
}

fn judge(check: &Check, evidence: &Evidence) -> Judgement {
    if let Some((transcript, text)) = reported(check.id, evidence) {
        return Judgement::Failed(format!("{}: {text}", transcript.scenario));
    }
    match check.basis {
        Basis::Seen(judge) => judge(evidence),
        Basis::Hidden(why) => Judgement::NotApplicable(why.to_owned()),
        Basis::Class(_) if evidence.speech == Speech::Messages => Judgement::NotApplicable(
            "concerns COM classes alone: `comhost` reports breaches of it".to_owned(),
        ),
        Basis::Class(sight) => {
            let seen = evidence.transcripts.iter().any(|transcript| match sight {
                Sight::Began => transcript
                    .calls("initialize")
                    .any(|call| call.result().is_some()),
                Sight::Worked => transcript
                    .begins(Pair::Synchronize)
                    .any(|call| call.started() == Some("yes")),
            });
            match sight {
                _ if seen => Judgement::Passed("the adapter reports no breach".to_owned()),
                Sight::Began => Judgement::NotApplicable("the class was never begun".to_owned()),
                Sight::Worked => evidence.unseen("it synchronized no item"),
            }
        }
    }
}

/// A breach of this obligation that an adapter reported.
fn reported<'a>(id: &str, evidence: &'a Evidence) -> Option<(&'a Transcript, &'a str)> {
    evidence.transcripts.iter().find_map(|transcript| {
        transcript.said().find_map(|(_, callback)| match callback {
            Callback::Violation(breach) if breach.obligation == id => {
                Some((transcript, breach.text.as_str()))
            }
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use syncmgr_handler::callback::Breach;

    use super::*;
    use crate::scenario::Scenario;
    use crate::subject::Limits;
    use crate::transcript::{Entry, Moment};

    fn evidence(speech: Speech, breach: Option<&str>) -> Evidence {
        let mut transcript = Transcript::new(Scenario::Plain);
        if let Some(obligation) = breach {
            transcript.moments.push(Moment {
                at: Duration::ZERO,
                entry: Entry::Said(Callback::Violation(Breach {
                    obligation: obligation.to_owned(),
                    text: "it did that".to_owned(),
                })),
            });
        }
        Evidence {
            transcripts: vec![transcript],
            speech,
            limits: Limits::default(),
            now_ms: 0,
            ours: Vec::new(),
            left_out: None,
            only: Vec::new(),
        }
    }

    #[test]
    fn each_check_fails_by_what_an_adapter_reports() {
        for check in CHECKS {
            for speech in [Speech::Class, Speech::Messages] {
                let rows = rows(&evidence(speech, Some(check.id)));
                for row in rows {
                    let bad = matches!(row.outcome, Outcome::Failed | Outcome::Warned);
                    assert_eq!(bad, row.id == check.id, "{row:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_passed_without_a_sight() {
        for row in rows(&evidence(Speech::Class, None)) {
            assert_eq!(row.outcome, Outcome::NotApplicable, "{row:?}");
        }
    }
}
