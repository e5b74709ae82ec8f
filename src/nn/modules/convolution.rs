//! Convolutions of images `[n, c, h, w]` and volumes `[n, c, t, h, w]`, the batch optional.
//!
//! Torch7: `nn/SpatialConvolution.lua`, `SpatialConvolutionMM`, `SpatialDilatedConvolution`, `VolumetricConvolution`,
//! `VolumetricDilatedConvolution`; cudnn's have `groups`. Arguments name the width before the height; weight is
//! `[out, in / groups, kH, kW]` (MM: the last three flattened). Drawn from U(±1/√(in·kW·kH)), weight first.

use crate::{
    error::Result,
    nn::{
        activity::{Activity, Shape},
        backward::scaled,
        fields::Fields,
        init::set_arguments,
        layout::{arranged, arranged_kernels, numel, pair, planes},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Args, Builder, Probe, Spec},
        window::{
            IMAGE, VOLUME, describe_window, extents, int, int_later, int_or, printed, reset_kernels, set_kernels,
        },
    },
    torch::{
        Generator,
        backward::{self, Window},
    },
};

const SPATIAL: Spec = Spec {
    args: &[
        int("nInputPlane"),
        int("nOutputPlane"),
        int("kW"),
        int("kH"),
        int_or("dW", 1.0),
        int_or("dH", 1.0),
        int_or("padW", 0.0),
        int_later("padH"),
        int_or("groups", 1.0),
    ],
    init: Some(|args, fields, generator| init(args, fields, generator, IMAGE, false)),
    reset: Some(reset_kernels),
    print: |fields| describe(fields, IMAGE, false),
    buffers: &["finput", "fgradInput"],
    ..Spec::module(
        &["nn.SpatialConvolution", "cudnn.SpatialConvolution"],
        |b| build(b, IMAGE),
        Probe::module("2, 3, 3, 2, 2, 1, 1, 0", "torch.randn(2, 2, 5, 4)"),
    )
};

const VOLUMETRIC: Spec = Spec {
    args: &[
        int("nInputPlane"),
        int("nOutputPlane"),
        int("kT"),
        int("kW"),
        int("kH"),
        int_or("dT", 1.0),
        int_or("dW", 1.0),
        int_or("dH", 1.0),
        int_or("padT", 0.0),
        int_later("padW"),
        int_later("padH"),
    ],
    init: Some(|args, fields, generator| init(args, fields, generator, VOLUME, false)),
    reset: Some(reset_kernels),
    print: |fields| describe(fields, VOLUME, false),
    buffers: &["finput", "fgradInput"],
    ..Spec::module(
        &["nn.VolumetricConvolution", "cudnn.VolumetricConvolution"],
        |b| build(b, VOLUME),
        Probe::module("2, 2, 2, 3, 2, 1, 1, 1, 1", "torch.randn(1, 2, 3, 3, 4)"),
    )
};

/// `nn.SpatialConvolution(nInputPlane, nOutputPlane, kW, kH[, dW=1, dH=1, padW=0, padH=padW])`, and its kin.
pub const SPECS: &[Spec] = &[
    SPATIAL,
    Spec {
        classes: &["nn.SpatialConvolutionMM"],
        init: Some(|args, fields, generator| init(args, fields, generator, IMAGE, true)),
        ..SPATIAL
    },
    Spec {
        classes: &["nn.SpatialDilatedConvolution"],
        args: &[
            int("nInputPlane"),
            int("nOutputPlane"),
            int("kW"),
            int("kH"),
            int_or("dW", 1.0),
            int_or("dH", 1.0),
            int_or("padW", 0.0),
            int_later("padH"),
            int_or("dilationW", 1.0),
            int_or("dilationH", 1.0),
        ],
        print: |fields| describe(fields, IMAGE, true),
        probe: Probe::module("2, 3, 2, 2, 1, 1, 0, 0, 2, 2", "torch.randn(2, 2, 5, 4)"),
        ..SPATIAL
    },
    VOLUMETRIC,
    Spec {
        classes: &["nn.VolumetricDilatedConvolution"],
        args: &[
            int("nInputPlane"),
            int("nOutputPlane"),
            int("kT"),
            int("kW"),
            int("kH"),
            int_or("dT", 1.0),
            int_or("dW", 1.0),
            int_or("dH", 1.0),
            int_or("padT", 0.0),
            int_later("padW"),
            int_later("padH"),
            int_or("dilationT", 1.0),
            int_or("dilationW", 1.0),
            int_or("dilationH", 1.0),
        ],
        print: |fields| describe(fields, VOLUME, true),
        probe: Probe::module("1, 2, 2, 2, 2, 1, 1, 1, 0, 0, 0, 2, 1, 1", "torch.randn(1, 1, 4, 3, 3)"),
        ..VOLUMETRIC
    },
];

