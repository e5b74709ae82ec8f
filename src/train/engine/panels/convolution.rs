//! Convolution on panels: sixteen samples side by side, so that every window of every sample is in step and no image
//! is ever copied into columns.
#![expect(unsafe_code, reason = "loops over pointers into the buffers; the contract is `Part::run`'s")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations")]

use std::ops::Range;

use super::plan::{Stage, Window, partial_len};
use crate::train::engine::kernels::{
    lanes::{Lanes, Vector},
    tile::{Rows, tile},
};

/// y = W ∗ x + b for the planes of one tile.
pub(super) struct Forward<'a> {
    pub(super) stage: &'a Stage,
    pub(super) window: Window,
    pub(super) weight: *const f32,
    pub(super) bias: Option<*const f32>,
    pub(super) x: *const f32,
    pub(super) y: *mut f32,
    pub(super) panels: Range<usize>,
}

impl Rows for Forward<'_> {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        let (from, to) = (self.stage.input, self.stage.output);
        let ([kh, kw], [sy, sx]) = (self.window.kernel, self.window.stride);
        let k = from.c * kh * kw;
        let w = self.weight.add(at * k);
        let bias: [f32; M] = std::array::from_fn(|r| self.bias.map_or(0.0, |bias| *bias.add(at + r)));
        for p in self.panels.clone() {
            let x = self.x.add(16 * p * from.features());
            let y = self.y.add(16 * (p * to.features() + at * to.h * to.w));
            for oy in 0..to.h {
                for ox in 0..to.w {
                    let mut sums = [R::splat(0.0); M];
                    for c in 0..from.c {
                        for ky in 0..kh {
                            let a = w.add((c * kh + ky) * kw);
                            let b = x.add(16 * ((c * from.h + oy * sy + ky) * from.w + ox * sx));
                            sums = tile::<R, M>(a, k, 1, b, kw, sums);
                        }
                    }
                    for (r, sum) in sums.into_iter().enumerate() {
                        let sum = R::splat(1.0).mul_add(sum, R::splat(bias[r]));
                        let sum = if self.stage.relu { sum.relu() } else { sum };
                        sum.store(y.add(16 * ((r * to.h + oy) * to.w + ox)));
                    }
                }
            }
        }
    }
}

/// The weight `[out, in, kH, kW]` of output planes `outputs`, packed for the tile of input planes: `[out, kH, kW
/// reversed, in of the tile]`.
pub(super) struct Pack<'a> {
    pub(super) stage: &'a Stage,
    pub(super) window: Window,
    pub(super) weight: *const f32,
    pub(super) to: *mut f32,
    pub(super) outputs: Range<usize>,
}

impl Rows for Pack<'_> {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        let [kh, kw] = self.window.kernel;
        let (inputs, area) = (self.stage.input.c, kh * kw);
        let block = self.to.add(at * self.stage.output.c * area);
        for o in self.outputs.clone() {
            for r in 0..M {
                let from = self.weight.add((o * inputs + at + r) * area);
                for ky in 0..kh {
                    for kx in 0..kw {
                        *block.add(((o * kh + ky) * kw + kw - 1 - kx) * M + r) = *from.add(ky * kw + kx);
                    }
                }
            }
        }
    }
}

/// The gradient of the input's planes of one tile, gated by the ReLU that made the input.
pub(super) struct InputGradient<'a> {
    pub(super) stage: &'a Stage,
    pub(super) window: Window,
    pub(super) packed: *const f32,
    pub(super) delta: *const f32,
    /// The input itself when a ReLU made it.
    pub(super) gate: Option<*const f32>,
    pub(super) to: *mut f32,
    pub(super) panels: Range<usize>,
}

impl Rows for InputGradient<'_> {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        let (from, out) = (self.stage.input, self.stage.output);
        let ([kh, kw], [sy, sx]) = (self.window.kernel, self.window.stride);
        let packed = self.packed.add(at * out.c * kh * kw);
        for p in self.panels.clone() {
            let delta = self.delta.add(16 * p * out.features());
            let place = 16 * (p * from.features() + at * from.h * from.w);
            for y in 0..from.h {
                for x in 0..from.w {
                    let mut sums = [R::splat(0.0); M];
                    // Window columns ox with ox·sx ≤ x < ox·sx + kw, all reached in one stretch when sx is 1.
                    let (first, last) = ((x + 1).saturating_sub(kw).div_ceil(sx), (x / sx).min(out.w - 1));
                    let (top, bottom) = ((y + 1).saturating_sub(kh).div_ceil(sy), (y / sy).min(out.h - 1));
                    if first <= last && top <= bottom {
                        for o in 0..out.c {
                            for oy in top..=bottom {
                                let row = packed.add((o * kh + y - oy * sy) * kw * M);
                                let b = delta.add(16 * (o * out.h + oy) * out.w);
                                if sx == 1 {
                                    let a = row.add((kw - 1 + first - x) * M);
                                    sums = tile::<R, M>(a, 1, M, b.add(16 * first), last + 1 - first, sums);
                                } else {
                                    for ox in first..=last {
                                        let a = row.add((kw - 1 + ox * sx - x) * M);
                                        sums = tile::<R, M>(a, 1, M, b.add(16 * ox), 1, sums);
                                    }
                                }
                            }
                        }
                    }
                    for (r, sum) in sums.into_iter().enumerate() {
                        let place = place + 16 * ((r * from.h + y) * from.w + x);
                        let sum = match self.gate {
                            Some(gate) => sum.gated(R::load(gate.add(place))),
                            None => sum,
                        };
                        sum.store(self.to.add(place));
                    }
                }
            }
        }
    }
}

