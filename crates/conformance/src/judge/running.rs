//! Items in a run: reports, skipping, stopping, terminal statuses.

use std::collections::BTreeSet;

use syncmgr_handler::callback::{Callback, Completion, Status};

use super::{Evidence, GOOD, Judgement, Sight, bad, first};
use crate::scenario::{Phase, Scenario};
use crate::transcript::{Entry, Pair, Run, Transcript, folded};

/// Runs that were synchronized to an end that the handler calls good.
fn done(transcript: &Transcript) -> Vec<(Run, usize)> {
    let runs = transcript.runs();
    let mut found = Vec::new();
    for run in runs {
        let mut begins = transcript.begins(Pair::Synchronize);
        // A late completion of the run before is not one of this.
        let Some(begun) = begins.find(|call| (run.from..run.until).contains(&call.at)) else {
            continue;
        };
        let over = transcript
            .said()
            .filter(|(at, _)| (begun.at..run.until).contains(at))
            .find_map(|(at, callback)| match callback {
                Callback::SynchronizeCompleted(Completion::Done) => Some(at),
                _ => None,
            });
        if let Some(over) = over {
            found.push((run, over));
        }
    }
    found
}

pub(crate) fn does_the_work(evidence: &Evidence) -> Judgement {
    evidence.each("there was nothing to synchronize", |transcript| {
        if transcript.scenario != Scenario::Plain {
            return None;
        }
        transcript.runs().first()?;
        for pair in [Pair::Prepare, Pair::Synchronize] {
            let Some(call) = transcript.begins(pair).next() else {
                continue;
            };
            if let Some(error) = call.refusal() {
                return bad(format!("refused `{}`: {}", pair.method(), error.message));
            }
            if call.started() == Some("no") {
                let reason = call
                    .result()
                    .and_then(|answer| answer.get("reason")?.as_str());
                let reason = reason.unwrap_or("for no reason");
                return bad(format!("did not begin `{}`: {reason}", pair.method()));
            }
        }
        GOOD
    })
}

pub(crate) fn only_its_items(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was synchronized", |transcript| {
        // Reports of an earlier run may cross the next `prepare`: its items count as well.
        let mut wanted = BTreeSet::new();
        first(transcript.runs().iter().map(|run| {
            wanted.extend(run.items.iter().map(|item| folded(item)));
            let reports = transcript
                .reports()
                .filter(|(at, _)| (run.from..run.until).contains(at));
            first(reports.map(|(_, report)| {
                let item = report.item.as_ref()?;
                report.status?;
                if wanted.contains(&folded(item.as_str())) {
                    GOOD
                } else {
                    bad(format!("reported item `{item}`, which was not prepared"))
                }
            }))
        }))
    })
}

/// Whether an item was reported at work before it was over.
fn heralded(transcript: &Transcript, run: &Run, item: &str) -> bool {
    let id = folded(item);
    let over = transcript
        .terminal(run, item)
        .map_or(run.until, |(at, _)| at);
    transcript.reports().any(|(at, report)| {
        (run.from..over).contains(&at)
            && report
                .item
                .as_ref()
                .is_some_and(|of| folded(of.as_str()) == id)
            && !report.status.is_some_and(Status::is_terminal)
    })
}

pub(crate) fn reports_unattended(evidence: &Evidence) -> Judgement {
    evidence.each("no unattended run was made", |transcript| {
        if transcript.scenario != Scenario::Unattended {
            return None;
        }
        let (run, _) = done(transcript).into_iter().next()?;
        let plain = evidence.of(Scenario::Plain);
        let plain = plain.and_then(|plain| Some((plain, done(plain).into_iter().next()?.0)));
        for item in &run.items {
            let attended = plain
                .as_ref()
                .is_some_and(|(plain, of)| heralded(plain, of, item));
            if attended && !heralded(transcript, &run, item) {
                return bad(format!(
                    "reported no progress of item `{item}`, as it does when people watch"
                ));
            }
        }
        GOOD
    })
}

pub(crate) fn reports_each_item(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was synchronized", |transcript| {
        if transcript.scenario != Scenario::Plain {
            return None;
        }
        let (run, _) = done(transcript).into_iter().next()?;
        let mute = run
            .items
            .iter()
            .find(|item| !heralded(transcript, &run, item));
        match mute {
            Some(item) => bad(format!("said nothing of item `{item}` before it was over")),
            None => GOOD,
        }
    })
}

pub(crate) fn goes_on_after_skip(evidence: &Evidence) -> Judgement {
    evidence.each(
        "nothing could be skipped: it is over too soon, or has one item",
        |transcript| {
            if transcript.scenario != Scenario::Skip {
                return None;
            }
            let (told, skipped) = transcript.skipped()?;
            let run = transcript.runs().into_iter().next()?;
            let others: Vec<&String> = run
                .items
                .iter()
                .filter(|item| folded(item) != folded(skipped))
                .collect();
            if others.is_empty() {
                return None;
            }
            transcript.completions(Pair::Synchronize).next()?;
            first(
                others
                    .into_iter()
                    .map(|item| match transcript.terminal(&run, item) {
                        Some((at, _)) if at < told => None,
                        Some((_, status @ (Status::Skipped | Status::Stopped))) => bad(format!(
                            "item `{item}` ended as {} when only `{skipped}` was skipped",
                            word(status)
                        )),
                        Some(_) => GOOD,
                        None => bad(format!(
                            "item `{item}` was left when only `{skipped}` was skipped"
                        )),
                    }),
            )
        },
    )
}

