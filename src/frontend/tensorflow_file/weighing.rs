//! How losses are weighted and averaged: by `tf.losses`, where weights are as broad as the elements or 1 wide, and by
//! `slim.losses`, where they may leave out the last dimensions.
//!
//! Formulas: TensorFlow's documentation.

use std::rc::Rc;

use super::{bound::OrRaise, convert, loss_elements, objects::Tf};
use crate::{
    frontend::{
        python::{Given, Outcome, Raised, Value},
        tensorflow::{Symbol, ops},
    },
    nn::dataflow::{Array, Binary, Reduce, Unary},
};

/// The weights of `tf.losses`; `None` where they are 1.
pub(super) fn broadcast(tf: &Rc<Tf>, each: Symbol, weights: &Value) -> Outcome<Option<Symbol>> {
    let g = &tf.graph;
    let Some(mut weights) = given(tf, each, weights)? else { return Ok(None) };
    let (own, all) = (g.dims(weights), g.dims(each));
    // Weights [n, 1] of a loss for each of n samples.
    if own.rank() == all.rank() + 1 && own.0.last() == Some(&Some(1)) {
        weights = loss_elements::without_last(tf, weights)?;
    }
    let own = g.dims(weights);
    let mut pairs = own.0.iter().zip(&all.0);
    let fits = own.rank() == all.rank()
        && pairs.all(|(own, all)| *own == Some(1) || own.zip(*all).is_none_or(|(own, all)| own == all));
    if own.rank() == 0 || fits {
        return Ok(Some(weights));
    }
    Err(Raised::value_error("weights can not be broadcast to values")
        .with_fact("weights", own.to_string())
        .with_fact("values", all.to_string())
        .with_help("weights are a number, or have the dimensions of the losses, each as long or 1"))
}

/// The weights of `slim.losses`, brought to the elements' dimensions from the front; `None` where they are 1.
pub(super) fn of_samples(tf: &Rc<Tf>, each: Symbol, weights: &Value) -> Outcome<Option<Symbol>> {
    let g = &tf.graph;
    let Some(mut weights) = given(tf, each, weights)? else { return Ok(None) };
    let own = g.dims(weights);
    if own.rank() > 1 && own.0.last() == Some(&Some(1)) {
        weights = loss_elements::without_last(tf, weights)?;
    }
    let (own, all) = (g.dims(weights), g.dims(each));
    if own.rank() > all.rank() {
        return Err(Raised::value_error("weights have more dimensions than losses")
            .with_fact("weights", own.to_string())
            .with_fact("losses", all.to_string()));
    }
    if own.rank() > 0 {
        for at in own.rank()..all.rank() {
            weights = g.add(Array::ExpandDims(at), &[weights], None).or_raise()?;
        }
    }
    Ok(Some(weights))
}

fn given(tf: &Rc<Tf>, each: Symbol, weights: &Value) -> Outcome<Option<Symbol>> {
    if weights.as_float() == Some(1.0) {
        return Ok(None);
    }
    if weights.is_none() {
        return Err(Raised::value_error("`weights` cannot be None").with_help("1.0 weighs all alike"));
    }
    let (g, dtype) = (&tf.graph, tf.graph.dtype(each));
    let weights = convert::symbol(tf, weights, Some(dtype))?;
    Ok(Some(if g.dtype(weights) == dtype { weights } else { ops::cast(g, weights, dtype, None).or_raise()? }))
}

/// The weighted sum, divided by the number of elements whose weight is not 0.
pub(super) fn mean(tf: &Rc<Tf>, each: Symbol, weights: Option<Symbol>) -> Outcome<Symbol> {
    let g = &tf.graph;
    let Some(weights) = weights else {
        return ops::reduce(g, Reduce::Mean, each, None, false, Some("value")).or_raise();
    };
    let products = ops::binary(g, Binary::Mul, each, weights, None).or_raise()?;
    let present = present(tf, each, weights)?;
    let count = ops::reduce(g, Reduce::Sum, present, None, false, Some("num_present")).or_raise()?;
    let one = ops::scalar(g, 1.0, g.dtype(each)).or_raise()?;
    let count = ops::binary(g, Binary::Maximum, count, one, None).or_raise()?;
    let sum = ops::reduce(g, Reduce::Sum, products, None, false, None).or_raise()?;
    ops::binary(g, Binary::RealDiv, sum, count, Some("value")).or_raise()
}

