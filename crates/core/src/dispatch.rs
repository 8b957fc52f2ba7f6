//! From requests to sessions: what may start, the barrier between preparing and synchronizing, and the ends.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Command;
use crate::connection::Owner;
use crate::event::EventKind;
use crate::hindrance::Hindrance;
use crate::holding::handler_hindrance;
use crate::id::{HandlerId, InstanceId, ItemId, ItemRef, RequestId, SessionId};
use crate::instance::{Instance, MAX_NOTES, Session};
use crate::item::{HandlerCapability, HandlerPolicy, HandlerRow};
use crate::manager::{Manager, Show, Timer};
use crate::phase::{Kind, Phase};
use crate::queue::{
    Coalesce, MAX_QUEUE, Waiting, Want, coalesce, is_automatic, is_person, join, may_bother,
    overtake, place, wants,
};
use crate::record::Record;
use crate::request::{
    IfRunning, MAX_COOKIE_BYTES, MAX_WAITING_COOKIES, RefusedRequest, Request, RequestOutcome,
    Scope, Trigger, Work,
};
use crate::run::SessionRow;

impl Manager {
    /// Whether a request would be taken. Ask before applying it: one that is applied all the same ends at once, failed.
    ///
    /// # Errors
    /// [`RefusedRequest`] says why it would not.
    pub fn check_request(&self, request: &Request) -> Result<(), RefusedRequest> {
        if request
            .cookie
            .as_ref()
            .is_some_and(|cookie| cookie.len() > MAX_COOKIE_BYTES)
        {
            return Err(RefusedRequest::CookieTooLarge);
        }
        if self.alive.len() >= MAX_QUEUE {
            return Err(RefusedRequest::QueueFull);
        }
        if let Some(cookie) = &request.cookie {
            let bytes = |request: &Request| request.cookie.as_ref().map_or(0, Vec::len);
            let waiting: usize = self.waiting.iter().map(|other| bytes(&other.request)).sum();
            if waiting.saturating_add(cookie.len()) > MAX_WAITING_COOKIES {
                return Err(RefusedRequest::QueueFull);
            }
        }
        let items: &[ItemRef] = match &request.scope {
            Scope::Checked => &[],
            Scope::Handler(handler) => {
                let slot = self.handlers.get(handler).ok_or(RefusedRequest::Unknown)?;
                if only_reports(&slot.row) {
                    return Err(RefusedRequest::OwnProgram);
                }
                self.check_properties(handler, &request.work)?;
                if request.work == Work::Synchronize {
                    refuse(handler_hindrance(&slot.row))?;
                }
                return offers(slot, &request.work);
            }
            Scope::Items(items) if items.is_empty() => return Err(RefusedRequest::Unknown),
            Scope::Items(items) => items,
        };
        let one_handler = items.iter().all(|item| {
            items
                .first()
                .is_some_and(|first| first.handler == item.handler)
        });
        match &request.work {
            Work::Undo { .. } if items.is_empty() || !one_handler => {
                return Err(RefusedRequest::Unknown);
            }
            Work::Resolve { .. } | Work::Properties(_) if items.len() != 1 => {
                return Err(RefusedRequest::Unknown);
            }
            Work::Synchronize
            | Work::List
            | Work::Undo { .. }
            | Work::Resolve { .. }
            | Work::Properties(_) => {}
        }
        let mut forbidden = 0;
        let mut reported = 0;
        for item in items {
            let handler = self
                .handlers
                .get(&item.handler)
                .ok_or(RefusedRequest::Unknown)?;
            let slot = handler
                .items
                .get(&item.item)
                .ok_or(RefusedRequest::Unknown)?;
            if only_reports(&handler.row) {
                if request.work != Work::Synchronize {
                    return Err(RefusedRequest::OwnProgram);
                }
                reported += 1;
                continue;
            }
            if !matches!(request.work, Work::Properties(_)) {
                offers(handler, &request.work)?;
            }
            match request.work {
                Work::Synchronize => {
                    if let Some(Hindrance::Inactive) = handler_hindrance(&handler.row) {
                        return Err(RefusedRequest::Inactive);
                    }
                    // a policy binds the interface too. Switched off or unreachable is not a refusal.
                    if slot_forbids(handler, slot) {
                        forbidden += 1;
                    }
                }
                Work::Properties(_) => {
                    self.check_properties(&item.handler, &request.work)?;
                    // M-135; what a handler never listed by itself is asked for first.
                    let known = !handler.row.version.is_empty();
                    if known
                        && !slot
                            .row
                            .capabilities
                            .contains(&crate::item::ItemCapability::Properties)
                    {
                        return Err(RefusedRequest::NotOffered);
                    }
                }
                Work::Undo { .. } | Work::Resolve { .. } | Work::List => {}
            }
        }
        if reported > 0 && reported == items.len() {
            return Err(RefusedRequest::OwnProgram);
        }
        if forbidden > 0 && forbidden + reported == items.len() {
            return Err(RefusedRequest::Forbidden);
        }
        Ok(())
    }

