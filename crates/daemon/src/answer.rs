//! Answers what faces ask of the loop.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use syncmgr_control::decide::Rule;
use syncmgr_control::report::REPORTS;
use syncmgr_control::request::MAX_PAGE;
use syncmgr_control::view::{Added, HandlersView, Outcome, PlanView, RequestState};
use syncmgr_control::{Caller, ExitCode, Refusal, Reply, Request, view};
use syncmgr_core::input::{Input, StopScope};
use syncmgr_core::item::ItemStatus;
use syncmgr_core::need::{NeedRow, NeedState};
use syncmgr_core::record::PauseScope;
use syncmgr_core::request::{IfRunning, Request as Wanted, Scope, Trigger, Work};
use syncmgr_core::run::RunItemRow;
use syncmgr_core::stopping::StopOf;
use syncmgr_core::time::spell;
use syncmgr_core::turn::Turn;
use syncmgr_core::{HandlerId, ItemId, ItemRef, NeedId, RequestId, RunId};
use syncmgr_handler::call::ItemDefinition;

use crate::adapt::{from_handler, text, to_change, to_view};
use crate::config::ItemConfig;
use crate::perform::LIST_DEADLINE;
use crate::property::{self, Planned};
use crate::run::{Answerer, Loop, Message};
use crate::secret::Which;
use crate::{launch, names};

/// What a property instance found out about an item that is to be added.
#[derive(Debug)]
pub(crate) struct Defined {
    handler: HandlerId,
    outcome: Result<ItemDefinition, Refusal>,
    or_existing: bool,
    reply: Answerer,
}

impl Loop {
    /// Answers one question, at once or through a property instance.
    pub(crate) fn answer(&mut self, caller: &Caller, request: Request, reply: Answerer) {
        match request {
            Request::AddItem {
                handler,
                name,
                arguments,
                or_existing,
            } => {
                if handler.eq_ignore_ascii_case(REPORTS) {
                    let added = self.add_reported(name, &arguments, or_existing);
                    return self.reply(reply, added);
                }
                self.add_item(&handler, name, arguments, or_existing, reply);
            }
            Request::ReportAttend(attend) => self.attend(&attend, reply),
            Request::Properties {
                name,
                values,
                window,
            } => self.properties(&name, values, window, reply),
            Request::Runs { .. }
            | Request::Run { .. }
            | Request::Log { .. }
            | Request::Conflicts { .. } => {
                self.look_up(request, reply);
            }
            Request::Compare { conflict } => self.compare(&conflict, reply),
            Request::Picture { conflict, place } => self.picture(&conflict, &place, reply),
            Request::Browse(browse) => self.browse(&browse, reply),
            Request::Answer {
                need,
                choice,
                fields,
                remember,
            } => self.answer_need(caller, NeedId(need), &choice, &fields.0, remember, reply),
            Request::Forget { name } => self.forget(&name, reply),
            Request::Doctor => self.examine(reply),
            Request::Register(new) => self.register(new, reply),
            Request::Why { name } => self.tell_why(&name, reply),
            Request::Handlers => self.look_at_handlers(reply),
            Request::Plan { names, pair, limit } => {
                let pair = pair.map(|pair| {
                    let mut arguments = Map::new();
                    arguments.insert("left".into(), Value::String(pair.left));
                    arguments.insert("right".into(), Value::String(pair.right));
                    arguments
                });
                self.plan(&names, pair, limit, reply);
            }
            other => {
                let answer = self.answer_now(caller, other);
                self.reply(reply, answer);
            }
        }
    }

