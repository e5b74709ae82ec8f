//! `y = x > threshold ? x : value`, of which ReLU is `threshold` 0, `value` 0. Shapes: any.
//!
//! Torch7: `nn/Threshold.lua`, `nn/ReLU.lua`. The gradient at x = threshold is 0.

use crate::{
    error::Result,
    nn::{
        activity::{Activity, alike},
        fields::{Fields, Value},
        init::set_arguments,
        module::{Context, Module},
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional},
    },
    torch::Generator,
};

const INPLACE: Arg = optional("inplace", ArgKind::Any, Missing::Bool(false));

/// `nn.Threshold([threshold=1e-6, val=0, inplace])`, `nn.ReLU([inplace])`
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[
            optional("threshold", ArgKind::Number, Missing::Number(1e-6)),
            optional("val", ArgKind::Number, Missing::Number(0.0)),
            INPLACE,
        ],
        init: Some(|args, fields, _| set_arguments(args, fields, &["threshold", "val", "inplace"])),
        ..Spec::module(&["nn.Threshold"], build, Probe::module("0.1, -1", "torch.randn(2, 4)"))
    },
    Spec {
        args: &[INPLACE],
        init: Some(relu),
        ..Spec::module(&["nn.ReLU", "cudnn.ReLU"], build, Probe::module("", "torch.randn(2, 4)"))
    },
];

/// A floor under the input.
pub struct Threshold {
    /// Inputs above it pass.
    pub threshold: f64,
    /// What the others become.
    pub value: f64,
}

fn relu(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    fields.set("threshold", Value::Number(0.0))?;
    fields.set("val", Value::Number(0.0))?;
    set_arguments(args, fields, &["inplace"])
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    Ok(Box::new(Threshold { threshold: fields.number_or("threshold", 0.0)?, value: fields.number_or("val", 0.0)? }))
}

impl Threshold {
    /// Whether it is max(x, 0).
    pub fn is_relu(&self) -> bool {
        self.threshold == 0.0 && self.value == 0.0
    }
}

impl Module for Threshold {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        if self.is_relu() {
            return Ok(x.f_relu()?.into());
        }
        Ok(x.f_threshold(self.threshold, self.value)?.into())
    }

    fn input_gradient(&self, input: &Activity, grad: &Activity) -> Result<Option<Activity>> {
        let Some((x, g)) = alike(input, grad) else { return Ok(None) };
        Ok(Some(x.f_threshold_backward(g, self.threshold)?.into()))
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, object, plain, tensor};

    #[test]
    fn the_edge_is_below() {
        let x = tensor(&[4], &[-1.0, 0.0, 0.5, 2.0]);
        assert_close(&plain("nn.ReLU").eval(x.copy()).1, &[0.0, 0.0, 0.5, 2.0]);
        assert_close(&plain("cudnn.ReLU").gradient(&x), &[0.0, 0.0, 1.0, 1.0]);
        let threshold = object("nn.Threshold", [0.5, 20.0]);
        assert_close(&threshold.eval(x.copy()).1, &[20.0, 20.0, 20.0, 2.0]);
        assert_close(&threshold.gradient(&x), &[0.0, 0.0, 0.0, 1.0]);
    }
}
