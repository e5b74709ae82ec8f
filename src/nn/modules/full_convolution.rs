//! Transposed ("full") convolutions: `[n, in, h, w]` → `[n, out, (h − 1)·d − 2·pad + k + adj, …]`, volumes alike.
//!
//! Torch7: `nn/SpatialFullConvolution.lua`, `VolumetricFullConvolution.lua`. Weight is input-first:
//! `[in, out, kH, kW]`, drawn from U(±1/√(in·kW·kH)). The input may be `{x, reference}`: the output then gets the
//! reference's height and width.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::{Activity, Shape},
        fields::Fields,
        init::set_arguments,
        layout::{pair, planes},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Args, Builder, Probe, Spec},
        window::{IMAGE, VOLUME, describe_window, extents, int, int_or, printed, reset_kernels, set_kernels},
    },
    torch::Generator,
};

/// `nn.SpatialFullConvolution(nInputPlane, nOutputPlane, kW, kH[, dW=1, dH=1, padW=0, padH=0, adjW=0, adjH=0])`,
/// `nn.VolumetricFullConvolution(nInputPlane, nOutputPlane, kT, kW, kH[, dT …, padT …, adjT …])`
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[
            int("nInputPlane"),
            int("nOutputPlane"),
            int("kW"),
            int("kH"),
            int_or("dW", 1.0),
            int_or("dH", 1.0),
            int_or("padW", 0.0),
            int_or("padH", 0.0),
            int_or("adjW", 0.0),
            int_or("adjH", 0.0),
        ],
        init: Some(|args, fields, generator| init(args, fields, generator, IMAGE)),
        reset: Some(reset_kernels),
        print: |fields| describe(fields, IMAGE),
        buffers: &["finput", "fgradInput"],
        ..Spec::module(
            &["nn.SpatialFullConvolution", "cudnn.SpatialFullConvolution"],
            |b| build(b, IMAGE),
            Probe::module("2, 3, 3, 2, 2, 2, 1, 0, 1, 0", "torch.randn(2, 2, 3, 2)"),
        )
    },
    Spec {
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
            int_or("padW", 0.0),
            int_or("padH", 0.0),
            int_or("adjT", 0.0),
            int_or("adjW", 0.0),
            int_or("adjH", 0.0),
        ],
        init: Some(|args, fields, generator| init(args, fields, generator, VOLUME)),
        reset: Some(reset_kernels),
        print: |fields| describe(fields, VOLUME),
        buffers: &["finput", "fgradInput"],
        ..Spec::module(
            &["nn.VolumetricFullConvolution", "cudnn.VolumetricFullConvolution"],
            |b| build(b, VOLUME),
            Probe::module("1, 2, 2, 2, 2, 2, 1, 1", "torch.randn(1, 1, 2, 2, 2)"),
        )
    },
];

/// A transposed convolution.
pub struct FullConvolution {
    /// `[in, out, kH, kW]` or `[in, out, kT, kH, kW]`
    pub weight: tch::Tensor,
    /// `[out]`
    pub bias: Option<tch::Tensor>,
    /// Steps of the window over the output, outermost dim first, as the lists below.
    pub stride: Vec<i64>,
    /// Rows and columns cut off at both sides.
    pub padding: Vec<i64>,
    /// Rows and columns added at the far side.
    pub adjust: Vec<i64>,
}

fn init(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator, dims: &[&str]) -> Result<()> {
    set_arguments(args, fields, &["nInputPlane", "nOutputPlane"])?;
    for dim in dims {
        let (stride, adjust) = (args.int(&format!("d{dim}")), args.int(&format!("adj{dim}")));
        if adjust >= stride {
            return Err(Error::new(
                Kind::Argument,
                format!("to {}: adj{dim} must be smaller than d{dim}, got {adjust} and {stride}", fields.class()),
            ));
        }
        for prefix in ["k", "d", "pad", "adj"] {
            set_arguments(args, fields, &[&format!("{prefix}{dim}")])?;
        }
    }
    let kernel = dims.iter().map(|dim| args.int(&format!("k{dim}")));
    let output = args.int("nOutputPlane");
    let size: Vec<i64> = [args.int("nInputPlane"), output].into_iter().chain(kernel).collect();
    set_kernels(fields, &size, output, generator)
}

