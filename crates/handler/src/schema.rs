//! The contract as a JSON Schema document, for authors in other languages.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::call::{Call, Notice};
use crate::callback::{Callback, Question};
use crate::contract::{
    CONTRACT_VERSION, MAX_COOKIE_BYTES, MAX_DETAIL_BYTES, MAX_ENTRY_BYTES, MAX_FIRST_LINE_BYTES,
    MAX_ID_UNITS, MAX_IN_FLIGHT, MAX_ITEMS, MAX_LINE_BYTES, MAX_NAME_UNITS, MAX_PAGE,
    MAX_PIECE_BYTES, MAX_TEXT_UNITS,
};
use crate::frame::RpcError;

/// One method of one direction.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) params: Schema,
    pub(crate) answer: Option<Schema>,
}

/// Makes one JSON Schema document of every line that may be sent in either direction.
///
/// `anyOf` lists the forms of a line; `x-methods` names for each method who sends it, its parameters and its answer;
/// `x-bounds` repeats the bounds of [`crate::contract`]. Deterministic: keys are in order of the alphabet.
#[must_use]
pub fn schema() -> Value {
    let mut generator: SchemaGenerator = SchemaSettings::draft2020_12().into_generator();
    let directions = [
        ("manager", Call::describe(&mut generator)),
        ("manager", Notice::describe(&mut generator)),
        ("handler", Question::describe(&mut generator)),
        ("handler", Callback::describe(&mut generator)),
    ];
    let error = generator.subschema_for::<RpcError>();
    let mut lines = Vec::new();
    let mut methods: Vec<Value> = Vec::new();
    for (sender, described) in directions {
        for method in described {
            let name = method.name;
            let request = method.answer.is_some();
            lines.push(asking(sender, &method));
            if let Some(answer) = &method.answer {
                lines.push(json!({
                    "title": format!("answer to `{name}`"),
                    "type": "object",
                    "properties": {"jsonrpc": {"const": "2.0"}, "id": id(), "result": answer},
                    "required": ["jsonrpc", "id", "result"],
                }));
            }
            methods.push(json!({
                "method": name,
                "sender": sender,
                "kind": if request { "request" } else { "notification" },
                "params": method.params,
                "answer": method.answer,
            }));
        }
    }
    lines.push(json!({
        "title": "error answer",
        "type": "object",
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "id": {"anyOf": [id(), {"type": "null"}]},
            "error": error,
        },
        "required": ["jsonrpc", "id", "error"],
    }));
    sorted(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("syncmgr handler contract, version {CONTRACT_VERSION}"),
        "description": "One line of the conversation between a manager and a handler: JSON-RPC 2.0, UTF-8, one object \
            a line. Unknown fields are ignored everywhere.",
        "anyOf": lines,
        "x-methods": methods,
        "x-bounds": {
            "lineBytes": MAX_LINE_BYTES,
            "firstLineBytes": MAX_FIRST_LINE_BYTES,
            "cookieBytes": MAX_COOKIE_BYTES,
            "idUnits": MAX_ID_UNITS,
            "nameUnits": MAX_NAME_UNITS,
            "textUnits": MAX_TEXT_UNITS,
            "page": MAX_PAGE,
            "items": MAX_ITEMS,
            "inFlight": MAX_IN_FLIGHT,
            "entryBytes": MAX_ENTRY_BYTES,
            "detailBytes": MAX_DETAIL_BYTES,
            "pieceBytes": MAX_PIECE_BYTES,
        },
        "$defs": generator.take_definitions(true),
    }))
}

fn id() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn asking(sender: &str, method: &Method) -> Value {
    let name = method.name;
    let mut properties = json!({
        "jsonrpc": {"const": "2.0"},
        "method": {"const": name},
        "params": method.params,
    });
    let mut required = vec!["jsonrpc", "method"];
    let kind = if method.answer.is_some() {
        properties["id"] = id();
        required.push("id");
        "request"
    } else {
        "notification"
    };
    json!({
        "title": format!("`{name}`, {kind} of the {sender}"),
        "type": "object",
        "properties": properties,
        "required": required,
    })
}

/// Orders all keys, whatever order the map type of this build keeps.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            let entries = entries.into_iter().map(|(key, value)| (key, sorted(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_the_document_is_the_same_each_time() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(to)) = map.get("$ref") {
                        found.push(to.clone());
                    }
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = schema();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 40);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        assert_eq!(document.to_string(), schema().to_string());
        let methods = document["x-methods"].as_array().unwrap().len();
        let all = [
            Call::METHODS,
            Notice::METHODS,
            Question::METHODS,
            Callback::METHODS,
        ];
        assert_eq!(methods, all.iter().map(|names| names.len()).sum::<usize>());
    }

    #[test]
    fn the_kept_document_is_current() {
        let kept = include_str!("../../../docs/handler-schema.json");
        let kept: Value = serde_json::from_str(kept).unwrap();
        assert!(kept == schema(), "run `cargo xtask schema`");
    }
}
