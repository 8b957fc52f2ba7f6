//! The state of one instance as a table: what may be called, what counts, and what a callback is answered.
//!
//! Pure: no COM, no lock, no clock. Sections and obligations are those of the contract's specification, `mobsync`.

use std::collections::{HashMap, HashSet, VecDeque};

use syncmgr_com::constant::hresult::{
    E_UNEXPECTED, S_FALSE, S_OK, S_SYNCMGR_CANCELALL, S_SYNCMGR_CANCELITEM, S_SYNCMGR_RETRYSYNC,
};
use syncmgr_com::constant::{handler_flag, item_flag};
use syncmgr_com::guid::GUID_NULL;
use syncmgr_com::{GUID, HRESULT};
use syncmgr_handler::callback::{Breach, Status};

/// How often a breach of one obligation is told; a handler that repeats it for ever is told of no more.
const MAX_TOLD: u32 = 8;

/// Most names of errors whose entries are counted; with more, removing one that is not counted answers as if it had
/// been there.
const MAX_ERRORS: usize = 1 << 16;

/// Where the instance stands (3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing was called yet.
    #[default]
    New,
    /// It takes part, and was not listed yet.
    Initialized,
    /// It has its callback and can be prepared.
    Listed,
    /// Its properties are shown.
    Properties,
    /// It prepares.
    Preparing,
    /// It is ready to synchronize.
    Prepared,
    /// It synchronizes.
    Syncing,
    /// The run is over.
    Done,
    /// It shows an error.
    ErrorUi,
    /// It takes no part, or could not be used.
    Out,
    /// No further call is made to it.
    Released,
}

/// The four calls that only start work (3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Properties,
    Prepare,
    Synchronize,
    Error,
}

impl Operation {
    /// The method that starts it.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Properties => "ShowProperties",
            Self::Prepare => "PrepareForSync",
            Self::Synchronize => "Synchronize",
            Self::Error => "ShowError",
        }
    }

    /// Whether the returned value says that the work began.
    pub(crate) fn began(self, returned: HRESULT) -> bool {
        match self {
            Self::Properties | Self::Error => returned.is_ok(),
            Self::Prepare | Self::Synchronize => returned == S_OK,
        }
    }

    fn phase(self) -> Phase {
        match self {
            Self::Properties => Phase::Properties,
            Self::Prepare => Phase::Preparing,
            Self::Synchronize => Phase::Syncing,
            Self::Error => Phase::ErrorUi,
        }
    }

    /// The obligation to complete once, and the one not to complete what did not begin.
    fn obligations(self) -> (&'static str, &'static str) {
        match self {
            Self::Properties => ("H-22", "H-22"),
            Self::Prepare => ("H-26", "H-27"),
            Self::Synchronize => ("H-34", "H-33"),
            Self::Error => ("H-45", "H-45"),
        }
    }
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// What it was completed with.
    pub(crate) result: HRESULT,
    /// The items to run again, only of `ShowError`.
    pub(crate) retry: Vec<GUID>,
}

/// One of the four pairs of a call and its completion.
#[derive(Debug, Clone, Default)]
struct Pair {
    /// It was started at least once.
    begun: bool,
    /// The method has not returned, or the completion has not come.
    open: bool,
    returned: bool,
    completed: Option<End>,
}

impl Pair {
    fn over(&mut self) -> Option<End> {
        if !self.returned {
            return None;
        }
        let end = self.completed.take()?;
        self.open = false;
        Some(end)
    }
}

/// An item of the run.
#[derive(Debug, Clone, Copy, Default)]
struct Member {
    skipped: bool,
    terminal: bool,
}

/// What the desk decided about a report of progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What the handler is answered.
    pub(crate) answer: HRESULT,
    /// The report counts and is passed on.
    pub(crate) counts: bool,
    /// What the handler did wrong.
    pub(crate) breach: Option<Breach>,
}

/// What the desk decided about a completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Completed {
    /// What the handler is answered.
    pub(crate) answer: HRESULT,
    /// The operation is over.
    pub(crate) end: Option<End>,
    /// What the handler did wrong.
    pub(crate) breach: Option<Breach>,
}

/// A call that does not fit the phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfPhase;

/// The state of one instance.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    phase: Phase,
    /// Where the instance goes when its properties are closed.
    back: Phase,
    flags: u32,
    items: HashMap<GUID, u32>,
    pairs: [Pair; 4],
    /// The items of the run, in its order.
    members: HashMap<GUID, Member>,
    order: Vec<GUID>,
    run_begun: bool,
    stopped: bool,
    /// Items whose skip is not yet told by `SetItemStatus`.
    due: VecDeque<GUID>,
    due_set: HashSet<GUID>,
    entries: HashMap<GUID, u32>,
    told: Vec<(&'static str, u32)>,
}

