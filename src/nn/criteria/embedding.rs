//! Losses of pairs `{x1, x2}`: are two samples alike (target 1) or not (−1), or which of two scores is the larger.
//!
//! Torch7: `nn/CosineEmbeddingCriterion.lua` (1 − cos, or max(0, cos − margin); norms² + 1e-12),
//! `L1HingeEmbeddingCriterion.lua` (no batch), `MarginRankingCriterion.lua` (its gradient counts the edge),
//! `DistanceRatioCriterion.lua`. DIGITS' siamese labels 0 and 1 must become −1 and 1 in `labelHook`.

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::set_arguments,
        module::{Context, Criterion},
        refusals::size_mismatch,
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional},
    },
    torch::{Generator, Tensor},
};

const AVERAGE: Arg = optional("sizeAverage", ArgKind::Bool, Missing::Bool(true));
const PAIR: &str = "{torch.randn(2, 3), torch.rand(2, 3)}";
const SCORES: &str = "{torch.Tensor{1, 2.5, 3}, torch.Tensor{0.5, 3, -1}}";

const fn margin(default: f64) -> Arg {
    optional("margin", ArgKind::Number, Missing::Number(default))
}

macro_rules! row {
    ($class:literal, $args:expr, $kind:expr, $input:expr, $target:literal) => {
        Spec {
            args: $args,
            init: Some(init),
            ..Spec::criterion(&[$class], |builder| build(builder, $kind), Probe::criterion("", $input, $target))
        }
    };
}

/// The classes.
pub const SPECS: &[Spec] = &[
    row!("nn.CosineEmbeddingCriterion", &[margin(0.0)], Kind::Cosine, PAIR, "torch.Tensor{1, -1}"),
    row!(
        "nn.L1HingeEmbeddingCriterion",
        &[margin(1.0)],
        Kind::L1Hinge,
        "{torch.randn(3), torch.rand(3)}",
        "torch.Tensor{1}"
    ),
    row!("nn.MarginRankingCriterion", &[margin(1.0)], Kind::Ranking, SCORES, "torch.Tensor{1, -1, 1}"),
    row!("nn.DistanceRatioCriterion", &[AVERAGE], Kind::DistanceRatio, SCORES, "nil"),
];

#[derive(Clone, Copy)]
enum Kind {
    Cosine,
    L1Hinge,
    Ranking,
    DistanceRatio,
}

/// A loss of two tensors.
pub struct Embedding {
    kind: Kind,
    margin: f64,
    size_average: bool,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    fields.set("sizeAverage", Value::Bool(true))?;
    let empty = || Value::from(Tensor::empty(fields.tensor_type()));
    fields.set("gradInput", Value::List(vec![empty(), empty()]))?;
    args.names().try_for_each(|name| set_arguments(args, fields, &[name]))
}

fn build(builder: &mut dyn Builder, kind: Kind) -> Result<Box<dyn Criterion>> {
    let fields = builder.fields();
    let margin = fields.number_or("margin", 0.0)?;
    Ok(Box::new(Embedding { kind, margin, size_average: fields.truthy("sizeAverage")? }))
}

/// Row sums of a·b.
fn dots(a: &tch::Tensor, b: &tch::Tensor) -> Result<tch::Tensor> {
    Ok(a.f_mul(b)?.f_sum_dim_intlist(1, false, a.kind())?)
}

impl Embedding {
    /// `like` where the target is 1, `unlike` elsewhere; one target for each of them.
    fn choose(input: &Activity, target: &Activity, like: &tch::Tensor, unlike: &tch::Tensor) -> Result<tch::Tensor> {
        let t = target.tensor()?;
        if t.numel() != like.numel() {
            return Err(size_mismatch(input, format!("{} targets, 1 or -1, one for each pair", like.numel())));
        }
        let is_like = t.f_to_device(like.device())?.f_reshape(like.size())?.f_gt(0.0)?;
        Ok(like.f_where_self(&is_like, unlike)?)
    }
}

