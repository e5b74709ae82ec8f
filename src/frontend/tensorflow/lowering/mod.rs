//! Lowering: the graphs of a network's stages become one `nn::Network`.
//!
//! **In:** a graph and its towers. **Out:** [`Lowered`]. **Never:** the file's language, batches.
//!
//! A chain of known layers becomes the modules that the Lua form of the network has, on planes-first images, and trains on
//! the same engine. Anything else becomes a dataflow program.

mod chain;
mod modules;
mod object;
mod parameters;
mod program;
mod summaries;
#[cfg(test)]
mod tests;
mod tower;
mod updates;

use std::rc::Rc;

use self::{chain::Target, parameters::Made};
use super::state::{Graph, Source, Symbol};
use crate::{
    error::{Error, Kind, Result},
    nn::{
        Activity, BatchReduction, Context, Criterion, FileLayout, Mode, Network, Node, ReportedTerm, Scores,
        criteria::{class_nll::ClassNll, cross_entropy::CrossEntropy, mse::Mse},
        dataflow::{self, Array, Labels, Loss, Op, Pointwise, Taught},
    },
    torch::Element,
};

pub(super) use modules::layer_name;
pub use summaries::Summaries;
pub use tower::{GradientChange, Tower};

/// A network, and what is known of it besides.
pub struct Lowered {
    /// The network.
    pub network: Network,
    /// Whether the loss compares with the images themselves: the target of a batch is its input then.
    pub target_is_input: bool,
    /// The evaluating stage's summaries.
    pub summaries: Summaries,
}

/// Lowers the stages `train` and `evaluate` (validation, or inference without losses). Labels are as `labels` says. The
/// penalties of regularisation are reported with the loss; with `regularized` they are part of it.
///
/// # Errors
/// A page when the stages do not fit each other, or memory is short.
pub fn lower(
    graph: &Graph,
    train: &Tower,
    evaluate: &Tower,
    labels: Labels,
    regularized: bool,
    (kind, device): (tch::Kind, tch::Device),
) -> Result<Lowered> {
    let penalties = graph.collection(super::variables::REGULARIZATION_LOSSES, None);
    // Sums over all elements do not mind a module's layout; a penalty that looks at places would.
    let layered =
        layered(graph, train, evaluate).filter(|_| penalties.iter().all(|&penalty| sums_over_all(graph, penalty)));
    // So would code of the file's that sees gradients.
    let layered = layered.filter(|_| train.updates.is_empty());
    let wanted = match &layered {
        Some((plan, _)) => plan.layouts.clone(),
        None => read_by(graph, &[train, evaluate])
            .into_iter()
            .map(|index| (index, FileLayout::same(&graph.with(|state| state.variables[index].dims.clone()))))
            .collect(),
    };
    let made = parameters::make(graph, &wanted, kind, device)?;
    let mut reported = reported(graph, &penalties, &made, kind, device)?;
    let (root, criterion, label, target_is_input): (Rc<Node>, Box<dyn Criterion>, String, bool) = match layered {
        Some((plan, target)) => {
            let root = plan.build(graph, &made, Element::of(kind).unwrap_or(Element::Float), device.is_cuda())?;
            let (criterion, label) = criterion(target);
            (root, criterion, label.to_string(), target == Target::Images)
        }
        None => {
            let (root, losses, label) = dataflow_network(graph, train, evaluate, labels, &made, kind, device)?;
            (root, Box::new(losses), label, false)
        }
    };
    let (criterion, label) = match reported.take_if(|_| regularized) {
        Some(_) if !criterion.taught().is_empty() => {
            return Err(Error::new(
                Kind::Usage,
                "regularisation is no part of losses that teach some of the variables each",
            )
            .with_help("leave --tf-regularize out, or add the penalties to the losses in the file"));
        }
        Some(term) => {
            let sum: Box<dyn Criterion> = Box::new(Regularized { criterion, term });
            (sum, format!("{label} + regularisation"))
        }
        None => (criterion, label),
    };
    let criterion_origin = train.losses.first().and_then(|(loss, _)| graph.operation(*loss).origin);
    let summaries = Summaries::new(graph, evaluate, &made, labels, (kind, device));
    let gradient_update = updates::update(graph, train, &made, (kind, device))?;
    let Made { parameters, .. } = made;
    let network = Network {
        root,
        criterion,
        criterion_label: label,
        criterion_origin,
        reported,
        gradient_update,
        draws: None,
        parameters,
        kind,
        device,
    };
    Ok(Lowered { network, target_is_input, summaries })
}

