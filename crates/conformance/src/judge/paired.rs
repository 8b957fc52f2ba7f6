//! Work that is begun by a request and ended by a completion (mobsync 3.3).

use syncmgr_handler::callback::{Callback, Status};

use super::{Evidence, GOOD, Judgement, Sight, bad, first};
use crate::scenario::Scenario;
use crate::transcript::{Call, Pair, Transcript};

/// One piece of paired work.
struct Work<'a> {
    call: Call<'a>,
    completions: Vec<usize>,
    /// The kit ended the instance, or it ended by itself, before this was complete.
    cut: bool,
}

fn works(transcript: &Transcript, pair: Pair) -> Vec<Work<'_>> {
    let calls: Vec<Call<'_>> = transcript.begins(pair).collect();
    let ends = [
        transcript.ended_by_us(),
        transcript.exited().map(|(at, _)| at),
    ];
    let ended = ends.into_iter().flatten().min().unwrap_or(usize::MAX);
    let late = transcript.is_late(match pair {
        Pair::Prepare => "prepare/completed",
        Pair::Synchronize => "synchronize/completed",
        Pair::ShowProperties => "properties/completed",
        Pair::ShowError => "error/completed",
    });
    let mut works = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        let until = calls.get(number + 1).map_or(usize::MAX, |next| next.at);
        let completions: Vec<usize> = transcript
            .completions(pair)
            .filter(|at| (call.at..until).contains(at))
            .collect();
        let cut = completions.first().is_none_or(|first| *first > ended) && !late;
        works.push(Work {
            call: *call,
            completions,
            cut: cut && ended < until,
        });
    }
    works
}

/// Completions of work that was never begun.
fn stray(transcript: &Transcript, pair: Pair) -> Sight {
    let begun = transcript
        .begins(pair)
        .next()
        .map_or(usize::MAX, |call| call.at);
    let stray = transcript.completions(pair).find(|at| *at < begun)?;
    bad(format!(
        "completed `{}` at {} ms, which nobody had begun",
        pair.method(),
        transcript.at(stray).as_millis()
    ))
}

/// The answer came quickly, and work that began was completed.
fn quick_and_complete(evidence: &Evidence, transcript: &Transcript, pair: Pair) -> Sight {
    let stopped = matches!(transcript.scenario, Scenario::Stop(_)) && pair == Pair::Synchronize;
    first(works(transcript, pair).into_iter().map(|work| {
        let method = pair.method();
        let Some(answered) = work.call.answered else {
            return if transcript.is_late(method) && !work.cut {
                bad(format!("no answer to `{method}`"))
            } else if transcript.is_late(method) {
                bad(format!("no answer to `{method}` in time"))
            } else {
                None
            };
        };
        let took = transcript
            .at(answered)
            .saturating_sub(transcript.at(work.call.at));
        if took > evidence.limits.quick {
            return bad(format!("answered `{method}` after {} ms", took.as_millis()));
        }
        match work.call.started() {
            Some("yes") if work.completions.is_empty() && !work.cut && !stopped => {
                bad(format!("`{method}` began, and was never completed"))
            }
            Some("yes") if work.completions.is_empty() => None,
            Some("yes" | "no" | "needs-user") => GOOD,
            Some(_) | None if work.call.refusal().is_none() => {
                bad(format!("`{method}` was answered without `started`"))
            }
            Some(_) | None => None,
        }
    }))
}

/// Nothing is completed more than once, or without having begun.
fn once(transcript: &Transcript, pair: Pair) -> Sight {
    let twice = works(transcript, pair)
        .into_iter()
        .map(|work| match work.completions.len() {
            0 => None,
            1 => GOOD,
            many if work.call.started() == Some("yes") => {
                bad(format!("`{}` was completed {many} times", pair.method()))
            }
            _ => None,
        });
    first(std::iter::once(stray(transcript, pair)).chain(twice))
}

/// Nothing is completed that did not begin.
fn silent_when_refused(transcript: &Transcript, pair: Pair) -> Sight {
    first(works(transcript, pair).into_iter().map(|work| {
        work.call.answer?;
        if work.call.started() == Some("yes") {
            return None;
        }
        if work.completions.is_empty() {
            GOOD
        } else {
            bad(format!(
                "`{}` did not begin, and was completed",
                pair.method()
            ))
        }
    }))
}

pub(crate) fn prepare_completes(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was prepared", |transcript| {
        first([
            once(transcript, Pair::Prepare),
            quick_and_complete(evidence, transcript, Pair::Prepare),
        ])
    })
}

