//! `Turns`: a step of a network with several losses, each of which teaches parameters of its own.
//!
//! Source: DIGITS' TensorFlow tool. All gradients are taken before anything is updated; then each loss takes its turn with
//! the one rule, whose state is kept for each run of parameters that lie side by side in the flat vector.

use crate::{
    error::{Error, Kind, Result},
    nn::{Network, Parameter},
    optim::{Gradient, Optimizer, OptimizerSpec},
};

/// The rule and its state for some parameters of one loss.
struct Turn {
    loss: usize,
    /// Where they start in the flat vector.
    first: i64,
    length: i64,
    /// Indices into the network's list, in the order of the flat vector.
    parameters: Vec<usize>,
    optimizer: Box<dyn Optimizer>,
}

/// The turns of one step.
pub(super) struct Turns(Vec<Turn>);

impl Turns {
    /// The turns of this network's losses; `None` when one loss teaches all.
    ///
    /// # Errors
    /// `Kind::Network` when a parameter is no part of the flat vector of its own.
    pub(super) fn of(network: &Network, spec: &OptimizerSpec) -> Result<Option<Turns>> {
        let taught = network.criterion.taught();
        if taught.is_empty() {
            return Ok(None);
        }
        let mut turns: Vec<Turn> = Vec::new();
        for (loss, indices) in taught.iter().enumerate() {
            let mut places = indices.iter().map(|&i| place(network, i)).collect::<Result<Vec<_>>>()?;
            places.sort_unstable();
            places.dedup_by_key(|(first, ..)| *first);
            for (first, length, index) in places {
                match turns.last_mut() {
                    Some(turn) if turn.loss == loss && turn.first + turn.length == first => {
                        turn.length += length;
                        turn.parameters.push(index);
                    }
                    _ => {
                        let mut optimizer = spec.build_for(network.device)?;
                        optimizer.take_turns(loss as u64, taught.len() as u64);
                        turns.push(Turn { loss, first, length, parameters: vec![index], optimizer });
                    }
                }
            }
        }
        Ok(Some(Turns(turns)))
    }

    /// Updates the parameters by the losses of the pass that the network just made.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub(super) fn step(&mut self, network: &Network, rate: f64) -> Result<()> {
        let losses = network.criterion.losses();
        let list = &network.parameters.list;
        let mut gradients = Vec::with_capacity(self.0.len());
        for turns in self.0.chunk_by(|a, b| a.loss == b.loss) {
            let number = turns[0].loss;
            let loss = losses.get(number).ok_or_else(|| Error::new(Kind::Network, "a loss was not computed"))?;
            let indices: Vec<usize> = turns.iter().flat_map(|turn| turn.parameters.iter().copied()).collect();
            let learning: Vec<&Parameter> = indices.iter().map(|&i| &list[i]).collect();
            let pieces = of(loss, &learning)?;
            let mut pieces = match &network.gradient_update {
                Some(update) => update(number, &indices, pieces)?,
                None => pieces,
            }
            .into_iter();
            gradients
                .extend(turns.iter().map(|turn| Gradient::of(pieces.by_ref().take(turn.parameters.len()).collect())));
        }
        let flat = network.parameters.flat.view();
        for (turn, gradient) in self.0.iter_mut().zip(gradients) {
            turn.optimizer.step(&flat.f_narrow(0, turn.first, turn.length)?, &gradient, rate)?;
        }
        Ok(())
    }

    /// The state of every turn, its number before each name.
    pub(super) fn state(&self) -> Vec<(String, tch::Tensor)> {
        let each = self.0.iter().enumerate();
        each.flat_map(|(i, turn)| turn.optimizer.state().into_iter().map(move |(name, t)| (format!("{i}.{name}"), t)))
            .collect()
    }

    /// Restores what `state` gave.
    ///
    /// # Errors
    /// When a tensor is missing or has another size.
    pub(super) fn load(&mut self, network: &Network, state: &[(String, tch::Tensor)]) -> Result<()> {
        let flat = network.parameters.flat.view();
        for (i, turn) in self.0.iter_mut().enumerate() {
            let prefix = format!("{i}.");
            let own: Vec<(String, tch::Tensor)> = state
                .iter()
                .filter_map(|(name, t)| Some((name.strip_prefix(&prefix)?.to_string(), t.shallow_clone())))
                .collect();
            turn.optimizer.load(&flat.f_narrow(0, turn.first, turn.length)?, &own)?;
        }
        Ok(())
    }
}

/// Start in the flat vector, length, and index of a parameter.
fn place(network: &Network, index: usize) -> Result<(i64, i64, usize)> {
    let flat = network.parameters.flat.view();
    let parameter = network.parameters.list.get(index);
    let found = parameter.and_then(|parameter| {
        let bytes = (parameter.leaf.data_ptr() as usize).checked_sub(flat.data_ptr() as usize)?;
        let first = bytes / flat.kind().elt_size_in_bytes();
        let end = first + parameter.leaf.numel();
        (parameter.leaf.is_contiguous() && end <= flat.numel()).then_some((first as i64, parameter.leaf.numel() as i64))
    });
    let (first, length) =
        found.ok_or_else(|| Error::new(Kind::Network, "a loss teaches something that is no parameter"))?;
    Ok((first, length, index))
}

/// The gradient of one loss in pieces; zeros for what it does not depend on.
fn of(loss: &tch::Tensor, parameters: &[&Parameter]) -> Result<Vec<tch::Tensor>> {
    let leaves: Vec<&tch::Tensor> = parameters.iter().map(|parameter| &parameter.leaf).collect();
    let mut found = if loss.requires_grad() {
        tch::Tensor::f_run_backward(&[loss], &leaves, true, false)?.into_iter()
    } else {
        Vec::new().into_iter()
    };
    let pieces = parameters.iter().map(|parameter| match found.next().filter(tch::Tensor::defined) {
        Some(grad) => Ok(grad.f_contiguous()?),
        None => Ok(parameter.leaf.f_detach()?.f_zeros_like()?),
    });
    pieces.collect()
}
