//! What only Unix lets a handler do wrong.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Goes on running at the termination signal.
pub(crate) fn ignore_termination() {
    // A listener replaces what the signal does otherwise; nobody ever asks it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    if let Ok(runtime) = runtime {
        let guard = runtime.enter();
        let kind = tokio::signal::unix::SignalKind::terminate();
        let listener = tokio::signal::unix::signal(kind);
        drop(guard);
        std::mem::forget((runtime, listener));
    }
}

/// Becomes a shell that closes its output and waits for a minute.
pub(crate) fn close_output_and_live() {
    let mut shell = Command::new("sh");
    drop(shell.args(["-c", "exec 1>&-; exec sleep 60"]).exec());
}

/// Puts a child into a group of its own.
pub(crate) fn escape(child: &mut Command) {
    child.process_group(0);
}
