//! A graph of modules (`nn.gModule`): nodes in topological order, each fed by the outputs of earlier ones; and the
//! modules that put a value into a table of one, or take it out.
//!
//! nngraph: `gmodule.lua`, `JustElement.lua`, `JustTable.lua`; the nodes and the walk that orders them are in the prelude.

use std::rc::Rc;

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::Value,
        module::{Context, Module, Node},
        refusals::size_mismatch,
        spec::{Builder, Probe, Spec},
    },
};

/// The classes.
pub const SPECS: &[Spec] = &[
    Spec::module(
        &["nn.gModule"],
        build,
        Probe::module(
            "(function() require 'nngraph'; local x = nn.Linear(4, 3)(); return {x}, {nn.Tanh()(x), x} end)()",
            "torch.randn(2, 4)",
        ),
    ),
    Spec {
        looks_at_input: true,
        ..Spec::module(
            &["nngraph.JustElement"],
            |_| Ok(Box::new(Just::Element)),
            Probe::module("", "{torch.randn(2, 4)}"),
        )
    },
    Spec {
        looks_at_input: true,
        ..Spec::module(&["nngraph.JustTable"], |_| Ok(Box::new(Just::Table)), Probe::module("", "torch.randn(2, 4)"))
    },
];

/// Nodes and what each of them does.
pub struct Graph {
    children: Vec<Rc<Node>>,
    steps: Vec<Step>,
}

/// One node, in the order of the run.
#[derive(Debug)]
struct Step {
    /// Its module; without one it hands its input on.
    child: Option<usize>,
    /// The entry of its input that it takes (a part of `node:split(n)`).
    select: Option<usize>,
    /// The number of entries that its output must have.
    split: Option<usize>,
    /// The steps whose outputs it takes; `None` is the network's input.
    inputs: Vec<Option<usize>>,
    /// How many later steps take its output.
    uses: usize,
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let wiring = builder.ask("wiring")?;
    let children = builder.children()?;
    let steps = read(&wiring, children.len())
        .ok_or_else(|| Error::new(Kind::Network, "the graph's nodes and its modules do not fit together"))?;
    Ok(Box::new(Graph { children, steps }))
}

/// The steps behind `gModule:wiring()`; `None` when it points to something that is not there.
fn read(wiring: &Value, children: usize) -> Option<Vec<Step>> {
    let Value::List(rows) = wiring else { return None };
    let mut steps: Vec<Step> = Vec::with_capacity(rows.len());
    for row in rows {
        let Value::List(row) = row else { return None };
        let numbers: Option<Vec<usize>> =
            row.iter().map(|v| if let Value::Number(n) = v { Some(*n as usize) } else { None }).collect();
        let numbers = numbers?;
        let [child, select, split, inputs @ ..] = numbers.as_slice() else { return None };
        for &input in inputs.iter().filter(|&&input| input > 0) {
            steps.get_mut(input - 1)?.uses += 1;
        }
        if *child > children {
            return None;
        }
        steps.push(Step {
            child: child.checked_sub(1),
            select: select.checked_sub(1),
            split: (*split > 0).then_some(*split),
            inputs: inputs.iter().map(|input| input.checked_sub(1)).collect(),
            uses: 0,
        });
    }
    if steps.is_empty() { None } else { Some(steps) }
}

impl Step {
    fn run(&self, children: &[Rc<Node>], input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        if let Some(entry) = self.select {
            let entries = input.table()?;
            return entries.get(entry).map(Activity::share).ok_or_else(|| {
                size_mismatch(input, format!("a table of at least {} entries", entry + 1))
                    .with_help("node:split(n) needs a table of n entries")
            });
        }
        let output = match self.child {
            Some(child) => children[child].forward(input, cx)?,
            None => input.share(),
        };
        if let Some(count) = self.split {
            let have = output.table().map_or(0, <[Activity]>::len);
            if have != count {
                return Err(size_mismatch(&output, format!("a table of {count} entries, as many as it is split into"))
                    .with_help(match output {
                        Activity::Table(_) => format!("write :split({have}), or give the graph {have} inputs"),
                        Activity::Tensor(_) => "put nn.SplitTable or nn.ConcatTable in front of :split(n)".to_string(),
                    }));
            }
        }
        Ok(output)
    }
}

