//! `Engine`: one training step, from a batch to updated parameters; the trainer does not know which kind runs it.
//!
//! **In:** a network, an optimiser's settings, batches. **Out:** updated parameters, losses, outputs. **Never:** files,
//! epochs, what a batch was made from.
//!
//! Four kinds: `autograd` runs every network; `chain` (Linear and ReLU in a row, MSE, SGD) and `panels` (small
//! convolutional networks) run common ones in f32 on the processor, on kernels of their own, and give the same numbers
//! up to rounding; `captured` repeats autograd's step on a CUDA device as one launch.

mod address;
mod autograd;
mod capturable;
mod captured;
mod chain;
mod choose;
mod contract;
mod crowd;
mod kernels;
mod loss_ring;
mod panels;
mod recognise;
mod reported;
mod surroundings;
mod team;
mod turns;

#[cfg(test)]
mod captured_tests;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub use choose::engine;
pub use contract::{Engine, EngineOptions};
pub use kernels::Level;
pub use surroundings::{Granted, LargeBlocks, Surroundings};
