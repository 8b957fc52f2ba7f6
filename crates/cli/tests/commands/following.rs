//! Commands that begin work and follow it.

use insta::assert_snapshot;
use syncmgr_control::decide::{DecidedView, DecisionView, Stay, StayView};
use syncmgr_control::offer::{OfferView, OfferedHandlerView, OfferedRow};
use syncmgr_control::report::FailureClass;
use syncmgr_control::view::*;
use syncmgr_control::{ExitCode, Refusal, Reply, Request, What};

use crate::fake::{Run, Stage};
use crate::samples::{self, conflict, counts, entry, need};

fn opened(run: u64, request: u64, items: u64) -> What {
    What::RunOpened {
        run,
        request: Some(request),
        handler: "folder".into(),
        items,
    }
}

fn progress(run: u64, name: &str, value: u64) -> What {
    What::Progress {
        run,
        handler: "folder".into(),
        item: name.to_uppercase(),
        name: name.into(),
        status: ItemStatus::Updating,
        text: "copying".into(),
        value,
        max: 10,
        counts: counts(value, 0),
        stopping: false,
    }
}

fn finished(run: u64, name: &str, status: ItemStatus, text: &str, counts: Counts) -> What {
    What::ItemFinished {
        run,
        handler: "folder".into(),
        item: name.to_uppercase(),
        name: name.into(),
        status,
        text: text.into(),
        failure: (status == ItemStatus::Failed).then_some(FailureClass::Hard),
        counts,
        elapsed_ms: 1_449,
    }
}

fn closed(run: u64, outcome: Outcome) -> What {
    What::RunClosed {
        run,
        outcome,
        problem: None,
    }
}

pub(crate) fn ended(request: u64, outcome: Outcome) -> What {
    What::RequestEnded {
        request,
        outcome,
        problem: None,
    }
}

fn state(outcome: Outcome, runs: &[u64]) -> Result<Reply, Refusal> {
    Ok(Reply::RequestState(RequestState {
        outcome,
        runs: runs.to_vec(),
        waits: None,
    }))
}

/// A manager whose `sync` goes as told; everything is request 7.
pub(crate) fn going(
    goes: impl Fn(&Stage) + Send + 'static,
) -> impl FnMut(&Request, &Stage) -> Result<Reply, Refusal> + Send + 'static {
    move |request, stage| match request {
        Request::Sync { .. } | Request::Undo { .. } | Request::Resolve { .. } => {
            goes(stage);
            Ok(Reply::Accepted { request: 7 })
        }
        Request::Answer { .. } | Request::Choose { .. } => {
            goes(stage);
            Ok(Reply::Answered {
                request: Some(7),
                forgotten: None,
            })
        }
        Request::AddItem { .. } => Ok(Reply::Added(Added {
            name: "notes".into(),
            id: "NOTES".into(),
            handler: "folder".into(),
            existing: false,
        })),
        Request::RequestState { id: 7 } => state(Outcome::Open, &[]),
        Request::Status => Ok(Reply::Status(Box::new(samples::in_sync()))),
        Request::Needs => Ok(Reply::Needs(vec![need()])),
        _ => Err(Refusal::new(
            "test::unscripted",
            format!("{request:?}"),
            "script it",
        )),
    }
}

pub(crate) fn all_good(stage: &Stage) {
    stage.happens(opened(11, 7, 2));
    stage.happens(progress(11, "notes", 3));
    stage.happens(progress(11, "notes", 4));
    stage.happens(progress(99, "of somebody else", 4));
    stage.happens(finished(
        11,
        "notes",
        ItemStatus::Succeeded,
        "done",
        counts(12, 3),
    ));
    stage.happens(progress(11, "notes", 5));
    stage.happens(finished(
        99,
        "of somebody else",
        ItemStatus::Failed,
        "no",
        counts(0, 0),
    ));
    stage.happens(finished(
        11,
        "mail",
        ItemStatus::Succeeded,
        "done",
        counts(0, 0),
    ));
    stage.happens(closed(11, Outcome::Succeeded));
    stage.happens(ended(6, Outcome::Failed));
    stage.happens(ended(7, Outcome::Succeeded));
}

