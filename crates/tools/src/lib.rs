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

pub mod condition;
pub mod pattern;
pub mod recipe;
pub mod template;
