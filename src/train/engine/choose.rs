//! Which engine a network gets: the fastest that can train it.

use super::{
    autograd::Autograd,
    chain::Chain,
    contract::{Engine, EngineOptions},
    panels::{self, Panels},
    recognise,
};
use crate::{error::Result, nn::Network, optim::OptimizerSpec};

/// The fastest engine that can train `network` by the rule of `spec`.
///
/// # Errors
/// When a setting of the optimiser is out of range, or the system gives no thread.
pub fn engine(network: Network, spec: &OptimizerSpec, options: &EngineOptions) -> Result<Box<dyn Engine>> {
    let optimizer = spec.build()?;
    if !options.force_autograd
        && let Some(shape) = recognise::chain(&network, spec)
    {
        return Ok(Box::new(Chain::new(network, shape, spec, options)?));
    }
    let planned = if options.force_autograd { None } else { panels::planned(&network, options) };
    let general = Autograd::new(network, optimizer);
    Ok(match planned {
        Some(planned) => Box::new(Panels::new(general, planned, options)?),
        None => Box::new(general),
    })
}
