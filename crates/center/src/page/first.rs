//! The first screen: is everything in sync, what needs somebody, and every item with what it does and did.

use maud::{Markup, html};
use syncmgr_control::browse::{Browse, PageView, RowView, Sort, WaitView};
use syncmgr_control::method::Access;
use syncmgr_control::view::{ItemView, LogView, NeedView, ProgressView, RunState, RunView, Shown};

use super::frame::waiting;
use super::mark::{self, Tone};
use super::moment::Told;
use super::words::Value;
use super::{address, feed, need, said, setup, steer};

/// Rows of one page.
pub(crate) const ROWS: u32 = 50;
/// Questions that the first screen shows; the inbox has all of them.
pub(crate) const NEEDS: usize = 5;
/// Names that one line lists.
const NAMES: usize = 3;

/// What the first screen is made of.
pub(crate) struct First<'a> {
    pub(crate) page: &'a PageView,
    /// What was chosen.
    pub(crate) chosen: &'a Browse,
    pub(crate) needs: &'a [NeedView],
    /// What was noted and which runs there were, the youngest first.
    pub(crate) log: &'a [LogView],
    pub(crate) runs: &'a [RunView],
}

/// The first screen.
pub(crate) fn first(told: &Told, view: &First<'_>) -> Markup {
    html! {
        (hero(told, view.page))
        (needs(told, view))
        @if view.page.status.total == 0 {
            (setup::guide(told, view.page))
        } @else {
            div.columns {
                section.items aria-labelledby="items-title" {
                    h2 #items-title { (told.words.say("items-title")) }
                    (filter(told, view))
                    (rows(told, view))
                }
                (beside(told, view))
            }
        }
    }
}

/// The parts of it that change by themselves, each with an id of its own.
pub(crate) fn changing(told: &Told, view: &First<'_>) -> Markup {
    html! {
        (hero(told, view.page))
        (needs(told, view))
        @if view.page.status.total == 0 {
            (setup::guide(told, view.page))
        } @else {
            (rows(told, view))
            (beside(told, view))
        }
    }
}

/// The verdict in one sentence, the last good moment and the next one.
fn hero(told: &Told, page: &PageView) -> Markup {
    let words = told.words;
    let tone = hero_tone(page);
    let status = &page.status;
    html! {
        section #hero.hero.{ "is-" (tone.class()) } aria-live="polite" {
            (tone.glyph())
            div.hero-words {
                h1 { (sentence(told, page)) }
                p.hero-line {
                    @if let Some(last) = page.worst.last_good_ms {
                        (words.say("hero-last-good")) " " (told.ago(last))
                    }
                    @if let Some(next) = &status.next {
                        @if page.worst.last_good_ms.is_some() { " · " }
                        (words.say("hero-next")) " " (told.ahead(next.at_ms)) ": "
                        (names(told, &next.names, next.count))
                        @if let Some(held) = &next.held_by {
                            " " span.chip { (said::quoted(told, held, next.held_said.as_ref())) }
                        }
                    }
                }
                @for remark in &status.remarks {
                    p.remark { (said::quoted(told, &remark.text, remark.said.as_ref())) }
                }
                @for problem in &status.problems {
                    p.remark {
                        bdi { (mark::cut(if problem.name.is_empty() { &problem.handler } else { &problem.name })) }
                        ": " (mark::quoted(words, &problem.text))
                    }
                }
            }
            @if status.total > 0 && told.may(Access::Run) {
                form.hero-acts method="post" data-live {
                    (told.form())
                    @if page.worst.busy == 0 {
                        input type="hidden" name="mayBotherUser" value="true";
                        button.primary formaction="/act/sync" { (words.say("act-sync-all")) }
                        " " a.button href="/choose" { (words.say("act-choose")) }
                    } @else {
                        button formaction="/act/stop" { (words.say("act-stop-all")) }
                    }
                }
            }
        }
    }
}

fn hero_tone(page: &PageView) -> Tone {
    if !page.status.problems.is_empty() {
        Tone::Bad
    } else if mark::tone(page.worst.shown) == Tone::Good && page.worst.busy > 0 {
        Tone::Busy
    } else if page.status.remarks.iter().any(|remark| remark.problem) {
        Tone::Attention
    } else {
        mark::tone(page.worst.shown)
    }
}

