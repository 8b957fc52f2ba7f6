//! The document that describes the API (OpenAPI 3.1), made from the types themselves, so that it cannot drift from them.

use std::collections::BTreeMap;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use syncmgr_control::client::CHANGES_PATH;
use syncmgr_control::method::{Access, METHODS, Method, ROOT};
use syncmgr_control::{Change, Refusal, Reply, Request};

/// What a method takes and says of itself.
struct Described {
    text: String,
    params: Option<Value>,
}

/// Makes the document.
///
/// # Errors
/// What the types and the table of methods do not agree on.
pub fn document() -> Result<Value, String> {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let requests = variants(&mut generator, "method", "params")?;
    let replies = reply_schemas(&mut generator)?;
    let refusal = generator.subschema_for::<Refusal>();
    let change = generator.subschema_for::<Change>();
    for name in requests.keys() {
        if syncmgr_control::method::find(name).is_none() {
            return Err(format!(
                "the request `{name}` is not in the table of methods"
            ));
        }
    }
    let refused = json!({
        "description": "A refusal: nothing was done",
        "content": { "application/json": { "schema": refusal } },
    });
    let mut paths = Map::new();
    for method in METHODS {
        let described = requests
            .get(method.name)
            .ok_or_else(|| format!("the method `{}` is no request", method.name))?;
        let mut operations = Map::new();
        let answered = answered(method, &replies)?;
        let responses = json!({
            "200": answered,
            "400": { "$ref": "#/components/responses/refused" },
            "409": { "$ref": "#/components/responses/refused" },
            "500": { "$ref": "#/components/responses/refused" },
        });
        let mut post = json!({
            "operationId": method.name,
            "summary": described.text,
            "tags": [tag(method.access)],
            "responses": responses,
        });
        if let Some(params) = &described.params {
            post["requestBody"] = json!({
                // Whoever wants nothing but what stands without being said may send nothing at all.
                "required": !required(params).is_empty(),
                "content": { "application/json": { "schema": params } },
            });
        }
        operations.insert("post".to_owned(), post);
        if method.access == Access::Read {
            let get = json!({
                "operationId": format!("look-{}", method.name),
                "summary": described.text,
                "tags": [tag(method.access)],
                "parameters": described.params.as_ref().map_or_else(Vec::new, query),
                "responses": responses,
            });
            operations.insert("get".to_owned(), get);
        }
        paths.insert(format!("{ROOT}{}", method.name), Value::Object(operations));
    }
    paths.insert(CHANGES_PATH.to_owned(), follow(&change));
    for (path, media_type, text) in [
        (
            "/metrics",
            "application/openmetrics-text",
            "Measures, in the text format of OpenMetrics",
        ),
        ("/healthz", "text/plain", "Whether the manager answers"),
        ("/openapi.json", "application/json", "This document"),
    ] {
        let get = json!({
            "summary": text,
            "tags": [tag(Access::Read)],
            "responses": { "200": { "description": text, "content": { media_type: {} } } },
        });
        paths.insert(path.to_owned(), json!({ "get": get }));
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "syncmgr",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Everything that a face may ask of the manager. Served on its local socket, for the same user alone.",
        },
        "paths": paths,
        "components": {
            "responses": { "refused": refused },
            "schemas": generator.take_definitions(true),
        },
    }))
}

fn tag(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Run => "run",
        Access::Admin => "admin",
    }
}

fn follow(change: &schemars::Schema) -> Value {
    json!({ "get": {
        "operationId": "changes",
        "summary": "Follow what happens: first a gap, upon which the snapshot is read, then every change. Does not end",
        "tags": [tag(Access::Read)],
        "parameters": [{
            "name": "Last-Event-ID",
            "in": "header",
            "description": "The id of the last event that was seen: what was missed since is told first, if it is still kept",
            "schema": { "type": "string" },
        }],
        "responses": { "200": {
            "description": "One JSON object a line; server-sent events for who accepts `text/event-stream`",
            "content": {
                "application/x-ndjson": { "schema": change },
                "text/event-stream": { "schema": { "type": "string" } },
            },
        } },
    } })
}

/// The variants of [`Request`] by name.
fn variants(
    generator: &mut SchemaGenerator,
    tag: &str,
    content: &str,
) -> Result<BTreeMap<String, Described>, String> {
    let schema = Request::json_schema_value(generator);
    let mut all = BTreeMap::new();
    for variant in one_of(&schema)? {
        let name = name(variant, tag)?;
        let text = variant["description"].as_str().unwrap_or_default();
        let described = Described {
            text: text.replace('\n', " "),
            params: variant["properties"].get(content).cloned(),
        };
        all.insert(name, described);
    }
    Ok(all)
}

/// The variants of [`Reply`] by name, each as it is sent.
fn reply_schemas(generator: &mut SchemaGenerator) -> Result<BTreeMap<String, Value>, String> {
    let schema = Reply::json_schema_value(generator);
    let mut all = BTreeMap::new();
    for variant in one_of(&schema)? {
        all.insert(name(variant, "reply")?, variant.clone());
    }
    Ok(all)
}

trait JsonSchemaValue: schemars::JsonSchema {
    fn json_schema_value(generator: &mut SchemaGenerator) -> Value {
        Self::json_schema(generator).to_value()
    }
}

impl JsonSchemaValue for Request {}
impl JsonSchemaValue for Reply {}

fn one_of(schema: &Value) -> Result<&Vec<Value>, String> {
    schema["oneOf"]
        .as_array()
        .ok_or_else(|| "requests and replies are no alternatives".to_owned())
}

fn name(variant: &Value, tag: &str) -> Result<String, String> {
    let name = variant["properties"][tag]["const"].as_str();
    name.map(str::to_owned)
        .ok_or_else(|| format!("an alternative has no `{tag}`"))
}

fn answered(method: &Method, replies: &BTreeMap<String, Value>) -> Result<Value, String> {
    let schemas: Vec<Value> = method
        .replies
        .iter()
        .map(|reply| {
            let schema = replies.get(*reply).cloned();
            schema.ok_or_else(|| format!("`{}` answers `{reply}`, which is no reply", method.name))
        })
        .collect::<Result<_, _>>()?;
    let schema = match schemas.as_slice() {
        [one] => one.clone(),
        _ => json!({ "oneOf": schemas }),
    };
    Ok(json!({
        "description": "It was taken, or is answered",
        "content": { "application/json": { "schema": schema } },
    }))
}

/// The parameters that cannot be left out.
fn required(params: &Value) -> Vec<&str> {
    let names = params["required"].as_array();
    names.map_or_else(Vec::new, |names| {
        names.iter().filter_map(Value::as_str).collect()
    })
}

/// The parameters of a method as those of an address.
fn query(params: &Value) -> Vec<Value> {
    let required = required(params);
    let Some(properties) = params["properties"].as_object() else {
        return Vec::new();
    };
    properties
        .iter()
        .map(|(name, schema)| {
            json!({
                "name": name,
                "in": "query",
                "required": required.contains(&name.as_str()),
                "description": schema["description"],
                "schema": schema,
            })
        })
        .collect()
}
