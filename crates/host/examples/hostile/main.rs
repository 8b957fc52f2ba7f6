//! A handler that misbehaves in the way that its argument names; a test program.
//!
//! `hostile MODE` behaves well up to the point that the mode names. It lists three items, `item-1` to `item-3`, and reports
//! each as updating and succeeded. Built by `cargo test` into `target/debug/examples`.
//!
//! | Mode | What it does |
//! |---|---|
//! | `well` | nothing bad at all |
//! | `crash-PHASE` | ends by a signal; PHASE is `start`, `initialize`, `list`, `prepare`, `synchronize` or `after` (the completion) |
//! | `lists` | lists what a file says, its second argument; refuses with what is no JSON, ends at `initialize` without it |
//! | `hang-PHASE` | does nothing any more, not even read; also with `release`, at which it hangs instead of ending |
//! | `busy` | says that a server is full, 3 of 120 after, and that trying again is in vain for 300 seconds |
//! | `flood-progress` | reports progress of `item-1` as fast as it can, and for ever, until its output is closed |
//! | `flood-log` | adds log entries as fast as it can, for ever |
//! | `flood-stderr` | writes 1 MiB to standard error, then behaves well |
//! | `flood-questions` | asks 1000 questions at once, then completes |
//! | `flood-breaches` | sends progress with wrong parameters for ever |
//! | `half-exit`, `half-hang` | writes half a line in `synchronize`, then ends well, or hangs |
//! | `giant-line` | writes a line of 1 GiB in `synchronize` |
//! | `not-utf8` | writes a line that is not UTF-8 in `synchronize` |
//! | `junk` | prints something for people to standard output in `synchronize` |
//! | `wrong-version` | refuses every contract version but 999 |
//! | `other-version` | chooses a contract version that was not offered |
//! | `speaks-after` | goes on reporting, logging and completing after the completion, and after `release` until its end |
//! | `completes-early` | completes a synchronization that nobody started, while it prepares |
//! | `completes-twice` | sends each completion twice, the second time as a failure |
//! | `never-completes` | reads on, but never completes `synchronize`; ends at `release` |
//! | `unknown-items` | also reports and logs about an item that it never listed, and asks for one |
//! | `unknown-answers` | answers requests that were never made |
//! | `exits-early` | ends with code 0 in the middle of `synchronize` |
//! | `exits-badly` | completes well, and ends with code 3 at `release` |
//! | `never-exits` | completes well, and ignores `release`, the end of its input and (on Unix) the termination signal |
//! | `deaf` | answers `initialize` and reads nothing any more |
//! | `closes-output` | closes standard output in `synchronize` but lives on (Unix) |
//! | `grandchild` | leaves a child behind that holds its output open, in its own process group |
//! | `escaped-grandchild` | the same with a child in a group of its own (Unix); that child ends after a minute |
//! | `sleeper` | is that child |

#![expect(
    clippy::disallowed_methods,
    reason = "a test program that starts children of its own"
)]

