//! Rearrangements of elements, and values made of sizes: reshape, transpose, concat, pad, tile, one_hot, fill …
//!
//! Formulas and names: TensorFlow's documentation. Sizes that only a run knows come as whole-number tensors on the
//! processor.

use super::{
    meta::{DType, Dim, Dims, Meta, input, ranked},
    run::Run,
};
use crate::{
    error::{Error, Kind, Result},
    torch::{memory, rows::whole_numbers},
};

/// A rearrangement.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    /// The sizes of the input, as a vector.
    Shape(DType),
    /// The number of elements.
    Size(DType),
    /// `(x, sizes)`; one size may be −1.
    Reshape,
    /// Dim i of the result is dim `0[i]` of the input.
    Transpose(Vec<usize>),
    /// A new dim of extent 1 before this one.
    ExpandDims(usize),
    /// These dims, each of extent 1, are dropped.
    Squeeze(Vec<usize>),
    /// All inputs one after another along a dim.
    Concat(usize),
    /// Along a dim, parts of these extents; −1 for one that takes what is left.
    Split(usize, Vec<i64>),
    /// All inputs side by side along a new dim.
    Stack(usize),
    /// As many results as the dim is long.
    Unstack(usize, usize),
    /// `(x, multiples)`
    Tile,
    /// Elements added before and behind along each dim.
    Pad {
        /// Before and behind, a pair a dim.
        paddings: Vec<(i64, i64)>,
        /// `CONSTANT` with a value, `REFLECT` or `SYMMETRIC`.
        mode: PadMode,
    },
    /// Indices become vectors with `on` at their place along a new dim, and `off` elsewhere.
    OneHot {
        /// Length of the vectors.
        depth: i64,
        /// The value at the index.
        on: f64,
        /// The value elsewhere.
        off: f64,
        /// The new dim; the last one when `None`.
        axis: Option<usize>,
        /// Type of the result.
        dtype: DType,
    },
    /// The order of elements along these dims turned round.
    Reverse(Vec<usize>),
    /// `(sizes)`: a tensor of one value.
    Fill(f64, DType),
    /// A tensor of one value with the input's sizes.
    FillLike(f64, DType),
    /// `(x, sizes)`: dims of extent 1 repeated.
    BroadcastTo,
    /// `(start, limit, delta)`: whole numbers.
    Range,
}

/// What padding holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PadMode {
    /// One value.
    Constant(f64),
    /// The elements mirrored at the edge element.
    Reflect,
    /// The elements mirrored behind the edge element.
    Symmetric,
}