#[test]
fn sync_shows_each_item_and_ends_with_the_verdict() {
    let plain = Run::new("sync").manager(going(all_good)).go();
    assert_snapshot!("sync", plain.seen());
    let live = Run::new("sync")
        .columns(80)
        .types(&[])
        .manager(going(all_good))
        .go();
    assert_eq!(live.output, plain.output);
    let quiet = Run::new("sync --quiet").manager(going(all_good)).go();
    assert_eq!(quiet.output, "✓ Everything is in sync.\n");
    let json = Run::new("sync --json").manager(going(all_good)).go();
    assert_snapshot!("sync-json", json.seen());
    assert_eq!(json.json().last().unwrap()["exit"], 0);
    let pair = Run::new("sync ./a ./b").manager(going(all_good)).go();
    assert_snapshot!("sync-pair", pair.seen());
    let names: Vec<_> = pair
        .asked
        .iter()
        .filter(
            |(_, request)| matches!(request, Request::Sync { names, .. } if names == &["notes"]),
        )
        .collect();
    assert_eq!(names.len(), 1);
}

#[test]
fn what_a_sync_deleted_can_be_had_back() {
    let done = |stage: &Stage| {
        let deleted = Counts {
            deleted: 1,
            ..counts(0, 0)
        };
        stage.happens(opened(11, 7, 1));
        stage.happens(finished(11, "notes", ItemStatus::Succeeded, "", deleted));
        stage.happens(ended(7, Outcome::Succeeded));
    };
    let run = Run::new("sync notes -q").manager(going(done)).go();
    assert_eq!(
        run.output,
        "✓ notes is in sync. Next: syncmgr undo 11 (brings back what run 11 replaced)\n"
    );
}

#[test]
fn every_end_has_its_sentence_and_its_exit_code() {
    let mut all = String::new();
    for (outcome, status, text, counts) in [
        (Outcome::Nothing, ItemStatus::Succeeded, "", counts(0, 0)),
        (Outcome::Succeeded, ItemStatus::Succeeded, "", counts(1, 0)),
        (
            Outcome::Warnings,
            ItemStatus::Succeeded,
            "skipped a socket",
            counts(1, 0),
        ),
        (
            Outcome::NeedsYou,
            ItemStatus::Succeeded,
            "",
            Counts {
                conflicts: 2,
                ..counts(1, 0)
            },
        ),
        (Outcome::Skipped, ItemStatus::Skipped, "", counts(0, 0)),
        (Outcome::Stopped, ItemStatus::Stopped, "", counts(1, 0)),
        (Outcome::NeedsYou, ItemStatus::Held, "", counts(0, 0)),
        (
            Outcome::Failed,
            ItemStatus::Failed,
            "the right folder is not mounted",
            counts(0, 0),
        ),
        (Outcome::Interrupted, ItemStatus::Failed, "", counts(0, 0)),
    ] {
        for words in ["sync notes", "sync notes mail photos books"] {
            let run = Run::new(words)
                .manager(going(move |stage| {
                    stage.happens(opened(11, 7, 1));
                    stage.happens(finished(11, "notes", status, text, counts));
                    stage.happens(ended(7, outcome));
                }))
                .go();
            assert_eq!(run.exit, outcome.exit(), "{outcome:?}");
            all = format!("{all}$ syncmgr {words}   ({outcome:?})\n{}\n", run.seen());
        }
    }
    assert_snapshot!("ends", all);
}

#[test]
fn what_was_skipped_is_not_called_in_sync() {
    let run = Run::new("sync notes mail -q")
        .manager(going(|stage| {
            stage.happens(opened(11, 7, 2));
            stage.happens(finished(11, "notes", ItemStatus::Skipped, "", counts(0, 0)));
            stage.happens(finished(
                11,
                "mail",
                ItemStatus::Succeeded,
                "",
                counts(1, 0),
            ));
            stage.happens(ended(7, Outcome::Succeeded));
        }))
        .go();
    assert_eq!(
        run.output,
        "■ notes  ↑0 ↓0 ✗0  1.4 s  skipped\n! notes was skipped; the rest was done. Next: syncmgr status\n"
    );
    assert_eq!(run.exit, syncmgr_control::ExitCode::Warnings);
}

#[test]
fn why_nothing_came_of_a_request_is_told() {
    let run = Run::new("sync notes")
        .manager(going(|stage| {
            stage.happens(What::RequestEnded {
                request: 7,
                outcome: Outcome::Failed,
                problem: Some("the handler ended before it said anything".into()),
            });
        }))
        .go();
    assert_snapshot!("sync-nothing-came", run.seen());
}

