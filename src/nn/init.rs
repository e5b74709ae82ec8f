//! Torch7's `reset` rules: how parameters are drawn, in Torch's order, from Torch's generator.

use super::{
    fields::{Fields, Value},
    spec::Args,
};
use crate::{
    error::Result,
    torch::{Generator, Tensor},
};

/// Copies the named arguments into fields of the same names.
///
/// # Errors
/// When the object refuses.
pub fn set_arguments(args: &Args<'_>, fields: &dyn Fields, names: &[&str]) -> Result<()> {
    for name in names {
        fields.set(name, args.value(name).clone())?;
    }
    Ok(())
}

/// Creates parameter fields with their gradients: `("weight", "gradWeight", sizes)` each, zero-filled.
///
/// # Errors
/// When the memory cannot be had.
pub fn set_parameters(fields: &dyn Fields, list: &[(&str, &str, &[i64])]) -> Result<()> {
    for (name, grad, size) in list {
        fields.set(name, Tensor::zeros(fields.tensor_type(), size)?.into())?;
        fields.set(grad, Tensor::zeros(fields.tensor_type(), size)?.into())?;
    }
    Ok(())
}

/// Two empty tensors of the object's type: the `gradInput` that Torch7 gives some modules of two inputs at birth.
pub(super) fn empty_pair(fields: &dyn Fields) -> Value {
    let empty = || Value::from(Tensor::empty(fields.tensor_type()));
    Value::List(vec![empty(), empty()])
}

/// Fills the named tensor fields, in this order, with U(−s, s), where s = `stdv`·√3 when `reset(stdv)` was called
/// and `limit` otherwise. Fields that are nil are skipped.
///
/// # Errors
/// When a field is no tensor.
pub fn uniform_reset(
    fields: &dyn Fields,
    names: &[&str],
    stdv: Option<f64>,
    limit: f64,
    generator: &mut Generator,
) -> Result<()> {
    let s = stdv.map_or(limit, |stdv| stdv * 3f64.sqrt());
    for name in names {
        if let Some(tensor) = fields.tensor(name)? {
            tensor.fill_from(|block| block.fill_with(|| generator.uniform(-s, s)))?;
        }
    }
    Ok(())
}
