//! `tf.losses`.

use std::rc::Rc;

use super::{
    bound::{Entry, OrRaise, name},
    convert, nn,
    objects::Tf,
};
use crate::{
    frontend::{
        python::{Given, Outcome, Value},
        tensorflow::{Symbol, ops},
    },
    nn::dataflow::{Binary, DType, Loss, Reduce, Unary},
};

/// `tf.losses`: the weighted mean of a loss's elements, which also joins the collection `losses`.
pub(super) const ALL: &[Entry] = &[
    (
        "tf.losses.mean_squared_error(labels, predictions, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| {
            let (a, b) = predicted(tf, given)?;
            let each = nn::squared(tf, b, a)?;
            joined(tf, given, each)
        },
    ),
    (
        "tf.losses.absolute_difference(labels, predictions, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| {
            let (a, b) = predicted(tf, given)?;
            let difference = ops::binary(&tf.graph, Binary::Sub, b, a, None).or_raise()?;
            let each = ops::unary(&tf.graph, Unary::Abs, difference, None).or_raise()?;
            joined(tf, given, each)
        },
    ),
    (
        "tf.losses.huber_loss(labels, predictions, weights=1.0, delta=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| {
            let g = &tf.graph;
            let (a, b) = predicted(tf, given)?;
            let difference = ops::binary(g, Binary::Sub, b, a, None).or_raise()?;
            let size = ops::unary(g, Unary::Abs, difference, None).or_raise()?;
            let delta = ops::scalar(g, given.float("delta")?, g.dtype(size)).or_raise()?;
            let near = ops::binary(g, Binary::Minimum, size, delta, None).or_raise()?;
            let far = ops::binary(g, Binary::Sub, size, near, None).or_raise()?;
            let squares = ops::unary(g, Unary::Square, near, None).or_raise()?;
            let squares = ops::scaled(g, squares, 0.5).or_raise()?;
            let lines = ops::binary(g, Binary::Mul, delta, far, None).or_raise()?;
            let each = ops::binary(g, Binary::Add, squares, lines, None).or_raise()?;
            joined(tf, given, each)
        },
    ),
    (
        "tf.losses.log_loss(labels, predictions, weights=1.0, epsilon=1e-7, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| {
            let g = &tf.graph;
            let (z, p) = predicted(tf, given)?;
            let number = |value| ops::scalar(g, value, g.dtype(p)).or_raise();
            let (one, epsilon) = (number(1.0)?, number(given.float("epsilon")?)?);
            let part = |z: Symbol, p: Symbol| -> Outcome<Symbol> {
                let shifted = ops::binary(g, Binary::Add, p, epsilon, None).or_raise()?;
                let log = ops::unary(g, Unary::Log, shifted, None).or_raise()?;
                ops::binary(g, Binary::Mul, z, log, None).or_raise()
            };
            let not = |x| ops::binary(g, Binary::Sub, one, x, None).or_raise();
            let sum = ops::binary(g, Binary::Add, part(z, p)?, part(not(z)?, not(p)?)?, None).or_raise()?;
            let each = ops::unary(g, Unary::Neg, sum, None).or_raise()?;
            joined(tf, given, each)
        },
    ),
    (
        "tf.losses.hinge_loss(labels, logits, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| {
            let g = &tf.graph;
            let x = convert::tensor(tf, given, "logits")?;
            let z = convert::symbol(tf, given.value("labels"), Some(g.dtype(x)))?;
            let z = ops::cast(g, z, g.dtype(x), None).or_raise()?;
            let one = ops::scalar(g, 1.0, g.dtype(x)).or_raise()?;
            let doubled = ops::scaled(g, z, 2.0).or_raise()?;
            let sign = ops::binary(g, Binary::Sub, doubled, one, None).or_raise()?;
            let product = ops::binary(g, Binary::Mul, sign, x, None).or_raise()?;
            let room = ops::binary(g, Binary::Sub, one, product, None).or_raise()?;
            let each = ops::unary(g, Unary::Relu, room, None).or_raise()?;
            joined(tf, given, each)
        },
    ),
    (
        "tf.losses.sparse_softmax_cross_entropy(labels, logits, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| entropy(tf, given, "labels", Loss::SparseSoftmaxCrossEntropy),
    ),
    (
        "tf.losses.softmax_cross_entropy(onehot_labels, logits, weights=1.0, label_smoothing=0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| {
            if given.float("label_smoothing")? != 0.0 {
                return Err(convert::unsupported("label_smoothing must be 0 here", "smooth the labels yourself"));
            }
            entropy(tf, given, "onehot_labels", Loss::SoftmaxCrossEntropy)
        },
    ),
    (
        "tf.losses.sigmoid_cross_entropy(multi_class_labels, logits, weights=1.0, label_smoothing=0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| entropy(tf, given, "multi_class_labels", Loss::SigmoidCrossEntropy),
    ),
    ("tf.losses.add_loss(loss, loss_collection='losses')", |tf, _, given| {
        let loss = convert::tensor(tf, given, "loss")?;
        if let Some(collection) = given.value("loss_collection").as_str() {
            tf.graph.add_to_collection(collection, loss);
        }
        Ok(Value::None)
    }),
    ("tf.losses.get_losses(scope=None, loss_collection='losses')", |tf, _, given| {
        Ok(tf.values(tf.graph.collection(given.str("loss_collection")?, given.value("scope").as_str())))
    }),
    ("tf.losses.get_regularization_loss(scope=None, name=None)", |tf, _, given| {
        let all =
            tf.graph.collection(crate::frontend::tensorflow::REGULARIZATION_LOSSES, given.value("scope").as_str());
        if all.is_empty() {
            return Ok(tf.value(ops::scalar(&tf.graph, 0.0, DType::Float32).or_raise()?));
        }
        Ok(tf.value(tf.graph.add(crate::nn::dataflow::Pointwise::AddN, &all, name(given)?).or_raise()?))
    }),
];

