//! TensorFlow 1.x as DIGITS' networks use it: a symbolic graph with scopes, variables and collections, and its lowering to
//! `nn::Network`.
//!
//! **In:** calls, from a language that evaluates the file. **Out:** [`Graph`]; [`lower`]: a `Network` with TensorFlow's
//! names. **Never:** the language itself, datasets, the training loop.
//!
//! `state` holds the types, `graph` operations and names, `scopes` who is called what, `variables` what is learned,
//! `initializers` how it starts, `teaching` what a loss reaches; `ops`, `layers` and `losses` are the functions of `tf`, `tf.nn`, `slim` and `digits`, composed of the primitives
//! of `nn::dataflow`; `lowering` makes a chain of known layers the very modules that the Lua form has, so that the same
//! engine trains it, and anything else a dataflow program.

pub mod convolution1d;
mod graph;
pub mod initializers;
pub mod layers;
pub mod losses;
mod lowering;
pub mod ops;
mod printed;
mod scopes;
mod state;
mod summaries;
mod teaching;
mod variables;

pub use lowering::{GradientChange, Lowered, Summaries, Tower, are_chances, in_torch, lower};
pub use printed::printed;
pub use scopes::{Opened, SCOPE_NAMES, is_scope_name};
pub use state::{
    Constant, Fans, Feed, Graph, InitialValue, Initializer, Operation, Regularizer, Reuse, ScopeGuard, Source, Spread,
    Summary, SummaryKind, Symbol, Variable, VariableScope,
};
pub use variables::{REGULARIZATION_LOSSES, VariableRequest};
