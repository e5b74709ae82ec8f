//! Settings of the whole process that make steps quick: what the C library does with freed memory.

/// Lets large blocks go back to the system as soon as they are free. By default the C library raises the size from which
/// it does so; what a validation or a snapshot leaves is then cut up by small objects, and the process grows by about
/// 15 MiB an epoch. For engines whose steps allocate nothing large.
pub(super) fn return_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "a setting of the C library without a safe form in std")]
    // SAFETY: the call sets a number.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 128 * 1024);
    }
}

/// Keeps large blocks for the next allocation of their size. libtorch allocates every activation and gradient anew; by
/// default the large ones are mapped and unmapped, and the system clears each of their pages again at every step.
pub(super) fn keep_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "settings of the C library without a safe form in std")]
    // SAFETY: the calls set numbers.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_MMAP_MAX, 0);
    }
}
