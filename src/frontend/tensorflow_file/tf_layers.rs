//! `tf.layers`: the same layers with their other names, defaults and argument order.

use std::rc::Rc;

use super::{
    bound::{self, Entry, OrRaise},
    convert,
    objects::Tf,
    products,
    slim::{applied, in_scope},
    windows,
};
use crate::{
    error::Result,
    frontend::{
        python::{Given, Outcome, Value},
        tensorflow::{
            Initializer, Symbol, convolution1d,
            layers::{self, BatchNorm, Layer},
        },
    },
};

fn with_layer(tf: &Rc<Tf>, given: &Given, kernel: &str, build: impl FnOnce(&Layer<'_>) -> Result<Symbol>) -> Outcome {
    let activation = applied(tf, given.some("activation").cloned(), vec![]);
    let biases = if given.is_written("bias_initializer") {
        convert::initializer(tf, given.value("bias_initializer"))?
    } else {
        Some(Initializer::zeros())
    };
    let layer = Layer {
        weights_name: "kernel",
        biases_name: "bias",
        weights_initializer: convert::initializer(tf, given.value(&format!("{kernel}_initializer")))?,
        biases_initializer: biases.filter(|_| !matches!(given.value("use_bias"), Value::Bool(false))),
        weights_regularizer: convert::regularizer(tf, given.value(&format!("{kernel}_regularizer")))?,
        biases_regularizer: convert::regularizer(tf, given.value("bias_regularizer"))?,
        trainable: given.bool("trainable")?,
        normalizer: None,
        activation: activation.as_deref(),
    };
    Ok(tf.value(tf.settle(build(&layer))?))
}

fn count(given: &Given, argument: &str) -> Outcome<i64> {
    convert::whole(given.value(argument)).ok_or_else(|| given.wrong(argument, "a whole number"))
}

fn pooled(tf: &Rc<Tf>, given: &Given, largest: bool) -> Outcome {
    let x = convert::tensor(tf, given, "inputs")?;
    let kernel = windows::pair(tf, given, "pool_size")?;
    let window = windows::window(tf, given, "strides", None)?;
    let default = if largest { "max_pooling2d" } else { "average_pooling2d" };
    let _scope = tf.graph.name_scope(bound::name(given)?.unwrap_or(default));
    Ok(tf.value(layers::pool(&tf.graph, x, kernel, window, largest, None).or_raise()?))
}

/// The functions.
pub(super) const ALL: &[Entry] = &[
    (
        "tf.layers.dense(inputs, units, activation=None, use_bias=True, kernel_initializer=None, bias_initializer=None, \
         kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, \
         bias_constraint=None, trainable=True, name=None, reuse=None)",
        |tf, _, given| {
            in_scope(tf, given, "name", "dense", || {
                let (x, units) = (convert::tensor(tf, given, "inputs")?, count(given, "units")?);
                with_layer(tf, given, "kernel", |layer| layers::fully_connected(&tf.graph, x, units, layer))
            })
        },
    ),
    (
        "tf.layers.conv2d(inputs, filters, kernel_size, strides=1, padding='valid', data_format='channels_last', \
         dilation_rate=1, activation=None, use_bias=True, kernel_initializer=None, bias_initializer=None, \
         kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, \
         bias_constraint=None, trainable=True, name=None, reuse=None)",
        |tf, _, given| {
            in_scope(tf, given, "name", "conv2d", || {
                let (x, filters) = (convert::tensor(tf, given, "inputs")?, count(given, "filters")?);
                let kernel = windows::pair(tf, given, "kernel_size")?;
                let window = windows::window(tf, given, "strides", Some("dilation_rate"))?;
                with_layer(tf, given, "kernel", |layer| layers::conv2d(&tf.graph, x, filters, kernel, window, layer))
            })
        },
    ),
    (
        "tf.layers.conv1d(inputs, filters, kernel_size, strides=1, padding='valid', data_format='channels_last', \
         dilation_rate=1, activation=None, use_bias=True, kernel_initializer=None, bias_initializer=None, \
         kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, \
         bias_constraint=None, trainable=True, name=None, reuse=None)",
        |tf, _, given| {
            in_scope(tf, given, "name", "conv1d", || {
                let (x, filters) = (convert::tensor(tf, given, "inputs")?, count(given, "filters")?);
                let width = products::one(given, "kernel_size")?;
                let window = products::row_window(given, "strides", Some("dilation_rate"))?;
                with_layer(tf, given, "kernel", |layer| {
                    convolution1d::layer(&tf.graph, x, filters, width, window, layer)
                })
            })
        },
    ),
    (
        "tf.layers.conv2d_transpose(inputs, filters, kernel_size, strides=1, padding='valid', data_format='channels_last', \
         activation=None, use_bias=True, kernel_initializer=None, bias_initializer=None, kernel_regularizer=None, \
         bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, \
         name=None, reuse=None)",
        |tf, _, given| {
            in_scope(tf, given, "name", "conv2d_transpose", || {
                let (x, filters) = (convert::tensor(tf, given, "inputs")?, count(given, "filters")?);
                let kernel = windows::pair(tf, given, "kernel_size")?;
                let window = windows::window(tf, given, "strides", None)?;
                with_layer(tf, given, "kernel", |layer| {
                    layers::conv2d_transpose(&tf.graph, x, filters, kernel, window, layer)
                })
            })
        },
    ),
    (
        "tf.layers.separable_conv2d(inputs, filters, kernel_size, strides=1, padding='valid', \
         data_format='channels_last', dilation_rate=1, depth_multiplier=1, activation=None, use_bias=True, \
         depthwise_initializer=None, pointwise_initializer=None, bias_initializer=None, depthwise_regularizer=None, \
         pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None, trainable=True, name=None, reuse=None)",
        |tf, _, given| {
            in_scope(tf, given, "name", "separable_conv2d", || {
                let (x, filters) = (convert::tensor(tf, given, "inputs")?, count(given, "filters")?);
                let kernel = windows::pair(tf, given, "kernel_size")?;
                let window = windows::window(tf, given, "strides", Some("dilation_rate"))?;
                let multiplier = count(given, "depth_multiplier")?;
                with_layer(tf, given, "depthwise", |layer| {
                    layers::separable_conv2d(&tf.graph, x, Some(filters), kernel, multiplier, window, layer)
                })
            })
        },
    ),
    (
        "tf.layers.max_pooling2d(inputs, pool_size, strides, padding='valid', data_format='channels_last', name=None)",
        |tf, _, given| pooled(tf, given, true),
    ),
    (
        "tf.layers.average_pooling2d(inputs, pool_size, strides, padding='valid', data_format='channels_last', name=None)",
        |tf, _, given| pooled(tf, given, false),
    ),
    (
        "tf.layers.batch_normalization(inputs, axis=-1, momentum=0.99, epsilon=0.001, center=True, scale=True, \
         beta_initializer=None, gamma_initializer=None, moving_mean_initializer=None, moving_variance_initializer=None, \
         beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None, training=False, \
         trainable=True, name=None, reuse=None, renorm=False, fused=None)",
        |tf, _, given| {
            in_scope(tf, given, "name", "batch_normalization", || {
                let x = convert::tensor(tf, given, "inputs")?;
                let last = tf.graph.dims(x).rank() as i64 - 1;
                if ![-1, last].contains(&given.int("axis")?) {
                    return Err(given.wrong("axis", "the last axis: images are [n, h, w, c]"));
                }
                let default = BatchNorm::default();
                let settings = BatchNorm {
                    decay: given.float("momentum")?,
                    epsilon: given.float("epsilon")?,
                    center: given.bool("center")?,
                    scale: given.bool("scale")?,
                    is_training: given.bool("training")?,
                    trainable: given.bool("trainable")?,
                    beta: convert::initializer(tf, given.value("beta_initializer"))?.unwrap_or(default.beta.clone()),
                    gamma: convert::initializer(tf, given.value("gamma_initializer"))?.unwrap_or(default.gamma.clone()),
                    fused: !matches!(given.value("fused"), Value::Bool(false)),
                    ..default
                };
                Ok(tf.value(tf.settle(layers::batch_norm(&tf.graph, x, &settings))?))
            })
        },
    ),
    ("tf.layers.dropout(inputs, rate=0.5, noise_shape=None, seed=None, training=False, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "inputs")?;
        let keep = 1.0 - given.float("rate")?;
        let _scope = tf.graph.name_scope(bound::name(given)?.unwrap_or("dropout"));
        Ok(tf.value(layers::dropout(&tf.graph, x, keep, given.bool("training")?, None).or_raise()?))
    }),
    ("tf.layers.flatten(inputs, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "inputs")?;
        let _scope = tf.graph.name_scope(bound::name(given)?.unwrap_or("flatten"));
        Ok(tf.value(layers::flatten(&tf.graph, x).or_raise()?))
    }),
];
