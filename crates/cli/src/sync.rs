//! Work that is begun and followed: `sync`, `undo`, and what answers begin.

use syncmgr_control::view::{ItemStatus, ItemView, Outcome, StatusView};
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::choose::choose;
use crate::departure::STOPPED;
use crate::follow::{Followed, begin};
use crate::look::{Look, Mark};
use crate::question::word;
use crate::talk::{Talk, Verdict, ask};
use crate::target::{Target, folder_arguments};
use crate::text::harmless;
use crate::when;

/// Most names that a sentence lists.
const MAX_NAMES: usize = 3;

/// `sync`
pub(crate) async fn sync(
    talk: &mut Talk,
    target: Target,
    choosing: bool,
) -> Result<Verdict, Refusal> {
    let names = match target {
        Target::Names(names) => names,
        Target::Pair(left, right) => {
            let arguments = folder_arguments(&left, &right);
            let added = add(talk, None, arguments, true).await?;
            vec![added]
        }
    };
    let request = if choosing {
        let Some(chosen) = choose(talk, names.clone()).await? else {
            let left = "Nothing was chosen, and nothing synchronized.";
            return Ok(Verdict::said(left, ExitCode::Good).with(STOPPED, true));
        };
        chosen
    } else {
        Request::Sync {
            names: names.clone(),
            may_bother_user: talk.interactive && !talk.screen.json(),
        }
    };
    let everything = matches!(&request, Request::Sync { names, .. } if names.is_empty());
    let followed = begin(talk, request)
        .await
        .map_err(|refusal| mention_paths(refusal, &names))?;
    // What was ticked is called as people call it.
    let called: &[String] = if choosing { &[] } else { &names };
    let mut verdict = conclude(&followed, called);
    if everything && !followed.left {
        // Asked for everything, answered about everything.
        let status = ask!(talk, Request::Status, Reply::Status(status) => status);
        if followed.outcome == Outcome::Nothing && followed.progress.done() == 0 {
            verdict = nothing_done(&followed, *status);
            if followed.interrupted {
                verdict = verdict.with(STOPPED, true);
            }
        } else if verdict.exit == status.verdict.exit {
            verdict.sentence = status.verdict.sentence;
            verdict.suggestion = status.verdict.suggestion.or(verdict.suggestion);
        }
    }
    Ok(verdict)
}

/// A plain `sync` that did nothing: why not, and whatever else is wrong, which it must not hide.
fn nothing_done(followed: &Followed, status: StatusView) -> Verdict {
    let items = &status.items;
    let all_seen = u64::try_from(items.len()).unwrap_or(u64::MAX) >= status.total;
    let chosen = |item: &ItemView| item.checked && item.enabled;
    let why = if status.total > 0 && all_seen && !items.iter().any(chosen) {
        Some("no item is ticked for it".to_owned())
    } else {
        followed.problem.as_deref().map(harmless)
    };
    let view = status.verdict;
    let Some(why) = why else {
        return Verdict {
            suggestion: view.suggestion,
            ..Verdict::said(view.sentence, view.exit)
        };
    };
    let mut sentence = format!("Nothing was synchronized: {why}.");
    if view.exit != ExitCode::Good {
        sentence = format!("{sentence} {}", view.sentence);
    }
    Verdict {
        suggestion: view.suggestion.or_else(|| Some("syncmgr list".to_owned())),
        ..Verdict::said(sentence, view.exit.max(ExitCode::Warnings))
    }
}

/// Adds a folder pair and returns the name of its item.
pub(crate) async fn add(
    talk: &mut Talk,
    name: Option<String>,
    arguments: serde_json::Map<String, serde_json::Value>,
    or_existing: bool,
) -> Result<String, Refusal> {
    let request = Request::AddItem {
        handler: "folder".to_owned(),
        name,
        arguments,
        or_existing,
    };
    let added = ask!(talk, request, Reply::Added(added) => added);
    talk.screen.object(&added);
    if !added.existing && !talk.screen.quiet() {
        let look = talk.screen.look;
        talk.screen.line(format!(
            "{} added {}",
            look.mark(Mark::Good),
            look.bold(&harmless(&added.name))
        ));
    }
    Ok(added.name)
}

/// Two names that are not known may have been meant as folders.
fn mention_paths(mut refusal: Refusal, names: &[String]) -> Refusal {
    if let ([left, right], ExitCode::CouldNotStart) = (names, refusal.exit) {
        let command = format!(
            "syncmgr sync {} {}",
            word(&format!("./{left}")),
            word(&format!("./{right}"))
        );
        refusal.hint = Some(match refusal.hint {
            // The manager may have thought of folders too.
            Some(hint) if hint.contains("folders") => format!("{hint}: {command}"),
            Some(hint) => format!("{hint}; two folders are written with a separator: {command}"),
            None => format!("two folders are written with a separator: {command}"),
        });
    }
    refusal
}

