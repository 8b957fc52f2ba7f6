//! What a hold asks a person, and how the answers are read.

use std::time::Duration;

use serde_json::{Value, json};
use syncmgr_handler::Run;
use syncmgr_handler::call::Choice as Offer;
use syncmgr_handler::callback::{Prompt, PromptKind};
use syncmgr_handler::item::{Answer, ItemId};

use crate::check::has_parent;
use crate::fs;
use crate::guard::{GuardAnswer, GuardChoice, GuardHold, GuardKind};
use crate::name::shown;
use crate::pair::Pair;
use crate::tree::Side;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const GUARD_CHOICES: [(GuardChoice, &str); 3] = [
    (GuardChoice::Apply, "apply"),
    (GuardChoice::BringBack, "bring-back"),
    (GuardChoice::Later, "later"),
];

/// The key of a hold's question.
pub(crate) fn guard_key(kind: GuardKind, side: Side) -> String {
    format!("guard/{}/{side}", kind.code())
}

/// Reads a decision on an earlier hold; whatever is not one is none.
fn guard_answer(answer: &Answer) -> Option<GuardAnswer> {
    let (kind, side) = answer.key.strip_prefix("guard/")?.split_once('/')?;
    let kind = GuardKind::from_code(kind)?;
    let side = Side::BOTH.into_iter().find(|s| s.word() == side)?;
    let choice = GUARD_CHOICES
        .iter()
        .find(|(_, name)| *name == answer.choice)?
        .0;
    let lost = answer
        .context
        .get("lost")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    Some(GuardAnswer {
        kind,
        side,
        lost,
        choice,
    })
}

/// What was decided on earlier holds of an item.
pub(crate) fn guard_answers(run: &Run, item: &ItemId) -> Vec<GuardAnswer> {
    run.answers()
        .iter()
        .filter(|a| a.item.as_ref() == Some(item))
        .filter_map(guard_answer)
        .collect()
}

/// A few words for an answer, as a button has room for; what it does is told in full beside the question.
fn guard_label(hold: &GuardHold, choice: GuardChoice) -> String {
    let other = hold.side.other();
    match (choice, hold.kind) {
        (GuardChoice::Apply, GuardKind::RootReplaced) => "use this folder from now on".to_owned(),
        (GuardChoice::BringBack, GuardKind::RootReplaced) => {
            "put together what both have".to_owned()
        }
        (GuardChoice::Apply, GuardKind::Extra) => "delete them".to_owned(),
        (GuardChoice::BringBack, GuardKind::Extra) => format!("copy them to the {other} too"),
        (GuardChoice::Apply, _) => format!("delete them on the {other} too"),
        (GuardChoice::BringBack, GuardKind::RootMissing) => "bring it back".to_owned(),
        (GuardChoice::BringBack, _) => "bring them back".to_owned(),
        (GuardChoice::Later, _) => "decide later".to_owned(),
    }
}

/// What the answers do, beyond what their labels say.
fn guard_effect(hold: &GuardHold, keep: Duration) -> Option<String> {
    match hold.kind {
        GuardKind::RootMissing => None,
        GuardKind::RootReplaced => Some(
            "Putting together deletes and replaces nothing; files that differ become conflicts. What is missing in a folder that is used from now on is asked about separately if it is much."
                .to_owned(),
        ),
        GuardKind::RootEmptied | GuardKind::MassDeletion | GuardKind::Extra => {
            Some(format!("What is deleted is {}.", kept_for(keep)))
        }
    }
}

/// How long a version rests that gave way.
pub(crate) fn kept_for(keep: Duration) -> String {
    match keep.as_secs() / DAY.as_secs() {
        0 => "kept until the next run".to_owned(),
        1 => "kept for one day".to_owned(),
        days => format!("kept for {days} days"),
    }
}

/// The question about a hold.
pub(crate) fn guard_prompt(item: &ItemId, pair: &Pair, hold: &GuardHold) -> Prompt {
    let offer = |(choice, name): &(GuardChoice, &str)| Offer {
        name: (*name).to_owned(),
        label: guard_label(hold, *choice),
    };
    let root = match hold.side {
        Side::Left => &pair.left,
        Side::Right => &pair.right,
    };
    let no_place = hold.kind == GuardKind::RootMissing && !has_parent(root);
    let offered = GUARD_CHOICES.iter().filter(|(choice, _)| {
        hold.choices().contains(choice) && !(no_place && *choice == GuardChoice::BringBack)
    });
    let mut detail = format!(
        "The {} folder is {}.",
        hold.side,
        shown(fs::path_bytes(root))
    );
    if no_place {
        detail.push_str(
            "\nThe folder that it was in is missing too, so it cannot be brought back there: connect the disk first.",
        );
    }
    if let Some(effect) = guard_effect(hold, pair.settings.keep) {
        detail.push('\n');
        detail.push_str(&effect);
    }
    let what = match hold.kind {
        GuardKind::Extra => "\nonly there: ",
        _ => "\ngone: ",
    };
    for path in &hold.sample {
        detail.push_str(what);
        detail.push_str(&shown(path));
    }
    let more = hold.lost.saturating_sub(hold.sample.len() as u64);
    if !hold.sample.is_empty() && more > 0 {
        detail.push_str(&["\nand ", &more.to_string(), " more"].concat());
    }
    Prompt {
        item: Some(item.clone()),
        key: guard_key(hold.kind, hold.side),
        kind: PromptKind::Guard,
        text: hold.to_string(),
        detail: Some(detail),
        choices: offered.map(offer).collect(),
        default: None,
        fields: None,
        deadline_ms: None,
        durable: true,
        wrong: false,
        context: json!({ "lost": hold.lost }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_few_words_and_says_which_side() {
        let labels = |kind, side| {
            let hold = GuardHold {
                kind,
                side,
                lost: 412,
                of: 430,
                added: 0,
                sample: Vec::new(),
            };
            hold.choices()
                .iter()
                .map(|choice| guard_label(&hold, *choice))
                .collect::<Vec<_>>()
                .join(" · ")
        };
        assert_eq!(
            labels(GuardKind::MassDeletion, Side::Right),
            "delete them on the left too · bring them back · decide later"
        );
        assert_eq!(
            labels(GuardKind::RootEmptied, Side::Left),
            "delete them on the right too · bring them back · decide later"
        );
        assert_eq!(
            labels(GuardKind::RootMissing, Side::Left),
            "bring it back · decide later"
        );
        assert_eq!(
            labels(GuardKind::RootReplaced, Side::Left),
            "use this folder from now on · put together what both have · decide later"
        );
    }

    #[test]
    fn how_long_a_version_rests_is_told_in_days() {
        assert_eq!(kept_for(Duration::from_secs(30)), "kept until the next run");
        assert_eq!(kept_for(DAY), "kept for one day");
        assert_eq!(kept_for(DAY * 30), "kept for 30 days");
    }
}
