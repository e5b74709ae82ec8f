//! A step in two phases, a barrier between them: forward and the gradients of the layers' inputs (samples shared out
//! among the threads), weight gradients fused with SGD (rows of the weights shared out).
#![expect(unsafe_code, reason = "pointers into the buffers; who writes where is said at each function")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations; `Part::run` has the contract")]

use std::ops::Range;

use super::{
    Buffers, Job, Layer, Shape, Task, Update,
    lanes::Lanes,
    layout::{to_panel, transpose},
    memory::share,
    tile::{Product, Rows, each_even_tile, tile, tile_pair},
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
    /// See [`super::run`]. Before the barrier a thread writes only its own panels, behind it only its own rows of
    /// parameters and velocity; it reads only what was finished before the barrier or what it wrote itself.
    #[inline(always)]
    pub(super) unsafe fn run<R: Lanes>(&self) {
        let panels = share(self.job.n.div_ceil(16), 1, self.thread, self.threads);
        self.read_batch(panels.clone());
        self.forward::<R>(panels.clone());
        match self.job.task {
            Task::Evaluate(output) => self.write_output(panels, output.0),
            Task::Train(update) => {
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
            each_even_tile::<R>(
                0,
                layer.outputs,
                &Forward { part: self, l, layer, scale, last, panels: panels.clone() },
            );
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

    #[inline(always)]
    unsafe fn input_gradients<R: Lanes>(&self, panels: Range<usize>) {
        for l in (1..self.shape.layers.len()).rev() {
            let layer = &self.shape.layers[l];
            let gated = self.shape.layers[l - 1].relu;
            each_even_tile::<R>(
                0,
                layer.inputs,
                &InputGradient { part: self, l, layer, gated, panels: panels.clone() },
            );
        }
    }

    #[inline(always)]
    unsafe fn weight_gradients<R: Lanes>(&self, update: &Update) {
        for (l, layer) in self.shape.layers.iter().enumerate() {
            let rows = share(layer.outputs, 1, self.thread, self.threads);
            each_even_tile::<R>(rows.start, rows.end, &WeightGradient { part: self, l, layer, update });
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
        self.multiply::<R, M>(at, self.panels.clone());
    }
}

impl Product for Forward<'_> {
    #[inline(always)]
    unsafe fn left(&self, at: usize) -> (*const f32, (usize, usize), usize) {
        let inputs = self.layer.inputs;
        (self.part.job.parameters.0.add(self.layer.weight + at * inputs), (inputs, 1), inputs)
    }

    #[inline(always)]
    unsafe fn right(&self, p: usize) -> *const f32 {
        self.part.buffers.inputs[self.l].start().add(16 * p * self.layer.inputs)
    }

    #[inline(always)]
    unsafe fn take<R: Lanes, const M: usize>(&self, at: usize, p: usize, mut y: [R; M]) {
        let (job, layer) = (self.part.job, self.layer);
        for (r, y) in y.iter_mut().enumerate() {
            let bias = layer.bias.map_or(0.0, |start| *job.parameters.0.add(start + at + r));
            *y = y.mul_add(R::splat(self.scale), R::splat(bias));
            if layer.relu {
                *y = y.relu();
            }
        }
        let row = 16 * (p * layer.outputs + at);
        if self.l < self.last {
            let to = self.part.buffers.inputs[self.l + 1].start().add(row);
            for (r, y) in y.iter().enumerate() {
                y.store(to.add(16 * r));
            }
        } else {
            self.compare(p, row, y);
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
        self.multiply::<R, M>(at, self.panels.clone());
    }
}

impl Product for InputGradient<'_> {
    #[inline(always)]
    unsafe fn left(&self, at: usize) -> (*const f32, (usize, usize), usize) {
        // Columns of the weight: neighbours lie side by side, so it need not be transposed first.
        let start = self.layer.weight + at;
        (self.part.job.parameters.0.add(start), (1, self.layer.inputs), self.layer.outputs)
    }

    #[inline(always)]
    unsafe fn right(&self, p: usize) -> *const f32 {
        self.part.buffers.deltas[self.l].start().add(16 * p * self.layer.outputs)
    }

    #[inline(always)]
    unsafe fn take<R: Lanes, const M: usize>(&self, at: usize, p: usize, sums: [R; M]) {
        let (buffers, row) = (self.part.buffers, 16 * (p * self.layer.inputs + at));
        let (gate, to) = (buffers.inputs[self.l].start().add(row), buffers.deltas[self.l - 1].start().add(row));
        for (r, sum) in sums.into_iter().enumerate() {
            let sum = if self.gated { sum.gated(R::load(gate.add(16 * r))) } else { sum };
            sum.store(to.add(16 * r));
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
        let strips = layer.inputs.div_ceil(16);
        let mut strip = 0;
        while R::PAIRS && strip + 2 <= strips {
            for r in 0..M {
                let start = layer.weight + (at + r) * layer.inputs + 16 * strip;
                self.update.prefetch::<R>(part.job.parameters.0, start);
                self.update.prefetch::<R>(part.job.parameters.0, start + 16);
            }
            let mut sums = [[R::splat(0.0); M]; 2];
            for p in 0..panels {
                let a = delta.add(16 * (p * layer.outputs + at));
                let b = [strip, strip + 1].map(|strip| part.strip(self.l, strip, 16 * p).cast_const());
                sums = tile_pair::<R, M>(a, (16, 1), b, part.filled(p), sums);
            }
            self.learn(at, strip, sums[0]);
            self.learn(at, strip + 1, sums[1]);
            strip += 2;
        }
        for strip in strip..strips {
            let mut sums = [R::splat(0.0); M];
            for p in 0..panels {
                let a = delta.add(16 * (p * layer.outputs + at));
                sums = tile::<R, M>(a, 16, 1, part.strip(self.l, strip, 16 * p), part.filled(p), sums);
            }
            self.learn(at, strip, sums);
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

impl WeightGradient<'_> {
    /// The SGD step with the gradients of one strip of the rows from `at` on.
    #[inline(always)]
    unsafe fn learn<R: Lanes, const M: usize>(&self, at: usize, strip: usize, sums: [R; M]) {
        let layer = self.layer;
        let width = (layer.inputs - 16 * strip).min(16);
        for (r, sum) in sums.into_iter().enumerate() {
            let start = layer.weight + (at + r) * layer.inputs + 16 * strip;
            self.update.learn(self.part.job.parameters.0, start, width, sum);
        }
    }
}
