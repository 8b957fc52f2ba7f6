//! Writes the records of one turn of the loop: all of them or none.

use std::time::Duration;

use rusqlite::{CachedStatement, Connection, TransactionBehavior, params};
use syncmgr_core::conflict::{ConflictRow, MAX_CONFLICTS_PER_ITEM};
use syncmgr_core::item::{Counts, HandlerRow, ItemRow, ItemStatus};
use syncmgr_core::lane::Lane;
use syncmgr_core::log::LogRow;
use syncmgr_core::need::{Choice, NeedRow, NeedState};
use syncmgr_core::record::{PauseRow, PauseScope};
use syncmgr_core::run::{RunItemRow, RunKind, RunRow, SessionRow};
use syncmgr_core::{HandlerId, ItemId, ItemRef, Record, RunId, Timestamp};

use crate::fault::{BUSY_HINT, DAMAGED_HINT, DatabaseError, Fault, fault};
use crate::names::{Names, find_handler, find_item};
use crate::open::Store;
use crate::prune::Removed;
use crate::words::{Word as _, set_words};
use crate::{absent, event, held, numbers, outside, texts};

/// A transaction of so many records gives the memory that it took for pages back.
const LARGE: usize = 10_000;

/// Items of a run whose numbers are looked up together.
const NUMBERS_AT_ONCE: usize = 1_024;

/// The records were not stored, none of them; the database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A number beyond what the database can order.
    #[error("{number} is too large to number {what}")]
    NumberTooLarge {
        /// What it numbers.
        what: &'static str,
        /// The number.
        number: u64,
    },
    /// The records contradict what is stored, such as a run of a session that there is not, or an event twice.
    #[error("the records contradict what is stored")]
    Contradiction(#[source] DatabaseError),
    /// No room on the disk.
    #[error("no room on the disk for the database")]
    Full(#[source] DatabaseError),
    /// Somebody else holds the database longer than we wait.
    #[error("the database is held by somebody else")]
    Busy(#[source] DatabaseError),
    /// The database may no longer be written.
    #[error("the database may not be written")]
    ReadOnly(#[source] DatabaseError),
    /// The file is damaged.
    #[error("the database is damaged")]
    Damaged(#[source] DatabaseError),
    /// SQLite failed otherwise.
    #[error("the database cannot be written")]
    Database(#[source] DatabaseError),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        let kind = fault(&error);
        let error = DatabaseError::from(error);
        match kind {
            Fault::Damaged => Self::Damaged(error),
            Fault::Full => Self::Full(error),
            Fault::Busy => Self::Busy(error),
            Fault::ReadOnly => Self::ReadOnly(error),
            Fault::Constraint => Self::Contradiction(error),
            Fault::Column | Fault::Rest => Self::Database(error),
        }
    }
}

impl WriteError {
    /// What to do about it, when something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Full(_) => Some("make room on the disk, then try again"),
            Self::Busy(_) => Some(BUSY_HINT),
            Self::ReadOnly(_) => Some("check who owns the database and its directory"),
            Self::Damaged(_) => Some(DAMAGED_HINT),
            Self::NumberTooLarge { .. } | Self::Contradiction(_) | Self::Database(_) => None,
        }
    }
}

impl Store {
    /// Stores all records in one transaction, or none of them. Blocks until they are acknowledged as
    /// [`OpenOptions::durability`](crate::OpenOptions::durability) says.
    ///
    /// What retention removed stays removed: a late record of such a run or session is dropped.
    ///
    /// The order within one call matters as little as it can: a row may come before the one that it belongs to. Spans of
    /// time are kept to the millisecond.
    ///
    /// # Errors
    /// [`WriteError`]; the database is then as it was, and the same records may be written again.
    pub fn write(&mut self, records: &[Record]) -> Result<(), WriteError> {
        if records.is_empty() {
            return Ok(());
        }
        let written = self.write_all(records);
        if written.is_err() {
            // Numbers given in the transaction went with it.
            self.names.clear();
        }
        written
    }

    fn write_all(&mut self, records: &[Record]) -> Result<(), WriteError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut last = self.last;
        let mut writing = Writing {
            connection: &transaction,
            names: &mut self.names,
            removed: &self.removed,
            item_row: None,
            run_item_row: None,
        };
        for record in records {
            writing.record(record)?;
            numbers::note(&mut last, record);
        }
        drop(writing); // its statements go back to the connection
        numbers::store(&transaction, &self.last, &last)?;
        transaction.commit()?;
        self.last = last;
        if records.len() >= LARGE {
            // The records are stored; memory that is not given back is no reason to say otherwise.
            drop(self.connection.release_memory());
        }
        Ok(())
    }
}

/// A number under which rows are ordered and found.
fn number(what: &'static str, number: u64) -> Result<i64, WriteError> {
    i64::try_from(number).map_err(|_| WriteError::NumberTooLarge { what, number })
}

fn joined(choices: &[Choice]) -> String {
    texts::join(
        choices
            .iter()
            .flat_map(|choice| [choice.name.as_str(), choice.label.as_str()]),
    )
}

fn ms(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(|moment| moment.0)
}

fn mentioned(run: Option<RunId>) -> Option<i64> {
    run.map(|run| run.0.cast_signed())
}

fn span_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

struct Writing<'w> {
    connection: &'w Connection,
    names: &'w mut Names,
    removed: &'w Removed,
    /// Kept at hand for the records that come by the hundred thousand: looking a statement up costs as much as a row.
    item_row: Option<CachedStatement<'w>>,
    run_item_row: Option<CachedStatement<'w>>,
}