use std::io::{self, BufRead as _, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

#[cfg(unix)]
#[path = "sys_unix.rs"]
mod sys;
#[cfg(windows)]
#[path = "sys_windows.rs"]
mod sys;

/// How long a child that was left behind lives at most.
const SLEEPER_LIFE: Duration = Duration::from_secs(60);

struct Hostile {
    mode: String,
    out: io::Stdout,
}

fn main() -> ExitCode {
    let mut hostile = Hostile {
        mode: std::env::args().nth(1).unwrap_or_default(),
        out: io::stdout(),
    };
    match hostile.run() {
        Ok(code) => code,
        // Its output was closed.
        Err(_) => ExitCode::from(9),
    }
}

/// What the file says that the second argument names.
fn list() -> Option<String> {
    std::fs::read_to_string(std::env::args().nth(2)?).ok()
}

/// Does nothing until somebody ends the process.
fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

impl Hostile {
    fn is(&self, mode: &str) -> bool {
        self.mode == mode
    }

    fn reaches(&self, phase: &str) {
        match self.mode.split_once('-') {
            Some(("crash", at)) if at == phase => std::process::abort(),
            Some(("hang", at)) if at == phase => hang(),
            _ => {}
        }
    }

    fn send(&mut self, message: &Value) -> io::Result<()> {
        writeln!(self.out, "{message}")?;
        self.out.flush()
    }

    fn tell(&mut self, method: &str, params: &Value) -> io::Result<()> {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
    }

    fn ask(&mut self, id: u64, method: &str, params: &Value) -> io::Result<()> {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
    }

    fn answer(&mut self, id: &Value, result: &Value) -> io::Result<()> {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
    }

    fn run(&mut self) -> io::Result<ExitCode> {
        if self.is("sleeper") {
            let (_keep, never) = mpsc::channel::<()>();
            let waited = never.recv_timeout(SLEEPER_LIFE);
            return Ok(ExitCode::from(u8::from(waited.is_ok())));
        }
        if self.is("never-exits") {
            sys::ignore_termination();
        }
        self.reaches("start");
        let mut items = Vec::new();
        for line in io::stdin().lock().lines() {
            let line = line?;
            if let (true, Some(path)) = (self.is("records"), std::env::args().nth(2)) {
                let mut file = std::fs::OpenOptions::new();
                let mut file = file.append(true).create(true).open(path)?;
                writeln!(file, "{line}")?;
            }
            let message: Value = serde_json::from_str(&line).unwrap_or_default();
            let id = &message["id"];
            match message["method"].as_str().unwrap_or_default() {
                "initialize" if self.is("lists") && list().is_none() => {
                    writeln!(io::stderr(), "nothing says what to list")?;
                    return Ok(ExitCode::from(3));
                }
                "initialize" => self.initialize(id)?,
                "items/list" if self.is("lists") => {
                    let text = list().unwrap_or_default();
                    if let Ok(page) = serde_json::from_str(&text) {
                        self.answer(id, &page)?;
                    } else {
                        write!(io::stderr(), "{text}")?;
                        let error = json!({"code": -32000, "message": text.trim()});
                        self.send(&json!({"jsonrpc": "2.0", "id": id, "error": error}))?;
                    }
                }
                "items/list" => {
                    self.reaches("list");
                    // One that records ticks all but the last.
                    let records = self.is("records");
                    let item = |n: u32| json!({"id": format!("item-{n}"), "name": format!("Item {n}"), "checked": !records || n < 3});
                    self.answer(id, &json!({"items": [item(1), item(2), item(3)]}))?;
                }
                "prepare" => {
                    items = message["params"]["items"]
                        .as_array()
                        .cloned()
                        .unwrap_or_default();
                    self.answer(id, &json!({"started": "yes"}))?;
                    self.reaches("prepare");
                    if self.is("completes-early") {
                        self.tell("synchronize/completed", &json!({"outcome": "done"}))?;
                    }
                    self.complete("prepare/completed")?;
                }
                "synchronize" => {
                    self.answer(id, &json!({"started": "yes"}))?;
                    if let Some(code) = self.synchronize(&items)? {
                        return Ok(code);
                    }
                }
                "release" => {
                    self.reaches("release");
                    self.answer(id, &json!({}))?;
                    if self.is("never-exits") {
                        hang();
                    }
                    if self.is("speaks-after") {
                        self.babble()?;
                    }
                    let code = if self.is("exits-badly") { 3 } else { 0 };
                    return Ok(ExitCode::from(code));
                }
                _ => {}
            }
        }
        if self.is("never-exits") {
            hang();
        }
        Ok(ExitCode::SUCCESS)
    }

    fn initialize(&mut self, id: &Value) -> io::Result<()> {
        self.reaches("initialize");
        if self.is("wrong-version") {
            let data = json!({"supported": [999]});
            let error = json!({"code": -31001, "message": "only 999", "data": data});
            return self.send(&json!({"jsonrpc": "2.0", "id": id, "error": error}));
        }
        let contract = if self.is("other-version") { 999 } else { 1 };
        self.answer(
            id,
            &json!({"contract": contract, "handler": {"name": "hostile"}}),
        )?;
        if self.is("deaf") {
            hang();
        }
        Ok(())
    }

    fn synchronize(&mut self, items: &[Value]) -> io::Result<Option<ExitCode>> {
        for item in items {
            self.tell("progress", &json!({"item": item, "status": "updating"}))?;
        }
        self.reaches("synchronize");
        match self.mode.as_str() {
            "flood-progress" => {
                for value in 0_u64.. {
                    let report = json!({"item": "item-1", "status": "updating", "value": value, "max": u64::MAX});
                    self.tell("progress", &report)?;
                }
            }
            "busy" => {
                for item in items {
                    let report = json!({"item": item, "status": "failed", "text": "the server is full", "value": 3,
                        "max": 120, "failure": "soft", "retryAfter": 300});
                    self.tell("progress", &report)?;
                }
                self.tell("synchronize/completed", &json!({"outcome": "done"}))?;
                return Ok(None);
            }
            "flood-log" => loop {
                self.tell("log", &json!({"level": "error", "text": "x".repeat(4000)}))?;
            },
            "flood-breaches" => loop {
                self.tell("progress", &json!({"item": 7}))?;
            },
            "flood-stderr" => {
                let mut stderr = io::stderr();
                stderr.write_all("é".repeat(512 << 10).as_bytes())?;
                stderr.write_all(b"\nthe last words")?;
            }
            "flood-questions" => {
                for id in 0..1000 {
                    let prompt = json!({"key": id.to_string(), "kind": "question", "text": "?", "choices": []});
                    self.ask(id, "prompt", &prompt)?;
                }
            }
            "half-exit" | "half-hang" => {
                self.out.write_all(b"{\"jsonrpc\": \"2.0\", \"meth")?;
                self.out.flush()?;
                if self.is("half-hang") {
                    hang();
                }
                return Ok(Some(ExitCode::SUCCESS));
            }
            "giant-line" => {
                let part = vec![b'x'; 1 << 20];
                for _ in 0..1024 {
                    self.out.write_all(&part)?;
                }
                self.out.write_all(b"\n")?;
            }
            "not-utf8" => {
                self.out
                    .write_all(b"{\"jsonrpc\": \"2.0\", \"method\": \"\xff\xfe\"}\n")?;
                self.out.flush()?;
            }
            "junk" => {
                self.out.write_all(b"debug: \x1b[31mhere I am\n")?;
                self.out.flush()?;
            }
            "unknown-items" => {
                let nobody = json!({"item": "nobody", "status": "failed"});
                self.tell("progress", &nobody)?;
                self.tell(
                    "log",
                    &json!({"level": "error", "text": "nobody failed", "item": "nobody"}),
                )?;
                self.ask(1, "items/add", &json!({"item": "nobody"}))?;
            }
            "unknown-answers" => {
                self.answer(&json!(12345), &json!({}))?;
                self.answer(&json!(12346), &json!({}))?;
            }
            "exits-early" => return Ok(Some(ExitCode::SUCCESS)),
            "never-completes" => return Ok(None),
            "closes-output" => sys::close_output_and_live(),
            "grandchild" | "escaped-grandchild" => {
                let program = std::env::current_exe()?;
                let mut child = Command::new(program);
                child.arg("sleeper").stdin(Stdio::null());
                if self.is("escaped-grandchild") {
                    sys::escape(&mut child);
                }
                let pid = child.spawn()?.id();
                self.tell(
                    "log",
                    &json!({"level": "information", "text": format!("grandchild {pid}")}),
                )?;
            }
            _ => {}
        }
        for item in items {
            self.tell("progress", &json!({"item": item, "status": "succeeded"}))?;
        }
        self.complete("synchronize/completed")?;
        self.reaches("after");
        if self.is("speaks-after") {
            self.babble()?;
        }
        Ok(None)
    }

    fn complete(&mut self, method: &str) -> io::Result<()> {
        self.tell(method, &json!({"outcome": "done"}))?;
        if self.is("completes-twice") {
            let failed = json!({"outcome": "failed", "reason": "once more", "failure": "hard"});
            self.tell(method, &failed)?;
        }
        Ok(())
    }

    fn babble(&mut self) -> io::Result<()> {
        self.tell("progress", &json!({"item": "item-1", "status": "failed"}))?;
        self.tell("log", &json!({"level": "error", "text": "after the end"}))?;
        self.complete("synchronize/completed")?;
        self.complete("prepare/completed")
    }
}
