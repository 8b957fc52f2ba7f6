//! `import`: crontab lines and timers as items and rules, and back.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};
use syncmgr_control::rule::RuleText;
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::look::Mark;
use crate::question::word;
use crate::table::{Cell, Table};
use crate::talk::{Talk, Verdict, ask};
use crate::target::{Origin, absolute};
use crate::text::harmless;
use crate::when;
use crate::world::Program;

/// The handler that wraps commands.
const TOOLS: &str = "tools";
/// A cause that is no schedule, and that something imported may have.
const LOGON: &str = "logon";

/// What `import` is told.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImportWords {
    /// `cron` (your crontab), `systemd` (your timers), a crontab's file, a timer's file, or a directory of units.
    #[arg(value_name = "cron|systemd|FILE", required_unless_present = "undo")]
    source: Option<OsString>,
    /// What to import, by its number or name in the list; without any, and without --all, it is only shown.
    #[arg(value_name = "NUMBER|NAME", requires = "source")]
    picks: Vec<String>,
    /// Import everything that can be.
    #[arg(long, conflicts_with_all = ["picks", "undo"])]
    all: bool,
    /// Leave the originals as they are; both then start what they say.
    #[arg(long, conflicts_with = "undo")]
    keep: bool,
    /// Do not catch up what was missed, as cron never did; a timer with `Persistent=` says it itself.
    #[arg(long, conflicts_with = "undo")]
    no_catch_up: bool,
    /// Bring the originals back, all or those that became the named items, and remove what was made of them.
    #[arg(long)]
    undo: bool,
}

/// Where something that starts by itself is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportSource {
    /// The user's crontab.
    Cron,
    /// The user's timers.
    Systemd,
    /// A file, or a directory of units.
    Path(PathBuf),
}

/// What `import` is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ImportWish {
    /// Show what is there.
    Show(ImportSource),
    /// Import what is picked; nothing picked: everything.
    Take {
        source: ImportSource,
        picks: Vec<String>,
        keep: bool,
        catch_up: bool,
    },
    /// Bring back, all or what became these items.
    Undo(Vec<String>),
}

/// What was found at a source.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundJobs {
    /// What was looked at, for people, such as `your crontab`.
    pub place: String,
    /// What starts by itself there.
    pub jobs: Vec<FoundJob>,
    /// Why originals cannot be turned off there, as a fragment.
    pub fixed: Option<String>,
    /// What was imported from there before and is turned off.
    pub before: usize,
}

/// Something that starts by itself, and what it would become.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundJob {
    /// Where it stands, such as `line 3`.
    pub at: String,
    /// What tells it from others there; whoever turns it off gets it back.
    pub original: Vec<u8>,
    /// What the item would be called.
    pub name: String,
    /// What starts it, in the words of a rule.
    pub on: Vec<String>,
    /// What must hold, in the words of a rule.
    pub when: Vec<String>,
    /// How old a missed time may be to be caught up; absent: as usual.
    pub catch_up: Option<String>,
    /// By how much it starts later at most.
    pub jitter: Option<String>,
    /// What the item would be defined with.
    pub arguments: Map<String, Value>,
    /// The command, without secrets.
    pub command: String,
    /// The recipe whose item it becomes; absent: it stays a command.
    pub recipe: Option<String>,
    /// What looks at a run before it begins, as a sentence without its end.
    pub guard: Option<String>,
    /// Why it stays a command although a recipe knows its program, as a fragment.
    pub stays: Option<String>,
    /// The recipe by which its output is understood.
    pub like: Option<String>,
    /// What makes it delete on its target.
    pub deletes: Option<String>,
    /// A secret stands in it.
    pub secret: bool,
    /// What a person should know besides.
    pub remarks: Vec<String>,
    /// Why it cannot be imported, as a fragment.
    pub obstacle: Option<String>,
}

/// Something that became an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Where it stood, such as `line 3`.
    pub at: String,
    /// See [`FoundJob::original`].
    pub original: Vec<u8>,
    /// The item.
    pub item: String,
    /// The item was made for it.
    pub made: bool,
    /// The rule that was made for it.
    pub rule: Option<String>,
}

