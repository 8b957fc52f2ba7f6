//! One instance of the handler, talked to line by line; everything becomes a moment of the transcript.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use syncmgr_handler::call::Verdict;
use syncmgr_handler::callback::Prompt;
use syncmgr_handler::contract::MAX_LINE_BYTES;
use syncmgr_handler::frame::{DecodeError, Envelope, RpcError};
use syncmgr_handler::{Callback, Question};
use syncmgr_host::bare::Pipes;
use syncmgr_host::{Bare, ExitStatus, Spec, StartError};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::judge::unread;
use crate::scenario::Scenario;
use crate::transcript::{End, Entry, Moment, Transcript, folded};

/// Lines that wait to be taken from the reader, and to be read by the handler.
const MAX_WAITING: usize = 1024;
/// Moments after which reports without a terminal status are only heard, not remembered.
const MAX_REPORTS: usize = 20_000;
/// How long the pipe of a process that ended may stay open; somebody else holds it then.
const DRAIN: Duration = Duration::from_millis(500);
/// How long a killed process may take to be gone; only one that is stuck in the kernel takes that long.
const REAP: Duration = Duration::from_secs(5);
/// How much of standard error is kept.
const MAX_STDERR: usize = 4 << 10;
/// Letters that are quoted of a line which is no message.
const EXCERPT: usize = 80;

/// What the reader found.
enum Heard {
    Line(String),
    Spoilt(&'static str),
    /// A line so long that its end is not waited for.
    Endless,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// It came, at this moment of the transcript.
    Seen(usize),
    /// The process has ended, or is not listened to any more.
    Ended,
    /// It did not come in time.
    Late,
}

/// One instance.
pub(crate) struct Talk {
    process: Bare,
    input: Option<mpsc::Sender<Vec<u8>>>,
    heard: mpsc::Receiver<Heard>,
    tasks: JoinSet<()>,
    stderr: Arc<Mutex<Vec<u8>>>,
    start: Instant,
    next: u64,
    skip: Option<String>,
    stop: bool,
    attended: bool,
    messages: usize,
    listening: bool,
    exited: bool,
    pub(crate) transcript: Transcript,
}

impl Talk {
    pub(crate) fn start(
        spec: Spec,
        scenario: Scenario,
        messages: usize,
    ) -> Result<Self, StartError> {
        let (process, pipes) = Bare::start(spec)?;
        let Pipes {
            mut input,
            output,
            stderr,
        } = pipes;
        let mut tasks = JoinSet::new();
        let (outgoing, mut lines) = mpsc::channel::<Vec<u8>>(MAX_WAITING);
        tasks.spawn(async move {
            while let Some(line) = lines.recv().await {
                if input.write_all(&line).await.is_err() || input.flush().await.is_err() {
                    return;
                }
            }
        });
        let (found, heard) = mpsc::channel(MAX_WAITING);
        tasks.spawn(read(output, found));
        let kept = Arc::new(Mutex::new(Vec::new()));
        tasks.spawn(keep(stderr, Arc::clone(&kept)));
        Ok(Self {
            process,
            input: Some(outgoing),
            heard,
            tasks,
            stderr: kept,
            start: Instant::now(),
            next: 1,
            skip: None,
            stop: false,
            attended: scenario.attended(),
            messages,
            listening: true,
            exited: false,
            transcript: Transcript::new(scenario),
        })
    }

    pub(crate) fn note(&mut self, entry: Entry) {
        let at = self.start.elapsed();
        self.transcript.moments.push(Moment { at, entry });
    }

    fn send(&self, message: &Value) {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        if let Some(input) = &self.input {
            // A handler that does not read is found late with its answers.
            drop(input.try_send(line));
        }
    }

    /// Sends a request and answers its place in the transcript.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> usize {
        let id = self.next;
        self.next += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let at = self.transcript.moments.len();
        self.note(Entry::Asked {
            id,
            method: method.to_owned(),
            params,
        });
        at
    }