    fn check_properties(&self, handler: &HandlerId, work: &Work) -> Result<(), RefusedRequest> {
        if matches!(work, Work::Properties(_)) && self.has_properties_open(handler) {
            return Err(RefusedRequest::PropertiesOpen); // M-137
        }
        Ok(())
    }

    pub(crate) fn enqueue(&mut self, id: RequestId, request: Request) {
        if self.alive.contains(&id) {
            return; // a number is used once; whoever used it first is served
        }
        self.last.request = self.last.request.max(id.0);
        let refused = self.check_request(&request);
        self.event(EventKind::RequestQueued {
            request: id,
            trigger: request.trigger,
        });
        if let Err(refused) = refused {
            self.end_request(id, RequestOutcome::Failed, Some(refused.to_string()));
            return;
        }
        let mut wants = wants(&request.scope, self.handlers.keys());
        if request.if_running == IfRunning::Ignore
            && request.cookie.is_none()
            && request.work == Work::Synchronize
        {
            self.leave_out_running(&mut wants); // decided now, item by item
        }
        if request.work == Work::Synchronize && is_person(request.trigger) {
            self.forget_retries(&wants);
        }
        let newcomer = Waiting {
            id,
            request,
            priority: self.priority_of(&wants),
            wants,
            since: self.now,
            merged: Vec::new(),
            overtaken: 0,
        };
        self.alive.insert(id);
        if matches!(newcomer.request.work, Work::Properties(_)) {
            self.open_session(newcomer); // waits for nothing: it only lists
            return;
        }
        match coalesce(&newcomer, &self.waiting) {
            Coalesce::Join(at) => {
                if let Some(into) = self.waiting.get_mut(at) {
                    let into_id = into.id;
                    join(into, newcomer);
                    self.event(EventKind::RequestMerged {
                        request: id,
                        into: into_id,
                    });
                }
            }
            Coalesce::Wait => {
                let at = place(&newcomer, &self.waiting);
                self.waiting.insert(at, newcomer);
            }
        }
        self.pump = true;
    }

    /// Queues work of the manager's own: one request for each handler, and for what its rules say of what runs already.
    pub(crate) fn enqueue_own(&mut self, items: Vec<ItemRef>, trigger: Trigger) {
        let mut by_handler: BTreeMap<(HandlerId, bool), Vec<ItemRef>> = BTreeMap::new();
        for item in items {
            if self.slot(&item).is_some() {
                let ignore = self.said_of_running(&item, trigger) == Some(IfRunning::Ignore);
                by_handler
                    .entry((item.handler.clone(), ignore))
                    .or_default()
                    .push(item);
            }
        }
        for ((_, ignore), items) in by_handler {
            if self.alive.len() >= MAX_QUEUE {
                // Nobody waits for it: it comes back when there may be room.
                let at = self.now.plus(self.settings.retry.base);
                for item in items {
                    self.set_timer(at, Timer::Retry(item));
                }
                continue;
            }
            let id = self.next_request();
            self.enqueue(
                id,
                Request {
                    scope: Scope::Items(items),
                    work: Work::Synchronize,
                    trigger,
                    may_bother_user: false,
                    cookie: None,
                    if_running: if ignore {
                        IfRunning::Ignore
                    } else {
                        IfRunning::Again
                    },
                },
            );
        }
    }

    /// What the rules that start an item so say of one that runs already; of several, that it runs again.
    fn said_of_running(&self, item: &ItemRef, trigger: Trigger) -> Option<IfRunning> {
        let handler = self.handlers.get(&item.handler)?;
        let slot = handler.items.get(&item.item)?;
        let said = self
            .rules
            .iter()
            .map(|state| &state.rule)
            .filter(|rule| {
                rule.selects(&handler.row, &slot.row) && rule.on.iter().any(|on| on.gives(trigger))
            })
            .filter_map(|rule| rule.if_running);
        said.reduce(|one, other| {
            if one == IfRunning::Again || other == IfRunning::Again {
                IfRunning::Again
            } else {
                IfRunning::Ignore
            }
        })
    }

