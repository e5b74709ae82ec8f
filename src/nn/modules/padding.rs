//! Borders: zeros, mirrored or repeated pixels around images (negative: cropped), or a run of one value at one end.
//!
//! Torch7: `nn/SpatialZeroPadding.lua`, `SpatialReflectionPadding.lua`, `SpatialReplicationPadding.lua`,
//! `VolumetricReplicationPadding.lua`, `Padding.lua`.

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        fields::Fields,
        init::set_arguments,
        layout::{axis, planes},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
        window::int_later,
    },
    torch::Generator,
};

const SIDES: &[&str] = &["pad_l", "pad_r", "pad_t", "pad_b"];
const VOLUME_SIDES: &[&str] = &["pleft", "pright", "ptop", "pbottom", "pfront", "pback"];
const ARGS: &[Arg] = &[required("pad_l", ArgKind::Int), int_later("pad_r"), int_later("pad_t"), int_later("pad_b")];

macro_rules! spatial {
    ($class:literal, $mode:literal) => {
        Spec {
            args: ARGS,
            init: Some(|args, fields, _| init(args, fields, SIDES)),
            print: |fields| {
                let n = sides(fields, SIDES)?;
                Ok(format!("(l={}, r={}, t={}, b={})", n[0], n[1], n[2], n[3]))
            },
            ..Spec::module(
                &[$class],
                |b| Ok(Box::new(Border { sides: sides(b.fields(), SIDES)?, mode: $mode })),
                Probe::module("1, 2, 1, 0", "torch.randn(1, 2, 3, 4)"),
            )
        }
    };
}

/// The classes.
pub const SPECS: &[Spec] = &[
    spatial!("nn.SpatialZeroPadding", "constant"),
    spatial!("nn.SpatialReflectionPadding", "reflect"),
    spatial!("nn.SpatialReplicationPadding", "replicate"),
    Spec {
        args: &[
            required("pleft", ArgKind::Int),
            int_later("pright"),
            int_later("ptop"),
            int_later("pbottom"),
            int_later("pfront"),
            int_later("pback"),
        ],
        init: Some(|args, fields, _| init(args, fields, VOLUME_SIDES)),
        print: |fields| {
            let n = sides(fields, VOLUME_SIDES)?;
            let names = ["left", "right", "top", "bottom", "front", "back"];
            let words: Vec<String> = names.iter().zip(n).map(|(name, n)| format!("{name}={n}")).collect();
            Ok(format!("({})", words.join(", ")))
        },
        ..Spec::module(
            &["nn.VolumetricReplicationPadding"],
            |b| Ok(Box::new(Border { sides: sides(b.fields(), VOLUME_SIDES)?, mode: "replicate" })),
            Probe::module("1", "torch.randn(1, 1, 2, 2, 2)"),
        )
    },
    Spec {
        args: &[
            required("dim", ArgKind::Int),
            required("pad", ArgKind::Int),
            optional("nInputDim", ArgKind::Int, Missing::Nil),
            optional("value", ArgKind::Number, Missing::Number(0.0)),
            optional("index", ArgKind::Int, Missing::Number(1.0)),
        ],
        init: Some(run_init),
        ..Spec::module(&["nn.Padding"], run_build, Probe::module("1, 2, 1, 5", "torch.randn(2, 3)"))
    },
];

fn init(args: &Args<'_>, fields: &dyn Fields, names: &[&str]) -> Result<()> {
    let first = args.int(names[0]);
    names.iter().try_for_each(|name| fields.set(name, args.int_or(name, first).into()))
}

fn sides(fields: &dyn Fields, names: &[&str]) -> Result<Vec<i64>> {
    names.iter().map(|name| fields.int_or(name, 0)).collect()
}

/// A border around images or volumes.
pub struct Border {
    /// Left, right, top, bottom, front, back.
    pub sides: Vec<i64>,
    /// In libtorch's word.
    pub mode: &'static str,
}

