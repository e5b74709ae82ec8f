//! `Network`: a lowered network with its criterion: forward, loss and backward, without any Lua of its own.

use super::{
    activity::Activity,
    backward::pull_back,
    cut::Cut,
    module::{Context, Criterion, GradientUpdate, Node, ReportedTerm},
    parameters::{Parameter, Parameters},
    scores::Scores,
};
use crate::{
    error::{Kind, Origin, Result},
    torch::backward::Weighted,
};

/// Seeds the generator of the network file's own code.
pub type Draws = Box<dyn Fn(u64)>;

/// A network ready to train: nodes over one flat parameter vector, and a criterion.
pub struct Network {
    /// The root module.
    pub root: std::rc::Rc<Node>,
    /// The loss.
    pub criterion: Box<dyn Criterion>,
    /// The criterion as it prints, such as `nn.MSECriterion`.
    pub criterion_label: String,
    /// The line that built the criterion, when known.
    pub criterion_origin: Option<Origin>,
    /// A term that is added to reported losses and has no gradient.
    pub reported: Option<ReportedTerm>,
    /// What becomes of gradients before the optimiser gets them.
    pub gradient_update: Option<GradientUpdate>,
    /// Seeds what the network file's own code draws from, where it may draw.
    pub draws: Option<Draws>,
    /// What it learns.
    pub parameters: Parameters,
    /// f32 or f64: the type of parameters and inputs.
    pub kind: tch::Kind,
    /// Where parameters live.
    pub device: tch::Device,
}

