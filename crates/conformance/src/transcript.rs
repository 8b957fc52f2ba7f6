//! What was said and seen in one scenario, in its order.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use syncmgr_handler::call::Verdict;
use syncmgr_handler::callback::{Progress, Status};
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::{Callback, Question};

use crate::scenario::Scenario;

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// The kit asked.
    Asked {
        id: u64,
        method: String,
        params: Value,
    },
    /// The kit told to skip an item, or to stop everything.
    Told {
        item: Option<String>,
        verdict: Verdict,
    },
    /// The kit ended the handler's input.
    InputEnded,
    /// The kit killed the handler.
    Killed,
    /// The handler answered.
    Answered {
        id: u64,
        answer: Result<Value, RpcError>,
    },
    /// The handler told something.
    Said(Callback),
    /// The handler asked something, and this was the reply.
    Asks { question: Question, reply: Value },
    /// A message of the contract whose parameters are not of its form.
    Wrong { method: String, why: String },
    /// A line that is no message; how it begins.
    Foreign(String),
    /// A line that is too long, not UTF-8, or not whole.
    Spoilt(&'static str),
    /// More than the kit listens to.
    Flooded,
    /// The kit did not wait for the end of the process, and killed it.
    GivenUp,
    /// The kit listens no more: what follows cannot be told apart.
    Unheard,
    /// The process ended.
    Exited(End),
    /// What the kit waited for did not come in time.
    Late(&'static str),
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Other(String),
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "code {code}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// Something that happened, and when.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    /// Since the process was started.
    pub(crate) at: Duration,
    pub(crate) entry: Entry,
}

/// One scenario from its start to the end of the process.
#[derive(Debug, Clone)]
pub(crate) struct Transcript {
    pub(crate) scenario: Scenario,
    pub(crate) moments: Vec<Moment>,
    /// What the handler announced.
    pub(crate) features: Vec<String>,
    /// The items of the whole list, when it was read to its end.
    pub(crate) items: Option<Vec<Value>>,
    /// The last of what it wrote to standard error.
    pub(crate) stderr: String,
    /// What changed on disk while nothing should have.
    pub(crate) touched: Option<String>,
}

/// A request of the kit with its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) at: usize,
    pub(crate) method: &'a str,
    pub(crate) params: &'a Value,
    pub(crate) answered: Option<usize>,
    pub(crate) answer: Option<&'a Result<Value, RpcError>>,
}

impl<'a> Call<'a> {
    pub(crate) fn result(&self) -> Option<&'a Value> {
        self.answer.and_then(|answer| answer.as_ref().ok())
    }

    pub(crate) fn refusal(&self) -> Option<&'a RpcError> {
        self.answer.and_then(|answer| answer.as_ref().err())
    }

    /// The word after `started`.
    pub(crate) fn started(&self) -> Option<&'a str> {
        self.result()?.get("started")?.as_str()
    }
}

/// The items of one `prepare`, and where the next one begins.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) from: usize,
    pub(crate) until: usize,
    pub(crate) items: Vec<String>,
}

/// Paired work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pair {
    Prepare,
    Synchronize,
    ShowProperties,
    ShowError,
}

impl Pair {
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Synchronize => "synchronize",
            Self::ShowProperties => "properties/show",
            Self::ShowError => "error/show",
        }
    }

    pub(crate) fn completed_by(self, callback: &Callback) -> bool {
        matches!(
            (self, callback),
            (Self::Prepare, Callback::PrepareCompleted(_))
                | (Self::Synchronize, Callback::SynchronizeCompleted(_))
                | (Self::ShowProperties, Callback::PropertiesCompleted(_))
                | (Self::ShowError, Callback::ErrorCompleted(_))
        )
    }
}

/// Identifiers are compared without case.
pub(crate) fn folded(id: &str) -> String {
    id.to_lowercase()
}

