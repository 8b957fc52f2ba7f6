//! What the threads of one instance share: the desk with its queue, the open questions, and the jobs of the apartment.

use std::collections::VecDeque;
use std::sync::Mutex;

use syncmgr_com::GUID;
use syncmgr_handler::contract::MAX_IN_FLIGHT;
use syncmgr_handler::item::Item;
use syncmgr_handler::pages::Lists;

use crate::board::{Board, enter};
use crate::questions::Questions;
use crate::sys::Bell;

/// Something that only the apartment's thread may do (M-12), with the number of the request that it answers.
#[derive(Debug)]
pub(crate) enum Job {
    /// Create the object, `Initialize`, `GetHandlerInfo`.
    Initialize {
        id: u64,
        flags: u32,
        cookie: Vec<u8>,
    },
    /// `EnumSyncMgrItems`, and `SetProgressCallback` the first time.
    List { id: u64 },
    /// `PrepareForSync`.
    Prepare { id: u64, items: Vec<GUID> },
    /// `Synchronize`.
    Synchronize { id: u64 },
    /// `ShowProperties`.
    Properties { id: u64, item: GUID, window: usize },
    /// `ShowError`.
    Error { id: u64, error: GUID, window: usize },
    /// `SetItemStatus` for whatever is due.
    Statuses,
    /// `SetProgressCallback(NULL)` and the final `Release`.
    Release,
}

/// What the threads of one instance share.
#[derive(Debug, Default)]
pub(crate) struct Instance {
    pub(crate) board: Board,
    pub(crate) questions: Questions,
    pub(crate) lists: Mutex<Lists<Item>>,
    jobs: Mutex<Jobs>,
    bell: Bell,
}

#[derive(Debug, Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    statuses: bool,
}

/// More jobs wait than requests may be in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Instance {
    /// Gives the apartment a job; at most as many wait as requests may be in flight.
    pub(crate) fn give(&self, job: Job) -> Result<(), TooMany> {
        let mut jobs = enter(&self.jobs);
        if jobs.waiting.len() > MAX_IN_FLIGHT {
            return Err(TooMany);
        }
        jobs.waiting.push_back(job);
        drop(jobs);
        self.bell.ring();
        Ok(())
    }

    /// Has the apartment look for skips to tell.
    pub(crate) fn statuses_may_be_due(&self) {
        enter(&self.jobs).statuses = true;
        self.bell.ring();
    }

    /// Waits for a job, and dispatches window messages meanwhile where there are such.
    pub(crate) fn next_job(&self) -> Job {
        loop {
            let mut jobs = enter(&self.jobs);
            if std::mem::take(&mut jobs.statuses) {
                return Job::Statuses;
            }
            if let Some(job) = jobs.waiting.pop_front() {
                return job;
            }
            drop(jobs);
            self.bell.wait();
        }
    }
}
