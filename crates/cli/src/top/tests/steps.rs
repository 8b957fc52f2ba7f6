//! What is asked of the manager, and what its answers and changes do.

use syncmgr_control::field::{FieldKind, FieldView};
use syncmgr_control::request::Typed;
use syncmgr_control::view::{ItemDetail, ItemStatus, Outcome, RunState, Shown, TaskView};
use syncmgr_control::{Refusal, Reply, Request, What};

use super::samples::{changes, happens, item, loaded, need, page};
use crate::top::keys::Press;
use crate::top::state::{Mode, NowRow, Tab, Tone, Top};
use crate::top::step::{Asked, Effect, Event, Reading};

pub(super) fn types(top: &mut Top, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for letter in keys.chars() {
        let press = match letter {
            '\n' => Press::Enter,
            letter => Press::Char(letter),
        };
        effects = happens(top, Event::Key(press));
    }
    effects
}

#[track_caller]
pub(super) fn asks(keys: &str, request: Request) -> (Top, Asked) {
    let mut top = page(80, 24);
    let mut effects = types(&mut top, keys);
    assert_eq!(effects.len(), 1, "{effects:?}");
    match effects.pop() {
        Some(Effect::Ask(asked, sent)) => {
            assert_eq!(*sent, request);
            (top, asked)
        }
        other => panic!("{other:?}"),
    }
}

fn names(name: &str) -> Vec<String> {
    vec![format!("folder/{name}")]
}

#[test]
fn keys_ask_for_the_item_that_one_stands_on() {
    let sync = |name| Request::Sync {
        names: names(name),
        may_bother_user: true,
    };
    asks("\n", sync("MAIL"));
    asks("j\n", sync("PAPERS"));
    asks(
        "jjjs",
        Request::Skip {
            name: "folder/PHOTOS".into(),
        },
    );
    asks(
        "jjjx",
        Request::StopItems {
            names: names("PHOTOS"),
        },
    );
    asks(
        "2s",
        Request::Skip {
            name: "folder/PHOTOS".into(),
        },
    );
    asks(
        "2jx",
        Request::StopItems {
            names: names("VIDEOS"),
        },
    );
    let pause = |names, for_ms| Request::Pause { names, for_ms };
    asks("j 1", pause(names("PAPERS"), Some(900_000)));
    asks("j 2", pause(names("PAPERS"), Some(3_600_000)));
    asks("j 3", pause(names("PAPERS"), Some(12 * 3_600_000)));
    asks("j 4", pause(names("PAPERS"), None));
    asks("j a4", pause(vec![], None));
    asks(
        "jjjjj r",
        Request::Resume {
            names: names("音楽 MUSIC"),
        },
    );
    asks("jjjjj ar", Request::Resume { names: vec![] });
    let mut top = page(80, 24);
    assert_eq!(
        types(&mut top, "jw"),
        [Effect::Read(1, Reading::Why("folder/PAPERS".into()))]
    );
    let mut top = page(80, 24);
    assert_eq!(
        types(&mut top, "2jjl"),
        [Effect::Read(1, Reading::Log("folder/PAPERS".into()))]
    );
    assert_eq!(
        types(&mut page(80, 24), "2jjjj\n"),
        [Effect::Read(1, Reading::Run(11))]
    );
    assert_eq!(types(&mut page(80, 24), "q"), [Effect::Quit]);
}

#[test]
fn a_text_is_read_by_whoever_still_waits_for_it() {
    let mut top = page(80, 24);
    types(&mut top, "w");
    happens(&mut top, Event::Key(Press::Esc));
    types(&mut top, "p");
    happens(&mut top, Event::Text(1, vec!["why".into()]));
    let read = |top: &Top| match &top.mode {
        Mode::Text(text) => text.lines.clone(),
        _ => None,
    };
    assert_eq!(read(&top), None);
    happens(&mut top, Event::Text(2, vec!["plan".into()]));
    assert_eq!(read(&top).unwrap(), ["plan"]);
}

#[test]
fn a_question_is_answered_once_and_by_whoever_was_first() {
    let answer = Request::Answer {
        need: 3,
        choice: "bring-back".into(),
        fields: Typed::default(),
        remember: false,
    };
    // The default is chosen at first.
    let (mut top, asked) = asks("3\nk\n", answer);
    assert_eq!(top.mode, Mode::Page);
    let refusal = Refusal::new(
        "need::answered",
        "ada on the page answered it: apply",
        "see",
    );
    happens(&mut top, Event::Reply(asked, Err(refusal)));
    let (tone, text) = top.message.clone().unwrap();
    assert_eq!(tone, Tone::Bad);
    assert!(text.contains("ada on the page answered it"), "{text}");
    // Whoever still reads it is told.
    let mut top = page(80, 24);
    types(&mut top, "3\n");
    assert!(matches!(top.mode, Mode::Answer(_)));
    assert_eq!(
        changes(&mut top, What::NeedClosed { id: 3 }),
        [Effect::Load]
    );
    assert_eq!(top.mode, Mode::Page);
    assert!(top.need().is_none());
    assert!(top.message.unwrap().1.contains("answered elsewhere"));
}

