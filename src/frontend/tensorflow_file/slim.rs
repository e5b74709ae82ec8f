//! `slim` and `tf.contrib.layers`: layers with variables, their initializers and regularizers, `repeat`, `stack`.

use std::rc::Rc;

use super::{
    bound::{self, Entry, OrRaise, name},
    convert,
    objects::{ScopeValue, Tf},
    windows,
};
use crate::{
    error::Result,
    frontend::{
        python::{Arguments, Given, Interpreter, Outcome, Raised, Value},
        tensorflow::{
            Opened, Symbol,
            layers::{self, BatchNorm, Layer},
            ops,
        },
    },
    nn::dataflow::{Array, DType, Loss, Pointwise, Reduce, Unary},
};

/// Runs a layer in its variable scope, whose name is `default` made unique when the call gives none.
pub(super) fn in_scope(
    tf: &Rc<Tf>,
    given: &Given,
    argument: &str,
    default: &str,
    run: impl FnOnce() -> Outcome,
) -> Outcome {
    let reuse = given.some("reuse").and_then(convert::reuse);
    let known = given.value(argument).as_native::<ScopeValue>();
    let opened = match (&known, given.some(argument)) {
        (Some(scope), _) => Opened::Again(&scope.scope),
        (None, Some(_)) => Opened::Named(given.str(argument)?),
        (None, None) => Opened::Default(default),
    };
    let (_, _guard) = tf.graph.open_variable_scope(&opened, reuse).or_raise()?;
    run()
}

/// A function of the file's, or one of TensorFlow's, as a layer applies it.
pub(super) fn applied<'a>(
    tf: &'a Rc<Tf>,
    function: Option<Value>,
    named: Vec<(Rc<str>, Value)>,
) -> Option<Box<dyn Fn(Symbol) -> Result<Symbol> + 'a>> {
    let function = function?;
    Some(Box::new(move |x| {
        let arguments = Arguments { positional: vec![tf.value(x)], named: named.clone() };
        let answer = tf.call(&function, arguments)?;
        convert::symbol(tf, &answer, None).map_err(|raised| tf.defer(raised))
    }))
}

/// ReLU unless the call says something else; `None` when it says `None`.
fn activation<'a>(tf: &'a Rc<Tf>, given: &Given) -> Option<Box<dyn Fn(Symbol) -> Result<Symbol> + 'a>> {
    if given.is_written("activation_fn") {
        return applied(tf, given.some("activation_fn").cloned(), vec![]);
    }
    Some(Box::new(move |x| ops::unary(&tf.graph, Unary::Relu, x, None)))
}

fn named_parameters(py: &Interpreter, given: &Given, argument: &str) -> Outcome<Vec<(Rc<str>, Value)>> {
    let Some(value) = given.some(argument) else { return Ok(Vec::new()) };
    let Value::Dict(dict) = value else { return Err(given.wrong(argument, "a dict")) };
    py.dict_entries(dict)
        .into_iter()
        .map(|(key, value)| Ok((key.as_str().ok_or_else(|| given.wrong(argument, "a dict of names"))?.into(), value)))
        .collect()
}

