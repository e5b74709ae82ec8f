//! `Writer`: walks the network as a forward pass does; containers become the wiring between their children's operators.

use std::any::Any;

use super::{
    graph::{Graph, Value, int},
    operators::{self, Site},
    shapes::{Seen, Step},
};
use crate::{
    error::{Error, Kind, Result},
    nn::{
        Node,
        modules::{
            branches::{Branches, Kind as Branching},
            concat::Concat,
            decorator::Decorator,
            sequential::Sequential,
        },
    },
};

/// Writes modules in the order of the recorded pass.
pub(super) struct Writer {
    graph: Graph,
    steps: std::vec::IntoIter<Step>,
}

impl Writer {
    pub(super) fn new(graph: Graph, steps: Vec<Step>) -> Writer {
        Writer { graph, steps: steps.into_iter() }
    }

    pub(super) fn into_graph(self) -> Graph {
        self.graph
    }

    /// The whole network on the value called `image`: its output, and what that looks like.
    pub(super) fn network(&mut self, root: &Node, image: String) -> Result<(Value, Seen)> {
        let (value, step) = self.node(root, &Value::Tensor(image))?;
        Ok((value, step.output))
    }

    fn node(&mut self, node: &Node, input: &Value) -> Result<(Value, Step)> {
        self.written(node, input).map_err(|error| error.at(node.origin.as_ref()).in_module(node.title()))
    }

    /// A container hands values to its children first; its own step was recorded behind theirs.
    fn written(&mut self, node: &Node, input: &Value) -> Result<(Value, Step)> {
        let module: &dyn Any = &*node.module;
        let children = node.module.children();
        if module.is::<Sequential>() {
            let mut value = input.clone();
            for child in children {
                value = self.node(child, &value)?.0;
            }
            return Ok((value, self.step()?));
        }
        if let Some(concat) = module.downcast_ref::<Concat>() {
            let mut outputs = Vec::new();
            for child in children {
                outputs.push(self.node(child, input)?);
            }
            let step = self.step()?;
            return Ok((self.joined(&outputs, &step, concat.dimension, concat.pads)?, step));
        }
        if let Some(branches) = module.downcast_ref::<Branches>() {
            return self.branches(branches, &children, input);
        }
        if let Some(Decorator { input_dims: None, .. }) = module.downcast_ref::<Decorator>() {
            let value = self.node(children[0], input)?.0;
            return Ok((value, self.step()?));
        }
        if !children.is_empty() {
            return Err(operators::unknown(&node.class));
        }
        let step = self.step()?;
        self.graph.path.clone_from(&node.path);
        let site = Site { graph: &mut self.graph, class: &node.class, input, step: &step };
        Ok((operators::write(&*node.module, site)?, step))
    }

    fn branches(&mut self, branches: &Branches, children: &[&Node], input: &Value) -> Result<(Value, Step)> {
        let mut outputs = Vec::new();
        match branches.kind {
            Branching::Same => {
                for child in children {
                    outputs.push(self.node(child, input)?);
                }
            }
            Branching::EntryByEntry => {
                for (child, entry) in children.iter().zip(input.table()?) {
                    outputs.push(self.node(child, entry)?);
                }
            }
            Branching::OneChild => {
                for entry in input.table()? {
                    outputs.push(self.node(children[0], entry)?);
                }
            }
            Branching::Slices(from, to) => {
                // How many slices there are is known when the container's own step comes; until then each child takes
                // one, as its place says.
                for (i, child) in children.iter().enumerate() {
                    let index = self.graph.int(i as i64);
                    let axis = vec![int("axis", from - 1)];
                    let slice = self.graph.node("Gather", &[input.tensor()?, &index], axis);
                    outputs.push(self.node(child, &slice.into())?);
                }
                let step = self.step()?;
                if step.input.dims()?.get((from - 1) as usize)
                    != Some(&super::shapes::Dim::Fixed(children.len() as i64))
                {
                    return Err(Error::new(Kind::Network, "as many slices as modules are wanted")
                        .with_help("give nn.Parallel one module for each slice"));
                }
                return Ok((self.joined(&outputs, &step, to, false)?, step));
            }
        }
        let values = outputs.into_iter().map(|(value, _)| value).collect();
        Ok((Value::Table(values), self.step()?))
    }

    /// Outputs along a 1-based dim; smaller ones centred among zeros when `pads`.
    fn joined(&mut self, outputs: &[(Value, Step)], whole: &Step, dimension: i64, pads: bool) -> Result<Value> {
        let rank = whole.output.rank()?;
        let axis = operators::axis(rank, dimension, None)?;
        let mut names = Vec::new();
        for (value, step) in outputs {
            let name = value.tensor()?.to_string();
            names.push(if pads { self.centred(name, &step.output, &whole.output, axis)? } else { name });
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(self.graph.node("Concat", &names, vec![int("axis", axis as i64)]).into())
    }

    fn centred(&mut self, name: String, small: &Seen, large: &Seen, axis: usize) -> Result<String> {
        let (small, large) = (small.fixed(2)?, large.fixed(2)?);
        let rank = small.len() + 2;
        let mut pads = vec![0; 2 * rank];
        for (d, (small, large)) in small.iter().zip(&large).enumerate().filter(|(d, _)| d + 2 != axis) {
            let room = large - small;
            (pads[d + 2], pads[rank + d + 2]) = (room / 2, room - room / 2);
        }
        if pads.iter().all(|&pad| pad == 0) {
            return Ok(name);
        }
        let pads = self.graph.ints(&pads);
        Ok(self.graph.node("Pad", &[&name, &pads], vec![]))
    }

    fn step(&mut self) -> Result<Step> {
        self.steps.next().ok_or_else(|| Error::new(Kind::Network, "the network changed while it was written"))
    }
}
