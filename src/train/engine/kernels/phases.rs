//! A step: forward, gradients of the layers' inputs, weight gradients fused with SGD.
//!
//! The outputs of every layer are cut in two parts, each with its rows of the weight, its velocity and its gradients;
//! a thread works on one part, or on both when it is alone. What two processors would send each other is activations
//! and partial gradients of them only, a third of a megabyte in the autoencoder's step instead of several: where two
//! processors share no cache, each line of it takes 200 ns.
#![expect(unsafe_code, reason = "pointers into the buffers; each function says who writes where")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations; `Share::run` has the contract")]

use std::ops::Range;

use super::{
    gradient::WeightGradient,
    job::{Job, Task, Update},
    lanes::Lanes,
    layout::{Strips, from_panel, to_panel, to_strips},
    learn::Sgd,
    level::Work,
    memory::{Buffers, Layer, Own, PARTS, Shape, rows, share},
    tile::{Product, Rows, each_even_tile},
};
use crate::train::engine::team::Barrier;

/// What one thread needs to know to do its share of a job. Every thread of the team runs the same job.
pub(in crate::train::engine) struct Share<'a> {
    pub(in crate::train::engine) shape: &'a Shape,
    pub(in crate::train::engine) buffers: &'a Buffers,
    pub(in crate::train::engine) job: &'a Job,
    pub(in crate::train::engine) thread: usize,
    pub(in crate::train::engine) threads: usize,
    pub(in crate::train::engine) barrier: &'a Barrier,
}

impl Work for Share<'_> {
    /// # Safety
    /// The job's pointers must be good for the shape, and nobody else may touch the buffers, the parameters or the velocity
    /// meanwhile. A thread writes its own memory and the rows of its own parts; it reads of other parts only outputs and
    /// partial gradients, behind the barrier that follows their writing.
    #[inline(always)]
    unsafe fn run<R: Lanes>(&self) {
        self.read_batch::<R>();
        self.forward::<R>();
        match self.job.task {
            Task::Evaluate(output) => self.write_output::<R>(output.0),
            Task::Train(update) => {
                self.input_gradients::<R>();
                self.weight_gradients::<R>(update);
            }
        }
    }
}

