//! Performs the commands of the core on handler processes. Nothing here waits: each instance has one worker that makes
//! its calls in order, and what comes of them goes to the loop as inputs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use syncmgr_core::command::{Command, Reply as CoreReply, ReplyId};
use syncmgr_core::conflict::Decision;
use syncmgr_core::input::InstanceInput;
use syncmgr_core::need::NeedRow;
use syncmgr_core::request::Trigger;
use syncmgr_core::{HandlerId, InstanceId, ItemId, RunId};
use syncmgr_handler::call::{self, Initialize, Notice, Prepare};
use syncmgr_handler::contract::{self, CONTRACT_VERSION, MAX_PAGE};
use syncmgr_handler::frame::{Answered, RpcError};
use syncmgr_handler::listing::{ReadItems, ReadPage, UnusableItem};
use syncmgr_host::{
    CallError, Exit, ExitStatus, Handle, HandshakeError, HostEvent, Limits, Reply, Spec,
    StopReason, What,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::adapt::{from_handler, text, to_handler};
use crate::launch::Launch;
use crate::starter::Starter;

/// Calls that may wait for one instance; the core never asks for more at once, so a full queue means a handler that
/// answers nothing, and it is ended.
const MAX_STEPS: usize = 64;

/// How long a handler may take over one page of a list.
pub(crate) const LIST_DEADLINE: Duration = Duration::from_secs(60);

/// Most items of one page that are told of as left out; the core records a bounded number of violations anyway.
const MAX_TOLD_UNUSABLE: usize = 20;

/// How long a handler may take to read or write its properties.
const PROPERTIES_DEADLINE: Duration = Duration::from_secs(60);

/// Most items of one handler; what lies beyond is left out and said.
pub(crate) const MAX_ITEMS: usize = 1 << 20;

/// Pages of lists that may wait for the loop; a worker asks for no further one meanwhile. Storing a page takes longer than
/// reading it, and a whole list in the queue would take more memory than the items themselves.
const MAX_PAGES_AHEAD: usize = 8;

/// What comes from a worker.
#[derive(Debug)]
pub(crate) struct FromWorker {
    /// Whose.
    pub(crate) instance: InstanceId,
    /// What.
    pub(crate) input: InstanceInput,
    /// The room of a page, free again once the loop took it in.
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

/// The instances that live, and what ties their questions to answers.
#[derive(Debug)]
pub(crate) struct Performer {
    starter: Arc<dyn Starter>,
    limits: Limits,
    events: mpsc::Sender<HostEvent>,
    inputs: mpsc::Sender<FromWorker>,
    pages: Arc<Semaphore>,
    running: HashMap<InstanceId, Running>,
    questions: HashMap<ReplyId, (InstanceId, Reply)>,
    next_reply: u64,
    workers: JoinSet<()>,
}

#[derive(Debug)]
struct Running {
    handler: HandlerId,
    handle: Handle,
    steps: mpsc::Sender<Step>,
}

/// One call of a worker.
#[derive(Debug)]
enum Step {
    Initialize(Box<Initialize>),
    ListItems,
    Prepare {
        run: RunId,
        items: Vec<ItemId>,
        answers: Vec<NeedRow>,
    },
    Synchronize,
    ItemStatus(Notice),
    Undo {
        items: Vec<ItemId>,
        run: RunId,
        as_run: RunId,
    },
    Resolve {
        item: ItemId,
        decisions: Vec<Decision>,
        as_run: RunId,
    },
    ListConflicts {
        items: Vec<ItemId>,
    },
    ShowError {
        error: String,
    },
    Properties {
        item: Option<ItemId>,
        values: Option<String>,
    },
    ShowProperties {
        item: Option<ItemId>,
    },
}

impl Performer {
    /// Makes one that reports host events and call results to these queues.
    #[must_use]
    pub(crate) fn new(
        starter: Arc<dyn Starter>,
        limits: Limits,
        events: mpsc::Sender<HostEvent>,
        inputs: mpsc::Sender<FromWorker>,
    ) -> Self {
        Self {
            starter,
            limits,
            events,
            inputs,
            pages: Arc::new(Semaphore::new(MAX_PAGES_AHEAD)),
            running: HashMap::new(),
            questions: HashMap::new(),
            next_reply: 0,
            workers: JoinSet::new(),
        }
    }

    /// Starts an instance; `launch` absent: nobody registered the handler.
    pub(crate) fn start(
        &mut self,
        instance: InstanceId,
        handler: &HandlerId,
        launch: Option<Launch>,
        initialize: (Trigger, bool, bool, Option<Vec<u8>>),
    ) -> Option<InstanceInput> {
        let Some(launch) = launch else {
            return Some(InstanceInput::NotInitialized(
                "the handler is not registered".into(),
            ));
        };
        if let Err(cause) = crate::sys::create_private_dir(&launch.state_dir) {
            let dir = text::line(&launch.state_dir.display().to_string());
            return Some(InstanceInput::NotInitialized(format!(
                "its directory {dir} cannot be made: {cause}"
            )));
        }
        let (trigger, may_bother_user, settings, cookie) = initialize;
        let first = initialize_message(&launch, trigger, may_bother_user, settings, cookie);
        let handle = self.starter.start(
            handler,
            spec(instance.0, &launch),
            self.limits.clone(),
            self.events.clone(),
        );
        let (steps, queue) = mpsc::channel(MAX_STEPS);
        let worker = Worker {
            instance,
            handler: handler.clone(),
            handle: handle.clone(),
            inputs: self.inputs.clone(),
            pages: Arc::clone(&self.pages),
        };
        self.workers.spawn(worker.work(queue));
        let running = Running {
            handler: handler.clone(),
            handle,
            steps,
        };
        running.push(Step::Initialize(Box::new(first)));
        self.running.insert(instance, running);
        None
    }

    /// Performs a command other than `Start`.
    pub(crate) fn perform(&mut self, command: Command) {
        let (instance, step) = match command {
            // The loop performs these.
            Command::Start { .. }
            | Command::Connect { .. }
            | Command::CancelConnect { .. }
            | Command::Disconnect { .. }
            | Command::KeepAwake { .. }
            | Command::LetSleep
            | Command::Hook(_)
            | Command::EndHook(_)
            | Command::Deliver(_)
            | Command::Pulse { .. }
            | Command::Recall { .. }
            | Command::Forget(_)
            | Command::Notice(_) => return,
            Command::ListItems(instance) => (instance, Step::ListItems),
            Command::Prepare {
                instance,
                run,
                items,
                answers,
            } => (
                instance,
                Step::Prepare {
                    run,
                    items,
                    answers,
                },
            ),
            Command::Synchronize(instance) => (instance, Step::Synchronize),
            Command::ItemStatus {
                instance,
                item,
                verdict,
            } => {
                let notice = Notice::ItemStatus(call::ItemStatusNotice {
                    item: item.as_ref().and_then(to_handler::item),
                    verdict: to_handler::verdict(verdict),
                });
                (instance, Step::ItemStatus(notice))
            }
            Command::Undo {
                instance,
                items,
                run,
                as_run,
            } => (instance, Step::Undo { items, run, as_run }),
            Command::Resolve {
                instance,
                item,
                decisions,
                as_run,
            } => (
                instance,
                Step::Resolve {
                    item,
                    decisions,
                    as_run,
                },
            ),
            Command::ListConflicts { instance, items } => (instance, Step::ListConflicts { items }),
            Command::ShowError { instance, error } => (instance, Step::ShowError { error }),
            Command::Properties {
                instance,
                item,
                values,
            } => (instance, Step::Properties { item, values }),
            Command::ShowProperties { instance, item } => (instance, Step::ShowProperties { item }),
            Command::Reply { to, reply, .. } => return self.answer(to, reply),
            Command::Release(instance) => {
                if let Some(running) = self.running.get(&instance) {
                    running.handle.stop(StopReason::Finished);
                }
                return;
            }
            Command::Insist(instance) => {
                if let Some(running) = self.running.get(&instance) {
                    running.handle.insist();
                }
                return;
            }
        };
        if let Some(running) = self.running.get(&instance) {
            running.push(step);
        }
    }

    fn answer(&mut self, to: ReplyId, reply: CoreReply) {
        if let Some((_, question)) = self.questions.remove(&to) {
            let sent = match to_handler::reply(reply) {
                Ok(value) => question.answer(&value),
                Err(refusal) => question.refuse(&refusal),
            };
            if let Err(error) = sent {
                tracing::debug!(%error, "an answer did not reach the handler");
            }
        }
    }

    /// Turns what the host tells into an input of the core.
    pub(crate) fn hear(&mut self, event: HostEvent) -> Option<(InstanceId, InstanceInput)> {
        let instance = InstanceId(event.instance);
        let input = match event.what {
            What::Started { pid, start_time } => InstanceInput::Spawned {
                pid: pid?,
                start_time: start_time.unwrap_or(0),
            },
            What::Callback(callback) => from_handler::callback(callback)?,
            What::Question { question, reply } => {
                self.next_reply += 1;
                let id = ReplyId(self.next_reply);
                let input = from_handler::question(question, id);
                if !matches!(input, InstanceInput::Violation(_)) {
                    self.questions.insert(id, (instance, reply));
                }
                input
            }
            What::Violation(what) => InstanceInput::Violation(reason(&what)),
            What::Exited(exit) => {
                self.running.remove(&instance);
                self.questions.retain(|_, (asker, _)| *asker != instance);
                InstanceInput::Exited {
                    how: how_it_ended(&exit),
                    requested: exit.requested.is_some_and(|why| why != StopReason::Broken),
                    stderr: text::tail(&exit.stderr_tail),
                }
            }
        };
        Some((instance, input))
    }

    /// Waits for a worker to end; one that panicked costs its instance.
    pub(crate) async fn tend(&mut self) {
        match self.workers.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                tracing::error!(%error, "a worker of an instance panicked");
                for running in self
                    .running
                    .values()
                    .filter(|running| running.steps.is_closed())
                {
                    running.handle.kill();
                }
            }
            Some(_) => {}
            None => std::future::pending().await,
        }
    }

    /// Whether no instance lives.
    #[must_use]
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// What is started from now on may take so long.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Ends every instance at once.
    pub(crate) fn kill_all(&self) {
        for running in self.running.values() {
            running.handle.kill();
        }
    }
}

