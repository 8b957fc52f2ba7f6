//! A handler that asks a person what a file in its own directory says: `question.json`, a `prompt`.
//!
//! What it is answered it writes into `answered`, a line each, with every text backwards: a test that looks for a secret
//! must not find it here. With `wrong` in its directory it asks a second time, because the first answer was wrong.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};
use syncmgr_handler::callback::{Failure, Prompt, Prompted};
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::item::{Counts, HandlerInfo, Item, ItemId};
use syncmgr_handler::{Handler, Introduction, ItemList, Run, Start, Unfinished};

#[derive(Default)]
struct Asking {
    directory: OnceLock<PathBuf>,
}

fn backwards(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.chars().rev().collect()),
        other => other.clone(),
    }
}

impl Asking {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.get().cloned().unwrap_or_default().join(name)
    }

    fn write(&self, answered: &Value) -> Result<(), Unfinished> {
        let mut all = fs::read_to_string(self.path("answered")).unwrap_or_default();
        all.push_str(&answered.to_string());
        all.push('\n');
        fs::write(self.path("answered"), all).map_err(|cause| Unfinished::hard(cause.to_string()))
    }

    fn ask(&self, run: &Run) -> Result<bool, Unfinished> {
        let text = fs::read_to_string(self.path("question.json"))
            .map_err(|cause| Unfinished::hard(cause.to_string()))?;
        let question: Prompt =
            serde_json::from_str(&text).map_err(|cause| Unfinished::hard(cause.to_string()))?;
        if let Some(answer) = run.answer(question.item.as_ref(), &question.key) {
            let fields = answer
                .fields
                .iter()
                .map(|(name, value)| (name.clone(), backwards(value)));
            let fields: serde_json::Map<String, Value> = fields.collect();
            self.write(&json!({"later": answer.choice, "fields": fields}))?;
            return Ok(true);
        }
        let first = question.choices.first().map(|choice| choice.name.clone());
        let answer = run
            .ask(question)
            .map_err(|error| Unfinished::hard(error.to_string()))?;
        match answer {
            Prompted::Chosen { choice, fields } => {
                let taken = first.is_none_or(|first| first == choice);
                let fields = fields
                    .iter()
                    .map(|(name, value)| (name.clone(), backwards(value)));
                let fields: serde_json::Map<String, Value> = fields.collect();
                self.write(&json!({"choice": choice, "fields": fields}))?;
                Ok(taken)
            }
            Prompted::Deferred { deadline_ms } => {
                self.write(&json!({"deferred": deadline_ms}))?;
                Ok(false)
            }
            Prompted::Refused => {
                self.write(&json!("refused"))?;
                Ok(false)
            }
        }
    }
}

impl Handler for Asking {
    fn initialize(&self, start: &Start) -> Result<Introduction, RpcError> {
        self.directory.get_or_init(|| start.state_dir.clone());
        Ok(Introduction {
            info: HandlerInfo {
                name: "Mail".to_owned(),
                version: "1".to_owned(),
                ..HandlerInfo::default()
            },
            stays_out: false,
        })
    }

    fn items(&self) -> Result<ItemList, RpcError> {
        let inbox = ItemId::new("inbox").ok().map(|id| Item::new(id, "inbox"));
        Ok(ItemList {
            items: inbox.into_iter().collect(),
            incomplete: false,
        })
    }

    fn synchronize(&self, run: &Run) -> Result<(), Unfinished> {
        let mut taken = self.ask(run)?;
        if taken && self.path("wrong").exists() {
            taken = self.ask(run)?;
        }
        for item in run.items() {
            if taken {
                run.succeeded(item, Counts::default());
            } else {
                run.failed(item, Failure::Hard, "nobody answered");
            }
        }
        Ok(())
    }
}

fn main() -> Result<(), syncmgr_handler::ServeError> {
    syncmgr_handler::serve_stdio(Asking::default())
}
