//! `tf.nn` and `tf.image`: layers without variables of their own, softmax, cross entropies, normalisations.

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
        tensorflow::{Symbol, layers, ops},
    },
    nn::dataflow::{
        Array, Binary, DType, Loss, Normalization, Padding, Pointwise, Random, Reduce, Reduction, Resize, ResizeMethod,
        Slice, Unary, Window, Windowed,
    },
};

fn pool(tf: &Rc<Tf>, given: &Given, largest: bool) -> Outcome {
    let x = convert::tensor(tf, given, "value")?;
    let kernel = windows::pair(tf, given, "ksize")?;
    let window = windows::window(tf, given, "strides", None)?;
    Ok(tf.value(layers::pool(&tf.graph, x, kernel, window, largest, name(given)?).or_raise()?))
}

fn softmax(tf: &Rc<Tf>, given: &Given, loss: fn(usize) -> Loss) -> Outcome {
    let x = convert::tensor(tf, given, "logits")?;
    let axis = convert::axes(given, &["axis", "dim"])?.and_then(|axes| axes.first().copied()).unwrap_or(-1);
    let axis = ops::axis(&tf.graph, x, axis, 0).or_raise()?;
    Ok(tf.value(tf.graph.add(loss(axis), &[x], name(given)?).or_raise()?))
}

/// Labels and logits, which these functions want by name.
fn labelled(tf: &Rc<Tf>, given: &Given, like_logits: bool) -> Outcome<[Symbol; 2]> {
    for argument in ["labels", "logits"] {
        if given.some(argument).is_none() {
            return Err(Raised::value_error(format!("the argument {argument} is missing"))
                .with_help("give both by name: (labels=…, logits=…)"));
        }
    }
    let logits = convert::tensor(tf, given, "logits")?;
    let like = like_logits.then(|| tf.graph.dtype(logits));
    Ok([convert::symbol(tf, given.value("labels"), like)?, logits])
}

fn cross_entropy(tf: &Rc<Tf>, given: &Given, loss: Loss) -> Outcome {
    let mut inputs = labelled(tf, given, loss != Loss::SparseSoftmaxCrossEntropy)?;
    // Of TensorFlow 1's two only the later one has a gradient for its labels.
    if &**given.name() == "tf.nn.softmax_cross_entropy_with_logits" {
        let stopped = tf.graph.add(Pointwise::StopGradient, &inputs[..1], Some("labels_stop_gradient"));
        inputs[0] = stopped.or_raise()?;
    }
    Ok(tf.value(tf.graph.add(loss, &inputs, name(given)?).or_raise()?))
}

fn dropout(tf: &Rc<Tf>, given: &Given) -> Outcome {
    let x = convert::tensor(tf, given, "x")?;
    let keep = match (given.some("keep_prob"), given.some("rate")) {
        (None, Some(_)) => 1.0 - given.float("rate")?,
        (Some(value), _) if value.as_float().is_none() => {
            return Err(convert::unsupported(
                "keep_prob is a number here, not a tensor",
                "choose it with Python: keep_prob=0.5 if self.is_training else 1.0",
            ));
        }
        _ => given.float("keep_prob")?,
    };
    let dropout = match given.some("noise_shape") {
        None => tf.graph.add(Random::Dropout(keep), &[x], name(given)?),
        Some(shape) => {
            let sizes = convert::size_tensor(tf, shape)?;
            tf.graph.add(Random::DropoutShaped(keep), &[x, sizes], name(given)?)
        }
    };
    Ok(tf.value(dropout.or_raise()?))
}

fn resized(tf: &Rc<Tf>, given: &Given, method: ResizeMethod, argument: &str) -> Outcome {
    let x = convert::tensor(tf, given, "images")?;
    let size = convert::size_tensor(tf, given.value(argument))?;
    let resize = Resize { method, align_corners: matches!(given.value("align_corners"), Value::Bool(true)) };
    Ok(tf.value(tf.graph.add(resize, &[x, size], name(given)?).or_raise()?))
}

