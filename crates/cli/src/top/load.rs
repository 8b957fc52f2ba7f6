//! What there is, read from the manager at once.

use std::collections::BTreeSet;

use syncmgr_control::browse::Browse;
use syncmgr_control::request::MAX_PAGE;
use syncmgr_control::view::{
    ConflictView, ForecastView, ItemView, NeedView, RunView, Shown, StatusView,
};
use syncmgr_control::{Caller, Refusal, Reply, Request, Service};

use super::state::full_name;
use super::window::{Window, add_missing, around};
use crate::talk::unexpected;

/// How far ahead starts are told.
const AHEAD_MS: u64 = 24 * 60 * 60 * 1_000;
/// Runs that are told.
const RUNS: u32 = 20;
/// Most conflicts that are shown; those beyond come when others are resolved.
const MAX_CONFLICTS: usize = 10_000;

/// Most items that wait for their turn and are told beside a long list.
const MAX_WAITING: u32 = 100;
/// Most items that are read beside the rows of a long list, because the other pages are about them.
const MAX_BESIDE: usize = 32;

/// What there is.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Without its items.
    pub(crate) status: StatusView,
    /// All of them, or the rows of the window and those that the other pages are about.
    pub(crate) items: Vec<ItemView>,
    pub(crate) window: Option<Window>,
    pub(crate) starts: Vec<ForecastView>,
    pub(crate) runs: Vec<RunView>,
    pub(crate) needs: Vec<NeedView>,
    pub(crate) conflicts: Vec<ConflictView>,
    pub(crate) conflict_total: u64,
}

/// Reads it: all items, or of a list that is known to be long the rows that are wanted. Whatever changes meanwhile is told by
/// changes, and read again.
pub(crate) async fn load(
    service: &dyn Service,
    caller: &Caller,
    wanted: Option<Browse>,
) -> Result<Loaded, Refusal> {
    let ask = |request| service.call(caller.clone(), request);
    let (status, mut items, window) = match wanted {
        Some(browse) => rows(service, caller, browse).await?,
        None => {
            let Reply::Status(status) = ask(Request::Status).await? else {
                return Err(unexpected());
            };
            let mut status = *status;
            let items = std::mem::take(&mut status.items);
            if status.total > u64::try_from(items.len()).unwrap_or(u64::MAX) {
                rows(service, caller, around("", 0)).await?
            } else {
                (status, items, None)
            }
        }
    };
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
    if window.is_some() {
        let needs = needs.iter().filter_map(|need| {
            let item = need.item_id.as_ref().or(need.item.as_ref())?;
            Some((&need.handler, item))
        });
        let conflicts = conflicts.iter().map(|conflict| {
            let id = Some(&conflict.item_id).filter(|id| !id.is_empty());
            (&conflict.handler, id.unwrap_or(&conflict.item))
        });
        let starts = starts.iter().map(|start| (&start.handler, &start.item));
        let mut beside = BTreeSet::new();
        for (handler, item) in needs.chain(conflicts).chain(starts) {
            if beside.len() >= MAX_BESIDE {
                break;
            }
            beside.insert(full_name(&(handler.clone(), item.clone())));
        }
        for name in beside {
            let request = Request::List {
                names: vec![name],
                hidden: false,
            };
            // One that went meanwhile is not missed.
            if let Ok(Reply::Items(found)) = ask(request).await {
                add_missing(&mut items, found);
            }
        }
    }
    Ok(Loaded {
        status,
        items,
        window,
        starts,
        runs,
        needs,
        conflicts,
        conflict_total,
    })
}

/// Rows of a long list, or all items where the list is no longer long.
async fn rows(
    service: &dyn Service,
    caller: &Caller,
    browse: Browse,
) -> Result<(StatusView, Vec<ItemView>, Option<Window>), Refusal> {
    let ask = |request| service.call(caller.clone(), request);
    let Reply::Page(page) = ask(Request::Browse(browse.clone())).await? else {
        return Err(unexpected());
    };
    if page.status.total <= u64::from(MAX_PAGE) {
        let Reply::Status(status) = ask(Request::Status).await? else {
            return Err(unexpected());
        };
        let mut status = *status;
        let items = std::mem::take(&mut status.items);
        return Ok((status, items, None));
    }
    let (window, status, mut items) = Window::of(&browse, *page);
    if !status.running.is_empty() {
        let waiting = Browse {
            shown: Some(Shown::Pending),
            limit: MAX_WAITING,
            ..Browse::default()
        };
        let Reply::Page(waiting) = ask(Request::Browse(waiting)).await? else {
            return Err(unexpected());
        };
        add_missing(&mut items, waiting.rows.into_iter().map(|row| row.item));
    }
    Ok((status, items, Some(window)))
}
