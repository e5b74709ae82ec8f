//! Functions of single numbers with constants: clamps, shrinks, leaky and exponential units. Shapes: any.
//!
//! Torch7: `nn/HardTanh.lua` (gradient 0 at and beyond the edges), `ReLU6.lua`, `Clamp.lua`, `ELU.lua`,
//! `LeakyReLU.lua`, `SoftPlus.lua` (linear above 20/beta), `HardShrink.lua`, `SoftShrink.lua`, `Power.lua`;
//! `cudnn/ClippedReLU.lua`, `dpnn/Clip.lua`.

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::set_arguments,
        module::{Context, Module},
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::Generator,
};

/// A function with constants, applied to every number.
pub struct ShapedPointwise(pub Function);

/// Which function, with its constants.
pub enum Function {
    /// Between the two numbers.
    Clamp(f64, f64),
    /// Between the two numbers, with the gradient passed on as it comes.
    Through(f64, f64),
    /// x above 0, alpha·(eˣ − 1) below.
    Elu(f64),
    /// x above 0, slope·x below.
    Leaky(f64),
    /// ln(1 + e^(beta·x)) / beta
    SoftPlus(f64),
    /// x outside ±lambda, else 0.
    HardShrink(f64),
    /// x moved by lambda towards 0.
    SoftShrink(f64),
    /// xᵖ
    Power(f64),
}

const fn number(name: &'static str, default: f64) -> Arg {
    optional(name, ArgKind::Number, Missing::Number(default))
}

const INPLACE: Arg = optional("inplace", ArgKind::Any, Missing::Bool(false));
const INPUT: &str = "torch.randn(3, 4)";

macro_rules! row {
    ([$($class:literal),+], $args:expr, $init:expr, $print:expr, $probe:literal, $function:expr) => {
        Spec {
            args: $args,
            init: Some($init),
            print: $print,
            ..Spec::module(
                &[$($class),+],
                |builder| build(builder, $function),
                Probe::module($probe, INPUT),
            )
        }
    };
}

fn build(builder: &mut dyn Builder, function: fn(&dyn Fields) -> Result<Function>) -> Result<Box<dyn Module>> {
    Ok(Box::new(ShapedPointwise(function(builder.fields())?)))
}

/// Every argument into the field of its name.
fn all(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    args.names().try_for_each(|name| set_arguments(args, fields, &[name]))
}

/// Torch7's own code reads the bound from which the function is a straight line.
fn soft_plus(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator) -> Result<()> {
    fields.set("threshold", Value::Number(20.0))?;
    all(args, fields, generator)
}

fn quiet(_: &dyn Fields) -> Result<String> {
    Ok(String::new())
}

/// The classes.
pub const SPECS: &[Spec] = &[
    row!(["nn.HardTanh"], &[number("min_val", -1.0), number("max_val", 1.0), INPLACE], all, quiet, "", |f| Ok(
        Function::Clamp(f.number("min_val")?, f.number("max_val")?)
    )),
    row!(
        ["nn.Clamp"],
        &[required("min_val", ArgKind::Number), required("max_val", ArgKind::Number)],
        all,
        quiet,
        "-0.5, 0.5",
        |f| Ok(Function::Clamp(f.number("min_val")?, f.number("max_val")?))
    ),
    row!(
        ["nn.Clip"],
        &[required("minval", ArgKind::Number), required("maxval", ArgKind::Number)],
        all,
        quiet,
        "-0.5, 0.5",
        |f| Ok(Function::Through(f.number("minval")?, f.number("maxval")?))
    ),
    row!(["nn.ReLU6"], &[INPLACE], all, quiet, "", |_| Ok(Function::Clamp(0.0, 6.0))),
    row!(["cudnn.ClippedReLU"], &[required("ceiling", ArgKind::Number), INPLACE], all, quiet, "1.5", |f| Ok(
        Function::Clamp(0.0, f.number("ceiling")?)
    )),
    row!(
        ["nn.ELU", "cudnn.ELU"],
        &[number("alpha", 1.0), INPLACE],
        all,
        |f| Ok(format!(" (alpha:{:.6})", f.number("alpha")?)),
        "0.7",
        |f| Ok(Function::Elu(f.number("alpha")?))
    ),
    row!(
        ["nn.LeakyReLU"],
        &[optional("negval", ArgKind::Any, Missing::Number(0.01)), INPLACE],
        leaky,
        |f| Ok(format!("({})", f.number("negval")?)),
        "0.2",
        |f| Ok(Function::Leaky(f.number("negval")?))
    ),
    row!(["nn.SoftPlus"], &[number("beta", 1.0)], soft_plus, quiet, "2", |f| Ok(Function::SoftPlus(f.number("beta")?))),
    row!(["nn.HardShrink"], &[number("lambda", 0.5)], all, quiet, "", |f| Ok(Function::HardShrink(
        f.number("lambda")?
    ))),
    row!(["nn.SoftShrink"], &[number("lambda", 0.5)], all, quiet, "", |f| Ok(Function::SoftShrink(
        f.number("lambda")?
    ))),
    row!(["nn.Power"], &[required("pow", ArgKind::Number)], all, quiet, "3", |f| Ok(Function::Power(f.number("pow")?))),
];

