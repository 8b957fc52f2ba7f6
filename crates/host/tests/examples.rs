//! Runs the handlers of `examples/` through the same host that the manager uses.
//!
//! All of them mirror a list of files into a folder and are told apart by nothing that the manager can see, so one set of
//! tests goes over all of them. A source that hangs is a pipe that somebody holds open and writes nothing into.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot make its files or pipes should fail"
)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use syncmgr_handler::call::{
    Event, Initialize, Initialized, ItemStatusNotice, ListItems, PlanItems, Prepare, ShowError,
    Started, Synchronize, Verdict,
};
use syncmgr_handler::callback::{Completion, Failure, Level, Log, Prompted, Status};
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::item::{Counts, ItemId};
use syncmgr_handler::{Callback, Notice, Question};
use syncmgr_host::{
    CallError, Exit, Handle, HandshakeError, HostEvent, Instance, Limits, Spec, StopReason, What,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

const FOR_EVER: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Language {
    Python,
    Shell,
    Node,
    Rust,
}

const ALL: [Language; 4] = [
    Language::Python,
    Language::Shell,
    Language::Node,
    Language::Rust,
];

impl Language {
    /// Whether its example reads web addresses too.
    fn knows_the_web(self) -> bool {
        matches!(self, Self::Python | Self::Node)
    }

    /// The words that start it, without its arguments.
    fn command(self) -> Vec<PathBuf> {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        match self {
            Self::Python => vec!["python3".into(), examples.join("python/mirror.py")],
            // The strictest shell that is at hand everywhere; what it runs, every POSIX shell runs.
            Self::Shell => vec!["dash".into(), examples.join("shell/mirror.sh")],
            Self::Node => vec!["node".into(), examples.join("node/mirror.mjs")],
            Self::Rust => {
                let test = std::env::current_exe().unwrap();
                let target = test.parent().and_then(Path::parent).unwrap();
                vec![target.join("examples/mirror")]
            }
        }
    }
}

/// A list, a target and a directory of state of their own.
struct Place {
    language: Language,
    root: tempfile::TempDir,
}

impl Place {
    fn new(language: Language) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("state \"quoted\"")).unwrap();
        Self { language, root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn source(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Writes the list; `@` stands for the directory of the sources.
    fn list(&self, text: &str) {
        let at = format!("{}/", self.root.path().display());
        fs::write(self.path("list"), text.replace('@', &at)).unwrap();
    }

    /// Makes a source that gives nothing as long as what is answered lives.
    fn hanging(&self, name: &str) -> fs::File {
        let path = self.path(name);
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        // Reading and writing, so that neither end waits for the other.
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).open(path).unwrap()
    }

    fn mirrored(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path("target").join(name)).ok()
    }

    /// Everything that lies in the target, hidden files too.
    fn target(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("target")) else {
            return Vec::new();
        };
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn start(&self) -> Session {
        let mut words = self.language.command().into_iter();
        let program = words.next().unwrap();
        let args = words.chain([self.path("list"), self.path("target")]);
        let spec = Spec {
            instance: 1,
            program,
            args: args.map(Into::into).collect(),
            env: Vec::new(),
            cwd: None,
        };
        let (sender, events) = mpsc::channel(64);
        let handle = Instance::start(spec, Limits::default(), sender);
        Session {
            language: self.language,
            handle,
            events,
            seen: Vec::new(),
            logged: Vec::new(),
        }
    }

    fn first(&self, event: Event, may_bother_user: bool) -> Initialize {
        Initialize {
            contract: vec![1],
            features: Vec::new(),
            manager: "test".into(),
            event,
            may_bother_user,
            settings: false,
            cookie: None,
            state_dir: self.path("state \"quoted\"").to_string_lossy().into_owned(),
            definitions: serde_json::Map::new(),
            more_definitions: false,
        }
    }

    /// Starts an instance that a person asked for.
    async fn manual(&self) -> Session {
        let mut session = self.start();
        session.greet(self.first(Event::Manual, true)).await;
        session
    }
}

/// What was reported of an item.
type Seen = (String, Status, Option<Counts>, Option<Failure>);

struct Session {
    language: Language,
    handle: Handle,
    events: mpsc::Receiver<HostEvent>,
    seen: Vec<Seen>,
    logged: Vec<Log>,
}

