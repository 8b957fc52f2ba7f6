//! Why something was not done, in the language of whoever looks: what its code means and what helps. The manager's own words,
//! which name names, stand below it; in English they are all that is said.

use maud::{Markup, html};
use syncmgr_control::Refusal;

use super::words::Words;
use super::{heard, mark};

/// A refusal as the lines of a page.
pub(crate) fn lines(words: Words, refusal: &Refusal) -> Markup {
    match words.refusal(&refusal.code) {
        Some((what, hint)) => html! {
            p { (what) }
            p { (hint) }
            details {
                summary { (words.say("refused-verbatim")) }
                (verbatim(words, refusal))
            }
        },
        None => verbatim(words, refusal),
    }
}

/// What the manager itself says.
fn verbatim(words: Words, refusal: &Refusal) -> Markup {
    html! {
        p { (plain(words, &refusal.message)) }
        @for cause in &refusal.causes { p.faint { (plain(words, cause)) } }
        @if let Some(hint) = &refusal.hint { p { (advice(words, hint)) } }
    }
}

/// A hint as a sentence; the command that it ends with can be copied as it is.
fn advice(words: Words, hint: &str) -> Markup {
    match hint.split_once(": syncmgr ") {
        Some((what, command)) => {
            let what = sentence(what);
            html! { (mark::quoted(words, what.trim_end_matches('.'))) ": " code { "syncmgr " (command) } }
        }
        None => plain(words, hint),
    }
}

/// A fragment as a sentence, in which names and commands look like what they are.
fn plain(words: Words, text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len() < 3 || parts.len().is_multiple_of(2) || heard::in_words(words, text).is_some() {
        return mark::quoted_begun(words, text, sentence);
    }
    let whole = sentence(text);
    html! {
        @for (at, part) in whole.split('`').enumerate() {
            @if at % 2 == 1 { code { (mark::cut(part)) } } @else { (mark::quoted(words, part)) }
        }
    }
}

/// A refusal in a line or two.
pub(crate) fn text(words: Words, refusal: &Refusal) -> String {
    let heard = |text: &str| heard::in_words(words, text).unwrap_or_else(|| text.to_owned());
    let causes: String = refusal
        .causes
        .iter()
        .map(|cause| format!(": {}", heard(cause)))
        .collect();
    match (words.refusal(&refusal.code), &refusal.hint) {
        (Some((what, hint)), _) => format!("{what} {hint} (« {}{causes} »)", refusal.message),
        (None, hint) => {
            let message = heard(&refusal.message);
            let hint = hint.as_ref().map(|hint| format!(" ({})", heard(hint)));
            format!("{message}{causes}{}", hint.unwrap_or_default())
        }
    }
}

/// A fragment as a sentence.
pub(crate) fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let end = if fragment.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::words::Language;

    #[test]
    fn fragments_become_sentences() {
        assert_eq!(sentence("nothing is here"), "Nothing is here.");
        assert_eq!(sentence("what?"), "What?");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn a_command_in_a_hint_can_be_copied() {
        let words = Words::of(Language::English);
        let advice = advice(words, "open it with: syncmgr center <x>").into_string();
        assert!(
            advice.ends_with(": <code>syncmgr center &lt;x&gt;</code>"),
            "{advice}"
        );
    }

    /// Each code that the manual lists; what handlers refuse has codes of their own and stays in their words.
    #[test]
    fn names_and_commands_stand_out_of_their_sentence() {
        let text = |text: &str| plain(Words::of(Language::English), text).0;
        assert_eq!(
            text("`a<b` is not there; `syncmgr list` shows all")
                .matches("<code>")
                .count(),
            2
        );
        assert!(text("`a<b` is gone").contains("<code>a&lt;b</code>"));
        assert!(!text("a lone ` stays").contains("<code>"));
    }

    #[test]
    fn every_refusal_has_its_french() {
        let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
        let manual = std::fs::read_to_string(manual).unwrap();
        let rows = manual.lines().filter_map(|line| line.strip_prefix("| `"));
        let codes: Vec<&str> = rows
            .filter_map(|row| row.split_once('`'))
            .map(|(code, _)| code)
            .filter(|code| code.contains("::"))
            .collect();
        assert!(codes.len() > 150, "the manual lists {} codes", codes.len());
        let words = Words::of(Language::French);
        for code in &codes {
            let (what, hint) = words
                .refusal(code)
                .unwrap_or_else(|| panic!("{code} has no French"));
            assert!(what.ends_with(['.', '?']), "{code}: {what}");
            assert!(!hint.is_empty(), "{code}");
        }
        assert_eq!(
            words.refusals(),
            codes.len(),
            "French for codes that are no more"
        );
        assert_eq!(words.refusal("mail::full"), None);
        assert_eq!(Words::of(Language::English).refusal(codes[0]), None);
    }

    #[test]
    fn a_hostile_refusal_stays_text() {
        let refusal = Refusal::new("mail::full", "<b>\u{1b}[31m", "a: syncmgr <i>");
        for language in [Language::English, Language::French] {
            let page = lines(Words::of(language), &refusal).into_string();
            assert!(!page.contains("<b>") && !page.contains("<i>"), "{page}");
        }
    }
}
