//! Drives `comhost` with the C++ handlers of `fixtures`: each fault is told with its obligation's number or ends the one
//! process cleanly, and the host goes on.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests: the suite tells in the environment where the libraries are"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use syncmgr_handler::call::{
    Event, Initialize, Initialized, ItemStatusNotice, ListItems, Prepare, PropertiesEffect,
    ShowError, ShowProperties, Started, Synchronize, Verdict,
};
use syncmgr_handler::callback::{Allowed, Completion, Connected, Log, ProgressVerdict, Status};
use syncmgr_handler::item::{Item, ItemId};
use syncmgr_handler::{Callback, Notice, Question};
use syncmgr_host::{Exit, ExitStatus, Handle, HostEvent, Instance, Limits, Spec, StopReason, What};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Far longer than anything here takes, also under valgrind; only a hang reaches it.
const FOR_EVER: Duration = Duration::from_secs(120);

fn fixtures() -> PathBuf {
    let told = std::env::var_os("SYNCMGR_COM_FIXTURES");
    PathBuf::from(told.expect("`cargo xtask suite com` says where the libraries are"))
}

fn library(name: &str) -> PathBuf {
    let path = fixtures().join(if cfg!(windows) {
        format!("{name}.dll")
    } else {
        format!("lib{name}.so")
    });
    assert!(path.exists(), "{} is not built", path.display());
    path
}

/// The CLSID of a mode of `hostile.cpp`.
fn class(mode: u8) -> String {
    format!("{{C0DE0000-0001-4000-8000-0000000000{mode:02X}}}")
}

fn item(number: u32) -> ItemId {
    ItemId::new(format!(
        "{{{:08X}-0002-4000-8000-000000000001}}",
        0xA000_0000 + number
    ))
    .unwrap()
}

/// The manager's side of one instance.
struct Manager {
    handle: Handle,
    events: mpsc::Receiver<HostEvent>,
    seen: Vec<Callback>,
    /// Where the next wait begins to look.
    looked: usize,
    exit: Option<Exit>,
}

impl Manager {
    fn start(library: &Path, class: &str, grace: u64) -> Self {
        let program = std::env::var_os("SYNCMGR_COMHOST").map_or_else(
            || PathBuf::from(env!("CARGO_BIN_EXE_comhost")),
            PathBuf::from,
        );
        let spec = Spec {
            instance: 1,
            program,
            args: vec![
                "--library".into(),
                library.into(),
                class.into(),
                "--grace".into(),
                grace.to_string().into(),
            ],
            env: Vec::new(),
            cwd: None,
        };
        let limits = Limits {
            handshake: FOR_EVER,
            ask: FOR_EVER,
            terminate: FOR_EVER,
            reap: FOR_EVER,
            drain: Duration::from_millis(300),
            write: FOR_EVER,
        };
        let (sender, events) = mpsc::channel(256);
        Self {
            handle: Instance::start(spec, limits, sender),
            events,
            seen: Vec::new(),
            looked: 0,
            exit: None,
        }
    }

    fn hostile(mode: u8) -> Self {
        Self::start(&library("hostile"), &class(mode), 60)
    }

    fn take(&mut self, event: HostEvent) {
        match event.what {
            What::Callback(callback) => self.seen.push(callback),
            What::Question { question, reply } => match question {
                Question::Progress(_) => reply.answer(&ProgressVerdict::default()).unwrap(),
                Question::EnableModeless(_) => reply.answer(&Allowed { allowed: true }).unwrap(),
                Question::EstablishConnection(asked) => reply
                    .answer(&Connected {
                        connected: asked.name.is_some(),
                        reason: None,
                    })
                    .unwrap(),
                other => panic!("a question that nobody expected: {other:?}"),
            },
            What::Exited(exit) => self.exit = Some(exit),
            What::Violation(violation) => panic!("the wire was broken: {violation}"),
            What::Started { .. } => {}
        }
    }