#[test]
fn conflicts_are_resolved_one_after_another_and_told_together() {
    let resolve = |conflict: &str, choice: &str| Request::Resolve {
        conflict: conflict.into(),
        choice: choice.into(),
    };
    // The first two are marked, the newer version is theirs; the third gets both.
    let (mut top, asked) = asks("3jmm]\n\n", resolve("c1", "left"));
    happens(
        &mut top,
        Event::Reply(asked, Ok(Reply::Accepted { request: 7 })),
    );
    assert_eq!(top.message.clone().unwrap().1, "resolving 1 of 2");
    let ended = |request, outcome, problem: Option<&str>| What::RequestEnded {
        request,
        outcome,
        problem: problem.map(Into::into),
    };
    assert_eq!(
        changes(&mut top, ended(99, Outcome::Failed, None)),
        [Effect::Load]
    );
    let next = changes(&mut top, ended(7, Outcome::Succeeded, None));
    assert_eq!(
        next,
        [Effect::Ask(Asked::Resolve, Box::new(resolve("c2", "left")))]
    );
    happens(
        &mut top,
        Event::Reply(Asked::Resolve, Ok(Reply::Accepted { request: 8 })),
    );
    changes(
        &mut top,
        ended(8, Outcome::Failed, Some("it changed meanwhile")),
    );
    let told = top.message.clone().unwrap();
    assert_eq!(
        told,
        (
            Tone::Bad,
            "1 conflict resolved, 1 not: it changed meanwhile".into()
        )
    );
    assert!(top.chosen.is_empty() && top.marked.is_empty());
}

#[test]
fn what_was_chosen_for_a_conflict_goes_with_it() {
    let mut top = page(80, 24);
    types(&mut top, "3M>");
    assert_eq!((top.marked.len(), top.chosen.len()), (3, 3));
    let mut there = loaded();
    there.conflicts.remove(0);
    there.conflict_total = 2;
    happens(&mut top, Event::Loaded(Box::new(there)));
    assert_eq!((top.marked.len(), top.chosen.len()), (2, 2));
}

#[test]
fn undo_is_asked_for_only_where_it_can_be() {
    let (mut top, asked) = asks(
        "u",
        Request::Show {
            name: "folder/MAIL".into(),
        },
    );
    let detail = |greyed: Option<&str>| ItemDetail {
        item: item("mail", Shown::Failed, "failed"),
        handler_name: "Folders".into(),
        definition: None,
        runs: loaded().runs,
        needs: vec![],
        tasks: vec![TaskView {
            task: "undo".into(),
            greyed: greyed.map(Into::into),
        }],
        policies: vec![],
    };
    let reply = |greyed| Ok(Reply::Item(Box::new(detail(greyed))));
    happens(
        &mut top,
        Event::Reply(asked.clone(), reply(Some("nothing was deleted"))),
    );
    assert_eq!(top.mode, Mode::Page);
    assert!(
        top.message
            .clone()
            .unwrap()
            .1
            .contains("nothing was deleted")
    );
    happens(&mut top, Event::Reply(asked, reply(None)));
    let effects = types(&mut top, "\n");
    let undo = Request::Undo { run: 11 };
    assert_eq!(
        effects,
        [Effect::Ask(
            Asked::Begin("undo of mail".into()),
            Box::new(undo)
        )]
    );
}

#[test]
fn progress_is_shown_as_it_is_told() {
    let mut top = page(80, 24);
    let progress = |status, value| What::Progress {
        run: 13,
        handler: "folder".into(),
        item: "MAIL".into(),
        name: "mail".into(),
        status,
        text: "fetching".into(),
        value,
        max: 10,
        counts: Default::default(),
        stopping: false,
    };
    assert_eq!(changes(&mut top, progress(ItemStatus::Updating, 3)), []);
    assert_eq!(top.items[0].run_state, RunState::Syncing);
    assert_eq!(top.items[0].state, "synchronizing");
    assert_eq!(top.items[0].progress.as_ref().unwrap().value, 3);
    let working = |top: &Top| {
        let rows = top.now_rows.iter();
        rows.filter(|row| matches!(row, NowRow::Working(..)))
            .count()
    };
    assert_eq!(working(&top), 2);
    let finished = What::ItemFinished {
        run: 13,
        handler: "folder".into(),
        item: "MAIL".into(),
        name: "mail".into(),
        status: ItemStatus::Succeeded,
        text: String::new(),
        failure: None,
        counts: Default::default(),
        elapsed_ms: 10,
    };
    assert_eq!(changes(&mut top, finished), [Effect::Load]);
    assert_eq!(working(&top), 1);
    let closed = What::RunClosed {
        run: 12,
        outcome: Outcome::Succeeded,
        problem: None,
    };
    changes(&mut top, closed);
    assert_eq!(working(&top), 0);
}

