//! The chain's shape and the buffers that live as long as the job.
#![expect(unsafe_code, reason = "buffers that the threads of one team fill in turns, between barriers")]

use std::{cell::UnsafeCell, ops::Range};

use crate::{error::Result, torch::memory};

/// One Linear with what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Layer {
    /// Features in.
    pub(in super::super) inputs: usize,
    /// Features out.
    pub(in super::super) outputs: usize,
    /// Where the weight `[outputs, inputs]` starts in the flat vector.
    pub(in super::super) weight: usize,
    /// Where the bias `[outputs]` starts, if it has one.
    pub(in super::super) bias: Option<usize>,
    /// Whether a ReLU follows.
    pub(in super::super) relu: bool,
}

/// A chain of layers; its input is multiplied by `scale` first.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Shape {
    /// In the order of the network, at least one, widths fitting.
    pub(in super::super) layers: Vec<Layer>,
    /// The product of the `MulConstant`s in front.
    pub(in super::super) scale: f32,
}

impl Shape {
    /// Features of one sample.
    pub(in super::super) fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// How much of the flat vector it reads: up to its last weight or bias.
    pub(in super::super) fn numbers(&self) -> usize {
        let end = |layer: &Layer| {
            let weights = layer.weight + layer.inputs * layer.outputs;
            layer.bias.map_or(weights, |bias| weights.max(bias + layer.outputs))
        };
        self.layers.iter().map(end).max().unwrap_or(0)
    }

    /// Features of one output.
    pub(in super::super) fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].outputs
    }
}

/// An address that may travel to the team's threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct MutPtr(pub(in super::super) *mut f32);

// SAFETY: an address alone does nothing; whoever uses it is in an unsafe block with its own reasons.
unsafe impl Send for MutPtr {}
// SAFETY: as above.
unsafe impl Sync for MutPtr {}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Zeroed f32 from a cache line's start, written by several threads in separate places.
pub(in crate::train::engine) struct Floats(Box<[UnsafeCell<Line>]>);

// SAFETY: the phases give each thread its own part, and barriers lie between writing and reading.
unsafe impl Sync for Floats {}

impl Floats {
    ///
    /// # Errors
    /// When they do not fit into the memory.
    pub(in crate::train::engine) fn new(len: usize) -> Result<Floats> {
        let lines = len.div_ceil(16);
        memory::check(i64::try_from(lines).unwrap_or(i64::MAX), size_of::<Line>(), "a buffer for a batch")?;
        Ok(Floats((0..lines).map(|_| UnsafeCell::new(Line([0.0; 16]))).collect()))
    }

    /// All of them, and up to fifteen zeros behind.
    fn all(&mut self) -> impl Iterator<Item = f32> {
        self.0.iter_mut().flat_map(|line| line.get_mut().0)
    }

    /// The first element.
    pub(in crate::train::engine) fn start(&self) -> *mut f32 {
        self.0.as_ptr().cast::<f32>().cast_mut()
    }
}

/// Parts that each layer's outputs are cut into. Weights, velocity and gradients of a part are touched by one thread
/// only. A fixed number, so that results do not depend on the number of threads; more threads than parts are idle.
pub(in super::super) const PARTS: usize = 2;

/// The rows of part `part` of a layer with `outputs` outputs.
pub(super) fn rows(outputs: usize, part: usize) -> Range<usize> {
    share(outputs, 1, part, PARTS)
}

/// What a thread writes and nobody else reads.
pub(super) struct Own {
    /// Panels of the batch as it came, not scaled.
    pub(super) batch: Floats,
    /// Strips of each layer's input; of the first only when its rows cannot be used as they are.
    pub(super) strips: Vec<Floats>,
}

/// All memory of a step. Sizes are for `capacity` samples, a multiple of 16.
pub(in super::super) struct Buffers {
    /// Samples that fit.
    pub(in super::super) capacity: usize,
    /// For each thread.
    pub(super) own: Vec<Own>,
    /// Panels of each layer's output behind its ReLU; the last of them, in evaluation only, is the output.
    pub(super) outputs: Vec<Floats>,
    /// Panels of the gradient of each layer's output before its ReLU.
    pub(super) deltas: Vec<Floats>,
    /// Panels of the gradient of each layer's input (none of the first's), as far as each part's outputs make it.
    pub(super) partial: Vec<[Floats; PARTS]>,
    /// Panels of the target, when it is not the input.
    pub(super) target: Floats,
    /// Sixteen sums of squared errors for each output.
    pub(super) squares: Floats,
}

impl Buffers {
    /// Memory for batches of up to `samples` on `threads` threads.
    ///
    /// # Errors
    /// When they do not fit into the memory.
    pub(in super::super) fn new(shape: &Shape, samples: usize, threads: usize) -> Result<Buffers> {
        let capacity = capacity_for(samples);
        let layers = &shape.layers;
        let panels = |features: usize| Floats::new(capacity.saturating_mul(features));
        let strips = |l: usize| match layers[l].inputs {
            inputs if l == 0 && inputs.is_multiple_of(16) => 0,
            inputs => inputs.next_multiple_of(16),
        };
        let own = || -> Result<Own> {
            let strips = (0..layers.len()).map(|l| panels(strips(l))).collect::<Result<_>>()?;
            Ok(Own { batch: panels(shape.inputs())?, strips })
        };
        let partial = |l: usize| -> Result<[Floats; PARTS]> {
            let features = if l == 0 { 0 } else { layers[l].inputs };
            Ok([panels(features)?, panels(features)?])
        };
        Ok(Buffers {
            capacity,
            own: (0..threads).map(|_| own()).collect::<Result<_>>()?,
            outputs: layers.iter().map(|l| panels(l.outputs)).collect::<Result<_>>()?,
            deltas: layers.iter().map(|l| panels(l.outputs)).collect::<Result<_>>()?,
            partial: (0..layers.len()).map(partial).collect::<Result<_>>()?,
            target: panels(shape.outputs())?,
            squares: Floats::new(16 * shape.outputs())?,
        })
    }

    /// The summed squared error of the last block.
    pub(in super::super) fn squared_error(&mut self) -> f64 {
        self.squares.all().map(f64::from).sum()
    }
}

/// Room for batches of up to `samples`, in whole panels of sixteen; far too many stay far too many.
pub(in crate::train::engine) fn capacity_for(samples: usize) -> usize {
    samples.clamp(1, usize::MAX - 15).next_multiple_of(16)
}

/// The part of `0..len` of thread `thread` of `threads`, cut at multiples of `unit`.
pub(in crate::train::engine) fn share(len: usize, unit: usize, thread: usize, threads: usize) -> Range<usize> {
    let units = len.div_ceil(unit);
    let cut = |i: usize| (units * i / threads * unit).min(len);
    cut(thread)..cut(thread + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_everything_once() {
        for (len, unit, threads) in [(784, 6, 2), (5, 6, 2), (1, 1, 3), (0, 6, 2), (50, 12, 4)] {
            let mut next = 0;
            for thread in 0..threads {
                let part = share(len, unit, thread, threads);
                assert_eq!(part.start, next);
                next = part.end;
            }
            assert_eq!(next, len);
        }
    }
}
