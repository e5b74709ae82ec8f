//! Functions that make initializers and regularizers: `tf`'s, `slim`'s.

use std::rc::Rc;

use super::{
    bound::{Entry, last_name},
    convert,
    objects::{Factory, InitializerValue, RegularizerValue, Tf},
    slim,
};
use crate::frontend::{
    python::{Given, Module, Outcome, Value},
    tensorflow::{Fans, Initializer, Regularizer, Spread},
};

/// The functions that make initializers.
pub(super) const INITIALIZERS: &[Entry] = &[
    ("tf.constant_initializer(value=0, dtype=None, verify_shape=False)", |tf, _, given| {
        let symbol = convert::floats(tf, given, "value")?;
        let operation = tf.graph.operation(symbol);
        let crate::frontend::tensorflow::Source::Constant(constant) = operation.source else {
            return Err(given.wrong("value", "a number or a list of numbers"));
        };
        made(tf, "Constant", Initializer::Constant(Rc::new(constant.values.clone())))
    }),
    ("tf.zeros_initializer(dtype=None)", |tf, _, _| made(tf, "Zeros", Initializer::zeros())),
    ("tf.ones_initializer(dtype=None)", |tf, _, _| made(tf, "Ones", Initializer::Constant(Rc::new(vec![1.0])))),
    ("tf.random_normal_initializer(mean=0.0, stddev=1.0, seed=None, dtype=None)", |tf, _, given| {
        made(tf, "RandomNormal", Initializer::Normal(given.float("mean")?, given.float("stddev")?))
    }),
    ("tf.truncated_normal_initializer(mean=0.0, stddev=1.0, seed=None, dtype=None)", |tf, _, given| {
        made(tf, "TruncatedNormal", Initializer::TruncatedNormal(given.float("mean")?, given.float("stddev")?))
    }),
    ("tf.random_uniform_initializer(minval=0, maxval=None, seed=None, dtype=None)", |tf, _, given| {
        let high = given.some("maxval").map_or(Ok(1.0), |_| given.float("maxval"))?;
        made(tf, "RandomUniform", Initializer::Uniform(given.float("minval")?, high))
    }),
    ("tf.uniform_unit_scaling_initializer(factor=1.0, seed=None, dtype=None)", |tf, _, given| {
        // ±√3/√inputs · factor: a variance of factor²/inputs.
        let factor = given.float("factor")?;
        let (fans, spread) = (Fans::In, Spread::Uniform);
        made(tf, "UniformUnitScaling", Initializer::VarianceScaling { scale: factor * factor, fans, spread })
    }),
    (
        "tf.variance_scaling_initializer(scale=1.0, mode='fan_in', distribution='normal', seed=None, dtype=None)",
        |tf, _, given| {
            let spread = match given.str("distribution")? {
                "uniform" => Spread::Uniform,
                "untruncated_normal" => Spread::Normal,
                _ => Spread::CorrectedTruncated,
            };
            let fans = fans(given, "mode")?;
            made(tf, "VarianceScaling", Initializer::VarianceScaling { scale: given.float("scale")?, fans, spread })
        },
    ),
    ("tf.orthogonal_initializer(gain=1.0, dtype=None, seed=None)", |tf, _, given| {
        made(tf, "Orthogonal", Initializer::Orthogonal(given.float("gain")?))
    }),
    ("tf.identity_initializer(gain=1.0, dtype=None)", |tf, _, given| {
        made(tf, "Identity", Initializer::Identity(given.float("gain")?))
    }),
    ("tf.glorot_uniform_initializer(seed=None, dtype=None)", |tf, _, _| {
        made(tf, "GlorotUniform", Initializer::xavier(true))
    }),
    ("tf.glorot_normal_initializer(seed=None, dtype=None)", |tf, _, _| {
        let (fans, spread) = (Fans::Average, Spread::CorrectedTruncated);
        made(tf, "GlorotNormal", Initializer::VarianceScaling { scale: 1.0, fans, spread })
    }),
];

/// Those of `tf.contrib.layers` and `slim`.
pub(super) const CONTRIB_INITIALIZERS: &[Entry] = &[
    ("slim.xavier_initializer(uniform=True, seed=None, dtype=None)", |tf, _, given| {
        made(tf, "xavier", Initializer::xavier(given.bool("uniform")?))
    }),
    ("slim.xavier_initializer_conv2d(uniform=True, seed=None, dtype=None)", |tf, _, given| {
        made(tf, "xavier", Initializer::xavier(given.bool("uniform")?))
    }),
    (
        "slim.variance_scaling_initializer(factor=2.0, mode='FAN_IN', uniform=False, seed=None, dtype=None)",
        |tf, _, given| {
            let (scale, fans) = (given.float("factor")?, fans(given, "mode")?);
            let initializer = if given.bool("uniform")? {
                Initializer::VarianceScaling { scale, fans, spread: Spread::Uniform }
            } else {
                // It makes up for the cut by a factor of its own.
                Initializer::VarianceScaling { scale: 1.3 * scale, fans, spread: Spread::Truncated }
            };
            made(tf, "variance_scaling", initializer)
        },
    ),
];

pub(super) const REGULARIZERS: &[Entry] = &[
    ("slim.l1_regularizer(scale, scope=None)", |tf, _, given| {
        penalty(tf, Regularizer::L1(slim::scale(given, "scale")?))
    }),
    ("slim.l2_regularizer(scale, scope=None)", |tf, _, given| {
        penalty(tf, Regularizer::L2(slim::scale(given, "scale")?))
    }),
    ("slim.l1_l2_regularizer(scale_l1=1.0, scale_l2=1.0, scope=None)", |tf, _, given| {
        penalty(tf, Regularizer::L1L2(slim::scale(given, "scale_l1")?, slim::scale(given, "scale_l2")?))
    }),
];

fn made(tf: &Rc<Tf>, name: &'static str, initializer: Initializer) -> Outcome {
    Ok(Value::native(InitializerValue { tf: tf.clone(), initializer, name }))
}

fn penalty(tf: &Rc<Tf>, regularizer: Regularizer) -> Outcome {
    Ok(Value::native(RegularizerValue { tf: tf.clone(), regularizer }))
}

fn fans(given: &Given, argument: &str) -> Outcome<Fans> {
    match given.str(argument)?.to_lowercase().as_str() {
        "fan_in" => Ok(Fans::In),
        "fan_out" => Ok(Fans::Out),
        "fan_avg" => Ok(Fans::Average),
        _ => Err(given.wrong(argument, "'FAN_IN', 'FAN_OUT' or 'FAN_AVG'")),
    }
}

/// Functions that make objects: callable, and recognised where an initializer is wanted without brackets.
pub(super) fn fill_factories(tf: &Rc<Tf>, modules: &[&Module], entries: &[Entry]) {
    for &(signature, body) in entries {
        let Value::NativeFunction(function) = tf.function(signature, body) else { continue };
        let name = last_name(signature);
        let factory = Value::native(Factory { function, name });
        for module in modules {
            module.set(name, factory.clone());
            if let Some(short) = name.strip_suffix("_initializer")
                && &*module.name == "tensorflow.initializers"
            {
                module.set(short, factory.clone());
            }
        }
    }
}
