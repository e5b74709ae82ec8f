//! Parts of a tensor: Python's subscripts (`x[:, 1:5, ..., tf.newaxis, -1]`), `tf.slice`, and rows picked by index.
//!
//! Formulas and names: TensorFlow's documentation.

use super::{
    array::sizes,
    meta::{Dim, Dims, Meta, input},
    run::Run,
};
use crate::error::{Error, Kind, Result};

/// One entry of a subscript that takes up one dim, or makes one. `...` is written out before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// `x[3]`: the dim is dropped.
    At(i64),
    /// `x[a:b:step]`; `None` for what is left out.
    Range(Option<i64>, Option<i64>, i64),
    /// `x[tf.newaxis]`
    New,
}

/// A part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slice {
    /// A subscript; dims without an entry are taken whole.
    Strided(Vec<Index>),
    /// `(x, begin, size)`: a size of −1 takes the rest.
    Slice,
    /// `(x, indices)` along a dim.
    Gather(usize),
}

/// First index, and number of indices, of `start:stop:step` over `extent`.
fn span(start: Option<i64>, stop: Option<i64>, step: i64, extent: i64) -> (i64, i64) {
    let clip = |at: i64, low: i64, high: i64| (if at < 0 { at + extent } else { at }).clamp(low, high);
    let (first, last) = if step > 0 {
        (start.map_or(0, |at| clip(at, 0, extent)), stop.map_or(extent, |at| clip(at, 0, extent)))
    } else {
        (start.map_or(extent - 1, |at| clip(at, -1, extent - 1)), stop.map_or(-1, |at| clip(at, -1, extent - 1)))
    };
    let room = if step > 0 { last - first } else { first - last };
    (first, (room + step.abs() - 1).div_euclid(step.abs()).max(0))
}

impl Slice {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Slice::Strided(_) => "strided_slice",
            Slice::Slice => "Slice",
            Slice::Gather(_) => "Gather",
        }
    }

    pub(super) fn infer(&self, inputs: &[Meta]) -> Result<Vec<Meta>> {
        let x = input(inputs, 0)?;
        Ok(vec![match self {
            Slice::Strided(indices) => {
                let (mut dims, mut dim) = (Vec::new(), 0);
                let mut numbers = x.numbers.clone();
                for index in indices {
                    if *index == Index::New {
                        dims.push(Some(1));
                        numbers = None;
                        continue;
                    }
                    let Some(&extent) = x.dims.0.get(dim) else {
                        return Err(Error::new(Kind::Shape, "there are more indices than dimensions")
                            .with_fact("it was given", x.dims.to_string()));
                    };
                    match *index {
                        Index::At(at) => {
                            if extent.is_some_and(|extent| at >= extent || at < -extent) {
                                return Err(Error::new(Kind::Shape, format!("index {at} is out of range"))
                                    .with_fact("it was given", x.dims.to_string()));
                            }
                            numbers = numbers.and_then(|all| {
                                let at = if at < 0 { at + all.len() as i64 } else { at };
                                Some(vec![*all.get(usize::try_from(at).ok()?)?])
                            });
                        }
                        Index::Range(start, stop, step) => {
                            if step == 0 {
                                return Err(Error::new(Kind::Argument, "the step of a slice is 0"));
                            }
                            dims.push(range_extent(extent, start, stop, step));
                            numbers = numbers.map(|all| {
                                let (first, count) = span(start, stop, step, all.len() as i64);
                                (0..count).filter_map(|i| all.get((first + i * step) as usize).copied()).collect()
                            });
                        }
                        Index::New => {}
                    }
                    dim += 1;
                }
                dims.extend_from_slice(&x.dims.0[dim..]);
                Meta { numbers: numbers.filter(|_| dims.len() <= 1), ..x.sized(Dims(dims)) }
            }
            Slice::Slice => {
                let (begin, size) = (input(inputs, 1)?.as_sizes()?, input(inputs, 2)?.as_sizes()?);
                if begin.len() != x.dims.rank() || size.len() != x.dims.rank() {
                    return Err(Error::new(
                        Kind::Shape,
                        "begin and size of a slice have one number for each dimension",
                    )
                    .with_fact("it was given", x.dims.to_string()));
                }
                let dims = x.dims.0.iter().zip(begin.iter().zip(&size));
                let mut extents = Vec::new();
                for (&extent, (&begin, &size)) in dims {
                    let rest = extent.zip(begin).map(|(extent, begin)| extent - begin);
                    if size.zip(rest).is_some_and(|(size, rest)| size > rest) {
                        return Err(Error::new(Kind::Shape, "the slice reaches beyond the tensor")
                            .with_fact("it was given", x.dims.to_string()));
                    }
                    extents.push(if size == Some(-1) { rest } else { size });
                }
                x.sized(Dims(extents))
            }
            Slice::Gather(axis) => {
                let indices = input(inputs, 1)?;
                if !indices.dtype.is_integer() {
                    return Err(Error::new(
                        Kind::Argument,
                        format!("indices are whole numbers, not {}", indices.dtype),
                    ));
                }
                let mut dims = x.dims.0.clone();
                dims.splice(*axis..=*axis, indices.dims.0.iter().copied());
                x.sized(Dims(dims))
            }
        }])
    }

    pub(super) fn run(&self, inputs: &[&tch::Tensor], _: &mut Run<'_, '_>) -> Result<Vec<tch::Tensor>> {
        let x = inputs[0];
        Ok(vec![match self {
            Slice::Strided(indices) => {
                let (mut y, mut dim) = (x.shallow_clone(), 0i64);
                for index in indices {
                    match *index {
                        Index::New => {
                            y = y.f_unsqueeze(dim)?;
                            dim += 1;
                        }
                        Index::At(at) => y = y.f_select(dim, at)?,
                        Index::Range(start, stop, step) => {
                            let extent = y.size()[dim as usize];
                            let (first, count) = span(start, stop, step, extent);
                            y = if step > 0 {
                                y.f_slice(dim, first, first + count * step, step)?
                            } else {
                                let rows: Vec<i64> = (0..count).map(|i| first + i * step).collect();
                                y.f_index_select(dim, &tch::Tensor::f_from_slice(&rows)?.f_to_device(y.device())?)?
                            };
                            dim += 1;
                        }
                    }
                }
                y
            }
            Slice::Slice => {
                let (begin, size) = (sizes(inputs[1])?, sizes(inputs[2])?);
                let mut y = x.shallow_clone();
                for (dim, (&begin, &size)) in begin.iter().zip(&size).enumerate() {
                    let size = if size == -1 { y.size()[dim] - begin } else { size };
                    y = y.f_narrow(dim as i64, begin, size)?;
                }
                y
            }
            Slice::Gather(axis) => {
                let indices = inputs[1].f_to_kind(tch::Kind::Int64)?.f_to_device(x.device())?;
                let mut size = x.size();
                size.splice(*axis..=*axis, indices.size());
                let taken = x.f_index_select(*axis as i64, &indices.f_reshape([-1])?);
                taken.map_err(|cause| beyond(&indices, x.size()[*axis], cause))?.f_reshape(size)?
            }
        }])
    }
}

