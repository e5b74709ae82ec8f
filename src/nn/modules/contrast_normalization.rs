//! Images relative to their neighbourhood: minus the local mean (`Subtractive`), over the local deviation (`Divisive`), or
//! both (`Contrastive`). `[n, c, h, w]`, the batch optional.
//!
//! Torch7: `nn/SpatialSubtractiveNormalization.lua`, `SpatialDivisiveNormalization.lua`,
//! `SpatialContrastiveNormalization.lua`. The kernel has odd extents; a 1-D kernel is used along both dims. It is divided
//! **in place** by its sum · planes (1-D, divisive: sum · √planes). Zeros are padded, and the mean over what the zeros
//! displace is corrected (`coef`).

use super::pointwise::sqrt;
use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::Fields,
        layout::planes,
        module::{Context, Module},
        refusals::missing,
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional},
    },
    torch::{Generator, Tensor},
};

const PLANES: Arg = optional("nInputPlane", ArgKind::Int, Missing::Number(1.0));
const KERNEL: Arg = optional("kernel", ArgKind::Tensor, Missing::Nil);
const THRESHOLD: Arg = optional("threshold", ArgKind::Number, Missing::Nil);
const VALUE: Arg = optional("thresval", ArgKind::Number, Missing::Nil);
const PROBE: Probe = Probe::module("2, torch.rand(3, 3)", "torch.randn(2, 2, 4, 3)");

/// `nn.SpatialSubtractiveNormalization([nInputPlane=1, kernel])`,
/// `nn.SpatialDivisiveNormalization([nInputPlane=1, kernel, threshold=1e-4, thresval=threshold])`,
/// `nn.SpatialContrastiveNormalization(…)` with the same arguments. The kernel is 9x9 ones unless given.
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[PLANES, KERNEL],
        init: Some(|args, fields, _: &mut Generator| init(args, fields, true, false)),
        ..Spec::module(&["nn.SpatialSubtractiveNormalization"], build, PROBE)
    },
    Spec {
        args: &[PLANES, KERNEL, THRESHOLD, VALUE],
        init: Some(|args, fields, _: &mut Generator| init(args, fields, false, true)),
        ..Spec::module(&["nn.SpatialDivisiveNormalization"], build, PROBE)
    },
    Spec {
        args: &[PLANES, KERNEL, THRESHOLD, VALUE],
        init: Some(|args, fields, _: &mut Generator| init(args, fields, true, true)),
        ..Spec::module(&["nn.SpatialContrastiveNormalization"], build, PROBE)
    },
];

/// Local statistics of an image.
pub struct ContrastNormalization {
    /// `[kH, kW]` for the mean; `None` when nothing is subtracted.
    mean: Option<tch::Tensor>,
    /// `[kH, kW]` for the deviation; `None` when nothing is divided.
    deviation: Option<tch::Tensor>,
    planes: i64,
    threshold: f64,
    value: f64,
}

fn init(args: &Args<'_>, fields: &dyn Fields, subtracts: bool, divides: bool) -> Result<()> {
    let planes = args.int("nInputPlane");
    fields.set("nInputPlane", planes.into())?;
    let kernel = match args.tensor("kernel") {
        Some(kernel) => kernel.clone(),
        None => {
            let ones = tch::Tensor::f_ones([9, 9], (tch::Kind::Double, tch::Device::Cpu))?;
            Tensor::copied(fields.tensor_type(), &ones)?
        }
    };
    let size = kernel.size();
    if !matches!(size.len(), 1 | 2) || size.iter().any(|extent| extent % 2 == 0) {
        let message = format!("<{}> averaging kernel must be 2D or 1D and have ODD dimensions", fields.class());
        return Err(Error::new(Kind::Argument, message).with_fact("it has the size", format!("{size:?}")));
    }
    fields.set("kernel", kernel.clone().into())?;
    // Torch7 changes the tensor that was given; each of the two normalisations keeps what it had then.
    let keep = |name: &str, divisor: f64| -> Result<()> {
        let mut view = kernel.view();
        let sum = view.f_sum(tch::Kind::Double)?.f_double_value(&[])? * divisor;
        let _ = view.f_div_scalar_(sum)?;
        fields.set(name, Tensor::copied(fields.tensor_type(), &view)?.into())
    };
    if subtracts {
        keep("meanKernel", planes as f64)?;
    }
    if divides {
        keep("deviationKernel", if size.len() == 1 { (planes as f64).sqrt() } else { planes as f64 })?;
        let threshold = args.number_or("threshold", 1e-4);
        fields.set("threshold", threshold.into())?;
        fields.set("thresval", args.number_or("thresval", threshold).into())?;
    }
    Ok(())
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let kernel = |name: &str| -> Result<Option<tch::Tensor>> {
        let Some(kernel) = fields.tensor(name)? else { return Ok(None) };
        let view = kernel.view();
        // A 1-D kernel runs along both dims: its products with itself.
        Ok(Some(if view.dim() == 1 { view.f_outer(&view)? } else { view }))
    };
    let (mean, deviation) = (kernel("meanKernel")?, kernel("deviationKernel")?);
    if mean.is_none() && deviation.is_none() {
        return Err(missing(fields, "kernel"));
    }
    let threshold = fields.number_or("threshold", 1e-4)?;
    Ok(Box::new(ContrastNormalization {
        mean,
        deviation,
        planes: fields.int("nInputPlane")?,
        threshold,
        value: fields.number_or("thresval", threshold)?,
    }))
}

