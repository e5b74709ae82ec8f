//! `Context`: what a forward pass carries along: the mode, the source of noise, an observer, and the cuts where a
//! module written by the user interrupts libtorch's graph.

use std::cell::RefCell;

use super::{Activity, Node};
use crate::{error::Result, torch::Generator};

/// Whether modules such as `Dropout` and `BatchNormalization` behave as in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `net:training()`
    Train,
    /// `net:evaluate()`
    Evaluate,
}

/// Sees every module's input and output during a forward pass (Test One, `check`, the search for the first NaN).
pub trait Observer {
    /// Called after `node` made `output` from `input`; children before their container.
    fn saw(&mut self, node: &Node, input: &Activity, output: &Activity);
}

/// A place where the graph is cut: the user's own backward carries the gradient from `output` to `input`.
pub struct Cut {
    /// The activity before the cut, in the graph of the segment before it.
    pub input: Activity,
    /// Leaves that start the graph of the segment behind the cut.
    pub output: Activity,
    /// Gradient with respect to the input, from the gradient with respect to the output. Also accumulates the
    /// gradients of the module's own parameters where the module keeps them.
    #[allow(clippy::type_complexity)]
    pub backward: Box<dyn FnOnce(&Activity) -> Result<Activity>>,
}

enum Noise<'a> {
    /// Torch7's generator: the numbers that a seed gave then.
    Torch(&'a RefCell<Generator>),
    /// libtorch's generator, seeded by the trainer for each step; works on every device.
    Library,
}

/// A tensor and its copy in another arrangement: the branches behind one module share it.
struct Rearranged {
    original: tch::Tensor,
    copy: tch::Tensor,
}

/// State of one forward pass.
pub struct Context<'a> {
    /// Training or evaluation.
    pub mode: Mode,
    noise: Noise<'a>,
    replay: bool,
    private: bool,
    rearranged: Option<Rearranged>,
    observer: Option<&'a mut dyn Observer>,
    target: Option<Activity>,
    cuts: Vec<Cut>,
}

