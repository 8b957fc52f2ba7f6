//! How long the runs of an item took, as a small picture with a sentence.

use maud::{Markup, html};
use syncmgr_control::view::{Outcome, RunView};

use super::moment::Told;
use super::words::Value;

const HEIGHT: u64 = 60;
const STEP: usize = 10;

/// The trend; the youngest run at its right end.
pub(crate) fn trend(told: &Told, runs: &[RunView]) -> Markup {
    let lengths: Vec<(u64, bool)> = runs
        .iter()
        .rev()
        .filter_map(|run| Some((length(run)?, is_bad(run))))
        .collect();
    let (Some(usual), Some(longest)) = (usual(runs), lengths.iter().map(|(ms, _)| *ms).max())
    else {
        return html! {};
    };
    let bars = |bad: bool| -> String {
        let of_kind = lengths.iter().enumerate().filter(|(_, (_, is))| *is == bad);
        of_kind
            .map(|(at, (ms, _))| {
                let height = (ms * HEIGHT).checked_div(longest).unwrap_or(0).max(2);
                format!("M{} {}h8v{height}h-8z", at * STEP, HEIGHT - height)
            })
            .collect()
    };
    let (good, bad) = (bars(false), bars(true));
    let sentence = sentence(told, runs, usual);
    let width = lengths.len() * STEP;
    html! {
        figure.trend {
            svg viewBox={ "0 0 " (width) " " (HEIGHT) } width=(width) height=(HEIGHT) role="img" aria-label=(sentence) {
                @if !good.is_empty() { path.fill-busy d=(good) {} }
                @if !bad.is_empty() { path.fill-bad d=(bad) {} }
            }
            figcaption { (sentence) }
        }
    }
}

fn length(run: &RunView) -> Option<u64> {
    u64::try_from(run.closed_ms?.saturating_sub(run.opened_ms)).ok()
}

fn is_bad(run: &RunView) -> bool {
    matches!(run.outcome, Outcome::Failed | Outcome::Interrupted)
}

/// The length in the middle of all that ended.
fn usual(runs: &[RunView]) -> Option<u64> {
    let mut lengths: Vec<u64> = runs.iter().filter_map(length).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied()
}

fn sentence(told: &Told, runs: &[RunView], usual: u64) -> String {
    let now = runs.first().map(|run| {
        length(run).unwrap_or_else(|| {
            u64::try_from(told.now_ms.saturating_sub(run.opened_ms)).unwrap_or(0)
        })
    });
    let (usual, now) = (told.length(usual), told.length(now.unwrap_or(0)));
    if usual == now {
        return told
            .words
            .with("trend-steady", &[("usual", Value::Text(&usual))]);
    }
    let values = [("usual", Value::Text(&usual)), ("now", Value::Text(&now))];
    told.words.with("trend-sentence", &values)
}