    /// Sends a notification that the contract does not have.
    pub(crate) fn murmur(&self, method: &str) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": {"of": "nothing"}}));
    }

    /// Tells to skip an item, or to stop everything.
    pub(crate) fn tell(&mut self, item: Option<&str>, verdict: Verdict) {
        let params = match item {
            Some(item) => json!({"item": item, "verdict": verdict}),
            None => json!({"verdict": verdict}),
        };
        self.send(&json!({"jsonrpc": "2.0", "method": "item/status", "params": params}));
        match item {
            Some(item) => self.skip = Some(folded(item)),
            None => self.stop = true,
        }
        self.note(Entry::Told {
            item: item.map(str::to_owned),
            verdict,
        });
    }

    /// Waits for a moment at or after a place in the transcript.
    pub(crate) async fn until(
        &mut self,
        from: usize,
        limit: Duration,
        mut wanted: impl FnMut(&Entry) -> bool,
    ) -> Waited {
        let deadline = Instant::now() + limit;
        let mut looked = from;
        loop {
            while let Some(moment) = self.transcript.moments.get(looked) {
                if wanted(&moment.entry) {
                    return Waited::Seen(looked);
                }
                looked += 1;
            }
            if self.exited || !self.listening {
                return Waited::Ended;
            }
            if Instant::now() >= deadline || !self.step(deadline).await {
                return Waited::Late;
            }
        }
    }

    /// Waits for the answer to the request at this place: first as long as it may take, then, if a grace is given, on.
    pub(crate) async fn answer(
        &mut self,
        asked: usize,
        limit: Duration,
        grace: Duration,
        what: &'static str,
    ) -> Option<Result<Value, RpcError>> {
        let Entry::Asked { id, .. } = self.transcript.moments.get(asked)?.entry else {
            return None;
        };
        let answers = |entry: &Entry| matches!(entry, Entry::Answered { id: of, .. } if *of == id);
        let mut waited = self.until(asked, limit, answers).await;
        if waited == Waited::Late {
            self.note(Entry::Late(what));
            waited = self.until(asked, grace, answers).await;
        }
        let Waited::Seen(at) = waited else {
            return None;
        };
        match &self.transcript.moments.get(at)?.entry {
            Entry::Answered { answer, .. } => Some(answer.clone()),
            _ => None,
        }
    }

    /// Ends the handler's input.
    pub(crate) fn unplug(&mut self) {
        self.note(Entry::InputEnded);
        self.input = None;
    }

    pub(crate) fn kill(&mut self) {
        self.note(Entry::Killed);
        self.process.kill();
    }

    /// Releases it, unless it was ended otherwise, and waits for the end of the process; when that is `hopeless`, it is
    /// given the time only to be no burden.
    pub(crate) async fn finish(mut self, limit: Duration, hopeless: bool) -> Transcript {
        if !self.exited && self.transcript.ended_by_us().is_none() {
            self.ask("release", json!({}));
        }
        self.input = None;
        let from = self.transcript.moments.len();
        let ends = |entry: &Entry| matches!(entry, Entry::Exited(_));
        // What is not listened to any more is killed at once.
        let limit = if self.listening {
            limit
        } else {
            Duration::ZERO
        };
        if !self.exited {
            self.until(from, limit, ends).await;
        }
        if !self.exited {
            self.note(if hopeless {
                Entry::GivenUp
            } else {
                Entry::Late("exit")
            });
            self.process.kill();
            self.listening = true;
            self.until(from, REAP, ends).await;
        }
        self.process.kill();
        self.tasks.abort_all();
        let bytes = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        self.transcript.stderr = String::from_utf8_lossy(&bytes).into_owned();
        drop(bytes);
        self.transcript
    }

    /// Waits for one thing to happen; false at the deadline.
    async fn step(&mut self, deadline: Instant) -> bool {
        tokio::select! {
            biased;
            heard = self.heard.recv() => match heard {
                Some(heard) => self.hear(heard),
                None => {
                    // Its output is closed: all that can still come is its end.
                    let ended = tokio::time::timeout_at(deadline, self.process.ended()).await;
                    match ended {
                        Ok(status) => self.ended(status),
                        Err(_) => return false,
                    }
                }
            },
            status = self.process.ended() => {
                while let Ok(Some(heard)) = tokio::time::timeout(DRAIN, self.heard.recv()).await {
                    self.hear(heard);
                    if !self.listening {
                        break;
                    }
                }
                self.ended(status);
            }
            () = tokio::time::sleep_until(deadline) => return false,
        }
        true
    }

    fn ended(&mut self, status: ExitStatus) {
        self.exited = true;
        self.note(Entry::Exited(match status {
            ExitStatus::Code(code) => End::Code(code),
            ExitStatus::Signal(signal) => End::Other(format!("signal {signal}")),
            ExitStatus::NotStarted(_) | ExitStatus::Abandoned => {
                End::Other("an end that the system does not tell".to_owned())
            }
        }));
    }

    fn hear(&mut self, heard: Heard) {
        if !self.listening {
            return;
        }
        if self.transcript.moments.len() >= self.messages {
            self.listening = false;
            return self.note(Entry::Flooded);
        }
        let line = match heard {
            Heard::Line(line) => line,
            Heard::Spoilt(how) => return self.note(Entry::Spoilt(how)),
            Heard::Endless => {
                self.listening = false;
                self.note(Entry::Spoilt("a line of more than 1 MiB"));
                return self.note(Entry::Unheard);
            }
        };
        let Ok(envelope) = Envelope::parse(&line) else {
            return self.note(Entry::Foreign(excerpt(&line)));
        };
        match (envelope.method.as_deref(), envelope.id) {
            (Some(method), None) => match Callback::decode(method, envelope.params) {
                Ok(callback) => self.said(callback),
                // A notification of a later version is nothing that this side has.
                Err(DecodeError::UnknownMethod(_)) => {}
                Err(error) => self.wrong(method, envelope.params, &error, |params| {
                    Callback::decode(method, Some(params)).err()
                }),
            },
            (Some(method), Some(id)) => match Question::decode(method, envelope.params) {
                Ok(question) => self.asks(id, question),
                Err(error) => {
                    let code = match error {
                        DecodeError::UnknownMethod(_) => RpcError::METHOD_NOT_FOUND,
                        _ => RpcError::INVALID_PARAMS,
                    };
                    let refusal = RpcError::new(code, error.to_string());
                    self.send(&json!({"jsonrpc": "2.0", "id": id, "error": refusal}));
                    if code == RpcError::INVALID_PARAMS {
                        self.wrong(method, envelope.params, &error, |params| {
                            Question::decode(method, Some(params)).err()
                        });
                    }
                }
            },
            (None, id) => {
                let result = envelope
                    .result
                    .map(|raw| serde_json::from_str(raw.get()).unwrap_or(Value::Null));
                let answer = match (envelope.error, result) {
                    (Some(error), _) => Err(error),
                    (None, Some(result)) => Ok(result),
                    (None, None) => return self.note(Entry::Foreign(excerpt(&line))),
                };
                // No request has this number: it answers nothing.
                let id = id.unwrap_or(u64::MAX);
                self.note(Entry::Answered { id, answer });
            }
        }
    }

    /// Notes parameters that cannot be read, and which entry of a list is to blame.
    fn wrong(
        &mut self,
        method: &str,
        params: Option<&RawValue>,
        error: &DecodeError,
        decode: impl Fn(&RawValue) -> Option<DecodeError>,
    ) {
        let cause = |error: &DecodeError| match error {
            DecodeError::Params { cause, .. } => excerpt(&cause.to_string()),
            other => excerpt(&other.to_string()),
        };
        let value: Option<Value> = params.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let why = value.and_then(|params| {
            unread(&params, |params| {
                let raw = to_raw_value(params).ok()?;
                decode(&raw).as_ref().map(cause)
            })
        });
        self.note(Entry::Wrong {
            method: excerpt(method),
            why: why.unwrap_or_else(|| cause(error)),
        });
    }

    fn said(&mut self, callback: Callback) {
        if let Callback::Progress(progress) = &callback
            && self.transcript.moments.len() >= MAX_REPORTS
            && !progress.status.is_some_and(|status| status.is_terminal())
        {
            return;
        }
        self.note(Entry::Said(callback));
    }

    /// Replies as a manager would whose user is cautious: questions are put off or take their default.
    fn asks(&mut self, id: u64, question: Question) {
        let reply = match &question {
            Question::Progress(progress) => {
                let item = progress.item.as_ref().map(|item| folded(item.as_str()));
                let verdict = if self.stop {
                    Verdict::CancelAll
                } else if item.is_some() && item == self.skip {
                    Verdict::CancelItem
                } else {
                    Verdict::Continue
                };
                json!({"verdict": verdict})
            }
            Question::Prompt(prompt) => prompted(prompt),
            Question::EnableModeless(modeless) => {
                json!({"allowed": modeless.enable && self.attended})
            }
            Question::EstablishConnection(_) => json!({"connected": true}),
            Question::QueryLateItems(_) => json!({"items": []}),
            Question::AddItem(_) | Question::ProposeItem(_) | Question::CommitItem(_) => json!({}),
        };
        self.send(&json!({"jsonrpc": "2.0", "id": id, "result": reply}));
        self.note(Entry::Asks { question, reply });
    }
}

