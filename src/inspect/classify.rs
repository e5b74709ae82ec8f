//! A classifier over many images: confusion matrix, mean loss, and the images it is most wrong about.

use serde::Serialize;

use super::confusion::{ClassScore, Confusion};
use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, Context, Mode, Network, Scores},
};

/// One image of which the right class is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// Its number in the order of the images, from 0.
    pub index: u64,
    /// The right class, from 0.
    pub right: usize,
    /// The likeliest class.
    pub answer: usize,
    /// The probability of the right class, 0 to 1.
    pub chance_of_right: f64,
    /// The probability of the answer.
    pub chance_of_answer: f64,
}

/// What a classifier made of a set of images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Classification {
    /// Share of right answers.
    pub accuracy: f64,
    /// Share of answers with the right class among the five likeliest; none for five classes or fewer.
    pub accuracy_top5: Option<f64>,
    /// Mean over batches, unweighted, as in training.
    pub loss: Option<f64>,
    /// Images tried, those without a class included.
    pub images: u64,
    /// Every class.
    pub classes: Vec<ClassScore>,
    /// The images that the right class was least likely for, the worst first.
    pub worst: Vec<Answer>,
    /// The counts.
    pub confusion: Confusion,
}

/// Gathers answers, batch after batch.
pub struct Classifier {
    scores: Scores,
    labels: Vec<String>,
    /// The class, from 0, that the loss leaves out.
    ignored: Option<usize>,
    confusion: Confusion,
    worst: Vec<Answer>,
    keep: usize,
    images: u64,
    losses: Vec<f64>,
}

impl Classifier {
    /// For `classes` classes; `keep` images are remembered as the worst.
    #[must_use]
    pub fn new(scores: Scores, labels: &[String], classes: usize, keep: usize) -> Classifier {
        let confusion = Confusion::new(labels, classes);
        Classifier {
            scores,
            labels: labels.to_vec(),
            ignored: None,
            confusion,
            worst: Vec::new(),
            keep,
            images: 0,
            losses: Vec::new(),
        }
    }

    /// Leaves out the class that the network's loss leaves out, which targets give from 1.
    #[must_use]
    pub fn leaving_out(mut self, ignored: Option<i64>) -> Classifier {
        self.ignored = ignored.and_then(|ignored| usize::try_from(ignored - 1).ok());
        self
    }

    /// Runs the network on a batch `[n, c, h, w]` with its target: classes from 1, as DIGITS counts them; any other
    /// number is no class.
    ///
    /// # Errors
    /// When the network refuses, or its output is not `[n, classes]`.
    pub fn add(&mut self, network: &Network, input: &tch::Tensor, target: &Activity) -> Result<()> {
        let batch: Activity = input.f_to_kind(network.kind)?.f_to_device(network.device)?.into();
        let (output, loss) = tch::no_grad(|| {
            let mut context = Context::new(Mode::Evaluate).towards(target);
            let output = network.forward(&batch, &mut context)?;
            let loss = network.reported_loss(&output, target, &mut context)?;
            Ok::<_, Error>((output, loss))
        })?;
        self.losses.push(f64::try_from(&loss)?);
        let count = input.size().first().copied().unwrap_or(0);
        let right = classes_of(target, count)?;
        self.count(&output, &right)
    }

