//! `−[t·log(x + 1e-12) + (1 − t)·log(1 − x + 1e-12)]`: probabilities against 0 and 1, each number on its own.
//!
//! Torch7: `nn/BCECriterion.lua`; `weights` multiply features, `sizeAverage` divides by the number of elements.
//! libtorch's own clamps the logarithm instead.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::{Activity, matched},
        fields::Fields,
        init::set_arguments,
        module::{BatchReduction, Context, Criterion},
        refusals::size_mismatch,
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional},
    },
    torch::Generator,
};

const EPS: f64 = 1e-12;

/// `nn.BCECriterion([weights, sizeAverage=true])`
pub const SPEC: Spec = Spec {
    args: &[
        optional("weights", ArgKind::Tensor, Missing::Nil),
        optional("sizeAverage", ArgKind::Bool, Missing::Bool(true)),
    ],
    init: Some(init),
    ..Spec::criterion(
        &["nn.BCECriterion"],
        build,
        Probe::criterion("", "torch.Tensor{{0.2, 0.7}, {0.5, 0.9}}", "torch.Tensor{{0, 1}, {1, 0}}"),
    )
};

/// Binary cross-entropy.
pub struct Bce {
    weights: Option<tch::Tensor>,
    size_average: bool,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    set_arguments(args, fields, &["weights", "sizeAverage"])
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Criterion>> {
    let fields = builder.fields();
    let weights = fields.tensor("weights")?.map(|weights| weights.view());
    Ok(Box::new(Bce { weights, size_average: fields.truthy("sizeAverage")? }))
}

impl Criterion for Bce {
    fn reduction(&self) -> BatchReduction {
        if self.weights.is_some() { BatchReduction::Whole } else { BatchReduction::averaging(self.size_average) }
    }

    fn forward(&self, input: &Activity, target: &Activity, _cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let (x, t) = (input.tensor()?, target.tensor()?);
        if x.numel() != t.numel() {
            return Err(size_mismatch(input, format!("a target of {} values, not {}", x.numel(), t.numel())));
        }
        // On a CUDA device the look at the numbers would wait for the device.
        if x.device() == tch::Device::Cpu && x.numel() > 0 {
            let (least, most) = (x.f_min()?.f_double_value(&[])?, x.f_max()?.f_double_value(&[])?);
            if least < 0.0 || most > 1.0 {
                let wrong = if least < 0.0 { least } else { most };
                return Err(Error::new(Kind::Numeric, format!("input value {wrong} is not between 0 and 1"))
                    .with_help("end the network with nn.Sigmoid"));
            }
        }
        let t = t.f_to_kind(x.kind())?.f_to_device(x.device())?.f_reshape(x.size())?;
        let complement = |v: &tch::Tensor| v.f_neg()?.f_add_scalar(1.0);
        let yes = t.f_mul(&x.f_add_scalar(EPS)?.f_log()?)?;
        let no = complement(&t)?.f_mul(&complement(x)?.f_add_scalar(EPS)?.f_log()?)?;
        let mut losses = yes.f_add(&no)?.f_neg()?;
        if let Some(weights) = &self.weights {
            losses = losses.f_mul(weights)?;
        }
        Ok(if self.size_average { losses.f_mean(x.kind())? } else { losses.f_sum(x.kind())? })
    }

    /// Torch7's own: `(x − t) / ((1 − x + 1e-12)·(x + 1e-12))`.
    fn input_gradient(&self, input: &Activity, target: &Activity) -> Result<Option<Activity>> {
        let Some((x, t)) = matched(input, target)? else { return Ok(None) };
        let slope = x.f_neg()?.f_add_scalar(1.0 + EPS)?.f_mul_(&x.f_add_scalar(EPS)?)?;
        let mut gradient = x.f_sub(&t)?.f_div_(&slope)?;
        if let Some(weights) = &self.weights {
            gradient = gradient.f_mul(weights)?;
        }
        if self.size_average {
            let _ = gradient.f_mul_scalar_(1.0 / x.numel() as f64)?;
        }
        Ok(Some(gradient.into()))
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{plain, tensor};

    #[test]
    fn certainty_costs_nothing_and_a_certain_error_costs_a_finite_amount() {
        let loss = |x: f64, t: f64| plain("nn.BCECriterion").loss(tensor(&[1], &[x]), tensor(&[1], &[t])).unwrap();
        assert!(loss(1.0, 1.0).abs() < 1e-9);
        assert!((loss(0.5, 1.0) - 2f64.ln()).abs() < 1e-9);
        assert!((loss(0.0, 1.0) - 1e12f64.ln()).abs() < 1e-9);
        assert!(plain("nn.BCECriterion").loss(tensor(&[1], &[1.5]), tensor(&[1], &[1.0])).is_err());
    }
}
