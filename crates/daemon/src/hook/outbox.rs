//! What waits to be sent: how often it is tried, when again, and when it is given up. Decides only; time is an argument.

use std::collections::VecDeque;
use std::time::Duration;

use syncmgr_core::telling::{Address, Signal};
use syncmgr_core::{HandlerId, Timestamp};

use super::address;

/// Most that waits; the oldest goes first when more comes.
pub(crate) const MAX_WAITING: usize = 256;
/// Most that is sent at the same time.
pub(crate) const MAX_AT_ONCE: usize = 4;
/// How long after each failed attempt the next one comes; after the last it is given up.
const AGAIN: [Duration; 5] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(60 * 60),
];
/// A server may ask for a longer wait, up to this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(6 * 3600);

/// Something to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// To whom.
    pub(crate) to: Address,
    /// The body.
    pub(crate) body: String,
    /// About which handler.
    pub(crate) handler: Option<HandlerId>,
}

impl Parcel {
    /// The address as it was configured.
    pub(crate) fn url(&self) -> &str {
        match &self.to {
            Address::Webhook(webhook) => &webhook.url,
            Address::Ping { url, .. } => url,
        }
    }

    /// What it is, for people.
    pub(crate) fn about(&self) -> String {
        let what = match &self.to {
            Address::Webhook(_) => "the webhook",
            Address::Ping {
                signal: Signal::Start,
                ..
            } => "the ping `start`",
            Address::Ping {
                signal: Signal::Fail,
                ..
            } => "the ping `fail`",
            Address::Ping {
                signal: Signal::Good,
                ..
            } => "the ping",
        };
        format!("{what} to {}", address::spell(self.url()))
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It arrived.
    Well,
    /// It did not, and may later; the server may say when.
    NotNow {
        /// Why, as a fragment.
        why: String,
        /// Not before this has passed.
        after: Option<Duration>,
    },
    /// It never will.
    Never(String),
}

/// What was given up, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GivenUp {
    /// About which handler.
    pub(crate) handler: Option<HandlerId>,
    /// A sentence without its end.
    pub(crate) text: String,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    parcel: Parcel,
    attempts: usize,
    due: Timestamp,
    under_way: bool,
}

/// What waits.
#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: VecDeque<Waiting>,
    last: u64,
    /// Nobody waits for a second attempt.
    hasty: bool,
    offline: bool,
    /// Why something did not arrive last.
    trouble: Option<String>,
}

impl Outbox {
    /// Makes one; `hasty` where nothing lives long enough to try again.
    pub(crate) fn new(hasty: bool) -> Self {
        Self {
            waiting: VecDeque::new(),
            last: 0,
            hasty,
            offline: false,
            trouble: None,
        }
    }

    /// Takes something in; it is due at once.
    pub(crate) fn push(&mut self, parcel: Parcel, now: Timestamp) -> Option<GivenUp> {
        // Of a dead man's switch only the latest counts.
        if let Address::Ping { url, .. } = &parcel.to {
            self.waiting.retain(|waiting| {
                waiting.under_way
                    || waiting.attempts == 0
                    || !matches!(&waiting.parcel.to, Address::Ping { url: other, .. } if other == url)
            });
        }
        let full = self.waiting.len() >= MAX_WAITING;
        let oldest = self.waiting.iter().position(|waiting| !waiting.under_way);
        let dropped = match oldest {
            Some(at) if full => self.waiting.remove(at),
            _ => None,
        };
        self.last += 1;
        self.waiting.push_back(Waiting {
            number: self.last,
            parcel,
            attempts: 0,
            due: now,
            under_way: false,
        });
        dropped.map(|dropped| GivenUp {
            text: format!(
                "{} was given up: more than {MAX_WAITING} others wait to be sent",
                dropped.parcel.about()
            ),
            handler: dropped.parcel.handler,
        })
    }

    /// The clock was set by so many milliseconds: what waits waits as long as before.
    pub(crate) fn clock_set(&mut self, by_ms: i64) {
        for waiting in &mut self.waiting {
            waiting.due = Timestamp(waiting.due.0.saturating_add(by_ms));
        }
    }