fn predicted(tf: &Rc<Tf>, given: &Given) -> Outcome<(Symbol, Symbol)> {
    let predictions = convert::tensor(tf, given, "predictions")?;
    let labels = convert::symbol(tf, given.value("labels"), Some(tf.graph.dtype(predictions)))?;
    Ok((ops::cast(&tf.graph, labels, tf.graph.dtype(predictions), None).or_raise()?, predictions))
}

fn entropy(tf: &Rc<Tf>, given: &Given, labels: &str, loss: Loss) -> Outcome {
    let logits = convert::tensor(tf, given, "logits")?;
    let like = (loss != Loss::SparseSoftmaxCrossEntropy).then(|| tf.graph.dtype(logits));
    let mut labels = convert::symbol(tf, given.value(labels), like)?;
    if let Some(like) = like {
        labels = ops::cast(&tf.graph, labels, like, None).or_raise()?;
    }
    let each = tf.graph.add(loss, &[labels, logits], None).or_raise()?;
    joined(tf, given, each)
}

fn joined(tf: &Rc<Tf>, given: &Given, each: Symbol) -> Outcome {
    let loss = match given.value("reduction").as_str() {
        Some("none") => each,
        Some("weighted_sum") => {
            let weights = convert::symbol(tf, given.value("weights"), Some(tf.graph.dtype(each)))?;
            let products = ops::binary(&tf.graph, Binary::Mul, each, weights, None).or_raise()?;
            ops::reduce(&tf.graph, Reduce::Sum, products, None, false, Some("value")).or_raise()?
        }
        _ => nn::weighted_mean(tf, each, given.value("weights"))?,
    };
    if let Some(collection) = given.value("loss_collection").as_str() {
        tf.graph.add_to_collection(collection, loss);
    }
    Ok(tf.value(loss))
}
