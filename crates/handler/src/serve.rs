//! Answers a manager on behalf of a [`Handler`].
//!
//! The calling thread reads. Each call of the author's code has a thread of its own, so that skipping, stopping and the
//! end of the manager are heard at any moment. One more thread writes. None of them knows more of the others than the
//! queues between them.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::author::{Handler, Start, absent};
use crate::call::{
    Call, ConflictPage, Definitions, Done, Initialize, Initialized, ItemPage, ListConflicts,
    ListItems, Notice, PlanSummary, Prepare, Started, Verdict,
};
use crate::callback::{
    Callback, Completion, ErrorCompleted, Failure, Level, Log, PropertiesCompleted,
};
use crate::contract::{CONTRACT_VERSION, MAX_IN_FLIGHT, MAX_ITEMS, feature};
use crate::frame::{DecodeError, Envelope, ErrorData, RpcError};
use crate::link::{Connection, LineError, enter};
use crate::outbox::SendError;
use crate::pages::Lists;
use crate::run::{About, ActionSink, Cancellation, Desk, Run, Unfinished};

/// How long cancelled work may take to end after `release` or the end of the manager; the process ends then.
const RELEASE_GRACE: Duration = Duration::from_secs(60);

/// How long the last messages may take to be read.
const FLUSH_GRACE: Duration = Duration::from_secs(5);

