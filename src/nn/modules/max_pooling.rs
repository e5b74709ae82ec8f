//! The largest value of each window: `[n, c, h, w]` → `[n, c, h', w']`, volumes alike, the batch optional.
//!
//! Torch7: `nn/SpatialMaxPooling.lua`, `SpatialDilatedMaxPooling`, `VolumetricMaxPooling`,
//! `VolumetricDilatedMaxPooling`. Sizes round down, or up after `:ceil()`. Torch7 keeps a last window that lies
//! outside an unpadded image (stride beyond the kernel): its value is −∞ and it has no gradient.

use std::cell::RefCell;

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::set_arguments,
        layout::{arranged, pair, planes, pooled_size},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Args, Builder, Probe, Spec},
        window::{IMAGE, VOLUME, extents, int, int_later, int_or, printed},
    },
    torch::{Tensor, TensorType},
};

const SPATIAL: Spec = Spec {
    args: &[int("kW"), int("kH"), int_later("dW"), int_later("dH"), int_or("padW", 0.0), int_or("padH", 0.0)],
    init: Some(|args, fields, _| init(args, fields, IMAGE, false)),
    print: |fields| describe(fields, IMAGE),
    buffers: &["indices"],
    ..Spec::module(
        &["nn.SpatialMaxPooling", "cudnn.SpatialMaxPooling"],
        |b| build(b, IMAGE),
        Probe::module("3, 2, 2, 2, 1, 0", "torch.randn(2, 2, 5, 6)"),
    )
};

const VOLUMETRIC: Spec = Spec {
    args: &[
        int("kT"),
        int("kW"),
        int("kH"),
        int_later("dT"),
        int_later("dW"),
        int_later("dH"),
        int_or("padT", 0.0),
        int_or("padW", 0.0),
        int_or("padH", 0.0),
    ],
    init: Some(|args, fields, _| init(args, fields, VOLUME, false)),
    print: |fields| describe(fields, VOLUME),
    buffers: &["indices"],
    ..Spec::module(
        &["nn.VolumetricMaxPooling", "cudnn.VolumetricMaxPooling"],
        |b| build(b, VOLUME),
        Probe::module("2, 2, 2", "torch.randn(2, 2, 2, 4, 4)"),
    )
};

/// `nn.SpatialMaxPooling(kW, kH[, dW=kW, dH=kH, padW=0, padH=0])`, and its kin.
pub const SPECS: &[Spec] = &[
    SPATIAL,
    Spec {
        classes: &["nn.SpatialDilatedMaxPooling"],
        args: &[
            int("kW"),
            int("kH"),
            int_later("dW"),
            int_later("dH"),
            int_or("padW", 0.0),
            int_or("padH", 0.0),
            int_or("dilationW", 1.0),
            int_or("dilationH", 1.0),
        ],
        init: Some(|args, fields, _| init(args, fields, IMAGE, true)),
        probe: Probe::module("2, 2, 1, 1, 0, 0, 2, 1", "torch.randn(1, 2, 4, 5)"),
        ..SPATIAL
    },
    // inn's pools, by report, round up by default.
    Spec {
        classes: &["inn.SpatialMaxPooling"],
        init: Some(|args, fields, _| {
            init(args, fields, IMAGE, false)?;
            fields.set("ceil_mode", Value::Bool(true))
        }),
        ..SPATIAL
    },
    VOLUMETRIC,
    Spec {
        classes: &["nn.VolumetricDilatedMaxPooling"],
        args: &[
            int("kT"),
            int("kW"),
            int("kH"),
            int_later("dT"),
            int_later("dW"),
            int_later("dH"),
            int_or("padT", 0.0),
            int_or("padW", 0.0),
            int_or("padH", 0.0),
            int_or("dilationT", 1.0),
            int_or("dilationW", 1.0),
            int_or("dilationH", 1.0),
        ],
        init: Some(|args, fields, _| init(args, fields, VOLUME, true)),
        probe: Probe::module("2, 2, 2, 1, 1, 1, 0, 0, 0, 1, 2, 1", "torch.randn(1, 1, 3, 3, 4)"),
        ..VOLUMETRIC
    },
];