/// What became of an original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// Where it stands, such as `line 3 of your crontab`.
    pub at: String,
    /// The item that it became.
    pub item: String,
    /// What was done, as a sentence without its end; or why not.
    pub done: Result<String, String>,
}

/// What was brought back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BroughtBack {
    /// The originals.
    pub turned: Vec<Turned>,
    /// What had been made of them.
    pub imported: Vec<Imported>,
}

/// What the words mean.
pub(crate) fn wish(words: ImportWords, origin: Origin<'_>) -> Result<ImportWish, Refusal> {
    let named = |source: OsString| source.to_string_lossy().into_owned();
    if words.undo {
        let names = words.source.into_iter().map(named).chain(words.picks);
        return Ok(ImportWish::Undo(names.collect()));
    }
    let source = match words.source {
        Some(source) if source == "cron" => ImportSource::Cron,
        Some(source) if source == "systemd" => ImportSource::Systemd,
        Some(path) => {
            let path = absolute(&path, origin).map_err(|error| error.refusal("import"))?;
            ImportSource::Path(path)
        }
        None => ImportSource::Cron,
    };
    Ok(if words.all || !words.picks.is_empty() {
        ImportWish::Take {
            source,
            picks: words.picks,
            keep: words.keep,
            catch_up: !words.no_catch_up,
        }
    } else {
        ImportWish::Show(source)
    })
}

/// Carries it out.
pub(crate) async fn import(
    talk: &mut Talk,
    program: &dyn Program,
    wish: ImportWish,
) -> Result<Verdict, Refusal> {
    match wish {
        ImportWish::Show(source) => show(talk, program, &source).await,
        ImportWish::Take {
            source,
            picks,
            keep,
            catch_up,
        } => take(talk, program, &source, &picks, keep, catch_up).await,
        ImportWish::Undo(names) => undo(talk, program, &names).await,
    }
}

/// When a job starts, in our words.
struct Times {
    said: String,
    next_ms: Option<i64>,
}

/// Has the manager read what starts a job; what it cannot read is an obstacle.
async fn times(talk: &Talk, job: &mut FoundJob) -> Result<Times, Refusal> {
    let mut said = Vec::new();
    let mut next_ms: Option<i64> = None;
    for on in &job.on {
        if on == LOGON {
            said.push(on.clone());
            continue;
        }
        let request = Request::Explain {
            schedule: on.clone(),
            count: 1,
            item: None,
            when: Vec::new(),
        };
        match talk.ask(request).await {
            Ok(Reply::Schedule(schedule)) => {
                said.push(schedule.normalised);
                next_ms = schedule
                    .next_ms
                    .first()
                    .copied()
                    .into_iter()
                    .chain(next_ms)
                    .min();
            }
            Ok(_) => return Err(crate::talk::unexpected()),
            Err(refusal)
                if refusal.code.starts_with("control::") || refusal.code.starts_with("home::") =>
            {
                return Err(refusal);
            }
            Err(refusal) => {
                said.push(on.clone());
                job.obstacle.get_or_insert(refusal.message);
            }
        }
    }
    Ok(Times {
        said: said.join(", "),
        next_ms,
    })
}

/// What becomes of a job, in a cell.
fn becomes(job: &FoundJob) -> String {
    match (&job.obstacle, &job.recipe, &job.like) {
        (Some(_), ..) => "-".to_owned(),
        (None, Some(recipe), _) => format!("{} ({recipe})", job.name),
        (None, None, Some(recipe)) => format!("{} (command, read as {recipe})", job.name),
        (None, None, None) => format!("{} (command)", job.name),
    }
}

