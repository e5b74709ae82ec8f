//! Convolutions of rows `[n, w, c]`: those of images one pixel high.

use super::{
    layers::{self, Layer},
    ops,
    state::{Graph, Symbol},
};
use crate::{
    error::{Error, Kind, Result},
    nn::dataflow::{Array, Window},
};

/// `tf.nn.conv1d` with a kernel `[w, in, out]`; the second extents of the window count.
///
/// # Errors
/// When the sizes do not fit.
pub fn conv1d(graph: &Graph, x: Symbol, kernel: Symbol, window: Window, name: Option<&str>) -> Result<Symbol> {
    let _scope = graph.name_scope(name.unwrap_or("conv1d"));
    for (what, tensor) in [("rows [n, w, c]", x), ("a kernel [w, in, out]", kernel)] {
        if graph.dims(tensor).rank() != 3 {
            return Err(graph.placed(
                Error::new(Kind::Shape, format!("conv1d wants {what}"))
                    .with_fact("it was given", graph.dims(tensor).to_string()),
            ));
        }
    }
    let images = graph.add(Array::ExpandDims(1), &[x], None)?;
    let kernel = graph.add(Array::ExpandDims(0), &[kernel], None)?;
    let y = ops::conv2d(graph, images, kernel, window, None)?;
    graph.add(Array::Squeeze(vec![1]), &[y], None)
}

/// `tf.layers.conv1d`
///
/// # Errors
/// When the inputs are no rows, or a variable may not be made.
pub fn layer(graph: &Graph, x: Symbol, filters: i64, width: i64, window: Window, layer: &Layer<'_>) -> Result<Symbol> {
    layers::positive(graph, "the number of outputs", filters)?;
    let planes = layers::features(graph, x, "conv1d")?;
    let weights = layer.weights(graph, &[width, planes, filters], graph.dtype(x))?;
    let y = conv1d(graph, x, weights, window, None)?;
    layer.finish(graph, y, filters)
}
