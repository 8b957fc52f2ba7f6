//! Composition root: configuration, the loop, adapt, the socket.

pub mod adapt;
mod answer;
pub mod clock;
pub mod config;
mod connect;
mod doctor;
pub mod foreground;
mod history;
mod identity;
mod invoke;
pub mod launch;
pub mod lock;
mod names;
pub mod open;
mod overview;
mod perform;
mod permission;
pub mod place;
mod property;
mod register;
mod registration;
mod run;
pub mod serve;
pub mod service;
mod sheet;
pub mod starter;
mod sys;