    /// What is to be sent now. One address gets one thing at a time, in order.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<(u64, Parcel)> {
        let mut busy: Vec<String> = Vec::new();
        let mut room = MAX_AT_ONCE;
        for waiting in self.waiting.iter().filter(|waiting| waiting.under_way) {
            busy.push(waiting.parcel.url().to_owned());
            room = room.saturating_sub(1);
        }
        let mut due = Vec::new();
        let offline = self.offline;
        for waiting in &mut self.waiting {
            if room == 0 {
                break;
            }
            let url = waiting.parcel.url();
            if waiting.under_way
                || waiting.due > now
                || busy.iter().any(|other| other == url)
                || offline && !address::is_here(url)
            {
                continue;
            }
            busy.push(url.to_owned());
            room -= 1;
            waiting.under_way = true;
            due.push((waiting.number, waiting.parcel.clone()));
        }
        due
    }

    /// When something is due next by time alone: what waits for a network, or for another to arrive, is not.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let under_way = || self.waiting.iter().filter(|waiting| waiting.under_way);
        if under_way().count() >= MAX_AT_ONCE {
            return None;
        }
        self.waiting
            .iter()
            .filter(|waiting| !waiting.under_way)
            .filter(|waiting| !under_way().any(|other| other.parcel.url() == waiting.parcel.url()))
            .filter(|waiting| !self.offline || address::is_here(waiting.parcel.url()))
            .map(|waiting| waiting.due)
            .min()
    }

    /// An attempt ended.
    pub(crate) fn ended(&mut self, number: u64, sent: Sent, now: Timestamp) -> Option<GivenUp> {
        let at = self
            .waiting
            .iter()
            .position(|waiting| waiting.number == number)?;
        let (why, after) = match sent {
            Sent::Well => {
                self.trouble = None;
                self.waiting.remove(at);
                return None;
            }
            Sent::NotNow { why, after } => (why, Some(after)),
            Sent::Never(why) => (why, None),
        };
        let waiting = self.waiting.get_mut(at)?;
        waiting.under_way = false;
        waiting.attempts += 1;
        self.trouble = Some(format!("{}: {why}", waiting.parcel.about()));
        let again = AGAIN
            .get(waiting.attempts - 1)
            .filter(|_| !self.hasty)
            .zip(after);
        if let Some((pause, after)) = again {
            let wished = after.unwrap_or_default().min(MAX_RETRY_AFTER);
            waiting.due = now.plus(wished.max(*pause));
            return None;
        }
        let gone = self.waiting.remove(at)?;
        let times = match gone.attempts {
            1 => String::new(),
            times => format!(" after {times} attempts"),
        };
        Some(GivenUp {
            text: format!("{} was given up{times}: {why}", gone.parcel.about()),
            handler: gone.parcel.handler,
        })
    }

    /// Whether there is a network; without one nothing is tried, and nothing counts as tried.
    pub(crate) fn network(&mut self, usable: bool) {
        self.offline = !usable;
    }

    /// The manager ends: what was tried already is given up, and the rest is tried once.
    pub(crate) fn hurry(&mut self) -> Vec<GivenUp> {
        self.hasty = true;
        let offline = self.offline;
        let lost = |waiting: &Waiting| {
            !waiting.under_way
                && (waiting.attempts > 0 || offline && !address::is_here(waiting.parcel.url()))
        };
        let given_up = self.waiting.iter().filter(|waiting| lost(waiting));
        let given_up = given_up
            .map(|waiting| GivenUp {
                text: format!("{} was given up: the manager ends", waiting.parcel.about()),
                handler: waiting.parcel.handler.clone(),
            })
            .collect();
        self.waiting.retain(|waiting| !lost(waiting));
        given_up
    }

    /// How many wait, and why something did not arrive last.
    pub(crate) fn state(&self) -> (usize, Option<&str>) {
        (self.waiting.len(), self.trouble.as_deref())
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ping(url: &str, signal: Signal) -> Parcel {
        Parcel {
            to: Address::Ping {
                url: url.to_owned(),
                signal,
            },
            body: String::new(),
            handler: None,
        }
    }

    fn numbers(due: &[(u64, Parcel)]) -> Vec<u64> {
        due.iter().map(|(number, _)| *number).collect()
    }

    fn busy() -> Sent {
        Sent::NotNow {
            why: "it answered 503".to_owned(),
            after: None,
        }
    }

    #[test]
    fn it_is_tried_again_ever_later_and_given_up_in_words() {
        let mut outbox = Outbox::new(false);
        let mut now = Timestamp(0);
        outbox.push(ping("https://h/secret", Signal::Good), now);
        let mut waits = Vec::new();
        loop {
            assert_eq!(numbers(&outbox.due(now)), [1]);
            assert!(outbox.due(now).is_empty(), "once at a time");
            if let Some(given_up) = outbox.ended(1, busy(), now) {
                let text = "the ping to https://h/… was given up after 6 attempts: it answered 503";
                assert_eq!(given_up.text, text);
                break;
            }
            let next = outbox.next_due().unwrap();
            waits.push(next.since(now).as_secs());
            now = next;
        }
        assert_eq!(waits, [10, 60, 300, 900, 3600]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_server_says_when_and_a_refusal_is_final() {
        let mut outbox = Outbox::new(false);
        outbox.push(ping("https://h/1", Signal::Good), Timestamp(0));
        outbox.due(Timestamp(0));
        let later = Sent::NotNow {
            why: "it answered 429".to_owned(),
            after: Some(Duration::from_secs(1_000_000)),
        };
        assert_eq!(outbox.ended(1, later, Timestamp(0)), None);
        assert_eq!(outbox.next_due(), Some(Timestamp(0).plus(MAX_RETRY_AFTER)));
        outbox.due(outbox.next_due().unwrap());
        let gone = outbox.ended(1, Sent::Never("it answered 410".to_owned()), Timestamp(0));
        assert!(gone.unwrap().text.ends_with("410"));
        assert!(outbox.is_empty());
    }

    #[test]
    fn without_a_network_it_waits_and_nothing_is_due() {
        let mut outbox = Outbox::new(false);
        outbox.network(false);
        outbox.push(ping("https://h/1", Signal::Good), Timestamp(0));
        outbox.push(ping("http://127.0.0.1/2", Signal::Good), Timestamp(0));
        assert_eq!(numbers(&outbox.due(Timestamp(0))), [2]);
        outbox.ended(2, Sent::Well, Timestamp(0));
        assert_eq!(outbox.next_due(), None);
        outbox.network(true);
        assert_eq!(outbox.next_due(), Some(Timestamp(0)));
        assert_eq!(numbers(&outbox.due(Timestamp(0))), [1]);
    }

    #[test]
    fn of_a_dead_mans_switch_only_the_latest_is_tried_again() {
        let mut outbox = Outbox::new(false);
        outbox.push(ping("https://h/1", Signal::Start), Timestamp(0));
        outbox.due(Timestamp(0));
        outbox.ended(1, busy(), Timestamp(0));
        outbox.push(ping("https://h/1", Signal::Good), Timestamp(5));
        assert_eq!(numbers(&outbox.due(Timestamp(20_000))), [2]);
        assert_eq!(outbox.state().0, 1);
        // What was not tried yet comes in its order: a start, then the end.
        let mut outbox = Outbox::new(false);
        outbox.push(ping("https://h/1", Signal::Start), Timestamp(0));
        outbox.push(ping("https://h/1", Signal::Good), Timestamp(0));
        assert_eq!(numbers(&outbox.due(Timestamp(0))), [1]);
        outbox.ended(1, Sent::Well, Timestamp(0));
        assert_eq!(numbers(&outbox.due(Timestamp(0))), [2]);
    }

    #[test]
    fn who_ends_tries_once_and_says_what_is_lost() {
        let mut outbox = Outbox::new(false);
        outbox.push(ping("https://h/1", Signal::Good), Timestamp(0));
        outbox.due(Timestamp(0));
        outbox.ended(1, busy(), Timestamp(0));
        outbox.push(ping("https://h/2", Signal::Good), Timestamp(0));
        let lost = outbox.hurry();
        assert!(lost[0].text.ends_with("the manager ends"), "{lost:?}");
        assert_eq!(numbers(&outbox.due(Timestamp(0))), [2]);
        assert!(outbox.ended(2, busy(), Timestamp(0)).is_some());
        assert!(outbox.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever fails: the queue stays bounded, never more than four are under way, and it comes to an end.
        #[test]
        fn it_is_bounded_and_ends(script in prop::collection::vec((0_u8..40, 0_u8..4), 1..600)) {
            let mut outbox = Outbox::new(false);
            let mut now = Timestamp(0);
            let mut under_way: Vec<u64> = Vec::new();
            let answer = |outbox: &mut Outbox, under_way: &mut Vec<u64>, now, how: u8| {
                if let Some(number) = under_way.pop() {
                    let sent = match how {
                        0 => Sent::Well,
                        1 => Sent::Never("no".to_owned()),
                        _ => busy(),
                    };
                    outbox.ended(number, sent, now);
                }
            };
            for (host, how) in script {
                outbox.push(ping(&format!("https://h/{host}"), Signal::Fail), now);
                under_way.extend(numbers(&outbox.due(now)));
                prop_assert!(under_way.len() <= MAX_AT_ONCE);
                prop_assert!(outbox.state().0 <= MAX_WAITING);
                answer(&mut outbox, &mut under_way, now, how);
                now = now.plus(Duration::from_secs(u64::from(how)));
            }
            for _ in 0..10 * MAX_WAITING {
                if outbox.is_empty() {
                    break;
                }
                if let Some(next) = outbox.next_due() {
                    now = now.max(next);
                }
                under_way.extend(numbers(&outbox.due(now)));
                answer(&mut outbox, &mut under_way, now, 3);
            }
            prop_assert!(outbox.is_empty(), "{:?}", outbox.state());
        }
    }
}