/// `tf.nn`.
pub(super) const NN: &[Entry] = &[
    (
        "tf.nn.conv2d(input, filter, strides, padding, use_cudnn_on_gpu=True, data_format='NHWC', dilations=None, name=None)",
        |tf, _, given| {
            let (x, kernel) = (convert::tensor(tf, given, "input")?, convert::tensor(tf, given, "filter")?);
            let window = windows::window(tf, given, "strides", Some("dilations"))?;
            Ok(tf.value(ops::conv2d(&tf.graph, x, kernel, window, name(given)?).or_raise()?))
        },
    ),
    (
        "tf.nn.depthwise_conv2d(input, filter, strides, padding, rate=None, name=None, data_format=None)",
        |tf, _, given| {
            let inputs = [convert::tensor(tf, given, "input")?, convert::tensor(tf, given, "filter")?];
            let window = windows::window(tf, given, "strides", Some("rate"))?;
            Ok(tf.value(tf.graph.add(Windowed::Depthwise(window), &inputs, name(given)?).or_raise()?))
        },
    ),
    (
        "tf.nn.separable_conv2d(input, depthwise_filter, pointwise_filter, strides, padding, rate=None, name=None, data_format=None)",
        |tf, _, given| {
            let inputs = [convert::tensor(tf, given, "input")?, convert::tensor(tf, given, "depthwise_filter")?];
            let window = windows::window(tf, given, "strides", Some("rate"))?;
            let _scope = tf.graph.name_scope(name(given)?.unwrap_or("separable_conv2d"));
            let planes = tf.graph.add(Windowed::Depthwise(window), &inputs, None).or_raise()?;
            let pointwise = convert::tensor(tf, given, "pointwise_filter")?;
            let whole = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Valid };
            Ok(tf.value(ops::conv2d(&tf.graph, planes, pointwise, whole, None).or_raise()?))
        },
    ),
    ("tf.nn.atrous_conv2d(value, filters, rate, padding, name=None)", |tf, _, given| {
        let (x, kernel) = (convert::tensor(tf, given, "value")?, convert::tensor(tf, given, "filters")?);
        let dilation = windows::pair(tf, given, "rate")?;
        let window = Window { stride: [1, 1], dilation, padding: windows::padding(given)? };
        Ok(tf.value(ops::conv2d(&tf.graph, x, kernel, window, name(given)?).or_raise()?))
    }),
    (
        "tf.nn.conv2d_transpose(value, filter, output_shape, strides, padding='SAME', data_format='NHWC', name=None)",
        |tf, _, given| {
            let (x, kernel) = (convert::tensor(tf, given, "value")?, convert::tensor(tf, given, "filter")?);
            let sizes = convert::size_tensor(tf, given.value("output_shape"))?;
            let window = windows::window(tf, given, "strides", None)?;
            let transposed = tf.graph.add(Windowed::Transposed(window), &[x, kernel, sizes], name(given)?);
            Ok(tf.value(transposed.or_raise()?))
        },
    ),
    ("tf.nn.bias_add(value, bias, data_format=None, name=None)", |tf, _, given| {
        windows::check_layout(given)?;
        let (x, bias) = (convert::tensor(tf, given, "value")?, convert::tensor(tf, given, "bias")?);
        Ok(tf.value(ops::bias_add(&tf.graph, x, bias, name(given)?).or_raise()?))
    }),
    ("tf.nn.max_pool(value, ksize, strides, padding, data_format='NHWC', name=None)", |tf, _, given| {
        pool(tf, given, true)
    }),
    ("tf.nn.avg_pool(value, ksize, strides, padding, data_format='NHWC', name=None)", |tf, _, given| {
        pool(tf, given, false)
    }),
    ("tf.nn.dropout(x, keep_prob=None, noise_shape=None, seed=None, name=None, rate=None)", |tf, _, given| {
        dropout(tf, given)
    }),
    ("tf.nn.softmax(logits, axis=None, name=None, dim=None)", |tf, _, given| softmax(tf, given, Loss::Softmax)),
    ("tf.nn.log_softmax(logits, axis=None, name=None, dim=None)", |tf, _, given| softmax(tf, given, Loss::LogSoftmax)),
    (
        "tf.nn.softmax_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, dim=-1, name=None)",
        |tf, _, given| cross_entropy(tf, given, Loss::SoftmaxCrossEntropy),
    ),
    (
        "tf.nn.softmax_cross_entropy_with_logits_v2(_sentinel=None, labels=None, logits=None, dim=-1, name=None)",
        |tf, _, given| cross_entropy(tf, given, Loss::SoftmaxCrossEntropy),
    ),
    (
        "tf.nn.sparse_softmax_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, name=None)",
        |tf, _, given| cross_entropy(tf, given, Loss::SparseSoftmaxCrossEntropy),
    ),
    ("tf.nn.sigmoid_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, name=None)", |tf, _, given| {
        cross_entropy(tf, given, Loss::SigmoidCrossEntropy)
    }),
    ("tf.nn.in_top_k(predictions, targets, k, name=None)", |tf, _, given| {
        let inputs = [convert::tensor(tf, given, "predictions")?, convert::tensor(tf, given, "targets")?];
        Ok(tf.value(tf.graph.add(Reduction::InTopK(given.int("k")?), &inputs, name(given)?).or_raise()?))
    }),
    ("tf.nn.top_k(input, k=1, sorted=True, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "input")?;
        let first = tf.graph.add(Reduction::TopK(given.int("k")?), &[x], name(given)?).or_raise()?;
        Ok(Value::tuple(tf.graph.results(first).into_iter().map(|symbol| tf.value(symbol)).collect()))
    }),
    ("tf.nn.l2_normalize(x, dim=None, epsilon=1e-12, name=None, axis=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "x")?;
        let axes = convert::axes(given, &["dim", "axis"])?;
        let unit = ops::l2_normalize(&tf.graph, x, axes.as_deref(), given.float("epsilon")?, name(given)?);
        Ok(tf.value(unit.or_raise()?))
    }),
    ("tf.nn.moments(x, axes, shift=None, name=None, keep_dims=False, keepdims=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "x")?;
        let axes = convert::whole_list(given, "axes")?;
        let keep = ["keep_dims", "keepdims"].iter().any(|flag| matches!(given.value(flag), Value::Bool(true)));
        let (mean, variance) = ops::moments(&tf.graph, x, &axes, keep, name(given)?).or_raise()?;
        Ok(Value::tuple(vec![tf.value(mean), tf.value(variance)]))
    }),
    ("tf.nn.batch_normalization(x, mean, variance, offset, scale, variance_epsilon, name=None)", |tf, _, given| {
        let g = &tf.graph;
        let _scope = g.name_scope(name(given)?.unwrap_or("batchnorm"));
        let x = convert::tensor(tf, given, "x")?;
        let [mean, variance] = [convert::tensor(tf, given, "mean")?, convert::tensor(tf, given, "variance")?];
        let epsilon = ops::scalar(g, given.float("variance_epsilon")?, g.dtype(x)).or_raise()?;
        let shifted = ops::binary(g, Binary::Add, variance, epsilon, Some("add")).or_raise()?;
        let mut factor = ops::unary(g, Unary::Rsqrt, shifted, None).or_raise()?;
        if given.some("scale").is_some() {
            let scale = convert::tensor(tf, given, "scale")?;
            factor = ops::binary(g, Binary::Mul, factor, scale, Some("mul")).or_raise()?;
        }
        let centred = ops::binary(g, Binary::Sub, x, mean, Some("sub")).or_raise()?;
        let mut y = ops::binary(g, Binary::Mul, centred, factor, Some("mul")).or_raise()?;
        if given.some("offset").is_some() {
            let offset = convert::tensor(tf, given, "offset")?;
            y = ops::binary(g, Binary::Add, y, offset, Some("add")).or_raise()?;
        }
        Ok(tf.value(y))
    }),
    (
        "tf.nn.local_response_normalization(input, depth_radius=5, bias=1, alpha=1, beta=0.5, name=None)",
        |tf, _, given| local_response(tf, given),
    ),
    ("tf.nn.lrn(input, depth_radius=5, bias=1, alpha=1, beta=0.5, name=None)", |tf, _, given| {
        local_response(tf, given)
    }),
    ("tf.nn.zero_fraction(value, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "value")?;
        let _scope = tf.graph.name_scope(name(given)?.unwrap_or("zero_fraction"));
        let zero = ops::scalar(&tf.graph, 0.0, tf.graph.dtype(x)).or_raise()?;
        let zeros = ops::binary(&tf.graph, Binary::Equal, x, zero, None).or_raise()?;
        let floats = ops::cast(&tf.graph, zeros, DType::Float32, None).or_raise()?;
        Ok(tf.value(ops::reduce(&tf.graph, Reduce::Mean, floats, None, false, None).or_raise()?))
    }),
    ("tf.nn.xw_plus_b(x, weights, biases, name=None)", |tf, _, given| {
        let [x, w, b] = ["x", "weights", "biases"].map(|argument| convert::tensor(tf, given, argument));
        let product = ops::matmul(&tf.graph, x?, w?, (false, false), None).or_raise()?;
        Ok(tf.value(ops::bias_add(&tf.graph, product, b?, name(given)?).or_raise()?))
    }),
    ("tf.nn.embedding_lookup(params, ids, name=None)", |tf, _, given| {
        let inputs = [convert::tensor(tf, given, "params")?, convert::tensor(tf, given, "ids")?];
        Ok(tf.value(tf.graph.add(Slice::Gather(0), &inputs, name(given)?).or_raise()?))
    }),
    ("tf.nn.crelu(features, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "features")?;
        let negative = ops::unary(&tf.graph, Unary::Neg, x, None).or_raise()?;
        let both = ops::concat(&tf.graph, &[x, negative], -1, None).or_raise()?;
        Ok(tf.value(ops::unary(&tf.graph, Unary::Relu, both, name(given)?).or_raise()?))
    }),
];

