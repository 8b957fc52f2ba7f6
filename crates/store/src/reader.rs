//! Looks into the database for views, while the [`Store`](crate::Store) writes. Every answer is bounded.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, ToSql};
use syncmgr_core::conflict::ConflictRow;
use syncmgr_core::item::{Counts, Failure, ItemStatus};
use syncmgr_core::log::{Level, LogRow};
use syncmgr_core::need::NeedRow;
use syncmgr_core::run::{RunItemRow, RunOutcome, RunRow, SessionRow};
use syncmgr_core::{
    Event, EventNumber, HandlerId, ItemRef, LogId, NeedId, RunId, SessionId, Timestamp,
};

use crate::columns::Columns;
use crate::fault::ReadError;
use crate::integrity::{Finding, findings};
use crate::names::{find_handler, find_item};
use crate::open::{BUSY_WAIT, OpenStoreError, connect_reader};
use crate::words::Word as _;
use crate::{event, rows};

/// Most rows of one answer; a larger limit is cut to it.
pub const MAX_PAGE: usize = 1000;

/// Of so many latest runs of an item what is told of them as a whole is looked for.
const RUNS_OF_LOG: usize = 1000;

/// Which runs are wanted; absent means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// With this item.
    pub item: Option<ItemRef>,
    /// Of this handler.
    pub handler: Option<HandlerId>,
    /// That stand so.
    pub outcome: Option<RunOutcome>,
    /// Older than this one.
    pub before: Option<RunId>,
}

/// Which log entries are wanted; absent means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// About this item, or about its latest runs as a whole.
    pub item: Option<ItemRef>,
    /// Of this handler.
    pub handler: Option<HandlerId>,
    /// In this run.
    pub run: Option<RunId>,
    /// At least so grave.
    pub at_least: Option<Level>,
    /// Older than this one.
    pub before: Option<LogId>,
}

/// A run with the first pages of what belongs to it, all of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPage {
    /// The run.
    pub run: RunRow,
    /// How many items it has.
    pub item_count: u64,
    /// Its first items, in the order in which they became known.
    pub items: Vec<RunItemRow>,
    /// Its latest log entries, oldest first.
    pub log: Vec<LogRow>,
}

/// What became of an item in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// The run.
    pub run: RunId,
    /// When it began.
    pub opened: Timestamp,
    /// When it ended.
    pub closed: Option<Timestamp>,
    /// How the run stands.
    pub outcome: RunOutcome,
    /// How the item stands in it.
    pub status: ItemStatus,
    /// Whether trying again may help, when it failed.
    pub failure: Option<Failure>,
    /// What was moved for the item.
    pub counts: Counts,
}

/// A connection that only reads. Each answer is of one moment; it blocks for the disk and never for the writer.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

/// Conditions and what they compare with.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    /// Adds `condition`, which ends in an operator, with its right side.
    fn and(&mut self, condition: &str, value: impl ToSql + 'static) {
        self.sql.push_str(if self.sql.is_empty() {
            "WHERE "
        } else {
            "AND "
        });
        self.sql.push_str(condition);
        self.values.push(Box::new(value));
        self.sql.push_str(" ? ");
    }

    /// Adds the order and the limit, and the parameters with it.
    fn end(mut self, order: &str, limit: usize) -> (String, Vec<Box<dyn ToSql>>) {
        self.sql.push_str("ORDER BY ");
        self.sql.push_str(order);
        self.sql.push_str(" LIMIT ?");
        self.values.push(Box::new(page(limit)));
        (self.sql, self.values)
    }
}

/// A limit within bounds, as SQL has it.
fn page(limit: usize) -> i64 {
    i64::try_from(limit.min(MAX_PAGE)).unwrap_or(0)
}

