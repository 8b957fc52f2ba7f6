//! `top`: the terminal page.
//!
//! Keys and changes go in, the state changes, the screen is drawn from the state: nothing flows back. [`state`] holds what is
//! shown, [`keys`] says what a key does where, [`step`] what an event does; all three are pure. Only [`run`] touches the
//! terminal and the manager.

mod choosing;
mod draw;
mod draw_dialog;
mod draw_items;
mod draw_needs;
mod draw_now;
mod keys;
mod layout;
mod load;
mod press;
mod read;
mod resolve;
mod run;
mod sides;
mod state;
mod step;
mod styled;
mod terminal;
#[cfg(test)]
mod tests;
mod told;
mod window;

pub(crate) use run::{refusal, top};