#[test]
fn one_stands_on_the_same_row_while_others_come_and_go() {
    let mut top = page(80, 24);
    types(&mut top, "jj");
    let mut there = loaded();
    there.items.rotate_left(2);
    happens(&mut top, Event::Loaded(Box::new(there)));
    assert_eq!(top.item().unwrap().name, "notes");
    types(&mut top, "3");
    happens(&mut top, Event::Key(Press::Down));
    happens(&mut top, Event::Key(Press::Down));
    assert_eq!(top.conflict().unwrap().id, "c2");
    let mut there = loaded();
    there.needs = vec![need(), need()];
    there.needs[1].id = 4;
    happens(&mut top, Event::Loaded(Box::new(there)));
    assert_eq!(top.conflict().unwrap().id, "c2");
    assert_eq!(top.tab, Tab::Needs);
}

#[test]
fn a_filter_finds_words_in_names_handlers_and_states() {
    let found = |filter: &str| {
        let mut top = page(80, 24);
        types(&mut top, &format!("/{filter}"));
        let names = top.seen.iter().map(|place| top.items[*place].name.clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(found("PAP"), ["papers"]);
    assert_eq!(found("folders in-sync").len(), 0);
    assert_eq!(found("folders sync").len(), 2);
    assert_eq!(found("").len(), 7);
}

/// A page that is looked at all day takes no more room for it.
#[test]
fn runs_that_are_over_are_forgotten() {
    let mut top = page(80, 24);
    for run in 100..400 {
        for name in ["MAIL", "PAPERS"] {
            let progress = What::Progress {
                run,
                handler: "folder".into(),
                item: name.into(),
                name: name.into(),
                status: ItemStatus::Updating,
                text: String::new(),
                value: 1,
                max: 2,
                counts: Default::default(),
                stopping: false,
            };
            changes(&mut top, progress);
        }
        let outcome = Outcome::Succeeded;
        changes(
            &mut top,
            What::RunClosed {
                run,
                outcome,
                problem: None,
            },
        );
    }
    assert_eq!(top.progress.runs().collect::<Vec<_>>(), [12]);
    assert_eq!(top.progress.working().count(), 1);
}

/// A question that wants a name and a secret filled in.
pub(super) fn login() -> syncmgr_control::view::NeedView {
    let field = |name: &str, kind, required: bool| FieldView {
        name: name.into(),
        label: name.into(),
        detail: None,
        kind,
        choices: vec![],
        default: (!required).then(|| "ada".into()),
        required,
    };
    syncmgr_control::view::NeedView {
        kind: "login".into(),
        text: "sign in at imap.example.org".into(),
        detail: None,
        choices: vec![],
        default: None,
        fields: vec![
            field("user", FieldKind::Text, false),
            field("password", FieldKind::Secret, true),
        ],
        ..need()
    }
}

#[test]
fn what_a_question_wants_is_filled_in_and_a_secret_is_not_shown() {
    let mut top = page(80, 24);
    let mut there = loaded();
    there.needs = vec![login()];
    happens(&mut top, Event::Loaded(Box::new(there)));
    types(&mut top, "3\n");
    types(&mut top, "bob\n");
    assert_eq!(types(&mut top, "q pass?"), []);
    let Mode::Fill(filling) = &top.mode else {
        panic!("{:?}", top.mode);
    };
    assert!(filling.hidden && filling.line == "q pass?");
    assert!(!format!("{top:?}").contains("pass?"));
    let shown = super::screens::shown(&top);
    assert!(shown.contains("(not shown): *******\n"), "{shown}");
    assert!(!shown.contains("pass?"), "{shown}");
    // Whether it is remembered is asked as well.
    assert_eq!(types(&mut top, "\n"), []);
    let shown = super::screens::shown(&top);
    assert!(shown.contains("Remember it"), "{shown}");
    let mut effects = types(&mut top, "yes\n");
    let Some(Effect::Ask(Asked::Answer(3, _), request)) = effects.pop() else {
        panic!("{effects:?}");
    };
    let Request::Answer {
        choice,
        fields,
        remember,
        ..
    } = *request
    else {
        panic!("{request:?}");
    };
    assert_eq!((choice.as_str(), remember), ("ok", true));
    assert_eq!(fields.0["user"], "bob");
    assert_eq!(fields.0["password"], "q pass?");
    assert!(matches!(top.mode, Mode::Page));
    // Nothing typed where something is needed leaves the question open.
    types(&mut top, "3\n\n");
    assert_eq!(types(&mut top, "\n"), []);
    assert!(top.message.clone().unwrap().1.contains("stays open"));
    // Who is in the midst of it when somebody else answers is told at once, not after the last field.
    types(&mut top, "3\nbob\nhalf of it");
    assert!(matches!(top.mode, Mode::Fill(_)));
    changes(&mut top, What::NeedClosed { id: 3 });
    assert!(matches!(top.mode, Mode::Page));
    assert!(top.message.unwrap().1.contains("answered elsewhere"));
}