    fn leave_out_running(&self, wants: &mut crate::queue::Wants) {
        for (handler, want) in wants.iter_mut() {
            let Some(slot) = self.handlers.get(handler) else {
                continue;
            };
            let live: BTreeSet<ItemId> = slot
                .wanted(want)
                .filter(|item| item.live.is_some())
                .map(|item| item.row.at.item.clone())
                .collect();
            if live.is_empty() {
                continue;
            }
            want.items.retain(|item| !live.contains(item));
            let rest = slot
                .wanted(want)
                .any(|item| !live.contains(&item.row.at.item));
            want.all &= rest;
            want.checked &= rest;
            want.except = live;
        }
        wants.retain(|_, want| want.all || want.checked || !want.items.is_empty());
    }

    /// A person takes it in hand: the row of retries begins anew.
    fn forget_retries(&mut self, wants: &crate::queue::Wants) {
        let mut cleared = Vec::new();
        for (handler, want) in wants {
            let Some(slot) = self.handlers.get(handler) else {
                continue;
            };
            cleared.extend(
                slot.wanted(want)
                    .filter_map(|item| Some((item.row.retry?.due, item.row.at.clone()))),
            );
        }
        for (due, item) in cleared {
            if let Some(slot) = self.slot_mut(&item) {
                slot.row.retry = None;
            }
            self.clear_timer(due, Timer::Retry(item.clone()));
            self.record_item(&item);
        }
    }

    /// A handler or item went: nobody waits for it any more.
    pub(crate) fn drop_wants(&mut self, handler: &HandlerId, item: Option<&ItemId>) {
        for waiting in &mut self.waiting {
            match item {
                None => {
                    waiting.wants.remove(handler);
                }
                Some(item) => {
                    if let Some(want) = waiting.wants.get_mut(handler)
                        && want.items.remove(item)
                        && !(want.all || want.checked || !want.items.is_empty())
                    {
                        waiting.wants.remove(handler);
                    }
                }
            }
        }
        self.pump = true;
    }

    /// Ends a request: exactly once, whatever became of it.
    pub(crate) fn end_request(
        &mut self,
        request: RequestId,
        outcome: RequestOutcome,
        problem: Option<String>,
    ) {
        self.alive.remove(&request);
        self.disconnect_after(request);
        self.event(EventKind::RequestEnded { request, outcome });
        self.effects.shows.push(Show::RequestEnded {
            request,
            outcome,
            problem,
        });
    }

    pub(crate) fn end_waiting(
        &mut self,
        waiting: Waiting,
        outcome: RequestOutcome,
        problem: Option<String>,
    ) {
        for request in std::iter::once(waiting.id).chain(waiting.merged) {
            self.end_request(request, outcome, problem.clone());
        }
    }

    /// Starts what may start, in the order of the queue. A request reserves the handlers that it waits for, so that a large one
    /// is not overtaken for ever by small ones; one that was overtaken too often reserves its lanes and its room as well.
    pub(crate) fn start_waiting(&mut self) {
        // Again where that changed the order, which happens once to each request.
        while self.start_in_order() {}
    }