pub(crate) fn prepare_refused_is_silent(evidence: &Evidence) -> Judgement {
    evidence.each("it never refused to prepare", |transcript| {
        silent_when_refused(transcript, Pair::Prepare)
    })
}

pub(crate) fn synchronize_completes(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was synchronized", |transcript| {
        quick_and_complete(evidence, transcript, Pair::Synchronize)
    })
}

pub(crate) fn synchronize_refused_is_silent(evidence: &Evidence) -> Judgement {
    evidence.each("it never refused to synchronize", |transcript| {
        silent_when_refused(transcript, Pair::Synchronize)
    })
}

pub(crate) fn synchronize_completes_once(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was synchronized", |transcript| {
        let cancelled = works(transcript, Pair::Synchronize)
            .into_iter()
            .map(|work| {
                let stopped = transcript.stopped()?;
                let late = transcript.is_late("synchronize/completed");
                (stopped > work.call.at && late)
                    .then(|| Err("stopped, and never completed".to_owned()))
            });
        let after = works(transcript, Pair::Synchronize)
            .into_iter()
            .map(|work| {
                let over = *work.completions.first()?;
                let next = transcript
                    .every_call()
                    .find(|call| call.at > over && call.method != "release")
                    .map_or(usize::MAX, |call| call.at);
                let released = transcript.ended_by_us().unwrap_or(usize::MAX);
                let late = transcript.reports().find(|(at, report)| {
                    *at > over && *at < next.min(released) && report.status.is_some()
                });
                late.map(|_| Err("reported about items after it had completed".to_owned()))
            });
        let sights: Vec<Sight> = cancelled.chain(after).collect();
        first(
            sights
                .into_iter()
                .chain([once(transcript, Pair::Synchronize)]),
        )
    })
}

pub(crate) fn show_properties_completes(evidence: &Evidence) -> Judgement {
    let absent = "no window of properties was asked for: nobody is there to close it";
    evidence.each(absent, |transcript| {
        first([
            once(transcript, Pair::ShowProperties),
            silent_when_refused(transcript, Pair::ShowProperties),
            quick_and_complete(evidence, transcript, Pair::ShowProperties),
        ])
    })
}

pub(crate) fn show_error_completes(evidence: &Evidence) -> Judgement {
    evidence.each(
        "no error with a link was logged, or `error/show` is not announced",
        |transcript| {
            first([
                once(transcript, Pair::ShowError),
                silent_when_refused(transcript, Pair::ShowError),
                quick_and_complete(evidence, transcript, Pair::ShowError),
            ])
        },
    )
}

pub(crate) fn retries_known_items(evidence: &Evidence) -> Judgement {
    evidence.each("it never asked for a retry", |transcript| {
        let ids = transcript.ids()?;
        first(transcript.said().map(|(_, callback)| {
            let Callback::ErrorCompleted(completed) = callback else {
                return None;
            };
            first(completed.retry.iter().map(|id| {
                if ids.contains(&crate::transcript::folded(id.as_str())) {
                    GOOD
                } else {
                    bad(format!(
                        "wants to run item `{id}` again, which it does not list"
                    ))
                }
            }))
        }))
    })
}

pub(crate) fn runs_again(evidence: &Evidence) -> Judgement {
    evidence.each("no second run was tried", |transcript| {
        if transcript.scenario != Scenario::Retry {
            return None;
        }
        let runs = transcript.runs();
        let (one, two) = (runs.first()?, runs.get(1)?);
        let prepared = transcript.begins(Pair::Prepare).nth(1)?;
        // One that ended by itself is judged by J-22.
        prepared.answer?;
        if prepared.started() != Some("yes") {
            return bad("did not prepare a second time on the same instance");
        }
        match transcript.begins(Pair::Synchronize).nth(1) {
            None => bad("could not synchronize a second time on the same instance"),
            Some(call) if call.started() != Some("yes") => {
                bad("did not synchronize a second time on the same instance")
            }
            Some(_) => {
                let ended =
                    |run, item: &String| transcript.terminal(run, item).map(|(_, status)| status);
                let worse = two.items.iter().find(|item| {
                    ended(one, item) == Some(Status::Succeeded)
                        && ended(two, item) != Some(Status::Succeeded)
                });
                match worse {
                    Some(item) => bad(format!("item `{item}` succeeded only the first time")),
                    None => GOOD,
                }
            }
        }
    })
}
