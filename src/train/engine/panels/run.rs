//! A step on panels in three phases, a barrier between them: forward, loss and packing; gradients of the stages'
//! inputs and each panel's share of the convolutions' (samples shared out among the threads in both); then the sums
//! over panels and the linear weights' gradients, fused with what is learned (weights shared out).
//!
//! A batch of fewer panels than threads, such as one of sixteen samples, would leave threads idle: of that the planes
//! of each stage are shared out, with a barrier after each stage.
#![expect(unsafe_code, reason = "pointers into the buffers; each function says who writes where")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations; `Part::run` has the contract")]

use std::ops::Range;

use super::{
    convolution, linear, loss,
    plan::{Buffers, Kind, Loss, PanelPlan, Stage, partial_len},
    pool,
};
use crate::train::engine::{
    kernels::{
        Learn, MutPtr, Sgd, Strips, WeightGradient, Work, from_panel,
        lanes::Lanes,
        share,
        tile::{each_even_tile, each_tile_of},
        to_panel, to_strips,
    },
    team::Barrier,
};

/// What is done with a gradient as soon as it is known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Taking {
    /// The SGD step.
    Sgd(Sgd),
    /// It goes to the flat vector of gradients, for another rule.
    Store(MutPtr),
}

impl Learn for Taking {
    #[inline(always)]
    unsafe fn take<R: Lanes>(&self, start: usize, g: R) {
        match self {
            Taking::Sgd(sgd) => sgd.take(start, g),
            Taking::Store(gradient) => g.store(gradient.0.add(start)),
        }
    }

    #[inline(always)]
    unsafe fn take_some<R: Lanes>(&self, start: usize, width: usize, g: R) {
        match self {
            Taking::Sgd(sgd) => sgd.take_some(start, width, g),
            Taking::Store(gradient) => {
                let mut lanes = [0.0f32; 16];
                g.store(lanes.as_mut_ptr());
                std::ptr::copy_nonoverlapping(lanes.as_ptr(), gradient.0.add(start), width);
            }
        }
    }
}

/// What the output is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'a> {
    /// `[n, outputs]`, row-major.
    Values(MutPtr),
    /// A class for each sample, from 0.
    Labels(&'a [usize]),
}

/// What is done with one block of samples.
#[derive(Debug, Clone, Copy)]
pub(super) enum Task {
    /// Forward, loss, backward, and what is learned; the factor of the loss' gradient.
    Train(Taking, f32),
    /// Forward and loss; the output goes, row by row, to this address.
    Evaluate(MutPtr),
}

/// One block of samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    /// Samples, at most the capacity of the buffers.
    pub(super) n: usize,
    /// `[n, inputs]`, row-major.
    pub(super) input: MutPtr,
    pub(super) target: Target<'a>,
    /// The flat parameters.
    pub(super) parameters: MutPtr,
    pub(super) task: Task,
}

/// Whose gradients and outputs a thread computes before weights are shared out.
struct Mine {
    panels: Range<usize>,
    /// Of each stage's planes: this share, of so many.
    planes: (usize, usize),
}

impl Mine {
    /// The share of `planes` planes.
    fn of(&self, planes: usize) -> Range<usize> {
        share(planes, 1, self.planes.0, self.planes.1)
    }
}

/// What one thread needs to know to do its part.
pub(super) struct Part<'a> {
    pub(super) plan: &'a PanelPlan,
    pub(super) buffers: &'a Buffers,
    pub(super) job: &'a Job<'a>,
    pub(super) thread: usize,
    pub(super) threads: usize,
    pub(super) barrier: &'a Barrier,
}

