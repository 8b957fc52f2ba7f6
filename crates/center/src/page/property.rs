//! What a handler lets people change of itself or an item: read from its schema, and held against what somebody typed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Most properties of a form; further ones are changed with the command.
const MAX_PROPERTIES: usize = 100;
/// Most values that a property offers; further ones are not offered.
const MAX_VALUES: usize = 200;

/// One property.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) detail: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// Nobody but its handler changes it.
    pub(crate) fixed: bool,
    /// What it holds, as it stands in its field; of a secret nothing.
    pub(crate) value: String,
}

/// What a property holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Text,
    Secret,
    /// One of these values, each with what it is called.
    Choice(Vec<(Value, String)>),
    Flag,
    Number(Range),
    /// Texts, one a line.
    Lines,
    /// Anything else, as JSON.
    Json,
}

/// Which numbers are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    pub(crate) whole: bool,
    pub(crate) least: Option<f64>,
    pub(crate) most: Option<f64>,
}

/// Why a property does not take what was typed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    Missing,
    NoNumber,
    NotWhole,
    TooSmall(f64),
    TooLarge(f64),
    NotOffered,
    NoJson,
}

/// The properties of a schema with their values: those that cannot be left empty first, then the others by name.
pub(crate) fn of(schema: &Value, values: &Map<String, Value>) -> Vec<Property> {
    let Some(known) = schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    let required: Vec<&str> = listed(schema, "required")
        .filter_map(Value::as_str)
        .collect();
    let first = required
        .iter()
        .filter_map(|name| known.get_key_value(*name));
    let rest = known
        .iter()
        .filter(|(name, _)| !required.contains(&name.as_str()));
    first
        .chain(rest)
        .take(MAX_PROPERTIES)
        .map(|(name, of)| {
            one(
                name,
                of,
                values.get(name),
                required.contains(&name.as_str()),
            )
        })
        .collect()
}

/// What was typed otherwise than it was shown, or why it cannot be taken, by name.
///
/// # Errors
/// The faults.
pub(crate) fn changed(
    properties: &[Property],
    typed: &BTreeMap<String, String>,
    shown: &BTreeMap<String, String>,
) -> Result<Map<String, Value>, BTreeMap<String, Fault>> {
    let mut values = Map::new();
    let mut faults = BTreeMap::new();
    for property in properties.iter().filter(|property| !property.fixed) {
        let Some(text) = typed.get(&property.name) else {
            continue;
        };
        if shown.get(&property.name).map_or("", String::as_str) == text {
            continue;
        }
        match property.take(text) {
            Ok(value) => {
                values.insert(property.name.clone(), value);
            }
            Err(fault) => {
                faults.insert(property.name.clone(), fault);
            }
        }
    }
    if faults.is_empty() {
        Ok(values)
    } else {
        Err(faults)
    }
}

/// The property that a text of its handler names first.
pub(crate) fn named<'a>(properties: &'a [Property], text: &str) -> Option<&'a Property> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let at = |word: &str| {
        let mut found = text
            .match_indices(word)
            .map(|(at, _)| at)
            .filter(|_| !word.is_empty());
        found.find(|at| {
            !text[..*at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part)
        })
    };
    let named = properties.iter().filter_map(|property| {
        let first = at(&property.name)
            .into_iter()
            .chain(at(&property.label))
            .min()?;
        Some((first, property))
    });
    named
        .min_by_key(|(at, _)| *at)
        .map(|(_, property)| property)
}