/// The page of a lookup that failed: names the index that the table does not have. Only then are the indices looked at.
fn beyond(indices: &tch::Tensor, extent: i64, cause: tch::TchError) -> Error {
    let ends = [indices.f_min(), indices.f_max()].map(|end| end.and_then(|end| end.f_int64_value(&[])));
    match ends.into_iter().flatten().find(|at| !(0..extent).contains(at)) {
        Some(wrong) => Error::new(Kind::Shape, format!("index {wrong} is not in [0, {extent})"))
            .with_help(format!("the table has {extent} rows: one is needed for each index from 0 to the largest")),
        None => cause.into(),
    }
}

/// The extent of `start:stop:step`: of an unknown one only where no end is counted from behind.
fn range_extent(extent: Dim, start: Option<i64>, stop: Option<i64>, step: i64) -> Dim {
    let extent = extent?;
    Some(span(start, stop, step, extent).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{
        Context, Mode,
        dataflow::{DType, run::Run},
    };

    #[test]
    fn subscripts_are_python_s() {
        let x = tch::Tensor::arange(24, (tch::Kind::Float, tch::Device::Cpu)).view([2, 3, 4]);
        let meta = Meta::new(DType::Float32, Dims::known(&[2, 3, 4]));
        let all = Index::Range(None, None, 1);
        let cases = [
            (vec![Index::At(-1)], vec![3, 4], 12.0),
            (vec![all, Index::Range(Some(1), None, 1)], vec![2, 2, 4], 4.0),
            (vec![all, all, Index::Range(None, None, -2)], vec![2, 3, 2], 3.0),
            (vec![Index::New, all, Index::At(2), Index::Range(Some(-3), Some(100), 2)], vec![1, 2, 2], 9.0),
            (vec![Index::Range(Some(5), None, 1)], vec![0, 3, 4], f64::NAN),
        ];
        let mut cx = Context::new(Mode::Evaluate);
        let mut run = Run { cx: &mut cx, real: tch::Kind::Float, device: tch::Device::Cpu };
        for (indices, size, first) in cases {
            let slice = Slice::Strided(indices);
            assert_eq!(slice.infer(std::slice::from_ref(&meta)).unwrap()[0].dims, Dims::known(&size));
            let y = slice.run(&[&x], &mut run).unwrap().remove(0);
            assert_eq!(y.size(), size);
            assert!(first.is_nan() || y.flatten(0, -1).double_value(&[0]) == first);
        }
    }
}
