//! Taking a run back: asked once, with what it does.

use maud::{Markup, html};
use syncmgr_control::method::Access;
use syncmgr_control::view::{ItemDetail, Outcome, RunView};

use super::moment::Told;
use super::trend;
use super::words::Value;

/// Offers to take back the latest run of an item that changed something, where its handler can.
pub(crate) fn latest(told: &Told, detail: &ItemDetail, runs: &[RunView]) -> Markup {
    let offered = detail
        .tasks
        .iter()
        .any(|task| task.task == "undo" && task.greyed.is_none());
    let latest = runs
        .iter()
        .filter(|run| run.closed_ms.is_some())
        .find(|run| can_be_undone(run) && trend::changes(trend::moved(run)) > 0);
    html! { @if offered && let Some(run) = latest { (one(told, run)) } }
}

/// Offers to take one run back, where there is something to take back.
pub(crate) fn one(told: &Told, run: &RunView) -> Markup {
    if !can_be_undone(run) || !told.may(Access::Run) {
        return html! {};
    }
    let words = told.words;
    let changed = words.count("changes", trend::changes(run.counts));
    let values = [
        ("changes", Value::Text(&changed)),
        ("count", Value::Number(run.item_count)),
    ];
    html! {
        details.asks #{ "undo-" (run.id) } {
            summary { (words.count("run-undo", run.id)) }
            form method="post" action="/act/undo" data-live {
                (told.form())
                input type="hidden" name="run" value=(run.id);
                p { (words.with("undo-changed", &values)) }
                p { (words.say("undo-text")) }
                button.primary { (words.say("undo-yes")) }
            }
        }
    }
}

/// Only what ended and moved something can be taken back; an undo is a run like any other.
fn can_be_undone(run: &RunView) -> bool {
    matches!(run.kind.as_str(), "synchronize" | "undo" | "resolve")
        && run.outcome != Outcome::Open
        && trend::changes(run.counts) > 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_resolved_can_be_taken_back_and_what_moved_nothing_cannot() {
        let run = |kind: &str, outcome: &str, sent: u64| -> RunView {
            serde_json::from_value(json!({
                "id": 1, "handler": "h", "kind": kind, "trigger": "manual", "openedMs": 0, "closedMs": 1, "outcome": outcome,
                "counts": { "sent": sent }, "items": [], "itemCount": 1, "problem": null,
            }))
            .unwrap()
        };
        for kind in ["synchronize", "undo", "resolve"] {
            assert!(can_be_undone(&run(kind, "succeeded", 1)), "{kind}");
            assert!(!can_be_undone(&run(kind, "needs-you", 0)), "{kind}");
            assert!(!can_be_undone(&run(kind, "open", 1)), "{kind}");
        }
    }
}
