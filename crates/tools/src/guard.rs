//! Whether a plan is held, and what a person is asked then. Pure.

use std::collections::BTreeMap;

use serde_json::json;
use syncmgr_handler::call::Choice;
use syncmgr_handler::callback::{Prompt, PromptKind};
use syncmgr_handler::item::{Answer, ItemId};

use crate::read::Action;

/// The key of the question about many deletions.
pub(crate) const DELETIONS: &str = "guard/deletions";
/// The key of the question about a source that is empty or gone.
pub(crate) const SOURCE: &str = "guard/source";
/// So many things are named in a question.
const SAMPLE: usize = 10;

/// What a plan would delete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Planned {
    /// So many things.
    pub(crate) deletes: u64,
    /// Of these, so many on the source: they are gone from the target.
    pub(crate) on_source: u64,
    /// Of so many, where that is known.
    pub(crate) total: Option<u64>,
    /// Some of them.
    pub(crate) sample: Vec<String>,
}

impl Planned {
    /// Takes one action of a plan.
    pub(crate) fn take(&mut self, action: &Action) {
        if action.verb == "delete" {
            self.deletes += 1;
            self.on_source += u64::from(action.to.as_deref() == Some("left"));
            if self.sample.len() < SAMPLE {
                self.sample.push(action.name.clone());
            }
        }
    }

    /// Where it would delete, and where what is gone can come from.
    fn sides(&self) -> (&'static str, &'static str) {
        match self.on_source {
            0 => ("the target", "the target"),
            all if all == self.deletes => ("the source", "the source"),
            _ => ("both sides", "the other side"),
        }
    }
}

/// Why a run is held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Hold {
    /// It would delete much.
    #[error("it would delete {} on {}{}", things(.planned.deletes), .planned.sides().0, of_total(.planned.total))]
    Deletions {
        /// What it would delete.
        planned: Planned,
    },
    /// A directory that held something is gone.
    #[error("{path} is gone")]
    Missing {
        /// Which side it is.
        side: Side,
        /// The directory.
        path: String,
    },
    /// A directory that held something is empty.
    #[error("{path} is empty, and was not before")]
    Emptied {
        /// Which side it is.
        side: Side,
        /// The directory.
        path: String,
    },
}

/// One side of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Where things come from.
    Source,
    /// Where they go to.
    Target,
}

fn things(count: u64) -> String {
    match count {
        1 => "one thing".to_owned(),
        count => format!("{count} things"),
    }
}

fn of_total(total: Option<u64>) -> String {
    total.map_or_else(String::new, |total| format!(", of {total} that are there"))
}

impl Hold {
    /// The key of its question.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::Deletions { .. } => DELETIONS,
            Self::Missing { .. } | Self::Emptied { .. } => SOURCE,
        }
    }

    fn lost(&self) -> u64 {
        match self {
            Self::Deletions { planned } => planned.deletes,
            Self::Missing { .. } | Self::Emptied { .. } => 0,
        }
    }

    /// The question, with three answers where what is gone can be brought back.
    pub(crate) fn prompt(&self, item: &ItemId, can_restore: bool) -> Prompt {
        let offer = |name: &str, label: &str| Choice {
            name: name.to_owned(),
            label: label.to_owned(),
        };
        let filled_anew = matches!(
            self,
            Self::Missing {
                side: Side::Target,
                ..
            } | Self::Emptied {
                side: Side::Target,
                ..
            }
        );
        let (on, from) = match self {
            Self::Deletions { planned } => planned.sides(),
            Self::Missing { .. } | Self::Emptied { .. } => ("the target", "the target"),
        };
        let apply = if filled_anew {
            "fill it anew".to_owned()
        } else {
            format!("delete them on {on} too")
        };
        let mut choices = vec![offer("apply", &apply)];
        if can_restore && !filled_anew {
            let label = format!("bring them back from {from}");
            choices.push(offer("bring-back", &label));
        }
        choices.push(offer("later", "decide later"));
        let mut detail = String::new();
        if let Self::Deletions { planned } = self {
            detail = planned
                .sample
                .iter()
                .map(|name| format!("would be deleted: {name}"))
                .collect::<Vec<_>>()
                .join("\n");
            let more = planned.deletes.saturating_sub(planned.sample.len() as u64);
            if more > 0 {
                detail.push_str("\nand ");
                detail.push_str(&more.to_string());
                detail.push_str(" more");
            }
        }
        Prompt {
            item: Some(item.clone()),
            key: self.key().to_owned(),
            kind: PromptKind::Guard,
            text: self.to_string(),
            detail: Some(detail).filter(|detail| !detail.is_empty()),
            choices,
            default: None,
            fields: None,
            deadline_ms: None,
            durable: true,
            context: json!({ "lost": self.lost() }),
            wrong: false,
        }
    }
}

