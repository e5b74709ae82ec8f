//! `(Σ xᵖ)^(1/p)` over runs of features: `[f]`, `[f, h]`, `[f, h, w]` → `f' = (f − width)/stride + 1` features; with
//! `batch_mode` the batch is in front.
//!
//! Torch7: `nn/FeatureLPPooling.lua`; the gradient is 0 where the sum is.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::set_arguments,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::Generator,
};

/// `nn.FeatureLPPooling(width, stride, power[, batch_mode])`
pub const SPEC: Spec = Spec {
    args: &[
        required("width", ArgKind::Int),
        required("stride", ArgKind::Int),
        required("power", ArgKind::Number),
        optional("batch_mode", ArgKind::Any, Missing::Bool(false)),
    ],
    init: Some(init),
    print: describe,
    ..Spec::module(&["nn.FeatureLPPooling"], build, Probe::module("3, 2, 2, true", "torch.randn(2, 7, 2)"))
};

/// A norm over runs of features.
pub struct FeatureLpPooling {
    width: i64,
    stride: i64,
    power: f64,
    has_batch: bool,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    let (width, stride) = (args.int("width"), args.int("stride"));
    if !(2..=16).contains(&width) {
        return Err(Error::new(Kind::Argument, format!("#1 (width): width must be within 2 to 16, got {width}")));
    }
    if !(1..=4).contains(&stride) {
        return Err(Error::new(Kind::Argument, format!("#2 (stride): stride must be within 1 to 4, got {stride}")));
    }
    set_arguments(args, fields, &["width", "stride", "power"])?;
    fields.set("batch_mode", Value::Bool(args.truthy("batch_mode")))
}

/// Torch7's text has no closing bracket; its number for a boolean was an error there and is 0 or 1 here.
fn describe(fields: &dyn Fields) -> Result<String> {
    let (width, stride, power) = (fields.int("width")?, fields.int("stride")?, fields.int("power")?);
    Ok(format!("(w{width} s{stride} power {power} batch {}", u8::from(fields.truthy("batch_mode")?)))
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    Ok(Box::new(FeatureLpPooling {
        width: fields.int("width")?,
        stride: fields.int("stride")?,
        power: fields.number("power")?,
        has_batch: fields.truthy("batch_mode")?,
    }))
}

impl Module for FeatureLpPooling {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let dim = usize::from(self.has_batch);
        let size = x.size();
        if !(1..=3).contains(&(size.len() as i64 - dim as i64)) || size[dim] < self.width {
            let batch = if self.has_batch { "[n, f], [n, f, h] or [n, f, h, w]" } else { "[f], [f, h] or [f, h, w]" };
            return Err(size_mismatch(input, format!("{batch} of at least {} features", self.width)));
        }
        let windows = x.f_unfold(dim as i64, self.width, self.stride)?;
        let sum = windows.f_pow_tensor_scalar(self.power)?.f_sum_dim_intlist(-1, false, x.kind())?;
        let is_zero = sum.f_eq(0.0)?;
        let root = sum.f_masked_fill(&is_zero, 1.0)?.f_pow_tensor_scalar(1.0 / self.power)?;
        Ok(root.f_masked_fill(&is_zero, 0.0)?.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode, Value,
        testing::{assert_close, object, tensor, try_object},
    };

    #[test]
    fn norms_of_runs() {
        let pool = object("nn.FeatureLPPooling", [2i64, 1, 2]);
        assert_close(&pool.eval(tensor(&[3], &[3.0, 4.0, 0.0])).1, &[5.0, 4.0]);
        assert_close(&pool.gradient(&tensor(&[2], &[0.0, 0.0])), &[0.0, 0.0]);
        assert_eq!(pool.print(), "nn.FeatureLPPooling(w2 s1 power 2 batch 0");
        assert!(pool.forward(Mode::Train, tensor(&[1], &[0.0])).is_err());
        assert!(try_object("nn.FeatureLPPooling", [1.0, 1.0, 2.0].map(Value::Number).to_vec()).is_err());
    }
}
