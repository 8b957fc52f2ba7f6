//! Checks of the installation: the home, the database, the handlers.

use syncmgr_control::view::{CheckView, DoctorView};
use syncmgr_control::{ExitCode, Refusal, Reply};
use syncmgr_core::problem::{FailedStep, HandlerProblem};
use syncmgr_host::Limits;
use syncmgr_store::Finding;

use crate::adapt::text;
use crate::bridging;
use crate::launch::{self, Launch};
use crate::overview::quoted;
use crate::property;
use crate::run::{Answerer, Loop};
use crate::source::{Availability, Subject};

/// So many warnings of rules are told.
const MAX_WARNINGS: usize = 10;

impl Loop {
    /// Examines what can be examined, beside the loop.
    pub(crate) fn examine(&mut self, reply: Answerer) {
        let home = good(
            "home",
            format!(
                "configuration in {}, state in {}",
                self.places.config_dir.display(),
                self.places.state_dir.display()
            ),
        );
        let manager = good(
            "manager",
            if self.daemon {
                "a daemon manages this home"
            } else {
                "no daemon runs; each command manages by itself"
            }
            .to_owned(),
        );
        let mut configuration = good(
            "configuration",
            format!(
                "{}, {}",
                some(self.config.config.item.len(), "defined item"),
                some(self.config.config.handler.len(), "registered handler")
            ),
        );
        if let Some(refusal) = &self.config_problem {
            configuration = CheckView {
                name: "configuration".to_owned(),
                result: ExitCode::Warnings,
                text: text::line(&format!(
                    "as it was edited it is not in force, the one before stays: {}",
                    crate::reload::problem(refusal)
                )),
                hint: refusal.hint.clone(),
            };
        }
        let mut checks = vec![home, manager, configuration];
        checks.push(triggers());
        checks.extend(self.rules_check());
        checks.extend(deliveries(self.sender.state()));
        checks.extend(self.idle_policies().iter().map(|name| idle_policy(name)));
        checks.extend(sources(self.sources.availability()));
        if let Some(probe) = &self.config.config.manager.probe {
            let text = format!("a network counts as usable once {probe} answers");
            checks.push(good("probe", text));
        }
        let handlers: Vec<(String, Option<Launch>, Option<HandlerProblem>)> = self
            .manager
            .handlers()
            .filter(|row| !self.manager.reports_only(&row.id)) // nobody to ask
            .map(|row| {
                (
                    self.manager.called(&row.id),
                    launch::find(&row.id, &self.config, &self.places, &self.program),
                    row.problem.clone(),
                )
            })
            .collect();
        let reader = self.store.reader();
        let bridges = self.config.config.bridge.clone();
        let limits = self.limits.clone();
        let shown = self.manager.notices_are_wanted();
        let trouble = self.desktop.trouble();
        self.property.spawn(async move {
            checks.push(notices(shown, trouble).await);
            checks.push(database(reader).await);
            checks.extend(bridging::checks(&bridges).await);
            for (called, launch, problem) in handlers {
                checks.push(handler(&called, launch, problem.as_ref(), &limits).await);
            }
            let exit = worst(&checks);
            if reply
                .send(Ok(Reply::Doctor(DoctorView { checks, exit })))
                .is_err()
            {
                tracing::debug!("nobody waits for the doctor any more");
            }
        });
    }
}

impl Loop {
    /// Whether the rules can do what they say on this machine; nothing while there are none.
    fn rules_check(&self) -> Option<CheckView> {
        let mut number = 0;
        let mut warnings: Vec<String> = Vec::new();
        for (rule, _) in self.manager.rules() {
            number += 1;
            let mut found = self.rule_warnings(rule);
            if let Some(circle) = self.manager.circle_of(rule) {
                found.push(format!(
                    "through `after` it would start itself again and again: {}",
                    crate::scheduling::circle_text(&circle)
                ));
            }
            warnings.extend(
                found
                    .into_iter()
                    .map(|text| format!("{}: {text}", rule.name)),
            );
        }
        if number == 0 {
            return None;
        }
        if warnings.is_empty() {
            return Some(good("rules", some(number, "rule")));
        }
        let more = warnings.len().saturating_sub(MAX_WARNINGS);
        warnings.truncate(MAX_WARNINGS);
        if more > 0 {
            warnings.push(format!("and {more} more"));
        }
        Some(CheckView {
            name: "rules".to_owned(),
            result: ExitCode::Warnings,
            text: text::line(&warnings.join("; ")),
            hint: Some(
                "give these rules other causes or conditions, or make the machine tell: docs/sources.md"
                    .to_owned(),
            ),
        })
    }
}