impl Property {
    fn take(&self, text: &str) -> Result<Value, Fault> {
        if text.trim().is_empty() && !matches!(self.kind, Kind::Lines) {
            return match (&self.kind, self.required) {
                (_, true) => Err(Fault::Missing),
                (Kind::Text | Kind::Secret, false) => Ok(Value::from(text)),
                (_, false) => Ok(Value::Null),
            };
        }
        match &self.kind {
            Kind::Text | Kind::Secret => Ok(Value::from(text)),
            Kind::Choice(offered) => offered
                .iter()
                .find(|(value, _)| shown(value) == text)
                .map(|(value, _)| value.clone())
                .ok_or(Fault::NotOffered),
            Kind::Flag => match text {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(Fault::NotOffered),
            },
            Kind::Number(range) => range.take(text.trim()),
            Kind::Lines => {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                Ok(lines.map(Value::from).collect())
            }
            Kind::Json => serde_json::from_str(text).map_err(|_| Fault::NoJson),
        }
    }
}

impl Range {
    fn take(self, text: &str) -> Result<Value, Fault> {
        let value = match text.parse::<i64>() {
            Ok(whole) => Value::from(whole),
            Err(_) => match text.replace(',', ".").parse::<f64>() {
                Ok(number) if number.is_finite() && !self.whole => Value::from(number),
                Ok(number) if number.is_finite() => return Err(Fault::NotWhole),
                _ => return Err(Fault::NoNumber),
            },
        };
        let number = value.as_f64().unwrap_or_default();
        match (self.least, self.most) {
            (Some(least), _) if number < least => Err(Fault::TooSmall(least)),
            (_, Some(most)) if number > most => Err(Fault::TooLarge(most)),
            _ => Ok(value),
        }
    }
}

fn one(name: &str, of: &Value, value: Option<&Value>, required: bool) -> Property {
    let word = |key: &str| of.get(key).and_then(Value::as_str);
    let is = |key: &str| of.get(key) == Some(&Value::Bool(true));
    let kind = kind(of);
    Property {
        name: name.to_owned(),
        label: word("title").unwrap_or(name).to_owned(),
        detail: word("description").map(str::to_owned),
        required,
        fixed: is("readOnly"),
        value: match (&kind, value.or_else(|| of.get("default"))) {
            (Kind::Secret, _) | (_, None) => String::new(),
            (Kind::Lines, Some(Value::Array(lines))) => {
                let lines: Vec<String> = lines.iter().map(shown).collect();
                lines.join("\n")
            }
            (_, Some(value)) => shown(value),
        },
        kind,
    }
}

fn kind(of: &Value) -> Kind {
    let word = |key: &str| of.get(key).and_then(Value::as_str);
    if word("format") == Some("password") || of.get("writeOnly") == Some(&Value::Bool(true)) {
        return Kind::Secret;
    }
    let plain = listed(of, "enum").map(|value| (value.clone(), shown(value)));
    let titled = listed(of, "oneOf").filter_map(|offer| {
        let value = offer.get("const")?;
        let title = offer.get("title").and_then(Value::as_str);
        Some((
            value.clone(),
            title.map_or_else(|| shown(value), str::to_owned),
        ))
    });
    let offered: Vec<(Value, String)> = plain.chain(titled).take(MAX_VALUES).collect();
    if !offered.is_empty() {
        return Kind::Choice(offered);
    }
    let bound = |key: &str| of.get(key).and_then(Value::as_f64);
    match word("type") {
        Some("string") => Kind::Text,
        Some("boolean") => Kind::Flag,
        Some(number @ ("integer" | "number")) => Kind::Number(Range {
            whole: number == "integer",
            least: bound("minimum"),
            most: bound("maximum"),
        }),
        Some("array") if of.pointer("/items/type").and_then(Value::as_str) == Some("string") => {
            Kind::Lines
        }
        _ => Kind::Json,
    }
}

