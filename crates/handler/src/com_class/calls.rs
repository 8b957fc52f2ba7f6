//! Calls the manager's `ISyncMgrSynchronizeCallback` with what a handler says.

#![expect(unsafe_code, reason = "the callback of the manager is foreign code")]

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use syncmgr_com::GUID;
use syncmgr_com::com_interface::ISyncMgrSynchronizeCallback;
use syncmgr_com::com_text::to_units;
use syncmgr_com::constant::{error_flag, hresult, log_level, log_mask, progress_mask, status};
use syncmgr_com::guid::GUID_NULL;
use syncmgr_com::structure::{LogErrorInfo, ProgressItem};
use windows_core::HRESULT;

use super::identity::Names;
use super::wire::Wire;
use crate::call::{ItemStatusNotice, Notice, PropertiesEffect, Verdict};
use crate::callback::{
    Allowed, Callback, Completion, Connected, LateItems, Level, Log, Progress, ProgressVerdict,
    Prompt, Prompted, Question, Status,
};
use crate::frame::{Envelope, RpcError};
use crate::item::ItemId;
use crate::link::enter;

/// How long taking the callback back waits for a call that is under way.
const CALL_GRACE: Duration = Duration::from_secs(10);

/// The callback, and what must be known to call it.
pub(super) struct Calls {
    slot: Mutex<Slot>,
    idle: Condvar,
    told: Mutex<Told>,
    /// Numbers of items.
    pub(super) items: Names,
    /// Numbers of errors.
    pub(super) errors: Names,
}

#[derive(Default)]
struct Slot {
    callback: Option<Free>,
    /// Calls under way.
    calls: usize,
}

/// A callback that any thread may call.
#[derive(Clone)]
struct Free(ISyncMgrSynchronizeCallback);

// SAFETY: the manager's callback can be called from any thread, concurrently (M-09), also from one that never
// initialized COM (M-10, M-11), and its counting is that of a COM object without an apartment.
unsafe impl Send for Free {}

