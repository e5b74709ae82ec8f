//! One pass over flat vectors: the elementwise part of every rule, on the processor in f32 and f64.
//!
//! The loop is compiled for AVX-512, AVX2 and the baseline and chosen at run time. Nothing is contracted to fused
//! multiply-adds, so all three give the same bits.

use std::ops::{Add, Div, Mul, Sub};

/// f32 or f64, as far as the rules need arithmetic.
pub(super) trait Real:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The setting, rounded to this type as Torch7 rounds scalars.
    fn of(number: f64) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
}

impl Real for f32 {
    #[inline(always)]
    fn of(number: f64) -> f32 {
        number as f32
    }
    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }
}

impl Real for f64 {
    #[inline(always)]
    fn of(number: f64) -> f64 {
        number
    }
    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
}

/// What a rule does with one parameter `x`, its gradient `g` and its `S` numbers of state.
pub(super) trait Rule<const S: usize> {
    /// The new parameter and the new state.
    fn update<T: Real>(&self, x: T, g: T, state: [T; S]) -> (T, [T; S]);
}

/// Applies `rule` to all elements in one pass. False when the tensors are not contiguous f32 or f64 vectors of the
/// processor in separate memory: the caller then uses libtorch's operations.
pub(super) fn sweep<const S: usize>(
    rule: &impl Rule<S>,
    x: &tch::Tensor,
    g: &tch::Tensor,
    state: [&tch::Tensor; S],
) -> bool {
    let all = || [x, g].into_iter().chain(state);
    let bytes = match x.kind() {
        tch::Kind::Float => 4,
        tch::Kind::Double => 8,
        _ => return false,
    };
    let fits = |t: &tch::Tensor| {
        t.device() == tch::Device::Cpu && t.kind() == x.kind() && t.numel() == x.numel() && t.is_contiguous()
    };
    let mut starts: Vec<usize> = all().map(|t| t.data_ptr() as usize).collect();
    starts.sort_unstable();
    if !all().all(fits) || starts.windows(2).any(|pair| pair[1] - pair[0] < x.numel() * bytes) {
        return false;
    }
    if x.kind() == tch::Kind::Float {
        run::<f32, S>(rule, x, g, state);
    } else {
        run::<f64, S>(rule, x, g, state);
    }
    true
}

#[expect(unsafe_code, reason = "slices over libtorch's memory; calls of functions compiled for a detected processor")]
fn run<T: Real, const S: usize>(rule: &impl Rule<S>, x: &tch::Tensor, g: &tch::Tensor, state: [&tch::Tensor; S]) {
    let n = x.numel();
    if n == 0 {
        return;
    }
    // SAFETY: `sweep` checked that all tensors are contiguous, hold n elements of type T in processor memory and do
    // not overlap; they are borrowed for this call, and nothing else runs on this thread meanwhile.
    let (x, g, state) = unsafe {
        (
            std::slice::from_raw_parts_mut(x.data_ptr().cast::<T>(), n),
            std::slice::from_raw_parts(g.data_ptr().cast::<T>(), n),
            state.map(|t| std::slice::from_raw_parts_mut(t.data_ptr().cast::<T>(), n)),
        )
    };
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the feature.
            return unsafe { avx512(rule, x, g, state) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the feature.
            return unsafe { avx2(rule, x, g, state) };
        }
    }
    each(rule, x, g, state);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512<T: Real, const S: usize>(rule: &impl Rule<S>, x: &mut [T], g: &[T], state: [&mut [T]; S]) {
    each(rule, x, g, state);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<T: Real, const S: usize>(rule: &impl Rule<S>, x: &mut [T], g: &[T], state: [&mut [T]; S]) {
    each(rule, x, g, state);
}

#[inline(always)]
fn each<T: Real, const S: usize>(rule: &impl Rule<S>, x: &mut [T], g: &[T], state: [&mut [T]; S]) {
    let n = x.len();
    let g = &g[..n];
    let state = state.map(|s| &mut s[..n]);
    for i in 0..n {
        let before = std::array::from_fn(|k| state[k][i]);
        let (new, after) = rule.update(x[i], g[i], before);
        x[i] = new;
        for k in 0..S {
            state[k][i] = after[k];
        }
    }
}