impl Share<'_> {
    fn parts(&self) -> Range<usize> {
        share(PARTS, 1, self.thread, self.threads)
    }

    fn own(&self) -> &Own {
        &self.buffers.own[self.thread]
    }

    fn panels(&self) -> Range<usize> {
        0..self.job.n.div_ceil(16)
    }

    /// Samples in panel `p`.
    fn filled(&self, p: usize) -> usize {
        (self.job.n - 16 * p).min(16)
    }

    fn training(&self) -> bool {
        matches!(self.job.task, Task::Train(_))
    }

    /// Panels of layer `l`'s input.
    fn input(&self, l: usize) -> *mut f32 {
        if l == 0 { self.own().batch.start() } else { self.buffers.outputs[l - 1].start() }
    }

    /// The factor of layer `l`'s input.
    fn scale(&self, l: usize) -> f32 {
        if l == 0 { self.shape.scale } else { 1.0 }
    }

    /// Layer `l`'s input; the batch as it came serves when its rows can be cut into strips.
    fn strips(&self, l: usize) -> Strips {
        let inputs = self.shape.inputs();
        if l == 0 && inputs.is_multiple_of(16) {
            return Strips { first: self.job.input.0, next: inputs, apart: 16 };
        }
        Strips { first: self.own().strips[l].start(), next: 16, apart: 16 * self.buffers.capacity }
    }

    /// Lays the batch out in panels; the target too unless it is the input.
    ///
    /// # Safety
    /// As `run`: before the first barrier. A thread writes its own batch and strips, and the target's rows of its own
    /// parts.
    #[inline(always)]
    unsafe fn read_batch<R: Lanes>(&self) {
        let (job, buffers) = (self.job, self.buffers);
        let (inputs, outputs) = (self.shape.inputs(), self.shape.outputs());
        for p in self.panels() {
            let filled = self.filled(p);
            let batch = job.input.0.add(16 * p * inputs);
            to_panel::<R>(batch, inputs, 0..inputs, filled, self.input(0).add(16 * p * inputs));
            if job.target != job.input {
                let (target, panel) =
                    (job.target.0.add(16 * p * outputs), buffers.target.start().add(16 * p * outputs));
                for part in self.parts() {
                    to_panel::<R>(target, outputs, rows(outputs, part), filled, panel);
                }
            }
        }
        if self.training() && !inputs.is_multiple_of(16) {
            self.lay_strips::<R>(0);
        }
    }

    /// Panels to strips, for the weight gradient of layer `l`.
    ///
    /// # Safety
    /// A thread writes its own strips; layer `l`'s input was finished before the last barrier, or is the thread's own
    /// batch.
    #[inline(always)]
    unsafe fn lay_strips<R: Lanes>(&self, l: usize) {
        let inputs = self.shape.layers[l].inputs;
        let strips = self.own().strips[l].start();
        for p in self.panels() {
            let panel = self.input(l).add(16 * p * inputs);
            to_strips::<R>(panel, inputs, strips.add(256 * p), 16 * self.buffers.capacity);
        }
    }

    /// Outputs, layer by layer, a barrier after each but the last.
    ///
    /// # Safety
    /// A thread writes outputs, and of the last layer errors and squares, in the rows of its own parts; of other
    /// parts it reads the outputs of the layer before, behind the barrier that follows them.
    #[inline(always)]
    unsafe fn forward<R: Lanes>(&self) {
        let last = self.shape.layers.len() - 1;
        for (l, layer) in self.shape.layers.iter().enumerate() {
            for part in self.parts() {
                let rows = rows(layer.outputs, part);
                each_even_tile::<R, _>(rows.start, rows.end, &Forward { share: self, l, layer, last });
            }
            if l < last {
                self.barrier.wait();
                if self.training() {
                    self.lay_strips::<R>(l + 1);
                }
            }
        }
    }

    /// Gradients of the layers' inputs, a barrier in each layer.
    ///
    /// # Safety
    /// A thread writes its own parts' partial gradients from its own rows, and behind the barrier, in `join`, the
    /// gradients of its own rows from the partial ones of all.
    #[inline(always)]
    unsafe fn input_gradients<R: Lanes>(&self) {
        for l in (1..self.shape.layers.len()).rev() {
            let layer = &self.shape.layers[l];
            for part in self.parts() {
                each_even_tile::<R, _>(0, layer.inputs, &InputGradient { share: self, l, layer, part });
            }
            self.barrier.wait();
            for part in self.parts() {
                self.join::<R>(l, rows(layer.inputs, part));
            }
        }
    }

    /// Adds the partial gradients of features `features` of layer `l`'s input, gated by the ReLU that made them.
    ///
    /// # Safety
    /// Behind the barrier that follows the writing of layer `l`'s partial gradients; `features` are a thread's own
    /// rows.
    #[inline(always)]
    unsafe fn join<R: Lanes>(&self, l: usize, features: Range<usize>) {
        let (inputs, gated) = (self.shape.layers[l].inputs, self.shape.layers[l - 1].relu);
        let partial = &self.buffers.partial[l];
        let (gate, to) = (self.input(l), self.buffers.deltas[l - 1].start());
        for p in self.panels() {
            for row in features.clone() {
                let at = 16 * (p * inputs + row);
                let sum = partial[0].start().add(at);
                let sum = R::splat(1.0).mul_add(R::load(sum), R::load(partial[1].start().add(at)));
                let sum = if gated { sum.gated(R::load(gate.add(at))) } else { sum };
                sum.store(to.add(at));
            }
        }
    }

    /// The last layer first: its weights were just read, and the first's will be needed first in the next step.
    ///
    /// # Safety
    /// A thread writes weights, biases and velocity of its own parts' rows, which no other thread reads in a step,
    /// from its own strips and its own rows' gradients: no barrier is needed.
    #[inline(always)]
    unsafe fn weight_gradients<R: Lanes>(&self, update: Update) {
        let learn = Sgd { update, parameters: self.job.parameters };
        for (l, layer) in self.shape.layers.iter().enumerate().rev() {
            let gradient = WeightGradient {
                inputs: layer.inputs,
                outputs: layer.outputs,
                weight: layer.weight,
                bias: layer.bias,
                strips: self.strips(l),
                scale: self.scale(l),
                delta: self.buffers.deltas[l].start(),
                samples: self.job.n,
                learn: &learn,
            };
            for part in self.parts() {
                gradient.rows::<R>(rows(layer.outputs, part));
            }
        }
    }

    /// The output panels, row by row, to `[n, outputs]`.
    ///
    /// # Safety
    /// A thread reads the outputs of its own parts' rows, which it wrote itself, and writes their columns of
    /// `output`.
    #[inline(always)]
    unsafe fn write_output<R: Lanes>(&self, output: *mut f32) {
        let outputs = self.shape.outputs();
        let panels = self.buffers.outputs[self.shape.layers.len() - 1].start();
        for p in self.panels() {
            let (panel, to) = (panels.add(16 * p * outputs), output.add(16 * p * outputs));
            for part in self.parts() {
                from_panel::<R>(panel, outputs, rows(outputs, part), self.filled(p), to);
            }
        }
    }
}

