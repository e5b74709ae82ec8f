//! `Spec`: a class declared once. From it come the Lua constructor, its defaults, the signature in the docs, the
//! text of "bad argument", the printed form and the lowering.

use std::rc::Rc;

use super::{
    fields::{Fields, MOST_INT, Value},
    module::{Criterion, Module, Node},
    refusals::missing,
};
use crate::{
    error::{Error, Kind, Result},
    torch::{Generator, Tensor},
};

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// A whole number.
    Int,
    /// Any number.
    Number,
    /// true or false.
    Bool,
    /// A string.
    Text,
    /// A tensor of any type.
    Tensor,
    /// This and all further arguments: whole numbers, or one `LongStorage` or list of them.
    Sizes,
    /// This and all further arguments, as a list that the constructor itself checks.
    Rest,
    /// Checked by the constructor itself.
    Any,
}

impl ArgKind {
    fn words(self) -> &'static str {
        match self {
            ArgKind::Int | ArgKind::Number => "number",
            ArgKind::Bool => "boolean",
            ArgKind::Text => "string",
            ArgKind::Tensor => "tensor",
            ArgKind::Sizes => "sizes",
            ArgKind::Any | ArgKind::Rest => "value",
        }
    }
}

/// The value of an argument that was not given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Missing {
    /// It must be given.
    Error,
    /// It stays nil: the constructor decides.
    Nil,
    /// A number.
    Number(f64),
    /// A truth value.
    Bool(bool),
}

/// One argument of a constructor, in Torch's spelling.
#[derive(Debug, Clone, Copy)]
pub struct Arg {
    /// Torch's name for it, such as `nInputPlane`.
    pub name: &'static str,
    /// What it must be.
    pub kind: ArgKind,
    /// What it is when not given.
    pub default: Missing,
}

/// An argument that must be given.
#[must_use]
pub const fn required(name: &'static str, kind: ArgKind) -> Arg {
    Arg { name, kind, default: Missing::Error }
}

/// An argument that may be left out.
#[must_use]
pub const fn optional(name: &'static str, kind: ArgKind, default: Missing) -> Arg {
    Arg { name, kind, default }
}

/// The checked arguments of one call.
#[derive(Debug)]
pub struct Args<'a> {
    args: &'a [Arg],
    values: Vec<Value>,
}