impl Running {
    fn push(&self, step: Step) {
        if self.steps.try_send(step).is_err() {
            tracing::warn!(handler = %self.handler, "an instance that takes no more calls is ended");
            self.handle.kill();
        }
    }
}

/// How the host starts it.
#[must_use]
pub(crate) fn spec(instance: u64, launch: &Launch) -> Spec {
    Spec {
        instance,
        program: launch.program.clone(),
        args: launch.args.iter().map(Into::into).collect(),
        env: Vec::new(),
        cwd: None,
    }
}

/// The first message, with the definitions of all items: the handshake cuts them into pages.
#[must_use]
pub(crate) fn initialize_message(
    launch: &Launch,
    trigger: Trigger,
    may_bother_user: bool,
    settings: bool,
    cookie: Option<Vec<u8>>,
) -> Initialize {
    Initialize {
        contract: vec![CONTRACT_VERSION],
        features: [
            contract::feature::PLAN,
            contract::feature::UNDO,
            contract::feature::CONFLICTS,
            contract::feature::READ_CONFLICTS,
            contract::feature::DEFINE,
            contract::feature::PROPERTIES,
            contract::feature::SHOW_ERROR,
            contract::feature::CONNECTION,
            contract::feature::LATE_ITEMS,
        ]
        .map(str::to_owned)
        .to_vec(),
        manager: concat!("syncmgr ", env!("CARGO_PKG_VERSION")).to_owned(),
        event: to_handler::event(trigger),
        may_bother_user,
        settings,
        cookie: cookie.map(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes)),
        state_dir: launch.state_dir.to_string_lossy().into_owned(),
        definitions: launch.definitions.clone(),
        more_definitions: false,
    }
}

