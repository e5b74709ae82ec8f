//! Linear on panels, as in the chain: weights are read once for all panels of a thread.
#![expect(unsafe_code, reason = "loops over pointers into the buffers; the contract is `Part::run`'s")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations")]

use std::ops::Range;

use crate::train::engine::kernels::{
    lanes::Lanes,
    tile::{Rows, tile},
};

/// y = W x + b for the rows of one tile.
pub(super) struct Forward {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) relu: bool,
    pub(super) weight: *const f32,
    pub(super) bias: Option<*const f32>,
    pub(super) x: *const f32,
    pub(super) y: *mut f32,
    pub(super) panels: Range<usize>,
}

impl Rows for Forward {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        let w = self.weight.add(at * self.inputs);
        for p in self.panels.clone() {
            let x = self.x.add(16 * p * self.inputs);
            let sums = tile::<R, M>(w, self.inputs, 1, x, self.inputs, [R::splat(0.0); M]);
            for (r, sum) in sums.into_iter().enumerate() {
                let bias = self.bias.map_or(0.0, |bias| *bias.add(at + r));
                let sum = R::splat(1.0).mul_add(sum, R::splat(bias));
                let sum = if self.relu { sum.relu() } else { sum };
                sum.store(self.y.add(16 * (p * self.outputs + at + r)));
            }
        }
    }
}

/// Rows `rows` of the weight, packed for the input features of one tile: `[out, in of the tile]`.
pub(super) struct Pack {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weight: *const f32,
    pub(super) to: *mut f32,
    pub(super) rows: Range<usize>,
}

impl Rows for Pack {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        let block = self.to.add(at * self.outputs);
        for j in self.rows.clone() {
            let from = self.weight.add(j * self.inputs + at).cast::<[f32; M]>();
            block.add(j * M).cast::<[f32; M]>().write_unaligned(from.read_unaligned());
        }
    }
}

/// Wᵀ δ for the input features of one tile, gated by the ReLU that made the input.
pub(super) struct InputGradient {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) packed: *const f32,
    pub(super) delta: *const f32,
    pub(super) gate: Option<*const f32>,
    pub(super) to: *mut f32,
    pub(super) panels: Range<usize>,
}

impl Rows for InputGradient {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        let packed = self.packed.add(at * self.outputs);
        for p in self.panels.clone() {
            let delta = self.delta.add(16 * p * self.outputs);
            let sums = tile::<R, M>(packed, 1, M, delta, self.outputs, [R::splat(0.0); M]);
            for (r, sum) in sums.into_iter().enumerate() {
                let place = 16 * (p * self.inputs + at + r);
                let sum = match self.gate {
                    Some(gate) => sum.gated(R::load(gate.add(place))),
                    None => sum,
                };
                sum.store(self.to.add(place));
            }
        }
    }
}
