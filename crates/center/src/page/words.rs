//! The texts of the page, in the language that the browser asks for.

use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

/// A language that the page speaks; the first is spoken to whoever asks for none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
}

impl Language {
    const ALL: [Self; 2] = [Self::English, Self::French];

    /// Its tag, as `lang` has it.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    fn texts(self) -> &'static str {
        match self {
            Self::English => include_str!("../../locales/en.ftl"),
            Self::French => include_str!("../../locales/fr.ftl"),
        }
    }

    /// What stands in for the manager's own words where those are of another language.
    fn for_the_manager(self) -> &'static [&'static str] {
        match self {
            Self::English => &[],
            Self::French => &[
                include_str!("../../locales/refused.fr.ftl"),
                include_str!("../../locales/said.fr.ftl"),
                include_str!("../../locales/heard.fr.ftl"),
            ],
        }
    }

    /// The one that a browser prefers (`Accept-Language`).
    pub(crate) fn preferred(header: &str) -> Self {
        let mut best = (0.0_f32, Self::English);
        for part in header.split(',').take(MAX_PREFERENCES) {
            let mut fields = part.split(';').map(str::trim);
            let tag = fields.next().unwrap_or_default();
            let quality = fields
                .find_map(|field| field.strip_prefix("q="))
                .map_or(1.0, |quality| quality.trim().parse().unwrap_or(0.0));
            let primary = tag.split('-').next().unwrap_or_default();
            let known = Self::ALL
                .into_iter()
                .find(|language| language.tag().eq_ignore_ascii_case(primary));
            if let Some(language) = known
                && quality > best.0
            {
                best = (quality, language);
            }
        }
        best.1
    }
}

/// More languages than anybody speaks.
const MAX_PREFERENCES: usize = 20;

/// The texts of one language.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    pub(crate) language: Language,
    bundle: &'static FluentBundle<FluentResource>,
}

impl Words {
    /// Those of a language; read when the first page wants them.
    pub(crate) fn of(language: Language) -> Self {
        static ENGLISH: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
        static FRENCH: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
        let home = match language {
            Language::English => &ENGLISH,
            Language::French => &FRENCH,
        };
        Self {
            language,
            bundle: home.get_or_init(|| read(language)),
        }
    }

    /// A text without anything to fill in.
    pub(crate) fn say(self, id: &'static str) -> String {
        self.with(id, &[])
    }

    /// A text with a number in it.
    pub(crate) fn count(self, id: &'static str, count: u64) -> String {
        self.with(id, &[("count", Value::Number(count))])
    }

    /// A text with something to fill in. A text that is missing is its own name: a test sees to it that none is.
    pub(crate) fn with(self, id: &'static str, values: &[(&'static str, Value<'_>)]) -> String {
        let mut args = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            match value {
                Value::Number(number) => args.set(*name, FluentValue::from(*number)),
                Value::Text(text) => args.set(*name, FluentValue::from(*text)),
            }
        }
        let pattern = self.bundle.get_message(id).and_then(|text| text.value());
        let Some(pattern) = pattern else {
            return id.to_owned();
        };
        let mut faults = Vec::new();
        let text = self
            .bundle
            .format_pattern(pattern, Some(&args), &mut faults);
        if let Some(fault) = faults.first() {
            tracing::warn!(id, %fault, "a text of the page is incomplete");
        }
        text.into_owned()
    }

    /// A sentence of the manager; nothing where its own words are in this language already.
    pub(crate) fn said(self, code: &str, parts: &[(&str, Filled)]) -> Option<String> {
        self.filled(&format!("said-{code}"), parts)
    }

    /// A sentence of the folder handler; nothing where its own words are in this language already.
    pub(crate) fn heard(self, id: &'static str, parts: &[(&str, Filled)]) -> Option<String> {
        self.filled(id, parts)
    }

    fn filled(self, id: &str, parts: &[(&str, Filled)]) -> Option<String> {
        let message = self.bundle.get_message(id)?;
        let mut args = FluentArgs::with_capacity(parts.len());
        for (name, part) in parts {
            match part {
                Filled::Number(number) => args.set(*name, FluentValue::from(*number)),
                Filled::Text(text) => args.set(*name, FluentValue::from(text.as_str())),
            }
        }
        let mut faults = Vec::new();
        let text = self
            .bundle
            .format_pattern(message.value()?, Some(&args), &mut faults);
        // An incomplete sentence says less than the manager's own words.
        faults.is_empty().then(|| text.into_owned())
    }

    /// What a refusal of this code means, and what helps. Nothing where the manager's own words are in this language already,
    /// and for what handlers refuse.
    pub(crate) fn refusal(self, code: &str) -> Option<(String, String)> {
        let id = format!("refused-{}", code.replace("::", "-"));
        let message = self.bundle.get_message(&id)?;
        let hint = message.get_attribute("hint")?.value();
        let said = |pattern| {
            let text = self.bundle.format_pattern(pattern, None, &mut Vec::new());
            text.into_owned()
        };
        Some((said(message.value()?), said(hint)))
    }

    /// How many refusals have words here.
    #[cfg(test)]
    pub(crate) fn refusals(self) -> usize {
        let texts = self.language.for_the_manager().concat();
        texts.matches("\n    .hint = ").count()
    }
}

