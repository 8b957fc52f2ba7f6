//! A NetworkManager that lies, and a bus that slams its door.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use syncmgr_daemon::source::Subject;
use zbus::message::Type;
use zbus::wire::{OwnedVariant, Variant};
use zbus::{Connection, MessageStream};

use crate::desk::{Desk, Ear, PATIENCE, owned};

const NAME: &str = "org.freedesktop.NetworkManager";

/// Answers every question for properties with these, and counts.
async fn lie(desk: &Desk, properties: &[(&str, OwnedVariant)]) -> (Connection, Arc<AtomicUsize>) {
    let connection = desk.other().await;
    let questions = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&questions);
    let properties: HashMap<String, OwnedVariant> = properties
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.try_clone().unwrap()))
        .collect();
    let mut calls = MessageStream::from(&connection);
    let answering = connection.clone();
    tokio::spawn(async move {
        while let Some(Ok(call)) = calls.next().await {
            if call.message_type() == Type::MethodCall {
                counted.fetch_add(1, Ordering::Relaxed);
                answering.reply(&call.header(), &properties).await.unwrap();
            }
        }
    });
    connection.request_name(NAME).await.unwrap();
    (connection, questions)
}

async fn check(properties: &[(&str, OwnedVariant)], expected: &str) {
    let desk = Desk::with_bus();
    let (_liar, _) = lie(&desk, properties).await;
    let mut ear = desk.watch();
    let by = ear.watching(Subject::Network, expected).await;
    assert!(by.starts_with("the routes of the system"), "{by}");
    assert!(by.chars().count() < 1_000, "{by}");
}

fn sane() -> Vec<(&'static str, OwnedVariant)> {
    let none: Vec<zbus::ObjectPath<'_>> = Vec::new();
    vec![
        ("State", owned(70_u32)),
        ("Connectivity", owned(4_u32)),
        ("Metered", owned(2_u32)),
        ("ActiveConnections", owned(none)),
    ]
}

fn with(
    name: &'static str,
    value: impl Into<Variant<'static>>,
) -> Vec<(&'static str, OwnedVariant)> {
    let mut properties = sane();
    properties.retain(|(known, _)| *known != name);
    properties.push((name, owned(value)));
    properties
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn nonsense_is_refused_visibly() {
    check(&[], "State is missing").await;
    check(
        &with("State", "seventy"),
        "State is of the type s, not a number",
    )
    .await;
    check(
        &with("State", 4_000_000_000_u32),
        "State cannot be 4000000000",
    )
    .await;
    check(&with("State", -70_i32), "State is of the type i").await;
    check(&with("Connectivity", 5_u32), "Connectivity cannot be 5").await;
    check(
        &with("Metered", "x".repeat(8 << 20)),
        "Metered is of the type s",
    )
    .await;
    check(
        &with("ActiveConnections", vec!["not a path"]),
        "ActiveConnections is of the type as",
    )
    .await;
    // It says of everything what it says of itself, which is no connection.
    let path = zbus::ObjectPath::try_from("/a").unwrap();
    let mut huge = with("ActiveConnections", vec![path; 10_000]);
    huge.push(("Id", owned("i\u{202e}\n".repeat(1 << 20))));
    huge.retain(|(name, _)| *name != "State");
    huge.push(("State", owned(2_u64)));
    let desk = Desk::with_bus();
    let (_liar, questions) = lie(&desk, &huge).await;
    let mut ear = desk.watch();
    ear.watching(Subject::Network, "NetworkManager").await;
    assert!(questions.load(Ordering::Relaxed) <= 65, "{questions:?}");
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_liar_is_asked_less_and_less() {
    let desk = Desk::with_bus();
    let (liar, questions) = lie(&desk, &with("State", "seventy")).await;
    let mut ear = desk.watch();
    ear.watching(Subject::Network, "State is of the type s")
        .await;
    let began = Instant::now();
    // Whatever it sends meanwhile is no reason to ask it again sooner.
    let changed: HashMap<&str, Variant<'_>> = HashMap::new();
    let none: Vec<&str> = Vec::new();
    while questions.load(Ordering::Relaxed) < 3 {
        assert!(began.elapsed() < PATIENCE);
        let body = (NAME, &changed, &none);
        liar.emit_signal(
            None::<&str>,
            "/org/freedesktop/NetworkManager",
            "org.freedesktop.DBus.Properties",
            "PropertiesChanged",
            &body,
        )
        .await
        .unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // One second, then two.
    assert!(
        began.elapsed() >= Duration::from_millis(2_900),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_flood_of_signals_is_few_questions() {
    let desk = Desk::with_bus();
    let (truthful, questions) = lie(&desk, &sane()).await;
    let mut ear = desk.watch();
    ear.watching(Subject::Network, "NetworkManager").await;
    let began = Instant::now();
    let changed: HashMap<&str, Variant<'_>> = HashMap::new();
    let none: Vec<&str> = Vec::new();
    for _ in 0..20_000 {
        truthful
            .emit_signal(
                None::<&str>,
                "/org/freedesktop/NetworkManager",
                "org.freedesktop.DBus.Properties",
                "PropertiesChanged",
                &(NAME, &changed, &none),
            )
            .await
            .unwrap();
    }
    still_hears(&desk, &mut ear).await;
    let most = 3 + usize::try_from(began.elapsed().as_millis() / 200).unwrap();
    let asked = questions.load(Ordering::Relaxed);
    assert!(asked <= most, "{asked} questions, expected at most {most}");
}

/// The connection is not clogged: another service is heard.
async fn still_hears(desk: &Desk, ear: &mut Ear) {
    let _upower = desk.mock("upower", "org.freedesktop.UPower").await;
    ear.watching(Subject::Power, "UPower").await;
}

#[tokio::test]
#[ignore = "needs namespaces: cargo xtask suite sources"]
async fn a_bus_that_slams_the_door_is_tried_less_and_less() {
    let desk = Desk::new();
    let listener = tokio::net::UnixListener::bind(desk.directory.path().join("bus")).unwrap();
    let mut ear = desk.watch();
    let mut knocks = Vec::new();
    while knocks.len() < 4 {
        let knock = tokio::time::timeout(PATIENCE, listener.accept())
            .await
            .unwrap();
        drop(knock.unwrap());
        knocks.push(Instant::now());
    }
    let waits: Vec<_> = knocks
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_millis())
        .collect();
    assert!(
        waits[0] >= 950 && waits[1] >= 1_950 && waits[2] >= 3_950,
        "{waits:?}"
    );
    ear.unavailable(Subject::Session, "no system bus").await;
}
