//! Sends what the outbox says, beside the loop.

use syncmgr_core::Timestamp;
use syncmgr_core::telling::{Address, Delivery, Signal};
use tokio::task::JoinSet;

use super::body;
use super::outbox::{GivenUp, Outbox, Parcel, Sent};
use super::post;
use crate::adapt::text;

/// Longest body of a ping, in characters: a reason, not a log.
const MAX_PING_BODY: usize = 1_000;

/// What waits, and what is under way.
#[derive(Debug)]
pub(crate) struct Sender {
    outbox: Outbox,
    tasks: JoinSet<(u64, Sent)>,
}

impl Sender {
    /// Makes one; `hasty` where nothing lives long enough to try again.
    pub(crate) fn new(hasty: bool) -> Self {
        Self {
            outbox: Outbox::new(hasty),
            tasks: JoinSet::new(),
        }
    }

    /// Takes in what the core wants delivered.
    pub(crate) fn deliver(&mut self, delivery: Delivery, now: Timestamp) -> Option<GivenUp> {
        self.outbox.push(parcel(delivery), now)
    }

    /// Takes in that the manager lives, with its verdict.
    pub(crate) fn pulse(&mut self, url: String, verdict: &str, now: Timestamp) -> Option<GivenUp> {
        let signal = Signal::Good;
        let parcel = Parcel {
            to: Address::Ping { url, signal },
            body: text::line(verdict),
            handler: None,
        };
        self.outbox.push(parcel, now)
    }

    /// Starts whatever is due.
    pub(crate) fn send_due(&mut self, now: Timestamp) {
        for (number, parcel) in self.outbox.due(now) {
            self.tasks
                .spawn(async move { (number, post::send(parcel).await) });
        }
    }

    /// The clock was set by so many milliseconds.
    pub(crate) fn clock_set(&mut self, by_ms: i64) {
        self.outbox.clock_set(by_ms);
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.outbox.next_due()
    }

    /// Waits for the next end of an attempt; for ever when none is under way.
    pub(crate) async fn ended(&mut self) -> Option<(u64, Sent)> {
        match self.tasks.join_next().await {
            Some(Ok(ended)) => Some(ended),
            Some(Err(error)) => {
                tracing::error!(%error, "an attempt to send panicked");
                None
            }
            None => std::future::pending().await,
        }
    }

    /// Takes in how an attempt ended.
    pub(crate) fn heard(&mut self, number: u64, sent: Sent, now: Timestamp) -> Option<GivenUp> {
        self.outbox.ended(number, sent, now)
    }

    /// Whether there is a network.
    pub(crate) fn network(&mut self, usable: bool) {
        self.outbox.network(usable);
    }

    /// The manager ends.
    pub(crate) fn hurry(&mut self) -> Vec<GivenUp> {
        self.outbox.hurry()
    }

    /// How many wait, and why something did not arrive last.
    pub(crate) fn state(&self) -> (usize, Option<&str>) {
        self.outbox.state()
    }

    /// Whether nothing waits or is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.outbox.is_empty()
    }
}

/// What is sent for a delivery.
pub(crate) fn parcel(delivery: Delivery) -> Parcel {
    let Delivery { to, account } = delivery;
    let body = match &to {
        Address::Webhook(_) => body::json(&account, None),
        Address::Ping { .. } => text::line(&account.sentence())
            .chars()
            .take(MAX_PING_BODY)
            .collect(),
    };
    Parcel {
        to,
        body,
        handler: Some(account.handler),
    }
}
