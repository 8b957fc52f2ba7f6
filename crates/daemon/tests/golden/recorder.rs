//! A handler on the bare protocol that does what its scenario says and writes down what it sees, under the classic names.
//!
//! It uses none of `syncmgr_handler::serve`: a trace is about what crosses the connection, also what that would forbid.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use syncmgr_handler::call::{
    Call, Event, Initialize, Initialized, ItemPage, Notice, PropertiesEffect, Release, Started,
    Verdict,
};
use syncmgr_handler::callback::{
    Completion, DeleteLog, EnableModeless, ErrorCompleted, Failure, Level, Log, Progress,
    ProgressVerdict, PropertiesCompleted, Status,
};
use syncmgr_handler::contract::{CONTRACT_VERSION, feature};
use syncmgr_handler::frame::{self, Envelope, RpcError};
use syncmgr_handler::item::{HandlerInfo, Item, ItemId};
use syncmgr_handler::{Callback, Connection, Question};

use crate::scenario::{Place, Scenario};

/// Far longer than any step waits.
const FOR_EVER: Duration = Duration::from_secs(60);

/// How often a cue is looked for; it comes from another process.
const LOOK: Duration = Duration::from_millis(3);

/// The item or error that a trace calls by this name, as it travels.
pub(crate) fn guid(name: &str) -> String {
    let number = name
        .bytes()
        .fold(0_u32, |number, byte| (number << 8) | u32::from(byte));
    format!("{{{number:08X}-5EED-11D0-8000-00AA00000001}}")
}

/// The name in a trace.
pub(crate) fn name(guid: &str) -> String {
    let number = guid
        .get(1..9)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let letters = number.unwrap_or(0x3F).to_be_bytes();
    let letters = letters.iter().filter(|letter| **letter != 0);
    letters.map(|letter| char::from(*letter)).collect()
}

fn names(ids: &[ItemId]) -> String {
    let names: Vec<String> = ids.iter().map(|id| name(id.as_str())).collect();
    names.join(",")
}

fn id(name: &str) -> ItemId {
    ItemId::new(guid(name)).unwrap()
}

/// Serves the connection until the manager is gone.
pub(crate) fn serve(scenario: &str, trace: &Path, connection: Connection) {
    let (mut lines, writer) = connection.split();
    let recorder = Arc::new(Recorder {
        scenario: Scenario::parse(scenario),
        trace: trace.to_owned(),
        writer: Mutex::new(writer),
        state: Mutex::new(State {
            file: File::create(trace).unwrap(),
            lines: Vec::new(),
            answers: HashMap::new(),
            next: 0,
            gone: false,
            calls: HashMap::new(),
            callback: false,
            run: Vec::new(),
        }),
        changed: Condvar::new(),
    });
    let mut threads = Vec::new();
    while let Ok(Some(line)) = lines.next_line() {
        let line = line.to_owned();
        let envelope = Envelope::parse(&line).unwrap();
        match (envelope.method.as_deref(), envelope.id) {
            (Some(method), Some(number)) => {
                let call = Call::decode(method, envelope.params).unwrap();
                if matches!(call, Call::Release(_)) {
                    recorder.enter().gone = true;
                    recorder.changed.notify_all();
                    recorder.call(number, call);
                    break;
                }
                let recorder = Arc::clone(&recorder);
                threads.push(std::thread::spawn(move || recorder.call(number, call)));
            }
            (Some(method), None) => {
                if let Ok(Notice::ItemStatus(notice)) = Notice::decode(method, envelope.params) {
                    recorder.item_status(notice.item.as_ref());
                }
            }
            (None, Some(number)) => {
                let answer = envelope.result.map(|text| text.get().to_owned());
                recorder
                    .enter()
                    .answers
                    .insert(number, answer.unwrap_or_default());
                recorder.changed.notify_all();
            }
            (None, None) => {}
        }
    }
    recorder.enter().gone = true;
    recorder.changed.notify_all();
    for thread in threads {
        thread.join().unwrap();
    }
}

struct State {
    file: File,
    lines: Vec<String>,
    answers: HashMap<u64, String>,
    next: u64,
    /// Released: no question is answered any more.
    gone: bool,
    calls: HashMap<String, usize>,
    callback: bool,
    /// Items of the run that have not ended.
    run: Vec<String>,
}