/// Runs `build` with the layer that slim's arguments describe.
fn with_layer(
    tf: &Rc<Tf>,
    py: &Interpreter,
    given: &Given,
    build: impl FnOnce(&Layer<'_>) -> Result<Symbol>,
) -> Outcome {
    let parameters = named_parameters(py, given, "normalizer_params")?;
    let normalizer = applied(tf, given.some("normalizer_fn").cloned(), parameters);
    let activation = activation(tf, given);
    let plain = Layer::plain();
    let initializer = |name: &str, default: &Option<_>| {
        if given.is_written(name) { convert::initializer(tf, given.value(name)) } else { Ok(default.clone()) }
    };
    let layer = Layer {
        weights_initializer: initializer("weights_initializer", &plain.weights_initializer)?,
        biases_initializer: initializer("biases_initializer", &plain.biases_initializer)?,
        weights_regularizer: convert::regularizer(tf, given.value("weights_regularizer"))?,
        biases_regularizer: convert::regularizer(tf, given.value("biases_regularizer"))?,
        trainable: given.bool("trainable")?,
        normalizer: normalizer.as_deref(),
        activation: activation.as_deref(),
        ..plain
    };
    Ok(tf.value(tf.settle(build(&layer))?))
}

fn count(given: &Given, argument: &str) -> Outcome<i64> {
    convert::whole(given.value(argument)).ok_or_else(|| given.wrong(argument, "a whole number"))
}

fn pooled(tf: &Rc<Tf>, given: &Given, largest: bool) -> Outcome {
    let x = convert::tensor(tf, given, "inputs")?;
    let kernel = windows::pair(tf, given, "kernel_size")?;
    let window = windows::window(tf, given, "stride", None)?;
    let default = if largest { "MaxPool2D" } else { "AvgPool2D" };
    let _scope = tf.graph.name_scope(scope_name(given)?.unwrap_or(default));
    Ok(tf.value(layers::pool(&tf.graph, x, kernel, window, largest, None).or_raise()?))
}

fn scope_name(given: &Given) -> Outcome<Option<&str>> {
    given.some("scope").map(|_| given.str("scope").and_then(bound::scope_name)).transpose()
}

/// Layers that `arg_scope` reaches.
pub(super) const LAYERS: &[Entry] = &[
    (
        "slim.fully_connected(inputs, num_outputs, activation_fn=None, normalizer_fn=None, normalizer_params=None, \
         weights_initializer=None, weights_regularizer=None, biases_initializer=None, biases_regularizer=None, reuse=None, \
         variables_collections=None, outputs_collections=None, trainable=True, scope=None)",
        |tf, py, given| {
            in_scope(tf, given, "scope", "fully_connected", || {
                let (x, outputs) = (convert::tensor(tf, given, "inputs")?, count(given, "num_outputs")?);
                with_layer(tf, py, given, |layer| layers::fully_connected(&tf.graph, x, outputs, layer))
            })
        },
    ),
    (
        "slim.conv2d(inputs, num_outputs, kernel_size, stride=1, padding='SAME', data_format=None, rate=1, \
         activation_fn=None, normalizer_fn=None, normalizer_params=None, weights_initializer=None, \
         weights_regularizer=None, biases_initializer=None, biases_regularizer=None, reuse=None, \
         variables_collections=None, outputs_collections=None, trainable=True, scope=None)",
        |tf, py, given| {
            in_scope(tf, given, "scope", "Conv", || {
                let (x, outputs) = (convert::tensor(tf, given, "inputs")?, count(given, "num_outputs")?);
                let kernel = windows::pair(tf, given, "kernel_size")?;
                let window = windows::window(tf, given, "stride", Some("rate"))?;
                with_layer(tf, py, given, |layer| layers::conv2d(&tf.graph, x, outputs, kernel, window, layer))
            })
        },
    ),
    (
        "slim.conv2d_transpose(inputs, num_outputs, kernel_size, stride=1, padding='SAME', data_format=None, \
         activation_fn=None, normalizer_fn=None, normalizer_params=None, weights_initializer=None, \
         weights_regularizer=None, biases_initializer=None, biases_regularizer=None, reuse=None, \
         variables_collections=None, outputs_collections=None, trainable=True, scope=None)",
        |tf, py, given| {
            in_scope(tf, given, "scope", "Conv2d_transpose", || {
                let (x, outputs) = (convert::tensor(tf, given, "inputs")?, count(given, "num_outputs")?);
                let kernel = windows::pair(tf, given, "kernel_size")?;
                let window = windows::window(tf, given, "stride", None)?;
                with_layer(tf, py, given, |layer| {
                    layers::conv2d_transpose(&tf.graph, x, outputs, kernel, window, layer)
                })
            })
        },
    ),
    (
        "slim.separable_conv2d(inputs, num_outputs, kernel_size, depth_multiplier=1, stride=1, padding='SAME', \
         data_format=None, rate=1, activation_fn=None, normalizer_fn=None, normalizer_params=None, \
         weights_initializer=None, weights_regularizer=None, biases_initializer=None, biases_regularizer=None, \
         reuse=None, variables_collections=None, outputs_collections=None, trainable=True, scope=None)",
        |tf, py, given| {
            in_scope(tf, given, "scope", "SeparableConv2d", || {
                let x = convert::tensor(tf, given, "inputs")?;
                let outputs = given.some("num_outputs").map(|_| count(given, "num_outputs")).transpose()?;
                let (kernel, multiplier) =
                    (windows::pair(tf, given, "kernel_size")?, count(given, "depth_multiplier")?);
                let window = windows::window(tf, given, "stride", Some("rate"))?;
                with_layer(tf, py, given, |layer| {
                    layers::separable_conv2d(&tf.graph, x, outputs, kernel, multiplier, window, layer)
                })
            })
        },
    ),
    (
        "slim.max_pool2d(inputs, kernel_size, stride=2, padding='VALID', data_format=None, outputs_collections=None, scope=None)",
        |tf, _, given| pooled(tf, given, true),
    ),
    (
        "slim.avg_pool2d(inputs, kernel_size, stride=2, padding='VALID', data_format=None, outputs_collections=None, scope=None)",
        |tf, _, given| pooled(tf, given, false),
    ),
    (
        "slim.batch_norm(inputs, decay=0.999, center=True, scale=False, epsilon=0.001, activation_fn=None, \
         param_initializers=None, param_regularizers=None, updates_collections='update_ops', is_training=True, reuse=None, \
         variables_collections=None, outputs_collections=None, trainable=True, batch_weights=None, fused=None, \
         data_format=None, zero_debias_moving_mean=False, scope=None, renorm=False)",
        |tf, py, given| {
            windows::check_layout(given)?;
            in_scope(tf, given, "scope", "BatchNorm", || {
                let x = convert::tensor(tf, given, "inputs")?;
                let mut settings = BatchNorm {
                    decay: given.float("decay")?,
                    epsilon: given.float("epsilon")?,
                    center: given.bool("center")?,
                    scale: given.bool("scale")?,
                    is_training: given.bool("is_training")?,
                    updates: given.value("updates_collections").is_none(),
                    fused: !matches!(given.value("fused"), Value::Bool(false)),
                    trainable: given.bool("trainable")?,
                    ..BatchNorm::default()
                };
                for (name, value) in named_parameters(py, given, "param_initializers")? {
                    let initializer = convert::initializer(tf, &value)?;
                    match (&*name, initializer) {
                        ("beta", Some(initializer)) => settings.beta = initializer,
                        ("gamma", Some(initializer)) => settings.gamma = initializer,
                        _ => {}
                    }
                }
                let y = tf.settle(layers::batch_norm(&tf.graph, x, &settings))?;
                match applied(tf, given.some("activation_fn").cloned(), vec![]) {
                    Some(activation) => Ok(tf.value(tf.settle(activation(y))?)),
                    None => Ok(tf.value(y)),
                }
            })
        },
    ),
    (
        "slim.layer_norm(inputs, center=True, scale=True, activation_fn=None, reuse=None, variables_collections=None, \
         outputs_collections=None, trainable=True, begin_norm_axis=1, begin_params_axis=-1, scope=None)",
        |tf, _, given| in_scope(tf, given, "scope", "LayerNorm", || layer_norm(tf, given)),
    ),
    (
        "slim.dropout(inputs, keep_prob=0.5, noise_shape=None, is_training=True, outputs_collections=None, scope=None, seed=None)",
        |tf, _, given| {
            let x = convert::tensor(tf, given, "inputs")?;
            let _scope = tf.graph.name_scope(scope_name(given)?.unwrap_or("Dropout"));
            let (keep, training) = (given.float("keep_prob")?, given.bool("is_training")?);
            Ok(tf.value(layers::dropout(&tf.graph, x, keep, training, None).or_raise()?))
        },
    ),
    ("slim.flatten(inputs, outputs_collections=None, scope=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "inputs")?;
        let _scope = tf.graph.name_scope(scope_name(given)?.unwrap_or("Flatten"));
        Ok(tf.value(layers::flatten(&tf.graph, x).or_raise()?))
    }),
    (
        "slim.one_hot_encoding(labels, num_classes, on_value=1.0, off_value=0.0, outputs_collections=None, scope=None)",
        |tf, _, given| {
            let x = convert::tensor(tf, given, "labels")?;
            let (on, off) = (given.float("on_value")?, given.float("off_value")?);
            let depth = super::arrays::depth(given, "num_classes")?;
            let hot = Array::OneHot { depth, on, off, axis: None, dtype: DType::Float32 };
            Ok(tf.value(tf.graph.add(hot, &[x], scope_name(given)?).or_raise()?))
        },
    ),
    ("slim.softmax(logits, scope=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "logits")?;
        let axis = ops::axis(&tf.graph, x, -1, 0).or_raise()?;
        Ok(tf.value(
            tf.graph.add(Loss::Softmax(axis), &[x], Some(scope_name(given)?.unwrap_or("Predictions"))).or_raise()?,
        ))
    }),
    ("slim.unit_norm(inputs, dim, epsilon=1e-7, scope=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "inputs")?;
        let axis = given.int("dim")?;
        Ok(tf.value(
            ops::l2_normalize(&tf.graph, x, Some(&[axis]), given.float("epsilon")?, scope_name(given)?).or_raise()?,
        ))
    }),
];

