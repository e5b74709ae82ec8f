//! `Statistics`: shape, mean, spread and histogram of a tensor's values, as on DIGITS' layer pages (spec 4.6).

use serde::Serialize;

/// Number of histogram bins, as in DIGITS.
pub const BINS: usize = 20;

/// What the statistics column of a layer says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// Sizes; a leading 1 (the batch) is already dropped.
    pub shape: Vec<i64>,
    /// Mean of the finite values.
    pub mean: f64,
    /// Population standard deviation of the finite values.
    pub std: f64,
    /// Smallest finite value.
    pub min: f64,
    /// Largest finite value.
    pub max: f64,
    /// Values in each of 20 equal bins from the smallest to the largest; the last bin includes its upper edge.
    pub counts: Vec<u64>,
    /// The 21 bin edges. A tensor of one single value gets a range of ±½ around it, as in numpy.
    pub edges: Vec<f64>,
    /// Values that are NaN or infinite; they are in no other number here.
    pub not_finite: u64,
}

impl Statistics {
    /// Gathers them from the values of a tensor of this shape.
    #[must_use]
    pub fn of(shape: &[i64], values: &[f32]) -> Statistics {
        let finite = || values.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v));
        let count = finite().count();
        let n = count.max(1) as f64;
        let mean = finite().sum::<f64>() / n;
        let std = (finite().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
        let (min, max) = if count == 0 {
            (0.0, 0.0)
        } else {
            finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)))
        };
        let (lo, hi) = if min == max { (min - 0.5, max + 0.5) } else { (min, max) };
        let width = (hi - lo) / BINS as f64;
        let mut counts = vec![0; BINS];
        for v in finite() {
            counts[(((v - lo) / width) as usize).min(BINS - 1)] += 1;
        }
        let edges = (0..=BINS).map(|i| lo + i as f64 * width).collect();
        Statistics {
            shape: shape.to_vec(),
            mean,
            std,
            min,
            max,
            counts,
            edges,
            not_finite: (values.len() - count) as u64,
        }
    }

    /// The first, the middle and the last edge: DIGITS' three ticks.
    #[must_use]
    pub fn ticks(&self) -> [f64; 3] {
        [self.edges[0], self.edges[BINS / 2], self.edges[BINS]]
    }

    /// The shape as DIGITS prints it: `(50,)`, `(1, 28, 28)`.
    #[must_use]
    pub fn shape_text(&self) -> String {
        match self.shape.as_slice() {
            [one] => format!("({one},)"),
            sizes => format!("({})", sizes.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_numpy_s() {
        // numpy: a = np.arange(21); a.mean(), a.std(), np.histogram(a, bins=20)
        let values: Vec<f32> = (0..21).map(|i| i as f32).collect();
        let s = Statistics::of(&[21], &values);
        assert_eq!(s.mean, 10.0);
        assert!((s.std - 6.055_300_708_194_983).abs() < 1e-12);
        assert_eq!(s.counts[..19], [1; 19]);
        assert_eq!(s.counts[19], 2);
        assert_eq!(s.ticks(), [0.0, 10.0, 20.0]);
        assert_eq!(s.shape_text(), "(21,)");
    }

    #[test]
    fn a_constant_tensor_has_a_range_around_it() {
        let s = Statistics::of(&[2, 2], &[3.0; 4]);
        assert_eq!((s.std, s.ticks()), (0.0, [2.5, 3.0, 3.5]));
        assert_eq!(s.counts[10], 4);
        assert_eq!(s.shape_text(), "(2, 2)");
    }

    #[test]
    fn what_is_not_finite_is_counted_apart() {
        let s = Statistics::of(&[4], &[1.0, f32::NAN, 3.0, f32::INFINITY]);
        assert_eq!((s.mean, s.min, s.max, s.not_finite), (2.0, 1.0, 3.0, 2));
        assert_eq!(s.counts.iter().sum::<u64>(), 2);
        assert_eq!(Statistics::of(&[0], &[]).mean, 0.0);
    }
}