    fn answer_now(&mut self, caller: &Caller, request: Request) -> Result<Reply, Refusal> {
        match request {
            Request::Status => Ok(Reply::Status(Box::new(self.status()))),
            Request::List { names, hidden } => {
                let mut items = if names.is_empty() {
                    self.all_items()
                } else {
                    self.named(&names)?
                };
                items.retain(|item| hidden || !names.is_empty() || !self.is_hidden(item));
                Ok(Reply::Items(
                    items
                        .iter()
                        .filter_map(|item| self.item_view(item))
                        .collect(),
                ))
            }
            Request::Show { name } => {
                let item = self.one(&name)?;
                Ok(Reply::Item(Box::new(self.detail(&item)?)))
            }
            Request::Needs => Ok(Reply::Needs(self.open_needs(None))),
            Request::RequestState { id } => self.request_state(RequestId(id)),
            Request::Sync {
                names,
                may_bother_user,
            } => {
                self.read_system();
                let scope = self.scope(&names)?;
                self.may_sync(&scope)?;
                self.ask(scope, Work::Synchronize, may_bother_user)
            }
            // M-166: a person looks at settings; he may be asked, and nothing is synchronized.
            Request::Refresh { handler } => {
                self.read_system();
                let id = self
                    .handler_named(&handler)?
                    .ok_or_else(|| not_registered(&handler))?;
                self.ask(Scope::Handler(id), Work::List, true)
            }
            Request::Unregister { id } => self.unregister(&id),
            Request::Invoke {
                handler,
                start,
                cookie,
                // The first window is shown by a face; none of them has one yet.
                minimized: _,
            } => self.invoke(caller, &handler, start, cookie.as_deref()),
            Request::Misused { obligation, text } => {
                self.misused(caller, &obligation, &text);
                Ok(Reply::Done { names: Vec::new() })
            }
            Request::InvokeAll => self.invoke_all(),
            Request::Offer { need } => self.offer(need).map(Reply::Offer),
            Request::Choose {
                need,
                items,
                offered,
            } => self.choose(caller, need, &items, &offered),
            Request::RemoveItem { name } => self.remove_item(&name),
            Request::Undo { run } => self.undo(RunId(run)),
            Request::Resolve { conflict, choice } => self.resolve(&conflict, choice),
            Request::Decide {
                name,
                choice,
                matching,
                preview,
            } => {
                let rule = Rule {
                    choice: &choice,
                    matching: matching.as_deref(),
                };
                self.decide(&name, &rule, preview).map(Reply::Decided)
            }
            Request::Pause { names, for_ms } => {
                let until = for_ms.map(|ms| self.now().plus(std::time::Duration::from_millis(ms)));
                self.each_scope(&names, |scope| Input::Pause { scope, until })
            }
            // Everything goes on: also what was paused by its name.
            Request::Resume { names } if names.is_empty() => {
                let paused: Vec<PauseScope> =
                    self.manager.pauses().map(|row| row.scope.clone()).collect();
                for scope in paused {
                    self.apply(Input::Resume(scope));
                }
                Ok(Reply::Done { names: Vec::new() })
            }
            Request::Resume { names } => {
                self.may_resume(&names)?;
                self.each_scope(&names, Input::Resume)
            }
            Request::Enable { names, enabled } => self.enable(&names, enabled),
            Request::Check { names, checked } => self.check(&names, checked),
            Request::OpenLink { entry } => self.open_link(entry),
            Request::DismissLink { entry } => self.dismiss_link(entry),
            Request::Rules { names } => self.look_at_rules(&names),
            Request::AddRule(rule) => self.add_rule(rule),
            Request::RemoveRule { name } => self.remove_rule(&name),
            Request::Forecast { names, span_ms } => self.forecast(&names, span_ms),
            Request::Explain {
                schedule,
                count,
                item,
                when,
            } => self.explain(&schedule, count, item.as_deref(), &when),
            Request::Stop { request } => {
                let scope = request.map_or(StopScope::All, |id| StopScope::Request(RequestId(id)));
                self.apply(Input::Stop(scope));
                Ok(Reply::Done { names: Vec::new() })
            }
            Request::Report(report) => self.report(report).map(Reply::Reported),
            Request::ReportLog(line) => self.report_line(line).map(Reply::Reported),
            Request::StopItems { names } => self.stop_items(&names),
            Request::Skip { name } => {
                let item = self.one(&name)?;
                if self.manager.run_state(&item) == syncmgr_core::item::RunState::Idle {
                    return Err(Refusal::new(
                        "item::not-running",
                        format!("`{name}` is not running"),
                        "only what runs can be skipped; `syncmgr status` shows what does",
                    ));
                }
                if self.has_window(&item) {
                    return Err(Refusal::new(
                        "item::window-open",
                        format!("the handler of `{name}` shows a window of its own"),
                        "close that window first, or `syncmgr stop` the run",
                    ));
                }
                self.apply(Input::Skip(item));
                Ok(Reply::Done { names: vec![name] })
            }
            // `answer` takes these: they wait for a property instance or for the disk; the doorkeeper takes `Enter`.
            Request::Runs { .. }
            | Request::Run { .. }
            | Request::Log { .. }
            | Request::Conflicts { .. }
            | Request::Compare { .. }
            | Request::Picture { .. }
            | Request::Browse(_)
            | Request::Answer { .. }
            | Request::Forget { .. }
            | Request::Doctor
            | Request::Enter { .. }
            | Request::Properties { .. }
            | Request::AddItem { .. }
            | Request::Register(_)
            | Request::Why { .. }
            | Request::Handlers
            | Request::ReportAttend(_)
            | Request::Plan { .. } => Err(Refusal::new(
                "control::invalid-request",
                "the manager was asked in the wrong place",
                "this is a mistake of syncmgr: please report it",
            )),
        }
    }

