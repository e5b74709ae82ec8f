//! Dims added, removed, exchanged, repeated or flattened; the elements stay.
//!
//! Torch7: `nn/Squeeze.lua`, `Unsqueeze.lua`, `Transpose.lua`, `Replicate.lua`, `Collapse.lua`. Dims are 1-based and
//! shift by the batch when the input has more dims than `numInputDims` (`setNumInputDims`).

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::set_arguments,
        layout::axis,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Arg, ArgKind, Args, Missing, Probe, Spec, optional, required},
    },
    torch::Generator,
};

const INPUT_DIMS: Arg = optional("numInputDims", ArgKind::Int, Missing::Nil);

fn quiet(_: &dyn Fields) -> Result<String> {
    Ok(String::new())
}

fn all(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    args.names().try_for_each(|name| set_arguments(args, fields, &[name]))
}

macro_rules! row {
    ($class:literal, $args:expr, $init:expr, $print:expr, $probe:expr, $build:expr) => {
        Spec {
            args: $args,
            init: Some($init),
            print: $print,
            // Torch7 copies for Transpose only.
            looks_at_input: !matches!($class.as_bytes(), b"nn.Transpose"),
            ..Spec::module(&[$class], |builder| Ok(Box::new($build(builder.fields())?)), $probe)
        }
    };
}

/// The classes.
pub const SPECS: &[Spec] = &[
    row!(
        "nn.Squeeze",
        &[optional("dim", ArgKind::Int, Missing::Nil), INPUT_DIMS],
        all,
        quiet,
        Probe::module("2", "torch.randn(2, 1, 3)"),
        |f: &dyn Fields| Ok::<_, Error>(Rank::Squeeze(number(f, "dim")?, number(f, "numInputDims")?))
    ),
    row!(
        "nn.Unsqueeze",
        &[required("pos", ArgKind::Int), INPUT_DIMS],
        all,
        |f| Ok(format!("(dim {})", f.int("pos")?)),
        Probe::module("2", "torch.randn(2, 3)"),
        |f: &dyn Fields| Ok::<_, Error>(Rank::Unsqueeze(f.int("pos")?, number(f, "numInputDims")?))
    ),
    row!(
        "nn.Transpose",
        &[required("permutations", ArgKind::Rest)],
        transpose,
        quiet,
        Probe::module("{1, 2}, {2, 3}", "torch.randn(2, 3, 4)"),
        |f: &dyn Fields| Ok::<_, Error>(Rank::Transpose(swaps(f)?, number(f, "numInputDims")?))
    ),
    row!(
        "nn.Replicate",
        &[
            required("nfeatures", ArgKind::Int),
            optional("dim", ArgKind::Int, Missing::Number(1.0)),
            optional("ndim", ArgKind::Int, Missing::Nil)
        ],
        all,
        quiet,
        Probe::module("3, 2", "torch.randn(2, 4)"),
        |f: &dyn Fields| Ok::<_, Error>(Rank::Replicate(f.int("nfeatures")?, f.int_or("dim", 1)?, number(f, "ndim")?))
    ),
    row!(
        "nn.Collapse",
        &[required("nInputDim", ArgKind::Int)],
        all,
        quiet,
        Probe::module("2", "torch.randn(2, 3, 4)"),
        |f: &dyn Fields| Ok::<_, Error>(Rank::Collapse(f.int("nInputDim")?))
    ),
];

fn number(fields: &dyn Fields, name: &str) -> Result<Option<i64>> {
    match fields.get(name)? {
        Value::Nil => Ok(None),
        _ => Ok(Some(fields.int(name)?)),
    }
}

fn pair(value: &Value) -> Option<(i64, i64)> {
    match value {
        Value::List(entries) => match entries.as_slice() {
            [Value::Number(a), Value::Number(b)] => Some((*a as i64, *b as i64)),
            _ => None,
        },
        _ => None,
    }
}

fn transpose(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    if let Some(i) = args.rest("permutations").iter().position(|value| pair(value).is_none()) {
        let given = &args.rest("permutations")[i];
        let message = given.misfit(&format!("#{} to nn.Transpose", i + 1), "a pair of dimensions");
        return Err(Error::new(Kind::Argument, message).with_fact("usage", "nn.Transpose({1, 2}, {2, 3}, …)"));
    }
    set_arguments(args, fields, &["permutations"])
}

fn swaps(fields: &dyn Fields) -> Result<Vec<(i64, i64)>> {
    match fields.get("permutations")? {
        Value::List(entries) => Ok(entries.iter().filter_map(pair).collect()),
        _ => Ok(vec![]),
    }
}

