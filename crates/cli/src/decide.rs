//! Deciding the conflicts of items by a rule: `resolve --all`, `--newest`, `--match`.

use std::collections::BTreeMap;

use syncmgr_control::decide::{DecisionView, Stay};
use syncmgr_control::request::MAX_PAGE;
use syncmgr_control::view::{Level, RunDetail};
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::follow::{Followed, follow};
use crate::talk::{Talk, Verdict, unexpected};
use crate::text::harmless;
use crate::when;

/// Most conflicts that are looked at for the items that they are of.
const MAX_LOOKED_AT: u64 = 10_000;
/// How often the same is asked of one item; each time decides a thousand.
const MAX_ROUNDS: usize = 10;

/// How conflicts are decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// An item's name; nothing: every item.
    pub(crate) name: Option<String>,
    /// A choice, or `newest`.
    pub(crate) choice: String,
    /// Only what has a name like this.
    pub(crate) matching: Option<String>,
    /// Only say what it would decide.
    pub(crate) preview: bool,
}

/// What came of a rule so far.
#[derive(Default)]
struct Sum {
    decided: u64,
    stays: BTreeMap<Stay, u64>,
    worst: Option<ExitCode>,
    problem: Option<String>,
    runs: Vec<u64>,
}

/// `resolve --all CHOICE [NAME]` and its like.
pub(crate) async fn decide(talk: &mut Talk, rule: Rule) -> Result<Verdict, Refusal> {
    let items = items_in_conflict(talk, rule.name.clone()).await?;
    if items.is_empty() {
        let sentence = match &rule.name {
            Some(name) => format!("No conflicts of {name} are open."),
            None => "No conflicts are open.".to_owned(),
        };
        return Ok(Verdict::said(sentence, ExitCode::Good));
    }
    let mut sum = Sum::default();
    for item in items {
        if !decide_item(talk, &rule, &item, &mut sum).await? {
            break;
        }
    }
    conclude(talk, &rule, sum)
}

/// Decides those of one item; says whether to go on with the next one.
async fn decide_item(
    talk: &mut Talk,
    rule: &Rule,
    item: &str,
    sum: &mut Sum,
) -> Result<bool, Refusal> {
    for _ in 0..MAX_ROUNDS {
        let changes = talk.service.changes().await?;
        let request = Request::Decide {
            name: item.to_owned(),
            choice: rule.choice.clone(),
            matching: rule.matching.clone(),
            preview: rule.preview,
        };
        let Reply::Decided(view) = talk.ask(request).await? else {
            return Err(unexpected());
        };
        if rule.preview {
            tell(talk, &view);
        }
        let Some(request) = view.request else {
            sum.decided += if rule.preview { view.decides } else { 0 };
            stay(sum, &view);
            return Ok(true);
        };
        let followed = follow(talk, changes, request).await?;
        let exit = followed.outcome.exit();
        let run = run_of(talk, &followed).await;
        sum.decided += match &run {
            Some(run) => decided(run),
            None if exit == ExitCode::Good => view.decides,
            None => 0,
        };
        sum.runs.extend(run.map(|run| run.run.id));
        sum.worst = sum.worst.max(Some(exit));
        if exit != ExitCode::Good && sum.problem.is_none() {
            sum.problem = followed.bad.first().map(|finish| finish.text.clone());
        }
        let stopped = followed.left || followed.interrupted;
        if stopped || view.later == 0 || exit != ExitCode::Good {
            stay(sum, &view);
            return Ok(!stopped);
        }
    }
    Ok(true)
}

fn stay(sum: &mut Sum, view: &DecisionView) {
    for stay in &view.stays {
        *sum.stays.entry(stay.why).or_default() += stay.count;
    }
}

