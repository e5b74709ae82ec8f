//! The modules that a file can import, put together: `tensorflow` (`tf`), `slim`, `tf.contrib.layers`, `digits`, `model`.

use std::rc::Rc;

use super::{
    arrays,
    bound::last_name,
    clipping, convert, digits, initializers, losses, maths, nn, numpy,
    objects::{DTypeValue, Inert, Tf},
    products, scoped, scopes, slim, slim_losses, summary, tf_layers,
};
use crate::{
    frontend::python::{Arguments, Interpreter, Module, NativeFunction, Outcome, Value},
    nn::dataflow::DType,
};

/// What is missing here says what is there.
const ABOUT_TF: &str = "of TensorFlow 1.x: arithmetic, reductions, shapes, tf.nn, tf.layers, tf.contrib.layers, slim, \
                        tf.losses, tf.image (resizing), tf.summary, variables and scopes, initializers; sessions, \
                        placeholders, queues and optimizers are the tool's";

const ABOUT_KERAS: &str = "Keras is not here: DIGITS' files build layers with tf.layers (dense, conv2d, max_pooling2d, \
                           batch_normalization, dropout, flatten), slim or tf.contrib.layers, and DIGITS trains them";

/// What the tool does itself, with the reason.
fn fill_refusals(module: &Module) {
    const ASSIGNED: &str = "variables change by the optimiser, and moving averages by slim.batch_norm and \
                            tf.layers.batch_normalization: nothing would run this operation";
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
        ("tf.assign(*args, **kwargs)", ASSIGNED),
        ("tf.assign_add(*args, **kwargs)", ASSIGNED),
        ("tf.assign_sub(*args, **kwargs)", ASSIGNED),
    ];
    for &(signature, help) in REFUSED {
        let name = last_name(signature);
        let page = NativeFunction::value(signature, move |_: &Interpreter, _| {
            Err(convert::unsupported(&format!("tf.{name} is not open to a network file"), help))
        });
        module.set(name, page);
    }
}

