//! What was started, while it goes on and when it is over: one line, one bar, each item with its own, and the results
//! (mobsync 4.2).

use maud::{Markup, html};
use syncmgr_control::method::Access;
use syncmgr_control::view::{
    ItemStatus, Level, LogView, Outcome, RequestState, RunDetail, RunItemView,
};

use super::moment::Told;
use super::words::Value;
use super::{address, first, log, mark, sides, undo};

/// Most runs of one request that are shown.
pub(crate) const RUNS: usize = 20;
/// Most items that are shown one by one; those at work and those that went wrong come first.
const ROWS: usize = 200;
/// Parts of an item's share in the overall bar.
const SHARE: u64 = 1_000;
/// How long after the end a view that need not stay open closes by itself (mobsync 4.2).
const CLOSES_AFTER_MS: u32 = 3_000;

/// What the screen is made of.
pub(crate) struct Progress<'a> {
    pub(crate) request: u64,
    pub(crate) state: &'a RequestState,
    pub(crate) runs: &'a [RunDetail],
    /// It was opened by starting it here.
    pub(crate) begun: bool,
    /// It stays when it is over.
    pub(crate) keep_open: bool,
}

/// An item in a run.
type Row<'a> = (&'a RunDetail, &'a RunItemView);

impl<'a> Progress<'a> {
    fn is_over(&self) -> bool {
        self.state.outcome != Outcome::Open
    }

    fn rows(&self) -> impl Iterator<Item = Row<'a>> {
        self.runs
            .iter()
            .flat_map(|run| run.items.iter().map(move |item| (run, item)))
    }

    fn results(&self) -> Vec<LogView> {
        let mut all: Vec<LogView> = self.runs.iter().flat_map(|run| run.log.clone()).collect();
        all.sort_by_key(|entry| entry.id);
        all
    }

    /// Nothing was wrong that a person should read (M-174).
    fn is_clean(&self) -> bool {
        let log = self.runs.iter().flat_map(|run| &run.log);
        log.into_iter()
            .all(|entry| entry.level == Level::Information)
            && matches!(
                self.state.outcome,
                Outcome::Nothing | Outcome::Succeeded | Outcome::Open
            )
    }

    /// How far all of it is, and how far it goes; nothing while nobody knows.
    fn overall(&self) -> Option<(u64, u64)> {
        let mut all = (0_u64, 0_u64);
        let mut known = false;
        for (_, item) in self.rows() {
            let share = share(item);
            known |= share.is_some();
            all.0 = all.0.saturating_add(share.unwrap_or(0));
            all.1 = all.1.saturating_add(SHARE);
        }
        (known && all.1 > 0).then_some(all)
    }
}

/// How much of its share an item did; nothing where nobody knows.
fn share(item: &RunItemView) -> Option<u64> {
    if is_terminal(status(item)) {
        return Some(SHARE);
    }
    let progress = item.progress.as_ref()?;
    let done = u128::from(progress.value.min(progress.max)) * u128::from(SHARE);
    let share = done.checked_div(u128::from(progress.max))?;
    u64::try_from(share).ok()
}

fn status(item: &RunItemView) -> ItemStatus {
    item.progress
        .as_ref()
        .map_or(item.status, |progress| progress.status)
}

fn is_terminal(status: ItemStatus) -> bool {
    !matches!(
        status,
        ItemStatus::Pending
            | ItemStatus::Updating
            | ItemStatus::UpdatingIndeterminate
            | ItemStatus::Paused
            | ItemStatus::Resuming
    )
}

/// What is looked at first.
fn rank(status: ItemStatus) -> u8 {
    match status {
        ItemStatus::Failed | ItemStatus::Disconnected | ItemStatus::Held => 0,
        ItemStatus::Updating
        | ItemStatus::UpdatingIndeterminate
        | ItemStatus::Paused
        | ItemStatus::Resuming => 1,
        ItemStatus::Pending => 2,
        ItemStatus::Stopped | ItemStatus::Skipped | ItemStatus::Deleted => 3,
        ItemStatus::Succeeded => 4,
    }
}

/// The screen; after the end of what went wrong the results are in front.
pub(crate) fn progress(told: &Told, view: &Progress<'_>) -> Markup {
    html! {
        (head(told, view))
        div #progress-parts.progress-parts.results-first[view.is_over() && !view.is_clean()] {
            (items(told, view))
            @if view.is_over() { @for run in view.runs { (undo::one(told, &run.run)) } }
            (results(told, view))
        }
    }
}

