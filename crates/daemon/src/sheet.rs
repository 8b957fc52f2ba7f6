//! Answers about properties, links of the log and ticks.

use std::collections::HashMap;

use serde_json::{Map, Value};
use syncmgr_control::view::{Outcome, PropertiesEffect, PropertiesView};
use syncmgr_control::{Refusal, Reply};
use syncmgr_core::input::{Input, PropertiesEffect as Effect, PropertySheet};
use syncmgr_core::request::{
    IfRunning, PropertyAsk, Request as Wanted, RequestOutcome, Scope, Trigger, Work,
};
use syncmgr_core::{HandlerId, ItemId, ItemRef, LogId, RequestId, Show};

use crate::adapt::{text, to_view};
use crate::answer::refused;
use crate::run::{Answerer, Loop};

/// Most requests for properties that wait for their answer; further ones are refused.
const MAX_ASKED: usize = 64;

/// Requests for properties that are answered when they end.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    waiting: HashMap<RequestId, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    reply: Answerer,
    /// What came of it, before the request ended.
    view: Option<Result<PropertiesView, Refusal>>,
}

impl Loop {
    /// Begins with the properties of an item or a handler; answered when they are over.
    pub(crate) fn properties(
        &mut self,
        name: &str,
        values: Option<Map<String, Value>>,
        window: bool,
        reply: Answerer,
    ) {
        let wanted = self.wanted_properties(name, values, window);
        match wanted {
            Ok(wanted) => {
                let id = self.manager.next_request();
                self.asked.waiting.insert(id, Waiting { reply, view: None });
                self.apply(Input::Request(id, wanted));
            }
            Err(refusal) => self.reply(reply, Err(refusal)),
        }
    }

    fn wanted_properties(
        &self,
        name: &str,
        values: Option<Map<String, Value>>,
        window: bool,
    ) -> Result<Wanted, Refusal> {
        if self.asked.waiting.len() >= MAX_ASKED {
            return Err(refused(&syncmgr_core::request::RefusedRequest::QueueFull));
        }
        let wanted = Wanted {
            scope: self.item_or_handler(name)?,
            work: Work::Properties(match (window, values) {
                (true, _) => PropertyAsk::Show,
                (false, None) => PropertyAsk::Read,
                (false, Some(values)) => PropertyAsk::Write(Value::Object(values).to_string()),
            }),
            trigger: Trigger::Manual,
            may_bother_user: window,
            cookie: None,
            if_running: IfRunning::Again,
        };
        self.manager
            .check_request(&wanted)
            .map_err(|why| refused(&why))?;
        Ok(wanted)
    }

    /// An item by its name, or a handler by its own.
    fn item_or_handler(&self, name: &str) -> Result<Scope, Refusal> {
        match self.one(name) {
            Ok(item) => Ok(Scope::Items(vec![item])),
            Err(refusal) => self.whole_handler(name)?.map(Scope::Handler).ok_or(refusal),
        }
    }

    /// Takes what a turn brought for those who wait for properties.
    pub(crate) fn hear_properties(&mut self, show: &Show) {
        match show {
            Show::Properties {
                request,
                handler,
                item,
                sheet,
                effect,
            } => {
                let stored = self.store_properties(handler, item.as_ref(), sheet.as_ref(), *effect);
                let view =
                    stored.map(|()| self.view(handler, item.as_ref(), sheet.as_ref(), *effect));
                if let Some(waiting) = self.asked.waiting.get_mut(request) {
                    waiting.view = Some(view);
                }
            }
            Show::RequestEnded {
                request,
                outcome,
                problem,
            } => {
                if let Some(Waiting { reply, view }) = self.asked.waiting.remove(request) {
                    let answer = view
                        .unwrap_or_else(|| Err(without_properties(*outcome, problem.as_deref())))
                        .map(|view| Reply::Properties(Box::new(view)));
                    self.reply(reply, answer);
                }
            }
            Show::Progress { .. } | Show::Window => {}
        }
    }

    /// What the user defined himself lies in the configuration, and changes there.
    fn store_properties(
        &mut self,
        handler: &HandlerId,
        item: Option<&ItemId>,
        sheet: Option<&PropertySheet>,
        effect: Effect,
    ) -> Result<(), Refusal> {
        let Some(item) = item else {
            return Ok(());
        };
        let definition = sheet.and_then(|sheet| sheet.definition.as_deref());
        if let Some(definition) = definition
            && let Ok(definition) = serde_json::from_str(definition)
        {
            self.config
                .set_definition(handler.as_str(), item.as_str(), definition)?;
        }
        let defined = self
            .config
            .config
            .item
            .iter()
            .any(|config| config.handler == handler.as_str() && config.id == item.as_str());
        if effect == Effect::ItemDeleted && defined {
            self.config.remove_item(handler.as_str(), item.as_str())?;
        }
        Ok(())
    }

