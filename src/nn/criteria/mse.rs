//! `Σ (x − t)² / numel`, or the sum alone when `sizeAverage` is false. Input and target of equal numel.
//!
//! Torch7: `nn/MSECriterion.lua`, `SpatialAutoCropMSECriterion.lua` (images: the target's centre of the input's size).

use crate::{
    error::Result,
    nn::{
        activity::{Activity, matched},
        fields::{Fields, Value},
        module::{BatchReduction, Context, Criterion},
        refusals::size_mismatch,
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional},
    },
    torch::Generator,
};

/// `nn.MSECriterion([sizeAverage=true])`, `nn.SpatialAutoCropMSECriterion([sizeAverage=true])`
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[optional("sizeAverage", ArgKind::Bool, Missing::Bool(true))],
        init: Some(init),
        ..Spec::criterion(
            &["nn.MSECriterion"],
            |b| build(b, false),
            Probe::criterion("", "torch.randn(2, 4)", "torch.randn(2, 4)"),
        )
    },
    Spec {
        args: &[optional("sizeAverage", ArgKind::Bool, Missing::Bool(true))],
        init: Some(init),
        ..Spec::criterion(
            &["nn.SpatialAutoCropMSECriterion"],
            |b| build(b, true),
            Probe::criterion("", "torch.randn(2, 1, 2, 3)", "torch.randn(2, 1, 4, 4)"),
        )
    },
];

/// Mean or summed squared error.
pub struct Mse {
    /// Divide by the number of elements.
    pub size_average: bool,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    fields.set("sizeAverage", Value::Bool(args.truthy("sizeAverage")))
}

/// [`Mse`] with the centre of a larger target.
pub struct AutoCropMse(Mse);

fn build(builder: &mut dyn Builder, crops: bool) -> Result<Box<dyn Criterion>> {
    let mse = Mse { size_average: builder.fields().truthy("sizeAverage")? };
    Ok(if crops { Box::new(AutoCropMse(mse)) } else { Box::new(mse) })
}

impl Criterion for AutoCropMse {
    fn reduction(&self) -> BatchReduction {
        self.0.reduction()
    }

    fn forward(&self, input: &Activity, target: &Activity, cx: &mut Context<'_>) -> Result<tch::Tensor> {
        self.0.forward(input, &cropped(input, target.tensor()?)?.into(), cx)
    }
}

/// The centre of `target`, of the input's height and width.
fn cropped(input: &Activity, target: &tch::Tensor) -> Result<tch::Tensor> {
    let (have, want) = (target.size(), input.tensor()?.size());
    let rank = want.len();
    let fits = matches!(rank, 3 | 4)
        && have.len() == rank
        && have[..rank - 2] == want[..rank - 2]
        && have[rank - 2..].iter().zip(&want[rank - 2..]).all(|(have, want)| have >= want);
    if !fits {
        return Err(size_mismatch(
            input,
            format!("[c, h, w] or [n, c, h, w], and a target at least as large, not {have:?}"),
        ));
    }
    let mut part = target.shallow_clone();
    for dim in [rank - 2, rank - 1] {
        part = part.f_narrow(dim as i64, (have[dim] - want[dim]) / 2, want[dim])?;
    }
    Ok(part)
}

impl Criterion for Mse {
    fn reduction(&self) -> BatchReduction {
        BatchReduction::averaging(self.size_average)
    }

    fn forward(&self, input: &Activity, target: &Activity, _cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let (x, t) = (input.tensor()?, target.tensor()?);
        if x.numel() != t.numel() {
            return Err(size_mismatch(input, format!("a target of {} values, not {}", x.numel(), t.numel())));
        }
        let reduction = if self.size_average { tch::Reduction::Mean } else { tch::Reduction::Sum };
        Ok(x.f_mse_loss(&t.f_reshape(x.size())?, reduction)?)
    }

    fn input_gradient(&self, input: &Activity, target: &Activity) -> Result<Option<Activity>> {
        let Some((x, t)) = matched(input, target)? else { return Ok(None) };
        let divisor = if self.size_average { x.numel() as f64 } else { 1.0 };
        Ok(Some(x.f_sub(&t)?.f_mul_scalar_(2.0 / divisor)?.into()))
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, plain, randn, tensor};

    #[test]
    fn the_centre_of_a_larger_target() {
        let criterion = plain("nn.SpatialAutoCropMSECriterion");
        let target = || tensor(&[1, 1, 4], &[9.0, 1.0, 2.0, 9.0]);
        assert_close(&[criterion.loss(tensor(&[1, 1, 2], &[1.0, 5.0]), target()).unwrap()], &[4.5]);
        assert!(criterion.loss(randn(&[1, 1, 5]), target()).is_err());
        assert!(criterion.loss(randn(&[2, 1, 2]), target()).is_err());
    }
}
