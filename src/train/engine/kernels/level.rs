//! `Level`: which instructions run the kernels, and the way into code that is compiled for them.
#![expect(unsafe_code, reason = "calls of functions compiled for a detected processor")]

use super::lanes::{self, Lanes};

/// Which instructions run the kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// AVX-512F
    Avx512,
    /// AVX2 and FMA
    Avx2,
    /// Any processor
    Portable,
}

impl Level {
    /// The best that this processor has.
    #[must_use]
    pub fn detect() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Level::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Level::Avx2;
            }
        }
        Level::Portable
    }

    /// For the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Avx512 => "avx512",
            Level::Avx2 => "avx2",
            Level::Portable => "portable",
        }
    }

    /// Every level that this processor can run.
    #[must_use]
    pub fn available() -> Vec<Level> {
        let mut levels = vec![Level::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Level::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                levels.push(Level::Avx512);
            }
        }
        levels
    }

    /// Does the work, compiled for this level.
    ///
    /// # Safety
    /// The processor must have it ([`Level::available`]), and the work's own demands must be met.
    pub(in crate::train::engine) unsafe fn run<W: Work>(self, work: &W) {
        // SAFETY: the features are there, and what the work demands is, as the caller promises.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => avx512(work),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => avx2(work),
                _ => work.run::<lanes::Portable>(),
            }
        }
    }
}

/// Work that is compiled once for each level. A trait, not closures: its function must be inlined into code compiled for
/// the processor.
pub(in crate::train::engine) trait Work {
    /// Does it.
    ///
    /// # Safety
    /// The caller must be compiled for R's processor; what else must hold, the implementor says.
    unsafe fn run<R: Lanes>(&self);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512<W: Work>(work: &W) {
    // SAFETY: this function is compiled for AVX-512; the rest as the caller promises.
    unsafe { work.run::<lanes::Avx512>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<W: Work>(work: &W) {
    // SAFETY: this function is compiled for AVX2 and FMA; the rest as the caller promises.
    unsafe { work.run::<lanes::Avx2>() }
}

/// An engine of these kernels in words: `chain (4 layers, avx2, 2 threads)`.
pub(in crate::train::engine) fn described(
    kind: &str,
    (count, what): (usize, &str),
    level: Level,
    threads: usize,
) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!("{kind} ({count} {what}{}, {}, {threads} thread{})", plural(count), level.name(), plural(threads))
}