#[test]
fn warnings_are_shown_as_they_come_but_not_without_end() {
    let run = Run::new("sync notes")
        .manager(going(|stage| {
            stage.happens(opened(11, 7, 1));
            for number in 0..30 {
                let text = format!("cannot read {number}.txt");
                stage.happens(What::Log {
                    entry: entry(number, Level::Warning, &text, None),
                });
            }
            stage.happens(What::Log {
                entry: entry(40, Level::Information, "not shown", None),
            });
            stage.happens(What::Notice {
                text: "a stale lock was taken over".into(),
            });
            stage.happens(finished(
                11,
                "notes",
                ItemStatus::Succeeded,
                "",
                Counts {
                    failed: 30,
                    ..counts(1, 0)
                },
            ));
            stage.happens(ended(7, Outcome::Warnings));
        }))
        .go();
    assert_snapshot!("sync-warnings", run.seen());
}

#[test]
fn after_a_gap_the_records_are_read() {
    let script = |request: &Request, stage: &Stage| match request {
        Request::Sync { .. } => {
            stage.happens(opened(11, 7, 2));
            stage.happens(finished(
                11,
                "notes",
                ItemStatus::Succeeded,
                "done",
                counts(12, 3),
            ));
            stage.happens(What::Gap);
            Ok(Reply::Accepted { request: 7 })
        }
        Request::RequestState { .. } => state(Outcome::Failed, &[11, 12]),
        Request::Run { id: 11 } => Ok(Reply::Run(Box::new(samples::run_detail()))),
        Request::Run { id: 12 } => Ok(Reply::Run(Box::new(RunDetail {
            items: vec![],
            ..samples::run_detail()
        }))),
        _ => Err(Refusal::new(
            "test::unscripted",
            format!("{request:?}"),
            "script it",
        )),
    };
    let run = Run::new("sync notes photos").manager(script).go();
    assert_snapshot!("sync-gap", run.seen());
}

#[test]
fn a_gap_that_lost_nothing_changes_nothing() {
    let mut asked = 0;
    let script = move |request: &Request, stage: &Stage| match request {
        Request::Sync { .. } => {
            stage.happens(opened(11, 7, 1));
            stage.happens(What::Gap);
            Ok(Reply::Accepted { request: 7 })
        }
        Request::RequestState { .. } => {
            asked += 1;
            if asked == 2 {
                stage.happens(finished(
                    12,
                    "notes",
                    ItemStatus::Succeeded,
                    "done",
                    counts(12, 3),
                ));
                stage.happens(ended(7, Outcome::Succeeded));
            }
            state(Outcome::Open, &[12])
        }
        Request::Run { .. } => Ok(Reply::Run(Box::new(RunDetail {
            items: vec![],
            ..samples::run_detail()
        }))),
        _ => Err(Refusal::new(
            "test::unscripted",
            format!("{request:?}"),
            "script it",
        )),
    };
    let run = Run::new("sync notes").manager(script).go();
    assert_eq!(
        run.output,
        "✓ notes  ↑12 ↓3 ✗0  1.4 s\n✓ notes is in sync.\n"
    );
}

#[test]
fn a_manager_that_goes_away_is_a_failure() {
    let mut hung_up = false;
    let mut goes = going(|stage| {
        stage.happens(opened(11, 7, 1));
        stage.hang_up();
    });
    // Whoever manages after it does not know the request.
    let script = move |request: &Request, stage: &Stage| match request {
        Request::RequestState { .. } if hung_up => {
            Err(Refusal::new("request::unknown", "not known", "look"))
        }
        other => {
            hung_up |= matches!(other, Request::Sync { .. });
            goes(other, stage)
        }
    };
    let run = Run::new("sync notes").manager(script).go();
    assert_eq!(run.exit, ExitCode::Failed);
    assert!(
        run.errors.contains("cli::manager-went-away"),
        "{}",
        run.errors
    );
}

#[test]
fn another_manager_that_knows_the_request_is_followed() {
    let mut hung_up = false;
    let mut goes = going(Stage::hang_up);
    let script = move |request: &Request, stage: &Stage| match request {
        Request::RequestState { .. } if hung_up => state(Outcome::Skipped, &[]),
        other => {
            hung_up |= matches!(other, Request::Sync { .. });
            goes(other, stage)
        }
    };
    let run = Run::new("sync notes").manager(script).go();
    assert!(run.errors.is_empty(), "{}", run.errors);
    assert_eq!(run.exit, Outcome::Skipped.exit());
}