/// A cross-correlation with learned kernels.
pub struct Convolution {
    /// As the field has it: `size`, or flattened by the MM classes.
    pub weight: tch::Tensor,
    /// `[out, in / groups, kH, kW]` or `[out, in / groups, kT, kH, kW]`
    pub size: Vec<i64>,
    /// `[out]`
    pub bias: Option<tch::Tensor>,
    /// Steps of the window, outermost dim first, as the lists below.
    pub stride: Vec<i64>,
    /// Zeros on both sides.
    pub padding: Vec<i64>,
    /// Distance between kernel elements.
    pub dilation: Vec<i64>,
    /// Runs of planes that see each other.
    pub groups: i64,
    /// Its name on pages.
    pub class: String,
}

fn init(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator, dims: &[&str], is_flat: bool) -> Result<()> {
    let (input, output) = (args.int("nInputPlane"), args.int("nOutputPlane"));
    set_arguments(args, fields, &["nInputPlane", "nOutputPlane"])?;
    let order: &[&str] = if dims.len() == 2 { &["W", "H"] } else { &["T", "W", "H"] };
    let mut pad = 0;
    for dim in order {
        set_arguments(args, fields, &[&format!("k{dim}"), &format!("d{dim}")])?;
        pad = args.int_or(&format!("pad{dim}"), pad);
        fields.set(&format!("pad{dim}"), pad.into())?;
    }
    let has = |name: &str| args.has_argument(name);
    for dim in dims.iter().filter(|dim| has(&format!("dilation{dim}"))) {
        set_arguments(args, fields, &[&format!("dilation{dim}")])?;
    }
    let groups = if has("groups") { args.int("groups") } else { 1 };
    if groups != 1 {
        fields.set("groups", groups.into())?;
    }
    let kernel: Vec<i64> = dims.iter().map(|dim| args.int(&format!("k{dim}"))).collect();
    let size = if is_flat {
        vec![output, input.saturating_mul(numel(&kernel))]
    } else {
        [vec![output, input / groups.max(1)], kernel].concat()
    };
    set_kernels(fields, &size, output, generator)
}

fn describe(fields: &dyn Fields, dims: &[&str], is_dilated: bool) -> Result<String> {
    let mut text = describe_window(fields, dims)?;
    if is_dilated {
        text += &format!(", {}", pair(&printed(fields, dims, "dilation", 1)?, ","));
    }
    let says_bias = dims.len() == 2 || is_dilated;
    let bias = if says_bias && !fields.truthy("bias")? { " without bias" } else { "" };
    Ok(format!("{text}){bias}"))
}

fn build(builder: &mut dyn Builder, dims: &[&str]) -> Result<Box<dyn Module>> {
    let weight = builder.learned("weight", &[])?;
    let bias = builder.parameter("bias")?;
    let fields = builder.fields();
    let groups = fields.int_or("groups", 1)?;
    let kernel = extents(fields, dims, "k", 1)?;
    let size = [vec![fields.int("nOutputPlane")?, fields.int("nInputPlane")? / groups.max(1)], kernel].concat();
    Ok(Box::new(Convolution {
        weight,
        size,
        bias,
        stride: extents(fields, dims, "d", 1)?,
        padding: extents(fields, dims, "pad", 0)?,
        dilation: extents(fields, dims, "dilation", 1)?,
        groups,
        class: fields.class(),
    }))
}

