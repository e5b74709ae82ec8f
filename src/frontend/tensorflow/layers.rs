//! Layers: `slim`'s, `tf.layers`' and `tf.contrib.layers`' functions with variables of their own, inside an open scope.
//!
//! Order of a layer, as in TF-Slim: operation, bias or normalizer (not both), activation.

use super::{
    ops,
    state::{Graph, Initializer, Regularizer, Symbol},
    variables::VariableRequest,
};
use crate::{
    error::{Error, Kind, Result},
    nn::dataflow::{Array, DType, Index, Normalization, Padding, Pointwise, Random, Window, Windowed},
};

/// A function that a layer applies: an activation or a normalizer.
pub type Apply<'a> = &'a dyn Fn(Symbol) -> Result<Symbol>;

/// The variables and functions that layers share.
#[derive(Clone)]
pub struct Layer<'a> {
    /// Name of the weights: `weights` in slim, `kernel` in `tf.layers`.
    pub weights_name: &'a str,
    /// Name of the biases: `biases` in slim, `bias` in `tf.layers`.
    pub biases_name: &'a str,
    /// How weights start.
    pub weights_initializer: Option<Initializer>,
    /// How biases start; `None` for a layer without.
    pub biases_initializer: Option<Initializer>,
    /// Penalty on the weights.
    pub weights_regularizer: Option<Regularizer>,
    /// Penalty on the biases.
    pub biases_regularizer: Option<Regularizer>,
    /// Whether gradients change them.
    pub trainable: bool,
    /// Takes the place of the bias.
    pub normalizer: Option<Apply<'a>>,
    /// Comes last.
    pub activation: Option<Apply<'a>>,
}

impl Layer<'_> {
    /// With slim's names, Glorot's weights, biases of zeros, and nothing behind.
    #[must_use]
    pub fn plain() -> Layer<'static> {
        Layer {
            weights_name: "weights",
            biases_name: "biases",
            weights_initializer: Some(Initializer::xavier(true)),
            biases_initializer: Some(Initializer::zeros()),
            weights_regularizer: None,
            biases_regularizer: None,
            trainable: true,
            normalizer: None,
            activation: None,
        }
    }

    pub(super) fn weights(&self, graph: &Graph, dims: &[i64], dtype: DType) -> Result<Symbol> {
        self.named_weights(graph, self.weights_name, dims, dtype)
    }

    fn named_weights(&self, graph: &Graph, name: &str, dims: &[i64], dtype: DType) -> Result<Symbol> {
        graph.get_variable(&VariableRequest {
            dtype,
            initializer: self.weights_initializer.clone(),
            regularizer: self.weights_regularizer.clone(),
            trainable: self.trainable,
            ..VariableRequest::new(name, dims)
        })
    }

    /// Bias or normalizer, then activation.
    pub(super) fn finish(&self, graph: &Graph, y: Symbol, outputs: i64) -> Result<Symbol> {
        let y = match (self.normalizer, &self.biases_initializer) {
            (Some(normalizer), _) => normalizer(y)?,
            (None, Some(initializer)) => {
                let biases = graph.get_variable(&VariableRequest {
                    dtype: graph.dtype(y),
                    initializer: Some(initializer.clone()),
                    regularizer: self.biases_regularizer.clone(),
                    trainable: self.trainable,
                    ..VariableRequest::new(self.biases_name, &[outputs])
                })?;
                ops::bias_add(graph, y, biases, None)?
            }
            (None, None) => y,
        };
        match self.activation {
            Some(activation) => activation(y),
            None => Ok(y),
        }
    }
}

/// The extent of the last dim.
pub(super) fn features(graph: &Graph, x: Symbol, layer: &str) -> Result<i64> {
    let dims = graph.dims(x);
    dims.0.last().copied().flatten().ok_or_else(|| {
        graph.placed(
            Error::new(Kind::Shape, format!("the last dimension of the inputs to {layer} must be known"))
                .with_fact("it was given", dims.to_string()),
        )
    })
}

pub(super) fn positive(graph: &Graph, what: &str, number: i64) -> Result<()> {
    if number >= 1 {
        return Ok(());
    }
    Err(graph.placed(Error::new(Kind::Argument, format!("{what} must be at least 1, not {number}"))))
}

