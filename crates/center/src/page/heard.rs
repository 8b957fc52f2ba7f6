//! What the built-in folder handler says, in the language of whoever looks: its sentences are known again by their English
//! words (`locales/heard.en.ftl`), so that nothing of them has to travel, and what was stored long ago is understood too.
//! Whatever is not known stands as it was said, as with handlers of others; what is filled in is text of others as before.

use std::sync::OnceLock;

use super::words::{Filled, Language, Words};

/// A sentence within sentences, no deeper.
const MAX_DEPTH: usize = 4;

/// Longest text that is looked at, in bytes; the sentences are short, and paths are the rest.
const MAX_HEARD: usize = 2_000;

/// How often something is looked for in one text; hostile ones run into it.
const MAX_STEPS: usize = 400;

/// A sentence that is known.
struct Pattern {
    id: &'static str,
    pieces: Vec<Piece>,
}

enum Piece {
    Words(&'static str),
    Hole(&'static str),
}

/// What may stand in a hole.
#[derive(PartialEq)]
enum Fits {
    Side,
    Number,
    Sentence,
    /// A sentence where it is one, else anything.
    Cause,
    Anything,
}

impl Fits {
    fn of(hole: &str) -> Self {
        match hole {
            "side" | "other" | "again" => Self::Side,
            "count" | "lost" | "of" | "days" | "run" | "number" => Self::Number,
            "what" | "hint" | "rests" => Self::Sentence,
            "cause" => Self::Cause,
            _ => Self::Anything,
        }
    }
}

/// The sentence in the language of whoever looks; nothing where it is not known, or said in that language already.
pub(crate) fn in_words(words: Words, text: &str) -> Option<String> {
    if words.language == Language::English || text.len() > MAX_HEARD {
        return None;
    }
    whole(words, text, MAX_DEPTH, &mut { MAX_STEPS })
}

/// The same for several lines: each that is known in the language of whoever looks, the others as they are.
pub(crate) fn lines(words: Words, text: &str) -> Option<String> {
    if words.language == Language::English {
        return None;
    }
    let mut heard = false;
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| match in_words(words, line) {
            Some(known) => {
                heard = true;
                known
            }
            None => line.to_owned(),
        })
        .collect();
    heard.then(|| lines.join("\n"))
}

fn whole(words: Words, text: &str, depth: usize, steps: &mut usize) -> Option<String> {
    known(words, text, patterns().iter(), depth, steps)
}

/// A part that is a sentence never begins with something unknown: that would be part of a path.
fn part(words: Words, text: &str, depth: usize, steps: &mut usize) -> Option<String> {
    let begins = |pattern: &&Pattern| match pattern.pieces.first() {
        Some(Piece::Hole(hole)) => Fits::of(hole) == Fits::Sentence,
        _ => true,
    };
    known(words, text, patterns().iter().filter(begins), depth, steps)
}

fn known<'a>(
    words: Words,
    text: &str,
    mut patterns: impl Iterator<Item = &'a Pattern>,
    depth: usize,
    steps: &mut usize,
) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    patterns.find_map(|pattern| {
        let mut filled = Vec::new();
        fill(words, &pattern.pieces, text, &mut filled, depth, steps)
            .then(|| words.heard(pattern.id, &filled))?
    })
}

