//! What a turn brought, as changes for views.

use std::collections::{HashMap, VecDeque};

use syncmgr_control::What;
use syncmgr_core::event::EventKind;
use syncmgr_core::need::NeedState;
use syncmgr_core::run::{RunItemRow, RunRow, SessionRow};
use syncmgr_core::{
    Effects, ItemRef, Manager, Record, RequestId, RunId, SessionId, Show, Timestamp,
};

use super::to_view;

/// Most runs that are over and remembered with what asked for them.
const MAX_PAST: usize = 1_024;

/// What is remembered of open runs between turns, to complete the changes that speak of them.
#[derive(Debug, Default)]
pub struct Seen {
    sessions: HashMap<SessionId, Option<RequestId>>,
    runs: HashMap<RunId, OpenRun>,
    /// The latest runs that are over, with what asked for them.
    past: VecDeque<(RunId, RequestId)>,
}

#[derive(Debug)]
struct OpenRun {
    request: Option<RequestId>,
    opened: Timestamp,
}

impl Seen {
    /// The runs of a request: open ones, and those that are over as far as they are remembered.
    #[must_use]
    pub fn runs_of(&self, request: RequestId) -> Vec<u64> {
        let open = self.runs.iter().map(|(id, run)| (*id, run.request));
        let past = self.past.iter().map(|(id, of)| (*id, Some(*of)));
        let mut runs: Vec<u64> = open
            .chain(past)
            .filter(|(_, of)| *of == Some(request))
            .map(|(id, _)| id.0)
            .collect();
        runs.sort_unstable();
        runs
    }

    fn close(&mut self, run: RunId) {
        let Some(request) = self.runs.remove(&run).and_then(|open| open.request) else {
            return;
        };
        if self.past.len() >= MAX_PAST {
            self.past.pop_front();
        }
        self.past.push_back((run, request));
    }
}

/// The changes of a turn, in order. With nobody listening only what is remembered is brought up to date.
pub fn changes(seen: &mut Seen, manager: &Manager, due: &Effects, listening: bool) -> Vec<What> {
    let mut out = Vec::new();
    // What an item finished with is recorded just before that it did.
    let mut last: Option<&RunItemRow> = None;
    let mut runs: HashMap<RunId, &RunRow> = HashMap::new();
    let mut lists_changed = false;
    for record in &due.records {
        match record {
            Record::Session(row) => remember_session(seen, row),
            Record::Run(row) => {
                let request = seen.sessions.get(&row.session).copied().flatten();
                seen.runs.entry(row.id).or_insert(OpenRun {
                    request,
                    opened: row.opened,
                });
                runs.insert(row.id, row);
            }
            Record::RunItem(row) => last = Some(row),
            Record::Log(row) if listening => {
                let item = row.item.as_ref().map(|item| name(manager, item));
                out.push(What::Log {
                    entry: to_view::log(
                        row,
                        item,
                        row.handler
                            .as_ref()
                            .map_or_else(String::new, |handler| manager.handler_name(handler)),
                    ),
                });
            }
            Record::Need(row) if listening && row.state == NeedState::Open => {
                let item = row.item.as_ref().map(|item| {
                    name(
                        manager,
                        &ItemRef {
                            handler: row.handler.clone(),
                            item: item.clone(),
                        },
                    )
                });
                out.push(What::NeedOpened(to_view::need(
                    row,
                    item,
                    manager.handler_name(&row.handler),
                )));
            }
            Record::Event(event) => match &event.kind {
                EventKind::RunOpened { run, handler } if listening => out.push(What::RunOpened {
                    run: run.0,
                    request: seen
                        .runs
                        .get(run)
                        .and_then(|open| open.request)
                        .map(|request| request.0),
                    handler: handler.to_string(),
                    items: due
                        .records
                        .iter()
                        .filter(|record| matches!(record, Record::RunItem(row) if row.run == *run))
                        .count() as u64,
                }),
                EventKind::ItemFinished { run, item, status } if listening => {
                    let row = last.filter(|row| row.run == *run && row.item == *item);
                    let opened = seen.runs.get(run).map_or(event.at, |open| open.opened);
                    out.push(What::ItemFinished {
                        run: run.0,
                        handler: item.handler.to_string(),
                        item: item.item.to_string(),
                        name: name(manager, item),
                        status: to_view::status(*status),
                        text: row.map(|row| row.text.clone()).unwrap_or_default(),
                        failure: row.and_then(to_view::failure),
                        counts: row
                            .map(|row| to_view::counts(row.counts))
                            .unwrap_or_default(),
                        elapsed_ms: u64::try_from(event.at.since(opened).as_millis())
                            .unwrap_or(u64::MAX),
                    });
                }
                EventKind::RunClosed { run, outcome } => {
                    seen.close(*run);
                    if listening {
                        out.push(What::RunClosed {
                            run: run.0,
                            outcome: to_view::run_outcome(*outcome),
                            problem: runs.get(run).and_then(|row| row.problem.clone()),
                        });
                    }
                }
                EventKind::NeedClosed(need) => out.push(What::NeedClosed { id: need.0 }),
                EventKind::ConflictsChanged { item, open } => out.push(What::ConflictsChanged {
                    handler: item.handler.to_string(),
                    item: item.item.to_string(),
                    open: *open,
                }),
                EventKind::LockTakenOver { pid } => out.push(What::Notice {
                    text: format!("the lock of a syncmgr that died (process {pid}) was taken over"),
                }),
                EventKind::HandlerRegistered(_)
                | EventKind::HandlerUnregistered(_)
                | EventKind::ItemAdded(_)
                | EventKind::ItemRemoved(_)
                | EventKind::Paused(_)
                | EventKind::Resumed(_)
                | EventKind::EnabledChanged { .. } => lists_changed = true,
                _ => {}
            },
            _ => {}
        }
    }
    for show in &due.shows {
        match show {
            Show::Progress {
                run,
                item,
                status,
                text,
                value,
                max,
                counts,
                stopping,
            } if listening => {
                out.push(What::Progress {
                    run: run.0,
                    handler: item.handler.to_string(),
                    item: item.item.to_string(),
                    name: name(manager, item),
                    status: to_view::status(*status),
                    text: text.clone(),
                    value: *value,
                    max: *max,
                    counts: to_view::counts(*counts),
                    stopping: *stopping,
                });
            }
            // Told to who asked.
            Show::Progress { .. } | Show::Properties { .. } => {}
            Show::Window => lists_changed = true,
            Show::RequestEnded {
                request,
                outcome,
                problem,
            } => out.push(What::RequestEnded {
                request: request.0,
                outcome: to_view::request_outcome(*outcome),
                problem: problem.clone(),
            }),
        }
    }
    if lists_changed {
        out.push(What::ItemsChanged);
    }
    if listening { out } else { Vec::new() }
}

fn remember_session(seen: &mut Seen, row: &SessionRow) {
    if row.closed.is_some() {
        seen.sessions.remove(&row.id);
    } else {
        seen.sessions.insert(row.id, row.request);
    }
}

/// The name of an item, or its id when it is gone.
pub(crate) fn name(manager: &Manager, item: &ItemRef) -> String {
    manager
        .item(item)
        .map_or_else(|| item.item.to_string(), |row| row.name.clone())
}
