//! Losses that compare input and target number by number, summed or (`sizeAverage`) divided by the number of elements.
//!
//! Torch7: `nn/AbsCriterion.lua` (its gradient at 0 is +1), `SmoothL1Criterion.lua`, `SoftMarginCriterion.lua`,
//! `MarginCriterion.lua`, `HingeEmbeddingCriterion.lua`, `DistKLDivCriterion.lua`, `MultiLabelSoftMarginCriterion.lua`,
//! `WeightedMSECriterion.lua`.

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::set_arguments,
        module::{BatchReduction, Context, Criterion},
        refusals::size_mismatch,
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::Generator,
};

type Function = fn(&tch::Tensor, &tch::Tensor, &Constants) -> Result<tch::Tensor>;

/// A loss from single numbers.
pub struct Elementwise {
    function: Function,
    constants: Constants,
    size_average: bool,
}

struct Constants {
    margin: f64,
    /// Factors, as many as the input has elements or as one row of it.
    weights: Option<tch::Tensor>,
}

// Only some constructors take it; the field is there for all.
const AVERAGE: Arg = optional("sizeAverage", ArgKind::Bool, Missing::Bool(true));
const MARGIN: Arg = optional("margin", ArgKind::Number, Missing::Number(1.0));

macro_rules! row {
    ($class:literal, $args:expr, $probe:literal, $target:literal, $function:expr) => {
        Spec {
            args: $args,
            init: Some(init),
            ..Spec::criterion(
                &[$class],
                |builder| build(builder, $function),
                Probe::criterion($probe, "torch.randn(2, 3)", $target),
            )
        }
    };
}

/// The classes.
pub const SPECS: &[Spec] = &[
    row!("nn.AbsCriterion", &[AVERAGE], "", "torch.rand(2, 3)", |x, t, _| {
        let difference = x.f_sub(t)?;
        Ok(difference.f_where_self(&difference.f_ge(0.0)?, &difference.f_neg()?)?)
    }),
    row!("nn.SmoothL1Criterion", &[AVERAGE], "", "torch.rand(2, 3)", |x, t, _| Ok(x.f_smooth_l1_loss(
        t,
        tch::Reduction::None,
        1.0
    )?)),
    row!("nn.SoftMarginCriterion", &[], "", "torch.Tensor{{1, -1, 1}, {-1, 1, 1}}", |x, t, _| Ok(x
        .f_mul(t)?
        .f_log_sigmoid()?
        .f_neg()?)),
    row!("nn.MarginCriterion", &[MARGIN], "0.7", "torch.Tensor{{1, -1, 1}, {-1, 1, 1}}", |x, t, c| Ok(x
        .f_mul(t)?
        .f_neg()?
        .f_add_scalar(c.margin)?
        .f_relu()?)),
    row!("nn.HingeEmbeddingCriterion", &[MARGIN], "", "torch.Tensor{{1, -1, 1}, {-1, 1, 1}}", |x, t, c| {
        let apart = x.f_neg()?.f_add_scalar(c.margin)?.f_relu()?;
        Ok(x.f_where_self(&t.f_gt(0.0)?, &apart)?)
    }),
    row!("nn.DistKLDivCriterion", &[], "", "torch.rand(2, 3)", |x, t, _| {
        let counts = t.f_gt(0.0)?;
        let log = t.f_where_self(&counts, &t.f_ones_like()?)?.f_log()?;
        Ok(t.f_mul(&log.f_sub(x)?)?.f_where_self(&counts, &x.f_zeros_like()?)?)
    }),
    row!(
        "nn.MultiLabelSoftMarginCriterion",
        &[optional("weights", ArgKind::Tensor, Missing::Nil), AVERAGE],
        "",
        "torch.Tensor{{1, 0, 1}, {0, 1, 1}}",
        |x, t, c| {
            let none: Option<tch::Tensor> = None;
            let loss = x.f_binary_cross_entropy_with_logits(t, none.as_ref(), none.as_ref(), tch::Reduction::None)?;
            weigh(loss, c)
        }
    ),
    row!(
        "nn.WeightedMSECriterion",
        &[required("weight", ArgKind::Tensor)],
        "torch.rand(2, 3)",
        "torch.rand(2, 3)",
        |x, t, c| Ok(x.f_sub(&weigh(t.shallow_clone(), c)?)?.f_square()?)
    ),
];

