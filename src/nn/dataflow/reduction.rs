//! Sums, means, extremes and their kin over axes; places of extremes; running sums.
//!
//! Formulas and names: TensorFlow's documentation.

use super::{
    meta::{DType, Dims, Meta, input},
    run::Run,
};
use crate::error::{Error, Kind, Result};

/// What becomes of the numbers along the axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "TensorFlow's own names")]
pub enum Reduce {
    Sum,
    Mean,
    Prod,
    Max,
    Min,
    Any,
    All,
    LogSumExp,
}

/// A reduction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reduction {
    /// Over these axes, which stay as extents of 1 with `keep`.
    Over {
        /// The rule.
        reduce: Reduce,
        /// 0-based, ascending.
        axes: Vec<usize>,
        /// `keep_dims`
        keep: bool,
    },
    /// The index of the largest (or smallest) number along an axis; the first of equal ones.
    Arg {
        /// Largest instead of smallest.
        largest: bool,
        /// 0-based.
        axis: usize,
        /// Type of the indices.
        dtype: DType,
    },
    /// `(predictions [n, classes], targets [n])`: whether the target's prediction is among the k largest.
    InTopK(i64),
    /// The k largest numbers of the last axis and their indices.
    TopK(i64),
    /// Running sums along an axis.
    Cumsum(usize),
    /// `(values, [low, high])`: counts of values in `bins` equal ranges, those outside in the outermost.
    Histogram(i64, DType),
}

