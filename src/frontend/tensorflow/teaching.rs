//! What a loss teaches: which variables its gradient reaches, and the pages of one that reaches none, by the rules of
//! TensorFlow's optimisers; variables that no loss teaches because a later tower made them.

use std::collections::HashSet;

use super::{
    lowering::Tower,
    state::{Graph, Source, Symbol},
};
use crate::{
    error::{Error, Kind, Origin, Result},
    nn::dataflow::{Array, Binary, Op, Pointwise, Reduction, Unary},
};

/// Operations that a page names where a gradient ends.
const SHOWN: usize = 3;

/// Whether a gradient passes an operation towards its input `at`. Types are the caller's: only floats have gradients.
fn passes(op: &Op, at: usize) -> bool {
    match op {
        Op::Pointwise(Pointwise::StopGradient) => false,
        Op::Pointwise(Pointwise::Unary(Unary::Floor | Unary::Ceil | Unary::Round)) => false,
        Op::Pointwise(Pointwise::Binary(Binary::FloorDiv)) => false,
        Op::Pointwise(Pointwise::First) => at == 0,
        Op::Array(Array::FillLike(..)) => false,
        Op::Reduction(Reduction::Histogram(..)) => false,
        _ => true,
    }
}

/// Where a loss's gradient goes.
struct Reach {
    /// The trainable variables, as they are read.
    variables: HashSet<Symbol>,
    /// The operations where it ends although variables lie behind.
    ends: Vec<usize>,
}

fn reach(graph: &Graph, loss: Symbol) -> Reach {
    graph.with(|state| {
        let has_gradient = |symbol: Symbol| state.operations[symbol.operation].results[symbol.output].dtype.is_float();
        // What lies behind: known from the front, for operations stand behind their inputs.
        let mut learns = vec![false; loss.operation + 1];
        for at in 0..=loss.operation {
            let operation = &state.operations[at];
            learns[at] = match operation.source {
                Source::Variable(index) => state.variables[index].trainable,
                _ => operation.inputs.iter().any(|input| learns[input.operation]),
            };
        }
        let mut found = Reach { variables: HashSet::new(), ends: Vec::new() };
        let mut seen = HashSet::from([loss]);
        let mut open = vec![loss];
        while let Some(symbol) = open.pop() {
            let operation = &state.operations[symbol.operation];
            if let Source::Variable(index) = operation.source {
                if state.variables[index].trainable {
                    found.variables.insert(symbol);
                }
                continue;
            }
            let Source::Op(op) = &operation.source else { continue };
            for (at, &input) in operation.inputs.iter().enumerate() {
                if has_gradient(symbol) && has_gradient(input) && passes(op, at) {
                    if seen.insert(input) {
                        open.push(input);
                    }
                } else if learns[input.operation] {
                    let (mut end, mut before) = (symbol.operation, input);
                    // Of whole numbers the operation that made them of floats, such as ArgMax, and not a later cast.
                    while !has_gradient(before) {
                        end = before.operation;
                        let behind = state.operations[end].inputs.iter().find(|input| learns[input.operation]);
                        let Some(&next) = behind else { break };
                        before = next;
                    }
                    found.ends.push(end);
                }
            }
        }
        found.ends.sort_unstable();
        found.ends.dedup();
        found
    })
}

impl Graph {
    /// The trainable variables that the gradient of a loss reaches.
    #[must_use]
    pub fn taught_by(&self, loss: Symbol) -> HashSet<Symbol> {
        reach(self, loss).variables
    }

    /// That a loss is one number.
    ///
    /// # Errors
    /// `Kind::Shape` when it has other sizes.
    pub fn check_loss(&self, loss: Symbol) -> Result<()> {
        let dims = self.dims(loss);
        if dims.numel() == Some(1) {
            return Ok(());
        }
        let operation = self.operation(loss);
        Err(Error::new(Kind::Shape, "the loss is not one number")
            .at(operation.origin.as_ref())
            .with_fact("in scope", operation.name)
            .with_fact("it is", dims.to_string())
            .with_help("take its mean: tf.reduce_mean(loss)"))
    }

    /// That a loss teaches something: of `variables`, of all that are trainable when there is no such list.
    ///
    /// # Errors
    /// `Kind::Network`, as TensorFlow's optimisers refuse it.
    pub fn check_teaches(&self, loss: Symbol, variables: Option<&[Symbol]>) -> Result<()> {
        let operation = self.operation(loss);
        let page = |message: &str| {
            Error::new(Kind::Network, message).at(operation.origin.as_ref()).with_fact("the loss", self.name(loss))
        };
        if variables.map_or_else(|| self.variables(true).is_empty(), <[Symbol]>::is_empty) {
            return Err(match variables {
                Some(_) => page("No variables to optimize: 'vars' of this loss is empty").with_help(
                    "list what it teaches, such as [v for v in tf.trainable_variables() if v.name.startswith('model/')]",
                ),
                None => page("No variables to optimize: the network has none that is trainable")
                    .with_help("layers such as slim.fully_connected and tf.layers.conv2d make variables"),
            });
        }
        let found = reach(self, loss);
        if variables.map_or(!found.variables.is_empty(), |all| all.iter().any(|one| found.variables.contains(one))) {
            return Ok(());
        }
        let mut page = page("No gradients provided for any variable: the loss cannot teach one");
        if found.variables.is_empty() && found.ends.is_empty() {
            page = page.with_fact("it depends on", "no variable");
        }
        for &end in found.ends.iter().rev().take(SHOWN) {
            let ends = self.with(|state| state.operations[end].clone());
            let place = ends.origin.map_or_else(String::new, |origin| format!(", {origin}"));
            page = page.with_fact("its gradient ends at", format!("{}{place}", ends.name));
        }
        Err(page.with_help(if found.variables.is_empty() {
            "argmax, comparisons, rounding, casts to whole numbers, tf.stop_gradient and the labels of a softmax cross \
             entropy have no gradient; labels come first in tf.losses, logits in slim.losses"
        } else {
            "the loss depends on variables, and on none of those that its 'vars' lists"
        }))
    }

    /// How many variables there are.
    #[must_use]
    pub fn variable_count(&self) -> usize {
        self.with(|state| state.variables.len())
    }

    /// Trainable variables from number `first` on that a tower reads: name, the line that made it, and whether
    /// `get_variable` did.
    #[must_use]
    pub fn untaught(&self, tower: &Tower, first: usize) -> Vec<(String, Option<Origin>, bool)> {
        let values = tower.outputs.iter().copied().chain(tower.losses.iter().map(|(loss, _)| *loss));
        let mut needed: Vec<usize> = values.flat_map(|value| self.ancestors(value)).collect();
        needed.sort_unstable();
        needed.dedup();
        self.with(|state| {
            let read = needed.into_iter().filter_map(|at| match state.operations[at].source {
                Source::Variable(index) if index >= first && state.variables[index].trainable => {
                    let variable = &state.variables[index];
                    Some((variable.name.clone(), variable.origin.clone(), variable.is_shared))
                }
                _ => None,
            });
            read.collect()
        })
    }
}
