//! `Module`, `Criterion`, `Node` and the `Context` of a forward pass, which name each other: a module is given the
//! context, the context's observer is shown nodes, a node holds a module, and a module its child nodes.

use std::{any::Any, cell::RefCell, fmt};

use super::{
    activity::{Activity, Shape},
    cut::Cut,
    fields::Fields,
    memory_format::MemoryFormat,
    noise::Noise,
    rearranged::Rearranged,
    scores::Scores,
};
use crate::{
    error::{Kind, Origin, Result},
    torch::Generator,
};

/// A layer: a function of its input and its parameters. Backward is libtorch's autograd; a module that Lua calls by itself may have
/// its gradients in closed form as well, which spares running it again in a graph.
pub trait Module: Any {
    /// The output for `input`. Results are new tensors: Torch7's in-place flags and views are the
    /// affair of calls from Lua (`frontend/lua/calls/sharing.rs`).
    ///
    /// # Errors
    /// `Kind::Shape` when the input does not fit (see [`super::size_mismatch`]), `Kind::Torch` when libtorch refuses.
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity>;

    /// The gradient of Σ output · `grad` by the input, in closed form; `None` leaves it to autograd, also where `grad` has
    /// another size or type than the output.
    ///
    /// # Errors
    /// `Kind::Torch` when libtorch refuses.
    fn input_gradient(&self, _input: &Activity, _grad: &Activity) -> Result<Option<Activity>> {
        Ok(None)
    }

    /// Writes the output for `input` into `out`, the tensor of the call before, which has no gaps and lies apart from all that
    /// is read. False where the output has another size or type, or the module no such way; `out` is as it was then.
    ///
    /// # Errors
    /// `Kind::Torch` when libtorch refuses.
    fn forward_into(&self, _input: &Activity, _out: &tch::Tensor) -> Result<bool> {
        Ok(false)
    }

    /// [`Module::input_gradient`] into the tensors of the call before, as [`Module::forward_into`] writes the output.
    ///
    /// # Errors
    /// `Kind::Torch` when libtorch refuses.
    fn input_gradient_into(&self, _input: &Activity, _grad: &Activity, _out: &Activity) -> Result<bool> {
        Ok(false)
    }

    /// Whether its gradient can be had from its output: the eager protocol hands that to [`Module::gradient_from_output`], as
    /// long as it is what the module wrote.
    fn reads_its_output(&self) -> bool {
        false
    }

    /// Writes the gradient by the input, made of `grad` and the `output` alone, into `out`; all are of one size and type. False
    /// where the module has no such way.
    ///
    /// # Errors
    /// `Kind::Torch` when libtorch refuses.
    fn gradient_from_output(&self, _output: &tch::Tensor, _grad: &tch::Tensor, _out: &tch::Tensor) -> Result<bool> {
        Ok(false)
    }

    /// Whether a gradient of as many numbers as the output will do in another shape, as it does for Torch7's functions of single numbers;
    /// its products and convolutions refuse one.
    fn takes_reshaped_gradient(&self) -> bool {
        true
    }

    /// Adds `scale` times the gradients of Σ output · `grad` by its parameters to `sums`, one for each in the order that its
    /// `build` asked for them, each of its parameter's size and type. False leaves it to autograd, and `sums` as they are.
    ///
    /// # Errors
    /// `Kind::Torch` when libtorch refuses.
    fn accumulate(&self, _input: &Activity, _grad: &Activity, _scale: f64, _sums: &[tch::Tensor]) -> Result<bool> {
        Ok(false)
    }

    /// Whether its backward, or a part of it, is code of the user's, which may be wrong.
    fn has_own_backward(&self) -> bool {
        false
    }

    /// Whether its output is a new tensor that its own backward does not need, so that a private pass may overwrite it.
    fn leaves_its_output(&self) -> bool {
        false
    }

    /// Floating point operations of one forward pass, a multiply-add counted as two; children not included.
    fn flops(&self, _input: &Shape, _output: &Shape) -> u64 {
        0
    }

    /// The children of a container, in order.
    fn children(&self) -> Vec<&Node> {
        Vec::new()
    }

    /// Of a convolution, the sizes of its kernels `[out, in, kH, kW]`, also where its field holds them as a matrix.
    fn kernels(&self) -> Option<&[i64]> {
        None
    }

