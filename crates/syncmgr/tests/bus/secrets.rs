//! A login that is remembered in a keyring, and a keyring that is locked, silent or not there.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use zbus::message::Type;
use zbus::wire::{ObjectPath, OwnedObjectPath, OwnedVariant, Variant};
use zbus::{Connection, MessageStream};

use crate::machine::Desktop;
use crate::world::{Done, Running};

const NAME: &str = "org.freedesktop.secrets";
const SECRET: &str = "correct horse 42";
const QUESTION: &str = r#"{"item": "inbox", "key": "login", "kind": "login", "text": "sign in", "durable": true,
    "choices": [{"name": "login", "label": "sign in"}, {"name": "cancel", "label": "not now"}],
    "fields": {"type": "object", "required": ["password"],
        "properties": {"password": {"type": "string", "format": "password"}}}}"#;

type Attributes = HashMap<String, String>;
/// What a keyring keeps: secrets with their attributes.
type Kept = Arc<Mutex<Vec<(Attributes, Vec<u8>)>>>;

/// How the keyring behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Open,
    Locked,
    Silent,
}

/// A keyring that a test looks into.
struct Keyring {
    kept: Kept,
    mood: Arc<Mutex<Mood>>,
    _connection: Connection,
}

fn path(text: &str) -> OwnedObjectPath {
    ObjectPath::try_from(text).unwrap().to_owned().into()
}

fn item(at: usize) -> OwnedObjectPath {
    path(&format!("/org/freedesktop/secrets/collection/login/{at}"))
}

impl Keyring {
    async fn begin(desktop: &Desktop) -> Self {
        let connection = desktop.bus.other().await;
        let kept = Kept::default();
        let mood = Arc::new(Mutex::new(Mood::Open));
        let mut calls = MessageStream::from(&connection);
        let (answering, has, feels) = (connection.clone(), Arc::clone(&kept), Arc::clone(&mood));
        tokio::spawn(async move {
            while let Some(Ok(call)) = calls.next().await {
                let mood = *feels.lock().unwrap();
                if call.message_type() != Type::MethodCall || mood == Mood::Silent {
                    continue;
                }
                let header = call.header();
                let body = call.body();
                let none = path("/");
                match header.member().unwrap().as_str() {
                    "OpenSession" => {
                        let session = path("/org/freedesktop/secrets/session/1");
                        let answer = (Variant::from(""), session);
                        answering.reply(&header, &answer).await.unwrap();
                    }
                    "ReadAlias" => {
                        let login = path("/org/freedesktop/secrets/collection/login");
                        answering.reply(&header, &login).await.unwrap();
                    }
                    "Unlock" => {
                        let prompt = match mood {
                            Mood::Locked => path("/org/freedesktop/secrets/prompt/1"),
                            _ => none,
                        };
                        let answer = (Vec::<OwnedObjectPath>::new(), prompt);
                        answering.reply(&header, &answer).await.unwrap();
                    }
                    "SearchItems" => {
                        let wanted: Attributes = body.deserialize().unwrap();
                        let found: Vec<OwnedObjectPath> = has
                            .lock()
                            .unwrap()
                            .iter()
                            .enumerate()
                            .filter(|(_, (of, _))| {
                                wanted
                                    .iter()
                                    .all(|(name, value)| of.get(name) == Some(value))
                            })
                            .map(|(at, _)| item(at))
                            .collect();
                        let answer = match mood {
                            Mood::Locked => (Vec::new(), found),
                            _ => (found, Vec::new()),
                        };
                        answering.reply(&header, &answer).await.unwrap();
                    }
                    "GetSecrets" => {
                        let (items, session): (Vec<OwnedObjectPath>, OwnedObjectPath) =
                            body.deserialize().unwrap();
                        let answer: HashMap<OwnedObjectPath, _> = has
                            .lock()
                            .unwrap()
                            .iter()
                            .enumerate()
                            .filter(|(at, _)| items.contains(&item(*at)))
                            .map(|(at, (_, secret))| {
                                let secret =
                                    (session.clone(), Vec::<u8>::new(), secret.clone(), "text");
                                (item(at), secret)
                            })
                            .collect();
                        answering.reply(&header, &answer).await.unwrap();
                    }
                    "CreateItem" => {
                        type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);
                        let (properties, secret, replace): (
                            HashMap<String, OwnedVariant>,
                            Secret,
                            bool,
                        ) = body.deserialize().unwrap();
                        assert!(replace);
                        let attributes = &properties["org.freedesktop.Secret.Item.Attributes"];
                        let attributes: Attributes =
                            attributes.try_clone().unwrap().try_into().unwrap();
                        let at = {
                            let mut has = has.lock().unwrap();
                            has.retain(|(of, _)| *of != attributes);
                            has.push((attributes, secret.2));
                            has.len() - 1
                        };
                        answering.reply(&header, &(item(at), none)).await.unwrap();
                    }
                    "Delete" => {
                        has.lock().unwrap().clear();
                        answering.reply(&header, &none).await.unwrap();
                    }
                    other => panic!("{other} is asked of a keyring"),
                }
            }
        });
        connection.request_name(NAME).await.unwrap();
        Self {
            kept,
            mood,
            _connection: connection,
        }
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What is kept, as text.
    fn kept(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        kept.iter()
            .map(|(of, secret)| format!("{} {}", of["key"], String::from_utf8_lossy(secret)))
            .collect()
    }
}

