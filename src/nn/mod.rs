//! The network: modules, criteria, parameters, and the tree of nodes that a front end lowers a file into.
//!
//! **In:** the fields of a module's object (`Fields`), tensors. **Out:** `Network`: forward, loss, gradients in one
//! flat vector. **Never:** Lua or Python, files, the training loop.
//!
//! Adding a module: one file in `modules/` with its `SPEC`, one word in `modules!`, a row with its formula in
//! `tests/golden/nn/*.py` (contributing.md says how). A criterion: the same in `criteria/`.

mod activity;
mod backward;
mod classes;
pub mod criteria;
mod cut;
pub mod dataflow;
mod fields;
mod file_layout;
mod gradient_check;
mod init;
mod layout;
mod memory_format;
mod module;
pub mod modules;
mod network;
mod noise;
mod parameters;
mod rearranged;
mod refusals;
mod scores;
mod spec;
#[cfg(test)]
pub(crate) mod testing;
mod window;

pub use activity::{Activity, HookCode, LabelHook, Phase, ScalarsOf, Seen, Shape, View, ViewsOf};
pub use backward::{gradients, scaled, weighted};
pub use classes::{spec, specs};
pub use cut::Cut;
pub use fields::{Fields, Value};
pub use file_layout::FileLayout;
pub use gradient_check::{CheckedGradients, ComparedGradient, check_gradients, noise};
pub use init::{set_arguments, set_parameters, uniform_reset};
pub use layout::{arranged, arranged_kernels, axis, pair, planes, pooled_size};
pub use memory_format::MemoryFormat;
pub use module::{BatchReduction, Context, Criterion, GradientUpdate, Mode, Module, Node, Observer, ReportedTerm};
pub use network::{Draws, Network};
pub use parameters::{Buffer, Parameter, Parameters, Stored};
pub use refusals::{check_classes, missing, size_mismatch};
pub use scores::Scores;
pub use spec::{Arg, ArgKind, Args, Build, Builder, Init, Missing, Probe, Reset, Spec, optional, required, signature};