impl Module for Graph {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        // An output is let go with its last use, so that evaluation needs no more memory than the widest cut.
        let mut left: Vec<usize> = self.steps.iter().map(|step| step.uses).collect();
        let mut outputs: Vec<Option<Activity>> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let of = |source: &Option<usize>| match *source {
                None => Ok(input),
                Some(source) => outputs[source]
                    .as_ref()
                    .ok_or_else(|| Error::new(Kind::Network, "a node of the graph runs before its input")),
            };
            let output = match step.inputs.as_slice() {
                [source] => step.run(&self.children, of(source)?, cx)?,
                several => {
                    let entries = several.iter().map(|source| Ok(of(source)?.share())).collect::<Result<_>>()?;
                    step.run(&self.children, &Activity::Table(entries), cx)?
                }
            };
            for &source in step.inputs.iter().flatten() {
                left[source] -= 1;
                if left[source] == 0 {
                    outputs[source] = None;
                }
            }
            outputs.push(Some(output));
        }
        match outputs.pop().flatten() {
            Some(output) => Ok(output),
            None => Err(Error::new(Kind::Network, "the graph has no output")),
        }
    }

    fn children(&self) -> Vec<&Node> {
        self.children.iter().map(Rc::as_ref).collect()
    }
}

enum Just {
    Element,
    Table,
}

impl Module for Just {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        match (self, input) {
            (Just::Table, _) => Ok(Activity::Table(vec![input.share()])),
            (Just::Element, Activity::Table(entries)) if entries.len() == 1 => Ok(entries[0].share()),
            (Just::Element, _) => Err(size_mismatch(input, "a table of one entry")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{
        Mode,
        testing::{assert_close, container, numbers, object, plain, tensor},
    };

    fn row(numbers: &[i64]) -> Value {
        Value::List(numbers.iter().map(|&number| Value::from(number)).collect())
    }

    #[test]
    fn a_diamond_runs_in_order_and_gives_a_table() {
        // input → ×2 → (tanh is child 2 of step 3) ; outputs {×2, ×2 + 1}
        let children = vec![object("nn.MulConstant", [2.0]), object("nn.AddConstant", [1.0])];
        let wiring =
            Value::List(vec![row(&[0, 0, 0, 0]), row(&[1, 0, 0, 1]), row(&[2, 0, 0, 2]), row(&[0, 0, 0, 2, 3])]);
        let graph = container("nn.gModule", children).with("wiring", wiring);
        let y = graph.forward(Mode::Train, tensor(&[1], &[3.0])).unwrap();
        let y: Vec<f64> = y.tensors().into_iter().flat_map(numbers).collect();
        assert_close(&y, &[6.0, 7.0]);
    }

    #[test]
    fn a_split_of_another_size_says_so() {
        let wiring =
            Value::List(vec![row(&[0, 0, 2, 0]), row(&[0, 1, 0, 1]), row(&[0, 2, 0, 1]), row(&[0, 0, 0, 3, 2])]);
        let graph = || container("nn.gModule", vec![]).with("wiring", wiring.clone());
        let table = |n: usize| Activity::Table((0..n).map(|i| tensor(&[1], &[i as f64]).into()).collect());
        let y = graph().forward(Mode::Train, table(2)).unwrap();
        assert_close(&y.tensors().into_iter().flat_map(numbers).collect::<Vec<_>>(), &[1.0, 0.0]);
        assert!(graph().forward(Mode::Train, table(3)).unwrap_err().to_string().contains("a table of 2 entries"));
        assert!(graph().forward(Mode::Train, tensor(&[1], &[0.0])).is_err());
        let wrong = Value::List(vec![row(&[1, 0, 0, 0])]);
        assert!(container("nn.gModule", vec![]).with("wiring", wrong).forward(Mode::Train, table(1)).is_err());
    }

    #[test]
    fn one_entry_tables() {
        let x = || tensor(&[1], &[3.0]);
        assert_eq!(plain("nngraph.JustTable").forward(Mode::Train, x()).unwrap().table().unwrap().len(), 1);
        let y = plain("nngraph.JustElement").forward(Mode::Train, Activity::Table(vec![x().into()])).unwrap();
        assert_close(&numbers(y.tensor().unwrap()), &[3.0]);
        assert!(plain("nngraph.JustElement").forward(Mode::Train, x()).is_err());
    }
}