/// `undo`
pub(crate) async fn undo(talk: &mut Talk, run: u64) -> Result<Verdict, Refusal> {
    let followed = begin(talk, Request::Undo { run }).await?;
    let mut verdict = conclude(&followed, &[]);
    if matches!(
        followed.outcome,
        Outcome::Succeeded | Outcome::Nothing | Outcome::Warnings
    ) {
        verdict.sentence = match followed.outcome {
            Outcome::Nothing => format!("Run {run} left nothing to bring back."),
            Outcome::Warnings => format!("What run {run} changed was brought back, with warnings."),
            _ => format!("What run {run} changed was brought back."),
        };
        // Undoing is a run like any other.
        verdict.suggestion = followed
            .progress
            .last_run()
            .filter(|_| followed.outcome != Outcome::Nothing)
            .map(|undone| format!("syncmgr undo {undone}"));
    }
    Ok(verdict)
}

/// `open`: follows the link of a log entry, and whatever its handler then tries again.
pub(crate) async fn open(talk: &mut Talk, entry: u64) -> Result<Verdict, Refusal> {
    let followed = begin(talk, Request::OpenLink { entry }).await?;
    let tried = followed.progress.last_run().is_some();
    if tried || followed.left {
        return Ok(conclude(&followed, &[]));
    }
    let why = followed
        .problem
        .as_deref()
        .map_or_else(String::new, |why| format!(": {}", harmless(why)));
    Ok(match followed.outcome {
        Outcome::Failed => Verdict::said(
            format!("The link of entry {entry} could not be followed{why}."),
            ExitCode::Failed,
        )
        .suggest("syncmgr log --warnings"),
        Outcome::Stopped => Verdict::said(
            format!("The link of entry {entry} was followed until it was stopped."),
            followed.outcome.exit(),
        ),
        outcome => Verdict::said(
            format!("The link of entry {entry} was followed; nothing was tried again{why}."),
            outcome.exit(),
        ),
    })
}

