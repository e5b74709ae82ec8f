//! Random numbers added to or multiplied with the input in training. Shapes: any.
//!
//! Torch7: `nn/WhiteNoise.lua` (adds N(mean, std); the mean alone in evaluation), `RReLU.lua` (slope U(l, u) below 0 in
//! training, their mean in evaluation; field `noise`).

use std::cell::RefCell;

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::set_arguments,
        module::{Context, Module},
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional},
    },
    torch::{Generator, Tensor},
};

/// `nn.WhiteNoise([mean=0, std=0.1])`, `nn.RReLU([lower=1/8, upper=1/3, inplace])`
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[
            optional("mean", ArgKind::Number, Missing::Number(0.0)),
            optional("std", ArgKind::Number, Missing::Number(0.1)),
        ],
        init: Some(init),
        print: |fields| Ok(format!(" mean: {:.6}, std: {:.6}", fields.number("mean")?, fields.number("std")?)),
        buffers: &["noise"],
        ..Spec::module(&["nn.WhiteNoise"], |b| build(b, false), Probe::module("", "torch.randn(2, 4)"))
    },
    Spec {
        args: &[
            optional("lower", ArgKind::Number, Missing::Number(1.0 / 8.0)),
            optional("upper", ArgKind::Number, Missing::Number(1.0 / 3.0)),
            optional("inplace", ArgKind::Any, Missing::Bool(false)),
        ],
        init: Some(init),
        print: |fields| Ok(format!(" (l:{:.6}, u:{:.6})", fields.number("lower")?, fields.number("upper")?)),
        buffers: &["noise"],
        ..Spec::module(&["nn.RReLU"], |b| build(b, true), Probe::module("", "torch.randn(2, 4)"))
    },
];

/// A random offset or slope.
pub struct Noise {
    is_slope: bool,
    /// Mean and deviation, or the ends of the slope's range.
    numbers: (f64, f64),
    /// Of the last training pass; the one to repeat when a pass replays.
    noise: RefCell<Option<tch::Tensor>>,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    if args.has_argument("lower") && args.number("lower") > args.number("upper") {
        let message = format!("#1 (lower) to nn.RReLU: at most {} expected", args.number("upper"));
        return Err(Error::new(Kind::Argument, message));
    }
    fields.set("train", Value::Bool(true))?;
    fields.set("noise", Tensor::empty(fields.tensor_type()).into())?;
    args.names().try_for_each(|name| set_arguments(args, fields, &[name]))
}

fn build(builder: &mut dyn Builder, is_slope: bool) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let noise = fields.tensor("noise")?.filter(|noise| noise.dim() > 0).map(|noise| noise.view());
    let names = if is_slope { ["lower", "upper"] } else { ["mean", "std"] };
    let numbers = (fields.number(names[0])?, fields.number(names[1])?);
    Ok(Box::new(Noise { is_slope, numbers, noise: RefCell::new(noise) }))
}

/// 1 for positive numbers, a number from [a, b) for each other one; drawn in order, as Torch7 draws.
fn slopes(x: &tch::Tensor, a: f64, b: f64, cx: &mut Context<'_>) -> Result<tch::Tensor> {
    let below = x.f_le(0.0)?;
    // A device's own generator has no order to keep, and counting would wait for it.
    if x.device() != tch::Device::Cpu {
        let drawn = cx.uniform(&x.size(), a, b, x)?;
        return Ok(drawn.f_where_self(&below, &x.f_ones_like()?)?);
    }
    let count = below.f_sum(tch::Kind::Int64)?.f_int64_value(&[])?;
    let drawn = cx.uniform(&[count], a, b, x)?;
    Ok(x.f_ones_like()?.f_masked_scatter(&below, &drawn)?)
}

impl Module for Noise {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let (a, b) = self.numbers;
        if !cx.is_training() {
            return Ok(if self.is_slope {
                x.f_where_self(&x.f_gt(0.0)?, &x.f_mul_scalar((a + b) / 2.0)?)?
            } else {
                x.f_add_scalar(a)?
            }
            .into());
        }
        let size = x.size();
        let kept = self.noise.take().filter(|noise| cx.replays() && noise.size() == size);
        let noise = match kept {
            Some(noise) => noise,
            None if self.is_slope => slopes(x, a, b, cx)?,
            None => cx.normal(&size, a, b, x)?,
        };
        let y = if self.is_slope { x.f_mul(&noise)? } else { x.f_add(&noise)? };
        self.noise.replace(Some(noise));
        Ok(y.into())
    }

    fn save(&self, fields: &dyn Fields) -> Result<()> {
        match &*self.noise.borrow() {
            Some(noise) => fields.set("noise", Tensor::from_tch(fields.tensor_type(), noise)?.into()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{assert_close, numbers, object, tensor},
    };

    #[test]
    fn training_is_random_and_evaluation_is_not() {
        let slope = object("nn.RReLU", [0.25, 0.75]);
        assert_close(&slope.eval(tensor(&[2], &[-2.0, 3.0])).1, &[-1.0, 3.0]);
        let y = numbers(slope.forward(Mode::Train, tensor(&[2], &[-1.0, 3.0])).unwrap().tensor().unwrap());
        assert!((-0.75..=-0.25).contains(&y[0]) && y[1] == 3.0);
        let noise = object("nn.WhiteNoise", [5.0, 0.1]);
        assert_close(&noise.eval(tensor(&[1], &[1.0])).1, &[6.0]);
        let y = numbers(noise.forward(Mode::Train, tensor(&[1], &[1.0])).unwrap().tensor().unwrap());
        assert!(y[0] != 6.0 && (y[0] - 6.0).abs() < 1.0);
        assert_eq!(noise.print(), "nn.WhiteNoise mean: 5.000000, std: 0.100000");
    }
}
