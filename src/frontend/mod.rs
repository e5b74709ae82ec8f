//! Front ends: network files in, `nn::Network` out. `lua` runs DIGITS' Torch7 form; `tensorflow_file` its TensorFlow form, by
//! `python`, the language, and `tensorflow`, the symbolic graph.
//!
//! **In:** a network file and what the dataset says about shapes, classes and labels. **Out:** [`NetworkFile`], whatever
//! its language: settings, hooks, the printed network, and its lowering. **Never:** datasets, jobs, the training loop.

mod language;
pub mod lua;
mod network_file;
pub mod python;
mod settings;
mod source;
pub mod tensorflow;
pub mod tensorflow_file;
mod watchdog;

pub use language::Language;
pub use lua::{LabelHook, Loaded, vm::Output};
pub use network_file::{NetworkFile, Ready};
pub use settings::Settings;
pub use source::{LabelShape, NetworkParams, Source};
pub use tensorflow_file::Purpose;
pub use watchdog::end_overruns;