impl Criterion for Embedding {
    fn forward(&self, input: &Activity, target: &Activity, _cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let wanted = || {
            size_mismatch(input, "a table of two tensors of the same size")
                .with_help("end the network with two branches, for example nn.ParallelTable or nn.SplitTable")
        };
        let [a, b] = input.table()? else { return Err(wanted()) };
        let (a, b) = (a.tensor()?, b.tensor()?);
        if a.numel() != b.numel() || a.dim() == 0 {
            return Err(wanted());
        }
        let losses = match self.kind {
            Kind::Cosine => {
                let rows = if a.dim() == 1 { 1 } else { a.size()[0] };
                let (a, b) = (a.f_reshape([rows, -1])?, b.f_reshape([rows, -1])?);
                let norm = |x: &tch::Tensor| Ok::<_, crate::error::Error>(dots(x, x)?.f_add_scalar(1e-12)?);
                let cosine = dots(&a, &b)?.f_div(&norm(&a)?.f_mul(&norm(&b)?)?.f_sqrt()?)?;
                let like = cosine.f_neg()?.f_add_scalar(1.0)?;
                Self::choose(input, target, &like, &cosine.f_sub_scalar(self.margin)?.f_relu()?)?
            }
            Kind::L1Hinge => {
                let distance = a.f_sub(b)?.f_abs()?.f_sum(a.kind())?.f_reshape([1])?;
                let apart = distance.f_neg()?.f_add_scalar(self.margin)?.f_relu()?;
                Self::choose(input, target, &distance, &apart)?
            }
            Kind::Ranking => {
                let t = target.tensor()?.f_to_kind(a.kind())?.f_to_device(a.device())?;
                let t = if t.numel() == a.numel() { t.f_reshape(a.size())? } else { t };
                let miss = a.f_sub(b)?.f_mul(&t)?.f_neg()?.f_add_scalar(self.margin)?;
                // The edge itself has a gradient, unlike relu's.
                miss.f_where_self(&miss.f_ge(0.0)?, &miss.f_zeros_like()?)?
            }
            Kind::DistanceRatio => {
                let (first, second) = (a.f_neg()?, b.f_reshape(a.size())?.f_neg()?);
                a.f_add(&first.f_logaddexp(&second)?)?
            }
        };
        Ok(if self.size_average { losses.f_mean(a.kind())? } else { losses.f_sum(a.kind())? })
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Activity,
        testing::{assert_close, object, plain, tensor},
    };

    fn pair(a: &[f64], b: &[f64]) -> Activity {
        let row = |x: &[f64]| tensor(&[1, x.len() as i64], x).into();
        Activity::Table(vec![row(a), row(b)])
    }

    #[test]
    fn cosine_of_like_and_unlike_pairs() {
        let cosine = object("nn.CosineEmbeddingCriterion", [0.1]);
        let input = || pair(&[3.0, 4.0], &[4.0, 3.0]);
        assert!((cosine.loss(input(), tensor(&[1], &[1.0])).unwrap() - 0.04).abs() < 1e-9);
        assert!((cosine.loss(input(), tensor(&[1], &[-1.0])).unwrap() - 0.86).abs() < 1e-9);
        assert!(cosine.loss(input(), tensor(&[2], &[1.0, 1.0])).is_err());
        assert!(cosine.loss(tensor(&[2], &[1.0, 1.0]), tensor(&[1], &[1.0])).is_err());
    }

    #[test]
    fn others_by_hand() {
        let input = || pair(&[1.0, 2.0], &[0.5, 2.0]);
        assert_close(&[plain("nn.L1HingeEmbeddingCriterion").loss(input(), tensor(&[1], &[1.0])).unwrap()], &[0.5]);
        let ranking = plain("nn.MarginRankingCriterion");
        assert_close(&[ranking.loss(input(), tensor(&[2], &[1.0, -1.0])).unwrap()], &[(0.5 + 1.0) / 2.0]);
        let ratio = plain("nn.DistanceRatioCriterion").loss(pair(&[1.0], &[1.0]), tensor(&[1], &[1.0])).unwrap();
        assert_close(&[ratio], &[2f64.ln()]);
    }
}