/// The verdict on what was followed: one sentence, one suggestion.
pub(crate) fn conclude(followed: &Followed, asked: &[String]) -> Verdict {
    let counts = followed.progress.tally();
    let done = u64::try_from(followed.progress.done()).unwrap_or(u64::MAX);
    let heard: Vec<String> = followed
        .progress
        .names()
        .take(MAX_NAMES)
        .map(str::to_owned)
        .collect();
    // What was asked for has a name, or few enough items took part to name them.
    let named = if !asked.is_empty() {
        asked
    } else if followed.progress.names().len() == heard.len() {
        heard.as_slice()
    } else {
        &[]
    };
    let subject = if named.is_empty() {
        when::count(done, "item")
    } else {
        listed(named)
    };
    let plural = if named.is_empty() {
        done != 1
    } else {
        named.len() > 1
    };
    let (is, was, waits) = if plural {
        ("are", "were", "wait")
    } else {
        ("is", "was", "waits")
    };
    let run = followed.progress.last_run();
    let inspect = run.map(|run| format!("syncmgr run {run}"));
    // After a clean run there is nothing to look at; what it deleted can be had back, where one run did it.
    let bring_back = run
        .filter(|_| counts.deleted > 0 && followed.progress.runs().count() == 1)
        .filter(|_| followed.progress.keeps_what_gives_way())
        .map(|run| format!("syncmgr undo {run}"));
    let held: Vec<String> = followed
        .bad
        .iter()
        .filter(|finish| finish.status == ItemStatus::Held)
        .map(|finish| finish.name.clone())
        .collect();
    let skipped: Vec<String> = followed
        .bad
        .iter()
        .filter(|finish| finish.status == ItemStatus::Skipped)
        .map(|finish| finish.name.clone())
        .collect();
    let first_bad = followed
        .bad
        .iter()
        .find(|finish| !finish.text.is_empty() && finish.status != ItemStatus::Held);
    let why = first_bad
        .map(|finish| finish.text.clone())
        .or_else(|| followed.problem.clone())
        .map(|why| format!(": {}", harmless(&why)))
        .unwrap_or_default();
    let (sentence, suggestion) = match followed.outcome {
        Outcome::Open if followed.left => (
            format!("Left before the end; {subject} may still be at work."),
            Some("syncmgr status".to_owned()),
        ),
        Outcome::Open => (
            format!("{subject} {is} still at work."),
            Some("syncmgr status".to_owned()),
        ),
        Outcome::Nothing if asked.is_empty() && done == 0 => (
            "Nothing had to be done.".to_owned(),
            Some("syncmgr status".to_owned()),
        ),
        Outcome::Nothing if followed.problem.is_some() => (
            // The reason begins with a name, which needs no saying twice.
            match why.strip_prefix(&format!(": {subject}")) {
                Some(why) => format!("{subject} {was} not synchronized{why}."),
                None => format!("{subject} {was} not synchronized{why}."),
            },
            asked
                .first()
                .map(|name| format!("syncmgr why {}", word(name))),
        ),
        Outcome::Nothing => (format!("{subject} {was} in sync already."), None),
        // A handler that did the rest did well (mobsync 3.6), but not everything is in sync.
        Outcome::Succeeded if !skipped.is_empty() => (
            format!(
                "{} {} skipped; the rest was done.",
                listed(&skipped),
                if skipped.len() == 1 { "was" } else { "were" }
            ),
            Some("syncmgr status".to_owned()),
        ),
        Outcome::Succeeded => (format!("{subject} {is} in sync."), bring_back),
        Outcome::Warnings => (
            format!("{subject} {was} synchronized, with warnings{why}."),
            inspect,
        ),
        Outcome::Skipped => (format!("{subject} {was} skipped."), inspect),
        Outcome::Stopped => (
            "Stopped; what was done is kept, and the next sync goes on from there.".to_owned(),
            Some(again(asked)),
        ),
        Outcome::NeedsYou if held.is_empty() && followed.needs.is_empty() => {
            let open = match counts.conflicts {
                0 => "open conflicts".to_owned(),
                some => when::count(some, "open conflict"),
            };
            (
                format!("{subject} {was} synchronized, with {open}."),
                Some("syncmgr conflicts".to_owned()),
            )
        }
        Outcome::NeedsYou => {
            let (who, waits) = match held.as_slice() {
                [] => (subject, waits),
                [one] => (harmless(one), "waits"),
                several => (listed(several), "wait"),
            };
            (
                format!("{who} {waits} for your answer."),
                Some("syncmgr needs".to_owned()),
            )
        }
        Outcome::Failed => (
            match (followed.progress.failed(), done) {
                (0, 0) if asked.is_empty() => format!("Nothing was synchronized{why}."),
                (0, 1..) => format!("{subject} {was} synchronized, but not everything{why}."),
                (failed, all) if failed < all => {
                    let which = first_bad
                        .map_or_else(String::new, |bad| format!(": {}", harmless(&bad.name)));
                    format!(
                        "{failed} of {} {} not synchronized{which}{why}.",
                        when::count(all, "item"),
                        if failed == 1 { "was" } else { "were" }
                    )
                }
                _ => format!("{subject} {was} not synchronized{why}."),
            },
            // Where no item failed there is no run to look at: a handler could not be reached.
            inspect
                .filter(|_| followed.progress.failed() > 0)
                .or_else(|| Some("syncmgr doctor".to_owned())),
        ),
        Outcome::Interrupted => (
            format!("The manager ended while {subject} {was} at work."),
            Some(again(asked)),
        ),
    };
    let exit = if followed.left {
        ExitCode::Failed
    } else if followed.outcome == Outcome::Nothing
        && followed.problem.is_some()
        && !asked.is_empty()
    {
        // It was asked for by its name and did not happen.
        ExitCode::Warnings
    } else if followed.outcome == Outcome::Succeeded && !skipped.is_empty() {
        ExitCode::Warnings
    } else {
        followed.outcome.exit()
    };
    let mut verdict = Verdict::said(sentence, exit);
    verdict.suggestion = suggestion;
    if followed.interrupted || followed.outcome == Outcome::Stopped {
        verdict = verdict.with(STOPPED, true);
    }
    if let Some(run) = run {
        verdict = verdict.with("run", run);
    }
    verdict
}

fn again(asked: &[String]) -> String {
    asked
        .iter()
        .fold("syncmgr sync".to_owned(), |command, name| {
            format!("{command} {}", word(name))
        })
}

pub(crate) fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(MAX_NAMES)
        .map(|name| harmless(name))
        .collect();
    match names.len().checked_sub(shown.len()) {
        Some(more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        _ => match shown.as_slice() {
            [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
            _ => shown.concat(),
        },
    }
}

/// The last line: the verdict, and one command that helps.
pub(crate) fn verdict_line(verdict: &Verdict, look: &Look) -> String {
    let mark = Mark::of_exit(verdict.exit);
    let mut line = format!(
        "{} {}",
        look.mark(mark),
        look.bold(&harmless(&verdict.sentence))
    );
    if let Some(suggestion) = &verdict.suggestion {
        line = format!("{line} Next: {}", look.bold(&harmless(suggestion)));
        if let Some(run) = suggestion.strip_prefix("syncmgr undo ") {
            line = format!("{line} (brings back what run {} replaced)", harmless(run));
        }
    }
    line
}
