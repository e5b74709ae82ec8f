//! Optimisers: one step of a rule over the flat parameter vector, exactly as Torch7's `optim` package or TensorFlow takes it.
//!
//! **In:** the flat vector of parameters, the flat vector of gradients, a learning rate. **Out:** new parameters in
//! place, and state tensors for snapshots. **Never:** networks, batches, files.
//!
//! Names of settings and of state tensors are Torch's (`dfdx`, `paramVariance`, `evalCounter` …). Weight decay adds
//! `weight_decay · x` to the gradient of every parameter, biases included, before the rule sees it.

mod adadelta;
mod adagrad;
mod adam;
mod build;
mod counter;
mod flat;
mod gradient;
mod nag;
mod on_device;
mod optimizer;
mod pieces;
mod rmsprop;
pub mod schedule;
mod sgd;
mod spec;
mod tensorflow;

pub use gradient::Gradient;
pub use on_device::{OnDevice, Repeatable};
pub use optimizer::{DeviceUpdate, LookAhead, Optimizer};
pub use sgd::{Sgd, SgdStep};
pub use spec::{OptimizerKind, OptimizerSpec, TENSORFLOW_SOLVERS};

#[cfg(test)]
mod tests;
