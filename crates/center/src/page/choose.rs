//! "Choose what to synchronize": the items under their handlers, each with a tick (mobsync 4.1). Every row is ticked by itself;
//! the script adds a tick for a whole handler.

use maud::{Markup, html};
use syncmgr_control::method::Access;
use syncmgr_control::offer::{OfferView, OfferedHandlerView, OfferedRow};

use super::moment::Told;
use super::words::Value;
use super::{address, mark, refusal};

/// The list.
pub(crate) fn choose(told: &Told, offer: &OfferView) -> Markup {
    let words = told.words;
    let may = told.may(Access::Run);
    html! {
        h1 { (words.say("choose-title")) }
        @if let Some(text) = &offer.text { p { (mark::whole_begun(words, text, refusal::sentence)) } }
        @if let Some(deadline) = offer.deadline_ms {
            @let at = told.clock_text(deadline);
            p.faint { (words.with("choose-deadline", &[("at", Value::Text(&at))])) }
        }
        @if offer.lasts && may { p.faint { (words.say("choose-lasts")) } }
        @if offer.handlers.is_empty() { p.empty { (words.say("choose-none")) } }
        form #choose-form.choose method="post" action="/act/choose" {
            (told.form())
            @if let Some(need) = offer.need { input type="hidden" name="need" value=(need); }
            @for handler in &offer.handlers { (group(told, handler)) }
            div.answers {
                @if may && !offer.handlers.is_empty() { button.primary { (words.say("choose-begin")) } }
                @if offer.need.is_none() { a.button href="/" { (words.say("choose-close")) } }
            }
        }
        @if let (Some(need), Some(close), true) = (offer.need, &offer.close, may) {
            form.answers method="post" action="/act/answer" {
                input type="hidden" name="need" value=(need);
                input type="hidden" name="choice" value=(close);
                (told.form_to("/inbox"))
                button { (words.say("choose-close")) }
            }
        }
    }
}

fn group(told: &Told, handler: &OfferedHandlerView) -> Markup {
    let called = mark::cut(&handler.name);
    let all = told
        .words
        .with("choose-all", &[("name", Value::Text(&called))]);
    html! {
        fieldset.card data-ticks=(all) {
            legend { (mark::short(&handler.name)) }
            ul.ticks {
                @for row in handler.rows.iter().chain(&handler.rest) { (tick(told, row)) }
            }
        }
    }
}

fn tick(told: &Told, row: &OfferedRow) -> Markup {
    let words = told.words;
    html! {
        li {
            input type="hidden" name="offered" value=(row.pick);
            label.check {
                input type="checkbox" name="items" value=(row.pick) checked[row.ticked];
                span {
                    @match (row.name.as_str(), row.count) {
                        ("", 0) => (words.say("choose-unknown")),
                        ("", count) => (words.count("choose-rest", count)),
                        (name, _) => (mark::short(name)),
                    }
                    " "
                    @if !row.name.is_empty() {
                        span.faint {
                            @match row.last_good_ms {
                                Some(at) => { (words.say("row-last-good")) " " (told.ago(at)) },
                                None => (words.say("choose-never")),
                            }
                        }
                    }
                }
            }
            // M-171: properties of whatever has some.
            @if row.properties && told.may(Access::Admin) {
                @let called = mark::cut(&row.name);
                " " a.button href=(address::properties(&row.pick)) aria-label=(words.with("row-properties-label", &[("name", Value::Text(&called))])) {
                    (words.say("properties-title"))
                }
            }
        }
    }
}
