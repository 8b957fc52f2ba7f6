//! Listens to the manager: judges each call by the phase and hands it to the apartment.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use serde_json::value::RawValue;
use syncmgr_com::GUID;
use syncmgr_com::constant::flag;
use syncmgr_com::guid::{GUID_NULL, parse};
use syncmgr_handler::call::{
    Call, Done, Event, Initialize, ItemPage, ListItems, Notice, Prepare, Properties, PropertySheet,
    Started, Verdict,
};
use syncmgr_handler::contract::{CONTRACT_VERSION, MAX_ITEMS};
use syncmgr_handler::frame::{DecodeError, Envelope, ErrorData, RpcError};
use syncmgr_handler::item::ItemId;
use syncmgr_handler::link::{Connection, LineError};

use crate::board::{clock, enter};
use crate::com_activate::Source;
use crate::com_apartment::Apartment;
use crate::desk::{Operation, Phase};
use crate::instance::{Instance, Job};
use crate::say;

/// How long the last messages may take to be read.
const FLUSH_GRACE: Duration = Duration::from_secs(5);

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As asked, or with the manager.
    Well,
    /// The handler could not be used.
    Failed,
    /// The handler did not end in time.
    Hung,
}

/// What the reading thread remembers.
struct Server {
    instance: Arc<Instance>,
    begun: bool,
    collecting: Vec<GUID>,
}

/// Serves one instance over a connection until the manager releases it or is gone.
///
/// Blocks; the process ends when it returns, whatever the handler still does.
pub(crate) fn serve(
    source: Source,
    class: GUID,
    connection: Connection,
    grace: Duration,
) -> std::io::Result<Ended> {
    let (mut lines, writer) = connection.split();
    let instance = Arc::new(Instance::default());
    let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let shared = Arc::clone(&instance);
    thread("apartment").spawn(move || Apartment::new(shared, source, class).run())?;
    let board = Arc::clone(&instance);
    thread("writer").spawn(move || board.board.write_to(writer))?;
    let mut server = Server {
        instance: Arc::clone(&instance),
        begun: false,
        collecting: Vec::new(),
    };
    let release = loop {
        match lines.next_line() {
            Ok(Some(line)) => {
                if let Some(release) = server.hear(line) {
                    break Some(release);
                }
            }
            Ok(None) => break None,
            Err(LineError::Encoding) => {
                let error = RpcError::new(RpcError::PARSE, LineError::Encoding.to_string());
                server.refuse(None, &error);
            }
            Err(error) => {
                say(format_args!("could not read from the manager: {error}"));
                break None;
            }
        }
    };
    Ok(end(&instance, release, grace))
}

/// Stops what runs, releases the object on its own thread, and waits for both no longer than the grace (3.14).
fn end(instance: &Instance, release: Option<u64>, grace: Duration) -> Ended {
    let board = &instance.board;
    let until = clock() + grace;
    board.at_once(|held, _| held.desk.stop());
    instance.questions.stop();
    instance.questions.close();
    instance.statuses_may_be_due();
    let idle = board.wait_until(until, |held| held.desk.outstanding().is_none());
    let released = idle
        && instance.give(Job::Release).is_ok()
        && board.wait_until(until, |held| held.released);
    let failed = board.at_once(|held, _| {
        if let Some(id) = release {
            held.queue.reply(id, Ok(&Done {}));
        }
        held.failed
    });
    if !released {
        say(format_args!(
            "the handler did not end within {} s; its process ends without it",
            grace.as_secs_f32()
        ));
    }
    board.finish(FLUSH_GRACE);
    match (released, failed) {
        (false, _) => Ended::Hung,
        (true, true) => Ended::Failed,
        (true, false) => Ended::Well,
    }
}

impl Server {
    /// Takes one line; gives the number of a `release`.
    fn hear(&mut self, line: &str) -> Option<u64> {
        let envelope = match Envelope::parse(line) {
            Ok(envelope) => envelope,
            Err(error) => {
                let error = RpcError::new(RpcError::PARSE, error.to_string());
                self.refuse(None, &error);
                return None;
            }
        };
        match (envelope.method, envelope.id) {
            (Some(method), Some(id)) => match Call::decode(&method, envelope.params) {
                Ok(Call::Release(_)) => return Some(id),
                Ok(call) => {
                    if let Err(error) = self.call(id, call) {
                        self.refuse(Some(id), &error);
                    }
                }
                Err(error) => self.refuse(Some(id), &refusal(&error)),
            },
            (Some(method), None) => {
                // An unknown notification is a feature that this side does not have.
                if let Ok(Notice::ItemStatus(notice)) = Notice::decode(&method, envelope.params) {
                    self.mark(notice.item.as_ref(), notice.verdict);
                }
            }
            (None, Some(id)) => {
                let answer = match envelope.error {
                    Some(_) => None,
                    None => Some(envelope.result.map_or("{}", RawValue::get).to_owned()),
                };
                self.instance.questions.answered(id, answer);
            }
            (None, None) => {}
        }
        None
    }

