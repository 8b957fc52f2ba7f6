//! Telling others: which webhook, ping and notice follows from the beginning and the end of a run, and from an item that
//! becomes late. Whether and when they arrive is not decided here.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::account::{Account, AccountOfItem, Occasion};
use crate::command::Command;
use crate::freshness::{Freshness, freshness, next_change};
use crate::id::{HandlerId, ItemRef};
use crate::instance::{Instance, LiveItem, LiveRun};
use crate::item::ItemStatus;
use crate::manager::{Manager, Timer};
use crate::notice::{News, Notice, Notices};
use crate::run::RunKind;
use crate::schedule::Schedule;

/// Shortest time between two pings for the manager itself.
pub const MIN_PING: Duration = Duration::from_secs(30);

/// Where a secret is read at the time of sending. It is written down nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secret {
    /// A variable of the manager's environment.
    Env(String),
    /// A file, without the line end behind it.
    File(String),
}

/// An address that is told what happened, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Webhook {
    /// Where; empty: nowhere, which takes away what an earlier policy says.
    pub url: String,
    /// What it is told.
    pub on: Vec<Occasion>,
    /// Headers with where their values are read.
    pub headers: Vec<(String, Secret)>,
}

/// What a ping says (as healthchecks.io reads it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// A run begins: `URL/start`.
    Start,
    /// All is well: the URL itself.
    Good,
    /// Something failed: `URL/fail`.
    Fail,
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// A webhook, with the account as JSON.
    Webhook(Webhook),
    /// A dead man's switch, with one sentence.
    Ping {
        /// Its address.
        url: String,
        /// What it is told.
        signal: Signal,
    },
}

/// Something to be sent, sooner or later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// To whom.
    pub to: Address,
    /// What.
    pub account: Account,
}

/// What the manager tells of itself and of everything, unless a policy says otherwise.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Telling {
    /// What a person is told.
    pub notices: Notices,
    /// Notices are collected for these times.
    pub digest: Option<Schedule>,
    /// The address that hears that the manager lives, and how often.
    pub ping: Option<(String, Duration)>,
}

impl Manager {
    /// What is told from now on.
    pub(crate) fn set_telling(&mut self, telling: Telling) {
        if self.troubles_remembered && self.telling == telling {
            return;
        }
        if self.troubles_remembered {
            self.forget_digest();
        } else {
            self.troubles_remembered = true;
            let troubled: Vec<(ItemRef, Occasion)> = self
                .items()
                .filter_map(|row| {
                    let occasion = Occasion::of_item(row.last_status?, false);
                    Some((row.at.clone(), occasion))
                })
                .collect();
            for (item, occasion) in troubled {
                self.budget.remember(&item, occasion);
            }
        }
        self.budget.collect(telling.digest.is_some());
        self.telling = telling;
        self.plan_digest();
        self.plan_pulse(self.now);
        self.expect_all();
    }

    /// What the manager tells unless a policy says otherwise.
    #[must_use]
    pub fn telling(&self) -> &Telling {
        &self.telling
    }

    /// A run begins its work.
    pub(crate) fn tell_begins(&mut self, run: &LiveRun) {
        if !self.tells_of(run) {
            return;
        }
        let (webhooks, pings) = self.addresses(run, |_| true);
        for (webhook, items) in webhooks {
            if webhook.on.contains(&Occasion::Begins) {
                let account = self.account(Occasion::Begins, run, &items);
                self.deliver(Address::Webhook(webhook), account);
            }
        }
        for (url, items) in pings {
            let account = self.account(Occasion::Begins, run, &items);
            let signal = Signal::Start;
            self.deliver(Address::Ping { url, signal }, account);
        }
    }

    /// A run ended.
    pub(crate) fn tell_ended(&mut self, instance: &Instance, run: &LiveRun) {
        if run.row.kind != RunKind::Synchronize {
            return;
        }
        for item in &run.items {
            if item.status == ItemStatus::Succeeded {
                let at = instance.item(&item.id);
                self.expect(&at);
            }
        }
        self.notice_ended(instance, run);
        if !self.tells_of(run) {
            return;
        }
        let (webhooks, pings) = self.addresses(run, |_| true);
        for (webhook, mut items) in webhooks {
            let mut gravest = None;
            items.retain(|at| {
                let Some(item) = run.items.get(*at) else {
                    return false;
                };
                let occasion = self.end_of(run, item);
                let told = webhook.on.contains(&occasion);
                if told {
                    gravest = Some(gravest.map_or(occasion, |g: Occasion| g.or_graver(occasion)));
                }
                told
            });
            if let Some(occasion) = gravest {
                let account = self.account(occasion, run, &items);
                self.deliver(Address::Webhook(webhook), account);
            }
        }
        for (url, items) in pings {
            let statuses = || {
                items
                    .iter()
                    .filter_map(|at| Some(run.items.get(*at)?.status))
            };
            let failed = |status| matches!(status, ItemStatus::Failed | ItemStatus::Disconnected);
            let good = |status| matches!(status, ItemStatus::Succeeded | ItemStatus::Deleted);
            // Skipped, stopped or held back is neither: the switch waits, and tells when that lasts too long.
            let (signal, occasion) = if statuses().any(failed) {
                (Signal::Fail, Occasion::Failed)
            } else if statuses().all(good) {
                (Signal::Good, Occasion::Done)
            } else {
                continue;
            };
            let account = self.account(occasion, run, &items);
            self.deliver(Address::Ping { url, signal }, account);
        }
    }