/// Fits the pieces to a text, and fills what stands in their holes.
fn fill(
    words: Words,
    pieces: &[Piece],
    text: &str,
    filled: &mut Vec<(&'static str, Filled)>,
    depth: usize,
    steps: &mut usize,
) -> bool {
    match pieces {
        [] => text.is_empty(),
        [Piece::Words(said), rest @ ..] => text
            .strip_prefix(said)
            .is_some_and(|after| fill(words, rest, after, filled, depth, steps)),
        [Piece::Hole(hole)] => match read(words, hole, text, depth, steps) {
            Some(is) => {
                filled.push((hole, is));
                true
            }
            None => false,
        },
        // Each place where the next words stand may be the end of the hole.
        [Piece::Hole(hole), rest @ ..] => {
            let Some(Piece::Words(next)) = rest.first() else {
                return false;
            };
            for (at, _) in text.match_indices(next) {
                let Some(left) = steps.checked_sub(1) else {
                    return false;
                };
                *steps = left;
                let known = filled.len();
                if let Some(is) = read(words, hole, &text[..at], depth, steps) {
                    filled.push((hole, is));
                    if fill(words, rest, &text[at..], filled, depth, steps) {
                        return true;
                    }
                    filled.truncate(known);
                }
            }
            false
        }
    }
}

fn read(words: Words, hole: &str, text: &str, depth: usize, steps: &mut usize) -> Option<Filled> {
    let as_it_is = || (!text.is_empty()).then(|| Filled::Text(text.to_owned()));
    match Fits::of(hole) {
        Fits::Side if text == "left" => Some(Filled::Text(words.heard("heard-side-left", &[])?)),
        Fits::Side if text == "right" => Some(Filled::Text(words.heard("heard-side-right", &[])?)),
        Fits::Side => None,
        Fits::Number => text.parse().ok().map(Filled::Number),
        Fits::Sentence => part(words, text, depth, steps).map(Filled::Text),
        Fits::Cause => whole(words, text, depth, steps)
            .map(Filled::Text)
            .or_else(as_it_is),
        Fits::Anything => as_it_is(),
    }
}

/// All sentences, read when the first page wants them.
fn patterns() -> &'static [Pattern] {
    static PATTERNS: OnceLock<Vec<Pattern>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        include_str!("../../locales/heard.en.ftl")
            .lines()
            .filter_map(|line| line.split_once(" = "))
            .filter(|(id, _)| id.starts_with("heard-"))
            .map(|(id, said)| Pattern {
                id,
                pieces: pieces(said),
            })
            .collect()
    })
}

