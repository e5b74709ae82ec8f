//! Softmax and the cross entropies.
//!
//! Formulas: TensorFlow's documentation. The sigmoid's cross entropy is max(x, 0) − x·z + log(1 + e^−|x|).

use super::{
    meta::{Dims, Meta, input},
    run::Run,
};
use crate::error::{Error, Kind, Result};

/// A loss, or a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Along an axis.
    Softmax(usize),
    /// Its logarithm.
    LogSoftmax(usize),
    /// `(labels, logits)` of the same sizes; along the last axis.
    SoftmaxCrossEntropy,
    /// `(labels, logits)`; labels are classes from 0, without the last axis.
    SparseSoftmaxCrossEntropy,
    /// `(labels, logits)`, element by element.
    SigmoidCrossEntropy,
}

impl Loss {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Loss::Softmax(_) => "Softmax",
            Loss::LogSoftmax(_) => "LogSoftmax",
            Loss::SoftmaxCrossEntropy => "SoftmaxCrossEntropyWithLogits",
            Loss::SparseSoftmaxCrossEntropy => "SparseSoftmaxCrossEntropyWithLogits",
            Loss::SigmoidCrossEntropy => "logistic_loss",
        }
    }

    pub(super) fn infer(&self, inputs: &[Meta]) -> Result<Vec<Meta>> {
        let x = input(inputs, 0)?;
        if let Loss::Softmax(_) | Loss::LogSoftmax(_) = self {
            return Ok(vec![x.sized(x.dims.clone())]);
        }
        let logits = input(inputs, 1)?;
        let rows = Dims(logits.dims.0[..logits.dims.rank().saturating_sub(1)].to_vec());
        let (wanted, fits) = match self {
            Loss::SparseSoftmaxCrossEntropy => (&rows, x.dims.fits(&rows) && x.dtype.is_integer()),
            _ => (&logits.dims, x.dims.fits(&logits.dims) && x.dtype == logits.dtype),
        };
        if !fits || !logits.dtype.is_float() || logits.dims.rank() == 0 {
            let help = match self {
                Loss::SparseSoftmaxCrossEntropy => {
                    "labels are classes, whole numbers from 0, one for each row of logits"
                }
                _ => "labels have a number for each logit",
            };
            return Err(Error::new(Kind::Shape, "labels and logits do not fit each other")
                .with_fact("labels", x.to_string())
                .with_fact("logits", logits.to_string())
                .with_fact("labels should be", wanted.to_string())
                .with_help(help));
        }
        Ok(vec![match self {
            Loss::SigmoidCrossEntropy => logits.sized(logits.dims.merged(&x.dims)),
            _ => logits.sized(rows),
        }])
    }

    pub(super) fn run(&self, inputs: &[&tch::Tensor], _: &mut Run<'_, '_>) -> Result<Vec<tch::Tensor>> {
        let x = inputs[0];
        Ok(vec![match self {
            Loss::Softmax(axis) => x.f_softmax(*axis as i64, None)?,
            Loss::LogSoftmax(axis) => x.f_log_softmax(*axis as i64, None)?,
            Loss::SoftmaxCrossEntropy => {
                let logs = inputs[1].f_log_softmax(-1, None)?;
                x.f_mul(&logs)?.f_sum_dim_intlist(-1, false, logs.kind())?.f_neg()?
            }
            Loss::SparseSoftmaxCrossEntropy => {
                let logits = inputs[1];
                let classes = logits.size().last().copied().unwrap_or(0);
                let labels = x.f_to_kind(tch::Kind::Int64)?;
                // On a device the look at the labels would wait for it.
                if labels.device() == tch::Device::Cpu && labels.numel() > 0 {
                    check(labels.f_min()?.f_int64_value(&[])?, labels.f_max()?.f_int64_value(&[])?, classes)?;
                }
                let logs = logits.f_log_softmax(-1, None)?;
                logs.f_gather(-1, &labels.f_unsqueeze(-1)?, false)?.f_squeeze_dim(-1)?.f_neg()?
            }
            Loss::SigmoidCrossEntropy => {
                let (z, x) = (x, inputs[1]);
                let tail = x.f_abs()?.f_neg()?.f_exp()?.f_log1p()?;
                x.f_relu()?.f_sub(&x.f_mul(z)?)?.f_add(&tail)?
            }
        }])
    }
}

fn check(least: i64, most: i64, classes: i64) -> Result<()> {
    if least >= 0 && most < classes {
        return Ok(());
    }
    let wrong = if least < 0 { least } else { most };
    Err(Error::new(Kind::Shape, format!("label {wrong} is no class from 0 to {}", classes - 1))
        .with_help("let the network's last layer give one value for each class: self.nclasses"))
}
