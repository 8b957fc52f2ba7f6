//! What is still to be typed before a question is answered: its choice, then its fields.

use serde_json::{Map, Value};
use syncmgr_control::field::{FieldKind, FieldView};
use syncmgr_control::view::NeedView;
use syncmgr_control::{Refusal, Request};

use crate::look::Look;
use crate::question::{PROMPT, chosen, numbered, question_lines};
use crate::text::harmless;

/// The answer to a question that offers no choices, only fields.
const FILLED_IN: &str = "ok";
/// What is said to a line that is neither.
const YES_OR_NO: &str = "Type yes or no.";
/// How often a person is asked again after a line that fits nothing.
const MAX_TRIES: usize = 3;

/// Reads `NAME=VALUE`.
pub(crate) fn value(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a field and what goes into it are wanted, such as user=ada"),
    }
}

/// A question that is being answered.
#[derive(Clone)]
pub(crate) struct Form {
    need: NeedView,
    choice: Option<String>,
    values: Map<String, Value>,
    /// Fields before this one are done with.
    at: usize,
    tries: usize,
    /// Whether the secrets in it are to be remembered; nothing: the person is asked.
    remember: Option<bool>,
}

/// What the person types next.
pub(crate) struct Wanted {
    /// Shown above.
    pub(crate) lines: Vec<String>,
    /// Shown before the cursor.
    pub(crate) prompt: String,
    /// It is not shown while it is typed.
    pub(crate) hidden: bool,
}

/// What a line came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Took {
    /// It was taken.
    Yes,
    /// It fits nothing; the person may try again.
    No(&'static str),
    /// The question is to stay open.
    Left,
    /// It fitted nothing too often.
    TooOften,
}

impl Form {
    /// Begins with what is known already.
    pub(crate) fn new(need: NeedView, choice: Option<String>) -> Self {
        let only = match need.choices.as_slice() {
            [] if !need.fields.is_empty() => Some(FILLED_IN.to_owned()),
            [only] if !need.fields.is_empty() => Some(only.name.clone()),
            _ => None,
        };
        Self {
            need,
            choice: choice.or(only),
            values: Map::new(),
            at: 0,
            tries: 0,
            remember: None,
        }
    }

    /// Takes it as said whether secrets are to be remembered.
    pub(crate) fn remember(&mut self, remember: bool) {
        self.remember = Some(remember);
    }

    pub(crate) fn id(&self) -> u64 {
        self.need.id
    }

    /// Takes what was given with the command.
    ///
    /// # Errors
    /// A secret is among it.
    pub(crate) fn give(&mut self, given: Vec<(String, String)>) -> Result<(), Refusal> {
        for (name, text) in given {
            let field = self.need.fields.iter().find(|field| field.name == name);
            let value = match field {
                Some(field) if field.kind == FieldKind::Secret => {
                    return Err(Refusal::new(
                        "cli::secret-in-words",
                        format!(
                            "`{}` is a secret, and others can read the words of a command",
                            harmless(&name)
                        ),
                        format!(
                            "change it, then type it on a terminal (syncmgr answer {}) or pipe it in with --stdin",
                            self.need.id
                        ),
                    ));
                }
                Some(field) => read(field, &text).unwrap_or(Value::String(text)),
                // The manager knows best what there is, and says so.
                None => Value::String(text),
            };
            self.values.insert(name, value);
        }
        Ok(())
    }

    /// What is to be typed next; nothing when all is there.
    pub(crate) fn wanted(&self, look: &Look) -> Option<Wanted> {
        let Some(choice) = &self.choice else {
            return Some(Wanted {
                lines: question_lines(&self.need, look),
                prompt: PROMPT.to_owned(),
                hidden: false,
            });
        };
        let Some(field) = self.field(choice) else {
            return self.may_remember().then(|| Wanted {
                lines: Vec::new(),
                prompt: "    Remember it, so that this is not asked again (yes or no) [no]: "
                    .to_owned(),
                hidden: false,
            });
        };
        let first = self.values.is_empty() && self.at == 0 && self.need.choices.len() <= 1;
        let mut lines = if first {
            let bare = NeedView {
                choices: Vec::new(),
                ..self.need.clone()
            };
            question_lines(&bare, look)
        } else {
            Vec::new()
        };
        if let Some(detail) = &field.detail {
            lines.push(format!("    {}", look.dim(&harmless(detail))));
        }
        lines.extend(numbered(&field.choices, look));
        Some(Wanted {
            lines,
            prompt: prompt(field),
            hidden: field.kind == FieldKind::Secret,
        })
    }

