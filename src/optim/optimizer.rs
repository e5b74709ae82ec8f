//! `Optimizer`: what the loop asks of every rule.

use std::any::Any;

use super::gradient::Gradient;
use crate::{error::Result, torch::fused::Rate};

/// The update of a step as work on a device, for parameters, gradient, and the rate that [`Optimizer::coming_rate`] gives.
/// It shares the rule's state vectors and holds nothing else that changes from one step to the next.
pub type DeviceUpdate = Box<dyn Fn(&tch::Tensor, &Gradient, &Rate) -> Result<()>>;

/// What is done before a forward pass, as work on a device.
pub type LookAhead = Box<dyn Fn(&tch::Tensor) -> Result<()>>;

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

    /// The rate that the coming step's update uses, of the schedule's: after decay, and what the rule makes of the number of
    /// steps before.
    fn coming_rate(&self, rate: f64) -> f64;

    /// The coming step's update as work on the device of `x`, in few launches and without a wait. Whoever carries it out
    /// calls [`Optimizer::advance`].
    ///
    /// # Errors
    /// When the state's memory cannot be had.
    fn device_update(&mut self, x: &tch::Tensor) -> Result<DeviceUpdate>;

    /// What the coming step does in place of `before_forward`, where nobody will ask for it to be undone.
    fn device_look_ahead(&self) -> Option<LookAhead> {
        None
    }

    /// Whether every step from now on has the same update and the same look ahead.
    fn is_settled(&self) -> bool {
        true
    }

    /// Counts a step that was taken by [`Optimizer::device_update`].
    fn advance(&mut self);

    /// The state under Torch's names, for a snapshot: shared tensors, not copies. Empty before the first step where
    /// Torch's is.
    fn state(&self) -> Vec<(String, tch::Tensor)>;

    /// Restores what [`Optimizer::state`] gave, by copy; `x` says length, kind and device.
    ///
    /// # Errors
    /// When a tensor is missing or has another length.
    fn load(&mut self, x: &tch::Tensor, state: &[(String, tch::Tensor)]) -> Result<()>;
}
