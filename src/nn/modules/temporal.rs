//! Sequences, time first and features last: `[l, f]` or `[n, l, f]`: windows convolved, weighed or reduced.
//!
//! Torch7: `nn/TemporalConvolution.lua` (weight `[out, kW·in]`, U(±1/√(kW·in))), `TemporalSubSampling.lua` (one weight
//! and bias a feature, U(±1/√kW)), `TemporalMaxPooling.lua`, `TemporalRowConvolution.lua` (weight `[f, 1, kW]`; features
//! first when `featFirst`).

use crate::{
    error::Result,
    nn::{
        activity::{Activity, Shape},
        fields::Fields,
        init::{set_arguments, set_parameters, uniform_reset},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional},
        window::int,
    },
    torch::Generator,
};

const STRIDE: Arg = optional("dW", ArgKind::Int, Missing::Number(1.0));

/// The classes.
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[int("inputFrameSize"), int("outputFrameSize"), int("kW"), STRIDE],
        init: Some(|args, fields, generator| {
            let (input, output, kernel) = (args.int("inputFrameSize"), args.int("outputFrameSize"), args.int("kW"));
            init(args, fields, generator, &[output, input * kernel], output)
        }),
        reset: Some(reset),
        ..Spec::module(
            &["nn.TemporalConvolution", "cudnn.TemporalConvolution"],
            |b| build(b, Kind::Convolution),
            Probe::module("2, 3, 2, 2", "torch.randn(2, 5, 2)"),
        )
    },
    Spec {
        args: &[int("inputFrameSize"), int("kW"), STRIDE],
        init: Some(|args, fields, generator| {
            let frame = args.int("inputFrameSize");
            init(args, fields, generator, &[frame], frame)
        }),
        reset: Some(reset),
        ..Spec::module(
            &["nn.TemporalSubSampling"],
            |b| build(b, Kind::SubSampling),
            Probe::module("2, 2, 2", "torch.randn(5, 2)"),
        )
    },
    Spec {
        args: &[int("inputFrameSize"), int("kW"), STRIDE, optional("featFirst", ArgKind::Any, Missing::Bool(false))],
        init: Some(|args, fields, generator| {
            set_arguments(args, fields, &["featFirst"])?;
            let frame = args.int("inputFrameSize");
            init(args, fields, generator, &[frame, 1, args.int("kW")], frame)
        }),
        reset: Some(reset),
        print: |fields| {
            let step = fields.int_or("dW", 1)?;
            let stride = if step == 1 { String::new() } else { format!(", {step}") };
            let bias = if fields.truthy("bias")? { "" } else { " without bias" };
            Ok(format!("({}, {}{stride}){bias}", fields.int("inputFrameSize")?, fields.int("kW")?))
        },
        ..Spec::module(
            &["nn.TemporalRowConvolution"],
            |b| build(b, Kind::RowConvolution),
            Probe::module("2, 3", "torch.randn(2, 5, 2)"),
        )
    },
    Spec {
        args: &[int("kW"), optional("dW", ArgKind::Int, Missing::Nil)],
        init: Some(|args, fields, _| {
            set_arguments(args, fields, &["kW"])?;
            fields.set("dW", args.int_or("dW", args.int("kW")).into())
        }),
        buffers: &["indices"],
        ..Spec::module(
            &["nn.TemporalMaxPooling"],
            |b| {
                let fields = b.fields();
                Ok(Box::new(TemporalMaxPooling { kernel: fields.int("kW")?, stride: fields.int("dW")? }))
            },
            Probe::module("2", "torch.randn(2, 5, 2)"),
        )
    },
];

/// What a window of frames becomes.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// New features, each of all features.
    Convolution,
    /// Each feature's weighted sum, one weight a feature.
    SubSampling,
    /// Each feature's weighted sum, one weight a frame.
    RowConvolution,
}

/// A learned function of windows of frames.
pub struct Temporal {
    /// What a window becomes.
    pub kind: Kind,
    /// Its numbers, as the field has them.
    pub weight: tch::Tensor,
    /// `[out]`
    pub bias: Option<tch::Tensor>,
    /// Features of an input frame.
    pub features: i64,
    /// Frames of a window.
    pub kernel: i64,
    /// Its step.
    pub stride: i64,
    /// Whether sequences are `[f, l]` instead of `[l, f]`.
    pub features_first: bool,
}

fn init(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator, weight: &[i64], bias: i64) -> Result<()> {
    for name in ["inputFrameSize", "outputFrameSize", "kW", "dW"] {
        if args.has_argument(name) {
            set_arguments(args, fields, &[name])?;
        }
    }
    set_parameters(fields, &[("weight", "gradWeight", weight), ("bias", "gradBias", &[bias])])?;
    reset(fields, None, generator)
}

fn reset(fields: &dyn Fields, stdv: Option<f64>, generator: &mut Generator) -> Result<()> {
    let is_sub_sampling = fields.tensor("weight")?.is_some_and(|weight| weight.dim() == 1);
    let frame = if is_sub_sampling { 1.0 } else { fields.number("inputFrameSize")? };
    uniform_reset(fields, &["weight", "bias"], stdv, 1.0 / (fields.number("kW")? * frame).sqrt(), generator)
}

