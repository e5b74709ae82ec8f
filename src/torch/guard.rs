//! Every call of libtorch is guarded in one place: its large allocations are measured first, and its refusals are values.
//!
//! The other half is `guard.cpp`: libtorch's allocator for processor memory, and what tch asks after a call.

use std::sync::Once;

use super::memory;

#[expect(unsafe_code, reason = "what guard.cpp defines")]
unsafe extern "C" {
    fn digits_measure_allocations(ask: extern "C" fn(usize) -> bool, least: usize);
    fn digits_ask_for_large_pages();
}

extern "C" fn may_take(bytes: usize) -> bool {
    memory::may_take(bytes as u64)
}

/// Lets libtorch ask [`memory::may_take`] before each large block of processor memory; done once a process.
pub fn measure_allocations() {
    static ONCE: Once = Once::new();
    #[expect(unsafe_code, reason = "a call into C++")]
    ONCE.call_once(|| {
        // SAFETY: it keeps a function and a number; tensors of the allocator before are freed as they were.
        unsafe { digits_measure_allocations(may_take, memory::LARGE as usize) }
    });
}

/// Keeps the heap of this process in large pages as it grows, and what is given back to it: for programs of the user's, whose
/// modules each keep tensors of some kilobytes, which lie all over it. A tenth of the time of an unrolled LSTM.
///
/// Sources: mallopt(3), madvise(2).
pub fn keep_large_pages() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (what, value) in [
        // The largest that glibc takes; by itself it would go there with the first large block that is given back.
        (libc::M_MMAP_THRESHOLD, 32 << 20),
        (libc::M_TRIM_THRESHOLD, 256 << 20),
        (libc::M_TOP_PAD, 32 << 20),
    ] {
        #[expect(unsafe_code, reason = "the standard library has no word for the allocator")]
        // SAFETY: plain numbers; what the allocator has given out stays where it is.
        unsafe {
            libc::mallopt(what, value);
        }
    }
    measure_allocations();
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: it sets a number; pages that the system makes larger hold what they held.
    unsafe {
        digits_ask_for_large_pages();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_refusal_with_a_scalar_is_a_value() {
        let numbers = tch::Tensor::from_slice(&[1f32, 2., 3., 4.]).view([2, 2]);
        let ten_times = 0..10;
        for _ in ten_times {
            assert!(numbers.f_renorm(-1.0, 0, 1.0).unwrap_err().to_string().contains("renorm"));
            assert!(numbers.shallow_clone().f_masked_fill_(&numbers, 1.0).is_err());
            assert_eq!(numbers.f_add_scalar(1.0).unwrap().double_value(&[1, 1]), 5.0);
            assert!(numbers.f_mm(&numbers.f_narrow(0, 0, 1).unwrap()).is_err());
            assert!(numbers.f_narrow(0, 5, 1).is_err());
        }
    }
}
