//! `BatchSource`: where the training loop gets its batches from, so that it can be tested without files.

use std::{any::Any, rc::Rc, time::Duration};

use crate::error::Result;

/// What is left to do with an input, on the network's device.
pub type Finish = Rc<dyn Fn(&tch::Tensor) -> Result<tch::Tensor>>;

/// A batch as the loop sees it. Dropping it may give its memory to a later batch.
pub struct TrainBatch {
    /// `[n, c, h, w]`, on the processor unless the source keeps its records on the network's device; preprocessed when `finish` is done with it on the network's device.
    pub input: tch::Tensor,
    /// See `input`.
    pub finish: Option<Finish>,
    /// `[n]`, or `[n, …]` for label tensors: what DIGITS hands to `labelHook` as `dblabel`.
    pub target: tch::Tensor,
    /// n; 0 where several processes share a batch of fewer records than there are processes.
    pub count: u64,
    /// Records of the batch in all processes together: n where there is one.
    pub total: u64,
    /// The batch's number in its epoch, from 0.
    pub number: u64,
    /// Time the loop waited for it.
    pub wait: Duration,
    /// What keeps the memory of the tensors from being used again, when something must.
    pub owner: Option<Box<dyn Any>>,
}

/// Batches of an epoch in an order that is a pure function of the seed and the epoch.
pub trait BatchSource {
    /// Begins epoch `epoch`, the number of those before it and so from 0 (the loader numbers it from 1), at its batch `first_batch`, dropping what was prepared before.
    ///
    /// # Errors
    /// When the data cannot be opened.
    fn start(&mut self, epoch: u64, first_batch: u64) -> Result<()>;

    /// The next batch, `None` at the end of the epoch.
    ///
    /// # Errors
    /// When a record cannot be read.
    fn next(&mut self) -> Result<Option<TrainBatch>>;
}
