//! The most likely classes, as DIGITS' "Classify One" lists them (spec 4.5).

use serde::Serialize;

use crate::nn::{Network, Node};

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// Class number, from 0 as in the dataset's `labels.txt`.
    pub class: usize,
    /// The class' label; `class 7` beyond the end of the list.
    pub label: String,
    /// 0 to 1.
    pub probability: f64,
}

/// How the numbers of an output become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scores {
    /// `LogSoftMax` came last: exp.
    Logarithms,
    /// `SoftMax` came last: as they are.
    Probabilities,
    /// The criterion does the softmax itself (`CrossEntropyCriterion`).
    Logits,
}

impl Scores {
    /// What this network gives; `None` when it is no classifier.
    #[must_use]
    pub fn of(network: &Network) -> Option<Scores> {
        let walk = network.root.walk();
        let last = walk.iter().rev().find(|node: &&&Node| node.module.children().is_empty())?;
        if last.class.ends_with(".LogSoftMax") {
            Some(Scores::Logarithms)
        } else if last.class.ends_with(".SoftMax") {
            Some(Scores::Probabilities)
        } else if network.criterion_label.contains("CrossEntropy") {
            Some(Scores::Logits)
        } else if network.criterion_label.contains("ClassNLL") {
            Some(Scores::Logarithms)
        } else {
            None
        }
    }

    /// The probability of each class, 0 to 1.
    #[must_use]
    pub fn probabilities(self, output: &[f32]) -> Vec<f64> {
        let highest = output.iter().copied().filter(|v| v.is_finite()).fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = output.iter().map(|v| f64::from(v - highest).exp()).sum();
        let one = |v: f32| match self {
            Scores::Logarithms => f64::from(v).exp(),
            Scores::Probabilities => f64::from(v),
            Scores::Logits => f64::from(v - highest).exp() / sum,
        };
        output.iter().map(|&v| one(v)).collect()
    }
}

/// The (up to) `count` most likely classes, the likeliest first; of equal ones the smaller number first.
#[must_use]
pub fn likeliest(output: &[f32], scores: Scores, labels: &[String], count: usize) -> Vec<Prediction> {
    let chances = scores.probabilities(output);
    let mut order: Vec<usize> = (0..output.len()).filter(|&i| !output[i].is_nan()).collect();
    order.sort_by(|&a, &b| output[b].total_cmp(&output[a]));
    order
        .into_iter()
        .take(count)
        .map(|class| Prediction {
            class,
            label: labels.get(class).cloned().unwrap_or_else(|| format!("class {class}")),
            probability: chances[class],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::toy;

    #[test]
    fn the_likeliest_come_first_with_their_labels() {
        let logs: Vec<f32> = [0.1f32, 0.5, 0.05, 0.2, 0.1, 0.05].iter().map(|p| p.ln()).collect();
        let labels: Vec<String> = ["zero", "one", "two"].map(String::from).to_vec();
        let list = likeliest(&logs, Scores::Logarithms, &labels, 5);
        assert_eq!(list.iter().map(|p| p.class).collect::<Vec<_>>(), [1, 3, 0, 4, 2]);
        assert_eq!((list[0].label.as_str(), list[1].label.as_str()), ("one", "class 3"));
        assert!((list[0].probability - 0.5).abs() < 1e-6);
    }

    #[test]
    fn logits_are_normalised_without_overflow() {
        let list = likeliest(&[1000.0, 1000.0, 0.0], Scores::Logits, &[], 5);
        assert!((list[0].probability - 0.5).abs() < 1e-9 && list[2].probability < 1e-9);
    }

    #[test]
    fn the_last_module_decides() {
        assert_eq!(Scores::of(&toy::classifier()), Some(Scores::Logarithms));
        assert_eq!(Scores::of(&toy::autoencoder()), None);
    }
}