/// The kernel's sum over all planes around each pixel, zeros outside: `[n, 1, h, w]`.
fn local_sum(x: &tch::Tensor, kernel: &tch::Tensor) -> Result<tch::Tensor> {
    let (height, width) = kernel.size2()?;
    let planes = x.size()[1];
    let weight = kernel.f_to_kind(x.kind())?.f_expand([1, planes, height, width], false)?;
    let none: Option<&tch::Tensor> = None;
    Ok(x.f_conv2d(&weight, none, [1, 1], [height / 2, width / 2], [1, 1], 1)?)
}

/// [`local_sum`] of ones.
fn coefficient(x: &tch::Tensor, kernel: &tch::Tensor) -> Result<tch::Tensor> {
    let size = x.size();
    let ones = tch::Tensor::f_ones([1, size[1], size[2], size[3]], (x.kind(), x.device()))?;
    local_sum(&ones, kernel)
}

impl Module for ContrastNormalization {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = planes(input, 2, Some(self.planes))?;
        let has_batch = x.dim() == 4;
        let mut y = if has_batch { x.shallow_clone() } else { x.f_unsqueeze(0)? };
        if let Some(kernel) = &self.mean {
            y = y.f_sub(&local_sum(&y, kernel)?.f_div(&coefficient(&y, kernel)?)?)?;
        }
        if let Some(kernel) = &self.deviation {
            let local = sqrt(&local_sum(&y.f_square()?, kernel)?)?.f_div(&coefficient(&y, kernel)?)?;
            let floor = local.f_full_like(self.value)?;
            y = y.f_div(&local.f_where_self(&local.f_gt(self.threshold)?, &floor)?)?;
        }
        Ok(if has_batch { y } else { y.f_squeeze_dim(0)? }.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        nn::{
            Value,
            testing::{assert_close, object, randn, tensor, try_object},
        },
        torch::{Tensor, TensorType},
    };

    fn kernel(size: &[i64]) -> Value {
        let ones = tch::Tensor::ones(size, (tch::Kind::Double, tch::Device::Cpu));
        Value::Tensor(Tensor::from_tch(TensorType::DOUBLE, &ones).unwrap())
    }

    #[test]
    fn the_mean_of_what_is_there() {
        let x = || tensor(&[1, 1, 3], &[3.0, 6.0, 0.0]);
        let subtractive = object("nn.SpatialSubtractiveNormalization", [1i64.into(), kernel(&[1, 3])]);
        assert_close(&subtractive.eval(x()).1, &[-1.5, 3.0, -3.0]);
        let line = object("nn.SpatialSubtractiveNormalization", [1i64.into(), kernel(&[3])]);
        assert_close(&line.eval(x()).1, &[-1.5, 3.0, -3.0]);
        let divisive = object("nn.SpatialDivisiveNormalization", [1i64.into(), kernel(&[1, 1])]);
        assert_close(&divisive.eval(x()).1, &[1.0, 1.0, 0.0]);
    }

    #[test]
    fn both_are_one_after_the_other_and_the_kernel_changes_in_place() {
        let given = kernel(&[3, 3]);
        let both = object("nn.SpatialContrastiveNormalization", [2i64.into(), given.clone()]);
        let Value::Tensor(tensor) = given else { unreachable!() };
        assert!((tensor.values().unwrap().iter().sum::<f64>() - 0.5).abs() < 1e-12);
        let first = object("nn.SpatialSubtractiveNormalization", [2i64.into(), kernel(&[3, 3])]);
        let second = object("nn.SpatialDivisiveNormalization", [2i64.into(), kernel(&[3, 3])]);
        let (size, middle) = first.eval(randn(&[2, 4, 5]));
        let wanted = second.eval(super::super::super::testing::tensor(&size, &middle)).1;
        assert_close(&both.eval(randn(&[2, 4, 5])).1, &wanted);
        assert!(try_object("nn.SpatialSubtractiveNormalization", vec![1i64.into(), kernel(&[2, 3])]).is_err());
    }
}
