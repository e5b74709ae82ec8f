//! `Metrics`: the curves of a job as the page draws them.

use std::ops::Range;

use serde::{Deserialize, Serialize, Serializer};
use utoipa::{IntoParams, ToSchema};

use super::{
    points::{Points, TrainPoints, ValidationPoints},
    thin::thin,
};
use crate::studio::refusal::{Answer, Refusal};

/// Validation points are not thinned below this many.
const VALIDATION: usize = 10_000;

/// What the points are spread over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Axis {
    /// Epochs done.
    #[default]
    Epoch,
    /// Steps done.
    Iteration,
    /// Seconds of training.
    Seconds,
}

/// Which points are asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(crate) struct MetricsQuery {
    /// What the points are spread over.
    x: Axis,
    /// The first, in units of `x`.
    from: Option<f64>,
    /// The last, in units of `x`.
    to: Option<f64>,
    /// Parts of the range, 1 to 20,000; 4000 when not given.
    buckets: Option<usize>,
}

impl MetricsQuery {
    /// Refuses what is no place among the points.
    ///
    /// # Errors
    /// 400 with the field's name.
    pub(crate) fn check(&self) -> Answer<()> {
        let wrong = [("from", self.from), ("to", self.to)]
            .into_iter()
            .find_map(|(name, value)| value.filter(|value| !value.is_finite()).map(|value| (name, value)));
        wrong.map_or(Ok(()), |(name, value)| Err(Refusal::usage(format!("{name} is {value}, which is no number"))))
    }
}

/// A column of numbers; what is not finite is null.
#[derive(Debug, Clone, Default, PartialEq, ToSchema)]
#[schema(value_type = Vec<Option<f64>>)]
pub(crate) struct Column<T>(Vec<T>);

impl<T: Copy + Into<f64> + Serialize> Serialize for Column<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // serde_json writes a number that is not finite as null.
        serializer.collect_seq(self.0.iter())
    }
}

/// Points of training as columns of equal length.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TrainColumns {
    #[schema(value_type = Vec<f64>)]
    epoch: Column<f64>,
    iteration: Vec<u32>,
    #[schema(value_type = Vec<f64>)]
    seconds: Column<f32>,
    #[schema(value_type = Vec<Option<f64>>)]
    loss: Column<f64>,
    #[schema(value_type = Vec<Option<f64>>)]
    lr: Column<f32>,
    #[schema(value_type = Vec<Option<f64>>)]
    images_per_second: Column<f32>,
    #[schema(value_type = Vec<Option<f64>>)]
    data_wait: Column<f32>,
}

/// Points of validation as columns of equal length.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ValidationColumns {
    #[schema(value_type = Vec<f64>)]
    epoch: Column<f64>,
    iteration: Vec<u32>,
    #[schema(value_type = Vec<f64>)]
    seconds: Column<f32>,
    #[schema(value_type = Vec<Option<f64>>)]
    loss: Column<f64>,
    #[schema(value_type = Vec<Option<f64>>)]
    accuracy: Column<f64>,
    #[schema(value_type = Vec<Option<f64>>)]
    accuracy_top5: Column<f64>,
}

/// Points in the range on disk.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Totals {
    train: usize,
    validation: usize,
}

/// The curves of a job.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Metrics {
    train: TrainColumns,
    validation: ValidationColumns,
    total: Totals,
    /// Whether train was thinned.
    thinned: bool,
    /// When thinned: mean loss of the bucket that each point is from.
    #[schema(value_type = Option<Vec<Option<f64>>>)]
    bucket_mean: Option<Column<f64>>,
    /// Where to open the event stream so that nothing is missed.
    pub(crate) cursor: String,
}

impl Metrics {
    /// What the query asks for.
    #[must_use]
    pub(crate) fn of(points: &Points, query: &MetricsQuery) -> Metrics {
        let buckets = query.buckets.unwrap_or(4000).clamp(1, 20_000);
        let (train, validation) = (&points.train, &points.validation);
        let x = |epoch: &[f64], iteration: &[u32], seconds: &[f32], i: usize| match query.x {
            Axis::Epoch => epoch[i],
            Axis::Iteration => f64::from(iteration[i]),
            Axis::Seconds => f64::from(seconds[i]),
        };
        let at = |i: usize| x(&train.epoch, &train.iteration, &train.seconds, i);
        let range = within(train.loss.len(), &at, query);
        let thinned = (range.len() > 4 * buckets).then(|| thin(&at, &train.loss, range.clone(), buckets));
        let at = |i: usize| x(&validation.epoch, &validation.iteration, &validation.seconds, i);
        let seen = within(validation.loss.len(), &at, query);
        let few = (seen.len() > VALIDATION).then(|| thin(&at, &validation.loss, seen.clone(), VALIDATION / 4).kept);
        let total = Totals { train: range.len(), validation: seen.len() };
        let (kept, means) = thinned.map_or((None, None), |thinned| (Some(thinned.kept), Some(Column(thinned.means))));
        Metrics {
            train: train_columns(train, &kept.unwrap_or_else(|| range.collect())),
            validation: validation_columns(validation, &few.unwrap_or_else(|| seen.collect())),
            total,
            thinned: means.is_some(),
            bucket_mean: means,
            cursor: points.place(),
        }
    }
}

/// The points in the query's range, and one on each side so that lines reach the edge. x does not fall.
fn within(count: usize, x: &dyn Fn(usize) -> f64, query: &MetricsQuery) -> Range<usize> {
    let first_where = |holds: &dyn Fn(f64) -> bool| {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = usize::midpoint(low, high);
            if holds(x(middle)) { high = middle } else { low = middle + 1 }
        }
        low
    };
    let first = query.from.map_or(0, |from| first_where(&|x| x >= from).saturating_sub(1));
    let end = query.to.map_or(count, |to| (first_where(&|x| x > to) + 1).min(count));
    first..end.max(first)
}

fn picked<T: Copy>(values: &[T], indices: &[usize]) -> Vec<T> {
    indices.iter().map(|&i| values[i]).collect()
}

fn train_columns(points: &TrainPoints, at: &[usize]) -> TrainColumns {
    TrainColumns {
        epoch: Column(picked(&points.epoch, at)),
        iteration: picked(&points.iteration, at),
        seconds: Column(picked(&points.seconds, at)),
        loss: Column(picked(&points.loss, at)),
        lr: Column(picked(&points.lr, at)),
        images_per_second: Column(picked(&points.images_per_second, at)),
        data_wait: Column(picked(&points.data_wait, at)),
    }
}

fn validation_columns(points: &ValidationPoints, at: &[usize]) -> ValidationColumns {
    ValidationColumns {
        epoch: Column(picked(&points.epoch, at)),
        iteration: picked(&points.iteration, at),
        seconds: Column(picked(&points.seconds, at)),
        loss: Column(picked(&points.loss, at)),
        accuracy: Column(picked(&points.accuracy, at)),
        accuracy_top5: Column(picked(&points.accuracy_top5, at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_place_among_the_points_is_refused() {
        let of = |from: f64, to: f64| {
            let query = MetricsQuery { from: Some(from), to: Some(to), ..MetricsQuery::default() };
            query.check().map_err(|refusal| refusal.page.message)
        };
        assert_eq!(of(-1.0, 1e9), Ok(()));
        assert_eq!(of(f64::NAN, 1.0), Err("from is NaN, which is no number".into()));
        assert_eq!(of(0.0, f64::INFINITY), Err("to is inf, which is no number".into()));
    }
}
