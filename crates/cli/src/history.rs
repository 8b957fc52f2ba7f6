//! What was: runs and the log.

use syncmgr_control::view::{Level, LogView, RunView};
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::look::{Look, Mark, outcome_word, status_word};
use crate::question::word;
use crate::register::handler_label;
use crate::table::{Cell, Table};
use crate::talk::{Talk, Verdict, ask};
use crate::text::{cut, harmless, harmless_lines};
use crate::when;

/// Names of items shown for a run in a list.
const MAX_NAMES: usize = 3;

/// `runs`
pub(crate) async fn runs(
    talk: &mut Talk,
    name: Option<String>,
    before: Option<u64>,
    limit: u32,
) -> Result<Verdict, Refusal> {
    let page = |before, limit| Request::Runs {
        name: name.clone(),
        before,
        limit,
    };
    let runs = ask!(talk, page(before, limit), Reply::Runs(runs) => runs);
    for run in &runs {
        talk.screen.object(run);
    }
    if runs.is_empty() {
        talk.screen.line("Nothing ran yet.");
    } else {
        let lines = runs_table(&runs, &talk.screen.look, talk.now()).lines(&talk.screen.look);
        talk.screen.lines(lines);
    }
    let number = u64::try_from(runs.len()).unwrap_or(u64::MAX);
    let sentence = format!("{}.", when::count(number, "run"));
    let verdict = Verdict::of_list(sentence, ExitCode::Good);
    let Some(last) = runs.last().filter(|_| number >= u64::from(limit)) else {
        return Ok(verdict);
    };
    // The page is full: whether anything is older is asked.
    let older = ask!(talk, page(Some(last.id), 1), Reply::Runs(older) => older);
    if older.is_empty() {
        return Ok(verdict);
    }
    let about = name.map_or_else(String::new, |name| format!(" {}", word(&name)));
    let look = talk.screen.look;
    talk.screen.line(look.dim(&format!(
        "older ones: syncmgr runs{about} --before {}, or more at once with --limit",
        last.id
    )));
    Ok(verdict.with("before", last.id))
}

/// The table of some runs.
pub(crate) fn runs_table<'a>(
    runs: impl IntoIterator<Item = &'a RunView>,
    look: &Look,
    now: i64,
) -> Table {
    let mut table = Table::new(&["RUN", "WHEN", "HOW", "MOVED", "TOOK", "WHAT"]);
    for run in runs {
        let mark = Mark::of_outcome(run.outcome);
        let took = run.closed_ms.map_or_else(String::new, |closed| {
            when::length(u64::try_from(closed.saturating_sub(run.opened_ms)).unwrap_or(0))
        });
        table.row(vec![
            Cell::new(run.id.to_string()),
            Cell::new(when::ago(run.opened_ms, now)),
            Cell::new(format!(
                "{} {}",
                look.glyph(mark),
                outcome_word(run.outcome)
            ))
            .marked(mark),
            Cell::new(look.counts(&run.part.unwrap_or(run.counts))),
            Cell::new(took),
            Cell::new(what(run, look)),
        ]);
    }
    table
}

/// What a run was about: its kind when it is not the usual one, its items, why it failed.
fn what(run: &RunView, look: &Look) -> String {
    let mut text = String::new();
    if run.kind != "synchronize" {
        text += &run.kind;
        text += " ";
    }
    let names: Vec<&str> = run
        .items
        .iter()
        .take(MAX_NAMES)
        .map(String::as_str)
        .collect();
    text += &names.join(", ");
    let shown = u64::try_from(names.len()).unwrap_or(u64::MAX);
    if run.item_count > shown {
        text = format!("{text} {} {} in all", look.ellipsis(), run.item_count);
    }
    if let Some(problem) = &run.problem {
        text += ": ";
        text += problem;
    }
    text
}

/// `run`
pub(crate) async fn run(talk: &mut Talk, id: u64) -> Result<Verdict, Refusal> {
    let detail = ask!(talk, Request::Run { id }, Reply::Run(detail) => detail);
    talk.screen.object(&*detail);
    let run = &detail.run;
    let look = talk.screen.look;
    let mark = Mark::of_outcome(run.outcome);
    let mut sentence = format!(
        "Run {} ({}, {}): {}",
        run.id,
        harmless(&run.kind),
        occasion(&run.trigger),
        outcome_word(run.outcome)
    );
    if let Some(problem) = &run.problem {
        sentence += ": ";
        sentence += &harmless(problem);
    }
    talk.screen
        .line(format!("{} {}", look.mark(mark), look.bold(&sentence)));
    let mut facts = format!("began {}", when::moment(run.opened_ms, &talk.zone));
    if let Some(closed) = run.closed_ms {
        facts = format!(
            "{facts}, took {}",
            when::length(u64::try_from(closed.saturating_sub(run.opened_ms)).unwrap_or(0))
        );
    }
    facts = format!("{facts}  {}", look.counts(&run.counts));
    talk.screen.line(format!("  {facts}"));
    if let Some(sides) = look.sides(&run.counts) {
        talk.screen.line(format!("  {sides}"));
    }
    if !detail.items.is_empty() {
        let mut table = Table::new(&["ITEM", "HOW", "MOVED", ""]);
        for item in &detail.items {
            let mark = Mark::of_status(item.status, &item.counts);
            table.row(vec![
                Cell::new(&item.name),
                Cell::new(format!("{} {}", look.glyph(mark), status_word(item.status)))
                    .marked(mark),
                Cell::new(look.counts(&item.counts)),
                Cell::new(&item.text),
            ]);
        }
        talk.screen.line("");
        talk.screen.lines(table.lines(&look));
    }
    if !detail.log.is_empty() {
        talk.screen.line("");
        talk.screen.line(look.dim("LOG"));
        for entry in &detail.log {
            talk.screen.lines(entry_lines(entry, &look));
        }
    }
    if !detail.stderr.trim().is_empty() {
        talk.screen.line("");
        talk.screen.line(look.dim("STANDARD ERROR OF THE HANDLER"));
        talk.screen.lines(
            harmless_lines(&detail.stderr)
                .into_iter()
                .map(|line| format!("  {line}")),
        );
    }
    Ok(Verdict::of_list(format!("{sentence}."), ExitCode::Good))
}