/// The statement, prepared when it is wanted for the first time.
fn at_hand<'s, 'w>(
    statement: &'s mut Option<CachedStatement<'w>>,
    connection: &'w Connection,
    sql: &str,
) -> rusqlite::Result<&'s mut CachedStatement<'w>> {
    match statement {
        Some(statement) => Ok(statement),
        None => Ok(statement.insert(connection.prepare_cached(sql)?)),
    }
}

impl Writing<'_> {
    fn record(&mut self, record: &Record) -> Result<(), WriteError> {
        match record {
            Record::Handler(row) => self.handler(row)?,
            Record::HandlerGone(handler) => self.handler_gone(handler)?,
            Record::Item(row) => self.item(row)?,
            Record::ItemsSucceeded {
                handler,
                run,
                at,
                items,
            } => self.items_succeeded(handler, *run, *at, items)?,
            Record::ClockSet { by_ms, after } => self.clock_set(*by_ms, *after)?,
            Record::ItemGone(item) => self.item_gone(item)?,
            Record::Absent(row) => {
                let item = self.names.item(self.connection, &row.at)?;
                absent::keep(self.connection, item, row)?;
            }
            Record::AbsentGone(item) => {
                if let Some(item) = find_item(self.connection, item)? {
                    absent::forget(self.connection, item)?;
                }
            }
            Record::Session(row) => self.session(row)?,
            Record::Outside(row) => outside::keep(self.connection, row)?,
            Record::Run(row) => self.run(row)?,
            Record::RunItem(row) => self.run_item(row)?,
            Record::Log(row) => self.log(row)?,
            Record::LogDetail { log, detail } => {
                self.connection
                    .prepare_cached("UPDATE log SET detail = ?2 WHERE id = ?1")?
                    .execute(params![log.0.cast_signed(), detail])?;
            }
            Record::LogDeleted(entries) => {
                let mut statement = self
                    .connection
                    .prepare_cached("DELETE FROM log WHERE id = ?1")?;
                for entry in entries {
                    statement.execute([entry.0.cast_signed()])?;
                }
            }
            Record::Need(row) => self.need(row)?,
            Record::Conflicts { item, conflicts } => self.conflicts(item, conflicts)?,
            Record::Pause(row) => self.pause(row)?,
            Record::PauseGone(scope) => self.pause_gone(scope)?,
            Record::Held(row) => {
                let item = self.names.item(self.connection, &row.item)?;
                held::add(self.connection, item, row)?;
            }
            Record::HeldUntil { item, until } => {
                if let Some(item) = find_item(self.connection, item)? {
                    held::end(self.connection, item, *until)?;
                }
            }
            Record::RuleSeen { rule, considered } => self.rule(rule, *considered)?,
            Record::RuleGone(rule) => self.rule_gone(rule)?,
            Record::Event(event) => {
                event::append(self.connection, number("an event", event.number.0)?, event)?;
            }
        }
        Ok(())
    }

    fn handler(&mut self, row: &HandlerRow) -> Result<(), WriteError> {
        let handler = self.names.spelled_handler(self.connection, &row.id)?;
        let problem = row.problem.as_ref();
        self.connection
            .prepare_cached(
                "INSERT INTO handlers (handler, name, comment, version, activation, enabled, connected, always_list,
                     hidden, capabilities, policies, asked, failed_step, problem, problem_detail, problem_since_ms,
                     problem_last_ms, problem_times)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
                 ON CONFLICT (handler) DO UPDATE SET name = excluded.name, comment = excluded.comment,
                     version = excluded.version, activation = excluded.activation, enabled = excluded.enabled,
                     connected = excluded.connected, always_list = excluded.always_list, hidden = excluded.hidden,
                     capabilities = excluded.capabilities, policies = excluded.policies, asked = excluded.asked,
                     failed_step = excluded.failed_step, problem = excluded.problem,
                     problem_detail = excluded.problem_detail, problem_since_ms = excluded.problem_since_ms,
                     problem_last_ms = excluded.problem_last_ms, problem_times = excluded.problem_times",
            )?
            .execute(params![
                handler,
                row.name,
                row.comment,
                row.version,
                row.activation.word(),
                row.enabled,
                row.connected.word(),
                row.always_list,
                row.hidden,
                set_words(&row.capabilities),
                set_words(&row.policies),
                row.asked,
                problem.map(|problem| problem.step.word()),
                problem.map(|problem| problem.text.as_str()),
                problem.map(|problem| problem.detail.as_str()),
                ms(problem.map(|problem| problem.since)),
                ms(problem.map(|problem| problem.last)),
                problem.map(|problem| problem.times),
            ])?;
        Ok(())
    }

    /// Runs and log stay; what the user preferred and was asked goes (M-25).
    fn handler_gone(&mut self, handler: &HandlerId) -> Result<(), WriteError> {
        let Some(handler) = find_handler(self.connection, handler)? else {
            return Ok(());
        };
        for sql in [
            "DELETE FROM handlers WHERE handler = ?1",
            "DELETE FROM items WHERE handler = ?1",
            "DELETE FROM needs WHERE handler = ?1",
            "DELETE FROM conflict_lists WHERE item IN (SELECT id FROM item_names WHERE handler = ?1)",
            "DELETE FROM absent_items WHERE item IN (SELECT id FROM item_names WHERE handler = ?1)",
            "DELETE FROM pauses WHERE handler = ?1",
            "DELETE FROM pauses WHERE item IN (SELECT id FROM item_names WHERE handler = ?1)",
            "DELETE FROM held WHERE item IN (SELECT id FROM item_names WHERE handler = ?1)",
        ] {
            self.connection.prepare_cached(sql)?.execute([handler])?;
        }
        Ok(())
    }

    fn item(&mut self, row: &ItemRow) -> Result<(), WriteError> {
        let handler = self.names.handler(self.connection, &row.at.handler)?;
        let item = self.names.spelled_item(self.connection, &row.at)?;
        at_hand(
            &mut self.item_row,
            self.connection,
            "INSERT INTO items (item, handler, name, comment, labels, checked, tick, enabled, connected, temporary, hidden,
                     capabilities, policies, lanes, since_ms, freshness_ms, attempted_ms, good_ms, last_run, last_status,
                     last_problem, retry_attempt, retry_due_ms, retry_told, stall_runs, stall_value, stall_max, stall_moved,
                     stall_told, held_cause, held_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                     ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31)
                 ON CONFLICT (item) DO UPDATE SET name = excluded.name, comment = excluded.comment,
                     labels = excluded.labels, checked = excluded.checked, tick = excluded.tick, enabled = excluded.enabled,
                     connected = excluded.connected, temporary = excluded.temporary, hidden = excluded.hidden,
                     capabilities = excluded.capabilities, policies = excluded.policies, lanes = excluded.lanes,
                     since_ms = excluded.since_ms, freshness_ms = excluded.freshness_ms, attempted_ms = excluded.attempted_ms,
                     good_ms = excluded.good_ms, last_run = excluded.last_run, last_status = excluded.last_status,
                     last_problem = excluded.last_problem, retry_attempt = excluded.retry_attempt,
                     retry_due_ms = excluded.retry_due_ms, retry_told = excluded.retry_told,
                     stall_runs = excluded.stall_runs, stall_value = excluded.stall_value, stall_max = excluded.stall_max,
                     stall_moved = excluded.stall_moved, stall_told = excluded.stall_told,
                     held_cause = excluded.held_cause, held_ms = excluded.held_ms",
        )?
        .execute(params![
                item,
                handler,
                row.name,
                row.comment,
                texts::join(row.labels.iter().map(String::as_str)),
                row.checked,
                row.tick,
                row.enabled,
                row.connected.word(),
                row.temporary,
                row.hidden,
                set_words(&row.capabilities),
                set_words(&row.policies),
                texts::join(row.lanes.iter().map(Lane::as_str)),
                row.since.0,
                row.expected_freshness.map(span_ms),
                ms(row.last_attempt),
                ms(row.last_good),
                mentioned(row.last_run),
                row.last_status.map(|status| status.word()),
                row.last_problem,
                row.retry.map(|retry| retry.attempt),
                ms(row.retry.map(|retry| retry.due)),
                row.retry.is_some_and(|retry| retry.told),
                row.stall.as_ref().map(|stall| stall.runs),
                row.stall.as_ref().map(|stall| stall.value.cast_signed()),
                row.stall.as_ref().map(|stall| stall.max.cast_signed()),
                row.stall.as_ref().map(|stall| stall.moved.cast_signed()),
                row.stall.as_ref().map(|stall| stall.told),
                row.held.map(|held| held.trigger.word()),
                ms(row.held.map(|held| held.since)),
            ])?;
        Ok(())
    }

    fn clock_set(&mut self, by_ms: i64, after: Timestamp) -> Result<(), WriteError> {
        // SQLite would go on with a number that is not whole where a sum is too large.
        let (least, most) = (
            i64::MIN.saturating_sub(by_ms.min(0)),
            i64::MAX.saturating_sub(by_ms.max(0)),
        );
        for column in [
            "since_ms",
            "attempted_ms",
            "good_ms",
            "held_ms",
            "retry_due_ms",
        ] {
            // What is still to come moves in any case.
            let after = if column == "retry_due_ms" {
                i64::MIN
            } else {
                after.0
            };
            self.connection
                .prepare_cached(&format!(
                    "UPDATE items SET {column} = max(?2, min(?3, {column})) + ?1 WHERE {column} > ?4"
                ))?
                .execute([by_ms, least, most, after])?;
        }
        Ok(())
    }

    fn items_succeeded(
        &mut self,
        handler: &HandlerId,
        run: RunId,
        at: Timestamp,
        items: &[ItemId],
    ) -> Result<(), WriteError> {
        let connection = self.connection;
        let mut statement = connection.prepare_cached(
            "UPDATE items SET attempted_ms = ?2, good_ms = ?2, last_run = ?3, last_status = ?4, last_problem = NULL,
                 retry_attempt = NULL, retry_due_ms = NULL, retry_told = 0, stall_runs = NULL
             WHERE item = ?1",
        )?;
        // What is the same for all of them stays bound.
        statement.raw_bind_parameter(2, at.0)?;
        statement.raw_bind_parameter(3, mentioned(Some(run)))?;
        statement.raw_bind_parameter(4, ItemStatus::Succeeded.word())?;
        let mut numbers = Vec::with_capacity(NUMBERS_AT_ONCE.min(items.len()));
        for items in items.chunks(NUMBERS_AT_ONCE) {
            let known = self.names.of_handler(handler);
            numbers.clear();
            numbers.extend(items.iter().map(|item| known?.get(item).copied()));
            for (item, known) in items.iter().zip(&numbers) {
                let number = match *known {
                    Some(number) => number,
                    None => {
                        let at = ItemRef {
                            handler: handler.clone(),
                            item: item.clone(),
                        };
                        self.names.item(connection, &at)?
                    }
                };
                statement.raw_bind_parameter(1, number)?;
                statement.raw_execute()?;
            }
        }
        Ok(())
    }

    fn item_gone(&mut self, item: &ItemRef) -> Result<(), WriteError> {
        let Some(item) = find_item(self.connection, item)? else {
            return Ok(());
        };
        for sql in [
            "DELETE FROM items WHERE item = ?1",
            "DELETE FROM needs WHERE item = ?1",
            "DELETE FROM conflict_lists WHERE item = ?1",
            "DELETE FROM absent_items WHERE item = ?1",
            "DELETE FROM pauses WHERE item = ?1",
            "DELETE FROM held WHERE item = ?1",
        ] {
            self.connection.prepare_cached(sql)?.execute([item])?;
        }
        Ok(())
    }

    fn session(&mut self, row: &SessionRow) -> Result<(), WriteError> {
        let id = number("a session", row.id.0)?;
        if self.removed.session(id) {
            return Ok(());
        }
        self.connection
            .prepare_cached(
                "INSERT INTO sessions (id, request, cause, opened_ms, closed_ms, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET request = excluded.request, cause = excluded.cause,
                     opened_ms = excluded.opened_ms, closed_ms = excluded.closed_ms, outcome = excluded.outcome",
            )?
            .execute(params![
                id,
                row.request.map(|request| request.0.cast_signed()),
                row.trigger.word(),
                row.opened.0,
                ms(row.closed),
                row.outcome.map(|outcome| outcome.word()),
            ])?;
        if row.closed.is_some() {
            outside::forget(self.connection, id)?;
        }
        Ok(())
    }

    fn run(&mut self, row: &RunRow) -> Result<(), WriteError> {
        let id = number("a run", row.id.0)?;
        if self.removed.run(id) {
            return Ok(());
        }
        let handler = self.names.handler(self.connection, &row.handler)?;
        let (kind, undone) = match row.kind {
            RunKind::Synchronize => ("synchronize", None),
            RunKind::Undo(run) => ("undo", Some(run)),
            RunKind::Resolve => ("resolve", None),
        };
        let (pid, pid_started) = row.process.unzip();
        self.connection
            .prepare_cached(
                "INSERT INTO runs (id, session, handler, kind, undone, cause, opened_ms, closed_ms, outcome, sent, received,
                     deleted, conflicts, failed, bytes, pid, pid_started, problem, stderr)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
                 ON CONFLICT (id) DO UPDATE SET session = excluded.session, handler = excluded.handler,
                     kind = excluded.kind, undone = excluded.undone, cause = excluded.cause,
                     opened_ms = excluded.opened_ms, closed_ms = excluded.closed_ms, outcome = excluded.outcome,
                     sent = excluded.sent, received = excluded.received, deleted = excluded.deleted,
                     conflicts = excluded.conflicts, failed = excluded.failed, bytes = excluded.bytes,
                     pid = excluded.pid, pid_started = excluded.pid_started, problem = excluded.problem,
                     stderr = excluded.stderr",
            )?
            .execute(params![
                id,
                number("a session", row.session.0)?,
                handler,
                kind,
                mentioned(undone),
                row.trigger.word(),
                row.opened.0,
                ms(row.closed),
                row.outcome.word(),
                row.counts.sent.cast_signed(),
                row.counts.received.cast_signed(),
                row.counts.deleted.cast_signed(),
                row.counts.conflicts.cast_signed(),
                row.counts.failed.cast_signed(),
                row.counts.bytes.cast_signed(),
                pid,
                pid_started.map(u64::cast_signed),
                row.problem,
                row.stderr,
            ])?;
        self.run_sides(id, row.counts)
    }

    /// What a run created and deleted on which side; nothing of it is no row.
    fn run_sides(&mut self, id: i64, counts: Counts) -> Result<(), WriteError> {
        let sides = [
            counts.created_near,
            counts.created_far,
            counts.deleted_near,
            counts.deleted_far,
        ];
        if sides == [0; 4] {
            self.connection
                .prepare_cached("DELETE FROM run_sides WHERE run = ?1")?
                .execute([id])?;
            return Ok(());
        }
        let [created_near, created_far, deleted_near, deleted_far] = sides.map(u64::cast_signed);
        self.connection
            .prepare_cached(
                "INSERT INTO run_sides (run, created_near, created_far, deleted_near, deleted_far)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (run) DO UPDATE SET created_near = excluded.created_near,
                     created_far = excluded.created_far, deleted_near = excluded.deleted_near,
                     deleted_far = excluded.deleted_far",
            )?
            .execute(params![
                id,
                created_near,
                created_far,
                deleted_near,
                deleted_far
            ])?;
        Ok(())
    }

    fn run_item(&mut self, row: &RunItemRow) -> Result<(), WriteError> {
        let run = number("a run", row.run.0)?;
        if self.removed.run(run) {
            return Ok(());
        }
        let item = self.names.item(self.connection, &row.item)?;
        at_hand(
            &mut self.run_item_row,
            self.connection,
            "INSERT INTO run_items (run, item, status, failure, text, sent, received, deleted, conflicts, failed, bytes,
                     created_near, created_far, deleted_near, deleted_far)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
                 ON CONFLICT (run, item) DO UPDATE SET status = excluded.status, failure = excluded.failure,
                     text = excluded.text, sent = excluded.sent, received = excluded.received,
                     deleted = excluded.deleted, conflicts = excluded.conflicts, failed = excluded.failed,
                     bytes = excluded.bytes, created_near = excluded.created_near, created_far = excluded.created_far,
                     deleted_near = excluded.deleted_near, deleted_far = excluded.deleted_far",
        )?
        .execute(params![
                run,
                item,
                row.status.word(),
                row.failure.map(|failure| failure.word()),
                row.text,
                row.counts.sent.cast_signed(),
                row.counts.received.cast_signed(),
                row.counts.deleted.cast_signed(),
                row.counts.conflicts.cast_signed(),
                row.counts.failed.cast_signed(),
                row.counts.bytes.cast_signed(),
                row.counts.created_near.cast_signed(),
                row.counts.created_far.cast_signed(),
                row.counts.deleted_near.cast_signed(),
                row.counts.deleted_far.cast_signed(),
            ])?;
        Ok(())
    }

    fn log(&mut self, row: &LogRow) -> Result<(), WriteError> {
        let handler = match &row.handler {
            Some(handler) => Some(self.names.handler(self.connection, handler)?),
            None => None,
        };
        let item = match &row.item {
            Some(item) => Some(self.names.item(self.connection, item)?),
            None => None,
        };
        self.connection
            .prepare_cached(
                "INSERT INTO log (id, at_ms, level, handler, item, run, text, detail, error, jump)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                number("a log entry", row.id.0)?,
                row.at.0,
                row.level.word(),
                handler,
                item,
                mentioned(row.run),
                row.text,
                row.detail,
                row.error,
                row.jump,
            ])?;
        Ok(())
    }

    fn need(&mut self, row: &NeedRow) -> Result<(), WriteError> {
        let handler = self.names.handler(self.connection, &row.handler)?;
        let item = match &row.item {
            Some(item) => {
                let at = ItemRef {
                    handler: row.handler.clone(),
                    item: item.clone(),
                };
                Some(self.names.item(self.connection, &at)?)
            }
            None => None,
        };
        let (state, choice, answer, used_by) = match &row.state {
            NeedState::Open => ("open", None, None, None),
            NeedState::Answered {
                choice,
                fields,
                by,
                at,
            } => ("answered", Some(choice), Some((fields, by, at.0)), None),
            NeedState::Used { choice, run } => ("used", Some(choice), None, Some(*run)),
            NeedState::Withdrawn => ("withdrawn", None, None, None),
            NeedState::Expired => ("expired", None, None, None),
        };
        self.connection
            .prepare_cached(
                "INSERT INTO needs (id, handler, item, key, kind, durable, text, detail, choices, default_choice, deadline_ms, fields,
                     context, opened_ms, run, state, choice, answer_fields, answered_by, answered_ms, used_by_run)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
                 ON CONFLICT (id) DO UPDATE SET handler = excluded.handler, item = excluded.item, key = excluded.key,
                     kind = excluded.kind, durable = excluded.durable, text = excluded.text, detail = excluded.detail, choices = excluded.choices,
                     default_choice = excluded.default_choice, deadline_ms = excluded.deadline_ms,
                     fields = excluded.fields, context = excluded.context, opened_ms = excluded.opened_ms,
                     run = excluded.run, state = excluded.state, choice = excluded.choice,
                     answer_fields = excluded.answer_fields, answered_by = excluded.answered_by,
                     answered_ms = excluded.answered_ms, used_by_run = excluded.used_by_run",
            )?
            .execute(params![
                number("a need", row.id.0)?,
                handler,
                item,
                row.key,
                row.kind.word(),
                row.durable,
                row.text,
                row.detail,
                joined(&row.choices),
                row.default,
                ms(row.deadline),
                row.fields,
                row.context,
                row.opened.0,
                mentioned(row.run),
                state,
                choice,
                answer.map(|(fields, ..)| fields.reveal()),
                answer.map(|(_, by, _)| by),
                answer.map(|(.., at)| at),
                mentioned(used_by),
            ])?;
        Ok(())
    }

    /// The item of the record counts; what the conflicts themselves say about theirs came from the handler.
    fn conflicts(&mut self, item: &ItemRef, conflicts: &[ConflictRow]) -> Result<(), WriteError> {
        let item = self.names.item(self.connection, item)?;
        self.connection
            .prepare_cached("DELETE FROM conflict_lists WHERE item = ?1")?
            .execute([item])?;
        if conflicts.is_empty() {
            return Ok(());
        }
        let count = i64::try_from(conflicts.len()).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached("INSERT INTO conflict_lists (item, open) VALUES (?1, ?2)")?
            .execute([item, count])?;
        let mut rows = self.connection.prepare_cached(
            "INSERT INTO conflicts (item, position, id, name, summary, found_ms, choices)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let mut versions = self.connection.prepare_cached(
            "INSERT INTO conflict_versions (item, conflict, position, place, location, deleted, kind, size_bytes, modified_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        for (position, row) in (0_i64..).zip(conflicts.iter().take(MAX_CONFLICTS_PER_ITEM)) {
            rows.execute(params![
                item,
                position,
                row.id,
                row.name,
                row.summary,
                row.found.0,
                joined(&row.choices),
            ])?;
            for (place, version) in (0_i64..).zip(&row.versions) {
                versions.execute(params![
                    item,
                    position,
                    place,
                    version.place,
                    version.location,
                    version.deleted,
                    version.kind,
                    version.size.map(u64::cast_signed),
                    ms(version.modified),
                ])?;
            }
        }
        Ok(())
    }

    fn pause(&mut self, row: &PauseRow) -> Result<(), WriteError> {
        let (scope, handler, item) = match &row.scope {
            PauseScope::All => ("all", None, None),
            PauseScope::Handler(handler) => (
                "handler",
                Some(self.names.handler(self.connection, handler)?),
                None,
            ),
            PauseScope::Item(item) => ("item", None, Some(self.names.item(self.connection, item)?)),
        };
        self.connection
            .prepare_cached(
                "INSERT INTO pauses (scope, handler, item, since_ms, until_ms) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (scope, coalesce(handler, 0), coalesce(item, 0))
                     DO UPDATE SET since_ms = excluded.since_ms, until_ms = excluded.until_ms",
            )?
            .execute(params![scope, handler, item, row.since.0, ms(row.until)])?;
        Ok(())
    }

    fn rule(&mut self, name: &str, considered: Timestamp) -> Result<(), WriteError> {
        self.connection
            .prepare_cached(
                "INSERT INTO rules (name, considered_ms) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET considered_ms = excluded.considered_ms",
            )?
            .execute(params![name, considered.0])?;
        Ok(())
    }

    fn rule_gone(&mut self, name: &str) -> Result<(), WriteError> {
        self.connection
            .prepare_cached("DELETE FROM rules WHERE name = ?1")?
            .execute([name])?;
        Ok(())
    }

    fn pause_gone(&mut self, scope: &PauseScope) -> Result<(), WriteError> {
        let (sql, of) = match scope {
            PauseScope::All => ("DELETE FROM pauses WHERE scope = 'all' AND ?1 = 0", Some(0)),
            PauseScope::Handler(handler) => (
                "DELETE FROM pauses WHERE handler = ?1",
                find_handler(self.connection, handler)?,
            ),
            PauseScope::Item(item) => (
                "DELETE FROM pauses WHERE item = ?1",
                find_item(self.connection, item)?,
            ),
        };
        if let Some(of) = of {
            self.connection.prepare_cached(sql)?.execute([of])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use syncmgr_core::{Event, EventKind, EventNumber, SessionId};

    use super::*;
    use crate::OpenOptions;

    fn event(number: u64) -> Record {
        Record::Event(Event {
            number: EventNumber(number),
            at: Timestamp(1),
            kind: EventKind::SessionOpened(SessionId(number)),
        })
    }

    #[test]
    fn on_a_full_disk_nothing_of_the_batch_is_stored_and_the_next_one_works() {
        let home = tempfile::tempdir().unwrap();
        let mut store =
            Store::open(&home.path().join("state.db"), &OpenOptions::default()).unwrap();
        store.write(&[event(1)]).unwrap();
        let limit = |store: &Store, pages: i64| {
            let set = |_: &rusqlite::Row<'_>| Ok(());
            store
                .connection
                .pragma_update_and_check(None, "max_page_count", pages, set)
                .unwrap();
        };
        let pages: i64 = store
            .connection
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .unwrap();
        limit(&store, pages);
        let many: Vec<_> = (2..5000).map(event).collect();
        let error = store.write(&many).unwrap_err();
        assert!(matches!(error, WriteError::Full(_)), "{error:?}");
        assert!(error.hint().is_some());
        assert_eq!(store.remembered().unwrap().last.event, 1);
        limit(&store, 1_000_000);
        store.write(&many).unwrap();
        assert_eq!(store.remembered().unwrap().last.event, 4999);
    }

    #[test]
    fn a_number_that_cannot_be_ordered_is_refused_with_its_whole_batch() {
        let home = tempfile::tempdir().unwrap();
        let mut store =
            Store::open(&home.path().join("state.db"), &OpenOptions::default()).unwrap();
        let error = store.write(&[event(1), event(u64::MAX)]).unwrap_err();
        assert!(
            matches!(
                error,
                WriteError::NumberTooLarge {
                    number: u64::MAX,
                    ..
                }
            ),
            "{error:?}"
        );
        let events = store.reader().unwrap().events(EventNumber(0), 10).unwrap();
        assert_eq!(events, []);
    }

    #[test]
    fn while_somebody_else_writes_it_says_busy_and_the_same_records_may_come_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state.db");
        let options = OpenOptions {
            busy: Duration::ZERO,
            ..OpenOptions::default()
        };
        let mut store = Store::open(&path, &options).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let error = store.write(&[event(1)]).unwrap_err();
        assert!(matches!(error, WriteError::Busy(_)), "{error:?}");
        other.execute_batch("ROLLBACK").unwrap();
        store.write(&[event(1)]).unwrap();
    }
}
