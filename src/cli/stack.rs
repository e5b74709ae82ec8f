//! The stack of the thread that works, whatever the system gives the process (`ulimit -s`).

/// The least that Lua's and Python's limits of depth were measured with: what the standard library gives a thread.
const LEAST: usize = 2 << 20;
/// What a process usually has.
const USUAL: usize = 8 << 20;

#[expect(unsafe_code, reason = "the crate libc does not have it")]
// SAFETY: its type is that of pthread.h.
unsafe extern "C" {
    /// Attributes of the threads that C code makes from now on without any of its own; 0 when they are taken. glibc's.
    fn pthread_setattr_default_np(attributes: *const libc::pthread_attr_t) -> libc::c_int;
}

/// Runs `work` on this thread with a stack that is large enough: its own, or a new one. No second thread is made: a fence
/// holds the thread that enters it.
pub(super) fn with_enough<T>(work: impl FnOnce() -> T) -> T {
    if stacker::remaining_stack().is_none_or(|left| left >= LEAST) {
        return work();
    }
    widen_threads();
    stacker::grow(USUAL, work)
}

/// The threads of libtorch's libraries get what they usually have; by themselves they take the limit of the process.
fn widen_threads() {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::zeroed();
    #[expect(unsafe_code, reason = "the standard library makes its own threads only")]
    // SAFETY: the pointer is to live memory of the right type, which is made before it is used and freed after.
    unsafe {
        if libc::pthread_attr_init(attributes.as_mut_ptr()) == 0 {
            libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), USUAL);
            pthread_setattr_default_np(attributes.as_ptr());
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_stack_is_left_for_a_larger_one() {
        let deep = || with_enough(|| stacker::remaining_stack().unwrap());
        let left = std::thread::Builder::new().stack_size(256 << 10).spawn(deep).unwrap().join().unwrap();
        assert!(left > LEAST, "{left}");
    }
}