    /// What the names mean. A handler alone is asked for its items afresh: it may never have been listed yet.
    fn scope(&self, names: &[String]) -> Result<Scope, Refusal> {
        if names.is_empty() {
            return Ok(Scope::Checked);
        }
        let items = self.named(names)?;
        if let [name] = names
            && let Some(handler) = self.whole_handler(name)?
            && items.iter().all(|item| item.handler == handler)
        {
            return Ok(Scope::Handler(handler));
        }
        Ok(Scope::Items(items))
    }

    /// Queues work that a person asked for.
    pub(crate) fn ask(
        &mut self,
        scope: Scope,
        work: Work,
        may_bother_user: bool,
    ) -> Result<Reply, Refusal> {
        let wanted = Wanted {
            scope,
            work,
            trigger: Trigger::Manual,
            may_bother_user,
            cookie: None,
            if_running: IfRunning::Again,
        };
        self.manager
            .check_request(&wanted)
            .map_err(|why| refused(&why))?;
        let id = self.manager.next_request();
        self.apply(Input::Request(id, wanted));
        Ok(Reply::Accepted { request: id.0 })
    }

    pub(crate) fn all_items(&self) -> Vec<ItemRef> {
        self.manager.items().map(|row| row.at.clone()).collect()
    }

    fn is_hidden(&self, item: &ItemRef) -> bool {
        self.manager.item(item).is_some_and(|row| row.hidden)
            || self
                .manager
                .handlers()
                .any(|handler| handler.id == item.handler && handler.hidden)
    }

    pub(crate) fn named(&self, names: &[String]) -> Result<Vec<ItemRef>, Refusal> {
        let items: Vec<_> = self.manager.items().collect();
        let handlers: Vec<_> = self.manager.handlers().collect();
        names::items(names, &items, &handlers, |name| self.handler_named(name))
    }

    pub(crate) fn one(&self, name: &str) -> Result<ItemRef, Refusal> {
        let items: Vec<_> = self.manager.items().collect();
        let handlers: Vec<_> = self.manager.handlers().collect();
        names::item(name, &items, &handlers)
    }

    /// The handler that a word names: by its id, its class in any spelling, or the name that it alone has.
    pub(crate) fn handler_named(&self, name: &str) -> Result<Option<HandlerId>, Refusal> {
        let handlers: Vec<_> = self.manager.handlers().collect();
        if let Some(class) = syncmgr_control::registration::class(name) {
            return names::handler(&self.config.id_of_class(&class), &handlers);
        }
        names::handler(name, &handlers)
    }

    /// The same, where an item of that name goes first: only its id names a handler that has an item of its name.
    pub(crate) fn whole_handler(&self, name: &str) -> Result<Option<HandlerId>, Refusal> {
        let found = self.handler_named(name)?;
        let by_id = |id: &HandlerId| {
            id.as_str().eq_ignore_ascii_case(name)
                || syncmgr_control::registration::class(name).is_some()
        };
        Ok(found.filter(|id| by_id(id) || self.one(name).is_err()))
    }

    pub(crate) fn name(&self, item: &ItemRef) -> String {
        to_change::name(&self.manager, item)
    }

