//! What the manager remembers between two lives.

use syncmgr_core::record::Remembered;
use syncmgr_core::run::{RunItemRow, RunRow};

use crate::columns::Columns;
use crate::fault::ReadError;
use crate::open::Store;
use crate::{absent, numbers, outside, rows};

impl Store {
    /// Everything that the manager must know to go on. Runs and sessions found open were open when the last manager
    /// ended; whether they are adopted or interrupted is for the caller to decide.
    ///
    /// # Errors
    /// [`ReadError`] when the file is damaged or holds what no syncmgr wrote.
    pub fn remembered(&self) -> Result<Remembered, ReadError> {
        let connection = &self.connection;
        // One moment for all of it.
        let snapshot = connection.unchecked_transaction()?;
        let all_runs = format!(
            "{}WHERE t.outcome = 'open' ORDER BY t.id",
            rows::SELECT_WHOLE_RUNS
        );
        let open_runs = rows::all(connection, &all_runs, [], rows::run)?
            .into_iter()
            .map(|run| {
                let items = self.items_of(&run)?;
                Ok((run, items))
            })
            .collect::<Result<_, ReadError>>()?;
        let remembered = Remembered {
            handlers: rows::all(
                connection,
                &format!("{}ORDER BY t.handler", rows::SELECT_HANDLERS),
                [],
                rows::handler,
            )?,
            items: rows::collect(
                connection,
                &format!("{}ORDER BY t.item", rows::SELECT_ITEMS),
                [],
                rows::item,
            )?,
            absent: rows::all(
                connection,
                &format!("{}ORDER BY t.item", absent::SELECT_ABSENT),
                [],
                absent::read,
            )?,
            open_runs,
            open_sessions: rows::all(
                connection,
                &format!(
                    "{}WHERE t.closed_ms IS NULL ORDER BY t.id",
                    rows::SELECT_SESSIONS
                ),
                [],
                rows::session,
            )?,
            outside: rows::all(
                connection,
                &format!("{}ORDER BY t.session", outside::SELECT_OUTSIDE),
                [],
                outside::read,
            )?,
            needs: rows::all(
                connection,
                &format!(
                    "{}WHERE t.state IN ('open', 'answered') ORDER BY t.id",
                    rows::SELECT_NEEDS
                ),
                [],
                rows::need,
            )?,
            conflicts: rows::all(
                connection,
                "SELECT h.spelling, i.spelling, t.open FROM conflict_lists t
                 JOIN item_names i ON i.id = t.item JOIN handler_names h ON h.id = i.handler ORDER BY t.item",
                [],
                |row| {
                    let mut columns = Columns::new(row, "conflict_lists");
                    Ok((columns.item()?, columns.count()?))
                },
            )?,
            pauses: rows::all(
                connection,
                &format!("{}ORDER BY t.rowid", rows::SELECT_PAUSES),
                [],
                rows::pause,
            )?,
            rules: rows::all(
                connection,
                "SELECT t.name, t.considered_ms FROM rules t ORDER BY t.name",
                [],
                |row| {
                    let mut columns = Columns::new(row, "rules");
                    Ok((columns.text()?, columns.moment()?))
                },
            )?,
            last: numbers::load(connection)?,
        };
        snapshot.finish()?;
        Ok(remembered)
    }

    fn items_of(&self, run: &RunRow) -> Result<Vec<RunItemRow>, ReadError> {
        rows::all(
            &self.connection,
            &format!("{}WHERE t.run = ?1 ORDER BY t.item", rows::SELECT_RUN_ITEMS),
            [run.id.0.cast_signed()],
            rows::run_item,
        )
    }
}
