//! The second door: loopback TCP, where a browser and programs of other users knock as well.
//!
//! Nobody is let in but with a token: a program brings one with each request, a browser brings one that is good once and for
//! a short while, and gets a cookie for it that only this life of the door knows. Everything is decided here, from what
//! is asked and the time; `guard` carries it out.

mod guard;
mod origin;
mod secret;
mod stay;
mod throttle;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use syncmgr_control::Refusal;
use syncmgr_control::method::Access;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use guard::BODY_LIMIT;
pub(crate) use guard::guarded;
pub use origin::{Host, Hosts};
pub use secret::Secret;
pub(crate) use stay::Stay;
use throttle::Throttle;
pub use throttle::{MAX_FAILURES, WINDOW};

use crate::visitor::Visitor;

/// Code of the refusal of whoever is not let in.
pub(crate) const NO_ENTRY: &str = "center::no-entry";
/// How long an entry may wait to be used.
pub const ENTRY_LIFE: Duration = Duration::from_secs(120);
/// Entries that wait to be used; beyond them the oldest is void.
pub const MAX_ENTRIES: usize = 16;
/// How long a browser stays let in.
pub const VISIT_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Browsers that are let in; beyond them the oldest must enter again.
pub const MAX_VISITS: usize = 64;

/// Marks what comes from another user of this machine: only a program's token or a password lets it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stranger;

/// A program that is let in by its token.
#[derive(Debug, Clone)]
pub struct Pass {
    /// What it is called in the record of answers.
    pub name: String,
    /// The most that it may do.
    pub scope: Access,
    /// What it shows.
    pub token: Secret,
}

/// Tells a password from others; takes a while.
pub type Verify = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Tells how long something has been going on; nobody sets it.
pub type Steady = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Who is let in, and by what.
pub struct Door {
    hosts: Hosts,
    /// The name of the cookie. Cookies know no ports: two doors of one machine must not take each other's away.
    cookie: String,
    passes: Vec<Pass>,
    password: Option<Verify>,
    /// One password is tried at a time: each takes memory.
    trying: tokio::sync::Semaphore,
    clock: Steady,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Good once, oldest first.
    entries: VecDeque<Entry>,
    /// Who is let in, oldest first.
    visits: VecDeque<Visit>,
    /// Wrong tokens.
    throttle: Throttle,
    /// Wrong passwords.
    guesses: Throttle,
}

#[derive(Debug)]
struct Entry {
    token: Secret,
    scope: Access,
    until: Duration,
}

#[derive(Debug)]
struct Visit {
    cookie: Secret,
    form: Arc<Secret>,
    scope: Access,
    until: Duration,
    /// Whatever it follows ends with it.
    ended: DropGuard,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door")
            .field("hosts", &self.hosts)
            .field("cookie", &self.cookie)
            .finish_non_exhaustive()
    }
}

impl Door {
    /// A door that is reached by these names, at this port, and lets these programs in.
    #[must_use]
    pub fn new(hosts: Hosts, port: u16, passes: Vec<Pass>, clock: Steady) -> Self {
        Self {
            hosts,
            cookie: format!("syncmgr-{port}"),
            passes,
            password: None,
            trying: tokio::sync::Semaphore::new(1),
            clock,
            state: Mutex::default(),
        }
    }

    /// The same door, which also lets whoever knows a password do everything.
    #[must_use]
    pub fn with_password(mut self, password: Option<Verify>) -> Self {
        self.password = password;
        self
    }

    /// Whether a password is asked for.
    pub(crate) fn asks_password(&self) -> bool {
        self.password.is_some()
    }

    /// Takes a password, and gives a cookie for it.
    ///
    /// # Errors
    /// `center::wrong-password`; `center::no-entry` where none is set; `center::too-many` after too many of them.
    pub(crate) async fn knock(&self, brought: String) -> Result<Secret, Refusal> {
        let Some(verify) = self.password.clone() else {
            return Err(no_entry(true));
        };
        // The semaphore is never closed.
        let _turn = self.trying.acquire().await.ok();
        if self.locked().guesses.is_closed((self.clock)()) {
            return Err(too_many());
        }
        let tried = tokio::task::spawn_blocking(move || verify(&brought)).await;
        let now = (self.clock)();
        let mut state = self.locked();
        if tried.unwrap_or(false) {
            return state.let_in(Access::Admin, now);
        }
        state.guesses.failed(now);
        Err(Refusal::new(
            "center::wrong-password",
            "this is not the password",
            "a new one is set with: syncmgr center --set-password FILE",
        ))
    }

