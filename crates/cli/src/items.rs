//! What is: the verdict, and the items.

use syncmgr_control::report::REPORTS;
use syncmgr_control::view::{
    ConditionView, HandlerProblemView, HandlerView, HeldView, ItemView, NextView, ReasonView,
    RunState, Shown, Standing, StatusView, VerdictView,
};
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::history::runs_table;
use crate::look::{Look, Mark};
use crate::question::{need_lines, word};
use crate::register::{handler, handler_label};
use crate::schedule::held_by;
use crate::table::{Cell, Table};
use crate::talk::{Talk, Verdict, ask, unexpected};
use crate::text::{harmless, harmless_lines, pad, width};
use crate::when;

/// So many coming starts `why` tells.
const COMING: usize = 5;
/// So many times that it was held back `why` tells.
const HELD: usize = 5;

/// What the settings of policies are called; others by their keys.
const POLICIES: [(&str, &str); 11] = [
    ("time_limit", "time limit"),
    ("no_progress", "no progress for"),
    ("stuck_after", "stuck after"),
    ("fresh_within", "fresh within"),
    ("keep_awake", "keeps awake"),
    ("before", "before a run"),
    ("after", "after a run"),
    ("failed", "after a failure"),
    ("hook_limit", "time for each of these"),
    ("notices", "notices of"),
    ("parallel", "sessions at once"),
];

/// `status`
pub(crate) async fn status(talk: &mut Talk) -> Result<Verdict, Refusal> {
    let status = ask!(talk, Request::Status, Reply::Status(status) => status);
    for item in &status.items {
        talk.screen.object(item);
    }
    let lines = status_lines(&status, talk);
    talk.screen.lines(lines);
    let verdict = &status.verdict;
    Ok(Verdict {
        sentence: verdict.sentence.clone(),
        suggestion: verdict.suggestion.clone(),
        exit: verdict.exit,
        passed_on: None,
        plain: true,
        more: serde_json::Map::new(),
    }
    .with("items", status.total)
    .with("needs", status.needs)
    .with("conflicts", status.conflicts)
    .with("running", status.running)
    .with("daemon", status.daemon)
    .with("problems", as_json(&status.problems))
    .with("unasked", status.unasked)
    .with("empty", status.empty)
    .with("remarks", as_json(&status.remarks)))
}

fn status_lines(status: &StatusView, talk: &Talk) -> Vec<String> {
    let look = &talk.screen.look;
    let verdict = &status.verdict;
    let mut lines = vec![hero(verdict, look, talk.now())];
    let loud = status.remarks.iter().filter(|remark| remark.problem);
    let calm = status.remarks.iter().filter(|remark| !remark.problem);
    for remark in loud.chain(calm.filter(|_| !talk.screen.quiet())) {
        let mark = if remark.problem {
            Mark::Warning
        } else {
            Mark::Off
        };
        let text = format!("{}: {}", harmless(&remark.about), harmless(&remark.text));
        // What the verdict says itself needs no saying twice.
        if !verdict.sentence.contains(&remark.text) {
            lines.push(format!("{} {text}", look.mark(mark)));
        }
        lines.extend(
            remark
                .hint
                .iter()
                .map(|hint| format!("    {}", harmless(hint))),
        );
    }
    if talk.screen.quiet() {
        return lines;
    }
    let problems = problem_lines(status, look, talk.now());
    let handlers = status.problems.len() + status.unasked.len() + status.empty.len();
    if status.total == 0 && (handlers > 0 || status.needs > 0) {
        lines.extend(problems);
        if let Some(suggestion) = &verdict.suggestion {
            lines.push(String::new());
            lines.push(format!("Next: {}", look.bold(&harmless(suggestion))));
        }
        return lines;
    }
    if status.total == 0 {
        lines.push("  Begin with two folders, which are remembered as a pair:".to_owned());
        lines.push(format!(
            "    {}",
            look.bold("syncmgr sync ~/Documents /mnt/usb/Documents")
        ));
        return lines;
    }
    let mut table = Table::new(&["ITEM", "STATE", "LAST GOOD", "WHY"]);
    for item in &status.items {
        table.row(vec![
            Cell::new(&item.name),
            state_cell(item, look),
            last_good_cell(item, talk.now()),
            Cell::new(next(item)),
        ]);
    }
    lines.push(String::new());
    lines.extend(table.lines(look));
    let shown = u64::try_from(status.items.len()).unwrap_or(u64::MAX);
    if status.total > shown {
        lines.push(look.dim(&format!("and {} more: syncmgr list", status.total - shown)));
    }
    if !problems.is_empty() {
        lines.push(String::new());
        lines.extend(problems);
    }
    let mut open = Vec::new();
    if status.needs > 0 {
        open.push(format!(
            "{}: syncmgr needs",
            when::count(status.needs, "open question")
        ));
    }
    if status.conflicts > 0 {
        open.push(format!(
            "{}: syncmgr conflicts",
            when::count(status.conflicts, "open conflict")
        ));
    }
    let suggestion = verdict
        .suggestion
        .as_ref()
        .filter(|suggestion| !open.iter().any(|line| line.ends_with(suggestion.as_str())));
    if let Some(next) = &status.next {
        lines.push(look.dim(&next_line(next, talk.now())));
    }
    if !open.is_empty() || suggestion.is_some() {
        lines.push(String::new());
    }
    lines.extend(open);
    if let Some(suggestion) = suggestion {
        lines.push(format!("Next: {}", look.bold(&harmless(suggestion))));
    }
    lines
}