    fn start_in_order(&mut self) -> bool {
        let mut working = 0_usize;
        let mut busy: BTreeSet<HandlerId> = BTreeSet::new();
        for instance in self.instances.values() {
            if instance.is_busy() {
                working += 1;
                busy.insert(instance.handler.clone());
            }
        }
        // What tidies up after a run is over before the next one of its handler begins.
        busy.extend(self.hooks.values().map(|hook| hook.handler.clone()));
        let most = self.settings.parallel_handlers;
        let mut reserved: BTreeSet<HandlerId> = BTreeSet::new();
        let mut room = 0_usize;
        let mut taken = self.taken_lanes(None);
        let mut at = 0;
        while let Some(waiting) = self.waiting.get(at) {
            if working > 0 && working >= most {
                break;
            }
            let handlers = waiting.wants.len();
            let free = waiting.wants.iter().all(|(handler, want)| {
                !reserved.contains(handler)
                    && (!busy.contains(handler) || self.may_share(handler, want, waiting))
            });
            let lanes = self.lanes_wanted(waiting);
            let clear = taken.clash(&lanes).is_none();
            let fits = working == 0 && room == 0
                || working.saturating_add(room).saturating_add(handlers) <= most;
            if free && clear && fits {
                let waiting = self.waiting.remove(at);
                let handlers: Vec<HandlerId> = waiting.wants.keys().cloned().collect();
                let id = waiting.id;
                if self.open_session(waiting) {
                    working = working.saturating_add(handlers.len());
                    busy.extend(handlers);
                    taken.take(&lanes, InstanceId(0));
                    if overtake(&mut self.waiting, id) {
                        return true;
                    }
                }
            } else {
                // A handler that would take it beside its other sessions is not what it waits for.
                let taken_beside = |handler: &HandlerId, want: &Want| {
                    let slot = self.handlers.get(handler);
                    slot.is_some_and(|slot| slot.has(HandlerCapability::ConcurrentSessions))
                        && (!busy.contains(handler) || self.may_share(handler, want, waiting))
                };
                let awaited = waiting
                    .wants
                    .iter()
                    .filter(|(handler, want)| !taken_beside(handler, want));
                reserved.extend(awaited.map(|(handler, _)| handler.clone()));
                if waiting.is_aged() {
                    taken.take(&lanes, InstanceId(0));
                    if free && clear {
                        room = room.saturating_add(handlers.min(most));
                    }
                }
                at += 1;
            }
        }
        false
    }

    /// Whether a handler at work may take another session (`SUPPORTS_CONCURRENT_SESSIONS`): never with the same item.
    fn may_share(&self, handler: &HandlerId, want: &Want, waiting: &Waiting) -> bool {
        let Some(slot) = self.handlers.get(handler) else {
            return true;
        };
        if !slot.has(HandlerCapability::ConcurrentSessions)
            || waiting.request.work != Work::Synchronize
        {
            return false;
        }
        let starting = self.instances.values().any(|instance| {
            instance.handler == *handler
                && instance.work == Work::Synchronize
                && match instance.phase() {
                    Phase::New | Phase::Initialized | Phase::Listed => true,
                    Phase::Preparing
                    | Phase::Prepared
                    | Phase::Syncing
                    | Phase::Undoing
                    | Phase::Resolving
                    | Phase::Reviewing
                    | Phase::Done
                    | Phase::ErrorUi
                    | Phase::Properties
                    | Phase::Released => false,
                }
        });
        let working = self.instances.values().filter(|instance| {
            instance.handler == *handler && instance.is_busy() && instance.work != Work::List
        });
        !starting
            && working.count() < self.most_sessions(handler, want.items.iter())
            && !want.all
            && !want.checked
            && want
                .items
                .iter()
                .all(|item| slot.items.get(item).is_none_or(|item| item.live.is_none()))
    }

