//! Which engine a network gets: the fastest that can train it.

use super::{
    autograd::Autograd,
    capturable,
    captured::Captured,
    chain::Chain,
    contract::{Engine, EngineOptions},
    panels::{self, Panels},
    recognise,
    reported::reported,
};
use crate::{cuda, error::Result, nn::Network, optim::OptimizerSpec};

/// The fastest engine that can train `network` by the rule of `spec`.
///
/// # Errors
/// When a setting of the optimiser is out of range, or the system gives no thread.
pub fn engine(network: Network, spec: &OptimizerSpec, options: &EngineOptions) -> Result<Box<dyn Engine>> {
    spec.build()?; // its settings are checked before any choice
    // The kernels update as they go: no gradient is there for the file to see.
    let is_general = options.force_autograd || network.gradient_update.is_some();
    if !is_general && let Some(shape) = recognise::chain(&network, spec) {
        return Ok(reported(Box::new(Chain::new(network, shape, spec, options)?), true));
    }
    let planned = if is_general { None } else { panels::planned(&network, options) };
    let general = Autograd::new(network, spec)?;
    Ok(match planned {
        Some(planned) => reported(Box::new(Panels::new(general, planned, options)?), true),
        None if options.force_autograd => reported(Box::new(general), false),
        None => reported(captured(general)?, false),
    })
}

/// The engine, its steps captured where device, network and libraries allow it.
fn captured(general: Autograd) -> Result<Box<dyn Engine>> {
    let network = general.network();
    let tch::Device::Cuda(number) = network.device else { return Ok(Box::new(general)) };
    let recorder = match capturable::refusal(network) {
        Some(why) => Err(why),
        None => cuda::recorder(number),
    };
    Ok(match recorder {
        Ok(recorder) => Box::new(Captured::new(general, recorder)?),
        Err(why) => Box::new(general.remarking(why)),
    })
}
