//! TensorBoard's event files: numbers, histograms, pictures and texts by step, appended while a run goes on.
//!
//! **In:** values with a tag and a step. **Out:** a file that TensorBoard reads. **Never:** what a run or a network is.
//!
//! Source of the form: TensorFlow's `event.proto`, `summary.proto` and the framing of its record files.

mod event_file;
mod framing;
mod histogram;
mod proto;

pub use event_file::{EventFile, Shown};
pub use histogram::Histogram;