fn listed<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A value as it stands in a field.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Vec<Property> {
        let schema = json!({ "type": "object", "required": ["server"], "properties": {
            "keep": { "type": "integer", "minimum": 1, "maximum": 90, "title": "Days to keep" },
            "ratio": { "type": "number" },
            "password": { "type": "string", "format": "password" },
            "token": { "type": "string", "writeOnly": true },
            "mode": { "oneOf": [{ "const": "both", "title": "Both ways" }, { "const": 2 }] },
            "drafts": { "type": "boolean" },
            "ignore": { "type": "array", "items": { "type": "string" } },
            "extra": { "type": "object" },
            "server": { "type": "string" },
            "version": { "type": "string", "readOnly": true },
        } });
        let values = json!({ "keep": 7, "password": "hunter2", "token": "x", "mode": "both", "drafts": true,
            "ignore": ["*.tmp", "a b"], "extra": { "a": 1 }, "server": "mail.example.org", "version": "1" });
        of(&schema, values.as_object().unwrap())
    }

    fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        pairs.iter().map(own).collect()
    }

    #[test]
    fn a_schema_is_a_form_without_its_secrets() {
        let properties = schema();
        assert_eq!(properties[0].name, "server");
        let value = |name: &str| {
            let property = properties.iter().find(|property| property.name == name);
            property.unwrap().value.clone()
        };
        for (name, shown) in [
            ("keep", "7"),
            ("password", ""),
            ("token", ""),
            ("drafts", "true"),
            ("ignore", "*.tmp\na b"),
            ("extra", "{\"a\":1}"),
            ("ratio", ""),
        ] {
            assert_eq!(value(name), shown, "{name}");
        }
        for none in [json!(null), json!({ "properties": 5 }), json!([])] {
            assert_eq!(of(&none, &Map::new()), []);
        }
    }

    #[test]
    fn only_what_was_typed_otherwise_is_changed() {
        let properties = schema();
        for (name, typed, was, wanted) in [
            ("keep", "30", "7", json!({ "keep": 30 })),
            ("keep", "7", "7", json!({})),
            ("keep", "", "7", json!({ "keep": null })),
            ("ratio", "0,5", "", json!({ "ratio": 0.5 })),
            ("password", "", "", json!({})),
            ("password", "new", "", json!({ "password": "new" })),
            ("mode", "2", "both", json!({ "mode": 2 })),
            ("drafts", "false", "true", json!({ "drafts": false })),
            (
                "ignore",
                "*.tmp\r\n\r\n b ",
                "*.tmp",
                json!({ "ignore": ["*.tmp", "b"] }),
            ),
            ("ignore", "", "*.tmp", json!({ "ignore": [] })),
            (
                "extra",
                "{\"a\":2}",
                "{\"a\":1}",
                json!({ "extra": { "a": 2 } }),
            ),
            ("version", "2", "1", json!({})),
            ("nobody", "2", "1", json!({})),
        ] {
            let changed = changed(
                &properties,
                &texts(&[(name, typed)]),
                &texts(&[(name, was)]),
            );
            assert_eq!(Value::Object(changed.unwrap()), wanted, "{name} {typed}");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_said_of_its_property() {
        let properties = schema();
        for (name, typed, fault) in [
            ("keep", "many", Fault::NoNumber),
            ("keep", "1.5", Fault::NotWhole),
            ("keep", "0", Fault::TooSmall(1.0)),
            ("keep", "91", Fault::TooLarge(90.0)),
            ("ratio", "inf", Fault::NoNumber),
            ("mode", "none", Fault::NotOffered),
            ("drafts", "perhaps", Fault::NotOffered),
            ("extra", "{", Fault::NoJson),
            ("server", " ", Fault::Missing),
        ] {
            let faults = changed(
                &properties,
                &texts(&[(name, typed)]),
                &texts(&[(name, "was")]),
            );
            assert_eq!(faults.unwrap_err()[name], fault, "{name} {typed}");
        }
    }

    #[test]
    fn what_a_handler_says_stands_beside_the_property_that_it_names() {
        let properties = schema();
        let about = |text: &str| named(&properties, text).map(|property| property.name.as_str());
        assert_eq!(about("keep is a number of days"), Some("keep"));
        assert_eq!(about("`server`: no such host"), Some("server"));
        assert_eq!(about("Days to keep are too many"), Some("keep"));
        assert_eq!(about("mode does not go together with keep"), Some("mode"));
        assert_eq!(about("keepers are no use"), None);
        assert_eq!(about(""), None);
    }
}
