//! The callback object that a handler is given: callable from any thread at any time, and it believes nothing (M-09).
//!
//! Progress is answered from the desk at once and told to the manager behind its back; only `EnableModeless`,
//! `EstablishConnection` and a progress from inside a method of the run wait for the manager. No method calls the handler
//! (M-14).

#![expect(unsafe_code, reason = "the methods take pointers of foreign code")]

use std::sync::Arc;
use std::time::Duration;

use syncmgr_com::com_guard::guard;
use syncmgr_com::com_interface::{ISyncMgrSynchronizeCallback, ISyncMgrSynchronizeCallback_Impl};
use syncmgr_com::com_text;
use syncmgr_com::constant::hresult::{
    E_FAIL, E_INVALIDARG, E_UNEXPECTED, S_FALSE, S_OK, S_SYNCMGR_CANCELALL, S_SYNCMGR_CANCELITEM,
};
use syncmgr_com::constant::{error_flag, log_level, log_mask, progress_mask, status};
use syncmgr_com::guid::{GUID_NULL, braced};
use syncmgr_com::structure::{LogErrorInfo, ProgressItem};
use syncmgr_com::{GUID, HRESULT};
use syncmgr_handler::Callback;
use syncmgr_handler::call::Verdict;
use syncmgr_handler::callback::{
    DeleteLog, EnableModeless, EstablishConnection, Level, Log, Progress, Status,
};
use syncmgr_handler::contract::{MAX_DETAIL_BYTES, MAX_ENTRY_BYTES, MAX_TEXT_UNITS};
use windows_core::{BOOL, implement};

use crate::desk::{self, Operation};
use crate::instance::Instance;
use crate::tell;

/// How long the manager may take to say whether a window may be shown; no answer means no.
const MODELESS_WAIT: Duration = Duration::from_secs(10);

/// How long the manager may take to judge a progress; no answer means that it goes on, and that it is asked no more.
const VERDICT_WAIT: Duration = Duration::from_secs(2);

/// How often the manager is asked for a verdict at most: a handler that reports all the time is not held up by it.
const VERDICT_PACE: Duration = Duration::from_millis(1);

/// How long a connection may take to come up; no answer means that it did not.
const CONNECTION_WAIT: Duration = Duration::from_secs(300);

/// Longest name of a connection, in units.
const MAX_CONNECTION_UNITS: usize = 1024;

/// Most units of a log entry that are read; what lies beyond would be cut anyway.
const MAX_LOG_UNITS: usize = MAX_DETAIL_BYTES;

/// Most items that one retry names: as many as fit into one message.
const MAX_RETRY: usize = 1 << 14;

/// The callback of one instance.
#[implement(ISyncMgrSynchronizeCallback)]
pub(crate) struct CallbackObject {
    pub(crate) instance: Arc<Instance>,
}

impl CallbackObject {
    fn complete(&self, operation: Operation, result: HRESULT, retry: Vec<GUID>) -> HRESULT {
        let answer = self.instance.board.in_turn(|held, now| {
            let done = held.desk.completed(operation, result, retry);
            held.report(now, done.breach);
            if let Some(end) = done.end {
                tell::completed(held, now, operation, end);
            }
            done.answer
        });
        self.instance.statuses_may_be_due();
        answer
    }

    /// Has the manager judge an item of a run whose method has not returned (M-92, M-93, M-105).
    fn judged(&self, item: &GUID) -> HRESULT {
        let board = &self.instance.board;
        // A report without content changes nothing.
        let question = Progress {
            item: tell::item_id(item),
            ..Progress::default()
        };
        let questions = &self.instance.questions;
        let answer = questions.ask(board, &question, VERDICT_WAIT, false);
        let Some(answer) = answer else {
            // A manager that does not judge must not slow every report of a long run.
            board.look(|held| held.unjudged = true);
            return S_OK;
        };
        let verdict = answer.verdict;
        board.look(|held| match verdict {
            Verdict::Continue => {}
            Verdict::CancelItem => held.desk.skip(item),
            Verdict::CancelAll => held.desk.stop(),
        });
        match verdict {
            Verdict::Continue => S_OK,
            Verdict::CancelItem => S_SYNCMGR_CANCELITEM,
            Verdict::CancelAll => S_SYNCMGR_CANCELALL,
        }
    }

    /// Tells that an argument is not of the contract.
    fn breach(&self, obligation: &'static str, text: &str) -> HRESULT {
        self.instance.board.in_turn(|held, now| {
            let breach = held.desk.breach(obligation, text.to_owned());
            held.report(now, breach);
        });
        E_INVALIDARG
    }
}

impl ISyncMgrSynchronizeCallback_Impl for CallbackObject_Impl {
    unsafe fn ShowPropertiesCompleted(&self, result: HRESULT) -> HRESULT {
        guard(|| self.complete(Operation::Properties, result, Vec::new()))
    }