fn pieces(said: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = said;
    while let Some((before, after)) = rest.split_once("{ $") {
        if !before.is_empty() {
            pieces.push(Piece::Words(before));
        }
        let Some((hole, after)) = after.split_once(" }") else {
            return pieces;
        };
        pieces.push(Piece::Hole(hole));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Words(rest));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    fn french(text: &str) -> Option<String> {
        let said = in_words(Words::of(Language::French), text)?;
        Some(
            said.replace(['\u{2068}', '\u{2069}'], "")
                .replace('\u{a0}', " "),
        )
    }

    #[test]
    fn what_the_folder_handler_says_is_said_in_french() {
        for (said, wanted) in [
            (
                "the right folder lost 412 of 430 files and directories, and 3 are new there",
                "le dossier droit a perdu 412 de ses 430 fichiers et dossiers, et il y en a 3 nouveaux",
            ),
            (
                "delete them on the left too",
                "les supprimer aussi du côté gauche",
            ),
            (
                "held: the left folder is empty; it lost 2 of 2 files and directories",
                "retenu : le dossier gauche est vide ; il a perdu 2 de ses 2 fichiers et dossiers",
            ),
            (
                "a (left): b.txt (right): it cannot be read: Permission denied (os error 13)",
                "a (left): b.txt (droit) : il est illisible : Permission denied (os error 13)",
            ),
            (
                ".: a special file; skipped",
                ". : un fichier spécial ; passé",
            ),
            ("→ created a: b/c", "→ créé a: b/c"),
            (
                "What is deleted is kept for 30 days.",
                "Ce qui est supprimé est conservé 30 jours.",
            ),
            (
                "the right version goes to the left folder; the left one is kept for one day",
                "la version du côté droit va dans le dossier gauche ; ce qui était du côté gauche est conservé un jour",
            ),
            (
                "failed to load what was last in sync: the archive is damaged",
                "ce qui était synchronisé en dernier n’a pas pu être chargé : l’archive est endommagée",
            ),
            (
                "failed to use the pair's own directory: denied; wait for it to end, or stop it",
                "le répertoire propre à la paire est inutilisable : denied ; attendez sa fin, ou arrêtez-la",
            ),
            (
                "the left folder /a does not exist; create the folder, or mount the disk it is on",
                "le dossier gauche /a n’existe pas ; créez le dossier, ou montez le disque où il se trouve",
            ),
        ] {
            assert_eq!(french(said).as_deref(), Some(wanted), "{said}");
            assert_eq!(in_words(Words::of(Language::English), said), None);
        }
    }

    #[test]
    fn what_nobody_knows_stays_as_it_is() {
        for said in [
            "",
            "decide later!",
            "the middle folder is not named",
            "the left folder lost many of 3 files and directories",
            "and 99999999999999999999999 more",
            "mail: the server is away",
            ": : : : : :",
        ] {
            assert_eq!(french(said), None, "{said}");
        }
        let words = Words::of(Language::French);
        let lines = lines(words, "mail\ngone: <b>\n").unwrap();
        assert_eq!(lines, "mail\ndisparu\u{a0}: \u{2068}<b>\u{2069}\n");
    }

    #[test]
    fn a_hostile_text_is_given_up_soon() {
        let words = Words::of(Language::French);
        for unit in [
            ": ",
            " (left): ",
            "; ",
            "held: ",
            "the left folder ",
            "x: it cannot be read: ",
        ] {
            let text = unit.repeat(MAX_HEARD / unit.len());
            let mut steps = MAX_STEPS;
            let _known = whole(words, &text, MAX_DEPTH, &mut steps);
            assert_eq!(in_words(words, &text.repeat(2)), None);
        }
    }

    fn file(language: &str) -> BTreeMap<String, BTreeSet<String>> {
        let path = format!(
            "{}/locales/heard.{language}.ftl",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(path).unwrap();
        let mut said = BTreeMap::new();
        for line in text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
        {
            let (id, words) = line.split_once(" = ").unwrap();
            let holes = words
                .split("{ $")
                .skip(1)
                .filter_map(|rest| rest.split_once(" }"));
            let holes = holes.map(|(hole, _)| hole.to_owned()).collect();
            assert_eq!(said.insert(id.to_owned(), holes), None, "{id} stands twice");
        }
        said
    }

    #[test]
    fn each_sentence_has_its_french_of_the_same_parts() {
        assert_eq!(file("en"), file("fr"));
        for pattern in patterns() {
            let holes = pattern.pieces.windows(2);
            let mut beside = holes.filter(|two| matches!(two, [Piece::Hole(_), Piece::Hole(_)]));
            assert!(beside.next().is_none(), "{} cannot be read", pattern.id);
        }
    }

    /// Whatever stands between quotation marks in the sources of the folder handler and has two words is known here, part by
    /// part; so nothing new is said without French.
    #[test]
    fn no_sentence_of_the_folder_handler_is_without_french() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../folder/src");
        let known = include_str!("../../locales/heard.en.ftl");
        let known: Vec<String> = known
            .lines()
            .filter_map(|line| line.split_once(" = "))
            .map(|(_, said)| blanked(said))
            .collect();
        let mut count = 0;
        let mut missing = Vec::new();
        for entry in std::fs::read_dir(sources).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // What only tests compile, such as the simulated file system.
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("\nmod tests").next().unwrap();
            for said in literals(text).filter(|said| is_sentence(&blanked(said))) {
                count += 1;
                let said = blanked(said.trim_start_matches("\\n"));
                if !known.contains(&said) && !NOT_SAID.contains(&said.as_str()) {
                    missing.push(said);
                }
            }
        }
        assert!(
            missing.is_empty(),
            "no French in heard.fr.ftl: {missing:#?}"
        );
        assert!(count > 100, "{count} sentences");
    }

    /// What is written to files, or put together from parts that are known.
    const NOT_SAID: &[&str] = &[
        "nothing to do",
        "only there: ",
        ", and one is new there",
        ", and {} are new there",
        "another run of this pair is going on, in {}",
        "another process",
        " (conflict {})",
        " (conflict {} {})",
        "set permissions or time of",
    ];

    fn is_sentence(literal: &str) -> bool {
        let words = literal.split(' ').filter(|word| {
            word.chars().filter(char::is_ascii_lowercase).count() > 1 && !word.contains(['_', '='])
        });
        words.count() > 1
    }

    /// Each part as a bare pair of braces.
    fn blanked(said: &str) -> String {
        let mut pieces = said.split('{');
        let mut blank = pieces.next().unwrap().to_owned();
        for piece in pieces {
            blank.push_str("{}");
            blank.push_str(piece.split_once('}').map_or("", |(_, after)| after));
        }
        blank
    }

    fn literals(source: &str) -> impl Iterator<Item = &str> {
        let code = source
            .lines()
            .filter(|line| !line.trim_start().starts_with("//") && !line.contains("reason = "));
        code.flat_map(|line| line.split('"').skip(1).step_by(2))
    }
}