    fn mark(&self, item: Option<&ItemId>, verdict: Verdict) {
        let id = item.and_then(|item| parse(item.as_str()));
        self.instance.board.at_once(|held, _| match (verdict, id) {
            (Verdict::CancelAll, _) => held.desk.stop(),
            (Verdict::CancelItem, Some(id)) => held.desk.skip(&id),
            (Verdict::CancelItem, None) | (Verdict::Continue, _) => {}
        });
        if verdict == Verdict::CancelAll {
            self.instance.questions.stop();
        }
        self.instance.statuses_may_be_due();
    }

    fn call(&mut self, id: u64, call: Call) -> Result<(), RpcError> {
        if let Call::Initialize(params) = call {
            return self.initialize(id, params);
        }
        let phase = self.instance.board.look(|held| held.desk.phase());
        if matches!(phase, Phase::New | Phase::Out | Phase::Released) {
            return Err(out_of_phase(&call));
        }
        match call {
            Call::ListItems(ref params) => self.list(id, &call, params),
            Call::Prepare(page) => self.prepare(id, page),
            Call::Synchronize(_) => {
                self.accept(Operation::Synchronize)?;
                self.give(Job::Synchronize { id })
            }
            Call::ShowProperties(params) => {
                let item = params.item.as_ref().map_or(Ok(GUID_NULL), identity)?;
                self.with_properties(&item)?;
                self.accept(Operation::Properties)?;
                let window = window(params.window);
                self.give(Job::Properties { id, item, window })
            }
            Call::ShowError(params) => {
                let error = parse(&params.error).ok_or_else(|| {
                    let text = "the name of an error of a COM handler is a GUID";
                    RpcError::new(RpcError::INVALID_PARAMS, text)
                })?;
                self.accept(Operation::Error)?;
                let window = window(params.window);
                self.give(Job::Error { id, error, window })
            }
            Call::Properties(params) => self.properties(id, &params),
            Call::Initialize(_)
            | Call::Release(_)
            | Call::DefineItem(_)
            | Call::Plan(_)
            | Call::Undo(_)
            | Call::ListConflicts(_)
            | Call::ResolveConflict(_)
            | Call::ReadVersion(_) => {
                let text = format!("a COM handler has no `{}`", call.method());
                Err(RpcError::new(RpcError::METHOD_NOT_FOUND, text))
            }
        }
    }

