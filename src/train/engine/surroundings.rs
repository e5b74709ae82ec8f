//! What an engine wants of the process that it runs in: libtorch's threads, and what the C library does with freed memory.
//! An engine only says so; the program grants it, once, before the first step.

use serde::Serialize;

/// An engine's wishes. Without them it gives the same numbers, only slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Surroundings {
    /// libtorch's threads; `None` leaves their number as it is.
    pub libtorch_threads: Option<i32>,
    /// What the C library does with large blocks that are free.
    pub large_blocks: LargeBlocks,
}

/// What the C library does with large blocks of memory that are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LargeBlocks {
    /// They go back to the system at once. By default the C library raises the size from which it does so; what a
    /// validation or a snapshot leaves is then cut up by small objects, and the process grows by about 15 MiB an epoch.
    /// For engines whose steps allocate nothing large.
    Return,
    /// They are kept for the next allocation of their size. libtorch allocates every activation and gradient anew; by
    /// default the large ones are mapped and unmapped, and the system clears each of their pages again at every step.
    Keep,
}

impl Surroundings {
    /// Of an engine with `members` threads of its own, whose steps allocate nothing large: libtorch's threads would
    /// compete with them for the processors.
    pub(super) fn of_team(members: usize) -> Surroundings {
        Surroundings { libtorch_threads: (members > 1).then_some(1), large_blocks: LargeBlocks::Return }
    }

    /// Grants it, for the whole process; libtorch's threads, for the calling thread and those made later.
    pub fn grant(&self) {
        if let Some(threads) = self.libtorch_threads {
            tch::set_num_threads(threads);
        }
        self.large_blocks.grant();
    }
}

impl LargeBlocks {
    fn grant(self) {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        #[expect(unsafe_code, reason = "settings of the C library without a safe form in std")]
        // SAFETY: the calls set numbers.
        unsafe {
            match self {
                LargeBlocks::Return => {
                    libc::mallopt(libc::M_MMAP_THRESHOLD, 128 * 1024);
                    libc::mallopt(libc::M_MMAP_MAX, 65_536); // the C library's own number, after a `Keep`
                }
                LargeBlocks::Keep => {
                    libc::mallopt(libc::M_MMAP_THRESHOLD, i32::MAX);
                    libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
                    libc::mallopt(libc::M_MMAP_MAX, 0);
                }
            }
        }
    }
}
