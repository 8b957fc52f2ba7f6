//! Optional parts of the contract, and what a settings session may do.

use serde_json::Value;
use syncmgr_handler::call::{Conflict, ItemDefinition, PlanSummary, PropertySheet, Resolved};
use syncmgr_handler::callback::Callback;
use syncmgr_handler::contract::feature;
use syncmgr_handler::frame::RpcError;

use super::{Evidence, GOOD, Judgement, bad, first, named, no};
use crate::scenario::Scenario;
use crate::transcript::{Pair, folded};

pub(crate) fn settings_only_list(evidence: &Evidence) -> Judgement {
    evidence.each("that scenario was not played", |transcript| {
        if transcript.scenario != Scenario::Settings {
            return None;
        }
        transcript.items.as_ref()?;
        let worked = transcript
            .reports()
            .any(|(_, report)| report.status.is_some());
        let completed = [Pair::Prepare, Pair::Synchronize]
            .iter()
            .any(|pair| transcript.completions(*pair).next().is_some());
        if worked || completed || transcript.questions().next().is_some() {
            bad("reported, completed or asked something in a settings session")
        } else {
            GOOD
        }
    })
}

pub(crate) fn plan_writes_nothing(evidence: &Evidence) -> Judgement {
    evidence.each(
        "it does not announce `plan`, or has no item",
        |transcript| {
            transcript.calls("plan").next()?.result()?;
            match &transcript.touched {
                Some(what) => bad(what.clone()),
                None => GOOD,
            }
        },
    )
}

pub(crate) fn plan_is_about_the_items(evidence: &Evidence) -> Judgement {
    evidence.each(
        "it does not announce `plan`, or has no item",
        |transcript| {
            let call = transcript.calls("plan").next()?;
            let asked: Vec<String> = call
                .params
                .get("items")?
                .as_array()?
                .iter()
                .filter_map(|id| id.as_str().map(folded))
                .collect();
            let answer = match call.answer {
                None => return bad("gave no answer"),
                // What is not there at all is judged by J-20.
                Some(Err(error)) if error.code == RpcError::METHOD_NOT_FOUND => return None,
                Some(Err(error)) => return bad(format!("refused: {}", error.message)),
                Some(Ok(answer)) => answer,
            };
            let summary: PlanSummary = match serde_json::from_value(answer.clone()) {
                Ok(summary) => summary,
                Err(error) => {
                    let why = no::<PlanSummary>(answer).unwrap_or(error.to_string());
                    return bad(format!("the answer is none: {why}"));
                }
            };
            let acted = transcript
                .said()
                .filter_map(|(_, callback)| match callback {
                    Callback::PlanActions(actions) => Some(&actions.item),
                    _ => None,
                });
            let named = summary.items.iter().map(|plan| &plan.item).chain(acted);
            if let Some(item) = named
                .into_iter()
                .find(|item| !asked.contains(&folded(item.as_str())))
            {
                return bad(format!(
                    "plans for item `{item}`, which was not asked about"
                ));
            }
            let planned = |id: &String| {
                summary
                    .items
                    .iter()
                    .any(|plan| folded(plan.item.as_str()) == *id)
            };
            match asked.iter().find(|id| !planned(id)) {
                Some(id) => bad(format!("says nothing about item `{id}`")),
                None => GOOD,
            }
        },
    )
}

pub(crate) fn defines_carefully(evidence: &Evidence) -> Judgement {
    evidence.each("it does not announce `item/define`", |transcript| {
        if transcript.scenario != Scenario::Define {
            return None;
        }
        first(transcript.calls("item/define").map(|call| {
            let nonsense = call.params.pointer("/arguments/check-nonsense").is_some();
            match call.answer {
                None => bad("gave no answer to arguments that it cannot understand"),
                Some(Err(_)) => GOOD,
                Some(Ok(_)) if nonsense => bad("took arguments that mean nothing"),
                Some(Ok(answer)) => {
                    match serde_json::from_value::<ItemDefinition>(answer.clone()) {
                        Ok(_) => GOOD,
                        Err(error) => bad(format!("the answer defines no item: {error}")),
                    }
                }
            }
        }))
    })
}

