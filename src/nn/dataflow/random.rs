//! Random numbers of a run, and dropout. They come from the pass' own source, so that a step is a function of its seed.
//!
//! Distributions: TensorFlow's documentation; a truncated normal draws again what lies beyond two deviations.

use super::{
    array::{sizes, wanted},
    meta::{DType, Dims, Meta, input},
    run::Run,
};
use crate::error::{Error, Kind, Result};

/// What numbers are drawn from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// From `low` up to `high`.
    Uniform {
        /// Least.
        low: f64,
        /// Bound above.
        high: f64,
    },
    /// Gauss' bell.
    Normal {
        /// Centre.
        mean: f64,
        /// Deviation.
        std: f64,
    },
    /// The bell up to two deviations.
    TruncatedNormal {
        /// Centre.
        mean: f64,
        /// Deviation of the bell before it is cut.
        std: f64,
    },
}

/// A random operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Random {
    /// `(sizes)`
    Draw(Distribution, DType),
    /// `(x)`: each number kept with this probability and divided by it, else 0. Always: the graph for evaluation has none.
    Dropout(f64),
    /// `(x, mask sizes)`: the same with one decision for whole extents.
    DropoutShaped(f64),
}

impl Random {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Random::Draw(Distribution::Uniform { .. }, _) => "random_uniform",
            Random::Draw(Distribution::Normal { .. }, _) => "random_normal",
            Random::Draw(Distribution::TruncatedNormal { .. }, _) => "truncated_normal",
            Random::Dropout(_) | Random::DropoutShaped(_) => "dropout",
        }
    }

    pub(super) fn infer(&self, inputs: &[Meta]) -> Result<Vec<Meta>> {
        let x = input(inputs, 0)?;
        Ok(vec![match self {
            Random::Draw(_, dtype) => Meta::new(*dtype, Dims(x.as_sizes()?)),
            Random::Dropout(keep) | Random::DropoutShaped(keep) => {
                if !(*keep > 0.0 && *keep <= 1.0) {
                    return Err(Error::new(Kind::Argument, format!("keep_prob is above 0 and at most 1, not {keep}"))
                        .with_help("TensorFlow's dropout takes the probability of keeping a number"));
                }
                x.sized(x.dims.clone())
            }
        }])
    }

    pub(super) fn run(&self, inputs: &[&tch::Tensor], run: &mut Run<'_, '_>) -> Result<Vec<tch::Tensor>> {
        let x = inputs[0];
        Ok(vec![match *self {
            Random::Draw(distribution, dtype) => {
                let size = wanted(x)?;
                let float = if dtype.is_float() { dtype.kind(run.real) } else { tch::Kind::Double };
                let like = tch::Tensor::f_empty([0], (float, run.device))?;
                let drawn = distribution.draw(&size, &like, run)?;
                if dtype.is_float() { drawn } else { drawn.f_floor()?.f_to_kind(dtype.kind(run.real))? }
            }
            Random::Dropout(keep) => {
                if keep >= 1.0 {
                    return Ok(vec![x.shallow_clone()]);
                }
                let mask = run.cx.bernoulli(&x.size(), keep, x)?;
                x.f_mul(&mask.f_div_scalar(keep)?)?
            }
            Random::DropoutShaped(keep) => {
                let mask = run.cx.bernoulli(&sizes(inputs[1])?, keep, x)?;
                x.f_mul(&mask.f_div_scalar(keep)?)?
            }
        }])
    }
}

impl Distribution {
    fn draw(self, size: &[i64], like: &tch::Tensor, run: &mut Run<'_, '_>) -> Result<tch::Tensor> {
        match self {
            Distribution::Uniform { low, high } => run.cx.uniform(size, low, high, like),
            Distribution::Normal { mean, std } => run.cx.normal(size, mean, std, like),
            Distribution::TruncatedNormal { mean, std } => {
                // The inverse of the cut bell's distribution function, so that nothing is drawn twice.
                let edge = (2.0 / std::f64::consts::SQRT_2).min(f64::MAX);
                let u = run.cx.uniform(size, -1.0, 1.0, like)?;
                let cut = ERF_OF_SQRT_2;
                let z = u.f_mul_scalar(cut)?.f_erfinv()?.f_clamp(-edge, edge)?;
                Ok(z.f_mul_scalar(std::f64::consts::SQRT_2 * std)?.f_add_scalar(mean)?)
            }
        }
    }
}

/// erf(√2): the share of a normal distribution within two deviations.
const ERF_OF_SQRT_2: f64 = 0.954_499_736_103_641_6;
