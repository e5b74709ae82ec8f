//! DIGITS' own: `digits` (its `utils.py`), `Tower`, `model_property`.

use std::rc::Rc;

use super::{
    bound::{Entry, OrRaise, name},
    convert,
    objects::Tf,
};
use crate::{
    frontend::{
        python::{Arguments, Class, Given, Module, Names, NativeFunction, Outcome, Value},
        tensorflow::{losses, ops},
    },
    nn::dataflow::Array,
};

const FUNCTIONS: &[Entry] = &[
    ("digits.classification_loss(pred, y)", |tf, _, given| {
        let (pred, y) = (convert::tensor(tf, given, "pred")?, convert::tensor(tf, given, "y")?);
        Ok(tf.value(losses::classification_loss(&tf.graph, pred, y).or_raise()?))
    }),
    ("digits.mse_loss(lhs, rhs)", |tf, _, given| {
        let (a, b) = convert::pair(tf, given, "lhs", "rhs")?;
        Ok(tf.value(losses::mse_loss(&tf.graph, a, b).or_raise()?))
    }),
    ("digits.constrastive_loss(lhs, rhs, y, margin=1.0)", |tf, _, given| {
        let (a, b) = convert::pair(tf, given, "lhs", "rhs")?;
        let y = convert::tensor(tf, given, "y")?;
        Ok(tf.value(losses::constrastive_loss(&tf.graph, a, b, y, given.float("margin")?).or_raise()?))
    }),
    ("digits.classification_accuracy(pred, y)", |tf, _, given| {
        let (pred, y) = (convert::tensor(tf, given, "pred")?, convert::tensor(tf, given, "y")?);
        Ok(tf.value(losses::classification_accuracy(&tf.graph, pred, y).or_raise()?))
    }),
    ("digits.classification_accuracy_top_n(pred, y, top_n)", |tf, _, given| {
        let (pred, y) = (convert::tensor(tf, given, "pred")?, convert::tensor(tf, given, "y")?);
        Ok(tf.value(losses::classification_accuracy_top_n(&tf.graph, pred, y, given.int("top_n")?).or_raise()?))
    }),
    ("digits.nhwc_to_nchw(x, name=None)", |tf, _, given| turned(tf, given, &[0, 3, 1, 2])),
    ("digits.nchw_to_nhwc(x, name=None)", |tf, _, given| turned(tf, given, &[0, 2, 3, 1])),
    ("digits.hwc_to_chw(x, name=None)", |tf, _, given| turned(tf, given, &[2, 0, 1])),
    ("digits.chw_to_hwc(x, name=None)", |tf, _, given| turned(tf, given, &[1, 2, 0])),
    ("digits.bgr_to_rgb(x, name=None)", |tf, _, given| reversed(tf, given)),
    ("digits.rgb_to_bgr(x, name=None)", |tf, _, given| reversed(tf, given)),
    // The names of TensorFlow's devices: which one trains is not for the file to say.
    ("digits.get_available_gpus()", |_, _, _| Ok(Value::list(vec![]))),
];

fn turned(tf: &Rc<Tf>, given: &Given, order: &[i64]) -> Outcome {
    let x = convert::tensor(tf, given, "x")?;
    Ok(tf.value(ops::transpose(&tf.graph, x, Some(order), name(given)?).or_raise()?))
}

fn reversed(tf: &Rc<Tf>, given: &Given) -> Outcome {
    let x = convert::tensor(tf, given, "x")?;
    let axis = ops::axis(&tf.graph, x, 2, 0).or_raise()?;
    Ok(tf.value(tf.graph.add(Array::Reverse(vec![axis]), &[x], name(given)?).or_raise()?))
}

/// The module `digits`.
pub(super) fn module(tf: &Rc<Tf>) -> Rc<Module> {
    let module = Module::new(
        "digits",
        "classification_loss, mse_loss, constrastive_loss, classification_accuracy, nhwc_to_nchw and its kin, model_property",
    );
    tf.fill(&module, FUNCTIONS);
    let keys = Module::new("GraphKeys", "names of collections");
    for (name, value) in [
        ("TEMPLATE", "model"),
        ("QUEUE_RUNNERS", "queue_runner"),
        ("MODEL", "model"),
        ("LOSS", "loss"),
        ("LOSSES", "losses"),
        ("LOADER", "data"),
    ] {
        keys.set(name, Value::str(value));
    }
    module.set("GraphKeys", Value::Module(keys));
    for (name, value) in [("STAGE_TRAIN", "train"), ("STAGE_VAL", "val"), ("STAGE_INF", "inf")] {
        module.set(name, Value::str(value));
    }
    module
}

/// The class that a network's `UserModel` is derived from.
pub(super) fn tower() -> Outcome<Value> {
    let attributes = Names::new();
    let set_up = NativeFunction::value(
        "Tower.__init__(self, x, y, input_shape, nclasses, is_training, is_inference)",
        |py, given| {
            let own = given.value("self");
            for name in ["x", "y", "input_shape", "nclasses", "is_training", "is_inference"] {
                py.set_attribute(own, name, given.value(name).clone())?;
            }
            py.set_attribute(own, "summaries", Value::list(vec![]))?;
            py.set_attribute(own, "train", Value::None)?;
            Ok(Value::None)
        },
    );
    attributes.set("__init__", set_up);
    attributes.set(
        "gradientUpdate",
        NativeFunction::value("Tower.gradientUpdate(self, grad)", |_, given| Ok(given.value("grad").clone())),
    );
    Ok(Value::Class(Class::new("Tower", vec![], attributes)?))
}

/// `@model_property`: a property that is computed once an instance.
pub(super) fn model_property() -> Value {
    NativeFunction::value("model_property(function)", |py, given| {
        let function = given.value("function").clone();
        let name = py.find_attribute(&function, "__name__")?;
        let cache = format!("_cache_{}", name.as_ref().and_then(Value::as_str).unwrap_or("property"));
        let getter = NativeFunction::value("model_property.get(self)", move |py, given| {
            let own = given.value("self").clone();
            if let Some(known) = py.find_attribute(&own, &cache)? {
                return Ok(known);
            }
            let value = py.call(&function, Arguments::of(vec![own.clone()]))?;
            py.set_attribute(&own, &cache, value.clone())?;
            Ok(value)
        });
        Ok(Value::property(getter))
    })
}
