//! Functions of `tf`, `tf.nn` and `tf.image` on symbols, composed of dataflow's primitives with TensorFlow's names.

use super::state::{Graph, Symbol};
use crate::{
    error::{Error, Kind, Result},
    nn::dataflow::{
        Array, Binary, DType, Dims, Index, Linear, Op, Pointwise, Random, Reduce, Reduction, Resize, Slice, Unary,
        Window, Windowed,
    },
};

macro_rules! families {
    ($($family:ident)*) => {
        $(impl From<$family> for Op {
            fn from(operation: $family) -> Op {
                Op::$family(operation)
            }
        })*
    };
}
families! { Pointwise Array Slice Reduction Linear Windowed Random Resize }

impl From<crate::nn::dataflow::Normalization> for Op {
    fn from(operation: crate::nn::dataflow::Normalization) -> Op {
        Op::Normalization(operation)
    }
}

impl From<crate::nn::dataflow::Loss> for Op {
    fn from(operation: crate::nn::dataflow::Loss) -> Op {
        Op::Loss(operation)
    }
}

/// A function of one tensor.
///
/// # Errors
/// When its type does not fit.
pub fn unary(graph: &Graph, function: Unary, x: Symbol, name: Option<&str>) -> Result<Symbol> {
    graph.add(Pointwise::Unary(function), &[x], name)
}

/// A function of two tensors.
///
/// # Errors
/// When types or sizes do not fit.
pub fn binary(graph: &Graph, function: Binary, a: Symbol, b: Symbol, name: Option<&str>) -> Result<Symbol> {
    graph.add(Pointwise::Binary(function), &[a, b], name)
}

/// A scalar.
///
/// # Errors
/// `Kind::Limit` when the graph is full.
pub fn scalar(graph: &Graph, value: f64, dtype: DType) -> Result<Symbol> {
    graph.constant(vec![value], &[], dtype, None)
}

/// `x · factor`
///
/// # Errors
/// When `x` is no number.
pub fn scaled(graph: &Graph, x: Symbol, factor: f64) -> Result<Symbol> {
    let factor = scalar(graph, factor, graph.dtype(x))?;
    binary(graph, Binary::Mul, x, factor, Some("mul"))
}

/// A list of sizes.
///
/// # Errors
/// `Kind::Limit` when the graph is full.
pub fn sizes(graph: &Graph, sizes: &[i64]) -> Result<Symbol> {
    let values = sizes.iter().map(|&size| size as f64).collect();
    graph.constant(values, &[sizes.len() as i64], DType::Int32, None)
}

/// `tf.reshape` with numbers, one of which may be −1.
///
/// # Errors
/// When the elements do not fit.
pub fn reshape(graph: &Graph, x: Symbol, to: &[i64], name: Option<&str>) -> Result<Symbol> {
    let to = sizes(graph, to)?;
    graph.add(Array::Reshape, &[x, to], name)
}

/// `tf.transpose`; without an order the dims turn round.
///
/// # Errors
/// When the order does not fit.
pub fn transpose(graph: &Graph, x: Symbol, order: Option<&[i64]>, name: Option<&str>) -> Result<Symbol> {
    let dims = graph.dims(x);
    let order = match order {
        None => (0..dims.rank()).rev().collect(),
        Some(order) => {
            order.iter().map(|&axis| dims.axis(axis)).collect::<Result<_>>().map_err(|error| graph.placed(error))?
        }
    };
    graph.add(Array::Transpose(order), &[x], name)
}

/// An axis of `x`, counted from the end when negative; `extra` 1 for a new axis.
///
/// # Errors
/// When there is none.
pub fn axis(graph: &Graph, x: Symbol, axis: i64, extra: usize) -> Result<usize> {
    let mut dims = graph.dims(x);
    dims.0.extend(vec![Some(1); extra]);
    dims.axis(axis).map_err(|error| graph.placed(error))
}

