//! `import`, `export` and `uninstall`: what they ask, what they print, what they exit with.

use syncmgr_cli::{
    BroughtBack, ExportForm, ExportItem, Exported, FoundJob, FoundJobs, ImportSource, Imported,
    Leftover, LeftoverKind, Turned, Uninstalled,
};
use syncmgr_control::rule::{RuleView, ScheduleView};
use syncmgr_control::view::Added;
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::fake::{NOW_MS, Run};
use crate::samples;

fn job(at: usize, name: &str, on: &str) -> FoundJob {
    FoundJob {
        at: format!("line {at}"),
        original: format!("{on} {name}").into_bytes(),
        name: name.to_owned(),
        on: vec![on.to_owned()],
        when: Vec::new(),
        catch_up: None,
        jitter: None,
        arguments: serde_json::Map::new(),
        command: format!("{name} x"),
        recipe: None,
        guard: None,
        stays: None,
        like: None,
        deletes: None,
        secret: false,
        remarks: vec!["its output is kept\u{1b}".to_owned()],
        obstacle: None,
    }
}

/// What stands in every crontab here.
pub(crate) fn found(source: &ImportSource) -> FoundJobs {
    let jobs = vec![
        FoundJob {
            like: Some("rsync".to_owned()),
            stays: Some("a shell runs it".to_owned()),
            deletes: Some("--delete".to_owned()),
            secret: true,
            when: vec!["mains".to_owned()],
            ..job(1, "rsync", "0 3 * * *")
        },
        job(4, "odd", "0 99 * * *"),
        job(5, "start", "logon"),
        FoundJob {
            like: Some("rclone".to_owned()),
            recipe: Some("rclone".to_owned()),
            deletes: Some("sync".to_owned()),
            guard: Some("what would delete much asks first".to_owned()),
            ..job(6, "rclone", "0 5 * * *")
        },
    ];
    FoundJobs {
        place: "your crontab".to_owned(),
        jobs: if *source == ImportSource::Systemd {
            Vec::new()
        } else {
            jobs
        },
        fixed: matches!(source, ImportSource::Path(_)).then(|| "nobody starts them".to_owned()),
        before: 0,
    }
}

pub(crate) fn turned(imported: &[Imported], turn: bool) -> Vec<Turned> {
    let turned = imported.iter().filter(|_| turn).map(|made| Turned {
        at: made.at.clone(),
        item: made.item.clone(),
        done: if made.item == "start" {
            Err("the disk is full".to_owned())
        } else {
            Ok("is commented out".to_owned())
        },
    });
    turned.collect()
}

pub(crate) fn back(items: &[String]) -> BroughtBack {
    let made = Imported {
        at: "line 1".to_owned(),
        original: Vec::new(),
        item: "rsync".to_owned(),
        made: true,
        rule: Some("rsync".to_owned()),
    };
    if !items.is_empty() && !items.contains(&made.item) {
        return BroughtBack::default();
    }
    BroughtBack {
        turned: vec![Turned {
            at: "your crontab".to_owned(),
            item: "rsync".to_owned(),
            done: Ok("the line is back".to_owned()),
        }],
        imported: vec![made],
    }
}

pub(crate) fn exported(items: &[ExportItem], form: ExportForm) -> Vec<Exported> {
    let item = items.iter().map(|item| Exported {
        name: item.name.clone(),
        files: vec![(
            if form == ExportForm::Cron {
                String::new()
            } else {
                "a.service".to_owned()
            },
            format!("{:?} {:?}\u{1b}", item.starts, item.when),
        )],
        notes: vec!["A note.".to_owned()],
        needs_us: false,
    });
    item.collect()
}

pub(crate) fn leftovers() -> Vec<Leftover> {
    let leftover = |kind, what: &str, files| Leftover {
        kind,
        what: what.to_owned(),
        files,
        bytes: files * 1_000,
    };
    vec![
        leftover(LeftoverKind::Original, "a line of your crontab", 0),
        leftover(LeftoverKind::Kept, "/state/versions", 2),
        leftover(LeftoverKind::Data, "/state", 5),
    ]
}

pub(crate) fn uninstalled(keep_data: bool) -> Uninstalled {
    Uninstalled {
        done: vec![format!("removed; {keep_data}")],
        left: Vec::new(),
    }
}

