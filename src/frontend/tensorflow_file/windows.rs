//! Arguments of convolutions and pools as files write them: strides, kernels, padding.

use std::rc::Rc;

use super::{bound::OrRaise, convert, objects::Tf};
use crate::{
    frontend::{
        python::{Given, Outcome, Value},
        tensorflow::ops,
    },
    nn::dataflow::{Padding, Window},
};

/// `'SAME'`, `'valid'` …
pub(super) fn padding(given: &Given) -> Outcome<Padding> {
    match given.str("padding")?.to_uppercase().as_str() {
        "SAME" => Ok(Padding::Same),
        "VALID" => Ok(Padding::Valid),
        _ => Err(given.wrong("padding", "'SAME' or 'VALID'")),
    }
}

/// Rows and columns of an argument.
pub(super) fn pair(tf: &Rc<Tf>, given: &Given, name: &str) -> Outcome<[i64; 2]> {
    let list = convert::whole_list(given, name)?;
    ops::rows_and_columns(&tf.graph, name, &list).or_raise()
}

/// The window of these arguments; `dilation` is left out where a function has none.
pub(super) fn window(tf: &Rc<Tf>, given: &Given, stride: &str, dilation: Option<&str>) -> Outcome<Window> {
    check_layout(given)?;
    let dilation = match dilation {
        Some(name) if given.some(name).is_some() => pair(tf, given, name)?,
        _ => [1, 1],
    };
    Ok(Window { stride: pair(tf, given, stride)?, dilation, padding: padding(given)? })
}

/// Images are `[n, h, w, c]` in DIGITS.
pub(super) fn check_layout(given: &Given) -> Outcome<()> {
    match given.value("data_format") {
        Value::None => Ok(()),
        value if matches!(value.as_str(), Some("NHWC" | "channels_last")) => Ok(()),
        _ => Err(convert::unsupported(
            "DIGITS' images are [n, h, w, c], and so are those of every layer",
            "leave data_format out: how images lie in memory is the engine's affair",
        )),
    }
}
