//! Requests as methods over HTTP: what each is called, what it needs, and what answers it.

use serde_json::{Map, Value, json};

use crate::request::Request;

/// Below this path each method has its own: `POST /v1/status`.
pub const ROOT: &str = "/v1/";

/// What somebody must be allowed to do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Look.
    Read,
    /// Start, stop, answer and resolve what is configured.
    Run,
    /// Change what is configured, and start programs of one's choice.
    Admin,
}

impl Access {
    /// The word for it, as it is typed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Run => "run",
            Self::Admin => "admin",
        }
    }
}

/// One method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Its name, the last part of its path.
    pub name: &'static str,
    /// What it needs.
    pub access: Access,
    /// The names of the replies that answer it.
    pub replies: &'static [&'static str],
}

impl Method {
    const fn read(name: &'static str, replies: &'static [&'static str]) -> Self {
        Self {
            name,
            access: Access::Read,
            replies,
        }
    }

    const fn run(name: &'static str, replies: &'static [&'static str]) -> Self {
        Self {
            name,
            access: Access::Run,
            replies,
        }
    }

    const fn admin(name: &'static str, replies: &'static [&'static str]) -> Self {
        Self {
            name,
            access: Access::Admin,
            replies,
        }
    }
}

/// Every method, in the order in which they are documented.
pub const METHODS: &[Method] = &[
    Method::read("status", &["status"]),
    Method::read("list", &["items"]),
    Method::read("browse", &["page"]),
    Method::read("show", &["item"]),
    Method::read("why", &["why"]),
    Method::read("runs", &["runs"]),
    Method::read("run", &["run"]),
    Method::read("log", &["log"]),
    Method::read("needs", &["needs"]),
    Method::read("offer", &["offer"]),
    Method::read("conflicts", &["conflicts"]),
    Method::read("handlers", &["handlers"]),
    Method::read("rules", &["rules"]),
    Method::read("forecast", &["forecast"]),
    Method::read("explain", &["schedule"]),
    Method::read("doctor", &["doctor"]),
    Method::read("request-state", &["request-state"]),
    Method::run("sync", &["accepted"]),
    Method::run("refresh", &["accepted"]),
    Method::run("plan", &["plan"]),
    Method::run("compare", &["comparison"]),
    Method::run("picture", &["picture"]),
    Method::run("undo", &["accepted"]),
    Method::run("answer", &["answered"]),
    Method::run("choose", &["answered"]),
    Method::run("resolve", &["accepted"]),
    Method::run("decide", &["decided"]),
    Method::run("stop", &["done"]),
    Method::run("stop-items", &["done"]),
    Method::run("skip", &["done"]),
    Method::run("pause", &["done"]),
    Method::run("resume", &["done"]),
    Method::run("check", &["done"]),
    Method::run("open-link", &["accepted"]),
    Method::run("dismiss-link", &["done"]),
    Method::run("invoke", &["accepted", "asked"]),
    Method::run("invoke-all", &["accepted", "asked"]),
    Method::run("misused", &["done"]),
    Method::run("report", &["reported"]),
    Method::run("report-log", &["reported"]),
    Method::run("report-attend", &["reported"]),
    Method::admin("enter", &["entry"]),
    Method::admin("forget", &["done"]),
    Method::admin("enable", &["done"]),
    Method::admin("properties", &["properties"]),
    Method::admin("add-item", &["added"]),
    Method::admin("remove-item", &["removed"]),
    Method::admin("add-rule", &["rule"]),
    Method::admin("remove-rule", &["done"]),
    Method::admin("register", &["registered"]),
    Method::admin("unregister", &["removed"]),
];

/// The method of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

/// What a request is over HTTP: the name of its method, and its parameters.
///
/// # Errors
/// That of the serialization; no request has one.
pub fn parts(request: &Request) -> Result<(String, Value), serde_json::Error> {
    let mut parts = match serde_json::to_value(request)? {
        Value::Object(parts) => parts,
        _ => Map::new(),
    };
    let params = parts.remove("params").unwrap_or_else(|| json!({}));
    let name = match parts.remove("method") {
        Some(Value::String(name)) => name,
        _ => String::new(),
    };
    Ok((name, params))
}

/// The request that a method and its parameters are.
///
/// # Errors
/// What is wrong with the parameters.
pub fn request(method: &Method, params: Value) -> Result<Request, serde_json::Error> {
    let is_empty = params.as_object().is_some_and(Map::is_empty);
    let whole = json!({ "method": method.name, "params": params });
    match serde_json::from_value(whole) {
        // A method without parameters knows none, not even an empty object of them.
        Err(error) if is_empty => {
            let bare = json!({ "method": method.name });
            serde_json::from_value(bare).map_err(|_| error)
        }
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Report, ReportState};
    use crate::rule::RuleText;

    #[test]
    fn requests_and_their_parts_are_the_same() {
        for asked in [
            Request::Status,
            Request::InvokeAll,
            Request::Show {
                name: "12".to_owned(),
            },
            Request::Runs {
                name: None,
                before: Some(7),
                limit: 10,
            },
            Request::Stop { request: None },
            Request::AddRule(RuleText::default()),
            Request::Report(Report::new("backup", ReportState::Start)),
        ] {
            let (name, params) = parts(&asked).unwrap();
            let method = find(&name).unwrap_or_else(|| panic!("{name} is no method"));
            assert_eq!(request(method, params).unwrap(), asked);
        }
    }

    #[test]
    fn what_is_wrong_with_parameters_is_said() {
        let check = |name: &str, params: Value, part: &str| {
            let error = request(find(name).unwrap(), params)
                .unwrap_err()
                .to_string();
            assert!(error.contains(part), "{error}");
        };
        check("show", json!({}), "missing field `name`");
        check("runs", json!({ "limit": "many" }), "u32");
        check("show", json!([]), "invalid type: sequence");
        check("status", json!({ "name": "x" }), "unit");
        // A misspelt parameter must not mean everything.
        check("sync", json!({ "nmes": ["x"] }), "unknown field `nmes`");
        check("pause", json!({ "name": "x" }), "unknown field `name`");
        check("add-rule", json!({ "item": [] }), "unknown field `item`");
    }
}