    /// Waits for a call while events are taken; `None` when the instance ended.
    async fn beside<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        let waiting = async {
            loop {
                tokio::select! {
                    done = &mut work => return Some(done),
                    event = self.events.recv() => match event {
                        Some(event) => self.take(event),
                        None => return None,
                    },
                }
            }
        };
        timeout(FOR_EVER, waiting).await.expect("nothing hangs")
    }

    async fn call<P: syncmgr_handler::frame::Answered>(
        &mut self,
        params: P,
    ) -> Result<P::Answer, String> {
        let handle = self.handle.clone();
        let answer = self.beside(async move { handle.call(&params, None).await });
        match answer.await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(std::error::Error::source(&error)
                .map_or_else(|| error.to_string(), ToString::to_string)),
            None => Err("ended".to_owned()),
        }
    }

    async fn greet(
        &mut self,
        event: Event,
        cookie: Option<Vec<u8>>,
    ) -> Result<Initialized, String> {
        self.call(Initialize {
            contract: vec![1],
            features: Vec::new(),
            manager: "test".into(),
            event,
            may_bother_user: true,
            settings: false,
            cookie: cookie.map(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes)),
            state_dir: String::new(),
            definitions: serde_json::Map::new(),
            more_definitions: false,
        })
        .await
    }

    /// Every item, and whether some are missing.
    async fn list(&mut self) -> Result<(Vec<Item>, bool), String> {
        let mut page = self.call(ListItems::default()).await?;
        let mut items = page.items;
        while page.next.is_some() {
            page = self.call(ListItems { cursor: page.next }).await?;
            items.extend(page.items);
        }
        Ok((items, page.incomplete))
    }

    async fn prepare(&mut self, items: Vec<ItemId>) -> Result<Started, String> {
        self.call(Prepare {
            items,
            ..Prepare::default()
        })
        .await
    }

    /// Waits for the next callback that fits; `None` when the instance ended first.
    async fn until<T>(&mut self, fits: impl Fn(&Callback) -> Option<T>) -> Option<T> {
        let waiting = async {
            loop {
                while let Some(callback) = self.seen.get(self.looked) {
                    self.looked += 1;
                    if let Some(found) = fits(callback) {
                        return Some(found);
                    }
                }
                match self.events.recv().await {
                    Some(event) => self.take(event),
                    None => return None,
                }
            }
        };
        timeout(FOR_EVER, waiting).await.expect("nothing hangs")
    }

    async fn prepared(&mut self) -> Option<Completion> {
        self.until(|callback| match callback {
            Callback::PrepareCompleted(completion) => Some(completion.clone()),
            _ => None,
        })
        .await
    }

    async fn synchronized(&mut self) -> Option<Completion> {
        self.until(|callback| match callback {
            Callback::SynchronizeCompleted(completion) => Some(completion.clone()),
            _ => None,
        })
        .await
    }

    async fn logged(&mut self, part: &str) -> Option<String> {
        self.until(|callback| match callback {
            Callback::Log(log) if log.text.contains(part) => Some(log.text.clone()),
            _ => None,
        })
        .await
    }

    /// From the beginning to a good preparation of both items.
    async fn begin(&mut self) {
        self.greet(Event::Manual, None).await.unwrap();
        self.list().await.unwrap();
        let started = self.prepare(vec![item(0), item(1)]).await.unwrap();
        assert_eq!(started, Started::Yes);
        assert_eq!(self.prepared().await, Some(Completion::Done));
    }

    /// A whole good run.
    async fn run(&mut self) {
        self.begin().await;
        assert_eq!(self.call(Synchronize {}).await, Ok(Started::Yes));
        assert_eq!(self.synchronized().await, Some(Completion::Done));
    }

    fn logs(&self) -> Vec<&Log> {
        self.seen
            .iter()
            .filter_map(|callback| match callback {
                Callback::Log(log) => Some(log),
                _ => None,
            })
            .collect()
    }

    /// What the fixture itself found wrong with its answers.
    fn wrong(&self) -> Vec<&str> {
        let texts = self.logs().into_iter().map(|log| log.text.as_str());
        texts.filter(|text| text.contains("WRONG")).collect()
    }

    /// The obligations that were told of, each once.
    fn breaches(&self) -> Vec<&str> {
        let mut numbers: Vec<&str> = self
            .seen
            .iter()
            .filter_map(|callback| match callback {
                Callback::Violation(breach) => Some(breach.obligation.as_str()),
                _ => None,
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// The statuses of an item, in their order.
    fn statuses(&self, number: u32) -> Vec<Status> {
        let id = item(number);
        self.seen
            .iter()
            .filter_map(|callback| match callback {
                Callback::Progress(one) if one.item.as_ref() == Some(&id) => one.status,
                _ => None,
            })
            .collect()
    }

    /// Releases the instance and waits for its end.
    async fn end(&mut self) -> Exit {
        self.handle.stop(StopReason::Finished);
        self.exit().await
    }

    async fn exit(&mut self) -> Exit {
        let waiting = async {
            while let Some(event) = self.events.recv().await {
                self.take(event);
            }
        };
        timeout(FOR_EVER, waiting)
            .await
            .expect("every process ends");
        self.exit.take().expect("the end is told")
    }

    /// Releases the instance, which ends as asked and with nothing wrong in any answer it was given.
    async fn end_well(&mut self) {
        let exit = self.end().await;
        assert!(exit.is_clean(), "{exit:?}");
        assert_eq!(self.wrong(), [""; 0]);
    }
}

// M-38, M-43, M-48, M-51, M-53, M-64, M-65, M-120, M-124, M-125, M-130, M-131, M-139, M-140
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn watched_a_good_handler_is_invoked_shows_an_error_and_runs_again() {
    let mut manager = Manager::hostile(0x00);
    let greeted = manager
        .greet(Event::Invoke, Some((0..=255).collect()))
        .await
        .unwrap();
    assert_eq!(greeted.handler.name, "Hostile");
    assert!(greeted.takes_part && greeted.handler.always_list && !greeted.handler.hidden);
    // M-136: it has no properties of its own, as its flags say, and M-135: one of its items has.
    assert_eq!(greeted.handler.own_properties, Some(false));
    assert!(
        greeted
            .features
            .iter()
            .any(|feature| feature == "properties")
    );
    let (items, incomplete) = manager.list().await.unwrap();
    assert!(!incomplete);
    assert_eq!(items.len(), 2);
    assert!(items.iter().any(|item| item.has_properties));
    assert_eq!(items[0].last_update_ms, Some(0));
    assert_eq!(
        (items[1].name.as_str(), items[1].last_update_ms),
        ("item 1", None)
    );
    assert_eq!(
        manager.prepare(vec![item(1), item(0)]).await,
        Ok(Started::Yes)
    );
    assert_eq!(manager.prepared().await, Some(Completion::Done));
    assert_eq!(manager.call(Synchronize {}).await, Ok(Started::Yes));
    assert_eq!(manager.synchronized().await, Some(Completion::Done));
    assert_eq!(manager.statuses(0), [Status::Updating, Status::Succeeded]);
    let logs = manager.logs();
    assert_eq!(logs[0].text, "flags 205 cookie 256 items 2");
    assert_eq!(logs[1].item, Some(item(1)));
    let error = logs[1].error.clone().unwrap();
    assert!(logs[1].jump);
    let shown = ShowError {
        error,
        window: None,
    };
    assert_eq!(manager.call(shown).await, Ok(Started::Yes));
    let retry = manager.until(|callback| match callback {
        Callback::ErrorCompleted(done) => Some(done.retry.clone()),
        _ => None,
    });
    let retry = retry.await.unwrap();
    assert_eq!(retry, [item(1)]);
    assert_eq!(manager.prepare(retry).await, Ok(Started::Yes));
    assert_eq!(manager.prepared().await, Some(Completion::Done));
    assert_eq!(manager.call(Synchronize {}).await, Ok(Started::Yes));
    assert_eq!(manager.synchronized().await, Some(Completion::Done));
    // Another error, with another code: whatever comes with it is not read (M-132).
    let other = ShowError {
        error: class(7),
        window: None,
    };
    assert_eq!(manager.call(other).await, Ok(Started::Yes));
    let retry = manager.until(|callback| match callback {
        Callback::ErrorCompleted(done) => Some(done.retry.clone()),
        _ => None,
    });
    assert_eq!(retry.await, Some(Vec::new()));
    assert_eq!(manager.breaches(), [""; 0]);
    manager.end_well().await;
}

// M-135, M-136, M-137, M-140, M-63
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn properties_are_shown_only_where_there_are_some_and_items_are_read_again() {
    let mut manager = Manager::hostile(0x00);
    manager.greet(Event::Manual, None).await.unwrap();
    manager.list().await.unwrap();
    let show = |item| ShowProperties { item, window: None };
    let refused = manager.call(show(None)).await.unwrap_err();
    assert!(refused.contains("no properties"), "{refused}");
    assert!(manager.call(show(Some(item(77)))).await.is_err());
    let failed = manager.call(show(Some(item(1)))).await.unwrap();
    assert!(matches!(failed, Started::No { .. }), "{failed:?}");
    assert_eq!(manager.call(show(Some(item(0)))).await, Ok(Started::Yes));
    let effect = manager.until(|callback| match callback {
        Callback::PropertiesCompleted(done) => Some(done.effect),
        _ => None,
    });
    assert_eq!(effect.await, Some(PropertiesEffect::EnumerateItems));
    assert_eq!(manager.list().await.unwrap().0.len(), 60_000);
    manager.end_well().await;
}

// M-13, M-14, M-74, M-81
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn watched_a_handler_may_complete_inside_its_methods() {
    let mut manager = Manager::hostile(0x01);
    manager.run().await;
    assert_eq!(manager.statuses(1), [Status::Updating, Status::Succeeded]);
    manager.end_well().await;
}

// M-39, M-40
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn a_handler_that_does_not_take_part_is_only_released() {
    for (mode, breaches) in [(0x02, &[][..]), (0x20, &["H-06"])] {
        let mut manager = Manager::hostile(mode);
        let greeted = manager.greet(Event::Idle, None).await.unwrap();
        assert!(!greeted.takes_part);
        assert!(manager.list().await.is_err());
        manager.end_well().await;
        assert_eq!(manager.breaches(), breaches);
    }
    let mut manager = Manager::hostile(0x03);
    let refused = manager.greet(Event::Manual, None).await.unwrap_err();
    assert!(refused.contains("E_ACCESSDENIED (0x80070005)"), "{refused}");
    assert!(matches!(manager.end().await.status, ExitStatus::Code(1)));
}

/// What a fault in the enumeration leaves: how many items, whether some are missing, and the obligations.
async fn listed(mode: u8) -> (usize, bool, Vec<String>) {
    let mut manager = Manager::hostile(mode);
    manager.greet(Event::Manual, None).await.unwrap();
    let (items, incomplete) = manager.list().await.unwrap();
    manager.end_well().await;
    let breaches = manager.breaches().into_iter().map(str::to_owned).collect();
    (items.len(), incomplete, breaches)
}

// M-50, M-52, M-56, H-03, H-13, H-14, H-15, H-16, H-17, H-18
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn a_bad_enumerator_costs_the_bad_items_only() {
    let none: [&str; 0] = [];
    for (mode, items, incomplete, breaches) in [
        (0x04, 0, true, &["H-13"][..]),
        (0x06, 65_536, true, &["H-15"]),
        (0x07, 2, false, &["H-15"]),
        (0x0C, 2, true, &none),
        (0x0D, 2, true, &none),
        (0x22, 60_000, false, &none),
        (0x24, 2, false, &["H-15"]),
        (0x26, 0, true, &none),
        (0x27, 2, true, &["H-13"]),
    ] {
        let (count, missing, told) = listed(mode).await;
        assert_eq!((count, missing), (items, incomplete), "mode {mode:02X}");
        assert_eq!(told, breaches, "mode {mode:02X}");
    }
}

// M-45, M-52, M-54, H-12, H-15, H-16, H-17, H-18
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn watched_what_is_written_beyond_or_without_end_is_not_read() {
    let (count, missing, told) = listed(0x05).await;
    assert_eq!((count, missing), (2, true));
    assert_eq!(told, ["H-15"]);
    let (count, _, told) = listed(0x09).await;
    assert_eq!(
        count, 4,
        "the good ones, the odd flags, the long one, the lone surrogate"
    );
    assert_eq!(told, ["H-16", "H-17", "H-18"]);
    let mut manager = Manager::hostile(0x08);
    let greeted = manager.greet(Event::Manual, None).await.unwrap();
    assert_eq!(greeted.handler.name, "y".repeat(31));
    let (items, _) = manager.list().await.unwrap();
    assert_eq!(items[0].name, "x".repeat(127));
    manager.end_well().await;
    assert_eq!(manager.breaches(), ["H-12", "H-17"]);
}

// M-43, M-44, H-12
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn watched_a_handler_that_does_not_say_its_name_stays() {
    for (mode, breaches) in [(0x0A, &[][..]), (0x0B, &["H-12"]), (0x21, &["H-12"])] {
        let mut manager = Manager::hostile(mode);
        let greeted = manager.greet(Event::Manual, None).await.unwrap();
        assert!(greeted.takes_part);
        assert_eq!(greeted.handler.name, "");
        assert_eq!(manager.list().await.unwrap().0.len(), 2);
        manager.end_well().await;
        assert_eq!(manager.breaches(), breaches);
    }
}

// M-71, M-75, M-76, H-27
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn a_preparation_that_is_refused_is_over() {
    let mut manager = Manager::hostile(0x0E);
    manager.greet(Event::Manual, None).await.unwrap();
    manager.list().await.unwrap();
    assert_eq!(manager.prepare(vec![item(0)]).await, Ok(Started::NeedsUser));
    assert!(manager.call(Synchronize {}).await.is_err());
    manager.end_well().await;

    let mut manager = Manager::hostile(0x0F);
    manager.greet(Event::Manual, None).await.unwrap();
    manager.list().await.unwrap();
    let started = manager.prepare(vec![item(0)]).await.unwrap();
    let Started::No { reason } = started else {
        panic!("{started:?}");
    };
    assert_eq!(reason, "PrepareForSync returned E_OUTOFMEMORY (0x8007000E)");
    assert!(manager.call(Synchronize {}).await.is_err());
    manager.end_well().await;
    assert_eq!(manager.breaches(), ["H-27"]);
    assert!(
        !manager
            .seen
            .iter()
            .any(|one| matches!(one, Callback::PrepareCompleted(_)))
    );
}

// M-82
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn a_failing_return_ends_the_run_without_completion() {
    let mut manager = Manager::hostile(0x23);
    manager.begin().await;
    let started = manager.call(Synchronize {}).await.unwrap();
    assert!(
        matches!(&started, Started::No { reason } if reason.contains("E_FAIL")),
        "{started:?}"
    );
    manager.end_well().await;
    assert_eq!(manager.statuses(0), [Status::Failed]);
}

// M-04, M-08, M-83, M-84, M-90, M-91, M-94, M-96, M-97, M-98, M-99, M-101, M-121, M-122, M-123, M-127, M-128
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn watched_bad_arguments_are_answered_and_told() {
    let mut manager = Manager::hostile(0x10);
    manager.run().await;
    assert!(manager.logs().iter().any(|log| log.text == "checked"));
    let numbers = ["H-22", "H-26", "H-31", "H-40", "H-43", "H-44", "H-45"];
    assert_eq!(manager.breaches(), numbers);
    let values: Vec<_> = manager
        .seen
        .iter()
        .filter_map(|callback| match callback {
            Callback::Progress(one) => one.value.zip(one.max),
            _ => None,
        })
        .collect();
    assert!(
        values
            .iter()
            .all(|pair| [(0, 0), (2_147_483_647, 3)].contains(pair)),
        "{values:?}"
    );
    manager.end_well().await;
}

// M-09, M-92
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn watched_ten_threads_may_call_at_once() {
    let mut manager = Manager::hostile(0x11);
    manager.run().await;
    let from = manager
        .logs()
        .iter()
        .filter(|log| log.text == "from a thread")
        .count();
    assert_eq!(from, 40);
    assert_eq!(manager.statuses(0).last(), Some(&Status::Succeeded));
    assert_eq!(manager.statuses(1).last(), Some(&Status::Succeeded));
    manager.end_well().await;
}

#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn a_flood_of_reports_is_few_messages() {
    let mut manager = Manager::hostile(0x12);
    manager.run().await;
    let reports = manager.seen.iter();
    let reports = reports
        .filter(|one| matches!(one, Callback::Progress(_)))
        .count();
    let last = manager.seen.iter().rev().find_map(|one| match one {
        Callback::Progress(one) if one.item == Some(item(0)) => one.value,
        _ => None,
    });
    assert_eq!(last, Some(199_999), "the last value is told");
    let told = manager
        .logs()
        .into_iter()
        .find(|log| log.text.starts_with("rate: "));
    let rate: f64 = told.unwrap().text["rate: ".len()..].parse().unwrap();
    // However slow the machine is: twenty a second for the one item, and the statuses of both.
    let most = 200_000.0 / rate * 20.0 + 50.0;
    assert!(
        f64::from(u32::try_from(reports).unwrap()) < most,
        "{reports} reports were sent, at {rate} calls a second"
    );
    manager.end_well().await;
}

// M-67, H-50
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn watched_late_calls_are_answered_and_told() {
    let mut manager = Manager::hostile(0x13);
    manager.run().await;
    let exit = manager.end().await;
    assert!(exit.is_clean(), "{exit:?}");
    for when in ["when taken back", "in the final release"] {
        let answers = format!("late {when}: 00040204 00000001 00000000 8000FFFF 8000FFFF 8000FFFF");
        assert!(exit.stderr_tail.contains(&answers), "{}", exit.stderr_tail);
    }
    assert_eq!(manager.breaches(), ["H-50"]);
}

#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn a_handler_that_takes_the_process_down_takes_nothing_else() {
    for (mode, code) in [(0x14, None), (0x15, Some(7)), (0x16, None)] {
        let mut manager = Manager::hostile(mode);
        manager.begin().await;
        assert!(
            manager.call(Synchronize {}).await.is_err(),
            "mode {mode:02X}"
        );
        let exit = manager.exit().await;
        match (&exit.status, code) {
            (ExitStatus::Code(seen), Some(code)) => assert_eq!(*seen, code),
            (ExitStatus::Signal(_), None) => {}
            (ExitStatus::Code(seen), None) if cfg!(windows) => assert_ne!(*seen, 0),
            other => panic!("mode {mode:02X}: {other:?}"),
        }
    }
}

