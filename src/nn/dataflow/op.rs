//! `Op`: one primitive operation, by families.

use super::{
    array::Array, image::Resize, linear::Linear, losses::Loss, meta::Meta, normalization::Normalization,
    pointwise::Pointwise, random::Random, reduction::Reduction, run::Run, slice::Slice, window::Windowed,
};
use crate::error::Result;

/// An operation on values that come in a fixed order.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Element by element.
    Pointwise(Pointwise),
    /// Rearrangements and constants of sizes.
    Array(Array),
    /// Parts of a tensor.
    Slice(Slice),
    /// Sums and their kin over axes.
    Reduction(Reduction),
    /// Products of matrices, and biases.
    Linear(Linear),
    /// Windows that slide over images.
    Windowed(Windowed),
    /// Normalisations.
    Normalization(Normalization),
    /// Cross entropies and softmax.
    Loss(Loss),
    /// Random numbers.
    Random(Random),
    /// Images of another size.
    Resize(Resize),
}

macro_rules! each_family {
    ($op:expr, $family:ident => $body:expr) => {
        match $op {
            Op::Pointwise($family) => $body,
            Op::Array($family) => $body,
            Op::Slice($family) => $body,
            Op::Reduction($family) => $body,
            Op::Linear($family) => $body,
            Op::Windowed($family) => $body,
            Op::Normalization($family) => $body,
            Op::Loss($family) => $body,
            Op::Random($family) => $body,
            Op::Resize($family) => $body,
        }
    };
}

impl Op {
    /// TensorFlow's type of the operation, such as `MatMul`: also its name where the user gives none.
    #[must_use]
    pub fn name(&self) -> &'static str {
        each_family!(self, family => family.name())
    }

    /// Types and sizes of the results.
    ///
    /// # Errors
    /// `Kind::Shape` when the inputs do not fit.
    pub fn infer(&self, inputs: &[Meta]) -> Result<Vec<Meta>> {
        each_family!(self, family => family.infer(inputs))
    }

    /// The results.
    pub(super) fn run(&self, inputs: &[&tch::Tensor], run: &mut Run<'_, '_>) -> Result<Vec<tch::Tensor>> {
        each_family!(self, family => family.run(inputs, run))
    }

    /// Floating point operations of one run, a multiply-add counted as two.
    pub(super) fn flops(&self, inputs: &[Vec<i64>], output: &[i64]) -> u64 {
        match self {
            Op::Linear(linear) => linear.flops(inputs, output),
            Op::Windowed(windowed) => windowed.flops(inputs, output),
            Op::Pointwise(_) | Op::Normalization(_) | Op::Loss(_) | Op::Reduction(_) => {
                inputs.first().map_or(0, |size| size.iter().product::<i64>()).unsigned_abs()
            }
            _ => 0,
        }
    }
}
