//! The terminal interface: an interactive process tree, the signals, and everything about what is selected.
//!
//! Three parts that know little of each other: [`App`] is the state, [`App::key`] changes it, [`view`] draws it. Nothing
//! in them touches a terminal, so that they are tested without one; what is to be done outside (copy a text, write a
//! file, end) is an [`Effect`] that [`terminal`] carries out. What is drawn is made of the lines of `report`, which make
//! names safe; there is no second way for a name to get onto the screen.
//!
//! What this crate deliberately leaves out: reading traces, rules, suppressions. What it needs of them comes through
//! [`Host`].

mod app;
mod detail;
mod keys;
pub mod terminal;
pub mod view;

pub use app::{App, Effect, Mode, Pane};
pub use terminal::{Host, run};