fn build(builder: &mut dyn Builder, kind: Kind) -> Result<Box<dyn Module>> {
    let weight = builder.learned("weight", &[1, 2, 3])?;
    let bias = builder.parameter("bias")?;
    let fields = builder.fields();
    Ok(Box::new(Temporal {
        kind,
        weight,
        bias,
        features: fields.int("inputFrameSize")?,
        kernel: fields.int("kW")?,
        stride: fields.int_or("dW", 1)?,
        features_first: fields.truthy("featFirst")?,
    }))
}

/// Checks `[l, f]` or `[n, l, f]` with at least `kernel` frames.
fn frames(input: &Activity, features: Option<i64>, kernel: i64) -> Result<&tch::Tensor> {
    let x = input.tensor()?;
    let wanted = features.map_or("f".to_string(), |f| f.to_string());
    match x.size().as_slice() {
        [l, f] | [_, l, f] if features.is_none_or(|features| *f == features) && *l >= kernel => Ok(x),
        [_, got] | [_, _, got] if features.is_some_and(|features| *got != features) => {
            Err(size_mismatch(input, format!("[l, {wanted}] or [n, l, {wanted}]"))
                .with_help(format!("frames have {got} features here, time comes first: make its frame size {got}")))
        }
        _ => Err(size_mismatch(input, format!("[l, {wanted}] or [n, l, {wanted}], l at least {kernel}"))
            .with_help("sequences are time first, features last; make the kernel smaller or the sequence longer")),
    }
}

impl Module for Temporal {
    fn takes_reshaped_gradient(&self) -> bool {
        false
    }

    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x =
            if self.features_first { Activity::Tensor(input.tensor()?.f_transpose(-1, -2)?) } else { input.share() };
        let x = frames(&x, Some(self.features), self.kernel)?.f_transpose(-1, -2)?;
        let (bias, stride, kernel) = (self.bias.as_ref(), self.stride, self.kernel);
        let y = match self.kind {
            Kind::Convolution => {
                let output = self.weight.size()[0];
                let weight = self.weight.f_view([output, kernel, self.features])?.f_transpose(1, 2)?;
                x.f_conv1d(&weight, bias, stride, 0, 1, 1)?
            }
            Kind::RowConvolution => {
                let weight = self.weight.f_view([self.features, 1, kernel])?;
                x.f_conv1d(&weight, bias, stride, 0, 1, self.features)?
            }
            Kind::SubSampling => {
                let weight = self.weight.f_view([self.features, 1, 1])?.f_expand([-1, 1, kernel], false)?;
                x.f_conv1d(&weight, bias, stride, 0, 1, self.features)?
            }
        };
        Ok(if self.features_first { y } else { y.f_transpose(-1, -2)?.f_contiguous()? }.into())
    }

    fn flops(&self, _input: &Shape, output: &Shape) -> u64 {
        let per_output = if self.kind == Kind::Convolution { self.features * self.kernel } else { self.kernel };
        (output.numel() * per_output * 2) as u64
    }
}

/// The largest value of each feature within a window of frames.
pub struct TemporalMaxPooling {
    /// Frames of a window.
    pub kernel: i64,
    /// Its step.
    pub stride: i64,
}

impl Module for TemporalMaxPooling {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = frames(input, None, self.kernel)?.f_transpose(-1, -2)?;
        let y = x.f_max_pool1d(self.kernel, self.stride, 0, 1, false)?;
        Ok(y.f_transpose(-1, -2)?.f_contiguous()?.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{assert_close, object, randn, tensor},
    };

    #[test]
    fn weights_are_frame_after_frame() {
        let conv = object("nn.TemporalConvolution", [2i64, 1, 2]);
        conv.get_tensor("weight").copy_from(&tensor(&[4], &[1.0, 10.0, 100.0, 1000.0])).unwrap();
        conv.get_tensor("bias").copy_from(&tensor(&[1], &[0.5])).unwrap();
        let (size, y) = conv.eval(tensor(&[2, 2], &[1.0, 2.0, 3.0, 4.0]));
        assert_eq!(size, [1, 1]);
        assert_close(&y, &[4321.5]);
        let page = conv.forward(Mode::Train, randn(&[5, 3])).unwrap_err().to_string();
        assert!(page.contains("[l, 2] or [n, l, 2]"), "{page}");
    }

    #[test]
    fn pooling_and_sub_sampling() {
        let x = || tensor(&[3, 1], &[1.0, 5.0, 2.0]);
        assert_close(&object("nn.TemporalMaxPooling", [2i64, 1]).eval(x()).1, &[5.0, 5.0]);
        let sub = object("nn.TemporalSubSampling", [1i64, 2]);
        sub.get_tensor("weight").copy_from(&tensor(&[1], &[2.0])).unwrap();
        sub.get_tensor("bias").copy_from(&tensor(&[1], &[1.0])).unwrap();
        assert_close(&sub.eval(x()).1, &[13.0, 15.0]);
        assert_eq!(object("nn.TemporalRowConvolution", [2i64, 3, 2]).print(), "nn.TemporalRowConvolution(2, 3, 2)");
    }
}