    fn view(
        &self,
        handler: &HandlerId,
        item: Option<&ItemId>,
        sheet: Option<&PropertySheet>,
        effect: Effect,
    ) -> PropertiesView {
        let parse = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        let schema = sheet.map_or(Value::Null, |sheet| parse(&sheet.schema));
        PropertiesView {
            handler: handler.to_string(),
            item: item.map(ToString::to_string),
            name: item.map_or_else(
                || {
                    self.manager
                        .handler(handler)
                        .map_or_else(|| handler.to_string(), |row| row.name.clone())
                },
                |item| {
                    self.name(&ItemRef {
                        handler: handler.clone(),
                        item: item.clone(),
                    })
                },
            ),
            values: match sheet.map(|sheet| parse(&sheet.values)) {
                Some(Value::Object(values)) => without_secrets(&schema, values),
                _ => Map::new(),
            },
            schema,
            effect: match effect {
                Effect::Unchanged => PropertiesEffect::Unchanged,
                Effect::ItemDeleted => PropertiesEffect::ItemDeleted,
                Effect::EnumerateItems => PropertiesEffect::ItemsListed,
            },
        }
    }

    /// Follows the link of a log entry (M-125); what it causes belongs to the request.
    pub(crate) fn open_link(&mut self, entry: u64) -> Result<Reply, Refusal> {
        let (instance, error, _) = self.link(entry)?;
        let id = self.manager.next_request();
        self.apply(Input::ShowError {
            instance,
            error,
            request: Some(id),
        });
        Ok(Reply::Accepted { request: id.0 })
    }

    /// Gives the link of a log entry up.
    pub(crate) fn dismiss_link(&mut self, entry: u64) -> Result<Reply, Refusal> {
        let (_, _, handler) = self.link(entry)?;
        self.apply(Input::Dismiss(LogId(entry)));
        Ok(Reply::Done {
            names: vec![handler],
        })
    }

    fn link(&self, entry: u64) -> Result<(syncmgr_core::InstanceId, String, String), Refusal> {
        let found = self.manager.link(LogId(entry)).and_then(|(id, error)| {
            let handler = self.manager.instance(id)?.handler;
            let name = self.manager.handler(handler)?.name.clone();
            Some((id, error.to_owned(), name))
        });
        found.ok_or_else(|| {
            Refusal::new(
                "log::no-link",
                format!("entry {entry} of the log leads nowhere, or no more"),
                "`syncmgr log` marks the entries that lead somewhere; their handler is kept only by a daemon, for a \
                 while, and until its next run",
            )
        })
    }

    /// Whether the link of an entry can be followed now (M-124).
    pub(crate) fn is_link(&self, entry: LogId) -> bool {
        self.manager.link(entry).is_some()
    }

    /// Ticks items for a plain `sync`, or takes the tick away (M-168).
    pub(crate) fn check(&mut self, names: &[String], checked: bool) -> Result<Reply, Refusal> {
        let items = self.named(names)?;
        let temporary = items
            .iter()
            .find(|item| self.manager.item(item).is_some_and(|row| row.temporary));
        if let Some(item) = temporary {
            return Err(Refusal::new(
                "item::temporary",
                format!(
                    "`{}` is temporary: nothing is remembered of it",
                    self.name(item)
                ),
                "synchronize it by its name, or turn it off in its handler",
            ));
        }
        let mut done = Vec::new();
        for item in items {
            self.config
                .set_checked(item.handler.as_str(), item.item.as_str(), checked)?;
            done.push(self.name(&item));
            self.apply(Input::Check { item, checked });
        }
        Ok(Reply::Done { names: done })
    }
}

/// The values that anybody may see: a secret is written and never read.
fn without_secrets(schema: &Value, mut values: Map<String, Value>) -> Map<String, Value> {
    let properties = schema.get("properties").and_then(Value::as_object);
    values.retain(|name, _| {
        let of = properties.and_then(|properties| properties.get(name));
        !of.is_some_and(|of| {
            of.get("format").and_then(Value::as_str) == Some("password")
                || of.get("writeOnly") == Some(&Value::Bool(true))
        })
    });
    values
}

/// Properties were wanted and nothing came of it.
fn without_properties(outcome: RequestOutcome, problem: Option<&str>) -> Refusal {
    let outcome = to_view::request_outcome(outcome);
    if outcome == Outcome::Stopped {
        return Refusal::new(
            "properties::stopped",
            "the handler was stopped before it gave its properties",
            "run the command again",
        );
    }
    let mut refusal = Refusal::new(
        "properties::failed",
        "the handler did not give its properties",
        "some handlers show them only in a window of their own: add --show; `syncmgr log` may say more",
    );
    refusal
        .causes
        .extend(problem.map(text::line).filter(|why| !why.is_empty()));
    refusal.exit = syncmgr_control::ExitCode::Failed;
    refusal
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_among_properties_is_never_told() {
        let schema = json!({ "properties": {
            "user": { "type": "string" }, "word": { "format": "password" }, "token": { "writeOnly": true },
        } });
        let values = json!({ "user": "ada", "word": "hunter2", "token": "x", "more": 1 });
        let told = without_secrets(&schema, values.as_object().unwrap().clone());
        assert_eq!(Value::Object(told), json!({ "user": "ada", "more": 1 }));
        let values = values.as_object().unwrap().clone();
        assert_eq!(without_secrets(&Value::Null, values.clone()), values);
    }
}
