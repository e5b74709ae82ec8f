//! Limits that the kernel keeps for a fenced process.

/// No core dump: a crash would write all memory, images and weights included, to the disk.
pub(super) fn set() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    #[expect(unsafe_code, reason = "the standard library has no limits")]
    // SAFETY: the pointer is to a live value; lowering a limit is always allowed.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
    }
}