    /// Takes a line that was typed.
    pub(crate) fn take(&mut self, line: &str) -> Took {
        let Some(choice) = self.choice.clone() else {
            return match chosen(&self.need.choices, line) {
                Some(choice) => {
                    self.choice = Some(choice);
                    self.tries = 0;
                    Took::Yes
                }
                None if line.trim().is_empty() => Took::Left,
                None => self.again("That is none of the names and numbers."),
            };
        };
        let Some(field) = self.field(&choice).cloned() else {
            return match yes_or_no(line) {
                _ if line.is_empty() => {
                    self.remember = Some(false);
                    Took::Yes
                }
                Some(yes) => {
                    self.remember = Some(yes);
                    Took::Yes
                }
                None => self.again(YES_OR_NO),
            };
        };
        if line.is_empty() && field.required && field.default.is_none() {
            return Took::Left;
        }
        if !line.is_empty() {
            let Some(value) = read(&field, line) else {
                return self.again(match field.kind {
                    FieldKind::Boolean => YES_OR_NO,
                    _ => "That is none of the names and numbers.",
                });
            };
            self.values.insert(field.name.clone(), value);
        }
        self.at = self.place(&field).saturating_add(1);
        self.tries = 0;
        Took::Yes
    }

    /// The answer, as far as it is known.
    pub(crate) fn answer(self) -> Request {
        Request::Answer {
            need: self.need.id,
            choice: self.choice.unwrap_or_default(),
            fields: self.values.into(),
            remember: self.remember.unwrap_or(false),
        }
    }

    /// A secret was typed, and nobody said whether it is to be remembered.
    fn may_remember(&self) -> bool {
        let secret = |field: &FieldView| {
            field.kind == FieldKind::Secret && self.values.contains_key(&field.name)
        };
        self.remember.is_none() && self.need.fields.iter().any(secret)
    }

    fn again(&mut self, why: &'static str) -> Took {
        self.tries += 1;
        if self.tries >= MAX_TRIES {
            Took::TooOften
        } else {
            Took::No(why)
        }
    }

    fn place(&self, field: &FieldView) -> usize {
        let fields = &self.need.fields;
        fields
            .iter()
            .position(|other| other.name == field.name)
            .unwrap_or(fields.len())
    }

    /// The next field to fill in. They belong to the first choice.
    fn field(&self, choice: &str) -> Option<&FieldView> {
        let belongs = self
            .need
            .choices
            .first()
            .is_none_or(|first| first.name == choice);
        self.need
            .fields
            .iter()
            .skip(self.at)
            .find(|field| belongs && !self.values.contains_key(&field.name))
    }
}

fn prompt(field: &FieldView) -> String {
    let label = harmless(&field.label);
    let hint = match field.kind {
        FieldKind::Secret => " (not shown)",
        FieldKind::Boolean => " (yes or no)",
        FieldKind::Text | FieldKind::Choice => "",
    };
    let default = match (&field.default, field.kind) {
        (Some(Value::Bool(yes)), _) => format!(" [{}]", if *yes { "yes" } else { "no" }),
        (None, FieldKind::Boolean) => " [no]".to_owned(),
        (Some(Value::String(text)), _) => format!(" [{}]", harmless(text)),
        _ if !field.required => " [nothing]".to_owned(),
        _ => String::new(),
    };
    format!("    {label}{hint}{default}: ")
}

/// What a typed line means in a field.
fn read(field: &FieldView, line: &str) -> Option<Value> {
    match field.kind {
        FieldKind::Text | FieldKind::Secret => Some(Value::String(line.to_owned())),
        FieldKind::Choice => chosen(&field.choices, line).map(Value::String),
        FieldKind::Boolean => yes_or_no(line).map(Value::Bool),
    }
}

