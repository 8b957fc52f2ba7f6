//! The contract for handler authors: messages, the Handler trait and serve().
//!
//! A handler is a program that can synchronize *items*. The manager starts it as a process of its own, one process an
//! instance, and talks JSON-RPC 2.0 with it, one object a line, over standard input and output. This crate knows
//! nothing of how a handler is hosted, scheduled or stored, and depends on nothing of ours.
//!
//! The vocabulary is that of Microsoft's SyncMgr (`mobsync.h`, here "classic") and of Sync Center (`syncmgr.h`); each
//! message names its counterparts there.

pub mod author;
pub mod call;
pub mod callback;
#[cfg(feature = "com")]
pub mod com_class;
pub mod contract;
pub mod frame;
pub mod item;
pub mod link;
pub mod listing;
#[cfg(feature = "mask")]
pub mod mask;
mod outbox;
pub mod pages;
mod piece;
pub mod run;
mod schema;
pub mod serve;

pub use author::{Handler, Introduction, ItemList, Start};
pub use call::{Call, Notice};
pub use callback::{Callback, Question};
pub use link::Connection;
pub use run::{ActionSink, AskError, Run, Unfinished};
pub use schema::schema;
pub use serve::{ServeError, serve, serve_stdio};

/// Keeps the Rust of the authors' guide compiling.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/handlers.md")]
pub struct Guide;
