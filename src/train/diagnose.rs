//! Where a number that is not finite came from: the first module, the loss, or the update of a parameter.

use std::time::{Duration, Instant};

use super::{engine::Engine, position::Position, snapshot::Snapshot};
use crate::{
    error::{Error, Kind, Origin, Result},
    nn::{Activity, Context, Mode, Network, Node, Observer},
};

/// DIGITS' advice for a loss that is not finite.
pub(super) const ADVICE: &str = "lower the base learning rate (--lr) and try again;\n\
     if it stays, look for a division, logarithm or root of 0 in the network, or for odd values in the data";

/// The advice where nothing was learned yet.
const UNTRAINED: &str = "the loss is not finite with the weights that the run begins with: no learning rate helps;\n\
     look for a division or root of 0, a logarithm of 0 or less, or an overflow in the network, or for odd values in the data";

/// The first place where a value was not finite.
#[derive(Debug, Clone, PartialEq)]
pub enum Culprit {
    /// The batch itself: a record or the mean holds such a value.
    Input,
    /// Parameters that were not finite before the pass began.
    Parameters(Vec<String>),
    /// A module whose input was finite and whose output is not.
    Module {
        /// `(3) nn.Linear(784 -> 300)`
        title: String,
        /// Path from the root.
        path: String,
        /// The line that built it.
        origin: Option<Origin>,
    },
    /// The criterion: its input was finite.
    Loss(String),
    /// The step's update: outputs and loss were finite, these parameters were not afterwards.
    Update(Vec<String>),
    /// Repeating the step gave finite values (possible where the device is not deterministic).
    NotFound,
}

/// What a diagnosis found.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// The first place.
    pub culprit: Culprit,
    /// The step (0-based) where it happened, for a training step.
    pub iteration: Option<u64>,
    /// Largest absolute value among the parameters before it.
    pub largest_parameter: Option<f64>,
    /// Whether the weights are still those that the run began with.
    pub is_untrained: bool,
}

impl Diagnosis {
    /// Whether the place was found.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.culprit != Culprit::NotFound
    }

    /// The page: what is not finite (`the training loss`), and which layer was first.
    #[must_use]
    pub fn page(&self, what: &str, value: f64) -> Error {
        let shown = if value.is_nan() { "nan".to_string() } else { value.to_string() };
        let mut page = Error::new(Kind::Numeric, format!("{what} is {shown}: training cannot go on"));
        let first = match &self.culprit {
            Culprit::Input => "the batch itself: a record or the mean image".to_string(),
            Culprit::Parameters(names) => format!("parameter {}", some(names)),
            Culprit::Module { title, path, origin } => {
                page = page.at(origin.as_ref());
                if path.contains('.') { format!("{title}, at {path}") } else { title.clone() }
            }
            Culprit::Loss(label) => format!("the loss, {label}: its input was still finite"),
            Culprit::Update(names) => format!("the update of {}: output and loss were still finite", some(names)),
            Culprit::NotFound => "not found: the step repeated from the last good state stays finite".to_string(),
        };
        page = page.with_fact("first in", first);
        if let Some(iteration) = self.iteration {
            page = page.with_fact("there at iteration", iteration.to_string());
        }
        if let Some(largest) = self.largest_parameter {
            page = page.with_fact("largest parameter", format!("{largest:.4e} just before"));
        }
        page.with_help(if self.is_untrained { UNTRAINED } else { ADVICE })
    }
}

