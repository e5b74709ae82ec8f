//! `slim.losses`, which is `tf.contrib.losses` of TensorFlow 1.x: predictions first, weights of whole samples, and a hinge
//! loss that stays a tensor.

use std::rc::Rc;

use super::{bound::Entry, loss_elements as elements, losses, objects::Tf, weighing};
use crate::frontend::{
    python::{Given, Outcome},
    tensorflow::Symbol,
};

/// The losses; their weighted mean joins the collection `losses`.
pub(super) const ALL: &[Entry] = &[
    ("slim.losses.absolute_difference(predictions, labels=None, weights=1.0, scope=None)", |tf, _, given| {
        joined(tf, given, elements::absolute(tf, given)?)
    }),
    (
        "slim.losses.sigmoid_cross_entropy(logits, multi_class_labels, weights=1.0, label_smoothing=0, scope=None)",
        |tf, _, given| joined(tf, given, elements::sigmoid(tf, given)?),
    ),
    (
        "slim.losses.softmax_cross_entropy(logits, onehot_labels, weights=1.0, label_smoothing=0, scope=None)",
        |tf, _, given| joined(tf, given, elements::softmax(tf, given)?),
    ),
    ("slim.losses.sparse_softmax_cross_entropy(logits, labels, weights=1.0, scope=None)", |tf, _, given| {
        joined(tf, given, elements::sparse_softmax(tf, given)?)
    }),
    ("slim.losses.log_loss(predictions, labels=None, weights=1.0, epsilon=1e-7, scope=None)", |tf, _, given| {
        joined(tf, given, elements::logarithmic(tf, given)?)
    }),
    ("slim.losses.hinge_loss(logits, labels=None, scope=None)", |tf, _, given| {
        Ok(tf.value(elements::hinge(tf, given)?))
    }),
    ("slim.losses.mean_squared_error(predictions, labels=None, weights=1.0, scope=None)", |tf, _, given| {
        joined(tf, given, elements::squared(tf, given)?)
    }),
    ("slim.losses.mean_pairwise_squared_error(predictions, labels=None, weights=1.0, scope=None)", |tf, _, given| {
        losses::collected(tf, Some("losses"), weighing::pairwise(tf, given, weighing::Pairs::All)?)
    }),
    (
        "slim.losses.cosine_distance(predictions, labels=None, axis=None, weights=1.0, scope=None, dim=None)",
        |tf, _, given| joined(tf, given, elements::cosine(tf, given, false)?),
    ),
    ("slim.losses.compute_weighted_loss(losses, weights=1.0, scope=None)", |tf, _, given| {
        joined(tf, given, elements::floats(tf, given, "losses")?)
    }),
];

fn joined(tf: &Rc<Tf>, given: &Given, each: Symbol) -> Outcome {
    let weights = weighing::of_samples(tf, each, given.value("weights"))?;
    losses::collected(tf, Some("losses"), weighing::mean(tf, each, weights)?)
}