/// What a person should know of a job.
fn remarks(job: &FoundJob) -> Vec<(Mark, String)> {
    let mut remarks = Vec::new();
    if let Some(why) = &job.obstacle {
        remarks.push((Mark::Failed, format!("cannot be imported: {why}")));
    }
    if let Some(guard) = &job.guard {
        remarks.push((Mark::Good, format!("guard: {guard}")));
    }
    if let (Some(why), Some(recipe), None) = (&job.stays, &job.like, &job.obstacle) {
        remarks.push((
            Mark::Waiting,
            format!("stays a command, and no item of {recipe}: {why}"),
        ));
    }
    if let (Some(by), None) = (&job.deletes, &job.recipe) {
        remarks.push((
            Mark::Warning,
            format!(
                "`{by}` deletes on the target; a wrapped command runs as it stands, without a plan before it"
            ),
        ));
    }
    if job.secret {
        remarks.push((
            Mark::Warning,
            "a secret stands in the command; the configuration keeps it as it is, readable for you alone".to_owned(),
        ));
    }
    if !job.when.is_empty() {
        remarks.push((Mark::Waiting, format!("only with {}", job.when.join(", "))));
    }
    if let Some(jitter) = &job.jitter {
        remarks.push((Mark::Waiting, format!("up to {jitter} later")));
    }
    remarks.extend(job.remarks.iter().map(|text| (Mark::Waiting, text.clone())));
    remarks
}

/// A job for programs. The definition may hold a secret, and is left out.
fn as_json(number: usize, job: &FoundJob, times: &Times) -> Value {
    json!({
        "number": number,
        "at": job.at,
        "name": job.name,
        "on": job.on,
        "normalised": times.said,
        "nextMs": times.next_ms,
        "when": job.when,
        "command": job.command,
        "recipe": job.recipe,
        "guard": job.guard,
        "staysCommand": job.stays,
        "readAs": job.like,
        "deletes": job.deletes,
        "secret": job.secret,
        "catchUp": job.catch_up,
        "jitter": job.jitter,
        "remarks": job.remarks,
        "obstacle": job.obstacle,
    })
}

/// What `import` is given again to import from there.
fn typed(source: &ImportSource) -> String {
    match source {
        ImportSource::Cron => "cron".to_owned(),
        ImportSource::Systemd => "systemd".to_owned(),
        ImportSource::Path(path) => word(&path.display().to_string()),
    }
}

async fn show(
    talk: &mut Talk,
    program: &dyn Program,
    source: &ImportSource,
) -> Result<Verdict, Refusal> {
    let mut found = program.find_jobs(source)?;
    let place = harmless(&found.place);
    let before = match found.before {
        0 => String::new(),
        number => format!(" {number} imported before; back: syncmgr import --undo"),
    };
    if found.jobs.is_empty() {
        let sentence = format!("Nothing starts by itself in {place}.{before}");
        return Ok(Verdict::said(sentence, ExitCode::Good));
    }
    let mut table = Table::new(&["#", "STARTS", "NEXT", "BECOMES", "COMMAND"]);
    let mut beneath: Vec<(Mark, String, Vec<String>)> = Vec::new();
    let mut possible = Vec::new();
    for (at, job) in found.jobs.iter_mut().enumerate() {
        let times = times(talk, job).await?;
        talk.screen.object(&as_json(at + 1, job, &times));
        let mark = if job.obstacle.is_some() {
            Mark::Off
        } else {
            Mark::Good
        };
        table.row(vec![
            Cell::new((at + 1).to_string()),
            Cell::new(&times.said),
            Cell::new(
                times
                    .next_ms
                    .map_or_else(String::new, |next| when::ahead(next, talk.now())),
            ),
            Cell::new(becomes(job)).marked(mark),
            Cell::new(&job.command),
        ]);
        if job.obstacle.is_none() {
            possible.push(at + 1);
        }
        for (mark, text) in remarks(job) {
            let who = format!("{} ({})", at + 1, job.at);
            // What is to be said of several is said once.
            match beneath.iter_mut().find(|(_, known, _)| *known == text) {
                Some((_, _, of)) => of.push(who),
                None => beneath.push((mark, text, vec![who])),
            }
        }
    }
    let lines = table.wrapped(&talk.screen.look);
    talk.screen.lines(lines);
    if !beneath.is_empty() {
        talk.screen.line("");
    }
    for (mark, text, of) in beneath {
        let text = format!("{}: {text}", of.join(", "));
        talk.screen.marked(mark, "", &harmless(&text));
    }
    if let Some(why) = &found.fixed {
        talk.screen.wrapped(
            0,
            &harmless(&format!("The originals stay as they are: {why}.")),
        );
    }
    talk.screen.line("");
    let all = found.jobs.len();
    let sentence = format!(
        "{} of {} in {place} can be imported; nothing was written.{before}",
        possible.len(),
        when::count(all as u64, "job")
    );
    let verdict = Verdict::said(sentence, ExitCode::Good);
    Ok(match possible.first() {
        Some(first) => verdict.suggest(format!("syncmgr import {} {first}", typed(source))),
        None => verdict,
    })
}