impl Desk {
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// `Initialize` was answered: the flags of the handler, or that it takes no part.
    pub(crate) fn initialized(&mut self, flags: Option<u32>) {
        self.phase = if flags.is_some() {
            Phase::Initialized
        } else {
            Phase::Out
        };
        self.flags = flags.unwrap_or_default();
    }

    /// The instance is of no further use.
    pub(crate) fn give_up(&mut self) {
        self.phase = Phase::Out;
    }

    /// Whether the items may be enumerated now (M-47, M-89).
    pub(crate) fn may_list(&self) -> bool {
        matches!(self.phase, Phase::Initialized | Phase::Listed | Phase::Done)
    }

    /// The items were enumerated and the callback is set.
    pub(crate) fn listed(&mut self, items: impl IntoIterator<Item = (GUID, u32)>) {
        self.items = items.into_iter().collect();
        if self.phase == Phase::Initialized {
            self.phase = Phase::Listed;
        }
    }

    /// Whether an item, or the handler itself, has properties to show (M-135, M-136).
    pub(crate) fn has_properties(&self, item: &GUID) -> bool {
        if *item == GUID_NULL {
            return self.flags & handler_flag::HAS_PROPERTIES != 0;
        }
        let flags = self.items.get(item).copied().unwrap_or_default();
        flags & item_flag::HAS_PROPERTIES != 0
    }

    /// Takes a call that starts work; the phase changes at once, so that the next one is judged by it.
    pub(crate) fn accept(&mut self, operation: Operation) -> Result<(), OutOfPhase> {
        let fits = match operation {
            Operation::Properties | Operation::Prepare => {
                matches!(self.phase, Phase::Listed | Phase::Done)
            }
            Operation::Synchronize => self.phase == Phase::Prepared,
            Operation::Error => self.phase == Phase::Done,
        };
        if !fits {
            return Err(OutOfPhase);
        }
        self.back = self.phase;
        self.phase = operation.phase();
        Ok(())
    }

    /// Begins a run with these items: every mark of an earlier one is gone (M-134).
    pub(crate) fn begin_run(&mut self, items: &[GUID]) {
        self.members = items
            .iter()
            .map(|item| (*item, Member::default()))
            .collect();
        self.order = items.to_vec();
        self.run_begun = true;
        self.stopped = false;
        self.due.clear();
        self.due_set.clear();
    }

    /// The method of an operation is about to be called.
    pub(crate) fn enter(&mut self, operation: Operation) {
        self.pairs[operation as usize] = Pair {
            begun: true,
            open: true,
            returned: false,
            completed: None,
        };
    }

    /// The method of an operation returned; the end, when it is over with its completion.
    pub(crate) fn returned(
        &mut self,
        operation: Operation,
        result: HRESULT,
    ) -> (Option<End>, Option<Breach>) {
        let pair = &mut self.pairs[operation as usize];
        pair.returned = true;
        if !operation.began(result) {
            // A refusal that is returned wins over a completion that came before (3.3, rule 4).
            pair.open = false;
            let completed = pair.completed.take().is_some();
            self.close(operation, None);
            let breach = completed.then(|| {
                let text = format!(
                    "{} was completed and then returned {}",
                    operation.method(),
                    shown(result)
                );
                self.breach(operation.obligations().1, text)
            });
            return (None, breach.flatten());
        }
        let end = pair.over();
        if let Some(end) = &end {
            self.close(operation, Some(end.result));
        }
        (end, None)
    }

    /// A completion came, from any thread, also before the return (3.3).
    pub(crate) fn completed(
        &mut self,
        operation: Operation,
        result: HRESULT,
        retry: Vec<GUID>,
    ) -> Completed {
        let breach = |desk: &mut Self, obligation, text: &str| {
            desk.breach(obligation, format!("{}: {text}", operation.method()))
        };
        let (once, _) = operation.obligations();
        if self.phase == Phase::Released {
            return Completed {
                answer: E_UNEXPECTED, // M-67
                end: None,
                breach: breach(self, "H-50", "completed after the callback was taken back"),
            };
        }
        let pair = &mut self.pairs[operation as usize];
        if !pair.begun {
            return Completed {
                answer: E_UNEXPECTED, // M-84
                end: None,
                breach: breach(self, once, "completed although it was never called"),
            };
        }
        if !pair.open || pair.completed.is_some() {
            return Completed {
                answer: S_OK, // M-83
                end: None,
                breach: breach(self, once, "completed more than once"),
            };
        }
        pair.completed = Some(End { result, retry });
        let end = pair.over();
        if let Some(end) = &end {
            self.close(operation, Some(end.result));
        }
        Completed {
            answer: S_OK,
            end,
            breach: None,
        }
    }

