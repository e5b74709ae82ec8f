//! What `gradientUpdate` makes of the gradients, as the function that a step calls.

use std::collections::HashMap;

use super::{
    parameters::Made,
    program,
    tower::{GradientChange, Tower},
};
use crate::{
    error::{Error, Kind, Result},
    frontend::tensorflow::state::{Feed, Graph, Source},
    nn::{Context, GradientUpdate, Mode, dataflow::Program},
};

/// The function of this tower; `None` where its gradients stay as they are.
///
/// # Errors
/// A page for the file's author when a result has other sizes than its variable, or depends on the batch.
pub(super) fn update(
    graph: &Graph,
    tower: &Tower,
    made: &Made,
    place: (tch::Kind, tch::Device),
) -> Result<Option<GradientUpdate>> {
    if tower.updates.is_empty() {
        return Ok(None);
    }
    let losses = tower.updates.iter().map(|changes| Changed::of(graph, changes, made, place));
    let losses = losses.collect::<Result<Vec<_>>>()?;
    Ok(Some(Box::new(move |loss, indices, gradients| match losses.get(loss) {
        Some(changed) => tch::no_grad(|| changed.apply(indices, gradients)),
        None => Ok(gradients),
    })))
}

/// What becomes of the gradients of one loss.
struct Changed {
    program: Program,
    /// By the parameter's index: the memory in which the program finds its gradient, and the place of its result.
    known: HashMap<usize, (tch::Tensor, usize)>,
    nothing: tch::Tensor,
}

impl Changed {
    fn of(
        graph: &Graph,
        changes: &[GradientChange],
        made: &Made,
        (kind, device): (tch::Kind, tch::Device),
    ) -> Result<Changed> {
        let (mut known, mut memory, mut wanted) = (HashMap::new(), HashMap::new(), Vec::new());
        for change in changes {
            let operation = graph.operation(change.result);
            let page = |what: &str| Err(Error::new(Kind::Network, what).at(operation.origin.as_ref()));
            let dims = graph.dims(change.variable);
            if !graph.dims(change.result).fits(&dims) {
                return page("gradientUpdate gives a gradient of other sizes than its variable").map_err(
                    |page: Error| {
                        page.with_fact("the variable has", dims.to_string())
                            .with_fact("the gradient has", graph.dims(change.result).to_string())
                    },
                );
            }
            let reads_batch = graph
                .ancestors(change.result)
                .into_iter()
                .any(|at| graph.with(|s| matches!(s.operations[at].source, Source::Feed(Feed::Images | Feed::Labels))));
            if reads_batch {
                return page("gradientUpdate reads the batch: here it gets the gradients and the variables");
            }
            let reads_stranger = graph.ancestors(change.result).into_iter().any(|at| {
                graph.with(|s| match &s.operations[at].source {
                    Source::Variable(index) => !made.leaves.contains_key(index),
                    _ => false,
                })
            });
            let Source::Feed(Feed::Gradient(number)) = graph.operation(change.gradient).source else { continue };
            let size = dims.all().unwrap_or_default();
            let buffer = tch::Tensor::f_zeros(&size[..], (kind, device))?;
            memory.insert(number, buffer.shallow_clone());
            // A variable that nothing reads is no parameter.
            if let Source::Variable(index) = graph.operation(change.variable).source
                && let Some((_, Some(place))) = made.leaves.get(&index)
            {
                if reads_stranger {
                    return page("gradientUpdate reads a variable that the network does not");
                }
                known.insert(*place, (buffer, wanted.len()));
                wanted.push(change.result);
            }
        }
        let program = program::program_of_gradients(graph, &[wanted], &made.leaves, &memory, (kind, device))?;
        Ok(Changed { program, known, nothing: tch::Tensor::f_zeros([0], (kind, device))? })
    }

    fn apply(&self, indices: &[usize], gradients: Vec<tch::Tensor>) -> Result<Vec<tch::Tensor>> {
        for (index, gradient) in indices.iter().zip(&gradients) {
            if let Some((buffer, _)) = self.known.get(index) {
                buffer.shallow_clone().f_copy_(&gradient.f_reshape(buffer.size())?)?;
            }
        }
        let mut cx = Context::new(Mode::Train);
        let results = self.program.get(0, &mut self.program.begin(&self.nothing, None), &mut cx)?;
        let updated = indices.iter().zip(gradients).map(|(index, gradient)| match self.known.get(index) {
            // A result may be the very memory that the next step writes into.
            Some((_, place)) => Ok(results[*place].f_reshape(gradient.size())?.f_contiguous()?),
            None => Ok(gradient),
        });
        updated.collect()
    }
}
