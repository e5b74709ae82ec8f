//! A convolution whose kernel differs from pixel to pixel: `[n, in, iH, iW]` → `[n, out, oH, oW]`, the batch optional.
//!
//! Torch7: `nn/SpatialConvolutionLocal.lua`: weight `[oH, oW, out, in, kH, kW]`, bias `[out, oH, oW]`, drawn from
//! U(±1/√(in·kW·kH)).

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::{Activity, Shape},
        fields::Fields,
        init::{set_arguments, set_parameters},
        layout::{numel, planes},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Args, Builder, Probe, Spec},
        window::{IMAGE, extents, int, int_later, int_or, reset_kernels},
    },
    torch::Generator,
};

/// `nn.SpatialConvolutionLocal(nInputPlane, nOutputPlane, iW, iH, kW, kH[, dW=1, dH=1, padW=0, padH=padW])`
pub const SPEC: Spec = Spec {
    args: &[
        int("nInputPlane"),
        int("nOutputPlane"),
        int("iW"),
        int("iH"),
        int("kW"),
        int("kH"),
        int_or("dW", 1.0),
        int_or("dH", 1.0),
        int_or("padW", 0.0),
        int_later("padH"),
    ],
    init: Some(init),
    reset: Some(reset_kernels),
    print: describe,
    buffers: &["finput", "fgradInput"],
    ..Spec::module(
        &["nn.SpatialConvolutionLocal"],
        build,
        Probe::module("2, 3, 4, 3, 3, 2, 1, 1, 1, 0", "torch.randn(2, 2, 3, 4)"),
    )
};

/// Kernels of their own for each pixel.
pub struct LocalConvolution {
    weight: tch::Tensor,
    bias: Option<tch::Tensor>,
    /// `[oH·oW, out, in·kH·kW]`: whatever its dims, the weight is read in this order.
    kernels: [i64; 3],
    planes: i64,
    /// Height, width, as the lists below.
    input: Vec<i64>,
    output: Vec<i64>,
    kernel: Vec<i64>,
    stride: Vec<i64>,
    padding: Vec<i64>,
}

fn init(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator) -> Result<()> {
    let names = ["nInputPlane", "nOutputPlane", "iW", "iH", "kW", "kH", "dW", "dH", "padW"];
    set_arguments(args, fields, &names)?;
    let pad_h = args.int_or("padH", args.int("padW"));
    fields.set("padH", pad_h.into())?;
    let out = |dim: &str, pad: i64| {
        let room = 2 * pad + args.int(&format!("i{dim}")) - args.int(&format!("k{dim}"));
        room.div_euclid(args.int(&format!("d{dim}")).max(1)) + 1
    };
    let (width, height) = (out("W", args.int("padW")), out("H", pad_h));
    if width < 1 || height < 1 {
        let message = "illegal configuration: output width or height less than 1".to_string();
        return Err(Error::new(Kind::Argument, message).with_help("make the kernel smaller, or pad"));
    }
    fields.set("oW", width.into())?;
    fields.set("oH", height.into())?;
    let (input, output) = (args.int("nInputPlane"), args.int("nOutputPlane"));
    let weight = [height, width, output, input, args.int("kH"), args.int("kW")];
    set_parameters(fields, &[("weight", "gradWeight", &weight), ("bias", "gradBias", &[output, height, width])])?;
    reset_kernels(fields, None, generator)
}

fn describe(fields: &dyn Fields) -> Result<String> {
    let n = |name: &str| fields.int_or(name, 0);
    let mut text = format!(
        "({} -> {}, {}x{}, {}x{}",
        n("nInputPlane")?,
        n("nOutputPlane")?,
        n("iW")?,
        n("iH")?,
        n("kW")?,
        n("kH")?
    );
    let is_padded = n("padW")? != 0 || n("padH")? != 0;
    if is_padded || n("dW")? != 1 || n("dH")? != 1 {
        text += &format!(", {},{}", n("dW")?, n("dH")?);
    }
    if is_padded {
        text += &format!(", {},{}", n("padW")?, n("padH")?);
    }
    Ok(text + ")")
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let weight = builder.learned("weight", &[])?;
    let bias = builder.parameter("bias")?;
    let fields = builder.fields();
    let (output, kernel) = (extents(fields, IMAGE, "o", 1)?, extents(fields, IMAGE, "k", 1)?);
    let planes = fields.int("nInputPlane")?;
    let kernels = [numel(&output), fields.int("nOutputPlane")?, planes.saturating_mul(numel(&kernel))];
    Ok(Box::new(LocalConvolution {
        weight,
        bias,
        kernels,
        planes,
        input: extents(fields, IMAGE, "i", 1)?,
        output,
        kernel,
        stride: extents(fields, IMAGE, "d", 1)?,
        padding: extents(fields, IMAGE, "pad", 0)?,
    }))
}

impl Module for LocalConvolution {
    fn takes_reshaped_gradient(&self) -> bool {
        false
    }

    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = planes(input, 2, Some(self.planes))?;
        let size = x.size();
        if size[size.len() - 2..] != self.input[..] {
            let wanted = format!("images of {}x{} pixels (height x width)", self.input[0], self.input[1]);
            return Err(size_mismatch(input, wanted).with_help("its kernels belong to places: it takes one size only"));
        }
        let has_batch = size.len() == 4;
        let batch = if has_batch { x.shallow_clone() } else { x.f_unsqueeze(0)? };
        // [n, in·kH·kW, places] → [places, in·kH·kW, n], times one matrix for each place.
        let columns = batch.f_im2col(&self.kernel, [1, 1], &self.padding, &self.stride)?.f_permute([2, 1, 0])?;
        let products = self.weight.f_reshape(self.kernels)?.f_bmm(&columns)?.f_permute([2, 1, 0])?;
        let shape = [self.kernels[1], self.output[0], self.output[1]];
        let y = products.f_reshape([-1, shape[0], shape[1], shape[2]])?;
        let y = match &self.bias {
            Some(bias) => y.f_add(&bias.f_reshape(shape)?)?,
            None => y,
        };
        Ok(if has_batch { y } else { y.f_squeeze_dim(0)? }.into())
    }

    fn flops(&self, _input: &Shape, output: &Shape) -> u64 {
        (output.numel() * self.kernels[2] * 2) as u64
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{assert_close, object, randn, tensor},
    };

    #[test]
    fn each_place_has_its_kernel() {
        let local = object("nn.SpatialConvolutionLocal", [1i64, 1, 3, 1, 2, 1]);
        local.get_tensor("weight").copy_from(&tensor(&[4], &[1.0, 10.0, 100.0, 1000.0])).unwrap();
        local.get_tensor("bias").copy_from(&tensor(&[2], &[0.5, 0.25])).unwrap();
        let (size, y) = local.eval(tensor(&[1, 1, 3], &[1.0, 2.0, 3.0]));
        assert_eq!(size, [1, 1, 2]);
        assert_close(&y, &[21.5, 3200.25]);
        assert_eq!(local.print(), "nn.SpatialConvolutionLocal(1 -> 1, 3x1, 2x1)");
        assert!(local.forward(Mode::Train, randn(&[1, 1, 4])).is_err());
    }
}
