//! The thread that owns the object: every method of the handler is called here and nowhere else (M-12), never from inside
//! a callback (M-14), and with no lock held (M-13).

#![expect(unsafe_code, reason = "methods of foreign code are called")]

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use syncmgr_com::com_interface::{ISyncMgrSynchronize, ISyncMgrSynchronizeCallback};
use syncmgr_com::constant::hresult::{S_FALSE, S_OK};
use syncmgr_com::constant::{flag, handler_flag, status};
use syncmgr_com::structure::Handle;
use syncmgr_com::{GUID, HRESULT, Interface as _};
use syncmgr_handler::Callback;
use syncmgr_handler::call::{Initialized, ItemPage};
use syncmgr_handler::callback::{Level, Log};
use syncmgr_handler::contract::{CONTRACT_VERSION, feature};
use syncmgr_handler::frame::RpcError;

use crate::board::{clock, enter};
use crate::com_activate::{Source, activate};
use crate::com_callback::CallbackObject;
use crate::com_listing::{self, Seen};
use crate::desk::{Operation, shown};
use crate::instance::{Instance, Job};
use crate::{say, sys, tell};

/// How long threads of the handler that still hold the callback may take to let it go, once it was taken back.
const LINGER: Duration = Duration::from_millis(500);

/// How often it is looked whether they did.
const LOOK: Duration = Duration::from_millis(2);

/// How many references to the callback are our own.
const OURS: u32 = 2;

/// The thread that owns the object.
pub(crate) struct Apartment {
    instance: Arc<Instance>,
    source: Source,
    class: GUID,
    object: Option<ISyncMgrSynchronize>,
    /// Set once, with the first list.
    callback: Option<ISyncMgrSynchronizeCallback>,
    interactive: bool,
}

impl Apartment {
    pub(crate) fn new(instance: Arc<Instance>, source: Source, class: GUID) -> Self {
        Self {
            instance,
            source,
            class,
            object: None,
            callback: None,
            interactive: false,
        }
    }

    /// Does one job after the other until the object is released.
    pub(crate) fn run(mut self) {
        let entered = sys::enter_apartment();
        loop {
            match self.instance.next_job() {
                Job::Initialize { id, flags, cookie } => {
                    self.initialize(id, flags, &cookie, entered.as_ref().err());
                }
                Job::List { id } => self.list(id),
                Job::Prepare { id, mut items } => {
                    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
                    let list = items.as_mut_ptr();
                    self.operate(id, Operation::Prepare, |object| {
                        // SAFETY: as many identifiers as we say, which live through the call (2.7); no window.
                        unsafe { object.PrepareForSync(count, list, ptr::null_mut(), 0) }
                    });
                }
                Job::Synchronize { id } => {
                    self.operate(id, Operation::Synchronize, |object| {
                        // SAFETY: no window is allowed.
                        unsafe { object.Synchronize(ptr::null_mut()) }
                    });
                }
                Job::Properties { id, item, window } => {
                    self.operate(id, Operation::Properties, |object| {
                        // SAFETY: the identifier lives through the call; a window is only a number to us.
                        unsafe { object.ShowProperties(handle(window), &raw const item) }
                    });
                }
                Job::Error { id, error, window } => {
                    self.operate(id, Operation::Error, |object| {
                        // SAFETY: the identifier lives through the call; a window is only a number to us.
                        unsafe { object.ShowError(handle(window), &raw const error) }
                    });
                }
                Job::Statuses => self.statuses(),
                Job::Release => {
                    self.release();
                    return;
                }
            }
        }
    }

    fn reply<A: serde::Serialize>(&self, id: u64, result: &Result<A, RpcError>) {
        let board = &self.instance.board;
        board.at_once(|held, _| held.queue.reply(id, result.as_ref()));
    }

    fn report(&self, seen: Vec<Seen>) {
        self.instance.board.at_once(|held, now| {
            for (obligation, text) in seen {
                let breach = held.desk.breach(obligation, text);
                held.report(now, breach);
            }
        });
    }

    fn warn(&self, text: String) {
        let entry = Log {
            level: Level::Warning,
            text,
            item: None,
            detail: None,
            error: None,
            jump: false,
        };
        let board = &self.instance.board;
        board.at_once(|held, now| held.queue.tell(now, &Callback::Log(entry)));
    }

    /// Ends the instance for a reason that no later call can mend.
    fn fail(&self, id: u64, name: &str, text: String, hint: &str) {
        say(format_args!("{text}"));
        let error = RpcError::refused(name, text, Some(hint.to_owned()));
        self.instance.board.at_once(|held, _| {
            held.desk.give_up();
            held.failed = true;
            held.queue.reply::<()>(id, Err(&error));
        });
    }

    fn initialize(&mut self, id: u64, flags: u32, cookie: &[u8], apartment: Option<&String>) {
        self.interactive = flags & flag::MAY_BOTHER_USER != 0;
        if let Some(cause) = apartment {
            let text = format!("no apartment could be entered: {cause}");
            return self.fail(id, "comhost::create", text, "try again");
        }
        let object = match activate(&self.source, &self.class) {
            Ok(object) => object,
            Err(error) => return self.fail(id, error.name(), error.to_string(), error.hint()),
        };
        let result = com_listing::initialize(&object, flags, cookie);
        if result != S_OK {
            // Nothing but the release follows (M-39, M-40).
            drop(object);
            return self.stays_out(id, result);
        }
        let (mut info, flags, seen) = com_listing::handler_info(&object);
        // The feature must be announced before the items, and with them theirs, are known; what it has itself is told now.
        info.own_properties = Some(flags & handler_flag::HAS_PROPERTIES != 0); // M-136
        self.object = Some(object);
        let mut features = vec![
            feature::PROPERTIES.to_owned(),
            feature::SHOW_ERROR.to_owned(),
        ];
        if flags & handler_flag::MAY_ESTABLISH_CONNECTION != 0 {
            features.push(feature::CONNECTION.to_owned());
        }
        let initialized = Initialized {
            contract: CONTRACT_VERSION,
            features,
            takes_part: true,
            handler: info,
        };
        self.instance.board.at_once(|held, _| {
            held.desk.initialized(Some(flags));
            held.queue.reply(id, Ok(&initialized));
        });
        self.report(seen);
    }