impl Session {
    async fn greet(&mut self, first: Initialize) -> Initialized {
        match self.handle.handshake(first).await {
            Ok(answer) => answer,
            Err(error) => panic!(
                "{:?}: {error}: {}",
                self.language,
                self.handle.stderr_tail()
            ),
        }
    }

    /// Waits for the next thing that is not merely noted down.
    async fn next(&mut self) -> What {
        loop {
            let event = timeout(FOR_EVER, self.events.recv()).await;
            let Ok(Some(event)) = event else {
                panic!("{:?}: nothing came", self.language);
            };
            match event.what {
                What::Callback(Callback::Progress(report)) => {
                    if let (Some(item), Some(status)) = (report.item, report.status) {
                        let seen = (item.to_string(), status, report.counts, report.failure);
                        self.seen.push(seen);
                        if status == Status::Updating {
                            let begun = Callback::Progress(syncmgr_handler::callback::Progress {
                                item: Some(item),
                                status: Some(status),
                                ..Default::default()
                            });
                            return What::Callback(begun);
                        }
                    }
                }
                What::Callback(Callback::Log(entry)) => self.logged.push(entry),
                What::Violation(violation) => panic!("{:?}: {violation}", self.language),
                What::Started { .. } => {}
                what => return what,
            }
        }
    }

    async fn list(&mut self) -> Vec<ItemId> {
        let first = ListItems::default();
        let page = self.handle.call(&first, Some(FOR_EVER)).await.unwrap();
        assert_eq!(page.next, None);
        page.items.into_iter().map(|item| item.id).collect()
    }

    async fn prepare(&mut self, items: &[&str]) -> Started {
        let items = items.iter().map(|item| ItemId::new(*item).unwrap());
        let prepare = Prepare {
            items: items.collect(),
            ..Prepare::default()
        };
        let answer = self.handle.call(&prepare, Some(FOR_EVER)).await;
        answer.unwrap_or_else(|error| panic!("{:?}: {error}", self.language))
    }

    /// Prepares to the good end and starts synchronizing.
    async fn begin(&mut self, items: &[&str]) {
        assert_eq!(self.prepare(items).await, Started::Yes);
        let prepared = self.next().await;
        assert!(
            matches!(
                prepared,
                What::Callback(Callback::PrepareCompleted(Completion::Done))
            ),
            "{:?}: {prepared:?}",
            self.language
        );
        self.synchronize().await;
    }

    async fn synchronize(&mut self) {
        let started = self.handle.call(&Synchronize {}, Some(FOR_EVER)).await;
        assert_eq!(started.unwrap(), Started::Yes);
    }

    /// Waits until an item is at work.
    async fn updating(&mut self, wanted: &str) {
        loop {
            match self.next().await {
                What::Callback(Callback::Progress(report)) => {
                    if report.item.is_some_and(|item| item.as_str() == wanted) {
                        return;
                    }
                }
                other => panic!("{:?}: {other:?}", self.language),
            }
        }
    }

    /// Waits for the end of the run and answers how each item ended.
    async fn ended(&mut self) -> (Completion, Vec<Seen>) {
        loop {
            match self.next().await {
                What::Callback(Callback::SynchronizeCompleted(outcome)) => {
                    let seen = std::mem::take(&mut self.seen);
                    let ended = seen.into_iter().filter(|seen| seen.1.is_terminal());
                    return (outcome, ended.collect());
                }
                What::Callback(Callback::Progress(_)) => {}
                other => panic!("{:?}: {other:?}", self.language),
            }
        }
    }

    fn cancel(&self, item: Option<&str>) {
        let verdict = match item {
            Some(_) => Verdict::CancelItem,
            None => Verdict::CancelAll,
        };
        let item = item.map(|item| ItemId::new(item).unwrap());
        let notice = Notice::ItemStatus(ItemStatusNotice { item, verdict });
        self.handle.notify(&notice).unwrap();
    }

    /// Waits for the end of the instance.
    async fn exited(&mut self) -> Exit {
        loop {
            if let What::Exited(exit) = self.next().await {
                return exit;
            }
        }
    }

    /// Releases it and makes sure that it ends by itself.
    async fn release(mut self) {
        self.handle.stop(StopReason::Finished);
        let exit = self.exited().await;
        assert!(exit.is_clean(), "{:?}: {exit:?}", self.language);
        assert_eq!(exit.stderr_tail, "", "{:?}", self.language);
    }
}

