//! `Program`: operations in the order in which they run, and one pass over them that computes what is asked for once.

use std::{any::Any, rc::Rc};

use super::{losses::Loss, op::Op, run::Run};
use crate::{
    error::{Error, Kind, Origin, Result},
    nn::{Activity, Context, Module, Node, Scores, Shape},
};

/// A value: the entry that makes it, and which of its results it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    /// Number of the entry.
    pub entry: usize,
    /// 0-based result of the entry.
    pub output: usize,
}

/// A value that no operation makes.
#[derive(Debug)]
pub enum Leaf {
    /// The batch, `[n, h, w, c]`.
    Input,
    /// The batch's labels as the graph wants them.
    Target,
    /// A variable: a parameter's leaf or a buffer.
    Variable(tch::Tensor),
    /// A number or table of numbers of the file.
    Constant(tch::Tensor),
}

enum Entry {
    Leaf(Leaf),
    Step(Step),
}

struct Step {
    node: Rc<Node>,
    inputs: Vec<Slot>,
    visible: bool,
}

/// What is asked for together, with the entries that it needs.
struct Group {
    slots: Vec<Slot>,
    order: Vec<usize>,
}

/// Operations in order, and the groups of values that can be asked for.
pub struct Program {
    entries: Vec<Entry>,
    groups: Vec<Group>,
    /// How often each entry's results are read by the entries of all groups, or asked for.
    uses: Vec<usize>,
    real: tch::Kind,
    device: tch::Device,
}

/// The values of one pass.
#[derive(Debug)]
pub struct Pass {
    values: Vec<Option<Vec<tch::Tensor>>>,
    left: Vec<usize>,
}

/// An operation as a module; inputs that are variables or constants are part of it.
pub(super) struct Operation {
    pub(super) op: Op,
    /// One for each input; `None` for those that flow in.
    fixed: Vec<Option<tch::Tensor>>,
    real: tch::Kind,
    device: tch::Device,
}

/// Puts a program together.
pub struct ProgramBuilder {
    entries: Vec<Entry>,
    real: tch::Kind,
    device: tch::Device,
}

impl ProgramBuilder {
    /// For a network in `real` on `device`.
    #[must_use]
    pub fn new(real: tch::Kind, device: tch::Device) -> ProgramBuilder {
        ProgramBuilder { entries: Vec::new(), real, device }
    }

    /// Adds a leaf.
    pub fn leaf(&mut self, leaf: Leaf) -> Slot {
        self.entries.push(Entry::Leaf(leaf));
        Slot { entry: self.entries.len() - 1, output: 0 }
    }

    /// Adds an operation; its results are outputs 0, 1 … of the slot's entry. `parameters` are indices in the
    /// network's list; `visible` operations are shown to who looks into the network.
    pub fn step(&mut self, op: Op, inputs: Vec<Slot>, description: Described, parameters: Vec<usize>) -> Slot {
        let Described { path, label, origin, visible } = description;
        let fixed = inputs.iter().map(|slot| match &self.entries[slot.entry] {
            Entry::Leaf(Leaf::Variable(tensor) | Leaf::Constant(tensor)) => Some(tensor.shallow_clone()),
            _ => None,
        });
        let class = op.name().to_string();
        let (fixed, real, device) = (fixed.collect(), self.real, self.device);
        let module = Box::new(Operation { op, fixed, real, device });
        let node = Rc::new(Node { path, class, label, origin, parameters, module });
        self.entries.push(Entry::Step(Step { node, inputs, visible }));
        Slot { entry: self.entries.len() - 1, output: 0 }
    }

    /// The program; group i of the results holds the values of `groups[i]`.
    #[must_use]
    pub fn finish(self, groups: Vec<Vec<Slot>>) -> Program {
        let mut uses = vec![0; self.entries.len()];
        let mut counted = vec![false; self.entries.len()];
        let groups: Vec<Group> = groups
            .into_iter()
            .map(|slots| {
                let mut needed = vec![false; self.entries.len()];
                slots.iter().for_each(|slot| needed[slot.entry] = true);
                for at in (0..self.entries.len()).rev().filter(|&at| matches!(self.entries[at], Entry::Step(_))) {
                    if let (true, Entry::Step(step)) = (needed[at], &self.entries[at]) {
                        step.inputs.iter().for_each(|slot| needed[slot.entry] = true);
                    }
                }
                slots.iter().for_each(|slot| uses[slot.entry] += 1);
                let order: Vec<usize> = (0..self.entries.len()).filter(|&at| needed[at]).collect();
                for &at in &order {
                    if let (false, Entry::Step(step)) = (std::mem::replace(&mut counted[at], true), &self.entries[at]) {
                        step.inputs.iter().for_each(|slot| uses[slot.entry] += 1);
                    }
                }
                Group { slots, order }
            })
            .collect();
        Program { entries: self.entries, groups, uses, real: self.real, device: self.device }
    }
}

/// How an operation is named and shown.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its number below the root, from 1.
    pub path: String,
    /// Its printed form.
    pub label: String,
    /// The line that made it.
    pub origin: Option<Origin>,
    /// Whether it is shown as a layer.
    pub visible: bool,
}

impl Program {
    /// A pass over this batch: `input` `[n, h, w, c]`, `target` as the graph wants it.
    #[must_use]
    pub fn begin(&self, input: &tch::Tensor, target: Option<&tch::Tensor>) -> Pass {
        let values = self.entries.iter().map(|entry| match entry {
            Entry::Leaf(Leaf::Input) => Some(vec![input.shallow_clone()]),
            Entry::Leaf(Leaf::Target) => target.map(|target| vec![target.shallow_clone()]),
            Entry::Leaf(Leaf::Variable(tensor) | Leaf::Constant(tensor)) => Some(vec![tensor.shallow_clone()]),
            Entry::Step(_) => None,
        });
        Pass { values: values.collect(), left: self.uses.clone() }
    }

