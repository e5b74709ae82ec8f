//! Windows within single planes: one weight a plane (`SpatialSubSampling`), or several kernels a plane
//! (`SpatialDepthWiseConvolution`). `[c, h, w]` or `[n, c, h, w]`.
//!
//! Torch7: `nn/SpatialSubSampling.lua` (w·Σ window + b, U(±1/√(kW·kH))), `SpatialDepthWiseConvolution.lua` (weight
//! `[m, in·kH·kW]`, bias `[m, in]`; output planes ordered by input plane, U(±1/√(in·kW·kH))).

use crate::{
    error::Result,
    nn::{
        activity::{Activity, Shape},
        fields::Fields,
        init::{set_arguments, set_parameters, uniform_reset},
        layout::{numel, planes},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional},
        window::{IMAGE, describe_window, extents, int, int_or},
    },
    torch::Generator,
};

/// The classes.
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[int("nInputPlane"), int("kW"), int("kH"), int_or("dW", 1.0), int_or("dH", 1.0)],
        init: Some(|args, fields, generator| {
            set_arguments(args, fields, &["nInputPlane", "kW", "kH", "dW", "dH"])?;
            let input = args.int("nInputPlane");
            set_parameters(fields, &[("weight", "gradWeight", &[input]), ("bias", "gradBias", &[input])])?;
            reset(fields, None, generator, 1.0)
        }),
        reset: Some(|fields, stdv, generator| reset(fields, stdv, generator, 1.0)),
        ..Spec::module(
            &["nn.SpatialSubSampling"],
            |b| build(b, true),
            Probe::module("2, 2, 2, 2, 1", "torch.randn(1, 2, 3, 4)"),
        )
    },
    Spec {
        args: &[
            int("nInputPlane"),
            int("nOutputPlane"),
            int("kW"),
            int("kH"),
            int_or("dW", 1.0),
            int_or("dH", 1.0),
            int_or("padW", 0.0),
            optional("padH", ArgKind::Int, Missing::Nil),
        ],
        init: Some(depth_wise),
        reset: Some(|fields, stdv, generator| reset(fields, stdv, generator, fields.number("nInputPlane")?)),
        print: |fields| {
            let bias = if fields.truthy("bias")? { "" } else { " without bias" };
            Ok(format!("{}){bias}", describe_window(fields, IMAGE)?))
        },
        buffers: &["finput", "fgradInput"],
        ..Spec::module(
            &["nn.SpatialDepthWiseConvolution"],
            |b| build(b, false),
            Probe::module("2, 3, 2, 2", "torch.randn(1, 2, 3, 4)"),
        )
    },
];

/// Kernels that see one plane each.
pub struct Planewise {
    /// `[in]`, or `[m, in·kH·kW]`
    weight: tch::Tensor,
    /// `[in]`, or `[m, in]`
    bias: Option<tch::Tensor>,
    input_planes: i64,
    /// Height, width, as the lists below.
    kernel: Vec<i64>,
    stride: Vec<i64>,
    padding: Vec<i64>,
    /// Whether the window is summed and weighed by one number.
    is_sum: bool,
}

fn depth_wise(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator) -> Result<()> {
    set_arguments(args, fields, &["nInputPlane", "nOutputPlane", "kW", "kH", "dW", "dH", "padW"])?;
    fields.set("padH", args.int_or("padH", args.int("padW")).into())?;
    let (input, output) = (args.int("nInputPlane"), args.int("nOutputPlane"));
    let size = [output, input * args.int("kH") * args.int("kW")];
    set_parameters(fields, &[("weight", "gradWeight", &size), ("bias", "gradBias", &[output, input])])?;
    reset(fields, None, generator, input as f64)
}

fn reset(fields: &dyn Fields, stdv: Option<f64>, generator: &mut Generator, input: f64) -> Result<()> {
    let fan_in = fields.number("kW")? * fields.number("kH")? * input;
    uniform_reset(fields, &["weight", "bias"], stdv, 1.0 / fan_in.sqrt(), generator)
}

fn build(builder: &mut dyn Builder, is_sum: bool) -> Result<Box<dyn Module>> {
    let weight = builder.learned("weight", &[])?;
    let bias = builder.parameter("bias")?;
    let fields = builder.fields();
    Ok(Box::new(Planewise {
        weight,
        bias,
        input_planes: fields.int("nInputPlane")?,
        kernel: extents(fields, IMAGE, "k", 1)?,
        stride: extents(fields, IMAGE, "d", 1)?,
        padding: extents(fields, IMAGE, "pad", 0)?,
        is_sum,
    }))
}

impl Planewise {
    /// Weight `[in·m, 1, kH, kW]` and bias `[in·m]`, in the order of the output planes. Made anew for each pass:
    /// they may be copies, and the parameters change in place.
    fn grouped(&self) -> Result<(tch::Tensor, Option<tch::Tensor>)> {
        let (input, height, width) = (self.input_planes, self.kernel[0], self.kernel[1]);
        if self.is_sum {
            let weight = self.weight.f_view([input, 1, 1, 1])?.f_expand([-1, 1, height, width], false)?;
            return Ok((weight, self.bias.as_ref().map(tch::Tensor::shallow_clone)));
        }
        let by_input = self.weight.f_view([-1, input, height, width])?.f_transpose(0, 1)?;
        let bias = match &self.bias {
            Some(bias) => Some(bias.f_transpose(0, 1)?.f_reshape([-1])?),
            None => None,
        };
        Ok((by_input.f_reshape([-1, 1, height, width])?, bias))
    }
}

impl Module for Planewise {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = planes(input, 2, Some(self.input_planes))?;
        let (size, kernel) = (x.size(), &self.kernel);
        if (0..2).any(|d| size[size.len() - 2 + d] + 2 * self.padding[d] < kernel[d]) {
            return Err(size_mismatch(input, format!("images of at least {}x{} pixels", kernel[0], kernel[1]))
                .with_help("pool less before it, or make its kernel smaller"));
        }
        let (weight, bias) = self.grouped()?;
        Ok(x.f_conv2d(&weight, bias.as_ref(), &self.stride, &self.padding, [1, 1], self.input_planes)?.into())
    }

    fn flops(&self, _input: &Shape, output: &Shape) -> u64 {
        output.numel().saturating_mul(numel(&self.kernel)).saturating_mul(2) as u64
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, object, tensor};

    #[test]
    fn output_planes_are_ordered_by_input_plane() {
        let conv = object("nn.SpatialDepthWiseConvolution", [2i64, 2, 1, 1]);
        conv.get_tensor("weight").copy_from(&tensor(&[4], &[1.0, 2.0, 10.0, 20.0])).unwrap();
        conv.get_tensor("bias").copy_from(&tensor(&[4], &[0.1, 0.2, 0.3, 0.4])).unwrap();
        let (size, y) = conv.eval(tensor(&[2, 1, 1], &[1.0, 3.0]));
        assert_eq!(size, [4, 1, 1]);
        assert_close(&y, &[1.1, 10.3, 6.2, 60.4]);
        assert_eq!(conv.print(), "nn.SpatialDepthWiseConvolution(2 -> 2, 1x1)");
    }

    #[test]
    fn sub_sampling_weighs_sums() {
        let sub = object("nn.SpatialSubSampling", [1i64, 2, 1]);
        sub.get_tensor("weight").copy_from(&tensor(&[1], &[2.0])).unwrap();
        sub.get_tensor("bias").copy_from(&tensor(&[1], &[1.0])).unwrap();
        assert_close(&sub.eval(tensor(&[1, 1, 3], &[1.0, 2.0, 3.0])).1, &[7.0, 11.0]);
    }
}