/// `fully_connected`, `dense`: acts on the last axis of a tensor of any rank.
///
/// # Errors
/// When the last dim is unknown, or a variable may not be made.
pub fn fully_connected(graph: &Graph, x: Symbol, outputs: i64, layer: &Layer<'_>) -> Result<Symbol> {
    positive(graph, "the number of outputs", outputs)?;
    let inputs = features(graph, x, "fully_connected")?;
    let dims = graph.dims(x);
    if dims.rank() < 2 {
        return Err(graph.placed(
            Error::new(Kind::Shape, "fully_connected wants at least [n, features]")
                .with_fact("it was given", dims.to_string()),
        ));
    }
    let weights = layer.weights(graph, &[inputs, outputs], graph.dtype(x))?;
    let y = if dims.rank() == 2 {
        ops::matmul(graph, x, weights, (false, false), None)?
    } else {
        let shape = graph.add(Array::Shape(DType::Int32), &[x], None)?;
        let rows = ops::reshape(graph, x, &[-1, inputs], None)?;
        let product = ops::matmul(graph, rows, weights, (false, false), None)?;
        let leading = ops::subscript(graph, shape, vec![Index::Range(None, Some(-1), 1)])?;
        let last = ops::sizes(graph, &[outputs])?;
        let size = graph.add(Array::Concat(0), &[leading, last], None)?;
        graph.add(Array::Reshape, &[product, size], None)?
    };
    layer.finish(graph, y, outputs)
}

/// `conv2d`: `[n, h, w, c]` with a kernel of these rows and columns.
///
/// # Errors
/// When the inputs are no images, or a variable may not be made.
pub fn conv2d(
    graph: &Graph,
    x: Symbol,
    filters: i64,
    kernel: [i64; 2],
    window: Window,
    layer: &Layer<'_>,
) -> Result<Symbol> {
    positive(graph, "the number of outputs", filters)?;
    images(graph, x, "conv2d")?;
    let planes = features(graph, x, "conv2d")?;
    let weights = layer.weights(graph, &[kernel[0], kernel[1], planes, filters], graph.dtype(x))?;
    let y = ops::conv2d(graph, x, weights, window, None)?;
    layer.finish(graph, y, filters)
}

/// `separable_conv2d`: a kernel for each plane, then a 1 × 1 convolution to `filters` planes (none for `None`).
///
/// # Errors
/// When the inputs are no images, or a variable may not be made.
pub fn separable_conv2d(
    graph: &Graph,
    x: Symbol,
    filters: Option<i64>,
    kernel: [i64; 2],
    multiplier: i64,
    window: Window,
    layer: &Layer<'_>,
) -> Result<Symbol> {
    positive(graph, "depth_multiplier", multiplier)?;
    images(graph, x, "separable_conv2d")?;
    let planes = features(graph, x, "separable_conv2d")?;
    let dtype = graph.dtype(x);
    let name = |part: &str| match layer.weights_name {
        "kernel" => format!("{part}_kernel"),
        _ => format!("{part}_weights"),
    };
    let depthwise =
        layer.named_weights(graph, &name("depthwise"), &[kernel[0], kernel[1], planes, multiplier], dtype)?;
    let mut y = graph.add(Windowed::Depthwise(window), &[x, depthwise], None)?;
    let mut outputs = planes * multiplier;
    if let Some(filters) = filters {
        let pointwise = layer.named_weights(graph, &name("pointwise"), &[1, 1, outputs, filters], dtype)?;
        let whole = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Valid };
        y = ops::conv2d(graph, y, pointwise, whole, Some("separable_conv2d"))?;
        outputs = filters;
    }
    layer.finish(graph, y, outputs)
}

/// `conv2d_transpose`: SAME gives n · stride rows, VALID n · stride + max(kernel − stride, 0).
///
/// # Errors
/// When the inputs are no images, or a variable may not be made.
pub fn conv2d_transpose(
    graph: &Graph,
    x: Symbol,
    filters: i64,
    kernel: [i64; 2],
    window: Window,
    layer: &Layer<'_>,
) -> Result<Symbol> {
    positive(graph, "the number of outputs", filters)?;
    let dims = images(graph, x, "conv2d_transpose")?;
    let planes = features(graph, x, "conv2d_transpose")?;
    let weights = layer.weights(graph, &[kernel[0], kernel[1], filters, planes], graph.dtype(x))?;
    let shape = graph.add(Array::Shape(DType::Int32), &[x], None)?;
    let batch = ops::subscript(graph, shape, vec![Index::At(0)])?;
    let mut entries = vec![Err(batch)];
    for (dim, (stride, kernel)) in window.stride.into_iter().zip(kernel).enumerate() {
        let more = if window.padding == Padding::Valid { (kernel - stride).max(0) } else { 0 };
        let rows = dims.0[dim + 1].and_then(|extent| extent.checked_mul(stride)?.checked_add(more));
        entries.push(Ok(rows.ok_or_else(|| {
            graph.placed(
                Error::new(Kind::Shape, "the height and width of the inputs to conv2d_transpose must be known")
                    .with_fact("it was given", dims.to_string()),
            )
        })?));
    }
    entries.push(Ok(filters));
    let sizes = ops::packed_sizes(graph, &entries)?;
    let y = graph.add(Windowed::Transposed(window), &[x, weights, sizes], None)?;
    layer.finish(graph, y, filters)
}