fn local_response(tf: &Rc<Tf>, given: &Given) -> Outcome {
    let x = convert::tensor(tf, given, "input")?;
    let planes = Normalization::Planes {
        radius: given.int("depth_radius")?.clamp(0, 1 << 16),
        bias: given.float("bias")?,
        alpha: given.float("alpha")?,
        beta: given.float("beta")?,
    };
    Ok(tf.value(tf.graph.add(planes, &[x], name(given)?).or_raise()?))
}

/// `tf.image`, and moves between planes and pixels.
pub(super) const IMAGE: &[Entry] = &[
    ("tf.image.resize_images(images, size, method=0, align_corners=False, name=None)", |tf, _, given| {
        let method = match given.value("method").as_int() {
            Some(0) => ResizeMethod::Bilinear,
            Some(1) => ResizeMethod::Nearest,
            _ => {
                return Err(convert::unsupported(
                    "images are resized bilinearly or to the nearest pixel",
                    "method is tf.image.ResizeMethod.BILINEAR or NEAREST_NEIGHBOR",
                ));
            }
        };
        resized(tf, given, method, "size")
    }),
    ("tf.image.resize_bilinear(images, size, align_corners=False, name=None)", |tf, _, given| {
        resized(tf, given, ResizeMethod::Bilinear, "size")
    }),
    ("tf.image.resize_nearest_neighbor(images, size, align_corners=False, name=None)", |tf, _, given| {
        resized(tf, given, ResizeMethod::Nearest, "size")
    }),
    ("tf.image.flip_left_right(image, name=None)", |tf, _, given| flip(tf, given, -2)),
    ("tf.image.flip_up_down(image, name=None)", |tf, _, given| flip(tf, given, -3)),
    ("tf.image.rgb_to_grayscale(images, name=None)", |tf, _, given| {
        let x = convert::floats(tf, given, "images")?;
        let _scope = tf.graph.name_scope(name(given)?.unwrap_or("rgb_to_grayscale"));
        let weights = tf.graph.constant(vec![0.2989, 0.587, 0.114], &[3], tf.graph.dtype(x), None).or_raise()?;
        let product = ops::binary(&tf.graph, Binary::Mul, x, weights, None).or_raise()?;
        Ok(tf.value(ops::reduce(&tf.graph, Reduce::Sum, product, Some(&[-1]), true, None).or_raise()?))
    }),
];