/// A maximum over windows.
pub struct MaxPooling {
    /// Extents of the window, outermost dim first, as the lists below.
    pub kernel: Vec<i64>,
    /// Its steps.
    pub stride: Vec<i64>,
    /// Cells of −∞ on both sides.
    pub padding: Vec<i64>,
    /// Distance between its cells.
    pub dilation: Vec<i64>,
    /// Whether sizes round up.
    pub ceil: bool,
    /// What the last pass chose, for unpooling and for the field `indices`.
    pub(super) pooled: RefCell<Option<Pooled>>,
}

/// What a pooling pass chose.
pub struct Pooled {
    /// 0-based position in the plane of each output; −1 for a window outside the image.
    pub indices: tch::Tensor,
    /// Extents of the planes that were pooled.
    pub extents: Vec<i64>,
}

impl Pooled {
    /// What an earlier eager pass saved into the pooling module's fields.
    ///
    /// # Errors
    /// When the fields hold something else.
    fn from_fields(fields: &dyn Fields) -> Result<Option<Pooled>> {
        let Some(indices) = fields.tensor("indices")?.filter(|indices| indices.dim() > 0) else { return Ok(None) };
        let mut extents = vec![fields.int_or("iheight", 0)?, fields.int_or("iwidth", 0)?];
        if fields.truthy("itime")? {
            extents.insert(0, fields.int("itime")?);
        }
        let indices = indices.view().f_to_kind(tch::Kind::Int64)?.f_add_scalar(-1)?;
        Ok(extents.iter().all(|&extent| extent > 0).then_some(Pooled { indices, extents }))
    }

    /// Writes `indices` (1-based), `iheight`, `iwidth` and for volumes `itime`.
    ///
    /// # Errors
    /// When the object refuses.
    fn save(&self, fields: &dyn Fields, index_type: TensorType) -> Result<()> {
        fields.set("indices", Tensor::from_tch(index_type, &self.indices.f_add_scalar(1)?)?.into())?;
        for (name, &extent) in ["iwidth", "iheight", "itime"].iter().zip(self.extents.iter().rev()) {
            fields.set(name, extent.into())?;
        }
        Ok(())
    }
}

fn init(args: &Args<'_>, fields: &dyn Fields, dims: &[&str], is_dilated: bool) -> Result<()> {
    for dim in dims {
        let (kernel, pad) = (args.int(&format!("k{dim}")), args.int(&format!("pad{dim}")));
        if pad > kernel / 2 {
            return Err(Error::new(
                Kind::Argument,
                format!("to {}: pad should be smaller than half of the kernel size, got {pad}", fields.class()),
            )
            .with_fact("kernel", kernel.to_string()));
        }
        fields.set(&format!("d{dim}"), args.int_or(&format!("d{dim}"), kernel).into())?;
        set_arguments(args, fields, &[&format!("k{dim}"), &format!("pad{dim}")])?;
        if is_dilated {
            set_arguments(args, fields, &[&format!("dilation{dim}")])?;
        }
    }
    fields.set("ceil_mode", Value::Bool(false))?;
    fields.set("indices", Tensor::empty(index_type(fields)).into())
}

/// The type of `indices`: whole numbers on the object's device.
fn index_type(fields: &dyn Fields) -> TensorType {
    TensorType { cuda: fields.tensor_type().cuda, ..TensorType::LONG }
}

/// `(kWxkH, dW,dH[, padW,padH][, dilationW,dilationH])`
pub(super) fn describe(fields: &dyn Fields, dims: &[&str]) -> Result<String> {
    let kernel = pair(&printed(fields, dims, "k", 1)?, "x");
    let mut text = format!("({kernel}, {}", pair(&printed(fields, dims, "d", 1)?, ","));
    let pad = printed(fields, dims, "pad", 0)?;
    if pad.iter().any(|&pad| pad != 0) {
        text += &format!(", {}", pair(&pad, ","));
    }
    if !matches!(fields.get("dilationW")?, Value::Nil) {
        text += &format!(", {}", pair(&printed(fields, dims, "dilation", 1)?, ","));
    }
    Ok(text + ")")
}

fn build(builder: &mut dyn Builder, dims: &[&str]) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    Ok(Box::new(MaxPooling {
        kernel: extents(fields, dims, "k", 1)?,
        stride: extents(fields, dims, "d", 1)?,
        padding: extents(fields, dims, "pad", 0)?,
        dilation: extents(fields, dims, "dilation", 1)?,
        ceil: fields.truthy("ceil_mode")?,
        pooled: RefCell::new(Pooled::from_fields(fields)?),
    }))
}