/// `tf.concat`
///
/// # Errors
/// When sizes or types differ.
pub fn concat(graph: &Graph, values: &[Symbol], along: i64, name: Option<&str>) -> Result<Symbol> {
    let Some(&first) = values.first() else {
        return Err(graph.placed(Error::new(Kind::Argument, "concat of no tensors")));
    };
    let along = axis(graph, first, along, 0)?;
    graph.add(Array::Concat(along), values, name)
}

/// `tf.stack`
///
/// # Errors
/// When sizes or types differ.
pub fn stack(graph: &Graph, values: &[Symbol], along: i64, name: Option<&str>) -> Result<Symbol> {
    let Some(&first) = values.first() else {
        return Err(graph.placed(Error::new(Kind::Argument, "stack of no tensors")));
    };
    let along = axis(graph, first, along, 1)?;
    graph.add(Array::Stack(along), values, name)
}

/// `tf.unstack`
///
/// # Errors
/// When the dim's extent is not known.
pub fn unstack(graph: &Graph, x: Symbol, along: i64, name: Option<&str>) -> Result<Vec<Symbol>> {
    let along = axis(graph, x, along, 0)?;
    let Some(extent) = graph.dims(x).0[along].filter(|&extent| extent <= 10_000) else {
        return Err(graph.placed(
            Error::new(Kind::Shape, format!("dimension {along} has no known extent to take apart"))
                .with_fact("it was given", graph.dims(x).to_string()),
        ));
    };
    let first = graph.add(Array::Unstack(along, extent as usize), &[x], name)?;
    Ok(graph.results(first))
}

/// `tf.split` into these extents, or with `None` into `count` equal ones.
///
/// # Errors
/// When they do not fit.
pub fn split(graph: &Graph, x: Symbol, parts: &[i64], along: i64, name: Option<&str>) -> Result<Vec<Symbol>> {
    let along = axis(graph, x, along, 0)?;
    let first = graph.add(Array::Split(along, parts.to_vec()), &[x], name)?;
    Ok(graph.results(first))
}

/// `tf.reduce_*`; over all axes for `None`.
///
/// # Errors
/// When an axis does not exist.
pub fn reduce(
    graph: &Graph,
    reduce: Reduce,
    x: Symbol,
    axes: Option<&[i64]>,
    keep: bool,
    name: Option<&str>,
) -> Result<Symbol> {
    let axes = graph.dims(x).axes(axes).map_err(|error| graph.placed(error))?;
    graph.add(Reduction::Over { reduce, axes, keep }, &[x], name)
}

/// `tf.cast`; nothing happens to a tensor that has the type already.
///
/// # Errors
/// `Kind::Limit` when the graph is full.
pub fn cast(graph: &Graph, x: Symbol, dtype: DType, name: Option<&str>) -> Result<Symbol> {
    if graph.dtype(x) == dtype {
        return Ok(x);
    }
    graph.add(Pointwise::Cast(dtype), &[x], name)
}

/// A subscript, `...` written out; entries for fewer dims leave the rest whole.
///
/// # Errors
/// When it reaches outside.
pub fn subscript(graph: &Graph, x: Symbol, indices: Vec<Index>) -> Result<Symbol> {
    graph.add(Slice::Strided(indices), &[x], None)
}

/// `tf.matmul`
///
/// # Errors
/// When the matrices do not meet.
pub fn matmul(graph: &Graph, a: Symbol, b: Symbol, turned: (bool, bool), name: Option<&str>) -> Result<Symbol> {
    graph.add(Linear::MatMul { transpose_a: turned.0, transpose_b: turned.1 }, &[a, b], name)
}

/// `tf.nn.bias_add`
///
/// # Errors
/// When the bias does not fit.
pub fn bias_add(graph: &Graph, x: Symbol, bias: Symbol, name: Option<&str>) -> Result<Symbol> {
    graph.add(Linear::BiasAdd, &[x, bias], name)
}

