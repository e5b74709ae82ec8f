//! `tf.GraphKeys` and `tf.logging`: names and levels, and calls that do nothing here.

use std::rc::Rc;

use crate::frontend::python::{Module, NativeFunction, Value};

/// The names of collections.
pub(super) fn graph_keys() -> Rc<Module> {
    let keys = Module::new("GraphKeys", "names of collections");
    for (name, value) in [
        ("REGULARIZATION_LOSSES", "regularization_losses"),
        ("LOSSES", "losses"),
        ("TRAINABLE_VARIABLES", "trainable_variables"),
        ("GLOBAL_VARIABLES", "variables"),
        ("VARIABLES", "variables"),
        ("MODEL_VARIABLES", "model_variables"),
        ("LOCAL_VARIABLES", "local_variables"),
        ("UPDATE_OPS", "update_ops"),
        ("SUMMARIES", "summaries"),
        ("ACTIVATIONS", "activations"),
        ("WEIGHTS", "weights"),
        ("BIASES", "biases"),
    ] {
        keys.set(name, Value::str(value));
    }
    keys
}

/// The levels, and the calls, which write nothing.
pub(super) fn logging() -> Rc<Module> {
    let logging = Module::new("tensorflow.logging", "set_verbosity, info, warn, error");
    for name in ["set_verbosity", "info", "warn", "error", "debug"] {
        logging.set(name, NativeFunction::value("tf.logging.info(*args, **kwargs)", |_, _| Ok(Value::None)));
    }
    for (level, number) in [("DEBUG", 10), ("INFO", 20), ("WARN", 30), ("ERROR", 40), ("FATAL", 50)] {
        logging.set(level, Value::Int(number));
    }
    logging
}