#[test]
fn ctrl_c_asks_then_insists_then_leaves() {
    // Stops when asked.
    let script = |request: &Request, stage: &Stage| match request {
        Request::Sync { .. } => {
            stage.happens(opened(11, 7, 1));
            stage.press();
            Ok(Reply::Accepted { request: 7 })
        }
        Request::Stop { request: Some(7) } => {
            stage.happens(finished(
                11,
                "notes",
                ItemStatus::Stopped,
                "stopped",
                counts(2, 0),
            ));
            stage.happens(ended(7, Outcome::Stopped));
            Ok(Reply::Done { names: vec![] })
        }
        Request::RequestState { .. } => state(Outcome::Open, &[]),
        _ => Err(Refusal::new(
            "test::unscripted",
            format!("{request:?}"),
            "script it",
        )),
    };
    let run = Run::new("sync notes").manager(script).go();
    assert_snapshot!("interrupt-once", run.seen());

    // Does not stop: a second press, a third one.
    let script = |request: &Request, stage: &Stage| match request {
        Request::Sync { .. } => {
            stage.press();
            Ok(Reply::Accepted { request: 7 })
        }
        Request::Stop { request: Some(7) } => {
            stage.press();
            Ok(Reply::Done { names: vec![] })
        }
        Request::RequestState { .. } => state(Outcome::Open, &[]),
        _ => Err(Refusal::new(
            "test::unscripted",
            format!("{request:?}"),
            "script it",
        )),
    };
    let run = Run::new("sync notes").manager(script).go();
    let stops = run
        .asked
        .iter()
        .filter(|(_, request)| matches!(request, Request::Stop { .. }))
        .count();
    assert_eq!(stops, 2);
    assert_snapshot!("interrupt-thrice", run.seen());
}

#[test]
fn questions_of_a_running_handler_are_put_to_the_person() {
    let prompt = || NeedView {
        kind: "prompt".into(),
        item: Some("notes".into()),
        item_id: None,
        ..need()
    };
    let script = move |request: &Request, stage: &Stage| match request {
        Request::Sync {
            may_bother_user, ..
        } => {
            assert!(may_bother_user);
            stage.happens(opened(11, 7, 1));
            stage.happens(progress(11, "notes", 1));
            stage.happens(What::NeedOpened(NeedView {
                item: Some("other".into()),
                item_id: None,
                ..prompt()
            }));
            stage.happens(What::NeedOpened(prompt()));
            Ok(Reply::Accepted { request: 7 })
        }
        Request::Answer {
            need: 3, choice, ..
        } => {
            assert_eq!(choice, "bring-back");
            stage.happens(What::NeedClosed { id: 3 });
            stage.happens(finished(
                11,
                "notes",
                ItemStatus::Succeeded,
                "",
                counts(1, 0),
            ));
            stage.happens(ended(7, Outcome::Succeeded));
            Ok(Reply::Answered {
                request: None,
                forgotten: None,
            })
        }
        Request::RequestState { .. } => state(Outcome::Open, &[]),
        _ => Err(Refusal::new(
            "test::unscripted",
            format!("{request:?}"),
            "script it",
        )),
    };
    let run = Run::new("sync notes")
        .types(&["nonsense", "bring"])
        .manager(script)
        .go();
    assert_eq!(run.exit, ExitCode::Good, "{}", run.seen());
    assert_eq!(run.errors.matches("40 of 100 entries").count(), 2);
}

/// A list to choose from: two handlers, one of them with more than is shown.
fn offer(need: Option<u64>) -> OfferView {
    let row = |pick: &str, name: &str, ticked: bool, count: u64| OfferedRow {
        pick: pick.to_owned(),
        name: name.to_owned(),
        ticked,
        last_good_ms: None,
        count,
        properties: false,
    };
    OfferView {
        need,
        close: Some("dismiss".to_owned()),
        lasts: need.is_none(),
        handlers: vec![
            OfferedHandlerView {
                handler: "folder".to_owned(),
                name: "Folders".to_owned(),
                rows: vec![
                    row("folder/PHOTOS", "photos\u{1b}[2J", true, 1),
                    row("folder/NOTES", "notes", false, 1),
                ],
                rest: None,
            },
            OfferedHandlerView {
                handler: "mail".to_owned(),
                name: "Mail".to_owned(),
                rows: Vec::new(),
                rest: Some(row("mail/", "", true, 0)),
            },
        ],
        ..OfferView::default()
    }
}

