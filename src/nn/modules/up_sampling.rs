//! Images and volumes at a higher resolution: `[n, c, h, w]` → `[n, c, h', w']`, volumes alike.
//!
//! Torch7: `nn/SpatialUpSamplingNearest.lua`, `SpatialUpSamplingBilinear.lua`, `UpSampling.lua` (`'nearest'` or
//! `'linear'`). Linear modes keep the corners in place; a factor multiplies the extents. The constructors that take a table
//! of output extents are in the Lua prelude.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::Value,
        init::set_arguments,
        layout::planes,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Builder, Probe, Spec, required},
    },
};

/// `nn.SpatialUpSamplingNearest(scale)`, `nn.SpatialUpSamplingBilinear(scale | {owidth=, oheight=})`,
/// `nn.UpSampling(scale | {owidth=, oheight=[, odepth=]}[, mode='nearest'])`
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[required("scale_factor", ArgKind::Int)],
        init: Some(|args, fields, _| {
            let factor = args.number("scale_factor");
            if factor < 1.0 || factor.fract() != 0.0 {
                let message = format!("#1 (scale_factor) to {}: a whole number above 0, got {factor}", fields.class());
                return Err(Error::new(Kind::Argument, message));
            }
            set_arguments(args, fields, &["scale_factor"])
        }),
        ..Spec::module(
            &["nn.SpatialUpSamplingNearest"],
            |b| build(b, false),
            Probe::module("2", "torch.randn(1, 2, 2, 3)"),
        )
    },
    Spec::module(&["nn.SpatialUpSamplingBilinear"], |b| build(b, true), Probe::module("2", "torch.randn(1, 2, 2, 3)")),
    Spec::module(
        &["nn.UpSampling"],
        |b| {
            let is_linear = matches!(b.fields().get("mode")?, Value::Text(mode) if mode == "linear");
            build(b, is_linear)
        },
        Probe::module("2, 'linear'", "torch.randn(1, 2, 2, 2, 3)"),
    ),
];

/// An enlargement.
pub struct UpSampling {
    is_linear: bool,
    factor: Option<i64>,
    /// Depth, height, width; 0 where not given.
    extents: Vec<i64>,
}

fn build(builder: &mut dyn Builder, is_linear: bool) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let factor = match fields.get("scale_factor")? {
        Value::Number(factor) => Some(factor as i64),
        _ => None,
    };
    let extents = ["odepth", "oheight", "owidth"].iter().map(|name| fields.int_or(name, 0)).collect::<Result<_>>()?;
    Ok(Box::new(UpSampling { is_linear, factor, extents }))
}

impl Module for UpSampling {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let rank = input.tensor()?.dim();
        let spatial = if rank == 5 { 3 } else { 2 };
        let x = planes(input, spatial, None)?;
        let has_batch = rank == spatial + 2;
        let batch = if has_batch { x.shallow_clone() } else { x.f_unsqueeze(0)? };
        let size: Vec<i64> = match self.factor {
            Some(factor) => batch.size()[2..].iter().map(|extent| extent * factor).collect(),
            None => self.extents[3 - spatial..].to_vec(),
        };
        if size.iter().any(|&extent| extent < 1) {
            return Err(size_mismatch(input, "output extents for each dim of its images")
                .with_help("give it odepth for volumes, or a scale factor"));
        }
        let y = match (spatial, self.is_linear) {
            (2, false) => batch.f_upsample_nearest2d(&size[..], None, None)?,
            (2, true) => batch.f_upsample_bilinear2d(&size[..], true, None, None)?,
            (_, false) => batch.f_upsample_nearest3d(&size[..], None, None, None)?,
            (_, true) => batch.f_upsample_trilinear3d(&size[..], true, None, None, None)?,
        };
        Ok(if has_batch { y } else { y.f_squeeze_dim(0)? }.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode, Value,
        testing::{assert_close, container, object, randn, tensor},
    };

    #[test]
    fn by_hand() {
        let x = || tensor(&[1, 1, 2], &[1.0, 4.0]);
        assert_close(&object("nn.SpatialUpSamplingNearest", [2i64]).eval(x()).1, &[1., 1., 4., 4., 1., 1., 4., 4.]);
        let bilinear = || container("nn.SpatialUpSamplingBilinear", vec![]);
        assert_close(&bilinear().with("scale_factor", 2i64).eval(x()).1[..4], &[1.0, 2.0, 3.0, 4.0]);
        let sized = bilinear().with("owidth", 7i64).with("oheight", 1i64);
        assert_close(&sized.eval(x()).1, &[1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]);
        let volume = container("nn.UpSampling", vec![]).with("mode", Value::Text("linear".into()));
        let volume = volume.with("owidth", 3i64).with("oheight", 2i64);
        assert!(volume.forward(Mode::Train, randn(&[1, 1, 2, 2, 2])).is_err());
        assert_eq!(volume.with("odepth", 5i64).eval(randn(&[1, 1, 2, 2, 2])).0, [1, 1, 5, 2, 3]);
    }
}
