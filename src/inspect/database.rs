//! The mean loss over a whole database: the validation pass of training, without the training.

use serde::Serialize;

use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, Context, Mode, Network},
};

/// The loss over a database.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeanLoss {
    /// Records seen.
    pub images: u64,
    /// Batches seen.
    pub batches: u64,
    /// Mean of the batch losses; a last small batch weighs as much as the others, as in DIGITS' validation.
    pub loss: f64,
}

/// Runs every batch in evaluation mode. Each batch is an input `[n, c, h, w]` and its target (the label hook has
/// run). `progress` is told the number of records done.
///
/// # Errors
/// When a batch cannot be read, does not fit the network, or there is none.
pub fn mean_loss(
    network: &Network,
    batches: impl IntoIterator<Item = Result<(tch::Tensor, Activity)>>,
    mut progress: impl FnMut(u64),
) -> Result<MeanLoss> {
    let mut result = MeanLoss { images: 0, batches: 0, loss: 0.0 };
    for batch in batches {
        let (input, target) = batch?;
        let count = input.size().first().copied().unwrap_or(0);
        let input: Activity = input.f_to_kind(network.kind)?.f_to_device(network.device)?.into();
        let loss = tch::no_grad(|| {
            let mut context = Context::new(Mode::Evaluate).towards(&target);
            let output = network.forward(&input, &mut context)?;
            network.reported_loss(&output, &target, &mut context)
        })?;
        result.loss += f64::try_from(&loss)?;
        result.images += count.max(0) as u64;
        result.batches += 1;
        progress(result.images);
    }
    if result.batches == 0 {
        return Err(Error::new(Kind::Data, "the database holds no records").with_help("check the path given to --db"));
    }
    result.loss /= result.batches as f64;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::toy::Toy;

    #[test]
    fn the_small_last_batch_weighs_as_much() {
        // The identity against zeros: the loss is the mean square of the input.
        let network = Toy::new().view(&[1]).finish();
        let batch = |values: &[f32]| {
            let x = tch::Tensor::from_slice(values).view([-1, 1]);
            Ok((x.shallow_clone(), Activity::from(x.zeros_like())))
        };
        let mut seen = vec![];
        let result = mean_loss(&network, [batch(&[1.0, 1.0, 1.0]), batch(&[3.0])], |n| seen.push(n)).unwrap();
        assert_eq!(result, MeanLoss { images: 4, batches: 2, loss: 5.0 });
        assert_eq!(seen, [3, 4]);
        assert!(mean_loss(&network, [], |_| {}).unwrap_err().message().contains("no records"));
    }
}
