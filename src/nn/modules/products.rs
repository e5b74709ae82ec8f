//! Products and distances of two tensors in a table: `{a, b}`.
//!
//! Torch7: `nn/MM.lua`, `MV.lua`, `DotProduct.lua`, `CosineDistance.lua` (norms² + 1e-12), `PairwiseDistance.lua`. Batches
//! have one dim more; results of one sample keep one dim.

use crate::{
    error::{Error, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::{empty_pair, set_arguments},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Arg, ArgKind, Missing, Probe, Spec, optional},
    },
};

const fn flag(name: &'static str) -> Arg {
    optional(name, ArgKind::Any, Missing::Bool(false))
}

const PAIR: &str = "{torch.randn(2, 3), torch.rand(2, 3)}";

macro_rules! row {
    ($class:literal, $args:expr, $probe:expr, $kind:expr) => {
        Spec {
            args: $args,
            init: Some(|args, fields, _| {
                let is_pair = !matches!($class, "nn.PairwiseDistance");
                fields.set("gradInput", if is_pair { empty_pair(fields) } else { Value::List(vec![]) })?;
                args.names().try_for_each(|name| set_arguments(args, fields, &[name]))
            }),
            ..Spec::module(&[$class], |b| Ok(Box::new(Product($kind(b.fields())?))), $probe)
        }
    };
}

/// The classes.
pub const SPECS: &[Spec] = &[
    row!(
        "nn.MM",
        &[flag("transA"), flag("transB")],
        Probe::module("false, true", PAIR),
        |f: &dyn Fields| Ok::<_, Error>(Kind::Matrices(f.truthy("transA")?, f.truthy("transB")?))
    ),
    row!("nn.MV", &[flag("trans")], Probe::module("", "{torch.randn(2, 3), torch.rand(3)}"), |f: &dyn Fields| {
        Ok::<_, Error>(Kind::MatrixVector(f.truthy("trans")?))
    }),
    row!("nn.DotProduct", &[], Probe::module("", PAIR), |_: &dyn Fields| Ok::<_, Error>(Kind::Dot)),
    row!("nn.CosineDistance", &[], Probe::module("", PAIR), |_: &dyn Fields| Ok::<_, Error>(Kind::Cosine)),
    row!(
        "nn.PairwiseDistance",
        &[optional("norm", ArgKind::Number, Missing::Number(2.0))],
        Probe::module("", PAIR),
        |f: &dyn Fields| Ok::<_, Error>(Kind::Distance(f.number_or("norm", 2.0)?))
    ),
];

enum Kind {
    Matrices(bool, bool),
    MatrixVector(bool),
    Dot,
    Cosine,
    Distance(f64),
}

/// A product of two tensors.
pub struct Product(Kind);

impl Module for Product {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let [a, b] = input.table()? else { return Err(size_mismatch(input, "a table of two tensors")) };
        let (a, b) = (a.tensor()?, b.tensor()?);
        let turned = |x: &tch::Tensor, turn: bool| if turn { x.f_transpose(-1, -2) } else { Ok(x.shallow_clone()) };
        match self.0 {
            Kind::Matrices(turn_a, turn_b) => {
                if a.dim() != b.dim() || !matches!(a.dim(), 2 | 3) {
                    return Err(size_mismatch(input, "two matrices, or two batches of matrices"));
                }
                return Ok(turned(a, turn_a)?.f_matmul(&turned(b, turn_b)?)?.into());
            }
            Kind::MatrixVector(turn) => {
                if a.dim() != b.dim() + 1 || !matches!(a.dim(), 2 | 3) {
                    return Err(size_mismatch(input, "a matrix and a vector, or batches of them"));
                }
                let product = turned(a, turn)?.f_matmul(&b.f_unsqueeze(-1)?)?;
                return Ok(product.f_squeeze_dim(-1)?.into());
            }
            _ => {}
        }
        if a.size() != b.size() || !matches!(a.dim(), 1 | 2) {
            return Err(size_mismatch(input, "two vectors of equal size, or two batches [n, f] of them"));
        }
        let rows = if a.dim() == 1 { 1 } else { a.size()[0] };
        let (a, b) = (a.f_reshape([rows, -1])?, b.f_reshape([rows, -1])?);
        let dots = |a: &tch::Tensor, b: &tch::Tensor| a.f_mul(b)?.f_sum_dim_intlist(1, false, a.kind());
        Ok(match self.0 {
            Kind::Cosine => {
                let norms = dots(&a, &a)?.f_add_scalar(1e-12)?.f_mul(&dots(&b, &b)?.f_add_scalar(1e-12)?)?;
                dots(&a, &b)?.f_div(&norms.f_sqrt()?)?
            }
            Kind::Distance(p) => a.f_sub(&b)?.f_norm_scalaropt_dim(p, 1, false)?,
            _ => dots(&a, &b)?,
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Activity, Mode, Value,
        testing::{assert_close, object, plain, randn, tensor},
    };

    fn pair(a: tch::Tensor, b: tch::Tensor) -> Activity {
        Activity::Table(vec![a.into(), b.into()])
    }

    #[test]
    fn by_hand() {
        let vectors = || pair(tensor(&[2], &[3.0, 4.0]), tensor(&[2], &[4.0, 3.0]));
        assert_close(&plain("nn.DotProduct").eval(vectors()).1, &[24.0]);
        assert_close(&plain("nn.CosineDistance").eval(vectors()).1, &[0.96]);
        assert_close(&plain("nn.PairwiseDistance").eval(vectors()).1, &[2f64.sqrt()]);
        assert_close(&object("nn.PairwiseDistance", [1.0]).eval(vectors()).1, &[2.0]);
        let turned = object("nn.MM", [Value::Bool(false), Value::Bool(true)]);
        assert_eq!(turned.eval(pair(randn(&[5, 2, 3]), randn(&[5, 4, 3]))).0, [5, 2, 4]);
        assert_eq!(plain("nn.MV").eval(pair(randn(&[5, 2, 3]), randn(&[5, 3]))).0, [5, 2]);
        assert!(plain("nn.DotProduct").forward(Mode::Train, pair(randn(&[2]), randn(&[3]))).is_err());
    }
}