// M-111
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn a_handler_that_hangs_is_left_behind() {
    for mode in [0x17, 0x18] {
        let mut manager = Manager::start(&library("hostile"), &class(mode), 1);
        manager.begin().await;
        if mode == 0x17 {
            let handle = manager.handle.clone();
            let call = handle.call(&Synchronize {}, Some(Duration::from_millis(200)));
            assert!(manager.beside(call).await.unwrap().is_err());
        } else {
            assert_eq!(manager.call(Synchronize {}).await, Ok(Started::Yes));
        }
        let exit = manager.end().await;
        assert!(matches!(exit.status, ExitStatus::Code(3)), "{exit:?}");
        assert!(exit.rung <= Some(syncmgr_host::Rung::Asked), "{exit:?}");
        assert!(
            exit.stderr_tail.contains("did not end within"),
            "{}",
            exit.stderr_tail
        );
    }
}

// M-92, M-105, M-106, M-107, M-108, M-104
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn a_skip_is_told_once_and_only_between_return_and_completion() {
    // Outside: the method returned, so the handler is told. Inside: only its own reports tell it.
    for (mode, told) in [(0x1C, 1), (0x1D, 0)] {
        let mut manager = Manager::hostile(mode);
        manager.begin().await;
        let handle = manager.handle.clone();
        let call = tokio::spawn(async move { handle.call(&Synchronize {}, None).await });
        manager.logged("polling").await.unwrap();
        for _ in 0..3 {
            let skip = ItemStatusNotice {
                item: Some(item(0)),
                verdict: Verdict::CancelItem,
            };
            manager.handle.notify(&Notice::ItemStatus(skip)).unwrap();
        }
        let text = manager.logged("told").await.unwrap();
        let expected = format!("told {told}, answered 00040203, other 00000000");
        assert_eq!(text, expected, "mode {mode:02X}");
        assert_eq!(manager.synchronized().await, Some(Completion::Done));
        assert_eq!(call.await.unwrap().unwrap(), Started::Yes);
        assert_eq!(manager.statuses(0).last(), Some(&Status::Skipped));
        manager.end_well().await;
    }
}

