//! Keeping the machine awake: during which runs, and until when.
//!
//! It is kept from going to sleep by itself while a run is open that wants it, and never longer than a span from the run's
//! beginning: a run that hangs must not keep a laptop awake until its battery is empty.

use std::time::Duration;

use crate::command::Command;
use crate::id::{ItemRef, RunId};
use crate::instance::Instance;
use crate::manager::{Manager, Timer};
use crate::time::Timestamp;

/// How long a run keeps the machine awake at most, unless the configuration says otherwise.
pub const KEEP_AWAKE_FOR: Duration = Duration::from_secs(2 * 3600);

/// When a run keeps the machine awake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeepAwake {
    /// Never.
    #[default]
    Never,
    /// While the charger is plugged in.
    Mains,
    /// Always.
    Always,
}

/// What is known of keeping the machine awake.
#[derive(Debug, Default)]
pub(crate) struct Awake {
    /// It is kept awake until then at the latest.
    until: Option<Timestamp>,
    /// For what this was decided: how many runs are open, the last run, and whether there is mains.
    seen: Option<(usize, RunId, bool)>,
}

impl Manager {
    /// Until when the machine is kept awake at most; absent: it is not.
    #[must_use]
    pub fn awake_until(&self) -> Option<Timestamp> {
        self.awake.until
    }

    /// Whether it matters to keeping the machine awake where its power comes from.
    #[must_use]
    pub fn awake_by_power(&self) -> bool {
        self.settings.keep_awake == KeepAwake::Mains
            || self
                .policies
                .iter()
                .any(|policy| policy.keep_awake == Some(KeepAwake::Mains))
    }

    /// What was said about it is other than before.
    pub(crate) fn look_awake_again(&mut self) {
        self.awake.seen = None;
    }

    /// Decides anew whether the machine is kept awake; cheap while nothing changed that it depends on.
    pub(crate) fn tend_awake(&mut self) {
        let open = |instance: &&Instance| {
            instance
                .run
                .as_ref()
                .is_some_and(|run| run.row.closed.is_none() && !run.settled)
        };
        let instances = self.instances.values().map(|instance| &**instance);
        let count = instances.filter(open).count();
        let mains = self.facts.power().is_some_and(|(mains, ..)| mains);
        let seen = Some((count, RunId(self.last.run), mains));
        if self.awake.seen == seen {
            return;
        }
        self.awake.seen = seen;
        let instances = self.instances.values().map(|instance| &**instance);
        let until = instances
            .filter(open)
            .filter(|instance| match self.awake_for(instance) {
                KeepAwake::Never => false,
                KeepAwake::Mains => mains,
                KeepAwake::Always => true,
            })
            .filter_map(|instance| Some(instance.run.as_ref()?.row.opened))
            .map(|opened| opened.plus(self.settings.keep_awake_for))
            .filter(|until| *until > self.now)
            .max();
        let before = std::mem::replace(&mut self.awake.until, until);
        if before == until {
            return;
        }
        if let Some(before) = before {
            self.clear_timer(before, Timer::Awake);
        }
        if let Some(until) = until {
            self.set_timer(until, Timer::Awake);
        }
        match (before, until) {
            (None, Some(until)) => self.command(false, Command::KeepAwake { until }),
            (Some(_), None) => self.command(false, Command::LetSleep),
            _ => {}
        }
    }

    /// What the items of a run want; the most of them.
    fn awake_for(&self, instance: &Instance) -> KeepAwake {
        let usual = self.settings.keep_awake;
        let Some(run) = instance.run.as_ref() else {
            return KeepAwake::Never;
        };
        if self
            .policies
            .iter()
            .all(|policy| policy.keep_awake.is_none())
        {
            return usual;
        }
        let items = run.items.iter().filter(|item| !item.status.is_terminal());
        let wanted = items.map(|item| {
            let item = ItemRef {
                handler: instance.handler.clone(),
                item: item.id.clone(),
            };
            let said = self.policies_of(&item).value(|policy| policy.keep_awake);
            said.unwrap_or(usual)
        });
        wanted.max().unwrap_or(KeepAwake::Never)
    }
}