/// Output extents in Torch7's way, checked to be positive.
pub(super) fn output_extents(
    input: &Activity,
    size: &[i64],
    kernel: &[i64],
    stride: &[i64],
    padding: &[i64],
    dilation: &[i64],
    ceil: bool,
) -> Result<Vec<i64>> {
    let padded = padding.iter().any(|&pad| pad != 0);
    let extents: Vec<i64> = (0..kernel.len())
        .map(|d| pooled_size(size[d], kernel[d], stride[d].max(1), padding[d], dilation[d], ceil, padded))
        .collect();
    if extents.iter().all(|&extent| extent > 0) {
        return Ok(extents);
    }
    Err(size_mismatch(input, format!("images of at least {} pixels", pair(kernel, "x")))
        .with_help("pool less before it, or make its window smaller"))
}

/// Adds cells of `value` behind the last ones until `x` has these extents.
pub(super) fn extend(x: tch::Tensor, extents: &[i64], value: f64) -> Result<tch::Tensor> {
    let size = x.size();
    let have = &size[size.len() - extents.len()..];
    if have == extents {
        return Ok(x);
    }
    let pad: Vec<i64> = extents.iter().zip(have).rev().flat_map(|(want, have)| [0, want - have]).collect();
    Ok(x.f_pad(pad, "constant", value)?)
}

impl Module for MaxPooling {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let spatial = self.kernel.len();
        let x = planes(input, spatial, None)?;
        let size = x.size();
        let image = &size[size.len() - spatial..];
        let (k, s, p, d) = (&self.kernel, &self.stride, &self.padding, &self.dilation);
        let extents = output_extents(input, image, k, s, p, d, self.ceil)?;
        let (values, indices) = match spatial {
            2 => arranged(x, cx)?.f_max_pool2d_with_indices(k, s, p, d, self.ceil)?,
            _ => x.f_max_pool3d_with_indices(k, s, p, d, self.ceil)?,
        };
        let values = extend(values, &extents, f64::NEG_INFINITY)?;
        self.pooled.replace(Some(Pooled { indices: extend(indices, &extents, -1.0)?, extents: image.to_vec() }));
        Ok(values.into())
    }

    fn save(&self, fields: &dyn Fields) -> Result<()> {
        match &*self.pooled.borrow() {
            Some(pooled) => pooled.save(fields, index_type(fields)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{assert_close, object, randn, tensor, try_object},
    };

    #[test]
    fn finds_the_largest_and_where_it_was() {
        let pool = object("nn.SpatialMaxPooling", [2i64, 2]);
        let x = tensor(&[1, 2, 4], &[1.0, 5.0, 2.0, 0.0, 3.0, 4.0, 9.0, 7.0]);
        let (size, y) = pool.eval(x.copy());
        assert_eq!(size, [1, 1, 2]);
        assert_close(&y, &[5.0, 9.0]);
        assert_close(&pool.numbers("indices"), &[2.0, 7.0]);
        assert_close(&pool.gradient(&x), &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(pool.print(), "nn.SpatialMaxPooling(2x2, 2,2)");
    }

    #[test]
    fn ceil_makes_a_window_outside_the_image_when_the_stride_is_longer_than_the_kernel() {
        let pool = object("nn.SpatialMaxPooling", [2i64, 1, 3, 1]).with("ceil_mode", true);
        let (size, y) = pool.eval(tensor(&[1, 1, 6], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        assert_eq!(size, [1, 1, 3]);
        assert_close(&y[..2], &[2.0, 5.0]);
        assert_eq!(y[2], f64::NEG_INFINITY);
        assert_close(&pool.numbers("indices"), &[1.0 + 1.0, 4.0 + 1.0, 0.0]);
        let pool = object("nn.SpatialMaxPooling", [3i64, 3, 2, 2]).with("ceil_mode", true);
        assert_eq!(pool.eval(randn(&[1, 1, 6, 6])).0, [1, 1, 3, 3]);
    }

    #[test]
    fn refuses_wide_pads_and_small_images() {
        assert!(try_object("nn.SpatialMaxPooling", [2i64, 2, 2, 2, 2, 0].map(Into::into).to_vec()).is_err());
        assert!(object("nn.SpatialMaxPooling", [4i64, 4]).forward(Mode::Train, randn(&[1, 3, 3])).is_err());
    }
}
