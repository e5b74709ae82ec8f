//! Running numbers: mean losses, speed, accuracy.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    nn::{Activity, Shape},
};

/// A mean that can be saved half-way: the plain mean of batch losses, as DIGITS reports it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RunningMean {
    sum: f64,
    count: u64,
}

impl RunningMean {
    /// Takes one more value in.
    pub fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    /// The mean; `None` before the first value.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Speed and waiting time of the training steps since the last train line.
#[derive(Debug)]
pub struct Meter {
    since: Instant,
    waited: Duration,
    images: u64,
}

impl Meter {
    /// Starts now.
    #[must_use]
    pub fn start() -> Meter {
        Meter { since: Instant::now(), waited: Duration::ZERO, images: 0 }
    }

    /// Counts a batch and the time that the step waited for it.
    pub fn add(&mut self, images: u64, wait: Duration) {
        self.images += images;
        self.waited += wait;
    }

    /// Leaves out the time since `begin`: it went into a validation or a snapshot, not into training.
    pub fn leave_out(&mut self, begin: Instant) {
        self.since += begin.elapsed();
    }

    /// Images a second, and the share of the time spent waiting for data (0 to 1).
    #[must_use]
    pub fn rates(&self) -> (f64, f64) {
        let elapsed = self.since.elapsed().as_secs_f64().max(1e-9);
        (self.images as f64 / elapsed, (self.waited.as_secs_f64() / elapsed).min(1.0))
    }
}

/// Share of right answers of a classifier, and of those where the right one is among the five likeliest.
///
/// Source: `optim.ConfusionMatrix` as DIGITS uses it: argmax of the output row against a 1-based target; targets
/// below 1 are left out, two-dimensional targets are argmaxed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Accuracy {
    classes: i64,
    /// The target that the loss leaves out.
    ignored: Option<i64>,
    right: i64,
    among_five: i64,
    total: i64,
    /// Why the first batch that was left out was.
    left_out: Option<String>,
}

impl Accuracy {
    /// Of a classifier with `classes` classes; `ignored` is the target that its loss leaves out.
    #[must_use]
    pub fn new(classes: i64, ignored: Option<i64>) -> Accuracy {
        Accuracy { classes, ignored, right: 0, among_five: 0, total: 0, left_out: None }
    }

    /// Takes a batch in: output `[n, classes]`, target `[n]` or `[n, classes]`. Anything else is not a
    /// classification (an autoencoder on labelled images, say) and is left out, for a [reason](Accuracy::reason).
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn add(&mut self, output: &Activity, target: &Activity) -> Result<()> {
        let (Activity::Tensor(output), Activity::Tensor(target)) = (output, target) else {
            let which = if matches!(output, Activity::Table(_)) { "output is" } else { "targets are" };
            return self.leave_out(format!("the {which} a table"));
        };
        let rows = match output.size().as_slice() {
            // More outputs than classes: the further ones are never right. A convolution's output has two sides of 1.
            [rows, outputs, sides @ ..] if *outputs >= self.classes && sides.iter().all(|side| *side == 1) => *rows,
            [_, _, sides @ ..] if sides.iter().any(|side| *side != 1) => return Ok(()), // an image
            size => {
                let found = format!("the output is {size:?} where each sample has to have {} scores", self.classes);
                return self.leave_out(found);
            }
        };
        let output = &output.f_reshape([rows, -1])?;
        let wanted = match Shape::Tensor(target.size()).numel() {
            n if n == rows => target.f_reshape([rows])?.f_to_kind(tch::Kind::Int64)?,
            n if n == rows * self.classes => {
                target.f_reshape([rows, self.classes])?.f_argmax(1, false)?.f_add_scalar(1)?
            }
            _ => {
                return self
                    .leave_out(format!("the targets are {:?}, which is no class for each sample", target.size()));
            }
        };
        let wanted = match self.ignored {
            Some(ignored) => wanted.f_masked_fill(&wanted.f_eq(ignored)?, 0)?,
            None => wanted,
        };
        let answer = output.f_argmax(1, false)?.f_add_scalar(1)?;
        self.right += i64::try_from(&answer.f_eq_tensor(&wanted)?.f_sum(tch::Kind::Int64)?)?;
        let (_, five) = output.f_topk(self.classes.min(5), 1, true, false)?;
        let among = five.f_add_scalar(1)?.f_eq_tensor(&wanted.f_unsqueeze(1)?)?;
        self.among_five += i64::try_from(&among.f_sum(tch::Kind::Int64)?)?;
        self.total += i64::try_from(&wanted.f_ge(1)?.f_sum(tch::Kind::Int64)?)?;
        Ok(())
    }

