//! `Optimizer`: what the loop asks of every rule.

use std::any::Any;

use super::gradient::Gradient;
use crate::error::Result;

/// A rule with its state; as [`Any`], the rule itself, which an engine may fuse into its own backward. `x` is 1-D and contiguous; it and `g` have one length, kind and device in every call.
pub trait Optimizer: Any {
    /// Called before the forward pass: `nag` looks ahead, the others do nothing.
    ///
    /// # Errors
    /// When libtorch refuses.
    fn before_forward(&mut self, _x: &tch::Tensor) -> Result<()> {
        Ok(())
    }

    /// Undoes `before_forward`, bit for bit, when the pass failed and no `step` will follow.
    ///
    /// # Errors
    /// When libtorch refuses.
    fn abandon(&mut self, _x: &tch::Tensor) -> Result<()> {
        Ok(())
    }

    /// Makes this the rule of one of several losses, of which each takes its turn in a step: what is counted then goes on
    /// by `of` a step, as with TensorFlow's one optimiser for all of them. `turn` is this loss's number, from 0.
    fn take_turns(&mut self, _turn: u64, _of: u64) {}

    /// Updates `x` in place from its gradient `g`. Never waits for the device.
    ///
    /// # Errors
    /// When libtorch refuses.
    fn step(&mut self, x: &tch::Tensor, g: &Gradient, rate: f64) -> Result<()>;

    /// The state under Torch's names, for a snapshot: shared tensors, not copies. Empty before the first step where
    /// Torch's is.
    fn state(&self) -> Vec<(String, tch::Tensor)>;

    /// Restores what [`Optimizer::state`] gave, by copy; `x` says length, kind and device.
    ///
    /// # Errors
    /// When a tensor is missing or has another length.
    fn load(&mut self, x: &tch::Tensor, state: &[(String, tch::Tensor)]) -> Result<()>;
}
