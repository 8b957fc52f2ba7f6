//! What is told to others: commands of the user's beside runs, webhooks, pings. What happens when is decided by the core;
//! here it is carried out, beside the loop.

mod body;
mod runner;
pub(crate) mod setting;

pub(crate) use runner::Runner;
