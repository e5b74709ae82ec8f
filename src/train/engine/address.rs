//! Where libtorch's numbers lie, for the kernels.

use super::kernels::MutPtr;
use crate::error::{Error, Kind, Result};

/// The address of the first of at least `len` contiguous f32 in processor memory. Asked for anew at each step, after the
/// last call of the user's code: an address is never kept across one.
///
/// # Errors
/// When the tensor is anything else.
pub(super) fn start(tensor: &tch::Tensor, len: usize) -> Result<MutPtr> {
    let usual = tensor.kind() == tch::Kind::Float && tensor.device() == tch::Device::Cpu && tensor.is_contiguous();
    if usual && tensor.numel() >= len {
        return Ok(MutPtr(tensor.data_ptr().cast()));
    }
    Err(Error::new(Kind::Shape, "a vector in training is no longer what the engine was made for")
        .with_fact("it is", format!("{:?} of {:?}", tensor.size(), tensor.kind()))
        .with_fact("it was", format!("{len} contiguous f32 in processor memory")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_as_planned_has_an_address() {
        let numbers = tch::Tensor::from_slice(&[1f32, 2., 3., 4.]).view([2, 2]);
        assert_eq!(start(&numbers, 4).unwrap().0.cast(), numbers.data_ptr());
        assert!(start(&numbers, 5).is_err());
        assert!(start(&numbers.transpose(0, 1), 4).is_err());
        assert!(start(&numbers.to_kind(tch::Kind::Double), 4).is_err());
    }
}