fn some(names: &[String]) -> String {
    match names {
        [] => "a parameter".to_string(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

/// Looks for the first value that is not finite in a forward pass over `input`, in `mode`.
///
/// # Errors
/// Those of the network.
pub fn diagnose(network: &Network, input: &tch::Tensor, target: &Activity, mode: Mode) -> Result<Culprit> {
    let mut broken = Vec::new();
    for (name, tensor) in network.parameters.named() {
        if !is_finite(&Activity::Tensor(tensor))? {
            broken.push(name.to_string());
        }
    }
    if !broken.is_empty() {
        return Ok(Culprit::Parameters(broken));
    }
    let input = Activity::Tensor(input.shallow_clone());
    if !is_finite(&input)? {
        return Ok(Culprit::Input);
    }
    let mut first = First::default();
    tch::no_grad(|| {
        let mut cx = Context::new(mode).observed(&mut first).towards(target);
        let output = network.forward(&input, &mut cx)?;
        let loss = network.loss(&output, target, &mut cx)?;
        drop(cx);
        if let Some(culprit) = first.found.take() {
            return Ok(culprit);
        }
        let loss_is_finite = is_finite(&Activity::Tensor(loss))?;
        Ok(if loss_is_finite { Culprit::NotFound } else { Culprit::Loss(network.criterion_label.clone()) })
    })
}

/// A training step that went wrong: `broken` are the parameters that were not finite after it.
pub(super) fn training(
    network: &Network,
    input: &tch::Tensor,
    target: &Activity,
    seed: u64,
    broken: Vec<String>,
    iteration: u64,
) -> Result<Diagnosis> {
    tch::manual_seed(seed.cast_signed());
    let culprit = match diagnose(network, input, target, Mode::Train)? {
        Culprit::NotFound if !broken.is_empty() => Culprit::Update(broken),
        culprit => culprit,
    };
    let is_untrained = iteration == 0 && !matches!(culprit, Culprit::Update(_) | Culprit::NotFound);
    Ok(Diagnosis { culprit, iteration: Some(iteration), largest_parameter: largest(network)?, is_untrained })
}

/// A validation batch that went wrong, after so many steps.
pub(super) fn evaluation(network: &Network, input: &tch::Tensor, target: &Activity, steps: u64) -> Result<Diagnosis> {
    let culprit = diagnose(network, input, target, Mode::Evaluate)?;
    Ok(Diagnosis { culprit, iteration: None, largest_parameter: largest(network)?, is_untrained: steps == 0 })
}

fn largest(network: &Network) -> Result<Option<f64>> {
    if network.parameters.count() == 0 {
        return Ok(None);
    }
    Ok(Some(network.parameters.flat.view().f_abs()?.f_max()?.f_double_value(&[])?))
}

/// Remembers the first module with an output that is not finite; children report before their container.
#[derive(Default)]
struct First {
    found: Option<Culprit>,
}

impl Observer for First {
    fn saw(&mut self, node: &Node, _input: &Activity, output: &Activity) {
        // A value that cannot be looked at is not the one that is searched for.
        if self.found.is_none() && !is_finite(output).unwrap_or(true) {
            let (title, path, origin) = (node.title(), node.path.clone(), node.origin.clone());
            self.found = Some(Culprit::Module { title, path, origin });
        }
    }
}

fn is_finite(activity: &Activity) -> Result<bool> {
    for tensor in activity.tensors() {
        if tensor.is_floating_point() && tensor.f_isfinite()?.f_all()?.f_int64_value(&[])? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The last state that is known to be good, in memory: from there a bad step can be repeated and looked into.
pub(super) struct Guard {
    state: Snapshot,
    iteration: u64,
    taken: Instant,
}

/// A newer state is copied at most this often: copying must cost nothing beside training.
const REFRESH: Duration = Duration::from_secs(2);

impl Guard {
    pub(super) fn new(engine: &dyn Engine, position: &Position) -> Result<Guard> {
        Ok(Guard { state: Snapshot::capture(engine)?, iteration: position.iteration, taken: Instant::now() })
    }

    /// Takes the present state when the old one is old; the caller has seen that all losses are finite.
    pub(super) fn refresh(&mut self, engine: &dyn Engine, position: &Position) -> Result<()> {
        if self.is_old() { self.renew(engine, position) } else { Ok(()) }
    }

    /// Whether a newer state is worth a copy.
    pub(super) fn is_old(&self) -> bool {
        self.taken.elapsed() >= REFRESH
    }

    /// Takes the present state; the caller has seen that all losses are finite.
    pub(super) fn renew(&mut self, engine: &dyn Engine, position: &Position) -> Result<()> {
        let state = Snapshot::capture(engine)?;
        self.taken = Instant::now();
        if state.non_finite()?.is_empty() {
            (self.state, self.iteration) = (state, position.iteration);
        }
        Ok(())
    }

    /// Puts the state back; the step that comes next.
    pub(super) fn restore(&self, engine: &mut dyn Engine) -> Result<u64> {
        self.state.restore(engine)?;
        Ok(self.iteration)
    }
}