/// The weighted sum, divided by the sum of the weights.
pub(super) fn mean_of_weights(tf: &Rc<Tf>, each: Symbol, weights: Symbol) -> Outcome<Symbol> {
    let g = &tf.graph;
    let ones = g.add(Array::FillLike(1.0, g.dtype(each)), &[each], None).or_raise()?;
    let sum = |x| {
        let products = ops::binary(g, Binary::Mul, x, weights, None).or_raise()?;
        ops::reduce(g, Reduce::Sum, products, None, false, None).or_raise()
    };
    ops::binary(g, Binary::RealDiv, sum(each)?, sum(ones)?, Some("value")).or_raise()
}

/// 1 for each element whose weight is not 0, else 0.
fn present(tf: &Rc<Tf>, each: Symbol, weights: Symbol) -> Outcome<Symbol> {
    let g = &tf.graph;
    let dtype = g.dtype(each);
    let zero = ops::scalar(g, 0.0, dtype).or_raise()?;
    let present = ops::binary(g, Binary::NotEqual, weights, zero, None).or_raise()?;
    let present = ops::cast(g, present, dtype, None).or_raise()?;
    let ones = g.add(Array::FillLike(1.0, dtype), &[each], None).or_raise()?;
    ops::binary(g, Binary::Mul, present, ones, None).or_raise()
}

/// The pairs of a sample's elements that [`pairwise`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pairs {
    /// Those of two elements: `tf.losses`.
    Different,
    /// Each element with itself, too: `slim.losses`.
    All,
}

/// Of each sample 2·Σd²/n − 2·(Σd)²/n², or with n − 1 and n·(n − 1) of different elements; weighted and summed.
pub(super) fn pairwise(tf: &Rc<Tf>, given: &Given, pairs: Pairs) -> Outcome<Symbol> {
    let g = &tf.graph;
    let [z, p] = loss_elements::predicted(tf, given)?;
    let dtype = g.dtype(p);
    let number = |value: f64| ops::scalar(g, value, dtype).or_raise();
    let op = |function, a, b| ops::binary(g, function, a, b, None).or_raise();
    let differences = op(Binary::Sub, p, z)?;
    let axes: Vec<i64> = (1..g.dims(differences).rank() as i64).collect();
    let sum = |x| ops::reduce(g, Reduce::Sum, x, Some(&axes), true, None).or_raise();
    let weights = match pairs {
        Pairs::Different => broadcast(tf, differences, given.value("weights"))?,
        Pairs::All => of_samples(tf, differences, given.value("weights"))?,
    };
    let weights = weights.map_or_else(|| number(1.0), Ok)?;
    let n = sum(present(tf, differences, weights)?)?;
    let less = match pairs {
        Pairs::Different => op(Binary::Sub, n, number(1.0)?)?,
        Pairs::All => n,
    };
    // Where nothing counts, numerators are not to be divided by 0; the sum is 0 then.
    let floor = |count| op(Binary::Maximum, count, number(1.0)?);
    let squares = sum(ops::unary(g, Unary::Square, differences, None).or_raise()?)?;
    let first = op(Binary::RealDiv, squares, floor(less)?)?;
    let total = sum(differences)?;
    let second = op(Binary::RealDiv, op(Binary::Mul, total, total)?, floor(op(Binary::Mul, n, less)?)?)?;
    let each = ops::scaled(g, op(Binary::Sub, first, second)?, 2.0).or_raise()?;
    let counts = op(Binary::Greater, less, number(0.0)?)?;
    let counts = ops::cast(g, counts, dtype, None).or_raise()?;
    let weighted = op(Binary::Mul, op(Binary::Mul, each, counts)?, weights)?;
    ops::reduce(g, Reduce::Sum, weighted, None, false, Some("value")).or_raise()
}