/// Makes the calls of one instance, one after the other.
struct Worker {
    instance: InstanceId,
    handler: HandlerId,
    handle: Handle,
    inputs: mpsc::Sender<FromWorker>,
    pages: Arc<Semaphore>,
}

impl Worker {
    async fn work(self, mut steps: mpsc::Receiver<Step>) {
        while let Some(step) = steps.recv().await {
            // An instance that is gone says so itself, as its last event; the call that it interrupted says nothing.
            if let Some(input) = self.take(step).await
                && self.send(input, None).await.is_none()
            {
                return;
            }
        }
    }

    async fn take(&self, step: Step) -> Option<InstanceInput> {
        match step {
            Step::Initialize(first) => self.initialize(*first).await,
            Step::ListItems => self.list().await,
            Step::Prepare {
                run,
                items,
                answers,
            } => {
                let pages = items.chunks(MAX_PAGE);
                let last = pages.len().saturating_sub(1);
                let mut began = None;
                for (at, page) in pages.enumerate() {
                    let page = Prepare {
                        items: to_handler::items(page),
                        more: at < last,
                        run: run.to_string(),
                        answers: if at == last {
                            to_handler::answers(&answers)
                        } else {
                            Vec::new()
                        },
                    };
                    began = Some(self.call(page, None).await);
                    if !matches!(began, Some(Ok(call::Started::Yes))) {
                        break;
                    }
                }
                Some(InstanceInput::PrepareReturned(returned(began?)?))
            }
            Step::Synchronize => {
                let began = self.call(call::Synchronize {}, None).await;
                Some(InstanceInput::SynchronizeReturned(returned(began)?))
            }
            Step::ItemStatus(notice) => {
                self.notify(&notice);
                None
            }
            Step::Undo { items, run, as_run } => {
                let mut total = syncmgr_core::item::Counts::default();
                for item in to_handler::items(&items) {
                    let undo = call::Undo {
                        item,
                        run: run.to_string(),
                        as_run: as_run.to_string(),
                    };
                    match self.call(undo, None).await {
                        Ok(undone) => {
                            let counts = undone.counts.unwrap_or(syncmgr_handler::item::Counts {
                                received: undone.restored,
                                deleted: undone.removed,
                                ..Default::default()
                            });
                            total.sent = total.sent.saturating_add(counts.sent);
                            total.received = total.received.saturating_add(counts.received);
                            total.deleted = total.deleted.saturating_add(counts.deleted);
                            total.created_near =
                                total.created_near.saturating_add(counts.created_near);
                            total.created_far =
                                total.created_far.saturating_add(counts.created_far);
                            total.deleted_near =
                                total.deleted_near.saturating_add(counts.deleted_near);
                            total.deleted_far =
                                total.deleted_far.saturating_add(counts.deleted_far);
                            total.failed = total.failed.saturating_add(undone.kept.len() as u64);
                        }
                        Err(CallError::Gone { .. }) => return None,
                        Err(error) => return Some(InstanceInput::Undone(Err(reason(&error)))),
                    }
                }
                Some(InstanceInput::Undone(Ok(total)))
            }
            Step::Resolve {
                item,
                decisions,
                as_run,
            } => {
                let item = to_handler::item(&item)?;
                let mut results = Vec::with_capacity(decisions.len());
                for decision in decisions {
                    let resolve = call::ResolveConflict {
                        item: item.clone(),
                        conflict: decision.conflict,
                        choice: decision.choice,
                        as_run: as_run.to_string(),
                    };
                    results.push(match self.call(resolve, None).await {
                        Ok(resolved) => Ok(from_handler::resolved(resolved)),
                        Err(CallError::Gone { .. }) => return None,
                        Err(error) => Err(reason(&error)),
                    });
                }
                Some(InstanceInput::Resolved(results))
            }
            Step::ListConflicts { items } => self.list_conflicts(items).await,
            Step::ShowError { error } => {
                let began = self
                    .call(
                        call::ShowError {
                            error,
                            window: None,
                        },
                        None,
                    )
                    .await;
                Some(InstanceInput::ShowErrorReturned(returned(began)?))
            }
            Step::Properties { item, values } => {
                let ask = call::Properties {
                    item: item.as_ref().and_then(to_handler::item),
                    values: values.and_then(|values| serde_json::from_str(&values).ok()),
                };
                match self.call(ask, Some(PROPERTIES_DEADLINE)).await {
                    Ok(sheet) => Some(InstanceInput::PropertiesRead(Ok(
                        from_handler::property_sheet(sheet),
                    ))),
                    Err(CallError::Gone { .. }) => None,
                    Err(error) => Some(InstanceInput::PropertiesRead(Err(reason(&error)))),
                }
            }
            Step::ShowProperties { item } => {
                let show = call::ShowProperties {
                    item: item.as_ref().and_then(to_handler::item),
                    window: None,
                };
                let began = self.call(show, None).await;
                Some(InstanceInput::ShowPropertiesReturned(returned(began)?))
            }
        }
    }