    /// Opens the session of a request; false when there was nothing to do and the request is over.
    fn open_session(&mut self, waiting: Waiting) -> bool {
        let mut notes = Vec::new();
        let mut chosen: Vec<(HandlerId, Want)> = Vec::new();
        for (handler, want) in &waiting.wants {
            if self.worth_starting(handler, want, &waiting.request, &mut notes) {
                chosen.push((handler.clone(), want.clone()));
            }
        }
        if chosen.is_empty() {
            let problem = (!notes.is_empty()).then(|| notes.join("; "));
            self.end_waiting(waiting, RequestOutcome::Nothing, problem); // A-19, M-68, M-159
            return false;
        }
        let Waiting {
            id,
            request,
            merged,
            ..
        } = waiting;
        let session = self.next_session();
        let row = SessionRow {
            id: session,
            request: Some(id),
            trigger: request.trigger,
            opened: self.now,
            closed: None,
            outcome: None,
        };
        self.record(Record::Session(row.clone()));
        self.event(EventKind::SessionOpened(session));
        let interactive = request.may_bother_user && may_bother(request.trigger);
        // M-36: sessions in which nothing is ever prepared.
        let settings = matches!(request.work, Work::List | Work::Properties(_));
        let mut instances = Vec::with_capacity(chosen.len());
        let mut reused = Vec::new();
        for (handler, want) in chosen {
            if matches!(request.work, Work::Properties(_))
                && let Some(kept) = self.kept_for_links(&handler, &want)
            {
                // M-63: the same instance serves, and keeps its links. Its session may still wait for other handlers, and
                // no longer for this one.
                if let Some(before) = self.instances.get(&kept).map(|kept| kept.session)
                    && let Some(before) = self.sessions.get_mut(&before)
                {
                    before.instances.retain(|id| *id != kept);
                }
                self.with(kept, |_, instance| {
                    instance.session = session;
                    instance.work = request.work.clone();
                    instance.want = want;
                    instance.over = false;
                });
                instances.push(kept);
                reused.push(kept);
                continue;
            }
            self.end_lingering(&handler);
            let instance = self.next_instance();
            let only = self.only(&handler, &want, &request);
            let knows_some = !only.is_empty();
            self.effects.commands.push(Command::Start {
                instance,
                handler: handler.clone(),
                trigger: request.trigger,
                may_bother_user: interactive,
                settings,
                cookie: match request.trigger {
                    Trigger::Invoke => request.cookie.clone(), // M-37, M-38
                    Trigger::Manual
                    | Trigger::Schedule
                    | Trigger::CatchUp
                    | Trigger::Logon
                    | Trigger::Logoff
                    | Trigger::Lock
                    | Trigger::Unlock
                    | Trigger::Suspend
                    | Trigger::Resume
                    | Trigger::Idle
                    | Trigger::Connect
                    | Trigger::PendingDisconnect
                    | Trigger::FileChange
                    | Trigger::Device
                    | Trigger::After
                    | Trigger::External
                    | Trigger::Retry
                    | Trigger::Answered => None,
                },
                only,
            });
            let lanes = self.lanes_of(&handler, &want, &request);
            let mut live = Instance::new(
                instance,
                handler,
                session,
                request.work.clone(),
                request.trigger,
                interactive,
                self.turn,
                want,
            );
            live.lanes = lanes;
            live.purge = request.cookie.is_none();
            live.knows_some = knows_some;
            self.instances.insert(instance, Box::new(live));
            instances.push(instance);
        }
        notes.truncate(MAX_NOTES);
        self.sessions.insert(
            session,
            Session {
                row,
                requests: std::iter::once(id).chain(merged).collect(),
                instances,
                interactive,
                stopped: false,
                worst: RequestOutcome::Nothing,
                notes,
            },
        );
        for kept in reused {
            self.with(kept, |manager, instance| manager.begin_properties(instance));
        }
        true
    }

    /// The items that an instance is started for alone: those that were named, of a handler that has none but what the user
    /// defined. Any other has to list all, as it alone knows what there is.
    fn only(&self, handler: &HandlerId, want: &Want, request: &Request) -> Vec<ItemId> {
        let named = request.work == Work::Synchronize && !want.all && !want.checked;
        if !named || !self.all_defined.contains(handler) || request.cookie.is_some() {
            return Vec::new();
        }
        want.items.iter().cloned().collect()
    }

    /// Whether a handler is worth an instance: something of it may run, or a person asked and its list may be old.
    fn worth_starting(
        &mut self,
        handler: &HandlerId,
        want: &Want,
        request: &Request,
        notes: &mut Vec<String>,
    ) -> bool {
        let Some(slot) = self.handlers.get(handler) else {
            return false;
        };
        if request.work != Work::Synchronize {
            return true;
        }
        let mut note = |text: String| {
            if notes.len() < MAX_NOTES {
                notes.push(text);
            }
        };
        if only_reports(&slot.row) && want.items.is_empty() {
            return false; // nobody named it, and nobody could start it: that is no news
        }
        if let Some(hindrance) = handler_hindrance(&slot.row) {
            note(format!("{}: {}", slot.row.name, hindrance.fragment()));
            return false;
        }
        let mut eligible = 0_usize;
        let mut wanted = 0_usize;
        let mut held: Vec<(ItemRef, Hindrance)> = Vec::new();
        for item in slot.wanted(want) {
            wanted += 1;
            let named = want.names(&item.row.at.item);
            match self.hindrance(slot, item, request.trigger, named, false) {
                None => eligible += 1,
                Some(hindrance) => held.push((item.row.at.clone(), hindrance)),
            }
        }
        let known = !slot.items.is_empty();
        // When something starts, the choice is made again, and told, once the list is fresh.
        let start = eligible > 0
            // M-148: which items a program means is known to its handler alone.
            || request.trigger == Trigger::Invoke && want.all
            || !known
                && !self.all_defined.contains(handler)
                && !is_automatic(request.trigger) // M-159
                && (want.all || want.checked)
                && !self.is_paused(handler, want, request.trigger)
            || wanted == 0 && known && is_person(request.trigger) && want.checked;
        if !start {
            for (item, hindrance) in held {
                let name = self
                    .slot(&item)
                    .map_or_else(|| item.to_string(), |slot| slot.row.name.clone());
                if notes.len() < MAX_NOTES {
                    notes.push(format!("{name}: {}", hindrance.fragment()));
                }
                self.hold_back(&item, request.trigger, hindrance);
            }
        }
        start
    }