// M-93, M-109
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn a_stop_is_told_for_every_item_and_by_every_report() {
    let mut manager = Manager::hostile(0x1C);
    manager.begin().await;
    assert_eq!(manager.call(Synchronize {}).await, Ok(Started::Yes));
    manager.logged("polling").await.unwrap();
    let stop = ItemStatusNotice {
        item: None,
        verdict: Verdict::CancelAll,
    };
    manager.handle.notify(&Notice::ItemStatus(stop)).unwrap();
    let text = manager.logged("told").await.unwrap();
    assert!(
        text.ends_with("answered 00040204, other 00040204"),
        "{text}"
    );
    assert_eq!(manager.synchronized().await, Some(Completion::Done));
    assert_eq!(manager.statuses(1).last(), Some(&Status::Stopped));
    manager.end_well().await;
}

// M-83, M-84, H-34
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn two_threads_that_complete_end_one_run() {
    let mut manager = Manager::hostile(0x1E);
    manager.run().await;
    // A completion after the release would be another matter (3.5.10).
    assert!(manager.logged("both have completed").await.is_some());
    manager.end_well().await;
    let ends = manager.seen.iter();
    let ends = ends.filter(|one| matches!(one, Callback::SynchronizeCompleted(_)));
    assert_eq!(ends.count(), 1);
    assert_eq!(manager.breaches(), ["H-34", "H-45"]);
}

