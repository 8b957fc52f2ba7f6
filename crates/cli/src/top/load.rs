//! What there is, read from the manager at once.

use syncmgr_control::request::MAX_PAGE;
use syncmgr_control::view::{ConflictView, ForecastView, ItemView, NeedView, RunView, StatusView};
use syncmgr_control::{Caller, Refusal, Reply, Request, Service};

use crate::talk::unexpected;

/// How far ahead starts are told.
const AHEAD_MS: u64 = 24 * 60 * 60 * 1_000;
/// Runs that are told.
const RUNS: u32 = 20;
/// Most conflicts that are shown; those beyond come when others are resolved.
const MAX_CONFLICTS: usize = 10_000;

/// What there is.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Without its items.
    pub(crate) status: StatusView,
    pub(crate) items: Vec<ItemView>,
    pub(crate) starts: Vec<ForecastView>,
    pub(crate) runs: Vec<RunView>,
    pub(crate) needs: Vec<NeedView>,
    pub(crate) conflicts: Vec<ConflictView>,
    pub(crate) conflict_total: u64,
}

/// Reads it. Whatever changes meanwhile is told by changes, and read again.
pub(crate) async fn load(service: &dyn Service, caller: &Caller) -> Result<Loaded, Refusal> {
    let ask = |request| service.call(caller.clone(), request);
    let Reply::Status(status) = ask(Request::Status).await? else {
        return Err(unexpected());
    };
    let mut status = *status;
    let mut items = std::mem::take(&mut status.items);
    // Beyond a page they come in the order of the list: nobody reads ten thousand by how bad they are.
    if status.total > u64::try_from(items.len()).unwrap_or(u64::MAX) {
        let names = Vec::new();
        let hidden = false;
        let Reply::Items(all) = ask(Request::List { names, hidden }).await? else {
            return Err(unexpected());
        };
        let seen: std::collections::HashSet<_> = items
            .iter()
            .map(|item| (item.handler.clone(), item.id.clone()))
            .collect();
        let rest = all
            .into_iter()
            .filter(|item| !seen.contains(&(item.handler.clone(), item.id.clone())));
        items.extend(rest);
    }
    let Reply::Needs(needs) = ask(Request::Needs).await? else {
        return Err(unexpected());
    };
    let mut conflicts = Vec::new();
    let mut conflict_total = 0;
    while status.conflicts > 0 && conflicts.len() < MAX_CONFLICTS {
        let request = Request::Conflicts {
            name: None,
            offset: u32::try_from(conflicts.len()).unwrap_or(u32::MAX),
            limit: MAX_PAGE,
        };
        let Reply::Conflicts(page) = ask(request).await? else {
            return Err(unexpected());
        };
        conflict_total = page.total;
        let end = page.conflicts.is_empty();
        conflicts.extend(page.conflicts);
        if end || u64::try_from(conflicts.len()).is_ok_and(|read| read >= page.total) {
            break;
        }
    }
    let mut starts = Vec::new();
    if status.daemon {
        let request = Request::Forecast {
            names: Vec::new(),
            span_ms: AHEAD_MS,
        };
        let Reply::Forecast(forecast) = ask(request).await? else {
            return Err(unexpected());
        };
        starts = forecast.starts;
    }
    let request = Request::Runs {
        name: None,
        before: None,
        limit: RUNS,
    };
    let Reply::Runs(runs) = ask(request).await? else {
        return Err(unexpected());
    };
    Ok(Loaded {
        status,
        items,
        starts,
        runs,
        needs,
        conflicts,
        conflict_total,
    })
}
