//! Measures the contract itself, for `cargo xtask bench contract`.
//!
//! `contract serve ITEMS REPORTS` is a handler whose items take no time and which reports progress as often as it is told;
//! it writes lines of its own instead of using `serve`, which would pace them. `contract kit ITEMS REPORTS` does use it.
//! `contract bytes ITEMS REPORTS` only writes the lines. `contract measure …` is the other side, and prints one object of
//! JSON: how long it took, and how many events came out.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use syncmgr_handler::call::{Event, Initialize, ListItems, Prepare, Started, Synchronize};
use syncmgr_handler::callback::{Completion, Progress, Status};
use syncmgr_handler::contract::MAX_PAGE;
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::item::{Counts, HandlerInfo, Item, ItemId};
use syncmgr_handler::{
    Callback, Connection, Handler, Introduction, ItemList, Run, Start, Unfinished, serve,
};
use syncmgr_host::{Handle, HostEvent, Instance, Limits, Spec, StopReason, What};
use tokio::sync::mpsc;

type Failure = Box<dyn std::error::Error>;

/// Far longer than anything here takes.
const FOR_EVER: Duration = Duration::from_secs(600);

/// As many events as the manager lets wait.
const EVENTS: usize = 4096;

/// How many lines are written at once.
const BATCH_BYTES: usize = 64 << 10;

/// Most items whose progress is reported in turn.
const REPORTING: usize = 100;

#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what this program is for"
)]
fn now() -> Instant {
    Instant::now()
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<usize>().ok());
    let (items, reports) = (number(1).unwrap_or(3), number(2).unwrap_or(0));
    match words.first().map(String::as_str) {
        Some("serve") => raw(Connection::stdio(), items, reports)?,
        Some("kit") => serve(Flood { items, reports }, Connection::stdio())?,
        Some("bytes") => flood(&mut io::stdout().lock(), items, reports)?,
        Some("measure") => {
            let measured = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?
                .block_on(measure(&words[1..]))?;
            writeln!(io::stdout(), "{measured}")?;
        }
        _ => return Err("serve, kit, bytes or measure".into()),
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("item-{number}")
}

/// Writes as many reports as wished, in turn about some of the items, each with another value.
fn flood(out: &mut dyn Write, items: usize, reports: usize) -> io::Result<()> {
    let mut batch = Vec::with_capacity(BATCH_BYTES + 256);
    for report in 0..reports {
        let item = report % items.clamp(1, REPORTING);
        write!(
            batch,
            r#"{{"jsonrpc":"2.0","method":"progress","params":{{"item":"item-{item}","status":"updating","value":{report},"max":{reports}}}}}"#
        )?;
        batch.push(b'\n');
        if batch.len() >= BATCH_BYTES {
            out.write_all(&batch)?;
            batch.clear();
        }
    }
    out.write_all(&batch)?;
    out.flush()
}

/// The handler that writes its lines itself.
fn raw(connection: Connection, items: usize, reports: usize) -> Result<(), Failure> {
    let (mut reader, mut out) = connection.split();
    while let Some(line) = reader.next_line()? {
        let message: Value = serde_json::from_str(line)?;
        let (id, method) = (&message["id"], message["method"].as_str());
        let mut answer = |result: Value| {
            writeln!(
                out,
                "{}",
                json!({"jsonrpc": "2.0", "id": id, "result": result})
            )
        };
        match method {
            Some("initialize") => answer(json!({"contract": 1, "handler": {"name": "flood"}}))?,
            Some("items/list") => {
                let start = message["params"]["cursor"].as_str();
                let start = start.map_or(Ok(0), str::parse::<usize>)?;
                let end = items.min(start + MAX_PAGE);
                let item = |number| json!({"id": name(number), "name": name(number)});
                let page: Vec<Value> = (start..end).map(item).collect();
                let next = (end < items).then(|| end.to_string());
                answer(json!({"items": page, "next": next}))?;
            }
            Some("prepare") => {
                answer(json!({"started": "yes"}))?;
                if message["params"]["more"] != json!(true) {
                    writeln!(
                        out,
                        r#"{{"jsonrpc":"2.0","method":"prepare/completed","params":{{"outcome":"done"}}}}"#
                    )?;
                }
            }
            Some("synchronize") => {
                answer(json!({"started": "yes"}))?;
                flood(&mut out, items, reports)?;
                for item in 0..items.min(REPORTING) {
                    writeln!(
                        out,
                        r#"{{"jsonrpc":"2.0","method":"progress","params":{{"item":"item-{item}","status":"succeeded"}}}}"#
                    )?;
                }
                writeln!(
                    out,
                    r#"{{"jsonrpc":"2.0","method":"synchronize/completed","params":{{"outcome":"done"}}}}"#
                )?;
            }
            Some("release") => {
                answer(json!({}))?;
                break;
            }
            _ => {}
        }
        out.flush()?;
    }
    Ok(())
}