fn flip(tf: &Rc<Tf>, given: &Given, axis: i64) -> Outcome {
    let x = convert::tensor(tf, given, "image")?;
    let axis = ops::axis(&tf.graph, x, axis, 0).or_raise()?;
    Ok(tf.value(tf.graph.add(Array::Reverse(vec![axis]), &[x], name(given)?).or_raise()?))
}

/// `tf.depth_to_space`, `tf.space_to_depth`.
pub(super) const BLOCKS: &[Entry] = &[
    ("tf.depth_to_space(input, block_size, name=None)", |tf, _, given| {
        let (x, b) = (convert::tensor(tf, given, "input")?, given.int("block_size")?);
        let [h, w, c] = image_sizes(tf, given, x)?;
        if b < 1 || c % (b * b) != 0 {
            return Err(Raised::value_error(format!("{c} planes cannot be spread over blocks of {b} by {b} pixels")));
        }
        let c = c / (b * b);
        rearranged(tf, x, &[-1, h, w, b, b, c], &[0, 1, 3, 2, 4, 5], &[-1, h * b, w * b, c])
    }),
    ("tf.space_to_depth(input, block_size, name=None)", |tf, _, given| {
        let (x, b) = (convert::tensor(tf, given, "input")?, given.int("block_size")?);
        let [h, w, c] = image_sizes(tf, given, x)?;
        if b < 1 || h % b != 0 || w % b != 0 {
            return Err(Raised::value_error(format!("{h} by {w} pixels are no blocks of {b} by {b}")));
        }
        rearranged(tf, x, &[-1, h / b, b, w / b, b, c], &[0, 1, 3, 2, 4, 5], &[-1, h / b, w / b, b * b * c])
    }),
];

fn image_sizes(tf: &Rc<Tf>, given: &Given, x: Symbol) -> Outcome<[i64; 3]> {
    let dims = tf.graph.dims(x);
    let sizes: Option<Vec<i64>> = dims.0.iter().skip(1).copied().collect();
    sizes.and_then(|sizes| sizes.try_into().ok()).ok_or_else(|| given.wrong("input", "images of known sizes"))
}

fn rearranged(tf: &Rc<Tf>, x: Symbol, split: &[i64], order: &[i64], joined: &[i64]) -> Outcome {
    let split = ops::reshape(&tf.graph, x, split, None).or_raise()?;
    let turned = ops::transpose(&tf.graph, split, Some(order), None).or_raise()?;
    Ok(tf.value(ops::reshape(&tf.graph, turned, joined, None).or_raise()?))
}
