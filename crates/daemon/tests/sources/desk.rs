//! A machine to play with: a bus of its own, scripted services, and the sources that watch it.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use syncmgr_core::condition::Fact;
use syncmgr_daemon::source::hub::Hub;
use syncmgr_daemon::source::{Availability, Happening, Machine, Observation, Subject, Wanted};
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

/// Who shares the limits of the namespace, and who changes them. Held by whole tests, each on a thread of its own.
static LIMITS: RwLock<()> = RwLock::new(());

/// The limits of the namespace, shared or alone.
enum Share {
    Shared {
        _guard: RwLockReadGuard<'static, ()>,
    },
    Alone {
        _guard: RwLockWriteGuard<'static, ()>,
    },
}

/// The machine.
pub(crate) struct Desk {
    pub(crate) directory: TempDir,
    daemon: Option<Program>,
    _limits: Share,
}

impl Desk {
    /// Without a bus.
    pub(crate) fn new() -> Self {
        let guard = LIMITS.read().unwrap_or_else(PoisonError::into_inner);
        Self::within(Share::Shared { _guard: guard })
    }

    /// Without a bus, and with the limits of the namespace for itself.
    pub(crate) fn alone() -> Self {
        let guard = LIMITS.write().unwrap_or_else(PoisonError::into_inner);
        Self::within(Share::Alone { _guard: guard })
    }

    fn within(limits: Share) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("supply")).unwrap();
        std::fs::write(
            directory.path().join("resolv.conf"),
            "nameserver 192.0.2.1\n",
        )
        .unwrap();
        Self {
            directory,
            daemon: None,
            _limits: limits,
        }
    }

    /// With one.
    pub(crate) fn with_bus() -> Self {
        let mut desk = Self::new();
        desk.start_bus();
        desk
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

    /// The sources of this machine.
    pub(crate) fn machine(&self) -> Machine {
        Machine {
            bus: Some(self.address()),
            session_bus: Some(self.address()),
            resolv_conf: self.directory.path().join("resolv.conf"),
            power_supply: self.directory.path().join("supply"),
            disk: self.directory.path().join("disk"),
            ..Machine::default()
        }
    }

    pub(crate) fn watch(&self) -> Ear {
        let machine = self.machine();
        Ear {
            hub: Hub::start(Box::new(move || machine.sources()), "nothing"),
            heard: Vec::new(),
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

/// Hears the sources.
pub(crate) struct Ear {
    pub(crate) hub: Hub,
    heard: Vec<String>,
}

impl Ear {
    /// Waits for the first observation of which something can be made.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(Observation) -> Option<T>,
    ) -> T {
        let Self { hub, heard } = self;
        let hearing = async {
            loop {
                let observation = hub.next().await;
                heard.push(format!("{observation:?}"));
                if let Some(picked) = pick(observation) {
                    return picked;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, hearing).await {
            Ok(picked) => picked,
            Err(_) => panic!("never heard: {what}; but\n{}", self.heard.join("\n")),
        }
    }

    /// Waits for a fact.
    pub(crate) async fn fact(&mut self, expected: Fact) {
        self.until(&format!("{expected:?}"), |observation| {
            matches!(observation, Observation::Fact(fact) if fact == expected).then_some(())
        })
        .await;
    }

    /// Waits until a subject is watched by something with these words.
    pub(crate) async fn watching(&mut self, subject: Subject, words: &str) -> String {
        self.until(
            &format!("{subject:?} watched by {words}"),
            |observation| match observation {
                Observation::Watching(about, Availability::Watching { by })
                    if about == subject && by.contains(words) =>
                {
                    Some(by)
                }
                _ => None,
            },
        )
        .await
    }

    /// Waits until a subject is not watched because of something with these words.
    pub(crate) async fn unavailable(&mut self, subject: Subject, words: &str) {
        self.until(
            &format!("{subject:?} unavailable because {words}"),
            |observation| match observation {
                Observation::Watching(about, Availability::Unavailable { because }) => {
                    (about == subject && because.contains(words)).then_some(())
                }
                _ => None,
            },
        )
        .await;
    }

    /// Waits for a happening of which something can be made.
    pub(crate) async fn happening<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(Happening) -> Option<T>,
    ) -> T {
        self.until(what, |observation| match observation {
            Observation::Happened(happening) => pick(happening),
            _ => None,
        })
        .await
    }

    /// What was heard so far and contains a word.
    pub(crate) fn heard(&self, word: &str) -> usize {
        self.heard.iter().filter(|text| text.contains(word)).count()
    }

    pub(crate) fn want(&mut self, wanted: Wanted) {
        self.hub.want(wanted);
    }
}

/// A property of an answer.
pub(crate) fn owned(value: impl Into<Variant<'static>>) -> OwnedVariant {
    value.into().try_into_owned().unwrap()
}