fn received(item: &str, text: &str) -> Seen {
    let counts = Counts {
        received: 1,
        bytes: text.len() as u64,
        ..Counts::default()
    };
    (item.into(), Status::Succeeded, Some(counts), None)
}

fn plainly(item: &str, status: Status) -> Seen {
    (item.into(), status, None, None)
}

/// The reported counts, where there being none and there being only zeros are the same.
fn without_zeros(seen: Vec<Seen>) -> Vec<Seen> {
    let nothing = Some(Counts::default());
    let clean = |mut seen: Seen| {
        if seen.2 == nothing {
            seen.2 = None;
        }
        seen
    };
    seen.into_iter().map(clean).collect()
}

/// Shows H-16, H-25, H-26, H-31, H-32, H-34, H-35 and H-39 of each example.
#[tokio::test]
#[ignore = "needs python3, node and dash: cargo xtask suite examples"]
async fn a_plain_run_mirrors_everything_and_a_second_one_moves_nothing() {
    for language in ALL {
        let place = Place::new(language);
        place.source("one", "first\n");
        place.source("-two \\ \"three\"", "second\n");
        place.list("# sources\n\n one   @one\r\ntwo @-two \\ \"three\"\n");
        let mut session = place.manual().await;
        let items = session.list().await;
        assert_eq!(
            items.iter().map(ItemId::as_str).collect::<Vec<_>>(),
            ["one", "two"],
            "{language:?}"
        );
        let plan = PlanItems::default();
        let plan = session.handle.call(&plan, Some(FOR_EVER)).await;
        let Err(CallError::Refused { error, .. }) = plan else {
            panic!("{language:?} has no plan");
        };
        assert_eq!(error.code, RpcError::METHOD_NOT_FOUND, "{language:?}");
        session.begin(&["one", "two"]).await;
        let both = vec![received("one", "first\n"), received("two", "second\n")];
        assert_eq!(
            session.ended().await,
            (Completion::Done, both),
            "{language:?}"
        );
        assert_eq!(place.mirrored("one").as_deref(), Some("first\n"));
        assert_eq!(place.mirrored("two").as_deref(), Some("second\n"));
        session.release().await;

        place.source("one", "changed\n");
        let mut session = place.manual().await;
        // Only what is asked for is touched (H-31).
        session.begin(&["two"]).await;
        let (_, ended) = session.ended().await;
        assert_eq!(
            without_zeros(ended),
            [plainly("two", Status::Succeeded)],
            "{language:?}"
        );
        assert_eq!(place.mirrored("one").as_deref(), Some("first\n"));
        session.release().await;
        assert_eq!(place.target(), ["one", "two"], "{language:?}");
    }
}

/// Shows H-36, H-37 and H-41 of each example.
#[tokio::test]
#[ignore = "needs python3, node and dash: cargo xtask suite examples"]
async fn a_skipped_item_is_left_and_the_others_go_on() {
    for language in ALL {
        let place = Place::new(language);
        let pipe = place.hanging("pipe");
        place.source("one", "first\n");
        place.list("hangs @pipe\none @one\nlater @one\n");
        let mut session = place.manual().await;
        session.begin(&["hangs", "one", "later"]).await;
        session.updating("hangs").await;
        session.cancel(Some("later"));
        session.cancel(Some("hangs"));
        let (outcome, ended) = session.ended().await;
        assert_eq!(outcome, Completion::Done, "{language:?}");
        let expected = [
            plainly("hangs", Status::Skipped),
            received("one", "first\n"),
            plainly("later", Status::Skipped),
        ];
        assert_eq!(ended, expected, "{language:?}");
        drop(pipe);
        session.release().await;
        assert_eq!(place.target(), ["one"], "{language:?}");
    }
}

/// Shows H-34 and H-38 of each example.
#[tokio::test]
#[ignore = "needs python3, node and dash: cargo xtask suite examples"]
async fn a_stop_ends_everything_at_once() {
    for language in ALL {
        let place = Place::new(language);
        let pipe = place.hanging("pipe");
        place.source("one", "first\n");
        place.list("hangs @pipe\none @one\n");
        let mut session = place.manual().await;
        session.begin(&["hangs", "one"]).await;
        session.updating("hangs").await;
        session.cancel(None);
        let (outcome, ended) = session.ended().await;
        assert_eq!(outcome, Completion::Cancelled, "{language:?}");
        assert_eq!(ended, [plainly("hangs", Status::Stopped)], "{language:?}");
        drop(pipe);
        session.release().await;
        assert_eq!(place.target(), [""; 0], "{language:?}");
    }
}

