//! Gradients that code of the user's computes, held against finite differences: of every module and criterion with a
//! backward of its own, its `gradInput` and the gradients of its parameters.
//!
//! The derivative of a number s along one entry is taken as (s(x + ε) − s(x − ε)) / 2ε, for a module with s = Σ output·g and
//! a random g. Entries are tried one by one, up to [`ENTRIES`] of a tensor, then all of them along one random direction, so
//! that no entry is left out.

use serde::Serialize;

use super::{
    activity::{Activity, Shape},
    backward::{gradients, weighted},
    module::{Context, Mode, Node, Observer},
    network::Network,
    parameters::Parameter,
};
use crate::{
    error::{Error, Kind, Origin, Result},
    torch::Generator,
};

/// Entries of a tensor that are tried one by one.
const ENTRIES: i64 = 24;
/// Steps of the differences, in double precision; where the first disagrees the second decides, for a kink may lie between.
const STEPS: [f64; 2] = [1e-5, 1e-7];
/// A relative error above this is a wrong gradient.
const TOLERANCE: f64 = 1e-4;
/// Derivatives are compared relative to the larger one, but at least to this share of the tensor's largest.
const FLOOR: f64 = 1e-3;
/// What two derivatives may differ by and still count as equal: the rounding of the differences.
const ROUNDING: f64 = 1e-8;

/// How one gradient compares.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedGradient {
    /// `gradInput`, of a table of inputs `gradInput[2]`, or a parameter: `weight`.
    pub name: String,
    /// The largest relative error found.
    pub relative_error: f64,
    /// Where: an entry, counted from 1, such as `[1, 3]`, or `all entries along one direction`.
    pub at: String,
    /// The derivative there as backward gives it.
    pub backward: f64,
    /// The same by finite differences.
    pub differences: f64,
}

/// How the gradients of one module or criterion compare.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckedGradients {
    /// Path as in Lua, `2.1`; empty for the root; `loss` for the criterion.
    pub path: String,
    /// As it prints.
    pub module: String,
    /// `file:line` that built it.
    pub place: Option<String>,
    /// One entry a gradient.
    pub gradients: Vec<ComparedGradient>,
    /// Why it was not compared, when it was not.
    pub skipped: Option<String>,
    /// The page, where one of its gradients is wrong.
    #[serde(skip)]
    pub page: Option<Error>,
}

impl CheckedGradients {
    /// The largest relative error of all its gradients.
    #[must_use]
    pub fn largest(&self) -> Option<f64> {
        self.gradients.iter().map(|gradient| gradient.relative_error).reduce(f64::max)
    }

    /// Whether every gradient is that of the output.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.largest().is_none_or(|largest| largest <= TOLERANCE)
    }
}

/// Compares the gradients of every part of `network`, which must be of double precision on the processor, that has a
/// backward of its own. A random batch of `[n, c, h, w]` goes through the network, so that each module gets what it would
/// get; the criterion is tried on the output with the first of `targets` that it takes.
///
/// # Errors
/// When the network refuses the batch, or a part fails while it is tried: its page, with the place.
pub fn check_gradients(
    network: &Network,
    size: &[i64],
    targets: &mut dyn FnMut(&Activity, &Activity) -> Vec<Activity>,
) -> Result<Vec<CheckedGradients>> {
    let mut random = Generator::new(1);
    let input = Activity::from(noise(&mut random, size)?);
    let mut inputs = Inputs::default();
    let output =
        tch::no_grad(|| network.forward(&input, &mut Context::new(Mode::Train).observed(&mut inputs).towards(&input)))?;
    let mut found = Vec::new();
    for (path, input) in &inputs.0 {
        let Some(node) = network.root.walk().into_iter().find(|node| node.path == *path) else { continue };
        let learned = node.parameters.iter().filter_map(|&index| network.parameters.list.get(index));
        let learned: Vec<&Parameter> = learned.filter(|parameter| parameter.learns).collect();
        let part = Part::of_module(network, node, learned);
        found.push(compare(&part, input, &mut random).map_err(|page| part.placed(page))?);
    }
    if network.criterion.has_own_backward() {
        let mut page = None;
        for target in targets(&input, &output) {
            let part = Part::of_criterion(network, target);
            match compare(&part, &output, &mut random) {
                Ok(checked) => {
                    found.push(checked);
                    return Ok(found);
                }
                Err(error) => page = page.or(Some(part.placed(error))),
            }
        }
        let why = page.map_or_else(|| "no target is known".to_string(), |page| page.message().to_string());
        let part = Part::of_criterion(network, input);
        found.push(part.checked(Vec::new(), Some(format!("it takes none of the targets that were tried: {why}"))));
    }
    Ok(found)
}