/// The same with the kit for authors.
struct Flood {
    items: usize,
    reports: usize,
}

impl Handler for Flood {
    fn initialize(&self, _: &Start) -> Result<Introduction, RpcError> {
        Ok(Introduction {
            info: HandlerInfo {
                name: "flood".to_owned(),
                ..HandlerInfo::default()
            },
            stays_out: false,
        })
    }

    fn items(&self) -> Result<ItemList, RpcError> {
        let item = |number| Some(Item::new(ItemId::new(name(number)).ok()?, name(number)));
        Ok(ItemList {
            items: (0..self.items).filter_map(item).collect(),
            incomplete: false,
        })
    }

    fn synchronize(&self, run: &Run) -> Result<(), Unfinished> {
        let items = run.items();
        for report in 0..self.reports {
            run.progress(Progress {
                item: Some(items[report % items.len()].clone()),
                status: Some(Status::Updating),
                value: Some(report as u64),
                max: Some(self.reports as u64),
                ..Progress::default()
            });
        }
        for item in items {
            run.succeeded(item, Counts::default());
        }
        Ok(())
    }
}

/// The manager's end of one instance.
struct Manager {
    handle: Handle,
    events: mpsc::Receiver<HostEvent>,
}

impl Manager {
    /// Starts what the words say: `memory-raw`, `memory-kit`, or the words of a program.
    fn start(words: &[String], items: usize, reports: usize) -> Self {
        let (sender, events) = mpsc::channel(EVENTS);
        let limits = Limits::default();
        let handle = match words.first().map(String::as_str) {
            Some("memory-raw") => Instance::memory(1, limits, sender, move |connection| {
                drop(raw(connection, items, reports));
            }),
            Some("memory-kit") => Instance::memory(1, limits, sender, move |connection| {
                drop(serve(Flood { items, reports }, connection));
            }),
            _ => {
                let mut words = words.iter();
                let spec = Spec {
                    instance: 1,
                    program: words.next().map(PathBuf::from).unwrap_or_default(),
                    args: words.map(Into::into).collect(),
                    env: Vec::new(),
                    cwd: None,
                };
                Instance::start(spec, limits, sender)
            }
        };
        Self { handle, events }
    }

    async fn greet(&self) -> Result<(), Failure> {
        let first = Initialize {
            contract: vec![1],
            features: Vec::new(),
            manager: "bench".into(),
            event: Event::Manual,
            may_bother_user: false,
            settings: false,
            cookie: None,
            state_dir: String::new(),
            definitions: serde_json::Map::new(),
            more_definitions: false,
        };
        if let Err(error) = self.handle.handshake(first).await {
            return Err(format!("{error}: {error:?}: {}", self.handle.stderr_tail()).into());
        }
        Ok(())
    }