fn yes_or_no(line: &str) -> Option<bool> {
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" | "true" => Some(true),
        "n" | "no" | "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use syncmgr_control::view::ChoiceView;

    use super::*;

    const LOOK: Look = Look {
        color: false,
        unicode: true,
        columns: None,
    };

    fn field(name: &str, kind: FieldKind, default: Option<Value>) -> FieldView {
        FieldView {
            name: name.to_owned(),
            label: name.to_owned(),
            detail: None,
            kind,
            choices: Vec::new(),
            required: default.is_none(),
            default,
        }
    }

    fn login(choices: &[&str]) -> NeedView {
        let choice = |name: &&str| ChoiceView {
            said: None,
            name: (*name).to_owned(),
            label: String::new(),
        };
        NeedView {
            said: None,
            id: 4,
            handler: "mail".into(),
            handler_name: "Mail".into(),
            item: None,
            item_id: None,
            kind: "login".into(),
            text: "sign in".into(),
            detail: None,
            choices: choices.iter().map(choice).collect(),
            default: None,
            deadline_ms: None,
            opened_ms: 0,
            run: None,
            waits: true,
            fields: vec![
                field("user", FieldKind::Text, Some(json!("ada"))),
                field("password", FieldKind::Secret, None),
                field("keep", FieldKind::Boolean, Some(json!(true))),
            ],
        }
    }

    #[test]
    fn lines_become_an_answer() {
        let answered = |form: Form| match form.answer() {
            Request::Answer {
                choice,
                fields,
                remember,
                ..
            } => {
                assert_eq!(remember, fields.0.get("keep") == Some(&json!(true)));
                (choice, Value::Object(fields.0))
            }
            other => panic!("{other:?}"),
        };
        for (choices, lines, choice, fields) in [
            // Nothing to choose: the fields alone.
            (
                &[][..],
                &["", "pass word ", "n", ""][..],
                "ok",
                json!({"password": "pass word ", "keep": false}),
            ),
            (
                &["login"],
                &["bob", "p", "", "no"],
                "login",
                json!({"user": "bob", "password": "p"}),
            ),
            (
                &["login", "cancel"],
                &["1", "", "p", "maybe", "yes", "what", "yes"],
                "login",
                json!({"password": "p", "keep": true}),
            ),
            // Who says no fills in nothing.
            (
                &["login", "cancel"],
                &["nonsense", "cancel"],
                "cancel",
                json!({}),
            ),
        ] {
            let mut form = Form::new(login(choices), None);
            let mut hidden = Vec::new();
            for line in lines {
                let wanted = form.wanted(&LOOK).unwrap();
                if wanted.hidden {
                    hidden.push(wanted.prompt);
                }
                assert!(matches!(form.take(line), Took::Yes | Took::No(_)), "{line}");
            }
            assert!(form.wanted(&LOOK).is_none());
            assert_eq!(hidden.len(), usize::from(choice != "cancel"));
            assert_eq!(answered(form), (choice.to_owned(), fields));
        }
    }

    #[test]
    fn an_empty_line_leaves_it_open_and_nonsense_does_not_go_on_for_ever() {
        let mut form = Form::new(login(&["login", "cancel"]), None);
        assert_eq!(form.clone().take(""), Took::Left);
        for _ in 1..MAX_TRIES {
            assert!(matches!(form.take("nonsense"), Took::No(_)));
        }
        assert_eq!(form.take("nonsense"), Took::TooOften);
        let mut form = Form::new(login(&[]), None);
        assert_eq!(form.take(""), Took::Yes);
        assert_eq!(form.take(""), Took::Left); // a secret has no default
    }

    #[test]
    fn a_secret_is_no_word_of_a_command() {
        let mut form = Form::new(login(&[]), None);
        form.give(vec![
            ("user".into(), "bob".into()),
            ("keep".into(), "no".into()),
        ])
        .unwrap();
        let refused = form.give(vec![("password".into(), "hunter2".into())]);
        let refused = refused.unwrap_err();
        assert_eq!(refused.code, "cli::secret-in-words");
        assert!(!format!("{refused:?}").contains("hunter2"));
        assert!(form.wanted(&LOOK).unwrap().hidden);
    }
}
