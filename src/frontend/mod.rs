//! Front ends: network files in, `nn::Network` out. `lua` runs DIGITS' Torch7 form; `tensorflow_file` its TensorFlow form, by
//! `python`, the language, and `tensorflow`, the symbolic graph.
//!
//! **In:** a network file and what the dataset says about shapes and classes. **Out:** [`Loaded`]: settings, hooks,
//! the printed network, and its lowering. **Never:** datasets, jobs, the training loop.

pub mod lua;
mod network_file;
pub mod python;
mod source;
pub mod tensorflow;
pub mod tensorflow_file;
mod watchdog;

pub use lua::{LabelHook, Loaded, Settings, load};
pub use network_file::{NetworkFile, Ready};
pub use source::{NetworkParams, Source};
pub use watchdog::end_overruns;