/// What was chosen: of which question, what is ticked, and how much was shown.
fn chosen(run: &crate::fake::Ended) -> Option<(Option<u64>, Vec<String>, usize)> {
    run.asked.iter().find_map(|(_, request)| match request {
        Request::Choose {
            need,
            items,
            offered,
        } => Some((*need, items.clone(), offered.len())),
        _ => None,
    })
}

fn offering(
    done: impl Fn(&Stage) + Send + 'static,
) -> impl FnMut(&Request, &Stage) -> Result<Reply, Refusal> + Send + 'static {
    let mut goes = going(done);
    move |request: &Request, stage: &Stage| match request {
        Request::Offer { need } => Ok(Reply::Offer(offer(*need))),
        other => goes(other, stage),
    }
}

/// M-171, M-172: what is ticked is synchronized, and with nothing ticked nobody is even started.
#[test]
fn what_is_synchronized_can_be_ticked_before() {
    let run = Run::new("sync --ask")
        .types(&["none", "9", "2", ""])
        .manager(offering(all_good))
        .go();
    assert_eq!(
        chosen(&run).unwrap(),
        (None, vec!["folder/NOTES".to_owned()], 3)
    );
    assert_snapshot!("sync-ask", run.seen());
    for lines in [&["none", ""][..], &["c"], &["q"], &[]] {
        let run = Run::new("sync --ask")
            .types(lines)
            .manager(offering(all_good))
            .go();
        assert_eq!(chosen(&run), None);
        assert!(run.output.contains("Nothing was chosen"), "{}", run.output);
    }
    // What is named is the list, and is called so.
    let script = || {
        let mut goes = going(all_good);
        move |request: &Request, stage: &Stage| match request {
            Request::List { .. } => Ok(Reply::Items(samples::items())),
            other => goes(other, stage),
        }
    };
    let synced = |run: &crate::fake::Ended| -> Option<Vec<String>> {
        run.asked.iter().find_map(|(_, request)| match request {
            Request::Sync { names, .. } => Some(names.clone()),
            _ => None,
        })
    };
    let run = Run::new("sync photos --ask")
        .types(&["none", "1", ""])
        .manager(script())
        .go();
    assert_eq!(synced(&run).unwrap(), ["folder/PHOTOS"]);
    // Where nobody can be asked, it is as it is ticked.
    let run = Run::new("sync --ask").manager(script()).go();
    assert_eq!(synced(&run).unwrap(), Vec::<String>::new());
}

/// M-150, M-155, M-172: a question that is a list is ticked, begun, closed or left.
#[test]
fn a_question_that_is_a_list_is_ticked() {
    let list = || NeedView {
        kind: "invoke".into(),
        item: None,
        ..need()
    };
    let script = move || {
        let mut offers = offering(all_good);
        move |request: &Request, stage: &Stage| match request {
            Request::Needs => Ok(Reply::Needs(vec![list()])),
            other => offers(other, stage),
        }
    };
    let run = Run::new("answer 3")
        .types(&["1 2 3", "3", ""])
        .manager(script())
        .go();
    assert_eq!(
        chosen(&run).unwrap(),
        (
            Some(3),
            vec!["folder/NOTES".to_owned(), "mail/".to_owned()],
            3
        )
    );
    let answered = |run: &crate::fake::Ended| -> Option<String> {
        run.asked.iter().find_map(|(_, request)| match request {
            Request::Answer { choice, .. } => Some(choice.clone()),
            _ => None,
        })
    };
    let run = Run::new("answer 3").types(&["c"]).manager(script()).go();
    assert_eq!(answered(&run).unwrap(), "dismiss");
    let run = Run::new("answer 3")
        .types(&["none", "", "q"])
        .manager(script())
        .go();
    assert_eq!((chosen(&run), answered(&run)), (None, None));
    assert!(run.errors.contains("Nothing is ticked"), "{}", run.errors);
    // In a script the items are named, or it is as it is ticked.
    let run = Run::new("answer 3 --items notes,photos")
        .manager(script())
        .go();
    assert_eq!(chosen(&run).unwrap().1, ["notes", "photos"]);
    let run = Run::new("answer 3 apply").manager(script()).go();
    assert_eq!(answered(&run).unwrap(), "apply");
    let run = Run::new("answer 3 later --items notes")
        .manager(script())
        .go();
    assert_eq!((chosen(&run), answered(&run)), (None, None));
}

