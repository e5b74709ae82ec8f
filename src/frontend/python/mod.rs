//! The Python front end's language: the declarative part of Python 3 that DIGITS' TensorFlow network files use.
//!
//! **In:** the text of a network file; native modules and objects ([`Module`], [`Native`]). **Out:** values, and pages with the
//! line that caused them. **Never:** TensorFlow, files, the network: what a file can reach is what was handed in.
//!
//! The way of a file: `syntax` checks its nesting, has it parsed by a kept crate and makes our own `tree`, in which names
//! have places; `interpreter.rs` runs that under the limits of [`Options`], with `statements.rs`, `expressions.rs`,
//! `calls.rs` … each holding one kind of operation; `library` is what Python brings along. The types that name each other
//! stand together in `value.rs`; what they do stands beside it, so that no two files import each other.
//!
//! Python 3 semantics, checked against CPython (`tests/golden/python`), with these differences:
//! - Integers have 64 bits; what leaves them raises `OverflowError`, as does a literal beyond.
//! - A set keeps the order of insertion; a `repr` shows no address.
//! - No `yield`, `async`, `match`, bytes, complex numbers, relative imports; no class derived from a built-in type other than
//!   `object` and the exceptions. Each is a page that names it.
//! - What leads out of the file (`open`, `eval`, `__import__`, `__globals__`, `__subclasses__` …) ends the run, whatever
//!   `except` says, as do the limits.
//! - `__dict__` is a copy.

mod assign;
mod attributes;
mod calls;
mod classes;
mod clock;
mod compare;
mod construct;
mod containers;
mod exceptions;
mod expressions;
mod format;
mod frame;
mod freed;
mod generator;
pub mod heap;
mod import;
mod interpreter;
mod items;
mod iterate;
mod kinds;
mod library;
mod names;
mod numbers;
mod object;
mod operators;
mod options;
mod percent;
mod raised;
mod range;
mod running;
mod show;
mod signature;
mod statements;
mod syntax;
mod table;
mod text;
mod tree;
mod value;

#[cfg(test)]
mod tests;

pub use kinds::{Binary, Comparison, ExceptionKind, ParameterKind, Type, Unary};
pub use options::Options;
pub use range::Range;
pub use text::Text;
pub use value::{
    Arguments, Class, Descriptor, Dict, Given, Instance, Interpreter, Iter, List, Method, Module, Names, Native,
    NativeFunction, Outcome, Parameter, Raised, Run, Set, Signature, Slice, Step, Tuple, Value,
};
