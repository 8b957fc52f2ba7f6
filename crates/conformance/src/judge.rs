//! Pure judgements over what was observed.

mod extra;
mod listing;
mod paired;
mod people;
mod running;
mod wire;

use serde::de::DeserializeOwned;
use serde_json::Value;

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
    /// The checks that are wanted; all when empty.
    pub(crate) only: Vec<&'static str>,
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
            None if good == 0 => self.unseen(absent),
            None if good == 1 => Judgement::Passed("seen once".to_owned()),
            None => Judgement::Passed(format!("seen in {good} instances")),
        }
    }

    /// Nothing could be seen, for this reason.
    pub(crate) fn unseen(&self, absent: &str) -> Judgement {
        Judgement::NotApplicable(match &self.left_out {
            Some(why) => format!("{absent} ({why})"),
            None => absent.to_owned(),
        })
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

/// An entry of a list: its place, and its identifier when it has one.
pub(crate) fn named(what: &str, index: usize, entry: &Value) -> String {
    let number = index + 1;
    match entry
        .get("id")
        .or(entry.get("item"))
        .and_then(Value::as_str)
    {
        Some(id) => format!("{what} {number}, `{}`,", crate::talk::excerpt(id)),
        None => format!("{what} {number}, which has no identifier,"),
    }
}

/// Why a message cannot be read: the entry that is to blame, when it is one of a list.
pub(crate) fn unread(message: &Value, read: impl Fn(&Value) -> Option<String>) -> Option<String> {
    let why = read(message)?;
    for (field, entries) in message.as_object().into_iter().flatten() {
        let Some(entries) = entries.as_array().filter(|entries| entries.len() > 1) else {
            continue;
        };
        // Without the list it can be read: then it can with each entry that is good.
        let mut alone = message.clone();
        alone[field] = Value::Array(Vec::new());
        if read(&alone).is_some() {
            continue;
        }
        for (index, entry) in entries.iter().enumerate() {
            alone[field] = Value::Array(vec![entry.clone()]);
            if let Some(why) = read(&alone) {
                let entry = named("entry", index, entry);
                return Some(format!("{entry} of `{field}`: {why}"));
            }
        }
    }
    Some(why)
}

/// Why a message is no `T`.
pub(crate) fn no<T: DeserializeOwned>(message: &Value) -> Option<String> {
    unread(message, |message| {
        T::deserialize(message).err().map(|error| error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use syncmgr_handler::call::PlanSummary;

    use super::*;

    #[test]
    fn one_bad_entry_of_a_list_is_named() {
        let plan = |items: Value| no::<PlanSummary>(&json!({"items": items}));
        let good = json!({"item": "a", "counts": {"sent": 1}});
        let bad = json!({"item": "b", "counts": {"sent": "many"}});
        assert_eq!(plan(json!([good, good])), None);
        let why = plan(json!([good, bad, good])).unwrap();
        assert!(
            why.starts_with("entry 2, `b`, of `items`: ") && why.contains("many"),
            "{why}"
        );
        let why = plan(json!([good, good, {"counts": {}}])).unwrap();
        assert!(
            why.starts_with("entry 3, which has no identifier, of `items`: "),
            "{why}"
        );
        // The list itself is none; and what one entry alone says needs no number.
        assert!(!plan(json!("none")).unwrap().contains("entry"));
        assert!(!plan(json!([bad])).unwrap().contains("entry"));
    }
}
