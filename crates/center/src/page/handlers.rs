//! The handlers: what they are, what they can do, and how one is registered.

use maud::{Markup, html};
use syncmgr_control::method::Access;
use syncmgr_control::registration::HandlerKind;
use syncmgr_control::view::{HandlerView, HandlersView};

use super::moment::Told;
use super::register::Enrolled;
use super::words::Value;
use super::{address, mark, register, setup};

/// The handlers.
pub(crate) fn handlers(told: &Told, view: &HandlersView, enrolled: Option<&Enrolled>) -> Markup {
    html! {
        h1 { (told.words.say("nav-handlers")) }
        (register::report(told, enrolled))
        (changing(told, view))
        (register::form(told, enrolled))
        (pair(told))
    }
}

/// The part of it that changes by itself.
pub(crate) fn changing(told: &Told, view: &HandlersView) -> Markup {
    html! { ul #handlers.cards { @for handler in &view.handlers { (one(told, handler)) } } }
}

fn one(told: &Told, handler: &HandlerView) -> Markup {
    let words = told.words;
    let kind = words.say(match handler.registration.kind {
        HandlerKind::BuiltIn => "kind-built-in",
        HandlerKind::Command => "kind-command",
        HandlerKind::Library => "kind-library",
        HandlerKind::Class => "kind-class",
    });
    let problem = handler
        .problem
        .as_ref()
        .map(|problem| problem.text.as_str());
    let problem = problem.or(handler.registration.problem.as_deref());
    html! {
        li.card #(address::element("handler", &handler.id)) {
            p.card-about { (kind) @if !handler.version.is_empty() { " · " (mark::short(&handler.version)) } " · " code { bdi { (mark::cut(&handler.id)) } } }
            h2 { (mark::short(&handler.name)) }
            @if !handler.comment.is_empty() { p { (mark::quoted(words, &handler.comment)) } }
            p { a href={ "/?handler=" (address::encoded(&handler.id)) } { (words.count("handler-items", handler.items)) }
                @if !handler.enabled { " · " (words.say("state-disabled")) }
                @if !handler.active { " · " (words.say("state-not-set-up")) } }
            @if let Some(problem) = problem { p.row-problem { (mark::quoted(words, problem)) } }
            @if let Some(problem) = &handler.problem && !problem.detail.is_empty() {
                details { summary { (words.say("run-stderr")) } pre { bdi { (problem.detail) } } }
            }
            @if !handler.registration.runs.is_empty() { p.faint { bdi { (mark::cut(&handler.registration.runs)) } } }
            @if let Some(at) = handler.registration.registered_ms { p.faint { (words.say("handler-registered")) " " (told.ago(at))
                @if !handler.registration.events.is_empty() { " · " (words.say("handler-events"))
                    @for event in &handler.registration.events { " " code { (event.word()) } } } } }
            @if problem.is_none() && let Some(last) = &handler.registration.last_problem {
                p.faint { (words.say("handler-last-problem")) " " (mark::quoted(words, last))
                    @if let Some(at) = handler.registration.last_problem_ms { " · " (told.ago(at)) } }
            }
            @if let Some(at) = handler.registration.changed_ms { p.row-problem { (words.say("handler-changed")) " " (told.ago(at)) } }
            @if !handler.capabilities.is_empty() {
                details { summary { (words.say("handler-can")) } ul.plain { @for capability in &handler.capabilities { li { code { (mark::cut(capability)) } } } } }
            }
            (acts(told, handler))
        }
    }
}

fn acts(told: &Told, handler: &HandlerView) -> Markup {
    let words = told.words;
    let name = mark::cut(&handler.name);
    let label = |id| words.with(id, &[("name", Value::Text(&name))]);
    html! {
        @if told.may(Access::Run) {
            @if told.may(Access::Admin) && handler.capabilities.iter().any(|can| can == "properties") {
                p { a href=(address::properties(&handler.id)) { (words.say("properties-title")) } }
            }
            div.acts-left {
                form method="post" action="/act/refresh" data-live { (told.form())
                    input type="hidden" name="handler" value=(handler.id);
                    button aria-label=(label("handler-refresh-label")) { (words.say("setup-handler-ask")) } }
                @if told.may(Access::Admin) && handler.registration.kind != HandlerKind::BuiltIn {
                    details.menu #(address::element("forget", &handler.id)) {
                        summary aria-label=(label("handler-forget-label")) { (words.say("handler-forget")) }
                        form.menu-list method="post" action="/act/unregister" data-live { (told.form())
                            input type="hidden" name="id" value=(handler.id);
                            p { (words.say("handler-forget-text")) }
                            button { (words.say("handler-forget-yes")) } }
                    }
                }
            }
        }
    }
}

/// Two folders are added without a handler of their own.
fn pair(told: &Told) -> Markup {
    let words = told.words;
    html! {
        section.card aria-labelledby="pair-title" {
            h2 #pair-title { (words.say("setup-pair-title")) }
            @if told.may(Access::Admin) { (setup::add_pair(told)) } @else { p.faint { (words.say("needs-admin")) } }
        }
    }
}
