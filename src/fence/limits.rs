//! Limits that the kernel keeps for a fenced process.

/// What a network file's process has no use for. A core dump: a crash would write all memory, images and weights included, to
/// the disk. Queues of messages. Better or real-time priority than it was started with.
const NONE: [libc::__rlimit_resource_t; 4] =
    [libc::RLIMIT_CORE, libc::RLIMIT_MSGQUEUE, libc::RLIMIT_NICE, libc::RLIMIT_RTPRIO];

/// Nothing of these for this process.
pub(super) fn set() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    for limit in NONE {
        #[expect(unsafe_code, reason = "the standard library has no limits")]
        // SAFETY: the pointer is to a live value; lowering a limit is always allowed.
        unsafe {
            libc::setrlimit(limit, &raw const none);
        }
    }
}
