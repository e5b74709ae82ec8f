//! A step in three phases, a barrier between them: forward (samples shared out among the threads), gradients of the
//! layers' inputs (samples again), weight gradients fused with SGD (rows of the weights shared out).
#![expect(unsafe_code, reason = "pointers into the buffers; who writes where is said at each function")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations; `Part::run` has the contract")]

use std::ops::Range;

use super::{
    Buffers, Job, Layer, Shape, Task, Update,
    lanes::Lanes,
    layout::{to_panel, transpose},
    memory::share,
    tile::{Rows, each_tile, tile},
};
use crate::train::engine::team::Barrier;

/// What one thread needs to know to do its part.
pub(super) struct Part<'a> {
    pub(super) shape: &'a Shape,
    pub(super) buffers: &'a Buffers,
    pub(super) job: &'a Job,
    pub(super) thread: usize,
    pub(super) threads: usize,
    pub(super) barrier: &'a Barrier,
}

impl Part<'_> {
    /// The whole part.
    ///
    /// # Safety
    /// See [`super::run`]. Between two barriers a thread writes only its own panels (forward, input gradients), its
    /// own rows of the packed weights (forward), or its own rows of parameters and velocity (weight gradients), and
    /// reads only what was finished before the last barrier or what it wrote itself.
    #[inline(always)]
    pub(super) unsafe fn run<R: Lanes>(&self) {
        let panels = share(self.job.n.div_ceil(16), 1, self.thread, self.threads);
        self.read_batch(panels.clone());
        self.forward::<R>(panels.clone());
        match self.job.task {
            Task::Evaluate(output) => self.write_output(panels, output.0),
            Task::Train(update) => {
                self.pack::<R>();
                self.barrier.wait();
                self.input_gradients::<R>(panels);
                self.barrier.wait();
                self.weight_gradients::<R>(&update);
            }
        }
    }

    fn training(&self) -> bool {
        matches!(self.job.task, Task::Train(_))
    }

    /// Samples in panel `p`.
    fn filled(&self, p: usize) -> usize {
        (self.job.n - 16 * p).min(16)
    }

    /// Lays the batch out in panels, and scaled in strips; the target too unless it is the input.
    #[inline(always)]
    unsafe fn read_batch(&self, panels: Range<usize>) {
        let (job, buffers) = (self.job, self.buffers);
        let (inputs, outputs, scale) = (self.shape.inputs(), self.shape.outputs(), self.shape.scale);
        for p in panels {
            let filled = self.filled(p);
            to_panel(job.input.0.add(16 * p * inputs), inputs, filled, buffers.inputs[0].start().add(16 * p * inputs));
            if job.target != job.input {
                let panel = buffers.target.start().add(16 * p * outputs);
                to_panel(job.target.0.add(16 * p * outputs), outputs, filled, panel);
            }
            if self.training() {
                for i in 16 * p..16 * p + filled {
                    for k in 0..inputs {
                        *self.strip(0, k / 16, i).add(k % 16) = *job.input.0.add(i * inputs + k) * scale;
                    }
                }
            }
            (*buffers.sums[p].get()).0 = [0.0; 16];
        }
    }

    /// Sixteen features of sample `i` of the input of layer `l`.
    unsafe fn strip(&self, l: usize, strip: usize, i: usize) -> *mut f32 {
        self.buffers.strips[l].start().add((strip * self.buffers.capacity + i) * 16)
    }

    #[inline(always)]
    unsafe fn forward<R: Lanes>(&self, panels: Range<usize>) {
        let last = self.shape.layers.len() - 1;
        for (l, layer) in self.shape.layers.iter().enumerate() {
            let scale = if l == 0 { self.shape.scale } else { 1.0 };
            each_tile::<R>(0, layer.outputs, &Forward { part: self, l, layer, scale, last, panels: panels.clone() });
            if l < last && self.training() {
                for p in panels.clone() {
                    let panel = self.buffers.inputs[l + 1].start().add(16 * p * layer.outputs);
                    for strip in 0..layer.outputs.div_ceil(16) {
                        let width = (layer.outputs - 16 * strip).min(16);
                        transpose(panel.add(256 * strip), width, self.strip(l + 1, strip, 16 * p));
                    }
                }
            }
        }
    }

    /// Packs this thread's rows of every weight but the first.
    #[inline(always)]
    unsafe fn pack<R: Lanes>(&self) {
        for (layer, packed) in self.shape.layers.iter().skip(1).zip(&self.buffers.packed) {
            let w = self.job.parameters.0.add(layer.weight);
            let rows = share(layer.outputs, 1, self.thread, self.threads);
            each_tile::<R>(0, layer.inputs, &Pack { w, to: packed.start(), layer, rows });
        }
    }

    #[inline(always)]
    unsafe fn input_gradients<R: Lanes>(&self, panels: Range<usize>) {
        for l in (1..self.shape.layers.len()).rev() {
            let layer = &self.shape.layers[l];
            let gated = self.shape.layers[l - 1].relu;
            each_tile::<R>(0, layer.inputs, &InputGradient { part: self, l, layer, gated, panels: panels.clone() });
        }
    }

    #[inline(always)]
    unsafe fn weight_gradients<R: Lanes>(&self, update: &Update) {
        for (l, layer) in self.shape.layers.iter().enumerate() {
            let rows = share(layer.outputs, R::ROWS, self.thread, self.threads);
            each_tile::<R>(rows.start, rows.end, &WeightGradient { part: self, l, layer, update });
        }
    }

    /// The output panels, row by row, to `[n, outputs]`.
    #[inline(always)]
    unsafe fn write_output(&self, panels: Range<usize>, output: *mut f32) {
        let outputs = self.shape.outputs();
        let from = self.buffers.deltas[self.shape.layers.len() - 1].start();
        for p in panels {
            for j in 0..outputs {
                for c in 0..self.filled(p) {
                    *output.add((16 * p + c) * outputs + j) = *from.add(16 * (p * outputs + j) + c);
                }
            }
        }
    }
}