    unsafe fn PrepareForSyncCompleted(&self, result: HRESULT) -> HRESULT {
        guard(|| self.complete(Operation::Prepare, result, Vec::new()))
    }

    unsafe fn SynchronizeCompleted(&self, result: HRESULT) -> HRESULT {
        guard(|| self.complete(Operation::Synchronize, result, Vec::new()))
    }

    unsafe fn ShowErrorCompleted(
        &self,
        result: HRESULT,
        count: u32,
        items: *const GUID,
    ) -> HRESULT {
        guard(|| {
            let mut retry = Vec::new();
            if desk::asks_retry(result) && !items.is_null() {
                let whole = usize::try_from(count).unwrap_or(usize::MAX);
                for at in 0..whole.min(MAX_RETRY) {
                    // SAFETY: not null; the handler vouches for `count` identifiers until this returns (2.7).
                    retry.push(unsafe { items.add(at).read_unaligned() });
                }
                if whole > MAX_RETRY {
                    let HRESULT(_) = self.breach(
                        "H-46",
                        "ShowErrorCompleted names more items than can be run again",
                    );
                }
            }
            self.complete(Operation::Error, result, retry)
        })
    }

    unsafe fn EnableModeless(&self, enable: BOOL) -> HRESULT {
        guard(|| {
            let enable = enable.as_bool();
            let board = &self.instance.board;
            if let Some(answer) = board.look(|held| held.desk.modeless(enable)) {
                return answer;
            }
            let question = EnableModeless { enable };
            let answer = self
                .instance
                .questions
                .ask(board, &question, MODELESS_WAIT, false);
            let allowed = answer.is_some_and(|answer| answer.allowed);
            if !enable || allowed { S_OK } else { S_FALSE } // M-117, M-112, M-113
        })
    }

    unsafe fn Progress(&self, item: *const GUID, progress: *const ProgressItem) -> HRESULT {
        guard(|| {
            if item.is_null() || progress.is_null() {
                return self.breach("H-40", "Progress was called with a null pointer"); // M-97
            }
            // SAFETY: not null; readable during the call (2.7).
            let item = unsafe { item.read_unaligned() };
            // SAFETY: not null; a structure begins with its size, whatever its size is (2.4).
            let size = unsafe { (&raw const (*progress).cb_size).read_unaligned() };
            if size < size_of::<ProgressItem>().try_into().unwrap_or(u32::MAX) {
                return self.breach(
                    "H-40",
                    "Progress was called with a cbSize that is too small",
                );
            }
            // SAFETY: not null, and as large as the structure by its own word. Its pointer is only copied here.
            let told = unsafe { progress.read_unaligned() };
            let named = |mask| told.mask & mask != 0; // M-94
            let status = named(progress_mask::STATUS_TYPE)
                .then(|| status_of(told.status_type))
                .flatten(); // M-98
            let text = if named(progress_mask::STATUS_TEXT) {
                // SAFETY: the mask says that the text is there, with a terminator, until this returns (2.7).
                unsafe { com_text::read(told.status_text, MAX_TEXT_UNITS + 1) }
            } else {
                None
            };
            let number = |number: i32| u64::try_from(number).unwrap_or(0); // M-99
            let value = named(progress_mask::PROG_VALUE).then(|| number(told.prog_value));
            let max = named(progress_mask::MAX_VALUE).then(|| number(told.max_value));
            let (answer, ask) = self.instance.board.report(|held, now| {
                if held.is_gone() {
                    return ((S_SYNCMGR_CANCELALL, false), false);
                }
                let verdict = held.desk.progress(&item, status);
                let mut news = verdict.breach.is_some();
                held.report(now, verdict.breach);
                if verdict.counts {
                    let report = Progress {
                        item: tell::item_id(&item),
                        status,
                        text: text.map(|text| tell::units(text, MAX_TEXT_UNITS)),
                        value,
                        max,
                        counts: None,
                        failure: None,
                        retry_after: None,
                    };
                    news |= held.queue.progress(now, item, report);
                }
                let ask = verdict.answer == S_OK
                    && verdict.counts
                    && held.desk.inside()
                    && held.may_ask(now, VERDICT_PACE);
                ((verdict.answer, ask), news)
            });
            if ask { self.judged(&item) } else { answer }
        })
    }

