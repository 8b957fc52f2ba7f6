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
                        button formaction="/act/skip" aria-label=(label("act-skip-label")) {
                            (words.say("act-skip"))
                        }
                    }
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
