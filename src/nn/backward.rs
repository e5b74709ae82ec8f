//! Backward through cuts: libtorch differentiates the segments between them, each cut carries the gradient across itself.

use super::{activity::Activity, cut::Cut};
use crate::{
    error::{Error, Kind, Result},
    torch::backward::{self, Weighted},
};

/// Gradients of the sum of `roots` with respect to `leaves`: `add(i, g)` is called with each part of the gradient of leaf i.
///
/// `cuts` are those that the forward pass recorded. The segments behind, between and before them are differentiated by
/// libtorch, the last cut first; a segment's vector-Jacobian product is the gradient of Σ output·gradOutput.
///
/// # Errors
/// When libtorch, a cut's backward or `add` refuses.
pub(super) fn pull_back(
    mut roots: Vec<Weighted>,
    cuts: Vec<Cut>,
    leaves: &[&tch::Tensor],
    add: &mut dyn FnMut(usize, tch::Tensor) -> Result<()>,
) -> Result<()> {
    // Gradient sums at the leaves behind each cut.
    let mut behind: Vec<Vec<Option<tch::Tensor>>> =
        cuts.iter().map(|cut| cut.output.tensors().iter().map(|_| None).collect()).collect();
    let mut pending: Vec<Cut> = cuts;
    loop {
        roots.retain(|root| root.output.requires_grad());
        if !roots.is_empty() {
            let mut wanted: Vec<&tch::Tensor> = leaves.to_vec();
            // Whole numbers behind a cut have no gradient.
            let real = |cut: &Cut| cut.output.tensors().into_iter().map(tch::Tensor::requires_grad).collect::<Vec<_>>();
            let reals: Vec<Vec<bool>> = pending.iter().map(real).collect();
            for (cut, reals) in pending.iter().zip(&reals) {
                wanted.extend(cut.output.tensors().into_iter().zip(reals).filter(|(_, real)| **real).map(|(t, _)| t));
            }
            // Nothing to learn, and no cut before this segment: a network without parameters.
            if wanted.is_empty() {
                return Ok(());
            }
            let mut grads = backward::gradients(&roots, &wanted, !pending.is_empty())?.into_iter();
            for i in 0..leaves.len() {
                if let Some(grad) = grads.next().flatten() {
                    add(i, grad)?;
                }
            }
            for (sums, reals) in behind.iter_mut().zip(&reals) {
                for (sum, _) in sums.iter_mut().zip(reals).filter(|(_, real)| **real) {
                    let grad = grads.next().flatten();
                    *sum = match (sum.take(), grad) {
                        (Some(sum), Some(grad)) => Some(sum.f_add(&grad)?),
                        (sum, grad) => sum.or(grad),
                    };
                }
            }
        }
        let Some(cut) = pending.pop() else { return Ok(()) };
        let mut sums = behind.pop().unwrap_or_default().into_iter();
        let grad_output = cut.output.map(&mut |leaf| match sums.next().flatten() {
            Some(grad) => Ok(grad),
            None => Ok(leaf.f_zeros_like()?),
        })?;
        let grad_input = (cut.backward)(&grad_output)?;
        roots = weighted(&cut.input, &grad_input)?;
    }
}

/// The gradient of the sum of `roots` by each leaf, through the cuts' own backward functions; none of a leaf that no root
/// depends on.
///
/// # Errors
/// When libtorch or a cut's backward function fails, or that gives another size than its input has.
pub fn gradients(roots: Vec<Weighted>, cuts: Vec<Cut>, leaves: &[&tch::Tensor]) -> Result<Vec<Option<tch::Tensor>>> {
    let mut sums: Vec<Option<tch::Tensor>> = leaves.iter().map(|_| None).collect();
    pull_back(roots, cuts, leaves, &mut |i, part| {
        sums[i] = Some(match sums[i].take() {
            Some(sum) => sum.f_add(&part)?,
            None => part,
        });
        Ok(())
    })?;
    Ok(sums)
}

/// The tensors of `activity` that are in a graph, each weighted by its gradient. Entries that `grad` lacks at the end of a
/// table have no gradient (`nn.CriterionTable` gives one for its first entry only).
///
/// # Errors
/// `Kind::Shape` when the two differ in structure or size.
pub fn weighted(activity: &Activity, grad: &Activity) -> Result<Vec<Weighted>> {
    let mut pairs = vec![];
    if !pair_up(activity, grad, &mut pairs) {
        return Err(Error::new(Kind::Shape, "gradInput has another structure than input")
            .with_fact("input", activity.shape())
            .with_fact("gradInput", grad.shape()));
    }
    let in_graph = pairs.into_iter().filter(|(value, _)| value.requires_grad());
    let weigh = |(value, grad): (&tch::Tensor, &tch::Tensor)| {
        if value.numel() != grad.numel() {
            return Err(Error::new(Kind::Shape, "gradInput has another size than input")
                .with_fact("input", format!("{:?}", value.size()))
                .with_fact("gradInput", format!("{:?}", grad.size())));
        }
        let weight = grad.f_detach()?.f_to_kind(value.kind())?.f_reshape(value.size())?;
        Ok(Weighted { output: value.shallow_clone(), weight: Some(weight) })
    };
    in_graph.map(weigh).collect()
}

/// scale · `gradient`, as `accGradParameters` and `backward` take a scale.
///
/// # Errors
/// When the memory cannot be had.
pub fn scaled(gradient: &tch::Tensor, scale: f64) -> Result<tch::Tensor> {
    Ok(if scale == 1.0 { gradient.shallow_clone() } else { gradient.f_mul_scalar(scale)? })
}

/// Each tensor with its gradient, depth first; false when the structures differ.
fn pair_up<'a>(value: &'a Activity, grad: &'a Activity, pairs: &mut Vec<(&'a tch::Tensor, &'a tch::Tensor)>) -> bool {
    match (value, grad) {
        (Activity::Tensor(value), Activity::Tensor(grad)) => {
            pairs.push((value, grad));
            true
        }
        // A table of one is as good as its entry.
        (Activity::Tensor(_), Activity::Table(grads)) => grads.len() == 1 && pair_up(value, &grads[0], pairs),
        (Activity::Table(values), Activity::Tensor(_)) => values.len() == 1 && pair_up(&values[0], grad, pairs),
        (Activity::Table(values), Activity::Table(grads)) => {
            grads.len() <= values.len() && values.iter().zip(grads).all(|(value, grad)| pair_up(value, grad, pairs))
        }
    }
}