impl<'a> Args<'a> {
    /// Checks `given` against the declaration.
    ///
    /// # Errors
    /// `bad argument #2 (outputSize) to nn.Linear is nil: number expected`, with the signature.
    pub fn check(class: &str, args: &'a [Arg], mut given: Vec<Value>) -> Result<Args<'a>> {
        let bad = |i: usize, arg: &Arg, got: &Value| {
            let what = format!("#{} ({}) to {class}", i + 1, arg.name);
            Error::new(Kind::Argument, got.misfit(&what, arg.kind.words())).with_fact("usage", signature(class, args))
        };
        let far = |i: usize, arg: &Arg, number: f64| {
            let message = format!("#{} ({}) to {class}: {number} is no whole number within 2^31", i + 1, arg.name);
            Error::new(Kind::Argument, message).with_fact("usage", signature(class, args))
        };
        let mut values = Vec::with_capacity(args.len());
        for (i, arg) in args.iter().enumerate() {
            if arg.kind == ArgKind::Rest {
                values.push(Value::List(if given.len() > i { given.split_off(i) } else { vec![] }));
                break;
            }
            if arg.kind == ArgKind::Sizes {
                let rest = if given.len() > i { given.split_off(i) } else { vec![] };
                let sizes = match rest.as_slice() {
                    [Value::List(list)] => list.clone(),
                    [Value::Sizes(sizes)] => sizes.iter().map(|&size| Value::from(size)).collect(),
                    [Value::Tensor(tensor)] => tensor.values()?.into_iter().map(Value::Number).collect(),
                    _ => rest,
                };
                if let Some(wrong) = sizes.iter().find(|v| !matches!(v, Value::Number(_))) {
                    return Err(bad(i, arg, wrong));
                }
                if sizes.is_empty() && arg.default == Missing::Error {
                    return Err(bad(i, arg, &Value::Nil));
                }
                values.push(Value::List(sizes));
                break;
            }
            let value = given.get(i).cloned().unwrap_or(Value::Nil);
            let is_number = matches!(arg.kind, ArgKind::Number | ArgKind::Int);
            let value = match value {
                // Torch7 writes `eps or 1e-5`: false is no number given.
                Value::Bool(false) if is_number && arg.default != Missing::Error => Value::Nil,
                // Lua takes text that is a number for one.
                Value::Text(text) if is_number => text.trim().parse().map_or(Value::Text(text), Value::Number),
                value => value,
            };
            let value = match (value, arg.default) {
                (Value::Nil, Missing::Error) => return Err(bad(i, arg, &Value::Nil)),
                (Value::Nil, Missing::Nil) => Value::Nil,
                (Value::Nil, Missing::Number(number)) => Value::Number(number),
                (Value::Nil, Missing::Bool(flag)) => Value::Bool(flag),
                (value, _) => {
                    let fits = match arg.kind {
                        ArgKind::Number => matches!(value, Value::Number(_)),
                        ArgKind::Int => match value {
                            Value::Number(number) if number.abs() <= MOST_INT => true,
                            Value::Number(number) => return Err(far(i, arg, number)),
                            _ => false,
                        },
                        ArgKind::Bool => matches!(value, Value::Bool(_)),
                        ArgKind::Text => matches!(value, Value::Text(_)),
                        ArgKind::Tensor => matches!(value, Value::Tensor(_)),
                        ArgKind::Sizes | ArgKind::Rest | ArgKind::Any => true,
                    };
                    if !fits {
                        return Err(bad(i, arg, &value));
                    }
                    value
                }
            };
            values.push(value);
        }
        Ok(Args { args, values })
    }

    /// The value of the argument called `name`.
    ///
    /// # Panics
    /// When the spec declares no such argument: a mistake in this crate, found by any test that constructs it.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        let i = self.args.iter().position(|arg| arg.name == name).expect("a constructor reads only declared arguments");
        &self.values[i]
    }

    /// The names of the declared arguments, in order.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.args.iter().map(|arg| arg.name)
    }

    /// Whether the spec declares an argument of this name (classes of one family differ in a few).
    #[must_use]
    pub fn has_argument(&self, name: &str) -> bool {
        self.args.iter().any(|arg| arg.name == name)
    }

    /// Whether it was given or has a default.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        !matches!(self.value(name), Value::Nil)
    }

    /// A number; NaN when it is nil.
    #[must_use]
    pub fn number(&self, name: &str) -> f64 {
        match self.value(name) {
            Value::Number(number) => *number,
            _ => f64::NAN,
        }
    }

    /// A number, or `default` when it is nil (for defaults that depend on other arguments).
    #[must_use]
    pub fn number_or(&self, name: &str, default: f64) -> f64 {
        match self.value(name) {
            Value::Number(number) => *number,
            _ => default,
        }
    }

    /// A whole number; 0 when it is nil.
    #[must_use]
    pub fn int(&self, name: &str) -> i64 {
        self.number_or(name, 0.0) as i64
    }

    /// A whole number, or `default` when it is nil.
    #[must_use]
    pub fn int_or(&self, name: &str, default: i64) -> i64 {
        self.number_or(name, default as f64) as i64
    }

    /// Lua's truth of it.
    #[must_use]
    pub fn truthy(&self, name: &str) -> bool {
        !matches!(self.value(name), Value::Nil | Value::Bool(false))
    }

    /// The list of a `Sizes` argument.
    #[must_use]
    pub fn sizes(&self, name: &str) -> Vec<i64> {
        match self.value(name) {
            Value::List(values) => {
                values.iter().filter_map(|v| if let Value::Number(n) = v { Some(*n as i64) } else { None }).collect()
            }
            _ => vec![],
        }
    }

    /// The values of a `Rest` argument.
    #[must_use]
    pub fn rest(&self, name: &str) -> &[Value] {
        match self.value(name) {
            Value::List(values) => values,
            _ => &[],
        }
    }

    /// The tensor of a `Tensor` argument.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        match self.value(name) {
            Value::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }
}

