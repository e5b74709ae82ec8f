//! A dim reduced to its sum, mean, largest or smallest value; the dim goes away when others are left.
//!
//! Torch7: `nn/Sum.lua`, `Mean.lua`, `Max.lua`, `Min.lua`; `dpnn/ArgMax.lua`. Dims are 1-based, negative from the end, one
//! more when the input has one dim more than `nInputDims`.

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::set_arguments,
        layout::axis,
        module::{Context, Module},
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::Generator,
};

const DIM: Arg = optional("dimension", ArgKind::Int, Missing::Number(1.0));
const INPUT_DIMS: Arg = optional("nInputDims", ArgKind::Int, Missing::Nil);
const PROBE: Probe = Probe::module("2", "torch.randn(2, 3)");

macro_rules! row {
    ($class:literal, $kind:expr, $args:expr, $probe:expr) => {
        Spec { args: $args, init: Some(init), ..Spec::module(&[$class], |builder| build(builder, $kind), $probe) }
    };
}

/// The classes.
pub const SPECS: &[Spec] = &[
    row!(
        "nn.Sum",
        Kind::Sum,
        &[
            DIM,
            INPUT_DIMS,
            optional("sizeAverage", ArgKind::Any, Missing::Bool(false)),
            optional("squeeze", ArgKind::Any, Missing::Bool(true))
        ],
        PROBE
    ),
    Spec {
        // Torch7's is a Sum that averages.
        init: Some(|args, fields, generator| {
            fields.set("sizeAverage", Value::Bool(true))?;
            init(args, fields, generator)
        }),
        ..row!("nn.Mean", Kind::Mean, &[DIM, INPUT_DIMS, optional("squeeze", ArgKind::Any, Missing::Bool(true))], PROBE)
    },
    row!("nn.Max", Kind::Max, &[DIM, INPUT_DIMS], PROBE),
    row!("nn.Min", Kind::Min, &[DIM, INPUT_DIMS], PROBE),
    row!(
        "nn.ArgMax",
        Kind::ArgMax,
        &[required("dimension", ArgKind::Int), INPUT_DIMS, optional("asLong", ArgKind::Any, Missing::Bool(true))],
        PROBE
    ),
];

/// What becomes of the dim.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Kind {
    Sum,
    Mean,
    Max,
    Min,
    ArgMax,
}

/// One dim less.
pub struct Reduction {
    /// What becomes of the dim.
    pub kind: Kind,
    /// 1-based.
    pub dimension: i64,
    /// Rank of a sample, when it was given.
    pub input_dims: Option<i64>,
    /// Whether the dim stays, with extent 1.
    pub keeps_dim: bool,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    args.names().try_for_each(|name| set_arguments(args, fields, &[name]))
}

fn build(builder: &mut dyn Builder, kind: Kind) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let kind = if matches!(kind, Kind::Sum) && fields.truthy("sizeAverage")? { Kind::Mean } else { kind };
    let input_dims = match fields.get("nInputDims")? {
        Value::Nil => None,
        _ => Some(fields.int("nInputDims")?),
    };
    let keeps_dim = matches!(fields.get("squeeze")?, Value::Bool(false));
    Ok(Box::new(Reduction { kind, dimension: fields.int_or("dimension", 1)?, input_dims, keeps_dim }))
}

impl Module for Reduction {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let dim = axis(input, x.dim(), self.dimension, self.input_dims)?;
        let keep = self.keeps_dim || x.dim() == 1;
        Ok(match self.kind {
            Kind::Sum => x.f_sum_dim_intlist(dim, keep, x.kind())?,
            Kind::Mean => x.f_mean_dim(dim, keep, x.kind())?,
            Kind::Max => x.f_max_dim(dim, keep)?.0,
            Kind::Min => x.f_min_dim(dim, keep)?.0,
            Kind::ArgMax => x.f_argmax(dim, keep)?.f_add_scalar(1)?,
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Value,
        testing::{assert_close, object, plain, randn, tensor, try_object},
    };

    #[test]
    fn the_dim_goes_away_unless_it_is_the_last_one() {
        let x = || tensor(&[2, 2], &[1.0, 2.0, 3.0, 5.0]);
        assert_close(&plain("nn.Sum").eval(x()).1, &[4.0, 7.0]);
        assert_close(&object("nn.Mean", [-1i64]).eval(x()).1, &[1.5, 4.0]);
        assert_close(&object("nn.Max", [1i64, 1]).eval(x()).1, &[2.0, 5.0]);
        assert_close(&object("nn.Min", [1i64]).eval(x()).1, &[1.0, 2.0]);
        assert_close(&object("nn.ArgMax", [2i64]).eval(x()).1, &[2.0, 2.0]);
        assert_eq!(plain("nn.Sum").eval(randn(&[3])).0, [1]);
        let kept = [Value::Number(1.0), Value::Nil, Value::Bool(true), Value::Bool(false)];
        let (size, y) = try_object("nn.Sum", kept.to_vec()).unwrap().eval(x());
        assert_eq!(size, [1, 2]);
        assert_close(&y, &[2.0, 3.5]);
    }
}
