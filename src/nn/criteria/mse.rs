//! `Σ (x − t)² / numel`, or the sum alone when `sizeAverage` is false. Input and target of equal numel.
//!
//! Torch7: `nn/MSECriterion.lua`.

use crate::{
    error::Result,
    nn::{
        Activity, ArgKind, Args, Builder, Context, Criterion, Fields, Missing, Probe, Spec, Value, optional,
        size_mismatch,
    },
    torch::Generator,
};

/// `nn.MSECriterion([sizeAverage=true])`
pub const SPEC: Spec = Spec {
    args: &[optional("sizeAverage", ArgKind::Bool, Missing::Bool(true))],
    init: Some(init),
    ..Spec::criterion(&["nn.MSECriterion"], build, Probe::criterion("", "torch.randn(2, 4)", "torch.randn(2, 4)"))
};

/// Mean or summed squared error.
pub struct Mse {
    /// Divide by the number of elements.
    pub size_average: bool,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    fields.set("sizeAverage", Value::Bool(args.truthy("sizeAverage")))
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Criterion>> {
    Ok(Box::new(Mse { size_average: builder.fields().truthy("sizeAverage")? }))
}

impl Criterion for Mse {
    fn forward(&self, input: &Activity, target: &Activity, _cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let (x, t) = (input.tensor()?, target.tensor()?);
        if x.numel() != t.numel() {
            return Err(size_mismatch(input, format!("a target of {} values, not {}", x.numel(), t.numel())));
        }
        let reduction = if self.size_average { tch::Reduction::Mean } else { tch::Reduction::Sum };
        Ok(x.f_mse_loss(&t.f_reshape(x.size())?, reduction)?)
    }
}