/// The verdict in a sentence, and as of when.
pub(crate) fn hero(verdict: &VerdictView, look: &Look, now_ms: i64) -> String {
    format!(
        "{} {}{}",
        look.mark(Mark::of_exit(verdict.exit)),
        look.bold(&harmless(&verdict.sentence)),
        verdict.as_of_ms.map_or_else(String::new, |at_ms| {
            format!(" As of the last run, {}.", when::ago(at_ms, now_ms))
        })
    )
}

/// What starts by itself next.
pub(crate) fn next_line(next: &NextView, now_ms: i64) -> String {
    let more = next.count.saturating_sub(next.names.len() as u64);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!(
        "{} {} {}: {}{more}{}",
        harmless(&next.rule),
        if next.held_by.is_some() {
            "would start"
        } else {
            "starts"
        },
        when::ahead(next.at_ms, now_ms),
        harmless(&next.names.join(", ")),
        next.held_by
            .as_ref()
            .map_or_else(String::new, |held| format!("; but {}", harmless(held)))
    )
}

/// As the command's JSON has it.
fn as_json<T: serde::Serialize>(rows: &[T]) -> serde_json::Value {
    serde_json::to_value(rows).unwrap_or_default()
}

/// Handlers of which no item tells what is wrong.
fn problem_lines(status: &StatusView, look: &Look, now_ms: i64) -> Vec<String> {
    let mut lines = Vec::new();
    for problem in &status.problems {
        // Of one, the verdict says why.
        let why = if status.problems.len() > 1 {
            let text = harmless(&problem.text);
            format!(": it {}: {text}", problem.step.phrase())
        } else {
            String::new()
        };
        let line = format!(
            "{} handler {} failed {}{why}",
            look.mark(Mark::Failed),
            harmless(handler_label(&problem.handler, &problem.name)),
            how_often(problem, now_ms)
        );
        lines.push(line);
    }
    for id in &status.unasked {
        lines.push(format!(
            "{} handler {} was never asked what it synchronizes: syncmgr sync {}",
            look.mark(Mark::Waiting),
            harmless(id),
            word(id)
        ));
    }
    lines
}

/// How often a handler failed in a row, and since when.
pub(crate) fn how_often(problem: &HandlerProblemView, now_ms: i64) -> String {
    match problem.times {
        0 | 1 => format!("once, {}", when::ago(problem.last_ms, now_ms)),
        times => format!(
            "{times} times in a row, first {}, last {}",
            when::ago(problem.since_ms, now_ms),
            when::ago(problem.last_ms, now_ms)
        ),
    }
}

pub(crate) fn state_cell(item: &ItemView, look: &Look) -> Cell {
    let mark = Mark::of_shown(item.shown);
    Cell::new(format!("{} {}", look.glyph(mark), state(item))).marked(mark)
}

