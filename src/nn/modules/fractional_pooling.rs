//! The largest value of each window, with windows at random places so that any output size can be had.
//!
//! Torch7: `nn/SpatialFractionalMaxPooling.lua`, `VolumetricFractionalMaxPooling.lua`: sizes from 1, or ratios below 1.
//! Field `randomSamples` `[n, c, dims]` (in the order of the arguments) is drawn in each pass, unless
//! `fixPoolingRegions()` keeps it.

use std::cell::RefCell;

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        layout::{pair, planes},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Arg, ArgKind, Args, Builder, Probe, Spec, required},
        window::IMAGE,
    },
    torch::{Generator, Tensor, TensorType},
};

const fn number(name: &'static str) -> Arg {
    required(name, ArgKind::Number)
}

/// `nn.SpatialFractionalMaxPooling(poolSizeW, poolSizeH, outW | ratioW, outH | ratioH)`, and for volumes with T first,
/// which is the innermost dim of `[n, c, h, w, t]` here.
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[number("poolSizeW"), number("poolSizeH"), number("outW"), number("outH")],
        init: Some(|args, fields, generator| init(args, fields, generator, &["W", "H"])),
        print: |fields| describe(fields, &["W", "H"]),
        ..Spec::module(
            &["nn.SpatialFractionalMaxPooling"],
            |b| build(b, IMAGE),
            Probe::module("2, 2, 3, 2", "torch.randn(2, 2, 5, 6)"),
        )
    },
    Spec {
        args: &[
            number("poolSizeT"),
            number("poolSizeW"),
            number("poolSizeH"),
            number("outT"),
            number("outW"),
            number("outH"),
        ],
        init: Some(|args, fields, generator| init(args, fields, generator, &["T", "W", "H"])),
        print: |fields| describe(fields, &["T", "W", "H"]),
        ..Spec::module(
            &["nn.VolumetricFractionalMaxPooling"],
            // Torch7's "time" is the innermost dim here.
            |b| build(b, &["H", "W", "T"]),
            Probe::module("2, 2, 2, 0.5, 0.5, 0.7", "torch.randn(1, 2, 4, 5, 5)"),
        )
    },
];

enum Extent {
    Size(i64),
    Ratio(f64),
}

/// A maximum over windows at random places.
pub struct FractionalMaxPooling {
    /// Outermost dim first, as `output`.
    kernel: Vec<i64>,
    output: Vec<Extent>,
    /// The numbers of the last pass, as the field has them.
    samples: RefCell<Option<tch::Tensor>>,
    /// Whether they are kept for the next pass.
    is_fixed: bool,
    /// Of images only: 0-based positions in the plane.
    indices: RefCell<Option<tch::Tensor>>,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator, dims: &[&str]) -> Result<()> {
    let bad = |message: String| Err(Error::new(Kind::Argument, format!("{message} to {}", fields.class())));
    let out = |dim: &&str| args.number(&format!("out{dim}"));
    let are_sizes = dims.iter().all(|dim| out(dim) >= 1.0);
    for dim in dims {
        let (kernel, out) = (args.number(&format!("poolSize{dim}")), out(dim));
        if kernel < 2.0 {
            return bad(format!("poolSize{dim}: a size from 2 expected, got {kernel}"));
        }
        let is_ratio = out > 0.0 && out < 1.0;
        if !(are_sizes || is_ratio) {
            return bad(format!("out{dim}: sizes from 1, or ratios between 0 and 1 expected, got {out}"));
        }
        fields.set(&format!("poolSize{dim}"), kernel.into())?;
        fields.set(&format!("{}{dim}", if are_sizes { "out" } else { "ratio" }), out.into())?;
    }
    fields.set("newRandomPool", Value::Bool(false))
}

fn describe(fields: &dyn Fields, dims: &[&str]) -> Result<String> {
    let list = |prefixes: &[&str]| -> Result<Vec<i64>> {
        dims.iter()
            .map(|dim| {
                let number = prefixes.iter().find_map(|p| fields.number(&format!("{p}{dim}")).ok());
                Ok(number.unwrap_or(0.0) as i64)
            })
            .collect()
    };
    Ok(format!("({}, {})", pair(&list(&["out", "ratio"])?, "x"), pair(&list(&["poolSize"])?, ",")))
}

fn build(builder: &mut dyn Builder, dims: &[&str]) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let mut output = vec![];
    for dim in dims {
        output.push(match fields.get(&format!("out{dim}"))? {
            Value::Number(size) => Extent::Size(size as i64),
            _ => Extent::Ratio(fields.number(&format!("ratio{dim}"))?),
        });
    }
    let samples = fields.tensor("randomSamples")?.filter(|samples| samples.dim() > 0).map(|samples| samples.view());
    Ok(Box::new(FractionalMaxPooling {
        kernel: dims.iter().map(|dim| fields.int(&format!("poolSize{dim}"))).collect::<Result<_>>()?,
        output,
        samples: RefCell::new(samples),
        is_fixed: fields.truthy("newRandomPool")?,
        indices: RefCell::new(None),
    }))
}

