//! The terminal page without a terminal: keys by their table, screens by their pictures.

mod keys;
pub(crate) mod samples;
mod screens;
mod steps;
