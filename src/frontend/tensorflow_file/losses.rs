//! `tf.losses`, labels first.

use std::rc::Rc;

use super::{
    bound::{Entry, OrRaise, name},
    convert, loss_elements as elements,
    objects::Tf,
    scopes::scope_argument,
    weighing,
};
use crate::{
    frontend::{
        python::{Given, Outcome, Raised, Value},
        tensorflow::{REGULARIZATION_LOSSES, Symbol, ops},
    },
    nn::dataflow::{Binary, DType, Pointwise, Reduce},
};

/// `tf.losses`: the weighted mean of a loss's elements, which also joins the collection `losses`.
pub(super) const ALL: &[Entry] = &[
    (
        "tf.losses.mean_squared_error(labels, predictions, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| joined(tf, given, elements::squared(tf, given)?),
    ),
    (
        "tf.losses.absolute_difference(labels, predictions, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| joined(tf, given, elements::absolute(tf, given)?),
    ),
    (
        "tf.losses.huber_loss(labels, predictions, weights=1.0, delta=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| joined(tf, given, elements::huber(tf, given)?),
    ),
    (
        "tf.losses.log_loss(labels, predictions, weights=1.0, epsilon=1e-7, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| joined(tf, given, elements::logarithmic(tf, given)?),
    ),
    (
        "tf.losses.cosine_distance(labels, predictions, axis=None, weights=1.0, scope=None, loss_collection='losses', \
         reduction=None, dim=None)",
        |tf, _, given| joined(tf, given, elements::cosine(tf, given, true)?),
    ),
    (
        "tf.losses.hinge_loss(labels, logits, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| joined(tf, given, elements::hinge(tf, given)?),
    ),
    (
        "tf.losses.sparse_softmax_cross_entropy(labels, logits, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| joined(tf, given, elements::sparse_softmax(tf, given)?),
    ),
    (
        "tf.losses.softmax_cross_entropy(onehot_labels, logits, weights=1.0, label_smoothing=0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| joined(tf, given, elements::softmax(tf, given)?),
    ),
    (
        "tf.losses.sigmoid_cross_entropy(multi_class_labels, logits, weights=1.0, label_smoothing=0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| joined(tf, given, elements::sigmoid(tf, given)?),
    ),
    (
        "tf.losses.mean_pairwise_squared_error(labels, predictions, weights=1.0, scope=None, loss_collection='losses')",
        |tf, _, given| {
            let loss = weighing::pairwise(tf, given, weighing::Pairs::Different)?;
            collected(tf, given.value("loss_collection").as_str(), loss)
        },
    ),
    (
        "tf.losses.compute_weighted_loss(losses, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| joined(tf, given, convert::floats(tf, given, "losses")?),
    ),
];

/// What `tf.losses` and slim's losses have alike: what is in the collections.
pub(super) const COLLECTIONS: &[Entry] = &[
    ("tf.losses.add_loss(loss, loss_collection='losses')", |tf, _, given| {
        collected(tf, given.value("loss_collection").as_str(), convert::tensor(tf, given, "loss")?)?;
        Ok(Value::None)
    }),
    ("tf.losses.get_losses(scope=None, loss_collection='losses')", |tf, _, given| {
        Ok(tf.values(own(tf, given.str("loss_collection")?, scope_argument(given)?)))
    }),
    ("tf.losses.get_regularization_losses(scope=None)", |tf, _, given| {
        Ok(tf.values(tf.graph.collection(REGULARIZATION_LOSSES, scope_argument(given)?.as_deref())))
    }),
    ("tf.losses.get_regularization_loss(scope=None, name='total_regularization_loss')", |tf, _, given| {
        let all = tf.graph.collection(REGULARIZATION_LOSSES, scope_argument(given)?.as_deref());
        if all.is_empty() {
            return Ok(tf.value(ops::scalar(&tf.graph, 0.0, DType::Float32).or_raise()?));
        }
        Ok(tf.value(tf.graph.add(Pointwise::AddN, &all, name(given)?).or_raise()?))
    }),
    ("tf.losses.get_total_loss(add_regularization_losses=True, name='total_loss', scope=None)", |tf, _, given| {
        let scope = scope_argument(given)?;
        let mut all = own(tf, "losses", scope.clone());
        if given.bool("add_regularization_losses")? {
            all.extend(tf.graph.collection(REGULARIZATION_LOSSES, scope.as_deref()));
        }
        if all.is_empty() {
            return Err(Raised::value_error("there is no loss to add up")
                .with_help("the functions of tf.losses and slim.losses note their losses, as add_loss does"));
        }
        Ok(tf.value(tf.graph.add(Pointwise::AddN, &all, name(given)?).or_raise()?))
    }),
];

/// Without a scope those of the tower at work: TensorFlow would give validation the training's as well, which DIGITS feeds
/// with other batches.
fn own(tf: &Tf, collection: &str, scope: Option<String>) -> Vec<Symbol> {
    let tower = || tf.graph.current_name_scope().split_inclusive('/').next().map(String::from);
    tf.graph.collection(collection, scope.or_else(tower).as_deref())
}

/// A loss that its collection, if any, notes.
pub(super) fn collected(tf: &Rc<Tf>, collection: Option<&str>, loss: Symbol) -> Outcome {
    if let Some(collection) = collection.filter(|name| !name.is_empty()) {
        tf.graph.add_to_collection(collection, loss);
    }
    Ok(tf.value(loss))
}

fn joined(tf: &Rc<Tf>, given: &Given, each: Symbol) -> Outcome {
    let g = &tf.graph;
    let weights = weighing::broadcast(tf, each, given.value("weights"))?;
    let loss = match (given.value("reduction").as_str(), weights) {
        (Some("none"), None) => each,
        (Some("none"), Some(weights)) => ops::binary(g, Binary::Mul, each, weights, None).or_raise()?,
        (Some("weighted_sum"), weights) => {
            let products = match weights {
                Some(weights) => ops::binary(g, Binary::Mul, each, weights, None).or_raise()?,
                None => each,
            };
            ops::reduce(g, Reduce::Sum, products, None, false, Some("value")).or_raise()?
        }
        (Some("weighted_sum_over_batch_size"), Some(weights)) => {
            let products = ops::binary(g, Binary::Mul, each, weights, None).or_raise()?;
            ops::reduce(g, Reduce::Mean, products, None, false, Some("value")).or_raise()?
        }
        (Some("weighted_mean"), Some(weights)) => weighing::mean_of_weights(tf, each, weights)?,
        (_, weights) => weighing::mean(tf, each, weights)?,
    };
    collected(tf, given.value("loss_collection").as_str(), loss)
}