impl Array {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Array::Shape(_) => "Shape",
            Array::Size(_) => "Size",
            Array::Reshape => "Reshape",
            Array::Transpose(_) => "transpose",
            Array::ExpandDims(_) => "ExpandDims",
            Array::Squeeze(_) => "Squeeze",
            Array::Concat(_) => "concat",
            Array::Split(..) => "split",
            Array::Stack(_) => "stack",
            Array::Unstack(..) => "unstack",
            Array::Tile => "Tile",
            Array::Pad { mode: PadMode::Constant(_), .. } => "Pad",
            Array::Pad { .. } => "MirrorPad",
            Array::OneHot { .. } => "one_hot",
            Array::Reverse(_) => "ReverseV2",
            Array::Fill(value, _) | Array::FillLike(value, _) if *value == 0.0 => "zeros",
            Array::Fill(value, _) | Array::FillLike(value, _) if *value == 1.0 => "ones",
            Array::Fill(..) | Array::FillLike(..) => "Fill",
            Array::BroadcastTo => "BroadcastTo",
            Array::Range => "range",
        }
    }

    pub(super) fn infer(&self, inputs: &[Meta]) -> Result<Vec<Meta>> {
        let x = input(inputs, 0)?;
        let rank = x.dims.rank();
        let one = |meta: Meta| Ok(vec![meta]);
        match self {
            Array::Shape(dtype) => {
                one(Meta { dtype: *dtype, dims: Dims::known(&[rank as i64]), numbers: Some(x.dims.0.clone()) })
            }
            Array::Size(dtype) => {
                one(Meta { dtype: *dtype, dims: Dims::default(), numbers: Some(vec![x.dims.numel()]) })
            }
            Array::Reshape => {
                let dims = reshaped(&x.dims, input(inputs, 1)?)?;
                // A list of sizes stays one.
                let numbers = x.numbers.clone().filter(|_| dims.rank() <= 1);
                one(Meta { numbers, ..x.sized(dims) })
            }
            Array::Transpose(order) => {
                let mut seen = order.clone();
                seen.sort_unstable();
                if seen != (0..rank).collect::<Vec<_>>() {
                    return Err(Error::new(Kind::Shape, format!("{order:?} is no order of {rank} dimensions"))
                        .with_fact("it was given", x.dims.to_string()));
                }
                one(x.sized(Dims(order.iter().map(|&dim| x.dims.0[dim]).collect())))
            }
            Array::ExpandDims(axis) => {
                let mut dims = x.dims.clone();
                dims.0.insert((*axis).min(rank), Some(1));
                one(Meta { numbers: x.numbers.clone().filter(|_| rank == 0), ..x.sized(dims) })
            }
            Array::Squeeze(axes) => {
                for &axis in axes {
                    if x.dims.0[axis].is_some_and(|extent| extent != 1) {
                        return Err(Error::new(Kind::Shape, format!("dimension {axis} is not of extent 1"))
                            .with_fact("it was given", x.dims.to_string()));
                    }
                }
                let kept = (0..rank).filter(|dim| !axes.contains(dim)).map(|dim| x.dims.0[dim]).collect();
                one(Meta { numbers: x.numbers.clone(), ..x.sized(Dims(kept)) })
            }
            Array::Concat(axis) => {
                let mut dims = x.dims.clone();
                dims.0[*axis] = Some(0);
                for part in inputs {
                    let mut rest = part.dims.clone();
                    if rest.rank() != rank || part.dtype != x.dtype {
                        return Err(unlike(x, part));
                    }
                    dims.0[*axis] = dims.0[*axis].zip(rest.0[*axis]).and_then(|(a, b)| a.checked_add(b));
                    rest.0[*axis] = dims.0[*axis];
                    if !rest.fits(&dims) {
                        return Err(unlike(x, part).with_help(format!("all but dimension {axis} must be equal")));
                    }
                    dims = dims.merged(&rest);
                }
                let numbers: Option<Vec<Vec<Option<i64>>>> = inputs.iter().map(|part| part.numbers.clone()).collect();
                one(Meta { numbers: numbers.map(|all| all.concat()).filter(|_| rank == 1), ..x.sized(dims) })
            }
            Array::Split(axis, parts) => {
                let sizes = part_sizes(x.dims.0[*axis], parts)
                    .map_err(|error| error.with_fact("it was given", x.dims.to_string()))?;
                let each = sizes.into_iter().map(|extent| {
                    let mut dims = x.dims.clone();
                    dims.0[*axis] = extent;
                    x.sized(dims)
                });
                Ok(each.collect())
            }
            Array::Stack(axis) => {
                let mut dims = x.dims.clone();
                for part in inputs {
                    if part.dtype != x.dtype || !part.dims.fits(&dims) {
                        return Err(unlike(x, part));
                    }
                    dims = dims.merged(&part.dims);
                }
                let numbers: Option<Vec<Vec<Option<i64>>>> =
                    inputs.iter().map(|part| part.numbers.clone().filter(|_| rank == 0)).collect();
                dims.0.insert((*axis).min(rank), Some(inputs.len() as i64));
                one(Meta { numbers: numbers.map(|all| all.concat()), ..x.sized(dims) })
            }
            Array::Unstack(axis, count) => {
                let mut dims = x.dims.clone();
                dims.0.remove(*axis);
                let at = |i: usize| x.numbers.as_ref().filter(|all| all.len() == *count).map(|all| vec![all[i]]);
                Ok((0..*count).map(|i| Meta { numbers: at(i), ..x.sized(dims.clone()) }).collect())
            }
            Array::Tile => {
                let multiples = input(inputs, 1)?.as_sizes()?;
                if multiples.len() != rank {
                    return Err(Error::new(
                        Kind::Shape,
                        format!("{} multiples for {rank} dimensions", multiples.len()),
                    )
                    .with_fact("it was given", x.dims.to_string()));
                }
                let dims = x.dims.0.iter().zip(multiples).map(|(&a, b)| a?.checked_mul(b?)).collect();
                one(x.sized(Dims(dims)))
            }
            Array::Pad { paddings, .. } => {
                ranked(x, paddings.len(), "one pair of paddings for each dimension")?;
                let dims =
                    x.dims.0.iter().zip(paddings).map(|(dim, (before, behind))| dim.map(|d| d + before + behind));
                one(x.sized(Dims(dims.collect())))
            }
            Array::OneHot { depth, axis, dtype, .. } => {
                if !x.dtype.is_integer() {
                    return Err(Error::new(Kind::Argument, format!("indices are whole numbers, not {}", x.dtype))
                        .with_help("convert them: tf.to_int32(x)"));
                }
                let mut dims = x.dims.clone();
                dims.0.insert(axis.unwrap_or(rank).min(rank), Some(*depth));
                one(Meta::new(*dtype, dims))
            }
            Array::Reverse(_) => one(x.sized(x.dims.clone())),
            Array::Fill(value, dtype) => {
                let dims = Dims(x.as_sizes()?);
                let whole = dtype.is_integer() && dims.rank() <= 1;
                let numbers = dims.numel().filter(|&n| whole && n <= 64).map(|n| vec![Some(*value as i64); n as usize]);
                one(Meta { numbers, ..Meta::new(*dtype, dims) })
            }
            Array::FillLike(_, dtype) => one(Meta::new(*dtype, x.dims.clone())),
            Array::BroadcastTo => {
                let wanted = Dims(input(inputs, 1)?.as_sizes()?);
                let dims = x.dims.broadcast(&wanted)?;
                one(x.sized(dims))
            }
            Array::Range => {
                let number = |at: usize| inputs.get(at)?.numbers.as_ref()?.first().copied()?;
                let count = number(0).zip(number(1)).zip(number(2)).and_then(|((start, limit), delta)| {
                    let span = limit.checked_sub(start)?;
                    Some((span.checked_div(delta)? + i64::from(span.checked_rem(delta)? != 0)).max(0))
                });
                one(Meta::new(x.dtype, Dims(vec![count])))
            }
        }
    }

    pub(super) fn run(&self, inputs: &[&tch::Tensor], run: &mut Run<'_, '_>) -> Result<Vec<tch::Tensor>> {
        let x = inputs[0];
        let whole = |kind: DType| kind.kind(run.real);
        Ok(vec![match self {
            Array::Shape(dtype) => tch::Tensor::from_slice(&x.size()).f_to_kind(whole(*dtype))?,
            Array::Size(dtype) => tch::Tensor::from(x.numel() as i64).f_to_kind(whole(*dtype))?,
            Array::Reshape => x.f_reshape(sizes(inputs[1])?)?,
            Array::Transpose(order) => x.f_permute(order.iter().map(|&dim| dim as i64).collect::<Vec<_>>())?,
            Array::ExpandDims(axis) => x.f_unsqueeze(*axis as i64)?,
            Array::Squeeze(axes) => {
                let mut y = x.shallow_clone();
                for &axis in axes.iter().rev() {
                    y = y.f_squeeze_dim(axis as i64)?;
                }
                y
            }
            Array::Concat(axis) => tch::Tensor::f_cat(inputs, *axis as i64)?,
            Array::Split(axis, parts) => {
                let known = part_sizes(Some(x.size()[*axis]), parts)?;
                let extents: Vec<i64> = known.into_iter().map(|extent| extent.unwrap_or(0)).collect();
                return Ok(x.f_split_with_sizes(extents, *axis as i64)?);
            }
            Array::Stack(axis) => tch::Tensor::f_stack(inputs, *axis as i64)?,
            Array::Unstack(axis, _) => return Ok(x.f_unbind(*axis as i64)?),
            Array::Tile => {
                let multiples = sizes(inputs[1])?;
                let count = multiples.iter().try_fold(x.numel() as i64, |count, &times| count.checked_mul(times));
                memory::check(count.unwrap_or(i64::MAX), 8, "a tensor")?;
                x.f_tile(multiples)?
            }
            Array::Pad { paddings, mode } => padded(x, paddings, *mode)?,
            Array::OneHot { depth, on, off, axis, dtype } => {
                let options = (whole(*dtype), x.device());
                let classes = tch::Tensor::f_arange(*depth, (tch::Kind::Int64, x.device()))?;
                // An index beyond the depth gives no `on` at all.
                let hot = x.f_to_kind(tch::Kind::Int64)?.f_unsqueeze(-1)?.f_eq_tensor(&classes)?;
                let on = tch::Tensor::f_full([1], *on, options)?;
                let off = tch::Tensor::f_full([1], *off, options)?;
                let y = on.f_where_self(&hot, &off)?;
                match axis {
                    Some(axis) if *axis < x.dim() => y.f_movedim_int(-1, *axis as i64)?,
                    _ => y,
                }
            }
            Array::Reverse(axes) => x.f_flip(axes.iter().map(|&axis| axis as i64).collect::<Vec<_>>())?,
            Array::Fill(value, dtype) => tch::Tensor::f_full(wanted(x)?, *value, (whole(*dtype), run.device))?,
            Array::FillLike(value, dtype) => tch::Tensor::f_full(x.size(), *value, (whole(*dtype), x.device()))?,
            Array::BroadcastTo => x.f_broadcast_to(wanted(inputs[1])?)?,
            Array::Range => {
                let number = |at: usize| Ok::<i64, Error>(sizes(inputs[at])?.first().copied().unwrap_or(0));
                let (start, limit, delta) = (number(0)?, number(1)?, number(2)?);
                if delta == 0 {
                    return Err(Error::new(Kind::Argument, "the step of a range is 0"));
                }
                memory::check(limit.saturating_div(delta).saturating_sub(start.saturating_div(delta)), 8, "a range")?;
                tch::Tensor::f_arange_start_step(start, limit, delta, (x.kind(), x.device()))?
            }
        }])
    }
}

