//! What starts by itself: `schedule`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use syncmgr_control::rule::{RuleText, RuleView};
use syncmgr_control::view::{ComingView, Forecast};
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::look::Mark;
use crate::table::{Cell, Table};
use crate::talk::{Talk, Verdict, ask};
use crate::target::{Origin, TargetError, absolute};
use crate::text::harmless;
use crate::when;

/// So many starts of an item by one rule are shown one by one; `--json` has all.
const MAX_SHOWN: usize = 10;
/// What starts an item that no rule starts.
const RETRY: &str = "another try";

/// What was seen of an item's starts by one rule.
#[derive(Default)]
struct Shown {
    starts: usize,
    /// The last one that is not shown by itself.
    last_ms: i64,
}

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
            Cell::new(starts(rule, str::to_owned)),
            Cell::new(rule.rule.when.join(", ")),
            Cell::new(match (rule.next_ms, &rule.held_by) {
                (Some(at), None) => when::ahead(at, talk.now()),
                (_, Some(held)) => format!("held: {held}"),
                (None, None) => String::new(),
            }),
        ]);
    }
    let lines = table.wrapped(&talk.screen.look);
    talk.screen.lines(lines);
    for rule in rules.iter().filter(|rule| !rule.also.is_empty()) {
        let also = format!("{}: {}.", rule.rule.name, others_say(rule));
        talk.screen.wrapped(2, &harmless(&also));
    }
    for rule in &rules {
        warn(talk, rule, &format!("{}: ", rule.rule.name));
    }
    let sentence = format!("{}.", when::count(rules.len() as u64, "rule"));
    with_daemon(talk, Verdict::of_list(sentence, ExitCode::Good)).await
}

