//! The chain's arithmetic: layouts, register tiles, and the phases of a step, for the processor at hand.
//!
//! **In:** layer shapes, pointers to a batch, to the flat parameters and to the velocity. **Out:** updated parameters,
//! losses, outputs. **Never:** libtorch, networks, allocation during a step.
//!
//! Layouts, for a batch of n samples in p = ⌈n/16⌉ panels:
//! - *panel* `[p][features][16]`: sixteen samples side by side; activations and their gradients.
//! - *strip* `[⌈features/16⌉][n][16]`: sixteen features side by side; a layer's input once more, for its weight gradient.
//!
//! Each output number is one chain of multiply-adds in a fixed order (an input gradient: two, one for each part of the
//! outputs), however tiles and threads are cut: the same bits for any number of threads. AVX2 and AVX-512 differ from
//! the portable form by their single rounding.

mod gradient;
mod job;
pub(super) mod lanes;
mod layout;
mod learn;
mod level;
mod memory;
mod phases;
pub(super) mod tile;

pub(super) use gradient::WeightGradient;
pub(super) use job::{Job, Task, Update};
pub(super) use layout::{Strips, from_panel, to_panel, to_strips};
pub(super) use learn::{Learn, Sgd};
pub use level::Level;
pub(super) use level::{Work, described};
pub(super) use memory::{Buffers, Floats, Layer, MutPtr, PARTS, Shape, capacity_for, share};
pub(super) use phases::Share;
