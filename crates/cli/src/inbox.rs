//! What waits for a person: questions and conflicts.

use jiff::tz::TimeZone;
use serde_json::json;
use syncmgr_control::request::MAX_PAGE;
use syncmgr_control::view::{ChoiceView, ConflictView, NeedView, RunDetail, VersionView};
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::answer::no_choice;
use crate::decide::run_of;
use crate::follow::begin;
use crate::look::{Look, Mark};
use crate::question::{PROMPT, chosen, command_lines, explained, need_lines, numbered, word};
use crate::sync::conclude;
use crate::talk::{Talk, Verdict, ask};
use crate::text::harmless;
use crate::when;

/// How often a person is asked again after an answer that is none of the choices.
const MAX_TRIES: usize = 3;
/// Most conflicts that are looked through for one whose id begins so.
const MAX_LOOKED_THROUGH: usize = 10_000;
/// Characters of a conflict's id that are shown; `resolve` takes any unambiguous beginning.
const ID_SHOWN: usize = 12;

/// `needs`
pub(crate) async fn needs(talk: &mut Talk) -> Result<Verdict, Refusal> {
    let needs = ask!(talk, Request::Needs, Reply::Needs(needs) => needs);
    let look = talk.screen.look;
    for (index, need) in needs.iter().enumerate() {
        talk.screen.object(need);
        if index > 0 {
            talk.screen.line("");
        }
        talk.screen.lines(need_lines(need, &look));
        let remark = when_asked(need, talk.now(), &talk.zone);
        talk.screen.line(format!("    {}", look.dim(&remark)));
    }
    let status = ask!(talk, Request::Status, Reply::Status(status) => status);
    // The worst come first: what has conflicts is in the page whenever there is room for it.
    for (index, item) in status.items.iter().filter(|i| i.conflicts > 0).enumerate() {
        let command = format!("syncmgr conflicts {}", word(&item.name));
        talk.screen.object(&json!({
            "kind": "conflicts",
            "item": item.name,
            "handler": item.handler,
            "conflicts": item.conflicts,
            "command": command,
        }));
        if index > 0 || !needs.is_empty() {
            talk.screen.line("");
        }
        let title = format!(
            "{}: {}",
            harmless(&item.name),
            when::count(item.conflicts, "open conflict")
        );
        talk.screen.line(format!(
            "{} {}",
            look.mark(Mark::Question),
            look.bold(&title)
        ));
        talk.screen.line(format!("    {command}"));
    }
    let number = u64::try_from(needs.len()).unwrap_or(u64::MAX);
    let sentence = match (number, status.conflicts) {
        (0, 0) => {
            talk.screen.line("Nothing waits for you.");
            return Ok(Verdict::of_list("Nothing waits for you.", ExitCode::Good));
        }
        (0, conflicts) => when::count(conflicts, "open conflict"),
        (number, 0) => when::count(number, "open question"),
        (number, conflicts) => format!(
            "{}, {}",
            when::count(number, "open question"),
            when::count(conflicts, "open conflict")
        ),
    };
    Ok(Verdict::of_list(format!("{sentence}."), ExitCode::NeedsYou))
}

/// Since when a question is open, and what happens without an answer.
pub(crate) fn when_asked(need: &NeedView, now_ms: i64, zone: &TimeZone) -> String {
    let mut remark = format!("asked {}", when::ago(need.opened_ms, now_ms));
    match (&need.default, need.deadline_ms) {
        (Some(default), Some(deadline)) => {
            remark = format!(
                "{remark}, \"{}\" is taken at {}",
                harmless(default),
                when::moment(deadline, zone)
            );
        }
        (None, Some(deadline)) => {
            remark = format!("{remark}, ends at {}", when::moment(deadline, zone));
        }
        (_, None) => remark += ", waits until it is answered",
    }
    remark
}

