//! `tf`'s functions that arrange elements, make constants and draw random numbers.

use std::rc::Rc;

use super::{
    bound::{Entry, OrRaise, name},
    convert,
    objects::{Tensor, Tf},
    tensor::shape_of,
};
use crate::{
    error::{Error, Kind},
    frontend::{
        python::{Given, Outcome, Raised, Value},
        tensorflow::{Symbol, ops},
    },
    nn::dataflow::{Array, DType, Distribution, PadMode, Random, Slice},
};

fn filled(tf: &Rc<Tf>, given: &Given, value: f64) -> Outcome {
    let sizes = convert::size_tensor(tf, given.value("shape"))?;
    let dtype = convert::dtype_or(given.value("dtype"), DType::Float32)?;
    Ok(tf.value(tf.graph.add(Array::Fill(value, dtype), &[sizes], name(given)?).or_raise()?))
}

fn filled_like(tf: &Rc<Tf>, given: &Given, value: f64) -> Outcome {
    let x = convert::tensor(tf, given, "tensor")?;
    let dtype = convert::dtype_or(given.value("dtype"), tf.graph.dtype(x))?;
    Ok(tf.value(tf.graph.add(Array::FillLike(value, dtype), &[x], name(given)?).or_raise()?))
}

fn drawn(tf: &Rc<Tf>, given: &Given, distribution: Distribution) -> Outcome {
    let sizes = convert::size_tensor(tf, given.value("shape"))?;
    let dtype = convert::dtype_or(given.value("dtype"), DType::Float32)?;
    Ok(tf.value(tf.graph.add(Random::Draw(distribution, dtype), &[sizes], name(given)?).or_raise()?))
}

fn several(tf: &Rc<Tf>, given: &Given, argument: &str) -> Outcome<Vec<Symbol>> {
    let items = given.value(argument).as_items().ok_or_else(|| given.wrong(argument, "a list of tensors"))?;
    // Plain numbers take the type of the tensors among them.
    let like = items.iter().find_map(|item| item.as_native::<Tensor>()).map(|tensor| tf.graph.dtype(tensor.symbol));
    items.iter().map(|item| convert::symbol(tf, item, like)).collect()
}

fn axis_of(given: &Given, names: &[&str], default: i64) -> Outcome<i64> {
    for name in names {
        if given.some(name).is_some() {
            return convert::whole_list(given, name)?.first().copied().ok_or_else(|| given.wrong(name, "an axis"));
        }
    }
    Ok(default)
}

/// A number of classes, each of which has an element in the result: how many fit is the graph's to say.
pub(super) fn depth(given: &Given, argument: &str) -> Outcome<i64> {
    let depth = convert::whole(given.value(argument)).ok_or_else(|| given.wrong(argument, "a number of classes"))?;
    match depth < 0 {
        true => Err(Raised::value_error(format!("{argument} must be non-negative, and is {depth}"))),
        false => Ok(depth),
    }
}

