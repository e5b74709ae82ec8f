//! Where libtorch's numbers lie, for the kernels.

use super::kernels::MutPtr;

/// The address of a tensor's first element.
pub(super) fn start(tensor: &tch::Tensor) -> MutPtr {
    MutPtr(tensor.data_ptr().cast())
}
