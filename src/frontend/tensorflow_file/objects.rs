//! The objects that a file holds, which name each other: the shared graph, tensors, shapes, types, initializers,
//! regularizers, summaries, scopes. What they do stands in the files beside this one.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::{Rc, Weak},
};

use crate::{
    frontend::{
        python::{Interpreter, NativeFunction, Raised, Value},
        tensorflow::{Graph, Initializer, Regularizer, Symbol, VariableScope},
    },
    nn::dataflow::{DType, Dim, Dims},
};

/// What all functions of the modules share.
pub(super) struct Tf {
    pub(super) graph: Graph,
    pub(super) tensors: RefCell<HashMap<Symbol, Weak<Tensor>>>,
    /// Arguments by function, for each open `arg_scope`, innermost last.
    pub(super) arguments: RefCell<Vec<Scoped>>,
    /// Python values that a file put into collections of its own.
    pub(super) collections: RefCell<HashMap<String, Vec<Value>>>,
    /// Runs the file.
    pub(super) python: RefCell<Weak<Interpreter>>,
    /// An exception of the file's on its way through the graph's functions.
    pub(super) deferred: RefCell<Option<Raised>>,
}

/// Arguments that `arg_scope` gives to functions, by the function's address.
pub(super) type Scoped = HashMap<usize, Vec<(Rc<str>, Value)>>;

/// A tensor of the graph.
pub(super) struct Tensor {
    pub(super) tf: Rc<Tf>,
    pub(super) symbol: Symbol,
}

/// What made a tensor.
pub(super) struct OperationValue {
    pub(super) tf: Rc<Tf>,
    pub(super) symbol: Symbol,
}

/// The sizes of a tensor.
pub(super) struct ShapeValue(pub(super) Dims);

/// One extent.
pub(super) struct Dimension(pub(super) Dim);

/// `tf.float32` and its kin.
pub(super) struct DTypeValue(pub(super) DType);

/// An initializer; called, it gives an initial value.
pub(super) struct InitializerValue {
    pub(super) tf: Rc<Tf>,
    pub(super) initializer: Initializer,
    pub(super) name: &'static str,
}

/// A function that makes initializers, such as `tf.zeros_initializer`: files also give it where an initializer is wanted.
pub(super) struct Factory {
    pub(super) function: Rc<NativeFunction>,
    pub(super) name: &'static str,
}

/// A regularizer; called, it gives the penalty of a tensor.
pub(super) struct RegularizerValue {
    pub(super) tf: Rc<Tf>,
    pub(super) regularizer: Regularizer,
}

/// A summary, by its number in the graph.
pub(super) struct SummaryValue(pub(super) Vec<usize>);

/// Something that a file may hold and hand on, and that does nothing here: a writer of summaries, an operation.
pub(super) struct Inert(pub(super) &'static str);

/// A variable scope as `as scope` names it.
pub(super) struct ScopeValue {
    pub(super) tf: Rc<Tf>,
    pub(super) scope: VariableScope,
}