/// The verdict as the page says it.
fn sentence(told: &Told, page: &PageView) -> String {
    let words = told.words;
    let (worst, status) = (&page.worst, &page.status);
    let about = |id: &'static str| {
        let names = names_text(&worst.names, worst.count);
        let values = [
            ("count", Value::Number(worst.count)),
            ("names", Value::Text(&names)),
        ];
        words.with(id, &values)
    };
    if !status.problems.is_empty() {
        let called: Vec<String> = status
            .problems
            .iter()
            .map(|problem| {
                if problem.name.is_empty() {
                    problem.handler.clone()
                } else {
                    problem.name.clone()
                }
            })
            .collect();
        let count = called.len() as u64;
        let names = names_text(&called, count);
        let values = [
            ("count", Value::Number(count)),
            ("names", Value::Text(&names)),
        ];
        return words.with("hero-handlers", &values);
    }
    if worst.names.is_empty() {
        match worst.shown {
            Shown::NeedsYou => return words.say("hero-question"),
            _ if status.total == 0 => return words.say("hero-empty"),
            Shown::New => return words.say("hero-unasked"),
            _ => {}
        }
    }
    match worst.shown {
        Shown::Failed => about("hero-failed"),
        Shown::NeedsYou => about("hero-needs-you"),
        Shown::Conflicts => about("hero-conflicts"),
        Shown::Late => about("hero-late"),
        Shown::Disconnected => about("hero-disconnected"),
        Shown::Unfinished => about("hero-unfinished"),
        Shown::New => about("hero-new"),
        Shown::Pending | Shown::Syncing | Shown::Stopping => words.say("hero-busy"),
        Shown::Paused | Shown::NotSetUp | Shown::Disabled | Shown::Fresh => match worst.held {
            0 if worst.busy > 0 => words.say("hero-busy"),
            0 if worst.by_name > 0 => words.say("hero-fresh-ticked"),
            0 => words.say("hero-fresh"),
            held if held == status.total => words.say("hero-all-held"),
            held => words.count("hero-fresh-held", held),
        },
    }
}

fn names_text(names: &[String], count: u64) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(NAMES)
        .map(|name| mark::cut(name))
        .collect();
    let more = if count > shown.len() as u64 {
        ", …"
    } else {
        ""
    };
    format!("{}{more}", shown.join(", "))
}

/// Names of items, the first few and how many more.
fn names(told: &Told, names: &[String], count: u64) -> Markup {
    let shown = names.len().min(NAMES);
    let more = count.saturating_sub(shown as u64);
    html! {
        @for (at, name) in names.iter().take(NAMES).enumerate() {
            @if at > 0 { ", " }
            (mark::short(name))
        }
        @if more > 0 { " " (told.words.count("and-more", more)) }
    }
}

/// What waits for a decision; nothing at all while nothing does.
fn needs(told: &Told, view: &First<'_>) -> Markup {
    let count = waiting(view.page);
    let words = told.words;
    html! {
        section #needs hidden[count == 0] aria-labelledby="needs-title" {
            h2 #needs-title { (words.count("needs-title", count)) }
            ul.cards {
                @for asked in view.needs.iter().take(NEEDS) {
                    (need::card(told, asked))
                }
            }
            @if view.page.status.conflicts > 0 {
                p { a href="/inbox#conflicts" { (words.count("needs-conflicts", view.page.status.conflicts)) } }
            }
            @if view.page.status.needs > NEEDS as u64 {
                p { a href="/inbox" { (words.count("needs-more", view.page.status.needs - NEEDS as u64)) } }
            }
        }
    }
}

