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

/// An output's shape without the batch, and its numbers; those of a table one tensor after another, as one row.
///
/// # Errors
/// When libtorch cannot copy one.
pub fn of_output(output: &Activity) -> Result<(Vec<i64>, Vec<f32>)> {
    match output {
        Activity::Tensor(tensor) => Ok((without_batch(tensor.size()), values(tensor)?)),
        Activity::Table(_) => {
            let all = output.tensors().into_iter().map(values).collect::<Result<Vec<_>>>()?.concat();
            Ok((vec![all.len() as i64], all))
        }
    }
}

/// The lowest and the highest number that is finite; infinities the wrong way round where none is.
#[must_use]
pub fn ends(values: &[f32]) -> [f32; 2] {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    [finite().fold(f32::INFINITY, f32::min), finite().fold(f32::NEG_INFINITY, f32::max)]
}

/// The shape without a leading 1, which DIGITS drops.
#[must_use]
pub fn without_batch(size: Vec<i64>) -> Vec<i64> {
    match size.as_slice() {
        [1, rest @ ..] if !rest.is_empty() => rest.to_vec(),
        _ => size,
    }
}
