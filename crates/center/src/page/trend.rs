//! How long the runs of an item took, how much they moved and how much they changed: each as a small picture with a sentence.

use maud::{Markup, html};
use syncmgr_control::view::{Counts, Outcome, ProgressView, RunView};

use super::mark::Tone;
use super::moment::Told;
use super::words::Value;

const HEIGHT: u64 = 60;
const STEP: usize = 10;
/// A run that takes so many times as long as usual is worth a look.
const LONG: u64 = 3;
/// And only when that is so much longer, in milliseconds.
const LONGER_MS: u64 = 60_000;

/// What is measured of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Length,
    Bytes,
    Changes,
}

impl Measure {
    const ALL: [Self; 3] = [Self::Length, Self::Bytes, Self::Changes];

    fn title(self) -> &'static str {
        match self {
            Self::Length => "trend-length",
            Self::Bytes => "trend-bytes",
            Self::Changes => "trend-changes",
        }
    }

    fn say(self, told: &Told, value: u64) -> String {
        match self {
            Self::Length => told.length(value),
            Self::Bytes => told.size(value),
            Self::Changes => told.words.count("changes", value),
        }
    }
}

/// A run as a bar.
#[derive(Debug, Clone, Copy)]
struct Bar {
    value: u64,
    look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Good,
    Bad,
    UnderWay,
}

impl Look {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Good, "fill-busy"),
        (Self::Bad, "fill-bad"),
        (Self::UnderWay, "fill-quiet"),
    ];
}

/// The trends of the runs that synchronized; the youngest at the right end.
pub(crate) fn trends(told: &Told, runs: &[RunView], progress: Option<&ProgressView>) -> Markup {
    let ended = runs
        .iter()
        .any(|run| is_counted(run) && run.closed_ms.is_some());
    html! {
        @if ended {
            div.trends { @for measure in Measure::ALL { (one(told, measure, runs, progress)) } }
        }
    }
}

fn one(told: &Told, measure: Measure, runs: &[RunView], progress: Option<&ProgressView>) -> Markup {
    let bars: Vec<Bar> = runs
        .iter()
        .rev()
        .filter(|run| is_counted(run))
        .filter_map(|run| bar(told, measure, run, progress))
        .collect();
    let highest = bars.iter().map(|bar| bar.value).max().unwrap_or(0);
    if highest == 0 {
        return html! {};
    }
    let path = |look: Look| -> String {
        let of_look = bars.iter().enumerate().filter(|(_, bar)| bar.look == look);
        of_look
            .map(|(at, bar)| {
                let height = scaled(bar.value, highest).max(2);
                format!("M{} {}h8v{height}h-8z", at * STEP, HEIGHT - height)
            })
            .collect()
    };
    let usual = usual(&bars);
    let sentence = sentence(told, measure, &bars, usual);
    let width = bars.len() * STEP;
    let is_long = measure == Measure::Length
        && bars.last().is_some_and(|last| {
            last.value > usual.saturating_mul(LONG) && last.value - usual > LONGER_MS
        });
    html! {
        figure.trend {
            h3 { (told.words.say(measure.title())) }
            svg viewBox={ "0 0 " (width) " " (HEIGHT) } width=(width) height=(HEIGHT) role="img" aria-label=(sentence) {
                @for (look, class) in Look::ALL {
                    @let path = path(look);
                    @if !path.is_empty() { path class=(class) d=(path) {} }
                }
            }
            figcaption { @if is_long { span.is-attention { (Tone::Attention.glyph()) } " " } (sentence) }
        }
    }
}

/// An undo or a decision is no measure of what is usual.
fn is_counted(run: &RunView) -> bool {
    run.kind == "synchronize"
}

fn bar(
    told: &Told,
    measure: Measure,
    run: &RunView,
    progress: Option<&ProgressView>,
) -> Option<Bar> {
    let live = progress.filter(|progress| progress.run == run.id);
    let counts = match live {
        Some(live) => live.counts,
        None => moved(run),
    };
    let until = run.closed_ms.unwrap_or(told.now_ms);
    Some(Bar {
        value: match measure {
            Measure::Length => u64::try_from(until.saturating_sub(run.opened_ms)).ok()?,
            Measure::Bytes => counts.bytes,
            Measure::Changes => changes(counts),
        },
        look: match run.outcome {
            Outcome::Open => Look::UnderWay,
            Outcome::Failed | Outcome::Interrupted => Look::Bad,
            _ => Look::Good,
        },
    })
}