pub(crate) fn sheet_of_the_handler(evidence: &Evidence) -> Judgement {
    evidence.each("it does not announce `properties`", |transcript| {
        if transcript.scenario != Scenario::Properties {
            return None;
        }
        let call = transcript
            .calls("properties")
            .find(|call| call.params.get("item").is_none())?;
        match call.answer {
            None => bad("gave no answer to `properties` about itself"),
            Some(Ok(answer)) => match serde_json::from_value::<PropertySheet>(answer.clone()) {
                Ok(_) => GOOD,
                Err(error) => bad(format!(
                    "its own sheet is none: {}",
                    no::<PropertySheet>(answer).unwrap_or(error.to_string())
                )),
            },
            // Only items have properties then.
            Some(Err(_)) => None,
        }
    })
}

pub(crate) fn properties_round_trip(evidence: &Evidence) -> Judgement {
    evidence.each("it gives no properties", |transcript| {
        let calls: Vec<_> = transcript.calls("properties").collect();
        first(calls.iter().filter_map(|write| {
            let values = write.params.get("values")?;
            Some(match write.answer {
                None => bad("gave no answer when its own values were written back"),
                Some(Err(error)) => bad(format!("refuses its own values: {}", error.message)),
                Some(Ok(answer)) if answer.get("values").unwrap_or(&Value::Null) != values => {
                    bad("its own values, written back, became others")
                }
                Some(Ok(_)) => GOOD,
            })
        }))
    })
}

pub(crate) fn conflicts_are_valid(evidence: &Evidence) -> Judgement {
    let absent = "it does not announce `conflicts`, or has no item";
    evidence.each(absent, |transcript| {
        if transcript.scenario != Scenario::Conflicts || !transcript.has(feature::CONFLICTS) {
            return None;
        }
        let ids = transcript.ids().unwrap_or_default();
        let lists = transcript.calls("conflicts/list").map(|call| {
            let page = match call.answer {
                None => return bad("gave no answer to `conflicts/list`"),
                Some(Err(error)) => {
                    return bad(format!("refused `conflicts/list`: {}", error.message));
                }
                Some(Ok(page)) => page,
            };
            let Some(conflicts) = page.get("conflicts").and_then(Value::as_array) else {
                return bad("a page without `conflicts`");
            };
            first(
                std::iter::once(GOOD).chain(conflicts.iter().enumerate().map(
                    |(index, conflict)| match serde_json::from_value::<Conflict>(conflict.clone()) {
                        Err(error) => bad(format!(
                            "{} is none: {error}",
                            named("conflict", index, conflict)
                        )),
                        Ok(conflict) if conflict.versions.len() < 2 => bad(format!(
                            "conflict `{}` has fewer than two versions",
                            conflict.id
                        )),
                        Ok(conflict) if conflict.choices.is_empty() => {
                            bad(format!("conflict `{}` offers no choice", conflict.id))
                        }
                        Ok(conflict) if !ids.contains(&folded(conflict.item.as_str())) => {
                            bad(format!(
                                "conflict `{}` is of an item that is not listed",
                                conflict.id
                            ))
                        }
                        Ok(_) => GOOD,
                    },
                )),
            )
        });
        let resolved = transcript
            .calls("conflicts/resolve")
            .map(|call| match call.answer {
                None => bad("gave no answer about a conflict that does not exist"),
                Some(Err(_)) => GOOD,
                Some(Ok(answer)) => match serde_json::from_value(answer.clone()) {
                    Ok(Resolved::Refresh) => GOOD,
                    _ => bad("resolved a conflict that does not exist"),
                },
            });
        let read = transcript
            .calls("conflicts/read")
            .map(|call| match call.answer {
                None => bad("gave no answer about a version of a conflict that does not exist"),
                Some(Err(_)) => GOOD,
                Some(Ok(_)) => bad("read a version of a conflict that does not exist"),
            });
        // Whether it resolves what does not exist can be asked only about an item.
        first(lists.chain(resolved).chain(read).collect::<Vec<_>>())
            .filter(|sight| sight.is_err() || !ids.is_empty())
    })
}