    pub(crate) fn handlers(&self) -> HandlersView {
        let mut items: BTreeMap<&HandlerId, u64> = BTreeMap::new();
        for row in self.manager.items() {
            *items.entry(&row.at.handler).or_default() += 1;
        }
        HandlersView {
            handlers: self
                .manager
                .handlers()
                .map(|row| {
                    let built_in = launch::is_built_in(row.id.as_str());
                    let items = items.get(&row.id).copied().unwrap_or(0);
                    let mut view = to_view::handler(row, built_in, items);
                    view.registration = self.registration(&row.id);
                    view
                })
                .collect(),
        }
    }

    fn request_state(&self, id: RequestId) -> Result<Reply, Refusal> {
        let runs = self.seen.runs_of(id);
        let before = self.ended.iter().rev().find(|(ended, _)| *ended == id);
        // One that ended in this very turn is told as ended once the turn is stored, and so is this answer.
        let now = || self.due.shows.iter().find_map(|show| ended_with(show, id));
        if let Some(outcome) = before.map(|(_, outcome)| *outcome).or_else(now) {
            return Ok(Reply::RequestState(RequestState {
                outcome,
                runs,
                waits: None,
            }));
        }
        if self.manager.is_alive(id) {
            return Ok(Reply::RequestState(RequestState {
                outcome: Outcome::Open,
                runs,
                waits: self.waits_for(id),
            }));
        }
        Err(Refusal::new(
            "request::unknown",
            format!("no request {id} is known any more"),
            "`syncmgr runs` shows what was done",
        ))
    }

    /// Stops the runs of the named ones, unless that would stop something else.
    fn stop_items(&mut self, names: &[String]) -> Result<Reply, Refusal> {
        let items = self.named(names)?.into_iter().collect();
        match self.manager.stop_of(&items) {
            StopOf::Scopes(scopes) if scopes.is_empty() => Err(Refusal::new(
                "item::not-running",
                format!("nothing of `{}` is running", text::line(&names.join(", "))),
                "`syncmgr status` shows what does",
            )),
            StopOf::Scopes(scopes) => {
                for scope in scopes {
                    self.apply(Input::Stop(scope));
                }
                Ok(Reply::Done {
                    names: names.to_vec(),
                })
            }
            StopOf::Shared { item, run, with } => {
                let run = run.map_or_else(String::new, |run| format!(" (run {run})"));
                let name = self.name(&item);
                let hint = format!(
                    "`syncmgr skip {}` leaves it out, `syncmgr stop` stops all of it",
                    crate::overview::quoted(&name)
                );
                Err(Refusal::new(
                    "item::runs-with-others",
                    format!(
                        "`{name}` runs together with `{}`{run}, and a run is stopped as a whole",
                        self.name(&with)
                    ),
                    hint,
                ))
            }
        }
    }

    /// What a request waits for, with how long that may take.
    fn waits_for(&self, id: RequestId) -> Option<String> {
        let turn = self.manager.turn_of(id)?;
        let text = self.manager.turn_text(&turn, self.now());
        Some(match turn {
            Turn::Starting(_) => format!(
                "{text}, and may take {} to answer",
                spell(self.limits.handshake)
            ),
            Turn::Listing(_) => {
                format!(
                    "{text}, and may take {} for each page",
                    spell(LIST_DEADLINE)
                )
            }
            Turn::Run(_) | Turn::Hook(_) | Turn::Behind(_) | Turn::Room(_) => text.into(),
        })
    }

    fn each_scope(
        &mut self,
        names: &[String],
        input: impl Fn(PauseScope) -> Input,
    ) -> Result<Reply, Refusal> {
        let mut done = Vec::new();
        let mut scopes = Vec::new();
        if names.is_empty() {
            scopes.push(PauseScope::All);
        }
        for name in names {
            let items = self.named(std::slice::from_ref(name))?;
            let handler = self.whole_handler(name)?;
            match (items.as_slice(), handler) {
                ([one], None) => {
                    done.push(self.name(one));
                    scopes.push(PauseScope::Item(one.clone()));
                }
                (_, Some(handler)) => {
                    done.push(self.manager.called(&handler));
                    scopes.push(PauseScope::Handler(handler));
                }
                (several, None) => {
                    for item in several {
                        done.push(self.name(item));
                        scopes.push(PauseScope::Item(item.clone()));
                    }
                }
            }
        }
        for scope in scopes {
            self.apply(input(scope));
        }
        Ok(Reply::Done { names: done })
    }