/// y = relu(scale · W x + b); after the last layer the error against the target, or y itself in evaluation.
struct Forward<'a> {
    part: &'a Part<'a>,
    l: usize,
    layer: &'a Layer,
    scale: f32,
    last: usize,
    panels: Range<usize>,
}

impl Rows for Forward<'_> {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        let (part, layer, inputs) = (self.part, self.layer, self.layer.inputs);
        let (job, buffers) = (part.job, part.buffers);
        let w = job.parameters.0.add(layer.weight + at * inputs);
        for p in self.panels.clone() {
            let x = buffers.inputs[self.l].start().add(16 * p * inputs);
            let mut y = tile::<R, M>(w, inputs, 1, x, inputs, [R::splat(0.0); M]);
            for (r, y) in y.iter_mut().enumerate() {
                let bias = layer.bias.map_or(0.0, |start| *job.parameters.0.add(start + at + r));
                *y = y.mul_add(R::splat(self.scale), R::splat(bias));
                if layer.relu {
                    *y = y.relu();
                }
            }
            let row = 16 * (p * layer.outputs + at);
            if self.l < self.last {
                let to = buffers.inputs[self.l + 1].start().add(row);
                for (r, y) in y.iter().enumerate() {
                    y.store(to.add(16 * r));
                }
            } else {
                self.compare(p, row, y);
            }
        }
    }
}