/// Shows a question to the person and reads which of the choices it is; nothing when it is left open.
async fn typed(
    talk: &mut Talk,
    lines: Vec<String>,
    choices: &[ChoiceView],
    command: &str,
) -> Result<Option<String>, Refusal> {
    for line in lines {
        talk.screen.remark(&line);
    }
    talk.screen
        .remark("Type a name or a number; an empty line or Ctrl-D leaves it open.");
    for _ in 0..MAX_TRIES {
        talk.screen.prompt(PROMPT);
        let line = match &mut talk.keyboard {
            Some(keyboard) => keyboard.line().await.ok().flatten(),
            None => None,
        };
        let Some(line) = line else {
            // Nothing that follows may stand behind the prompt.
            talk.screen.remark("");
            return Ok(None);
        };
        if line.trim().is_empty() {
            return Ok(None);
        }
        if let Some(choice) = chosen(choices, &line) {
            return Ok(Some(choice));
        }
        talk.screen.remark("That is none of the names and numbers.");
    }
    Err(no_choice(command))
}

/// `conflicts`
pub(crate) async fn conflicts(
    talk: &mut Talk,
    name: Option<String>,
    offset: u32,
    limit: u32,
) -> Result<Verdict, Refusal> {
    let request = Request::Conflicts {
        name,
        offset,
        limit,
    };
    let view = ask!(talk, request, Reply::Conflicts(view) => view);
    for (index, conflict) in view.conflicts.iter().enumerate() {
        talk.screen.object(conflict);
        if index > 0 {
            talk.screen.line("");
        }
        let lines = conflict_lines(conflict, talk);
        talk.screen.lines(lines);
    }
    if view.total == 0 {
        talk.screen.line("No conflicts are open.");
        return Ok(Verdict::of_list("No conflicts are open.", ExitCode::Good));
    }
    let shown = u64::from(offset).saturating_add(u64::try_from(view.conflicts.len()).unwrap_or(0));
    if view.total > shown {
        let look = talk.screen.look;
        talk.screen.line(look.dim(&format!(
            "and {} more: syncmgr conflicts --offset {shown}",
            view.total - shown
        )));
    }
    Ok(Verdict::of_list(
        format!("{}.", when::count(view.total, "open conflict")),
        ExitCode::NeedsYou,
    )
    .with("total", view.total))
}

fn conflict_lines(conflict: &ConflictView, talk: &Talk) -> Vec<String> {
    let look = &talk.screen.look;
    let id: String = harmless(&conflict.id).chars().take(ID_SHOWN).collect();
    let mut lines = conflict_heading(conflict, talk.now(), &talk.zone, look);
    lines.extend(command_lines(
        &conflict.choices,
        |choice| format!("syncmgr resolve {id} {choice}"),
        look,
    ));
    if conflict.comparable {
        let typed = format!("syncmgr conflicts {id} --diff");
        lines.extend(explained(&typed, "compare what they contain", look));
    }
    lines
}

/// A conflict with its versions.
pub(crate) fn conflict_heading(
    conflict: &ConflictView,
    now_ms: i64,
    zone: &TimeZone,
    look: &Look,
) -> Vec<String> {
    let id: String = harmless(&conflict.id).chars().take(ID_SHOWN).collect();
    let title = format!(
        "{id}  {}: {}",
        harmless(&conflict.item),
        harmless(&conflict.name)
    );
    let mut lines = vec![
        format!("{} {}", look.mark(Mark::Question), look.bold(&title)),
        format!(
            "    {} ({})",
            harmless(&conflict.summary),
            when::ago(conflict.found_ms, now_ms)
        ),
    ];
    for version in &conflict.versions {
        lines.push(version_line(version, zone, look));
    }
    lines
}

fn version_line(version: &VersionView, zone: &TimeZone, look: &Look) -> String {
    let mut facts = Vec::new();
    if version.deleted {
        facts.push("deleted".to_owned());
    } else {
        facts.push(harmless(&version.kind));
        facts.extend(version.size.map(when::size));
    }
    if let Some(modified) = version.modified_ms {
        facts.push(when::moment(modified, zone));
    }
    format!(
        "    {}: {}  {}",
        harmless(&version.place),
        facts.join(", "),
        look.dim(&harmless(&version.location))
    )
}