    /// What its output's numbers stand for, where they are one a class and say so.
    fn scores(&self) -> Option<Scores> {
        None
    }

    /// Writes what Torch7 leaves on the object after a forward pass (`noise`, `indices` …) into its fields.
    /// Called by the eager protocol only.
    ///
    /// # Errors
    /// When the object refuses.
    fn save(&self, _fields: &dyn Fields) -> Result<()> {
        Ok(())
    }
}

/// A loss: a number from an output and a target.
pub trait Criterion: Any {
    /// The loss as a libtorch scalar in the graph of `input`.
    ///
    /// # Errors
    /// `Kind::Shape` when input and target do not fit, `Kind::Torch` when libtorch refuses.
    fn forward(&self, input: &Activity, target: &Activity, cx: &mut Context<'_>) -> Result<tch::Tensor>;

    /// The gradient of the loss by the input, in closed form; `None` leaves it to autograd, and to `forward` what to say of an input
    /// that does not fit.
    ///
    /// # Errors
    /// `Kind::Torch` when libtorch refuses.
    fn input_gradient(&self, _input: &Activity, _target: &Activity) -> Result<Option<Activity>> {
        Ok(None)
    }

    /// The same into the tensor of the call before, which has no gaps and lies apart from all that is read. False where it has
    /// another size or type, or the criterion no such way; `out` is as it was then.
    ///
    /// # Errors
    /// `Kind::Torch` when libtorch refuses.
    fn input_gradient_into(&self, _input: &Activity, _target: &Activity, _out: &tch::Tensor) -> Result<bool> {
        Ok(false)
    }

    /// Whether its backward, or a part of it, is code of the user's, which may be wrong.
    fn has_own_backward(&self) -> bool {
        false
    }

    /// What it takes a network's numbers for, where it is a classifier's.
    fn scores(&self) -> Option<Scores> {
        None
    }

    /// How the loss of a batch is made of the losses of its parts, for a batch that several processes share.
    fn reduction(&self) -> BatchReduction {
        BatchReduction::Whole
    }

    /// The target that counts nothing, as targets give it (classes from 1), where there is one.
    fn ignored(&self) -> Option<i64> {
        None
    }

    /// Where several losses each teach parameters of their own (adversarial networks): for each the indices of these in
    /// [`super::Parameters::list`]. Empty where one loss teaches all.
    fn taught(&self) -> &[Vec<usize>] {
        &[]
    }

    /// Of each loss, those of its [`Criterion::taught`] that have gradients, which the network file's own code sees, and
    /// are not updated.
    fn left(&self) -> &[Vec<usize>] {
        &[]
    }

    /// The losses that the last `forward` summed up, in the order of [`Criterion::taught`]; handed out once.
    fn losses(&self) -> Vec<tch::Tensor> {
        Vec::new()
    }
}

/// How the loss of a batch is made of the losses of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchReduction {
    /// It is their mean, each part counting by its number of samples.
    Mean,
    /// It is their sum.
    Sum,
    /// It is known from all outputs and targets together only: classes have weights, or the criterion is the user's own.
    Whole,
}

impl BatchReduction {
    /// Of a criterion with Torch7's `sizeAverage`.
    #[must_use]
    pub fn averaging(size_average: bool) -> BatchReduction {
        if size_average { BatchReduction::Mean } else { BatchReduction::Sum }
    }
}

/// A term of the loss that is reported but not minimised, as DIGITS' TensorFlow tool treats regularisation losses: a
/// libtorch scalar, computed from the parameters as they are.
pub type ReportedTerm = Box<dyn Fn() -> Result<tch::Tensor>>;

/// What a network file makes of the gradients of one loss: the loss by its number, the indices of the parameters in
/// [`super::Parameters::list`] and, in the same order, their gradients in; as many gradients out, of the same sizes.
pub type GradientUpdate = Box<dyn Fn(usize, &[usize], Vec<tch::Tensor>) -> Result<Vec<tch::Tensor>>>;

/// A module and what is known about its place.
pub struct Node {
    /// Path from the root, 1-based as in Lua: `` for the root, `3` or `2.1` below it.
    pub path: String,
    /// The class, such as `nn.Linear`.
    pub class: String,
    /// The printed form of a leaf (`nn.Linear(784 -> 300)`); of a container, its class.
    pub label: String,
    /// The line of the network file that constructed the module, when known.
    pub origin: Option<Origin>,
    /// Indices into [`super::Parameters::list`] of the module's own parameters.
    pub parameters: Vec<usize>,
    /// The function itself.
    pub module: Box<dyn Module>,
}