/// `nn.LeakyReLU(true)` is the flag alone: the slope is the usual one then, and Torch7 loses the flag.
fn leaky(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    let slope = args.number_or("negval", 0.01);
    fields.set("negval", Value::Number(slope))?;
    let flag = !matches!(args.value("negval"), Value::Bool(_)) && args.truthy("inplace");
    fields.set("inplace", Value::Bool(flag))
}

impl Module for ShapedPointwise {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        Ok(match self.0 {
            Function::Clamp(min, max) => {
                // libtorch's own clamp lets the gradient pass at the edges.
                let edge = x.f_detach()?.f_clamp(min, max)?;
                x.f_where_self(&x.f_gt(min)?.f_logical_and(&x.f_lt(max)?)?, &edge)?
            }
            // What is added is 0, and has x's gradient.
            Function::Through(min, max) => x.f_detach()?.f_clamp(min, max)?.f_add(&x.f_sub(&x.f_detach()?)?)?,
            Function::Elu(alpha) => {
                // The exponential sees only numbers up to 0, so that it cannot overflow.
                let below = x.f_clamp_max(0.0)?.f_expm1()?.f_mul_scalar(alpha)?;
                x.f_where_self(&x.f_gt(0.0)?, &below)?
            }
            Function::Leaky(slope) => x.f_where_self(&x.f_gt(0.0)?, &x.f_mul_scalar(slope)?)?,
            Function::SoftPlus(beta) => {
                let scaled = x.f_mul_scalar(beta)?;
                let soft = scaled.f_clamp_max(20.0)?.f_exp()?.f_log1p()?.f_div_scalar(beta)?;
                x.f_where_self(&scaled.f_gt(20.0)?, &soft)?
            }
            Function::HardShrink(lambda) => x.f_where_self(&x.f_abs()?.f_gt(lambda)?, &x.f_zeros_like()?)?,
            Function::SoftShrink(lambda) => {
                let moved = x.f_sub(&x.f_sign()?.f_mul_scalar(lambda)?)?;
                moved.f_where_self(&x.f_abs()?.f_gt(lambda)?, &x.f_zeros_like()?)?
            }
            Function::Power(exponent) => x.f_pow_tensor_scalar(exponent)?,
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Value,
        testing::{assert_close, object, plain, tensor},
    };

    #[test]
    fn edges_of_clamps_have_no_gradient() {
        let x = tensor(&[4], &[-1.0, 0.5, 1.0, 7.0]);
        assert_close(&plain("nn.HardTanh").eval(x.copy()).1, &[-1.0, 0.5, 1.0, 1.0]);
        assert_close(&plain("nn.HardTanh").gradient(&x), &[0.0, 1.0, 0.0, 0.0]);
        assert_close(&plain("nn.ReLU6").eval(x.copy()).1, &[0.0, 0.5, 1.0, 6.0]);
        let clip = object("nn.Clip", [-1.0, 1.0]);
        assert_close(&clip.eval(x.copy()).1, &[-1.0, 0.5, 1.0, 1.0]);
        assert_close(&clip.gradient(&x), &[1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn large_numbers_do_not_overflow() {
        let x = tensor(&[2], &[1000.0, -1000.0]);
        for class in ["nn.ELU", "nn.SoftPlus"] {
            assert_close(&plain(class).gradient(&x), &[1.0, 0.0]);
        }
    }

    #[test]
    fn shrinks_and_leaks() {
        let x = || tensor(&[3], &[-2.0, 0.25, 1.0]);
        assert_close(&plain("nn.HardShrink").eval(x()).1, &[-2.0, 0.0, 1.0]);
        assert_close(&plain("nn.SoftShrink").eval(x()).1, &[-1.5, 0.0, 0.5]);
        let leaky = object("nn.LeakyReLU", [Value::Bool(true)]);
        assert_close(&leaky.eval(x()).1, &[-0.02, 0.25, 1.0]);
        assert_eq!(leaky.print(), "nn.LeakyReLU(0.01)");
        assert_eq!(plain("nn.ELU").print(), "nn.ELU (alpha:1.000000)");
    }
}