    unsafe fn LogError(&self, level: u32, text: *const u16, info: *const LogErrorInfo) -> HRESULT {
        guard(|| {
            let level = match level {
                log_level::INFORMATION => Level::Information,
                log_level::WARNING => Level::Warning,
                log_level::ERROR => Level::Error,
                _ => return self.breach("H-43", "LogError was called with an unknown level"),
            };
            // SAFETY: null, or with a terminator and readable until this returns (2.7).
            let Some(text) = (unsafe { com_text::read(text, MAX_LOG_UNITS) }) else {
                return self.breach("H-43", "LogError was called without a text"); // M-122
            };
            let mut known = Told::default();
            if !info.is_null() {
                // SAFETY: not null; a structure begins with its size, whatever its size is (2.4).
                let size = unsafe { (&raw const (*info).cb_size).read_unaligned() };
                if size < size_of::<LogErrorInfo>().try_into().unwrap_or(u32::MAX) {
                    return self.breach(
                        "H-40",
                        "LogError was called with a cbSize that is too small",
                    );
                }
                // SAFETY: not null, and as large as the structure by its own word.
                known = Told::of(&unsafe { info.read_unaligned() });
            }
            self.instance.board.in_turn(|held, now| {
                if let Err(breach) = held.desk.logs() {
                    held.report(now, breach);
                    return E_UNEXPECTED; // M-67
                }
                if known.jump && known.error.is_none() {
                    let text = "LogError offers a link without the name of the error";
                    let breach = held.desk.breach("H-44", text.to_owned());
                    held.report(now, breach);
                }
                held.desk.logged(&known.error.unwrap_or(GUID_NULL));
                let item = known.item.filter(|item| held.desk.knows(item));
                let whole = text.len() > MAX_ENTRY_BYTES;
                let entry = Log {
                    level,
                    detail: whole.then(|| tell::bytes(text.clone(), MAX_DETAIL_BYTES)),
                    text: tell::bytes(text, MAX_ENTRY_BYTES),
                    item: item.and_then(|item| tell::item_id(&item)),
                    error: known.error.map(|error| braced(&error)),
                    jump: known.jump && known.error.is_some(), // M-124
                };
                held.queue.tell(now, &Callback::Log(entry));
                S_OK
            })
        })
    }

    unsafe fn DeleteLogError(&self, error: *const GUID, _reserved: u32) -> HRESULT {
        guard(|| {
            if error.is_null() {
                return self.breach("H-40", "DeleteLogError was called with a null pointer");
            }
            // SAFETY: not null; readable during the call (2.7).
            let error = unsafe { error.read_unaligned() };
            self.instance.board.in_turn(|held, now| {
                if let Err(breach) = held.desk.logs() {
                    held.report(now, breach);
                    return E_UNEXPECTED;
                }
                let answer = held.desk.delete_logged(&error);
                let error = (error != GUID_NULL).then(|| braced(&error));
                held.queue
                    .tell(now, &Callback::DeleteLog(DeleteLog { error }));
                answer
            })
        })
    }

    unsafe fn EstablishConnection(&self, name: *const u16, _reserved: u32) -> HRESULT {
        guard(|| {
            // SAFETY: null, or with a terminator and readable until this returns (2.7).
            let name = unsafe { com_text::read(name, MAX_CONNECTION_UNITS + 1) };
            let board = &self.instance.board;
            let answer = board.in_turn(|held, now| {
                let (answer, breach) = held.desk.connection();
                held.report(now, breach);
                if held.desk.stopped() {
                    return Some(answer.unwrap_or(E_FAIL));
                }
                answer
            });
            if let Some(answer) = answer {
                return answer;
            }
            let long = |name: &String| name.encode_utf16().count() > MAX_CONNECTION_UNITS;
            if name
                .as_ref()
                .is_some_and(|name| name.is_empty() || long(name))
            {
                return E_INVALIDARG;
            }
            let question = EstablishConnection { name };
            let questions = &self.instance.questions;
            match questions.ask(board, &question, CONNECTION_WAIT, true) {
                Some(answer) if answer.connected => S_OK,
                Some(_) | None => E_FAIL, // M-147
            }
        })
    }
}

/// What a log entry says beside its text, of the fields that its mask selects (M-123).
#[derive(Debug, Default, Clone, Copy)]
struct Told {
    jump: bool,
    error: Option<GUID>,
    item: Option<GUID>,
}

impl Told {
    fn of(info: &LogErrorInfo) -> Self {
        let named = |mask| info.mask & mask != 0;
        let real = |id: GUID| (id != GUID_NULL).then_some(id);
        Self {
            jump: named(log_mask::ERROR_FLAGS)
                && info.error_flags & error_flag::ENABLE_JUMP_TEXT != 0,
            error: real(info.error_id).filter(|_| named(log_mask::ERROR_ID)),
            item: real(info.item_id).filter(|_| named(log_mask::ITEM_ID)),
        }
    }
}

/// The status of a value; `None` for one that is not defined (M-98).
fn status_of(value: u32) -> Option<Status> {
    Some(match value {
        status::STOPPED => Status::Stopped,
        status::SKIPPED => Status::Skipped,
        status::PENDING => Status::Pending,
        status::UPDATING => Status::Updating,
        status::SUCCEEDED => Status::Succeeded,
        status::FAILED => Status::Failed,
        status::PAUSED => Status::Paused,
        status::RESUMING => Status::Resuming,
        status::UPDATING_INDETERMINATE => Status::UpdatingIndeterminate,
        status::DELETED => Status::Deleted,
        _ => return None,
    })
}
