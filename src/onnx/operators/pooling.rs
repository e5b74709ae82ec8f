//! Windows: maxima, means, sums over neighbouring planes. Torch7 rounds sizes in its own way; the recorded shapes say
//! how, and become explicit padding.

use super::{
    super::graph::{Value, float, int, ints},
    site::{Site, refused},
};
use crate::{
    error::Result,
    nn::modules::{
        average_pooling::AveragePooling, max_pooling::MaxPooling, spatial_cross_map_lrn::SpatialCrossMapLrn,
        temporal::TemporalMaxPooling,
    },
};

/// The cells that must follow the last ones, so that sizes rounded down give the recorded output.
fn behind(site: &Site<'_>, kernel: &[i64], stride: &[i64], before: &[i64], dilation: &[i64]) -> Result<Vec<i64>> {
    site.check_rank(kernel.len() + 2)?;
    let (input, output) = (site.step.input.fixed(2)?, site.step.output.fixed(2)?);
    let cells = |d: usize| (output[d] - 1) * stride[d] + dilation[d] * (kernel[d] - 1) + 1 - input[d] - before[d];
    Ok((0..kernel.len()).map(|d| cells(d).max(0)).collect())
}

/// MaxPool.
pub(super) fn max(module: &MaxPooling, mut site: Site<'_>) -> Result<Value> {
    let after = behind(&site, &module.kernel, &module.stride, &module.padding, &module.dilation)?;
    let windows = module.kernel.iter().zip(&module.dilation).map(|(kernel, dilation)| dilation * (kernel - 1) + 1);
    if after.iter().zip(windows).any(|(&after, window)| after >= window) {
        return Err(refused(site.class, "when a window lies outside the image")
            .with_help("leave :ceil() out, or make the stride no larger than the window"));
    }
    site.apply(
        "MaxPool",
        vec![
            ints("kernel_shape", &module.kernel),
            ints("strides", &module.stride),
            ints("pads", &[&module.padding[..], &after].concat()),
            ints("dilations", &module.dilation),
        ],
    )
}

/// AveragePool where both agree; else the sum of each window over its own divisor.
pub(super) fn average(module: &AveragePooling, mut site: Site<'_>) -> Result<Value> {
    let spatial = module.kernel.len();
    let after = behind(&site, &module.kernel, &module.stride, &module.padding, &vec![1; spatial])?;
    let window = vec![ints("kernel_shape", &module.kernel), ints("strides", &module.stride)];
    if module.divide && after.iter().zip(&module.padding).all(|(after, pad)| after <= pad) {
        let pads = ints("pads", &[&module.padding[..], &module.padding].concat());
        let counts = int("count_include_pad", i64::from(module.count_include_pad));
        return site.apply("AveragePool", [window, vec![pads, counts]].concat());
    }
    // Zeros around the image do not change a sum.
    let zeros = [&[0, 0], &module.padding[..], &[0, 0], &after].concat();
    let zeros = site.graph.ints(&zeros);
    let padded = site.apply_with("Pad", &[&zeros])?;
    let mean = site.graph.node("AveragePool", &[&padded], window);
    let factors = factors(module, &site.step.input.fixed(2)?, &site.step.output.fixed(2)?);
    let shape = [&[1, 1], &site.step.output.fixed(2)?[..]].concat();
    let factors = site.graph.floats(&shape, &factors);
    Ok(site.graph.node("Mul", &[&mean, &factors], vec![]).into())
}

/// For each window: the number of its cells over what its sum is divided by.
fn factors(module: &AveragePooling, input: &[i64], output: &[i64]) -> Vec<f32> {
    let all: i64 = module.kernel.iter().product();
    let mut places = vec![1f64];
    for d in 0..output.len() {
        let (pad, kernel) = (module.padding[d], module.kernel[d]);
        let cells = |i: i64| {
            let start = i * module.stride[d] - pad;
            let inside = (start + kernel).min(input[d]) - start.max(0);
            let counted = if module.count_include_pad { (start + kernel).min(input[d] + pad) - start } else { inside };
            counted.max(1) as f64
        };
        places = places.iter().flat_map(|&so_far| (0..output[d]).map(move |i| so_far * cells(i))).collect();
    }
    places.into_iter().map(|cells| if module.divide { all as f64 / cells } else { all as f64 } as f32).collect()
}

/// MaxPool over time; ONNX has features before time, Torch7 behind.
pub(super) fn temporal_max(module: &TemporalMaxPooling, site: Site<'_>) -> Result<Value> {
    site.check_rank(3)?;
    let turn = || vec![ints("perm", &[0, 2, 1])];
    let x = site.graph.node("Transpose", &[site.input.tensor()?], turn());
    let window = vec![ints("kernel_shape", &[module.kernel]), ints("strides", &[module.stride])];
    let y = site.graph.node("MaxPool", &[&x], window);
    Ok(site.graph.node("Transpose", &[&y], turn()).into())
}

/// LRN.
pub(super) fn cross_map(module: &SpatialCrossMapLrn, mut site: Site<'_>) -> Result<Value> {
    site.check_rank(4)?;
    let numbers = [("alpha", module.alpha), ("beta", module.beta), ("bias", module.k)];
    let mut attributes = vec![int("size", module.size)];
    attributes.extend(numbers.map(|(name, number)| float(name, number)));
    site.apply("LRN", attributes)
}