/// A manager that takes everything, with or without a daemon.
fn manager(
    daemon: bool,
) -> impl FnMut(&Request, &crate::fake::Stage) -> Result<Reply, Refusal> + Send + 'static {
    move |request, _| {
        Ok(match request {
            Request::Explain { schedule, .. } if schedule.contains("99") => {
                return Err(Refusal::new(
                    "schedule::wrong",
                    "hour 99 is not between 0 and 23",
                    "write another",
                ));
            }
            Request::Explain { schedule, .. } => Reply::Schedule(ScheduleView {
                written: schedule.clone(),
                normalised: "*-*-* 03:00:00".to_owned(),
                next_ms: vec![NOW_MS + 3_600_000],
                zones: Vec::new(),
                starts: Vec::new(),
                beside: Vec::new(),
            }),
            Request::Status => {
                let mut status = samples::status();
                status.daemon = daemon;
                Reply::Status(Box::new(status))
            }
            Request::AddItem { name, handler, .. } => Reply::Added(Added {
                name: name.clone().unwrap(),
                id: "1".to_owned(),
                handler: handler.clone(),
                existing: false,
            }),
            Request::Rules { .. } => Reply::Rules(Vec::new()),
            Request::AddRule(rule) => Reply::Rule(Box::new(RuleView {
                rule: syncmgr_control::rule::RuleText {
                    name: "the-rule".to_owned(),
                    ..rule.clone()
                },
                written: true,
                count: 1,
                names: Vec::new(),
                next_ms: Some(NOW_MS + 3_600_000),
                held_by: None,
                held_said: None,
                also: Vec::new(),
                warnings: Vec::new(),
                holds: Vec::new(),
                zones: Vec::new(),
            })),
            Request::RemoveRule { .. } => return Err(Refusal::new("rule::unknown", "gone", "")),
            Request::RemoveItem { name } => Reply::Removed {
                names: vec![name.clone()],
                rules: Vec::new(),
            },
            other => panic!("{other:?}"),
        })
    }
}

#[test]
fn a_crontab_is_shown_with_what_it_would_become() {
    let done = Run::new("import cron").manager(manager(true)).go();
    insta::assert_snapshot!("import-shown", done.seen());
    let only = |(_, request): &(_, Request)| matches!(request, Request::Explain { .. });
    assert!(done.asked.iter().all(only), "{:?}", done.asked);
    let json = Run::new("import cron --json")
        .manager(manager(true))
        .go()
        .json();
    assert_eq!(
        (&json[1]["obstacle"], &json[0]["secret"]),
        (&"hour 99 is not between 0 and 23".into(), &true.into())
    );
    let none = Run::new("import systemd").manager(manager(true)).go();
    assert_eq!(none.exit, ExitCode::Good);
    let fixed = Run::new("import ./tab").manager(manager(true)).go();
    assert!(
        fixed
            .output
            .contains("The originals stay as they are: nobody starts them."),
        "{}",
        fixed.output
    );
}

#[test]
fn items_and_rules_are_made_before_originals_are_turned_off() {
    let done = Run::new("import cron rsync 3 --no-catch-up")
        .manager(manager(true))
        .go();
    insta::assert_snapshot!("import-taken", done.seen());
    let rules: Vec<_> = done
        .asked
        .iter()
        .filter_map(|(_, request)| match request {
            Request::AddRule(rule) => Some((
                rule.items.join(","),
                rule.on.join(","),
                rule.when.join(","),
                rule.catch_up.clone(),
            )),
            _ => None,
        })
        .collect();
    let rule = |item: &str, on: &str, when: &str| {
        (
            item.to_owned(),
            on.to_owned(),
            when.to_owned(),
            Some("0s".to_owned()),
        )
    };
    assert_eq!(
        rules,
        [
            rule("rsync", "0 3 * * *", "mains"),
            rule("start", "logon", "")
        ]
    );
    assert_eq!(
        done.exit,
        ExitCode::Warnings,
        "one original could not be turned off"
    );
}

#[test]
fn originals_stay_where_nobody_would_take_their_place() {
    for (words, daemon, why) in [
        ("import cron 1", false, "no daemon runs"),
        ("import cron 1 --keep", true, "as you wished"),
        ("import ./tab 1", true, "nobody starts them"),
    ] {
        let done = Run::new(words).manager(manager(daemon)).go();
        assert!(done.output.contains(why), "{}", done.output);
        assert!(!done.output.contains("commented out"), "{}", done.output);
    }
}

#[test]
fn what_cannot_be_imported_is_told() {
    let done = Run::new("import cron 2").manager(manager(true)).go();
    assert_eq!(done.exit, ExitCode::Failed);
    assert!(done.output.contains("hour 99"), "{}", done.output);
    for words in [
        "import cron 9",
        "import cron nothing",
        "import",
        "import --undo --all",
        "import cron 1 --all",
    ] {
        assert_eq!(
            Run::new(words).manager(manager(true)).go().exit,
            ExitCode::CouldNotStart,
            "{words}"
        );
    }
}

#[test]
fn undo_removes_what_was_made() {
    let done = Run::new("import --undo").manager(manager(true)).go();
    insta::assert_snapshot!("import-undone", done.seen());
    assert_eq!(done.asked.len(), 2);
    assert_eq!(
        Run::new("import --undo other")
            .manager(manager(true))
            .go()
            .exit,
        ExitCode::CouldNotStart
    );
}

#[test]
fn nothing_is_removed_unasked() {
    let refused = Run::new("uninstall").go();
    insta::assert_snapshot!("uninstall-refused", refused.seen());
    let no = Run::new("uninstall").types(&["yes"]).go();
    assert_eq!(no.exit, ExitCode::CouldNotStart, "what is lost is typed");
    let yes = Run::new("uninstall").types(&["remove"]).go();
    assert!(yes.output.contains("removed; false"), "{}", yes.output);
    let kept = Run::new("uninstall --keep-data").types(&["y"]).go();
    assert!(
        kept.output.contains("removed; true") && !kept.output.contains("versions"),
        "{}",
        kept.output
    );
    assert_eq!(Run::new("uninstall --yes").go().exit, ExitCode::Good);
}