    /// Moves on from an operation that is over.
    fn close(&mut self, operation: Operation, completed: Option<HRESULT>) {
        if self.phase != operation.phase() {
            return; // Released meanwhile.
        }
        self.phase = match operation {
            Operation::Properties => self.back,
            Operation::Prepare if completed == Some(S_OK) => Phase::Prepared,
            Operation::Prepare | Operation::Synchronize | Operation::Error => Phase::Done,
        };
    }

    /// Whether a run's method has not returned yet. The manager tells nothing before it has (M-105), so that a handler that
    /// does its whole work inside would hear of no skip and no stop.
    pub(crate) fn inside(&self) -> bool {
        [Operation::Prepare, Operation::Synchronize]
            .into_iter()
            .any(|operation| {
                let pair = &self.pairs[operation as usize];
                pair.open && !pair.returned
            })
    }

    /// Whether an operation runs: called, and not over.
    pub(crate) fn outstanding(&self) -> Option<Operation> {
        [
            Operation::Properties,
            Operation::Prepare,
            Operation::Synchronize,
            Operation::Error,
        ]
        .into_iter()
        .find(|operation| self.pairs[*operation as usize].open)
    }

    /// Judges a report of progress, first match first (3.5.6).
    pub(crate) fn progress(&mut self, item: &GUID, status: Option<Status>) -> Verdict {
        let released = self.phase == Phase::Released;
        let over = matches!(
            self.phase,
            Phase::Done | Phase::ErrorUi | Phase::Out | Phase::Released
        ) || (self.phase == Phase::Properties && self.back == Phase::Done);
        let known = *item == GUID_NULL || self.members.contains_key(item);
        let open = self.run_begun && !over && known;
        let answer = if self.stopped || over {
            S_SYNCMGR_CANCELALL // M-93, M-67
        } else if !self.run_begun {
            S_OK
        } else if !known || self.members.get(item).is_some_and(|one| one.skipped) {
            S_SYNCMGR_CANCELITEM // M-92, M-101
        } else {
            S_OK
        };
        if let (true, Some(status), Some(member)) = (open, status, self.members.get_mut(item)) {
            member.terminal = status.is_terminal();
        }
        let breach = if released {
            let text = "Progress was called after the callback was taken back";
            self.breach("H-50", text.to_owned())
        } else if self.run_begun && !over && !known {
            self.breach(
                "H-31",
                "Progress names an item that is not of the run".into(),
            )
        } else {
            None
        };
        Verdict {
            answer,
            counts: open,
            breach,
        }
    }

    /// A person skips an item: told by `SetItemStatus` once and by every later verdict (M-92, M-107).
    pub(crate) fn skip(&mut self, item: &GUID) {
        let Some(member) = self.members.get_mut(item) else {
            return;
        };
        if !member.skipped {
            member.skipped = true;
            self.owe(*item);
        }
    }

