//! One pass over flat vectors: the elementwise part of every rule, on the processor in f32 and f64.
//!
//! The loop is compiled for AVX-512, AVX2 and the baseline and chosen at run time. Nothing is contracted to fused
//! multiply-adds, so all three give the same bits.

use std::ops::{Add, Div, Mul, Sub};

use super::gradient::Gradient;

/// f32 or f64, as far as the rules need arithmetic.
pub(super) trait Real:
    Copy + Send + Sync + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
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
pub(super) trait Rule<const S: usize>: Sync {
    /// The new parameter and the new state.
    fn update<T: Real>(&self, x: T, g: T, state: [T; S]) -> (T, [T; S]);
}

/// From this many elements on, memory is what limits a pass: all cores share it.
const LONG: usize = 1 << 20;
/// Elements that one core takes at a time.
const SHARE: usize = 1 << 17;

/// Applies `rule` to all elements in one pass. False when the tensors are not contiguous f32 or f64 vectors of the
/// processor in separate memory: the caller then uses libtorch's operations.
pub(super) fn sweep<const S: usize>(
    rule: &impl Rule<S>,
    x: &tch::Tensor,
    g: &Gradient,
    state: [&tch::Tensor; S],
) -> bool {
    let bytes = match x.kind() {
        tch::Kind::Float => 4,
        tch::Kind::Double => 8,
        _ => return false,
    };
    let usual = |t: &tch::Tensor| t.device() == tch::Device::Cpu && t.kind() == x.kind() && t.is_contiguous();
    let vectors = || std::iter::once(x).chain(state);
    let fits = vectors().all(|t| usual(t) && t.numel() == x.numel()) && g.pieces().iter().all(usual);
    if !fits || g.pieces().iter().map(tch::Tensor::numel).sum::<usize>() != x.numel() {
        return false;
    }
    let mut places: Vec<(usize, usize)> =
        vectors().chain(g.pieces()).map(|t| (t.data_ptr() as usize, t.numel() * bytes)).collect();
    places.sort_unstable();
    if places.windows(2).any(|pair| pair[0].0 + pair[0].1 > pair[1].0) {
        return false;
    }
    if x.kind() == tch::Kind::Float {
        run::<f32, S>(rule, x, g, state);
    } else {
        run::<f64, S>(rule, x, g, state);
    }
    true
}

#[expect(unsafe_code, reason = "slices over libtorch's memory")]
fn run<T: Real, const S: usize>(rule: &impl Rule<S>, x: &tch::Tensor, g: &Gradient, state: [&tch::Tensor; S]) {
    let is_shared = x.numel() >= LONG && tch::get_num_threads() > 1;
    let mut first = 0;
    for piece in g.pieces() {
        let n = piece.numel();
        if n == 0 {
            continue;
        }
        // SAFETY: `sweep` checked that all tensors are contiguous, hold elements of type T in processor memory and do
        // not overlap, and that the pieces have as many elements together as each vector; they are borrowed for this
        // call, and nothing else runs on this thread meanwhile.
        let (x, g, state) = unsafe {
            let part = |t: &tch::Tensor| std::slice::from_raw_parts_mut(t.data_ptr().cast::<T>().add(first), n);
            (part(x), std::slice::from_raw_parts(piece.data_ptr().cast::<T>(), n), state.map(part))
        };
        if is_shared {
            divide(rule, x, g, state)
        } else {
            dispatch(rule, x, g, state)
        }
        first += n;
    }
}

/// Halves the vectors until the parts are short, and lets all cores take them. Elements do not depend on each other.
fn divide<T: Real, const S: usize>(rule: &impl Rule<S>, x: &mut [T], g: &[T], state: [&mut [T]; S]) {
    if x.len() <= SHARE {
        return dispatch(rule, x, g, state);
    }
    let middle = x.len() / 2;
    let (x, x_rest) = x.split_at_mut(middle);
    let (g, g_rest) = g.split_at(middle);
    let mut rest = [const { None }; S];
    let mut at = 0;
    let state = state.map(|part| {
        let (part, behind) = part.split_at_mut(middle);
        rest[at] = Some(behind);
        at += 1;
        part
    });
    let rest = rest.map(|part| part.expect("filled just above"));
    rayon::join(|| divide(rule, x, g, state), || divide(rule, x_rest, g_rest, rest));
}

#[expect(unsafe_code, reason = "calls of functions compiled for a detected processor")]
fn dispatch<T: Real, const S: usize>(rule: &impl Rule<S>, x: &mut [T], g: &[T], state: [&mut [T]; S]) {
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
