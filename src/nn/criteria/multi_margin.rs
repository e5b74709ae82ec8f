//! Margins between the right classes and all others. `x` `[c]` or `[n, c]`.
//!
//! Torch7: `nn/MultiMarginCriterion.lua`: Σ_{i≠t} w_t·max(0, margin − x_t + x_i)ᵖ / c, target one class from 1;
//! `MultiLabelMarginCriterion.lua`: target rows of classes from 1, ended by 0. Averaged over the batch.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::set_arguments,
        module::{Context, Criterion},
        refusals::{check_classes, size_mismatch},
        scores::Scores,
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional},
    },
    torch::Generator,
};

/// `nn.MultiMarginCriterion([p=1, weights, margin=1])`, `nn.MultiLabelMarginCriterion()`
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[
            optional("p", ArgKind::Int, Missing::Number(1.0)),
            optional("weights", ArgKind::Tensor, Missing::Nil),
            optional("margin", ArgKind::Number, Missing::Number(1.0)),
        ],
        init: Some(init),
        ..Spec::criterion(
            &["nn.MultiMarginCriterion"],
            build,
            Probe::criterion("2", "torch.randn(2, 3)", "torch.LongTensor{3, 1}"),
        )
    },
    Spec {
        init: Some(|_, fields, _| fields.set("sizeAverage", Value::Bool(true))),
        ..Spec::criterion(
            &["nn.MultiLabelMarginCriterion"],
            |b| Ok(Box::new(MultiLabelMargin { size_average: b.fields().truthy("sizeAverage")? })),
            Probe::criterion("", "torch.randn(2, 3)", "torch.LongTensor{{3, 1, 0}, {2, 0, 0}}"),
        )
    },
];

/// One right class.
pub struct MultiMargin {
    p: f64,
    margin: f64,
    weights: Option<tch::Tensor>,
    size_average: bool,
}

/// Several right classes.
pub struct MultiLabelMargin {
    size_average: bool,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    if ![1, 2].contains(&args.int("p")) {
        let message = format!("#1 (p) to nn.MultiMarginCriterion: 1 or 2 expected, got {}", args.number("p"));
        return Err(Error::new(Kind::Argument, message));
    }
    fields.set("sizeAverage", Value::Bool(true))?;
    set_arguments(args, fields, &["p", "weights", "margin"])
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Criterion>> {
    let fields = builder.fields();
    Ok(Box::new(MultiMargin {
        p: fields.number_or("p", 1.0)?,
        margin: fields.number_or("margin", 1.0)?,
        weights: fields.tensor("weights")?.map(|weights| weights.view()),
        size_average: fields.truthy("sizeAverage")?,
    }))
}

/// `x` as `[n, c]`.
fn rows(input: &Activity) -> Result<(tch::Tensor, &tch::Tensor)> {
    let x = input.tensor()?;
    match x.dim() {
        1 => Ok((x.f_unsqueeze(0)?, x)),
        2 => Ok((x.shallow_clone(), x)),
        _ => Err(size_mismatch(input, "[c] or [n, c]")),
    }
}

/// 0-based labels, checked to lie from `least` (1-based) to `classes` on the processor.
fn labels(target: &Activity, size: &[i64], least: i64, classes: i64, x: &tch::Tensor) -> Result<tch::Tensor> {
    let t = target.tensor()?;
    if t.numel() as i64 != size.iter().product::<i64>() {
        return Err(size_mismatch(target, format!("targets of size {size:?}")));
    }
    let t = t.f_to_kind(tch::Kind::Int64)?.f_to_device(x.device())?.f_reshape(size)?;
    if x.device() == tch::Device::Cpu && t.numel() > 0 {
        check_classes((t.f_min()?.f_int64_value(&[])?, t.f_max()?.f_int64_value(&[])?), least, classes)?;
    }
    Ok(t.f_add_scalar(-1)?)
}

impl Criterion for MultiMargin {
    fn forward(&self, input: &Activity, target: &Activity, _cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let (x, _) = rows(input)?;
        let (n, classes) = x.size2()?;
        let index = labels(target, &[n, 1], 1, classes, &x)?;
        let right = x.f_gather(1, &index, false)?;
        let mut losses = x.f_sub(&right)?.f_add_scalar(self.margin)?.f_relu()?;
        if self.p == 2.0 {
            losses = losses.f_square()?;
        }
        if let Some(weights) = &self.weights {
            losses = losses.f_mul(&weights.f_index_select(0, &index.f_reshape([-1])?)?.f_unsqueeze(1)?)?;
        }
        let others = x.f_detach()?.f_ones_like()?.f_scatter_value(1, &index, 0.0)?;
        let sum = losses.f_mul(&others)?.f_sum(x.kind())?.f_div_scalar(classes as f64)?;
        Ok(if self.size_average { sum.f_div_scalar(n as f64)? } else { sum })
    }

    /// The margins order the classes; their softmax is as good a measure of how sure the network is as any.
    fn scores(&self) -> Option<Scores> {
        Some(Scores::Logits)
    }
}

impl Criterion for MultiLabelMargin {
    fn forward(&self, input: &Activity, target: &Activity, _cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let (x, _) = rows(input)?;
        let (n, classes) = x.size2()?;
        // libtorch's list ends at −1 where Torch7's ends at 0.
        let labels = labels(target, &[n, classes], 0, classes, &x)?;
        let loss = x.f_multilabel_margin_loss(&labels, tch::Reduction::Sum)?;
        Ok(if self.size_average { loss.f_div_scalar(n as f64)? } else { loss })
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, object, plain, tensor};

    #[test]
    fn by_hand() {
        let x = || tensor(&[3], &[0.1, 0.2, 0.7]);
        let loss = plain("nn.MultiMarginCriterion").loss(x(), tensor(&[1], &[3.0])).unwrap();
        assert_close(&[loss], &[(0.4 + 0.5) / 3.0]);
        let squared = object("nn.MultiMarginCriterion", [2i64]).loss(x(), tensor(&[1], &[3.0])).unwrap();
        assert_close(&[squared], &[(0.16 + 0.25) / 3.0]);
        let labels = plain("nn.MultiLabelMarginCriterion").loss(x(), tensor(&[3], &[3.0, 0.0, 0.0])).unwrap();
        assert_close(&[labels], &[(0.4 + 0.5) / 3.0]);
        assert!(plain("nn.MultiMarginCriterion").loss(x(), tensor(&[1], &[4.0])).is_err());
    }
}
