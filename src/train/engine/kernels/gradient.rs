//! The gradient of a Linear's weight and bias, fused with what is learned from it.
#![expect(unsafe_code, reason = "loops over pointers; the callers in `phases` and `panels` state why they are good")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations")]

use std::ops::Range;

use super::{
    lanes::Lanes,
    layout::Strips,
    learn::Learn,
    tile::{Rows, each_even_tile, tile_wide},
};

/// δ xᵀ, summed over a batch, for a weight `[outputs, inputs]`.
pub(in crate::train::engine) struct WeightGradient<'a, L> {
    pub(in crate::train::engine) inputs: usize,
    pub(in crate::train::engine) outputs: usize,
    /// Where the weight and the bias start in the flat vector.
    pub(in crate::train::engine) weight: usize,
    pub(in crate::train::engine) bias: Option<usize>,
    /// The input, and a factor of it.
    pub(in crate::train::engine) strips: Strips,
    pub(in crate::train::engine) scale: f32,
    /// Panels of the gradient of the output.
    pub(in crate::train::engine) delta: *const f32,
    pub(in crate::train::engine) samples: usize,
    pub(in crate::train::engine) learn: &'a L,
}

impl<L: Learn> WeightGradient<'_, L> {
    /// Learns rows `rows`.
    ///
    /// # Safety
    /// The pointers must be good for the sizes, and `learn` for these rows' parameters.
    #[inline(always)]
    pub(in crate::train::engine) unsafe fn rows<R: Lanes>(&self, rows: Range<usize>) {
        // A few strips stay in the nearest cache while all rows go by.
        let strips = self.inputs.div_ceil(16);
        let groups = strips.div_ceil(R::WIDE.0);
        for g in 0..groups {
            let strips = strips * g / groups..strips * (g + 1) / groups;
            each_even_tile::<R, _>(rows.start, rows.end, &Group { gradient: self, strips });
        }
        let Some(bias) = self.bias else { return };
        for row in rows {
            let mut sums = R::splat(0.0);
            for p in 0..self.samples.div_ceil(16) {
                sums = R::splat(1.0).mul_add(R::load(self.delta.add(16 * (p * self.outputs + row))), sums);
            }
            let mut lanes = [0.0f32; 16];
            sums.store(lanes.as_mut_ptr());
            self.learn.take_some(bias + row, 1, R::splat(lanes.iter().sum()));
        }
    }
}

/// Some strips of the input.
struct Group<'a, L> {
    gradient: &'a WeightGradient<'a, L>,
    strips: Range<usize>,
}

impl<L: Learn> Rows for Group<'_, L> {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        match self.strips.len() {
            1 => self.block::<R, M, 1>(at),
            2 if R::WIDE.0 > 1 => self.block::<R, M, 2>(at),
            3 if R::WIDE.0 > 1 => self.block::<R, M, 3>(at),
            4 if R::WIDE.0 > 1 => self.block::<R, M, 4>(at),
            _ => unreachable!("a wide tile has 1 to 4 vectors"),
        }
    }

    #[inline(always)]
    fn most<R: Lanes>() -> usize {
        R::WIDE.1
    }
}

impl<L: Learn> Group<'_, L> {
    /// Rows `at..at + M` of the S strips.
    ///
    /// # Safety
    /// As [`WeightGradient::rows`], for the parameters of these rows and strips.
    #[inline(always)]
    unsafe fn block<R: Lanes, const M: usize, const S: usize>(&self, at: usize) {
        let (gradient, strip) = (self.gradient, self.strips.start);
        let Strips { first, next, apart } = gradient.strips;
        let mut sums = [[R::splat(0.0); S]; M];
        for p in 0..gradient.samples.div_ceil(16) {
            let a = gradient.delta.add(16 * (p * gradient.outputs + at));
            let b = first.add(strip * apart + 16 * p * next);
            sums = tile_wide::<R, M, S>(a, (16, 1), b, (next, apart), (gradient.samples - 16 * p).min(16), sums);
        }
        let scale = R::splat(gradient.scale);
        let parameter = |r: usize, s: usize| gradient.weight + (at + r) * gradient.inputs + 16 * (strip + s);
        // Only the last strip may be narrow. It waits: a call between the others would spill their registers.
        let width = gradient.inputs - 16 * (strip + S - 1);
        let mut narrow = [R::splat(0.0); M];
        for (r, sums) in sums.into_iter().enumerate() {
            for (s, sum) in sums.into_iter().enumerate() {
                if s + 1 < S || width >= 16 {
                    gradient.learn.take(parameter(r, s), sum.mul(scale));
                } else {
                    narrow[r] = sum.mul(scale);
                }
            }
        }
        if width < 16 {
            for (r, sum) in narrow.into_iter().enumerate() {
                gradient.learn.take_some(parameter(r, S - 1), width, sum);
            }
        }
    }
}