/// The jobs that are meant by numbers or names; everything that is possible when nothing is named.
fn picked(jobs: &[FoundJob], picks: &[String]) -> Result<Vec<usize>, Refusal> {
    if picks.is_empty() {
        return Ok((0..jobs.len())
            .filter(|at| jobs.get(*at).is_some_and(|job| job.obstacle.is_none()))
            .collect());
    }
    let mut chosen = Vec::new();
    // `1,3` is meant as people mean it.
    for pick in picks
        .iter()
        .flat_map(|pick| pick.split(','))
        .filter(|pick| !pick.is_empty())
    {
        let number = pick
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        let found: Vec<usize> = match number {
            Some(at) => (at < jobs.len()).then_some(at).into_iter().collect(),
            None => (0..jobs.len())
                .filter(|at| {
                    jobs.get(*at).is_some_and(|job| {
                        !job.name.is_empty() && job.name.eq_ignore_ascii_case(pick)
                    })
                })
                .collect(),
        };
        if found.is_empty() {
            return Err(Refusal::new(
                "import::unknown",
                format!(
                    "there is nothing called `{}` to be imported",
                    harmless(pick)
                ),
                "name what the list shows, by its number or its name; without any the list is shown",
            ));
        }
        chosen.extend(
            found
                .into_iter()
                .filter(|at| !chosen.contains(at))
                .collect::<Vec<_>>(),
        );
    }
    Ok(chosen)
}