// M-112, M-117, M-142, M-143, M-147, H-48
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn watched_questions_are_answered_inside_a_method() {
    let mut manager = Manager::hostile(0x1B);
    manager.run().await;
    let asked = "asked: 00000000 00000000 80070057 00000000 80004005";
    let logs = manager.logs();
    assert!(logs.iter().any(|log| log.text == asked), "{logs:?}");
    manager.end_well().await;
    assert_eq!(manager.breaches(), ["H-48"]);
}

// M-96, M-120
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn watched_texts_of_ten_megabytes_are_cut() {
    let mut manager = Manager::hostile(0x25);
    manager.run().await;
    let logs = manager.logs();
    let long = logs.iter().find(|log| log.text.starts_with("abc")).unwrap();
    assert_eq!(long.text.len(), 4 << 10);
    assert_eq!(long.detail.as_ref().unwrap().len(), 64 << 10);
    let text = manager.seen.iter().find_map(|one| match one {
        Callback::Progress(one) => one.text.as_ref(),
        _ => None,
    });
    assert_eq!(text.unwrap().len(), 259);
    manager.end_well().await;
}

// M-30, H-01, H-04
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn what_cannot_be_used_is_refused_in_plain_words() {
    let scratch = tempfile::tempdir().unwrap();
    let text = scratch.path().join("text.so");
    std::fs::write(&text, "#!/bin/sh\n").unwrap();
    let foreign = scratch.path().join("foreign.so");
    let mut head = vec![0_u8; 64];
    head[..7].copy_from_slice(b"\x7FELF\x02\x01\x01");
    head[18] = 0x16; // IBM S/390.
    std::fs::write(&foreign, head).unwrap();
    let broken = scratch.path().join("broken.so");
    let mut whole = std::fs::read(library("hostile")).unwrap();
    whole[64..].fill(0xFF);
    std::fs::write(&broken, &whole).unwrap();
    let hostile = library("hostile");
    let nobody = "{00000000-0000-4000-8000-000000000001}".to_owned();
    for (library, class, refusal) in [
        (scratch.path().join("none.so"), class(0), "could not read"),
        (text, class(0), "is no shared library"),
        (foreign, class(0), "and this program is for"),
        (
            broken,
            class(0),
            // On Windows the header itself says where the next one is, and nothing is there.
            if cfg!(windows) {
                "is no shared library"
            } else {
                "could not load"
            },
        ),
        (
            library("noentry"),
            class(0),
            "no entry point `DllGetClassObject`",
        ),
        (hostile.clone(), nobody, "CLASS_E_CLASSNOTAVAILABLE"),
        (
            hostile.clone(),
            class(0x19),
            "refuses ISyncMgrSynchronize (H-01)",
        ),
        (hostile.clone(), class(0x1F), "could not be created"),
    ] {
        let mut manager = Manager::start(&library, &class, 60);
        let refused = manager.greet(Event::Manual, None).await.unwrap_err();
        assert!(refused.contains(refusal), "{refusal}: {refused}");
        let exit = manager.end().await;
        assert!(matches!(exit.status, ExitStatus::Code(1)), "{exit:?}");
        assert!(exit.stderr_tail.contains(refusal), "{}", exit.stderr_tail);
    }
    let mut manager = Manager::hostile(0x1A);
    manager.greet(Event::Manual, None).await.unwrap();
    let refused = manager.list().await.unwrap_err();
    assert!(
        refused.contains("SetProgressCallback returned E_FAIL"),
        "{refused}"
    );
    assert!(matches!(manager.end().await.status, ExitStatus::Code(1)));
}