/// `functools.partial(layer, activation_fn=activation)`
fn partial(signature: &'static str, layer: &Value, activation: Value) -> Value {
    let layer = layer.clone();
    NativeFunction::value(signature, move |python, given| {
        let mut named = given.keywords.clone();
        if named.iter().all(|(name, _)| &**name != "activation_fn") {
            named.push(("activation_fn".into(), activation.clone()));
        }
        python.call(&layer, Arguments { positional: given.rest.clone(), named })
    })
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
    let families = [maths::UNARY, maths::BINARY, maths::REDUCTIONS, maths::OTHERS, clipping::ALL, products::ALL];
    for entries in families.into_iter().chain([arrays::ALL, nn::BLOCKS, scopes::ALL]) {
        shared.fill(&tf, entries);
    }
    for dtype in DType::ALL {
        tf.set(dtype.name(), DTypeValue::value(dtype));
    }
    tf.set("double", DTypeValue::value(DType::Float64));
    tf.set("AUTO_REUSE", Value::str("AUTO_REUSE"));
    tf.set("newaxis", Value::None);
    tf.set("__version__", Value::str("1.2.1"));
    fill_refusals(&tf);

    let nn_module = module("tensorflow.nn", "convolutions, pools, activations, softmax, cross entropies, moments");
    shared.fill(&nn_module, nn::NN);
    shared.fill(&nn_module, products::NN);
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
        "dense, conv1d, conv2d, conv2d_transpose, separable_conv2d, pools, batch_normalization, dropout, flatten",
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
    shared.fill(&slim_module, initializers::REGULARIZERS);
    initializers::fill_factories(shared, &[&slim_module], initializers::CONTRIB_INITIALIZERS);
    for (name, alias) in [
        ("conv2d", "convolution2d"),
        ("conv2d", "convolution"),
        ("conv2d_transpose", "convolution2d_transpose"),
        ("separable_conv2d", "separable_convolution2d"),
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

    if let Some(layer) = slim_module.attributes.get("fully_connected") {
        let linear = partial("slim.linear(*args, **kwargs)", &layer, Value::None);
        slim_module.set("linear", linear.clone());
        contrib_layers.set("linear", linear);
        for (name, signature) in
            [("relu", "tf.contrib.layers.relu(*args, **kwargs)"), ("relu6", "tf.contrib.layers.relu6(*args, **kwargs)")]
        {
            if let Some(function) = nn_module.attributes.get(name) {
                contrib_layers.set(name, partial(signature, &layer, function));
            }
        }
    }

    let initializers_module =
        module("tensorflow.initializers", "constant, zeros, ones, random_normal, truncated_normal, …");
    initializers::fill_factories(shared, &[&tf, &initializers_module], initializers::INITIALIZERS);

    let losses_module = module(
        "tensorflow.losses",
        "mean_squared_error, absolute_difference, huber_loss, cross entropies … (labels first), add_loss, get_losses",
    );
    let slim_losses = module(
        "tensorflow.contrib.losses",
        "mean_squared_error, absolute_difference, cross entropies … (predictions first), add_loss, get_losses",
    );
    shared.fill(&losses_module, losses::ALL);
    shared.fill(&slim_losses, slim_losses::ALL);
    for module in [&losses_module, &slim_losses] {
        shared.fill(module, losses::COLLECTIONS);
    }
    slim_losses.attributes.remove("get_regularization_loss");
    let reduction = module("Reduction", "NONE, SUM, MEAN");
    for (name, value) in [
        ("NONE", "none"),
        ("SUM", "weighted_sum"),
        ("SUM_OVER_BATCH_SIZE", "weighted_sum_over_batch_size"),
        ("SUM_OVER_NONZERO_WEIGHTS", "weighted_sum_by_nonzero_weights"),
        ("SUM_BY_NONZERO_WEIGHTS", "weighted_sum_by_nonzero_weights"),
        ("MEAN", "weighted_mean"),
    ] {
        reduction.set(name, Value::str(value));
    }
    losses_module.set("Reduction", Value::Module(reduction));

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
    let keys = module("GraphKeys", "names of collections");
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
    let keras = module("tensorflow.keras", ABOUT_KERAS);
    let logging = module("tensorflow.logging", "set_verbosity, info, warn, error");
    for name in ["set_verbosity", "info", "warn", "error", "debug"] {
        logging.set(name, NativeFunction::value("tf.logging.info(*args, **kwargs)", |_, _| Ok(Value::None)));
    }
    for (level, number) in [("DEBUG", 10), ("INFO", 20), ("WARN", 30), ("ERROR", 40), ("FATAL", 50)] {
        logging.set(level, Value::Int(number));
    }

    let contrib = module("tensorflow.contrib", "slim, layers, losses, framework");
    contrib.set("slim", Value::Module(slim_module.clone()));
    contrib.set("layers", Value::Module(contrib_layers.clone()));
    contrib.set("framework", Value::Module(framework.clone()));
    slim_module.set("losses", Value::Module(slim_losses.clone()));
    contrib.set("losses", Value::Module(slim_losses.clone()));
    for (name, part) in [
        ("nn", &nn_module),
        ("layers", &layers_module),
        ("losses", &losses_module),
        ("image", &image),
        ("summary", &summary_module),
        ("train", &train),
        ("contrib", &contrib),
        ("initializers", &initializers_module),
        ("logging", &logging),
        ("GraphKeys", &keys),
        ("keras", &keras),
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

    // Where TensorFlow keeps its own code: files import its parts from there, and use what tf and tf.nn have.
    let inner = |name: &str, parts: &[&str], nn_parts: &[&str]| {
        let inner = module(name, &[parts, nn_parts].concat().join(", "));
        parts.iter().for_each(|part| inner.set(part, Value::Module(tf.clone())));
        nn_parts.iter().for_each(|part| inner.set(part, Value::Module(nn_module.clone())));
        inner
    };
    let inner_framework =
        inner("tensorflow.python.framework", &["ops", "dtypes", "tensor_shape", "constant_op", "random_seed"], &[]);
    let inner_ops = inner(
        "tensorflow.python.ops",
        &["array_ops", "math_ops", "init_ops", "random_ops", "variable_scope", "variables", "control_flow_ops"],
        &["nn", "nn_ops"],
    );

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
        ("tensorflow.losses", losses_module),
        ("tensorflow.image", image),
        ("tensorflow.summary", summary_module),
        ("tensorflow.contrib", contrib),
        ("tensorflow.contrib.slim", slim_module.clone()),
        ("tensorflow.contrib.slim.losses", slim_losses.clone()),
        ("tensorflow.contrib.losses", slim_losses),
        ("tensorflow.contrib.layers", contrib_layers),
        ("tensorflow.contrib.framework", framework),
        ("tensorflow.compat.v1", tf.clone()),
        ("tensorflow.python.framework", inner_framework),
        ("tensorflow.python.ops", inner_ops),
        ("tf_slim", slim_module.clone()),
        ("utils", digits.clone()),
        ("digits", digits.clone()),
        ("model", model),
        ("tensorflow.keras", keras.clone()),
        ("keras", keras),
        ("numpy", numpy::module()),
    ];
    Ok(Library { modules, tf, slim: slim_module, digits, tower, model_property })
}