impl Transcript {
    pub(crate) fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            moments: Vec::new(),
            features: Vec::new(),
            items: None,
            stderr: String::new(),
            touched: None,
        }
    }

    /// The requests of this method in their order.
    pub(crate) fn calls<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = Call<'a>> {
        self.every_call().filter(move |call| call.method == wanted)
    }

    pub(crate) fn every_call(&self) -> impl Iterator<Item = Call<'_>> {
        self.moments.iter().enumerate().filter_map(|(at, moment)| {
            let Entry::Asked { id, method, params } = &moment.entry else {
                return None;
            };
            let answered = self.moments.iter().skip(at).position(
                |later| matches!(&later.entry, Entry::Answered { id: of, .. } if of == id),
            );
            let answered = answered.map(|distance| at + distance);
            let answer = answered.and_then(|index| match &self.moments.get(index)?.entry {
                Entry::Answered { answer, .. } => Some(answer),
                _ => None,
            });
            Some(Call {
                at,
                method,
                params,
                answered,
                answer,
            })
        })
    }

    /// The calls that begin paired work; earlier pages of a `prepare` only collect.
    pub(crate) fn begins(&self, pair: Pair) -> impl Iterator<Item = Call<'_>> {
        self.calls(pair.method())
            .filter(|call| call.params.get("more").and_then(Value::as_bool) != Some(true))
    }

    /// Where work of this kind was completed.
    pub(crate) fn completions(&self, pair: Pair) -> impl Iterator<Item = usize> {
        self.said()
            .filter(move |(_, callback)| pair.completed_by(callback))
            .map(|(at, _)| at)
    }

    pub(crate) fn said(&self) -> impl Iterator<Item = (usize, &Callback)> {
        self.moments
            .iter()
            .enumerate()
            .filter_map(|(at, moment)| match &moment.entry {
                Entry::Said(callback) => Some((at, callback)),
                _ => None,
            })
    }

    pub(crate) fn questions(&self) -> impl Iterator<Item = (usize, &Question, &Value)> {
        self.moments
            .iter()
            .enumerate()
            .filter_map(|(at, moment)| match &moment.entry {
                Entry::Asks { question, reply } => Some((at, question, reply)),
                _ => None,
            })
    }

    /// Every report of progress, told or asked.
    pub(crate) fn reports(&self) -> impl Iterator<Item = (usize, &Progress)> {
        self.moments
            .iter()
            .enumerate()
            .filter_map(|(at, moment)| match &moment.entry {
                Entry::Said(Callback::Progress(progress))
                | Entry::Asks {
                    question: Question::Progress(progress),
                    ..
                } => Some((at, progress)),
                _ => None,
            })
    }

    /// The runs of this instance.
    pub(crate) fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut collected = Vec::new();
        for call in self.calls("prepare") {
            let items = call.params.get("items").and_then(Value::as_array);
            let names = items.into_iter().flatten().filter_map(Value::as_str);
            collected.extend(names.map(str::to_owned));
            if call.params.get("more").and_then(Value::as_bool) == Some(true) {
                continue;
            }
            if let Some(before) = runs.last_mut() {
                before.until = call.at;
            }
            runs.push(Run {
                from: call.at,
                until: self.moments.len(),
                items: std::mem::take(&mut collected),
            });
        }
        runs
    }

    /// The last terminal status of an item within a run, and where it was reported.
    pub(crate) fn terminal(&self, run: &Run, item: &str) -> Option<(usize, Status)> {
        let item = folded(item);
        self.reports()
            .filter(|(at, _)| (run.from..run.until).contains(at))
            .filter(|(_, report)| {
                let of = report.item.as_ref();
                of.is_some_and(|of| folded(of.as_str()) == item)
            })
            .filter_map(|(at, report)| Some((at, report.status?)))
            .filter(|(_, status)| status.is_terminal())
            .last()
    }

    /// Where the handler's process ended, and how.
    pub(crate) fn exited(&self) -> Option<(usize, &End)> {
        self.moments
            .iter()
            .enumerate()
            .find_map(|(at, moment)| match &moment.entry {
                Entry::Exited(end) => Some((at, end)),
                _ => None,
            })
    }

    /// Where the kit began to end the instance, in whatever way.
    pub(crate) fn ended_by_us(&self) -> Option<usize> {
        self.moments.iter().position(|moment| match &moment.entry {
            Entry::Asked { method, .. } => method == "release",
            Entry::InputEnded
            | Entry::Killed
            | Entry::Flooded
            | Entry::Unheard
            | Entry::GivenUp => true,
            _ => false,
        })
    }

    /// Where the kit told to stop everything.
    pub(crate) fn stopped(&self) -> Option<usize> {
        self.moments.iter().position(|moment| {
            matches!(
                moment.entry,
                Entry::Told {
                    verdict: Verdict::CancelAll,
                    ..
                }
            )
        })
    }

    /// Where the kit told to skip an item, and which.
    pub(crate) fn skipped(&self) -> Option<(usize, &str)> {
        self.moments
            .iter()
            .enumerate()
            .find_map(|(at, moment)| match &moment.entry {
                Entry::Told {
                    item: Some(item),
                    verdict: Verdict::CancelItem,
                } => Some((at, item.as_str())),
                _ => None,
            })
    }

    pub(crate) fn at(&self, index: usize) -> Duration {
        self.moments
            .get(index)
            .map_or(Duration::ZERO, |moment| moment.at)
    }

    pub(crate) fn is_late(&self, what: &str) -> bool {
        self.moments
            .iter()
            .any(|moment| matches!(moment.entry, Entry::Late(late) if late == what))
    }

    pub(crate) fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|name| name == feature)
    }

    /// The identifiers of the items, folded.
    pub(crate) fn ids(&self) -> Option<BTreeSet<String>> {
        let items = self.items.as_ref()?;
        let ids = items.iter().filter_map(|item| item.get("id")?.as_str());
        Some(ids.map(folded).collect())
    }
}
