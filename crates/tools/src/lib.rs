//! Other people's programs as items, as an ordinary handler.
//!
//! A [`recipe`] is data: which words an item is defined with, which commands synchronize it, what their lines and exit codes
//! mean. `command` is the recipe of whatever a person wraps. The rest carries recipes out, the same for all of them:
//!
//! ```text
//! definition ─► arguments ─► script: which step is next ─► process: starts it, hears its lines
//!                               ▲                              │
//!                               └── verdict ◄── reading ◄──────┘──► progress, log, conflicts, questions
//! ```
//!
//! The library is synchronous and knows nothing of daemons, stores or schedules.

mod arguments;
mod begin;
mod beside;
mod catalogue;
mod clock;
pub mod condition;
mod conflict;
pub mod copies;
pub mod export;
mod find;
mod guard;
mod handler;
pub mod import;
pub mod inspect;
mod item;
mod keep;
pub mod line;
pub mod lines;
mod operation;
#[cfg(target_os = "linux")]
mod orphans;
pub mod output;
pub mod pattern;
mod priority;
pub mod process;
pub mod read;
mod real;
pub mod recipe;
pub mod recognise;
pub mod recorded;
mod refused;
mod replay;
mod script;
mod secret;
mod settings;
mod start;
mod synchronize;
#[cfg_attr(unix, path = "sys_unix.rs")]
#[cfg_attr(windows, path = "sys_windows.rs")]
mod sys;
pub mod template;
pub mod trial;
mod usage;
mod version;

pub use begin::begin;
pub use catalogue::{Broken, Catalogue, Known};
pub use find::{Found, find};
pub use handler::{Tools, serve};
pub use item::Surroundings;
pub use real::real;
pub use refused::Refused;
pub use replay::{Replay, replay};
pub use script::{Ending, Outcome};
pub use settings::setting_names;
pub use syncmgr_handler::mask::{is_secret_name, masked, masked_words};
pub use usage::{Usage, usage};
pub use version::{installed, is_there, unfit};
