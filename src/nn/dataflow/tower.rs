//! `Towers`: the programs of training and of evaluation as one network: its root module, and the losses as its criterion.
//!
//! Both share the values of a pass, so that a loss may look at whatever the inference computed. Group 0 of a program is
//! the inference, group 1 the losses, group 2 what is added to the reported loss without a gradient.

use std::{cell::RefCell, rc::Rc};

use super::program::{Pass, Program, joined, planes_first, planes_last};
use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, BatchReduction, Context, Criterion, Mode, Module, Node, Scores},
};

/// What the loader's labels are, and what the graph wants of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// So many classes, counted from 1; the graph counts from 0.
    ClassesFromOne(i64),
    /// Whole numbers as they are.
    Whole,
    /// Images of numbers, of these sizes `[c, h, w]`, or such images in a row; the graph has `[n, h, w, c]`.
    Images([i64; 3]),
    /// The same, of sizes that are not known.
    AnyImages,
}

struct Both {
    train: Program,
    evaluate: Program,
    labels: Labels,
    pass: RefCell<Option<Pass>>,
}

/// The root module.
pub struct Towers(Rc<Both>);

/// Which parameters the losses teach.
#[derive(Debug, Default)]
pub struct Taught {
    /// Of each loss; empty where one teaches all.
    pub by_loss: Vec<Vec<usize>>,
    /// Of each loss those among them that the file's own code leaves as they are.
    pub left: Vec<Vec<usize>>,
}

/// The losses of the same pass.
pub struct Losses {
    both: Rc<Both>,
    taught: Taught,
    scores: Option<Scores>,
    losses: RefCell<Vec<tch::Tensor>>,
}

/// The module and the criterion of two programs. `scores` is what the output's numbers stand for, where it is a classifier's.
#[must_use]
pub fn towers(
    train: Program,
    evaluate: Program,
    labels: Labels,
    taught: Taught,
    scores: Option<Scores>,
) -> (Towers, Losses) {
    let both = Rc::new(Both { train, evaluate, labels, pass: RefCell::new(None) });
    (Towers(both.clone()), Losses { both, taught, scores, losses: RefCell::default() })
}

impl Both {
    fn program(&self, mode: Mode) -> &Program {
        match mode {
            Mode::Train => &self.train,
            Mode::Evaluate => &self.evaluate,
        }
    }
}

impl Labels {
    /// Labels for a look at a network that conditions on them: class 0, or black images; `None` where their sizes are not
    /// known.
    fn zeros(self, input: &tch::Tensor) -> Result<Option<tch::Tensor>> {
        let (n, device) = (input.size().first().copied().unwrap_or(1), input.device());
        Ok(match self {
            Labels::ClassesFromOne(_) | Labels::Whole => Some(tch::Tensor::f_zeros([n], (tch::Kind::Int64, device))?),
            Labels::Images([c, h, w]) => Some(tch::Tensor::f_zeros([n, h, w, c], (input.kind(), device))?),
            Labels::AnyImages => None,
        })
    }

    /// The loader's labels as the graph wants them.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn arranged(self, labels: &tch::Tensor) -> Result<tch::Tensor> {
        Ok(match self {
            Labels::ClassesFromOne(_) => labels.f_add_scalar(-1.0)?.f_to_kind(tch::Kind::Int64)?.f_reshape([-1])?,
            Labels::Whole => labels.f_to_kind(tch::Kind::Int64)?.f_reshape([-1])?,
            Labels::Images([c, h, w]) => planes_last(&labels.f_reshape([-1, c, h, w])?)?,
            Labels::AnyImages => planes_last(labels)?,
        })
    }
}

impl Module for Towers {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let program = self.0.program(cx.mode);
        let target = match cx.target() {
            Some(target) => Some(self.0.labels.arranged(target.tensor()?)?),
            // Whoever looks at the layers alone.
            None => self.0.labels.zeros(input.tensor()?)?,
        };
        // The last pass is dropped before this one takes its memory.
        self.0.pass.replace(None);
        let mut pass = program.begin(&planes_last(input.tensor()?)?, target.as_ref());
        let made = program.get(0, &mut pass, cx)?;
        self.0.pass.replace(Some(pass));
        Ok(joined(made.iter().map(planes_first).collect::<Result<_>>()?))
    }

    fn children(&self) -> Vec<&Node> {
        self.0.evaluate.visible()
    }
}

impl Criterion for Losses {
    /// As TensorFlow's towers average theirs: the file's losses are means over a batch. What does not depend on it, a
    /// regularisation, counts once so.
    fn reduction(&self) -> BatchReduction {
        BatchReduction::Mean
    }

    fn forward(&self, _: &Activity, _: &Activity, cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let mut pass = self.both.pass.take().ok_or_else(|| {
            Error::new(Kind::Network, "a loss of this network is computed with the pass that made its output")
        })?;
        let losses = self.both.program(cx.mode).get(1, &mut pass, cx)?;
        let more = self.both.program(cx.mode).get(2, &mut pass, cx)?;
        let more = more.iter().map(|term| Ok(term.f_detach()?)).collect::<Result<Vec<_>>>()?;
        let mut sum: Option<tch::Tensor> = None;
        for loss in losses.iter().chain(&more) {
            if loss.numel() != 1 {
                return Err(Error::new(Kind::Shape, "the loss is not one number")
                    .with_fact("it is", format!("{:?}", loss.size()))
                    .with_help("take its mean: tf.reduce_mean(loss)"));
            }
            let loss = loss.f_reshape(&[] as &[i64])?;
            sum = Some(match sum {
                Some(sum) => sum.f_add(&loss)?,
                None => loss,
            });
        }
        self.losses.replace(if self.taught.by_loss.is_empty() { Vec::new() } else { losses });
        sum.ok_or_else(|| Error::new(Kind::Network, "the file gives no loss"))
    }

    fn scores(&self) -> Option<Scores> {
        self.scores
    }

    fn taught(&self) -> &[Vec<usize>] {
        &self.taught.by_loss
    }

    fn left(&self) -> &[Vec<usize>] {
        &self.taught.left
    }

    fn losses(&self) -> Vec<tch::Tensor> {
        self.losses.take()
    }
}
