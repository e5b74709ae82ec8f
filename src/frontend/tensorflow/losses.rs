//! Losses: those of DIGITS' `utils.py`, and `tf.losses`' reductions.
//!
//! Formulas: DIGITS 6.1.1 `tools/tensorflow/utils.py` as described in its documentation of helpers.

use super::{
    ops,
    state::{Graph, Symbol},
};
use crate::{
    error::Result,
    nn::dataflow::{Binary, DType, Loss, Reduce, Reduction, Unary},
};

/// `digits.classification_loss`: the mean cross entropy of logits and classes from 0.
///
/// # Errors
/// When they do not fit.
pub fn classification_loss(graph: &Graph, logits: Symbol, labels: Symbol) -> Result<Symbol> {
    let each = graph.add(Loss::SparseSoftmaxCrossEntropy, &[labels, logits], Some("cross_entropy_single"))?;
    ops::reduce(graph, Reduce::Mean, each, None, false, Some("cross_entropy_batch"))
}

/// `digits.mse_loss`: the mean of (a − b)².
///
/// # Errors
/// When the sizes do not fit.
pub fn mse_loss(graph: &Graph, a: Symbol, b: Symbol) -> Result<Symbol> {
    let difference = ops::binary(graph, Binary::Sub, a, b, Some("sub"))?;
    let squares = ops::unary(graph, Unary::Square, difference, None)?;
    ops::reduce(graph, Reduce::Mean, squares, None, false, None)
}

/// `digits.constrastive_loss`, spelled as DIGITS does: with d = Σ(a − b)² of each row,
/// mean(y·d + (1 − y)·max(margin − √(1e-6 + d), 0)²).
///
/// # Errors
/// When the sizes do not fit.
pub fn constrastive_loss(graph: &Graph, a: Symbol, b: Symbol, y: Symbol, margin: f64) -> Result<Symbol> {
    let dtype = graph.dtype(a);
    let number = |value: f64| ops::scalar(graph, value, dtype);
    let difference = ops::binary(graph, Binary::Sub, a, b, None)?;
    let squares = ops::unary(graph, Unary::Square, difference, None)?;
    let d = ops::reduce(graph, Reduce::Sum, squares, Some(&[1]), false, None)?;
    let near = ops::binary(graph, Binary::Mul, y, d, Some("mul"))?;
    let other = ops::binary(graph, Binary::Sub, number(1.0)?, y, Some("sub"))?;
    let shifted = ops::binary(graph, Binary::Add, number(1e-6)?, d, Some("add"))?;
    let distance = ops::unary(graph, Unary::Sqrt, shifted, None)?;
    let room = ops::binary(graph, Binary::Sub, number(margin)?, distance, Some("sub"))?;
    let room = ops::binary(graph, Binary::Maximum, room, number(0.0)?, None)?;
    let far = ops::binary(graph, Binary::Mul, other, ops::unary(graph, Unary::Square, room, None)?, Some("mul"))?;
    let sum = ops::binary(graph, Binary::Add, near, far, Some("add"))?;
    ops::reduce(graph, Reduce::Mean, sum, None, false, None)
}

/// `digits.classification_accuracy`: the share of rows whose largest number stands at the label.
///
/// # Errors
/// When they do not fit.
pub fn classification_accuracy(graph: &Graph, logits: Symbol, labels: Symbol) -> Result<Symbol> {
    let axis = ops::axis(graph, logits, 1, 0)?;
    let dtype = graph.dtype(labels);
    let found = graph.add(Reduction::Arg { largest: true, axis, dtype }, &[logits], None)?;
    share(graph, ops::binary(graph, Binary::Equal, labels, found, None)?, "accuracy")
}

/// `digits.classification_accuracy_top_n`: the share of rows whose label is among the n largest numbers.
///
/// # Errors
/// When they do not fit.
pub fn classification_accuracy_top_n(graph: &Graph, logits: Symbol, labels: Symbol, n: i64) -> Result<Symbol> {
    let found = graph.add(Reduction::InTopK(n), &[logits, labels], None)?;
    share(graph, found, &format!("accuracy_top_{n}"))
}

fn share(graph: &Graph, found: Symbol, name: &str) -> Result<Symbol> {
    let floats = ops::cast(graph, found, DType::Float32, None)?;
    ops::reduce(graph, Reduce::Mean, floats, None, false, Some(name))
}
