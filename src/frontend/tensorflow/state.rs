//! The types of a graph, which name each other: symbols, operations, variables, scopes, initializers, regularizers,
//! summaries. What they do stands in the files beside this one.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use crate::{
    error::{Origin, Result},
    nn::dataflow::{DType, Meta, Op},
    torch::Generator,
};

/// A symbolic tensor: result `output` of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol {
    /// Number of the operation in its graph.
    pub operation: usize,
    /// 0-based result.
    pub output: usize,
}

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feed {
    /// The images of a batch.
    Images,
    /// Their labels.
    Labels,
    /// The gradient of a loss with regard to a variable, numbered in the order in which the file gets them.
    Gradient(usize),
}

/// Numbers of the file.
#[derive(Debug, PartialEq)]
pub struct Constant {
    /// In row-major order; whole numbers and truth values as floats.
    pub values: Vec<f64>,
}

/// Where an operation's results come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// The batch.
    Feed(Feed),
    /// The file.
    Constant(Rc<Constant>),
    /// A variable, by its number.
    Variable(usize),
    /// A computation.
    Op(Op),
}

/// An operation of the graph.
#[derive(Debug, Clone)]
pub struct Operation {
    /// TensorFlow's name, such as `train/model/fc1/MatMul`.
    pub name: String,
    /// What makes its results.
    pub source: Source,
    /// What it reads.
    pub inputs: Vec<Symbol>,
    /// Type and sizes of each result.
    pub results: Vec<Meta>,
    /// The line that made it.
    pub origin: Option<Origin>,
}

/// A graph; clones are the same graph.
#[derive(Clone)]
pub struct Graph(pub(super) Rc<RefCell<State>>);

pub(super) struct State {
    pub(super) operations: Vec<Operation>,
    pub(super) variables: Vec<Variable>,
    /// The numbers of variables, by name.
    pub(super) named: HashMap<String, usize>,
    /// The numbers of those that `get_variable` may find again, by name.
    pub(super) shared: HashMap<String, usize>,
    /// Numbers in all variables.
    pub(super) learned: i64,
    pub(super) scopes: Scopes,
    pub(super) collections: HashMap<String, Vec<Symbol>>,
    pub(super) summaries: Vec<Summary>,
    pub(super) generator: RefCell<Generator>,
    /// Results of all operations.
    pub(super) made: usize,
    /// Numbers in all constants.
    pub(super) constants: usize,
    pub(super) origin: Option<Origin>,
}

/// Names of operations: unique in the graph, prefixed by the open scopes.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) used: HashMap<String, u64>,
    pub(super) current: String,
}

/// Whether variables of a scope may be, must be, or must not be there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reuse {
    /// New ones only.
    #[default]
    Create,
    /// Existing ones only.
    Reuse,
    /// Existing ones, else new ones.
    Auto,
}

/// A variable scope as `with … as scope` hands it out. Clones are the same scope.
#[derive(Clone)]
pub struct VariableScope(pub(super) Rc<RefCell<Fields>>);

#[derive(Clone)]
pub(super) struct Fields {
    pub(super) name: String,
    /// Of operations made inside, such as `train/model/fc1/`.
    pub(super) name_scope: String,
    pub(super) reuse: Reuse,
    pub(super) initializer: Option<Initializer>,
    pub(super) regularizer: Option<Regularizer>,
}

/// Everything about scopes in one graph.
pub(super) struct Scopes {
    pub(super) names: Names,
    pub(super) variable_scope: VariableScope,
    /// How often each variable scope was opened, for default names.
    pub(super) counts: HashMap<String, u64>,
}

/// Closes a scope when it is dropped.
pub struct ScopeGuard {
    pub(super) graph: Graph,
    pub(super) names_before: String,
    pub(super) variables: Option<Before>,
}

pub(super) struct Before {
    pub(super) scope: VariableScope,
    /// The scope that was opened.
    pub(super) opened: String,
    /// Counts to restore, when an existing scope was entered again.
    pub(super) counts: Option<HashMap<String, u64>>,
}

/// A penalty on a variable.
#[derive(Clone)]
pub enum Regularizer {
    /// scale · Σ|w|
    L1(f64),
    /// scale · Σw²/2
    L2(f64),
    /// Both.
    L1L2(f64, f64),
    /// A function of the user's; `None` where it gives no penalty.
    Function(Rc<dyn Fn(Symbol) -> Result<Option<Symbol>>>),
}

/// A variable.
#[derive(Debug)]
pub struct Variable {
    /// TensorFlow's name without `:0`, such as `model/fc1/weights`.
    pub name: String,
    /// Sizes in TensorFlow's layout.
    pub dims: Vec<i64>,
    /// Element type.
    pub dtype: DType,
    /// Whether gradients change it.
    pub trainable: bool,
    /// First value, f32 (whole numbers: i64) on the processor.
    pub initial: tch::Tensor,
    /// The value as the graph reads it.
    pub read: Symbol,
    /// The line that made it.
    pub origin: Option<Origin>,
    /// Whether `get_variable` made it.
    pub(super) is_shared: bool,
}

/// Which connections scale a variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fans {
    /// Those that come in.
    In,
    /// Those that go out.
    Out,
    /// Half of both.
    Average,
}

/// How numbers spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Evenly.
    Uniform,
    /// A bell cut at two deviations, as wide as it says before the cut.
    Truncated,
    /// The same, as wide as it says after the cut.
    CorrectedTruncated,
    /// A whole bell.
    Normal,
}

/// Makes the first value of a variable of these sizes and this type.
pub type InitialValue = dyn Fn(&[i64], DType) -> Result<Symbol>;

/// What gives a variable its first value.
#[derive(Clone)]
pub enum Initializer {
    /// These numbers in order, the last one repeated.
    Constant(Rc<Vec<f64>>),
    /// From `a` up to `b`.
    Uniform(f64, f64),
    /// Mean and deviation.
    Normal(f64, f64),
    /// Mean and deviation before the cut.
    TruncatedNormal(f64, f64),
    /// A variance of scale / fans.
    VarianceScaling {
        /// Factor of the variance.
        scale: f64,
        /// What divides it.
        fans: Fans,
        /// The distribution.
        spread: Spread,
    },
    /// Rows (or columns) at right angles, times a gain.
    Orthogonal(f64),
    /// Ones on the diagonal, times a gain.
    Identity(f64),
    /// The value of this tensor.
    Value(Symbol),
    /// A function of the user's: sizes in, tensor out.
    Function(Rc<InitialValue>),
}

/// What a summary shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SummaryKind {
    /// A number, averaged and logged.
    Scalar,
    /// Images, at most this many.
    Image(i64),
    /// How numbers spread.
    Histogram,
    /// Anything else; never shown.
    Other,
}

/// A summary of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The name that the file gave.
    pub tag: String,
    /// What it shows.
    pub kind: SummaryKind,
    /// Of what.
    pub value: Symbol,
}
