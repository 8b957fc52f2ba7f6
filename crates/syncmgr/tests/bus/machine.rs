//! A machine with a bus, logind, and the program at work on it.

use std::path::Path;
use std::time::Instant;

use zbus::wire::{ObjectPath, Variant};

use crate::bus::{Bus, Mock, eventually};
use crate::world::{Done, FOR_EVER, LOOK_EVERY, Running, World};

pub(crate) const LOGIND: &str = "org.freedesktop.login1";
pub(crate) const PATH: &str = "/org/freedesktop/login1";
pub(crate) const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";

/// It.
pub(crate) struct Desktop {
    pub(crate) bus: Bus,
    pub(crate) world: World,
}

impl Desktop {
    /// With a bus, on which nobody is yet. The handler `player` has these items and does what `plan` says.
    pub(crate) fn new(items: &str, configuration: &str) -> Self {
        let mut bus = Bus::new();
        bus.start_bus();
        let world = World::new();
        let player = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bus/player.py");
        let items: Vec<String> = items.split(' ').map(|item| format!("{item:?}")).collect();
        world.configure(&format!(
            "{configuration}\n[[handler]]\nid = \"player\"\ncommand = [\"/usr/bin/python3\", {:?}, {:?}, {}]\n",
            player,
            world.path("plan"),
            items.join(", ")
        ));
        let desktop = Self { bus, world };
        desktop.plan("");
        desktop
    }

    pub(crate) fn plan(&self, text: &str) {
        self.world.write("plan", text);
    }

    pub(crate) fn start(&self, words: &[&str]) -> Running {
        let mut command = self.world.command(words);
        command
            .env("DBUS_SYSTEM_BUS_ADDRESS", self.bus.address())
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus.address());
        Running::start(command)
    }

    pub(crate) fn run(&self, words: &[&str]) -> Done {
        self.start(words).end()
    }

    /// A daemon that knows the items of its handler.
    pub(crate) fn daemon(&self) -> Running {
        self.run(&["refresh", "player"]).exits(0);
        let mut daemon = self.start(&["daemon"]);
        daemon.wait_for("the daemon serves");
        daemon
    }

    /// Asks until an answer says so.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str], part: &str) -> String {
        let began = Instant::now();
        loop {
            let done = self.run(words);
            // Lines are broken where a terminal ends.
            let flat: Vec<&str> = done.out.split_whitespace().collect();
            if flat.join(" ").contains(part) {
                return done.out;
            }
            assert!(began.elapsed() < FOR_EVER, "never said {part}:\n{done}");
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    /// logind, with a session of this user.
    pub(crate) async fn logind(&self) -> Mock {
        let logind = self.bus.mock("logind", LOGIND).await;
        let me = rustix::process::getuid().as_raw();
        let session = ("c1", "seat0", me, "somebody", true);
        logind.script(PATH, "AddSession", &session).await;
        logind
    }
}

/// Locks the screen and opens it again.
pub(crate) async fn lock(logind: &Mock) {
    let session = ObjectPath::try_from("/org/freedesktop/login1/session/c1").unwrap();
    for signal in ["Lock", "Unlock"] {
        logind
            .emit(session.as_str(), (SESSION, signal), "", vec![])
            .await;
    }
}

pub(crate) async fn prepare(logind: &Mock, signal: &str, leaves: bool) {
    logind
        .emit(PATH, (MANAGER, signal), "b", vec![Variant::from(leaves)])
        .await;
}

/// The inhibitors of a mode, as what they keep from happening.
pub(crate) async fn inhibitors(logind: &Mock, wanted: &str) -> Vec<String> {
    let answer = logind.call(PATH, MANAGER, "ListInhibitors", &()).await;
    let all: Vec<(String, String, String, String, u32, u32)> = answer.body().deserialize().unwrap();
    all.into_iter()
        .filter(|(_, who, _, mode, _, _)| mode == wanted && who == "syncmgr")
        .map(|(what, ..)| what)
        .collect()
}

pub(crate) async fn has_inhibitors(logind: &Mock, mode: &str, expected: &[&str]) {
    eventually(&format!("the {mode} inhibitors {expected:?}"), async || {
        inhibitors(logind, mode).await == expected
    })
    .await;
}

/// How often a method of logind was called.
pub(crate) async fn calls(logind: &Mock, method: &str) -> usize {
    let answer = logind.script(PATH, "GetMethodCalls", &method).await;
    let calls: Vec<(u64, Vec<zbus::wire::OwnedVariant>)> = answer.body().deserialize().unwrap();
    calls.len()
}
