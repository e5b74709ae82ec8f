//! Parts of a tensor along one dim: one index (`Select`), a run (`Narrow`), listed indices (`Index`), masked elements.
//!
//! Torch7: `nn/Select.lua`, `Narrow.lua`, `Index.lua`, `MaskedSelect.lua`. Dims and indices are 1-based; negative dims
//! and indices count from the end. `Narrow` with a negative length ends that far from the end; with a negative offset
//! it takes the first size − length.

use crate::{
    error::{Error, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::{empty_pair, set_arguments},
        layout::axis,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Missing, Probe, Spec, optional, required},
    },
};

macro_rules! row {
    ($class:literal, $args:expr, $probe:expr, $build:expr) => {
        Spec {
            args: $args,
            init: Some(|args, fields, _| {
                match $class {
                    "nn.Index" => fields.set("gradInput", empty_pair(fields))?,
                    "nn.MaskedSelect" => fields.set("gradInput", Value::List(vec![]))?,
                    _ => {}
                }
                args.names().try_for_each(|name| set_arguments(args, fields, &[name]))
            }),
            ..Spec::module(&[$class], |builder| Ok(Box::new($build(builder.fields())?)), $probe)
        }
    };
}

/// The classes.
pub const SPECS: &[Spec] = &[
    row!(
        "nn.Select",
        &[required("dimension", ArgKind::Int), required("index", ArgKind::Int)],
        Probe::module("2, -1", "torch.randn(2, 3)"),
        |f: &dyn Fields| Ok::<_, Error>(Slice::Select(f.int("dimension")?, f.int("index")?))
    ),
    row!(
        "nn.Narrow",
        &[
            required("dimension", ArgKind::Int),
            required("index", ArgKind::Int),
            optional("length", ArgKind::Int, Missing::Number(1.0))
        ],
        Probe::module("2, 2, -1", "torch.randn(2, 4)"),
        |f: &dyn Fields| Ok::<_, Error>(Slice::Narrow(f.int("dimension")?, f.int("index")?, f.int_or("length", 1)?))
    ),
    row!(
        "nn.Index",
        &[required("dimension", ArgKind::Int)],
        Probe::module("1", "{torch.randn(3, 2), torch.LongTensor{3, 1, 3}}"),
        |f: &dyn Fields| Ok::<_, Error>(Slice::Index(f.int("dimension")?))
    ),
    row!(
        "nn.MaskedSelect",
        &[],
        Probe::module("", "{torch.randn(2, 2), torch.ByteTensor{{1, 0}, {0, 1}}}"),
        |_: &dyn Fields| Ok::<_, Error>(Slice::Masked)
    ),
];

/// A part of a tensor.
pub enum Slice {
    /// dim, index
    Select(i64, i64),
    /// dim, first index, length
    Narrow(i64, i64, i64),
    /// dim; the input is `{x, indices}`
    Index(i64),
    /// The input is `{x, mask}`.
    Masked,
}

fn two(input: &Activity) -> Result<(&Activity, &tch::Tensor)> {
    match input.table()? {
        [x, y] => Ok((x, y.tensor()?)),
        _ => Err(size_mismatch(input, "a table of two tensors")),
    }
}

impl Module for Slice {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let outside = |what: &str, size: i64| {
            size_mismatch(input, format!("{what} within 1 to {size}"))
                .with_help(format!("the dimension has {size} entries here; they are counted from 1"))
        };
        Ok(match *self {
            Slice::Select(dim, index) => {
                let x = input.tensor()?;
                let dim = axis(input, x.dim(), dim, None)?;
                let size = x.size()[dim as usize];
                let at = if index < 0 { size + index } else { index - 1 };
                if !(0..size).contains(&at) {
                    return Err(outside(&format!("its index {index}"), size));
                }
                x.f_select(dim, at)?
            }
            Slice::Narrow(dim, index, length) => {
                let x = input.tensor()?;
                let dim = axis(input, x.dim(), dim, None)?;
                let size = x.size()[dim as usize];
                let length = if length < 0 { size - index + length + 2 } else { length };
                let (start, length) = if index < 0 { (0, size - length) } else { (index - 1, length) };
                if start < 0 || length < 1 || start + length > size {
                    return Err(outside(&format!("its run from {} to {}", start + 1, start + length), size));
                }
                x.f_narrow(dim, start, length)?
            }
            Slice::Index(dim) => {
                let (x, index) = two(input)?;
                let dim = axis(x, x.tensor()?.dim(), dim, None)?;
                let index = index.f_to_kind(tch::Kind::Int64)?.f_add_scalar(-1)?;
                x.tensor()?.f_index_select(dim, &index)?
            }
            Slice::Masked => {
                let (x, mask) = two(input)?;
                let x = x.tensor()?;
                if x.numel() != mask.numel() {
                    return Err(size_mismatch(input, "a mask with as many elements as the tensor"));
                }
                x.f_masked_select(&mask.f_ne(0)?.f_reshape(x.size())?)?
            }
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Activity, Mode,
        testing::{assert_close, object, plain, tensor},
    };

    #[test]
    fn runs_and_indices_count_from_one_and_from_the_end() {
        let x = || tensor(&[4], &[1.0, 2.0, 3.0, 4.0]);
        for (args, wanted) in [
            ([1i64, 2, 2], vec![2.0, 3.0]),
            ([1, 2, -1], vec![2.0, 3.0, 4.0]),
            ([-1, 2, -2], vec![2.0, 3.0]),
            ([1, -1, 1], vec![1.0, 2.0, 3.0]),
        ] {
            assert_close(&object("nn.Narrow", args).eval(x()).1, &wanted);
        }
        assert!(object("nn.Narrow", [1i64, 4, 2]).forward(Mode::Train, x()).is_err());
        assert_close(&object("nn.Select", [1i64, -2]).eval(x()).1, &[3.0]);
        assert!(object("nn.Select", [1i64, 5]).forward(Mode::Train, x()).is_err());
    }

    #[test]
    fn lists_and_masks() {
        let pair = |second: &[f64]| {
            Activity::Table(vec![tensor(&[2], &[1.0, 2.0]).into(), tensor(&[second.len() as i64], second).into()])
        };
        assert_close(&object("nn.Index", [1i64]).eval(pair(&[2.0, 2.0, 1.0])).1, &[2.0, 2.0, 1.0]);
        assert_close(&plain("nn.MaskedSelect").eval(pair(&[0.0, 1.0])).1, &[2.0]);
    }
}
