//! The chain's arithmetic: layouts, register tiles, and the phases of a step, for the processor at hand.
//!
//! **In:** layer shapes, pointers to a batch, to the flat parameters and to the velocity. **Out:** updated parameters,
//! losses, outputs. **Never:** libtorch, networks, allocation during a step.
//!
//! Layouts, for a batch of n samples in p = ⌈n/16⌉ panels:
//! - *panel* `[p][features][16]`: sixteen samples side by side; activations and their gradients.
//! - *strip* `[⌈features/16⌉][n][16]`: sixteen features side by side; a layer's input once more, for its weight gradient.
//!
//! Each output number is one chain of multiply-adds in a fixed order (an input gradient: two, one for each part of the
//! outputs), however tiles and threads are cut: the same bits for any number of threads. AVX2 and AVX-512 differ from
//! the portable form by their single rounding.

mod gradient;
pub(super) mod lanes;
mod layout;
mod learn;
mod memory;
mod phases;
pub(super) mod tile;

pub(super) use gradient::WeightGradient;
pub(super) use layout::{Strips, from_panel, to_panel, to_strips};
pub(super) use learn::{Learn, Sgd};
pub(super) use memory::{Buffers, Floats, Layer, MutPtr, PARTS, Shape, share};

use super::team::Barrier;

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
}

/// What is done with one block of samples.
#[derive(Debug, Clone, Copy)]
pub(super) enum Task {
    /// Forward, loss, backward, SGD.
    Train(Update),
    /// Forward and loss; the output goes, row by row, to this address.
    Evaluate(MutPtr),
}

/// The coefficients of the step and where its vectors start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Update {
    /// v ← keep·v + take·(g + decay·x); x ← x − rate·v
    pub(super) decay: f32,
    /// See `decay`.
    pub(super) keep: f32,
    /// See `decay`.
    pub(super) take: f32,
    /// See `decay`.
    pub(super) rate: f32,
    /// The velocity, aligned with the parameters; null without momentum.
    pub(super) velocity: MutPtr,
    /// Gradient of the loss with respect to the squared error's root: 2 / numel, or 2.
    pub(super) loss_scale: f32,
}

/// One block of samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    /// Samples, at most the capacity of the buffers.
    pub(super) n: usize,
    /// `[n, inputs]`, row-major.
    pub(super) input: MutPtr,
    /// `[n, outputs]`, row-major; equal to `input` when the target is the input itself.
    pub(super) target: MutPtr,
    /// The flat parameters.
    pub(super) parameters: MutPtr,
    /// What to do.
    pub(super) task: Task,
}

/// The share of thread `thread` of `threads`. Every thread of the team calls it with the same job.
///
/// # Safety
/// The job's pointers must be good for the shape, and nobody else may touch the buffers, the parameters or the
/// velocity meanwhile. `level` must be one that the processor has.
#[expect(unsafe_code, reason = "calls of functions compiled for a detected processor")]
pub(super) unsafe fn run(
    level: Level,
    shape: &Shape,
    buffers: &Buffers,
    job: &Job,
    (thread, threads): (usize, usize),
    barrier: &Barrier,
) {
    let share = phases::Share { shape, buffers, job, thread, threads, barrier };
    // SAFETY: the features are there, since `level` is one of the processor's; pointers as the caller promises.
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512(&share),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(&share),
            _ => share.run::<lanes::Portable>(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "as `run`")]
unsafe fn avx512(share: &phases::Share<'_>) {
    // SAFETY: this function is compiled for AVX-512.
    unsafe { share.run::<lanes::Avx512>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[expect(unsafe_code, reason = "as `run`")]
unsafe fn avx2(share: &phases::Share<'_>) {
    // SAFETY: this function is compiled for AVX2 and FMA.
    unsafe { share.run::<lanes::Avx2>() }
}