impl Work for Part<'_> {
    /// # Safety
    /// Every thread of the team calls it with the same job; the job's pointers must be good for the plan; nobody else
    /// may touch buffers, parameters, velocity or gradients meanwhile.
    /// Between two barriers a thread writes only its own panels, its own share of the packed weights, or its own share
    /// of what is learned, and reads only what was finished before the last barrier or what it wrote itself.
    #[inline(always)]
    unsafe fn run<R: Lanes>(&self) {
        let panels = self.job.n.div_ceil(16);
        let mine = if panels < self.threads {
            Mine { panels: 0..panels, planes: (self.thread, self.threads) }
        } else {
            Mine { panels: share(panels, 1, self.thread, self.threads), planes: (0, 1) }
        };
        // One of the threads that have the same panels does what is not worth sharing.
        let whole = if mine.planes.0 == 0 { mine.panels.clone() } else { 0..0 };
        self.read_batch::<R>(whole.clone());
        self.meet(&mine);
        for i in 0..self.plan.stages.len() {
            self.forward::<R>(i, &mine, whole.clone());
            self.meet(&mine);
        }
        self.compare(whole.clone());
        match self.job.task {
            Task::Evaluate(output) => self.write_output::<R>(whole, output.0),
            Task::Train(learn, _) => {
                let first = self.plan.first_learning();
                (first + 1..self.plan.stages.len()).for_each(|i| self.pack::<R>(i));
                self.barrier.wait();
                for i in (first..self.plan.stages.len()).rev() {
                    self.backward::<R>(i, i > first, &mine);
                    self.meet(&mine);
                }
                self.barrier.wait();
                for i in first..self.plan.stages.len() {
                    self.learn::<R>(i, &learn);
                }
            }
        }
    }
}