/// `tf.nn.moments`: mean and variance.
///
/// # Errors
/// When an axis does not exist.
pub fn moments(graph: &Graph, x: Symbol, axes: &[i64], keep: bool, name: Option<&str>) -> Result<(Symbol, Symbol)> {
    let _scope = graph.name_scope(name.unwrap_or("moments"));
    let mean = reduce(graph, Reduce::Mean, x, Some(axes), true, Some("mean"))?;
    let steady = graph.add(Pointwise::StopGradient, &[mean], None)?;
    let squares = binary(graph, Binary::SquaredDifference, x, steady, None)?;
    let variance = reduce(graph, Reduce::Mean, squares, Some(axes), keep, Some("variance"))?;
    if keep {
        return Ok((mean, variance));
    }
    let dropped = graph.dims(x).axes(Some(axes)).map_err(|error| graph.placed(error))?;
    Ok((graph.add(Array::Squeeze(dropped), &[mean], None)?, variance))
}

/// `tf.nn.l2_normalize`
///
/// # Errors
/// When an axis does not exist.
pub fn l2_normalize(
    graph: &Graph,
    x: Symbol,
    axes: Option<&[i64]>,
    epsilon: f64,
    name: Option<&str>,
) -> Result<Symbol> {
    let _scope = graph.name_scope(name.unwrap_or("l2_normalize"));
    let squares = unary(graph, Unary::Square, x, None)?;
    let sum = reduce(graph, Reduce::Sum, squares, axes, true, None)?;
    let epsilon = scalar(graph, epsilon, graph.dtype(x))?;
    let floor = binary(graph, Binary::Maximum, sum, epsilon, None)?;
    let inverse = unary(graph, Unary::Rsqrt, floor, None)?;
    binary(graph, Binary::Mul, x, inverse, None)
}

/// Rows and columns of a list as TensorFlow writes strides and windows: `[1, h, w, 1]`, `[h, w]`, or one number.
///
/// # Errors
/// `Kind::Argument` when it is something else, or a step over images or planes.
pub fn rows_and_columns(graph: &Graph, what: &str, list: &[i64]) -> Result<[i64; 2]> {
    let found = match *list {
        [both] => Some([both, both]),
        [h, w] => Some([h, w]),
        [1, h, w, 1] => Some([h, w]),
        _ => None,
    };
    found.filter(|pair| pair.iter().all(|n| (1..=1 << 20).contains(n))).ok_or_else(|| {
        graph.placed(
            Error::new(Kind::Argument, format!("{what} is {list:?}"))
                .with_fact("it should be", "[1, rows, columns, 1] or [rows, columns], each at least 1"),
        )
    })
}

/// `tf.nn.conv2d`
///
/// # Errors
/// When the kernel does not fit.
pub fn conv2d(graph: &Graph, x: Symbol, kernel: Symbol, window: Window, name: Option<&str>) -> Result<Symbol> {
    graph.add(Windowed::Conv2d(window), &[x, kernel], name)
}

/// A list of sizes of which some are known numbers and some scalars of the graph.
///
/// # Errors
/// When a scalar is none.
pub fn packed_sizes(graph: &Graph, entries: &[Result<i64, Symbol>]) -> Result<Symbol> {
    if let Ok(numbers) = entries.iter().copied().collect::<Result<Vec<i64>, Symbol>>() {
        return sizes(graph, &numbers);
    }
    let scalars = entries.iter().map(|entry| match entry {
        Ok(number) => scalar(graph, *number as f64, DType::Int32),
        Err(symbol) => {
            let dims = graph.dims(*symbol);
            if dims != Dims::default() || !graph.dtype(*symbol).is_integer() {
                return Err(graph.placed(
                    Error::new(Kind::Shape, "a size is one whole number")
                        .with_fact("it is", graph.meta(*symbol).to_string()),
                ));
            }
            cast(graph, *symbol, DType::Int32, None)
        }
    });
    let scalars = scalars.collect::<Result<Vec<_>>>()?;
    graph.add(Array::Stack(0), &scalars, None)
}
