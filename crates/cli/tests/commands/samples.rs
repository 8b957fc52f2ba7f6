//! Snapshots of a manager's state that commands are shown.

use syncmgr_control::ExitCode;
use syncmgr_control::report::FailureClass;
use syncmgr_control::view::*;

use crate::fake::NOW_MS;

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;

pub(crate) fn counts(sent: u64, received: u64) -> Counts {
    Counts {
        sent,
        received,
        ..Counts::default()
    }
}

pub(crate) fn item(name: &str, shown: Shown, state: &str) -> ItemView {
    ItemView {
        request: None,
        window: false,
        properties: false,
        problem_said: None,
        handler: "folder".into(),
        handler_name: "Folders".into(),
        id: name.to_uppercase(),
        name: name.into(),
        comment: format!("/home/ada/{name} ↔ /mnt/usb/{name}"),
        labels: vec![],
        shown,
        state: state.into(),
        checked: true,
        enabled: true,
        run_state: RunState::Idle,
        freshness: Freshness::Fresh,
        last_good_ms: Some(NOW_MS - 12 * MINUTE),
        last_attempt_ms: Some(NOW_MS - 2 * MINUTE),
        last_run: Some(11),
        problem: None,
        late: None,
        expected_ms: None,
        stuck: None,
        conflicts: 0,
        needs: vec![],
        progress: None,
    }
}

pub(crate) fn items() -> Vec<ItemView> {
    vec![
        ItemView {
            problem: Some(
                "the right folder /mnt/usb/photos does not exist any more, or is not mounted"
                    .into(),
            ),
            last_good_ms: None,
            checked: false,
            ..item("photos", Shown::Failed, "failed")
        },
        ItemView {
            needs: vec![3],
            last_good_ms: Some(NOW_MS - 50 * HOUR),
            ..item("papers", Shown::NeedsYou, "waits for you")
        },
        ItemView {
            conflicts: 2,
            ..item("notes", Shown::Conflicts, "2 conflicts")
        },
        ItemView {
            run_state: RunState::Syncing,
            progress: Some(ProgressView {
                run: 12,
                status: ItemStatus::Updating,
                text: "copying a.txt".into(),
                value: 12,
                max: 40,
                counts: counts(12, 0),
            }),
            ..item(
                "a name that is too long for any table\u{1b}[2J",
                Shown::Syncing,
                "synchronizes",
            )
        },
        item("mail", Shown::Fresh, "in sync"),
    ]
}

pub(crate) fn status() -> StatusView {
    StatusView {
        verdict: VerdictView {
            sentence: "1 of 5 items failed, and 1 waits for you.".into(),
            exit: ExitCode::NeedsYou,
            suggestion: Some("syncmgr answer 3".into()),
            as_of_ms: None,
        },
        items: items(),
        total: 7,
        needs: 1,
        conflicts: 2,
        running: vec![12],
        daemon: true,
        next: Some(NextView {
            held_said: None,
            at_ms: NOW_MS + 90 * MINUTE,
            rule: "nightly".into(),
            names: vec!["papers".into()],
            count: 3,
            held_by: Some("it is paused".into()),
        }),
        problems: vec![],
        unasked: vec![],
        empty: vec![],
        remarks: vec![],
    }
}

pub(crate) fn in_sync() -> StatusView {
    StatusView {
        verdict: VerdictView {
            sentence: "Everything is in sync.".into(),
            exit: ExitCode::Good,
            suggestion: None,
            as_of_ms: None,
        },
        items: vec![item("mail", Shown::Fresh, "in sync")],
        total: 1,
        needs: 0,
        conflicts: 0,
        running: vec![],
        daemon: false,
        next: None,
        problems: vec![],
        unasked: vec![],
        empty: vec![],
        remarks: vec![],
    }
}

pub(crate) fn run(id: u64, outcome: Outcome) -> RunView {
    RunView {
        id,
        handler: "folder".into(),
        kind: "synchronize".into(),
        trigger: "manual".into(),
        opened_ms: NOW_MS - 5 * MINUTE,
        closed_ms: Some(NOW_MS - 5 * MINUTE + 1_449),
        outcome,
        counts: counts(12, 3),
        part: None,
        items: vec!["notes".into()],
        item_count: 1,
        problem: None,
    }
}

