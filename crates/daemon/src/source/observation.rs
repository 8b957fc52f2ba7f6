//! What sources tell.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use syncmgr_core::condition::{Fact, FactKind};
use tokio::sync::oneshot;

/// One thing that a source tells.
#[derive(Debug)]
pub enum Observation {
    /// A fact became so.
    Fact(Fact),
    /// Something happened that a trigger may follow.
    Happened(Happening),
    /// How a subject is watched from now on.
    Watching(Subject, Availability),
}

/// What sources tell about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Sessions that begin and end, screens that are locked.
    Session,
    /// Sleep and shutdown.
    Sleep,
    /// How long nobody used the machine.
    Idle,
    /// Networks.
    Network,
    /// Mains and battery.
    Power,
    /// Mounted file systems and volumes.
    Mounts,
    /// Changes of files.
    Files,
    /// Free room, load, and who answers: what has to be looked at.
    Looks,
    /// The clock and the zone, when somebody sets them.
    Clock,
}

impl Subject {
    /// Every subject, in the order in which they are shown.
    pub const ALL: [Self; 9] = [
        Self::Session,
        Self::Sleep,
        Self::Idle,
        Self::Network,
        Self::Power,
        Self::Mounts,
        Self::Files,
        Self::Looks,
        Self::Clock,
    ];

    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "sessions",
            Self::Sleep => "sleep and shutdown",
            Self::Idle => "idleness",
            Self::Network => "network",
            Self::Power => "power",
            Self::Mounts => "mounts",
            Self::Files => "file changes",
            Self::Looks => "free space, load, reachability",
            Self::Clock => "clock and time zone",
        }
    }

    /// The facts that are unknown while it is not watched.
    #[must_use]
    pub fn fact(self) -> Option<FactKind> {
        match self {
            Self::Idle => Some(FactKind::Idle),
            Self::Network => Some(FactKind::Network),
            Self::Power => Some(FactKind::Power),
            Self::Mounts => Some(FactKind::Mounted),
            Self::Looks => Some(FactKind::Looked),
            Self::Session | Self::Sleep | Self::Files | Self::Clock => None,
        }
    }
}

/// Whether a subject is watched here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It is.
    Watching {
        /// By what, as a fragment; with what it cannot tell.
        by: String,
    },
    /// It is not.
    Unavailable {
        /// Why not, as a fragment.
        because: String,
    },
}

/// Something that a trigger may follow.
#[derive(Debug)]
pub enum Happening {
    /// The user began a session.
    SessionStarted {
        /// When; absent: nobody tells.
        began: Option<Began>,
    },
    /// The user has a session that began before anybody watched.
    SessionFound {
        /// When.
        began: Began,
    },
    /// A session of the user ended.
    SessionEnded {
        /// It was the only one.
        last: bool,
    },
    /// The screen was locked.
    Locked,
    /// The screen was unlocked.
    Unlocked,
    /// The machine is about to sleep or to shut down, and waits a little.
    Leaving {
        /// Which.
        how: Leaving,
        /// How long it waits at most.
        at_most: Duration,
        /// It waits while this is kept, and no longer than `at_most`.
        hold: Hold,
    },
    /// It woke up, or did not shut down after all.
    Back(Leaving),
    /// Everything ends now, this program too, once what holds it back is gone: nothing that is begun is finished.
    Ending {
        /// It ends while nobody keeps this.
        hold: Hold,
    },
    /// Somebody set the clock, or the zone.
    ClockSet,
    /// A connection came up.
    NetworkConnected {
        /// What the machine calls it.
        name: String,
    },
    /// A connection is about to be closed.
    NetworkLeaving {
        /// What the machine calls it; absent when that could not be found out in time.
        name: Option<String>,
    },
    /// A volume was mounted that was not.
    VolumeAppeared {
        /// As [`super::Wanted`] spells it.
        place: String,
        /// Where it is mounted.
        at: PathBuf,
    },
    /// Something changed below a path, and it has been quiet since, or it went on for long.
    PathChanged {
        /// As [`super::Wanted`] spells it.
        below: PathBuf,
        /// What changed, sorted; empty when it is not known what.
        paths: Vec<PathBuf>,
    },
}

/// When a session began, in a way that no other session shares and that no set clock changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Began {
    /// In which life of the machine; text that is never repeated.
    pub life: String,
    /// When in that, in microseconds.
    pub at_us: u64,
}

/// How a machine leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// It sleeps.
    Sleep,
    /// It shuts down.
    Shutdown,
}

/// Keeps the machine from leaving for as long as it exists, within the time that the machine grants.
#[derive(Debug)]
pub struct Hold {
    _end: oneshot::Sender<()>,
}

/// The other end of a [`Hold`]: waits for its end.
#[derive(Debug)]
pub struct Held(oneshot::Receiver<()>);

/// Makes a hold with its other end.
#[must_use]
pub fn hold() -> (Hold, Held) {
    let (end, ended) = oneshot::channel();
    (Hold { _end: end }, Held(ended))
}

impl Held {
    /// Returns once the hold was dropped.
    pub async fn ended(self) {
        // It is only ever dropped, never sent.
        if self.0.await.is_ok() {
            tracing::trace!("a hold ended");
        }
    }
}
