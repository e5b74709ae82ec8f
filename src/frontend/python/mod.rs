//! The Python front end's language: the declarative part of Python 3 that DIGITS' TensorFlow network files use.
//!
//! **In:** the text of a network file; native modules and objects ([`Module`], [`Native`]). **Out:** values, and pages with the
//! line that caused them. **Never:** TensorFlow, files, the network: what a file can reach is what was handed in.

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
mod show;
mod signature;
mod statements;
mod syntax;
mod table;
mod tree;
mod value;

pub use kinds::{Binary, Comparison, ExceptionKind, Type, Unary};
pub use options::Options;
pub use value::{
    Arguments, Class, Descriptor, Dict, Given, Instance, Interpreter, Iter, List, Method, Module, Names, Native,
    NativeFunction, Outcome, Parameter, ParameterKind, Raised, Range, Run, Set, Signature, Slice, Step, Text, Tuple,
    Value,
};