/// What a run was told already.
#[derive(Default)]
struct Told {
    /// Everything was cancelled.
    all: bool,
    /// Items that were cancelled.
    items: HashSet<ItemId>,
    /// By how many bits the values of an item are too large for the contract.
    shifts: HashMap<Option<ItemId>, u32>,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self {
            slot: Mutex::default(),
            idle: Condvar::new(),
            told: Mutex::default(),
            items: Names::default(),
            errors: Names::default(),
        }
    }

    /// Takes another callback, or none; the previous one is released, and is no more in use when this returns (H-24,
    /// H-50), unless it does not return itself.
    pub(super) fn replace(&self, callback: Option<ISyncMgrSynchronizeCallback>) {
        let gone = callback.is_none();
        let mut slot = enter(&self.slot);
        let previous = std::mem::replace(&mut slot.callback, callback.map(Free));
        if gone {
            let (waited, _) = self
                .idle
                .wait_timeout_while(slot, CALL_GRACE, |slot| slot.calls > 0)
                .unwrap_or_else(PoisonError::into_inner);
            slot = waited;
        }
        drop(slot);
        // Released without the lock: what that does is not ours.
        drop(previous);
    }

    /// Forgets what the previous run was told.
    pub(super) fn begin(&self) {
        *enter(&self.told) = Told::default();
    }

    fn with(&self, call: impl FnOnce(&ISyncMgrSynchronizeCallback) -> HRESULT) -> Option<HRESULT> {
        let mut slot = enter(&self.slot);
        let Free(callback) = slot.callback.clone()?;
        slot.calls += 1;
        drop(slot);
        let result = call(&callback);
        drop(callback);
        enter(&self.slot).calls -= 1;
        self.idle.notify_all();
        Some(result)
    }

    /// Takes one message of the handler's.
    pub(super) fn hear(self: &Arc<Self>, wire: &Arc<Wire>, method: &str, envelope: &Envelope<'_>) {
        let Some(id) = envelope.id else {
            if let Ok(callback) = Callback::decode(method, envelope.params) {
                self.tell(wire, callback);
            }
            return;
        };
        match Question::decode(method, envelope.params) {
            Ok(Question::EstablishConnection(wish)) => {
                // Dialling takes its time, during which everything else goes on.
                let (calls, own) = (Arc::clone(self), Arc::clone(wire));
                let asked = std::thread::Builder::new()
                    .name("com-connection".to_owned())
                    .spawn(move || own.answer(id, &calls.connect(wish.name.as_deref())));
                if let Err(cause) = asked {
                    let reason = Some(format!("no thread could be started: {cause}"));
                    let failed = Connected {
                        connected: false,
                        reason,
                    };
                    wire.answer(id, &failed);
                }
            }
            Ok(Question::Progress(report)) => {
                let verdict = self.progress(wire, &report);
                wire.answer(id, &ProgressVerdict { verdict });
            }
            Ok(Question::EnableModeless(wish)) => {
                // SAFETY: no pointers are given.
                let result =
                    self.with(|callback| unsafe { callback.EnableModeless(wish.enable.into()) });
                let allowed = result == Some(hresult::S_OK);
                wire.answer(id, &Allowed { allowed });
            }
            Ok(Question::Prompt(prompt)) => wire.answer(id, &without_person(prompt)),
            Ok(Question::QueryLateItems(_)) => wire.answer(id, &LateItems::default()),
            Ok(Question::AddItem(_) | Question::ProposeItem(_) | Question::CommitItem(_))
            | Err(_) => {
                let text = format!("a COM class has no `{method}`");
                wire.refuse(id, &RpcError::new(RpcError::METHOD_NOT_FOUND, text));
            }
        }
    }

    fn tell(&self, wire: &Wire, callback: Callback) {
        match callback {
            Callback::Progress(report) => {
                self.progress(wire, &report);
            }
            Callback::Log(entry) => self.log(&entry),
            Callback::DeleteLog(which) => {
                let error = which
                    .error
                    .map_or(GUID_NULL, |name| self.errors.number(&name));
                // SAFETY: the identifier lives through the call (2.7).
                self.with(|callback| unsafe { callback.DeleteLogError(&raw const error, 0) });
            }
            Callback::PrepareCompleted(completion) => {
                let result = self.outcome(completion);
                // SAFETY: no pointers are given.
                self.with(|callback| unsafe { callback.PrepareForSyncCompleted(result) });
            }
            Callback::SynchronizeCompleted(completion) => {
                let result = self.outcome(completion);
                // SAFETY: no pointers are given.
                self.with(|callback| unsafe { callback.SynchronizeCompleted(result) });
            }
            Callback::PropertiesCompleted(completed) => {
                let result = match completed.effect {
                    PropertiesEffect::Unchanged => hresult::S_OK,
                    PropertiesEffect::ItemDeleted => hresult::S_SYNCMGR_ITEMDELETED, // H-23
                    PropertiesEffect::EnumerateItems => hresult::S_SYNCMGR_ENUMITEMS,
                };
                // SAFETY: no pointers are given.
                self.with(|callback| unsafe { callback.ShowPropertiesCompleted(result) });
            }
            Callback::ErrorCompleted(completed) => {
                let number = |item: &ItemId| self.items.number(item.as_str());
                let again: Vec<GUID> = completed.retry.iter().map(number).collect();
                let (result, at) = match again.first() {
                    Some(first) => (hresult::S_SYNCMGR_RETRYSYNC, &raw const *first), // H-46
                    None => (hresult::S_OK, std::ptr::null()),
                };
                let count = u32::try_from(again.len()).unwrap_or(u32::MAX);
                // SAFETY: `count` identifiers live through the call, during which the manager copies them (2.7).
                self.with(|callback| unsafe { callback.ShowErrorCompleted(result, count, at) });
            }
            // Hints and reports for which the contract has no call.
            Callback::Violation(_)
            | Callback::PlanActions(_)
            | Callback::ItemsChanged(_)
            | Callback::ConflictsChanged(_)
            | Callback::WithdrawPrompt(_) => {}
        }
    }

    /// Reports, and hands a verdict other than going on to the handler, once an item.
    fn progress(&self, wire: &Wire, report: &Progress) -> Verdict {
        let text = report.text.as_deref().map(to_units);
        let (value, max) = self.measured(report);
        let masked = |given: bool, mask: u32| if given { mask } else { 0 };
        let native = ProgressItem {
            cb_size: size::<ProgressItem>(),
            mask: masked(text.is_some(), progress_mask::STATUS_TEXT)
                | masked(report.status.is_some(), progress_mask::STATUS_TYPE)
                | masked(value.is_some(), progress_mask::PROG_VALUE)
                | masked(max.is_some(), progress_mask::MAX_VALUE),
            status_text: text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr()),
            status_type: report.status.map_or(status::STOPPED, native_status),
            prog_value: value.unwrap_or_default(),
            max_value: max.unwrap_or_default(),
        };
        let item = self.number(report.item.as_ref());
        // SAFETY: identifier, structure and text live through the call, during which the manager reads them (2.7).
        let result =
            self.with(|callback| unsafe { callback.Progress(&raw const item, &raw const native) });
        let verdict = match result {
            // Without a callback there is nobody to work for (H-50).
            None | Some(hresult::S_SYNCMGR_CANCELALL) => Verdict::CancelAll, // H-38
            Some(hresult::S_SYNCMGR_CANCELITEM) => Verdict::CancelItem,      // H-37
            Some(_) => Verdict::Continue,
        };
        self.pass_on(wire, report.item.as_ref(), verdict);
        verdict
    }

    fn pass_on(&self, wire: &Wire, item: Option<&ItemId>, verdict: Verdict) {
        let mut told = enter(&self.told);
        let (fresh, item) = match (verdict, item) {
            (Verdict::Continue, _) => (false, None),
            // The handler's own row is no item that could be left out.
            (Verdict::CancelItem, None) => (false, None),
            (Verdict::CancelItem, Some(item)) => (told.items.insert(item.clone()), Some(item)),
            (Verdict::CancelAll, _) => (!std::mem::replace(&mut told.all, true), None),
        };
        drop(told);
        if fresh {
            let item = item.cloned();
            wire.notify(&Notice::ItemStatus(ItemStatusNotice { item, verdict }));
        }
    }

    /// The values as the contract has them, in 31 bits. They may come one by one, so the scale is that of the maximum.
    fn measured(&self, report: &Progress) -> (Option<i32>, Option<i32>) {
        let mut told = enter(&self.told);
        if let Some(max) = report.max {
            let shift = (u64::BITS - max.leading_zeros()).saturating_sub(31);
            if shift == 0 {
                told.shifts.remove(&report.item);
            } else {
                told.shifts.insert(report.item.clone(), shift);
            }
        }
        let shift = told.shifts.get(&report.item).copied().unwrap_or_default();
        let narrow = |value: u64| i32::try_from(value >> shift).unwrap_or(i32::MAX);
        (report.value.map(narrow), report.max.map(narrow))
    }

    fn log(&self, entry: &Log) {
        let text = match &entry.detail {
            Some(detail) => format!("{}\n{detail}", entry.text),
            None => entry.text.clone(),
        };
        let mut info = LogErrorInfo {
            cb_size: size::<LogErrorInfo>(),
            mask: log_mask::ERROR_FLAGS,
            error_flags: 0,
            error_id: GUID_NULL,
            item_id: GUID_NULL,
        };
        if let Some(item) = &entry.item {
            info.mask |= log_mask::ITEM_ID;
            info.item_id = self.items.number(item.as_str());
        }
        if let Some(error) = &entry.error {
            info.mask |= log_mask::ERROR_ID;
            info.error_id = self.errors.number(error);
            if entry.jump {
                info.error_flags = error_flag::ENABLE_JUMP_TEXT; // H-44
            }
        }
        self.log_units(native_level(entry.level), &text, Some(&info));
    }

    fn log_units(&self, level: u32, text: &str, info: Option<&LogErrorInfo>) {
        let text = to_units(text);
        let info = info.map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: text and structure live through the call; the structure may be null (2.3).
        self.with(|callback| unsafe { callback.LogError(level, text.as_ptr(), info) });
    }

    /// The result of a completion; the reason of a failure would be lost otherwise, so it becomes an entry.
    fn outcome(&self, completion: Completion) -> HRESULT {
        match completion {
            Completion::Done => hresult::S_OK,
            Completion::Cancelled => hresult::E_ABORT,
            Completion::Failed { reason, .. } => {
                self.log_units(log_level::ERROR, &reason, None);
                hresult::E_FAIL
            }
        }
    }

    fn connect(&self, name: Option<&str>) -> Connected {
        let name = name.map(to_units);
        let at = name.as_ref().map_or(std::ptr::null(), |name| name.as_ptr());
        // SAFETY: the name lives through the call; null means the default connection (2.3).
        let result = self.with(|callback| unsafe { callback.EstablishConnection(at, 0) });
        let reason = match result {
            Some(result) if result.is_ok() => None,
            Some(result) => Some(format!("the manager answered {:#010X}", result.0)),
            None => Some("there is no manager to ask".to_owned()),
        };
        Connected {
            connected: reason.is_none(),
            reason,
        }
    }

    fn number(&self, item: Option<&ItemId>) -> GUID {
        item.map_or(GUID_NULL, |item| self.items.number(item.as_str()))
    }
}

/// The contract has no way to ask a person but a window of the handler's own: the default is taken, where there is one.
fn without_person(prompt: Prompt) -> Prompted {
    match prompt.default {
        Some(choice) => Prompted::Chosen {
            choice,
            fields: serde_json::Map::new(),
        },
        None => Prompted::Refused,
    }
}

fn native_status(status: Status) -> u32 {
    match status {
        Status::Stopped => status::STOPPED,
        Status::Skipped => status::SKIPPED,
        Status::Pending => status::PENDING,
        Status::Updating => status::UPDATING,
        Status::UpdatingIndeterminate => status::UPDATING_INDETERMINATE,
        Status::Paused => status::PAUSED,
        Status::Resuming => status::RESUMING,
        Status::Succeeded => status::SUCCEEDED,
        Status::Failed | Status::Disconnected => status::FAILED,
        Status::Deleted => status::DELETED,
    }
}

fn native_level(level: Level) -> u32 {
    match level {
        Level::Information => log_level::INFORMATION,
        Level::Warning => log_level::WARNING,
        Level::Error => log_level::ERROR,
    }
}

/// The `cbSize` of a structure, which is some hundred bytes at most.
pub(super) fn size<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(u32::MAX)
}
