//! The buttons that steer an item: each is what fits it now.

use maud::{Markup, html};
use syncmgr_control::method::Access;
use syncmgr_control::view::{ItemView, RunState, Shown};

use super::moment::Told;
use super::words::Value;
use super::{address, mark};

const HOUR_MS: &str = "3600000";
const DAY_MS: &str = "86400000";

/// Run, stop, skip, pause or go on: one form, without any script.
pub(crate) fn buttons(told: &Told, item: &ItemView) -> Markup {
    if !told.may(Access::Run) {
        return html! {};
    }
    let words = told.words;
    let full = address::full_name(item);
    let called = mark::cut(&item.name);
    // Which item a button is about is said to those who only hear it.
    let label = |id: &'static str| words.with(id, &[("name", Value::Text(&called))]);
    html! {
        form.acts method="post" data-live {
            input type="hidden" name="names" value=(full);
            (told.form())
            @match item.run_state {
                RunState::Idle if item.shown == Shown::Disabled && told.may(Access::Admin) => {
                    button formaction="/act/enable" name="enabled" value="true" aria-label=(label("act-enable-label")) {
                        (words.say("act-enable"))
                    }
                }
                RunState::Idle => {
                    button formaction="/act/sync" name="mayBotherUser" value="true" aria-label=(label("act-run-label")) {
                        (words.say("act-run"))
                    }
                    @if item.shown == Shown::Paused {
                        button formaction="/act/resume" aria-label=(label("act-resume-label")) { (words.say("act-resume")) }
                    } @else {
                        (pause(told, &full, &label("act-pause-label")))
                    }
                }
                RunState::Pending | RunState::Syncing | RunState::Stopping => {
                    @let insists = item.run_state == RunState::Stopping;
                    button formaction="/act/stop-items"
                        aria-label=(label(if insists { "act-insist-label" } else { "act-stop-label" })) {
                        (words.say(if insists { "act-insist" } else { "act-stop" }))
                    }
                    @if item.run_state == RunState::Syncing {
                        // While a window of the handler's is open, only stopping works (M-119).
                        button formaction="/act/skip" disabled[item.window] aria-label=(label("act-skip-label")) {
                            (words.say("act-skip"))
                        }
                    }
                    @if let Some(request) = item.request {
                        a.button href=(address::details(request)) aria-label=(label("act-details-label")) { (words.say("act-details")) }
                    }
                    @if item.window { p.faint { (words.say("progress-window")) } }
                }
            }
        }
    }
}

fn pause(told: &Told, full: &str, label: &str) -> Markup {
    let words = told.words;
    html! {
        details.menu #(address::element("pause", full)) {
            summary aria-label=(label) { (words.say("act-pause")) }
            div.menu-list {
                button formaction="/act/pause" name="forMs" value=(HOUR_MS) { (words.say("pause-hour")) }
                button formaction="/act/pause" name="forMs" value=(DAY_MS) { (words.say("pause-day")) }
                button formaction="/act/pause" name="forMs" value="" { (words.say("pause-open")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;
    use crate::page::words::{Language, Words};
    use crate::visitor::Visitor;

    /// The buttons of an item that is asked to be a page.
    fn page(run_state: &str, window: bool) -> String {
        let item: ItemView = serde_json::from_value(json!({
            "handler": "mail", "handlerName": "Mail", "id": "a", "name": "<b>", "comment": "", "labels": [],
            "shown": "syncing", "state": "", "checked": true, "enabled": true, "runState": run_state,
            "freshness": "fresh", "lastGoodMs": null, "lastAttemptMs": null, "lastRun": null, "problem": null,
            "conflicts": 0, "needs": [], "progress": null, "request": 7, "window": window,
        }))
        .unwrap();
        let told = Told {
            words: Words::of(Language::English),
            zone: TimeZone::UTC,
            now_ms: 0,
            visitor: Visitor::owner("a test"),
            back: "/".to_owned(),
        };
        buttons(&told, &item).into_string()
    }

    /// M-119: while a window of the handler's is open, only stopping works, and it is said why.
    #[test]
    fn an_open_window_leaves_only_stopping() {
        for window in [false, true] {
            let page = page("syncing", window);
            assert_eq!(
                page.contains("formaction=\"/act/skip\" disabled"),
                window,
                "{page}"
            );
            assert_eq!(page.contains("a window of its own"), window, "{page}");
            assert!(
                page.contains("formaction=\"/act/stop-items\" aria"),
                "{page}"
            );
        }
    }

    #[test]
    fn what_goes_on_has_its_details() {
        for (run_state, has_details) in [("idle", false), ("pending", true), ("syncing", true)] {
            let page = page(run_state, false);
            assert_eq!(
                page.contains("href=\"/progress?request=7\""),
                has_details,
                "{page}"
            );
            assert!(!page.contains("<b>"), "{page}");
        }
    }
}
