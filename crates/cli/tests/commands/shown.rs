//! What commands print.

use std::io::ErrorKind;

use insta::assert_snapshot;
use syncmgr_cli::Need;
use syncmgr_control::registration::{HandlerKind, RegisterEvent, RegistrationView};
use syncmgr_control::rule::{AlsoView, RuleText, RuleView, ScheduleView};
use syncmgr_control::view::*;
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::fake::{NOW_MS, Run, Stage};
use crate::samples::{self, MINUTE, choice, conflict, counts, entry, item, need};

/// On terminals of two widths, on a pipe as JSON.
fn check(name: &str, words: &str, reply: Reply) {
    check_with(name, words, reply, samples::in_sync());
}

/// The same with a verdict for commands that ask for it too.
fn check_with(name: &str, words: &str, reply: Reply, status: StatusView) {
    let run = |words: &str| {
        let (reply, status) = (reply.clone(), Reply::Status(Box::new(status.clone())));
        let mut first = Some(reply);
        Run::new(words).manager(move |_, _| Ok(first.take().unwrap_or_else(|| status.clone())))
    };
    for columns in [80, 120] {
        let ended = run(words).columns(columns).go();
        assert_snapshot!(format!("{name}-{columns}"), ended.seen(), words);
        harmless(&ended.output);
    }
    let ended = run(&format!("{words} --json")).go();
    assert_snapshot!(format!("{name}-json"), ended.seen(), words);
    let lines = ended.json();
    let last = lines.last().unwrap();
    assert!(
        last["verdict"].is_string() && last["exit"].is_number(),
        "{last}"
    );
    harmless(&ended.output);
}

fn harmless(text: &str) {
    let acts = |character: char| character.is_control() || character == '\u{202e}';
    assert!(!text.replace('\n', "").contains(acts), "{text:?}");
}

#[test]
fn status() {
    check(
        "status",
        "status",
        Reply::Status(Box::new(samples::status())),
    );
    check(
        "status-good",
        "status",
        Reply::Status(Box::new(samples::in_sync())),
    );
    let empty = StatusView {
        items: vec![],
        total: 0,
        verdict: VerdictView {
            sentence: "Nothing is set up to be synchronized.".into(),
            exit: ExitCode::Good,
            suggestion: None,
            as_of_ms: None,
        },
        ..samples::in_sync()
    };
    check("status-empty", "status", Reply::Status(Box::new(empty)));
    let failed = StatusView {
        verdict: VerdictView {
            sentence: "mail cannot be initialized: no module named imap.".into(),
            exit: ExitCode::Failed,
            suggestion: Some("syncmgr handlers".into()),
            as_of_ms: None,
        },
        problems: vec![samples::problem()],
        unasked: vec!["new".into()],
        ..samples::in_sync()
    };
    let alone = StatusView {
        items: vec![],
        total: 0,
        ..failed.clone()
    };
    check(
        "status-handler-failed",
        "status",
        Reply::Status(Box::new(failed)),
    );
    check(
        "status-handler-alone",
        "status",
        Reply::Status(Box::new(alone)),
    );
    let quiet = Run::new("status -q")
        .answers(Reply::Status(Box::new(samples::status())))
        .go();
    assert_eq!(
        quiet.output,
        "? 1 of 5 items failed, and 1 waits for you.\n"
    );
    assert_eq!(quiet.exit, ExitCode::NeedsYou);
}

