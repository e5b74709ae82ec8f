//! `on_device`: a batch where the network's parameters are.

use super::{engine::Engine, source::TrainBatch, target::Targets};
use crate::{error::Result, nn::Activity, torch::device::carry};

/// Input and target of a batch where the network's parameters are.
///
/// # Errors
/// When the memory cannot be had, and those of the network file's hook.
pub(super) fn on_device(
    engine: &dyn Engine,
    targets: &mut Targets,
    batch: &TrainBatch,
) -> Result<(tch::Tensor, Activity)> {
    let device = engine.network().device;
    let carried = carry(&batch.input, device)?;
    let input = match &batch.finish {
        Some(finish) => finish(&carried)?,
        None => carried,
    };
    targets.of(&input, &carry(&batch.target, device)?)
}