fn word(status: Status) -> String {
    serde_json::to_value(status)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default()
}

pub(crate) fn skips(evidence: &Evidence) -> Judgement {
    evidence.each(
        "nothing could be skipped: it is over too soon",
        |transcript| {
            if transcript.scenario != Scenario::Skip {
                return None;
            }
            let (told, item) = transcript.skipped()?;
            let run = transcript.runs().into_iter().next()?;
            let over = transcript.completions(Pair::Synchronize).next();
            let (at, status) = match transcript.terminal(&run, item) {
                Some(end) => end,
                None => (over?, Status::Skipped),
            };
            let after = transcript.at(at).saturating_sub(transcript.at(told));
            match status {
                _ if at < told => None,
                Status::Succeeded if after > evidence.limits.react => bad(format!(
                    "item `{item}` was synchronized all the same, to its end after {} ms",
                    after.as_millis()
                )),
                // It may have been all but over when it was skipped.
                Status::Succeeded => None,
                _ if after > evidence.limits.react => bad(format!(
                    "item `{item}` was abandoned only after {} ms",
                    after.as_millis()
                )),
                _ => GOOD,
            }
        },
    )
}

pub(crate) fn stops(evidence: &Evidence) -> Judgement {
    evidence.each(
        "nothing could be stopped: it is over too soon",
        |transcript| {
            let Scenario::Stop(phase) = transcript.scenario else {
                return None;
            };
            transcript.stopped()?;
            if transcript.is_late("stop") {
                let limit = evidence.limits.react.as_secs_f32();
                return bad(format!("not over {limit} s after it was stopped"));
            }
            let pair = if phase == Phase::Prepare {
                Pair::Prepare
            } else {
                Pair::Synchronize
            };
            transcript.completions(pair).next().map(|_| Ok(()))
        },
    )
}

pub(crate) fn terminal_statuses(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was synchronized", |transcript| {
        if !transcript.scenario.undisturbed() {
            return None;
        }
        first(done(transcript).into_iter().map(|(run, over)| {
            let open = run.items.iter().find(|item| {
                transcript
                    .terminal(&run, item)
                    .is_none_or(|(at, _)| at > over)
            });
            match open {
                Some(item) => bad(format!("item `{item}` had no terminal status at the end")),
                None => GOOD,
            }
        }))
    })
}

pub(crate) fn reports_are_valid(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was reported", |transcript| {
        first(transcript.moments.iter().map(|moment| match &moment.entry {
            Entry::Wrong { method, why } if method == "progress" => {
                bad(format!("`progress`: {why}"))
            }
            Entry::Said(Callback::Progress(_)) => GOOD,
            _ => None,
        }))
    })
}

/// How the items of the first run ended.
fn succeeded(transcript: &Transcript) -> Option<Vec<String>> {
    let run = transcript.runs().into_iter().next()?;
    let good = run.items.iter().filter(|item| {
        matches!(
            transcript.terminal(&run, item),
            Some((_, Status::Succeeded))
        )
    });
    Some(good.cloned().collect())
}

pub(crate) fn heals(evidence: &Evidence) -> Judgement {
    let before = evidence.of(Scenario::Plain).and_then(succeeded);
    evidence.each("no run was killed", |transcript| {
        if !matches!(transcript.scenario, Scenario::Heal(_)) {
            return None;
        }
        let before = before.as_ref().filter(|before| !before.is_empty())?;
        let after = succeeded(transcript).unwrap_or_default();
        match before.iter().find(|item| !after.contains(item)) {
            Some(item) => bad(format!(
                "item `{item}`, which succeeded before, does not succeed any more"
            )),
            None => GOOD,
        }
    })
}

pub(crate) fn nothing_twice(evidence: &Evidence) -> Judgement {
    let absent = "no item was made in folders of the kit's own (--define)";
    evidence.each(absent, |transcript| {
        if transcript.scenario != Scenario::Again || evidence.ours.is_empty() {
            return None;
        }
        let (run, _) = done(transcript).into_iter().next()?;
        first(run.items.iter().map(|item| {
            let id = folded(item);
            if !evidence.ours.contains(&id) {
                return None;
            }
            let counts = transcript
                .reports()
                .filter(|(_, report)| {
                    report
                        .item
                        .as_ref()
                        .is_some_and(|of| folded(of.as_str()) == id)
                })
                .filter_map(|(_, report)| report.counts)
                .last()
                .unwrap_or_default();
            let moved = counts.sent + counts.received + counts.deleted;
            if moved == 0 {
                GOOD
            } else {
                bad(format!(
                    "moved {moved} things of item `{item}` although nothing had changed"
                ))
            }
        }))
    })
}

pub(crate) fn bears_the_unlisted(evidence: &Evidence) -> Judgement {
    evidence.each("that scenario was not played", |transcript| {
        if transcript.scenario != Scenario::Unlisted {
            return None;
        }
        let asked = transcript.begins(Pair::Prepare).next()?;
        let listed = transcript.calls("items/list").last()?;
        let good: Sight = match (asked.answer, listed.at > asked.at, listed.answer) {
            (None, _, _) => bad("gave no answer to `prepare` with an item that it never listed"),
            (Some(_), true, Some(Ok(_))) => GOOD,
            _ => bad("could not list its items any more after an item that it never listed"),
        };
        good
    })
}