/// The network of the stage `looking` (without losses) as the text of a Lua file; `None` when it is no chain of Torch7's
/// modules.
///
/// # Errors
/// When memory is short.
pub fn in_torch(
    graph: &Graph,
    train: &Tower,
    looking: &Tower,
    (kind, device): (tch::Kind, tch::Device),
) -> Result<Option<String>> {
    // Where the file sees gradients, no modules of Torch7 were trained.
    let Some((plan, _)) = layered(graph, train, looking).filter(|_| train.updates.is_empty()) else { return Ok(None) };
    let made = parameters::make(graph, &plan.layouts, kind, device)?;
    let lines = plan.in_torch(&made, Element::of(kind).unwrap_or(Element::Float))?;
    let lines: Vec<String> = lines.iter().map(|line| format!("net:add({line})")).collect();
    Ok(Some(format!(
        "local net = nn.Sequential()\n{}\nreturn {{ model = net, loss = nn.MSECriterion() }}\n",
        lines.join("\n")
    )))
}

/// The plan of modules, when both stages are one chain of known layers and the loss is a known one.
fn layered(graph: &Graph, train: &Tower, evaluate: &Tower) -> Option<(modules::Plan, Target)> {
    let (&[output], &[(loss, None)]) = (train.outputs.as_slice(), train.losses.as_slice()) else { return None };
    let &[tested] = evaluate.outputs.as_slice() else { return None };
    let image = |tower: &Tower| -> Option<[i64; 3]> {
        let sizes: Option<Vec<i64>> = graph.dims(tower.images).0.get(1..)?.iter().copied().collect();
        sizes?.try_into().ok()
    };
    let lasting = chain::recognise(graph, evaluate.images, tested)?;
    if evaluate.losses.is_empty() {
        // An unknown loss says nothing of the images; none is computed here.
        let target = chain::target(graph, loss, output, train.images, train.labels).unwrap_or(Target::Labels);
        return Some((modules::plan(graph, &lasting, image(evaluate)?)?, target));
    }
    let links = chain::recognise(graph, train.images, output)?;
    if !chain::agree(&links, &lasting) || !train.reported.is_empty() {
        return None;
    }
    let target = chain::target(graph, loss, output, train.images, train.labels)?;
    match evaluate.losses.as_slice() {
        &[(loss, None)] if chain::target(graph, loss, tested, evaluate.images, evaluate.labels) == Some(target) => {}
        _ => return None,
    }
    Some((modules::plan(graph, &links, image(train)?)?, target))
}

/// Whether a penalty treats all elements of a variable alike.
fn sums_over_all(graph: &Graph, penalty: Symbol) -> bool {
    use crate::nn::dataflow::{Binary, Linear, Op, Pointwise, Reduce, Reduction, Unary};
    graph.ancestors(penalty).into_iter().all(|at| {
        graph.with(|state| {
            let operation = &state.operations[at];
            match &operation.source {
                Source::Constant(constant) => constant.values.len() == 1,
                Source::Variable(_) => true,
                Source::Feed(_) => false,
                Source::Op(Op::Linear(Linear::L2Loss) | Op::Pointwise(Pointwise::AddN)) => true,
                Source::Op(Op::Pointwise(Pointwise::Unary(Unary::Abs | Unary::Square))) => true,
                Source::Op(Op::Pointwise(Pointwise::Binary(Binary::Mul | Binary::Add))) => true,
                Source::Op(Op::Reduction(Reduction::Over { reduce: Reduce::Sum, .. })) => {
                    operation.results[0].dims.rank() == 0
                }
                Source::Op(_) => false,
            }
        })
    })
}