#[tokio::test]
#[ignore = "needs python3, node and dash: cargo xtask suite examples"]
async fn a_release_in_the_middle_cancels_the_run() {
    for language in ALL {
        let place = Place::new(language);
        let pipe = place.hanging("pipe");
        place.list("hangs @pipe\n");
        let mut session = place.manual().await;
        session.begin(&["hangs"]).await;
        session.updating("hangs").await;
        session.handle.stop(StopReason::Finished);
        let (outcome, _) = session.ended().await;
        assert_eq!(outcome, Completion::Cancelled, "{language:?}");
        drop(pipe);
        let exit = session.exited().await;
        assert!(exit.is_clean(), "{language:?}: {exit:?}");
        assert_eq!(place.target(), [""; 0], "{language:?}");
    }
}

#[tokio::test]
#[ignore = "needs python3, node and dash: cargo xtask suite examples"]
async fn a_killed_run_leaves_whole_files_and_the_next_one_heals() {
    for language in ALL {
        let place = Place::new(language);
        let mut pipe = place.hanging("pipe");
        place.source("one", "first\n");
        place.list("one @one\nhangs @pipe\n");
        fs::create_dir(place.path("target")).unwrap();
        fs::write(place.path("target/hangs"), "older\n").unwrap();
        let mut session = place.manual().await;
        session.begin(&["one", "hangs"]).await;
        session.updating("hangs").await;
        pipe.write_all(b"half a").unwrap();
        session.handle.kill();
        let exit = session.exited().await;
        assert!(!exit.is_clean(), "{language:?}");
        assert_eq!(place.mirrored("one").as_deref(), Some("first\n"));
        assert_eq!(
            place.mirrored("hangs").as_deref(),
            Some("older\n"),
            "{language:?}"
        );
        drop(pipe);

        fs::remove_file(place.path("pipe")).unwrap();
        place.source("pipe", "newer\n");
        let mut session = place.manual().await;
        session.begin(&["one", "hangs"]).await;
        let (outcome, ended) = session.ended().await;
        assert_eq!(outcome, Completion::Done, "{language:?}");
        assert_eq!(
            without_zeros(ended),
            [
                plainly("one", Status::Succeeded),
                received("hangs", "newer\n")
            ],
            "{language:?}"
        );
        session.release().await;
        assert_eq!(place.target(), ["hangs", "one"], "{language:?}");
        assert_eq!(place.mirrored("hangs").as_deref(), Some("newer\n"));
        let state = fs::read_dir(place.path("state \"quoted\"")).unwrap();
        assert_eq!(state.count(), 0, "{language:?} left something behind");
    }
}

/// Shows H-39, H-43, H-44, H-45, H-46 and H-47 of each example.
#[tokio::test]
#[ignore = "needs python3, node and dash: cargo xtask suite examples"]
async fn a_failure_is_logged_with_a_link_and_the_link_tries_again() {
    for language in ALL {
        let place = Place::new(language);
        place.source("one", "first\n");
        place.list("one @one\ngone @gone\n");
        let mut session = place.manual().await;
        session.begin(&["gone", "one"]).await;
        let (outcome, ended) = session.ended().await;
        assert_eq!(outcome, Completion::Done, "{language:?}");
        assert_eq!(
            ended,
            [
                ("gone".into(), Status::Failed, None, Some(Failure::Hard)),
                received("one", "first\n")
            ],
            "{language:?}"
        );
        let entry = session.logged.pop().unwrap();
        assert_eq!(entry.level, Level::Error, "{language:?}");
        assert_eq!(entry.item, ItemId::new("gone").ok(), "{language:?}");
        assert!(entry.jump, "{language:?}");

        place.source("gone", "back\n");
        let error = entry.error.unwrap();
        let show = ShowError {
            error,
            window: None,
        };
        session.handle.call(&show, Some(FOR_EVER)).await.unwrap();
        let shown = session.next().await;
        let What::Callback(Callback::ErrorCompleted(completed)) = shown else {
            panic!("{language:?}: {shown:?}");
        };
        assert_eq!(completed.retry, [ItemId::new("gone").unwrap()]);
        // The same instance runs again (H-47).
        session.begin(&["gone"]).await;
        let (_, ended) = session.ended().await;
        assert_eq!(ended, [received("gone", "back\n")], "{language:?}");
        session.release().await;
    }
}

