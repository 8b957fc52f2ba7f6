//! A list with ticks, as people see and change it: "Items to Synchronize".

use syncmgr_control::Request;
use syncmgr_control::offer::{OfferView, OfferedRow};

use crate::look::Look;
use crate::register::handler_label;
use crate::text::{harmless, pad, width};
use crate::when;

/// A list, with what is ticked in it now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ticks {
    offer: OfferView,
    /// One for each row.
    ticked: Vec<bool>,
}

/// What stands on a line of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    /// A handler, by its place.
    Handler(usize),
    /// A row, by its number from 0.
    Row(usize),
}

impl Ticks {
    pub(crate) fn new(offer: OfferView) -> Self {
        let ticked = offer.rows().map(|row| row.ticked).collect();
        Self { offer, ticked }
    }

    pub(crate) fn offer(&self) -> &OfferView {
        &self.offer
    }

    pub(crate) fn rows(&self) -> usize {
        self.ticked.len()
    }

    pub(crate) fn any(&self) -> bool {
        self.ticked.contains(&true)
    }

    /// The lines in order: each handler, then its rows.
    pub(crate) fn order(&self) -> Vec<Stands> {
        let mut order = Vec::new();
        let mut row = 0;
        for (at, handler) in self.offer.handlers.iter().enumerate() {
            order.push(Stands::Handler(at));
            let rows = handler.rows.len() + usize::from(handler.rest.is_some());
            order.extend((row..row + rows).map(Stands::Row));
            row += rows;
        }
        order
    }

    /// Ticks a row, or takes its tick; of a handler, ticks all of its own unless they all are.
    pub(crate) fn toggle(&mut self, what: Stands) {
        match what {
            Stands::Row(row) => {
                if let Some(ticked) = self.ticked.get_mut(row) {
                    *ticked = !*ticked;
                }
            }
            Stands::Handler(at) => {
                let rows = self.rows_of(at);
                if let Some(own) = self.ticked.get_mut(rows) {
                    let all = own.iter().all(|ticked| *ticked);
                    own.fill(!all);
                }
            }
        }
    }

    pub(crate) fn set_all(&mut self, ticked: bool) {
        self.ticked.fill(ticked);
    }

    /// What starts what is ticked, and nothing else.
    pub(crate) fn request(&self) -> Request {
        let ticked = self.picks();
        self.offer.chosen(|row| ticked.contains(&row.pick))
    }

    /// What is ticked, as the manager calls it.
    pub(crate) fn picks(&self) -> Vec<String> {
        let rows = self.offer.rows().zip(&self.ticked);
        rows.filter(|(_, ticked)| **ticked)
            .map(|(row, _)| row.pick.clone())
            .collect()
    }

    /// A line of it, in so many columns; rows are numbered from 1.
    pub(crate) fn line(&self, what: Stands, look: &Look, now_ms: i64) -> String {
        match what {
            Stands::Handler(at) => {
                let Some(handler) = self.offer.handlers.get(at) else {
                    return String::new();
                };
                let own = self.ticked.get(self.rows_of(at)).unwrap_or_default();
                let count = own.iter().filter(|ticked| **ticked).count();
                let mark = match count {
                    0 => ' ',
                    all if all == own.len() => 'x',
                    _ => '-',
                };
                let label = handler_label(&handler.handler, &handler.name);
                format!("  [{mark}] {}", look.bold(&harmless(label)))
            }
            Stands::Row(at) => {
                let Some(row) = self.offer.rows().nth(at) else {
                    return String::new();
                };
                let ticked = self.ticked.get(at).copied().unwrap_or(false);
                format!(
                    "    [{}] {:>3}  {}  {}",
                    if ticked { 'x' } else { ' ' },
                    at + 1,
                    pad(&called(row), self.widest()),
                    look.dim(&last(row, now_ms))
                )
            }
        }
    }

    /// The widest name, as far as the names stand below each other.
    fn widest(&self) -> usize {
        const MOST: usize = 40;
        let widths = self.offer.rows().map(|row| width(&called(row)));
        widths.max().unwrap_or(0).min(MOST)
    }

    fn rows_of(&self, handler: usize) -> std::ops::Range<usize> {
        let count = |handler: &syncmgr_control::offer::OfferedHandlerView| {
            handler.rows.len() + usize::from(handler.rest.is_some())
        };
        let before: usize = self.offer.handlers.iter().take(handler).map(count).sum();
        let own = self.offer.handlers.get(handler).map_or(0, count);
        before..before + own
    }
}

fn called(row: &OfferedRow) -> String {
    match (row.name.as_str(), row.count) {
        ("", 0) => "everything of it".to_owned(),
        ("", count) => format!("{} more", when::count(count, "item")),
        (name, _) => harmless(name),
    }
}

fn last(row: &OfferedRow, now_ms: i64) -> String {
    match (row.name.as_str(), row.count, row.last_good_ms) {
        ("", 0, _) => "its items are not known yet".to_owned(),
        ("", ..) => "as they are ticked".to_owned(),
        (_, _, Some(at_ms)) => when::ago(at_ms, now_ms),
        (_, _, None) => "never synchronized".to_owned(),
    }
}
