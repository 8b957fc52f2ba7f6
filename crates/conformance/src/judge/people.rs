//! Questions, windows, the results log, connections.

use syncmgr_handler::Question;
use syncmgr_handler::callback::{Callback, Prompt};
use syncmgr_handler::contract::{MAX_ENTRY_BYTES, feature};

use super::{Evidence, GOOD, Judgement, Sight, bad, first};
use crate::scenario::Scenario;
use crate::transcript::{Entry, Pair, Transcript};

/// A question that somebody must answer at once, or that has no answer.
fn waits_for_somebody(prompt: &Prompt) -> bool {
    !prompt.durable && prompt.default.is_none()
}

pub(crate) fn quiet_start(evidence: &Evidence) -> Judgement {
    evidence.each("never begun", |transcript| {
        let answered = transcript.calls("initialize").next()?.answered?;
        let asked = transcript.questions().find(|(at, question, _)| {
            *at < answered && matches!(question, Question::Prompt(_) | Question::EnableModeless(_))
        });
        asked.map_or(GOOD, |_| {
            bad("asked something before `initialize` was answered")
        })
    })
}

pub(crate) fn no_windows_unattended(evidence: &Evidence) -> Judgement {
    evidence.each("no unattended run was made", |transcript| {
        if transcript.scenario != Scenario::Unattended || transcript.runs().is_empty() {
            return None;
        }
        let asked = transcript.questions().any(
            |(_, question, _)| matches!(question, Question::EnableModeless(wish) if wish.enable),
        );
        if asked {
            bad("wanted to show a window although nobody may be bothered")
        } else {
            GOOD
        }
    })
}

pub(crate) fn needs_user(evidence: &Evidence) -> Judgement {
    evidence.each("no unattended run was made", |transcript| {
        if transcript.scenario != Scenario::Unattended || transcript.runs().is_empty() {
            return None;
        }
        let asked = transcript.questions().find_map(|(_, question, _)| match question {
            Question::Prompt(prompt) if waits_for_somebody(prompt) => Some(&prompt.text),
            _ => None,
        });
        match asked {
            Some(text) => bad(format!(
                "asked `{}` although nobody may be bothered; `started: needs-user` or a durable question is the way",
                crate::talk::excerpt(text)
            )),
            None => GOOD,
        }
    })
}

fn ends_work(callback: &Callback) -> bool {
    [
        Pair::Prepare,
        Pair::Synchronize,
        Pair::ShowError,
        Pair::ShowProperties,
    ]
    .iter()
    .any(|pair| pair.completed_by(callback))
}

/// Grants of windows that were not given back before the work ended.
fn open_windows(transcript: &Transcript) -> Sight {
    let mut open = 0_u32;
    let mut sight = None;
    for moment in &transcript.moments {
        match &moment.entry {
            Entry::Asks {
                question: Question::EnableModeless(wish),
                reply,
            } => {
                let allowed = reply.get("allowed").and_then(serde_json::Value::as_bool);
                if wish.enable && allowed == Some(true) {
                    open += 1;
                } else if !wish.enable {
                    open = open.saturating_sub(1);
                    sight = GOOD;
                }
            }
            Entry::Said(callback) if open > 0 && ends_work(callback) => {
                return bad("completed its work, and never said that its window is gone");
            }
            _ => {}
        }
    }
    sight
}

pub(crate) fn windows_close(evidence: &Evidence) -> Judgement {
    evidence.each("it asked for no window", open_windows)
}

pub(crate) fn no_questions_at_work(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was synchronized", |transcript| {
        let begun = transcript.begins(Pair::Synchronize).next()?.at;
        let shows = transcript.calls("error/show").next().map(|call| call.at);
        let asked = transcript.questions().any(|(at, question, _)| {
            at > begun
                && shows.is_none_or(|shows| at < shows)
                && match question {
                    Question::EnableModeless(wish) => wish.enable,
                    Question::Prompt(prompt) => waits_for_somebody(prompt),
                    _ => false,
                }
                // Questions of a second run's preparation are where they belong.
                && transcript.begins(Pair::Prepare).nth(1).is_none_or(|next| at < next.at)
        });
        if asked {
            bad("asked a person in the middle of `synchronize`")
        } else {
            GOOD
        }
    })
}

pub(crate) fn logs_well(evidence: &Evidence) -> Judgement {
    evidence.each("it logged nothing", |transcript| {
        first(transcript.moments.iter().map(|moment| match &moment.entry {
            Entry::Wrong { method, why } if method == "log" => bad(format!("`log`: {why}")),
            Entry::Said(Callback::Log(log)) if log.text.trim().is_empty() => {
                bad("logged an entry without text")
            }
            Entry::Said(Callback::Log(log)) if log.text.len() > MAX_ENTRY_BYTES => {
                bad(format!("logged a text of {} bytes", log.text.len()))
            }
            Entry::Said(Callback::Log(_)) => GOOD,
            _ => None,
        }))
    })
}

pub(crate) fn links_lead_somewhere(evidence: &Evidence) -> Judgement {
    evidence.each("it logged nothing with a link", |transcript| {
        first(transcript.said().map(|(_, callback)| match callback {
            Callback::Log(log) if log.jump && log.error.as_deref().is_none_or(str::is_empty) => {
                bad("logged an entry with a link, but without the name of its error")
            }
            Callback::Log(log) if log.jump && !transcript.has(feature::SHOW_ERROR) => {
                bad("logged an entry with a link, and does not announce `error/show`")
            }
            Callback::Log(log) if log.jump => GOOD,
            _ => None,
        }))
    })
}

pub(crate) fn declared_connection(evidence: &Evidence) -> Judgement {
    evidence.each("it asked for no connection", |transcript| {
        first(
            transcript
                .questions()
                .map(|(_, question, _)| match question {
                    Question::EstablishConnection(_) if transcript.has(feature::CONNECTION) => GOOD,
                    Question::EstablishConnection(_) => {
                        bad("asked for a connection, and does not announce `connection`")
                    }
                    _ => None,
                }),
        )
    })
}

pub(crate) fn silent_after_release(evidence: &Evidence) -> Judgement {
    evidence.each("it was never released", |transcript| {
        let release = transcript.calls("release").next()?;
        // Until it answers, work that still runs may report and complete, and messages may cross the release. Who never
        // answers has as long as an answer may take.
        let begun = |at: usize| match release.answered {
            Some(answered) => at > answered,
            None => {
                let after = transcript.at(at).saturating_sub(transcript.at(release.at));
                at > release.at && after > evidence.limits.quick
            }
        };
        let later = transcript.moments.iter().enumerate().any(|(at, moment)| {
            begun(at) && matches!(moment.entry, Entry::Said(_) | Entry::Asks { .. })
        });
        if later {
            bad("still told or asked something after it was released")
        } else {
            GOOD
        }
    })
}
