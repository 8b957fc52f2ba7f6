//! What to do where nothing is set up yet.

use maud::{Markup, html};
use syncmgr_control::browse::PageView;
use syncmgr_control::method::Access;

use super::mark;
use super::moment::Told;

/// The first steps: a pair of folders, or a handler that is registered already.
pub(crate) fn guide(told: &Told, page: &PageView) -> Markup {
    let words = told.words;
    let waiting = page.status.unasked.iter().chain(&page.status.empty);
    html! {
        div #setup.setup {
            section.card aria-labelledby="setup-pair" {
                h2 #setup-pair { (words.say("setup-pair-title")) }
                p { (words.say("setup-pair-text")) }
                @if told.may(Access::Admin) { (add_pair(told)) } @else { p.faint { (words.say("needs-admin")) } }
            }
            @for handler in waiting {
                section.card {
                    h2 { (mark::short(handler)) }
                    p { (words.say("setup-handler-text")) }
                    form method="post" action="/act/refresh" data-live {
                        input type="hidden" name="handler" value=(handler);
                        (told.form())
                        button { (words.say("setup-handler-ask")) }
                    }
                }
            }
            section.card aria-labelledby="setup-more" {
                h2 #setup-more { (words.say("setup-more-title")) }
                p { (words.say("setup-more-text")) }
                p { a href="/handlers" { (words.say("setup-more-link")) } }
            }
        }
    }
}

/// The form that adds two folders.
pub(crate) fn add_pair(told: &Told) -> Markup {
    let words = told.words;
    html! {
        form.fields method="post" action="/act/add-item" {
            input type="hidden" name="handler" value="folder";
            (told.form())
            label { span { (words.say("setup-left")) } input name="arguments.left" required autocomplete="off" spellcheck="false"; }
            label { span { (words.say("setup-right")) } input name="arguments.right" required autocomplete="off" spellcheck="false"; }
            label { span { (words.say("setup-name")) } input name="name" autocomplete="off"; }
            button.primary { (words.say("setup-add")) }
        }
    }
}