struct Recorder {
    scenario: Scenario,
    trace: PathBuf,
    writer: Mutex<Box<dyn Write + Send>>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Recorder {
    fn enter(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn write(&self, line: String) {
        let mut state = self.enter();
        writeln!(state.file, "{line}").unwrap();
        state.lines.push(line);
        self.changed.notify_all();
    }

    fn send(&self, line: &[u8]) {
        // A manager that is gone reads nothing.
        drop(self.writer.lock().unwrap().write_all(line));
    }

    fn answer<A: serde::Serialize>(&self, number: u64, answer: &A) {
        let mut line = Vec::new();
        frame::answer(&mut line, number, answer).unwrap();
        self.send(&line);
    }

    fn call(self: &Arc<Self>, number: u64, call: Call) {
        match call {
            Call::Initialize(first) => self.initialize(number, &first),
            Call::ListItems(_) => self.list(number),
            Call::Prepare(params) => {
                self.enter().run = params.items.iter().map(|id| name(id.as_str())).collect();
                let count = params.items.len();
                let arguments = format!("{count},[{}],w,0", names(&params.items));
                self.paired(number, "PrepareForSync", &arguments);
            }
            Call::Synchronize(_) => self.paired(number, "Synchronize", "w"),
            Call::ShowError(params) => {
                self.paired(number, "ShowError", &format!("w, {}", name(&params.error)));
            }
            Call::ShowProperties(params) => {
                let item = params
                    .item
                    .map_or_else(|| "null".to_owned(), |id| name(id.as_str()));
                self.paired(number, "ShowProperties", &format!("w, {item}"));
            }
            Call::Release(Release {}) => {
                if self.enter().callback {
                    self.write("m> SetProgressCallback(null) = S_OK".to_owned());
                }
                self.inside("Release");
                self.write("m> Release".to_owned());
                self.answer(number, &Release {});
            }
            other => {
                let error =
                    RpcError::new(RpcError::METHOD_NOT_FOUND, format!("no {}", other.method()));
                let mut line = Vec::new();
                frame::refuse(&mut line, Some(number), &error).unwrap();
                self.send(&line);
            }
        }
    }

    fn initialize(self: &Arc<Self>, number: u64, first: &Initialize) {
        let mut flags = match first.event {
            Event::Connect => 1,
            Event::PendingDisconnect => 2,
            Event::Manual => 3,
            Event::Idle => 4,
            Event::Invoke => 5,
            Event::Scheduled => 6,
        };
        flags |= if first.settings { 0x100 } else { 0 };
        flags |= if first.may_bother_user { 0x200 } else { 0 };
        let cookie = first.cookie.as_deref().unwrap_or_default();
        let cookie = base64::engine::general_purpose::STANDARD
            .decode(cookie)
            .unwrap();
        let bytes: Vec<String> = cookie.iter().map(|byte| format!("{byte:02X}")).collect();
        let bytes = if bytes.is_empty() {
            "null".to_owned()
        } else {
            bytes.join(" ")
        };
        let result = self.inside("Initialize");
        let count = cookie.len();
        self.write(format!(
            "m> Initialize(0, 0x{flags:03X}, {count}, {bytes}) = {result}"
        ));
        if result == "S_OK" {
            self.write("m> GetHandlerInfo = S_OK".to_owned());
        }
        self.answer(
            number,
            &Initialized {
                contract: CONTRACT_VERSION,
                features: [feature::PROPERTIES, feature::SHOW_ERROR]
                    .map(str::to_owned)
                    .to_vec(),
                takes_part: result == "S_OK",
                handler: HandlerInfo {
                    name: "Recorder".to_owned(),
                    ..HandlerInfo::default()
                },
            },
        );
    }

    fn list(self: &Arc<Self>, number: u64) {
        self.write("m> EnumSyncMgrItems = S_OK".to_owned());
        let mut items = Vec::new();
        for listed in &self.scenario.items {
            self.write(format!("m> Next(1) = S_OK {}", listed.name));
            let mut item = Item::new(id(&listed.name), &listed.name);
            item.checked = listed.checked;
            item.has_properties = listed.properties;
            items.push(item);
        }
        self.write("m> Next(1) = S_FALSE".to_owned());
        self.write("m> Release(enum)".to_owned());
        let known = std::mem::replace(&mut self.enter().callback, true);
        if !known {
            self.write("m> SetProgressCallback(cb) = S_OK".to_owned());
        }
        self.answer(
            number,
            &ItemPage {
                items,
                ..ItemPage::default()
            },
        );
    }

    /// One of the calls that only begin something.
    fn paired(self: &Arc<Self>, number: u64, method: &str, arguments: &str) {
        self.write(format!("m> {method}({arguments}) …"));
        let result = self.inside(method);
        self.write(format!("m= {method} {result}"));
        let started = match result.as_str() {
            "S_OK" => Started::Yes,
            "S_FALSE" => Started::NeedsUser,
            _ => Started::No { reason: result },
        };
        self.answer(number, &started);
        let nth = self.enter().calls[method];
        let blocks = self.scenario.steps(Place::After, method, nth);
        let threads: Vec<_> = blocks
            .into_iter()
            .map(|steps| {
                let recorder = Arc::clone(self);
                std::thread::spawn(move || recorder.steps(&steps))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }

    /// Runs what the scenario does inside a method; gives what it returns.
    fn inside(&self, method: &str) -> String {
        let nth = {
            let mut state = self.enter();
            let nth = state.calls.entry(method.to_owned()).or_default();
            *nth += 1;
            *nth
        };
        let blocks = self.scenario.steps(Place::Inside, method, nth);
        let result = blocks.iter().find_map(|steps| self.steps(steps));
        result.unwrap_or_else(|| "S_OK".to_owned())
    }

    /// A skip or a stop; the contract says the latter once for all items, the classic method once for each.
    fn item_status(&self, item: Option<&ItemId>) {
        let items = match item {
            Some(id) => vec![name(id.as_str())],
            None => self.enter().run.clone(),
        };
        for item in items {
            self.write(format!("m> SetItemStatus({item}, 1) = S_OK"));
        }
    }

    fn steps(&self, steps: &[String]) -> Option<String> {
        for step in steps {
            let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
            let words: Vec<&str> = rest.split(' ').collect();
            match word {
                "return" => return Some(rest.to_owned()),
                "wait" => {
                    let state = self.enter();
                    let waited = self
                        .changed
                        .wait_timeout_while(state, FOR_EVER, |state| {
                            !state.lines.iter().any(|line| line.starts_with(rest))
                        })
                        .unwrap();
                    assert!(!waited.1.timed_out(), "waited in vain for {rest}");
                }
                "cue" => {
                    let cue = self.trace.with_extension(rest);
                    let looks = FOR_EVER.as_millis() / LOOK.as_millis();
                    let came = (0..looks).any(|_| {
                        let came = cue.exists();
                        if !came {
                            std::thread::sleep(LOOK);
                        }
                        came
                    });
                    assert!(came, "waited in vain for the cue {rest}");
                }
                "both" => {
                    let step = [rest.to_owned()];
                    std::thread::scope(|scope| {
                        scope.spawn(|| self.steps(&step));
                        self.steps(&step);
                    });
                }
                _ => self.say(word, &words),
            }
        }
        None
    }

    fn tell(&self, line: &str, callback: &Callback) {
        let mut message = Vec::new();
        callback.encode(&mut message, None).unwrap();
        // Written before it is sent: what follows from it may be recorded by another thread.
        self.write(format!("h> {line}"));
        self.send(&message);
    }

    /// Asks, and writes what is answered; a released handler is answered nothing, and knows that everything is cancelled.
    fn ask(
        &self,
        line: &str,
        question: &Question,
        verdict: impl Fn(&str) -> &'static str,
        gone: &'static str,
    ) {
        let number = {
            let mut state = self.enter();
            state.next += 1;
            state.next
        };
        let mut message = Vec::new();
        question.encode(&mut message, Some(number)).unwrap();
        self.send(&message);
        let state = self.enter();
        let (mut state, waited) = self
            .changed
            .wait_timeout_while(state, FOR_EVER, |state| {
                !state.gone && !state.answers.contains_key(&number)
            })
            .unwrap();
        assert!(!waited.timed_out(), "nobody answered {line}");
        let answer = state.answers.remove(&number);
        drop(state);
        let result = answer.as_deref().map_or(gone, &verdict);
        self.write(format!("h> {line} = {result}"));
    }

    fn say(&self, method: &str, words: &[&str]) {
        let completion = || match words[0] {
            "S_OK" => Completion::Done,
            reason => Completion::Failed {
                reason: reason.to_owned(),
                failure: Failure::Soft,
                retry_after: None,
            },
        };
        match method {
            "Progress" => self.progress(words),
            "PrepareForSyncCompleted" => self.tell(
                &format!("{method}({})", words[0]),
                &Callback::PrepareCompleted(completion()),
            ),
            "SynchronizeCompleted" => self.tell(
                &format!("{method}({})", words[0]),
                &Callback::SynchronizeCompleted(completion()),
            ),
            "ShowPropertiesCompleted" => {
                let effect = match words[0] {
                    "S_SYNCMGR_ENUMITEMS" => PropertiesEffect::EnumerateItems,
                    "S_SYNCMGR_ITEMDELETED" => PropertiesEffect::ItemDeleted,
                    _ => PropertiesEffect::Unchanged,
                };
                self.tell(
                    &format!("{method}({})", words[0]),
                    &Callback::PropertiesCompleted(PropertiesCompleted { effect }),
                );
            }
            "ShowErrorCompleted" => {
                let retry: Vec<ItemId> = words[1..].iter().map(|name| id(name)).collect();
                self.tell(
                    &format!(
                        "{method}({}, {}, [{}])",
                        words[0],
                        retry.len(),
                        names(&retry)
                    ),
                    &Callback::ErrorCompleted(ErrorCompleted { retry }),
                );
            }
            "EnableModeless" => {
                let enable = words[0] == "TRUE";
                self.ask(
                    &format!("EnableModeless({})", words[0]),
                    &Question::EnableModeless(EnableModeless { enable }),
                    |answer| {
                        if answer.contains("true") {
                            "S_OK"
                        } else {
                            "S_FALSE"
                        }
                    },
                    if enable { "S_FALSE" } else { "S_OK" },
                );
            }
            "LogError" => self.tell(
                &format!(
                    "LogError({}, text, {{mask 7, flags 1, {}, {}}})",
                    words[0], words[1], words[2]
                ),
                &Callback::Log(Log {
                    level: match words[0] {
                        "1" => Level::Information,
                        "2" => Level::Warning,
                        _ => Level::Error,
                    },
                    text: "it went wrong".to_owned(),
                    item: Some(id(words[2])),
                    detail: None,
                    error: Some(guid(words[1])),
                    jump: true,
                }),
            ),
            "DeleteLogError" => self.tell(
                &format!("DeleteLogError({}, 0)", words[0]),
                &Callback::DeleteLog(DeleteLog {
                    error: Some(guid(words[0])),
                }),
            ),
            other => panic!("unknown step: {other}"),
        }
    }

    fn progress(&self, words: &[&str]) {
        let mut report = Progress {
            item: Some(id(words[0])),
            ..Progress::default()
        };
        report.status = Some(match words[1] {
            "STOPPED" => Status::Stopped,
            "SKIPPED" => Status::Skipped,
            "PENDING" => Status::Pending,
            "UPDATING" => Status::Updating,
            "SUCCEEDED" => Status::Succeeded,
            "FAILED" => Status::Failed,
            other => panic!("unknown status: {other}"),
        });
        if report.status.is_some_and(Status::is_terminal) {
            self.enter().run.retain(|item| item != words[0]);
        }
        let mut line = format!("Progress({}, {}", words[0], words[1]);
        for pair in words[2..].chunks(2) {
            let number = pair[1].parse().unwrap();
            match pair[0] {
                "max" => report.max = Some(number),
                _ => report.value = Some(number),
            }
            line.push_str(&format!(", {} {number}", pair[0]));
        }
        line.push(')');
        let verdict = |answer: &str| {
            let answer: ProgressVerdict = serde_json::from_str(answer).unwrap();
            match answer.verdict {
                Verdict::Continue => "S_OK",
                Verdict::CancelItem => "S_SYNCMGR_CANCELITEM",
                Verdict::CancelAll => "S_SYNCMGR_CANCELALL",
            }
        };
        self.ask(
            &line,
            &Question::Progress(report),
            verdict,
            "S_SYNCMGR_CANCELALL",
        );
    }
}