/// The sizes of a result that are chosen by the file, once they are known to fit into memory.
pub(super) fn wanted(tensor: &tch::Tensor) -> Result<Vec<i64>> {
    let sizes = sizes(tensor)?;
    let count = sizes.iter().try_fold(1i64, |count, &size| count.checked_mul(size)).unwrap_or(i64::MAX);
    memory::check(count, 8, "a tensor")?;
    Ok(sizes)
}

/// The numbers of a whole-number tensor.
pub(super) fn sizes(tensor: &tch::Tensor) -> Result<Vec<i64>> {
    whole_numbers(tensor)
}

fn unlike(a: &Meta, b: &Meta) -> Error {
    Error::new(Kind::Shape, "the tensors differ in type or sizes")
        .with_fact("the first is", a.to_string())
        .with_fact("another is", b.to_string())
}

/// The sizes of `x` after a reshape: a −1, or one size that only a run knows, is filled in where it can be.
fn reshaped(x: &Dims, wanted: &Meta) -> Result<Dims> {
    let mut dims = wanted.as_sizes()?;
    let inferred: Vec<usize> = (0..dims.len()).filter(|&i| dims[i] == Some(-1)).collect();
    let refuse = |message: String, dims: &[Dim]| {
        Err(Error::new(Kind::Shape, message)
            .with_fact("it was given", x.to_string())
            .with_fact("it wants", Dims(dims.to_vec()).to_string().replace("-1", "?")))
    };
    if inferred.len() > 1 {
        return refuse("only one size can be -1".into(), &dims);
    }
    if let Some(negative) = dims.iter().flatten().find(|&&size| size < -1) {
        return refuse(format!("sizes are positive or -1, not {negative}"), &dims);
    }
    let free: Vec<usize> = (0..dims.len()).filter(|&i| dims[i].is_none_or(|size| size == -1)).collect();
    let fixed = Dims(dims.iter().copied().filter(|dim| dim.is_some_and(|size| size != -1)).collect()).numel();
    // Elements of a sample when the batch alone is unknown.
    let unknown = x.0.iter().filter(|dim| dim.is_none()).count();
    let sample = Dims(x.0.iter().copied().filter(Option::is_some).collect()).numel();
    match (unknown, sample, fixed, free.as_slice()) {
        (0, Some(have), Some(want), []) if have != want => {
            return refuse(format!("{have} elements do not make {want}"), &dims);
        }
        (0, Some(have), Some(want), &[at]) => {
            if want == 0 || have % want != 0 {
                return refuse(format!("{have} elements cannot be divided by {want}"), &dims);
            }
            dims[at] = Some(have / want);
        }
        (1, Some(have), Some(want), &[at]) => {
            // A batch of any size must fit, or at least some batch.
            if want > 0 && have % want != 0 && want % have.max(1) != 0 {
                return refuse(format!("samples of {have} elements do not make parts of {want}"), &dims);
            }
            dims[at] = None;
        }
        _ => free.iter().for_each(|&at| dims[at] = None),
    }
    Ok(Dims(dims))
}

