//! Retention: removes what is old, in steps that are small enough to come between two turns of the loop.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use syncmgr_core::Timestamp;
use syncmgr_core::retention::{Keep, Retention};

use crate::fault::{BUSY_HINT, DAMAGED_HINT, DatabaseError, Fault, fault};
use crate::open::Store;

/// Most rows that one step removes or looks at.
pub const PRUNE_STEP_ROWS: usize = 2000;

/// The same as SQL has it.
const STEP: i64 = 2000;
const _: () = assert!(PRUNE_STEP_ROWS == 2000 && STEP == 2000);

/// What one step removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs.
    pub runs: usize,
    /// Items of runs.
    pub run_items: usize,
    /// Sessions.
    pub sessions: usize,
    /// Log entries.
    pub log: usize,
    /// Events.
    pub events: usize,
    /// Needs.
    pub needs: usize,
    /// Names of things that nothing refers to any more.
    pub names: usize,
    /// There is more to look at: call again.
    pub more: bool,
}

/// The step was not done; the database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// Somebody else holds the database longer than we wait.
    #[error("the database is held by somebody else")]
    Busy(#[source] DatabaseError),
    /// The file is damaged.
    #[error("the database is damaged")]
    Damaged(#[source] DatabaseError),
    /// SQLite failed otherwise.
    #[error("old rows cannot be removed from the database")]
    Database(#[source] DatabaseError),
}

impl From<rusqlite::Error> for PruneError {
    fn from(error: rusqlite::Error) -> Self {
        match fault(&error) {
            Fault::Busy => Self::Busy(error.into()),
            Fault::Damaged => Self::Damaged(error.into()),
            Fault::Full | Fault::ReadOnly | Fault::Constraint | Fault::Column | Fault::Rest => {
                Self::Database(error.into())
            }
        }
    }
}

impl PruneError {
    /// What to do about it, when something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Busy(_) => Some(BUSY_HINT),
            Self::Damaged(_) => Some(DAMAGED_HINT),
            Self::Database(_) => None,
        }
    }
}

/// Most runs and sessions each that are remembered as removed; beyond that the oldest are forgotten.
const MAX_REMOVED: usize = 65_536;

/// Runs and sessions that were removed since the database was opened. A handler may linger after its run and report late;
/// what it says about a run that is no more is dropped, instead of bringing a part of it back.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    runs: BTreeSet<i64>,
    sessions: BTreeSet<i64>,
}

impl Removed {
    /// Whether the run was removed.
    pub(crate) fn run(&self, run: i64) -> bool {
        self.runs.contains(&run)
    }

    /// Whether the session was removed.
    pub(crate) fn session(&self, session: i64) -> bool {
        self.sessions.contains(&session)
    }

    fn add(&mut self, runs: Vec<i64>, sessions: Vec<i64>) {
        for (known, new) in [(&mut self.runs, runs), (&mut self.sessions, sessions)] {
            known.extend(new);
            while known.len() > MAX_REMOVED {
                known.pop_first();
            }
        }
    }
}

/// What is looked at, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Runs,
    Sessions,
    Log,
    Events,
    Needs,
    Names,
}

impl Stage {
    fn next(self) -> Option<Self> {
        match self {
            Self::Runs => Some(Self::Sessions),
            Self::Sessions => Some(Self::Log),
            Self::Log => Some(Self::Events),
            Self::Events => Some(Self::Needs),
            Self::Needs => Some(Self::Names),
            Self::Names => None,
        }
    }
}

/// How far a pass has come. Lost with the process, which costs nothing but looking again.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cursor {
    stage: Stage,
    /// The last row looked at in this stage.
    after: i64,
    /// The run whose rows are being removed; it was found superfluous already.
    removing: Option<i64>,
}

impl Store {
    /// Does one bounded step of retention, in one transaction. A pass over the whole database is over when
    /// [`Pruned::more`] is false. Whatever `retention` says, these stay, as [`syncmgr_core::retention`] has it: open runs
    /// and sessions, the last and the last good run of every item that still is, runs that an open question came from,
    /// questions that are open or answered. Log entries of a run stay and go with it; events go from the oldest, so that
    /// those that stay have no gap. A run that is removed in several steps is seen with fewer and fewer items meanwhile.
    ///
    /// # Errors
    /// [`PruneError`]; the step may be tried again.
    pub fn prune(&mut self, retention: &Retention, now: Timestamp) -> Result<Pruned, PruneError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut cursor = self.cursor;
        let mut pruned = Pruned::default();
        let (mut runs, mut sessions) = (Vec::new(), Vec::new());
        let done = match cursor.stage {
            Stage::Runs => {
                let gone = &mut runs;
                prune_runs(
                    &transaction,
                    &retention.runs,
                    now,
                    &mut cursor,
                    &mut pruned,
                    gone,
                )?
            }
            Stage::Sessions => prune_sessions(
                &transaction,
                &retention.runs,
                now,
                &mut pruned,
                &mut sessions,
            )?,
            Stage::Log => prune_log(&transaction, &retention.log, now, &mut cursor, &mut pruned)?,
            Stage::Events => prune_events(&transaction, &retention.events, now, &mut pruned)?,
            Stage::Needs => prune_needs(&transaction, &retention.needs, now, &mut pruned)?,
            Stage::Names => prune_names(&transaction, &mut cursor, &mut pruned)?,
        };
        transaction.commit()?;
        self.removed.add(runs, sessions);
        if pruned.names > 0 {
            self.names.clear();
        }
        pruned.more = true;
        self.cursor = cursor;
        if done {
            let next = cursor.stage.next();
            pruned.more = next.is_some();
            self.cursor = Cursor {
                stage: next.unwrap_or_default(),
                ..Cursor::default()
            };
        }
        Ok(pruned)
    }
}