/// The state in a word or two: of a failure, the reason stands beside it.
pub(crate) fn state(item: &ItemView) -> &str {
    if item.stuck.is_some() && matches!(item.shown, Shown::Failed | Shown::Unfinished) {
        "stuck"
    } else if item.shown == Shown::Failed {
        "failed"
    } else {
        &item.state
    }
}

pub(crate) fn last_good_cell(item: &ItemView, now_ms: i64) -> Cell {
    match item.last_good_ms {
        Some(then_ms) => Cell::new(when::ago(then_ms, now_ms)),
        None => Cell::new("never").marked(Mark::Waiting),
    }
}

/// Why an item is as it is, or what it does now.
pub(crate) fn next(item: &ItemView) -> String {
    if let (Some(progress), RunState::Syncing | RunState::Stopping) =
        (&item.progress, item.run_state)
    {
        return if progress.max > 0 {
            format!("{}/{} {}", progress.value, progress.max, progress.text)
        } else {
            progress.text.clone()
        };
    }
    if let Some(stuck) = &item.stuck {
        let help = match item.needs.as_slice() {
            [] => item.problem.clone().unwrap_or_default(),
            [need] => format!("syncmgr answer {need}"),
            _ => "syncmgr needs".to_owned(),
        };
        return format!("{stuck}; {help}");
    }
    if let (Some(late), Shown::Late) = (&item.late, item.shown) {
        return late.clone();
    }
    match (item.needs.as_slice(), &item.problem) {
        ([need], _) => format!("syncmgr answer {need}"),
        ([_, ..], _) => format!("{} questions: syncmgr needs", item.needs.len()),
        ([], Some(problem)) => problem.clone(),
        ([], None) if item.shown == Shown::Failed && item.state != state(item) => {
            item.state.clone()
        }
        ([], None) if item.conflicts > 0 => when::count(item.conflicts, "conflict"),
        ([], None) => String::new(),
    }
}

/// The handlers that ask to be listed although they have no items (M-59); hidden ones only when all are wanted (M-60).
async fn without_items(talk: &mut Talk, hidden: bool) -> Result<Vec<HandlerView>, Refusal> {
    let Reply::Handlers(view) = talk.ask(Request::Handlers).await? else {
        return Ok(Vec::new());
    };
    let mut handlers = view.handlers;
    handlers
        .retain(|handler| handler.items == 0 && handler.always_list && (hidden || !handler.hidden));
    Ok(handlers)
}

/// `list`
pub(crate) async fn list(
    talk: &mut Talk,
    names: Vec<String>,
    hidden: bool,
) -> Result<Verdict, Refusal> {
    let every = names.is_empty();
    let items = ask!(talk, Request::List { names, hidden }, Reply::Items(items) => items);
    let handlers = if every {
        without_items(talk, hidden).await?
    } else {
        Vec::new()
    };
    let look = talk.screen.look;
    let mut table = Table::new(&["ITEM", "STATE", "HANDLER", "LAST GOOD", "WHAT"]);
    for item in &items {
        talk.screen.object(item);
        let mut name = item.name.clone();
        if !item.checked {
            name += " (by name only)";
        }
        table.row(vec![
            Cell::new(name),
            state_cell(item, &look),
            Cell::new(handler_label(&item.handler, &item.handler_name)),
            last_good_cell(item, talk.now()),
            Cell::new(&item.comment),
        ]);
    }
    for handler in &handlers {
        table.row(vec![
            Cell::new("-"),
            Cell::new(format!("{} no items", look.glyph(Mark::Off))).marked(Mark::Off),
            Cell::new(handler_label(&handler.id, &handler.name)),
            Cell::new(""),
            Cell::new(&handler.comment),
        ]);
    }
    if items.is_empty() && handlers.is_empty() {
        talk.screen
            .line("No items yet. Add one: syncmgr add folder LEFT RIGHT");
    } else {
        talk.screen.lines(table.lines(&look));
    }
    let number = u64::try_from(items.len()).unwrap_or(u64::MAX);
    Ok(Verdict::of_list(
        format!("{}.", when::count(number, "item")),
        ExitCode::Good,
    ))
}