    /// Sends to the loop; nothing when that is gone.
    async fn send(&self, input: InstanceInput, room: Option<OwnedSemaphorePermit>) -> Option<()> {
        let from = FromWorker {
            instance: self.instance,
            input,
            room,
        };
        self.inputs.send(from).await.ok()
    }

    async fn initialize(&self, first: Initialize) -> Option<InstanceInput> {
        Some(match self.handle.handshake(first).await {
            Ok(answer) => from_handler::initialized(&answer),
            Err(HandshakeError::Call(CallError::Gone { .. })) => return None,
            Err(error) => {
                let why = match error {
                    // "The handshake failed" would tell people nothing.
                    HandshakeError::Call(error) => reason(&error),
                    error => reason(&error),
                };
                // Told before the end of the process, which would be told as the reason otherwise.
                let told = InstanceInput::NotInitialized(why);
                let sent = self.send(told, None).await;
                self.handle.kill();
                if sent.is_none() {
                    tracing::debug!("the loop ended before a handler was initialized");
                }
                return None;
            }
        })
    }

    /// Reads the list page by page; each goes to the loop as it comes, so that nothing holds all of them.
    async fn list(&self) -> Option<InstanceInput> {
        let mut read = 0;
        let mut incomplete = false;
        let mut cursor = None;
        loop {
            let asked = ReadItems(call::ListItems { cursor });
            let read_page = match self.call(asked, Some(LIST_DEADLINE)).await {
                Ok(page) => page,
                Err(CallError::Gone { .. }) => return None,
                Err(error) => return Some(InstanceInput::ItemsNotListed(reason(&error))),
            };
            let ReadPage { page, unusable } = read_page;
            let came = page.items.len() + unusable.len();
            read += came;
            // What is left out of a list is no reason to forget what is known of it (M-56).
            incomplete |= page.incomplete || !unusable.is_empty();
            for item in unusable.iter().take(MAX_TOLD_UNUSABLE) {
                let told = InstanceInput::Violation(left_out(item));
                self.send(told, None).await?;
            }
            let items: Vec<_> = page.items.iter().filter_map(from_handler::listed).collect();
            // A page without content but with a successor would go round for ever.
            let Some(next) = page.next.filter(|_| came > 0 && read < MAX_ITEMS) else {
                incomplete |= read >= MAX_ITEMS;
                return Some(InstanceInput::ItemsListed { items, incomplete });
            };
            let room = Arc::clone(&self.pages).acquire_owned().await.ok()?;
            self.send(InstanceInput::ItemsPage(items), Some(room))
                .await?;
            cursor = Some(next);
        }
    }

