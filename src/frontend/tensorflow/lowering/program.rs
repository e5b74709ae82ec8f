//! A stage's graph as a dataflow program: what the output, the losses and the summaries need, in order.

use std::collections::HashMap;

use super::{modules::layer_name, parameters::Leaves};
use crate::{
    error::{Error, Kind, Result},
    frontend::tensorflow::{
        graph::tensor_of,
        state::{Feed, Graph, Operation, Source, Symbol},
    },
    nn::dataflow::{Array, Described, Leaf, Op, Pointwise, Program, ProgramBuilder, Slot},
};

/// The program that computes these groups of values.
///
/// # Errors
/// When a constant cannot be made, or the graph reads a gradient.
pub(super) fn program(
    graph: &Graph,
    groups: &[Vec<Symbol>],
    leaves: &Leaves,
    real: tch::Kind,
    device: tch::Device,
) -> Result<Program> {
    program_knowing(graph, groups, leaves, &Known::default(), (real, device))
}

/// What a program does not compute.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By number, the memory that each gradient is in which the graph reads.
    pub gradients: HashMap<usize, tch::Tensor>,
    /// By operation, of those with one result: its value.
    pub values: HashMap<usize, tch::Tensor>,
}

/// The program that computes these groups of values from what is known.
///
/// # Errors
/// When a constant cannot be made, or the memory of a gradient is missing.
pub(super) fn program_knowing(
    graph: &Graph,
    groups: &[Vec<Symbol>],
    leaves: &Leaves,
    known: &Known,
    (real, device): (tch::Kind, tch::Device),
) -> Result<Program> {
    let needed = graph.needed(&groups.concat(), |at| known.values.contains_key(&at));
    let from_images = downstream(graph, &needed);
    let mut builder = ProgramBuilder::new(real, device);
    let mut slots: HashMap<usize, Slot> = HashMap::new();
    let mut shown = 0;
    for at in needed {
        let operation = graph.with(|state| state.operations[at].clone());
        if let Some(value) = known.values.get(&at) {
            slots.insert(at, builder.leaf(Leaf::Variable(value.shallow_clone())));
            continue;
        }
        let slot = match &operation.source {
            Source::Feed(Feed::Images) => builder.leaf(Leaf::Input),
            Source::Feed(Feed::Labels) => builder.leaf(Leaf::Target),
            Source::Feed(Feed::Gradient(number)) => {
                let gradient = known.gradients.get(number).ok_or_else(|| {
                    Error::new(Kind::Network, "a gradient is read where there is none")
                        .at(operation.origin.as_ref())
                        .with_help("use gradients in what gradientUpdate returns, and nowhere else")
                })?;
                builder.leaf(Leaf::Variable(gradient.shallow_clone()))
            }
            Source::Constant(constant) => {
                builder.leaf(Leaf::Constant(tensor_of(constant, &operation.results[0], real, device)?))
            }
            Source::Variable(index) => {
                let tensor = leaves.get(index).map(|(leaf, _)| leaf.shallow_clone());
                builder.leaf(Leaf::Variable(tensor.expect("every variable that the program reads was made")))
            }
            Source::Op(op) => {
                let visible = is_layer(op) && from_images.contains(&at);
                shown += usize::from(visible);
                let described = Described {
                    path: shown.to_string(),
                    label: label(&operation),
                    origin: operation.origin.clone(),
                    visible,
                };
                let inputs =
                    operation.inputs.iter().map(|input| Slot { output: input.output, ..slots[&input.operation] });
                let parameters = operation.inputs.iter().filter_map(|&input| match graph.operation(input).source {
                    Source::Variable(index) => leaves.get(&index).and_then(|(_, place)| *place),
                    _ => None,
                });
                builder.step(op.clone(), inputs.collect(), described, parameters.collect())
            }
        };
        slots.insert(at, slot);
    }
    let slot = |symbol: &Symbol| Slot { output: symbol.output, ..slots[&symbol.operation] };
    Ok(builder.finish(groups.iter().map(|group| group.iter().map(slot).collect()).collect()))
}

/// The operation's name without its stage, then its type where the name does not say it.
fn label(operation: &Operation) -> String {
    let inner = operation.name.split_once('/').map_or(operation.name.as_str(), |(_, rest)| rest);
    match &operation.source {
        Source::Op(op) if !inner.to_lowercase().contains(&op.name().to_lowercase()) => {
            format!("{}: {}", layer_name(&operation.name), op.name())
        }
        _ => inner.to_string(),
    }
}

/// The operations that depend on the images.
fn downstream(graph: &Graph, needed: &[usize]) -> Vec<usize> {
    graph.with(|state| {
        let mut found: Vec<usize> = Vec::new();
        for &at in needed {
            let operation = &state.operations[at];
            let starts = matches!(operation.source, Source::Feed(Feed::Images));
            if starts || operation.inputs.iter().any(|input| found.binary_search(&input.operation).is_ok()) {
                found.push(at);
            }
        }
        found
    })
}

/// Whether an operation is worth showing: not those that only handle sizes.
fn is_layer(op: &Op) -> bool {
    match op {
        Op::Array(array) => !matches!(array, Array::Shape(_) | Array::Size(_) | Array::Fill(..) | Array::Range),
        Op::Pointwise(Pointwise::Identity | Pointwise::StopGradient) => false,
        Op::Slice(_) => false,
        _ => true,
    }
}
