//! Torch7's remaining samplers on [`Generator`], each with the formula that makes old seeds give old numbers.
//!
//! Source: torch7 `lib/TH/THRandom.c`, `lib/TH/generic/THTensorRandom.c`.

use super::{generator::Generator, types::Element};
use crate::error::{Error, Kind, Result};

impl Generator {
    /// Exponential with rate `lambda`.
    pub fn exponential(&mut self, lambda: f64) -> f64 {
        -1.0 / lambda * (1.0 - self.uniform(0.0, 1.0)).ln()
    }

    /// Cauchy around `median` with scale `sigma`.
    pub fn cauchy(&mut self, median: f64, sigma: f64) -> f64 {
        median + sigma * (std::f64::consts::PI * (self.uniform(0.0, 1.0) - 0.5)).tan()
    }

    /// Log-normal whose own mean and deviation are `mean` and `std`'s of the logarithm.
    pub fn log_normal(&mut self, mean: f64, std: f64) -> f64 {
        self.normal(mean, std).exp()
    }

    /// Number of trials up to the first success of probability `p`, from 1 on.
    pub fn geometric(&mut self, p: f64) -> f64 {
        ((1.0 - self.uniform(0.0, 1.0)).ln() / p.ln()).trunc() + 1.0
    }

    /// A whole number in [a, b].
    pub fn between(&mut self, a: i64, b: i64) -> i64 {
        let span = (i128::from(b) - i128::from(a) + 1).max(1);
        (i128::from(self.random()) % span + i128::from(a)) as i64
    }

    /// A whole number over the range that Torch7 gives `t:random()` for this element type.
    pub fn whole(&mut self, element: Element) -> f64 {
        let x = u64::from(self.random());
        let x = match element {
            Element::Byte => x % 256,
            Element::Char => x % 128,
            Element::Short => x % (1 << 15),
            Element::Int => x % (1 << 31),
            Element::Half => x % ((1 << 11) + 1),
            Element::Float => x % ((1 << 24) + 1),
            Element::Long | Element::Double => x,
        };
        x as f64
    }

    /// A permutation of 1..=n.
    pub fn permutation(&mut self, n: usize) -> Vec<f64> {
        let mut order: Vec<f64> = (1..=n).map(|i| i as f64).collect();
        for i in 0..n.saturating_sub(1) {
            let other = self.random() as usize % (n - i);
            order.swap(i, i + other);
        }
        order
    }

    /// `count` 1-based indices drawn with these weights, which need not sum to 1.
    ///
    /// # Errors
    /// When a weight is negative, all are zero, or fewer than `count` are left without replacement.
    pub fn multinomial(&mut self, weights: &[f64], count: usize, replacement: bool) -> Result<Vec<f64>> {
        let refuse = |why: String| Error::new(Kind::Argument, why);
        if let Some(bad) = weights.iter().find(|w| w.is_nan() || **w < 0.0) {
            return Err(refuse(format!("invalid multinomial distribution: a probability is {bad}")));
        }
        let positive = weights.iter().filter(|w| **w > 0.0).count();
        if positive == 0 {
            return Err(refuse("invalid multinomial distribution: the probabilities sum to 0".to_string()));
        }
        if !replacement && positive < count {
            return Err(refuse(format!(
                "invalid multinomial distribution: {count} draws without replacement from {positive} outcomes"
            )));
        }
        let mut weights = weights.to_vec();
        let mut drawn = Vec::with_capacity(count);
        for _ in 0..count {
            let total: f64 = weights.iter().sum();
            let u = self.uniform(0.0, 1.0);
            let mut reached = 0.0;
            let found = weights.iter().position(|w| {
                reached += w / total;
                *w > 0.0 && u <= reached
            });
            // Rounding may leave the last partial sum just below u.
            let index = found.or_else(|| weights.iter().rposition(|w| *w > 0.0)).unwrap_or(0);
            drawn.push((index + 1) as f64);
            if !replacement {
                weights[index] = 0.0;
            }
        }
        Ok(drawn)
    }
}

/// Walker's alias table of these weights: for each outcome the 1-based outcome that stands in for it, and the share that
/// it keeps: all of it where nobody stands in.
///
/// # Errors
/// When a share is not above 0.
pub fn alias_table(weights: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
    let n = weights.len();
    let mut others = vec![0.0; n];
    let mut kept: Vec<f64> = weights.iter().map(|weight| n as f64 * weight).collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..n).partition(|&i| kept[i] < 1.0);
    while let (Some(&low), Some(&high)) = (small.last(), large.last()) {
        others[low] = high as f64 + 1.0;
        kept[high] -= 1.0 - kept[low];
        small.pop();
        if kept[high] < 1.0 {
            large.pop();
            small.push(high);
        }
    }
    let (least, most) = kept.iter().fold((f64::MAX, f64::MIN), |(least, most), &q| (least.min(q), most.max(q)));
    if n == 0 || least.is_nan() || least <= 0.0 {
        return Err(Error::new(Kind::Argument, "q_min is less than 0: every probability must be above 0"));
    }
    for (other, share) in others.iter_mut().zip(&mut kept) {
        *share /= most.max(1.0);
        if *other == 0.0 {
            (*other, *share) = (1.0, 1.0);
        }
    }
    Ok((others, kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samplers_follow_their_formulas() {
        let mut g = Generator::new(7);
        let mut u = Generator::new(7);
        assert_eq!(g.exponential(2.0), -0.5 * (1.0 - u.uniform(0.0, 1.0)).ln());
        assert_eq!(g.between(3, 9), i64::from(u.random()) % 7 + 3);
        assert_eq!(g.whole(Element::Byte), f64::from(u.random() % 256));
        let mut permutation = g.permutation(50);
        permutation.sort_by(f64::total_cmp);
        assert_eq!(permutation, (1..=50).map(f64::from).collect::<Vec<_>>());
    }

    #[test]
    fn multinomial_draws_only_what_has_weight() {
        let mut g = Generator::new(1);
        let drawn = g.multinomial(&[0.0, 3.0, 0.0, 1.0], 4000, true).unwrap();
        let second = drawn.iter().filter(|x| **x == 2.0).count();
        assert!(drawn.iter().all(|x| *x == 2.0 || *x == 4.0));
        assert!((2850..3150).contains(&second), "{second}");
        let mut both = g.multinomial(&[0.0, 3.0, 0.0, 1.0], 2, false).unwrap();
        both.sort_by(f64::total_cmp);
        assert_eq!(both, [2.0, 4.0]);
        assert!(g.multinomial(&[0.0, 1.0], 2, false).is_err());
        assert!(g.multinomial(&[0.0, 0.0], 1, true).is_err());
    }
}