async fn take(
    talk: &mut Talk,
    program: &dyn Program,
    source: &ImportSource,
    picks: &[String],
    keep: bool,
    catch_up: bool,
) -> Result<Verdict, Refusal> {
    let mut found = program.find_jobs(source)?;
    let mut said = Vec::new();
    for job in &mut found.jobs {
        said.push(times(talk, job).await?.said);
    }
    let chosen = picked(&found.jobs, picks)?;
    // Whoever starts the originals now must not be turned off before somebody else starts them.
    let status = ask!(talk, Request::Status, Reply::Status(status) => status);
    let turn = !keep && found.fixed.is_none() && status.daemon;
    let mut imported = Vec::new();
    let mut failed = 0_usize;
    let mut before = 0_usize;
    for at in &chosen {
        let Some(job) = found.jobs.get_mut(*at) else {
            continue;
        };
        if !catch_up {
            job.catch_up = Some("0s".to_owned());
        }
        let starts = said.get(*at).map_or("", String::as_str);
        match one(talk, job, starts).await {
            Ok(made) => {
                before += usize::from(!made.made && made.rule.is_none());
                imported.push(made);
            }
            Err(refusal) if refusal.code == "import::impossible" || job.obstacle.is_none() => {
                failed += 1;
                talk.screen
                    .object(&json!({"at": job.at, "error": refusal.message, "hint": refusal.hint}));
                let text = format!("{}: {}", job.at, refusal.message);
                talk.screen.marked(Mark::Failed, "", &harmless(&text));
                if let Some(hint) = &refusal.hint {
                    talk.screen.wrapped(4, &harmless(hint));
                }
            }
            Err(refusal) => return Err(refusal),
        }
    }
    // Only now: a crash before this line leaves what is started twice, never what is not started at all.
    let turned = program.turn_off(source, &imported, turn)?;
    for turned in &turned {
        tell_turned(talk, turned);
    }
    let left = turned.iter().filter(|turned| turned.done.is_err()).count();
    let number = imported.len();
    let mut sentence = match (number, before) {
        (0, _) => "Nothing was imported.".to_owned(),
        (number, before) if number == before => "All of it had been imported before.".to_owned(),
        _ => format!(
            "{} imported; back: syncmgr import --undo.",
            when::count((number - before) as u64, "job")
        ),
    };
    let mut suggestion = None;
    if number > 0 && !turn {
        let why = if keep {
            "as you wished".to_owned()
        } else if let Some(why) = &found.fixed {
            why.clone()
        } else {
            suggestion = Some("syncmgr service install".to_owned());
            let picks: Vec<String> = chosen.iter().map(|at| (at + 1).to_string()).collect();
            format!(
                "as no daemon runs that would start what they started; have one start, then import again: syncmgr import {} {}",
                typed(source),
                picks.join(" ")
            )
        };
        sentence = format!("{sentence} The originals stay as they are, {why}.");
    }
    let exit = if failed > 0 && number == 0 {
        ExitCode::Failed
    } else if failed > 0 || left > 0 || (suggestion.is_some() && number > 0) {
        ExitCode::Warnings
    } else {
        ExitCode::Good
    };
    let verdict = Verdict::said(harmless(&sentence), exit)
        .with(
            "imported",
            json!(imported.iter().map(|made| &made.item).collect::<Vec<_>>()),
        )
        .with("failed", failed)
        .with(
            "turnedOff",
            json!(turned.iter().filter(|turned| turned.done.is_ok()).count()),
        );
    Ok(match suggestion {
        Some(suggestion) => verdict.suggest(suggestion),
        None => verdict,
    })
}

/// Makes the item and the rule of a job.
async fn one(talk: &mut Talk, job: &FoundJob, starts: &str) -> Result<Imported, Refusal> {
    if let Some(why) = &job.obstacle {
        return Err(Refusal::new(
            "import::impossible",
            format!("it cannot be imported: {why}"),
            "leave it where it is, or change it there",
        ));
    }
    let request = Request::AddItem {
        handler: TOOLS.to_owned(),
        name: Some(job.name.clone()),
        arguments: job.arguments.clone(),
        or_existing: true,
    };
    let added = ask!(talk, request, Reply::Added(added) => added);
    let wanted = RuleText {
        items: vec![added.name.clone()],
        on: job.on.clone(),
        when: job.when.clone(),
        catch_up: job.catch_up.clone(),
        jitter: job.jitter.clone(),
        ..RuleText::default()
    };
    let names = vec![added.name.clone()];
    let rules = ask!(talk, Request::Rules { names }, Reply::Rules(rules) => rules);
    // A second import does not double.
    let same = |rule: &RuleText| {
        RuleText {
            name: String::new(),
            ..rule.clone()
        } == wanted
    };
    let mut rule = None;
    if rules.iter().any(|known| same(&known.rule)) {
        talk.screen
            .object(&json!({"at": job.at, "item": added.name, "existing": true}));
        let text = format!("{} was imported before: {}", job.at, added.name);
        talk.screen.marked(Mark::Good, "", &harmless(&text));
    } else {
        match talk.ask(Request::AddRule(wanted)).await {
            Ok(Reply::Rule(made)) => {
                let next = made.next_ms.map_or_else(String::new, |next| {
                    format!(
                        ", next {}, {}",
                        when::ahead(next, talk.now()),
                        when::moment(next, &talk.zone)
                    )
                });
                talk.screen.object(&json!({
                    "at": job.at, "item": added.name, "rule": made.rule.name, "existing": added.existing, "nextMs": made.next_ms,
                }));
                let text = format!("{} became {}: {starts}{next}", job.at, added.name);
                talk.screen.marked(Mark::Good, "", &harmless(&text));
                for (mark, text) in remarks(job)
                    .into_iter()
                    .filter(|(mark, _)| *mark == Mark::Warning)
                {
                    talk.screen.marked(mark, "", &harmless(&text));
                }
                rule = Some(made.rule.name);
            }
            other => {
                // An item that nothing starts is not what was asked for.
                if !added.existing {
                    talk.ask(Request::RemoveItem { name: added.name }).await?;
                }
                return Err(other.err().unwrap_or_else(crate::talk::unexpected));
            }
        }
    }
    Ok(Imported {
        at: job.at.clone(),
        original: job.original.clone(),
        item: added.name,
        made: !added.existing,
        rule,
    })
}