/// A change of dims.
pub enum Rank {
    /// The dim, or all dims of extent 1; rank of a sample.
    Squeeze(Option<i64>, Option<i64>),
    /// Position of the new dim; rank of a sample.
    Unsqueeze(i64, Option<i64>),
    /// Pairs of dims, exchanged one pair after another; rank of a sample.
    Transpose(Vec<(i64, i64)>, Option<i64>),
    /// How often, position of the new dim, rank of a sample.
    Replicate(i64, i64, Option<i64>),
    /// Rank of a sample: the dims before it stay.
    Collapse(i64),
}

impl Module for Rank {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let size = x.size();
        let rank = size.len() as i64;
        // Number of batch dims in front of a sample.
        let batch = |sample: Option<i64>| sample.map_or(0, |sample| (rank - sample).clamp(0, rank));
        Ok(match self {
            Rank::Squeeze(Some(dim), sample) => {
                let dim = axis(input, size.len(), dim + batch(*sample), None)?;
                x.f_squeeze_dim(dim)?
            }
            Rank::Squeeze(None, sample) => {
                let keep = batch(*sample);
                let left: Vec<i64> = (0..).zip(&size).filter(|&(d, &n)| d < keep || n != 1).map(|(_, &n)| n).collect();
                // A tensor of one element keeps one dim: there are no scalars in Torch7.
                x.f_reshape(if left.is_empty() { vec![1] } else { left })?
            }
            Rank::Unsqueeze(pos, sample) => {
                let at = pos - 1 + batch(*sample);
                if !(0..=rank).contains(&at) {
                    return Err(size_mismatch(input, format!("at least {} dimensions", at)));
                }
                x.f_unsqueeze(at)?
            }
            Rank::Transpose(swaps, sample) => {
                let offset = batch(*sample);
                let mut y = x.shallow_clone();
                for (a, b) in swaps {
                    let (a, b) =
                        (axis(input, size.len(), a + offset, None)?, axis(input, size.len(), b + offset, None)?);
                    y = y.f_transpose(a, b)?;
                }
                y.f_contiguous()?
            }
            Rank::Replicate(count, dim, sample) => {
                let at = dim - 1 + batch(*sample);
                if !(0..=rank).contains(&at) || *count < 1 {
                    return Err(size_mismatch(input, format!("at least {} dimensions", at)));
                }
                let mut expanded = size.clone();
                expanded.insert(at as usize, *count);
                x.f_unsqueeze(at)?.f_expand(expanded, false)?
            }
            Rank::Collapse(sample) => {
                let mut flat: Vec<i64> = size[..batch(Some(*sample)) as usize].to_vec();
                flat.push(size[flat.len()..].iter().product());
                x.f_reshape(flat)?
            }
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode, Value,
        testing::{assert_close, object, plain, randn, tensor, try_object},
    };

    #[test]
    fn sizes_after() {
        assert_eq!(plain("nn.Squeeze").eval(randn(&[2, 1, 3, 1])).0, [2, 3]);
        assert_eq!(object("nn.Squeeze", [1i64, 2]).eval(randn(&[2, 1, 3])).0, [2, 3]);
        let unsqueeze = object("nn.Unsqueeze", [1i64, 1]);
        assert_eq!(unsqueeze.print(), "nn.Unsqueeze(dim 1)");
        assert_eq!(unsqueeze.eval(randn(&[4, 3])).0, [4, 1, 3]);
        assert_eq!(unsqueeze.eval(randn(&[3])).0, [1, 3]);
        assert_eq!(object("nn.Collapse", [2i64]).eval(randn(&[5, 3, 2])).0, [5, 6]);
        assert_eq!(object("nn.Collapse", [2i64]).eval(randn(&[3, 2])).0, [6]);
        let replicate = object("nn.Replicate", [3i64, 1, 1]);
        assert_eq!(replicate.eval(randn(&[4, 2])).0, [4, 3, 2]);
        assert_close(&replicate.eval(tensor(&[1], &[7.0])).1, &[7.0; 3]);
    }

    #[test]
    fn transposes_pair_after_pair() {
        let swap = |a: f64, b: f64| Value::List(vec![Value::Number(a), Value::Number(b)]);
        let transpose = object("nn.Transpose", [swap(1.0, 2.0), swap(2.0, 3.0)]);
        assert_eq!(transpose.eval(randn(&[2, 3, 4])).0, [3, 4, 2]);
        assert_eq!(transpose.with("numInputDims", 3i64).eval(randn(&[9, 2, 3, 4])).0, [9, 3, 4, 2]);
        assert!(try_object("nn.Transpose", vec![Value::Number(1.0)]).is_err());
        assert!(object("nn.Transpose", [swap(1.0, 4.0)]).forward(Mode::Train, randn(&[2, 3])).is_err());
    }
}