fn prompted(prompt: &Prompt) -> Value {
    match &prompt.default {
        _ if prompt.durable => json!({"answer": "deferred"}),
        Some(choice) => json!({"answer": "chosen", "choice": choice, "fields": {}}),
        None => json!({"answer": "refused"}),
    }
}

/// Reads lines of bounded length; a line that is spoilt ends it.
async fn read(output: Box<dyn AsyncRead + Send + Unpin>, found: mpsc::Sender<Heard>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut output).take(MAX_LINE_BYTES as u64 + 1);
        let read = bounded.read_until(b'\n', &mut line).await;
        if !matches!(read, Ok(1..)) {
            return;
        }
        let whole = line.pop_if(|last| *last == b'\n').is_some();
        let heard = if !whole && line.len() > MAX_LINE_BYTES {
            Heard::Endless
        } else if !whole {
            Heard::Spoilt("half a line at the end of its output")
        } else {
            match String::from_utf8(line) {
                Ok(line) => Heard::Line(line),
                Err(_) => Heard::Spoilt("a line that is not UTF-8"),
            }
        };
        let ends = matches!(heard, Heard::Endless);
        if found.send(heard).await.is_err() {
            return;
        }
        if ends {
            // Nothing after it can be told apart; but a full pipe must not keep the handler from ending.
            drop(tokio::io::copy(&mut output, &mut tokio::io::sink()).await);
            return;
        }
    }
}

async fn keep(mut stderr: Box<dyn AsyncRead + Send + Unpin>, kept: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; MAX_STDERR];
    while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(buffer.get(..length).unwrap_or_default());
        let much = kept.len().saturating_sub(MAX_STDERR);
        kept.drain(..much);
    }
}

/// How a text begins.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(EXCERPT).collect();
    if text.chars().nth(EXCERPT).is_some() {
        short.push('…');
    }
    short.escape_debug().to_string()
}
