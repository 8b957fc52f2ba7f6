//! The same handle over the in-memory link: a handler on a thread of this process, served by the same code.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use serde_json::json;
use syncmgr_handler::call::{
    Choice, Event, Initialize, ItemStatusNotice, ListItems, PlanItems, Prepare, Started,
    Synchronize, Verdict,
};
use syncmgr_handler::callback::{
    Completion, Level, Progress, Prompt, PromptKind, Prompted, Status,
};
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::item::{Counts, HandlerInfo, Item, ItemId};
use syncmgr_handler::{
    Callback, Connection, Handler, Introduction, ItemList, Notice, Question, Run, Start,
    Unfinished, serve,
};
use syncmgr_host::{
    CallError, Exit, ExitStatus, Handle, HandshakeError, HostEvent, Instance, Limits, Rung,
    StopReason, What,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Far longer than anything here takes.
const FOR_EVER: Duration = Duration::from_secs(60);

struct Asking {
    items: usize,
    answers: Sender<String>,
}

impl Handler for Asking {
    fn initialize(&self, start: &Start) -> Result<Introduction, RpcError> {
        let told = format!("{} {:?}", start.definitions.len(), start.cookie);
        drop(self.answers.send(told));
        Ok(Introduction {
            info: HandlerInfo::default(),
            stays_out: start.settings,
        })
    }

    fn items(&self) -> Result<ItemList, RpcError> {
        let id = |number| ItemId::new(format!("item-{number}"));
        let items = (0..self.items).filter_map(|number| id(number).ok());
        Ok(ItemList {
            items: items.map(|id| Item::new(id, "an item")).collect(),
            incomplete: false,
        })
    }

    fn prepare(&self, run: &Run) -> Result<(), Unfinished> {
        if run.id() != "asks" {
            return Ok(());
        }
        let answer = run.ask(Prompt {
            item: None,
            key: "colour".into(),
            kind: PromptKind::Question,
            text: "which colour?".into(),
            detail: None,
            choices: vec![Choice {
                name: "red".into(),
                label: "Red".into(),
            }],
            default: None,
            fields: None,
            deadline_ms: None,
            durable: false,
            wrong: false,
            context: json!(null),
        });
        drop(self.answers.send(format!("{answer:?}")));
        Ok(())
    }

    fn synchronize(&self, run: &Run) -> Result<(), Unfinished> {
        for item in run.items() {
            match run.verdict(item) {
                Verdict::Continue => run.succeeded(item, Counts::default()),
                Verdict::CancelItem => run.status(item, Status::Skipped),
                Verdict::CancelAll => return Err(Unfinished::Cancelled),
            }
        }
        if run.id() == "waits" {
            run.note(Level::Information, None, "waiting");
            while !run.is_cancelled() {
                std::thread::yield_now();
            }
            return Err(Unfinished::Cancelled);
        }
        Ok(())
    }
}

fn limits() -> Limits {
    Limits {
        handshake: FOR_EVER,
        ask: FOR_EVER,
        terminate: FOR_EVER,
        reap: FOR_EVER,
        drain: FOR_EVER,
        write: FOR_EVER,
    }
}

fn first() -> Initialize {
    Initialize {
        contract: vec![1],
        features: Vec::new(),
        manager: "test".into(),
        event: Event::Invoke,
        may_bother_user: true,
        settings: false,
        cookie: Some("AAH/".into()),
        state_dir: String::new(),
        definitions: serde_json::Map::new(),
        more_definitions: false,
    }
}

struct Manager {
    handle: Handle,
    events: mpsc::Receiver<HostEvent>,
    answers: std::sync::mpsc::Receiver<String>,
}

impl Manager {
    fn start(items: usize) -> Self {
        let (answers, told) = channel();
        Self::over(told, limits(), move |connection| {
            drop(serve(Asking { items, answers }, connection));
        })
    }

    fn over(
        answers: std::sync::mpsc::Receiver<String>,
        limits: Limits,
        handler: impl FnOnce(Connection) + Send + 'static,
    ) -> Self {
        let (sender, events) = mpsc::channel(8);
        Self {
            handle: Instance::memory(1, limits, sender, handler),
            events,
            answers,
        }
    }

    async fn next(&mut self) -> What {
        let event = timeout(FOR_EVER, self.events.recv())
            .await
            .expect("an event");
        event.expect("not the end").what
    }

    /// Drops events up to a callback that is wanted.
    async fn until(&mut self, wanted: impl Fn(&Callback) -> bool) {
        loop {
            match self.next().await {
                What::Callback(callback) if wanted(&callback) => return,
                What::Exited(exit) => panic!("it ended: {exit:?}"),
                _ => {}
            }
        }
    }

    async fn prepared(&mut self, run: &str) {
        let prepare = Prepare {
            items: vec![ItemId::new("item-0").expect("an identifier")],
            run: run.into(),
            ..Prepare::default()
        };
        let started = self.handle.call(&prepare, Some(FOR_EVER)).await;
        assert_eq!(started.expect("an answer"), Started::Yes);
    }

    async fn end(&mut self) -> Exit {
        loop {
            if let What::Exited(exit) = self.next().await {
                assert!(self.events.recv().await.is_none());
                return exit;
            }
        }
    }
}

#[tokio::test]
async fn definitions_of_any_number_are_handed_over() {
    let mut manager = Manager::start(1);
    let definition = json!({"left": "x".repeat(1000), "right": "\"".repeat(1000)});
    let definitions = (0..2000).map(|number| (format!("item-{number}"), definition.clone()));
    let mut begin = first();
    begin.definitions = definitions.collect();
    let answer = manager.handle.handshake(begin).await.unwrap();
    assert_eq!(answer.contract, 1);
    assert!(answer.takes_part);
    assert_eq!(manager.answers.recv().unwrap(), "2000 Some([0, 1, 255])");
    manager.handle.stop(StopReason::Finished);
    let exit = manager.end().await;
    assert!(exit.is_clean());
    assert_eq!(exit.rung, Some(Rung::Asked));
    let gone = manager.handle.call(&ListItems::default(), None).await;
    assert!(
        matches!(
            gone,
            Err(CallError::Gone {
                method: "items/list"
            })
        ),
        "{gone:?}"
    );
}

#[tokio::test]
async fn a_definition_that_fits_into_no_line_is_refused() {
    let mut manager = Manager::start(1);
    let mut begin = first();
    begin
        .definitions
        .insert("big".into(), "x".repeat(2 << 20).into());
    let refused = manager.handle.handshake(begin).await;
    assert!(matches!(
        refused,
        Err(HandshakeError::DefinitionTooLong { .. })
    ));
    assert_eq!(manager.end().await.requested, Some(StopReason::Broken));
}

#[tokio::test]
async fn questions_are_answered_refused_or_dropped() {
    let expected = [
        "Ok(Chosen { choice: \"red\", fields: {} })",
        "Err(Refused(RpcError { code: -31003, message: \"not now\", data: None }))",
        "Err(Refused(RpcError { code: -32603, message: \"nobody answered\", data: None }))",
    ];
    let mut manager = Manager::start(1);
    manager.handle.handshake(first()).await.unwrap();
    manager.answers.recv().unwrap();
    for (number, expected) in expected.into_iter().enumerate() {
        manager.prepared("asks").await;
        let reply = loop {
            if let What::Question { question, reply } = manager.next().await {
                assert!(matches!(question, Question::Prompt(prompt) if prompt.key == "colour"));
                break reply;
            }
        };
        match number {
            0 => reply
                .answer(&Prompted::Chosen {
                    choice: "red".into(),
                    fields: serde_json::Map::new(),
                })
                .unwrap(),
            1 => reply
                .refuse(&RpcError::new(RpcError::OUT_OF_PHASE, "not now"))
                .unwrap(),
            _ => drop(reply),
        }
        manager
            .until(|callback| matches!(callback, Callback::PrepareCompleted(_)))
            .await;
        assert_eq!(manager.answers.recv().unwrap(), expected);
    }
}

#[tokio::test]
async fn a_stop_is_heard_while_it_works() {
    let mut manager = Manager::start(1);
    manager.handle.handshake(first()).await.unwrap();
    manager.prepared("waits").await;
    manager
        .until(|callback| matches!(callback, Callback::PrepareCompleted(_)))
        .await;
    manager
        .handle
        .call(&Synchronize {}, Some(FOR_EVER))
        .await
        .unwrap();
    manager
        .until(|callback| matches!(callback, Callback::Log(_)))
        .await;
    let stop = ItemStatusNotice {
        item: None,
        verdict: Verdict::CancelAll,
    };
    manager.handle.notify(&Notice::ItemStatus(stop)).unwrap();
    let cancelled = Callback::SynchronizeCompleted(Completion::Cancelled);
    manager.until(|callback| *callback == cancelled).await;
}

#[tokio::test]
async fn releasing_completes_what_works() {
    let mut manager = Manager::start(1);
    manager.handle.handshake(first()).await.unwrap();
    manager.prepared("waits").await;
    manager
        .until(|callback| matches!(callback, Callback::PrepareCompleted(_)))
        .await;
    manager
        .handle
        .call(&Synchronize {}, Some(FOR_EVER))
        .await
        .unwrap();
    manager.handle.stop(StopReason::Shutdown);
    let cancelled = Callback::SynchronizeCompleted(Completion::Cancelled);
    manager.until(|callback| *callback == cancelled).await;
    let exit = manager.end().await;
    assert!(exit.is_clean());
    assert_eq!(exit.requested, Some(StopReason::Shutdown));
}

#[tokio::test]
async fn many_items_pass_through_a_narrow_channel() {
    let count = 5000;
    let mut manager = Manager::start(count);
    manager.handle.handshake(first()).await.unwrap();
    let mut items = Vec::new();
    let mut cursor = None;
    loop {
        let page = manager
            .handle
            .call(&ListItems { cursor }, Some(FOR_EVER))
            .await
            .unwrap();
        items.extend(page.items.into_iter().map(|item| item.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(items.len(), count);
    let last = items.len().div_ceil(500) - 1;
    for (number, page) in items.chunks(500).enumerate() {
        let page = Prepare {
            items: page.to_vec(),
            more: number != last,
            run: "r".into(),
            answers: Vec::new(),
        };
        manager.handle.call(&page, Some(FOR_EVER)).await.unwrap();
    }
    manager
        .until(|callback| matches!(callback, Callback::PrepareCompleted(_)))
        .await;
    let handle = manager.handle.clone();
    let call = async move { handle.call(&Synchronize {}, Some(FOR_EVER)).await };
    let take = async {
        let mut succeeded = 0;
        loop {
            match manager.next().await {
                What::Callback(Callback::Progress(Progress {
                    status: Some(Status::Succeeded),
                    ..
                })) => succeeded += 1,
                What::Callback(Callback::SynchronizeCompleted(Completion::Done)) => {
                    return succeeded;
                }
                other => panic!("{other:?}"),
            }
        }
    };
    let (started, succeeded) = tokio::join!(call, take);
    assert_eq!(started.expect("an answer"), Started::Yes);
    assert_eq!(succeeded, count);
}

#[tokio::test]
async fn a_refusal_carries_the_handlers_words() {
    let manager = Manager::start(1);
    manager.handle.handshake(first()).await.unwrap();
    let refused = manager
        .handle
        .call(&PlanItems::default(), Some(FOR_EVER))
        .await;
    let Err(CallError::Refused { error, method }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((method, error.code), ("plan", RpcError::METHOD_NOT_FOUND));
}

#[tokio::test]
async fn a_deadline_gives_up_waiting_and_nothing_else() {
    let (_sender, told) = channel();
    let (go, gone) = channel::<()>();
    let mut manager = Manager::over(told, limits(), move |connection| {
        let (mut lines, mut writer) = connection.split();
        lines.next_line().unwrap();
        gone.recv().unwrap();
        // Late answers are nothing to speak of; the second one answers the second request.
        for id in 0..2 {
            let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"items": []}});
            std::io::Write::write_fmt(&mut writer, format_args!("{answer}\n")).unwrap();
        }
        lines.next_line().unwrap();
    });
    let short = Some(Duration::from_millis(20));
    let late = manager.handle.call(&ListItems::default(), short).await;
    assert!(matches!(late, Err(CallError::Deadline { .. })), "{late:?}");
    let handle = manager.handle.clone();
    let second = async move { handle.call(&ListItems::default(), Some(FOR_EVER)).await };
    let (second, ()) = tokio::join!(second, async { go.send(()).unwrap() });
    assert_eq!(second.unwrap().items.len(), 0);
    assert!(manager.end().await.violation.is_none());
}

#[tokio::test]
async fn a_thread_that_does_not_end_is_given_up() {
    let (_sender, told) = channel();
    let (keep, never) = channel::<()>();
    let short = Duration::from_millis(20);
    let limits = Limits {
        ask: short,
        terminate: short,
        reap: short,
        drain: short,
        ..limits()
    };
    let mut manager = Manager::over(told, limits, move |_connection| {
        // Ends when the test does.
        assert!(never.recv().is_err());
    });
    manager.handle.stop(StopReason::Stopped);
    let exit = manager.end().await;
    assert!(matches!(exit.status, ExitStatus::Abandoned), "{exit:?}");
    assert_eq!(exit.rung, Some(Rung::Killed));
    drop(keep);
}

#[tokio::test]
async fn a_panic_of_the_thread_is_an_exit() {
    let (_sender, told) = channel();
    let mut manager = Manager::over(told, limits(), |_connection| panic!("on purpose"));
    let exit = manager.end().await;
    assert!(matches!(exit.status, ExitStatus::Code(101)), "{exit:?}");
}