    fn enable(&mut self, names: &[String], enabled: bool) -> Result<Reply, Refusal> {
        let items = self.named(names)?;
        let mut done = Vec::new();
        for item in items {
            done.push(self.name(&item));
            self.apply(Input::Enable {
                handler: item.handler,
                item: Some(item.item),
                enabled,
            });
        }
        Ok(Reply::Done { names: done })
    }

    fn undo(&mut self, run: RunId) -> Result<Reply, Refusal> {
        let unknown = || {
            Refusal::new(
                "run::unknown",
                format!("there is no run {run}"),
                "`syncmgr runs` shows the runs and their numbers",
            )
        };
        let page = self
            .read(|reader| reader.run(run, MAX_PAGE as usize, 0))?
            .ok_or_else(unknown)?;
        if page.run.closed.is_none() {
            return Err(Refusal::new(
                "run::open",
                format!("run {run} is still going on"),
                "wait for its end, or `syncmgr stop` it first",
            ));
        }
        let held = |row: &RunItemRow| row.status == ItemStatus::Held;
        if !page.items.is_empty() && page.items.iter().all(held) {
            return Err(Refusal::new(
                "run::changed-nothing",
                format!("run {run} was held back by a question and changed nothing"),
                "there is nothing to take back; `syncmgr needs` shows the questions that are open",
            ));
        }
        let items: Vec<ItemRef> = page.items.into_iter().map(|row| row.item).collect();
        self.may_undo(run, &items)?;
        self.ask(Scope::Items(items), Work::Undo { run }, false)
    }

    fn add_item(
        &mut self,
        handler: &str,
        name: Option<String>,
        arguments: Map<String, Value>,
        or_existing: bool,
        reply: Answerer,
    ) {
        let found = HandlerId::new(handler).ok().and_then(|id| {
            Some((
                launch::find(&id, &self.config, &self.places, &self.program)?,
                id,
            ))
        });
        let Some((launch, id)) = found else {
            let known: Vec<String> = self
                .manager
                .handlers()
                .map(|row| row.id.to_string())
                .collect();
            let refusal = Refusal::new(
                "handler::unknown",
                format!("there is no handler `{}`", text::line(handler)),
                format!("there are: {}", known.join(", ")),
            );
            return self.reply(reply, Err(refusal));
        };
        let Some(messages) = self.messages.upgrade() else {
            return;
        };
        let limits = self.limits.clone();
        self.property.spawn(async move {
            let outcome = property::define(&launch, &limits, name, arguments).await;
            let defined = Defined {
                handler: id,
                outcome,
                or_existing,
                reply,
            };
            if messages
                .send(Message::Defined(Box::new(defined)))
                .await
                .is_err()
            {
                tracing::debug!("the loop ended before an item was defined");
            }
        });
    }

    /// Takes what a property instance found out about an item that is to be added.
    pub(crate) fn defined(&mut self, defined: Defined) {
        let Defined {
            handler,
            outcome,
            or_existing,
            reply,
        } = defined;
        let answer =
            outcome.and_then(|definition| self.take_definition(&handler, definition, or_existing));
        self.reply(reply, answer);
    }

    fn take_definition(
        &mut self,
        handler: &HandlerId,
        definition: ItemDefinition,
        or_existing: bool,
    ) -> Result<Reply, Refusal> {
        let Some(listed) = from_handler::listed(&definition.item) else {
            return Err(Refusal::new(
                "handler::broken",
                "the handler named no item",
                "report this to its author",
            ));
        };
        let at = ItemRef {
            handler: handler.clone(),
            item: listed.id.clone(),
        };
        if let Some(row) = self.manager.item(&at) {
            if or_existing {
                return Ok(Reply::Added(Added {
                    name: row.name.clone(),
                    id: at.item.to_string(),
                    handler: handler.to_string(),
                    existing: true,
                }));
            }
            return Err(Refusal::new(
                "item::exists",
                format!("it is there already, as `{}`", row.name),
                format!("`syncmgr sync {}` synchronizes it", row.name),
            ));
        }
        let mut listed = listed;
        listed.name = self.free_name(&listed.name);
        self.config.add_item(ItemConfig {
            handler: handler.to_string(),
            id: listed.id.to_string(),
            name: listed.name.clone(),
            comment: listed.comment.clone(),
            labels: Vec::new(),
            checked: true,
            fresh_within: None,
            definition: definition.definition,
        })?;
        let added = Added {
            name: listed.name.clone(),
            id: listed.id.to_string(),
            handler: handler.to_string(),
            existing: false,
        };
        self.apply(Input::ItemDefined(handler.clone(), listed));
        Ok(Reply::Added(added))
    }