/// Which items and in which order.
fn filter(told: &Told, view: &First<'_>) -> Markup {
    let words = told.words;
    let chosen = view.chosen;
    let page = view.page;
    html! {
        form.filter method="get" action="/" role="search" aria-label=(words.say("filter-label")) {
            label { span { (words.say("filter-text")) }
                input type="search" name="text" value=[chosen.text.as_deref()] autocomplete="off" maxlength="200"; }
            label { span { (words.say("filter-state")) }
                select name="shown" {
                    option value="" { (words.say("filter-any")) }
                    @for group in &page.groups {
                        option value=(mark::state_name(group.shown)) selected[chosen.shown == Some(group.shown)] {
                            (mark::state_word(words, group.shown)) " (" (group.count) ")"
                        }
                    }
                    @if let Some(shown) = chosen.shown && page.groups.iter().all(|group| group.shown != shown) {
                        option value=(mark::state_name(shown)) selected { (mark::state_word(words, shown)) " (0)" }
                    }
                } }
            @if !page.labels.is_empty() || chosen.label.is_some() {
                label { span { (words.say("filter-by-label")) }
                    select name="label" {
                        option value="" { (words.say("filter-any")) }
                        @for label in &page.labels {
                            option value=(label) selected[chosen.label.as_deref() == Some(label)] { (mark::cut(label)) }
                        }
                    } }
            }
            @if page.handlers.len() > 1 || chosen.handler.is_some() {
                label { span { (words.say("filter-handler")) }
                    select name="handler" {
                        option value="" { (words.say("filter-any")) }
                        @for handler in &page.handlers {
                            option value=(handler.id) selected[chosen.handler.as_deref() == Some(&handler.id)] {
                                (mark::cut(&handler.name))
                            }
                        }
                    } }
            }
            label { span { (words.say("filter-sort")) }
                select name="sort" {
                    @for (sort, name, id) in [
                        (Sort::Worst, "worst", "sort-worst"),
                        (Sort::Name, "name", "sort-name"),
                        (Sort::Handler, "handler", "sort-handler"),
                        (Sort::Oldest, "oldest", "sort-oldest"),
                    ] {
                        option value=(name) selected[chosen.sort == sort] { (words.say(id)) }
                    }
                } }
            button { (words.say("filter-go")) }
        }
    }
}

/// The items of this page.
fn rows(told: &Told, view: &First<'_>) -> Markup {
    let words = told.words;
    let page = view.page;
    html! {
        div #rows {
            @if page.rows.is_empty() {
                p.empty { (words.say("rows-none")) " " a href="/" { (words.say("rows-all")) } }
            }
            ul #row-list.rows data-keyed {
                @for row in &page.rows { (item_row(told, row)) }
            }
            (pager(told, view))
            @if told.may(Access::Admin) { p.below { a href="/handlers#pair-title" { (words.say("rows-add")) } } }
        }
    }
}

fn item_row(told: &Told, row: &RowView) -> Markup {
    let words = told.words;
    let item = &row.item;
    let full = address::full_name(item);
    html! {
        li.row #(address::element("row", &full)) {
            div.row-state { (mark::state(words, item.shown)) }
            div.row-name {
                a href=(address::item(&full)) { (mark::short(&item.name)) }
                span.row-about { (mark::short(&item.handler_name)) @if !item.comment.is_empty() { " · " (mark::quoted(words, &item.comment)) }
                    @if item.properties && told.may(Access::Admin) {
                        " · " a href=(address::properties(&full)) aria-label=(words.with("row-properties-label", &[("name", Value::Text(&mark::cut(&item.name)))])) {
                            (words.say("properties-title"))
                        }
                    }
                }
                @if item.run_state == RunState::Idle {
                    @if let Some(problem) = item.problem.as_ref().or(item.stuck.as_ref()).or(item.late.as_ref()) {
                        span.row-problem { (said::quoted(told, problem, item.problem_said.as_ref())) }
                    }
                } @else { (progress(told, item)) }
            }
            dl.row-times {
                div { dt { (words.say("row-last-good")) } dd {
                    @match item.last_good_ms {
                        Some(at) => (told.ago(at)),
                        None => (words.say("never")),
                    } } }
                div { dt { (words.say("row-next")) } dd {
                    @if let Some(waits) = &row.waits {
                        span.chip { (why(told, waits)) }
                    } @else if let Some(at) = row.next_ms.filter(|_| !matches!(item.shown, Shown::Paused | Shown::Disabled)) {
                        (told.ahead(at))
                    } @else { span.faint { "–" } }
                } }
            }
            (mark::strip(words, &row.strip))
            (steer::buttons(told, item))
        }
    }
}

/// What something waits for, and since when, as a chip says it.
fn why(told: &Told, waits: &WaitView) -> Markup {
    let what = said::text(told, &waits.text, waits.said.as_ref());
    let since = told.clock_text(waits.since_ms);
    let values = [("what", Value::Text(&what)), ("since", Value::Text(&since))];
    html! { (told.words.with("row-waits", &values)) }
}

