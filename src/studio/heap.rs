//! The server's heap: what a long curve took while it was read goes back to the system.

/// Asks glibc for few arenas, and for buffers of their own mapping from 128 KiB on, for the whole life of the process: by itself
/// it moves that limit up with every large buffer that is given back, and keeps as much as was ever read.
///
/// Source: mallopt(3).
pub(super) fn keep_small() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (what, value) in
        [(libc::M_ARENA_MAX, 2), (libc::M_MMAP_THRESHOLD, 128 << 10), (libc::M_TRIM_THRESHOLD, 128 << 10)]
    {
        #[expect(unsafe_code, reason = "the standard library has no word for the allocator")]
        // SAFETY: plain numbers; what the allocator has given out stays where it is.
        unsafe {
            libc::mallopt(what, value);
        }
    }
}