fn head(told: &Told, view: &Progress<'_>) -> Markup {
    let words = told.words;
    let over = view.is_over();
    html! {
        section #progress.card {
            h1 { (words.say("progress-title")) }
            p.progress-line aria-live="polite" { (line(told, view)) }
            p {
                @match view.overall() {
                    _ if over => {},
                    Some((value, max)) => progress.overall max=(max) value=(value) aria-label=(words.say("progress-overall")) {},
                    None => progress.overall aria-label=(words.say("progress-overall")) {},
                }
            }
            div.answers {
                @if over {
                    @let closes = view.begun && !view.keep_open && view.is_clean();
                    a.button #progress-close href="/" data-closes=[closes.then_some(CLOSES_AFTER_MS)] { (words.say("progress-close")) }
                } @else if told.may(Access::Run) {
                    form method="post" action="/act/stop" data-live {
                        (told.form())
                        input type="hidden" name="request" value=(view.request);
                        button { (words.say("act-stop")) }
                    }
                }
                form method="post" action="/keep-open" data-live {
                    (told.form())
                    input type="hidden" name="keep" value=(!view.keep_open);
                    button aria-pressed=(view.keep_open) { (words.say("progress-keep")) }
                }
            }
        }
    }
}

/// What goes on now, or how it ended.
fn line(told: &Told, view: &Progress<'_>) -> Markup {
    let words = told.words;
    if view.is_over() {
        return html! { (mark::outcome(words, view.state.outcome)) };
    }
    if let Some(waits) = &view.state.waits {
        return html! { (mark::quoted(words, waits)) };
    }
    let at_work = view.rows().find_map(|(_, item)| {
        let progress = item.progress.as_ref()?;
        (!is_terminal(progress.status)).then_some((item, progress))
    });
    html! {
        @match at_work {
            Some((item, progress)) => { (mark::short(&item.name)) " " (mark::quoted(words, &progress.text)) },
            None => (words.say("progress-begins")),
        }
    }
}

fn items(told: &Told, view: &Progress<'_>) -> Markup {
    let words = told.words;
    let mut rows: Vec<Row<'_>> = view.rows().collect();
    // Each stays where it was among those that are as they are.
    rows.sort_by_key(|(_, item)| rank(status(item)));
    let more = rows.len().saturating_sub(ROWS) as u64;
    html! {
        section #progress-items.card {
            h2 { (words.say("progress-items")) }
            @if rows.is_empty() { p.empty { (words.say("progress-none")) } }
            ul.entries { @for row in rows.iter().take(ROWS) { (one(told, *row)) } }
            @if more > 0 { p.faint { (words.count("and-more", more)) } }
        }
    }
}

fn one(told: &Told, (run, item): Row<'_>) -> Markup {
    let words = told.words;
    let full = format!("{}/{}", run.run.handler, item.item);
    let called = mark::cut(&item.name);
    html! {
        li.entry {
            span.entry-level { (mark::item_status(words, status(item))) }
            div {
                p { a href=(address::item(&full)) { (mark::short(&item.name)) } " "
                    @if item.progress.is_none() { (mark::quoted(words, &item.text)) } }
                @if let Some(progress) = &item.progress {
                    (first::progress_of(told, &item.name, progress))
                    (sides::line(told, progress.counts))
                } @else { (sides::line(told, item.counts)) }
            }
            @if !is_terminal(status(item)) && told.may(Access::Run) {
                form method="post" action="/act/skip" data-live {
                    (told.form())
                    input type="hidden" name="name" value=(full);
                    // While a window of the handler's is open, only stopping works (M-119).
                    @if run.window { p.faint { (words.say("progress-window")) } }
                    button disabled[run.window] aria-label=(words.with("act-skip-label", &[("name", Value::Text(&called))])) {
                        (words.say("act-skip"))
                    }
                }
            }
        }
    }
}

fn results(told: &Told, view: &Progress<'_>) -> Markup {
    let words = told.words;
    html! {
        section #progress-results.card {
            h2 { (words.say("progress-results")) }
            @for run in view.runs {
                @if let Some(problem) = &run.run.problem { p.row-problem { (mark::quoted(words, problem)) } }
            }
            (log::tail(told, "progress-log", &view.results()))
            p { @for run in view.runs { a href=(address::run(run.run.id)) { (words.count("run-number", run.run.id)) } " " } }
        }
    }
}