    /// Lists every item. Events are few meanwhile and find room in their channel.
    async fn list(&self) -> Result<Vec<ItemId>, Failure> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let wish = ListItems { cursor };
            let page = self.handle.call(&wish, Some(FOR_EVER)).await?;
            found.extend(page.items.into_iter().map(|item| item.id));
            cursor = page.next;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }

    /// Waits for a completion and answers how many events came until then.
    async fn completed(&mut self) -> Result<u64, Failure> {
        let mut count = 0;
        let mut batch = Vec::new();
        while self.events.recv_many(&mut batch, 256).await > 0 {
            for event in batch.drain(..) {
                match event.what {
                    What::Callback(
                        Callback::PrepareCompleted(outcome)
                        | Callback::SynchronizeCompleted(outcome),
                    ) => {
                        return match outcome {
                            Completion::Done => Ok(count),
                            other => Err(format!("{other:?}").into()),
                        };
                    }
                    What::Callback(Callback::Progress(_)) => count += 1,
                    What::Violation(violation) => return Err(violation.to_string().into()),
                    What::Exited(exit) => return Err(format!("{exit:?}").into()),
                    _ => {}
                }
            }
        }
        Err("no completion came".into())
    }

    async fn end(mut self) -> Result<(), Failure> {
        self.handle.stop(StopReason::Finished);
        while let Some(event) = self.events.recv().await {
            if let What::Exited(exit) = event.what {
                return if exit.is_clean() {
                    Ok(())
                } else {
                    Err(format!("{exit:?}").into())
                };
            }
        }
        Err("no end came".into())
    }
}

/// `callbacks|items|starts COUNT -- PROGRAM…`
async fn measure(words: &[String]) -> Result<Value, Failure> {
    let [what, count, _, program @ ..] = words else {
        return Err("measure WHAT COUNT -- PROGRAM…".into());
    };
    let count: usize = count.parse()?;
    match what.as_str() {
        "callbacks" => callbacks(program, count).await,
        "items" => items(program, count).await,
        "starts" => starts(program, count).await,
        other => Err(format!("cannot measure {other}").into()),
    }
}

async fn callbacks(program: &[String], count: usize) -> Result<Value, Failure> {
    let mut manager = Manager::start(program, REPORTING, count);
    manager.greet().await?;
    let mut items = manager.list().await?;
    items.truncate(REPORTING);
    let prepare = Prepare {
        items,
        ..Prepare::default()
    };
    manager.handle.call(&prepare, Some(FOR_EVER)).await?;
    manager.completed().await?;
    let begun = now();
    let started = Synchronize {};
    // The answer may stand behind reports that find no room, so both are awaited at once.
    let handle = manager.handle.clone();
    let (answer, events) = tokio::join!(handle.call(&started, Some(FOR_EVER)), manager.completed());
    if answer? != Started::Yes {
        return Err("it did not start".into());
    }
    let seconds = begun.elapsed().as_secs_f64();
    let events = events?;
    drop(handle);
    manager.end().await?;
    Ok(json!({"seconds": seconds, "count": count, "events": events}))
}

async fn items(program: &[String], count: usize) -> Result<Value, Failure> {
    let manager = Manager::start(program, count, 0);
    manager.greet().await?;
    let begun = now();
    let listed = manager.list().await?.len();
    let seconds = begun.elapsed().as_secs_f64();
    manager.end().await?;
    if listed != count {
        return Err(format!("{listed} of {count} items were listed").into());
    }
    Ok(json!({"seconds": seconds, "count": count}))
}

/// From the start of the process to its answer to `initialize`, in milliseconds, beside the start and end of `true`.
async fn starts(program: &[String], count: usize) -> Result<Value, Failure> {
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let begun = now();
        let manager = Manager::start(program, 1, 0);
        manager.greet().await?;
        ours.push(begun.elapsed().as_secs_f64() * 1000.0);
        manager.end().await?;
        let begun = now();
        let ended = nothing().await?;
        if !ended.success() {
            return Err(format!("true ended with {ended}").into());
        }
        plain.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(json!({"ours_ms": ours, "true_ms": plain}))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the peer of a handler's start is the start of a program that does nothing"
)]
async fn nothing() -> io::Result<std::process::ExitStatus> {
    tokio::process::Command::new("true").status().await
}