fn weigh(values: tch::Tensor, constants: &Constants) -> Result<tch::Tensor> {
    match &constants.weights {
        Some(weights) if weights.numel() == values.numel() => Ok(values.f_mul(&weights.f_reshape(values.size())?)?),
        Some(weights) => Ok(values.f_mul(weights)?),
        None => Ok(values),
    }
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    fields.set("sizeAverage", Value::Bool(true))?;
    args.names().try_for_each(|name| set_arguments(args, fields, &[name]))
}

fn build(builder: &mut dyn Builder, function: Function) -> Result<Box<dyn Criterion>> {
    let fields = builder.fields();
    let weights = match fields.tensor("weights")? {
        Some(weights) => Some(weights),
        None => fields.tensor("weight")?,
    };
    let constants = Constants { margin: fields.number_or("margin", 1.0)?, weights: weights.map(|w| w.view()) };
    Ok(Box::new(Elementwise { function, constants, size_average: fields.truthy("sizeAverage")? }))
}

impl Criterion for Elementwise {
    fn reduction(&self) -> BatchReduction {
        let is_plain = self.constants.weights.is_none();
        if is_plain { BatchReduction::averaging(self.size_average) } else { BatchReduction::Whole }
    }

    fn forward(&self, input: &Activity, target: &Activity, _cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let (x, t) = (input.tensor()?, target.tensor()?);
        if x.numel() != t.numel() {
            return Err(size_mismatch(input, format!("a target of {} values, not {}", x.numel(), t.numel())));
        }
        let t = t.f_to_kind(x.kind())?.f_to_device(x.device())?.f_reshape(x.size())?;
        let losses = (self.function)(x, &t, &self.constants)?;
        Ok(if self.size_average { losses.f_mean(x.kind())? } else { losses.f_sum(x.kind())? })
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{Built, assert_close, numbers, object, plain, tensor};
    use crate::nn::{Activity, Context, Mode, Value};

    #[test]
    fn by_hand() {
        let x = || tensor(&[2], &[0.5, -3.0]);
        let t = || tensor(&[2], &[1.0, -1.0]);
        assert_close(&[plain("nn.AbsCriterion").loss(x(), t()).unwrap()], &[1.25]);
        assert_close(&[plain("nn.SmoothL1Criterion").loss(x(), t()).unwrap()], &[(0.125 + 1.5) / 2.0]);
        assert_close(&[plain("nn.MarginCriterion").loss(x(), t()).unwrap()], &[0.25]);
        assert_close(&[plain("nn.HingeEmbeddingCriterion").loss(x(), t()).unwrap()], &[2.25]);
        let sum = object("nn.AbsCriterion", [Value::Bool(false)]);
        assert_close(&[sum.loss(x(), t()).unwrap()], &[2.5]);
        let kl = plain("nn.DistKLDivCriterion").loss(tensor(&[2], &[-1.0, -9.0]), tensor(&[2], &[1.0, 0.0]));
        assert_close(&[kl.unwrap()], &[0.5]);
        assert!(plain("nn.AbsCriterion").loss(x(), tensor(&[3], &[0.0; 3])).is_err());
    }

    #[test]
    fn the_absolute_value_rises_at_zero() {
        let criterion = Built::default().criterion(&plain("nn.AbsCriterion")).unwrap();
        let x = tensor(&[1], &[2.0]).set_requires_grad(true);
        let target = Activity::Tensor(tensor(&[1], &[2.0]));
        let loss = criterion.forward(&x.shallow_clone().into(), &target, &mut Context::new(Mode::Train)).unwrap();
        assert_close(&numbers(&tch::Tensor::run_backward(&[loss], &[x], false, false)[0]), &[1.0]);
    }
}
