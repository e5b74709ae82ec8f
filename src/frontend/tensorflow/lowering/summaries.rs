//! `Summaries`: what a file wants to be logged and seen, computed beside the network that trains.

use std::collections::HashMap;

use super::{
    parameters::Made,
    program::{self, Known},
    tower::Tower,
};
use crate::{
    error::Result,
    frontend::tensorflow::state::{Graph, Summary, SummaryKind, Symbol},
    nn::{
        Activity, Context, FileLayout, Mode, Seen, View,
        dataflow::{self, Dims, Labels},
    },
};

/// The summaries of one stage.
pub struct Summaries {
    graph: Graph,
    tower: Tower,
    scalars: Vec<(String, Symbol)>,
    views: Vec<Summary>,
    /// Where the network has each variable, and in what layout.
    places: HashMap<usize, (tch::Tensor, Option<FileLayout>)>,
    labels: Labels,
    kind: tch::Kind,
    device: tch::Device,
}

impl Summaries {
    /// Those of the tower that this network's variables give.
    pub(super) fn new(
        graph: &Graph,
        tower: &Tower,
        made: &Made,
        labels: Labels,
        (kind, device): (tch::Kind, tch::Device),
    ) -> Summaries {
        let place = |(&index, (leaf, at)): (&usize, &(tch::Tensor, Option<usize>))| {
            let parameter = at.and_then(|at| made.parameters.list.get(at));
            (index, (leaf.shallow_clone(), parameter.and_then(|parameter| parameter.layout.clone())))
        };
        let places: HashMap<usize, (tch::Tensor, Option<FileLayout>)> = made.leaves.iter().map(place).collect();
        let is_known =
            |symbol: Symbol| graph.variables_of(&[symbol], |_| false).iter().all(|index| places.contains_key(index));
        let is_number = |symbol: Symbol| graph.dims(symbol).numel() == Some(1);
        let scalars = tower.scalars.iter().filter(|(_, symbol)| is_number(*symbol) && is_known(*symbol));
        let (scalars, views) = (scalars.cloned().collect(), tower.views.iter().filter(|view| is_known(view.value)));
        let views = views.cloned().collect();
        Summaries { graph: graph.clone(), tower: tower.clone(), scalars, views, places, labels, kind, device }
    }

    /// Whether there are numbers to be logged.
    #[must_use]
    pub fn has_scalars(&self) -> bool {
        !self.scalars.is_empty()
    }

    /// Whether there is something to be seen.
    #[must_use]
    pub fn has_views(&self) -> bool {
        !self.views.is_empty()
    }

    /// Name (the last part of the summary's tag) and value of each number for a batch: `input` `[n, c, h, w]`, labels as
    /// the loader gives them, and what the evaluated network answered, where it was asked.
    ///
    /// # Errors
    /// When an operation refuses.
    pub fn scalars(
        &self,
        input: &tch::Tensor,
        labels: &tch::Tensor,
        output: Option<&Activity>,
    ) -> Result<Vec<(String, f64)>> {
        let wanted = self.scalars.iter().map(|(_, symbol)| *symbol).collect();
        let found = self.values(wanted, input, labels, self.answered(output)?)?;
        let named = self.scalars.iter().zip(found).map(|((tag, _), value)| {
            let name = tag.rsplit('/').next().unwrap_or(tag).to_string();
            Ok((name, value.f_to_kind(tch::Kind::Double)?.f_reshape([1])?.f_double_value(&[0])?))
        });
        named.collect()
    }

    /// Images and histograms of a batch, given as to [`Summaries::scalars`].
    ///
    /// # Errors
    /// When an operation refuses.
    pub fn views(&self, input: &tch::Tensor, labels: &tch::Tensor) -> Result<Vec<View>> {
        let found = self.values(self.views.iter().map(|view| view.value).collect(), input, labels, HashMap::new())?;
        let views = self.views.iter().zip(found).map(|(view, values)| {
            let seen = match view.kind {
                SummaryKind::Image(most) => Seen::Images(most),
                _ => Seen::Spread,
            };
            View { name: view.tag.clone(), values, seen }
        });
        Ok(views.collect())
    }

    /// The operations whose values the network's answer has, as the graph has them.
    fn answered(&self, output: Option<&Activity>) -> Result<HashMap<usize, tch::Tensor>> {
        let tensors = output.map(Activity::tensors).unwrap_or_default();
        if tensors.len() != self.tower.outputs.len() {
            return Ok(HashMap::new());
        }
        let mut values = HashMap::new();
        for (&symbol, tensor) in self.tower.outputs.iter().zip(tensors) {
            let is_whole = self.graph.with(|state| state.operations[symbol.operation].results.len()) == 1;
            let value = dataflow::planes_last(tensor)?;
            if is_whole && Dims::known(&value.size()).fits(&self.graph.dims(symbol)) {
                values.insert(symbol.operation, value);
            }
        }
        Ok(values)
    }

    fn values(
        &self,
        wanted: Vec<Symbol>,
        input: &tch::Tensor,
        labels: &tch::Tensor,
        values: HashMap<usize, tch::Tensor>,
    ) -> Result<Vec<tch::Tensor>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        tch::no_grad(|| {
            // The layouts of a chain's modules are undone; of a dataflow program these are the very variables.
            let value = |leaf: &tch::Tensor, layout: &Option<FileLayout>| match layout {
                Some(layout) => layout.to_file(&leaf.detach()),
                None => Ok(leaf.detach()),
            };
            let read = self.graph.variables_of(&wanted, |at| values.contains_key(&at));
            let read = read.into_iter().filter_map(|index| Some((index, self.places.get(&index)?)));
            let leaves = read.map(|(index, (leaf, layout))| Ok((index, (value(leaf, layout)?, None))));
            let leaves = leaves.collect::<Result<HashMap<_, _>>>()?;
            let known = Known { values, ..Known::default() };
            let program = program::program_knowing(&self.graph, &[wanted], &leaves, &known, (self.kind, self.device))?;
            let images = if input.dim() == 4 { input.f_permute([0, 2, 3, 1])? } else { input.shallow_clone() };
            let target = self.labels.arranged(labels)?;
            let target = self.tower.labels.is_some().then_some(&target);
            let mut pass = program.begin(&images, target);
            program.get(0, &mut pass, &mut Context::new(Mode::Evaluate))
        })
    }
}
