//! `tf.clip_by_norm`, `tf.clip_by_global_norm`, `tf.global_norm`: gradients and other tensors held to a length.
//!
//! Formulas and names: TensorFlow's documentation.

use std::rc::Rc;

use super::{
    bound::{Entry, OrRaise, name},
    convert,
    objects::Tf,
};
use crate::{
    frontend::{
        python::{Given, Outcome, Raised, Value},
        tensorflow::{Symbol, ops},
    },
    nn::dataflow::{Binary, DType, Linear, Pointwise, Reduce, Unary},
};

/// The functions.
pub(super) const ALL: &[Entry] = &[
    ("tf.clip_by_norm(t, clip_norm, axes=None, name=None)", |tf, _, given| {
        let x = convert::floats(tf, given, "t")?;
        let _scope = tf.graph.name_scope(name(given)?.unwrap_or("clip_by_norm"));
        let norm = convert::symbol(tf, given.value("clip_norm"), Some(tf.graph.dtype(x)))?;
        let axes = convert::axes(given, &["axes"])?;
        let squares = ops::unary(&tf.graph, Unary::Square, x, None).or_raise()?;
        let sum = ops::reduce(&tf.graph, Reduce::Sum, squares, axes.as_deref(), true, None).or_raise()?;
        let inverse = ops::unary(&tf.graph, Unary::Rsqrt, sum, None).or_raise()?;
        Ok(tf.value(held(tf, x, inverse, norm)?))
    }),
    ("tf.global_norm(t_list, name=None)", |tf, _, given| {
        let tensors = tensors(tf, given)?;
        let _scope = tf.graph.name_scope(name(given)?.unwrap_or("global_norm"));
        Ok(tf.value(global_norm(tf, &tensors)?))
    }),
    ("tf.clip_by_global_norm(t_list, clip_norm, use_norm=None, name=None)", |tf, _, given| {
        let tensors = tensors(tf, given)?;
        let _scope = tf.graph.name_scope(name(given)?.unwrap_or("clip_by_global_norm"));
        let together = match given.some("use_norm") {
            Some(norm) => convert::symbol(tf, norm, Some(DType::Float32))?,
            None => global_norm(tf, &tensors)?,
        };
        let norm = convert::symbol(tf, given.value("clip_norm"), Some(DType::Float32))?;
        let inverse = ops::unary(&tf.graph, Unary::Reciprocal, together, None).or_raise()?;
        let clipped = tensors.iter().map(|tensor| match tensor {
            Some(tensor) => Ok(tf.value(held(tf, *tensor, inverse, norm)?)),
            None => Ok(Value::None),
        });
        Ok(Value::tuple(vec![Value::list(clipped.collect::<Outcome<Vec<_>>>()?), tf.value(together)]))
    }),
];

/// The tensors of `t_list`, where None stays None.
fn tensors(tf: &Rc<Tf>, given: &Given) -> Outcome<Vec<Option<Symbol>>> {
    let items = given.value("t_list").as_items().ok_or_else(|| given.wrong("t_list", "a list of tensors"))?;
    items.iter().map(|item| if item.is_none() { Ok(None) } else { convert::symbol(tf, item, None).map(Some) }).collect()
}

/// The length of all tensors together.
fn global_norm(tf: &Rc<Tf>, tensors: &[Option<Symbol>]) -> Outcome<Symbol> {
    let halves = tensors.iter().flatten().map(|&tensor| tf.graph.add(Linear::L2Loss, &[tensor], None).or_raise());
    let halves = halves.collect::<Outcome<Vec<_>>>()?;
    if halves.is_empty() {
        return Err(Raised::value_error("the norm of no tensors"));
    }
    let half = tf.graph.add(Pointwise::AddN, &halves, None).or_raise()?;
    let squared = ops::scaled(&tf.graph, half, 2.0).or_raise()?;
    ops::unary(&tf.graph, Unary::Sqrt, squared, None).or_raise()
}

/// `x`, whose length has this inverse, made no longer than `norm`.
fn held(tf: &Rc<Tf>, x: Symbol, inverse: Symbol, norm: Symbol) -> Outcome<Symbol> {
    let most = ops::unary(&tf.graph, Unary::Reciprocal, norm, None).or_raise()?;
    let factor = ops::binary(&tf.graph, Binary::Minimum, inverse, most, None).or_raise()?;
    let factor = ops::binary(&tf.graph, Binary::Mul, norm, factor, None).or_raise()?;
    ops::binary(&tf.graph, Binary::Mul, x, factor, None).or_raise()
}