impl Module for Border {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let spatial = self.sides.len() / 2;
        let x = planes(input, spatial, None)?;
        let extents: Vec<i64> = x.size().into_iter().rev().take(spatial).collect();
        let mirrors = self.mode == "reflect";
        for (pad, &extent) in self.sides.chunks(2).zip(&extents) {
            if extent + pad[0] + pad[1] < 1 || (mirrors && pad.iter().any(|&p| p >= extent)) {
                return Err(size_mismatch(input, "a larger image: the input is too small for these borders")
                    .with_help("crop or mirror fewer pixels than the image has"));
            }
        }
        // libtorch repeats pixels but does not crop in these modes: crop first, then pad.
        let mut y = x.shallow_clone();
        for (i, pad) in self.sides.chunks(2).enumerate() {
            let (before, after) = (pad[0].min(0), pad[1].min(0));
            let dim = y.dim() as i64 - 1 - i as i64;
            y = y.f_narrow(dim, -before, extents[i] + before + after)?;
        }
        let pad: Vec<i64> = self.sides.iter().map(|&pad| pad.max(0)).collect();
        let value = if self.mode == "constant" { Some(0.0) } else { None };
        Ok(y.f_pad(pad, self.mode, value)?.into())
    }
}

/// Cells of one value at one end of a dim.
pub struct Run {
    /// 1-based.
    pub dim: i64,
    /// Rank of a sample, when it was given.
    pub input_dims: Option<i64>,
    /// Positive: behind, negative: in front.
    pub pad: i64,
    /// What the cells hold.
    pub value: f64,
    /// Where the cells go, counted from that end; 1 is outside.
    pub index: i64,
}

fn run_init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    set_arguments(args, fields, &["dim", "pad", "value", "index"])?;
    fields.set("nInputDim", args.value("nInputDim").clone())
}

fn run_build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    Ok(Box::new(Run {
        dim: fields.int("dim")?,
        input_dims: if fields.truthy("nInputDim")? { Some(fields.int("nInputDim")?) } else { None },
        pad: fields.int("pad")?,
        value: fields.number_or("value", 0.0)?,
        index: fields.int_or("index", 1)?,
    }))
}

impl Module for Run {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let shifted = match self.input_dims {
            Some(dims) if x.dim() as i64 != dims => self.dim + 1,
            _ => self.dim,
        };
        let dim = axis(input, x.dim(), shifted, None)?;
        let mut size = x.size();
        let length = size[dim as usize];
        let inside = self.index - 1;
        if !(0..=length).contains(&inside) {
            return Err(size_mismatch(input, format!("at least {inside} entries in dimension {shifted}")));
        }
        let at = if self.pad > 0 { length - inside } else { inside };
        size[dim as usize] = self.pad.abs();
        let cells = tch::Tensor::f_full(&size[..], self.value, (x.kind(), x.device()))?;
        let parts = [x.f_narrow(dim, 0, at)?, cells, x.f_narrow(dim, at, length - at)?];
        Ok(tch::Tensor::f_cat(&parts, dim)?.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{assert_close, object, randn, tensor},
    };

    #[test]
    fn borders() {
        let x = || tensor(&[1, 1, 3], &[1.0, 2.0, 3.0]);
        let zero = object("nn.SpatialZeroPadding", [1i64, -1, 0, 0]);
        assert_eq!(zero.print(), "nn.SpatialZeroPadding(l=1, r=-1, t=0, b=0)");
        assert_close(&zero.eval(x()).1, &[0.0, 1.0, 2.0]);
        let mirror = object("nn.SpatialReflectionPadding", [2i64, 0, 0, 0]);
        assert_close(&mirror.eval(x()).1, &[3.0, 2.0, 1.0, 2.0, 3.0]);
        let repeat = object("nn.SpatialReplicationPadding", [0i64, 2, 0, 0]);
        assert_close(&repeat.eval(x()).1, &[1.0, 2.0, 3.0, 3.0, 3.0]);
        assert!(object("nn.SpatialZeroPadding", [-3i64, 0, 0, 0]).forward(Mode::Train, x()).is_err());
        assert_eq!(object("nn.SpatialZeroPadding", [2i64]).eval(randn(&[2, 1, 3, 3])).0, [2, 1, 7, 7]);
    }

    #[test]
    fn runs_at_either_end() {
        let x = || tensor(&[3], &[1.0, 2.0, 3.0]);
        assert_close(&object("nn.Padding", [1.0, 1.0, 1.0, 9.0]).eval(x()).1, &[1.0, 2.0, 3.0, 9.0]);
        assert_close(&object("nn.Padding", [1.0, -1.0, 1.0, 9.0]).eval(x()).1, &[9.0, 1.0, 2.0, 3.0]);
        assert_close(&object("nn.Padding", [1.0, 1.0, 1.0, 9.0, 2.0]).eval(x()).1, &[1.0, 2.0, 9.0, 3.0]);
        assert_eq!(object("nn.Padding", [1i64, 2, 1]).eval(randn(&[2, 3])).0, [2, 5]);
    }
}
