//! `Scores`: what the numbers of a classifier's output stand for.

/// How the numbers of an output, one a class, stand for the classes' probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scores {
    /// Their logarithms, as nn.LogSoftMax gives and nn.ClassNLLCriterion takes them.
    Logarithms,
    /// The probabilities themselves, as nn.SoftMax gives them.
    Probabilities,
    /// Numbers of any scale, of which the criterion takes the softmax (nn.CrossEntropyCriterion).
    Logits,
}

impl Scores {
    /// The probability of each class, 0 to 1. Of logarithms that belong to no probabilities, as a network gives them that lacks
    /// its nn.LogSoftMax, the softmax: that of true ones is their exponential.
    #[must_use]
    pub fn probabilities(self, output: &[f32]) -> Vec<f64> {
        let highest = output.iter().copied().filter(|v| v.is_finite()).fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = output.iter().map(|v| f64::from(v - highest).exp()).sum();
        let one = |v: f32| match self {
            Scores::Probabilities => f64::from(v),
            Scores::Logarithms | Scores::Logits => f64::from(v - highest).exp() / sum,
        };
        output.iter().map(|&v| one(v)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_are_normalised_without_overflow() {
        let chances = Scores::Logits.probabilities(&[1000.0, 1000.0, 0.0]);
        assert!((chances[0] - 0.5).abs() < 1e-9 && chances[2] < 1e-9, "{chances:?}");
        let chances = Scores::Logarithms.probabilities(&[0.25f32.ln(), 0.75f32.ln()]);
        assert!((chances[1] - 0.75).abs() < 1e-6, "{chances:?}");
        let chances = Scores::Logarithms.probabilities(&[0.7, 0.5]);
        assert!((chances[0] + chances[1] - 1.0).abs() < 1e-9, "no class is surer than 100 %: {chances:?}");
        assert_eq!(Scores::Probabilities.probabilities(&[0.25, 0.75]), [0.25, 0.75]);
    }
}