    fn leave_out(&mut self, reason: String) -> Result<()> {
        self.left_out.get_or_insert(reason);
        Ok(())
    }

    /// Takes in what another process counted of other batches.
    pub fn join(&mut self, other: &Accuracy) {
        self.right += other.right;
        self.among_five += other.among_five;
        self.total += other.total;
        self.left_out = self.left_out.take().or_else(|| other.left_out.clone());
    }

    /// Why nothing was counted, where nothing was and it is known.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.left_out.as_deref().filter(|_| self.total == 0)
    }

    /// 0 to 1; `None` when nothing was counted.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.share(self.right)
    }

    /// Share of answers whose five likeliest classes hold the right one; `None` as well for five classes or fewer,
    /// where it says nothing.
    #[must_use]
    pub fn top_five(&self) -> Option<f64> {
        self.share(self.among_five).filter(|_| self.classes > 5)
    }

    fn share(&self, count: i64) -> Option<f64> {
        (self.total > 0).then(|| count as f64 / self.total as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_saved_half_way_gives_the_same_bits() {
        let values = [0.1, 0.2, 1e10, 0.3, -7.7];
        let mut whole = RunningMean::default();
        values.iter().for_each(|&v| whole.add(v));
        let mut half = RunningMean::default();
        values[..2].iter().for_each(|&v| half.add(v));
        let mut rest: RunningMean = serde_json::from_str(&serde_json::to_string(&half).unwrap()).unwrap();
        values[2..].iter().for_each(|&v| rest.add(v));
        assert_eq!(whole.value().unwrap().to_bits(), rest.value().unwrap().to_bits());
        assert_eq!(RunningMean::default().value(), None);
    }

    #[test]
    fn accuracy_counts_one_based_targets_and_leaves_out_zeros() {
        let output = tch::Tensor::from_slice2(&[[0.9f32, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]]).into();
        let mut accuracy = Accuracy::new(2, None);
        accuracy.add(&output, &tch::Tensor::from_slice(&[1f32, 2., 1., 0.]).into()).unwrap();
        assert_eq!(accuracy.value(), Some(2.0 / 3.0));
        let mut accuracy = Accuracy::new(2, Some(2));
        accuracy.add(&output, &tch::Tensor::from_slice(&[1f32, 2., 1., 0.]).into()).unwrap();
        assert_eq!(accuracy.value(), Some(0.5), "the loss leaves class 2 out, and so does the accuracy");
        let image = tch::Tensor::zeros([4, 784], (tch::Kind::Float, tch::Device::Cpu)).into();
        let mut none = Accuracy::new(2, None);
        none.add(&image, &image).unwrap();
        assert_eq!(none.value(), None);
    }

    #[test]
    fn the_right_class_may_be_among_five() {
        let output: Vec<f32> = vec![0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];
        let rows = tch::Tensor::from_slice(&output).f_view([1, 7]).unwrap().repeat([3, 1]).into();
        let mut accuracy = Accuracy::new(7, None);
        accuracy.add(&rows, &tch::Tensor::from_slice(&[1f32, 5., 6.]).into()).unwrap();
        assert_eq!((accuracy.value(), accuracy.top_five()), (Some(1.0 / 3.0), Some(2.0 / 3.0)));
        let mut few = Accuracy::new(2, None);
        few.add(&tch::Tensor::from_slice2(&[[0.9f32, 0.1]]).into(), &tch::Tensor::from_slice(&[1f32]).into()).unwrap();
        assert_eq!((few.value(), few.top_five()), (Some(1.0), None));
    }

    #[test]
    fn time_left_out_does_not_slow_the_meter() {
        let mut meter = Meter::start();
        let pause = Instant::now();
        std::thread::sleep(Duration::from_millis(60));
        meter.leave_out(pause);
        meter.add(64, Duration::ZERO);
        let (speed, wait) = meter.rates();
        assert!(speed > 64.0 / 0.05, "{speed}");
        assert_eq!(wait, 0.0);
    }
}