    /// A token that lets one browser in, once and soon.
    ///
    /// # Errors
    /// When the system has no chance to give.
    pub fn entry(&self, scope: Access) -> std::io::Result<Secret> {
        let token = Secret::random()?;
        let until = (self.clock)().saturating_add(ENTRY_LIFE);
        let mut state = self.locked();
        if state.entries.len() >= MAX_ENTRIES {
            state.entries.pop_front();
        }
        state.entries.push_back(Entry {
            token: token.clone(),
            scope,
            until,
        });
        Ok(token)
    }

    /// Takes an entry, and gives the cookie for it.
    ///
    /// # Errors
    /// `center::no-entry` for one that is not good, or not any more; `center::too-many` after too many of them.
    pub(crate) fn enter(&self, brought: &str) -> Result<Secret, Refusal> {
        let now = (self.clock)();
        let mut state = self.locked();
        state.entries.retain(|entry| now < entry.until);
        let found = state
            .entries
            .iter()
            .position(|entry| entry.token.is(brought));
        let Some(entry) = found.and_then(|place| state.entries.remove(place)) else {
            return Err(state.failed(now));
        };
        state.let_in(entry.scope, now)
    }

    /// Who brings this cookie.
    pub(crate) fn visit(&self, brought: &str) -> Option<Visitor> {
        let now = (self.clock)();
        let mut state = self.locked();
        state.visits.retain(|visit| now < visit.until);
        let visit = state.visits.iter().find(|visit| visit.cookie.is(brought))?;
        let form = Arc::clone(&visit.form);
        let stay = Stay::new(visit.until.saturating_sub(now), visit.ended.token());
        Some(Visitor::browser("the page".into(), visit.scope, form, stay))
    }

    /// Which program shows this token.
    ///
    /// # Errors
    /// As [`Self::enter`].
    pub(crate) fn program(&self, brought: &str) -> Result<Visitor, Refusal> {
        let found = self.passes.iter().find(|pass| pass.token.is(brought));
        match found {
            Some(pass) => Ok(Visitor::program(&pass.name, pass.scope)),
            None => Err(self.locked().failed((self.clock)())),
        }
    }

    /// Forgets who brings this cookie.
    pub(crate) fn leave(&self, brought: &str) {
        self.locked()
            .visits
            .retain(|visit| !visit.cookie.is(brought));
    }

    /// Whether somebody was given a way in that is still good.
    #[must_use]
    pub fn is_expected(&self) -> bool {
        let now = (self.clock)();
        self.locked().entries.iter().any(|entry| now < entry.until)
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn let_in(&mut self, scope: Access, now: Duration) -> Result<Secret, Refusal> {
        let chance = |cause: std::io::Error| {
            Refusal::new(
                "center::no-chance",
                "the system gives no random numbers",
                "try again",
            )
            .because(&cause)
        };
        let cookie = Secret::random().map_err(chance)?;
        let form = Arc::new(Secret::random().map_err(chance)?);
        if self.visits.len() >= MAX_VISITS {
            self.visits.pop_front();
        }
        self.visits.push_back(Visit {
            cookie: cookie.clone(),
            form,
            scope,
            until: now.saturating_add(VISIT_LIFE),
            ended: CancellationToken::new().drop_guard(),
        });
        Ok(cookie)
    }

    fn failed(&mut self, now: Duration) -> Refusal {
        if self.throttle.is_closed(now) {
            return too_many();
        }
        self.throttle.failed(now);
        no_entry(true)
    }
}

fn too_many() -> Refusal {
    Refusal::new(
        "center::too-many",
        "too many wrong tokens or passwords were tried",
        format!("wait {} seconds", WINDOW.as_secs()),
    )
}

/// The refusal of another user of this machine.
fn stranger() -> Refusal {
    Refusal::new(
        "center::not-yours",
        "this browser is of another user of this machine",
        "each user has a Sync Center: syncmgr center",
    )
}

/// The refusal of whoever is not let in, who brought something or nothing.
pub(crate) fn no_entry(brought: bool) -> Refusal {
    let message = if brought {
        "this way in is used up, too old or was never good"
    } else {
        "this page is not open to this browser, or not any more"
    };
    Refusal::new(NO_ENTRY, message, "open it with: syncmgr center")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_of_the_visit_that_it_was_made_for() {
        let door = Door::new(
            Hosts::loopback(1, false),
            1,
            Vec::new(),
            Arc::new(|| Duration::ZERO),
        );
        let enter = || {
            let entry = door.entry(Access::Run).unwrap();
            let cookie = door.enter(entry.reveal()).unwrap();
            door.visit(cookie.reveal()).unwrap()
        };
        let (one, other) = (enter(), enter());
        assert!(one.check_form(one.form_token()).is_ok());
        for wrong in ["", other.form_token()] {
            assert_eq!(
                one.check_form(wrong).unwrap_err().code,
                "center::stale-form"
            );
        }
        // Who has no browser has no forms that others could send.
        assert!(Visitor::owner("a test").check_form("").is_ok());
    }
}