/// The criterion of a known loss, and how it prints.
fn criterion(target: Target) -> (Box<dyn Criterion>, &'static str) {
    match target {
        Target::Images | Target::Labels => (Box::new(Mse { size_average: true }), "digits.mse_loss: nn.MSECriterion"),
        Target::Classes => {
            let nll = ClassNll { weights: None, size_average: true, ignore_index: -100 };
            (Box::new(CrossEntropy(Box::new(nll))), "digits.classification_loss: nn.CrossEntropyCriterion")
        }
    }
}

/// The numbers of the variables that these stages read, or that are trained anyway.
fn read_by(graph: &Graph, towers: &[&Tower]) -> Vec<usize> {
    let values = towers.iter().flat_map(|tower| {
        let losses = tower.losses.iter().map(|(loss, _)| *loss);
        tower.outputs.iter().copied().chain(losses).chain(tower.reported.iter().copied())
    });
    graph.variables_of(&values.collect::<Vec<_>>(), |_| false)
}

fn dataflow_network(
    graph: &Graph,
    train: &Tower,
    evaluate: &Tower,
    labels: Labels,
    made: &Made,
    kind: tch::Kind,
    device: tch::Device,
) -> Result<(Rc<Node>, dataflow::Losses, String)> {
    let groups = |tower: &Tower| {
        let losses = tower.losses.iter().map(|(loss, _)| *loss).collect();
        [tower.outputs.clone(), losses, tower.reported.clone()]
    };
    let program = |tower: &Tower| program::program(graph, &groups(tower), &made.leaves, kind, device);
    let (first, second) = (program(train)?, program(evaluate)?);
    let left = updates::left(graph, train, made);
    let taught = taught(graph, train, made, left.iter().any(|left| !left.is_empty()))?;
    let (root, losses) =
        dataflow::towers(first, second, labels, Taught { by_loss: taught, left }, scores(graph, evaluate, labels));
    let class = "tf.Graph".to_string();
    let node = Node {
        path: String::new(),
        label: class.clone(),
        class,
        origin: None,
        parameters: Vec::new(),
        module: Box::new(root),
    };
    Ok((Rc::new(node), losses, loss_label(graph, train)))
}

/// What the output's numbers stand for where the labels are classes: rows of probabilities, or of any numbers.
fn scores(graph: &Graph, tower: &Tower, labels: Labels) -> Option<Scores> {
    let &[output] = tower.outputs.as_slice() else { return None };
    let Labels::ClassesFromOne(classes) = labels else { return None };
    let is_classifier = match *graph.dims(output).0.as_slice() {
        // Fewer numbers than classes are no answer among them: the file's own loss judges those.
        [_, Some(columns)] => columns >= classes,
        [_, None] => true,
        _ => false,
    };
    is_classifier.then(|| if are_chances(graph, output) { Scores::Probabilities } else { Scores::Logits })
}

/// Whether a value is made by a softmax.
#[must_use]
pub fn are_chances(graph: &Graph, value: Symbol) -> bool {
    let operation = graph.operation(value);
    match operation.source {
        Source::Op(Op::Loss(Loss::Softmax(_))) => true,
        Source::Op(Op::Pointwise(Pointwise::Identity) | Op::Array(Array::Reshape)) => {
            operation.inputs.first().is_some_and(|&before| are_chances(graph, before))
        }
        _ => false,
    }
}

/// A loss with the penalties of regularisation in it.
struct Regularized {
    criterion: Box<dyn Criterion>,
    term: ReportedTerm,
}

impl Criterion for Regularized {
    fn reduction(&self) -> BatchReduction {
        self.criterion.reduction()
    }