    async fn list_conflicts(&self, items: Vec<ItemId>) -> Option<InstanceInput> {
        let most = syncmgr_core::conflict::MAX_CONFLICTS_PER_ITEM;
        let mut conflicts = Vec::new();
        for item in &items {
            let mut cursor = None;
            let mut of_item = 0;
            loop {
                let ask = call::ListConflicts {
                    item: to_handler::item(item),
                    cursor,
                };
                match self.call(ask, Some(LIST_DEADLINE)).await {
                    Ok(page) => {
                        let came = page.conflicts.len();
                        of_item += came;
                        conflicts.extend(
                            page.conflicts
                                .into_iter()
                                .filter_map(|c| from_handler::conflict(&self.handler, c)),
                        );
                        match page.next.filter(|_| came > 0 && of_item < most) {
                            Some(next) => cursor = Some(next),
                            None => break,
                        }
                    }
                    Err(CallError::Gone { .. }) => return None,
                    Err(error) => return Some(InstanceInput::ConflictsNotListed(reason(&error))),
                }
            }
        }
        Some(InstanceInput::ConflictsListed { items, conflicts })
    }

    async fn call<P: Answered>(
        &self,
        params: P,
        deadline: Option<Duration>,
    ) -> Result<P::Answer, CallError> {
        self.handle.call(&params, deadline).await
    }