/// Which triggers are followed.
fn triggers() -> CheckView {
    good(
        "triggers",
        "by hand, by programs, and by the rules that `syncmgr schedule` shows, while a daemon runs"
            .to_owned(),
    )
}

/// Whether notices are shown. A machine without a desktop has nobody to show them to, which is no fault.
async fn notices(wanted: bool, trouble: Option<String>) -> CheckView {
    if !wanted {
        return good(
            "notices",
            "none: no daemon runs, or `notices` says so".to_owned(),
        );
    }
    match (crate::desktop::probe().await, trouble) {
        (Ok(by), None) => good("notices", format!("shown by {by}")),
        (Ok(by), Some(trouble)) => CheckView {
            name: "notices".to_owned(),
            result: ExitCode::Warnings,
            text: text::line(&format!(
                "shown by {by}, but the last one was not: {trouble}"
            )),
            hint: None,
        },
        (Err(why), _) => good("notices", format!("not shown: {why}")),
    }
}

/// What waits to be sent, and why it does not arrive.
fn deliveries(state: (usize, Option<&str>)) -> Option<CheckView> {
    let (waiting, trouble) = state;
    let trouble = trouble?;
    Some(CheckView {
        name: "webhooks and pings".to_owned(),
        result: ExitCode::Warnings,
        text: text::line(&format!(
            "{} to be sent; {trouble}",
            some(waiting, "message")
        )),
        hint: Some("check the address, the network and that server".to_owned()),
    })
}

/// A policy that is about nothing: a name in it is wrong, or what it names is gone.
fn idle_policy(name: &str) -> CheckView {
    CheckView {
        name: format!("policy {name}"),
        result: ExitCode::Warnings,
        text: "selects no item".to_owned(),
        hint: Some(
            "correct its `items`: names of items, handlers or labels, as `syncmgr list` shows them"
                .to_owned(),
        ),
    }
}

/// Whether everything is watched. That something is not is no fault of the installation: it is told, and whoever waits for it
/// says so. What takes several subjects away is told in full once.
fn sources<'a>(all: impl Iterator<Item = (Subject, &'a Availability)>) -> Vec<CheckView> {
    let mut told: Vec<(Subject, bool, String)> = all
        .map(|(subject, is)| match is {
            Availability::Watching { by } => (subject, true, format!("watched by {by}")),
            Availability::Unavailable { because } => {
                (subject, false, format!("not watched: {because}"))
            }
        })
        .collect();
    let shared = told.iter().find_map(|(_, watched, text)| {
        let because = text.strip_prefix("not watched: ").filter(|_| !watched)?;
        // What says nothing behind its first words is short enough to be said each time.
        let (what, _) = because.split_once(": ")?;
        let often = told.iter().filter(|(_, _, text)| text.ends_with(because));
        (often.count() > 1).then(|| (what.to_owned(), because.to_owned()))
    });
    let mut last = None;
    if let Some((what, because)) = shared {
        let (mut gone, mut less) = (Vec::new(), Vec::new());
        for (subject, watched, text) in &mut told {
            if let Some(before) = text.strip_suffix(&because) {
                *text = format!("{before}{what}");
                let names = if *watched { &mut less } else { &mut gone };
                names.push(subject.name());
            }
        }
        let mut text = format!(
            "{because}. Without it nothing tells of: {}",
            gone.join(", ")
        );
        if !less.is_empty() {
            text = format!("{text}; less is told of: {}", less.join(", "));
        }
        let name = what.strip_prefix("no ").unwrap_or(&what);
        last = Some(good(name, text));
    }
    let told = told.into_iter();
    told.map(|(subject, _, text)| good(subject.name(), text))
        .chain(last)
        .collect()
}

fn good(name: &str, text: String) -> CheckView {
    CheckView {
        name: name.to_owned(),
        result: ExitCode::Good,
        text: text::line(&text),
        hint: None,
    }
}

/// What all of them together come to.
pub(crate) fn worst(checks: &[CheckView]) -> ExitCode {
    let is = |exit| checks.iter().any(|check| check.result == exit);
    if is(ExitCode::Failed) {
        ExitCode::Failed
    } else if is(ExitCode::Warnings) {
        ExitCode::Warnings
    } else {
        ExitCode::Good
    }
}