/// What a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Go on.
    Apply,
    /// Bring back first.
    BringBack,
    /// Still held.
    Later,
}

/// What was decided about this hold; an answer holds only for what was asked: no more is deleted than that.
pub(crate) fn decision(hold: &Hold, answer: Option<&Answer>) -> Option<Decision> {
    let answer = answer?;
    let asked = answer
        .context
        .get("lost")
        .and_then(serde_json::Value::as_u64)
        .unwrap_or(0);
    match answer.choice.as_str() {
        "apply" if hold.lost() <= asked => Some(Decision::Apply),
        "bring-back" => Some(Decision::BringBack),
        "later" => Some(Decision::Later),
        _ => None,
    }
}

/// Whether a plan is held.
pub(crate) fn measure(planned: &Planned, count: u64, percent: u64) -> Option<Hold> {
    if planned.deletes <= count || percent >= 100 {
        return None;
    }
    let much = match planned.total {
        Some(total) => u128::from(planned.deletes) * 100 > u128::from(total) * u128::from(percent),
        // Of how many is not known: the number alone decides.
        None => true,
    };
    much.then(|| Hold::Deletions {
        planned: planned.clone(),
    })
}

/// How many entries a directory had at its last good run, and has now; `None` where it is gone.
pub(crate) fn vanished(
    side: Side,
    path: &str,
    before: Option<u64>,
    now: Option<u64>,
) -> Option<Hold> {
    let path = || path.to_owned();
    match (before, now) {
        (Some(before), None) if before > 0 => Some(Hold::Missing { side, path: path() }),
        (Some(before), Some(0)) if before > 0 => Some(Hold::Emptied { side, path: path() }),
        _ => None,
    }
}

/// What is remembered of sources between runs: path → entries.
pub(crate) type Sources = BTreeMap<String, u64>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_says_on_which_side_things_would_be_deleted() {
        for (sides, says, offers) in [
            (
                ["right", "right"],
                "on the target",
                "delete them on the target too; bring them back from the target",
            ),
            (
                ["left", "left"],
                "on the source",
                "delete them on the source too; bring them back from the source",
            ),
            (
                ["left", "right"],
                "on both sides",
                "delete them on both sides too; bring them back from the other side",
            ),
        ] {
            let mut planned = Planned::default();
            for side in sides {
                planned.take(&Action {
                    verb: "delete".to_owned(),
                    name: "x".to_owned(),
                    to: Some(side.to_owned()),
                    bytes: 0,
                    reason: None,
                });
            }
            let hold = measure(&planned, 1, 25);
            let text = hold.as_ref().map(ToString::to_string).unwrap_or_default();
            assert_eq!(text, format!("it would delete 2 things {says}"));
            let prompt = hold.map(|hold| hold.prompt(&ItemId::new("m").unwrap(), true));
            let labels = prompt.map(|prompt| {
                let labels = prompt.choices.iter().take(2);
                labels
                    .map(|choice| choice.label.clone())
                    .collect::<Vec<_>>()
                    .join("; ")
            });
            assert_eq!(labels.as_deref(), Some(offers));
        }
    }
}
