//! `Histogram`: how the numbers of a tensor are spread, in buckets of one width.

use super::proto::HistogramProto;

/// Buckets of a histogram; TensorBoard draws as many.
const BUCKETS: usize = 30;

/// Counts of values, and what their mean and deviation need.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram(HistogramProto);

impl Histogram {
    /// Of the values that are finite; `None` when there are none.
    #[must_use]
    pub fn of(values: &[f32]) -> Option<Histogram> {
        let finite = || values.iter().filter(|value| value.is_finite()).map(|value| f64::from(*value));
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut num, mut sum, mut sum_squares) = (0.0, 0.0, 0.0);
        for value in finite() {
            (min, max) = (min.min(value), max.max(value));
            (num, sum, sum_squares) = (num + 1.0, sum + value, sum_squares + value * value);
        }
        if num == 0.0 {
            return None;
        }
        let width = (max - min) / BUCKETS as f64;
        if width == 0.0 {
            let (bucket_limit, bucket) = (vec![max], vec![num]);
            return Some(Histogram(HistogramProto { min, max, num, sum, sum_squares, bucket_limit, bucket }));
        }
        let mut bucket = vec![0.0; BUCKETS];
        for value in finite() {
            bucket[(((value - min) / width) as usize).min(BUCKETS - 1)] += 1.0;
        }
        let mut bucket_limit: Vec<f64> = (1..=BUCKETS).map(|i| min + width * i as f64).collect();
        bucket_limit[BUCKETS - 1] = max;
        Some(Histogram(HistogramProto { min, max, num, sum, sum_squares, bucket_limit, bucket }))
    }

    pub(super) fn into_proto(self) -> HistogramProto {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_counted_once() {
        let values: Vec<f32> = (0..=300).map(|i| i as f32 / 100.0 - 1.0).chain([f32::NAN]).collect();
        let Histogram(found) = Histogram::of(&values).unwrap();
        assert_eq!((found.min, found.max, found.num), (-1.0, 2.0, 301.0));
        assert_eq!(found.bucket.iter().sum::<f64>(), 301.0);
        assert!(found.bucket.iter().all(|count| (9.0..=12.0).contains(count)), "{:?}", found.bucket);
        assert_eq!((found.bucket_limit.len(), found.bucket_limit[29]), (30, 2.0));
        let Histogram(one) = Histogram::of(&[3.0, 3.0]).unwrap();
        assert_eq!((one.bucket_limit, one.bucket, one.sum, one.sum_squares), (vec![3.0], vec![2.0], 6.0, 18.0));
        assert_eq!(Histogram::of(&[f32::NAN]), None);
    }
}