/// A desktop whose handler `mail` asks for a login.
fn desktop() -> Desktop {
    let handler = Path::new(env!("CARGO_BIN_EXE_syncmgr"))
        .parent()
        .unwrap()
        .join("examples/asking-handler");
    let mail = format!("[[handler]]\nid = \"mail\"\ncommand = [{handler:?}]\n");
    let desktop = Desktop::new("a", &mail);
    let question = "home/state/handlers/mail/question.json";
    desktop.world.write(question, QUESTION);
    desktop
}

/// Answers the open question on standard input, and wants it remembered.
fn answer(desktop: &Desktop) -> Done {
    let needs = desktop.run(&["needs", "--json"]);
    let need: serde_json::Value = serde_json::from_str(needs.out.lines().next().unwrap()).unwrap();
    let id = need["id"].to_string();
    let words = ["answer", &id, "login", "--stdin", "--remember"];
    let mut command = desktop.world.command(words);
    command
        .env("DBUS_SESSION_BUS_ADDRESS", desktop.bus.address())
        .stdin(Stdio::piped());
    let mut running = Running::start(command);
    running.type_in(&format!("{SECRET}\n"));
    running.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_login_is_remembered_in_the_keyring_until_it_is_wrong() {
    let desktop = desktop();
    let keyring = Keyring::begin(&desktop).await;
    desktop.run(&["sync", "mail"]).exits(3);
    answer(&desktop).exits(0).says_not("not remembered");
    let kept = keyring.kept();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].starts_with("login {") && kept[0].contains(SECRET));
    // Nobody is asked.
    desktop.run(&["sync", "mail"]).exits(0);
    // A keyring that is locked, or says nothing, costs some seconds and a person; nothing is lost.
    for (mood, told) in [
        (Mood::Locked, "the keyring is locked"),
        (Mood::Silent, "it took longer than 5 s"),
    ] {
        keyring.is(mood);
        desktop.run(&["sync", "mail"]).exits(3);
        desktop.run(&["log"]).says(told);
        let refusal = if mood == Mood::Locked {
            "secret::locked"
        } else {
            "secret::timeout"
        };
        answer(&desktop).exits(0).says(refusal);
    }
    keyring.is(Mood::Open);
    assert_eq!(keyring.kept(), kept);
    // What proves wrong is forgotten.
    desktop.world.write("home/state/handlers/mail/wrong", "");
    desktop.run(&["sync", "mail"]).exits(3);
    assert_eq!(keyring.kept(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_bus_without_a_keyring_is_told_to_who_wants_something_remembered() {
    let desktop = desktop();
    desktop.run(&["sync", "mail"]).exits(3);
    answer(&desktop).exits(0).says("secret::no-keyring");
}
