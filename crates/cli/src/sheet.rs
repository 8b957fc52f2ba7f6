//! `properties`: what a handler lets people see and change of itself and its items.

use serde_json::{Map, Value};
use syncmgr_control::view::{PropertiesEffect, PropertiesView};
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::question::word;
use crate::talk::{Talk, Verdict, ask};
use crate::text::{harmless, pad, width};

/// Reads `KEY=VALUE`. A value that is JSON is taken as that, anything else as text.
pub(crate) fn value(text: &str) -> Result<(String, Value), &'static str> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((
            key.to_owned(),
            serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned())),
        )),
        _ => Err("a property and its value are wanted, such as keep=30"),
    }
}

/// `properties`
pub(crate) async fn properties(
    talk: &mut Talk,
    name: String,
    set: Vec<(String, Value)>,
    window: bool,
) -> Result<Verdict, Refusal> {
    let written = !set.is_empty();
    let values = written.then(|| set.into_iter().collect::<Map<String, Value>>());
    let request = Request::Properties {
        name,
        values,
        window,
    };
    let view = ask!(talk, request, Reply::Properties(view) => view);
    talk.screen.object(&*view);
    if !window {
        let lines = lines(&view, talk);
        talk.screen.lines(lines);
    }
    let name = harmless(&view.name);
    let sentence = match view.effect {
        PropertiesEffect::ItemDeleted => format!("{name} is gone."),
        PropertiesEffect::ItemsListed => {
            format!("The items of {name}'s handler were listed again.")
        }
        PropertiesEffect::Unchanged if written => format!("The properties of {name} are changed."),
        PropertiesEffect::Unchanged if window => format!("The properties of {name} were shown."),
        PropertiesEffect::Unchanged => {
            return Ok(Verdict::of_list(
                format!("These are the properties of {name}."),
                ExitCode::Good,
            ));
        }
    };
    Ok(Verdict::said(sentence, ExitCode::Good))
}

fn lines(view: &PropertiesView, talk: &Talk) -> Vec<String> {
    let look = &talk.screen.look;
    if view.values.is_empty() {
        return vec![format!("{} has no values to show.", harmless(&view.name))];
    }
    let widest = view.values.keys().map(|key| width(&harmless(key))).max();
    let mut lines = Vec::new();
    for (key, value) in &view.values {
        let about = view
            .schema
            .pointer(&format!(
                "/properties/{}",
                key.replace('~', "~0").replace('/', "~1")
            ))
            .and_then(|of| of.get("description").or_else(|| of.get("title")))
            .and_then(Value::as_str)
            .map(|about| format!("  {}", look.dim(&harmless(about))))
            .unwrap_or_default();
        lines.push(format!(
            "{}  {}{about}",
            look.bold(&pad(&harmless(key), widest.unwrap_or(0))),
            harmless(&shown(value)),
        ));
    }
    lines.push(look.dim(&format!(
        "change one: syncmgr properties {} --set KEY=VALUE",
        word(&view.name)
    )));
    lines
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_where_they_can_be() {
        let read = |text: &str| value(text).unwrap().1;
        assert_eq!(read("keep=30"), Value::from(30));
        assert_eq!(read("on=true"), Value::Bool(true));
        assert_eq!(read("name=a=b"), Value::from("a=b"));
        assert_eq!(read("name=\"30\""), Value::from("30"));
        assert_eq!(read("name="), Value::from(""));
        assert!(value("=3").is_err() && value("keep").is_err());
    }
}
