//! Work on a CUDA device that is recorded once and repeated: a graph, one launch in place of some hundred.
//!
//! **In:** a device, work as a closure over tensors. **Out:** [`Recording`]s, which repeat it, or the reason why there are
//! none. **Never:** what the work computes: networks, optimisers, batches.
//!
//! The other half is C++ (`graphs.cpp`): a library of 30 KB inside the program, which is opened beside `libtorch_cuda.so`.
//! None of it has run on a card yet; its calls have been compiled, linked and opened, and what its users do with it is tested
//! on a stand-in that writes down its calls.

mod graph;
mod library;
mod recorder;
#[cfg(test)]
mod stand_in;

pub use graph::{free_memory, recorder};
pub use library::readiness;
pub use recorder::{Recorder, Recording, Work};
#[cfg(test)]
pub(crate) use stand_in::{Call, StandIn};
