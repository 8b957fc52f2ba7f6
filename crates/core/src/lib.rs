//! Every decision of the synchronization manager: pure, with time as an argument.
//!
//! One closed enum, [`Input`], says everything that can happen; `Manager::apply` answers with [`Effects`] that somebody
//! else performs, in their order: record, command, show. Nothing here knows clocks, files, processes, databases, wire
//! formats or other threads.

#![warn(clippy::wildcard_enum_match_arm)]

mod absent;
pub mod account;
pub mod agenda;
mod amount;
mod apart;
mod asking;
pub mod awake;
mod catalog;
mod choosing;
mod circle;
pub mod clock_set;
pub mod command;
pub mod condition;
pub mod confirm;
pub mod conflict;
mod connection;
mod conversation;
pub mod cut;
mod deciding;
mod dispatch;
mod ending;
pub mod evaluation;
pub mod event;
pub mod facts;
pub mod forecast;
pub mod freshness;
pub mod hindrance;
mod holding;
pub mod hook;
pub mod id;
pub mod input;
mod instance;
pub mod invocation;
pub mod item;
pub mod lane;
mod late;
pub mod leaving;
pub mod log;
mod looking;
pub mod manager;
pub mod marks;
pub mod need;
pub mod notice;
pub mod offer;
mod outside;
mod own_question;
pub mod paged;
pub mod paired;
pub mod phase;
pub mod policy;
pub mod problem;
mod progress;
mod properties;
pub mod queue;
pub mod recall;
pub mod record;
pub mod request;
mod results;
pub mod retention;
pub mod retry;
pub mod rule;
pub mod run;
pub mod saying;
pub mod schedule;
pub mod seldom;
pub mod settings;
pub mod spread;
pub mod status;
pub mod stopping;
pub mod stuck;
mod taking;
pub mod task;
pub mod telling;
pub mod time;
mod triggering;
pub mod turn;
pub mod verdict;
mod view;
pub mod watchdog;
pub mod why;

pub use absent::{AbsentRow, MAX_ABSENT};
pub use asking::{LATER, MAX_CHOICES, MAX_KEY, MAX_NEEDS, RefusedAnswer};
pub use catalog::{LARGE_LIST, MAX_ITEMS, MAX_LABELS};
pub use command::Command;
pub use connection::{MAX_CONNECTIONS, MAX_WAITING};
pub use event::{Event, EventKind};
pub use id::{
    EventNumber, HandlerId, InstanceId, ItemId, ItemRef, LogId, NeedId, RequestId, RunId, SessionId,
};
pub use input::Input;
pub use instance::{LARGE_RUN, MAX_PROPOSED, MAX_RUN_LOG, MAX_VIOLATIONS};
pub use manager::{Effects, Manager, Show};
pub use outside::{COME_BACK, MAX_OUTSIDE_ITEMS, MAX_WITHIN, RefusedSession};
pub use record::Record;
pub use schedule::Schedule;
pub use settings::Settings;
pub use taking::TakenLane;
pub use time::Timestamp;
pub use triggering::{CONNECT_AT_MOST_EVERY, LATE};
pub use view::{InstanceView, LiveItemView, SessionView};
