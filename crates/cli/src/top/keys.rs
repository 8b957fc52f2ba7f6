//! What each key does where: one table, from which the footer and the help are made.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::draw_dialog;
use super::sides::Side;
use super::state::{Mode, Tab, Top};
use syncmgr_control::view::{RunState, Shown};

/// A key as the table knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Press {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
    Backspace,
    /// With Ctrl.
    Ctrl(char),
}

impl Press {
    /// The key of an event of the terminal; nothing for keys that mean nothing here, and for keys that are let go.
    pub(crate) fn of(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        if event.modifiers.contains(KeyModifiers::ALT) {
            return None;
        }
        Some(match event.code {
            KeyCode::Char(letter) if control => Self::Ctrl(letter.to_ascii_lowercase()),
            KeyCode::Char(letter) => Self::Char(letter),
            KeyCode::Enter => Self::Enter,
            KeyCode::Esc => Self::Esc,
            KeyCode::Tab => Self::Tab,
            KeyCode::BackTab => Self::BackTab,
            KeyCode::Up => Self::Up,
            KeyCode::Down => Self::Down,
            KeyCode::Left => Self::Left,
            KeyCode::Right => Self::Right,
            KeyCode::PageUp => Self::PageUp,
            KeyCode::PageDown => Self::PageDown,
            KeyCode::Home => Self::Home,
            KeyCode::End => Self::End,
            KeyCode::Backspace => Self::Backspace,
            _ => return None,
        })
    }

    /// What stands on the key.
    pub(crate) fn label(self) -> String {
        match self {
            Self::Char(' ') => "Space".to_owned(),
            Self::Char(letter) => letter.to_string(),
            Self::Ctrl(letter) => format!("Ctrl-{}", letter.to_ascii_uppercase()),
            Self::BackTab => "Shift-Tab".to_owned(),
            Self::PageUp => "PgUp".to_owned(),
            Self::PageDown => "PgDn".to_owned(),
            other => format!("{other:?}"),
        }
    }
}

/// Where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Items,
    Now,
    Needs,
    Filter,
    Pause,
    Text,
    Answer,
    Choose,
    Fill,
    Confirm,
}

/// For how long something is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    Minutes(u64),
    Tomorrow,
    Resumed,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Quit,
    Help,
    Go(Tab),
    NextTab,
    LastTab,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Run,
    ShowRun,
    Why,
    Plan,
    Log,
    Show,
    Undo,
    Skip,
    Stop,
    PauseMenu,
    Pause(Until),
    PauseAll,
    Resume,
    Filter,
    ClearFilter,
    Answer,
    ChooseItems,
    Tick,
    TickAll,
    CloseList,
    OnlyConflicts,
    Choose(Side),
    NextChoice,
    Mark,
    MarkAll,
    Forget,
    Confirm,
    Accept,
    Close,
    Erase,
    EraseAll,
    Redraw,
}

/// One row of the table.
pub(crate) struct Binding {
    pub(crate) at: &'static [Place],
    pub(crate) press: Press,
    pub(crate) act: Act,
    /// In the footer; empty: only in the help, as everybody knows it.
    pub(crate) word: &'static str,
    /// In the help; empty: it stands beside another key for the same.
    pub(crate) help: &'static str,
    /// When it does anything.
    pub(crate) when: fn(&Top) -> bool,
}

use Place::{Answer, Choose, Confirm, Fill, Filter, Items, Needs, Now, Pause, Text};

const PAGES: &[Place] = &[Items, Now, Needs];
const LISTS: &[Place] = &[Items, Now, Needs, Text, Answer, Choose];
const EVERYWHERE: &[Place] = &[
    Items, Now, Needs, Filter, Pause, Text, Answer, Choose, Fill, Confirm,
];

const fn key(
    at: &'static [Place],
    press: Press,
    act: Act,
    word: &'static str,
    help: &'static str,
    when: fn(&Top) -> bool,
) -> Binding {
    Binding {
        at,
        press,
        act,
        word,
        help,
        when,
    }
}