    /// The name itself, or with a number when something is called so already.
    fn free_name(&self, name: &str) -> String {
        let taken = |candidate: &str| {
            let candidate = candidate.to_lowercase();
            self.manager
                .items()
                .any(|row| row.name.to_lowercase() == candidate)
        };
        let mut free = name.to_owned();
        let mut number = 2_u32;
        while taken(&free) {
            free = format!("{name}-{number}");
            number += 1;
        }
        free
    }

    fn remove_item(&mut self, name: &str) -> Result<Reply, Refusal> {
        let item = self.one(name)?;
        if self.manager.run_state(&item) != syncmgr_core::item::RunState::Idle {
            return Err(Refusal::new(
                "item::running",
                format!("`{name}` is running"),
                "wait for its end, or `syncmgr stop` it first",
            ));
        }
        let defined = self
            .config
            .config
            .item
            .iter()
            .find(|config| {
                config.handler == item.handler.as_str() && config.id == item.item.as_str()
            })
            .map(|config| (config.handler.clone(), config.id.clone()));
        let Some((handler, id)) = defined else {
            return Err(Refusal::new(
                "item::not-defined",
                format!("`{name}` belongs to its handler and cannot be removed here"),
                "`syncmgr disable` turns it off",
            ));
        };
        let called = self.name(&item);
        let before = self.meant_by_rules();
        self.config.remove_item(&handler, &id)?;
        self.forget_answers(Which::Item(item.clone()));
        self.apply(Input::ItemRemoved(item));
        Ok(Reply::Removed {
            names: vec![called],
            rules: self.forget_in_rules(before)?,
        })
    }

    fn plan(
        &mut self,
        names: &[String],
        pair: Option<Map<String, Value>>,
        limit: u32,
        reply: Answerer,
    ) {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let limits = self.limits.clone();
        if let Some(arguments) = pair {
            let id = HandlerId::new(launch::FOLDER).ok();
            let found =
                id.and_then(|id| launch::find(&id, &self.config, &self.places, &self.program));
            let Some(launch) = found else { return };
            self.property.spawn(async move {
                let answer = plan_pair(launch, &limits, arguments, limit).await;
                if reply.send(answer).is_err() {
                    tracing::debug!("nobody waits for a plan any more");
                }
            });
            return;
        }
        let items = if names.is_empty() {
            Ok(self
                .manager
                .items()
                .filter(|row| row.checked && row.enabled)
                .map(|row| row.at.clone())
                .collect())
        } else {
            self.named(names)
        };
        let items: Vec<ItemRef> = match items {
            Ok(items) => items,
            Err(refusal) => return self.reply(reply, Err(refusal)),
        };
        let mut by_handler: BTreeMap<HandlerId, Vec<Planned>> = BTreeMap::new();
        for item in items {
            let name = self.name(&item);
            by_handler.entry(item.handler).or_default().push(Planned {
                id: item.item,
                name,
            });
        }
        let mut jobs = Vec::new();
        for (handler, items) in by_handler {
            let answers: Vec<NeedRow> = self
                .manager
                .needs()
                .filter(|need| {
                    need.handler == handler && matches!(need.state, NeedState::Answered { .. })
                })
                .cloned()
                .collect();
            let launch = launch::find(&handler, &self.config, &self.places, &self.program);
            jobs.push((handler, launch, items, answers));
        }
        self.property.spawn(async move {
            let mut views = Vec::new();
            let mut answer = Ok(());
            for (handler, launch, items, answers) in jobs {
                let Some(launch) = launch else { continue };
                match property::plan(handler.as_str(), &launch, &limits, &items, &answers, limit)
                    .await
                {
                    Ok(of_handler) => views.extend(of_handler),
                    Err(refusal) => answer = Err(refusal),
                }
            }
            let answer = answer.map(|()| Reply::Plan(plan_view(views)));
            if reply.send(answer).is_err() {
                tracing::debug!("nobody waits for a plan any more");
            }
        });
    }

