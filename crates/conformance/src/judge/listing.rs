//! What the handler says of itself and of its items.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use serde_json::Value;
use syncmgr_handler::contract::{MAX_ICON_BYTES, MAX_NAME_UNITS, MAX_PAGE};
use syncmgr_handler::item::Item;

use super::{Evidence, GOOD, Judgement, Sight, bad, first, named};
use crate::scenario::Scenario;
use crate::transcript::{Transcript, folded};

/// 1980-01-01; what is older was not measured but made up.
const FIRST_TIME_MS: i64 = 315_532_800_000;
/// Clocks of two machines may differ by this.
const DAY_MS: i64 = 86_400_000;

fn icon(of: &Value) -> Result<(), String> {
    let Some(icon) = of.get("icon").and_then(Value::as_str) else {
        return Ok(());
    };
    if icon.len() > MAX_ICON_BYTES {
        return Err(format!("an icon of {} bytes", icon.len()));
    }
    match base64::engine::general_purpose::STANDARD.decode(icon) {
        Ok(bytes) if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Ok(()),
        Ok(_) => Err("an icon that is no PNG".to_owned()),
        Err(_) => Err("an icon that is not base 64".to_owned()),
    }
}

fn name(of: &Value) -> Result<(), String> {
    let name = of.get("name").and_then(Value::as_str).unwrap_or_default();
    let units = name.encode_utf16().count();
    match units {
        0 => Err("no name".to_owned()),
        _ if units > MAX_NAME_UNITS => Err(format!("a name of {units} units")),
        _ => Ok(()),
    }
}

pub(crate) fn takes_part(evidence: &Evidence) -> Judgement {
    evidence.each("never begun", |transcript| {
        // What those two scenarios bring is judged by J-04 and J-05.
        if matches!(transcript.scenario, Scenario::Version | Scenario::Unknown) {
            return None;
        }
        let answer = transcript.calls("initialize").next()?.answer?;
        match answer {
            Err(error) => bad(format!(
                "refused with an error instead of `takesPart`: {}",
                error.message
            )),
            Ok(answer) => match answer.get("takesPart") {
                None | Some(Value::Bool(_)) => GOOD,
                Some(_) => bad("`takesPart` is neither true nor false"),
            },
        }
    })
}

pub(crate) fn introduces_itself(evidence: &Evidence) -> Judgement {
    evidence.each("never begun", |transcript| {
        let answer = transcript.calls("initialize").next()?.result()?;
        let Some(info) = answer.get("handler").filter(|info| info.is_object()) else {
            return bad("says nothing of itself in `handler`");
        };
        let what = name(info).and_then(|()| icon(info));
        what.map_or_else(|what| bad(format!("it has {what}")), |()| GOOD)
    })
}

pub(crate) fn lists(evidence: &Evidence) -> Judgement {
    evidence.each("never begun", |transcript| {
        // What became of it after an item that was never listed is judged by J-21.
        if transcript.scenario == Scenario::Unlisted {
            return None;
        }
        first(
            transcript
                .calls("items/list")
                .map(|call| match call.answer {
                    Some(Ok(_)) => GOOD,
                    Some(Err(error)) => bad(format!("refused `items/list`: {}", error.message)),
                    None if transcript.is_late("items/list") => bad("no answer to `items/list`"),
                    None => None,
                }),
        )
    })
}

pub(crate) fn list_is_valid(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was listed", |transcript| {
        first(transcript.calls("items/list").map(|call| {
            let page = call.result()?;
            if !page.get("items").is_some_and(Value::is_array) {
                return bad("a page without `items`");
            }
            for (field, fits) in [
                (
                    "next",
                    page.get("next")
                        .is_none_or(|next| next.is_string() || next.is_null()),
                ),
                (
                    "incomplete",
                    page.get("incomplete").is_none_or(Value::is_boolean),
                ),
            ] {
                if !fits {
                    return bad(format!("a page whose `{field}` is {}", page[field]));
                }
            }
            GOOD
        }))
    })
}

