//! The numbers of a tensor, wherever it lies and whatever it holds.

use crate::{error::Result, nn::Activity};

/// The elements of `tensor` as f32, row-major.
///
/// # Errors
/// When libtorch cannot copy them to the processor.
pub fn values(tensor: &tch::Tensor) -> Result<Vec<f32>> {
    let flat = tensor.f_detach()?.f_to_device(tch::Device::Cpu)?.f_to_kind(tch::Kind::Float)?.f_reshape([-1])?;
    Ok(Vec::try_from(flat)?)
}

/// The numbers of a table's tensors one after another, as one row.
///
/// # Errors
/// When libtorch cannot copy one.
pub fn one_after_another(table: &Activity) -> Result<(Vec<i64>, Vec<f32>)> {
    let parts = table.tensors().into_iter().map(values).collect::<Result<Vec<_>>>()?;
    let all = parts.concat();
    Ok((vec![all.len() as i64], all))
}

/// The shape without a leading 1, which DIGITS drops.
#[must_use]
pub fn without_batch(size: Vec<i64>) -> Vec<i64> {
    match size.as_slice() {
        [1, rest @ ..] if !rest.is_empty() => rest.to_vec(),
        _ => size,
    }
}
