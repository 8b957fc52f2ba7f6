//! Lists that leave in pages of bounded length.

use std::collections::VecDeque;

use serde::Serialize;

use crate::contract::{MAX_LINE_BYTES, MAX_PAGE};
use crate::frame::RpcError;
use crate::run::encoded_len;

/// A page is closed when its elements take this many bytes, which leaves room for the envelope and one more.
const PAGE_BYTES: usize = MAX_LINE_BYTES / 2;

/// A single element may take this many bytes; a longer one is left out and told.
const ELEMENT_BYTES: usize = MAX_LINE_BYTES / 4;

/// Most lists that are read page by page at once; the one that was begun first is given up for a further one.
const MAX_OPEN: usize = 8;

/// The rest of every list of one kind that is being read.
#[derive(Debug)]
pub struct Lists<T> {
    open: VecDeque<Rest<T>>,
    next: u64,
}

#[derive(Debug)]
struct Rest<T> {
    number: u64,
    elements: VecDeque<T>,
    incomplete: bool,
}

/// One page.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// At most [`MAX_PAGE`], and no more than a line holds.
    pub elements: Vec<T>,
    /// Where the next page begins; absent on the last.
    pub next: Option<String>,
    /// Something is missing from the list.
    pub incomplete: bool,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self {
            open: VecDeque::new(),
            next: 1,
        }
    }
}

impl<T: Serialize> Lists<T> {
    /// Begins a list and gives its first page; elements that fit into no line are returned beside it.
    pub fn begin(&mut self, elements: Vec<T>, incomplete: bool) -> (Page<T>, Vec<T>) {
        let (elements, long): (VecDeque<T>, VecDeque<T>) = elements
            .into_iter()
            .partition(|element| encoded_len(element) <= ELEMENT_BYTES);
        let number = self.next;
        self.next += 1;
        let rest = Rest {
            number,
            elements,
            incomplete: incomplete || !long.is_empty(),
        };
        (self.take(rest), long.into())
    }

    /// Gives the page that begins at the cursor.
    ///
    /// # Errors
    /// The cursor was used before, or its list was given up.
    pub fn resume(&mut self, cursor: &str) -> Result<Page<T>, RpcError> {
        let at = self.open.iter().position(|rest| rest.cursor() == cursor);
        match at.and_then(|at| self.open.remove(at)) {
            Some(rest) => Ok(self.take(rest)),
            None => Err(RpcError::new(
                RpcError::INVALID_PARAMS,
                "the cursor leads nowhere any more; begin the list again",
            )),
        }
    }

    fn take(&mut self, mut rest: Rest<T>) -> Page<T> {
        let mut elements = Vec::new();
        let mut bytes = 0;
        while elements.len() < MAX_PAGE && bytes < PAGE_BYTES {
            let Some(element) = rest.elements.pop_front() else {
                break;
            };
            bytes += encoded_len(&element);
            elements.push(element);
        }
        let incomplete = rest.incomplete;
        let next = (!rest.elements.is_empty()).then(|| rest.cursor());
        if next.is_some() {
            if self.open.len() >= MAX_OPEN {
                self.open.pop_front();
            }
            self.open.push_back(rest);
        }
        Page {
            elements,
            next,
            incomplete,
        }
    }
}

impl<T> Rest<T> {
    fn cursor(&self) -> String {
        format!("{}-{}", self.number, self.elements.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lists: &mut Lists<String>, elements: Vec<String>) -> (Vec<usize>, usize) {
        let (mut page, long) = lists.begin(elements, false);
        let mut lengths = vec![page.elements.len()];
        while let Some(next) = page.next {
            page = lists.resume(&next).unwrap();
            lengths.push(page.elements.len());
        }
        (lengths, long.len())
    }

    #[test]
    fn pages_are_bounded_by_count_and_by_length() {
        let mut lists = Lists::default();
        assert_eq!(read(&mut lists, Vec::new()), (vec![0], 0));
        assert_eq!(
            read(&mut lists, vec!["a".into(); 1001]),
            (vec![500, 500, 1], 0)
        );
        let big = "b".repeat(200_000);
        assert_eq!(read(&mut lists, vec![big; 7]), (vec![3, 3, 1], 0));
        let long = "c".repeat(MAX_LINE_BYTES);
        assert_eq!(read(&mut lists, vec![long, "d".into()]), (vec![1], 1));
    }

    #[test]
    fn a_cursor_serves_once_and_old_lists_are_given_up() {
        let mut lists = Lists::default();
        let many = || vec!["a".to_owned(); 501];
        let (first, _) = lists.begin(many(), false);
        let cursor = first.next.unwrap();
        assert_eq!(lists.resume(&cursor).unwrap().elements.len(), 1);
        assert!(lists.resume(&cursor).is_err());
        let (oldest, _) = lists.begin(many(), false);
        for _ in 0..MAX_OPEN {
            lists.begin(many(), false);
        }
        assert!(lists.resume(&oldest.next.unwrap()).is_err());
    }
}