/// A cause or condition with the path in it as seen from here: the manager is somewhere else.
pub(crate) fn anchored(text: &str, origin: Origin<'_>) -> Result<String, TargetError> {
    let Some((word, path)) = text.trim().split_once(char::is_whitespace) else {
        return Ok(text.to_owned());
    };
    let path = path.trim();
    // `free PATH SIZE`: the size may have a blank before its unit.
    let (path, size) = if word.eq_ignore_ascii_case("free") {
        let digit = |(at, _): &(usize, &str)| {
            path.get(at + 1..)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        match path.rmatch_indices(char::is_whitespace).find(digit) {
            Some((at, _)) => path.split_at(at),
            None => (path, ""),
        }
    } else {
        (path, "")
    };
    let is_path = match word.to_lowercase().as_str() {
        "free" => !size.is_empty(),
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
        .map_or_else(|| text.to_owned(), |path| format!("{word} {path}{size}")))
}

/// `schedule NAME WHEN…`
pub(crate) async fn add(talk: &mut Talk, rule: RuleText) -> Result<Verdict, Refusal> {
    let rule = ask!(talk, Request::AddRule(rule), Reply::Rule(rule) => rule);
    talk.screen.object(&*rule);
    let mut sentence = format!("{}: {}", rule.rule.name, items(&rule));
    let on = starts(&rule, cause_text);
    if !on.is_empty() {
        sentence = format!("{sentence} {} {on}", verb(&rule));
    }
    if !rule.rule.when.is_empty() {
        sentence = format!("{sentence}, only with {}", rule.rule.when.join(", "));
    }
    if !rule.also.is_empty() {
        sentence = format!("{sentence}; {}", others_say(&rule));
    }
    if let Some(at) = rule.next_ms {
        sentence = format!(
            "{sentence}; next {}, {}{}",
            when::ahead(at, talk.now()),
            when::moment(at, &talk.zone),
            zone_note(&rule.zones, talk)
        );
    }
    if let Some(held) = &rule.held_by {
        sentence = format!("{sentence}; held: {held}");
    }
    let sentence = harmless(&format!("{sentence}."));
    talk.screen.marked(Mark::Good, "", &sentence);
    if !rule.holds.is_empty() {
        let line = format!(
            "Conditions belong to items: it also holds back what {} start{}.",
            rule.holds.join(", "),
            if rule.holds.len() == 1 { "s" } else { "" }
        );
        talk.screen.line(harmless(&line));
    }
    warn(talk, &rule, "");
    with_daemon(talk, Verdict::of_list(sentence, ExitCode::Good)).await
}

/// `schedule --explain WHEN`
pub(crate) async fn explain(talk: &mut Talk, schedule: String) -> Result<Verdict, Refusal> {
    let request = Request::Explain {
        schedule,
        count: EXPLAINED,
        item: None,
        when: Vec::new(),
    };
    let explained = ask!(talk, request, Reply::Schedule(schedule) => schedule);
    talk.screen.object(&explained);
    let normalised = harmless(&explained.normalised);
    let bold = talk.screen.look.bold(&normalised);
    talk.screen.line(bold);
    for at in &explained.next_ms {
        let line = format!(
            "  {}{}  {}",
            when::moment(*at, &talk.zone),
            zone_note(&explained.zones, talk),
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
        "No daemon runs, and without one nothing starts by itself. Next: {bold}"
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

/// The conditions that hold for the items of a rule because other rules say them.
fn others_say(rule: &RuleView) -> String {
    let mut by_rule: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for also in &rule.also {
        by_rule.entry(&also.rule).or_default().push(&also.condition);
    }
    let said: Vec<String> = by_rule
        .into_iter()
        .map(|(rule, conditions)| format!("{} (rule {rule})", conditions.join(", ")))
        .collect();
    format!("its items also wait for {}", said.join(" and "))
}

fn warn(talk: &mut Talk, rule: &RuleView, name: &str) {
    for warning in &rule.warnings {
        let text = harmless(&format!("{name}{warning}."));
        talk.screen.marked(Mark::Warning, "", &text);
    }
}

/// `schedule --next DURATION`
pub(crate) async fn forecast(
    talk: &mut Talk,
    names: Vec<String>,
    span_ms: u64,
) -> Result<Verdict, Refusal> {
    let request = Request::Forecast { names, span_ms };
    let Forecast { starts, cut_ms } = ask!(talk, request, Reply::Forecast(forecast) => forecast);
    for start in &starts {
        talk.screen.object(start);
    }
    let mut table = Table::new(&["WHEN", "ITEM", "BY", "HELD BY"]);
    let mut held = 0;
    let mut shown: BTreeMap<_, Shown> = BTreeMap::new();
    for start in &starts {
        let coming = &start.coming;
        held += u64::from(coming.held_by.is_some());
        let of = shown
            .entry((&start.handler, &start.item, &coming.rule))
            .or_default();
        of.starts += 1;
        if of.starts > MAX_SHOWN {
            of.last_ms = coming.at_ms;
            continue;
        }
        table.row(vec![
            Cell::new(when::moment(coming.at_ms, &talk.zone)),
            Cell::new(&start.name),
            Cell::new(coming.rule.as_deref().unwrap_or(RETRY)),
            Cell::new(held_by(coming, &talk.zone)),
        ]);
    }
    if !starts.is_empty() {
        let lines = table.wrapped(&talk.screen.look);
        talk.screen.lines(lines);
    }
    let mut told = BTreeSet::new();
    for start in &starts {
        let of = (&start.handler, &start.item, &start.coming.rule);
        if let Some(more) = shown.get(&of).filter(|of| of.starts > MAX_SHOWN)
            && told.insert(of)
        {
            let line = format!(
                "… and {} more of {} by {} until {}",
                more.starts - MAX_SHOWN,
                start.name,
                of.2.as_deref().unwrap_or(RETRY),
                when::moment(more.last_ms, &talk.zone)
            );
            talk.screen.line(harmless(&line));
        }
    }
    let sentence = match (starts.len() as u64, held) {
        (0, _) => "Time alone starts nothing until then.".to_owned(),
        (number, 0) => format!("{}.", when::count(number, "start")),
        (number, held) => format!(
            "{}, {held} of them held back as things stand.",
            when::count(number, "start")
        ),
    };
    let sentence = match cut_ms {
        Some(cut) => format!(
            "{sentence} More come after {}.",
            when::moment(cut, &talk.zone)
        ),
        None => sentence,
    };
    if starts.is_empty() || cut_ms.is_some() {
        talk.screen.line(&sentence);
    }
    with_daemon(talk, Verdict::of_list(sentence, ExitCode::Good)).await
}

/// What would hold a start back, and when it comes after all.
pub(crate) fn held_by(coming: &ComingView, zone: &TimeZone) -> String {
    match (&coming.held_by, coming.then_ms) {
        (Some(held), Some(then)) => {
            format!("{held}; then at {}", when::moment(then, zone))
        }
        (Some(held), None) => held.clone(),
        (None, _) => String::new(),
    }
}

fn verb(rule: &RuleView) -> &'static str {
    if rule.count == 1 { "starts" } else { "start" }
}

/// Which zone a shown time is of, where the schedule is about another one.
fn zone_note(zones: &[String], talk: &Talk) -> String {
    let here = talk.zone.iana_name();
    if zones.iter().all(|zone| here == Some(zone.as_str())) {
        return String::new();
    }
    match here {
        Some(here) => format!(" ({here})"),
        None => " (the time of this machine)".to_owned(),
    }
}

/// A cause as the end of the sentence "it starts …".
fn cause_text(cause: &str) -> String {
    let (word, rest) = cause.trim().split_once(' ').unwrap_or((cause.trim(), ""));
    let rest = rest.trim();
    match (word.to_lowercase().as_str(), rest) {
        ("logon", "") => "at logon".to_owned(),
        ("logoff", "") => "at logoff".to_owned(),
        ("lock", "") => "when the screen is locked".to_owned(),
        ("unlock", "") => "when the screen is unlocked".to_owned(),
        ("suspend", "") => "before the machine sleeps".to_owned(),
        ("resume", "") => "when the machine wakes up".to_owned(),
        ("network", "") => "when a network comes".to_owned(),
        ("disconnect", "") => "before a network goes".to_owned(),
        ("wifi", name) => format!("when the Wi-Fi {name} comes"),
        ("volume", name) => format!("when the volume {name} appears"),
        ("change", path) => format!("when {path} changes"),
        ("idle", "") => "when nobody uses the machine".to_owned(),
        ("idle", rest) => format!("when idle {rest}"),
        ("after", rest) => match rest.strip_prefix("change of ") {
            Some(name) => format!("after {name} changed something"),
            None => format!("after {rest}"),
        },
        _ => cause.to_owned(),
    }
}

fn starts(rule: &RuleView, cause: fn(&str) -> String) -> String {
    let causes: Vec<String> = rule.rule.on.iter().map(|on| cause(on)).collect();
    let mut on = causes.join(" · ");
    if let Some(jitter) = &rule.rule.jitter {
        on = format!("{on}, up to {jitter} later");
    }
    if let Some(what) = &rule.rule.if_running {
        on = format!("{on}, {what} if it runs");
    }
    if let Some(connection) = &rule.rule.connect {
        on = format!("{on}, over {connection}");
    }
    if rule.rule.ask {
        format!("{on} (asks first)")
    } else {
        on
    }
}