/// `show`
pub(crate) async fn show(talk: &mut Talk, name: String) -> Result<Verdict, Refusal> {
    let request = Request::Show { name: name.clone() };
    let detail = match talk.ask(request).await {
        Ok(Reply::Item(detail)) => detail,
        Ok(_) => return Err(unexpected()),
        // What is no item may be a handler.
        Err(refusal) if refusal.code == "name::unknown" => {
            return handler(talk, &name).await.ok_or(refusal);
        }
        Err(refusal) => return Err(refusal),
    };
    talk.screen.object(&*detail);
    let look = talk.screen.look;
    let item = &detail.item;
    let mark = Mark::of_shown(item.shown);
    let title = format!("{}: {}", harmless(&item.name), harmless(state(item)));
    talk.screen
        .line(format!("{} {}", look.mark(mark), look.bold(&title)));
    let moment = |at: Option<i64>| {
        at.map_or_else(
            || "never".to_owned(),
            |at| {
                format!(
                    "{} ({})",
                    when::moment(at, &talk.zone),
                    when::ago(at, talk.now())
                )
            },
        )
    };
    let mut facts = vec![
        ("what", harmless(&item.comment)),
        (
            "handler",
            format!(
                "{} ({})",
                harmless(&detail.handler_name),
                harmless(&item.handler)
            ),
        ),
        ("last good run", moment(item.last_good_ms)),
        ("last attempt", moment(item.last_attempt_ms)),
    ];
    if let Some(problem) = &item.problem {
        facts.push(("problem", harmless(problem)));
    }
    for (about, fact) in [("stuck", &item.stuck), ("late", &item.late)] {
        if let Some(fact) = fact {
            facts.push((about, harmless(fact)));
        }
    }
    if !item.labels.is_empty() {
        facts.push(("labels", harmless(&item.labels.join(", "))));
    }
    if item.conflicts > 0 {
        facts.push((
            "conflicts",
            format!(
                "{}, see: syncmgr conflicts {}",
                item.conflicts,
                word(&item.name)
            ),
        ));
    }
    facts.push((
        "part of a plain sync",
        match item.checked {
            _ if item.handler == REPORTS => "no, its own program decides when",
            true => "yes",
            false => "no",
        }
        .to_owned(),
    ));
    if let Some(definition) = &detail.definition {
        facts.push(("definition", harmless(&definition.to_string())));
    }
    for policy in &detail.policies {
        let by = match &policy.policy {
            Some(name) => format!("by policy {}", harmless(name)),
            None => "unless a policy says otherwise".to_owned(),
        };
        let about = POLICIES
            .iter()
            .find(|(setting, _)| *setting == policy.setting)
            .map_or(policy.setting.as_str(), |(_, about)| *about);
        facts.push((about, format!("{} ({by})", harmless(&policy.value))));
    }
    let widest = facts
        .iter()
        .map(|(about, _)| width(about))
        .max()
        .unwrap_or(0);
    for (about, fact) in facts {
        talk.screen
            .line(format!("  {}  {fact}", look.dim(&pad(about, widest))));
    }
    let greyed: Vec<_> = detail
        .tasks
        .iter()
        .filter_map(|task| Some((&task.task, task.greyed.as_ref()?)))
        .collect();
    if !greyed.is_empty() {
        talk.screen.line("");
        talk.screen.line(look.dim("NOT POSSIBLE NOW"));
        for (task, why) in greyed {
            talk.screen
                .line(format!("  {}: {}", harmless(task), harmless(why)));
        }
    }
    for need in &detail.needs {
        talk.screen.line("");
        talk.screen.lines(need_lines(need, &look));
    }
    if !detail.runs.is_empty() {
        let lines = runs_table(&detail.runs, &look, talk.now()).lines(&look);
        talk.screen.line("");
        talk.screen.lines(lines);
    }
    Ok(Verdict::of_list(format!("{title}."), ExitCode::Good))
}

/// What held an item back the last times; all that is kept is in `--json`.
fn held_before(talk: &mut Talk, history: &[HeldView]) {
    for held in history {
        talk.screen.object(held);
    }
    if history.is_empty() {
        return;
    }
    let mut table = Table::new(&["HELD BACK", "FOR", "WANTED BY", "BECAUSE"]);
    for held in history.iter().take(HELD) {
        let lasted = held
            .until_ms
            .map(|until| u64::try_from(until.saturating_sub(held.since_ms)).unwrap_or(0));
        table.row(vec![
            Cell::new(when::moment(held.since_ms, &talk.zone)),
            Cell::new(lasted.map_or_else(|| "still".to_owned(), when::length)),
            Cell::new(&held.wanted_by),
            Cell::new(&held.text),
        ]);
    }
    let lines = table.wrapped(&talk.screen.look);
    talk.screen.line("");
    talk.screen.lines(lines);
}