    /// Everything is stopped: every item that is not over is told (M-109).
    pub(crate) fn stop(&mut self) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        for at in 0..self.order.len() {
            self.owe(self.order[at]);
        }
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stopped
    }

    fn owe(&mut self, item: GUID) {
        if self.due_set.insert(item) {
            self.due.push_back(item);
        }
    }

    /// Takes the next item whose skip is to be told now: only between return and completion (M-105), never one that is
    /// over (M-107).
    pub(crate) fn next_due(&mut self) -> Option<GUID> {
        let open = |operation: Operation| {
            let pair = &self.pairs[operation as usize];
            pair.open && pair.returned && pair.completed.is_none()
        };
        if !open(Operation::Prepare) && !open(Operation::Synchronize) {
            return None;
        }
        while let Some(item) = self.due.pop_front() {
            self.due_set.remove(&item);
            if self.members.get(&item).is_some_and(|one| !one.terminal) {
                return Some(item);
            }
        }
        None
    }

    /// Whether `EnableModeless` is a question to the manager; else its answer (3.5.5, 3.1).
    pub(crate) fn modeless(&self, enable: bool) -> Option<HRESULT> {
        if self.asks() {
            return None;
        }
        Some(if enable { S_FALSE } else { S_OK })
    }

    /// Whether `EstablishConnection` is a question to the manager; else its answer (3.8, 3.1).
    pub(crate) fn connection(&mut self) -> (Option<HRESULT>, Option<Breach>) {
        if !self.asks() {
            return (Some(E_UNEXPECTED), None);
        }
        let declared = self.flags & handler_flag::MAY_ESTABLISH_CONNECTION != 0;
        let breach = (!declared).then(|| {
            let text =
                "EstablishConnection was called without SYNCMGRHANDLER_MAYESTABLISHCONNECTION";
            self.breach("H-48", text.to_owned())
        });
        (None, breach.flatten())
    }

    fn asks(&self) -> bool {
        matches!(
            self.phase,
            Phase::Properties | Phase::Preparing | Phase::Syncing | Phase::ErrorUi
        )
    }

    /// Whether the log may be used: in every phase before release.
    pub(crate) fn logs(&mut self) -> Result<(), Option<Breach>> {
        if self.phase == Phase::Released {
            let text = "the log was used after the callback was taken back";
            return Err(self.breach("H-50", text.to_owned()));
        }
        Ok(())
    }

    /// Counts an entry by the name of its error.
    pub(crate) fn logged(&mut self, error: &GUID) {
        if let Some(count) = self.entries.get_mut(error) {
            *count = count.saturating_add(1);
        } else if self.entries.len() < MAX_ERRORS {
            self.entries.insert(*error, 1);
        }
    }

    /// Removes entries: of one error, or all (3.5.8).
    pub(crate) fn delete_logged(&mut self, error: &GUID) -> HRESULT {
        if *error == GUID_NULL {
            self.entries.clear();
            return S_OK;
        }
        let uncounted = self.entries.len() >= MAX_ERRORS;
        if self.entries.remove(error).is_some() || uncounted {
            S_OK
        } else {
            S_FALSE
        }
    }

    /// Whether an item was listed or is part of the run.
    pub(crate) fn knows(&self, item: &GUID) -> bool {
        self.items.contains_key(item) || self.members.contains_key(item)
    }

    /// The callback is taken back: from now on it answers as in 3.5.10.
    pub(crate) fn release(&mut self) {
        self.phase = Phase::Released;
    }

    /// A breach to be told; `None` when that obligation was told of often enough.
    pub(crate) fn breach(&mut self, obligation: &'static str, text: String) -> Option<Breach> {
        let at = self.told.iter().position(|(one, _)| *one == obligation);
        let at = at.unwrap_or_else(|| {
            self.told.push((obligation, 0));
            self.told.len() - 1
        });
        self.told[at].1 = self.told[at].1.saturating_add(1);
        (self.told[at].1 <= MAX_TOLD).then(|| Breach {
            obligation: obligation.to_owned(),
            text,
        })
    }
}

/// The items to run again: only with the one code that asks for it (M-132, M-133).
pub(crate) fn asks_retry(result: HRESULT) -> bool {
    result == S_SYNCMGR_RETRYSYNC
}

/// A result code as people look it up.
pub(crate) fn shown(result: HRESULT) -> String {
    let code = result.0.cast_unsigned();
    let name = match code {
        0 => "S_OK",
        1 => "S_FALSE",
        0x0004_0201 => "S_SYNCMGR_MISSINGITEMS",
        0x0004_0202 => "S_SYNCMGR_RETRYSYNC",
        0x0004_0203 => "S_SYNCMGR_CANCELITEM",
        0x0004_0204 => "S_SYNCMGR_CANCELALL",
        0x0004_0210 => "S_SYNCMGR_ITEMDELETED",
        0x0004_0211 => "S_SYNCMGR_ENUMITEMS",
        0x8000_4001 => "E_NOTIMPL",
        0x8000_4002 => "E_NOINTERFACE",
        0x8000_4003 => "E_POINTER",
        0x8000_4004 => "E_ABORT",
        0x8000_4005 => "E_FAIL",
        0x8000_FFFF => "E_UNEXPECTED",
        0x8007_0005 => "E_ACCESSDENIED",
        0x8007_000E => "E_OUTOFMEMORY",
        0x8007_0057 => "E_INVALIDARG",
        0x8004_01F0 => "CO_E_NOTINITIALIZED",
        0x8004_0110 => "CLASS_E_NOAGGREGATION",
        0x8004_0111 => "CLASS_E_CLASSNOTAVAILABLE",
        0x8004_0154 => "REGDB_E_CLASSNOTREG",
        _ => return format!("0x{code:08X}"),
    };
    format!("{name} (0x{code:08X})")
}

#[cfg(test)]
mod tests;