#[test]
fn an_answer_can_be_typed() {
    let done = |stage: &Stage| {
        stage.happens(opened(11, 7, 1));
        stage.happens(finished(
            11,
            "papers",
            ItemStatus::Succeeded,
            "",
            counts(0, 40),
        ));
        stage.happens(ended(7, Outcome::Succeeded));
    };
    let run = Run::new("answer 3")
        .types(&["0", "nonsense", "2"])
        .manager(going(done))
        .go();
    assert_snapshot!("answer-typed", run.seen());
    assert!(run.asked.iter().any(
        |(_, request)| matches!(request, Request::Answer { choice, .. } if choice == "bring-back")
    ));

    let run = Run::new("answer 3 later").manager(going(done)).go();
    assert_eq!(run.exit, ExitCode::Good);

    let run = Run::new("answer 3").manager(going(done)).go();
    assert_snapshot!("answer-without-choice", run.seen());
    let run = Run::new("answer 3 --json").manager(going(done)).go();
    assert_snapshot!("answer-without-choice-json", run.seen());
    let run = Run::new("answer 4")
        .types(&["apply"])
        .manager(going(done))
        .go();
    assert!(run.errors.contains("cli::no-such-question"));
    let run = Run::new("answer 3")
        .types(&["x", "y", "z", "apply"])
        .manager(going(done))
        .go();
    assert_eq!(run.exit, ExitCode::CouldNotStart);

    let run = Run::new("answer 3 later")
        .answers(Reply::Answered {
            request: None,
            forgotten: None,
        })
        .go();
    assert_eq!(
        run.output,
        "✓ Question 3 is answered. Next: syncmgr status\n"
    );
}

#[test]
fn a_question_may_stay_open() {
    let script = |request: &Request, _: &Stage| match request {
        Request::Answer { .. } => Ok(Reply::Answered {
            request: None,
            forgotten: None,
        }),
        _ => Ok(Reply::Needs(vec![need()])),
    };
    let run = Run::new("answer 3 later").manager(script).go();
    assert_eq!(
        run.output,
        "✓ Question 3 stays open. Next: syncmgr status\n"
    );
    for lines in [&[""][..], &[]] {
        let run = Run::new("answer 3").types(lines).manager(script).go();
        assert_eq!(
            run.output,
            "? Question 3 stays open. Next: syncmgr answer 3\n"
        );
        assert_eq!(run.exit, ExitCode::NeedsYou);
        let at_prompt = if lines.is_empty() { "> \n" } else { "> " };
        assert!(run.errors.ends_with(at_prompt), "{:?}", run.errors);
        assert!(
            !run.asked
                .iter()
                .any(|(_, request)| matches!(request, Request::Answer { .. }))
        );
    }
}

#[test]
fn a_version_can_be_chosen_and_none_is_left() {
    let script = || {
        let mut open = vec![conflict("4f2a", "a.txt")];
        move |request: &Request, stage: &Stage| match request {
            Request::Conflicts { offset, .. } => Ok(Reply::Conflicts(ConflictsView {
                conflicts: open.iter().skip(*offset as usize).cloned().collect(),
                total: open.len() as u64,
            })),
            Request::Resolve { choice, .. } => {
                assert_eq!(choice, "keep-both");
                open.clear();
                stage.happens(ended(7, Outcome::Succeeded));
                Ok(Reply::Accepted { request: 7 })
            }
            _ => state(Outcome::Open, &[]),
        }
    };
    let run = Run::new("resolve 4f").types(&["2"]).manager(script()).go();
    assert_snapshot!("resolve-typed", run.seen());
    let run = Run::new("resolve 4f").types(&[""]).manager(script()).go();
    assert_eq!(
        run.output,
        "? The conflict of a.txt stays open. Next: syncmgr conflicts\n"
    );
    let run = Run::new("resolve 4f").manager(script()).go();
    assert!(run.errors.contains("cli::no-choice"), "{}", run.errors);
    let run = Run::new("resolve 5").manager(script()).go();
    assert!(
        run.errors.contains("cli::no-such-conflict"),
        "{}",
        run.errors
    );
    let none = || {
        Reply::Conflicts(ConflictsView {
            conflicts: vec![],
            total: 0,
        })
    };
    let run = Run::new("resolve --all left notes").answers(none()).go();
    assert_eq!(run.output, "✓ No conflicts of notes are open.\n");
}