    /// Sends a notice; one that does not get through went to a handler that is ending or does not read, and either of
    /// them ends it.
    fn notify(&self, notice: &Notice) {
        if let Err(error) = self.handle.notify(notice) {
            tracing::debug!(%error, "a notice did not reach the handler");
        }
    }
}

/// An item that was left out of a list (M-52).
fn left_out(item: &UnusableItem) -> String {
    let name = if item.name.is_empty() {
        "without a name".to_owned()
    } else {
        format!("`{}`", item.name)
    };
    text::line(&format!(
        "H-17: the item {name} of its list is left out: {}",
        item.why
    ))
}

/// How paired work began; `None` when the instance is gone.
fn returned(began: Result<call::Started, CallError>) -> Option<syncmgr_core::input::Began> {
    Some(match began {
        Ok(started) => from_handler::began(started),
        Err(CallError::Gone { .. }) => return None,
        Err(error) => syncmgr_core::input::Began::No(reason(&error)),
    })
}

/// How an instance ended, for people.
pub(crate) fn how_it_ended(exit: &Exit) -> String {
    if let Some(violation) = &exit.violation {
        return reason(violation);
    }
    match &exit.status {
        ExitStatus::Code(0) => "it ended".to_owned(),
        ExitStatus::Code(code) => format!("it ended with exit status {code}"),
        ExitStatus::Signal(signal) => format!("it was ended by signal {signal}"),
        ExitStatus::NotStarted(error) => reason(error),
        ExitStatus::Abandoned => "it could not be ended".to_owned(),
    }
}

/// An error with its causes in one line.
pub(crate) fn reason(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut hint = None;
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        // Some say of themselves what their cause says.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        // What its author advises helps more than anything that we could say.
        let said = cause.downcast_ref::<RpcError>();
        hint = hint.or_else(|| said?.data.as_ref()?.hint.as_deref());
        next = cause.source();
    }
    if let Some(hint) = hint.filter(|hint| !hint.trim().is_empty()) {
        line.push_str("; ");
        line.push_str(hint);
    }
    text::line(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_author_advises_is_told_with_the_reason() {
        let error = CallError::Refused {
            method: "items/list",
            error: RpcError::refused(
                "mail::locked",
                "the mailbox is locked",
                Some("close the other program".to_owned()),
            ),
        };
        assert_eq!(
            reason(&error),
            "the handler refused `items/list`: the mailbox is locked; close the other program"
        );
    }
}
