//! "Items to Synchronize" on the terminal page.

use insta::assert_snapshot;
use syncmgr_control::offer::{OfferView, OfferedHandlerView, OfferedRow};
use syncmgr_control::request::Typed;
use syncmgr_control::{Reply, Request, What};

use super::samples::{NOW_MS, changes, happens};
use super::screens::shown;
use super::steps::{asks, types};
use crate::top::keys::Press;
use crate::top::state::{Mode, Top};
use crate::top::step::{Asked, Effect, Event};

fn offer(need: Option<u64>) -> OfferView {
    let row = |id: &str, name: &str, ticked: bool| OfferedRow {
        pick: format!("folder/{id}"),
        name: name.to_owned(),
        ticked,
        last_good_ms: (id == "NOTES").then_some(NOW_MS - 7_200_000),
        count: 1,
        properties: false,
    };
    OfferView {
        need,
        text: need.map(|_| "a program asks to synchronize everything".to_owned()),
        deadline_ms: need.map(|_| NOW_MS + 60_000),
        close: need.map(|_| "dismiss".to_owned()),
        lasts: need.is_none(),
        handlers: vec![
            OfferedHandlerView {
                handler: "folder".to_owned(),
                name: "Folders".to_owned(),
                rows: vec![
                    row("NOTES", "notes", true),
                    row("EVIL", "<b>\u{1b}[31m\u{202e}evil", false),
                    row("LONG", &"x".repeat(200), true),
                ],
                rest: None,
            },
            OfferedHandlerView {
                handler: "mail".to_owned(),
                name: "Mail".to_owned(),
                rows: Vec::new(),
                rest: Some(OfferedRow {
                    pick: "mail/".to_owned(),
                    name: String::new(),
                    ticked: true,
                    last_good_ms: None,
                    count: 0,
                    properties: false,
                }),
            },
        ],
    }
}

fn opened(need: Option<u64>) -> Top {
    let (mut top, asked) = asks("c", Request::Offer { need: None });
    happens(&mut top, Event::Reply(asked, Ok(Reply::Offer(offer(need)))));
    top
}

fn chosen(effects: &[Effect]) -> Option<Vec<String>> {
    match effects {
        [Effect::Ask(Asked::Chosen, request)] => match &**request {
            Request::Choose { items, .. } => Some(items.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// M-171: a handler's row ticks all of its own and shows a mixed state; the ticked ones alone begin.
#[test]
fn a_list_is_ticked_and_begun() {
    let mut top = opened(None);
    assert_snapshot!("choose", shown(&top));
    let mut all = opened(None);
    assert_eq!(
        chosen(&types(&mut all, " \n")).unwrap(),
        ["folder/NOTES", "folder/EVIL", "folder/LONG", "mail/"]
    );
    // Down to the first item, without its tick; the second one with it.
    assert_eq!(
        chosen(&types(&mut top, "j  \n")).unwrap(),
        ["folder/EVIL", "folder/LONG", "mail/"]
    );
    // With nothing ticked there is nothing to begin.
    let mut none = opened(None);
    assert_eq!(types(&mut none, "aa\n"), []);
    assert!(matches!(none.mode, Mode::Choose(_)));
    happens(&mut none, Event::Key(Press::Esc));
    assert_eq!(none.mode, Mode::Page);
}

/// M-172: closing the list of a question starts nothing; whoever is too late is told.
#[test]
fn a_list_of_a_question_is_closed() {
    let mut top = opened(Some(3));
    assert_snapshot!("choose-question", shown(&top));
    let effects = types(&mut top, "c");
    let [Effect::Ask(_, request)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(
        **request,
        Request::Answer {
            need: 3,
            choice: "dismiss".into(),
            fields: Typed::default(),
            remember: false,
        }
    );
    let mut late = opened(Some(3));
    changes(&mut late, What::NeedClosed { id: 3 });
    assert_eq!(late.mode, Mode::Page);
}
