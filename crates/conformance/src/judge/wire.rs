//! The wire: lines, answers, versions, the end.

use syncmgr_handler::contract::CONTRACT_VERSION;
use syncmgr_handler::frame::RpcError;

use super::{Evidence, GOOD, Judgement, Sight, bad, first};
use crate::scenario::{Phase, Scenario};
use crate::transcript::{End, Entry, Moment, Transcript};

pub(crate) fn only_messages(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was heard", |transcript| {
        first(transcript.moments.iter().map(|moment| match &moment.entry {
            Entry::Foreign(line) => bad(format!("printed `{line}`")),
            Entry::Answered { .. } | Entry::Said(_) => GOOD,
            _ => None,
        }))
    })
}

pub(crate) fn whole_lines(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was heard", |transcript| {
        let killed = matches!(transcript.scenario, Scenario::Kill(_));
        first(transcript.moments.iter().map(|moment| match &moment.entry {
            // A kill may tear a line.
            Entry::Spoilt(_) if killed => None,
            Entry::Spoilt(how) => bad(format!("wrote {how}")),
            Entry::Answered { .. } | Entry::Said(_) => GOOD,
            _ => None,
        }))
    })
}

pub(crate) fn initializes(evidence: &Evidence) -> Judgement {
    evidence.each("never begun", |transcript| {
        let call = transcript.calls("initialize").next()?;
        if transcript.scenario == Scenario::Version {
            return None;
        }
        if transcript.is_late("initialize") {
            let limit = evidence.limits.initialize.as_secs_f32();
            return bad(format!("no answer to `initialize` within {limit} s"));
        }
        let Some(answer) = call.result() else {
            // What it refuses because it does not know it is judged by J-05.
            let refusal = call
                .refusal()
                .filter(|_| transcript.scenario != Scenario::Unknown)?;
            return bad(format!("refused `initialize`: {}", refusal.message));
        };
        match answer.get("contract").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(CONTRACT_VERSION) => GOOD,
            Some(version) => bad(format!(
                "chose contract version {version}, which was not offered"
            )),
            None => bad("chose no contract version"),
        }
    })
}

pub(crate) fn refuses_versions(evidence: &Evidence) -> Judgement {
    evidence.each("that scenario was not played", |transcript| {
        if transcript.scenario != Scenario::Version {
            return None;
        }
        let call = transcript.calls("initialize").next()?;
        match (call.refusal(), call.answer) {
            (Some(error), _) if error.code != RpcError::VERSION => {
                bad(format!("refused with the code {}", error.code))
            }
            (Some(error), _) => match &error.data {
                Some(data) if !data.supported.is_empty() => GOOD,
                _ => bad("refused without naming what it speaks in `data.supported`"),
            },
            (None, Some(_)) => bad("accepted a contract version that does not exist"),
            (None, None) if transcript.is_late("initialize") => bad("gave no answer"),
            (None, None) => None,
        }
    })
}

pub(crate) fn ignores_unknown(evidence: &Evidence) -> Judgement {
    evidence.each("that scenario was not played", |transcript| {
        if transcript.scenario != Scenario::Unknown {
            return None;
        }
        let began = transcript.calls("initialize").next()?;
        if began.result().is_none() {
            return bad("did not begin when `initialize` had an unknown field and feature");
        }
        if transcript
            .moments
            .iter()
            .any(|moment| matches!(&moment.entry, Entry::Answered { id, .. } if *id == u64::MAX))
        {
            return bad("answered a notification that it did not know");
        }
        match transcript.calls("items/list").next()?.answer {
            Some(_) => GOOD,
            None => bad("listed nothing after a notification that it did not know"),
        }
    })
}

pub(crate) fn refuses_unknown_requests(evidence: &Evidence) -> Judgement {
    evidence.each("that scenario was not played", |transcript| {
        let call = transcript.calls("check/unknown-request").next()?;
        match call.answer {
            Some(Err(error)) if error.code == RpcError::METHOD_NOT_FOUND => GOOD,
            Some(Err(error)) => bad(format!("refused with the code {}", error.code)),
            Some(Ok(_)) => bad("answered it as if it were known"),
            None => bad("gave no answer"),
        }
    })
}

pub(crate) fn answers_once(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was asked", |transcript| {
        let mut open = std::collections::BTreeSet::new();
        let mut sight = None;
        for moment in &transcript.moments {
            match &moment.entry {
                Entry::Asked { id, .. } => {
                    open.insert(*id);
                }
                // In that scenario it is the answer to a notification, and judged as such.
                Entry::Answered { id: u64::MAX, .. }
                    if transcript.scenario == Scenario::Unknown => {}
                Entry::Answered { id: u64::MAX, .. } => {
                    return bad("could not read a message, or answered without a number");
                }
                Entry::Answered { id, .. } if !open.remove(id) => {
                    return bad(format!("answered request {id}, which waited for no answer"));
                }
                Entry::Answered { .. } => sight = GOOD,
                _ => {}
            }
        }
        sight
    })
}

