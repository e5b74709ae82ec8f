//! `Tf`: the graph as the functions of a file's modules reach it, and how Rust's values and errors become Python's.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use super::objects::{Scoped, Tensor, Tf};
use crate::{
    error::{Error, Kind, Result},
    frontend::{
        python::{Arguments, Given, Interpreter, Module, NativeFunction, Outcome, Raised, Value},
        tensorflow::{self, Graph, Symbol},
    },
};

/// What a function runs.
pub(super) type Body = fn(&Rc<Tf>, &Interpreter, &Given) -> Outcome;

/// A function of a module: its signature, whose last name it has, and what it runs.
pub(super) type Entry = (&'static str, Body);

/// A page as an exception.
pub(super) trait OrRaise<T> {
    /// The value, or the exception: a `ValueError` with the page's facts; limits cannot be caught.
    fn or_raise(self) -> Outcome<T>;
}

impl<T> OrRaise<T> for Result<T> {
    fn or_raise(self) -> Outcome<T> {
        self.map_err(raised)
    }
}

fn raised(page: Error) -> Raised {
    if matches!(page.kind(), Kind::Limit | Kind::Interrupted) {
        return Raised::end(page);
    }
    let mut raised = match page.kind() {
        Kind::Argument if page.message().contains("types") => Raised::type_error(page.message()),
        _ => Raised::value_error(page.message()),
    };
    if !page.module().is_empty() {
        raised = raised.with_fact("in scope", page.module().join("/"));
    }
    for (label, value) in page.facts() {
        raised = raised.with_fact(label, value);
    }
    match page.help() {
        Some(help) => raised.with_help(help),
        None => raised,
    }
}

impl Tf {
    /// Around a graph.
    pub(super) fn new(graph: Graph) -> Rc<Tf> {
        Rc::new(Tf {
            graph,
            tensors: RefCell::default(),
            arguments: RefCell::new(vec![Scoped::new()]),
            collections: RefCell::default(),
            python: RefCell::default(),
            deferred: RefCell::default(),
        })
    }

    /// Says who runs the file.
    pub(super) fn set_python(&self, python: &Rc<Interpreter>) {
        self.python.replace(Rc::downgrade(python));
    }

    /// Calls a function of the file from inside the graph.
    pub(super) fn call(&self, function: &Value, arguments: Arguments) -> Result<Value> {
        let python = self.python.borrow().upgrade();
        let python =
            python.ok_or_else(|| Error::new(Kind::Network, "the file that this function belongs to is gone"))?;
        python.call(function, arguments).map_err(|raised| self.defer(raised))
    }

    /// An exception as a page that [`Tf::settle`] turns back.
    pub(super) fn defer(&self, raised: Raised) -> Error {
        self.deferred.replace(Some(raised));
        Error::new(Kind::Network, "an exception of the file")
    }

    /// A result of the graph's functions that may have called the file.
    pub(super) fn settle<T>(&self, result: Result<T>) -> Outcome<T> {
        match (result, self.deferred.take()) {
            (Err(_), Some(raised)) => Err(raised),
            (result, _) => result.or_raise(),
        }
    }

    /// The object of a tensor: the same one each time.
    pub(super) fn value(self: &Rc<Tf>, symbol: Symbol) -> Value {
        let known = self.tensors.borrow().get(&symbol).and_then(Weak::upgrade);
        let tensor = known.unwrap_or_else(|| {
            let tensor = Rc::new(Tensor { tf: self.clone(), symbol });
            self.tensors.borrow_mut().insert(symbol, Rc::downgrade(&tensor));
            tensor
        });
        Value::Native(tensor)
    }

    /// A list of tensors.
    pub(super) fn values(self: &Rc<Tf>, symbols: Vec<Symbol>) -> Value {
        Value::list(symbols.into_iter().map(|symbol| self.value(symbol)).collect())
    }

    /// Puts functions into a module.
    pub(super) fn fill(self: &Rc<Tf>, module: &Module, entries: &[Entry]) {
        for &(signature, body) in entries {
            module.set(last_name(signature), self.function(signature, body));
        }
    }

    /// A function that knows the graph.
    pub(super) fn function(self: &Rc<Tf>, signature: &'static str, body: Body) -> Value {
        let tf = Rc::downgrade(self);
        NativeFunction::value(signature, move |py, given| {
            let tf = tf.upgrade().ok_or_else(|| Raised::value_error("the graph of this file is gone"))?;
            tf.graph.set_origin(py.origin());
            body(&tf, py, &given)
        })
    }
}

/// `slim.conv2d(inputs, …)`: conv2d.
pub(super) fn last_name(signature: &str) -> &str {
    let name = signature.split_once('(').map_or(signature, |(name, _)| name);
    name.rsplit('.').next().unwrap_or(name)
}

/// The `name` argument.
pub(super) fn name(given: &Given) -> Outcome<Option<&str>> {
    match given.some("name") {
        None => Ok(None),
        Some(_) => given.str("name").and_then(scope_name).map(Some),
    }
}

/// A name that operations may have.
pub(super) fn scope_name(name: &str) -> Outcome<&str> {
    match tensorflow::is_scope_name(name) {
        true => Ok(name),
        false => {
            Err(Raised::value_error(format!("'{name}' is not a valid scope name")).with_help(tensorflow::SCOPE_NAMES))
        }
    }
}