impl Part<'_> {
    /// Waits for the threads that have the same panels.
    fn meet(&self, mine: &Mine) {
        if mine.planes.1 > 1 {
            self.barrier.wait();
        }
    }

    fn stage(&self, i: usize) -> &Stage {
        &self.plan.stages[i]
    }

    /// Samples in panel `p`.
    fn filled(&self, p: usize) -> usize {
        (self.job.n - 16 * p).min(16)
    }

    /// Panels of stage `i`'s input.
    fn input(&self, i: usize) -> *mut f32 {
        if i == 0 { self.buffers.input.start() } else { self.buffers.stages[i - 1].output.start() }
    }

    /// The input of stage `i`, when a ReLU made it.
    fn gate(&self, i: usize) -> Option<*const f32> {
        (i > 0 && self.stage(i - 1).relu).then(|| self.input(i).cast_const())
    }

    /// Where the weight and the bias of stage `i` start.
    ///
    /// # Safety
    /// As `run`: the addresses are good as long as the job's parameters are.
    unsafe fn weight(&self, i: usize) -> (*const f32, Option<*const f32>) {
        let place = self.stage(i).place().expect("called for stages with a weight");
        let at = |start: usize| self.job.parameters.0.add(start).cast_const();
        (at(place.weight), place.bias.map(at))
    }

    /// Lays the batch out in panels, the target's values too.
    ///
    /// # Safety
    /// Before the first meeting; no other thread is given these panels.
    #[inline(always)]
    unsafe fn read_batch<R: Lanes>(&self, panels: Range<usize>) {
        let (inputs, outputs) = (self.plan.inputs(), self.plan.outputs());
        for p in panels {
            let panel = self.buffers.input.start().add(16 * p * inputs);
            to_panel::<R>(self.job.input.0.add(16 * p * inputs), inputs, 0..inputs, self.filled(p), panel);
            if self.plan.scale != 1.0 {
                (0..16 * inputs).for_each(|i| *panel.add(i) *= self.plan.scale);
            }
            if let Target::Values(target) = self.job.target {
                let panel = self.buffers.target.start().add(16 * p * outputs);
                to_panel::<R>(target.0.add(16 * p * outputs), outputs, 0..outputs, self.filled(p), panel);
            }
        }
    }

    /// `whole`: the panels of which this thread does what is not shared out.
    ///
    /// # Safety
    /// A thread writes its own planes of its own panels of stage `i`'s output, and strips of the panels `whole`;
    /// stage `i`'s input was finished before the last meeting.
    #[inline(always)]
    unsafe fn forward<R: Lanes>(&self, i: usize, mine: &Mine, whole: Range<usize>) {
        let panels = mine.panels.clone();
        let (stage, x, y) = (self.stage(i), self.input(i), self.buffers.stages[i].output.start());
        let (inputs, outputs) = (stage.input.features(), stage.output.features());
        let planes = mine.of(stage.output.c);
        match stage.kind {
            Kind::Pad(edge) => {
                for p in panels {
                    pool::pad(stage, edge, planes.clone(), x.add(16 * p * inputs), y.add(16 * p * outputs));
                }
            }
            Kind::MaxPool(window) => {
                for p in panels {
                    let (x, y) = (x.add(16 * p * inputs), y.add(16 * p * outputs));
                    pool::forward::<R>(stage, window, planes.clone(), x, y);
                }
            }
            Kind::Convolution(_, window) => {
                let (weight, bias) = self.weight(i);
                let work = convolution::Forward { stage, window, weight, bias, x, y, panels };
                each_even_tile::<R, _>(planes.start, planes.end, &work);
            }
            Kind::Linear(_) => {
                let (weight, bias) = self.weight(i);
                let relu = stage.relu;
                let work = linear::Forward { inputs, outputs, relu, weight, bias, x, y, panels };
                each_even_tile::<R, _>(planes.start, planes.end, &work);
                if matches!(self.job.task, Task::Train(..)) {
                    for p in whole {
                        let strips = self.buffers.stages[i].strips.start().add(256 * p);
                        to_strips::<R>(x.add(16 * p * inputs), inputs, strips, 16 * self.buffers.capacity);
                    }
                }
            }
        }
    }

    /// Losses, and the gradient of the last output.
    ///
    /// # Safety
    /// A thread writes sums, gradients and logarithms of the panels it is given, no other thread is; their output was
    /// finished before the last meeting.
    unsafe fn compare(&self, panels: Range<usize>) {
        let (features, last) = (self.plan.outputs(), self.plan.stages.len() - 1);
        let buffers = &self.buffers.stages[last];
        for p in panels {
            let place = 16 * p * features;
            let (delta, scale) = match self.job.task {
                Task::Train(_, scale) => (Some(buffers.delta.start().add(place)), scale),
                Task::Evaluate(_) => (None, 0.0),
            };
            let (filled, y, relu) = (self.filled(p), buffers.output.start().add(place), self.stage(last).relu);
            let output = loss::Output { features, filled, y, delta, scale, relu };
            let sums = &mut (*self.buffers.sums[p].get()).0;
            *sums = [0.0; 16];
            match (self.plan.loss, self.job.target) {
                (Loss::ClassNll { output_is_log }, Target::Labels(labels)) => {
                    output.class_nll(output_is_log, &labels[16 * p..], sums);
                }
                _ => output.mse(self.buffers.target.start().add(place), sums),
            }
        }
    }

    /// This thread's share of stage `i`'s weight.
    ///
    /// # Safety
    /// Before the first barrier of the backward pass: a thread writes its own rows of the packed weight; parameters
    /// are only read until the second barrier.
    #[inline(always)]
    unsafe fn pack<R: Lanes>(&self, i: usize) {
        let (stage, to) = (self.stage(i), self.buffers.stages[i].packed.start());
        let rows = share(stage.output.c, 1, self.thread, self.threads);
        match stage.kind {
            Kind::Convolution(_, window) => {
                let work = convolution::Pack { stage, window, weight: self.weight(i).0, to, outputs: rows };
                each_even_tile::<R, _>(0, stage.input.c, &work);
            }
            Kind::Linear(_) => {
                let (inputs, outputs) = (stage.input.features(), stage.output.c);
                let work = linear::Pack { inputs, outputs, weight: self.weight(i).0, to, rows };
                each_even_tile::<R, _>(0, inputs, &work);
            }
            Kind::Pad(_) | Kind::MaxPool(_) => {}
        }
    }

    /// The gradient of stage `i`'s input, when it is wanted, and the panels' shares of a convolution's gradient.
    ///
    /// # Safety
    /// Between the two barriers of the backward pass: a thread reads all packed weights, and gradients of its own
    /// panels that were finished before the last meeting; it writes its own planes of the stage before's gradient and
    /// its own share of the partial sums.
    #[inline(always)]
    unsafe fn backward<R: Lanes>(&self, i: usize, wanted: bool, mine: &Mine) {
        let panels = mine.panels.clone();
        let (stage, buffers, x) = (self.stage(i), &self.buffers.stages[i], self.input(i).cast_const());
        let (inputs, outputs) = (stage.input.features(), stage.output.features());
        let delta = buffers.delta.start().cast_const();
        if let Kind::Convolution(_, window) = stage.kind {
            for p in panels.clone() {
                let to = buffers.partial.start().add(p * partial_len(stage));
                let (x, delta) = (x.add(16 * p * inputs), delta.add(16 * p * outputs));
                convolution::weight_gradient::<R>(stage, window, mine.of(stage.output.c), x, delta, to);
            }
        }
        if !wanted {
            return;
        }
        let (to, gate) = (self.buffers.stages[i - 1].delta.start(), self.gate(i));
        // Packed tile by tile: these tiles are shared out.
        let packed = buffers.packed.start().cast_const();
        let planes = mine.of(stage.input.c);
        match stage.kind {
            Kind::Pad(edge) => {
                for p in panels {
                    let gate = gate.map(|gate| gate.add(16 * p * inputs));
                    let (delta, to) = (delta.add(16 * p * outputs), to.add(16 * p * inputs));
                    pool::unpad::<R>(stage, edge, planes.clone(), gate, delta, to);
                }
            }
            Kind::MaxPool(window) => {
                let y = buffers.output.start().cast_const();
                for p in panels {
                    let (into, out) = (16 * p * inputs, 16 * p * outputs);
                    let (before, after) = ((x.add(into), y.add(out)), (delta.add(out), to.add(into)));
                    pool::backward::<R>(stage, window, planes.clone(), gate.is_some(), before, after);
                }
            }
            Kind::Convolution(_, window) => {
                let work = convolution::InputGradient { stage, window, packed, delta, gate, to, panels };
                each_tile_of::<R, _>(0, stage.input.c, mine.planes, &work);
            }
            Kind::Linear(_) => {
                let work = linear::InputGradient { inputs, outputs, packed, delta, gate, to, panels };
                each_tile_of::<R, _>(0, inputs, mine.planes, &work);
            }
        }
    }

    /// This thread's share of what stage `i` learns.
    ///
    /// # Safety
    /// Behind the second barrier of the backward pass: nobody writes gradients or partial sums any more, and a thread
    /// writes only its own share of the parameters, the velocity or the flat gradient.
    #[inline(always)]
    unsafe fn learn<R: Lanes>(&self, i: usize, learn: &Taking) {
        let (stage, buffers) = (self.stage(i), &self.buffers.stages[i]);
        let Some(place) = stage.place() else { return };
        if let Kind::Convolution(..) = stage.kind {
            let weights = stage.weights();
            self.sum_panels::<R>(i, (0, weights), place.weight, learn);
            if let Some(bias) = place.bias {
                self.sum_panels::<R>(i, (weights.next_multiple_of(16), stage.output.c), bias, learn);
            }
            return;
        }
        let (inputs, outputs) = (stage.input.features(), stage.output.c);
        let gradient = WeightGradient {
            inputs,
            outputs,
            weight: place.weight,
            bias: place.bias,
            strips: Strips { first: buffers.strips.start(), next: 16, apart: 16 * self.buffers.capacity },
            scale: 1.0,
            delta: buffers.delta.start(),
            samples: self.job.n,
            learn,
        };
        gradient.rows::<R>(share(outputs, 1, self.thread, self.threads));
    }

    /// Learns from `len` numbers of the panels' shares, from `from` on, that belong to the parameters at `start`.
    ///
    /// # Safety
    /// As `learn`.
    #[inline(always)]
    unsafe fn sum_panels<R: Lanes>(&self, i: usize, (from, len): (usize, usize), start: usize, learn: &Taking) {
        let (partial, each) = (self.buffers.stages[i].partial.start().add(from), partial_len(self.stage(i)));
        let mine = share(len, 16, self.thread, self.threads);
        for at in mine.step_by(16) {
            let mut sum = R::load(partial.add(at));
            for p in 1..self.job.n.div_ceil(16) {
                sum = R::splat(1.0).mul_add(R::load(partial.add(p * each + at)), sum);
            }
            match len - at {
                ..16 => learn.take_some(start + at, len - at, sum),
                _ => learn.take(start + at, sum),
            }
        }
    }

    /// The output panels, row by row.
    ///
    /// # Safety
    /// A thread writes the rows of the samples in its panels, no other thread's; their output was finished before the
    /// last meeting.
    #[inline(always)]
    unsafe fn write_output<R: Lanes>(&self, panels: Range<usize>, output: *mut f32) {
        let outputs = self.plan.outputs();
        let from = self.buffers.stages[self.plan.stages.len() - 1].output.start();
        for p in panels {
            let place = 16 * p * outputs;
            from_panel::<R>(from.add(place), outputs, 0..outputs, self.filled(p), output.add(place));
        }
    }
}