/// Why serving ended otherwise than by `release` or the end of input.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The manager sent something unreadable, or reading failed.
    #[error("could not read from the manager")]
    Line(#[from] LineError),
    /// No thread could be started.
    #[error("could not start a thread")]
    Thread(#[source] std::io::Error),
}

/// Serves over standard input and output until the manager releases the handler or is gone.
///
/// Blocks. The process should end when it returns. Nothing else may print to standard output; standard error is kept by
/// the manager and shown with the run.
///
/// # Errors
/// [`ServeError`].
pub fn serve_stdio(handler: impl Handler + 'static) -> Result<(), ServeError> {
    serve(handler, Connection::stdio())
}

/// Serves over a connection until the manager releases the handler or is gone.
///
/// Blocks. Work that still runs at the end is cancelled and waited for, at most a minute.
///
/// # Errors
/// [`ServeError`].
pub fn serve(handler: impl Handler + 'static, connection: Connection) -> Result<(), ServeError> {
    let (mut lines, writer) = connection.split();
    let server = Arc::new(Server::new(handler));
    let desk = Arc::clone(&server.desk);
    std::thread::Builder::new()
        .name("handler-writer".to_owned())
        .spawn(move || {
            desk.outbox.write_to(writer);
            desk.gone();
        })
        .map_err(ServeError::Thread)?;
    let end = loop {
        match lines.next_line() {
            Ok(Some(line)) => {
                if let Some(release) = server.hear(line) {
                    break Ok(Some(release));
                }
            }
            Ok(None) => break Ok(None),
            Err(LineError::Encoding) => server.desk.outbox.refuse(
                None,
                &RpcError::new(RpcError::PARSE, LineError::Encoding.to_string()),
            ),
            Err(error) => break Err(ServeError::Line(error)),
        }
    };
    server.raise(None, Verdict::CancelAll);
    if !matches!(end, Ok(Some(_))) {
        server.desk.gone();
    }
    server.wait_idle(RELEASE_GRACE);
    if let Ok(Some(release)) = &end {
        server.reply(*release, Ok(Done {}));
    }
    server.desk.outbox.finish(FLUSH_GRACE);
    server.desk.gone();
    end.map(|_| ())
}

/// Where the instance stands (3.1), as far as the handler's side must know it.
enum Phase {
    New,
    /// Waits for further pages of the definitions, to answer this request then.
    Defining(u64, Box<Start>),
    Initializing,
    Listed,
    Preparing,
    Prepared(Run),
    Synchronizing,
}

struct State {
    phase: Phase,
    may_bother_user: bool,
    /// Pages of a `prepare` that is not complete.
    collecting: Prepare,
    /// Everything that runs and can be cancelled.
    cancellations: Vec<Arc<Cancellation>>,
}

struct Server<H> {
    handler: H,
    desk: Arc<Desk>,
    state: Mutex<State>,
    idle: Condvar,
    items: Mutex<Lists<crate::item::Item>>,
    conflicts: Mutex<Lists<crate::call::Conflict>>,
}

impl<H: Handler + 'static> Server<H> {
    fn new(handler: H) -> Self {
        Self {
            handler,
            desk: Arc::new(Desk::default()),
            state: Mutex::new(State {
                phase: Phase::New,
                may_bother_user: false,
                collecting: Prepare::default(),
                cancellations: Vec::new(),
            }),
            idle: Condvar::new(),
            items: Mutex::default(),
            conflicts: Mutex::default(),
        }
    }

    /// Takes one line; gives the number of a `release`.
    fn hear(self: &Arc<Self>, line: &str) -> Option<u64> {
        let envelope = match Envelope::parse(line) {
            Ok(envelope) => envelope,
            Err(error) => {
                let refusal = RpcError::new(RpcError::PARSE, error.to_string());
                self.desk.outbox.refuse(None, &refusal);
                return None;
            }
        };
        match (envelope.method, envelope.id) {
            (Some(method), Some(id)) => match Call::decode(&method, envelope.params) {
                Ok(Call::Release(_)) => return Some(id),
                Ok(call) => {
                    if let Err(error) = self.call(id, call) {
                        self.desk.outbox.refuse(Some(id), &error);
                    }
                }
                Err(error) => self.desk.outbox.refuse(Some(id), &refusal(&error)),
            },
            // An unknown notification is a feature that this side does not have.
            (Some(method), None) => match Notice::decode(&method, envelope.params) {
                Ok(Notice::ItemStatus(notice)) => self.raise(notice.item.as_ref(), notice.verdict),
                Ok(Notice::Definitions(page)) => self.define_more(page),
                Err(_) => {}
            },
            (None, Some(id)) => {
                let answer = match envelope.error {
                    Some(error) => Err(error),
                    None => Ok(envelope.result.map_or("{}", RawValue::get).to_owned()),
                };
                self.desk.answered(id, answer);
            }
            (None, None) => {}
        }
        None
    }

    fn call(self: &Arc<Self>, id: u64, call: Call) -> Result<(), RpcError> {
        let begun = !matches!(
            enter(&self.state).phase,
            Phase::New | Phase::Defining(..) | Phase::Initializing
        );
        let call = match call {
            Call::Initialize(params) => return self.initialize(id, params),
            call if begun => call,
            call => {
                let text = format!("`{}` came before `initialize` was answered", call.method());
                return Err(RpcError::new(RpcError::OUT_OF_PHASE, text));
            }
        };
        self.announced(&call)?;
        let none = About::default;
        match call {
            Call::Initialize(_) => Ok(()),
            Call::Release(_) => Ok(()),
            Call::ListItems(params) => {
                self.answering(id, none(), move |server, _| server.list_items(&params))
            }
            Call::DefineItem(params) => {
                self.answering(id, none(), move |server, _| server.handler.define(&params))
            }
            Call::Prepare(page) => self.prepare(id, page),
            Call::Synchronize(_) => self.synchronize(id),
            Call::Plan(params) => {
                let about = About {
                    items: params.items,
                    answers: params.answers,
                    ..About::default()
                };
                self.answering(id, about, |server, run| {
                    let mut actions = ActionSink::new(run);
                    let items = server.handler.plan(run, &mut actions);
                    actions.flush();
                    server.desk.outbox.settle();
                    let items = items?;
                    Ok(PlanSummary { items })
                })
            }
            Call::Undo(params) => {
                let about = About {
                    items: vec![params.item.clone()],
                    run: params.as_run.clone(),
                    ..About::default()
                };
                self.answering(id, about, move |server, run| {
                    let undone = server.handler.undo(&params, run);
                    server.desk.outbox.settle();
                    undone
                })
            }
            Call::Properties(params) => self.answering(id, none(), move |server, _| {
                server.handler.properties(&params)
            }),
            Call::ShowProperties(params) => self.started(id, move |server, run| {
                let effect = server.handler.show_properties(&params, run);
                let effect = server.unless_refused(effect);
                Callback::PropertiesCompleted(PropertiesCompleted { effect })
            }),
            Call::ShowError(params) => self.started(id, move |server, run| {
                let retry = server.handler.show_error(&params, run);
                let retry = server.unless_refused(retry);
                Callback::ErrorCompleted(ErrorCompleted { retry })
            }),
            Call::ListConflicts(params) => {
                self.answering(id, none(), move |server, _| server.list_conflicts(&params))
            }
            Call::ResolveConflict(params) => {
                let about = About {
                    items: vec![params.item.clone()],
                    run: params.as_run.clone(),
                    ..About::default()
                };
                self.answering(id, about, move |server, _| server.handler.resolve(&params))
            }
            Call::ReadVersion(params) => self.answering(id, none(), move |server, _| {
                server.handler.read_version(&params)?.bounded()
            }),
        }
    }

    /// Refuses what the handler did not announce.
    fn announced(&self, call: &Call) -> Result<(), RpcError> {
        let needed = match call {
            Call::DefineItem(_) => feature::DEFINE,
            Call::Plan(_) => feature::PLAN,
            Call::Undo(_) => feature::UNDO,
            Call::Properties(_) | Call::ShowProperties(_) => feature::PROPERTIES,
            Call::ShowError(_) => feature::SHOW_ERROR,
            Call::ListConflicts(_) | Call::ResolveConflict(_) => feature::CONFLICTS,
            Call::ReadVersion(_) => feature::READ_CONFLICTS,
            Call::Initialize(_)
            | Call::ListItems(_)
            | Call::Prepare(_)
            | Call::Synchronize(_)
            | Call::Release(_) => return Ok(()),
        };
        if self.handler.features().contains(&needed) {
            Ok(())
        } else {
            Err(absent(call.method()))
        }
    }

    fn initialize(self: &Arc<Self>, id: u64, params: Initialize) -> Result<(), RpcError> {
        if !params.contract.contains(&CONTRACT_VERSION) {
            return Err(RpcError {
                code: RpcError::VERSION,
                message: format!("this handler speaks contract version {CONTRACT_VERSION}"),
                data: Some(ErrorData {
                    supported: vec![CONTRACT_VERSION],
                    ..ErrorData::default()
                }),
            });
        }
        let cookie = params.cookie.map(|text| {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text);
            bytes.map_err(|_| RpcError::new(RpcError::INVALID_PARAMS, "the cookie is not base 64"))
        });
        let start = Start {
            event: params.event,
            may_bother_user: params.may_bother_user,
            settings: params.settings,
            cookie: cookie.transpose()?,
            state_dir: PathBuf::from(params.state_dir),
            definitions: params.definitions,
            manager: params.manager,
            features: params.features,
        };
        let mut state = enter(&self.state);
        if !matches!(state.phase, Phase::New) {
            let text = "`initialize` came a second time";
            return Err(RpcError::new(RpcError::OUT_OF_PHASE, text));
        }
        state.may_bother_user = start.may_bother_user;
        if params.more_definitions {
            state.phase = Phase::Defining(id, Box::new(start));
            return Ok(());
        }
        state.phase = Phase::Initializing;
        drop(state);
        self.begin(id, start)
    }

    fn define_more(self: &Arc<Self>, page: Definitions) {
        let mut state = enter(&self.state);
        let Phase::Defining(id, start) = &mut state.phase else {
            return;
        };
        if start.definitions.len() < MAX_ITEMS {
            start.definitions.extend(page.definitions);
        }
        if page.more {
            return;
        }
        let id = *id;
        if let Phase::Defining(_, start) = std::mem::replace(&mut state.phase, Phase::Initializing)
        {
            drop(state);
            if let Err(error) = self.begin(id, *start) {
                self.desk.outbox.refuse(Some(id), &error);
            }
        }
    }

    fn begin(self: &Arc<Self>, id: u64, start: Start) -> Result<(), RpcError> {
        self.answering(id, About::default(), move |server, _| {
            let introduction = server.handler.initialize(&start)?;
            let features = server.handler.features();
            enter(&server.state).phase = Phase::Listed;
            Ok(Initialized {
                contract: CONTRACT_VERSION,
                features: features.into_iter().map(str::to_owned).collect(),
                takes_part: !introduction.stays_out,
                handler: introduction.info,
            })
        })
    }

    fn list_items(&self, params: &ListItems) -> Result<ItemPage, RpcError> {
        let page = match &params.cursor {
            Some(cursor) => enter(&self.items).resume(cursor)?,
            None => {
                let mut list = self.handler.items()?;
                list.incomplete |= list.items.len() > MAX_ITEMS;
                list.items.truncate(MAX_ITEMS);
                let (page, long) = enter(&self.items).begin(list.items, list.incomplete);
                for item in long {
                    self.too_long(format!("item {} is too long to be listed", item.id));
                }
                page
            }
        };
        Ok(ItemPage {
            items: page.elements,
            next: page.next,
            incomplete: page.incomplete,
        })
    }

    fn list_conflicts(&self, params: &ListConflicts) -> Result<ConflictPage, RpcError> {
        let page = match &params.cursor {
            Some(cursor) => enter(&self.conflicts).resume(cursor)?,
            None => {
                let list = self.handler.conflicts(params.item.as_ref())?;
                let (page, long) = enter(&self.conflicts).begin(list, false);
                for conflict in long {
                    let item = conflict.item;
                    self.too_long(format!(
                        "a conflict of item {item} is too long to be listed"
                    ));
                }
                page
            }
        };
        Ok(ConflictPage {
            conflicts: page.elements,
            next: page.next,
        })
    }

    fn prepare(self: &Arc<Self>, id: u64, mut page: Prepare) -> Result<(), RpcError> {
        let mut state = enter(&self.state);
        if matches!(state.phase, Phase::Preparing | Phase::Synchronizing) {
            let text = "`prepare` came while a run was at work";
            return Err(RpcError::new(RpcError::OUT_OF_PHASE, text));
        }
        let whole = &mut state.collecting;
        whole.items.append(&mut page.items);
        whole.answers.append(&mut page.answers);
        whole.run = page.run;
        if whole.items.len() > MAX_ITEMS || whole.answers.len() > MAX_ITEMS {
            *whole = Prepare::default();
            let text = format!("a run has at most {MAX_ITEMS} items");
            return Err(RpcError::new(RpcError::INVALID_PARAMS, text));
        }
        if page.more {
            drop(state);
            self.reply(id, Ok(Started::Yes));
            return Ok(());
        }
        let whole = std::mem::take(whole);
        let run = self.run(About {
            items: whole.items,
            run: whole.run,
            answers: whole.answers,
            may_bother_user: state.may_bother_user,
        });
        let before = std::mem::replace(&mut state.phase, Phase::Preparing);
        drop(state);
        let work = self.work(run, move |server, run| {
            let started = server.guarded(|handler| handler.can_start(run));
            let started = started.unwrap_or_else(|reason| Started::No { reason });
            let go = started == Started::Yes;
            if !go {
                enter(&server.state).phase = Phase::Listed;
            }
            server.reply(id, Ok(started));
            if go {
                let outcome = completion(server.guarded(|handler| handler.prepare(run)));
                enter(&server.state).phase = if outcome == Completion::Done {
                    Phase::Prepared(run.clone())
                } else {
                    Phase::Listed
                };
                server.complete(&Callback::PrepareCompleted(outcome));
            }
        });
        if work.is_err() {
            enter(&self.state).phase = before;
        }
        work
    }

    fn synchronize(self: &Arc<Self>, id: u64) -> Result<(), RpcError> {
        let mut state = enter(&self.state);
        let Phase::Prepared(run) = &state.phase else {
            let text = "`synchronize` came without a prepared run";
            return Err(RpcError::new(RpcError::OUT_OF_PHASE, text));
        };
        let run = run.clone();
        state.phase = Phase::Synchronizing;
        drop(state);
        let work = self.work(run.clone(), move |server, run| {
            server.reply(id, Ok(Started::Yes));
            let outcome = completion(server.guarded(|handler| handler.synchronize(run)));
            enter(&server.state).phase = Phase::Listed;
            server.complete(&Callback::SynchronizeCompleted(outcome));
        });
        if work.is_err() {
            enter(&self.state).phase = Phase::Prepared(run);
        }
        work
    }

    /// Work that is answered when it began and completed by a callback.
    fn started(
        self: &Arc<Self>,
        id: u64,
        job: impl FnOnce(&Self, &Run) -> Callback + Send + 'static,
    ) -> Result<(), RpcError> {
        // Showing something was asked for by a person, who may therefore be asked (M-115).
        let run = self.run(About {
            may_bother_user: true,
            ..About::default()
        });
        self.work(run, move |server, run| {
            server.reply(id, Ok(Started::Yes));
            let completed = job(server, run);
            server.complete(&completed);
        })
    }

    /// Work that is answered by its result.
    fn answering<A: Serialize>(
        self: &Arc<Self>,
        id: u64,
        about: About,
        job: impl FnOnce(&Self, &Run) -> Result<A, RpcError> + Send + 'static,
    ) -> Result<(), RpcError> {
        let about = About {
            may_bother_user: enter(&self.state).may_bother_user,
            ..about
        };
        self.work(self.run(about), move |server, run| {
            let result = server.guarded(|_| job(server, run));
            let result =
                result.unwrap_or_else(|panic| Err(RpcError::new(RpcError::INTERNAL, panic)));
            server.reply(id, result);
        })
    }

    /// Does work on a thread of its own.
    fn work(
        self: &Arc<Self>,
        run: Run,
        job: impl FnOnce(&Self, &Run) + Send + 'static,
    ) -> Result<(), RpcError> {
        {
            let mut state = enter(&self.state);
            if state.cancellations.len() >= MAX_IN_FLIGHT {
                let text = "too many requests at once";
                return Err(RpcError::refused("handler::busy", text, None));
            }
            state.cancellations.push(Arc::clone(&run.cancellation));
        }
        let server = Arc::clone(self);
        let cancellation = Arc::clone(&run.cancellation);
        let thread = std::thread::Builder::new()
            .name("handler-work".to_owned())
            .spawn(move || {
                job(&server, &run);
                server.ended(&run.cancellation);
            });
        thread.map(|_| ()).map_err(|cause| {
            self.ended(&cancellation);
            let text = format!("no thread could be started: {cause}");
            RpcError::new(RpcError::INTERNAL, text)
        })
    }

    fn ended(&self, cancellation: &Arc<Cancellation>) {
        let mut state = enter(&self.state);
        let running = &mut state.cancellations;
        if let Some(at) = running
            .iter()
            .position(|one| Arc::ptr_eq(one, cancellation))
        {
            running.swap_remove(at);
        }
        drop(state);
        self.idle.notify_all();
    }

    fn run(&self, about: About) -> Run {
        Run {
            desk: Arc::clone(&self.desk),
            cancellation: Arc::default(),
            about: Arc::new(about),
        }
    }

    /// Calls the author's code; a panic becomes a reason.
    fn guarded<T>(&self, call: impl FnOnce(&H) -> T) -> Result<T, String> {
        // Whatever the panic left behind belongs to the author; nothing of ours was in the middle of a change.
        catch_unwind(AssertUnwindSafe(|| call(&self.handler))).map_err(|panic| told(&*panic))
    }

    fn unless_refused<T: Default>(&self, result: Result<T, RpcError>) -> T {
        result.unwrap_or_else(|error| {
            self.entry(Level::Error, error.message);
            T::default()
        })
    }

    fn reply<A: Serialize>(&self, id: u64, result: Result<A, RpcError>) {
        match result.map(|answer| self.desk.outbox.answer(id, &answer)) {
            Ok(Err(SendError::Encode(cause))) => {
                let error = RpcError::new(RpcError::INTERNAL, cause.to_string());
                self.desk.outbox.refuse(Some(id), &error);
            }
            Ok(Ok(()) | Err(SendError::Gone)) => {}
            Err(error) => self.desk.outbox.refuse(Some(id), &error),
        }
    }

    fn complete(&self, callback: &Callback) {
        self.desk.outbox.settle();
        self.desk.tell(callback);
    }

    fn too_long(&self, text: String) {
        self.entry(Level::Warning, text);
    }

    fn entry(&self, level: Level, text: String) {
        self.run(About::default()).log(Log {
            level,
            text,
            item: None,
            detail: None,
            error: None,
            jump: false,
        });
    }

    fn raise(&self, item: Option<&crate::item::ItemId>, verdict: Verdict) {
        let state = enter(&self.state);
        for cancellation in &state.cancellations {
            cancellation.raise(item, verdict);
        }
        // A prepared run waits without being at work.
        if let Phase::Prepared(run) = &state.phase {
            run.cancellation.raise(item, verdict);
        }
        drop(state);
        self.desk.wake();
    }

    fn wait_idle(&self, at_most: Duration) {
        let waited = self
            .idle
            .wait_timeout_while(enter(&self.state), at_most, |state| {
                !state.cancellations.is_empty()
            })
            .unwrap_or_else(PoisonError::into_inner);
        drop(waited);
    }
}