impl Forward<'_> {
    /// The end of the last layer, for the rows of panel `p` that start at `row`.
    #[inline(always)]
    unsafe fn compare<R: Lanes, const M: usize>(&self, p: usize, row: usize, y: [R; M]) {
        let (job, buffers) = (self.part.job, self.part.buffers);
        let targets = if job.target == job.input { &buffers.inputs[0] } else { &buffers.target };
        let (target, to) = (targets.start().add(row), buffers.deltas[self.l].start().add(row));
        let mut squares = R::splat(0.0);
        for (r, y) in y.into_iter().enumerate() {
            let error = y.sub(R::load(target.add(16 * r)));
            squares = error.mul_add(error, squares);
            match job.task {
                Task::Evaluate(_) => y.store(to.add(16 * r)),
                Task::Train(update) => {
                    let delta = error.mul(R::splat(update.loss_scale));
                    let delta = if self.layer.relu { delta.gated(y) } else { delta };
                    delta.store(to.add(16 * r));
                    // Columns without a sample teach nothing.
                    for c in self.part.filled(p)..16 {
                        *to.add(16 * r + c) = 0.0;
                    }
                }
            }
        }
        let mut lanes = [0.0f32; 16];
        squares.store(lanes.as_mut_ptr());
        let sums = &mut (*buffers.sums[p].get()).0;
        for (sum, square) in sums.iter_mut().zip(lanes) {
            *sum += f64::from(square);
        }
    }
}

/// Rows `rows` of a weight matrix into the packed form, for the features of one tile.
struct Pack<'a> {
    w: *const f32,
    to: *mut f32,
    layer: &'a Layer,
    rows: Range<usize>,
}

impl Rows for Pack<'_> {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        let block = self.to.add(at * self.layer.outputs);
        for j in self.rows.clone() {
            let from = self.w.add(j * self.layer.inputs + at).cast::<[f32; M]>();
            block.add(j * M).cast::<[f32; M]>().write_unaligned(from.read_unaligned());
        }
    }
}

/// Gradient of layer `l`'s input: Wᵀ δ, gated by the ReLU that made the input.
struct InputGradient<'a> {
    part: &'a Part<'a>,
    l: usize,
    layer: &'a Layer,
    gated: bool,
    panels: Range<usize>,
}

impl Rows for InputGradient<'_> {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        let (buffers, outputs) = (self.part.buffers, self.layer.outputs);
        let packed = buffers.packed[self.l - 1].start().add(at * outputs);
        for p in self.panels.clone() {
            let delta = buffers.deltas[self.l].start().add(16 * p * outputs);
            let sums = tile::<R, M>(packed, 1, M, delta, outputs, [R::splat(0.0); M]);
            let row = 16 * (p * self.layer.inputs + at);
            let (gate, to) = (buffers.inputs[self.l].start().add(row), buffers.deltas[self.l - 1].start().add(row));
            for (r, sum) in sums.into_iter().enumerate() {
                let sum = if self.gated { sum.gated(R::load(gate.add(16 * r))) } else { sum };
                sum.store(to.add(16 * r));
            }
        }
    }
}

/// Gradient of layer `l`'s weight and bias, and the SGD step with it.
struct WeightGradient<'a> {
    part: &'a Part<'a>,
    l: usize,
    layer: &'a Layer,
    update: &'a Update,
}

impl Rows for WeightGradient<'_> {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        let (part, layer) = (self.part, self.layer);
        let panels = part.job.n.div_ceil(16);
        let delta = part.buffers.deltas[self.l].start();
        for strip in 0..layer.inputs.div_ceil(16) {
            let mut sums = [R::splat(0.0); M];
            for p in 0..panels {
                let a = delta.add(16 * (p * layer.outputs + at));
                sums = tile::<R, M>(a, 16, 1, part.strip(self.l, strip, 16 * p), part.filled(p), sums);
            }
            let width = (layer.inputs - 16 * strip).min(16);
            for (r, sum) in sums.into_iter().enumerate() {
                self.update.learn(
                    part.job.parameters.0,
                    layer.weight + (at + r) * layer.inputs + 16 * strip,
                    width,
                    sum,
                );
            }
        }
        if let Some(bias) = layer.bias {
            for r in 0..M {
                let mut sums = R::splat(0.0);
                for p in 0..panels {
                    sums = R::splat(1.0).mul_add(R::load(delta.add(16 * (p * layer.outputs + at + r))), sums);
                }
                let mut lanes = [0.0f32; 16];
                sums.store(lanes.as_mut_ptr());
                self.update.learn(part.job.parameters.0, bias + at + r, 1, R::splat(lanes.iter().sum()));
            }
        }
    }
}