    fn initialize(&mut self, id: u64, params: Initialize) -> Result<(), RpcError> {
        if !params.contract.contains(&CONTRACT_VERSION) {
            return Err(RpcError {
                code: RpcError::VERSION,
                message: format!("this program speaks contract version {CONTRACT_VERSION}"),
                data: Some(ErrorData {
                    supported: vec![CONTRACT_VERSION],
                    ..ErrorData::default()
                }),
            });
        }
        if std::mem::replace(&mut self.begun, true) {
            let text = "`initialize` came a second time";
            return Err(RpcError::new(RpcError::OUT_OF_PHASE, text));
        }
        let flags = flags(&params);
        let cookie = match params.cookie {
            // Outside of an invocation there is none (M-37).
            Some(text) if params.event == Event::Invoke => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(text);
                bytes.map_err(|_| {
                    RpcError::new(RpcError::INVALID_PARAMS, "the cookie is not base 64")
                })?
            }
            Some(_) | None => Vec::new(),
        };
        self.give(Job::Initialize { id, flags, cookie })
    }

    fn list(&self, id: u64, call: &Call, params: &ListItems) -> Result<(), RpcError> {
        let Some(cursor) = &params.cursor else {
            if !self.instance.board.look(|held| held.desk.may_list()) {
                return Err(out_of_phase(call)); // M-89
            }
            return self.give(Job::List { id });
        };
        let page = enter(&self.instance.lists).resume(cursor)?;
        let page = ItemPage {
            items: page.elements,
            next: page.next,
            incomplete: page.incomplete,
        };
        self.answer(id, &page);
        Ok(())
    }

    fn prepare(&mut self, id: u64, page: Prepare) -> Result<(), RpcError> {
        for item in &page.items {
            let item = identity(item).inspect_err(|_| self.collecting.clear())?;
            self.collecting.push(item);
        }
        if self.collecting.len() > MAX_ITEMS {
            self.collecting.clear();
            let text = format!("a run has at most {MAX_ITEMS} items");
            return Err(RpcError::new(RpcError::INVALID_PARAMS, text));
        }
        if page.more {
            self.answer(id, &Started::Yes);
            return Ok(());
        }
        let mut seen = std::collections::HashSet::new();
        let mut items = std::mem::take(&mut self.collecting);
        items.retain(|item| *item != GUID_NULL && seen.insert(*item)); // M-69
        if items.is_empty() {
            let reason = "no item is selected".to_owned(); // M-68
            self.answer(id, &Started::No { reason });
            return Ok(());
        }
        self.accept(Operation::Prepare)?;
        let board = &self.instance.board;
        board.at_once(|held, _| held.desk.begin_run(&items));
        self.give(Job::Prepare { id, items })
    }

    /// The properties of a COM handler are a window of its own; as data there are none.
    fn properties(&self, id: u64, params: &Properties) -> Result<(), RpcError> {
        let item = params.item.as_ref().map_or(Ok(GUID_NULL), identity)?;
        self.with_properties(&item)?;
        if params.values.is_some() {
            let text = "a COM handler changes its properties in a window of its own";
            return Err(RpcError::refused("comhost::properties", text, None));
        }
        self.answer(id, &PropertySheet::default());
        Ok(())
    }

    fn with_properties(&self, item: &GUID) -> Result<(), RpcError> {
        let has = |held: &mut crate::board::Held| held.desk.has_properties(item);
        if self.instance.board.look(has) {
            return Ok(());
        }
        let text = "there are no properties to show";
        Err(RpcError::refused("comhost::properties", text, None)) // M-135, M-136
    }

    fn accept(&self, operation: Operation) -> Result<(), RpcError> {
        let accept = |held: &mut crate::board::Held| held.desk.accept(operation);
        self.instance.board.look(accept).map_err(|_| {
            let text = format!(
                "{} does not fit what the handler is doing",
                operation.method()
            );
            RpcError::new(RpcError::OUT_OF_PHASE, text)
        })
    }

    fn give(&self, job: Job) -> Result<(), RpcError> {
        self.instance.give(job).map_err(|_| {
            let text = "too many requests at once";
            RpcError::refused("comhost::busy", text, None)
        })
    }

    fn answer<A: serde::Serialize>(&self, id: u64, answer: &A) {
        let board = &self.instance.board;
        board.at_once(|held, _| held.queue.reply(id, Ok(answer)));
    }

    fn refuse(&self, id: Option<u64>, error: &RpcError) {
        let board = &self.instance.board;
        board.at_once(|held, _| held.queue.refuse(id, error));
    }
}

/// The flags of `Initialize`: exactly one event, and the two bits (M-33 to M-36).
fn flags(params: &Initialize) -> u32 {
    let event = match params.event {
        Event::Connect => flag::CONNECT,
        Event::PendingDisconnect => flag::PENDING_DISCONNECT,
        Event::Manual => flag::MANUAL,
        Event::Idle => flag::IDLE,
        Event::Invoke => flag::INVOKE,
        Event::Scheduled => flag::SCHEDULED,
    };
    let bit = |set, bit| if set { bit } else { 0 };
    event
        | bit(params.settings, flag::SETTINGS)
        | bit(params.may_bother_user, flag::MAY_BOTHER_USER)
}

fn identity(item: &ItemId) -> Result<GUID, RpcError> {
    parse(item.as_str()).ok_or_else(|| {
        let text = format!("{item} is no item of a COM handler");
        RpcError::new(RpcError::INVALID_PARAMS, text)
    })
}

fn window(window: Option<u64>) -> usize {
    // A window of a wider world than ours is no window here.
    window
        .and_then(|one| usize::try_from(one).ok())
        .unwrap_or(0)
}

fn out_of_phase(call: &Call) -> RpcError {
    let text = format!("`{}` does not fit what the handler is doing", call.method());
    RpcError::new(RpcError::OUT_OF_PHASE, text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_those_of_the_golden_traces() {
        let told = |event, may_bother_user, settings| {
            let params = serde_json::json!({
                "contract": [1],
                "event": event,
                "mayBotherUser": may_bother_user,
                "settings": settings,
            });
            flags(&serde_json::from_value(params).unwrap())
        };
        assert_eq!(told("manual", true, false), 0x203);
        assert_eq!(told("connect", true, false), 0x201);
        assert_eq!(told("pending-disconnect", true, false), 0x202);
        assert_eq!(told("idle", false, false), 0x004);
        assert_eq!(told("scheduled", false, false), 0x006);
        assert_eq!(told("invoke", true, false), 0x205);
        assert_eq!(told("manual", true, true), 0x303);
    }
}
