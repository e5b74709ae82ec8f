//! Noise that zeroes: single numbers (`Dropout`), or whole planes (`SpatialDropout`, `VolumetricDropout`).
//!
//! Torch7: `nn/Dropout.lua`: in training x · Bernoulli(1 − p) / (1 − p). With `v1`, and for planes, nothing is divided;
//! the evaluation multiplies by 1 − p instead.

use std::cell::RefCell;

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::set_arguments,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional},
    },
    torch::{Generator, Tensor},
};

/// `nn.Dropout([p=0.5, v1, inplace, stochasticInference])`, `nn.SpatialDropout([p=0.5, stochasticInference])`,
/// `nn.VolumetricDropout([p=0.5, stochasticInference])`
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[
            optional("p", ArgKind::Number, Missing::Number(0.5)),
            optional("v1", ArgKind::Any, Missing::Bool(false)),
            optional("inplace", ArgKind::Any, Missing::Bool(false)),
            optional("stochasticInference", ArgKind::Any, Missing::Bool(false)),
        ],
        init: Some(init),
        print: describe,
        buffers: &["noise"],
        ..Spec::module(&["nn.Dropout"], |b| build(b, None), Probe::module("0.3", "torch.randn(3, 4)"))
    },
    planes(&["nn.SpatialDropout"], |b| build(b, Some(2)), Probe::module("0.3", "torch.randn(2, 3, 2, 2)")),
    planes(&["nn.VolumetricDropout"], |b| build(b, Some(3)), Probe::module("0.3", "torch.randn(2, 3, 2, 2, 2)")),
];

const PLANES_ARGS: &[Arg] = &[
    optional("p", ArgKind::Number, Missing::Number(0.5)),
    optional("stochasticInference", ArgKind::Any, Missing::Bool(false)),
];

const fn planes(
    classes: &'static [&'static str],
    build: fn(&mut dyn Builder) -> Result<Box<dyn Module>>,
    probe: Probe,
) -> Spec {
    Spec {
        args: PLANES_ARGS,
        init: Some(init_planes),
        print: describe,
        buffers: &["noise"],
        ..Spec::module(classes, build, probe)
    }
}

/// A random mask.
pub struct Dropout {
    /// Probability of a zero.
    pub p: f64,
    /// Whether training divides by 1 − p (then evaluation is the identity).
    pub scales_in_training: bool,
    /// Whether evaluation drops, too.
    pub stochastic_inference: bool,
    /// Number of dims behind the planes when whole planes are dropped.
    spatial: Option<usize>,
    /// The mask of the last training pass, divided already; the one to repeat when a pass replays.
    noise: RefCell<Option<tch::Tensor>>,
}

fn init(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator) -> Result<()> {
    set_arguments(args, fields, &["inplace"])?;
    fields.set("v2", Value::Bool(!args.truthy("v1")))?;
    init_planes(args, fields, generator)
}

fn init_planes(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    let p = args.number("p");
    if !(0.0..1.0).contains(&p) {
        return Err(Error::new(Kind::Argument, format!("#1 (p) to {}: 0 <= p < 1 expected, got {p}", fields.class())));
    }
    fields.set("p", Value::Number(p))?;
    fields.set("train", Value::Bool(true))?;
    fields.set("stochastic_inference", Value::Bool(args.truthy("stochasticInference")))?;
    fields.set("noise", Tensor::empty(fields.tensor_type()).into())
}

fn describe(fields: &dyn Fields) -> Result<String> {
    Ok(format!("({:.6})", fields.number("p")?))
}

fn build(builder: &mut dyn Builder, spatial: Option<usize>) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let noise = fields.tensor("noise")?.filter(|noise| noise.dim() > 0).map(|noise| noise.view());
    Ok(Box::new(Dropout {
        p: fields.number("p")?,
        scales_in_training: fields.truthy("v2")?,
        stochastic_inference: fields.truthy("stochastic_inference")?,
        spatial,
        noise: RefCell::new(noise),
    }))
}

impl Dropout {
    /// Sizes of the mask: those of the input, or 1 behind the planes.
    fn mask_size(&self, input: &Activity) -> Result<Vec<i64>> {
        let mut size = input.tensor()?.size();
        if let Some(spatial) = self.spatial {
            if size.len() != spatial + 1 && size.len() != spatial + 2 {
                let error = size_mismatch(input, "[n, planes, …], images with or without a batch");
                return Err(error.with_help("use nn.Dropout for vectors"));
            }
            let first = size.len() - spatial;
            size[first..].fill(1);
        }
        Ok(size)
    }
}

impl Module for Dropout {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let keep = 1.0 - self.p;
        if !cx.is_training() && !self.stochastic_inference {
            return Ok(if self.scales_in_training { x.shallow_clone() } else { x.f_mul_scalar(keep)? }.into());
        }
        if self.p == 0.0 {
            return Ok(x.shallow_clone().into());
        }
        let size = self.mask_size(input)?;
        let kept = self.noise.take().filter(|noise| cx.replays() && noise.size() == size);
        let noise = match kept {
            Some(noise) => noise,
            None => {
                let mask = cx.bernoulli(&size, keep, x)?;
                if self.scales_in_training { mask.f_div_scalar(keep)? } else { mask }
            }
        };
        let output = x.f_mul(&noise)?;
        self.noise.replace(Some(noise));
        Ok(output.into())
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
    use super::*;
    use crate::nn::{
        Mode,
        testing::{Built, assert_close, numbers, object, tensor, try_object},
    };

    fn ones(size: &[i64]) -> tch::Tensor {
        tch::Tensor::ones(size, (tch::Kind::Double, tch::Device::Cpu))
    }

    #[test]
    fn training_keeps_the_mean_and_evaluation_is_the_identity() {
        let dropout = object("nn.Dropout", [0.25]);
        let y = numbers(dropout.forward(Mode::Train, ones(&[4000])).unwrap().tensor().unwrap());
        assert!(y.iter().all(|&v| v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-12));
        assert!((y.iter().sum::<f64>() / 4000.0 - 1.0).abs() < 0.05);
        assert_close(&dropout.eval(tensor(&[2], &[3.0, 4.0])).1, &[3.0, 4.0]);
        assert_close(&dropout.numbers("noise"), &y);
    }

    #[test]
    fn a_replayed_pass_repeats_the_noise() {
        let dropout = object("nn.Dropout", [0.5]);
        let first = numbers(dropout.forward(Mode::Train, ones(&[50])).unwrap().tensor().unwrap());
        let node = Built::default().node(&dropout).unwrap();
        let again = node.forward(&ones(&[50]).into(), &mut Context::new(Mode::Train).replaying()).unwrap();
        assert_close(&numbers(again.tensor().unwrap()), &first);
    }

    #[test]
    fn planes_are_dropped_whole_and_never_scaled() {
        let dropout = object("nn.SpatialDropout", [0.5]);
        assert_eq!(dropout.print(), "nn.SpatialDropout(0.500000)");
        let y = numbers(dropout.forward(Mode::Train, ones(&[5, 4, 2, 1])).unwrap().tensor().unwrap());
        assert!(y.chunks(2).all(|plane| plane[0] == plane[1] && (plane[0] == 0.0 || plane[0] == 1.0)));
        assert_close(&dropout.eval(ones(&[1, 1, 1, 1])).1, &[0.5]);
        assert!(dropout.forward(Mode::Train, ones(&[5, 4])).is_err());
    }

    #[test]
    fn p_is_below_one() {
        assert!(try_object("nn.Dropout", vec![Value::Number(1.0)]).is_err());
    }
}
