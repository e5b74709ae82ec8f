//! Recognises a chain of known layers between the images and the output, whatever `tf` spelling made it.

use crate::{
    frontend::tensorflow::state::{Graph, Operation, Source, Symbol},
    nn::dataflow::{Array, Binary, Dims, Linear, Loss, Op, Pointwise, Random, Unary, Window, Windowed},
};

/// One step of a chain.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Times a number.
    Scale(f64),
    /// Other sizes, the elements in TensorFlow's order.
    Reshape(Vec<i64>),
    /// A matrix `[in, out]` and a bias, both variables.
    Linear { weights: usize, bias: Option<usize> },
    /// A kernel `[kh, kw, in, out]` and a bias, both variables.
    Convolution { weights: usize, bias: Option<usize>, window: Window },
    /// The largest number of each window.
    MaxPool { kernel: [i64; 2], window: Window },
    /// The mean of each window.
    AvgPool { kernel: [i64; 2], window: Window },
    /// A function of single numbers that a module has.
    Function(Unary),
    /// Dropout in training; the number is the probability of keeping.
    Dropout(f64),
    /// Along the last of two dims.
    Softmax,
}

/// A step and the operation that stands for it: its name and line.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) step: Step,
    pub(super) operation: usize,
    /// Sizes behind it.
    pub(super) dims: Dims,
}

/// The chain from `images` to `output`; `None` when it is anything else.
pub(super) fn recognise(graph: &Graph, images: Symbol, output: Symbol) -> Option<Vec<Link>> {
    let mut links = Vec::new();
    let mut at = output;
    while at != images {
        let operation = graph.operation(at);
        let dims = graph.dims(at);
        let (step, before) = step(graph, &operation)?;
        if let Some(step) = step {
            links.push(Link { step, operation: at.operation, dims });
        }
        at = before;
        if links.len() > 10_000 {
            return None;
        }
    }
    links.reverse();
    Some(links)
}

/// The step that an operation makes, if it does anything, and the value before it.
fn step(graph: &Graph, operation: &Operation) -> Option<(Option<Step>, Symbol)> {
    let Source::Op(op) = &operation.source else { return None };
    let first = *operation.inputs.first()?;
    let some = |step: Step| Some((Some(step), first));
    match op {
        Op::Pointwise(Pointwise::Identity) => Some((None, first)),
        Op::Pointwise(Pointwise::Unary(unary @ (Unary::Relu | Unary::Sigmoid | Unary::Tanh))) => {
            some(Step::Function(*unary))
        }
        Op::Pointwise(Pointwise::Binary(Binary::Mul)) => {
            let second = operation.inputs[1];
            match (graph.scalar(first), graph.scalar(second)) {
                (None, Some(factor)) => some(Step::Scale(factor)),
                (Some(factor), None) => Some((Some(Step::Scale(factor)), second)),
                _ => None,
            }
        }
        Op::Pointwise(Pointwise::Binary(Binary::RealDiv | Binary::Div)) => {
            let divisor = graph.scalar(operation.inputs[1]).filter(|divisor| *divisor != 0.0)?;
            some(Step::Scale(1.0 / divisor))
        }
        Op::Array(Array::Reshape) => {
            let dims = &operation.results[0].dims;
            let sample: Option<Vec<i64>> = dims.0.get(1..)?.iter().copied().collect();
            // The batch stays a dim of its own.
            let rest = Dims(graph.dims(first).0.get(1..)?.to_vec());
            let sample = sample.filter(|sample| rest.numel() == Dims::known(sample).numel())?;
            some(Step::Reshape(sample))
        }
        Op::Linear(Linear::MatMul { transpose_a: false, transpose_b: false }) => {
            let weights = variable(graph, operation.inputs[1])?;
            (graph.dims(first).rank() == 2).then_some(())?;
            some(Step::Linear { weights, bias: None })
        }
        Op::Windowed(Windowed::Conv2d(window)) => {
            let weights = variable(graph, operation.inputs[1])?;
            some(Step::Convolution { weights, bias: None, window: *window })
        }
        Op::Linear(Linear::BiasAdd) | Op::Pointwise(Pointwise::Binary(Binary::Add)) => {
            let (value, bias) = match variable(graph, operation.inputs[1]) {
                Some(bias) => (first, bias),
                None => (operation.inputs[1], variable(graph, first)?),
            };
            let is_vector = graph.with(|state| state.variables[bias].dims.len() == 1);
            let before = graph.operation(value);
            // Biases upon biases are no layer, however many there are.
            if !matches!(before.source, Source::Op(Op::Linear(Linear::MatMul { .. }) | Op::Windowed(_))) {
                return None;
            }
            let (step, further) = step(graph, &before)?;
            match step? {
                Step::Linear { weights, bias: None } if is_vector => {
                    Some((Some(Step::Linear { weights, bias: Some(bias) }), further))
                }
                Step::Convolution { weights, bias: None, window } if is_vector => {
                    Some((Some(Step::Convolution { weights, bias: Some(bias), window }), further))
                }
                _ => None,
            }
        }
        Op::Windowed(Windowed::MaxPool { kernel, window }) => some(Step::MaxPool { kernel: *kernel, window: *window }),
        Op::Windowed(Windowed::AvgPool { kernel, window }) => some(Step::AvgPool { kernel: *kernel, window: *window }),
        Op::Random(Random::Dropout(keep)) => some(Step::Dropout(*keep)),
        Op::Loss(Loss::Softmax(1)) if operation.results[0].dims.rank() == 2 => some(Step::Softmax),
        _ => None,
    }
}