/// A number as SQL has it; one that is too large comes after every row.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Reader {
    /// Opens the database for reading; it must exist and have the present version.
    ///
    /// # Errors
    /// [`OpenStoreError`].
    pub fn open(path: &Path) -> Result<Self, OpenStoreError> {
        Self::open_waiting(path, BUSY_WAIT)
    }

    pub(crate) fn open_waiting(path: &Path, busy: Duration) -> Result<Self, OpenStoreError> {
        Ok(Self {
            connection: connect_reader(path, busy)?,
        })
    }

    /// Runs, youngest first, without what their handlers wrote on standard error ([`Self::run`] has that).
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>, ReadError> {
        let mut sql = rows::SELECT_RUNS.to_owned();
        let mut conditions = Conditions::default();
        if let Some(item) = &filter.item {
            let Some(item) = find_item(&self.connection, item)? else {
                return Ok(Vec::new());
            };
            sql.push_str("JOIN run_items r ON r.run = t.id ");
            conditions.and("r.item =", item);
        }
        if let Some(handler) = &filter.handler {
            let Some(handler) = find_handler(&self.connection, handler)? else {
                return Ok(Vec::new());
            };
            conditions.and("t.handler =", handler);
        }
        if let Some(outcome) = filter.outcome {
            conditions.and("t.outcome =", outcome.word());
        }
        // The index by item is in the order of its own column.
        let id = if filter.item.is_some() {
            "r.run"
        } else {
            "t.id"
        };
        if let Some(before) = filter.before {
            conditions.and(&format!("{id} <"), number(before.0));
        }
        let (end, values) = conditions.end(&format!("{id} DESC"), limit);
        sql.push_str(&end);
        rows::all(
            &self.connection,
            &sql,
            rusqlite::params_from_iter(values),
            rows::run,
        )
    }

    /// One run with its first `items` items and its latest `log` entries; absent when there is none of that number.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn run(&self, run: RunId, items: usize, log: usize) -> Result<Option<RunPage>, ReadError> {
        let snapshot = self.connection.unchecked_transaction()?;
        let sql = format!("{}WHERE t.id = ?1", rows::SELECT_WHOLE_RUNS);
        let row = rows::all(&self.connection, &sql, [number(run.0)], rows::run)?.pop();
        let Some(row) = row else {
            return Ok(None);
        };
        let item_count = self.count(
            "SELECT count(*) FROM run_items WHERE run = ?1",
            number(run.0),
        )?;
        let items = self.run_items(run, 0, items)?;
        let filter = LogFilter {
            run: Some(run),
            ..LogFilter::default()
        };
        let mut log = self.log(&filter, log)?;
        log.reverse();
        snapshot.finish()?;
        Ok(Some(RunPage {
            run: row,
            item_count,
            items,
            log,
        }))
    }

    /// Items of a run, in the order in which they became known.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn run_items(
        &self,
        run: RunId,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<RunItemRow>, ReadError> {
        let sql = format!(
            "{}WHERE t.run = ?1 ORDER BY t.item LIMIT ?2 OFFSET ?3",
            rows::SELECT_RUN_ITEMS
        );
        rows::all(
            &self.connection,
            &sql,
            [number(run.0), page(limit), number(offset)],
            rows::run_item,
        )
    }

    /// The part of one item in a run; absent when it takes none.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn part(&self, run: RunId, item: &ItemRef) -> Result<Option<RunItemRow>, ReadError> {
        let Some(item) = find_item(&self.connection, item)? else {
            return Ok(None);
        };
        let sql = format!("{}WHERE t.run = ?1 AND t.item = ?2", rows::SELECT_RUN_ITEMS);
        let mut rows = rows::all(
            &self.connection,
            &sql,
            [number(run.0), item],
            rows::run_item,
        )?;
        Ok(rows.pop())
    }

    /// Log entries, youngest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn log(&self, filter: &LogFilter, limit: usize) -> Result<Vec<LogRow>, ReadError> {
        let mut rest = Conditions::default();
        if let Some(handler) = &filter.handler {
            let Some(handler) = find_handler(&self.connection, handler)? else {
                return Ok(Vec::new());
            };
            rest.and("t.handler =", handler);
        }
        if let Some(run) = filter.run {
            rest.and("t.run =", number(run.0));
        }
        match filter.at_least {
            None | Some(Level::Information) => {}
            Some(Level::Warning) => rest.and("t.level <>", Level::Information.word()),
            Some(Level::Error) => rest.and("t.level =", Level::Error.word()),
        }
        if let Some(before) = filter.before {
            rest.and("t.id <", number(before.0));
        }
        if let Some(item) = &filter.item {
            let Some(item) = find_item(&self.connection, item)? else {
                return Ok(Vec::new());
            };
            return self.log_of(item, filter.run, &rest, limit);
        }
        let (end, values) = rest.end("t.id DESC", limit);
        let sql = format!("{}{end}", rows::SELECT_LOG);
        rows::all(
            &self.connection,
            &sql,
            rusqlite::params_from_iter(values),
            rows::log,
        )
    }

    /// Log entries about an item, and of its runs those that are about no item of them more than about another. Each of the
    /// two is found by an index of its own.
    fn log_of(
        &self,
        item: i64,
        run: Option<RunId>,
        rest: &Conditions,
        limit: usize,
    ) -> Result<Vec<LogRow>, ReadError> {
        let and = rest.sql.replacen("WHERE ", "AND ", 1);
        let in_run = if run.is_some() { "AND run = ?" } else { "" };
        let sql = format!(
            "{}WHERE t.id IN (
                SELECT id FROM (SELECT t.id FROM log t WHERE t.item = ? {and} ORDER BY t.id DESC LIMIT ?)
                UNION ALL
                SELECT id FROM (
                    SELECT t.id FROM (
                        SELECT run FROM run_items WHERE item = ? {in_run} ORDER BY run DESC LIMIT {RUNS_OF_LOG}
                    ) r CROSS JOIN log t ON t.run = r.run
                    WHERE t.item IS NULL {and} ORDER BY t.id DESC LIMIT ?))
             ORDER BY t.id DESC LIMIT ?",
            rows::SELECT_LOG
        );
        let (limit, run) = (page(limit), run.map(|run| number(run.0)));
        let given = || rest.values.iter().map(|value| &**value as &dyn ToSql);
        let mut values: Vec<&dyn ToSql> = vec![&item];
        values.extend(given());
        values.extend([&limit as &dyn ToSql, &item]);
        values.extend(run.iter().map(|run| run as &dyn ToSql));
        values.extend(given());
        values.extend([&limit as &dyn ToSql, &limit]);
        rows::all(&self.connection, &sql, &*values, rows::log)
    }

    /// Events with higher numbers than `after`, in their order. A first number higher than the next one means that
    /// events in between were removed by retention: read the state again.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn events(&self, after: EventNumber, limit: usize) -> Result<Vec<Event>, ReadError> {
        let sql = format!(
            "SELECT {} FROM events WHERE number > ?1 ORDER BY number LIMIT ?2",
            event::COLUMNS
        );
        rows::all(
            &self.connection,
            &sql,
            [number(after.0), page(limit)],
            |row| event::from_columns(&mut Columns::new(row, "events")),
        )
    }

    /// Conflicts, of one item or of all, in the order of the handler's list.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn conflicts(
        &self,
        item: Option<&ItemRef>,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<ConflictRow>, ReadError> {
        let read = |row: &rusqlite::Row<'_>| rows::conflict(&self.connection, row);
        let snapshot = self.connection.unchecked_transaction()?;
        let found = match item {
            None => {
                let sql = format!(
                    "{}ORDER BY t.item, t.position LIMIT ?1 OFFSET ?2",
                    rows::SELECT_CONFLICTS
                );
                rows::all(&self.connection, &sql, [page(limit), number(offset)], read)?
            }
            Some(item) => {
                let Some(item) = find_item(&self.connection, item)? else {
                    return Ok(Vec::new());
                };
                let sql = format!(
                    "{}WHERE t.item = ?1 ORDER BY t.position LIMIT ?2 OFFSET ?3",
                    rows::SELECT_CONFLICTS
                );
                let params = [item, page(limit), number(offset)];
                rows::all(&self.connection, &sql, params, read)?
            }
        };
        snapshot.finish()?;
        Ok(found)
    }

    /// Conflicts of this identity; several items may use the same.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn conflicts_named(&self, id: &str, limit: usize) -> Result<Vec<ConflictRow>, ReadError> {
        let snapshot = self.connection.unchecked_transaction()?;
        let sql = format!(
            "{}WHERE t.id = ?1 ORDER BY t.item, t.position LIMIT ?2",
            rows::SELECT_CONFLICTS
        );
        let found = rows::all(
            &self.connection,
            &sql,
            rusqlite::params![id, page(limit)],
            |row| rows::conflict(&self.connection, row),
        )?;
        snapshot.finish()?;
        Ok(found)
    }

    /// How many conflicts there are, of one item or of all, those beyond what is kept included.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn conflict_count(&self, item: Option<&ItemRef>) -> Result<u64, ReadError> {
        let Some(item) = item else {
            let sql = "SELECT coalesce(sum(open), 0) FROM conflict_lists WHERE ?1 = 0";
            return self.count(sql, 0);
        };
        match find_item(&self.connection, item)? {
            None => Ok(0),
            Some(item) => self.count(
                "SELECT coalesce(sum(open), 0) FROM conflict_lists WHERE item = ?1",
                item,
            ),
        }
    }

    /// Needs: with `open_only` those that wait for an answer, oldest first, otherwise all, youngest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn needs(&self, open_only: bool, limit: usize) -> Result<Vec<NeedRow>, ReadError> {
        let which = if open_only {
            "WHERE t.state = 'open' AND t.state IN ('open', 'answered') ORDER BY t.id LIMIT ?1"
        } else {
            "ORDER BY t.id DESC LIMIT ?1"
        };
        let sql = format!("{}{which}", rows::SELECT_NEEDS);
        rows::all(&self.connection, &sql, [page(limit)], rows::need)
    }

    /// One need; absent when there is none of that number.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn need(&self, need: NeedId) -> Result<Option<NeedRow>, ReadError> {
        let sql = format!("{}WHERE t.id = ?1", rows::SELECT_NEEDS);
        Ok(rows::all(&self.connection, &sql, [number(need.0)], rows::need)?.pop())
    }

    /// Sessions, youngest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn sessions(&self, limit: usize) -> Result<Vec<SessionRow>, ReadError> {
        let sql = format!("{}ORDER BY t.id DESC LIMIT ?1", rows::SELECT_SESSIONS);
        rows::all(&self.connection, &sql, [page(limit)], rows::session)
    }

    /// One session; absent when there is none of that number.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn session(&self, session: SessionId) -> Result<Option<SessionRow>, ReadError> {
        let sql = format!("{}WHERE t.id = ?1", rows::SELECT_SESSIONS);
        Ok(rows::all(&self.connection, &sql, [number(session.0)], rows::session)?.pop())
    }

    /// What became of an item in its latest runs, youngest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn history(&self, item: &ItemRef, limit: usize) -> Result<Vec<HistoryRow>, ReadError> {
        let Some(item) = find_item(&self.connection, item)? else {
            return Ok(Vec::new());
        };
        rows::all(
            &self.connection,
            "SELECT r.id, r.opened_ms, r.closed_ms, r.outcome, t.status, t.failure, t.sent, t.received, t.deleted,
                 t.conflicts, t.failed, t.bytes, t.created_near, t.created_far, t.deleted_near, t.deleted_far
             FROM run_items t JOIN runs r ON r.id = t.run WHERE t.item = ?1 ORDER BY t.run DESC LIMIT ?2",
            [item, page(limit)],
            |row| {
                let mut c = Columns::new(row, "run_items");
                Ok(HistoryRow {
                    run: RunId(c.number("a run")?),
                    opened: c.moment()?,
                    closed: c.moment_maybe()?,
                    outcome: c.word()?,
                    status: c.word()?,
                    failure: c.word_maybe()?,
                    counts: c.counts()?,
                })
            },
        )
    }

    /// Looks for damage and measures; see [`Store::integrity`](crate::Store::integrity). Where SQLite only reads, it does
    /// not look whether the words in a table are among those allowed; reading such a row says so.
    ///
    /// # Errors
    /// [`ReadError`] when not even that can be done.
    pub fn integrity(&self) -> Result<Vec<Finding>, ReadError> {
        findings(&self.connection)
    }

    fn count(&self, sql: &str, of: i64) -> Result<u64, ReadError> {
        let count: Option<i64> = self
            .connection
            .prepare_cached(sql)?
            .query_row([of], |row| row.get(0))
            .optional()?;
        Ok(count.unwrap_or(0).cast_unsigned())
    }
}
