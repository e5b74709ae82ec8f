//! The elements of the losses of `tf.losses` and `slim.losses`, by the names of their arguments: in which order these come
//! is the signatures' business.
//!
//! Formulas: TensorFlow's documentation.

use std::rc::Rc;

use super::{bound::OrRaise, convert, objects::Tf};
use crate::{
    frontend::{
        python::{Given, Outcome, Raised},
        tensorflow::{Symbol, ops},
    },
    nn::dataflow::{Array, Binary, DType, Loss, Pointwise, Reduce, Unary},
};

/// A tensor, whole numbers as floats.
pub(super) fn floats(tf: &Rc<Tf>, given: &Given, argument: &str) -> Outcome<Symbol> {
    let (g, x) = (&tf.graph, convert::floats(tf, given, argument)?);
    if g.dtype(x).is_float() { Ok(x) } else { ops::cast(g, x, DType::Float32, None).or_raise() }
}

/// A tensor without its last dimension, which is 1.
pub(super) fn without_last(tf: &Rc<Tf>, x: Symbol) -> Outcome<Symbol> {
    tf.graph.add(Array::Squeeze(vec![tf.graph.dims(x).rank() - 1]), &[x], None).or_raise()
}

/// Labels and predictions as floats of one shape.
pub(super) fn predicted(tf: &Rc<Tf>, given: &Given) -> Outcome<[Symbol; 2]> {
    both(tf, given, "labels", "predictions")
}

fn both(tf: &Rc<Tf>, given: &Given, labels: &str, predictions: &str) -> Outcome<[Symbol; 2]> {
    let g = &tf.graph;
    let missing = [labels, predictions].into_iter().find(|argument| given.some(argument).is_none());
    if let Some(missing) = missing {
        return Err(Raised::value_error(format!("{missing} must not be None")));
    }
    let x = floats(tf, given, predictions)?;
    let z = convert::symbol(tf, given.value(labels), Some(g.dtype(x)))?;
    if !g.dims(x).fits(&g.dims(z)) {
        let [a, b] = [x, z].map(|symbol| g.dims(symbol).to_string());
        return Err(Raised::value_error(format!("Shapes {a} and {b} are incompatible"))
            .with_fact(predictions, a)
            .with_fact(labels, b)
            .with_help("both have one shape: tf.one_hot makes rows of classes, tf.reshape drops a dimension of 1"));
    }
    Ok([if g.dtype(z) == g.dtype(x) { z } else { ops::cast(g, z, g.dtype(x), None).or_raise()? }, x])
}

/// (p − z)²
pub(super) fn squared(tf: &Rc<Tf>, given: &Given) -> Outcome<Symbol> {
    let [z, p] = predicted(tf, given)?;
    tf.graph.add(Pointwise::Binary(Binary::SquaredDifference), &[p, z], None).or_raise()
}

/// |p − z|
pub(super) fn absolute(tf: &Rc<Tf>, given: &Given) -> Outcome<Symbol> {
    let [z, p] = predicted(tf, given)?;
    let difference = ops::binary(&tf.graph, Binary::Sub, p, z, None).or_raise()?;
    ops::unary(&tf.graph, Unary::Abs, difference, None).or_raise()
}

/// d²/2 up to `delta`, then a line.
pub(super) fn huber(tf: &Rc<Tf>, given: &Given) -> Outcome<Symbol> {
    let g = &tf.graph;
    let size = absolute(tf, given)?;
    let delta = ops::scalar(g, given.float("delta")?, g.dtype(size)).or_raise()?;
    let near = ops::binary(g, Binary::Minimum, size, delta, None).or_raise()?;
    let far = ops::binary(g, Binary::Sub, size, near, None).or_raise()?;
    let squares = ops::unary(g, Unary::Square, near, None).or_raise()?;
    let squares = ops::scaled(g, squares, 0.5).or_raise()?;
    let lines = ops::binary(g, Binary::Mul, delta, far, None).or_raise()?;
    ops::binary(g, Binary::Add, squares, lines, None).or_raise()
}

/// −z·log(p + ε) − (1 − z)·log(1 − p + ε)
pub(super) fn logarithmic(tf: &Rc<Tf>, given: &Given) -> Outcome<Symbol> {
    let g = &tf.graph;
    let [z, p] = predicted(tf, given)?;
    let number = |value| ops::scalar(g, value, g.dtype(p)).or_raise();
    let (one, epsilon) = (number(1.0)?, number(given.float("epsilon")?)?);
    let part = |z: Symbol, p: Symbol| -> Outcome<Symbol> {
        let shifted = ops::binary(g, Binary::Add, p, epsilon, None).or_raise()?;
        let log = ops::unary(g, Unary::Log, shifted, None).or_raise()?;
        ops::binary(g, Binary::Mul, z, log, None).or_raise()
    };
    let not = |x| ops::binary(g, Binary::Sub, one, x, None).or_raise();
    let sum = ops::binary(g, Binary::Add, part(z, p)?, part(not(z)?, not(p)?)?, None).or_raise()?;
    ops::unary(g, Unary::Neg, sum, None).or_raise()
}