// M-89
#[tokio::test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
async fn calls_out_of_phase_are_refused_and_never_reach_the_handler() {
    let mut manager = Manager::hostile(0x18);
    assert!(manager.list().await.is_err());
    manager.greet(Event::Manual, None).await.unwrap();
    assert!(manager.greet(Event::Manual, None).await.is_err());
    assert!(manager.prepare(vec![item(0)]).await.is_err());
    assert!(manager.call(Synchronize {}).await.is_err());
    manager.list().await.unwrap();
    let nothing = manager.prepare(Vec::new()).await.unwrap(); // M-68
    assert!(matches!(nothing, Started::No { .. }));
    let odd = ItemId::new("not a GUID").unwrap();
    assert!(manager.prepare(vec![odd]).await.is_err());
    assert_eq!(
        manager.prepare(vec![item(0), item(0)]).await,
        Ok(Started::Yes)
    );
    assert_eq!(manager.prepared().await, Some(Completion::Done));
    assert!(manager.list().await.is_err());
    assert!(manager.prepare(vec![item(0)]).await.is_err());
    let error = class(0);
    assert!(
        manager
            .call(ShowError {
                error,
                window: None
            })
            .await
            .is_err()
    );
    manager.end_well().await;
}

/// Size and pixels of a PNG in base 64: red, green, blue, alpha.
#[cfg(windows)]
fn decoded(icon: &str) -> (u32, u32, Vec<[u8; 4]>) {
    let file = base64::engine::general_purpose::STANDARD
        .decode(icon)
        .unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(frame.color_type, png::ColorType::Rgba);
    let pixels = bytes.chunks_exact(4).map(|one| one.try_into().unwrap());
    (frame.width, frame.height, pixels.collect())
}