/// What made a run begin, as people say it.
fn occasion(trigger: &str) -> String {
    match trigger {
        "manual" => "by hand",
        "schedule" => "by schedule",
        "logon" => "at logon",
        "logoff" => "at logoff",
        "idle" => "while the machine was idle",
        "connect" => "when a network came up",
        "pending-disconnect" => "before the network went",
        "invoke" => "for a program",
        "file-change" => "after files changed",
        "device" => "when a device appeared",
        "external" => "from outside",
        "retry" => "tried again",
        "answered" => "after an answer",
        other => return harmless(other),
    }
    .to_owned()
}

/// What to say where no entry is shown: an empty log, or none that was asked for.
fn nothing(request: &Request) -> &'static str {
    match request {
        Request::Log {
            at_least: Some(Level::Error),
            ..
        } => "No errors among what was asked for. Warnings as well: syncmgr log --warnings",
        Request::Log {
            name: None,
            run: None,
            at_least: None,
            before: None,
            ..
        } => "The log is empty.",
        _ => "Nothing in the log matches. All of it: syncmgr log",
    }
}

/// The words that ask for the same entries again, each behind a space.
fn asked(request: &Request) -> String {
    let Request::Log {
        name,
        run,
        at_least,
        ..
    } = request
    else {
        return String::new();
    };
    let name = name.as_deref().map(|name| format!(" {}", word(name)));
    let run = run.map(|run| format!(" --run {run}"));
    let least = match at_least {
        Some(Level::Error) => " --errors",
        Some(Level::Warning) => " --warnings",
        Some(Level::Information) | None => "",
    };
    format!(
        "{}{}{least}",
        name.unwrap_or_default(),
        run.unwrap_or_default()
    )
}

/// `log`
pub(crate) async fn log(talk: &mut Talk, request: Request) -> Result<Verdict, Refusal> {
    let (empty, same) = (nothing(&request), asked(&request));
    let page = ask!(talk, request, Reply::Log(page) => page);
    let look = talk.screen.look;
    for entry in &page.entries {
        talk.screen.object(entry);
        let at = when::moment(entry.at_ms, &talk.zone);
        let mut lines = entry_lines(entry, &look);
        if let Some(first) = lines.first_mut() {
            *first = format!("{}{first}", look.dim(&at));
        }
        talk.screen.lines(lines);
    }
    if page.entries.is_empty() {
        talk.screen.line(empty);
    }
    let number = u64::try_from(page.entries.len()).unwrap_or(u64::MAX);
    let mut verdict = Verdict::of_list(
        format!(
            "{} shown.",
            if number == 1 {
                "1 entry".to_owned()
            } else {
                format!("{number} entries")
            }
        ),
        ExitCode::Good,
    );
    if let Some(before) = page.before {
        talk.screen
            .line(look.dim(&format!("older ones: syncmgr log{same} --before {before}")));
        verdict = verdict.with("before", before);
    }
    Ok(verdict)
}

/// An entry of the log in one line: what, and of whom.
pub(crate) fn log_line(entry: &LogView, look: &Look) -> String {
    let mark = match entry.level {
        Level::Information => Mark::Waiting,
        Level::Warning => Mark::Warning,
        Level::Error => Mark::Failed,
    };
    let mut text = String::new();
    let handler = || {
        let id = entry.handler.as_deref()?;
        Some(handler_label(id, &entry.handler_name))
    };
    if let Some(about) = entry.item.as_deref().or_else(handler) {
        text += &harmless(about);
        text += ": ";
    }
    text += &harmless(&entry.text);
    if let Some(columns) = look.columns {
        text = cut(&text, columns.saturating_sub(4), look.ellipsis());
    }
    format!("  {} {text}", look.mark(mark))
}

/// An entry of the log whole, with its detail.
fn entry_lines(entry: &LogView, look: &Look) -> Vec<String> {
    let whole = Look {
        columns: None,
        ..*look
    };
    let mut lines = vec![log_line(entry, &whole)];
    for line in harmless_lines(entry.detail.as_deref().unwrap_or_default()) {
        lines.push(format!("      {}", look.dim(&line)));
    }
    if entry.link {
        lines.push(format!("      more: syncmgr open {}", entry.id));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_entries_are_asked_for_in_the_same_words() {
        let all = Request::Log {
            name: None,
            run: None,
            at_least: None,
            before: None,
            limit: 20,
        };
        assert_eq!(asked(&all), "");
        let some = Request::Log {
            name: Some("my notes".to_owned()),
            run: Some(7),
            at_least: Some(Level::Error),
            before: Some(9),
            limit: 20,
        };
        assert_eq!(asked(&some), " 'my notes' --run 7 --errors");
    }
}
