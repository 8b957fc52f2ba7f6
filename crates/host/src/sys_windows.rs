//! Job objects on Windows.

use std::io;

use process_wrap::tokio::{ChildWrapper, CommandWrap, CreationFlags, JobObject, KillOnDrop};
use windows::Win32::System::Threading::CREATE_NO_WINDOW;

use crate::event::ExitStatus;

/// A child in a job object of its own.
#[derive(Debug)]
pub(crate) struct Group {
    child: Box<dyn ChildWrapper>,
    pid: u32,
}

/// Nothing to prepare: the job is made around the started child.
pub(crate) fn group(_: &mut tokio::process::Command) {}

impl Group {
    /// Starts the command in a job.
    pub(crate) fn spawn(command: tokio::process::Command) -> io::Result<Self> {
        let mut wrap = CommandWrap::from(command);
        // A console of its own that nobody sees: no window opens, and Ctrl-C is the manager's to hear, which then asks the
        // handler to stop, instead of ending both.
        wrap.wrap(CreationFlags(CREATE_NO_WINDOW))
            .wrap(KillOnDrop)
            .wrap(JobObject);
        let child = wrap.spawn()?;
        let pid = child.id().ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { child, pid })
    }

    /// The child, for its pipes.
    pub(crate) fn child(&mut self) -> &mut dyn ChildWrapper {
        &mut *self.child
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for the end of the child and kills what remains in its job. Can be dropped and called again.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        // The wrapper itself would wait for the whole job.
        let status = self.child.inner_mut().wait().await;
        self.kill();
        match status.ok().and_then(|status| status.code()) {
            Some(code) => ExitStatus::Code(code),
            None => ExitStatus::Abandoned,
        }
    }

    /// There is nothing milder than killing that a console program would be sure to hear.
    pub(crate) fn terminate(&mut self) {
        self.kill();
    }

    pub(crate) fn kill(&mut self) {
        if let Err(cause) = self.child.start_kill() {
            tracing::debug!(%cause, "the job could not be terminated");
        }
    }
}

/// The job of an earlier manager ended with it, and with the job everything in it.
pub(crate) fn kill_left_behind(_: u32) -> bool {
    false
}

pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let pid = sysinfo::Pid::from_u32(pid);
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[pid]), true);
    system.process(pid).map(sysinfo::Process::start_time)
}