    fn is_paused(&self, handler: &HandlerId, want: &Want, trigger: Trigger) -> bool {
        use crate::record::PauseScope;
        !(want.all && is_person(trigger))
            && (self.pauses.contains_key(&PauseScope::All)
                || self
                    .pauses
                    .contains_key(&PauseScope::Handler(handler.clone())))
    }

    /// Chooses from a fresh list what an instance is to synchronize, in listing order (M-69).
    pub(crate) fn select(&mut self, instance: &mut Instance, listed: &[ItemId]) {
        let mut held: Vec<(ItemRef, Hindrance)> = Vec::new();
        let mut left_out = false;
        if let Some(handler) = self.handlers.get(&instance.handler) {
            for item in listed.iter().filter_map(|id| handler.items.get(id)) {
                if !Self::wanted(item, &instance.want) {
                    continue;
                }
                let named = instance.want.names(&item.row.at.item);
                if instance.trigger == Trigger::Invoke
                    && !item.offered
                    && !instance.want.items.contains(&item.row.at.item)
                {
                    continue; // M-149, M-157: the handler's tick of this list, not the stored one
                }
                if item.live.is_some() {
                    continue; // in another session of a handler that works on several at once
                }
                match self.hindrance(handler, item, instance.trigger, named, true) {
                    None => instance.selected.push(item.row.at.item.clone()),
                    Some(hindrance) => {
                        left_out |= instance.want.items.contains(&item.row.at.item);
                        held.push((item.row.at.clone(), hindrance));
                    }
                }
            }
        }
        held.extend(self.keep_apart(instance));
        let mut notes: Vec<String> = Vec::new();
        for (item, hindrance) in held {
            if notes.len() < MAX_NOTES {
                let name = self
                    .slot(&item)
                    .map_or_else(|| item.to_string(), |slot| slot.row.name.clone());
                notes.push(format!("{name}: {}", hindrance.fragment()));
            }
            self.hold_back(&item, instance.trigger, hindrance);
        }
        let mut missing = false;
        for item in &instance.want.items {
            let known = self
                .handlers
                .get(&instance.handler)
                .is_some_and(|handler| handler.items.contains_key(item));
            if !known && notes.len() < MAX_NOTES {
                notes.push(format!("{item}: its handler no longer lists it"));
                missing = true;
            }
        }
        if let Some(session) = self.sessions.get_mut(&instance.session) {
            for note in notes {
                session.note(note);
            }
            if missing {
                session.fold(RequestOutcome::Failed);
            } else if left_out && is_person(instance.trigger) && !instance.selected.is_empty() {
                // Who named it is not told that all is well because the others are.
                session.fold(RequestOutcome::Warnings);
            }
        }
    }

    /// Moves a session on: preparations, the barrier, the end.
    pub(crate) fn advance_session(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let one_by_one = session.interactive;
        let order = session.instances.clone();
        let mut prepare: Vec<InstanceId> = Vec::new();
        let mut ready: Vec<InstanceId> = Vec::new();
        let mut barrier = false;
        let mut over = true;
        let mut blocked = false;
        for id in &order {
            let Some(instance) = self.instances.get(id) else {
                continue;
            };
            over &= instance.over;
            match instance.phase() {
                Phase::New | Phase::Initialized | Phase::Preparing => {
                    // Of a session whose work is not to synchronize, nothing waits for it.
                    barrier |= instance.work == Work::Synchronize;
                    blocked = true;
                }
                // Its items are being read again; it never prepares.
                Phase::Listed if instance.work != Work::Synchronize => {}
                Phase::Listed => {
                    barrier = true;
                    // 3.2: one handler after another while people may be asked; else nothing is gained by waiting.
                    if !(blocked && one_by_one) {
                        prepare.push(*id);
                    }
                    blocked = true;
                }
                Phase::Prepared => ready.push(*id),
                Phase::Syncing
                | Phase::Undoing
                | Phase::Resolving
                | Phase::Reviewing
                | Phase::Done
                | Phase::ErrorUi
                | Phase::Properties
                | Phase::Released => {}
            }
        }
        let mut at_work = self.lanes_at_work(&order);
        let mut in_turn = |manager: &Self, id: &InstanceId| {
            let Some(instance) = manager.instances.get(id) else {
                return false;
            };
            let free = at_work.clash(&instance.lanes).is_none();
            if free {
                at_work.take(&instance.lanes, *id);
            }
            free
        };
        for id in prepare {
            if in_turn(self, &id) {
                self.prepare(id);
            }
        }
        if !barrier {
            for id in ready {
                if in_turn(self, &id) {
                    self.synchronize(id); // M-77, M-85: all of them, in listing order
                }
            }
        }
        if over {
            self.close_session(id);
        }
    }

