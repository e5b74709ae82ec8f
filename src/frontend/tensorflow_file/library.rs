//! The modules that a file can import, put together: `tensorflow` (`tf`), `slim`, `tf.contrib.layers`, `digits`, `model`.

use std::rc::Rc;

use super::{
    arrays,
    bound::{Body, Entry, OrRaise, Tf, last_name, name},
    constants, convert, digits, maths, nn, scoped, scopes, slim, summary, tf_layers,
    types::{DTypeValue, Factory, Inert, InitializerValue, RegularizerValue},
};
use crate::{
    frontend::{
        python::{Given, Interpreter, Module, NativeFunction, Outcome, Value},
        tensorflow::{Fans, Initializer, Regularizer, Spread, Symbol, ops},
    },
    nn::dataflow::{Binary, DType, Loss, Reduce, Unary},
};

/// What is missing here says what is there.
const ABOUT_TF: &str = "of TensorFlow 1.x: arithmetic, reductions, shapes, tf.nn, tf.layers, tf.contrib.layers, slim, \
                        tf.losses, tf.image (resizing), tf.summary, variables and scopes, initializers; sessions, \
                        placeholders, queues and optimizers are the tool's";

/// The functions that make initializers.
const INITIALIZERS: &[Entry] = &[
    ("tf.constant_initializer(value=0, dtype=None, verify_shape=False)", |tf, _, given| {
        let symbol = convert::floats(tf, given, "value")?;
        let operation = tf.graph.operation(symbol);
        let crate::frontend::tensorflow::graph::Source::Constant(constant) = operation.source else {
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
const CONTRIB_INITIALIZERS: &[Entry] = &[
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

const REGULARIZERS: &[Entry] = &[
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

/// `tf.losses`: the weighted mean of a loss's elements, which also joins the collection `losses`.
const LOSSES: &[Entry] = &[
    (
        "tf.losses.mean_squared_error(labels, predictions, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| {
            let (a, b) = predicted(tf, given)?;
            let each = nn::squared(tf, b, a)?;
            joined(tf, given, each)
        },
    ),
    (
        "tf.losses.absolute_difference(labels, predictions, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| {
            let (a, b) = predicted(tf, given)?;
            let difference = ops::binary(&tf.graph, Binary::Sub, b, a, None).or_raise()?;
            let each = ops::unary(&tf.graph, Unary::Abs, difference, None).or_raise()?;
            joined(tf, given, each)
        },
    ),
    (
        "tf.losses.huber_loss(labels, predictions, weights=1.0, delta=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| {
            let g = &tf.graph;
            let (a, b) = predicted(tf, given)?;
            let difference = ops::binary(g, Binary::Sub, b, a, None).or_raise()?;
            let size = ops::unary(g, Unary::Abs, difference, None).or_raise()?;
            let delta = ops::scalar(g, given.float("delta")?, g.dtype(size)).or_raise()?;
            let near = ops::binary(g, Binary::Minimum, size, delta, None).or_raise()?;
            let far = ops::binary(g, Binary::Sub, size, near, None).or_raise()?;
            let squares = ops::unary(g, Unary::Square, near, None).or_raise()?;
            let squares = ops::scaled(g, squares, 0.5).or_raise()?;
            let lines = ops::binary(g, Binary::Mul, delta, far, None).or_raise()?;
            let each = ops::binary(g, Binary::Add, squares, lines, None).or_raise()?;
            joined(tf, given, each)
        },
    ),
    (
        "tf.losses.log_loss(labels, predictions, weights=1.0, epsilon=1e-7, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| {
            let g = &tf.graph;
            let (z, p) = predicted(tf, given)?;
            let number = |value| ops::scalar(g, value, g.dtype(p)).or_raise();
            let (one, epsilon) = (number(1.0)?, number(given.float("epsilon")?)?);
            let part = |z: Symbol, p: Symbol| -> Outcome<Symbol> {
                let shifted = ops::binary(g, Binary::Add, p, epsilon, None).or_raise()?;
                let log = ops::unary(g, Unary::Log, shifted, None).or_raise()?;
                ops::binary(g, Binary::Mul, z, log, None).or_raise()
            };
            let not = |x| ops::binary(g, Binary::Sub, one, x, None).or_raise();
            let sum = ops::binary(g, Binary::Add, part(z, p)?, part(not(z)?, not(p)?)?, None).or_raise()?;
            let each = ops::unary(g, Unary::Neg, sum, None).or_raise()?;
            joined(tf, given, each)
        },
    ),
    (
        "tf.losses.hinge_loss(labels, logits, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| {
            let g = &tf.graph;
            let x = convert::tensor(tf, given, "logits")?;
            let z = convert::symbol(tf, given.value("labels"), Some(g.dtype(x)))?;
            let z = ops::cast(g, z, g.dtype(x), None).or_raise()?;
            let one = ops::scalar(g, 1.0, g.dtype(x)).or_raise()?;
            let doubled = ops::scaled(g, z, 2.0).or_raise()?;
            let sign = ops::binary(g, Binary::Sub, doubled, one, None).or_raise()?;
            let product = ops::binary(g, Binary::Mul, sign, x, None).or_raise()?;
            let room = ops::binary(g, Binary::Sub, one, product, None).or_raise()?;
            let each = ops::unary(g, Unary::Relu, room, None).or_raise()?;
            joined(tf, given, each)
        },
    ),
    (
        "tf.losses.sparse_softmax_cross_entropy(labels, logits, weights=1.0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| entropy(tf, given, "labels", Loss::SparseSoftmaxCrossEntropy),
    ),
    (
        "tf.losses.softmax_cross_entropy(onehot_labels, logits, weights=1.0, label_smoothing=0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| {
            if given.float("label_smoothing")? != 0.0 {
                return Err(convert::unsupported("label_smoothing must be 0 here", "smooth the labels yourself"));
            }
            entropy(tf, given, "onehot_labels", Loss::SoftmaxCrossEntropy)
        },
    ),
    (
        "tf.losses.sigmoid_cross_entropy(multi_class_labels, logits, weights=1.0, label_smoothing=0, scope=None, loss_collection='losses', reduction=None)",
        |tf, _, given| entropy(tf, given, "multi_class_labels", Loss::SigmoidCrossEntropy),
    ),
    ("tf.losses.add_loss(loss, loss_collection='losses')", |tf, _, given| {
        let loss = convert::tensor(tf, given, "loss")?;
        if let Some(collection) = given.value("loss_collection").as_str() {
            tf.graph.add_to_collection(collection, loss);
        }
        Ok(Value::None)
    }),
    ("tf.losses.get_losses(scope=None, loss_collection='losses')", |tf, _, given| {
        Ok(tf.values(tf.graph.collection(given.str("loss_collection")?, given.value("scope").as_str())))
    }),
    ("tf.losses.get_regularization_loss(scope=None, name=None)", |tf, _, given| {
        let all =
            tf.graph.collection(crate::frontend::tensorflow::REGULARIZATION_LOSSES, given.value("scope").as_str());
        if all.is_empty() {
            return Ok(tf.value(ops::scalar(&tf.graph, 0.0, DType::Float32).or_raise()?));
        }
        Ok(tf.value(tf.graph.add(crate::nn::dataflow::Pointwise::AddN, &all, name(given)?).or_raise()?))
    }),
];