/// What is filled into a text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Number(u64),
    Text(&'a str),
}

/// What is filled into a sentence of the manager.
#[derive(Debug, Clone)]
pub(crate) enum Filled {
    Number(u64),
    Text(String),
}

fn read(language: Language) -> FluentBundle<FluentResource> {
    let tag: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    for texts in std::iter::once(&language.texts()).chain(language.for_the_manager()) {
        let texts = match FluentResource::try_new((*texts).to_owned()) {
            Ok(texts) => texts,
            // What can be read is said all the same; a test reads all files whole.
            Err((texts, faults)) => {
                tracing::warn!(faults = faults.len(), "some texts of the page are not read");
                texts
            }
        };
        if let Err(faults) = bundle.add_resource(texts) {
            tracing::warn!(faults = faults.len(), "some texts of the page stand twice");
        }
    }
    bundle
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn a_browser_is_answered_in_the_language_that_it_prefers() {
        for (header, wanted) in [
            ("", Language::English),
            ("fr", Language::French),
            ("fr-CA,fr;q=0.9,en;q=0.8", Language::French),
            ("en-GB,en;q=0.9,fr;q=0.8", Language::English),
            ("de,fr;q=0.5", Language::French),
            ("de", Language::English),
            ("fr;q=0,en;q=0.1", Language::English),
            ("fr;q=x", Language::English),
            ("FR-fr ; q=0.7 , en;q=0.2", Language::French),
            (",,;;q=;", Language::English),
        ] {
            assert_eq!(Language::preferred(header), wanted, "{header:?}");
        }
    }

    /// Every text of a file with the names that are filled in.
    fn texts(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        assert!(FluentResource::try_new(language.texts().to_owned()).is_ok());
        let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut current = String::new();
        for line in language.texts().lines() {
            if let Some((id, _)) = line.split_once(" =")
                && line.starts_with(|c: char| c.is_ascii_lowercase())
            {
                current = id.to_owned();
                let before = texts.insert(current.clone(), BTreeSet::new());
                assert!(before.is_none(), "{id} stands twice");
            }
            for filled in line.split('$').skip(1) {
                let name: String = filled
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
                    .collect();
                texts.get_mut(&current).unwrap().insert(name);
            }
        }
        texts
    }

    #[test]
    fn all_texts_are_read_whole_and_stand_once() {
        for language in Language::ALL {
            let mut bundle: FluentBundle<FluentResource> = FluentBundle::new_concurrent(Vec::new());
            for texts in std::iter::once(&language.texts()).chain(language.for_the_manager()) {
                let texts = FluentResource::try_new((*texts).to_owned());
                bundle.add_resource(texts.unwrap()).unwrap();
            }
        }
    }

    #[test]
    fn french_marks_never_begin_a_line() {
        let french = Language::French;
        for texts in std::iter::once(&french.texts()).chain(french.for_the_manager()) {
            for line in texts.lines().filter(|line| !line.starts_with('#')) {
                let line = format!("{line} ");
                for mark in [" : ", " ; ", " ? ", " ! ", " » ", "« "] {
                    assert!(!line.contains(mark), "a no-break space is missing: {line}");
                }
            }
        }
    }

    #[test]
    fn both_languages_say_the_same_things() {
        assert_eq!(texts(Language::English), texts(Language::French));
    }

    #[test]
    fn every_text_is_said_somewhere_and_none_is_missing() {
        let known: BTreeSet<String> = texts(Language::English).into_keys().collect();
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut sources = std::fs::read_to_string(root.join("src/refused.rs")).unwrap();
        for entry in std::fs::read_dir(root.join("src/page")).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name != "words.rs") {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
        let said: BTreeSet<String> = sources
            .split('"')
            .filter(|text| known.contains(*text))
            .map(str::to_owned)
            .collect();
        let unused: Vec<_> = known.difference(&said).collect();
        assert!(unused.is_empty(), "nobody says {unused:?}");
        for call in [".say(\"", ".count(\"", ".with(\"", "text: \""] {
            for rest in sources.split(call).skip(1) {
                let id = rest.split('"').next().unwrap();
                assert!(known.contains(id), "{id} is said and is no text");
            }
        }
        // What is chosen by a match is a bare word of this form.
        for word in sources.split('"') {
            let is_id = ["state-", "outcome-", "item-status-", "level-", "about-"]
                .iter()
                .any(|start| word.starts_with(start));
            let is_class = word.contains(' ');
            assert!(
                !is_id || is_class || known.contains(word),
                "{word} is said and is no text"
            );
        }
    }

    #[test]
    fn what_is_filled_in_cannot_reorder_the_sentence_around_it() {
        let words = Words::of(Language::English);
        let text = words.with(
            "row-waits",
            &[("what", Value::Text("x")), ("since", Value::Text("y"))],
        );
        assert!(text.contains("\u{2068}x\u{2069}"), "{text}");
    }
}
