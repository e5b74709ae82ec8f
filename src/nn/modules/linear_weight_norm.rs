//! `y = x Wᵀ + b` with W = g · v / ‖v‖, row by row. Shapes: `[in]` → `[out]`, `[n, in]` → `[n, out]`.
//!
//! Torch7: `nn/LinearWeightNorm.lua`: v and weight `[out, in]`, g `[out, 1]`; the weight is drawn like nn.Linear's, then
//! v = W and g = its norms. ‖v‖ is at least eps. Field `weight` holds the product of the last pass; methods in the prelude.

use super::linear::Linear;
use crate::{
    error::Result,
    nn::{
        activity::{Activity, Shape},
        fields::Fields,
        init::{set_arguments, set_parameters, uniform_reset},
        module::{Context, Module},
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::{Generator, Tensor},
};

/// `nn.LinearWeightNorm(inputSize, outputSize[, bias=true, eps=1e-16])`
pub const SPEC: Spec = Spec {
    args: &[
        required("inputSize", ArgKind::Int),
        required("outputSize", ArgKind::Int),
        optional("bias", ArgKind::Any, Missing::Bool(true)),
        optional("eps", ArgKind::Number, Missing::Number(1e-16)),
    ],
    init: Some(init),
    reset: Some(reset),
    print: |fields| {
        let bias = if fields.truthy("bias")? { "" } else { " without bias" };
        Ok(format!("({} -> {}){bias}", fields.int("inputSize")?, fields.int("outputSize")?))
    },
    buffers: &["weight", "addBuffer"],
    ..Spec::module(&["nn.LinearWeightNorm"], build, Probe::module("4, 3", "torch.randn(2, 4)"))
};

/// A linear layer whose weight's length and direction are learned apart.
pub struct LinearWeightNorm {
    direction: tch::Tensor,
    length: tch::Tensor,
    bias: Option<tch::Tensor>,
    eps: f64,
}

fn init(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator) -> Result<()> {
    set_arguments(args, fields, &["inputSize", "outputSize", "eps"])?;
    let (input, output) = (args.int("inputSize"), args.int("outputSize"));
    set_parameters(fields, &[("v", "gradV", &[output, input]), ("g", "gradG", &[output, 1])])?;
    fields.set("weight", Tensor::zeros(fields.tensor_type(), &[output, input])?.into())?;
    if args.truthy("bias") {
        set_parameters(fields, &[("bias", "gradBias", &[output])])?;
    }
    reset(fields, None, generator)
}

fn reset(fields: &dyn Fields, stdv: Option<f64>, generator: &mut Generator) -> Result<()> {
    let (Some(weight), Some(v), Some(g)) = (fields.tensor("weight")?, fields.tensor("v")?, fields.tensor("g")?) else {
        return Ok(());
    };
    if weight.dim() == 0 {
        weight.resize(&v.size())?;
    }
    let limit = 1.0 / fields.number("inputSize")?.sqrt();
    uniform_reset(fields, &["weight"], stdv, limit, generator)?;
    v.copy_from(&weight.view())?;
    g.copy_from(&norms(&v.view(), fields.number_or("eps", 1e-16)?)?)?;
    uniform_reset(fields, &["bias"], stdv, limit, generator)
}

/// ‖row‖ as `[out, 1]`, at least eps.
fn norms(v: &tch::Tensor, eps: f64) -> Result<tch::Tensor> {
    Ok(v.f_norm_scalaropt_dim(2.0, 1, true)?.f_clamp_min(eps)?)
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let direction = builder.learned("v", &[2])?;
    let length = builder.learned("g", &[])?;
    let bias = builder.parameter("bias")?;
    let eps = builder.fields().number_or("eps", 1e-16)?;
    Ok(Box::new(LinearWeightNorm { direction, length, bias, eps }))
}

impl LinearWeightNorm {
    fn weight(&self) -> Result<tch::Tensor> {
        Ok(self.direction.f_mul(&self.length.f_div(&norms(&self.direction, self.eps)?)?)?)
    }
}

impl Module for LinearWeightNorm {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let bias = self.bias.as_ref().map(tch::Tensor::shallow_clone);
        Linear { weight: self.weight()?, bias }.forward(input, cx)
    }

    fn flops(&self, _input: &Shape, output: &Shape) -> u64 {
        (output.numel() * self.direction.size().last().copied().unwrap_or(0) * 2) as u64
    }

    fn save(&self, fields: &dyn Fields) -> Result<()> {
        match fields.tensor("weight")? {
            Some(weight) => weight.resize_and_copy(&tch::no_grad(|| self.weight())?),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, object, tensor};

    #[test]
    fn starts_as_its_weight_and_keeps_direction_and_length_apart() {
        let norm = object("nn.LinearWeightNorm", [2i64, 1]);
        assert_close(&norm.numbers("v"), &norm.numbers("weight"));
        norm.get_tensor("v").copy_from(&tensor(&[2], &[30.0, 40.0])).unwrap();
        norm.get_tensor("g").copy_from(&tensor(&[1], &[5.0])).unwrap();
        norm.get_tensor("bias").copy_from(&tensor(&[1], &[0.5])).unwrap();
        assert_close(&norm.eval(tensor(&[2], &[1.0, 10.0])).1, &[43.5]);
        assert_close(&norm.numbers("weight"), &[3.0, 4.0]);
        assert_eq!(norm.print(), "nn.LinearWeightNorm(2 -> 1)");
    }
}
