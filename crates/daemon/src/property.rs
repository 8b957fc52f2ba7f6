//! Property instances: a handler asked about something outside any session (Sync Center 3.1). They change no state of
//! the manager, so they need not pass through its loop; they never synchronize (M-36).

use std::time::Duration;

use serde_json::{Map, Value};
use syncmgr_control::{Refusal, view};
use syncmgr_core::need::NeedRow;
use syncmgr_core::request::Trigger;
use syncmgr_handler::call::{DefineItem, Initialized, ItemDefinition, PlanItems};
use syncmgr_handler::callback::{Callback, Level};
use syncmgr_handler::contract::{MAX_PAGE, feature};
use syncmgr_handler::frame::Answered;
use syncmgr_handler::item::ItemId;
use syncmgr_host::{
    CallError, Exit, Handle, HandshakeError, HostEvent, Instance, Limits, StopReason, What,
};
use tokio::sync::mpsc;

use crate::adapt::{from_handler, text, to_handler, to_view};
use crate::launch::Launch;
use crate::perform;

/// Events of one property instance that may wait.
const MAX_EVENTS: usize = 256;

/// How long a handler may take to check an item that is to be added.
const DEFINE_DEADLINE: Duration = Duration::from_secs(60);

/// A handler that runs to be asked.
pub(crate) struct PropertyInstance {
    handle: Handle,
    events: mpsc::Receiver<HostEvent>,
    features: Vec<String>,
}

impl PropertyInstance {
    pub(crate) async fn start(launch: &Launch, limits: &Limits) -> Result<Self, Refusal> {
        crate::sys::create_private_dir(&launch.state_dir).map_err(|cause| {
            Refusal::new(
                "home::unusable",
                format!(
                    "the directory {} cannot be used",
                    text::line(&launch.state_dir.display().to_string())
                ),
                "check its owner and permissions",
            )
            .because(&cause)
        })?;
        let (sender, events) = mpsc::channel(MAX_EVENTS);
        let handle = Instance::start(perform::spec(0, launch), limits.clone(), sender);
        let mut instance = Self {
            handle,
            events,
            features: Vec::new(),
        };
        let first = perform::initialize_message(launch, Trigger::Manual, false, true, None);
        let handle = instance.handle.clone();
        let (answer, exit) = instance.hearing(handle.handshake(first), &mut |_| {}).await;
        let answer: Result<Initialized, Refusal> = answer.map_err(|error| match error {
            HandshakeError::Call(error) => refusal(&error, exit),
            error => broken(&error),
        });
        match answer {
            Ok(answer) => {
                instance.features = answer.features;
                Ok(instance)
            }
            Err(refusal) => {
                // Whoever is told that it does not work may end this process at once, and one that hangs would outlive it.
                // It never began: there is nothing that it could finish.
                instance.handle.kill();
                instance.end().await;
                Err(refusal)
            }
        }
    }

    /// Whether the handler announced this feature.
    pub(crate) fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|known| known == feature)
    }

    /// Makes a call while hearing what the handler says meanwhile.
    pub(crate) async fn call<P: Answered>(
        &mut self,
        params: P,
        deadline: Option<Duration>,
        hear: &mut (dyn FnMut(Callback) + Send),
    ) -> Result<P::Answer, Refusal> {
        let handle = self.handle.clone();
        let (answer, exit) = self.hearing(handle.call(&params, deadline), hear).await;
        answer.map_err(|error| refusal(&error, exit))
    }

    /// Waits for an answer while hearing what the handler says meanwhile; tells also how it ended, when it did.
    async fn hearing<T, E: Lost>(
        &mut self,
        answer: impl Future<Output = Result<T, E>>,
        hear: &mut (dyn FnMut(Callback) + Send),
    ) -> (Result<T, E>, Option<Vec<String>>) {
        tokio::pin!(answer);
        let mut exit = None;
        let answer = loop {
            tokio::select! {
                answer = &mut answer => break answer,
                event = self.events.recv(), if exit.is_none() => match event.map(|event| event.what) {
                    Some(What::Callback(callback)) => hear(callback),
                    // Nobody is there to be asked: the question is refused by dropping its reply.
                    Some(What::Started { .. } | What::Question { .. } | What::Violation(_)) => {}
                    Some(What::Exited(how)) => exit = Some(how_it_ended(&how)),
                    None => exit = Some(vec!["it ended".to_owned()]),
                },
            }
        };
        // What came before the answer is heard before it is used; of an instance that is gone, also how it ended.
        let gone = answer.as_ref().is_err_and(Lost::is_gone);
        loop {
            let event = if gone && exit.is_none() {
                self.events.recv().await
            } else {
                self.events.try_recv().ok()
            };
            match event.map(|event| event.what) {
                Some(What::Callback(callback)) => hear(callback),
                Some(What::Exited(how)) => exit = Some(how_it_ended(&how)),
                Some(What::Started { .. } | What::Question { .. } | What::Violation(_)) => {}
                None => break,
            }
        }
        (answer, exit)
    }

    pub(crate) async fn end(mut self) {
        self.handle.stop(StopReason::Finished);
        while let Some(event) = self.events.recv().await {
            if matches!(event.what, What::Exited(_)) {
                break;
            }
        }
    }
}

/// How an instance ended, and the last line that it wrote, which often says why.
fn how_it_ended(how: &Exit) -> Vec<String> {
    let mut told = vec![text::line(&perform::how_it_ended(how))];
    let last = how
        .stderr_tail
        .lines()
        .rfind(|line| !line.trim().is_empty());
    told.extend(last.map(|line| format!("it wrote: {}", text::line(line))));
    told
}

/// An error that may say that the instance is gone.
trait Lost {
    fn is_gone(&self) -> bool;
}

