//! Acts: each is a plain form that asks for one method of the API and leads back to where it stood, so that going back never
//! does it again.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value};
use syncmgr_control::method::{self, Access, Method};
use syncmgr_control::{Refusal, Reply};

use super::{address, refusal, show};
use crate::api::{Center, caller, invalid, not_so_refusal, too_large, unknown};
use crate::visitor::Visitor;
use crate::{query, refused};

/// The script says by this header that it reads the answer itself.
const BY_SCRIPT: &str = "x-syncmgr-script";

/// `POST /act/METHOD` with the fields of a form: the parameters of the method, and where to go then.
pub(crate) async fn act(
    State(center): State<Center>,
    Path(name): Path<String>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (leads, back) = match form(&name, body) {
        Ok((method, params, back)) => {
            let watches = watches(method.name, &params);
            let outcome = ask(&center, &visitor, &headers, method.name, params).await;
            (outcome.map(|reply| leads(watches, &reply)), back)
        }
        Err(refusal) => (Err(refusal), None),
    };
    went(leads, &headers, back.as_deref())
}

/// Asks for a method with the fields of a form, the one that makes it ours among them.
pub(crate) async fn ask(
    center: &Center,
    visitor: &Visitor,
    headers: &HeaderMap,
    name: &str,
    mut params: Map<String, Value>,
) -> Result<Reply, Refusal> {
    let method = method::find(name).ok_or_else(|| unknown(name))?;
    let brought = params.remove("form");
    let brought = brought.as_ref().and_then(Value::as_str).unwrap_or_default();
    visitor.check_form(brought)?;
    visitor.must(method.access)?;
    let request = method::request(method, Value::Object(params))
        .map_err(|cause| invalid(method).because(&cause))?;
    let caller = caller(visitor, headers);
    center.service.call(caller, request).await
}

/// `POST /decide`: one conflict, or those of an item by a rule. Leads to what came of it.
pub(crate) async fn decide(
    State(center): State<Center>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (outcome, back) = match form("decide", body) {
        Ok((method, params, back)) => {
            let query = told_of(&params);
            let (method, params) = one_conflict(method, params);
            let taken = ask(&center, &visitor, &headers, method.name, params).await;
            let leads = taken.map(|reply| {
                let request = match reply {
                    Reply::Accepted { request } => Some(request),
                    Reply::Decided(view) => view.request,
                    _ => None,
                };
                request.map(|request| format!("/inbox?{query}&request={request}#decided"))
            });
            (leads, back)
        }
        Err(refusal) => (Err(refusal), None),
    };
    went(outcome, &headers, back.as_deref())
}

/// What is decided, for the address that tells what came of it.
fn told_of(params: &Map<String, Value>) -> String {
    let known = ["name", "choice", "matching"];
    let parts = known.iter().filter_map(|name| {
        let value = params.get(*name)?.as_str()?;
        Some(format!("{name}={}", address::encoded(value)))
    });
    parts.collect::<Vec<_>>().join("&")
}

/// A conflict that is named is resolved alone; its item was only named to tell of it.
fn one_conflict(
    method: &'static Method,
    mut params: Map<String, Value>,
) -> (&'static Method, Map<String, Value>) {
    match method::find("resolve") {
        Some(resolve) if params.contains_key("conflict") => {
            params.remove("name");
            (resolve, params)
        }
        _ => (method, params),
    }
}

/// Where an act leads instead of back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watches {
    /// To what was chosen from a list, while it goes on; or to the first page.
    Chosen,
    /// To everything that was started, while it goes on. One item goes on where its button stands.
    Everything,
    /// Nowhere.
    Nothing,
}

fn watches(method: &str, params: &Map<String, Value>) -> Watches {
    match method {
        "choose" => Watches::Chosen,
        "sync" if !params.contains_key("names") => Watches::Everything,
        _ => Watches::Nothing,
    }
}

fn leads(watches: Watches, reply: &Reply) -> Option<String> {
    let request = match reply {
        // What an answer begins is looked at: it may delete, and can be taken back.
        Reply::Answered {
            request: Some(request),
            ..
        } if watches == Watches::Nothing => return Some(format!("/progress?request={request}")),
        Reply::Answered { request, .. } => *request,
        Reply::Accepted { request } => Some(*request),
        _ => None,
    };
    let progress = request.map(address::progress);
    match watches {
        Watches::Chosen => Some(progress.unwrap_or_else(|| "/".to_owned())),
        Watches::Everything => progress,
        Watches::Nothing => None,
    }
}

