//! Layers that learn: linear, convolutions, normalisation, lookups, learned factors.

use super::{
    super::graph::{Value, float, int, ints},
    site::{Site, refused},
};
use crate::{
    error::Result,
    nn::modules::{
        batch_normalization::BatchNormalization,
        convolution::Convolution,
        full_convolution::FullConvolution,
        linear::Linear,
        lookup_table::LookupTable,
        one_hot::OneHot,
        scale::{Kind as Scaling, Scale},
        temporal::{Kind as Window, Temporal},
    },
};

/// Gemm: y = x·Wᵀ + b.
pub(super) fn linear(module: &Linear, site: Site<'_>) -> Result<Value> {
    site.check_rank(2)?;
    let weight = site.graph.weights(&module.weight)?;
    let bias = module.bias.as_ref().map(|bias| site.graph.weights(bias)).transpose()?;
    let mut inputs = vec![site.input.tensor()?, &weight];
    inputs.extend(bias.as_deref());
    Ok(site.graph.node("Gemm", &inputs, vec![int("transB", 1)]).into())
}

/// An operator on input, weight and bias.
fn with_weights(
    site: &mut Site<'_>,
    operator: &str,
    input: &str,
    learned: [Option<&tch::Tensor>; 2],
    attributes: Vec<crate::onnx::proto::AttributeProto>,
) -> Result<String> {
    let names: Vec<String> = learned.into_iter().flatten().map(|t| site.graph.weights(t)).collect::<Result<_>>()?;
    let inputs: Vec<&str> = std::iter::once(input).chain(names.iter().map(String::as_str)).collect();
    Ok(site.graph.node(operator, &inputs, attributes))
}

/// Twice the same list: ONNX gives pads for the begin and the end of every dim.
fn both(padding: &[i64]) -> Vec<i64> {
    [padding, padding].concat()
}

/// Conv.
pub(super) fn convolution(module: &Convolution, mut site: Site<'_>) -> Result<Value> {
    site.check_rank(module.size.len())?;
    let weight = module.weight.f_reshape(&module.size[..])?;
    let attributes = vec![
        ints("kernel_shape", &module.size[2..]),
        ints("strides", &module.stride),
        ints("pads", &both(&module.padding)),
        ints("dilations", &module.dilation),
        int("group", module.groups),
    ];
    let input = site.input.tensor()?;
    Ok(with_weights(&mut site, "Conv", input, [Some(&weight), module.bias.as_ref()], attributes)?.into())
}

/// ConvTranspose.
pub(super) fn full_convolution(module: &FullConvolution, mut site: Site<'_>) -> Result<Value> {
    let size = module.weight.size();
    if let Value::Table(_) = site.input {
        return Err(refused(site.class, "with a reference for its output's size")
            .with_help("give it one tensor, and the adjustment as adjW and adjH"));
    }
    site.check_rank(size.len())?;
    let attributes = vec![
        ints("kernel_shape", &size[2..]),
        ints("strides", &module.stride),
        ints("pads", &both(&module.padding)),
        ints("output_padding", &module.adjust),
    ];
    let input = site.input.tensor()?;
    Ok(with_weights(&mut site, "ConvTranspose", input, [Some(&module.weight), module.bias.as_ref()], attributes)?
        .into())
}

/// BatchNormalization by the running statistics.
pub(super) fn batch_normalization(module: &BatchNormalization, site: Site<'_>) -> Result<Value> {
    let features = module.running_mean.size();
    let count = module.running_mean.numel();
    let mut names = Vec::with_capacity(4);
    for (learned, otherwise) in [(&module.weight, 1.0), (&module.bias, 0.0)] {
        names.push(match learned {
            Some(tensor) => site.graph.weights(tensor)?,
            None => site.graph.floats(&features, &vec![otherwise; count]),
        });
    }
    names.push(site.graph.weights(&module.running_mean)?);
    names.push(site.graph.weights(&module.running_var)?);
    let inputs: Vec<&str> = std::iter::once(site.input.tensor()?).chain(names.iter().map(String::as_str)).collect();
    Ok(site.graph.node("BatchNormalization", &inputs, vec![float("epsilon", module.eps)]).into())
}

