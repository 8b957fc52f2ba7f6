//! Shows notices to a person at the desktop, beside the loop. Which ones there are is decided by the core.

use std::sync::{Arc, Mutex, PoisonError};

use syncmgr_core::notice::Notice;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

#[cfg(target_os = "linux")]
#[path = "sys_linux.rs"]
mod sys;
#[cfg(not(target_os = "linux"))]
#[path = "sys_elsewhere.rs"]
mod sys;

/// Notices that may wait for the desktop; further ones are lost, and that is told.
const MAX_WAITING: usize = 64;

/// Who shows notices, or why nobody does.
pub(crate) use sys::probe;

/// The desktop, reached when there is something to show and not before.
#[derive(Debug, Default)]
pub(crate) struct Desktop {
    notices: Option<mpsc::Sender<Notice>>,
    tasks: JoinSet<()>,
    trouble: Trouble,
}

/// Why the last notice was not shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    fn set(&self, why: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Why the last notice was not shown.
    pub(crate) fn get(&self) -> Option<String> {
        let trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.clone()
    }
}

impl Desktop {
    /// Shows a notice, or takes one away. Waits for nothing.
    pub(crate) fn show(&mut self, notice: Notice) {
        let trouble = self.trouble.clone();
        let tasks = &mut self.tasks;
        let notices = self.notices.get_or_insert_with(|| {
            let (sender, queue) = mpsc::channel(MAX_WAITING);
            tasks.spawn(sys::serve(queue, trouble));
            sender
        });
        if notices.try_send(notice).is_err() {
            let why = "too many notices wait for the desktop";
            self.trouble.set(Some(why.to_owned()));
            tracing::debug!(why, "a notice is lost");
        }
    }

    /// Why the last notice was not shown.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.get()
    }
}
