//! State shared by the rules: the count of steps taken, and vectors that are allocated once.

use crate::error::{Error, Kind, Result};

/// Steps taken, saved as a tensor of one f64.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counter(u64);

impl Counter {
    /// The rate after Torch's `learningRateDecay`: rate / (1 + t · decay).
    pub(super) fn decayed(self, rate: f64, decay: f64) -> f64 {
        rate / (1.0 + self.0 as f64 * decay)
    }

    /// Steps taken, as a number for formulas.
    pub(super) fn count(self) -> f64 {
        self.0 as f64
    }

    /// One more step.
    pub(super) fn advance(&mut self) {
        self.0 += 1;
    }

    /// For a snapshot.
    pub(super) fn save(self, name: &str) -> (String, tch::Tensor) {
        (name.to_string(), tch::Tensor::from_slice(&[self.count()]))
    }

    /// From a snapshot.
    pub(super) fn load(name: &str, state: &[(String, tch::Tensor)]) -> Result<Counter> {
        let tensor = find(name, state).ok_or_else(|| missing(name))?;
        match Vec::<f64>::try_from(tensor.f_to_kind(tch::Kind::Double)?.f_reshape([-1])?)?.as_slice() {
            &[count] if count >= 0.0 && count.fract() == 0.0 => Ok(Counter(count as u64)),
            other => Err(Error::new(Kind::Job, format!("optimizer state '{name}' is {other:?}, not a count"))),
        }
    }
}

/// A vector of zeros like `x`, made the first time it is asked for.
pub(super) fn vector<'a>(slot: &'a mut Option<tch::Tensor>, x: &tch::Tensor) -> Result<&'a tch::Tensor> {
    if slot.is_none() {
        *slot = Some(x.f_detach()?.f_zeros_like()?);
    }
    Ok(slot.as_ref().expect("filled just above"))
}

/// [`vector`], by a handle of its own.
pub(super) fn shared(slot: &mut Option<tch::Tensor>, x: &tch::Tensor) -> Result<tch::Tensor> {
    Ok(vector(slot, x)?.shallow_clone())
}

/// The named vectors that exist, shared.
pub(super) fn save(vectors: &[(&str, &Option<tch::Tensor>)]) -> Vec<(String, tch::Tensor)> {
    vectors.iter().filter_map(|(name, slot)| Some((name.to_string(), slot.as_ref()?.shallow_clone()))).collect()
}

/// A copy of the named vector for `x`; `None` when the snapshot has none.
pub(super) fn load(name: &str, x: &tch::Tensor, state: &[(String, tch::Tensor)]) -> Result<Option<tch::Tensor>> {
    let Some(tensor) = find(name, state) else { return Ok(None) };
    if tensor.numel() != x.numel() {
        return Err(Error::new(Kind::Job, format!("optimizer state '{name}' does not fit the network"))
            .with_fact("it has", format!("{} numbers", tensor.numel()))
            .with_fact("the network has", format!("{} parameters", x.numel())));
    }
    let mut own = x.f_detach()?.f_zeros_like()?;
    own.f_copy_(&tensor.f_reshape(x.size())?)?;
    Ok(Some(own))
}

/// All named vectors or none, as the rules with two of them save them.
pub(super) fn load_all<const N: usize>(
    names: [&str; N],
    x: &tch::Tensor,
    state: &[(String, tch::Tensor)],
) -> Result<[Option<tch::Tensor>; N]> {
    let mut vectors = [const { None }; N];
    for (slot, name) in vectors.iter_mut().zip(names) {
        *slot = load(name, x, state)?;
    }
    match (vectors.iter().any(Option::is_some), vectors.iter().position(Option::is_none)) {
        (true, Some(at)) => Err(missing(names[at])),
        _ => Ok(vectors),
    }
}

fn find<'a>(name: &str, state: &'a [(String, tch::Tensor)]) -> Option<&'a tch::Tensor> {
    state.iter().find(|(known, _)| known == name).map(|(_, tensor)| tensor)
}

fn missing(name: &str) -> Error {
    Error::new(Kind::Job, format!("the snapshot has no optimizer state '{name}'"))
        .with_help("it was made with another optimizer, or without its state")
}