/// Over all axes but the batch; gain and offset along the last.
fn layer_norm(tf: &Rc<Tf>, given: &Given) -> Outcome {
    use crate::{
        frontend::tensorflow::{Initializer, VariableRequest},
        nn::dataflow::Binary,
    };
    let g = &tf.graph;
    let x = convert::tensor(tf, given, "inputs")?;
    let dims = g.dims(x);
    let first = dims.axis(given.int("begin_norm_axis")?).or_raise()?;
    let axes: Vec<i64> = (first..dims.rank()).map(|axis| axis as i64).collect();
    let planes =
        dims.0.last().copied().flatten().ok_or_else(|| given.wrong("inputs", "a tensor whose last size is known"))?;
    let (mean, variance) = ops::moments(g, x, &axes, true, None).or_raise()?;
    let epsilon = ops::scalar(g, 1e-12, g.dtype(x)).or_raise()?;
    let shifted = ops::binary(g, Binary::Add, variance, epsilon, None).or_raise()?;
    let factor = ops::unary(g, Unary::Rsqrt, shifted, None).or_raise()?;
    let centred = ops::binary(g, Binary::Sub, x, mean, None).or_raise()?;
    let mut y = ops::binary(g, Binary::Mul, centred, factor, None).or_raise()?;
    for (flag, name, value, operation) in [("scale", "gamma", 1.0, Binary::Mul), ("center", "beta", 0.0, Binary::Add)] {
        if given.bool(flag)? {
            let request = VariableRequest {
                initializer: Some(Initializer::Constant(Rc::new(vec![value]))),
                trainable: given.bool("trainable")?,
                ..VariableRequest::new(name, &[planes])
            };
            let variable = g.get_variable(&request).or_raise()?;
            y = ops::binary(g, operation, y, variable, None).or_raise()?;
        }
    }
    match applied(tf, given.some("activation_fn").cloned(), vec![]) {
        Some(activation) => Ok(tf.value(tf.settle(activation(y))?)),
        None => Ok(tf.value(y)),
    }
}