/// Leads to what came of it, or back to where the form stood; or says why nothing was done. The script stays where it is
/// unless there is something to see elsewhere.
fn went(
    outcome: Result<Option<String>, Refusal>,
    headers: &HeaderMap,
    back: Option<&str>,
) -> Response {
    let by_script = headers.contains_key(BY_SCRIPT);
    let back = address::back(back);
    match outcome {
        Ok(None) if by_script => StatusCode::NO_CONTENT.into_response(),
        Ok(Some(leads)) if by_script => {
            (StatusCode::NO_CONTENT, [(header::LOCATION, leads)]).into_response()
        }
        Ok(leads) => {
            let leads = leads.unwrap_or_else(|| back.to_owned());
            (StatusCode::SEE_OTHER, [(header::LOCATION, leads)]).into_response()
        }
        Err(refusal) if by_script => show::plain(
            refused::status(&refusal),
            &refusal::text(show::words(headers), &refusal),
        ),
        Err(refusal) => show::refused(headers, &refusal, back),
    }
}

pub(crate) type Form = (&'static Method, Map<String, Value>, Option<String>);

/// What a form asks for.
pub(crate) fn form(name: &str, body: Result<Bytes, BytesRejection>) -> Result<Form, Refusal> {
    let method = method::find(name).ok_or_else(|| unknown(name))?;
    if method.access == Access::Read {
        return Err(not_so_refusal());
    }
    let body = body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            too_large()
        } else {
            invalid(method).because(&rejection)
        }
    })?;
    let text = std::str::from_utf8(&body).map_err(|cause| invalid(method).because(&cause))?;
    let fields = match query::params(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => Map::new(),
        Err(why) => {
            let mut refusal = invalid(method);
            refusal.causes.push(why);
            return Err(refusal);
        }
    };
    let mut params = Map::new();
    let mut back = None;
    for (name, value) in fields {
        match (name.split_once('.'), value) {
            (None, Value::String(address)) if name == "back" => back = Some(address),
            // What is left empty is not said.
            (_, Value::String(text)) if text.is_empty() => {}
            (None, Value::Array(list)) => {
                let said: Vec<Value> = list.into_iter().filter(|value| value != "").collect();
                if !said.is_empty() {
                    params.insert(name, Value::Array(said));
                }
            }
            (Some((object, member)), value) => {
                let (object, value) = match (object, value) {
                    // What a question asks is yes or no.
                    ("flags", Value::String(text)) => ("fields", Value::Bool(text == "true")),
                    (object, value) => (object, value),
                };
                let object = params
                    .entry(object)
                    .or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(object) = object {
                    object.insert(member.to_owned(), value);
                }
            }
            (None, value) => {
                params.insert(name, value);
            }
        }
    }
    // The buttons of an item stand in one form, and this act alone takes one name.
    if method.name == "skip"
        && let Some(Value::Array(mut names)) = params.remove("names")
        && !names.is_empty()
    {
        params.insert("name".to_owned(), names.swap_remove(0));
    }
    // A word of a command or a class a line: nothing is split or quoted.
    if let Some(Value::Object(runs)) = params.get_mut("runs") {
        for list in ["words", "classes"] {
            if let Some(Value::String(lines)) = runs.get(list) {
                let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
                let lines = lines.map(Value::from).collect();
                runs.insert(list.to_owned(), Value::Array(lines));
            }
        }
    }
    Ok((method, params, back))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_the_parameters_of_a_method() {
        for (name, body, wanted, leads) in [
            (
                "sync",
                "names=a%2Fb&mayBotherUser=true&back=%2F%3Ftext%3Dx",
                json!({ "names": ["a/b"], "mayBotherUser": true }),
                Some("/?text=x"),
            ),
            (
                "pause",
                "names=a&forMs=3600000",
                json!({ "names": ["a"], "forMs": 3_600_000 }),
                None,
            ),
            ("pause", "names=a&forMs=", json!({ "names": ["a"] }), None),
            (
                "add-rule",
                "on=daily+at+02:00&items=&when=&connect=&ask=true",
                json!({ "on": ["daily at 02:00"], "ask": true }),
                None,
            ),
            ("skip", "names=a", json!({ "name": "a" }), None),
            (
                "add-item",
                "handler=folder&arguments.left=%2Fa&arguments.right=%2Fb+c&name=",
                json!({ "handler": "folder", "arguments": { "left": "/a", "right": "/b c" } }),
                None,
            ),
            (
                "answer",
                "need=3&choice=yes&fields.user=ada&flags.tick=false&remember=true",
                json!({
                    "need": 3, "choice": "yes", "remember": true,
                    "fields": { "user": "ada", "tick": false },
                }),
                None,
            ),
        ] {
            let (method, params, back) = form(name, Ok(Bytes::from(body))).unwrap();
            assert_eq!(method.name, name);
            assert_eq!(Value::Object(params), wanted, "{body}");
            assert_eq!(back.as_deref(), leads);
        }
    }

    #[test]
    fn what_is_no_act_is_refused() {
        for (name, body, code) in [
            ("status", "", "control::not-so"),
            ("frobnicate", "", "control::unknown-method"),
            ("pause", "forMs=soon", "control::invalid-request"),
            ("pause", "back=a&back=b", "control::invalid-request"),
            ("pause", "names=%zz", "control::invalid-request"),
        ] {
            let refusal = form(name, Ok(Bytes::from(body))).unwrap_err();
            assert_eq!(refusal.code, code, "{name} {body}");
        }
    }
}
