//! The door for network files: a text runs, and what it returns is read.
//!
//! **In:** a network file's text and `params`. **Out:** [`Loaded`]. **Never:** datasets, jobs, the training loop.
//!
//! `contract` (what a file must return), `cycle` (no network holds itself), `loaded` (a file that has run), `run` ([`load`]).

mod contract;
mod cycle;
mod loaded;
mod run;

pub use loaded::Loaded;
pub use run::load;
