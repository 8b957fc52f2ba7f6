//! What the manager says, in the language of whoever looks: in English its own words, else the sentence that its code names.

use maud::{Markup, html};
use syncmgr_control::said::{Said, SaidPart};

use super::mark;
use super::moment::Told;
use super::words::Filled;

/// A sentence within sentences, no deeper.
const MAX_DEPTH: usize = 8;

/// A text of the manager, cut to what a list has room for. What nobody says in other words stands as it is.
pub(crate) fn quoted(told: &Told, text: &str, said: Option<&Said>) -> Markup {
    match said.and_then(|said| in_words(told, said)) {
        Some(words) => html! { bdi { (mark::cut(&words)) } },
        None => mark::quoted(told.words, text),
    }
}

/// The same, whole: it is what the screen is about.
pub(crate) fn whole(told: &Told, text: &str, said: &[Said]) -> Markup {
    let words: Option<Vec<String>> = said.iter().map(|said| in_words(told, said)).collect();
    match words.filter(|words| !words.is_empty()) {
        Some(words) => html! { bdi { (words.join(" ")) } },
        None => mark::quoted_whole(told.words, text),
    }
}

/// A question or an answer, which begins like a sentence; whole.
pub(crate) fn begun(told: &Told, text: &str, said: Option<&Said>) -> Markup {
    match said.and_then(|said| in_words(told, said)) {
        Some(words) => html! { bdi { (capital(&words)) } },
        None => mark::whole_begun(told.words, text, capital),
    }
}

/// The same for the inside of a sentence or an attribute.
pub(crate) fn text(told: &Told, text: &str, said: Option<&Said>) -> String {
    said.and_then(|said| in_words(told, said)).map_or_else(
        || mark::quoted_text(told.words, text),
        |words| mark::cut(&words),
    )
}

/// The sentence in the language of whoever looks; nothing where the manager's own words are in that language.
pub(crate) fn in_words(told: &Told, said: &Said) -> Option<String> {
    sentence(told, said, MAX_DEPTH)
}

fn sentence(told: &Told, said: &Said, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let mut filled = Vec::with_capacity(said.parts.len());
    for (name, part) in &said.parts {
        let is = match part {
            SaidPart::Number(number) => Filled::Number(*number),
            SaidPart::Hundredths(number) => Filled::Text(told.hundredths(*number)),
            SaidPart::Text(text) => Filled::Text(text.clone()),
            SaidPart::Span(ms) => Filled::Text(told.length(*ms)),
            SaidPart::Moment(at) => Filled::Text(told.clock_text(*at)),
            SaidPart::Size(bytes) => Filled::Text(told.binary_size(*bytes)),
            SaidPart::Hours(hours) => Filled::Text(hours_text(told, hours)),
            SaidPart::Sayings(sayings) => {
                let each: Option<Vec<String>> = sayings
                    .iter()
                    .map(|said| sentence(told, said, depth))
                    .collect();
                Filled::Text(each?.join(&told.words.say("said-and")))
            }
        };
        filled.push((name.as_str(), is));
    }
    told.words.said(&said.code, &filled)
}

/// Hours as rules write them, with the days in words: `mon-fri 09:00-17:00`.
fn hours_text(told: &Told, hours: &str) -> String {
    let words = told.words;
    let word = |word: &str| match word {
        "mon" => words.say("day-mon"),
        "tue" => words.say("day-tue"),
        "wed" => words.say("day-wed"),
        "thu" => words.say("day-thu"),
        "fri" => words.say("day-fri"),
        "sat" => words.say("day-sat"),
        "sun" => words.say("day-sun"),
        "daily" => words.say("day-every"),
        other => other.to_owned(),
    };
    let of_span = |span: &str| {
        let ends: Vec<String> = span.split('-').map(word).collect();
        ends.join("-")
    };
    let spans: Vec<String> = hours.split(' ').map(of_span).collect();
    spans.join(" ")
}

/// A fragment as the beginning of a sentence. A name that is filled in, in its marks, stays as it is written.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::page::words::{Language, Words};
    use crate::visitor::Visitor;

    fn told(language: Language) -> Told {
        Told {
            words: Words::of(language),
            zone: TimeZone::UTC,
            now_ms: 1_000_000_000_000,
            visitor: Visitor::owner("a test"),
            back: "/".to_owned(),
        }
    }

    fn said(code: &str, parts: &[(&str, SaidPart)]) -> Said {
        Said {
            code: code.to_owned(),
            parts: parts
                .iter()
                .map(|(name, part)| ((*name).to_owned(), part.clone()))
                .collect::<BTreeMap<_, _>>(),
        }
    }

    fn plain(text: &str) -> String {
        text.replace(['\u{2068}', '\u{2069}', '\u{a0}'], " ")
    }

    #[test]
    fn sentences_within_sentences_are_french_and_english_stays_as_it_is() {
        let hours = SaidPart::Hours("mon-fri 09:00-17:00".to_owned());
        let wanted = said("want-hours", &[("hours", hours)]);
        let now = said(
            "now-not-before",
            &[("at", SaidPart::Moment(1_000_000_000_000))],
        );
        let parts = [
            ("wanted", SaidPart::Sayings(vec![wanted])),
            ("now", SaidPart::Sayings(vec![now])),
        ];
        let waits = said("held-waits", &parts);
        let french = in_words(&told(Language::French), &waits).unwrap();
        assert_eq!(
            plain(&french)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            "il attend les heures lun-ven 09:00-17:00 ; pour l’instant : pas avant 01:46"
        );
        let english = quoted(&told(Language::English), "it waits", Some(&waits)).into_string();
        assert_eq!(english, "<bdi>it waits</bdi>");
    }

    #[test]
    fn what_nobody_says_in_french_stands_as_it_is() {
        let french = told(Language::French);
        for odd in [
            said("no-such-sentence", &[]),
            // A part is missing.
            said("now-runs", &[]),
        ] {
            let text = quoted(&french, "<b>notes</b>", Some(&odd)).into_string();
            assert_eq!(text, "<bdi lang=\"en\">&lt;b&gt;notes&lt;/b&gt;</bdi>");
        }
        let mut deep = said("why-told", &[("words", SaidPart::Text("x".to_owned()))]);
        for _ in 0..100 {
            deep = said("turn-before", &[("what", SaidPart::Sayings(vec![deep]))]);
        }
        assert_eq!(in_words(&french, &deep), None);
    }

    #[test]
    fn names_stay_names() {
        let name = SaidPart::Text("<img src=x>\u{202e}".to_owned());
        let runs = said("now-runs", &[("name", name)]);
        let text = quoted(&told(Language::French), "", Some(&runs)).into_string();
        assert!(text.contains("&lt;img") && !text.contains("<img"), "{text}");
    }

    #[test]
    fn a_question_begins_like_a_sentence() {
        assert_eq!(
            capital("\u{2068}notes\u{2069} is"),
            "\u{2068}notes\u{2069} is"
        );
        assert_eq!(capital("what now?"), "What now?");
        assert_eq!(capital(""), "");
    }
}