/// Conv over time; ONNX has features before time, Torch7 behind.
pub(super) fn temporal(module: &Temporal, mut site: Site<'_>) -> Result<Value> {
    site.check_rank(3)?;
    let turn = || vec![ints("perm", &[0, 2, 1])];
    let (features, kernel) = (module.features, module.kernel);
    let (weight, groups) = match module.kind {
        Window::Convolution => {
            let output = module.weight.size()[0];
            (module.weight.f_view([output, kernel, features])?.f_transpose(1, 2)?.f_contiguous()?, 1)
        }
        Window::RowConvolution => (module.weight.f_reshape([features, 1, kernel])?, features),
        Window::SubSampling => {
            let weight = module.weight.f_reshape([features, 1, 1])?;
            (weight.f_expand([-1, 1, kernel], false)?.f_contiguous()?, features)
        }
    };
    let mut x = site.input.tensor()?.to_string();
    if !module.features_first {
        x = site.graph.node("Transpose", &[&x], turn());
    }
    let attributes = vec![ints("kernel_shape", &[kernel]), ints("strides", &[module.stride]), int("group", groups)];
    let y = with_weights(&mut site, "Conv", &x, [Some(&weight), module.bias.as_ref()], attributes)?;
    Ok(if module.features_first { y } else { site.graph.node("Transpose", &[&y], turn()) }.into())
}

/// The input's numbers as 0-based indices.
fn indices(site: &mut Site<'_>) -> Result<String> {
    let whole = site.graph.node("Cast", &[site.input.tensor()?], vec![int("to", 7)]);
    let one = site.graph.int(1);
    Ok(site.graph.node("Sub", &[&whole, &one], vec![]))
}

/// Gather: rows by number.
pub(super) fn lookup_table(module: &LookupTable, mut site: Site<'_>) -> Result<Value> {
    if module.max_norm.is_some() {
        return Err(refused(site.class, "with a largest norm, which changes the weights when it is used")
            .with_help("leave maxNorm out"));
    }
    let index = indices(&mut site)?;
    let weight = site.graph.weights(&module.weight)?;
    Ok(site.graph.node("Gather", &[&weight, &index], vec![int("axis", 0)]).into())
}

/// OneHot.
pub(super) fn one_hot(module: &OneHot, mut site: Site<'_>) -> Result<Value> {
    let index = indices(&mut site)?;
    let depth = site.graph.int(module.classes);
    let values = site.graph.floats(&[2], &[0.0, 1.0]);
    Ok(site.graph.node("OneHot", &[&index, &depth, &values], vec![int("axis", -1)]).into())
}

/// Add, Mul, or a learned slope.
pub(super) fn scale(module: &Scale, mut site: Site<'_>) -> Result<Value> {
    // Any batch size but 1 would do: what fits must not depend on it.
    let sample = site.step.input.fixed(1)?;
    let size = [&[2], &sample[..]].concat();
    let learned = module.fitted(&size)?.filter(|learned| learned.size() != size);
    let Some(learned) = learned else {
        return Err(refused(site.class, "with numbers for each sample of a batch")
            .with_help("make its sizes those of one sample"));
    };
    let learned = site.graph.weights(&learned)?;
    Ok(match module.kind {
        Scaling::Add => site.apply_with("Add", &[&learned])?,
        Scaling::Mul => site.apply_with("Mul", &[&learned])?,
        Scaling::Slope => {
            let zero = site.graph.number(0.0);
            let (above, below) = (site.apply_with("Greater", &[&zero])?, site.apply_with("Mul", &[&learned])?);
            site.graph.node("Where", &[&above, site.input.tensor()?, &below], vec![])
        }
    }
    .into())
}