// M-46: icons come as pictures, and the handler's own handles stay as they were.
#[cfg(windows)]
#[tokio::test]
#[ignore = "needs Wine: cargo xtask suite windows"]
async fn icons_become_pictures_and_are_left_alone() {
    let mut manager = Manager::hostile(0x28);
    let greeted = manager.greet(Event::Manual, None).await.unwrap();
    let (items, _) = manager.list().await.unwrap();
    let of_handler = greeted.handler.icon.expect("the handler has an icon");
    let of_item = items[0].icon.as_ref().expect("the first item has an icon");
    assert_eq!(items[1].icon, None, "a number is no icon");
    let (width, height, pixels) = decoded(&of_handler);
    assert_eq!((width, height), (16, 16));
    let at = |pixels: &[[u8; 4]], x: usize, y: usize| pixels[y * 16 + x];
    // Colours and transparency are the handler's.
    assert_eq!(at(&pixels, 1, 2), [200, 32, 16, 0xFF]);
    assert_eq!(at(&pixels, 15, 3), [200, 48, 240, 0x40]);
    // Without an alpha channel the mask decides.
    let (_, _, pixels) = decoded(of_item);
    assert_eq!(at(&pixels, 7, 15), [200, 240, 112, 0xFF]);
    assert_eq!(at(&pixels, 8, 15)[3], 0);
    let started = manager.prepare(vec![item(0), item(1)]).await.unwrap();
    assert_eq!(started, Started::Yes);
    assert_eq!(manager.prepared().await, Some(Completion::Done));
    assert_eq!(manager.call(Synchronize {}).await, Ok(Started::Yes));
    assert!(manager.logged("alive").await.is_some());
    manager.end_well().await;
}