fn images(graph: &Graph, x: Symbol, layer: &str) -> Result<crate::nn::dataflow::Dims> {
    let dims = graph.dims(x);
    if dims.rank() == 4 {
        return Ok(dims);
    }
    Err(graph.placed(
        Error::new(Kind::Shape, format!("{layer} wants images [n, h, w, c]"))
            .with_fact("it was given", dims.to_string())
            .with_help("make them images again: tf.reshape(x, [-1, height, width, channels])"),
    ))
}

/// What `batch_norm` is called with.
#[derive(Clone)]
pub struct BatchNorm {
    /// Weight of the old moving statistics.
    pub decay: f64,
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether there is a learned offset, `beta`.
    pub center: bool,
    /// Whether there is a learned factor, `gamma`.
    pub scale: bool,
    /// Whether the batch's own statistics are used.
    pub is_training: bool,
    /// Whether a training step updates the moving statistics at once (`updates_collections=None`). DIGITS never runs the
    /// collection that they would go to otherwise.
    pub updates: bool,
    /// Whether TensorFlow would use its fused kernel, which keeps the unbiased variance.
    pub fused: bool,
    /// Whether gradients change beta and gamma.
    pub trainable: bool,
    /// How beta starts.
    pub beta: Initializer,
    /// How gamma starts.
    pub gamma: Initializer,
}

impl Default for BatchNorm {
    fn default() -> Self {
        BatchNorm {
            decay: 0.999,
            epsilon: 0.001,
            center: true,
            scale: false,
            is_training: true,
            updates: false,
            fused: true,
            trainable: true,
            beta: Initializer::zeros(),
            gamma: Initializer::Constant(std::rc::Rc::new(vec![1.0])),
        }
    }
}

/// `batch_norm`, `batch_normalization`: over all dims but the last.
///
/// # Errors
/// When the last dim is unknown, or a variable may not be made.
pub fn batch_norm(graph: &Graph, x: Symbol, settings: &BatchNorm) -> Result<Symbol> {
    let planes = features(graph, x, "batch_norm")?;
    let dtype = graph.dtype(x);
    let variable = |name: &str, initializer: Initializer, trainable: bool| {
        graph.get_variable(&VariableRequest {
            dtype,
            initializer: Some(initializer),
            trainable,
            ..VariableRequest::new(name, &[planes])
        })
    };
    let ones = || Initializer::Constant(std::rc::Rc::new(vec![1.0]));
    let constant = |value: f64| graph.constant(vec![value], &[planes], dtype, None);
    let beta =
        if settings.center { variable("beta", settings.beta.clone(), settings.trainable)? } else { constant(0.0)? };
    let gamma =
        if settings.scale { variable("gamma", settings.gamma.clone(), settings.trainable)? } else { constant(1.0)? };
    let mean = variable("moving_mean", Initializer::zeros(), false)?;
    let variance = variable("moving_variance", ones(), false)?;
    let rank = graph.dims(x).rank();
    let normalization = Normalization::Batch {
        epsilon: settings.epsilon,
        training: settings.is_training,
        decay: settings.updates.then_some(settings.decay),
        unbiased: settings.fused && matches!(rank, 2 | 4),
    };
    graph.add(normalization, &[x, gamma, beta, mean, variance], None)
}

/// `dropout`, in training only: each number kept with probability `keep`.
///
/// # Errors
/// When `keep` is not above 0 and at most 1.
pub fn dropout(graph: &Graph, x: Symbol, keep: f64, is_training: bool, name: Option<&str>) -> Result<Symbol> {
    if !is_training {
        return graph.add(Pointwise::Identity, &[x], name);
    }
    graph.add(Random::Dropout(keep), &[x], name)
}

/// `flatten`: `[n, …]` to `[n, features]`.
///
/// # Errors
/// When the features cannot be counted.
pub fn flatten(graph: &Graph, x: Symbol) -> Result<Symbol> {
    let dims = graph.dims(x);
    let rest = crate::nn::dataflow::Dims(dims.0.iter().skip(1).copied().collect());
    match rest.numel() {
        Some(features) if dims.rank() >= 1 => ops::reshape(graph, x, &[-1, features], None),
        _ => Err(graph.placed(
            Error::new(Kind::Shape, "the sizes of a sample must be known to flatten it")
                .with_fact("it was given", dims.to_string()),
        )),
    }
}

/// `max_pool2d`, `avg_pool2d`.
///
/// # Errors
/// When the inputs are no images.
pub fn pool(
    graph: &Graph,
    x: Symbol,
    kernel: [i64; 2],
    window: Window,
    largest: bool,
    name: Option<&str>,
) -> Result<Symbol> {
    images(graph, x, if largest { "max_pool2d" } else { "avg_pool2d" })?;
    let pool = if largest { Windowed::MaxPool { kernel, window } } else { Windowed::AvgPool { kernel, window } };
    graph.add(pool, &[x], name)
}