fn part_sizes(extent: Dim, parts: &[i64]) -> Result<Vec<Dim>> {
    let fixed = parts.iter().filter(|&&part| part >= 0).fold(0i64, |sum, &part| sum.saturating_add(part));
    let open = parts.iter().filter(|&&part| part < 0).count();
    let Some(extent) = extent else { return Ok(parts.iter().map(|&part| (part >= 0).then_some(part)).collect()) };
    if open > 1 || fixed > extent || (open == 0 && fixed != extent) {
        return Err(Error::new(Kind::Shape, format!("parts of {parts:?} do not make {extent}")));
    }
    Ok(parts.iter().map(|&part| Some(if part < 0 { extent - fixed } else { part })).collect())
}

fn padded(x: &tch::Tensor, paddings: &[(i64, i64)], mode: PadMode) -> Result<tch::Tensor> {
    if let PadMode::Constant(value) = mode {
        let flat: Vec<i64> = paddings.iter().rev().flat_map(|&(before, behind)| [before, behind]).collect();
        return Ok(x.f_pad(flat, "constant", value)?);
    }
    // Mirrors are rows picked along one dim after another.
    let mut y = x.shallow_clone();
    for (dim, &(before, behind)) in paddings.iter().enumerate().filter(|(_, pads)| **pads != (0, 0)) {
        let n = y.size()[dim];
        let edge = i64::from(mode == PadMode::Reflect);
        if before > n - edge || behind > n - edge {
            return Err(Error::new(Kind::Shape, "mirrored paddings are longer than the tensor")
                .with_fact("it was given", format!("{:?}", x.size())));
        }
        let rows = (-before..n + behind).map(|at| match at {
            at if at < 0 => -at - 1 + edge,
            at if at >= n => 2 * n - at - 1 - edge,
            at => at,
        });
        let rows = tch::Tensor::f_from_slice(&rows.collect::<Vec<_>>())?.f_to_device(y.device())?;
        y = y.f_index_select(dim as i64, &rows)?;
    }
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes_of(numbers: &[Option<i64>]) -> Meta {
        Meta { dtype: DType::Int32, dims: Dims::known(&[numbers.len() as i64]), numbers: Some(numbers.to_vec()) }
    }

    fn reshape(from: &[Dim], to: &[Option<i64>]) -> Result<String> {
        let x = Meta::new(DType::Float32, Dims(from.to_vec()));
        Ok(Array::Reshape.infer(&[x, sizes_of(to)])?[0].dims.to_string())
    }

    #[test]
    fn a_reshape_knows_what_can_be_known() {
        let image = [None, Some(28), Some(28), Some(1)];
        assert_eq!(reshape(&image, &[Some(-1), Some(784)]).unwrap(), "[?, 784]");
        assert_eq!(reshape(&image, &[None, Some(784)]).unwrap(), "[?, 784]");
        assert_eq!(reshape(&[Some(4), Some(6)], &[Some(-1), Some(8)]).unwrap(), "[3, 8]");
        assert_eq!(reshape(&[None, Some(2)], &[Some(-1), Some(1), Some(2), Some(1)]).unwrap(), "[?, 1, 2, 1]");
        assert!(reshape(&image, &[Some(-1), Some(783)]).unwrap_err().to_string().contains("784 elements"));
        assert!(reshape(&[Some(4), Some(6)], &[Some(5), Some(5)]).is_err());
        assert!(reshape(&[Some(4)], &[Some(-1), Some(-1)]).is_err());
    }

    #[test]
    fn sizes_survive_shape_slices_and_stacks() {
        let x = Meta::new(DType::Float32, Dims(vec![None, Some(7)]));
        let shape = Array::Shape(DType::Int32).infer(&[x]).unwrap().remove(0);
        assert_eq!(shape.numbers, Some(vec![None, Some(7)]));
        let parts = Array::Unstack(0, 2).infer(&[shape]).unwrap();
        let stacked = Array::Stack(0).infer(&[parts[1].clone(), parts[0].clone()]).unwrap();
        assert_eq!(stacked[0].numbers, Some(vec![Some(7), None]));
    }
}
