//! `Job`: one block of samples for the chain, and what is done with it.

use super::memory::MutPtr;

/// What is done with one block of samples.
#[derive(Debug, Clone, Copy)]
pub(in crate::train::engine) enum Task {
    /// Forward, loss, backward, SGD.
    Train(Update),
    /// Forward and loss; the output goes, row by row, to this address.
    Evaluate(MutPtr),
}

/// The coefficients of the step and where its vectors start.
#[derive(Debug, Clone, Copy)]
pub(in crate::train::engine) struct Update {
    /// v ← keep·v + take·(g + decay·x); x ← x − rate·v
    pub(in crate::train::engine) decay: f32,
    /// See `decay`.
    pub(in crate::train::engine) keep: f32,
    /// See `decay`.
    pub(in crate::train::engine) take: f32,
    /// See `decay`.
    pub(in crate::train::engine) rate: f32,
    /// The velocity, aligned with the parameters; null without momentum.
    pub(in crate::train::engine) velocity: MutPtr,
    /// Gradient of the loss with respect to the squared error's root: 2 / numel, or 2.
    pub(in crate::train::engine) loss_scale: f32,
}

/// One block of samples.
#[derive(Debug, Clone, Copy)]
pub(in crate::train::engine) struct Job {
    /// Samples, at most the capacity of the buffers.
    pub(in crate::train::engine) n: usize,
    /// `[n, inputs]`, row-major.
    pub(in crate::train::engine) input: MutPtr,
    /// `[n, outputs]`, row-major; equal to `input` when the target is the input itself.
    pub(in crate::train::engine) target: MutPtr,
    /// The flat parameters.
    pub(in crate::train::engine) parameters: MutPtr,
    /// What to do.
    pub(in crate::train::engine) task: Task,
}
