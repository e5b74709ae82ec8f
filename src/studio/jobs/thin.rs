//! Thinning: of a long curve the points that decide how it looks.

/// The points kept of a range, by index in order, with the mean of the bucket that each is from.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Thinned {
    /// Indices.
    pub(crate) kept: Vec<usize>,
    /// Mean of the finite values of the bucket; NaN of an empty one.
    pub(crate) means: Vec<f64>,
}

/// Cuts the range `[first, last)` into `buckets` equal parts of x and keeps of each the first, the lowest, the highest and
/// the last point, each once; a point whose value is not finite is always kept. `x` must not fall.
#[must_use]
pub(crate) fn thin(x: &dyn Fn(usize) -> f64, values: &[f64], range: std::ops::Range<usize>, buckets: usize) -> Thinned {
    let mut out = Thinned::default();
    let (Some(first), Some(last)) = (range.clone().next(), range.clone().next_back()) else { return out };
    let (start, width) = (x(first), (x(last) - x(first)) / buckets.max(1) as f64);
    let bucket = |i: usize| if width > 0.0 { (((x(i) - start) / width) as usize).min(buckets - 1) } else { 0 };
    let mut from = first;
    while from <= last {
        let own = bucket(from);
        let mut to = from + 1;
        while to <= last && bucket(to) == own {
            to += 1;
        }
        keep(values, from..to, &mut out);
        from = to;
    }
    out
}

fn keep(values: &[f64], bucket: std::ops::Range<usize>, out: &mut Thinned) {
    let (mut low, mut high, mut sum, mut count) = (None::<usize>, None::<usize>, 0.0, 0u32);
    let mut chosen: Vec<usize> = vec![bucket.start, bucket.end - 1];
    for i in bucket.clone() {
        let value = values[i];
        if !value.is_finite() {
            chosen.push(i);
            continue;
        }
        sum += value;
        count += 1;
        if low.is_none_or(|at| value < values[at]) {
            low = Some(i);
        }
        if high.is_none_or(|at| value > values[at]) {
            high = Some(i);
        }
    }
    chosen.extend(low);
    chosen.extend(high);
    chosen.sort_unstable();
    chosen.dedup();
    let mean = if count > 0 { sum / f64::from(count) } else { f64::NAN };
    out.means.extend(std::iter::repeat_n(mean, chosen.len()));
    out.kept.extend(chosen);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn extremes_ends_and_gaps_stay(
            values in prop::collection::vec(prop_oneof![9 => -1e3..1e3f64, 1 => Just(f64::NAN)], 1..400),
            buckets in 1usize..40,
        ) {
            let n = values.len();
            let thinned = thin(&|i| i as f64 * 0.37, &values, 0..n, buckets);
            prop_assert!(thinned.kept.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(thinned.kept.len(), thinned.means.len());
            prop_assert_eq!((thinned.kept[0], thinned.kept[thinned.kept.len() - 1]), (0, n - 1));
            let gaps = values.iter().filter(|value| value.is_nan()).count();
            prop_assert!(thinned.kept.len() <= 4 * buckets + gaps);
            for (i, value) in values.iter().enumerate() {
                prop_assert!(!value.is_nan() || thinned.kept.contains(&i));
            }
            let extreme = |fold: fn(f64, f64) -> f64, of: &mut dyn Iterator<Item = f64>| of.reduce(fold);
            let finite = || values.iter().copied().filter(|value| value.is_finite());
            let kept = || thinned.kept.iter().map(|&i| values[i]).filter(|value| value.is_finite());
            prop_assert_eq!(extreme(f64::max, &mut finite()), extreme(f64::max, &mut kept()));
            prop_assert_eq!(extreme(f64::min, &mut finite()), extreme(f64::min, &mut kept()));
        }
    }
}
