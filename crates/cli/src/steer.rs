//! Short orders, and what the manager is made of: `pause`, `resume`, `stop`, `doctor` and their like.

use jiff::tz::TimeZone;
use syncmgr_control::view::RunState;
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::look::Mark;
use crate::question::word;
use crate::schedule::held_by;
use crate::talk::{Talk, Verdict, ask};
use crate::text::{harmless, wrap};
use crate::when;

/// How far `resume` looks ahead for what starts next.
const NEXT_WITHIN_MS: u64 = 24 * 3600 * 1000;

/// Sends an order that is done at once, and says to what it was done.
pub(crate) async fn order(
    talk: &mut Talk,
    request: Request,
    done: &str,
    nothing: &str,
) -> Result<Verdict, Refusal> {
    let names = ask!(talk, request, Reply::Done { names } => names);
    let sentence = if names.is_empty() {
        nothing.to_owned()
    } else {
        format!("{done}: {}.", names.join(", "))
    };
    Ok(Verdict::said(sentence, ExitCode::Good).with("names", names))
}

/// `pause`: until when, and how it ends before.
pub(crate) async fn pause(
    talk: &mut Talk,
    names: Vec<String>,
    for_ms: Option<u64>,
) -> Result<Verdict, Refusal> {
    let all = names.is_empty();
    let again = names
        .iter()
        .fold("syncmgr resume".to_owned(), |command, name| {
            format!("{command} {}", word(name))
        });
    let request = Request::Pause { names, for_ms };
    let names = ask!(talk, request, Reply::Done { names } => names);
    let until_ms = for_ms.map(|span| {
        talk.now()
            .saturating_add(i64::try_from(span).unwrap_or(i64::MAX))
    });
    let sentence = paused((!all).then_some(names.as_slice()), until_ms, &talk.zone);
    let verdict = Verdict::said(sentence, ExitCode::Good)
        .suggest(again)
        .with("names", names);
    Ok(match until_ms {
        Some(until) => verdict.with("untilMs", until),
        None => verdict,
    })
}

/// That these, or everything, are paused, and until when.
pub(crate) fn paused(names: Option<&[String]>, until_ms: Option<i64>, zone: &TimeZone) -> String {
    let until = match until_ms {
        Some(until) => format!(" until {}", when::moment(until, zone)),
        None => " until you resume it".to_owned(),
    };
    match names {
        None => format!("Everything is paused{until}."),
        Some(names) => format!("Paused{until}: {}.", harmless(&names.join(", "))),
    }
}

/// `resume`: and what starts by itself next.
pub(crate) async fn resume(talk: &mut Talk, names: Vec<String>) -> Result<Verdict, Refusal> {
    let request = Request::Resume {
        names: names.clone(),
    };
    let resumed = ask!(talk, request, Reply::Done { names } => names);
    let sentence = if resumed.is_empty() {
        "Everything goes on.".to_owned()
    } else {
        format!("Resumed: {}.", harmless(&resumed.join(", ")))
    };
    let span_ms = NEXT_WITHIN_MS;
    let request = Request::Forecast { names, span_ms };
    let forecast = ask!(talk, request, Reply::Forecast(forecast) => forecast);
    let status = ask!(talk, Request::Status, Reply::Status(status) => status);
    // What was missed meanwhile is made up for at once.
    let begun = status.items.iter().find(|item| {
        item.run_state != RunState::Idle && (resumed.is_empty() || resumed.contains(&item.name))
    });
    let next = match forecast.starts.first() {
        _ if begun.is_some() => {
            let name = begun.map(|item| harmless(&item.name)).unwrap_or_default();
            format!("{name} starts now: something was missed meanwhile.")
        }
        None => "Nothing of it starts by itself in the next 24 hours.".to_owned(),
        Some(first) => format!(
            "{} starts {}, at {}{}.",
            harmless(&first.name),
            when::ahead(first.coming.at_ms, talk.now()),
            when::moment(first.coming.at_ms, &talk.zone),
            match held_by(&first.coming, &talk.zone) {
                // Where nobody watches, nobody knows.
                held if held.is_empty() || !status.daemon => String::new(),
                held => format!("; but {}", harmless(&held)),
            }
        ),
    };
    let verdict = Verdict::said(format!("{sentence} {next}"), ExitCode::Good);
    let verdict = if !status.daemon && !forecast.starts.is_empty() {
        let sentence = format!("{} No daemon runs that would start it.", verdict.sentence);
        Verdict {
            sentence,
            ..verdict
        }
        .suggest("syncmgr daemon")
    } else {
        verdict
    };
    let next = forecast.starts.first().map(|first| first.coming.at_ms);
    Ok(verdict.with("names", resumed).with("nextMs", next))
}

/// `remove`
pub(crate) async fn remove(talk: &mut Talk, name: String) -> Result<Verdict, Refusal> {
    let request = Request::RemoveItem { name };
    let (names, rules) = ask!(talk, request, Reply::Removed { names, rules } => (names, rules));
    Ok(removed("Removed", names, rules))
}

/// What was removed, and the rules that went with it.
pub(crate) fn removed(done: &str, names: Vec<String>, rules: Vec<String>) -> Verdict {
    let mut sentence = format!("{done}: {}", names.join(", "));
    if !rules.is_empty() {
        let word = if rules.len() == 1 { "rule" } else { "rules" };
        sentence = format!("{sentence}, and with it the {word} {}", rules.join(", "));
    }
    let verdict = Verdict::said(harmless(&format!("{sentence}.")), ExitCode::Good);
    verdict.with("names", names).with("rules", rules)
}

/// `doctor`
pub(crate) async fn doctor(talk: &mut Talk) -> Result<Verdict, Refusal> {
    let view = ask!(talk, Request::Doctor, Reply::Doctor(view) => view);
    let look = talk.screen.look;
    let mut wrong = 0;
    for check in &view.checks {
        talk.screen.object(check);
        let good = check.result == ExitCode::Good;
        wrong += u64::from(!good);
        if good && talk.screen.quiet() {
            continue;
        }
        let name = harmless(&check.name);
        let text = format!("{name}: {}", harmless(&check.text));
        let columns = look.wrap_columns().saturating_sub(4).max(20);
        for (index, line) in wrap(&text, columns).into_iter().enumerate() {
            let line = match line.strip_prefix(&name) {
                Some(rest) if index == 0 => {
                    let mark = look.mark(Mark::of_exit(check.result));
                    format!("{mark} {}{rest}", look.bold(&name))
                }
                _ => format!("    {line}"),
            };
            talk.screen.line(line);
        }
        if let Some(hint) = &check.hint {
            talk.screen.wrapped(4, &harmless(hint));
        }
    }
    let sentence = if wrong == 0 {
        format!(
            "All {} are good.",
            when::count(
                u64::try_from(view.checks.len()).unwrap_or(u64::MAX),
                "check"
            )
        )
    } else {
        format!("{} found something.", when::count(wrong, "check"))
    };
    Ok(Verdict::said(sentence, view.exit))
}