#[test]
fn undo_says_how_to_undo_it() {
    let done = |stage: &Stage| {
        stage.happens(opened(12, 7, 1));
        stage.happens(finished(
            12,
            "notes",
            ItemStatus::Succeeded,
            "",
            counts(3, 0),
        ));
        stage.happens(ended(7, Outcome::Succeeded));
    };
    let run = Run::new("undo 11").manager(going(done)).go();
    assert_snapshot!("undo", run.seen());
    let nothing = |stage: &Stage| stage.happens(ended(7, Outcome::Nothing));
    let run = Run::new("undo 11").manager(going(nothing)).go();
    assert_eq!(run.output, "✓ Run 11 left nothing to bring back.\n");
}

#[test]
fn conflicts_are_resolved_one_by_one_or_all() {
    let done = |stage: &Stage| stage.happens(ended(7, Outcome::Succeeded));
    let run = Run::new("resolve 4f2a keep-left").manager(going(done)).go();
    assert_eq!(
        run.output,
        "✓ The conflict is resolved. Next: syncmgr conflicts\n"
    );

    let rule = |decides, stays: &[(Stay, u64)], later, request| DecisionView {
        item: "notes".to_owned(),
        decides,
        of: decides + later + stays.iter().map(|(_, count)| count).sum::<u64>(),
        first: vec![DecidedView {
            name: "a.txt".to_owned(),
            choice: "keep-both".to_owned(),
        }],
        stays: stays
            .iter()
            .map(|&(why, count)| StayView { why, count })
            .collect(),
        later,
        request,
    };
    let scripted = |views: Vec<DecisionView>| {
        let mut views = views.into_iter();
        move |request: &Request, stage: &Stage| match request {
            Request::Conflicts { .. } => Ok(Reply::Conflicts(ConflictsView {
                conflicts: vec![conflict("a", "a.txt"), conflict("b", "b.txt")],
                total: 2,
            })),
            Request::Decide { name, preview, .. } => {
                assert_eq!(name, "notes");
                let view = views.next().unwrap();
                assert!(!*preview || view.request.is_none());
                if let Some(request) = view.request {
                    stage.happens(ended(request, Outcome::Succeeded));
                }
                Ok(Reply::Decided(view))
            }
            Request::RequestState { .. } => state(Outcome::Succeeded, &[]),
            _ => Err(Refusal::new(
                "test::unscripted",
                format!("{request:?}"),
                "script it",
            )),
        }
    };
    let check = |words: &str, views: Vec<DecisionView>, seen: &str| {
        let run = Run::new(words).manager(scripted(views)).go();
        assert_eq!(run.seen(), seen, "{words}");
    };
    check(
        "resolve --all keep-both notes",
        vec![rule(2, &[(Stay::NotOffered, 1)], 0, Some(1))],
        "! 2 conflicts resolved; 1 stays: the choice is not offered. Next: syncmgr conflicts\n--- exit 1",
    );
    // What is too much for one run is decided in further ones.
    check(
        "resolve --newest notes",
        vec![
            rule(1_000, &[], 500, Some(1)),
            rule(500, &[(Stay::EqualTimes, 2)], 0, Some(2)),
        ],
        "! 1500 conflicts resolved; 2 stay: equal times. Next: syncmgr conflicts\n--- exit 1",
    );
    check(
        "resolve --newest notes --preview --match *.txt",
        vec![rule(1, &[(Stay::EqualTimes, 2)], 0, None)],
        "notes: decides 1 of 3\n    a.txt: keep-both\n✓ 1 conflict would be resolved; 2 stay: equal times.\n--- exit 0",
    );
    let run = Run::new("resolve --prefer up notes")
        .manager(scripted(vec![rule(0, &[(Stay::NotOffered, 2)], 0, None)]))
        .go();
    assert!(run.errors.contains("cli::no-such-choice"), "{}", run.errors);
}

#[test]
fn two_unknown_names_may_have_been_folders() {
    let run = Run::new("sync left right")
        .manager(|_, _| {
            Err(Refusal::new(
                "name::unknown",
                "nothing is called left",
                "see: syncmgr list",
            ))
        })
        .go();
    assert!(run.errors.contains("syncmgr sync ./left"), "{}", run.errors);
    assert_eq!(run.exit, ExitCode::CouldNotStart);
}
