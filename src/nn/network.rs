//! `Network`: a lowered network with its criterion: forward, loss and backward, without any Lua of its own.

use super::{Activity, Context, Criterion, Cut, Node, Parameters};
use crate::error::{Error, Kind, Origin, Result};

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

    /// Writes the gradients of `loss` into the flat gradient vector (overwriting it). `cuts` are those that the
    /// forward pass recorded.
    ///
    /// The segments behind, between and before the cuts are differentiated by libtorch, each cut by its own
    /// `backward`, last one first; a segment's vector-Jacobian product is the gradient of Σ output·gradOutput.
    ///
    /// # Errors
    /// When libtorch or a cut's backward refuses.
    pub fn backward(&self, loss: &tch::Tensor, cuts: Vec<Cut>) -> Result<()> {
        self.parameters.zero_grad()?;
        if !loss.requires_grad() {
            return Ok(());
        }
        let learned: Vec<&tch::Tensor> = self.parameters.learning().map(|p| &p.leaf).collect();
        // Gradient sums at the leaves behind each cut.
        let mut behind: Vec<Vec<Option<tch::Tensor>>> =
            cuts.iter().map(|cut| cut.output.tensors().iter().map(|_| None).collect()).collect();
        let mut pending: Vec<Cut> = cuts;
        let mut root = Some(loss.shallow_clone());
        loop {
            if let Some(root) = root.take() {
                let mut leaves: Vec<&tch::Tensor> = learned.clone();
                leaves.extend(pending.iter().flat_map(|cut| cut.output.tensors()));
                let keep_graph = !pending.is_empty();
                let grads = tch::Tensor::f_run_backward(&[root], &leaves, keep_graph, false)?;
                for (parameter, grad) in self.parameters.learning().zip(&grads) {
                    if grad.defined() {
                        let _ = parameter.grad.shallow_clone().f_add_(grad)?;
                    }
                }
                let mut at_cuts = grads.into_iter().skip(learned.len());
                for sums in behind.iter_mut().take(pending.len()) {
                    for sum in sums.iter_mut() {
                        let grad = at_cuts.next().filter(tch::Tensor::defined);
                        *sum = match (sum.take(), grad) {
                            (Some(sum), Some(grad)) => Some(sum.f_add(&grad)?),
                            (sum, grad) => sum.or(grad),
                        };
                    }
                }
            }
            let Some(cut) = pending.pop() else { return Ok(()) };
            let sums = behind.pop().unwrap_or_default();
            let mut sums = sums.into_iter();
            let grad_output = cut.output.map(&mut |leaf| match sums.next().flatten() {
                Some(grad) => Ok(grad),
                None => Ok(leaf.f_zeros_like()?),
            })?;
            let grad_input = (cut.backward)(&grad_output)?;
            root = product(&cut.input, &grad_input)?;
        }
    }
}

/// Σ activity·grad over all tensors that are in a graph; `None` when none is (the cut is the first module).
fn product(activity: &Activity, grad: &Activity) -> Result<Option<tch::Tensor>> {
    let (values, grads) = (activity.tensors(), grad.tensors());
    if values.len() != grads.len() {
        return Err(Error::new(Kind::Shape, "gradInput has another structure than input")
            .with_fact("input", activity.shape())
            .with_fact("gradInput", grad.shape()));
    }
    let mut sum: Option<tch::Tensor> = None;
    for (value, grad) in values.into_iter().zip(grads) {
        if !value.requires_grad() {
            continue;
        }
        if value.numel() != grad.numel() {
            return Err(Error::new(Kind::Shape, "gradInput has another size than input")
                .with_fact("input", format!("{:?}", value.size()))
                .with_fact("gradInput", format!("{:?}", grad.size())));
        }
        let part = value.f_mul(&grad.f_reshape(value.size())?)?.f_sum(value.kind())?;
        sum = Some(match sum {
            Some(sum) => sum.f_add(&part)?,
            None => part,
        });
    }
    Ok(sum)
}
