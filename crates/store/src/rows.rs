//! Rows as `syncmgr_core` knows them, read from the columns that the constants beside them select.

use std::time::Duration;

use rusqlite::{Connection, Params, Row};
use syncmgr_core::conflict::{ConflictRow, ConflictVersion};
use syncmgr_core::item::{HandlerRow, Held, ItemRow, Retry};
use syncmgr_core::lane::Lane;
use syncmgr_core::log::LogRow;
use syncmgr_core::need::{Choice, NeedRow, NeedState, Typed};
use syncmgr_core::problem::HandlerProblem;
use syncmgr_core::record::{PauseRow, PauseScope};
use syncmgr_core::run::{RunItemRow, RunKind, RunRow, SessionRow};
use syncmgr_core::stuck::Stall;
use syncmgr_core::{LogId, NeedId, RequestId, RunId, SessionId};

use crate::columns::Columns;
use crate::fault::ReadError;

/// Reads every row of a query.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, ReadError>,
) -> Result<Vec<T>, ReadError> {
    collect(connection, sql, params, read)
}

/// Reads every row of a query into a collection.
pub(crate) fn collect<T, C: FromIterator<T>>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, ReadError>,
) -> Result<C, ReadError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    std::iter::from_fn(|| match rows.next() {
        Ok(row) => row.map(&read),
        Err(error) => Some(Err(error.into())),
    })
    .collect()
}

