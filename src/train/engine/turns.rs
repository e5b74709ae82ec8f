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
    /// Whether they are updated.
    learns: bool,
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
            let left = network.criterion.left().get(loss).map_or(&[][..], Vec::as_slice);
            for (first, length, index) in places {
                let learns = !left.contains(&index);
                match turns.last_mut() {
                    Some(turn) if turn.loss == loss && turn.first + turn.length == first && turn.learns == learns => {
                        turn.length += length;
                        turn.parameters.push(index);
                    }
                    _ => {
                        let mut optimizer = spec.build_for(network.device)?;
                        optimizer.take_turns(loss as u64, taught.len() as u64);
                        turns.push(Turn { loss, first, length, parameters: vec![index], learns, optimizer });
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
        let gradients = self.gradients(network, 1.0)?;
        self.learn(network, gradients, rate)
    }

    /// The gradients of the losses of the pass that the network just made, `share` times each, one a parameter: loss by loss,
    /// in the order of the turns.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub(super) fn gradients(&self, network: &Network, share: f64) -> Result<Vec<tch::Tensor>> {
        let losses = network.criterion.losses();
        let mut all = Vec::new();
        for turns in self.0.chunk_by(|a, b| a.loss == b.loss) {
            let loss = losses.get(turns[0].loss);
            let loss = loss.ok_or_else(|| Error::new(Kind::Network, "a loss was not computed"))?;
            let scaled = if share == 1.0 { loss.shallow_clone() } else { loss.f_mul_scalar(share)? };
            let indices = turns.iter().flat_map(|turn| turn.parameters.iter());
            let learning: Vec<&Parameter> = indices.map(|&i| &network.parameters.list[i]).collect();
            all.extend(of(&scaled, &learning)?);
        }
        Ok(all)
    }

    /// The sizes of what [`Turns::gradients`] gives.
    pub(super) fn sizes(&self, network: &Network) -> Vec<Vec<i64>> {
        let indices = self.0.iter().flat_map(|turn| turn.parameters.iter());
        indices.map(|&i| network.parameters.list[i].leaf.size()).collect()
    }

    /// Updates the parameters by these gradients.
    ///
    /// # Errors
    /// When libtorch or the file's own code refuses.
    pub(super) fn learn(&mut self, network: &Network, gradients: Vec<tch::Tensor>, rate: f64) -> Result<()> {
        let mut all = gradients.into_iter();
        let mut gradients = Vec::with_capacity(self.0.len());
        for turns in self.0.chunk_by(|a, b| a.loss == b.loss) {
            let indices: Vec<usize> = turns.iter().flat_map(|turn| turn.parameters.iter().copied()).collect();
            let pieces = all.by_ref().take(indices.len()).collect();
            let mut pieces = match &network.gradient_update {
                Some(update) => update(turns[0].loss, &indices, pieces)?,
                None => pieces,
            }
            .into_iter();
            gradients
                .extend(turns.iter().map(|turn| Gradient::of(pieces.by_ref().take(turn.parameters.len()).collect())));
        }
        let flat = network.parameters.flat.view();
        for (turn, gradient) in self.0.iter_mut().zip(gradients).filter(|(turn, _)| turn.learns) {
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
