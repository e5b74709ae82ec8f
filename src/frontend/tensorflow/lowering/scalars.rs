//! `Scalars`: the numbers that a file wants to be logged, computed beside the network that trains.

use std::collections::HashMap;

use super::{parameters::Made, program, tower::Tower};
use crate::{
    error::Result,
    frontend::tensorflow::state::{Graph, Source, Symbol},
    nn::{Context, FileLayout, Mode, dataflow::Labels},
};

/// Summaries of one stage that are numbers.
pub struct Scalars {
    graph: Graph,
    tower: Tower,
    values: Vec<(String, Symbol)>,
    /// Where the network has each variable, and in what layout.
    places: HashMap<usize, (tch::Tensor, Option<FileLayout>)>,
    labels: Labels,
    kind: tch::Kind,
    device: tch::Device,
}

impl Scalars {
    /// Those of `values` that this network's variables give.
    pub(super) fn new(
        graph: &Graph,
        tower: &Tower,
        values: &[(String, Symbol)],
        made: &Made,
        labels: Labels,
        (kind, device): (tch::Kind, tch::Device),
    ) -> Scalars {
        let place = |(&index, (leaf, at)): (&usize, &(tch::Tensor, Option<usize>))| {
            let parameter = at.and_then(|at| made.parameters.list.get(at));
            (index, (leaf.shallow_clone(), parameter.and_then(|parameter| parameter.layout.clone())))
        };
        let places: HashMap<usize, (tch::Tensor, Option<FileLayout>)> = made.leaves.iter().map(place).collect();
        let is_known = |symbol: Symbol| {
            graph.dims(symbol).numel() == Some(1)
                && graph.ancestors(symbol).into_iter().all(|at| match graph.with(|s| s.operations[at].source.clone()) {
                    Source::Variable(index) => places.contains_key(&index),
                    _ => true,
                })
        };
        let values = values.iter().filter(|(_, symbol)| is_known(*symbol)).cloned().collect();
        Scalars { graph: graph.clone(), tower: tower.clone(), values, places, labels, kind, device }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Name (the last part of the summary's tag) and value of each for a batch: `input` `[n, c, h, w]`, labels as the
    /// loader gives them.
    ///
    /// # Errors
    /// When an operation refuses.
    pub fn of(&self, input: &tch::Tensor, labels: &tch::Tensor) -> Result<Vec<(String, f64)>> {
        if self.values.is_empty() {
            return Ok(Vec::new());
        }
        tch::no_grad(|| {
            // The layouts of a chain's modules are undone; of a dataflow program these are the very variables.
            let value = |leaf: &tch::Tensor, layout: &Option<FileLayout>| match layout {
                Some(layout) => layout.to_file(&leaf.detach()),
                None => Ok(leaf.detach()),
            };
            let leaves = self.places.iter().map(|(&index, (leaf, layout))| Ok((index, (value(leaf, layout)?, None))));
            let leaves = leaves.collect::<Result<HashMap<_, _>>>()?;
            let wanted: Vec<Symbol> = self.values.iter().map(|(_, symbol)| *symbol).collect();
            let program = program::program(&self.graph, &[wanted], &leaves, self.kind, self.device)?;
            let images = if input.dim() == 4 { input.f_permute([0, 2, 3, 1])? } else { input.shallow_clone() };
            let target = self.labels.arranged(labels)?;
            let target = self.tower.labels.is_some().then_some(&target);
            let mut pass = program.begin(&images, target);
            let found = program.get(0, &mut pass, &mut Context::new(Mode::Evaluate))?;
            self.values
                .iter()
                .zip(found)
                .map(|((tag, _), value)| {
                    let name = tag.rsplit('/').next().unwrap_or(tag).to_string();
                    Ok((name, value.f_to_kind(tch::Kind::Double)?.f_reshape([1])?.f_double_value(&[0])?))
                })
                .collect()
        })
    }
}