/// `nn.Linear(inputSize, outputSize [, bias=true])`
#[must_use]
pub fn signature(class: &str, args: &[Arg]) -> String {
    let mut text = format!("{class}(");
    for (i, arg) in args.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        let dots = if matches!(arg.kind, ArgKind::Sizes | ArgKind::Rest) { "…" } else { "" };
        match arg.default {
            Missing::Error => text += &format!("{comma}{}{dots}", arg.name),
            Missing::Nil => text += &format!("[{comma}{}{dots}]", arg.name),
            Missing::Number(number) => text += &format!("[{comma}{}={number}]", arg.name),
            Missing::Bool(flag) => text += &format!("[{comma}{}={flag}]", arg.name),
        }
    }
    text + ")"
}

/// What a spec's `build` may ask for while it makes the Rust module of one object. Implemented by the front end,
/// once for lowering a whole network and once for a single eager call.
pub trait Builder {
    /// The object's fields.
    fn fields(&self) -> &dyn Fields;

    /// The differentiable libtorch tensor of a parameter field, on the same memory; `None` when the field is nil.
    ///
    /// # Errors
    /// When the field holds something else.
    fn parameter(&mut self, name: &str) -> Result<Option<tch::Tensor>>;

    /// The libtorch tensor of a field that is state but not learned (`running_mean`), on the same memory.
    ///
    /// # Errors
    /// When the field holds something else.
    fn buffer(&mut self, name: &str) -> Result<Option<tch::Tensor>>;

    /// The children in field `modules`, in order.
    ///
    /// # Errors
    /// When one of them cannot be built.
    fn children(&mut self) -> Result<Vec<Rc<Node>>>;

    /// The module in field `name`.
    ///
    /// # Errors
    /// When there is none or it cannot be built.
    fn child(&mut self, name: &str) -> Result<Rc<Node>>;

    /// The criterion in field `name`.
    ///
    /// # Errors
    /// When there is none or it cannot be built.
    fn criterion(&mut self, name: &str) -> Result<Box<dyn Criterion>>;

    /// The criteria in list field `name`, in order.
    ///
    /// # Errors
    /// When one of them cannot be built.
    fn criteria(&mut self, name: &str) -> Result<Vec<Box<dyn Criterion>>>;

    /// What the object's own method `method` answers: for what no field says, such as the wiring of a graph.
    ///
    /// # Errors
    /// When it has no such method, or the method fails.
    fn ask(&mut self, method: &str) -> Result<Value> {
        Err(Error::new(Kind::Network, format!("the object has no method '{method}'")))
    }
}

impl dyn Builder + '_ {
    /// A parameter that the module cannot do without, of one of these numbers of `dims` (any, when there are none): a file
    /// may have put another tensor there.
    ///
    /// # Errors
    /// When the field is nil, holds something else, or has other dims.
    pub fn learned(&mut self, name: &str, dims: &[usize]) -> Result<tch::Tensor> {
        let Some(parameter) = self.parameter(name)? else { return Err(missing(self.fields(), name)) };
        if dims.is_empty() || dims.contains(&parameter.dim()) {
            return Ok(parameter);
        }
        let wanted: Vec<String> = dims.iter().map(|dims| format!("{dims}D")).collect();
        let page = Error::new(Kind::Shape, format!("{} of {} has other dims", name, self.fields().class()));
        Err(page
            .with_fact("it has", format!("{:?}", parameter.size()))
            .with_fact("it should be", wanted.join(" or "))
            .with_help(format!("give {name} the shape that the constructor gave it")))
    }
}

/// How the Rust object is made from the fields.
#[derive(Clone, Copy)]
pub enum Build {
    /// A module.
    Module(fn(&mut dyn Builder) -> Result<Box<dyn Module>>),
    /// A criterion.
    Criterion(fn(&mut dyn Builder) -> Result<Box<dyn Criterion>>),
}