pub(crate) fn pages_end(evidence: &Evidence) -> Judgement {
    evidence.each("nothing was listed", |transcript| {
        let mut cursors = BTreeSet::new();
        let mut sight = None;
        for call in transcript.calls("items/list") {
            let Some(page) = call.result() else { continue };
            let count = page
                .get("items")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            if count > MAX_PAGE {
                return bad(format!("a page of {count} items; {MAX_PAGE} are allowed"));
            }
            if call.params.get("cursor").is_none() {
                cursors.clear();
            }
            if let Some(next) = page.get("next").and_then(Value::as_str)
                && !cursors.insert(next.to_owned())
            {
                return bad("a page leads back to an earlier one");
            }
            sight = GOOD;
        }
        sight
    })
}

fn incomplete(transcript: &Transcript) -> bool {
    transcript
        .calls("items/list")
        .filter_map(|call| call.result()?.get("incomplete")?.as_bool())
        .any(|incomplete| incomplete)
}

pub(crate) fn stable_ids(evidence: &Evidence) -> Judgement {
    let reference = evidence
        .transcripts
        .iter()
        .find(|transcript| transcript.items.is_some() && !incomplete(transcript))
        .and_then(Transcript::ids);
    evidence.each("nothing was listed", |transcript| {
        let items = transcript.items.as_ref()?;
        let mut seen = BTreeSet::new();
        for item in items {
            let Some(id) = item.get("id").and_then(Value::as_str) else {
                continue;
            };
            if !seen.insert(folded(id)) {
                return bad(format!("item `{id}` is listed twice"));
            }
        }
        let reference = reference.as_ref()?;
        if seen.is_empty() && reference.is_empty() {
            return None;
        }
        if let Some(new) = seen.iter().find(|id| !reference.contains(*id)) {
            return bad(format!("item `{new}` was not there in an earlier instance"));
        }
        let gone = reference.iter().find(|id| !seen.contains(*id));
        match gone {
            Some(gone) if !incomplete(transcript) => {
                bad(format!("item `{gone}` of an earlier instance is not there"))
            }
            _ => GOOD,
        }
    })
}

/// Looks at each item; what is bad begins with which it is, so that it is found in a long list too.
fn each_item(transcript: &Transcript, look: impl Fn(&Value) -> Sight) -> Sight {
    let items = transcript.items.iter().flatten().enumerate();
    first(items.map(|(index, item)| {
        let sight = look(item)?;
        Some(sight.map_err(|what| format!("{} {what}", named("item", index, item))))
    }))
}

pub(crate) fn items_are_valid(evidence: &Evidence) -> Judgement {
    evidence.each("no item was listed", |transcript| {
        each_item(transcript, |item| {
            // A wrong time is judged for itself.
            let mut bare = item.clone();
            if let Some(map) = bare.as_object_mut() {
                map.remove("lastUpdateMs");
            }
            if let Err(error) = serde_json::from_value::<Item>(bare) {
                return bad(format!("cannot be read: {error}"));
            }
            let what = name(item).and_then(|()| icon(item));
            what.map_or_else(|what| bad(format!("has {what}")), |()| GOOD)
        })
    })
}

pub(crate) fn times_are_valid(evidence: &Evidence) -> Judgement {
    evidence.each("no item names the time of its last update", |transcript| {
        each_item(transcript, |item| {
            let time = item.get("lastUpdateMs").filter(|time| !time.is_null())?;
            match time.as_i64() {
                Some(time) if (FIRST_TIME_MS..=evidence.now_ms + DAY_MS).contains(&time) => GOOD,
                _ => bad(format!("was last updated at {time}")),
            }
        })
    })
}

pub(crate) fn properties_as_announced(evidence: &Evidence) -> Judgement {
    evidence.each("no item has properties", |transcript| {
        let announced = transcript.has("properties");
        let sheets: BTreeMap<&str, bool> = transcript
            .calls("properties")
            .filter(|call| call.params.get("values").is_none())
            .filter_map(|call| Some((call.params.get("item")?.as_str()?, call.result().is_some())))
            .collect();
        each_item(transcript, |item| {
            if item.get("hasProperties").and_then(Value::as_bool) != Some(true) {
                return None;
            }
            let id = item.get("id").and_then(Value::as_str)?;
            match sheets.get(id) {
                _ if !announced => {
                    bad("has properties, but `properties` is not among the features")
                }
                Some(false) => bad("has properties, and gave none"),
                Some(true) => GOOD,
                None => None,
            }
        })
    })
}
