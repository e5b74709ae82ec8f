//! The most likely classes, as DIGITS' "Classify One" lists them (spec 4.5).

use serde::Serialize;

use crate::nn::Scores;

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
    fn the_last_module_decides() {
        assert_eq!(toy::classifier().scores(), Some(Scores::Logarithms));
        assert_eq!(toy::autoencoder().scores(), None);
    }
}
