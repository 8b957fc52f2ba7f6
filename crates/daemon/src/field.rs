//! Fields of questions: read from what a handler asks with, and held against what a person filled in.

use serde_json::{Map, Value};
use syncmgr_control::Refusal;
use syncmgr_control::field::{FieldKind, FieldView};
use syncmgr_control::view::ChoiceView;

use crate::adapt::text;

/// Most fields of a question; further ones are not asked for.
pub(crate) const MAX_FIELDS: usize = 32;
/// Most values that a field offers; further ones are not offered.
const MAX_VALUES: usize = 100;
/// Longest name of a field, in bytes; one with a longer name is not asked for.
const MAX_NAME: usize = 128;
/// Longest text that is filled in, in bytes.
const MAX_FILLED: usize = 4 * 1024;

/// The fields that a handler asks for with the JSON Schema of an object, as they are kept: in the order of `required`, then
/// by name, without the default of a secret.
pub(crate) fn asked(schema: &Value) -> String {
    serde_json::to_string(&of_schema(schema)).unwrap_or_default()
}

/// The fields of a question that is kept. Older ones are kept as the schema itself.
pub(crate) fn kept(json: &str) -> Vec<FieldView> {
    serde_json::from_str(json)
        .or_else(|_| serde_json::from_str(json).map(|schema: Value| of_schema(&schema)))
        .unwrap_or_default()
}

/// What was filled in, with defaults for what was not.
pub(crate) fn filled(
    fields: &[FieldView],
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    if let Some(name) = given
        .keys()
        .find(|name| !fields.iter().any(|field| field.name == **name))
    {
        let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        return Err(Refusal::new(
            "need::no-such-field",
            format!("the question has no field `{}`", text::line(name)),
            match known.as_slice() {
                [] => "it has none".to_owned(),
                known => format!("it has: {}", known.join(", ")),
            },
        ));
    }
    let typed = |field: &FieldView| given.get(&field.name).filter(|value| !is_empty(value));
    // What is wrong goes before what is missing: it was thought about already.
    for field in fields {
        if let Some(value) = typed(field) {
            fits(field, value)?;
        }
    }
    let mut values = Map::new();
    for field in fields {
        match typed(field).or(field.default.as_ref()) {
            Some(value) => {
                values.insert(field.name.clone(), value.clone());
            }
            None if field.kind == FieldKind::Boolean => {
                values.insert(field.name.clone(), Value::Bool(false));
            }
            None if field.required => {
                return Err(Refusal::new(
                    "need::field-missing",
                    format!("`{}` is not filled in", field.name),
                    "`syncmgr answer ID` asks for what is missing, on a terminal",
                ));
            }
            None => {}
        }
    }
    Ok(values)
}

fn fits(field: &FieldView, value: &Value) -> Result<(), Refusal> {
    let wanted = match (field.kind, value) {
        (FieldKind::Text | FieldKind::Secret, Value::String(given)) if given.len() > MAX_FILLED => {
            format!("at most {MAX_FILLED} bytes")
        }
        (FieldKind::Text | FieldKind::Secret, Value::String(_))
        | (FieldKind::Boolean, Value::Bool(_)) => return Ok(()),
        (FieldKind::Text | FieldKind::Secret, _) => "a text".to_owned(),
        (FieldKind::Boolean, _) => "true or false".to_owned(),
        (FieldKind::Choice, Value::String(given))
            if field.choices.iter().any(|offered| offered.name == *given) =>
        {
            return Ok(());
        }
        (FieldKind::Choice, _) => {
            let offered: Vec<&str> = field
                .choices
                .iter()
                .map(|offered| offered.name.as_str())
                .collect();
            format!("one of: {}", offered.join(", "))
        }
    };
    // What was given is not repeated: it may be a secret in the wrong field.
    Err(Refusal::new(
        "need::wrong-value",
        format!("`{}` takes something else", field.name),
        format!("it takes {wanted}"),
    ))
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

fn of_schema(schema: &Value) -> Vec<FieldView> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let first = required
        .iter()
        .filter_map(|name| properties.get_key_value(*name));
    let rest = properties
        .iter()
        .filter(|(name, _)| !required.contains(&name.as_str()));
    first
        .chain(rest)
        .filter(|(name, _)| is_name(name))
        .take(MAX_FIELDS)
        .map(|(name, of)| field(name, of, required.contains(&name.as_str())))
        .collect()
}

/// A name that may stand in a command line and in a page as it is.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && text::line(name) == name && !name.contains('=')
}