impl<'a> Context<'a> {
    /// A pass whose noise comes from libtorch's generator.
    #[must_use]
    pub fn new(mode: Mode) -> Context<'a> {
        Context::noisy(mode, Noise::Library)
    }

    /// A pass whose noise comes from Torch7's generator (the eager protocol). It is borrowed for each draw only, so that
    /// a module written in Lua can draw, too.
    #[must_use]
    pub fn with_generator(mode: Mode, generator: &'a RefCell<Generator>) -> Context<'a> {
        Context::noisy(mode, Noise::Torch(generator))
    }

    fn noisy(mode: Mode, noise: Noise<'a>) -> Context<'a> {
        Context {
            mode,
            noise,
            replay: false,
            private: false,
            rearranged: None,
            observer: None,
            target: None,
            cuts: Vec::new(),
        }
    }

    /// Lets `observer` see every module.
    #[must_use]
    pub fn observed(mut self, observer: &'a mut dyn Observer) -> Context<'a> {
        self.observer = Some(observer);
        self
    }

    /// Lets the network itself see the target: DIGITS' TensorFlow networks may condition on it.
    #[must_use]
    pub fn towards(mut self, target: &Activity) -> Context<'a> {
        self.target = Some(target.share());
        self
    }

    /// The target of this pass, where the network may see it.
    #[must_use]
    pub fn target(&self) -> Option<&Activity> {
        self.target.as_ref()
    }

    /// A pass where nobody looks at what flows between the modules: images may lie in memory with their planes side by
    /// side, `[n, h, w, c]`, which convolutions and pooling prefer, and what no gradient needs may be overwritten. Sizes
    /// and numbers are the same; a module that shows tensors to the user must give them Torch7's strides.
    #[must_use]
    pub fn private(mut self) -> Context<'a> {
        self.private = true;
        self
    }

    /// Whether nobody looks at what flows between the modules.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private && self.observer.is_none()
    }

    /// `x` as `arrange` arranges it. What was made of the last tensor is used again when `x` is that tensor, such as the
    /// network's input in front of several branches. Only without gradients: two tensors on one memory can have
    /// different histories.
    ///
    /// # Errors
    /// When `arrange` fails.
    pub fn rearranged(
        &mut self,
        x: &tch::Tensor,
        arrange: impl FnOnce(&tch::Tensor) -> Result<tch::Tensor>,
    ) -> Result<tch::Tensor> {
        if x.requires_grad() {
            return arrange(x);
        }
        // The original is held, so that no other tensor lies at its address.
        let is_original = |last: &Rearranged| {
            last.original.data_ptr() == x.data_ptr()
                && last.original.size() == x.size()
                && last.original.stride() == x.stride()
                && last.original.kind() == x.kind()
        };
        if let Some(last) = self.rearranged.as_ref().filter(|last| is_original(last)) {
            return Ok(last.copy.shallow_clone());
        }
        let copy = arrange(x)?;
        self.rearranged = Some(Rearranged { original: x.shallow_clone(), copy: copy.shallow_clone() });
        Ok(copy)
    }

    /// Makes this pass repeat the one before: modules take the noise that their fields hold instead of new noise,
    /// and running statistics stay as they are. The eager protocol's backward needs the graph of the last forward.
    #[must_use]
    pub fn replaying(mut self) -> Context<'a> {
        self.replay = true;
        self
    }

    /// Whether this pass repeats the one before.
    #[must_use]
    pub fn replays(&self) -> bool {
        self.replay
    }

    /// Whether this is a training pass.
    #[must_use]
    pub fn is_training(&self) -> bool {
        self.mode == Mode::Train
    }

    /// Zeros and ones of `like`'s shape, type and device, 1 with probability `p`.
    ///
    /// # Errors
    /// When libtorch cannot draw for this type.
    pub fn bernoulli(&mut self, size: &[i64], p: f64, like: &tch::Tensor) -> Result<tch::Tensor> {
        match self.noise {
            Noise::Library => Ok(tch::Tensor::f_empty(size, (like.kind(), like.device()))?.f_bernoulli_float_(p)?),
            Noise::Torch(generator) => {
                drawn(size, like, generator, |generator| f64::from(u8::from(generator.bernoulli(p))))
            }
        }
    }

    /// Uniform numbers in [a, b).
    ///
    /// # Errors
    /// When libtorch cannot draw for this type.
    pub fn uniform(&mut self, size: &[i64], a: f64, b: f64, like: &tch::Tensor) -> Result<tch::Tensor> {
        match self.noise {
            Noise::Library => Ok(tch::Tensor::f_empty(size, (like.kind(), like.device()))?.f_uniform_(a, b)?),
            Noise::Torch(generator) => drawn(size, like, generator, |generator| generator.uniform(a, b)),
        }
    }

    /// Normal numbers.
    ///
    /// # Errors
    /// When libtorch cannot draw for this type.
    pub fn normal(&mut self, size: &[i64], mean: f64, std: f64, like: &tch::Tensor) -> Result<tch::Tensor> {
        match self.noise {
            Noise::Library => Ok(tch::Tensor::f_empty(size, (like.kind(), like.device()))?.f_normal_(mean, std)?),
            Noise::Torch(generator) => drawn(size, like, generator, |generator| generator.normal(mean, std)),
        }
    }

    /// Whether there is an observer.
    pub(super) fn is_observed(&self) -> bool {
        self.observer.is_some()
    }

    /// Tells the observer, if there is one.
    pub(super) fn observe(&mut self, node: &Node, input: &Activity, output: &Activity) {
        if let Some(observer) = &mut self.observer {
            observer.saw(node, input, output);
        }
    }

    /// Records a cut; only a training pass needs it.
    pub fn cut(&mut self, cut: Cut) {
        self.cuts.push(cut);
    }

    /// The cuts of this pass in the order of the forward run.
    pub fn take_cuts(&mut self) -> Vec<Cut> {
        std::mem::take(&mut self.cuts)
    }
}

fn drawn(
    size: &[i64],
    like: &tch::Tensor,
    generator: &RefCell<Generator>,
    draw: impl Fn(&mut Generator) -> f64,
) -> Result<tch::Tensor> {
    let count = size.iter().product::<i64>().max(0) as usize;
    let mut generator = generator.borrow_mut();
    let numbers: Vec<f64> = (0..count).map(|_| draw(&mut generator)).collect();
    Ok(tch::Tensor::from_slice(&numbers).f_view(size)?.f_to_kind(like.kind())?.f_to_device(like.device())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tensor_is_arranged_once() {
        let float = (tch::Kind::Float, tch::Device::Cpu);
        let (x, other) = (tch::Tensor::rand([2, 3], float), tch::Tensor::rand([2, 3], float));
        let learned = x.detach().set_requires_grad(true);
        let mut cx = Context::new(Mode::Train);
        let mut arranged = 0;
        let mut arrange = |x: &tch::Tensor| {
            cx.rearranged(x, |x| {
                arranged += 1;
                Ok(x.copy())
            })
            .unwrap()
        };
        for tensor in [&x, &x, &other, &x, &learned, &learned] {
            assert_eq!(arrange(tensor), *tensor);
        }
        assert_eq!(arranged, 5, "the second time is the first one's copy, but for tensors with a history");
    }
}
