//! Windows has no termination signal, no closing of standard output and no leaving of a job.

use std::process::Command;

/// There is no such signal.
pub(crate) fn ignore_termination() {}

/// Ends, since the output cannot be closed alone.
pub(crate) fn close_output_and_live() {
    std::process::exit(4);
}

/// A child cannot leave the job.
pub(crate) fn escape(_: &mut Command) {}
