//! Products of tensors and convolutions of rows.

use std::rc::Rc;

use super::{
    bound::{Entry, OrRaise, name},
    convert,
    objects::Tf,
    windows,
};
use crate::{
    frontend::{
        python::{Given, Outcome, Raised, Value},
        tensorflow::{Symbol, convolution1d, ops},
    },
    nn::dataflow::Window,
};

/// `tf.tensordot`.
pub(super) const ALL: &[Entry] = &[("tf.tensordot(a, b, axes, name=None)", |tf, _, given| {
    let (a, b) = convert::pair(tf, given, "a", "b")?;
    let _scope = tf.graph.name_scope(name(given)?.unwrap_or("Tensordot"));
    let [left, right] = contracted(tf, given, a, b)?;
    tensordot(tf, (a, left), (b, right))
})];

/// `tf.nn.conv1d`.
pub(super) const NN: &[Entry] = &[(
    "tf.nn.conv1d(value, filters, stride, padding, use_cudnn_on_gpu=None, data_format=None, name=None)",
    |tf, _, given| {
        let (x, kernel) = (convert::tensor(tf, given, "value")?, convert::tensor(tf, given, "filters")?);
        let window = row_window(given, "stride", None)?;
        Ok(tf.value(convolution1d::conv1d(&tf.graph, x, kernel, window, name(given)?).or_raise()?))
    },
)];

/// The window of rows as one of images one pixel high.
pub(super) fn row_window(given: &Given, stride: &str, dilation: Option<&str>) -> Outcome<Window> {
    match given.value("data_format").as_str() {
        None | Some("NWC" | "NHWC" | "channels_last") => {}
        Some(_) => {
            return Err(convert::unsupported(
                "rows are [n, w, c] here, their channels last",
                "leave data_format out, and turn the tensor with tf.transpose",
            ));
        }
    }
    let dilation = dilation.map_or(Ok(1), |argument| one(given, argument))?;
    Ok(Window { stride: [1, one(given, stride)?], dilation: [1, dilation], padding: windows::padding(given)? })
}

/// A whole number, or a list of one.
pub(super) fn one(given: &Given, argument: &str) -> Outcome<i64> {
    match convert::whole_list(given, argument)?.as_slice() {
        [number] if *number >= 1 => Ok(*number),
        _ => Err(given.wrong(argument, "a whole number of at least 1")),
    }
}

/// The axes of both that are summed over: `axes` is their number, or a list for each.
fn contracted(tf: &Rc<Tf>, given: &Given, a: Symbol, b: Symbol) -> Outcome<[Vec<usize>; 2]> {
    let (of_a, of_b) = (tf.graph.dims(a), tf.graph.dims(b));
    let wrong = || given.wrong("axes", "a number of axes, or two lists of as many axes");
    if let Some(count) = convert::whole(given.value("axes")) {
        let count = usize::try_from(count).map_err(|_| wrong())?;
        if count > of_a.rank() || count > of_b.rank() {
            return Err(wrong().with_fact("a and b have", format!("{of_a} and {of_b}")));
        }
        return Ok([(of_a.rank() - count..of_a.rank()).collect(), (0..count).collect()]);
    }
    let lists = given.value("axes").as_items().ok_or_else(wrong)?;
    let [first, second] = lists.as_slice() else { return Err(wrong()) };
    let axes = |list: &Value, dims: &crate::nn::dataflow::Dims| -> Outcome<Vec<usize>> {
        let list = list.as_items().unwrap_or_else(|| vec![list.clone()]);
        list.iter().map(|axis| dims.axis(convert::whole(axis).ok_or_else(wrong)?).or_raise()).collect()
    };
    let both = [axes(first, &of_a)?, axes(second, &of_b)?];
    let is_twice = both.iter().any(|list| list.iter().enumerate().any(|(at, axis)| list[..at].contains(axis)));
    if is_twice || both[0].len() != both[1].len() {
        return Err(wrong());
    }
    Ok(both)
}

/// Both as matrices, multiplied; what is left of their dimensions stands side by side.
fn tensordot(tf: &Rc<Tf>, (a, left): (Symbol, Vec<usize>), (b, right): (Symbol, Vec<usize>)) -> Outcome {
    let g = &tf.graph;
    let (of_a, of_b) = (g.dims(a), g.dims(b));
    for (&i, &j) in left.iter().zip(&right) {
        if of_a.0[i].zip(of_b.0[j]).is_some_and(|(a, b)| a != b) {
            return Err(Raised::value_error("the axes of tensordot do not meet")
                .with_fact("a", format!("{of_a}, axes {left:?}"))
                .with_fact("b", format!("{of_b}, axes {right:?}")));
        }
    }
    let free = |rank: usize, taken: &[usize]| -> Vec<usize> { (0..rank).filter(|at| !taken.contains(at)).collect() };
    let (rows, columns) = (free(of_a.rank(), &left), free(of_b.rank(), &right));
    let sizes: Vec<Option<i64>> =
        rows.iter().map(|&at| of_a.0[at]).chain(columns.iter().map(|&at| of_b.0[at])).collect();
    let inner: Option<i64> = left.iter().zip(&right).map(|(&i, &j)| of_a.0[i].or(of_b.0[j])).product();
    let (Some(inner), true) = (inner, sizes.iter().filter(|size| size.is_none()).count() <= 1) else {
        return Err(Raised::value_error("tensordot leaves one size that is not known at most")
            .with_fact("a and b have", format!("{of_a} and {of_b}"))
            .with_help("give the tensors their sizes: tf.reshape, set_shape"));
    };
    let turned = |x, order: Vec<usize>, to: [i64; 2]| -> Outcome<Symbol> {
        let order: Vec<i64> = order.into_iter().map(|at| at as i64).collect();
        let x = ops::transpose(g, x, Some(&order), None).or_raise()?;
        ops::reshape(g, x, &to, None).or_raise()
    };
    let a = turned(a, [rows.clone(), left].concat(), [-1, inner])?;
    let b = turned(b, [right, columns].concat(), [inner, -1])?;
    let product = ops::matmul(g, a, b, (false, false), None).or_raise()?;
    let sizes: Vec<i64> = sizes.into_iter().map(|size| size.unwrap_or(-1)).collect();
    Ok(tf.value(ops::reshape(g, product, &sizes, None).or_raise()?))
}
