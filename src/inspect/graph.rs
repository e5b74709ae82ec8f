//! `Graph`: the layers of a network as they ran, with what flows between them; also of a network in which one refuses.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    nn::{Activity, Context, Mode, Network, Node, Observer, Shape},
};

/// Whether a layer ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It did.
    Ok,
    /// It refused its input.
    Error,
    /// The pass ended before it.
    NotReached,
}

/// A layer: a module that holds no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphNode {
    /// Order of execution, from 1.
    pub id: usize,
    /// As in Lua: `2.1`.
    pub path: String,
    /// `nn.Linear`
    pub class: String,
    /// `nn.Linear(784 -> 300)`
    pub label: String,
    /// The line of the network file that built it.
    pub line: Option<u32>,
    /// Shape of one sample's output, channels first; absent when not reached, or for a table.
    pub output: Option<Vec<i64>>,
    /// Its own learned numbers.
    pub parameters: i64,
    /// Floating point operations of one sample.
    pub flops: Option<u64>,
    /// Whether it ran.
    pub state: State,
}

/// What flows from one layer to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphEdge {
    /// The layer that made it; 0 is the network's input.
    pub from: usize,
    /// The layer that takes it.
    pub to: usize,
    /// `1 × 28 × 28`, of one sample.
    pub label: Option<String>,
    /// What is wrong with it: `784, wants 783`.
    pub error: Option<String>,
}

/// The layers and what flows between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// Shape of one sample.
    pub input: Option<Vec<i64>>,
    /// In the order of execution.
    pub nodes: Vec<GraphNode>,
    /// In the order of the layers that take them.
    pub edges: Vec<GraphEdge>,
}

/// One run of one layer.
struct Run {
    path: String,
    inputs: Vec<Key>,
    output: Option<Vec<i64>>,
    flops: u64,
}

/// A tensor: where its numbers lie, and in which form. A view has the numbers of another, in another form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    numbers: usize,
    size: Vec<i64>,
}

#[derive(Default)]
struct Tracer {
    runs: Vec<Run>,
    /// The run (from 1) that made each tensor last.
    makers: HashMap<Key, usize>,
    sources: Vec<Vec<usize>>,
    /// Kept, so that an address stands for one tensor.
    kept: Vec<tch::Tensor>,
}

impl Tracer {
    fn key(&mut self, tensor: &tch::Tensor) -> Key {
        self.kept.push(tensor.shallow_clone());
        Key { numbers: tensor.data_ptr() as usize, size: tensor.size() }
    }
}

impl Observer for Tracer {
    fn saw(&mut self, node: &Node, input: &Activity, output: &Activity) {
        if !node.module.children().is_empty() {
            return;
        }
        let inputs: Vec<Key> = input.tensors().into_iter().map(|tensor| self.key(tensor)).collect();
        self.sources.push(inputs.iter().map(|key| self.makers.get(key).copied().unwrap_or(0)).collect());
        let id = self.runs.len() + 1;
        for tensor in output.tensors() {
            let key = self.key(tensor);
            self.makers.insert(key, id);
        }
        let flops = node.module.flops(&input.shape(), &output.shape());
        self.runs.push(Run { path: node.path.clone(), inputs, output: sample(&output.shape()), flops });
    }
}

/// The shape without its batch.
fn sample(shape: &Shape) -> Option<Vec<i64>> {
    match shape {
        Shape::Tensor(size) => Some(size.get(1..).map(<[i64]>::to_vec).unwrap_or_default()),
        Shape::Table(_) => None,
    }
}

fn text(size: &[i64]) -> String {
    size.iter().map(i64::to_string).collect::<Vec<_>>().join(" × ")
}

/// Sends ones through the network in evaluation mode, and gives what ran, with the page of the layer that refused.
/// `input` is the shape of one sample; without it nothing runs.
///
/// # Errors
/// When libtorch cannot make the sample.
pub fn trace(network: &Network, input: Option<&[i64]>) -> Result<(Graph, Option<Error>)> {
    let mut seen = Tracer::default();
    let mut refused = None;
    if let Some(size) = input {
        let ones = tch::Tensor::f_ones([&[1], size].concat(), (network.kind, network.device))?;
        let key = seen.key(&ones);
        seen.makers.insert(key, 0);
        let batch = Activity::from(ones);
        let pass = tch::no_grad(|| network.forward(&batch, &mut Context::new(Mode::Evaluate).observed(&mut seen)));
        refused = pass.err();
    }
    Ok((graph(network, input, &seen, refused.as_ref()), refused))
}

