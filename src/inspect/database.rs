//! The mean loss over a whole database: the validation pass of training, without the training.

use serde::Serialize;

use crate::{
    error::{Error, Kind, Result},
    inspect::statistics::Statistics,
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
    /// The losses of single records; none where output or target is a table.
    pub spread: Option<Spread>,
}

/// The losses of single records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    /// Their distribution.
    pub statistics: Statistics,
    /// The largest first: a record's place in the database, and its loss.
    pub worst: Vec<(u64, f64)>,
}

/// Records named as the worst.
const WORST: usize = 48;

/// Runs every batch in evaluation mode. Each batch is an input `[n, c, h, w]` and its target (the label hook has
/// run). `progress` is told the number of records done.
///
/// # Errors
/// When a batch cannot be read, does not fit the network, or there is none.
pub fn mean_loss(
    network: &Network,
    batches: impl IntoIterator<Item = Result<(tch::Tensor, Activity)>>,
    progress: impl FnMut(u64),
) -> Result<MeanLoss> {
    mean_loss_seen(network, batches, |_, _| Ok(()), progress)
}

/// The same; `see` is shown the output of each batch and its target.
///
/// # Errors
/// As [`mean_loss`], and what `see` says.
pub fn mean_loss_seen(
    network: &Network,
    batches: impl IntoIterator<Item = Result<(tch::Tensor, Activity)>>,
    mut see: impl FnMut(&Activity, &Activity) -> Result<()>,
    mut progress: impl FnMut(u64),
) -> Result<MeanLoss> {
    let mut result = MeanLoss { images: 0, batches: 0, loss: 0.0, spread: None };
    let mut singles = Some(Vec::new());
    for batch in batches {
        let (input, target) = batch?;
        let count = input.size().first().copied().unwrap_or(0);
        let input: Activity = input.f_to_kind(network.kind)?.f_to_device(network.device)?.into();
        let loss = tch::no_grad(|| {
            let mut context = Context::new(Mode::Evaluate).towards(&target);
            let output = network.forward(&input, &mut context)?;
            let loss = network.reported_loss(&output, &target, &mut context)?;
            see(&output, &target)?;
            // A loss that is a part of the pass has none for a part of the batch.
            let of_batch = single_losses(network, &output, &target, count, &mut context).and_then(Result::ok);
            singles = singles.take().zip(of_batch).map(|(mut all, more)| {
                all.extend(more);
                all
            });
            Ok::<_, Error>(loss)
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
    result.spread = singles.map(spread);
    Ok(result)
}

/// The loss of each record of a batch by itself; none where that has no meaning.
fn single_losses(
    network: &Network,
    output: &Activity,
    target: &Activity,
    count: i64,
    context: &mut Context,
) -> Option<Result<Vec<f64>>> {
    let (Activity::Tensor(output), Activity::Tensor(target)) = (output, target) else { return None };
    let is_batch = |tensor: &tch::Tensor| tensor.size().first() == Some(&count);
    if !is_batch(output) || !is_batch(target) {
        return None;
    }
    let one = |i: i64| {
        let (output, target) = (output.narrow(0, i, 1), target.narrow(0, i, 1));
        Ok(f64::try_from(&network.loss(&output.into(), &target.into(), context)?)?)
    };
    Some((0..count).map(one).collect())
}

fn spread(losses: Vec<f64>) -> Spread {
    let values: Vec<f32> = losses.iter().map(|loss| *loss as f32).collect();
    let statistics = Statistics::of(&[values.len() as i64], &values);
    let mut worst: Vec<(u64, f64)> = (0u64..).zip(losses).collect();
    worst.sort_by(|a, b| b.1.total_cmp(&a.1));
    worst.truncate(WORST);
    Spread { statistics, worst }
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
        assert_eq!((result.images, result.batches, result.loss), (4, 2, 5.0));
        let spread = result.spread.unwrap();
        assert_eq!((spread.worst[0], spread.worst.len()), ((3, 9.0), 4));
        assert_eq!((spread.statistics.min, spread.statistics.max), (1.0, 9.0));
        assert_eq!(seen, [3, 4]);
        assert!(mean_loss(&network, [], |_| {}).unwrap_err().message().contains("no records"));
    }
}