    fn synchronize(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(&id) else {
            return;
        };
        // 3.4.8: nothing is left to do when every item was skipped or is over already.
        let work = instance.run.as_ref().is_some_and(|run| {
            run.items
                .iter()
                .any(|item| !item.skip && !item.status.is_terminal())
        });
        if !work {
            self.with(id, |manager, instance| {
                manager.settle(instance, crate::ending::End::Done);
            });
            return;
        }
        if instance.enter(Kind::Synchronize) {
            instance.heard(self.now); // it waited for the others
            instance.synchronize.begin();
            let mute = instance.mute;
            self.command(mute, Command::Synchronize(id));
        }
    }

    fn close_session(&mut self, id: SessionId) {
        let Some(mut session) = self.sessions.remove(&id) else {
            return;
        };
        // Somebody outside has no process whose exit would be told.
        for id in &session.instances {
            if self.instances.get(id).is_some_and(|instance| instance.mute)
                && let Some(mut gone) = self.instances.remove(id)
            {
                self.wait_for(&mut gone, None);
            }
        }
        let outcome = session.worst;
        session.row.closed = Some(self.now);
        session.row.outcome = Some(outcome);
        self.record(Record::Session(session.row));
        self.event(EventKind::SessionClosed {
            session: id,
            outcome,
        });
        let problem = (!session.notes.is_empty()).then(|| session.notes.join("; "));
        for request in session.requests {
            self.end_request(request, outcome, problem.clone());
        }
        self.leave(Owner::Session(id)); // M-145
        self.pump = true;
        self.reconsider();
    }
}

/// Whether a handler has items that nobody starts but their own programs.
pub(crate) fn only_reports(handler: &HandlerRow) -> bool {
    handler.policies.contains(&HandlerPolicy::OwnProgram)
}

fn refuse(hindrance: Option<Hindrance>) -> Result<(), RefusedRequest> {
    match hindrance {
        Some(Hindrance::Inactive) => Err(RefusedRequest::Inactive),
        Some(Hindrance::Policy) => Err(RefusedRequest::Forbidden),
        Some(Hindrance::OwnProgram) => Err(RefusedRequest::OwnProgram),
        Some(
            Hindrance::HandlerDisabled
            | Hindrance::Disabled
            | Hindrance::HandlerDisconnected
            | Hindrance::Disconnected
            | Hindrance::Paused(_)
            | Hindrance::Leaving(_)
            | Hindrance::Condition(..),
        )
        | None => Ok(()),
    }
}

fn offers(handler: &crate::catalog::HandlerSlot, work: &Work) -> Result<(), RefusedRequest> {
    let needed = match work {
        Work::Synchronize | Work::List => return Ok(()),
        // M-136; of an item its own capability decides (M-135).
        Work::Properties(_) => HandlerCapability::Properties,
        Work::Undo { .. } => HandlerCapability::Undo,
        Work::Resolve { .. } => HandlerCapability::ConflictStore,
    };
    // What a handler can do is known from its first instance on; before that, it is asked.
    if handler.has(needed) || handler.row.version.is_empty() && handler.row.capabilities.is_empty()
    {
        Ok(())
    } else {
        Err(RefusedRequest::NotOffered)
    }
}

fn slot_forbids(handler: &crate::catalog::HandlerSlot, slot: &crate::catalog::ItemSlot) -> bool {
    use crate::item::ItemPolicy;
    handler_hindrance(&handler.row) == Some(Hindrance::Policy)
        || slot.row.policies.contains(&ItemPolicy::PreventStartSync)
        || slot.row.policies.contains(&ItemPolicy::DisableStartSync)
}
