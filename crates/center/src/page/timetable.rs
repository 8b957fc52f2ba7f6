//! What ran in the last 24 hours, and what starts in the next ones.

use maud::{Markup, html};
use syncmgr_control::view::{Forecast, ForecastView, Outcome, RunView};

use super::moment::Told;
use super::words::Value;
use super::{address, mark, said};

/// How far back and ahead.
pub(crate) const SPAN_MS: i64 = 24 * 3_600_000;
/// Runs that are looked at.
pub(crate) const RUNS: u32 = 500;
/// Runs beside one another that the picture has room for.
const LANES: usize = 8;
/// Width of a span in the picture.
const WIDTH: i64 = 480;
const LANE_HEIGHT: usize = 10;
/// Starts that are listed.
const LISTED: usize = 200;

/// The timetable; runs come newest first.
pub(crate) fn timetable(told: &Told, runs: &[RunView], forecast: &Forecast) -> Markup {
    let words = told.words;
    let from = told.now_ms.saturating_sub(SPAN_MS);
    let past: Vec<&RunView> = runs.iter().filter(|run| end(told, run) >= from).collect();
    html! {
        div #timetable {
            h1 { (words.say("nav-timetable")) }
            (picture(told, &past, forecast))
            div.halves {
                section aria-labelledby="past-title" {
                    h2 #past-title { (words.say("timetable-past")) }
                    @if past.is_empty() { p.empty { (words.say("timetable-past-none")) } }
                    ul.plain { @for run in &past { (one_run(told, run)) } }
                }
                section aria-labelledby="ahead-title" {
                    h2 #ahead-title { (words.say("timetable-ahead")) }
                    @if forecast.starts.is_empty() { p.empty { (words.say("next-none")) } }
                    ul.plain { @for start in forecast.starts.iter().take(LISTED) { (one_start(told, start)) } }
                    @if let Some(cut) = forecast.cut_ms {
                        @let at = told.clock_text(cut);
                        p.faint { (words.with("timetable-cut", &[("at", Value::Text(&at))])) }
                    }
                }
            }
        }
    }
}

fn end(told: &Told, run: &RunView) -> i64 {
    run.closed_ms.unwrap_or(told.now_ms)
}

fn one_run(told: &Told, run: &RunView) -> Markup {
    let words = told.words;
    let took = u64::try_from(end(told, run).saturating_sub(run.opened_ms)).unwrap_or(0);
    html! {
        li { (told.clock(run.opened_ms)) " " a href=(address::run(run.id)) {
                @match run.items.first() { Some(name) => (mark::short(name)), None => (words.count("run-number", run.id)) } }
            @if run.item_count > 1 { " " (words.count("and-more", run.item_count - 1)) }
            " " (mark::outcome(words, run.outcome)) " " span.faint { (told.length(took)) } }
    }
}

fn one_start(told: &Told, start: &ForecastView) -> Markup {
    let name = format!("{}/{}", start.handler, start.item);
    html! {
        li { (told.clock(start.coming.at_ms)) " " a href=(address::item(&name)) { (mark::short(&start.name)) }
            @if let Some(rule) = start.coming.rule.as_ref().filter(|rule| **rule != start.name) { " " span.faint { (mark::short(rule)) } }
            @if let Some(held) = &start.coming.held_by { " " span.chip { (said::quoted(told, held, start.coming.held_said.as_ref())) } } }
    }
}

/// The same as a picture: the past on the left, runs that overlap above one another, coming starts on the right. What it
/// shows is in the lists below it.
fn picture(told: &Told, runs: &[&RunView], forecast: &Forecast) -> Markup {
    let from = told.now_ms.saturating_sub(SPAN_MS);
    let place = |at_ms: i64| -> i64 {
        let at_ms = at_ms.clamp(from, told.now_ms.saturating_add(SPAN_MS));
        at_ms.saturating_sub(from) * WIDTH / SPAN_MS
    };
    let mut free_from: Vec<i64> = Vec::new();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for run in runs.iter().rev() {
        let (left, right) = (
            place(run.opened_ms),
            place(end(told, run)).max(place(run.opened_ms) + 2),
        );
        let free = free_from.iter().position(|free| *free <= left);
        let lane = match free {
            Some(lane) => {
                free_from[lane] = right;
                lane
            }
            None if free_from.len() < LANES => {
                free_from.push(right);
                free_from.len() - 1
            }
            None => continue,
        };
        let is_bad = matches!(run.outcome, Outcome::Failed | Outcome::Interrupted);
        let path = if is_bad { &mut bad } else { &mut good };
        let top = lane * LANE_HEIGHT;
        path.push(format!(
            "M{left} {top}h{}v8h-{}z",
            right - left,
            right - left
        ));
    }
    let height = free_from.len().max(2) * LANE_HEIGHT;
    let ticks: String = forecast
        .starts
        .iter()
        .take(LISTED)
        .map(|start| format!("M{} 0v{height}", place(start.coming.at_ms)))
        .collect();
    let hours = (0..=8).map(|step| from.saturating_add(step * SPAN_MS / 4));
    html! {
        svg.timetable viewBox={ "0 -2 " (2 * WIDTH) " " (height + 20) } aria-hidden="true" {
            path.now d={ "M" (WIDTH) " -2v" (height + 4) } {}
            @if !good.is_empty() { path.fill-good d=(good.concat()) {} }
            @if !bad.is_empty() { path.fill-bad d=(bad.concat()) {} }
            @if !ticks.is_empty() { path.tick d=(ticks) {} }
            @for at in hours {
                text x=(place(at).clamp(14, 2 * WIDTH - 14)) y=(height + 15) text-anchor="middle" { (told.hour(at)) }
            }
        }
    }
}