    /// Looks into the store.
    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&syncmgr_store::Reader) -> Result<T, syncmgr_store::ReadError>,
    ) -> Result<T, Refusal> {
        let reader = self.store.reader().map_err(|cause| unreadable(&cause))?;
        query(&reader).map_err(|cause| unreadable(&cause))
    }
}

async fn plan_pair(
    mut launch: launch::Launch,
    limits: &syncmgr_host::Limits,
    arguments: Map<String, Value>,
    limit: usize,
) -> Result<Reply, Refusal> {
    let defined = property::define(&launch, limits, None, arguments).await?;
    let Ok(id) = ItemId::new(defined.item.id.as_str()) else {
        return Err(Refusal::new(
            "handler::broken",
            "the handler named no item",
            "report this to its author",
        ));
    };
    launch
        .definitions
        .insert(id.to_string(), defined.definition);
    let planned = [Planned {
        id,
        name: text::line(&defined.item.name),
    }];
    let views = property::plan(launch::FOLDER, &launch, limits, &planned, &[], limit).await?;
    Ok(Reply::Plan(plan_view(views)))
}

fn plan_view(items: Vec<view::ItemPlanView>) -> PlanView {
    let exit = items
        .iter()
        .map(|item| match (&item.problem, &item.held) {
            (Some(_), _) => ExitCode::Failed,
            (None, Some(_)) => ExitCode::NeedsYou,
            (None, None) => ExitCode::Good,
        })
        .max_by_key(|exit| match exit {
            ExitCode::Failed => 2,
            ExitCode::NeedsYou => 1,
            ExitCode::Good | ExitCode::Warnings | ExitCode::CouldNotStart => 0,
        })
        .unwrap_or_default();
    PlanView { items, exit }
}

/// How a request ended, when that is what is shown.
fn ended_with(show: &syncmgr_core::Show, id: RequestId) -> Option<Outcome> {
    match show {
        syncmgr_core::Show::RequestEnded {
            request, outcome, ..
        } if *request == id => Some(to_view::request_outcome(*outcome)),
        _ => None,
    }
}

pub(crate) fn not_a_choice<'a>(choice: &str, offered: impl Iterator<Item = &'a str>) -> Refusal {
    Refusal::new(
        "answer::not-offered",
        format!("`{}` is not one of the answers", text::line(choice)),
        format!("choose one of: {}", offered.collect::<Vec<_>>().join(", ")),
    )
}

pub(crate) fn refused(why: &syncmgr_core::request::RefusedRequest) -> Refusal {
    use syncmgr_core::request::RefusedRequest as Why;
    let (code, hint) = match why {
        Why::Unknown => (
            "request::unknown-item",
            "`syncmgr list` shows what there is",
        ),
        Why::Inactive => (
            "request::inactive",
            "its own program sets it up; `syncmgr handlers` shows which one that is",
        ),
        Why::Forbidden => (
            "request::forbidden",
            "`syncmgr why NAME` tells which policy it is",
        ),
        Why::OwnProgram => (
            "report::own-program",
            "start that program; what it reports is shown here",
        ),
        Why::NotOffered => (
            "handler::not-offered",
            "`syncmgr show NAME` shows what is known of it, `syncmgr doctor` what each handler offers",
        ),
        Why::PropertiesOpen => (
            "properties::open",
            "close its window first, or `syncmgr stop` it",
        ),
        Why::QueueFull => (
            "request::queue-full",
            "wait until some of it is done; `syncmgr status` shows it",
        ),
        Why::CookieTooLarge => (
            "request::cookie-too-large",
            "pass a reference instead of the data",
        ),
    };
    Refusal::new(code, why.to_string(), hint)
}

/// No handler is called so.
pub(crate) fn not_registered(name: &str) -> Refusal {
    Refusal::new(
        "handler::not-registered",
        format!("no handler `{}` is registered", text::line(name)),
        "`syncmgr handlers` shows what is",
    )
}

/// The store cannot be read.
pub(crate) fn unreadable(cause: &dyn std::error::Error) -> Refusal {
    let mut refusal = Refusal::new(
        "store::unreadable",
        "the manager's own database cannot be read",
        "`syncmgr doctor` tells what is wrong with it",
    )
    .because(cause);
    refusal.exit = ExitCode::Failed;
    refusal
}
