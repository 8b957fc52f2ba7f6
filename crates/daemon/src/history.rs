//! What was: runs, log and conflicts, read beside the loop and given their names by it.

use syncmgr_control::request::MAX_PAGE;
use syncmgr_control::view::{ConflictsView, LogPage, RunDetail, RunItemView, RunView};
use syncmgr_control::{Refusal, Reply, Request};
use syncmgr_core::conflict::ConflictRow;
use syncmgr_core::item::Counts;
use syncmgr_core::log::LogRow;
use syncmgr_core::run::{RunItemRow, RunRow};
use syncmgr_core::{HandlerId, ItemRef, LogId, RunId};
use syncmgr_store::{LogFilter, ReadError, Reader, RunFilter};

use crate::adapt::to_view;
use crate::answer::unreadable;
use crate::run::{Answerer, Loop, Message};

/// How many item names a run in a list shows.
const SOME_NAMES: usize = 3;

/// Rows of the store that want names.
#[derive(Debug)]
pub(crate) enum History {
    /// Runs with their items.
    Runs(Vec<Listed>),
    /// One run.
    Run(Box<(RunRow, Vec<RunItemRow>, Vec<LogRow>, u64)>),
    /// Log entries; whether older ones exist.
    Log(Vec<LogRow>, bool),
    /// Conflicts; how many there are.
    Conflicts(Vec<ConflictRow>, u64),
}

/// A run in a list.
#[derive(Debug)]
pub(crate) struct Listed {
    row: RunRow,
    /// The first of its items.
    items: Vec<ItemRef>,
    count: u64,
    /// The part of the item whose runs were asked for.
    part: Option<Counts>,
}

/// A question to the store, with its names found out.
#[derive(Debug)]
enum Query {
    Runs(RunFilter, usize),
    Run(RunId),
    Log(LogFilter, usize),
    Conflicts(Option<ItemRef>, u64, usize),
}

/// An item or a whole handler.
struct About {
    item: Option<ItemRef>,
    handler: Option<HandlerId>,
}

impl Loop {
    /// Answers from the store, without holding up the loop.
    pub(crate) fn look_up(&mut self, request: Request, reply: Answerer) {
        let prepared = self.query(request).and_then(|query| {
            let reader = self.store.reader().map_err(|cause| unreadable(&cause))?;
            Ok((query, reader))
        });
        let (query, reader) = match prepared {
            Ok(prepared) => prepared,
            Err(refusal) => return self.reply(reply, Err(refusal)),
        };
        let Some(messages) = self.messages.upgrade() else {
            return;
        };
        self.property.spawn_blocking(move || {
            let found = ask(&reader, query);
            if messages
                .blocking_send(Message::Dress(found, reply))
                .is_err()
            {
                tracing::debug!("the loop ended before history was read");
            }
        });
    }

    fn query(&self, request: Request) -> Result<Query, Refusal> {
        Ok(match request {
            Request::Runs {
                name,
                before,
                limit,
            } => {
                let about = self.about(name)?;
                let filter = RunFilter {
                    item: about.item,
                    handler: about.handler,
                    outcome: None,
                    before: before.map(RunId),
                };
                Query::Runs(filter, page(limit))
            }
            Request::Run { id } => Query::Run(RunId(id)),
            Request::Log {
                name,
                run,
                at_least,
                before,
                limit,
            } => {
                let about = self.about(name)?;
                let filter = LogFilter {
                    item: about.item,
                    handler: about.handler,
                    run: run.map(RunId),
                    at_least: at_least.map(to_view::level_of),
                    before: before.map(LogId),
                };
                Query::Log(filter, page(limit))
            }
            Request::Conflicts {
                name,
                offset,
                limit,
            } => {
                let item = name.map(|name| self.one(&name)).transpose()?;
                Query::Conflicts(item, u64::from(offset), page(limit))
            }
            _ => {
                return Err(Refusal::new(
                    "control::invalid-request",
                    "this is not about history",
                    "report this",
                ));
            }
        })
    }

    fn about(&self, name: Option<String>) -> Result<About, Refusal> {
        let Some(name) = name else {
            return Ok(About {
                item: None,
                handler: None,
            });
        };
        match self.one(&name) {
            Ok(item) => Ok(About {
                item: Some(item),
                handler: None,
            }),
            Err(refusal) => Ok(About {
                item: None,
                handler: Some(self.whole_handler(&name)?.ok_or(refusal)?),
            }),
        }
    }

