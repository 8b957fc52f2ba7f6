//! Secrets that a person is asked for. The manager remembers what it may; here they live as long as the instance.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use syncmgr_handler::Run;
use syncmgr_handler::call::Choice;
use syncmgr_handler::callback::{Prompt, PromptKind, Prompted};

use crate::item::ToolItem;

/// How long a person has to give a secret, in milliseconds.
const DEADLINE_MS: u64 = 300_000;

/// Asks for all secrets of an item, as far as somebody answers.
pub(crate) fn ask(run: &Run, item: &ToolItem) -> BTreeMap<String, String> {
    let mut given = BTreeMap::new();
    for argument in item.definition.asked_secrets(&item.recipe) {
        let offer = |name: &str, label: &str| Choice {
            name: name.to_owned(),
            label: label.to_owned(),
        };
        let prompt = Prompt {
            item: Some(item.id.clone()),
            key: format!("secret/{}", argument.name),
            kind: PromptKind::Login,
            text: format!("{} wants {}", item.recipe.name, argument.about),
            detail: None,
            choices: vec![offer("ok", "give it"), offer("cancel", "not now")],
            default: Some("cancel".to_owned()),
            fields: Some(json!({
                "type": "object",
                "required": [argument.name],
                "properties": { argument.name.as_str(): { "type": "string", "format": "password", "title": argument.about } },
            })),
            deadline_ms: Some(DEADLINE_MS),
            durable: false,
            context: Value::Null,
            wrong: false,
        };
        if let Ok(Prompted::Chosen { choice, fields }) = run.ask(prompt)
            && choice == "ok"
            && let Some(secret) = fields.get(&argument.name).and_then(Value::as_str)
        {
            given.insert(argument.name.clone(), secret.to_owned());
        }
    }
    given
}