#[tokio::test]
#[ignore = "needs python3, node and dash: cargo xtask suite examples"]
async fn marks_of_an_earlier_run_are_gone_in_the_next() {
    for language in ALL {
        let place = Place::new(language);
        let pipe = place.hanging("pipe");
        place.source("one", "first\n");
        place.list("hangs @pipe\none @one\n");
        let mut session = place.manual().await;
        session.begin(&["hangs", "one"]).await;
        session.updating("hangs").await;
        session.cancel(Some("one"));
        session.cancel(None);
        session.ended().await;
        drop(pipe);
        session.begin(&["one"]).await;
        let (outcome, ended) = session.ended().await;
        assert_eq!(outcome, Completion::Done, "{language:?}");
        assert_eq!(ended, [received("one", "first\n")], "{language:?}");
        session.release().await;
    }
}

/// Shows H-27, H-28 and H-29 of each example: a question is the window of a handler without windows.
#[tokio::test]
#[ignore = "needs python3, node and dash: cargo xtask suite examples"]
async fn what_needs_a_person_is_asked_or_waits_for_one() {
    for language in ALL {
        let place = Place::new(language);
        place.source("one", "first\n");
        place.list("one @one\nasks ?@one\nrefused ? @one\n");
        let mut session = place.start();
        session.greet(place.first(Event::Idle, false)).await;
        assert_eq!(
            session.prepare(&["one", "asks"]).await,
            Started::NeedsUser,
            "{language:?}"
        );
        // Nothing of the refused run is left over, and what needs nobody runs.
        session.begin(&["one"]).await;
        let (_, ended) = session.ended().await;
        assert_eq!(ended, [received("one", "first\n")], "{language:?}");
        session.release().await;

        let mut session = place.manual().await;
        assert_eq!(session.prepare(&["asks", "refused"]).await, Started::Yes);
        for _ in 0..2 {
            let question = session.next().await;
            let What::Question {
                question: Question::Prompt(prompt),
                reply,
            } = question
            else {
                panic!("{language:?}: {question:?}");
            };
            let yes = prompt.item == ItemId::new("asks").ok();
            let choice = if yes { "yes" } else { "no" };
            assert!(prompt.choices.iter().any(|offered| offered.name == choice));
            let chosen = Prompted::Chosen {
                choice: choice.into(),
                fields: serde_json::Map::new(),
            };
            reply.answer(&chosen).unwrap();
        }
        let prepared = session.next().await;
        assert!(
            matches!(
                prepared,
                What::Callback(Callback::PrepareCompleted(Completion::Done))
            ),
            "{language:?}: {prepared:?}"
        );
        session.synchronize().await;
        let (_, ended) = session.ended().await;
        let expected = [
            received("asks", "first\n"),
            plainly("refused", Status::Skipped),
        ];
        assert_eq!(ended, expected, "{language:?}");
        session.release().await;
    }
}

/// Shows H-06, H-13, H-16 and H-17 of each example.
#[tokio::test]
#[ignore = "needs python3, node and dash: cargo xtask suite examples"]
async fn versions_events_and_bad_lists_are_answered() {
    for language in ALL {
        let place = Place::new(language);
        let session = place.start();
        let mut first = place.first(Event::Manual, true);
        first.contract = vec![9, 8];
        let refused = session.handle.handshake(first).await;
        assert!(
            matches!(&refused, Err(HandshakeError::Version { theirs, .. }) if *theirs == [1]),
            "{language:?}: {refused:?}"
        );

        let mut session = place.start();
        let answer = session
            .greet(place.first(Event::PendingDisconnect, true))
            .await;
        assert!(!answer.takes_part, "{language:?}");
        assert_eq!(answer.handler.name, "Mirror");
        session.release().await;

        // Without a list nothing is listed and nothing begins.
        let mut session = place.manual().await;
        let first = ListItems::default();
        let listed = session.handle.call(&first, Some(FOR_EVER)).await;
        assert!(
            matches!(&listed, Err(CallError::Refused { error, .. }) if error.code == RpcError::REFUSED),
            "{language:?}"
        );
        let started = session.prepare(&["one"]).await;
        assert!(matches!(started, Started::No { .. }), "{language:?}");
        session.release().await;

        // Lines that are no source are left out and said.
        let long = "x".repeat(64);
        place.source("one", "first\n");
        place.list(&format!(
            "one @one\nONE @one\n../up @one\n.hidden @one\nnothing\n{long} @one\n1 @one\n01 @one\n"
        ));
        let mut session = place.manual().await;
        let page = session
            .handle
            .call(&ListItems::default(), Some(FOR_EVER))
            .await
            .unwrap();
        let names: Vec<_> = page.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(names, ["one", "1", "01"], "{language:?}");
        assert!(page.incomplete, "{language:?}");
        // An item that went meanwhile is no reason to fail; it never becomes the name of a file.
        session.begin(&["../up", "01"]).await;
        let (_, ended) = session.ended().await;
        let expected = [plainly("../up", Status::Deleted), received("01", "first\n")];
        assert_eq!(ended, expected, "{language:?}");
        session.release().await;
        assert_eq!(place.target(), ["01"], "{language:?}");
    }
}

