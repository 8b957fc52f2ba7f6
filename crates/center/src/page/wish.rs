//! What somebody wants to start an item by: words, taken apart into causes and conditions.

use super::settings::Tab;

/// Most causes and conditions of one wish; a rule takes no more.
const MAX_PARTS: usize = 16;

/// Conditions that are ticked rather than written.
pub(crate) const TICKS: [(&str, &str); 4] = [
    ("network", "tick-network"),
    ("unmetered", "tick-unmetered"),
    ("mains", "tick-mains"),
    ("vpn", "tick-vpn"),
];

/// Causes and conditions as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) on: Vec<String>,
    pub(crate) when: Vec<String>,
}

impl Wish {
    /// Reads `every 15 min while unmetered and mains`; several causes stand with a semicolon between them. `also` are the
    /// conditions that were ticked or written beside it.
    pub(crate) fn read(words: &str, also: &[String]) -> Self {
        let mut wish = Self::default();
        for part in words.split(';') {
            // What begins with its conditions has no cause.
            let part = format!(" {part}");
            let (cause, conditions) = [" while ", " when ", " if "]
                .into_iter()
                .find_map(|word| part.split_once(word))
                .unwrap_or((&part, ""));
            for cause in parts(cause, ";") {
                push(&mut wish.on, cause);
            }
            for condition in parts(conditions, " and ") {
                push(&mut wish.when, condition);
            }
        }
        for condition in also.iter().flat_map(|written| parts(written, ";")) {
            push(&mut wish.when, condition);
        }
        wish
    }

    /// The causes that a clock decides.
    pub(crate) fn schedules(&self) -> impl Iterator<Item = &String> {
        self.on.iter().filter(|cause| is_schedule(cause))
    }

    /// The conditions that have no tick of their own.
    pub(crate) fn unticked(&self) -> impl Iterator<Item = &String> {
        self.when
            .iter()
            .filter(|condition| !TICKS.iter().any(|(tick, _)| *condition == tick))
    }
}

/// Whether a clock decides a cause, as far as its first word tells.
pub(crate) fn is_schedule(cause: &str) -> bool {
    Tab::of(cause) == Tab::Scheduled
}

fn parts<'a>(text: &'a str, between: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(between)
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

fn push(list: &mut Vec<String>, part: &str) {
    if list.len() < MAX_PARTS && !list.iter().any(|known| known == part) {
        list.push(part.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_causes_and_conditions() {
        for (words, also, on, when) in [
            ("daily at 02:00", vec![], vec!["daily at 02:00"], vec![]),
            (
                "every 15 min while unmetered and battery 50",
                vec!["mains", "unmetered"],
                vec!["every 15 min"],
                vec!["unmetered", "battery 50", "mains"],
            ),
            (
                "logon; daily at 9:00 ;",
                vec!["hours 9:00-17:00; vpn"],
                vec!["logon", "daily at 9:00"],
                vec!["hours 9:00-17:00", "vpn"],
            ),
            (" ", vec![""], vec![], vec![]),
            (" while mains", vec![], vec![], vec!["mains"]),
        ] {
            let also: Vec<String> = also.into_iter().map(str::to_owned).collect();
            let wish = Wish::read(words, &also);
            assert_eq!(
                (wish.on, wish.when),
                (
                    on.into_iter().map(str::to_owned).collect(),
                    when.into_iter().map(str::to_owned).collect()
                ),
                "{words}"
            );
        }
        let many = "x;".repeat(100) + &(0..100).map(|n| format!("{n};")).collect::<String>();
        assert_eq!(Wish::read(&many, &[]).on.len(), MAX_PARTS);
    }

    #[test]
    fn what_a_clock_decides_is_tried() {
        let wish = Wish::read(
            "logon; every 3 h; idle 5m",
            &["mains".to_owned(), "load 2".to_owned()],
        );
        assert_eq!(wish.schedules().collect::<Vec<_>>(), ["every 3 h"]);
        assert_eq!(wish.unticked().collect::<Vec<_>>(), ["load 2"]);
    }
}