/// Functions that `arg_scope` does not reach.
pub(super) const PLAIN: &[Entry] = &[
    ("slim.repeat(inputs, repetitions, layer, *args, **kwargs)", |tf, py, given| {
        let repetitions = given.int("repetitions")?;
        let calls = (1..=repetitions).map(|i| (i, given.rest.clone())).collect();
        chained(tf, py, given, "Repeat", calls)
    }),
    ("slim.stack(inputs, layer, stack_args, **kwargs)", |tf, py, given| {
        let list = given.value("stack_args").as_items().ok_or_else(|| given.wrong("stack_args", "a list"))?;
        let calls = list.into_iter().zip(1..).map(|(own, i)| (i, own.as_items().unwrap_or_else(|| vec![own.clone()])));
        chained(tf, py, given, "Stack", calls.collect())
    }),
    (
        "slim.bias_add(inputs, activation_fn=None, initializer=None, regularizer=None, reuse=None, scope=None)",
        |tf, _, given| {
            in_scope(tf, given, "scope", "BiasAdd", || {
                let x = convert::tensor(tf, given, "inputs")?;
                let planes = tf.graph.dims(x).0.last().copied().flatten().unwrap_or(1);
                let initializer = convert::initializer(tf, given.value("initializer"))?;
                let request = crate::frontend::tensorflow::VariableRequest {
                    initializer: initializer.or_else(|| Some(crate::frontend::tensorflow::Initializer::zeros())),
                    regularizer: convert::regularizer(tf, given.value("regularizer"))?,
                    ..crate::frontend::tensorflow::VariableRequest::new("biases", &[planes])
                };
                let bias = tf.settle(tf.graph.get_variable(&request))?;
                let y = ops::bias_add(&tf.graph, x, bias, None).or_raise()?;
                match applied(tf, given.some("activation_fn").cloned(), vec![]) {
                    Some(activation) => Ok(tf.value(tf.settle(activation(y))?)),
                    None => Ok(tf.value(y)),
                }
            })
        },
    ),
    ("slim.apply_regularization(regularizer, weights_list=None)", |tf, _, given| {
        let regularizer = convert::regularizer(tf, given.value("regularizer"))?;
        let weights = given.value("weights_list").as_items().unwrap_or_default();
        let mut penalties = Vec::new();
        for weight in &weights {
            let symbol = convert::symbol(tf, weight, None)?;
            if let Some(regularizer) = &regularizer {
                penalties.extend(tf.settle(regularizer.penalty(&tf.graph, symbol))?);
            }
        }
        if penalties.is_empty() {
            return Ok(tf.value(ops::scalar(&tf.graph, 0.0, DType::Float32).or_raise()?));
        }
        let sum = tf.graph.add(Pointwise::AddN, &penalties, None).or_raise()?;
        tf.graph.add_to_collection(crate::frontend::tensorflow::REGULARIZATION_LOSSES, sum);
        Ok(tf.value(sum))
    }),
    ("slim.global_avg_pool(inputs, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "inputs")?;
        Ok(tf.value(ops::reduce(&tf.graph, Reduce::Mean, x, Some(&[1, 2]), true, name(given)?).or_raise()?))
    }),
];

