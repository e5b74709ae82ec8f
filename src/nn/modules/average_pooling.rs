//! The mean of each window: `[n, c, h, w]` → `[n, c, h', w']`, volumes alike, the batch optional.
//!
//! Torch7: `nn/SpatialAveragePooling.lua` (its stride is **1** unless given), `VolumetricAveragePooling.lua`. Padding
//! counts as zeros (`setCountIncludePad`) or not (`setCountExcludePad`); with `divide` false the window is summed.
//! A window outside the image (ceil, stride beyond the kernel) is 0.

use super::max_pooling::{describe, extend, output_extents};
use crate::{
    error::Result,
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::set_arguments,
        layout::planes,
        module::{Context, Module},
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional},
        window::{IMAGE, VOLUME, extents, int, int_or},
    },
};

const SPATIAL: Spec = Spec {
    args: &[int("kW"), int("kH"), int_or("dW", 1.0), int_or("dH", 1.0), int_or("padW", 0.0), int_or("padH", 0.0)],
    init: Some(|args, fields, _| init(args, fields, IMAGE)),
    print: |fields| describe(fields, IMAGE),
    ..Spec::module(
        &["nn.SpatialAveragePooling", "cudnn.SpatialAveragePooling"],
        |b| build(b, IMAGE),
        Probe::module("3, 2, 2, 2, 1, 1", "torch.randn(2, 2, 5, 6)"),
    )
};

/// `nn.SpatialAveragePooling(kW, kH[, dW=1, dH=1, padW=0, padH=0])`,
/// `nn.VolumetricAveragePooling(kT, kW, kH[, dT=kT, dW=kW, dH=kH])`
pub const SPECS: &[Spec] = &[
    SPATIAL,
    // inn's pools, by report, round up by default.
    Spec {
        classes: &["inn.SpatialAveragePooling"],
        init: Some(|args, fields, _| {
            init(args, fields, IMAGE)?;
            fields.set("ceil_mode", Value::Bool(true))
        }),
        ..SPATIAL
    },
    Spec {
        args: &[
            int("kT"),
            int("kW"),
            int("kH"),
            optional("dT", ArgKind::Int, Missing::Nil),
            optional("dW", ArgKind::Int, Missing::Nil),
            optional("dH", ArgKind::Int, Missing::Nil),
        ],
        init: Some(|args, fields, _| init(args, fields, VOLUME)),
        print: |fields| describe(fields, VOLUME),
        ..Spec::module(
            &["nn.VolumetricAveragePooling", "cudnn.VolumetricAveragePooling"],
            |b| build(b, VOLUME),
            Probe::module("2, 2, 2", "torch.randn(2, 2, 2, 4, 4)"),
        )
    },
];

/// A mean over windows.
pub struct AveragePooling {
    /// Extents of the window, outermost dim first, as the lists below.
    pub kernel: Vec<i64>,
    /// Its steps.
    pub stride: Vec<i64>,
    /// Zeros on both sides.
    pub padding: Vec<i64>,
    /// Whether sizes round up.
    pub ceil: bool,
    /// Whether padding counts in the divisor.
    pub count_include_pad: bool,
    /// False: the sum instead of the mean.
    pub divide: bool,
}

fn init(args: &Args<'_>, fields: &dyn Fields, dims: &[&str]) -> Result<()> {
    for dim in dims {
        let (kernel, stride, pad) = (format!("k{dim}"), format!("d{dim}"), format!("pad{dim}"));
        fields.set(&stride, args.int_or(&stride, args.int(&kernel)).into())?;
        set_arguments(args, fields, &[&kernel])?;
        if args.has_argument(&pad) {
            set_arguments(args, fields, &[&pad])?;
        }
    }
    fields.set("ceil_mode", Value::Bool(false))?;
    fields.set("count_include_pad", Value::Bool(true))?;
    fields.set("divide", Value::Bool(true))
}

fn build(builder: &mut dyn Builder, dims: &[&str]) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let is_false = |name: &str| Ok::<bool, crate::error::Error>(matches!(fields.get(name)?, Value::Bool(false)));
    Ok(Box::new(AveragePooling {
        kernel: extents(fields, dims, "k", 1)?,
        stride: extents(fields, dims, "d", 1)?,
        padding: extents(fields, dims, "pad", 0)?,
        ceil: fields.truthy("ceil_mode")?,
        count_include_pad: !is_false("count_include_pad")?,
        divide: !is_false("divide")?,
    }))
}

impl Module for AveragePooling {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let spatial = self.kernel.len();
        let x = planes(input, spatial, None)?;
        let size = x.size();
        let (k, s, p) = (&self.kernel, &self.stride, &self.padding);
        let ones = vec![1; spatial];
        let extents = output_extents(input, &size[size.len() - spatial..], k, s, p, &ones, self.ceil)?;
        let divisor = if self.divide { None } else { Some(1) };
        let y = match spatial {
            2 => x.f_avg_pool2d(k, s, p, self.ceil, self.count_include_pad, divisor)?,
            _ => x.f_avg_pool3d(k, s, p, self.ceil, self.count_include_pad, divisor)?,
        };
        Ok(extend(y, &extents, 0.0)?.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, object, tensor};

    #[test]
    fn the_stride_is_one_and_pads_count() {
        let pool = object("nn.SpatialAveragePooling", [2i64, 1]);
        assert_eq!(pool.print(), "nn.SpatialAveragePooling(2x1, 1,1)");
        let x = || tensor(&[1, 1, 3], &[2.0, 4.0, 6.0]);
        assert_close(&pool.eval(x()).1, &[3.0, 5.0]);
        let padded = object("nn.SpatialAveragePooling", [2i64, 1, 2, 1, 1, 0]);
        assert_close(&padded.eval(x()).1, &[1.0, 5.0]);
        let padded = padded.with("count_include_pad", false);
        assert_close(&padded.eval(x()).1, &[2.0, 5.0]);
        assert_close(&padded.with("divide", false).eval(x()).1, &[2.0, 10.0]);
    }
}
