//! Shorter ways to libtorch for calls from Lua, each of which does little: below autograd, and questions about a tensor whose
//! answers need no list on the heap.
//!
//! Sources: `at::AutoDispatchBelowADInplaceOrView`, `at::TensorBase`, by way of `direct.cpp`.

use std::ops::Range;

use torch_sys::C_tensor;

#[expect(unsafe_code, reason = "what direct.cpp defines")]
unsafe extern "C" {
    fn digits_enter_below_autograd() -> u64;
    fn digits_leave_below_autograd(before: u64);
    fn digits_are_alike(a: *const C_tensor, b: *const C_tensor) -> bool;
    fn digits_is_floating(tensor: *const C_tensor) -> bool;
    fn digits_sizes(tensor: *const C_tensor, sizes: *mut i64, count: usize) -> bool;
    fn digits_changes(tensor: *const C_tensor) -> u32;
    fn digits_count_change(tensor: *const C_tensor);
    fn digits_span(tensor: *const C_tensor, span: *mut usize);
}

/// This thread's calls of libtorch go below autograd while it lives.
struct Below(u64);

impl Drop for Below {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "a call into C++")]
        // SAFETY: it sets a number of this thread to what `below_autograd` found.
        unsafe {
            digits_leave_below_autograd(self.0);
        }
    }
}

/// Runs `work` with the operations of this thread below autograd: none of them is recorded in a graph or counted as a change
/// of its tensors, and each is found sooner. For closed forms on tensors of which no graph is kept.
pub fn below_autograd<T>(work: impl FnOnce() -> T) -> T {
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: it reads and sets a number of this thread.
    let _below = Below(unsafe { digits_enter_below_autograd() });
    work()
}

/// The same of work that writes `outs`: each counts one of its [`changes`].
pub fn write_below_autograd<T>(outs: &[&tch::Tensor], work: impl FnOnce() -> T) -> T {
    let done = below_autograd(work);
    outs.iter().for_each(|out| count_change(out));
    done
}

/// Whether both have the same sizes and one type.
#[must_use]
pub fn are_alike(a: &tch::Tensor, b: &tch::Tensor) -> bool {
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: both tensors live through the call, which only reads.
    unsafe {
        digits_are_alike(a.as_ptr(), b.as_ptr())
    }
}

/// Whether its numbers have fractions.
#[must_use]
pub fn is_floating(tensor: &tch::Tensor) -> bool {
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: the tensor lives through the call, which only reads.
    unsafe {
        digits_is_floating(tensor.as_ptr())
    }
}

/// The sizes of a tensor of `N` dimensions.
#[must_use]
pub fn sizes<const N: usize>(tensor: &tch::Tensor) -> Option<[i64; N]> {
    let mut sizes = [0; N];
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: the tensor lives through the call, which writes `N` numbers at most.
    let has_so_many = unsafe { digits_sizes(tensor.as_ptr(), sizes.as_mut_ptr(), N) };
    has_so_many.then_some(sizes)
}

/// How often its memory was written, by whatever view of it: what [`below_autograd`] writes counts where [`count_change`] says so.
#[must_use]
pub fn changes(tensor: &tch::Tensor) -> u32 {
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: the tensor lives through the call, which only reads.
    unsafe {
        digits_changes(tensor.as_ptr())
    }
}

/// Counts one of its [`changes`].
pub fn count_change(tensor: &tch::Tensor) {
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: the tensor lives through the call, which counts up a number of libtorch's that it owns.
    unsafe {
        digits_count_change(tensor.as_ptr());
    }
}

/// Where its elements lie: from the first byte to behind the last one.
#[must_use]
pub fn span(tensor: &tch::Tensor) -> Range<usize> {
    let mut span = [0; 2];
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: the tensor lives through the call, which writes two numbers.
    unsafe {
        digits_span(tensor.as_ptr(), span.as_mut_ptr());
    }
    span[0]..span[1]
}

/// Whether two [`span`]s have no byte in common.
#[must_use]
pub fn are_apart(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.end <= b.start || b.end <= a.start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_autograd_nothing_is_recorded_and_afterwards_it_is() {
        let x = tch::Tensor::from_slice(&[1f32, 2.0]).set_requires_grad(true);
        assert!(!below_autograd(|| x.f_mul_scalar(2.0)).unwrap().requires_grad());
        let thrown = std::panic::catch_unwind(|| below_autograd(|| panic!("in the middle")));
        assert!(thrown.is_err());
        assert!(x.f_mul_scalar(2.0).unwrap().requires_grad());
    }

    #[test]
    fn questions_are_answered_as_tch_answers_them() {
        let x = tch::Tensor::from_slice(&[0f32; 24]).view([2, 3, 4]);
        assert_eq!(sizes::<3>(&x), Some([2, 3, 4]));
        assert_eq!(sizes::<2>(&x), None);
        let part = x.select(1, 1);
        let start = x.data_ptr() as usize;
        assert_eq!(span(&part), start + 16..start + 80);
        assert!(are_apart(&span(&x.select(0, 0)), &span(&x.select(0, 1))) && !are_apart(&span(&part), &span(&x)));
        assert!(are_alike(&part, &x.select(1, 2)));
        assert!(!are_alike(&part, &x.select(0, 1)));
        assert!(!are_alike(&part, &part.to_kind(tch::Kind::Double)));
        assert!(is_floating(&x) && !is_floating(&x.to_kind(tch::Kind::Int64)));
        let before = changes(&x);
        let _ = part.shallow_clone().fill_(1.0);
        assert_eq!(changes(&x), before + 1, "what is written through a view counts");
        let _ = below_autograd(|| part.shallow_clone().fill_(2.0));
        assert_eq!(changes(&x), before + 1);
        count_change(&part);
        assert_eq!(changes(&x), before + 2);
    }
}
