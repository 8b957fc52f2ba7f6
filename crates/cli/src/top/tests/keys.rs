//! Every key of the footer acts, and every key that acts and is not known to everybody stands in the footer.

use super::samples::{happens, loaded, page};
use super::steps::login;
use crate::top::keys::{Act, Place, Press, TABLE, act, footer, valid};
use crate::top::layout::footer_rows;
use crate::top::state::{Tab, Top};
use crate::top::step::Event;

/// Before the keys of a way: a question wants something filled in.
const LOGIN: &str = "login:";

/// Keys that lead to every place that there is, with something of everything below.
const WAYS: &[&str] = &[
    "",
    "j",
    "jj",
    "jjj",
    "jjjj",
    "jjjjj",
    "jjjjjj",
    "/",
    "/x",
    "/zzz",
    "/m\n",
    " ",
    " a",
    "jjjjj ",
    "jjjjj a",
    "?",
    "w",
    "p",
    "l",
    "i",
    "2",
    "2j",
    "2jj",
    "2jjj",
    "2jjjj",
    "2jjjjj",
    "2j\n",
    "3",
    "3\n",
    "3\nj",
    "3\njj",
    "3j",
    "3j>",
    "3jm",
    "3jmm<",
    "3j]\n",
    "3M",
    "3M>",
    "3jM>\n",
    "3C",
    "3C>",
    "3jb",
    "login:3\n",
    "login:3\nbob\n",
    "login:3\nbob\nsecret",
];

fn walked(way: &str) -> Top {
    let mut top = page(80, 24);
    let way = match way.strip_prefix(LOGIN) {
        Some(rest) => {
            let mut there = loaded();
            there.needs = vec![login()];
            happens(&mut top, Event::Loaded(Box::new(there)));
            rest
        }
        None => way,
    };
    for letter in way.chars() {
        happens(&mut top, Event::Key(press(letter)));
    }
    top
}

fn press(letter: char) -> Press {
    if letter == '\n' {
        Press::Enter
    } else {
        Press::Char(letter)
    }
}

#[test]
fn the_footer_shows_the_keys_that_act_and_no_others() {
    let mut places = Vec::new();
    for way in WAYS {
        let top = walked(way);
        places.push(top.place());
        for (label, word) in footer(&top) {
            let binding = TABLE
                .iter()
                .find(|binding| {
                    binding.press.label() == label
                        && binding.word == word
                        && binding.at.contains(&top.place())
                })
                .unwrap();
            assert_eq!(
                act(&top, binding.press),
                Some(binding.act),
                "{way:?} {label} {word}"
            );
            let mut after = walked(way);
            let effects = happens(&mut after, Event::Key(binding.press));
            let same = format!("{after:?}") == format!("{:?}", walked(way));
            // Marking all where all are marked already is undone, the others do or ask something.
            assert!(
                !effects.is_empty() || !same,
                "{way:?}: {label} {word} does nothing"
            );
        }
        for binding in valid(&top) {
            let known = binding.word.is_empty();
            let shown = footer(&top)
                .iter()
                .any(|(label, word)| *label == binding.press.label() && *word == binding.word);
            assert!(known || shown, "{way:?}: {} is not shown", binding.word);
            let same = valid(&top)
                .filter(|other| other.press == binding.press)
                .count();
            assert_eq!(
                same,
                1,
                "{way:?}: {} has two meanings",
                binding.press.label()
            );
        }
    }
    for place in [
        Place::Items,
        Place::Now,
        Place::Needs,
        Place::Filter,
        Place::Pause,
        Place::Text,
        Place::Answer,
        Place::Fill,
        Place::Confirm,
    ] {
        assert!(places.contains(&place), "{place:?} is not reached");
    }
}

/// Everything in the footer fits at 80 columns, and help and quit are there however narrow the window is.
#[test]
fn the_footer_fits() {
    for way in WAYS {
        let mut top = walked(way);
        let all: usize = footer_rows(&top).iter().map(Vec::len).sum();
        assert_eq!(all, footer(&top).len(), "{way:?}");
        top.size.columns = 40;
        let rows = footer_rows(&top);
        for row in &rows {
            let taken: usize = row
                .iter()
                .map(|(label, word)| label.len() + word.len() + 3)
                .sum();
            assert!(taken <= 42, "{way:?}: {row:?}");
        }
        if matches!(top.place(), Place::Items | Place::Now | Place::Needs) {
            let last = rows.last().unwrap().last().unwrap();
            assert_eq!(last.1, "quit", "{way:?}");
        }
    }
}

#[test]
fn ctrl_c_leaves_from_everywhere() {
    for way in WAYS {
        assert_eq!(
            act(&walked(way), Press::Ctrl('c')),
            Some(Act::Quit),
            "{way:?}"
        );
    }
}

#[test]
fn what_is_typed_into_a_filter_is_no_command() {
    let mut top = walked("/qm1");
    assert_eq!(top.filter, "qm1");
    assert_eq!(top.tab, Tab::Items);
    happens(&mut top, Event::Paste("a\u{1b}b".into()));
    assert_eq!(top.filter, "qm1ab");
    for _ in 0..300 {
        happens(&mut top, Event::Key(Press::Char('x')));
    }
    assert_eq!(top.filter.chars().count(), 100);
}

/// M-119: while a window of its handler's is open, an item that runs can be stopped and not skipped.
#[test]
fn an_open_window_leaves_only_stopping() {
    for window in [false, true] {
        let mut top = page(100, 30);
        top.items[0].run_state = syncmgr_control::view::RunState::Syncing;
        top.items[0].window = window;
        assert_eq!(act(&top, Press::Char('s')).is_none(), window);
        assert_eq!(act(&top, Press::Char('x')), Some(Act::Stop));
    }
}