/// Fills the fields of a new object from its arguments; the parent's constructor has run.
pub type Init = fn(&Args<'_>, &dyn Fields, &mut Generator) -> Result<()>;

/// Draws the parameters anew: `reset([stdv])`.
pub type Reset = fn(&dyn Fields, Option<f64>, &mut Generator) -> Result<()>;

/// A class that network files can construct.
#[derive(Clone, Copy)]
pub struct Spec {
    /// The class names it goes by, the first one its own: `nn.ReLU`, `cudnn.ReLU`.
    pub classes: &'static [&'static str],
    /// The arguments of the constructor, in order.
    pub args: &'static [Arg],
    /// The native constructor; `None` when the class is written in the Lua prelude (containers, decorators).
    pub init: Option<Init>,
    /// Native `reset`; `None` when there is nothing to draw.
    pub reset: Option<Reset>,
    /// The printed form after the class name, such as `(784 -> 300)`.
    pub print: fn(&dyn Fields) -> Result<String>,
    /// Fields that `clearState` empties, besides `output` and `gradInput`.
    pub buffers: &'static [&'static str],
    /// Whether the output looks at the input's memory (`nn.View`) where it can; only calls from Lua see it.
    pub looks_at_input: bool,
    /// Whether gradInput looks at gradOutput's memory where it can, as `nn.View`'s; only calls from Lua see it.
    pub looks_at_gradient: bool,
    /// The Rust object.
    pub build: Build,
    /// An example; the every-module test (`tests/it/modules.rs`) demands a case with reference numbers for it.
    pub probe: Probe,
}

/// One example of a class: Lua arguments, and the Lua expression of an input that fits them. What it gives stands in
/// `tests/golden/nn/*.json`.
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    /// Lua text between the constructor's brackets, such as `4, 3`.
    pub args: &'static str,
    /// A Lua expression giving an input, such as `torch.randn(2, 4)`.
    pub input: &'static str,
    /// For criteria, a Lua expression giving a target, `nil` where none is looked at; empty for modules.
    pub target: &'static str,
}

impl Probe {
    /// An example of a module.
    #[must_use]
    pub const fn module(args: &'static str, input: &'static str) -> Probe {
        Probe { args, input, target: "" }
    }

    /// An example of a criterion.
    #[must_use]
    pub const fn criterion(args: &'static str, input: &'static str, target: &'static str) -> Probe {
        Probe { args, input, target }
    }
}

impl Spec {
    /// The defaults of every optional entry, to be overridden with `..Spec::module(…)`.
    #[must_use]
    pub const fn module(
        classes: &'static [&'static str],
        build: fn(&mut dyn Builder) -> Result<Box<dyn Module>>,
        probe: Probe,
    ) -> Spec {
        Spec::with_defaults(classes, Build::Module(build), probe)
    }

    /// The same for a criterion.
    #[must_use]
    pub const fn criterion(
        classes: &'static [&'static str],
        build: fn(&mut dyn Builder) -> Result<Box<dyn Criterion>>,
        probe: Probe,
    ) -> Spec {
        Spec::with_defaults(classes, Build::Criterion(build), probe)
    }

    const fn with_defaults(classes: &'static [&'static str], build: Build, probe: Probe) -> Spec {
        Spec {
            classes,
            args: &[],
            init: None,
            reset: None,
            print: prints_nothing,
            buffers: &[],
            looks_at_input: false,
            looks_at_gradient: false,
            build,
            probe,
        }
    }

    /// Its own class name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.classes[0]
    }
}

fn prints_nothing(_: &dyn Fields) -> Result<String> {
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGS: &[Arg] = &[
        required("inputSize", ArgKind::Int),
        required("outputSize", ArgKind::Int),
        optional("bias", ArgKind::Bool, Missing::Bool(true)),
    ];

    #[test]
    fn a_missing_argument_is_named_with_the_signature() {
        let error = Args::check("nn.Linear", ARGS, vec![Value::Number(10.0)]).unwrap_err();
        assert_eq!(error.message(), "#2 (outputSize) to nn.Linear is nil: number expected");
        assert!(error.to_string().contains("nn.Linear(inputSize, outputSize[, bias=true])"));
    }

    #[test]
    fn defaults_fill_in() {
        let args = Args::check("nn.Linear", ARGS, vec![Value::Number(2.0), Value::Number(3.0)]).unwrap();
        assert!(args.truthy("bias"));
        assert_eq!(args.int("outputSize"), 3);
    }
}