pub(crate) fn well_formed(evidence: &Evidence) -> Judgement {
    evidence.each("it said nothing but answers", |transcript| {
        first(transcript.moments.iter().map(|moment| match &moment.entry {
            Entry::Wrong { method, .. } if method == "progress" || method == "log" => None,
            Entry::Wrong { method, why } => bad(format!("`{method}`: {why}")),
            Entry::Said(_) | Entry::Asks { .. } => GOOD,
            _ => None,
        }))
    })
}

fn exits(transcript: &Transcript, seconds: f32) -> Sight {
    // Who is not listened to any more is killed at once, whatever it would have done.
    let given_up = |moment: &Moment| {
        matches!(
            moment.entry,
            Entry::Flooded | Entry::Unheard | Entry::GivenUp
        )
    };
    if transcript.moments.iter().any(given_up) {
        return None;
    }
    if transcript.is_late("exit") {
        return bad(format!("still there after {seconds} s, and killed"));
    }
    transcript.exited().map(|_| Ok(()))
}

pub(crate) fn exits_after_release(evidence: &Evidence) -> Judgement {
    evidence.each("it was never released", |transcript| {
        transcript.calls("release").next()?;
        exits(transcript, evidence.limits.exit.as_secs_f32())
    })
}

pub(crate) fn exits_well(evidence: &Evidence) -> Judgement {
    evidence.each("it was never released", |transcript| {
        let release = transcript.calls("release").next()?;
        match transcript.exited()? {
            _ if exits(transcript, 0.0) != GOOD => None,
            (at, _) if at < release.at => None,
            (_, End::Code(0)) => GOOD,
            (_, end) => bad(format!("ended with {end}")),
        }
    })
}

pub(crate) fn exits_unplugged(evidence: &Evidence) -> Judgement {
    let unplugged = |transcript: &&Transcript| {
        let mut moments = transcript.moments.iter();
        moments.any(|moment| matches!(moment.entry, Entry::InputEnded))
    };
    let at_work = evidence.of(Scenario::Unplug(Phase::Midway));
    let judged = unplugged_each(evidence);
    match judged {
        Judgement::Passed(_) if at_work.filter(unplugged).is_none() => {
            evidence.unseen("its input was ended only while it was idle")
        }
        judged => judged,
    }
}

fn unplugged_each(evidence: &Evidence) -> Judgement {
    evidence.each("its input was never ended", |transcript| {
        let Scenario::Unplug(phase) = transcript.scenario else {
            return None;
        };
        let at = transcript
            .moments
            .iter()
            .any(|moment| matches!(moment.entry, Entry::InputEnded));
        // Without an end of input there is nothing to see, and nobody to blame.
        at.then_some(())?;
        match exits(transcript, evidence.limits.exit.as_secs_f32()) {
            Some(Err(text)) if phase == Phase::List => bad(format!("{text}, although it was idle")),
            sight => sight,
        }
    })
}

pub(crate) fn stays_alive(evidence: &Evidence) -> Judgement {
    evidence.each("it was never started", |transcript| {
        let (at, end) = transcript.exited()?;
        // A handler that refuses an event or a version may end at once.
        let refused = transcript.calls("initialize").next().is_some_and(|call| {
            call.refusal().is_some()
                || call
                    .result()
                    .and_then(|answer| answer.get("takesPart")?.as_bool())
                    == Some(false)
        });
        match transcript.ended_by_us() {
            Some(ours) if ours < at => GOOD,
            _ if refused => None,
            _ => {
                let last = transcript.stderr.trim().lines().last().unwrap_or_default();
                let said = if last.is_empty() {
                    String::new()
                } else {
                    format!(" and wrote: {}", crate::talk::excerpt(last))
                };
                bad(format!("it ended by itself, with {end}{said}"))
            }
        }
    })
}

pub(crate) fn measured_speech(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was heard", |transcript| {
        first(transcript.moments.iter().map(|moment| match &moment.entry {
            Entry::Flooded => bad(format!(
                "said more than the kit listens to: {} messages",
                evidence.limits.messages
            )),
            Entry::Answered { .. } => GOOD,
            _ => None,
        }))
    })
}

pub(crate) fn features_answered(evidence: &Evidence) -> Judgement {
    evidence.each("it announces no feature", |transcript| {
        let needs = |method: &str| match method {
            "properties/show" => Some("properties"),
            "conflicts/list" | "conflicts/resolve" => Some("conflicts"),
            "plan" | "properties" | "error/show" | "item/define" | "conflicts/read" => {
                Some(method_feature(method))
            }
            _ => None,
        };
        first(transcript.every_call().map(|call| {
            let feature = needs(call.method)?;
            if !transcript.has(feature) {
                return None;
            }
            match call.refusal() {
                Some(error) if error.code == RpcError::METHOD_NOT_FOUND => bad(format!(
                    "announces `{feature}`, and has no `{}`",
                    call.method
                )),
                _ => call.answer.map(|_| Ok(())),
            }
        }))
    })
}

fn method_feature(method: &str) -> &'static str {
    match method {
        "plan" => "plan",
        "properties" => "properties",
        "error/show" => "error/show",
        "conflicts/read" => "conflicts/read",
        _ => "item/define",
    }
}