fn graph(network: &Network, input: Option<&[i64]>, seen: &Tracer, refused: Option<&Error>) -> Graph {
    let walk = network.root.walk();
    let leaves: Vec<&&Node> = walk.iter().filter(|node| node.module.children().is_empty()).collect();
    let list = &network.parameters.list;
    let node = |id: usize, leaf: &Node, run: Option<&Run>, state: State| GraphNode {
        id,
        path: leaf.path.clone(),
        class: leaf.class.clone(),
        label: leaf.label.clone(),
        line: leaf.origin.as_ref().map(|origin| origin.line),
        output: run.and_then(|run| run.output.clone()),
        parameters: leaf
            .parameters
            .iter()
            .filter_map(|&i| list.get(i))
            .map(|parameter| parameter.size.iter().product::<i64>())
            .sum(),
        flops: run.map(|run| run.flops),
        state,
    };
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    for (i, run) in seen.runs.iter().enumerate() {
        let Some(leaf) = leaves.iter().find(|leaf| leaf.path == run.path) else { continue };
        nodes.push(node(i + 1, leaf, Some(run), State::Ok));
        for (source, key) in seen.sources[i].iter().zip(&run.inputs) {
            let label = Some(text(key.size.get(1..).unwrap_or_default()));
            edges.push(GraphEdge { from: *source, to: i + 1, label, error: None });
        }
    }
    // What did not run stands in the order of the file, each behind the one before.
    let rest = leaves.iter().filter(|leaf| !seen.runs.iter().any(|run| run.path == leaf.path));
    let mut is_refusal = refused.is_some();
    for leaf in rest {
        let id = nodes.len() + 1;
        let state = if is_refusal { State::Error } else { State::NotReached };
        let error = refused.filter(|_| is_refusal).and_then(mismatch);
        let before = nodes.last().map(|node: &GraphNode| node.output.clone());
        let flowing = if id == 1 { input.map(<[i64]>::to_vec) } else { before.flatten() };
        let label = flowing.filter(|_| is_refusal).map(|size| text(&size));
        edges.push(GraphEdge { from: id - 1, to: id, label, error });
        nodes.push(node(id, leaf, None, state));
        is_refusal = false;
    }
    Graph { input: input.map(<[i64]>::to_vec), nodes, edges }
}

/// What came and what was wanted, of a page that says both: `[1, 784], wants [783] or [n, 783]`.
fn mismatch(page: &Error) -> Option<String> {
    let fact = |label: &str| page.facts().iter().find(|(name, _)| name == label).map(|(_, value)| value.clone());
    Some(format!("{}, wants {}", fact("it was given")?, fact("it wants")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::toy;

    #[test]
    fn layers_are_joined_by_what_flows() {
        let (graph, page) = trace(&toy::classifier(), Some(&[1, 4, 4])).unwrap();
        assert!(page.is_none());
        let labels: Vec<&str> = graph.nodes.iter().map(|node| node.label.as_str()).collect();
        assert_eq!(labels.len(), 3, "{labels:?}");
        let ends: Vec<(usize, usize)> = graph.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        assert_eq!(ends, [(0, 1), (1, 2), (2, 3)]);
        assert_eq!(graph.edges[1].label.as_deref(), Some("16"));
        assert_eq!((graph.nodes[1].output.clone(), graph.nodes[1].parameters), (Some(vec![7]), 119));
    }

    #[test]
    fn a_layer_that_refuses_is_marked_and_what_follows_is_not_guessed() {
        let (graph, page) = trace(&toy::classifier(), Some(&[1, 5, 5])).unwrap();
        assert!(page.is_some());
        let states: Vec<State> = graph.nodes.iter().map(|node| node.state).collect();
        assert_eq!(states, [State::Ok, State::Error, State::NotReached]);
        assert!(graph.edges[1].error.as_deref().is_some_and(|words| words.contains("wants [16]")), "{graph:?}");
    }
}
