//! What the store must do, said again with maps; random records go to both.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use syncmgr_core::conflict::ConflictRow;
use syncmgr_core::item::{HandlerRow, ItemRow};
use syncmgr_core::log::{Level, LogRow};
use syncmgr_core::need::{NeedRow, NeedState};
use syncmgr_core::record::{
    HeldRow, LastNumbers, MAX_HELD, OutsideRow, PauseRow, PauseScope, Remembered,
};
use syncmgr_core::run::{RunItemRow, RunOutcome, RunRow, SessionRow};
use syncmgr_core::{
    AbsentRow, Event, EventKind, EventNumber, HandlerId, ItemRef, LogId, NeedId, Record, RunId,
    SessionId, Timestamp,
};

use crate::{LogFilter, OpenOptions, Reader, RunFilter, Store, WriteError, sample};

/// A batch that the store must refuse whole.
#[derive(Debug)]
struct Contradiction;

#[derive(Debug, Clone, Default)]
struct Model {
    handlers: BTreeMap<HandlerId, HandlerRow>,
    items: BTreeMap<ItemRef, ItemRow>,
    sessions: BTreeMap<SessionId, SessionRow>,
    runs: BTreeMap<RunId, RunRow>,
    run_items: BTreeMap<(RunId, ItemRef), RunItemRow>,
    log: BTreeMap<LogId, LogRow>,
    needs: BTreeMap<NeedId, NeedRow>,
    conflicts: BTreeMap<ItemRef, Vec<ConflictRow>>,
    absent: BTreeMap<ItemRef, AbsentRow>,
    outside: BTreeMap<SessionId, OutsideRow>,
    pauses: BTreeMap<PauseScope, PauseRow>,
    rules: BTreeMap<String, Timestamp>,
    held: BTreeMap<ItemRef, Vec<HeldRow>>,
    events: BTreeMap<EventNumber, Event>,
    last: LastNumbers,
}

