//! What is wrong with a handler itself: it came to nothing before it said what it synchronizes, so that no item and no
//! run tells of it.

use crate::cut;
use crate::id::HandlerId;
use crate::instance::Instance;
use crate::manager::Manager;
use crate::phase::Phase;
use crate::record::Record;
use crate::time::Timestamp;

/// Most bytes kept of what explains a handler problem: the end of what the handler wrote on standard error.
pub const MAX_PROBLEM_DETAIL: usize = 8 * 1024;

/// How far a handler came (mobsync 3.2, steps 0 to 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailedStep {
    /// It could not be started.
    Start,
    /// It started and could not be initialized (M-40).
    Initialize,
    /// Its items could not be read (3.4.3).
    List,
}

/// A handler problem; kept from the failure until the next good list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerProblem {
    /// What failed last.
    pub step: FailedStep,
    /// Why, one line.
    pub text: String,
    /// The end of what the handler wrote on standard error, at most [`MAX_PROBLEM_DETAIL`]; possibly empty.
    pub detail: String,
    /// When it failed first without a good list since.
    pub since: Timestamp,
    /// When it failed last.
    pub last: Timestamp,
    /// How often it failed in a row.
    pub times: u32,
}

impl Manager {
    /// Keeps that an instance came to nothing before its items were known.
    pub(crate) fn handler_failed(
        &mut self,
        instance: &mut Instance,
        step: FailedStep,
        text: &str,
        stderr: &str,
    ) {
        instance.failed = true;
        let now = self.now;
        let Some(slot) = self.handlers.get_mut(&instance.handler) else {
            return;
        };
        let (since, times) = match &slot.row.problem {
            Some(before) => (before.since, before.times.saturating_add(1)),
            None => (now, 1),
        };
        slot.row.problem = Some(HandlerProblem {
            step,
            text: cut::bytes(text.to_owned(), cut::MAX_LINE),
            detail: cut::tail(stderr.to_owned(), MAX_PROBLEM_DETAIL),
            since,
            last: now,
            times,
        });
        self.record_handler(&instance.handler.clone());
    }

    /// The process of a failed instance is gone: what it wrote last explains the failure.
    pub(crate) fn explain_failure(&mut self, instance: &mut Instance, stderr: &str) {
        if !std::mem::take(&mut instance.failed) || stderr.is_empty() {
            return;
        }
        if let Some(problem) = self
            .handlers
            .get_mut(&instance.handler)
            .and_then(|slot| slot.row.problem.as_mut())
        {
            problem.detail = cut::tail(stderr.to_owned(), MAX_PROBLEM_DETAIL);
            self.record_handler(&instance.handler.clone());
        }
        if let Some(log) = instance.failure_entry.take() {
            self.record(Record::LogDetail {
                log,
                detail: cut::tail(stderr.to_owned(), cut::MAX_DETAIL),
            });
        }
    }

    /// A handler answered as it should: it listed its items, or said that it takes no part in this event (M-39), which
    /// says nothing about its list.
    pub(crate) fn handler_answered(&mut self, handler: &HandlerId, listed: bool) {
        let Some(slot) = self.handlers.get_mut(handler) else {
            return;
        };
        let row = &mut slot.row;
        let asked = std::mem::replace(&mut row.asked, true);
        let over = row
            .problem
            .take_if(|problem| listed || problem.step != FailedStep::List)
            .is_some();
        if !asked || over {
            self.record_handler(handler);
        }
    }
}

/// What failed when the process of an instance in this phase is gone; absent where its items were known already.
pub(crate) fn step_of(instance: &Instance) -> Option<FailedStep> {
    match instance.phase() {
        Phase::New if instance.process.is_none() => Some(FailedStep::Start),
        Phase::New => Some(FailedStep::Initialize),
        Phase::Initialized => Some(FailedStep::List),
        Phase::Listed
        | Phase::Preparing
        | Phase::Prepared
        | Phase::Syncing
        | Phase::Undoing
        | Phase::Resolving
        | Phase::Reviewing
        | Phase::Done
        | Phase::ErrorUi
        | Phase::Properties
        | Phase::Released => None,
    }
}
