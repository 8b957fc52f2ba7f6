//! A page of items: chosen and sorted by the loop, which alone knows how they stand; what became of them in their latest
//! runs is read beside it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use syncmgr_control::Reply;
use syncmgr_control::browse::{
    Browse, CellView, GroupView, HandlerName, MAX_AT_WORK, MAX_OFFERED, MAX_UPCOMING, PageView,
    RowView, STRIP_CELLS, Sort, WaitView, WorstView,
};
use syncmgr_control::request::MAX_PAGE;
use syncmgr_control::view::{ItemStatus, Shown as ShownView};
use syncmgr_core::item::{ItemRow, RunState};
use syncmgr_core::verdict::{Shown, Verdict};
use syncmgr_core::{HandlerId, ItemRef};
use syncmgr_store::{ReadError, Reader};

use crate::adapt::to_said::said;
use crate::adapt::to_view;
use crate::answer::unreadable;
use crate::overview::shown_view;
use crate::run::{Answerer, Loop};

/// How far ahead the next start of a row is looked for.
const AHEAD: Duration = Duration::from_secs(7 * 24 * 3600);
/// So many names of the worst items are told.
const NAMES: usize = 3;

/// An item that may be on the page.
struct Candidate<'a> {
    shown: Shown,
    row: &'a ItemRow,
}

impl Loop {
    /// Answers with a page of items; the strips of its rows are read beside the loop.
    pub(crate) fn browse(&mut self, browse: &Browse, reply: Answerer) {
        let reader = self.store.reader().map_err(|cause| unreadable(&cause));
        let reader = match reader {
            Ok(reader) => reader,
            Err(refusal) => return self.reply(reply, Err(refusal)),
        };
        let (mut page, items) = self.page(browse);
        self.property.spawn_blocking(move || {
            let answer = add_strips(&reader, &mut page, &items)
                .map(|()| Reply::Page(Box::new(page)))
                .map_err(|cause| unreadable(&cause));
            if reply.send(answer).is_err() {
                tracing::debug!("nobody waits for a page any more");
            }
        });
    }

    /// The page without its strips, and its items in order.
    fn page(&self, browse: &Browse) -> (PageView, Vec<ItemRef>) {
        let now = self.now();
        let mut groups: BTreeMap<Reverse<Shown>, u64> = BTreeMap::new();
        let mut labels = BTreeSet::new();
        let mut handlers = BTreeSet::new();
        let mut at_work = Vec::new();
        let mut conflicts = 0;
        let mut as_of: Option<i64> = None;
        let mut last_good = None;
        let mut chosen = Vec::new();
        let wanted = Wanted::new(browse);
        let idle = self.manager.is_idle();
        for standing in self.manager.standings(now) {
            let row = standing.row;
            // What it is doing, when it is doing something; else how it stands.
            let doing = if idle {
                RunState::Idle
            } else {
                self.manager.run_state(&row.at)
            };
            let shown = match doing {
                RunState::Stopping => Shown::Stopping,
                RunState::Syncing => Shown::Syncing,
                RunState::Pending => Shown::Pending,
                RunState::Idle => standing.shown,
            };
            *groups.entry(Reverse(shown)).or_default() += 1;
            conflicts += standing.conflicts;
            last_good = last_good.max(row.last_good);
            if let (Shown::Fresh, Some(at)) = (standing.shown, row.last_good) {
                as_of = Some(as_of.map_or(at.0, |before| before.min(at.0)));
            }
            if labels.len() < MAX_OFFERED {
                labels.extend(row.labels.iter().take(MAX_OFFERED).map(String::as_str));
            }
            handlers.insert(&row.at.handler);
            if standing.busy && at_work.len() < MAX_AT_WORK {
                at_work.push(&row.at);
            }
            let told = || {
                let handler = self.manager.handler_name(&row.at.handler);
                format!(
                    "{handler}\n{}",
                    String::from(self.state(&row.at, shown, row))
                )
            };
            if wanted.takes(row, shown, told) {
                chosen.push(Candidate { shown, row });
            }
        }
        let matching = chosen.len() as u64;
        let from = usize::try_from(browse.offset).unwrap_or(usize::MAX);
        let limit = usize::try_from(browse.limit.min(MAX_PAGE)).unwrap_or(0);
        let chosen = sorted(chosen, browse.sort, from, limit);
        let mut verdict = self.manager.verdict(now);
        self.leave_out(&mut verdict);
        let worst = WorstView {
            shown: shown_view(verdict.worst),
            count: count_of_worst(&verdict),
            names: verdict
                .which
                .iter()
                .take(NAMES)
                .map(|item| self.name(item))
                .collect(),
            held: verdict.paused + verdict.off,
            by_name: verdict.by_name,
            busy: verdict.busy,
            last_good_ms: last_good.map(|at| at.0),
        };
        let page = PageView {
            now_ms: now.0,
            status: self.status_of(&verdict, conflicts, as_of),
            worst,
            rows: chosen.iter().filter_map(|item| self.row(item)).collect(),
            matching,
            groups: groups
                .into_iter()
                .map(|(Reverse(shown), count)| (shown_view(shown), count))
                .fold(Vec::new(), grouped),
            labels: labels
                .into_iter()
                .take(MAX_OFFERED)
                .map(str::to_owned)
                .collect(),
            handlers: handlers
                .into_iter()
                .take(MAX_OFFERED)
                .map(|id: &HandlerId| HandlerName {
                    id: id.to_string(),
                    name: self.manager.called(id),
                })
                .collect(),
            at_work: at_work
                .into_iter()
                .filter_map(|item| self.item_view(item))
                .collect(),
            upcoming: if self.daemon {
                self.upcoming(MAX_UPCOMING)
            } else {
                Vec::new()
            },
        };
        (page, chosen)
    }