/// The trainable variable that a value is.
fn variable(graph: &Graph, symbol: Symbol) -> Option<usize> {
    match graph.operation(symbol).source {
        Source::Variable(index) => graph.with(|state| state.variables[index].trainable).then_some(index),
        _ => None,
    }
}

/// Whether two stages have one chain but for dropout.
pub(super) fn agree(train: &[Link], evaluate: &[Link]) -> bool {
    let lasting = |links: &[Link]| -> Vec<Step> {
        links.iter().map(|link| link.step.clone()).filter(|step| !matches!(step, Step::Dropout(_))).collect()
    };
    lasting(train) == lasting(evaluate) && !evaluate.iter().any(|link| matches!(link.step, Step::Dropout(_)))
}

/// What the loss compares the output with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The images themselves, by mean squared error.
    Images,
    /// The labels, by mean squared error.
    Labels,
    /// The labels are classes, by cross entropy of logits.
    Classes,
}

/// The loss when it is one that a criterion of our own computes.
pub(super) fn target(
    graph: &Graph,
    loss: Symbol,
    output: Symbol,
    images: Symbol,
    labels: Option<Symbol>,
) -> Option<Target> {
    use crate::nn::dataflow::{Reduce, Reduction};
    let mean = graph.operation(loss);
    let Source::Op(Op::Reduction(Reduction::Over { reduce: Reduce::Mean, axes, .. })) = &mean.source else {
        return None;
    };
    let each = mean.inputs[0];
    if axes.len() != graph.dims(each).rank() {
        return None;
    }
    let each = graph.operation(each);
    let (a, b) = match &each.source {
        Source::Op(Op::Loss(Loss::SparseSoftmaxCrossEntropy)) => {
            let is_own = Some(each.inputs[0]) == labels && each.inputs[1] == output;
            return (is_own && graph.dims(output).rank() == 2).then_some(Target::Classes);
        }
        Source::Op(Op::Pointwise(Pointwise::Unary(Unary::Square))) => {
            let difference = graph.operation(each.inputs[0]);
            if !matches!(difference.source, Source::Op(Op::Pointwise(Pointwise::Binary(Binary::Sub)))) {
                return None;
            }
            (difference.inputs[0], difference.inputs[1])
        }
        Source::Op(Op::Pointwise(Pointwise::Binary(Binary::SquaredDifference))) => (each.inputs[0], each.inputs[1]),
        _ => return None,
    };
    let other = if a == output {
        b
    } else if b == output {
        a
    } else {
        return None;
    };
    // Nothing may be repeated by broadcasting.
    if !same(&graph.dims(output), &graph.dims(other)) {
        return None;
    }
    let other = unshaped(graph, other);
    if other == images {
        Some(Target::Images)
    } else if Some(other) == labels {
        Some(Target::Labels)
    } else {
        None
    }
}

/// What a reshape was made of, where TensorFlow's order of elements is that of images with their planes in front.
fn unshaped(graph: &Graph, symbol: Symbol) -> Symbol {
    let operation = graph.operation(symbol);
    if let Source::Op(Op::Array(Array::Reshape)) = &operation.source
        && let Some(&before) = operation.inputs.first()
        && let [_, Some(h), Some(w), Some(c)] = *graph.dims(before).0.as_slice()
        && (c == 1 || h * w == 1)
    {
        return before;
    }
    symbol
}

fn same(a: &Dims, b: &Dims) -> bool {
    a.rank() == b.rank() && a.0.iter().zip(&b.0).skip(1).all(|(a, b)| a.is_some() && a == b)
}