fn completion(outcome: Result<Result<(), Unfinished>, String>) -> Completion {
    match outcome {
        Ok(Ok(())) => Completion::Done,
        Ok(Err(Unfinished::Failed {
            reason,
            failure,
            retry_after,
        })) => Completion::Failed {
            reason,
            failure,
            retry_after: retry_after.map(crate::run::whole_seconds),
        },
        Ok(Err(Unfinished::Cancelled)) => Completion::Cancelled,
        Err(reason) => Completion::Failed {
            reason,
            failure: Failure::Hard,
            retry_after: None,
        },
    }
}

fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given");
    format!("the handler panicked: {text}")
}

fn refusal(error: &DecodeError) -> RpcError {
    let code = match error {
        DecodeError::UnknownMethod(_) => RpcError::METHOD_NOT_FOUND,
        DecodeError::Params { .. } => RpcError::INVALID_PARAMS,
        DecodeError::Envelope(_) | DecodeError::Shape => RpcError::INVALID_REQUEST,
    };
    let text = match error {
        DecodeError::Params { cause, .. } => format!("{error}: {cause}"),
        DecodeError::UnknownMethod(_) | DecodeError::Envelope(_) | DecodeError::Shape => {
            error.to_string()
        }
    };
    RpcError::new(code, text)
}
