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

    /// Grants it until the answer is dropped, for the whole process; libtorch's threads, for the calling thread and those
    /// made later.
    #[must_use = "what is granted is taken back when the answer is dropped"]
    pub fn grant(&self) -> Granted {
        let threads_before = self.libtorch_threads.map(|threads| {
            let before = tch::get_num_threads();
            tch::set_num_threads(threads);
            before
        });
        self.large_blocks.grant();
        Granted { threads_before }
    }
}

/// What an engine was granted. Dropped, on the thread that granted it, it gives libtorch its threads back; the C library
/// keeps its settings, which cannot be read, until other ones are granted.
#[derive(Debug)]
pub struct Granted {
    threads_before: Option<i32>,
}

impl Drop for Granted {
    fn drop(&mut self) {
        self.threads_before.into_iter().for_each(tch::set_num_threads);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_granted_until_the_grant_is_dropped() {
        let before = tch::get_num_threads();
        tch::set_num_threads(3);
        let wanted = |libtorch_threads| Surroundings { libtorch_threads, large_blocks: LargeBlocks::Return };
        let granted = wanted(Some(1)).grant();
        assert_eq!(tch::get_num_threads(), 1);
        drop(granted);
        assert_eq!(tch::get_num_threads(), 3);
        drop(wanted(None).grant());
        assert_eq!(tch::get_num_threads(), 3, "nothing was wanted");
        tch::set_num_threads(before);
    }
}