fn field(name: &str, of: &Value, required: bool) -> FieldView {
    let word = |key: &str| of.get(key).and_then(Value::as_str);
    let choices = offered(of);
    let secret =
        word("format") == Some("password") || of.get("writeOnly") == Some(&Value::Bool(true));
    let kind = if secret {
        FieldKind::Secret
    } else if !choices.is_empty() {
        FieldKind::Choice
    } else if word("type") == Some("boolean") {
        FieldKind::Boolean
    } else {
        FieldKind::Text
    };
    let mut view = FieldView {
        name: name.to_owned(),
        label: word("title").map_or_else(|| name.to_owned(), text::line),
        detail: word("description").map(text::line),
        kind,
        choices: if secret { Vec::new() } else { choices },
        default: None,
        required,
    };
    // The default of a secret would be one that everybody can read.
    view.default = of
        .get("default")
        .map(|default| match default {
            Value::Number(number) => Value::String(number.to_string()),
            other => other.clone(),
        })
        .filter(|default| !secret && !is_empty(default) && fits(&view, default).is_ok());
    view
}

/// The values that a field offers: `enum`, or `oneOf` with a title each.
fn offered(of: &Value) -> Vec<ChoiceView> {
    let list = |key: &str| of.get(key).and_then(Value::as_array).into_iter().flatten();
    let plain = list("enum").filter_map(|value| Some((value.as_str()?, None)));
    let titled = list("oneOf").filter_map(|value| {
        Some((
            value.get("const")?.as_str()?,
            value.get("title").and_then(Value::as_str),
        ))
    });
    plain
        .chain(titled)
        .filter(|(name, _)| is_name(name))
        .take(MAX_VALUES)
        .map(|(name, title)| ChoiceView {
            said: None,
            name: name.to_owned(),
            label: title.map(text::line).unwrap_or_default(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn login() -> Value {
        json!({
            "type": "object",
            "required": ["user", "password"],
            "properties": {
                "keep": {"type": "boolean", "default": true},
                "password": {"type": "string", "format": "password", "title": "Password\u{202e}", "default": "hunter2"},
                "server": {"oneOf": [{"const": "a", "title": "first"}, {"const": "b"}], "default": "c"},
                "user": {"type": "string", "default": "ada"},
                "bad=name": {"type": "string"},
            }
        })
    }

    #[test]
    fn fields_come_in_the_order_of_required_and_a_secret_has_no_default() {
        let kept_text = asked(&login());
        assert!(!kept_text.contains("hunter2"));
        let fields = kept(&kept_text);
        let seen: Vec<_> = fields
            .iter()
            .map(|field| {
                (
                    field.name.as_str(),
                    field.kind,
                    field.required,
                    field.default.clone(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("user", FieldKind::Text, true, Some(json!("ada"))),
                ("password", FieldKind::Secret, true, None),
                ("keep", FieldKind::Boolean, false, Some(json!(true))),
                ("server", FieldKind::Choice, false, None),
            ]
        );
        assert!(fields.iter().all(|field| !field.label.contains('\u{202e}')));
        // What older versions kept is the schema itself.
        assert_eq!(kept(&login().to_string()), fields);
        for odd in ["", "[]", "{}", "7", "{\"properties\":[]}", "not json"] {
            assert!(kept(odd).is_empty(), "{odd}");
        }
    }

    #[test]
    fn what_is_filled_in_fits_its_field_or_is_refused_without_being_told() {
        let fields = kept(&asked(&login()));
        for (given, expected) in [
            (
                json!({"password": "p"}),
                Ok(json!({"user": "ada", "password": "p", "keep": true})),
            ),
            (
                json!({"user": "", "password": "p", "keep": false, "server": "b"}),
                Ok(json!({"user": "ada", "password": "p", "keep": false, "server": "b"})),
            ),
            (json!({}), Err("need::field-missing")),
            (json!({"password": ""}), Err("need::field-missing")),
            (
                json!({"password": "p", "other": 1}),
                Err("need::no-such-field"),
            ),
            (json!({"password": 7}), Err("need::wrong-value")),
            (
                json!({"password": "p", "keep": "hunter2"}),
                Err("need::wrong-value"),
            ),
            (
                json!({"password": "p", "server": "hunter2"}),
                Err("need::wrong-value"),
            ),
            (
                json!({"password": "p".repeat(MAX_FILLED + 1)}),
                Err("need::wrong-value"),
            ),
        ] {
            let given = given.as_object().unwrap();
            let outcome = filled(&fields, given).map(Value::Object);
            if let Err(refusal) = &outcome {
                assert!(!format!("{refusal:?}").contains("hunter2"));
            }
            let outcome = outcome.map_err(|refusal| refusal.code);
            assert_eq!(outcome, expected.map_err(str::to_owned), "{given:?}");
        }
    }
}