/// Arrangements, constants, random numbers.
pub(super) const ALL: &[Entry] = &[
    ("tf.constant(value, dtype=None, shape=None, name='Const', verify_shape=False)", |tf, _, given| {
        let dtype = given.some("dtype").map(convert::dtype).transpose()?;
        let symbol = convert::named_symbol(tf, given.value("value"), dtype, name(given)?)?;
        let Some(shape) = given.some("shape") else { return Ok(tf.value(symbol)) };
        let sizes = convert::sizes(shape)?;
        let operation = tf.graph.operation(symbol);
        let crate::frontend::tensorflow::Source::Constant(constant) = &operation.source else {
            return Err(given.wrong("value", "a number or a list of numbers"));
        };
        let mut values = constant.values.clone();
        let count: i64 = sizes.iter().product();
        // The last number stands for what is missing.
        if let (Some(&last), true) = (values.last(), (values.len() as i64) < count && count < 1 << 24) {
            values.resize(count as usize, last);
        }
        Ok(tf.value(tf.graph.constant(values, &sizes, tf.graph.dtype(symbol), name(given)?).or_raise()?))
    }),
    ("tf.convert_to_tensor(value, dtype=None, name=None, preferred_dtype=None)", |tf, _, given| {
        let dtype = given.some("dtype").map(convert::dtype).transpose()?;
        Ok(tf.value(convert::named_symbol(tf, given.value("value"), dtype, name(given)?)?))
    }),
    ("tf.shape(input, name=None, out_type=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "input")?;
        let dtype = convert::dtype_or(given.value("out_type"), DType::Int32)?;
        Ok(tf.value(shape_of(tf, x, dtype, name(given)?)?))
    }),
    ("tf.size(input, name=None, out_type=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "input")?;
        let dtype = convert::dtype_or(given.value("out_type"), DType::Int32)?;
        Ok(tf.value(tf.graph.add(Array::Size(dtype), &[x], name(given)?).or_raise()?))
    }),
    ("tf.rank(input, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "input")?;
        let rank = tf.graph.dims(x).rank() as f64;
        Ok(tf.value(tf.graph.constant(vec![rank], &[], DType::Int32, Some(name(given)?.unwrap_or("Rank"))).or_raise()?))
    }),
    ("tf.reshape(tensor, shape, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "tensor")?;
        let sizes = convert::size_tensor(tf, given.value("shape"))?;
        Ok(tf.value(tf.graph.add(Array::Reshape, &[x, sizes], name(given)?).or_raise()?))
    }),
    ("tf.transpose(a, perm=None, name='transpose', conjugate=False)", |tf, _, given| {
        let x = convert::tensor(tf, given, "a")?;
        let order = given.some("perm").map(|_| convert::whole_list(given, "perm")).transpose()?;
        Ok(tf.value(ops::transpose(&tf.graph, x, order.as_deref(), name(given)?).or_raise()?))
    }),
    ("tf.matrix_transpose(a, name='matrix_transpose')", |tf, _, given| {
        let x = convert::tensor(tf, given, "a")?;
        let rank = tf.graph.dims(x).rank() as i64;
        let order: Vec<i64> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
        Ok(tf.value(ops::transpose(&tf.graph, x, Some(&order), name(given)?).or_raise()?))
    }),
    ("tf.expand_dims(input, axis=None, name=None, dim=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "input")?;
        let axis = axis_of(given, &["axis", "dim"], 0)?;
        let axis = ops::axis(&tf.graph, x, axis, 1).or_raise()?;
        Ok(tf.value(tf.graph.add(Array::ExpandDims(axis), &[x], name(given)?).or_raise()?))
    }),
    ("tf.squeeze(input, axis=None, name=None, squeeze_dims=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "input")?;
        let dims = tf.graph.dims(x);
        let axes = match convert::axes(given, &["axis", "squeeze_dims"])? {
            Some(axes) if !axes.is_empty() => dims.axes(Some(&axes)).or_raise()?,
            _ => (0..dims.rank()).filter(|&dim| dims.0[dim] == Some(1)).collect(),
        };
        Ok(tf.value(tf.graph.add(Array::Squeeze(axes), &[x], name(given)?).or_raise()?))
    }),
    ("tf.concat(values, axis, name='concat')", |tf, _, given| {
        // Files of TensorFlow 0.x write the axis first.
        let (values, axis) = match given.value("values").as_int() {
            Some(axis) => (several(tf, given, "axis")?, axis),
            None => (several(tf, given, "values")?, axis_of(given, &["axis"], 0)?),
        };
        Ok(tf.value(ops::concat(&tf.graph, &values, axis, name(given)?).or_raise()?))
    }),
    ("tf.stack(values, axis=0, name='stack')", |tf, _, given| {
        let values = several(tf, given, "values")?;
        Ok(tf.value(ops::stack(&tf.graph, &values, given.int("axis")?, name(given)?).or_raise()?))
    }),
    ("tf.pack(values, axis=0, name='pack')", |tf, _, given| {
        let values = several(tf, given, "values")?;
        Ok(tf.value(ops::stack(&tf.graph, &values, given.int("axis")?, name(given)?).or_raise()?))
    }),
    ("tf.unstack(value, num=None, axis=0, name='unstack')", |tf, _, given| {
        let x = convert::tensor(tf, given, "value")?;
        Ok(tf.values(ops::unstack(&tf.graph, x, given.int("axis")?, name(given)?).or_raise()?))
    }),
    ("tf.split(value, num_or_size_splits, axis=0, num=None, name='split')", |tf, _, given| {
        let x = convert::tensor(tf, given, "value")?;
        let axis = given.int("axis")?;
        let at = ops::axis(&tf.graph, x, axis, 0).or_raise()?;
        let parts = match given.value("num_or_size_splits").as_int() {
            None => convert::whole_list(given, "num_or_size_splits")?,
            Some(count) if !(1..=10_000).contains(&count) => {
                return Err(Raised::value_error(format!("a tensor cannot be split into {count} parts")));
            }
            Some(count) => match tf.graph.dims(x).0[at] {
                Some(extent) if extent % count == 0 => vec![extent / count; count as usize],
                extent => {
                    let extent = extent.map_or("?".into(), |extent| extent.to_string());
                    return Err(Raised::value_error(format!(
                        "dimension {at} of {extent} cannot be split into {count} equal parts"
                    ))
                    .with_fact("it was given", tf.graph.dims(x).to_string()));
                }
            },
        };
        Ok(tf.values(ops::split(&tf.graph, x, &parts, axis, name(given)?).or_raise()?))
    }),
    ("tf.tile(input, multiples, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "input")?;
        let multiples = convert::size_tensor(tf, given.value("multiples"))?;
        Ok(tf.value(tf.graph.add(Array::Tile, &[x, multiples], name(given)?).or_raise()?))
    }),
    ("tf.pad(tensor, paddings, mode='CONSTANT', name=None, constant_values=0)", |tf, _, given| {
        let x = convert::tensor(tf, given, "tensor")?;
        let rows = given.value("paddings").as_items().ok_or_else(|| given.wrong("paddings", "a list of pairs"))?;
        let pairs = rows.iter().map(|row| match row.as_items()?.as_slice() {
            [a, b] => Some((a.as_int()?, b.as_int()?)),
            _ => None,
        });
        let paddings: Option<Vec<(i64, i64)>> = pairs.collect();
        let paddings = paddings.ok_or_else(|| given.wrong("paddings", "a pair of whole numbers for each dimension"))?;
        let all = paddings.iter().flat_map(|&(before, behind)| [before, behind]);
        if let Some(wrong) = all.clone().find(|padding| *padding < 0) {
            return Err(Raised::value_error(format!("paddings must be non-negative, and one is {wrong}")));
        }
        if let Some(wrong) = all.clone().find(|padding| *padding >= 1 << 31) {
            return Err(Raised::end(Error::new(
                Kind::Limit,
                format!("a tensor padded by {wrong} does not fit into memory"),
            )));
        }
        let mode = match given.str("mode")?.to_uppercase().as_str() {
            "CONSTANT" => PadMode::Constant(given.float("constant_values")?),
            "REFLECT" => PadMode::Reflect,
            "SYMMETRIC" => PadMode::Symmetric,
            _ => return Err(given.wrong("mode", "'CONSTANT', 'REFLECT' or 'SYMMETRIC'")),
        };
        Ok(tf.value(tf.graph.add(Array::Pad { paddings, mode }, &[x], name(given)?).or_raise()?))
    }),
    ("tf.slice(input_, begin, size, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "input_")?;
        let begin = convert::size_tensor(tf, given.value("begin"))?;
        let size = convert::size_tensor(tf, given.value("size"))?;
        Ok(tf.value(tf.graph.add(Slice::Slice, &[x, begin, size], name(given)?).or_raise()?))
    }),
    ("tf.gather(params, indices, validate_indices=None, name=None, axis=0)", |tf, _, given| {
        let x = convert::tensor(tf, given, "params")?;
        let indices = convert::tensor(tf, given, "indices")?;
        let axis = ops::axis(&tf.graph, x, given.int("axis")?, 0).or_raise()?;
        Ok(tf.value(tf.graph.add(Slice::Gather(axis), &[x, indices], name(given)?).or_raise()?))
    }),
    ("tf.reverse(tensor, axis, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "tensor")?;
        let axes = convert::whole_list(given, "axis")?;
        let axes = tf.graph.dims(x).axes(Some(&axes)).or_raise()?;
        Ok(tf.value(tf.graph.add(Array::Reverse(axes), &[x], name(given)?).or_raise()?))
    }),
    ("tf.one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "indices")?;
        let depth = depth(given, "depth")?;
        let value = |name: &str, default: f64| given.some(name).map_or(Ok(default), |_| given.float(name));
        let (on, off) = (value("on_value", 1.0)?, value("off_value", 0.0)?);
        let dtype = convert::dtype_or(given.value("dtype"), DType::Float32)?;
        let axis = match given.some("axis").and_then(Value::as_int) {
            None | Some(-1) => None,
            Some(axis) => Some(ops::axis(&tf.graph, x, axis, 1).or_raise()?),
        };
        let hot = Array::OneHot { depth, on, off, axis, dtype };
        Ok(tf.value(tf.graph.add(hot, &[x], name(given)?).or_raise()?))
    }),
    ("tf.range(start, limit=None, delta=1, dtype=None, name='range')", |tf, _, given| {
        let (start, limit) = match given.some("limit") {
            Some(_) => (given.value("start").clone(), given.value("limit").clone()),
            None => (Value::Int(0), given.value("start").clone()),
        };
        let whole = |value: &Value| convert::symbol(tf, value, Some(DType::Int32));
        let inputs = [whole(&start)?, whole(&limit)?, whole(given.value("delta"))?];
        Ok(tf.value(tf.graph.add(Array::Range, &inputs, name(given)?).or_raise()?))
    }),
    ("tf.broadcast_to(input, shape, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "input")?;
        let sizes = convert::size_tensor(tf, given.value("shape"))?;
        Ok(tf.value(tf.graph.add(Array::BroadcastTo, &[x, sizes], name(given)?).or_raise()?))
    }),
    ("tf.zeros(shape, dtype=None, name=None)", |tf, _, given| filled(tf, given, 0.0)),
    ("tf.ones(shape, dtype=None, name=None)", |tf, _, given| filled(tf, given, 1.0)),
    ("tf.fill(dims, value, name=None)", |tf, _, given| {
        let sizes = convert::size_tensor(tf, given.value("dims"))?;
        let dtype = if matches!(given.value("value"), Value::Int(_)) { DType::Int32 } else { DType::Float32 };
        let value = given.float("value")?;
        Ok(tf.value(tf.graph.add(Array::Fill(value, dtype), &[sizes], name(given)?).or_raise()?))
    }),
    ("tf.zeros_like(tensor, dtype=None, name=None, optimize=True)", |tf, _, given| filled_like(tf, given, 0.0)),
    ("tf.ones_like(tensor, dtype=None, name=None, optimize=True)", |tf, _, given| filled_like(tf, given, 1.0)),
    ("tf.random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None, name=None)", |tf, _, given| {
        let (mean, std) = (given.float("mean")?, given.float("stddev")?);
        drawn(tf, given, Distribution::Normal { mean, std })
    }),
    ("tf.truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None, name=None)", |tf, _, given| {
        let (mean, std) = (given.float("mean")?, given.float("stddev")?);
        drawn(tf, given, Distribution::TruncatedNormal { mean, std })
    }),
    ("tf.random_uniform(shape, minval=0, maxval=None, dtype=None, seed=None, name=None)", |tf, _, given| {
        let low = given.float("minval")?;
        let high = given.some("maxval").map_or(Ok(1.0), |_| given.float("maxval"))?;
        drawn(tf, given, Distribution::Uniform { low, high })
    }),
];
