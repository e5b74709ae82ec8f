//! `on_device`: a batch where the network's parameters are.

use super::{engine::Engine, source::TrainBatch, target::Targets};
use crate::{error::Result, nn::Activity, torch::device::carry};

/// Input and target of a batch where the network's parameters are; `seed` is that of the step.
///
/// # Errors
/// When the memory cannot be had, and those of the network file's hook.
pub(super) fn on_device(
    engine: &dyn Engine,
    targets: &mut Targets,
    batch: &TrainBatch,
    seed: u64,
) -> Result<(tch::Tensor, Activity)> {
    let network = engine.network();
    let device = network.device;
    // Whatever the file's code draws from here to the end of the step is this batch's alone.
    network.draws.iter().for_each(|draws| draws(seed.wrapping_add(batch.number)));
    if batch.count == 0 {
        // A part without a record: there is nothing that a hook could make of it.
        return Ok((batch.input.shallow_clone(), Activity::Tensor(batch.target.shallow_clone())));
    }
    let carried = carry(&batch.input, device)?;
    let input = match &batch.finish {
        Some(finish) => finish(&carried)?,
        None => carried,
    };
    targets.of(&input, &carry(&batch.target, device)?)
}
