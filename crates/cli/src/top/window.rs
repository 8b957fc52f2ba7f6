//! The part of a long list that is known: the rows around the one that the person stands on. Where the manager tells all items
//! at once there is none, and the filter is applied here; of a longer list the manager filters, sorts and tells a window.

use syncmgr_control::Request;
use syncmgr_control::browse::{Browse, PageView, Sort};
use syncmgr_control::view::{ItemView, StatusView};

use super::layout::list_rows;
use super::state::{Tab, Top, key};
use super::step::{Asked, Effect};

/// Most rows that are known of a long list.
const ROWS: u32 = 256;

/// Which rows of a long list are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// The place of the first one in the list.
    pub(crate) from: usize,
    /// How many are known.
    pub(crate) known: usize,
    /// How many the list has.
    pub(crate) matching: usize,
    /// How many items there are in all.
    pub(crate) total: usize,
    /// The words that the list was filtered by.
    pub(crate) filter: String,
}

impl Window {
    /// Takes a page of the manager's apart.
    pub(super) fn of(asked: &Browse, page: PageView) -> (Self, StatusView, Vec<ItemView>) {
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let window = Self {
            from: usize::try_from(asked.offset).unwrap_or(usize::MAX),
            known: page.rows.len(),
            matching: number(page.matching),
            total: number(page.status.total),
            filter: asked.text.clone().unwrap_or_default(),
        };
        let rows = page.rows.into_iter().map(|row| row.item);
        let mut items: Vec<ItemView> = rows.collect();
        add_missing(&mut items, page.at_work);
        (window, page.status, items)
    }

    /// Whether the rows from the first to the one before the last are known.
    fn covers(&self, first: usize, last: usize) -> bool {
        first >= self.from && last <= self.from.saturating_add(self.known)
    }
}

/// Adds items that are not there yet: they are looked up, and are no rows of the list.
pub(super) fn add_missing(items: &mut Vec<ItemView>, more: impl IntoIterator<Item = ItemView>) {
    for item in more {
        if items.iter().all(|known| key(known) != key(&item)) {
            items.push(item);
        }
    }
}

/// The rows of a list around one of them, the worst first.
pub(super) fn around(filter: &str, at: usize) -> Browse {
    let half = usize::try_from(ROWS / 2).unwrap_or(0);
    Browse {
        text: Some(filter.to_owned()),
        sort: Sort::Worst,
        offset: u32::try_from(at.saturating_sub(half)).unwrap_or(u32::MAX),
        limit: ROWS,
        ..Browse::default()
    }
}

impl Top {
    /// How many items there are, whatever the filter.
    pub(crate) fn total(&self) -> usize {
        let all = self.window.as_ref().map(|window| window.total);
        all.unwrap_or(self.items.len())
    }

    /// How many items the filter lets through.
    pub(crate) fn matching(&self) -> usize {
        let all = self.window.as_ref().map(|window| window.matching);
        all.unwrap_or(self.seen.len())
    }

    /// The item of a row of the list; nothing as long as it is not known.
    pub(crate) fn item_at(&self, row: usize) -> Option<&ItemView> {
        let from = self.window.as_ref().map_or(0, |window| window.from);
        let place = self.seen.get(row.checked_sub(from)?)?;
        self.items.get(*place)
    }

    /// The rows that are wanted of a long list, as the person stands now.
    pub(super) fn wanted_rows(&self) -> Option<Browse> {
        self.window.as_ref()?;
        Some(around(&self.filter, self.cursor[Tab::Items.at()]))
    }

    /// Asks for the rows that are seen and not known, one request at a time.
    pub(super) fn ask_for_rows(&mut self) -> Option<Effect> {
        let window = self.window.as_ref().filter(|_| !self.asked_for_rows)?;
        let first = self.from[Tab::Items.at()];
        let seen = if self.tab == Tab::Items {
            list_rows(self)
        } else {
            1
        };
        let last = first.saturating_add(seen.max(1)).min(window.matching);
        if window.filter == self.filter && window.covers(first, last) {
            return None;
        }
        let browse = self.wanted_rows()?;
        self.asked_for_rows = true;
        let asked = Asked::Rows(Box::new(browse.clone()));
        Some(Effect::ask(asked, Request::Browse(browse)))
    }

    /// Takes the rows that were asked for; what was known beside the list stays known.
    pub(super) fn take_rows(&mut self, asked: &Browse, page: PageView) {
        let before = self.window.as_ref().map_or(0, |window| window.known);
        let (window, status, mut items) = Window::of(asked, page);
        let beside = self.items.drain(before.min(self.items.len())..);
        add_missing(&mut items, beside);
        self.status = Some(status);
        self.take_items(items, Some(window));
    }
}
