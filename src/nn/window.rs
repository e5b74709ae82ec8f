//! Windows that slide over images and volumes: the names of their dims, their arguments and fields, how they print.

use super::{
    fields::Fields,
    init::{set_parameters, uniform_reset},
    layout::pair,
    spec::{Arg, ArgKind, Missing, optional, required},
};
use crate::{
    error::Result,
    torch::{Generator, Tensor},
};

/// The dims of an image, outermost first.
pub(super) const IMAGE: &[&str] = &["H", "W"];
/// The dims of a volume, outermost first.
pub(super) const VOLUME: &[&str] = &["T", "H", "W"];

/// A whole number that must be given.
pub(super) const fn int(name: &'static str) -> Arg {
    required(name, ArgKind::Int)
}

/// A whole number, `default` when it is not given.
pub(super) const fn int_or(name: &'static str, default: f64) -> Arg {
    optional(name, ArgKind::Int, Missing::Number(default))
}

/// A whole number that the constructor derives from others when it is not given.
pub(super) const fn int_later(name: &'static str) -> Arg {
    optional(name, ArgKind::Int, Missing::Nil)
}

/// Creates weight and bias with their gradients, the weight of extents `size`, the bias of `output`, and draws them.
///
/// # Errors
/// When the memory cannot be had.
pub(super) fn set_kernels(fields: &dyn Fields, size: &[i64], output: i64, generator: &mut Generator) -> Result<()> {
    set_parameters(fields, &[("weight", "gradWeight", size), ("bias", "gradBias", &[output])])?;
    fields.set("finput", Tensor::empty(fields.tensor_type()).into())?;
    fields.set("fgradInput", Tensor::empty(fields.tensor_type()).into())?;
    reset_kernels(fields, None, generator)
}

/// U(±1/√(in·kernel elements)) for weight, then bias; `reset(stdv)` as Torch7 has it.
///
/// # Errors
/// When a field is missing or no number.
pub(super) fn reset_kernels(fields: &dyn Fields, stdv: Option<f64>, generator: &mut Generator) -> Result<()> {
    let fan_in = fields.number("nInputPlane")?
        * fields.number_or("kT", 1.0)?
        * fields.number("kW")?
        * fields.number_or("kH", 1.0)?;
    uniform_reset(fields, &["weight", "bias"], stdv, 1.0 / fan_in.sqrt(), generator)
}

/// `(in -> out, kWxkH, dW,dH, padW,padH`: strides and pads only when they are not the usual ones; no bracket.
///
/// # Errors
/// As `reset_kernels`.
pub(super) fn describe_window(fields: &dyn Fields, dims: &[&str]) -> Result<String> {
    let kernel = pair(&printed(fields, dims, "k", 1)?, "x");
    let (stride, pad) = (printed(fields, dims, "d", 1)?, printed(fields, dims, "pad", 0)?);
    let mut text = format!("({} -> {}, {kernel}", fields.int("nInputPlane")?, fields.int("nOutputPlane")?);
    let is_padded = pad.iter().any(|&pad| pad != 0);
    if is_padded || stride.iter().any(|&step| step != 1) {
        text += &format!(", {}", pair(&stride, ","));
    }
    if is_padded {
        text += &format!(", {}", pair(&pad, ","));
    }
    Ok(text)
}

/// Fields `{prefix}W`, `{prefix}H` (`T` first) in the order in which Torch7 prints them.
///
/// # Errors
/// When a field is no number.
pub(super) fn printed(fields: &dyn Fields, dims: &[&str], prefix: &str, default: i64) -> Result<Vec<i64>> {
    let order: &[&str] = if dims.len() == 2 { &["W", "H"] } else { &["T", "W", "H"] };
    extents(fields, order, prefix, default)
}

/// Fields `{prefix}T`, `{prefix}H`, `{prefix}W` in libtorch's order.
///
/// # Errors
/// When a field is no number.
pub(super) fn extents(fields: &dyn Fields, dims: &[&str], prefix: &str, default: i64) -> Result<Vec<i64>> {
    dims.iter().map(|dim| fields.int_or(&format!("{prefix}{dim}"), default)).collect()
}