    fn row(&self, item: &ItemRef) -> Option<RowView> {
        let now = self.now();
        let coming = self.manager.coming(item, now, now.plus(AHEAD));
        Some(RowView {
            item: self.item_view(item)?,
            strip: Vec::new(),
            next_ms: coming.first().filter(|_| self.daemon).map(|next| next.at.0),
            waits: self.manager.waits_for(item).map(|(what, since)| WaitView {
                text: what.chip().into(),
                said: Some(said(&what.chip())),
                since_ms: since.0,
            }),
        })
    }
}

/// How many items are as bad as the worst; of what is none of these, those that are named.
fn count_of_worst(verdict: &Verdict) -> u64 {
    match verdict.worst {
        Shown::Failed => verdict.failed,
        Shown::NeedsYou => verdict.needs_you,
        Shown::Conflicts => verdict.conflicts,
        Shown::Overdue => verdict.overdue,
        Shown::Late => verdict.late,
        Shown::Disconnected => verdict.disconnected,
        Shown::Unfinished => verdict.unfinished,
        Shown::New => verdict.new,
        Shown::Fresh
        | Shown::Disabled
        | Shown::NotSetUp
        | Shown::Paused
        | Shown::Pending
        | Shown::Syncing
        | Shown::Stopping => verdict.which.len() as u64,
    }
}

/// Adds up what people are shown in the same way: late and overdue are one to them.
fn grouped(mut groups: Vec<GroupView>, (shown, count): (ShownView, u64)) -> Vec<GroupView> {
    match groups.last_mut() {
        Some(last) if last.shown == shown => last.count += count,
        _ => groups.push(GroupView { shown, count }),
    }
    groups
}

/// What was chosen, without case.
struct Wanted<'a> {
    words: Vec<String>,
    browse: &'a Browse,
}

impl<'a> Wanted<'a> {
    fn new(browse: &'a Browse) -> Self {
        let text = browse.text.as_deref().unwrap_or_default().to_lowercase();
        Self {
            words: text.split_whitespace().map(str::to_owned).collect(),
            browse,
        }
    }

    fn takes(&self, row: &ItemRow, shown: Shown, told: impl Fn() -> String) -> bool {
        let Browse {
            shown: of_shown,
            label,
            handler: of_handler,
            ..
        } = self.browse;
        of_shown.is_none_or(|wanted| shown_view(shown) == wanted)
            && of_handler
                .as_ref()
                .is_none_or(|id| row.at.handler.as_str() == id)
            && label
                .as_ref()
                .is_none_or(|label| row.labels.iter().any(|is| is == label))
            && (self.words.is_empty() || self.is_told(row, told))
    }

    /// `told` says what is not in the row itself: it is made only for what the row lacks.
    fn is_told(&self, row: &ItemRow, told: impl Fn() -> String) -> bool {
        let labels = row.labels.iter().map(String::as_str);
        let own = [
            row.name.as_str(),
            row.comment.as_str(),
            row.at.handler.as_str(),
        ];
        let own: Vec<&str> = own.into_iter().chain(labels).collect();
        let own = own.join("\n").to_lowercase();
        let missing = |word: &&String| !own.contains(word.as_str());
        let mut missing = self.words.iter().filter(missing).peekable();
        if missing.peek().is_none() {
            return true;
        }
        let told = told().to_lowercase();
        missing.all(|word| told.contains(word.as_str()))
    }
}

/// One page of the candidates in an order; they come in listing order, and what is alike stays in it.
fn sorted(
    mut candidates: Vec<Candidate<'_>>,
    sort: Sort,
    from: usize,
    limit: usize,
) -> Vec<ItemRef> {
    match sort {
        Sort::Worst => candidates.sort_by_key(|candidate| Reverse(candidate.shown)),
        Sort::Name => candidates.sort_by_cached_key(|candidate| candidate.row.name.to_lowercase()),
        Sort::Handler => {}
        Sort::Oldest => candidates.sort_by_key(|candidate| candidate.row.last_good),
    }
    candidates
        .into_iter()
        .skip(from)
        .take(limit)
        .map(|candidate| candidate.row.at.clone())
        .collect()
}

/// Reads what became of each row in its latest runs.
fn add_strips(reader: &Reader, page: &mut PageView, items: &[ItemRef]) -> Result<(), ReadError> {
    for (row, item) in page.rows.iter_mut().zip(items) {
        let mut cells: Vec<CellView> = reader
            .history(item, STRIP_CELLS)?
            .into_iter()
            .map(|row| CellView {
                run: row.run.0,
                at_ms: row.opened.0,
                status: ended(to_view::status(row.status), row.closed.is_some()),
                conflicts: row.counts.conflicts,
            })
            .collect();
        cells.reverse();
        row.strip = cells;
    }
    Ok(())
}

/// A run that ended while an item was at work stopped it, whatever was stored of it last.
fn ended(status: ItemStatus, is_closed: bool) -> ItemStatus {
    match status {
        ItemStatus::Pending
        | ItemStatus::Updating
        | ItemStatus::UpdatingIndeterminate
        | ItemStatus::Paused
        | ItemStatus::Resuming
            if is_closed =>
        {
            ItemStatus::Stopped
        }
        other => other,
    }
}