impl Reduction {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Reduction::Over { reduce, .. } => match reduce {
                Reduce::Sum => "Sum",
                Reduce::Mean => "Mean",
                Reduce::Prod => "Prod",
                Reduce::Max => "Max",
                Reduce::Min => "Min",
                Reduce::Any => "Any",
                Reduce::All => "All",
                Reduce::LogSumExp => "ReduceLogSumExp",
            },
            Reduction::Arg { largest: true, .. } => "ArgMax",
            Reduction::Arg { .. } => "ArgMin",
            Reduction::InTopK(_) => "InTopK",
            Reduction::TopK(_) => "TopKV2",
            Reduction::Cumsum(_) => "Cumsum",
            Reduction::Histogram(..) => "histogram_fixed_width",
        }
    }

    pub(super) fn infer(&self, inputs: &[Meta]) -> Result<Vec<Meta>> {
        let x = input(inputs, 0)?;
        Ok(vec![match self {
            Reduction::Over { reduce, axes, keep } => {
                let logical = matches!(reduce, Reduce::Any | Reduce::All);
                if logical != (x.dtype == DType::Bool) {
                    return Err(Error::new(Kind::Argument, format!("{} does not take {}", self.name(), x.dtype)));
                }
                let dims = (0..x.dims.rank()).filter_map(|dim| match (axes.contains(&dim), keep) {
                    (false, _) => Some(x.dims.0[dim]),
                    (true, true) => Some(Some(1)),
                    (true, false) => None,
                });
                let dims = Dims(dims.collect());
                let product = || x.numbers.as_ref()?.iter().try_fold(1i64, |all, n| all.checked_mul((*n)?));
                let sum = || x.numbers.as_ref()?.iter().try_fold(0i64, |all, n| all.checked_add((*n)?));
                let number = match reduce {
                    Reduce::Prod => product(),
                    Reduce::Sum => sum(),
                    _ => None,
                };
                Meta { numbers: number.filter(|_| dims.rank() == 0).map(|n| vec![Some(n)]), ..x.sized(dims) }
            }
            Reduction::Arg { axis, dtype, .. } => {
                let mut dims = x.dims.clone();
                dims.0.remove(*axis);
                Meta::new(*dtype, dims)
            }
            Reduction::InTopK(_) => {
                let targets = input(inputs, 1)?;
                let rows = Dims(x.dims.0.iter().take(1).copied().collect());
                if x.dims.rank() != 2 || !targets.dims.fits(&rows) {
                    return Err(Error::new(Kind::Shape, "predictions and targets do not fit each other")
                        .with_fact("predictions", x.dims.to_string())
                        .with_fact("targets", targets.dims.to_string())
                        .with_fact("it wants", "[n, classes] and [n]"));
                }
                Meta::new(DType::Bool, rows)
            }
            Reduction::TopK(k) => {
                let mut dims = x.dims.clone();
                let Some(last) = dims.0.last_mut() else {
                    return Err(Error::new(Kind::Shape, "a scalar has no largest numbers"));
                };
                *last = Some(*k);
                return Ok(vec![x.sized(dims.clone()), Meta::new(DType::Int32, dims)]);
            }
            Reduction::Cumsum(_) => x.sized(x.dims.clone()),
            Reduction::Histogram(bins, dtype) => Meta::new(*dtype, Dims::known(&[*bins])),
        }])
    }

    pub(super) fn run(&self, inputs: &[&tch::Tensor], run: &mut Run<'_, '_>) -> Result<Vec<tch::Tensor>> {
        let x = inputs[0];
        Ok(vec![match self {
            Reduction::Over { reduce, axes, keep } => {
                let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
                // libtorch reads an empty list as "all".
                if axes.is_empty() {
                    return Ok(vec![x.shallow_clone()]);
                }
                reduce.run(x, &axes, *keep)?
            }
            Reduction::Arg { largest, axis, dtype } => {
                let found = if *largest { x.f_argmax(*axis as i64, false)? } else { x.f_argmin(*axis as i64, false)? };
                found.f_to_kind(dtype.kind(run.real))?
            }
            Reduction::InTopK(k) => {
                let targets = inputs[1].f_to_kind(tch::Kind::Int64)?.f_unsqueeze(1)?;
                let own = x.f_gather(1, &targets, false)?;
                // Ties count for the target: as many as are strictly greater decide.
                let above = x.f_gt_tensor(&own)?.f_sum_dim_intlist(1, false, tch::Kind::Int64)?;
                above.f_lt(*k)?
            }
            Reduction::TopK(k) => {
                let (values, indices) = x.f_topk(*k, -1, true, true)?;
                return Ok(vec![values, indices.f_to_kind(tch::Kind::Int)?]);
            }
            Reduction::Cumsum(axis) => x.f_cumsum(*axis as i64, x.kind())?,
            Reduction::Histogram(bins, dtype) => {
                let range = inputs[1].f_to_kind(tch::Kind::Double)?.f_reshape([-1])?;
                let (low, high) = (range.f_double_value(&[0])?, range.f_double_value(&[1])?);
                let width = (high - low) / *bins as f64;
                let at = x.f_detach()?.f_reshape([-1])?.f_add_scalar(-low)?.f_div_scalar(width)?.f_floor()?;
                let at = at.f_clamp(0.0, (*bins - 1) as f64)?.f_to_kind(tch::Kind::Int64)?;
                at.f_bincount(None::<&tch::Tensor>, *bins)?.f_to_kind(dtype.kind(run.real))?
            }
        }])
    }
}

impl Reduce {
    fn run(self, x: &tch::Tensor, axes: &[i64], keep: bool) -> Result<tch::Tensor> {
        // Along one axis after another, the last one first.
        let each = |step: &dyn Fn(&tch::Tensor, i64) -> Result<tch::Tensor>| {
            axes.iter().rev().try_fold(x.shallow_clone(), |y, &axis| step(&y, axis))
        };
        Ok(match self {
            Reduce::Sum => x.f_sum_dim_intlist(axes, keep, x.kind())?,
            Reduce::Mean if x.is_floating_point() => x.f_mean_dim(axes, keep, x.kind())?,
            Reduce::Mean => {
                let count: i64 = axes.iter().map(|&axis| x.size()[axis as usize]).product();
                x.f_sum_dim_intlist(axes, keep, x.kind())?.f_div_scalar_mode(count.max(1), "floor")?
            }
            Reduce::Prod => each(&|y, axis| Ok(y.f_prod_dim_int(axis, keep, y.kind())?))?,
            Reduce::Max => x.f_amax(axes, keep)?,
            Reduce::Min => x.f_amin(axes, keep)?,
            Reduce::Any => each(&|y, axis| Ok(y.f_any_dim(axis, keep)?))?,
            Reduce::All => each(&|y, axis| Ok(y.f_all_dim(axis, keep)?))?,
            Reduce::LogSumExp => x.f_logsumexp(axes, keep)?,
        })
    }
}
