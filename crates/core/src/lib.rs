//! Every decision of the synchronization manager: pure, with time as an argument.
//!
//! One closed enum, [`Input`], says everything that can happen; `Manager::apply` answers with [`Effects`] that somebody
//! else performs, in their order: record, command, show. Nothing here knows clocks, files, processes, databases, wire
//! formats or other threads.

pub mod command;
pub mod condition;
pub mod conflict;
pub mod event;
pub mod id;
pub mod input;
pub mod item;
pub mod log;
pub mod manager;
pub mod need;
pub mod record;
pub mod request;
pub mod run;
pub mod time;

pub use command::Command;
pub use event::{Event, EventKind};
pub use id::{
    EventNumber, HandlerId, InstanceId, ItemId, ItemRef, LogId, NeedId, RequestId, RunId, SessionId,
};
pub use input::Input;
pub use manager::{Effects, Show};
pub use record::Record;
pub use time::Timestamp;
