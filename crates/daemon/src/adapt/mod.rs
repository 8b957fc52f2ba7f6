//! The only translator between the three vocabularies: core, handler and control.

pub mod from_handler;
pub mod from_source;
pub mod text;
pub mod to_change;
pub mod to_handler;
pub mod to_said;
pub mod to_view;