/// What a query selects and from where; further joins and conditions follow it.
macro_rules! select {
    ($($(#[$meta:meta])* $name:ident = $columns:literal from $tables:literal;)+) => {
        $($(#[$meta])* pub(crate) const $name: &str = concat!("SELECT ", $columns, " FROM ", $tables, " ");)+
    };
}

select! {
    /// Handlers, as `t`.
    SELECT_HANDLERS = "h.spelling, t.name, t.comment, t.version, t.activation, t.enabled, t.connected, t.always_list,
        t.hidden, t.capabilities, t.policies, t.asked, t.failed_step, t.problem, t.problem_detail, t.problem_since_ms,
        t.problem_last_ms, t.problem_times"
        from "handlers t JOIN handler_names h ON h.id = t.handler";
    /// Items, as `t`.
    SELECT_ITEMS = "h.spelling, i.spelling, t.name, t.comment, t.labels, t.checked, t.tick, t.enabled, t.connected, t.temporary,
        t.hidden, t.capabilities, t.policies, t.lanes, t.since_ms, t.freshness_ms, t.attempted_ms, t.good_ms, t.last_run,
        t.last_status, t.last_problem, t.retry_attempt, t.retry_due_ms, t.retry_told, t.stall_runs, t.stall_value,
        t.stall_max, t.stall_moved, t.stall_told, t.held_cause, t.held_ms"
        from "items t JOIN item_names i ON i.id = t.item JOIN handler_names h ON h.id = i.handler";
    /// Sessions, as `t`.
    SELECT_SESSIONS = "t.id, t.request, t.cause, t.opened_ms, t.closed_ms, t.outcome" from "sessions t";
    /// Runs, as `t`, without what their handlers wrote on standard error.
    SELECT_RUNS = "t.id, t.session, h.spelling, t.kind, t.undone, t.cause, t.opened_ms, t.closed_ms, t.outcome, t.sent,
        t.received, t.deleted, t.conflicts, t.failed, t.bytes, s.created_near, s.created_far, s.deleted_near, s.deleted_far,
        t.pid, t.pid_started, t.problem, ''"
        from "runs t JOIN handler_names h ON h.id = t.handler LEFT JOIN run_sides s ON s.run = t.id";
    /// Runs, as `t`, whole.
    SELECT_WHOLE_RUNS = "t.id, t.session, h.spelling, t.kind, t.undone, t.cause, t.opened_ms, t.closed_ms, t.outcome,
        t.sent, t.received, t.deleted, t.conflicts, t.failed, t.bytes, s.created_near, s.created_far, s.deleted_near, s.deleted_far,
        t.pid, t.pid_started, t.problem, t.stderr"
        from "runs t JOIN handler_names h ON h.id = t.handler LEFT JOIN run_sides s ON s.run = t.id";
    /// Items of runs, as `t`.
    SELECT_RUN_ITEMS = "t.run, h.spelling, i.spelling, t.status, t.failure, t.text, t.sent, t.received, t.deleted,
        t.conflicts, t.failed, t.bytes, t.created_near, t.created_far, t.deleted_near, t.deleted_far"
        from "run_items t JOIN item_names i ON i.id = t.item JOIN handler_names h ON h.id = i.handler";
    /// Log entries, as `t`.
    SELECT_LOG = "t.id, t.at_ms, t.level, h.spelling, ih.spelling, i.spelling, t.run, t.text, t.detail, t.error, t.jump"
        from "log t LEFT JOIN handler_names h ON h.id = t.handler LEFT JOIN item_names i ON i.id = t.item
        LEFT JOIN handler_names ih ON ih.id = i.handler";
    /// Needs, as `t`.
    SELECT_NEEDS = "t.id, h.spelling, i.spelling, t.key, t.kind, t.durable, t.text, t.detail, t.choices, t.default_choice,
        t.deadline_ms, t.fields, t.context, t.opened_ms, t.run, t.state, t.choice, t.answer_fields, t.answered_by,
        t.answered_ms, t.used_by_run"
        from "needs t JOIN handler_names h ON h.id = t.handler LEFT JOIN item_names i ON i.id = t.item";
    /// Conflicts, as `t`; the two numbers under which their versions are found come last.
    SELECT_CONFLICTS = "t.id, h.spelling, i.spelling, t.name, t.summary, t.found_ms, t.choices, t.item, t.position"
        from "conflicts t JOIN item_names i ON i.id = t.item JOIN handler_names h ON h.id = i.handler";
    /// Pauses, as `t`.
    SELECT_PAUSES = "t.scope, h.spelling, ih.spelling, i.spelling, t.since_ms, t.until_ms"
        from "pauses t LEFT JOIN handler_names h ON h.id = t.handler LEFT JOIN item_names i ON i.id = t.item
        LEFT JOIN handler_names ih ON ih.id = i.handler";
}

/// Reads from [`SELECT_HANDLERS`].
pub(crate) fn handler(row: &Row<'_>) -> Result<HandlerRow, ReadError> {
    let mut c = Columns::new(row, "handlers");
    Ok(HandlerRow {
        id: c.handler()?,
        name: c.text()?,
        comment: c.text()?,
        version: c.text()?,
        activation: c.word()?,
        enabled: c.flag()?,
        connected: c.word()?,
        always_list: c.flag()?,
        hidden: c.flag()?,
        capabilities: c.set()?,
        policies: c.set()?,
        asked: c.flag()?,
        problem: problem(&mut c)?,
    })
}

fn problem(c: &mut Columns<'_>) -> Result<Option<HandlerProblem>, ReadError> {
    let step = c.word_maybe()?;
    let text = c.text_maybe()?;
    let detail = c.text_maybe()?;
    let since = c.moment_maybe()?;
    let last = c.moment_maybe()?;
    let times = c.small_maybe("failures")?;
    // All of them or none, as the schema sees to.
    Ok(step.map(|step| HandlerProblem {
        step,
        text: text.unwrap_or_default(),
        detail: detail.unwrap_or_default(),
        since: since.unwrap_or_default(),
        last: last.unwrap_or_default(),
        times: times.unwrap_or_default(),
    }))
}

/// Reads from [`SELECT_ITEMS`].
pub(crate) fn item(row: &Row<'_>) -> Result<ItemRow, ReadError> {
    let mut c = Columns::new(row, "items");
    Ok(ItemRow {
        at: c.item()?,
        name: c.text()?,
        comment: c.text()?,
        labels: c.texts()?.into_iter().collect(),
        checked: c.flag()?,
        tick: c.flag_maybe()?,
        enabled: c.flag()?,
        connected: c.word()?,
        temporary: c.flag()?,
        hidden: c.flag()?,
        capabilities: c.set()?,
        policies: c.set()?,
        lanes: c.texts()?.iter().map(|text| Lane::spelled(text)).collect(),
        since: c.moment()?,
        expected_freshness: c.number_maybe("milliseconds")?.map(Duration::from_millis),
        last_attempt: c.moment_maybe()?,
        last_good: c.moment_maybe()?,
        last_run: c.count_maybe()?.map(RunId),
        last_status: c.word_maybe()?,
        last_problem: c.text_maybe()?,
        retry: {
            let attempt = c.small_maybe("retries")?;
            let due = c.moment_maybe()?;
            let told = c.flag()?;
            attempt
                .zip(due)
                .map(|(attempt, due)| Retry { attempt, due, told })
        },
        stall: {
            let runs = c.small_maybe("runs")?;
            let mut number = || Ok::<_, ReadError>(c.count_maybe()?.unwrap_or_default());
            let (value, max, moved) = (number()?, number()?, number()?);
            let told = c.flag_maybe()?.unwrap_or_default();
            // Without the number of runs, the rest is of an earlier row.
            runs.map(|runs| {
                Box::new(Stall {
                    runs,
                    value,
                    max,
                    moved,
                    told,
                })
            })
        },
        held: {
            let trigger = c.word_maybe()?;
            trigger
                .zip(c.moment_maybe()?)
                .map(|(trigger, since)| Held { trigger, since })
        },
    })
}

/// Reads from [`SELECT_SESSIONS`].
pub(crate) fn session(row: &Row<'_>) -> Result<SessionRow, ReadError> {
    let mut c = Columns::new(row, "sessions");
    Ok(SessionRow {
        id: SessionId(c.number("a session")?),
        request: c.count_maybe()?.map(RequestId),
        trigger: c.word()?,
        opened: c.moment()?,
        closed: c.moment_maybe()?,
        outcome: c.word_maybe()?,
    })
}

/// Reads from [`SELECT_RUNS`] and [`SELECT_WHOLE_RUNS`].
pub(crate) fn run(row: &Row<'_>) -> Result<RunRow, ReadError> {
    let mut c = Columns::new(row, "runs");
    Ok(RunRow {
        id: RunId(c.number("a run")?),
        session: SessionId(c.number("a session")?),
        handler: c.handler()?,
        kind: c.one_of(|word, c| {
            let undone = c.count_maybe()?.map(RunId);
            Ok(match (word, undone) {
                ("synchronize", None) => Some(RunKind::Synchronize),
                ("undo", Some(run)) => Some(RunKind::Undo(run)),
                ("resolve", None) => Some(RunKind::Resolve),
                _ => None,
            })
        })?,
        trigger: c.word()?,
        opened: c.moment()?,
        closed: c.moment_maybe()?,
        outcome: c.word()?,
        counts: c.counts()?,
        process: {
            let pid = c.small_maybe("a process")?;
            pid.zip(c.count_maybe()?)
        },
        problem: c.text_maybe()?,
        stderr: c.text()?,
    })
}

/// Reads from [`SELECT_RUN_ITEMS`].
pub(crate) fn run_item(row: &Row<'_>) -> Result<RunItemRow, ReadError> {
    let mut c = Columns::new(row, "run_items");
    Ok(RunItemRow {
        run: RunId(c.number("a run")?),
        item: c.item()?,
        status: c.word()?,
        failure: c.word_maybe()?,
        text: c.text()?,
        counts: c.counts()?,
    })
}

/// Reads from [`SELECT_LOG`].
pub(crate) fn log(row: &Row<'_>) -> Result<LogRow, ReadError> {
    let mut c = Columns::new(row, "log");
    Ok(LogRow {
        id: LogId(c.number("a log entry")?),
        at: c.moment()?,
        level: c.word()?,
        handler: c.handler_maybe()?,
        item: c.item_maybe()?,
        run: c.count_maybe()?.map(RunId),
        text: c.text()?,
        detail: c.text_maybe()?,
        error: c.text_maybe()?,
        jump: c.flag()?,
    })
}

fn choices(c: &mut Columns<'_>) -> Result<Vec<Choice>, ReadError> {
    c.pairs(|name, label| Choice { name, label })
}

/// Reads from [`SELECT_NEEDS`].
pub(crate) fn need(row: &Row<'_>) -> Result<NeedRow, ReadError> {
    let mut c = Columns::new(row, "needs");
    Ok(NeedRow {
        id: NeedId(c.number("a need")?),
        handler: c.handler()?,
        item: c.item_id_maybe()?,
        key: c.text()?,
        kind: c.word()?,
        durable: c.flag()?,
        text: c.text()?,
        detail: c.text_maybe()?,
        choices: choices(&mut c)?,
        default: c.text_maybe()?,
        deadline: c.moment_maybe()?,
        fields: c.text_maybe()?,
        context: c.text()?,
        opened: c.moment()?,
        run: c.count_maybe()?.map(RunId),
        state: c.one_of(|word, c| {
            let choice = c.text_maybe()?;
            let fields = c.text_maybe()?;
            let by = c.text_maybe()?;
            let at = c.moment_maybe()?;
            let run = c.count_maybe()?.map(RunId);
            Ok(match (word, choice, fields, by, at, run) {
                ("open", ..) => Some(NeedState::Open),
                ("answered", Some(choice), Some(fields), Some(by), Some(at), _) => {
                    Some(NeedState::Answered {
                        choice,
                        fields: Typed::new(fields),
                        by,
                        at,
                    })
                }
                ("used", Some(choice), .., Some(run)) => Some(NeedState::Used { choice, run }),
                ("withdrawn", ..) => Some(NeedState::Withdrawn),
                ("expired", ..) => Some(NeedState::Expired),
                _ => None,
            })
        })?,
    })
}

/// Reads from [`SELECT_CONFLICTS`] and, with a second query each, the versions.
pub(crate) fn conflict(connection: &Connection, row: &Row<'_>) -> Result<ConflictRow, ReadError> {
    let mut c = Columns::new(row, "conflicts");
    let mut conflict = ConflictRow {
        id: c.text()?,
        item: c.item()?,
        name: c.text()?,
        summary: c.text()?,
        found: c.moment()?,
        versions: Vec::new(),
        choices: choices(&mut c)?,
    };
    let place = [c.count()?.cast_signed(), c.count()?.cast_signed()];
    conflict.versions = all(
        connection,
        "SELECT place, location, deleted, kind, size_bytes, modified_ms FROM conflict_versions
         WHERE item = ?1 AND conflict = ?2 ORDER BY position",
        place,
        |row| {
            let mut c = Columns::new(row, "conflict_versions");
            Ok(ConflictVersion {
                place: c.text()?,
                location: c.text()?,
                deleted: c.flag()?,
                kind: c.text()?,
                size: c.count_maybe()?,
                modified: c.moment_maybe()?,
            })
        },
    )?;
    Ok(conflict)
}

/// Reads from [`SELECT_PAUSES`].
pub(crate) fn pause(row: &Row<'_>) -> Result<PauseRow, ReadError> {
    let mut c = Columns::new(row, "pauses");
    Ok(PauseRow {
        scope: c.one_of(|word, c| {
            let handler = c.handler_maybe()?;
            let item = c.item_maybe()?;
            Ok(match (word, handler, item) {
                ("all", None, None) => Some(PauseScope::All),
                ("handler", Some(handler), None) => Some(PauseScope::Handler(handler)),
                ("item", None, Some(item)) => Some(PauseScope::Item(item)),
                _ => None,
            })
        })?,
        since: c.moment()?,
        until: c.moment_maybe()?,
    })
}