/// Shows H-13 and H-31 of each example.
#[tokio::test]
#[ignore = "needs python3, node and dash: cargo xtask suite examples"]
async fn a_thousand_items_come_and_go_in_pages() {
    for language in ALL {
        let place = Place::new(language);
        place.source("one", "first\n");
        let lines = (0..1001).map(|number| format!("item-{number} @one\n"));
        place.list(&lines.collect::<String>());
        let mut session = place.manual().await;
        let (mut names, mut cursor) = (Vec::new(), None);
        loop {
            let page = session
                .handle
                .call(&ListItems { cursor }, Some(FOR_EVER))
                .await
                .unwrap();
            assert!(page.items.len() <= 500, "{language:?}");
            names.extend(page.items.into_iter().map(|item| item.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(names.len(), 1001, "{language:?}");
        assert_eq!(names[1000].as_str(), "item-1000", "{language:?}");
        let pages = [&names[..2], &names[999..]];
        for (number, page) in pages.into_iter().enumerate() {
            let prepare = Prepare {
                items: page.to_vec(),
                more: number == 0,
                ..Prepare::default()
            };
            let answer = session.handle.call(&prepare, Some(FOR_EVER)).await;
            assert_eq!(answer.unwrap(), Started::Yes, "{language:?}");
        }
        session.next().await;
        session.synchronize().await;
        let (_, ended) = session.ended().await;
        let ended: Vec<_> = ended.into_iter().map(|seen| seen.0).collect();
        assert_eq!(
            ended,
            ["item-0", "item-1", "item-999", "item-1000"],
            "{language:?}"
        );
        session.release().await;
    }
}

#[tokio::test]
#[ignore = "needs python3, node and dash: cargo xtask suite examples"]
async fn web_addresses_are_mirrored_and_their_failures_are_soft_or_hard() {
    for language in ALL.into_iter().filter(|language| language.knows_the_web()) {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("http://{}", server.local_addr().unwrap());
        // Nobody listens there any more.
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let nobody = format!("http://{}", closed.local_addr().unwrap());
        drop(closed);
        let serving = std::thread::spawn(move || {
            for _ in 0..3 {
                let (mut stream, _) = server.accept().unwrap();
                let mut request = [0; 4096];
                let count = stream.read(&mut request).unwrap();
                let request = String::from_utf8_lossy(&request[..count]);
                let answer = match request.split(' ').nth(1) {
                    Some("/good") => "200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnews",
                    Some("/cut") => "200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nne",
                    _ => "404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                };
                write!(stream, "HTTP/1.1 {answer}").unwrap();
            }
        });
        let place = Place::new(language);
        place.list(&format!(
            "good {at}/good\ncut {at}/cut\nnone {at}/none\nnobody {nobody}/\n"
        ));
        let mut session = place.manual().await;
        session.begin(&["good", "cut", "none", "nobody"]).await;
        let (outcome, ended) = session.ended().await;
        assert_eq!(outcome, Completion::Done, "{language:?}");
        let failed = |item: &str, how| (item.into(), Status::Failed, None, Some(how));
        assert_eq!(
            ended,
            [
                received("good", "news"),
                failed("cut", Failure::Soft),
                failed("none", Failure::Hard),
                failed("nobody", Failure::Soft),
            ],
            "{language:?}: {:?}",
            session.logged
        );
        session.release().await;
        serving.join().unwrap();
        assert_eq!(place.target(), ["good"], "{language:?}");
    }
}
