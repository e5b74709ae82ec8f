//! Batch memory that is used again: a pool of tensor pairs, handed out and given back.

use std::sync::{Mutex, PoisonError};

use crate::{data::transform::Element, error::Result};

/// Room for one full batch.
pub(super) struct Buffers {
    input: tch::Tensor,
    target: tch::Tensor,
}

impl Buffers {
    /// The memory of both tensors.
    ///
    /// # Panics
    /// When `I` and `T` are not the pool's types.
    pub(super) fn slices<I: Element, T: Element>(&mut self) -> (&mut [I], &mut [T]) {
        assert!(self.input.kind() == I::KIND && self.target.kind() == T::KIND, "two types a pool");
        (values(&mut self.input), values(&mut self.target))
    }

    /// Views of the first `count` records.
    pub(super) fn tensors(&self, count: usize) -> Result<(tch::Tensor, tch::Tensor)> {
        let count = count as i64;
        Ok((self.input.f_narrow(0, 0, count)?, self.target.f_narrow(0, 0, count)?))
    }
}

#[expect(unsafe_code, reason = "filling a batch in place saves a copy and an allocation for each batch")]
fn values<T: Element>(tensor: &mut tch::Tensor) -> &mut [T] {
    // SAFETY: the pool made the tensor on the CPU, contiguous, zeroed, of the type that `slices` checked; it is lent to
    // one thread at a time, and views of it died with their batch (as `Batch` says). No code of the user's has it: a
    // `labelHook` is given copies.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<T>(), tensor.numel()) }
}

/// The buffers that no batch is using.
pub(super) struct Pool {
    input: (tch::Kind, Vec<i64>),
    target: (tch::Kind, Vec<i64>),
    free: Mutex<Vec<Buffers>>,
}

impl Pool {
    /// A pool of batches of these types and shapes, batch dimension included.
    pub(super) fn new(input: (tch::Kind, Vec<i64>), target: (tch::Kind, Vec<i64>)) -> Pool {
        Pool { input, target, free: Mutex::new(Vec::new()) }
    }

    /// Bytes of one batch.
    pub(super) fn batch_bytes(&self) -> usize {
        let bytes = |(kind, shape): &(tch::Kind, Vec<i64>)| {
            let count =
                shape.iter().fold(1usize, |all, &extent| all.saturating_mul(usize::try_from(extent).unwrap_or(0)));
            count.saturating_mul(kind.elt_size_in_bytes())
        };
        bytes(&self.input).saturating_add(bytes(&self.target))
    }

    /// A free pair, or a new one.
    pub(super) fn take(&self) -> Result<Buffers> {
        if let Some(buffers) = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(buffers);
        }
        let zeros = |(kind, shape): &(tch::Kind, Vec<i64>)| tch::Tensor::f_zeros(shape, (*kind, tch::Device::Cpu));
        Ok(Buffers { input: zeros(&self.input)?, target: zeros(&self.target)? })
    }

    /// Takes a pair back.
    pub(super) fn give_back(&self, buffers: Buffers) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(buffers);
    }
}