/// How far an item is.
pub(crate) fn progress(told: &Told, item: &ItemView) -> Markup {
    html! { @if let Some(progress) = &item.progress { (progress_of(told, &item.name, progress)) } }
}

/// The same of something that is called so.
pub(crate) fn progress_of(told: &Told, name: &str, progress: &ProgressView) -> Markup {
    let label = told
        .words
        .with("progress-label", &[("name", Value::Text(&mark::cut(name)))]);
    html! {
        span.row-progress {
            @if progress.max > 0 {
                progress max=(progress.max) value=(progress.value.min(progress.max)) aria-label=(label) {}
            } @else {
                progress aria-label=(label) {}
            }
            " " (mark::quoted(told.words, &progress.text))
        }
    }
}

fn pager(told: &Told, view: &First<'_>) -> Markup {
    let (words, page, chosen) = (told.words, view.page, view.chosen);
    let from = u64::from(chosen.offset);
    let to = from + page.rows.len() as u64;
    if page.matching <= u64::from(chosen.limit) && from == 0 {
        return html! {};
    }
    let values = [
        ("from", Value::Number(from + 1)),
        ("to", Value::Number(to)),
        ("total", Value::Number(page.matching)),
    ];
    html! {
        nav.pager aria-label=(words.say("pager-label")) {
            @if from > 0 {
                a rel="prev" href=(first_address(chosen, chosen.offset.saturating_sub(ROWS))) { (words.say("pager-back")) }
            }
            @if to > from { span { (words.with("pager-range", &values)) } }
            @if to < page.matching {
                a rel="next" href=(first_address(chosen, chosen.offset.saturating_add(ROWS))) { (words.say("pager-on")) }
            }
        }
    }
}

/// The first screen with these items.
pub(crate) fn first_address(chosen: &Browse, offset: u32) -> String {
    let query = chosen_query(chosen, offset);
    if query.is_empty() {
        "/".to_owned()
    } else {
        format!("/?{query}")
    }
}

/// What was chosen, as a query.
pub(crate) fn chosen_query(chosen: &Browse, offset: u32) -> String {
    let mut parts = Vec::new();
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            parts.push(format!("{name}={}", address::encoded(value)));
        }
    };
    add("text", chosen.text.as_deref());
    add("shown", chosen.shown.map(mark::state_name));
    add("label", chosen.label.as_deref());
    add("handler", chosen.handler.as_deref());
    let sort = match chosen.sort {
        Sort::Worst => None,
        Sort::Name => Some("name"),
        Sort::Handler => Some("handler"),
        Sort::Oldest => Some("oldest"),
    };
    add("sort", sort);
    if offset > 0 {
        parts.push(format!("offset={offset}"));
    }
    parts.join("&")
}

/// What happens now, what comes next, and what was told last.
fn beside(told: &Told, view: &First<'_>) -> Markup {
    let words = told.words;
    let page = view.page;
    html! {
        aside #beside aria-label=(words.say("beside-label")) {
            section {
                h2 { (words.say("now-title")) }
                @if page.at_work.is_empty() { p.empty { (words.say("now-none")) } }
                ul.plain {
                    @for item in &page.at_work {
                        li {
                            a href=(address::item(&address::full_name(item))) { (mark::short(&item.name)) }
                            (progress(told, item))
                        }
                    }
                }
            }
            section {
                h2 { (words.say("next-title")) }
                @if page.upcoming.is_empty() {
                    p.empty { (words.say(if page.status.daemon { "next-none" } else { "next-no-daemon" })) }
                }
                ul.plain {
                    @for next in &page.upcoming {
                        li {
                            (told.clock(next.at_ms)) " " (names(told, &next.names, next.count))
                            @if let Some(held) = &next.held_by { " " span.chip { (said::quoted(told, held, next.held_said.as_ref())) } }
                        }
                    }
                }
                p { a href="/timetable" { (words.say("next-all")) } }
            }
            section {
                h2 { (words.say("feed-title")) }
                (feed::feed(told, view.log, view.runs))
                p { a href="/log" { (words.say("feed-all")) } }
            }
        }
    }
}