/// 1 − Σ p·z along an axis, which stays as an extent of 1 with `keep`.
pub(super) fn cosine(tf: &Rc<Tf>, given: &Given, keep: bool) -> Outcome<Symbol> {
    let g = &tf.graph;
    let axis = convert::axes(given, &["axis", "dim"])?;
    let axis = axis.ok_or_else(|| Raised::value_error("You must specify 'axis'."))?;
    let [z, p] = predicted(tf, given)?;
    let products = ops::binary(g, Binary::Mul, p, z, None).or_raise()?;
    let sum = ops::reduce(g, Reduce::Sum, products, Some(&axis), keep, None).or_raise()?;
    let one = ops::scalar(g, 1.0, g.dtype(sum)).or_raise()?;
    ops::binary(g, Binary::Sub, one, sum, None).or_raise()
}

/// max(0, 1 − (2z − 1)·x)
pub(super) fn hinge(tf: &Rc<Tf>, given: &Given) -> Outcome<Symbol> {
    let g = &tf.graph;
    let [z, x] = both(tf, given, "labels", "logits")?;
    let one = ops::scalar(g, 1.0, g.dtype(x)).or_raise()?;
    let doubled = ops::scaled(g, z, 2.0).or_raise()?;
    let sign = ops::binary(g, Binary::Sub, doubled, one, None).or_raise()?;
    let product = ops::binary(g, Binary::Mul, sign, x, None).or_raise()?;
    let room = ops::binary(g, Binary::Sub, one, product, None).or_raise()?;
    ops::unary(g, Unary::Relu, room, None).or_raise()
}

/// Of classes; labels and weights of `[n, 1]` count as `[n]`.
pub(super) fn sparse_softmax(tf: &Rc<Tf>, given: &Given) -> Outcome<Symbol> {
    let g = &tf.graph;
    let logits = convert::tensor(tf, given, "logits")?;
    let mut labels = convert::symbol(tf, given.value("labels"), None)?;
    let dims = g.dims(labels);
    if dims.rank() > 0 && dims.rank() == g.dims(logits).rank() && dims.0.last() == Some(&Some(1)) {
        labels = without_last(tf, labels)?;
    }
    g.add(Loss::SparseSoftmaxCrossEntropy, &[labels, logits], None).or_raise()
}

/// Of rows of chances, through which no gradient passes; smoothed they move towards 1/classes.
pub(super) fn softmax(tf: &Rc<Tf>, given: &Given) -> Outcome<Symbol> {
    let g = &tf.graph;
    let [labels, logits] = both(tf, given, "onehot_labels", "logits")?;
    let smoothing = given.float("label_smoothing")?;
    let labels = match (smoothing > 0.0, g.dims(logits).0.last().copied().flatten()) {
        (false, _) => labels,
        (true, Some(classes)) => smoothed(tf, labels, smoothing, 1.0 / classes as f64)?,
        (true, None) => return Err(given.wrong("logits", "logits whose number of classes is known")),
    };
    let labels = g.add(Pointwise::StopGradient, &[labels], Some("labels_stop_gradient")).or_raise()?;
    g.add(Loss::SoftmaxCrossEntropy, &[labels, logits], None).or_raise()
}

/// Element by element; smoothed labels move towards 1/2.
pub(super) fn sigmoid(tf: &Rc<Tf>, given: &Given) -> Outcome<Symbol> {
    let [labels, logits] = both(tf, given, "multi_class_labels", "logits")?;
    let smoothing = given.float("label_smoothing")?;
    let labels = if smoothing > 0.0 { smoothed(tf, labels, smoothing, 0.5)? } else { labels };
    tf.graph.add(Loss::SigmoidCrossEntropy, &[labels, logits], None).or_raise()
}

fn smoothed(tf: &Rc<Tf>, labels: Symbol, share: f64, towards: f64) -> Outcome<Symbol> {
    let g = &tf.graph;
    let kept = ops::scaled(g, labels, 1.0 - share).or_raise()?;
    let added = ops::scalar(g, share * towards, g.dtype(kept)).or_raise()?;
    ops::binary(g, Binary::Add, kept, added, None).or_raise()
}
