//! What a manager could tell, for tests of the terminal page.

use syncmgr_control::view::*;
use syncmgr_control::{Change, ExitCode, What};

use crate::top::layout::Size;
use crate::top::load::Loaded;
use crate::top::state::Top;
use crate::top::step::Event;

/// 2026-11-22T12:00:00Z
pub(crate) const NOW_MS: i64 = 1_795_348_800_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

pub(crate) fn item(name: &str, shown: Shown, state: &str) -> ItemView {
    ItemView {
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
        request: None,
        window: false,
        properties: false,
    }
}

fn choice(name: &str, label: &str) -> ChoiceView {
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
        text: "412 of 430 entries are gone from the right folder".into(),
        detail: Some("gone: taxes/2025.pdf\ngone: taxes/2024.pdf".into()),
        choices: vec![
            choice("apply", "it is meant: delete them on the left too"),
            choice("bring-back", "it is not meant: bring them back"),
            choice("later", "decide later; nothing is changed meanwhile"),
        ],
        default: Some("later".into()),
        deadline_ms: Some(NOW_MS + 24 * HOUR),
        opened_ms: NOW_MS - 3 * HOUR,
        run: None,
        waits: false,
        fields: vec![],
    }
}

pub(crate) fn conflict(id: &str, name: &str) -> ConflictView {
    let version = |place: &str, root: &str, modified_ms| VersionView {
        place: place.into(),
        location: format!("{root}/{name}"),
        deleted: false,
        kind: "file".into(),
        size: Some(1_250),
        modified_ms: Some(modified_ms),
    };
    ConflictView {
        id: id.into(),
        handler: "folder".into(),
        item: "notes".into(),
        item_id: String::new(),
        name: name.into(),
        summary: "changed on both sides".into(),
        found_ms: NOW_MS - 12 * MINUTE,
        versions: vec![
            version("left", "/home/ada/notes", NOW_MS - HOUR),
            version("right", "/mnt/usb/notes", NOW_MS - 2 * HOUR),
        ],
        choices: vec![
            choice("left", "the left version goes to the right folder"),
            choice("right", "the right version goes to the left folder"),
            choice("both", "keep both versions, in both folders"),
        ],
        comparable: true,
    }
}

fn run(id: u64, outcome: Outcome) -> RunView {
    RunView {
        id,
        handler: "folder".into(),
        kind: "synchronize".into(),
        trigger: "manual".into(),
        opened_ms: NOW_MS - 20 * MINUTE,
        closed_ms: Some(NOW_MS - 20 * MINUTE + 1_400),
        outcome,
        counts: Counts {
            sent: 12,
            received: 3,
            ..Counts::default()
        },
        part: None,
        items: vec!["mail".into()],
        item_count: 1,
        problem: (outcome == Outcome::Failed).then(|| "no such host".into()),
    }
}

fn start(name: &str, in_ms: i64, held_by: Option<&str>) -> ForecastView {
    ForecastView {
        handler: "folder".into(),
        item: name.to_uppercase(),
        name: name.into(),
        coming: ComingView {
            held_said: None,
            at_ms: NOW_MS + in_ms,
            rule: Some("nightly".into()),
            held_by: held_by.map(Into::into),
            then_ms: None,
        },
    }
}

fn progress() -> ProgressView {
    ProgressView {
        run: 12,
        status: ItemStatus::Updating,
        text: "copying IMG_2041.jpg".into(),
        value: 120,
        max: 400,
        counts: Counts {
            sent: 120,
            ..Counts::default()
        },
    }
}

pub(crate) fn status() -> StatusView {
    StatusView {
        verdict: VerdictView {
            sentence: "mail failed, and papers waits for your answer.".into(),
            exit: ExitCode::NeedsYou,
            suggestion: Some("syncmgr answer 3".into()),
            as_of_ms: None,
        },
        items: vec![],
        total: 7,
        needs: 1,
        conflicts: 3,
        running: vec![12],
        daemon: true,
        next: Some(NextView {
            held_said: None,
            at_ms: NOW_MS + 90 * MINUTE,
            rule: "nightly".into(),
            names: vec!["music".into()],
            count: 1,
            held_by: None,
        }),
        problems: vec![],
        unasked: vec![],
        empty: vec![],
        remarks: vec![],
    }
}

/// Something of everything.
pub(crate) fn loaded() -> Loaded {
    Loaded {
        status: status(),
        items: vec![
            ItemView {
                problem: Some("no such host: imap.example.org".into()),
                last_good_ms: None,
                ..item("mail", Shown::Failed, "failed")
            },
            ItemView {
                needs: vec![3],
                last_good_ms: Some(NOW_MS - 50 * HOUR),
                ..item("papers", Shown::NeedsYou, "needs you")
            },
            ItemView {
                conflicts: 3,
                ..item("notes", Shown::Conflicts, "3 conflicts")
            },
            ItemView {
                run_state: RunState::Syncing,
                progress: Some(progress()),
                ..item("photos", Shown::Syncing, "synchronizing")
            },
            ItemView {
                run_state: RunState::Pending,
                ..item("videos", Shown::Pending, "waits for photos")
            },
            item("音楽 music", Shown::Paused, "paused until 17:00"),
            item("a\u{1b}[2Jname\u{202e}evil", Shown::Fresh, "in sync"),
        ],
        starts: vec![
            start("papers", 90 * MINUTE, None),
            start(
                "a\u{1b}[2Jname\u{202e}evil",
                4 * HOUR,
                Some("the network is metered"),
            ),
        ],
        runs: vec![run(11, Outcome::Succeeded), run(10, Outcome::Failed)],
        needs: vec![need()],
        conflicts: vec![
            conflict("c1", "plan.txt"),
            conflict("c2", "list.txt"),
            conflict("c3", "\u{1b}[31mred.txt"),
        ],
        conflict_total: 3,
        window: None,
    }
}

/// The page in a window of this size, with something of everything.
pub(crate) fn page(columns: u16, rows: u16) -> Top {
    let mut top = Top {
        size: Size { columns, rows },
        ..Top::default()
    };
    happens(&mut top, Event::Loaded(Box::new(loaded())));
    top
}

/// Something happens to it.
pub(crate) fn happens(top: &mut Top, event: Event) -> Vec<crate::top::step::Effect> {
    let effects = top.step(event, NOW_MS, &jiff::tz::TimeZone::UTC);
    top.ready();
    effects
}

/// Something is told to it.
pub(crate) fn changes(top: &mut Top, what: What) -> Vec<crate::top::step::Effect> {
    let change = Change {
        number: 1,
        at_ms: NOW_MS,
        what,
    };
    happens(top, Event::Change(Box::new(change)))
}
