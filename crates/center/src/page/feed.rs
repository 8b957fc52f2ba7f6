//! What happened latest: entries of the log, and the ends of runs that came to anything; the youngest stands first.

use maud::{Markup, html};
use syncmgr_control::view::{Counts, Level, LogView, Outcome, RunView};

use super::moment::Told;
use super::{address, mark};

/// How much is told.
pub(crate) const EVENTS: u32 = 12;

/// Something that happened.
#[derive(Debug, Clone, Copy)]
enum Event<'a> {
    Noted(&'a LogView),
    Ended(&'a RunView),
}

/// The latest of both lists, each of which has its youngest first.
pub(crate) fn feed(told: &Told, entries: &[LogView], runs: &[RunView]) -> Markup {
    let events = latest(entries, runs);
    html! {
        @if events.is_empty() { p.empty { (told.words.say("feed-none")) } }
        ul.plain.feed {
            @for event in events {
                @match event {
                    Event::Noted(entry) => (noted(told, entry)),
                    Event::Ended(run) => (ended(told, run)),
                }
            }
        }
    }
}

fn latest<'a>(entries: &'a [LogView], runs: &'a [RunView]) -> Vec<Event<'a>> {
    let ended = runs
        .iter()
        .filter_map(|run| Some((run.closed_ms.filter(|_| is_told(run))?, Event::Ended(run))));
    let noted = entries
        .iter()
        .map(|entry| (entry.at_ms, Event::Noted(entry)));
    // What a run noted with its last breath happened before its end: the sort keeps the order of what is equally old.
    let mut events: Vec<(i64, Event<'_>)> = ended.chain(noted).collect();
    events.sort_by_key(|(at_ms, _)| std::cmp::Reverse(*at_ms));
    events
        .into_iter()
        .take(EVENTS as usize)
        .map(|(_, event)| event)
        .collect()
}

/// A good run that moved nothing is no news: with many items there would be nothing else.
fn is_told(run: &RunView) -> bool {
    let is_quiet = matches!(run.outcome, Outcome::Succeeded | Outcome::Nothing);
    !is_quiet || run.counts != Counts::default()
}

fn noted(told: &Told, entry: &LogView) -> Markup {
    let words = told.words;
    html! {
        li {
            (told.clock(entry.at_ms)) " "
            @if entry.level != Level::Information { (mark::level(words, entry.level)) " " }
            @if let Some(item) = &entry.item { b { (mark::short(item)) } ": " }
            @match entry.run {
                Some(run) => a href=(address::run(run)) { (mark::quoted(words, &entry.text)) },
                None => (mark::quoted(words, &entry.text)),
            }
        }
    }
}

fn ended(told: &Told, run: &RunView) -> Markup {
    let words = told.words;
    let found = run.counts.conflicts;
    let more = run.item_count.saturating_sub(1);
    html! {
        li {
            (told.clock(run.closed_ms.unwrap_or(run.opened_ms))) " "
            @if let Some(first) = run.items.first() {
                b { (mark::short(first)) }
                @if more > 0 { " " (words.count("feed-more", more)) }
                ": "
            }
            a href=(address::run(run.id)) { (mark::outcome(words, run.outcome)) }
            @if found > 0 { " · " (words.count("count-conflicts", found)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry(at_ms: i64) -> LogView {
        read(
            json!({ "id": 1, "atMs": at_ms, "level": "information", "handler": "folder", "handlerName": "Folders", "item": null,
            "run": null, "text": "noted", "detail": null, "link": false }),
        )
    }

    fn run(id: u64, closed_ms: Option<i64>, outcome: &str, counts: Value) -> RunView {
        read(
            json!({ "id": id, "handler": "folder", "kind": "synchronize", "trigger": "manual", "openedMs": 0,
            "closedMs": closed_ms, "outcome": outcome, "counts": counts, "items": [], "itemCount": 0, "problem": null }),
        )
    }

    fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    fn told(entries: &[LogView], runs: &[RunView]) -> Vec<String> {
        let one = |event: Event<'_>| match event {
            Event::Noted(entry) => format!("noted {}", entry.at_ms),
            Event::Ended(run) => format!("run {}", run.id),
        };
        latest(entries, runs).into_iter().map(one).collect()
    }

    #[test]
    fn ends_of_runs_stand_among_what_was_noted_and_above_what_is_as_old() {
        let entries = [entry(30), entry(20), entry(10)];
        let runs = [
            run(3, Some(40), "failed", json!({})),
            run(2, Some(20), "succeeded", json!({ "conflicts": 2 })),
        ];
        assert_eq!(
            told(&entries, &runs),
            ["run 3", "noted 30", "run 2", "noted 20", "noted 10"]
        );
    }

    #[test]
    fn what_goes_on_or_came_to_nothing_is_no_news() {
        let runs = [
            run(4, None, "open", json!({ "sent": 1 })),
            run(3, Some(3), "succeeded", json!({})),
            run(2, Some(2), "nothing", json!({})),
            run(1, Some(1), "needs-you", json!({})),
        ];
        assert_eq!(told(&[], &runs), ["run 1"]);
    }

    #[test]
    fn no_more_is_told_than_fits() {
        let entries: Vec<LogView> = (0..20).rev().map(entry).collect();
        let told = told(&entries, &[run(1, Some(100), "failed", json!({}))]);
        assert_eq!(told.len(), EVENTS as usize);
        assert_eq!(told[..2], ["run 1", "noted 19"]);
    }
}