    fn stays_out(&self, id: u64, result: HRESULT) {
        if result.is_err() {
            let text = format!(
                "the handler refused to begin: Initialize returned {}",
                shown(result)
            );
            return self.fail(
                id,
                "comhost::initialize",
                text,
                "look into the handler's own log",
            );
        }
        let initialized = Initialized {
            contract: CONTRACT_VERSION,
            features: Vec::new(),
            takes_part: false,
            handler: syncmgr_handler::item::HandlerInfo::default(),
        };
        self.instance.board.at_once(|held, _| {
            held.desk.initialized(None);
            held.queue.reply(id, Ok(&initialized));
        });
        if result != S_FALSE {
            let text = format!("Initialize returned {}", shown(result));
            self.report(vec![("H-06", text)]);
        }
    }

    fn list(&mut self, id: u64) {
        let Some(object) = &self.object else {
            return self.reply::<()>(id, &Err(out_of_phase("items/list")));
        };
        let listing = com_listing::items(object);
        if self.callback.is_none() {
            // Once, after the first enumeration and before anything that could want it (M-47, M-64).
            let callback: ISyncMgrSynchronizeCallback = CallbackObject {
                instance: Arc::clone(&self.instance),
            }
            .into();
            // SAFETY: the callback is alive; the handler counts its own reference (2.7).
            let result = unsafe { object.SetProgressCallback(callback.as_raw()) };
            // One reference stays for ever: a handler that forgot to count its own must not meet freed memory.
            std::mem::forget(callback.clone());
            if result.is_err() {
                let text = format!("SetProgressCallback returned {}", shown(result));
                return self.fail(
                    id,
                    "comhost::callback",
                    text,
                    "ask the author of the handler",
                );
            }
            self.callback = Some(callback);
        }
        let (page, long) = enter(&self.instance.lists).begin(listing.items, listing.incomplete);
        let page = ItemPage {
            items: page.elements,
            next: page.next,
            incomplete: page.incomplete,
        };
        self.instance.board.at_once(|held, _| {
            held.desk.listed(listing.known);
            held.queue.reply(id, Ok(&page));
        });
        self.report(listing.seen);
        if let Some(failure) = listing.failure.filter(|_| self.interactive) {
            self.warn(failure);
        }
        for item in long {
            self.warn(format!("item {} is too long to be listed", item.id));
        }
    }

    /// Calls a method that only starts work, and answers when it returned.
    fn operate(
        &self,
        id: u64,
        operation: Operation,
        call: impl FnOnce(&ISyncMgrSynchronize) -> HRESULT,
    ) {
        let Some(object) = &self.object else {
            return self.reply::<()>(id, &Err(out_of_phase(operation.method())));
        };
        let board = &self.instance.board;
        board.at_once(|held, now| held.enter(now, operation));
        let result = call(object);
        board.at_once(|held, now| {
            let (end, breach) = held.desk.returned(operation, result);
            // What was reported inside the method comes before its answer.
            held.queue.flush(now);
            held.queue.reply(id, Ok(&tell::started(operation, result)));
            held.report(now, breach);
            if let Some(end) = end {
                tell::completed(held, now, operation, end);
            }
        });
        self.statuses();
    }

    /// Tells the handler of every skip whose time has come (M-104 to M-109).
    fn statuses(&self) {
        let Some(object) = &self.object else { return };
        let board = &self.instance.board;
        while let Some(item) = board.look(|held| held.desk.next_due()) {
            // The result means nothing (M-108).
            // SAFETY: the identifier lives through the call.
            let HRESULT(_) = unsafe { object.SetItemStatus(&raw const item, status::SKIPPED) };
        }
    }

    fn release(&mut self) {
        let board = &self.instance.board;
        board.at_once(|held, _| held.desk.release());
        if let Some(object) = self.object.take() {
            if self.callback.is_some() {
                // The result means nothing (3.4.6).
                // SAFETY: null takes the callback back (M-65).
                let HRESULT(_) = unsafe { object.SetProgressCallback(ptr::null_mut()) };
            }
            drop(object);
        }
        if let Some(callback) = &self.callback {
            // The end of the process would cut them off in the middle of what they do after their last report.
            let until = clock() + LINGER;
            while held_by_others(callback) && clock() < until {
                board.wait_until(clock() + LOOK, |_| false);
            }
        }
        board.at_once(|held, _| held.released = true);
    }
}

/// Whether anybody but us holds the callback.
fn held_by_others(callback: &ISyncMgrSynchronizeCallback) -> bool {
    let unknown = &callback.vtable().base__;
    // SAFETY: the object is alive, and the reference that is added is given back at once.
    let count = unsafe {
        (unknown.AddRef)(callback.as_raw());
        (unknown.Release)(callback.as_raw())
    };
    count > OURS
}

/// A window as COM passes it.
fn handle(window: usize) -> Handle {
    ptr::without_provenance_mut::<c_void>(window)
}

fn out_of_phase(method: &str) -> RpcError {
    let text = format!("`{method}` does not fit what the handler is doing");
    RpcError::new(RpcError::OUT_OF_PHASE, text)
}