/// What goes into each module with a backward of its own, by path.
#[derive(Default)]
struct Inputs(Vec<(String, Activity)>);

impl Observer for Inputs {
    fn saw(&mut self, node: &Node, input: &Activity, _output: &Activity) {
        if node.module.has_own_backward() && self.0.iter().all(|(path, _)| *path != node.path) {
            let copy = input.map(&mut |tensor| Ok(tensor.f_detach_copy()?));
            self.0.extend(copy.ok().map(|copy| (node.path.clone(), copy)));
        }
    }
}

/// Output of an input.
type Forward<'a> = Box<dyn Fn(&Activity, &mut Context<'_>) -> Result<Activity> + 'a>;

/// A module or a criterion as a function of its input.
struct Part<'a> {
    path: String,
    label: String,
    origin: Option<Origin>,
    steps: Vec<String>,
    learned: Vec<&'a Parameter>,
    network: &'a Network,
    forward: Forward<'a>,
}

impl<'a> Part<'a> {
    fn of_module(network: &'a Network, node: &'a Node, learned: Vec<&'a Parameter>) -> Part<'a> {
        let is_above = |above: &Node| {
            above.path.is_empty() || node.path == above.path || node.path.starts_with(&format!("{}.", above.path))
        };
        let steps = network.root.walk().into_iter().filter(|above| is_above(above)).map(Node::title).collect();
        Part {
            path: node.path.clone(),
            label: node.label.clone(),
            origin: node.origin.clone(),
            steps,
            learned,
            network,
            forward: Box::new(move |input, cx| node.module.forward(input, cx)),
        }
    }

    fn of_criterion(network: &'a Network, target: Activity) -> Part<'a> {
        Part {
            path: "loss".into(),
            label: network.criterion_label.clone(),
            origin: network.criterion_origin.clone(),
            steps: vec![format!("loss: {}", network.criterion_label)],
            learned: Vec::new(),
            network,
            forward: Box::new(move |input, cx| Ok(network.criterion.forward(input, &target, cx)?.into())),
        }
    }

    /// The page with the place that built this part, and its way through the network.
    fn located(&self, page: Error) -> Error {
        self.steps.iter().rev().fold(page, |page, step| page.in_module(step.as_str())).at(self.origin.as_ref())
    }

    fn placed(&self, page: Error) -> Error {
        self.located(page).with_fact("while", "its gradients were compared with finite differences")
    }

    fn checked(&self, gradients: Vec<ComparedGradient>, skipped: Option<String>) -> CheckedGradients {
        let place = self.origin.as_ref().map(ToString::to_string);
        let (path, module) = (self.path.clone(), self.label.clone());
        let mut checked = CheckedGradients { path, module, place, gradients, skipped, page: None };
        if !checked.is_right() {
            checked.page = Some(self.page(&checked.gradients));
        }
        checked
    }

    fn page(&self, gradients: &[ComparedGradient]) -> Error {
        let wrong: Vec<&ComparedGradient> = gradients.iter().filter(|one| one.relative_error > TOLERANCE).collect();
        let names: Vec<&str> = wrong.iter().map(|one| one.name.as_str()).collect();
        let message = format!("backward of {} is not the gradient of its forward: {}", self.label, names.join(", "));
        let mut page = self.located(Error::new(Kind::Network, message));
        for one in wrong {
            let value = format!("{:.6} at {}; finite differences give {:.6}", one.backward, one.at, one.differences);
            page = page.with_fact(one.name.as_str(), value);
        }
        let is_input = names.iter().any(|name| name.starts_with("gradInput"));
        page.with_help(match (self.path.as_str(), is_input) {
            ("loss", _) => {
                "let updateGradInput set self.gradInput to the derivative of updateOutput's number by each input"
            }
            (_, true) => "let updateGradInput give gradOutput times the derivative of updateOutput by the input",
            _ => {
                "let accGradParameters add scale times gradOutput times the derivative of updateOutput by the parameter"
            }
        })
    }

    /// Σ output·g for an input.
    fn number(&self, input: &Activity, g: &Activity) -> Result<f64> {
        let output = tch::no_grad(|| (self.forward)(input, &mut Context::new(Mode::Train)))?;
        let mut sum = 0.0;
        for (y, g) in output.tensors().iter().zip(g.tensors()) {
            sum += y.f_mul(&g.f_reshape(y.size())?)?.f_sum(tch::Kind::Double)?.f_double_value(&[])?;
        }
        Ok(sum)
    }
}

/// Standard normal numbers in double precision.
///
/// # Errors
/// When libtorch refuses.
pub fn noise(random: &mut Generator, size: &[i64]) -> Result<tch::Tensor> {
    let count = size.iter().product::<i64>();
    let values: Vec<f64> = (0..count).map(|_| random.normal(0.0, 1.0)).collect();
    Ok(tch::Tensor::f_from_slice(&values)?.f_reshape(size)?)
}

fn compare(part: &Part<'_>, input: &Activity, random: &mut Generator) -> Result<CheckedGradients> {
    let own = input.map(&mut |tensor| Ok(tensor.f_detach_copy()?))?;
    let plain = |part: &Part<'_>| tch::no_grad(|| (part.forward)(&own, &mut Context::new(Mode::Train)));
    let first = plain(part)?.map(&mut |tensor| Ok(tensor.f_detach_copy()?))?;
    let again = plain(part)?;
    let pairs: Vec<_> = first.tensors().into_iter().zip(again.tensors()).collect();
    for (one, other) in &pairs {
        if one.size() != other.size() || !one.f_equal(other)? {
            let why = "it gives another output for the same input: noise has no derivative to compare with";
            return Ok(part.checked(Vec::new(), Some(why.into())));
        }
        if one.f_isfinite()?.f_all()?.f_int64_value(&[])? == 0 {
            return Ok(part.checked(Vec::new(), Some("its output for random numbers is not finite".into())));
        }
    }
    let g = first.map(&mut |tensor| noise(random, &tensor.size()))?;

    // As training does it: a graph that ends in a cut, and the user's backward.
    part.network.parameters.zero_grad()?;
    let leaves = own.map(&mut |tensor| {
        let leaf = tensor.f_detach_copy()?;
        Ok(if leaf.is_floating_point() { leaf.set_requires_grad(true) } else { leaf })
    })?;
    let mut cx = Context::new(Mode::Train);
    let output = (part.forward)(&leaves, &mut cx)?;
    let all: Vec<&tch::Tensor> = leaves.tensors().into_iter().filter(|leaf| leaf.requires_grad()).collect();
    let grads = gradients(weighted(&output, &g)?, cx.take_cuts(), &all)?;

    let mut found = Vec::new();
    let tensors = own.tensors();
    let several = tensors.len() > 1;
    let real = tensors.iter().enumerate().filter(|(_, tensor)| tensor.is_floating_point());
    for ((index, tensor), grad) in real.zip(grads) {
        let name = if several { format!("gradInput[{}]", index + 1) } else { "gradInput".into() };
        let grad = grad.map_or_else(|| tensor.f_zeros_like(), Ok)?;
        found.extend(of_tensor(name, tensor, &grad, random, &mut || part.number(&own, &g))?);
    }
    for parameter in &part.learned {
        let name = parameter.name.rsplit('.').next().unwrap_or(&parameter.name).to_string();
        let value = parameter.leaf.detach();
        let grad = parameter.grad.f_detach_copy()?;
        found.extend(of_tensor(name, &value, &grad, random, &mut || part.number(&own, &g))?);
    }
    Ok(part.checked(found, None))
}

/// Compares the gradient of one tensor, whose memory is changed and put back; `number` gives s.
fn of_tensor(
    name: String,
    tensor: &tch::Tensor,
    grad: &tch::Tensor,
    random: &mut Generator,
    number: &mut dyn FnMut() -> Result<f64>,
) -> Result<Option<ComparedGradient>> {
    let size = tensor.size();
    let count = tensor.numel() as i64;
    if count == 0 || grad.numel() != tensor.numel() {
        return Ok(None);
    }
    let before = tensor.f_detach_copy()?;
    let mut tensor = tensor.shallow_clone();
    let mut directions: Vec<(String, tch::Tensor)> = Vec::new();
    let chosen: Vec<i64> = match count {
        ..=ENTRIES => (0..count).collect(),
        _ => (0..ENTRIES).map(|_| random.between(0, count - 1)).collect(),
    };
    for entry in chosen {
        let direction = before.f_zeros_like()?.f_contiguous()?.f_reshape([-1])?;
        let _ = direction.f_narrow(0, entry, 1)?.f_fill_(1.0)?;
        directions.push((position(entry, &size), direction.f_reshape(&size)?));
    }
    if count > ENTRIES {
        directions.push(("all entries along one direction".into(), noise(random, &size)?));
    }
    let mut difference = |direction: &tch::Tensor, step: f64| -> Result<f64> {
        let mut at = |factor: f64| -> Result<f64> {
            tch::no_grad(|| tensor.f_copy_(&before.f_add(&direction.f_mul_scalar(factor)?)?))?;
            number()
        };
        let ends = at(step).and_then(|up| Ok((up, at(-step)?)));
        tch::no_grad(|| tensor.f_copy_(&before))?;
        let (up, down) = ends?;
        Ok((up - down) / (2.0 * step))
    };
    let grad = grad.f_to_kind(tch::Kind::Double)?.f_reshape(&size)?;
    let mut all = Vec::new();
    for (at, direction) in directions {
        let backward = grad.f_mul(&direction)?.f_sum(tch::Kind::Double)?.f_double_value(&[])?;
        let differences = difference(&direction, STEPS[0])?;
        all.push((at, direction, backward, differences));
    }
    let largest = all.iter().map(|(_, _, backward, differences)| backward.abs().max(differences.abs()));
    let floor = largest.fold(0.0, f64::max) * FLOOR;
    let mut worst: Option<ComparedGradient> = None;
    for (at, direction, backward, mut differences) in all {
        let mut relative_error = relative(backward, differences, floor);
        if relative_error > TOLERANCE {
            let finer = difference(&direction, STEPS[1])?;
            if relative(backward, finer, floor) < relative_error {
                (relative_error, differences) = (relative(backward, finer, floor), finer);
            }
        }
        // Of derivatives that are wrong alike (a lost sign) the first is named, whatever the rounding.
        if worst.as_ref().is_none_or(|worst| relative_error > 1.001 * worst.relative_error) {
            worst = Some(ComparedGradient { name: name.clone(), relative_error, at, backward, differences });
        }
    }
    Ok(worst)
}

fn relative(a: f64, b: f64, floor: f64) -> f64 {
    let difference = (a - b).abs();
    match difference.is_finite() {
        true if difference <= ROUNDING => 0.0,
        true => difference / a.abs().max(b.abs()).max(floor),
        false => f64::INFINITY,
    }
}

/// An entry by its indices, counted from 1 as in Lua.
fn position(mut entry: i64, size: &[i64]) -> String {
    let mut indices = Vec::new();
    for &extent in size.iter().rev() {
        indices.push(entry % extent + 1);
        entry /= extent;
    }
    indices.reverse();
    Shape::Tensor(indices).to_string()
}