/// Maxima of `out` windows along one dim of `[n, c, …]`, their starts from the numbers `[n, c]`: ⌊(i + s)·α⌋ − ⌊s·α⌋ with
/// α = (size − kernel)/(out − 1), the last one at the end.
fn pooled_along(x: &tch::Tensor, dim: usize, samples: &tch::Tensor, kernel: i64, out: i64) -> Result<tch::Tensor> {
    let size = x.size();
    let last = size[dim] - kernel;
    let options = (tch::Kind::Int64, x.device());
    let step = if out > 1 { last as f64 / (out - 1) as f64 } else { 0.0 };
    let count = tch::Tensor::f_arange(out - 1, (samples.kind(), x.device()))?;
    let first = samples.f_unsqueeze(-1)?;
    let starts = first.f_add(&count)?.f_mul_scalar(step)?.f_floor()?.f_sub(&first.f_mul_scalar(step)?.f_floor()?)?;
    let ends = tch::Tensor::f_full([size[0], size[1], 1], last, options)?;
    let starts = tch::Tensor::f_cat(&[starts.f_to_kind(tch::Kind::Int64)?, ends], 2)?;
    let cells = starts.f_unsqueeze(-1)?.f_add(&tch::Tensor::f_arange(kernel, options)?)?;
    let mut shape = vec![1; size.len()];
    (shape[0], shape[1], shape[dim]) = (size[0], size[1], out * kernel);
    let mut wide = size.clone();
    wide[dim] = out * kernel;
    let index = cells.f_reshape(&shape[..])?.f_expand(&wide[..], false)?;
    let mut windows = size;
    windows.splice(dim..=dim, [out, kernel]);
    let (y, _) = x.f_gather(dim as i64, &index, false)?.f_reshape(&windows[..])?.f_max_dim(dim as i64 + 1, false)?;
    Ok(y)
}

impl Module for FractionalMaxPooling {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let spatial = self.kernel.len();
        let x = planes(input, spatial, None)?;
        let has_batch = x.dim() == spatial + 2;
        let batch = if has_batch { x.shallow_clone() } else { x.f_unsqueeze(0)? };
        let size = batch.size();
        let mut wanted = vec![];
        for (extent, have) in self.output.iter().zip(&size[2..]) {
            wanted.push(match extent {
                Extent::Size(size) => *size,
                Extent::Ratio(ratio) => (*have as f64 * ratio).floor() as i64,
            });
        }
        let fits = |((have, out), kernel): ((&i64, &i64), &i64)| *out > 0 && out + kernel - 1 <= *have;
        if !size[2..].iter().zip(&wanted).zip(&self.kernel).all(fits) {
            return Err(size_mismatch(input, format!("images large enough for outputs of {}", pair(&wanted, "x")))
                .with_help("give it larger images, or smaller windows and output sizes"));
        }
        let shape = [size[0], size[1], spatial as i64];
        let repeats = cx.replays() || self.is_fixed;
        let kept = self.samples.take().filter(|samples| repeats && samples.size() == shape);
        let samples = match kept {
            Some(samples) => samples,
            None => cx.uniform(&shape, 0.0, 1.0, x)?,
        };
        let unbatched = |t: tch::Tensor| if has_batch { Ok(t) } else { t.f_squeeze_dim(0) };
        let y = if spatial == 2 {
            let (y, indices) = batch.f_fractional_max_pool2d(&self.kernel, &wanted, &samples)?;
            self.indices.replace(Some(unbatched(indices)?));
            y
        } else {
            // libtorch refuses volumes that the windows fill exactly. Maxima along one dim after the other are the same.
            let mut y = batch;
            for (dim, sample) in [(2, 2), (3, 1), (4, 0)] {
                let samples = samples.f_select(2, sample)?;
                y = pooled_along(&y, dim, &samples, self.kernel[dim - 2], wanted[dim - 2])?;
            }
            y
        };
        self.samples.replace(Some(samples));
        Ok(unbatched(y)?.into())
    }

    fn save(&self, fields: &dyn Fields) -> Result<()> {
        if let Some(samples) = &*self.samples.borrow() {
            fields.set("randomSamples", Tensor::from_tch(fields.tensor_type(), samples)?.into())?;
        }
        if let Some(indices) = &*self.indices.borrow() {
            let long = TensorType { element: crate::torch::Element::Long, cuda: fields.tensor_type().cuda };
            fields.set("indices", Tensor::from_tch(long, &indices.f_add_scalar(1)?)?.into())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{numbers, object, randn, try_object},
    };

    #[test]
    fn sizes_ratios_and_kept_regions() {
        let pool = object("nn.SpatialFractionalMaxPooling", [2i64, 2, 4, 3]);
        assert_eq!(pool.print(), "nn.SpatialFractionalMaxPooling(4x3, 2,2)");
        assert_eq!(pool.eval(randn(&[2, 7, 9])).0, [2, 3, 4]);
        let ratio = object("nn.SpatialFractionalMaxPooling", [2.0, 2.0, 0.5, 0.7]).with("newRandomPool", true);
        let x = || randn(&[1, 2, 10, 8]);
        let first = ratio.forward(Mode::Train, x()).unwrap();
        assert_eq!(first.tensor().unwrap().size(), [1, 2, 7, 4]);
        let again = ratio.forward(Mode::Train, x()).unwrap();
        assert_eq!(numbers(first.tensor().unwrap()), numbers(again.tensor().unwrap()));
        assert!(pool.forward(Mode::Train, randn(&[2, 3, 3])).is_err());
        // Windows that fill the volume exactly are those of an ordinary pooling with step 1.
        let volume = object("nn.VolumetricFractionalMaxPooling", [2i64, 2, 2, 3, 2, 3]);
        let plain = object("nn.VolumetricMaxPooling", [2i64, 2, 2, 1, 1, 1]);
        assert_eq!(volume.eval(randn(&[2, 4, 3, 4])).1, plain.eval(randn(&[2, 4, 3, 4])).1);
        let args = [2.0, 2.0, 0.5, 3.0].map(Into::into).to_vec();
        assert!(try_object("nn.SpatialFractionalMaxPooling", args).is_err());
    }
}