/// The table of an item's conditions. Why nobody can tell is told once, however many conditions wait for it.
fn conditions(talk: &mut Talk, conditions: &[ConditionView]) {
    if conditions.is_empty() {
        return;
    }
    let look = talk.screen.look;
    let mut table = Table::new(&["WANTED", "IS SO", "NOW", "SINCE", "RULE"]);
    let mut because: Vec<&str> = Vec::new();
    for condition in conditions {
        talk.screen.object(condition);
        let (mark, stands) = match condition.stands {
            Standing::Met => (Mark::Good, "yes"),
            Standing::Unmet => (Mark::Failed, "no"),
            Standing::NotLookedAt => (Mark::Waiting, "not looked at yet"),
            Standing::Unknown => (Mark::Warning, "nobody can tell"),
        };
        if let Some(text) = condition.because.as_deref()
            && !because.contains(&text)
        {
            because.push(text);
        }
        table.row(vec![
            Cell::new(&condition.condition),
            Cell::new(stands).marked(mark),
            Cell::new(match condition.stands {
                Standing::Met | Standing::Unmet => condition.now.as_str(),
                // The column before says it.
                Standing::NotLookedAt | Standing::Unknown => "",
            }),
            Cell::new(
                condition
                    .since_ms
                    .map_or_else(String::new, |since| when::ago(since, talk.now())),
            ),
            Cell::new(condition.rules.join(", ")),
        ]);
    }
    talk.screen.line("");
    talk.screen.lines(table.wrapped(&look));
    for text in because {
        let text = format!("nobody can tell, because: {}", harmless(text));
        talk.screen.wrapped(2, &text);
    }
}

/// `why`
pub(crate) async fn why(talk: &mut Talk, name: String) -> Result<Verdict, Refusal> {
    let why = ask!(talk, Request::Why { name }, Reply::Why(why) => why);
    let look = talk.screen.look;
    for reason in &why.reasons {
        talk.screen.object(reason);
    }
    talk.screen.wrapped(0, &harmless(&why.sentence));
    // Conditions have a table of their own.
    let told = |reason: &&ReasonView| reason.about != "condition" || why.conditions.is_empty();
    for reason in why.reasons.iter().filter(told) {
        // What does not stand in the way is neither good nor bad.
        let mark = if reason.blocks {
            Mark::Failed
        } else {
            Mark::Waiting
        };
        let mut text = harmless(&reason.now);
        if let Some(since) = reason.since_ms {
            text = format!("{text} (since {})", when::ago(since, talk.now()));
        }
        talk.screen.marked(mark, &reason.about, &text);
        if reason.blocks {
            talk.screen
                .wrapped(4, &format!("wanted: {}", harmless(&reason.wanted)));
            for line in harmless_lines(reason.unblocked_by.as_deref().unwrap_or_default()) {
                talk.screen.wrapped(4, &format!("would change it: {line}"));
            }
        }
    }
    conditions(talk, &why.conditions);
    held_before(talk, &why.history);
    for coming in why.coming.iter().take(COMING) {
        talk.screen.object(coming);
        let by = coming.rule.as_ref().map_or_else(
            || "another try".to_owned(),
            |rule| format!("by {}", harmless(rule)),
        );
        let held = match held_by(coming, &talk.zone) {
            held if held.is_empty() => held,
            held => format!("; {}", harmless(&held)),
        };
        let at = when::moment(coming.at_ms, &talk.zone);
        talk.screen
            .marked(Mark::Waiting, "", &format!("starts {at}, {by}{held}"));
    }
    if let Some(suggestion) = &why.suggestion {
        talk.screen
            .line(format!("Next: {}", look.bold(&harmless(suggestion))));
    }
    let verdict = Verdict::of_list(why.sentence, ExitCode::Good);
    Ok(match why.suggestion {
        Some(suggestion) => verdict.suggest(suggestion),
        None => verdict,
    })
}