/// Says what a rule would decide of an item.
fn tell(talk: &mut Talk, view: &DecisionView) {
    talk.screen.object(view);
    talk.screen.line(format!(
        "{}: decides {} of {}",
        harmless(&view.item),
        view.decides,
        view.of
    ));
    for decided in &view.first {
        let line = format!(
            "    {}: {}",
            harmless(&decided.name),
            harmless(&decided.choice)
        );
        talk.screen.line(line);
    }
    let shown = u64::try_from(view.first.len()).unwrap_or(u64::MAX);
    if view.decides + view.later > shown {
        let more = view.decides + view.later - shown;
        talk.screen.line(format!("    and {more} more"));
    }
}

fn conclude(talk: &mut Talk, rule: &Rule, sum: Sum) -> Result<Verdict, Refusal> {
    let offered = sum.decided > 0 || sum.stays.keys().any(|why| *why != Stay::NotOffered);
    if !offered && !sum.stays.is_empty() {
        return Err(Refusal::new(
            "cli::no-such-choice",
            format!("no open conflict offers {:?}", rule.choice),
            "the choices are listed by: syncmgr conflicts",
        ));
    }
    let conflicts = when::count(sum.decided, "conflict");
    let mut sentence = if rule.preview {
        format!("{conflicts} would be resolved")
    } else {
        format!("{conflicts} resolved")
    };
    let mut exit = sum.worst.unwrap_or(ExitCode::Good);
    for (why, count) in &sum.stays {
        exit = exit.max(ExitCode::Warnings);
        let stays = if *count == 1 { "stays" } else { "stay" };
        sentence = format!("{sentence}; {count} {stays}: {}", why.words());
    }
    if let Some(problem) = &sum.problem {
        sentence = format!("{sentence}; {}", harmless(problem));
    }
    sentence.push('.');
    if rule.preview {
        return Ok(Verdict::said(sentence, ExitCode::Good).with("decides", sum.decided));
    }
    if let Some(run) = sum.runs.last() {
        let look = talk.screen.look;
        let line = format!("The other versions are kept; take it back: syncmgr undo {run}");
        talk.screen.line(look.dim(&line));
    }
    let verdict = Verdict::said(sentence, exit)
        .with("resolved", sum.decided)
        .with("runs", sum.runs);
    Ok(match exit {
        ExitCode::Good => verdict,
        _ => verdict.suggest("syncmgr conflicts"),
    })
}

/// What names each item that has conflicts.
async fn items_in_conflict(talk: &Talk, name: Option<String>) -> Result<Vec<String>, Refusal> {
    let mut items: Vec<String> = Vec::new();
    let mut looked = 0;
    while looked < MAX_LOOKED_AT {
        let request = Request::Conflicts {
            name: name.clone(),
            offset: u32::try_from(looked).unwrap_or(u32::MAX),
            limit: MAX_PAGE,
        };
        let Reply::Conflicts(view) = talk.ask(request).await? else {
            return Err(unexpected());
        };
        for conflict in &view.conflicts {
            let item = if conflict.item_id.is_empty() {
                conflict.item.clone()
            } else {
                format!("{}/{}", conflict.handler, conflict.item_id)
            };
            if !items.contains(&item) {
                items.push(item);
            }
        }
        looked += u64::try_from(view.conflicts.len()).unwrap_or(u64::MAX);
        if view.conflicts.is_empty() || looked >= view.total {
            break;
        }
    }
    Ok(items)
}

/// The run that carried a decision out.
pub(crate) async fn run_of(talk: &Talk, followed: &Followed) -> Option<RunDetail> {
    let id = followed.progress.runs().last()?;
    match talk.ask(Request::Run { id }).await {
        Ok(Reply::Run(run)) => Some(*run),
        _ => None,
    }
}

/// How many conflicts a run decided: each is one entry of its log.
fn decided(run: &RunDetail) -> u64 {
    let log = run.log.iter();
    let done = log.filter(|entry| entry.level == Level::Information);
    u64::try_from(done.count()).unwrap_or(u64::MAX)
}
