//! What starts by itself: `schedule`.

use syncmgr_control::rule::{RuleText, RuleView};
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::look::Mark;
use crate::table::{Cell, Table};
use crate::talk::{Talk, Verdict, ask};
use crate::target::{Origin, TargetError, absolute};
use crate::text::harmless;
use crate::when;

/// So many coming times `--explain` tells.
const EXPLAINED: u32 = 5;

/// `schedule` and `schedule NAME`
pub(crate) async fn list(talk: &mut Talk, names: Vec<String>) -> Result<Verdict, Refusal> {
    let rules = ask!(talk, Request::Rules { names }, Reply::Rules(rules) => rules);
    for rule in &rules {
        talk.screen.object(rule);
    }
    if rules.is_empty() {
        let suggestion = "syncmgr schedule NAME 'daily at 02:00'";
        let bold = talk.screen.look.bold(suggestion);
        talk.screen
            .line(format!("Nothing starts by itself. Next: {bold}"));
        return Ok(
            Verdict::of_list("Nothing starts by itself.".to_owned(), ExitCode::Good)
                .suggest(suggestion.to_owned()),
        );
    }
    let mut table = Table::new(&["RULE", "ITEMS", "STARTS", "ONLY WITH", "NEXT"]);
    for rule in &rules {
        table.row(vec![
            Cell::new(&rule.rule.name),
            Cell::new(items(rule)),
            Cell::new(starts(rule)),
            Cell::new(rule.rule.when.join(", ")),
            Cell::new(match (rule.next_ms, &rule.held_by) {
                (Some(at), None) => when::ahead(at, talk.now()),
                (_, Some(held)) => format!("held: {held}"),
                (None, None) => String::new(),
            }),
        ]);
    }
    let lines = table.lines(&talk.screen.look);
    talk.screen.lines(lines);
    let sentence = format!("{}.", when::count(rules.len() as u64, "rule"));
    with_daemon(talk, Verdict::of_list(sentence, ExitCode::Good)).await
}

/// A cause or condition with the path in it as seen from here: the manager is somewhere else.
pub(crate) fn anchored(text: &str, origin: Origin<'_>) -> Result<String, TargetError> {
    let Some((word, path)) = text.trim().split_once(char::is_whitespace) else {
        return Ok(text.to_owned());
    };
    let path = path.trim();
    let is_path = match word.to_lowercase().as_str() {
        "change" => true,
        // `LABEL=…` and `UUID=…` are volumes.
        "mounted" => path.starts_with(['/', '.', '~']) || std::path::Path::new(path).is_absolute(),
        _ => false,
    };
    if !is_path {
        return Ok(text.to_owned());
    }
    let absolute = absolute(path.as_ref(), origin)?;
    // It began as text, and so did the directory, unless its name is no text: then the manager refuses it as relative.
    Ok(absolute
        .to_str()
        .map_or_else(|| text.to_owned(), |path| format!("{word} {path}")))
}

/// `schedule NAME WHEN…`
pub(crate) async fn add(talk: &mut Talk, rule: RuleText) -> Result<Verdict, Refusal> {
    let rule = ask!(talk, Request::AddRule(rule), Reply::Rule(rule) => rule);
    talk.screen.object(&*rule);
    let mut sentence = format!("{}: {}", rule.rule.name, items(&rule));
    let on = starts(&rule);
    if !on.is_empty() {
        sentence = format!("{sentence} {} {on}", verb(&rule));
    }
    if !rule.rule.when.is_empty() {
        sentence = format!("{sentence}, only with {}", rule.rule.when.join(", "));
    }
    if let Some(at) = rule.next_ms {
        sentence = format!(
            "{sentence}; next {}, {}",
            when::ahead(at, talk.now()),
            when::moment(at, &talk.zone)
        );
    }
    if let Some(held) = &rule.held_by {
        sentence = format!("{sentence}; held: {held}");
    }
    let sentence = harmless(&format!("{sentence}."));
    let mark = talk.screen.look.mark(Mark::Good);
    talk.screen.line(format!("{mark} {sentence}"));
    with_daemon(talk, Verdict::of_list(sentence, ExitCode::Good)).await
}

/// `schedule --explain WHEN`
pub(crate) async fn explain(talk: &mut Talk, schedule: String) -> Result<Verdict, Refusal> {
    let request = Request::Explain {
        schedule,
        count: EXPLAINED,
    };
    let explained = ask!(talk, request, Reply::Schedule(schedule) => schedule);
    talk.screen.object(&explained);
    let normalised = harmless(&explained.normalised);
    let bold = talk.screen.look.bold(&normalised);
    talk.screen.line(bold);
    for at in &explained.next_ms {
        let line = format!(
            "  {}  {}",
            when::moment(*at, &talk.zone),
            when::ahead(*at, talk.now())
        );
        talk.screen.line(line);
    }
    Ok(Verdict::of_list(
        match explained.next_ms.first() {
            Some(at) => format!("{normalised}: next {}.", when::ahead(*at, talk.now())),
            None => format!("{normalised}: when it is due next depends on the last run."),
        },
        ExitCode::Good,
    ))
}

/// Without a daemon nobody is there to start anything; that must not be found out the day after.
async fn with_daemon(talk: &mut Talk, verdict: Verdict) -> Result<Verdict, Refusal> {
    let status = ask!(talk, Request::Status, Reply::Status(status) => status);
    if status.daemon {
        return Ok(verdict);
    }
    let bold = talk.screen.look.bold("syncmgr daemon");
    talk.screen.line(format!(
        "Nothing starts by itself while no daemon runs; what is missed meanwhile is caught up once.\nNext: {bold}"
    ));
    Ok(verdict.suggest("syncmgr daemon".to_owned()))
}

fn items(rule: &RuleView) -> String {
    match (rule.count, rule.rule.items.is_empty() && rule.written) {
        (_, true) => "everything ticked".to_owned(),
        (0, false) => format!("{} (no item now)", rule.rule.items.join(", ")),
        (count, false) => {
            let mut names = rule.names.join(", ");
            let more = count.saturating_sub(rule.names.len() as u64);
            if more > 0 {
                names = format!("{names} and {more} more");
            }
            names
        }
    }
}

fn verb(rule: &RuleView) -> &'static str {
    if rule.count == 1 { "starts" } else { "start" }
}

fn starts(rule: &RuleView) -> String {
    let on = rule.rule.on.join(" · ");
    if rule.rule.ask {
        format!("{on} (asks first)")
    } else {
        on
    }
}