/// The moment before which things are too old.
fn cutoff(keep: &Keep, now: Timestamp) -> i64 {
    let age = i64::try_from(keep.age.as_millis()).unwrap_or(i64::MAX);
    now.0.saturating_sub(age)
}

/// The number up to which there are too many; absent when there are not.
fn floor(connection: &Connection, table: &str, key: &str, keep: &Keep) -> rusqlite::Result<i64> {
    let count = i64::try_from(keep.count).unwrap_or(i64::MAX);
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1 OFFSET ?1"
        ))?
        .query_row([count], |row| row.get(0))
        .optional()?
        .unwrap_or(i64::MIN))
}

/// Whether a run must stay: an open question came from it, or it is the last or the last good one of an item that still
/// is.
const NEEDED: &str = "
SELECT EXISTS (SELECT 1 FROM needs WHERE state IN ('open', 'answered') AND run = ?1)
    OR EXISTS (
        SELECT 1 FROM run_items a JOIN items t ON t.item = a.item WHERE a.run = ?1 AND (
            t.last_run = ?1
            OR a.status = 'succeeded' AND (SELECT kind FROM runs WHERE id = ?1) = 'synchronize' AND NOT EXISTS (
                SELECT 1 FROM run_items b JOIN runs s ON s.id = b.run
                WHERE b.item = a.item AND b.run > ?1 AND b.status = 'succeeded' AND s.kind = 'synchronize')))";

fn prune_runs(
    connection: &Connection,
    keep: &Keep,
    now: Timestamp,
    cursor: &mut Cursor,
    pruned: &mut Pruned,
    gone: &mut Vec<i64>,
) -> rusqlite::Result<bool> {
    let cutoff = cutoff(keep, now);
    let floor = floor(connection, "runs", "id", keep)?;
    let mut candidate = connection.prepare_cached(
        "SELECT id FROM runs WHERE id > ?1 AND outcome <> 'open' AND closed_ms IS NOT NULL
             AND (closed_ms < ?2 OR id <= ?3) ORDER BY id LIMIT 1",
    )?;
    let mut needed = connection.prepare_cached(NEEDED)?;
    let mut rows = 0;
    for _ in 0..PRUNE_STEP_ROWS {
        let run: i64 = match cursor.removing {
            Some(run) => run,
            None => {
                let found = candidate
                    .query_row([cursor.after, cutoff, floor], |row| row.get(0))
                    .optional()?;
                let Some(run) = found else {
                    return Ok(true);
                };
                cursor.after = run;
                if needed.query_row([run], |row| row.get(0))? {
                    continue;
                }
                run
            }
        };
        cursor.removing = Some(run);
        gone.push(run);
        let items = connection
            .prepare_cached(
                "DELETE FROM run_items WHERE run = ?1
                     AND item IN (SELECT item FROM run_items WHERE run = ?1 ORDER BY item LIMIT ?2)",
            )?
            .execute([run, STEP])?;
        let log = connection
            .prepare_cached(
                "DELETE FROM log WHERE id IN (SELECT id FROM log WHERE run = ?1 ORDER BY id LIMIT ?2)",
            )?
            .execute([run, STEP])?;
        pruned.run_items += items;
        pruned.log += log;
        rows += items + log;
        if items < PRUNE_STEP_ROWS && log < PRUNE_STEP_ROWS {
            pruned.runs += connection
                .prepare_cached("DELETE FROM runs WHERE id = ?1")?
                .execute([run])?;
            cursor.removing = None;
        }
        if rows >= PRUNE_STEP_ROWS {
            break;
        }
    }
    Ok(false)
}