    /// Counts the rows of an output; `right` holds the right class of each, from 0, where one is known.
    ///
    /// # Errors
    /// When the output is not `[n, classes]`.
    pub fn count(&mut self, output: &Activity, right: &[Option<usize>]) -> Result<()> {
        let rows = output.tensor()?.f_to_device(tch::Device::Cpu)?.f_to_kind(tch::Kind::Float)?;
        let size = rows.size();
        let outputs = match size.as_slice() {
            [n, outputs, sides @ ..] if *n == right.len() as i64 && sides.iter().all(|side| *side == 1) => *outputs,
            [outputs] if right.len() == 1 => *outputs,
            _ => 0,
        };
        let outputs = usize::try_from(outputs).unwrap_or(0);
        if outputs > self.confusion.labels.len() && self.confusion.total() == 0 {
            // More outputs than names: the further ones are answers too, which are never right.
            self.confusion = Confusion::new(&self.labels, outputs);
        }
        let classes = self.confusion.labels.len();
        if outputs != classes {
            return Err(Error::new(Kind::Shape, "the network's output is not one number a class")
                .with_fact("it is", format!("{:?}", rows.size()))
                .with_fact("it should be", format!("[{}, {classes}]", right.len())));
        }
        let values = Vec::<f32>::try_from(rows.f_reshape([-1])?)?;
        for (row, &right) in values.chunks_exact(classes.max(1)).zip(right) {
            let index = self.images;
            self.images += 1;
            let is_counted = |right: &usize| *right < classes && Some(*right) != self.ignored;
            let Some(right) = right.filter(is_counted) else { continue };
            let answer = (0..classes).reduce(|best, i| if row[i] > row[best] { i } else { best }).unwrap_or(0);
            self.confusion.add(right, answer, row);
            let chances = self.scores.probabilities(row);
            let (chance_of_right, chance_of_answer) = (chances[right], chances[answer]);
            self.worst.push(Answer { index, right, answer, chance_of_right, chance_of_answer });
        }
        if self.worst.len() > 8 * self.keep.max(64) {
            self.forget();
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.worst.sort_by(|a, b| a.chance_of_right.total_cmp(&b.chance_of_right).then(a.index.cmp(&b.index)));
        self.worst.truncate(self.keep);
    }

    /// The result.
    #[must_use]
    pub fn finish(mut self) -> Classification {
        self.forget();
        let loss = (!self.losses.is_empty()).then(|| self.losses.iter().sum::<f64>() / self.losses.len() as f64);
        Classification {
            accuracy: self.confusion.accuracy(),
            accuracy_top5: self.confusion.top_five(),
            loss,
            images: self.images,
            classes: self.confusion.scores(),
            worst: self.worst,
            confusion: self.confusion,
        }
    }
}

/// The right classes, from 0, of a target from 1: a tensor of `[n]`, or of `[n, classes]` whose largest entry decides.
pub(crate) fn classes_of(target: &Activity, count: i64) -> Result<Vec<Option<usize>>> {
    let target = target.tensor()?.f_to_device(tch::Device::Cpu)?;
    let wanted = if target.numel() as i64 == count {
        target.f_reshape([count])?
    } else {
        target.f_reshape([count, -1])?.f_argmax(1, false)?.f_add_scalar(1)?
    };
    let wanted = Vec::<i64>::try_from(wanted.f_to_kind(tch::Kind::Int64)?)?;
    Ok(wanted.into_iter().map(|class| usize::try_from(class).ok()?.checked_sub(1)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_likely_right_class_comes_first() {
        let mut classifier = Classifier::new(Scores::Probabilities, &[], 2, 2);
        let output = tch::Tensor::from_slice2(&[[0.9f32, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]]);
        classifier.count(&output.into(), &[Some(0), Some(0), Some(1), None]).unwrap();
        let result = classifier.finish();
        assert_eq!((result.images, result.confusion.total()), (4, 3), "an unknown class is not counted");
        assert!((result.accuracy - 1.0 / 3.0).abs() < 1e-12);
        let order: Vec<(u64, usize, usize)> = result.worst.iter().map(|a| (a.index, a.right, a.answer)).collect();
        assert_eq!(order, [(1, 0, 1), (2, 1, 0)]);
        assert!((result.worst[0].chance_of_right - 0.2).abs() < 1e-6);
    }

    #[test]
    fn the_class_that_the_loss_leaves_out_is_not_counted() {
        let mut classifier = Classifier::new(Scores::Probabilities, &[], 2, 2).leaving_out(Some(2));
        let output = tch::Tensor::from_slice2(&[[0.9f32, 0.1], [0.9, 0.1]]);
        classifier.count(&output.into(), &[Some(0), Some(1)]).unwrap();
        let result = classifier.finish();
        assert_eq!((result.accuracy, result.confusion.total(), result.images), (1.0, 1, 2));
    }

    #[test]
    fn more_outputs_than_names_and_a_convolution_s_output_are_counted() {
        let mut classifier = Classifier::new(Scores::Probabilities, &["a".into(), "b".into()], 2, 2);
        let output = tch::Tensor::from_slice2(&[[0.9f32, 0.1, 0.0], [0.2, 0.1, 0.7]]).view([2, 3, 1, 1]);
        classifier.count(&output.into(), &[Some(0), Some(1)]).unwrap();
        let result = classifier.finish();
        assert_eq!((result.accuracy, result.confusion.labels.last().unwrap().as_str()), (0.5, "class 2"));
    }

    #[test]
    fn an_output_of_another_size_is_refused() {
        let mut classifier = Classifier::new(Scores::Logarithms, &[], 3, 2);
        let output = tch::Tensor::zeros([2, 2], (tch::Kind::Float, tch::Device::Cpu));
        assert_eq!(classifier.count(&output.into(), &[Some(0), Some(0)]).unwrap_err().kind(), Kind::Shape);
        let one_hot = tch::Tensor::from_slice2(&[[0f32, 1., 0.], [1., 0., 0.]]);
        assert_eq!(classes_of(&one_hot.into(), 2).unwrap(), [Some(1), Some(0)]);
        let numbers = tch::Tensor::from_slice(&[3i64, 0, -1]);
        assert_eq!(classes_of(&numbers.into(), 3).unwrap(), [Some(2), None, None]);
    }
}
