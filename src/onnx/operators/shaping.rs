//! Other shapes for the same numbers, parts of them, borders around them, one dim less.

use super::{
    super::{
        graph::{Value, int, ints, text},
        shapes::Dim,
    },
    site::{Site, axis, refused, unknown},
};
use crate::{
    error::{Error, Kind, Result},
    nn::modules::{
        padding::{Border, Run},
        rank::Rank,
        reductions::{Kind as Reducing, Reduction},
        reshape::Reshape,
        slices::Slice,
        view::View,
    },
};

/// Reshape to the recorded output; the batch is what the other extents leave.
fn to_output(site: &mut Site<'_>) -> Result<Value> {
    let dims = site.step.output.dims()?;
    if dims == site.step.input.dims()? {
        return Ok(site.input.clone());
    }
    let batches = dims.iter().filter(|dim| matches!(dim, Dim::Batch(_))).count();
    if batches > 1 {
        return Err(refused(site.class, "when the batch is in two dimensions"));
    }
    let sizes: Vec<i64> = dims.iter().map(|dim| if let Dim::Fixed(extent) = dim { *extent } else { -1 }).collect();
    let sizes = site.graph.ints(&sizes);
    Ok(site.apply_with("Reshape", &[&sizes])?.into())
}

pub(super) fn view(_: &View, mut site: Site<'_>) -> Result<Value> {
    to_output(&mut site)
}

pub(super) fn reshape(_: &Reshape, mut site: Site<'_>) -> Result<Value> {
    to_output(&mut site)
}

/// Reshape or Transpose.
pub(super) fn rank(module: &Rank, mut site: Site<'_>) -> Result<Value> {
    match module {
        Rank::Squeeze(..) | Rank::Unsqueeze(..) | Rank::Collapse(_) => to_output(&mut site),
        Rank::Transpose(pairs, sample) => {
            let rank = site.step.input.rank()?;
            let shift = sample.map_or(0, |sample| (rank as i64 - sample).max(0));
            let mut order: Vec<i64> = (0..rank as i64).collect();
            for (a, b) in pairs {
                order.swap(axis(rank, a + shift, None)?, axis(rank, b + shift, None)?);
            }
            site.apply("Transpose", vec![ints("perm", &order)])
        }
        Rank::Replicate(..) => Err(refused(site.class, "yet").with_help("use nn.ConcatTable and nn.JoinTable")),
    }
}

/// Gather, Slice.
pub(super) fn slice(module: &Slice, mut site: Site<'_>) -> Result<Value> {
    let (dimension, index) = match *module {
        Slice::Select(dimension, index) | Slice::Narrow(dimension, index, _) => (dimension, index),
        Slice::Index(_) | Slice::Masked => return Err(unknown(site.class)),
    };
    let dims = site.step.input.dims()?;
    let axis = axis(dims.len(), dimension, None)?;
    let Dim::Fixed(size) = dims[axis] else {
        return Err(refused(site.class, "along the batch").with_help("let it take parts of the samples"));
    };
    if let Slice::Narrow(_, index, length) = *module {
        let length = if length < 0 { size - index + length + 2 } else { length };
        let (start, length) = if index < 0 { (0, size - length) } else { (index - 1, length) };
        let [start, end, axes] = [start, start + length, axis as i64].map(|number| site.graph.ints(&[number]));
        return Ok(site.apply_with("Slice", &[&start, &end, &axes])?.into());
    }
    let at = site.graph.int(if index < 0 { size + index } else { index - 1 });
    Ok(site.graph.node("Gather", &[site.input.tensor()?, &at], vec![int("axis", axis as i64)]).into())
}

/// Pad.
pub(super) fn border(module: &Border, site: Site<'_>) -> Result<Value> {
    let spatial = module.sides.len() / 2;
    site.check_rank(spatial + 2)?;
    if module.mode != "constant" && module.sides.iter().any(|&side| side < 0) {
        return Err(refused(site.class, "with a border that is cut off").with_help("use nn.Narrow for that"));
    }
    // Ours: left, right, top, bottom …, innermost first; ONNX: all begins, then all ends, outermost first.
    let (before, after): (Vec<i64>, Vec<i64>) = module.sides.chunks(2).rev().map(|side| (side[0], side[1])).unzip();
    let pads = site.graph.ints(&[&[0, 0], &before[..], &[0, 0], &after].concat());
    let mode = if module.mode == "replicate" { "edge" } else { module.mode };
    Ok(site.graph.node("Pad", &[site.input.tensor()?, &pads], vec![text("mode", mode)]).into())
}

/// Concat with cells of one value.
pub(super) fn run(module: &Run, mut site: Site<'_>) -> Result<Value> {
    let rank = site.step.input.rank()?;
    let shifted = match module.input_dims {
        Some(dims) if rank as i64 != dims => module.dim + 1,
        _ => module.dim,
    };
    let axis = axis(rank, shifted, None)?;
    if module.index != 1 {
        return Err(refused(site.class, "with cells inside").with_help("leave its index out"));
    }
    let mut pads = vec![0; 2 * rank];
    pads[if module.pad > 0 { rank + axis } else { axis }] = module.pad.abs();
    let (pads, value) = (site.graph.ints(&pads), site.graph.number(module.value));
    Ok(site.apply_with("Pad", &[&pads, &value])?.into())
}

/// ReduceSum and its like.
pub(super) fn reduction(module: &Reduction, mut site: Site<'_>) -> Result<Value> {
    let dims = site.step.input.dims()?;
    let axis = axis(dims.len(), module.dimension, module.input_dims)?;
    if dims.len() == 1 || matches!(dims[axis], Dim::Batch(_)) {
        return Err(Error::new(Kind::Network, format!("{} over the batch cannot be written as ONNX", site.class)));
    }
    let keep = int("keepdims", i64::from(module.keeps_dim));
    let axes = || ints("axes", &[axis as i64]);
    match module.kind {
        Reducing::Sum => {
            let axes = site.graph.ints(&[axis as i64]);
            Ok(site.graph.node("ReduceSum", &[site.input.tensor()?, &axes], vec![keep]).into())
        }
        Reducing::Mean => site.apply("ReduceMean", vec![axes(), keep]),
        Reducing::Max => site.apply("ReduceMax", vec![axes(), keep]),
        Reducing::Min => site.apply("ReduceMin", vec![axes(), keep]),
        Reducing::ArgMax => {
            let index = site.graph.node("ArgMax", &[site.input.tensor()?], vec![int("axis", axis as i64), keep]);
            let index = site.graph.node("Cast", &[&index], vec![int("to", 1)]);
            let one = site.graph.number(1.0);
            Ok(site.graph.node("Add", &[&index, &one], vec![]).into())
        }
    }
}
