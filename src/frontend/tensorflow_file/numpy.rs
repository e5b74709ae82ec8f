//! `numpy`, as much of it as a network file needs beside tensors: names of types, constants, functions of plain numbers.
//!
//! Arrays are not here. Many files import it and use none of it.

use std::rc::Rc;

use super::{convert, objects::DTypeValue};
use crate::{
    frontend::python::{Module, Value},
    nn::dataflow::DType,
};

const ABOUT: &str = "of numpy there are pi, e, inf, nan, newaxis, the types (float32 …), and sqrt, exp, log, log2, floor, \
                     ceil, prod of numbers; arrays are tensors here: tf.constant, tf.ones, tf.zeros, tf.transpose";

type Function = fn(f64) -> f64;

/// The module.
pub(super) fn module() -> Rc<Module> {
    let module = Module::new("numpy", ABOUT);
    let constants =
        [("pi", std::f64::consts::PI), ("e", std::f64::consts::E), ("inf", f64::INFINITY), ("nan", f64::NAN)];
    for (name, value) in constants {
        module.set(name, Value::Float(value));
    }
    module.set("newaxis", Value::None);
    for dtype in DType::ALL {
        module.set(dtype.name(), DTypeValue::value(dtype));
    }
    let functions: [(&'static str, Function); 6] = [
        ("numpy.sqrt(x)", f64::sqrt),
        ("numpy.exp(x)", f64::exp),
        ("numpy.log(x)", f64::ln),
        ("numpy.log2(x)", f64::log2),
        ("numpy.floor(x)", f64::floor),
        ("numpy.ceil(x)", f64::ceil),
    ];
    for (signature, function) in functions {
        module.function(signature, move |_, given| match given.value("x").as_float() {
            Some(x) => Ok(Value::Float(function(x))),
            None => Err(convert::unsupported("numpy's functions take plain numbers here", ABOUT)),
        });
    }
    module.function("numpy.prod(a)", |_, given| {
        let items = given.value("a").as_items().ok_or_else(|| given.wrong("a", "a list of numbers"))?;
        let whole = items.iter().map(convert::whole).try_fold(1i64, |product, item| product.checked_mul(item?));
        if let Some(whole) = whole {
            return Ok(Value::Int(whole));
        }
        let product = items.iter().map(Value::as_float).try_fold(1.0, |product, item| Some(product * item?));
        product.map(Value::Float).ok_or_else(|| given.wrong("a", "a list of numbers"))
    });
    module
}
