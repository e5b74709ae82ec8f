//! What `gradientUpdate` makes of the gradients, as the function that a step calls.

use std::collections::HashMap;

use super::{
    parameters::Made,
    program::{self, Known},
    tower::{GradientChange, Tower},
};
use crate::{
    error::{Error, Kind, Result},
    frontend::tensorflow::state::{Feed, Graph, Source, Symbol},
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

/// The parameters that the file's own code leaves as they are, for each loss.
pub(super) fn left(graph: &Graph, tower: &Tower, made: &Made) -> Vec<Vec<usize>> {
    let of = |changes: &Vec<GradientChange>| {
        let left = changes.iter().filter(|change| change.result.is_none());
        left.filter_map(|change| place_of(graph, change.variable, made)).collect()
    };
    tower.updates.iter().map(of).collect()
}

/// The parameter that a variable is.
fn place_of(graph: &Graph, variable: Symbol, made: &Made) -> Option<usize> {
    let Source::Variable(index) = graph.operation(variable).source else { return None };
    made.leaves.get(&index).and_then(|(_, place)| *place)
}

/// That a changed gradient is one of its variable, and can be computed between two batches.
fn check(graph: &Graph, variable: Symbol, result: Symbol, made: &Made) -> Result<()> {
    let operation = graph.operation(result);
    let page = |what: &str| {
        Error::new(Kind::Network, what).at(operation.origin.as_ref()).with_fact("in scope", operation.name.clone())
    };
    let dims = graph.dims(variable);
    if !graph.dims(result).fits(&dims) {
        return Err(page("gradientUpdate gives a gradient of other sizes than its variable")
            .with_fact("the variable has", dims.to_string())
            .with_fact("the gradient has", graph.dims(result).to_string()));
    }
    for at in graph.ancestors(result) {
        match graph.with(|state| state.operations[at].source.clone()) {
            Source::Feed(Feed::Images | Feed::Labels) => {
                return Err(page("gradientUpdate reads the batch: here it gets the gradients and the variables"));
            }
            Source::Variable(index) if !made.leaves.contains_key(&index) => {
                return Err(page("gradientUpdate reads a variable that the network does not"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What becomes of the gradients of one loss.
struct Changed {
    program: Program,
    /// By the parameter's index: the memory in which the program finds its gradient, and the place of its result.
    known: HashMap<usize, (Option<tch::Tensor>, Option<usize>)>,
    nothing: tch::Tensor,
}

impl Changed {
    fn of(
        graph: &Graph,
        changes: &[GradientChange],
        made: &Made,
        (kind, device): (tch::Kind, tch::Device),
    ) -> Result<Changed> {
        let (mut known, mut memory, mut wanted) = (HashMap::new(), Known::default(), Vec::new());
        for change in changes {
            let mut buffer = None;
            if let Some(gradient) = change.gradient
                && let Source::Feed(Feed::Gradient(number)) = graph.operation(gradient).source
            {
                let size = graph.dims(change.variable).all().unwrap_or_default();
                let zeros = tch::Tensor::f_zeros(&size[..], (kind, device))?;
                memory.gradients.insert(number, zeros.shallow_clone());
                buffer = Some(zeros);
            }
            // A variable that nothing reads is no parameter.
            let Some(place) = place_of(graph, change.variable, made) else { continue };
            let result = match change.result {
                Some(result) => {
                    check(graph, change.variable, result, made)?;
                    wanted.push(result);
                    Some(wanted.len() - 1)
                }
                None => None,
            };
            known.insert(place, (buffer, result));
        }
        let program = program::program_knowing(graph, &[wanted], &made.leaves, &memory, (kind, device))?;
        Ok(Changed { program, known, nothing: tch::Tensor::f_zeros([0], (kind, device))? })
    }

    fn apply(&self, indices: &[usize], gradients: Vec<tch::Tensor>) -> Result<Vec<tch::Tensor>> {
        for (index, gradient) in indices.iter().zip(&gradients) {
            if let Some((Some(buffer), _)) = self.known.get(index) {
                buffer.shallow_clone().f_copy_(&gradient.f_reshape(buffer.size())?)?;
            }
        }
        let mut cx = Context::new(Mode::Train);
        let results = self.program.get(0, &mut self.program.begin(&self.nothing, None), &mut cx)?;
        let updated = indices.iter().zip(gradients).map(|(index, gradient)| match self.known.get(index) {
            // A result may be the very memory that the next step writes into.
            Some((_, Some(place))) => Ok(results[*place].f_reshape(gradient.size())?.f_contiguous()?),
            _ => Ok(gradient),
        });
        updated.collect()
    }
}
