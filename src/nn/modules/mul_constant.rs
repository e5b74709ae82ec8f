//! `y = constant · x`. Shapes: any.
//!
//! Torch7: `nn/MulConstant.lua`. DIGITS networks scale pixels with it: `nn.MulConstant(0.00390625)` is x / 256.

use crate::{
    error::Result,
    nn::{
        activity::{Activity, alike},
        fields::Fields,
        init::set_arguments,
        module::{Context, Module},
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::Generator,
};

/// `nn.MulConstant(constant_scalar[, inplace])`
pub const SPEC: Spec = Spec {
    args: &[required("constant_scalar", ArgKind::Number), optional("inplace", ArgKind::Any, Missing::Bool(false))],
    init: Some(init),
    ..Spec::module(&["nn.MulConstant"], build, Probe::module("0.5", "torch.randn(2, 4)"))
};

/// Multiplication by a number.
pub struct MulConstant {
    /// The factor.
    pub constant: f64,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    set_arguments(args, fields, &["constant_scalar", "inplace"])
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    Ok(Box::new(MulConstant { constant: builder.fields().number("constant_scalar")? }))
}

impl Module for MulConstant {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        Ok(input.tensor()?.f_mul_scalar(self.constant)?.into())
    }

    fn input_gradient(&self, input: &Activity, grad: &Activity) -> Result<Option<Activity>> {
        let Some((_, g)) = alike(input, grad) else { return Ok(None) };
        Ok(Some(g.f_mul_scalar(self.constant)?.into()))
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, object, tensor};

    #[test]
    fn scales() {
        let (size, y) = object("nn.MulConstant", [0.5]).eval(tensor(&[1, 2], &[3.0, -4.0]));
        assert_eq!(size, [1, 2]);
        assert_close(&y, &[1.5, -2.0]);
    }
}