#[test]
fn a_status_says_why_something_is_late_or_stuck() {
    let status = StatusView {
        items: vec![
            ItemView {
                stuck: Some("the same 3 of 120 in 3 runs".into()),
                needs: vec![7],
                problem: Some("the server is full".into()),
                ..item("photos", Shown::Failed, "the server is full")
            },
            ItemView {
                late: Some("last good run 3 days ago, promised every 1 day".into()),
                ..item("notes", Shown::Late, "late")
            },
        ],
        ..samples::status()
    };
    let shown = Run::new("status")
        .columns(140)
        .answers(Reply::Status(Box::new(status)))
        .go()
        .output;
    for part in [
        "✗ stuck",
        "the same 3 of 120 in 3 runs; syncmgr answer 7",
        "last good run 3 days ago, promised every 1 day",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn a_status_says_everything_once_and_uses_the_width() {
    let reason = "the right folder /mnt/usb/photos does not exist any more, or is not mounted";
    let status = StatusView {
        verdict: VerdictView {
            suggestion: Some("syncmgr conflicts".into()),
            ..samples::status().verdict
        },
        items: vec![ItemView {
            problem: Some(reason.into()),
            ..item("photos", Shown::Failed, reason)
        }],
        ..samples::status()
    };
    let ended = Run::new("status")
        .columns(120)
        .answers(Reply::Status(Box::new(status)))
        .go();
    assert_eq!(ended.output.matches(reason).count(), 1, "{}", ended.output);
    assert!(ended.output.contains("✗ failed"), "{}", ended.output);
    let hints = ended.output.matches("syncmgr conflicts").count();
    assert_eq!(hints, 1, "{}", ended.output);
    let path = "/a/rather/long/place/where/nobody/would/look/for/it";
    let wide = Run::new("list")
        .columns(100)
        .answers(Reply::Items(vec![item(path, Shown::Fresh, "in sync")]))
        .go();
    assert!(wide.output.lines().all(|line| line.chars().count() <= 100));
    assert!(
        wide.output.contains("/a/rather/long/place/where/no"),
        "{}",
        wide.output
    );
}

#[test]
fn status_in_colour_and_in_ascii() {
    let reply = Reply::Status(Box::new(samples::status()));
    let colour = Run::new("status --color=always")
        .columns(80)
        .answers(reply.clone())
        .go();
    assert_snapshot!("status-colour", colour.output.replace('\u{1b}', "ESC"));
    let mut ascii = Run::new("status").columns(80).answers(reply);
    ascii.terminal.unicode = false;
    assert_snapshot!("status-ascii", ascii.go().output);
}

#[test]
fn list() {
    check("list", "list", Reply::Items(samples::items()));
    check("list-empty", "list", Reply::Items(vec![]));
}

#[test]
fn a_handler_without_items_is_listed_where_it_asks_for_it() {
    // M-59, M-60: whether it asks to be listed, whether it hides, and how many items it has.
    let handler = |id: &str, always_list, hidden, items| HandlerView {
        id: id.into(),
        name: format!("The {id}"),
        comment: String::new(),
        version: String::new(),
        built_in: false,
        active: true,
        enabled: true,
        items,
        capabilities: Vec::new(),
        always_list,
        hidden,
        registration: RegistrationView::default(),
        asked: true,
        problem: None,
    };
    let handlers = vec![
        handler("asks", true, false, 0),
        handler("has-some", true, false, 2),
        handler("silent", false, false, 0),
        handler("hides", true, true, 0),
    ];
    let run = |words: &str| {
        let handlers = handlers.clone();
        let manager = move |request: &Request, _: &_| match request {
            Request::Handlers => Ok(Reply::Handlers(HandlersView {
                handlers: handlers.clone(),
            })),
            _ => Ok(Reply::Items(vec![])),
        };
        Run::new(words).manager(manager).go().output
    };
    let shown = run("list");
    assert!(
        shown.contains("asks") && shown.contains("no items"),
        "{shown}"
    );
    for other in ["has-some", "silent", "hides"] {
        assert!(!shown.contains(other), "{shown}");
    }
    let all = run("list --all");
    assert!(all.contains("hides") && !all.contains("silent"), "{all}");
    // Who names items asks for those alone, and programs read handlers in their own list.
    assert!(!run("list notes").contains("asks"));
    assert!(!run("list --json").contains("asks"));
}

#[test]
fn show() {
    let detail = ItemDetail {
        item: ItemView {
            labels: vec!["home".into(), "daily".into()],
            needs: vec![3],
            problem: Some("it waits for an answer".into()),
            conflicts: 1,
            ..item("papers", Shown::NeedsYou, "waits for you")
        },
        handler_name: "Folder pairs".into(),
        definition: Some(
            serde_json::json!({"left": "/home/ada/papers", "right": "/mnt/usb/papers"}),
        ),
        runs: samples::runs(),
        needs: vec![need()],
        tasks: vec![
            TaskView {
                task: "start-sync".into(),
                greyed: None,
            },
            TaskView {
                task: "stop-sync".into(),
                greyed: Some("nothing runs".into()),
            },
        ],
        policies: vec![
            PolicyView {
                setting: "time_limit".into(),
                value: "2 h".into(),
                policy: Some("big ones".into()),
            },
            PolicyView {
                setting: "no_progress".into(),
                value: "30 min".into(),
                policy: None,
            },
        ],
    };
    check("show", "show papers", Reply::Item(Box::new(detail)));
}

fn condition(text: &str, stands: Standing, now: &str, rules: &[&str]) -> ConditionView {
    ConditionView {
        now_said: None,
        condition: text.into(),
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        stands,
        wanted: format!("{text}, if you please"),
        now: now.into(),
        because: (stands == Standing::Unknown).then(|| "no system bus".to_owned()),
        since_ms: (stands == Standing::Unmet).then_some(NOW_MS - 180 * MINUTE),
        until_ms: None,
        unblocked_by: None,
    }
}

#[test]
fn why() {
    let held = |since: i64, until: Option<i64>, text: &str| HeldView {
        since_ms: NOW_MS - since * MINUTE,
        until_ms: until.map(|until| NOW_MS - until * MINUTE),
        wanted_by: "schedule".into(),
        text: text.into(),
        said: None,
    };
    let why = WhyView {
        said: Vec::new(),
        name: "papers".into(),
        coming: vec![
            ComingView {
                held_said: None,
                at_ms: NOW_MS + 60 * MINUTE,
                rule: Some("nightly".into()),
                held_by: Some("it is paused".into()),
                then_ms: Some(NOW_MS + 100 * MINUTE),
            },
            ComingView {
                held_said: None,
                at_ms: NOW_MS + 90 * MINUTE,
                rule: None,
                held_by: None,
                then_ms: None,
            },
        ],
        sentence: "papers is not synchronized, because it waits for an answer since 3 hours ago."
            .into(),
        reasons: vec![
            ReasonView {
                now_said: None,
                unblocked_said: None,
                about: "pause".into(),
                blocks: false,
                wanted: "not paused".into(),
                now: "not paused".into(),
                since_ms: None,
                unblocked_by: None,
            },
            ReasonView {
                now_said: None,
                unblocked_said: None,
                about: "question".into(),
                blocks: true,
                wanted: "no open question".into(),
                now: "question 3 is open".into(),
                since_ms: Some(NOW_MS - 180 * MINUTE),
                unblocked_by: Some("an answer to it".into()),
            },
        ],
        conditions: vec![
            condition(
                "hours 22:00-06:00",
                Standing::Met,
                "until 2026-11-23 06:00",
                &["nightly"],
            ),
            condition(
                "unmetered",
                Standing::Unmet,
                "a metered network",
                &["nightly", "photos"],
            ),
            condition(
                "reachable nas:22",
                Standing::NotLookedAt,
                "looked at when it is about to start",
                &[],
            ),
            condition(
                "mains",
                Standing::Unknown,
                "nobody here can tell",
                &["nightly"],
            ),
            condition(
                "idle 600s",
                Standing::Unknown,
                "nobody here can tell",
                &["nightly"],
            ),
        ],
        history: vec![
            held(30, None, "it waits for mains; now: on battery"),
            held(180, Some(30), "it is paused"),
        ],
        suggestion: Some("syncmgr answer 3".into()),
    };
    check("why", "why papers", Reply::Why(Box::new(why)));
}

fn forecast(name: &str, held_by: Option<&str>, then_ms: Option<i64>) -> ForecastView {
    ForecastView {
        handler: "folder".into(),
        item: name.into(),
        name: name.into(),
        coming: ComingView {
            held_said: None,
            at_ms: NOW_MS + 60 * MINUTE,
            rule: Some("nightly".into()),
            held_by: held_by.map(str::to_owned),
            then_ms,
        },
    }
}

#[test]
fn schedule() {
    let rule = |name: &str, on: &[&str], next_ms| RuleView {
        held_said: None,
        rule: RuleText {
            connect: None,
            name: name.into(),
            items: vec!["papers".into()],
            on: on.iter().map(|on| (*on).to_owned()).collect(),
            when: vec!["unmetered".into()],
            ask: name == "work",
            ..RuleText::default()
        },
        written: true,
        count: 2,
        names: vec!["papers".into(), "photos".into()],
        next_ms,
        held_by: (name == "work").then(|| "it is paused".to_owned()),
        also: (name == "work")
            .then(|| AlsoView {
                condition: "mains".into(),
                rule: "nightly".into(),
            })
            .into_iter()
            .collect(),
        warnings: (name == "nightly")
            .then(|| {
                "part of what starts it is never heard of: sessions are not watched here".to_owned()
            })
            .into_iter()
            .collect(),
        holds: Vec::new(),
        zones: Vec::new(),
    };
    let nightly = rule(
        "nightly",
        &["*-*-* 02:00:00", "logon"],
        Some(NOW_MS + 90 * MINUTE),
    );
    let rules = vec![
        nightly.clone(),
        rule("work", &["every 1h"], Some(NOW_MS + MINUTE)),
    ];
    check("schedule", "schedule", Reply::Rules(rules));
    check("schedule-empty", "schedule", Reply::Rules(vec![]));
    check(
        "schedule-add",
        "schedule papers logon",
        Reply::Rule(Box::new(nightly.clone())),
    );
    let mut abroad = nightly;
    abroad.rule.on = vec![
        "*-*-* 02:00:00 America/New_York".into(),
        "change /tmp/x".into(),
        "after change of mail".into(),
    ];
    abroad.zones = vec!["America/New_York".into()];
    abroad.holds = vec!["work".into()];
    check(
        "schedule-add-abroad",
        "schedule papers 'change /tmp/x'",
        Reply::Rule(Box::new(abroad)),
    );
    let explained = ScheduleView {
        starts: Vec::new(),
        beside: Vec::new(),
        written: "@daily".into(),
        normalised: "*-*-* 00:00:00".into(),
        next_ms: vec![NOW_MS + 60 * MINUTE, NOW_MS + 25 * 60 * MINUTE],
        zones: Vec::new(),
    };
    check(
        "schedule-next",
        "schedule --next 24h",
        Reply::Forecast(Forecast {
            starts: vec![
                forecast(
                    "papers",
                    Some("it waits for a network; now: no usable network"),
                    None,
                ),
                forecast("photos", Some("it is paused"), Some(NOW_MS + 100 * MINUTE)),
                forecast("photos", None, None),
            ],
            cut_ms: None,
        }),
    );
    let often = Forecast {
        starts: vec![forecast("photos", None, None); 12],
        cut_ms: Some(NOW_MS + 100 * MINUTE),
    };
    check(
        "schedule-next-many",
        "schedule --next 24h",
        Reply::Forecast(often),
    );
    check(
        "schedule-next-empty",
        "schedule --next 24h",
        Reply::Forecast(Forecast::default()),
    );
    check(
        "schedule-explain",
        "schedule --explain @daily",
        Reply::Schedule(explained),
    );
}

#[test]
fn history() {
    check("runs", "runs", Reply::Runs(samples::runs()));
    check("runs-empty", "runs", Reply::Runs(vec![]));
    check("run", "run 12", Reply::Run(Box::new(samples::run_detail())));
    let page = LogPage {
        entries: vec![
            entry(
                9,
                Level::Error,
                "cannot read b.txt",
                Some("permission denied\nlet the owner read it"),
            ),
            entry(8, Level::Warning, "skipped a socket", None),
            LogView {
                handler: None,
                item: None,
                item_id: None,
                ..entry(7, Level::Information, "a stale lock was taken over", None)
            },
        ],
        before: Some(7),
    };
    check("log", "log", Reply::Log(page));
    let empty = LogPage {
        entries: vec![],
        before: None,
    };
    check("log-empty", "log", Reply::Log(empty.clone()));
    for (words, says) in [
        ("log --errors", "No errors among what was asked for."),
        ("log papers", "Nothing in the log matches."),
        ("log --run 3", "Nothing in the log matches."),
    ] {
        let ended = Run::new(words).answers(Reply::Log(empty.clone())).go();
        assert!(ended.output.contains(says), "{words}: {}", ended.output);
    }
}

#[test]
fn a_full_page_of_runs_says_how_to_see_older_ones() {
    let older = |more: bool| {
        move |request: &Request, _: &Stage| match request {
            Request::Runs {
                before: Some(11), ..
            } if !more => Ok(Reply::Runs(vec![])),
            _ => Ok(Reply::Runs(samples::runs())),
        }
    };
    let ended = Run::new("runs notes -n 4").manager(older(true)).go();
    let hint = "older ones: syncmgr runs notes --before 11, or more at once with --limit\n";
    assert!(ended.output.ends_with(hint), "{}", ended.output);
    let json = Run::new("runs -n 4 --json").manager(older(true)).go();
    assert_eq!(json.json().last().unwrap()["before"], 11);
    let ended = Run::new("runs notes -n 4").manager(older(false)).go();
    assert!(!ended.output.contains("older"), "{}", ended.output);
}

#[test]
fn needs() {
    let other = NeedView {
        id: 4,
        item: None,
        item_id: None,
        detail: None,
        default: None,
        deadline_ms: None,
        choices: vec![choice("take over", "")],
        text: "is the lock of process 77 stale?".into(),
        ..need()
    };
    let needs = || Reply::Needs(vec![need(), other.clone()]);
    check("needs", "needs", needs());
    let status = samples::status();
    check_with("needs-and-conflicts", "needs", needs(), status.clone());
    check_with(
        "needs-only-conflicts",
        "needs",
        Reply::Needs(vec![]),
        status,
    );
    check("needs-none", "needs", Reply::Needs(vec![]));
}

#[test]
fn conflicts() {
    let view = ConflictsView {
        conflicts: vec![
            conflict("4f2a9c0011223344", "a.txt"),
            conflict("77aa", "b\u{1b}[31m.txt"),
        ],
        total: 45,
    };
    check("conflicts", "conflicts", Reply::Conflicts(view));
    let none = ConflictsView {
        conflicts: vec![],
        total: 0,
    };
    check("conflicts-none", "conflicts", Reply::Conflicts(none));
}

#[test]
fn plan() {
    let action =
        |action: &str, to: Option<&str>, name: &str, bytes, reason: Option<&str>| ActionView {
            action: action.into(),
            to: to.map(str::to_owned),
            name: name.into(),
            bytes,
            reason: reason.map(str::to_owned),
        };
    let plan = PlanView {
        items: vec![
            ItemPlanView {
                handler: "folder".into(),
                item: "NOTES".into(),
                name: "notes".into(),
                counts: Counts {
                    deleted: 1,
                    conflicts: 1,
                    bytes: 1_250,
                    ..counts(1_990, 6)
                },
                actions: vec![
                    action("add", Some("right"), "a.txt", 1_250, None),
                    action(
                        "update",
                        Some("left"),
                        "deep/b\nc.txt",
                        12,
                        Some("newer on the right"),
                    ),
                    action(
                        "delete",
                        Some("right"),
                        "d.txt",
                        0,
                        Some("deleted on the left"),
                    ),
                    action("conflict", None, "e.txt", 0, Some("changed on both sides")),
                ],
                total: 2_000,
                held: Some("more than 25 % would be deleted".into()),
                problem: None,
            },
            ItemPlanView {
                handler: "folder".into(),
                item: "PHOTOS".into(),
                name: "photos".into(),
                counts: counts(0, 0),
                actions: vec![],
                total: 0,
                held: None,
                problem: Some("the right folder does not exist".into()),
            },
        ],
        exit: ExitCode::Failed,
    };
    check("plan", "plan", Reply::Plan(plan.clone()));
    let only_held = PlanView {
        items: vec![ItemPlanView {
            actions: vec![],
            total: 0,
            ..plan.items[0].clone()
        }],
        exit: ExitCode::NeedsYou,
    };
    let ended = Run::new("plan").answers(Reply::Plan(only_held)).go();
    assert!(
        ended
            .output
            .ends_with("\n? 1 item would be held by a question.\n"),
        "{}",
        ended.output
    );
    let nothing = PlanView {
        items: vec![],
        exit: ExitCode::Good,
    };
    check("plan-nothing", "plan", Reply::Plan(nothing));
}

#[test]
fn a_plan_counts_changes_only_and_its_hint_repeats_what_was_asked() {
    let action = |action: &str, name: &str| ActionView {
        action: action.into(),
        to: None,
        name: name.into(),
        bytes: 0,
        reason: None,
    };
    let item = ItemPlanView {
        handler: "folder".into(),
        item: "PAIR".into(),
        name: "pair".into(),
        counts: Counts {
            conflicts: 1,
            ..counts(2, 0)
        },
        actions: vec![
            action("add", "a"),
            action("conflict", "c"),
            action("skip", "socket"),
            action("update", "b"),
        ],
        total: 4,
        held: None,
        problem: None,
    };
    let plan = |item: &ItemPlanView| {
        Reply::Plan(PlanView {
            items: vec![item.clone()],
            exit: ExitCode::Good,
        })
    };
    let ended = Run::new("plan ./a ./b").answers(plan(&item)).go();
    let sentence = "2 changes would be made; 1 conflict waits; 1 would be left out.\n";
    assert!(ended.output.ends_with(sentence), "{}", ended.output);
    let cut = ItemPlanView {
        actions: vec![action("add", "a")],
        ..item
    };
    let ended = Run::new("plan ./a ./b --limit 1").answers(plan(&cut)).go();
    assert!(ended.output.ends_with(sentence), "{}", ended.output);
    let hint = "and 3 more: syncmgr plan '/work here/a' '/work here/b' --limit 4\n";
    assert!(ended.output.contains(hint), "{}", ended.output);
    let ended = Run::new("plan pair --limit 1").answers(plan(&cut)).go();
    assert!(ended.output.contains("more: syncmgr plan pair --limit 4\n"));
}

#[test]
fn handlers_and_doctor() {
    let handler = |id: &str, active, enabled| HandlerView {
        id: id.into(),
        name: id.into(),
        comment: "keeps two folders equal".into(),
        version: "0.1.0".into(),
        built_in: active,
        active,
        enabled,
        items: 3,
        capabilities: vec!["plan".into()],
        always_list: false,
        hidden: id == "mine",
        registration: RegistrationView {
            class: None,
            kind: HandlerKind::Library,
            runs: "/lib/notes.so {12345678-9ABC-DEF0-1234-56789ABCDEF0}".into(),
            registered_ms: Some(0),
            events: vec![RegisterEvent::Connect, RegisterEvent::Idle],
            changed_ms: (enabled && id == "mine").then_some(0),
            problem: (!enabled).then(|| "it is \u{1b}[31mgone".into()),
            last_problem: None,
            last_problem_ms: None,
        },
        asked: true,
        problem: None,
    };
    let view = HandlersView {
        handlers: vec![
            handler("folder", true, true),
            handler("mine", false, true),
            handler("other", true, false),
        ],
    };
    check("handlers", "handlers", Reply::Handlers(view));
    let bare = |id: &str| HandlerView {
        active: true,
        built_in: false,
        items: 0,
        registration: RegistrationView {
            runs: "/usr/bin/python3 mail.py".into(),
            ..RegistrationView::default()
        },
        ..handler(id, true, true)
    };
    let view = HandlersView {
        handlers: vec![
            HandlerView {
                problem: Some(samples::problem()),
                ..bare("mail")
            },
            HandlerView {
                asked: false,
                ..bare("new")
            },
        ],
    };
    check("handlers-failed", "handlers", Reply::Handlers(view.clone()));
    let unknown = Refusal::new("name::unknown", "nothing is called `mail`", "see");
    let ended = Run::new("show MAIL")
        .manager(move |request, _| match request {
            Request::Show { .. } => Err(unknown.clone()),
            _ => Ok(Reply::Handlers(view.clone())),
        })
        .go();
    assert_eq!(ended.exit, ExitCode::Good);
    assert_snapshot!("show-handler", ended.output);
    let doctor = DoctorView {
        checks: vec![
            CheckView {
                name: "store".into(),
                result: ExitCode::Good,
                text: "the database is whole".into(),
                hint: None,
            },
            CheckView {
                name: "network".into(),
                result: ExitCode::Warnings,
                text: "not watched on this system".into(),
                hint: Some("items that wait for a network are tried again every hour".into()),
            },
        ],
        exit: ExitCode::Warnings,
    };
    check("doctor", "doctor", Reply::Doctor(doctor));
}

#[test]
fn orders() {
    let done = |names: &[&str]| Reply::Done {
        names: names.iter().map(|&name| name.to_owned()).collect(),
    };
    check(
        "pause",
        "pause notes mail --for 1h",
        done(&["notes", "mail"]),
    );
    check("pause-everything", "pause", done(&[]));
    check("skip", "skip notes", done(&["notes"]));
    // What starts next, and that nobody would start it.
    let resume = |words: &str, starts: Vec<ForecastView>, daemon: bool| {
        let names = if words == "resume" {
            vec![]
        } else {
            vec!["notes"]
        };
        let manager = move |request: &Request, _: &Stage| match request {
            Request::Resume { .. } => Ok(Reply::Done {
                names: names.iter().map(|&name: &&str| name.to_owned()).collect(),
            }),
            Request::Forecast { .. } => Ok(Reply::Forecast(Forecast {
                starts: starts.clone(),
                cut_ms: None,
            })),
            Request::Status => Ok(Reply::Status(Box::new(StatusView {
                daemon,
                ..samples::in_sync()
            }))),
            _ => Err(Refusal::new(
                "test::unscripted",
                format!("{request:?}"),
                "script it",
            )),
        };
        Run::new(words).manager(manager).go().seen()
    };
    let held = Some("it waits for mains; now: on battery");
    assert_snapshot!(
        "resume",
        resume("resume notes", vec![forecast("notes", held, None)], true)
    );
    assert_snapshot!("resume-nothing", resume("resume", vec![], true));
    assert_snapshot!(
        "resume-no-daemon",
        resume("resume notes", vec![forecast("notes", None, None)], false)
    );
    let added = Added {
        name: "notes".into(),
        id: "N".into(),
        handler: "folder".into(),
        existing: false,
    };
    check("add", "add folder ./a ./b", Reply::Added(added));
}

#[test]
fn refusals() {
    let refusal = Refusal {
        causes: vec!["permission denied\u{1b}[2J".into(), "os error 13".into()],
        exit: ExitCode::Failed,
        ..Refusal::new(
            "folder::unreadable",
            "the left folder /home/ada/notes cannot be read",
            "let your user read it: chmod u+rx /home/ada/notes",
        )
    };
    let run = |words: &str| {
        let refusal = refusal.clone();
        Run::new(words).manager(move |_, _| Err(refusal.clone()))
    };
    assert_snapshot!("refusal", run("show notes").columns(80).go().seen());
    assert_snapshot!("refusal-json", run("show notes --json").go().seen());
    let mut ascii = run("show notes");
    ascii.terminal.unicode = false;
    assert_snapshot!("refusal-ascii", ascii.go().seen());

    let ended = Run::new("status").unreachable(refusal).go();
    assert_eq!(ended.exit, ExitCode::Failed);
    assert!(ended.errors.contains("folder::unreadable"));

    // An answer to another question.
    let ended = Run::new("status").answers(Reply::Needs(vec![])).go();
    assert_eq!(ended.exit, ExitCode::Failed);
    assert!(ended.errors.contains("cli::unexpected-answer"));
}

#[test]
fn a_reader_that_went_away_is_no_failure_but_a_full_disk_is() {
    let run = |kind| {
        Run::new("list")
            .answers(Reply::Items(samples::items()))
            .closed(kind)
            .go()
    };
    let away = run(ErrorKind::BrokenPipe);
    assert_eq!((away.exit, away.errors.as_str()), (ExitCode::Good, ""));
    let full = run(ErrorKind::StorageFull);
    assert_eq!(full.exit, ExitCode::Failed);
    assert!(full.errors.contains("cannot be written"));
}

#[test]
fn commands_that_only_look_say_so() {
    for (words, need) in [
        ("status", Need::Look),
        ("sync", Need::Work),
        ("pause", Need::Work),
        ("plan", Need::Work),
        ("doctor", Need::Check),
    ] {
        assert_eq!(Run::new(words).go().opened, Some(need), "{words}");
    }
    assert_eq!(Run::new("daemon").go().exit, ExitCode::Warnings);
    assert_eq!(Run::new("handler folder").go().exit, ExitCode::NeedsYou);
    assert_eq!(Run::new("handler x").go().exit, ExitCode::CouldNotStart);
    assert_eq!(Run::new("daemon").go().opened, None);
}

/// Where nothing can be drawn, nobody is asked anything, and what helps instead is told.
#[test]
fn the_terminal_page_needs_a_terminal() {
    let there = Run::new("top").go();
    assert_eq!(there.exit, ExitCode::CouldNotStart);
    assert_eq!(there.opened, None);
    assert!(there.errors.contains("syncmgr status"), "{}", there.errors);
    let json = Run::new("top --json").go();
    assert_eq!(json.exit, ExitCode::CouldNotStart);
    assert!(json.output.contains("cli::no-terminal"), "{}", json.output);
    assert!(json.output.contains("syncmgr status --json"));
}

#[test]
fn pages_and_completions_are_written() {
    let man = Run::new("man").go();
    assert!(man.output.contains(".TH syncmgr"), "{}", man.output);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = Run::new(&format!("completions {shell}")).go();
        assert!(script.output.contains("resolve"), "{shell}");
        assert_eq!(script.exit, ExitCode::Good);
    }
    // Where only options could follow, none is offered before a `-` is typed.
    let bash = Run::new("completions bash").go().output;
    let only_options = |command: &str| {
        let (_, rest) = bash
            .split_once(&format!("        syncmgr__subcmd__{command})\n"))
            .unwrap();
        rest.lines().nth(1).unwrap().contains("-z ${cur}")
    };
    assert!(only_options("undo") && only_options("sync"));
    assert!(!only_options("add"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let ended = Run::words(["generate".into(), path.into()]).go();
    assert_eq!(ended.seen(), "--- exit 0");
    assert!(directory.path().join("man/syncmgr-sync.1").is_file());
    assert!(directory.path().join("completions/syncmgr.bash").is_file());
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let ended = Run::words(["man".into(), file.join("x").into()]).go();
    assert_eq!(ended.exit, ExitCode::CouldNotStart);
    assert!(ended.errors.contains("cli::not-written"));
}