    /// Gives rows of the store the names of their items.
    pub(crate) fn dress(&self, history: Result<History, Refusal>) -> Result<Reply, Refusal> {
        let name = |item: &ItemRef| self.name(item);
        Ok(match history? {
            History::Runs(runs) => Reply::Runs(
                runs.into_iter()
                    .map(|run| RunView {
                        part: run.part.map(to_view::counts),
                        ..to_view::run(&run.row, run.items.iter().map(name).collect(), run.count)
                    })
                    .collect(),
            ),
            History::Run(run) => {
                let (row, items, log, count) = *run;
                let names = items
                    .iter()
                    .take(SOME_NAMES)
                    .map(|item| name(&item.item))
                    .collect();
                Reply::Run(Box::new(RunDetail {
                    run: to_view::run(&row, names, count),
                    items: items
                        .iter()
                        .map(|item| RunItemView {
                            progress: self
                                .progress(&item.item)
                                .filter(|progress| progress.run == row.id.0),
                            ..to_view::run_item(item, name(&item.item))
                        })
                        .collect(),
                    log: log.iter().map(|entry| self.log_view(entry)).collect(),
                    window: self.manager.has_window(row.id),
                    stderr: row.stderr,
                }))
            }
            History::Log(entries, more) => Reply::Log(LogPage {
                before: entries.last().filter(|_| more).map(|entry| entry.id.0),
                entries: entries.iter().map(|entry| self.log_view(entry)).collect(),
            }),
            History::Conflicts(rows, total) => Reply::Conflicts(ConflictsView {
                conflicts: rows.iter().map(|row| self.conflict_view(row)).collect(),
                total,
            }),
        })
    }

    fn log_view(&self, entry: &LogRow) -> syncmgr_control::view::LogView {
        let handler = entry.handler.as_ref();
        let handler =
            handler.map_or_else(String::new, |handler| self.manager.handler_name(handler));
        let item = entry.item.as_ref().map(|item| self.name(item));
        let mut view = to_view::log(entry, item, handler);
        view.link = self.is_link(entry.id);
        view
    }

    /// The latest runs of an item, for its page.
    pub(crate) fn latest_runs(
        &self,
        item: &ItemRef,
        limit: usize,
    ) -> Result<Vec<(RunRow, Option<Counts>)>, Refusal> {
        let filter = RunFilter {
            item: Some(item.clone()),
            ..RunFilter::default()
        };
        self.read(|reader| {
            let runs = reader.runs(&filter, limit)?.into_iter();
            runs.map(|run| {
                let part = reader.part(run.id, item)?.map(|part| part.counts);
                Ok((run, part))
            })
            .collect()
        })
    }
}

fn page(limit: u32) -> usize {
    usize::try_from(limit.min(MAX_PAGE)).unwrap_or(0)
}

fn ask(reader: &Reader, query: Query) -> Result<History, Refusal> {
    find(reader, query)
        .map_err(|cause| unreadable(&cause))?
        .ok_or_else(|| {
            Refusal::new(
                "run::unknown",
                "there is no run of that number",
                "`syncmgr runs` shows the runs and their numbers",
            )
        })
}

fn find(reader: &Reader, query: Query) -> Result<Option<History>, ReadError> {
    Ok(Some(match query {
        Query::Runs(filter, limit) => {
            let mut runs = Vec::new();
            for row in reader.runs(&filter, limit)? {
                let Some(whole) = reader.run(row.id, SOME_NAMES, 0)? else {
                    continue;
                };
                let part = match &filter.item {
                    Some(item) => reader.part(row.id, item)?.map(|part| part.counts),
                    None => None,
                };
                runs.push(Listed {
                    row,
                    items: whole.items.into_iter().map(|item| item.item).collect(),
                    count: whole.item_count,
                    part,
                });
            }
            History::Runs(runs)
        }
        Query::Run(id) => {
            let most = usize::try_from(MAX_PAGE).unwrap_or(0);
            let Some(whole) = reader.run(id, most, most)? else {
                return Ok(None);
            };
            History::Run(Box::new((
                whole.run,
                whole.items,
                whole.log,
                whole.item_count,
            )))
        }
        Query::Log(filter, limit) => {
            let mut entries = reader.log(&filter, limit + 1)?;
            let more = entries.len() > limit;
            entries.truncate(limit);
            History::Log(entries, more)
        }
        Query::Conflicts(item, offset, limit) => {
            let rows = reader.conflicts(item.as_ref(), offset, limit)?;
            History::Conflicts(rows, reader.conflict_count(item.as_ref())?)
        }
    }))
}