/// One panel's share of the gradient of weight and bias of output planes `outputs`, written to `to`.
///
/// # Safety
/// `x` and `delta` must be panels of the stage's input and output, `to` good for [`partial_len`] numbers.
#[inline(always)]
pub(super) unsafe fn weight_gradient<R: Lanes>(
    stage: &Stage,
    window: Window,
    outputs: Range<usize>,
    x: *const f32,
    delta: *const f32,
    to: *mut f32,
) {
    let work = Correlate { stage, window, x, delta, to };
    let mut o = outputs.start;
    // Registers: AVX-512 has room for 4 · 6 sums, AVX2 for 3 · 4.
    if R::Vector::WIDTH == 16 {
        while o + 4 <= outputs.end {
            work.outputs::<R::Vector, 4, 6>(o);
            o += 4;
        }
    }
    while o + 3 <= outputs.end {
        work.outputs::<R::Vector, 3, 4>(o);
        o += 3;
    }
    while o < outputs.end {
        work.outputs::<R::Vector, 1, 4>(o);
        o += 1;
    }
    let area = 16 * stage.output.h * stage.output.w;
    let bias = to.add(stage.weights().next_multiple_of(16));
    debug_assert!(stage.weights().next_multiple_of(16) + outputs.end <= partial_len(stage));
    for o in outputs {
        // Four sums at a time hide the adder's latency.
        let mut sums = [R::Vector::zero(); 4];
        let row = delta.add(o * area);
        for i in 0..area / R::Vector::WIDTH {
            sums[i % 4] = sums[i % 4].add(R::Vector::load(row.add(i * R::Vector::WIDTH)));
        }
        *bias.add(o) = sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum();
    }
}

struct Correlate<'a> {
    stage: &'a Stage,
    window: Window,
    x: *const f32,
    delta: *const f32,
    to: *mut f32,
}

impl Correlate<'_> {
    /// All weights of output planes `o..o + R`, S at a time.
    ///
    /// # Safety
    /// As [`weight_gradient`]: no other thread writes these planes' share.
    #[inline(always)]
    unsafe fn outputs<V: Vector, const R: usize, const S: usize>(&self, o: usize) {
        let count = self.stage.input.c * self.window.kernel[0] * self.window.kernel[1];
        let mut k = 0;
        while k + S <= count {
            self.block::<V, R, S>(o, k, count);
            k += S;
        }
        while k < count {
            self.block::<V, R, 1>(o, k, count);
            k += 1;
        }
    }

    /// Weights `[o..o + R, k..k + S]`: each the sum of delta · x over pixels and samples.
    ///
    /// # Safety
    /// As `outputs`.
    #[inline(always)]
    unsafe fn block<V: Vector, const R: usize, const S: usize>(&self, o: usize, k: usize, count: usize) {
        let (from, out) = (self.stage.input, self.stage.output);
        let ([kh, kw], [sy, sx]) = (self.window.kernel, self.window.stride);
        let delta: [*const f32; R] = std::array::from_fn(|r| self.delta.add(16 * (o + r) * out.h * out.w));
        let x: [*const f32; S] = std::array::from_fn(|s| {
            let (c, ky, kx) = ((k + s) / (kh * kw), (k + s) / kw % kh, (k + s) % kw);
            self.x.add(16 * ((c * from.h + ky) * from.w + kx))
        });
        // One stretch of memory a row, or a pixel, when windows are apart.
        let (stretches, len, step) = if sx == 1 { (1, 16 * out.w, 0) } else { (out.w, 16, 16 * sx) };
        let mut sums = [[V::zero(); S]; R];
        for oy in 0..out.h {
            for i in 0..stretches {
                let (at, of) = (oy * out.w * 16 + i * len, oy * sy * from.w * 16 + i * step);
                for v in (0..len).step_by(V::WIDTH) {
                    // A loop: a closure would be a function of its own, perhaps a called one without V's features.
                    let mut d = [V::zero(); R];
                    for (d, delta) in d.iter_mut().zip(delta) {
                        *d = V::load(delta.add(at + v));
                    }
                    for s in 0..S {
                        let b = V::load(x[s].add(of + v));
                        for r in 0..R {
                            sums[r][s] = d[r].mul_add(b, sums[r][s]);
                        }
                    }
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (s, sum) in sums.into_iter().enumerate() {
                *self.to.add((o + r) * count + k + s) = sum.sum();
            }
        }
    }
}
