//! Images to other sizes: pooled to a fixed size, or planes dealt out as pixels. `[n, c, h, w]`, the batch optional.
//!
//! Torch7: `nn/SpatialAdaptiveMaxPooling.lua`, `SpatialAdaptiveAveragePooling.lua` (width first), `PixelShuffle.lua`.

use crate::{
    error::{Error, Kind as ErrorKind, Result},
    nn::{
        activity::Activity,
        fields::Fields,
        init::set_arguments,
        layout::planes,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Arg, ArgKind, Args, Probe, Spec, required},
    },
    torch::Generator,
};

const SIZE: &[Arg] = &[required("W", ArgKind::Int), required("H", ArgKind::Int)];

macro_rules! row {
    ($class:literal, $args:expr, $print:expr, $probe:expr, $kind:expr) => {
        Spec {
            args: $args,
            init: Some(init),
            print: $print,
            ..Spec::module(&[$class], |b| Ok(Box::new(Resize($kind(b.fields())?))), $probe)
        }
    };
}

fn quiet(_: &dyn Fields) -> Result<String> {
    Ok(String::new())
}

/// The classes.
pub const SPECS: &[Spec] = &[
    row!(
        "nn.SpatialAdaptiveMaxPooling",
        SIZE,
        quiet,
        Probe::module("2, 3", "torch.randn(1, 2, 5, 4)"),
        |f: &dyn Fields| Ok::<_, Error>(Kind::AdaptiveMax([f.int("H")?, f.int("W")?]))
    ),
    row!(
        "nn.SpatialAdaptiveAveragePooling",
        SIZE,
        quiet,
        Probe::module("2, 3", "torch.randn(1, 2, 5, 4)"),
        |f: &dyn Fields| Ok::<_, Error>(Kind::AdaptiveAverage([f.int("H")?, f.int("W")?]))
    ),
    Spec {
        init: Some(|args, fields, generator| {
            let factor = args.int("upscaleFactor");
            fields.set("upscaleFactorSquared", (factor * factor).into())?;
            init(args, fields, generator)
        }),
        ..row!(
            "nn.PixelShuffle",
            &[required("upscaleFactor", ArgKind::Int)],
            quiet,
            Probe::module("2", "torch.randn(1, 4, 2, 2)"),
            |f: &dyn Fields| Ok::<_, Error>(Kind::Shuffle(f.int("upscaleFactor")?))
        )
    },
];

enum Kind {
    AdaptiveMax([i64; 2]),
    AdaptiveAverage([i64; 2]),
    Shuffle(i64),
}

/// A change of resolution.
pub struct Resize(Kind);

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    for name in args.names() {
        if args.int(name) < 1 {
            let message = format!("{name} to {}: a number above 0 expected, got {}", fields.class(), args.number(name));
            return Err(Error::new(ErrorKind::Argument, message));
        }
        set_arguments(args, fields, &[name])?;
    }
    Ok(())
}

impl Module for Resize {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = planes(input, 2, None)?;
        // libtorch enlarges batches only.
        let has_batch = x.dim() == 4;
        let batch = if has_batch { x.shallow_clone() } else { x.f_unsqueeze(0)? };
        let channels = batch.size4()?.1;
        let y = match self.0 {
            Kind::AdaptiveMax(size) => batch.f_adaptive_max_pool2d(size)?.0,
            Kind::AdaptiveAverage(size) => batch.f_adaptive_avg_pool2d(size)?,
            Kind::Shuffle(factor) if channels % (factor * factor) == 0 => batch.f_pixel_shuffle(factor)?,
            Kind::Shuffle(factor) => {
                return Err(size_mismatch(input, format!("a number of planes divisible by {}", factor * factor))
                    .with_help("let the convolution before it give upscaleFactor² planes for each plane wanted"));
            }
        };
        Ok(if has_batch { y } else { y.f_squeeze_dim(0)? }.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{assert_close, object, randn, tensor},
    };

    #[test]
    fn by_hand() {
        let x = || tensor(&[1, 1, 2], &[1.0, 4.0]);
        assert_close(&object("nn.SpatialAdaptiveMaxPooling", [1i64, 1]).eval(x()).1, &[4.0]);
        assert_close(&object("nn.SpatialAdaptiveAveragePooling", [1i64, 1]).eval(x()).1, &[2.5]);
        let shuffle = object("nn.PixelShuffle", [2i64]);
        assert_eq!(shuffle.eval(randn(&[3, 8, 2, 5])).0, [3, 2, 4, 10]);
        assert!(shuffle.forward(Mode::Train, randn(&[3, 3, 2, 2])).is_err());
    }
}