    /// The values of a group. Each group may be asked for once a pass.
    ///
    /// # Errors
    /// That of the first operation that refuses, with its place.
    pub fn get(&self, group: usize, pass: &mut Pass, cx: &mut Context<'_>) -> Result<Vec<tch::Tensor>> {
        let Group { slots, order } = &self.groups[group];
        for &at in order {
            let Entry::Step(step) = &self.entries[at] else { continue };
            if pass.values[at].is_none() && pass.left[at] > 0 {
                let made = self.run(step, pass, cx)?;
                pass.values[at] = Some(made);
                for slot in &step.inputs {
                    pass.release(slot.entry);
                }
            }
        }
        slots
            .iter()
            .map(|slot| {
                let value = pass.value(*slot)?.shallow_clone();
                pass.release(slot.entry);
                Ok(value)
            })
            .collect()
    }

    fn run(&self, step: &Step, pass: &Pass, cx: &mut Context<'_>) -> Result<Vec<tch::Tensor>> {
        let operation: &dyn Any = &*step.node.module;
        let operation: &Operation = operation.downcast_ref().expect("every step's module is an Operation");
        let inputs = step.inputs.iter().map(|&slot| pass.value(slot)).collect::<Result<Vec<_>>>()?;
        let made = operation.op.run(&inputs, &mut Run { cx, real: self.real, device: self.device });
        let made = made.map_err(|error| {
            let error = error.at(step.node.origin.as_ref()).in_module(step.node.title());
            if error.kind() != Kind::Torch {
                return error;
            }
            let sizes: Vec<String> = inputs.iter().map(|input| format!("{:?}", input.size())).collect();
            error.with_fact("it was given", sizes.join(", "))
        })?;
        if step.visible && cx.is_observed() {
            let flowing = inputs.iter().zip(&operation.fixed).filter(|(_, fixed)| fixed.is_none());
            let given = flowing.map(|(input, _)| planes_first(input)).collect::<Result<Vec<_>>>()?;
            let output = made.iter().map(planes_first).collect::<Result<Vec<_>>>()?;
            cx.observe(&step.node, &joined(given), &joined(output));
        }
        Ok(made)
    }

    /// The operations that are shown as layers, of group 0.
    #[must_use]
    pub fn visible(&self) -> Vec<&Node> {
        let group = self.groups.first().map_or(&[][..], |group| &group.order);
        let steps = group.iter().filter_map(|&at| match &self.entries[at] {
            Entry::Step(step) if step.visible => Some(&*step.node),
            _ => None,
        });
        steps.collect()
    }
}

impl Pass {
    fn value(&self, slot: Slot) -> Result<&tch::Tensor> {
        let value = self.values[slot.entry].as_ref().and_then(|values| values.get(slot.output));
        value.ok_or_else(|| {
            Error::new(Kind::Network, "the network looks at labels where there are none")
                .with_help("use self.y in the loss only, or where self.is_inference is false")
        })
    }

    /// One reader less; the last one frees the memory.
    fn release(&mut self, entry: usize) {
        self.left[entry] = self.left[entry].saturating_sub(1);
        if self.left[entry] == 0 {
            self.values[entry] = None;
        }
    }
}

/// Images as every other part of the program has them: `[n, c, h, w]`.
pub(super) fn planes_first(x: &tch::Tensor) -> Result<tch::Tensor> {
    Ok(if x.dim() == 4 { x.f_permute([0, 3, 1, 2])? } else { x.shallow_clone() })
}

/// Images `[n, c, h, w]` as the graph has them: `[n, h, w, c]`; other tensors as they are.
///
/// # Errors
/// When libtorch refuses.
pub fn planes_last(x: &tch::Tensor) -> Result<tch::Tensor> {
    Ok(if x.dim() == 4 { x.f_permute([0, 2, 3, 1])? } else { x.shallow_clone() })
}

/// One tensor, or a table of several.
pub(super) fn joined(mut tensors: Vec<tch::Tensor>) -> Activity {
    if tensors.len() == 1 {
        return Activity::Tensor(tensors.remove(0));
    }
    Activity::Table(tensors.into_iter().map(Activity::Tensor).collect())
}

impl Module for Operation {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let given = input.tensors().into_iter().map(planes_last).collect::<Result<Vec<_>>>()?;
        let mut given = given.iter();
        let missing = || Error::new(Kind::Shape, "an operation got too few inputs");
        let inputs = self.fixed.iter().map(|fixed| fixed.as_ref().or_else(|| given.next()).ok_or_else(missing));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let made = self.op.run(&inputs, &mut Run { cx, real: self.real, device: self.device })?;
        Ok(joined(made.iter().map(planes_first).collect::<Result<Vec<_>>>()?))
    }

    fn scores(&self) -> Option<Scores> {
        matches!(self.op, Op::Loss(Loss::Softmax(_))).then_some(Scores::Probabilities)
    }

    fn flops(&self, input: &Shape, output: &Shape) -> u64 {
        let sizes = |shape: &Shape| match shape {
            Shape::Tensor(size) => vec![size.clone()],
            Shape::Table(entries) => entries
                .iter()
                .filter_map(|e| if let Shape::Tensor(size) = e { Some(size.clone()) } else { None })
                .collect(),
        };
        let mut given = sizes(input).into_iter();
        let fixed = self
            .fixed
            .iter()
            .map(|fixed| fixed.as_ref().map_or_else(|| given.next().unwrap_or_default(), tch::Tensor::size));
        let output = sizes(output).into_iter().next().unwrap_or_default();
        self.op.flops(&fixed.collect::<Vec<_>>(), &output)
    }
}
