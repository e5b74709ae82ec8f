//! Products of matrices, and biases along the last dim.
//!
//! Formulas and names: TensorFlow's documentation.

use super::{
    meta::{Dims, Meta, input},
    run::Run,
};
use crate::error::{Error, Kind, Result};

/// A linear operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linear {
    /// `[…, n, k] × […, k, m]`, either turned first.
    MatMul {
        /// Turn the first.
        transpose_a: bool,
        /// Turn the second.
        transpose_b: bool,
    },
    /// `(x […, c], bias [c])`
    BiasAdd,
    /// `Σ x²/2`
    L2Loss,
}

impl Linear {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Linear::MatMul { .. } => "MatMul",
            Linear::BiasAdd => "BiasAdd",
            Linear::L2Loss => "L2Loss",
        }
    }

    pub(super) fn infer(&self, inputs: &[Meta]) -> Result<Vec<Meta>> {
        let x = input(inputs, 0)?;
        Ok(vec![match self {
            Linear::MatMul { transpose_a, transpose_b } => {
                let y = input(inputs, 1)?;
                let refuse = |why: &str| {
                    Error::new(Kind::Shape, why)
                        .with_fact("the first is", x.to_string())
                        .with_fact("the second is", y.to_string())
                };
                let rank = x.dims.rank();
                if rank < 2 || y.dims.rank() != rank {
                    return Err(refuse("two matrices are wanted, or equally many of them")
                        .with_help("flatten each sample first: tf.reshape(x, [-1, n])"));
                }
                if x.dtype != y.dtype {
                    return Err(refuse("matrices of different types").with_help("tf.cast one of them"));
                }
                let ends = |dims: &Dims, turned: bool| {
                    let (a, b) = (dims.0[rank - 2], dims.0[rank - 1]);
                    if turned { (b, a) } else { (a, b) }
                };
                let (rows, inner) = ends(&x.dims, *transpose_a);
                let (other, columns) = ends(&y.dims, *transpose_b);
                if inner.zip(other).is_some_and(|(a, b)| a != b) {
                    return Err(refuse(&format!(
                        "{} columns do not meet {} rows",
                        inner.unwrap_or(0),
                        other.unwrap_or(0)
                    )));
                }
                let mut dims = Dims(x.dims.0[..rank - 2].to_vec()).broadcast(&Dims(y.dims.0[..rank - 2].to_vec()))?;
                dims.0.extend([rows, columns]);
                x.sized(dims)
            }
            Linear::BiasAdd => {
                let bias = input(inputs, 1)?;
                let last = x.dims.0.last().copied().flatten();
                let fits = bias.dims.rank() == 1 && x.dims.rank() >= 2;
                if !fits || last.zip(bias.dims.0[0]).is_some_and(|(a, b)| a != b) || bias.dtype != x.dtype {
                    return Err(Error::new(Kind::Shape, "the bias does not fit the last dimension")
                        .with_fact("it was given", x.to_string())
                        .with_fact("the bias is", bias.to_string()));
                }
                x.sized(x.dims.clone())
            }
            Linear::L2Loss => x.sized(Dims::default()),
        }])
    }

    pub(super) fn run(&self, inputs: &[&tch::Tensor], _: &mut Run<'_, '_>) -> Result<Vec<tch::Tensor>> {
        let x = inputs[0];
        let turned = |t: &tch::Tensor, turn: bool| -> Result<tch::Tensor> {
            Ok(if turn { t.f_transpose(-2, -1)? } else { t.shallow_clone() })
        };
        Ok(vec![match self {
            Linear::MatMul { transpose_a, transpose_b } => {
                turned(x, *transpose_a)?.f_matmul(&turned(inputs[1], *transpose_b)?)?
            }
            Linear::BiasAdd => x.f_add(inputs[1])?,
            Linear::L2Loss => x.f_square()?.f_sum(x.kind())?.f_div_scalar(2.0)?,
        }])
    }

    pub(super) fn flops(&self, inputs: &[Vec<i64>], output: &[i64]) -> u64 {
        let numel = output.iter().product::<i64>();
        let count = match self {
            Linear::MatMul { transpose_a, .. } => {
                let size = inputs.first().map_or(&[][..], Vec::as_slice);
                let inner = if *transpose_a { size.iter().nth_back(1) } else { size.last() };
                2 * numel * inner.copied().unwrap_or(1)
            }
            Linear::BiasAdd => numel,
            Linear::L2Loss => 2 * inputs.first().map_or(0, |size| size.iter().product()),
        };
        count.unsigned_abs()
    }
}
