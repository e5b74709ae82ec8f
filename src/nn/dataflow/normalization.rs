//! Normalisations with statistics of the batch or of neighbouring planes.
//!
//! Formulas: Ioffe and Szegedy (2015) for batches; Krizhevsky et al. (2012) for planes, whose sum TensorFlow does not
//! divide by its length.

use super::{
    meta::{Meta, input},
    run::Run,
};
use crate::error::{Error, Kind, Result};

/// A normalisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Normalization {
    /// `(x […, c], gamma [c], beta [c], moving mean [c], moving variance [c])`
    Batch {
        /// Added to the variance.
        epsilon: f64,
        /// Whether the batch's own statistics are used.
        training: bool,
        /// With what weight a training run keeps the old moving statistics; `None` leaves them alone.
        decay: Option<f64>,
        /// Whether the stored variance is the unbiased one (TensorFlow's fused kernel).
        unbiased: bool,
    },
    /// `x / (bias + alpha · Σ x²)^beta` over `2 · radius + 1` neighbouring planes.
    Planes {
        /// Neighbours on each side.
        radius: i64,
        /// Added to the sum.
        bias: f64,
        /// Weight of the sum.
        alpha: f64,
        /// Exponent.
        beta: f64,
    },
}

impl Normalization {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Normalization::Batch { .. } => "FusedBatchNorm",
            Normalization::Planes { .. } => "LRN",
        }
    }

    pub(super) fn infer(&self, inputs: &[Meta]) -> Result<Vec<Meta>> {
        let x = input(inputs, 0)?;
        let planes = x.dims.0.last().copied().flatten();
        let wants = match self {
            Normalization::Batch { .. } => x.dims.rank() >= 2,
            Normalization::Planes { .. } => x.dims.rank() == 4,
        };
        let fits =
            inputs[1..].iter().all(|v| v.dims.rank() == 1 && v.dims.0[0].zip(planes).is_none_or(|(a, b)| a == b));
        if !wants || !fits || !x.dtype.is_float() {
            return Err(Error::new(Kind::Shape, format!("{} does not take this input", self.name()))
                .with_fact("it was given", x.to_string())
                .with_fact("it wants", "[n, …, c] of floats"));
        }
        Ok(vec![x.sized(x.dims.clone())])
    }

    pub(super) fn run(&self, inputs: &[&tch::Tensor], run: &mut Run<'_, '_>) -> Result<Vec<tch::Tensor>> {
        let x = inputs[0];
        Ok(vec![match *self {
            Normalization::Batch { epsilon, training, decay, unbiased } => {
                let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(|i| inputs[i]);
                // libtorch wants the planes second; the copy of images is a view.
                let last = x.dim() as i64 - 1;
                let y = if last > 1 { x.f_movedim_int(last, 1)? } else { x.shallow_clone() };
                let none = None::<&tch::Tensor>;
                let (mean_in, variance_in) = if training { (none, none) } else { (Some(mean), Some(variance)) };
                let y = y.f_batch_norm(Some(gamma), Some(beta), mean_in, variance_in, training, 0.0, epsilon, false)?;
                if let (true, Some(decay), false) = (training, decay, run.cx.replays()) {
                    tch::no_grad(|| update(x, mean, variance, decay, unbiased))?;
                }
                if last > 1 { y.f_movedim_int(1, last)? } else { y }
            }
            Normalization::Planes { radius, bias, alpha, beta } => {
                let squares = x.f_square()?.f_pad([radius, radius], "constant", 0.0)?;
                let sums = squares.f_unfold(-1, 2 * radius + 1, 1)?.f_sum_dim_intlist(-1, false, x.kind())?;
                x.f_div(&sums.f_mul_scalar(alpha)?.f_add_scalar(bias)?.f_pow_tensor_scalar(beta)?)?
            }
        }])
    }
}

/// moving ← decay · moving + (1 − decay) · statistic of the batch.
fn update(x: &tch::Tensor, mean: &tch::Tensor, variance: &tch::Tensor, decay: f64, unbiased: bool) -> Result<()> {
    let x = x.detach();
    let axes: Vec<i64> = (0..x.dim() as i64 - 1).collect();
    let now = x.f_mean_dim(&axes[..], false, x.kind())?;
    let spread = x.f_var_dim(&axes[..], unbiased, false)?;
    for (moving, now) in [(mean, now), (variance, spread)] {
        let mut moving = moving.detach();
        let _ = moving.f_mul_scalar_(decay)?.f_add_(&now.f_mul_scalar(1.0 - decay)?)?;
    }
    Ok(())
}