/// What a run moved for the item whose runs these are.
pub(crate) fn moved(run: &RunView) -> Counts {
    run.part.unwrap_or(run.counts)
}

/// How many things were changed on either side.
pub(crate) fn changes(counts: Counts) -> u64 {
    counts
        .sent
        .saturating_add(counts.received)
        .saturating_add(counts.deleted)
}

/// A value as a part of the height, whatever its size.
fn scaled(value: u64, highest: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(HEIGHT) / u128::from(highest.max(1));
    u64::try_from(scaled).unwrap_or(HEIGHT)
}

/// The value in the middle of all that ended.
fn usual(bars: &[Bar]) -> u64 {
    let mut values: Vec<u64> = bars
        .iter()
        .filter(|bar| bar.look != Look::UnderWay)
        .map(|bar| bar.value)
        .collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

fn sentence(told: &Told, measure: Measure, bars: &[Bar], usual: u64) -> String {
    let usual = measure.say(told, usual);
    let Some(last) = bars.last() else {
        return usual;
    };
    let now = measure.say(told, last.value);
    let values = [("usual", Value::Text(&usual)), ("now", Value::Text(&now))];
    match last.look {
        Look::UnderWay => told.words.with("trend-now", &values),
        Look::Good | Look::Bad if usual == now => told.words.with("trend-steady", &values[..1]),
        Look::Good | Look::Bad => told.words.with("trend-sentence", &values),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;
    use crate::page::words::{Language, Words};
    use crate::visitor::Visitor;

    fn told(now_ms: i64) -> Told {
        Told {
            words: Words::of(Language::English),
            zone: TimeZone::UTC,
            now_ms,
            visitor: Visitor::owner("a test"),
            back: "/".to_owned(),
        }
    }

    fn run(id: u64, kind: &str, minutes: Option<i64>, part: u64) -> RunView {
        serde_json::from_value(json!({
            "id": id, "handler": "h", "kind": kind, "trigger": "manual", "openedMs": 0,
            "closedMs": minutes.map(|minutes| minutes * 60_000), "outcome": if minutes.is_some() { "succeeded" } else { "open" },
            "counts": { "sent": 1_000, "bytes": 1_000_000 }, "part": { "sent": part, "bytes": part * 1_000 },
            "items": [], "itemCount": 1, "problem": null,
        }))
        .unwrap()
    }

    fn plain(markup: &Markup) -> String {
        markup.0.replace(['\u{2068}', '\u{2069}'], "")
    }

    #[test]
    fn a_run_under_way_is_held_against_what_is_usual() {
        let mut runs = vec![run(4, "synchronize", None, 0)];
        runs.extend((1..4).map(|id| run(id, "synchronize", Some(4), 5)));
        let progress = serde_json::from_value(json!({
            "run": 4, "status": "updating", "text": "", "value": 1, "max": 2, "counts": { "received": 7, "bytes": 2_000 },
        }))
        .unwrap();
        let shown = plain(&trends(&told(38 * 60_000), &runs, Some(&progress)));
        assert!(shown.contains("Usually 4 min, now 38 min."), "{shown}");
        assert!(shown.contains("Usually 5.0 kB, now 2.0 kB."), "{shown}");
        assert!(
            shown.contains("Usually 5 changes, now 7 changes."),
            "{shown}"
        );
        assert!(shown.contains("tone-attention"), "{shown}");
        // Only what is much longer is worth a sign.
        let shown = plain(&trends(&told(5 * 60_000), &runs, None));
        assert!(shown.contains("now 5 min"), "{shown}");
        assert!(!shown.contains("tone-attention"), "{shown}");
    }

    #[test]
    fn what_an_undo_took_is_not_usual() {
        let runs = [
            run(2, "undo", Some(40), 9),
            run(1, "synchronize", Some(4), 3),
        ];
        let shown = plain(&trends(&told(0), &runs, None));
        assert!(
            shown.contains("Usually 4 min, and so the last one."),
            "{shown}"
        );
        assert!(shown.contains("3 changes"), "{shown}");
        assert_eq!(trends(&told(0), &[], None).0, "");
        assert_eq!(trends(&told(0), &runs[..1], None).0, "");
    }

    #[test]
    fn no_number_is_too_large_for_the_picture() {
        assert_eq!(scaled(u64::MAX, u64::MAX), HEIGHT);
        assert_eq!(scaled(0, 0), 0);
    }
}
