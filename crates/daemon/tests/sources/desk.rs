//! A machine to play with: a bus of its own, scripted services, and the sources that watch it.

use crate::bus::Bus;
pub(crate) use crate::bus::{Mock, PATIENCE, eventually, owned};
use std::ops::{Deref, DerefMut};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use syncmgr_core::condition::Fact;
use syncmgr_daemon::source::hub::Hub;
use syncmgr_daemon::source::{Availability, Happening, Machine, Observation, Subject, Wanted};

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
    bus: Bus,
    _limits: Share,
}

impl Deref for Desk {
    type Target = Bus;

    fn deref(&self) -> &Bus {
        &self.bus
    }
}

impl DerefMut for Desk {
    fn deref_mut(&mut self) -> &mut Bus {
        &mut self.bus
    }
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
        let bus = Bus::new();
        let directory = &bus.directory;
        std::fs::create_dir(directory.path().join("supply")).unwrap();
        std::fs::write(
            directory.path().join("resolv.conf"),
            "nameserver 192.0.2.1\n",
        )
        .unwrap();
        Self {
            bus,
            _limits: limits,
        }
    }

    /// With one.
    pub(crate) fn with_bus() -> Self {
        let mut desk = Self::new();
        desk.start_bus();
        desk
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
