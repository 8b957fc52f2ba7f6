//! A bus of a test's own, and scripted services on it. The tests of the whole program take this file too.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use zbus::Connection;
use zbus::connection::Builder;
use zbus::wire::{OwnedVariant, Variant};

/// Nothing takes so long unless it never comes; the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const MOCK: &str = "org.freedesktop.DBus.Mock";

const CONFIG: &str = r#"<busconfig>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A program that ends with its owner.
pub(crate) struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        if self.0.kill().is_ok() {
            self.0.wait().unwrap();
        }
    }
}

/// A directory with a bus in it, or one to come.
pub(crate) struct Bus {
    pub(crate) directory: TempDir,
    daemon: Option<Program>,
}

impl Bus {
    /// Nobody listens yet.
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            daemon: None,
        }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("bus")
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", self.socket().display())
    }

    pub(crate) fn start_bus(&mut self) {
        let config = self.directory.path().join("bus.conf");
        let text = CONFIG.replace("SOCKET", &self.socket().display().to_string());
        std::fs::write(&config, text).unwrap();
        let mut child = Command::new("/usr/bin/dbus-daemon")
            .arg("--config-file")
            .arg(config)
            .args(["--nofork", "--print-address"])
            .stdout(Stdio::piped())
            // It complains that it may not raise a limit.
            .stderr(Stdio::null())
            .spawn()
            .expect("needs dbus-daemon: cargo xtask suite sources --install");
        let mut line = String::new();
        let told = child.stdout.take().unwrap();
        // It tells its address once it can be reached.
        BufReader::new(told).read_line(&mut line).unwrap();
        assert!(line.starts_with("unix:"), "{line}");
        self.daemon = Some(Program(child));
    }

    pub(crate) fn stop_bus(&mut self) {
        self.daemon = None;
        std::fs::remove_file(self.socket()).unwrap_or_default();
    }

    /// Another program on the bus.
    pub(crate) async fn other(&self) -> Connection {
        Builder::address(self.address().as_str())
            .build()
            .await
            .unwrap()
    }

    /// A scripted service of Debian's python3-dbusmock, once it has its name.
    pub(crate) async fn mock(&self, template: &str, name: &str) -> Mock {
        let program = Command::new("/usr/bin/python3")
            .args(["-m", "dbusmock", "--template", template])
            .env("DBUS_SYSTEM_BUS_ADDRESS", self.address())
            .env("DBUS_SESSION_BUS_ADDRESS", self.address())
            .stdout(Stdio::null())
            .spawn()
            .expect("needs python3-dbusmock: cargo xtask suite sources --install");
        let connection = self.other().await;
        eventually(&format!("{name} on the bus"), async || {
            let has = connection
                .call_method(
                    Some("org.freedesktop.DBus"),
                    "/org/freedesktop/DBus",
                    Some("org.freedesktop.DBus"),
                    "NameHasOwner",
                    &name,
                )
                .await;
            has.unwrap().body().deserialize::<bool>().unwrap()
        })
        .await;
        Mock {
            name: name.to_owned(),
            connection,
            _program: Program(program),
        }
    }
}

/// Waits until something holds, by asking again and again.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let asking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, asking).await.is_ok(),
        "never: {what}"
    );
}

/// A scripted service.
pub(crate) struct Mock {
    pub(crate) name: String,
    pub(crate) connection: Connection,
    _program: Program,
}

impl Mock {
    /// Calls one of its methods.
    pub(crate) async fn call<B>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> zbus::Message
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        self.connection
            .call_method(
                Some(self.name.as_str()),
                path,
                Some(interface),
                method,
                body,
            )
            .await
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Scripts it.
    pub(crate) async fn script<B>(&self, path: &str, method: &str, body: &B) -> zbus::Message
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        self.call(path, MOCK, method, body).await
    }

    /// Changes properties, and tells so.
    pub(crate) async fn set(
        &self,
        path: &str,
        interface: &str,
        properties: &[(&str, Variant<'_>)],
    ) {
        let properties: HashMap<&str, &Variant<'_>> = properties
            .iter()
            .map(|(name, value)| (*name, value))
            .collect();
        self.script(path, "UpdateProperties", &(interface, properties))
            .await;
    }

    /// Sends a signal.
    pub(crate) async fn emit(
        &self,
        path: &str,
        signal: (&str, &str),
        signature: &str,
        arguments: Vec<Variant<'_>>,
    ) {
        let (interface, name) = signal;
        self.script(path, "EmitSignal", &(interface, name, signature, arguments))
            .await;
    }
}

/// A property of an answer.
pub(crate) fn owned(value: impl Into<Variant<'static>>) -> OwnedVariant {
    value.into().try_into_owned().unwrap()
}
