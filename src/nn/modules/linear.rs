//! `y = x Wᵀ + b`. Shapes: `[in]` → `[out]`, `[n, in]` → `[n, out]`; weight `[out, in]`, bias `[out]`.
//!
//! Torch7: `nn/Linear.lua`. Both parameters are drawn from U(−1/√in, 1/√in), weight first.

use crate::{
    error::Result,
    nn::{
        activity::{Activity, Shape, alike},
        backward::scaled,
        fields::Fields,
        init::{set_parameters, uniform_reset},
        module::{Context, Module},
        refusals::{missing, size_mismatch},
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::{Generator, direct::sizes},
};

/// `nn.Linear(inputSize, outputSize[, bias=true])`
pub const SPEC: Spec = Spec {
    args: &[
        required("inputSize", ArgKind::Int),
        required("outputSize", ArgKind::Int),
        optional("bias", ArgKind::Any, Missing::Bool(true)),
    ],
    init: Some(init),
    reset: Some(reset),
    print: describe,
    buffers: &["addBuffer"],
    ..Spec::module(&["nn.Linear"], build, Probe::module("4, 3", "torch.randn(2, 4)"))
};

/// A fully connected layer.
pub struct Linear {
    /// `[out, in]`
    pub weight: tch::Tensor,
    /// `[out]`
    pub bias: Option<tch::Tensor>,
}

fn init(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator) -> Result<()> {
    let (input, output) = (args.int("inputSize"), args.int("outputSize"));
    set_parameters(fields, &[("weight", "gradWeight", &[output, input])])?;
    if args.truthy("bias") {
        set_parameters(fields, &[("bias", "gradBias", &[output])])?;
    }
    reset(fields, None, generator)
}

fn reset(fields: &dyn Fields, stdv: Option<f64>, generator: &mut Generator) -> Result<()> {
    let Some(weight) = fields.tensor("weight")? else { return Ok(()) };
    let fan_in = weight.size().get(1).copied().unwrap_or(1) as f64;
    uniform_reset(fields, &["weight", "bias"], stdv, 1.0 / fan_in.sqrt(), generator)
}

fn describe(fields: &dyn Fields) -> Result<String> {
    let size = fields.tensor("weight")?.map(|weight| weight.size()).unwrap_or_default();
    let bias = if fields.truthy("bias")? { "" } else { " without bias" };
    Ok(match size.as_slice() {
        [output, input] => format!("({input} -> {output}){bias}"),
        _ => bias.to_string(),
    })
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let weight = builder.parameter("weight")?;
    let bias = builder.parameter("bias")?;
    let weight = weight.ok_or_else(|| missing(builder.fields(), "weight"))?;
    Ok(Box::new(Linear { weight, bias }))
}

impl Linear {
    /// Input and gradient where both are of a batch, `[n, in]` and `[n, out]`, and of the weight's type.
    fn batch<'a>(&self, input: &'a Activity, grad: &'a Activity) -> Option<(&'a tch::Tensor, &'a tch::Tensor)> {
        let (Activity::Tensor(x), Activity::Tensor(g)) = (input, grad) else { return None };
        let ([rows, features], [outputs, fits]) = (sizes(x)?, sizes(&self.weight)?);
        let kind = self.weight.kind();
        (features == fits && sizes(g) == Some([rows, outputs]) && x.kind() == kind && g.kind() == kind)
            .then_some((x, g))
    }
}

impl Module for Linear {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let size = x.size();
        let (output, features) = self.weight.size2()?;
        if !matches!(size.len(), 1 | 2) || size.last() != Some(&features) {
            let error = size_mismatch(input, format!("[{features}] or [n, {features}]"));
            return Err(match size.as_slice() {
                // Several samples in one row: a View before it took the batch along.
                [got] if got % features == 0 && *got > features => error.with_help(format!(
                    "{} samples lie in one row: nn.View(-1):setNumInputDims(3) before it keeps the batch apart",
                    got / features
                )),
                [got] | [_, got] => error.with_help(format!(
                    "write nn.Linear({got}, {output}), or let the module before it give {features} values"
                )),
                _ => error.with_help("flatten each sample first: nn.View(-1):setNumInputDims(3)"),
            });
        }
        Ok(x.f_linear(&self.weight, self.bias.as_ref())?.into())
    }

    fn forward_into(&self, input: &Activity, out: &tch::Tensor) -> Result<bool> {
        let Activity::Tensor(x) = input else { return Ok(false) };
        let kind = self.weight.kind();
        let (Some([rows, features]), Some([outputs, fits])) = (sizes(x), sizes(&self.weight)) else { return Ok(false) };
        if features != fits || x.kind() != kind || out.kind() != kind || sizes(out) != Some([rows, outputs]) {
            return Ok(false);
        }
        let weight = self.weight.f_transpose(0, 1)?;
        let _ = match &self.bias {
            Some(bias) => bias.f_addmm_out(out, x, &weight)?,
            None => x.f_mm_out(out, &weight)?,
        };
        Ok(true)
    }

    fn takes_reshaped_gradient(&self) -> bool {
        false
    }

    fn input_gradient(&self, input: &Activity, grad: &Activity) -> Result<Option<Activity>> {
        let Some((_, g)) = self.batch(input, grad) else { return Ok(None) };
        Ok(Some(g.f_mm(&self.weight)?.into()))
    }

    fn input_gradient_into(&self, input: &Activity, grad: &Activity, out: &Activity) -> Result<bool> {
        let (Some((_, g)), Some((_, out))) = (self.batch(input, grad), alike(input, out)) else { return Ok(false) };
        let _ = g.f_mm_out(out, &self.weight)?;
        Ok(true)
    }

    fn accumulate(&self, input: &Activity, grad: &Activity, scale: f64, sums: &[tch::Tensor]) -> Result<bool> {
        let Some((x, g)) = self.batch(input, grad) else { return Ok(false) };
        let g = scaled(g, scale)?;
        for (i, sum) in sums.iter().enumerate() {
            let mut sum = sum.shallow_clone();
            let _ = match i {
                0 => sum.f_addmm_(&g.f_transpose(0, 1)?, x)?,
                _ => sum.f_add_(&g.f_sum_dim_intlist(0, false, None)?)?,
            };
        }
        Ok(true)
    }

    fn leaves_its_output(&self) -> bool {
        true
    }

    fn flops(&self, _input: &Shape, output: &Shape) -> u64 {
        let features = self.weight.size().last().copied().unwrap_or(0);
        (output.numel() * features * 2) as u64
    }
}