impl Node {
    /// The output for `input`. Errors get the module's place; the observer sees the result.
    ///
    /// # Errors
    /// The module's own, with its path and origin.
    pub fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let output = self.module.forward(input, cx).map_err(|error| {
            let error = error.at(self.origin.as_ref()).in_module(self.title());
            match error.kind() {
                Kind::Torch => error.with_fact("it was given", input.shape()),
                _ => error,
            }
        })?;
        cx.observe(self, input, &output);
        Ok(output)
    }

    /// `(3) nn.Linear(784 -> 300)`, or `model: nn.Sequential` for the root: one step of the path in an error page.
    #[must_use]
    pub fn title(&self) -> String {
        match self.path.rsplit('.').next() {
            None | Some("") => format!("model: {}", self.label),
            Some(index) => format!("({index}) {}", self.label),
        }
    }

    /// This node and everything below it, a container before its children.
    #[must_use]
    pub fn walk(&self) -> Vec<&Node> {
        let mut nodes = vec![self];
        for child in self.module.children() {
            nodes.extend(child.walk());
        }
        nodes
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at '{}'", self.label, self.path)
    }
}

/// Sees every module's input and output during a forward pass (Test One, `check`, the search for the first NaN).
pub trait Observer {
    /// Called after `node` made `output` from `input`; children before their container.
    fn saw(&mut self, node: &Node, input: &Activity, output: &Activity);
}

/// Whether modules such as `Dropout` and `BatchNormalization` behave as in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `net:training()`
    Train,
    /// `net:evaluate()`
    Evaluate,
}

/// State of one forward pass.
pub struct Context<'a> {
    /// Training or evaluation.
    pub mode: Mode,
    noise: Noise<'a>,
    replay: bool,
    private: Option<MemoryFormat>,
    rearranged: Rearranged,
    observer: Option<&'a mut dyn Observer>,
    target: Option<Activity>,
    share: f64,
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
            private: None,
            rearranged: Rearranged::default(),
            observer: None,
            target: None,
            share: 1.0,
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

    /// A pass over a part of a batch that several processes share: this share of its samples, 0 to 1.
    #[must_use]
    pub fn sharing(mut self, share: f64) -> Context<'a> {
        self.share = share;
        self
    }

    /// The share of the batch's samples that this pass sees: 1 where it sees all. What a module averages over its own samples
    /// and adds to a gradient counts so much.
    #[must_use]
    pub fn share_of_batch(&self) -> f64 {
        self.share
    }

    /// The target of this pass, where the network may see it.
    #[must_use]
    pub fn target(&self) -> Option<&Activity> {
        self.target.as_ref()
    }

    /// A pass where nobody looks at what flows between the modules: images lie in memory as `format` says, which
    /// convolutions and pooling prefer, and what no gradient needs may be overwritten. Sizes and numbers are the same; a
    /// module that shows tensors to the user must give them Torch7's strides.
    #[must_use]
    pub fn private(mut self, format: MemoryFormat) -> Context<'a> {
        self.private = Some(format);
        self
    }

    /// Whether nobody looks at what flows between the modules.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private.is_some() && self.observer.is_none()
    }

    /// How this pass lays images and kernels out in memory.
    #[must_use]
    pub fn memory_format(&self) -> MemoryFormat {
        self.private.filter(|_| self.observer.is_none()).unwrap_or_default()
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
        self.rearranged.of(x, arrange)
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
        self.noise.bernoulli(size, p, like)
    }

    /// Uniform numbers in [a, b).
    ///
    /// # Errors
    /// When libtorch cannot draw for this type.
    pub fn uniform(&mut self, size: &[i64], a: f64, b: f64, like: &tch::Tensor) -> Result<tch::Tensor> {
        self.noise.uniform(size, a, b, like)
    }

    /// Normal numbers.
    ///
    /// # Errors
    /// When libtorch cannot draw for this type.
    pub fn normal(&mut self, size: &[i64], mean: f64, std: f64, like: &tch::Tensor) -> Result<tch::Tensor> {
        self.noise.normal(size, mean, std, like)
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