    fn forward(&self, input: &Activity, target: &Activity, cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let loss = self.criterion.forward(input, target, cx)?;
        let term = (self.term)()?.f_reshape(loss.size())?;
        // A mean over the parts of a batch has it once; a sum over them must not have it for each.
        let share = cx.share_of_batch();
        let counts_once = share == 1.0 || self.reduction() == BatchReduction::Mean;
        Ok(loss.f_add(&if counts_once { term } else { term.f_mul_scalar(share)? })?)
    }

    fn scores(&self) -> Option<Scores> {
        self.criterion.scores()
    }
}

/// The losses by name; of classifiers with the word that says that outputs are logits.
fn loss_label(graph: &Graph, tower: &Tower) -> String {
    let names: Vec<String> = tower
        .losses
        .iter()
        .map(|(loss, _)| {
            let name = graph.operation(*loss).name;
            name.split_once('/').map_or(name.clone(), |(_, rest)| rest.to_string())
        })
        .collect();
    let compares_logits = tower.losses.iter().any(|(loss, _)| {
        graph.with(|state| {
            graph.ancestors(*loss).into_iter().any(|at| {
                let operation = &state.operations[at];
                let is_cross_entropy = matches!(
                    operation.source,
                    Source::Op(Op::Loss(Loss::SparseSoftmaxCrossEntropy | Loss::SoftmaxCrossEntropy))
                );
                is_cross_entropy && operation.inputs.get(1) == tower.outputs.first()
            })
        })
    });
    let names = names.join(", ");
    if compares_logits { format!("{names}: softmax CrossEntropy") } else { names }
}

/// For each of several losses the parameters that it teaches; empty where one teaches all and leaves none as it is.
fn taught(graph: &Graph, tower: &Tower, made: &Made, leaves_some: bool) -> Result<Vec<Vec<usize>>> {
    if tower.losses.iter().all(|(_, variables)| variables.is_none()) && tower.losses.len() < 2 && !leaves_some {
        return Ok(Vec::new());
    }
    let all = || (0..made.parameters.list.len()).collect();
    tower
        .losses
        .iter()
        .map(|(loss, variables)| {
            let Some(variables) = variables else { return Ok(all()) };
            let places = variables.iter().map(|&symbol| match graph.operation(symbol).source {
                // A variable that nothing reads has no gradient in TensorFlow either.
                Source::Variable(index) => Ok(made.leaves.get(&index).and_then(|(_, place)| *place)),
                _ => Err(Error::new(Kind::Network, "'vars' of a loss holds something that is no variable")
                    .with_fact("it holds", graph.name(symbol))
                    .at(graph.operation(*loss).origin.as_ref())
                    .with_help("take them from tf.trainable_variables()")),
            });
            Ok(places.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
        })
        .collect()
}

/// The sum of the regularisation losses as a function of the parameters as they are.
fn reported(
    graph: &Graph,
    penalties: &[Symbol],
    made: &Made,
    kind: tch::Kind,
    device: tch::Device,
) -> Result<Option<ReportedTerm>> {
    let known: Vec<Symbol> = penalties
        .iter()
        .copied()
        .filter(|&penalty| {
            graph.variables_of(&[penalty], |_| false).iter().all(|index| made.leaves.contains_key(index))
        })
        .collect();
    if known.is_empty() {
        return Ok(None);
    }
    let program = program::program(graph, &[known], &made.leaves, kind, device)?;
    Ok(Some(Box::new(move || {
        let nothing = tch::Tensor::f_zeros([0], (kind, device))?;
        let mut cx = Context::new(Mode::Evaluate);
        let terms = program.get(0, &mut program.begin(&nothing, None), &mut cx)?;
        let mut sum = tch::Tensor::f_zeros(&[] as &[i64], (kind, device))?;
        for term in terms {
            sum = sum.f_add(&term.f_sum(kind)?)?;
        }
        Ok(sum)
    })))
}
