//! The real program from outside: its commands in homes of their own, with real handlers, signals and kills.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests: what cannot be unwrapped fails the test; they start processes and give up after a time"
)]

mod api;
mod bad_input;
mod called;
mod center;
mod check;
mod classes;
mod com_server;
mod hooks;
mod hostile;
mod import;
mod interrupt;
mod listing;
mod mail;
mod manager;
mod masked;
mod pairs;
mod policy;
mod prompts;
mod readme;
mod recipes;
mod register;
mod reload;
mod reporting;
mod schedule;
mod service;
mod steering;
mod sync;
mod sys_terminal;
mod talkative;
mod tell;
mod terminal;
mod world;
