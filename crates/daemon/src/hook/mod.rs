//! What is told to others: commands of the user's beside runs, webhooks, pings. What happens when is decided by the core;
//! here it is carried out, beside the loop.

pub(crate) mod address;
mod body;
pub(crate) mod outbox;
pub(crate) mod post;
mod runner;
mod sender;
pub(crate) mod setting;

pub(crate) use runner::Runner;
pub(crate) use sender::Sender;