fn describe(fields: &dyn Fields, dims: &[&str]) -> Result<String> {
    let adjust = printed(fields, dims, "adj", 0)?;
    let adjust = if adjust.iter().any(|&a| a != 0) { format!(", {}", pair(&adjust, ",")) } else { String::new() };
    let bias = if dims.len() == 2 && !fields.truthy("bias")? { " without bias" } else { "" };
    Ok(format!("{}{adjust}){bias}", describe_window(fields, dims)?))
}

fn build(builder: &mut dyn Builder, dims: &[&str]) -> Result<Box<dyn Module>> {
    let weight = builder.learned("weight", &[dims.len() + 2])?;
    let bias = builder.parameter("bias")?;
    let fields = builder.fields();
    Ok(Box::new(FullConvolution {
        weight,
        bias,
        stride: extents(fields, dims, "d", 1)?,
        padding: extents(fields, dims, "pad", 0)?,
        adjust: extents(fields, dims, "adj", 0)?,
    }))
}

impl FullConvolution {
    /// The adjustment that gives the output the reference's extents.
    fn adjustment(&self, input: &Activity, x: &[i64], reference: &[i64]) -> Result<Vec<i64>> {
        let spatial = self.stride.len();
        let kernel = &self.weight.size()[2..];
        let (x, wanted) = (&x[x.len() - spatial..], &reference[reference.len().saturating_sub(spatial)..]);
        let mut adjust = Vec::with_capacity(spatial);
        for d in 0..spatial.min(wanted.len()) {
            let smallest = (x[d] - 1) * self.stride[d] - 2 * self.padding[d] + kernel[d];
            let more = wanted[d] - smallest;
            if !(0..self.stride[d]).contains(&more) {
                return Err(size_mismatch(
                    input,
                    format!("a reference of {smallest} to {} in dimension {}", smallest + self.stride[d] - 1, d + 1),
                ));
            }
            adjust.push(more);
        }
        Ok(adjust)
    }
}

impl Module for FullConvolution {
    fn takes_reshaped_gradient(&self) -> bool {
        false
    }

    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let spatial = self.stride.len();
        let (image, reference) = match input {
            Activity::Table(entries) if entries.len() == 2 => (&entries[0], Some(entries[1].tensor()?)),
            other => (other, None),
        };
        let x = planes(image, spatial, Some(self.weight.size()[0]))?;
        let adjust = match reference {
            Some(reference) => self.adjustment(input, &x.size(), &reference.size())?,
            None => self.adjust.clone(),
        };
        let (weight, bias) = (&self.weight, self.bias.as_ref());
        let ones = vec![1; spatial];
        Ok(match spatial {
            2 => x.f_conv_transpose2d(weight, bias, &self.stride, &self.padding, &adjust, 1, &ones)?,
            _ => x.f_conv_transpose3d(weight, bias, &self.stride, &self.padding, &adjust, 1, &ones)?,
        }
        .into())
    }

    fn flops(&self, input: &Shape, _output: &Shape) -> u64 {
        let per_input: i64 = self.weight.size()[1..].iter().product();
        let pixels = match input {
            Shape::Table(entries) => entries.first().map_or(0, Shape::numel),
            tensor => tensor.numel(),
        };
        (pixels * per_input * 2) as u64
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Activity, Mode,
        testing::{assert_close, object, randn, tensor},
    };

    #[test]
    fn spreads_each_input_over_its_window() {
        let full = object("nn.SpatialFullConvolution", [1i64, 1, 2, 1, 2, 1, 0, 0, 1, 0]);
        full.get_tensor("weight").copy_from(&tensor(&[2], &[1.0, 10.0])).unwrap();
        full.get_tensor("bias").copy_from(&tensor(&[1], &[0.0])).unwrap();
        let (size, y) = full.eval(tensor(&[1, 1, 2], &[3.0, 4.0]));
        assert_eq!(size, [1, 1, 5]);
        assert_close(&y, &[3.0, 30.0, 4.0, 40.0, 0.0]);
        assert_eq!(full.print(), "nn.SpatialFullConvolution(1 -> 1, 2x1, 2,1, 1,0)");
    }

    #[test]
    fn a_reference_sets_the_size() {
        let full = object("nn.SpatialFullConvolution", [2i64, 3, 3, 3, 2, 2, 1, 1]);
        let sized = |h, w| Activity::Table(vec![randn(&[1, 2, 4, 4]).into(), randn(&[1, 1, h, w]).into()]);
        assert_eq!(full.eval(sized(8, 7)).0, [1, 3, 8, 7]);
        assert!(full.forward(Mode::Train, sized(9, 7)).is_err());
    }
}