async fn database(
    reader: Result<syncmgr_store::Reader, syncmgr_store::OpenStoreError>,
) -> CheckView {
    let failed = |cause: String| {
        CheckView {
        name: "database".to_owned(),
        result: ExitCode::Failed,
        text: text::line(&cause),
        hint: Some("keep a copy of the state directory, then move the database away: a new one is made, and `syncmgr sync` finds out again what is in sync".to_owned()),
    }
    };
    let reader = match reader {
        Ok(reader) => reader,
        Err(error) => return failed(crate::perform::reason(&error)),
    };
    let found = tokio::task::spawn_blocking(move || reader.integrity()).await;
    let findings = match found {
        Ok(Ok(findings)) => findings,
        Ok(Err(error)) => return failed(crate::perform::reason(&error)),
        Err(error) => return failed(error.to_string()),
    };
    let problems: Vec<String> = findings
        .iter()
        .filter(|f| f.is_problem())
        .map(ToString::to_string)
        .collect();
    if problems.is_empty() {
        let size = findings.iter().find_map(|finding| match finding {
            Finding::Size(bytes) => Some(*bytes),
            _ => None,
        });
        good(
            "database",
            format!("whole, {} KiB", size.unwrap_or(0).div_ceil(1024)),
        )
    } else {
        failed(problems.join("; "))
    }
}

async fn handler(
    called: &str,
    launch: Option<Launch>,
    problem: Option<&HandlerProblem>,
    limits: &Limits,
) -> CheckView {
    let name = format!("handler {called}");
    let outcome = match launch {
        Some(launch) => property::greet(&launch, limits).await,
        None => Err(Refusal::new(
            "handler::unknown",
            "it is not registered any more",
            "",
        )),
    };
    match outcome {
        // It answers now; what it was asked for last came to nothing all the same.
        Ok(_) if let Some(problem) = problem => {
            let failed = match problem.step {
                FailedStep::Start => "could not be started",
                FailedStep::Initialize => "could not be initialized",
                FailedStep::List => "could not list its items",
            };
            CheckView {
                result: match problem.step {
                    FailedStep::Start | FailedStep::Initialize => ExitCode::Warnings,
                    FailedStep::List => ExitCode::Failed,
                },
                text: text::line(&format!(
                    "answers, but {failed} when it was asked last: {}",
                    problem.text
                )),
                hint: Some(format!(
                    "`syncmgr sync {0}` asks it again; `syncmgr log {0}` shows what it wrote",
                    quoted(called)
                )),
                name,
            }
        }
        Ok(features) if features.is_empty() => good(&name, "answers".to_owned()),
        Ok(features) => good(&name, format!("answers; it offers {}", features.join(", "))),
        Err(refusal) => CheckView {
            name,
            result: ExitCode::Failed,
            text: std::iter::once(refusal.message)
                .chain(refusal.causes)
                .collect::<Vec<_>>()
                .join(": "),
            hint: refusal.hint.filter(|hint| !hint.is_empty()),
        },
    }
}

/// A number of things, as people write it.
fn some(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_several_subjects_away_is_told_in_full_once() {
        let cause = "no system bus: failed to connect to `unix:path=/a`: No such file or directory";
        let gone = |because: &str| Availability::Unavailable {
            because: because.to_owned(),
        };
        let watched = |by: &str| Availability::Watching { by: by.to_owned() };
        let lines = |told: &[(Subject, Availability)]| -> Vec<String> {
            let checks = sources(told.iter().map(|(subject, is)| (*subject, is)));
            let line = |check: &CheckView| format!("{}: {}", check.name, check.text);
            checks.iter().map(line).collect()
        };
        assert_eq!(
            lines(&[
                (Subject::Session, gone(cause)),
                (Subject::Idle, gone(cause)),
                (Subject::Network, watched(&format!("the routes: {cause}"))),
                (Subject::Mounts, watched("the system's list of mounts")),
            ]),
            [
                "sessions: not watched: no system bus".to_owned(),
                "idleness: not watched: no system bus".to_owned(),
                "network: watched by the routes: no system bus".to_owned(),
                "mounts: watched by the system's list of mounts".to_owned(),
                format!(
                    "system bus: {cause}. Without it nothing tells of: sessions, idleness; less is told of: network"
                ),
            ]
        );
        // One alone says it itself, and so does what is short.
        for (told, line) in [
            (
                vec![(Subject::Idle, gone(cause))],
                format!("idleness: not watched: {cause}"),
            ),
            (
                vec![
                    (Subject::Session, gone("it went")),
                    (Subject::Idle, gone("it went")),
                ],
                "idleness: not watched: it went".to_owned(),
            ),
        ] {
            assert_eq!(lines(&told).last(), Some(&line));
            assert_eq!(lines(&told).len(), told.len());
        }
    }
}
