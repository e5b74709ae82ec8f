//! Settings of the whole process that make steps quick: what the C library does with freed memory, and how long
//! libgomp's threads wait for work.

use std::{sync::Once, thread};

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

/// Keeps libgomp's threads from spinning for milliseconds when they wait for each other.
///
/// By default they spin for about 300,000 rounds: when another process wants the cores, a step takes ten times as long.
/// libgomp reads its settings before `main`, but waits about 1000 rounds only, then sleeps, as long as the process holds
/// more of its threads than there are cores. So a thread of ours uses them once, which gives it a team of its own, and
/// keeps that team asleep until the process ends. On a quiet machine steps are as quick as before.
pub(super) fn short_waits() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if tch::get_num_threads() < 2 {
            return;
        }
        // Without the thread all is as it was: correct, and slow on a shared machine.
        let _ = thread::Builder::new().name("libgomp's patience".to_string()).spawn(|| {
            // Long enough for libtorch to share it out.
            let _ = tch::Tensor::ones([1 << 20], (tch::Kind::Float, tch::Device::Cpu)).f_neg();
            loop {
                thread::park();
            }
        });
    });
}
