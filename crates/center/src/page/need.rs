//! A question with its answers.

use maud::{Markup, html};
use serde_json::Value;
use syncmgr_control::field::{FieldKind, FieldView};
use syncmgr_control::method::Access;
use syncmgr_control::view::NeedView;

use super::moment::Told;
use super::words::Value as Filled;
use super::{address, mark, said};

/// What kind of question it is.
fn kind(told: &Told, kind: &str) -> String {
    told.words.say(match kind {
        "login" => "need-login",
        "guard" => "need-guard",
        "stale-lock" => "need-stale-lock",
        "conflict" => "need-conflict",
        "invoke" => "need-invoke",
        "confirm" => "need-confirm",
        _ => "need-prompt",
    })
}

/// The question as a card with a button for each answer.
pub(crate) fn card(told: &Told, need: &NeedView) -> Markup {
    let words = told.words;
    let id = format!("need-{}", need.id);
    html! {
        li.card.need id=(id) {
            p.card-about {
                span.kind { (kind(told, &need.kind)) } " "
                @if let Some(item) = &need.item {
                    a href=(address::of_item(Some(&need.handler), need.item_id.as_deref(), item)) { (mark::short(item)) } " · "
                }
                // A list is asked for by the manager, and may be about several handlers.
                @if !need.has_list() { (mark::short(&need.handler_name)) " · " }
                (told.ago(need.opened_ms))
            }
            h3 #{ (id) "-text" } { (said::begun(told, &need.text, need.said.as_ref())) }
            @if let Some(detail) = &need.detail { (mark::long(told.words, &format!("{id}-detail"), detail)) }
            @if told.may(Access::Run) { (answers(told, need, &id)) }
            @if let Some(deadline) = need.deadline_ms {
                @let at = told.clock_text(deadline);
                p.faint { (words.with("need-deadline", &[("at", Filled::Text(&at))])) }
            }
        }
    }
}

/// What is filled in, and a button for each answer; whoever refuses fills in nothing.
fn answers(told: &Told, need: &NeedView, id: &str) -> Markup {
    let words = told.words;
    let has_secret = need
        .fields
        .iter()
        .any(|field| field.kind == FieldKind::Secret);
    html! {
        form.need-form method="post" action="/act/answer" data-live aria-labelledby={ (id) "-text" } {
            (told.form())
            input type="hidden" name="need" value=(need.id);
            @if !need.fields.is_empty() {
                div.fields {
                    @for field in &need.fields { (one_field(told, field)) }
                    @if has_secret {
                        label.check { input type="checkbox" name="remember" value="true"; span { (words.say("need-remember")) } }
                    }
                }
            }
            div.answers {
                @if need.has_list() { a.button href=(address::list(need.id)) { (words.say("act-choose")) } }
                @if need.choices.is_empty() { button name="choice" value="answer" { (words.say("need-answer")) } }
                @for (at, choice) in need.choices.iter().enumerate() {
                    button name="choice" value=(choice.name) formnovalidate[at > 0] {
                        @let label = if choice.label.is_empty() { &choice.name } else { &choice.label };
                        (said::begun(told, label, choice.said.as_ref()))
                        @if need.default.as_ref() == Some(&choice.name) { " " span.faint { (words.say("need-default")) } }
                    }
                }
            }
        }
    }
}

fn one_field(told: &Told, field: &FieldView) -> Markup {
    let words = told.words;
    let name = format!("fields.{}", field.name);
    let default = field.default.as_ref();
    let text = default.and_then(Value::as_str);
    html! {
        label {
            span { (mark::quoted_begun(words, &field.label, said::capital)) @if let Some(detail) = &field.detail { " – " (mark::quoted(words, detail)) } }
            @match field.kind {
                FieldKind::Text => input name=(name) value=[text] required[field.required] autocomplete="off";,
                FieldKind::Secret => input type="password" name=(name) required[field.required] autocomplete="off";,
                FieldKind::Choice => select name=(name) required[field.required] {
                    // Without a default nothing is chosen for the person.
                    @if text.is_none() { option value="" { "–" } }
                    @for choice in &field.choices {
                        @let label = if choice.label.is_empty() { &choice.name } else { &choice.label };
                        option value=(choice.name) selected[text == Some(&choice.name)] { (mark::quoted_text(words, label)) }
                    }
                },
                // An unticked box says nothing at all, and its default may be yes.
                FieldKind::Boolean => select name={ "flags." (field.name) } {
                    @let yes = default.and_then(Value::as_bool).unwrap_or(false);
                    option value="true" selected[yes] { (words.say("field-yes")) }
                    option value="false" selected[!yes] { (words.say("field-no")) }
                },
            }
        }
    }
}