/// `resolve ID [CHOICE]`
pub(crate) async fn resolve(
    talk: &mut Talk,
    conflict: String,
    choice: Option<String>,
) -> Result<Verdict, Refusal> {
    let found = find(talk, &conflict).await;
    let choice = match choice {
        Some(choice) => choice,
        None => {
            let Some(found) = &found else {
                return Err(Refusal::new(
                    "cli::no-such-conflict",
                    format!(
                        "no open conflict, or more than one, has an id that begins with {conflict:?}"
                    ),
                    "the open ones are listed by: syncmgr conflicts",
                ));
            };
            match choose_version(talk, found).await? {
                Some(choice) => choice,
                None => {
                    let sentence = format!("The conflict of {} stays open.", found.name);
                    return Ok(
                        Verdict::said(sentence, ExitCode::NeedsYou).suggest("syncmgr conflicts")
                    );
                }
            }
        }
    };
    let request = Request::Resolve {
        conflict,
        choice: choice.clone(),
    };
    let followed = begin(talk, request).await?;
    let mut verdict = conclude(&followed, &[]);
    if followed.outcome.exit() == ExitCode::Good {
        verdict.sentence = "The conflict is resolved.".to_owned();
        if let Some(found) = found {
            let label = found
                .choices
                .iter()
                .find(|offered| offered.name == choice && !offered.label.is_empty())
                .map_or(choice.as_str(), |offered| offered.label.as_str());
            verdict.sentence = format!("The conflict is resolved: {}: {label}.", found.name);
            verdict = verdict.with("item", found.item).with("name", found.name);
        }
        let left = match talk.ask(page(None, 0, 1)).await {
            Ok(Reply::Conflicts(view)) => Some(view.total),
            _ => None,
        };
        verdict.suggestion = (left != Some(0)).then(|| "syncmgr conflicts".to_owned());
        if let Some(run) = run_of(talk, &followed).await {
            verdict = verdict.with("run", run.run.id);
            tell_resting(talk, &run);
        }
    }
    Ok(verdict)
}

/// Says where the version rests that gave way, and how it comes back.
fn tell_resting(talk: &mut Talk, run: &RunDetail) {
    let look = talk.screen.look;
    let rests = run.log.iter().filter_map(|entry| entry.detail.as_deref());
    for rests in rests.take(1) {
        talk.screen.line(look.dim(&harmless(rests)));
        let line = format!("take it back: syncmgr undo {}", run.run.id);
        talk.screen.line(look.dim(&line));
    }
}

/// Asks the person which version is to be kept; nothing when the conflict is to stay open.
async fn choose_version(
    talk: &mut Talk,
    conflict: &ConflictView,
) -> Result<Option<String>, Refusal> {
    let id: String = harmless(&conflict.id).chars().take(ID_SHOWN).collect();
    let command = format!("syncmgr resolve {id} CHOICE");
    if !talk.interactive || talk.screen.json() {
        talk.screen.object(conflict);
        let lines = conflict_lines(conflict, talk);
        talk.screen.lines(lines);
        return Err(no_choice(&command));
    }
    let aside = talk.screen.aside;
    let mut lines = conflict_heading(conflict, talk.now(), &talk.zone, &aside);
    lines.extend(numbered(&conflict.choices, &aside));
    typed(talk, lines, &conflict.choices, &command).await
}

/// The open conflict whose id begins so; nothing when none or several do, or when it cannot be told.
async fn find(talk: &Talk, id: &str) -> Option<ConflictView> {
    let mut fitting: Option<ConflictView> = None;
    let mut offset = 0;
    while offset < MAX_LOOKED_THROUGH {
        let request = page(None, u32::try_from(offset).ok()?, MAX_PAGE);
        let Ok(Reply::Conflicts(view)) = talk.ask(request).await else {
            return None;
        };
        if view.conflicts.is_empty() {
            break;
        }
        offset += view.conflicts.len();
        for conflict in view.conflicts {
            if conflict.id == id {
                return Some(conflict);
            }
            if conflict.id.starts_with(id) {
                if fitting.is_some() {
                    return None;
                }
                fitting = Some(conflict);
            }
        }
        if u64::try_from(offset).is_ok_and(|offset| offset >= view.total) {
            break;
        }
    }
    fitting
}

fn page(name: Option<String>, offset: u32, limit: u32) -> Request {
    Request::Conflicts {
        name,
        offset,
        limit,
    }
}