    fn tells_of(&self, run: &LiveRun) -> bool {
        run.row.kind == RunKind::Synchronize
            && self
                .policies
                .iter()
                .any(|policy| policy.webhook.is_some() || policy.ping.is_some())
    }

    /// Who is told of which items of a run: each address once.
    fn addresses(
        &self,
        run: &LiveRun,
        wants: impl Fn(&LiveItem) -> bool,
    ) -> (BTreeMap<Webhook, Vec<usize>>, BTreeMap<String, Vec<usize>>) {
        let mut webhooks: BTreeMap<Webhook, Vec<usize>> = BTreeMap::new();
        let mut pings: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, item) in run.items.iter().enumerate().filter(|(_, item)| wants(item)) {
            let of_item = self.policies_of(&ItemRef {
                handler: run.row.handler.clone(),
                item: item.id.clone(),
            });
            if let Some(webhook) = of_item.value(|policy| policy.webhook.as_ref())
                && !webhook.url.is_empty()
            {
                match webhooks.get_mut(webhook) {
                    Some(items) => items.push(at),
                    None => drop(webhooks.insert(webhook.clone(), vec![at])),
                }
            }
            if let Some(url) = of_item.value(|policy| policy.ping.as_ref())
                && !url.is_empty()
            {
                match pings.get_mut(url) {
                    Some(items) => items.push(at),
                    None => drop(pings.insert(url.clone(), vec![at])),
                }
            }
        }
        (webhooks, pings)
    }

    fn deliver(&mut self, to: Address, account: Account) {
        let delivery = Box::new(Delivery { to, account });
        self.effects.commands.push(Command::Deliver(delivery));
    }

    /// What a person is told of an item.
    #[must_use]
    pub fn notices_of(&self, item: &ItemRef) -> Notices {
        self.policies_of(item)
            .value(|policy| policy.notices)
            .unwrap_or(self.telling.notices)
    }

    /// Whether anything is shown to people at all.
    #[must_use]
    pub fn notices_are_wanted(&self) -> bool {
        self.tells_people()
    }

    fn tells_people(&self) -> bool {
        self.settings.automatic
            && (self.telling.notices != Notices::None
                || self.policies.iter().any(|policy| {
                    policy
                        .notices
                        .is_some_and(|notices| notices != Notices::None)
                }))
    }

    fn notice_ended(&mut self, instance: &Instance, run: &LiveRun) {
        if !self.tells_people() {
            return;
        }
        let offline = self.facts.is_offline();
        let mut news = Vec::new();
        for item in &run.items {
            // What cannot be reached while there is no network is as expected; that it is late is told in its time.
            if item.status == ItemStatus::Disconnected || (offline && failed_softly(item)) {
                continue;
            }
            let at = instance.item(&item.id);
            let occasion = self.end_of(run, item);
            let wanted = self.notices_of(&at);
            let Some(slot) = self.slot(&at) else {
                continue;
            };
            news.push((
                News {
                    name: slot.row.name.clone(),
                    occasion,
                    problem: slot.row.last_problem.clone(),
                    item: at,
                },
                wanted,
            ));
        }
        let watched = instance.interactive;
        self.take_news(&run.row.handler, news, watched);
    }

    fn take_news(&mut self, handler: &HandlerId, news: Vec<(News, Notices)>, watched: bool) {
        let name = self.handler_name(handler);
        let before = self.budget.due();
        let notices = self.budget.take(self.now, handler, &name, news, watched);
        for notice in notices {
            self.show_notice(notice);
        }
        let due = self.budget.due();
        if due != before {
            if let Some(before) = before {
                self.clear_timer(before, Timer::Summary);
            }
            if let Some(due) = due {
                self.set_timer(due, Timer::Summary);
            }
        }
    }

    fn show_notice(&mut self, notice: Notice) {
        self.effects
            .commands
            .push(Command::Notice(Box::new(notice)));
    }

    /// The window of a summary closed, or the time of the digest came.
    pub(crate) fn summary_due(&mut self) {
        if let Some(notice) = self.budget.summary(self.now) {
            self.show_notice(notice);
        }
    }

    /// The time of the digest came.
    pub(crate) fn digest_due(&mut self) {
        self.digest_at = None;
        self.summary_due();
        self.plan_digest();
    }

    fn forget_digest(&mut self) {
        if let Some(at) = self.digest_at.take() {
            self.clear_timer(at, Timer::Digest);
        }
        if let Some(at) = self.pulse_at.take() {
            self.clear_timer(at, Timer::Pulse);
        }
    }

    /// The clock was set: the time of the digest comes sooner or later.
    pub(crate) fn plan_digest_again(&mut self) {
        if self.digest_at.take().is_some() {
            self.plan_digest();
        }
    }

    fn plan_digest(&mut self) {
        if !self.settings.automatic {
            return;
        }
        if let Some(digest) = &self.telling.digest
            && let Some(at) = digest.next_after(self.now, &self.zone)
        {
            self.digest_at = Some(at);
            self.set_timer(at, Timer::Digest);
        }
    }

    /// It is time to tell that the manager lives. Whoever performs it says the verdict with it, so that no ping goes out
    /// while that cannot be told.
    pub(crate) fn pulse_due(&mut self) {
        self.pulse_at = None;
        if let Some((url, every)) = self.telling.ping.clone() {
            self.effects.commands.push(Command::Pulse { url });
            self.plan_pulse(self.now.plus(every.max(MIN_PING)));
        }
    }

    fn plan_pulse(&mut self, at: crate::time::Timestamp) {
        if self.settings.automatic && self.telling.ping.is_some() {
            self.pulse_at = Some(at);
            self.set_timer(at, Timer::Pulse);
        }
    }

    /// Something was not delivered and is given up.
    pub(crate) fn undelivered(&mut self, handler: Option<HandlerId>, text: String) {
        self.warn(handler, None, crate::log::Level::Warning, text);
    }

    /// Whether somebody wants to know when an item becomes late.
    fn wants_late(&self, item: &ItemRef) -> bool {
        let of_item = self.policies_of(item);
        let late = |webhook: &Webhook| {
            !webhook.url.is_empty()
                && webhook
                    .on
                    .iter()
                    .any(|on| matches!(on, Occasion::Late | Occasion::Overdue))
        };
        of_item
            .value(|policy| policy.webhook.as_ref())
            .is_some_and(late)
            || self.notices_of(item) != Notices::None
    }

    /// Sees that an item which becomes late is noticed: one timer an item, and only where somebody wants to know.
    pub(crate) fn expect(&mut self, item: &ItemRef) {
        if !self.settings.automatic {
            return;
        }
        let Some(slot) = self.slot(item) else {
            return;
        };
        let before = slot.awaited;
        let at = next_change(&slot.row, self.now).filter(|_| self.wants_late(item));
        match (before, at) {
            // A timer that comes too early looks again: moving it at every good run would cost more.
            (Some(before), Some(at)) if before <= at => {}
            (before, at) => {
                if before.is_some() {
                    self.stop_expecting(item);
                }
                if let Some(at) = at {
                    // A moment later: at the very time it is not late yet.
                    let at = at.plus(Duration::from_millis(1));
                    if let Some(slot) = self.slot_mut(item) {
                        slot.awaited = Some(at);
                    }
                    self.set_timer(at, Timer::Stale(item.clone()));
                }
            }
        }
    }

    pub(crate) fn stop_expecting(&mut self, item: &ItemRef) {
        if let Some(at) = self.slot_mut(item).and_then(|slot| slot.awaited.take()) {
            self.clear_timer(at, Timer::Stale(item.clone()));
        }
    }

    pub(crate) fn expect_all(&mut self) {
        let items: Vec<ItemRef> = self.items().map(|row| row.at.clone()).collect();
        for item in &items {
            self.expect(item);
        }
    }

    /// An item may have become late.
    pub(crate) fn stale(&mut self, item: &ItemRef) {
        if let Some(slot) = self.slot_mut(item) {
            slot.awaited = None;
        }
        let Some(slot) = self.slot(item) else {
            return;
        };
        let row = &slot.row;
        let is = freshness(row, self.now);
        let occasion = match is {
            Freshness::Late => Occasion::Late,
            Freshness::Overdue => Occasion::Overdue,
            Freshness::Fresh | Freshness::New => {
                self.expect(item);
                return;
            }
        };
        let account = Account {
            occasion,
            at: self.now,
            handler: item.handler.clone(),
            handler_name: self.handler_name(&item.handler),
            run: None,
            items: vec![AccountOfItem {
                item: item.item.clone(),
                name: row.name.clone(),
                occasion: Some(occasion),
                problem: row.last_problem.clone(),
                last_good: row.last_good,
                freshness: Some(is),
            }],
            more: 0,
        };
        let news = News {
            item: item.clone(),
            name: row.name.clone(),
            occasion,
            problem: row.last_problem.clone(),
        };
        let webhook = self
            .policies_of(item)
            .value(|policy| policy.webhook.as_ref())
            .filter(|webhook| !webhook.url.is_empty() && webhook.on.contains(&occasion))
            .cloned();
        if let Some(webhook) = webhook {
            self.deliver(Address::Webhook(webhook), account);
        }
        let wanted = self.notices_of(item);
        // A pause is a person's own doing, and says itself that nothing is to happen.
        if self.pause_of(item).is_none() {
            self.take_news(&item.handler.clone(), vec![(news, wanted)], false);
        }
        self.expect(item);
    }
}

fn failed_softly(item: &LiveItem) -> bool {
    item.status == ItemStatus::Failed && item.failure == Some(crate::item::Failure::Soft)
}