/// Every key; of those for one place and press, the first whose time it is.
#[rustfmt::skip]
pub(crate) const TABLE: &[Binding] = &[
    key(&[Items, Now], Press::Enter, Act::Run, "run", "synchronize the item now", may_run),
    key(&[Now], Press::Enter, Act::ShowRun, "show", "show the run", on_run),
    key(&[Needs], Press::Enter, Act::Answer, "answer", "answer the question", on_need),
    key(&[Needs], Press::Enter, Act::Confirm, "do it", "do what was chosen, after a last look", has_chosen),
    key(&[Needs], Press::Char('>'), Act::Choose(Side::First), "left wins", "the left version goes to the right", may_choose),
    key(&[Needs], Press::Char('<'), Act::Choose(Side::Last), "right wins", "the right version goes to the left", may_choose),
    key(&[Needs], Press::Char(']'), Act::Choose(Side::Newer), "newer", "the newer version wins", may_choose),
    key(&[Needs], Press::Char('['), Act::Choose(Side::Older), "older", "the older version wins", may_choose),
    key(&[Needs], Press::Char('b'), Act::Choose(Side::Both), "both", "both versions are kept", may_choose),
    key(&[Needs], Press::Right, Act::NextChoice, "", "the next of all choices that the handler offers", may_choose),
    key(&[Needs], Press::Backspace, Act::Forget, "forget", "choose nothing for it", may_forget),
    key(&[Needs], Press::Char('m'), Act::Mark, "mark", "mark it: a choice is for all that are marked", on_conflict),
    key(&[Needs], Press::Char('M'), Act::MarkAll, "mark all", "mark all conflicts, or none", has_conflicts),
    key(&[Needs], Press::Char('C'), Act::OnlyConflicts, "conflicts only", "conflicts only, or questions too", may_narrow),
    key(PAGES, Press::Char('w'), Act::Why, "why", "why it is as it is, and what would change that", on_item),
    key(&[Items, Now], Press::Char('p'), Act::Plan, "plan", "what a run would do; nothing is written", on_item),
    key(PAGES, Press::Char('i'), Act::Show, "info", "everything known about the item", on_item),
    key(PAGES, Press::Char('l'), Act::Log, "log", "the log of the item or the run", on_log),
    key(&[Items, Now], Press::Char('s'), Act::Skip, "skip", "have the run leave this item out", may_skip),
    key(&[Items, Now], Press::Char('x'), Act::Stop, "stop", "stop the run of this item; again insists", runs),
    key(&[Items, Now], Press::Char(' '), Act::PauseMenu, "pause", "pause the item or everything, or let it go on", on_item),
    key(&[Items, Now], Press::Char('u'), Act::Undo, "undo", "bring back what the last run deleted or overwrote", may_undo),
    key(&[Items], Press::Char('/'), Act::Filter, "filter", "only items with these words", always),
    key(&[Items, Now], Press::Char('c'), Act::ChooseItems, "", "choose what to synchronize from the list of everything", always),
    key(&[Items], Press::Esc, Act::ClearFilter, "all items", "all items again", filtered),
    key(PAGES, Press::Char('1'), Act::Go(Tab::Items), "", "the items", always),
    key(PAGES, Press::Char('2'), Act::Go(Tab::Now), "", "what works now, and what comes", always),
    key(PAGES, Press::Char('3'), Act::Go(Tab::Needs), "", "what needs you", always),
    key(PAGES, Press::Tab, Act::NextTab, "", "the next page", always),
    key(PAGES, Press::BackTab, Act::LastTab, "", "the page before", always),
    key(&[Pause], Press::Char('1'), Act::Pause(Until::Minutes(15)), "15 minutes", "", always),
    key(&[Pause], Press::Char('2'), Act::Pause(Until::Minutes(60)), "1 hour", "", always),
    key(&[Pause], Press::Char('3'), Act::Pause(Until::Tomorrow), "until tomorrow", "", always),
    key(&[Pause], Press::Char('4'), Act::Pause(Until::Resumed), "for good", "", always),
    key(&[Pause], Press::Char('r'), Act::Resume, "go on", "", may_resume),
    key(&[Pause], Press::Char('a'), Act::PauseAll, "all or one", "", always),
    key(&[Answer], Press::Enter, Act::Accept, "send answer", "", has_choices),
    key(&[Choose], Press::Char(' '), Act::Tick, "tick", "", always),
    key(&[Choose], Press::Char('a'), Act::TickAll, "all or none", "", always),
    key(&[Choose], Press::Enter, Act::Accept, "synchronize", "", any_ticked),
    key(&[Choose], Press::Char('c'), Act::CloseList, "close it", "", of_question),
    key(&[Fill], Press::Enter, Act::Accept, "take it", "", always),
    key(&[Fill], Press::Backspace, Act::Erase, "", "", always),
    key(&[Fill], Press::Ctrl('u'), Act::EraseAll, "empty", "", typed),
    key(&[Confirm], Press::Enter, Act::Accept, "do it", "", always),
    key(&[Filter], Press::Enter, Act::Accept, "keep", "", always),
    key(&[Filter], Press::Backspace, Act::Erase, "", "", always),
    key(&[Filter], Press::Ctrl('u'), Act::EraseAll, "empty", "", filtered),
    key(&[Filter], Press::Esc, Act::Close, "all items", "", always),
    key(&[Pause, Text, Answer, Choose, Fill, Confirm], Press::Esc, Act::Close, "back", "", always),
    key(&[Text], Press::Char('q'), Act::Close, "", "", always),
    key(LISTS, Press::Up, Act::Up, "", "one row up", always),
    key(LISTS, Press::Char('k'), Act::Up, "", "", always),
    key(LISTS, Press::Down, Act::Down, "", "one row down", always),
    key(LISTS, Press::Char('j'), Act::Down, "", "", always),
    key(&[Filter], Press::Up, Act::Up, "", "", always),
    key(&[Filter], Press::Down, Act::Down, "", "", always),
    key(LISTS, Press::PageUp, Act::PageUp, "", "one screen up", always),
    key(&[Text], Press::PageDown, Act::PageDown, "more", "", has_more),
    key(LISTS, Press::PageDown, Act::PageDown, "", "one screen down", |top| !has_more(top)),
    key(LISTS, Press::Home, Act::First, "", "the first row", always),
    key(LISTS, Press::Char('g'), Act::First, "", "", always),
    key(LISTS, Press::End, Act::Last, "", "the last row", always),
    key(LISTS, Press::Char('G'), Act::Last, "", "", always),
    key(PAGES, Press::Char('?'), Act::Help, "help", "this", always),
    key(PAGES, Press::Char('q'), Act::Quit, "quit", "leave; what runs goes on with the daemon", always),
    key(EVERYWHERE, Press::Ctrl('c'), Act::Quit, "", "", always),
    key(EVERYWHERE, Press::Ctrl('l'), Act::Redraw, "", "draw everything anew", always),
];