impl Network {
    /// The output for a batch.
    ///
    /// # Errors
    /// That of the first module that refuses, with its place.
    pub fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        self.root.forward(input, cx)
    }

    /// The loss as a libtorch scalar.
    ///
    /// # Errors
    /// When output and target do not fit; the page shows both shapes.
    pub fn loss(&self, output: &Activity, target: &Activity, cx: &mut Context<'_>) -> Result<tch::Tensor> {
        self.criterion.forward(output, target, cx).map_err(|error| {
            let error = error.in_module(format!("loss: {}", self.criterion_label)).at(self.criterion_origin.as_ref());
            if matches!(error.kind(), Kind::Shape | Kind::Torch) {
                return error.with_fact("the output is", output.shape()).with_fact("the target is", target.shape());
            }
            error
        })
    }

    /// The loss as it is reported: with the term that has no gradient.
    ///
    /// # Errors
    /// As [`Network::loss`].
    pub fn reported_loss(&self, output: &Activity, target: &Activity, cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let loss = self.loss(output, target, cx)?;
        match self.reported_term()? {
            Some(term) => Ok(loss.f_add(&term.f_reshape(loss.size())?)?),
            None => Ok(loss),
        }
    }

    /// The term that is added to reported losses, of the parameters as they are: `[1]`, outside any graph. `None` where there is
    /// none.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn reported_term(&self) -> Result<Option<tch::Tensor>> {
        self.reported.as_ref().map(|term| Ok(tch::no_grad(term)?.f_reshape([1])?)).transpose()
    }

    /// What the numbers of its output stand for: its last module says, else the criterion. `None` when it is no
    /// classifier.
    #[must_use]
    pub fn scores(&self) -> Option<Scores> {
        let walk = self.root.walk();
        let last = walk.iter().rev().find(|node| node.module.children().is_empty())?;
        last.module.scores().or_else(|| self.criterion.scores())
    }

    /// The gradients of `loss` in pieces, of any shape, that lie one after another in the flat vector. They are libtorch's
    /// own tensors where every parameter has its own place in it; else `backward` sums them up in the flat gradient
    /// vector, which is then the only piece. What has no gradient is a view of that vector.
    ///
    /// # Errors
    /// When libtorch or a cut's backward refuses.
    pub fn gradients(&self, loss: &tch::Tensor, cuts: Vec<Cut>) -> Result<Vec<tch::Tensor>> {
        let (order, pieces) = self.own_gradients(loss, cuts)?;
        match (&self.gradient_update, order) {
            (Some(update), Some(order)) => update(0, &order, pieces),
            (Some(_), None) => {
                self.update_in_place()?;
                Ok(pieces)
            }
            (None, _) => Ok(pieces),
        }
    }

    /// The same before the network file makes something of them; with the parameters' order where each has a piece.
    ///
    /// # Errors
    /// As [`Network::gradients`].
    pub fn own_gradients(&self, loss: &tch::Tensor, cuts: Vec<Cut>) -> Result<(Option<Vec<usize>>, Vec<tch::Tensor>)> {
        let Some(order) = self.parameters.in_order().filter(|_| cuts.is_empty() && loss.requires_grad()) else {
            self.backward(loss, cuts)?;
            return Ok((None, vec![self.parameters.grad.view()]));
        };
        let parameters: Vec<&Parameter> = order.iter().map(|&i| &self.parameters.list[i]).collect();
        let learning: Vec<&tch::Tensor> = parameters.iter().filter(|p| p.learns).map(|p| &p.leaf).collect();
        let mut grads = tch::Tensor::f_run_backward(&[loss], &learning, false, false)?.into_iter();
        let pieces = parameters
            .into_iter()
            .map(|parameter| {
                let grad = if parameter.learns { grads.next().filter(tch::Tensor::defined) } else { None };
                match grad {
                    // A convolution's may lie in another order.
                    Some(grad) => Ok(grad.f_contiguous()?),
                    None => {
                        let mut zeros = parameter.grad.shallow_clone();
                        Ok(zeros.f_zero_()?)
                    }
                }
            })
            .collect::<Result<Vec<_>>>()?;
        Ok((Some(order), pieces))
    }

    /// What the network file makes of a whole gradient, which came from elsewhere: `flat` is as long as the flat vector.
    ///
    /// # Errors
    /// When libtorch or the file's own code refuses.
    pub fn updated_gradients(&self, flat: &tch::Tensor) -> Result<Vec<tch::Tensor>> {
        let Some(update) = &self.gradient_update else { return Ok(vec![flat.shallow_clone()]) };
        let Some(order) = self.parameters.in_order() else {
            self.parameters.grad.view().f_copy_(flat)?;
            self.update_in_place()?;
            return Ok(vec![self.parameters.grad.view()]);
        };
        let leaves: Vec<&tch::Tensor> = order.iter().map(|&i| &self.parameters.list[i].leaf).collect();
        let lengths: Vec<i64> = leaves.iter().map(|leaf| leaf.numel() as i64).collect();
        let pieces = flat.f_split_with_sizes(&lengths[..], 0)?;
        let pieces = pieces.iter().zip(leaves).map(|(piece, leaf)| Ok(piece.f_reshape(leaf.size())?));
        update(0, &order, pieces.collect::<Result<Vec<_>>>()?)
    }

    /// What the network file makes of the gradients in the flat vector.
    fn update_in_place(&self) -> Result<()> {
        let Some(update) = &self.gradient_update else { return Ok(()) };
        let list = &self.parameters.list;
        let indices: Vec<usize> = (0..list.len()).filter(|&i| !list[i].is_twin).collect();
        let gradients = indices.iter().map(|&i| Ok(list[i].grad.f_clone(&list[i].grad.f_zeros_like()?)?));
        let gradients = gradients.collect::<Result<Vec<_>>>()?;
        for (&i, gradient) in indices.iter().zip(update(0, &indices, gradients)?) {
            list[i].grad.shallow_clone().f_copy_(&gradient.f_reshape(list[i].grad.size())?)?;
        }
        Ok(())
    }

    /// Writes the gradients of `loss` into the flat gradient vector (overwriting it). `cuts` are those that the
    /// forward pass recorded.
    ///
    /// # Errors
    /// When libtorch or a cut's backward refuses.
    pub fn backward(&self, loss: &tch::Tensor, cuts: Vec<Cut>) -> Result<()> {
        self.parameters.zero_grad()?;
        if !loss.requires_grad() {
            return Ok(());
        }
        let learning: Vec<&Parameter> = self.parameters.learning().collect();
        let leaves: Vec<&tch::Tensor> = learning.iter().map(|parameter| &parameter.leaf).collect();
        let root = Weighted { output: loss.shallow_clone(), weight: None };
        pull_back(vec![root], cuts, &leaves, &mut |i, grad| {
            let _ = learning[i].grad.shallow_clone().f_add_(&grad)?;
            Ok(())
        })
    }
}
