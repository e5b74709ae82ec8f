//! A network in TensorFlow's own words: a line for each layer, with its name, what it does, its sizes (`?` is the batch),
//! its numbers to learn and the line of the file.

use super::{
    lowering::{Tower, layer_name},
    state::{Graph, Operation, Source},
};
use crate::{
    error::Origin,
    nn::dataflow::{Array, Op, Pointwise},
};

/// Operations of one name that stand together.
struct Layer {
    name: String,
    does: Vec<&'static str>,
    dims: String,
    learned: i64,
    origin: Option<Origin>,
}

/// The layers of a stage's inference, one a line behind a line of the sizes of input and output.
#[must_use]
pub fn printed(graph: &Graph, tower: &Tower) -> String {
    let outputs: Vec<String> = tower.outputs.iter().map(|&output| graph.dims(output).to_string()).collect();
    let head = format!("UserModel: {} -> {}", graph.dims(tower.images), outputs.join(", "));
    let mut needed: Vec<usize> = tower.outputs.iter().flat_map(|&output| graph.ancestors(output)).collect();
    needed.sort_unstable();
    needed.dedup();
    let mut layers: Vec<Layer> = Vec::new();
    let mut counted = Vec::new();
    for at in needed {
        let operation = graph.with(|state| state.operations[at].clone());
        let Source::Op(op) = &operation.source else { continue };
        if is_silent(op) {
            continue;
        }
        let name = layer_name(&operation.name);
        let learned = learned(graph, &operation, &mut counted);
        let dims = operation.results.first().map_or_else(String::new, |result| result.dims.to_string());
        match layers.last_mut().filter(|layer| layer.name == name) {
            Some(layer) => {
                layer.does.push(op.name());
                layer.dims = dims;
                layer.learned += learned;
            }
            None => layers.push(Layer { name, does: vec![op.name()], dims, learned, origin: operation.origin }),
        }
    }
    let rows: Vec<[String; 5]> = layers.into_iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 4] = std::array::from_fn(width);
    let line = |[name, does, dims, learned, place]: &[String; 5]| {
        let [a, b, c, d] = widths;
        format!("  {name:<a$}  {does:<b$}  {dims:<c$}  {learned:>d$}  {place}").trim_end().to_string()
    };
    std::iter::once(head).chain(rows.iter().map(line)).collect::<Vec<_>>().join("\n")
}

fn row(layer: Layer) -> [String; 5] {
    let learned = if layer.learned == 0 { String::new() } else { format!("{} parameters", layer.learned) };
    let place = layer.origin.map_or_else(String::new, |origin| origin.to_string());
    [layer.name, layer.does.join(", "), layer.dims, learned, place]
}

/// Sizes and the like, which make no layer.
fn is_silent(op: &Op) -> bool {
    matches!(
        op,
        Op::Array(Array::Shape(_) | Array::Size(_) | Array::Fill(..) | Array::Range)
            | Op::Pointwise(Pointwise::Identity)
    )
}

/// Numbers of the trainable variables that an operation reads and none before it did.
fn learned(graph: &Graph, operation: &Operation, counted: &mut Vec<usize>) -> i64 {
    let mut sum = 0;
    for input in &operation.inputs {
        let Source::Variable(index) = graph.operation(*input).source else { continue };
        let count = graph.with(|state| {
            let variable = &state.variables[index];
            if variable.trainable { variable.dims.iter().product() } else { 0 }
        });
        if !counted.contains(&index) {
            counted.push(index);
            sum += count;
        }
    }
    sum
}
