//! What the host tells about an instance.

use std::io;
use std::path::PathBuf;

use syncmgr_handler::frame::RpcError;
use syncmgr_handler::{Callback, Question};

use crate::handle::Reply;
use crate::spec::{Rung, StopReason};

/// Something that an instance said or did.
#[derive(Debug)]
pub struct HostEvent {
    /// The number that the instance was started with.
    pub instance: u64,
    /// What it was.
    pub what: What,
}

/// What an instance said or did.
#[derive(Debug)]
pub enum What {
    /// The process runs. Absent for an instance that never started, else the first event.
    Started {
        /// Its process number; absent for an instance in memory.
        pid: Option<u32>,
        /// When it was started, as [`crate::process::process_start_time`] gives it.
        start_time: Option<u64>,
    },
    /// It told something.
    Callback(Callback),
    /// It asked something.
    Question {
        /// The question.
        question: Question,
        /// Where the answer goes; dropping it answers with an error.
        reply: Reply,
    },
    /// It broke the contract in a way that does not end it.
    Violation(Violation),
    /// It ended. Exactly one comes for each instance, and nothing after it.
    Exited(Exit),
}

/// How an instance ended.
#[derive(Debug)]
pub struct Exit {
    /// How its process ended.
    pub status: ExitStatus,
    /// The strongest reason for which it was asked to end; absent when it ended by itself.
    pub requested: Option<StopReason>,
    /// How far the ladder was climbed.
    pub rung: Option<Rung>,
    /// The last 64 KiB of its standard error, with anything that is not UTF-8 replaced.
    pub stderr_tail: String,
    /// The breach for which it was ended.
    pub violation: Option<Violation>,
}

impl Exit {
    /// Whether it ended by itself or as asked, with success and without a breach.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        matches!(self.status, ExitStatus::Code(0)) && self.violation.is_none()
    }
}

/// How a process ended.
#[derive(Debug)]
pub enum ExitStatus {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It never ran.
    NotStarted(StartError),
    /// It could not be ended within the limits and was given up; it may still run.
    Abandoned,
}

/// A program that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The system refused.
    #[error("could not start {}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// No thread could be started for a handler in memory.
    #[error("could not start a thread for the handler")]
    Thread(#[source] io::Error),
}

/// A breach of the contract.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Violation {
    /// A line is longer than [`MAX_LINE_BYTES`](syncmgr_handler::contract::MAX_LINE_BYTES).
    #[error(
        "the handler sent a line of more than {} bytes",
        syncmgr_handler::contract::MAX_LINE_BYTES
    )]
    LineTooLong,
    /// A line is not UTF-8.
    #[error("the handler sent a line that is not UTF-8")]
    Encoding,
    /// A line is not a message, such as something printed for debugging.
    #[error("the handler sent a line that is not a message: {excerpt}")]
    NotAMessage {
        /// How it begins, with control characters neutralised.
        excerpt: String,
    },
    /// Output ended in the middle of a line.
    #[error("the handler stopped in the middle of a line: {excerpt}")]
    HalfALine {
        /// How it begins, with control characters neutralised.
        excerpt: String,
    },
    /// It does not read what is sent to it.
    #[error("the handler does not read its standard input")]
    DoesNotRead,
    /// It closed its standard output without ending.
    #[error("the handler closed its standard output but did not end")]
    ClosedOutput,
    /// A message has wrong parameters and was ignored.
    #[error("the handler sent `{method}` with wrong parameters: {cause}")]
    Params {
        /// The method.
        method: &'static str,
        /// What was wrong.
        cause: String,
    },
    /// An answer to nothing that was asked.
    #[error("the handler answered request {0}, which was never made")]
    UnknownAnswer(u64),
    /// The handler could not read a message of ours.
    #[error("the handler refused a message that it could not read: {0}")]
    RefusedLine(#[source] RpcError),
    /// More questions at once than the contract allows; the further ones are refused.
    #[error("the handler asks too many questions at once")]
    TooManyQuestions,
    /// More small breaches than are borne.
    #[error("the handler broke the contract too many times")]
    TooMany,
    /// A fault of the host itself; the instance was ended.
    #[error("the host failed while it listened to the handler")]
    Internal,
}