fn tell_turned(talk: &mut Talk, turned: &Turned) {
    let (mark, text) = match &turned.done {
        Ok(done) => (Mark::Good, format!("{}: {done}", turned.at)),
        Err(why) => (
            Mark::Warning,
            format!("{}: left as it is: {why}", turned.at),
        ),
    };
    talk.screen.object(&json!({
        "at": turned.at,
        "item": turned.item,
        "done": turned.done.as_ref().ok(),
        "left": turned.done.as_ref().err(),
    }));
    if mark != Mark::Good || !talk.screen.quiet() {
        talk.screen.marked(mark, "", &harmless(&text));
    }
}

async fn undo(
    talk: &mut Talk,
    program: &dyn Program,
    names: &[String],
) -> Result<Verdict, Refusal> {
    // First the originals: what is started twice for a moment is better than what is not started.
    let back = program.bring_back(names)?;
    for turned in &back.turned {
        tell_turned(talk, turned);
    }
    let mut stuck: BTreeMap<&str, Refusal> = BTreeMap::new();
    let is_left = |item: &str| {
        back.turned
            .iter()
            .any(|turned| turned.item == item && turned.done.is_err())
    };
    let mut removed = Vec::new();
    for made in &back.imported {
        // What could not be brought back must go on being started.
        if is_left(&made.item) {
            continue;
        }
        let mut requests = Vec::new();
        if let Some(name) = &made.rule {
            requests.push(Request::RemoveRule { name: name.clone() });
        }
        if made.made {
            requests.push(Request::RemoveItem {
                name: made.item.clone(),
            });
        }
        for request in requests {
            match talk.ask(request).await {
                Ok(_) => {}
                // Somebody removed it meanwhile.
                Err(refusal) if refusal.code.ends_with("::unknown") => {}
                Err(refusal) => {
                    stuck.insert(&made.item, refusal);
                }
            }
        }
        if !stuck.contains_key(made.item.as_str()) {
            if made.made {
                talk.screen.marked(
                    Mark::Good,
                    "",
                    &harmless(&format!("{} was removed", made.item)),
                );
            }
            removed.push(made.clone());
        }
    }
    program.forget_imports(&removed)?;
    for (item, refusal) in &stuck {
        let text = format!("{item} stays: {}", refusal.message);
        talk.screen.marked(Mark::Warning, "", &harmless(&text));
    }
    let left = back
        .turned
        .iter()
        .filter(|turned| turned.done.is_err())
        .count()
        + stuck.len();
    let number = back.turned.len() + back.imported.len();
    let (sentence, exit) = match (number, left) {
        (0, _) if names.is_empty() => ("Nothing had been imported.".to_owned(), ExitCode::Good),
        (0, _) => {
            return Err(Refusal::new(
                "import::unknown",
                "nothing that was imported is called so",
                "without a name, `syncmgr import --undo` brings back everything",
            ));
        }
        (_, 0) if names.is_empty() => ("Everything is back as it was.".to_owned(), ExitCode::Good),
        (_, 0) => (
            "What was named is back as it was.".to_owned(),
            ExitCode::Good,
        ),
        (_, left) => (
            format!("{left} could not be brought back."),
            ExitCode::Warnings,
        ),
    };
    Ok(Verdict::said(sentence, exit))
}