/// y = relu(scale · W x + b); after the last layer the error against the target, or y itself in evaluation.
struct Forward<'a> {
    share: &'a Share<'a>,
    l: usize,
    layer: &'a Layer,
    last: usize,
}

impl Rows for Forward<'_> {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        self.multiply::<R, M>(at, self.share.panels());
    }
}

impl Product for Forward<'_> {
    #[inline(always)]
    unsafe fn left(&self, at: usize) -> (*const f32, (usize, usize), usize) {
        let inputs = self.layer.inputs;
        (self.share.job.parameters.0.add(self.layer.weight + at * inputs), (inputs, 1), inputs)
    }

    #[inline(always)]
    unsafe fn right(&self, p: usize) -> *const f32 {
        self.share.input(self.l).add(16 * p * self.layer.inputs)
    }

    #[inline(always)]
    unsafe fn take<R: Lanes, const M: usize>(&self, at: usize, p: usize, mut y: [R; M]) {
        let (job, layer) = (self.share.job, self.layer);
        for (r, y) in y.iter_mut().enumerate() {
            let bias = layer.bias.map_or(0.0, |start| *job.parameters.0.add(start + at + r));
            *y = y.mul_add(R::splat(self.share.scale(self.l)), R::splat(bias));
            if layer.relu {
                *y = y.relu();
            }
        }
        if self.l == self.last {
            self.compare(at, p, y);
        }
        if self.l < self.last || !self.share.training() {
            let to = self.share.buffers.outputs[self.l].start().add(16 * (p * layer.outputs + at));
            for (r, y) in y.iter().enumerate() {
                y.store(to.add(16 * r));
            }
        }
    }
}

impl Forward<'_> {
    /// The end of the last layer, for rows `at..at + M` of panel `p`.
    ///
    /// # Safety
    /// As `Share::forward`: rows `at..at + M` belong to one of the thread's own parts.
    #[inline(always)]
    unsafe fn compare<R: Lanes, const M: usize>(&self, at: usize, p: usize, y: [R; M]) {
        let (job, buffers) = (self.share.job, self.share.buffers);
        let row = 16 * (p * self.layer.outputs + at);
        let targets = if job.target == job.input { self.share.input(0) } else { buffers.target.start() };
        let (target, to) = (targets.add(row), buffers.deltas[self.l].start().add(row));
        let filled = self.share.filled(p);
        for (r, y) in y.into_iter().enumerate() {
            let mut error = y.sub(R::load(target.add(16 * r)));
            if filled < 16 {
                // Columns without a sample teach nothing.
                let mut lanes = [0.0f32; 16];
                error.store(lanes.as_mut_ptr());
                lanes[filled..].fill(0.0);
                error = R::load(lanes.as_ptr());
            }
            let squares = buffers.squares.start().add(16 * (at + r));
            let before = if p == 0 { R::splat(0.0) } else { R::load(squares) };
            error.mul_add(error, before).store(squares);
            if let Task::Train(update) = job.task {
                let delta = error.mul(R::splat(update.loss_scale));
                let delta = if self.layer.relu { delta.gated(y) } else { delta };
                delta.store(to.add(16 * r));
            }
        }
    }
}

/// What the outputs of part `part` add to the gradient of layer `l`'s input: Wᵀ δ.
struct InputGradient<'a> {
    share: &'a Share<'a>,
    l: usize,
    layer: &'a Layer,
    part: usize,
}

impl Rows for InputGradient<'_> {
    #[inline(always)]
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize) {
        self.multiply::<R, M>(at, self.share.panels());
    }
}

impl Product for InputGradient<'_> {
    #[inline(always)]
    unsafe fn left(&self, at: usize) -> (*const f32, (usize, usize), usize) {
        // Columns of the weight: neighbours lie side by side, so it need not be transposed first.
        let rows = rows(self.layer.outputs, self.part);
        let start = self.layer.weight + rows.start * self.layer.inputs + at;
        (self.share.job.parameters.0.add(start), (1, self.layer.inputs), rows.len())
    }

    #[inline(always)]
    unsafe fn right(&self, p: usize) -> *const f32 {
        let first = rows(self.layer.outputs, self.part).start;
        self.share.buffers.deltas[self.l].start().add(16 * (p * self.layer.outputs + first))
    }

    #[inline(always)]
    unsafe fn take<R: Lanes, const M: usize>(&self, at: usize, p: usize, sums: [R; M]) {
        let to = self.share.buffers.partial[self.l][self.part].start().add(16 * (p * self.layer.inputs + at));
        for (r, sum) in sums.into_iter().enumerate() {
            sum.store(to.add(16 * r));
        }
    }
}