impl Convolution {
    /// The wanted ones of the gradients by input, weight and bias, of a batch; none where input or gradient do not fit.
    fn gradients(&self, input: &Activity, grad: &Activity, wanted: [bool; 3]) -> Result<[Option<tch::Tensor>; 3]> {
        let (Activity::Tensor(x), Activity::Tensor(g)) = (input, grad) else { return Ok([const { None }; 3]) };
        let kind = self.weight.kind();
        let is_batch = x.dim() == self.size.len() && x.numel() > 0 && x.size()[1] == self.size[1] * self.groups;
        if !is_batch || x.kind() != kind || g.kind() != kind || g.size() != self.output_size(&x.size()) {
            return Ok([const { None }; 3]);
        }
        let window = Window {
            stride: &self.stride,
            padding: &self.padding,
            dilation: &self.dilation,
            groups: self.groups,
        };
        backward::convolution(g, x, &self.weight.f_view(&self.size[..])?, &window, wanted)
    }

    /// The sizes that a batch of these sizes gives.
    fn output_size(&self, size: &[i64]) -> Vec<i64> {
        let extents = size[2..].iter().enumerate().map(|(d, extent)| {
            let kernel = self.dilation[d] * (self.size[d + 2] - 1) + 1;
            (extent + 2 * self.padding[d] - kernel).div_euclid(self.stride[d].max(1)) + 1
        });
        [size[0], self.size[0]].into_iter().chain(extents).collect()
    }
}

