//! Measures in the text format of OpenMetrics 1.0, for whoever collects them.

use syncmgr_control::view::{Freshness, ItemView, RunState, StatusView};

/// The media type of [`text`].
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is measured of an item: name, help, and its value, where it has one.
type Gauge = (&'static str, &'static str, fn(&ItemView) -> Option<f64>);

const GAUGES: &[Gauge] = &[
    (
        "syncmgr_item_fresh",
        "1 while the last good run is as young as expected; 0 when it is late, overdue or never was",
        |item| Some(flag(item.freshness == Freshness::Fresh)),
    ),
    (
        "syncmgr_item_overdue",
        "1 while the last good run is much older than expected",
        |item| Some(flag(item.freshness == Freshness::Overdue)),
    ),
    (
        "syncmgr_item_failed",
        "1 while the last run failed",
        |item| Some(flag(item.problem.is_some())),
    ),
    ("syncmgr_item_running", "1 while it synchronizes", |item| {
        let runs = matches!(item.run_state, RunState::Syncing | RunState::Stopping);
        Some(flag(runs))
    }),
    ("syncmgr_item_conflicts", "open conflicts", |item| {
        Some(number(item.conflicts))
    }),
    (
        "syncmgr_item_last_good_seconds",
        "when its last good run ended, in seconds since 1970; absent when it never had one",
        |item| item.last_good_ms.map(seconds),
    ),
    (
        "syncmgr_item_last_attempt_seconds",
        "when its last run ended, in seconds since 1970",
        |item| item.last_attempt_ms.map(seconds),
    ),
];

/// Writes the measures. Items beyond one page of `status` are counted and not told one by one.
pub(crate) fn text(status: &StatusView) -> String {
    let mut text = String::new();
    for (name, help, value) in [
        (
            "syncmgr_verdict",
            "the exit code of status: 0 good, 1 warnings, 2 failed, 3 needs you",
            f64::from(status.verdict.exit as u8),
        ),
        (
            "syncmgr_items",
            "items that are listed",
            number(status.total),
        ),
        ("syncmgr_needs", "open questions", number(status.needs)),
        (
            "syncmgr_conflicts",
            "open conflicts of all items",
            number(status.conflicts),
        ),
        (
            "syncmgr_runs_open",
            "runs that go on",
            number(status.running.len() as u64),
        ),
        (
            "syncmgr_handlers_failed",
            "handlers that failed before they listed their items",
            number(status.problems.len() as u64),
        ),
    ] {
        head(&mut text, name, help);
        line(&mut text, name, "", value);
    }
    for (name, help, of) in GAUGES {
        head(&mut text, name, help);
        for item in &status.items {
            if let Some(value) = of(item) {
                let labels = format!(
                    "{{handler=\"{}\",item=\"{}\",name=\"{}\"}}",
                    escaped(&item.handler),
                    escaped(&item.id),
                    escaped(&item.name)
                );
                line(&mut text, name, &labels, value);
            }
        }
    }
    text.push_str("# EOF\n");
    text
}

fn head(text: &mut String, name: &str, help: &str) {
    write_line(text, format_args!("# TYPE {name} gauge"));
    write_line(text, format_args!("# HELP {name} {help}"));
}

fn line(text: &mut String, name: &str, labels: &str, value: f64) {
    write_line(text, format_args!("{name}{labels} {value}"));
}

fn write_line(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.push_str(&line.to_string());
    text.push('\n');
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// Counts beyond 2^53 lose their last digits, as everything in this format does.
#[expect(
    clippy::cast_precision_loss,
    reason = "the format knows no other numbers"
)]
fn number(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds stay exact for 285,000 years"
)]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