fn predicted(tf: &Rc<Tf>, given: &Given) -> Outcome<(Symbol, Symbol)> {
    let predictions = convert::tensor(tf, given, "predictions")?;
    let labels = convert::symbol(tf, given.value("labels"), Some(tf.graph.dtype(predictions)))?;
    Ok((ops::cast(&tf.graph, labels, tf.graph.dtype(predictions), None).or_raise()?, predictions))
}

fn entropy(tf: &Rc<Tf>, given: &Given, labels: &str, loss: Loss) -> Outcome {
    let logits = convert::tensor(tf, given, "logits")?;
    let like = (loss != Loss::SparseSoftmaxCrossEntropy).then(|| tf.graph.dtype(logits));
    let mut labels = convert::symbol(tf, given.value(labels), like)?;
    if let Some(like) = like {
        labels = ops::cast(&tf.graph, labels, like, None).or_raise()?;
    }
    let each = tf.graph.add(loss, &[labels, logits], None).or_raise()?;
    joined(tf, given, each)
}

fn joined(tf: &Rc<Tf>, given: &Given, each: Symbol) -> Outcome {
    let loss = match given.value("reduction").as_str() {
        Some("none") => each,
        Some("weighted_sum") => {
            let weights = convert::symbol(tf, given.value("weights"), Some(tf.graph.dtype(each)))?;
            let products = ops::binary(&tf.graph, Binary::Mul, each, weights, None).or_raise()?;
            ops::reduce(&tf.graph, Reduce::Sum, products, None, false, Some("value")).or_raise()?
        }
        _ => nn::weighted_mean(tf, each, given.value("weights"))?,
    };
    if let Some(collection) = given.value("loss_collection").as_str() {
        tf.graph.add_to_collection(collection, loss);
    }
    Ok(tf.value(loss))
}