impl Module for Convolution {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let weight = &self.size;
        let spatial = weight.len() - 2;
        let wanted = weight[1] * self.groups;
        let x = planes(input, spatial, Some(wanted)).map_err(|error| {
            let size = input.tensor().map(tch::Tensor::size).unwrap_or_default();
            let got = size.len().checked_sub(spatial + 1).map_or(0, |d| size[d]);
            error.with_help(format!(
                "write {}({got}, {}, …), or let the module before it give {wanted} planes",
                self.class, weight[0]
            ))
        })?;
        let size = x.size();
        let needed: Vec<i64> =
            (0..spatial).map(|d| self.dilation[d] * (weight[d + 2] - 1) + 1 - 2 * self.padding[d]).collect();
        if size[size.len() - spatial..].iter().zip(&needed).any(|(have, need)| have < need) {
            return Err(size_mismatch(input, format!("images of at least {} pixels", pair(&needed, "x")))
                .with_help("pool less before it, make its kernel smaller or pad it"));
        }
        let (weight, bias) = (arranged_kernels(self.weight.f_view(&self.size[..])?, cx)?, self.bias.as_ref());
        Ok(match spatial {
            2 => arranged(x, cx)?.f_conv2d(&weight, bias, &self.stride, &self.padding, &self.dilation, self.groups)?,
            _ => x.f_conv3d(&weight, bias, &self.stride, &self.padding, &self.dilation, self.groups)?,
        }
        .into())
    }

    fn takes_reshaped_gradient(&self) -> bool {
        false
    }

    fn input_gradient(&self, input: &Activity, grad: &Activity) -> Result<Option<Activity>> {
        let [by_input, ..] = self.gradients(input, grad, [true, false, false])?;
        Ok(by_input.map(Activity::from))
    }

    fn accumulate(&self, input: &Activity, grad: &Activity, scale: f64, sums: &[tch::Tensor]) -> Result<bool> {
        let [_, by_weight, by_bias] = self.gradients(input, grad, [false, true, self.bias.is_some()])?;
        let found: Vec<tch::Tensor> = by_weight.into_iter().chain(by_bias).collect();
        for (sum, gradient) in sums.iter().zip(&found) {
            let _ = sum.shallow_clone().f_add_(&scaled(gradient, scale)?.f_reshape(sum.size())?)?;
        }
        Ok(!found.is_empty())
    }

    fn leaves_its_output(&self) -> bool {
        true
    }

    fn kernels(&self) -> Option<&[i64]> {
        Some(&self.size)
    }

    fn flops(&self, _input: &Shape, output: &Shape) -> u64 {
        let per_output: i64 = self.size[1..].iter().product();
        (output.numel() * per_output * 2) as u64
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{Built, assert_close, object, randn, tensor},
    };

    #[test]
    fn correlates_by_hand() {
        let conv = object("nn.SpatialConvolution", [1i64, 1, 2, 1]);
        let weight = conv.get_tensor("weight");
        weight.copy_from(&tensor(&[2], &[1.0, 10.0])).unwrap();
        conv.get_tensor("bias").copy_from(&tensor(&[1], &[0.5])).unwrap();
        let (size, y) = conv.eval(tensor(&[1, 1, 3], &[1.0, 2.0, 3.0]));
        assert_eq!(size, [1, 1, 2]);
        assert_close(&y, &[21.5, 32.5]);
    }

    #[test]
    fn prints_what_is_unusual() {
        assert_eq!(object("nn.SpatialConvolution", [1i64, 20, 5, 5]).print(), "nn.SpatialConvolution(1 -> 20, 5x5)");
        let padded = object("cudnn.SpatialConvolution", [3i64, 64, 11, 7, 4, 4, 2]);
        assert_eq!(padded.print(), "cudnn.SpatialConvolution(3 -> 64, 11x7, 4,4, 2,2)");
        assert_eq!(
            padded.with("bias", crate::nn::Value::Nil).print(),
            "cudnn.SpatialConvolution(3 -> 64, 11x7, 4,4, 2,2) without bias"
        );
        let volume = object("nn.VolumetricConvolution", [3i64, 8, 2, 3, 4]);
        assert_eq!(volume.print(), "nn.VolumetricConvolution(3 -> 8, 2x3x4)");
        let dilated = object("nn.SpatialDilatedConvolution", [3i64, 8, 3, 3]);
        assert_eq!(dilated.print(), "nn.SpatialDilatedConvolution(3 -> 8, 3x3, 1,1)");
    }

    #[test]
    fn groups_and_flat_weights() {
        let grouped = object("cudnn.SpatialConvolution", [4i64, 6, 1, 1, 1, 1, 0, 0, 2]);
        assert_eq!(grouped.get_tensor("weight").size(), [6, 2, 1, 1]);
        assert_eq!(grouped.eval(randn(&[4, 3, 3])).0, [6, 3, 3]);
        let flat = object("nn.SpatialConvolutionMM", [2i64, 3, 2, 2]);
        assert_eq!(flat.get_tensor("weight").size(), [3, 8]);
        assert_eq!(flat.eval(randn(&[5, 2, 4, 4])).0, [5, 3, 3, 3]);
        let wide = object("nn.SpatialConvolutionMM", [3i64, 96, 11, 5, 4, 4]);
        assert_eq!(wide.get_tensor("weight").size(), [96, 165]);
        assert_eq!(Built::default().node(&wide).unwrap().module.kernels(), Some(&[96, 3, 5, 11][..]));
    }

    #[test]
    fn a_wrong_number_of_planes_is_a_page_that_names_the_mend() {
        let conv = object("nn.SpatialConvolution", [1i64, 20, 5, 5]);
        let page = conv.forward(Mode::Train, randn(&[2, 3, 28, 28])).unwrap_err().to_string();
        assert!(page.contains("it wants        [1, h, w] or [n, 1, h, w]"), "{page}");
        assert!(page.contains("write nn.SpatialConvolution(3, 20, …)"), "{page}");
        let page = conv.forward(Mode::Train, randn(&[1, 4, 4])).unwrap_err().to_string();
        assert!(page.contains("images of at least 5x5 pixels"), "{page}");
    }
}
