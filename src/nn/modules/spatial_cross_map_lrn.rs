//! `x · (k + alpha/size · Σ x²)^−beta`, the sum over `size` neighbouring planes: `[c, h, w]` or `[n, c, h, w]`.
//!
//! Torch7: `nn/SpatialCrossMapLRN.lua`, cudnn's and inn's alike.

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        init::set_arguments,
        layout::planes,
        module::{Context, Module},
        spec::{ArgKind, Builder, Missing, Probe, Spec, optional, required},
    },
};

/// `nn.SpatialCrossMapLRN(size[, alpha=1e-4, beta=0.75, k=1])`
pub const SPEC: Spec = Spec {
    args: &[
        required("size", ArgKind::Int),
        optional("alpha", ArgKind::Number, Missing::Number(1e-4)),
        optional("beta", ArgKind::Number, Missing::Number(0.75)),
        optional("k", ArgKind::Number, Missing::Number(1.0)),
    ],
    init: Some(|args, fields, _| set_arguments(args, fields, &["size", "alpha", "beta", "k"])),
    buffers: &["scale"],
    ..Spec::module(
        &["nn.SpatialCrossMapLRN", "cudnn.SpatialCrossMapLRN", "inn.SpatialCrossResponseNormalization"],
        build,
        Probe::module("3, 0.5", "torch.randn(2, 4, 2, 2)"),
    )
};

/// Local response normalisation across planes.
pub struct SpatialCrossMapLrn {
    /// Planes in the sum.
    pub size: i64,
    /// Its factor, times `size`.
    pub alpha: f64,
    /// The exponent.
    pub beta: f64,
    /// What is added.
    pub k: f64,
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    Ok(Box::new(SpatialCrossMapLrn {
        size: fields.int("size")?.max(1),
        alpha: fields.number_or("alpha", 1e-4)?,
        beta: fields.number_or("beta", 0.75)?,
        k: fields.number_or("k", 1.0)?,
    }))
}

impl Module for SpatialCrossMapLrn {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = planes(input, 2, None)?;
        // Planes become the depth of a volume with one plane, whose mean over `size` neighbours counts zeros outside.
        let squares = x.f_square()?.f_unsqueeze(x.dim() as i64 - 3)?;
        let before = (self.size - 1) / 2;
        let padded = squares.f_pad([0, 0, 0, 0, before, self.size - 1 - before], "constant", 0.0)?;
        let none: Option<i64> = None;
        let mean = padded.f_avg_pool3d([self.size, 1, 1], [1, 1, 1], [0, 0, 0], false, true, none)?;
        let mean = mean.f_squeeze_dim(x.dim() as i64 - 3)?;
        let scale = mean.f_mul_scalar(self.alpha)?.f_add_scalar(self.k)?;
        Ok(x.f_mul(&scale.f_pow_tensor_scalar(-self.beta)?)?.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, object, tensor};

    #[test]
    fn neighbours_divide() {
        let lrn = object("nn.SpatialCrossMapLRN", [3.0, 3.0, 1.0, 1.0]);
        let (size, y) = lrn.eval(tensor(&[3, 1, 1], &[1.0, 2.0, 3.0]));
        assert_eq!(size, [3, 1, 1]);
        assert_close(&y, &[1.0 / 6.0, 2.0 / 15.0, 3.0 / 14.0]);
    }
}