impl Model {
    fn write(&mut self, records: &[Record]) -> Result<(), Contradiction> {
        let mut after = self.clone();
        for record in records {
            after.record(record)?;
        }
        let whole = after
            .items
            .keys()
            .all(|at| after.handlers.contains_key(&at.handler))
            && after
                .runs
                .values()
                .all(|run| after.sessions.contains_key(&run.session))
            && after
                .run_items
                .keys()
                .all(|(run, _)| after.runs.contains_key(run));
        if !whole {
            return Err(Contradiction);
        }
        *self = after;
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<(), Contradiction> {
        match record.clone() {
            Record::Handler(row) => drop(self.handlers.insert(row.id.clone(), row)),
            Record::HandlerGone(handler) => {
                // One that was never heard of has nothing; all else is found by its handler.
                self.handlers.remove(&handler);
                self.items.retain(|at, _| at.handler != handler);
                self.needs.retain(|_, need| need.handler != handler);
                self.conflicts.retain(|at, _| at.handler != handler);
                self.absent.retain(|at, _| at.handler != handler);
                self.held.retain(|at, _| at.handler != handler);
                self.pauses.retain(|scope, _| match scope {
                    PauseScope::All => true,
                    PauseScope::Handler(of) => *of != handler,
                    PauseScope::Item(at) => at.handler != handler,
                });
            }
            Record::Item(row) => drop(self.items.insert(row.at.clone(), row)),
            Record::ItemsSucceeded {
                handler,
                run,
                at,
                items,
            } => {
                for item in items {
                    let at_ref = syncmgr_core::ItemRef {
                        handler: handler.clone(),
                        item,
                    };
                    if let Some(row) = self.items.get_mut(&at_ref) {
                        row.last_attempt = Some(at);
                        row.last_good = Some(at);
                        row.last_run = Some(run);
                        row.last_status = Some(syncmgr_core::item::ItemStatus::Succeeded);
                        row.last_problem = None;
                        row.retry = None;
                        row.stall = None;
                    }
                }
            }
            Record::ClockSet { by_ms, after } => {
                let moved = |at: &mut Timestamp| at.0 = at.0.saturating_add(by_ms);
                for row in self.items.values_mut() {
                    let held = row.held.as_mut().map(|held| &mut held.since);
                    let past = [Some(&mut row.since), held]
                        .into_iter()
                        .chain([row.last_attempt.as_mut(), row.last_good.as_mut()]);
                    past.flatten().filter(|at| **at > after).for_each(moved);
                    if let Some(retry) = row.retry.as_mut() {
                        moved(&mut retry.due);
                    }
                }
            }
            Record::ItemGone(item) => {
                self.items.remove(&item);
                self.needs.retain(|_, need| {
                    need.handler != item.handler || need.item.as_ref() != Some(&item.item)
                });
                self.conflicts.remove(&item);
                self.absent.remove(&item);
                self.held.remove(&item);
                self.pauses.remove(&PauseScope::Item(item));
            }
            Record::Absent(row) => {
                let item = &row.at;
                self.items.remove(item);
                self.needs.retain(|_, need| {
                    need.handler != item.handler || need.item.as_ref() != Some(&item.item)
                });
                self.conflicts.remove(item);
                self.held.remove(item);
                self.absent.insert(item.clone(), row);
            }
            Record::AbsentGone(item) => drop(self.absent.remove(&item)),
            Record::Session(row) => {
                self.last.session = self.last.session.max(row.id.0);
                self.last.request = self.last.request.max(row.request.map_or(0, |it| it.0));
                if row.closed.is_some() {
                    self.outside.remove(&row.id);
                }
                self.sessions.insert(row.id, row);
            }
            Record::Outside(row) => {
                let session = self.sessions.get(&row.session);
                if session.is_some_and(|session| session.closed.is_none()) {
                    self.outside.insert(row.session, row);
                }
            }
            Record::Run(row) => {
                self.last.run = self.last.run.max(row.id.0);
                self.runs.insert(row.id, row);
            }
            Record::RunItem(row) => {
                self.run_items.insert((row.run, row.item.clone()), row);
            }
            Record::Log(row) => {
                self.last.log = self.last.log.max(row.id.0);
                if self.log.insert(row.id, row).is_some() {
                    return Err(Contradiction);
                }
            }
            Record::LogDetail { log, detail } => {
                if let Some(row) = self.log.get_mut(&log) {
                    row.detail = Some(detail);
                }
            }
            Record::LogDeleted(ids) => self.log.retain(|id, _| !ids.contains(id)),
            Record::Need(row) => {
                self.last.need = self.last.need.max(row.id.0);
                self.needs.insert(row.id, row);
            }
            Record::Conflicts { item, conflicts } => {
                self.conflicts.remove(&item);
                if !conflicts.is_empty() {
                    self.conflicts.insert(item, conflicts);
                }
            }
            Record::Pause(row) => drop(self.pauses.insert(row.scope.clone(), row)),
            Record::PauseGone(scope) => drop(self.pauses.remove(&scope)),
            Record::Held(row) => {
                let of_item = self.held.entry(row.item.clone()).or_default();
                for before in of_item.iter_mut().filter(|before| before.until.is_none()) {
                    before.until = Some(row.since);
                }
                of_item.insert(0, row);
                of_item.truncate(MAX_HELD);
            }
            Record::HeldUntil { item, until } => {
                for row in self.held.entry(item).or_default() {
                    row.until.get_or_insert(until);
                }
            }
            Record::RuleSeen { rule, considered } => drop(self.rules.insert(rule, considered)),
            Record::RuleGone(rule) => drop(self.rules.remove(&rule)),
            Record::Event(event) => {
                self.last.event = self.last.event.max(event.number.0);
                if let EventKind::RequestQueued { request, .. }
                | EventKind::RequestMerged { request, .. } = event.kind
                {
                    self.last.request = self.last.request.max(request.0);
                }
                if self.events.insert(event.number, event).is_some() {
                    return Err(Contradiction);
                }
            }
        }
        Ok(())
    }

    fn items_of(&self, run: RunId) -> Vec<RunItemRow> {
        let mine =
            |((of, _), row): (&(RunId, ItemRef), &RunItemRow)| (*of == run).then(|| row.clone());
        self.run_items.iter().filter_map(mine).collect()
    }

    fn remembered(&self) -> Remembered {
        let open = |run: &&RunRow| run.outcome == RunOutcome::Open;
        let waits =
            |need: &&NeedRow| matches!(need.state, NeedState::Open | NeedState::Answered { .. });
        Remembered {
            handlers: self.handlers.values().cloned().collect(),
            items: self.items.values().cloned().collect(),
            open_runs: self
                .runs
                .values()
                .filter(open)
                .map(|run| (run.clone(), self.items_of(run.id)))
                .collect(),
            open_sessions: self
                .sessions
                .values()
                .filter(|session| session.closed.is_none())
                .cloned()
                .collect(),
            needs: self.needs.values().filter(waits).cloned().collect(),
            conflicts: self
                .conflicts
                .iter()
                .map(|(item, conflicts)| (item.clone(), conflicts.len() as u64))
                .collect(),
            absent: self.absent.values().cloned().collect(),
            outside: self.outside.values().cloned().collect(),
            pauses: self.pauses.values().cloned().collect(),
            rules: self
                .rules
                .iter()
                .map(|(name, at)| (name.clone(), *at))
                .collect(),
            last: self.last,
        }
    }

    fn runs(&self, filter: &RunFilter) -> Vec<RunRow> {
        let takes_part =
            |run: &RunRow, item: &ItemRef| self.run_items.contains_key(&(run.id, item.clone()));
        self.runs
            .values()
            .rev()
            .filter(|run| {
                filter
                    .item
                    .as_ref()
                    .is_none_or(|item| takes_part(run, item))
            })
            .filter(|run| {
                filter
                    .handler
                    .as_ref()
                    .is_none_or(|handler| run.handler == *handler)
            })
            .filter(|run| filter.outcome.is_none_or(|outcome| run.outcome == outcome))
            .filter(|run| filter.before.is_none_or(|before| run.id < before))
            .map(|run| RunRow {
                stderr: String::new(),
                ..run.clone()
            })
            .collect()
    }

    fn log(&self, filter: &LogFilter) -> Vec<LogRow> {
        self.log
            .values()
            .rev()
            .filter(|row| match (&filter.item, &row.item, row.run) {
                (None, ..) => true,
                (Some(wanted), Some(item), _) => wanted == item,
                // About a whole run: about each item of it.
                (Some(wanted), None, Some(run)) => {
                    self.run_items.contains_key(&(run, wanted.clone()))
                }
                (Some(_), None, None) => false,
            })
            .filter(|row| filter.handler.is_none() || row.handler == filter.handler)
            .filter(|row| filter.run.is_none() || row.run == filter.run)
            .filter(|row| filter.at_least.is_none_or(|level| row.level >= level))
            .filter(|row| filter.before.is_none_or(|before| row.id < before))
            .cloned()
            .collect()
    }
}

/// The store gives rows in the order in which things became known; the model sorts them.
fn sorted(mut remembered: Remembered) -> Remembered {
    remembered.handlers.sort_by(|a, b| a.id.cmp(&b.id));
    let mut items: Vec<ItemRow> = std::mem::take(&mut remembered.items).into_iter().collect();
    items.sort_by(|a, b| a.at.cmp(&b.at));
    remembered.items = items.into_iter().collect();
    for (_, items) in &mut remembered.open_runs {
        items.sort_by(|a, b| a.item.cmp(&b.item));
    }
    remembered.conflicts.sort();
    remembered.absent.sort_by(|a, b| a.at.cmp(&b.at));
    remembered.pauses.sort_by(|a, b| a.scope.cmp(&b.scope));
    remembered
}

#[derive(Debug, Clone)]
struct Look {
    runs: RunFilter,
    log: LogFilter,
    limit: usize,
}

fn look() -> impl Strategy<Value = Look> {
    (
        option::of(sample::item_ref()),
        option::of(sample::handler_id()),
        option::of(sample::run_id()),
        option::of(prop::sample::select(vec![
            Level::Information,
            Level::Warning,
            Level::Error,
        ])),
        option::of(prop::sample::select(vec![
            RunOutcome::Open,
            RunOutcome::Succeeded,
            RunOutcome::Failed,
        ])),
        option::of(1..60_u64),
        1..8_usize,
    )
        .prop_map(
            |(item, handler, run, at_least, outcome, before, limit)| Look {
                runs: RunFilter {
                    item: item.clone(),
                    handler: handler.clone(),
                    outcome,
                    before: run,
                },
                log: LogFilter {
                    item,
                    handler,
                    run,
                    at_least,
                    before: before.map(LogId),
                },
                limit,
            },
        )
}

fn compare(model: &Model, reader: &Reader, look: &Look) {
    let limited = |mut rows: Vec<LogRow>| {
        rows.truncate(look.limit);
        rows
    };
    let mut runs = model.runs(&look.runs);
    runs.truncate(look.limit);
    assert_eq!(reader.runs(&look.runs, look.limit).unwrap(), runs);
    let log = limited(model.log(&look.log));
    assert_eq!(reader.log(&look.log, look.limit).unwrap(), log);
    for (id, run) in &model.runs {
        let page = reader.run(*id, 1000, look.limit).unwrap().unwrap();
        assert_eq!(page.run, *run, "with its standard error");
        let mut items = page.items;
        items.sort_by(|a, b| a.item.cmp(&b.item));
        assert_eq!(items, model.items_of(*id));
        assert_eq!(page.item_count, items.len() as u64);
        let filter = LogFilter {
            run: Some(*id),
            ..LogFilter::default()
        };
        let mut log = limited(model.log(&filter));
        log.reverse();
        assert_eq!(page.log, log);
    }
    let after = EventNumber(20);
    let events: Vec<_> = model
        .events
        .range(EventNumber(21)..)
        .map(|(_, event)| event.clone())
        .collect();
    assert_eq!(reader.events(after, 1000).unwrap(), events);
    let sessions: Vec<_> = model.sessions.values().rev().cloned().collect();
    assert_eq!(reader.sessions(1000).unwrap(), sessions);
    let needs: Vec<_> = model.needs.values().rev().cloned().collect();
    assert_eq!(reader.needs(false, 1000).unwrap(), needs);
    let open: Vec<_> = model
        .needs
        .values()
        .filter(|need| need.state == NeedState::Open)
        .cloned()
        .collect();
    assert_eq!(reader.needs(true, 1000).unwrap(), open);
    let mut total = 0;
    for (item, conflicts) in &model.conflicts {
        total += conflicts.len() as u64;
        assert_eq!(reader.conflicts(Some(item), 0, 1000).unwrap(), *conflicts);
        assert_eq!(
            reader.conflict_count(Some(item)).unwrap(),
            conflicts.len() as u64
        );
        let named = reader.conflicts_named(&conflicts[0].id, 1000).unwrap();
        assert!(named.contains(&conflicts[0]));
    }
    assert_eq!(reader.conflict_count(None).unwrap(), total);
    assert_eq!(reader.conflicts(None, 0, 1000).unwrap().len() as u64, total);
    for (_, item) in model.run_items.keys() {
        let expected: Vec<_> = model
            .run_items
            .values()
            .rev()
            .filter(|row| row.item == *item)
            .map(|row| {
                (
                    row.run,
                    row.status,
                    row.failure,
                    row.counts,
                    model.runs[&row.run].outcome,
                )
            })
            .collect();
        let history: Vec<_> = reader
            .history(item, 1000)
            .unwrap()
            .into_iter()
            .map(|row| (row.run, row.status, row.failure, row.counts, row.outcome))
            .collect();
        assert_eq!(history, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Every kind of record comes back as it was, batches that contradict what is stored leave nothing behind, and all
    /// of it survives closing and opening.
    #[test]
    fn the_store_does_what_the_model_does(
        batches in vec(vec(sample::record(), 1..12), 1..20), look in look(), reopen in any::<prop::sample::Index>(),
    ) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state.db");
        let mut store = Store::open(&path, &OpenOptions::default()).unwrap();
        let mut model = Model::default();
        let reopen = reopen.index(batches.len());
        for (number, batch) in batches.iter().enumerate() {
            if number == reopen {
                drop(store);
                store = Store::open(&path, &OpenOptions::default()).unwrap();
            }
            match (model.write(batch), store.write(batch)) {
                (Ok(()), Ok(())) | (Err(Contradiction), Err(WriteError::Contradiction(_))) => {}
                (expected, found) => panic!("the model says {expected:?}, the store {found:?}"),
            }
            prop_assert_eq!(sorted(store.remembered().unwrap()), model.remembered());
            for (item, held) in &model.held {
                prop_assert_eq!(&store.held(item).unwrap(), held);
            }
        }
        compare(&model, &store.reader().unwrap(), &look);
        let problems: Vec<_> = store.integrity().unwrap().into_iter().filter(crate::Finding::is_problem).collect();
        prop_assert_eq!(problems, vec![]);
    }
}