/// What the key does here and now.
pub(crate) fn act(top: &Top, press: Press) -> Option<Act> {
    valid(top)
        .find(|binding| binding.press == press)
        .map(|binding| binding.act)
}

/// The keys that do something here and now.
pub(crate) fn valid(top: &Top) -> impl Iterator<Item = &'static Binding> {
    let place = top.place();
    TABLE
        .iter()
        .filter(move |binding| binding.at.contains(&place) && (binding.when)(top))
}

/// The footer: key and word of each.
pub(crate) fn footer(top: &Top) -> Vec<(String, &'static str)> {
    valid(top)
        .filter(|binding| !binding.word.is_empty())
        .map(|binding| (binding.press.label(), binding.word))
        .collect()
}

/// The help: keys, and what they do on which page.
pub(crate) fn help() -> Vec<(String, &'static str)> {
    let told = TABLE.iter().filter(|binding| !binding.help.is_empty());
    told.map(|binding| (binding.press.label(), binding.help))
        .collect()
}

fn always(_: &Top) -> bool {
    true
}

fn filtered(top: &Top) -> bool {
    !top.filter.is_empty()
}

fn typed(top: &Top) -> bool {
    matches!(&top.mode, Mode::Fill(filling) if !filling.line.is_empty())
}

fn on_item(top: &Top) -> bool {
    top.item().is_some()
}

fn on_run(top: &Top) -> bool {
    top.run().is_some()
}

fn on_log(top: &Top) -> bool {
    on_item(top) || on_run(top)
}

fn on_need(top: &Top) -> bool {
    top.need().is_some()
}

fn on_conflict(top: &Top) -> bool {
    top.conflict().is_some()
}

fn may_choose(top: &Top) -> bool {
    !top.selection().is_empty()
}

fn has_conflicts(top: &Top) -> bool {
    !top.conflicts.is_empty()
}

fn may_narrow(top: &Top) -> bool {
    top.only_conflicts || (!top.conflicts.is_empty() && !top.needs.is_empty())
}

fn may_forget(top: &Top) -> bool {
    top.selection()
        .iter()
        .any(|conflict| top.chosen.contains_key(&conflict.id))
}

fn has_chosen(top: &Top) -> bool {
    !top.chosen.is_empty() && top.need().is_none()
}

fn may_run(top: &Top) -> bool {
    top.item().is_some_and(|item| {
        item.run_state == RunState::Idle && item.enabled && item.shown != Shown::NotSetUp
    })
}

fn runs(top: &Top) -> bool {
    top.item().is_some_and(|item| {
        matches!(
            item.run_state,
            RunState::Pending | RunState::Syncing | RunState::Stopping
        )
    })
}

/// While a window of the handler's is open, only stopping works (M-119).
fn may_skip(top: &Top) -> bool {
    runs(top) && top.item().is_some_and(|item| !item.window)
}

fn may_undo(top: &Top) -> bool {
    top.item()
        .is_some_and(|item| item.run_state == RunState::Idle && item.last_run.is_some())
}

fn may_resume(top: &Top) -> bool {
    let Mode::Pause(pausing) = &top.mode else {
        return false;
    };
    let paused = |shown: Shown| shown == Shown::Paused;
    if pausing.everything {
        top.items.iter().any(|item| paused(item.shown))
    } else {
        top.item_of(&pausing.key)
            .is_some_and(|item| paused(item.shown))
    }
}

/// There is more of a text than is seen.
fn has_more(top: &Top) -> bool {
    let Mode::Text(text) = &top.mode else {
        return false;
    };
    let all = text.lines.as_ref().map_or(0, Vec::len);
    all > text.from + draw_dialog::text_rows(top)
}

fn has_choices(top: &Top) -> bool {
    matches!(&top.mode, Mode::Answer(answering) if !answering.need.choices.is_empty())
}

fn any_ticked(top: &Top) -> bool {
    matches!(&top.mode, Mode::Choose(choosing) if choosing.ticks.any())
}

fn of_question(top: &Top) -> bool {
    matches!(&top.mode, Mode::Choose(choosing) if choosing.ticks.offer().close.is_some())
}
