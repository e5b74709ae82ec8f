//! The network: modules, criteria, parameters, and the tree of nodes that a front end lowers a file into.
//!
//! **In:** the fields of a module's object (`Fields`), tensors. **Out:** `Network`: forward, loss, gradients in one
//! flat vector. **Never:** Lua or Python, files, the training loop.
//!
//! Adding a module: one file in `modules/` with its `SPEC`, one word in `modules!`, a row with its formula in
//! `tests/golden/nn/*.py` (contributing.md says how). A criterion: the same in `criteria/`.

mod activity;
mod backward;
mod context;
pub mod criteria;
pub mod dataflow;
mod fields;
mod init;
mod layout;
pub mod modules;
mod network;
mod node;
mod parameters;
mod spec;
#[cfg(test)]
pub(crate) mod testing;

use std::any::Any;

pub use activity::{Activity, Shape};
pub use backward::{product, pull_back};
pub use context::{Context, Cut, Mode, Observer};
pub use fields::{Fields, Value};
pub use init::{set_arguments, set_parameters, uniform_reset};
pub use layout::{arranged, axis, missing, pair, planes, pooled_size};
pub use network::Network;
pub use node::Node;
pub use parameters::{Buffer, Parameter, Parameters};
pub use spec::{Arg, ArgKind, Args, Build, Builder, Init, Missing, Probe, Reset, Spec, optional, required, signature};

use crate::error::{Error, Kind, Result};

/// A layer: a function of its input and its parameters. Backward is libtorch's autograd.
pub trait Module: Any {
    /// The output for `input`. Results are new tensors: Torch7's in-place flags and views are the
    /// affair of calls from Lua (`frontend/lua/sharing.rs`).
    ///
    /// # Errors
    /// `Kind::Shape` when the input does not fit (see [`size_mismatch`]), `Kind::Torch` when libtorch refuses.
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity>;

    /// Whether its output is a new tensor that its own backward does not need, so that a private pass may overwrite it.
    fn leaves_its_output(&self) -> bool {
        false
    }

    /// Floating point operations of one forward pass, a multiply-add counted as two; children not included.
    fn flops(&self, _input: &Shape, _output: &Shape) -> u64 {
        0
    }

    /// The children of a container, in order.
    fn children(&self) -> Vec<&Node> {
        Vec::new()
    }

    /// Writes what Torch7 leaves on the object after a forward pass (`noise`, `indices` …) into its fields.
    /// Called by the eager protocol only.
    ///
    /// # Errors
    /// When the object refuses.
    fn save(&self, _fields: &dyn Fields) -> Result<()> {
        Ok(())
    }
}

/// A loss: a number from an output and a target.
pub trait Criterion: Any {
    /// The loss as a libtorch scalar in the graph of `input`.
    ///
    /// # Errors
    /// `Kind::Shape` when input and target do not fit, `Kind::Torch` when libtorch refuses.
    fn forward(&self, input: &Activity, target: &Activity, cx: &mut Context<'_>) -> Result<tch::Tensor>;

    /// Where several losses each teach parameters of their own (adversarial networks): for each the indices of these in
    /// [`Parameters::list`]. Empty where one loss teaches all.
    fn taught(&self) -> &[Vec<usize>] {
        &[]
    }

    /// The losses that the last `forward` summed up, in the order of [`Criterion::taught`]; handed out once.
    fn losses(&self) -> Vec<tch::Tensor> {
        Vec::new()
    }
}

/// A term of the loss that is reported but not minimised, as DIGITS' TensorFlow tool treats regularisation losses: a
/// libtorch scalar, computed from the parameters as they are.
pub type ReportedTerm = Box<dyn Fn() -> Result<tch::Tensor>>;

/// "size mismatch": the error of a module whose input has another shape. `wants` is in words: `[784] or [n, 784]`.
#[must_use]
pub fn size_mismatch(input: &Activity, wants: impl Into<String>) -> Error {
    Error::new(Kind::Shape, "the input does not fit the module")
        .with_fact("it was given", input.shape())
        .with_fact("it wants", wants.into())
}

/// Checks that targets, of which `low` is the least and `high` the greatest, lie from `least` (1, or 0 where that stands
/// for no class) to `classes`.
///
/// # Errors
/// `Kind::Shape` when one does not.
pub fn check_classes((low, high): (i64, i64), least: i64, classes: i64) -> Result<()> {
    if low >= least && high <= classes {
        return Ok(());
    }
    let wrong = if low < least { low } else { high };
    let page = Error::new(Kind::Shape, format!("target {wrong} is no class from 1 to {classes}"));
    Err(page.with_help(match wrong {
        0 => {
            "classes are counted from 1, as in Torch; a database's labels, which count from 0, do so too once \
             --labels FILE names the classes"
        }
        _ => "let the network's last layer give one value for each class; classes are counted from 1",
    }))
}

/// The spec of a class, by any of its names.
#[must_use]
pub fn spec(class: &str) -> Option<&'static Spec> {
    specs().find(|spec| spec.classes.contains(&class))
}

/// Every class that network files can construct.
pub fn specs() -> impl Iterator<Item = &'static Spec> {
    modules::REGISTRY.iter().chain(criteria::REGISTRY).flat_map(|specs| specs.iter())
}
