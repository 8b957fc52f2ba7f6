//! Questions as people read and answer them.

use syncmgr_control::view::{ChoiceView, NeedView};

use crate::look::{Look, Mark};
use crate::register::handler_label;
use crate::text::{harmless, harmless_lines, pad, width, wrap};

/// Stands before the answer.
pub(crate) const PROMPT: &str = "> ";

/// A question with its detail and its choices, each with its number.
pub(crate) fn question_lines(need: &NeedView, look: &Look) -> Vec<String> {
    let mut lines = heading(need, look);
    lines.extend(numbered(&need.choices, look));
    lines
}

/// The choices, each with its number.
pub(crate) fn numbered(choices: &[ChoiceView], look: &Look) -> Vec<String> {
    let mut lines = Vec::new();
    let widest = choices.iter().map(|choice| width(&choice.name)).max();
    for (index, choice) in choices.iter().enumerate() {
        let typed = format!(
            "{}  {}",
            index + 1,
            pad(&harmless(&choice.name), widest.unwrap_or(0))
        );
        let plain = Look {
            color: false,
            ..*look
        };
        lines.extend(explained(&typed, &harmless(&choice.label), &plain));
    }
    lines
}

/// A question with its detail, and for each choice the command that answers with it.
pub(crate) fn need_lines(need: &NeedView, look: &Look) -> Vec<String> {
    let mut lines = heading(need, look);
    lines.extend(command_lines(
        &need.choices,
        |choice| format!("syncmgr answer {} {choice}", need.id),
        look,
    ));
    lines
}

/// For each choice, the command that answers with it, and what it does.
pub(crate) fn command_lines(
    choices: &[ChoiceView],
    command: impl Fn(&str) -> String,
    look: &Look,
) -> Vec<String> {
    let commands: Vec<String> = choices
        .iter()
        .map(|choice| command(&word(&choice.name)))
        .collect();
    let widest = commands
        .iter()
        .map(|command| width(command))
        .max()
        .unwrap_or(0);
    commands
        .iter()
        .zip(choices)
        .map(|(command, choice)| (pad(command, widest), harmless(&choice.label)))
        .flat_map(|(command, label)| explained(&command, &label, look))
        .collect()
}

/// Something to type and what it does, beside each other, or below each other where the terminal is too narrow.
pub(crate) fn explained(typed: &str, label: &str, look: &Look) -> Vec<String> {
    let whole = format!("    {}  {}", look.bold(typed), look.dim(label));
    let room = look.wrap_columns();
    if width(typed) + width(label) + 6 <= room {
        return vec![whole.trim_end().to_owned()];
    }
    let below = wrap(label, room.saturating_sub(8).max(20));
    std::iter::once(format!("    {}", look.bold(typed.trim_end())))
        .chain(
            below
                .iter()
                .map(|line| format!("        {}", look.dim(line))),
        )
        .collect()
}

/// The choice that a typed line means: its name, an unambiguous beginning of it, or its number.
pub(crate) fn chosen(choices: &[ChoiceView], line: &str) -> Option<String> {
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    let lower = line.to_lowercase();
    let exact = choices
        .iter()
        .find(|choice| choice.name.to_lowercase() == lower);
    let numbered = || {
        let number: usize = line.parse().ok()?;
        choices.get(number.checked_sub(1)?)
    };
    let begun = || {
        let mut fitting = choices
            .iter()
            .filter(|choice| choice.name.to_lowercase().starts_with(&lower));
        fitting.next().filter(|_| fitting.next().is_none())
    };
    exact
        .or_else(numbered)
        .or_else(begun)
        .map(|choice| choice.name.clone())
}

pub(crate) fn heading(need: &NeedView, look: &Look) -> Vec<String> {
    let about = need
        .item
        .as_deref()
        .unwrap_or_else(|| handler_label(&need.handler, &need.handler_name));
    let columns = look.wrap_columns().saturating_sub(4).max(20);
    let mut lines = Vec::new();
    // A list is asked for by the manager, and may be about several handlers.
    let sentence = if need.has_list() {
        format!("{}  {}", need.id, harmless(&need.text))
    } else {
        format!("{}  {}: {}", need.id, harmless(about), harmless(&need.text))
    };
    for (index, line) in wrap(&sentence, columns).into_iter().enumerate() {
        if index == 0 {
            lines.push(format!(
                "{} {}",
                look.mark(Mark::Question),
                look.bold(&line)
            ));
        } else {
            lines.push(format!("    {}", look.bold(&line)));
        }
    }
    for paragraph in harmless_lines(need.detail.as_deref().unwrap_or_default()) {
        for line in wrap(&paragraph, columns) {
            lines.push(format!("    {line}"));
        }
    }
    lines
}

/// A word as it must be written in a shell.
pub(crate) fn word(text: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./:@+,=".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", harmless(text).replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_name_its_beginning_or_a_number() {
        let choice = |name: &str| ChoiceView {
            said: None,
            name: name.into(),
            label: String::new(),
        };
        let need = NeedView {
            said: None,
            id: 3,
            handler: "folder".into(),
            handler_name: "Folders".into(),
            item: None,
            item_id: None,
            kind: "guard".into(),
            text: String::new(),
            detail: None,
            choices: vec![
                choice("apply"),
                choice("bring-back"),
                choice("later"),
                choice("both"),
                choice("1"),
            ],
            default: None,
            deadline_ms: None,
            opened_ms: 0,
            run: None,
            waits: false,
            fields: Vec::new(),
        };
        for (line, expected) in [
            ("apply", Some("apply")),
            (" APPLY ", Some("apply")),
            ("bri", Some("bring-back")),
            ("b", None),
            ("2", Some("bring-back")),
            ("1", Some("1")),
            ("0", None),
            ("6", None),
            ("", None),
            ("nonsense", None),
        ] {
            assert_eq!(chosen(&need.choices, line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_command_can_be_copied_into_a_shell() {
        for (text, written) in [
            ("apply", "apply"),
            ("my notes", "'my notes'"),
            ("it's", "'it'\\''s'"),
            ("$(rm)", "'$(rm)'"),
            ("", "''"),
        ] {
            assert_eq!(word(text), written);
        }
    }
}