fn prune_sessions(
    connection: &Connection,
    keep: &Keep,
    now: Timestamp,
    pruned: &mut Pruned,
    gone: &mut Vec<i64>,
) -> rusqlite::Result<bool> {
    let floor = floor(connection, "sessions", "id", keep)?;
    let mut expendable = connection.prepare_cached(
        "SELECT id FROM sessions s WHERE closed_ms IS NOT NULL AND (closed_ms < ?1 OR id <= ?2)
             AND NOT EXISTS (SELECT 1 FROM runs WHERE session = s.id) ORDER BY id LIMIT ?3",
    )?;
    let mut sessions = expendable.query([cutoff(keep, now), floor, STEP])?;
    while let Some(session) = sessions.next()? {
        gone.push(session.get(0)?);
    }
    let mut remove = connection.prepare_cached("DELETE FROM sessions WHERE id = ?1")?;
    for session in gone.iter() {
        pruned.sessions += remove.execute([session])?;
    }
    Ok(gone.len() < PRUNE_STEP_ROWS)
}

/// Entries of runs go with their run.
fn prune_log(
    connection: &Connection,
    keep: &Keep,
    now: Timestamp,
    cursor: &mut Cursor,
    pruned: &mut Pruned,
) -> rusqlite::Result<bool> {
    let last: Option<i64> = connection
        .prepare_cached(
            "SELECT max(id) FROM (SELECT id FROM log WHERE id > ?1 ORDER BY id LIMIT ?2)",
        )?
        .query_row([cursor.after, STEP], |row| row.get(0))?;
    let Some(last) = last else {
        return Ok(true);
    };
    pruned.log += connection
        .prepare_cached(
            "DELETE FROM log WHERE id > ?1 AND id <= ?2 AND (at_ms < ?3 OR id <= ?4)
                 AND (run IS NULL OR NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = log.run))",
        )?
        .execute([
            cursor.after,
            last,
            cutoff(keep, now),
            floor(connection, "log", "id", keep)?,
        ])?;
    cursor.after = last;
    Ok(false)
}

/// Removes from the oldest up to the first that must stay, so that no gap comes up, even if the clock jumped.
fn prune_events(
    connection: &Connection,
    keep: &Keep,
    now: Timestamp,
    pruned: &mut Pruned,
) -> rusqlite::Result<bool> {
    let cutoff = cutoff(keep, now);
    let floor = floor(connection, "events", "number", keep)?;
    let mut statement =
        connection.prepare_cached("SELECT number, at_ms FROM events ORDER BY number LIMIT ?1")?;
    let mut oldest = statement.query([STEP])?;
    let mut last = None;
    let mut looked_at = 0;
    while let Some(row) = oldest.next()? {
        let (number, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        if at >= cutoff && number > floor {
            break;
        }
        last = Some(number);
        looked_at += 1;
    }
    if let Some(last) = last {
        pruned.events += connection
            .prepare_cached("DELETE FROM events WHERE number <= ?1")?
            .execute([last])?;
    }
    Ok(looked_at < PRUNE_STEP_ROWS)
}

fn prune_needs(
    connection: &Connection,
    keep: &Keep,
    now: Timestamp,
    pruned: &mut Pruned,
) -> rusqlite::Result<bool> {
    let floor = floor(connection, "needs", "id", keep)?;
    let removed = connection
        .prepare_cached(
            "DELETE FROM needs WHERE id IN (
                 SELECT id FROM needs WHERE state NOT IN ('open', 'answered') AND (opened_ms < ?1 OR id <= ?2)
                 ORDER BY id LIMIT ?3)",
        )?
        .execute([cutoff(keep, now), floor, STEP])?;
    pruned.needs += removed;
    Ok(removed < PRUNE_STEP_ROWS)
}

/// Removes names of items that nothing refers to; names of handlers are few and stay.
fn prune_names(
    connection: &Connection,
    cursor: &mut Cursor,
    pruned: &mut Pruned,
) -> rusqlite::Result<bool> {
    let last: Option<i64> = connection
        .prepare_cached(
            "SELECT max(id) FROM (SELECT id FROM item_names WHERE id > ?1 ORDER BY id LIMIT ?2)",
        )?
        .query_row([cursor.after, STEP], |row| row.get(0))?;
    let Some(last) = last else {
        return Ok(true);
    };
    pruned.names += connection
        .prepare_cached(
            "DELETE FROM item_names WHERE id > ?1 AND id <= ?2
                 AND NOT EXISTS (SELECT 1 FROM items t WHERE t.item = item_names.id)
                 AND NOT EXISTS (SELECT 1 FROM run_items t WHERE t.item = item_names.id)
                 AND NOT EXISTS (SELECT 1 FROM log t WHERE t.item = item_names.id)
                 AND NOT EXISTS (SELECT 1 FROM needs t WHERE t.item = item_names.id)
                 AND NOT EXISTS (SELECT 1 FROM conflict_lists t WHERE t.item = item_names.id)
                 AND NOT EXISTS (SELECT 1 FROM pauses t WHERE t.item = item_names.id)
                 AND NOT EXISTS (SELECT 1 FROM absent_items t WHERE t.item = item_names.id)",
        )?
        .execute(params![cursor.after, last])?;
    cursor.after = last;
    Ok(false)
}
