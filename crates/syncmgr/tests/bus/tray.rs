//! The mark in the notification area, as a panel sees it.

use std::collections::HashMap;

use futures::StreamExt as _;
use tokio::sync::mpsc;
use zbus::message::Type;
use zbus::wire::{OwnedVariant, Variant};
use zbus::{Connection, MessageStream};

use crate::machine::Desktop;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const ITEM: (&str, &str) = ("/StatusNotifierItem", "org.kde.StatusNotifierItem");
const MENU: (&str, &str) = ("/MenuBar", "com.canonical.dbusmenu");

/// A panel that takes marks.
struct Panel {
    connection: Connection,
    marks: mpsc::UnboundedReceiver<String>,
}

/// A mark in it.
struct Mark {
    connection: Connection,
    name: String,
}

impl Panel {
    async fn begin(desktop: &Desktop) -> Self {
        let connection = desktop.bus.other().await;
        let (found, marks) = mpsc::unbounded_channel();
        let mut calls = MessageStream::from(&connection);
        let answering = connection.clone();
        tokio::spawn(async move {
            while let Some(Ok(call)) = calls.next().await {
                if call.message_type() != Type::MethodCall {
                    continue;
                }
                let header = call.header();
                let answered = match header.member().unwrap().as_str() {
                    "RegisterStatusNotifierItem" => {
                        let named: String = call.body().deserialize().unwrap();
                        let sender = header.sender().unwrap().to_string();
                        let path_only = named.starts_with('/');
                        found.send(if path_only { sender } else { named }).unwrap();
                        answering.reply(&header, &()).await
                    }
                    "GetAll" => {
                        let all = HashMap::from([
                            ("IsStatusNotifierHostRegistered", Variant::from(true)),
                            ("ProtocolVersion", Variant::from(0_i32)),
                        ]);
                        answering.reply(&header, &all).await
                    }
                    _ => answering.reply(&header, &Variant::from(true)).await,
                };
                answered.unwrap();
            }
        });
        connection.request_name(WATCHER).await.unwrap();
        Self { connection, marks }
    }

    async fn mark(&mut self) -> Mark {
        let name = tokio::time::timeout(crate::world::FOR_EVER, self.marks.recv());
        Mark {
            connection: self.connection.clone(),
            name: name.await.unwrap().unwrap(),
        }
    }
}

impl Mark {
    async fn call<B>(&self, at: (&str, &str), method: &str, body: &B) -> zbus::Message
    where
        B: serde::Serialize + zbus::wire::Type + Sync,
    {
        self.connection
            .call_method(Some(self.name.as_str()), at.0, Some(at.1), method, body)
            .await
            .unwrap()
    }

    async fn property(&self, name: &str) -> OwnedVariant {
        let answer = self
            .call((ITEM.0, PROPERTIES), "Get", &(ITEM.1, name))
            .await;
        answer.body().deserialize().unwrap()
    }

    /// Everything that a panel shows of it, as text.
    async fn shown(&self) -> String {
        let tip = self.property("ToolTip").await;
        let status = self.property("Status").await;
        format!("{status:?} {tip:?}")
    }

    async fn shows(&self, part: &str) {
        let shown = tokio::time::timeout(crate::world::FOR_EVER, async {
            while !self.shown().await.contains(part) {
                tokio::time::sleep(crate::world::LOOK_EVERY).await;
            }
        });
        let shown = shown.await;
        assert!(shown.is_ok(), "never {part}: {}", self.shown().await);
    }

    /// Clicks the entry of this number; 0 is the menu itself.
    async fn click(&self, number: i32) {
        let event = (number, "clicked", Variant::from(0_i32), 0_u32);
        self.call(MENU, "Event", &event).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn the_mark_follows_managers_and_its_menu_reaches_them() {
    let desktop = Desktop::new("a", "");
    let mut panel = Panel::begin(&desktop).await;
    let tray = desktop.start(&["tray"]);
    let mark = panel.mark().await;
    // It stays without a manager, and finds the next one.
    mark.shows("The manager is not running.").await;
    desktop.plan("a");
    let daemon = desktop.daemon();
    mark.shows("never").await;
    desktop.run(&["sync", "a"]).exits(2);
    mark.shows("a is not in sync").await;
    desktop.plan("");
    // Open, a line, Synchronize, Stop, Pause, Resume, a line, Quit.
    mark.click(3).await;
    mark.shows("Everything is in sync").await;
    mark.click(5).await;
    desktop.says(&["status"], "paused");
    mark.click(6).await;
    desktop.says(&["status", "--json"], r#""exit":0"#);
    drop(daemon);
    mark.shows("The manager is not running.").await;
    mark.click(3).await;
    mark.shows("Not done: ").await;
    mark.click(8).await;
    tray.end().exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_desktop_without_a_notification_area_is_said() {
    let desktop = Desktop::new("a", "");
    let done = desktop.run(&["tray"]);
    done.exits(4).says("this desktop shows no mark");
}
