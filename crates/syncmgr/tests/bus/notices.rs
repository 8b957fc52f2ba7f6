//! What arrives at a desktop, how little of it, and a desktop that is not there or does not answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use zbus::message::Type;
use zbus::wire::OwnedVariant;
use zbus::{Connection, MessageStream};

use crate::bus::{Mock, eventually};
use crate::machine::{Desktop, has_inhibitors, lock};

const NAME: &str = "org.freedesktop.Notifications";

/// A desktop that writes down what it is told, such as `1 title: body`, with the number that it replaces before it.
struct Shown {
    heard: Arc<Mutex<Vec<String>>>,
    connection: Connection,
}

impl Shown {
    async fn begin(desktop: &Desktop, answers: bool) -> Self {
        let connection = desktop.bus.other().await;
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let mut calls = MessageStream::from(&connection);
        let (answering, writes) = (connection.clone(), Arc::clone(&heard));
        tokio::spawn(async move {
            let mut number = 0_u32;
            while let Some(Ok(call)) = calls.next().await {
                if call.message_type() != Type::MethodCall {
                    continue;
                }
                let header = call.header();
                let member = header.member().unwrap().as_str();
                let line = match member {
                    "Notify" => {
                        type Told = (
                            String,
                            u32,
                            String,
                            String,
                            String,
                            Vec<String>,
                            HashMap<String, OwnedVariant>,
                            i32,
                        );
                        let (_, replaces, _, title, body, ..): Told =
                            call.body().deserialize().unwrap();
                        format!("{replaces} {title}: {body}")
                    }
                    "CloseNotification" => {
                        format!("close {}", call.body().deserialize::<u32>().unwrap())
                    }
                    other => other.to_owned(),
                };
                writes.lock().unwrap().push(line);
                if !answers {
                    continue;
                }
                match member {
                    "Notify" => {
                        number += 1;
                        answering.reply(&header, &number).await.unwrap();
                    }
                    "GetServerInformation" => {
                        let me = ("a test", "nobody", "1", "1.2");
                        answering.reply(&header, &me).await.unwrap();
                    }
                    _ => answering.reply(&header, &()).await.unwrap(),
                }
            }
        });
        connection.request_name(NAME).await.unwrap();
        Self { heard, connection }
    }

    fn lines(&self) -> Vec<String> {
        let told = |line: &&String| *line != "GetServerInformation";
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(told).cloned().collect()
    }

    async fn has(&self, expected: &[&str]) {
        let right = || {
            let lines = self.lines();
            lines.len() == expected.len()
                && lines
                    .iter()
                    .zip(expected)
                    .all(|(line, part)| line.contains(part))
        };
        let what = format!("the notices {expected:?}");
        let waited = tokio::time::timeout(
            std::time::Duration::from_secs(70),
            eventually(&what, async || right()),
        );
        assert!(waited.await.is_ok(), "{:?}", self.lines());
    }
}

const RULE: &str = "[[rule]]\nname = \"locked\"\nitems = [\"player\"]\non = [\"lock\"]\n";

async fn begin(items: &str, settings: &str) -> (Desktop, Mock) {
    let desktop = Desktop::new(items, &format!("[manager]\n{settings}\n{RULE}"));
    let logind = desktop.logind().await;
    (desktop, logind)
}

/// Lets the rule run once, to its end.
async fn run_once(desktop: &Desktop, logind: &Mock, plan: &str) {
    desktop.plan(plan);
    let before = runs(desktop);
    has_inhibitors(logind, "delay", &["sleep:shutdown"]).await;
    lock(logind).await;
    crate::world::until("the run is over", || runs(desktop) > before);
}

/// How many runs ended.
fn runs(desktop: &Desktop) -> usize {
    let done = desktop.run(&["runs", "--json"]);
    done.out.matches(r#""closedMs":1"#).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn one_notice_for_each_change_of_an_item_and_one_for_many() {
    let (desktop, logind) = begin("a b c", "notices = \"failures\"").await;
    let shown = Shown::begin(&desktop, true).await;
    let _daemon = desktop.daemon();
    desktop.says(&["doctor"], "shown by a test");
    run_once(&desktop, &logind, "").await;
    assert!(shown.lines().is_empty(), "{:?}", shown.lines());
    // However often it fails, it is told once, and goes once it is well.
    run_once(&desktop, &logind, "a").await;
    shown.has(&["0 "]).await;
    run_once(&desktop, &logind, "a").await;
    run_once(&desktop, &logind, "a").await;
    assert_eq!(shown.lines().len(), 1, "{:?}", shown.lines());
    run_once(&desktop, &logind, "").await;
    shown.has(&["a", "close 1"]).await;
    // Two of one run are one.
    run_once(&desktop, &logind, "b c").await;
    shown.has(&["a", "close 1", "2"]).await;
    let last = shown.lines().pop().unwrap();
    assert!(last.contains('b') && last.contains('c'), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_digest_is_one_notice_at_its_time() {
    // In this minute or the next, or in the one after where this one is nearly over.
    let now = jiff::Timestamp::now().in_tz("UTC").unwrap();
    let ahead = if now.second() > 40 { 2 } else { 1 };
    let at = now.checked_add(jiff::Span::new().minutes(ahead)).unwrap();
    let at = at.strftime("%H:%M").to_string();
    let (desktop, logind) = begin("a b", &format!("digest = {at:?}")).await;
    let shown = Shown::begin(&desktop, true).await;
    let _daemon = desktop.daemon();
    run_once(&desktop, &logind, "a").await;
    run_once(&desktop, &logind, "b").await;
    assert!(shown.lines().is_empty(), "{:?}", shown.lines());
    // It may take longer than everything else here.
    let began = std::time::Instant::now();
    while shown.lines().is_empty() {
        assert!(began.elapsed().as_secs() < 150);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let only = shown.lines();
    assert_eq!(only.len(), 1, "{only:?}");
    // What is well again by then is no trouble.
    assert!(only[0].contains('b'), "{only:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn no_desktop_and_one_that_does_not_answer_break_nothing() {
    let (desktop, logind) = begin("a", "notices = \"failures\"").await;
    let _daemon = desktop.daemon();
    let told = desktop.says(&["doctor"], "not shown: ");
    assert!(told.contains("org.freedesktop.Notifications"), "{told}");
    run_once(&desktop, &logind, "a").await;
    run_once(&desktop, &logind, "").await;
    desktop.says(&["status", "--json"], r#""exit":0"#);

    let (desktop, logind) = begin("a", "notices = \"failures\"").await;
    let hanging = Shown::begin(&desktop, false).await;
    let _daemon = desktop.daemon();
    run_once(&desktop, &logind, "a").await;
    hanging.has(&["0 "]).await;
    // Everything else goes on meanwhile.
    run_once(&desktop, &logind, "").await;
    desktop.says(&["status", "--json"], r#""exit":0"#);
    desktop.says(&["doctor"], "the desktop does not answer");
    drop(hanging.connection);
}