impl Lost for CallError {
    fn is_gone(&self) -> bool {
        matches!(self, Self::Gone { .. })
    }
}

impl Lost for HandshakeError {
    fn is_gone(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_gone())
    }
}

fn refusal(error: &CallError, exit: Option<Vec<String>>) -> Refusal {
    match error {
        CallError::Refused { error: refused, .. } => {
            let data = refused.data.clone().unwrap_or_default();
            let code = data
                .name
                .as_deref()
                .map_or_else(|| "handler::refused".to_owned(), text::line);
            let mut refusal = Refusal::new(&code, text::line(&refused.message), "");
            refusal.hint = data.hint.as_deref().map(text::line);
            refusal
        }
        other => {
            let mut refusal = broken(other);
            refusal.causes.extend(exit.unwrap_or_default());
            refusal
        }
    }
}

fn broken(cause: &dyn std::error::Error) -> Refusal {
    Refusal::new(
        "handler::broken",
        "the handler did not answer",
        "run the command again; if it stays, look at `syncmgr log`",
    )
    .because(cause)
}

/// Has a handler check and normalise an item that the user wants to add.
///
/// # Errors
/// The handler's refusal, or `handler::…` when it cannot do that.
pub(crate) async fn define(
    launch: &Launch,
    limits: &Limits,
    name: Option<String>,
    arguments: Map<String, Value>,
) -> Result<ItemDefinition, Refusal> {
    let mut instance = PropertyInstance::start(launch, limits).await?;
    let outcome = if instance.has(feature::DEFINE) {
        instance
            .call(
                DefineItem { name, arguments },
                Some(DEFINE_DEADLINE),
                &mut |_| {},
            )
            .await
    } else {
        Err(not_offered("items cannot be added to this handler"))
    };
    instance.end().await;
    outcome
}

/// Starts a handler, hears what it offers, and ends it.
///
/// # Errors
/// Why it did not answer.
pub(crate) async fn greet(launch: &Launch, limits: &Limits) -> Result<Vec<String>, Refusal> {
    let mut instance = PropertyInstance::start(launch, limits).await?;
    let features = std::mem::take(&mut instance.features);
    instance.end().await;
    Ok(features.iter().map(|feature| text::line(feature)).collect())
}

pub(crate) fn not_offered(what: &str) -> Refusal {
    Refusal::new(
        "handler::not-offered",
        what,
        "`syncmgr doctor` shows what each handler offers",
    )
}

/// One item to plan for.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// The item.
    pub id: syncmgr_core::ItemId,
    /// What it is called.
    pub name: String,
}

/// Has a handler say what synchronizing its items would do; at most `limit` actions an item are kept.
///
/// # Errors
/// The handler's refusal, or `handler::…` when it cannot do that.
pub(crate) async fn plan(
    handler: &str,
    launch: &Launch,
    limits: &Limits,
    items: &[Planned],
    answers: &[NeedRow],
    limit: usize,
) -> Result<Vec<view::ItemPlanView>, Refusal> {
    let mut instance = PropertyInstance::start(launch, limits).await?;
    let outcome = if instance.has(feature::PLAN) {
        plan_items(handler, &mut instance, items, answers, limit).await
    } else {
        Err(not_offered("this handler cannot say what it would do"))
    };
    instance.end().await;
    outcome
}

async fn plan_items(
    handler: &str,
    instance: &mut PropertyInstance,
    items: &[Planned],
    answers: &[NeedRow],
    limit: usize,
) -> Result<Vec<view::ItemPlanView>, Refusal> {
    let mut views: Vec<view::ItemPlanView> = items
        .iter()
        .map(|item| view::ItemPlanView {
            handler: handler.to_owned(),
            item: item.id.to_string(),
            name: item.name.clone(),
            counts: view::Counts::default(),
            actions: Vec::new(),
            total: 0,
            held: None,
            problem: None,
        })
        .collect();
    for page in items.chunks(MAX_PAGE) {
        let ids: Vec<_> = page.iter().map(|item| item.id.clone()).collect();
        let ask = PlanItems {
            items: to_handler::items(&ids),
            answers: to_handler::answers(answers),
        };
        let summary = instance
            .call(ask, None, &mut |callback| hear(&mut views, callback, limit))
            .await?;
        for of_item in summary.items {
            if let Some(view) = find(&mut views, &of_item.item) {
                view.counts = to_view::counts(from_handler::counts(of_item.counts));
                view.held = of_item.held.as_deref().map(text::line);
                view.problem = of_item.error.as_deref().map(text::line);
            }
        }
    }
    Ok(views)
}

fn hear(views: &mut [view::ItemPlanView], callback: Callback, limit: usize) {
    match callback {
        Callback::PlanActions(page) => {
            let Some(view) = find(views, &page.item) else {
                return;
            };
            view.total += page.actions.len() as u64;
            let room = limit.saturating_sub(view.actions.len());
            view.actions
                .extend(
                    page.actions
                        .into_iter()
                        .take(room)
                        .map(|action| view::ActionView {
                            action: text::line(&action.action),
                            to: action.to.as_deref().map(text::line),
                            name: text::line(&action.name),
                            bytes: action.bytes,
                            reason: action.reason.as_deref().map(text::line),
                        }),
                );
        }
        Callback::Log(entry) if entry.level == Level::Error => {
            if let Some(view) = entry.item.as_ref().and_then(|item| find(views, item)) {
                view.problem.get_or_insert_with(|| text::line(&entry.text));
            }
        }
        _ => {}
    }
}

fn find<'a>(
    views: &'a mut [view::ItemPlanView],
    item: &ItemId,
) -> Option<&'a mut view::ItemPlanView> {
    views.iter_mut().find(|view| view.item == item.as_str())
}
