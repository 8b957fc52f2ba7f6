//! Passes on what a run tells, and its questions.

use std::sync::{Mutex, PoisonError};

use serde_json::json;
use syncmgr_handler::Run;
use syncmgr_handler::call::{Choice, Verdict};
use syncmgr_handler::callback::{Level, Progress, Prompt, PromptKind, Prompted, Status};

use crate::item::ToolItem;
use crate::operation::{Far, Listener};
use crate::read::{Action, Asked};
use crate::recipe::{LevelOf, OperationKind, QuestionOf};

/// How many actions of one run are logged one by one; the rest is counted.
const ACTIONS_MAX: usize = 200;
/// How many lines of one run are logged as warnings or errors; the rest is counted.
const LOGGED_MAX: usize = 200;
/// How long a person has to answer a question on a terminal, in milliseconds.
const ANSWER_MS: u64 = 600_000;

/// Passes on what a run tells.
pub(super) struct Teller<'a> {
    pub(super) run: &'a Run,
    pub(super) item: &'a ToolItem,
    operation: OperationKind,
    told: Mutex<ToldSoFar>,
}

#[derive(Default)]
struct ToldSoFar {
    actions: usize,
    logged: usize,
}

impl<'a> Teller<'a> {
    /// For one operation of an item.
    pub(super) fn new(run: &'a Run, item: &'a ToolItem, operation: OperationKind) -> Self {
        Self {
            run,
            item,
            operation,
            told: Mutex::default(),
        }
    }

    /// Tells how much was not told one by one.
    pub(super) fn finish(&self) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (count, most, what) in [
            (told.actions, ACTIONS_MAX, "changes"),
            (told.logged, LOGGED_MAX, "messages"),
        ] {
            if count > most {
                self.run.note(
                    Level::Information,
                    Some(&self.item.id),
                    format!("and {} more {what}", count - most),
                );
            }
        }
    }
}

impl Listener for Teller<'_> {
    fn is_cancelled(&self) -> bool {
        self.run.verdict(&self.item.id) != Verdict::Continue
    }

    fn progress(&self, far: Far<'_>) {
        let measured = far.value.is_some() && self.operation == OperationKind::Run;
        self.run.progress(Progress {
            item: Some(self.item.id.clone()),
            status: measured.then_some(Status::Updating),
            text: far.text.map(str::to_owned),
            value: far.value.map(|(value, _)| value),
            max: far.value.map(|(_, max)| max),
            counts: Some(far.counts),
            ..Progress::default()
        });
    }

    fn log(&self, level: LevelOf, text: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.logged += 1;
        if told.logged <= LOGGED_MAX {
            let level = match level {
                LevelOf::Information => Level::Information,
                LevelOf::Warning => Level::Warning,
                LevelOf::Error => Level::Error,
            };
            self.run.note(level, Some(&self.item.id), text);
        }
    }

    fn action(&self, action: &Action) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.actions += 1;
        if told.actions <= ACTIONS_MAX {
            let arrow = match action.to.as_deref() {
                Some("left") => "← ",
                Some(_) => "→ ",
                None => "",
            };
            let verb = match action.verb.as_str() {
                "add" => "created",
                "update" => "updated",
                "delete" => "deleted",
                "metadata" => "set permissions or time of",
                other => other,
            };
            self.run.note(
                Level::Information,
                Some(&self.item.id),
                format!("{arrow}{verb} {}", action.name),
            );
        }
    }

    fn answer(&self, asked: &Asked, how: &QuestionOf) -> Option<String> {
        let choices: Vec<Choice> = if how.answers.is_empty() {
            vec![
                Choice {
                    name: "ok".to_owned(),
                    label: "answer".to_owned(),
                },
                Choice {
                    name: "cancel".to_owned(),
                    label: "not now".to_owned(),
                },
            ]
        } else {
            how.answers
                .iter()
                .map(|answer| Choice {
                    name: answer.name.clone(),
                    label: answer.label.clone(),
                })
                .collect()
        };
        let fields = how.answers.is_empty().then(|| {
            let mut field = json!({ "type": "string", "title": asked.text });
            if how.secret {
                field["format"] = json!("password");
            }
            json!({ "type": "object", "required": ["answer"], "properties": { "answer": field } })
        });
        let kind = if how.secret {
            PromptKind::Login
        } else {
            PromptKind::Question
        };
        let prompt = self.prompt(
            format!("question/{}", asked.key),
            kind,
            asked.text.clone(),
            choices,
            fields,
            how.default.clone(),
        );
        match self.run.ask(prompt) {
            Ok(Prompted::Chosen { choice, fields }) => {
                match how.answers.iter().find(|answer| answer.name == choice) {
                    Some(answer) => Some(answer.types.clone()),
                    None if choice == "ok" => fields
                        .get("answer")
                        .and_then(|text| text.as_str())
                        .map(str::to_owned),
                    None => None,
                }
            }
            Ok(Prompted::Deferred { .. } | Prompted::Refused) | Err(_) => None,
        }
    }

    fn answer_unknown(&self, text: &str) -> Option<String> {
        let choices = vec![
            Choice {
                name: "ok".to_owned(),
                label: "answer".to_owned(),
            },
            Choice {
                name: "cancel".to_owned(),
                label: "stop it".to_owned(),
            },
        ];
        // What is typed may be a secret: it is treated as one.
        let field =
            json!({ "type": "string", "format": "password", "title": "what is typed for it" });
        let fields =
            json!({ "type": "object", "required": ["answer"], "properties": { "answer": field } });
        let prompt = self.prompt(
            "terminal".to_owned(),
            PromptKind::Login,
            format!("it asks: {}", text.trim()),
            choices,
            Some(fields),
            None,
        );
        match self.run.ask(prompt) {
            Ok(Prompted::Chosen { choice, fields }) if choice == "ok" => fields
                .get("answer")
                .and_then(|text| text.as_str())
                .map(str::to_owned),
            _ => None,
        }
    }
}

impl Teller<'_> {
    fn prompt(
        &self,
        key: String,
        kind: PromptKind,
        text: String,
        choices: Vec<Choice>,
        fields: Option<serde_json::Value>,
        default: Option<String>,
    ) -> Prompt {
        Prompt {
            item: Some(self.item.id.clone()),
            key,
            kind,
            text,
            detail: None,
            choices,
            default,
            fields,
            deadline_ms: Some(ANSWER_MS),
            durable: false,
            context: serde_json::Value::Null,
            wrong: false,
        }
    }
}