/// Functions that make objects: callable, and recognised where an initializer is wanted without brackets.
fn fill_factories(tf: &Rc<Tf>, modules: &[&Module], entries: &[Entry]) {
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

/// What the tool does itself, with the reason.
fn fill_refusals(tf: &Rc<Tf>, module: &Module) {
    const REFUSED: &[(&str, &str)] = &[
        ("tf.placeholder(*args, **kwargs)", "the batch is self.x and self.y"),
        ("tf.Session(*args, **kwargs)", "the tool runs the network: return tensors from inference and loss"),
        ("tf.InteractiveSession(*args, **kwargs)", "the tool runs the network: return tensors from inference and loss"),
        ("tf.py_func(*args, **kwargs)", "write the function with tensors: a run calls no Python"),
        ("tf.while_loop(*args, **kwargs)", "unroll the loop with Python's for, which runs once"),
        (
            "tf.cond(*args, **kwargs)",
            "choose with Python's if where it does not depend on the batch, else with tf.where",
        ),
    ];
    let body: Body = |_, _, _| Ok(Value::None);
    let _ = body;
    for &(signature, help) in REFUSED {
        let name = last_name(signature);
        let page = NativeFunction::value(signature, move |_: &Interpreter, _| {
            Err(convert::unsupported(&format!("tf.{name} is not open to a network file"), help))
        });
        module.set(name, page);
    }
    let _ = tf;
}

/// The modules by the names that files import.
pub(super) struct Library {
    /// `tensorflow`, `tensorflow.contrib.slim`, `utils` …
    pub(super) modules: Vec<(&'static str, Rc<Module>)>,
    /// `tf`.
    pub(super) tf: Rc<Module>,
    /// `slim`.
    pub(super) slim: Rc<Module>,
    /// `digits`.
    pub(super) digits: Rc<Module>,
    /// `Tower`.
    pub(super) tower: Value,
    /// `model_property`.
    pub(super) model_property: Value,
}

/// Everything, on this graph.
pub(super) fn library(shared: &Rc<Tf>) -> Outcome<Library> {
    let module = |name: &str, about: &str| Module::new(name, about);
    let tf = module("tensorflow", ABOUT_TF);
    for entries in [maths::UNARY, maths::BINARY, maths::REDUCTIONS, maths::OTHERS, arrays::ALL, nn::BLOCKS, scopes::ALL]
    {
        shared.fill(&tf, entries);
    }
    for dtype in DType::ALL {
        tf.set(dtype.name(), DTypeValue::value(dtype));
    }
    tf.set("double", DTypeValue::value(DType::Float64));
    tf.set("AUTO_REUSE", Value::str("AUTO_REUSE"));
    tf.set("newaxis", Value::None);
    tf.set("__version__", Value::str("1.2.1"));
    fill_refusals(shared, &tf);

    let nn_module = module("tensorflow.nn", "convolutions, pools, activations, softmax, cross entropies, moments");
    shared.fill(&nn_module, nn::NN);
    shared.fill(&nn_module, maths::ACTIVATIONS);
    for name in ["tanh", "sigmoid"] {
        if let Some(function) = tf.attributes.get(name) {
            nn_module.set(name, function);
        }
    }
    if let Some(relu) = nn_module.attributes.get("conv2d_transpose") {
        nn_module.set("deconv2d", relu);
    }

    let layers_module = module(
        "tensorflow.layers",
        "dense, conv2d, conv2d_transpose, separable_conv2d, pools, batch_normalization, dropout, flatten",
    );
    shared.fill(&layers_module, tf_layers::ALL);

    let slim_module = module(
        "tensorflow.contrib.slim",
        "fully_connected, conv2d, conv2d_transpose, separable_conv2d, pools, batch_norm, layer_norm, dropout, flatten, \
         repeat, stack, arg_scope, initializers, regularizers, losses",
    );
    let contrib_layers = module("tensorflow.contrib.layers", "the layers of slim, initializers, regularizers");
    let framework = module("tensorflow.contrib.framework", "arg_scope, add_arg_scope, model_variable");
    scoped::fill(shared, &slim_module, slim::LAYERS);
    shared.fill(&slim_module, slim::PLAIN);
    scoped::fill_scopes(shared, &slim_module);
    shared.fill(&slim_module, REGULARIZERS);
    fill_factories(shared, &[&slim_module], CONTRIB_INITIALIZERS);
    for (name, alias) in [
        ("conv2d", "convolution2d"),
        ("conv2d", "convolution"),
        ("conv2d_transpose", "convolution2d_transpose"),
        ("separable_conv2d", "separable_convolution2d"),
        ("fully_connected", "linear_fully_connected"),
    ] {
        if let Some(function) = slim_module.attributes.get(name) {
            slim_module.set(alias, function);
        }
    }
    for name in ["model_variable", "variable", "get_variables", "get_model_variables", "get_trainable_variables"] {
        if let Some(function) = tf.attributes.remove(name) {
            slim_module.set(name, function.clone());
            framework.set(name, function);
        }
    }
    for name in slim_module.attributes.list() {
        if let Some(function) = slim_module.attributes.get(&name) {
            contrib_layers.set(&name, function);
        }
    }
    for name in ["arg_scope", "add_arg_scope", "has_arg_scope", "current_arg_scope"] {
        if let Some(function) = slim_module.attributes.get(name) {
            framework.set(name, function);
        }
    }

    let initializers = module("tensorflow.initializers", "constant, zeros, ones, random_normal, truncated_normal, …");
    fill_factories(shared, &[&tf, &initializers], INITIALIZERS);

    let losses = module("tensorflow.losses", "mean_squared_error, absolute_difference, huber_loss, cross entropies");
    shared.fill(&losses, LOSSES);
    if let Some(function) = tf.attributes.remove("get_regularization_losses") {
        losses.set("get_regularization_losses", function);
    }
    let reduction = module("Reduction", "NONE, SUM, MEAN");
    for (name, value) in
        [("NONE", "none"), ("SUM", "weighted_sum"), ("SUM_BY_NONZERO_WEIGHTS", "mean"), ("MEAN", "mean")]
    {
        reduction.set(name, Value::str(value));
    }
    losses.set("Reduction", Value::Module(reduction));

    let image =
        module("tensorflow.image", "resize_images, resize_bilinear, resize_nearest_neighbor, flips, rgb_to_grayscale");
    shared.fill(&image, nn::IMAGE);
    let method = module("ResizeMethod", "BILINEAR, NEAREST_NEIGHBOR");
    for (name, value) in [("BILINEAR", 0), ("NEAREST_NEIGHBOR", 1), ("BICUBIC", 2), ("AREA", 3)] {
        method.set(name, Value::Int(value));
    }
    image.set("ResizeMethod", Value::Module(method));

    let summary_module = module("tensorflow.summary", "scalar, image, histogram, merge");
    shared.fill(&summary_module, summary::ALL);
    let train = module("tensorflow.train", "nothing: DIGITS' tool trains, with the solver of its form");
    let keys = constants::graph_keys();
    let logging = constants::logging();

    let contrib = module("tensorflow.contrib", "slim, layers, framework");
    contrib.set("slim", Value::Module(slim_module.clone()));
    contrib.set("layers", Value::Module(contrib_layers.clone()));
    contrib.set("framework", Value::Module(framework.clone()));
    slim_module.set("losses", Value::Module(losses.clone()));
    for (name, part) in [
        ("nn", &nn_module),
        ("layers", &layers_module),
        ("losses", &losses),
        ("image", &image),
        ("summary", &summary_module),
        ("train", &train),
        ("contrib", &contrib),
        ("initializers", &initializers),
        ("logging", &logging),
        ("GraphKeys", &keys),
    ] {
        tf.set(name, Value::Module(part.clone()));
    }
    for (name, source) in [("scalar_summary", "scalar"), ("image_summary", "image"), ("histogram_summary", "histogram")]
    {
        if let Some(function) = summary_module.attributes.get(source) {
            tf.set(name, function);
        }
    }
    tf.set("app", Value::native(Inert("app")));

    let digits = digits::module(shared);
    let tower = digits::tower()?;
    let model_property = digits::model_property();
    digits.set("model_property", model_property.clone());
    let model = module("model", "Tower");
    model.set("Tower", tower.clone());

    let modules = vec![
        ("tensorflow", tf.clone()),
        ("tensorflow.nn", nn_module),
        ("tensorflow.layers", layers_module),
        ("tensorflow.losses", losses),
        ("tensorflow.image", image),
        ("tensorflow.summary", summary_module),
        ("tensorflow.contrib", contrib),
        ("tensorflow.contrib.slim", slim_module.clone()),
        ("tensorflow.contrib.layers", contrib_layers),
        ("tensorflow.contrib.framework", framework),
        ("tensorflow.compat.v1", tf.clone()),
        ("tf_slim", slim_module.clone()),
        ("utils", digits.clone()),
        ("digits", digits.clone()),
        ("model", model),
    ];
    Ok(Library { modules, tf, slim: slim_module, digits, tower, model_property })
}
