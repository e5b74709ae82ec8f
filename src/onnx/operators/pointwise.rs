//! Functions of single numbers, or of the numbers of one row.

use super::{
    super::graph::{Value, float, int},
    site::{Site, refused, unknown},
};
use crate::{
    error::Result,
    nn::modules::{
        add_constant::{AddConstant, Constant},
        dropout::Dropout,
        mul_constant::MulConstant,
        normalize::Normalize,
        pointwise::Pointwise,
        shaped_pointwise::{Function, ShapedPointwise},
        soft_max::{Kind as Classes, SoftMax},
        threshold::Threshold,
    },
};

pub(super) fn mul_constant(module: &MulConstant, mut site: Site<'_>) -> Result<Value> {
    let constant = site.graph.number(module.constant);
    Ok(site.apply_with("Mul", &[&constant])?.into())
}

pub(super) fn add_constant(module: &AddConstant, mut site: Site<'_>) -> Result<Value> {
    let constant = match &module.constant {
        Constant::Number(number) => site.graph.number(*number),
        Constant::Vector(vector) => site.graph.weights(vector)?,
    };
    Ok(site.apply_with("Add", &[&constant])?.into())
}

/// Relu, or a comparison.
pub(super) fn threshold(module: &Threshold, mut site: Site<'_>) -> Result<Value> {
    if module.threshold == 0.0 && module.value == 0.0 {
        return site.apply("Relu", vec![]);
    }
    let (edge, value) = (site.graph.number(module.threshold), site.graph.number(module.value));
    let above = site.apply_with("Greater", &[&edge])?;
    Ok(site.graph.node("Where", &[&above, site.input.tensor()?, &value], vec![]).into())
}

/// By class: the module itself holds nothing but its function.
pub(super) fn pointwise(_: &Pointwise, mut site: Site<'_>) -> Result<Value> {
    let x = site.input.tensor()?;
    match site.class.rsplit('.').next().unwrap_or_default() {
        operator @ ("Sigmoid" | "Tanh" | "Exp" | "Log" | "Abs" | "Sqrt") => site.apply(operator, vec![]),
        "SoftSign" => site.apply("Softsign", vec![]),
        "Square" => Ok(site.apply_with("Mul", &[x])?.into()),
        "TanhShrink" => {
            let tanh = site.graph.node("Tanh", &[x], vec![]);
            Ok(site.apply_with("Sub", &[&tanh])?.into())
        }
        "LogSigmoid" => {
            let negative = site.graph.node("Neg", &[x], vec![]);
            let soft = site.graph.node("Softplus", &[&negative], vec![]);
            Ok(site.graph.node("Neg", &[&soft], vec![]).into())
        }
        _ => Err(unknown(site.class)),
    }
}

pub(super) fn shaped(module: &ShapedPointwise, mut site: Site<'_>) -> Result<Value> {
    let x = site.input.tensor()?;
    Ok(match module.0 {
        Function::Clamp(min, max) | Function::Through(min, max) => {
            let (min, max) = (site.graph.number(min), site.graph.number(max));
            site.apply_with("Clip", &[&min, &max])?
        }
        Function::Elu(alpha) => site.graph.node("Elu", &[x], vec![float("alpha", alpha)]),
        Function::Leaky(slope) => site.graph.node("LeakyRelu", &[x], vec![float("alpha", slope)]),
        Function::SoftPlus(beta) => {
            let beta = site.graph.number(beta);
            let scaled = site.apply_with("Mul", &[&beta])?;
            let soft = site.graph.node("Softplus", &[&scaled], vec![]);
            site.graph.node("Div", &[&soft, &beta], vec![])
        }
        Function::HardShrink(lambda) => {
            site.graph.node("Shrink", &[x], vec![float("lambd", lambda), float("bias", 0.0)])
        }
        Function::SoftShrink(lambda) => {
            site.graph.node("Shrink", &[x], vec![float("lambd", lambda), float("bias", lambda)])
        }
        Function::Power(exponent) => {
            let exponent = site.graph.number(exponent);
            site.apply_with("Pow", &[&exponent])?
        }
    }
    .into())
}

/// Softmax, LogSoftmax. The batch is there, so classes are dim 1; three dims are one image to Torch7, its planes first.
pub(super) fn soft_max(module: &SoftMax, mut site: Site<'_>) -> Result<Value> {
    let axis = || vec![int("axis", 1)];
    if matches!(site.step.input.rank()?, 1 | 3) {
        return Err(refused(site.class, "over the batch").with_help("keep the batch a dimension of its own"));
    }
    match module.kind {
        Classes::Probability => site.apply("Softmax", axis()),
        Classes::Logarithm => site.apply("LogSoftmax", axis()),
        Classes::OfNegative => {
            let negative = site.graph.node("Neg", &[site.input.tensor()?], vec![]);
            Ok(site.graph.node("Softmax", &[&negative], axis()).into())
        }
    }
}

/// Evaluation: the input itself, or scaled as Torch7's first version had it.
pub(super) fn dropout(module: &Dropout, mut site: Site<'_>) -> Result<Value> {
    if module.stochastic_inference {
        return Err(refused(site.class, "when it drops in evaluation, too").with_help("leave stochasticInference out"));
    }
    if module.scales_in_training {
        return Ok(site.input.clone());
    }
    let keep = site.graph.number(1.0 - module.p);
    Ok(site.apply_with("Mul", &[&keep])?.into())
}

/// Rows over their norm.
pub(super) fn normalize(module: &Normalize, mut site: Site<'_>) -> Result<Value> {
    let eps = site.graph.number(module.eps);
    let absolute = site.graph.node("Abs", &[site.input.tensor()?], vec![]);
    let norm = if module.p.is_infinite() {
        let axes = super::super::graph::ints("axes", &[-1]);
        let largest = site.graph.node("ReduceMax", &[&absolute], vec![axes]);
        site.graph.node("Add", &[&largest, &eps], vec![])
    } else {
        let (p, root, last) = (site.graph.number(module.p), site.graph.number(1.0 / module.p), site.graph.ints(&[-1]));
        let powers = site.graph.node("Pow", &[&absolute, &p], vec![]);
        let sum = site.graph.node("ReduceSum", &[&powers, &last], vec![]);
        let sum = site.graph.node("Add", &[&sum, &eps], vec![]);
        site.graph.node("Pow", &[&sum, &root], vec![])
    };
    Ok(site.apply_with("Div", &[&norm])?.into())
}
