//! The terminal page without a terminal: keys by their table, screens by their pictures.

mod choosing;
mod keys;
mod picture;
pub(crate) mod samples;
mod screens;
mod steps;
mod window;
