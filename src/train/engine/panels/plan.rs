//! `Plan`: the stages that a recognised network runs through, and the buffers that live as long as the job.
#![expect(unsafe_code, reason = "buffers that the threads of one team fill in turns, between barriers")]

use std::cell::UnsafeCell;

use crate::{
    error::Result,
    train::engine::kernels::{Floats, capacity_for},
};

/// Planes of features: `[c, h, w]`; a vector of features is c planes of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planes {
    pub(super) c: usize,
    pub(super) h: usize,
    pub(super) w: usize,
}

impl Planes {
    pub(super) fn features(self) -> usize {
        self.c * self.h * self.w
    }
}

/// A window over planes, height before width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
}

/// Where a stage's weight and bias start in the flat vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) weight: usize,
    pub(super) bias: Option<usize>,
}

/// What a stage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Zeros around each plane: top and bottom, left and right.
    Pad([usize; 2]),
    /// Weight `[out, in, kH, kW]`, no padding, no dilation, one group.
    Convolution(Place, Window),
    /// The largest of each window, all inside the plane.
    MaxPool(Window),
    /// Weight `[out, in]`.
    Linear(Place),
}

/// One stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stage {
    pub(super) kind: Kind,
    pub(super) input: Planes,
    pub(super) output: Planes,
    /// Whether a ReLU follows.
    pub(super) relu: bool,
}

impl Stage {
    pub(super) fn place(&self) -> Option<Place> {
        match self.kind {
            Kind::Convolution(place, _) | Kind::Linear(place) => Some(place),
            Kind::Pad(_) | Kind::MaxPool(_) => None,
        }
    }

    /// Numbers of the weight; 0 without one.
    pub(super) fn weights(&self) -> usize {
        match self.kind {
            Kind::Convolution(_, window) => self.output.c * self.input.c * window.kernel[0] * window.kernel[1],
            Kind::Linear(_) => self.output.c * self.input.features(),
            Kind::Pad(_) | Kind::MaxPool(_) => 0,
        }
    }
}

/// The criterion, over the last stage's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// nn.MSECriterion
    Mse,
    /// nn.LogSoftMax and nn.ClassNLLCriterion, or both as nn.CrossEntropyCriterion: then the output is the scores.
    ClassNll { output_is_log: bool },
}

/// A recognised network for images of one size.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PanelPlan {
    /// At least one.
    pub(super) stages: Vec<Stage>,
    /// The product of the `MulConstant`s in front.
    pub(super) scale: f32,
    pub(super) loss: Loss,
    pub(super) size_average: bool,
}

impl PanelPlan {
    pub(super) fn inputs(&self) -> usize {
        self.stages[0].input.features()
    }

    pub(super) fn outputs(&self) -> usize {
        self.stages[self.stages.len() - 1].output.features()
    }

    /// How much of the flat vector it reads: up to its last weight or bias.
    pub(super) fn numbers(&self) -> usize {
        let end = |stage: &Stage| {
            let place = stage.place()?;
            let weights = place.weight + stage.weights();
            Some(place.bias.map_or(weights, |bias| weights.max(bias + stage.output.c)))
        };
        self.stages.iter().filter_map(end).max().unwrap_or(0)
    }

    /// The first stage with a weight: nothing before it needs a gradient.
    pub(super) fn first_learning(&self) -> usize {
        self.stages.iter().position(|stage| stage.place().is_some()).unwrap_or(self.stages.len())
    }
}

/// What one stage keeps.
pub(super) struct StageBuffers {
    /// Panels of its output.
    pub(super) output: Floats,
    /// Panels of the gradient of its output, before its ReLU.
    pub(super) delta: Floats,
    /// Linear: strips of its input. Others: nothing.
    pub(super) strips: Floats,
    /// Its weight packed for the gradient of its input; empty where that is not needed.
    pub(super) packed: Floats,
    /// Convolution: each panel's share of the gradient of weight and bias.
    pub(super) partial: Floats,
}

/// Losses of one panel, one for each of its samples.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Sums(pub(super) [f64; 16]);

/// All memory of a step, for `capacity` samples, a multiple of 16.
pub(super) struct Buffers {
    pub(super) capacity: usize,
    /// Panels of the scaled input.
    pub(super) input: Floats,
    /// MSE: panels of the target.
    pub(super) target: Floats,
    pub(super) stages: Vec<StageBuffers>,
    /// The loss of each sample.
    pub(super) sums: Box<[UnsafeCell<Sums>]>,
}

// SAFETY: as for `Floats`: each thread has its own part, and barriers lie between writing and reading.
unsafe impl Sync for Buffers {}

impl Buffers {
    ///
    /// # Errors
    /// When they do not fit into the memory.
    pub(super) fn new(plan: &PanelPlan, samples: usize) -> Result<Buffers> {
        let capacity = capacity_for(samples);
        let first = plan.first_learning();
        let panels = |samples: usize, features: usize| Floats::new(samples.saturating_mul(features));
        let stage = |(i, stage): (usize, &Stage)| -> Result<StageBuffers> {
            let (linear, convolution) = match stage.kind {
                Kind::Linear(_) => (capacity, 0),
                Kind::Convolution(..) => (0, capacity / 16),
                Kind::Pad(_) | Kind::MaxPool(_) => (0, 0),
            };
            Ok(StageBuffers {
                output: panels(capacity, stage.output.features())?,
                delta: panels(capacity, stage.output.features())?,
                strips: panels(linear, stage.input.features().next_multiple_of(16))?,
                packed: Floats::new(if i > first { stage.weights() } else { 0 })?,
                partial: panels(convolution, partial_len(stage))?,
            })
        };
        let is_mse = plan.loss == Loss::Mse;
        Ok(Buffers {
            capacity,
            input: panels(capacity, plan.inputs())?,
            target: panels(if is_mse { capacity } else { 0 }, plan.outputs())?,
            stages: plan.stages.iter().enumerate().map(stage).collect::<Result<_>>()?,
            sums: (0..capacity / 16).map(|_| UnsafeCell::new(Sums([0.0; 16]))).collect(),
        })
    }

    /// The summed loss of the last block of `n` samples, added in the order of the samples.
    pub(super) fn loss(&mut self, n: usize) -> f64 {
        self.sums.iter_mut().flat_map(|sums| sums.get_mut().0).take(n).sum()
    }
}

/// Numbers of one panel's partial gradient: weight, then bias, up to a cache line's end.
pub(super) fn partial_len(stage: &Stage) -> usize {
    (stage.weights().next_multiple_of(16) + stage.output.c).next_multiple_of(16)
}