/// `layer` again and again, each time with these arguments and a numbered scope.
fn chained(tf: &Rc<Tf>, py: &Interpreter, given: &Given, default: &str, calls: Vec<(i64, Vec<Value>)>) -> Outcome {
    let layer = given.value("layer").clone();
    let scope = given.keywords.iter().find(|(name, _)| &**name == "scope").map(|(_, value)| value.clone());
    let scope = scope.as_ref().and_then(Value::as_str);
    let opened = scope.map_or(Opened::Default(default), Opened::Named);
    let (_, _guard) = tf.graph.open_variable_scope(&opened, None).or_raise()?;
    let own = match scope {
        Some(scope) => scope.to_string(),
        None => {
            let name = py.find_attribute(&layer, "__name__")?;
            name.as_ref().and_then(Value::as_str).unwrap_or("repeat").to_string()
        }
    };
    let mut value = given.value("inputs").clone();
    for (i, arguments) in calls {
        py.tick()?;
        let mut named: Vec<(Rc<str>, Value)> =
            given.keywords.iter().filter(|(name, _)| &**name != "scope").cloned().collect();
        named.push(("scope".into(), Value::str(format!("{own}_{i}"))));
        value = py.call(&layer, Arguments { positional: [vec![value], arguments].concat(), named })?;
    }
    Ok(value)
}

/// A scale that is a number with a point or 0: slim refuses whole numbers.
pub(super) fn scale(given: &Given, argument: &str) -> Outcome<f64> {
    if let Value::Int(number) = given.value(argument) {
        return Err(Raised::value_error(format!("{argument} cannot be an integer: {number}"))
            .with_help(format!("write {number}.0")));
    }
    let scale = given.float(argument)?;
    if scale < 0.0 {
        return Err(Raised::value_error(format!("{argument} is {scale}, less than 0, on a regularizer")));
    }
    Ok(scale)
}