pub(crate) fn runs() -> Vec<RunView> {
    vec![
        RunView {
            closed_ms: None,
            ..run(14, Outcome::Open)
        },
        RunView {
            kind: "undo".into(),
            ..run(13, Outcome::Succeeded)
        },
        RunView {
            problem: Some("the handler ended with code 1".into()),
            items: vec!["notes".into(), "mail".into(), "photos".into()],
            item_count: 100_000,
            ..run(12, Outcome::Failed)
        },
        run(11, Outcome::Stopped),
    ]
}

pub(crate) fn entry(id: u64, level: Level, text: &str, detail: Option<&str>) -> LogView {
    LogView {
        id,
        at_ms: NOW_MS - 5 * MINUTE,
        level,
        handler: Some("folder".into()),
        handler_name: "Folders".into(),
        item: Some("notes".into()),
        item_id: None,
        run: Some(11),
        text: text.into(),
        detail: detail.map(str::to_owned),
        link: false,
    }
}

pub(crate) fn run_detail() -> RunDetail {
    RunDetail {
        run: RunView {
            problem: Some("1 of 2 items failed".into()),
            item_count: 2,
            ..run(12, Outcome::Failed)
        },
        items: vec![
            RunItemView {
                item: "NOTES".into(),
                name: "notes".into(),
                status: ItemStatus::Succeeded,
                text: "done".into(),
                failure: None,
                counts: Counts {
                    deleted: 1,
                    bytes: 1_250_000,
                    ..counts(12, 3)
                },
                progress: None,
            },
            RunItemView {
                item: "PHOTOS".into(),
                name: "photos".into(),
                status: ItemStatus::Failed,
                text: "the right folder does not exist".into(),
                failure: Some(FailureClass::Hard),
                counts: Counts {
                    failed: 1,
                    ..counts(0, 0)
                },
                progress: None,
            },
        ],
        log: vec![
            entry(1, Level::Information, "began", None),
            entry(
                2,
                Level::Error,
                "cannot read b\u{202e}txt.exe",
                Some("permission denied\nlet the owner read it"),
            ),
        ],
        window: false,
        stderr: "a remark\n\x1b[31mof the handler\n".into(),
    }
}

pub(crate) fn choice(name: &str, label: &str) -> ChoiceView {
    ChoiceView {
        said: None,
        name: name.into(),
        label: label.into(),
    }
}

pub(crate) fn need() -> NeedView {
    NeedView {
        said: None,
        id: 3,
        handler: "folder".into(),
        handler_name: "Folders".into(),
        item: Some("papers".into()),
        item_id: None,
        kind: "guard".into(),
        text: "40 of 100 entries are gone on the right; are they to be deleted on the left too?"
            .into(),
        detail: Some("such as taxes/2025.pdf, taxes/2024.pdf\nnothing was changed yet".into()),
        choices: vec![
            choice("apply", "delete them on the left too"),
            choice("bring-back", "bring them back on the right"),
            choice("later", "decide later; nothing is changed meanwhile"),
        ],
        default: Some("later".into()),
        deadline_ms: Some(NOW_MS + 24 * HOUR),
        opened_ms: NOW_MS - 3 * HOUR,
        run: None,
        waits: false,
        fields: Vec::new(),
    }
}

pub(crate) fn conflict(id: &str, name: &str) -> ConflictView {
    ConflictView {
        id: id.into(),
        handler: "folder".into(),
        item: "notes".into(),
        item_id: String::new(),
        name: name.into(),
        summary: "changed on both sides".into(),
        found_ms: NOW_MS - 12 * MINUTE,
        versions: vec![
            VersionView {
                place: "left".into(),
                location: format!("/home/ada/notes/{name}"),
                deleted: false,
                kind: "file".into(),
                size: Some(1_250),
                modified_ms: Some(NOW_MS - HOUR),
            },
            VersionView {
                place: "right".into(),
                location: format!("/mnt/usb/notes/{name}"),
                deleted: true,
                kind: "file".into(),
                size: None,
                modified_ms: None,
            },
        ],
        choices: vec![
            choice("keep-left", "the left version on both sides"),
            choice("keep-both", "both, under two names"),
        ],
        comparable: false,
    }
}

pub(crate) fn problem() -> HandlerProblemView {
    HandlerProblemView {
        handler: "mail".into(),
        name: String::new(),
        step: FailedStep::Initialize,
        text: "no module named imap".into(),
        detail: "Traceback\n  line 1\n\u{1b}[31mImportError\n".into(),
        since_ms: NOW_MS - 26 * HOUR,
        last_ms: NOW_MS - HOUR,
        times: 3,
    }
}
